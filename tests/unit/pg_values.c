/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of single PostgreSQL values in both directions: see pg_values.h. */
#include "tests/unit/pg_values.h"

#include "tests/unit/cmocka.h"

#include <errno.h>

struct bytes from_hex(const char *hex)
{
	struct bytes bytes = { .size = 0 };

	for (; *hex; hex++) {
		int high, low;

		if (*hex == ' ')
			continue;
		high = pg_hex_digit((uint8_t)hex[0]);
		low = pg_hex_digit((uint8_t)hex[1]);
		assert_true(high >= 0 && low >= 0 && bytes.size < HEX_MAX);
		bytes.data[bytes.size++] = (uint8_t)(high << 4 | low);
		hex++;
	}
	return bytes;
}

/* A heap block of the exact size, so that AddressSanitizer sees what is read beyond. */
static uint8_t *exact_copy(const void *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	assert_non_null(copy);
	if (size)
		memcpy(copy, data, size);
	return copy;
}

int to_text(uint32_t type, const uint8_t *data, size_t size, struct buffer *text)
{
	uint8_t *copy = exact_copy(data, size);
	int error = pg_value_to_text(type, slice_of(copy, size), text);

	free(copy);
	return error;
}

int to_binary(uint32_t type, const char *string, struct buffer *bytes)
{
	uint8_t *copy = exact_copy(string, strlen(string));
	int error = pg_value_to_binary(type, slice_of(copy, strlen(string)), bytes);

	free(copy);
	return error;
}

static void expect_slice(struct slice found, const void *data, size_t size, const struct pair *pair)
{
	if (slice_equal(found, slice_of(data, size)))
		return;
	print_error("type %u, text '%s', hex %s: got %zu bytes: '%.*s'\n", pair->type, pair->text,
		    pair->hex, found.size, (int)found.size, (const char *)found.data);
	fail();
}

static void expect_pair(const struct pair *pair)
{
	struct bytes bytes = from_hex(pair->hex);
	struct buffer result;

	buffer_init(&result, RESULT_MAX);
	if (to_text(pair->type, bytes.data, bytes.size, &result) != 0)
		fail_msg("type %u, hex %s: not converted to text", pair->type, pair->hex);
	expect_slice(buffer_slice(&result), pair->text, strlen(pair->text), pair);
	buffer_clear(&result);
	if (to_binary(pair->type, pair->text, &result) != 0)
		fail_msg("type %u, '%s': not converted to binary", pair->type, pair->text);
	expect_slice(buffer_slice(&result), bytes.data, bytes.size, pair);
	buffer_release(&result);
}

static bool any_size_is_valid(uint32_t type)
{
	const struct pg_codec *codec = pg_type_find(type)->codec;

	return codec == &pg_codec_text || codec == &pg_codec_xml || codec == &pg_codec_versioned ||
	       codec == &pg_codec_bytea;
}

/* No part of a binary value is one, nor is the value with a byte behind it. */
static void expect_whole_only(const struct pair *pair)
{
	struct bytes bytes = from_hex(pair->hex);
	struct buffer text;

	if (any_size_is_valid(pair->type))
		return;
	buffer_init(&text, RESULT_MAX);
	for (size_t size = 0; size <= bytes.size + 1; size++) {
		if (size == bytes.size)
			continue;
		if (to_text(pair->type, bytes.data, size, &text) != -EINVAL || text.size)
			fail_msg("type %u, hex %s: %zu bytes converted", pair->type, pair->hex,
				 size);
	}
	buffer_release(&text);
}

void expect_pairs(const struct pair *pairs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		expect_pair(&pairs[i]);
		expect_whole_only(&pairs[i]);
	}
}

void expect_bad_binary(const struct pair *pairs, size_t n)
{
	struct buffer text;

	buffer_init(&text, RESULT_MAX);
	for (size_t i = 0; i < n; i++) {
		struct bytes bytes = from_hex(pairs[i].hex);

		if (to_text(pairs[i].type, bytes.data, bytes.size, &text) != -EINVAL || text.size)
			fail_msg("type %u, hex %s: converted to '%.*s'", pairs[i].type,
				 pairs[i].hex, (int)text.size, (const char *)text.data);
	}
	buffer_release(&text);
}

void expect_refused(uint32_t type, ...)
{
	struct buffer bytes;
	const char *text;
	va_list texts;

	buffer_init(&bytes, RESULT_MAX);
	va_start(texts, type);
	while ((text = va_arg(texts, const char *)))
		if (to_binary(type, text, &bytes) != -EINVAL || bytes.size)
			fail_msg("type %u, '%s': converted", type, text);
	va_end(texts);
	buffer_release(&bytes);
}

void expect_accepted(const struct pair *pairs, size_t n)
{
	struct buffer result;

	buffer_init(&result, RESULT_MAX);
	for (size_t i = 0; i < n; i++) {
		struct bytes bytes = from_hex(pairs[i].hex);

		buffer_clear(&result);
		if (to_binary(pairs[i].type, pairs[i].text, &result) != 0)
			fail_msg("type %u, '%s': refused", pairs[i].type, pairs[i].text);
		expect_slice(buffer_slice(&result), bytes.data, bytes.size, &pairs[i]);
	}
	buffer_release(&result);
}
