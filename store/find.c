/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a request to the exchange that answers it (design §7). A hash selects a group, the full
 * comparison decides; a candidate of the same kinds wins over one that is only equal; among equals
 * the recorded order.
 *
 * The cost does not grow with the recording: a group's cursor passes what was given, and the search
 * for a candidate of the same kinds goes LOOK_AHEAD entries. Only hashes that collide, which nobody
 * but the file's maker could arrange, cost more.
 */
#include "store/matcher_state.h"
#include "store/parameters.h"

#define LOOK_AHEAD ((size_t)16)
#define NONE SIZE_MAX
#define COMPARE_BYTES ((size_t)256 * 1024)

static bool same_context(const struct sql_context *a, const struct sql_context *b)
{
	return slice_equal(a->database, b->database) &&
	       slice_equal(a->search_path, b->search_path) && slice_equal(a->role, b->role);
}

/* Values that are kept apart, byte by byte; the rest of the JSON is known to be equal. */
static bool same_parts(struct reader *reader, const struct request *request, int64_t exchange)
{
	for (size_t i = 0; i < request->statement->n_slots; i++) {
		struct slice left = request->values[i].text;
		struct slice piece = { NULL, 0 };
		uint32_t sequence = 0;

		if (!parameters_apart(&request->values[i]))
			continue;
		while (reader_part(reader, exchange, parameters_part(i), sequence++, &piece) > 0) {
			if (!slice_starts_with(left, piece))
				return false;
			left = slice_of(left.data + piece.size, left.size - piece.size);
		}
		if (left.size)
			return false;
	}
	return true;
}

static enum match compare_parsed(struct answers_state *state, const struct request *request,
				 const struct stored_exchange *exchange)
{
	enum match match = MATCH_NO;
	struct sql_statement statement;
	struct sql_context context;
	struct sql_value *values;
	struct arena arena;

	arena_init(&arena);
	if (reader_identity(state->reader, exchange, &arena, &context, &statement, &values) > 0 &&
	    same_context(&context, &request->context) &&
	    slice_equal(statement.canonical, request->statement->canonical) &&
	    statement.n_slots == request->statement->n_slots &&
	    sql_values_equal(request->statement, request->values, values))
		match = sql_kinds_equal(request->values, values, statement.n_slots) ?
				MATCH_SAME_KIND :
				MATCH_EQUAL;
	arena_release(&arena);
	return match;
}

/*
 * Spelled otherwise: 5 and '5', a literal and a bound parameter. The template and the context are
 * known to be equal.
 */
static enum match compare_values(struct answers_state *state, const struct request *request,
				 const struct stored_exchange *exchange)
{
	struct sql_value *values;
	size_t n;

	/* Parts, or what a person made of it. */
	if (sql_values_parse(exchange->parameters, &state->arena, &values, &n) < 0)
		return compare_parsed(state, request, exchange);
	if (n != request->statement->n_slots ||
	    !sql_values_equal(request->statement, request->values, values))
		return MATCH_NO;
	return sql_kinds_equal(request->values, values, n) ? MATCH_SAME_KIND : MATCH_EQUAL;
}

enum match find_compare(struct answers_state *state, const struct request *request, int64_t id)
{
	const struct stored_statement *stored;
	struct stored_exchange exchange;

	if (reader_exchange(state->reader, id, &exchange) <= 0)
		return MATCH_NO;
	if (exchange.edited || exchange.kind == EXCHANGE_PARSE)
		return compare_parsed(state, request, &exchange);
	if (reader_statement(state->reader, exchange.statement, &stored) <= 0 ||
	    !same_context(&stored->context, &request->context) ||
	    !slice_equal(stored->canonical, request->statement->canonical))
		return MATCH_NO;
	if (!slice_equal(exchange.parameters, buffer_slice(&state->json)))
		return compare_values(state, request, &exchange);
	return same_parts(state->reader, request, id) ? MATCH_SAME_KIND : MATCH_NO;
}

/*
 * The entry of [from, to) that answers best, given ones left out if asked; goes backwards when from
 * > to.
 */
static size_t choose(struct answers_state *state, const struct request *request,
		     const struct index_group *group, size_t from, bool only_unused)
{
	size_t equal = NONE;
	size_t looked = 0;

	for (size_t n = 0; n < group->n; n++) {
		size_t i = only_unused ? from + n : (from + group->n - n) % group->n;
		enum match match;

		if (i >= group->n || (equal != NONE && ++looked > LOOK_AHEAD))
			break;
		if (only_unused && index_is_given(group, i))
			continue;
		match = find_compare(state, request, group->first[i].exchange);
		if (match == MATCH_SAME_KIND)
			return i;
		if (match == MATCH_EQUAL && equal == NONE)
			equal = i;
	}
	return equal;
}

