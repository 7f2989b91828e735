/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP/1 recorder: when the parts of a response came whose length its head did not tell. Of server-sent events (HTML
 * standard, section 9.2.6) each is a part, a comment too; of anything else what lies between two pauses. So what is kept
 * does not grow with a response that comes at once.
 *
 *	LINE ──▶ EMPTY (at a line's begin) ──CR──▶ EMPTY_CR (the event ended, perhaps LF follows)
 *	  └─CR─▶ LINE_CR (perhaps LF follows)
 */
#include "parsers/http/recorder.h"

#define PAUSE_NS 1000000

enum what { STREAM_NONE, STREAM_PAUSES, STREAM_EVENTS };
enum state { STATE_EMPTY, STATE_LINE, STATE_LINE_CR, STATE_EMPTY_CR };

void http_stream_begin(struct http_exchange *exchange, const struct http_response *response,
		       enum http_body body)
{
	if (body != HTTP_BODY_CHUNKED && body != HTTP_BODY_UNTIL_END)
		return;
	exchange->stream.what = http_is_events(&response->fields) ? STREAM_EVENTS : STREAM_PAUSES;
}

static void told(struct http_exchange *exchange, uint64_t bytes)
{
	exchange->stream.any = true;
	exchange->stream.in_event = false;
	http_arrival_write(bytes, exchange->stream.last_ns, exchange->item);
}

/* One more byte of events: `at` have come before it. */
static void event_byte(struct http_exchange *exchange, uint8_t byte, uint64_t at)
{
	struct http_stream *stream = &exchange->stream;
	bool ended = stream->state == STATE_EMPTY_CR, in_line = stream->state == STATE_LINE;

	if (byte == '\n' && (ended || stream->state == STATE_LINE_CR)) {
		if (ended && stream->in_event)
			told(exchange, at + 1);
		stream->state = STATE_EMPTY;
		return;
	}
	if (ended && stream->in_event)
		told(exchange, at);
	if (byte == '\r') {
		stream->state = in_line ? STATE_LINE_CR : STATE_EMPTY_CR;
	} else if (byte == '\n') {
		if (!in_line && stream->in_event)
			told(exchange, at + 1);
		stream->state = STATE_EMPTY;
	} else {
		stream->in_event = true;
		stream->state = STATE_LINE;
	}
}

void http_stream_bytes(struct http_exchange *exchange, struct slice bytes, int64_t now_ns)
{
	struct http_stream *stream = &exchange->stream;

	if (stream->what == STREAM_NONE)
		return;
	if (stream->what == STREAM_PAUSES && stream->bytes && now_ns - stream->last_ns >= PAUSE_NS)
		told(exchange, stream->bytes);
	stream->last_ns = now_ns;
	for (size_t i = 0; stream->what == STREAM_EVENTS && i < bytes.size; i++)
		event_byte(exchange, bytes.data[i], stream->bytes + i);
	stream->bytes += bytes.size;
}

void http_stream_end(struct http_exchange *exchange)
{
	struct http_stream *stream = &exchange->stream;

	if (stream->what == STREAM_EVENTS ? stream->in_event : stream->any)
		told(exchange, stream->bytes);
	stream->what = STREAM_NONE;
}
