/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An HTTP exchange as it means, whichever version carried it (RFC 9110): HTTP/1 makes it of a head and a framed body,
 * HTTP/2 will make it of pseudo-headers and frames. Recorder, store and replayer share it.
 *
 * Nothing here owns; everything borrows from the arena of the item that carries it.
 */
#ifndef MOCKPROXY_HTTP_EXCHANGE_H
#define MOCKPROXY_HTTP_EXCHANGE_H

#include "parsers/item.h"

/* Parts of an exchange, for bodies: the `result` of their pieces, and from HTTP_PART on their number in value_part. */
enum http_side { HTTP_REQUEST, HTTP_RESPONSE };
#define HTTP_PART 1

/* In the order they came, names as they were spelled, no two joined. */
struct http_fields {
	const struct name_value *list;
	size_t n;
	struct slice lines; /* as they came, where they did in one piece; else empty */
};

/* How a target was written (RFC 9112, section 3.2). */
enum http_target { TARGET_ORIGIN, TARGET_ABSOLUTE, TARGET_AUTHORITY, TARGET_ASTERISK };

struct http_request {
	struct slice method;
	struct slice target;	/* as it was sent */
	uint8_t form;		/* enum http_target */
	struct slice scheme;	/* empty: the target did not say, the connection's */
	struct slice authority; /* of the target, else of Host */
	struct slice path;
	struct slice query; /* behind the "?"; data NULL: there is none */
	uint8_t minor;	    /* HTTP/1.minor */
	struct http_fields fields;
};

struct http_response {
	struct http_response *next; /* of the same item: 1xx before the final one */
	uint16_t status;
	uint8_t minor;
	struct slice reason;
	struct http_fields fields;
};

/* A 1xx that is followed by the final response; 101 is final, since it ends HTTP on the connection. */
static inline bool http_is_interim(uint16_t status)
{
	return status < 200 && status != 101;
}

/* The value of the first field of this name, case aside; data NULL when there is none. */
struct slice http_field(const struct http_fields *fields, struct slice name);
/*
 * Is this word an element of the comma-separated list that all fields of the name are together? Case aside, whole words:
 * "close" in "Connection: keep-alive, close".
 */
bool http_field_has(const struct http_fields *fields, struct slice name, struct slice word);
/* The next element of a list, without white space around it; false at its end. Empty elements are left out. */
bool http_list_next(struct slice *list, struct slice *ret_element);

#endif
