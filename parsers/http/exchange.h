/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An HTTP exchange as it means, whichever version carried it (RFC 9110): HTTP/1 makes it of a head and a framed body,
 * HTTP/2 will make it of pseudo-headers and frames. Recorder, store and replayer share it.
 *
 * Nothing here owns; everything borrows from the arena of the item that carries it.
 */
#ifndef MOCKPROXY_HTTP_EXCHANGE_H
#define MOCKPROXY_HTTP_EXCHANGE_H

#include "parsers/compiler.h"
#include "parsers/item.h"

/* Parts of an exchange, for bodies: the `result` of their pieces, and from HTTP_PART on their number in value_part. */
enum http_side { HTTP_REQUEST, HTTP_RESPONSE };
#define HTTP_PART 1
/* And of the same bodies without their content coding. */
#define HTTP_READABLE_PART 3
/* The part of the first large message of a WebSocket; the next ones follow. */
#define HTTP_MESSAGE_PART 5

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

/*
 * A WebSocket's message, in the order in which messages of both sides were complete. Its piece has the side in `result`, the
 * kind in `count`, its number in `part`, and the rest in its bytes; a data message's payload is in the pieces before.
 */
struct http_message {
	enum http_side side;
	uint8_t kind;	 /* enum websocket_kind */
	bool deflated;	 /* its payload came compressed, and is still */
	bool complete;	 /* false: the connection ended within it */
	uint32_t number; /* from 1 */
	int64_t at_ns;
	struct slice payload; /* of a control frame */
};

void http_message_write(const struct http_message *message, struct item *item);
/* -EINVAL: the piece is none. */
MUST_CHECK int http_message_read(const struct piece *piece, struct http_message *ret_message);

/* `bytes` of a response's body had come at `at_ns`: told where its length was not. */
void http_arrival_write(uint64_t bytes, int64_t at_ns, struct item *item);
MUST_CHECK int http_arrival_read(const struct piece *piece, uint64_t *ret_bytes,
				 int64_t *ret_at_ns);

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
/* Does the connection go on behind a message with these fields? RFC 9112, section 9.3. */
bool http_persists(const struct http_fields *fields, uint8_t minor);
/* Is the body of a response with these fields server-sent events, and not compressed? */
bool http_is_events(const struct http_fields *fields);
/* The next element of a list, without white space around it; false at its end. Empty elements are left out. */
bool http_list_next(struct slice *list, struct slice *ret_element);

#endif
