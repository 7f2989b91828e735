/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Canonical bodies; see identity.h. JSON as a value (RFC 8259): members in the order of their names, numbers exact, whatever
 * their spelling, and a name that comes twice keeps both in their order. A form as pairs. Multipart without its boundary.
 * Anything else, and what is not what its type says, as its bytes.
 */
#include "parsers/http/identity.h"
#include "parsers/json.h"

#include <stdlib.h>

struct member {
	struct slice name; /* decoded */
	struct slice value;
	size_t index;
};

static int compare_members(const void *a, const void *b)
{
	const struct member *left = a, *right = b;
	size_t size = left->name.size < right->name.size ? left->name.size : right->name.size;
	int order = size ? memcmp(left->name.data, right->name.data, size) : 0;

	if (order)
		return order;
	if (left->name.size != right->name.size)
		return left->name.size < right->name.size ? -1 : 1;
	return left->index < right->index ? -1 : left->index > right->index;
}

/* A number as its digits and its exponent: 1.50, 15e-1 and 0.15E+1 are 15e-1. Any number of digits stays. */
static bool append_number(struct buffer *out, struct slice text)
{
	size_t at = text.data[0] == '-', start, size;
	int64_t exponent = 0, stated = 0;
	bool fraction = false, negative = false;
	struct buffer digits;

	buffer_init(&digits, text.size + 1);
	for (; at < text.size && ascii_lower(text.data[at]) != 'e'; at++) {
		if (text.data[at] == '.') {
			fraction = true;
			continue;
		}
		buffer_append_u8(&digits, text.data[at]);
		exponent -= fraction;
	}
	for (at++; at < text.size; at++) {
		if (text.data[at] == '-' || text.data[at] == '+')
			negative = text.data[at] == '-';
		else if (stated < INT32_MAX)
			stated = 10 * stated + (text.data[at] - '0');
	}
	exponent += negative ? -stated : stated;
	for (start = 0; start < digits.size && digits.data[start] == '0'; start++)
		;
	for (size = digits.size; size > start && digits.data[size - 1] == '0'; size--)
		exponent++;
	if (start == size) {
		buffer_append_u8(out, '0');
	} else {
		if (text.data[0] == '-')
			buffer_append_u8(out, '-');
		buffer_append(out, digits.data + start, size - start);
		if (exponent) {
			buffer_append_u8(out, 'e');
			buffer_append_signed(out, exponent);
		}
	}
	buffer_release(&digits);
	return stated < INT32_MAX; /* an exponent that is cut is no value */
}

static bool append_json(struct buffer *out, struct slice text, struct arena *arena);

static bool append_object(struct buffer *out, struct slice text, struct arena *arena)
{
	struct json_reader reader;
	struct member *members = NULL;
	size_t n = 0, capacity = 0;
	bool ok = true;

	json_reader_init(&reader, text);
	json_next(&reader);
	while (ok && json_next(&reader) == JSON_KEY) {
		if (n == capacity) {
			capacity = capacity ? 2 * capacity : 8;
			members = realloc(members, capacity * sizeof(*members));
			if (!members)
				abort();
		}
		members[n].name = json_string(&reader, arena);
		members[n].index = n;
		ok = json_skip_value(&reader, &members[n].value);
		n += ok;
	}
	if (n)
		qsort(members, n, sizeof(*members), compare_members);
	buffer_append_u8(out, '{');
	for (size_t i = 0; i < n && ok; i++) {
		if (i)
			buffer_append_u8(out, ',');
		ok = json_append_string(out, members[i].name);
		buffer_append_u8(out, ':');
		ok = ok && append_json(out, members[i].value, arena);
	}
	buffer_append_u8(out, '}');
	free(members);
	return ok;
}

static bool append_array(struct buffer *out, struct slice text, struct arena *arena)
{
	struct json_reader reader;
	struct slice value;
	bool first = true;

	json_reader_init(&reader, text);
	json_next(&reader);
	buffer_append_u8(out, '[');
	while (json_next_element(&reader, &value)) {
		if (!first)
			buffer_append_u8(out, ',');
		first = false;
		if (!append_json(out, value, arena))
			return false;
	}
	buffer_append_u8(out, ']');
	return reader.token == JSON_ARRAY_END;
}

