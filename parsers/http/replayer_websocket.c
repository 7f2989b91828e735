/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP/1 replayer: a WebSocket (RFC 6455) that was recorded, message by message; see replayer.h.
 *
 * What the server said is said as soon as all is heard that the client had said before it. A client's message is
 * compared with the recorded one by value; one that differs is a miss: counted, and told in a close of code 1011. Pings are
 * answered as they come and pongs are passed over: when they were sent says nothing. A close of the client is
 * answered with the recorded one, whenever it comes.
 */
#include "parsers/http/identity.h"
#include "parsers/http/replayer.h"

#include <stdlib.h>
#include <xxhash.h>

#define STEP_BYTES ((size_t)32 << 10)
#define FIN 0x80
#define CODE_PROTOCOL 1002
#define CODE_MISS 1011
#define REASON_MAX (WEBSOCKET_CONTROL_MAX - 2)
/* Of a message in the reason of a close. */
#define SHOWN_BYTES 30

void http_websocket_play(struct replayer *replayer, uint64_t exchange)
{
	replayer->websocket = (struct http_websocket_play){
		.on = true,
		.exchange = exchange,
		.ended = replayer->send.stored.cut_ended,
		.reset = replayer->send.stored.cut_reset,
	};
	websocket_framer_init(&replayer->websocket.framer, true, false);
	http_replayer_body_clear(replayer);
}

/* ---- saying ---- */

static void append_head(struct buffer *out, uint8_t kind, uint64_t size)
{
	buffer_append_u8(out, FIN | kind);
	if (size < 126) {
		buffer_append_u8(out, (uint8_t)size);
	} else if (size <= UINT16_MAX) {
		buffer_append_u8(out, 126);
		buffer_append_u16be(out, (uint16_t)size);
	} else {
		buffer_append_u8(out, 127);
		buffer_append_u64be(out, size);
	}
}

static void say_control(uint8_t kind, struct slice payload, struct buffer *out)
{
	append_head(out, kind, payload.size);
	buffer_append_slice(out, payload);
}

static void say_close(struct replayer *replayer, uint16_t code, struct slice reason,
		      struct buffer *out)
{
	append_head(out, WEBSOCKET_CLOSE, code ? 2 + reason.size : 0);
	if (code) {
		buffer_append_u16be(out, code);
		buffer_append_slice(out, reason);
	}
	replayer->websocket.closing = true;
}

/* Behind the last message that was said or heard. Its kind is 0 when there is none; false: the recording is damaged. */
static bool know_next(struct replayer *replayer)
{
	struct http_websocket_play *play = &replayer->websocket;
	const struct answers *answers = replayer->answers;
	int found = 1;

	if (!play->known)
		found = answers->http->message(answers->context, play->exchange, play->done,
					       &play->next);
	if (!found)
		play->next = (struct http_stored_message){ 0 };
	play->known = found >= 0;
	return play->known;
}

static void next_is_done(struct http_websocket_play *play)
{
	play->done = play->next.number;
	play->known = false;
	play->waited = false;
}

/* ---- misses ---- */

/* As it can stand in a reason: what is no visible ASCII is a question mark. */
static void append_shown(struct buffer *text, struct slice bytes)
{
	buffer_append_u8(text, '"');
	for (size_t i = 0; i < bytes.size && i < SHOWN_BYTES; i++)
		buffer_append_u8(
			text, bytes.data[i] >= ' ' && bytes.data[i] < 0x7f ? bytes.data[i] : '?');
	buffer_append_string(text, bytes.size > SHOWN_BYTES ? "...\"" : "\"");
}

static void append_message(struct buffer *text, uint8_t kind, struct slice bytes, uint64_t size)
{
	if (kind == WEBSOCKET_TEXT && bytes.size == size) {
		append_shown(text, bytes);
		return;
	}
	buffer_append_unsigned(text, size);
	buffer_append_string(text, " bytes");
}

static void append_recorded(struct buffer *text, const struct http_stored_message *next)
{
	if (!next->kind)
		buffer_append_string(text, "nothing more");
	else if (next->kind == WEBSOCKET_CLOSE)
		buffer_append_string(text, "a close");
	else
		append_message(text, next->kind, next->body, next->size);
}

