/* SPDX-License-Identifier: Apache-2.0 */
/* What statements were at other times; see described.h. */
#include "store/described.h"

#include "store/database.h"
#include "store/decode.h"
#include "store/schema.h"

#include <stdlib.h>
#include <string.h>

/* Of two that are alike the later one counts. Recordings of before have no such table, or none with warnings. */
static const char exists_sql[] =
	"SELECT 1 FROM pragma_table_info('described') WHERE name = 'warnings'";
static const char load_sql[] =
	"SELECT d.statement, e.id, d.slot_types, d.columns, d.warnings, max(d.id) FROM described d "
	"CROSS JOIN exchange e ON e.connection = d.connection AND e.ordinal = d.behind "
	"GROUP BY d.statement, e.id ORDER BY d.statement, e.id";

static int has_table(sqlite3 *database, bool *ret_has)
{
	sqlite3_stmt *sql = NULL;
	int rc = sqlite3_prepare_v2(database, exists_sql, -1, &sql, NULL);

	if (rc != SQLITE_OK)
		return rc;
	*ret_has = sqlite3_step(sql) == SQLITE_ROW;
	return sqlite3_finalize(sql);
}

static void add(struct described *described, sqlite3_stmt *sql)
{
	struct slice json = database_column(sql, 2);
	struct described_statement *new;
	const uint32_t *types;
	uint32_t *copy = NULL;
	struct arena arena;
	size_t n = 0;

	arena_init(&arena);
	if (json.size && decode_numbers(json, &arena, SCHEMA_VALUE_MAX, &types, &n) >= 0) {
		copy = malloc((n + 1) * sizeof(*copy));
		if (!copy)
			abort();
		memcpy(copy, types, n * sizeof(*copy));
	}
	arena_release(&arena);
	if (!(described->n & (described->n - 1))) /* it has room up to the next power of two */
		described->list = realloc(described->list, (described->n ? 2 * described->n : 1) *
								   sizeof(*described->list));
	if (!described->list)
		abort();
	new = &described->list[described->n++];
	new->statement = sqlite3_column_int64(sql, 0);
	new->behind = (uint64_t)sqlite3_column_int64(sql, 1);
	new->types = copy;
	new->n_types = copy ? n : 0;
	new->columns = sqlite3_column_int64(sql, 3);
	new->warnings = (uint16_t)sqlite3_column_int64(sql, 4);
}

int described_load(struct described *described, sqlite3 *database)
{
	sqlite3_stmt *sql = NULL;
	bool has = false;
	int rc = has_table(database, &has);

	*described = (struct described){ 0 };
	if (rc == SQLITE_OK && has)
		rc = sqlite3_prepare_v2(database, load_sql, -1, &sql, NULL);
	if (rc != SQLITE_OK || !has)
		return rc;
	while (sqlite3_step(sql) == SQLITE_ROW)
		add(described, sql);
	return sqlite3_finalize(sql);
}

void described_release(struct described *described)
{
	for (size_t i = 0; i < described->n; i++)
		free((uint32_t *)described->list[i].types);
	free(described->list);
	*described = (struct described){ 0 };
}

const struct described_statement *described_find(const struct described *described,
						 int64_t statement, uint64_t behind)
{
	size_t low = 0, high = described->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct described_statement *at = &described->list[middle];

		if (at->statement == statement && at->behind == behind)
			return at;
		if (at->statement < statement ||
		    (at->statement == statement && at->behind < behind))
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}
