/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/1 framing (RFC 9112, sections 2.2, 6 and 7.1); see wire.h.
 *
 *	HEAD ──head──▶ BODY? ──http_framer_body()──▶ COUNTED, UNTIL_END, MESSAGE, or
 *	SIZE ─▶ EXTENSION ─▶ SIZE_LF ─▶ CHUNK ─▶ CHUNK_CR ─▶ CHUNK_LF ─▶ SIZE ... last chunk ─▶ TRAILERS ─▶ MESSAGE ─▶ HEAD
 *
 * Invariant: scanned == 0 means that nothing in `held` is needed any more.
 */
#include "parsers/http/wire.h"

#include <assert.h>

enum state {
	STATE_HEAD,
	STATE_ASK, /* the caller has to say what body follows */
	STATE_COUNTED,
	STATE_UNTIL_END,
	STATE_SIZE,
	STATE_EXTENSION,
	STATE_SIZE_LF,
	STATE_CHUNK,
	STATE_CHUNK_CR,
	STATE_CHUNK_LF,
	STATE_TRAILERS,
	STATE_MESSAGE,
};

void http_framer_init(struct http_framer *framer, bool server)
{
	*framer = (struct http_framer){ .server = server, .state = STATE_HEAD };
	buffer_init(&framer->held, HTTP_HEAD_MAX);
}

void http_framer_release(struct http_framer *framer)
{
	buffer_release(&framer->held);
}

static enum http_next fail(struct http_framer *framer, const char *why)
{
	framer->error = why;
	return HTTP_ERROR;
}

static struct slice take(struct slice *input, uint64_t most)
{
	struct slice bytes = { input->data, most < input->size ? (size_t)most : input->size };

	input->data += bytes.size;
	input->size -= bytes.size;
	return bytes;
}

/* ---- heads and trailers: lines up to an empty one ---- */

enum scan { SCAN_FOUND, SCAN_MORE, SCAN_BARE };

/*
 * A head of a response all of whose lines end with LF alone. Clients take it as it is meant (RFC 9112, section 2.2, lets
 * them), and who does not finds no end of it: nobody reads it otherwise. Where some lines end with CR LF somebody could.
 */
static enum scan find_bare_empty_line(struct slice bytes, size_t *at)
{
	while (*at < bytes.size) {
		const uint8_t *newline = memchr(bytes.data + *at, '\n', bytes.size - *at);
		size_t i;

		if (!newline)
			break;
		i = (size_t)(newline - bytes.data);
		if (!i || bytes.data[i - 1] == '\r')
			return SCAN_BARE;
		*at = i + 1;
		if (bytes.data[i - 1] == '\n')
			return SCAN_FOUND;
	}
	*at = bytes.size;
	return SCAN_MORE;
}

/* Looks for the empty line from *at on; *at is then behind it, or where to go on. */
static enum scan find_empty_line(struct slice bytes, size_t *at)
{
	while (*at < bytes.size) {
		const uint8_t *newline = memchr(bytes.data + *at, '\n', bytes.size - *at);
		size_t i;

		if (!newline)
			break;
		i = (size_t)(newline - bytes.data);
		if (!i || bytes.data[i - 1] != '\r')
			return SCAN_BARE;
		*at = i + 1;
		if (i == 1 || (i >= 3 && bytes.data[i - 2] == '\n'))
			return SCAN_FOUND;
	}
	*at = bytes.size;
	return SCAN_MORE;
}

/* Of the head or the trailers that begin with `bytes`. */
static enum scan scan_lines(struct http_framer *framer, struct slice bytes)
{
	const uint8_t *first = bytes.size ? memchr(bytes.data, '\n', bytes.size) : NULL;

	framer->bare = framer->server && framer->state == STATE_HEAD && first &&
		       first > bytes.data && first[-1] != '\r';
	return framer->bare ? find_bare_empty_line(bytes, &framer->scanned) :
			      find_empty_line(bytes, &framer->scanned);
}

/*
 * Lines that end with an empty one, borrowed from the input where they came whole. What was borrowed from `held` is
 * given up at the next call, which finds scanned == 0.
 */
static enum http_next gather(struct http_framer *framer, struct slice *input, size_t max,
			     struct slice *ret_bytes)
{
	struct buffer *held = &framer->held;
	size_t before, room;
	enum scan scan;

