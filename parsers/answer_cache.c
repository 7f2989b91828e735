/* SPDX-License-Identifier: Apache-2.0 */
/* Direct-mapped cache of encoded answers; see answer_cache.h. Invariant: `bytes` is the capacity of all places. */
#include "parsers/answer_cache.h"

#include <stdlib.h>

/* When more is held than this, all is forgotten. */
#define BYTES_MAX ((size_t)8 << 20)

struct place {
	struct answer_key key; /* exchange 0: free */
	uint16_t size;	       /* 0: it was asked for once, and nothing is kept yet */
	uint16_t capacity;
	bool failed;
	uint8_t *bytes;
};

struct answer_cache {
	size_t bytes;
	size_t n;
	uint64_t form; /* of the last put */
	struct place places[];
};

struct answer_cache *answer_cache_new(size_t places)
{
	struct answer_cache *cache = calloc(1, sizeof(*cache) + places * sizeof(cache->places[0]));

	if (!cache)
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
	free(cache);
}

/* Exchanges are numbered one by one: as many as there are places, asked in one form, have one each. */
static size_t place_of(const struct answer_cache *cache, struct answer_key key)
{
	return (key.exchange ^ (key.form * 0x9e3779b97f4a7c15u) >> 40) & (cache->n - 1);
}

void answer_cache_expect(const struct answer_cache *cache, uint64_t exchange)
{
	if (cache)
		__builtin_prefetch(&cache->places[place_of(
			cache, (struct answer_key){ exchange, cache->form })]);
}

bool answer_cache_find(const struct answer_cache *cache, struct answer_key key,
		       struct slice *ret_bytes, bool *ret_failed)
{
	const struct place *place;

	if (!cache)
		return false;
	place = &cache->places[place_of(cache, key)];
	if (!key.exchange || !place->size || place->key.exchange != key.exchange ||
	    place->key.form != key.form)
		return false;
	*ret_bytes = slice_of(place->bytes, place->size);
	*ret_failed = place->failed;
	return true;
}

void answer_cache_put(struct answer_cache *cache, struct answer_key key, struct slice bytes,
		      bool failed)
{
	struct place *place;

	if (!cache || bytes.size > ANSWER_CACHED_BYTES || !bytes.size)
		return;
	cache->form = key.form;
	place = &cache->places[place_of(cache, key)];
	if (place->key.exchange != key.exchange || place->key.form != key.form) {
		place->key = key;
		place->size = 0;
		return;
	}
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
