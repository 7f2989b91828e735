/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The MySQL recorder: who ends the connection, and what is unanswered then; see recorder.h.
 *
 * A server that ends a session by itself (wait_timeout, KILL, its own end) does so in place of an answer, or in the midst of one: then the
 * exchange is cut, and flagged. Or it does so between requests, with an ERR or without: that is an aside behind the last
 * exchange, and what the client asks behind it is late.
 */
#include "parsers/mysql/recorder.h"

/* The session ended before what is in the queue was read: nothing of that was begun. */
static void end_session(struct recorder *recorder, enum piece_type type, struct slice bytes)
{
	struct exchange_log *log = &recorder->log;

	recorder->farewell = exchange_aside(log, type, bytes);
	recorder->farewell->aside.within = false;
	recorder->farewell->aside.ordinal -= log->active ? 1 : 0;
	for (size_t i = 0; i < recorder->n_operations; i++)
		my_operation_at(recorder, i)->late = true;
}

/* An exchange of which the client was told something: a cursor's, too, whose rows are fetched. */
static bool is_answering(const struct recorder *recorder)
{
	return recorder->log.active && recorder->log.active->exchange.first_byte_ns;
}

void my_side_ended(struct recorder *recorder, enum side side, uint32_t flags)
{
	bool ready = recorder->phase == PHASE_READY;
	bool waits = ready && recorder->n_operations && !recorder->reply_begun;

	if (!ends_side(&recorder->ends, &recorder->log, side, flags, waits))
		return;
	if (side == SIDE_SERVER && ready && !recorder->log.active)
		end_session(recorder, PIECE_END,
			    flags == EXCHANGE_SERVER_RESET ? SLICE("reset") : SLICE("closed"));
}

void my_recorder_broken(struct recorder *recorder, enum side side)
{
	recorder->log.now_ns = 0; /* the end is told of next, and when */
	my_side_ended(recorder, side, EXCHANGE_SERVER_RESET);
	ends_broken(&recorder->ends, side);
}

bool my_farewell(struct recorder *recorder, struct slice body)
{
	struct buffer piece;
	struct my_err err;

	if (!my_err_read(body, &err))
		return my_fail(recorder, "malformed ERR");
	if (!ends_side(&recorder->ends, &recorder->log, SIDE_SERVER, EXCHANGE_SERVER_ENDED,
		       false) ||
	    is_answering(recorder))
		return true;
	buffer_init(&piece, body.size + MY_ERROR_PIECE_MAX);
	my_error_piece_write(&piece, &err);
	end_session(recorder, PIECE_ERROR, buffer_slice(&piece));
	buffer_release(&piece);
	return true;
}

/* ---- what is unanswered ---- */

/* What met the end of the session, where it is no exchange else. */
static void cut_late(struct recorder *recorder, struct my_operation *operation)
{
	struct item *item = my_command_exchange(recorder, operation);

	if (item)
		exchange_cut(&recorder->log, item);
}

static void cut_prepare(struct recorder *recorder, struct my_operation *prepare)
{
	my_statement_end(recorder, prepare->statement);
	prepare->statement = NULL;
	recorder->prepared = false; /* an EXECUTE of the last one means this one */
}

/* What was asked and never answered: what the app sent last matters most when something broke. */
static void cut_operation(struct recorder *recorder, struct my_operation *operation)
{
	struct my_statement *statement;
	bool first_late = operation->late && recorder->log.cut_flags != EXCHANGE_LATE;
	bool whole = true;

	if (operation->late)
		recorder->log.cut_flags = EXCHANGE_LATE;
	if (first_late)
		cut_late(recorder, operation);
	if (operation->command == MY_COM_STMT_PREPARE) {
		cut_prepare(recorder, operation);
		return;
	}
	if (!operation->item)
		return;
	if (operation->body.size || operation->command == MY_COM_STMT_EXECUTE ||
	    operation->command == MY_COM_STMT_BULK_EXECUTE) {
		statement = my_statement_find(recorder, operation->statement_id);
		whole = statement && my_bind(recorder, operation, statement);
		if (whole)
			statement->executed |= operation->command == MY_COM_STMT_EXECUTE;
	}
	if (whole) {
		exchange_cut(&recorder->log, operation->item);
		operation->item = NULL;
	}
}

static void cut_active(struct recorder *recorder)
{
	const struct my_operation *head = my_operations_head(recorder);

	if (head && head->late && !is_answering(recorder))
		recorder->log.cut_flags = EXCHANGE_LATE;
	recorder->log.active->exchange.flags |= EXCHANGE_CUT | recorder->log.cut_flags;
	exchange_close(&recorder->log, OUTCOME_UNFINISHED);
	exchange_emit_last(&recorder->log);
}

void my_recorder_end(struct recorder *recorder, int64_t time_ns, struct item_list *items)
{
	const char *error = recorder->error;

	recorder->log.items = items;
	if (!error)
		(void)my_see_held_back(recorder); /* where it fails, what it was read of is cut */
	recorder->log.now_ns = time_ns;
	my_login_end(recorder);
	exchange_emit_last(&recorder->log);
	if (recorder->log.active)
		cut_active(recorder);
	while (recorder->n_operations) {
		cut_operation(recorder, my_operations_head(recorder));
		my_operations_pop(recorder);
	}
	my_statements_end(recorder);
	if (recorder->farewell) {
		if (!recorder->farewell->aside.at_ns)
			recorder->farewell->aside.at_ns = time_ns;
		item_list_add(items, recorder->farewell);
	}
	recorder->farewell = NULL;
	recorder->log.items = NULL;
	recorder->error = error;
}
