/* SPDX-License-Identifier: Apache-2.0 */
/* What a PostgreSQL statement notifies of; see session.h. PostgreSQL 16 documentation: NOTIFY, pg_notify. */
#include "parsers/sql/session_state.h"

/* NOTIFY channel [, 'payload'] */
static void on_notify(struct sql_reader *reader, const struct sql_notify *notify)
{
	struct slice channel, payload = SLICE("");

	sql_reader_advance(reader);
	if (!sql_reader_take_text(reader, &channel))
		return;
	if (reader->token.type == SQL_TOKEN_COMMA) {
		sql_reader_advance(reader);
		if (!sql_reader_take_text(reader, &payload))
			return;
	}
	notify->each(notify->context, channel, payload);
}

/* The token behind an argument that is a plain value. */
static bool take_behind(struct sql_reader *reader, enum sql_token_type behind)
{
	if (reader->token.type != behind)
		return false;
	sql_reader_advance(reader);
	return true;
}

/* Without a payload it is empty; a null too. */
static bool take_payload(struct sql_reader *reader, struct slice *ret_text)
{
	bool mark = sql_reader_is_mark(&reader->token);

	*ret_text = SLICE("");
	if (mark && reader->mark <= reader->n_values && reader->values[reader->mark - 1].null)
		sql_reader_advance(reader);
	else if (!sql_reader_take_word(reader, SLICE("null")) &&
		 (!mark || !sql_reader_take_text(reader, ret_text)))
		return false;
	return true;
}

static void on_select(struct sql_reader *reader, const struct sql_notify *notify)
{
	struct slice channel, payload;

	while (reader->token.type != SQL_TOKEN_END) {
		if (!sql_reader_take_word(reader, SLICE("pg_notify"))) {
			sql_reader_advance(reader);
			continue;
		}
		if (reader->token.type != SQL_TOKEN_OPEN)
			continue;
		sql_reader_advance(reader);
		if (sql_reader_is_mark(&reader->token) && sql_reader_take_text(reader, &channel) &&
		    take_behind(reader, SQL_TOKEN_COMMA) && take_payload(reader, &payload) &&
		    take_behind(reader, SQL_TOKEN_CLOSE))
			notify->each(notify->context, channel, payload);
	}
}

void sql_notifications(const struct sql_statement *statement, const struct sql_value *values,
		       const struct sql_notify *notify)
{
	static const struct sql_options postgres = { .dialect = SQL_POSTGRES };
	struct slice canonical = statement->canonical;
	struct sql_reader reader;
	struct arena arena;

	if (statement->verb != SQL_NOTIFY &&
	    (statement->verb != SQL_SELECT || !canonical.size ||
	     !memmem(canonical.data, canonical.size, "pg_notify(", 10)))
		return;
	arena_init(&arena);
	sql_reader_init(&reader, &postgres, statement, values, &arena);
	if (statement->verb == SQL_NOTIFY)
		on_notify(&reader, notify);
	else
		on_select(&reader, notify);
	arena_release(&arena);
}
