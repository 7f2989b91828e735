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
#include "parsers/http/identity.h"

#define HTTP_DECODED_MAX ((size_t)1 << 20)
/* deflate's own limit is 1032; the others know none. */
#define HTTP_DECODED_RATIO 1100
#define HTTP_CODINGS_MAX 4
/* What a Content-Encoding may say; more is none that is known. */
#define HTTP_CODING_BYTES ((size_t)64)

/* Does the value of a Content-Encoding header name a coding that changes the bytes? */
bool http_is_coded(struct slice codings);
/* 0; -ENOTSUP: a coding that is not known; -EINVAL: the bytes are not of it; -E2BIG: too much comes out. */
MUST_CHECK int http_decode(struct slice codings, struct slice bytes, struct buffer *decoded);
/* Bytes that are not all in memory. Each function: negative errno ends it. */
struct http_flow {
	void *context;
	/* The next ones that passed, valid until the next call: 1, or 0 behind the last. */
	int (*next)(void *context, struct slice *ret_bytes);
	/* What came of them. */
	int (*put)(void *context, struct slice bytes);
	/* It begins again: what was put is void. */
	int (*again)(void *context);
};
/* As http_decode(), in flat memory, of one coding only (-ENOTSUP); how much may come out is for put() to say. */
MUST_CHECK int http_decode_flow(struct slice codings, const struct http_flow *flow);
/* The other way, for a body that a person edited. 0; -ENOTSUP; -E2BIG: more than coded->max. */
MUST_CHECK int http_encode(struct slice codings, struct slice bytes, struct buffer *coded);

/* The values of all Content-Encoding fields as one list. */
void http_codings(const struct http_fields *fields, struct buffer *codings);
/*
 * A body of at most HTTP_COMPARED_MAX bytes as it is compared: without its content coding, when it has one that comes off;
 * then `decoded` holds it.
 */
struct http_content http_content_of(const struct http_fields *fields, struct slice bytes,
				    struct buffer *decoded);

#endif
