/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PostgreSQL replayer: COPY data (chapter 55.2.6).
 *
 * To a client it is rows of a result, a CopyData for each, as a server sends them. From a client it is part of what was asked:
 *
 *	peek: the statement was recorded ──CopyInResponse──▶ data, digested as it comes ──CopyDone, CopyFail──▶ find, with the digest
 *
 * Meanwhile the data is compared, row by row, with that of the exchange that was peeked at: when no recorded data is equal, the first
 * row that differs is what the miss says. What the recorded server refused before its client was done answers data that begins
 * with the rows that it had seen: at once, behind the next row, where it is the statement's next answer; else when all data came,
 * since what follows may make it other data.
 */
#include "parsers/json.h"
#include "parsers/postgres/copy.h"
#include "parsers/postgres/replayer.h"

#include <errno.h>
#include <stdlib.h>

/* What a miss shows of a row. */
#define SHOWN_BYTES ((size_t)60)

struct pg_copy_in {
	struct pg_bound *bound; /* NULL: of a simple query */
	struct slice text;
	struct answer nearest; /* what was peeked at, whose data is compared */
	struct answer_copy form;
	struct pg_copy_reader reader;
	struct copy_digest *digest;
	bool comparing; /* all rows so far are equal */
	bool large;	/* among them are such as were not compared */
	uint32_t chunks;
	uint32_t chunk; /* the open one */
	uint64_t rows;
	bool begins; /* the data begins with all of the recorded rows, ... */
	uint8_t begins_digest[COPY_DIGEST_BYTES]; /* ... which have this digest */
	struct buffer difference;
};

void pg_copy_in_free(struct pg_copy_in *copy)
{
	if (!copy)
		return;
	pg_copy_reader_release(&copy->reader);
	copy_digest_free(copy->digest);
	buffer_release(&copy->difference);
	free(copy);
}

/* ---- asking ---- */

static void send_form(struct buffer *out, uint8_t type, const struct copy_form *form)
{
	size_t at = pg_message_begin(out, type);

	buffer_append_u8(out, form->binary);
	buffer_append_u16be(out, form->columns);
	for (size_t i = 0; i < form->columns; i++)
		buffer_append_u16be(out, form->binary);
	pg_message_end(out, at);
}

/* The message of a Query will be gone when its COPY data comes: what is left of it is kept, for its next COPY too. */
static struct slice keep_query(struct replayer *replayer, struct slice text)
{
	struct buffer kept;

	if (replayer->query_text.size)
		return text;
	buffer_init(&kept, PG_REQUEST_MAX);
	buffer_append_slice(&kept, text);
	buffer_append_slice(&kept, replayer->query_rest);
	text = slice_of(kept.data, text.size);
	replayer->query_rest = slice_of(kept.data + text.size, replayer->query_rest.size);
	replayer->query_text = kept;
	pg_answer_read(replayer, text);
	sql_session_resolve(replayer->session, &replayer->sql, replayer->values, &replayer->arena);
	return text;
}

/* The recorded data, from its first row on. */
static void begin_comparing(struct replayer *replayer, struct pg_copy_in *copy)
{
	const struct answers *answers = replayer->answers;
	struct answer_result result;

	copy->comparing =
		answers->result(answers->context, copy->nearest.exchange, 0, &result) == 1;
	if (!copy->comparing || !result.chunks)
		return;
	copy->chunks = result.chunks;
	copy->comparing = answers->chunk(answers->context, copy->nearest.exchange, 0, 0) == 0;
}

void pg_copy_in_begin(struct replayer *replayer, const struct answer *answer,
		      struct pg_bound *bound, struct slice text, struct buffer *out)
{
	const struct answers *answers = replayer->answers;
	struct pg_copy_in *copy = calloc(1, sizeof(*copy));

	if (!copy)
		abort();
	copy->bound = bound;
	copy->nearest = *answer;
	buffer_init(&copy->difference, 1024);
	if (answers->copy(answers->context, answer->exchange, &copy->form) != 1)
		copy->form =
			(struct answer_copy){ 0 }; /* somebody removed it: nothing will be equal */
	pg_copy_reader_init(&copy->reader, copy->form.form.binary);
	copy->digest = copy_digest_new(copy->form.form.binary);
	begin_comparing(replayer, copy);
	copy->text = bound ? text : keep_query(replayer, text);
	replayer->copy = copy;
	send_form(out, 'G', &copy->form.form);
}

