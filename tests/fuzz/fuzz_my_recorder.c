/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz: the MySQL framing and recorder. The input is a conversation: blocks of one byte (its low bit is the side), a
 * big-endian length of two bytes, and bytes. The first byte chooses whether a login came before, and how the second run is
 * cut; the second the capabilities of that login. Held to: no crash, the same items however the bytes were cut, and items
 * no larger than what came in allows.
 */
#include "parsers/cursor.h"
#include "parsers/mysql/packet.h"

#include <stdlib.h>
#include <xxhash.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
		if (my_recorder_see(run->recorder, side, slice_of(copy, size), 1, &run->items,
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
static uint64_t finish(struct run *run, size_t bytes, bool compressed)
{
	size_t memory = run->items.bytes;
	uint64_t result;

	if (!run->why)
		my_recorder_end(run->recorder, 2, &run->items);
	for (const struct item *item = run->items.first; item; item = item->next) {
		XXH3_64bits_update(run->digest, &item->type, sizeof(item->type));
		if (item->type == ITEM_EXCHANGE)
			digest_exchange(run, &item->exchange);
		else if (item->type == ITEM_STATEMENT)
			digest_slice(run, item->statement.text);
	}
	/* An item is at least 1 KiB, and a packet at least 4 bytes; a prepared text is copied by every execution of it. Compressed
	 * bytes may be a thousand times as many. */
	if (!compressed && memory > 65536 + (bytes + 64) * (bytes + 4096))
		abort();
	item_list_release(&run->items);
	my_recorder_free(run->recorder);
	result = XXH3_64bits_digest(run->digest);
	XXH3_freeState(run->digest);
	return result;
}

/* What a login may agree on, by the bits of a byte. */
static const uint64_t choices[8] = {
	MY_CLIENT_DEPRECATE_EOF,
	MY_CLIENT_MULTI_STATEMENTS,
	MY_CLIENT_QUERY_ATTRIBUTES,
	MY_CLIENT_SESSION_TRACK,
	MY_CLIENT_COMPRESS,
	MY_CLIENT_ZSTD,
	MY_MARIADB_CACHE_METADATA | MY_CLIENT_OPTIONAL_METADATA,
	MY_MARIADB_EXTENDED_METADATA | MY_MARIADB_BULK | MY_MARIADB_PROGRESS,
};

static void feed_packet(struct run *run, enum side side, struct buffer *out, size_t at,
			uint8_t *sequence)
{
	my_packet_end(out, at, sequence);
	feed(run, side, buffer_slice(out));
	buffer_clear(out);
}

static void log_in(struct run *run, uint8_t chosen)
{
	uint64_t capabilities = MY_CLIENT_PROTOCOL_41 | MY_CLIENT_SECURE_CONNECTION |
				MY_CLIENT_PLUGIN_AUTH | MY_CLIENT_LOCAL_FILES;
	struct my_greeting greeting = { .version = SLICE("11.8"),
					.nonce_first = SLICE("nonce-__"),
					.nonce_rest = SLICE("nonce-rest__"),
					.plugin = SLICE("mysql_native_password") };
	struct my_login login = { .user = SLICE("ann"), .plugin = greeting.plugin };
	const struct my_ok ok = { .status = MY_STATUS_AUTOCOMMIT };
	uint8_t sequence = 0;
	struct buffer out;
	size_t at;

	for (size_t i = 0; i < 8; i++)
		if (chosen >> i & 1)
			capabilities |= choices[i];
	greeting.capabilities = login.capabilities = capabilities;
	buffer_init(&out, 4096);
	at = my_packet_begin(&out);
	my_greeting_write(&out, &greeting);
	feed_packet(run, SIDE_SERVER, &out, at, &sequence);
	at = my_packet_begin(&out);
	my_login_write(&out, &login);
	feed_packet(run, SIDE_CLIENT, &out, at, &sequence);
	at = my_packet_begin(&out);
	my_ok_write(&out, MY_OK, capabilities, &ok);
	feed_packet(run, SIDE_SERVER, &out, at, &sequence);
	buffer_release(&out);
	if (run->why)
		abort(); /* the login itself is not understood */
}

static uint64_t record(struct slice input, bool logged_in, uint8_t chosen, size_t cut,
		       bool *ret_failed)
{
	struct run run = { .recorder = my_recorder_new(1),
			   .digest = XXH3_createState(),
			   .cut = cut };
	struct cursor cursor = cursor_of(input);
	uint64_t result;

	XXH3_64bits_reset(run.digest);
	item_list_init(&run.items);
	if (logged_in)
		log_in(&run, chosen);
	while (cursor_left(&cursor) > 3) {
		enum side side = cursor_u8(&cursor) & 1 ? SIDE_SERVER : SIDE_CLIENT;
		size_t length = cursor_u16be(&cursor);

		length = length < cursor_left(&cursor) ? length : cursor_left(&cursor);
		feed(&run, side, cursor_bytes(&cursor, length));
	}
	*ret_failed = run.why != NULL;
	result = finish(&run, input.size, !logged_in || (chosen & 0x30));
	return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool failed, failed_in_pieces;
	uint64_t whole, pieces;
	struct slice input;

	if (size < 2)
		return 0;
	input = slice_of(data + 2, size - 2);
	whole = record(input, data[0] & 1, data[1], 0, &failed);
	pieces = record(input, data[0] & 1, data[1], 1 + (data[0] >> 1), &failed_in_pieces);
	if (failed != failed_in_pieces)
		abort();
	/* Of damaged compressed data more comes out when they come in pieces; else the cuts must not matter. */
	if (whole != pieces && !(failed && (!(data[0] & 1) || (data[1] & 0x30))))
		abort();
	return 0;
}
