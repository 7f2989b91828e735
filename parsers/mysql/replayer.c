/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The MySQL replayer: the way in and out, commands, and the statements of a COM_QUERY; see replayer.h. Follows "Command Phase" of the
 * internals manual.
 */
#include "parsers/mysql/replayer.h"

#include "parsers/sql/forms.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

/* The client's file is dropped as it comes: little of it is held. */
#define INFILE_HELD_BYTES ((size_t)1 << 10)

struct replayer *my_replayer_new(const struct answers *answers, uint64_t connection)
{
	struct replayer *replayer = calloc(1, sizeof(*replayer));

	if (!replayer)
		abort();
	replayer->answers = answers;
	replayer->connection = connection;
	buffer_init(&replayer->in, MY_REQUEST_MAX + ((size_t)1 << 20));
	buffer_init(&replayer->plain_out, (size_t)64 << 20);
	buffer_init(&replayer->user, MY_LOGIN_MAX);
	buffer_init(&replayer->changes, MY_FILL_BYTES);
	buffer_init(&replayer->scratch, MY_REQUEST_MAX + ((size_t)1 << 20));
	buffer_init(&replayer->text, 2 * MY_REQUEST_MAX + 64); /* names may double */
	buffer_init(&replayer->query_text, MY_REQUEST_MAX);
	large_row_init(&replayer->send.large);
	my_framer_init(&replayer->framer, MY_LOGIN_MAX);
	names_init(&replayer->statements);
	arena_init(&replayer->arena);
	return replayer;
}

void my_replayer_free(struct replayer *replayer)
{
	if (!replayer)
		return;
	names_release(&replayer->statements, my_replay_statement_free);
	sql_session_free(replayer->session);
	my_framer_release(&replayer->framer);
	my_decompressor_free(replayer->decompressor);
	my_compressor_free(replayer->compressor);
	buffer_release(&replayer->in);
	buffer_release(&replayer->plain_out);
	buffer_release(&replayer->user);
	buffer_release(&replayer->changes);
	buffer_release(&replayer->scratch);
	buffer_release(&replayer->text);
	buffer_release(&replayer->query_text);
	my_infile_free(replayer->infile);
	large_row_release(&replayer->send.large);
	arena_release(&replayer->arena);
	free(replayer);
}

int my_replayer_feed(struct replayer *replayer, struct slice bytes, const char **ret_why)
{
	assert(!replayer->unread.size && !replayer->plain.size);
	buffer_clear(&replayer->in);
	if (replayer->in.capacity > MY_FILL_BYTES)
		buffer_release(&replayer->in);
	buffer_append_slice(&replayer->in, bytes);
	replayer->unread = buffer_slice(&replayer->in);
	if (!replayer->error && !replayer->in.overflowed)
		return 0;
	*ret_why = replayer->error ? replayer->error : "too many bytes at once";
	return -EPROTO;
}

void my_replay_failed(struct replayer *replayer)
{
	replayer->query_failed = true;
}

/* Counts an answer that is the same, whether it was recorded or not. */
static void count_known(struct replayer *replayer, struct slice text)
{
	const struct answers *answers = replayer->answers;
	struct request request = my_answer_read(replayer, text);
	struct answer answer;

	if (answers->peek(answers->context, &request, &answer))
		answers->find(answers->context, &request, &answer);
	else
		answers->count_session(answers->context);
}

static void say_ok(struct replayer *replayer, struct buffer *out)
{
	struct completion completion = { .tag = SLICE("") };

	completion.status = my_write_status(replayer, 0);
	my_write_ok(replayer, &completion, out);
}

/* ---- the statements of a COM_QUERY ---- */

bool my_replay_has_comment(struct slice text)
{
	while (text.size && strchr(" \t\n\v\f\r", text.data[0]))
		text = slice_of(text.data + 1, text.size - 1);
	return text.size && text.data[0] != ';';
}

/* Without a statement: a ping. Recorded, a comment and nothing at all have the same identity. */
void my_replay_empty(struct replayer *replayer, struct slice text, struct buffer *out)
{
	count_known(replayer, text);
	if (my_replay_has_comment(text))
		say_ok(replayer, out);
	else
		my_write_error(replayer, MY_ERROR_EMPTY_QUERY, SLICE("42000"),
			       SLICE("Query was empty"), out);
}

