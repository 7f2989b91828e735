/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The matcher's face: its life, the answers of a connection, and the summary; see matcher.h and
 * matcher_state.h.
 *
 * Invariant: after matcher_new() only atomics, the index's states and (under its mutex) the list of
 * misses change.
 */
#include "parsers/sql/qualified.h"
#include "parsers/sql/shape.h"
#include "store/http_match.h"
#include "store/mask.h"
#include "store/matcher_state.h"

#include <errno.h>
#include <stdlib.h>

#define JSON_BYTES_MAX ((size_t)64 * 1024 * 1024)
#define LOGIN_BYTES_MAX ((size_t)1024 * 1024)
#define EXPLANATION_BYTES ((size_t)8192)

int matcher_new(struct recording *recording, const struct matcher_options *options,
		struct matcher **ret_matcher, char ret_error[STORE_ERROR_BYTES])
{
	struct matcher *matcher = calloc(1, sizeof(*matcher));
	int rc;

	if (!matcher)
		abort();
	matcher->recording = recording;
	matcher->options = *options;
	pthread_mutex_init(&matcher->misses_mutex, NULL);
	index_init(&matcher->index);
	index_init(&matcher->own);
	told_init(&matcher->told);
	rc = matcher_load(matcher, ret_error);
	if (rc < 0)
		matcher_free(matcher);
	else
		*ret_matcher = matcher;
	return rc;
}

void matcher_free(struct matcher *matcher)
{
	if (!matcher)
		return;
	for (size_t i = 0; i < matcher->n_misses; i++) {
		free((char *)matcher->misses[i].seen.asked);
		free((char *)matcher->misses[i].seen.nearest);
		free((char *)matcher->misses[i].seen.difference);
	}
	free(matcher->misses_shown);
	pthread_mutex_destroy(&matcher->misses_mutex);
	index_release(&matcher->index);
	asides_release(&matcher->asides);
	described_release(&matcher->described);
	type_sets_release(&matcher->type_sets);
	sessions_release(&matcher->sessions);
	kills_release(&matcher->kills);
	turns_release(&matcher->turns);
	told_release(&matcher->told);
	index_release(&matcher->own);
	behind_release(&matcher->behind);
	http_places_free(matcher);
	endpoints_release(&matcher->endpoints);
	free(matcher->templates);
	arena_release(&matcher->arena);
	free(matcher);
}

int matcher_reader_new(struct matcher *matcher, struct matcher_reader **ret_reader,
		       char ret_error[STORE_ERROR_BYTES])
{
	struct matcher_reader *reader = calloc(1, sizeof(*reader));
	int rc;

	if (!reader)
		abort();
	reader->matcher = matcher;
	rc = reader_new(matcher->recording, &reader->reader, ret_error);
	if (rc < 0)
		free(reader);
	else
		*ret_reader = reader;
	return rc;
}

void matcher_reader_free(struct matcher_reader *reader)
{
	if (!reader)
		return;
	reader_free(reader->reader);
	free(reader);
}

const struct protocol *matcher_greeting(const struct matcher *matcher, struct slice address,
					uint16_t port, bool *ret_at_once)
{
	return endpoints_greeting(&matcher->endpoints, &matcher->options, address, port,
				  ret_at_once);
}

bool matcher_refuses(const struct matcher *matcher, struct slice address, uint16_t port)
{
	return endpoints_refuse(&matcher->endpoints, address, port);
}

/* --- the answers of a connection --- */

static bool answers_server(void *context, struct slice database, struct slice user,
			   struct answer_server *ret_server)
{
	struct answers_state *state = context;
	const struct endpoints *endpoints = &state->matcher->endpoints;
	int64_t connection = 0;
	uint32_t only;

	arena_release(&state->arena);
	if (state->place)
		connection = endpoints_refused(endpoints, state->place, database, user);
	if (connection && reader_refusal(state->reader, connection, &state->arena, ret_server) > 0)
		return true;
	connection = 0;
	if (state->place)
		connection = endpoints_session(endpoints, state->place, database, user);
	if (!connection) {
		/*
		 * Nothing of this database was recorded where the app goes: elsewhere, and only
		 * there?
		 */
		only = endpoints_only(endpoints, slice_from_string(state->protocol), database);
		connection = endpoints_session(endpoints, only, database, user);
		if (connection)
			find_elsewhere(state, only);
	}
	state->face.place = state->place;
	return connection &&
	       reader_server(state->reader, connection, &state->arena, ret_server) > 0;
}

