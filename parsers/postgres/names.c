/* SPDX-License-Identifier: Apache-2.0 */
/* Hash table of names with chaining; see names.h. Invariant: n_buckets is 0 or a power of two, n <= 2 * n_buckets. */
#include "parsers/postgres/names.h"

#include "parsers/sql/lexer.h"
#include "parsers/sql/literal.h"

#include <stdlib.h>
#include <xxhash.h>

#define BUCKETS_FIRST 8

void pg_names_init(struct pg_names *names)
{
	*names = (struct pg_names){ 0 };
}

void pg_names_release(struct pg_names *names, void (*free_thing)(struct pg_named *))
{
	for (size_t i = 0; i < names->n_buckets; i++) {
		while (free_thing && names->buckets[i]) {
			struct pg_named *named = names->buckets[i];

			names->buckets[i] = named->next;
			free_thing(named);
		}
	}
	free(names->buckets);
	pg_names_init(names);
}

static uint32_t hash_of(struct slice name)
{
	return name.size ? (uint32_t)XXH3_64bits(name.data, name.size) : 0;
}

static struct pg_named **find_link(const struct pg_names *names, struct slice name, uint32_t hash)
{
	struct pg_named **link;

	if (!names->n_buckets)
		return NULL;
	link = &names->buckets[hash & (names->n_buckets - 1)];
	while (*link && ((*link)->hash != hash || !slice_equal((*link)->name, name)))
		link = &(*link)->next;
	return link;
}

struct pg_named *pg_names_find(const struct pg_names *names, struct slice name)
{
	struct pg_named **link = find_link(names, name, hash_of(name));

	return link ? *link : NULL;
}

static void grow(struct pg_names *names)
{
	size_t n_buckets = names->n_buckets ? 4 * names->n_buckets : BUCKETS_FIRST;
	struct pg_named **buckets = calloc(n_buckets, sizeof(struct pg_named *));

	if (!buckets)
		abort();
	for (size_t i = 0; i < names->n_buckets; i++) {
		while (names->buckets[i]) {
			struct pg_named *named = names->buckets[i];
			struct pg_named **bucket = &buckets[named->hash & (n_buckets - 1)];

			names->buckets[i] = named->next;
			named->next = *bucket;
			*bucket = named;
		}
	}
	free(names->buckets);
	names->buckets = buckets;
	names->n_buckets = n_buckets;
}

static struct pg_named *unlink_at(struct pg_names *names, struct pg_named **link)
{
	struct pg_named *named = link ? *link : NULL;

	if (!named)
		return NULL;
	*link = named->next;
	named->next = NULL;
	names->n--;
	names->bytes -= named->bytes;
	return named;
}

struct pg_named *pg_names_put(struct pg_names *names, struct pg_named *named)
{
	struct pg_named *old, **bucket;

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

void pg_names_weigh(struct pg_names *names, struct pg_named *named, size_t bytes)
{
	names->bytes = names->bytes - named->bytes + bytes;
	named->bytes = bytes;
}

struct slice pg_last_name(struct slice canonical, struct arena *arena)
{
	static const struct sql_options options = { .dialect = SQL_POSTGRES };
	struct slice name = slice_of(NULL, 0);
	struct sql_lexer lexer;
	struct sql_token token;

	sql_lexer_init(&lexer, &options, canonical);
	while (sql_lex_next(&lexer, &token), token.type != SQL_TOKEN_END) {
		if (token.type == SQL_TOKEN_WORD)
			name = token.text;
		else if (token.type == SQL_TOKEN_QUOTED &&
			 !sql_decode_quoted(&token, &options, arena, &name))
			name = slice_of(NULL, 0);
	}
	return name;
}

void pg_names_shrink(struct pg_names *names)
{
	if (!names->n && names->n_buckets > BUCKETS_FIRST)
		pg_names_release(names, NULL);
}

struct pg_named *pg_names_take(struct pg_names *names, struct slice name)
{
	return unlink_at(names, find_link(names, name, hash_of(name)));
}
