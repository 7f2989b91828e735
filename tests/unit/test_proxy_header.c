/* SPDX-License-Identifier: Apache-2.0 */
/* PROXY headers of both versions, cut everywhere, and what is none. */
#include "parsers/proxy_header.h"
#include "tests/unit/cmocka.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"

static enum recognised ask(struct slice bytes, size_t *ret_size)
{
	/* Of its own size, so that a sanitizer sees what is read behind it. */
	uint8_t *copy = malloc(bytes.size ? bytes.size : 1);
	enum recognised recognised;

	assert_non_null(copy);
	if (bytes.size)
		memcpy(copy, bytes.data, bytes.size);
	recognised = proxy_header(slice_of(copy, bytes.size), ret_size);
	free(copy);
	return recognised;
}

/* Every shorter one is not enough, and what follows does not matter. */
static void header(struct slice bytes)
{
	uint8_t with_more[PROXY_HEADER_MAX + 1];
	size_t size;

	for (size_t cut = 0; cut < bytes.size; cut++)
		assert_int_equal(ask(slice_of(bytes.data, cut), &size), RECOGNISED_MORE);
	assert_int_equal(ask(bytes, &size), RECOGNISED_YES);
	assert_int_equal(size, bytes.size);
	memcpy(with_more, bytes.data, bytes.size);
	with_more[bytes.size] = '\n';
	assert_int_equal(ask(slice_of(with_more, bytes.size + 1), &size), RECOGNISED_YES);
	assert_int_equal(size, bytes.size);
}

static void no_header(struct slice bytes)
{
	size_t size;

	assert_int_equal(ask(bytes, &size), RECOGNISED_NO);
}

static void test_version_1(void **state)
{
	(void)state;
	header(SLICE("PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n"));
	header(SLICE("PROXY UNKNOWN\r\n"));
	header(SLICE("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
		     "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"));
	no_header(SLICE("PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\n"));
	no_header(SLICE("PROXY TCP4 192.0.2.1 192.0.2.2\r56324 443\r\n"));
	no_header(SLICE("PROXY-LIKE / HTTP/1.1\r\n"));
	no_header(SLICE("PROPFIND / HTTP/1.1\r\n"));
}

static void test_line_is_bounded(void **state)
{
	uint8_t line[128];
	size_t size;

	(void)state;
	memset(line, 'x', sizeof(line));
	memcpy(line, "PROXY ", 6);
	assert_int_equal(ask(slice_of(line, 106), &size), RECOGNISED_MORE);
	assert_int_equal(ask(slice_of(line, 107), &size), RECOGNISED_NO);
	assert_int_equal(ask(slice_of(line, sizeof(line)), &size), RECOGNISED_NO);
}

static void test_version_2(void **state)
{
	uint8_t largest[PROXY_HEADER_MAX] = SIGNATURE "\x21\x11\x0f\xf0";

	(void)state;
	header(SLICE(SIGNATURE "\x21\x11\0\x0c\x7f\0\0\1\x7f\0\0\1\xdc\4\1\xbb"));
	header(SLICE(SIGNATURE "\x20\0\0\0"));
	header(slice_of(largest, sizeof(largest)));
	no_header(SLICE(SIGNATURE "\x11\x11\0\0"));
	no_header(SLICE(SIGNATURE "\x22\x11\0\0"));
	no_header(SLICE(SIGNATURE "\x21\x41\0\0"));
	no_header(SLICE(SIGNATURE "\x21\x13\0\0"));
	no_header(SLICE(SIGNATURE "\x21\x11\x0f\xf1"));
	no_header(SLICE("\r\n\r\nGET / HTTP/1.1\r\n"));
}

static void test_others(void **state)
{
	(void)state;
	no_header(SLICE("GET / HTTP/1.1\r\n"));
	no_header(SLICE("\0\0\0\x08\4\xd2\x16\x2f"));
	no_header(SLICE("\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_version_1),
		cmocka_unit_test(test_line_is_bounded),
		cmocka_unit_test(test_version_2),
		cmocka_unit_test(test_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
