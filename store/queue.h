/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queue: items on their way from the workers to the writer's threads, bounded in bytes, and read in the order in which things happened.
 *
 * No locks: the writer's thread is one that runs when nobody else wants to, so it may be taken off its processor for a second,
 * whatever it holds, and a worker takes no lock that it takes. What is pushed is put on a stack with one atomic exchange, which the
 * reader takes whole and turns over; waiting is done on an eventfd, not on a condition variable, which has locks of its own.
 *
 * Order: an app may ask on one connection what depends on the answer that it got on another, whose worker is another. So each
 * worker has a lane, and takes a number before it looks at what has come, its turn; what it makes of it carries that number. Whatever an app does
 * behind an answer has a later turn than the answer. The reader merges the lanes by turns, and reads nothing
 * of a turn while a worker may still have something of an earlier one.
 */
#ifndef MOCKPROXY_QUEUE_H
#define MOCKPROXY_QUEUE_H

#include "parsers/compiler.h"
#include "parsers/item.h"

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Lane 0, which is always there, is for whoever has no turns: its items have turn 0, and are read at once. */
#define QUEUE_LANES 65

struct queue_lane {
	/* Of the earliest turn that something may still be pushed of: 0: it is taking a number; UINT64_MAX: of none. */
	alignas(64) _Atomic uint64_t since;
	/* The reader's. */
	alignas(64) struct item_list items;
};

struct queue {
	alignas(64) _Atomic uint64_t turns; /* that were begun */
	alignas(64) _Atomic(struct item *)
		newest;		 /* not taken yet; each is linked to the one before it */
	_Atomic int64_t waiting; /* bytes pushed and not done with */
	_Atomic int64_t most;	 /* that ever waited */
	_Atomic int64_t done;	 /* bytes done with, in all */
	int64_t limit;
	int late_ms; /* the helper helps who is behind by more */
	atomic_bool full;
	atomic_bool closing;
	atomic_bool hurried;
	int some_fd; /* eventfd: the reader has something to do */
	int much_fd; /* eventfd: its helper has */
	void (*drained)(void *context);
	void *drained_context;

	/* The reader's. */
	uint64_t until; /* nothing more of turns up to this one will come */
	struct queue_lane *next;
	uint8_t n_lanes;
	struct queue_lane lanes[QUEUE_LANES];
};

/* `drained` is called, by any thread, when the queue was full and has room again; it may be NULL. 0, or -errno. */
MUST_CHECK int queue_init(struct queue *queue, size_t limit, void (*drained)(void *context),
			  void *context);
/* Frees the items that are left. */
void queue_release(struct queue *queue);

/* A new lane, for the list of a worker, before any thread runs. */
uint8_t queue_add_lane(struct queue *queue);

/* ---- any thread; none of these waits ---- */

/*
 * The thread whose lane and list this is looks at what has come, and will add something to the list: from here on with a new
 * number. May be called again within a turn.
 */
void queue_begin_turn(struct queue *queue, struct item_list *items);
/* It goes to sleep, or waits for somebody: when the list is empty nobody need wait for it. */
void queue_end_turn(struct queue *queue, const struct item_list *items);
/* Takes over all items of the list, which is empty afterwards. */
void queue_push(struct queue *queue, struct item_list *items);
/* More waits than may: whoever can should push no more until `drained` is called. */
bool queue_full(const struct queue *queue);
/* Somebody waits for what was pushed: the helper works until the queue is empty. */
void queue_hurry(struct queue *queue);
/* Nothing is pushed any more: the reader and its helper go on until the queue is empty. */
void queue_close(struct queue *queue);

/* ---- readers ---- */

/* Waits until there is a batch, or some have waited for a while. False: it is closed and empty. */
bool queue_wait_some(struct queue *queue);
/* Waits until the queue is half full, somebody hurries, or the reader is late. False: it is closed and empty. */
bool queue_wait_much(struct queue *queue);
/*
 * The item that is to be read next, as far as `*ret_until`, and stays the queue's; NULL: there is none, or not yet. One reader at a
 * time, as for the next one.
 */
struct item *queue_next(struct queue *queue, uint64_t *ret_until);
/* What queue_next() gave last is read to its end: it is the caller's, who says queue_done() when it is freed. */
void queue_take(struct queue *queue);
/* So many bytes that were taken are done with. */
void queue_done(struct queue *queue, size_t bytes);

#endif
