/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PostgreSQL recorder: what the server says beside its answers (55.2.7 "Asynchronous Operations"): notices, changed
 * parameters, notifications. What comes while a request is answered belongs to its exchange, in its place; what comes between
 * requests, and notifications always, are asides; see recorder.h.
 */
#include "parsers/postgres/recorder.h"

void pg_aside(struct recorder *recorder, enum piece_type type, struct slice body)
{
	item_list_add(recorder->log.items, exchange_aside(&recorder->log, type, body));
}

/*
 * What a server says beside its answers belongs to the exchange that it is answering, else to the one before. There may be any
 * number of it: the active exchange is handed on, the last one cannot be, and takes no more from a size on.
 */
static void add_aside(struct recorder *recorder, enum piece_type type, struct slice body)
{
	if (recorder->log.active) {
		exchange_spill(&recorder->log, EXCHANGE_ITEM_BYTES);
		exchange_piece(&recorder->log, type, body);
	} else if (recorder->log.last && recorder->log.last->arena.allocated < PG_LAST_BYTES_MAX) {
		item_add_piece(recorder->log.last, type, recorder->log.result, body);
	} else if (recorder->log.last) {
		recorder->log.last->exchange.flags |= EXCHANGE_NOTICES_CUT;
	} else if (!pg_operations_head(recorder)) {
		pg_aside(recorder, type, body);
	}
}

bool pg_status_read(struct recorder *recorder, struct slice body, struct slice *ret_name,
		    struct slice *ret_value)
{
	struct cursor cursor = cursor_of(body);

	*ret_name = cursor_string(&cursor);
	*ret_value = cursor_string(&cursor);
	if (!cursor_done(&cursor))
		return pg_fail(recorder, "malformed ParameterStatus");
	if (slice_equal(*ret_name, SLICE("standard_conforming_strings")))
		recorder->options.backslash_escapes = slice_equal(*ret_value, SLICE("off"));
	return true;
}

bool pg_server_status(struct recorder *recorder, struct slice body)
{
	struct slice name, value;

	if (!pg_status_read(recorder, body, &name, &value))
		return false;
	add_aside(recorder, PIECE_STATUS, body);
	return true;
}

/* While it plans a portal the server evaluates what is constant: that is the exchange that the portal will be. */
static void bind_notice(struct pg_operation *bind, struct slice body)
{
	if (bind->item->arena.allocated < bind->bytes + PG_LAST_BYTES_MAX)
		item_add_piece(bind->item, PIECE_NOTICE, 0, body);
	else
		bind->item->exchange.flags |= EXCHANGE_NOTICES_CUT;
}

/* Of a Parse (a name that is cut): what its first portal will be. */
static void parse_notice(struct pg_operation *parse, struct slice body)
{
	struct pg_statement *statement = parse->statement;
	struct pg_notice *notice;

	if (statement->arena.allocated > parse->bytes + PG_LAST_BYTES_MAX)
		return;
	notice = arena_alloc(&statement->arena, sizeof(*notice));
	notice->body = arena_copy(&statement->arena, body);
	*statement->notices_end = notice;
	statement->notices_end = &notice->next;
	statement->named.bytes = statement->arena.allocated;
}

bool pg_server_notice(struct recorder *recorder, struct slice body)
{
	struct pg_operation *head = pg_operations_head(recorder);

	if (recorder->phase != PHASE_READY)
		return true;
	if (head && head->type == OPERATION_QUERY)
		pg_query_active(recorder, head);
	else if (head && head->type == OPERATION_EXECUTE)
		pg_execute_active(recorder, head);
	else if (head && head->type == OPERATION_FUNCTION)
		pg_call_active(recorder, head);
	if (head && head->type == OPERATION_BIND && head->item)
		bind_notice(head, body);
	else if (head && head->type == OPERATION_PARSE)
		parse_notice(head, body);
	else
		add_aside(recorder, PIECE_NOTICE, body);
	return true;
}

bool pg_server_notification(struct recorder *recorder, struct slice body)
{
	struct cursor cursor = cursor_of(body);

	cursor_u32be(&cursor);
	cursor_string(&cursor);
	cursor_string(&cursor);
	if (!cursor_done(&cursor))
		return pg_fail(recorder, "malformed NotificationResponse");
	if (recorder->phase == PHASE_READY)
		pg_aside(recorder, PIECE_NOTIFICATION, body);
	return true;
}
