/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Known types, sorted by id and by when they were told; see types.h. Thousands at most: a table has
 * two of them.
 */
#include "parsers/types.h"

#include "parsers/arena.h"

#include <stdlib.h>

#define TYPES_MAX ((size_t)65536)

struct types {
	struct type_entry *list;
	size_t n;
	size_t capacity;
	struct arena arena; /* names and attributes */
};

static const struct slice sort_names[TYPE_SORTS] = {
	[TYPE_BASE] = SLICE("base"),	 [TYPE_ENUM] = SLICE("enum"),
	[TYPE_DOMAIN] = SLICE("domain"), [TYPE_COMPOSITE] = SLICE("composite"),
	[TYPE_RANGE] = SLICE("range"),	 [TYPE_MULTIRANGE] = SLICE("multirange"),
	[TYPE_ARRAY] = SLICE("array"),
};

struct slice type_sort_name(enum type_sort sort)
{
	return sort < TYPE_SORTS ? sort_names[sort] : slice_of(NULL, 0);
}

enum type_sort type_sort_by_name(struct slice name)
{
	for (size_t i = TYPE_BASE; i < TYPE_SORTS; i++)
		if (slice_equal(name, sort_names[i]))
			return (enum type_sort)i;
	return TYPE_SORT_UNKNOWN;
}

struct types *types_new(void)
{
	struct types *types = calloc(1, sizeof(*types));

	if (!types)
		abort();
	return types;
}

void types_free(struct types *types)
{
	if (!types)
		return;
	free(types->list);
	arena_release(&types->arena);
	free(types);
}

/* The first entry that is not before (id, since). */
static size_t lower_bound(const struct types *types, uint32_t id, uint64_t since)
{
	size_t low = 0;
	size_t high = types->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct type_entry *entry = &types->list[middle];

		if (entry->id < id || (entry->id == id && entry->since < since))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct type_entry *types_find(const struct types *types, uint32_t id, uint64_t at)
{
	size_t i = lower_bound(types, id, at);

	if (i < types->n && types->list[i].id == id && types->list[i].since == at)
		return &types->list[i];
	if (i && types->list[i - 1].id == id)
		return &types->list[i - 1];
	return i < types->n && types->list[i].id == id ? &types->list[i] : NULL;
}

static uint32_t array_of(const struct types *types, uint32_t element)
{
	for (size_t i = 0; i < types->n; i++)
		if (types->list[i].sort == TYPE_ARRAY && types->list[i].element == element)
			return types->list[i].id;
	return 0;
}

uint32_t types_by_name(const struct types *types, struct slice name)
{
	bool array = name.size > 2 && memcmp(name.data + name.size - 2, "[]", 2) == 0;
	uint32_t found = 0;

	if (array)
		name.size -= 2;
	for (size_t i = 0; i < types->n; i++) {
		const struct type_entry *entry = &types->list[i];

		if (!slice_equal(entry->name, name) ||
		    (i + 1 < types->n && entry[1].id == entry->id))
			continue;
		if (found)
			return 0;
		found = entry->id;
	}
	return found && array ? array_of(types, found) : found;
}

static bool same_attributes(const struct type_entry *a, const struct type_entry *b)
{
	return a->n_attributes == b->n_attributes &&
	       (!a->n_attributes || memcmp(a->attributes, b->attributes,
					   a->n_attributes * sizeof(*a->attributes)) == 0);
}

static bool contradicts(const struct type_entry *known, const struct type_entry *told)
{
	return (known->name.data && told->name.data && !slice_equal(known->name, told->name)) ||
	       (known->sort && told->sort && known->sort != told->sort) ||
	       (known->element && told->element && known->element != told->element) ||
	       (known->attributes && told->attributes && !same_attributes(known, told));
}

/* Adds what was told and not known; false: nothing. */
static bool fill(struct types *types, struct type_entry *known, const struct type_entry *told)
{
	bool news = false;

	if (!known->name.data && told->name.data) {
		known->name = told->name.size ? arena_copy(&types->arena, told->name) : SLICE("");
		news = true;
	}
	if (!known->sort && told->sort) {
		known->sort = told->sort;
		news = true;
	}
	if (!known->element && told->element) {
		known->element = told->element;
		news = true;
	}
	if (!known->attributes && told->attributes) {
		size_t size = told->n_attributes * sizeof(*told->attributes);
		uint32_t *attributes = arena_alloc(&types->arena, size + 1);

		if (size)
			memcpy(attributes, told->attributes, size);
		known->attributes = attributes;
		known->n_attributes = told->n_attributes;
		news = true;
	}
	return news;
}

static struct type_entry *insert(struct types *types, uint32_t id, uint64_t since)
{
	size_t i = lower_bound(types, id, since);

	if (types->n == types->capacity) {
		types->capacity = types->capacity ? 2 * types->capacity : 16;
		types->list = realloc(types->list, types->capacity * sizeof(*types->list));
		if (!types->list)
			abort();
	}
	memmove(&types->list[i + 1], &types->list[i], (types->n - i) * sizeof(*types->list));
	types->list[i] = (struct type_entry){ .id = id, .since = since };
	types->n++;
	return &types->list[i];
}

bool types_learn(struct types *types, const struct type_entry *told,
		 const struct type_entry **ret_entry)
{
	size_t i = lower_bound(types, told->id, TYPE_SCOPE_NOW);
	struct type_entry *known = NULL;

	if (i && types->list[i - 1].id == told->id)
		known = &types->list[i - 1];
	/* What one exchange says of a type twice, and differently, is of no use. */
	if (known && contradicts(known, told) && known->since >= told->since)
		return false;
	if (!known || contradicts(known, told)) {
		if (types->n >= TYPES_MAX)
			return false;
		known = insert(types, told->id, told->since);
		(void)fill(types, known, told);
	} else if (!fill(types, known, told)) {
		return false;
	}
	*ret_entry = known;
	return true;
}
