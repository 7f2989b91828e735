/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WebSocket framing; see websocket.h. RFC 6455, sections 5.2 (frames), 5.4 (fragments), 5.5 (control frames) and 7.4 (codes).
 *
 *	HEAD ──data──▶ PAYLOAD ──▶ FRAME_END ──▶ HEAD        FRAME_END of the last fragment gives the message
 *	  └──control──▶ CONTROL ──▶ HEAD, or CLOSED behind a close
 */
#include "parsers/http/websocket.h"

#include <errno.h>

#define FIN 0x80
#define RSV1 0x40
#define RSV 0x70
#define MASK 0x80
#define LENGTH_16 126
#define LENGTH_64 127

enum state { STATE_HEAD, STATE_PAYLOAD, STATE_FRAME_END, STATE_CONTROL, STATE_CLOSED };

void websocket_framer_init(struct websocket_framer *framer, bool masked, bool deflates)
{
	*framer = (struct websocket_framer){ .masked = masked, .deflates = deflates };
}

bool websocket_framer_in_message(const struct websocket_framer *framer)
{
	return framer->kind != WEBSOCKET_CONTINUATION;
}

static enum websocket_next fail(struct websocket_framer *framer, const char *why)
{
	framer->error = why;
	return WEBSOCKET_ERROR;
}

static struct slice take(struct slice *input, uint64_t most)
{
	struct slice bytes = { input->data, most < input->size ? (size_t)most : input->size };

	*input = slice_of(input->data + bytes.size, input->size - bytes.size);
	return bytes;
}

void websocket_unmask(uint8_t *bytes, size_t size, uint8_t key[4])
{
	uint8_t turned[4];

	for (size_t i = 0; i < size; i++)
		bytes[i] ^= key[i % 4];
	for (size_t i = 0; i < 4; i++)
		turned[i] = key[(size + i) % 4];
	memcpy(key, turned, sizeof(turned));
}

/* ---- heads ---- */

static bool is_control(uint8_t kind)
{
	return kind >= WEBSOCKET_CLOSE;
}

/* How many bytes the head has, as far as its first two tell. */
static size_t head_needs(const struct websocket_framer *framer)
{
	uint8_t length = framer->head[1] & 0x7f;

	if (framer->head_size < 2)
		return 2;
	return 2u + (length == LENGTH_16 ? 2u : 0) + (length == LENGTH_64 ? 8u : 0) +
	       (framer->masked ? 4u : 0);
}

static const char *check_data(const struct websocket_framer *framer, uint8_t kind, bool deflated)
{
	bool first = framer->kind == WEBSOCKET_CONTINUATION;

	if (kind > WEBSOCKET_BINARY)
		return "a WebSocket frame of a reserved opcode";
	if (first && kind == WEBSOCKET_CONTINUATION)
		return "a WebSocket fragment of no message";
	if (!first && kind != WEBSOCKET_CONTINUATION)
		return "a WebSocket message within another";
	if (deflated && (!framer->deflates || !first))
		return "a reserved bit in a WebSocket frame";
	return NULL;
}

static const char *check_control(const struct websocket_framer *framer, uint8_t kind)
{
	if (kind > WEBSOCKET_PONG)
		return "a WebSocket frame of a reserved opcode";
	if (!(framer->head[0] & FIN) || framer->head[0] & RSV1)
		return "a WebSocket control frame in fragments";
	if ((framer->head[1] & 0x7f) > WEBSOCKET_CONTROL_MAX)
		return "a WebSocket control frame that is too long";
	return NULL;
}

/* The first two bytes: NULL, or what is wrong with them. */
static const char *check_begin(const struct websocket_framer *framer)
{
	uint8_t kind = framer->head[0] & 0x0f;

	if ((framer->head[0] & RSV) & ~RSV1)
		return "a reserved bit in a WebSocket frame";
	if (!(framer->head[1] & MASK) != !framer->masked)
		return framer->masked ? "a WebSocket client that does not mask" :
					"a WebSocket server that masks";
	return is_control(kind) ? check_control(framer, kind) :
				  check_data(framer, kind, framer->head[0] & RSV1);
}

static const char *read_length(struct websocket_framer *framer)
{
	uint8_t form = framer->head[1] & 0x7f;
	size_t size = form == LENGTH_16 ? 2 : form == LENGTH_64 ? 8 : 0;
	uint64_t length = size ? 0 : form;

	for (size_t i = 0; i < size; i++)
		length = length << 8 | framer->head[2 + i];
	if ((size == 2 && length < LENGTH_16) || (size == 8 && length <= UINT16_MAX))
		return "a WebSocket length in a longer form than it needs";
	if (length > INT64_MAX)
		return "a WebSocket length that no message can have";
	framer->left = length;
	return NULL;
}

/* All of a head is there. */
static const char *begin_frame(struct websocket_framer *framer)
{
	uint8_t kind = framer->head[0] & 0x0f;
	const char *why = read_length(framer);

	if (why)
		return why;
	if (framer->masked)
		memcpy(framer->key, framer->head + framer->head_size - 4, 4);
	framer->head_size = 0;
	if (is_control(kind)) {
		framer->control = kind;
		framer->control_size = 0;
		framer->state = STATE_CONTROL;
		return NULL;
	}
	if (kind != WEBSOCKET_CONTINUATION) {
		framer->kind = kind;
		framer->deflated = framer->head[0] & RSV1;
	}
	framer->final = framer->head[0] & FIN;
	framer->state = framer->left ? STATE_PAYLOAD : STATE_FRAME_END;
	return NULL;
}

