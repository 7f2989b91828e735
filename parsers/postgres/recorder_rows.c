/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PostgreSQL recorder: rows. Small ones are copied one behind the other into pieces of growing size; a row above
 * PG_ROW_MAX is taken apart as its bytes come, its large values into parts, so that no row is ever held whole.
 */
#include "parsers/postgres/recorder.h"

#define ROWS_ROOM_FIRST ((size_t)2 << 10)
#define ROWS_ROOM_MAX ((size_t)32 << 10)
/* A part's bytes come in pieces of this size. */
#define PART_PIECE ((size_t)64 << 10)
/* From this size on a row counts as large, and smaller values go to parts too. */
#define ROW_LARGE ((size_t)1 << 20)

/* The first row gets just its size (most results have one); from the second on there is room for more. */
void pg_rows_add(struct recorder *recorder, struct slice row)
{
	struct piece *piece;
	uint8_t *bytes;
	size_t room;

	if (row.size <= recorder->rows_room) {
		/* pieces_end is the address of the last piece's first member */
		piece = (struct piece *)(void *)recorder->active->exchange.pieces_end;
		bytes = (uint8_t *)(uintptr_t)piece->bytes.data;
		memcpy(bytes + piece->bytes.size, row.data, row.size);
		piece->bytes.size += row.size;
		piece->count++;
		recorder->rows_room -= row.size;
		return;
	}
	pg_exchange_spill(recorder, PG_ITEM_BYTES);
	room = recorder->rows_next;
	recorder->rows_next = room ? 4 * room : ROWS_ROOM_FIRST;
	if (recorder->rows_next > ROWS_ROOM_MAX)
		recorder->rows_next = ROWS_ROOM_MAX;
	if (room < row.size)
		room = row.size;
	piece = pg_piece_add(recorder, PIECE_ROWS, slice_of(NULL, 0));
	bytes = arena_bytes(&recorder->active->arena, room);
	memcpy(bytes, row.data, row.size);
	piece->bytes = slice_of(bytes, row.size);
	piece->count = 1;
	recorder->rows_room = room - row.size;
}

/* The length of the next value is known: into the row, or into a part? */
static bool begin_value(struct recorder *recorder, int32_t length)
{
	struct pg_row_stream *stream = &recorder->stream;
	size_t size = length > 0 ? (size_t)length : 0;

	stream->values_left--;
	stream->part = 0;
	if (length < -1)
		return pg_fail(recorder, "negative length of a value");
	if (size > PG_VALUE_MAX ||
	    (size > PG_VALUE_MAX_IN_LARGE_ROW && stream->row.size > ROW_LARGE)) {
		stream->part = ++recorder->parts;
		buffer_append_u32be(&stream->row, (uint32_t)ROW_VALUE_IN_PART);
		buffer_append_u32be(&stream->row, stream->part);
		buffer_append_u64be(&stream->row, size);
	} else {
		buffer_append_u32be(&stream->row, (uint32_t)length);
	}
	stream->value_left = size;
	return true;
}

/* The piece that the next bytes of a part go to: of a size that does not depend on how they come. */
static struct piece *part_piece(struct recorder *recorder)
{
	struct pg_row_stream *stream = &recorder->stream;
	struct piece *piece;

	if (recorder->rows_room)
		return (struct piece *)(void *)recorder->active->exchange.pieces_end;
	pg_exchange_spill(recorder, PG_ITEM_BYTES);
	piece = pg_piece_add(recorder, PIECE_VALUE, slice_of(NULL, 0));
	recorder->rows_room = stream->value_left < PART_PIECE ? stream->value_left : PART_PIECE;
	piece->part = stream->part;
	piece->bytes.data = arena_bytes(&recorder->active->arena, recorder->rows_room);
	return piece;
}

static void take_value(struct recorder *recorder, struct cursor *cursor)
{
	struct pg_row_stream *stream = &recorder->stream;
	size_t left = cursor_left(cursor);
	struct piece *piece;
	struct slice bytes;

	left = left < stream->value_left ? left : stream->value_left;
	if (!stream->part) {
		buffer_append_slice(&stream->row, cursor_bytes(cursor, left));
		stream->value_left -= left;
		return;
	}
	while (left) {
		piece = part_piece(recorder);
		bytes = cursor_bytes(cursor,
				     left < recorder->rows_room ? left : recorder->rows_room);
		if (!bytes.data)
			return;
		memcpy((uint8_t *)(uintptr_t)piece->bytes.data + piece->bytes.size, bytes.data,
		       bytes.size);
		piece->bytes.size += bytes.size;
		recorder->rows_room -= bytes.size;
		stream->value_left -= bytes.size;
		left -= bytes.size;
	}
}

/* Bytes of a header that may come in pieces: the number of values (2), or a value's length (4). */
static bool take_header(struct pg_row_stream *stream, struct cursor *cursor, uint8_t size)
{
	while (stream->header_size < size && cursor_left(cursor))
		stream->header[stream->header_size++] = cursor_u8(cursor);
	return stream->header_size == size;
}

static bool stream_bytes(struct recorder *recorder, struct slice bytes)
{
	struct pg_row_stream *stream = &recorder->stream;
	struct cursor cursor = cursor_of(bytes);

	while (cursor_left(&cursor)) {
		struct cursor header = cursor_of(slice_of(stream->header, sizeof(stream->header)));

		if (stream->value_left) {
			take_value(recorder, &cursor);
		} else if (!stream->begun) {
			if (!take_header(stream, &cursor, 2))
				return true;
			stream->values_left = cursor_u16be(&header);
			buffer_append_u16be(&stream->row, stream->values_left);
			stream->begun = true;
			stream->header_size = 0;
		} else if (!stream->values_left) {
			return pg_fail(recorder, "bytes behind the last value of a row");
		} else {
			if (!take_header(stream, &cursor, 4))
				return true;
			stream->header_size = 0;
			if (!begin_value(recorder, cursor_i32be(&header)))
				return false;
		}
	}
	return !stream->row.overflowed || pg_fail(recorder, "a row of too many values");
}

bool pg_row_stream(struct recorder *recorder, const struct pg_frame *frame)
{
	struct pg_row_stream *stream = &recorder->stream;

	if (frame->part == FRAME_BEGIN) {
		stream->begun = false;
		stream->header_size = 0;
		stream->values_left = 0;
		stream->value_left = 0;
		buffer_clear(&stream->row);
		/* What small rows before left free is not for the parts of this one. */
		recorder->rows_room = 0;
		return true;
	}
	if (!stream_bytes(recorder, frame->body))
		return false;
	if (!frame->last)
		return true;
	if (!stream->begun || stream->values_left || stream->value_left || stream->header_size)
		return pg_fail(recorder, "a row that is shorter than its values");
	pg_rows_add(recorder, buffer_slice(&stream->row));
	buffer_release(&stream->row);
	return true;
}
