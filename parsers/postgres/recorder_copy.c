/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PostgreSQL recorder: COPY data (chapter 55.2.6). It becomes rows of the exchange's result, and a digest where a client
 * sends it; see recorder.h and copy.h.
 *
 *	none ──CopyInResponse──▶ reads ──CopyDone, CopyFail──▶ ended ──CommandComplete, ErrorResponse──▶ none
 *	     ──CopyOutResponse─▶ gives ──CopyDone────────────▶ ended
 *
 * What a client sends before the server asks waits in the queue of operations. What it sends when the server does not ask (any more) is
 * ignored by the server, and here: it is recognised before it is kept, since there may be any amount of it.
 *
 * A server gives a row in each CopyData, the first one behind the header of the binary form and the last one behind all rows its
 * trailer. Data of another shape is flagged: a replay would give it otherwise.
 *
 * Invariant: while recorder->copy is there, so is log.active, to which it belongs.
 */
#include "parsers/postgres/copy.h"
#include "parsers/postgres/recorder.h"

#include <stdlib.h>

static const uint8_t trailer[] = { 0xff, 0xff };

struct pg_copy {
	struct copy_form form;
	bool ended;
	bool spoilt;		      /* not of the shape that is stored: nothing more of it is */
	bool large;		      /* a row that comes in pieces is under way */
	size_t header_left;	      /* of the server's header */
	bool trailed;		      /* its trailer came */
	struct pg_copy_reader reader; /* of a client's data */
	struct copy_digest *digest;
};

bool pg_copy_reads(const struct recorder *recorder)
{
	return recorder->copy && !recorder->copy->form.to_client && !recorder->copy->ended;
}

static void spoil(struct recorder *recorder)
{
	recorder->copy->spoilt = true;
	recorder->log.active->exchange.flags |= EXCHANGE_NOT_DECODED;
}

/* ---- rows ---- */

