/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which HTTP requests are the same: the list of wrong answers, each as two requests that must not be taken for each other, and
 * spellings of one request that must.
 */
#include "parsers/http/identity.h"
#include "parsers/http/message.h"
#include "parsers/http/multipart.h"
#include "tests/unit/cmocka.h"

#include <stdio.h>
#include <xxhash.h>

#define JSON "POST /i HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\r\n"
#define FORM \
	"POST /i HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\n"
#define TEXT "POST /i HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\n\r\n"
#define MULTIPART(boundary)                                                                    \
	"POST /i HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=" boundary \
	"\r\n\r\n"
#define GET(path, headers) "GET " path " HTTP/1.1\r\nHost: a\r\n" headers "\r\n"

/* The canonical text of a message as it stands on the wire, with all that is behind its head as the body. */
static void canonical(const char *message, struct buffer *out)
{
	size_t head = (size_t)(strstr(message, "\r\n\r\n") - message) + 4;
	struct http_content content = { .bytes = slice_from_string(message + head) };
	struct http_request request;
	const char *why = NULL;
	struct arena arena;

	arena_init(&arena);
	content.size = content.bytes.size;
	assert_int_equal(http_request_read(slice_of(message, head), &arena, &request, &why), 0);
	http_canonical(&request, &content, out);
	assert_false(out->overflowed);
	arena_release(&arena);
}

static bool same(const char *a, const char *b)
{
	struct buffer left, right;
	bool equal;

	buffer_init(&left, HTTP_CANONICAL_MAX);
	buffer_init(&right, HTTP_CANONICAL_MAX);
	canonical(a, &left);
	canonical(b, &right);
	equal = slice_equal(buffer_slice(&left), buffer_slice(&right));
	buffer_release(&left);
	buffer_release(&right);
	return equal;
}

