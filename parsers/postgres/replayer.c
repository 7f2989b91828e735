/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PostgreSQL replayer: the way in and out, login, and the batch and its end; see replayer.h. Follows chapters 55.2.1
 * "Start-up", 55.2.2 "Simple Query" and 55.2.9 "Canceling Requests in Progress".
 */
#include "parsers/postgres/replayer.h"

#include "parsers/item.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <xxhash.h>

/* Process numbers of Linux are smaller: PID_MAX_LIMIT. */
#define LINUX_PIDS ((uint64_t)1 << 22)

struct replayer *pg_replayer_new(const struct answers *answers, uint64_t connection)
{
	struct replayer *replayer = calloc(1, sizeof(*replayer));

	if (!replayer)
		abort();
	replayer->answers = answers;
	replayer->connection = connection;
	buffer_init(&replayer->in, PG_REQUEST_MAX + ((size_t)1 << 20));
	buffer_init(&replayer->status, PG_FILL_BYTES);
	buffer_init(&replayer->kept, PG_KEPT_BYTES);
	buffer_init(&replayer->query_text, PG_REQUEST_MAX);
	large_row_init(&replayer->send.large);
	pg_framer_init(&replayer->framer, false);
	names_init(&replayer->prepared);
	names_init(&replayer->bound);
	arena_init(&replayer->arena);
	pg_notes_new(replayer);
	return replayer;
}

void pg_replayer_free(struct replayer *replayer)
{
	if (!replayer)
		return;
	names_release(&replayer->bound, pg_bound_free);
	names_release(&replayer->prepared, pg_prepared_release);
	sql_session_free(replayer->session);
	pg_notes_free(replayer->notes);
	pg_framer_release(&replayer->framer);
	buffer_release(&replayer->in);
	buffer_release(&replayer->status);
	buffer_release(&replayer->kept);
	pg_status_release(replayer);
	large_row_release(&replayer->send.large);
	buffer_release(&replayer->query_text);
	pg_copy_in_free(replayer->copy);
	arena_release(&replayer->arena);
	free(replayer);
}

int pg_replayer_feed(struct replayer *replayer, struct slice bytes, const char **ret_why)
{
	assert(!replayer->unread.size);
	buffer_clear(&replayer->in);
	if (replayer->in.capacity > PG_FILL_BYTES)
		buffer_release(&replayer->in);
	buffer_append_slice(&replayer->in, bytes);
	replayer->unread = buffer_slice(&replayer->in);
	if (!replayer->error && !replayer->in.overflowed)
		return 0;
	*ret_why = replayer->error ? replayer->error : "too many bytes at once";
	return -EPROTO;
}

void pg_send_error(struct buffer *out, const struct pg_error *error)
{
	const struct {
		char letter;
		struct slice text;
	} fields[] = {
		{ 'S', slice_from_string(error->severity) },
		{ 'V', slice_from_string(error->severity) },
		{ 'C', slice_from_string(error->code) },
		{ 'M', error->message },
		{ 'D', error->detail },
		{ 'H', error->hint },
	};
	size_t at = pg_message_begin(out, 'E');

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		if (!fields[i].text.size)
			continue;
		buffer_append_u8(out, (uint8_t)fields[i].letter);
		buffer_append_slice(out, fields[i].text);
		buffer_append_u8(out, 0);
	}
	buffer_append_u8(out, 0);
	pg_message_end(out, at);
}

/* A batch, or a Query, ended; its implicit transaction with it. */
static void end_batch(struct replayer *replayer, bool ok)
{
	sql_session_batch_end(replayer->session, ok);
	if (replayer->notes)
		pg_notes_batch_end(replayer, ok);
}

