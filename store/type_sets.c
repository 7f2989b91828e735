/* SPDX-License-Identifier: Apache-2.0 */
/* See type_sets.h. There are as few sets as databases, so that they are looked through. */
#include "store/type_sets.h"

#include "parsers/arena.h"
#include "store/database.h"
#include "store/decode.h"

#include <stdlib.h>

struct type_set {
	uint32_t place;
	struct slice database; /* owned */
	struct types *types;
};

const struct types *type_sets_find(const struct type_sets *sets, uint32_t place,
				   struct slice database)
{
	for (size_t i = 0; i < sets->n; i++)
		if (sets->list[i].place == place && slice_equal(sets->list[i].database, database))
			return sets->list[i].types;
	return NULL;
}

static struct types *set_of(struct type_sets *sets, uint32_t place, struct slice database)
{
	struct type_set *set;
	uint8_t *copy;

	for (size_t i = 0; i < sets->n; i++)
		if (sets->list[i].place == place && slice_equal(sets->list[i].database, database))
			return sets->list[i].types;
	sets->list = realloc(sets->list, (sets->n + 1) * sizeof(*sets->list));
	copy = malloc(database.size + 1);
	if (!sets->list || !copy)
		abort();
	if (database.size)
		memcpy(copy, database.data, database.size);
	set = &sets->list[sets->n++];
	*set = (struct type_set){ place, slice_of(copy, database.size), types_new() };
	return set->types;
}

/* Reads the row that `sql` stands on. */
static void read_type(struct type_sets *sets, const struct endpoints *endpoints, sqlite3_stmt *sql,
		      struct arena *arena)
{
	uint32_t place = endpoints_place(endpoints, sqlite3_column_int64(sql, 0));
	int64_t id = sqlite3_column_int64(sql, 2);
	int64_t since = sqlite3_column_int64(sql, 3);
	int64_t element = sqlite3_column_int64(sql, 6);
	struct slice attributes = database_column(sql, 7);
	struct type_entry told = { .name = database_column(sql, 4),
				   .sort = (uint8_t)type_sort_by_name(database_column(sql, 5)) };
	const struct type_entry *entry;

	if (!place || id < 1 || id > UINT32_MAX || since < 0 || element < 0 || element > UINT32_MAX)
		return;
	told.id = (uint32_t)id;
	told.since = (uint64_t)since;
	told.element = (uint32_t)element;
	if (attributes.data && decode_numbers(attributes, arena, TYPE_ATTRIBUTES_MAX,
					      &told.attributes, &told.n_attributes) < 0)
		told.attributes = NULL;
	(void)types_learn(set_of(sets, place, database_column(sql, 1)), &told, &entry);
}

int type_sets_load(struct type_sets *sets, const struct endpoints *endpoints, sqlite3 *database)
{
	sqlite3_stmt *sql = NULL;
	struct arena arena;
	int rc = sqlite3_prepare_v2(database,
				    "SELECT endpoint, database, type_id, since, name, kind, "
				    "element, attributes FROM type ORDER BY type_id, since",
				    -1, &sql, NULL);

	if (rc != SQLITE_OK)
		return rc;
	arena_init(&arena);
	while (sqlite3_step(sql) == SQLITE_ROW) {
		read_type(sets, endpoints, sql, &arena);
		arena_reset(&arena);
	}
	arena_release(&arena);
	return sqlite3_finalize(sql);
}

void type_sets_release(struct type_sets *sets)
{
	for (size_t i = 0; i < sets->n; i++) {
		free((void *)sets->list[i].database.data);
		types_free(sets->list[i].types);
	}
	free(sets->list);
	*sets = (struct type_sets){ 0 };
}
