/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP/1 recorder's state, shared by its files and by nothing else.
 *
 *	recorder.c          the way in; requests ──▶ a queue of exchanges, oldest first
 *	recorder_server.c   what the server says to the oldest
 *	recorder_exchange.c exchanges: their items, bodies in pieces, their ends
 *	recorder_stream.c   when the parts of a streamed response came
 *	recorder_websocket.c messages behind a 101
 *	recorder_tunnel.c   where CONNECT leads
 *
 * An exchange begins with a request's head and ends when both its request and its final response are complete: in either
 * order, since a server may answer before it has read all. Pipelined requests wait in the queue for their responses.
 *
 * What two readers could read differently is not guessed: a request like that is recorded as refused, the responses
 * to those before it are still recorded, and then the recorder gives up, which makes the connection opaque.
 *
 * Invariants: only the newest exchange has an incomplete request; only the oldest has a response. The client's framer
 * waits for a body only while the newest's request is incomplete.
 */
#ifndef MOCKPROXY_HTTP_RECORDER_H
#define MOCKPROXY_HTTP_RECORDER_H

#include "parsers/http/known_fields.h"
#include "parsers/http/websocket.h"

/* Requests without a response, and what they may weigh. */
#define HTTP_PIPELINE_MAX 20000
#define HTTP_PIPELINE_BYTES_MAX ((size_t)64 << 20)
/* An exchange's item goes to the store when it holds more than this; so no body is ever held whole. */
#define HTTP_ITEM_BYTES ((size_t)128 << 10)
/* Room for an ordinary exchange: one malloc for it, of a size that glibc keeps for its thread. */
#define HTTP_ITEM_FIRST_BYTES ((size_t)984)
/* Responses before the final one that are kept of an exchange. */
#define HTTP_INTERIM_MAX 32

/* A body on its way into pieces whose sizes do not depend on how it came. */
struct http_room {
	struct piece *piece; /* in the exchange's item; NULL: none is open */
	size_t left;	     /* of the piece's room */
	size_t next;	     /* room of the piece after it */
};

/* Bytes on their way into a piece. */
struct http_bytes {
	enum piece_type type;
	enum http_side side;
	uint32_t count; /* of the piece */
	uint64_t known; /* of a message's frame, in hand and sure to come */
	size_t size;
};

/* A response whose length was not told: when it came is kept, see recorder_stream.c. */
struct http_stream {
	uint8_t what;  /* enum of recorder_stream.c */
	uint8_t state; /* the same */
	bool any;      /* an arrival was told */
	bool in_event;
	uint64_t bytes; /* of the body so far */
	int64_t last_ns;
};

/* Behind a 101 to it. */
struct http_websocket {
	struct websocket_framer framers[2]; /* by enum side */
	bool over[2];			    /* the side said close, or ended */
	uint32_t n_messages;
};

struct http_exchange {
	struct http_exchange *next;
	struct item *item;	   /* owned; what was not handed on yet */
	struct http_room rooms[2]; /* by enum http_side */
	struct slice method;	   /* static text; empty: one that frames no answer otherwise */
	struct slice target;	   /* of CONNECT: owned, from malloc; else data NULL */
	size_t bytes;		   /* what it weighs in the queue */
	uint16_t status;	   /* of the final response; 0: none yet */
	uint16_t interims;
	bool request_done;
	bool response_done;
	bool late; /* the client had ended its side before the answer began; see http_exchange_unread() */
	bool upgrade;	/* the request asked for another protocol */
	bool websocket; /* for this one */
	struct http_stream stream;
	int64_t first_byte_ns;
	int64_t done_ns; /* 0: not done, or handed on at once */
	uint32_t flags;
};

struct recorder {
	uint64_t connection;
	struct http_framer framers[2]; /* by enum side */
	struct http_known_fields known[2];
	const char *error;	  /* sticky; static text */
	const char *client_error; /* takes effect when the queue is empty */
	bool client_ended;
	bool client_ended_first;
	bool ended;	    /* a side did */
	bool last_answer;   /* the server said that it answers nothing behind it */
	uint32_t cut_flags; /* of what was cut by that: enum exchange_flag */
	int64_t now_ns;
	struct item_list *items; /* of the call that is under way */
	bool session_said;
	uint64_t ordinal;
	struct http_exchange *oldest;
	struct http_exchange **end;
	struct http_exchange *newest;
	size_t n_waiting;
	size_t waiting_bytes;
	struct http_websocket *websocket; /* owned; NULL: none was begun */
	struct slice
		tunnel; /* owned: the target of a CONNECT that was granted; data NULL: none was */
};

/* Static text into recorder->error; false, for `return http_fail(...)`. */
bool http_fail(struct recorder *recorder, const char *why);

/* recorder_server.c; false is a failure */
bool http_server_event(struct recorder *recorder, const struct http_event *event);
/* The server's side ended. */
void http_server_end(struct recorder *recorder);

/* recorder_exchange.c */
/* Reads a request's head and adds its exchange to the queue; false is a failure. */
bool http_exchange_begin(struct recorder *recorder, struct slice head);
void http_exchange_body(struct recorder *recorder, struct http_exchange *exchange,
			enum http_side side, struct slice bytes);
/*
 * Room for up to bytes->size bytes, which becomes what it has: at least one. They count as there, and are to be
 * written before anything else is done.
 */
uint8_t *http_exchange_room(struct recorder *recorder, struct http_exchange *exchange,
			    struct http_bytes *bytes);
/* Trailers of either side; false when they are malformed. */
bool http_exchange_trailers(struct recorder *recorder, struct http_exchange *exchange,
			    enum http_side side, struct slice lines);
/* A side's message is complete. When both are, the exchange is handed on, and leaves the queue. */
void http_exchange_done(struct recorder *recorder, struct http_exchange *exchange,
			enum http_side side);
/* The first byte of the answer came. */
void http_exchange_answered(const struct recorder *recorder, struct http_exchange *exchange);
/*
 * The client is gone. Where it had ended its side before the answer began it had given up waiting, and read none of it: the
 * answer is taken back. (One that only closed its sending side is there to read.)
 */
void http_exchange_unread(struct http_exchange *exchange);
/* Hands on what the exchange has so far. */
void http_exchange_spill(struct recorder *recorder, struct http_exchange *exchange);
/* The oldest exchange leaves the queue, its last item with it. */
void http_exchange_close(struct recorder *recorder, enum exchange_outcome outcome);
/* The oldest exchange as far as it came, when the connection is over. */
void http_exchange_cut(struct recorder *recorder);
void http_exchange_free(struct http_exchange *exchange);

/* recorder_stream.c */
/* The final response's head was read, and what body follows. */
void http_stream_begin(struct http_exchange *exchange, const struct http_response *response,
		       enum http_body body);
/* The next bytes of its body came. */
void http_stream_bytes(struct http_exchange *exchange, struct slice bytes, int64_t now_ns);
/* It ended, or was cut. */
void http_stream_end(struct http_exchange *exchange);

/* recorder_tunnel.c */
/* A CONNECT was granted, and all of its exchange is told; false is a failure. */
bool http_tunnel_begin(struct recorder *recorder, struct http_exchange *exchange);

/* recorder_websocket.c */
/* The server agreed to it; false is a failure. */
bool http_websocket_begin(struct recorder *recorder, struct http_exchange *exchange,
			  const struct http_response *response);
void http_websocket_see(struct recorder *recorder, enum side side, struct slice bytes);
/* The side ended in order. */
void http_websocket_side_end(struct recorder *recorder, enum side side);
/* The connection is over. */
void http_websocket_end(struct recorder *recorder);

#endif
