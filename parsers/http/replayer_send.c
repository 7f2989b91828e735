/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP/1 replayer: a response on its way, its body piece by piece; see replayer.h. RFC 9112, section 7.1 (chunks).
 *
 * Invariant: what response() gave stays valid until this response is sent, since nothing else is asked meanwhile; a piece of a
 * part is asked for again at each step.
 */
#include "parsers/http/replayer.h"

#include <xxhash.h>

/* Bytes of a body at once. */
#define STEP_BYTES ((size_t)32 << 10)

/* All of a request on which the bytes of a recorded response depend. */
static struct answer_key key_of(const struct replayer *replayer, uint64_t exchange)
{
	const struct http_request *request = &replayer->request;
	bool head = slice_equal(request->method, SLICE("HEAD"));
	uint64_t accepted = 0;

	for (size_t i = 0; i < request->fields.n; i++) {
		const struct name_value *field = &request->fields.list[i];

		/* An empty one is not none: it means that nothing but the bare body is accepted. */
		if (slice_equal_nocase(field->name, SLICE("accept-encoding")))
			accepted = XXH3_64bits_withSeed(
				field->value.size ? (const void *)field->value.data : "",
				field->value.size, accepted + 1);
	}
	return (struct answer_key){
		.exchange = exchange,
		.form = accepted << 3 | (uint64_t)(request->minor != 0) << 2 |
			(uint64_t)http_keeps_alive(request) << 1 | head,
	};
}

static bool send_cached(struct replayer *replayer, struct answer_key key, struct buffer *out)
{
	const struct answers *answers = replayer->answers;
	struct slice bytes;
	bool failed;

	if (!answer_cache_find(answers->cache, key, &bytes, &failed))
		return false;
	buffer_append_slice(out, bytes);
	answers->http->done(answers->context);
	return true;
}

/* Is it said as it came, part by part? Of server-sent events each is a part, whose pauses are kept or not. */
static bool keeps_parts(const struct replayer *replayer)
{
	const struct http_send *send = &replayer->send;

	return (send->framing == SEND_CHUNKED || send->framing == SEND_UNTIL_END) &&
	       (replayer->answers->paced || http_is_events(&send->stored.head.fields));
}

/* The part that is said next: false when it has to wait, or is over. */
static bool next_arrival(struct replayer *replayer)
{
	const struct answers *answers = replayer->answers;
	struct http_send *send = &replayer->send;

	if (send->sent < send->arrival.body_bytes)
		return true;
	if (answers->http->arrival(answers->context, send->exchange, send->arrival.number,
				   &send->arrival) <= 0) {
		send->arrivals = false;
		return true;
	}
	if (answers->paced)
		replayer->wait_ns = send->arrival.pause_ns;
	return !replayer->wait_ns && send->sent < send->arrival.body_bytes;
}

/* What was said to the request, which is no answer; then the connection ends as it did, or stays silent. */
static void say_nothing(struct replayer *replayer, struct buffer *out)
{
	const struct http_stored *stored = &replayer->send.stored;

	buffer_append_slice(out, buffer_slice(&replayer->head));
	replayer->held = !stored->cut_ended;
	replayer->closed = stored->cut_ended;
	replayer->reset = stored->cut_reset;
	replayer->answers->http->done(replayer->answers->context);
}

void http_send_begin(struct replayer *replayer, uint64_t exchange, struct buffer *out)
{
	const struct answers *answers = replayer->answers;
	struct http_send *send = &replayer->send;
	const char *why = "the recording is damaged here";
	struct answer_key key = key_of(replayer, exchange);

	*send = (struct http_send){ .exchange = exchange, .key = key, .cache_from = out->size };
	if (send_cached(replayer, key, out))
		return;
	if (answers->http->response(answers->context, exchange, &send->stored) != 1 ||
	    !(send->stored.head.status ? http_head_write(replayer, &why) :
					 http_head_write_none(replayer, &why))) {
		http_unservable(replayer, why, out);
		answers->http->done(answers->context);
		return;
	}
	if (!send->stored.head.status) {
		say_nothing(replayer, out);
		return;
	}
	buffer_append_slice(out, buffer_slice(&replayer->head));
	send->on = !http_leaves(replayer);
	send->arrivals = send->on && keeps_parts(replayer);
	send->cacheable = send->on && !send->part && !send->close && !send->hold && !send->arrivals;
	if (send->on)
		return;
	replayer->tunnel = send->stored.head.status != 101;
	answers->http->done(answers->context);
	if (!replayer->tunnel)
		http_websocket_play(replayer, exchange);
}

