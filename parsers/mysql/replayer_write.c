/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The MySQL replayer: packets in the way that this client negotiated. "Generic Response Packets" and "Text Resultset" of the internals
 * manual; MariaDB's "Result Set Packets".
 */
#include "parsers/mysql/replayer.h"

/* What a session knows of itself; the other flags belong to the result. */
#define STATUS_OF_SESSION                                                                     \
	(MY_STATUS_IN_TRANS | MY_STATUS_AUTOCOMMIT | MY_STATUS_MORE_RESULTS |                 \
	 MY_STATUS_CURSOR_EXISTS | MY_STATUS_LAST_ROW_SENT | MY_STATUS_NO_BACKSLASH_ESCAPES | \
	 MY_STATUS_SESSION_STATE_CHANGED)

static bool autocommit(const struct replayer *replayer)
{
	struct slice value = sql_session_setting(replayer->session, SLICE("autocommit"));

	if (!value.data)
		return replayer->login_status & MY_STATUS_AUTOCOMMIT;
	return !slice_equal(value, SLICE("0")) && !slice_equal_nocase(value, SLICE("off")) &&
	       !slice_equal_nocase(value, SLICE("false"));
}

uint16_t my_write_status(const struct replayer *replayer, uint16_t recorded)
{
	uint16_t status = recorded & (uint16_t)~STATUS_OF_SESSION;

	if (sql_session_transaction(replayer->session) == SQL_IN_TRANSACTION)
		status |= MY_STATUS_IN_TRANS;
	else
		status &= (uint16_t)~MY_STATUS_IN_TRANS_READONLY;
	if (autocommit(replayer))
		status |= MY_STATUS_AUTOCOMMIT;
	if (!sql_session_options(replayer->session).backslash_escapes)
		status |= MY_STATUS_NO_BACKSLASH_ESCAPES;
	if (replayer->send.on && (replayer->send.more || replayer->send.more_results))
		status |= MY_STATUS_MORE_RESULTS;
	return status;
}

void my_write_bytes(struct replayer *replayer, struct slice payload, struct buffer *out)
{
	size_t at = my_packet_begin(out);

	buffer_append_slice(out, payload);
	my_packet_end(out, at, &replayer->sequence);
}

/* `status` has the flags that are not the session's, and those of cursors. */
static void write_ok(struct replayer *replayer, uint8_t header, const struct completion *completion,
		     struct buffer *out)
{
	struct my_ok ok = {
		.affected = (uint64_t)completion->rows,
		.insert_id = completion->insert_id,
		.warnings = completion->warnings,
		.status = completion->status,
		.info = completion->tag,
		.changes = buffer_slice(&replayer->changes),
	};
	size_t at = my_packet_begin(out);

	if (ok.changes.size)
		ok.status |= MY_STATUS_SESSION_STATE_CHANGED;
	my_ok_write(out, header, replayer->capabilities, &ok);
	my_packet_end(out, at, &replayer->sequence);
	buffer_clear(&replayer->changes);
}

void my_write_ok(struct replayer *replayer, const struct completion *completion, struct buffer *out)
{
	write_ok(replayer, MY_OK, completion, out);
}

void my_write_eof(struct replayer *replayer, uint16_t warnings, uint16_t status, struct buffer *out)
{
	size_t at = my_packet_begin(out);

	my_eof_write(out, warnings, status);
	my_packet_end(out, at, &replayer->sequence);
}

void my_write_end(struct replayer *replayer, const struct completion *completion,
		  struct buffer *out)
{
	if (replayer->capabilities & MY_CLIENT_DEPRECATE_EOF) {
		write_ok(replayer, MY_EOF, completion, out);
		return;
	}
	my_write_eof(replayer, completion->warnings, completion->status, out);
	buffer_clear(&replayer->changes);
}

