/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz: HTTP/1 framing and heads. The first byte chooses the side and how the second run is cut. Held to: no crash; the same
 * events however the bytes were cut, bodies apart from where their pieces end; no byte given that did not come; and a recogniser
 * that keeps its word: what it said of a beginning stays true when more bytes come.
 */
#include "parsers/http/message.h"

#include <stdlib.h>
#include <xxhash.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct run {
	struct http_framer framer;
	XXH3_state_t *digest;
	size_t given;
	const char *why;
};

static void note(struct run *run, uint8_t type, struct slice bytes)
{
	static const uint8_t end = 0xff;

	run->given += bytes.size;
	XXH3_64bits_update(run->digest, &type, type != HTTP_BODY);
	if (bytes.size)
		XXH3_64bits_update(run->digest, bytes.data, bytes.size);
	XXH3_64bits_update(run->digest, &end, type != HTTP_BODY);
}

/* Reads the head and tells the framer what follows. */
static void follow(struct run *run, struct slice head)
{
	enum http_body body = HTTP_BODY_AMBIGUOUS;
	struct http_response response;
	struct http_request request;
	struct arena arena;
	uint64_t length = 0;

	arena_init(&arena);
	if (run->framer.server) {
		if (!http_response_read(head, &arena, &response, &run->why))
			body = http_response_body(&response, SLICE("GET"), &length, &run->why);
	} else if (!http_request_read(head, &arena, &request, &run->why)) {
		body = http_request_body(&request, &length, &run->why);
	}
	arena_release(&arena);
	if (body != HTTP_BODY_AMBIGUOUS)
		http_framer_body(&run->framer, body, length);
	else if (!run->why)
		abort(); /* refused without a reason */
}

static void feed(struct run *run, struct slice bytes)
{
	uint8_t *copy = malloc(bytes.size ? bytes.size : 1); /* so that a read beyond it is seen */
	struct slice input = slice_of(copy, bytes.size);
	struct http_event event;
	enum http_next next = HTTP_MORE;

	if (!copy)
		abort();
	if (bytes.size)
		memcpy(copy, bytes.data, bytes.size);
	while (!run->why && (next = http_framer_next(&run->framer, &input, &event)) == HTTP_EVENT) {
		note(run, event.type, event.bytes);
		if (event.type == HTTP_HEAD)
			follow(run, event.bytes);
	}
	if (next == HTTP_ERROR)
		run->why = run->framer.error;
	free(copy);
}

static uint64_t frame(struct slice input, bool server, size_t cut, const char **ret_why)
{
	struct run run = { .digest = XXH3_createState() };
	size_t size = input.size;
	uint64_t result;

	XXH3_64bits_reset(run.digest);
	http_framer_init(&run.framer, server);
	while (input.size && !run.why) {
		size_t n = cut && cut < input.size ? cut : input.size;

		feed(&run, slice_of(input.data, n));
		input = slice_of(input.data + n, input.size - n);
	}
	if (run.given > size)
		abort();
	http_framer_release(&run.framer);
	*ret_why = run.why;
	result = XXH3_64bits_digest(run.digest);
	XXH3_freeState(run.digest);
	return result;
}

static void check_recogniser(struct slice input)
{
	enum recognised before = RECOGNISED_MORE;

	for (size_t i = 1; i <= input.size && i < 64; i++) {
		enum recognised now = http_recognise(slice_of(input.data, i));

		if (before != RECOGNISED_MORE && now != before)
			abort();
		before = now;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *why, *why_in_pieces;
	struct slice input;

	if (size < 1)
		return 0;
	input = slice_of(data + 1, size - 1);
	if (frame(input, data[0] & 1, 0, &why) !=
		    frame(input, data[0] & 1, 1 + (data[0] >> 1), &why_in_pieces) ||
	    why != why_in_pieces)
		abort();
	check_recogniser(input);
	return 0;
}
