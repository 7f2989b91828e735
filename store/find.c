/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From an SQL request to the exchange that answers it (design §7). A hash selects a group, the full comparison decides;
 * pick.c has the order among those that are equal.
 */
#include "parsers/answer_cache.h"
#include "parsers/sql/kill.h"
#include "parsers/sql/moment.h"
#include "parsers/sql/qualified.h"
#include "store/matcher_state.h"
#include "store/parameters.h"

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

/* Are they equal by what is known now of their types? */
static bool resolved_equal(struct answers_state *state, const struct request *request,
			   int64_t exchange, struct sql_value *values, struct arena *arena)
{
	matcher_resolve(state->matcher, state->reader, exchange, values,
			request->statement->n_slots, arena);
	return sql_values_equal(request->statement, request->values, values);
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
	    resolved_equal(state, request, exchange->id, values, &arena))
		match = sql_kinds_equal(request->values, values, statement.n_slots) ?
				MATCH_SAME_KIND :
				MATCH_EQUAL;
	arena_release(&arena);
	return match;
}

/*
 * Of a text that could not be prepared neither the values of its literals are stored nor the modes in which it was read, which decide what a
 * backslash is. The hash, which is the request's, was made of both: so the mode is it in which they are equal.
 */
static enum match compare_refused(struct answers_state *state, const struct request *request,
				  const struct stored_exchange *exchange)
{
	const struct stored_statement *stored;
	enum match match = MATCH_NO;
	struct sql_statement statement;
	struct sql_options options;
	struct sql_value *values;
	struct slice text;
	struct arena arena;

	arena_init(&arena);
	text = arena_copy(&arena, exchange->text);
	if (reader_statement(state->reader, exchange->statement, &stored) <= 0 ||
	    !same_context(&stored->context, &request->context)) {
		arena_release(&arena);
		return MATCH_NO;
	}
	if (!text.size)
		text = stored->text;
	for (size_t n = 0;
	     match == MATCH_NO && sql_options_nth((enum sql_dialect)stored->dialect, n, &options);
	     n++) {
		sql_canonicalize(&options, text, &arena, &statement);
		if (statement.n_slots != request->statement->n_slots ||
		    !slice_equal(statement.canonical, request->statement->canonical))
			continue;
		values = arena_alloc(&arena, (statement.n_slots + 1) * sizeof(*values));
		sql_slot_values(&statement, NULL, 0, values);
		if (!sql_values_equal(request->statement, request->values, values))
			continue;
		match = sql_kinds_equal(request->values, values, statement.n_slots) ?
				MATCH_SAME_KIND :
				MATCH_EQUAL;
	}
	arena_release(&arena);
	return match;
}

static bool was_bound(const struct stored_statement *stored, const struct stored_exchange *exchange)
{
	struct slice text = exchange->text.data ? exchange->text : stored->text;

	return exchange->kind == EXCHANGE_EXTENDED && text.size &&
	       memchr(text.data, '?', text.size);
}

/*
 * MySQL calls a column as its expression is spelled, `?` where that is a parameter. Of equal answers one that was asked for with a
 * parameter there comes first for who does so too, and one that was not for who writes a literal there. Who binds other
 * values is taken for one who wrote that literal then too.
 */
static bool is_other_form(const struct request *request, const struct stored_statement *stored,
			  const struct stored_exchange *exchange)
{
	const struct sql_statement *statement = request->statement;
	bool binds = false, literal = false, parameter = false;

	if (statement->dialect != SQL_MYSQL)
		return false;
	for (size_t i = 0; i < statement->n_slots; i++) {
		const struct sql_slot *slot = &statement->slots[i];

		binds |= slot->placeholder != 0;
		parameter |= !slot->compared && slot->placeholder;
		literal |= !slot->compared && !slot->placeholder;
	}
	if (parameter)
		return !was_bound(stored, exchange);
	return literal && !binds && was_bound(stored, exchange);
}

/*
 * Spelled otherwise: 5 and '5', a literal and a bound parameter. The template and the context are
 * known to be equal.
 */
