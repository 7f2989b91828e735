/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PostgreSQL recorder: what the server says to the operation at the head of the queue; see recorder.h. Follows chapters
 * 55.2.2 to 55.2.6. A message that does not fit is a failure: the connection is relayed on, undecoded.
 */
#include "parsers/postgres/recorder.h"

#define SERVER_PARAMETERS_MAX 256

bool pg_unexpected(struct recorder *recorder)
{
	return pg_fail(recorder, "an answer that does not fit what was asked");
}

/* ---- login ---- */

static bool login_status(struct recorder *recorder, struct slice body)
{
	struct session_item *session = &recorder->session->session;
	struct arena *arena = &recorder->session->arena;
	struct slice name, value;
	struct name_value *parameters = (struct name_value *)(uintptr_t)session->server_parameters;

	if (!pg_status_read(recorder, body, &name, &value))
		return false;
	if (!parameters)
		parameters = arena_alloc(arena, SERVER_PARAMETERS_MAX * sizeof(*parameters));
	session->server_parameters = parameters;
	if (session->n_server_parameters == SERVER_PARAMETERS_MAX ||
	    arena->allocated > PG_SESSION_BYTES_MAX)
		return pg_fail(recorder, "too many parameters at login");
	parameters += session->n_server_parameters++;
	parameters->name = arena_copy(arena, name);
	parameters->value = arena_copy(arena, value);
	if (slice_equal(name, SLICE("server_version")))
		session->server_version = parameters->value;
	return true;
}

static void login_done(struct recorder *recorder)
{
	recorder->session->session.protocol = &postgres_protocol;
	item_list_add(recorder->log.items, recorder->session);
	recorder->session = NULL;
	recorder->phase = PHASE_READY;
}

static void login_refused(struct recorder *recorder, struct slice error)
{
	if (!recorder->session)
		return;
	recorder->session->session.refused = true;
	login_done(recorder);
	pg_aside(recorder, PIECE_ERROR, error);
	recorder->phase = PHASE_OVER;
}

static bool login_key(struct recorder *recorder, struct slice body)
{
	struct cursor cursor = cursor_of(body);

	if (recorder->phase == PHASE_LOGIN)
		recorder->session->session.backend = cursor_u32be(&cursor);
	return true; /* the key behind it is a secret */
}

/* ---- what is under way ---- */

bool pg_query_failed(const struct recorder *recorder, const struct pg_operation *query)
{
	return !query->item && !recorder->log.active && recorder->log.last &&
	       recorder->log.last->exchange.outcome == OUTCOME_ERROR;
}

/* The exchange that the server is answering with its Query, opening the next statement's when there is one. */
bool pg_query_active(struct recorder *recorder, struct pg_operation *query)
{
	if (pg_query_failed(recorder, query))
		return false;
	if (!recorder->log.active && !pg_query_next(recorder, query))
		return false;
	exchange_touch(&recorder->log);
	return true;
}

/* As above for an answer that must belong somewhere: more results than statements go to the last one. */
static void query_result(struct recorder *recorder, struct pg_operation *query)
{
	if (pg_query_active(recorder, query) || !recorder->log.last ||
	    pg_query_failed(recorder, query))
		return;
	recorder->log.active = recorder->log.last;
	recorder->log.last = NULL;
	recorder->log.active->exchange.closes = false;
	exchange_spill(&recorder->log, EXCHANGE_ITEM_BYTES); /* there may be any number of them */
	recorder->log.result++;
	recorder->merged = true;
	recorder->log.rows_room = 0;
}

/* The portal at the head is answered; NULL when it was drained before. */
struct item *pg_execute_active(struct recorder *recorder, struct pg_operation *execute)
{
	struct pg_portal *portal;

	if (!recorder->log.active) {
		portal = (struct pg_portal *)names_find(&recorder->portals, execute->name);
		if (!portal || !portal->item)
			return NULL;
		exchange_activate(&recorder->log, portal->item);
		portal->item = NULL;
		pg_portal_weigh(recorder, portal);
		recorder->portal = portal;
	}
	exchange_touch(&recorder->log);
	return recorder->log.active;
}

