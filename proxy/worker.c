/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Workers; see worker.h. One turn of the loop: wait, serve each event, take in new connections, hand the items that came
 * up to the writer. When the writer's queue is full a worker does not wait for events at all until there is room: nothing is
 * read, so the kernel's buffers fill and both peers slow down (design §3.2).
 *
 * Invariants: a connection that is handed on to another worker is in no list and no epoll of this one, and all its items were pushed.
 * A connection in `ended` is in no other list, has no descriptors, and is freed before the next wait, so that
 * no event can name a connection that was freed.
 */
#include "proxy/worker.h"

#include "parsers/sql/forms.h"
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
/* Items wait for more of them, until they are so many or so old. */
#define PUSH_BYTES ((size_t)128 << 10)
#define PUSH_MS 5
/* How often connections are asked whether something takes too long. */
#define TICK_MS 250
#define RESTLESS_TICK_MS 5
#define NS_A_MS ((int64_t)1000000)
/* Beyond this an answer buffer's memory is given back. */
#define OUT_KEEP_BYTES ((size_t)1 << 20)

static int64_t clock_read(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t worker_epoch(void)
{
	return clock_read(CLOCK_REALTIME) - clock_read(CLOCK_MONOTONIC);
}

int64_t worker_clock(const struct worker_setup *setup)
{
	return setup->epoch_ns + clock_read(CLOCK_MONOTONIC);
}

void worker_now_again(struct worker *worker)
{
	worker->now_ns = worker_clock(worker->setup);
}

void worker_begin_turn(struct worker *worker)
{
	if (worker->setup->writer)
		writer_begin_turn(worker->setup->writer, &worker->items);
	worker_now_again(worker);
}

void worker_end_turn(struct worker *worker)
{
	if (worker->setup->writer)
		writer_end_turn(worker->setup->writer, &worker->items);
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
	struct epoll_event event = { .events = events | EPOLLET, .data.ptr = leg };
	int operation = EPOLL_CTL_MOD;

	if (leg->fd < 0 || (events == leg->events && (!leg->unread || !events)))
		return;
	/* An end or an urgent byte may be behind what is read: no further event comes of it (leg_receive()). */
	if (events & EPOLLIN)
		event.events |= EPOLLRDHUP | EPOLLPRI;
	leg->unread = false;
	/* Out of epoll when nothing is waited for: a hang-up is reported always, and would spin. */
	if (!leg->events)
		operation = EPOLL_CTL_ADD;
	else if (!events)
		operation = EPOLL_CTL_DEL;
	if (epoll_ctl(leg->connection->worker->epoll_fd, operation, leg->fd, &event) == 0)
		leg->events = events;
}

ssize_t leg_receive(struct leg *leg, uint32_t events, void *bytes, size_t size)
{
	ssize_t taken = socket_receive(leg->fd, bytes, size);

	leg->unread =
		taken > 0 && ((size_t)taken == size || events & ~(uint32_t)(EPOLLIN | EPOLLOUT));
	return taken;
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

static void connection_remove(struct worker *worker, struct connection *connection)
{
	if (connection->next)
		connection->next->previous = connection->previous;
	if (connection->previous)
		connection->previous->next = connection->next;
	else
		worker->connections = connection->next;
	connection->previous = NULL;
}

void connection_over(struct connection *connection)
{
	struct worker *worker = connection->worker;

	if (connection->ended)
		return;
	connection->ops->end(connection);
	connection->ended = true;
	connection_remove(worker, connection);
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

bool worker_hand_on(struct connection *connection, struct worker *to)
{
	struct worker *from = connection->worker;

	if (connection->ended || !connection->ops->leave(connection, to))
		return false;
	connection_remove(from, connection);
	connection->worker = to;
	atomic_fetch_add_explicit(&to->load, 1, memory_order_relaxed);
	atomic_fetch_sub_explicit(&from->load, 1, memory_order_relaxed);
	pthread_mutex_lock(&to->inbox_lock);
	connection->next = to->handed_on;
	to->handed_on = connection;
	pthread_mutex_unlock(&to->inbox_lock);
	worker_wake(to);
	return true;
}

static void take_handed_on(struct worker *worker, struct connection *connection)
{
	struct connection *next;

	for (; connection; connection = next) {
		next = connection->next;
		connection->next = NULL;
		connection->events = 0;
		connection_add(worker, connection);
		connection->ops->arrive(connection);
	}
}

static void take_inbox(struct worker *worker)
{
	struct incoming *incoming, *next;
	struct connection *handed_on;

	pthread_mutex_lock(&worker->inbox_lock);
	incoming = worker->inbox;
	worker->inbox = NULL;
	worker->inbox_end = &worker->inbox;
	handed_on = worker->handed_on;
	worker->handed_on = NULL;
	pthread_mutex_unlock(&worker->inbox_lock);
	if (handed_on) /* what comes now is behind what its worker had of it */
		worker_begin_turn(worker);
	take_handed_on(worker, handed_on);
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

/* At once, or when it is worth it: each push is a lock, and may wake the writer. */
static void push_items(struct worker *worker, bool at_once)
{
	if (!worker->items.first)
		return;
	if (!worker->items_since_ns)
		worker->items_since_ns = worker_now(worker);
	if (!at_once && worker->items.bytes < PUSH_BYTES &&
	    worker_now(worker) - worker->items_since_ns < PUSH_MS * NS_A_MS)
		return;
	worker->items_since_ns = 0;
	if (worker->setup->writer)
		writer_push(worker->setup->writer, &worker->items);
	else
		item_list_release(&worker->items);
}

void worker_push_items(struct worker *worker)
{
	push_items(worker, true);
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
	worker_push_items(worker);
	worker_end_turn(worker);
	do {
		/* The time limit only bounds what a lost wake-up could cost. */
		if (poll(&wake, 1, TICK_MS) > 0 && read(worker->wake_fd, &count, sizeof(count)) < 0)
			break;
	} while (must_wait(worker));
	worker_begin_turn(worker);
	take_inbox(worker); /* its wake-up was taken here */
}

static int tick_ms(const struct worker *worker)
{
	return worker->setup->options->restless ? RESTLESS_TICK_MS : TICK_MS;
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
	leg->connection->events++;
	if (!leg->connection->ended && leg->fd >= 0)
		leg->connection->ops->ready(leg->connection, leg, event->events);
}

/* How long epoll may wait: until items are to be pushed, until the next tick, or until a connection is to be woken. */
static int wait_ms(struct worker *worker)
{
	int64_t left_ns;

	if (worker->items.first)
		return PUSH_MS;
	if (!worker->connections)
		return -1;
	if (worker->wake_ns == INT64_MAX)
		return tick_ms(worker);
	worker_now_again(worker);
	left_ns = worker->wake_ns - worker_now(worker);
	if (left_ns <= 0)
		return 0;
	return left_ns < tick_ms(worker) * NS_A_MS ? (int)((left_ns + NS_A_MS - 1) / NS_A_MS) :
						     tick_ms(worker);
}

static void turn(struct worker *worker, int64_t *last_tick_ns)
{
	struct epoll_event events[EVENTS_A_TURN];
	bool ticks = false;
	int n = epoll_wait(worker->epoll_fd, events, EVENTS_A_TURN, wait_ms(worker));

	worker_begin_turn(worker);
	for (int i = 0; i < n; i++)
		serve(worker, &events[i]);
	if (worker_now(worker) - *last_tick_ns > tick_ms(worker) * NS_A_MS ||
	    worker_now(worker) >= worker->wake_ns ||
	    atomic_load_explicit(&worker->told, memory_order_relaxed)) {
		atomic_exchange_explicit(&worker->told, false, memory_order_acquire);
		*last_tick_ns = worker_now(worker);
		worker->wake_ns = INT64_MAX;
		tick(worker);
		ticks = true;
	}
	push_items(worker, ticks || !n);
	if (ticks)
		balance_tick(worker);
	free_ended(worker);
	if (worker->out.capacity > OUT_KEEP_BYTES)
		buffer_release(&worker->out);
	wait_for_room(worker);
	worker_end_turn(worker);
}

static void *worker_run(void *argument)
{
	struct worker *worker = argument;
	int64_t last_tick_ns = 0;

	pthread_setname_np(pthread_self(), "worker");
	while (!atomic_load_explicit(&worker->stopping, memory_order_acquire))
		turn(worker, &last_tick_ns);
	return NULL;
}

/* No thread runs any more: what others handed on to it last is here too. */
static void end_connections(struct worker *worker)
{
	worker_begin_turn(worker);
	take_inbox(worker);
	while (worker->connections)
		connection_over(worker->connections);
	push_items(worker, true);
	worker_end_turn(worker);
	free_ended(worker);
}

static void worker_free(struct worker *worker)
{
	if (worker->epoll_fd >= 0)
		close(worker->epoll_fd);
	if (worker->wake_fd >= 0)
		close(worker->wake_fd);
	matcher_reader_free(worker->reader);
	answer_cache_free(worker->cache);
	sql_forms_free(worker->forms);
	buffer_release(&worker->out);
	item_list_release(&worker->items);
	pthread_mutex_destroy(&worker->inbox_lock);
	free(worker->read_bytes);
	free(worker);
}

int worker_new(const struct worker_setup *setup, struct worker **ret_worker,
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
	if (setup->writer)
		writer_add_lane(setup->writer, &worker->items);
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
		worker->forms = sql_forms_new();
		error = matcher_reader_new(setup->matcher, &worker->reader, ret_error);
	} else if (error) {
		message_error(ret_error, error, "cannot make an event loop: %s", strerror(-error));
	}
	if (error) {
		worker_free(worker);
		return error;
	}
	*ret_worker = worker;
	return 0;
}

int worker_start(struct worker *worker, char ret_error[STORE_ERROR_BYTES])
{
	int error = -pthread_create(&worker->thread, NULL, worker_run, worker);

	worker->runs = !error;
	return error ? message_error(ret_error, error, "cannot start a thread: %s",
				     strerror(-error)) :
		       0;
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

void workers_stop(struct worker *const *workers, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		atomic_store_explicit(&workers[i]->stopping, true, memory_order_release);
		worker_wake(workers[i]);
	}
	for (size_t i = 0; i < n; i++)
		if (workers[i]->runs)
			pthread_join(workers[i]->thread, NULL);
	/* In replay connections of one may hold what lies in another's reader. */
	for (size_t i = 0; i < n; i++)
		end_connections(workers[i]);
	for (size_t i = 0; i < n; i++)
		worker_free(workers[i]);
}
