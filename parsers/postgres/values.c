/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PostgreSQL values: the way in. Finds the type, calls its codec, and proves that the text gives
 * the bytes back.
 *
 * See values.h. The codecs are in values_*.c by family, the table of types in values_types.c. A
 * codec that is `exact` has the proof in its own checks; for the others it is made here by
 * converting back.
 */
#include "parsers/postgres/values_internal.h"

#include <errno.h>

/* Elements and bounds have an int32 in front that says how long they are. */
#define SIZE_MAX_WIRE INT32_MAX

const struct pg_type *pg_type_find(uint32_t oid)
{
	size_t low = 0;
	size_t high = pg_n_types;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (pg_types[middle].oid == oid)
			return &pg_types[middle];
		if (pg_types[middle].oid < oid)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

struct slice pg_type_name(uint32_t type)
{
	const struct pg_type *found = pg_type_find(type);

	return found ? found->name : slice_of(NULL, 0);
}

enum sql_kind pg_type_kind(uint32_t type)
{
	const struct pg_type *found = pg_type_find(type);

	return found ? (enum sql_kind)found->kind : SQL_STRING;
}

bool pg_type_convertible(uint32_t type)
{
	const struct pg_type *found = pg_type_find(type);

	return found && found->codec;
}

int pg_to_text(const struct pg_type *type, struct slice bytes, struct buffer *text)
{
	if (!type || !type->codec)
		return -ENOTSUP;
	if (type->width && bytes.size != type->width)
		return -EINVAL;
	return type->codec->to_text(type, bytes, text);
}

int pg_to_binary(const struct pg_type *type, struct slice text, struct buffer *bytes)
{
	if (!type || !type->codec)
		return -ENOTSUP;
	return type->codec->to_binary(type, text, bytes);
}

int pg_to_sized_binary(const struct pg_type *type, struct slice text, struct buffer *bytes)
{
	size_t at = bytes->size;
	size_t size;
	int error;

	buffer_append_u32be(bytes, 0);
	error = pg_to_binary(type, text, bytes);
	if (error)
		return error;
	if (bytes->overflowed)
		return -EMSGSIZE;
	size = bytes->size - at - 4;
	if (size > SIZE_MAX_WIRE)
		return -EINVAL;
	pg_patch_u32be(bytes, at, (uint32_t)size);
	return 0;
}

/* What was appended behind `before`; never NULL. */
static struct slice appended(const struct buffer *buffer, size_t before)
{
	if (buffer->size == before)
		return SLICE("");
	return slice_of(buffer->data + before, buffer->size - before);
}

/* Does the text give exactly these bytes? */
static bool gives_back(const struct pg_type *type, struct slice text, struct slice bytes)
{
	struct buffer back;
	bool same;

	buffer_init(&back, bytes.size);
	same = !pg_to_binary(type, text, &back) && !back.overflowed &&
	       slice_equal(buffer_slice(&back), bytes);
	buffer_release(&back);
	return same;
}

/* Of these each value that they are made of is proven by itself, where there is no proof of the whole. */
static bool is_proven_in_parts(const struct pg_type *type)
{
	return type->scope && type->scope->shown &&
	       (type->codec == &pg_codec_composite || type->codec == &pg_codec_array ||
		type->codec == &pg_codec_range || type->codec == &pg_codec_multirange);
}

static int to_text_proven(const struct pg_type *type, struct slice bytes, struct buffer *text)
{
	size_t before = text->size;
	int error = pg_to_text(type, bytes, text);

	if (error || text->overflowed || type->codec->exact || is_proven_in_parts(type) ||
	    gives_back(type, appended(text, before), bytes))
		return error;
	return -EINVAL;
}

int pg_part_to_text(const struct pg_type *whole, uint32_t oid, struct slice bytes,
		    struct buffer *text)
{
	struct pg_type room;
	const struct pg_type *part = pg_part(whole, oid, &room);

	if (whole->scope && whole->scope->shown)
		return to_text_proven(part, bytes, text);
	return pg_to_text(part, bytes, text);
}

void pg_patch_u32be(struct buffer *bytes, size_t at, uint32_t value)
{
	uint8_t *room = bytes->data + at;

	room[0] = (uint8_t)(value >> 24);
	room[1] = (uint8_t)(value >> 16);
	room[2] = (uint8_t)(value >> 8);
	room[3] = (uint8_t)value;
}

/* The end of both directions: the error to return, and nothing appended where there is one. */
static int finish(struct buffer *buffer, size_t before, int error)
{
	if (!error && buffer->overflowed)
		error = -EMSGSIZE;
	if (error)
		buffer->size = before;
	return error;
}

int pg_value_to_text_in(const struct type_scope *scope, uint32_t type, struct slice bytes,
			struct buffer *text)
{
	struct pg_type room;
	const struct pg_type *found = pg_type_in(scope, 0, type, &room);
	size_t before = text->size;

	return finish(text, before, to_text_proven(found, bytes.data ? bytes : SLICE(""), text));
}

int pg_value_to_binary_in(const struct type_scope *scope, uint32_t type, struct slice text,
			  struct buffer *bytes)
{
	struct pg_type room;
	const struct pg_type *found = pg_type_in(scope, 0, type, &room);
	size_t before = bytes->size;

	return finish(bytes, before, pg_to_binary(found, text.data ? text : SLICE(""), bytes));
}

int pg_value_to_text(uint32_t type, struct slice bytes, struct buffer *text)
{
	return pg_value_to_text_in(NULL, type, bytes, text);
}

int pg_value_to_binary(uint32_t type, struct slice text, struct buffer *bytes)
{
	return pg_value_to_binary_in(NULL, type, text, bytes);
}
