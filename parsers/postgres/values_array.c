/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PostgreSQL values: arrays of any element type here, int2vector and oidvector. Documentation 8.15.
 *
 *	dimensions i32 | has it NULLs i32 | element type u32
 *	size i32 | lower bound i32		for each dimension
 *	size i32 (-1: NULL) | bytes		for each element, the last dimension varying fastest
 *
 * The text nests braces, with bounds in front ("[0:1]={a,b}") where one is not 1. The delimiter is
 * a comma, for boxes a semicolon. Nothing is taken from the counts: elements are read as long as
 * there are bytes.
 */
#include "parsers/postgres/values_internal.h"

#include <errno.h>

#define DIMENSIONS_MAX 6

struct shape {
	size_t n; /* of dimensions */
	int32_t sizes[DIMENSIONS_MAX];
	int32_t lowers[DIMENSIONS_MAX];
};

static const struct pg_quoting comma_quoting = { "{},", false, true };
static const struct pg_quoting semicolon_quoting = { "{};", false, true };

static const struct pg_quoting *quoting_of(const struct pg_type *type)
{
	return type->element == PG_BOX ? &semicolon_quoting : &comma_quoting;
}

static uint8_t delimiter_of(const struct pg_type *type)
{
	return type->element == PG_BOX ? ';' : ',';
}

/* A dimension has elements, and its last index is an int32. */
static bool is_dimension(int32_t size, int32_t lower)
{
	return size > 0 && lower <= INT32_MAX - size;
}

/*
 * Reads the header. The elements that it promises are at most those that fit in the bytes that
 * follow, each with its size in front.
 */
static bool read_shape(struct cursor *in, const struct pg_type *type, struct shape *ret_shape,
		       bool *ret_nulls)
{
	uint32_t dimensions = cursor_u32be(in);
	uint32_t nulls = cursor_u32be(in);
	uint32_t element = cursor_u32be(in);
	uint64_t elements = 1;

	if (in->failed || dimensions > DIMENSIONS_MAX || nulls > 1 || element != type->element)
		return false;
	for (size_t i = 0; i < dimensions; i++) {
		ret_shape->sizes[i] = cursor_i32be(in);
		ret_shape->lowers[i] = cursor_i32be(in);
		if (in->failed || !is_dimension(ret_shape->sizes[i], ret_shape->lowers[i]))
			return false;
		elements *= (uint64_t)ret_shape->sizes[i];
		if (elements > cursor_left(in) / 4)
			return false;
	}
	ret_shape->n = dimensions;
	*ret_nulls = nulls;
	return true;
}

static void append_bounds(struct buffer *text, const struct shape *shape)
{
	bool usual = true;

	for (size_t i = 0; i < shape->n; i++)
		usual = usual && shape->lowers[i] == 1;
	if (usual)
		return;
	for (size_t i = 0; i < shape->n; i++) {
		buffer_append_u8(text, '[');
		buffer_append_signed(text, shape->lowers[i]);
		buffer_append_u8(text, ':');
		buffer_append_signed(text, (int64_t)shape->lowers[i] + shape->sizes[i] - 1);
		buffer_append_u8(text, ']');
	}
	buffer_append_u8(text, '=');
}

/* One element with its size in front. */
static int element_to_text(struct cursor *in, const struct pg_type *type, struct buffer *text,
			   bool *nulls)
{
	int32_t size = cursor_i32be(in);
	size_t before = text->size;
	struct slice bytes;
	int error;

	if (size == -1 && !in->failed) {
		*nulls = true;
		buffer_append_string(text, "NULL");
		return 0;
	}
	if (size < 0)
		return -EINVAL;
	bytes = cursor_bytes(in, (size_t)size);
	if (in->failed)
		return -EINVAL;
	error = pg_part_to_text(type, type->element, bytes, text);
	if (!error)
		pg_quote(text, before, quoting_of(type));
	return error;
}

/* All elements, with the braces around each dimension. */
static int elements_to_text(struct cursor *in, const struct pg_type *type,
			    const struct shape *shape, struct buffer *text, bool *nulls)
{
	int32_t at[DIMENSIONS_MAX] = { 0 };
	size_t depth = 0; /* braces that are open */

	do {
		int error;

		for (; depth < shape->n; depth++)
			buffer_append_u8(text, '{');
		error = element_to_text(in, type, text, nulls);
		if (error)
			return error;
		if (text->overflowed)
			return -EMSGSIZE;
		while (depth && ++at[depth - 1] == shape->sizes[depth - 1]) {
			at[--depth] = 0;
			buffer_append_u8(text, '}');
		}
		if (depth)
			buffer_append_u8(text, delimiter_of(type));
	} while (depth);
	return 0;
}

