/* SPDX-License-Identifier: Apache-2.0 */
/* The MySQL recorder: what the client asks becomes operations; see recorder.h. Follows "Command Phase" of the internals manual. */
#include "parsers/mysql/recorder.h"

#include <stdlib.h>

static uint8_t *bytes_copy(struct slice bytes)
{
	uint8_t *copy = malloc(bytes.size + 1);

	if (!copy)
		abort();
	if (bytes.size)
		memcpy(copy, bytes.data, bytes.size);
	return copy;
}

static bool client_query(struct recorder *recorder, struct slice body)
{
	struct cursor cursor = cursor_of(body);
	struct my_operation *operation;
	struct slice text;

	cursor_u8(&cursor);
	if ((recorder->capabilities & MY_CLIENT_QUERY_ATTRIBUTES) && !my_skip_attributes(&cursor))
		return my_fail(recorder, "malformed COM_QUERY");
	text = cursor_rest(&cursor);
	operation = my_operation_add(recorder, MY_COM_QUERY);
	if (!operation)
		return false;
	if (recorder->multi_statements && sql_count(&recorder->options, text) > 1) {
		operation->bytes = bytes_copy(text);
		operation->n_bytes = text.size;
	}
	operation->item = exchange_new_from(&recorder->log, EXCHANGE_SIMPLE,
					    &recorder->framers[SIDE_CLIENT].body, text, &text);
	operation->item->exchange.text = text;
	return true;
}

static bool client_prepare(struct recorder *recorder, struct slice body)
{
	struct my_operation *operation = my_operation_add(recorder, MY_COM_STMT_PREPARE);

	if (!operation)
		return false;
	operation->statement = my_statement_new(slice_of(body.data + 1, body.size - 1));
	return true;
}

/* An EXECUTE is read when it is the first: what was prepared and sent before it says how. */
static bool client_execute(struct recorder *recorder, struct slice body)
{
	struct cursor cursor = cursor_of(body);
	uint8_t command = cursor_u8(&cursor);
	uint32_t id = cursor_u32le(&cursor);
	struct my_operation *operation;

	if (cursor.failed)
		return my_fail(recorder, "malformed COM_STMT_EXECUTE");
	operation = my_operation_add(recorder, command);
	if (!operation)
		return false;
	operation->statement_id = id;
	operation->asks_cursor = command == MY_COM_STMT_EXECUTE && cursor_left(&cursor) &&
				 (*cursor.at & MY_EXECUTE_CURSOR);
	operation->item = exchange_new_from(
		&recorder->log, EXCHANGE_EXTENDED, &recorder->framers[SIDE_CLIENT].body,
		slice_of(cursor.at, cursor_left(&cursor)), &operation->body);
	return true;
}

/* CLOSE, RESET, FETCH and SEND_LONG_DATA begin with a statement's id. */
static bool client_statement(struct recorder *recorder, struct slice body)
{
	struct cursor cursor = cursor_of(body);
	uint8_t command = cursor_u8(&cursor);
	uint32_t id = cursor_u32le(&cursor);
	struct my_operation *operation;

	if (cursor.failed || (command == MY_COM_STMT_SEND_LONG_DATA && cursor_left(&cursor) < 2))
		return my_fail(recorder, "malformed COM_STMT_...");
	operation = my_operation_add(recorder, command);
	if (!operation)
		return false;
	operation->statement_id = id;
	if (command == MY_COM_STMT_SEND_LONG_DATA) {
		operation->bytes = bytes_copy(slice_of(cursor.at, cursor_left(&cursor)));
		operation->n_bytes = cursor_left(&cursor);
	}
	return true;
}

static bool client_change_user(struct recorder *recorder, struct slice body)
{
	struct my_operation *operation;
	struct my_change_user change;

	if (!my_change_user_read(body, recorder->capabilities, &change))
		return my_fail(recorder, "malformed COM_CHANGE_USER");
	operation = my_operation_add(recorder, MY_COM_CHANGE_USER);
	if (!operation)
		return false;
	operation->identity = my_identity_new(recorder->identity.capabilities, change.user,
					      change.database, change.attributes);
	operation->identity->collation =
		change.collation ? change.collation : recorder->identity.collation;
	operation->identity->max_packet = recorder->identity.max_packet;
	return true;
}

