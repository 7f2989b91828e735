/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP/1 recorder: a WebSocket behind a 101 (RFC 6455). Its messages are pieces of the exchange that began it, which
 * stays open until both sides said close, or ended.
 *
 * Invariant: while recorder->websocket is there, the exchange that began it is the only one of the queue.
 */
#include "parsers/http/recorder.h"

#include <errno.h>
#include <stdlib.h>

bool http_websocket_begin(struct recorder *recorder, struct http_exchange *exchange,
			  const struct http_response *response)
{
	static const char name[] = "sec-websocket-extensions";
	bool deflates = false;

	for (size_t i = 0; i < response->fields.n; i++) {
		const struct name_value *field = &response->fields.list[i];
		bool another = false;

		if (!slice_equal_nocase(field->name, slice_from_string(name)))
			continue;
		if (websocket_extensions_read(field->value, &another) || (another && deflates)) {
			exchange->flags |= EXCHANGE_NOT_DECODED;
			return http_fail(recorder,
					 "a WebSocket with an extension that is not known");
		}
		deflates |= another;
	}
	recorder->websocket = calloc(1, sizeof(*recorder->websocket));
	if (!recorder->websocket)
		abort();
	websocket_framer_init(&recorder->websocket->framers[SIDE_CLIENT], true, deflates);
	websocket_framer_init(&recorder->websocket->framers[SIDE_SERVER], false, deflates);
	return true;
}

static enum http_side http_side_of(enum side side)
{
	return side == SIDE_CLIENT ? HTTP_REQUEST : HTTP_RESPONSE;
}

static void add_message(struct recorder *recorder, enum side side,
			const struct websocket_event *event, bool complete)
{
	struct http_exchange *exchange = recorder->oldest;
	struct http_message message = {
		.side = http_side_of(side),
		.kind = event->kind,
		.deflated = event->deflated,
		.complete = complete,
		.number = ++recorder->websocket->n_messages,
		.at_ns = recorder->now_ns,
		.payload = event->type == WEBSOCKET_CONTROL ? event->bytes : slice_of(NULL, 0),
	};

	http_message_write(&message, exchange->item);
	if (event->type != WEBSOCKET_CONTROL)
		exchange->rooms[message.side] = (struct http_room){ 0 };
	if (exchange->item->arena.allocated > HTTP_ITEM_BYTES)
		http_exchange_spill(recorder, exchange);
}

static void add_bytes(struct recorder *recorder, enum side side, struct websocket_event *event)
{
	struct slice bytes = event->bytes;

	while (bytes.size) {
		struct http_bytes room = { .type = PIECE_MESSAGE_BODY,
					   .side = http_side_of(side),
					   .count = event->deflated,
					   .size = bytes.size,
					   .known = event->known };
		uint8_t *at = http_exchange_room(recorder, recorder->oldest, &room);

		memcpy(at, bytes.data, room.size);
		if (side == SIDE_CLIENT)
			websocket_unmask(at, room.size, event->key);
		event->known -= room.size;
		bytes = slice_of(bytes.data + room.size, bytes.size - room.size);
	}
}

static void add_event(struct recorder *recorder, enum side side, struct websocket_event *event)
{
	if (event->type == WEBSOCKET_BYTES) {
		add_bytes(recorder, side, event);
		return;
	}
	add_message(recorder, side, event, true);
	if (event->kind == WEBSOCKET_CLOSE)
		recorder->websocket->over[side] = true;
}

static void close_when_over(struct recorder *recorder)
{
	if (recorder->websocket->over[SIDE_CLIENT] && recorder->websocket->over[SIDE_SERVER] &&
	    recorder->oldest)
		http_exchange_close(recorder, OUTCOME_OK);
}

void http_websocket_see(struct recorder *recorder, enum side side, struct slice bytes)
{
	struct http_websocket *websocket = recorder->websocket;
	struct websocket_framer *framer = &websocket->framers[side];
	struct websocket_event event;
	enum websocket_next next = WEBSOCKET_MORE;

	while (recorder->oldest &&
	       (next = websocket_framer_next(framer, &bytes, &event)) == WEBSOCKET_EVENT) {
		add_event(recorder, side, &event);
		close_when_over(recorder);
	}
	if (!recorder->oldest && bytes.size) { /* both sides are over */
		http_fail(recorder, "WebSocket bytes behind its end");
	} else if (next == WEBSOCKET_ERROR) {
		recorder->oldest->flags |= EXCHANGE_NOT_DECODED;
		http_fail(recorder, framer->error);
	}
}

void http_websocket_side_end(struct recorder *recorder, enum side side)
{
	bool *over = recorder->websocket->over;

	/* A server that goes without a word, while the client does not: nothing else tells of it. */
	if (recorder->oldest && side == SIDE_SERVER && !over[SIDE_SERVER] && !over[SIDE_CLIENT])
		recorder->oldest->flags |= EXCHANGE_SERVER_ENDED;
	over[side] = true;
	close_when_over(recorder);
}

/* What of a message came before the connection ended is kept, marked so. */
void http_websocket_end(struct recorder *recorder)
{
	for (size_t i = 0; i < ARRAY_SIZE(recorder->websocket->framers); i++) {
		const struct websocket_framer *framer = &recorder->websocket->framers[i];
		const struct websocket_event event = { .type = WEBSOCKET_MESSAGE,
						       .kind = framer->kind,
						       .deflated = framer->deflated };

		if (recorder->oldest && websocket_framer_in_message(framer))
			add_message(recorder, (enum side)i, &event, false);
	}
}
