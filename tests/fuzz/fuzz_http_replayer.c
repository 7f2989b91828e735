/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz: the HTTP/1 replayer. The input is what a client sends, behind two bytes that choose the cuts and what the recording
 * answers. The recording is a small fake whose answers follow from the request's identity: bodies of every form, heads that
 * cannot be sent, parts that are not there, nothing. Held to: no crash, the same bytes however the input was cut, and whole
 * responses, one for each request, that a strict reader reads to their end, and behind a 101 whole WebSocket messages.
 */
#include "parsers/http/replayer.h"
#include "parsers/http/wire.h"
#include "tests/fuzz/replay.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUESTS_MAX 4096

struct recording {
	unsigned int seed;
	unsigned int n_requests;
	uint8_t methods[REQUESTS_MAX]; /* the first letter of HEAD and CONNECT, else 0 */
	struct buffer canonical;
};

static void fake_find(void *context, const struct http_request *request,
		      const struct http_content *content, struct http_answer *ret_answer)
{
	struct recording *fake = context;

	/* Of what came so far, when more is to come: not always. */
	if (content->unsent && (content->n_fronts + fake->seed) % 3 == 0) {
		*ret_answer = (struct http_answer){ .rung = RUNG_MISS };
		return;
	}
	*ret_answer =
		(struct http_answer){ .rung = RUNG_MISS,
				      .asked = SLICE("GET http://a/\x80"),
				      .difference = SLICE("query id: recorded \x01, asked 2") };
	if (fake->n_requests < REQUESTS_MAX)
		fake->methods[fake->n_requests] =
			slice_equal(request->method, SLICE("HEAD"))    ? 'H' :
			slice_equal(request->method, SLICE("CONNECT")) ? 'C' :
									 0;
	fake->n_requests++;
	buffer_clear(&fake->canonical);
	http_canonical(request, content, &fake->canonical);
	ret_answer->exchange = http_exact_hash(buffer_slice(&fake->canonical)) + fake->seed;
	ret_answer->exchange += content->unsent && ret_answer->exchange % 11 == 0;
	if (ret_answer->exchange % 11)
		ret_answer->rung = RUNG_EXACT;
}

static void fake_early(void *context, const struct http_request *request,
		       struct http_fronts *ret_fronts)
{
	const struct recording *fake = context;

	*ret_fronts = (struct http_fronts){ .n = (fake->seed + request->path.size) % 4,
					    .sizes = { fake->seed % 2, 3, 70 },
					    .wait = fake->seed % 5 == 0 };
}

static const struct name_value lists[][4] = {
	{ { SLICE("Content-Length"), SLICE("5") }, { SLICE("X"), SLICE("y") } },
	{ { SLICE("Transfer-Encoding"), SLICE("chunked") }, { SLICE("Trailer"), SLICE("T") } },
	{ { SLICE("Connection"), SLICE("close, x") }, { SLICE("Keep-Alive"), SLICE("t=1") } },
	{ { SLICE("Content-Length"), SLICE("1") }, { SLICE("Content-Length"), SLICE("2") } },
	{ { SLICE("Content-Encoding"), SLICE("gzip") }, { SLICE("content-length"), SLICE("") } },
	{ { SLICE("connection"), SLICE("keep-alive") }, { SLICE("Transfer-Encoding"), SLICE("") } },
	{ { SLICE("Content-Type"), SLICE("text/event-stream") },
	  { SLICE("Transfer-Encoding"), SLICE("chunked") } },
	{ { SLICE("X"), SLICE("a\r\nB: c") }, { SLICE("Y"), SLICE("z") } },
	{ { SLICE("X Y"), SLICE("a") }, { SLICE("Y"), SLICE("z") } },
};

