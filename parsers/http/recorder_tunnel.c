/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP/1 recorder: CONNECT (RFC 9110, section 9.3.6). Behind a 2xx to it the connection is another one, to the target of
 * the request. What is said there is not HTTP's: the shell passes the answer's head on and not a byte more, and asks.
 */
#include "parsers/http/recorder.h"

#include <stdlib.h>

/*
 * A method is spelled in one way (RFC 9110, section 9.1), wherever in the stream a request begins. The memory is the last seven bytes
 * that were said, the first of them highest.
 */
bool http_may_tunnel(uint64_t *memory, struct slice client_bytes)
{
	static const char word[] = "CONNECT ";
	enum { WORD_BYTES = sizeof(word) - 1 };
	uint8_t seam[2 * (WORD_BYTES - 1)];
	size_t n = client_bytes.size < WORD_BYTES - 1 ? client_bytes.size : WORD_BYTES - 1;
	uint64_t last = *memory;

	if (!client_bytes.size)
		return false;
	for (size_t i = 0; i < WORD_BYTES - 1; i++)
		seam[i] = (uint8_t)(last >> (8 * (WORD_BYTES - 2 - i)));
	memcpy(seam + WORD_BYTES - 1, client_bytes.data, n);
	for (size_t i = client_bytes.size - n; i < client_bytes.size; i++)
		last = last << 8 | client_bytes.data[i];
	*memory = last;
	return memmem(seam, WORD_BYTES - 1 + n, word, WORD_BYTES) ||
	       memmem(client_bytes.data, client_bytes.size, word, WORD_BYTES);
}

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
