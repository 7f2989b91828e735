/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The digest of a multipart body that is too large to be held: its boundary, which is another one each time, does not count. So
 * is that of a body whose chunks are signed (signed_chunks.h), without the signatures.
 *
 *	multipart = http_multipart_new(&request.fields);        NULL: neither
 *	http_multipart_see(multipart, bytes);                   as they come, however they are cut
 *	http_multipart_end(multipart, &content);
 *	http_multipart_free(multipart);
 *
 * All take NULL. What is digested is what identity_body.c makes of a small one.
 */
#ifndef MOCKPROXY_HTTP_MULTIPART_H
#define MOCKPROXY_HTTP_MULTIPART_H

#include "parsers/http/identity.h"

/* RFC 2046, section 5.1.1: a boundary has 70 characters at most. */
#define HTTP_BOUNDARY_MAX 70

struct http_multipart;

struct http_multipart *http_multipart_new(const struct http_fields *fields);
void http_multipart_free(struct http_multipart *multipart);
void http_multipart_see(struct http_multipart *multipart, struct slice bytes);
/* Behind the last byte: size and digest become those without the boundary, where it was met at all. */
void http_multipart_end(struct http_multipart *multipart, struct http_content *content);

#endif