static int fake_response(void *context, uint64_t exchange, struct http_stored *ret_stored)
{
	static const uint16_t statuses[] = { 200, 204, 304, 404, 500, 206, 999, 101 };
	static const struct http_response interim = { .status = 103, .minor = 1 };
	const struct recording *fake = context;
	uint64_t choice = exchange ^ fake->seed;

	*ret_stored = (struct http_stored){
		.head.status = statuses[choice % 8],
		.head.reason = choice % 13 ? SLICE("Why not") : SLICE("a\nb"),
		.head.minor = choice % 5 != 0,
		.head.fields = { lists[choice / 7 % 9], 2 },
		.interim = choice % 3 ? NULL : &interim,
		.trailers = { lists[choice / 11 % 9], choice / 3 % 3 },
		.cut = choice % 9 == 8,
		.coded_unasked = choice % 4 == 0,
	};
	if (choice / 56 % 4 == 1) {
		ret_stored->part = 2;
		ret_stored->size = choice / 5 % 200000;
	} else if (choice / 56 % 4 == 2) {
		ret_stored->coding = SLICE("gzip");
		ret_stored->coded = choice % 2 ? SLICE("coded") : slice_of(NULL, 0);
		ret_stored->body = SLICE("decoded");
	} else if (choice / 56 % 4 == 3) {
		ret_stored->body = SLICE("hello");
	}
	return choice % 17 == 16 ? -1 : choice % 19 == 18 ? 0 : 1;
}

static void fake_done(void *context)
{
	(void)context;
}

static int fake_arrival(void *context, uint64_t exchange, uint32_t after,
			struct http_stored_arrival *ret_arrival)
{
	(void)context;
	*ret_arrival = (struct http_stored_arrival){
		.number = after + 1,
		.body_bytes = (exchange % 1000 + 1) * (after + 1),
		.pause_ns = (int64_t)(exchange % 5),
	};
	return after > 20 ? 0 : exchange % 31 == 30 ? -1 : 1;
}

/* Every kind of both sides, so that what a client says is heard, or differs. */
static int fake_message(void *context, uint64_t exchange, uint32_t after,
			struct http_stored_message *ret_message)
{
	static const uint8_t kinds[] = { WEBSOCKET_TEXT, WEBSOCKET_BINARY, WEBSOCKET_TEXT,
					 WEBSOCKET_PING, WEBSOCKET_CLOSE,  WEBSOCKET_PONG };
	static const struct slice bodies[] = { SLICE("hello"), SLICE("{\"a\": 1}"), SLICE("") };
	const struct recording *fake = context;
	uint64_t choice = exchange / 8 + fake->seed + 5 * after;

	*ret_message = (struct http_stored_message){
		.number = after + 1,
		.side = choice % 2 ? HTTP_REQUEST : HTTP_RESPONSE,
		.kind = kinds[choice / 2 % 6],
		.unreadable = choice % 37 == 36,
		.close_code = choice % 3 ? 1000 : 0,
		.body = bodies[choice % 3],
		.size = bodies[choice % 3].size,
		.pause_ns = (int64_t)(choice % 4),
	};
	if (choice % 7 == 6 && ret_message->kind <= WEBSOCKET_BINARY) {
		ret_message->part = 2;
		ret_message->size = choice % 5 ? 210000 : 220000;
	}
	return after > 12 ? 0 : choice % 41 == 40 ? -1 : 1;
}

static void fake_miss_message(void *context, struct slice asked, struct slice difference)
{
	(void)context;
	if (!asked.size || !difference.size)
		abort();
}

static int fake_part(void *context, uint64_t exchange, uint64_t part, uint32_t sequence,
		     struct slice *ret_bytes)
{
	static const uint8_t bytes[70000];

	(void)context;
	(void)part;
	*ret_bytes = slice_of(bytes, sequence % 3 == 1 ? 0 : sizeof(bytes));
	if (exchange % 23 == 22 && sequence == 1)
		return -1;
	return sequence < 4;
}

static enum replay_state play(struct recording *fake, struct slice input, size_t cut,
			      struct buffer *all)
{
	static const struct http_answers http = {
		.find = fake_find,
		.early = fake_early,
		.response = fake_response,
		.done = fake_done,
		.message = fake_message,
		.arrival = fake_arrival,
		.miss_message = fake_miss_message,
	};
	struct answers answers = {
		.context = fake,
		.http = &http,
		.part = fake_part,
		.count_unservable = fake_unservable,
		.paced = fake->seed % 2,
	};
	struct talk talk = { .protocol = &http_protocol };
	enum replay_state state;

