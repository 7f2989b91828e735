/* SPDX-License-Identifier: Apache-2.0 */
/* Recorders over fuzz input; see conversation.h. */
#include "tests/fuzz/conversation.h"

#include "parsers/cursor.h"
#include "parsers/http/exchange.h"

#include <stdlib.h>
#include <xxhash.h>

/* All that a conversation may be filled with. */
#define FILLED_MAX ((size_t)1 << 20)

struct run {
	const struct protocol *protocol;
	struct recorder *recorder;
	struct item_list items;
	XXH3_state_t *digest;
	const char *why;
	size_t cut;
	size_t filled;
};

static void feed(struct run *run, enum side side, struct slice bytes)
{
	bool end = !bytes.size;

	while ((bytes.size || end) && !run->why) {
		size_t size = run->cut && run->cut < bytes.size ? run->cut : bytes.size;
		uint8_t *copy = malloc(size + end); /* so that a read beyond it is seen */

		if (!copy)
			abort();
		if (size)
			memcpy(copy, bytes.data, size);
		if (run->protocol->recorder_see(run->recorder, side, slice_of(copy, size), 1,
						&run->items, &run->why) &&
		    !run->why)
			abort(); /* an error without its reason */
		free(copy);
		bytes.data += size;
		bytes.size -= size;
		end = false;
	}
}

/* In larger pieces, as what they consist of is always the same. */
static void fill(struct run *run, enum side side, size_t kib)
{
	size_t size = kib << 10, cut = run->cut;
	uint8_t *bytes = malloc(size + 1);

	if (!bytes)
		abort();
	if (size > FILLED_MAX - run->filled)
		size = FILLED_MAX - run->filled;
	memset(bytes, 'x', size);
	run->filled += size;
	run->cut = 64 * cut;
	if (size)
		feed(run, side, slice_of(bytes, size));
	run->cut = cut;
	free(bytes);
}

static void digest_slice(struct run *run, struct slice slice)
{
	XXH3_64bits_update(run->digest, &slice.size, sizeof(slice.size));
	if (slice.size)
		XXH3_64bits_update(run->digest, slice.data, slice.size);
}

static void digest_http(struct run *run, const struct http_request *request)
{
	digest_slice(run, request->method);
	digest_slice(run, request->authority);
	digest_slice(run, request->path);
	for (size_t i = 0; i < request->fields.n; i++)
		digest_slice(run, request->fields.list[i].value);
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
	if (exchange->request)
		digest_http(run, exchange->request);
	for (const struct piece *piece = exchange->pieces; piece; piece = piece->next) {
		const uint32_t head[] = { piece->type, piece->result, piece->count, piece->part };

		XXH3_64bits_update(run->digest, head, sizeof(head));
		digest_slice(run, piece->bytes);
	}
}

/* A digest of all items; their memory is bounded by what came in. */
static uint64_t finish(struct run *run, const struct conversation *conversation)
{
	size_t memory = run->items.bytes, bytes = conversation->input.size + run->filled;
	uint64_t result;

	if (!run->why)
		run->protocol->recorder_end(run->recorder, 2, &run->items);
	for (const struct item *item = run->items.first; item; item = item->next) {
		XXH3_64bits_update(run->digest, &item->type, sizeof(item->type));
		if (item->type == ITEM_EXCHANGE)
			digest_exchange(run, &item->exchange);
		else if (item->type == ITEM_STATEMENT)
			digest_slice(run, item->statement.text);
	}
	/* An item is at least 1 KiB, and a message at least 5 bytes; a prepared text is copied by every Bind of it. */
	if (!conversation->inflates && memory > 65536 + (bytes + 64) * (bytes + 2048))
		abort();
	item_list_release(&run->items);
	run->protocol->recorder_free(run->recorder);
	result = XXH3_64bits_digest(run->digest);
	XXH3_freeState(run->digest);
	return result;
}

static uint64_t record(const struct conversation *conversation, size_t cut, bool *ret_failed)
{
	struct run run = { .protocol = conversation->protocol,
			   .recorder = conversation->protocol->recorder_new(1),
			   .digest = XXH3_createState(),
			   .cut = cut };
	struct cursor cursor = cursor_of(conversation->input);

	XXH3_64bits_reset(run.digest);
	item_list_init(&run.items);
	if (conversation->greeting.size)
		feed(&run, SIDE_SERVER, conversation->greeting);
	for (size_t i = 0; i < 2; i++)
		if (conversation->login[i].size)
			feed(&run, (enum side)i, conversation->login[i]);
	if (run.why)
		abort(); /* the login itself is not understood */
	while (cursor_left(&cursor) > 3) {
		uint8_t begins = cursor_u8(&cursor);
		enum side side = begins & 1 ? SIDE_SERVER : SIDE_CLIENT;
		size_t length = cursor_u16be(&cursor);

		length = length < cursor_left(&cursor) ? length : cursor_left(&cursor);
		if (length || conversation->ends)
			feed(&run, side, cursor_bytes(&cursor, length));
		if (begins & 2)
			fill(&run, side, cursor_u8(&cursor));
	}
	*ret_failed = run.why != NULL;
	return finish(&run, conversation);
}

void conversation_check(const struct conversation *conversation, size_t cut)
{
	bool failed, failed_in_pieces;
	uint64_t whole = record(conversation, 0, &failed);
	uint64_t pieces = record(conversation, cut, &failed_in_pieces);

	if (conversation->inflates && failed && failed_in_pieces)
		return;
	if (whole != pieces || failed != failed_in_pieces)
		abort(); /* what is recorded depends on how the bytes were cut */
}
