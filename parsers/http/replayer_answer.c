/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP/1 replayer: which recorded exchange answers a request, and the responses of our own; see replayer.h. Those are told
 * from recorded ones by X-Mockproxy-Miss, which says the reason in a line; their body says all of it as JSON.
 */
#include "parsers/http/credentials.h"
#include "parsers/http/replayer.h"
#include "parsers/json.h"

#include <xxhash.h>

#define LINE_BYTES ((size_t)300)

bool http_keeps_alive(const struct http_request *request)
{
	return http_persists(&request->fields, request->minor);
}

/* ---- responses of our own ---- */

struct own {
	uint16_t status;
	const char *reason;
	const char *error; /* a sentence */
	const char *hint;
	struct slice asked, nearest, difference; /* empty: not said */
	bool close;
};

static void append_member(struct buffer *json, const char *name, struct slice value)
{
	if (!value.size)
		return;
	buffer_append_string(json, json->size > 1 ? ",\n  \"" : "\n  \"");
	buffer_append_string(json, name);
	buffer_append_string(json, "\": ");
	if (json_append_string(json, value))
		return;
	/* What was asked may be any bytes. */
	buffer_append_string(json, "\"0x");
	buffer_append_hex(json, slice_of(value.data, value.size < 64 ? value.size : 64));
	buffer_append_u8(json, '"');
}

/* For a header: what is no visible ASCII is a question mark. */
static void append_line(struct buffer *out, struct slice text)
{
	for (size_t i = 0; i < text.size && i < LINE_BYTES; i++)
		buffer_append_u8(out,
				 text.data[i] >= ' ' && text.data[i] < 0x7f ? text.data[i] : '?');
}

static void send_own(struct replayer *replayer, const struct own *own, struct buffer *out)
{
	struct buffer json;

	buffer_init(&json, (size_t)64 << 10);
	buffer_append_u8(&json, '{');
	append_member(&json, "error", slice_from_string(own->error));
	append_member(&json, "asked", own->asked);
	append_member(&json, "nearest", own->nearest);
	append_member(&json, "difference", own->difference);
	append_member(&json, "hint", slice_from_string(own->hint));
	buffer_append_string(&json, "\n}\n");
	buffer_append_string(out, "HTTP/1.1 ");
	buffer_append_unsigned(out, own->status);
	buffer_append_u8(out, ' ');
	buffer_append_string(out, own->reason);
	buffer_append_string(out, "\r\nContent-Type: application/json\r\n"
				  "Cache-Control: no-store\r\nX-Mockproxy-Miss: ");
	append_line(out, own->difference.size ? own->difference : slice_from_string(own->error));
	buffer_append_string(out, "\r\nContent-Length: ");
	buffer_append_unsigned(out, json.size);
	if (own->close)
		buffer_append_string(out, "\r\nConnection: close");
	else if (!replayer->request.minor)
		buffer_append_string(out, "\r\nConnection: keep-alive");
	buffer_append_string(out, "\r\n\r\n");
	if (!slice_equal(replayer->request.method, SLICE("HEAD")))
		buffer_append_slice(out, buffer_slice(&json));
	buffer_release(&json);
	replayer->closed |= own->close;
}

/* "GET http://a.test/x?id=1", without secrets. */
void http_append_asked(struct buffer *text, const struct http_request *request)
{
	buffer_append_slice(text, request->method);
	buffer_append_u8(text, ' ');
	if (request->form == TARGET_ORIGIN) {
		buffer_append_string(text, "http://");
		http_mask_authority(text, request->authority);
		buffer_append_slice(text, request->target);
	} else {
		http_mask_authority(text, request->target);
	}
}

void http_refuse(struct replayer *replayer, const char *why, struct buffer *out)
{
	const struct answers *answers = replayer->answers;

	/* The method may not have been read: a body is always said. */
	replayer->request = (struct http_request){ .minor = 1 };
	answers->count_unservable(answers->context,
				  SLICE("HTTP request that two readers could read differently"),
				  slice_from_string(why));
	send_own(
		replayer,
		&(struct own){
			.status = 400,
			.reason = "Bad Request",
			.error =
				"mockproxy: two readers could read this request differently, or it "
				"is no HTTP/1",
			.difference = slice_from_string(why),
			.close = true,
		},
		out);
}

void http_unservable(struct replayer *replayer, const char *why, struct buffer *out)
{
	const struct answers *answers = replayer->answers;
	struct buffer asked;

	buffer_init(&asked, HTTP_HEAD_MAX);
	http_append_asked(&asked, &replayer->request);
	answers->count_unservable(answers->context, buffer_slice(&asked), slice_from_string(why));
	send_own(replayer,
		 &(struct own){
			 .status = HTTP_STATUS_UNSERVABLE,
			 .reason = "Not Servable",
			 .error = "mockproxy: the recorded answer cannot be given to this client",
			 .asked = buffer_slice(&asked),
			 .difference = slice_from_string(why),
			 .close = !http_keeps_alive(&replayer->request),
		 },
		 out);
	buffer_release(&asked);
}

static void send_miss(struct replayer *replayer, const struct http_answer *answer,
		      struct buffer *out)
{
	send_own(
		replayer,
		&(struct own){
			.status = HTTP_STATUS_MISS,
			.reason = "Not Recorded",
			.error = answer->used_up ?
					 "mockproxy: every recorded answer to this request was "
					 "given "
					 "already" :
					 "mockproxy: the recording holds no answer to this request",
			.hint = "Record a run that asks this, or look at what was recorded: "
				"sqlite3 "
				"FILE 'select * from http'.",
			.asked = answer->asked,
			.nearest = answer->nearest,
			.difference = answer->difference,
			.close = !http_keeps_alive(&replayer->request),
		},
		out);
}

/* ---- a request ---- */

static struct http_content content_of(const struct replayer *replayer)
{
	struct http_content content = {
		.size = replayer->body_size,
		.fronts = replayer->fronts,
		.n_fronts = replayer->n_fronts,
	};
	XXH128_hash_t digest;

	if (!replayer->digest) {
		content.bytes = buffer_slice(&replayer->body);
		return content;
	}
	digest = XXH3_128bits_digest(replayer->digest);
	content.digest[0] = digest.low64;
	content.digest[1] = digest.high64;
	http_multipart_end(replayer->multipart, &content);
	return content;
}

void http_answer(struct replayer *replayer, struct buffer *out)
{
	const struct answers *answers = replayer->answers;
	struct http_content content = content_of(replayer);
	struct http_answer answer;

	answers->http->find(answers->context, &replayer->request, &content, &answer);
	if (answer.rung == RUNG_EXACT)
		http_send_begin(replayer, answer.exchange, out);
	else
		send_miss(replayer, &answer, out);
}

bool http_answer_early(struct replayer *replayer, struct buffer *out)
{
	const struct answers *answers = replayer->answers;
	struct http_content content = http_content_unsent(&replayer->request);
	struct http_answer answer;

	content.fronts = replayer->fronts;
	content.n_fronts = replayer->n_fronts;
	answers->http->find(answers->context, &replayer->request, &content, &answer);
	if (answer.rung != RUNG_EXACT)
		return false;
	replayer->answered = true;
	http_send_begin(replayer, answer.exchange, out);
	return true;
}
