/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taps: what passes on a connection, on its way to the connection's recorder, which runs on the writer's thread.
 *
 *	worker ── tap_see() ──▶ spool: one item, bytes of many connections in the order in which they passed
 *	                          └─ queue ──▶ writer's thread ── tap_play() ──▶ recorder ──▶ items ──▶ ingest
 *
 * Between two system calls decoding costs several times what it costs in a batch: its code and data are cold, and the items that
 * it makes are freed on another processor. So a worker only copies what passed.
 *
 * A tap is made and told by the worker, and freed by the writer's thread with the item that closes its connection, which carries
 * it. Where the recorder gives up, that item says why.
 */
#ifndef MOCKPROXY_TAP_H
#define MOCKPROXY_TAP_H

#include "parsers/item.h"
#include "parsers/protocol.h"

#include <stdatomic.h>

struct tap;

/*
 * Takes over the recorder. `passed` is how much passed by side before, which it does not see; `*opaque`, which lives as long as the
 * writer, counts recorders that gave up.
 */
struct tap *tap_new(const struct protocol *protocol, struct recorder *recorder,
		    const uint64_t passed[2], _Atomic uint64_t *opaque);

/* ---- on a worker's thread: what is told is added to `items`, in order ---- */

/* The recorder gave up: nothing need be told any more. */
bool tap_is_deaf(const struct tap *tap);
/* As the functions of struct protocol say. Bytes are copied. */
void tap_see(struct tap *tap, enum side side, struct slice bytes, int64_t time_ns,
	     struct item_list *items);
void tap_flush(struct tap *tap, int64_t before_ns, struct item_list *items);
void tap_broken(struct tap *tap, enum side side, struct item_list *items);
void tap_end(struct tap *tap, int64_t time_ns, struct item_list *items);
/*
 * The recorder is wanted back: tap_give_back() is told, and when the items were pushed tap_taken_back() waits until all before it was
 * played, which is at once where nothing was told. NULL: it gave up. Nothing may be told after it.
 */
void tap_give_back(struct tap *tap, struct item_list *items);
struct recorder *tap_taken_back(struct tap *tap);

/* ---- on the writer's thread ---- */

/*
 * Plays what a spool has of turns up to this one (queue.h), and at least one entry, if any is left. What comes out is given to `take`, which owns it; after its first error, which is returned, all is freed. `take` is NULL
 * where recording is over: nothing is decoded, but recorders are given back.
 */
MUST_CHECK int tap_play(struct item *spool, uint64_t until,
			int (*take)(void *context, struct item *item), void *context);
/* The turn of what is to be played next of any item; of one that is no spool its own. */
uint64_t tap_turn(const struct item *item);
/* Nothing of the item is left to be played. */
bool tap_is_played(const struct item *item);
/* Of a connection that closes: completes the item, and frees the tap where it has one. */
void tap_close(struct item *close);

#endif
