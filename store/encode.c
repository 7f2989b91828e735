/* SPDX-License-Identifier: Apache-2.0 */
/* Raw pieces to JSON; see encode.h, and item.h for the form of rows. */
#include "store/encode.h"

#include "parsers/json.h"

#include <errno.h>

size_t row_format_bytes(size_t n)
{
	return sizeof(struct row_format) + n * sizeof(struct row_format_column);
}

static void encode_hex(struct buffer *json, struct slice bytes)
{
	buffer_append_slice(json, SLICE("{\"hex\": \""));
	buffer_append_hex(json, bytes);
	buffer_append_slice(json, SLICE("\"}"));
}

void encode_text(struct buffer *json, struct slice text)
{
	if (!json_append_string(json, text))
		encode_hex(json, text);
}

/* What is 0 or empty, as what a protocol does not have always is, is left out. */
static void encode_nonzero(struct buffer *json, const char *key, int64_t number)
{
	if (!number)
		return;
	buffer_append_string(json, key);
	buffer_append_signed(json, number);
}

static void encode_nonempty(struct buffer *json, const char *key, struct slice text)
{
	if (!text.size)
		return;
	buffer_append_string(json, key);
	encode_text(json, text);
}

static void encode_number(struct buffer *json, const char *key, int64_t number)
{
	buffer_append_string(json, key);
	buffer_append_signed(json, number);
}

void encode_columns(struct buffer *json, const struct protocol *protocol,
		    const struct column *columns, size_t n)
{
	buffer_append_u8(json, '[');
	for (size_t i = 0; i < n; i++) {
		const struct column *column = &columns[i];
		struct slice type =
			column->type.size ? column->type : protocol->type_name(column->type_id);

		buffer_append_string(json, i ? ", {\"name\": " : "{\"name\": ");
		encode_text(json, column->name);
		encode_nonempty(json, ", \"type\": ", type);
		encode_number(json, ", \"type_id\": ", column->type_id);
		encode_nonzero(json, ", \"modifier\": ", column->modifier);
		encode_nonzero(json, ", \"length\": ", column->length);
		encode_nonzero(json, ", \"table\": ", column->table);
		encode_nonzero(json, ", \"attribute\": ", column->attribute);
		encode_nonempty(json, ", \"schema\": ", column->schema);
		encode_nonempty(json, ", \"table_name\": ", column->table_name);
		encode_nonempty(json, ", \"original_table\": ", column->original_table);
		encode_nonempty(json, ", \"original_name\": ", column->original_name);
		encode_nonempty(json, ", \"extended\": ", column->extended);
		if (column->preset.data) {
			buffer_append_string(json, ", \"default\": ");
			encode_text(json, column->preset);
		}
		encode_nonzero(json, ", \"charset\": ", column->charset);
		encode_nonzero(json, ", \"flags\": ", column->flags);
		encode_nonzero(json, ", \"decimals\": ", column->decimals);
		buffer_append_string(json, column->form == PARAMETER_BINARY ?
						   ", \"form\": \"binary\"}" :
						   ", \"form\": \"text\"}");
	}
	buffer_append_u8(json, ']');
}

/* A name is a JSON key, so it has to be text; what is not is shown as its hex digits. */
static void encode_key(struct buffer *json, struct slice name)
{
	if (!json_append_string(json, name)) {
		buffer_append_u8(json, '"');
		buffer_append_hex(json, name);
		buffer_append_u8(json, '"');
	}
	buffer_append_slice(json, SLICE(": "));
}

void encode_object(struct buffer *json, const struct name_value *pairs, size_t n)
{
	buffer_append_u8(json, '{');
	for (size_t i = 0; i < n; i++) {
		if (i)
			buffer_append_slice(json, SLICE(", "));
		encode_key(json, pairs[i].name);
		encode_text(json, pairs[i].value);
	}
	buffer_append_u8(json, '}');
}

void encode_message(struct buffer *json, const struct protocol *protocol, struct slice raw)
{
	struct message_field fields[MESSAGE_FIELDS_MAX];
	size_t n = 0;

	if (protocol->message_read(raw, fields, MESSAGE_FIELDS_MAX, &n) < 0) {
		buffer_append_slice(json, SLICE("{\"raw\": "));
		encode_hex(json, raw);
		buffer_append_u8(json, '}');
		return;
	}
	buffer_append_u8(json, '{');
	for (size_t i = 0; i < n; i++) {
		if (i)
			buffer_append_slice(json, SLICE(", "));
		encode_key(json, fields[i].name);
		encode_text(json, fields[i].value);
	}
	buffer_append_u8(json, '}');
}

/*
 * A binary value as a string where its type has a text form that gives the same bytes back, and
 * that is text.
 */
static void encode_binary(struct buffer *json, struct buffer *scratch,
			  const struct encode_values *values, uint32_t type, struct slice bytes)
{
	buffer_clear(scratch);
	if (values->protocol->value_to_text(&values->scope, type, bytes, scratch) < 0 ||
	    scratch->overflowed || !json_append_string(json, buffer_slice(scratch)))
		encode_hex(json, bytes);
}

/*
 * Is the binary form of this type its text? Asked of the codec with a text that no other type reads
 * as itself.
 */
static bool binary_is_text(const struct encode_values *values, uint32_t type)
{
	struct buffer text;
	bool same;

	buffer_init(&text, 64);
	same = values->protocol->value_to_text(&values->scope, type, SLICE("[]"), &text) == 0 &&
	       slice_equal(buffer_slice(&text), SLICE("[]"));
	buffer_release(&text);
	return same;
}

static void encode_part(struct buffer *json, const struct encode_values *values,
			const struct row_format_column *column, struct cursor *rows)
{
	encode_number(json, "{\"part\": ", cursor_u32be(rows));
	encode_number(json, ", \"bytes\": ", (int64_t)(cursor_u64be(rows) & INT64_MAX));
	if (column && column->form == PARAMETER_BINARY && !binary_is_text(values, column->type))
		buffer_append_slice(json, SLICE(", \"raw\": true"));
	buffer_append_u8(json, '}');
}

static void encode_value(struct buffer *json, struct buffer *scratch,
			 const struct encode_values *values, const struct row_format_column *column,
			 struct cursor *rows)
{
	int32_t size = cursor_i32be(rows);
	struct slice bytes;

	if (size == ROW_VALUE_NULL) {
		buffer_append_slice(json, SLICE("null"));
		return;
	}
	if (size == ROW_VALUE_IN_PART) {
		encode_part(json, values, column, rows);
		return;
	}
	bytes = cursor_bytes(rows, size < 0 ? SIZE_MAX : (size_t)size);
	if (rows->failed)
		return;
	if (column && column->form == PARAMETER_BINARY)
		encode_binary(json, scratch, values, column->type, bytes);
	else
		encode_text(json, bytes);
}

int encode_row(struct buffer *json, struct buffer *scratch, const struct encode_values *values,
	       const struct row_format *format, struct cursor *rows)
{
	size_t start = json->size;
	size_t n = cursor_u16be(rows);

	buffer_append_u8(json, '[');
	for (size_t i = 0; i < n && !rows->failed; i++) {
		if (i)
			buffer_append_slice(json, SLICE(", "));
		encode_value(json, scratch, values,
			     format && i < format->n ? &format->columns[i] : NULL, rows);
	}
	buffer_append_u8(json, ']');
	if (!rows->failed)
		return 0;
	json->size = start;
	return -EINVAL;
}
