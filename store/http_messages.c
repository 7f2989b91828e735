/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages into rows; see http_messages.h.
 *
 * A data message that came compressed is in two values while it comes: `wire` as it passed and `body` inflated. Any other one
 * is in `body` alone.
 *
 * Invariants: an inflater is there from the first compressed message of its side until the exchange is over; all of them
 * together are ingest->http_inflaters. After `lost` nothing of the side is inflated any more.
 */
#include "store/http_messages.h"

#include "parsers/http/exchange.h"
#include "parsers/http/websocket.h"
#include "store/http_value.h"

#include <errno.h>
#include <stdlib.h>
#include <zlib.h>

/* Each takes about 40 KiB. The messages of more WebSockets than these are kept as they passed. */
#define INFLATERS_MAX 2000
/* What becomes larger than this is kept as it passed: it would fill the disk. */
#define INFLATED_MAX ((uint64_t)256 << 20)
#define ROOM ((size_t)32 << 10)
#define WINDOW_MAX ((size_t)32 << 10)
/* Blocks of a message that say they are the last: a sender makes one, and each costs a copy of the window. */
#define LAST_BLOCKS_MAX 1000

struct speaker {
	struct http_value body;
	struct http_value wire;
	bool in_message;
	bool deflated;		  /* the message under way is */
	bool lost;		  /* what comes compressed cannot be inflated */
	unsigned int last_blocks; /* of the message */
	z_stream *inflater;
};

struct http_messages {
	struct speaker speakers[2]; /* by enum http_side */
	uint32_t next_part;
	uint32_t arrivals;
};

static struct http_messages *messages_new(void)
{
	struct http_messages *messages = calloc(1, sizeof(*messages));

	if (!messages)
		abort();
	messages->next_part = HTTP_MESSAGE_PART;
	for (size_t i = 0; i < ARRAY_SIZE(messages->speakers); i++) {
		http_value_init(&messages->speakers[i].body, 0);
		http_value_init(&messages->speakers[i].wire, 0);
	}
	return messages;
}

static void end_inflater(struct ingest *ingest, struct speaker *speaker)
{
	if (!speaker->inflater)
		return;
	inflateEnd(speaker->inflater);
	free(speaker->inflater);
	speaker->inflater = NULL;
	ingest->http_inflaters--;
}

void http_messages_free(struct ingest *ingest, struct http_messages *messages)
{
	if (!messages)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(messages->speakers); i++) {
		http_value_release(ingest, &messages->speakers[i].body);
		http_value_release(ingest, &messages->speakers[i].wire);
		end_inflater(ingest, &messages->speakers[i]);
	}
	free(messages);
}

/* ---- permessage-deflate ---- */

static bool begin_inflater(struct ingest *ingest, struct speaker *speaker)
{
	if (speaker->inflater)
		return true;
	if (ingest->http_inflaters == INFLATERS_MAX)
		return false;
	speaker->inflater = calloc(1, sizeof(*speaker->inflater));
	if (!speaker->inflater || inflateInit2(speaker->inflater, -MAX_WBITS) != Z_OK)
		abort(); /* out of memory */
	ingest->http_inflaters++;
	return true;
}

/* Behind a block that says it is the last one comes another (RFC 7692, section 7.2.3.4), in the same window. */
static bool begin_again(z_stream *inflater)
{
	uint8_t window[WINDOW_MAX];
	uInt size = 0;

	return inflateGetDictionary(inflater, window, &size) == Z_OK &&
	       inflateReset(inflater) == Z_OK &&
	       (!size || inflateSetDictionary(inflater, window, size) == Z_OK);
}

/* Inflates the next bytes of a message into its body. *ret_lost: they cannot be. */
static int inflate_bytes(struct ingest *ingest, int64_t exchange, struct speaker *speaker,
			 struct slice bytes, bool *ret_lost)
{
	z_stream *inflater = speaker->inflater;
	uint8_t room[ROOM];
	int rc = SQLITE_OK;

	inflater->next_in = (Bytef *)(uintptr_t)bytes.data;
	inflater->avail_in = (uInt)bytes.size;
	do {
		int result;

		inflater->next_out = room;
		inflater->avail_out = ROOM;
		result = inflate(inflater, Z_SYNC_FLUSH);
		rc = http_value_add(ingest, exchange, &speaker->body,
				    slice_of(room, ROOM - inflater->avail_out));
		if (result == Z_STREAM_END &&
		    (++speaker->last_blocks > LAST_BLOCKS_MAX || !begin_again(inflater)))
			result = Z_DATA_ERROR;
		*ret_lost = (result != Z_OK && result != Z_BUF_ERROR && result != Z_STREAM_END) ||
			    speaker->body.bytes > INFLATED_MAX;
		if (result == Z_BUF_ERROR)
			break;
	} while (rc == SQLITE_OK && !*ret_lost && (inflater->avail_in || !inflater->avail_out));
	return rc;
}