	if (!framer->scanned)
		buffer_clear(held);
	before = held->size;
	if (!before) {
		scan = scan_lines(framer, *input);
		if (scan == SCAN_FOUND && framer->scanned <= max) {
			*ret_bytes = take(input, framer->scanned);
			framer->scanned = 0;
			return HTTP_EVENT;
		}
		framer->scanned = 0;
	}
	if (!input->size)
		return HTTP_MORE;
	room = max - before;
	buffer_append(held, input->data, input->size < room ? input->size : room);
	scan = scan_lines(framer, buffer_slice(held));
	if (scan == SCAN_BARE)
		return fail(framer, "a line that does not end with CR LF");
	if (scan == SCAN_MORE && held->size == max)
		return fail(framer, "a head or trailers above the limit");
	if (scan == SCAN_MORE) {
		take(input, held->size - before);
		return HTTP_MORE;
	}
	take(input, framer->scanned - before);
	*ret_bytes = slice_of(held->data, framer->scanned);
	framer->scanned = 0;
	return HTTP_EVENT;
}

static bool is_empty_line(struct slice bytes)
{
	return bytes.size == 2;
}

static enum http_next next_head(struct http_framer *framer, struct slice *input,
				struct http_event *event)
{
	enum http_next next = gather(framer, input, HTTP_HEAD_MAX, &event->bytes);

	while (next == HTTP_EVENT && is_empty_line(event->bytes)) {
		if (framer->server || framer->empty_lines == HTTP_EMPTY_LINES_MAX)
			return fail(framer, "an empty line instead of a message");
		framer->empty_lines++;
		next = gather(framer, input, HTTP_HEAD_MAX, &event->bytes);
	}
	if (next == HTTP_EVENT) {
		framer->empty_lines = 0;
		framer->state = STATE_ASK;
		event->type = HTTP_HEAD;
	}
	return next;
}

static enum http_next next_trailers(struct http_framer *framer, struct slice *input,
				    struct http_event *event)
{
	enum http_next next = gather(framer, input, HTTP_TRAILERS_MAX, &event->bytes);

	if (next != HTTP_EVENT)
		return next;
	framer->state = STATE_MESSAGE;
	if (is_empty_line(event->bytes))
		return http_framer_next(framer, input, event);
	event->type = HTTP_TRAILERS;
	return HTTP_EVENT;
}

/* ---- chunks ---- */

