/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PostgreSQL: parts of messages that people read in a recording: row descriptions, error fields, command tags; and how
 * a conversation begins. Follows chapters 55.2 "Message Flow", 55.7 "Message Formats" and 55.8 "Error and Notice
 * Message Fields".
 */
#include "parsers/postgres/wire.h"
#include "parsers/sql/lexer.h"
#include "parsers/sql/literal.h"

#include <errno.h>

static const struct field_name {
	uint8_t letter;
	const char *name;
} field_names[] = {
	{ 'S', "severity" },	   { 'V', "severity_nonlocalized" },
	{ 'C', "code" },	   { 'M', "message" },
	{ 'D', "detail" },	   { 'H', "hint" },
	{ 'P', "position" },	   { 'p', "internal_position" },
	{ 'q', "internal_query" }, { 'W', "where" },
	{ 's', "schema" },	   { 't', "table" },
	{ 'c', "column" },	   { 'd', "data_type" },
	{ 'n', "constraint" },	   { 'F', "file" },
	{ 'L', "line" },	   { 'R', "routine" },
};

struct slice pg_field_name(uint8_t letter)
{
	for (size_t i = 0; i < ARRAY_SIZE(field_names); i++)
		if (field_names[i].letter == letter)
			return slice_from_string(field_names[i].name);
	return slice_of(NULL, 0);
}

uint8_t pg_field_letter(struct slice name)
{
	static const struct slice unknown = SLICE("field_");

	for (size_t i = 0; i < ARRAY_SIZE(field_names); i++)
		if (slice_equal(name, slice_from_string(field_names[i].name)))
			return field_names[i].letter;
	if (name.size == unknown.size + 1 && slice_starts_with(name, unknown))
		return name.data[unknown.size];
	return 0;
}

/* The names of letters that this version does not know, so that they come back as they were. */
static struct slice unknown_field_name(uint8_t letter)
{
	static const char names[] =
		"field_A\0field_B\0field_E\0field_F\0field_G\0field_I\0field_J\0field_K\0field_L\0"
		"field_N\0field_O\0field_Q\0field_R\0field_T\0field_U\0field_X\0field_Y\0field_Z\0"
		"field_a\0field_b\0field_e\0field_f\0field_g\0field_h\0field_i\0field_j\0field_k\0"
		"field_l\0field_m\0field_o\0field_r\0field_u\0field_v\0field_w\0field_x\0field_y\0"
		"field_z";

	for (size_t at = 0; at < sizeof(names); at += 8)
		if ((uint8_t)names[at + 6] == letter)
			return slice_of(names + at, 7);
	return slice_of(NULL, 0);
}

int pg_message_read(struct slice raw, struct message_field *ret_fields, size_t max, size_t *ret_n)
{
	struct cursor cursor = cursor_of(raw);
	size_t n = 0;
	uint8_t letter;

	while ((letter = cursor_u8(&cursor))) {
		struct slice name = pg_field_name(letter);

		if (n == max)
			return -EINVAL;
		if (!name.size)
			name = unknown_field_name(letter);
		if (!name.size)
			return -EINVAL;
		ret_fields[n].name = name;
		ret_fields[n++].value = cursor_string(&cursor);
	}
	if (!cursor_done(&cursor))
		return -EINVAL;
	*ret_n = n;
	return 0;
}

void pg_cursor_text(struct slice name, struct buffer *text)
{
	buffer_append_string(text, "DESCRIBE CURSOR \"");
	for (size_t i = 0; i < name.size; i++) {
		if (name.data[i] == '"')
			buffer_append_u8(text, '"');
		buffer_append_u8(text, name.data[i]);
	}
	buffer_append_u8(text, '"');
}

struct slice pg_last_name(struct slice canonical, struct arena *arena)
{
	static const struct sql_options options = { .dialect = SQL_POSTGRES };
	struct slice name = slice_of(NULL, 0);
	struct sql_lexer lexer;
	struct sql_token token;

	sql_lexer_init(&lexer, &options, canonical);
	while (sql_lex_next(&lexer, &token), token.type != SQL_TOKEN_END) {
		if (token.type == SQL_TOKEN_WORD)
			name = token.text;
		else if (token.type == SQL_TOKEN_QUOTED &&
			 !sql_decode_quoted(&token, &options, arena, &name))
			name = slice_of(NULL, 0);
	}
	return name;
}

