/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The MySQL recorder: what the server says belongs to the first operation of the queue; see recorder.h. Follows "Command
 * Phase" of the internals manual and MariaDB's "Result Set Packets". An answer that does not fit is a failure: the
 * connection is relayed on, undecoded.
 */
#include "parsers/mysql/recorder.h"

/* Memory of a tag's is kept up to here: idle connections are many. */
#define TAG_KEEP ((size_t)256)

static bool has(const struct recorder *recorder, uint64_t capability)
{
	return (recorder->capabilities & capability) != 0;
}

/* ---- how a result ends ---- */

static void add_tag(struct recorder *recorder, const struct my_ok *ok)
{
	const struct completion completion = { .tag = ok->info,
					       .rows = (int64_t)ok->affected,
					       .insert_id = ok->insert_id,
					       .warnings = ok->warnings,
					       .status = ok->status };
	struct buffer *bytes = &recorder->tag;

	buffer_clear(bytes);
	my_completion_write(bytes, &completion);
	exchange_piece(&recorder->log, PIECE_TAG, buffer_slice(bytes));
	if (bytes->capacity > TAG_KEEP)
		buffer_release(bytes);
}

/* Its results did not fit its statements: all of them are one exchange, with the whole text. */
static void merge_batch(struct recorder *recorder, const struct my_operation *query)
{
	struct item *merge = item_new(ITEM_BATCH_MERGE, recorder->log.connection);

	recorder->log.last->exchange.flags |= EXCHANGE_MERGED;
	merge->batch_merge.batch = recorder->log.batch;
	merge->batch_merge.text = arena_copy(&merge->arena, slice_of(query->bytes, query->n_bytes));
	exchange_emit_last(&recorder->log);
	item_list_add(recorder->log.items, merge);
}

static bool done_well(struct recorder *recorder, struct my_operation *head)
{
	struct slice rest = recorder->rest, unused;

	if (recorder->log.active) {
		my_status_follow(recorder);
		exchange_close(&recorder->log, OUTCOME_OK);
	}
	if (head->command == MY_COM_QUERY && head->bytes && recorder->log.last &&
	    (recorder->merged || sql_split(&recorder->options, &rest, &unused)))
		merge_batch(recorder, head);
	return my_operation_done(recorder);
}

/* Another result follows: of the next statement, if there is one. */
static bool next_result(struct recorder *recorder, const struct my_operation *head)
{
	struct item *item;
	struct slice text;

	recorder->reply = REPLY_FIRST;
	exchange_spill(&recorder->log, EXCHANGE_ITEM_BYTES); /* there may be any number of them */
	recorder->log.rows_next = 0;
	if (head->command != MY_COM_QUERY || !head->bytes) {
		recorder->log.result++;
		return true;
	}
	my_status_follow(recorder);
	if (!sql_split(&recorder->options, &recorder->rest, &text)) {
		recorder->merged = true;
		recorder->log.result++;
		return true;
	}
	exchange_close(&recorder->log, OUTCOME_OK);
	item = exchange_new(&recorder->log, EXCHANGE_SIMPLE, exchange_trim(text), &text);
	item->exchange.text = text;
	exchange_activate(&recorder->log, item);
	return true;
}

/* OK, or the end of rows. */
static bool result_complete(struct recorder *recorder, struct my_operation *head,
			    const struct my_ok *ok)
{
	if (recorder->log.active && ok->changes.size && !my_status_changes(recorder, ok))
		return false;
	if (recorder->log.active)
		add_tag(recorder, ok);
	my_status_said(recorder, ok->status);
	if (ok->status & MY_STATUS_MORE_RESULTS)
		return recorder->log.active ? next_result(recorder, head) : my_unexpected(recorder);
	return done_well(recorder, head);
}

/* MariaDB says that there is a cursor of a SELECT in a procedure that has one of its own open, too. */
static bool opens_cursor(const struct my_operation *head, const struct my_ok *ok)
{
	return head->asks_cursor && (ok->status & MY_STATUS_CURSOR_EXISTS);
}

