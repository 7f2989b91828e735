/* SPDX-License-Identifier: Apache-2.0 */
/* Growable bytes with a maximum; see buffer.h. Invariant: size <= capacity <= max. */
#include "parsers/buffer.h"

#include <assert.h>
#include <stdlib.h>

void buffer_init(struct buffer *buffer, size_t max)
{
	*buffer = (struct buffer){ .max = max };
}

void buffer_release(struct buffer *buffer)
{
	free(buffer->data);
	*buffer = (struct buffer){ .max = buffer->max };
}

uint8_t *buffer_take(struct buffer *buffer, size_t *ret_size)
{
	uint8_t *data = realloc(buffer->data, buffer->size ? buffer->size : 1);

	if (!data)
		abort();
	*ret_size = buffer->size;
	*buffer = (struct buffer){ .max = buffer->max };
	return data;
}

uint8_t *buffer_reserve(struct buffer *buffer, size_t size)
{
	size_t capacity;

	assert(buffer->size <= buffer->capacity);
	if (buffer->overflowed)
		return NULL;
	if (size <= buffer->capacity - buffer->size)
		return buffer->data + buffer->size;
	if (size > buffer->max - buffer->size) {
		buffer->overflowed = true;
		return NULL;
	}
	capacity = buffer->capacity ? buffer->capacity : 64;
	while (capacity < buffer->size + size)
		capacity *= 2;
	if (capacity > buffer->max)
		capacity = buffer->max;
	buffer->data = realloc(buffer->data, capacity);
	if (!buffer->data)
		abort();
	buffer->capacity = capacity;
	return buffer->data + buffer->size;
}

void buffer_append_more(struct buffer *buffer, const void *data, size_t size)
{
	uint8_t *room = buffer_reserve(buffer, size);

	if (!room)
		return;
	memcpy(room, data, size);
	buffer->size += size;
}

void buffer_consume(struct buffer *buffer, size_t size)
{
	assert(size <= buffer->size);
	buffer->size -= size;
	if (buffer->size)
		memmove(buffer->data, buffer->data + size, buffer->size);
}

void buffer_append_string(struct buffer *buffer, const char *string)
{
	buffer_append(buffer, string, strlen(string));
}

void buffer_append_u16be(struct buffer *buffer, uint16_t value)
{
	const uint8_t bytes[] = { (uint8_t)(value >> 8), (uint8_t)value };

	buffer_append(buffer, bytes, sizeof(bytes));
}

void buffer_append_u32be(struct buffer *buffer, uint32_t value)
{
	const uint8_t bytes[] = { (uint8_t)(value >> 24), (uint8_t)(value >> 16),
				  (uint8_t)(value >> 8), (uint8_t)value };

	buffer_append(buffer, bytes, sizeof(bytes));
}

void buffer_append_u64be(struct buffer *buffer, uint64_t value)
{
	const uint8_t bytes[] = { (uint8_t)(value >> 56), (uint8_t)(value >> 48),
				  (uint8_t)(value >> 40), (uint8_t)(value >> 32),
				  (uint8_t)(value >> 24), (uint8_t)(value >> 16),
				  (uint8_t)(value >> 8),  (uint8_t)value };

	buffer_append(buffer, bytes, sizeof(bytes));
}

void buffer_append_le(struct buffer *buffer, uint64_t value, size_t size)
{
	uint8_t bytes[8];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(value >> (8 * i));
	buffer_append(buffer, bytes, size < sizeof(bytes) ? size : sizeof(bytes));
}

void buffer_append_unsigned(struct buffer *buffer, uint64_t value)
{
	uint8_t digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (uint8_t)('0' + value % 10);
		value /= 10;
	} while (value);
	buffer_append(buffer, digits + at, sizeof(digits) - at);
}

void buffer_append_signed(struct buffer *buffer, int64_t value)
{
	if (value < 0)
		buffer_append_u8(buffer, '-');
	buffer_append_unsigned(buffer, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void buffer_append_hex(struct buffer *buffer, struct slice bytes)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t *room;

	if (bytes.size > SIZE_MAX / 2) {
		buffer->overflowed = true;
		return;
	}
	room = buffer_reserve(buffer, bytes.size * 2);
	if (!room)
		return;
	for (size_t i = 0; i < bytes.size; i++) {
		room[2 * i] = (uint8_t)digits[bytes.data[i] >> 4];
		room[2 * i + 1] = (uint8_t)digits[bytes.data[i] & 15];
	}
	buffer->size += bytes.size * 2;
}
