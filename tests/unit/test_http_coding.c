/* SPDX-License-Identifier: Apache-2.0 */
/* Content codings: what is taken off, and what is refused. */
#include "store/http_coding.h"
#include "tests/unit/cmocka.h"

#include <errno.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#define HELLO "hello, hello, hello"
/* Of node's zlib.brotliCompressSync(): HELLO, and 64 MiB of zeros. */
#define BROTLI_HELLO \
	"\x1b\x12\x00\xf8\x8d\x94\x6e\xde\x44\x09\x52\x86\x96\x6c\x2c\x6f\x11\x4f\x24\xd0\x71\x00"
#define BROTLI_BOMB                                                                        \
	"\xcb\xff\xff\x3f\xf8\x27\x00\xe2\xb1\x40\x20\xf7\xfe\x8f\xff\xff\x7f\xf0\x4f\x00" \
	"\xc4\x61\x11\x80\xee\xfd\x1f\xff\xff\xff\xe0\x9f\x00\x88\xc3\x02\x00\xdd\xfb\x3f" \
	"\xfe\xff\xff\xc1\x3f\x01\x10\x87\x05\x00\xba\xf7\x7f\xfc\xff\xff\x83\x7f\x02\x20" \
	"\x0e\x0b\x00\x74\xef\xff\xf8\xff\xff\x07\xff\x04\x40\x1c\x16\x00\xe8\xde\xff\xf1" \
	"\xff\xff\x0f\xfe\x09\x80\x38\x2c\x00\xd0\xbd\xff\xcb\xff\xff\x3f\xfc\x13\x00\x71" \
	"\x58\x00\xa0\x7b\xff\x07"

/* Window bits as deflateInit2() takes them: 15 zlib, 31 gzip, -15 raw. */
static void deflate_into(struct buffer *out, struct slice bytes, int window)
{
	z_stream stream = { .next_in = (Bytef *)(uintptr_t)bytes.data,
			    .avail_in = (uInt)bytes.size };
	size_t room = bytes.size + 1024;

	assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, window, 8, 0), Z_OK);
	stream.next_out = buffer_reserve(out, room);
	stream.avail_out = (uInt)room;
	assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
	out->size += room - stream.avail_out;
	deflateEnd(&stream);
}

/* A frame of zstd 0.5: a block as it is, and the end. */
#define ZSTD_05_HELLO "\x25\xb5\x2f\xfd\x00\x40\x00\x05hello\xc0\x00\x00"

static void zstd_into(struct buffer *out, struct slice bytes)
{
	size_t room = ZSTD_compressBound(bytes.size);

	out->size += ZSTD_compress(buffer_reserve(out, room), room, bytes.data, bytes.size, 3);
}

static void check(const char *codings, struct slice bytes, int expected_rc, struct slice expected)
{
	struct buffer decoded;

	buffer_init(&decoded, HTTP_DECODED_MAX);
	assert_int_equal(http_decode(slice_from_string(codings), bytes, &decoded), expected_rc);
	assert_true(slice_equal(buffer_slice(&decoded), expected));
	buffer_release(&decoded);
}

static void test_each(void **state)
{
	static const struct {
		const char *name;
		int window;
	} kinds[] = { { "gzip", 31 }, { "X-GZIP", 31 }, { "deflate", 15 }, { "deflate", -15 } };
	struct buffer bytes;

	(void)state;
	buffer_init(&bytes, (size_t)16 << 20);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		buffer_clear(&bytes);
		deflate_into(&bytes, SLICE(HELLO), kinds[i].window);
		check(kinds[i].name, buffer_slice(&bytes), 0, SLICE(HELLO));
		/* Cut at every place, and with something behind. */
		for (size_t size = 0; size < bytes.size; size++)
			check(kinds[i].name, slice_of(bytes.data, size), -EINVAL, SLICE(""));
		buffer_append_string(&bytes, "!");
		check(kinds[i].name, buffer_slice(&bytes), -EINVAL, SLICE(""));
	}
	buffer_clear(&bytes);
	zstd_into(&bytes, SLICE(HELLO));
	check("zstd", buffer_slice(&bytes), 0, SLICE(HELLO));
	for (size_t size = 0; size < bytes.size; size++)
		check("zstd", slice_of(bytes.data, size), -EINVAL, SLICE(""));
	/* Frames follow each other, and some are to be skipped; one of zstd 0.5 is none. */
	zstd_into(&bytes, SLICE("!"));
	check("zstd", buffer_slice(&bytes), 0, SLICE(HELLO "!"));
	buffer_append_slice(&bytes, SLICE("\x5f\x2a\x4d\x18\x02\0\0\0xx"));
	check("zstd", buffer_slice(&bytes), 0, SLICE(HELLO "!"));
	check("zstd", SLICE(ZSTD_05_HELLO), -EINVAL, SLICE(""));
	buffer_append_slice(&bytes, SLICE(ZSTD_05_HELLO));
	check("zstd", buffer_slice(&bytes), -EINVAL, SLICE(""));
	check("br", slice_of(BROTLI_HELLO, sizeof(BROTLI_HELLO) - 1), 0, SLICE(HELLO));
	check("br", slice_of(BROTLI_HELLO, sizeof(BROTLI_HELLO) - 2), -EINVAL, SLICE(""));
	buffer_release(&bytes);
}

static void test_stacked(void **state)
{
	struct buffer once, twice;

	(void)state;
	buffer_init(&once, 4096);
	buffer_init(&twice, 8192);
	deflate_into(&once, SLICE(HELLO), 31);
	deflate_into(&twice, buffer_slice(&once), 15);
	check("gzip, identity , deflate", buffer_slice(&twice), 0, SLICE(HELLO));
	check("deflate, gzip", buffer_slice(&twice), -EINVAL, SLICE(""));
	check("gzip,gzip,gzip,gzip,gzip", buffer_slice(&once), -ENOTSUP, SLICE(""));
	check("aws-chunked", SLICE("x"), -ENOTSUP, SLICE(""));
	/* Members of gzip that follow each other are one text. */
	deflate_into(&once, SLICE("!"), 31);
	check("gzip", buffer_slice(&once), 0, SLICE(HELLO "!"));
	buffer_release(&once);
	buffer_release(&twice);
}

static void test_bombs(void **state)
{
	struct slice zeros = { calloc(1, (size_t)4 << 20), (size_t)4 << 20 };
	struct buffer bytes;

	(void)state;
	assert_non_null(zeros.data);
	buffer_init(&bytes, (size_t)16 << 20);
	deflate_into(&bytes, zeros, 31);
	check("gzip", buffer_slice(&bytes), -E2BIG, SLICE(""));
	buffer_clear(&bytes);
	zstd_into(&bytes, zeros);
	check("zstd", buffer_slice(&bytes), -E2BIG, SLICE(""));
	check("br", slice_of(BROTLI_BOMB, sizeof(BROTLI_BOMB) - 1), -E2BIG, SLICE(""));
	buffer_release(&bytes);
	free((void *)(uintptr_t)zeros.data);
}

static void test_coded(void **state)
{
	(void)state;
	assert_true(http_is_coded(SLICE("gzip")));
	assert_true(http_is_coded(SLICE("identity, br")));
	assert_false(http_is_coded(SLICE("identity")));
	assert_false(http_is_coded(SLICE("")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each),
		cmocka_unit_test(test_stacked),
		cmocka_unit_test(test_bombs),
		cmocka_unit_test(test_coded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
