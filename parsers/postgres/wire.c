/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PostgreSQL framing; see wire.h. Follows chapter 55.7 "Message Formats".
 *
 * Invariants of a framer: header_size < 5 (4 while `startup`) unless in_body; body_left is what of the current body has
 * not been given out; framer->body holds the beginning of a body that is to come whole.
 */
#include "parsers/postgres/wire.h"

/* Keeps the memory of a framer's buffer only up to here: idle connections are many. */
#define BODY_KEEP ((size_t)16 << 10)

void pg_framer_init(struct pg_framer *framer, bool server)
{
	*framer = (struct pg_framer){ .server = server, .startup = !server };
	buffer_init(&framer->body, server ? PG_ANSWER_MAX : PG_REQUEST_MAX);
}

void pg_framer_release(struct pg_framer *framer)
{
	buffer_release(&framer->body);
}

/*
 * Types that a side may send (chapter 55.7), so that other protocols' bytes do not pass as a huge message, and the largest
 * body that one can honestly have.
 */
enum size_class { SIZE_UNKNOWN, SIZE_ANY, SIZE_NONE, SIZE_STATE, SIZE_KEY, SIZE_TAG };

static const uint8_t client_types[256] = {
	['Q'] = SIZE_ANY,  ['P'] = SIZE_ANY,  ['B'] = SIZE_ANY,	 ['D'] = SIZE_ANY,
	['E'] = SIZE_ANY,  ['C'] = SIZE_ANY,  ['F'] = SIZE_ANY,	 ['d'] = SIZE_ANY,
	['f'] = SIZE_ANY,  ['p'] = SIZE_ANY,  ['H'] = SIZE_NONE, ['S'] = SIZE_NONE,
	['c'] = SIZE_NONE, ['X'] = SIZE_NONE,
};

static const uint8_t server_types[256] = {
	['R'] = SIZE_ANY,  ['S'] = SIZE_ANY,   ['T'] = SIZE_ANY,  ['D'] = SIZE_ANY,
	['E'] = SIZE_ANY,  ['N'] = SIZE_ANY,   ['A'] = SIZE_ANY,  ['t'] = SIZE_ANY,
	['G'] = SIZE_ANY,  ['H'] = SIZE_ANY,   ['W'] = SIZE_ANY,  ['d'] = SIZE_ANY,
	['v'] = SIZE_ANY,  ['V'] = SIZE_ANY,   ['1'] = SIZE_NONE, ['2'] = SIZE_NONE,
	['3'] = SIZE_NONE, ['n'] = SIZE_NONE,  ['s'] = SIZE_NONE, ['I'] = SIZE_NONE,
	['c'] = SIZE_NONE, ['Z'] = SIZE_STATE, ['K'] = SIZE_KEY,  ['C'] = SIZE_TAG,
};

static const size_t body_max[] = {
	[SIZE_ANY] = 0x3fffffff + 1,
	[SIZE_STATE] = 1,
	[SIZE_KEY] = 4 + 256,
	[SIZE_TAG] = 1024,
};

/* What must be held in one piece; the rest of large messages is streamed. */
static size_t whole_max(const struct pg_framer *framer, uint8_t type)
{
	if (!framer->server)
		return type == 'd' ? PG_ROW_MAX : PG_REQUEST_MAX;
	return type == 'D' || type == 'd' || type == 'V' ? PG_ROW_MAX : PG_ANSWER_MAX;
}

static bool fail(struct pg_framer *framer, const char *error)
{
	framer->error = error;
	return false;
}

static bool begin_body(struct pg_framer *framer, uint8_t type, uint32_t length)
{
	uint8_t class = framer->server ? server_types[type] : client_types[type];

	if (length < 4)
		return fail(framer, "message length below 4");
	if (framer->startup && (length < 8 || length > PG_STARTUP_MAX))
		return fail(framer, "startup message of an impossible length");
	if (!framer->startup && class == SIZE_UNKNOWN)
		return fail(framer, "unknown message type");
	if (!framer->startup && length - 4 > body_max[class])
		return fail(framer, "message length not possible for its type");
	framer->header_size = 0;
	framer->in_body = true;
	framer->body_left = length - 4;
	framer->streaming = !framer->startup && framer->body_left > whole_max(framer, type);
	framer->frame = (struct pg_frame){ .type = type, .body_size = length - 4 };
	return true;
}

