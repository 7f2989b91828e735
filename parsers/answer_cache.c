/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Direct-mapped cache of encoded answers; see answer_cache.h. Invariant: `bytes` is the capacity of all places.
 *
 * Which answer was asked for last at each place stands apart in a byte: what is asked for once touches no place, of which a large
 * recording would push more than the processor's own cache out of it.
 */
#include "parsers/answer_cache.h"

#include <stdlib.h>

/* When more is held than this, all is forgotten. */
#define BYTES_MAX ((size_t)8 << 20)

struct place {
	struct answer_key key;
	uint16_t size; /* 0: free */
	uint16_t capacity;
	bool failed;
	uint8_t *bytes;
};

struct answer_cache {
	size_t bytes;
	size_t n;
	uint64_t form; /* of the last put */
	uint8_t *
		asked; /* of each place the mark of the key that was put last, kept or not; 0: none */
	struct place places[];
};

struct answer_cache *answer_cache_new(size_t places)
{
	struct answer_cache *cache = calloc(1, sizeof(*cache) + places * sizeof(cache->places[0]));

	if (!cache)
		abort();
	cache->asked = calloc(places, 1);
	if (!cache->asked)
		abort();
	cache->n = places;
	return cache;
}

static void forget(struct answer_cache *cache)
{
	for (size_t i = 0; i < cache->n; i++) {
		free(cache->places[i].bytes);
		cache->places[i] = (struct place){ 0 };
	}
	cache->bytes = 0;
}

void answer_cache_free(struct answer_cache *cache)
{
	if (!cache)
		return;
	forget(cache);
	free(cache->asked);
	free(cache);
}

/* Exchanges are numbered one by one: as many as there are places, asked in one form, have one each. */
static size_t place_of(const struct answer_cache *cache, struct answer_key key)
{
	return (key.exchange ^ (key.form * 0x9e3779b97f4a7c15u) >> 40) & (cache->n - 1);
}

/* Tells most keys of a place apart. */
static uint8_t mark_of(const struct answer_cache *cache, struct answer_key key)
{
	return (uint8_t)(1 + (key.exchange / cache->n + key.form) % UINT8_MAX);
}

void answer_cache_expect(const struct answer_cache *cache, uint64_t exchange)
{
	struct answer_key key = { .exchange = exchange };
	size_t place;

	if (!cache)
		return;
	key.form = cache->form;
	place = place_of(cache, key);
	if (cache->asked[place] == mark_of(cache, key))
		__builtin_prefetch(&cache->places[place]);
}

bool answer_cache_find(const struct answer_cache *cache, struct answer_key key,
		       struct slice *ret_bytes, bool *ret_failed)
{
	const struct place *place;
	size_t i;

	if (!cache)
		return false;
	i = place_of(cache, key);
	if (cache->asked[i] != mark_of(cache, key))
		return false;
	place = &cache->places[i];
	if (!place->size || place->key.exchange != key.exchange || place->key.form != key.form)
		return false;
	*ret_bytes = slice_of(place->bytes, place->size);
	*ret_failed = place->failed;
	return true;
}

void answer_cache_put(struct answer_cache *cache, struct answer_key key, struct slice bytes,
		      bool failed)
{
	struct place *place;
	size_t i;

	if (!cache || !key.exchange || bytes.size > ANSWER_CACHED_BYTES || !bytes.size)
		return;
	cache->form = key.form;
	i = place_of(cache, key);
	if (cache->asked[i] != mark_of(cache, key)) {
		cache->asked[i] = mark_of(cache, key);
		return;
	}
	place = &cache->places[i];
	if (cache->bytes + bytes.size > BYTES_MAX)
		forget(cache);
	if (place->capacity < bytes.size) {
		free(place->bytes);
		place->bytes = malloc(bytes.size);
		if (!place->bytes)
			abort();
		cache->bytes += bytes.size - place->capacity;
		place->capacity = (uint16_t)bytes.size;
	}
	memcpy(place->bytes, bytes.data, bytes.size);
	place->size = (uint16_t)bytes.size;
	place->key = key;
	place->failed = failed;
}