static void send_ready(struct replayer *replayer, struct buffer *out)
{
	size_t at;

	if (replayer->notes)
		pg_notes_say(replayer, false, out);
	if (replayer->closed)
		return;
	replayer->in_batch = false;
	pg_status_send(replayer, out);
	at = pg_message_begin(out, 'Z');
	buffer_append_u8(out, (uint8_t)sql_session_transaction(replayer->session));
	pg_message_end(out, at);
	replayer->flushed = out->size; /* whatever else came with the request that ends here */
	if (sql_session_transaction(replayer->session) == SQL_IDLE)
		pg_forget_bound(replayer);
}

void pg_replay_failed(struct replayer *replayer)
{
	if (replayer->query)
		replayer->query_failed = true;
	else
		replayer->failed = true;
}

/* ---- login ---- */

/* The recorded number of a session that logged in alike, which the app may ask about; else one that no process of Linux has. */
static uint32_t choose_backend(const struct replayer *replayer)
{
	const struct answers *answers = replayer->answers;
	uint32_t own = (uint32_t)((LINUX_PIDS + replayer->connection) & 0x7fffffff);

	return answers->backend ? answers->backend(answers->context, own) : own;
}

uint32_t pg_replay_backend(const struct replayer *replayer)
{
	return replayer->backend;
}

/* Options that this server does not know, and a minor version that it does not speak, are negotiated away (55.2.1). */
static void negotiate(struct buffer *out, uint32_t code, struct slice names, uint32_t n_names)
{
	uint32_t spoken =
		code <= PG_PROTOCOL(3, 2) && code != PG_PROTOCOL(3, 1) ? code : PG_PROTOCOL(3, 2);
	size_t at;

	if (spoken == code && !n_names)
		return;
	at = pg_message_begin(out, 'v');
	buffer_append_u32be(out, spoken);
	buffer_append_u32be(out, n_names);
	buffer_append_slice(out, names);
	pg_message_end(out, at);
}

static uint32_t cancel_key(uint32_t backend)
{
	uint64_t seed = backend;

	return (uint32_t)XXH3_64bits(&seed, sizeof(seed));
}

/* What a server reports is the recorded one's, but for what this client said itself. */
static void send_login(struct replayer *replayer, const struct answer_server *server,
		       struct buffer *out)
{
	size_t at = pg_message_begin(out, 'R');

	buffer_append_u32be(out, 0);
	pg_message_end(out, at);
	for (size_t i = 0; i < server->n_parameters; i++) {
		struct slice name = server->parameters[i].name;
		struct slice value = server->parameters[i].value;

		if (slice_equal(name, SLICE("TimeZone")))
			replayer->utc = pg_is_utc(value);
		pg_status_login(replayer, name, value, out);
	}
	replayer->backend = choose_backend(replayer);
	at = pg_message_begin(out, 'K');
	buffer_append_u32be(out, pg_replay_backend(replayer));
	buffer_append_u32be(out, cancel_key(pg_replay_backend(replayer)));
	pg_message_end(out, at);
	replayer->ready = true;
	send_ready(replayer, out);
}

static void refuse_login(struct replayer *replayer, const char *code, struct slice message,
			 struct slice hint, struct buffer *out)
{
	pg_send_error(out, &(struct pg_error){ "FATAL", code, message, slice_of(NULL, 0), hint });
	replayer->closed = true;
}

static bool startup_parameters(struct slice body, struct slice *ret_user,
			       struct slice *ret_database, bool *ret_replication)
{
	struct cursor cursor = cursor_of(body);
	struct slice name, value;

	cursor_u32be(&cursor);
	while (pg_startup_next(&cursor, &name, &value)) {
		if (slice_equal(name, SLICE("user")))
			*ret_user = value;
		else if (slice_equal(name, SLICE("database")))
			*ret_database = value;
		else if (slice_equal(name, SLICE("replication")))
			*ret_replication = pg_wants_replication(value);
	}
	return cursor_done(&cursor);
}

static void begin_session(struct replayer *replayer, struct slice body, struct slice database,
			  struct buffer *unknown, uint32_t *ret_n_unknown)
{
	struct cursor cursor = cursor_of(body);
	struct slice name, value;

