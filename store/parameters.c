/* SPDX-License-Identifier: Apache-2.0 */
/* Values as JSON, large ones apart; see parameters.h. */
#include "store/parameters.h"

#include "parsers/json.h"
#include "store/schema.h"

bool parameters_apart(const struct sql_value *value)
{
	return !value->null && value->text.size > SCHEMA_VALUE_MAX;
}

uint32_t parameters_part(size_t slot)
{
	return SCHEMA_PARAMETER_PARTS + (uint32_t)slot;
}

/*
 * The kind is part of the JSON, since it may be part of the identity: {"bytea": {"part":
 * 1000000000}}.
 */
static void append_apart(const struct sql_value *value, size_t slot, struct buffer *json)
{
	bool typed = value->kind == SQL_TYPED || value->kind == SQL_NUMBER;

	if (typed) {
		struct slice type = value->kind == SQL_NUMBER ? SLICE("number") : value->type;

		buffer_append_u8(json, '{');
		if (!json_append_string(json, type))
			buffer_append_slice(json, SLICE("\"\""));
		buffer_append_slice(json, SLICE(": "));
	}
	buffer_append_slice(json, SLICE("{\"part\": "));
	buffer_append_unsigned(json, parameters_part(slot));
	buffer_append_slice(json, SLICE(", \"bytes\": "));
	buffer_append_unsigned(json, value->text.size);
	if (value->bytes)
		buffer_append_slice(json, SLICE(", \"raw\": true"));
	buffer_append_string(json, typed ? "}}" : "}");
}

void parameters_json(const struct sql_value *values, size_t n, struct buffer *json)
{
	bool apart = false;

	for (size_t i = 0; i < n; i++)
		apart |= parameters_apart(&values[i]);
	if (!apart) {
		if (n)
			sql_values_json(values, n, json);
		return;
	}
	buffer_append_u8(json, '[');
	for (size_t i = 0; i < n; i++) {
		if (i)
			buffer_append_slice(json, SLICE(", "));
		if (parameters_apart(&values[i])) {
			append_apart(&values[i], i, json);
			continue;
		}
		/* One value's array without its brackets. */
		size_t at = json->size;

		sql_values_json(&values[i], 1, json);
		if (json->size - at < 2) /* overflowed, which the buffer says */
			return;
		memmove(json->data + at, json->data + at + 1, json->size - at - 2);
		json->size -= 2;
	}
	buffer_append_u8(json, ']');
}
