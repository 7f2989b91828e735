/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Behind: a statement whose answer depends on what its connection did before (parsers/sql/follows.h) is answered with what was
 * recorded behind the very exchange that this connection of the replay was given, whichever connection that came from:
 *
 *	recorded   1: INSERT a ─▶ SELECT LAST_INSERT_ID()      2: INSERT b ─▶ SELECT LAST_INSERT_ID()
 *	replay     who was given `INSERT b` is given what stands behind it
 *
 * Behind means, of what tells of the statement before: the connection's exchange before it, those left out that keep what they
 * tell of (SHOW WARNINGS behind SHOW WARNINGS). Of what tells of a generated number: the last exchange that may have given the
 * session one. In MySQL that is whose answer said so (insert_id), a CALL, and LAST_INSERT_ID(x); PostgreSQL's servers do not
 * say it: there INSERT, MERGE, WITH ... INSERT, COPY, CALL, DO and EXECUTE are, and a text that names nextval() or setval().
 * Nothing at all, since the connection is new, is something to be behind of, too. A PREPARE is no exchange: what tells of it
 * stands behind the one before it, and comes in recorded order with what tells of that.
 *
 * Only entries of such statements that have equal ones are here. Built by one thread; afterwards all functions may be called
 * from any.
 */
#ifndef MOCKPROXY_STORE_BEHIND_H
#define MOCKPROXY_STORE_BEHIND_H

#include "parsers/compiler.h"
#include "store/index.h"

#include <sqlite3.h>

struct behind {
	struct index index; /* over the matcher's, by its key and what the exchange is behind of */
	uint8_t *
		generated; /* a bit for each exchange, by its id: may it have given a number? NULL: nothing is here */
	size_t n_generated; /* bits */
};

/* Where a connection of the replay stands. A new one is zeroed. */
struct behind_session {
	uint64_t last; /* the exchange that was given last; 0: none yet */
	uint64_t generated;
	bool last_unknown; /* something else was answered since */
	bool generated_unknown;
};

/* SQLITE_OK, or an error; release it in any case. The index is sorted. */
MUST_CHECK int behind_load(struct behind *behind, const struct index *index, sqlite3 *database);
void behind_release(struct behind *behind);

/* The part of the index's group `key` that a statement that follows so (enum sql_follows) is answered from; empty: none. */
struct index_group behind_find(const struct behind *behind, uint64_t key, uint8_t follows,
			       const struct behind_session *session);
/* The session was given this exchange by a statement that follows so. */
void behind_given(const struct behind *behind, uint64_t exchange, uint8_t follows,
		  struct behind_session *session);
/* The session answered a statement itself. */
void behind_answered(struct behind_session *session);
/* A statement had no answer: nobody knows what it would have done. */
void behind_missed(struct behind_session *session);

#endif