/* "message 4: recorded "two", asked "three"": counted, said, and the WebSocket is over. */
static void miss(struct replayer *replayer, uint8_t kind, const char *why, struct buffer *out)
{
	const struct http_websocket_play *play = &replayer->websocket;
	const struct answers *answers = replayer->answers;
	struct buffer asked, difference, reason;

	buffer_init(&asked, HTTP_HEAD_MAX);
	buffer_init(&difference, HTTP_HEAD_MAX);
	buffer_init(&reason, REASON_MAX);
	buffer_append_string(&difference, "message ");
	buffer_append_unsigned(&difference, play->next.kind ? play->next.number : play->done + 1);
	buffer_append_string(&difference, ": ");
	if (why) {
		buffer_append_string(&difference, why);
	} else {
		buffer_append_string(&difference, "recorded ");
		append_recorded(&difference, &play->next);
		buffer_append_string(&difference, ", asked ");
		append_message(&difference, kind, buffer_slice(&replayer->body),
			       replayer->body_size);
	}
	http_append_asked(&asked, &replayer->request);
	answers->http->miss_message(answers->context, buffer_slice(&asked),
				    buffer_slice(&difference));
	buffer_append_string(&reason, "mockproxy: ");
	buffer_append(&reason, difference.data,
		      difference.size < REASON_MAX - reason.size ? difference.size :
								   REASON_MAX - reason.size);
	say_close(replayer, CODE_MISS, buffer_slice(&reason), out);
	buffer_release(&asked);
	buffer_release(&difference);
	buffer_release(&reason);
}

/* ---- the server's messages ---- */

static void begin_message(struct replayer *replayer, struct buffer *out)
{
	struct http_websocket_play *play = &replayer->websocket;

	append_head(out, play->next.kind, play->next.size);
	replayer->send = (struct http_send){ .exchange = play->exchange,
					     .part = play->next.part,
					     .rest = play->next.body,
					     .left = play->next.size };
	play->sending = true;
}

/* The next bytes of the message that is being said. What its head promised has to come, or the connection ends. */
static void send_on(struct replayer *replayer, struct buffer *out)
{
	struct http_send *send = &replayer->send;
	struct slice bytes = send->rest;
	int found = bytes.size != 0;

	if (!send->left) {
		replayer->websocket.sending = false;
		next_is_done(&replayer->websocket);
		return;
	}
	if (send->part)
		found = http_send_part(replayer, &bytes);
	if (found <= 0) {
		replayer->closed = replayer->reset = true;
		return;
	}
	if (bytes.size > STEP_BYTES)
		bytes.size = STEP_BYTES;
	if (bytes.size > send->left)
		bytes.size = (size_t)send->left;
	buffer_append_slice(out, bytes);
	send->left -= bytes.size;
	if (send->part)
		send->offset += bytes.size;
	else
		send->rest = slice_of(bytes.data + bytes.size, send->rest.size - bytes.size);
}

static void say_next(struct replayer *replayer, struct buffer *out)
{
	struct http_websocket_play *play = &replayer->websocket;
	const struct http_stored_message *next = &play->next;

	if (next->kind == WEBSOCKET_PONG || (next->unreadable && next->kind >= WEBSOCKET_CLOSE)) {
		next_is_done(play);
	} else if (replayer->answers->paced && next->pause_ns && !play->waited) {
		replayer->wait_ns = next->pause_ns;
		play->waited = true;
	} else if (next->unreadable) {
		miss(replayer, 0, "it was recorded in a form that cannot be said", out);
	} else if (next->kind == WEBSOCKET_CLOSE) {
		say_close(replayer, next->close_code, next->body, out);
		next_is_done(play);
	} else {
		begin_message(replayer, out);
	}
}

/* ---- the client's ---- */

static XXH128_hash_t digest_part(struct replayer *replayer, uint64_t part)
{
	const struct answers *answers = replayer->answers;
	XXH3_state_t *state = XXH3_createState();
	XXH128_hash_t digest;
	struct slice piece;

	if (!state)
		abort();
	XXH3_128bits_reset(state);
	for (uint32_t i = 0;
	     answers->part(answers->context, replayer->websocket.exchange, part, i, &piece) == 1;
	     i++)
		XXH3_128bits_update(state, piece.data, piece.size);
	digest = XXH3_128bits_digest(state);
	XXH3_freeState(state);
	return digest;
}

static bool same_json(struct slice a, struct slice b)
{
	const struct slice type = SLICE("application/json");
	struct buffer left, right;
	bool same;

	buffer_init(&left, HTTP_CANONICAL_MAX);
	buffer_init(&right, HTTP_CANONICAL_MAX);
	http_canonical_body(type, type, a, &left);
	http_canonical_body(type, type, b, &right);
	same = !left.overflowed && slice_equal(buffer_slice(&left), buffer_slice(&right));
	buffer_release(&left);
	buffer_release(&right);
	return same;
}

