/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz: WebSockets. The first byte says whether permessage-deflate was agreed on, whose bytes the framer is given, and how
 * the second run is cut. Held to: no crash; the same messages however the bytes were cut; no byte given that did not come;
 * and the same of the recorder, over a conversation (conversation.h) that begins behind the 101.
 */
#include "parsers/http/websocket.h"
#include "parsers/http/wire.h"
#include "tests/fuzz/conversation.h"

#include <stdlib.h>
#include <xxhash.h>

#define REQUEST                                                           \
	"GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" \
	"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
#define RESPONSE "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
#define DEFLATES "Sec-WebSocket-Extensions: permessage-deflate\r\n"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct run {
	struct websocket_framer framer;
	XXH3_state_t *digest;
	size_t given;
	bool failed;
};

static void note(struct run *run, struct websocket_event *event)
{
	uint8_t *copy = malloc(event->bytes.size + 1);
	const uint8_t facts[] = { event->type, event->kind, event->deflated };

	if (!copy)
		abort();
	run->given += event->bytes.size;
	if (event->bytes.size)
		memcpy(copy, event->bytes.data, event->bytes.size);
	websocket_unmask(copy, event->bytes.size, event->key);
	XXH3_64bits_update(run->digest, facts, event->type == WEBSOCKET_BYTES ? 0 : sizeof(facts));
	XXH3_64bits_update(run->digest, copy, event->bytes.size);
	free(copy);
}

static void feed(struct run *run, struct slice bytes)
{
	uint8_t *copy = malloc(bytes.size ? bytes.size : 1); /* so that a read beyond it is seen */
	struct slice input = slice_of(copy, bytes.size);
	struct websocket_event event;
	enum websocket_next next;

	if (!copy)
		abort();
	if (bytes.size)
		memcpy(copy, bytes.data, bytes.size);
	while ((next = websocket_framer_next(&run->framer, &input, &event)) == WEBSOCKET_EVENT)
		note(run, &event);
	run->failed = next == WEBSOCKET_ERROR;
	free(copy);
}

static uint64_t frame(struct slice input, uint8_t how, size_t cut, const char **ret_why)
{
	struct run run = { .digest = XXH3_createState() };
	size_t size = input.size;
	uint64_t result;

	XXH3_64bits_reset(run.digest);
	websocket_framer_init(&run.framer, how & 1, how & 2);
	while (input.size && !run.failed) {
		size_t n = cut && cut < input.size ? cut : input.size;

		feed(&run, slice_of(input.data, n));
		input = slice_of(input.data + n, input.size - n);
	}
	if (run.given > size || run.failed != (run.framer.error != NULL))
		abort();
	*ret_why = run.framer.error;
	result = XXH3_64bits_digest(run.digest);
	XXH3_freeState(run.digest);
	return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conversation conversation = {
		.protocol = &http_protocol,
		.login = { SLICE(REQUEST), SLICE(RESPONSE "\r\n") },
		.ends = true,
	};
	const char *why, *why_in_pieces;

	if (size < 1)
		return 0;
	conversation.input = slice_of(data + 1, size - 1);
	if (frame(conversation.input, data[0], 0, &why) !=
		    frame(conversation.input, data[0], 1 + (data[0] >> 2), &why_in_pieces) ||
	    why != why_in_pieces)
		abort();
	if (data[0] & 2)
		conversation.login[SIDE_SERVER] = SLICE(RESPONSE DEFLATES "\r\n");
	conversation_check(&conversation, 1 + (data[0] >> 2));
	return 0;
}
