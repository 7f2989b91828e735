/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a SQL session is in: its transaction, and the settings that are part of identity (design §2).
 *
 * Fed with each statement that the server accepted or refused, in order, by the writer (for a recording)
 * and by the replayer (for its own sessions); both then agree on the context of every statement.
 *
 * search_path and role follow PostgreSQL's rules: SET [SESSION|LOCAL], SET ROLE, SET SESSION AUTHORIZATION, RESET,
 * RESET ALL, DISCARD ALL, set_config(); SET LOCAL ends with the transaction, ROLLBACK takes back what the
 * transaction had set, ROLLBACK TO what was set since the savepoint. Startup parameters are the values that RESET
 * goes back to.
 *
 * Names of cursors are the session's own: sql_session_resolve() tells what they stand for.
 */
#ifndef MOCKPROXY_SQL_SESSION_H
#define MOCKPROXY_SQL_SESSION_H

#include "parsers/buffer.h"
#include "parsers/sql/identity.h"

enum sql_transaction { SQL_IDLE = 'I', SQL_IN_TRANSACTION = 'T', SQL_FAILED = 'E' };

struct sql_session;

struct sql_session *sql_session_new(enum sql_dialect dialect, struct slice database);
void sql_session_free(struct sql_session *session); /* accepts NULL */

/* A startup parameter: search_path, role, session_authorization; `options` is taken apart ("-c name=value"). Others are
 * kept for sql_session_setting(). */
void sql_session_startup(struct sql_session *session, struct slice name, struct slice value);

/*
 * A statement ended: with success, or with an error. `values` are its slots' values. In an open transaction an
 * error makes it failed; COMMIT of a failed transaction rolls back.
 */
void sql_session_statement(struct sql_session *session, const struct sql_statement *statement,
			   const struct sql_value *values, bool ok);

/* An implicit transaction (a batch of statements up to Sync, or one Query) ended with success or error. */
void sql_session_batch_end(struct sql_session *session, bool ok);

/*
 * Puts what only the session knows into a statement's values, before its identity is made: what the name of a cursor or of a
 * PREPARE stands for (sql_slot.cursor). Of a FETCH that is the query and the position in it, of an EXECUTE the statement, of a DECLARE nothing. New text lies in the arena.
 */
void sql_session_resolve(const struct sql_session *session, const struct sql_statement *statement,
			 struct sql_value *values, struct arena *arena);

/* Borrowed until the session is fed again. */
struct sql_context sql_session_context(const struct sql_session *session);
enum sql_transaction sql_session_transaction(const struct sql_session *session);
/* How the session's lexer reads now (standard_conforming_strings). */
struct sql_options sql_session_options(const struct sql_session *session);
/* The value that the session's requests gave a setting (name in any case), or an empty slice with data NULL. */
struct slice sql_session_setting(const struct sql_session *session, struct slice name);

#endif