/* ---- comparing ---- */

static struct slice without_end(struct slice line)
{
	if (line.size && line.data[line.size - 1] == '\n')
		line.size--;
	return line;
}

/* As much of a text as is shown: no character is cut. */
static size_t shown(struct slice text)
{
	size_t size = text.size < SHOWN_BYTES ? text.size : SHOWN_BYTES;

	while (size && size < text.size && (text.data[size] & 0xc0) == 0x80)
		size--;
	return size;
}

static bool is_printable(struct slice bytes)
{
	for (size_t i = 0; i < bytes.size; i++)
		if (bytes.data[i] < ' ' || bytes.data[i] == 0x7f)
			return false;
	return bytes.size && utf8_valid(bytes);
}

static void say_bytes(struct buffer *text, struct slice bytes)
{
	struct slice front = slice_of(bytes.data, shown(bytes));

	if (is_printable(front)) {
		buffer_append_slice(text, front);
	} else {
		buffer_append_string(text, "0x");
		front.size = front.size < SHOWN_BYTES / 2 ? front.size : SHOWN_BYTES / 2;
		buffer_append_hex(text, front);
	}
	if (front.size < bytes.size)
		buffer_append_string(text, "...");
}

/* A line as people see it: without its end, and tabs as they are written. */
static void say_line(struct buffer *text, struct slice line)
{
	size_t size;

	line = without_end(line);
	size = shown(line);
	buffer_append_u8(text, '"');
	for (size_t i = 0; i < size; i++) {
		if (line.data[i] == '\t')
			buffer_append_string(text, "\\t");
		else
			buffer_append_u8(text, line.data[i] < ' ' ? ' ' : line.data[i]);
	}
	buffer_append_string(text, size < line.size ? "...\"" : "\"");
}

/* From the next row on nothing is compared; what is said of both goes behind. */
static void differs(struct pg_copy_in *copy)
{
	copy->comparing = false;
	buffer_append_string(&copy->difference, "row ");
	buffer_append_unsigned(&copy->difference, copy->rows + 1);
	buffer_append_string(&copy->difference, " of the data");
}

static void compare_line(struct pg_copy_in *copy, const struct answer_value *value,
			 struct slice line)
{
	if (slice_equal(without_end(value->bytes), without_end(line)))
		return;
	differs(copy);
	buffer_append_string(&copy->difference, ": recorded ");
	say_line(&copy->difference, value->bytes);
	buffer_append_string(&copy->difference, ", asked ");
	say_line(&copy->difference, line);
}

static void say_field(struct buffer *text, bool null, struct slice bytes)
{
	if (null)
		buffer_append_string(text, "null");
	else
		say_bytes(text, bytes);
}

/* A tuple, which the reader made sure of, and the recorded row. */
static void compare_tuple(struct pg_copy_in *copy, const struct answer_value *values, size_t n,
			  struct slice tuple)
{
	struct cursor cursor = cursor_of(tuple);
	size_t fields = cursor_u16be(&cursor);

	if (fields != n) {
		differs(copy);
		buffer_append_string(&copy->difference, ": recorded ");
		buffer_append_unsigned(&copy->difference, n);
		buffer_append_string(&copy->difference, " fields, asked ");
		buffer_append_unsigned(&copy->difference, fields);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		int32_t size = cursor_i32be(&cursor);
		struct slice bytes = cursor_bytes(&cursor, size > 0 ? (size_t)size : 0);
		bool null = size == -1, was_null = values[i].kind == ANSWER_NULL;

		if (null == was_null && slice_equal(bytes, values[i].bytes))
			continue;
		differs(copy);
		buffer_append_string(&copy->difference, ", field ");
		buffer_append_unsigned(&copy->difference, i + 1);
		buffer_append_string(&copy->difference, ": recorded ");
		say_field(&copy->difference, was_null, values[i].bytes);
		buffer_append_string(&copy->difference, ", asked ");
		say_field(&copy->difference, null, bytes);
		return;
	}
}