static int array_to_text(const struct pg_type *type, struct slice bytes, struct buffer *text)
{
	struct cursor in = cursor_of(bytes);
	bool promised, nulls = false;
	struct shape shape;
	int error;

	if (!read_shape(&in, type, &shape, &promised))
		return -EINVAL;
	if (!shape.n) {
		buffer_append_string(text, "{}");
		return cursor_done(&in) && !promised ? 0 : -EINVAL;
	}
	append_bounds(text, &shape);
	error = elements_to_text(&in, type, &shape, text, &nulls);
	if (error)
		return error;
	/* Clients (asyncpg) promise none and send some. */
	return cursor_done(&in) && (nulls == promised || (type->scope && type->scope->shown)) ?
		       0 :
		       -EINVAL;
}

/* A bound: an int32 in decimal. */
static int32_t read_bound(struct cursor *in)
{
	bool negative = pg_accept(in, '-');
	int64_t value = (int64_t)pg_read_digits(in, 1, 10);

	if (negative)
		value = -value;
	if (value < INT32_MIN || value > INT32_MAX) {
		in->failed = true;
		return 0;
	}
	return (int32_t)value;
}

/* "[0:1][1:3]=": sets the dimensions' bounds; false when they are no such. */
static bool read_bounds(struct cursor *in, struct shape *ret_shape)
{
	ret_shape->n = 0;
	while (pg_accept(in, '[')) {
		int32_t lower = read_bound(in);
		int64_t size;

		in->failed |= !pg_accept(in, ':') || ret_shape->n == DIMENSIONS_MAX;
		size = (int64_t)read_bound(in) - lower + 1;
		in->failed |= !pg_accept(in, ']') || size > INT32_MAX || size < 1;
		if (in->failed || !is_dimension((int32_t)size, lower))
			return false;
		ret_shape->lowers[ret_shape->n] = lower;
		ret_shape->sizes[ret_shape->n++] = (int32_t)size;
	}
	return !ret_shape->n || pg_accept(in, '=');
}

static void skip_space(struct cursor *in)
{
	while (in->at != in->end && pg_is_space(*in->at))
		in->at++;
}

/* Opening braces in front of the first element are the dimensions. */
static size_t count_dimensions(struct cursor in)
{
	size_t n = 0;

	skip_space(&in);
	while (n <= DIMENSIONS_MAX && pg_accept(&in, '{')) {
		n++;
		skip_space(&in);
	}
	return n;
}

static int element_to_binary(struct cursor *in, const struct pg_type *type, struct buffer *scratch,
			     struct buffer *bytes, bool *nulls)
{
	struct pg_piece piece;
	struct pg_type room;
	int error;

	error = pg_unquote(in, quoting_of(type), scratch, &piece);
	if (error)
		return error;
	if (!piece.quoted) {
		piece.text = pg_trim(piece.text);
		if (!piece.text.size)
			return -EINVAL;
		if (slice_equal_nocase(piece.text, SLICE("null"))) {
			*nulls = true;
			buffer_append_u32be(bytes, UINT32_MAX);
			return bytes->overflowed ? -EMSGSIZE : 0;
		}
	}
	return pg_to_sized_binary(pg_part(type, type->element, &room), piece.text, bytes);
}

/*
 * All elements of shape->n dimensions. Sizes that are 0 are set by the first part of that
 * dimension; every other part must have the same.
 */
static int elements_to_binary(struct cursor *in, const struct pg_type *type, struct shape *shape,
			      struct buffer *bytes, bool *nulls)
{
	int32_t at[DIMENSIONS_MAX] = { 0 };
	struct buffer scratch;
	size_t depth = 0;
	int error;

