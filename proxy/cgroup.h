/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cgroup: the app's own control group (cgroup-v2.rst), which says what belongs to the app (design §10).
 *
 * It is made below the caller's own and locked with flock() on its directory, by a descriptor that guard and proxy share:
 * who can lock one knows that both its guard and its proxy are dead, and only then sweeps it. Nothing else on the
 * host is changed.
 */
#ifndef MOCKPROXY_CGROUP_H
#define MOCKPROXY_CGROUP_H

#include "parsers/compiler.h"
#include "proxy/message.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Where cgroup2 is mounted, and which part of the hierarchy is seen there ("/", but for containers). */
struct cgroup_mount {
	char point[PATH_MAX];
	char root[PATH_MAX];
};

/* A cgroup as a directory, and as /proc/PID/cgroup names it. */
struct cgroup_place {
	char directory[PATH_MAX];
	char path[PATH_MAX];
};

struct cgroup {
	struct cgroup_place place;
	char home[PATH_MAX]; /* directory of the caller's own cgroup */
	bool climbed;	     /* not made directly below home, where none could be made */
	int fd;		     /* its directory, locked; -1 */
	int kill_fd; /* its cgroup.kill, for writing: whoever has it can end the app; -1 before Linux 5.14 */
};

/* One line of /proc/self/mountinfo: whether it mounts cgroup2 whole enough to be named. */
bool cgroup_parse_mount(const char *line, struct cgroup_mount *ret_mount);
/* One line of /proc/PID/cgroup: whether it is that of cgroup2 ("0::/path"), without its newline. */
bool cgroup_parse_membership(const char *line, char ret_path[PATH_MAX]);
/* Where the cgroup `path` is below the mount; false when it is not seen there. */
bool cgroup_locate(const struct cgroup_mount *mount, const char *path,
		   struct cgroup_place *ret_place);
/* A name that cgroup_make() gives: its kind ("record", ...) as a string constant, else NULL. */
const char *cgroup_kind(const char *name);

/* Both read /proc; 0, -ENOENT (no cgroup2, the process is gone), -errno. */
MUST_CHECK int cgroup_find_mount(struct cgroup_mount *ret_mount);
MUST_CHECK int cgroup_of_process(pid_t pid, char ret_path[PATH_MAX]); /* 0: this one */

/* Whether a cgroup of that name is the cgroup `path`, or lies in it. */
bool cgroup_contains(const char *path, const char *name);

/*
 * Makes mockproxy-KIND-PID-RANDOM below the caller's own cgroup, or below its nearest ancestor that can have
 * one, after sweeping what killed runs left there. 0, or -errno and a sentence.
 */
MUST_CHECK int cgroup_make(const char *kind, struct cgroup *ret_cgroup,
			   char ret_error[MESSAGE_BYTES]);
/* Removes it and what the app made inside; closes both. Processes that are still inside keep it. Accepts a zeroed one. */
void cgroup_remove(struct cgroup *cgroup);
/* Closes without removing: for the child that does not own it. */
void cgroup_close(struct cgroup *cgroup);

/*
 * Reads process ids with anything between them, as in cgroup.procs or "children", and closes the descriptor. How many there
 * are, of which at most `max` are stored; a negative descriptor has none.
 */
size_t cgroup_read_pids(int fd, pid_t *ret_pids, size_t max);

/* Processes inside, also of groups below: how many, of which at most `max` are stored. */
size_t cgroup_processes(int cgroup_fd, pid_t *ret_pids, size_t max);
/* Moves one process into the group of a directory. 0 or -errno. */
MUST_CHECK int cgroup_enter(int directory_fd, pid_t pid);
/* Moves everything out: to the caller's cgroup, else to the parent. 0, or -EBUSY: some are left. */
MUST_CHECK int cgroup_evacuate(struct cgroup *cgroup);
/* Waits until nothing lives inside, and in the groups below. 0, -ETIMEDOUT or -errno. */
MUST_CHECK int cgroup_wait_empty(int cgroup_fd, int timeout_ms);
/* Ends everything inside, and waits until it is empty. 0 or -ETIMEDOUT. */
MUST_CHECK int cgroup_kill(int cgroup_fd);

#endif
