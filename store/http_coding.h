/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Content codings of HTTP (RFC 9110, section 8.4): gzip, deflate, br, zstd, and several of them on top of each other.
 *
 * Decoding is for people and for comparing; what passed on the wire is kept beside it. So it may refuse: what is cut, what has
 * bytes behind its end, what grows beyond HTTP_DECODED_MAX or HTTP_DECODED_RATIO times its size stays as it came.
 */
#ifndef MOCKPROXY_HTTP_CODING_H
#define MOCKPROXY_HTTP_CODING_H

#include "parsers/buffer.h"
#include "parsers/compiler.h"

#define HTTP_DECODED_MAX ((size_t)1 << 20)
/* deflate's own limit is 1032; the others know none. */
#define HTTP_DECODED_RATIO 1100
#define HTTP_CODINGS_MAX 4

/* Does the value of a Content-Encoding header name a coding that changes the bytes? */
bool http_is_coded(struct slice codings);
/* 0; -ENOTSUP: a coding that is not known; -EINVAL: the bytes are not of it; -E2BIG: too much comes out. */
MUST_CHECK int http_decode(struct slice codings, struct slice bytes, struct buffer *decoded);

#endif
