/* SPDX-License-Identifier: Apache-2.0 */
/* The queue between workers and writer: order, accounting, who is woken, and no thread that waits for another. */
#include "store/queue.h"

/* clang-format off */
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>
#include <cmocka.h> /* needs those above */
/* clang-format on */

#define LIMIT ((size_t)8 * 1024 * 1024)
#define PUSHERS 3
#define PUSHES 20000

static _Atomic int drained;

static void count_drained(void *context)
{
	assert_ptr_equal(context, &drained);
	drained++;
}

static void begin(struct queue *queue, size_t limit)
{
	drained = 0;
	assert_int_equal(queue_init(queue, limit, count_drained, (void *)&drained), 0);
}

/* An item of a connection's number, and of at least so many bytes. */
static struct item *item_of(uint64_t connection, size_t size)
{
	return item_new_with_room(ITEM_STATEMENT, connection, size);
}

static size_t push(struct queue *queue, uint64_t connection, size_t size)
{
	struct item_list list;
	size_t bytes;

	item_list_init(&list);
	item_list_add(&list, item_of(connection, size));
	bytes = list.bytes;
	queue_push(queue, &list);
	return bytes;
}

static bool is_woken(int fd)
{
	struct pollfd event = { .fd = fd, .events = POLLIN };
	uint64_t count;

	return poll(&event, 1, 0) == 1 && read(fd, &count, sizeof(count)) == sizeof(count);
}

/* The next one's connection, or 0. */
static uint64_t take(struct queue *queue)
{
	uint64_t connection, until;
	struct item *item = queue_next(queue, &until);

	if (!item)
		return 0;
	queue_take(queue);
	assert_null(item->next);
	connection = item->connection;
	queue_done(queue, item->arena.allocated);
	item_free(item);
	return connection;
}

static void test_order(void **state)
{
	struct item_list list;
	struct queue queue;

	(void)state;
	begin(&queue, LIMIT);
	assert_int_equal(take(&queue), 0);
	item_list_init(&list);
	queue_push(&queue, &list); /* nothing */
	assert_false(is_woken(queue.some_fd));
	for (uint64_t i = 1; i <= 3; i++)
		item_list_add(&list, item_of(i, 0));
	queue_push(&queue, &list);
	assert_null(list.first);
	assert_int_equal(list.bytes, 0);
	push(&queue, 4, 0);
	assert_int_equal(take(&queue), 1);
	push(&queue, 5, 0);
	for (uint64_t i = 2; i <= 5; i++)
		assert_int_equal(take(&queue), i);
	assert_int_equal(take(&queue), 0);
	assert_int_equal(queue.waiting, 0);
	queue_release(&queue);
}

static void test_wakes(void **state)
{
	struct queue queue;

	(void)state;
	begin(&queue, LIMIT);
	push(&queue, 1, 0);
	assert_true(is_woken(queue.some_fd));
	push(&queue, 2, 0);
	assert_false(is_woken(queue.some_fd)); /* it is awake, and waits for a batch */
	push(&queue, 3, (size_t)1024 * 1024);
	assert_true(is_woken(queue.some_fd));
	assert_false(is_woken(queue.much_fd));
	push(&queue, 4, LIMIT / 2);
	assert_true(is_woken(queue.much_fd));
	while (take(&queue))
		;
	push(&queue, 5, 0);
	assert_true(is_woken(queue.some_fd));
	assert_true(queue_wait_some(&queue)); /* the time for a batch passes */
	queue_hurry(&queue);
	assert_true(is_woken(queue.much_fd));
	assert_true(queue_wait_much(&queue));
	assert_int_equal(take(&queue), 5);
	assert_true(queue.hurried);
	assert_int_equal(take(&queue), 0);
	assert_false(queue.hurried);
	queue_release(&queue);
}

