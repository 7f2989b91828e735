/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of a connection's prepared statements or portals: a hash table of things that begin with a struct pg_named. The
 * table links them and does not own them. There may be a million (nothing makes a client close them), so that
 * look-ups do not depend on how many there are; `bytes` is what their owner says that they weigh.
 */
#ifndef MOCKPROXY_POSTGRES_NAMES_H
#define MOCKPROXY_POSTGRES_NAMES_H

#include "parsers/arena.h"

struct pg_named {
	struct pg_named *next;
	struct slice name; /* lies with the thing that is named; empty: the unnamed one */
	uint32_t hash;
	size_t bytes;
};

struct pg_names {
	struct pg_named **buckets;
	size_t n_buckets;
	size_t n;
	size_t bytes;
};

void pg_names_init(struct pg_names *names);
/* Calls `free_thing` for each and frees the table. */
void pg_names_release(struct pg_names *names, void (*free_thing)(struct pg_named *));
struct pg_named *pg_names_find(const struct pg_names *names, struct slice name); /* NULL: none */
/* Puts it in; gives back what had the name before, for the caller to free, or NULL. */
struct pg_named *pg_names_put(struct pg_names *names, struct pg_named *named);
/* Takes it out; NULL: none of that name. */
struct pg_named *pg_names_take(struct pg_names *names, struct slice name);
/* A thing in the table weighs `bytes` now. */
void pg_names_weigh(struct pg_names *names, struct pg_named *named, size_t bytes);
/* The name that a canonical statement ends with, as DEALLOCATE's does: decoded, in the text or the arena. */
struct slice pg_last_name(struct slice canonical, struct arena *arena);
/* Gives back what an empty table holds from when it was large: going over its buckets would cost that ever again. */
void pg_names_shrink(struct pg_names *names);

#endif
