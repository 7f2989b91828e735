/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slice: bytes that somebody else owns, passed by value.
 *
 *	data ──▶ | s | e | l | e | c | t |      size = 6
 *
 * A slice never owns and is never NUL-terminated; it is valid as long as the buffer, arena or string
 * that it was cut from. data may be NULL only when size is 0.
 */
#ifndef MOCKPROXY_SLICE_H
#define MOCKPROXY_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
	const uint8_t *data;
	size_t size;
};

/* For string literals only: the size is known to the compiler. */
#define SLICE(literal) ((struct slice){ (const uint8_t *)("" literal), sizeof(literal) - 1 })

static inline struct slice slice_of(const void *data, size_t size)
{
	return (struct slice){ (const uint8_t *)data, size };
}

static inline struct slice slice_from_string(const char *string)
{
	return string ? slice_of(string, strlen(string)) : slice_of(NULL, 0);
}

static inline bool slice_equal(struct slice a, struct slice b)
{
	return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* ASCII letters only: what SQL keywords, parameter names and HTTP tokens fold. */
static inline uint8_t ascii_lower(uint8_t byte)
{
	return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte | 0x20) : byte;
}

static inline bool ascii_is_digit(uint8_t byte)
{
	return byte >= '0' && byte <= '9';
}

static inline bool slice_equal_nocase(struct slice a, struct slice b)
{
	if (a.size != b.size)
		return false;
	for (size_t i = 0; i < a.size; i++)
		if (ascii_lower(a.data[i]) != ascii_lower(b.data[i]))
			return false;
	return true;
}

static inline bool slice_starts_with(struct slice slice, struct slice prefix)
{
	return slice.size >= prefix.size && slice_equal(slice_of(slice.data, prefix.size), prefix);
}

#endif
