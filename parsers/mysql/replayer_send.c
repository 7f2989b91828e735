/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The MySQL replayer: an exchange's results on their way out ("Text Resultset", "Binary Protocol Resultset", "Multi-Resultset",
 * ...), from the structured rows.
 *
 * Steps of an answer:
 *	STEP_BEGIN ──▶ STEP_RESULT ──▶ STEP_ROWS ──▶ STEP_END ──▶ STEP_RESULT of the next result, or complete
 *	                                 │  ▲ a row with parts: `large`
 *	                                 └──┘
 * A step ends when the buffer is full, and goes on in the next call. What was recorded and cannot be encoded as the client
 * asked becomes an error in the place of the row. Where the recorded connection ended before the answer did, this one ends, or is left
 * waiting, behind what is stored.
 */
#include "parsers/mysql/replayer.h"
#include "parsers/mysql/values.h"

#include <errno.h>

enum step { STEP_BEGIN, STEP_RESULT, STEP_ROWS, STEP_END };

void my_send_begin(struct replayer *replayer, const struct answer *answer)
{
	struct my_send *send = &replayer->send;
	struct large_row large = send->large;

	large.on = false;
	*send = (struct my_send){
		.on = true,
		.exchange = answer->exchange,
		.flags = answer->flags,
		.kind = answer->kind,
		.large = large,
	};
}

/* The connection ended before all was said, by the client or by the server. */
static bool is_cut(const struct my_send *send)
{
	return send->flags & EXCHANGE_CUT;
}

/* ---- errors on the way ---- */

static void unservable(struct replayer *replayer, const struct column *column, int error,
		       struct buffer *out)
{
	struct buffer why;

	buffer_init(&why, 4096);
	if (column) {
		buffer_append_string(&why, "column ");
		buffer_append_slice(&why,
				    slice_of(column->name.data,
					     column->name.size < 64 ? column->name.size : 64));
		buffer_append_string(&why, " of type ");
		if (my_type_name(column->type_id).size)
			buffer_append_slice(&why, my_type_name(column->type_id));
		else
			buffer_append_unsigned(&why, column->type_id);
		buffer_append_string(&why, column->form == PARAMETER_BINARY ?
						   " was recorded in binary" :
						   " was recorded as text");
		buffer_append_string(&why, replayer->send.binary ? " and asked in binary" :
								   " and asked as text");
		if (error == -EINVAL)
			buffer_append_string(&why,
					     ", or what is stored is not a value of the type");
	} else if (error == -ENODATA) {
		buffer_append_string(&why, "no more rows than these were fetched");
	} else if (error == -ENOTSUP) {
		buffer_append_string(
			&why, replayer->send.binary ?
				      "recorded as text, where OUT parameters are variables" :
				      "recorded as prepared, where OUT parameters are a result");
	} else {
		buffer_append_string(&why, "the recording is damaged here");
	}
	replayer->send.cacheable = false;
	replayer->send.failed = true;
	my_answer_ended(replayer, false);
	my_answer_unservable(
		replayer, replayer->executing ? replayer->executing->text : replayer->sql.canonical,
		buffer_slice(&why), out);
	buffer_release(&why);
	replayer->send.on = false;
}

/* ---- OUT parameters ---- */

/*
 * A procedure's OUT parameters are variables for who calls it in a text, and a result for who binds them. So what a text with values in
 * their places was answered (an error) is not what is said to a prepared one, nor the other way.
 */
static bool is_of_other_form(const struct replayer *replayer)
{
	const struct my_send *send = &replayer->send;
	struct my_err err;

	if (!send->binary)
		return send->result.completion.status & MY_STATUS_PS_OUT_PARAMS;
	return send->kind == EXCHANGE_SIMPLE && replayer->sql.placeholders && send->result.error &&
	       my_error_of(send->result.error, send->result.n_error, &err) &&
	       err.code == MY_ERROR_NOT_A_VARIABLE;
}

/* ---- steps ---- */

/* It does so here. */
static void cut(struct replayer *replayer)
{
	struct my_send *send = &replayer->send;

	send->cacheable = false;
	send->failed = true;
	send->on = false;
	if (send->flags & (EXCHANGE_SERVER_ENDED | EXCHANGE_SERVER_RESET)) {
		replayer->closed = true;
		replayer->reset = (send->flags & EXCHANGE_SERVER_RESET) != 0;
	} else {
		my_answer_hold(replayer, send->exchange);
	}
}

