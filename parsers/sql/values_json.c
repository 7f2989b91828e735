/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values as JSON and back; see identity.h for the form. Keys that have a meaning of their own
 * ("hex", "part", "number", "boolean") are written in SQL's quotes when they are a type's name.
 */
#include "parsers/json.h"
#include "parsers/sql/identity.h"

#include <errno.h>

static bool is_json_number(struct slice text)
{
	struct json_reader reader;

	json_reader_init(&reader, text);
	return text.size && (text.data[0] == '-' || (text.data[0] >= '0' && text.data[0] <= '9')) &&
	       json_next(&reader) == JSON_NUMBER && reader.text.size == text.size;
}

/* A string, or what stands for one that JSON cannot hold. */
static void append_text(struct buffer *json, const struct sql_value *value)
{
	if (value->null) {
		buffer_append_string(json, "null");
		return;
	}
	if (!value->bytes && json_append_string(json, value->text))
		return;
	buffer_append_string(json, "{\"hex\":\"");
	buffer_append_hex(json, value->text);
	buffer_append_string(json, "\"}");
}

static bool is_special(struct slice name)
{
	return slice_equal(name, SLICE("hex")) || slice_equal(name, SLICE("part")) ||
	       slice_equal(name, SLICE("number")) || slice_equal(name, SLICE("boolean"));
}

static void append_key(struct buffer *json, struct slice type)
{
	if (is_special(type)) {
		buffer_append_string(json, "\"\\\"");
		buffer_append_slice(json, type);
		buffer_append_string(json, "\\\"\"");
		return;
	}
	/* A type's name that is not UTF-8 cannot be read back: its hexadecimal digits are a name
	 * too. */
	if (!json_append_string(json, type)) {
		buffer_append_string(json, "\"\\\"\\\\x");
		buffer_append_hex(json, type);
		buffer_append_string(json, "\\\"\"");
	}
}

static void append_under(struct buffer *json, struct slice key, const struct sql_value *value)
{
	buffer_append_u8(json, '{');
	append_key(json, key);
	buffer_append_u8(json, ':');
	append_text(json, value);
	buffer_append_u8(json, '}');
}

static void append_value(struct buffer *json, const struct sql_value *value)
{
	bool raw = false;

	if (value->kind == SQL_TYPED) {
		append_under(json, value->type, value);
		return;
	}
	if (!value->null && !value->bytes) {
		raw = (value->kind == SQL_NUMBER && is_json_number(value->text)) ||
		      (value->kind == SQL_BOOLEAN && (slice_equal(value->text, SLICE("true")) ||
						      slice_equal(value->text, SLICE("false"))));
	}
	if (raw) {
		buffer_append_slice(json, value->text);
	} else if (value->null || value->kind == SQL_STRING) {
		append_text(json, value);
	} else {
		buffer_append_string(json,
				     value->kind == SQL_NUMBER ? "{\"number\":" : "{\"boolean\":");
		append_text(json, value);
		buffer_append_u8(json, '}');
	}
}

void sql_values_json(const struct sql_value *values, size_t n_values, struct buffer *json)
{
	buffer_append_u8(json, '[');
	for (size_t i = 0; i < n_values; i++) {
		if (i)
			buffer_append_u8(json, ',');
		append_value(json, &values[i]);
	}
	buffer_append_u8(json, ']');
}

