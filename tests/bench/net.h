/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Net: what the benchmark's small programs share: the command line's numbers, and for the two servers (relay.c, canned.c)
 * listening on loopback and threads that each run an epoll loop of their own.
 */
#ifndef MOCKPROXY_BENCH_NET_H
#define MOCKPROXY_BENCH_NET_H

#include <stdbool.h>
#include <stdint.h>

#define NET_THREADS_MAX 64

/* A whole decimal number from 1 to `max`, or 0 when the text is none. */
uint32_t net_number(const char *text, uint32_t max);

/* As many descriptors as the hard limit allows, so that thousands of idle connections fit. */
void net_raise_descriptor_limit(void);

/* A non-blocking socket that listens on 127.0.0.1; exits with a message when that fails. */
int net_listen(uint16_t port);

/* The next connection, non-blocking and with TCP_NODELAY, or -1. */
int net_accept(int listener);

/*
 * Makes `n` epoll instances and calls `run` on each: the first on the calling thread, the others on threads of
 * their own. `loops[0]` watches the listener, with data.ptr NULL. Does not return.
 */
struct net_loop {
	int epoll;
	void *context; /* what net_run() was given, the same for all loops */
	const struct net_loop *loops;
	uint32_t n_loops;
	int listener;
};
_Noreturn void net_run(int listener, uint32_t n, void (*run)(const struct net_loop *),
		       void *context);

/* Watches a descriptor, or changes what is watched; exits with a message when that fails. */
void net_watch(int epoll, int fd, uint32_t events, void *data);
void net_rewatch(int epoll, int fd, uint32_t events, void *data);

#endif
