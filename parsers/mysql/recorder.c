/* SPDX-License-Identifier: Apache-2.0 */
/* The MySQL recorder: the way in, and the queue of commands; see recorder.h for the whole. */
#include "parsers/mysql/recorder.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

bool my_fail(struct recorder *recorder, const char *why)
{
	recorder->error = why;
	return false;
}

bool my_unexpected(struct recorder *recorder)
{
	return my_fail(recorder, "an answer that does not fit what was asked");
}

struct recorder *my_recorder_new(uint64_t connection)
{
	struct recorder *recorder = calloc(1, sizeof(*recorder));

	if (!recorder)
		abort();
	exchange_log_init(&recorder->log, connection);
	my_framer_init(&recorder->framers[SIDE_CLIENT], MY_LOGIN_MAX);
	my_framer_init(&recorder->framers[SIDE_SERVER], MY_LOGIN_MAX);
	names_init(&recorder->statements);
	buffer_init(&recorder->columns, MY_COLUMNS_BYTES_MAX);
	buffer_init(&recorder->sizes, COLUMNS_MAX);
	buffer_init(&recorder->stream.bitmap, 1 + (COLUMNS_MAX + 9) / 8);
	buffer_init(&recorder->database, MY_DATABASE_MAX);
	buffer_init(&recorder->tag, MY_TAG_MAX);
	ends_init(&recorder->ends);
	recorder->options = sql_options_default(SQL_MYSQL);
	return recorder;
}

static void operation_release(struct my_operation *operation)
{
	if (operation->statement)
		my_statement_free(&operation->statement->named);
	my_identity_free(operation->identity);
	item_free(operation->item);
	free(operation->bytes);
	*operation = (struct my_operation){ 0 };
}

/* ---- the queue of operations ---- */

struct my_operation *my_operation_at(struct recorder *recorder, size_t i)
{
	return &recorder->operations[(recorder->operations_first + i) &
				     (recorder->operations_capacity - 1)];
}

struct my_operation *my_operations_head(struct recorder *recorder)
{
	return recorder->n_operations ? my_operation_at(recorder, 0) : NULL;
}

struct my_operation *my_operation_last(struct recorder *recorder)
{
	return my_operation_at(recorder, recorder->n_operations - 1);
}

void my_operations_pop(struct recorder *recorder)
{
	assert(recorder->n_operations);
	recorder->operations_bytes -= my_operation_at(recorder, 0)->weight;
	operation_release(my_operation_at(recorder, 0));
	recorder->operations_first++;
	recorder->n_operations--;
}

static void grow_operations(struct recorder *recorder)
{
	size_t capacity = recorder->operations_capacity ? 2 * recorder->operations_capacity : 8;
	struct my_operation *operations = calloc(capacity, sizeof(*operations));

	if (!operations)
		abort();
	for (size_t i = 0; i < recorder->n_operations; i++)
		operations[i] = *my_operation_at(recorder, i);
	free(recorder->operations);
	recorder->operations = operations;
	recorder->operations_capacity = capacity;
	recorder->operations_first = 0;
}

struct my_operation *my_operation_add(struct recorder *recorder, uint8_t command)
{
	struct my_operation *operation;

	if (recorder->n_operations == MY_OPERATIONS_MAX) {
		my_fail(recorder, "too many requests without an answer");
		return NULL;
	}
	if (recorder->n_operations == recorder->operations_capacity)
		grow_operations(recorder);
	operation = my_operation_at(recorder, recorder->n_operations++);
	operation->command = command;
	operation->time_ns = recorder->log.now_ns;
	operation->late = recorder->ends.ended;
	return operation;
}

/* A request was added: the queue is bounded in bytes too. */
static bool weigh_operation(struct recorder *recorder, const struct my_frame *frame)
{
	struct my_operation *operation = my_operation_last(recorder);

	/* A server may refuse a large request before it has read all of it. */
	operation->sequence = frame->split || frame->part != FRAME_WHOLE ?
				      MY_SEQUENCE_ANY :
				      (uint8_t)(frame->sequence + 1);
	operation->weight = sizeof(*operation) + operation->n_bytes;
	if (operation->item)
		operation->weight += operation->item->arena.allocated;
	if (operation->statement)
		operation->weight += operation->statement->arena.allocated;
	recorder->operations_bytes += operation->weight;
	return recorder->operations_bytes <= MY_OPERATIONS_BYTES_MAX ||
	       my_fail(recorder, "too many bytes of requests without an answer");
}

/* ---- what becomes the first operation ---- */

