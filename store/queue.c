/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue between the workers and the writer; see queue.h.
 *
 * Why no turn is read too early: a worker says that it takes a number (since = 0), takes it, and says which; when all that it has is
 * pushed it says so (UINT64_MAX). The reader looks at how many turns were begun, then at what each worker says, then takes what was
 * pushed. So whoever said nothing either had pushed all of the turns counted, or will take a later number.
 *
 * `waiting` is counted up behind the push and down when the reader is done, so it may be below zero for a moment; whoever crosses
 * a threshold upwards wakes the reader, so that no wake-up is lost: what crossed nothing is there before somebody else's wake.
 */
#include "store/queue.h"

#include "store/tap.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* How long small things may wait for others to be written with. */
#define BATCH_MS 50
/* On a machine that others keep busy the reader hardly runs: what was said long ago should be in the file all the same. */
#define LATE_MS 3000
/* Reading goes on when this much is free again: a pause is short then, and the app's next is too. */
#define ROOM_BYTES ((int64_t)2 * 1024 * 1024)
/* Less is not worth a transaction, while there is time. */
#define BATCH_BYTES ((int64_t)1024 * 1024)

static void queue_wake(int fd)
{
	(void)!write(fd, &(uint64_t){ 1 }, sizeof(uint64_t));
}

/* Takes the stack, whose newest item is on top, and puts each behind what is there of its lane. */
static void take_pushed(struct queue *queue)
{
	struct item *item = atomic_exchange_explicit(&queue->newest, NULL, memory_order_acquire);
	struct item *turned = NULL, *next;

	for (; item; item = next) {
		next = item->next;
		item->next = turned;
		turned = item;
	}
	for (; turned; turned = next) {
		struct item_list *lane = &queue->lanes[turned->lane].items;

		next = turned->next;
		turned->next = NULL;
		lane->turn = turned->turn; /* which adding it sets it to */
		lane->lane = turned->lane;
		item_list_add(lane, turned);
	}
}

int queue_init(struct queue *queue, size_t limit, void (*drained)(void *context), void *context)
{
	*queue = (struct queue){ .limit = (int64_t)limit,
				 .late_ms = LATE_MS,
				 .n_lanes = 1,
				 .drained = drained,
				 .drained_context = context };
	for (size_t i = 0; i < QUEUE_LANES; i++) {
		queue->lanes[i].since = UINT64_MAX;
		item_list_init(&queue->lanes[i].items);
	}
	queue->some_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	queue->much_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (queue->some_fd < 0 || queue->much_fd < 0) {
		int error = -errno;

		queue_release(queue);
		return error;
	}
	return 0;
}

void queue_release(struct queue *queue)
{
	take_pushed(queue);
	for (size_t i = 0; i < QUEUE_LANES; i++)
		item_list_release(&queue->lanes[i].items);
	if (queue->some_fd >= 0)
		close(queue->some_fd);
	if (queue->much_fd >= 0)
		close(queue->much_fd);
}

/* ---- turns ---- */

uint8_t queue_add_lane(struct queue *queue)
{
	assert(queue->n_lanes < QUEUE_LANES);
	return queue->n_lanes++;
}

void queue_begin_turn(struct queue *queue, struct item_list *items)
{
	_Atomic uint64_t *since = &queue->lanes[items->lane].since;
	bool has_nothing = atomic_load_explicit(since, memory_order_relaxed) == UINT64_MAX;

	if (has_nothing)
		atomic_store(since, 0);
	items->turn = atomic_fetch_add(&queue->turns, 1) + 1;
	if (has_nothing)
		atomic_store(since, items->turn);
}

void queue_end_turn(struct queue *queue, const struct item_list *items)
{
	if (!items->first)
		atomic_store(&queue->lanes[items->lane].since, UINT64_MAX);
}

/* ---- pushing ---- */

static bool crosses(int64_t before, int64_t after, int64_t threshold)
{
	return before < threshold && after >= threshold;
}

static bool has_room(const struct queue *queue, int64_t waiting)
{
	return waiting <= queue->limit / 2 || queue->limit - waiting >= ROOM_BYTES;
}

/* Whoever finds room in a full queue says so; once. */
static void say_drained(struct queue *queue)
{
	if (has_room(queue, atomic_load(&queue->waiting)) && atomic_exchange(&queue->full, false) &&
	    queue->drained)
		queue->drained(queue->drained_context);
}

static void count_most(struct queue *queue, int64_t waiting)
{
	int64_t most = atomic_load_explicit(&queue->most, memory_order_relaxed);

	while (waiting > most && !atomic_compare_exchange_weak(&queue->most, &most, waiting))
		;
}

