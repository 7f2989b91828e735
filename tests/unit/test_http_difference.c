/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is said of two requests that differ, from their canonical texts. The texts come out of recordings, which anybody may have
 * written: whatever they hold is survived.
 */
#include "parsers/compiler.h"
#include "parsers/http/difference.h"
#include "tests/unit/cmocka.h"

#include <stdlib.h>

#define OUT_MAX ((size_t)1 << 20)
#define LINE "GET http://a/b\n"
#define JSON(text) "POST http://a/b\n(json)\n" text
#define FORM(text) "POST http://a/b\n(form)\n" text
#define X70 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static const struct pair {
	const char *recorded, *asked, *said;
} pairs[] = {
	/* The first line. */
	{ LINE, LINE, "" },
	{ LINE, "PUT http://a/b\n", "method: recorded GET, asked PUT" },
	{ LINE, "GET http://a:81/b\n", "host: recorded http://a, asked http://a:81" },
	{ LINE, "GET https://a/b\n", "host: recorded http://a, asked https://a" },
	{ LINE, "GET http://a/c\n", "path: recorded /b, asked /c" },
	{ LINE, "PUT http://c/d\n",
	  "method: recorded GET, asked PUT; host: recorded http://a, asked http://c; "
	  "path: recorded /b, asked /d" },
	{ "CONNECT http://a:1\n", "CONNECT http://a:2\n",
	  "host: recorded http://a:1, asked http://a:2" },
	/* The query and the fields: another value, and one that only one of them has. */
	{ LINE "?id=1\n", LINE "?id=2\n", "query id: recorded 1, asked 2" },
	{ LINE "?id=1\n", LINE, "query id: recorded 1, not asked" },
	{ LINE, LINE "?id=\n", "query id: asked nothing, not recorded" },
	{ LINE "?a=1\n?c=1\n", LINE "?b=1\n?c=1\n",
	  "query a: recorded 1, not asked; query b: asked 1, not recorded" },
	{ LINE "?a=1\n?a=2\n", LINE "?a=2\n",
	  "query a: recorded 1, asked 2; query a: recorded 2, not asked" },
	{ LINE "accept: x\n", LINE "accept: y\n", "header accept: recorded x, asked y" },
	{ LINE "accept: x\n", LINE "x-a: y\n",
	  "header accept: recorded x, not asked; header x-a: asked y, not recorded" },
	{ LINE "?a=1\nb: 2\n", LINE "b: 3\n",
	  "query a: recorded 1, not asked; header b: recorded 2, asked 3" },
	/* Bodies. */
	{ LINE "(text)\na", LINE "(json)\n1", "kind of body: recorded (text), asked (json)" },
	{ LINE, LINE "(json)\n1", "kind of body: recorded nothing, asked (json)" },
	{ LINE "(text)\nabcd", LINE "(text)\nabxd", "body, byte 3: recorded cd, asked xd" },
	{ LINE "(text)\nab", LINE "(text)\nabc", "body, byte 3: recorded nothing, asked c" },
	{ LINE "(large)\n9 1 2", LINE "(large)\n9 1 3",
	  "size and digest of the body: recorded 9 1 2, asked 9 1 3" },
	{ FORM("a=1\nb=2"), FORM("a=1\nb=3"), "form field b: recorded 2, asked 3" },
	{ FORM("a=1"), FORM("a=1\nb=3"), "form field b: asked 3, not recorded" },
	/* JSON: where, and the value whole. */
	{ JSON("1"), JSON("2"), "body $: recorded 1, asked 2" },
	{ JSON("{\"a\":1}"), JSON("{\"a\":2}"), "body $.a: recorded 1, asked 2" },
	{ JSON("{\"a\":{\"b\":[1,{\"c\":2}]}}"), JSON("{\"a\":{\"b\":[1,{\"c\":3}]}}"),
	  "body $.a.b[1].c: recorded 2, asked 3" },
	{ JSON("[[1,2],[3]]"), JSON("[[1,2],[4]]"), "body $[1][0]: recorded 3, asked 4" },
	{ JSON("[1,2,3]"), JSON("[1,2]"), "body $[2]: recorded 3, asked nothing" },
	{ JSON("[1]"), JSON("{\"a\":1}"), "body $: recorded [1], asked {\"a\":1}" },
	{ JSON("{\"a\":1}"), JSON("{\"b\":1}"), "body $: recorded \"a\", asked \"b\"" },
	{ JSON("{\"a\":[1]}"), JSON("{\"a\":null}"), "body $.a: recorded [1], asked null" },
	/* What does not fit a line is cut, between characters, and what would end it is not said. */
	{ LINE "?a=" X70 "12345678901\n", LINE "?a=1\n",
	  "query a: recorded " X70 "1234567890..., asked 1" },
	{ LINE "?a=" X70 "123456789\xc3\xa4\n", LINE "?a=1\n",
	  "query a: recorded " X70 "123456789..., asked 1" },
	{ LINE "(text)\na\r\x1b", LINE "(text)\nb", "body, byte 1: recorded a  , asked b" },
	/* Four are said. */
	{ LINE "?a=1\n?b=1\n?c=1\n?d=1\n?e=1\n?f=1\n", LINE "?a=2\n?b=2\n?c=2\n?d=2\n?e=2\n?f=2\n",
	  "query a: recorded 1, asked 2; query b: recorded 1, asked 2; query c: recorded 1, "
	  "asked 2; query d: recorded 1, asked 2; ..." },
};

