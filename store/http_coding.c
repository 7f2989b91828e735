/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Content codings; see http_coding.h. gzip is RFC 1952 (members may follow each other), deflate RFC 1950, or RFC 1951 from servers
 * that took its name literally, br RFC 7932, zstd RFC 8878 with windows up to 8 MiB (RFC 9659).
 */
#include "store/http_coding.h"

#include "parsers/http/exchange.h"

#include <brotli/decode.h>
#include <brotli/encode.h>
#include <errno.h>
#include <zlib.h>
#include <zstd.h>

#define ROOM ((size_t)64 << 10)
#define ZSTD_WINDOW_LOG_MAX 23

/* Room for more output, within the limits: NULL when it became too much. */
static uint8_t *room_for(struct buffer *out, size_t input, size_t *ret_room)
{
	size_t most = input < HTTP_DECODED_MAX / HTTP_DECODED_RATIO - 4 ?
			      (input + 4) * HTTP_DECODED_RATIO : /* a little for the smallest */
			      HTTP_DECODED_MAX;
	size_t left = most > out->size ? most - out->size : 0;

	*ret_room = left < ROOM ? left : ROOM;
	return left ? buffer_reserve(out, *ret_room) : NULL;
}

/* -EAGAIN: the header is of another form. */
static int inflate_all(struct slice bytes, int window, struct buffer *out)
{
	z_stream stream = { .next_in = (Bytef *)(uintptr_t)bytes.data,
			    .avail_in = (uInt)bytes.size };
	int rc = inflateInit2(&stream, window);

	while (rc == Z_OK || (rc == Z_STREAM_END && stream.avail_in && window > MAX_WBITS)) {
		size_t room;
		uint8_t *at = room_for(out, bytes.size, &room);

		if (rc == Z_STREAM_END && inflateReset(&stream) != Z_OK) /* another member */
			break;
		if (!at) {
			inflateEnd(&stream);
			return -E2BIG;
		}
		stream.next_out = at;
		stream.avail_out = (uInt)room;
		rc = inflate(&stream, Z_NO_FLUSH);
		out->size += room - stream.avail_out;
	}
	inflateEnd(&stream);
	return rc == Z_STREAM_END && !stream.avail_in ? 0 : -EINVAL;
}

static int decode_gzip(struct slice bytes, struct buffer *out)
{
	return inflate_all(bytes, MAX_WBITS + 16, out);
}

static int decode_deflate(struct slice bytes, struct buffer *out)
{
	int rc = inflate_all(bytes, MAX_WBITS, out);

	if (rc != -EINVAL)
		return rc;
	buffer_clear(out);
	return inflate_all(bytes, -MAX_WBITS, out);
}

static int decode_brotli(struct slice bytes, struct buffer *out)
{
	BrotliDecoderState *state = BrotliDecoderCreateInstance(NULL, NULL, NULL);
	BrotliDecoderResult result = BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT;
	const uint8_t *at = bytes.data;
	size_t left = bytes.size;

	while (state && result == BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT) {
		size_t room, before;
		uint8_t *to = room_for(out, bytes.size, &room);

		if (!to) {
			BrotliDecoderDestroyInstance(state);
			return -E2BIG;
		}
		before = room;
		result = BrotliDecoderDecompressStream(state, &left, &at, &room, &to, NULL);
		out->size += before - room;
	}
	BrotliDecoderDestroyInstance(state);
	return result == BROTLI_DECODER_RESULT_SUCCESS && !left ? 0 : -EINVAL;
}

static int decode_zstd(struct slice bytes, struct buffer *out)
{
	ZSTD_DCtx *context = ZSTD_createDCtx();
	ZSTD_inBuffer input = { bytes.data, bytes.size, 0 };
	size_t rc = context ? ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax,
						     ZSTD_WINDOW_LOG_MAX) :
			      (size_t)-1;
	bool full = true; /* the output had no room left: there may be more */

	while (!ZSTD_isError(rc) && (input.pos < input.size || full)) {
		ZSTD_outBuffer output = { 0 };

		output.dst = room_for(out, bytes.size, &output.size);
		if (!output.dst) {
			ZSTD_freeDCtx(context);
			return -E2BIG;
		}
		rc = ZSTD_decompressStream(context, &output, &input);
		out->size += output.pos;
		full = output.pos == output.size;
	}
	ZSTD_freeDCtx(context);
	return rc == 0 ? 0 : -EINVAL;
}

/* ---- the other way ---- */

static int deflate_all(struct slice bytes, int window, struct buffer *out)
{
	z_stream stream = { .next_in = (Bytef *)(uintptr_t)bytes.data,
			    .avail_in = (uInt)bytes.size };
	size_t room;
	int rc;

	if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, window, 8,
			 Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOTSUP;
	room = deflateBound(&stream, (uLong)bytes.size);
	stream.next_out = buffer_reserve(out, room);
	stream.avail_out = (uInt)room;
	rc = stream.next_out ? deflate(&stream, Z_FINISH) : Z_BUF_ERROR;
	out->size += stream.next_out ? room - stream.avail_out : 0;
	deflateEnd(&stream);
	return rc == Z_STREAM_END ? 0 : -E2BIG;
}