static void begin_query(struct replayer *replayer, struct slice body, struct buffer *out)
{
	struct cursor cursor = cursor_of(body);
	struct sql_options options = sql_session_options(replayer->session);
	struct slice rest, first;

	cursor_u8(&cursor);
	if ((replayer->capabilities & MY_CLIENT_QUERY_ATTRIBUTES) &&
	    !my_replay_skip_attributes(&cursor)) {
		my_write_error(replayer, MY_ERROR_MALFORMED, SLICE("HY000"),
			       SLICE("Malformed communication packet"), out);
		return;
	}
	rest = cursor_rest(&cursor);
	replayer->query_rest = rest;
	if (!sql_split(&options, &rest, &first)) {
		my_replay_empty(replayer, replayer->query_rest, out);
		return;
	}
	replayer->query = true;
	replayer->query_failed = false;
	rest = replayer->query_rest;
	replayer->query_whole = !replayer->several || !memchr(rest.data, ';', rest.size);
	replayer->query_begins = !replayer->query_whole;
}

/* Statements of a COM_QUERY whose results did not fit their number were recorded as one. */
static bool is_merged(struct replayer *replayer)
{
	struct sql_options options = sql_session_options(replayer->session);
	struct slice text = replayer->query_rest;
	struct sql_value *values;
	struct sql_statement sql;
	struct request request;

	arena_reset(&replayer->arena);
	sql_canonicalize(&options, text, &replayer->arena, &sql);
	values = arena_alloc(&replayer->arena, (sql.n_slots + 1) * sizeof(*values));
	sql_slot_values(&sql, NULL, 0, values);
	request = my_answer_request(replayer, &sql, values, text);
	return replayer->answers->is_merged(replayer->answers->context, &request);
}

static void end_query(struct replayer *replayer)
{
	replayer->query = false;
	buffer_release(&replayer->query_text);
}

static void next_of_query(struct replayer *replayer, struct buffer *out)
{
	struct sql_options options = sql_session_options(replayer->session);
	struct slice text, rest, next;
	bool begins = replayer->query_begins;

	replayer->query_begins = false;
	if (replayer->query_failed || !replayer->query_rest.size) {
		end_query(replayer);
		return;
	}
	if (replayer->query_whole || (begins && is_merged(replayer))) {
		text = replayer->query_rest;
		replayer->query_rest = slice_of(NULL, 0);
	} else if (!sql_split(&options, &replayer->query_rest, &text)) {
		end_query(replayer);
		return;
	}
	rest = replayer->query_rest;
	my_answer_text(replayer, text, rest.size && sql_split(&options, &rest, &next), out);
}

/* ---- commands that mean a text ---- */

/* What a command says, as the recorder writes it; false: it says nothing that was recorded. */
static bool command_text(uint8_t command, struct cursor *body, struct buffer *text)
{
	static const char *const plain[] = {
		[MY_COM_REFRESH] = "COM_REFRESH",	[MY_COM_SHUTDOWN] = "COM_SHUTDOWN",
		[MY_COM_STATISTICS] = "COM_STATISTICS", [MY_COM_PROCESS_INFO] = "COM_PROCESS_INFO",
		[MY_COM_DEBUG] = "COM_DEBUG",
	};

	switch (command) {
	case MY_COM_INIT_DB:
		buffer_append_string(text, "USE ");
		my_name_append(text, cursor_rest(body));
		return true;
	case MY_COM_CREATE_DB:
	case MY_COM_DROP_DB:
		buffer_append_string(text, command == MY_COM_CREATE_DB ? "CREATE DATABASE " :
									 "DROP DATABASE ");
		my_name_append(text, cursor_rest(body));
		return true;
	case MY_COM_FIELD_LIST:
		buffer_append_string(text, "COM_FIELD_LIST ");
		my_name_append(text, cursor_string(body));
		buffer_append_u8(text, ' ');
		my_name_append(text, cursor_rest(body));
		return true;
	case MY_COM_PROCESS_KILL:
		buffer_append_string(text, "KILL ");
		buffer_append_unsigned(text, cursor_u32le(body));
		return true;
	default:
		if (command >= ARRAY_SIZE(plain) || !plain[command])
			return false;
		buffer_append_string(text, plain[command]);
		return true;
	}
}

