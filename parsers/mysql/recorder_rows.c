/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The MySQL recorder: rows. Both forms become the common one (item.h): text rows have each value behind its length, binary rows a
 * bitmap of nulls and values whose sizes their types say. A row above MY_ROW_MAX is taken apart as its bytes come.
 */
#include "parsers/mysql/recorder.h"

#define BITMAP_SIZE(columns) (((columns) + 9) / 8)
/* The bitmap's first two bits mean nothing. */
#define BITMAP_FIRST 2

static uint8_t *put_u32be(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 24);
	at[1] = (uint8_t)(value >> 16);
	at[2] = (uint8_t)(value >> 8);
	at[3] = (uint8_t)value;
	return at + 4;
}

static uint8_t *put_value(uint8_t *at, struct slice value)
{
	at = put_u32be(at, (uint32_t)value.size);
	if (value.size)
		memcpy(at, value.data, value.size);
	return at + value.size;
}

static bool is_null(const uint8_t *bitmap, size_t column)
{
	return bitmap[(column + BITMAP_FIRST) / 8] >> ((column + BITMAP_FIRST) % 8) & 1;
}

static uint8_t *text_values(const struct recorder *recorder, struct cursor *cursor, uint8_t *at)
{
	for (size_t i = 0; i < recorder->n_columns; i++) {
		if (cursor_left(cursor) && *cursor->at == MY_LOCAL_INFILE) { /* null */
			cursor_u8(cursor);
			at = put_u32be(at, (uint32_t)ROW_VALUE_NULL);
		} else {
			at = put_value(at, my_read_lenenc_bytes(cursor));
		}
	}
	return at;
}

/* A size of my_type_size(). */
static struct slice binary_value(struct cursor *cursor, uint8_t size)
{
	if (size == MY_SIZE_LENENC)
		return my_read_lenenc_bytes(cursor);
	if (size == MY_SIZE_SHORT)
		size = cursor_u8(cursor);
	return cursor_bytes(cursor, size);
}

static uint8_t *binary_values(const struct recorder *recorder, struct cursor *cursor, uint8_t *at)
{
	uint8_t zero = cursor_u8(cursor);
	struct slice bitmap = cursor_bytes(cursor, BITMAP_SIZE(recorder->n_columns));

	if (zero || !bitmap.data) {
		cursor->failed = true;
		return at;
	}
	for (size_t i = 0; i < recorder->n_columns; i++)
		at = is_null(bitmap.data, i) ?
			     put_u32be(at, (uint32_t)ROW_VALUE_NULL) :
			     put_value(at, binary_value(cursor, recorder->sizes.data[i]));
	return at;
}

/* Each value's own length goes, four bytes for it come: so large is the room, at most. */
bool my_row_add(struct recorder *recorder, struct slice row)
{
	struct cursor cursor = cursor_of(row);
	size_t max = 2 + 4 * recorder->n_columns + row.size;
	uint8_t *room = exchange_row_room(&recorder->log, max);
	uint8_t *at = room;

	*at++ = (uint8_t)(recorder->n_columns >> 8);
	*at++ = (uint8_t)recorder->n_columns;
	at = recorder->binary ? binary_values(recorder, &cursor, at) :
				text_values(recorder, &cursor, at);
	if (!cursor_done(&cursor))
		return my_fail(recorder, "malformed row");
	exchange_row_end(&recorder->log, (size_t)(at - room));
	return true;
}

/* ---- large rows ---- */

static bool take_bitmap(struct recorder *recorder, struct cursor *cursor)
{
	struct my_row_stream *stream = &recorder->stream;
	size_t size = 1 + BITMAP_SIZE(recorder->n_columns);

	while (stream->bitmap.size < size && cursor_left(cursor))
		buffer_append_u8(&stream->bitmap, cursor_u8(cursor));
	return stream->bitmap.size == size;
}

/* How long the length is that begins with this byte; 0: it is none. */
static uint8_t header_need(uint8_t first, bool counted)
{
	if (!counted || first < 0xfb)
		return 1;
	switch (first) {
	case 0xfc:
		return 3;
	case 0xfd:
		return 4;
	case 0xfe:
		return 9;
	default:
		return 0;
	}
}