/* A QUERY of several statements begins with the first of them. */
static void begin_query(struct recorder *recorder, struct my_operation *query)
{
	struct item *item = query->item;
	struct slice text;

	query->item = NULL;
	recorder->rest = slice_of(query->bytes, query->n_bytes);
	if (query->bytes && sql_split(&recorder->options, &recorder->rest, &text)) {
		text = exchange_trim(text);
		item->exchange.text =
			slice_of(item->exchange.text.data + (text.data - query->bytes), text.size);
	}
	exchange_activate(&recorder->log, item);
}

/* An EXECUTE of a statement that does not exist, or without its values, is the session's own error, and no exchange. */
static bool begin_execute(struct recorder *recorder, struct my_operation *execute)
{
	struct my_statement *statement = my_statement_find(recorder, execute->statement_id);
	struct item *item;

	if (!statement)
		return true;
	my_cursor_end(recorder, statement);
	if (!my_bind(recorder, execute, statement))
		return !recorder->error;
	/* The exchange of a bulk has another text: what was prepared is reported by itself. */
	statement->executed |= execute->command == MY_COM_STMT_EXECUTE;
	item = execute->item;
	execute->item = NULL;
	exchange_activate(&recorder->log, item);
	return true;
}

/* The rows that are fetched have the columns that the cursor's EXECUTE said. */
static bool begin_fetch(struct recorder *recorder, const struct my_operation *fetch)
{
	struct my_statement *statement = my_statement_find(recorder, fetch->statement_id);
	struct my_columns columns;
	struct column column;
	struct slice payload;

	if (!statement || !statement->cursor)
		return true;
	columns = my_columns_of(buffer_slice(&statement->columns));
	buffer_clear(&recorder->columns); /* whose sizes these are no more */
	buffer_clear(&recorder->sizes);
	while (my_columns_next(&columns, &payload))
		if (my_column_read(payload, columns.extended, &column))
			buffer_append_u8(&recorder->sizes, (uint8_t)my_type_size(column.type_id));
	recorder->n_columns = recorder->sizes.size;
	recorder->binary = true;
	recorder->columns_status = statement->cursor_status;
	exchange_activate(&recorder->log, statement->cursor);
	statement->cursor = NULL;
	return my_statement_grew(recorder, statement);
}

/* True in *ret_answered when the server will answer it. */
static bool begin_operation(struct recorder *recorder, struct my_operation *operation,
			    bool *ret_answered)
{
	*ret_answered = true;
	switch (operation->command) {
	case MY_COM_QUERY:
		begin_query(recorder, operation);
		return true;
	case MY_COM_STMT_EXECUTE:
	case MY_COM_STMT_BULK_EXECUTE:
		return begin_execute(recorder, operation);
	case MY_COM_STMT_FETCH:
		return begin_fetch(recorder, operation);
	case MY_COM_STMT_SEND_LONG_DATA:
		*ret_answered = false;
		return my_long_data_add(recorder, operation);
	case MY_COM_STMT_CLOSE:
		*ret_answered = false;
		my_statement_end(recorder, my_statement_find(recorder, operation->statement_id));
		return true;
	default:
		if (operation->item)
			exchange_activate(&recorder->log, operation->item);
		operation->item = NULL;
		return true;
	}
}

static bool begin_head(struct recorder *recorder)
{
	bool answered = false;

	recorder->reply = REPLY_FIRST;
	recorder->reply_begun = false;
	recorder->merged = false;
	while (recorder->n_operations && !answered) {
		if (!begin_operation(recorder, my_operation_at(recorder, 0), &answered))
			return false;
		if (!answered)
			my_operations_pop(recorder);
	}
	return true;
}

bool my_operation_done(struct recorder *recorder)
{
	exchange_emit_last(&recorder->log);
	if (recorder->log.batch_index) {
		recorder->log.batch++;
		recorder->log.batch_index = 0;
	}
	my_operations_pop(recorder);
	return begin_head(recorder);
}

/* ---- the way in ---- */

/* Between packets: what the next one may be. */
static void framer_between(struct recorder *recorder, enum side side)
{
	struct my_framer *framer = &recorder->framers[side];
	const struct my_operation *head = my_operations_head(recorder);

	if (!my_framer_between(framer))
		return;
	if (recorder->phase != PHASE_READY) {
		framer->sequence = recorder->login_sequence;
		return;
	}
	if (side == SIDE_CLIENT) {
		bool changing = head && head->command == MY_COM_CHANGE_USER;

		framer->whole_max = recorder->infile ? MY_ROW_MAX : MY_REQUEST_MAX;
		if (!recorder->infile)
			framer->sequence = changing ? MY_SEQUENCE_ANY : 0;
		return;
	}
	framer->whole_max =
		recorder->reply == REPLY_ROWS || (head && head->command == MY_COM_STMT_FETCH) ?
			MY_ROW_MAX :
			MY_ANSWER_MAX;
	framer->or_zero = !recorder->reply_begun;
	if (!head || recorder->infile || head->command == MY_COM_CHANGE_USER)
		framer->sequence = MY_SEQUENCE_ANY;
	else if (!recorder->reply_begun)
		framer->sequence = head->sequence;
}

