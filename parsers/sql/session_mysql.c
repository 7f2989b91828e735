/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A MySQL session's transaction and settings, from its statements; see session.h. MySQL 8.4
 * reference manual, sections 15.3 "Transactional and Locking Statements", 15.3.3 "Statements That
 * Cause an Implicit Commit" and 15.7.6 "SET Statements".
 *
 *	I → T [BEGIN, XA START; with autocommit off: a statement on a table]
 *	T → I [COMMIT, ROLLBACK, XA COMMIT, XA ROLLBACK, and what commits by itself]
 */
#include "parsers/sql/mode.h"
#include "parsers/sql/session_state.h"

struct assignment {
	bool global; /* the last scope that was named: it goes on for those behind it */
	struct slice name;
};

static void refresh_options(struct sql_session *session)
{
	struct slice charset = settings_get(&session->settings, SLICE("character_set_client"));

	session->options.charset = (uint8_t)sql_charset_of(charset);
}

static void set_mode(struct sql_session *session, uint32_t modes)
{
	session->options.ansi_quotes = modes & SQL_MODE_ANSI_QUOTES;
	session->options.backslash_escapes = !(modes & SQL_MODE_NO_BACKSLASH_ESCAPES);
}

static uint32_t mode_of(const struct sql_session *session)
{
	return (session->options.ansi_quotes ? SQL_MODE_ANSI_QUOTES : 0) |
	       (session->options.backslash_escapes ? 0 : SQL_MODE_NO_BACKSLASH_ESCAPES);
}

static bool is_on(struct slice value)
{
	return slice_equal_nocase(value, SLICE("on")) || slice_equal_nocase(value, SLICE("true")) ||
	       slice_equal(value, SLICE("1"));
}

/* Turned on it commits; what it was at login is on, unless the startup said otherwise. */
static void refresh_autocommit(struct sql_session *session)
{
	struct slice value = settings_get(&session->settings, SLICE("autocommit"));
	bool manual = value.data && !is_on(value);

	if (session->manual && !manual)
		session->transaction = SQL_IDLE;
	session->manual = manual;
}

struct slice sql_session_mysql_name(struct slice name)
{
	if (slice_equal_nocase(name, SLICE("tx_isolation")))
		return SLICE("transaction_isolation");
	if (slice_equal_nocase(name, SLICE("tx_read_only")))
		return SLICE("transaction_read_only");
	return name;
}

/* `value` with data NULL: as at login, or unknown. */
static void set(struct sql_session *session, enum setting_scope scope, struct slice name,
		struct slice value)
{
	bool autocommit = slice_equal_nocase(name, SLICE("autocommit"));

	if (autocommit && value.data)
		value = is_on(value) ? SLICE("1") : SLICE("0");
	settings_set(&session->settings, scope, name, value);
	if (autocommit)
		refresh_autocommit(session);
	else if (slice_equal_nocase(name, SLICE("character_set_client")))
		refresh_options(session);
}

static void mode_as_at_login(struct sql_session *session)
{
	struct slice mode = settings_get(&session->settings, SLICE("sql_mode"));

	set_mode(session, sql_mode_parse(mode));
}

void sql_session_mysql_startup(struct sql_session *session, struct slice name, struct slice value)
{
	set(session, SETTING_STARTUP, sql_session_mysql_name(name), value.data ? value : SLICE(""));
	if (slice_equal_nocase(name, SLICE("sql_mode")))
		mode_as_at_login(session);
}

void sql_session_mysql_reset(struct sql_session *session)
{
	settings_reset_all(&session->settings);
	session->moves++;
	buffer_clear(&session->role);
	session->locked = false;
	session->transaction = SQL_IDLE;
	mode_as_at_login(session);
	refresh_options(session);
	refresh_autocommit(session);
}

static bool take(struct sql_reader *reader, enum sql_token_type type)
{
	if (reader->token.type != type)
		return false;
	sql_reader_advance(reader);
	return true;
}

/* Behind the expression at the token: at a comma or the end. */
static void skip_expression(struct sql_reader *reader)
{
	size_t depth = 0;

	while (reader->token.type != SQL_TOKEN_END) {
		if (reader->token.type == SQL_TOKEN_COMMA && !depth)
			return;
		if (reader->token.type == SQL_TOKEN_OPEN)
			depth++;
		else if (reader->token.type == SQL_TOKEN_CLOSE && depth)
			depth--;
		sql_reader_advance(reader);
	}
}

static bool ends_expression(const struct sql_reader *reader)
{
	return reader->token.type == SQL_TOKEN_END || reader->token.type == SQL_TOKEN_COMMA;
}