static enum match compare_values(struct answers_state *state, const struct request *request,
				 const struct stored_statement *stored,
				 const struct stored_exchange *exchange)
{
	struct sql_value *values;
	size_t n;

	/* Parts, or what a person made of it. */
	if (sql_values_parse(exchange->parameters, &state->arena, &values, &n) < 0)
		return compare_parsed(state, request, exchange);
	if (n != request->statement->n_slots ||
	    !resolved_equal(state, request, exchange->id, values, &state->arena))
		return MATCH_NO;
	return sql_kinds_equal(request->values, values, n) &&
			       !is_other_form(request, stored, exchange) ?
		       MATCH_SAME_KIND :
		       MATCH_EQUAL;
}

/* The data that came with the request is what the exchange's client sent. */
static bool same_copy(struct answers_state *state, const struct request *request, int64_t id)
{
	struct copy_identity copy;

	return reader_copy_identity(state->reader, (uint64_t)id, &copy) > 0 &&
	       copy.end == request->copy->end &&
	       memcmp(copy.digest, request->copy->digest, COPY_DIGEST_BYTES) == 0;
}

enum match find_compare(struct answers_state *state, const struct request *request, int64_t id)
{
	const struct stored_statement *stored;
	struct stored_exchange exchange;
	enum match match;

	if (request->copy && !same_copy(state, request, id))
		return MATCH_NO;
	if (reader_exchange(state->reader, id, &exchange) <= 0)
		return MATCH_NO;
	if (exchange.kind == EXCHANGE_PARSE && !exchange.edited) {
		match = compare_refused(state, request, &exchange);
		if (match != MATCH_NO || reader_exchange(state->reader, id, &exchange) <= 0)
			return match;
	}
	if (exchange.edited || exchange.kind == EXCHANGE_PARSE)
		return compare_parsed(state, request, &exchange);
	if (reader_statement(state->reader, exchange.statement, &stored) <= 0 ||
	    !same_context(&stored->context, &request->context) ||
	    !slice_equal(stored->canonical, request->statement->canonical))
		return MATCH_NO;
	if (!slice_equal(exchange.parameters, buffer_slice(&state->json)))
		return compare_values(state, request, stored, &exchange);
	if (!same_parts(state->reader, request, id))
		return MATCH_NO;
	return is_other_form(request, stored, &exchange) ? MATCH_EQUAL : MATCH_SAME_KIND;
}

bool find_is_asked(struct answers_state *state, const struct request *request, int64_t id)
{
	buffer_clear(&state->json);
	parameters_json(request->values, request->statement->n_slots, &state->json);
	return find_compare(state, request, id) != MATCH_NO;
}

struct asked {
	struct answers_state *state;
	const struct request *request;
};

static enum match compare(void *context, int64_t exchange)
{
	const struct asked *asked = context;

	return find_compare(asked->state, asked->request, exchange);
}