static int open_chunk(struct replayer *replayer)
{
	const struct my_send *send = &replayer->send;

	return row_chunk_open(replayer->answers, send->exchange, send->number, send->position.chunk,
			      send->position.row);
}

/*
 * Reads the result, and whether another one of the exchange comes behind it: only where the server said that there is
 * more, which may also have been another statement.
 */
static int read_result(struct replayer *replayer)
{
	const struct answers *answers = replayer->answers;
	struct my_send *send = &replayer->send;
	struct answer_result *result = &send->result;
	int found = answers->result(answers->context, send->exchange, send->number, result);
	int next;

	send->more_results = found == 1 && (result->completion.status & MY_STATUS_MORE_RESULTS);
	/* Of what was cut no other statement's comes. */
	if (!send->more_results || is_cut(send))
		return found;
	next = answers->result(answers->context, send->exchange, send->number + 1, result);
	if (next < 0)
		return next;
	send->more_results = next == 1;
	return answers->result(answers->context, send->exchange, send->number, result);
}

/* "LABEL 12" at the front. */
static bool take_count(struct cursor *in, struct slice label, int64_t *ret_count)
{
	uint64_t count = 0;

	if (!slice_equal(cursor_bytes(in, label.size), label) || in->failed)
		return false;
	while (cursor_left(in) && ascii_is_digit(*in->at))
		count = count * 10 + (uint64_t)(cursor_u8(in) - '0');
	*ret_count = (int64_t)count;
	return true;
}

/*
 * An UPDATE's info tells how many rows it found and how many it changed: CLIENT_FOUND_ROWS says which of them counts as affected. A
 * count that is neither was edited.
 */
static int64_t affected_rows(const struct replayer *replayer, const struct completion *completion)
{
	struct cursor in = cursor_of(completion->tag);
	int64_t found, changed;

	if (!take_count(&in, SLICE("Rows matched: "), &found) ||
	    !take_count(&in, SLICE("  Changed: "), &changed) ||
	    (completion->rows != found && completion->rows != changed))
		return completion->rows;
	return replayer->capabilities & MY_CLIENT_FOUND_ROWS ? found : changed;
}

static struct completion completion_now(const struct replayer *replayer, uint16_t flags)
{
	struct completion completion = replayer->send.result.completion;

	/* The store counts rows where there are columns; a server says that none were affected. */
	if (replayer->send.result.columns && replayer->send.result.columns->n)
		completion.rows = 0;
	else
		completion.rows = affected_rows(replayer, &completion);
	if (replayer->send.fetch) { /* they were said when the cursor was opened */
		completion.status &= (uint16_t)~MY_STATUS_INDEXES;
		completion.warnings = 0;
	}
	completion.status = my_write_status(replayer, completion.status) | flags;
	return completion;
}

static bool is_note(struct slice name)
{
	return slice_equal(name, MY_NOTE_INFILE) || slice_equal(name, MY_NOTE_COLUMNS_WARNINGS);
}

/* That the EOF behind the columns counts. */
static uint16_t columns_warnings(const struct answer_result *result)
{
	for (size_t i = 0; i < result->n_events; i++) {
		const struct answer_event *event = &result->events[i];

		if (event->status && event->n_fields == 1 &&
		    slice_equal(event->fields[0].name, MY_NOTE_COLUMNS_WARNINGS))
			return (uint16_t)my_number(event->fields[0].value, 0);
	}
	return 0;
}

/* Changes of the session's state wait for the OK. The file that the client was asked for is there already. */
static void take_events(struct replayer *replayer)
{
	const struct answer_result *result = &replayer->send.result;

	for (size_t i = 0; i < result->n_events; i++) {
		const struct answer_event *event = &result->events[i];

		if (event->status && event->n_fields == 1 && !is_note(event->fields[0].name))
			my_write_change(replayer, event->fields[0].name, event->fields[0].value);
	}
}

static void send_columns(struct replayer *replayer, struct buffer *out)
{
	const struct my_send *send = &replayer->send;
	const struct answer_columns *columns = send->result.columns;

	if (!send->list)
		my_write_count(replayer, columns->n, out);
	for (size_t i = 0; i < columns->n; i++)
		my_write_column(replayer, &columns->columns[i], send->list, out);
}

/* The rows stay here until they are fetched. */
static void open_cursor(struct replayer *replayer, struct buffer *out)
{
	struct completion completion;

	my_answer_ended(replayer, true);
	completion = completion_now(replayer, MY_STATUS_CURSOR_EXISTS);
	my_write_end(replayer, &completion, out);
	replayer->executing->cursor = true;
	replayer->send.on = false;
	replayer->send.cacheable = false;
}