/* ---- errors ---- */

static void error_active(struct recorder *recorder, struct slice body)
{
	exchange_touch(&recorder->log);
	exchange_piece(&recorder->log, PIECE_ERROR, body);
	if (slice_equal(pg_error_code(body), SLICE("25P02")))
		recorder->log.active->exchange.flags |= EXCHANGE_ABORTED;
	pg_exchange_close(recorder, OUTCOME_ERROR);
}

/*
 * The name that a Parse or Bind gives is taken, in this session: its own error, which says nothing of the text, and no exchange. Where the
 * session did not take it (a pooler gave it a used one) it is what this client was told.
 */
static bool name_taken(const struct names *names, struct slice name, struct slice code,
		       struct slice body)
{
	return name.size && slice_equal(pg_error_code(body), code) && names_find(names, name);
}

static void error_in_parse(struct recorder *recorder, struct pg_operation *parse, struct slice body)
{
	struct item *item;
	struct slice text;

	if (name_taken(&recorder->statements, parse->statement->named.name, SLICE("42P05"), body))
		return;
	item = exchange_new(&recorder->log, EXCHANGE_PARSE, parse->statement->text, &text);
	item->exchange.text = text;
	item->exchange.start_ns = parse->time_ns;
	exchange_activate(&recorder->log, item);
	error_active(recorder, body);
}

/* A Bind of a statement that does not exist is the session's own error, and no exchange. */
static void error_in_bind(struct recorder *recorder, struct pg_operation *bind, struct slice body)
{
	struct pg_statement *statement =
		(struct pg_statement *)names_find(&recorder->statements, bind->statement_name);

	if (name_taken(&recorder->portals, bind->name, SLICE("42P03"), body))
		return;
	if (!statement || !pg_exchange_bind(bind->item, bind->bind, statement))
		return;
	statement->executed = true;
	exchange_activate(&recorder->log, bind->item);
	bind->item = NULL;
	error_active(recorder, body);
}

/* At Sync the implicit transaction commits: what fails then belongs to its last statement. */
static void error_at_sync(struct recorder *recorder, struct slice body)
{
	if (!recorder->log.last)
		return;
	item_add_piece(recorder->log.last, PIECE_ERROR, recorder->log.result, body);
	recorder->log.last->exchange.outcome = OUTCOME_ERROR;
}

static bool server_error(struct recorder *recorder, struct slice body)
{
	struct pg_operation *head = pg_operations_head(recorder);

	pg_copy_end(recorder);
	if (recorder->phase != PHASE_READY) {
		login_refused(recorder, body);
		return true;
	}
	if (!head ||
	    recorder->failed) { /* it ends the session: between requests, or while it skips to Sync */
		pg_aside(recorder, PIECE_ERROR, body);
		recorder->ends.ended = true;
		return true;
	}
	recorder->failed = head->type != OPERATION_QUERY && head->type != OPERATION_FUNCTION;
	switch (head->type) {
	case OPERATION_QUERY:
		query_result(recorder, head);
		if (recorder->log.active)
			error_active(recorder, body);
		break;
	case OPERATION_PARSE:
		error_in_parse(recorder, head, body);
		break;
	case OPERATION_BIND:
		error_in_bind(recorder, head, body);
		break;
	case OPERATION_EXECUTE:
		if (pg_execute_active(recorder, head))
			error_active(recorder, body);
		break;
	case OPERATION_FUNCTION:
		pg_call_active(recorder, head);
		if (recorder->log.active)
			error_active(recorder, body);
		break;
	case OPERATION_SYNC:
		error_at_sync(recorder, body);
		break;
	default:
		break;
	}
	return true;
}

/* ---- results ---- */

static bool server_columns(struct recorder *recorder, struct pg_operation *head, struct slice body)
{
	switch (head->type) {
	case OPERATION_QUERY:
		if (!body.size)
			return pg_unexpected(recorder);
		query_result(recorder, head);
		exchange_spill(&recorder->log, EXCHANGE_ITEM_BYTES);
		if (recorder->log.active)
			exchange_piece(&recorder->log, PIECE_COLUMNS, body);
		return true;
	case OPERATION_DESCRIBE_STATEMENT:
	case OPERATION_DESCRIBE_PORTAL:
		return pg_described(recorder, head, body);
	default:
		return pg_unexpected(recorder);
	}
}