/* The body is sent, or cannot go on: the connection is free for the next request, or it ends. */
static void finish(struct replayer *replayer, const struct buffer *out)
{
	struct http_send *send = &replayer->send;

	if (send->cacheable && !send->close && !out->overflowed)
		answer_cache_put(
			replayer->answers->cache, send->key,
			slice_of(out->data + send->cache_from, out->size - send->cache_from),
			false);
	send->on = false;
	replayer->held |= send->hold;
	replayer->closed |= send->close && !send->hold;
	replayer->reset |= send->reset;
	replayer->answers->http->done(replayer->answers->context);
}

static void end_chunks(struct replayer *replayer, struct buffer *out)
{
	const struct http_fields *trailers = &replayer->send.stored.trailers;

	buffer_append_string(out, "0\r\n");
	for (size_t i = 0; i < trailers->n; i++) {
		if (!http_is_field(&trailers->list[i]))
			continue;
		buffer_append_slice(out, trailers->list[i].name);
		buffer_append_string(out, ": ");
		buffer_append_slice(out, trailers->list[i].value);
		buffer_append_string(out, "\r\n");
	}
	buffer_append_string(out, "\r\n");
}

/* All of the body that there is was sent. What was promised and is not there cannot be mended: the connection ends. */
static void body_ends(struct replayer *replayer, struct buffer *out)
{
	struct http_send *send = &replayer->send;

	if (send->framing == SEND_CHUNKED && !send->cut)
		end_chunks(replayer, out);
	if (send->framing == SEND_LENGTH && send->left)
		send->close = true;
	finish(replayer, out);
}

static void send_bytes(struct replayer *replayer, struct slice bytes, struct buffer *out)
{
	static const char digits[] = "0123456789abcdef";
	struct http_send *send = &replayer->send;

	if (send->framing == SEND_LENGTH)
		send->left -= bytes.size;
	if (send->framing != SEND_CHUNKED) {
		buffer_append_slice(out, bytes);
		return;
	}
	for (int shift = 28; shift >= 0; shift -= 4)
		if (bytes.size >> shift)
			buffer_append_u8(out, (uint8_t)digits[bytes.size >> shift & 15]);
	buffer_append_string(out, "\r\n");
	buffer_append_slice(out, bytes);
	buffer_append_string(out, "\r\n");
}

/* The next bytes of a body in parts: 1, 0 at its end, negative errno. */
int http_send_part(struct replayer *replayer, struct slice *ret_bytes)
{
	const struct answers *answers = replayer->answers;
	struct http_send *send = &replayer->send;
	struct slice piece;
	int found;

	while ((found = answers->part(answers->context, send->exchange, send->part, send->sequence,
				      &piece)) == 1 &&
	       piece.size <= send->offset) {
		if (send->sequence == UINT32_MAX)
			return 0;
		send->sequence++;
		send->offset = 0;
	}
	if (found == 1)
		*ret_bytes = slice_of(piece.data + send->offset, piece.size - send->offset);
	return found;
}

void http_send_more(struct replayer *replayer, struct buffer *out)
{
	struct http_send *send = &replayer->send;
	struct slice bytes = send->rest;
	int found = bytes.size != 0;

	if (send->framing == SEND_NO_BODY) {
		finish(replayer, out);
		return;
	}
	if (send->arrivals && !next_arrival(replayer))
		return;
	if (send->part)
		found = http_send_part(replayer, &bytes);
	if (found < 0) {
		send->cut = true;
		send->close = send->reset = true;
		send->hold = false;
	}
	if (found > 0 && bytes.size > STEP_BYTES)
		bytes.size = STEP_BYTES;
	if (send->arrivals && bytes.size > send->arrival.body_bytes - send->sent)
		bytes.size = (size_t)(send->arrival.body_bytes - send->sent);
	if (send->framing == SEND_LENGTH && bytes.size > send->left)
		bytes.size = (size_t)send->left;
	if (found <= 0 || !bytes.size) {
		body_ends(replayer, out);
		return;
	}
	send_bytes(replayer, bytes, out);
	send->sent += bytes.size;
	if (send->part)
		send->offset += bytes.size;
	else
		send->rest = slice_of(bytes.data + bytes.size, send->rest.size - bytes.size);
}