/* Rows are fetched later, or some of them were: the exchange waits with its statement. */
static bool cursor_waits(struct recorder *recorder, const struct my_operation *head,
			 const struct my_ok *ok)
{
	struct my_statement *statement = my_statement_find(recorder, head->statement_id);

	my_status_said(recorder, ok->status);
	if (!statement || !recorder->log.active)
		return my_unexpected(recorder);
	recorder->log.active->exchange.flags |= EXCHANGE_ROW_LIMIT;
	statement->cursor_status = ok->status & MY_STATUS_INDEXES;
	if (head->command != MY_COM_STMT_FETCH)
		statement->cursor_warnings = ok->warnings;
	statement->cursor = recorder->log.active;
	recorder->log.active = NULL;
	return my_statement_grew(recorder, statement) && my_operation_done(recorder);
}

/* ---- errors ---- */

struct item *my_command_exchange(struct recorder *recorder, const struct my_operation *operation)
{
	struct buffer command;
	struct item *item;
	struct slice text;

	buffer_init(&command, 2 * MY_LOGIN_MAX + 64); /* a name may be all backticks */
	switch (operation->command) {
	case MY_COM_STMT_PREPARE:
		text = operation->statement->text;
		break;
	case MY_COM_PING:
		text = SLICE("COM_PING");
		break;
	case MY_COM_RESET_CONNECTION:
		text = SLICE("COM_RESET_CONNECTION");
		break;
	case MY_COM_CHANGE_USER:
		my_change_user_text(&command, operation->identity->user,
				    operation->identity->database);
		text = buffer_slice(&command);
		break;
	case MY_COM_STMT_RESET:
		text = SLICE("COM_STMT_RESET");
		break;
	default:
		return NULL;
	}
	item = exchange_new(&recorder->log,
			    operation->command == MY_COM_STMT_PREPARE ? EXCHANGE_PARSE :
									EXCHANGE_COMMAND,
			    text, &text);
	buffer_release(&command);
	item->exchange.text = text;
	item->exchange.start_ns = operation->time_ns;
	return item;
}

/* What failed was no exchange: it becomes one, unless it is the session's own. */
static void error_exchange(struct recorder *recorder, const struct my_operation *head)
{
	struct item *item = my_command_exchange(recorder, head);

	if (!item)
		return;
	exchange_activate(&recorder->log, item);
	exchange_touch(&recorder->log);
}

static bool reply_error(struct recorder *recorder, struct my_operation *head, struct slice body)
{
	struct buffer piece;
	struct my_err err;

	if (!my_err_read(body, &err))
		return my_fail(recorder, "malformed ERR");
	if (!recorder->log.active)
		error_exchange(recorder, head);
	if (recorder->log.active) {
		buffer_init(&piece, MY_TAG_MAX);
		my_error_piece_write(&piece, &err);
		exchange_piece(&recorder->log, PIECE_ERROR, buffer_slice(&piece));
		buffer_release(&piece);
		exchange_close(&recorder->log, OUTCOME_ERROR);
	}
	if (head->command == MY_COM_STMT_PREPARE)
		recorder->prepared = false; /* so does MariaDB: there is no last one then */
	if (recorder->merged && recorder->log.last)
		merge_batch(recorder, head);
	return my_operation_done(recorder);
}

/*
 * A server that has read in a request's header that it is longer than max_allowed_packet says so, and ends the session. More than the length it has
 * not seen, so that is what was asked; what else comes of it nobody reads.
 */
static bool is_refusal(const struct recorder *recorder, struct slice body)
{
	const struct my_framer *client = &recorder->framers[SIDE_CLIENT];
	struct my_err err;

	return client->in_packet && client->announced >= MY_REFUSED_MIN && !recorder->infile &&
	       !recorder->ends.ended && my_err_read(body, &err) &&
	       err.code == MY_ERROR_PACKET_TOO_LARGE;
}

