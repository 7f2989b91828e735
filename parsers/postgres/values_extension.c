/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PostgreSQL values: labels of enums, and types of extensions, from their documentation: citext and
 * hstore (PostgreSQL's, F.11 and F.18), vector, halfvec and sparsevec (pgvector).
 *
 *	hstore		pairs i32 | size i32 | key | size i32 (-1: NULL) | value ...
 *	vector		dimensions i16 | 0 i16 | float4 ...
 *	halfvec		the same of IEEE 754 halves
 *	sparsevec	dimensions i32 | n i32 | 0 i32 | index i32, from 0 ... | float4 ...
 *
 * Texts are read as the server writes them and in no other way.
 */
#include "parsers/postgres/values_internal.h"

#include <errno.h>

/* ---- labels ---- */

/* Both forms are the text. What holds a NUL is none: it is not this type's. */
static int copy_label(const struct pg_type *type, struct slice from, struct buffer *to)
{
	(void)type;
	if (from.size && memchr(from.data, 0, from.size))
		return -EINVAL;
	buffer_append_slice(to, from);
	return 0;
}

/* ---- hstore ---- */

/* A key or a value in quotes. */
static int quoted_to_text(struct cursor *in, bool nullable, struct buffer *text)
{
	int32_t size = cursor_i32be(in);
	struct slice bytes;

	if (nullable && size == -1) {
		buffer_append_string(text, "NULL");
		return 0;
	}
	bytes = cursor_bytes(in, size < 0 ? SIZE_MAX : (size_t)size);
	if (in->failed || (bytes.size && memchr(bytes.data, 0, bytes.size)))
		return -EINVAL;
	buffer_append_u8(text, '"');
	for (size_t i = 0; i < bytes.size; i++) {
		if (bytes.data[i] == '"' || bytes.data[i] == '\\')
			buffer_append_u8(text, '\\');
		buffer_append_u8(text, bytes.data[i]);
	}
	buffer_append_u8(text, '"');
	return 0;
}

static int hstore_to_text(const struct pg_type *type, struct slice bytes, struct buffer *text)
{
	struct cursor in = cursor_of(bytes);
	uint32_t n = cursor_u32be(&in);

	(void)type;
	if (in.failed || n > cursor_left(&in) / 8)
		return -EINVAL;
	for (uint32_t i = 0; i < n; i++) {
		int error;

		if (i)
			buffer_append_string(text, ", ");
		error = quoted_to_text(&in, false, text);
		buffer_append_string(text, "=>");
		if (!error)
			error = quoted_to_text(&in, true, text);
		if (error)
			return error;
		if (text->overflowed)
			return -EMSGSIZE;
	}
	return cursor_done(&in) ? 0 : -EINVAL;
}

static bool accept_all(struct cursor *in, struct slice expected)
{
	if (!slice_starts_with(slice_of(in->at, cursor_left(in)), expected))
		return false;
	in->at += expected.size;
	return true;
}

static int quoted_to_binary(struct cursor *in, struct buffer *bytes)
{
	size_t at = bytes->size;

	if (!pg_accept(in, '"'))
		return -EINVAL;
	buffer_append_u32be(bytes, 0);
	while (!pg_accept(in, '"')) {
		uint8_t byte = cursor_u8(in);

		if (byte == '\\')
			byte = cursor_u8(in);
		if (in->failed)
			return -EINVAL;
		buffer_append_u8(bytes, byte);
	}
	if (bytes->overflowed || bytes->size - at - 4 > INT32_MAX)
		return -EMSGSIZE;
	pg_patch_u32be(bytes, at, (uint32_t)(bytes->size - at - 4));
	return 0;
}

static int hstore_to_binary(const struct pg_type *type, struct slice text, struct buffer *bytes)
{
	struct cursor in = cursor_of(text);
	size_t before = bytes->size;
	uint32_t n = 0;

	(void)type;
	buffer_append_u32be(bytes, 0);
	while (in.at != in.end) {
		int error = 0;

		if (n++ && !accept_all(&in, SLICE(", ")))
			return -EINVAL;
		error = quoted_to_binary(&in, bytes);
		if (!error && !accept_all(&in, SLICE("=>")))
			error = -EINVAL;
		if (!error && accept_all(&in, SLICE("NULL")))
			buffer_append_u32be(bytes, UINT32_MAX);
		else if (!error)
			error = quoted_to_binary(&in, bytes);
		if (error)
			return error;
	}
	if (bytes->overflowed)
		return -EMSGSIZE;
	pg_patch_u32be(bytes, before, n);
	return 0;
}

/* ---- pgvector ---- */

static int float_to_text(uint32_t bits, struct buffer *text)
{
	const uint8_t bytes[4] = { (uint8_t)(bits >> 24), (uint8_t)(bits >> 16),
				   (uint8_t)(bits >> 8), (uint8_t)bits };

	return pg_to_text(pg_type_find(PG_FLOAT4), slice_of(bytes, sizeof(bytes)), text);
}

/* A float up to one of the bytes in `stops`, which stays unread; appended in its binary form. */
static int float_to_binary(struct cursor *in, const char *stops, struct buffer *bytes)
{
	const uint8_t *start = in->at;

	while (in->at != in->end && *in->at && !strchr(stops, *in->at))
		in->at++;
	return pg_to_binary(pg_type_find(PG_FLOAT4), slice_of(start, (size_t)(in->at - start)),
			    bytes);
}

/* The float of a half: exact. */
static uint32_t half_to_float(uint16_t half)
{
	uint32_t sign = (uint32_t)(half & 0x8000) << 16;
	uint32_t exponent = half >> 10 & 0x1f;
	uint32_t fraction = half & 0x3ff;

	if (exponent == 0x1f)
		return sign | 0x7f800000 | fraction << 13;
	if (exponent)
		return sign | (exponent + 112) << 23 | fraction << 13;
	if (!fraction)
		return sign;
	for (exponent = 113; !(fraction & 0x400); exponent--)
		fraction <<= 1;
	return sign | exponent << 23 | (fraction & 0x3ff) << 13;
}

/* The half that is exactly this float; false: there is none. */
static bool half_from_float(uint32_t bits, uint16_t *ret_half)
{
	uint32_t exponent = bits >> 23 & 0xff;
	uint32_t fraction = (bits & 0x7fffff) | (exponent ? 0x800000 : 0);
	uint32_t half = 0;

	if (exponent >= 113 && exponent <= 142)
		half = (exponent - 112) << 10 | (fraction >> 13 & 0x3ff);
	else if (exponent >= 103 && exponent < 113)
		half = fraction >> (126 - exponent);
	half |= bits >> 16 & 0x8000;
	*ret_half = (uint16_t)half;
	return half_to_float((uint16_t)half) == bits;
}

static int vector_to_text(struct slice bytes, bool halves, struct buffer *text)
{
	struct cursor in = cursor_of(bytes);
	uint16_t n = cursor_u16be(&in);
	uint16_t unused = cursor_u16be(&in);

	if (in.failed || unused || !n || cursor_left(&in) != (size_t)n * (halves ? 2 : 4))
		return -EINVAL;
	for (uint16_t i = 0; i < n; i++) {
		int error;

		buffer_append_u8(text, i ? ',' : '[');
		error = float_to_text(halves ? half_to_float(cursor_u16be(&in)) : cursor_u32be(&in),
				      text);
		if (error)
			return error;
	}
	buffer_append_u8(text, ']');
	return 0;
}

/* The same as a half, where one is exactly it. */
static int half_to_binary(struct cursor *in, struct buffer *scratch, struct buffer *bytes)
{
	struct cursor bits;
	uint16_t half;
	int error;

	buffer_clear(scratch);
	error = float_to_binary(in, ",]", scratch);
	if (error)
		return error;
	bits = cursor_of(buffer_slice(scratch));
	if (!half_from_float(cursor_u32be(&bits), &half))
		return -EINVAL;
	buffer_append_u16be(bytes, half);
	return 0;
}

static int vector_to_binary(struct slice text, bool halves, struct buffer *bytes)
{
	struct cursor in = cursor_of(text);
	size_t before = bytes->size;
	struct buffer scratch;
	size_t n = 0;
	int error;

	if (!pg_accept(&in, '['))
		return -EINVAL;
	buffer_append_u32be(bytes, 0);
	buffer_init(&scratch, 4);
	do {
		error = halves ? half_to_binary(&in, &scratch, bytes) :
				 float_to_binary(&in, ",]", bytes);
		n++;
	} while (!error && pg_accept(&in, ','));
	buffer_release(&scratch);
	if (error)
		return error;
	if (!pg_accept(&in, ']') || !cursor_done(&in) || n > INT16_MAX)
		return -EINVAL;
	if (bytes->overflowed)
		return -EMSGSIZE;
	pg_patch_u32be(bytes, before, (uint32_t)n << 16);
	return 0;
}

static int pgvector_to_text(const struct pg_type *type, struct slice bytes, struct buffer *text)
{
	(void)type;
	return vector_to_text(bytes, false, text);
}

static int pgvector_to_binary(const struct pg_type *type, struct slice text, struct buffer *bytes)
{
	(void)type;
	return vector_to_binary(text, false, bytes);
}

static int halfvec_to_text(const struct pg_type *type, struct slice bytes, struct buffer *text)
{
	(void)type;
	return vector_to_text(bytes, true, text);
}

static int halfvec_to_binary(const struct pg_type *type, struct slice text, struct buffer *bytes)
{
	(void)type;
	return vector_to_binary(text, true, bytes);
}

/* "{1:1.5,3:2}/5": indices from 1 that have a value, and how many there are in all. */
static int sparsevec_to_text(const struct pg_type *type, struct slice bytes, struct buffer *text)
{
	struct cursor in = cursor_of(bytes);
	uint32_t dimensions = cursor_u32be(&in);
	uint32_t n = cursor_u32be(&in);
	uint32_t unused = cursor_u32be(&in);
	struct cursor values;

	(void)type;
	if (in.failed || unused || !dimensions || dimensions > INT32_MAX || n > dimensions ||
	    cursor_left(&in) % 8 || n != cursor_left(&in) / 8)
		return -EINVAL;
	values = cursor_of(slice_of(in.at + (size_t)4 * n, (size_t)4 * n));
	buffer_append_u8(text, '{');
	for (uint32_t i = 0; i < n; i++) {
		uint32_t index = cursor_u32be(&in);
		int error;

		if (index >= dimensions)
			return -EINVAL;
		if (i)
			buffer_append_u8(text, ',');
		buffer_append_unsigned(text, (uint64_t)index + 1);
		buffer_append_u8(text, ':');
		error = float_to_text(cursor_u32be(&values), text);
		if (error)
			return error;
		if (text->overflowed)
			return -EMSGSIZE;
	}
	buffer_append_string(text, "}/");
	buffer_append_unsigned(text, dimensions);
	return 0;
}

/* The indices into `bytes`, their values apart; *ret_most is the highest index. */
static int sparsevec_values(struct cursor *in, struct buffer *bytes, struct buffer *values,
			    uint32_t *ret_n, uint64_t *ret_most)
{
	uint32_t n = 0;

	*ret_most = 0;
	while (!pg_accept(in, '}')) {
		uint64_t index;
		int error;

		if (n++ && !pg_accept(in, ','))
			return -EINVAL;
		index = pg_read_digits(in, 1, 10);
		if (in->failed || !index || index > INT32_MAX || !pg_accept(in, ':'))
			return -EINVAL;
		if (index > *ret_most)
			*ret_most = index;
		buffer_append_u32be(bytes, (uint32_t)index - 1);
		error = float_to_binary(in, ",}", values);
		if (error)
			return error;
		if (bytes->overflowed || values->overflowed)
			return -EMSGSIZE;
	}
	*ret_n = n;
	return 0;
}

static int sparsevec_to_binary(const struct pg_type *type, struct slice text, struct buffer *bytes)
{
	struct cursor in = cursor_of(text);
	size_t before = bytes->size;
	struct buffer values;
	uint64_t dimensions, most;
	uint32_t n = 0;
	int error;

	(void)type;
	if (!pg_accept(&in, '{'))
		return -EINVAL;
	for (size_t i = 0; i < 3; i++)
		buffer_append_u32be(bytes, 0);
	buffer_init(&values, bytes->max);
	error = sparsevec_values(&in, bytes, &values, &n, &most);
	buffer_append_slice(bytes, buffer_slice(&values));
	buffer_release(&values);
	if (error)
		return error;
	if (!pg_accept(&in, '/'))
		return -EINVAL;
	dimensions = pg_read_digits(&in, 1, 10);
	if (!cursor_done(&in) || !dimensions || dimensions > INT32_MAX || n > dimensions ||
	    most > dimensions)
		return -EINVAL;
	if (bytes->overflowed)
		return -EMSGSIZE;
	pg_patch_u32be(bytes, before, (uint32_t)dimensions);
	pg_patch_u32be(bytes, before + 4, n);
	return 0;
}

const struct pg_codec pg_codec_label = { copy_label, copy_label, true };
const struct pg_codec pg_codec_hstore = { hstore_to_text, hstore_to_binary, false };
const struct pg_codec pg_codec_pgvector = { pgvector_to_text, pgvector_to_binary, false };
const struct pg_codec pg_codec_halfvec = { halfvec_to_text, halfvec_to_binary, false };
const struct pg_codec pg_codec_sparsevec = { sparsevec_to_text, sparsevec_to_binary, false };
