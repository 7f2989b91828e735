/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Workers; see worker.h. One turn of the loop: wait, serve each event, take in new connections, hand the items that came
 * up to the writer. When the writer's queue is full a worker does not wait for events at all until there is room: nothing is
 * read, so the kernel's buffers fill and both peers slow down (design §3.2).
 *
 * Invariant: a connection in `ended` is in no other list, has no descriptors, and is freed before the next wait, so that
 * no event can name a connection that was freed.
 */
#include "proxy/worker.h"

#include "proxy/message.h"
#include "proxy/socket.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_A_TURN 256
/* How often connections are asked whether something takes too long. */
#define TICK_MS 250
#define NS_A_MS ((int64_t)1000000)
/* Beyond this an answer buffer's memory is given back. */
#define OUT_KEEP_BYTES ((size_t)1 << 20)

void worker_now_again(struct worker *worker)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	worker->now_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t worker_now(struct worker *worker)
{
	return worker->now_ns;
}

void worker_wake_at(struct worker *worker, int64_t ns)
{
	if (ns < worker->wake_ns)
		worker->wake_ns = ns;
}

/* ---- legs ---- */

void leg_init(struct leg *leg, struct connection *connection, int fd, size_t pending_max)
{
	*leg = (struct leg){ .connection = connection, .fd = fd };
	buffer_init(&leg->pending, pending_max);
}

void leg_watch(struct leg *leg, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = leg };
	int operation = EPOLL_CTL_MOD;

	if (leg->fd < 0 || events == leg->events)
		return;
	/* Out of epoll when nothing is waited for: a hang-up is reported always, and would spin. */
	if (!leg->events)
		operation = EPOLL_CTL_ADD;
	else if (!events)
		operation = EPOLL_CTL_DEL;
	if (epoll_ctl(leg->connection->worker->epoll_fd, operation, leg->fd, &event) == 0)
		leg->events = events;
}

int leg_send(struct leg *leg, struct slice bytes)
{
	ssize_t sent = 0;

	if (leg->pending.size) {
		sent = socket_send(leg->fd, buffer_slice(&leg->pending));
		if (sent < 0)
			return (int)sent;
		buffer_consume(&leg->pending, (size_t)sent);
		if (leg->pending.size) {
			buffer_append_slice(&leg->pending, bytes);
			assert(!leg->pending.overflowed);
			return 0;
		}
		buffer_release(&leg->pending); /* idle connections are many: they keep no memory */
	}
	if (!bytes.size)
		return 0;
	sent = socket_send(leg->fd, bytes);
	if (sent < 0)
		return (int)sent;
	buffer_append(&leg->pending, bytes.data + sent, bytes.size - (size_t)sent);
	assert(!leg->pending.overflowed);
	return 0;
}

void leg_close(struct leg *leg, bool reset)
{
	if (leg->fd < 0)
		return;
	if (reset)
		socket_reset(leg->fd);
	else
		close(leg->fd);
	leg->fd = -1;
	leg->events = 0;
	buffer_release(&leg->pending);
}

/* ---- connections ---- */

static void connection_add(struct worker *worker, struct connection *connection)
{
	connection->next = worker->connections;
	if (worker->connections)
		worker->connections->previous = connection;
	worker->connections = connection;
}

void connection_over(struct connection *connection)
{
	struct worker *worker = connection->worker;

	if (connection->ended)
		return;
	connection->ops->end(connection);
	connection->ended = true;
	if (connection->next)
		connection->next->previous = connection->previous;
	if (connection->previous)
		connection->previous->next = connection->next;
	else
		worker->connections = connection->next;
	connection->previous = NULL;
	connection->next = worker->ended;
	worker->ended = connection;
	atomic_fetch_sub_explicit(&worker->load, 1, memory_order_relaxed);
}

static void free_ended(struct worker *worker)
{
	while (worker->ended) {
		struct connection *next = worker->ended->next;

		free(worker->ended);
		worker->ended = next;
	}
}

static void take_inbox(struct worker *worker)
{
	struct incoming *incoming, *next;

	pthread_mutex_lock(&worker->inbox_lock);
	incoming = worker->inbox;
	worker->inbox = NULL;
	worker->inbox_end = &worker->inbox;
	pthread_mutex_unlock(&worker->inbox_lock);
	for (; incoming; incoming = next) {
		struct connection *connection;

		next = incoming->next;
		connection = worker->setup->matcher ? playback_new(worker, incoming) :
						      relay_new(worker, incoming);
		if (connection)
			connection_add(worker, connection);
		else
			atomic_fetch_sub_explicit(&worker->load, 1, memory_order_relaxed);
		free(incoming);
	}
}

/* ---- the loop ---- */

static void push_items(struct worker *worker)
{
	if (!worker->items.first)
		return;
	if (worker->setup->writer)
		writer_push(worker->setup->writer, &worker->items);
	else
		item_list_release(&worker->items);
}

static bool must_wait(const struct worker *worker)
{
	return worker->setup->writer && writer_full(worker->setup->writer) &&
	       !atomic_load_explicit(&worker->stopping, memory_order_relaxed);
}

static void wait_for_room(struct worker *worker)
{
	struct pollfd wake = { .fd = worker->wake_fd, .events = POLLIN };
	uint64_t count;

	if (!must_wait(worker))
		return;
	do {
		/* The time limit only bounds what a lost wake-up could cost. */
		if (poll(&wake, 1, TICK_MS) > 0 && read(worker->wake_fd, &count, sizeof(count)) < 0)
			break;
	} while (must_wait(worker));
	take_inbox(worker); /* its wake-up was taken here */
}

