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

/* Behind the end of what was coded nothing may follow. */
static int nothing_left(const struct http_flow *flow, size_t left)
{
	struct slice more;
	int got = left ? 1 : flow->next(flow->context, &more);

	return got > 0 ? -EINVAL : got;
}

/* More input when there is none: 1, 0 at its end, negative errno. */
static int inflate_input(const struct http_flow *flow, z_stream *stream)
{
	struct slice bytes;
	int got = 1;

	while (!stream->avail_in && got > 0) {
		got = flow->next(flow->context, &bytes);
		if (got > 0) {
			stream->next_in = (Bytef *)(uintptr_t)bytes.data;
			stream->avail_in = (uInt)bytes.size;
		}
	}
	return got;
}

/* One step: Z_OK, Z_STREAM_END, another of zlib's codes for bytes that are none of this, or in *ret_error why it stops. */
static int inflate_step(const struct http_flow *flow, z_stream *stream, int *ret_error)
{
	uint8_t room[ROOM];
	int rc;

	do {
		stream->next_out = room;
		stream->avail_out = ROOM;
		rc = inflate(stream, Z_NO_FLUSH);
		*ret_error = flow->put(flow->context, slice_of(room, ROOM - stream->avail_out));
	} while (rc == Z_OK && !*ret_error && !stream->avail_out);
	return rc == Z_BUF_ERROR ? Z_OK : rc; /* it has no more to say before more comes */
}

static int inflate_flow(const struct http_flow *flow, int window)
{
	z_stream stream = { 0 };
	int rc = inflateInit2(&stream, window), error = 0, got = 1;
	bool members = window > MAX_WBITS;

	while (!error && (rc == Z_OK || (rc == Z_STREAM_END && members))) {
		got = inflate_input(flow, &stream);
		if (got <= 0)
			break;
		if (rc == Z_STREAM_END && inflateReset(&stream) != Z_OK) /* another member */
			break;
		rc = inflate_step(flow, &stream, &error);
	}
	if (!error)
		error = got < 0		   ? got :
			rc != Z_STREAM_END ? -EINVAL :
			members		   ? 0 :
					     nothing_left(flow, stream.avail_in);
	inflateEnd(&stream);
	return error;
}

static int gzip_flow(const struct http_flow *flow)
{
	return inflate_flow(flow, MAX_WBITS + 16);
}

static int zlib_flow(const struct http_flow *flow)
{
	return inflate_flow(flow, MAX_WBITS);
}

static int deflate_flow(const struct http_flow *flow)
{
	return inflate_flow(flow, -MAX_WBITS);
}

static int brotli_flow(const struct http_flow *flow)
{
	BrotliDecoderState *state = BrotliDecoderCreateInstance(NULL, NULL, NULL);
	BrotliDecoderResult result = BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT;
	struct slice bytes = { NULL, 0 };
	uint8_t room[ROOM];
	int error = state ? 0 : -ENOTSUP, got = 1;

	while (!error && (result == BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT ||
			  result == BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT)) {
		size_t left = ROOM;
		uint8_t *to = room;

		if (result == BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT)
			got = flow->next(flow->context, &bytes);
		if (got <= 0)
			break;
		result = BrotliDecoderDecompressStream(state, &bytes.size, &bytes.data, &left, &to,
						       NULL);
		error = flow->put(flow->context, slice_of(room, ROOM - left));
	}
	BrotliDecoderDestroyInstance(state);
	if (error || got < 0)
		return error ? error : got;
	return result == BROTLI_DECODER_RESULT_SUCCESS ? nothing_left(flow, bytes.size) : -EINVAL;
}

/* The first byte of a zstd frame, or of one to be skipped (RFC 8878, 3.1); not of a format before that one, which the library reads too, by
 * decoders with other bounds. */
static bool is_zstd_first(uint8_t byte)
{
	return byte == 0x28 || byte >> 4 == 5;
}

