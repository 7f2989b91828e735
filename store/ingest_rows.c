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

int ingest_rows_new(struct ingest *ingest)
{
	struct buffer sql;
	int rc;

	buffer_init(&sql, SIZE_MAX);
	buffer_append_string(&sql, insert);
	for (size_t i = 1; i < EXCHANGE_CELLS; i++)
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

	cells_bind(ingest->add_row, 1, values, EXCHANGE_CELLS);
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
	int rc;

	if (batch_add(ingest->rows, row->cells))
		return SQLITE_OK;
	rc = ingest_flush(ingest);
	if (rc != SQLITE_OK || batch_add(ingest->rows, row->cells))
		return rc;
	return add_one(ingest, row->cells);
}