static struct slice lower_copy(struct arena *arena, struct slice text)
{
	uint8_t *lower = arena_bytes(arena, text.size + 1);

	for (size_t i = 0; i < text.size; i++)
		lower[i] = ascii_lower(text.data[i]);
	return slice_of(lower, text.size);
}

/* A character set's name; data NULL: DEFAULT, or none that can be known. */
static struct slice take_charset(struct sql_reader *reader)
{
	struct slice name;

	if (sql_reader_take_word(reader, SLICE("default")) || !sql_reader_take_text(reader, &name))
		return slice_of(NULL, 0);
	return lower_copy(reader->arena, name);
}

static void set_names(struct sql_session *session, struct sql_reader *reader)
{
	struct slice charset = take_charset(reader);
	struct slice collation = slice_of(NULL, 0);

	if (sql_reader_take_word(reader, SLICE("collate")))
		collation = take_charset(reader);
	set(session, SETTING_SESSION, SLICE("character_set_client"), charset);
	set(session, SETTING_SESSION, SLICE("character_set_connection"), charset);
	set(session, SETTING_SESSION, SLICE("character_set_results"), charset);
	set(session, SETTING_SESSION, SLICE("collation_connection"), collation);
}

/* SET CHARACTER SET: the connection's is the database's, which is not known. */
static void set_character_set(struct sql_session *session, struct sql_reader *reader)
{
	struct slice charset = take_charset(reader);

	set(session, SETTING_SESSION, SLICE("character_set_client"), charset);
	set(session, SETTING_SESSION, SLICE("character_set_results"), charset);
	set(session, SETTING_SESSION, SLICE("character_set_connection"), slice_of(NULL, 0));
	set(session, SETTING_SESSION, SLICE("collation_connection"), slice_of(NULL, 0));
}

/* TRANSACTION ISOLATION LEVEL a b, READ ONLY: of the session, or (`keep` false) of the next
 * transaction only. */
static void set_transaction(struct sql_session *session, struct sql_reader *reader, bool keep)
{
	static const char *const levels[] = { "READ-UNCOMMITTED", "READ-COMMITTED",
					      "REPEATABLE-READ", "SERIALIZABLE" };
	static const char *const words[] = { "uncommitted", "committed", "repeatable",
					     "serializable" };

	for (; keep && reader->token.type != SQL_TOKEN_END; sql_reader_advance(reader)) {
		for (size_t i = 0; i < 4; i++)
			if (sql_reader_at_word(reader, slice_from_string(words[i])))
				set(session, SETTING_SESSION, SLICE("transaction_isolation"),
				    slice_from_string(levels[i]));
		if (sql_reader_at_word(reader, SLICE("only")))
			set(session, SETTING_SESSION, SLICE("transaction_read_only"), SLICE("1"));
		if (sql_reader_at_word(reader, SLICE("write")))
			set(session, SETTING_SESSION, SLICE("transaction_read_only"), SLICE("0"));
	}
}

/* SET ROLE a, b | NONE | ALL | ALL EXCEPT c | DEFAULT, which is as at login. */
static void set_role(struct sql_session *session, struct sql_reader *reader)
{
	struct slice text;

	session->moves++;
	buffer_clear(&session->role);
	if (sql_reader_at_word(reader, SLICE("default")))
		return;
	for (; reader->token.type != SQL_TOKEN_END;) {
		if (session->role.size)
			buffer_append_u8(&session->role, ' ');
		text = reader->token.text;
		if (sql_reader_take_text(reader, &text)) {
			buffer_append_slice(&session->role, text);
			continue;
		}
		buffer_append_slice(&session->role, text);
		sql_reader_advance(reader);
	}
}

/* What has a grammar of its own instead of an assignment. False: an assignment comes. */
static bool set_special(struct sql_session *session, struct sql_reader *reader)
{
	struct sql_reader saved = *reader;

	if (sql_reader_take_word(reader, SLICE("names"))) {
		set_names(session, reader);
		return true;
	}
	if (sql_reader_take_word(reader, SLICE("charset")) ||
	    (sql_reader_take_word(reader, SLICE("character")) &&
	     sql_reader_take_word(reader, SLICE("set")))) {
		set_character_set(session, reader);
		return true;
	}
	*reader = saved;
	return false;
}

/* Of @@scope.name, with or without the scope: the name. Data NULL: another scope than the
 * session's. */
static struct slice system_name(struct slice text)
{
	static const char *const scopes[] = { "session.", "local." };
	static const char *const others[] = { "global.", "persist.", "persist_only." };
	struct slice name = slice_of(text.data + 2, text.size - 2);

