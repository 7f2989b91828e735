/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PostgreSQL replayer: an exchange's results on their way out, as messages of chapter 55.7, from the structured rows.
 *
 * Steps of an answer:
 *	STEP_BEGIN ──▶ STEP_RESULT ──▶ STEP_ROWS ──▶ STEP_END ──▶ STEP_RESULT of the next result, or complete
 *	                                 │  ▲ a row with parts: `large`
 *	                                 └──┘
 * A step ends when the buffer is full, and goes on in the next call. What was recorded and cannot be encoded as the client
 * asked becomes an error in the place of the row.
 */
#include "parsers/postgres/replayer.h"
#include "parsers/postgres/values.h"

#include <errno.h>
#include <stdlib.h>

enum step { STEP_BEGIN, STEP_RESULT, STEP_ROWS, STEP_END };

void pg_send_status(struct buffer *out, struct slice name, struct slice value)
{
	size_t at = pg_message_begin(out, 'S');

	buffer_append_slice(out, name);
	buffer_append_u8(out, 0);
	buffer_append_slice(out, value);
	buffer_append_u8(out, 0);
	pg_message_end(out, at);
}

void pg_send_tag(struct buffer *out, struct slice tag)
{
	size_t at = pg_message_begin(out, 'C');

	buffer_append_slice(out, tag);
	buffer_append_u8(out, 0);
	pg_message_end(out, at);
}

uint16_t pg_send_form(const uint16_t *formats, size_t n_formats, size_t i)
{
	if (n_formats <= 1)
		return n_formats ? formats[0] : PARAMETER_TEXT;
	return i < n_formats ? formats[i] : PARAMETER_TEXT;
}

void pg_send_columns(struct buffer *out, const struct answer_columns *columns,
		     const uint16_t *formats, size_t n_formats, bool as_recorded)
{
	size_t at = pg_message_begin(out, 'T');

	buffer_append_u16be(out, (uint16_t)columns->n);
	for (size_t i = 0; i < columns->n; i++) {
		const struct column *column = &columns->columns[i];

		buffer_append_slice(out, column->name);
		buffer_append_u8(out, 0);
		buffer_append_u32be(out, column->table);
		buffer_append_u16be(out, column->attribute);
		buffer_append_u32be(out, column->type_id);
		buffer_append_u16be(out, (uint16_t)column->length);
		buffer_append_u32be(out, (uint32_t)column->modifier);
		buffer_append_u16be(out, as_recorded ? column->form :
						       pg_send_form(formats, n_formats, i));
	}
	pg_message_end(out, at);
}

/* The part, one bit for each format, and how many there are: up to 55 of them. */
bool pg_send_key(uint64_t exchange, const uint16_t *formats, size_t n_formats,
		 enum pg_cached_part part, struct answer_key *ret_key)
{
	uint64_t form = part;

	if (n_formats > 55)
		return false;
	for (size_t i = 0; i < n_formats; i++)
		form |= (uint64_t)(formats[i] & 1) << (i + 2);
	ret_key->exchange = exchange;
	ret_key->form = form | (uint64_t)n_formats << 58;
	return true;
}

void pg_send_begin(struct replayer *replayer, const struct answer *answer)
{
	struct pg_send *send = &replayer->send;
	struct large_row large = send->large;

	large.on = false;
	*send = (struct pg_send){
		.on = true,
		.describe = replayer->query,
		.exchange = answer->exchange,
		.kind = answer->kind,
		.flags = answer->flags,
		.silent = pg_answer_silent(answer),
		.large = large,
	};
}

/* ---- errors on the way ---- */

/* "Column c of type mood was recorded in binary and asked as text." */
static void say_column(const struct replayer *replayer, const struct column *column, int error,
		       struct buffer *detail)
{
	struct type_scope scope = { 0 };
	struct slice name;

