/* SPDX-License-Identifier: Apache-2.0 */
/* JSON: what is written, what is read, and what is refused. */
#include "parsers/compiler.h"
#include "parsers/json.h"
#include "tests/unit/cmocka.h"

static void test_append(void **state)
{
	static const struct {
		struct slice text;
		const char *json; /* NULL: refused */
	} cases[] = {
		{ SLICE(""), "\"\"" },
		{ SLICE("abc"), "\"abc\"" },
		{ SLICE("a\"b\\c/d"), "\"a\\\"b\\\\c/d\"" },
		{ SLICE("\n\r\t\b\f\x01\x1f\x7f"), "\"\\n\\r\\t\\b\\f\\u0001\\u001f\x7f\"" },
		{ SLICE("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"),
		  "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"" },
		{ SLICE("a\0b"), NULL },
		{ SLICE("a\xff"), NULL },
		{ SLICE("\xc0\x80"), NULL },
		{ SLICE("\xed\xa0\x80"), NULL },
		{ SLICE("\xf4\x90\x80\x80"), NULL },
		{ SLICE("a\n\xe2\x82"), NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buffer json;

		buffer_init(&json, 1024);
		buffer_append_string(&json, "x");
		assert_int_equal(json_append_string(&json, cases[i].text), cases[i].json != NULL);
		buffer_append_u8(&json, 0);
		assert_string_equal((char *)json.data + 1, cases[i].json ? cases[i].json : "");
		buffer_release(&json);
	}
}

/* A letter for each token; a key or string with its value, a number with its text. */
static void describe(struct slice text, struct buffer *out)
{
	static const char *const marks[] = { "!",  "",	 "{",  "}", "[", "]",
					     "k:", "s:", "n:", "t", "f", "0" };
	struct json_reader reader;
	enum json_token token;
	struct arena arena;

	arena_init(&arena);
	json_reader_init(&reader, text);
	do {
		token = json_next(&reader);
		buffer_append_string(out, marks[token]);
		if (token == JSON_KEY || token == JSON_STRING)
			buffer_append_slice(out, json_string(&reader, &arena));
		if (token == JSON_NUMBER)
			buffer_append_slice(out, reader.text);
		if (token >= JSON_KEY)
			buffer_append_u8(out, ' ');
	} while (token > JSON_END);
	assert_int_equal(json_next(&reader), token);
	buffer_append_u8(out, 0);
	arena_release(&arena);
}

static void test_read(void **state)
{
	static const struct {
		const char *json;
		const char *tokens;
	} cases[] = {
		{ "1", "n:1 " },
		{ " [1, -0.5e+3 ,0] ", "[n:1 n:-0.5e+3 n:0 ]" },
		{ "{\"a\":{\"b\":[]},\"c\":null}", "{k:a {k:b []}k:c 0 }" },
		{ "[true,false,null,{}]", "[t f 0 {}]" },
		{ "\"\\u00e9\\ud83d\\ude00\\n\\\"\\/\\\\\"", "s:\xc3\xa9\xf0\x9f\x98\x80\n\"/\\ " },
		{ "\"\xc3\xa9\"", "s:\xc3\xa9 " },
		{ "", "!" },
		{ " ", "!" },
		{ "1 2", "n:1 !" },
		{ "01", "!" },
		{ "-", "!" },
		{ "1.", "!" },
		{ ".5", "!" },
		{ "+1", "!" },
		{ "1e", "!" },
		{ "NaN", "!" },
		{ "tru", "!" },
		{ "[1,]", "[n:1 !" },
		{ "[,1]", "[!" },
		{ "[1 2]", "[n:1 !" },
		{ "[1}", "[n:1 !" },
		{ "{\"a\":1,}", "{k:a n:1 !" },
		{ "{\"a\" 1}", "{!" },
		{ "{a:1}", "{!" },
		{ "{\"a\":}", "{k:a !" },
		{ "[", "[!" },
		{ "\"a", "!" },
		{ "\"a\nb\"", "!" },
		{ "\"\\x\"", "!" },
		{ "\"\\u12\"", "!" },
		{ "\"\\ud800\"", "!" },
		{ "\"\\ud800\\u0041\"", "!" },
		{ "\"\\udc00\"", "!" },
		{ "\"\xff\"", "!" },
		{ "\"\\\"", "!" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t size = strlen(cases[i].json);
		uint8_t *copy = malloc(size + 1);
		struct buffer out;

		memcpy(copy + 1, cases[i].json, size);
		buffer_init(&out, 1024);
		describe(slice_of(copy + 1, size), &out);
		assert_string_equal((char *)out.data, cases[i].tokens);
		buffer_release(&out);
		free(copy);
	}
}

static void test_depth(void **state)
{
	uint8_t text[2 * JSON_DEPTH_MAX + 2];
	struct json_reader reader;
	enum json_token token;

	(void)state;
	memset(text, '[', sizeof(text));
	for (size_t depth = JSON_DEPTH_MAX; depth <= JSON_DEPTH_MAX + 1; depth++) {
		memset(text, '[', depth);
		memset(text + depth, ']', depth);
		json_reader_init(&reader, slice_of(text, 2 * depth));
		while ((token = json_next(&reader)) > JSON_END)
			;
		assert_int_equal(token, depth == JSON_DEPTH_MAX ? JSON_END : JSON_ERROR);
	}
}

static void test_skip(void **state)
{
	struct json_reader reader;
	struct slice value;

	(void)state;
	json_reader_init(&reader, SLICE("{\"a\": [1, {\"b\": 2}] , \"c\": \"x\"}"));
	assert_int_equal(json_next(&reader), JSON_OBJECT);
	assert_int_equal(json_next(&reader), JSON_KEY);
	assert_true(json_skip_value(&reader, &value));
	assert_true(slice_equal(value, SLICE("[1, {\"b\": 2}]")));
	assert_false(json_skip_value(&reader, &value));
	assert_int_equal(json_next(&reader), JSON_KEY);
	assert_true(json_skip_value(&reader, &value));
	assert_true(slice_equal(value, SLICE("\"x\"")));
	assert_int_equal(json_next(&reader), JSON_OBJECT_END);
	assert_int_equal(json_next(&reader), JSON_END);
	json_reader_init(&reader, SLICE("[1"));
	assert_false(json_skip_value(&reader, &value));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_append),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_skip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
