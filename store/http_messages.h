/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A WebSocket's messages into rows of http_message, and the times of a streamed response into http_stream.
 *
 * What permessage-deflate (RFC 7692) made small is inflated, so that people can read it and replay can say it to a
 * client that does not know the extension; what passed is kept beside it. Each side has one window for all its messages:
 * when one cannot be inflated, those behind it are kept as they passed too.
 */
#ifndef MOCKPROXY_HTTP_MESSAGES_H
#define MOCKPROXY_HTTP_MESSAGES_H

#include "store/ingest_state.h"

struct http_messages; /* of one exchange */

/* The item's pieces that are of messages or times; *messages is made when the first comes. */
MUST_CHECK int http_messages_take(struct ingest *ingest, struct http_messages **messages,
				  int64_t exchange, const struct exchange_item *item);
void http_messages_free(struct ingest *ingest, struct http_messages *messages); /* accepts NULL */

#endif
