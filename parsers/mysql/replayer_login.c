/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The MySQL replayer: greeting, login and change of user ("Connection Phase" of the internals manual). Every login is
 * accepted, in the way that the client's plugin insists on; no secret is asked for, checked or kept.
 */
#include "parsers/mysql/replayer.h"

#include <xxhash.h>

#define NONCE_BYTES 20
#define FAST_AUTH_OK 3
#define FAST_AUTH_KEY 1 /* sha256_password: what asks for the server's public key */
#define UTF8MB4_GENERAL 45

/* What this server does. Without TLS; without a second factor; without results of single rows of a bulk. */
#define CAPABILITIES                                                                             \
	(MY_CLIENT_MYSQL | MY_CLIENT_FOUND_ROWS | MY_CLIENT_LONG_FLAG |                          \
	 MY_CLIENT_CONNECT_WITH_DB | MY_CLIENT_NO_SCHEMA | MY_CLIENT_COMPRESS | MY_CLIENT_ODBC | \
	 MY_CLIENT_LOCAL_FILES | MY_CLIENT_IGNORE_SPACE | MY_CLIENT_PROTOCOL_41 |                \
	 MY_CLIENT_INTERACTIVE | MY_CLIENT_IGNORE_SIGPIPE | MY_CLIENT_TRANSACTIONS |             \
	 MY_CLIENT_RESERVED | MY_CLIENT_SECURE_CONNECTION | MY_CLIENT_MULTI_STATEMENTS |         \
	 MY_CLIENT_MULTI_RESULTS | MY_CLIENT_PS_MULTI_RESULTS | MY_CLIENT_PLUGIN_AUTH |          \
	 MY_CLIENT_CONNECT_ATTRS | MY_CLIENT_PLUGIN_AUTH_LENENC | MY_CLIENT_EXPIRED_PASSWORDS |  \
	 MY_CLIENT_SESSION_TRACK | MY_CLIENT_DEPRECATE_EOF | MY_CLIENT_OPTIONAL_METADATA |       \
	 MY_CLIENT_ZSTD | MY_CLIENT_QUERY_ATTRIBUTES | MY_MARIADB_PROGRESS | MY_MARIADB_MULTI |  \
	 MY_MARIADB_BULK | MY_MARIADB_EXTENDED_METADATA | MY_MARIADB_CACHE_METADATA)
/* Where the recording does not say: what every client since 5.7 can live with. */
#define CAPABILITIES_DEFAULT                                             \
	(CAPABILITIES & 0xffffffff &                                     \
	 ~(MY_CLIENT_COMPRESS | MY_CLIENT_ZSTD | MY_CLIENT_LOCAL_FILES | \
	   MY_CLIENT_OPTIONAL_METADATA | MY_CLIENT_QUERY_ATTRIBUTES))

static struct slice parameter(const struct answer_server *server, const char *name)
{
	for (size_t i = 0; i < server->n_parameters; i++)
		if (slice_equal(server->parameters[i].name, slice_from_string(name)))
			return server->parameters[i].value;
	return slice_of(NULL, 0);
}

/* Plugins whose client is content with an OK; others are asked to use one of these. */
static struct slice plugin_of(struct slice recorded)
{
	if (slice_equal(recorded, SLICE("caching_sha2_password")) ||
	    slice_equal(recorded, SLICE("sha256_password")))
		return SLICE("caching_sha2_password");
	return SLICE("mysql_native_password");
}

/* Printable bytes that follow from the connection: no NUL may be among them, and nobody's secret depends on them. */
static void make_nonce(struct replayer *replayer)
{
	for (size_t i = 0; i < NONCE_BYTES; i++) {
		uint64_t seed[2] = { replayer->connection, i };

		replayer->nonce[i] = (uint8_t)('!' + XXH3_64bits(seed, sizeof(seed)) % 94);
	}
	replayer->nonce[NONCE_BYTES] = 0;
}

/* The recorded capabilities; MariaDB's own are only where it says that it is one. */
static uint64_t offered(const struct answer_server *server)
{
	uint64_t capabilities =
		my_number(parameter(server, "capabilities"), CAPABILITIES_DEFAULT) & 0xffffffff;

	if (!(capabilities & MY_CLIENT_MYSQL))
		capabilities |= my_number(parameter(server, "mariadb_capabilities"), 0) << 32;
	capabilities |= MY_CLIENT_PROTOCOL_41 | MY_CLIENT_SECURE_CONNECTION |
			MY_CLIENT_PLUGIN_AUTH | MY_CLIENT_CONNECT_WITH_DB;
	return capabilities & CAPABILITIES;
}

