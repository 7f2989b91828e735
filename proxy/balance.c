/* SPDX-License-Identifier: Apache-2.0 */
/* Which worker has which connections; see balance.h. */
#include "proxy/balance.h"

#include "proxy/worker.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Percent of a processor: from when on a worker of a replay is given no more connections, and from when on it hands some on. */
#define HAS_TIME 70
#define CROWDED 85
/* Who takes over has at most this much to do, and as much is idle besides. */
#define QUIET 40
#define IDLE_ENOUGH 50

#define PERIOD_NS ((int64_t)200 * 1000000)

static int64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Clock ticks that the machine's processors were idle since it started; 0 where nobody says. */
static uint64_t machine_idle_ticks(void)
{
	char line[256], *at = line;
	int fd = open("/proc/stat", O_RDONLY | O_CLOEXEC);
	ssize_t size;

	if (fd < 0)
		return 0;
	size = read(fd, line, sizeof(line) - 1);
	close(fd);
	line[size > 0 ? size : 0] = 0;
	for (int i = 0; i < 4 && at; i++) { /* "cpu  user nice system idle ..." */
		at = strchr(at, ' ');
		at = at ? at + strspn(at, " ") : NULL;
	}
	return at ? strtoull(at, NULL, 10) : 0;
}

size_t balance_pick(const unsigned int *busy, size_t n, size_t self, unsigned int idle)
{
	size_t least = n;

	if (busy[self] < CROWDED || idle < IDLE_ENOUGH)
		return n;
	for (size_t i = 0; i < n; i++)
		if (i != self && busy[i] <= QUIET && (least == n || busy[i] < busy[least]))
			least = i;
	return least;
}

/* One without connections sleeps, and says nothing any more. */
static unsigned int busy_of(const struct worker *worker)
{
	return worker_load(worker) ?
		       atomic_load_explicit(&worker->balance.busy, memory_order_relaxed) :
		       0;
}

size_t balance_place(const size_t *connections, const unsigned int *busy, size_t n, size_t last,
		     bool is_replay)
{
	size_t least = 0;

	for (size_t i = 0; is_replay && i < n; i++)
		if (busy[i] < HAS_TIME)
			return i;
	for (size_t i = 1; i < n; i++)
		if (connections[i] < connections[least])
			least = i;
	return !is_replay && connections[last] <= connections[least] + 1 ? last : least;
}

struct worker *balance_choose(struct crew *crew, bool is_replay)
{
	size_t connections[WORKERS_MAX] = { 0 };
	unsigned int busy[WORKERS_MAX] = { 0 };

	for (size_t i = 0; i < crew->n; i++) {
		connections[i] = worker_load(crew->workers[i]);
		busy[i] = busy_of(crew->workers[i]);
	}
	crew->last = balance_place(connections, busy, crew->n, crew->last, is_replay);
	return crew->workers[crew->last];
}

/* Those that make up to `part` percent of the work of the period, the ones that were ready most last. */
static void hand_on(struct worker *worker, struct worker *to, unsigned int part)
{
	uint64_t all = 0, given = 0;
	struct connection *next;

	for (struct connection *c = worker->connections; c; c = c->next)
		all += c->events;
	for (struct connection *c = worker->connections; c; c = next) {
		uint32_t events = c->events;

		next = c->next;
		if (events && (given + events) * 100 <= all * part && worker_hand_on(c, to))
			given += events;
	}
}

static void begin_period(struct worker *worker, int64_t wall_ns, int64_t cpu_ns)
{
	worker->balance.wall_ns = wall_ns;
	worker->balance.cpu_ns = cpu_ns;
	for (struct connection *c = worker->connections; c; c = c->next)
		c->events = 0;
}

/* For tests: all go on, from worker to worker. */
static void restless(struct worker *worker)
{
	const struct crew *crew = worker->setup->crew;
	struct worker *to = crew->workers[worker->balance.turn++ % crew->n];

	if (to != worker)
		hand_on(worker, to, 100);
	begin_period(worker, 0, 0);
}

/* How much of one processor the machine had idle, in percent. Asked for by few: /proc/stat is not free. */
static unsigned int idle_since(struct balance *balance, int64_t wall_ns)
{
	uint64_t before = balance->idle_ticks;
	int64_t ticks_ns = 1000000000 / sysconf(_SC_CLK_TCK);

	balance->idle_ticks = machine_idle_ticks();
	if (!before || balance->idle_ticks <= before)
		return 0;
	return (unsigned int)((int64_t)(balance->idle_ticks - before) * ticks_ns * 100 / wall_ns);
}

void balance_tick(struct worker *worker)
{
	const struct crew *crew = worker->setup->crew;
	struct balance *balance = &worker->balance;
	int64_t wall_ns, cpu_ns, past_ns;
	unsigned int busy[WORKERS_MAX], mine;
	size_t self = 0, to;

	if (!crew || crew->n < 2)
		return;
	if (worker->setup->options->restless) {
		restless(worker);
		return;
	}
	wall_ns = clock_ns(CLOCK_MONOTONIC);
	past_ns = wall_ns - balance->wall_ns;
	if (past_ns < PERIOD_NS)
		return;
	cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	mine = (unsigned int)((cpu_ns - balance->cpu_ns) * 100 / past_ns);
	atomic_store_explicit(&balance->busy, mine, memory_order_relaxed);
	if (mine < CROWDED) {
		balance->idle_ticks = 0;
		begin_period(worker, wall_ns, cpu_ns);
		return;
	}
	for (size_t i = 0; i < crew->n; i++) {
		busy[i] = busy_of(crew->workers[i]);
		if (crew->workers[i] == worker)
			self = i;
	}
	to = balance_pick(busy, crew->n, self, idle_since(balance, past_ns));
	if (to < crew->n)
		hand_on(worker, crew->workers[to], 50);
	begin_period(worker, wall_ns, cpu_ns);
}
