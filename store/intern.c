/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A chained hash table over bytes; see intern.h. Invariant: n_buckets is 0 or a power of two, at
 * least n.
 */
#include "store/intern.h"

#include <stdalign.h>
#include <stdlib.h>
#include <xxhash.h>

#define BUCKETS_FIRST ((size_t)256)

struct intern_entry {
	struct intern_entry *next;
	uint64_t hash;
	size_t key_size;
	size_t payload_size;
	alignas(max_align_t) uint8_t bytes[]; /* the payload, then the key */
};

void intern_init(struct intern *intern, size_t bytes_max)
{
	*intern = (struct intern){ .bytes_max = bytes_max };
}

void intern_release(struct intern *intern)
{
	for (size_t i = 0; i < intern->n_buckets; i++) {
		struct intern_entry *entry = intern->buckets[i];

		while (entry) {
			struct intern_entry *next = entry->next;

			free(entry);
			entry = next;
		}
	}
	free(intern->buckets);
	intern_init(intern, intern->bytes_max);
}

bool intern_trim(struct intern *intern)
{
	if (intern->bytes <= intern->bytes_max)
		return false;
	intern_release(intern);
	return true;
}

void *intern_find(const struct intern *intern, struct slice key)
{
	uint64_t hash;

	if (!intern->n_buckets)
		return NULL;
	hash = XXH3_64bits(key.data, key.size);
	for (struct intern_entry *e = intern->buckets[hash & (intern->n_buckets - 1)]; e;
	     e = e->next) {
		if (e->hash == hash &&
		    slice_equal(slice_of(e->bytes + e->payload_size, e->key_size), key))
			return e->bytes;
	}
	return NULL;
}

static void intern_grow(struct intern *intern)
{
	size_t n_buckets = intern->n_buckets ? 2 * intern->n_buckets : BUCKETS_FIRST;
	struct intern_entry **buckets = calloc(n_buckets, sizeof(struct intern_entry *));

	if (!buckets)
		abort();
	for (size_t i = 0; i < intern->n_buckets; i++) {
		struct intern_entry *entry = intern->buckets[i];

		while (entry) {
			struct intern_entry *next = entry->next;

			entry->next = buckets[entry->hash & (n_buckets - 1)];
			buckets[entry->hash & (n_buckets - 1)] = entry;
			entry = next;
		}
	}
	free(intern->buckets);
	intern->buckets = buckets;
	intern->n_buckets = n_buckets;
}

void *intern_add(struct intern *intern, struct slice key, size_t payload_size)
{
	struct intern_entry *entry = calloc(1, sizeof(*entry) + payload_size + key.size);
	struct intern_entry **bucket;

	if (!entry)
		abort();
	if (intern->n == intern->n_buckets)
		intern_grow(intern);
	entry->hash = XXH3_64bits(key.data, key.size);
	entry->key_size = key.size;
	entry->payload_size = payload_size;
	if (key.size)
		memcpy(entry->bytes + payload_size, key.data, key.size);
	bucket = &intern->buckets[entry->hash & (intern->n_buckets - 1)];
	entry->next = *bucket;
	*bucket = entry;
	intern->n++;
	intern->bytes += sizeof(*entry) + payload_size + key.size;
	return entry->bytes;
}
