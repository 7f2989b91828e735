/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A body or message on its way into a row: held while it is small, else in value_part as it comes. All that is held of
 * all of them is counted in ingest->http_held; beyond HELD_BYTES of http_value.c a value goes to value_part early.
 */
#ifndef MOCKPROXY_HTTP_VALUE_H
#define MOCKPROXY_HTTP_VALUE_H

#include "store/ingest_state.h"

struct http_value {
	struct buffer held; /* what is not in value_part yet, at most SCHEMA_VALUE_MAX */
	uint32_t part;	    /* its number there */
	uint32_t sequence;
	bool in_parts;
	uint64_t bytes;
};

void http_value_init(struct http_value *value, uint32_t part);
/* Takes it back to where http_value_init() left it, under another part. What is in value_part stays there. */
void http_value_reset(struct ingest *ingest, struct http_value *value, uint32_t part);
void http_value_release(struct ingest *ingest, struct http_value *value);
MUST_CHECK int http_value_add(struct ingest *ingest, int64_t exchange, struct http_value *value,
			      struct slice bytes);
/* Behind its last byte: what is held goes to value_part too, if something is there. */
MUST_CHECK int http_value_end(struct ingest *ingest, int64_t exchange, struct http_value *value);
/* All of it goes to value_part, however small it is. */
MUST_CHECK int http_value_move(struct ingest *ingest, int64_t exchange, struct http_value *value);
/* What is in value_part leaves it again; the value is empty then, under the same part. */
MUST_CHECK int http_value_discard(struct ingest *ingest, int64_t exchange,
				  struct http_value *value);

#endif
