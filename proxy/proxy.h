/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The proxy process: listens, relays and records, or plays the servers. It runs as the invoking user, made by the guard
 * (launcher.c) with everything that needs rights already open.
 */
#ifndef MOCKPROXY_PROXY_H
#define MOCKPROXY_PROXY_H

#include "proxy/options.h"
#include "proxy/redirect.h"

/* A listening socket, non-blocking. */
struct proxy_listener {
	int fd;
	/* Explicit (--listen): where its connections go. NULL: ask the redirect for each. */
	const struct listen_option *listen;
};

struct proxy_setup {
	const struct options *options;
	const struct proxy_listener *listeners;
	size_t n_listeners;
	struct redirect *redirect; /* NULL with --listen */
	int control_fd; /* SOCK_SEQPACKET to the guard; its end-of-file means that the guard is dead */
	int cgroup_fd; /* the app's cgroup directory, to end the app in replay; -1 with --listen */
	int cgroup_kill_fd; /* its cgroup.kill: writing "1" ends the app, without rights; -1: there is none */
};

/* On control_fd, one message each. */
enum proxy_message_type {
	PROXY_READY,  /* proxy -> guard: start the app */
	PROXY_FAILED, /* proxy -> guard: text says why; the proxy exits */
	GUARD_APP_ENDED, /* guard -> proxy: finish what is under way, close the recording, say the summary, exit */
	GUARD_APP_NOT_STARTED, /* guard -> proxy: exec failed, nothing ran: leave no recording, say nothing, exit */
};
#define PROXY_TEXT_BYTES 1024
struct proxy_message {
	uint32_t type;	/* enum proxy_message_type */
	int32_t status; /* GUARD_APP_ENDED: the exit status that the app will be reported with */
	char text
		[PROXY_TEXT_BYTES]; /* PROXY_FAILED: why. GUARD_APP_ENDED: lines for the summary (escapees, stragglers) */
};

/* Runs until the app ended; the exit status is 0, 3 (misses, incomplete) or 125. Never returns to the guard's code. */
int proxy_main(const struct proxy_setup *setup);

#endif
