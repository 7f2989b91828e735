/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A PostgreSQL session's transaction and settings, from its statements; see session.h. PostgreSQL 16
 * documentation: SET, SET ROLE, SET SESSION AUTHORIZATION, RESET, DISCARD, and section 55.2.2.1 on
 * implicit transactions.
 *
 * Invariant: the settings have a mark while a transaction is open, the implicit one of a batch too; `transaction`
 * tells of explicit ones only.
 *
 *	I → T [BEGIN]				T → E [error]
 *	T, E → I [COMMIT, ROLLBACK]		E → T [ROLLBACK TO]
 *	T, E → I [PREPARE TRANSACTION, also one that fails]
 */
#include "parsers/sql/search_path.h"
#include "parsers/sql/session_state.h"

/* The role that requests act as: "b", "session a" or "session a role b"; empty: as at login. */
static void refresh_role(struct sql_session *session)
{
	struct slice authorization =
		settings_get(&session->settings, SLICE("session_authorization"));
	struct slice role = settings_get(&session->settings, SLICE("role"));
	bool has_role = role.data && !slice_equal(role, SLICE("none"));

	buffer_clear(&session->role);
	if (authorization.data) {
		buffer_append_string(&session->role, "session ");
		buffer_append_slice(&session->role, authorization);
		if (has_role)
			buffer_append_string(&session->role, " role ");
	}
	if (has_role)
		buffer_append_slice(&session->role, role);
}

/* A value as startup parameters and set_config() give it: a list is one text. */
static void set_text(struct sql_session *session, enum setting_scope scope, struct slice name,
		     struct slice value)
{
	struct buffer list;

	if (!value.data || !slice_equal_nocase(name, SLICE("search_path"))) {
		settings_set(&session->settings, scope, name, value);
	} else {
		buffer_init(&list, SESSION_LIST_BYTES_MAX);
		sql_search_path_parse(&list, value);
		settings_set(&session->settings, scope, name, buffer_slice(&list));
		buffer_release(&list);
	}
	/* Becoming another user ends the role that the last one had taken. */
	if (slice_equal_nocase(name, SLICE("session_authorization")) && scope != SETTING_STARTUP)
		settings_set(&session->settings, scope, SLICE("role"), SLICE("none"));
	refresh_role(session);
}

/* The next word of a command line, in which a backslash takes the next byte as it is. False: none
 * is left. */
static bool take_argument(struct slice *line, struct buffer *argument)
{
	size_t i = 0;

	buffer_clear(argument);
	while (i < line->size &&
	       (line->data[i] == ' ' || line->data[i] == '\t' || line->data[i] == '\n'))
		i++;
	if (i == line->size)
		return false;
	for (; i < line->size; i++) {
		if (line->data[i] == ' ' || line->data[i] == '\t' || line->data[i] == '\n')
			break;
		if (line->data[i] == '\\' && i + 1 < line->size)
			i++;
		buffer_append_u8(argument, line->data[i]);
	}
	*line = slice_of(line->data + i, line->size - i);
	return true;
}

/* "name=value"; dashes in the name are underscores. */
static void startup_assignment(struct sql_session *session, struct slice text)
{
	const uint8_t *equals = text.size ? memchr(text.data, '=', text.size) : NULL;
	uint8_t name[64];
	size_t size;

	if (!equals)
		return;
	size = (size_t)(equals - text.data);
	if (size > sizeof(name))
		return;
	for (size_t i = 0; i < size; i++)
		name[i] = text.data[i] == '-' ? '_' : text.data[i];
	set_text(session, SETTING_STARTUP, slice_of(name, size),
		 slice_of(equals + 1, text.size - size - 1));
}

static void startup_options(struct sql_session *session, struct slice line)
{
	struct buffer buffer;

	buffer_init(&buffer, SESSION_LIST_BYTES_MAX);
	while (take_argument(&line, &buffer)) {
		struct slice argument = buffer_slice(&buffer);

		if (slice_equal(argument, SLICE("-c"))) {
			if (!take_argument(&line, &buffer))
				break;
			startup_assignment(session, buffer_slice(&buffer));
		} else if (slice_starts_with(argument, SLICE("-c")) ||
			   slice_starts_with(argument, SLICE("--"))) {
			startup_assignment(session, slice_of(argument.data + 2, argument.size - 2));
		}
	}
	buffer_release(&buffer);
}

void sql_session_postgres_startup(struct sql_session *session, struct slice name,
				  struct slice value)
{
	if (slice_equal_nocase(name, SLICE("options")))
		startup_options(session, value);
	else
		set_text(session, SETTING_STARTUP, name, value.data ? value : SLICE(""));
}

