/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WebSocket framing: bytes to messages (RFC 6455, section 5; RSV1 as RFC 7692, section 6, says).
 *
 *	| FIN RSV opcode | MASK length | length: 0, 2 or 8 | mask: 0 or 4 | payload |
 *
 * A framer pulls events out of the bytes of one side, in any cut:
 *
 *	WEBSOCKET_BYTES     bytes: the next ones of the data message under way, of all its fragments, as they passed: what a
 *	                    client sends is masked, websocket_unmask() takes it off
 *	WEBSOCKET_MESSAGE   the data message is complete
 *	WEBSOCKET_CONTROL   bytes: the payload of a close, ping or pong, unmasked; it may stand between fragments
 *
 * It is strict: a client that does not mask, a server that does, a length in a longer form than it needs, a reserved opcode or
 * bit, a control frame that is long or in fragments, anything behind a close are errors. Bytes are borrowed from the
 * input, or (a control frame's) from the framer, and valid until the next call.
 */
#ifndef MOCKPROXY_HTTP_WEBSOCKET_H
#define MOCKPROXY_HTTP_WEBSOCKET_H

#include "parsers/compiler.h"
#include "parsers/http/exchange.h"

#define WEBSOCKET_CONTROL_MAX 125
/* Two bytes, the long form of the length, the mask. */
#define WEBSOCKET_HEAD_MAX 14

/* As on the wire. */
enum websocket_kind {
	WEBSOCKET_CONTINUATION = 0,
	WEBSOCKET_TEXT = 1,
	WEBSOCKET_BINARY = 2,
	WEBSOCKET_CLOSE = 8,
	WEBSOCKET_PING = 9,
	WEBSOCKET_PONG = 10,
};

enum websocket_next { WEBSOCKET_EVENT, WEBSOCKET_MORE, WEBSOCKET_ERROR };
enum websocket_event_type { WEBSOCKET_BYTES, WEBSOCKET_MESSAGE, WEBSOCKET_CONTROL };

struct websocket_event {
	uint8_t type;	/* enum websocket_event_type */
	uint8_t kind;	/* enum websocket_kind: of the whole message */
	bool deflated;	/* the message is: RSV1 of its first frame */
	uint8_t key[4]; /* BYTES: the mask, its first byte for the first of `bytes`; zero: none */
	struct slice bytes;
	uint64_t known; /* BYTES: those, and what is known to follow of the message's frame */
};

struct websocket_framer {
	bool masked;	   /* whose bytes these are: a client's are */
	bool deflates;	   /* permessage-deflate was agreed on */
	const char *error; /* sticky; static text */
	uint8_t state;	   /* enum of websocket.c */
	uint8_t head[WEBSOCKET_HEAD_MAX];
	uint8_t head_size;
	uint8_t key[4];
	uint64_t left;	 /* of the frame's payload */
	uint8_t kind;	 /* of the data message under way; WEBSOCKET_CONTINUATION: none is */
	bool deflated;	 /* it is */
	bool final;	 /* the frame under way ends its message */
	uint8_t control; /* kind of the control frame under way */
	uint8_t control_size;
	uint8_t payload[WEBSOCKET_CONTROL_MAX];
};

void websocket_framer_init(struct websocket_framer *framer, bool masked, bool deflates);
/* Takes bytes off the front of `input`: EVENT, MORE when they are used up, ERROR (sticky). */
enum websocket_next websocket_framer_next(struct websocket_framer *framer, struct slice *input,
					  struct websocket_event *ret_event);
/* Is a data message begun and not complete? */
bool websocket_framer_in_message(const struct websocket_framer *framer);
/* Applies the mask to bytes; afterwards `key` is that of the byte behind them. */
void websocket_unmask(uint8_t *bytes, size_t size, uint8_t key[4]);
/* What a close says: its code, 0 for none, and its reason. */
uint16_t websocket_close_read(struct slice payload, struct slice *ret_reason);

/*
 * What a server's Sec-WebSocket-Extensions agrees to: 0, or -ENOTSUP for anything but permessage-deflate, which is
 * then in *ret_deflates.
 */
MUST_CHECK int websocket_extensions_read(struct slice value, bool *ret_deflates);

/* Does a request ask for one? */
bool http_websocket_asked(const struct http_request *request);

#endif
