/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Escapees are found by walking down from CMD through /proc/PID/task/TID/children (proc_tid_children(5),
 * CONFIG_PROC_CHILDREN) and comparing each one's cgroup. The walk is a stack of process ids with a limit, so neither a
 * fork bomb nor a deep tree makes it long.
 */
#include "proxy/stragglers.h"

#include "proxy/cgroup.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WALK_MAX 2048	/* processes looked at, and the stack's room */
#define THREADS_MAX 256 /* of one process: more of them seldom have children */
#define DESCRIBED_MAX 20

struct walk {
	pid_t stack[WALK_MAX];
	size_t depth;
	size_t looked_at;
};

/* Empty when the process is gone. What cannot be printed is replaced: the name is the app's to choose. */
static void read_name(pid_t pid, char ret_name[PROCESS_NAME_BYTES])
{
	char file[64];
	ssize_t size = 0;
	int fd;

	snprintf(file, sizeof(file), "/proc/%d/comm", (int)pid);
	fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		size = read(fd, ret_name, PROCESS_NAME_BYTES - 1);
		close(fd);
	}
	if (size < 0)
		size = 0;
	ret_name[size] = 0;
	ret_name[strcspn(ret_name, "\n")] = 0;
	for (char *byte = ret_name; *byte; byte++)
		if (!isprint((unsigned char)*byte))
			*byte = '?';
}

static void push_children_of_thread(int tasks_fd, const char *thread, struct walk *walk)
{
	size_t room = WALK_MAX - walk->depth;
	char file[64];
	size_t count;

	snprintf(file, sizeof(file), "%.20s/children", thread);
	count = cgroup_read_pids(openat(tasks_fd, file, O_RDONLY | O_CLOEXEC),
				 walk->stack + walk->depth, room);
	walk->depth += count < room ? count : room;
}

static void push_children(pid_t pid, struct walk *walk)
{
	char file[64];
	const struct dirent *entry;
	DIR *tasks;

	snprintf(file, sizeof(file), "/proc/%d/task", (int)pid);
	tasks = opendir(file);
	if (!tasks)
		return;
	for (int i = 0; i < THREADS_MAX && (entry = readdir(tasks)); i++)
		if (entry->d_name[0] != '.')
			push_children_of_thread(dirfd(tasks), entry->d_name, walk);
	closedir(tasks);
}

static void keep(struct escapees *escapees, pid_t pid)
{
	struct process_name *seen = escapees->seen;

	for (size_t i = 0; i < escapees->count; i++)
		if (seen[i].pid == pid)
			return;
	if (escapees->count == ESCAPEES_MAX) {
		escapees->further += pid != escapees->last_further;
		escapees->last_further = pid;
		return;
	}
	seen[escapees->count].pid = pid;
	read_name(pid, seen[escapees->count].name);
	escapees->count++;
}

/* The topmost that left is named; those below it left with it. */
void escapees_scan(struct escapees *escapees, pid_t app, const char *path)
{
	struct walk *walk = malloc(sizeof(*walk));
	char where[PATH_MAX];

	if (!walk)
		abort();
	walk->stack[0] = app;
	walk->depth = 1;
	walk->looked_at = 0;
	while (walk->depth > 0 && walk->looked_at < WALK_MAX) {
		pid_t pid = walk->stack[--walk->depth];

		walk->looked_at++;
		/* A zombie keeps the name of its cgroup; one that is reaped by now is passed over. */
		if (cgroup_of_process(pid, where) != 0)
			continue;
		if (cgroup_contains(path, where))
			push_children(pid, walk);
		else
			keep(escapees, pid);
	}
	free(walk);
}

static void append_process(const char *name, pid_t pid, struct buffer *text)
{
	if (text->size > 0 && text->data[text->size - 1] == ']')
		buffer_append_string(text, ", ");
	buffer_append_string(text, name);
	buffer_append_u8(text, '[');
	buffer_append_signed(text, pid);
	buffer_append_u8(text, ']');
}

void processes_describe(const pid_t *pids, size_t count, struct buffer *text)
{
	char name[PROCESS_NAME_BYTES];

	for (size_t i = 0; i < count && i < DESCRIBED_MAX; i++) {
		read_name(pids[i], name);
		if (name[0])
			append_process(name, pids[i], text);
	}
	if (count > DESCRIBED_MAX) {
		buffer_append_string(text, " and ");
		buffer_append_unsigned(text, count - DESCRIBED_MAX);
		buffer_append_string(text, " more");
	}
}

void escapees_describe(const struct escapees *escapees, struct buffer *text)
{
	for (size_t i = 0; i < escapees->count; i++)
		append_process(escapees->seen[i].name, escapees->seen[i].pid, text);
	if (escapees->further > 0)
		buffer_append_string(text, " and more");
}
