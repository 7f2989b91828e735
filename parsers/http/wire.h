/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/1 framing: bytes to heads and bodies (RFC 9112).
 *
 *	| head: start line, fields, empty line | body |      body: none, a length, chunks, or all until the end
 *
 * A framer pulls events out of the bytes of one side, in any cut:
 *
 *	HTTP_HEAD       bytes: the whole head. The caller reads it (message.h) and says what body follows with
 *	                http_framer_body() before the next call
 *	HTTP_BODY       bytes: of the body, chunk framing taken off
 *	HTTP_TRAILERS   bytes: the fields behind the last chunk, with their empty line; only when there are some
 *	HTTP_MESSAGE    the message is complete
 *
 * It is strict where two readers could differ: a line that does not end with CR LF, a chunk size that is anything but hexadecimal
 * digits, are errors. Bytes are borrowed from the input where they lie there in one piece, else from the framer, and
 * valid until the next call.
 */
#ifndef MOCKPROXY_HTTP_WIRE_H
#define MOCKPROXY_HTTP_WIRE_H

#include "parsers/buffer.h"
#include "parsers/compiler.h"
#include "parsers/protocol.h"

/* Servers take 8 to 64 KiB; what is larger is relayed and not decoded. */
#define HTTP_HEAD_MAX ((size_t)256 << 10)
#define HTTP_TRAILERS_MAX ((size_t)64 << 10)
/* A chunk's size and its extensions. */
#define HTTP_CHUNK_LINE_MAX 4096
/* Empty lines before a request that are passed over (RFC 9112, section 2.2, says at least one). */
#define HTTP_EMPTY_LINES_MAX 8

enum http_next { HTTP_EVENT, HTTP_MORE, HTTP_ERROR };
enum http_event_type { HTTP_HEAD, HTTP_BODY, HTTP_TRAILERS, HTTP_MESSAGE };

struct http_event {
	uint8_t type; /* enum http_event_type */
	struct slice bytes;
};

enum http_body {
	HTTP_BODY_NONE,
	HTTP_BODY_LENGTH,
	HTTP_BODY_CHUNKED,
	HTTP_BODY_UNTIL_END,
	HTTP_BODY_AMBIGUOUS, /* two readers could differ on where it ends */
};

struct http_framer {
	bool server;	   /* whose bytes these are */
	const char *error; /* sticky; static text */
	uint8_t state;	   /* enum of wire.c */
	uint8_t empty_lines;
	bool bare; /* the lines of the head end with LF alone: a server's only */
	bool any_digit;
	uint16_t line_bytes; /* of the chunk's line so far */
	uint64_t left;	     /* of the body, or of the chunk */
	struct buffer held;  /* of a head or trailers that came in pieces */
	size_t scanned;
};

void http_framer_init(struct http_framer *framer, bool server);
void http_framer_release(struct http_framer *framer);
/* Takes bytes off the front of `input`: HTTP_EVENT, HTTP_MORE when they are used up, HTTP_ERROR (sticky). */
enum http_next http_framer_next(struct http_framer *framer, struct slice *input,
				struct http_event *ret_event);
/* What follows the head that was just given; not HTTP_BODY_AMBIGUOUS. */
void http_framer_body(struct http_framer *framer, enum http_body body, uint64_t length);
/* The side ended: true when a body ends with it, and the message is complete. */
bool http_framer_end(struct http_framer *framer);
/* Is the framer between two messages, with nothing of the next one read? */
bool http_framer_idle(const struct http_framer *framer);
/* How many of these bytes, which come next, are of the head under way: all, when it does not end in them. */
size_t http_framer_head_left(const struct http_framer *framer, struct slice bytes);
/*
 * With `size` bytes of the body in hand: how many are known to come of it, or of its chunk, those included. 0: it
 * is not known. It does not depend on how the bytes were cut.
 */
uint64_t http_framer_known(const struct http_framer *framer, size_t size);
/* Does the body end with those that are known? */
bool http_framer_last(const struct http_framer *framer);

extern const struct protocol http_protocol;

enum recognised http_recognise(struct slice client_bytes);
#define HTTP_RECOGNISE_MAX ((size_t)8192)

struct recorder *http_recorder_new(uint64_t connection);
void http_recorder_free(struct recorder *recorder);
int http_recorder_see(struct recorder *recorder, enum side side, struct slice bytes,
		      int64_t time_ns, struct item_list *items, const char **ret_why);
void http_recorder_flush(struct recorder *recorder, int64_t before_ns, struct item_list *items);
bool http_may_tunnel(uint64_t *memory, struct slice client_bytes);
size_t http_recorder_span(const struct recorder *recorder, struct slice server_bytes);
bool http_recorder_tunnel(const struct recorder *recorder, struct slice *ret_host,
			  uint16_t *ret_port);
void http_recorder_end(struct recorder *recorder, int64_t time_ns, struct item_list *items);
void http_recorder_broken(struct recorder *recorder, enum side side);

struct replayer *http_replayer_new(const struct answers *answers, uint64_t connection);
void http_replayer_free(struct replayer *replayer);
int http_replayer_feed(struct replayer *replayer, struct slice bytes, const char **ret_why);
enum replay_state http_replayer_fill(struct replayer *replayer, struct buffer *out);

int64_t http_replayer_wait(const struct replayer *replayer);
bool http_replayer_tunnel(const struct replayer *replayer, struct slice *ret_host,
			  uint16_t *ret_port, struct slice *ret_unread);

#endif
