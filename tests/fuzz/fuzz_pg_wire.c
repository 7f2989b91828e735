/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz: the PostgreSQL framer alone. The input is what one side sends, behind one byte that chooses the side, whether it begins
 * with a startup message, and the cuts. Held to: the frames, put together again, are the bytes that went in, however they were cut;
 * what was taken and not yet given out lies in the framer; an error is sticky and comes at the same byte.
 */
#include "parsers/postgres/wire.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX ((size_t)4 << 20)

struct result {
	struct buffer bytes; /* frames put together again */
	size_t taken;	     /* bytes of the input */
	size_t left;	     /* of the large message under way */
	bool failed;
};

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void put_header(struct buffer *bytes, const struct pg_frame *frame, bool startup)
{
	must(startup == (frame->type == 0));
	if (!startup)
		buffer_append_u8(bytes, frame->type);
	buffer_append_u32be(bytes, frame->body_size + 4);
}

/* After the StartupMessage a client's messages have types, as recorder and replayer have it. */
static void next_begins(struct pg_framer *framer, const struct pg_frame *frame)
{
	if (frame->type == 0 && frame->body.size && frame->body.data[1] == 3)
		framer->startup = false;
}

static void put(struct pg_framer *framer, const struct pg_frame *frame, struct result *result)
{
	if (frame->part == FRAME_BYTES) {
		must(frame->body.size && frame->body.size <= result->left);
		result->left -= frame->body.size;
		must(frame->last == (result->left == 0));
	} else {
		put_header(&result->bytes, frame, framer->startup);
		result->left = frame->body_size;
		must(frame->part == FRAME_BEGIN ? result->left > PG_ROW_MAX :
						  frame->body.size == frame->body_size);
	}
	if (frame->part != FRAME_BEGIN)
		buffer_append_slice(&result->bytes, frame->body);
	next_begins(framer, frame);
}

/* What was taken lies in the frames or in the framer, and the beginning of a message is what is missing of the input. */
static void check_pending(const struct pg_framer *framer, const struct result *result)
{
	size_t pending = framer->header_size;

	if (framer->in_body && !framer->streaming)
		pending = (framer->startup ? 4 : 5) + framer->body.size;
	must(result->bytes.size + pending == result->taken);
	must(!framer->in_body || framer->frame.body_size >= framer->body_left);
}

static struct result run(uint8_t choice, struct slice input, size_t cut)
{
	struct result result = { .taken = 0 };
	struct pg_framer framer;

	buffer_init(&result.bytes, INPUT_MAX);
	pg_framer_init(&framer, choice & 1);
	framer.startup = !(choice & 1) && (choice & 2);
	while (input.size && !result.failed) {
		size_t size = cut < input.size ? cut : input.size;
		uint8_t *copy = malloc(size);
		struct slice bytes = slice_of(copy, size);
		struct pg_frame frame;
		enum pg_next next;

		must(copy != NULL);
		memcpy(copy, input.data, size);
		while ((next = pg_framer_next(&framer, &bytes, &frame)) == PG_EVENT)
			put(&framer, &frame, &result);
		result.taken += size - bytes.size;
		result.failed = next == PG_ERROR;
		if (result.failed)
			must(framer.error && pg_framer_next(&framer, &bytes, &frame) == PG_ERROR);
		else
			must(bytes.size == 0);
		free(copy);
		if (!result.failed)
			check_pending(&framer, &result);
		input = slice_of(input.data + size, input.size - size);
	}
	pg_framer_release(&framer);
	return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct result whole, pieces;
	struct slice input;

	if (size < 1 || size > INPUT_MAX)
		return 0;
	input = slice_of(data + 1, size - 1);
	whole = run(data[0], input, SIZE_MAX);
	pieces = run(data[0], input, 1 + (data[0] >> 2));
	must(whole.failed == pieces.failed && whole.taken == pieces.taken);
	must(slice_equal(buffer_slice(&whole.bytes), buffer_slice(&pieces.bytes)));
	must(slice_equal(buffer_slice(&whole.bytes), slice_of(input.data, whole.bytes.size)));
	buffer_release(&whole.bytes);
	buffer_release(&pieces.bytes);
	return 0;
}
