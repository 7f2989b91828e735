/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/1 heads; see message.h. RFC 9112, sections 3 (request line), 4 (status line), 5 (fields) and 6 (body), read
 * strictly: what RFC 9112 lets a reader repair is an error here, since the other side may repair it otherwise.
 */
#include "parsers/http/message.h"

#include "parsers/cursor.h"
#include "parsers/http/known_fields.h"

#include <errno.h>

bool http_is_token(uint8_t byte)
{
	static const bool tokens[256] = {
		['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true, ['!'] = true,
		['#'] = true,	      ['$'] = true,	    ['%'] = true,	  ['&'] = true,
		['\''] = true,	      ['*'] = true,	    ['+'] = true,	  ['-'] = true,
		['.'] = true,	      ['^'] = true,	    ['_'] = true,	  ['`'] = true,
		['|'] = true,	      ['~'] = true,
	};

	return tokens[byte];
}

static bool all_token(struct slice bytes)
{
	for (size_t i = 0; i < bytes.size; i++)
		if (!http_is_token(bytes.data[i]))
			return false;
	return bytes.size > 0;
}

static int refuse(const char **ret_why, const char *why)
{
	*ret_why = why;
	return -EINVAL;
}

/* ---- lists ---- */

struct slice http_field(const struct http_fields *fields, struct slice name)
{
	for (size_t i = 0; i < fields->n; i++) {
		struct slice value = fields->list[i].value;

		if (slice_equal_nocase(fields->list[i].name, name))
			return value.data ? value : slice_of("", 0);
	}
	return slice_of(NULL, 0);
}

static struct slice trim(struct slice text)
{
	while (text.size && (text.data[0] == ' ' || text.data[0] == '\t')) {
		text.data++;
		text.size--;
	}
	while (text.size && (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t'))
		text.size--;
	return text;
}

bool http_list_next(struct slice *list, struct slice *ret_element)
{
	while (list->size) {
		const uint8_t *comma = memchr(list->data, ',', list->size);
		size_t size = comma ? (size_t)(comma - list->data) : list->size;

		*ret_element = trim(slice_of(list->data, size));
		size += comma != NULL;
		*list = slice_of(list->data + size, list->size - size);
		if (ret_element->size)
			return true;
	}
	return false;
}

bool http_field_has(const struct http_fields *fields, struct slice name, struct slice word)
{
	for (size_t i = 0; i < fields->n; i++) {
		struct slice list = fields->list[i].value, element;

		if (!slice_equal_nocase(fields->list[i].name, name))
			continue;
		while (http_list_next(&list, &element))
			if (slice_equal_nocase(element, word))
				return true;
	}
	return false;
}

bool http_persists(const struct http_fields *fields, uint8_t minor)
{
	if (minor)
		return !http_field_has(fields, SLICE("connection"), SLICE("close"));
	return http_field_has(fields, SLICE("connection"), SLICE("keep-alive"));
}

bool http_is_events(const struct http_fields *fields)
{
	struct slice type = http_field(fields, SLICE("content-type"));
	const struct slice events = SLICE("text/event-stream");

	return type.size >= events.size &&
	       slice_equal_nocase(slice_of(type.data, events.size), events) &&
	       (type.size == events.size || !http_is_token(type.data[events.size])) &&
	       !http_field(fields, SLICE("content-encoding")).size;
}

/* ---- fields ---- */

/* The next line without its CR LF: the framer made sure that each has one. */
static struct slice next_line(struct slice *lines)
{
	const uint8_t *newline = lines->size ? memchr(lines->data, '\n', lines->size) : NULL;
	struct slice line = *lines;

	if (newline)
		line.size = (size_t)(newline - lines->data) + 1;
	*lines = slice_of(lines->data + line.size, lines->size - line.size);
	line.size -= newline ? 1 : 0;
	if (line.size && line.data[line.size - 1] == '\r')
		line.size--;
	return line;
}

static bool is_value(struct slice bytes)
{
	for (size_t i = 0; i < bytes.size; i++)
		if ((bytes.data[i] < ' ' && bytes.data[i] != '\t') || bytes.data[i] == 0x7f)
			return false;
	return true;
}

static const char *read_field(struct slice line, struct name_value *ret_field)
{
	const uint8_t *colon = memchr(line.data, ':', line.size);
	struct slice name;

	if (line.data[0] == ' ' || line.data[0] == '\t')
		return "a folded header line";
	if (!colon)
		return "a header line without a colon";
	name = slice_of(line.data, (size_t)(colon - line.data));
	if (!all_token(name)) /* a space before the colon too */
		return "a header name that is no token";
	ret_field->name = name;
	ret_field->value = trim(slice_of(colon + 1, line.size - name.size - 1));
	return is_value(ret_field->value) ? NULL : "a control character in a header";
}

bool http_is_field(const struct name_value *field)
{
	return all_token(field->name) && is_value(field->value);
}

int http_fields_read(struct slice lines, struct arena *arena, struct http_fields *ret_fields,
		     const char **ret_why)
{
	struct name_value *list;
	size_t n = 0;

	for (struct slice rest = lines; rest.size; n++)
		next_line(&rest);
	if (n > HTTP_FIELDS_MAX)
		return refuse(ret_why, "more header lines than are read");
	list = arena_alloc(arena, n * sizeof(*list));
	*ret_fields = (struct http_fields){ .list = list, .lines = lines };
	for (;;) {
		struct slice line = next_line(&lines);
		const char *why;

		if (!line.size)
			break;
		why = read_field(line, &list[ret_fields->n]);
		if (why)
			return refuse(ret_why, why);
		ret_fields->n++;
	}
	return lines.size ? refuse(ret_why, "an empty line among the headers") : 0;
}

/* ---- start lines ---- */

static bool read_version(struct slice text, uint8_t *ret_minor)
{
	if (text.size != 8 || !slice_starts_with(text, SLICE("HTTP/1.")) || text.data[7] < '0' ||
	    text.data[7] > '9')
		return false;
	*ret_minor = (uint8_t)(text.data[7] - '0');
	return true;
}

static struct slice until(struct slice *text, uint8_t byte)
{
	const uint8_t *found = text->size ? memchr(text->data, byte, text->size) : NULL;
	struct slice before = *text;

	if (!found) {
		*text = slice_of(NULL, 0);
		return before;
	}
	before.size = (size_t)(found - text->data);
	*text = slice_of(found + 1, text->size - before.size - 1);
	return before;
}

static void split_query(struct slice target, struct http_request *request)
{
	request->path = until(&target, '?');
	request->query = target;
}

/* "http://host:80/path?query": false when it is not of this form. */
static bool read_absolute(struct http_request *request)
{
	struct slice rest = request->target;
	struct slice scheme = until(&rest, ':');
	size_t end = 0;

	if (!scheme.size || rest.size < 3 || !slice_starts_with(rest, SLICE("//")))
		return false;
	for (size_t i = 0; i < scheme.size; i++)
		if (!http_is_token(scheme.data[i]))
			return false;
	rest = slice_of(rest.data + 2, rest.size - 2);
	while (end < rest.size && rest.data[end] != '/' && rest.data[end] != '?')
		end++;
	request->form = TARGET_ABSOLUTE;
	request->scheme = scheme;
	request->authority = slice_of(rest.data, end);
	split_query(slice_of(rest.data + end, rest.size - end), request);
	return end > 0;
}

static const char *read_target(struct http_request *request)
{
	struct slice target = request->target;

	for (size_t i = 0; i < target.size; i++)
		if (target.data[i] <= ' ' || target.data[i] == 0x7f)
			return "a control character in the request's target";
	if (slice_equal(request->method, SLICE("CONNECT"))) {
		request->form = TARGET_AUTHORITY;
		request->authority = target;
		return target.size ? NULL : "a request without a target";
	}
	if (slice_equal(target, SLICE("*"))) {
		request->form = TARGET_ASTERISK;
		request->path = target;
		return NULL;
	}
	if (target.size && target.data[0] == '/') {
		request->form = TARGET_ORIGIN;
		split_query(target, request);
		return NULL;
	}
	return read_absolute(request) ? NULL : "a request's target of no known form";
}

bool http_authority_split(struct slice authority, struct slice *ret_host, uint16_t *ret_port)
{
	size_t colon = authority.size;
	unsigned int port = 0;

	while (colon && authority.data[colon - 1] != ':')
		colon--;
	if (colon < 2 || colon == authority.size || authority.size - colon > 5)
		return false;
	for (size_t i = colon; i < authority.size; i++) {
		if (authority.data[i] < '0' || authority.data[i] > '9')
			return false;
		port = 10 * port + (unsigned int)(authority.data[i] - '0');
	}
	*ret_host = slice_of(authority.data, colon - 1);
	if (ret_host->size > 2 && ret_host->data[0] == '[' &&
	    ret_host->data[ret_host->size - 1] == ']')
		*ret_host = slice_of(ret_host->data + 1, ret_host->size - 2);
	*ret_port = (uint16_t)port;
	return port && port <= UINT16_MAX;
}

/* Host says where, unless the target did. Two that differ are two answers. */
static const char *read_host(struct http_request *request)
{
	struct slice host = http_field(&request->fields, SLICE("host"));

	for (size_t i = 0; i < request->fields.n; i++)
		if (slice_equal_nocase(request->fields.list[i].name, SLICE("host")) &&
		    !slice_equal_nocase(request->fields.list[i].value, host))
			return "two Host headers that differ";
	if (!request->authority.data)
		request->authority = host;
	return NULL;
}

/* `known` may be NULL. */
static int read_fields(struct slice lines, struct arena *arena, struct http_known_fields *known,
		       struct http_fields *ret_fields, const char **ret_why)
{
	return known ? http_known_fields_read(known, lines, arena, ret_fields, ret_why) :
		       http_fields_read(lines, arena, ret_fields, ret_why);
}

int http_request_read_known(struct slice head, struct arena *arena, struct http_known_fields *known,
			    struct http_request *ret_request, const char **ret_why)
{
	struct slice rest = next_line(&head);
	struct slice method = until(&rest, ' ');
	struct slice target = until(&rest, ' ');
	const char *why;
	int rc;

	*ret_request = (struct http_request){ .form = TARGET_ORIGIN };
	if (!all_token(method) || !target.size || !read_version(rest, &ret_request->minor))
		return refuse(ret_why, "a request line that is none of HTTP/1");
	ret_request->method = method;
	ret_request->target = target;
	why = read_target(ret_request);
	if (why)
		return refuse(ret_why, why);
	rc = read_fields(head, arena, known, &ret_request->fields, ret_why);
	if (rc)
		return rc;
	why = read_host(ret_request);
	return why ? refuse(ret_why, why) : 0;
}

int http_request_read(struct slice head, struct arena *arena, struct http_request *ret_request,
		      const char **ret_why)
{
	return http_request_read_known(head, arena, NULL, ret_request, ret_why);
}

int http_response_read_known(struct slice head, struct arena *arena,
			     struct http_known_fields *known, struct http_response *ret_response,
			     const char **ret_why)
{
	struct slice rest = next_line(&head);
	struct slice version = until(&rest, ' ');
	struct slice status = until(&rest, ' ');
	unsigned int number = 0;

	*ret_response = (struct http_response){ .reason = rest };
	if (!read_version(version, &ret_response->minor) || status.size != 3 || !is_value(rest))
		return refuse(ret_why, "a status line that is none of HTTP/1");
	for (size_t i = 0; i < 3; i++) {
		if (status.data[i] < '0' || status.data[i] > '9')
			return refuse(ret_why, "a status line that is none of HTTP/1");
		number = 10 * number + (unsigned int)(status.data[i] - '0');
	}
	if (number < 100)
		return refuse(ret_why, "a status below 100");
	ret_response->status = (uint16_t)number;
	return read_fields(head, arena, known, &ret_response->fields, ret_why);
}

int http_response_read(struct slice head, struct arena *arena, struct http_response *ret_response,
		       const char **ret_why)
{
	return http_response_read_known(head, arena, NULL, ret_response, ret_why);
}

/* ---- content codings ---- */

/* "gzip;q=0.5": its name, and whether its weight is more than 0. */
static bool read_weight(struct slice element, struct slice *ret_name)
{
	struct slice rest = element, name = until(&rest, ';');
	bool digit = false;

	*ret_name = trim(name);
	rest = trim(rest);
	if (rest.size < 2 || ascii_lower(rest.data[0]) != 'q')
		return true;
	for (size_t i = 1; i < rest.size; i++)
		digit |= rest.data[i] >= '1' && rest.data[i] <= '9';
	return digit;
}

static bool is_coding(struct slice name, struct slice coding)
{
	if (slice_equal_nocase(coding, SLICE("x-gzip")))
		coding = SLICE("gzip");
	return slice_equal_nocase(name, coding);
}

static bool accepts_one(const struct http_fields *fields, struct slice coding)
{
	bool any = false;

	for (size_t i = 0; i < fields->n; i++) {
		struct slice list = fields->list[i].value, element, name;

		if (!slice_equal_nocase(fields->list[i].name, SLICE("accept-encoding")))
			continue;
		while (http_list_next(&list, &element)) {
			bool weighs = read_weight(element, &name);

			if (is_coding(name, coding))
				return weighs;
			if (slice_equal(name, SLICE("*")))
				any = weighs;
		}
	}
	return any;
}

bool http_accepts(const struct http_fields *fields, struct slice codings)
{
	struct slice coding;

	while (http_list_next(&codings, &coding))
		if (!slice_equal_nocase(coding, SLICE("identity")) && !accepts_one(fields, coding))
			return false;
	return true;
}

/* ---- where the body ends ---- */

static enum http_body ambiguous(const char **ret_why, const char *why)
{
	*ret_why = why;
	return HTTP_BODY_AMBIGUOUS;
}

/* Digits only, below 2^63. */
static bool read_length(struct slice text, uint64_t *ret_length)
{
	uint64_t length = 0;

	for (size_t i = 0; i < text.size; i++) {
		if (text.data[i] < '0' || text.data[i] > '9' ||
		    length > ((uint64_t)INT64_MAX - 9) / 10)
			return false;
		length = 10 * length + (uint64_t)(text.data[i] - '0');
	}
	*ret_length = length;
	return text.size > 0;
}

struct framing_fields {
	bool has_length;
	bool has_coding;
	uint64_t length;
	unsigned int codings;
	unsigned int chunked; /* how often */
	bool chunked_last;
};

static void read_codings(struct slice list, struct framing_fields *framing)
{
	struct slice element;

	framing->has_coding = true;
	while (http_list_next(&list, &element)) {
		bool chunked = slice_equal_nocase(element, SLICE("chunked"));

		framing->codings++;
		framing->chunked += chunked;
		framing->chunked_last = chunked;
	}
}

/* All fields that say where the body ends; NULL, or why they cannot be followed. */
static const char *read_framing(const struct http_fields *fields, struct framing_fields *framing)
{
	*framing = (struct framing_fields){ 0 };
	for (size_t i = 0; i < fields->n; i++) {
		struct slice value = fields->list[i].value;
		uint64_t length;

		if (slice_equal_nocase(fields->list[i].name, SLICE("transfer-encoding"))) {
			read_codings(value, framing);
		} else if (slice_equal_nocase(fields->list[i].name, SLICE("content-length"))) {
			if (!read_length(value, &length))
				return "a Content-Length that is no number";
			if (framing->has_length && length != framing->length)
				return "two Content-Length that differ";
			framing->has_length = true;
			framing->length = length;
		}
	}
	if (framing->has_length && framing->has_coding)
		return "both Transfer-Encoding and Content-Length";
	if (framing->has_coding && (!framing->codings || framing->chunked > 1 ||
				    (framing->chunked && !framing->chunked_last)))
		return "a Transfer-Encoding that cannot be followed";
	return NULL;
}

enum http_body http_request_body(const struct http_request *request, uint64_t *ret_length,
				 const char **ret_why)
{
	struct framing_fields framing;
	const char *why = read_framing(&request->fields, &framing);

	if (why)
		return ambiguous(ret_why, why);
	*ret_length = framing.length;
	if (!framing.has_coding)
		return framing.has_length ? HTTP_BODY_LENGTH : HTTP_BODY_NONE;
	if (!request->minor)
		return ambiguous(ret_why, "Transfer-Encoding in HTTP/1.0");
	if (!framing.chunked_last)
		return ambiguous(ret_why, "a Transfer-Encoding that cannot be followed");
	return HTTP_BODY_CHUNKED;
}

enum http_body http_response_body(const struct http_response *response, struct slice method,
				  uint64_t *ret_length, const char **ret_why)
{
	struct framing_fields framing;
	const char *why;

	if (response->status < 200 || response->status == 204 || response->status == 304 ||
	    slice_equal(method, SLICE("HEAD")) ||
	    (slice_equal(method, SLICE("CONNECT")) && response->status < 300))
		return HTTP_BODY_NONE;
	why = read_framing(&response->fields, &framing);
	if (why)
		return ambiguous(ret_why, why);
	*ret_length = framing.length;
	if (framing.has_length)
		return HTTP_BODY_LENGTH;
	if (framing.has_coding && !response->minor)
		return ambiguous(ret_why, "Transfer-Encoding in HTTP/1.0");
	return framing.chunked_last ? HTTP_BODY_CHUNKED : HTTP_BODY_UNTIL_END;
}
