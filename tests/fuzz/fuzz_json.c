/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON: reading any bytes ends, strings that were read are written and read again as the same, and
 * values that sql_values_parse() accepts are written and parsed again as equal.
 */
#include "parsers/json.h"
#include "parsers/sql/identity.h"

#include <stdlib.h>

static void check(bool good)
{
	if (!good)
		abort();
}

static void check_string(struct slice text)
{
	struct json_reader reader;
	struct buffer json;
	struct arena arena;

	arena_init(&arena);
	buffer_init(&json, 6 * text.size + 2);
	if (json_append_string(&json, text)) {
		json_reader_init(&reader, buffer_slice(&json));
		check(json_next(&reader) == JSON_STRING);
		check(slice_equal(json_string(&reader, &arena), text));
		check(json_next(&reader) == JSON_END);
		check(utf8_valid(text));
	} else {
		check(json.size == 0);
		check(!utf8_valid(text) || memchr(text.data, 0, text.size));
	}
	check(!json.overflowed);
	buffer_release(&json);
	arena_release(&arena);
}

static void check_reader(struct slice text)
{
	struct json_reader reader;
	enum json_token token;
	struct arena arena;
	size_t tokens = 0;

	arena_init(&arena);
	json_reader_init(&reader, text);
	while ((token = json_next(&reader)) > JSON_END) {
		check(++tokens <= 2 * text.size && reader.depth <= JSON_DEPTH_MAX);
		if (token == JSON_KEY || token == JSON_STRING)
			check(utf8_valid(json_string(&reader, &arena)));
	}
	check(json_next(&reader) == token);
	arena_release(&arena);
}

static void check_values(struct slice text)
{
	struct sql_value *values, *again;
	size_t n, n_again;
	struct buffer json;
	struct arena arena;

	arena_init(&arena);
	buffer_init(&json, 64 * text.size + 64);
	if (sql_values_parse(text, &arena, &values, &n) == 0) {
		sql_values_json(values, n, &json);
		check(!json.overflowed);
		check(sql_values_parse(buffer_slice(&json), &arena, &again, &n_again) == 0);
		check(n == n_again && sql_kinds_equal(values, again, n));
		for (size_t i = 0; i < n; i++) {
			check(values[i].null == again[i].null);
			check(slice_equal(values[i].text, again[i].text));
			check(slice_equal(values[i].type, again[i].type));
		}
	}
	buffer_release(&json);
	arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_string(slice_of(data, size));
	check_reader(slice_of(data, size));
	check_values(slice_of(data, size));
	return 0;
}
