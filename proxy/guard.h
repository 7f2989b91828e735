/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guard: the process with the rights, while the proxy and CMD run (design §10). It passes signals on, stops and
 * continues with CMD, looks for escapees, and sees to it that whoever of the three dies takes along what must not go on.
 */
#ifndef MOCKPROXY_GUARD_H
#define MOCKPROXY_GUARD_H

#include "proxy/app.h"
#include "proxy/proxy.h"
#include "proxy/stragglers.h"

struct guard {
	const struct options *options;
	struct cgroup *cgroup;	   /* NULL with --listen */
	struct redirect *redirect; /* NULL with --listen, and once recording was detached */
	struct app_signals before; /* what mockproxy was started with */
	int signal_fd;
	int control_fd; /* to the proxy; -1 once it is dead */

	pid_t proxy;
	bool proxy_ended;
	int proxy_wait_status;

	pid_t app; /* 0: not started */
	bool app_ended;
	int app_wait_status;

	bool proxy_lost; /* it ended while CMD ran */
	struct escapees escapees;
};

/* Blocks what can be blocked and opens the descriptor that it is read from. 0, or -errno and a sentence. */
MUST_CHECK int guard_init(struct guard *guard, const struct options *options,
			  char ret_error[MESSAGE_BYTES]);
void guard_release(struct guard *guard);

/* Waits for PROXY_READY: 0; else the exit status to end with, and what there is to say (empty: nothing). */
MUST_CHECK int guard_wait_ready(struct guard *guard, char ret_error[MESSAGE_BYTES]);
/* Until CMD ended. */
void guard_watch(struct guard *guard);
/* Tells the proxy (a message type for the guard to send) and waits until it has ended. */
void guard_finish(struct guard *guard, enum proxy_message_type type, const char *text);
/* What to exit with, after both ended (design §12). */
int guard_exit_status(const struct guard *guard);
/* That of CMD alone. */
int guard_app_status(const struct guard *guard);

#endif
