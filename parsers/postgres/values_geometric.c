/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PostgreSQL values: point, lseg, box, path, polygon, line, circle. Documentation 8.8.
 *
 * All are float8 numbers, path and polygon with a count in front, path with a byte that says
 * whether it is closed. The numbers' conversion is exact, and so is that of what stands between
 * them.
 */
#include "parsers/postgres/values_internal.h"

#include <errno.h>

#define NUMBER_BYTES 8
#define POINT_BYTES 16

static int number_to_text(struct cursor *in, struct buffer *text)
{
	return pg_float8_to_text(cursor_u64be(in), text);
}

static int point_to_text_at(struct cursor *in, struct buffer *text)
{
	int error;

	buffer_append_u8(text, '(');
	error = number_to_text(in, text);
	if (error)
		return error;
	buffer_append_u8(text, ',');
	error = number_to_text(in, text);
	buffer_append_u8(text, ')');
	return error;
}

/* `n` points with commas between them. */
static int points_to_text(struct cursor *in, size_t n, struct buffer *text)
{
	int error = 0;

	for (size_t i = 0; i < n && !error && !text->overflowed; i++) {
		if (i)
			buffer_append_u8(text, ',');
		error = point_to_text_at(in, text);
	}
	return error;
}

static int read_number(struct cursor *in, const char *stops, struct buffer *bytes)
{
	uint64_t bits;
	int error = pg_float8_read(in, stops, &bits);

	if (!error)
		buffer_append_u64be(bytes, bits);
	return error;
}

static int read_point(struct cursor *in, struct buffer *bytes)
{
	if (!pg_accept(in, '(') || read_number(in, ",", bytes) || !pg_accept(in, ',') ||
	    read_number(in, ")", bytes) || !pg_accept(in, ')'))
		return -EINVAL;
	return 0;
}

/* Points with commas between them, at least one; returns -EINVAL or their number through ret_n. */
static int read_points(struct cursor *in, struct buffer *bytes, uint32_t *ret_n)
{
	uint32_t n = 0;

	do {
		if (read_point(in, bytes))
			return -EINVAL;
		if (bytes->overflowed)
			return -EMSGSIZE;
		n++;
	} while (n < INT32_MAX && pg_accept(in, ','));
	*ret_n = n;
	return 0;
}

static int point_to_text(const struct pg_type *type, struct slice bytes, struct buffer *text)
{
	struct cursor in = cursor_of(bytes);

	(void)type;
	return point_to_text_at(&in, text);
}

static int point_to_binary(const struct pg_type *type, struct slice text, struct buffer *bytes)
{
	struct cursor in = cursor_of(text);

	(void)type;
	if (read_point(&in, bytes) || !cursor_done(&in))
		return -EINVAL;
	return 0;
}

static int lseg_to_text(const struct pg_type *type, struct slice bytes, struct buffer *text)
{
	struct cursor in = cursor_of(bytes);
	int error;

	(void)type;
	buffer_append_u8(text, '[');
	error = points_to_text(&in, 2, text);
	buffer_append_u8(text, ']');
	return error;
}

static int lseg_to_binary(const struct pg_type *type, struct slice text, struct buffer *bytes)
{
	struct cursor in = cursor_of(text);

	(void)type;
	if (!pg_accept(&in, '[') || read_point(&in, bytes) || !pg_accept(&in, ',') ||
	    read_point(&in, bytes) || !pg_accept(&in, ']') || !cursor_done(&in))
		return -EINVAL;
	return 0;
}

/* Where a number stands in the order of numbers, NaN last; both zeros are one. */
static uint64_t order_of(uint64_t bits)
{
	uint64_t sign = 1ULL << 63;

	if (bits == sign)
		bits = 0;
	return bits & sign ? ~bits : bits | sign;
}

/* The server keeps the upper right corner first. */
static bool is_box(struct slice bytes)
{
	struct cursor in = cursor_of(bytes);
	uint64_t high_x = order_of(cursor_u64be(&in));
	uint64_t high_y = order_of(cursor_u64be(&in));
	uint64_t low_x = order_of(cursor_u64be(&in));
	uint64_t low_y = order_of(cursor_u64be(&in));

	return cursor_done(&in) && high_x >= low_x && high_y >= low_y;
}

static int box_to_text(const struct pg_type *type, struct slice bytes, struct buffer *text)
{
	struct cursor in = cursor_of(bytes);

	(void)type;
	if (!is_box(bytes))
		return -EINVAL;
	return points_to_text(&in, 2, text);
}

static int box_to_binary(const struct pg_type *type, struct slice text, struct buffer *bytes)
{
	struct cursor in = cursor_of(text);
	size_t before = bytes->size;

	if (read_point(&in, bytes) || !pg_accept(&in, ',') || read_point(&in, bytes) ||
	    !cursor_done(&in))
		return -EINVAL;
	if (bytes->overflowed)
		return -EMSGSIZE;
	return is_box(slice_of(bytes->data + before, type->width)) ? 0 : -EINVAL;
}

static int path_to_text(const struct pg_type *type, struct slice bytes, struct buffer *text)
{
	struct cursor in = cursor_of(bytes);
	uint8_t closed = cursor_u8(&in);
	int32_t n = cursor_i32be(&in);
	int error;

	(void)type;
	if (in.failed || closed > 1 || n <= 0 || cursor_left(&in) % POINT_BYTES ||
	    cursor_left(&in) / POINT_BYTES != (size_t)n)
		return -EINVAL;
	buffer_append_u8(text, closed ? '(' : '[');
	error = points_to_text(&in, (size_t)n, text);
	buffer_append_u8(text, closed ? ')' : ']');
	return error;
}