	if (column->type_id >= PG_FIRST_OWN_TYPE)
		scope = pg_scope(replayer, replayer->send.exchange);
	name = pg_type_name_in(&scope, column->type_id);
	buffer_append_string(detail, "Column ");
	buffer_append_slice(detail, column->name);
	buffer_append_string(detail, " of type ");
	if (name.size)
		buffer_append_slice(detail, name);
	else
		buffer_append_unsigned(detail, column->type_id);
	buffer_append_string(detail, column->form == PARAMETER_BINARY ?
					     " was recorded in binary and asked as text" :
					     " was recorded as text and asked in binary");
	if (error == -EINVAL)
		buffer_append_string(detail, ", or its stored text is not a value of the type");
	buffer_append_u8(detail, '.');
	if (column->type_id >= PG_FIRST_OWN_TYPE &&
	    !(scope.types && types_find(scope.types, column->type_id, scope.at)))
		buffer_append_string(detail, " What type that is the recording does not know: the "
					     "program did not ask the server.");
}

static void unservable(struct replayer *replayer, const struct column *column, int error,
		       struct buffer *out)
{
	struct slice text =
		replayer->executing ? replayer->executing->prepared->text : replayer->sql.canonical;
	struct buffer detail;

	buffer_init(&detail, 4096);
	if (column) {
		say_column(replayer, column, error, &detail);
	} else if (error == -ENODATA) {
		buffer_append_string(&detail,
				     "When it was recorded, no more rows were fetched than these.");
	} else if (error == -ETIMEDOUT) {
		buffer_append_string(
			&detail,
			"When it was recorded, the client gave up before it was answered.");
	} else if (error == -ENOTSUP) {
		buffer_append_string(&detail,
				     "When it was recorded, nobody asked for a description of its "
				     "columns: in what form they are is not known.");
	} else {
		buffer_append_string(&detail, "The recording is damaged here.");
	}
	replayer->answers->count_unservable(replayer->answers->context, text,
					    buffer_slice(&detail));
	pg_send_error(out,
		      &(struct pg_error){
			      .severity = "ERROR",
			      .code = PG_STATE_UNSERVABLE,
			      .message = SLICE("mockproxy: the recorded answer cannot be given "
					       "in the form that was asked for"),
			      .detail = buffer_slice(&detail),
			      .hint = SLICE("Record with the driver that replays.") });
	buffer_release(&detail);
	replayer->send.failed = true;
	replayer->send.unservable = true;
	replayer->send.on = false;
	/* It is counted each time, and another session may well be served. */
	replayer->send.cacheable = false;
}

/* ---- rows ---- */

int pg_send_large_begin(struct pg_send *send, uint8_t type, struct buffer *out)
{
	uint64_t size;

	if (!large_row_begin(&send->large, INT32_MAX - 4, &size))
		return -EINVAL;
	buffer_append_u8(out, type);
	buffer_append_u32be(out, (uint32_t)size + 4);
	send->cacheable = false;
	return 0;
}

/* A part is bytes of the recorded form; only types whose two forms are the same bytes can go as the other. */
static int encode_part(struct replayer *replayer, const struct column *column, uint16_t form,
		       const struct answer_value *value, struct buffer *out)
{
	uint16_t recorded = column ? column->form : PARAMETER_TEXT;
	struct type_scope scope = { 0 };

	if (form != recorded && column && column->type_id >= PG_FIRST_OWN_TYPE)
		scope = pg_scope(replayer, replayer->send.exchange);
	if (form != recorded && !(column && pg_type_same_forms(&scope, column->type_id)))
		return -ENOTSUP;
	if (value->size > INT32_MAX)
		return -EINVAL;
	buffer_append_u32be(out, (uint32_t)value->size);
	large_row_add_part(&replayer->send.large, value);
	return 0;
}

static int encode_value(struct replayer *replayer, const struct column *column, uint16_t form,
			const struct answer_value *value, struct buffer *out)
{
	size_t at = out->size, size;
	int error;

	if (value->kind == ANSWER_NULL) {
		buffer_append_u32be(out, UINT32_MAX);
		return 0;
	}
	if (answer_is_part(value))
		return encode_part(replayer, column, form, value, out);
	buffer_append_u32be(out, 0);
	if (column && pg_value_of_session(column, form))
		replayer->send.cacheable = false;
	error = pg_value_encode(replayer, column, form, value, out);
	if (error || out->overflowed)
		return error;
	size = out->size - at - 4;
	for (size_t i = 0; i < 4; i++)
		out->data[at + i] = (uint8_t)(size >> (24 - 8 * i));
	return 0;
}