static bool command_as_text(struct replayer *replayer, uint8_t command, struct cursor *body,
			    struct buffer *out)
{
	if (replayer->text.capacity > MY_FILL_BYTES)
		buffer_release(&replayer->text);
	buffer_clear(&replayer->text);
	if (!command_text(command, body, &replayer->text))
		return false;
	my_answer_text(replayer, buffer_slice(&replayer->text), false, out);
	replayer->send.list = command == MY_COM_FIELD_LIST;
	replayer->send.raw = command == MY_COM_STATISTICS;
	replayer->send.ends = command == MY_COM_DEBUG || command == MY_COM_SHUTDOWN;
	return true;
}

/* ---- commands ---- */

static void session_ok(struct replayer *replayer, struct buffer *out)
{
	say_ok(replayer, out);
	replayer->answers->count_session(replayer->answers->context);
}

static void set_option(struct replayer *replayer, struct cursor *body, struct buffer *out)
{
	struct completion completion = { .tag = SLICE("") };
	uint16_t option = cursor_u16le(body);

	replayer->several = option == 0;
	buffer_clear(&replayer->text);
	buffer_append_string(&replayer->text, "COM_SET_OPTION ");
	buffer_append_unsigned(&replayer->text, option);
	count_known(replayer, buffer_slice(&replayer->text));
	completion.status = my_write_status(replayer, 0);
	my_write_end(replayer, &completion, out);
}

static void refuse_replication(struct replayer *replayer, struct buffer *out)
{
	my_answer_unservable(replayer, SLICE("COM_BINLOG_DUMP"),
			     SLICE("replication is not replayed"), out);
}

static void command(struct replayer *replayer, struct slice body, struct buffer *out)
{
	struct cursor cursor = cursor_of(body);
	uint8_t number = cursor_u8(&cursor);

	switch (number) {
	case MY_COM_QUIT:
		replayer->closed = true;
		return;
	case MY_COM_QUERY:
		begin_query(replayer, body, out);
		return;
	case MY_COM_PING:
		if (!my_end_meets_text(replayer, SLICE("COM_PING"), out))
			session_ok(replayer, out);
		return;
	case MY_COM_SET_OPTION:
		set_option(replayer, &cursor, out);
		return;
	case MY_COM_RESET_CONNECTION:
		if (my_end_meets_text(replayer, SLICE("COM_RESET_CONNECTION"), out))
			return;
		my_replay_forget_statements(replayer);
		sql_session_reset(replayer->session);
		session_ok(replayer, out);
		return;
	case MY_COM_CHANGE_USER:
		my_change_user_message(replayer, body, out);
		return;
	case MY_COM_BINLOG_DUMP:
	case MY_COM_BINLOG_DUMP_GTID:
	case MY_COM_TABLE_DUMP:
	case MY_COM_REGISTER_SLAVE:
		refuse_replication(replayer, out);
		return;
	default:
		break;
	}
	if (!my_statement_message(replayer, number, slice_of(cursor.at, cursor_left(&cursor)),
				  out) &&
	    !command_as_text(replayer, number, &cursor, out))
		my_write_error(replayer, MY_ERROR_UNKNOWN_COMMAND, SLICE("08S01"),
			       SLICE("Unknown command"), out);
}

static void too_large(struct replayer *replayer, struct buffer *out)
{
	my_write_error(replayer, MY_ERROR_PACKET_TOO_LARGE, SLICE("08S01"),
		       SLICE("mockproxy: a request larger than 64 MiB"), out);
	replayer->closed = true;
}

static void message(struct replayer *replayer, const struct my_frame *frame, struct buffer *out)
{
	replayer->sequence = (uint8_t)(frame->sequence + 1);
	replayer->compressed_sequence = replayer->sequence;
	if (replayer->infile) {
		my_infile_message(replayer, frame, out);
	} else if (frame->part != FRAME_WHOLE) {
		if (frame->part == FRAME_BEGIN)
			too_large(replayer, out);
	} else if (replayer->phase == MY_LOGIN) {
		my_login_message(replayer, frame->body, out);
	} else if (replayer->phase == MY_SWITCHED) {
		my_switched_message(replayer, frame->body, out);
	} else {
		command(replayer, frame->body, out);
	}
}

