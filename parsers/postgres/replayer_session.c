/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PostgreSQL replayer: what the session itself answers when it was not recorded, in a server's words (PostgreSQL 15): transactions
 * and savepoints, two-phase commit, SET and SHOW of what is known to the byte, and what pools say when a session comes back to them.
 */
#include "parsers/postgres/replayer.h"

#define TYPE_TEXT 25
#define TYPE_VOID 2278
#define SETTING_TEXT_MAX ((size_t)64 << 10)

static bool begins(const struct sql_statement *sql, struct slice words)
{
	return slice_starts_with(sql->canonical, words);
}

/* PREPARE TRANSACTION, and what is done with it afterwards. */
static bool is_two_phase(const struct sql_statement *sql)
{
	return sql->verb == SQL_OTHER &&
	       (begins(sql, SLICE("prepare transaction ")) ||
		begins(sql, SLICE("commit prepared ")) || begins(sql, SLICE("rollback prepared ")));
}

static bool is_unlock(const struct sql_statement *sql)
{
	return sql->verb == SQL_SELECT &&
	       (slice_equal(sql->canonical, SLICE("select pg_advisory_unlock_all()")) ||
		slice_equal(sql->canonical, SLICE("select pg_catalog.pg_advisory_unlock_all()")));
}

/* Numbers are kept without needless zeros, and shown with them. */
static bool is_fraction(struct slice text)
{
	size_t digits = 0;

	for (size_t i = 0; i < text.size; i++) {
		if (!strchr("0123456789.eE+-", text.data[i]))
			return false;
		digits += text.data[i] >= '0' && text.data[i] <= '9';
	}
	return digits < text.size;
}

/*
 * What SHOW shows: a setting that servers report, or one of the app's own (with a dot in its name), which is kept as it was set. Of others
 * the server's spelling is not known ("5000" is "5s").
 */
static bool shown(const struct replayer *replayer, const struct sql_statement *sql,
		  struct buffer *text, struct slice *ret_name)
{
	static const struct slice show = SLICE("show ");
	struct slice name, value;

	if (sql->verb != SQL_SHOW || !begins(sql, show))
		return false;
	name = slice_of(sql->canonical.data + show.size, sql->canonical.size - show.size);
	if (slice_equal(name, SLICE("time zone")))
		name = SLICE("TimeZone");
	if (pg_status_current(replayer, name, text, ret_name))
		return true;
	value = sql_session_setting(replayer->session, name);
	if (!value.data || !memchr(name.data, '.', name.size) || is_fraction(value))
		return false;
	buffer_append_slice(text, value);
	*ret_name = name;
	return true;
}

static bool is_shown(const struct replayer *replayer, const struct sql_statement *sql)
{
	struct buffer text;
	struct slice name;
	bool known;

	if (sql->verb != SQL_SHOW)
		return false;
	buffer_init(&text, SETTING_TEXT_MAX);
	known = shown(replayer, sql, &text, &name);
	buffer_release(&text);
	return known;
}

bool pg_session_answers(const struct replayer *replayer, const struct sql_statement *sql)
{
	switch (sql->verb) {
	case SQL_BEGIN:
	case SQL_COMMIT:
	case SQL_ROLLBACK:
	case SQL_SAVEPOINT:
	case SQL_RELEASE:
	case SQL_ROLLBACK_TO:
	case SQL_SET:
	case SQL_DISCARD:
	case SQL_DEALLOCATE:
	case SQL_CLOSE:
	case SQL_UNLISTEN:
		return true;
	case SQL_OTHER:
		return is_two_phase(sql);
	case SQL_SELECT:
		return is_unlock(sql);
	case SQL_SHOW:
		return is_shown(replayer, sql);
	default:
		return false;
	}
}

/* ---- tags ---- */

static bool last_word_is_all(struct slice canonical)
{
	return canonical.size > 4 &&
	       slice_equal(slice_of(canonical.data + canonical.size - 4, 4), SLICE(" all"));
}

static struct slice discard_tag(struct slice canonical)
{
	if (last_word_is_all(canonical))
		return SLICE("DISCARD ALL");
	if (slice_starts_with(canonical, SLICE("discard temp")))
		return SLICE("DISCARD TEMP");
	return slice_starts_with(canonical, SLICE("discard seq")) ? SLICE("DISCARD SEQUENCES") :
								    SLICE("DISCARD PLANS");
}

static struct slice transaction_tag(const struct replayer *replayer,
				    const struct sql_statement *sql)
{
	enum sql_transaction state = sql_session_transaction(replayer->session);
	bool prepares = sql->verb == SQL_OTHER;

	if (begins(sql, SLICE("commit prepared")))
		return SLICE("COMMIT PREPARED");
	if (begins(sql, SLICE("rollback prepared")))
		return SLICE("ROLLBACK PREPARED");
	if (state == SQL_FAILED || (prepares && state == SQL_IDLE))
		return SLICE("ROLLBACK");
	return prepares ? SLICE("PREPARE TRANSACTION") : SLICE("COMMIT");
}

struct slice pg_session_tag(const struct replayer *replayer, const struct sql_statement *sql)
{
	bool all = last_word_is_all(sql->canonical);