static const char *take_head(struct websocket_framer *framer, struct slice *input)
{
	const char *why = NULL;

	while (!why && input->size && framer->state == STATE_HEAD) {
		framer->head[framer->head_size++] = take(input, 1).data[0];
		if (framer->head_size == 2)
			why = check_begin(framer);
		if (!why && framer->head_size == head_needs(framer))
			why = begin_frame(framer);
	}
	return why;
}

/* ---- control frames ---- */

static bool is_close_code(uint16_t code)
{
	return (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) ||
	       (code >= 3000 && code <= 4999);
}

uint16_t websocket_close_read(struct slice payload, struct slice *ret_reason)
{
	*ret_reason = slice_of("", 0);
	if (payload.size < 2)
		return 0;
	*ret_reason = slice_of(payload.data + 2, payload.size - 2);
	return (uint16_t)((unsigned int)payload.data[0] << 8 | payload.data[1]);
}

static enum websocket_next next_control(struct websocket_framer *framer, struct slice *input,
					struct websocket_event *event)
{
	struct slice bytes = take(input, framer->left);
	struct slice reason;

	if (bytes.size)
		memcpy(framer->payload + framer->control_size, bytes.data, bytes.size);
	framer->control_size = (uint8_t)(framer->control_size + bytes.size);
	framer->left -= bytes.size;
	if (framer->left)
		return WEBSOCKET_MORE;
	websocket_unmask(framer->payload, framer->control_size, framer->key);
	*event = (struct websocket_event){ .type = WEBSOCKET_CONTROL,
					   .kind = framer->control,
					   .bytes = slice_of(framer->payload,
							     framer->control_size) };
	framer->state = STATE_HEAD;
	if (framer->control != WEBSOCKET_CLOSE)
		return WEBSOCKET_EVENT;
	framer->state = STATE_CLOSED;
	if (event->bytes.size && !is_close_code(websocket_close_read(event->bytes, &reason)))
		return fail(framer, "a WebSocket close of no known code");
	return WEBSOCKET_EVENT;
}

/* ---- data ---- */

static enum websocket_next next_bytes(struct websocket_framer *framer, struct slice *input,
				      struct websocket_event *event)
{
	if (!input->size)
		return WEBSOCKET_MORE;
	*event = (struct websocket_event){ .type = WEBSOCKET_BYTES,
					   .kind = framer->kind,
					   .deflated = framer->deflated,
					   .known = framer->left };
	memcpy(event->key, framer->key, sizeof(event->key));
	event->bytes = take(input, framer->left);
	framer->left -= event->bytes.size;
	if (framer->masked && event->bytes.size % 4) {
		for (size_t i = 0; i < 4; i++)
			framer->key[i] = event->key[(event->bytes.size + i) % 4];
	}
	if (!framer->left)
		framer->state = STATE_FRAME_END;
	return WEBSOCKET_EVENT;
}

enum websocket_next websocket_framer_next(struct websocket_framer *framer, struct slice *input,
					  struct websocket_event *ret_event)
{
	for (;;) {
		const char *why;

		if (framer->error)
			return WEBSOCKET_ERROR;
		switch (framer->state) {
		case STATE_HEAD:
			why = take_head(framer, input);
			if (why)
				return fail(framer, why);
			if (framer->state == STATE_HEAD)
				return WEBSOCKET_MORE;
			break;
		case STATE_PAYLOAD:
			return next_bytes(framer, input, ret_event);
		case STATE_CONTROL:
			return next_control(framer, input, ret_event);
		case STATE_CLOSED:
			return input->size ? fail(framer, "WebSocket bytes behind a close") :
					     WEBSOCKET_MORE;
		default: /* STATE_FRAME_END */
			framer->state = STATE_HEAD;
			if (!framer->final)
				break;
			*ret_event = (struct websocket_event){ .type = WEBSOCKET_MESSAGE,
							       .kind = framer->kind,
							       .deflated = framer->deflated };
			framer->kind = WEBSOCKET_CONTINUATION;
			return WEBSOCKET_EVENT;
		}
	}
}

/* ---- the two heads that begin it ---- */

int websocket_extensions_read(struct slice value, bool *ret_deflates)
{
	bool deflates = false;
	struct slice element;

	/* A quoted parameter could hold a comma: then its rest is no known extension, which is right too. */
	while (http_list_next(&value, &element)) {
		const uint8_t *end = memchr(element.data, ';', element.size);
		struct slice name = { element.data,
				      end ? (size_t)(end - element.data) : element.size };

		while (name.size &&
		       (name.data[name.size - 1] == ' ' || name.data[name.size - 1] == '\t'))
			name.size--;
		if (deflates || !slice_equal_nocase(name, SLICE("permessage-deflate")))
			return -ENOTSUP;
		deflates = true;
	}
	*ret_deflates = deflates;
	return 0;
}

bool http_websocket_asked(const struct http_request *request)
{
	return slice_equal(request->method, SLICE("GET")) && request->minor &&
	       http_field_has(&request->fields, SLICE("upgrade"), SLICE("websocket")) &&
	       http_field(&request->fields, SLICE("sec-websocket-key")).data;
}