static void test_different(void **state)
{
	static const char *const pairs[][2] = {
		{ GET("/x?id=1", ""), GET("/x?id=2", "") },
		{ GET("/x?a=1&a=2", ""), GET("/x?a=1", "") },
		{ GET("/x?a", ""), GET("/x?a=", "") },
		{ GET("/x?a=1%26b=2", ""), GET("/x?a=1&b=2", "") },
		{ GET("/users/1", ""), GET("/users/999", "") },
		{ GET("/a%2Fb", ""), GET("/a/b", "") },
		{ GET("/A", ""), GET("/a", "") },
		{ GET("/", ""), "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n" },
		{ GET("/", ""), "GET / HTTP/1.1\r\nHost: b\r\n\r\n" },
		{ GET("/", ""), "GET / HTTP/1.1\r\nHost: a:8080\r\n\r\n" },
		{ GET("/", ""), "GET https://a/ HTTP/1.1\r\nHost: a\r\n\r\n" },
		{ GET("/", "X-Candidate-Id: 1\r\n"), GET("/", "X-Candidate-Id: 2\r\n") },
		{ GET("/", "X-Candidate-Id: 1\r\n"), GET("/", "Date: today\r\n") },
		{ GET("/", "Range: bytes=0-1\r\n"), GET("/", "") },
		{ GET("/", "If-None-Match: \"a\"\r\n"), GET("/", "") },
		{ GET("/", "Accept: text/html\r\n"), GET("/", "Accept: application/json\r\n") },
		{ GET("/", "Accept: text/html\r\n"), GET("/", "") },
		{ GET("/", "Accept: text/html\r\nAccept: */*\r\n"),
		  GET("/", "Accept: text/html\r\n") },
		{ GET("/", "Accept: *\r\n"), GET("/", "") },
		{ GET("/", "Accept-Language: de\r\n"), GET("/", "Accept-Language: *\r\n") },
		{ GET("/", "X-Accept: */*\r\n"), GET("/", "") },
		{ GET("/", "Authorization: Bearer x\r\n"), GET("/", "Authorization: Basic x\r\n") },
		{ JSON "{\"a\":{\"b\":1}}", JSON "{\"a\":{\"b\":2}}" },
		{ JSON "[1,2,3]", JSON "[1,2,4]" },
		{ JSON "[1,2]", JSON "[2,1]" },
		{ JSON "9007199254740993", JSON "9007199254740992" },
		{ JSON "0.1000000000000000055", JSON "0.1" },
		{ JSON "{\"a\":1,\"a\":2}", JSON "{\"a\":2,\"a\":1}" },
		{ JSON "{\"a\":1,\"a\":2}", JSON "{\"a\":2}" },
		{ JSON "1", JSON "\"1\"" },
		{ JSON "null", JSON "{}" },
		{ JSON "1e2147483649", JSON "1e2147483650" },
		{ JSON "{\"a\":1", JSON "{\"a\": 1" }, /* no JSON: bytes */
		{ TEXT "hello", TEXT "hullo" },
		{ TEXT "hello", TEXT "hello " },
		{ TEXT "[1]", JSON "[1]" },
		{ FORM "a=1&b=2", FORM "a=1&b=3" },
		{ FORM "a=1", FORM "a=1&a=1" },
		{ MULTIPART("X") "--X\r\n\r\n1\r\n--X--", MULTIPART("X") "--X\r\n\r\n2\r\n--X--" },
		{ MULTIPART("X") "--X\r\n\r\n1\r\n--X\r\n\r\n--X--",
		  MULTIPART("X") "--X\r\n\r\n1\r\n--\r\n\r\n--X--" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		if (same(pairs[i][0], pairs[i][1]))
			fail_msg("the same: %s --- %s", pairs[i][0], pairs[i][1]);
		assert_true(same(pairs[i][0], pairs[i][0]));
	}
}

static void test_equal(void **state)
{
	static const char *const pairs[][2] = {
		{ GET("/x?b=2&a=1", ""), GET("/x?a=1&b=2", "") },
		{ GET("/x?a=%41+b", ""), GET("/x?a=A%20b", "") },
		{ GET("/x?X-Amz-Date=1&a=1&X-Amz-Signature=2&X-Amz-Expires=9", ""),
		  GET("/x?X-Amz-Date=3&X-Amz-Expires=9&X-Amz-Signature=&a=1", "") },
		{ GET("/s/?EIO=4&transport=polling&t=1", ""),
		  GET("/s/?EIO=4&transport=polling&t=2", "") },
		{ GET("/", "Kubectl-Session: 1\r\n"), GET("/", "Kubectl-Session: 2\r\n") },
		{ GET("/%7Ea", ""), GET("/~a", "") },
		{ GET("/%c3%a4", ""), GET("/%C3%A4", "") },
		{ GET("/", ""), "GET http://A:80/ HTTP/1.1\r\nHost: a\r\n\r\n" },
		{ GET("/", ""), "GET http://a HTTP/1.1\r\nHost: a\r\n\r\n" },
		{ GET("/", "Date: today\r\nUser-Agent: x\r\nTraceparent: 00-1\r\n"),
		  GET("/", "date: tomorrow\r\nX-Request-Id: 7\r\n") },
		{ GET("/", "Accept: */*\r\naccept-language: *\r\n"), GET("/", "") },
		{ GET("/", "A: 1\r\nB: 2\r\n"), GET("/", "b: 2\r\na: 1\r\n") },
		{ GET("/", "Authorization: Bearer x\r\n"),
		  GET("/", "Authorization: Bearer y\r\n") },
		{ GET("/", "Authorization: Bearer ***\r\n"),
		  GET("/", "Authorization: Bearer y\r\n") },
		{ GET("/", "Cookie: a=1; b=2\r\n"), GET("/", "Cookie: a=***; b=***\r\n") },
		{ GET("/", "Cookie: a=1; b=2; c\r\n"),
		  GET("/", "Cookie: d;b=2\r\nCookie: a=***\r\n") },
		{ JSON "{\"b\":[1,2],\"a\":\"\\u0041\"}", JSON " {\"a\" : \"A\", \"b\":[1, 2]}\n" },
		{ JSON "[1.50, 100, -0, 1e2]", JSON "[15e-1,1E2,0.0,100]" },
		{ FORM "b=2&a=%20", FORM "a=+&b=2" },
		{ MULTIPART("X") "--X\r\n\r\n1\r\n--X--",
		  MULTIPART("YY") "--YY\r\n\r\n1\r\n--YY--" },
		{ "POST /i HTTP/1.1\r\nHost: a\r\nContent-Type: Application/JSON; "
		  "charset=UTF-8\r\n\r\n1",
		  JSON "1" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		if (!same(pairs[i][0], pairs[i][1]))
			fail_msg("not the same: %s --- %s", pairs[i][0], pairs[i][1]);
}

/* Two of each size that differ in their last byte. */
static void test_sizes(void **state)
{
	static const size_t sizes[] = { 1024, 4096, 65536, HTTP_COMPARED_MAX };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t head = sizeof(TEXT) - 1;
		char *a = test_calloc(1, head + sizes[i] + 1);
		char *b = test_calloc(1, head + sizes[i] + 1);

		memcpy(a, TEXT, head);
		memset(a + head, 'x', sizes[i]);
		memcpy(b, a, head + sizes[i]);
		assert_true(same(a, b));
		b[head + sizes[i] - 1] = 'y';
		assert_false(same(a, b));
		test_free(a);
		test_free(b);
	}
}

static void test_noise(void **state)
{
	size_t n = 0;

	(void)state;
	for (; http_noise(n); n++) {
		char longer[64];

		assert_true(http_is_noise(slice_from_string(http_noise(n))));
		snprintf(longer, sizeof(longer), "x-%s-x", http_noise(n));
		assert_false(http_is_noise(slice_from_string(longer)));
	}
	assert_true(n > 20);
}

/* However the bytes are cut, the digest of a large body is that of the canonical text of a small one. */
static void test_large_multipart(void **state)
{
	static const char *const bodies[] = {
		"---b--b\r\nA: b\r\n\r\nx\r\n---b--b--\r\n",
		"---b--b",
		"------b--b\n---b--\n---b--b\n-",
		"---b--b\n---b--b---b--b\n\n---b--\r---b--b-",
		"--\n---\n----\n---b--b\n---b-",
		"a---b--b\n---b--b\n--",
	};
	struct name_value field = { SLICE("Content-Type"),
				    SLICE("multipart/form-data; boundary=\"-b--b\"") };
	struct http_fields fields = { .list = &field, .n = 1 };
	const struct slice kind = SLICE("(multipart)\n");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		struct slice body = slice_from_string(bodies[i]);
		XXH128_hash_t expected;
		struct buffer small;

		buffer_init(&small, HTTP_CANONICAL_MAX);
		http_canonical_body(SLICE("multipart/form-data"), field.value, body, &small);
		assert_true(slice_starts_with(buffer_slice(&small), kind));
		expected = XXH3_128bits(small.data + kind.size, small.size - kind.size);
		for (size_t size = 1; size <= body.size; size++) {
			struct http_multipart *multipart = http_multipart_new(&fields);
			struct http_content content = { .size = body.size };

			for (size_t at = 0; at < body.size; at += size)
				http_multipart_see(
					multipart,
					slice_of(body.data + at,
						 at + size < body.size ? size : body.size - at));
			http_multipart_end(multipart, &content);
			http_multipart_free(multipart);
			assert_true(content.multipart);
			assert_int_equal(content.parts_size, small.size - kind.size);
			assert_true(content.digest[0] == expected.low64);
			assert_true(content.digest[1] == expected.high64);
		}
		buffer_release(&small);
	}
}

#define UUID "8f66f967-1d9c-4b05-b81d-1b9cd4d232e"
#define QUERY(id, agent) \
	GET("/?query_id=" id "&enable_http_compression=1", "User-Agent: " agent "\r\n")

/* ClickHouse's clients name each query; others may mean something by such a name. */
static void test_clickhouse(void **state)
{
	(void)state;
	assert_true(
		same(QUERY(UUID "d", "clickhouse-js/1.0"), QUERY(UUID "e", "clickhouse-js/1.0")));
	assert_true(same(QUERY(UUID "d", "shop ClickHouse-JavaClient/1"),
			 QUERY(UUID "e", "clickhouse-connect/0.7")));
	assert_false(same(QUERY(UUID "d", "curl"), QUERY(UUID "e", "curl")));
	assert_false(same(QUERY("one", "clickhouse-js"), QUERY("two", "clickhouse-js")));
	assert_false(same(QUERY(UUID "d1", "clickhouse-js"), QUERY(UUID "d2", "clickhouse-js")));
	assert_false(same(GET("/?id=" UUID "d", "User-Agent: clickhouse-js\r\n"),
			  GET("/?id=" UUID "e", "User-Agent: clickhouse-js\r\n")));
}

#define SIGNED                                                                                   \
	"PUT /o HTTP/1.1\r\nHost: a\r\nX-Amz-Content-Sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD" \
	"\r\n\r\n"

/* AWS' signatures in a body are others each time; all else of it counts. */
static void test_signed_chunks(void **state)
{
	static const char one[] =
		SIGNED "3;chunk-signature=aa\r\nabc\r\n0;chunk-signature=bb\r\n"
		       "x-amz-checksum-crc32:1\r\nx-amz-trailer-signature:cc\r\n\r\n";
	static const char *const others[] = {
		SIGNED "3;chunk-signature=aa\r\nabd\r\n0;chunk-signature=bb\r\n"
		       "x-amz-checksum-crc32:1\r\nx-amz-trailer-signature:cc\r\n\r\n",
		SIGNED "3;chunk-signature=aa\r\nabc\r\n0;chunk-signature=bb\r\n"
		       "x-amz-checksum-crc32:2\r\nx-amz-trailer-signature:cc\r\n\r\n",
		SIGNED "3;chunk-signature=aa\r\nabc\r\n0;chunk-signature=bb\r\n\r\n",
		SIGNED "3;chunk-signature=aa\r\nabc\r\n",
	};
	(void)state;

	assert_true(same(one,
			 SIGNED "3;chunk-signature=11\r\nabc\r\n0;chunk-signature=22\r\n"
				"x-amz-checksum-crc32:1\r\nx-amz-trailer-signature:33\r\n\r\n"));
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		assert_false(same(one, others[i]));
	/* What looks like a signature in the data is data, and so is all that is no such body. */
	assert_false(same(SIGNED "14;chunk-signature=aa\r\n1;chunk-signature=xy\r\n"
				 "0;chunk-signature=bb\r\n\r\n",
			  SIGNED "14;chunk-signature=aa\r\n1;chunk-signature=zz\r\n"
				 "0;chunk-signature=bb\r\n\r\n"));
	assert_false(same(SIGNED "x;chunk-signature=aa\r\n", SIGNED "x;chunk-signature=bb\r\n"));
	assert_false(same(SIGNED "1;chunk-signature=aa\r\nab\r\n0;chunk-signature=c\r\n\r\n",
			  SIGNED "1;chunk-signature=aa\r\nab\r\n0;chunk-signature=d\r\n\r\n"));
	assert_false(same(TEXT "0;chunk-signature=aa\r\n", TEXT "0;chunk-signature=bb\r\n"));
}

static void digest_in_pieces(struct slice body, size_t size, struct http_content *content)
{
	struct name_value field = { SLICE("x-amz-content-sha256"),
				    SLICE("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER") };
	struct http_fields fields = { .list = &field, .n = 1 };
	struct http_multipart *multipart = http_multipart_new(&fields);

	for (size_t at = 0; at < body.size; at += size)
		http_multipart_see(
			multipart,
			slice_of(body.data + at, at + size < body.size ? size : body.size - at));
	http_multipart_end(multipart, content);
	http_multipart_free(multipart);
}

/* The same of a body that is too large to be held, however it is cut. */
static void test_large_signed_chunks(void **state)
{
	const struct slice body =
		SLICE("c;chunk-signature=aa\r\n0;chunk\r\n0;x\r\n"
		      "0;chunk-signature=bb\r\nA:b\r\nX-Amz-Trailer-Signature:c\r\n\r\n");
	const struct slice counts = SLICE("c;chunk-signature=0;chunk\r\n0;x"
					  "0;chunk-signature=A:b\r\nX-Amz-Trailer-Signature:\r\n");
	(void)state;

	for (size_t size = 1; size <= body.size; size++) {
		XXH128_hash_t expected = XXH3_128bits(counts.data, counts.size);
		struct http_content content = { .size = body.size };

		digest_in_pieces(body, size, &content);
		assert_true(content.multipart);
		assert_int_equal(content.parts_size, counts.size);
		assert_true(content.digest[0] == expected.low64);
		assert_true(content.digest[1] == expected.high64);
		content.multipart = false;
		digest_in_pieces(slice_of(body.data, body.size - 1), size, &content);
		assert_false(content.multipart);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_large_multipart), cmocka_unit_test(test_different),
		cmocka_unit_test(test_equal),		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_noise),		cmocka_unit_test(test_signed_chunks),
		cmocka_unit_test(test_clickhouse),	cmocka_unit_test(test_large_signed_chunks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
