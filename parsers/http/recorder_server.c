/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP/1 recorder: what the server says to the oldest request; see recorder.h. RFC 9112, sections 4 and 6.3. */
#include "parsers/http/recorder.h"

/* A response of the exchange: its head lies in the item's arena, so that all of it can borrow from there. */
static struct http_response *add_response(struct recorder *recorder, struct http_exchange *exchange,
					  struct slice head, const char **ret_why)
{
	struct item *item = exchange->item;
	struct http_response *response = arena_alloc(&item->arena, sizeof(*response));
	struct http_response **end = &item->exchange.responses;

	if (http_response_read_known(arena_copy(&item->arena, head), &item->arena,
				     &recorder->known[SIDE_SERVER], response, ret_why))
		return NULL;
	while (*end)
		end = &(*end)->next;
	*end = response;
	return response;
}

/*
 * 1xx, any number of them. They are kept in the order they came; a server that sends them for ever has its connection
 * taken for opaque, since each takes memory until the final one.
 */
static bool interim(struct recorder *recorder, struct http_exchange *exchange)
{
	if (++exchange->interims > HTTP_INTERIM_MAX)
		return http_fail(recorder, "more responses before the final one than are kept");
	http_framer_body(&recorder->framers[SIDE_SERVER], HTTP_BODY_NONE, 0);
	return true;
}

/* Behind such a response the connection leads elsewhere. */
static bool opens_tunnel(const struct http_exchange *exchange)
{
	return exchange->target.data && exchange->status >= 200 && exchange->status < 300;
}

static bool becomes_websocket(const struct http_exchange *exchange,
			      const struct http_response *response)
{
	return response->status == 101 && exchange->websocket &&
	       http_field_has(&response->fields, SLICE("upgrade"), SLICE("websocket"));
}

/* What was asked behind the request for it would have to be answered in HTTP. */
static bool begin_websocket(struct recorder *recorder, struct http_exchange *exchange,
			    const struct http_response *response)
{
	if (exchange->next || !exchange->request_done ||
	    !http_framer_idle(&recorder->framers[SIDE_CLIENT]))
		return http_fail(recorder, "requests behind one for a WebSocket");
	return http_websocket_begin(recorder, exchange, response);
}

static bool server_head(struct recorder *recorder, struct slice head)
{
	struct http_exchange *exchange = recorder->oldest;
	struct http_response *response;
	const char *why = NULL;
	enum http_body body;
	uint64_t length = 0;

	if (!exchange || exchange->status)
		return http_fail(recorder, "a response without a request");
	http_exchange_answered(recorder, exchange);
	response = add_response(recorder, exchange, head, &why);
	if (!response)
		return http_fail(recorder, why);
	if (http_is_interim(response->status))
		return interim(recorder, exchange);
	if (response->status == 101 && !exchange->upgrade)
		return http_fail(recorder, "another protocol than was asked for");
	exchange->status = response->status;
	recorder->last_answer = !recorder->known[SIDE_SERVER].persists[response->minor != 0];
	if (recorder->framers[SIDE_SERVER].bare)
		exchange->flags |= EXCHANGE_BARE_LF;
	body = http_response_body(response, exchange->method, &length, &why);
	if (body == HTTP_BODY_AMBIGUOUS) {
		exchange->flags |= EXCHANGE_AMBIGUOUS | EXCHANGE_NOT_DECODED;
		return http_fail(recorder, why);
	}
	http_stream_begin(exchange, response, body);
	http_framer_body(&recorder->framers[SIDE_SERVER], body, length);
	return !becomes_websocket(exchange, response) ||
	       begin_websocket(recorder, exchange, response);
}

static bool server_message(struct recorder *recorder)
{
	struct http_exchange *exchange = recorder->oldest;
	bool upgraded;

	/* It was an interim one, or the exchange goes on with messages. */
	if (!exchange->status || recorder->websocket)
		return true;
	upgraded = exchange->status == 101;
	if (opens_tunnel(exchange) && !http_tunnel_begin(recorder, exchange))
		return false;
	http_exchange_done(recorder, exchange, HTTP_RESPONSE);
	return !upgraded || http_fail(recorder, "the connection was upgraded to another protocol");
}

bool http_server_event(struct recorder *recorder, const struct http_event *event)
{
	switch (event->type) {
	case HTTP_HEAD:
		return server_head(recorder, event->bytes);
	case HTTP_BODY:
		http_exchange_body(recorder, recorder->oldest, HTTP_RESPONSE, event->bytes);
		return true;
	case HTTP_TRAILERS:
		return http_exchange_trailers(recorder, recorder->oldest, HTTP_RESPONSE,
					      event->bytes);
	default:
		return server_message(recorder);
	}
}

void http_server_end(struct recorder *recorder)
{
	if (http_framer_end(&recorder->framers[SIDE_SERVER]))
		http_exchange_done(recorder, recorder->oldest, HTTP_RESPONSE);
}