static bool refused(struct recorder *recorder, struct slice body)
{
	struct my_operation *operation = my_operation_add(recorder, MY_COM_SLEEP);
	struct buffer what;
	struct slice text;
	struct item *item;

	if (!operation)
		return false;
	buffer_init(&what, 64);
	my_refused_text(&what, recorder->framers[SIDE_CLIENT].announced);
	item = exchange_new(&recorder->log, EXCHANGE_COMMAND, buffer_slice(&what), &text);
	buffer_release(&what);
	item->exchange.text = text;
	item->exchange.flags |= EXCHANGE_REQUEST_CUT;
	exchange_activate(&recorder->log, item);
	exchange_touch(&recorder->log);
	recorder->quit = true;
	recorder->framers[SIDE_CLIENT].streaming = true;
	(void)ends_side(&recorder->ends, &recorder->log, SIDE_SERVER, EXCHANGE_SERVER_ENDED, false);
	return reply_error(recorder, operation, body);
}

/* ---- results ---- */

/* The definitions are complete. With cached metadata the next execution may leave them out. */
static bool columns_done(struct recorder *recorder, const struct my_operation *head, bool new)
{
	struct slice columns = my_definitions_said(recorder);
	struct my_statement *statement;
	bool fits = true;

	exchange_piece(&recorder->log, PIECE_COLUMNS, columns);
	statement =
		new && recorder->binary ? my_statement_find(recorder, head->statement_id) : NULL;
	if (statement && !recorder->log.result &&
	    !slice_equal(buffer_slice(&statement->columns), columns)) {
		my_definitions_keep(statement, columns);
		statement->n_columns = (uint16_t)recorder->n_columns;
		fits = my_statement_grew(recorder, statement);
	}
	if (recorder->columns.capacity > (size_t)64 << 10)
		buffer_release(&recorder->columns);
	recorder->reply = has(recorder, MY_CLIENT_DEPRECATE_EOF) ? REPLY_ROWS : REPLY_COLUMNS_EOF;
	return fits;
}

/* The number of columns, and whether their definitions follow. */
static bool reply_result(struct recorder *recorder, struct my_operation *head, struct slice body)
{
	struct cursor cursor = cursor_of(body);
	uint64_t n = my_read_lenenc(&cursor);
	bool follow = true;

	if (has(recorder, MY_MARIADB_CACHE_METADATA | MY_CLIENT_OPTIONAL_METADATA) &&
	    cursor_left(&cursor))
		follow = cursor_u8(&cursor) != 0;
	if (!cursor_done(&cursor) || !n || n > COLUMNS_MAX)
		return my_fail(recorder, "malformed number of columns");
	my_definitions_begin(recorder, (size_t)n,
			     head->command == MY_COM_STMT_EXECUTE ||
				     head->command == MY_COM_STMT_BULK_EXECUTE);
	recorder->reply = REPLY_COLUMNS;
	if (follow)
		return true;
	return my_definitions_known(recorder, head, (size_t)n) &&
	       columns_done(recorder, head, false);
}

/* The first packet of a QUERY's or EXECUTE's result. */
static bool result_first(struct recorder *recorder, struct my_operation *head, struct slice body,
			 uint8_t sequence)
{
	struct my_ok ok;

	if (!recorder->log.active)
		return my_fail(recorder, "an answer to an execution that was not understood");
	if (body.data[0] == MY_LOCAL_INFILE)
		return my_infile_begin(recorder, slice_of(body.data + 1, body.size - 1), sequence);
	if (body.data[0] != MY_OK)
		return reply_result(recorder, head, body);
	if (!my_ok_read(body, recorder->capabilities, &ok))
		return my_fail(recorder, "malformed OK");
	return result_complete(recorder, head, &ok);
}

static bool read_end(struct recorder *recorder, struct slice body, struct my_ok *ret_ok)
{
	*ret_ok = (struct my_ok){ 0 };
	if (body.data[0] == MY_EOF && my_eof_read(body, &ret_ok->warnings, &ret_ok->status))
		return true;
	return my_ok_read(body, recorder->capabilities, ret_ok) ||
	       my_fail(recorder, "malformed OK or EOF");
}