/* The next recorded row: 1, 0 there is none, negative errno. */
static int recorded_row(struct replayer *replayer, struct pg_copy_in *copy,
			const struct answer_value **ret_values, size_t *ret_n)
{
	const struct answers *answers = replayer->answers;
	int found = 0;

	while (copy->chunk < copy->chunks) {
		found = answers->next_row(answers->context, ret_values, ret_n);
		if (found)
			return found;
		if (++copy->chunk == copy->chunks)
			break;
		found = answers->chunk(answers->context, copy->nearest.exchange, 0, copy->chunk);
		if (found < 0)
			return found;
	}
	return 0;
}

static void say_row(struct pg_copy_in *copy, struct slice row)
{
	if (copy->form.form.binary)
		buffer_append_string(&copy->difference, "one");
	else
		say_line(&copy->difference, row);
}

/* The client says a row; before it is digested. */
static void compare(struct replayer *replayer, struct pg_copy_in *copy, enum pg_copy_event event,
		    const struct pg_copy_row *row)
{
	const struct answer_value *values;
	size_t n;
	int found = recorded_row(replayer, copy, &values, &n);

	if (found == 0) {
		copy->begins = true;
		copy_digest_get(copy->digest, copy->begins_digest);
		differs(copy);
		buffer_append_string(&copy->difference, ": recorded none, asked ");
		say_row(copy, row->bytes);
	} else if (found < 0 || event == PG_COPY_RAW) {
		copy->comparing = false;
	} else if (event == PG_COPY_PART) {
		copy->large = true;
	} else if (copy->form.form.binary) {
		compare_tuple(copy, values, n, row->bytes);
	} else if (n == 1) {
		compare_line(copy, values, row->bytes);
	} else {
		copy->comparing = false;
	}
	copy->rows++;
}

/* All data came: are there recorded rows left? */
static void compare_end(struct replayer *replayer, struct pg_copy_in *copy)
{
	const struct answer_value *values;
	size_t n;

	if (!copy->comparing)
		return;
	if (recorded_row(replayer, copy, &values, &n) == 1) {
		differs(copy);
		buffer_append_string(&copy->difference, ": recorded ");
		say_row(copy, n ? values[0].bytes : slice_of(NULL, 0));
		buffer_append_string(&copy->difference, ", asked none");
		return;
	}
	copy->begins = true;
	copy_digest_get(copy->digest, copy->begins_digest);
}

/* ---- taking ---- */

static void take_row(struct replayer *replayer, enum pg_copy_event event,
		     const struct pg_copy_row *row)
{
	struct pg_copy_in *copy = replayer->copy;

	if (copy->comparing && (event != PG_COPY_PART || row->begins))
		compare(replayer, copy, event, row);
	copy_digest_add(copy->digest, row->bytes);
}

static struct request copy_request(struct replayer *replayer, const struct pg_copy_in *copy,
				   const struct copy_identity *identity)
{
	const struct pg_bound *bound = copy->bound;
	struct request request =
		pg_answer_request(replayer, bound ? &bound->prepared->sql : &replayer->sql,
				  bound ? bound->values : replayer->values, copy->text);

	request.copy = identity;
	return request;
}

static bool peek(struct replayer *replayer, const struct pg_copy_in *copy,
		 const struct copy_identity *identity, struct answer *ret_answer)
{
	struct request request = copy_request(replayer, copy, identity);

	return replayer->answers->peek(replayer->answers->context, &request, ret_answer);
}

static bool is_recorded(struct replayer *replayer, const struct pg_copy_in *copy,
			const struct copy_identity *identity)
{
	struct answer answer;

	return peek(replayer, copy, identity, &answer);
}

/* Answers the statement with its data, and is done with the data. */
static void answer(struct replayer *replayer, struct copy_identity *identity, struct buffer *out)
{
	struct pg_copy_in *copy = replayer->copy;
	struct request request = copy_request(replayer, copy, identity);
	struct answer found;

	replayer->copy = NULL;
	identity->difference = buffer_slice(&copy->difference);
	if (!identity->difference.size)
		identity->difference =
			copy->large ? SLICE("the data differs in a row of more than 128 kB") :
				      SLICE("the data differs");
	replayer->answers->find(replayer->answers->context, &request, &found);
	replayer->executing = copy->bound;
	if (found.rung == RUNG_MISS)
		pg_answer_miss(replayer, &found, copy->text, out);
	else
		pg_send_begin(replayer, &found);
	pg_copy_in_free(copy);
}