static bool answers_login(void *context, const struct name_value *parameters, size_t n)
{
	struct answers_state *state = context;
	struct buffer json;

	buffer_init(&json, LOGIN_BYTES_MAX);
	mask_parameters_json(&json, parameters, n);
	state->login = json.overflowed ?
			       0 :
			       endpoints_login(&state->matcher->endpoints, buffer_slice(&json));
	buffer_release(&json);
	return state->login != 0;
}

static void answers_time_zone(void *context, struct slice name)
{
	struct answers_state *state = context;

	state->zone = sessions_zone(&state->matcher->sessions, name);
}

static uint32_t answers_backend(void *context, uint32_t own)
{
	struct answers_state *state = context;
	uint32_t recorded =
		endpoints_backend(&state->matcher->endpoints, state->place, state->login);

	told_add(&state->matcher->told, &state->session, state->place, recorded ? recorded : own);
	return state->session.number;
}

/* A miss is explained and counted. */
static void miss(struct answers_state *state, const struct request *request, struct answer *answer)
{
	behind_missed(&state->before);
	nearest_explain(state, request);
	if (answer->used_up) {
		buffer_clear(&state->difference);
		buffer_append_slice(&state->difference,
				    SLICE("every recorded answer was given already"));
	}
	nearest_remember_sql(state, request);
	atomic_fetch_add_explicit(&state->matcher->missed, 1, memory_order_relaxed);
	answer->nearest = buffer_slice(&state->nearest);
	answer->difference = buffer_slice(&state->difference);
}

static void answers_find(void *context, const struct request *request, struct answer *ret_answer)
{
	struct answers_state *state = context;

	arena_reset(&state->arena);
	find_served(state, request, true, ret_answer);
	if (ret_answer->rung == RUNG_MISS && !request->only_asking)
		miss(state, request, ret_answer);
	if (explain_wanted(state))
		explain_match(state, sql_mask(request->statement, request->text, &state->arena),
			      ret_answer->exchange, NULL);
}

static bool answers_peek(void *context, const struct request *request, struct answer *ret_answer)
{
	struct answers_state *state = context;

	arena_reset(&state->arena);
	find_served(state, request, false, ret_answer);
	return ret_answer->rung == RUNG_EXACT;
}

/* Is it the turn of a Parse that failed? Where the text says all, it has to have been a good one, too. */
static bool parse_fails_now(struct answers_state *state, const struct request *parse)
{
	struct stored_exchange exchange;
	struct answer failure, success;

	find_answer(state, parse, MATCH_PARSE, false, &failure);
	if (failure.rung != RUNG_EXACT ||
	    reader_exchange(state->reader, (int64_t)failure.exchange, &exchange) <= 0 ||
	    !turns_wait(&state->matcher->turns, &state->matcher->index, exchange.statement))
		return true;
	if (parse->statement->placeholders)
		return false;
	find_answer(state, parse, MATCH_SERVED, false, &success);
	return success.rung != RUNG_EXACT;
}

static bool answers_find_parse_error(void *context, const struct request *request,
				     struct answer *ret_answer)
{
	struct answers_state *state = context;
	struct request parse = *request;
	struct sql_value *values;

	arena_release(&state->arena);
	/* A Parse has no parameters; only what is written in it counts. */
	values = arena_alloc(&state->arena, (request->statement->n_slots + 1) * sizeof(*values));
	sql_slot_values(request->statement, NULL, 0, values);
	parse.values = values;
	if (state->matcher->turns.n && !parse_fails_now(state, &parse))
		return false;
	find_answer(state, &parse, MATCH_PARSE, true, ret_answer);
	return ret_answer->rung == RUNG_EXACT;
}

/*
 * Does a stored statement describe this request: SQL_SHAPES_AGREE only where nothing says
 * otherwise.
 */