static bool rows_end(struct recorder *recorder, struct my_operation *head, struct slice body)
{
	const struct my_statement *fetched = NULL;
	struct my_ok ok;

	if (!has(recorder, MY_CLIENT_DEPRECATE_EOF) && !my_is_eof(body))
		return my_fail(recorder, "malformed EOF");
	if (!read_end(recorder, body, &ok))
		return false;
	/* MySQL says so in front of the rows only, where there is an EOF: an OK follows them. */
	ok.status |= recorder->columns_status;
	if (head->command == MY_COM_STMT_FETCH)
		fetched = my_statement_find(recorder, head->statement_id);
	if (fetched && !ok.warnings)
		ok.warnings = fetched->cursor_warnings;
	if (head->command == MY_COM_STMT_FETCH ? !(ok.status & MY_STATUS_LAST_ROW_SENT) :
						 opens_cursor(head, &ok))
		return cursor_waits(recorder, head, &ok);
	return result_complete(recorder, head, &ok);
}

static bool reply_row(struct recorder *recorder, struct my_operation *head, struct slice body)
{
	if (body.data[0] == MY_EOF)
		return rows_end(recorder, head, body);
	if (!recorder->log.active)
		return my_unexpected(recorder);
	return my_row_add(recorder, body);
}

/* What the statement warned of before it gave a row. An end of rows counts all of it. */
static void columns_warned(struct recorder *recorder, uint16_t warnings)
{
	struct buffer digits;

	if (!warnings)
		return;
	buffer_init(&digits, 16);
	buffer_append_unsigned(&digits, warnings);
	my_status_add(recorder, MY_NOTE_COLUMNS_WARNINGS, buffer_slice(&digits));
	buffer_release(&digits);
}

static bool reply_columns_eof(struct recorder *recorder, struct my_operation *head,
			      struct slice body)
{
	struct my_ok ok = { 0 };

	if (!my_is_eof(body) || !my_eof_read(body, &ok.warnings, &ok.status))
		return my_fail(recorder, "malformed EOF");
	recorder->reply = REPLY_ROWS;
	if (ok.status & MY_STATUS_PS_OUT_PARAMS)
		recorder->columns_status =
			ok.status & (MY_STATUS_PS_OUT_PARAMS | MY_STATUS_MORE_RESULTS);
	if (opens_cursor(head, &ok))
		return cursor_waits(recorder, head, &ok);
	columns_warned(recorder, ok.warnings);
	return true;
}

/* ---- what is prepared ---- */

static bool prepare_complete(struct recorder *recorder, struct my_operation *head)
{
	struct my_statement *statement = head->statement;
	struct named *old;

	if (recorder->columns_left || recorder->n_columns)
		my_definitions_keep(statement, my_definitions_said(recorder));
	head->statement = NULL;
	old = names_put(&recorder->statements, &statement->named);
	my_statement_end(recorder, (struct my_statement *)old);
	return my_statement_grew(recorder, statement) && my_operation_done(recorder);
}

static bool prepare_columns(struct recorder *recorder, struct my_operation *head)
{
	recorder->columns_left = head->statement->n_columns;
	recorder->reply = REPLY_PREPARED_COLUMNS;
	return recorder->columns_left || prepare_complete(recorder, head);
}

/* A client may ask for them before it executes the statement, or never does. */
static void prepared_with_warnings(struct recorder *recorder, const struct my_statement *statement,
				   uint16_t warnings)
{
	struct item *item = item_new(ITEM_STATEMENT, recorder->log.connection);

	item->statement.text = arena_copy(&item->arena, statement->text);
	item->statement.prepared_behind = recorder->log.ordinal + 1;
	item->statement.warnings = warnings;
	item_list_add(recorder->log.items, item);
}

static bool reply_prepared(struct recorder *recorder, struct my_operation *head, struct slice body)
{
	struct my_statement *statement = head->statement;
	struct my_prepared prepared;

	if (body.data[0] != MY_OK || !my_prepared_read(body, recorder->capabilities, &prepared))
		return my_fail(recorder, "malformed answer to COM_STMT_PREPARE");
	for (size_t i = 0; i < sizeof(statement->key); i++)
		statement->key[i] = (uint8_t)(prepared.statement >> (8 * i));
	statement->n_parameters = prepared.parameters;
	statement->n_columns = prepared.columns;
	recorder->last_prepared = prepared.statement;
	recorder->prepared = true;
	if (prepared.warnings)
		prepared_with_warnings(recorder, statement, prepared.warnings);
	my_definitions_begin(recorder, 0, true);
	if (!prepared.metadata)
		return prepare_complete(recorder, head);
	recorder->columns_left = prepared.parameters;
	recorder->reply = REPLY_PARAMETERS;
	return recorder->columns_left || prepare_columns(recorder, head);
}

