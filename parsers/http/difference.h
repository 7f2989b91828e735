/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What differs between two HTTP requests, in words for who reads a miss:
 *
 *	method: recorded GET, asked POST; query id: recorded 1, asked 2; header accept: asked a/b, not recorded;
 *	body $.items[0].price: recorded 100, asked 101
 *
 * Both are canonical texts (identity.h). It explains; nothing is served because of it.
 */
#ifndef MOCKPROXY_HTTP_DIFFERENCE_H
#define MOCKPROXY_HTTP_DIFFERENCE_H

#include "parsers/buffer.h"

/* Appends the first few differences to `out`, which may be NULL; how far they are apart: 0, they are equal. */
size_t http_difference(struct slice recorded, struct slice asked, struct buffer *out);

#endif