void queue_push(struct queue *queue, struct item_list *items)
{
	struct item *oldest = items->first, *newest = NULL, *before;
	int64_t bytes = (int64_t)items->bytes, waiting;

	if (!oldest)
		return;
	while (items->first) {
		struct item *item = item_list_take(items);

		item->next = newest;
		newest = item;
	}
	before = atomic_load_explicit(&queue->newest, memory_order_relaxed);
	do {
		oldest->next = before;
	} while (!atomic_compare_exchange_weak_explicit(
		&queue->newest, &before, newest, memory_order_release, memory_order_relaxed));
	waiting = atomic_fetch_add(&queue->waiting, bytes) + bytes;
	count_most(queue, waiting);
	if (waiting >= queue->limit) {
		atomic_store(&queue->full, true);
		say_drained(queue); /* the reader may have been done with it in between */
	}
	if (crosses(waiting - bytes, waiting, 1) || crosses(waiting - bytes, waiting, BATCH_BYTES))
		queue_wake(queue->some_fd);
	if (crosses(waiting - bytes, waiting, queue->limit / 2))
		queue_wake(queue->much_fd);
}

bool queue_full(const struct queue *queue)
{
	return atomic_load_explicit(&queue->full, memory_order_relaxed);
}

void queue_close(struct queue *queue)
{
	atomic_store(&queue->closing, true);
	queue_wake(queue->some_fd);
	queue_wake(queue->much_fd);
}

void queue_hurry(struct queue *queue)
{
	atomic_store(&queue->hurried, true);
	queue_wake(queue->much_fd);
}

/* ---- reading ---- */

/* Waits until so many bytes wait, somebody hurries, or it is closed. False: the time is up (-1: never). */
static bool wait_for(struct queue *queue, int fd, int64_t bytes, int timeout_ms)
{
	struct pollfd event = { .fd = fd, .events = POLLIN };
	uint64_t count;

	while (atomic_load(&queue->waiting) < bytes && !atomic_load(&queue->hurried) &&
	       !atomic_load(&queue->closing)) {
		int rc = poll(&event, 1, timeout_ms);

		if (rc == 0 || (rc < 0 && errno != EINTR))
			return false;
		(void)!read(fd, &count, sizeof(count));
	}
	return true;
}

static bool is_over(struct queue *queue)
{
	return atomic_load(&queue->closing) && atomic_load(&queue->waiting) <= 0;
}

bool queue_wait_some(struct queue *queue)
{
	(void)wait_for(queue, queue->some_fd, 1, -1);
	(void)wait_for(queue, queue->some_fd, BATCH_BYTES, BATCH_MS);
	return !is_over(queue);
}

bool queue_wait_much(struct queue *queue)
{
	int64_t done = atomic_load(&queue->done), now;

	while (!wait_for(queue, queue->much_fd, queue->limit / 2, queue->late_ms)) {
		now = atomic_load(&queue->done);
		if (atomic_load(&queue->waiting) > now - done)
			atomic_store(&queue->hurried, true);
		done = now;
	}
	return !is_over(queue);
}

/* Until which turn everything was pushed. */
static uint64_t complete(struct queue *queue)
{
	uint64_t until = atomic_load(&queue->turns);

	if (atomic_load(&queue->closing))
		return UINT64_MAX;
	for (size_t i = 0; i < queue->n_lanes; i++) {
		uint64_t since = atomic_load(&queue->lanes[i].since);

		if (!since)
			return queue->until;
		until = since <= until ? since - 1 : until;
	}
	return until;
}

/* The lane whose next item is of the earliest turn. `*ret_until`: the turn up to which it is the earliest. */
static struct queue_lane *earliest(struct queue *queue, uint64_t *ret_until)
{
	struct queue_lane *first = NULL;
	uint64_t first_turn = UINT64_MAX;

	*ret_until = queue->until;
	for (size_t i = 0; i < queue->n_lanes; i++) {
		struct queue_lane *lane = &queue->lanes[i];
		uint64_t turn;

		if (!lane->items.first)
			continue;
		turn = tap_turn(lane->items.first);
		if (!first || turn < first_turn) {
			if (first && first_turn < *ret_until)
				*ret_until = first_turn;
			first = lane;
			first_turn = turn;
		} else if (turn < *ret_until) {
			*ret_until = turn;
		}
	}
	return first && first_turn <= queue->until ? first : NULL;
}

struct item *queue_next(struct queue *queue, uint64_t *ret_until)
{
	queue->next = earliest(queue, ret_until);
	if (!queue->next) {
		queue->until = complete(queue);
		take_pushed(queue);
		queue->next = earliest(queue, ret_until);
	}
	if (!queue->next && atomic_load(&queue->waiting) <= 0)
		atomic_store(&queue->hurried, false);
	return queue->next ? queue->next->items.first : NULL;
}

void queue_take(struct queue *queue)
{
	(void)item_list_take(&queue->next->items);
}

void queue_done(struct queue *queue, size_t bytes)
{
	atomic_fetch_add(&queue->done, (int64_t)bytes);
	atomic_fetch_sub(&queue->waiting, (int64_t)bytes);
	if (atomic_load(&queue->full))
		say_drained(queue);
}
