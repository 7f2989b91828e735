/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Redirect: loads the kernel side (bpf/redirect.bpf.c), attaches it to the app's cgroup, and reads what it says
 * (design §10). Opened by the guard, which has the rights, before it forks the proxy; both then have the maps.
 *
 * Links die with their last descriptor. While recording the guard alone holds them (when it dies, the app goes
 * on directly); in replay the proxy holds them too (nothing gets out while either lives).
 */
#ifndef MOCKPROXY_REDIRECT_H
#define MOCKPROXY_REDIRECT_H

#include "bpf/redirect.h"
#include "parsers/compiler.h"
#include "proxy/options.h"

#include <sys/socket.h>

#define REDIRECT_ERROR_BYTES 512

struct redirect;

/*
 * Loads and attaches. `port` is where the proxy listens on 127.0.0.1 and [::1]. 0, or -errno and a sentence for people
 * that names what is missing and what to do.
 */
MUST_CHECK int redirect_open(const struct options *options, int cgroup_fd, uint16_t port,
			     struct redirect **ret_redirect, char ret_error[REDIRECT_ERROR_BYTES]);
/* Accepts NULL; detaches when this was the last holder. */
void redirect_close(struct redirect *redirect);
/* Closes this process's link descriptors only; the maps stay readable. */
void redirect_drop_links(struct redirect *redirect);

/* Where an accepted connection was meant to go, and whose it is. */
struct redirect_origin {
	struct sockaddr_storage asked; /* AF_INET for IPv4-mapped addresses too */
	uint32_t pid;
	char program[16];
	uint64_t socket_cookie; /* the app's socket: the same in its redirect_event */
};

/*
 * Takes the origin of the connection accepted from `peer`: 0; -ENOENT when no process of the app made it. Any thread.
 */
MUST_CHECK int redirect_take(struct redirect *redirect, const struct sockaddr *peer,
			     struct redirect_origin *ret_origin);

/* The kernel's events, for epoll: readable when there are some. Read by one thread. */
int redirect_events_fd(const struct redirect *redirect);
typedef void redirect_event_fn(void *context, const struct redirect_event *event);
void redirect_read_events(struct redirect *redirect, redirect_event_fn *event, void *context);

void redirect_counters(const struct redirect *redirect, struct redirect_counters *ret_counters);

#endif
