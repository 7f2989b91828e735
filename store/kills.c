/* SPDX-License-Identifier: Apache-2.0 */
/* See kills.h. Few recordings have a KILL: of the others one look at the statements is all. */
#include "store/kills.h"

#include "store/grown.h"

#include <stdlib.h>

static const char any_sql[] = "SELECT 1 FROM statement WHERE verb = 'kill' LIMIT 1";
/*
 * KILLs that were accepted, and what the session of that number was at; the number may be of another server's. Of those that say no number of a
 * session (KILL USER, KILL @x), what was cut by the server, or interrupted (error 1317), while it was under way. Each step is made once:
 * SQLite's own order looks at every exchange for every other one.
 */
#define UNDER_WAY                                                     \
	"e.started_ns <= k.started_ns AND (e.duration_ns IS NULL OR " \
	"e.started_ns + e.duration_ns >= k.started_ns) "
static const char load_sql[] =
	"WITH texts AS MATERIALIZED (SELECT id, canonical LIKE 'kill %?' "
	"AND canonical NOT LIKE '% id ?' AND canonical NOT LIKE 'kill %user%' AS named "
	"FROM statement WHERE verb = 'kill'), "
	"killing AS MATERIALIZED (SELECT e.id, e.connection AS by, e.started_ns, t.named, "
	"CASE WHEN json_valid(e.parameters) "
	"THEN CAST(json_extract(e.parameters, '$[0]') AS INTEGER) END AS number "
	"FROM exchange e CROSS JOIN texts t ON t.id = e.statement WHERE e.outcome = 1), "
	"killed AS MATERIALIZED (SELECT k.id, k.by, k.started_ns, c.id AS connection "
	"FROM killing k JOIN connection c ON c.backend = k.number WHERE k.named), "
	"hit (id, by, connection, killer) AS (SELECT e.id, k.by, e.connection, k.id "
	"FROM exchange e CROSS JOIN killed k ON k.connection = e.connection "
	"WHERE " UNDER_WAY
	"UNION ALL SELECT e.id, k.by, e.connection, k.id FROM exchange e CROSS JOIN killing k "
	"WHERE e.outcome <> 1 AND NOT k.named AND " UNDER_WAY
	"AND (e.flags & 12288 OR EXISTS (SELECT 1 FROM result r WHERE r.exchange = e.id "
	"AND json_valid(r.error) AND json_extract(r.error, '$.code') = '1317'))) "
	"SELECT id, by, connection, min(killer) FROM hit WHERE connection <> by "
	"GROUP BY id ORDER BY id";

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
		kills->interrupted[kills->n++] = (struct interrupted){
			.exchange = sqlite3_column_int64(sql, 0),
			.killer = sqlite3_column_int64(sql, 3),
		};
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
	const struct interrupted *left = a, *right = b;

	return (left->exchange > right->exchange) - (left->exchange < right->exchange);
}

int64_t kills_interrupted(const struct kills *kills, int64_t exchange)
{
	const struct interrupted sought = { .exchange = exchange };
	const struct interrupted *found = kills->n ? bsearch(&sought, kills->interrupted, kills->n,
							     sizeof(sought), compare_ids) :
						     NULL;

	return found ? found->killer : 0;
}