/* Not because of a cancel or an end (class 57), nor of what else the client sent (08): these come, or do not, whatever the data is. */
static bool refuses_data(struct replayer *replayer, uint64_t exchange)
{
	struct answer_result result;

	if (replayer->answers->result(replayer->answers->context, exchange, 0, &result) != 1)
		return false;
	for (size_t i = 0; i < result.n_error; i++)
		if (slice_equal(result.error[i].name, SLICE("code")))
			return !slice_starts_with(result.error[i].value, SLICE("57")) &&
			       !slice_starts_with(result.error[i].value, SLICE("08"));
	return false;
}

/* The rows that the recorded server refused came, and more: where that answer is the statement's next one, nothing changes it. */
static bool is_refused_now(struct replayer *replayer, struct copy_identity *ret_refused)
{
	const struct pg_copy_in *copy = replayer->copy;
	struct answer answer;

	if (copy->form.end != COPY_REFUSED)
		return false;
	ret_refused->end = COPY_REFUSED;
	memcpy(ret_refused->digest, copy->begins_digest, COPY_DIGEST_BYTES);
	return peek(replayer, copy, ret_refused, &answer) &&
	       refuses_data(replayer, answer.exchange);
}

static void take_data(struct replayer *replayer, struct slice bytes, struct buffer *out)
{
	struct pg_copy_in *copy = replayer->copy;
	struct copy_identity refused = { 0 };
	enum pg_copy_event event;
	struct pg_copy_row row;

	while ((event = pg_copy_next(&copy->reader, &bytes, &row)) != PG_COPY_MORE) {
		bool began = copy->begins;

		take_row(replayer, event, &row);
		if (copy->begins && !began && is_refused_now(replayer, &refused)) {
			answer(replayer, &refused, out);
			return;
		}
	}
}

static void take_done(struct replayer *replayer, struct buffer *out)
{
	struct pg_copy_in *copy = replayer->copy;
	struct copy_identity done = { .end = COPY_DONE }, refused = { .end = COPY_REFUSED };
	enum pg_copy_event event;
	struct pg_copy_row row;

	while ((event = pg_copy_last(&copy->reader, &row)) != PG_COPY_MORE)
		take_row(replayer, event, &row);
	compare_end(replayer, copy);
	copy_digest_get(copy->digest, done.digest);
	memcpy(refused.digest, copy->begins_digest, COPY_DIGEST_BYTES);
	/* Where the same data was taken too, it is the statement's next answer that counts. */
	if (copy->begins && is_recorded(replayer, copy, &refused) &&
	    (copy->form.end == COPY_REFUSED || !is_recorded(replayer, copy, &done)))
		answer(replayer, &refused, out);
	else
		answer(replayer, &done, out);
}

/* What a server says to a client that gives up, when that was not recorded: it does not depend on the data. */
static void say_failed(struct replayer *replayer, struct slice why, struct buffer *out)
{
	struct buffer message;

	buffer_init(&message, PG_REQUEST_MAX + 64);
	buffer_append_string(&message, "COPY from stdin failed: ");
	buffer_append_slice(&message, why);
	pg_send_error(out, &(struct pg_error){ .severity = "ERROR",
					       .code = "57014",
					       .message = buffer_slice(&message) });
	buffer_release(&message);
	sql_session_statement(replayer->session, &(struct sql_statement){ .verb = SQL_OTHER }, NULL,
			      false);
	pg_replay_failed(replayer);
	replayer->answers->count_session(replayer->answers->context);
	pg_copy_in_free(replayer->copy);
	replayer->copy = NULL;
}

static void take_failed(struct replayer *replayer, struct slice body, struct buffer *out)
{
	struct copy_identity failed = { .end = COPY_FAILED };
	struct cursor cursor = cursor_of(body);
	struct slice why = cursor_string(&cursor);

	copy_digest_failed(why, failed.digest);
	if (is_recorded(replayer, replayer->copy, &failed))
		answer(replayer, &failed, out);
	else
		say_failed(replayer, why, out);
}

