/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Database: the few things that the store does with SQLite again and again. Results are SQLite's
 * own codes; slices that are bound must live until the statement was reset.
 */
#ifndef MOCKPROXY_DATABASE_H
#define MOCKPROXY_DATABASE_H

#include "parsers/compiler.h"
#include "parsers/slice.h"
#include "store/writer.h"

#include <sqlite3.h>

/*
 * Once, before anything else of SQLite: no statistics of its memory, which cost a lock for each
 * allocation of each thread.
 */
void database_setup(void);

/* Valid UTF-8 without NUL: what SQLite's TEXT and its tools can show. */
bool database_is_text(struct slice bytes);

/* TEXT where the bytes are text, else BLOB; NULL where data is NULL. */
void database_bind(sqlite3_stmt *statement, int index, struct slice bytes);
/* As database_bind(), but an empty slice is NULL. */
/* The same of what is known to be text. */
void database_bind_text(sqlite3_stmt *statement, int index, struct slice text);
void database_bind_nonempty(sqlite3_stmt *statement, int index, struct slice bytes);

/*
 * The bytes of a TEXT or BLOB column (any other type as its text); data NULL for NULL. Valid until
 * the next step.
 */
struct slice database_column(sqlite3_stmt *statement, int index);

MUST_CHECK int database_prepare(sqlite3 *database, const char *sql, sqlite3_stmt **ret_statement);
/* Runs a statement that gives no rows, and resets it. SQLITE_OK or an error. */
MUST_CHECK int database_run(sqlite3_stmt *statement);
MUST_CHECK int database_exec(sqlite3 *database, const char *sql);

/* SQLite's code as an errno; its message goes to `error`, behind "what: ". */
int database_error(sqlite3 *database, int code, const char *what, char error[STORE_ERROR_BYTES]);

#endif
