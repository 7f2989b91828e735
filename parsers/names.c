/* SPDX-License-Identifier: Apache-2.0 */
/* Hash table of names with chaining; see names.h. Invariant: n_buckets is 0 or a power of two, n <= 2 * n_buckets. */
#include "parsers/names.h"

#include <stdlib.h>
#include <xxhash.h>

#define BUCKETS_FIRST 8

void names_init(struct names *names)
{
	*names = (struct names){ 0 };
}

void names_release(struct names *names, void (*free_thing)(struct named *))
{
	for (size_t i = 0; i < names->n_buckets; i++) {
		while (free_thing && names->buckets[i]) {
			struct named *named = names->buckets[i];

			names->buckets[i] = named->next;
			free_thing(named);
		}
	}
	free(names->buckets);
	names_init(names);
}

static uint32_t hash_of(struct slice name)
{
	return name.size ? (uint32_t)XXH3_64bits(name.data, name.size) : 0;
}

static struct named **find_link(const struct names *names, struct slice name, uint32_t hash)
{
	struct named **link;

	if (!names->n_buckets)
		return NULL;
	link = &names->buckets[hash & (names->n_buckets - 1)];
	while (*link && ((*link)->hash != hash || !slice_equal((*link)->name, name)))
		link = &(*link)->next;
	return link;
}

struct named *names_find(const struct names *names, struct slice name)
{
	struct named **link = find_link(names, name, hash_of(name));

	return link ? *link : NULL;
}

static void grow(struct names *names)
{
	size_t n_buckets = names->n_buckets ? 4 * names->n_buckets : BUCKETS_FIRST;
	struct named **buckets = calloc(n_buckets, sizeof(struct named *));

	if (!buckets)
		abort();
	for (size_t i = 0; i < names->n_buckets; i++) {
		while (names->buckets[i]) {
			struct named *named = names->buckets[i];
			struct named **bucket = &buckets[named->hash & (n_buckets - 1)];

			names->buckets[i] = named->next;
			named->next = *bucket;
			*bucket = named;
		}
	}
	free(names->buckets);
	names->buckets = buckets;
	names->n_buckets = n_buckets;
}

static struct named *unlink_at(struct names *names, struct named **link)
{
	struct named *named = link ? *link : NULL;

	if (!named)
		return NULL;
	*link = named->next;
	named->next = NULL;
	names->n--;
	names->bytes -= named->bytes;
	return named;
}

struct named *names_put(struct names *names, struct named *named)
{
	struct named *old, **bucket;

	named->hash = hash_of(named->name);
	old = unlink_at(names, find_link(names, named->name, named->hash));
	if (names->n >= 2 * names->n_buckets)
		grow(names);
	bucket = &names->buckets[named->hash & (names->n_buckets - 1)];
	named->next = *bucket;
	*bucket = named;
	names->n++;
	names->bytes += named->bytes;
	return old;
}

void names_weigh(struct names *names, struct named *named, size_t bytes)
{
	names->bytes = names->bytes - named->bytes + bytes;
	named->bytes = bytes;
}

void names_shrink(struct names *names)
{
	if (!names->n && names->n_buckets > BUCKETS_FIRST)
		names_release(names, NULL);
}

struct named *names_take(struct names *names, struct slice name)
{
	return unlink_at(names, find_link(names, name, hash_of(name)));
}
