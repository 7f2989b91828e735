/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cursors: what the names of a session's SQL cursors (DECLARE) stand for, so that a FETCH is
 * identified by the query that it walks and by where it stands there, and not by a name that a
 * driver may make up anew in each run (design §7). The same for PREPARE and EXECUTE, whose names are
 * a space of their own.
 *
 * The same for descriptors of large objects, which fast-path calls open, use and close: the number, and what it stands for.
 *
 * Bounded: CURSORS_MAX cursors; of a long query its beginning and a hash are kept. A cursor that is
 * not known (a function opened it, or there were too many) keeps its name as what it is.
 */
#ifndef MOCKPROXY_SQL_CURSORS_H
#define MOCKPROXY_SQL_CURSORS_H

#include "parsers/sql/identity.h"

#define CURSORS_MAX 256

struct cursor_entry;

struct cursors {
	struct cursor_entry *first;
	size_t n;
};

void cursors_release(struct cursors *cursors);

/* What the server accepted: DECLARE, FETCH, MOVE, CLOSE, PREPARE; nothing for other statements. */
void cursors_statement(struct cursors *cursors, const struct sql_statement *statement,
		       const struct sql_value *values);
/* A transaction ended: what was not declared WITH HOLD, or is rolled back, is gone. */
void cursors_transaction_end(struct cursors *cursors, bool commit);

/*
 * Puts what it stands for in the place of a cursor's name among the statement's values. Text lies in
 * the arena.
 */
void cursors_resolve(const struct cursors *cursors, const struct sql_statement *statement,
		     struct sql_value *values, struct arena *arena);

#endif
