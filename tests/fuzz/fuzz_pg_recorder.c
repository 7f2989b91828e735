/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz: the PostgreSQL framing and recorder. The input is a conversation: blocks of one byte (its low bit is the side), a
 * big-endian length of two bytes, and bytes. The first byte chooses whether a login came before, and how the second run is
 * cut. Held to: no crash, the same items however the bytes were cut, and items no larger than what came in allows.
 */
#include "parsers/cursor.h"
#include "parsers/postgres/wire.h"

#include <stdlib.h>
#include <xxhash.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char login_client[] = "\0\0\0\x12\0\3\0\0user\0ann\0\0";
static const char login_server[] = "R\0\0\0\x08\0\0\0\0S\0\0\0\x19server_version\0"
				   "15.18\0"
				   "Z\0\0\0\5I";

struct run {
	struct recorder *recorder;
	struct item_list items;
	XXH3_state_t *digest;
	const char *why;
	size_t cut;
};

static void feed(struct run *run, enum side side, struct slice bytes)
{
	while (bytes.size && !run->why) {
		size_t size = run->cut && run->cut < bytes.size ? run->cut : bytes.size;
		uint8_t *copy = malloc(size); /* so that a read beyond it is seen */

		if (!copy)
			abort();
		memcpy(copy, bytes.data, size);
		if (pg_recorder_see(run->recorder, side, slice_of(copy, size), 1, &run->items,
				    &run->why) &&
		    !run->why)
			abort(); /* an error without its reason */
		free(copy);
		bytes.data += size;
		bytes.size -= size;
	}
}

static void digest_slice(struct run *run, struct slice slice)
{
	XXH3_64bits_update(run->digest, &slice.size, sizeof(slice.size));
	if (slice.size)
		XXH3_64bits_update(run->digest, slice.data, slice.size);
}

static void digest_exchange(struct run *run, const struct exchange_item *exchange)
{
	const uint64_t facts[] = { exchange->ordinal, exchange->batch,	exchange->index,
				   exchange->opens,   exchange->closes, exchange->kind,
				   exchange->outcome, exchange->flags };

	XXH3_64bits_update(run->digest, facts, sizeof(facts));
	digest_slice(run, exchange->text);
	for (size_t i = 0; i < exchange->n_parameters; i++)
		digest_slice(run, exchange->parameters[i].value);
	for (const struct piece *piece = exchange->pieces; piece; piece = piece->next) {
		const uint32_t head[] = { piece->type, piece->result, piece->count, piece->part };

		XXH3_64bits_update(run->digest, head, sizeof(head));
		digest_slice(run, piece->bytes);
	}
}

/* A digest of all items; their memory is bounded by what came in. */
static uint64_t finish(struct run *run, size_t bytes)
{
	size_t memory = run->items.bytes;
	uint64_t result;

	if (!run->why)
		pg_recorder_end(run->recorder, 2, &run->items);
	for (const struct item *item = run->items.first; item; item = item->next) {
		XXH3_64bits_update(run->digest, &item->type, sizeof(item->type));
		if (item->type == ITEM_EXCHANGE)
			digest_exchange(run, &item->exchange);
		else if (item->type == ITEM_STATEMENT)
			digest_slice(run, item->statement.text);
	}
	/* An item is at least 1 KiB, and a message at least 5 bytes; a prepared text is copied by every Bind of it. */
	if (memory > 65536 + (bytes + 64) * (bytes + 2048))
		abort();
	item_list_release(&run->items);
	pg_recorder_free(run->recorder);
	result = XXH3_64bits_digest(run->digest);
	XXH3_freeState(run->digest);
	return result;
}

static uint64_t record(struct slice input, bool logged_in, size_t cut, bool *ret_failed)
{
	struct run run = { .recorder = pg_recorder_new(1),
			   .digest = XXH3_createState(),
			   .cut = cut };
	struct cursor cursor = cursor_of(input);
	uint64_t result;

	XXH3_64bits_reset(run.digest);
	item_list_init(&run.items);
	if (logged_in) {
		feed(&run, SIDE_CLIENT, slice_of(login_client, sizeof(login_client) - 1));
		feed(&run, SIDE_SERVER, slice_of(login_server, sizeof(login_server) - 1));
		if (run.why)
			abort(); /* the login itself is not understood */
	}
	while (cursor_left(&cursor) > 3) {
		enum side side = cursor_u8(&cursor) & 1 ? SIDE_SERVER : SIDE_CLIENT;
		size_t length = cursor_u16be(&cursor);

		length = length < cursor_left(&cursor) ? length : cursor_left(&cursor);
		feed(&run, side, cursor_bytes(&cursor, length));
	}
	*ret_failed = run.why != NULL;
	result = finish(&run, input.size);
	return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool failed, failed_in_pieces;
	uint64_t whole, pieces;
	struct slice input;

	if (size < 1)
		return 0;
	input = slice_of(data + 1, size - 1);
	whole = record(input, data[0] & 1, 0, &failed);
	pieces = record(input, data[0] & 1, 1 + (data[0] >> 1), &failed_in_pieces);
	if (whole != pieces || failed != failed_in_pieces)
		abort(); /* what is recorded depends on how the bytes were cut */
	return 0;
}