/* From here on what comes compressed is kept as it passed. */
static int lose(struct ingest *ingest, int64_t exchange, struct speaker *speaker)
{
	speaker->lost = true;
	end_inflater(ingest, speaker);
	return http_value_discard(ingest, exchange, &speaker->body);
}

static int add_deflated(struct ingest *ingest, int64_t exchange, struct speaker *speaker,
			struct slice bytes)
{
	bool lost = !speaker->lost && !begin_inflater(ingest, speaker);
	int rc = http_value_add(ingest, exchange, &speaker->wire, bytes);

	if (rc == SQLITE_OK && !speaker->lost && !lost)
		rc = inflate_bytes(ingest, exchange, speaker, bytes, &lost);
	if (rc == SQLITE_OK && lost)
		rc = lose(ingest, exchange, speaker);
	return rc;
}

/* ---- rows ---- */

/* A value in two places: its bytes, or its part. */
static void bind_value(sqlite3_stmt *sql, int at, const struct http_value *value)
{
	sqlite3_bind_null(sql, at);
	sqlite3_bind_null(sql, at + 1);
	if (value->in_parts)
		sqlite3_bind_int64(sql, at + 1, value->part);
	else if (value->held.size)
		database_bind(sql, at, buffer_slice(&value->held));
	else
		database_bind(sql, at, slice_of("", 0));
}

static void bind_payload(sqlite3_stmt *sql, const struct speaker *speaker)
{
	bool inflated = speaker->deflated && !speaker->lost;
	const struct http_value *body =
		speaker->deflated && speaker->lost ? &speaker->wire : &speaker->body;

	bind_value(sql, 6, body);
	sqlite3_bind_int64(sql, 8, (int64_t)body->bytes);
	for (int i = 9; i < 12; i++)
		sqlite3_bind_null(sql, i);
	if (!inflated)
		return;
	sqlite3_bind_text(sql, 9, "permessage-deflate", -1, SQLITE_STATIC);
	if (speaker->wire.in_parts)
		sqlite3_bind_int64(sql, 11, speaker->wire.part);
	else
		sqlite3_bind_blob64(sql, 10,
				    speaker->wire.held.size ? speaker->wire.held.data :
							      (const uint8_t *)"",
				    speaker->wire.held.size, SQLITE_STATIC);
}

static void bind_control(sqlite3_stmt *sql, const struct http_message *message)
{
	struct slice text = message->payload;
	uint16_t code = 0;

	if (message->kind == WEBSOCKET_CLOSE)
		code = websocket_close_read(message->payload, &text);
	database_bind(sql, 6, text.size ? text : slice_of("", 0));
	sqlite3_bind_null(sql, 7);
	sqlite3_bind_int64(sql, 8, (int64_t)text.size);
	for (int i = 9; i < 12; i++)
		sqlite3_bind_null(sql, i);
	if (code)
		sqlite3_bind_int(sql, 12, code);
}

static const char *kind_name(uint8_t kind)
{
	switch (kind) {
	case WEBSOCKET_TEXT:
		return "text";
	case WEBSOCKET_CLOSE:
		return "close";
	case WEBSOCKET_PING:
		return "ping";
	case WEBSOCKET_PONG:
		return "pong";
	default:
		return "binary";
	}
}

static int add_row(struct ingest *ingest, int64_t exchange, const struct speaker *speaker,
		   const struct http_message *message)
{
	sqlite3_stmt *sql = ingest->sql[ADD_HTTP_MESSAGE];
	bool control = message->kind >= WEBSOCKET_CLOSE;

	sqlite3_bind_int64(sql, 1, exchange);
	sqlite3_bind_int64(sql, 2, message->number);
	sqlite3_bind_text(sql, 3, message->side == HTTP_REQUEST ? "client" : "server", -1,
			  SQLITE_STATIC);
	sqlite3_bind_text(sql, 4, kind_name(message->kind), -1, SQLITE_STATIC);
	sqlite3_bind_int64(sql, 5, message->at_ns);
	sqlite3_bind_null(sql, 12);
	if (control)
		bind_control(sql, message);
	else
		bind_payload(sql, speaker);
	sqlite3_bind_int(sql, 13, !control && speaker->deflated && speaker->lost);
	sqlite3_bind_int(sql, 14, message->complete);
	return database_run(sql);
}