static enum sql_shapes shapes_of(struct answers_state *state, const struct request *request,
				 const struct stored_statement *stored,
				 const struct stored_description *known,
				 struct sql_statement *ret_statement)
{
	struct slice text = arena_copy(&state->arena, stored->text);
	enum sql_shapes shapes;

	reader_canonicalize(stored, text, false, &state->arena, ret_statement);
	shapes = sql_compare_shapes(request->statement, ret_statement);
	if (shapes == SQL_SHAPES_DIFFER || !request->declared_types)
		return shapes;
	for (size_t i = 0; i < known->n_slots && i < ret_statement->n_slots; i++) {
		uint32_t declared = request->declared_types[i];
		bool decides = sql_slot_takes_type(&request->statement->slots[i]) ||
			       sql_slot_takes_type(&ret_statement->slots[i]);

		if (decides && declared && known->slot_types[i] && declared != known->slot_types[i])
			return SQL_SHAPES_DIFFER;
	}
	return shapes;
}

/*
 * Adds what one statement says; several rows may say parts of it: the writer forgets what it has
 * not seen for long.
 */
static void add_description(struct answers_state *state, const struct request *request,
			    const struct sql_statement *statement,
			    const struct stored_description *known,
			    struct answer_description *description)
{
	if (!description->n_slots && known->n_slots == request->statement->n_slots) {
		description->slot_types = known->slot_types;
		description->n_slots = known->n_slots;
	}
	if (!description->slots && statement->n_slots == request->statement->n_slots)
		description->slots = statement->slots;
	if (known->warnings)
		description->warnings = known->warnings;
	if (description->has_columns || !known->described)
		return;
	description->has_columns = true;
	if (known->columns &&
	    reader_columns(state->reader, known->columns, &description->columns) <= 0)
		description->has_columns = false;
}

/* Tables may have been other ones at another time: puts what was so then in the place of what the statement's row says. */
static void known_now(struct answers_state *state, int64_t statement,
		      struct stored_description *known)
{
	const struct matcher *matcher = state->matcher;
	const struct described_statement *then =
		described_find(&matcher->described, statement, state->session.given);
	int64_t columns = turns_columns(&matcher->turns, &matcher->index, statement);

	if (then && then->types) {
		known->slot_types = then->types;
		known->n_slots = then->n_types;
	}
	if (then && then->columns)
		columns = then->columns;
	if (known->columns && columns)
		known->columns = columns;
	if (then)
		known->warnings = then->warnings;
}

/* What statements recorded under the request's context and this database say. */
static bool described_in(struct answers_state *state, const struct request *request,
			 struct slice database, struct answer_description *ret_description)
{
	struct sql_context context = request->context;
	struct answer_description equal = { 0 }, agreeing = { 0 };
	const struct stored_statement *stored;
	const struct template_entry *entry;
	struct stored_description known;
	bool found_equal = false, found = false;
	size_t n;

	context.database = database;
	n = matcher_templates(state->matcher,
			      sql_template_hash(&context, request->statement->canonical), &entry);
	for (; n; n--, entry++) {
		struct sql_statement statement;
		enum sql_shapes shapes;

		if (reader_statement(state->reader, entry->statement, &stored) <= 0 ||
		    !slice_equal(stored->canonical, request->statement->canonical) ||
		    reader_description(state->reader, entry->statement, &state->arena, &known) <= 0)
			continue;
		known_now(state, entry->statement, &known);
		shapes = shapes_of(state, request, stored, &known, &statement);
		found_equal |= shapes == SQL_SHAPES_EQUAL;
		found |= shapes != SQL_SHAPES_DIFFER;
		if (shapes != SQL_SHAPES_DIFFER)
			add_description(state, request, &statement, &known,
					shapes == SQL_SHAPES_EQUAL ? &equal : &agreeing);
	}
	if (found) {
		*ret_description = found_equal ? equal : agreeing;
		ret_description->same_shape = found_equal;
	}
	return found;
}

static bool answers_describe(void *context, const struct request *request,
			     struct answer_description *ret_description, struct answer *ret_miss)
{
	struct answers_state *state = context;
	struct slice database;
	size_t at = 0;
	bool found;

