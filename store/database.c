/* SPDX-License-Identifier: Apache-2.0 */
/* The store's dealings with SQLite's C interface; see database.h. */
#include "store/database.h"

#include "parsers/json.h"

#include <errno.h>
#include <stdio.h>

void database_setup(void)
{
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

bool database_is_text(struct slice bytes)
{
	return utf8_valid(bytes) && (!bytes.size || !memchr(bytes.data, 0, bytes.size));
}

void database_bind(sqlite3_stmt *statement, int index, struct slice bytes)
{
	/*
	 * Errors (too big, out of memory) show when the statement is run: its NOT NULL or its
	 * missing value.
	 */
	if (!bytes.data)
		sqlite3_bind_null(statement, index);
	else if (database_is_text(bytes))
		sqlite3_bind_text64(statement, index, (const char *)bytes.data, bytes.size,
				    SQLITE_STATIC, SQLITE_UTF8);
	else
		sqlite3_bind_blob64(statement, index, bytes.data, bytes.size, SQLITE_STATIC);
}

void database_bind_text(sqlite3_stmt *statement, int index, struct slice text)
{
	sqlite3_bind_text64(statement, index, (const char *)text.data, text.size, SQLITE_STATIC,
			    SQLITE_UTF8);
}

void database_bind_nonempty(sqlite3_stmt *statement, int index, struct slice bytes)
{
	database_bind(statement, index, bytes.size ? bytes : slice_of(NULL, 0));
}

struct slice database_column(sqlite3_stmt *statement, int index)
{
	const void *data;

	switch (sqlite3_column_type(statement, index)) {
	case SQLITE_NULL:
		return slice_of(NULL, 0);
	case SQLITE_BLOB:
		data = sqlite3_column_blob(statement, index);
		break;
	default:
		data = sqlite3_column_text(statement, index);
	}
	if (!data) /* an empty blob is NULL to SQLite */
		return slice_of("", 0);
	return slice_of(data, (size_t)sqlite3_column_bytes(statement, index));
}

int database_prepare(sqlite3 *database, const char *sql, sqlite3_stmt **ret_statement)
{
	return sqlite3_prepare_v3(database, sql, -1, SQLITE_PREPARE_PERSISTENT, ret_statement,
				  NULL);
}

int database_run(sqlite3_stmt *statement)
{
	sqlite3_step(statement);
	return sqlite3_reset(statement); /* says what step() said, and more */
}

int database_exec(sqlite3 *database, const char *sql)
{
	return sqlite3_exec(database, sql, NULL, NULL, NULL);
}

int database_error(sqlite3 *database, int code, const char *what, char error[STORE_ERROR_BYTES])
{
	static const struct {
		int code;
		int error;
		const char *text;
	} known[] = {
		{ SQLITE_FULL, ENOSPC, "no space left on the disk" },
		{ SQLITE_READONLY, EROFS, "it cannot be written" },
		{ SQLITE_CANTOPEN, EACCES, "it cannot be opened" },
		{ SQLITE_PERM, EACCES, "no permission" },
		{ SQLITE_BUSY, EBUSY, "another program has it locked" },
		{ SQLITE_NOTADB, EBADMSG, "it is not a recording" },
		{ SQLITE_CORRUPT, EBADMSG, "it is damaged" },
		{ SQLITE_NOMEM, ENOMEM, "out of memory" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (known[i].code == (code & 0xff)) {
			snprintf(error, STORE_ERROR_BYTES, "%s: %s", what, known[i].text);
			return -known[i].error;
		}
	}
	snprintf(error, STORE_ERROR_BYTES, "%s: %s", what,
		 database ? sqlite3_errmsg(database) : sqlite3_errstr(code));
	return -EIO;
}
