/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PostgreSQL values: composites, and records that have no type. Documentation 8.16.
 *
 *	attributes i32
 *	type u32 | size i32 (-1: NULL) | bytes		for each
 *
 * The text is "(a,"b c",)": NULL is nothing between commas, and an empty text is quoted. The bytes
 * tell what types the attributes have, the text does not: it is made bytes by the attributes that
 * are known of the type.
 */
#include "parsers/postgres/values_internal.h"

#include <errno.h>

static const struct pg_quoting quoting = { "(),", true, false };

/* Could the text be made these bytes again, of as many attributes, the i-th of this type? */
static bool is_attribute(const struct pg_type *type, size_t n, size_t i, uint32_t oid)
{
	const struct type_entry *own = type->own;

	return type->scope->shown ||
	       (own && own->attributes && own->n_attributes == n && own->attributes[i] == oid);
}

static int attribute_to_text(const struct pg_type *type, uint32_t oid, struct cursor *in,
			     struct buffer *text)
{
	int32_t size = cursor_i32be(in);
	size_t before = text->size;
	struct slice bytes;
	int error;

	if (size == -1 && !in->failed)
		return 0;
	if (size < 0)
		return -EINVAL;
	bytes = cursor_bytes(in, (size_t)size);
	if (in->failed)
		return -EINVAL;
	error = pg_part_to_text(type, oid, bytes, text);
	if (!error)
		pg_quote(text, before, &quoting);
	return error;
}

static int composite_to_text(const struct pg_type *type, struct slice bytes, struct buffer *text)
{
	struct cursor in = cursor_of(bytes);
	uint32_t n = cursor_u32be(&in);
	int error = 0;

	if (in.failed || n > cursor_left(&in) / 8)
		return -EINVAL;
	buffer_append_u8(text, '(');
	for (uint32_t i = 0; i < n && !error; i++) {
		uint32_t oid = cursor_u32be(&in);

		if (i)
			buffer_append_u8(text, ',');
		if (!is_attribute(type, n, i, oid))
			return -ENOTSUP;
		error = attribute_to_text(type, oid, &in, text);
		if (text->overflowed)
			return -EMSGSIZE;
	}
	buffer_append_u8(text, ')');
	if (error)
		return error;
	return cursor_done(&in) ? 0 : -EINVAL;
}

/* One attribute up to what ends it, which is read too. */
static int attribute_to_binary(const struct pg_type *type, uint32_t oid, uint8_t end,
			       struct cursor *in, struct buffer *scratch, struct buffer *bytes)
{
	struct pg_piece piece;
	struct pg_type room;
	int error = pg_unquote(in, &quoting, scratch, &piece);

	if (!error && !pg_accept(in, end))
		error = -EINVAL;
	buffer_append_u32be(bytes, oid);
	if (!error && !piece.quoted && !piece.text.size)
		buffer_append_u32be(bytes, UINT32_MAX);
	else if (!error)
		error = pg_to_sized_binary(pg_part(type, oid, &room), piece.text, bytes);
	if (!error && bytes->overflowed)
		error = -EMSGSIZE;
	return error;
}

static int composite_to_binary(const struct pg_type *type, struct slice text, struct buffer *bytes)
{
	struct cursor in = cursor_of(text);
	const struct type_entry *own = type->own;
	struct buffer scratch;
	int error = 0;

	if (!own || !own->attributes)
		return -ENOTSUP;
	buffer_append_u32be(bytes, (uint32_t)own->n_attributes);
	if (!pg_accept(&in, '('))
		return -EINVAL;
	if (!own->n_attributes)
		return pg_accept(&in, ')') && cursor_done(&in) ? 0 : -EINVAL;
	buffer_init(&scratch, cursor_left(&in));
	for (size_t i = 0; i < own->n_attributes && !error; i++)
		error = attribute_to_binary(type, own->attributes[i],
					    i + 1 < own->n_attributes ? ',' : ')', &in, &scratch,
					    bytes);
	buffer_release(&scratch);
	if (error)
		return error;
	return cursor_done(&in) ? 0 : -EINVAL;
}

const struct pg_codec pg_codec_composite = { composite_to_text, composite_to_binary, false };
