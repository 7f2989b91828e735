/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Headers out of JSON, [["Name", "value"], ...]: what was read of the last ones is kept by their text, since servers and clients
 * say the same of themselves each time.
 */
#ifndef MOCKPROXY_HTTP_LISTS_H
#define MOCKPROXY_HTTP_LISTS_H

#include "parsers/compiler.h"
#include "parsers/http/exchange.h"

struct http_lists;

struct http_lists *http_lists_new(void);
void http_lists_free(struct http_lists *lists); /* accepts NULL */
/* 0, or -EBADMSG: it is no such list. Slices lie in the arena. Data NULL is none. */
MUST_CHECK int http_lists_read(struct http_lists *lists, struct slice json, struct arena *arena,
			       struct http_fields *ret_fields);

#endif