	buffer_init(&scratch, cursor_left(in));
	do {
		for (error = 0; depth < shape->n && !error; depth++) {
			skip_space(in);
			error = pg_accept(in, '{') ? 0 : -EINVAL;
		}
		if (!error)
			error = element_to_binary(in, type, &scratch, bytes, nulls);
		while (!error && depth) {
			at[depth - 1]++;
			skip_space(in);
			if (pg_accept(in, delimiter_of(type)))
				break;
			if (!pg_accept(in, '}') ||
			    (shape->sizes[depth - 1] && shape->sizes[depth - 1] != at[depth - 1])) {
				error = -EINVAL;
				break;
			}
			shape->sizes[depth - 1] = at[depth - 1];
			at[--depth] = 0;
		}
	} while (!error && depth);
	buffer_release(&scratch);
	return error;
}

static void append_header(struct buffer *bytes, const struct pg_type *type,
			  const struct shape *shape)
{
	buffer_append_u32be(bytes, (uint32_t)shape->n);
	buffer_append_u32be(bytes, 0);
	buffer_append_u32be(bytes, type->element);
	for (size_t i = 0; i < shape->n; i++) {
		buffer_append_u32be(bytes, (uint32_t)shape->sizes[i]);
		buffer_append_u32be(bytes, (uint32_t)shape->lowers[i]);
	}
}

static int array_to_binary(const struct pg_type *type, struct slice text, struct buffer *bytes)
{
	struct cursor in = cursor_of(pg_trim(text));
	size_t before = bytes->size;
	struct shape shape = { 0 };
	bool nulls = false;
	size_t dimensions;
	int error;

	if (slice_equal(pg_trim(text), SLICE("{}"))) {
		append_header(bytes, type, &shape);
		return 0;
	}
	if (!read_bounds(&in, &shape))
		return -EINVAL;
	dimensions = count_dimensions(in);
	if (!dimensions || dimensions > DIMENSIONS_MAX || (shape.n && shape.n != dimensions))
		return -EINVAL;
	if (!shape.n)
		for (size_t i = 0; i < dimensions; i++)
			shape.lowers[i] = 1;
	shape.n = dimensions;

	append_header(bytes, type, &shape);
	error = elements_to_binary(&in, type, &shape, bytes, &nulls);
	if (error)
		return error;
	if (!cursor_done(&in))
		return -EINVAL;
	if (bytes->overflowed)
		return -EMSGSIZE;
	pg_patch_u32be(bytes, before + 4, nulls);
	for (size_t i = 0; i < dimensions; i++)
		pg_patch_u32be(bytes, before + 12 + 8 * i, (uint32_t)shape.sizes[i]);
	return 0;
}

/*
 * A vector is an array of one dimension from 0, without NULLs, and may be empty; its text has only
 * spaces.
 */
static int vector_to_text(const struct pg_type *type, struct slice bytes, struct buffer *text)
{
	struct cursor in = cursor_of(bytes);
	uint32_t dimensions = cursor_u32be(&in);
	uint32_t promised = cursor_u32be(&in);
	uint32_t element = cursor_u32be(&in);
	uint32_t n = cursor_u32be(&in);
	uint32_t lower = cursor_u32be(&in);
	bool first = true;
	bool nulls = false;
	int error;

	if (in.failed || dimensions != 1 || promised || element != type->element || lower ||
	    n > cursor_left(&in) / 4)
		return -EINVAL;
	for (; n; n--, first = false) {
		if (!first)
			buffer_append_u8(text, ' ');
		error = element_to_text(&in, type, text, &nulls);
		if (error || nulls)
			return -EINVAL;
		if (text->overflowed)
			return -EMSGSIZE;
	}
	return cursor_done(&in) ? 0 : -EINVAL;
}

static int vector_to_binary(const struct pg_type *type, struct slice text, struct buffer *bytes)
{
	struct cursor in = cursor_of(pg_trim(text));
	struct shape shape = { .n = 1 };
	size_t before = bytes->size;
	uint32_t n = 0;
	int error;

	append_header(bytes, type, &shape);
	for (; in.at != in.end; n++) {
		const uint8_t *start = in.at;

		while (in.at != in.end && !pg_is_space(*in.at))
			in.at++;
		error = pg_to_sized_binary(pg_type_find(type->element),
					   slice_of(start, (size_t)(in.at - start)), bytes);
		if (error)
			return error;
		skip_space(&in);
	}
	if (bytes->overflowed || n > INT32_MAX)
		return -EMSGSIZE;
	pg_patch_u32be(bytes, before + 12, n);
	return 0;
}

const struct pg_codec pg_codec_array = { array_to_text, array_to_binary, false };
const struct pg_codec pg_codec_vector = { vector_to_text, vector_to_binary, false };
