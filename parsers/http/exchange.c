/* SPDX-License-Identifier: Apache-2.0 */
/* What parts of HTTP exchanges are as pieces of an item; see exchange.h. Who writes and who reads them agree here. */
#include "parsers/http/exchange.h"

#include "parsers/cursor.h"

#include <errno.h>

#define DEFLATED 1
#define COMPLETE 2

static struct slice big_endian(struct arena *arena, uint64_t value, size_t more, uint8_t **ret_more)
{
	uint8_t *bytes = arena_bytes(arena, 8 + more);

	for (size_t i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(value >> (56 - 8 * i));
	*ret_more = bytes + 8;
	return slice_of(bytes, 8 + more);
}

void http_message_write(const struct http_message *message, struct item *item)
{
	struct piece *piece = item_add_piece(item, PIECE_MESSAGE, message->side, slice_of(NULL, 0));
	uint8_t *at;

	piece->count = message->kind;
	piece->part = message->number;
	piece->bytes =
		big_endian(&item->arena, (uint64_t)message->at_ns, 1 + message->payload.size, &at);
	at[0] = (uint8_t)((message->deflated ? DEFLATED : 0) | (message->complete ? COMPLETE : 0));
	if (message->payload.size)
		memcpy(at + 1, message->payload.data, message->payload.size);
}

int http_message_read(const struct piece *piece, struct http_message *ret_message)
{
	struct cursor cursor = cursor_of(piece->bytes);
	struct http_message message = {
		.side = piece->result == HTTP_REQUEST ? HTTP_REQUEST : HTTP_RESPONSE,
		.kind = (uint8_t)piece->count,
		.number = piece->part,
	};
	uint8_t flags;

	message.at_ns = (int64_t)cursor_u64be(&cursor);
	flags = cursor_u8(&cursor);
	message.deflated = flags & DEFLATED;
	message.complete = flags & COMPLETE;
	message.payload = cursor_rest(&cursor);
	if (cursor.failed)
		return -EINVAL;
	*ret_message = message;
	return 0;
}

void http_arrival_write(uint64_t bytes, int64_t at_ns, struct item *item)
{
	struct piece *piece = item_add_piece(item, PIECE_ARRIVED, HTTP_RESPONSE, slice_of(NULL, 0));
	uint8_t *at;

	piece->bytes = big_endian(&item->arena, bytes, 8, &at);
	for (size_t i = 0; i < 8; i++)
		at[i] = (uint8_t)((uint64_t)at_ns >> (56 - 8 * i));
}

int http_arrival_read(const struct piece *piece, uint64_t *ret_bytes, int64_t *ret_at_ns)
{
	struct cursor cursor = cursor_of(piece->bytes);
	uint64_t bytes = cursor_u64be(&cursor);
	int64_t at_ns = (int64_t)cursor_u64be(&cursor);

	if (!cursor_done(&cursor))
		return -EINVAL;
	*ret_bytes = bytes;
	*ret_at_ns = at_ns;
	return 0;
}