/* A reader that does less in a while than waits for it is helped; one that keeps up is not. */
static void test_late(void **state)
{
	struct queue queue;

	(void)state;
	begin(&queue, LIMIT);
	queue.late_ms = 1;
	push(&queue, 1, 0);
	assert_true(queue_wait_much(&queue));
	assert_true(queue.hurried);
	assert_int_equal(take(&queue), 1);
	assert_int_equal(take(&queue), 0);
	assert_false(queue.hurried);
	queue_close(&queue);
	assert_false(queue_wait_much(&queue));
	assert_false(queue.hurried);
	queue_release(&queue);
}

static void test_closes(void **state)
{
	struct queue queue;

	(void)state;
	begin(&queue, LIMIT);
	push(&queue, 1, 0);
	queue_close(&queue);
	assert_true(queue_wait_some(&queue));
	assert_true(queue_wait_much(&queue));
	assert_int_equal(take(&queue), 1);
	assert_false(queue_wait_some(&queue));
	assert_false(queue_wait_much(&queue));
	push(&queue, 2, 0); /* what is left is freed */
	queue_release(&queue);
}

static void test_full(void **state)
{
	struct queue queue;
	size_t bytes;

	(void)state;
	begin(&queue, LIMIT);
	bytes = push(&queue, 1, LIMIT - (size_t)1024 * 1024);
	assert_false(queue_full(&queue));
	bytes += push(&queue, 2, (size_t)2 * 1024 * 1024);
	assert_true(queue_full(&queue));
	assert_int_equal(queue.most, bytes);
	assert_int_equal(queue.waiting, bytes);
	assert_int_equal(drained, 0);
	assert_int_equal(take(&queue), 1);
	assert_false(queue_full(&queue));
	assert_int_equal(drained, 1);
	assert_int_equal(take(&queue), 2);
	assert_int_equal(drained, 1);
	assert_int_equal(queue.most, bytes);
	queue_release(&queue);
}

/* Pushes numbers in order, which say who pushed them; pauses while the queue is full. */
struct pusher {
	struct queue *queue;
	uint64_t number;
	pthread_t thread;
};

static void *push_all(void *context)
{
	const struct pusher *pusher = context;

	for (uint64_t i = 0; i < PUSHES; i++) {
		while (queue_full(pusher->queue))
			sched_yield();
		push(pusher->queue, i * PUSHERS + pusher->number + 1, 0);
	}
	return NULL;
}

static void test_threads(void **state)
{
	uint64_t seen[PUSHERS] = { 0 }, all = 0, number;
	struct pusher pushers[PUSHERS];
	struct queue queue;

	(void)state;
	begin(&queue, (size_t)2 * 1024 * 1024); /* it is full before the time for a batch passes */
	for (uint64_t i = 0; i < PUSHERS; i++) {
		pushers[i] = (struct pusher){ .queue = &queue, .number = i };
		assert_int_equal(pthread_create(&pushers[i].thread, NULL, push_all, &pushers[i]),
				 0);
	}
	while (all < (uint64_t)PUSHERS * PUSHES) {
		assert_true(queue_wait_some(&queue));
		while ((number = take(&queue))) {
			assert_int_equal((number - 1) / PUSHERS, seen[(number - 1) % PUSHERS]++);
			all++;
		}
	}
	for (size_t i = 0; i < PUSHERS; i++)
		pthread_join(pushers[i].thread, NULL);
	assert_int_equal(queue.waiting, 0);
	assert_false(queue_full(&queue));
	assert_true(queue.most > 0);
	queue_close(&queue);
	assert_false(queue_wait_some(&queue));
	queue_release(&queue);
}

static void begin_lane(struct queue *queue, struct item_list *list)
{
	item_list_init(list);
	list->lane = queue_add_lane(queue);
}

