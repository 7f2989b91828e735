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
	exchange->upgrade = http_field(&item->exchange.request->fields, SLICE("upgrade")).data;
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

void http_exchange_spill(struct recorder *recorder, struct http_exchange *exchange)
{
	struct item *part = exchange->item;

	exchange->item = new_item(recorder, part->exchange.ordinal, part->exchange.start_ns);
	for (size_t i = 0; i < ARRAY_SIZE(exchange->rooms); i++) {
		exchange->rooms[i].piece = NULL;
		exchange->rooms[i].left = 0;
	}
	item_list_add(recorder->items, part);
}

/* A new piece for the next bytes of a body, of which so many are in hand. */
static void add_room(struct recorder *recorder, struct http_exchange *exchange, enum http_side side,
		     size_t in_hand)
{
	const struct http_framer *framer =
		&recorder->framers[side == HTTP_REQUEST ? SIDE_CLIENT : SIDE_SERVER];
	uint64_t known = http_framer_known(framer, in_hand);
	struct http_room *room = &exchange->rooms[side];
	size_t size = room->next ? room->next : ROOM_FIRST;

	if (exchange->item->arena.allocated > HTTP_ITEM_BYTES)
		http_exchange_spill(recorder, exchange);
	if (size < known || http_framer_last(framer))
		size = known < ROOM_MAX ? (size_t)known : ROOM_MAX;
	room->next = size < ROOM_MAX / 2 ? 2 * size : ROOM_MAX;
	room->piece = item_add_piece(exchange->item, PIECE_BODY, side, slice_of(NULL, 0));
	room->piece->bytes = slice_of(arena_bytes(&exchange->item->arena, size), 0);
	room->left = size;
}

void http_exchange_body(struct recorder *recorder, struct http_exchange *exchange,
			enum http_side side, struct slice bytes)
{
	struct http_room *room = &exchange->rooms[side];

	while (bytes.size) {
		size_t size;

		if (!room->left)
			add_room(recorder, exchange, side, bytes.size);
		size = bytes.size < room->left ? bytes.size : room->left;
		memcpy((uint8_t *)(uintptr_t)room->piece->bytes.data + room->piece->bytes.size,
		       bytes.data, size);
		room->piece->bytes.size += size;
		room->left -= size;
		bytes = slice_of(bytes.data + size, bytes.size - size);
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

/* The oldest exchange leaves the queue, its last item with it. */
static void close_oldest(struct recorder *recorder, enum exchange_outcome outcome)
{
	struct http_exchange *exchange = recorder->oldest;
	struct exchange_item *last = &exchange->item->exchange;

	last->closes = true;
	last->outcome = (uint8_t)outcome;
	last->flags = exchange->flags;
	last->first_byte_ns = exchange->first_byte_ns;
	if (outcome != OUTCOME_UNFINISHED)
		last->end_ns = recorder->now_ns;
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
	close_oldest(recorder, outcome_of(exchange));
}

void http_exchange_cut(struct recorder *recorder)
{
	struct http_exchange *exchange = recorder->oldest;

	if (!exchange->request_done)
		exchange->flags |= EXCHANGE_REQUEST_CUT;
	if (exchange->response_done) { /* early, and then the client gave up */
		close_oldest(recorder, outcome_of(exchange));
		return;
	}
	exchange->flags |= EXCHANGE_CUT;
	close_oldest(recorder, OUTCOME_UNFINISHED);
}
