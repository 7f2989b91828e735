/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verify: does each stored exchange encode back to the bytes that passed (record --verify)? While recording, the checksums that
 * recorders made go to a table of the recording that only such recordings have; behind its end everything is read back as
 * replay reads it, encoded, and compared.
 */
#ifndef MOCKPROXY_VERIFY_H
#define MOCKPROXY_VERIFY_H

#include "parsers/checksum.h"
#include "store/writer.h"

#include <sqlite3.h>

/* SQLITE_OK, or SQLite's error. */
MUST_CHECK int verify_keep(sqlite3 *database, int64_t exchange, const struct checksum *passed);
/* Exchange `from` becomes part of `to`, behind what that has. */
MUST_CHECK int verify_join(sqlite3 *database, int64_t to, int64_t from);

#define VERIFY_DIFFERING_MAX 8

struct verify_report {
	uint64_t checked;
	uint64_t equal;
	uint64_t not_stored; /* whose flags say that something of it is not there: not checked */
	int64_t differing[VERIFY_DIFFERING_MAX]; /* the first of those that are not equal */
};

/* Of a recording that is complete. 0, or -errno with a sentence. */
MUST_CHECK int verify_recording(const char *path, struct verify_report *ret_report,
				char ret_error[STORE_ERROR_BYTES]);

#endif