/* One value, which is known to be well formed. False: it cannot be put in canonical form. */
static bool append_json(struct buffer *out, struct slice text, struct arena *arena)
{
	struct json_reader reader;

	json_reader_init(&reader, text);
	switch (json_next(&reader)) {
	case JSON_OBJECT:
		return append_object(out, text, arena);
	case JSON_ARRAY:
		return append_array(out, text, arena);
	case JSON_STRING:
		return json_append_string(out, json_string(&reader, arena));
	case JSON_NUMBER:
		return append_number(out, reader.text);
	case JSON_TRUE:
		buffer_append_slice(out, SLICE("true"));
		return true;
	case JSON_FALSE:
		buffer_append_slice(out, SLICE("false"));
		return true;
	case JSON_NULL:
		buffer_append_slice(out, SLICE("null"));
		return true;
	default:
		return false;
	}
}

static bool is_json(struct slice bytes)
{
	struct json_reader reader;
	enum json_token token;

	json_reader_init(&reader, bytes);
	while ((token = json_next(&reader)) > JSON_END)
		;
	return token == JSON_END;
}

static bool json_body(struct slice bytes, struct buffer *out)
{
	struct arena arena;
	bool ok;

	if (!is_json(bytes))
		return false;
	/* White space around the one value. */
	while (bytes.size && memchr(" \t\r\n", bytes.data[bytes.size - 1], 4))
		bytes.size--;
	while (bytes.size && memchr(" \t\r\n", bytes.data[0], 4))
		bytes = slice_of(bytes.data + 1, bytes.size - 1);
	arena_init(&arena);
	buffer_append_slice(out, SLICE("(json)\n"));
	ok = append_json(out, bytes, &arena);
	arena_release(&arena);
	return ok;
}

/* A delimiter becomes "--=", and any other "--" becomes "--!": so that the two cannot be taken for each other. */
static bool multipart_body(struct slice boundary, struct slice bytes, struct buffer *out)
{
	size_t at = 0, n = 0;

	if (!boundary.size)
		return false;
	buffer_append_slice(out, SLICE("(multipart)\n"));
	while (at < bytes.size) {
		const uint8_t *dashes = memmem(bytes.data + at, bytes.size - at, "--", 2);
		size_t found = dashes ? (size_t)(dashes - bytes.data) : bytes.size;
		struct slice rest = slice_of(bytes.data + found, bytes.size - found);

		buffer_append(out, bytes.data + at, found - at);
		at = found;
		if (!rest.size)
			break;
		buffer_append_slice(out, SLICE("--"));
		at += 2;
		rest = slice_of(rest.data + 2, rest.size - 2);
		/* At the beginning of a line only; a part cannot hold that, else the boundary would be another. */
		if ((!found || bytes.data[found - 1] == '\n') &&
		    slice_starts_with(rest, boundary)) {
			buffer_append_u8(out, '=');
			at += boundary.size;
			n++;
		} else {
			buffer_append_u8(out, '!');
		}
	}
	return n > 0;
}

static bool is_json_type(struct slice type)
{
	return slice_equal_nocase(type, SLICE("application/json")) ||
	       (type.size > 5 &&
		slice_equal_nocase(slice_of(type.data + type.size - 5, 5), SLICE("+json")));
}

void http_canonical_body(struct slice type, struct slice content_type, struct slice bytes,
			 struct buffer *out)
{
	size_t start = out->size;
	bool ok = false;

	if (is_json_type(type)) {
		ok = json_body(bytes, out);
	} else if (slice_equal_nocase(type, SLICE("application/x-www-form-urlencoded"))) {
		buffer_append_slice(out, SLICE("(form)\n"));
		http_canonical_pairs(bytes, "", out);
		ok = true;
	} else if (type.size > 10 &&
		   slice_equal_nocase(slice_of(type.data, 10), SLICE("multipart/"))) {
		ok = multipart_body(http_parameter(content_type, SLICE("boundary")), bytes, out);
	}
	if (ok && !out->overflowed)
		return;
	out->size = start;
	out->overflowed = false;
	buffer_append_slice(out, SLICE("(bytes)\n"));
	buffer_append_slice(out, bytes);
}
