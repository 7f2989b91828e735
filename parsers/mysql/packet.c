/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is in MySQL's packets; see packet.h. Follows "Connection Phase Packets", "Generic Response Packets" and "Text
 * Resultset" of the internals manual, and MariaDB's "Connecting", "OK_Packet", "Result Set Packets" and
 * "COM_STMT_PREPARE". Clients leave out what stands at a packet's end more often than the manuals say.
 */
#include "parsers/mysql/packet.h"

/* ---- greeting ---- */

bool my_greeting_read(struct slice payload, struct my_greeting *ret_greeting)
{
	struct cursor cursor = cursor_of(payload);
	struct my_greeting *greeting = ret_greeting;
	uint8_t version = cursor_u8(&cursor);
	uint32_t extended;
	size_t nonce_size;

	*greeting = (struct my_greeting){ .version = cursor_string(&cursor) };
	greeting->thread = cursor_u32le(&cursor);
	greeting->nonce_first = cursor_bytes(&cursor, 8);
	cursor_u8(&cursor);
	greeting->capabilities = cursor_u16le(&cursor);
	greeting->collation = cursor_u8(&cursor);
	greeting->status = cursor_u16le(&cursor);
	greeting->capabilities |= (uint64_t)cursor_u16le(&cursor) << 16;
	nonce_size = cursor_u8(&cursor);
	cursor_bytes(&cursor, 6);
	extended = cursor_u32le(&cursor);
	if (!(greeting->capabilities & MY_CLIENT_MYSQL))
		greeting->capabilities |= (uint64_t)extended << 32;
	/* At least 13, the last of them a NUL. */
	nonce_size = nonce_size > 8 + 13 ? nonce_size - 8 : 13;
	greeting->nonce_rest = cursor_bytes(&cursor, nonce_size);
	if (cursor.failed || version != 10)
		return false;
	greeting->nonce_rest.size--;
	if (greeting->capabilities & MY_CLIENT_PLUGIN_AUTH) {
		greeting->plugin =
			cursor_rest(&cursor); /* versions before 5.5.10 leave the NUL out */
		if (greeting->plugin.size && !greeting->plugin.data[greeting->plugin.size - 1])
			greeting->plugin.size--;
	}
	return true;
}

void my_greeting_write(struct buffer *out, const struct my_greeting *greeting)
{
	uint64_t capabilities = greeting->capabilities;

	buffer_append_u8(out, 10);
	buffer_append_slice(out, greeting->version);
	buffer_append_u8(out, 0);
	buffer_append_le(out, greeting->thread, 4);
	buffer_append_slice(out, greeting->nonce_first);
	buffer_append_u8(out, 0);
	buffer_append_le(out, capabilities, 2);
	buffer_append_u8(out, greeting->collation);
	buffer_append_le(out, greeting->status, 2);
	buffer_append_le(out, capabilities >> 16, 2);
	buffer_append_u8(out, (uint8_t)(greeting->nonce_rest.size + 9));
	buffer_append_le(out, 0, 6);
	buffer_append_le(out, capabilities & MY_CLIENT_MYSQL ? 0 : capabilities >> 32, 4);
	buffer_append_slice(out, greeting->nonce_rest);
	buffer_append_u8(out, 0);
	if (capabilities & MY_CLIENT_PLUGIN_AUTH) {
		buffer_append_slice(out, greeting->plugin);
		buffer_append_u8(out, 0);
	}
}

/* ---- login ---- */

/* A string with its NUL, or what is left: the last one of a packet may come without. */
static struct slice string_or_rest(struct cursor *cursor)
{
	struct slice rest = slice_of(cursor->at, cursor_left(cursor));

	if (cursor->failed || (rest.size && memchr(rest.data, 0, rest.size)))
		return cursor_string(cursor);
	return cursor_rest(cursor);
}

/* The answer to the nonce has three forms, by age. */
static struct slice read_answer(struct cursor *cursor, bool lenenc, bool counted)
{
	if (lenenc)
		return my_read_lenenc_bytes(cursor);
	if (counted)
		return cursor_bytes(cursor, cursor_u8(cursor));
	return string_or_rest(cursor);
}

