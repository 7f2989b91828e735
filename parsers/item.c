/* SPDX-License-Identifier: Apache-2.0 */
/* Making, chaining and freeing items; see item.h for who owns them. */
#include "parsers/item.h"

#include <assert.h>
#include <stddef.h>

struct item *item_new_with_room(enum item_type type, uint64_t connection, size_t size)
{
	struct arena arena;
	struct item *item;

	arena_init(&arena);
	if (size)
		arena_reserve(&arena, size);
	item = arena_alloc(&arena, sizeof(*item));
	item->type = type;
	item->connection = connection;
	item->arena = arena;
	if (type == ITEM_EXCHANGE)
		item->exchange.pieces_end = &item->exchange.pieces;
	return item;
}

struct item *item_new(enum item_type type, uint64_t connection)
{
	return item_new_with_room(type, connection, 0);
}

void item_free(struct item *item)
{
	struct arena arena;

	if (!item)
		return;
	arena = item->arena; /* the item lies in it */
	arena_release(&arena);
}

void item_list_init(struct item_list *list)
{
	*list = (struct item_list){ .end = &list->first };
}

static void forget(struct item_list *list)
{
	list->first = NULL;
	list->end = &list->first;
	list->bytes = 0;
}

void item_list_release(struct item_list *list)
{
	while (list->first) {
		struct item *next = list->first->next;

		item_free(list->first);
		list->first = next;
	}
	forget(list);
}

void item_list_add(struct item_list *list, struct item *item)
{
	assert(!item->next);
	item->turn = list->turn;
	item->lane = list->lane;
	*list->end = item;
	list->end = &item->next;
	list->bytes += item->arena.allocated;
}

struct item *item_list_last(const struct item_list *list)
{
	return list->first ? (struct item *)((char *)list->end - offsetof(struct item, next)) :
			     NULL;
}

struct item *item_list_take(struct item_list *list)
{
	struct item *item = list->first;

	list->first = item->next;
	if (!list->first)
		list->end = &list->first;
	list->bytes -= item->arena.allocated;
	item->next = NULL;
	return item;
}

void item_list_move(struct item_list *to, struct item_list *from)
{
	if (!from->first)
		return;
	*to->end = from->first;
	to->end = from->end;
	to->bytes += from->bytes;
	forget(from);
}

struct piece *item_add_piece(struct item *item, enum piece_type type, uint32_t result,
			     struct slice bytes)
{
	struct piece *piece = arena_alloc(&item->arena, sizeof(*piece));

	assert(item->type == ITEM_EXCHANGE);
	piece->type = (uint8_t)type;
	piece->result = result;
	piece->bytes = arena_copy(&item->arena, bytes);
	*item->exchange.pieces_end = piece;
	item->exchange.pieces_end = &piece->next;
	return piece;
}