	for (size_t i = 0; i < 3; i++)
		if (slice_starts_with(name, slice_from_string(others[i])))
			return slice_of(NULL, 0);
	for (size_t i = 0; i < 2; i++) {
		struct slice scope = slice_from_string(scopes[i]);

		if (slice_starts_with(name, scope))
			return slice_of(name.data + scope.size, name.size - scope.size);
	}
	return name;
}

static void take_scope(struct sql_reader *reader, struct assignment *assignment)
{
	if (sql_reader_take_word(reader, SLICE("global")) ||
	    sql_reader_take_word(reader, SLICE("persist")) ||
	    sql_reader_take_word(reader, SLICE("persist_only")))
		assignment->global = true;
	else if (sql_reader_take_word(reader, SLICE("session")) ||
		 sql_reader_take_word(reader, SLICE("local")))
		assignment->global = false;
}

/* The variable that is assigned to, and the operator behind it. An empty name: one that is not the
 * session's. False: it is no assignment. */
static bool take_target(struct sql_reader *reader, struct assignment *assignment)
{
	struct slice text = reader->token.text;
	bool at_sign = text.size && text.data[0] == '@';

	assignment->name = slice_of(NULL, 0);
	if (reader->token.type != SQL_TOKEN_WORD && reader->token.type != SQL_TOKEN_QUOTED)
		return false;
	if (text.size > 2 && at_sign && text.data[1] == '@')
		assignment->name = system_name(text);
	else if (!at_sign && !assignment->global && reader->token.type == SQL_TOKEN_WORD)
		assignment->name = text;
	sql_reader_advance(reader);
	/* A component's or a key cache's, or a row's in a trigger. */
	while (take(reader, SQL_TOKEN_DOT)) {
		assignment->name = slice_of(NULL, 0);
		sql_reader_advance(reader);
	}
	assignment->name = sql_session_mysql_name(assignment->name);
	if (!slice_equal(reader->token.text, SLICE("=")) &&
	    !slice_equal(reader->token.text, SLICE(":=")))
		return false;
	sql_reader_advance(reader);
	return true;
}

/* A text made of what is known; see evaluate(). */
struct text {
	struct buffer *out;
	const struct sql_session *session;
	bool known; /* all of it: no variable came whose value is not */
};

static bool evaluate(struct sql_reader *reader, struct text *text, unsigned int depth);

/* The arguments of CONCAT, behind its parenthesis. */
static bool concatenate(struct sql_reader *reader, struct text *text, unsigned int depth)
{
	do {
		if (!evaluate(reader, text, depth))
			return false;
	} while (take(reader, SQL_TOKEN_COMMA));
	return take(reader, SQL_TOKEN_CLOSE);
}

static void replace_all(struct buffer *out, struct slice text, struct slice from, struct slice to)
{
	while (text.size) {
		const uint8_t *found =
			from.size ? memmem(text.data, text.size, from.data, from.size) : NULL;
		size_t before = found ? (size_t)(found - text.data) : text.size;

		buffer_append(out, text.data, before);
		if (found)
			buffer_append_slice(out, to);
		before += found ? from.size : 0;
		text = slice_of(text.data + before, text.size - before);
	}
}

/* The arguments of REPLACE, behind its parenthesis. */
static bool replace(struct sql_reader *reader, struct text *text, unsigned int depth)
{
	struct slice arguments[3] = { 0 };
	struct buffer argument;
	struct text inner = { .out = &argument, .session = text->session, .known = true };
	bool good = true;

	buffer_init(&argument, SESSION_LIST_BYTES_MAX);
	for (size_t i = 0; i < 3 && good; i++) {
		buffer_clear(&argument);
		good = evaluate(reader, &inner, depth) &&
		       take(reader, i < 2 ? SQL_TOKEN_COMMA : SQL_TOKEN_CLOSE);
		arguments[i] = arena_copy(reader->arena, buffer_slice(&argument));
	}
	buffer_release(&argument);
	text->known = text->known && inner.known;
	if (good)
		replace_all(text->out, arguments[0], arguments[1], arguments[2]);
	return good;
}

static bool append_variable(struct sql_reader *reader, struct text *text)
{
	struct slice name = system_name(reader->token.text);
	struct slice value = slice_of(NULL, 0);

	if (name.data)
		value = settings_get(&text->session->settings, sql_session_mysql_name(name));
	if (!value.data)
		text->known = false;
	buffer_append_slice(text->out, value);
	sql_reader_advance(reader);
	return true;
}