bool pg_startup_next(struct cursor *cursor, struct slice *ret_name, struct slice *ret_value)
{
	*ret_name = cursor_string(cursor);
	if (!ret_name->size) /* the list ends with an empty name */
		return false;
	*ret_value = cursor_string(cursor);
	return !cursor->failed;
}

bool pg_wants_replication(struct slice value)
{
	static const char *const no[] = { "false", "off", "no", "0" };

	for (size_t i = 0; i < ARRAY_SIZE(no); i++)
		if (slice_equal_nocase(value, slice_from_string(no[i])))
			return false;
	return true;
}

struct slice pg_error_code(struct slice raw)
{
	struct message_field fields[MESSAGE_FIELDS_MAX];
	size_t n;

	if (pg_message_read(raw, fields, ARRAY_SIZE(fields), &n) == 0)
		for (size_t i = 0; i < n; i++)
			if (slice_equal(fields[i].name, SLICE("code")))
				return fields[i].value;
	return slice_of(NULL, 0);
}

int pg_columns_read(struct slice raw, struct column *ret_columns, size_t max, size_t *ret_n)
{
	struct cursor cursor = cursor_of(raw);
	size_t n = cursor_u16be(&cursor);

	if (n > max)
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		struct column *column = &ret_columns[i];

		*column = (struct column){ .name = cursor_string(&cursor) };
		column->table = cursor_u32be(&cursor);
		column->attribute = cursor_u16be(&cursor);
		column->type_id = cursor_u32be(&cursor);
		column->length = (int16_t)cursor_u16be(&cursor);
		column->modifier = cursor_i32be(&cursor);
		column->form = cursor_u16be(&cursor);
		if (column->form > PARAMETER_BINARY)
			return -EINVAL;
	}
	if (!cursor_done(&cursor))
		return -EINVAL;
	*ret_n = n;
	return 0;
}

/* "INSERT 0 5", "SELECT 3", "UPDATE 1", "COPY 7": the last word when it is a number. */
static int64_t tag_rows(struct slice tag)
{
	int64_t rows = 0;
	size_t at = tag.size;

	while (at && tag.data[at - 1] >= '0' && tag.data[at - 1] <= '9')
		at--;
	if (at == tag.size || at == 0 || tag.data[at - 1] != ' ' || tag.size - at > 18)
		return -1;
	for (; at < tag.size; at++)
		rows = rows * 10 + (tag.data[at] - '0');
	return rows;
}

int pg_completion_read(struct slice raw, struct completion *ret_completion)
{
	*ret_completion =
		(struct completion){ .tag = raw.data ? raw : SLICE(""), .rows = tag_rows(raw) };
	return 0;
}

static bool startup_code_known(uint32_t code)
{
	return code >> 16 == 3 || code == PG_SSL_REQUEST || code == PG_GSSENC_REQUEST ||
	       code == PG_CANCEL_REQUEST;
}

/* A length of 8 to 10000 and a known code: 8 bytes decide, the first byte already excludes most others. */
enum recognised pg_recognise(struct slice client_bytes)
{
	struct cursor cursor = cursor_of(client_bytes);
	uint32_t length;

	if (client_bytes.size && client_bytes.data[0] != 0)
		return RECOGNISED_NO;
	if (client_bytes.size < 8)
		return RECOGNISED_MORE;
	length = cursor_u32be(&cursor);
	if (length < 8 || length > PG_STARTUP_MAX || !startup_code_known(cursor_u32be(&cursor)))
		return RECOGNISED_NO;
	return RECOGNISED_YES;
}

/* SSLRequest and GSSENCRequest are answered "not here" until TLS comes; everything else goes to the server. */
struct handshake_step pg_handshake(enum side side, struct slice bytes, struct buffer *edited)
{
	struct cursor cursor = cursor_of(bytes);
	uint32_t length = cursor_u32be(&cursor);
	uint32_t code = cursor_u32be(&cursor);

	(void)side;
	(void)edited;
	if (cursor.failed)
		return (struct handshake_step){ .action = HANDSHAKE_MORE };
	if (length == 8 && (code == PG_SSL_REQUEST || code == PG_GSSENC_REQUEST))
		return (struct handshake_step){ .action = HANDSHAKE_SEND,
						.consumed = 8,
						.reply = SLICE("N") };
	if (length < 8 || length > PG_STARTUP_MAX || !startup_code_known(code))
		return (struct handshake_step){ .action = HANDSHAKE_REFUSED };
	return (struct handshake_step){ .action = HANDSHAKE_DONE };
}