	replayer->session = sql_session_new(SQL_POSTGRES, database);
	cursor_u32be(&cursor);
	while (pg_startup_next(&cursor, &name, &value)) {
		if (slice_starts_with(name, SLICE("_pq_."))) {
			buffer_append_slice(unknown, name);
			buffer_append_u8(unknown, 0);
			++*ret_n_unknown;
		} else {
			sql_session_startup(replayer->session, name, value);
		}
	}
}

static void refuse_database(struct replayer *replayer, struct slice database, struct buffer *out)
{
	struct buffer message;

	buffer_init(&message, PG_STARTUP_MAX + 128);
	buffer_append_string(&message, "mockproxy: the recording has no session with database \"");
	buffer_append_slice(&message, database);
	buffer_append_string(&message, "\" at this address");
	refuse_login(
		replayer, PG_STATE_MISS, buffer_slice(&message),
		SLICE("Record a run of the program that uses this database first, or see --map."),
		out);
	buffer_release(&message);
}

/* Whoever logs in alike is one to the recording: a program, or a pool of its. */
static void tell_login(struct replayer *replayer, struct slice body)
{
	struct cursor cursor = cursor_of(body);
	struct arena arena;
	struct name_value *parameters;
	size_t n = 0;

	arena_init(&arena);
	/* A name of at least one byte, and two NULs. */
	parameters = arena_alloc(&arena, (body.size / 3 + 1) * sizeof(*parameters));
	cursor_u32be(&cursor);
	while (pg_startup_next(&cursor, &parameters[n].name, &parameters[n].value))
		n++;
	replayer->answers->login(replayer->answers->context, parameters, n);
	arena_release(&arena);
}

static void refuse_replication(struct replayer *replayer, struct buffer *out)
{
	replayer->answers->count_unservable(replayer->answers->context,
					    SLICE("a replication connection"),
					    SLICE("relayed while recording, and not replayed"));
	refuse_login(
		replayer, PG_STATE_UNSERVABLE,
		SLICE("mockproxy: a replication connection is relayed while recording, and not "
		      "replayed"),
		slice_of(NULL, 0), out);
}

/* Whoever knows the key of a session may ask it to give up. */
static void cancel(struct replayer *replayer, struct cursor *cursor)
{
	const struct answer_peers *peers = replayer->answers->peers;
	struct answer_aside aside = { .type = ASIDE_CANCEL, .backend = cursor_u32be(cursor) };

	if (cursor_u32be(cursor) == cancel_key(aside.backend) && cursor_done(cursor) && peers)
		peers->publish(peers->context, slice_of(NULL, 0), &aside);
}

static void startup_message(struct replayer *replayer, struct slice body, struct buffer *out)
{
	struct cursor cursor = cursor_of(body);
	uint32_t code = cursor_u32be(&cursor), n_unknown = 0;
	struct slice user = { 0 }, database = { 0 };
	struct answer_server server = { 0 };
	bool replication = false;
	struct buffer unknown;

	if (code == PG_SSL_REQUEST || code == PG_GSSENC_REQUEST) {
		buffer_append_u8(out, 'N');
		return;
	}
	if (code == PG_CANCEL_REQUEST) { /* no answer is the protocol */
		cancel(replayer, &cursor);
		replayer->closed = true;
		return;
	}
	if (code >> 16 != 3) {
		refuse_login(replayer, "0A000", SLICE("unsupported frontend protocol"),
			     slice_of(NULL, 0), out);
		return;
	}
	if (!startup_parameters(body, &user, &database, &replication) || !user.size) {
		refuse_login(replayer, "08P01",
			     SLICE("malformed startup message, or no user in it"),
			     slice_of(NULL, 0), out);
		return;
	}
	if (replication) {
		refuse_replication(replayer, out);
		return;
	}
	if (!database.size)
		database = user;
	if (!replayer->answers->server(replayer->answers->context, database, user, &server)) {
		refuse_database(replayer, database, out);
		return;
	}
	if (server.error) {
		pg_send_message(out, 'E', server.error, server.n_error);
		replayer->closed = true;
		return;
	}
	buffer_init(&unknown, PG_STARTUP_MAX);
	begin_session(replayer, body, database, &unknown, &n_unknown);
	negotiate(out, code, buffer_slice(&unknown), n_unknown);
	buffer_release(&unknown);
	tell_login(replayer, body);
	replayer->framer.startup = false;
	send_login(replayer, &server, out);
}

