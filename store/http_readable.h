/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies in value_part whose content coding comes off: a second part beside the one that passed, for people, and for
 * clients that do not accept the coding. It is made when the body is complete, out of the file, in flat memory. What
 * is larger than HTTP_READABLE_WIRE_MAX, or becomes larger than HTTP_READABLE_MAX, has none.
 */
#ifndef MOCKPROXY_HTTP_READABLE_H
#define MOCKPROXY_HTTP_READABLE_H

#include "store/ingest_state.h"

#define HTTP_READABLE_WIRE_MAX ((uint64_t)64 << 20)
#define HTTP_READABLE_MAX ((uint64_t)256 << 20)

/* The exchange's part `from`, without `coding`, becomes its part `to`; *ret_made: it did. */
MUST_CHECK int http_readable_make(struct ingest *ingest, int64_t exchange, uint32_t from,
				  uint32_t to, struct slice coding, bool *ret_made);

#endif