/* Would giving this answer again give the same generated thing twice? */
static bool gives_once(void *context, int64_t id)
{
	const struct asked *asked = context;
	const struct sql_statement *statement = asked->request->statement;
	struct reader *reader = asked->state->reader;
	const struct stored_statement *stored;
	struct stored_exchange exchange;

	switch (statement->verb) {
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
	return memmem(statement->canonical.data, statement->canonical.size, "nextval", 7) != NULL;
}

static bool is_silent(void *context, int64_t id)
{
	const struct asked *asked = context;
	struct stored_exchange exchange;

	return reader_exchange(asked->state->reader, id, &exchange) > 0 &&
	       exchange.outcome == OUTCOME_UNFINISHED &&
	       !(exchange.flags & (EXCHANGE_SERVER_ENDED | EXCHANGE_SERVER_RESET));
}

static bool is_cut(void *context, int64_t id)
{
	const struct asked *asked = context;
	struct stored_exchange exchange;

	return reader_exchange(asked->state->reader, id, &exchange) > 0 &&
	       exchange.outcome == OUTCOME_SUSPENDED;
}

static bool set_answer(struct answers_state *state, int64_t id, struct answer *answer)
{
	struct stored_exchange exchange;

	if (!id || reader_exchange(state->reader, id, &exchange) <= 0)
		return false;
	answer->rung = RUNG_EXACT;
	answer->exchange = (uint64_t)exchange.id;
	answer->kind = exchange.kind;
	answer->outcome = exchange.outcome;
	answer->flags = exchange.flags;
	return true;
}

/* An exchange of MATCH_COPY is given: so it is among those of its statement, whatever their data. `hash` is the statement's. */
static void give_statement(struct answers_state *state, uint64_t hash, uint64_t exchange)
{
	struct index_group group =
		index_find(&state->matcher->index, matcher_key(hash, state->place, MATCH_SERVED));
	size_t at = group.n ? index_cursor(&group) : 0;

	while (at < group.n && index_exchange(&group, at) != exchange)
		at++;
	if (at < group.n && index_give(&group, at))
		atomic_fetch_add_explicit(&state->matcher->copy_given, 1, memory_order_relaxed);
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
	uint64_t key = request->copy ?
			       matcher_key(copy_hash(hash, request->copy), place, MATCH_COPY) :
			       matcher_key(hash, place, class);
	struct matcher *matcher = state->matcher;
	struct index_group group = index_find(&matcher->index, key);
	struct asked asked = { state, request };
	struct pick pick = { .compare = compare,
			     .gives_once = gives_once,
			     .is_silent = is_silent,
			     .tells_again = true,
			     .context = &asked };
	int64_t exchange;

	*ret_answer = (struct answer){ .rung = RUNG_MISS };
	buffer_clear(&state->json);
	if (group.n == 1) {
		reader_expect(state->reader, index_exchange(&group, 0));
		answer_cache_expect(state->face.cache, index_exchange(&group, 0));
	}
	if (group.n) /* nothing is compared otherwise */
		parameters_json(request->values, request->statement->n_slots, &state->json);
	if (group.n > 1 && (state->login || state->zone))
		pick.own =
			index_find(&matcher->own,
				   matcher_own_key(key, sessions_tag(state->login, state->zone)));
	if (group.n > 1 && request->statement->follows && matcher->behind.generated)
		pick.behind = behind_find(&matcher->behind, key, request->statement->follows,
					  &state->before);
	pick.own.under = matcher->index.entries;
	pick.behind.under = matcher->index.entries;
	if (request->whole && matcher->has_cut && group.n > 1)
		pick.is_cut = is_cut;
	exchange = pick_exchange(matcher, &group, &pick, consume, &ret_answer->used_up);
	if (!set_answer(state, exchange, ret_answer) || !consume)
		return;
	atomic_store_explicit(&state->session.given, ret_answer->exchange, memory_order_relaxed);
	if (matcher->behind.generated)
		behind_given(&matcher->behind, ret_answer->exchange, request->statement->follows,
			     &state->before);
	atomic_fetch_add_explicit(&matcher->exact, 1, memory_order_relaxed);
	if (request->copy)
		give_statement(state, hash, ret_answer->exchange);
}

/* The recorded number of the session whose answers that one of this replay is given; 0: none. */
static uint32_t meant(struct answers_state *state, uint32_t number)
{
	uint64_t given = told_given(&state->matcher->told, state->place, number);
	const struct endpoint_connection *connection;

	if (!given)
		return 0;
	connection = endpoints_connection(&state->matcher->endpoints,
					  reader_connection(state->reader, (int64_t)given));
	return connection ? connection->backend : 0;
}

/* The request with other values, which are the caller's to change. */
static struct request with_values(struct answers_state *state, const struct request *request,
				  struct sql_value **ret_values)
{
	struct request other = *request;
	size_t n = request->statement->n_slots;

	*ret_values = arena_alloc(&state->arena, (n + 1) * sizeof(**ret_values));
	if (n)
		memcpy(*ret_values, request->values, n * sizeof(**ret_values));
	other.values = *ret_values;
	return other;
}

/* A KILL, by the recorded number of the session that is meant. */
static void find_killed(struct answers_state *state, const struct request *request, bool consume,
			struct answer *ret_answer)
{
	struct sql_value *values;
	struct request other;
	struct buffer digits;
	uint32_t number;

	if (!request->values || !sql_kill_of(request->statement, request->values, &number))
		return;
	number = meant(state, number);
	if (!number)
		return;
	buffer_init(&digits, 16);
	buffer_append_unsigned(&digits, number);
	other = with_values(state, request, &values);
	values[0].text = arena_copy(&state->arena, buffer_slice(&digits));
	buffer_release(&digits);
	find_answer(state, &other, MATCH_SERVED, consume, ret_answer);
}

bool find_database(const struct answers_state *state, const struct request *request, size_t *at,
		   struct slice *ret_database)
{
	const struct matcher *matcher = state->matcher;
	struct sql_context context = request->context;
	const struct template_entry *entry;

	while (state->place && *at < matcher->n_databases) {
		context.database = matcher->databases[(*at)++];
		if (slice_equal(context.database, request->context.database) ||
		    !matcher_templates(matcher,
				       sql_template_hash(&context, request->statement->canonical),
				       &entry))
			continue;
		*ret_database = context.database;
		return true;
	}
	return false;
}

/* Is this what SHOW CREATE TABLE says of a view? An error is not. */
static bool tells_of_view(struct answers_state *state, uint64_t exchange)
{
	struct answer_result result;

	state->last_known = false;
	return reader_result(state->reader, &state->result, exchange, 0, &result) != 1 ||
	       (result.columns && result.columns->n != 2);
}

/*
 * A statement that does not depend on the default database was recorded under another one. What was recorded under the same
 * comes first: this is for what else would be a miss.
 */
static void find_qualified(struct answers_state *state, const struct request *request, bool consume,
			   struct answer *ret_answer)
{
	enum sql_qualified qualified = sql_qualified(request->statement);
	struct request other = *request;
	struct answer answer;
	size_t at = 0;

	if (qualified == SQL_QUALIFIED_NO || request->copy)
		return;
	while (ret_answer->rung == RUNG_MISS &&
	       find_database(state, request, &at, &other.context.database)) {
		find_answer(state, &other, MATCH_SERVED, false, &answer);
		if (answer.rung == RUNG_MISS ||
		    (qualified == SQL_QUALIFIED_TABLE && tells_of_view(state, answer.exchange)))
			continue;
		find_answer(state, &other, MATCH_SERVED, consume, ret_answer);
	}
}

/*
 * Is it known with the fractions of its moments written otherwise? MySQL's drivers differ in that, and for what is compared or assigned it is one
 * value. All moments of a statement are written in one way, as one driver does.
 */
static void find_moments(struct answers_state *state, const struct request *request, bool consume,
			 struct answer *ret_answer)
{
	const struct sql_statement *statement = request->statement;
	struct sql_value *values;
	struct request other;

	if (!request->values || statement->dialect != SQL_MYSQL)
		return;
	other = with_values(state, request, &values);
	for (int form = 0; form < MOMENT_FORMS && ret_answer->rung == RUNG_MISS; form++) {
		bool differs = false;

		for (size_t i = 0; i < statement->n_slots; i++)
			if (statement->slots[i].compared && !values[i].null && !values[i].bytes &&
			    sql_moment_write(request->values[i].text, (enum moment_form)form,
					     &state->arena, &values[i].text))
				differs |= !slice_equal(values[i].text, request->values[i].text);
		if (differs)
			find_answer(state, &other, MATCH_SERVED, consume, ret_answer);
	}
}

void find_served(struct answers_state *state, const struct request *request, bool consume,
		 struct answer *ret_answer)
{
	find_answer(state, request, MATCH_SERVED, consume, ret_answer);
	if (ret_answer->rung == RUNG_MISS)
		find_killed(state, request, consume, ret_answer);
	if (ret_answer->rung == RUNG_MISS)
		find_qualified(state, request, consume, ret_answer);
	if (ret_answer->rung == RUNG_MISS && !ret_answer->used_up)
		find_moments(state, request, consume, ret_answer);
}
