/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Merging (design §2): a query string whose results did not fit its split into statements is one
 * exchange. Its exchanges were stored already; they become the first of them, their results
 * numbered on. Rare, so its statements are prepared when they are needed.
 */
#include "store/ingest_state.h"
#include "store/parameters.h"
#include "store/verify.h"

/* Runs a statement with integer parameters. */
static int run(sqlite3 *database, const char *sql, const int64_t *values, int n)
{
	sqlite3_stmt *statement = NULL;
	int rc = sqlite3_prepare_v2(database, sql, -1, &statement, NULL);

	if (rc != SQLITE_OK)
		return rc;
	for (int i = 0; i < n; i++)
		sqlite3_bind_int64(statement, i + 1, values[i]);
	sqlite3_step(statement);
	return sqlite3_finalize(statement);
}

/* Moves all that belongs to exchange `from` behind what `to` has. */
static int move_results(sqlite3 *database, int64_t to, int64_t from)
{
	static const char *const moves[] = {
		/*
		 * Numbers of parts stand in the rows' JSON and may be taken: such an exchange is
		 * marked.
		 */
		"UPDATE exchange SET flags = flags | ?3 WHERE id = ?1 AND EXISTS "
		"(SELECT 1 FROM value_part WHERE exchange = ?2)",
		/* Results that are inline are taken out first: the first exchange's once. */
		"INSERT INTO result_apart SELECT * FROM result WHERE exchange IN (?1, ?2) AND "
		"exchange IN (SELECT id FROM exchange WHERE id IN (?1, ?2) AND inline)",
		"INSERT INTO rows_apart SELECT * FROM result_rows WHERE exchange IN (?1, ?2) AND "
		"exchange IN (SELECT id FROM exchange WHERE id IN (?1, ?2) AND inline)",
		"UPDATE exchange SET inline = 0, columns = NULL, rows = NULL, tag = NULL, "
		"row_count = NULL, error = NULL, events = NULL, empty = 0, insert_id = NULL, "
		"warnings = NULL, server_status = NULL WHERE id IN (?1, ?2)",
		"UPDATE rows_apart SET exchange = ?1, result = result + "
		"(SELECT coalesce(max(number) + 1, 0) FROM result_apart WHERE exchange = ?1) "
		"WHERE exchange = ?2",
		"UPDATE result_apart SET exchange = ?1, number = number + "
		"(SELECT coalesce(max(number) + 1, 0) FROM result_apart WHERE exchange = ?1) "
		"WHERE exchange = ?2",
		"UPDATE exchange SET flags = a.flags | b.flags, outcome = b.outcome, "
		"duration_ns = b.started_ns + b.duration_ns - a.started_ns "
		"FROM exchange a, exchange b "
		"WHERE exchange.id = ?1 AND a.id = ?1 AND b.id = ?2",
		"DELETE FROM value_part WHERE exchange = ?2 AND ?1 <> ?3",
		"DELETE FROM copy WHERE exchange = ?2 AND ?1 <> ?3",
		"DELETE FROM exchange WHERE id = ?2 AND ?1 <> ?3",
	};
	const int64_t values[] = { to, from, EXCHANGE_NOT_DECODED };
	int rc = SQLITE_OK;

	for (size_t i = 0; i < ARRAY_SIZE(moves) && rc == SQLITE_OK; i++) {
		/*
		 * Each names ?1 and ?2 at least; binding a ?3 that is not there is refused and
		 * harmless.
		 */
		rc = run(database, moves[i], values, ARRAY_SIZE(values));
	}
	return rc;
}

/* The batch's exchanges in order, from its first on: the next after `after`, or 0. */
static int next_of_batch(sqlite3 *database, const struct connection_state *connection,
			 int64_t after, int64_t *ret_id)
{
	sqlite3_stmt *statement = NULL;
	int rc = sqlite3_prepare_v2(database,
				    "SELECT id FROM exchange WHERE id > ?1 AND connection = ?2 "
				    "AND batch = ?3 ORDER BY id LIMIT 1",
				    -1, &statement, NULL);

	*ret_id = 0;
	if (rc != SQLITE_OK)
		return rc;
	sqlite3_bind_int64(statement, 1, after);
	sqlite3_bind_int64(statement, 2, (int64_t)connection->number);
	sqlite3_bind_int64(statement, 3, (int64_t)connection->batch);
	if (sqlite3_step(statement) == SQLITE_ROW)
		*ret_id = sqlite3_column_int64(statement, 0);
	return sqlite3_finalize(statement);
}

static int set_merged(struct ingest *ingest, int64_t exchange)
{
	const int64_t values[] = { exchange, EXCHANGE_MERGED };

	return run(ingest->database, "UPDATE exchange SET flags = flags | ?2 WHERE id = ?1", values,
		   ARRAY_SIZE(values));
}

/* The first exchange becomes the whole text's. Its hashes are left to the matcher. */
static int set_text(struct ingest *ingest, const struct connection_state *connection,
		    const struct batch_merge_item *item)
{
	const int64_t values[] = { connection->batch_first, EXCHANGE_MERGED };
	sqlite3_stmt *statement = NULL;
	struct identity identity;
	struct sql_value *slots;
	int rc;

	ingest_statement_of(ingest, connection, connection->batch_context, item->text,
			    &(struct declared_types){ 0 }, &identity);
	slots = arena_alloc(&ingest->arena,
			    (identity.template.statement.n_slots + 1) * sizeof(*slots));
	sql_slot_values(&identity.template.statement, NULL, 0, slots);
	buffer_clear(&ingest->json);
	parameters_json(slots, identity.template.statement.n_slots, &ingest->json);
	rc = sqlite3_prepare_v2(ingest->database,
				"UPDATE exchange SET statement = ?1, text = ?2, parameters = ?3 "
				"WHERE id = ?4",
				-1, &statement, NULL);
	if (rc != SQLITE_OK)
		return rc;
	sqlite3_bind_int64(statement, 1, identity.statement);
	database_bind(statement, 2, ingest_own_text(&identity));
	database_bind_nonempty(statement, 3, buffer_slice(&ingest->json));
	sqlite3_bind_int64(statement, 4, connection->batch_first);
	sqlite3_step(statement);
	rc = sqlite3_finalize(statement);
	if (rc != SQLITE_OK)
		return rc;
	/* The trigger took it for an edit by hand. */
	return run(ingest->database,
		   "UPDATE exchange SET edited = 0, flags = flags | ?2 WHERE id = ?1", values,
		   ARRAY_SIZE(values));
}

int ingest_merge(struct ingest *ingest, struct connection_state *connection,
		 const struct batch_merge_item *item)
{
	int64_t first = connection->batch_first;
	int64_t id;
	int rc;

	if (!connection->session || !first || connection->batch != item->batch)
		return SQLITE_OK;
	rc = ingest_flush(ingest);
	while (rc == SQLITE_OK) {
		rc = next_of_batch(ingest->database, connection, first, &id);
		if (rc == SQLITE_OK && id)
			rc = move_results(ingest->database, first, id);
		if (rc == SQLITE_OK && id)
			rc = verify_join(ingest->database, first, id);
		if (rc != SQLITE_OK || !id)
			break;
		ingest->summary.exchanges--;
	}
	if (rc != SQLITE_OK)
		return rc;
	/* One statement's text left with the exchange's first piece: it is in its row. */
	return item->text.size ? set_text(ingest, connection, item) : set_merged(ingest, first);
}