static bool server_row(struct recorder *recorder, struct pg_operation *head,
		       const struct pg_frame *frame)
{
	if (head->type == OPERATION_QUERY)
		pg_query_active(recorder, head);
	else if (head->type == OPERATION_EXECUTE)
		pg_execute_active(recorder, head);
	if (!recorder->log.active)
		return pg_unexpected(recorder);
	if (frame->part != FRAME_WHOLE)
		return pg_row_stream(recorder, frame);
	if (frame->body.size < 2)
		return pg_fail(recorder, "malformed DataRow");
	exchange_row_add(&recorder->log, frame->body);
	return true;
}

/* A statement ended well: CommandComplete or EmptyQueryResponse. */
static bool server_complete(struct recorder *recorder, struct pg_operation *head,
			    enum piece_type type, struct slice tag)
{
	if (head->type == OPERATION_QUERY)
		query_result(recorder, head);
	else if (head->type == OPERATION_EXECUTE)
		pg_execute_active(recorder, head);
	else
		return pg_unexpected(recorder);
	pg_copy_end(recorder);
	if (recorder->log.active) {
		if (tag.size && tag.data[tag.size - 1] == 0)
			tag.size--;
		exchange_piece(&recorder->log, type, tag);
		if (!pg_prepared_by_sql(recorder, tag))
			return false;
		pg_exchange_close(recorder, OUTCOME_OK);
	}
	if (head->type == OPERATION_EXECUTE)
		pg_operations_pop(recorder);
	return true;
}

static bool server_suspended(struct recorder *recorder, struct pg_operation *head)
{
	struct item *item;

	if (head->type != OPERATION_EXECUTE)
		return pg_unexpected(recorder);
	pg_copy_end(recorder);
	item = pg_execute_active(recorder, head);
	if (item) {
		item->exchange.flags |= EXCHANGE_ROW_LIMIT;
		recorder->portal->item = item;
		pg_portal_weigh(recorder, recorder->portal);
		recorder->log.active = NULL;
		recorder->portal = NULL;
	}
	pg_operations_pop(recorder);
	return pg_portals_fit(recorder);
}

static bool server_copy(struct recorder *recorder, struct pg_operation *head, uint8_t type,
			struct slice body)
{
	if (head->type == OPERATION_QUERY)
		query_result(recorder, head);
	else if (head->type == OPERATION_EXECUTE)
		pg_execute_active(recorder, head);
	if (!recorder->log.active)
		return pg_unexpected(recorder);
	if (type != 'W')
		return pg_copy_begin(recorder, type, body);
	recorder->log.active->exchange.flags |= EXCHANGE_NOT_DECODED;
	return true;
}

/* ---- the end of a batch ---- */

static void end_query(struct recorder *recorder, struct pg_operation *query)
{
	struct slice rest = recorder->rest, unused, text;
	struct item *merge;
	bool ok = recorder->log.last && recorder->log.last->exchange.outcome == OUTCOME_OK;

	if (query->item)
		exchange_activate(&recorder->log, query->item);
	query->item = NULL;
	if (recorder->log.active) /* it ended without saying so */
		pg_exchange_close(recorder, OUTCOME_UNFINISHED);
	if (ok && sql_split(&recorder->options, &rest, &unused))
		recorder->merged = true;
	if (!recorder->merged || !recorder->log.last)
		return;
	recorder->log.last->exchange.flags |= EXCHANGE_MERGED;
	text = recorder->log.last->exchange.text;
	if (query->texts)
		text = slice_of(query->texts, query->texts_size);
	merge = item_new(ITEM_BATCH_MERGE, recorder->log.connection);
	merge->batch_merge.batch = recorder->log.batch;
	merge->batch_merge.text = arena_copy(&merge->arena, text);
	exchange_emit_last(&recorder->log);
	item_list_add(recorder->log.items, merge);
	recorder->merged = false;
}