static int zstd_flow(const struct http_flow *flow)
{
	ZSTD_DCtx *context = ZSTD_createDCtx();
	struct slice bytes;
	uint8_t room[ROOM];
	size_t rc = context ? ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax,
						     ZSTD_WINDOW_LOG_MAX) :
			      (size_t)-1;
	int error = 0, got = 0;

	while (!ZSTD_isError(rc) && !error && (got = flow->next(flow->context, &bytes)) > 0) {
		ZSTD_inBuffer input = { bytes.data, bytes.size, 0 };
		bool full = true; /* the output had no room left: there may be more */

		while (!ZSTD_isError(rc) && !error && (input.pos < input.size || full)) {
			ZSTD_outBuffer output = { room, ROOM, 0 };

			if (rc == 0 && input.pos < input.size &&
			    !is_zstd_first(bytes.data[input.pos])) {
				error = -EINVAL;
				break;
			}
			rc = ZSTD_decompressStream(context, &output, &input);
			error = flow->put(flow->context, slice_of(room, output.pos));
			full = output.pos == output.size;
		}
	}
	ZSTD_freeDCtx(context);
	if (error || got < 0)
		return error ? error : got;
	return rc == 0 ? 0 : -EINVAL;
}

/* ---- bytes in memory ---- */

struct memory {
	struct slice bytes;
	bool given;
	struct buffer *out;
	size_t most;
};

static int memory_next(void *context, struct slice *ret_bytes)
{
	struct memory *memory = context;

	if (memory->given)
		return 0;
	memory->given = true;
	*ret_bytes = memory->bytes;
	return 1;
}

static int memory_put(void *context, struct slice bytes)
{
	struct memory *memory = context;

	if (bytes.size > memory->most - memory->out->size)
		return -E2BIG;
	buffer_append_slice(memory->out, bytes);
	return memory->out->overflowed ? -E2BIG : 0;
}

static int memory_again(void *context)
{
	struct memory *memory = context;

	memory->given = false;
	buffer_clear(memory->out);
	return 0;
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
	int (*decode)(const struct http_flow *flow);
	int (*otherwise)(
		const struct http_flow *flow); /* what some take the name for; NULL: nobody */
	int (*encode)(struct slice bytes, struct buffer *out);
} codings_known[] = {
	{ "gzip", gzip_flow, NULL, encode_gzip },
	{ "x-gzip", gzip_flow, NULL, encode_gzip },
	{ "deflate", zlib_flow, deflate_flow, encode_deflate },
	{ "br", brotli_flow, NULL, encode_brotli },
	{ "zstd", zstd_flow, NULL, encode_zstd },
	{ "identity", NULL, NULL, NULL },
};

static int take_off(const struct coding *coding, const struct http_flow *flow)
{
	int rc = coding->decode(flow);

	if (rc != -EINVAL || !coding->otherwise)
		return rc;
	rc = flow->again(flow->context);
	return rc ? rc : coding->otherwise(flow);
}

static int take_off_memory(const struct coding *coding, struct slice bytes, struct buffer *out)
{
	struct memory memory = { .bytes = bytes, .out = out, .most = HTTP_DECODED_MAX };
	const struct http_flow flow = { &memory, memory_next, memory_put, memory_again };

	if (bytes.size < HTTP_DECODED_MAX / HTTP_DECODED_RATIO - 4)
		memory.most = (bytes.size + 4) * HTTP_DECODED_RATIO; /* a little for the smallest */
	return take_off(coding, &flow);
}

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
		rc = decodes ? take_off_memory(coding, buffer_slice(&before), out) :
			       coding->encode(buffer_slice(&before), out);
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

int http_decode_flow(struct slice codings, const struct http_flow *flow)
{
	const struct coding *list[HTTP_CODINGS_MAX];
	size_t n;
	int rc = read_codings(codings, list, &n);

	if (rc || n != 1)
		return -ENOTSUP;
	return take_off(list[0], flow);
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
