/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP/1 recorder: CONNECT (RFC 9110, section 9.3.6). Behind a 2xx to it the connection is another one, to the target of
 * the request. What is said there is not HTTP's: the shell passes the answer's head on and not a byte more, and asks.
 */
#include "parsers/http/recorder.h"

#include <stdlib.h>

size_t http_recorder_span(const struct recorder *recorder, struct slice server_bytes)
{
	const struct http_exchange *oldest = recorder->oldest;

	if (!oldest || !oldest->target.data || oldest->status)
		return server_bytes.size;
	return http_framer_head_left(&recorder->framers[SIDE_SERVER], server_bytes);
}

bool http_recorder_tunnel(const struct recorder *recorder, struct slice *ret_host,
			  uint16_t *ret_port)
{
	if (!recorder->tunnel.data || recorder->error)
		return false;
	return http_authority_split(recorder->tunnel, ret_host, ret_port);
}

/* What the client said too early is already taken for HTTP, and whose it is cannot be known. */
bool http_tunnel_begin(struct recorder *recorder, struct http_exchange *exchange)
{
	struct slice host;
	uint16_t port;

	if (exchange->next || recorder->client_error || !exchange->request_done ||
	    !http_framer_idle(&recorder->framers[SIDE_CLIENT]) ||
	    !http_authority_split(exchange->target, &host, &port))
		return http_fail(recorder, "a tunnel through an HTTP proxy");
	recorder->tunnel = exchange->target;
	exchange->target = slice_of(NULL, 0);
	return true;
}
