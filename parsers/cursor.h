/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cursor: reads a message from the wire, with a sticky error.
 *
 *	   already read      still to read
 *	| - - - - - - - - | - - - - - - - - - |
 *	                  ▲ at                ▲ end
 *
 * A read beyond the end sets `failed`, moves nothing, and gives 0 or an empty slice; every read after
 * it does the same. So a message is decoded straight through and asked once at its end:
 * cursor_done() is true when all was there and nothing was left over.
 * Slices that are read borrow from the bytes that the cursor was made of.
 */
#ifndef MOCKPROXY_CURSOR_H
#define MOCKPROXY_CURSOR_H

#include "parsers/slice.h"

struct cursor {
	const uint8_t *at;
	const uint8_t *end;
	bool failed;
};

static inline struct cursor cursor_of(struct slice bytes)
{
	if (!bytes.data) /* arithmetic on NULL is undefined, even by 0 */
		bytes = SLICE("");
	return (struct cursor){ bytes.data, bytes.data + bytes.size, false };
}

static inline size_t cursor_left(const struct cursor *cursor)
{
	return (size_t)(cursor->end - cursor->at);
}

static inline bool cursor_done(const struct cursor *cursor)
{
	return !cursor->failed && cursor->at == cursor->end;
}

static inline struct slice cursor_bytes(struct cursor *cursor, size_t size)
{
	struct slice bytes = { cursor->at, size };

	if (cursor->failed || size > cursor_left(cursor)) {
		cursor->failed = true;
		return (struct slice){ NULL, 0 };
	}
	cursor->at += size;
	return bytes;
}

static inline uint8_t cursor_u8(struct cursor *cursor)
{
	struct slice b = cursor_bytes(cursor, 1);

	return b.size ? b.data[0] : 0;
}

static inline uint16_t cursor_u16be(struct cursor *cursor)
{
	struct slice b = cursor_bytes(cursor, 2);

	return b.size ? (uint16_t)((unsigned int)b.data[0] << 8 | b.data[1]) : 0;
}

static inline uint32_t cursor_u32be(struct cursor *cursor)
{
	struct slice b = cursor_bytes(cursor, 4);

	return b.size ? (uint32_t)b.data[0] << 24 | (uint32_t)b.data[1] << 16 |
				(uint32_t)b.data[2] << 8 | b.data[3] :
			0;
}

static inline int32_t cursor_i32be(struct cursor *cursor)
{
	return (int32_t)cursor_u32be(cursor);
}

static inline uint64_t cursor_u64be(struct cursor *cursor)
{
	uint64_t high = cursor_u32be(cursor);

	return high << 32 | cursor_u32be(cursor);
}

/* Little-endian. */
static inline uint16_t cursor_u16le(struct cursor *cursor)
{
	struct slice b = cursor_bytes(cursor, 2);

	return b.size ? (uint16_t)((unsigned int)b.data[1] << 8 | b.data[0]) : 0;
}

static inline uint32_t cursor_u24le(struct cursor *cursor)
{
	struct slice b = cursor_bytes(cursor, 3);

	return b.size ? (uint32_t)b.data[2] << 16 | (uint32_t)b.data[1] << 8 | b.data[0] : 0;
}

static inline uint32_t cursor_u32le(struct cursor *cursor)
{
	uint32_t low = cursor_u16le(cursor);

	return (uint32_t)cursor_u16le(cursor) << 16 | low;
}

static inline uint64_t cursor_u64le(struct cursor *cursor)
{
	uint64_t low = cursor_u32le(cursor);

	return (uint64_t)cursor_u32le(cursor) << 32 | low;
}

/* Bytes up to a NUL, which is read too but is not in the slice; no NUL is a failure. */
static inline struct slice cursor_string(struct cursor *cursor)
{
	const uint8_t *nul = NULL;
	struct slice string;

	if (!cursor->failed && cursor->at != cursor->end)
		nul = memchr(cursor->at, 0, cursor_left(cursor));
	if (!nul) {
		cursor->failed = true;
		return (struct slice){ NULL, 0 };
	}
	string = slice_of(cursor->at, (size_t)(nul - cursor->at));
	cursor->at = nul + 1;
	return string;
}

static inline struct slice cursor_rest(struct cursor *cursor)
{
	return cursor_bytes(cursor, cursor_left(cursor));
}

#endif
