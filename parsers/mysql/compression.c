/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MySQL's compression layer; see compression.h. Follows "Compressed Packet Header" of the internals manual.
 *
 * Invariants of a decompressor: header_size < 7 unless in_frame; frame_left is what of the frame has not been taken from the
 * input; plain_left is what the frame said it becomes, less what was given out. A frame that becomes more than it said, or
 * less, is an error, so that what it says costs nothing.
 */
#include "parsers/mysql/compression.h"

#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#define FRAME_HEADER_SIZE 7
/* What is given out at a time. */
#define PLAIN_MAX ((size_t)64 << 10)
/* Less than this is stored, as servers and clients do. */
#define COMPRESS_MIN 50
/* A window above a frame's largest size is a lie. */
#define ZSTD_WINDOW_LOG_MAX 24
/* A zstd frame's first byte (RFC 8878, 3.1.1). The library reads formats before that one too, by decoders with other bounds. */
#define ZSTD_FIRST_BYTE 0x28

struct my_decompressor {
	enum my_compression method;
	const char *error;
	uint8_t header[FRAME_HEADER_SIZE];
	uint8_t header_size;
	bool in_frame;
	bool stored;
	bool begun; /* the frame's data */
	bool ended; /* they came to their own end */
	size_t frame_left;
	size_t plain_left;
	z_stream zlib;
	bool zlib_ready;
	ZSTD_DCtx *zstd;
	uint8_t *plain; /* PLAIN_MAX, from the first compressed frame on */
};

enum my_compression my_compression_of(uint64_t capabilities)
{
	if (capabilities & MY_CLIENT_COMPRESS)
		return MY_ZLIB;
	return capabilities & MY_CLIENT_ZSTD ? MY_ZSTD : MY_STORED;
}

struct my_decompressor *my_decompressor_new(enum my_compression method)
{
	struct my_decompressor *decompressor = calloc(1, sizeof(*decompressor));

	if (!decompressor)
		abort();
	decompressor->method = method;
	return decompressor;
}

void my_decompressor_free(struct my_decompressor *decompressor)
{
	if (!decompressor)
		return;
	if (decompressor->zlib_ready)
		inflateEnd(&decompressor->zlib);
	ZSTD_freeDCtx(decompressor->zstd);
	free(decompressor->plain);
	free(decompressor);
}

static bool fail(struct my_decompressor *decompressor, const char *error)
{
	decompressor->error = error;
	return false;
}

/* Each frame's data are complete in themselves. */
static bool begin_data(struct my_decompressor *decompressor)
{
	if (!decompressor->plain) {
		decompressor->plain = malloc(PLAIN_MAX);
		if (!decompressor->plain)
			abort();
	}
	if (decompressor->method == MY_ZLIB) {
		if (!decompressor->zlib_ready && inflateInit(&decompressor->zlib) != Z_OK)
			abort();
		decompressor->zlib_ready = true;
		return inflateReset(&decompressor->zlib) == Z_OK;
	}
	if (!decompressor->zstd) {
		decompressor->zstd = ZSTD_createDCtx();
		if (!decompressor->zstd ||
		    ZSTD_isError(ZSTD_DCtx_setParameter(decompressor->zstd, ZSTD_d_windowLogMax,
							ZSTD_WINDOW_LOG_MAX)))
			abort();
	}
	return !ZSTD_isError(ZSTD_DCtx_reset(decompressor->zstd, ZSTD_reset_session_only));
}

static bool begin_frame(struct my_decompressor *decompressor)
{
	struct cursor cursor = cursor_of(slice_of(decompressor->header, FRAME_HEADER_SIZE));

	decompressor->frame_left = cursor_u24le(&cursor);
	cursor_u8(&cursor);
	decompressor->plain_left = cursor_u24le(&cursor);
	decompressor->header_size = 0;
	decompressor->stored = decompressor->plain_left == 0;
	decompressor->begun = false;
	decompressor->ended = false;
	decompressor->in_frame = decompressor->frame_left || !decompressor->stored;
	if (decompressor->stored)
		return true;
	if (decompressor->method == MY_STORED)
		return fail(decompressor, "compressed data without compression");
	return begin_data(decompressor) || fail(decompressor, "compressed data not understood");
}