static int path_to_binary(const struct pg_type *type, struct slice text, struct buffer *bytes)
{
	struct cursor in = cursor_of(text);
	bool closed = pg_accept(&in, '(');
	size_t before = bytes->size + 1;
	uint32_t n;
	int error;

	(void)type;
	if (!closed && !pg_accept(&in, '['))
		return -EINVAL;
	buffer_append_u8(bytes, closed);
	buffer_append_u32be(bytes, 0);
	error = read_points(&in, bytes, &n);
	if (error)
		return error;
	if (!pg_accept(&in, closed ? ')' : ']') || !cursor_done(&in))
		return -EINVAL;
	pg_patch_u32be(bytes, before, n);
	return 0;
}

static int polygon_to_text(const struct pg_type *type, struct slice bytes, struct buffer *text)
{
	struct cursor in = cursor_of(bytes);
	int32_t n = cursor_i32be(&in);
	int error;

	(void)type;
	if (in.failed || n <= 0 || cursor_left(&in) % POINT_BYTES ||
	    cursor_left(&in) / POINT_BYTES != (size_t)n)
		return -EINVAL;
	buffer_append_u8(text, '(');
	error = points_to_text(&in, (size_t)n, text);
	buffer_append_u8(text, ')');
	return error;
}

static int polygon_to_binary(const struct pg_type *type, struct slice text, struct buffer *bytes)
{
	struct cursor in = cursor_of(text);
	size_t before = bytes->size;
	uint32_t n;
	int error;

	(void)type;
	if (!pg_accept(&in, '('))
		return -EINVAL;
	buffer_append_u32be(bytes, 0);
	error = read_points(&in, bytes, &n);
	if (error)
		return error;
	if (!pg_accept(&in, ')') || !cursor_done(&in))
		return -EINVAL;
	pg_patch_u32be(bytes, before, n);
	return 0;
}

/* Ax + By + C = 0: not both A and B are zero. */
static bool is_line(struct slice bytes)
{
	struct cursor in = cursor_of(bytes);
	uint64_t a = order_of(cursor_u64be(&in));
	uint64_t b = order_of(cursor_u64be(&in));

	return a != order_of(0) || b != order_of(0);
}

static int line_to_text(const struct pg_type *type, struct slice bytes, struct buffer *text)
{
	struct cursor in = cursor_of(bytes);
	int error = 0;

	(void)type;
	if (!is_line(bytes))
		return -EINVAL;
	buffer_append_u8(text, '{');
	for (int i = 0; i < 3 && !error; i++) {
		if (i)
			buffer_append_u8(text, ',');
		error = number_to_text(&in, text);
	}
	buffer_append_u8(text, '}');
	return error;
}

static int line_to_binary(const struct pg_type *type, struct slice text, struct buffer *bytes)
{
	struct cursor in = cursor_of(text);
	size_t before = bytes->size;

	if (!pg_accept(&in, '{') || read_number(&in, ",", bytes) || !pg_accept(&in, ',') ||
	    read_number(&in, ",", bytes) || !pg_accept(&in, ',') || read_number(&in, "}", bytes) ||
	    !pg_accept(&in, '}') || !cursor_done(&in))
		return -EINVAL;
	if (bytes->overflowed)
		return -EMSGSIZE;
	return is_line(slice_of(bytes->data + before, type->width)) ? 0 : -EINVAL;
}

/* A radius is not negative; it may be NaN. */
static bool is_circle(struct slice bytes)
{
	struct cursor in = cursor_of(slice_of(bytes.data + POINT_BYTES, NUMBER_BYTES));

	return order_of(cursor_u64be(&in)) >= order_of(0);
}

static int circle_to_text(const struct pg_type *type, struct slice bytes, struct buffer *text)
{
	struct cursor in = cursor_of(bytes);
	int error;

	(void)type;
	if (!is_circle(bytes))
		return -EINVAL;
	buffer_append_u8(text, '<');
	error = point_to_text_at(&in, text);
	if (error)
		return error;
	buffer_append_u8(text, ',');
	error = number_to_text(&in, text);
	buffer_append_u8(text, '>');
	return error;
}

static int circle_to_binary(const struct pg_type *type, struct slice text, struct buffer *bytes)
{
	struct cursor in = cursor_of(text);
	size_t before = bytes->size;

	if (!pg_accept(&in, '<') || read_point(&in, bytes) || !pg_accept(&in, ',') ||
	    read_number(&in, ">", bytes) || !pg_accept(&in, '>') || !cursor_done(&in))
		return -EINVAL;
	if (bytes->overflowed)
		return -EMSGSIZE;
	return is_circle(slice_of(bytes->data + before, type->width)) ? 0 : -EINVAL;
}

const struct pg_codec pg_codec_point = { point_to_text, point_to_binary, true };
const struct pg_codec pg_codec_lseg = { lseg_to_text, lseg_to_binary, true };
const struct pg_codec pg_codec_box = { box_to_text, box_to_binary, true };
const struct pg_codec pg_codec_path = { path_to_text, path_to_binary, true };
const struct pg_codec pg_codec_polygon = { polygon_to_text, polygon_to_binary, true };
const struct pg_codec pg_codec_line = { line_to_text, line_to_binary, true };
const struct pg_codec pg_codec_circle = { circle_to_text, circle_to_binary, true };
