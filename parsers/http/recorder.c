/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP/1 recorder: the way in, and what the client says; see recorder.h. Follows RFC 9112, section 9. */
#include "parsers/http/recorder.h"

#include <errno.h>
#include <stdlib.h>

bool http_fail(struct recorder *recorder, const char *why)
{
	recorder->error = why;
	return false;
}

struct recorder *http_recorder_new(uint64_t connection)
{
	struct recorder *recorder = calloc(1, sizeof(*recorder));

	if (!recorder)
		abort();
	recorder->connection = connection;
	recorder->end = &recorder->oldest;
	for (size_t side = 0; side < ARRAY_SIZE(recorder->framers); side++) {
		http_framer_init(&recorder->framers[side], side == SIDE_SERVER);
		http_known_fields_init(&recorder->known[side]);
	}
	return recorder;
}

void http_recorder_free(struct recorder *recorder)
{
	if (!recorder)
		return;
	while (recorder->oldest) {
		struct http_exchange *next = recorder->oldest->next;

		http_exchange_free(recorder->oldest);
		recorder->oldest = next;
	}
	for (size_t side = 0; side < ARRAY_SIZE(recorder->framers); side++) {
		http_framer_release(&recorder->framers[side]);
		http_known_fields_release(&recorder->known[side]);
	}
	free(recorder->websocket);
	free((void *)(uintptr_t)recorder->tunnel.data);
	free(recorder);
}

static bool client_event(struct recorder *recorder, const struct http_event *event)
{
	switch (event->type) {
	case HTTP_HEAD:
		return http_exchange_begin(recorder, event->bytes);
	case HTTP_BODY:
		http_exchange_body(recorder, recorder->newest, HTTP_REQUEST, event->bytes);
		return true;
	case HTTP_TRAILERS:
		return http_exchange_trailers(recorder, recorder->newest, HTTP_REQUEST,
					      event->bytes);
	default:
		http_exchange_done(recorder, recorder->newest, HTTP_REQUEST);
		return true;
	}
}

/* What the client sent cannot be followed from here on; the responses that are still due can. */
static void client_failed(struct recorder *recorder, const char *why)
{
	struct http_exchange *newest = recorder->newest;

	recorder->client_error = why;
	recorder->error = NULL;
	if (newest && !newest->request_done)
		newest->flags |= EXCHANGE_AMBIGUOUS | EXCHANGE_NOT_DECODED;
}

/*
 * The client ended within a request that was answered early: what a server says to that (Node: a 400) is nobody's answer, and
 * nobody reads it.
 */
static bool client_left(const struct recorder *recorder)
{
	return recorder->client_ended && recorder->oldest && recorder->oldest->response_done;
}

/* The client cannot be followed, and nothing more is due to what could be. */
static bool given_up(const struct recorder *recorder)
{
	return recorder->client_error && (!recorder->oldest || recorder->oldest->response_done);
}

static void see_websocket(struct recorder *recorder, enum side side, struct slice bytes)
{
	if (bytes.size)
		http_websocket_see(recorder, side, bytes);
	else
		http_websocket_side_end(recorder, side);
}

/*
 * Who ends first decides who cut what was under way. A client that ended in order may still read: what the server does then is
 * the answer's end.
 */
static void side_ended(struct recorder *recorder, enum side side, uint32_t flags)
{
	if (recorder->ended)
		return;
	recorder->ended = true;
	recorder->client_ended_first = recorder->client_ended;
	recorder->cut_flags = side == SIDE_SERVER ? flags : 0;
}

void http_recorder_broken(struct recorder *recorder, enum side side)
{
	side_ended(recorder, side, EXCHANGE_SERVER_RESET);
	if (side == SIDE_CLIENT && recorder->oldest)
		http_exchange_unread(recorder->oldest);
}

