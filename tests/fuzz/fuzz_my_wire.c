/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz: the MySQL framer alone, and the decompressors. The input is what one side sends, behind one byte: its low bits choose
 * zlib, zstd or none below, whether packets must count from 0, and how large a whole packet is; the others the cuts. Held
 * to: the packets, put together again, are what went in, however that was cut; a packet is whole below the limit and in
 * parts above it; an error is sticky.
 */
#include "parsers/mysql/compression.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX ((size_t)1 << 20)
/* What is put together; decompressed bytes may be a thousand times as many. */
#define PLAIN_MAX ((size_t)8 << 20)

struct result {
	struct buffer bytes; /* the payloads, each behind its last sequence */
	size_t part_bytes;   /* of the packet in parts under way */
	bool in_parts;
	bool failed;
};

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* Where a packet begins and ends must not depend on the cuts; where its parts are may. */
static void put(const struct my_framer *framer, const struct my_frame *frame, struct result *result)
{
	must(result->in_parts == (frame->part == FRAME_BYTES));
	if (frame->part == FRAME_WHOLE)
		must(frame->body.size <= framer->whole_max);
	if (frame->part == FRAME_BYTES)
		result->part_bytes += frame->body.size;
	buffer_append_slice(&result->bytes, frame->body);
	if (frame->part == FRAME_BEGIN) {
		result->in_parts = true;
		result->part_bytes = 0;
		return;
	}
	if (frame->part == FRAME_WHOLE || frame->last) {
		must(!result->in_parts || result->part_bytes > framer->whole_max);
		result->in_parts = false;
		buffer_append_u8(&result->bytes, frame->sequence);
	}
}

static void take(struct my_framer *framer, struct slice bytes, struct result *result)
{
	struct my_frame frame;
	enum my_next next;

	while ((next = my_framer_next(framer, &bytes, &frame)) == MY_EVENT) {
		put(framer, &frame, result);
		must(result->in_parts || my_framer_between(framer));
	}
	if (next == MY_ERROR) {
		must(framer->error && my_framer_next(framer, &bytes, &frame) == MY_ERROR);
		result->failed = true;
	} else {
		must(bytes.size == 0);
	}
}

static void take_compressed(struct my_decompressor *decompressor, struct my_framer *framer,
			    struct slice bytes, struct result *result)
{
	const char *why = NULL;
	struct slice plain;
	enum my_next next = MY_EVENT;

	while (!result->failed && result->bytes.size < PLAIN_MAX &&
	       (next = my_decompressor_next(decompressor, &bytes, &plain, &why)) == MY_EVENT)
		take(framer, plain, result);
	if (next == MY_ERROR) {
		must(why && my_decompressor_next(decompressor, &bytes, &plain, &why) == MY_ERROR);
		result->failed = true;
	}
}

static struct result run(uint8_t choice, struct slice input, size_t cut)
{
	static const enum my_compression methods[] = { MY_STORED, MY_ZLIB, MY_ZSTD, MY_STORED };
	enum my_compression method = methods[choice & 3];
	struct my_decompressor *decompressor =
		method == MY_STORED ? NULL : my_decompressor_new(method);
	struct result result = { .failed = false };
	struct my_framer framer;

	buffer_init(&result.bytes, 4 * PLAIN_MAX);
	my_framer_init(&framer, choice & 8 ? 100 : MY_ROW_MAX);
	framer.sequence = choice & 4 ? 0 : MY_SEQUENCE_ANY;
	framer.unordered = decompressor != NULL;
	while (input.size && !result.failed && result.bytes.size < PLAIN_MAX) {
		size_t size = cut < input.size ? cut : input.size;
		uint8_t *copy = malloc(size); /* so that a read beyond it is seen */

		must(copy != NULL);
		memcpy(copy, input.data, size);
		if (decompressor)
			take_compressed(decompressor, &framer, slice_of(copy, size), &result);
		else
			take(&framer, slice_of(copy, size), &result);
		free(copy);
		input = slice_of(input.data + size, input.size - size);
	}
	my_framer_release(&framer);
	my_decompressor_free(decompressor);
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
	pieces = run(data[0], input, 1 + (data[0] >> 4));
	if (whole.bytes.size < PLAIN_MAX && pieces.bytes.size < PLAIN_MAX) {
		must(whole.failed == pieces.failed);
		must(whole.failed ||
		     slice_equal(buffer_slice(&whole.bytes), buffer_slice(&pieces.bytes)));
	}
	buffer_release(&whole.bytes);
	buffer_release(&pieces.bytes);
	return 0;
}
