/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PostgreSQL recorder: fast-path calls, as exchanges whose text and parameters are those of function.h, and whose result is one
 * row of one value. Follows chapter 55.2.5.
 */
#include "parsers/postgres/recorder.h"

bool pg_client_call(struct recorder *recorder, struct slice body)
{
	struct pg_operation *operation = pg_operation_add(recorder, OPERATION_FUNCTION);
	struct item *item;
	struct slice copy;

	if (!operation)
		return false;
	item = exchange_new(&recorder->log, EXCHANGE_FUNCTION, body, &copy);
	operation->item = item;
	operation->call = arena_alloc(&item->arena, sizeof(*operation->call));
	if (!pg_call_read(copy, &item->arena, operation->call))
		return pg_fail(recorder, "malformed FunctionCall");
	item->exchange.text = operation->call->text;
	item->exchange.parameters = operation->call->arguments;
	item->exchange.n_parameters = operation->call->n;
	return true;
}

void pg_call_active(struct recorder *recorder, struct pg_operation *call)
{
	struct buffer columns;

	if (call->item) {
		exchange_activate(&recorder->log, call->item);
		call->item = NULL;
		buffer_init(&columns, 1000);
		pg_call_columns(call->call, &columns);
		exchange_piece(&recorder->log, PIECE_COLUMNS, buffer_slice(&columns));
		buffer_release(&columns);
	}
	exchange_touch(&recorder->log);
}

/* A value as it stands in the message is a row's, but for their number. */
static bool small_value(struct recorder *recorder, struct slice body)
{
	struct cursor cursor = cursor_of(body);
	int32_t size = cursor_i32be(&cursor);
	uint8_t *row;

	if (size > 0)
		cursor_bytes(&cursor, (size_t)size);
	if (!cursor_done(&cursor) || size < -1)
		return pg_fail(recorder, "malformed FunctionCallResponse");
	row = exchange_row_room(&recorder->log, body.size + 2);
	row[0] = 0;
	row[1] = 1;
	memcpy(row + 2, body.data, body.size);
	exchange_row_end(&recorder->log, body.size + 2);
	return true;
}

bool pg_call_result(struct recorder *recorder, struct pg_operation *head,
		    const struct pg_frame *frame)
{
	bool ok;

	if (head->type != OPERATION_FUNCTION || !head->call)
		return pg_unexpected(recorder);
	pg_call_active(recorder, head);
	if (!recorder->log.active)
		return pg_unexpected(recorder);
	ok = frame->part == FRAME_WHOLE ? small_value(recorder, frame->body) :
					  pg_value_stream(recorder, frame);
	if (ok && (frame->part == FRAME_WHOLE || (frame->part == FRAME_BYTES && frame->last)))
		pg_exchange_close(recorder, OUTCOME_OK);
	return ok;
}
