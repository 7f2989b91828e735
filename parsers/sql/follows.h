/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Follows: statements whose answer depends on what was done before on the same connection: SHOW WARNINGS, LAST_INSERT_ID().
 * Decided by the tokens of the canonical form, so that writer, loader and replayer see the same.
 *
 *	MySQL       LAST       SHOW [COUNT(*)] WARNINGS | ERRORS, GET DIAGNOSTICS, @@warning_count, @@error_count, FOUND_ROWS(),
 *	                       ROW_COUNT()
 *	            GENERATED  LAST_INSERT_ID() without argument, @@last_insert_id, @@identity, LASTVAL(sequence)
 *	PostgreSQL  GENERATED  lastval(), currval()
 *
 * What a view, a function or a procedure asks inside is not seen.
 */
#ifndef MOCKPROXY_SQL_FOLLOWS_H
#define MOCKPROXY_SQL_FOLLOWS_H

#include "parsers/sql/canonical.h"

enum sql_follows {
	SQL_FOLLOWS_LAST = 1 << 0,	/* it tells of the statement that was executed last */
	SQL_FOLLOWS_GENERATED = 1 << 1, /* it tells the number that the session was given last */
	SQL_FOLLOWS_KEEPS =
		1
		<< 2, /* of LAST: it does not count as executed itself, the next one tells of the same */
	/* Not that it follows, but that its text may give the session a number: nextval(), setval(), LAST_INSERT_ID(x). */
	SQL_FOLLOWS_GENERATES = 1 << 3,
};

/* May a statement with this word of its text be one of them? Else nobody need look closer. */
bool sql_follows_word(struct slice word);

/* Bits of enum sql_follows; of longer templates than SQL_FOLLOWS_TEXT_MAX none. */
uint8_t sql_follows(enum sql_dialect dialect, struct slice canonical);
#define SQL_FOLLOWS_TEXT_MAX ((size_t)64 * 1024)

#endif
