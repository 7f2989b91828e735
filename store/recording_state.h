/* SPDX-License-Identifier: Apache-2.0 */
/* What the matcher needs of an open recording beyond recording.h. */
#ifndef MOCKPROXY_RECORDING_STATE_H
#define MOCKPROXY_RECORDING_STATE_H

#include "store/database.h"
#include "store/recording.h"
#include "store/table.h"

struct recording {
	char *path; /* of the file that is read: FILE, or FILE.partial */
	/* In WAL mode without a log, where SQLite could not be asked to read only. */
	bool immutable;
	bool stale;	  /* made with other rules of canonical form: no stored hash counts */
	char *incomplete; /* why; NULL: it is complete */
	/* Keeps the shared lock: who edits the file meanwhile is told that it is locked. */
	sqlite3 *database;
	struct table_pages pages;
};

/*
 * Another connection to the recording, for one thread, within a read transaction. 0, or -errno with
 * a sentence.
 */
MUST_CHECK int recording_connect(const struct recording *recording, sqlite3 **ret_database,
				 char ret_error[STORE_ERROR_BYTES]);

#endif