/* Equal bytes, or equal as JSON. What is too large to be held is compared by its digest. */
static bool is_recorded(struct replayer *replayer, uint8_t kind)
{
	const struct http_stored_message *next = &replayer->websocket.next;
	XXH128_hash_t recorded, asked;

	if (next->side != HTTP_REQUEST || next->kind != kind || next->unreadable)
		return false;
	if (!next->part && !replayer->digest)
		return slice_equal(next->body, buffer_slice(&replayer->body)) ||
		       (kind == WEBSOCKET_TEXT &&
			same_json(next->body, buffer_slice(&replayer->body)));
	if (next->size != replayer->body_size)
		return false;
	asked = replayer->digest ? XXH3_128bits_digest(replayer->digest) :
				   XXH3_128bits(replayer->body.data, replayer->body.size);
	recorded = next->part ? digest_part(replayer, next->part) :
				XXH3_128bits(next->body.data, next->body.size);
	return XXH128_isEqual(recorded, asked);
}

static void hear_message(struct replayer *replayer, uint8_t kind, struct buffer *out)
{
	struct http_websocket_play *play = &replayer->websocket;

	if (!play->closing && is_recorded(replayer, kind))
		next_is_done(play);
	else if (!play->closing)
		miss(replayer, kind,
		     play->next.unreadable ? "it was recorded in a form that cannot be compared" :
					     NULL,
		     out);
	http_replayer_body_clear(replayer);
}

/* The client goes: what the server said to that is looked for behind all else that was not said. */
static void hear_close(struct replayer *replayer, struct slice payload, struct buffer *out)
{
	struct http_websocket_play *play = &replayer->websocket;
	struct slice reason;
	uint16_t code = websocket_close_read(payload, &reason);

	replayer->closed = true;
	if (play->closing)
		return;
	while (know_next(replayer) && play->next.kind) {
		if (play->next.side == HTTP_RESPONSE && play->next.kind == WEBSOCKET_CLOSE) {
			say_close(replayer, play->next.close_code, play->next.body, out);
			return;
		}
		next_is_done(play);
	}
	say_close(replayer, code, slice_of(NULL, 0), out);
}

static void hear_control(struct replayer *replayer, const struct websocket_event *event,
			 struct buffer *out)
{
	if (event->kind == WEBSOCKET_CLOSE)
		hear_close(replayer, event->bytes, out);
	else if (event->kind == WEBSOCKET_PING && !replayer->websocket.closing)
		say_control(WEBSOCKET_PONG, event->bytes, out);
}

/* What came is in `in`, which is the replayer's own: it is unmasked where it lies. */
static void hear_bytes(struct replayer *replayer, struct websocket_event *event)
{
	websocket_unmask((uint8_t *)(uintptr_t)event->bytes.data, event->bytes.size, event->key);
	if (!replayer->websocket.closing)
		http_replayer_body(replayer, event->bytes);
}

static bool hear(struct replayer *replayer, struct buffer *out)
{
	struct websocket_event event;

	switch (websocket_framer_next(&replayer->websocket.framer, &replayer->unread, &event)) {
	case WEBSOCKET_MORE:
		return false;
	case WEBSOCKET_ERROR:
		if (!replayer->websocket.closing)
			say_close(replayer, CODE_PROTOCOL,
				  slice_from_string(replayer->websocket.framer.error), out);
		replayer->closed = true;
		return false;
	default:
		break;
	}
	if (event.type == WEBSOCKET_BYTES)
		hear_bytes(replayer, &event);
	else if (event.type == WEBSOCKET_MESSAGE)
		hear_message(replayer, event.kind, out);
	else
		hear_control(replayer, &event, out);
	return true;
}

bool http_websocket_step(struct replayer *replayer, struct buffer *out)
{
	struct http_websocket_play *play = &replayer->websocket;

	if (play->sending) {
		send_on(replayer, out);
		return true;
	}
	if (play->closing)
		return hear(replayer, out);
	if (!know_next(replayer)) {
		miss(replayer, 0, "the recording is damaged here", out);
		return true;
	}
	if (play->next.kind && play->next.side == HTTP_RESPONSE) {
		say_next(replayer, out);
		return true;
	}
	if (!play->next.kind && play->ended) {
		replayer->closed = true;
		replayer->reset = play->reset;
		return false;
	}
	if (play->next.kind == WEBSOCKET_PING || play->next.kind == WEBSOCKET_PONG) {
		next_is_done(play);
		return true;
	}
	return hear(replayer, out);
}