/* ---- commands that are recorded as a statement that says the same ---- */

static const char *const command_names[] = {
	[MY_COM_REFRESH] = "COM_REFRESH",
	[MY_COM_SHUTDOWN] = "COM_SHUTDOWN",
	[MY_COM_STATISTICS] = "COM_STATISTICS",
	[MY_COM_PROCESS_INFO] = "COM_PROCESS_INFO",
	[MY_COM_DEBUG] = "COM_DEBUG",
	[MY_COM_BINLOG_DUMP] = "COM_BINLOG_DUMP",
	[MY_COM_TABLE_DUMP] = "COM_TABLE_DUMP",
	[MY_COM_REGISTER_SLAVE] = "COM_REGISTER_SLAVE",
	[MY_COM_BINLOG_DUMP_GTID] = "COM_BINLOG_DUMP_GTID",
};

/* COM_FIELD_LIST: a table, and a pattern of names. */
static void append_field_list(struct buffer *text, struct slice argument)
{
	struct cursor cursor = cursor_of(argument);
	struct slice table = cursor_string(&cursor);

	if (cursor.failed)
		table = argument;
	buffer_append_string(text, "COM_FIELD_LIST ");
	my_name_append(text, table);
	buffer_append_u8(text, ' ');
	my_name_append(text, cursor.failed ? slice_of(NULL, 0) : cursor_rest(&cursor));
}

static void command_text(struct slice body, struct buffer *text)
{
	struct slice argument = slice_of(body.data + 1, body.size - 1);
	struct cursor cursor = cursor_of(argument);

	switch (body.data[0]) {
	case MY_COM_INIT_DB:
		buffer_append_string(text, "USE ");
		my_name_append(text, argument);
		break;
	case MY_COM_CREATE_DB:
		buffer_append_string(text, "CREATE DATABASE ");
		my_name_append(text, argument);
		break;
	case MY_COM_DROP_DB:
		buffer_append_string(text, "DROP DATABASE ");
		my_name_append(text, argument);
		break;
	case MY_COM_FIELD_LIST:
		append_field_list(text, argument);
		break;
	case MY_COM_PROCESS_KILL:
		buffer_append_string(text, "KILL ");
		buffer_append_unsigned(text, cursor_u32le(&cursor));
		break;
	case MY_COM_SET_OPTION:
		buffer_append_string(text, "COM_SET_OPTION ");
		buffer_append_unsigned(text, cursor_u16le(&cursor));
		break;
	default:
		buffer_append_string(text, command_names[body.data[0]]);
		break;
	}
}

static bool client_command(struct recorder *recorder, struct slice body)
{
	struct my_operation *operation = my_operation_add(recorder, body.data[0]);
	struct buffer text;
	struct slice copy;

	if (!operation)
		return false;
	/* A name may be all backticks. */
	buffer_init(&text, 2 * MY_REQUEST_MAX + 64);
	command_text(body, &text);
	operation->item =
		exchange_new(&recorder->log, EXCHANGE_COMMAND, buffer_slice(&text), &copy);
	operation->item->exchange.text = copy;
	if (body.data[0] == MY_COM_SET_OPTION)
		operation->statement_id = body.size > 1 ? body.data[1] : 0;
	buffer_release(&text);
	return true;
}

/* A stream of its own follows: what was asked is kept, and nothing of it can be read from here on. */
static bool client_stream(struct recorder *recorder, struct slice body)
{
	if (!client_command(recorder, body))
		return false;
	my_operation_last(recorder)->item->exchange.flags |= EXCHANGE_NOT_DECODED;
	return my_fail(recorder, "a replication stream");
}

