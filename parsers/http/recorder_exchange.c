/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP/1 recorder: exchanges from a request's head to their items; see recorder.h. */
#include "parsers/http/recorder.h"

#include <assert.h>
#include <stdlib.h>

#define ROOM_FIRST ((size_t)1 << 10)
#define ROOM_MAX ((size_t)32 << 10)

void http_exchange_free(struct http_exchange *exchange)
{
	item_free(exchange->item);
	free((void *)(uintptr_t)exchange->target.data);
	free(exchange);
}

static void say_session(struct recorder *recorder)
{
	struct item *item;

	if (recorder->session_said)
		return;
	recorder->session_said = true;
	item = item_new(ITEM_SESSION, recorder->connection);
	item->session.protocol = &http_protocol;
	item_list_add(recorder->items, item);
}

static struct slice owned(struct slice bytes)
{
	uint8_t *copy = malloc(bytes.size + 1);

	if (!copy)
		abort();
	if (bytes.size)
		memcpy(copy, bytes.data, bytes.size);
	return slice_of(copy, bytes.size);
}

/* The item that has the method may go to the store before the answer comes, which depends on these two only. */
static struct slice framing_method(struct slice method)
{
	if (slice_equal(method, SLICE("HEAD")))
		return SLICE("HEAD");
	return slice_equal(method, SLICE("CONNECT")) ? SLICE("CONNECT") : SLICE("");
}

static struct item *new_item(struct recorder *recorder, uint64_t ordinal, int64_t start_ns)
{
	struct item *item =
		item_new_with_room(ITEM_EXCHANGE, recorder->connection, HTTP_ITEM_FIRST_BYTES);

	item->exchange.kind = EXCHANGE_HTTP;
	item->exchange.ordinal = ordinal;
	item->exchange.batch = ordinal;
	item->exchange.transaction = ' ';
	item->exchange.start_ns = start_ns;
	return item;
}

/* What waits for its response is bounded in bytes too. */
static void weigh(struct recorder *recorder, struct http_exchange *exchange)
{
	recorder->waiting_bytes -= exchange->bytes;
	exchange->bytes = exchange->item->arena.allocated + sizeof(*exchange);
	recorder->waiting_bytes += exchange->bytes;
}

/* Puts the exchange of a request at the end of the queue. */
static void enqueue(struct recorder *recorder, struct item *item)
{
	struct http_exchange *exchange = calloc(1, sizeof(*exchange));

	if (!exchange)
		abort();
	exchange->item = item;
	exchange->method = framing_method(item->exchange.request->method);
	if (item->exchange.request->form == TARGET_AUTHORITY)
		exchange->target = owned(item->exchange.request->authority);
	exchange->upgrade = http_field(&item->exchange.request->fields, SLICE("upgrade")).data;
	exchange->websocket = http_websocket_asked(item->exchange.request);
	*recorder->end = exchange;
	recorder->end = &exchange->next;
	recorder->newest = exchange;
	recorder->n_waiting++;
	weigh(recorder, exchange);
}

/* A request that cannot be vouched for is told, so that a person sees what made the connection opaque. */
static bool refuse(struct recorder *recorder, struct item *item, const char *why)
{
	struct exchange_item *exchange = &item->exchange;

	if (!exchange->request->method.size) {
		item_free(item);
		return http_fail(recorder, why);
	}
	exchange->ordinal = exchange->batch = ++recorder->ordinal;
	exchange->flags = EXCHANGE_AMBIGUOUS | EXCHANGE_NOT_DECODED;
	exchange->outcome = OUTCOME_UNFINISHED;
	exchange->closes = true;
	say_session(recorder);
	item_list_add(recorder->items, item);
	return http_fail(recorder, why);
}

bool http_exchange_begin(struct recorder *recorder, struct slice head)
{
	struct item *item = new_item(recorder, 0, recorder->now_ns);
	struct http_request *request = arena_alloc(&item->arena, sizeof(*request));
	enum http_body body = HTTP_BODY_AMBIGUOUS;
	const char *why = NULL;
	uint64_t length = 0;

	item->exchange.opens = true;
	item->exchange.request = request;
	if (!http_request_read_known(arena_copy(&item->arena, head), &item->arena,
				     &recorder->known[SIDE_CLIENT], request, &why))
		body = http_request_body(request, &length, &why);
	if (body == HTTP_BODY_AMBIGUOUS)
		return refuse(recorder, item, why);
	if (recorder->n_waiting == HTTP_PIPELINE_MAX ||
	    recorder->waiting_bytes > HTTP_PIPELINE_BYTES_MAX) {
		item_free(item);
		return http_fail(recorder, "too many requests without a response");
	}
	item->exchange.ordinal = item->exchange.batch = ++recorder->ordinal;
	say_session(recorder);
	enqueue(recorder, item);
	http_framer_body(&recorder->framers[SIDE_CLIENT], body, length);
	return true;
}