/* The rest of SET name = a, b: one text of all values. False: it is no list of values. */
static bool read_list(struct sql_reader *reader, bool path, struct buffer *list)
{
	struct slice text;

	for (;;) {
		if (!sql_reader_take_text(reader, &text))
			return false;
		if (path) {
			sql_search_path_append(list, text);
		} else {
			if (list->size)
				buffer_append_string(list, ", ");
			buffer_append_slice(list, text);
		}
		if (reader->token.type == SQL_TOKEN_END)
			return true;
		if (reader->token.type != SQL_TOKEN_COMMA)
			return false;
		sql_reader_advance(reader);
	}
}

static void set_list(struct sql_session *session, enum setting_scope scope, struct slice name,
		     struct sql_reader *reader)
{
	bool path = slice_equal(name, SLICE("search_path"));
	struct buffer list;

	if (sql_reader_at_word(reader, SLICE("default"))) {
		set_text(session, scope, name, slice_of(NULL, 0));
		return;
	}
	buffer_init(&list, SESSION_LIST_BYTES_MAX);
	buffer_append_u8(&list, 0); /* so that an empty value has data */
	buffer_clear(&list);
	if (read_list(reader, path, &list))
		settings_set(&session->settings, scope, name, buffer_slice(&list));
	buffer_release(&list);
	if (slice_equal(name, SLICE("session_authorization")))
		settings_set(&session->settings, scope, SLICE("role"), SLICE("none"));
	refresh_role(session);
}

/* The name of a setting, with its dots; in the arena. */
static bool take_name(struct sql_reader *reader, struct slice *ret_name)
{
	const uint8_t *start = reader->token.text.data;
	const uint8_t *end;
	struct slice part;

	if (reader->token.type == SQL_TOKEN_QUOTED)
		return sql_reader_take_text(reader, ret_name);
	do {
		if (reader->token.type == SQL_TOKEN_DOT)
			sql_reader_advance(reader);
		end = reader->token.text.data + reader->token.text.size;
		if (sql_reader_is_mark(&reader->token) || !sql_reader_take_text(reader, &part))
			return false;
	} while (reader->token.type == SQL_TOKEN_DOT);
	*ret_name = slice_of(start, (size_t)(end - start));
	return true;
}

/* What SET spells in words of its own, and the setting that it is. Data NULL: an ordinary name
 * comes. */
static struct slice take_special_name(struct sql_reader *reader)
{
	struct sql_reader saved = *reader;

	if (sql_reader_take_word(reader, SLICE("role")))
		return SLICE("role");
	if (sql_reader_take_word(reader, SLICE("names")))
		return SLICE("client_encoding");
	if (sql_reader_take_word(reader, SLICE("schema")))
		return SLICE("search_path");
	if (sql_reader_take_word(reader, SLICE("time")) &&
	    sql_reader_take_word(reader, SLICE("zone")))
		return SLICE("timezone");
	if (sql_reader_take_word(reader, SLICE("session")) &&
	    sql_reader_take_word(reader, SLICE("authorization")))
		return SLICE("session_authorization");
	*reader = saved;
	return slice_of(NULL, 0);
}

static bool take_equals(struct sql_reader *reader)
{
	if (sql_reader_take_word(reader, SLICE("to")))
		return true;
	if (reader->token.type != SQL_TOKEN_OPERATOR ||
	    !slice_equal(reader->token.text, SLICE("=")))
		return false;
	sql_reader_advance(reader);
	return true;
}

static enum setting_scope take_scope(struct sql_reader *reader)
{
	struct sql_reader saved = *reader;

	if (sql_reader_take_word(reader, SLICE("local")))
		return SETTING_LOCAL;
	/* SET SESSION AUTHORIZATION has no scope, SET SESSION SESSION AUTHORIZATION has. */
	if (sql_reader_take_word(reader, SLICE("session")) &&
	    sql_reader_at_word(reader, SLICE("authorization")))
		*reader = saved;
	return SETTING_SESSION;
}

static void on_set(struct sql_session *session, struct sql_reader *reader)
{
	enum setting_scope scope = take_scope(reader);
	struct slice name = take_special_name(reader);

	if (name.data) {
		(void)take_equals(reader); /* SET ROLE x, and SET role = x */
		set_list(session, scope, name, reader);
	} else if (take_name(reader, &name) && take_equals(reader)) {
		set_list(session, scope, name, reader);
	}
}

