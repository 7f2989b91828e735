/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PostgreSQL values: ranges and multiranges. Documentation 8.17.
 *
 * A range is a byte of flags and the bounds that it has, each with its size in front; a multirange
 * is a count and that many ranges with their sizes. The server sends one form for each value, and
 * only that is converted: an infinite bound is never included; ranges of int4, int8 and date
 * include the lower and exclude the upper bound; bounds are in order, and what holds nothing is
 * "empty"; a multirange's ranges are not empty, in order, and do not touch. Of types that are not
 * built in nobody here knows the order: what the server sent is taken to be so.
 */
#include "parsers/postgres/values_internal.h"

#include <errno.h>

enum range_flag {
	RANGE_EMPTY = 0x01,
	RANGE_LOWER_INCLUDED = 0x02,
	RANGE_UPPER_INCLUDED = 0x04,
	RANGE_LOWER_INFINITE = 0x08,
	RANGE_UPPER_INFINITE = 0x10,
};
#define RANGE_FLAGS 0x1f

static const struct pg_quoting bound_quoting = { "()[],", true, false };

struct range {
	uint8_t flags;
	struct slice lower, upper; /* binary; without meaning where infinite */
};

static bool has_lower(const struct range *range)
{
	return !(range->flags & (RANGE_EMPTY | RANGE_LOWER_INFINITE));
}

static bool has_upper(const struct range *range)
{
	return !(range->flags & (RANGE_EMPTY | RANGE_UPPER_INFINITE));
}

static struct slice read_sized(struct cursor *in)
{
	int32_t size = cursor_i32be(in);

	if (size < 0)
		in->failed = true;
	return cursor_bytes(in, in->failed ? 0 : (size_t)size);
}

/* Order of two bounds; the fixed-size subtypes are big-endian numbers with a sign. */
static int compare(uint32_t subtype, struct slice a, struct slice b)
{
	uint8_t high;

	if (subtype == PG_NUMERIC)
		return pg_numeric_compare(a, b);
	if (a.size != b.size || !a.size)
		return 0;
	high = a.data[0] ^ b.data[0];
	if (high & 0x80)
		return a.data[0] & 0x80 ? -1 : 1;
	return memcmp(a.data, b.data, a.size);
}

static bool is_infinite_date(uint32_t subtype, struct slice bound)
{
	return subtype == PG_DATE && (slice_equal(bound, SLICE("\x7f\xff\xff\xff")) ||
				      slice_equal(bound, SLICE("\x80\x00\x00\x00")));
}

/*
 * A bound of a discrete subtype that the server would move to include the lower or exclude the
 * upper one.
 */
static bool is_movable(uint32_t subtype, struct slice bound)
{
	return subtype == PG_INT4 || subtype == PG_INT8 ||
	       (subtype == PG_DATE && !is_infinite_date(subtype, bound));
}

static bool is_canonical(const struct pg_type *type, const struct range *range)
{
	uint32_t subtype = type->element;
	uint8_t both = RANGE_LOWER_INCLUDED | RANGE_UPPER_INCLUDED;
	uint8_t flags = range->flags;
	int order;

	if (flags & ~RANGE_FLAGS)
		return false;
	if (flags & RANGE_EMPTY)
		return flags == RANGE_EMPTY;
	if ((flags & RANGE_LOWER_INFINITE && flags & RANGE_LOWER_INCLUDED) ||
	    (flags & RANGE_UPPER_INFINITE && flags & RANGE_UPPER_INCLUDED))
		return false;
	if (type->own)
		return true;
	if (has_lower(range) && !(flags & RANGE_LOWER_INCLUDED) &&
	    is_movable(subtype, range->lower))
		return false;
	if (has_upper(range) && flags & RANGE_UPPER_INCLUDED && is_movable(subtype, range->upper))
		return false;
	if (!has_lower(range) || !has_upper(range))
		return true;
	order = compare(subtype, range->lower, range->upper);
	return order < 0 || (order == 0 && (flags & both) == both);
}

static bool read_range(struct slice bytes, const struct pg_type *type, struct range *ret_range)
{
	struct cursor in = cursor_of(bytes);

	*ret_range = (struct range){ .flags = cursor_u8(&in) };
	if (has_lower(ret_range))
		ret_range->lower = read_sized(&in);
	if (has_upper(ret_range))
		ret_range->upper = read_sized(&in);
	return cursor_done(&in) && is_canonical(type, ret_range);
}

static int bound_to_text(const struct pg_type *type, struct slice bytes, struct buffer *text)
{
	size_t before = text->size;
	int error = pg_part_to_text(type, type->element, bytes, text);

	if (!error)
		pg_quote(text, before, &bound_quoting);
	return error;
}

static int range_to_text(const struct pg_type *type, struct slice bytes, struct buffer *text)
{
	struct range range;
	int error = 0;

	if (!read_range(bytes, type, &range))
		return -EINVAL;
	if (range.flags & RANGE_EMPTY) {
		buffer_append_string(text, "empty");
		return 0;
	}
	buffer_append_u8(text, range.flags & RANGE_LOWER_INCLUDED ? '[' : '(');
	if (has_lower(&range))
		error = bound_to_text(type, range.lower, text);
	buffer_append_u8(text, ',');
	if (!error && has_upper(&range))
		error = bound_to_text(type, range.upper, text);
	buffer_append_u8(text, range.flags & RANGE_UPPER_INCLUDED ? ']' : ')');
	return error;
}

/* A bound up to the special byte behind it; an empty one that is not quoted is infinite. */
static int read_bound(struct cursor *in, const struct pg_type *type, struct buffer *scratch,
		      struct buffer *bytes, bool *ret_infinite)
{
	struct pg_piece piece;
	struct pg_type room;
	int error;