static void tick(struct worker *worker)
{
	struct connection *next;

	for (struct connection *c = worker->connections; c; c = next) {
		next = c->next;
		c->ops->tick(c, worker_now(worker));
	}
}

static void serve(struct worker *worker, const struct epoll_event *event)
{
	struct leg *leg = event->data.ptr;
	uint64_t count;

	if (!leg) {
		if (read(worker->wake_fd, &count, sizeof(count)) > 0)
			take_inbox(worker);
		return;
	}
	if (!leg->connection->ended && leg->fd >= 0)
		leg->connection->ops->ready(leg->connection, leg, event->events);
}

/* How long epoll may wait: until the next tick, or until a connection is to be woken. */
static int wait_ms(struct worker *worker)
{
	int64_t left_ns;

	if (!worker->connections)
		return -1;
	if (worker->wake_ns == INT64_MAX)
		return TICK_MS;
	worker_now_again(worker);
	left_ns = worker->wake_ns - worker_now(worker);
	if (left_ns <= 0)
		return 0;
	return left_ns < TICK_MS * NS_A_MS ? (int)((left_ns + NS_A_MS - 1) / NS_A_MS) : TICK_MS;
}

static void turn(struct worker *worker, int64_t *last_tick_ns)
{
	struct epoll_event events[EVENTS_A_TURN];
	int n = epoll_wait(worker->epoll_fd, events, EVENTS_A_TURN, wait_ms(worker));

	worker_now_again(worker);
	for (int i = 0; i < n; i++)
		serve(worker, &events[i]);
	if (worker_now(worker) - *last_tick_ns > TICK_MS * NS_A_MS ||
	    worker_now(worker) >= worker->wake_ns ||
	    atomic_load_explicit(&worker->told, memory_order_relaxed)) {
		atomic_exchange_explicit(&worker->told, false, memory_order_acquire);
		*last_tick_ns = worker_now(worker);
		worker->wake_ns = INT64_MAX;
		tick(worker);
	}
	push_items(worker);
	free_ended(worker);
	if (worker->out.capacity > OUT_KEEP_BYTES)
		buffer_release(&worker->out);
	wait_for_room(worker);
}

static void *worker_run(void *argument)
{
	struct worker *worker = argument;
	int64_t last_tick_ns = 0;

	while (!atomic_load_explicit(&worker->stopping, memory_order_acquire))
		turn(worker, &last_tick_ns);
	worker_now_again(worker);
	take_inbox(worker);
	while (worker->connections)
		connection_over(worker->connections);
	push_items(worker);
	free_ended(worker);
	return NULL;
}

static void worker_free(struct worker *worker)
{
	if (worker->epoll_fd >= 0)
		close(worker->epoll_fd);
	if (worker->wake_fd >= 0)
		close(worker->wake_fd);
	matcher_reader_free(worker->reader);
	answer_cache_free(worker->cache);
	buffer_release(&worker->out);
	item_list_release(&worker->items);
	pthread_mutex_destroy(&worker->inbox_lock);
	free(worker->read_bytes);
	free(worker);
}

int worker_start(const struct worker_setup *setup, struct worker **ret_worker,
		 char ret_error[STORE_ERROR_BYTES])
{
	struct worker *worker = calloc(1, sizeof(*worker));
	struct epoll_event event = { .events = EPOLLIN };
	int error = 0;

	if (!worker)
		abort();
	worker->setup = setup;
	worker->inbox_end = &worker->inbox;
	worker->wake_ns = INT64_MAX;
	pthread_mutex_init(&worker->inbox_lock, NULL);
	item_list_init(&worker->items);
	buffer_init(&worker->out, (size_t)80 << 20);
	worker->read_bytes = malloc(WORKER_READ_BYTES);
	if (!worker->read_bytes)
		abort();
	worker->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	worker->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (worker->epoll_fd < 0 || worker->wake_fd < 0 ||
	    epoll_ctl(worker->epoll_fd, EPOLL_CTL_ADD, worker->wake_fd, &event) < 0)
		error = -errno;
	if (!error && setup->matcher) {
		worker->cache = answer_cache_new(ANSWER_CACHE_PLACES);
		error = matcher_reader_new(setup->matcher, &worker->reader, ret_error);
	} else if (error) {
		message_error(ret_error, error, "cannot make an event loop: %s", strerror(-error));
	}
	if (!error)
		error = -pthread_create(&worker->thread, NULL, worker_run, worker);
	if (error) {
		worker_free(worker);
		return error;
	}
	*ret_worker = worker;
	return 0;
}

void worker_wake(struct worker *worker)
{
	uint64_t one = 1;

	if (write(worker->wake_fd, &one, sizeof(one)) < 0)
		assert(errno == EAGAIN); /* the counter is full: it is awake */
}

void worker_tell(struct worker *worker)
{
	if (!atomic_exchange_explicit(&worker->told, true, memory_order_release))
		worker_wake(worker);
}

void worker_give(struct worker *worker, struct incoming *incoming)
{
	incoming->next = NULL;
	atomic_fetch_add_explicit(&worker->load, 1, memory_order_relaxed);
	pthread_mutex_lock(&worker->inbox_lock);
	*worker->inbox_end = incoming;
	worker->inbox_end = &incoming->next;
	pthread_mutex_unlock(&worker->inbox_lock);
	worker_wake(worker);
}

size_t worker_load(const struct worker *worker)
{
	return atomic_load_explicit(&worker->load, memory_order_relaxed);
}

void worker_stop(struct worker *worker)
{
	atomic_store_explicit(&worker->stopping, true, memory_order_release);
	worker_wake(worker);
	pthread_join(worker->thread, NULL);
	worker_free(worker);
}