	answers.cache = answer_cache_new(64);
	talk.replayer = http_replayer_new(&answers, 7);
	fake->n_requests = 0;
	state = fuzz_play(&talk, input, cut, all);
	if (talk.refused)
		abort();
	http_replayer_free(talk.replayer);
	answer_cache_free(answers.cache);
	return state;
}

/* What a strict reader makes of a head; true: behind it there is a WebSocket. */
static bool check_head(struct http_framer *framer, const struct recording *fake, struct slice head,
		       unsigned int *requests)
{
	struct http_response response;
	enum http_body body = HTTP_BODY_NONE;
	const char *why = NULL;
	uint64_t length = 0;
	struct arena arena;
	uint8_t method = 0;

	arena_init(&arena);
	if (http_response_read(head, &arena, &response, &why))
		abort();
	if (!http_is_interim(response.status)) {
		if (*requests < fake->n_requests && *requests < REQUESTS_MAX)
			method = fake->methods[*requests];
		body = http_response_body(&response,
					  method == 'H' ? SLICE("HEAD") :
					  method == 'C' ? SLICE("CONNECT") :
							  SLICE("GET"),
					  &length, &why);
		(*requests)++;
	}
	if (body == HTTP_BODY_AMBIGUOUS)
		abort();
	http_framer_body(framer, body, length);
	arena_release(&arena);
	return response.status == 101;
}

/* Behind a 101 all is WebSocket messages; whole ones, unless the connection was broken off. */
static void check_messages(struct slice said, enum replay_state state)
{
	struct websocket_framer framer;
	struct websocket_event event;
	enum websocket_next next;

	websocket_framer_init(&framer, false, false);
	while ((next = websocket_framer_next(&framer, &said, &event)) == WEBSOCKET_EVENT)
		;
	if (next == WEBSOCKET_ERROR ||
	    (state != REPLAY_RESET && (framer.left || websocket_framer_in_message(&framer))))
		abort();
}

/*
 * Everything that is said is responses, at most one for each request: what was never answered is not answered again, and of a stream
 * that the client left there is no end.
 */
static void check_responses(const struct recording *fake, struct slice said,
			    enum replay_state state)
{
	struct http_framer framer;
	struct http_event event;
	unsigned int requests = 0;
	bool websocket = false;
	enum http_next next;

	http_framer_init(&framer, true);
	while ((next = http_framer_next(&framer, &said, &event)) == HTTP_EVENT) {
		if (event.type == HTTP_HEAD)
			websocket = check_head(&framer, fake, event.bytes, &requests);
		else if (event.type == HTTP_MESSAGE && websocket)
			break;
	}
	if (websocket)
		check_messages(said, state);
	if (next == HTTP_ERROR || (state == REPLAY_IDLE && requests > fake->n_requests))
		abort();
	http_framer_release(&framer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct recording *fake;
	struct buffer whole, cut;
	enum replay_state state;

	if (size < 2)
		return 0;
	fake = calloc(1, sizeof(*fake));
	if (!fake)
		abort();
	buffer_init(&whole, 2 * OUT_MAX);
	buffer_init(&cut, 2 * OUT_MAX);
	buffer_init(&fake->canonical, HTTP_CANONICAL_MAX);
	fake->seed = data[0];
	play(fake, slice_of(data + 2, size - 2), 1 + data[1] % 64, &cut);
	state = play(fake, slice_of(data + 2, size - 2), SIZE_MAX, &whole);
	if (whole.size < ENOUGH) {
		if (!slice_equal(buffer_slice(&whole), buffer_slice(&cut)))
			abort();
		check_responses(fake, buffer_slice(&whole), state);
	}
	buffer_release(&fake->canonical);
	buffer_release(&whole);
	buffer_release(&cut);
	free(fake);
	return 0;
}
