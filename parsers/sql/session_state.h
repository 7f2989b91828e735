/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a session is made of, and the reader of its statements, for the dialects' halves of it. Only session*.c include
 * this.
 *
 * Statements are read in canonical form, whose marks are the slots in order.
 */
#ifndef MOCKPROXY_SQL_SESSION_STATE_H
#define MOCKPROXY_SQL_SESSION_STATE_H

#include "parsers/sql/cursors.h"
#include "parsers/sql/lexer.h"
#include "parsers/sql/session.h"
#include "parsers/sql/settings.h"

#define SESSION_LIST_BYTES_MAX SETTING_BYTES_MAX

struct sql_session {
	uint8_t dialect;
	uint8_t transaction; /* enum sql_transaction */
	struct settings settings;
	struct cursors cursors;
	struct buffer database;
	struct buffer role; /* what role and session_authorization make together */
	uint64_t moves;	    /* how often database and role were changed, but by a setting */

	/* MySQL's */
	struct sql_options options; /* as the settings make them */
	bool manual;		    /* autocommit is off */
	bool locked;		    /* LOCK TABLES */
};

struct sql_reader {
	struct sql_options options;
	struct sql_lexer lexer;
	struct sql_token token;
	const struct sql_value *values;
	size_t n_values;
	size_t mark; /* how many marks were passed; the token is one: its slot is mark - 1 */
	struct arena *arena;
};

void sql_reader_init(struct sql_reader *reader, const struct sql_options *options,
		     const struct sql_statement *statement, const struct sql_value *values,
		     struct arena *arena);
void sql_reader_advance(struct sql_reader *reader);
bool sql_reader_is_mark(const struct sql_token *token);
bool sql_reader_at_word(const struct sql_reader *reader, struct slice word);
/* True when the token was the word, and was passed. */
bool sql_reader_take_word(struct sql_reader *reader, struct slice word);
/* A name or a value at the token: a word, a quoted identifier, or a slot. False: something else. */
bool sql_reader_take_text(struct sql_reader *reader, struct slice *ret_text);

void sql_session_postgres_startup(struct sql_session *session, struct slice name,
				  struct slice value);
void sql_session_postgres_statement(struct sql_session *session,
				    const struct sql_statement *statement,
				    const struct sql_value *values, bool ok);
void sql_session_postgres_batch_end(struct sql_session *session, bool ok);
struct sql_options sql_session_postgres_options(const struct sql_session *session);

void sql_session_mysql_startup(struct sql_session *session, struct slice name, struct slice value);
void sql_session_mysql_statement(struct sql_session *session, const struct sql_statement *statement,
				 const struct sql_value *values, bool ok);
/* A setting's name, for another name of it. */
struct slice sql_session_mysql_name(struct slice name);
void sql_session_mysql_reset(struct sql_session *session);

#endif