/* A simple query's rows are text, but for a binary cursor's, which are what was recorded. */
static uint16_t value_form(const struct pg_send *send, const struct column *column, size_t i)
{
	if (send->as_recorded)
		return column ? column->form : PARAMETER_TEXT;
	if (send->describe)
		return column && send->kind == EXCHANGE_SIMPLE ? column->form : PARAMETER_TEXT;
	return pg_send_form(send->formats, send->n_formats, i);
}

/* The body of a DataRow; on error *ret_column is the column that it is about. */
static int encode_row(struct replayer *replayer, const struct answer_value *values, size_t n,
		      struct buffer *out, const struct column **ret_column)
{
	const struct answer_columns *columns = replayer->send.result.columns;
	int error = 0;

	*ret_column = NULL;
	if (columns && columns->n != n)
		return -EINVAL;
	if (replayer->send.call && n != 1)
		return -EINVAL;
	if (!replayer->send.call)
		buffer_append_u16be(out, (uint16_t)n);
	for (size_t i = 0; i < n && !error; i++) {
		*ret_column = columns ? &columns->columns[i] : NULL;
		error = encode_value(replayer, *ret_column,
				     value_form(&replayer->send, *ret_column, i), &values[i], out);
	}
	return error;
}

/* A row with parts: everything but the parts at once, and then both in turn (send_large). */
static int begin_large(struct replayer *replayer, const struct answer_value *values, size_t n,
		       struct buffer *out, const struct column **ret_column)
{
	struct pg_send *send = &replayer->send;
	int error;

	large_row_clear(&send->large);
	error = encode_row(replayer, values, n, &send->large.bytes, ret_column);
	return error ? error : pg_send_large_begin(send, send->call ? 'V' : 'D', out);
}

/* Goes on with a row with parts; false when the recording does not hold what it says. */
static bool send_large(struct replayer *replayer, struct buffer *out)
{
	struct pg_send *send = &replayer->send;
	struct slice bytes;
	int found = 1;

	while (found == 1 && out->size < PG_FILL_BYTES) {
		found = large_row_next(&send->large, replayer->answers, send->exchange, &bytes);
		if (found == 1)
			buffer_append_slice(out, bytes);
	}
	replayer->flushed = out->size; /* larger than what a server keeps back */
	return found >= 0;
}

/* Sends the next row; 1 sent, 0 there is none, negative errno. */
static int send_row(struct replayer *replayer, struct buffer *out, const struct column **ret_column)
{
	const struct answers *answers = replayer->answers;
	struct pg_send *send = &replayer->send;
	const struct answer_value *values;
	size_t n, at;
	int found = answers->next_row(answers->context, &values, &n);

	*ret_column = NULL;
	if (found != 1)
		return found;
	send->position.row++;
	send->position.rows++;
	send->rows++;
	if (send->copy_out)
		return pg_copy_out_row(replayer, values, n, out);
	if (row_has_parts(values, n)) {
		found = begin_large(replayer, values, n, out, ret_column);
		return found ? found : 1;
	}
	at = pg_message_begin(out, send->call ? 'V' : 'D');
	found = encode_row(replayer, values, n, out, ret_column);
	if (found) {
		out->size = at;
		return found;
	}
	pg_message_end(out, at);
	return 1;
}

static int open_chunk(struct replayer *replayer)
{
	const struct pg_send *send = &replayer->send;

	return row_chunk_open(replayer->answers, send->exchange, send->number, send->position.chunk,
			      send->position.row);
}

/* ---- steps ---- */

void pg_send_message(struct buffer *out, uint8_t type, const struct answer_field *fields, size_t n)
{
	size_t at = pg_message_begin(out, type);

	for (size_t i = 0; i < n; i++) {
		uint8_t letter = pg_field_letter(fields[i].name);

		if (!letter)
			continue;
		buffer_append_u8(out, letter);
		buffer_append_slice(out, fields[i].value);
		buffer_append_u8(out, 0);
	}
	buffer_append_u8(out, 0);
	pg_message_end(out, at);
}