static void on_reset(struct sql_session *session, struct sql_reader *reader)
{
	struct slice name;

	if (sql_reader_take_word(reader, SLICE("all"))) {
		settings_reset_all(&session->settings);
		refresh_role(session);
		return;
	}
	name = take_special_name(reader);
	if (name.data || take_name(reader, &name))
		set_text(session, SETTING_SESSION, name, slice_of(NULL, 0));
}

static void on_discard(struct sql_session *session, struct sql_reader *reader)
{
	if (!sql_reader_at_word(reader, SLICE("all")))
		return;
	set_text(session, SETTING_SESSION, SLICE("session_authorization"), slice_of(NULL, 0));
	settings_set(&session->settings, SETTING_SESSION, SLICE("role"), slice_of(NULL, 0));
	settings_reset_all(&session->settings);
	refresh_role(session);
}

/*
 * An argument of set_config(), and the comma or parenthesis behind it. False: it is no plain value
 * (a column, an expression), so what was set cannot be known.
 */
static bool take_config_argument(struct sql_reader *reader, bool last, struct slice *ret_text)
{
	bool mark = sql_reader_is_mark(&reader->token);
	bool null =
		mark && reader->mark <= reader->n_values && reader->values[reader->mark - 1].null;

	*ret_text = slice_of(NULL, 0);
	if (null || sql_reader_at_word(reader, SLICE("null")))
		sql_reader_advance(reader);
	else if (!(mark || sql_reader_at_word(reader, SLICE("true")) ||
		   sql_reader_at_word(reader, SLICE("false"))) ||
		 !sql_reader_take_text(reader, ret_text))
		return false;
	if (reader->token.type != (last ? SQL_TOKEN_CLOSE : SQL_TOKEN_COMMA))
		return false;
	sql_reader_advance(reader);
	return true;
}

static bool is_true(struct slice text)
{
	return slice_equal_nocase(text, SLICE("true")) || slice_equal_nocase(text, SLICE("t")) ||
	       slice_equal_nocase(text, SLICE("on")) || slice_equal_nocase(text, SLICE("yes")) ||
	       slice_equal(text, SLICE("1"));
}

/* Asked of each execution: few statements have a parenthesis, memmem() looks at every byte. */
static bool calls_set_config(struct slice canonical)
{
	const struct slice name = SLICE("set_config");
	struct slice rest = canonical;
	const uint8_t *at;

	while (rest.size && (at = memchr(rest.data, '(', rest.size))) {
		size_t before = (size_t)(at - canonical.data);

		if (before >= name.size && slice_equal(slice_of(at - name.size, name.size), name))
			return true;
		rest = slice_of(at + 1, canonical.size - before - 1);
	}
	return false;
}

/* SELECT set_config(name, value, is_local), as often as it stands there. */
static void on_select(struct sql_session *session, struct sql_reader *reader,
		      struct slice canonical)
{
	struct slice name, value, local;

	if (!calls_set_config(canonical))
		return;
	while (reader->token.type != SQL_TOKEN_END) {
		if (!sql_reader_take_word(reader, SLICE("set_config"))) {
			sql_reader_advance(reader);
			continue;
		}
		if (reader->token.type != SQL_TOKEN_OPEN)
			continue;
		sql_reader_advance(reader);
		if (take_config_argument(reader, false, &name) && name.data &&
		    take_config_argument(reader, false, &value) &&
		    take_config_argument(reader, true, &local))
			set_text(session, is_true(local) ? SETTING_LOCAL : SETTING_SESSION, name,
				 value);
	}
}

/* The name behind SAVEPOINT, RELEASE [SAVEPOINT], ROLLBACK [WORK] TO [SAVEPOINT]: the last token.
 */
static struct slice last_name(struct sql_reader *reader)
{
	struct slice name = slice_of(NULL, 0);