static int digit_value(uint8_t byte)
{
	if (byte >= '0' && byte <= '9')
		return byte - '0';
	byte = ascii_lower(byte);
	return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* Behind the digits: white space, extensions, the end of the line. */
static const char *size_ends(struct http_framer *framer, uint8_t byte)
{
	if (!framer->any_digit)
		return "a chunk without a size";
	if (byte == '\r')
		framer->state = STATE_SIZE_LF;
	else if (byte == ';' || byte == ' ' || byte == '\t')
		framer->state = STATE_EXTENSION;
	else
		return "a chunk size that is no hexadecimal number";
	return NULL;
}

static const char *size_byte(struct http_framer *framer, uint8_t byte)
{
	int digit = digit_value(byte);

	if (digit < 0)
		return size_ends(framer, byte);
	if (framer->left > (uint64_t)INT64_MAX >> 4)
		return "a chunk size that no body can have";
	framer->left = framer->left << 4 | (uint64_t)digit;
	framer->any_digit = true;
	return NULL;
}

static const char *extension_byte(struct http_framer *framer, uint8_t byte)
{
	if (byte == '\r')
		framer->state = STATE_SIZE_LF;
	else if ((byte < ' ' && byte != '\t') || byte == 0x7f)
		return "a control character in a chunk extension";
	return NULL;
}

static const char *chunk_framing_byte(struct http_framer *framer, uint8_t byte)
{
	if (framer->state == STATE_CHUNK_CR || framer->state == STATE_CHUNK_LF) {
		if (byte != (framer->state == STATE_CHUNK_CR ? '\r' : '\n'))
			return "a chunk that is longer than its size";
		framer->state = framer->state == STATE_CHUNK_CR ? STATE_CHUNK_LF : STATE_SIZE;
		framer->line_bytes = 0;
		framer->any_digit = false;
		return NULL;
	}
	if (++framer->line_bytes > HTTP_CHUNK_LINE_MAX)
		return "a chunk extension above the limit";
	if (framer->state == STATE_SIZE)
		return size_byte(framer, byte);
	if (framer->state == STATE_EXTENSION)
		return extension_byte(framer, byte);
	if (byte != '\n')
		return "a line that does not end with CR LF";
	framer->state = framer->left ? STATE_CHUNK : STATE_TRAILERS;
	return NULL;
}

static bool in_chunk_framing(const struct http_framer *framer)
{
	return framer->state >= STATE_SIZE && framer->state <= STATE_CHUNK_LF &&
	       framer->state != STATE_CHUNK;
}

/* ---- bodies ---- */

static enum http_next next_bytes(struct http_framer *framer, struct slice *input,
				 struct http_event *event)
{
	if (!input->size)
		return HTTP_MORE;
	event->type = HTTP_BODY;
	if (framer->state == STATE_UNTIL_END) {
		event->bytes = take(input, input->size);
		return HTTP_EVENT;
	}
	event->bytes = take(input, framer->left);
	framer->left -= event->bytes.size;
	if (!framer->left)
		framer->state = framer->state == STATE_CHUNK ? STATE_CHUNK_CR : STATE_MESSAGE;
	return HTTP_EVENT;
}

enum http_next http_framer_next(struct http_framer *framer, struct slice *input,
				struct http_event *ret_event)
{
	if (framer->error)
		return HTTP_ERROR;
	while (in_chunk_framing(framer)) {
		const char *why;

		if (!input->size)
			return HTTP_MORE;
		why = chunk_framing_byte(framer, take(input, 1).data[0]);
		if (why)
			return fail(framer, why);
	}
	switch (framer->state) {
	case STATE_HEAD:
		return next_head(framer, input, ret_event);
	case STATE_TRAILERS:
		return next_trailers(framer, input, ret_event);
	case STATE_MESSAGE:
		framer->state = STATE_HEAD;
		*ret_event = (struct http_event){ .type = HTTP_MESSAGE };
		return HTTP_EVENT;
	default:
		assert(framer->state != STATE_ASK); /* the caller has to say first */
		return next_bytes(framer, input, ret_event);
	}
}

void http_framer_body(struct http_framer *framer, enum http_body body, uint64_t length)
{
	static const uint8_t states[] = {
		[HTTP_BODY_NONE] = STATE_MESSAGE,
		[HTTP_BODY_LENGTH] = STATE_COUNTED,
		[HTTP_BODY_CHUNKED] = STATE_SIZE,
		[HTTP_BODY_UNTIL_END] = STATE_UNTIL_END,
	};

	assert(framer->state == STATE_ASK && body < HTTP_BODY_AMBIGUOUS);
	framer->state = states[body];
	framer->left = body == HTTP_BODY_LENGTH ? length : 0;
	framer->line_bytes = 0;
	framer->any_digit = false;
	if (body == HTTP_BODY_LENGTH && !length)
		framer->state = STATE_MESSAGE;
}

bool http_framer_end(struct http_framer *framer)
{
	if (framer->error || framer->state != STATE_UNTIL_END)
		return false;
	framer->state = STATE_HEAD;
	return true;
}

bool http_framer_idle(const struct http_framer *framer)
{
	return framer->state == STATE_HEAD && !framer->scanned && !framer->empty_lines &&
	       !framer->error;
}

/* The byte `back` before bytes.data[at]; 0 before the head's first. */
static uint8_t byte_before(const struct http_framer *framer, struct slice bytes, size_t at,
			   size_t back)
{
	size_t held = framer->scanned ? framer->held.size : 0;

	if (back <= at)
		return bytes.data[at - back];
	back -= at;
	return back <= held ? framer->held.data[held - back] : 0;
}

size_t http_framer_head_left(const struct http_framer *framer, struct slice bytes)
{
	for (size_t i = 0; i < bytes.size; i++)
		if (bytes.data[i] == '\n' && (byte_before(framer, bytes, i, 1) == '\n' ||
					      (byte_before(framer, bytes, i, 1) == '\r' &&
					       byte_before(framer, bytes, i, 2) == '\n')))
			return i + 1;
	return bytes.size;
}

uint64_t http_framer_known(const struct http_framer *framer, size_t size)
{
	if (framer->state == STATE_UNTIL_END)
		return 0;
	return framer->left + size; /* left is at most INT64_MAX */
}

bool http_framer_last(const struct http_framer *framer)
{
	return framer->state == STATE_COUNTED || framer->state == STATE_MESSAGE;
}
