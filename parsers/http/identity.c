/* SPDX-License-Identifier: Apache-2.0 */
/* The canonical text of an HTTP request; see identity.h. RFC 9110, section 4.2.3 (URIs), and 5.3 (fields). */
#include "parsers/http/identity.h"

#include "parsers/compiler.h"
#include "parsers/http/credentials.h"
#include "parsers/http/message.h"
#include "parsers/http/signed_chunks.h"
#include "parsers/sql/canonical.h"

#include <stdlib.h>
#include <xxhash.h>

/*
 * The table of noise. Names are whole: "date" is not in "x-candidate-id". Four kinds: how the message is carried, how its
 * answer may be coded, when and by whom it is sent, and ids that tracing and retrying put in.
 */
static const struct slice noise[] = {
	/* in the canonical text in other ways, or of the connection only */
	SLICE("host"),
	SLICE("content-length"),
	SLICE("transfer-encoding"),
	SLICE("te"),
	SLICE("trailer"),
	SLICE("connection"),
	SLICE("keep-alive"),
	SLICE("proxy-connection"),
	SLICE("upgrade"),
	SLICE("http2-settings"),
	SLICE("expect"),
	SLICE("accept-encoding"),
	/* when, and by whom */
	SLICE("date"),
	SLICE("age"),
	SLICE("user-agent"),
	SLICE("via"),
	SLICE("forwarded"),
	SLICE("x-forwarded-for"),
	SLICE("x-forwarded-host"),
	SLICE("x-forwarded-proto"),
	SLICE("x-forwarded-port"),
	SLICE("x-amz-date"),
	SLICE("x-ms-date"),
	SLICE("x-goog-api-client"),
	SLICE("amz-sdk-invocation-id"),
	SLICE("amz-sdk-request"),
	SLICE("x-stainless-lang"),
	SLICE("x-stainless-package-version"),
	SLICE("x-stainless-os"),
	SLICE("x-stainless-arch"),
	SLICE("x-stainless-runtime"),
	SLICE("x-stainless-runtime-version"),
	SLICE("x-stainless-retry-count"),
	SLICE("x-stainless-timeout"),
	SLICE("x-stainless-read-timeout"),
	SLICE("x-stainless-async"),
	SLICE("sec-websocket-key"),
	SLICE("sec-websocket-extensions"),
	SLICE("sec-fetch-mode"),
	SLICE("sec-fetch-site"),
	SLICE("sec-fetch-dest"),
	SLICE("sec-fetch-user"),
	SLICE("sec-ch-ua"),
	SLICE("sec-ch-ua-mobile"),
	SLICE("sec-ch-ua-platform"),
	/* tracing and retrying */
	SLICE("traceparent"),
	SLICE("tracestate"),
	SLICE("baggage"),
	SLICE("b3"),
	SLICE("x-b3-traceid"),
	SLICE("x-b3-spanid"),
	SLICE("x-b3-parentspanid"),
	SLICE("x-b3-sampled"),
	SLICE("x-b3-flags"),
	SLICE("x-datadog-trace-id"),
	SLICE("x-datadog-parent-id"),
	SLICE("x-datadog-sampling-priority"),
	SLICE("x-datadog-origin"),
	SLICE("x-datadog-tags"),
	SLICE("sentry-trace"),
	SLICE("uber-trace-id"),
	SLICE("newrelic"),
	SLICE("x-amzn-trace-id"),
	SLICE("x-cloud-trace-context"),
	SLICE("x-request-id"),
	SLICE("x-correlation-id"),
	SLICE("x-ms-client-request-id"),
	SLICE("x-ms-correlation-request-id"),
	SLICE("client-request-id"),
	SLICE("request-id"),
	SLICE("correlation-id"),
	SLICE("x-trace-id"),
	SLICE("x-span-id"),
	SLICE("x-ot-span-context"),
	SLICE("elastic-apm-traceparent"),
	SLICE("kubectl-session"),
	SLICE("idempotency-key"),
	SLICE("x-idempotency-key"),
	SLICE("x-goog-gcs-idempotency-token"),
	SLICE("x-stripe-client-telemetry"),
};

/* In a query: who signs it, when, and the signature (presigned URLs of AWS and Google), as x-amz-date and Authorization are. */
static const struct slice query_noise[] = {
	SLICE("X-Amz-Credential"),     SLICE("X-Amz-Date"),	   SLICE("X-Amz-Signature"),
	SLICE("X-Amz-Security-Token"), SLICE("X-Goog-Credential"), SLICE("X-Goog-Date"),
	SLICE("X-Goog-Signature"),
};