static int hex_digit(uint8_t byte)
{
	if (byte >= '0' && byte <= '9')
		return byte - '0';
	byte = ascii_lower(byte);
	return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

static int parse_hex(struct slice hex, struct arena *arena, struct slice *ret_bytes)
{
	uint8_t *bytes;

	if (hex.size % 2)
		return -EINVAL;
	bytes = arena_bytes(arena, hex.size / 2);
	for (size_t i = 0; i < hex.size / 2; i++) {
		int high = hex_digit(hex.data[2 * i]);
		int low = hex_digit(hex.data[2 * i + 1]);

		if (high < 0 || low < 0)
			return -EINVAL;
		bytes[i] = (uint8_t)(high << 4 | low);
	}
	*ret_bytes = slice_of(bytes, hex.size / 2);
	return 0;
}

/* {"hex": "..."}: its brace and key were read. */
static int parse_hex_object(struct json_reader *reader, struct arena *arena,
			    struct sql_value *value)
{
	value->bytes = true;
	if (json_next(reader) != JSON_STRING ||
	    parse_hex(json_string(reader, arena), arena, &value->text) < 0)
		return -EINVAL;
	return json_next(reader) == JSON_OBJECT_END ? 0 : -EINVAL;
}

/* What stands under a type: a string, null, or {"hex": ...}. */
static int parse_text(struct json_reader *reader, struct arena *arena, struct sql_value *value)
{
	switch (json_next(reader)) {
	case JSON_STRING:
		value->text = json_string(reader, arena);
		return 0;
	case JSON_NULL:
		value->null = true;
		return 0;
	case JSON_OBJECT:
		if (json_next(reader) != JSON_KEY)
			return -EINVAL;
		if (slice_equal(json_string(reader, arena), SLICE("part")))
			return -ENOTSUP;
		if (!slice_equal(json_string(reader, arena), SLICE("hex")))
			return -EINVAL;
		return parse_hex_object(reader, arena, value);
	default:
		return -EINVAL;
	}
}

/* A type's name back from its key. */
static int parse_key(struct slice key, struct arena *arena, struct slice *ret_type)
{
	struct slice inner;

	*ret_type = key;
	if (key.size < 2 || key.data[0] != '"' || key.data[key.size - 1] != '"')
		return key.size ? 0 : -EINVAL;
	inner = slice_of(key.data + 1, key.size - 2);
	if (is_special(inner))
		*ret_type = inner;
	else if (slice_starts_with(inner, SLICE("\\x")))
		return parse_hex(slice_of(inner.data + 2, inner.size - 2), arena, ret_type);
	return 0;
}

static int parse_object(struct json_reader *reader, struct arena *arena, struct sql_value *value)
{
	struct slice key;
	int error;

	if (json_next(reader) != JSON_KEY)
		return -EINVAL;
	key = json_string(reader, arena);
	if (slice_equal(key, SLICE("part")))
		return -ENOTSUP;
	if (slice_equal(key, SLICE("hex")))
		return parse_hex_object(reader, arena, value);
	if (slice_equal(key, SLICE("number"))) {
		value->kind = SQL_NUMBER;
	} else if (slice_equal(key, SLICE("boolean"))) {
		value->kind = SQL_BOOLEAN;
	} else {
		value->kind = SQL_TYPED;
		error = parse_key(key, arena, &value->type);
		if (error)
			return error;
	}
	error = parse_text(reader, arena, value);
	if (error)
		return error;
	return json_next(reader) == JSON_OBJECT_END ? 0 : -EINVAL;
}

static int parse_value(struct json_reader *reader, enum json_token token, struct arena *arena,
		       struct sql_value *value)
{
	*value = (struct sql_value){ .kind = SQL_STRING };
	switch (token) {
	case JSON_STRING:
		value->text = json_string(reader, arena);
		return 0;
	case JSON_NUMBER:
		value->kind = SQL_NUMBER;
		value->text = reader->text;
		return 0;
	case JSON_TRUE:
	case JSON_FALSE:
		value->kind = SQL_BOOLEAN;
		value->text = token == JSON_TRUE ? SLICE("true") : SLICE("false");
		return 0;
	case JSON_NULL:
		value->null = true;
		return 0;
	case JSON_OBJECT:
		return parse_object(reader, arena, value);
	default:
		return -EINVAL;
	}
}

int sql_values_parse(struct slice json, struct arena *arena, struct sql_value **ret_values,
		     size_t *ret_n)
{
	struct sql_value *values = NULL;
	size_t n = 0, capacity = 0;
	struct json_reader reader;
	enum json_token token;

	json_reader_init(&reader, json);
	if (json_next(&reader) != JSON_ARRAY)
		return -EINVAL;
	while ((token = json_next(&reader)) != JSON_ARRAY_END) {
		int error;

		if (n == capacity) {
			struct sql_value *more;

			capacity = capacity ? 2 * capacity : 4;
			more = arena_alloc(arena, capacity * sizeof(*more));
			if (n)
				memcpy(more, values, n * sizeof(*more));
			values = more;
		}
		error = parse_value(&reader, token, arena, &values[n++]);
		if (error)
			return error;
	}
	if (json_next(&reader) != JSON_END)
		return -EINVAL;
	/* What the text holds lies in the caller's memory: the results are to live as long as the
	 * arena. */
	for (size_t i = 0; i < n; i++) {
		values[i].text = arena_copy(arena, values[i].text);
		values[i].type = arena_copy(arena, values[i].type);
	}
	*ret_values = values;
	*ret_n = n;
	return 0;
}