/* What came up to this place of the result (answer_event.place), in order. Reports wait for ReadyForQuery. */
static void send_events(struct replayer *replayer, uint64_t place, struct buffer *out)
{
	const struct answer_result *result = &replayer->send.result;
	struct pg_position *position = &replayer->send.position;

	if (position->done) /* a portal that is executed once more */
		return;
	while (position->event < result->n_events) {
		const struct answer_event *event = &result->events[position->event];

		if (event->place > place)
			return;
		position->event++;
		if (!event->status) {
			pg_send_message(out, 'N', event->fields, event->n_fields);
			replayer->flushed = out->size; /* as errors are: servers do */
		} else if (event->n_fields == 1) {
			pg_status_recorded(replayer, event->fields[0].name, event->fields[0].value);
			replayer->send.cacheable = false;
		}
	}
}

static bool is_dropped(const struct pg_send *send)
{
	return send->flags & (EXCHANGE_SERVER_ENDED | EXCHANGE_SERVER_RESET);
}

/* The server was recorded to end the connection here. */
static void drop(struct replayer *replayer)
{
	replayer->closed = true;
	replayer->reset = (replayer->send.flags & EXCHANGE_SERVER_RESET) != 0;
	replayer->send.failed = true;
	replayer->send.on = false;
}

static void step_result(struct replayer *replayer, struct buffer *out)
{
	struct pg_send *send = &replayer->send;
	int found = replayer->answers->result(replayer->answers->context, send->exchange,
					      send->number, &send->result);

	if (found == 0 && send->call && !is_dropped(send)) /* a person took its value away */
		found = -EINVAL;
	if (found < 0) {
		unservable(replayer, NULL, found, out);
		return;
	}
	if (found == 0 && send->silent) {
		unservable(replayer, NULL, -ETIMEDOUT, out);
		return;
	}
	if (found == 0 && is_dropped(send)) {
		drop(replayer);
		return;
	}
	if (found == 0) {
		send->on = false;
		send->position.done = true;
		return;
	}
	send_events(replayer, 0, out);
	if (send->describe && send->result.columns)
		pg_send_columns(out, send->result.columns, NULL, 0, send->kind == EXCHANGE_SIMPLE);
	send->step = STEP_END;
	if (send->flags & (EXCHANGE_COPY_IN | EXCHANGE_COPY_OUT)) {
		found = pg_copy_out_begin(replayer, out);
		if (found < 0) {
			unservable(replayer, NULL, found, out);
			return;
		}
	}
	if (send->result.chunks && send->position.chunk < send->result.chunks &&
	    !send->position.done && !(send->flags & EXCHANGE_COPY_IN)) {
		send->step = STEP_ROWS;
		found = open_chunk(replayer);
		if (found < 0)
			unservable(replayer, NULL, found, out);
	}
	send->position.begun = true;
}

static void suspend(struct replayer *replayer, struct buffer *out)
{
	pg_message_end(out, pg_message_begin(out, 's'));
	replayer->send.on = false;
}