static bool read_header(struct my_decompressor *decompressor, struct slice *input)
{
	while (decompressor->header_size < FRAME_HEADER_SIZE && input->size) {
		decompressor->header[decompressor->header_size++] = *input->data++;
		input->size--;
	}
	return decompressor->header_size == FRAME_HEADER_SIZE;
}

static struct slice take_stored(struct my_decompressor *decompressor, struct slice *input)
{
	size_t size =
		input->size < decompressor->frame_left ? input->size : decompressor->frame_left;
	struct slice front = slice_of(input->data, size);

	if (size)
		input->data += size;
	input->size -= size;
	decompressor->frame_left -= size;
	decompressor->in_frame = decompressor->frame_left != 0;
	return front;
}

/* One step over at most `in`: how much of it was used and how much became of it. */
static bool inflate_step(struct my_decompressor *decompressor, struct slice in, size_t *ret_used,
			 size_t *ret_made)
{
	z_stream *zlib = &decompressor->zlib;
	int result;

	zlib->next_in = (Bytef *)(uintptr_t)in.data;
	zlib->avail_in = (uInt)in.size;
	zlib->next_out = decompressor->plain;
	zlib->avail_out = PLAIN_MAX;
	result = inflate(zlib, Z_NO_FLUSH);
	if (result == Z_MEM_ERROR)
		abort();
	*ret_used = in.size - zlib->avail_in;
	*ret_made = PLAIN_MAX - zlib->avail_out;
	decompressor->ended = result == Z_STREAM_END;
	return result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR;
}

static bool zstd_step(struct my_decompressor *decompressor, struct slice in, size_t *ret_used,
		      size_t *ret_made)
{
	ZSTD_inBuffer input = { in.data, in.size, 0 };
	ZSTD_outBuffer output = { decompressor->plain, PLAIN_MAX, 0 };
	size_t result;

	if (!decompressor->begun && in.size && in.data[0] != ZSTD_FIRST_BYTE)
		return false;
	decompressor->begun |= in.size != 0;
	result = ZSTD_decompressStream(decompressor->zstd, &output, &input);
	*ret_used = input.pos;
	*ret_made = output.pos;
	decompressor->ended = result == 0;
	return !ZSTD_isError(result);
}

/* MORE: nothing became of the input, which is used up, or the frame ended. */
static enum my_next take_data(struct my_decompressor *decompressor, struct slice *input,
			      struct slice *ret_plain)
{
	size_t size =
		input->size < decompressor->frame_left ? input->size : decompressor->frame_left;
	size_t used = 0, made = 0;
	bool ok;

	ok = decompressor->method == MY_ZLIB ?
		     inflate_step(decompressor, slice_of(input->data, size), &used, &made) :
		     zstd_step(decompressor, slice_of(input->data, size), &used, &made);
	if (used)
		input->data += used;
	input->size -= used;
	decompressor->frame_left -= used;
	if (!ok)
		fail(decompressor, "compressed data not understood");
	else if (made > decompressor->plain_left)
		fail(decompressor, "compressed data of another length than said");
	else if (!made && !decompressor->ended && !decompressor->frame_left)
		fail(decompressor, "compressed data that end too early");
	else if (decompressor->ended &&
		 (decompressor->frame_left || made != decompressor->plain_left))
		fail(decompressor, "compressed data of another length than said");
	if (decompressor->error)
		return MY_ERROR;
	decompressor->plain_left -= made;
	decompressor->in_frame = !decompressor->ended;
	*ret_plain = slice_of(decompressor->plain, made);
	return made ? MY_EVENT : MY_MORE;
}

enum my_next my_decompressor_next(struct my_decompressor *decompressor, struct slice *input,
				  struct slice *ret_plain, const char **ret_why)
{
	enum my_next next = MY_MORE;

