/* SPDX-License-Identifier: Apache-2.0 */
/*
 * COPY data taken apart; see copy.h.
 *
 *	LINES                       text, all the time
 *	HEADER ──▶ TUPLES ◀──▶ PARTS (a tuple above PG_ROW_MAX)
 *	              └──trailer──▶ RAW, as from any state by bytes that do not fit
 *
 * Invariants: `held` is shorter than a line or a tuple that could be given, and empty in PARTS and RAW (but for one call).
 */
#include "parsers/postgres/copy.h"

enum state { LINES, HEADER, TUPLES, PARTS, RAW };

#define TRAILER 0xffff

const struct slice pg_copy_header = {
	(const uint8_t *)"PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0",
	PG_COPY_HEADER_SIZE,
};

void pg_copy_reader_init(struct pg_copy_reader *reader, bool binary)
{
	*reader = (struct pg_copy_reader){ .state = binary ? HEADER : LINES };
	buffer_init(&reader->held, 2 * PG_ROW_MAX);
}

void pg_copy_reader_release(struct pg_copy_reader *reader)
{
	buffer_release(&reader->held);
}

bool pg_copy_form_read(struct slice body, struct copy_form *ret_form, bool *ret_plain)
{
	struct cursor cursor = cursor_of(body);
	uint8_t form = cursor_u8(&cursor);

	*ret_form = (struct copy_form){ .binary = form == PARAMETER_BINARY,
					.columns = cursor_u16be(&cursor) };
	*ret_plain = true;
	for (size_t i = 0; i < ret_form->columns && !cursor.failed; i++)
		*ret_plain &= cursor_u16be(&cursor) == form;
	return cursor_done(&cursor) && form <= PARAMETER_BINARY;
}

static struct slice take(struct slice *input, size_t size)
{
	struct slice front = slice_of(input->data, size);

	*input = slice_of(input->data + size, input->size - size);
	return front;
}

/* What was given of `held` in the call before is gone; what a piece left is looked at anew. */
static void forget_given(struct pg_copy_reader *reader)
{
	buffer_consume(&reader->held, reader->given);
	reader->given = 0;
	reader->searched = 0;
}

static enum pg_copy_event give_held(struct pg_copy_reader *reader, enum pg_copy_event event,
				    size_t size, struct pg_copy_row *ret_row)
{
	reader->given = size;
	reader->marker = false;
	ret_row->bytes = slice_of(reader->held.data, size);
	return event;
}

/* ---- text ---- */

static bool is_continuation(uint8_t byte)
{
	return (byte & 0xc0) == 0x80;
}

/* Where a piece of a line too long is cut: not within a character of UTF-8. */
static size_t piece_size(struct slice bytes)
{
	size_t size = PG_COPY_LINE_MAX;

	while (size > PG_COPY_LINE_MAX - 3 && is_continuation(bytes.data[size]))
		size--;
	return is_continuation(bytes.data[size]) ? PG_COPY_LINE_MAX : size;
}

/* How much of the bytes is a row; 0: not known yet. To cut a piece off, the byte behind it must be there. */
static size_t line_size(struct slice bytes, size_t searched)
{
	size_t most = bytes.size < PG_COPY_LINE_MAX ? bytes.size : PG_COPY_LINE_MAX;
	const uint8_t *end = NULL;

	if (searched < most)
		end = memchr(bytes.data + searched, '\n', most - searched);
	if (end)
		return (size_t)(end - bytes.data) + 1;
	return bytes.size > PG_COPY_LINE_MAX ? piece_size(bytes) : 0;
}

static bool is_marker(struct slice line)
{
	return slice_equal(line, SLICE("\\.\n")) || slice_equal(line, SLICE("\\.\r\n"));
}

/* The line that is in `held`, which takes of the input what it needs; 0: its end did not come yet. */
static size_t held_line(struct pg_copy_reader *reader, struct slice *input)
{
	size_t room = PG_COPY_LINE_MAX + 1 - reader->held.size;
	size_t size = line_size(buffer_slice(&reader->held), reader->searched);
	const uint8_t *end;

	if (size)
		return size;
	reader->searched = reader->held.size;
	size = input->size < room ? input->size : room;
	end = size ? memchr(input->data, '\n', size) : NULL;
	if (end)
		size = (size_t)(end - input->data) + 1;
	buffer_append_slice(&reader->held, take(input, size));
	size = line_size(buffer_slice(&reader->held), reader->searched);
	reader->searched = reader->held.size;
	return size;
}

