/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every recorder of requests and answers keeps of them: the exchange that the server is answering, the one before, and
 * their pieces on the way to the store.
 *
 *	exchange_new() ──▶ item ──exchange_activate()──▶ active ──exchange_close()──▶ last ──exchange_emit_last()──▶ items
 *
 * A large exchange is handed on in parts while it is active (exchange_spill), so that nothing is held whole.
 *
 * Rows are appended to pieces of growing size. A row that is too large to be held is given value by value: its large values
 * go to parts of their own, the rest of it is gathered in `row.bytes` and stored behind them.
 *
 * Invariants: `active` and `last` are owned. rows_room is what is left behind the last piece of `active`, for rows, or for
 * the bytes of a value's part; anything else that adds a piece sets it to 0.
 */
#ifndef MOCKPROXY_EXCHANGE_LOG_H
#define MOCKPROXY_EXCHANGE_LOG_H

#include "parsers/buffer.h"
#include "parsers/cursor.h"
#include "parsers/item.h"

/* An exchange's item goes to the store in pieces of about this size. */
#define EXCHANGE_ITEM_BYTES ((size_t)128 << 10)
/* A value above this goes to a part of its own (design §5). */
#define EXCHANGE_VALUE_MAX ((size_t)256 << 10)
/* In a row that is itself large, already a value above this does. */
#define EXCHANGE_VALUE_MAX_IN_LARGE_ROW ((size_t)4 << 10)

/* A row that is given value by value. */
struct exchange_row {
	struct buffer bytes; /* of the row, in the common form of item.h */
	size_t value_left;   /* of the value under way */
	uint32_t part;	     /* 0: the value goes into the row itself */
};

struct exchange_log {
	uint64_t connection;
	int64_t now_ns;
	struct item_list *items; /* of the call that is under way */
	struct item *active;	 /* the server is answering it */
	struct item *last;	 /* complete, and waits for what still belongs to it */
	uint64_t ordinal;
	uint64_t batch;
	uint32_t batch_index;
	uint8_t transaction; /* as the server last said */
	uint32_t
		cut_flags; /* enum exchange_flag: what is said of exchanges that are cut, beside EXCHANGE_CUT */
	uint32_t result; /* number of the result that comes next, or is under way */
	uint32_t parts;	 /* value parts of the connection */
	size_t rows_room;
	size_t rows_next; /* how much room the next rows piece gets; 0: just its first row */
	struct exchange_row row;
};

void exchange_log_init(struct exchange_log *log, uint64_t connection);
void exchange_log_release(struct exchange_log *log);

/* The client's request as the exchange that it will be; bytes are copied. */
struct item *exchange_new(const struct exchange_log *log, enum exchange_kind kind,
			  struct slice bytes, struct slice *ret_copy);
/* The same; where the bytes are many and lie in `held`, its memory becomes the item's, and `held` is empty. */
struct item *exchange_new_from(const struct exchange_log *log, enum exchange_kind kind,
			       struct buffer *held, struct slice bytes, struct slice *ret_copy);
/* The server begins to answer this exchange, or goes on with it; takes the item over. None is active. */
void exchange_activate(struct exchange_log *log, struct item *item);
/* The first answer byte of the active exchange came now. */
void exchange_touch(struct exchange_log *log);
/* The active one ended; it becomes `last`. */
void exchange_close(struct exchange_log *log, enum exchange_outcome outcome);
void exchange_emit_last(struct exchange_log *log);
/* Hands what the active exchange has so far to the store, when that is much. */
void exchange_spill(struct exchange_log *log, size_t above_bytes);
/* A request that was never answered, when the connection ends; takes the item over. */
void exchange_cut(struct exchange_log *log, struct item *item);
/* A begun exchange that is not under way is given up before it was drained; takes the item over. */
void exchange_suspended_end(struct exchange_log *log, struct item *item);
/* Adds a piece to the active exchange's current result. */
struct piece *exchange_piece(struct exchange_log *log, enum piece_type type, struct slice bytes);

/* A whole row in the common form. */
void exchange_row_add(struct exchange_log *log, struct slice row);
/* The same for a row that is made in its place: room for `max` bytes, of which exchange_row_end() takes `size`. */
uint8_t *exchange_row_room(struct exchange_log *log, size_t max);
void exchange_row_end(struct exchange_log *log, size_t size);

/* A row value by value: begin, the number of values into row.bytes, then each value, then end. */
void exchange_large_row_begin(struct exchange_log *log);
void exchange_large_value_null(struct exchange_log *log);
void exchange_large_value_begin(struct exchange_log *log, size_t size);
/* Takes what the value under way still needs, or all there is. */
void exchange_large_value_take(struct exchange_log *log, struct cursor *cursor);
/* False when the row has too many values to be held. */
bool exchange_large_row_end(struct exchange_log *log);

/* What the server says by itself, as it comes now: behind the exchange that was begun last. The caller's. */
struct item *exchange_aside(const struct exchange_log *log, enum piece_type type,
			    struct slice bytes);

/* White space around a statement that was split off from others. */
struct slice exchange_trim(struct slice text);

#endif