/* Behind it a server does not know where the next message begins. */
static void refuse(struct replayer *replayer, uint8_t type, struct buffer *out)
{
	struct buffer message;

	buffer_init(&message, 128);
	buffer_append_string(&message, "unexpected message type 0x");
	buffer_append_hex(&message, slice_of(&type, 1));
	buffer_append_string(&message, " during COPY from stdin");
	pg_send_error(out, &(struct pg_error){ .severity = "FATAL",
					       .code = "08P01",
					       .message = buffer_slice(&message) });
	buffer_release(&message);
	replayer->closed = true;
}

void pg_copy_in_message(struct replayer *replayer, const struct pg_frame *frame, struct buffer *out)
{
	switch (frame->type) {
	case 'd':
		if (frame->part != FRAME_BEGIN)
			take_data(replayer, frame->body, out);
		break;
	case 'c':
		take_done(replayer, out);
		break;
	case 'f':
		take_failed(replayer, frame->body, out);
		break;
	case 'S': /* ignored, and so is Flush */
	case 'H':
		break;
	case 'X':
		replayer->closed = true;
		break;
	default:
		refuse(replayer, frame->type, out);
		break;
	}
}

/* ---- giving ---- */

int pg_copy_out_begin(struct replayer *replayer, struct buffer *out)
{
	struct pg_send *send = &replayer->send;
	struct answer_copy copy;

	if (replayer->answers->copy(replayer->answers->context, send->exchange, &copy) != 1)
		return -EINVAL;
	send->limit = 0; /* of rows, which this are none */
	if (!copy.form.to_client)
		return 0;
	send->copy_out = true;
	send->copy_binary = copy.form.binary;
	send->copy_header = copy.form.binary;
	send->copy_ends = copy.end == COPY_DONE;
	send_form(out, 'H', &copy.form);
	return 0;
}

/* The header goes with what comes first. */
static void add_header(struct pg_send *send, struct buffer *out)
{
	if (send->copy_header)
		buffer_append_slice(out, pg_copy_header);
	send->copy_header = false;
}

static int add_field(struct pg_send *send, const struct answer_value *value, struct buffer *out)
{
	if (value->kind == ANSWER_NULL) {
		buffer_append_u32be(out, UINT32_MAX);
		return 0;
	}
	if (answer_is_part(value) ? value->size > INT32_MAX : value->bytes.size > INT32_MAX)
		return -EINVAL;
	buffer_append_u32be(out,
			    (uint32_t)(answer_is_part(value) ? value->size : value->bytes.size));
	if (answer_is_part(value))
		large_row_add_part(&send->large, value);
	else
		buffer_append_slice(out, value->bytes);
	return 0;
}

/* Parts are left out, and noted in send->large. */
static int add_row(struct pg_send *send, const struct answer_value *values, size_t n,
		   struct buffer *out)
{
	int error = 0;

	if (!send->copy_binary) {
		if (n != 1 || values[0].kind == ANSWER_NULL)
			return -EINVAL;
		if (answer_is_part(values))
			large_row_add_part(&send->large, values);
		else
			buffer_append_slice(out, values[0].bytes);
		return 0;
	}
	add_header(send, out);
	buffer_append_u16be(out, (uint16_t)n);
	for (size_t i = 0; i < n && !error; i++)
		error = add_field(send, &values[i], out);
	return error;
}

int pg_copy_out_row(struct replayer *replayer, const struct answer_value *values, size_t n,
		    struct buffer *out)
{
	struct pg_send *send = &replayer->send;
	size_t at = out->size;
	int error;

	if (row_has_parts(values, n)) {
		large_row_clear(&send->large);
		error = add_row(send, values, n, &send->large.bytes);
		if (!error)
			error = pg_send_large_begin(send, 'd', out);
	} else {
		pg_message_begin(out, 'd');
		error = add_row(send, values, n, out);
		pg_message_end(out, at);
	}
	if (error)
		out->size = at;
	return error ? error : 1;
}

void pg_copy_out_end(struct replayer *replayer, struct buffer *out)
{
	struct pg_send *send = &replayer->send;
	size_t at;

	if (!send->copy_ends)
		return;
	if (send->copy_binary) {
		at = pg_message_begin(out, 'd');
		add_header(send, out);
		buffer_append_u16be(out, UINT16_MAX);
		pg_message_end(out, at);
	}
	pg_message_end(out, pg_message_begin(out, 'c'));
}
