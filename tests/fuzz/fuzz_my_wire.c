/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz: MySQL's framing, compression, packets and handshake, each alone. The input is what one side sends, behind a byte that
 * chooses which of them, and a byte that chooses the limits and the cuts. Held to: packets, put together again, are the bytes that
 * went in, however they were cut; an error is sticky; what is decompressed does not depend on the cuts, unless it fails;
 * what is compressed comes back; a handshake clears bits and does nothing else.
 */
#include "parsers/mysql/compression.h"
#include "parsers/mysql/packet.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX ((size_t)4 << 20)
#define PLAIN_KEPT ((size_t)64 << 20)
#define SMALL_WHOLE 40

struct result {
	struct buffer bytes;  /* packets put together again, or what was decompressed */
	struct buffer packet; /* the one under way */
	size_t taken;	      /* bytes of the input */
	bool failed;
};

static void must(bool holds)
{
	if (!holds)
		abort();
}

static struct result result_new(void)
{
	struct result result = { .taken = 0 };

	buffer_init(&result.bytes, PLAIN_KEPT);
	buffer_init(&result.packet, INPUT_MAX);
	return result;
}

static void result_release(struct result *result)
{
	buffer_release(&result->bytes);
	buffer_release(&result->packet);
}

/* The next bytes of an input in memory of their own, so that a read beyond them is seen. */
static uint8_t *cut_copy(struct slice *input, size_t cut, struct slice *ret_bytes)
{
	size_t size = cut < input->size ? cut : input->size;
	uint8_t *copy = malloc(size);

	must(copy != NULL);
	memcpy(copy, input->data, size);
	*ret_bytes = slice_of(copy, size);
	*input = slice_of(input->data + size, input->size - size);
	return copy;
}

/* ---- the framer ---- */

static void put(const struct my_framer *framer, const struct my_frame *frame, struct result *result)
{
	if (frame->part == FRAME_BEGIN) {
		must(result->packet.size == 0);
		return;
	}
	buffer_append_slice(&result->packet, frame->body);
	if (frame->part == FRAME_BYTES && !frame->last)
		return;
	must((frame->part == FRAME_WHOLE) == (result->packet.size <= framer->whole_max));
	my_header_write(&result->bytes, result->packet.size, frame->sequence);
	buffer_append_slice(&result->bytes, buffer_slice(&result->packet));
	buffer_clear(&result->packet);
	must(my_framer_between(framer));
}

static struct result frames(uint8_t choice, struct slice input, size_t cut)
{
	struct result result = result_new();
	struct my_framer framer;

	my_framer_init(&framer, choice & 1 ? SMALL_WHOLE : MY_ROW_MAX);
	framer.unordered = choice & 2;
	framer.sequence = choice & 4 ? 0 : MY_SEQUENCE_ANY;
	while (input.size && !result.failed) {
		struct slice bytes;
		uint8_t *copy = cut_copy(&input, cut, &bytes);
		size_t size = bytes.size;
		struct my_frame frame;
		enum my_next next;

		while ((next = my_framer_next(&framer, &bytes, &frame)) == MY_EVENT)
			put(&framer, &frame, &result);
		result.taken += size - bytes.size;
		result.failed = next == MY_ERROR;
		if (result.failed)
			must(framer.error && my_framer_next(&framer, &bytes, &frame) == MY_ERROR);
		else
			must(bytes.size == 0);
		free(copy);
	}
	my_framer_release(&framer);
	return result;
}

static void check_framer(uint8_t choice, struct slice input)
{
	struct result whole = frames(choice, input, SIZE_MAX);
	struct result pieces = frames(choice, input, 1 + (choice >> 3));

	must(whole.failed == pieces.failed && whole.taken == pieces.taken);
	must(slice_equal(buffer_slice(&whole.bytes), buffer_slice(&pieces.bytes)));
	must(slice_equal(buffer_slice(&whole.packet), buffer_slice(&pieces.packet)));
	must(slice_equal(buffer_slice(&whole.bytes), slice_of(input.data, whole.bytes.size)));
	result_release(&whole);
	result_release(&pieces);
}

/* ---- compression ---- */

static struct result plain_of(enum my_compression method, struct slice input, size_t cut)
{
	struct my_decompressor *decompressor = my_decompressor_new(method);
	struct result result = result_new();
	const char *why = NULL, *again = NULL;

	while (input.size && !result.failed && result.bytes.size < PLAIN_KEPT / 2) {
		struct slice bytes, plain;
		uint8_t *copy = cut_copy(&input, cut, &bytes);
		enum my_next next;

		while ((next = my_decompressor_next(decompressor, &bytes, &plain, &why)) ==
			       MY_EVENT &&
		       result.bytes.size < PLAIN_KEPT / 2) {
			must(plain.size != 0);
			buffer_append_slice(&result.bytes, plain);
		}
		result.failed = next == MY_ERROR;
		if (result.failed) {
			next = my_decompressor_next(decompressor, &bytes, &plain, &again);
			must(next == MY_ERROR && why && why == again);
		} else if (next == MY_MORE) {
			must(bytes.size == 0);
		}
		free(copy);
	}
	my_decompressor_free(decompressor);
	return result;
}