bool my_login_read(struct slice payload, struct my_login *ret_login)
{
	struct cursor cursor = cursor_of(payload);
	struct my_login *login = ret_login;
	uint64_t capabilities = cursor_u32le(&cursor), extended;

	*login = (struct my_login){ .max_packet = cursor_u32le(&cursor) };
	login->collation = cursor_u8(&cursor);
	cursor_bytes(&cursor, 19);
	extended = cursor_u32le(&cursor);
	if (!(capabilities & MY_CLIENT_MYSQL))
		capabilities |= extended << 32;
	login->capabilities = capabilities;
	login->user = string_or_rest(&cursor);
	login->answer = read_answer(&cursor, capabilities & MY_CLIENT_PLUGIN_AUTH_LENENC,
				    capabilities & MY_CLIENT_SECURE_CONNECTION);
	if (cursor.failed || !(capabilities & MY_CLIENT_PROTOCOL_41))
		return false;
	if (capabilities & MY_CLIENT_CONNECT_WITH_DB)
		login->database = string_or_rest(&cursor);
	if (capabilities & MY_CLIENT_PLUGIN_AUTH)
		login->plugin = string_or_rest(&cursor);
	if ((capabilities & MY_CLIENT_CONNECT_ATTRS) && cursor_left(&cursor))
		login->attributes = my_read_lenenc_bytes(&cursor);
	if ((capabilities & MY_CLIENT_ZSTD) && cursor_left(&cursor))
		login->zstd_level = cursor_u8(&cursor);
	return !cursor.failed;
}

void my_login_write(struct buffer *out, const struct my_login *login)
{
	uint64_t capabilities = login->capabilities;

	buffer_append_le(out, capabilities, 4);
	buffer_append_le(out, login->max_packet, 4);
	buffer_append_u8(out, login->collation);
	for (int i = 0; i < 19; i++)
		buffer_append_u8(out, 0);
	buffer_append_le(out, capabilities & MY_CLIENT_MYSQL ? 0 : capabilities >> 32, 4);
	buffer_append_slice(out, login->user);
	buffer_append_u8(out, 0);
	if (capabilities & MY_CLIENT_PLUGIN_AUTH_LENENC)
		my_write_lenenc(out, login->answer.size);
	else if (capabilities & MY_CLIENT_SECURE_CONNECTION)
		buffer_append_u8(out, (uint8_t)login->answer.size);
	buffer_append_slice(out, login->answer);
	if (!(capabilities & (MY_CLIENT_PLUGIN_AUTH_LENENC | MY_CLIENT_SECURE_CONNECTION)))
		buffer_append_u8(out, 0);
	if (capabilities & MY_CLIENT_CONNECT_WITH_DB) {
		buffer_append_slice(out, login->database);
		buffer_append_u8(out, 0);
	}
	if (capabilities & MY_CLIENT_PLUGIN_AUTH) {
		buffer_append_slice(out, login->plugin);
		buffer_append_u8(out, 0);
	}
	if (capabilities & MY_CLIENT_CONNECT_ATTRS)
		my_write_lenenc_bytes(out, login->attributes);
	if (capabilities & MY_CLIENT_ZSTD)
		buffer_append_u8(out, login->zstd_level);
}

bool my_attribute_next(struct cursor *attributes, struct slice *ret_name, struct slice *ret_value)
{
	if (!cursor_left(attributes))
		return false;
	*ret_name = my_read_lenenc_bytes(attributes);
	*ret_value = my_read_lenenc_bytes(attributes);
	return !attributes->failed;
}

bool my_change_user_read(struct slice payload, uint64_t capabilities,
			 struct my_change_user *ret_change)
{
	struct cursor cursor = cursor_of(payload);
	struct my_change_user *change = ret_change;

	cursor_u8(&cursor);
	*change = (struct my_change_user){ .user = string_or_rest(&cursor) };
	change->answer = read_answer(&cursor, false, capabilities & MY_CLIENT_SECURE_CONNECTION);
	change->database = string_or_rest(&cursor);
	if (cursor_left(&cursor))
		change->collation = cursor_u16le(&cursor);
	if ((capabilities & MY_CLIENT_PLUGIN_AUTH) && cursor_left(&cursor))
		change->plugin = string_or_rest(&cursor);
	if ((capabilities & MY_CLIENT_CONNECT_ATTRS) && cursor_left(&cursor))
		change->attributes = my_read_lenenc_bytes(&cursor);
	return !cursor.failed;
}

/* ---- OK ---- */

/* Without session tracking the manual says that the text goes to the end; servers write its length all the same. */
static struct slice read_info(struct cursor *cursor)
{
	struct cursor counted = *cursor;
	struct slice info = my_read_lenenc_bytes(&counted);

	if (!cursor_done(&counted))
		return cursor_rest(cursor);
	*cursor = counted;
	return info;
}