static void begin_rows(struct replayer *replayer, struct buffer *out)
{
	struct my_send *send = &replayer->send;
	int error;

	send->step = STEP_END;
	if (send->position.chunk >= send->result.chunks)
		return;
	send->step = STEP_ROWS;
	error = open_chunk(replayer);
	if (error < 0)
		unservable(replayer, NULL, error, out);
}

static void step_result(struct replayer *replayer, struct buffer *out)
{
	struct my_send *send = &replayer->send;
	const struct answer_result *result = &send->result;
	int found = read_result(replayer);
	uint16_t status;

	if (found == 0 && is_cut(send)) {
		cut(replayer);
		return;
	}
	if (found == 1 && is_of_other_form(replayer))
		found = -ENOTSUP;
	if (found != 1) {
		unservable(replayer, NULL, found < 0 ? found : -EINVAL, out);
		return;
	}
	if (send->fetch) {
		begin_rows(replayer, out);
		return;
	}
	take_events(replayer);
	if (result->n_events)
		send->cacheable = false;
	send->step = STEP_END;
	if (!result->columns || !result->columns->n)
		return;
	send_columns(replayer, out);
	if (send->list)
		return;
	if (send->ask_cursor && !result->error && !send->more_results) {
		open_cursor(replayer, out);
		return;
	}
	/* That it was slow is known, and said, behind the rows only. */
	status = result->completion.status & (uint16_t)~MY_STATUS_QUERY_WAS_SLOW;
	/* A cursor that could not be opened: the error comes in the place of the EOF, where clients know that there is no cursor. */
	if (!(replayer->capabilities & MY_CLIENT_DEPRECATE_EOF) &&
	    !(send->ask_cursor && result->error && !result->chunks))
		my_write_eof(replayer, columns_warnings(result), my_write_status(replayer, status),
			     out);
	begin_rows(replayer, out);
}

/* As many rows as were fetched at once; that there are no more is only known when the next one is looked for. */
static void suspend(struct replayer *replayer, struct buffer *out)
{
	struct completion completion = completion_now(replayer, MY_STATUS_CURSOR_EXISTS);

	my_write_end(replayer, &completion, out);
	replayer->send.on = false;
}

static void step_rows(struct replayer *replayer, struct buffer *out)
{
	struct my_send *send = &replayer->send;
	const struct column *column;
	int found = 1;

	while (found == 1 && out->size < MY_FILL_BYTES) {
		if (send->fetch && send->rows == send->limit) {
			suspend(replayer, out);
			return;
		}
		found = my_replay_row(replayer, out, &column);
		if (found < 0) {
			unservable(replayer, column, found, out);
			return;
		}
		if (send->large.on)
			return;
	}
	if (found == 1)
		return;
	send->position.row = 0;
	send->position.chunk++;
	begin_rows(replayer, out);
}

static void send_error(struct replayer *replayer, struct buffer *out)
{
	const struct answer_result *result = &replayer->send.result;
	struct my_err err;

	if (!my_error_of(result->error, result->n_error, &err)) {
		unservable(replayer, NULL, -EINVAL, out);
		return;
	}
	my_answer_ended(replayer, false);
	my_write_error(replayer, err.code, err.state, err.message, out);
	replayer->send.failed = true;
	replayer->send.on = false;
}

/* The packet that ends a result that went well. */
static void send_completion(struct replayer *replayer, struct buffer *out)
{
	struct my_send *send = &replayer->send;
	const struct answer_result *result = &send->result;
	struct completion completion;

	my_answer_ended(replayer, true);
	completion = completion_now(replayer, send->fetch ? MY_STATUS_LAST_ROW_SENT : 0);
	if (send->raw)
		my_write_bytes(replayer, completion.tag, out);
	else if (send->list || send->ends || (result->columns && result->columns->n))
		my_write_end(replayer, &completion, out);
	else
		my_write_ok(replayer, &completion, out);
}

static void step_end(struct replayer *replayer, struct buffer *out)
{
	struct my_send *send = &replayer->send;
	const struct answer_result *result = &send->result;

	if (result->error) {
		send_error(replayer, out);
		return;
	}
	if (!result->completion.tag.data && is_cut(send)) {
		cut(replayer);
		return;
	}
	if (!result->completion.tag.data) {
		unservable(replayer, NULL, send->flags & EXCHANGE_ROW_LIMIT ? -ENODATA : -EINVAL,
			   out);
		return;
	}
	send_completion(replayer, out);
	if (send->fetch && replayer->executing)
		replayer->executing->cursor = false;
	send->number++;
	send->step = STEP_RESULT;
	send->position = (struct my_position){ 0 };
	send->on = send->more_results;
}