const char *http_noise(size_t n)
{
	return n < ARRAY_SIZE(noise) ? (const char *)noise[n].data : NULL;
}

bool http_is_noise(struct slice name)
{
	for (size_t i = 0; i < ARRAY_SIZE(noise); i++)
		if (slice_equal_nocase(name, noise[i]))
			return true;
	return false;
}

/* ---- escaping ---- */

static void append_byte(struct buffer *out, uint8_t byte, bool plain)
{
	if (plain) {
		buffer_append_u8(out, byte);
		return;
	}
	buffer_append_u8(out, '%');
	buffer_append_hex(out, slice_of(&byte, 1));
}

/* Control characters and the escape's own sign: so a line is a line. */
static void append_escaped(struct buffer *out, struct slice text)
{
	for (size_t i = 0; i < text.size; i++)
		append_byte(out, text.data[i], text.data[i] >= ' ' && text.data[i] != '%');
}

static void append_lower(struct buffer *out, struct slice text)
{
	for (size_t i = 0; i < text.size; i++) {
		uint8_t byte = ascii_lower(text.data[i]);

		append_byte(out, byte, byte > ' ' && byte != '%');
	}
}

static int hex_digit(uint8_t byte)
{
	if (byte >= '0' && byte <= '9')
		return byte - '0';
	byte = ascii_lower(byte);
	return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* A byte, decoded where it is %XX. */
static uint8_t next_byte(struct slice text, size_t *at, bool *ret_escaped)
{
	uint8_t byte = text.data[(*at)++];
	int high = -1, low = -1;

	if (byte == '%' && text.size - *at >= 2) {
		high = hex_digit(text.data[*at]);
		low = hex_digit(text.data[*at + 1]);
	}
	*ret_escaped = high >= 0 && low >= 0;
	if (*ret_escaped) {
		byte = (uint8_t)(16 * high + low);
		*at += 2;
	}
	return byte;
}

static bool is_unreserved(uint8_t byte)
{
	uint8_t lower = ascii_lower(byte);

	return (lower >= 'a' && lower <= 'z') || (byte >= '0' && byte <= '9') ||
	       (byte && memchr("-._~", byte, 4));
}

/* %41 is A; what is reserved means another thing where it is escaped, and stays. */
static void append_path(struct buffer *out, struct slice path)
{
	for (size_t at = 0; at < path.size;) {
		bool escaped;
		uint8_t byte = next_byte(path, &at, &escaped);

		append_byte(out, byte,
			    is_unreserved(byte) ||
				    (!escaped && byte > ' ' && byte < 0x7f && byte != '%'));
	}
	if (!path.size)
		buffer_append_u8(out, '/');
}

/* ---- sorted lines ---- */

struct line {
	struct slice text;
	size_t index;
};

static int compare_lines(const void *a, const void *b)
{
	const struct line *left = a, *right = b;
	size_t size = left->text.size < right->text.size ? left->text.size : right->text.size;
	int order = size ? memcmp(left->text.data, right->text.data, size) : 0;

	if (order)
		return order;
	if (left->text.size != right->text.size)
		return left->text.size < right->text.size ? -1 : 1;
	return left->index < right->index ? -1 : left->index > right->index;
}

/* Nothing is to be done for most requests. */
static bool in_order(struct slice lines)
{
	struct line before = { slice_of(NULL, 0), 0 };

	while (lines.size) {
		size_t size = (size_t)((const uint8_t *)memchr(lines.data, '\n', lines.size) -
				       lines.data) +
			      1;
		struct line line = { slice_of(lines.data, size), 1 };

		if (compare_lines(&before, &line) > 0)
			return false;
		before = line;
		before.index = 0;
		lines = slice_of(lines.data + size, lines.size - size);
	}
	return true;
}

/* The lines of `text` from `start` on, each with its newline, are put in order. */
static void sort_lines(struct buffer *text, size_t start)
{
	struct slice all = slice_of(text->data + start, text->size - start);
	struct arena arena;
	struct line *lines;
	size_t n = 0, at = 0;
	uint8_t *copy;

	if (text->overflowed || in_order(all))
		return;
	arena_init(&arena);
	copy = arena_bytes(&arena, all.size);
	memcpy(copy, all.data, all.size);
	for (size_t i = 0; i < all.size; i++)
		n += copy[i] == '\n';
	lines = arena_alloc(&arena, n * sizeof(*lines));
	for (size_t i = 0; i < n; i++) {
		size_t size = (size_t)((const uint8_t *)memchr(copy + at, '\n', all.size - at) -
				       (copy + at)) +
			      1;

		lines[i] = (struct line){ slice_of(copy + at, size), i };
		at += size;
	}
	qsort(lines, n, sizeof(*lines), compare_lines);
	text->size = start;
	for (size_t i = 0; i < n; i++)
		buffer_append_slice(text, lines[i].text);
	arena_release(&arena);
}

static void append_decoded(struct buffer *out, struct slice text)
{
	for (size_t at = 0; at < text.size;) {
		bool escaped;
		uint8_t byte = next_byte(text, &at, &escaped);

		if (byte == '+' && !escaped)
			byte = ' ';
		append_byte(out, byte, byte >= ' ' && byte < 0x7f && !memchr("%=&", byte, 3));
	}
}

/* "name=value" of a query or a form, as it is written; false: there is none left. */
static bool next_pair(struct slice *text, struct name_value *ret_pair)
{
	const uint8_t *end = text->size ? memchr(text->data, '&', text->size) : NULL;
	struct slice pair = { text->data, end ? (size_t)(end - text->data) : text->size };
	const uint8_t *sign = pair.size ? memchr(pair.data, '=', pair.size) : NULL;
	size_t name = sign ? (size_t)(sign - pair.data) : pair.size;

	if (!text->size)
		return false;
	*text = slice_of(pair.data + pair.size + (end != NULL),
			 text->size - pair.size - (end != NULL));
	ret_pair->name = slice_of(pair.data, name);
	ret_pair->value = sign ? slice_of(sign + 1, pair.size - name - 1) : slice_of(NULL, 0);
	return true;
}

static void append_pair(struct buffer *out, const struct name_value *pair, const char *mark)
{
	if (!pair->name.size && !pair->value.data)
		return;
	buffer_append_string(out, mark);
	append_decoded(out, pair->name);
	if (pair->value.data) {
		buffer_append_u8(out, '=');
		append_decoded(out, pair->value);
	}
	buffer_append_u8(out, '\n');
}

void http_canonical_pairs(struct slice text, const char *mark, struct buffer *out)
{
	size_t start = out->size;
	struct name_value pair;

	while (next_pair(&text, &pair))
		append_pair(out, &pair, mark);
	sort_lines(out, start);
}

/* Long polling of Engine.IO (socket.io): its `t` is there only so that no cache answers. */
static bool is_engine_poll(struct slice query)
{
	struct name_value pair;
	bool engine = false, polls = false;

	while (next_pair(&query, &pair)) {
		engine |= slice_equal(pair.name, SLICE("EIO"));
		polls |= slice_equal(pair.name, SLICE("transport")) &&
			 slice_equal(pair.value, SLICE("polling"));
	}
	return engine && polls;
}

/* ClickHouse's own clients say so, behind the app's name where it has one. */
static bool is_clickhouse(const struct http_fields *fields)
{
	const struct slice name = SLICE("clickhouse-");
	struct slice agent = http_field(fields, SLICE("user-agent"));

	for (; agent.size >= name.size; agent = slice_of(agent.data + 1, agent.size - 1))
		if (slice_equal_nocase(slice_of(agent.data, name.size), name))
			return true;
	return false;
}

static bool is_uuid(struct slice text)
{
	for (size_t i = 0; i < text.size; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? text.data[i] != '-' : hex_digit(text.data[i]) < 0)
			return false;
	}
	return text.size == 36;
}