bool my_ok_read(struct slice payload, uint64_t capabilities, struct my_ok *ret_ok)
{
	struct cursor cursor = cursor_of(payload);
	struct my_ok *ok = ret_ok;

	cursor_u8(&cursor);
	*ok = (struct my_ok){ .affected = my_read_lenenc(&cursor) };
	ok->insert_id = my_read_lenenc(&cursor);
	ok->status = cursor_u16le(&cursor);
	ok->warnings = cursor_u16le(&cursor);
	if (cursor.failed || !cursor_left(&cursor))
		return !cursor.failed;
	if (!(capabilities & MY_CLIENT_SESSION_TRACK)) {
		ok->info = read_info(&cursor);
		return true;
	}
	ok->info = my_read_lenenc_bytes(&cursor);
	if ((ok->status & MY_STATUS_SESSION_STATE_CHANGED) && cursor_left(&cursor))
		ok->changes = my_read_lenenc_bytes(&cursor);
	/* Of a database in utf16, ucs2 or utf32 MariaDB writes the length as a character, of two bytes or four. */
	while (!cursor.failed && !ok->changes.size && cursor_left(&cursor))
		ok->changes = my_read_lenenc_bytes(&cursor);
	return cursor_done(&cursor);
}

void my_ok_write(struct buffer *out, uint8_t header, uint64_t capabilities, const struct my_ok *ok)
{
	bool changed = (capabilities & MY_CLIENT_SESSION_TRACK) &&
		       (ok->status & MY_STATUS_SESSION_STATE_CHANGED);

	buffer_append_u8(out, header);
	my_write_lenenc(out, ok->affected);
	my_write_lenenc(out, ok->insert_id);
	buffer_append_le(out, ok->status, 2);
	buffer_append_le(out, ok->warnings, 2);
	if (changed || ok->info.size)
		my_write_lenenc_bytes(out, ok->info);
	if (changed)
		my_write_lenenc_bytes(out, ok->changes);
}

bool my_change_next(struct cursor *changes, uint8_t *ret_type, struct slice *ret_data)
{
	if (!cursor_left(changes))
		return false;
	*ret_type = cursor_u8(changes);
	*ret_data = my_read_lenenc_bytes(changes);
	return !changes->failed;
}

struct slice my_change_name(uint8_t type)
{
	switch (type) {
	case MY_CHANGE_SCHEMA:
		return SLICE("@schema");
	case MY_CHANGE_STATE:
		return SLICE("@state");
	case MY_CHANGE_GTIDS:
		return SLICE("@gtids");
	case MY_CHANGE_CHARACTERISTICS:
		return SLICE("@transaction_characteristics");
	case MY_CHANGE_TRANSACTION:
		return SLICE("@transaction_state");
	default:
		return slice_of(NULL, 0);
	}
}

/* ---- ERR and EOF ---- */

bool my_err_read(struct slice payload, struct my_err *ret_err)
{
	struct cursor cursor = cursor_of(payload);

	cursor_u8(&cursor);
	*ret_err = (struct my_err){ .code = cursor_u16le(&cursor) };
	if (cursor_left(&cursor) >= 6 && *cursor.at == '#') {
		cursor_u8(&cursor);
		ret_err->state = cursor_bytes(&cursor, 5);
	}
	ret_err->message = cursor_rest(&cursor);
	return !cursor.failed;
}

void my_err_write(struct buffer *out, const struct my_err *err)
{
	buffer_append_u8(out, MY_ERR);
	buffer_append_le(out, err->code, 2);
	if (err->state.size == 5) {
		buffer_append_u8(out, '#');
		buffer_append_slice(out, err->state);
	}
	buffer_append_slice(out, err->message);
}

void my_error_piece_write(struct buffer *out, const struct my_err *err)
{
	uint8_t digits[MY_ERROR_PIECE_CODE];
	uint16_t code = err->code;

	for (size_t i = MY_ERROR_PIECE_CODE; i; i--) {
		digits[i - 1] = (uint8_t)('0' + code % 10);
		code /= 10;
	}
	buffer_append(out, digits, sizeof(digits));
	buffer_append_slice(out, err->state.size == 5 ? err->state : SLICE("     "));
	buffer_append_slice(out, err->message);
}

bool my_error_piece_read(struct slice raw, struct my_err *ret_err)
{
	struct cursor cursor = cursor_of(raw);
	struct slice digits = cursor_bytes(&cursor, MY_ERROR_PIECE_CODE);
	unsigned int code = 0;

	for (size_t i = 0; i < digits.size; i++) {
		if (digits.data[i] < '0' || digits.data[i] > '9')
			return false;
		code = code * 10 + (digits.data[i] - '0');
	}
	*ret_err = (struct my_err){ .code = (uint16_t)code };
	ret_err->state = cursor_bytes(&cursor, 5);
	ret_err->message = cursor_rest(&cursor);
	if (slice_equal(ret_err->state, SLICE("     ")))
		ret_err->state.size = 0;
	return !cursor.failed;
}

