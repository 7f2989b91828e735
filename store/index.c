/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The identity index; see index.h. Sorting is a radix sort: stable, so that a group stays in
 * the order of time, and as fast for a million equal keys as for a million different ones.
 *
 * Invariant: a group's cursor never passes an entry that was not given. It may lag behind; who
 * finds it so moves it on, which costs each entry one step in all.
 */
#include "store/index.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define RADIX_BITS 16
#define RADIX ((size_t)1 << RADIX_BITS)
/* Below this, counting 65536 digits costs more than it saves. */
#define INSERTION_MAX ((size_t)256)
#define ENTRIES_MAX ((size_t)INT32_MAX)
#define HUGE_PAGE ((size_t)2 << 20)
/*
 * About so many entries for each slot of the directory, which is small for that and stays near the processor. Their lines come from
 * memory all at once: one is waited for.
 */
#define SLOT_ENTRIES ((size_t)16)
#define LINE_BYTES ((size_t)64)

void index_init(struct index *index)
{
	*index = (struct index){ 0 };
}

void index_release(struct index *index)
{
	free(index->entries);
	free(index->directory);
	free(index->times);
	index_init(index);
}

bool index_add(struct index *index, uint64_t key, uint32_t exchange, uint32_t tag, int64_t time_ns)
{
	if (index->n == ENTRIES_MAX)
		return false;
	if (index->n == index->capacity) {
		/* realloc() of large blocks moves pages, it does not copy them. */
		index->capacity = index->capacity ? index->capacity + index->capacity / 2 : 1024;
		index->entries = realloc(index->entries, index->capacity * sizeof(*index->entries));
		index->times = realloc(index->times, index->capacity * sizeof(*index->times));
		if (!index->entries || !index->times)
			abort();
	}
	index->times[index->n] = time_ns;
	index->entries[index->n].key = key;
	index->entries[index->n].exchange = exchange;
	atomic_init(&index->entries[index->n].state, tag);
	index->n++;
	return true;
}

struct timed {
	int64_t time_ns;
	uint32_t at;
};

static int compare_times(const void *a, const void *b)
{
	const struct timed *left = a, *right = b;

	if (left->time_ns != right->time_ns)
		return left->time_ns < right->time_ns ? -1 : 1;
	return left->at < right->at ? -1 : left->at > right->at;
}

/* The entries of [from, to), by time. */
static void sort_times(struct index *index, size_t from, size_t to)
{
	size_t n = to - from;
	struct timed *order = malloc(n * sizeof(*order));
	struct index_entry *copy = malloc(n * sizeof(*copy));

	if (!order || !copy)
		abort();
	for (size_t i = 0; i < n; i++)
		order[i] = (struct timed){ index->times[from + i], (uint32_t)i };
	memcpy(copy, &index->entries[from], n * sizeof(*copy));
	qsort(order, n, sizeof(*order), compare_times);
	for (size_t i = 0; i < n; i++)
		memcpy(&index->entries[from + i], &copy[order[i].at], sizeof(*copy));
	free(order);
	free(copy);
}

/*
 * Connections on several threads reach the recording some milliseconds apart from the order in which things happened, so nearly all
 * is in order, and what is not lies close together: [from, to) is what must be sorted for the later ones to lie behind it.
 */
static void order_by_time(struct index *index)
{
	int64_t *least; /* of this entry and all that follow */
	int64_t highest = INT64_MIN;
	size_t from = 0;

	if (!index->n)
		return;
	least = malloc(index->n * sizeof(*least));
	if (!least)
		abort();
	for (size_t i = index->n; i-- > 0;)
		least[i] = i + 1 < index->n && least[i + 1] < index->times[i] ? least[i + 1] :
										index->times[i];
	for (size_t i = 0; i < index->n; i++) {
		if (index->times[i] > highest)
			highest = index->times[i];
		if (i + 1 < index->n && least[i + 1] < highest)
			continue;
		if (i > from)
			sort_times(index, from, i + 1);
		from = i + 1;
	}
	free(least);
	free(index->times);
	index->times = NULL;
}

static void insertion_sort(struct index_entry *entries, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		uint64_t key = entries[i].key;
		uint32_t exchange = entries[i].exchange;
		uint32_t tag = entries[i].state;
		size_t at = i;

		for (; at && entries[at - 1].key > key; at--) {
			entries[at].key = entries[at - 1].key;
			entries[at].exchange = entries[at - 1].exchange;
			atomic_init(&entries[at].state, entries[at - 1].state);
		}
		entries[at].key = key;
		entries[at].exchange = exchange;
		atomic_init(&entries[at].state, tag);
	}
}

static void radix_pass(const struct index_entry *from, struct index_entry *to, size_t n,
		       unsigned int shift, uint32_t *counts)
{
	uint32_t sum = 0;

	memset(counts, 0, RADIX * sizeof(*counts));
	for (size_t i = 0; i < n; i++)
		counts[from[i].key >> shift & (RADIX - 1)]++;
	for (size_t i = 0; i < RADIX; i++) {
		uint32_t count = counts[i];

		counts[i] = sum;
		sum += count;
	}
	for (size_t i = 0; i < n; i++) {
		struct index_entry *entry = &to[counts[from[i].key >> shift & (RADIX - 1)]++];

		entry->key = from[i].key;
		entry->exchange = from[i].exchange;
		atomic_init(&entry->state, from[i].state);
	}
}

