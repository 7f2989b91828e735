/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of an exchange; see exchange_log.h. Small ones lie one behind the other in pieces of growing size; of a large row the
 * large values go to parts as their bytes come, so that no row is ever held whole.
 */
#include "parsers/exchange_log.h"

#define ROWS_ROOM_FIRST ((size_t)2 << 10)
#define ROWS_ROOM_MAX ((size_t)32 << 10)
/* A part's bytes come in pieces of this size. */
#define PART_PIECE ((size_t)64 << 10)
/* From this size on a row counts as large, and smaller values go to parts too. */
#define ROW_LARGE ((size_t)1 << 20)

/* pieces_end is the address of the last piece's first member. */
static struct piece *last_piece(struct exchange_log *log)
{
	return (struct piece *)(void *)log->active->exchange.pieces_end;
}

/* The first row gets just its size (most results have one); from the second on there is room for more. */
uint8_t *exchange_row_room(struct exchange_log *log, size_t max)
{
	struct piece *piece;
	size_t room;

	if (max <= log->rows_room) {
		piece = last_piece(log);
		return (uint8_t *)(uintptr_t)piece->bytes.data + piece->bytes.size;
	}
	exchange_spill(log, EXCHANGE_ITEM_BYTES);
	room = log->rows_next;
	log->rows_next = room ? 4 * room : ROWS_ROOM_FIRST;
	if (log->rows_next > ROWS_ROOM_MAX)
		log->rows_next = ROWS_ROOM_MAX;
	if (room < max)
		room = max;
	piece = exchange_piece(log, PIECE_ROWS, slice_of(NULL, 0));
	piece->bytes.data = arena_bytes(&log->active->arena, room);
	log->rows_room = room;
	return (uint8_t *)(uintptr_t)piece->bytes.data;
}

void exchange_row_end(struct exchange_log *log, size_t size)
{
	struct piece *piece = last_piece(log);

	piece->bytes.size += size;
	piece->count++;
	log->rows_room -= size;
}

void exchange_row_add(struct exchange_log *log, struct slice row)
{
	memcpy(exchange_row_room(log, row.size), row.data, row.size);
	exchange_row_end(log, row.size);
}

void exchange_large_row_begin(struct exchange_log *log)
{
	log->row.value_left = 0;
	buffer_clear(&log->row.bytes);
	/* What small rows before left free is not for the parts of this one. */
	log->rows_room = 0;
}

void exchange_large_value_null(struct exchange_log *log)
{
	log->row.part = 0;
	log->row.value_left = 0;
	buffer_append_u32be(&log->row.bytes, (uint32_t)ROW_VALUE_NULL);
}

/* The length of the next value is known: into the row, or into a part? */
void exchange_large_value_begin(struct exchange_log *log, size_t size)
{
	struct exchange_row *row = &log->row;

	row->part = 0;
	if (size > EXCHANGE_VALUE_MAX ||
	    (size > EXCHANGE_VALUE_MAX_IN_LARGE_ROW && row->bytes.size > ROW_LARGE)) {
		row->part = ++log->parts;
		buffer_append_u32be(&row->bytes, (uint32_t)ROW_VALUE_IN_PART);
		buffer_append_u32be(&row->bytes, row->part);
		buffer_append_u64be(&row->bytes, size);
	} else {
		buffer_append_u32be(&row->bytes, (uint32_t)size);
	}
	row->value_left = size;
}

/* The piece that the next bytes of a part go to: of a size that does not depend on how they come. */
static struct piece *part_piece(struct exchange_log *log)
{
	struct exchange_row *row = &log->row;
	struct piece *piece;

	if (log->rows_room)
		return last_piece(log);
	exchange_spill(log, EXCHANGE_ITEM_BYTES);
	piece = exchange_piece(log, PIECE_VALUE, slice_of(NULL, 0));
	log->rows_room = row->value_left < PART_PIECE ? row->value_left : PART_PIECE;
	piece->part = row->part;
	piece->bytes.data = arena_bytes(&log->active->arena, log->rows_room);
	return piece;
}

void exchange_large_value_take(struct exchange_log *log, struct cursor *cursor)
{
	struct exchange_row *row = &log->row;
	size_t left = cursor_left(cursor);
	struct piece *piece;
	struct slice bytes;

	left = left < row->value_left ? left : row->value_left;
	if (!row->part) {
		buffer_append_slice(&row->bytes, cursor_bytes(cursor, left));
		row->value_left -= left;
		return;
	}
	while (left) {
		piece = part_piece(log);
		bytes = cursor_bytes(cursor, left < log->rows_room ? left : log->rows_room);
		if (!bytes.data)
			return;
		memcpy((uint8_t *)(uintptr_t)piece->bytes.data + piece->bytes.size, bytes.data,
		       bytes.size);
		piece->bytes.size += bytes.size;
		log->rows_room -= bytes.size;
		row->value_left -= bytes.size;
		left -= bytes.size;
	}
}

bool exchange_large_row_end(struct exchange_log *log)
{
	struct slice row = buffer_slice(&log->row.bytes);

	if (log->row.bytes.overflowed)
		return false;
	exchange_row_add(log, row);
	buffer_release(&log->row.bytes);
	return true;
}