	arena_release(&state->arena);
	*ret_miss = (struct answer){ .rung = RUNG_MISS };
	found = described_in(state, request, request->context.database, ret_description);
	if (!found && sql_qualified(request->statement) == SQL_QUALIFIED_YES)
		while (!found && find_database(state, request, &at, &database))
			found = described_in(state, request, database, ret_description);
	if (!found &&
	    !request->only_asking) /* whose asker knows the answer, and needs no explanation */
		miss(state, request, ret_miss);
	return found;
}

static bool answers_is_merged(void *context, const struct request *request)
{
	struct answers_state *state = context;
	struct answer answer;

	if (!state->matcher->has_merged)
		return false;
	return answers_peek(state, request, &answer) && (answer.flags & EXCHANGE_MERGED);
}

static int answers_result(void *context, uint64_t exchange, uint32_t number,
			  struct answer_result *ret_result)
{
	struct answers_state *state = context;
	int rc = 1;

	/* A portal is described and executed: the same result twice. */
	if (!state->last_known || state->result.exchange != exchange ||
	    state->result.number != number)
		rc = reader_result(state->reader, &state->result, exchange, number, &state->last);
	state->last_known = rc == 1;
	*ret_result = state->last;
	return rc;
}

static void answers_types(void *context, uint64_t exchange, struct slice database,
			  struct type_scope *ret_scope)
{
	struct answers_state *state = context;

	*ret_scope = (struct type_scope){ .at = exchange ? exchange : TYPE_SCOPE_NOW };
	if (!exchange) {
		ret_scope->types = type_sets_find(&state->matcher->type_sets,
						  find_place(state, database), database);
		return;
	}
	if (state->typed != exchange) {
		(void)matcher_scope(state->matcher, state->reader, (int64_t)exchange, ret_scope);
		state->types = ret_scope->types;
		state->typed = exchange;
	}
	ret_scope->types = state->types;
}

static int answers_chunk(void *context, uint64_t exchange, uint32_t number, uint32_t chunk)
{
	struct answers_state *state = context;

	return reader_chunk(state->reader, &state->result, exchange, number, chunk);
}

static int answers_next_row(void *context, const struct answer_value **ret_values, size_t *ret_n)
{
	struct answers_state *state = context;

	return reader_next_row(state->reader, &state->result, ret_values, ret_n);
}

static int answers_part(void *context, uint64_t exchange, uint64_t part, uint32_t sequence,
			struct slice *ret_bytes)
{
	struct answers_state *state = context;

	return reader_part(state->reader, (int64_t)exchange, part, sequence, ret_bytes);
}

static const struct answer_aside *answers_aside(void *context, uint64_t exchange, size_t *at)
{
	struct answers_state *state = context;

	return asides_next(&state->matcher->asides, (int64_t)exchange, at);
}

static bool answers_is_asked(void *context, const struct request *request, uint64_t exchange)
{
	struct answers_state *state = context;

	arena_release(&state->arena);
	return find_is_asked(state, request, (int64_t)exchange);
}

static int answers_copy(void *context, uint64_t exchange, struct answer_copy *ret_copy)
{
	struct answers_state *state = context;

	return reader_copy(state->reader, exchange, ret_copy);
}

static int64_t answers_waited(void *context, uint64_t exchange)
{
	struct answers_state *state = context;

	return reader_waited(state->reader, (int64_t)exchange);
}

static uint64_t answers_interrupted(void *context, uint64_t exchange)
{
	const struct answers_state *state = context;

	return (uint64_t)kills_interrupted(&state->matcher->kills, (int64_t)exchange);
}

static void answers_count_session(void *context)
{
	struct answers_state *state = context;

	behind_answered(&state->before);
	atomic_fetch_add_explicit(&state->matcher->session, 1, memory_order_relaxed);
}

static void answers_count_unservable(void *context, struct slice text, struct slice why)
{
	struct answers_state *state = context;
	struct sql_statement statement = { 0 };
	struct request request = { .statement = &statement, .text = text };

	arena_release(&state->arena);
	atomic_fetch_add_explicit(&state->matcher->unservable, 1, memory_order_relaxed);
	buffer_clear(&state->nearest);
	buffer_clear(&state->difference);
	nearest_line(&state->nearest, text, EXPLANATION_BYTES / 8);
	nearest_line(&state->difference, why, EXPLANATION_BYTES / 8);
	nearest_remember_sql(state, &request);
}

