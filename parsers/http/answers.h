/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP answers: what an HTTP replayer asks of a recording, whichever version of HTTP it speaks. It is the `http` of a
 * struct answers (parsers/answers.h), whose `context`, `part` and `count_unservable` go with it.
 *
 *	find(request, body) ──▶ which exchange, or what was nearest
 *	response(exchange)  ──▶ heads, trailers, body (or its part, to be read piece by piece with answers->part)
 *
 * Nothing here knows how a message was framed: Content-Length, Transfer-Encoding and Connection stand among the fields as
 * they were recorded, and it is the replayer's to say what is true of the message that it makes.
 */
#ifndef MOCKPROXY_HTTP_ANSWERS_H
#define MOCKPROXY_HTTP_ANSWERS_H

#include "parsers/answers.h"
#include "parsers/http/identity.h"

struct http_answer {
	uint8_t rung;	   /* enum answer_rung: RUNG_EXACT, or RUNG_MISS */
	uint64_t exchange; /* its id in the recording */
	/* A miss: text for people, valid until the next call. */
	struct slice asked;	 /* "GET http://a.test/x?id=2" */
	struct slice nearest;	 /* the same of what is nearest; empty when nothing was recorded */
	struct slice difference; /* "query id: recorded 1, asked 2" */
	bool used_up;		 /* it was recorded, and every recorded answer was given already */
};

/* A stored response. Slices are valid until the next find() or response() through the same answers. */
struct http_stored {
	/* The final one; `minor` as it was said, 1 where another version carried it; status 0: none came, and it is `cut`. */
	struct http_response head;
	const struct http_response *interim; /* those before it, in order; NULL: none */
	struct http_fields trailers;
	/*
	 * The body, in one of three forms. `part` is not 0: `size` bytes in that value part, as they passed. Else with
	 * `coding`: `body` is without that content coding, and `coded` is with it: as it passed, or made anew where a person
	 * edited the body; data NULL: it cannot be made. Else `body` is what passed.
	 */
	uint64_t part;
	uint64_t size;
	uint64_t readable_part; /* the same without its content coding; 0: there is none */
	uint64_t readable_size;
	struct slice coding; /* as Content-Encoding says it; empty: none that was taken off */
	struct slice coded;
	struct slice body;
	/* The recorded request did not say that it accepts the coding: the server codes it for everybody. */
	bool coded_unasked;
	bool cut;	/* the connection ended before it did */
	bool cut_ended; /* ... by the server: so it has to end again */
	bool cut_reset; /* ... with a reset by the server */
	bool bare;	/* the lines of the head ended with LF alone */
};

/* A message of a WebSocket that was recorded. Slices are valid until the next call through the same answers. */
struct http_stored_message {
	uint32_t number;
	enum http_side side;
	uint8_t kind;	     /* enum websocket_kind */
	bool unreadable;     /* it came compressed and still is, or not all of it came */
	uint16_t close_code; /* 0: none */
	uint64_t part;	     /* not 0: the body is in that value part */
	uint64_t size;
	struct slice body;
	int64_t pause_ns; /* since the message before it, or since the response */
};

/* A part of a streamed response: so much of its body had come, so long after the part before it. */
struct http_stored_arrival {
	uint32_t number;
	uint64_t body_bytes;
	int64_t pause_ns;
};

/* How much had come of bodies when they were answered, in order. */
#define HTTP_FRONTS_MAX 16
struct http_fronts {
	uint64_t sizes[HTTP_FRONTS_MAX];
	size_t n;
	bool wait; /* the answer may be another one once the body is whole */
};

struct http_answers {
	/*
	 * Which exchange answers this request; consumes it. `content->bytes` are as they came, also where they are coded: taking
	 * that off is the implementation's (`decoded` is not looked at). Where content->unsent more of the body is to come: then
	 * only an early answer is looked for, and none is no miss.
	 */
	void (*find)(void *context, const struct http_request *request,
		     const struct http_content *content, struct http_answer *ret_answer);
	/*
	 * Of a request whose body is to come: at what sizes of it others with this head were answered that never came whole.
	 */
	void (*early)(void *context, const struct http_request *request,
		      struct http_fronts *ret_fronts);
	/* 1 found, 0 there is none, negative errno: the rows are damaged. */
	int (*response)(void *context, uint64_t exchange, struct http_stored *ret_stored);
	/* What response() gave is not needed any more: an idle connection keeps little memory. */
	void (*done)(void *context);
	/*
	 * The next one behind number `after`, 0 for the first: 1, 0 there is none, negative errno. What response() gave is gone
	 * after a message(), and stays after an arrival().
	 */
	int (*message)(void *context, uint64_t exchange, uint32_t after,
		       struct http_stored_message *ret_message);
	int (*arrival)(void *context, uint64_t exchange, uint32_t after,
		       struct http_stored_arrival *ret_arrival);
	/* A client's message that is not the recorded one: counted as a miss, and shown in the summary. */
	void (*miss_message)(void *context, struct slice asked, struct slice difference);
};

#endif