/* ---- in and out ---- */

static size_t whole_max(const struct replayer *replayer)
{
	if (replayer->infile)
		return INFILE_HELD_BYTES;
	return replayer->phase == MY_READY ? MY_REQUEST_MAX : MY_LOGIN_MAX;
}

static enum my_next next_frame(struct replayer *replayer, struct my_frame *ret_frame)
{
	enum my_next next;

	if (my_framer_between(&replayer->framer)) {
		replayer->framer.sequence = MY_SEQUENCE_ANY;
		replayer->framer.whole_max = whole_max(replayer);
	}
	if (!replayer->decompressor) {
		next = my_framer_next(&replayer->framer, &replayer->unread, ret_frame);
		replayer->error = replayer->framer.error;
		return next;
	}
	for (;;) {
		next = my_framer_next(&replayer->framer, &replayer->plain, ret_frame);
		replayer->error = replayer->framer.error;
		if (next != MY_MORE)
			return next;
		next = my_decompressor_next(replayer->decompressor, &replayer->unread,
					    &replayer->plain, &replayer->error);
		if (next != MY_EVENT)
			return next;
	}
}

/* What was said since in a compressed connection. */
static void flush(struct replayer *replayer, struct buffer *out)
{
	if (!replayer->plain_out.size)
		return;
	my_compress(replayer->compressor, buffer_slice(&replayer->plain_out), out,
		    &replayer->compressed_sequence);
	buffer_clear(&replayer->plain_out);
	if (replayer->plain_out.capacity > 2 * MY_FILL_BYTES)
		buffer_release(&replayer->plain_out);
}

/* Says the next thing; false: nothing is left to be said. */
static bool step(struct replayer *replayer, struct buffer *out, struct buffer *wire)
{
	struct my_frame frame;
	enum my_next next;

	if (replayer->phase == MY_GREETING) {
		my_greet(replayer, out);
		return true;
	}
	if (replayer->send.on) {
		if (my_send_more(replayer, out))
			my_answer_sent(replayer);
		return true;
	}
	if (replayer->refused) {
		my_refused_end(replayer);
		return true;
	}
	if (replayer->killed) {
		if (!my_end_say(replayer, out))
			replayer->closed = true;
		return true;
	}
	if (replayer->query && !replayer->infile) {
		next_of_query(replayer, out);
		return true;
	}
	if (my_end_say(replayer, out))
		return true;
	/* The answer to a command counts on from the command. */
	flush(replayer, wire);
	next = next_frame(replayer, &frame);
	if (next != MY_ERROR && my_refused(replayer, next == MY_EVENT ? &frame : NULL, out))
		return true;
	if (next == MY_MORE)
		return false;
	if (next == MY_ERROR) {
		replayer->closed = true;
		return true;
	}
	message(replayer, &frame, out);
	return true;
}

void my_replayer_tell(struct replayer *replayer, const struct answer_aside *aside)
{
	if (aside == replayer->end.aside)
		replayer->end.due = true;
	else
		my_kill_tell(replayer, aside);
}

int64_t my_replayer_wait(const struct replayer *replayer)
{
	return replayer->hold_ns;
}

enum replay_state my_replayer_fill(struct replayer *replayer, struct buffer *out)
{
	bool more = true;

	if (replayer->holding)
		my_answer_held(replayer, replayer->compressor ? &replayer->plain_out : out);
	replayer->holding = false;
	while (more && !replayer->closed && !replayer->hold_ns && out->size < MY_FILL_BYTES &&
	       replayer->plain_out.size < MY_FILL_BYTES && !out->overflowed &&
	       !replayer->plain_out.overflowed)
		more = step(replayer, replayer->compressor ? &replayer->plain_out : out, out);
	/* A message larger than any buffer: the connection cannot go on. */
	replayer->closed |= out->overflowed || replayer->plain_out.overflowed;
	flush(replayer, out);
	if (replayer->closed) {
		replayer->unread.size = 0;
		replayer->plain.size = 0;
		return replayer->reset ? REPLAY_RESET : REPLAY_CLOSE;
	}
	replayer->holding = replayer->hold_ns != 0;
	if (replayer->holding)
		return REPLAY_HOLD;
	return more ? REPLAY_MORE : REPLAY_IDLE;
}