struct answers *answers_new(struct matcher_reader *reader, const char *protocol,
			    struct slice address, uint16_t port)
{
	struct answers_state *state = calloc(1, sizeof(*state));

	if (!state)
		abort();
	state->matcher = reader->matcher;
	state->reader = reader->reader;
	state->protocol = strdup(protocol);
	if (!state->protocol)
		abort();
	stored_result_init(&state->result);
	buffer_init(&state->json, JSON_BYTES_MAX);
	buffer_init(&state->asked, EXPLANATION_BYTES);
	buffer_init(&state->nearest, EXPLANATION_BYTES);
	buffer_init(&state->difference, EXPLANATION_BYTES);
	state->place = endpoints_find(&reader->matcher->endpoints, &reader->matcher->options,
				      slice_from_string(protocol), address, port);
	state->asked_place =
		endpoints_find(&reader->matcher->endpoints, &(struct matcher_options){ 0 },
			       slice_from_string(protocol), address, port);
	state->face = (struct answers){
		.context = state,
		.http = &http_answers,
		.server = answers_server,
		.login = answers_login,
		.time_zone = answers_time_zone,
		.backend = answers_backend,
		.find = answers_find,
		.peek = answers_peek,
		.find_parse_error = answers_find_parse_error,
		.describe = answers_describe,
		.is_merged = answers_is_merged,
		.result = answers_result,
		.chunk = answers_chunk,
		.next_row = answers_next_row,
		.part = answers_part,
		.copy = answers_copy,
		.is_asked = answers_is_asked,
		.waited = answers_waited,
		.interrupted = reader->matcher->kills.any ? answers_interrupted : NULL,
		.types = reader->matcher->type_sets.n ? answers_types : NULL,
		.count_session = answers_count_session,
		.count_unservable = answers_count_unservable,
	};
	if (reader->matcher->asides.any)
		state->face.aside = answers_aside;
	return &state->face;
}

void answers_move(struct answers *answers, struct matcher_reader *reader)
{
	struct answers_state *state = answers->context;

	state->reader = reader->reader;
	state->last_known = false;
}

void answers_free(struct answers *answers)
{
	struct answers_state *state;

	if (!answers)
		return;
	state = answers->context;
	told_remove(&state->matcher->told, &state->session);
	arena_release(&state->arena);
	stored_result_release(&state->result);
	buffer_release(&state->json);
	buffer_release(&state->asked);
	buffer_release(&state->nearest);
	buffer_release(&state->difference);
	free(state->protocol);
	free(state);
}

/* --- the summary --- */

static int compare_misses(const void *a, const void *b)
{
	const struct matcher_miss *left = a;
	const struct matcher_miss *right = b;

	if (left->count != right->count)
		return left->count > right->count ? -1 : 1;
	return strcmp(left->asked, right->asked);
}

void matcher_summarize(struct matcher *matcher, struct matcher_summary *ret_summary)
{
	uint64_t unused = index_unused(&matcher->index);
	/* What cannot be served is never given; COPY FROM STDIN has two entries. */
	uint64_t not_counted =
		matcher->unservable_entries + matcher->copy_entries - matcher->copy_given;

	free(matcher->misses_shown);
	matcher->misses_shown = calloc(matcher->n_misses + 1, sizeof(*matcher->misses_shown));
	if (!matcher->misses_shown)
		abort();
	for (size_t i = 0; i < matcher->n_misses; i++)
		matcher->misses_shown[i] = matcher->misses[i].seen;
	qsort(matcher->misses_shown, matcher->n_misses, sizeof(*matcher->misses_shown),
	      compare_misses);
	*ret_summary = (struct matcher_summary){
		.recorded = matcher->recorded,
		.exact = matcher->exact,
		.session = matcher->session,
		.missed = matcher->missed,
		.unservable = matcher->unservable,
		.repeated = matcher->repeated,
		.unused = unused > not_counted ? unused - not_counted : 0,
		.other_endpoint = matcher->other_endpoint,
		.misses = matcher->misses_shown,
		.n_misses = matcher->n_misses,
	};
}
