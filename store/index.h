/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Index: the identities of all exchanges in memory, 16 bytes for each (design §7), and which of
 * them were given.
 *
 *	key ──▶ directory (by its upper bits) ──▶ | entry | entry | ... by key, then time
 *	                                          ▲ group: the run of one key, in the order of time
 *
 * A second index may stand over a first one: its keys divide the first one's groups, and instead of exchanges it holds places
 * of the first one's entries, which alone know what was given.
 *
 * Building is for one thread; afterwards all functions may be called from any, without locks. A key
 * is a hash: who finds a group still compares.
 */
#ifndef MOCKPROXY_INDEX_H
#define MOCKPROXY_INDEX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct index_entry {
	uint64_t key;
	uint32_t exchange;
	/* INDEX_GIVEN; and in a group's first entry how many from its start are given. Until index_begin(): a tag. */
	_Atomic uint32_t state;
};

#define INDEX_GIVEN 0x80000000u

struct index {
	struct index_entry *entries;
	size_t n;
	size_t capacity;
	int64_t *times;	     /* of the entries, until index_sort() */
	uint32_t *directory; /* 2^bits + 1 of them */
	unsigned int bits;
};

struct index_group {
	struct index_entry *first;
	size_t n;
	struct index_entry
		*under; /* entries of the index that this one stands over; NULL: of none */
};

void index_init(struct index *index);
void index_release(struct index *index);

/*
 * At most 2^31 - 1 entries; false when it is full. The tag is the caller's, until index_begin(). Entries of one time, and without
 * one (0), stay in the order in which they were added.
 */
bool index_add(struct index *index, uint64_t key, uint32_t exchange, uint32_t tag, int64_t time_ns);
void index_sort(struct index *index);
/* Nothing is given yet: ends the building, behind the sorting. */
void index_begin(struct index *index);

/* n is 0 when there is none. */
struct index_group index_find(const struct index *index, uint64_t key);

/* The exchange of an entry. */
uint32_t index_exchange(const struct index_group *group, size_t i);
/* Where the first entry that was not given may be: all before it were. n: all were given. */
size_t index_cursor(const struct index_group *group);
bool index_is_given(const struct index_group *group, size_t i);
/* Marks it given: true when this call did it. */
bool index_give(const struct index_group *group, size_t i);

/* Entries that were never given. */
uint64_t index_unused(const struct index *index);

#endif