/*
 * A value, a variable, CONCAT() or REPLACE() of such, or any of these in parentheses, with SELECT or without. False: it is
 * something else.
 */
static bool evaluate(struct sql_reader *reader, struct text *text, unsigned int depth)
{
	struct slice value = reader->token.text;

	if (depth > 4)
		return false;
	if (take(reader, SQL_TOKEN_OPEN)) {
		(void)sql_reader_take_word(reader, SLICE("select"));
		return evaluate(reader, text, depth + 1) && take(reader, SQL_TOKEN_CLOSE);
	}
	if (sql_reader_take_word(reader, SLICE("concat")))
		return take(reader, SQL_TOKEN_OPEN) && concatenate(reader, text, depth + 1);
	if (sql_reader_take_word(reader, SLICE("replace")))
		return take(reader, SQL_TOKEN_OPEN) && replace(reader, text, depth + 1);
	if (reader->token.type == SQL_TOKEN_WORD && value.data[0] == '@')
		return value.size > 2 && value.data[1] == '@' && append_variable(reader, text);
	if (reader->token.type == SQL_TOKEN_QUOTED || !sql_reader_take_text(reader, &value))
		return false;
	buffer_append_slice(text->out, value);
	return true;
}

/* Modes of a text of which a part may be unknown: that part has those that are on. */
static void assign_mode(struct sql_session *session, const struct text *text)
{
	uint32_t modes = sql_mode_parse(buffer_slice(text->out));

	set_mode(session, text->known ? modes : modes | mode_of(session));
}

static bool is_charset_name(struct slice name)
{
	return slice_starts_with(name, SLICE("character_set_")) ||
	       slice_starts_with(name, SLICE("collation_"));
}

static void assign(struct sql_session *session, struct slice name, struct sql_reader *reader)
{
	bool mode = slice_equal(name, SLICE("sql_mode"));
	struct text text = { .session = session, .known = true };
	struct buffer buffer;
	struct slice value;

	if (sql_reader_take_word(reader, SLICE("default"))) {
		set(session, SETTING_SESSION, name, slice_of(NULL, 0));
		if (mode)
			mode_as_at_login(session);
		return;
	}
	buffer_init(&buffer, SESSION_LIST_BYTES_MAX);
	buffer_append_u8(&buffer, 0); /* so that an empty value has data */
	buffer_clear(&buffer);
	text.out = &buffer;
	if (!evaluate(reader, &text, 0) || !ends_expression(reader))
		text.known = false;
	if (mode)
		assign_mode(session, &text);
	value = buffer_slice(&buffer);
	if (is_charset_name(name))
		value = lower_copy(reader->arena, value);
	set(session, SETTING_SESSION, name, text.known ? value : slice_of(NULL, 0));
	buffer_release(&buffer);
}

static void set_list(struct sql_session *session, struct sql_reader *reader)
{
	struct assignment assignment = { 0 };

	do {
		if (set_special(session, reader))
			continue;
		take_scope(reader, &assignment);
		if (sql_reader_take_word(reader, SLICE("transaction"))) {
			set_transaction(session, reader, false);
			return;
		}
		if (!take_target(reader, &assignment))
			return;
		if (assignment.name.size)
			assign(session, assignment.name, reader);
		skip_expression(reader);
	} while (take(reader, SQL_TOKEN_COMMA));
}

static void on_set(struct sql_session *session, struct sql_reader *reader)
{
	struct sql_reader saved = *reader;

	if (sql_reader_take_word(reader, SLICE("password"))) {
		session->transaction = SQL_IDLE;
	} else if (sql_reader_take_word(reader, SLICE("role"))) {
		set_role(session, reader);
	} else if ((sql_reader_take_word(reader, SLICE("session")) ||
		    sql_reader_take_word(reader, SLICE("local"))) &&
		   sql_reader_take_word(reader, SLICE("transaction"))) {
		set_transaction(session, reader, true);
	} else {
		*reader = saved;
		/* MariaDB: SET STATEMENT holds for that statement only. */
		if (!sql_reader_at_word(reader, SLICE("statement")))
			set_list(session, reader);
	}
}

static bool chains(struct sql_reader *reader)
{
	while (reader->token.type != SQL_TOKEN_END) {
		if (sql_reader_take_word(reader, SLICE("and")))
			return sql_reader_at_word(reader, SLICE("chain"));
		sql_reader_advance(reader);
	}
	return false;
}

static void on_use(struct sql_session *session, struct sql_reader *reader)
{
	struct slice name;

	if (sql_reader_take_text(reader, &name))
		sql_session_set_database(session, name);
}