/*
 * What is another one in each run. A `query_id`, by which a query is found in a log or killed, is random where ClickHouse's clients
 * make it.
 */
static bool is_query_noise(const struct http_request *request, const struct name_value *pair,
			   bool engine_poll)
{
	if (engine_poll && slice_equal(pair->name, SLICE("t")))
		return true;
	if (slice_equal(pair->name, SLICE("query_id")) && is_uuid(pair->value) &&
	    is_clickhouse(&request->fields))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(query_noise); i++)
		if (slice_equal(pair->name, query_noise[i]))
			return true;
	return false;
}

static void append_query(struct buffer *out, const struct http_request *request)
{
	struct slice query = request->query;
	bool engine_poll = is_engine_poll(query);
	size_t start = out->size;
	struct name_value pair;

	while (next_pair(&query, &pair))
		if (!is_query_noise(request, &pair, engine_poll))
			append_pair(out, &pair, "?");
	sort_lines(out, start);
}

/* ---- the request ---- */

struct slice http_parameter(struct slice value, struct slice name)
{
	while (value.size) {
		const uint8_t *semicolon = memchr(value.data, ';', value.size);
		struct slice part;
		size_t skip = semicolon ? (size_t)(semicolon - value.data) + 1 : value.size;
		const uint8_t *end;

		value = slice_of(value.data + skip, value.size - skip);
		while (value.size && (value.data[0] == ' ' || value.data[0] == '\t'))
			value = slice_of(value.data + 1, value.size - 1);
		end = value.size ? memchr(value.data, ';', value.size) : NULL;
		part = slice_of(value.data, end ? (size_t)(end - value.data) : value.size);
		while (part.size && part.data[part.size - 1] == ' ')
			part.size--;
		if (part.size <= name.size || part.data[name.size] != '=' ||
		    !slice_equal_nocase(slice_of(part.data, name.size), name))
			continue;
		part = slice_of(part.data + name.size + 1, part.size - name.size - 1);
		if (part.size >= 2 && part.data[0] == '"' && part.data[part.size - 1] == '"')
			part = slice_of(part.data + 1, part.size - 2);
		return part;
	}
	return slice_of(NULL, 0);
}

