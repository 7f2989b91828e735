/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ingest: items into rows. Owns the prepared statements and what has to be known of each connection
 * between its items; the transaction around them is the caller's. Used by the writer's thread
 * alone.
 */
#ifndef MOCKPROXY_INGEST_H
#define MOCKPROXY_INGEST_H

#include "store/database.h"

struct ingest;

/* SQLITE_OK, or SQLite's error. The database has the schema. */
MUST_CHECK int ingest_new(sqlite3 *database, struct ingest **ret_ingest);
void ingest_free(struct ingest *ingest); /* accepts NULL */

/* SQLITE_OK, or the error after which the recording cannot go on. */
MUST_CHECK int ingest_item(struct ingest *ingest, const struct item *item);

/* Writes what ingest_item() left waiting: before a COMMIT. */
MUST_CHECK int ingest_flush(struct ingest *ingest);

/* What was counted so far; bytes of file and queue are the caller's. */
const struct writer_summary *ingest_summary(const struct ingest *ingest);

#endif