	while (!decompressor->error && next == MY_MORE) {
		size_t before = input->size;

		if (!decompressor->in_frame) {
			if (!read_header(decompressor, input))
				return MY_MORE;
			begin_frame(decompressor);
		} else if (decompressor->stored) {
			if (!input->size)
				return MY_MORE;
			*ret_plain = take_stored(decompressor, input);
			next = MY_EVENT;
		} else {
			next = take_data(decompressor, input, ret_plain);
			if (next == MY_MORE && decompressor->in_frame && before == input->size)
				return MY_MORE;
		}
	}
	if (!decompressor->error)
		return next;
	*ret_why = decompressor->error;
	return MY_ERROR;
}

/* ---- the other direction ---- */

struct my_compressor {
	enum my_compression method;
	int zstd_level;
	z_stream zlib;
	bool zlib_ready;
	ZSTD_CCtx *zstd;
};

struct my_compressor *my_compressor_new(enum my_compression method, int zstd_level)
{
	struct my_compressor *compressor = calloc(1, sizeof(*compressor));

	if (!compressor)
		abort();
	compressor->method = method;
	compressor->zstd_level = zstd_level;
	return compressor;
}

void my_compressor_free(struct my_compressor *compressor)
{
	if (!compressor)
		return;
	if (compressor->zlib_ready)
		deflateEnd(&compressor->zlib);
	ZSTD_freeCCtx(compressor->zstd);
	free(compressor);
}

/* Into `room`, which is smaller than `plain`; 0 when it does not fit. */
static size_t deflate_all(struct my_compressor *compressor, struct slice plain, uint8_t *room,
			  size_t room_size)
{
	z_stream *zlib = &compressor->zlib;

	if (!compressor->zlib_ready && deflateInit(zlib, Z_DEFAULT_COMPRESSION) != Z_OK)
		abort();
	compressor->zlib_ready = true;
	deflateReset(zlib);
	zlib->next_in = (Bytef *)(uintptr_t)plain.data;
	zlib->avail_in = (uInt)plain.size;
	zlib->next_out = room;
	zlib->avail_out = (uInt)room_size;
	return deflate(zlib, Z_FINISH) == Z_STREAM_END ? room_size - zlib->avail_out : 0;
}

static size_t zstd_all(struct my_compressor *compressor, struct slice plain, uint8_t *room,
		       size_t room_size)
{
	size_t size;

	if (!compressor->zstd)
		compressor->zstd = ZSTD_createCCtx();
	if (!compressor->zstd)
		abort();
	size = ZSTD_compressCCtx(compressor->zstd, room, room_size, plain.data, plain.size,
				 compressor->zstd_level);
	return ZSTD_isError(size) ? 0 : size;
}

static void frame_header(uint8_t *at, size_t size, uint8_t sequence, size_t plain_size)
{
	for (size_t i = 0; i < 3; i++) {
		at[i] = (uint8_t)(size >> (8 * i));
		at[4 + i] = (uint8_t)(plain_size >> (8 * i));
	}
	at[3] = sequence;
}

static void compress_frame(struct my_compressor *compressor, struct slice plain, struct buffer *out,
			   uint8_t sequence)
{
	uint8_t *at = buffer_reserve(out, FRAME_HEADER_SIZE + plain.size);
	size_t size = 0;

	if (!at)
		return;
	if (plain.size >= COMPRESS_MIN && compressor->method == MY_ZLIB)
		size = deflate_all(compressor, plain, at + FRAME_HEADER_SIZE, plain.size - 1);
	else if (plain.size >= COMPRESS_MIN && compressor->method == MY_ZSTD)
		size = zstd_all(compressor, plain, at + FRAME_HEADER_SIZE, plain.size - 1);
	frame_header(at, size ? size : plain.size, sequence, size ? plain.size : 0);
	if (!size)
		memcpy(at + FRAME_HEADER_SIZE, plain.data, plain.size);
	out->size += FRAME_HEADER_SIZE + (size ? size : plain.size);
}

void my_compress(struct my_compressor *compressor, struct slice plain, struct buffer *out,
		 uint8_t *sequence)
{
	while (plain.size && !out->overflowed) {
		size_t size = plain.size < MY_SPLIT_SIZE ? plain.size : MY_SPLIT_SIZE;

		compress_frame(compressor, slice_of(plain.data, size), out, (*sequence)++);
		plain = slice_of(plain.data + size, plain.size - size);
	}
}
