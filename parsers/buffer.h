/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Buffer: bytes that grow up to a stated maximum.
 *
 * What would exceed the maximum is not appended: `overflowed` is set and stays set until
 * buffer_clear(), so that a message can be built straight through and asked once at its end. Out of
 * memory aborts, which is honest because every maximum is bounded.
 */
#ifndef MOCKPROXY_BUFFER_H
#define MOCKPROXY_BUFFER_H

#include "parsers/slice.h"

#include <assert.h>

struct buffer {
	uint8_t *data;
	size_t size;
	size_t capacity;
	size_t max;
	bool overflowed;
};

/* The first memory is taken when something is appended. */
void buffer_init(struct buffer *buffer, size_t max);
void buffer_release(struct buffer *buffer); /* accepts a released or zeroed one */

/* Its memory, from malloc(), is the caller's from now on; it is empty. */
uint8_t *buffer_take(struct buffer *buffer, size_t *ret_size);

/* Empties it and keeps the memory. */
static inline void buffer_clear(struct buffer *buffer)
{
	buffer->size = 0;
	buffer->overflowed = false;
}

static inline struct slice buffer_slice(const struct buffer *buffer)
{
	return slice_of(buffer->data, buffer->size);
}

/* Room for `size` more bytes at data + size, or NULL when that would exceed the maximum. */
uint8_t *buffer_reserve(struct buffer *buffer, size_t size);
/* The slow way of buffer_append(): more memory is needed, or there may be none. */
void buffer_append_more(struct buffer *buffer, const void *data, size_t size);

static inline void buffer_append(struct buffer *buffer, const void *data, size_t size)
{
	if (!size)
		return;
	assert(data);
	if (buffer->overflowed || size > buffer->capacity - buffer->size) {
		buffer_append_more(buffer, data, size);
		return;
	}
	memcpy(buffer->data + buffer->size, data, size);
	buffer->size += size;
}

/* Removes the first `size` bytes, size <= buffer->size. */
void buffer_consume(struct buffer *buffer, size_t size);

static inline void buffer_append_slice(struct buffer *buffer, struct slice slice)
{
	buffer_append(buffer, slice.data, slice.size);
}

static inline void buffer_append_u8(struct buffer *buffer, uint8_t byte)
{
	if (buffer->size < buffer->capacity && !buffer->overflowed)
		buffer->data[buffer->size++] = byte;
	else
		buffer_append(buffer, &byte, 1);
}

void buffer_append_string(struct buffer *buffer, const char *string); /* without its NUL */
void buffer_append_u16be(struct buffer *buffer, uint16_t value);
void buffer_append_u32be(struct buffer *buffer, uint32_t value);
void buffer_append_u64be(struct buffer *buffer, uint64_t value);
/* The lowest `size` bytes, size <= 8, the lowest first. */
void buffer_append_le(struct buffer *buffer, uint64_t value, size_t size);
/* As decimal digits. */
void buffer_append_unsigned(struct buffer *buffer, uint64_t value);
void buffer_append_signed(struct buffer *buffer, int64_t value);
/* As lower-case hexadecimal digits, two for each byte. */
void buffer_append_hex(struct buffer *buffer, struct slice bytes);

#endif
