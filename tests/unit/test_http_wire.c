/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1: recognising it, lists, credentials, and the limits of the framing that no tape reaches. */
#include "parsers/http/credentials.h"
#include "parsers/http/known_fields.h"
#include "tests/unit/cmocka.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static enum recognised recognise(const char *bytes)
{
	return http_recognise(slice_from_string(bytes));
}

static void test_recognised(void **state)
{
	static const char *const requests[] = {
		"GET / HTTP/1.1\r\n",
		"get /x HTTP/1.0",
		"PROPFIND /dav HTTP/1.1",
		"M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n",
		"\r\nGET / HTTP/1.1\r\n",
		"CONNECT a:443 HTTP/1.1\r\n",
		"GET http://a/ HTTP/1.1\r\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		struct slice request = slice_from_string(requests[i]);

		assert_int_equal(http_recognise(request), RECOGNISED_YES);
		/* Never another opinion on the way there. */
		for (size_t n = 1; n < request.size; n++)
			assert_int_not_equal(http_recognise(slice_of(request.data, n)),
					     RECOGNISED_NO);
	}
}

static void test_others(void **state)
{
	static const char *const others[] = {
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", /* HTTP/2 */
		"GET key\r\n",			    /* Redis, inline */
		"get key\r\n",			    /* memcached */
		"*1\r\n$4\r\nPING\r\n",
		"OPTIONS sip:a@b SIP/2.0\r\n",
		"DESCRIBE rtsp://a/b RTSP/1.0\r\n",
		"CONNECT {\"verbose\":false}\r\n", /* NATS */
		"CONNECT\naccept-version:1.2\n",   /* STOMP */
		"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nGET / HTTP/1.1\r\n",
		"EHLO mail.test\r\n",
		"USER ann\r\n",
		"SSH-2.0-OpenSSH\r\n",
		" GET / HTTP/1.1",
		"GET  / HTTP/1.1",
		"ICY / HTTP/3.0",
		"\x16\x03\x01",
		"\r\r",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		assert_int_equal(recognise(others[i]), RECOGNISED_NO);
	assert_int_equal(recognise("AMQP"), RECOGNISED_MORE); /* it may become a method */
	assert_int_equal(http_recognise(slice_of("AMQP\0\0\11\1", 8)), RECOGNISED_NO);
	/* What PostgreSQL and MySQL begin with. */
	assert_int_equal(http_recognise(slice_of("\0\0\0\x08", 4)), RECOGNISED_NO);
	assert_int_equal(http_recognise(slice_of("\x4a\0\0\0\x0a", 5)), RECOGNISED_NO);
}

/* A line that is longer than what is looked at: its method and its target have to do. */
static void test_long_line(void **state)
{
	size_t size = HTTP_RECOGNISE_MAX;
	char *line = malloc(size);

	(void)state;
	assert_non_null(line);
	memset(line, 'a', size);
	memcpy(line, "GET /", 5);
	assert_int_equal(http_recognise(slice_of(line, size - 1)), RECOGNISED_MORE);
	assert_int_equal(http_recognise(slice_of(line, size)), RECOGNISED_YES);
	memcpy(line, "GET a", 5);
	assert_int_equal(http_recognise(slice_of(line, size)), RECOGNISED_NO);
	memcpy(line, "FOO /", 5);
	assert_int_equal(http_recognise(slice_of(line, size)), RECOGNISED_NO);
	free(line);
}

static void test_lists(void **state)
{
	const struct name_value list[] = { { SLICE("connection"), SLICE("keep-alive , X") },
					   { SLICE("Connection-X"), SLICE("close") },
					   { SLICE("Connection"), SLICE(", ,Upgrade") } };
	const struct http_fields fields = { .list = list, .n = ARRAY_SIZE(list) };

	(void)state;
	assert_true(http_field_has(&fields, SLICE("Connection"), SLICE("x")));
	assert_true(http_field_has(&fields, SLICE("Connection"), SLICE("upgrade")));
	assert_false(http_field_has(&fields, SLICE("Connection"), SLICE("close")));
	assert_false(http_field_has(&fields, SLICE("Connection"), SLICE("keep")));
	assert_null(http_field(&fields, SLICE("Host")).data);
}

static void check_masked(const char *name, const char *value, const char *expected)
{
	struct buffer out;

	buffer_init(&out, 1024);
	assert_int_equal(http_mask_field(&out, slice_from_string(name), slice_from_string(value)),
			 strcmp(value, expected) != 0);
	assert_true(slice_equal(buffer_slice(&out), slice_from_string(expected)));
	buffer_release(&out);
}

static void test_credentials(void **state)
{
	struct buffer out;

	(void)state;
	check_masked("Authorization", "Bearer eyJhbGciOi.x.y", "Bearer ***");
	check_masked("AUTHORIZATION", "Digest username=\"a\", response=\"b\"", "Digest ***");
	check_masked("Proxy-Authorization", "Basic dTpw", "Basic ***");
	check_masked("Authorization", "8f3ab2", "***");
	check_masked("Cookie", "a=1; session=8f3a=; flag", "a=***; session=***; ***");
	check_masked("x-api-key", "0123", "***");
	check_masked("X-Authorization-Mode", "Bearer x", "Bearer x");
	check_masked("X-Candidate-Id", "7", "7");
	check_masked("Set-Cookie", "a=1; Path=/", "a=1; Path=/");
	buffer_init(&out, 1024);
	assert_true(http_mask_authority(&out, SLICE("ann:pa@ss@host:80")));
	assert_true(slice_equal(buffer_slice(&out), SLICE("ann:***@host:80")));
	buffer_clear(&out);
	assert_false(http_mask_authority(&out, SLICE("[::1]:80")));
	assert_true(slice_equal(buffer_slice(&out), SLICE("[::1]:80")));
	buffer_release(&out);
}

/* Feeds the same piece until the framer says no, at most `max` bytes: how many it took. */
static size_t flood(struct http_framer *framer, const char *first, struct slice piece, size_t max)
{
	struct slice input = slice_from_string(first);
	struct http_event event;
	size_t size = input.size;

	while (http_framer_next(framer, &input, &event) == HTTP_MORE && size < max) {
		input = piece;
		size += piece.size;
	}
	return size;
}

static void test_limits(void **state)
{
	static const char chunks[] = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
	struct http_framer framer;
	struct http_event event;
	struct slice head = slice_from_string(chunks);

	(void)state;
	/* No line end ever; endless headers. */
	http_framer_init(&framer, false);
	assert_true(flood(&framer, "GET /", SLICE("aaaaaaaa"), 2 * HTTP_HEAD_MAX) <=
		    HTTP_HEAD_MAX + 16);
	assert_non_null(framer.error);
	http_framer_release(&framer);
	http_framer_init(&framer, true);
	flood(&framer, "HTTP/1.1 200 OK\r\n", SLICE("a: b\r\n"), 2 * HTTP_HEAD_MAX);
	assert_non_null(framer.error);
	http_framer_release(&framer);
	/* A chunk size of zeros, an extension, trailers, each without end. */
	for (size_t i = 0; i < 3; i++) {
		static const char *const begins[] = { "", "5;", "0\r\n" };
		static const char *const goes_on[] = { "0", "x", "a: b\r\n" };

		http_framer_init(&framer, false);
		head = slice_from_string(chunks);
		assert_int_equal(http_framer_next(&framer, &head, &event), HTTP_EVENT);
		http_framer_body(&framer, HTTP_BODY_CHUNKED, 0);
		flood(&framer, begins[i], slice_from_string(goes_on[i]), (size_t)1 << 20);
		assert_non_null(framer.error);
		http_framer_release(&framer);
	}
}

static void test_many_headers(void **state)
{
	struct buffer head;
	struct http_request request;
	struct arena arena;
	const char *why = NULL;

	(void)state;
	buffer_init(&head, HTTP_HEAD_MAX);
	buffer_append_string(&head, "GET / HTTP/1.1\r\n");
	for (size_t i = 0; i <= HTTP_FIELDS_MAX; i++)
		buffer_append_string(&head, "a: b\r\n");
	buffer_append_string(&head, "\r\n");
	arena_init(&arena);
	assert_int_equal(http_request_read(buffer_slice(&head), &arena, &request, &why), -EINVAL);
	assert_non_null(why);
	assert_true(slice_equal(request.method, SLICE("GET")));
	arena_release(&arena);
	buffer_release(&head);
}

/* Whatever the head before it was, a head is read as if it were the first; what is read borrows from its own bytes. */
static void test_known_fields(void **state)
{
	static const struct {
		const char *lines;
		int rc;
		size_t n;
		const char *last; /* value */
	} cases[] = {
		{ "Host: a\r\nX: 1\r\n\r\n", 0, 2, "1" },
		{ "Host: a\r\nX: 1\r\n\r\n", 0, 2, "1" },
		{ "Host: a\r\nX: 2\r\n\r\n", 0, 2, "2" },
		{ "Host: a\r\nX 2\r\n\r\n", -EINVAL, 0, NULL },
		{ "Host: a\r\nX: 2\r\n\r\n", 0, 2, "2" },
		{ "\r\n", 0, 0, NULL },
		{ "\r\n", 0, 0, NULL },
		{ "Empty:\r\n\r\n", 0, 1, "" },
		{ "Empty:\r\n\r\n", 0, 1, "" },
	};
	struct http_known_fields known;

	(void)state;
	http_known_fields_init(&known);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct slice lines = slice_from_string(cases[i].lines);
		struct arena arena = { 0 };
		struct http_fields fields;
		const char *why = NULL;

		lines = arena_copy(&arena, lines);
		assert_int_equal(http_known_fields_read(&known, lines, &arena, &fields, &why),
				 cases[i].rc);
		if (!cases[i].rc)
			assert_int_equal(fields.n, cases[i].n);
		if (cases[i].n) {
			struct slice value = fields.list[fields.n - 1].value;

			assert_true(slice_equal(value, slice_from_string(cases[i].last)));
			assert_true(value.data > lines.data &&
				    value.data < lines.data + lines.size);
		}
		arena_release(&arena);
	}
	http_known_fields_release(&known);
}

