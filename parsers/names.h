/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of a connection's prepared statements or portals: a hash table of things that begin with a struct named. The
 * table links them and does not own them. There may be a million (nothing makes a client close them), so that
 * look-ups do not depend on how many there are; `bytes` is what their owner says that they weigh.
 */
#ifndef MOCKPROXY_NAMES_H
#define MOCKPROXY_NAMES_H

#include "parsers/slice.h"

struct named {
	struct named *next;
	struct slice name; /* lies with the thing that is named; empty: the unnamed one */
	uint32_t hash;
	size_t bytes;
};

struct names {
	struct named **buckets;
	size_t n_buckets;
	size_t n;
	size_t bytes;
};

void names_init(struct names *names);
/* Calls `free_thing` for each and frees the table. */
void names_release(struct names *names, void (*free_thing)(struct named *));
struct named *names_find(const struct names *names, struct slice name); /* NULL: none */
/* Puts it in; gives back what had the name before, for the caller to free, or NULL. */
struct named *names_put(struct names *names, struct named *named);
/* Takes it out; NULL: none of that name. */
struct named *names_take(struct names *names, struct slice name);
/* A thing in the table weighs `bytes` now. */
void names_weigh(struct names *names, struct named *named, size_t bytes);
/* Gives back what an empty table holds from when it was large: going over its buckets would cost that ever again. */
void names_shrink(struct names *names);

#endif