/* The length in front of a value. MORE until it is whole. */
static enum my_next take_length(struct my_row_stream *stream, struct cursor *cursor, bool counted,
				size_t *ret_size)
{
	struct cursor header;
	uint8_t need;

	do { /* its first bytes may have come before */
		if (!cursor_left(cursor))
			return MY_MORE;
		stream->header[stream->header_size++] = cursor_u8(cursor);
		need = header_need(stream->header[0], counted);
		if (!need)
			return MY_ERROR;
	} while (stream->header_size < need);
	header = cursor_of(slice_of(stream->header, stream->header_size));
	*ret_size = counted ? (size_t)my_read_lenenc(&header) : stream->header[0];
	stream->header_size = 0;
	return MY_EVENT;
}

/* The next value begins, or is a null. MORE when its length is not there yet. */
static enum my_next begin_value(struct recorder *recorder, struct cursor *cursor)
{
	struct my_row_stream *stream = &recorder->stream;
	uint8_t kind = recorder->binary ? recorder->sizes.data[stream->column] : MY_SIZE_LENENC;
	bool null = recorder->binary && is_null(stream->bitmap.data + 1, stream->column);
	enum my_next next = MY_EVENT;
	size_t size = kind;

	if (!recorder->binary && !stream->header_size && cursor_left(cursor) &&
	    *cursor->at == MY_LOCAL_INFILE) {
		cursor_u8(cursor);
		null = true;
	}
	if (!null && (kind == MY_SIZE_LENENC || kind == MY_SIZE_SHORT))
		next = take_length(stream, cursor, kind == MY_SIZE_LENENC, &size);
	if (next != MY_EVENT)
		return next;
	stream->column++;
	if (null)
		exchange_large_value_null(&recorder->log);
	else
		exchange_large_value_begin(&recorder->log, size);
	return MY_EVENT;
}

static bool stream_bytes(struct recorder *recorder, struct slice bytes)
{
	struct my_row_stream *stream = &recorder->stream;
	struct cursor cursor = cursor_of(bytes);
	enum my_next next = MY_EVENT;

	if (recorder->binary && !take_bitmap(recorder, &cursor))
		return true;
	if (recorder->binary && stream->bitmap.data[0] != 0)
		return my_fail(recorder, "malformed row");
	while (next == MY_EVENT) {
		exchange_large_value_take(&recorder->log, &cursor);
		if (recorder->log.row.value_left)
			return true;
		if (stream->column == recorder->n_columns)
			return !cursor_left(&cursor) ||
			       my_fail(recorder, "bytes behind the last value of a row");
		next = begin_value(recorder, &cursor);
	}
	return next == MY_MORE || my_fail(recorder, "malformed row");
}

bool my_row_stream(struct recorder *recorder, const struct my_frame *frame)
{
	struct my_row_stream *stream = &recorder->stream;

	if (frame->part == FRAME_BEGIN) {
		buffer_clear(&stream->bitmap);
		stream->header_size = 0;
		stream->column = 0;
		exchange_large_row_begin(&recorder->log);
		buffer_append_u16be(&recorder->log.row.bytes, (uint16_t)recorder->n_columns);
		return true;
	}
	/* Only a value of 16 MB makes a row begin with 0xfe; else it is an OK, and too large for one. */
	if (!recorder->binary && !stream->column && !stream->header_size && frame->body.size &&
	    frame->body.data[0] == MY_EOF && !frame->split)
		return my_fail(recorder, "an answer larger than 128 KiB");
	if (!stream_bytes(recorder, frame->body))
		return false;
	if (!frame->last)
		return true;
	if (stream->column != recorder->n_columns || recorder->log.row.value_left ||
	    stream->header_size || (recorder->binary && !stream->bitmap.size))
		return my_fail(recorder, "a row that is shorter than its values");
	return exchange_large_row_end(&recorder->log) ||
	       my_fail(recorder, "a row of too many values");
}
