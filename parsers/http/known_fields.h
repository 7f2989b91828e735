/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Known fields: those of the last head of one side of a connection. The next head's are mostly the same bytes (a client
 * says who it is each time), and then what stands where is known already.
 *
 *	Host: a.test CR LF Accept: x CR LF CR LF     places: (0, 4) (6, 6) | (14, 6) (22, 1)
 */
#ifndef MOCKPROXY_HTTP_KNOWN_FIELDS_H
#define MOCKPROXY_HTTP_KNOWN_FIELDS_H

#include "parsers/http/message.h"

/* Larger ones are read anew each time. */
#define HTTP_KNOWN_BYTES ((size_t)2 << 10)
#define HTTP_KNOWN_FIELDS ((size_t)64)

struct http_known_fields {
	struct buffer lines;  /* as they came, up to the empty line; empty: none are known */
	struct buffer places; /* of names and values in them */
	bool persists
		[2]; /* http_persists() behind the last head, remembered or not, by HTTP/1.minor */
};

void http_known_fields_init(struct http_known_fields *known);
void http_known_fields_release(struct http_known_fields *known);
/* As http_fields_read(). `lines` is copied where it is remembered. */
MUST_CHECK int http_known_fields_read(struct http_known_fields *known, struct slice lines,
				      struct arena *arena, struct http_fields *ret_fields,
				      const char **ret_why);

#endif
