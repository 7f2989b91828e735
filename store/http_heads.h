/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Heads as JSON, for a row's headers: [["Name", "value"], ...] in their order, credentials masked. A client and a server say the same
 * of themselves each time, so what was made of the last ones is kept by the bytes that it was made of.
 */
#ifndef MOCKPROXY_HTTP_HEADS_H
#define MOCKPROXY_HTTP_HEADS_H

#include "parsers/buffer.h"
#include "parsers/http/exchange.h"

struct http_heads;

struct http_heads *http_heads_new(void);
void http_heads_free(struct http_heads *heads); /* accepts NULL */
/* Valid until the next call. */
struct slice http_heads_json(struct http_heads *heads, const struct http_fields *fields);
/* The same, appended and not remembered. */
void http_heads_append(struct buffer *json, const struct http_fields *fields);

#endif