/* ---- batches ---- */

/* A request that is answered by an error alone, and ReadyForQuery. */
static void end_failed(struct replayer *replayer, struct buffer *out)
{
	sql_session_statement(replayer->session, &(struct sql_statement){ .verb = SQL_OTHER }, NULL,
			      false);
	end_batch(replayer, false);
	send_ready(replayer, out);
}

static void begin_query(struct replayer *replayer, struct slice body, struct buffer *out)
{
	struct cursor cursor = cursor_of(body);
	struct slice text = cursor_string(&cursor);
	struct slice rest = text, first;
	struct sql_options options = sql_session_options(replayer->session);

	if (!cursor_done(&cursor)) {
		pg_send_error(out, &(struct pg_error){ "ERROR", "08P01", SLICE("malformed Query"),
						       slice_of(NULL, 0), slice_of(NULL, 0) });
		end_failed(replayer, out);
		return;
	}
	pg_forget_unnamed(replayer);
	replayer->query = true;
	replayer->query_failed = false;
	if (!sql_split(&options, &rest, &first)) {
		size_t at = pg_message_begin(out, 'I');

		pg_message_end(out, at);
		replayer->answers->count_session(replayer->answers->context);
		text = slice_of(NULL, 0);
	}
	replayer->query_rest = text;
	replayer->query_begins = text.size && memchr(text.data, ';', text.size);
}

/* Statements of a Query whose results did not fit their number were recorded as one. */
static bool take_merged(struct replayer *replayer, struct slice *ret_text)
{
	struct sql_statement sql;
	struct request request;
	struct sql_options options = sql_session_options(replayer->session);

	arena_reset(&replayer->arena);
	sql_canonicalize(&options, replayer->query_rest, &replayer->arena, &sql);
	replayer->values =
		arena_alloc(&replayer->arena, (sql.n_slots + 1) * sizeof(*replayer->values));
	sql_slot_values(&sql, NULL, 0, replayer->values);
	request = pg_answer_request(replayer, &sql, replayer->values, replayer->query_rest);
	if (!replayer->answers->is_merged(replayer->answers->context, &request))
		return false;
	*ret_text = replayer->query_rest;
	replayer->query_rest = slice_of(NULL, 0);
	return true;
}

static void next_of_query(struct replayer *replayer, struct buffer *out)
{
	struct sql_options options = sql_session_options(replayer->session);
	struct slice text;
	bool begins = replayer->query_begins;

	replayer->query_begins = false;
	if (!replayer->query_failed && ((begins && take_merged(replayer, &text)) ||
					sql_split(&options, &replayer->query_rest, &text))) {
		pg_answer_simple(replayer, text, out);
		return;
	}
	replayer->query = false;
	buffer_release(&replayer->query_text);
	end_batch(replayer, !replayer->query_failed);
	send_ready(replayer, out);
}

static void sync_message(struct replayer *replayer, struct buffer *out)
{
	end_batch(replayer, !replayer->failed);
	replayer->failed = false;
	send_ready(replayer, out);
}

static bool is_copy_data(uint8_t type)
{
	return type == 'd' || type == 'c' || type == 'f';
}