static void check_round_trip(enum my_compression method, struct slice input, size_t cut)
{
	struct my_compressor *compressor = my_compressor_new(method, 3);
	struct buffer frames;
	struct result result;
	uint8_t sequence = 0;

	buffer_init(&frames, PLAIN_KEPT);
	my_compress(compressor, input, &frames, &sequence);
	result = plain_of(method, buffer_slice(&frames), cut);
	must(!result.failed && slice_equal(buffer_slice(&result.bytes), input));
	result_release(&result);
	buffer_release(&frames);
	my_compressor_free(compressor);
}

static void check_compression(uint8_t choice, struct slice input)
{
	enum my_compression method = choice & 1 ? MY_ZLIB : MY_ZSTD;
	size_t cut = 1 + (choice >> 1);
	struct result whole = plain_of(method, input, SIZE_MAX);
	struct result pieces = plain_of(method, input, cut);

	/* How far it comes before it fails may depend on the cuts; and no more than some is kept. */
	if (whole.bytes.size < PLAIN_KEPT / 4 && pieces.bytes.size < PLAIN_KEPT / 4) {
		must(whole.failed == pieces.failed);
		must(whole.failed ||
		     slice_equal(buffer_slice(&whole.bytes), buffer_slice(&pieces.bytes)));
	}
	result_release(&whole);
	result_release(&pieces);
	check_round_trip(method, input, cut);
}

/* ---- packets ---- */

static void check_lists(struct slice input, struct slice changes, struct slice attributes)
{
	struct cursor cursor = cursor_of(changes);
	struct message_field fields[MESSAGE_FIELDS_MAX];
	struct completion completion;
	struct column columns[4];
	struct slice name, value;
	uint8_t type;
	size_t n;

	while (my_change_next(&cursor, &type, &value))
		must(value.size <= changes.size);
	cursor = cursor_of(attributes);
	while (my_attribute_next(&cursor, &name, &value))
		must(name.size + value.size < attributes.size);
	if (my_columns_read(input, columns, 4, &n) == 0)
		must(n <= 4);
	if (my_message_read(input, fields, MESSAGE_FIELDS_MAX, &n) == 0)
		must(n >= 3 && n <= 4);
	must((my_completion_read(input, &completion) == 0) == (input.size >= 20));
}

static void check_packets(uint8_t choice, struct slice input)
{
	uint64_t capabilities = choice & 1 ? MY_CAPABILITIES_KNOWN : MY_CLIENT_PROTOCOL_41;
	uint8_t *copy;
	struct my_change_user change = { 0 };
	struct my_greeting greeting;
	struct my_login login = { 0 };
	struct my_prepared prepared;
	struct my_ok ok = { 0 };
	struct column column;
	struct my_err err;
	uint16_t warnings, status;

	if (!input.size)
		return;
	copy = cut_copy(&input, SIZE_MAX, &input);
	input = slice_of(copy, input.size);
	if (my_greeting_read(input, &greeting))
		must(greeting.nonce_first.size == 8 && greeting.nonce_rest.size >= 12);
	my_login_read(input, &login);
	my_change_user_read(input, capabilities, &change);
	my_ok_read(input, capabilities, &ok);
	my_err_read(input, &err);
	my_eof_read(input, &warnings, &status);
	my_prepared_read(input, capabilities, &prepared);
	my_column_read(input, choice & 2, &column);
	check_lists(input, ok.changes, choice & 4 ? login.attributes : change.attributes);
	free(copy);
}

/* ---- the handshake ---- */

/* What is passed on is what came, with some bits less. */
static void check_handshake(uint8_t choice, struct slice input)
{
	struct handshake_step step;
	struct buffer edited;

	buffer_init(&edited, INPUT_MAX);
	my_recognise_server(input);
	step = my_handshake(choice & 1 ? SIDE_SERVER : SIDE_CLIENT, input, &edited);
	if (step.action == HANDSHAKE_FORWARD) {
		must(step.consumed <= input.size && step.reply.size == step.consumed);
		for (size_t i = 0; i < step.consumed; i++)
			must((step.reply.data[i] & ~input.data[i]) == 0);
	} else {
		must(step.consumed == 0);
		must(step.action == HANDSHAKE_MORE || step.action == HANDSHAKE_REFUSED);
	}
	buffer_release(&edited);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const checks[])(uint8_t choice,
				      struct slice input) = { check_framer, check_compression,
							      check_packets, check_handshake };

	if (size >= 2 && size <= INPUT_MAX)
		checks[data[0] % 4](data[1], slice_of(data + 2, size - 2));
	return 0;
}