/* Definitions of parameters say nothing that is known: they are read over. */
static bool reply_parameters(struct recorder *recorder, struct my_operation *head)
{
	if (--recorder->columns_left)
		return true;
	recorder->reply = REPLY_PARAMETERS_EOF;
	return !has(recorder, MY_CLIENT_DEPRECATE_EOF) || prepare_columns(recorder, head);
}

static bool reply_prepared_columns(struct recorder *recorder, struct my_operation *head,
				   struct slice body)
{
	if (!my_definitions_add(recorder, body))
		return false;
	if (--recorder->columns_left)
		return true;
	recorder->reply = REPLY_PREPARED_EOF;
	return !has(recorder, MY_CLIENT_DEPRECATE_EOF) || prepare_complete(recorder, head);
}

/* ---- other commands ---- */

static bool reply_field_list(struct recorder *recorder, struct my_operation *head,
			     struct slice body)
{
	struct my_ok ok;

	if (recorder->reply == REPLY_FIRST)
		my_definitions_begin(recorder, 0, false);
	recorder->reply = REPLY_COLUMNS;
	if (body.data[0] != MY_EOF)
		return my_definitions_add(recorder, body);
	if (!read_end(recorder, body, &ok))
		return false;
	exchange_piece(&recorder->log, PIECE_COLUMNS, my_definitions_said(recorder));
	return result_complete(recorder, head, &ok);
}

static bool reply_statistics(struct recorder *recorder, struct my_operation *head,
			     struct slice body)
{
	const struct my_ok ok = { .info = body, .status = recorder->status };

	return result_complete(recorder, head, &ok);
}

static bool reply_change_user(struct recorder *recorder, struct my_operation *head,
			      struct slice body)
{
	struct my_ok ok;
	bool done;

	if (!my_change_user_reply(recorder, body, &done))
		return false;
	if (!done)
		return true;
	if (body.data[0] == MY_ERR)
		return reply_error(recorder, head, body);
	if (my_ok_read(body, recorder->capabilities, &ok))
		my_status_said(recorder, ok.status);
	return my_operation_done(recorder);
}

/* OK, or EOF where older servers say that. */
static bool reply_ok(struct recorder *recorder, struct my_operation *head, struct slice body)
{
	struct my_statement *statement;
	struct my_ok ok;

	if ((body.data[0] != MY_OK && body.data[0] != MY_EOF) || !read_end(recorder, body, &ok))
		return my_unexpected(recorder);
	if (head->command == MY_COM_SET_OPTION)
		recorder->multi_statements = head->statement_id == 0;
	if (head->command == MY_COM_STMT_RESET) {
		statement = my_statement_find(recorder, head->statement_id);
		if (statement) {
			my_cursor_end(recorder, statement);
			my_long_data_clear(statement);
		}
	}
	if (head->command == MY_COM_RESET_CONNECTION) {
		my_statements_end(recorder);
		my_lexer_begin(recorder);
		my_session_emit(recorder);
	}
	ok.status &= (uint16_t)~MY_STATUS_MORE_RESULTS;
	return result_complete(recorder, head, &ok);
}

/* ---- all of it ---- */