static struct slice media_type(struct slice content_type)
{
	size_t size = 0;

	while (size < content_type.size && content_type.data[size] != ';' &&
	       content_type.data[size] != ' ')
		size++;
	return slice_of(content_type.data, size);
}

/* The type without its boundary, which is another one each time. */
static void append_content_type(struct buffer *out, struct slice value)
{
	struct slice charset = http_parameter(value, SLICE("charset"));

	append_lower(out, media_type(value));
	if (!charset.size || slice_equal_nocase(charset, SLICE("utf-8")))
		return;
	buffer_append_string(out, "; charset=");
	append_lower(out, charset);
}

/*
 * "Anything will do" is what a client says that sends no such field (RFC 9110, sections 12.5.1 and 12.5.4): some clients always
 * say it, others never. Beside another field of the name it is a part of a list.
 */
static bool takes_anything(const struct http_fields *fields, const struct name_value *field)
{
	bool type = slice_equal_nocase(field->name, SLICE("accept")) &&
		    slice_equal(field->value, SLICE("*/*"));
	bool language = slice_equal_nocase(field->name, SLICE("accept-language")) &&
			slice_equal(field->value, SLICE("*"));
	size_t n = 0;

	for (size_t i = 0; i < fields->n && (type || language); i++)
		n += slice_equal_nocase(fields->list[i].name, field->name);
	return n == 1;
}

/* Their names, a line for each: jars that are hash tables send them in another order each time. */
static void append_cookies(struct buffer *out, struct slice value)
{
	while (value.size) {
		const uint8_t *end = memchr(value.data, ';', value.size);
		size_t size = end ? (size_t)(end - value.data) : value.size, name = 0;
		struct slice cookie = slice_of(value.data, size);

		value = slice_of(value.data + size + (end != NULL),
				 value.size - size - (end != NULL));
		while (cookie.size && (cookie.data[0] == ' ' || cookie.data[0] == '\t'))
			cookie = slice_of(cookie.data + 1, cookie.size - 1);
		while (name < cookie.size && cookie.data[name] != '=')
			name++;
		if (!cookie.size)
			continue;
		buffer_append_slice(out, SLICE("cookie: "));
		/* One without a name is all value. */
		append_escaped(out, slice_of(cookie.data, name < cookie.size ? name : 0));
		buffer_append_slice(out, SLICE("=***\n"));
	}
}

