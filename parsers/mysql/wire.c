/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MySQL framing; see wire.h. Follows "MySQL Packets" of the internals manual.
 *
 * Invariants of a framer: header_size < 4 unless in_piece; piece_left is what of the current piece has not been taken; while
 * not `streaming`, framer->body holds the beginning of a packet that did not come in one piece of input.
 */
#include "parsers/mysql/wire.h"

/* Keeps the memory of a framer's buffer only up to here: idle connections are many. */
#define BODY_KEEP ((size_t)16 << 10)

/* ---- integers and strings ---- */

uint64_t my_read_lenenc(struct cursor *cursor)
{
	uint8_t first = cursor_u8(cursor);

	switch (first) {
	case 0xfc:
		return cursor_u16le(cursor);
	case 0xfd:
		return cursor_u24le(cursor);
	case 0xfe:
		return cursor_u64le(cursor);
	case 0xfb:
	case 0xff:
		cursor->failed = true;
		return 0;
	default:
		return first;
	}
}

struct slice my_read_lenenc_bytes(struct cursor *cursor)
{
	uint64_t size = my_read_lenenc(cursor);

	return cursor_bytes(cursor, size > SIZE_MAX ? SIZE_MAX : (size_t)size);
}

void my_write_lenenc(struct buffer *out, uint64_t value)
{
	if (value < 0xfb) {
		buffer_append_u8(out, (uint8_t)value);
	} else if (value <= 0xffff) {
		buffer_append_u8(out, 0xfc);
		buffer_append_le(out, value, 2);
	} else if (value <= 0xffffff) {
		buffer_append_u8(out, 0xfd);
		buffer_append_le(out, value, 3);
	} else {
		buffer_append_u8(out, 0xfe);
		buffer_append_le(out, value, 8);
	}
}

void my_write_lenenc_bytes(struct buffer *out, struct slice bytes)
{
	my_write_lenenc(out, bytes.size);
	buffer_append_slice(out, bytes);
}

int my_type_size(uint32_t type)
{
	switch (type & 0xff) {
	case MY_TYPE_NULL:
		return 0;
	case MY_TYPE_TINY:
		return 1;
	case MY_TYPE_SHORT:
	case MY_TYPE_YEAR:
		return 2;
	case MY_TYPE_LONG:
	case MY_TYPE_INT24:
	case MY_TYPE_FLOAT:
		return 4;
	case MY_TYPE_LONGLONG:
	case MY_TYPE_DOUBLE:
		return 8;
	case MY_TYPE_DATE:
	case MY_TYPE_NEWDATE:
	case MY_TYPE_TIME:
	case MY_TYPE_TIME2:
	case MY_TYPE_DATETIME:
	case MY_TYPE_DATETIME2:
	case MY_TYPE_TIMESTAMP:
	case MY_TYPE_TIMESTAMP2:
		return MY_SIZE_SHORT;
	case MY_TYPE_DECIMAL:
	case MY_TYPE_VARCHAR:
	case MY_TYPE_BIT:
		return MY_SIZE_LENENC;
	default:
		return (type & 0xff) >= MY_TYPE_VECTOR ? MY_SIZE_LENENC : -1;
	}
}

/* ---- the framer ---- */

void my_framer_init(struct my_framer *framer, size_t whole_max)
{
	*framer = (struct my_framer){ .whole_max = whole_max, .sequence = MY_SEQUENCE_ANY };
	buffer_init(&framer->body, MY_REQUEST_MAX);
}

void my_framer_release(struct my_framer *framer)
{
	buffer_release(&framer->body);
}

static bool fail(struct my_framer *framer, const char *error)
{
	framer->error = error;
	return false;
}

static struct slice take(struct slice *input, size_t size)
{
	struct slice front = slice_of(input->data, size);

	input->data += size;
	input->size -= size;
	return front;
}

static bool read_header(struct my_framer *framer, struct slice *input)
{
	while (framer->header_size < MY_HEADER_SIZE && input->size) {
		framer->header[framer->header_size++] = *input->data++;
		input->size--;
	}
	return framer->header_size == MY_HEADER_SIZE;
}

/* The header of a packet's first or next piece is complete. */
static bool begin_piece(struct my_framer *framer)
{
	struct cursor cursor = cursor_of(slice_of(framer->header, MY_HEADER_SIZE));
	size_t size = cursor_u24le(&cursor);
	uint8_t sequence = cursor_u8(&cursor);

	if (!framer->unordered && framer->sequence != MY_SEQUENCE_ANY &&
	    framer->sequence != sequence && !(framer->or_zero && !sequence && !framer->in_packet))
		return fail(framer, "a packet out of sequence");
	framer->sequence = (uint8_t)(sequence + 1);
	framer->header_size = 0;
	framer->in_piece = true;
	framer->piece_left = size;
	framer->full = size == MY_SPLIT_SIZE;
	if (!framer->in_packet) {
		framer->in_packet = true;
		framer->streaming = false;
		framer->begun = false;
		framer->announced = 0;
		framer->frame = (struct my_frame){ .split = framer->full };
	}
	framer->announced += size;
	if (!framer->streaming && size > framer->whole_max - framer->body.size)
		framer->streaming = true;
	framer->frame.sequence = sequence;
	return true;
}

/* Between packets; gives back the memory of a large one. */
static bool begin(struct my_framer *framer, struct slice *input)
{
	if (!framer->in_packet && !framer->header_size) {
		if (framer->body.capacity > BODY_KEEP)
			buffer_release(&framer->body);
		buffer_clear(&framer->body);
		framer->body.max = MY_REQUEST_MAX;
	}
	return read_header(framer, input);
}

