/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Batches: many rows for a table, which SQLite copies whole.
 *
 * For each column of each row that is bound SQLite runs instructions of its own, which for a wide table is most of what storing costs. So
 * rows are made here in the form in which they lie in a file ("Database File Format" of SQLite's documentation, 1.5 to 1.6
 * and 2.1), as the pages of a database that holds nothing but that table; SQLite reads it from memory (sqlite3_deserialize()), and
 * `INSERT ... SELECT *` between two tables of one shape copies records as they are.
 *
 * What SQLite checks of values that are bound it does not check here: values have the types of their columns, which is the caller's part.
 */
#ifndef MOCKPROXY_BATCH_H
#define MOCKPROXY_BATCH_H

#include "store/cell.h"

#include <sqlite3.h>

struct batch;

/*
 * For a table of the database `main` of four columns or more, whose first is its INTEGER PRIMARY KEY and which has no index yet. NULL: this SQLite cannot, or something
 * is unusual; rows are then inserted one by one.
 */
struct batch *batch_new(sqlite3 *database, const char *table);
void batch_free(struct batch *batch); /* accepts NULL */

/* How many rows wait. */
size_t batch_rows(const struct batch *batch);
/*
 * Adds a row, of which everything is copied; a cell for each column, in their order. False: it is not added, since there is no
 * room for it, or a row of the same or a higher id waits.
 */
bool batch_add(struct batch *batch, const struct cell *cells);
/* May batch_flush() be called? Once in a transaction. */
bool batch_can_flush(const struct batch *batch);
/* All that wait go into the table. SQLite's code; at an error they are lost, and SQLite may have rolled the transaction back. */
MUST_CHECK int batch_flush(struct batch *batch);
/* Gives them instead to `take` in their order, as cells by column, and forgets them. Its first result that is not SQLITE_OK. */
MUST_CHECK int batch_take(struct batch *batch,
			  int (*take)(void *context, const struct cell *values), void *context);

#endif
