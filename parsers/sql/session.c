/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions: what the dialects have in common; see session.h. What statements do is in
 * session_postgres.c and session_mysql.c. */
#include "parsers/sql/session.h"

#include "parsers/sql/session_state.h"

#include <stdlib.h>

struct sql_session *sql_session_new(enum sql_dialect dialect, struct slice database)
{
	struct sql_session *session = calloc(1, sizeof(*session));

	if (!session)
		abort();
	session->dialect = (uint8_t)dialect;
	session->transaction = SQL_IDLE;
	session->options = sql_options_default(dialect);
	buffer_init(&session->database, SESSION_LIST_BYTES_MAX);
	buffer_init(&session->role, 2 * (size_t)SESSION_LIST_BYTES_MAX);
	buffer_append_slice(&session->database, database);
	return session;
}

void sql_session_free(struct sql_session *session)
{
	if (!session)
		return;
	settings_release(&session->settings);
	cursors_release(&session->cursors);
	buffer_release(&session->database);
	buffer_release(&session->role);
	free(session);
}

void sql_session_startup(struct sql_session *session, struct slice name, struct slice value)
{
	if (session->dialect == SQL_MYSQL)
		sql_session_mysql_startup(session, name, value);
	else
		sql_session_postgres_startup(session, name, value);
}

void sql_session_statement(struct sql_session *session, const struct sql_statement *statement,
			   const struct sql_value *values, bool ok)
{
	if (session->dialect == SQL_MYSQL)
		sql_session_mysql_statement(session, statement, values, ok);
	else
		sql_session_postgres_statement(session, statement, values, ok);
}

void sql_session_batch_end(struct sql_session *session, bool ok)
{
	if (session->dialect != SQL_MYSQL)
		sql_session_postgres_batch_end(session, ok);
}

void sql_session_set_database(struct sql_session *session, struct slice database)
{
	session->moves++;
	buffer_clear(&session->database);
	buffer_append_slice(&session->database, database);
}

void sql_session_reset(struct sql_session *session)
{
	if (session->dialect == SQL_MYSQL)
		sql_session_mysql_reset(session);
}

struct sql_context sql_session_context(const struct sql_session *session)
{
	return (struct sql_context){
		.database = buffer_slice(&session->database),
		.search_path = settings_get(&session->settings, SLICE("search_path")),
		.role = buffer_slice(&session->role),
	};
}

enum sql_transaction sql_session_transaction(const struct sql_session *session)
{
	return (enum sql_transaction)session->transaction;
}

struct sql_options sql_session_options(const struct sql_session *session)
{
	return session->dialect == SQL_MYSQL ? session->options :
					       sql_session_postgres_options(session);
}

struct slice sql_session_setting(const struct sql_session *session, struct slice name)
{
	if (session->dialect == SQL_MYSQL)
		name = sql_session_mysql_name(name);
	return settings_get(&session->settings, name);
}

uint64_t sql_session_changes(const struct sql_session *session)
{
	return session->settings.changes + session->moves;
}

void sql_session_resolve(const struct sql_session *session, const struct sql_statement *statement,
			 struct sql_value *values, struct arena *arena)
{
	cursors_resolve(&session->cursors, statement, values, arena);
}