static void step_rows(struct replayer *replayer, struct buffer *out)
{
	struct pg_send *send = &replayer->send;
	const struct column *column;
	int found = 1;

	while (found == 1 && out->size < PG_FILL_BYTES) {
		if (send->limit && send->rows == send->limit) {
			suspend(replayer, out);
			return;
		}
		send_events(replayer, send->position.rows + 1, out);
		found = send_row(replayer, out, &column);
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
	if (send->position.chunk == send->result.chunks) {
		send->step = STEP_END;
		return;
	}
	found = open_chunk(replayer);
	if (found < 0)
		unservable(replayer, NULL, found, out);
}

/* A SELECT's tag counts the rows of this Execute; the recorded one does where it was fetched in the same slices. */
static void send_select_tag(struct buffer *out, uint64_t rows)
{
	struct buffer tag;

	buffer_init(&tag, 64);
	buffer_append_string(&tag, "SELECT ");
	buffer_append_unsigned(&tag, rows);
	pg_send_tag(out, buffer_slice(&tag));
	buffer_release(&tag);
}

static bool fatal(const struct answer_result *result)
{
	for (size_t i = 0; i < result->n_error; i++)
		if (slice_equal(result->error[i].name, SLICE("severity_nonlocalized")) ||
		    slice_equal(result->error[i].name, SLICE("severity")))
			return slice_equal(result->error[i].value, SLICE("FATAL")) ||
			       slice_equal(result->error[i].value, SLICE("PANIC"));
	return false;
}

static void step_end(struct replayer *replayer, struct buffer *out)
{
	struct pg_send *send = &replayer->send;
	const struct answer_result *result = &send->result;

	send_events(replayer, ANSWER_EVENT_DATA - 1, out);
	if (send->copy_out)
		pg_copy_out_end(replayer, out);
	send_events(replayer, ANSWER_EVENT_DATA, out);
	if (result->empty)
		pg_message_end(out, pg_message_begin(out, 'I'));
	else if (result->completion.tag.data && !send->as_recorded &&
		 slice_starts_with(result->completion.tag, SLICE("SELECT ")) &&
		 (send->limit || (send->flags & EXCHANGE_ROW_LIMIT) || send->position.done))
		send_select_tag(out, send->rows);
	else if (result->completion.tag.data)
		pg_send_tag(out, result->completion.tag);
	if (result->error) {
		pg_send_message(out, 'E', result->error, result->n_error);
		send->failed = true;
		replayer->closed |= fatal(result);
	}
	send_events(replayer, ANSWER_EVENT_LAST, out);
	if (is_dropped(send) && !result->completion.tag.data && !result->error) {
		drop(replayer);
		return;
	}
	if (!result->empty && !result->completion.tag.data && !result->error &&
	    !(send->call && send->rows == 1) && !send->as_recorded) {
		unservable(replayer, NULL, send->flags & EXCHANGE_ROW_LIMIT ? -ENODATA : -EINVAL,
			   out);
		return;
	}
	send->number++;
	send->step = STEP_RESULT;
	/* Only what was merged has more results than one. */
	if (send->failed || !(send->flags & EXCHANGE_MERGED)) {
		send->on = false;
		send->position.done = true;
	}
	send->position = (struct pg_position){ .begun = true, .done = send->position.done };
}

/* From the cache, or from the recording and into the cache when all of it fits one call. */
static void step_begin(struct replayer *replayer, struct buffer *out)
{
	struct pg_send *send = &replayer->send;
	struct slice bytes;

	send->step = STEP_RESULT;
	send->cacheable = !send->limit && !send->position.begun &&
			  pg_send_key(send->exchange, send->formats, send->n_formats,
				      send->describe ? CACHED_QUERY : CACHED_EXECUTE, &send->key);
	send->cache_from = out->size;
	if (!send->cacheable ||
	    !answer_cache_find(replayer->answers->cache, send->key, &bytes, &send->failed))
		return;
	buffer_append_slice(out, bytes);
	send->cacheable = false;
	send->on = false;
	send->position.begun = true;
	send->position.done = true;
}

/* The row's length is on the wire already: nothing else can follow it. */
static void broken_row(struct replayer *replayer)
{
	replayer->send.unservable = true;
	replayer->closed = true;
	replayer->send.failed = true;
	replayer->send.on = false;
}

/* The reader served other connections since: what is borrowed from it is fetched again. */
static void resume(struct replayer *replayer, struct buffer *out)
{
	struct pg_send *send = &replayer->send;
	int found;

	send->cacheable = false;
	if (send->step == STEP_RESULT)
		return;
	found = replayer->answers->result(replayer->answers->context, send->exchange, send->number,
					  &send->result);
	if (found == 1 && send->step == STEP_ROWS)
		found = open_chunk(replayer) < 0 ? -EINVAL : 1;
	if (found == 1)
		return;
	if (send->large.on)
		broken_row(replayer);
	else
		unservable(replayer, NULL, found, out);
}

bool pg_send_more(struct replayer *replayer, struct buffer *out)
{
	struct pg_send *send = &replayer->send;

	if (send->step != STEP_BEGIN)
		resume(replayer, out);
	while (send->on && out->size < PG_FILL_BYTES && !out->overflowed) {
		if (send->large.on) {
			if (!send_large(replayer, out))
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
