/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP/1 replayer: the way in and out; see replayer.h. Follows RFC 9112, section 9, and RFC 9110, section 10.1.1. */
#include "parsers/http/replayer.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <xxhash.h>

/* What an idle connection keeps of its buffers. */
#define KEPT_BYTES ((size_t)16 << 10)

struct replayer *http_replayer_new(const struct answers *answers, uint64_t connection)
{
	struct replayer *replayer = calloc(1, sizeof(*replayer));

	(void)connection;
	if (!replayer)
		abort();
	replayer->answers = answers;
	buffer_init(&replayer->in, (size_t)64 << 20);
	buffer_init(&replayer->body, HTTP_COMPARED_MAX);
	buffer_init(&replayer->head, (size_t)16 << 20);
	arena_init(&replayer->arena);
	http_framer_init(&replayer->framer, false);
	return replayer;
}

static void free_digest(struct replayer *replayer)
{
	XXH3_freeState(replayer->digest);
	replayer->digest = NULL;
	http_multipart_free(replayer->multipart);
	replayer->multipart = NULL;
}

void http_replayer_free(struct replayer *replayer)
{
	if (!replayer)
		return;
	free_digest(replayer);
	http_framer_release(&replayer->framer);
	buffer_release(&replayer->in);
	buffer_release(&replayer->body);
	buffer_release(&replayer->head);
	arena_release(&replayer->arena);
	free(replayer);
}

int http_replayer_feed(struct replayer *replayer, struct slice bytes, const char **ret_why)
{
	assert(!replayer->unread.size);
	buffer_clear(&replayer->in);
	if (replayer->in.capacity > KEPT_BYTES)
		buffer_release(&replayer->in);
	buffer_append_slice(&replayer->in, bytes);
	replayer->unread = buffer_slice(&replayer->in);
	if (!replayer->in.overflowed)
		return 0;
	*ret_why = "too many bytes at once";
	return -EPROTO;
}

void http_replayer_body_clear(struct replayer *replayer)
{
	free_digest(replayer);
	buffer_clear(&replayer->body);
	replayer->body_size = 0;
}

/* ---- answers before the body is whole ---- */

static void expect_fronts(struct replayer *replayer)
{
	const struct answers *answers = replayer->answers;

	if (replayer->request.form == TARGET_AUTHORITY) /* behind its answer there is no HTTP */
		return;
	answers->http->early(answers->context, &replayer->request, &replayer->early);
	if (replayer->early.n)
		replayer->fronts = arena_alloc(&replayer->arena,
					       replayer->early.n * sizeof(*replayer->fronts));
}

/* What came of the body so far is kept if it is a front that was recorded; then it may be time to answer. */
static void take_front(struct replayer *replayer, struct buffer *out)
{
	const struct http_fronts *early = &replayer->early;
	struct slice bytes = buffer_slice(&replayer->body);
	XXH128_hash_t digest;

	if (replayer->n_fronts == early->n ||
	    early->sizes[replayer->n_fronts] != replayer->body_size)
		return;
	digest = replayer->digest ?
			 XXH3_128bits_digest(replayer->digest) :
			 XXH3_128bits(bytes.size ? (const void *)bytes.data : "", bytes.size);
	replayer->fronts[replayer->n_fronts++] =
		(struct http_front){ replayer->body_size, { digest.low64, digest.high64 } };
	if (!early->wait && http_answer_early(replayer, out))
		http_replayer_body_clear(replayer);
}

/* ---- requests ---- */

static void request_begin(struct replayer *replayer, struct slice head, struct buffer *out)
{
	enum http_body body = HTTP_BODY_AMBIGUOUS;
	const char *why = NULL;
	uint64_t length = 0;

	arena_reset(&replayer->arena);
	http_replayer_body_clear(replayer);
	replayer->early.n = replayer->n_fronts = 0;
	replayer->answered = false;
	if (!http_request_read(arena_copy(&replayer->arena, head), &replayer->arena,
			       &replayer->request, &why))
		body = http_request_body(&replayer->request, &length, &why);
	if (body == HTTP_BODY_AMBIGUOUS) {
		http_refuse(replayer, why, out);
		return;
	}
	http_framer_body(&replayer->framer, body, length);
	if (body != HTTP_BODY_CHUNKED && !length)
		return;
	expect_fronts(replayer);
	take_front(replayer, out);
	/* Also where the body came along: so what is said does not depend on how the bytes were cut. */
	if (!replayer->answered && replayer->request.minor &&
	    http_field_has(&replayer->request.fields, SLICE("expect"), SLICE("100-continue")))
		buffer_append_string(out, "HTTP/1.1 100 Continue\r\n\r\n");
}

