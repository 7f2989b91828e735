/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of the table `exchange` on their way into it: they wait for the end of the transaction, or for somebody who looks for them, and go into it
 * together (batch.h). Few go one by one, as do large ones.
 */
#include "store/ingest_state.h"

/* For fewer SQLite's part in a batch is dearer. */
#define BATCH_ROWS_MIN ((size_t)48)

/* All columns in the table's order: so SQLite makes the row where it needs it. */
static const char insert[] =
	"INSERT OR FAIL INTO exchange (id, connection, ordinal, batch, batch_index, started_ns, "
	"first_byte_ns, duration_ns, kind, transaction_state, exact_hash, loose_hash, statement, "
	"method, authority, query, status, request_headers, response_headers, text, parameters, "
	"outcome, flags, edited, inline, columns, rows, tag, row_count, error, events, empty, "
	"insert_id, warnings, server_status) VALUES (?";

/* Of a column that no cell is for: nobody has edited it yet. */
#define NOT_EDITED (-1)

/* Which cell is the value of each of these columns. */
static const int8_t places[] = {
	CELL_ID,
	CELL_CONNECTION,
	CELL_ORDINAL,
	CELL_BATCH,
	CELL_BATCH_INDEX,
	CELL_STARTED,
	CELL_FIRST_BYTE,
	CELL_DURATION,
	CELL_KIND,
	CELL_TRANSACTION,
	CELL_EXACT,
	CELL_LOOSE,
	CELL_STATEMENT,
	CELL_METHOD,
	CELL_AUTHORITY,
	CELL_QUERY,
	CELL_STATUS,
	CELL_REQUEST_HEADERS,
	CELL_RESPONSE_HEADERS,
	CELL_TEXT,
	CELL_PARAMETERS,
	CELL_OUTCOME,
	CELL_FLAGS,
	NOT_EDITED,
	CELL_INLINE,
	CELL_COLUMNS,
	CELL_ROWS,
	CELL_TAG,
	CELL_ROW_COUNT,
	CELL_ERROR,
	CELL_EVENTS,
	CELL_EMPTY,
	CELL_INSERT_ID,
	CELL_WARNINGS,
	CELL_SERVER_STATUS,
};

int ingest_rows_new(struct ingest *ingest)
{
	struct buffer sql;
	int rc;

	buffer_init(&sql, SIZE_MAX);
	buffer_append_string(&sql, insert);
	for (size_t i = 1; i < ARRAY_SIZE(places); i++)
		buffer_append_string(&sql, ",?");
	buffer_append(&sql, ")", 2);
	rc = database_prepare(ingest->database, (const char *)sql.data, &ingest->add_row);
	buffer_release(&sql);
	if (rc == SQLITE_OK)
		ingest->rows = batch_new(ingest->database, "exchange");
	return rc;
}

static int add_one(void *context, const struct cell *values)
{
	struct ingest *ingest = context;

	cells_bind(ingest->add_row, 1, values, ARRAY_SIZE(places));
	return database_run(ingest->add_row);
}

int ingest_flush(struct ingest *ingest)
{
	size_t n = batch_rows(ingest->rows);

	if (!n)
		return SQLITE_OK;
	if (n >= BATCH_ROWS_MIN && batch_can_flush(ingest->rows))
		return batch_flush(ingest->rows);
	return batch_take(ingest->rows, add_one, ingest);
}

int ingest_add_row(struct ingest *ingest, const struct exchange_row *row)
{
	static const struct cell not_edited = { .type = CELL_IS_NUMBER };
	struct cell values[ARRAY_SIZE(places)];
	int rc;

	if (batch_add(ingest->rows, row->cells, places))
		return SQLITE_OK;
	rc = ingest_flush(ingest);
	if (rc != SQLITE_OK || batch_add(ingest->rows, row->cells, places))
		return rc;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		values[i] = places[i] < 0 ? not_edited : row->cells[places[i]];
	return add_one(ingest, values);
}