/*
 * The place in the cycle that comes next. The second entry's state counts, it has no cursor of its
 * own.
 */
static size_t next_in_cycle(const struct index_group *group)
{
	_Atomic uint32_t *counter = &group->first[group->n > 1].state;
	uint32_t state = atomic_load_explicit(counter, memory_order_relaxed);
	size_t at;

	if (group->n < 2)
		return 0;
	do {
		at = (state & ~INDEX_GIVEN) % group->n;
	} while (!atomic_compare_exchange_weak_explicit(
		counter, &state, (state & INDEX_GIVEN) | (uint32_t)((at + 1) % group->n),
		memory_order_relaxed, memory_order_relaxed));
	return at;
}

/* Would giving this answer again give the same generated thing twice? */
static bool gives_once(struct reader *reader, const struct request *request, int64_t id)
{
	struct slice canonical = request->statement->canonical;
	const struct stored_statement *stored;
	struct stored_exchange exchange;

	switch (request->statement->verb) {
	case SQL_INSERT:
	case SQL_UPDATE:
	case SQL_DELETE:
	case SQL_MERGE:
	case SQL_WITH_WRITE:
		return reader_gave_rows(reader, id) > 0;
	}
	/* What is not edited has its statement's template, where it was looked for once. */
	if (reader_exchange(reader, id, &exchange) > 0 && !exchange.edited &&
	    reader_statement(reader, exchange.statement, &stored) > 0)
		return stored->has_sequence;
	return memmem(canonical.data, canonical.size, "nextval", 7) != NULL;
}

static void set_answer(struct answers_state *state, const struct index_group *group, size_t i,
		       struct answer *answer)
{
	struct stored_exchange exchange;

	if (reader_exchange(state->reader, group->first[i].exchange, &exchange) <= 0)
		return;
	answer->rung = RUNG_EXACT;
	answer->exchange = (uint64_t)exchange.id;
	answer->kind = exchange.kind;
	answer->outcome = exchange.outcome;
	answer->flags = exchange.flags;
}

/* All that were recorded are given: what --repeat says. NONE: a miss. */
static size_t repeat(struct answers_state *state, const struct request *request,
		     const struct index_group *group, bool consume)
{
	struct matcher *matcher = state->matcher;
	size_t from = group->n - 1;
	size_t i;

	if (matcher->options.repeat == REPEAT_ERROR)
		return NONE;
	if (matcher->options.repeat == REPEAT_CYCLE && consume)
		from = next_in_cycle(group);
	i = choose(state, request, group, from, false);
	if (i == NONE || gives_once(state->reader, request, group->first[i].exchange))
		return NONE;
	if (consume)
		atomic_fetch_add_explicit(&matcher->repeated, 1, memory_order_relaxed);
	return i;
}

static bool find_in_group(struct answers_state *state, const struct request *request,
			  const struct index_group *group, bool consume, struct answer *answer)
{
	size_t i;

	if (!group->n)
		return false;
	do { /* another worker may take what was chosen */
		i = choose(state, request, group, index_cursor(group), true);
	} while (i != NONE && consume && !index_give(group, i));
	if (i == NONE) {
		/* Is it there at all? The answer's own, whatever --repeat says of it. */
		if (choose(state, request, group, group->n - 1, false) == NONE)
			return false;
		answer->used_up = true;
		i = repeat(state, request, group, consume);
	}
	if (i == NONE)
		return false;
	answer->used_up = false;
	set_answer(state, group, i, answer);
	return answer->rung == RUNG_EXACT;
}

void find_elsewhere(struct answers_state *state, uint32_t place)
{
	if (state->place == place)
		return;
	state->place = place;
	atomic_fetch_add_explicit(&state->matcher->other_endpoint, 1, memory_order_relaxed);
}

/* A database may become known behind the login (USE), so that a place is found late. */
uint32_t find_place(struct answers_state *state, struct slice database)
{
	if (!state->place)
		find_elsewhere(state, endpoints_only(&state->matcher->endpoints,
						     slice_from_string(state->protocol), database));
	return state->place;
}

void find_answer(struct answers_state *state, const struct request *request, enum match_class class,
		 bool consume, struct answer *ret_answer)
{
	uint64_t hash = sql_exact_hash(&request->context, request->statement, request->values);
	uint32_t place = find_place(state, request->context.database);
	struct index_group group =
		index_find(&state->matcher->index, matcher_key(hash, place, class));

	*ret_answer = (struct answer){ .rung = RUNG_MISS };
	buffer_clear(&state->json);
	if (group.n) /* nothing is compared otherwise */
		parameters_json(request->values, request->statement->n_slots, &state->json);
	if (find_in_group(state, request, &group, consume, ret_answer) && consume)
		atomic_fetch_add_explicit(&state->matcher->exact, 1, memory_order_relaxed);
}