/* DDL commits, but that on temporary tables. Who drops the database that is in use has none. */
static void on_ddl(struct sql_session *session, struct sql_reader *reader, bool ok)
{
	bool drop = sql_reader_take_word(reader, SLICE("drop"));
	struct slice name;

	if (!drop && !sql_reader_take_word(reader, SLICE("create"))) {
		session->transaction = SQL_IDLE;
		return;
	}
	if (slice_equal_nocase(reader->token.text, SLICE("temporary")))
		return;
	session->transaction = SQL_IDLE;
	if (!ok || !drop ||
	    (!sql_reader_take_word(reader, SLICE("database")) &&
	     !sql_reader_take_word(reader, SLICE("schema"))))
		return;
	if (sql_reader_take_word(reader, SLICE("if")))
		sql_reader_advance(reader);
	if (sql_reader_take_text(reader, &name) &&
	    slice_equal(name, buffer_slice(&session->database))) {
		session->moves++;
		buffer_clear(&session->database);
	}
}

static void on_xa(struct sql_session *session, struct sql_reader *reader)
{
	struct slice word = slice_of(NULL, 0);

	if (reader->token.type == SQL_TOKEN_WORD)
		word = reader->token.text;
	if (slice_equal_nocase(word, SLICE("start")) || slice_equal_nocase(word, SLICE("begin")))
		session->transaction = SQL_IN_TRANSACTION;
	else if (slice_equal_nocase(word, SLICE("commit")) ||
		 slice_equal_nocase(word, SLICE("rollback")))
		session->transaction = SQL_IDLE;
}

static void on_lock(struct sql_session *session, struct sql_reader *reader, bool ok)
{
	if (reader->token.type != SQL_TOKEN_WORD ||
	    slice_equal_nocase(reader->token.text, SLICE("instance")))
		return;
	session->transaction = SQL_IDLE;
	session->locked = ok;
}

/* Verbs whose words count. */
static void on_words(struct sql_session *session, uint8_t verb, struct sql_reader *reader, bool ok)
{
	switch (verb) {
	case SQL_DDL:
		on_ddl(session, reader, ok);
		return;
	case SQL_COMMIT:
	case SQL_ROLLBACK:
		session->transaction = chains(reader) ? SQL_IN_TRANSACTION : SQL_IDLE;
		return;
	default:
		break;
	}
	sql_reader_advance(reader);
	switch (verb) {
	case SQL_LOCK:
		on_lock(session, reader, ok);
		break;
	case SQL_SET:
		if (ok)
			on_set(session, reader);
		break;
	case SQL_USE:
		if (ok)
			on_use(session, reader);
		break;
	case SQL_XA:
		if (ok)
			on_xa(session, reader);
		break;
	default:
		break;
	}
}

static bool has_words(uint8_t verb)
{
	return verb == SQL_DDL || verb == SQL_COMMIT || verb == SQL_ROLLBACK || verb == SQL_LOCK ||
	       verb == SQL_SET || verb == SQL_USE || verb == SQL_XA;
}

/* With autocommit off: does the statement begin a transaction? */
static bool touches_table(const struct sql_statement *statement)
{
	switch (statement->verb) {
	case SQL_SELECT:
		return statement->canonical.size &&
		       memmem(statement->canonical.data, statement->canonical.size, " from ", 6);
	case SQL_INSERT:
	case SQL_UPDATE:
	case SQL_DELETE:
	case SQL_WITH_WRITE:
	case SQL_LOAD:
	case SQL_CALL:
	case SQL_EXECUTE:
	case SQL_HANDLER:
		return true;
	default:
		return false;
	}
}

void sql_session_mysql_statement(struct sql_session *session, const struct sql_statement *statement,
				 const struct sql_value *values, bool ok)
{
	struct sql_options options = session->options;
	struct sql_reader reader;
	struct arena arena;

	if (has_words(statement->verb)) {
		arena_init(&arena);
		options.ansi_quotes = false; /* canonical text has backticks */
		sql_reader_init(&reader, &options, statement, values, &arena);
		on_words(session, statement->verb, &reader, ok);
		arena_release(&arena);
	} else if (statement->verb == SQL_BEGIN) {
		session->transaction = ok ? SQL_IN_TRANSACTION : SQL_IDLE;
		session->locked = false;
	} else if (statement->verb == SQL_ADMIN) {
		session->transaction = SQL_IDLE;
	} else if (statement->verb == SQL_UNLOCK) {
		if (session->locked)
			session->transaction = SQL_IDLE;
		session->locked = false;
	} else if (ok && session->manual && touches_table(statement)) {
		session->transaction = SQL_IN_TRANSACTION;
	}
}