/* The recorded error of who was never let in. */
static void refuse_as_recorded(struct replayer *replayer, const struct answer_server *server,
			       struct buffer *out)
{
	struct my_err err;

	if (my_error_of(server->error, server->n_error, &err))
		my_write_error(replayer, err.code, err.state, err.message, out);
	replayer->closed = true;
}

void my_greet(struct replayer *replayer, struct buffer *out)
{
	const struct answers *answers = replayer->answers;
	struct answer_server server = { 0 };
	struct my_greeting greeting = { 0 };
	size_t at;

	if (!answers->server(answers->context, slice_of(NULL, 0), slice_of(NULL, 0), &server))
		server = (struct answer_server){ .version = SLICE("8.0.0-mockproxy") };
	replayer->sequence = 0;
	if (server.error) { /* nobody was greeted */
		refuse_as_recorded(replayer, &server, out);
		return;
	}
	make_nonce(replayer);
	replayer->offered = offered(&server);
	replayer->plugin = plugin_of(parameter(&server, "auth_plugin"));
	replayer->login_status =
		(uint16_t)my_number(parameter(&server, "status"), MY_STATUS_AUTOCOMMIT);
	my_kill_number(replayer);
	greeting.version = server.version;
	greeting.thread = replayer->backend;
	greeting.capabilities = replayer->offered;
	greeting.collation = (uint8_t)my_number(parameter(&server, "collation"), UTF8MB4_GENERAL);
	greeting.status =
		replayer->login_status &
		(MY_STATUS_AUTOCOMMIT | MY_STATUS_NO_BACKSLASH_ESCAPES | MY_STATUS_ANSI_QUOTES);
	greeting.nonce_first = slice_of(replayer->nonce, 8);
	greeting.nonce_rest = slice_of(replayer->nonce + 8, NONCE_BYTES - 8);
	greeting.plugin = replayer->plugin;
	at = my_packet_begin(out);
	my_greeting_write(out, &greeting);
	my_packet_end(out, at, &replayer->sequence);
	replayer->phase = MY_LOGIN;
}

/* ---- who is let in ---- */

static void begin_compression(struct replayer *replayer)
{
	enum my_compression method = my_compression_of(replayer->capabilities);

	if (method == MY_STORED || replayer->decompressor)
		return;
	replayer->decompressor = my_decompressor_new(method);
	replayer->compressor = my_compressor_new(method, replayer->zstd_level);
	replayer->framer.unordered = true;
}

static void let_in(struct replayer *replayer, struct buffer *out)
{
	struct completion completion = { .tag = SLICE("") };
	struct slice database = sql_session_context(replayer->session).database;

	if (database.size)
		my_write_change(replayer, SLICE("@schema"), database);
	completion.status = my_write_status(replayer, 0);
	my_write_ok(replayer, &completion, out);
	replayer->phase = MY_READY;
	begin_compression(replayer);
	my_kill_join(replayer);
}

static void ask_for_plugin(struct replayer *replayer, struct buffer *out)
{
	size_t at = my_packet_begin(out);

	buffer_append_u8(out, MY_EOF);
	buffer_append_slice(out, replayer->plugin);
	buffer_append_u8(out, 0);
	buffer_append(out, replayer->nonce, NONCE_BYTES + 1);
	my_packet_end(out, at, &replayer->sequence);
	replayer->phase = MY_SWITCHED;
}

/* The client's plugin did its first step with this answer: what it waits for now. */
static void accept_plugin(struct replayer *replayer, struct slice plugin, struct slice answer,
			  struct buffer *out)
{
	static const char *const content[] = { "mysql_native_password", "mysql_clear_password",
					       "mysql_old_password", "client_ed25519", "" };
	bool password = answer.size > 1;

	if (slice_equal(plugin, SLICE("caching_sha2_password"))) {
		if (password)
			my_write_bytes(replayer,
				       slice_of((const uint8_t[]){ MY_AUTH_MORE, FAST_AUTH_OK }, 2),
				       out);
		let_in(replayer, out);
		return;
	}
	/* Without a password it asks for no key. */
	if (slice_equal(plugin, SLICE("sha256_password")) &&
	    !(answer.size == 1 && answer.data[0] == FAST_AUTH_KEY)) {
		let_in(replayer, out);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(content); i++)
		if (slice_equal(plugin, slice_from_string(content[i]))) {
			let_in(replayer, out);
			return;
		}
	ask_for_plugin(replayer, out);
}