static void append_fields(struct buffer *out, const struct http_request *request, bool decoded)
{
	size_t start = out->size;
	struct buffer masked;

	buffer_init(&masked, HTTP_CANONICAL_MAX);
	for (size_t i = 0; i < request->fields.n; i++) {
		struct slice name = request->fields.list[i].name;
		struct slice value = request->fields.list[i].value;

		if (http_is_noise(name) ||
		    takes_anything(&request->fields, &request->fields.list[i]) ||
		    (decoded && slice_equal_nocase(name, SLICE("content-encoding"))))
			continue;
		if (slice_equal_nocase(name, SLICE("cookie"))) {
			append_cookies(out, value);
			continue;
		}
		append_lower(out, name);
		buffer_append_slice(out, SLICE(": "));
		if (http_is_secret(name)) {
			buffer_clear(&masked);
			http_mask_field(&masked, name, value);
			value = buffer_slice(&masked);
		}
		if (slice_equal_nocase(name, SLICE("content-type")))
			append_content_type(out, value);
		else
			append_escaped(out, value);
		buffer_append_u8(out, '\n');
	}
	buffer_release(&masked);
	sort_lines(out, start);
}

/* Lower case, and without the port that is the scheme's own. */
static void append_authority(struct buffer *out, struct slice scheme, struct slice authority)
{
	struct slice port =
		slice_equal_nocase(scheme, SLICE("https")) ? SLICE(":443") : SLICE(":80");
	struct buffer masked;

	buffer_init(&masked, HTTP_CANONICAL_MAX);
	if (authority.size && memchr(authority.data, '@', authority.size)) {
		http_mask_authority(&masked, authority);
		authority = buffer_slice(&masked);
	}
	if (authority.size > port.size &&
	    slice_equal(slice_of(authority.data + authority.size - port.size, port.size), port))
		authority.size -= port.size;
	append_lower(out, authority);
	buffer_release(&masked);
}

struct http_content http_content_unsent(const struct http_request *request)
{
	struct http_content content = { .unsent = true, .size = UINT64_MAX };
	const char *why;
	uint64_t length;

	if (http_request_body(request, &length, &why) == HTTP_BODY_LENGTH)
		content.size = length;
	return content;
}

/* False, and nothing is appended: it is no such body. */
static bool signed_body(const struct http_fields *fields, struct slice bytes, struct buffer *out)
{
	struct http_signed_chunks chunks;
	size_t start = out->size;
	struct slice counts;

	if (!http_has_signed_chunks(fields))
		return false;
	buffer_append_slice(out, SLICE("(signed chunks)\n"));
	http_signed_chunks_init(&chunks);
	while (http_signed_chunks_next(&chunks, &bytes, &counts))
		buffer_append_slice(out, counts);
	if (http_signed_chunks_whole(&chunks))
		return true;
	out->size = start;
	return false;
}

void http_canonical(const struct http_request *request, const struct http_content *content,
		    struct buffer *out)
{
	struct slice type = http_field(&request->fields, SLICE("content-type"));
	struct slice scheme = request->scheme.size ? request->scheme : SLICE("http");

	append_escaped(out, request->method);
	buffer_append_u8(out, ' ');
	append_lower(out, scheme);
	buffer_append_slice(out, SLICE("://"));
	append_authority(out, scheme, request->authority);
	if (request->form != TARGET_AUTHORITY && request->form != TARGET_ASTERISK)
		append_path(out, request->path);
	else
		buffer_append_string(out, request->form == TARGET_ASTERISK ? "*" : "");
	buffer_append_u8(out, '\n');
	append_query(out, request);
	append_fields(out, request, content->decoded);
	if (content->unsent) {
		buffer_append_slice(out, SLICE("(unsent)\n"));
		buffer_append_unsigned(out, content->size);
	} else if (content->size > HTTP_COMPARED_MAX) {
		buffer_append_slice(out, content->multipart ? SLICE("(large multipart)\n") :
							      SLICE("(large)\n"));
		buffer_append_unsigned(out,
				       content->multipart ? content->parts_size : content->size);
		buffer_append_u8(out, ' ');
		buffer_append_unsigned(out, content->digest[1]);
		buffer_append_u8(out, ' ');
		buffer_append_unsigned(out, content->digest[0]);
	} else if (content->bytes.size && !signed_body(&request->fields, content->bytes, out)) {
		http_canonical_body(media_type(type), type, content->bytes, out);
	}
}

/* The version of a recording's canonical forms is one number for all protocols. */
uint64_t http_exact_hash(struct slice canonical)
{
	uint64_t hash = XXH3_64bits_withSeed(canonical.size ? (const void *)canonical.data : "",
					     canonical.size, SQL_CANONICAL_VERSION);

	return hash ? hash : 1;
}