bool my_is_eof(struct slice payload)
{
	return payload.size && payload.size < 9 && payload.data[0] == MY_EOF;
}

bool my_eof_read(struct slice payload, uint16_t *ret_warnings, uint16_t *ret_status)
{
	struct cursor cursor = cursor_of(payload);

	cursor_u8(&cursor);
	*ret_warnings = cursor_u16le(&cursor);
	*ret_status = cursor_u16le(&cursor);
	return cursor_done(&cursor);
}

void my_eof_write(struct buffer *out, uint16_t warnings, uint16_t status)
{
	buffer_append_u8(out, MY_EOF);
	buffer_append_le(out, warnings, 2);
	buffer_append_le(out, status, 2);
}

/* ---- column definitions ---- */

bool my_column_read(struct slice payload, bool extended, struct column *ret_column)
{
	struct cursor cursor = cursor_of(payload);
	struct column *column = ret_column;

	*column = (struct column){ 0 };
	my_read_lenenc_bytes(&cursor); /* the catalog, which is "def" */
	column->schema = my_read_lenenc_bytes(&cursor);
	column->table_name = my_read_lenenc_bytes(&cursor);
	column->original_table = my_read_lenenc_bytes(&cursor);
	column->name = my_read_lenenc_bytes(&cursor);
	column->original_name = my_read_lenenc_bytes(&cursor);
	if (extended)
		column->extended = my_read_lenenc_bytes(&cursor);
	if (my_read_lenenc(&cursor) < 10)
		return false;
	column->charset = cursor_u16le(&cursor);
	column->length = cursor_u32le(&cursor);
	column->type_id = cursor_u8(&cursor);
	column->flags = cursor_u16le(&cursor);
	column->decimals = cursor_u8(&cursor);
	if (column->flags & MY_COLUMN_UNSIGNED)
		column->type_id |= MY_TYPE_UNSIGNED;
	/* Two bytes of nothing, and in a COM_FIELD_LIST the default value. */
	if (cursor.failed || cursor_left(&cursor) < 3)
		return !cursor.failed;
	cursor_u16le(&cursor);
	if (*cursor.at == MY_LOCAL_INFILE)
		return true;
	column->preset = my_read_lenenc_bytes(&cursor);
	return !cursor.failed;
}

void my_column_write(struct buffer *out, const struct column *column, bool extended)
{
	my_write_lenenc_bytes(out, SLICE("def"));
	my_write_lenenc_bytes(out, column->schema);
	my_write_lenenc_bytes(out, column->table_name);
	my_write_lenenc_bytes(out, column->original_table);
	my_write_lenenc_bytes(out, column->name);
	my_write_lenenc_bytes(out, column->original_name);
	if (extended)
		my_write_lenenc_bytes(out, column->extended);
	my_write_lenenc(out, 12);
	buffer_append_le(out, column->charset, 2);
	buffer_append_le(out, (uint64_t)column->length, 4);
	buffer_append_le(out, column->type_id, 1);
	buffer_append_le(out, column->flags, 2);
	buffer_append_u8(out, column->decimals);
	buffer_append_le(out, 0, 2);
}

/* ---- prepared statements ---- */

bool my_prepared_read(struct slice payload, uint64_t capabilities, struct my_prepared *ret_prepared)
{
	struct cursor cursor = cursor_of(payload);
	struct my_prepared *prepared = ret_prepared;

	cursor_u8(&cursor);
	*prepared = (struct my_prepared){ .statement = cursor_u32le(&cursor), .metadata = true };
	prepared->columns = cursor_u16le(&cursor);
	prepared->parameters = cursor_u16le(&cursor);
	cursor_u8(&cursor);
	prepared->warnings = cursor_u16le(&cursor);
	if ((capabilities & MY_CLIENT_OPTIONAL_METADATA) && cursor_left(&cursor))
		prepared->metadata = cursor_u8(&cursor) != 0;
	return cursor_done(&cursor);
}

void my_prepared_write(struct buffer *out, uint64_t capabilities,
		       const struct my_prepared *prepared)
{
	buffer_append_u8(out, MY_OK);
	buffer_append_le(out, prepared->statement, 4);
	buffer_append_le(out, prepared->columns, 2);
	buffer_append_le(out, prepared->parameters, 2);
	buffer_append_u8(out, 0);
	buffer_append_le(out, prepared->warnings, 2);
	if (capabilities & MY_CLIENT_OPTIONAL_METADATA)
		buffer_append_u8(out, prepared->metadata);
}
