/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The MySQL recorder: how a session begins, at the login and at COM_CHANGE_USER. Everything between a login and its OK is the
 * authentication plugins' own (scrambles, keys, passwords): it is counted, and nothing of it is kept. Follows "Connection
 * Phase" of the internals manual.
 */
#include "parsers/mysql/recorder.h"
#include "parsers/sql/lexer.h"

#include <stdlib.h>

/* Client and server parameters of a session, beside the connect attributes. */
#define PARAMETERS_MAX 8

/* ---- who it is ---- */

static struct slice place(uint8_t **at, struct slice bytes)
{
	struct slice copy = slice_of(*at, bytes.size);

	if (bytes.size)
		memcpy(*at, bytes.data, bytes.size);
	*at += bytes.size;
	return copy;
}

static struct my_identity identity_of(uint64_t capabilities, struct slice user,
				      struct slice database, struct slice attributes)
{
	struct my_identity identity = { .capabilities = capabilities };
	uint8_t *at = malloc(user.size + database.size + attributes.size + 1);

	if (!at)
		abort();
	identity.bytes = at;
	identity.user = place(&at, user);
	identity.database = place(&at, database);
	identity.attributes = place(&at, attributes);
	return identity;
}

struct my_identity *my_identity_new(uint64_t capabilities, struct slice user, struct slice database,
				    struct slice attributes)
{
	struct my_identity *identity = malloc(sizeof(*identity));

	if (!identity)
		abort();
	*identity = identity_of(capabilities, user, database, attributes);
	return identity;
}

void my_identity_free(struct my_identity *identity)
{
	if (identity)
		free(identity->bytes);
	free(identity);
}

void my_database_set(struct recorder *recorder, struct slice name)
{
	buffer_clear(&recorder->database);
	buffer_append_slice(&recorder->database, name);
}

/* ---- how its texts are read ---- */

/* Longer ones are no SET (see store/ingest_exchange.c). */
#define SET_TEXT_MAX ((size_t)64 << 10)

void my_lexer_begin(struct recorder *recorder)
{
	struct slice charset = my_charset_name(recorder->identity.collation);

	sql_session_free(recorder->session);
	recorder->session = sql_session_new(SQL_MYSQL, slice_of(NULL, 0));
	sql_session_startup(recorder->session, SLICE("character_set_client"), charset);
	recorder->options.charset = (uint8_t)sql_charset_of(charset);
	recorder->options.ansi_quotes = false;
}

static bool begins_with_set(const struct recorder *recorder, struct slice text)
{
	struct slice begins = slice_of(text.data, text.size < 3 ? text.size : 3);
	uint8_t first = text.size ? ascii_lower(text.data[0]) : 0;
	struct sql_lexer lexer;
	struct sql_token token;

	/* No comment and no white space begins with a letter: it is the first word's. */
	if (first >= 'a' && first <= 'z' && !slice_equal_nocase(begins, SLICE("set")))
		return false;
	sql_lexer_init(&lexer, &recorder->options, text);
	sql_lex_next(&lexer, &token);
	return token.type == SQL_TOKEN_WORD && slice_equal_nocase(token.text, SLICE("set"));
}

/* Servers without session tracking say of sql_mode and the character set only what is in the status flags. */
void my_lexer_follow(struct recorder *recorder, struct slice text)
{
	struct sql_options before = sql_session_options(recorder->session), now;
	struct sql_statement statement;
	struct sql_value *values;
	struct arena arena;

	if (text.size > SET_TEXT_MAX || !begins_with_set(recorder, text))
		return;
	arena_init(&arena);
	sql_canonicalize(&recorder->options, text, &arena, &statement);
	values = arena_alloc(&arena, (statement.n_slots + 1) * sizeof(*values));
	sql_slot_values(&statement, NULL, 0, values);
	if (!statement.placeholders)
		sql_session_statement(recorder->session, &statement, values, true);
	arena_release(&arena);
	now = sql_session_options(recorder->session);
	if (now.charset != before.charset)
		recorder->options.charset = now.charset;
	if (now.ansi_quotes != before.ansi_quotes)
		recorder->options.ansi_quotes = now.ansi_quotes;
}

/* ---- the session's item ---- */

static void add_text(struct arena *arena, struct name_value **next, struct slice name,
		     struct slice value)
{
	(*next)->name = arena_copy(arena, name);
	(*next)->value = arena_copy(arena, value);
	(*next)++;
}