static enum my_next next_streamed(struct my_framer *framer, struct slice *input,
				  struct my_frame *ret_frame)
{
	size_t size = input->size < framer->piece_left ? input->size : framer->piece_left;
	struct slice front;

	if (!framer->begun) {
		framer->begun = true;
		framer->frame.part = FRAME_BEGIN;
		*ret_frame = framer->frame;
		return MY_EVENT;
	}
	framer->frame.part = FRAME_BYTES;
	if (framer->body.size) { /* what was held before it turned out to be too large */
		framer->frame.body = buffer_slice(&framer->body);
		*ret_frame = framer->frame;
		framer->body.size = 0;
		return MY_EVENT;
	}
	if (!size && framer->piece_left)
		return MY_MORE;
	front = take(input, size);
	framer->piece_left -= size;
	framer->in_piece = framer->piece_left != 0;
	framer->in_packet = framer->in_piece || framer->full;
	framer->frame.body = front;
	framer->frame.last = !framer->in_packet;
	*ret_frame = framer->frame;
	return MY_EVENT;
}

static enum my_next next_whole(struct my_framer *framer, struct slice *input,
			       struct my_frame *ret_frame)
{
	size_t size = input->size < framer->piece_left ? input->size : framer->piece_left;
	struct slice front;

	if (!size && framer->piece_left)
		return MY_MORE;
	front = take(input, size);
	framer->piece_left -= size;
	if (framer->piece_left || framer->body.size || framer->full) {
		buffer_append_slice(&framer->body, front);
		if (framer->piece_left)
			return MY_MORE;
		front = buffer_slice(&framer->body);
	}
	framer->in_piece = false;
	if (framer->full)
		return MY_MORE;
	framer->in_packet = false;
	framer->frame.part = FRAME_WHOLE;
	framer->frame.body = front;
	*ret_frame = framer->frame;
	return MY_EVENT;
}

/* Nearly all packets lie whole in the input, between two packets. False: this one does not, or the rest of this file has to look at it. */
static bool next_at_once(struct my_framer *framer, struct slice *input, struct my_frame *ret_frame)
{
	struct cursor cursor = cursor_of(*input);
	uint8_t sequence;
	size_t size;

	if (framer->in_packet || framer->header_size || framer->body.size)
		return false;
	size = cursor_u24le(&cursor);
	sequence = cursor_u8(&cursor);
	if (cursor.failed || size == MY_SPLIT_SIZE || size > cursor_left(&cursor) ||
	    size > framer->whole_max)
		return false;
	if (framer->sequence != sequence && framer->sequence != MY_SEQUENCE_ANY &&
	    !framer->unordered && !(framer->or_zero && !sequence))
		return false;
	framer->sequence = (uint8_t)(sequence + 1);
	framer->announced = size;
	framer->frame = (struct my_frame){ .part = FRAME_WHOLE,
					   .sequence = sequence,
					   .body = cursor_bytes(&cursor, size) };
	*ret_frame = framer->frame;
	*input = slice_of(cursor.at, cursor_left(&cursor));
	return true;
}

enum my_next my_framer_next(struct my_framer *framer, struct slice *input,
			    struct my_frame *ret_frame)
{
	enum my_next next = MY_MORE;

	if (framer->error)
		return MY_ERROR;
	if (next_at_once(framer, input, ret_frame))
		return MY_EVENT;
	while (next == MY_MORE) {
		if (!framer->in_piece) {
			if (!begin(framer, input))
				return MY_MORE;
			if (!begin_piece(framer))
				return MY_ERROR;
		}
		next = framer->streaming ? next_streamed(framer, input, ret_frame) :
					   next_whole(framer, input, ret_frame);
		if (next == MY_MORE && framer->in_piece)
			return MY_MORE;
	}
	return next;
}

/* ---- writing ---- */

void my_refused_text(struct buffer *text, uint64_t announced)
{
	buffer_append_string(text, "PACKET OF ");
	buffer_append_unsigned(text, announced);
	buffer_append_string(text, " BYTES");
}

void my_header_write(struct buffer *out, size_t size, uint8_t sequence)
{
	buffer_append_le(out, size, 3);
	buffer_append_u8(out, sequence);
}

static void header_set(uint8_t *at, size_t size, uint8_t sequence)
{
	at[0] = (uint8_t)size;
	at[1] = (uint8_t)(size >> 8);
	at[2] = (uint8_t)(size >> 16);
	at[3] = sequence;
}

size_t my_packet_begin(struct buffer *out)
{
	size_t at = out->size;

	buffer_append_le(out, 0, MY_HEADER_SIZE);
	return at;
}

void my_packet_end(struct buffer *out, size_t at, uint8_t *sequence)
{
	size_t size, splits;

	if (out->overflowed)
		return;
	size = out->size - at - MY_HEADER_SIZE;
	splits = size / MY_SPLIT_SIZE;
	for (size_t i = 0; i < splits; i++)
		buffer_append_le(out, 0, MY_HEADER_SIZE);
	if (out->overflowed)
		return;
	/* From the last piece to the first, each goes up by the headers before it. */
	for (size_t i = splits; i; i--) {
		uint8_t *from = out->data + at + MY_HEADER_SIZE + i * MY_SPLIT_SIZE;
		size_t piece = i == splits ? size - splits * MY_SPLIT_SIZE : MY_SPLIT_SIZE;

		memmove(from + i * MY_HEADER_SIZE, from, piece);
		header_set(from + (i - 1) * MY_HEADER_SIZE, piece, (uint8_t)(*sequence + i));
	}
	header_set(out->data + at, splits ? MY_SPLIT_SIZE : size, *sequence);
	*sequence = (uint8_t)(*sequence + splits + 1);
}