/* Nothing is read while somebody may have something that came before it. */
static void test_turns(void **state)
{
	struct item_list first, second;
	struct queue queue;

	(void)state;
	begin(&queue, LIMIT);
	begin_lane(&queue, &first);
	begin_lane(&queue, &second);
	queue_begin_turn(&queue, &first);
	item_list_add(&first, item_of(1, 0));
	queue_begin_turn(&queue, &second);
	item_list_add(&second, item_of(2, 0));
	queue_begin_turn(&queue, &first);
	item_list_add(&first, item_of(3, 0));
	queue_push(&queue, &first);
	queue_end_turn(&queue, &first);
	assert_int_equal(take(&queue), 1);
	assert_int_equal(take(&queue), 0);
	queue_end_turn(&queue, &second); /* it has something still */
	assert_int_equal(take(&queue), 0);
	queue_begin_turn(&queue, &first);
	item_list_add(&first, item_of(4, 0));
	queue_push(&queue, &first);
	queue_push(&queue, &second);
	queue_end_turn(&queue, &second);
	assert_int_equal(take(&queue), 2);
	assert_int_equal(take(&queue), 3);
	assert_int_equal(take(&queue), 0); /* the turn of 4 is not over */
	queue_begin_turn(&queue, &first);
	queue_end_turn(&queue, &first);
	assert_int_equal(take(&queue), 4);
	assert_int_equal(queue.waiting, 0);
	queue_release(&queue);
}

/* What is there goes on when the recorder ends, whatever somebody began. */
static void test_turn_without_end(void **state)
{
	struct item_list list;
	struct queue queue;

	(void)state;
	begin(&queue, LIMIT);
	begin_lane(&queue, &list);
	queue_begin_turn(&queue, &list);
	item_list_add(&list, item_of(1, 0));
	queue_push(&queue, &list);
	assert_int_equal(take(&queue), 0);
	queue_close(&queue);
	assert_int_equal(take(&queue), 1);
	assert_false(queue_wait_some(&queue));
	queue_release(&queue);
}

/* A program that asks here, waits for the answer, and then asks there. */
struct relay_race {
	struct queue *queue;
	struct item_list list;
	_Atomic uint64_t *baton; /* what was done last, of all */
	uint64_t place;
	pthread_t thread;
};

static void *run_race(void *context)
{
	struct relay_race *race = context;

	for (uint64_t n = race->place; n <= PUSHES; n += PUSHERS) {
		while (atomic_load(race->baton) != n - 1)
			sched_yield();
		queue_begin_turn(race->queue, &race->list);
		item_list_add(&race->list, item_of(n, 0));
		atomic_store(race->baton, n);
		if (n % 5 == 0 || n + PUSHERS > PUSHES)
			queue_push(race->queue, &race->list);
		queue_end_turn(race->queue, &race->list);
	}
	return NULL;
}

static void test_race(void **state)
{
	struct relay_race runners[PUSHERS];
	_Atomic uint64_t baton = 0;
	struct queue queue;
	uint64_t number, last = 0;

	(void)state;
	begin(&queue, (size_t)1 << 30);
	for (uint64_t i = 0; i < PUSHERS; i++) {
		runners[i] =
			(struct relay_race){ .queue = &queue, .baton = &baton, .place = i + 1 };
		begin_lane(&queue, &runners[i].list);
	}
	for (uint64_t i = 0; i < PUSHERS; i++)
		assert_int_equal(pthread_create(&runners[i].thread, NULL, run_race, &runners[i]),
				 0);
	while (last < PUSHES) {
		assert_true(queue_wait_some(&queue));
		while ((number = take(&queue)))
			assert_int_equal(number, ++last);
	}
	for (size_t i = 0; i < PUSHERS; i++)
		pthread_join(runners[i].thread, NULL);
	assert_int_equal(queue.waiting, 0);
	queue_release(&queue);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order), cmocka_unit_test(test_wakes),
		cmocka_unit_test(test_late),  cmocka_unit_test(test_closes),
		cmocka_unit_test(test_full),  cmocka_unit_test(test_threads),
		cmocka_unit_test(test_turns), cmocka_unit_test(test_turn_without_end),
		cmocka_unit_test(test_race),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
