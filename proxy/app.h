/* SPDX-License-Identifier: Apache-2.0 */
/* Starting CMD: in its cgroup from birth, as the invoking user, with the signals that mockproxy itself was given. */
#ifndef MOCKPROXY_APP_H
#define MOCKPROXY_APP_H

#include "proxy/cgroup.h"
#include "proxy/privilege.h"

#include <signal.h>

/* Exit statuses that are said before CMD runs (design §12). */
enum {
	EXIT_USAGE = 2,
	EXIT_INCOMPLETE = 3,
	EXIT_MOCKPROXY_FAILED = 125,
	EXIT_NOT_EXECUTABLE = 126,
	EXIT_NOT_FOUND = 127,
};

/* What mockproxy was started with, before the guard blocked its signals. */
struct app_signals {
	sigset_t mask;
	struct sigaction child;
};

struct app_setup {
	char *const *command;
	const struct cgroup *cgroup; /* NULL: none */
	const struct invoker *invoker;
	const struct app_signals *signals;
	bool die_with_guard; /* replay */
};

/*
 * Starts it: 0 when exec succeeded, and then it is a child to be waited for. Else the exit status to end with
 * (125, 126, 127) and a sentence; nothing is left to wait for.
 */
MUST_CHECK int app_start(const struct app_setup *setup, pid_t *ret_pid,
			 char ret_error[MESSAGE_BYTES]);

#endif