static bool reply_first(struct recorder *recorder, struct my_operation *head, struct slice body,
			uint8_t sequence)
{
	switch (head->command) {
	case MY_COM_QUERY:
	case MY_COM_STMT_EXECUTE:
	case MY_COM_STMT_BULK_EXECUTE:
	case MY_COM_PROCESS_INFO:
		return result_first(recorder, head, body, sequence);
	case MY_COM_STMT_PREPARE:
		return reply_prepared(recorder, head, body);
	case MY_COM_STMT_FETCH:
		recorder->reply = REPLY_ROWS;
		return reply_row(recorder, head, body);
	case MY_COM_FIELD_LIST:
		return reply_field_list(recorder, head, body);
	case MY_COM_STATISTICS:
		return reply_statistics(recorder, head, body);
	case MY_COM_PING:
	case MY_COM_INIT_DB:
	case MY_COM_CREATE_DB:
	case MY_COM_DROP_DB:
	case MY_COM_REFRESH:
	case MY_COM_SHUTDOWN:
	case MY_COM_PROCESS_KILL:
	case MY_COM_DEBUG:
	case MY_COM_STMT_RESET:
	case MY_COM_SET_OPTION:
	case MY_COM_RESET_CONNECTION:
		return reply_ok(recorder, head, body);
	default:
		return my_fail(recorder, "an unknown command");
	}
}

static bool reply(struct recorder *recorder, struct my_operation *head, struct slice body,
		  uint8_t sequence)
{
	switch (recorder->reply) {
	case REPLY_COLUMNS:
		if (head->command == MY_COM_FIELD_LIST)
			return reply_field_list(recorder, head, body);
		if (!my_definitions_add(recorder, body))
			return false;
		return --recorder->columns_left || columns_done(recorder, head, true);
	case REPLY_COLUMNS_EOF:
		return reply_columns_eof(recorder, head, body);
	case REPLY_ROWS:
		return reply_row(recorder, head, body);
	case REPLY_PARAMETERS:
		return reply_parameters(recorder, head);
	case REPLY_PARAMETERS_EOF:
		return my_is_eof(body) ? prepare_columns(recorder, head) :
					 my_fail(recorder, "malformed EOF");
	case REPLY_PREPARED_COLUMNS:
		return reply_prepared_columns(recorder, head, body);
	case REPLY_PREPARED_EOF:
		return my_is_eof(body) ? prepare_complete(recorder, head) :
					 my_fail(recorder, "malformed EOF");
	default:
		return reply_first(recorder, head, body, sequence);
	}
}

/* MariaDB reports how far it is in packets that look like errors. */
static bool is_progress(const struct recorder *recorder, struct slice body)
{
	return has(recorder, MY_MARIADB_PROGRESS) && body.size >= 3 && body.data[0] == MY_ERR &&
	       body.data[1] == 0xff && body.data[2] == 0xff;
}

bool my_server_message(struct recorder *recorder, const struct my_frame *frame)
{
	struct my_operation *head = my_operations_head(recorder);

	if (recorder->phase != PHASE_READY) {
		if (frame->part != FRAME_WHOLE)
			return my_fail(recorder, "a login's packet of more than 64 KiB");
		return my_login_server(recorder, frame->body);
	}
	if (!head && frame->part == FRAME_WHOLE && frame->body.size &&
	    frame->body.data[0] == MY_ERR && is_refusal(recorder, frame->body))
		return refused(recorder, frame->body);
	/* A last word counts from 0, whatever the client has asked meanwhile. */
	if (!head || (!recorder->reply_begun && !frame->sequence && head->sequence > 0 &&
		      !recorder->framers[SIDE_SERVER].unordered))
		return (frame->part == FRAME_WHOLE && frame->body.size &&
			frame->body.data[0] == MY_ERR) ?
			       my_farewell(recorder, frame->body) :
			       my_unexpected(recorder);
	exchange_touch(&recorder->log);
	recorder->reply_begun = true;
	if (frame->part != FRAME_WHOLE) {
		if (!recorder->log.active ||
		    (recorder->reply != REPLY_ROWS && head->command != MY_COM_STMT_FETCH))
			return my_fail(recorder, "an answer larger than 16 MiB");
		recorder->reply = REPLY_ROWS;
		return my_row_stream(recorder, frame);
	}
	if (!frame->body.size)
		return my_fail(recorder, "an empty packet");
	if (head->command == MY_COM_CHANGE_USER)
		return reply_change_user(recorder, head, frame->body);
	if (is_progress(recorder, frame->body))
		return true;
	my_infile_drop(recorder);
	if (frame->body.data[0] == MY_ERR)
		return reply_error(recorder, head, frame->body);
	return reply(recorder, head, frame->body, frame->sequence);
}