/* ---- the cache ---- */

/* What statements do not change of the session's state, so that it is the same before and behind them. */
static bool leaves_state(const struct replayer *replayer, uint16_t status)
{
	bool in_transaction = sql_session_transaction(replayer->session) == SQL_IN_TRANSACTION;

	switch (replayer->sql.verb) {
	case SQL_SELECT:
	case SQL_SHOW:
	case SQL_INSERT:
	case SQL_UPDATE:
	case SQL_DELETE:
	case SQL_WITH_WRITE:
		return in_transaction || (status & MY_STATUS_AUTOCOMMIT);
	default:
		return false;
	}
}

/* Everything that an encoding depends on: what this client negotiated, the session's flags, where the packets begin to count. */
static bool key_of(const struct replayer *replayer, struct answer_key *ret_key)
{
	const struct my_send *send = &replayer->send;
	static const uint64_t capabilities[] = {
		MY_CLIENT_DEPRECATE_EOF,      MY_CLIENT_SESSION_TRACK,
		MY_CLIENT_OPTIONAL_METADATA,  MY_MARIADB_CACHE_METADATA,
		MY_MARIADB_EXTENDED_METADATA, MY_CLIENT_FOUND_ROWS,
	};
	uint16_t status = my_write_status(replayer, 0);
	uint64_t form = status | (uint64_t)replayer->sequence << 16 | (uint64_t)send->binary << 24;

	/* Where more follows, its packets count on from these. */
	if (send->more || send->ask_cursor || send->fetch || send->list || send->raw ||
	    send->ends || replayer->changes.size || !leaves_state(replayer, status))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(capabilities); i++)
		if (replayer->capabilities & capabilities[i])
			form |= 1ULL << (25 + i);
	ret_key->exchange = send->exchange;
	ret_key->form = form;
	return true;
}

/* From the cache, or from the recording and into the cache when all of it fits one call. */
static void step_begin(struct replayer *replayer, struct buffer *out)
{
	struct my_send *send = &replayer->send;
	struct slice bytes;

	send->step = STEP_RESULT;
	send->cacheable = key_of(replayer, &send->key);
	send->cache_from = out->size;
	if (!send->cacheable ||
	    !answer_cache_find(replayer->answers->cache, send->key, &bytes, &send->failed))
		return;
	buffer_append_slice(out, bytes);
	my_answer_ended(replayer, !send->failed);
	send->cacheable = false;
	send->on = false;
}

/* ---- the way ---- */

/* The row's length is on the wire already: nothing else can follow it. */
static void broken_row(struct replayer *replayer)
{
	replayer->closed = true;
	replayer->send.failed = true;
	replayer->send.on = false;
}

/* The reader served other connections since: what is borrowed from it is fetched again. */
static void resume(struct replayer *replayer, struct buffer *out)
{
	struct my_send *send = &replayer->send;
	bool more_results = send->more_results;
	int found;

	send->cacheable = false;
	if (send->step == STEP_RESULT)
		return;
	found = replayer->answers->result(replayer->answers->context, send->exchange, send->number,
					  &send->result);
	send->more_results = more_results;
	if (found == 1 && send->step == STEP_ROWS)
		found = open_chunk(replayer) < 0 ? -EINVAL : 1;
	if (found == 1)
		return;
	if (send->large.on)
		broken_row(replayer);
	else
		unservable(replayer, NULL, found, out);
}

bool my_send_more(struct replayer *replayer, struct buffer *out)
{
	struct my_send *send = &replayer->send;

	if (send->step != STEP_BEGIN)
		resume(replayer, out);
	while (send->on && out->size < MY_FILL_BYTES && !out->overflowed) {
		if (send->large.on) {
			if (!my_replay_row_more(replayer, out))
				broken_row(replayer);
			continue;
		}
		switch (send->step) {
		case STEP_BEGIN:
			step_begin(replayer, out);
			break;
		case STEP_RESULT:
			step_result(replayer, out);
			break;
		case STEP_ROWS:
			step_rows(replayer, out);
			break;
		default:
			step_end(replayer, out);
			break;
		}
	}
	if (send->on)
		return false;
	if (send->cacheable && !out->overflowed && !replayer->closed)
		answer_cache_put(
			replayer->answers->cache, send->key,
			slice_of(out->data + send->cache_from, out->size - send->cache_from),
			send->failed);
	return true;
}
