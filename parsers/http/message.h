/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading HTTP/1 heads (RFC 9112, sections 3 to 6): start line and fields, and where the body ends.
 *
 * The head's bytes have to live as long as what is read of them; lists lie in the arena.
 */
#ifndef MOCKPROXY_HTTP_MESSAGE_H
#define MOCKPROXY_HTTP_MESSAGE_H

#include "parsers/http/exchange.h"
#include "parsers/http/wire.h"

#define HTTP_FIELDS_MAX 2000

struct http_known_fields;

/*
 * 0, or -EINVAL with *ret_why: two readers could differ, or it is no HTTP/1. What was read until then is in *ret_request,
 * whose method is empty when even the request line was not read.
 */
MUST_CHECK int http_request_read(struct slice head, struct arena *arena,
				 struct http_request *ret_request, const char **ret_why);
MUST_CHECK int http_response_read(struct slice head, struct arena *arena,
				  struct http_response *ret_response, const char **ret_why);
/* The same with the fields of the side's last head (known_fields.h): those that are the same are not read again. */
MUST_CHECK int http_request_read_known(struct slice head, struct arena *arena,
				       struct http_known_fields *known,
				       struct http_request *ret_request, const char **ret_why);
MUST_CHECK int http_response_read_known(struct slice head, struct arena *arena,
					struct http_known_fields *known,
					struct http_response *ret_response, const char **ret_why);
/* Fields with the empty line behind them: trailers. */
MUST_CHECK int http_fields_read(struct slice lines, struct arena *arena,
				struct http_fields *ret_fields, const char **ret_why);

/* What body follows; *ret_why says why it is HTTP_BODY_AMBIGUOUS. */
enum http_body http_request_body(const struct http_request *request, uint64_t *ret_length,
				 const char **ret_why);
/* ... to a request of this method. */
enum http_body http_response_body(const struct http_response *response, struct slice method,
				  uint64_t *ret_length, const char **ret_why);

/* Does Accept-Encoding name all of these content codings, none of them with a weight of 0? Without the field: no. */
bool http_accepts(const struct http_fields *fields, struct slice codings);

/* May it be sent as a field: a token, and no control character in its value? */
bool http_is_field(const struct name_value *field);

/* "db.test:5432", "[::1]:80"; false: it is not of this form. The host is without brackets. */
bool http_authority_split(struct slice authority, struct slice *ret_host, uint16_t *ret_port);

/* What a method or a field's name is made of (RFC 9110, section 5.6.2). */
bool http_is_token(uint8_t byte);

#endif