/* ---- pieces ---- */

static void begin_message(struct ingest *ingest, struct http_messages *messages,
			  struct speaker *speaker, bool deflated)
{
	http_value_reset(ingest, &speaker->body, messages->next_part);
	http_value_reset(ingest, &speaker->wire, messages->next_part + 1);
	speaker->in_message = true;
	speaker->deflated = deflated;
	speaker->last_blocks = 0;
}

static int end_message(struct ingest *ingest, struct http_messages *messages, int64_t exchange,
		       const struct http_message *message)
{
	/* What the sender took off the end of what it compressed (RFC 7692, section 7.2.1). */
	static const uint8_t tail[] = { 0, 0, 0xff, 0xff };
	struct speaker *speaker = &messages->speakers[message->side];
	bool lost = false;
	int rc = SQLITE_OK;

	if (!speaker->in_message) /* it is empty */
		begin_message(ingest, messages, speaker, message->deflated);
	if (speaker->deflated && speaker->inflater)
		rc = inflate_bytes(ingest, exchange, speaker, slice_of(tail, sizeof(tail)), &lost);
	if (rc == SQLITE_OK && lost)
		rc = lose(ingest, exchange, speaker);
	if (rc == SQLITE_OK)
		rc = http_value_end(ingest, exchange, &speaker->body);
	if (rc == SQLITE_OK)
		rc = http_value_end(ingest, exchange, &speaker->wire);
	if (rc == SQLITE_OK)
		rc = add_row(ingest, exchange, speaker, message);
	if (speaker->body.in_parts || speaker->wire.in_parts)
		messages->next_part += 2;
	http_value_reset(ingest, &speaker->body, 0);
	http_value_reset(ingest, &speaker->wire, 0);
	speaker->in_message = false;
	return rc;
}

static int take_message(struct ingest *ingest, struct http_messages *messages, int64_t exchange,
			const struct piece *piece)
{
	struct http_message message;

	if (http_message_read(piece, &message))
		return SQLITE_OK;
	if (message.kind >= WEBSOCKET_CLOSE)
		return add_row(ingest, exchange, NULL, &message);
	return end_message(ingest, messages, exchange, &message);
}

static int take_bytes(struct ingest *ingest, struct http_messages *messages, int64_t exchange,
		      const struct piece *piece)
{
	struct speaker *speaker =
		&messages->speakers[piece->result == HTTP_REQUEST ? HTTP_REQUEST : HTTP_RESPONSE];

	if (!speaker->in_message)
		begin_message(ingest, messages, speaker, piece->count);
	return speaker->deflated ? add_deflated(ingest, exchange, speaker, piece->bytes) :
				   http_value_add(ingest, exchange, &speaker->body, piece->bytes);
}

static int take_arrival(struct ingest *ingest, struct http_messages *messages, int64_t exchange,
			const struct piece *piece)
{
	sqlite3_stmt *sql = ingest->sql[ADD_HTTP_STREAM];
	uint64_t bytes;
	int64_t at_ns;

	if (http_arrival_read(piece, &bytes, &at_ns))
		return SQLITE_OK;
	sqlite3_bind_int64(sql, 1, exchange);
	sqlite3_bind_int64(sql, 2, ++messages->arrivals);
	sqlite3_bind_int64(sql, 3, (int64_t)bytes);
	sqlite3_bind_int64(sql, 4, at_ns);
	return database_run(sql);
}

int http_messages_take(struct ingest *ingest, struct http_messages **messages, int64_t exchange,
		       const struct exchange_item *item)
{
	int rc = SQLITE_OK;

	for (const struct piece *p = item->pieces; p && rc == SQLITE_OK; p = p->next) {
		if (p->type < PIECE_ARRIVED)
			continue;
		if (!*messages)
			*messages = messages_new();
		if (p->type == PIECE_ARRIVED)
			rc = take_arrival(ingest, *messages, exchange, p);
		else if (p->type == PIECE_MESSAGE_BODY)
			rc = take_bytes(ingest, *messages, exchange, p);
		else
			rc = take_message(ingest, *messages, exchange, p);
	}
	return rc;
}