static void refuse(struct replayer *replayer, const char *why, struct buffer *out)
{
	my_write_error(replayer, 1043, SLICE("08S01"), slice_from_string(why), out);
	replayer->closed = true;
}

/* Whose session it is from here on; false: nobody was ever let in, or refused at a login, by that name. */
static bool tell_user(struct replayer *replayer, struct slice user)
{
	const struct name_value name = { SLICE("user"), user };

	return replayer->answers->login(replayer->answers->context, &name, 1);
}

static void keep_user(struct replayer *replayer, struct slice user)
{
	buffer_clear(&replayer->user);
	buffer_append_slice(&replayer->user, user);
}

/*
 * A change to a user who never had a session was refused. In MariaDB the session goes on as whose it was, MySQL ends it. Where the user had
 * a session at another time it is not known when; then it is not refused.
 */
static bool refuse_change(struct replayer *replayer, const struct my_change_user *change,
			  struct buffer *out)
{
	const struct answers *answers = replayer->answers;
	struct answer_result result;
	struct request request;
	struct answer answer;
	struct my_err err;

	buffer_clear(&replayer->text);
	my_change_user_text(&replayer->text, change->user, change->database);
	request = my_answer_read(replayer, buffer_slice(&replayer->text));
	if (!answers->peek(answers->context, &request, &answer) || answer.outcome != OUTCOME_ERROR)
		return false;
	answers->find(answers->context, &request, &answer);
	if (answers->result(answers->context, answer.exchange, 0, &result) <= 0 ||
	    !my_error_of(result.error, result.n_error, &err))
		return false;
	my_write_error(replayer, err.code, err.state, err.message, out);
	(void)tell_user(replayer, buffer_slice(&replayer->user));
	replayer->closed = replayer->offered & MY_CLIENT_MYSQL;
	return true;
}

void my_login_message(struct replayer *replayer, struct slice body, struct buffer *out)
{
	const struct answers *answers = replayer->answers;
	struct answer_server server = { 0 };
	struct my_login login;
	struct slice charset;

	/* A request for TLS is too short for a login. */
	if (!my_login_read(body, &login)) {
		refuse(replayer, "mockproxy: not a login of the protocol 4.1 without TLS", out);
		return;
	}
	/* Nothing recorded for that database is no reason to refuse: another one may be used next. */
	(void)answers->server(answers->context, login.database, login.user, &server);
	if (server.error) {
		refuse_as_recorded(replayer, &server, out);
		return;
	}
	(void)tell_user(replayer, login.user);
	keep_user(replayer, login.user);
	replayer->capabilities = login.capabilities & replayer->offered;
	replayer->several = login.capabilities & MY_CLIENT_MULTI_STATEMENTS;
	replayer->zstd_level = login.zstd_level;
	replayer->session = sql_session_new(SQL_MYSQL, login.database);
	charset = my_charset_name(login.collation);
	if (charset.size)
		sql_session_startup(replayer->session, SLICE("character_set_client"), charset);
	/* The nonce was for another plugin: libmysqlclient and Connector/C say nothing before theirs has one of its own. */
	if (login.plugin.size && !login.answer.size &&
	    !slice_equal(login.plugin, replayer->plugin)) {
		replayer->plugin = plugin_of(login.plugin);
		ask_for_plugin(replayer, out);
		return;
	}
	accept_plugin(replayer, login.plugin, login.answer, out);
}

void my_switched_message(struct replayer *replayer, struct slice body, struct buffer *out)
{
	accept_plugin(replayer, replayer->plugin, body, out);
}

void my_change_user_message(struct replayer *replayer, struct slice body, struct buffer *out)
{
	struct my_change_user change;
	const struct answers *answers = replayer->answers;
	struct answer_server server;
	struct slice plugin;

	if (!my_change_user_read(body, replayer->capabilities, &change)) {
		refuse(replayer, "mockproxy: a malformed COM_CHANGE_USER", out);
		return;
	}
	buffer_clear(&replayer->text);
	my_change_user_text(&replayer->text, change.user, change.database);
	if (my_end_meets_text(replayer, buffer_slice(&replayer->text), out))
		return;
	(void)answers->server(answers->context, change.database, change.user, &server);
	if (!tell_user(replayer, change.user) && refuse_change(replayer, &change, out))
		return;
	keep_user(replayer, change.user);
	my_replay_forget_statements(replayer);
	sql_session_reset(replayer->session);
	sql_session_set_database(replayer->session, change.database);
	answers->count_session(answers->context);
	plugin = change.plugin.size ? change.plugin : SLICE("mysql_native_password");
	accept_plugin(replayer, plugin, change.answer, out);
}