static int encode_gzip(struct slice bytes, struct buffer *out)
{
	return deflate_all(bytes, MAX_WBITS + 16, out);
}

static int encode_deflate(struct slice bytes, struct buffer *out)
{
	return deflate_all(bytes, MAX_WBITS, out);
}

static int encode_brotli(struct slice bytes, struct buffer *out)
{
	size_t size = BrotliEncoderMaxCompressedSize(bytes.size) + 16;
	uint8_t *to = buffer_reserve(out, size);

	if (!to || !BrotliEncoderCompress(5, BROTLI_DEFAULT_WINDOW, BROTLI_MODE_TEXT, bytes.size,
					  bytes.data, &size, to))
		return -E2BIG;
	out->size += size;
	return 0;
}

static int encode_zstd(struct slice bytes, struct buffer *out)
{
	size_t room = ZSTD_compressBound(bytes.size);
	uint8_t *to = buffer_reserve(out, room);
	size_t size = to ? ZSTD_compress(to, room, bytes.data, bytes.size, 3) : (size_t)-1;

	if (ZSTD_isError(size))
		return -E2BIG;
	out->size += size;
	return 0;
}

static const struct coding {
	const char *name;
	int (*decode)(struct slice bytes, struct buffer *out);
	int (*encode)(struct slice bytes, struct buffer *out);
} codings_known[] = {
	{ "gzip", decode_gzip, encode_gzip },	       { "x-gzip", decode_gzip, encode_gzip },
	{ "deflate", decode_deflate, encode_deflate }, { "br", decode_brotli, encode_brotli },
	{ "zstd", decode_zstd, encode_zstd },	       { "identity", NULL, NULL },
};

static const struct coding *find_coding(struct slice name)
{
	for (size_t i = 0; i < ARRAY_SIZE(codings_known); i++)
		if (slice_equal_nocase(name, slice_from_string(codings_known[i].name)))
			return &codings_known[i];
	return NULL;
}

bool http_is_coded(struct slice codings)
{
	struct slice element;

	while (http_list_next(&codings, &element))
		if (!slice_equal_nocase(element, SLICE("identity")))
			return true;
	return false;
}

/* Codings that change the bytes, in the order they were put on; -ENOTSUP: too many, or one that is not known. */
static int read_codings(struct slice codings, const struct coding *list[HTTP_CODINGS_MAX],
			size_t *ret_n)
{
	struct slice element;

	*ret_n = 0;
	while (http_list_next(&codings, &element)) {
		if (*ret_n == HTTP_CODINGS_MAX)
			return -ENOTSUP;
		list[*ret_n] = find_coding(element);
		if (!list[*ret_n])
			return -ENOTSUP;
		*ret_n += list[*ret_n]->decode != NULL;
	}
	return 0;
}

/* Runs the codings over the bytes, each over what the one before it gave; `decodes`: from the last to the first. */
static int run(const struct coding *const *list, size_t n, bool decodes, struct slice bytes,
	       struct buffer *out)
{
	struct buffer before;
	int rc = 0;

	buffer_init(&before, out->max);
	buffer_append_slice(&before, bytes);
	for (size_t i = 0; i < n && rc == 0; i++) {
		const struct coding *coding = list[decodes ? n - 1 - i : i];

		buffer_clear(out);
		rc = (decodes ? coding->decode : coding->encode)(buffer_slice(&before), out);
		buffer_clear(&before);
		buffer_append_slice(&before, buffer_slice(out));
	}
	if (rc == 0 && before.overflowed)
		rc = -E2BIG;
	buffer_clear(out);
	if (rc == 0)
		buffer_append_slice(out, buffer_slice(&before));
	buffer_release(&before);
	return rc;
}

int http_decode(struct slice codings, struct slice bytes, struct buffer *decoded)
{
	const struct coding *list[HTTP_CODINGS_MAX];
	size_t n;
	int rc = read_codings(codings, list, &n);

	return rc ? rc : run(list, n, true, bytes, decoded);
}

int http_encode(struct slice codings, struct slice bytes, struct buffer *coded)
{
	const struct coding *list[HTTP_CODINGS_MAX];
	size_t n;
	int rc = read_codings(codings, list, &n);

	return rc ? rc : run(list, n, false, bytes, coded);
}

void http_codings(const struct http_fields *fields, struct buffer *codings)
{
	for (size_t i = 0; i < fields->n; i++) {
		if (!slice_equal_nocase(fields->list[i].name, SLICE("content-encoding")))
			continue;
		if (codings->size)
			buffer_append_slice(codings, SLICE(", "));
		buffer_append_slice(codings, fields->list[i].value);
	}
}

struct http_content http_content_of(const struct http_fields *fields, struct slice bytes,
				    struct buffer *decoded)
{
	struct http_content content = { .bytes = bytes, .size = bytes.size };
	struct buffer codings;
	struct slice list;

	if (!bytes.size)
		return content;
	buffer_init(&codings, HTTP_CODING_BYTES);
	http_codings(fields, &codings);
	list = buffer_slice(&codings);
	if (!codings.overflowed && http_is_coded(list) && http_decode(list, bytes, decoded) == 0) {
		content.decoded = true;
		content.bytes = decoded->size ? buffer_slice(decoded) : slice_of("", 0);
	}
	buffer_release(&codings);
	return content;
}
