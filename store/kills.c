/* SPDX-License-Identifier: Apache-2.0 */
/* See kills.h. Few recordings have a KILL: of the others one look at the statements is all. */
#include "store/kills.h"

#include "store/grown.h"

#include <stdlib.h>

static const char any_sql[] = "SELECT 1 FROM statement WHERE verb = 'kill' LIMIT 1";
/*
 * KILLs that were accepted, and what the session of that number was at; the number may be of another server's. Each step is made
 * once: SQLite's own order looks at every exchange for every other one.
 */
static const char load_sql[] =
	"WITH texts AS MATERIALIZED (SELECT id FROM statement WHERE verb = 'kill'), "
	"killing AS MATERIALIZED (SELECT connection, started_ns, CASE WHEN json_valid(parameters) "
	"THEN CAST(json_extract(parameters, '$[0]') AS INTEGER) END AS number "
	"FROM exchange WHERE statement IN texts AND outcome = 1), "
	"killed AS MATERIALIZED (SELECT c.id AS connection, k.connection AS by, k.started_ns "
	"FROM killing k JOIN connection c ON c.backend = k.number WHERE c.id <> k.connection) "
	"SELECT DISTINCT e.id, k.by, e.connection "
	"FROM exchange e CROSS JOIN killed k ON k.connection = e.connection "
	"WHERE e.started_ns <= k.started_ns AND (e.duration_ns IS NULL OR "
	"e.started_ns + e.duration_ns >= k.started_ns) ORDER BY e.id";

static int is_any(struct kills *kills, sqlite3 *database)
{
	sqlite3_stmt *sql = NULL;
	int rc = sqlite3_prepare_v2(database, any_sql, -1, &sql, NULL);

	if (rc != SQLITE_OK)
		return rc;
	kills->any = sqlite3_step(sql) == SQLITE_ROW;
	return sqlite3_finalize(sql);
}

static bool at_one_place(const struct endpoints *endpoints, int64_t a, int64_t b)
{
	const struct endpoint_connection *first = endpoints_connection(endpoints, a);
	const struct endpoint_connection *second = endpoints_connection(endpoints, b);

	return first && second && first->place == second->place;
}

int kills_load(struct kills *kills, const struct endpoints *endpoints, sqlite3 *database)
{
	sqlite3_stmt *sql = NULL;
	int rc;

	*kills = (struct kills){ 0 };
	rc = is_any(kills, database);
	if (rc != SQLITE_OK || !kills->any)
		return rc;
	rc = sqlite3_prepare_v2(database, load_sql, -1, &sql, NULL);
	if (rc != SQLITE_OK)
		return rc;
	while (sqlite3_step(sql) == SQLITE_ROW) {
		if (!at_one_place(endpoints, sqlite3_column_int64(sql, 1),
				  sqlite3_column_int64(sql, 2)))
			continue;
		kills->interrupted =
			grown(kills->interrupted, kills->n, sizeof(*kills->interrupted));
		kills->interrupted[kills->n++] = sqlite3_column_int64(sql, 0);
	}
	return sqlite3_finalize(sql);
}

void kills_release(struct kills *kills)
{
	free(kills->interrupted);
	*kills = (struct kills){ 0 };
}

static int compare_ids(const void *a, const void *b)
{
	const int64_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

bool kills_interrupted(const struct kills *kills, int64_t exchange)
{
	return kills->n && bsearch(&exchange, kills->interrupted, kills->n,
				   sizeof(*kills->interrupted), compare_ids);
}