static enum pg_copy_event next_line(struct pg_copy_reader *reader, struct slice *input,
				    struct pg_copy_row *ret_row)
{
	size_t size = reader->held.size;

	if (reader->marker) /* it is the end only where nothing follows */
		return input->size ? give_held(reader, PG_COPY_ROW, size, ret_row) : PG_COPY_MORE;
	size = size ? 0 : line_size(*input, 0);
	if (size && !is_marker(slice_of(input->data, size))) {
		ret_row->bytes = take(input, size);
		return PG_COPY_ROW;
	}
	size = held_line(reader, input);
	if (!size)
		return PG_COPY_MORE;
	reader->marker = is_marker(slice_of(reader->held.data, size));
	if (reader->marker && !input->size)
		return PG_COPY_MORE;
	return give_held(reader, PG_COPY_ROW, size, ret_row);
}

/* ---- binary ---- */

enum tuple_state { TUPLE_MORE, TUPLE_DONE, TUPLE_TRAILER, TUPLE_BROKEN };

/* Bytes of a header that may come in pieces: the number of fields (2), or a field's length (4). */
static bool take_header(struct pg_copy_tuple *tuple, struct cursor *cursor, uint8_t size)
{
	while (tuple->header_size < size && cursor_left(cursor))
		tuple->header[tuple->header_size++] = cursor_u8(cursor);
	return tuple->header_size == size;
}

/* A header is complete: what it says. */
static enum tuple_state read_header(struct pg_copy_tuple *tuple)
{
	struct cursor cursor = cursor_of(slice_of(tuple->header, tuple->header_size));
	int32_t size;

	tuple->header_size = 0;
	if (!tuple->counted) {
		tuple->fields_left = cursor_u16be(&cursor);
		tuple->counted = true;
		if (tuple->fields_left == TRAILER)
			return TUPLE_TRAILER;
		return tuple->fields_left > INT16_MAX ? TUPLE_BROKEN : TUPLE_MORE;
	}
	size = cursor_i32be(&cursor);
	tuple->fields_left--;
	tuple->value_left = size > 0 ? (size_t)size : 0;
	return size < -1 ? TUPLE_BROKEN : TUPLE_MORE;
}

/* Goes on with a tuple; *ret_used bytes are its own. */
static enum tuple_state tuple_next(struct pg_copy_tuple *tuple, struct slice bytes,
				   size_t *ret_used)
{
	struct cursor cursor = cursor_of(bytes);
	enum tuple_state state = TUPLE_MORE;
	size_t size;

	while (state == TUPLE_MORE) {
		if (tuple->value_left) {
			size = cursor_left(&cursor);
			size = size < tuple->value_left ? size : tuple->value_left;
			cursor_bytes(&cursor, size);
			tuple->value_left -= size;
			if (tuple->value_left)
				break;
		} else if (tuple->counted && !tuple->fields_left) {
			state = TUPLE_DONE;
		} else if (take_header(tuple, &cursor, tuple->counted ? 4 : 2)) {
			state = read_header(tuple);
		} else {
			break;
		}
	}
	*ret_used = bytes.size - cursor_left(&cursor);
	return state;
}

bool pg_copy_is_tuple(struct slice bytes)
{
	struct pg_copy_tuple tuple = { 0 };
	size_t used;

	return tuple_next(&tuple, bytes, &used) == TUPLE_DONE && used == bytes.size;
}

/* From what is held on nothing is a row. */
static enum pg_copy_event begin_raw(struct pg_copy_reader *reader, struct pg_copy_row *ret_row)
{
	reader->state = RAW;
	return give_held(reader, PG_COPY_RAW, reader->held.size, ret_row);
}

static enum pg_copy_event next_header(struct pg_copy_reader *reader, struct slice *input,
				      struct pg_copy_row *ret_row)
{
	size_t room = PG_COPY_HEADER_SIZE - reader->held.size;