static void digest_update(struct replayer *replayer, struct slice bytes)
{
	if (bytes.size)
		XXH3_128bits_update(replayer->digest, bytes.data, bytes.size);
	http_multipart_see(replayer->multipart, bytes);
}

void http_replayer_body(struct replayer *replayer, struct slice bytes)
{
	replayer->body_size += bytes.size;
	if (replayer->body_size <= HTTP_COMPARED_MAX) {
		buffer_append_slice(&replayer->body, bytes);
		return;
	}
	if (!replayer->digest) {
		replayer->digest = XXH3_createState();
		if (!replayer->digest)
			abort();
		XXH3_128bits_reset(replayer->digest);
		if (!replayer->websocket.on)
			replayer->multipart = http_multipart_new(&replayer->request.fields);
		digest_update(replayer, buffer_slice(&replayer->body));
		buffer_release(&replayer->body);
	}
	digest_update(replayer, bytes);
}

static void request_body(struct replayer *replayer, struct slice bytes, struct buffer *out)
{
	while (bytes.size && !replayer->answered) {
		struct slice next = bytes;

		if (replayer->n_fronts < replayer->early.n &&
		    replayer->early.sizes[replayer->n_fronts] - replayer->body_size < next.size)
			next.size = (size_t)(replayer->early.sizes[replayer->n_fronts] -
					     replayer->body_size);
		http_replayer_body(replayer, next);
		take_front(replayer, out);
		bytes = slice_of(bytes.data + next.size, bytes.size - next.size);
	}
}

static void request_trailers(struct replayer *replayer, struct slice lines, struct buffer *out)
{
	struct http_fields trailers;
	const char *why = NULL;

	if (http_fields_read(arena_copy(&replayer->arena, lines), &replayer->arena, &trailers,
			     &why))
		http_refuse(replayer, why, out);
}

static void request_end(struct replayer *replayer, struct buffer *out)
{
	if (!replayer->answered)
		http_answer(replayer, out);
	replayer->answered = false;
	free_digest(replayer);
	if (replayer->body.capacity > KEPT_BYTES)
		buffer_release(&replayer->body);
}

/* Takes the next event of the client's; false: more bytes are needed. */
static bool read_on(struct replayer *replayer, struct buffer *out)
{
	struct http_event event;

	switch (http_framer_next(&replayer->framer, &replayer->unread, &event)) {
	case HTTP_MORE:
		return false;
	case HTTP_ERROR:
		if (replayer->answered) /* nothing can be said twice */
			replayer->closed = true;
		else
			http_refuse(replayer, replayer->framer.error, out);
		return true;
	default:
		break;
	}
	if (event.type == HTTP_HEAD)
		request_begin(replayer, event.bytes, out);
	else if (event.type == HTTP_BODY)
		request_body(replayer, event.bytes, out);
	else if (event.type == HTTP_TRAILERS && !replayer->answered)
		request_trailers(replayer, event.bytes, out);
	else if (event.type == HTTP_MESSAGE)
		request_end(replayer, out);
	return true;
}

enum replay_state http_replayer_fill(struct replayer *replayer, struct buffer *out)
{
	bool going = true;

	replayer->send.cacheable = false; /* what was said before is not in `out` any more */
	replayer->wait_ns = 0;
	while (going && out->size < HTTP_FILL_BYTES && !replayer->wait_ns && !replayer->tunnel) {
		if (replayer->websocket.on && !replayer->closed)
			going = http_websocket_step(replayer, out);
		else if (replayer->send.on)
			http_send_more(replayer, out);
		else
			going = !replayer->closed && !replayer->held && read_on(replayer, out);
	}
	if (replayer->wait_ns)
		return REPLAY_WAIT;
	if (replayer->send.on)
		return REPLAY_MORE;
	if (replayer->tunnel)
		return REPLAY_TUNNEL;
	if (replayer->held)
		replayer->unread = slice_of(NULL, 0);
	if (replayer->closed) {
		replayer->unread = slice_of(NULL, 0);
		return replayer->reset ? REPLAY_RESET : REPLAY_CLOSE;
	}
	return going ? REPLAY_MORE : REPLAY_IDLE;
}

int64_t http_replayer_wait(const struct replayer *replayer)
{
	return replayer->wait_ns;
}

bool http_replayer_tunnel(const struct replayer *replayer, struct slice *ret_host,
			  uint16_t *ret_port, struct slice *ret_unread)
{
	*ret_unread = replayer->unread;
	return http_authority_split(replayer->request.authority, ret_host, ret_port);
}