	while (reader->token.type != SQL_TOKEN_END && sql_reader_take_text(reader, &name))
		;
	return name;
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

static void end_transaction(struct sql_session *session, struct sql_reader *reader, bool commit)
{
	bool chain = session->transaction != SQL_IDLE && reader && chains(reader);

	if (commit)
		settings_commit(&session->settings);
	else
		settings_rollback(&session->settings);
	cursors_transaction_end(&session->cursors, commit);
	session->transaction = chain ? SQL_IN_TRANSACTION : SQL_IDLE;
	if (chain)
		settings_begin(&session->settings);
	refresh_role(session);
}

/* Statements that begin, end or divide transactions. False: another one. */
static bool on_transaction(struct sql_session *session, uint8_t verb, struct sql_reader *reader)
{
	struct slice name;

	switch (verb) {
	case SQL_BEGIN:
		if (session->transaction == SQL_IDLE)
			session->transaction = SQL_IN_TRANSACTION;
		return true;
	case SQL_COMMIT:
		end_transaction(session, reader, session->transaction != SQL_FAILED);
		return true;
	case SQL_ROLLBACK:
		end_transaction(session, reader, false);
		return true;
	case SQL_SAVEPOINT:
		name = last_name(reader);
		settings_savepoint(&session->settings, name);
		return true;
	case SQL_RELEASE:
		settings_release_savepoint(&session->settings, last_name(reader));
		return true;
	case SQL_ROLLBACK_TO:
		settings_rollback_to(&session->settings, last_name(reader));
		session->transaction = SQL_IN_TRANSACTION;
		refresh_role(session);
		return true;
	default:
		return false;
	}
}

static bool prepares_transaction(const struct sql_statement *statement)
{
	return statement->verb == SQL_OTHER &&
	       slice_starts_with(statement->canonical, SLICE("prepare transaction "));
}

static void on_success(struct sql_session *session, const struct sql_statement *statement,
		       const struct sql_value *values)
{
	static const struct sql_options postgres = { .dialect = SQL_POSTGRES };
	struct sql_reader reader;
	struct arena arena;

	arena_init(&arena);
	sql_reader_init(&reader, &postgres, statement, values, &arena);
	if (statement->verb == SQL_SELECT) {
		on_select(session, &reader, statement->canonical);
	} else if (!on_transaction(session, statement->verb, &reader)) {
		if (sql_reader_take_word(&reader, SLICE("set")))
			on_set(session, &reader);
		else if (sql_reader_take_word(&reader, SLICE("reset")))
			on_reset(session, &reader);
		else if (sql_reader_take_word(&reader, SLICE("discard")))
			on_discard(session, &reader);
		else if (sql_reader_take_word(&reader, SLICE("load")))
			settings_doubt_own(&session->settings);
		else if (prepares_transaction(statement))
			end_transaction(session, NULL, session->transaction != SQL_FAILED);
	}
	arena_release(&arena);
}

bool sql_session_accepts(const struct sql_session *session, const struct sql_statement *statement)
{
	return session->transaction != SQL_FAILED || statement->verb == SQL_EMPTY ||
	       statement->verb == SQL_COMMIT || statement->verb == SQL_ROLLBACK ||
	       statement->verb == SQL_ROLLBACK_TO || prepares_transaction(statement);
}

/* What most statements are: nothing of a session changes by them. */
static bool is_indifferent(const struct sql_statement *statement)
{
	switch (statement->verb) {
	case SQL_SELECT:
		return !calls_set_config(statement->canonical);
	case SQL_OTHER: /* PREPARE TRANSACTION */
	case SQL_DECLARE:
	case SQL_FETCH:
	case SQL_CLOSE:
	case SQL_PREPARE:
	case SQL_DEALLOCATE:
	case SQL_SET:
	case SQL_DISCARD:
	case SQL_BEGIN:
	case SQL_COMMIT:
	case SQL_ROLLBACK:
	case SQL_SAVEPOINT:
	case SQL_RELEASE:
	case SQL_ROLLBACK_TO:
		return false;
	default:
		return true;
	}
}

void sql_session_postgres_statement(struct sql_session *session,
				    const struct sql_statement *statement,
				    const struct sql_value *values, bool ok)
{
	if (!ok) {
		/* A COMMIT, and the first half of one, that fails has ended the transaction all the same. */
		if ((statement->verb == SQL_COMMIT || prepares_transaction(statement)) &&
		    session->transaction != SQL_IDLE)
			end_transaction(session, NULL, false);
		else if (session->transaction == SQL_IN_TRANSACTION)
			session->transaction = SQL_FAILED;
		return;
	}
	if (is_indifferent(statement))
		return;
	settings_begin(&session->settings);
	cursors_statement(&session->cursors, statement, values);
	on_success(session, statement, values);
}

void sql_session_postgres_batch_end(struct sql_session *session, bool ok)
{
	if (session->transaction != SQL_IDLE || !session->settings.n_marks)
		return;
	end_transaction(session, NULL, ok);
}

struct sql_options sql_session_postgres_options(const struct sql_session *session)
{
	struct slice value = settings_get(&session->settings, SLICE("standard_conforming_strings"));

	return (struct sql_options){
		.dialect = SQL_POSTGRES,
		.backslash_escapes = value.size && !is_true(value),
	};
}