void http_exchange_answered(const struct recorder *recorder, struct http_exchange *exchange)
{
	if (exchange->first_byte_ns)
		return;
	exchange->first_byte_ns = recorder->now_ns;
	exchange->late = recorder->client_ended;
}

void http_exchange_unread(struct http_exchange *exchange)
{
	struct exchange_item *item = &exchange->item->exchange;
	struct piece **at = &item->pieces;

	if (!exchange->late)
		return;
	while (*at)
		if ((*at)->type == PIECE_BODY && (*at)->result == HTTP_REQUEST)
			at = &(*at)->next;
		else
			*at = (*at)->next;
	item->pieces_end = at;
	item->responses = NULL;
	item->trailers[HTTP_RESPONSE] = NULL;
	exchange->rooms[HTTP_RESPONSE] = (struct http_room){ 0 };
	exchange->stream = (struct http_stream){ 0 };
	exchange->late = exchange->response_done = false;
	exchange->status = exchange->interims = 0;
	exchange->flags &= ~(uint32_t)EXCHANGE_BARE_LF;
	exchange->first_byte_ns = exchange->done_ns = 0;
}

void http_exchange_spill(struct recorder *recorder, struct http_exchange *exchange)
{
	struct item *part = exchange->item;

	exchange->late = false; /* what the store has cannot be taken back */
	exchange->item = new_item(recorder, part->exchange.ordinal, part->exchange.start_ns);
	for (size_t i = 0; i < ARRAY_SIZE(exchange->rooms); i++) {
		exchange->rooms[i].piece = NULL;
		exchange->rooms[i].left = 0;
	}
	item_list_add(recorder->items, part);
}

/* What is known to come, and whether the room should have that size whatever it is. */
static uint64_t known_of(const struct recorder *recorder, const struct http_bytes *bytes,
			 bool *ret_last)
{
	const struct http_framer *framer =
		&recorder->framers[bytes->side == HTTP_REQUEST ? SIDE_CLIENT : SIDE_SERVER];

	*ret_last = bytes->type == PIECE_MESSAGE_BODY || http_framer_last(framer);
	return bytes->type == PIECE_MESSAGE_BODY ? bytes->known :
						   http_framer_known(framer, bytes->size);
}

/* A new piece for bytes that follow. */
static void add_room(struct recorder *recorder, struct http_exchange *exchange,
		     const struct http_bytes *bytes)
{
	bool last;
	uint64_t known = known_of(recorder, bytes, &last);
	struct http_room *room = &exchange->rooms[bytes->side];
	size_t size = room->next ? room->next : ROOM_FIRST;

	if (exchange->item->arena.allocated > HTTP_ITEM_BYTES)
		http_exchange_spill(recorder, exchange);
	if (size < known || last)
		size = known < ROOM_MAX ? (size_t)known : ROOM_MAX;
	room->next = size < ROOM_MAX / 2 ? 2 * size : ROOM_MAX;
	room->piece = item_add_piece(exchange->item, bytes->type, bytes->side, slice_of(NULL, 0));
	room->piece->count = bytes->count;
	room->piece->bytes = slice_of(arena_bytes(&exchange->item->arena, size), 0);
	room->left = size;
}

uint8_t *http_exchange_room(struct recorder *recorder, struct http_exchange *exchange,
			    struct http_bytes *bytes)
{
	struct http_room *room = &exchange->rooms[bytes->side];
	uint8_t *at;

	if (!room->left)
		add_room(recorder, exchange, bytes);
	if (bytes->size > room->left)
		bytes->size = room->left;
	at = (uint8_t *)(uintptr_t)room->piece->bytes.data + room->piece->bytes.size;
	room->piece->bytes.size += bytes->size;
	room->left -= bytes->size;
	return at;
}