/* A header that is whole in the input, or came in pieces: checks it and turns to the body. */
static enum pg_next next_header(struct pg_framer *framer, struct slice *input)
{
	size_t size = framer->startup ? 4 : 5;
	struct cursor cursor;
	uint8_t type;

	if (!framer->header_size && input->size >= size) {
		cursor = cursor_of(slice_of(input->data, size));
		*input = slice_of(input->data + size, input->size - size);
	} else {
		while (framer->header_size < size && input->size) {
			framer->header[framer->header_size++] = *input->data++;
			input->size--;
		}
		if (framer->header_size < size)
			return PG_MORE;
		cursor = cursor_of(slice_of(framer->header, size));
	}
	type = framer->startup ? 0 : cursor_u8(&cursor);
	return begin_body(framer, type, cursor_u32be(&cursor)) ? PG_EVENT : PG_ERROR;
}

static struct slice take(struct slice *input, size_t size)
{
	struct slice front = slice_of(input->data, size);

	input->data += size;
	input->size -= size;
	return front;
}

static enum pg_next next_streamed(struct pg_framer *framer, struct slice *input)
{
	size_t size = input->size < framer->body_left ? input->size : framer->body_left;

	if (!size)
		return PG_MORE;
	framer->frame.part = FRAME_BYTES;
	framer->frame.body = take(input, size);
	framer->body_left -= size;
	framer->frame.last = framer->body_left == 0;
	framer->in_body = framer->body_left != 0;
	return PG_EVENT;
}

static enum pg_next next_whole(struct pg_framer *framer, struct slice *input)
{
	size_t size = input->size < framer->body_left ? input->size : framer->body_left;
	struct slice front = take(input, size);

	framer->body_left -= size;
	if (framer->body_left || framer->body.size) {
		buffer_append_slice(&framer->body, front);
		if (framer->body_left)
			return PG_MORE;
		front = buffer_slice(&framer->body);
	}
	framer->frame.part = FRAME_WHOLE;
	framer->frame.body = front;
	framer->in_body = false;
	return PG_EVENT;
}

/* Nearly all messages lie whole in the input, between two messages. False: this one does not, or the rest of this file has to look at it. */
static bool next_at_once(const struct pg_framer *framer, struct slice *input,
			 struct pg_frame *ret_frame)
{
	struct cursor cursor;
	uint32_t length;
	size_t size;
	uint8_t type, class;

	if (framer->in_body || framer->startup || framer->header_size || framer->body.size ||
	    input->size < 5)
		return false;
	cursor = cursor_of(*input);
	type = cursor_u8(&cursor);
	length = cursor_u32be(&cursor);
	class = framer->server ? server_types[type] : client_types[type];
	if (length < 4 || length >= input->size || class == SIZE_UNKNOWN)
		return false;
	size = length - 4;
	if (size > body_max[class] || size > whole_max(framer, type))
		return false;
	*ret_frame = (struct pg_frame){ .type = type,
					.part = FRAME_WHOLE,
					.body_size = (uint32_t)size,
					.body = slice_of(input->data + 5, size) };
	*input = slice_of(input->data + 5 + size, input->size - 5 - size);
	return true;
}

enum pg_next pg_framer_next(struct pg_framer *framer, struct slice *input,
			    struct pg_frame *ret_frame)
{
	enum pg_next next;

	if (framer->error)
		return PG_ERROR;
	if (next_at_once(framer, input, ret_frame))
		return PG_EVENT;
	if (!framer->in_body) {
		if (framer->body.capacity > BODY_KEEP)
			buffer_release(&framer->body);
		buffer_clear(&framer->body);
		next = next_header(framer, input);
		if (next != PG_EVENT)
			return next;
		if (framer->streaming) {
			framer->frame.part = FRAME_BEGIN;
			*ret_frame = framer->frame;
			return PG_EVENT;
		}
	}
	next = framer->streaming ? next_streamed(framer, input) : next_whole(framer, input);
	if (next == PG_EVENT)
		*ret_frame = framer->frame;
	return next;
}

size_t pg_message_begin(struct buffer *out, uint8_t type)
{
	size_t at = out->size;

	buffer_append_u8(out, type);
	buffer_append_u32be(out, 0);
	return at;
}

void pg_message_end(struct buffer *out, size_t at)
{
	size_t length;

	if (out->overflowed)
		return;
	length = out->size - at - 1;
	for (size_t i = 0; i < 4; i++)
		out->data[at + 1 + i] = (uint8_t)(length >> (24 - 8 * i));
}