static void add_number(struct arena *arena, struct name_value **next, struct slice name,
		       uint64_t number)
{
	struct buffer digits;

	buffer_init(&digits, 32);
	buffer_append_unsigned(&digits, number);
	add_text(arena, next, name, buffer_slice(&digits));
	buffer_release(&digits);
}

static void add_capabilities(struct arena *arena, struct name_value **next, uint64_t capabilities)
{
	add_number(arena, next, SLICE("capabilities"), capabilities & 0xffffffff);
	if (capabilities >> 32)
		add_number(arena, next, SLICE("mariadb_capabilities"), capabilities >> 32);
}

static void client_parameters(const struct my_identity *identity, struct item *item)
{
	struct cursor attributes = cursor_of(identity->attributes);
	struct slice name, value;
	struct name_value *first, *next;
	size_t n = PARAMETERS_MAX;

	while (my_attribute_next(&attributes, &name, &value))
		n++;
	next = first = arena_alloc(&item->arena, n * sizeof(*first));
	add_capabilities(&item->arena, &next, identity->capabilities);
	add_number(&item->arena, &next, SLICE("collation"), identity->collation);
	if (my_charset_name(identity->collation).size)
		add_text(&item->arena, &next, SLICE("character_set_client"),
			 my_charset_name(identity->collation));
	add_number(&item->arena, &next, SLICE("max_packet"), identity->max_packet);
	attributes = cursor_of(identity->attributes);
	while (my_attribute_next(&attributes, &name, &value))
		add_text(&item->arena, &next, name, value);
	item->session.client_parameters = first;
	item->session.n_client_parameters = (size_t)(next - first);
}

static void server_parameters(const struct my_greeting *greeting, struct item *item)
{
	struct name_value *first, *next;

	next = first = arena_alloc(&item->arena, PARAMETERS_MAX * sizeof(*first));
	add_capabilities(&item->arena, &next, greeting->capabilities);
	add_number(&item->arena, &next, SLICE("collation"), greeting->collation);
	add_number(&item->arena, &next, SLICE("status"), greeting->status);
	add_text(&item->arena, &next, SLICE("auth_plugin"), greeting->plugin);
	item->session.server_parameters = first;
	item->session.n_server_parameters = (size_t)(next - first);
}

static void emit(struct recorder *recorder, bool was_refused)
{
	struct item *item = item_new(ITEM_SESSION, recorder->log.connection);
	struct session_item *session = &item->session;

	session->protocol = &mysql_protocol;
	session->refused = was_refused;
	session->backend = recorder->greeting.thread;
	session->server_version = arena_copy(&item->arena, recorder->greeting.version);
	session->user = arena_copy(&item->arena, recorder->identity.user);
	session->database = arena_copy(&item->arena, buffer_slice(&recorder->database));
	if (recorder->identity.bytes)
		client_parameters(&recorder->identity, item);
	if (!was_refused)
		server_parameters(&recorder->greeting, item);
	item_list_add(recorder->log.items, item);
}

void my_session_emit(struct recorder *recorder)
{
	emit(recorder, false);
}

/* Who leaves at the greeting (wants TLS, say, or only looked) was greeted: replay is to do that too. */
void my_login_end(struct recorder *recorder)
{
	if (recorder->phase == PHASE_LOGIN)
		my_session_emit(recorder);
	recorder->phase = PHASE_REFUSED;
}

/* ---- the login ---- */

/* An error in the place of the greeting, or of letting the client in. */
static bool refused(struct recorder *recorder, struct slice body)
{
	struct buffer piece;
	struct item *item;
	struct my_err err;

	if (!my_err_read(body, &err))
		return my_fail(recorder, "malformed ERR");
	emit(recorder, true);
	buffer_init(&piece, body.size + MY_ERROR_PIECE_MAX);
	my_error_piece_write(&piece, &err);
	item = exchange_aside(&recorder->log, PIECE_ERROR, buffer_slice(&piece));
	buffer_release(&piece);
	item_list_add(recorder->log.items, item);
	recorder->phase = PHASE_REFUSED;
	return true;
}