void http_exchange_body(struct recorder *recorder, struct http_exchange *exchange,
			enum http_side side, struct slice bytes)
{

	while (bytes.size) {
		struct http_bytes next = { .type = PIECE_BODY, .side = side, .size = bytes.size };
		uint8_t *at = http_exchange_room(recorder, exchange, &next);

		memcpy(at, bytes.data, next.size);
		if (side == HTTP_RESPONSE)
			http_stream_bytes(exchange, slice_of(bytes.data, next.size),
					  recorder->now_ns);
		bytes = slice_of(bytes.data + next.size, bytes.size - next.size);
	}
}

bool http_exchange_trailers(struct recorder *recorder, struct http_exchange *exchange,
			    enum http_side side, struct slice lines)
{
	struct item *item = exchange->item;
	struct http_fields *trailers = arena_alloc(&item->arena, sizeof(*trailers));
	const char *why = NULL;

	item->exchange.trailers[side] = trailers;
	if (!http_fields_read(arena_copy(&item->arena, lines), &item->arena, trailers, &why))
		return true;
	exchange->flags |= EXCHANGE_AMBIGUOUS | EXCHANGE_NOT_DECODED;
	return http_fail(recorder, why);
}

void http_exchange_close(struct recorder *recorder, enum exchange_outcome outcome)
{
	struct http_exchange *exchange = recorder->oldest;
	struct exchange_item *last = &exchange->item->exchange;

	http_stream_end(exchange);
	last->closes = true;
	last->outcome = (uint8_t)outcome;
	last->flags = exchange->flags;
	last->first_byte_ns = exchange->first_byte_ns;
	if (outcome != OUTCOME_UNFINISHED)
		last->end_ns = exchange->done_ns ? exchange->done_ns : recorder->now_ns;
	item_list_add(recorder->items, exchange->item);
	exchange->item = NULL;
	recorder->n_waiting--;
	recorder->waiting_bytes -= exchange->bytes;
	recorder->oldest = exchange->next;
	if (!recorder->oldest) {
		recorder->end = &recorder->oldest;
		recorder->newest = NULL;
	}
	http_exchange_free(exchange);
}

static enum exchange_outcome outcome_of(const struct http_exchange *exchange)
{
	return exchange->status >= 400 ? OUTCOME_ERROR : OUTCOME_OK;
}

void http_exchange_done(struct recorder *recorder, struct http_exchange *exchange,
			enum http_side side)
{
	if (side == HTTP_REQUEST) {
		exchange->request_done = true;
		weigh(recorder, exchange);
	} else {
		exchange->response_done = true;
	}
	if (!exchange->request_done || !exchange->response_done)
		return;
	assert(exchange == recorder->oldest);
	/* Was anybody there to read it? What follows on the connection tells, and that is its end. */
	if (exchange->late && !exchange->next && exchange->status != 101 &&
	    !exchange->target.data) {
		exchange->done_ns = recorder->now_ns;
		return;
	}
	http_exchange_close(recorder, outcome_of(exchange));
}

/*
 * Who cut it. A server that ends in order when its client did before, or that had said nothing by then, only follows a client
 * that gave up: one that still reads is answered. But what a client had sent ahead of an answer that said to be the last one is
 * cut by its server, though the client, which has read that, may end first.
 */
static uint32_t cut_by(const struct recorder *recorder, const struct http_exchange *exchange)
{
	bool follows = recorder->client_ended_first &&
		       (!exchange->first_byte_ns || recorder->cut_flags == EXCHANGE_SERVER_ENDED);

	if (recorder->last_answer && !exchange->first_byte_ns)
		return recorder->cut_flags ? recorder->cut_flags : EXCHANGE_SERVER_ENDED;
	return follows ? 0 : recorder->cut_flags;
}

void http_exchange_cut(struct recorder *recorder)
{
	struct http_exchange *exchange = recorder->oldest;

	if (!exchange->request_done)
		exchange->flags |= EXCHANGE_REQUEST_CUT;
	if (exchange->response_done) { /* early, and then the client gave up */
		http_exchange_close(recorder, outcome_of(exchange));
		return;
	}
	exchange->flags |= EXCHANGE_CUT | cut_by(recorder, exchange);
	http_exchange_close(recorder, OUTCOME_UNFINISHED);
}
