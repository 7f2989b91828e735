/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Balance: which worker has which connections. Recording waits for servers, so one worker that has all connections leaves
 * processors idle: each new one goes to the worker with the fewest, or the one that got the last where that has one more: who ends
 * a connection and opens another then reaches the server in this order. Replay waits for nobody, and one busy thread is cheaper than two that
 * wait for each other's processor, as it finds several connections ready at a time and is woken less often: there a new
 * connection goes to the first worker that has time. A worker that takes nearly all of a processor, while another processor of
 * the machine is idle, hands on connections that make up to half of its work.
 */
#ifndef MOCKPROXY_BALANCE_H
#define MOCKPROXY_BALANCE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WORKERS_MAX 64

struct worker;

/* All workers; the array does not change while they run. */
struct crew {
	struct worker *workers[WORKERS_MAX];
	size_t n;
	size_t last; /* who got the last connection; of the thread that accepts */
};

/* What a worker knows of its own load. Zeroed at first. */
struct balance {
	_Atomic unsigned int busy; /* percent of a processor, in the last period; read by all */
	int64_t wall_ns, cpu_ns;   /* monotonic, and the thread's own: when the period began */
	uint64_t idle_ticks;	   /* of the whole machine */
	size_t turn;		   /* restless: who is next */
};

/* For a new connection; on the thread that accepts. */
struct worker *balance_choose(struct crew *crew, bool is_replay);
/* On the worker's own thread, between two turns, several times a second: hands connections on if it has too much. */
void balance_tick(struct worker *worker);

/* Pure: the worker for a new connection, by how many connections each has, how busy each is, and who got the last one. */
size_t balance_place(const size_t *connections, const unsigned int *busy, size_t n, size_t last,
		     bool is_replay);
/*
 * Pure: is a worker so busy to hand work on, and to whom? `idle` is what the machine had idle meanwhile, in percent of one
 * processor. The index of the worker to give to, or `n`.
 */
size_t balance_pick(const unsigned int *busy, size_t n, size_t self, unsigned int idle);

#endif