static bool client_ask(struct recorder *recorder, struct slice body)
{
	switch (body.data[0]) {
	case MY_COM_QUERY:
		return client_query(recorder, body);
	case MY_COM_STMT_PREPARE:
		return client_prepare(recorder, body);
	case MY_COM_STMT_EXECUTE:
	case MY_COM_STMT_BULK_EXECUTE:
		return client_execute(recorder, body);
	case MY_COM_STMT_SEND_LONG_DATA:
	case MY_COM_STMT_CLOSE:
	case MY_COM_STMT_RESET:
	case MY_COM_STMT_FETCH:
		return client_statement(recorder, body);
	case MY_COM_CHANGE_USER:
		return client_change_user(recorder, body);
	case MY_COM_INIT_DB:
	case MY_COM_FIELD_LIST:
	case MY_COM_CREATE_DB:
	case MY_COM_DROP_DB:
	case MY_COM_REFRESH:
	case MY_COM_SHUTDOWN:
	case MY_COM_STATISTICS:
	case MY_COM_PROCESS_INFO:
	case MY_COM_PROCESS_KILL:
	case MY_COM_DEBUG:
	case MY_COM_SET_OPTION:
		return client_command(recorder, body);
	case MY_COM_BINLOG_DUMP:
	case MY_COM_BINLOG_DUMP_GTID:
	case MY_COM_TABLE_DUMP:
	case MY_COM_REGISTER_SLAVE:
		return client_stream(recorder, body);
	case MY_COM_PING:
	case MY_COM_RESET_CONNECTION:
		return my_operation_add(recorder, body.data[0]) != NULL;
	case MY_COM_QUIT:
		recorder->quit = true;
		my_side_ended(recorder, SIDE_CLIENT, 0);
		return true;
	default: /* a server says that it does not know it either, or all of this is something else */
		return my_operation_add(recorder, body.data[0]) != NULL;
	}
}

/* Requests above MY_REQUEST_MAX come in parts: they keep their place in the queue, and nothing is stored of them. */
static bool client_large(struct recorder *recorder, const struct my_frame *frame)
{
	struct cursor cursor = cursor_of(frame->body);
	struct my_operation *operation;
	uint8_t command = cursor_u8(&cursor);
	uint32_t id = cursor_u32le(&cursor);

	if (frame->part == FRAME_BEGIN || recorder->large_request) {
		recorder->large_request = frame->part == FRAME_BYTES && !frame->last;
		return true;
	}
	recorder->large_request = !frame->last;
	if (cursor.failed ||
	    (command != MY_COM_QUERY && command != MY_COM_STMT_EXECUTE &&
	     command != MY_COM_STMT_BULK_EXECUTE && command != MY_COM_STMT_SEND_LONG_DATA))
		return my_fail(recorder, "a command larger than 64 MiB");
	operation = my_operation_add(recorder, command);
	if (!operation)
		return false;
	operation->too_large = true;
	operation->statement_id = id;
	if (command == MY_COM_STMT_SEND_LONG_DATA)
		return true;
	operation->item = exchange_new(
		&recorder->log, command == MY_COM_QUERY ? EXCHANGE_SIMPLE : EXCHANGE_EXTENDED,
		slice_of(NULL, 0), NULL);
	operation->item->exchange.flags |= EXCHANGE_REQUEST_TOO_LARGE;
	return true;
}

bool my_client_message(struct recorder *recorder, const struct my_frame *frame)
{
	const struct my_operation *head = my_operations_head(recorder);

	if (recorder->quit)
		return true;
	if (recorder->phase != PHASE_READY)
		return frame->part == FRAME_WHOLE ?
			       my_login_client(recorder, frame->body) :
			       my_fail(recorder, "a login's packet of more than 64 KiB");
	if (recorder->infile) {
		my_infile_bytes(recorder, frame);
		return true;
	}
	if (head && head->command == MY_COM_CHANGE_USER)
		return true;
	if (frame->part != FRAME_WHOLE)
		return client_large(recorder, frame);
	return frame->body.size ? client_ask(recorder, frame->body) :
				  my_fail(recorder, "an empty command");
}
