/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bump allocation in chunks; see arena.h. Invariants: `left` bytes at the end of the newest chunk are free, and it has a size that is a multiple of the
 * alignment; a chunk of size 0 holds the
 * address of a block that was taken over, and is never the newest.
 */
#include "parsers/arena.h"

#include <assert.h>
#include <stdlib.h>

/* An exchange of an ordinary query fits the first chunk: one malloc for each, of a size that glibc keeps for its thread. */
#define CHUNK_BYTES ((size_t)608)
#define CHUNK_BYTES_MAX ((size_t)64 * 1024)

struct arena_chunk {
	struct arena_chunk *next;
	size_t size;
	alignas(max_align_t) uint8_t data[];
};

void arena_init(struct arena *arena)
{
	*arena = (struct arena){ 0 };
}

static void chunk_free(struct arena_chunk *chunk)
{
	void *block;

	if (!chunk->size) {
		memcpy(&block, chunk->data, sizeof(block));
		free(block);
	}
	free(chunk);
}

void arena_release(struct arena *arena)
{
	struct arena_chunk *chunk = arena->chunks;

	while (chunk) {
		struct arena_chunk *next = chunk->next;

		chunk_free(chunk);
		chunk = next;
	}
	arena_init(arena);
}

void arena_reset(struct arena *arena)
{
	struct arena_chunk *chunk = arena->chunks;

	if (!chunk || chunk->size > CHUNK_BYTES_MAX) {
		arena_release(arena);
		return;
	}
	while (chunk->next) {
		struct arena_chunk *next = chunk->next;

		chunk->next = next->next;
		chunk_free(next);
	}
	arena->end = chunk->data + chunk->size;
	arena->left = chunk->size;
	arena->allocated = sizeof(*chunk) + chunk->size;
}

static void add_chunk(struct arena *arena, size_t chunk_size)
{
	struct arena_chunk *chunk;

	if (chunk_size > SIZE_MAX - sizeof(*chunk) - alignof(max_align_t))
		abort();
	chunk_size += -chunk_size & (alignof(max_align_t) - 1);
	chunk = malloc(sizeof(*chunk) + chunk_size);
	if (!chunk)
		abort();
	chunk->next = arena->chunks;
	chunk->size = chunk_size;
	arena->chunks = chunk;
	arena->end = chunk->data + chunk_size;
	arena->left = chunk_size;
	arena->allocated += sizeof(*chunk) + chunk_size;
}

uint8_t *arena_grow(struct arena *arena, size_t size)
{
	size_t chunk_size = arena->chunks ? 2 * arena->chunks->size : CHUNK_BYTES;
	uint8_t *bytes;

	if (chunk_size > CHUNK_BYTES_MAX)
		chunk_size = CHUNK_BYTES_MAX;
	if (!arena->chunks || size > arena->left)
		add_chunk(arena, chunk_size < size ? size : chunk_size);
	bytes = arena->end - arena->left;
	arena->left -= size;
	return bytes;
}

void arena_reserve(struct arena *arena, size_t size)
{
	assert(!arena->chunks && size);
	add_chunk(arena, size);
}

void arena_take_over(struct arena *arena, uint8_t *block, size_t size)
{
	struct arena_chunk *chunk = malloc(sizeof(*chunk) + sizeof(block));

	if (!chunk)
		abort();
	if (!arena->chunks)
		add_chunk(arena, CHUNK_BYTES);
	chunk->size = 0;
	memcpy(chunk->data, &block, sizeof(block));
	chunk->next = arena->chunks->next;
	arena->chunks->next = chunk;
	arena->allocated += sizeof(*chunk) + sizeof(block) + size;
}

struct slice arena_copy(struct arena *arena, struct slice slice)
{
	uint8_t *bytes;

	if (!slice.size)
		return slice_of(NULL, 0);
	bytes = arena_bytes(arena, slice.size);
	memcpy(bytes, slice.data, slice.size);
	return slice_of(bytes, slice.size);
}