static bool take_frame(struct recorder *recorder, enum side side, const struct my_frame *frame)
{
	size_t before = recorder->n_operations;

	recorder->login_sequence = (uint8_t)(frame->sequence + 1);
	if (side == SIDE_SERVER)
		return my_server_message(recorder, frame);
	if (!my_client_message(recorder, frame))
		return false;
	if (recorder->n_operations == before)
		return true;
	return weigh_operation(recorder, frame) && (before || begin_head(recorder));
}

/* Takes packets until the bytes are used up, or compression begins. */
static bool see_plain(struct recorder *recorder, enum side side, struct slice *bytes)
{
	struct my_framer *framer = &recorder->framers[side];
	const struct my_decompressor *compressed = recorder->decompressors[side];
	struct my_frame frame;
	enum my_next next = MY_EVENT;

	while (next == MY_EVENT && recorder->phase != PHASE_REFUSED &&
	       compressed == recorder->decompressors[side]) {
		framer_between(recorder, side);
		next = my_framer_next(framer, bytes, &frame);
		if (next == MY_EVENT && !take_frame(recorder, side, &frame))
			return false;
	}
	return next != MY_ERROR || my_fail(recorder, framer->error);
}

static bool see(struct recorder *recorder, enum side side, struct slice bytes)
{
	struct slice plain;
	enum my_next next;

	if (!recorder->decompressors[side] && !see_plain(recorder, side, &bytes))
		return false;
	while (recorder->decompressors[side]) {
		next = my_decompressor_next(recorder->decompressors[side], &bytes, &plain,
					    &recorder->error);
		if (next != MY_EVENT)
			return next == MY_MORE;
		if (!see_plain(recorder, side, &plain))
			return false;
	}
	return true;
}

/* Reads what was held back: somebody may have read it. */
bool my_see_held_back(struct recorder *recorder)
{
	struct slice bytes;

	recorder->log.now_ns = recorder->ends.held_ns;
	return !ends_give_back(&recorder->ends, &bytes) || see(recorder, SIDE_SERVER, bytes);
}

int my_recorder_see(struct recorder *recorder, enum side side, struct slice bytes, int64_t time_ns,
		    struct item_list *items, const char **ret_why)
{
	bool ok = !recorder->error;

	recorder->log.items = items;
	recorder->log.now_ns = time_ns;
	if (!bytes.size)
		my_side_ended(recorder, side, EXCHANGE_SERVER_ENDED);
	if (ok && side == SIDE_SERVER && bytes.size && recorder->ends.holds_back) {
		if (ends_hold_back(&recorder->ends, bytes, time_ns))
			bytes.size = 0;
		else
			ok = my_see_held_back(recorder);
		recorder->log.now_ns = time_ns;
	}
	if (ok && recorder->phase != PHASE_REFUSED)
		ok = see(recorder, side, bytes);
	recorder->log.items = NULL;
	if (ok)
		return 0;
	*ret_why = recorder->error;
	return -EPROTO;
}

void my_recorder_flush(struct recorder *recorder, int64_t before_ns, struct item_list *items)
{
	struct item *active = recorder->log.active;

	recorder->log.items = items;
	if (active && active->exchange.opens && active->exchange.start_ns < before_ns)
		exchange_spill(&recorder->log, 0);
	recorder->log.items = NULL;
}

void my_recorder_free(struct recorder *recorder)
{
	if (!recorder)
		return;
	while (recorder->n_operations)
		my_operations_pop(recorder);
	free(recorder->operations);
	names_release(&recorder->statements, my_statement_free);
	for (int side = SIDE_CLIENT; side <= SIDE_SERVER; side++) {
		my_framer_release(&recorder->framers[side]);
		my_decompressor_free(recorder->decompressors[side]);
	}
	ends_release(&recorder->ends);
	item_free(recorder->farewell);
	exchange_log_release(&recorder->log);
	my_infile_drop(recorder);
	arena_release(&recorder->greeting_arena);
	free(recorder->identity.bytes);
	buffer_release(&recorder->database);
	buffer_release(&recorder->columns);
	buffer_release(&recorder->sizes);
	buffer_release(&recorder->tag);
	sql_session_free(recorder->session);
	buffer_release(&recorder->stream.bitmap);
	free(recorder);
}