static void see_client(struct recorder *recorder, struct slice bytes)
{
	struct http_framer *framer = &recorder->framers[SIDE_CLIENT];
	struct http_event event;
	enum http_next next = HTTP_MORE;

	recorder->client_ended |= !bytes.size;
	if (recorder->client_error)
		return;
	if (recorder->websocket) {
		see_websocket(recorder, SIDE_CLIENT, bytes);
		return;
	}
	while (!recorder->error && (next = http_framer_next(framer, &bytes, &event)) == HTTP_EVENT)
		if (!client_event(recorder, &event))
			break;
	if (recorder->error)
		client_failed(recorder, recorder->error);
	else if (next == HTTP_ERROR)
		client_failed(recorder, framer->error);
}

/* These are of the answer that is due next, whether or not its head is whole yet. */
static void begin_answer(struct recorder *recorder, struct slice bytes)
{
	if (bytes.size && recorder->oldest)
		http_exchange_answered(recorder, recorder->oldest);
}

static void see_server(struct recorder *recorder, struct slice bytes)
{
	struct http_framer *framer = &recorder->framers[SIDE_SERVER];
	struct http_event event;
	enum http_next next = HTTP_MORE;

	if (recorder->websocket) {
		see_websocket(recorder, SIDE_SERVER, bytes);
		return;
	}
	if (!bytes.size) {
		http_server_end(recorder);
		return;
	}
	begin_answer(recorder, bytes);
	while (!recorder->error && !given_up(recorder) && !client_left(recorder) &&
	       (next = http_framer_next(framer, &bytes, &event)) == HTTP_EVENT) {
		if (!http_server_event(recorder, &event) ||
		    (event.type == HTTP_MESSAGE && (recorder->websocket || recorder->tunnel.data)))
			break;
		if (event.type == HTTP_MESSAGE)
			begin_answer(recorder, bytes);
	}
	if (!recorder->error && recorder->tunnel.data && bytes.size)
		http_fail(recorder, "a tunnel through an HTTP proxy");
	if (!recorder->error && recorder->websocket && bytes.size)
		http_websocket_see(recorder, SIDE_SERVER, bytes);
	if (!recorder->error && !given_up(recorder) && next == HTTP_ERROR)
		http_fail(recorder, framer->error);
}

/* Answers that are still due pass by unread: that none was seen does not mean that none came. */
static void lose_answers(struct recorder *recorder)
{
	for (struct http_exchange *exchange = recorder->oldest; exchange; exchange = exchange->next)
		if (!exchange->response_done)
			exchange->flags |= EXCHANGE_NOT_DECODED;
}

int http_recorder_see(struct recorder *recorder, enum side side, struct slice bytes,
		      int64_t time_ns, struct item_list *items, const char **ret_why)
{
	recorder->now_ns = time_ns;
	recorder->items = items;
	if (!bytes.size && side == SIDE_SERVER)
		side_ended(recorder, side, EXCHANGE_SERVER_ENDED);
	if (!recorder->error && recorder->tunnel.data && bytes.size)
		http_fail(recorder, "a tunnel through an HTTP proxy");
	if (!recorder->error && side == SIDE_CLIENT)
		see_client(recorder, bytes);
	else if (!recorder->error)
		see_server(recorder, bytes);
	recorder->items = NULL;
	if (!recorder->error && given_up(recorder))
		recorder->error = recorder->client_error;
	if (!recorder->error)
		return 0;
	lose_answers(recorder);
	*ret_why = recorder->error;
	return -EPROTO;
}

void http_recorder_flush(struct recorder *recorder, int64_t before_ns, struct item_list *items)
{
	recorder->items = items;
	for (struct http_exchange *exchange = recorder->oldest; exchange; exchange = exchange->next)
		if (exchange->item->exchange.start_ns < before_ns && !exchange->late &&
		    (exchange->item->exchange.opens || exchange->item->exchange.pieces))
			http_exchange_spill(recorder, exchange);
	recorder->items = NULL;
}

void http_recorder_end(struct recorder *recorder, int64_t time_ns, struct item_list *items)
{
	recorder->items = items;
	recorder->now_ns = time_ns;
	if (recorder->websocket)
		http_websocket_end(recorder);
	while (recorder->oldest)
		http_exchange_cut(recorder);
	recorder->items = NULL;
}