/* Look-ups go to any place of it: large pages make that one cache miss less. */
static void *new_block(size_t size)
{
	bool is_large = size >= HUGE_PAGE;
	void *block = is_large ? aligned_alloc(HUGE_PAGE, (size + HUGE_PAGE - 1) & -HUGE_PAGE) :
				 malloc(size);

	if (!block)
		abort();
	if (is_large)
		(void)!madvise(block, size, MADV_HUGEPAGE);
	return block;
}

static void radix_sort(struct index *index)
{
	uint32_t *counts = malloc(RADIX * sizeof(*counts));
	struct index_entry *other = NULL;

	if (!counts)
		abort();
	for (unsigned int shift = 0; shift < 64; shift += RADIX_BITS) {
		struct index_entry *sorted = other ? other : new_block(index->n * sizeof(*sorted));

		radix_pass(index->entries, sorted, index->n, shift, counts);
		if (shift == 0) { /* the first block is not such a one */
			free(index->entries);
			index->entries = new_block(index->n * sizeof(*sorted));
		}
		other = index->entries;
		index->entries = sorted;
	}
	index->capacity = index->n;
	free(other);
	free(counts);
}

static size_t directory_slot(const struct index *index, uint64_t key)
{
	return index->bits ? key >> (64 - index->bits) : 0;
}

static void make_directory(struct index *index)
{
	size_t slot = 0;

	while (index->bits < 28 && (SLOT_ENTRIES << index->bits) < index->n)
		index->bits++;
	index->directory = new_block((((size_t)1 << index->bits) + 1) * sizeof(*index->directory));
	for (size_t i = 0; i < index->n; i++)
		while (slot <= directory_slot(index, index->entries[i].key))
			index->directory[slot++] = (uint32_t)i;
	while (slot <= (size_t)1 << index->bits)
		index->directory[slot++] = (uint32_t)index->n;
}

void index_sort(struct index *index)
{
	order_by_time(index);
	if (index->n <= INSERTION_MAX)
		insertion_sort(index->entries, index->n);
	else
		radix_sort(index);
	make_directory(index);
}

/* The first entry in [low, high) whose key is not below `key`. */
static size_t lower_bound(const struct index *index, size_t low, size_t high, uint64_t key)
{
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (index->entries[middle].key < key)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void index_begin(struct index *index)
{
	for (size_t i = 0; i < index->n; i++)
		atomic_init(&index->entries[i].state, 0);
}

/* More than most slots have is one key's, and not read from end to end. */
static void prefetch_entries(const struct index *index, size_t from, size_t to)
{
	const char *at = (const char *)&index->entries[from];
	const char *end =
		(const char *)&index
			->entries[to < from + 2 * SLOT_ENTRIES ? to : from + 2 * SLOT_ENTRIES];

	for (; at < end; at += LINE_BYTES)
		__builtin_prefetch(at);
}

struct index_group index_find(const struct index *index, uint64_t key)
{
	struct index_group group = { 0 };
	size_t slot = directory_slot(index, key);
	size_t start, end, at;

	if (!index->n)
		return group;
	start = index->directory[slot];
	end = index->directory[slot + 1];
	prefetch_entries(index, start, end);
	at = lower_bound(index, start, end, key);
	if (at == end || index->entries[at].key != key)
		return group;
	group.first = &index->entries[at];
	group.n = 1;
	if (at + 1 < end && index->entries[at + 1].key == key)
		group.n = (key == UINT64_MAX ? end : lower_bound(index, at, end, key + 1)) - at;
	return group;
}

size_t index_cursor(const struct index_group *group)
{
	uint32_t state = atomic_load_explicit(&group->first->state, memory_order_relaxed);
	size_t cursor = state & ~INDEX_GIVEN;
	size_t start = cursor;

	while (cursor < group->n && index_is_given(group, cursor))
		cursor++;
	/*
	 * Moved on for the next who asks; whoever lost the race has left something that is true
	 * too.
	 */
	while (cursor > start && (state & ~INDEX_GIVEN) < cursor &&
	       !atomic_compare_exchange_weak_explicit(&group->first->state, &state,
						      (state & INDEX_GIVEN) | (uint32_t)cursor,
						      memory_order_relaxed, memory_order_relaxed))
		;
	return cursor;
}

/* The entry that knows whether it was given. */
static struct index_entry *entry_of(const struct index_group *group, size_t i)
{
	return group->under ? &group->under[group->first[i].exchange] : &group->first[i];
}

uint32_t index_exchange(const struct index_group *group, size_t i)
{
	return entry_of(group, i)->exchange;
}

bool index_is_given(const struct index_group *group, size_t i)
{
	return atomic_load_explicit(&entry_of(group, i)->state, memory_order_relaxed) & INDEX_GIVEN;
}

bool index_give(const struct index_group *group, size_t i)
{
	return !(atomic_fetch_or_explicit(&entry_of(group, i)->state, INDEX_GIVEN,
					  memory_order_relaxed) &
		 INDEX_GIVEN);
}

uint64_t index_unused(const struct index *index)
{
	uint64_t unused = 0;

	for (size_t i = 0; i < index->n; i++)
		unused += !(atomic_load_explicit(&index->entries[i].state, memory_order_relaxed) &
			    INDEX_GIVEN);
	return unused;
}
