/* SPDX-License-Identifier: Apache-2.0 */
/* Exchanges from their opening to their items; see exchange_log.h, which states the invariants. */
#include "parsers/exchange_log.h"

#include <assert.h>

/* The common form of a row that is itself large, without its large values. */
#define LARGE_ROW_MAX ((size_t)32 << 20)

/* Copying less is cheap. */
#define TAKEN_OVER_MIN ((size_t)256 << 10)

void exchange_log_init(struct exchange_log *log, uint64_t connection)
{
	*log = (struct exchange_log){ .connection = connection, .transaction = 'I' };
	buffer_init(&log->row.bytes, LARGE_ROW_MAX);
}

void exchange_log_release(struct exchange_log *log)
{
	item_free(log->active);
	item_free(log->last);
	buffer_release(&log->row.bytes);
	log->active = NULL;
	log->last = NULL;
}

struct item *exchange_new(const struct exchange_log *log, enum exchange_kind kind,
			  struct slice bytes, struct slice *ret_copy)
{
	struct item *item = item_new(ITEM_EXCHANGE, log->connection);

	item->exchange.kind = (uint8_t)kind;
	item->exchange.opens = true;
	item->exchange.start_ns = log->now_ns;
	if (ret_copy)
		*ret_copy = arena_copy(&item->arena, bytes);
	return item;
}

struct item *exchange_new_from(const struct exchange_log *log, enum exchange_kind kind,
			       struct buffer *held, struct slice bytes, struct slice *ret_copy)
{
	uintptr_t from = (uintptr_t)held->data, at = (uintptr_t)bytes.data;
	struct item *item;
	uint8_t *block;
	size_t size;

	if (bytes.size <= TAKEN_OVER_MIN || at < from || at - from >= held->size)
		return exchange_new(log, kind, bytes, ret_copy);
	item = exchange_new(log, kind, slice_of(NULL, 0), NULL);
	block = buffer_take(held, &size);
	*ret_copy = slice_of(block + (at - from), bytes.size);
	arena_take_over(&item->arena, block, size);
	return item;
}

void exchange_activate(struct exchange_log *log, struct item *item)
{
	assert(!log->active);
	exchange_emit_last(log);
	if (!item->exchange.ordinal) {
		item->exchange.ordinal = ++log->ordinal;
		item->exchange.batch = log->batch;
		item->exchange.index = log->batch_index++;
		/* As the server last said: with several requests in flight the client did not know it yet. */
		item->exchange.transaction = log->transaction;
	}
	log->active = item;
	log->result = 0;
	log->rows_room = 0;
	log->rows_next = 0;
}

void exchange_touch(struct exchange_log *log)
{
	if (log->active && !log->active->exchange.first_byte_ns)
		log->active->exchange.first_byte_ns = log->now_ns;
}

void exchange_close(struct exchange_log *log, enum exchange_outcome outcome)
{
	struct exchange_item *exchange = &log->active->exchange;

	exchange->closes = true;
	exchange->outcome = (uint8_t)outcome;
	if (outcome == OUTCOME_OK || outcome == OUTCOME_ERROR)
		exchange->end_ns = log->now_ns;
	assert(!log->last);
	log->last = log->active;
	log->active = NULL;
}

void exchange_emit_last(struct exchange_log *log)
{
	if (log->last)
		item_list_add(log->items, log->last);
	log->last = NULL;
}

void exchange_spill(struct exchange_log *log, size_t above_bytes)
{
	struct item *part = log->active;
	struct item *next;

	if (!part || part->arena.allocated <= above_bytes)
		return;
	next = item_new(ITEM_EXCHANGE, log->connection);
	next->exchange.kind = part->exchange.kind;
	next->exchange.ordinal = part->exchange.ordinal;
	next->exchange.batch = part->exchange.batch;
	next->exchange.index = part->exchange.index;
	next->exchange.start_ns = part->exchange.start_ns;
	next->exchange.first_byte_ns = part->exchange.first_byte_ns;
	next->exchange.flags = part->exchange.flags;
	next->exchange.passed = part->exchange.passed;
	item_list_add(log->items, part);
	log->active = next;
	log->rows_room = 0;
}

void exchange_cut(struct exchange_log *log, struct item *item)
{
	exchange_activate(log, item);
	item->exchange.flags |= EXCHANGE_CUT | log->cut_flags;
	exchange_close(log, OUTCOME_UNFINISHED);
	exchange_emit_last(log);
}

void exchange_suspended_end(struct exchange_log *log, struct item *item)
{
	item->exchange.closes = true;
	item->exchange.outcome = OUTCOME_SUSPENDED;
	item->exchange.end_ns = log->now_ns;
	item_list_add(log->items, item);
}

struct piece *exchange_piece(struct exchange_log *log, enum piece_type type, struct slice bytes)
{
	log->rows_room = 0;
	return item_add_piece(log->active, type, log->result, bytes);
}

struct item *exchange_aside(const struct exchange_log *log, enum piece_type type,
			    struct slice bytes)
{
	struct item *item = item_new(ITEM_ASIDE, log->connection);

	item->aside = (struct aside_item){
		.at_ns = log->now_ns,
		.ordinal = log->ordinal,
		.within = log->active || log->last,
		.type = (uint8_t)type,
		.bytes = arena_copy(&item->arena, bytes),
	};
	return item;
}

/* Between semicolons there is often a line break; people read the statements alone. */
struct slice exchange_trim(struct slice text)
{
	while (text.size && strchr(" \t\r\n", text.data[0])) {
		text.data++;
		text.size--;
	}
	while (text.size && strchr(" \t\r\n", text.data[text.size - 1]))
		text.size--;
	return text;
}
