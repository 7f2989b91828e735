/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arena: memory that is given out piece by piece and freed all at once.
 *
 * Nothing in an arena is freed alone. `allocated` is what the arena holds from the heap; who fills one
 * from the network looks at it and stops at his own limit. Out of memory aborts.
 */
#ifndef MOCKPROXY_ARENA_H
#define MOCKPROXY_ARENA_H

#include "parsers/slice.h"

#include <stdalign.h>

struct arena_chunk;

struct arena {
	struct arena_chunk *chunks; /* newest first */
	uint8_t *end;		    /* of the newest */
	size_t left;		    /* bytes left before it */
	size_t allocated;	    /* bytes taken from the heap */
};

/* Takes no memory yet. A zeroed struct arena is an empty arena. */
void arena_init(struct arena *arena);
void arena_release(struct arena *arena);
/* Empties it and keeps one chunk of ordinary size, so that filling it again costs no malloc. */
void arena_reset(struct arena *arena);

/* Makes the first chunk of an empty arena this large. */
void arena_reserve(struct arena *arena, size_t size);
/* The slow way of arena_bytes(): a chunk is added. */
uint8_t *arena_grow(struct arena *arena, size_t size);

/* Not zeroed, not aligned. */
static inline uint8_t *arena_bytes(struct arena *arena, size_t size)
{
	uint8_t *bytes;

	if (size >= arena->left)
		return arena_grow(arena, size);
	bytes = arena->end - arena->left;
	arena->left -= size;
	return bytes;
}

/* Zeroed memory, aligned for any type: chunks begin and end so. */
static inline void *arena_alloc(struct arena *arena, size_t size)
{
	size_t padding = arena->left & (alignof(max_align_t) - 1);

	arena->left -= padding;
	return memset(arena_bytes(arena, size), 0, size);
}

/* A block from malloc() of this size is the arena's from now on. */
void arena_take_over(struct arena *arena, uint8_t *block, size_t size);
/* A copy that lives as long as the arena. */
struct slice arena_copy(struct arena *arena, struct slice slice);

#endif
