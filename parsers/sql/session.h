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
 * MySQL: the database follows USE, the role SET ROLE; search_path is empty. SET follows no transaction. What is kept is what
 * the session itself set: of `SET x = expression` nothing is known, but for CONCAT() and REPLACE() of what is known. BEGIN and
 * what commits by itself (DDL, LOCK TABLES, ...) end a transaction, also when the statement failed: the server commits before it
 * finds most errors. An error fails no transaction. With autocommit off a statement on a table begins one. That a
 * deadlock rolled back is not known here. Variables of the user (@x) are not kept.
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
 * kept for sql_session_setting(). MySQL: character_set_client (of the handshake's collation), and sql_mode and autocommit where the
 * server's status flags or variables told them. */
void sql_session_startup(struct sql_session *session, struct slice name, struct slice value);

/*
 * A statement ended: with success, or with an error. `values` are its slots' values. In an open transaction an
 * error makes it failed; COMMIT of a failed transaction rolls back.
 */
void sql_session_statement(struct sql_session *session, const struct sql_statement *statement,
			   const struct sql_value *values, bool ok);

/* An implicit transaction (a batch of statements up to Sync, or one Query) ended with success or error. */
void sql_session_batch_end(struct sql_session *session, bool ok);

/* MySQL's COM_INIT_DB and COM_CHANGE_USER. */
void sql_session_set_database(struct sql_session *session, struct slice database);
/* MySQL's COM_RESET_CONNECTION and COM_CHANGE_USER: rolls back, and everything that was set is as at login, but for the database. */
void sql_session_reset(struct sql_session *session);

/*
 * Puts what only the session knows into a statement's values, before its identity is made: what the name of a cursor or of a
 * PREPARE stands for (sql_slot.cursor). Of a FETCH that is the query and the position in it, of an EXECUTE the statement, of a DECLARE nothing. New text lies in the arena.
 */
void sql_session_resolve(const struct sql_session *session, const struct sql_statement *statement,
			 struct sql_value *values, struct arena *arena);

/*
 * PostgreSQL: the notifications that a statement makes when its transaction commits: NOTIFY, and pg_notify() of plain values, as
 * often as it stands in a SELECT. What a function or a trigger makes is not seen.
 */
struct sql_notify {
	void *context;
	void (*each)(void *context, struct slice channel, struct slice payload);
};
void sql_notifications(const struct sql_statement *statement, const struct sql_value *values,
		       const struct sql_notify *notify);

/* Borrowed until the session is fed again. */
struct sql_context sql_session_context(const struct sql_session *session);
enum sql_transaction sql_session_transaction(const struct sql_session *session);
/* PostgreSQL: would the server look at this statement, or has the transaction failed, and it is not one that ends it? */
bool sql_session_accepts(const struct sql_session *session, const struct sql_statement *statement);
/* How the session's lexer reads now (standard_conforming_strings; sql_mode and character_set_client). */
struct sql_options sql_session_options(const struct sql_session *session);
/*
 * The value that the session's requests gave a setting (name in any case), or an empty slice with data NULL. MySQL: autocommit is
 * "0" or "1", transaction_isolation is as in "READ-COMMITTED", names of character sets are in lower case.
 */
struct slice sql_session_setting(const struct sql_session *session, struct slice name);
/* Equal numbers: no setting has changed in between, nor what sql_session_context() gives. */
uint64_t sql_session_changes(const struct sql_session *session);

#endif
