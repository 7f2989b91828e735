/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Escapees and stragglers (design §10). An escapee descends from the app and has left its cgroup (su, runuser -l,
 * systemd-run --scope): nothing of it is redirected. A straggler is still inside when CMD has ended.
 */
#ifndef MOCKPROXY_STRAGGLERS_H
#define MOCKPROXY_STRAGGLERS_H

#include "parsers/buffer.h"

#include <sys/types.h>

#define PROCESS_NAME_BYTES 16 /* TASK_COMM_LEN */
#define ESCAPEES_MAX 16

struct process_name {
	pid_t pid;
	char name[PROCESS_NAME_BYTES];
};

struct escapees {
	struct process_name seen[ESCAPEES_MAX];
	size_t count; /* stored; further ones are counted only */
	size_t further;
	pid_t last_further; /* so that the same one is not counted at every look */
};

/*
 * Looks at the descendants of `app` that live now and keeps those outside the cgroup `path` (as /proc names it). What
 * it reads is bounded; a descendant whose parents all died is not found.
 */
void escapees_scan(struct escapees *escapees, pid_t app, const char *path);

/* "su[12], sh[13]": the names of processes; those that are gone are left out. */
void processes_describe(const pid_t *pids, size_t count, struct buffer *text);
void escapees_describe(const struct escapees *escapees, struct buffer *text);

#endif