static bool take_greeting(struct recorder *recorder, struct slice body)
{
	struct my_greeting *greeting = &recorder->greeting;
	struct arena *arena = &recorder->greeting_arena;

	if (body.size && body.data[0] == MY_ERR)
		return refused(recorder, body);
	if (!my_greeting_read(body, greeting))
		return my_fail(recorder, "malformed greeting");
	greeting->version = arena_copy(arena, greeting->version);
	greeting->plugin = arena_copy(arena, greeting->plugin);
	greeting->nonce_first = slice_of(NULL, 0);
	greeting->nonce_rest = slice_of(NULL, 0);
	recorder->status = greeting->status;
	recorder->phase = PHASE_LOGIN;
	return true;
}

static bool take_login(struct recorder *recorder, struct slice body)
{
	struct my_identity *identity = &recorder->identity;
	struct my_login login;

	if (!my_login_read(body, &login))
		return my_fail(recorder, "malformed login, or an older protocol");
	recorder->capabilities = login.capabilities & recorder->greeting.capabilities;
	if (login.capabilities & MY_CLIENT_SSL)
		return my_fail(recorder, "TLS");
	if (!(recorder->capabilities & MY_CLIENT_PROTOCOL_41))
		return my_fail(recorder, "malformed login, or an older protocol");
	free(identity->bytes);
	*identity = identity_of(login.capabilities, login.user, login.database, login.attributes);
	identity->collation = login.collation;
	identity->max_packet = login.max_packet;
	my_database_set(recorder, login.database);
	my_lexer_begin(recorder);
	recorder->multi_statements = login.capabilities & MY_CLIENT_MULTI_STATEMENTS;
	recorder->phase = PHASE_AUTHENTICATION;
	return true;
}

static void login_done(struct recorder *recorder, struct slice body)
{
	enum my_compression method = my_compression_of(recorder->capabilities);
	struct my_ok ok;

	if (my_ok_read(body, recorder->capabilities, &ok))
		my_status_said(recorder, ok.status);
	recorder->phase = PHASE_READY;
	my_session_emit(recorder);
	for (int side = SIDE_CLIENT; method != MY_STORED && side <= SIDE_SERVER; side++) {
		recorder->decompressors[side] = my_decompressor_new(method);
		recorder->framers[side].unordered = true;
	}
}

/* A packet of an authentication, from the server: EVENT when it is over, well or not. */
static enum my_next authentication(struct recorder *recorder, struct slice body)
{
	if (body.size && (body.data[0] == MY_OK || body.data[0] == MY_ERR))
		return MY_EVENT;
	if (!body.size || (body.data[0] != MY_AUTH_MORE && body.data[0] != MY_AUTH_NEXT_FACTOR &&
			   body.data[0] != MY_EOF)) {
		my_unexpected(recorder);
		return MY_ERROR;
	}
	if (++recorder->login_packets <= MY_LOGIN_PACKETS_MAX)
		return MY_MORE;
	my_fail(recorder, "a login without end");
	return MY_ERROR;
}

bool my_login_server(struct recorder *recorder, struct slice body)
{
	if (recorder->phase == PHASE_GREETING)
		return take_greeting(recorder, body);
	if (recorder->phase == PHASE_LOGIN) { /* a server that does not wait: it gives up */
		if (!body.size || body.data[0] != MY_ERR)
			return my_unexpected(recorder);
		my_login_end(recorder);
		return true;
	}
	switch (authentication(recorder, body)) {
	case MY_MORE:
		return true;
	case MY_EVENT:
		if (body.data[0] == MY_ERR)
			return refused(recorder, body);
		login_done(recorder, body);
		return true;
	default:
		return false;
	}
}

bool my_login_client(struct recorder *recorder, struct slice body)
{
	if (recorder->phase == PHASE_GREETING)
		return my_fail(recorder, "the client spoke first");
	return recorder->phase == PHASE_AUTHENTICATION || take_login(recorder, body);
}

/* ---- another user ---- */

bool my_change_user_reply(struct recorder *recorder, struct slice body, bool *ret_done)
{
	struct my_operation *head = my_operations_head(recorder);
	enum my_next next = authentication(recorder, body);

	*ret_done = next == MY_EVENT;
	if (next != MY_EVENT)
		return next == MY_MORE;
	recorder->login_packets = 0;
	if (body.data[0] == MY_ERR)
		return true;
	my_statements_end(recorder);
	free(recorder->identity.bytes);
	recorder->identity = *head->identity;
	head->identity->bytes = NULL;
	my_database_set(recorder, recorder->identity.database);
	my_lexer_begin(recorder);
	my_session_emit(recorder);
	return true;
}