uint64_t my_number(struct slice digits, uint64_t otherwise)
{
	uint64_t value = 0;

	if (!digits.size || digits.size > 19)
		return otherwise;
	for (size_t i = 0; i < digits.size; i++) {
		if (digits.data[i] < '0' || digits.data[i] > '9')
			return otherwise;
		value = 10 * value + (uint64_t)(digits.data[i] - '0');
	}
	return value;
}

bool my_error_of(const struct answer_field *fields, size_t n, struct my_err *ret_err)
{
	struct my_err err = { 0 };
	uint32_t code = 0;

	for (size_t i = 0; i < n; i++) {
		struct slice value = fields[i].value;

		if (slice_equal(fields[i].name, SLICE("sqlstate")))
			err.state = value;
		else if (slice_equal(fields[i].name, SLICE("message")))
			err.message = value;
		else if (slice_equal(fields[i].name, SLICE("code")))
			for (size_t k = 0; k < value.size && code <= UINT16_MAX; k++)
				code = 10 * code + (uint32_t)(value.data[k] - '0');
	}
	err.code = (uint16_t)code;
	*ret_err = err;
	/* A client takes the code 65535 for a report of progress, and 0 for success. */
	return code && code < UINT16_MAX;
}

void my_write_error(struct replayer *replayer, uint16_t code, struct slice state,
		    struct slice message, struct buffer *out)
{
	struct my_err err = { .code = code, .state = state, .message = message };
	size_t at = my_packet_begin(out);

	my_err_write(out, &err);
	my_packet_end(out, at, &replayer->sequence);
	buffer_clear(&replayer->changes);
}

void my_write_count(struct replayer *replayer, size_t n, struct buffer *out)
{
	size_t at = my_packet_begin(out);

	/* The definitions always follow: who may leave them out must take them too. */
	if (replayer->capabilities & MY_CLIENT_OPTIONAL_METADATA)
		buffer_append_u8(out, 1);
	my_write_lenenc(out, n);
	if (replayer->capabilities & MY_MARIADB_CACHE_METADATA)
		buffer_append_u8(out, 1);
	my_packet_end(out, at, &replayer->sequence);
}

void my_write_column(struct replayer *replayer, const struct column *column, bool list,
		     struct buffer *out)
{
	size_t at = my_packet_begin(out);

	my_column_write(out, column, replayer->capabilities & MY_MARIADB_EXTENDED_METADATA);
	if (list && column->preset.data)
		my_write_lenenc_bytes(out, column->preset);
	else if (list)
		buffer_append_u8(out, MY_LOCAL_INFILE); /* a null */
	my_packet_end(out, at, &replayer->sequence);
}

/* MY_CHANGE_...; -1: none that is known. */
static int change_type(struct slice name)
{
	if (!name.size || name.data[0] != '@')
		return MY_CHANGE_VARIABLE;
	for (int type = MY_CHANGE_SCHEMA; type <= MY_CHANGE_TRANSACTION; type++)
		if (slice_equal(name, my_change_name((uint8_t)type)))
			return type;
	return -1;
}

void my_write_change(struct replayer *replayer, struct slice name, struct slice value)
{
	int type = change_type(name);
	struct buffer data;

	if (type < 0 || !(replayer->capabilities & MY_CLIENT_SESSION_TRACK))
		return;
	buffer_init(&data, name.size + value.size + 64);
	if (type == MY_CHANGE_VARIABLE)
		my_write_lenenc_bytes(&data, name);
	if (type == MY_CHANGE_GTIDS)
		buffer_append_u8(&data, 0); /* the encoding, of which there is one */
	if (type == MY_CHANGE_STATE)	    /* one letter, without a length of its own */
		buffer_append_slice(&data, value);
	else
		my_write_lenenc_bytes(&data, value);
	/* Whole or not at all. */
	if (data.size + 16 < replayer->changes.max - replayer->changes.size) {
		buffer_append_u8(&replayer->changes, (uint8_t)type);
		my_write_lenenc_bytes(&replayer->changes, buffer_slice(&data));
	}
	buffer_release(&data);
}