static void test_said(void **unused)
{
	struct buffer out;
	(void)unused;

	buffer_init(&out, OUT_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		struct slice recorded = slice_from_string(pairs[i].recorded);
		struct slice asked = slice_from_string(pairs[i].asked);
		size_t distance;

		buffer_clear(&out);
		distance = http_difference(recorded, asked, &out);
		if (!slice_equal(buffer_slice(&out), slice_from_string(pairs[i].said)))
			fail_msg("%s\n%s\n%.*s", pairs[i].recorded, pairs[i].asked, (int)out.size,
				 (const char *)out.data);
		assert_int_equal(distance != 0, pairs[i].said[0] != 0);
		/* It is as far when nothing is said, and from the other side. */
		assert_int_equal(http_difference(recorded, asked, NULL), distance);
		assert_int_equal(http_difference(asked, recorded, NULL), distance);
		assert_int_equal(http_difference(recorded, recorded, NULL), 0);
	}
	buffer_release(&out);
}

/* The nearest is the one that is shown. */
static void test_distances(void **unused)
{
	static const char asked[] = LINE "?a=1\n?b=2\nx: y\n";
	static const char *const nearer_first[] = {
		LINE "?a=1\n?b=2\nx: y\n", LINE "?a=1\n?b=3\nx: y\n", LINE "?a=1\nx: y\n",
		LINE "?a=2\n?b=3\nx: y\n", LINE "?a=2\nx: y\n",	      LINE,
	};
	size_t last = 0;
	(void)unused;

	for (size_t i = 0; i < ARRAY_SIZE(nearer_first); i++) {
		size_t distance = http_difference(slice_from_string(nearer_first[i]),
						  slice_from_string(asked), NULL);

		assert_true(i == 0 ? distance == 0 : distance > last);
		last = distance;
	}
}

/* Of exactly this size, so that a sanitizer sees the first byte beyond. */
static struct slice copy_of(const char *text, size_t size)
{
	uint8_t *bytes = malloc(size ? size : 1);

	if (!bytes)
		abort();
	memcpy(bytes, text, size);
	return slice_of(bytes, size);
}

static void test_any_text(void **unused)
{
	struct buffer out;
	(void)unused;

	buffer_init(&out, OUT_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		const char *text = pairs[i].recorded;
		struct slice asked = slice_from_string(pairs[(i + 1) % ARRAY_SIZE(pairs)].asked);

		for (size_t size = 0; size <= strlen(text); size++) {
			struct slice cut = copy_of(text, size);

			buffer_clear(&out);
			http_difference(cut, asked, &out);
			http_difference(asked, cut, &out);
			http_difference(cut, slice_of(NULL, 0), &out);
			assert_false(out.overflowed);
			free((void *)(uintptr_t)cut.data);
		}
	}
	buffer_release(&out);
}

/* Deeper than any path is written. */
static void test_deep(void **unused)
{
	struct buffer deep, other, out;
	(void)unused;

	buffer_init(&deep, OUT_MAX);
	buffer_init(&other, OUT_MAX);
	buffer_init(&out, OUT_MAX);
	buffer_append_string(&deep, JSON(""));
	for (size_t i = 0; i < 100000; i++)
		buffer_append_u8(&deep, '[');
	buffer_append_slice(&other, buffer_slice(&deep));
	buffer_append_u8(&other, '1');
	http_difference(buffer_slice(&deep), buffer_slice(&other), &out);
	assert_false(out.overflowed);
	buffer_release(&deep);
	buffer_release(&other);
	buffer_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_said),
		cmocka_unit_test(test_distances),
		cmocka_unit_test(test_any_text),
		cmocka_unit_test(test_deep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
