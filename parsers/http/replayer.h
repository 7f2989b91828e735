/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP/1 replayer's state, shared by its files and by nothing else.
 *
 *	replayer.c         the way in and out: requests, one after the other
 *	replayer_answer.c  which recorded exchange answers; what is said when none does
 *	replayer_head.c    a recorded response's head, made true of the message that this client gets
 *	replayer_send.c    a response on its way, its body piece by piece
 *	replayer_websocket.c  what is said behind a 101, message by message
 *
 * It is a server of HTTP/1 (RFC 9112): what has to do with the connection and with framing (keep-alive, chunks, lengths, 1xx,
 * versions) is made anew for this client, and only what a response says comes from the recording, through
 * answers->http, which knows nothing of framing. Requests are read strictly: what two readers could read differently is
 * answered with 400, and the connection is closed.
 *
 * States:
 *	READ ──head──▶ READ (its body) ──message──▶ SEND ──sent──▶ READ
 *	                                               ├──close──▶ closed
 *	                                               ├──101──▶ WEBSOCKET ──close──▶ closed
 *	                                               └──2xx to CONNECT──▶ the shell begins anew
 * A response that was recorded when only a part of the request had come is sent at that part again, and the rest is read behind it.
 * Of a pipeline the next request is read when the response to the one before it was given to the shell: so responses
 * keep their order, and memory is bounded, whatever a client asks for without reading.
 */
#ifndef MOCKPROXY_HTTP_REPLAYER_H
#define MOCKPROXY_HTTP_REPLAYER_H

#include "parsers/http/answers.h"
#include "parsers/http/message.h"
#include "parsers/http/multipart.h"
#include "parsers/http/websocket.h"

/* fill() stops above this much output. */
#define HTTP_FILL_BYTES ((size_t)64 << 10)
/* A request that the recording holds no answer to. No server says it, and no client's list of what to retry has it. */
#define HTTP_STATUS_MISS 599
/* One that was found, and cannot be given to this client. */
#define HTTP_STATUS_UNSERVABLE 598

enum http_send_framing { SEND_NO_BODY, SEND_LENGTH, SEND_CHUNKED, SEND_UNTIL_END };

/* A response on its way out. */
struct http_send {
	bool on;
	bool close;	 /* the connection ends behind it */
	bool says_close; /* ... and the head tells: what was cut off came without warning */
	bool reset;	 /* ... and not in order */
	bool cut;	 /* the body does not end: the connection does, or ... */
	bool hold;	 /* ... nothing more comes, for as long as the client wants */
	uint8_t framing; /* enum http_send_framing */
	uint64_t exchange;
	struct http_stored stored;
	struct slice rest; /* of a body that is in the row */
	uint64_t part;	   /* 0: it is */
	uint32_t sequence; /* the part's piece, and how much of it is sent */
	size_t offset;
	uint64_t left; /* SEND_LENGTH: bytes that are promised and not sent */
	uint64_t sent; /* of the body */
	bool arrivals; /* it is said part by part, as it came; `arrival` is the part under way */
	struct http_stored_arrival arrival;
	/* So far it is all in `out` from `cache_from` on, and may be kept. */
	bool cacheable;
	size_t cache_from;
	struct answer_key key;
};

/* A WebSocket under way. Its large messages go out through replayer->send, which is not `on`. */
struct http_websocket_play {
	bool on;
	uint64_t exchange;
	struct websocket_framer framer;
	uint32_t done; /* number of the recorded message that was said or heard last */
	bool known;    /* `next` is the one behind it; its kind 0: there is none */
	struct http_stored_message next;
	bool sending; /* its payload is under way */
	bool waited;  /* its pause is over */
	bool closing; /* we said close: nothing is said behind it */
	bool ended;   /* the server ended behind the last message, without saying close, ... */
	bool reset;   /* ... or reset */
};

struct replayer {
	const struct answers *answers;
	struct buffer in;
	struct slice unread; /* of `in` */
	struct http_framer framer;
	bool closed;
	bool reset;
	bool held; /* nothing more is said, whatever the client says: it ends the connection */

	/* The request under way. */
	struct arena arena;
	struct http_request request;
	struct buffer body; /* at most HTTP_COMPARED_MAX; of a larger one nothing */
	uint64_t body_size;
	void *digest;			  /* of a larger one: XXH3_state_t, owned; NULL: none */
	struct http_multipart *multipart; /* beside it, owned; NULL: it is none */
	struct http_fronts early;	  /* sizes of the body at which a front is taken */
	struct http_front *fronts;	  /* in the arena: those that were */
	size_t n_fronts;
	bool answered; /* before the body was whole: what still comes of it is thrown away */
	struct http_send send;
	struct buffer head; /* being written; a head is sent whole or not at all */
	struct http_websocket_play websocket;
	bool tunnel;	 /* a CONNECT was granted: its target is request.authority */
	int64_t wait_ns; /* before anything more is said; 0: none */
};

/* replayer_answer.c */
/* The request is complete: finds what answers it, and begins to send. */
void http_answer(struct replayer *replayer, struct buffer *out);
/* More of its body is to come: answers it where that was recorded so (`answered`); false: it was not, or not yet. */
bool http_answer_early(struct replayer *replayer, struct buffer *out);
/* 400 and the end of the connection. */
void http_refuse(struct replayer *replayer, const char *why, struct buffer *out);
/* What was found cannot be given: says so in its place. */
void http_unservable(struct replayer *replayer, const char *why, struct buffer *out);
/* May the connection go on behind the response to this request, as far as the client is concerned? */
bool http_keeps_alive(const struct http_request *request);

/* replayer_head.c */
/* Is the connection no more HTTP's behind the response that is being sent? */
bool http_leaves(const struct replayer *replayer);
/* Decides how the response is framed and writes its heads to replayer->head; false: *ret_why it cannot be given. */
bool http_head_write(struct replayer *replayer, const char **ret_why);
/* The same of a request to which no final response came: only the responses before it. */
bool http_head_write_none(struct replayer *replayer, const char **ret_why);

/* replayer_send.c */
void http_send_begin(struct replayer *replayer, uint64_t exchange, struct buffer *out);
/* Goes on, until the response is sent or `out` has enough. */
void http_send_more(struct replayer *replayer, struct buffer *out);
/* The next bytes of send.part of send.exchange: 1, 0 at its end, negative errno. */
int http_send_part(struct replayer *replayer, struct slice *ret_bytes);

/* replayer.c: a body, or a message, comes in: body, body_size and digest are of all that came since they were cleared. */
void http_replayer_body(struct replayer *replayer, struct slice bytes);
void http_replayer_body_clear(struct replayer *replayer);

/* replayer_answer.c: "GET http://a.test/x", without secrets */
void http_append_asked(struct buffer *text, const struct http_request *request);

/* replayer_websocket.c */
/* What a server says to a client's Sec-WebSocket-Key; appends it. */
void http_websocket_accept(struct buffer *out, struct slice key);
void http_websocket_play(struct replayer *replayer, uint64_t exchange);
/* Takes one step; false: there is nothing to do before more comes. */
bool http_websocket_step(struct replayer *replayer, struct buffer *out);

#endif