static bool server_ready(struct recorder *recorder, struct slice body)
{
	struct pg_operation *head = pg_operations_head(recorder);

	if (body.size != 1 || !memchr("ITE", body.data[0], 3))
		return pg_fail(recorder, "malformed ReadyForQuery");
	recorder->log.transaction = body.data[0];
	if (recorder->phase == PHASE_LOGIN) {
		login_done(recorder);
		return true;
	}
	while (recorder->failed && head && head->type != OPERATION_SYNC) {
		pg_operations_pop(recorder);
		head = pg_operations_head(recorder);
	}
	if (!head || (head->type != OPERATION_SYNC && head->type != OPERATION_QUERY &&
		      head->type != OPERATION_FUNCTION))
		return pg_unexpected(recorder);
	pg_copy_end(recorder);
	if (head->type == OPERATION_QUERY) {
		end_query(recorder, head);
		pg_unnamed_end(recorder);
	} else if (recorder->log.active) { /* a call without a result */
		pg_exchange_close(recorder, OUTCOME_UNFINISHED);
	}
	pg_operations_pop(recorder);
	exchange_emit_last(&recorder->log);
	recorder->failed = false;
	recorder->log.batch++;
	recorder->log.batch_index = 0;
	if (recorder->log.transaction == 'I')
		pg_portals_end(recorder);
	return true;
}

/* ---- all of it ---- */

/* What answers an operation. */
static bool server_answer(struct recorder *recorder, const struct pg_frame *frame)
{
	struct pg_operation *head = pg_operations_head(recorder);

	if (!head || recorder->phase != PHASE_READY || recorder->failed)
		return pg_unexpected(recorder);
	switch (frame->type) {
	case 'T':
		return frame->body.size < 2 ? pg_fail(recorder, "malformed RowDescription") :
					      server_columns(recorder, head, frame->body);
	case 'n':
		return server_columns(recorder, head, frame->body);
	case 't':
		return pg_parameters_described(recorder, head, frame->body);
	case 'D':
		return server_row(recorder, head, frame);
	case 'C':
		return server_complete(recorder, head, PIECE_TAG, frame->body);
	case 'I':
		return server_complete(recorder, head, PIECE_EMPTY, frame->body);
	case 's':
		return server_suspended(recorder, head);
	case '1':
		return pg_parse_complete(recorder, head);
	case '2':
		return pg_bind_complete(recorder, head);
	case '3':
		return pg_close_complete(recorder, head);
	case 'G':
	case 'H':
	case 'W':
		return server_copy(recorder, head, frame->type, frame->body);
	case 'V':
		return pg_call_result(recorder, head, frame);
	default:
		return pg_unexpected(recorder);
	}
}

bool pg_server_message(struct recorder *recorder, const struct pg_frame *frame)
{
	if (recorder->phase == PHASE_OVER)
		return true;
	if (recorder->phase == PHASE_STARTUP)
		return pg_fail(recorder, "the server spoke first");
	if (frame->type == 'd')
		return pg_copy_server(recorder, frame);
	if (frame->part != FRAME_WHOLE && frame->type != 'D' && frame->type != 'V')
		return pg_fail(recorder, "a message larger than 16 MiB");
	switch (frame->type) {
	case 'D':
	case 'T':
	case 'C':
		return server_answer(recorder, frame);
	case 'Z':
		return server_ready(recorder, frame->body);
	case 'S':
		return recorder->phase == PHASE_LOGIN ? login_status(recorder, frame->body) :
							pg_server_status(recorder, frame->body);
	case 'E':
		return server_error(recorder, frame->body);
	case 'N':
		return pg_server_notice(recorder, frame->body);
	case 'A':
		return pg_server_notification(recorder, frame->body);
	case 'K':
		return login_key(recorder, frame->body);
	case 'R': /* authentication: relayed, and nothing kept */
	case 'v':
		return true;
	case 'c':
		return pg_copy_server(recorder, frame);
	default:
		return server_answer(recorder, frame);
	}
}