/* The word at every place, cut at every place, and only it. */
static void test_may_tunnel(void **state)
{
	static const char before[] = "GET / HTTP/1.1\r\n\r\nCONCONNEC";
	static const char word[] = "CONNECT ";
	char text[80];

	(void)state;
	for (size_t skip = 0; skip < sizeof(before); skip++) {
		int size =
			snprintf(text, sizeof(text), "%s%sh:1 HTTP/1.1\r\n", before + skip, word);
		size_t end = sizeof(before) - 1 - skip + sizeof(word) - 1;
		uint64_t memory = 0;

		for (size_t cut = 0; cut <= (size_t)size; cut++) {
			uint64_t seen = 0;
			bool first = http_may_tunnel(&seen, slice_of(text, cut));
			bool second =
				http_may_tunnel(&seen, slice_of(text + cut, (size_t)size - cut));

			assert_int_equal(first, cut >= end);
			assert_true(first || second);
		}
		for (size_t i = 0; i < (size_t)size; i++)
			assert_int_equal(http_may_tunnel(&memory, slice_of(text + i, 1)),
					 i + 1 == end);
	}
	assert_false(http_may_tunnel(&(uint64_t){ 0 }, SLICE("connect h:1 CONNECT\tX CONNECTED ")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_may_tunnel),   cmocka_unit_test(test_recognised),
		cmocka_unit_test(test_others),	     cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_lists),	     cmocka_unit_test(test_credentials),
		cmocka_unit_test(test_limits),	     cmocka_unit_test(test_many_headers),
		cmocka_unit_test(test_known_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