	error = pg_unquote(in, &bound_quoting, scratch, &piece);
	if (error)
		return error;
	*ret_infinite = !piece.quoted && !piece.text.size;
	if (*ret_infinite)
		return 0;
	return pg_to_sized_binary(pg_part(type, type->element, &room), piece.text, bytes);
}

/* A range that is not "empty", from its first to its last bracket. */
static int read_brackets(struct cursor *in, const struct pg_type *type, struct buffer *bytes)
{
	size_t before = bytes->size;
	struct buffer scratch;
	uint8_t flags = 0;
	bool infinite;
	int error;

	if (pg_accept(in, '['))
		flags |= RANGE_LOWER_INCLUDED;
	else if (!pg_accept(in, '('))
		return -EINVAL;
	buffer_append_u8(bytes, 0);
	buffer_init(&scratch, cursor_left(in));
	error = read_bound(in, type, &scratch, bytes, &infinite);
	if (!error && infinite)
		flags |= RANGE_LOWER_INFINITE;
	if (!error && !pg_accept(in, ','))
		error = -EINVAL;
	if (!error)
		error = read_bound(in, type, &scratch, bytes, &infinite);
	if (!error && infinite)
		flags |= RANGE_UPPER_INFINITE;
	if (!error && pg_accept(in, ']'))
		flags |= RANGE_UPPER_INCLUDED;
	else if (!error && !pg_accept(in, ')'))
		error = -EINVAL;
	buffer_release(&scratch);
	if (!error && bytes->overflowed)
		error = -EMSGSIZE;
	if (!error)
		bytes->data[before] = flags;
	return error;
}

static int range_to_binary(const struct pg_type *type, struct slice text, struct buffer *bytes)
{
	struct cursor in = cursor_of(pg_trim(text));
	size_t before = bytes->size;
	struct range range;
	int error;

	if (slice_equal_nocase(pg_trim(text), SLICE("empty"))) {
		buffer_append_u8(bytes, RANGE_EMPTY);
		return 0;
	}
	error = read_brackets(&in, type, bytes);
	if (error)
		return error;
	if (!cursor_done(&in) ||
	    !read_range(slice_of(bytes->data + before, bytes->size - before), type, &range))
		return -EINVAL;
	return 0;
}

/* Is there something between the end of `left` and the start of `right`? */
static bool is_apart(const struct pg_type *type, const struct range *left,
		     const struct range *right)
{
	int order;

	if (!has_upper(left) || !has_lower(right))
		return false;
	if (type->own)
		return true;
	order = compare(type->element, left->upper, right->lower);
	return order < 0 || (order == 0 && !(left->flags & RANGE_UPPER_INCLUDED) &&
			     !(right->flags & RANGE_LOWER_INCLUDED));
}

/* The type of a multirange's ranges. */
static const struct pg_type *range_of(const struct pg_type *type, struct pg_type *room)
{
	if (!type->own)
		return pg_type_find(type->element);
	*room = *type;
	room->codec = &pg_codec_range;
	return room;
}

/* Checks a multirange's form and, where `text` is not NULL, prints it. */
static int walk_multirange(const struct pg_type *type, struct slice bytes, struct buffer *text)
{
	struct pg_type room;
	const struct pg_type *range_type = range_of(type, &room);
	struct cursor in = cursor_of(bytes);
	uint32_t n = cursor_u32be(&in);
	struct range range, previous = { 0 };

	if (n > cursor_left(&in) / 5)
		return -EINVAL;
	for (uint32_t i = 0; i < n; i++, previous = range) {
		struct slice piece = read_sized(&in);
		int error;

		if (in.failed || !read_range(piece, range_type, &range) ||
		    range.flags & RANGE_EMPTY || (i && !is_apart(range_type, &previous, &range)))
			return -EINVAL;
		if (!text)
			continue;
		if (i)
			buffer_append_u8(text, ',');
		error = range_to_text(range_type, piece, text);
		if (error)
			return error;
		if (text->overflowed)
			return -EMSGSIZE;
	}
	return cursor_done(&in) ? 0 : -EINVAL;
}

static int multirange_to_text(const struct pg_type *type, struct slice bytes, struct buffer *text)
{
	int error;

	buffer_append_u8(text, '{');
	error = walk_multirange(type, bytes, text);
	buffer_append_u8(text, '}');
	return error;
}

static int multirange_to_binary(const struct pg_type *type, struct slice text, struct buffer *bytes)
{
	struct pg_type room;
	const struct pg_type *range_type = range_of(type, &room);
	struct cursor in = cursor_of(pg_trim(text));
	size_t before = bytes->size;
	uint32_t n = 0;

	if (!pg_accept(&in, '{'))
		return -EINVAL;
	buffer_append_u32be(bytes, 0);
	while (!pg_accept(&in, '}')) {
		size_t at;
		int error;

		if (n++ && !pg_accept(&in, ','))
			return -EINVAL;
		at = bytes->size;
		buffer_append_u32be(bytes, 0);
		error = read_brackets(&in, range_type, bytes);
		if (error)
			return error;
		if (bytes->size - at - 4 > INT32_MAX)
			return -EINVAL;
		pg_patch_u32be(bytes, at, (uint32_t)(bytes->size - at - 4));
	}
	if (bytes->overflowed)
		return -EMSGSIZE;
	pg_patch_u32be(bytes, before, n);
	if (!cursor_done(&in))
		return -EINVAL;
	return walk_multirange(type, slice_of(bytes->data + before, bytes->size - before), NULL);
}

const struct pg_codec pg_codec_range = { range_to_text, range_to_binary, false };
const struct pg_codec pg_codec_multirange = { multirange_to_text, multirange_to_binary, false };