static void put_u16(uint8_t *at, size_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* A row of one value. */
static void add_line(struct recorder *recorder, struct slice line)
{
	uint8_t *at = exchange_row_room(&recorder->log, line.size + 6);

	put_u16(at, 1);
	put_u16(at + 2, line.size >> 16);
	put_u16(at + 4, line.size);
	if (line.size)
		memcpy(at + 6, line.data, line.size);
	exchange_row_end(&recorder->log, line.size + 6);
}

static void add_row(struct recorder *recorder, struct slice row)
{
	if (recorder->copy->form.binary)
		exchange_row_add(&recorder->log, row);
	else
		add_line(recorder, row);
}

/* The next bytes of a tuple too large to be held. */
static bool add_part(struct recorder *recorder, struct slice bytes, bool begins, bool ends)
{
	struct pg_frame frame = { .part = FRAME_BEGIN };

	if (begins && !pg_row_stream(recorder, &frame))
		return false;
	recorder->copy->large = !ends;
	frame = (struct pg_frame){ .part = FRAME_BYTES, .last = ends, .body = bytes };
	return pg_row_stream(recorder, &frame);
}

/* ---- from the client ---- */

static bool client_row(struct recorder *recorder, enum pg_copy_event event,
		       const struct pg_copy_row *row)
{
	struct pg_copy *copy = recorder->copy;

	copy_digest_add(copy->digest, row->bytes);
	if (event == PG_COPY_RAW && copy->large)
		spoil(recorder);
	if (copy->spoilt || event == PG_COPY_RAW)
		return true;
	if (event == PG_COPY_PART)
		return add_part(recorder, row->bytes, row->begins, row->ends);
	add_row(recorder, row->bytes);
	return true;
}

static bool client_bytes(struct recorder *recorder, struct slice bytes)
{
	enum pg_copy_event event;
	struct pg_copy_row row;
	bool ok = true;

	while (ok && (event = pg_copy_next(&recorder->copy->reader, &bytes, &row)) != PG_COPY_MORE)
		ok = client_row(recorder, event, &row);
	return ok;
}

/* Says how the data ended. */
static void add_end(struct recorder *recorder, enum copy_end end, struct slice why)
{
	struct pg_copy *copy = recorder->copy;
	uint8_t digest[COPY_DIGEST_BYTES];
	struct buffer bytes;

	copy->ended = true;
	if (end == COPY_FAILED)
		copy_digest_failed(why, digest);
	else if (copy->digest)
		copy_digest_get(copy->digest, digest);
	buffer_init(&bytes, PG_REQUEST_MAX + 64);
	buffer_append_u8(&bytes, (uint8_t)end);
	if (copy->digest)
		buffer_append(&bytes, digest, sizeof(digest));
	buffer_append_slice(&bytes, why);
	exchange_piece(&recorder->log, PIECE_COPY_END, buffer_slice(&bytes));
	buffer_release(&bytes);
}

static bool client_done(struct recorder *recorder)
{
	enum pg_copy_event event;
	struct pg_copy_row row;

	while ((event = pg_copy_last(&recorder->copy->reader, &row)) != PG_COPY_MORE)
		if (!client_row(recorder, event, &row))
			return false;
	add_end(recorder, COPY_DONE, slice_of(NULL, 0));
	return true;
}

/* ---- before the server asks, or when it does not ask any more ---- */

/* Nothing that was asked can begin a COPY: the server ignores data. */
static bool is_ignored(struct recorder *recorder)
{
	struct pg_operation *head = pg_operations_head(recorder);

	return !head || (recorder->failed && !recorder->syncs) ||
	       (recorder->n_operations == 1 && head->type == OPERATION_QUERY &&
		pg_query_failed(recorder, head));
}

/* The memory that this many bytes have: it is doubled when it is full. */
static size_t capacity_of(size_t size)
{
	size_t capacity = 4096;

	while (capacity < size)
		capacity *= 2;
	return capacity;
}

static void append_early(struct pg_operation *data, struct slice bytes)
{
	size_t size = data->texts_size + bytes.size;

	if (!data->texts || capacity_of(size) > capacity_of(data->texts_size))
		data->texts = realloc(data->texts, capacity_of(size));
	if (!data->texts)
		abort();
	if (bytes.size)
		memcpy(data->texts + data->texts_size, bytes.data, bytes.size);
	data->texts_size = size;
}

static bool keep_early(struct recorder *recorder, struct slice bytes)
{
	struct pg_operation *last = pg_operations_last(recorder);

	if (recorder->operations_bytes + bytes.size > PG_OPERATIONS_BYTES_MAX)
		return pg_fail(recorder, "too many bytes of requests without an answer");
	if (last && last->type == OPERATION_COPY_DATA) {
		last->bytes += bytes.size;
		recorder->operations_bytes += bytes.size;
	} else { /* who sees that there is one more weighs it */
		last = pg_operation_add(recorder, OPERATION_COPY_DATA);
		if (!last)
			return false;
	}
	append_early(last, bytes);
	return true;
}

bool pg_copy_client_data(struct recorder *recorder, const struct pg_frame *frame)
{
	if (frame->part == FRAME_BEGIN)
		return true;
	if (pg_copy_reads(recorder))
		return client_bytes(recorder, frame->body);
	return is_ignored(recorder) || keep_early(recorder, frame->body);
}

static bool read_message(struct recorder *recorder, struct slice body, struct slice *ret_message)
{
	struct cursor cursor = cursor_of(body);

	*ret_message = cursor_string(&cursor);
	return cursor_done(&cursor) || pg_fail(recorder, "malformed CopyFail");
}

bool pg_copy_client_end(struct recorder *recorder, const struct pg_frame *frame)
{
	bool fails = frame->type == 'f';
	struct pg_operation *operation;
	struct slice message = { 0 };

	if (fails && !read_message(recorder, frame->body, &message))
		return false;
	if (pg_copy_reads(recorder)) {
		if (!fails)
			return client_done(recorder);
		add_end(recorder, COPY_FAILED, message);
		return true;
	}
	if (is_ignored(recorder))
		return true;
	operation = pg_operation_add(recorder, fails ? OPERATION_COPY_FAIL : OPERATION_COPY_DONE);
	if (operation)
		operation->name = pg_name_copy(message);
	return operation != NULL;
}

/* The server asks: what came before it did. Syncs that it ignores meanwhile are gone. */
static bool take_early(struct recorder *recorder)
{
	struct pg_operation *second;
	bool ok = true;

	while (ok && pg_copy_reads(recorder) && (second = pg_operations_second(recorder))) {
		if (second->type == OPERATION_COPY_DATA)
			ok = client_bytes(recorder, slice_of(second->texts, second->texts_size));
		else if (second->type == OPERATION_COPY_DONE)
			ok = client_done(recorder);
		else if (second->type == OPERATION_COPY_FAIL)
			add_end(recorder, COPY_FAILED, second->name);
		else if (second->type != OPERATION_SYNC)
			break;
		pg_operations_drop_second(recorder);
	}
	return ok;
}

/* ---- from the server ---- */

/* Takes what there is of the header off the front; false when it is another. */
static bool skip_header(struct pg_copy *copy, struct slice *bytes)
{
	size_t size = bytes->size < copy->header_left ? bytes->size : copy->header_left;
	struct slice front = slice_of(bytes->data, size);

	if (!slice_equal(
		    front,
		    slice_of(pg_copy_header.data + PG_COPY_HEADER_SIZE - copy->header_left, size)))
		return false;
	copy->header_left -= size;
	*bytes = slice_of(bytes->data + size, bytes->size - size);
	return true;
}

static bool server_row(struct recorder *recorder, struct slice row)
{
	struct pg_copy *copy = recorder->copy;

	if (copy->form.binary) {
		if (copy->trailed || !skip_header(copy, &row) || copy->header_left)
			spoil(recorder);
		else if (slice_equal(row, slice_of(trailer, sizeof(trailer))))
			copy->trailed = true;
		else if (!pg_copy_is_tuple(row))
			spoil(recorder);
		if (copy->spoilt || copy->trailed)
			return true;
	}
	add_row(recorder, row);
	return true;
}

/* A row that comes in pieces, whose size is known. */
static bool server_part(struct recorder *recorder, const struct pg_frame *frame)
{
	struct exchange_log *log = &recorder->log;
	struct slice bytes = frame->body;
	struct cursor cursor;

	if (frame->part == FRAME_BEGIN) {
		if (recorder->copy->trailed)
			spoil(recorder);
		else if (recorder->copy->form.binary)
			return add_part(recorder, slice_of(NULL, 0), true, false);
		if (recorder->copy->spoilt)
			return true;
		exchange_large_row_begin(log);
		buffer_append_u16be(&log->row.bytes, 1);
		exchange_large_value_begin(log, frame->body_size);
		return true;
	}
	if (recorder->copy->form.binary) {
		if (!skip_header(recorder->copy, &bytes))
			return pg_fail(recorder, "COPY data with another header");
		return add_part(recorder, bytes, false, frame->last);
	}
	cursor = cursor_of(bytes);
	exchange_large_value_take(log, &cursor);
	return !frame->last || exchange_large_row_end(log) ||
	       pg_fail(recorder, "a row of too many values");
}

bool pg_copy_server(struct recorder *recorder, const struct pg_frame *frame)
{
	struct pg_copy *copy = recorder->copy;

	if (!copy || !copy->form.to_client || copy->ended || copy->spoilt)
		return true; /* replication, which is relayed and marked */
	if (frame->type == 'd')
		return frame->part == FRAME_WHOLE ? server_row(recorder, frame->body) :
						    server_part(recorder, frame);
	if (copy->form.binary && !copy->trailed)
		spoil(recorder);
	else
		add_end(recorder, COPY_DONE, slice_of(NULL, 0));
	return true;
}

/* ---- both ---- */

bool pg_copy_begin(struct recorder *recorder, uint8_t type, struct slice body)
{
	struct pg_copy *copy;
	uint8_t bytes[4];
	bool plain;

	if (recorder->copy)
		return pg_unexpected(recorder);
	copy = calloc(1, sizeof(*copy));
	if (!copy)
		abort();
	recorder->copy = copy;
	if (!pg_copy_form_read(body, &copy->form, &plain))
		return pg_fail(recorder, "malformed CopyInResponse or CopyOutResponse");
	copy->form.to_client = type == 'H';
	bytes[0] = copy->form.to_client;
	bytes[1] = copy->form.binary;
	put_u16(bytes + 2, copy->form.columns);
	recorder->log.active->exchange.flags |=
		copy->form.to_client ? EXCHANGE_COPY_OUT : EXCHANGE_COPY_IN;
	exchange_piece(&recorder->log, PIECE_COPY, slice_of(bytes, sizeof(bytes)));
	if (!plain)
		spoil(recorder);
	if (copy->form.to_client) {
		copy->header_left = copy->form.binary ? PG_COPY_HEADER_SIZE : 0;
		return true;
	}
	pg_copy_reader_init(&copy->reader, copy->form.binary);
	copy->digest = copy_digest_new(copy->form.binary);
	return take_early(recorder);
}

void pg_copy_end(struct recorder *recorder)
{
	if (recorder->copy && recorder->copy->large)
		spoil(recorder);
	if (pg_copy_reads(recorder))
		add_end(recorder, COPY_REFUSED, slice_of(NULL, 0));
	pg_copy_drop(recorder);
}

void pg_copy_drop(struct recorder *recorder)
{
	struct pg_copy *copy = recorder->copy;

	if (!copy)
		return;
	recorder->copy = NULL;
	if (copy->digest)
		pg_copy_reader_release(&copy->reader);
	copy_digest_free(copy->digest);
	free(copy);
}