	buffer_append_slice(&reader->held, take(input, input->size < room ? input->size : room));
	if (!slice_starts_with(pg_copy_header, buffer_slice(&reader->held)))
		return begin_raw(reader, ret_row);
	if (reader->held.size == PG_COPY_HEADER_SIZE) {
		buffer_clear(&reader->held);
		reader->state = TUPLES;
	}
	return PG_COPY_MORE;
}

/* A tuple's bytes came so far without being all of it. */
static enum pg_copy_event part_of_tuple(struct pg_copy_reader *reader, struct slice *input,
					size_t used, bool begins, struct pg_copy_row *ret_row)
{
	ret_row->begins = begins;
	if (!reader->held.size) {
		ret_row->bytes = take(input, used);
		return PG_COPY_PART;
	}
	buffer_append_slice(&reader->held, take(input, used));
	return give_held(reader, PG_COPY_PART, reader->held.size, ret_row);
}

static enum pg_copy_event next_tuple(struct pg_copy_reader *reader, struct slice *input,
				     struct pg_copy_row *ret_row)
{
	size_t room = PG_ROW_MAX - reader->held.size, used;
	struct slice bytes = slice_of(input->data, input->size < room ? input->size : room);
	enum tuple_state state = tuple_next(&reader->tuple, bytes, &used);

	if (state == TUPLE_MORE && reader->held.size + used == PG_ROW_MAX) {
		reader->state = PARTS;
		return part_of_tuple(reader, input, used, true, ret_row);
	}
	if (state == TUPLE_DONE && !reader->held.size) {
		reader->tuple = (struct pg_copy_tuple){ 0 };
		ret_row->bytes = take(input, used);
		return PG_COPY_ROW;
	}
	buffer_append_slice(&reader->held, take(input, used));
	if (state == TUPLE_MORE)
		return PG_COPY_MORE;
	if (state == TUPLE_BROKEN)
		return begin_raw(reader, ret_row);
	reader->tuple = (struct pg_copy_tuple){ 0 };
	if (state == TUPLE_DONE)
		return give_held(reader, PG_COPY_ROW, reader->held.size, ret_row);
	buffer_clear(&reader->held);
	reader->state = RAW;
	return PG_COPY_MORE;
}

static enum pg_copy_event next_part(struct pg_copy_reader *reader, struct slice *input,
				    struct pg_copy_row *ret_row)
{
	size_t used;
	enum tuple_state state = tuple_next(&reader->tuple, *input, &used);

	if (state == TUPLE_BROKEN) {
		reader->state = RAW;
		ret_row->bytes = take(input, used);
		return PG_COPY_RAW;
	}
	if (state == TUPLE_DONE) {
		reader->state = TUPLES;
		reader->tuple = (struct pg_copy_tuple){ 0 };
		ret_row->ends = true;
	}
	return part_of_tuple(reader, input, used, false, ret_row);
}

/* ---- both ---- */

enum pg_copy_event pg_copy_next(struct pg_copy_reader *reader, struct slice *input,
				struct pg_copy_row *ret_row)
{
	enum pg_copy_event event = PG_COPY_MORE;

	*ret_row = (struct pg_copy_row){ 0 };
	forget_given(reader);
	if (reader->state == LINES)
		return next_line(reader, input, ret_row);
	while (event == PG_COPY_MORE && input->size) {
		if (reader->state == HEADER)
			event = next_header(reader, input, ret_row);
		else if (reader->state == TUPLES)
			event = next_tuple(reader, input, ret_row);
		else if (reader->state == PARTS)
			event = next_part(reader, input, ret_row);
		else {
			ret_row->bytes = take(input, input->size);
			event = PG_COPY_RAW;
		}
	}
	return event;
}

enum pg_copy_event pg_copy_last(struct pg_copy_reader *reader, struct pg_copy_row *ret_row)
{
	bool text = reader->state == LINES;
	size_t size;

	*ret_row = (struct pg_copy_row){ 0 };
	forget_given(reader);
	size = reader->held.size;
	if (!size || reader->marker ||
	    (text && slice_equal(buffer_slice(&reader->held), SLICE("\\."))))
		return PG_COPY_MORE;
	if (text)
		size = line_size(buffer_slice(&reader->held), 0);
	return give_held(reader, text ? PG_COPY_ROW : PG_COPY_RAW, size ? size : reader->held.size,
			 ret_row);
}
