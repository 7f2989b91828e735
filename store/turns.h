/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Turns: what a text means changes with time where its tables do, and is asked before there are values that would tell: so the
 * order of time decides.
 *
 * A text that could not be parsed at one time may be a good one at another: its table was made, or dropped, or its client declared
 * other types, or the session was ended just then. Its turn to fail comes when all that was executed of this statement before has
 * been given. In the same way a statement that had other columns at other times is described as the one that comes next.
 *
 * Only such statements have turns.
 */
#ifndef MOCKPROXY_TURNS_H
#define MOCKPROXY_TURNS_H

#include "parsers/compiler.h"
#include "store/index.h"

#include <sqlite3.h>

struct turn {
	uint32_t exchange;
	uint32_t entry;	 /* in the index */
	bool failed;	 /* to parse */
	bool known;	 /* it is in the index: it can be given */
	int64_t columns; /* 0: none, or not in its row */
};

struct turns {
	/* Of each statement, by its id; its turns are in the order of time. */
	struct turns_statement {
		int64_t statement;
		size_t first, n;
		_Atomic size_t cursor; /* those before it were given */
	} * statements;
	size_t n_statements;
	struct turn *list;
	size_t n;
};

/* SQLITE_OK, or an error; release it in any case. The index is sorted. */
MUST_CHECK int turns_load(struct turns *turns, const struct index *index, sqlite3 *database);
void turns_release(struct turns *turns);

/* Has the statement turns, and is a failure not what comes next? */
bool turns_wait(const struct turns *turns, const struct index *index, int64_t statement);

/* The columns of what comes next of this statement, or came last; 0: that is not known. */
int64_t turns_columns(const struct turns *turns, const struct index *index, int64_t statement);

#endif