	switch (sql->verb) {
	case SQL_BEGIN:
		return begins(sql, SLICE("start")) ? SLICE("START TRANSACTION") : SLICE("BEGIN");
	case SQL_COMMIT:
	case SQL_OTHER:
		return transaction_tag(replayer, sql);
	case SQL_SAVEPOINT:
		return SLICE("SAVEPOINT");
	case SQL_RELEASE:
		return SLICE("RELEASE");
	case SQL_SET:
		if (begins(sql, SLICE("set constraints")))
			return SLICE("SET CONSTRAINTS");
		return begins(sql, SLICE("reset")) ? SLICE("RESET") : SLICE("SET");
	case SQL_DISCARD:
		return discard_tag(sql->canonical);
	case SQL_DEALLOCATE:
		return all ? SLICE("DEALLOCATE ALL") : SLICE("DEALLOCATE");
	case SQL_CLOSE:
		return all ? SLICE("CLOSE CURSOR ALL") : SLICE("CLOSE CURSOR");
	case SQL_UNLISTEN:
		return SLICE("UNLISTEN");
	case SQL_SHOW:
		return SLICE("SHOW");
	case SQL_SELECT:
		return SLICE("SELECT 1");
	default:
		return SLICE("ROLLBACK");
	}
}

/* ---- warnings and errors ---- */

static void warn(struct replayer *replayer, const char *code, struct slice message,
		 struct buffer *out)
{
	const struct answer_field fields[] = {
		{ SLICE("severity"), SLICE("WARNING") },
		{ SLICE("severity_nonlocalized"), SLICE("WARNING") },
		{ SLICE("code"), slice_from_string(code) },
		{ SLICE("message"), message },
	};

	/* How much the app wants to hear is its own affair, and not followed here. */
	if (!sql_session_setting(replayer->session, SLICE("client_min_messages")).data)
		pg_send_message(out, 'N', fields, ARRAY_SIZE(fields));
}

static void transaction_warnings(struct replayer *replayer, const struct sql_statement *sql,
				 struct buffer *out)
{
	bool idle = sql_session_transaction(replayer->session) == SQL_IDLE;

	if (sql->verb == SQL_BEGIN && !idle)
		warn(replayer, "25001", SLICE("there is already a transaction in progress"), out);
	else if (idle && (sql->verb == SQL_COMMIT || sql->verb == SQL_ROLLBACK ||
			  begins(sql, SLICE("prepare transaction "))))
		warn(replayer, "25P01", SLICE("there is no transaction in progress"), out);
}

/* Savepoints are of transactions, and the second phase of a commit is of none; true when the error was sent. */
static bool block_error(struct replayer *replayer, const struct sql_statement *sql,
			struct buffer *out)
{
	bool idle = sql_session_transaction(replayer->session) == SQL_IDLE;
	struct pg_error error = { .severity = "ERROR", .code = idle ? "25P01" : "25001" };

	if (!idle && begins(sql, SLICE("commit prepared")))
		error.message = SLICE("COMMIT PREPARED cannot run inside a transaction block");
	else if (!idle && begins(sql, SLICE("rollback prepared")))
		error.message = SLICE("ROLLBACK PREPARED cannot run inside a transaction block");
	else if (!idle)
		return false;
	else if (sql->verb == SQL_SAVEPOINT)
		error.message = SLICE("SAVEPOINT can only be used in transaction blocks");
	else if (sql->verb == SQL_RELEASE)
		error.message = SLICE("RELEASE SAVEPOINT can only be used in transaction blocks");
	else if (sql->verb == SQL_ROLLBACK_TO)
		error.message =
			SLICE("ROLLBACK TO SAVEPOINT can only be used in transaction blocks");
	else
		return false;
	pg_send_error(out, &error);
	return true;
}

/* ---- rows ---- */

const struct answer_columns *pg_session_columns(const struct replayer *replayer,
						const struct sql_statement *sql,
						struct arena *arena)
{
	struct answer_columns *columns;
	struct column *column;
	struct buffer text;
	struct slice name;
	bool shows;

	buffer_init(&text, SETTING_TEXT_MAX);
	shows = shown(replayer, sql, &text, &name);
	buffer_release(&text);
	if (!shows && !is_unlock(sql))
		return NULL;
	columns = arena_alloc(arena, sizeof(*columns) + sizeof(*column));
	columns->n = 1;
	column = &columns->columns[0];
	column->modifier = -1;
	if (shows) {
		column->name = arena_copy(arena, name);
		column->type_id = TYPE_TEXT;
		column->length = -1;
	} else {
		column->name = SLICE("pg_advisory_unlock_all");
		column->type_id = TYPE_VOID;
		column->length = 4;
	}
	return columns;
}

/* One value, the same bytes in both forms: a text, or a void, which is empty. */
static void send_value(struct replayer *replayer, const struct sql_statement *sql, bool describe,
		       struct buffer *out)
{
	struct buffer text;
	struct arena arena;
	struct slice name;
	size_t at;

	arena_init(&arena);
	buffer_init(&text, SETTING_TEXT_MAX);
	shown(replayer, sql, &text, &name);
	if (describe)
		pg_send_columns(out, pg_session_columns(replayer, sql, &arena), NULL, 0, false);
	at = pg_message_begin(out, 'D');
	buffer_append_u16be(out, 1);
	buffer_append_u32be(out, (uint32_t)text.size);
	buffer_append_slice(out, buffer_slice(&text));
	pg_message_end(out, at);
	buffer_release(&text);
	arena_release(&arena);
}

bool pg_session_answer(struct replayer *replayer, const struct sql_statement *sql, bool describe,
		       struct buffer *out)
{
	if (block_error(replayer, sql, out))
		return false;
	transaction_warnings(replayer, sql, out);
	if (sql->verb == SQL_SHOW || sql->verb == SQL_SELECT)
		send_value(replayer, sql, describe, out);
	pg_send_tag(out, pg_session_tag(replayer, sql));
	return true;
}