static void message(struct replayer *replayer, const struct pg_frame *frame, struct buffer *out)
{
	if (replayer->copy) {
		pg_copy_in_message(replayer, frame, out);
		return;
	}
	if (frame->part != FRAME_WHOLE) {
		if (frame->part == FRAME_BEGIN && frame->type != 'd')
			refuse_login(replayer, "54000",
				     SLICE("mockproxy: a request larger than 64 MiB"),
				     slice_of(NULL, 0), out);
		return;
	}
	if (!replayer->ready) {
		startup_message(replayer, frame->body, out);
		return;
	}
	if (is_copy_data(frame->type)) /* behind a COPY that was refused */
		return;
	if (replayer->notes && !replayer->in_batch && frame->type != 'X' &&
	    pg_notes_end(replayer, out))
		return;
	replayer->in_batch = true;
	if (frame->type == 'X')
		replayer->closed = true;
	else if (frame->type == 'S')
		sync_message(replayer, out);
	else if (replayer->failed)
		return; /* everything up to Sync is skipped (55.2.3) */
	else if (frame->type == 'Q')
		begin_query(replayer, frame->body, out);
	else if (frame->type == 'F')
		pg_function_message(replayer, frame->body, out);
	else if (frame->type == 'H')
		replayer->flushed = out->size;
	else
		pg_extended_message(replayer, frame, out);
}

static enum replay_state fill(struct replayer *replayer, struct buffer *out)
{
	struct pg_frame frame;
	enum pg_next next;

	while (out->size < PG_FILL_BYTES && !out->overflowed) {
		if (replayer->closed) {
			replayer->unread.size = 0;
			return replayer->reset ? REPLAY_RESET : REPLAY_CLOSE;
		}
		if (replayer->send.on && replayer->hold_ns) {
			replayer->holding = true;
			return REPLAY_HOLD;
		}
		if (replayer->send.on) {
			if (pg_send_more(replayer, out))
				pg_answer_sent(replayer);
			continue;
		}
		if (replayer->query && !replayer->copy) {
			next_of_query(replayer, out);
			continue;
		}
		if (!replayer->ready)
			replayer->framer.startup = true;
		next = pg_framer_next(&replayer->framer, &replayer->unread, &frame);
		if (next == PG_MORE && (!replayer->notes || !replayer->ready ||
					replayer->in_batch || pg_notes_say(replayer, true, out)))
			return replayer->closed ? REPLAY_CLOSE : REPLAY_IDLE;
		if (next == PG_MORE)
			continue;
		if (next == PG_ERROR) {
			refuse_login(replayer, "08P01", slice_from_string(replayer->framer.error),
				     slice_of(NULL, 0), out);
			continue;
		}
		message(replayer, &frame, out);
	}
	if (out->overflowed) { /* a message larger than any buffer: the connection cannot go on */
		replayer->closed = true;
		return REPLAY_CLOSE;
	}
	return REPLAY_MORE;
}

/* Pipelines are told from the order in which answers come: what a server would keep for now is kept. */
static void keep_back(struct replayer *replayer, struct buffer *out)
{
	size_t from = replayer->flushed;

	if (!replayer->in_batch || replayer->failed || replayer->query || replayer->copy ||
	    out->overflowed || out->size - from > PG_KEPT_BYTES)
		return;
	buffer_append(&replayer->kept, out->data + from, out->size - from);
	out->size = from;
}

int64_t pg_replayer_wait(const struct replayer *replayer)
{
	return replayer->hold_ns;
}

enum replay_state pg_replayer_fill(struct replayer *replayer, struct buffer *out)
{
	enum replay_state state;

	if (replayer->holding)
		replayer->hold_ns = 0;
	replayer->holding = false;
	replayer->flushed = out->size;
	buffer_append_slice(out, buffer_slice(&replayer->kept));
	buffer_clear(&replayer->kept);
	state = fill(replayer, out);
	if ((state == REPLAY_IDLE || state == REPLAY_HOLD) && out->size > replayer->flushed)
		keep_back(replayer, out);
	return state;
}
