/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cgroup, the part that does: making, locking, emptying and removing the app's cgroup, and sweeping those of
 * killed runs (Documentation/admin-guide/cgroup-v2.rst).
 *
 * 1. A directory is ours only while we hold its lock; the name is checked again under the lock, since a
 *    sweeper may have had it between mkdir() and flock().
 * 2. Only names that cgroup_make() gives are ever touched.
 * 3. Groups that the app made inside go with it, deepest first; how deep is bounded.
 */
#include "proxy/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DEPTH_MAX 16
#define MAKE_ATTEMPTS 10
#define EVACUATE_PASSES 100
#define PASS_PROCESSES 512
#define KILL_WAIT_MS 5000
#define SWEEP_MAX 1000

static int open_directory(int parent_fd, const char *name)
{
	int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	return fd < 0 ? -errno : fd;
}

static ssize_t read_small(int directory_fd, const char *file, char *ret_text, size_t size)
{
	int fd = openat(directory_fd, file, O_RDONLY | O_CLOEXEC);
	ssize_t got;

	if (fd < 0)
		return -errno;
	got = read(fd, ret_text, size - 1);
	close(fd);
	if (got < 0)
		return -errno;
	ret_text[got] = 0;
	return got;
}

/* The directories inside one: `visit` gets each with its name and may remove it. */
static void each_child(int directory_fd,
		       void (*visit)(int parent_fd, const char *name, void *context), void *context)
{
	int fd = open_directory(directory_fd, ".");
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!stream) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((entry = readdir(stream)))
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
			visit(directory_fd, entry->d_name, context);
	closedir(stream);
}

struct process_list {
	pid_t *pids;
	size_t max;
	size_t count;
	unsigned int depth;
};

static void add_processes(int parent_fd, const char *name, void *context)
{
	struct process_list *list = context;
	size_t stored = list->count < list->max ? list->count : list->max;
	int fd = open_directory(parent_fd, name);

	if (fd < 0)
		return;
	list->count += cgroup_read_pids(openat(fd, "cgroup.procs", O_RDONLY | O_CLOEXEC),
					list->pids + stored, list->max - stored);
	if (list->depth < DEPTH_MAX) {
		list->depth++;
		each_child(fd, add_processes, list);
		list->depth--;
	}
	close(fd);
}

size_t cgroup_processes(int cgroup_fd, pid_t *ret_pids, size_t max)
{
	struct process_list list = { .pids = ret_pids, .max = max };

	add_processes(cgroup_fd, ".", &list);
	return list.count;
}

int cgroup_enter(int directory_fd, pid_t pid)
{
	char text[16];
	int size = snprintf(text, sizeof(text), "%d", (int)pid);
	int fd = openat(directory_fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);
	int error = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, (size_t)size) < 0)
		error = -errno;
	close(fd);
	return error;
}

/* New ones are born while the old ones are moved: pass after pass, until a pass finds none. */
static int move_processes(int from_fd, int to_fd)
{
	pid_t pids[PASS_PROCESSES];

	for (int pass = 0; pass < EVACUATE_PASSES; pass++) {
		size_t count = cgroup_processes(from_fd, pids, PASS_PROCESSES);
		int error = 0;

		if (count == 0)
			return 0;
		for (size_t i = 0; i < count && i < PASS_PROCESSES; i++) {
			error = cgroup_enter(to_fd, pids[i]);
			if (error && error != -ESRCH)
				return error;
		}
	}
	return -EBUSY;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* cgroup.events has POLLPRI when "populated" changes; it is read before each wait, so no change is missed. */
int cgroup_wait_empty(int cgroup_fd, int timeout_ms)
{
	int fd = openat(cgroup_fd, "cgroup.events", O_RDONLY | O_CLOEXEC);
	int64_t until = now_ms() + timeout_ms;
	int error = -ETIMEDOUT;

	if (fd < 0)
		return -errno;
	for (int64_t left = timeout_ms; left > 0; left = until - now_ms()) {
		struct pollfd wait = { .fd = fd, .events = POLLPRI };
		char text[256];
		ssize_t size = pread(fd, text, sizeof(text) - 1, 0);

		if (size < 0)
			break;
		text[size] = 0;
		if (strstr(text, "populated 0")) {
			error = 0;
			break;
		}
		poll(&wait, 1, (int)left);
	}
	close(fd);
	return error;
}

/* Before Linux 5.14 there is no cgroup.kill: each process by its id, again while new ones are born. */
static void kill_each(int cgroup_fd)
{
	pid_t pids[PASS_PROCESSES];

	for (int pass = 0; pass < EVACUATE_PASSES; pass++) {
		size_t count = cgroup_processes(cgroup_fd, pids, PASS_PROCESSES);

		if (count == 0)
			return;
		for (size_t i = 0; i < count && i < PASS_PROCESSES; i++)
			kill(pids[i], SIGKILL);
	}
}

int cgroup_kill(int cgroup_fd)
{
	int fd = openat(cgroup_fd, "cgroup.kill", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, "1", 1) < 0)
		kill_each(cgroup_fd);
	if (fd >= 0)
		close(fd);
	return cgroup_wait_empty(cgroup_fd, KILL_WAIT_MS);
}

struct removal {
	unsigned int depth;
};

static void remove_tree(int parent_fd, const char *name, void *context)
{
	struct removal *removal = context;
	int fd = open_directory(parent_fd, name);

	if (fd < 0)
		return;
	if (removal->depth < DEPTH_MAX) {
		removal->depth++;
		each_child(fd, remove_tree, removal);
		removal->depth--;
	}
	close(fd);
	unlinkat(parent_fd, name, AT_REMOVEDIR);
}

struct sweep {
	unsigned int count;
};

static void sweep_one(int parent_fd, const char *name, void *context)
{
	struct sweep *sweep = context;
	struct removal removal = { 0 };
	const char *kind = cgroup_kind(name);
	int error = 0;
	int fd;

	if (!kind || sweep->count++ > SWEEP_MAX)
		return;
	fd = open_directory(parent_fd, name);
	if (fd < 0)
		return;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
		if (strcmp(kind, "replay") == 0)
			error = cgroup_kill(fd);
		else
			error = move_processes(fd, parent_fd);
		if (!error)
			remove_tree(parent_fd, name, &removal);
	}
	close(fd);
}

/* Whether a new group there could take processes: a threaded one, or one below a threaded one, could not. */
static int check_type(int fd)
{
	char type[64];
	ssize_t size = read_small(fd, "cgroup.type", type, sizeof(type));

	if (size < 0)
		return (int)size;
	return strcmp(type, "domain\n") == 0 ? 0 : -EOPNOTSUPP;
}

/* One attempt at a name: 0, -EAGAIN (a sweeper was faster), or why it cannot be made here. */
static int make_locked(int parent_fd, const char *name, int *ret_fd)
{
	struct stat held, named;
	int error;
	int fd;

	if (mkdirat(parent_fd, name, 0755) < 0)
		return errno == EEXIST ? -EAGAIN : -errno;
	fd = open_directory(parent_fd, name);
	if (fd == -ENOENT)
		return -EAGAIN;
	if (fd < 0) {
		error = fd;
		goto remove;
	}
	if (flock(fd, LOCK_EX) < 0) {
		error = -errno;
		goto remove;
	}
	if (fstat(fd, &held) < 0 || fstatat(parent_fd, name, &named, AT_SYMLINK_NOFOLLOW) < 0 ||
	    held.st_ino != named.st_ino) {
		close(fd);
		return -EAGAIN;
	}
	error = check_type(fd);
	if (error)
		goto remove;
	*ret_fd = fd;
	return 0;
remove:
	unlinkat(parent_fd, name, AT_REMOVEDIR);
	if (fd >= 0)
		close(fd);
	return error;
}

/* Makes one below `directory`; its name and descriptor go to *cgroup. */
static int make_below(const struct cgroup_place *parent, const char *kind, struct cgroup *cgroup)
{
	struct sweep sweep = { 0 };
	char name[64];
	int error = -EAGAIN;
	int parent_fd = open_directory(AT_FDCWD, parent->directory);

	if (parent_fd < 0)
		return parent_fd;
	each_child(parent_fd, sweep_one, &sweep);
	for (int attempt = 0; attempt < MAKE_ATTEMPTS && error == -EAGAIN; attempt++) {
		uint32_t random = 0;

		if (getrandom(&random, sizeof(random), 0) < 0)
			random = (uint32_t)now_ms();
		snprintf(name, sizeof(name), "mockproxy-%s-%d-%08x", kind, (int)getpid(), random);
		error = make_locked(parent_fd, name, &cgroup->fd);
	}
	close(parent_fd);
	if (error)
		return error;
	snprintf(cgroup->place.directory, PATH_MAX, "%.*s/%s", PATH_MAX - 80, parent->directory,
		 name);
	snprintf(cgroup->place.path, PATH_MAX, "%.*s/%s", PATH_MAX - 80,
		 strcmp(parent->path, "/") == 0 ? "" : parent->path, name);
	cgroup->kill_fd = openat(cgroup->fd, "cgroup.kill", O_WRONLY | O_CLOEXEC);
	return 0;
}

/* To the parent; false at the mount's own root. */
static bool climb(const struct cgroup_mount *mount, struct cgroup_place *place)
{
	char *slash = strrchr(place->path, '/');
	char path[PATH_MAX];

	if (strcmp(place->path, mount->root) == 0 || strcmp(place->path, "/") == 0)
		return false;
	if (slash == place->path)
		slash++;
	*slash = 0;
	memcpy(path, place->path, strlen(place->path) + 1);
	return cgroup_locate(mount, path, place);
}

/* Where the caller is; where that is not seen through the mount (a container's), the mount's own root. */
static int find_home(struct cgroup_mount *mount, struct cgroup_place *ret_home,
		     char ret_error[MESSAGE_BYTES])
{
	char path[PATH_MAX];
	int error = cgroup_find_mount(mount);

	if (error)
		return message_error(
			ret_error, error,
			"cgroup2 is not mounted: mount -t cgroup2 none /sys/fs/cgroup/unified");
	error = cgroup_of_process(0, path);
	if (error)
		return message_error(ret_error, error, "/proc/self/cgroup names no cgroup2: %s",
				     strerror(-error));
	if (!cgroup_locate(mount, path, ret_home) && !cgroup_locate(mount, mount->root, ret_home))
		return message_error(ret_error, -ENOENT,
				     "the caller's cgroup %.200s is not seen at %.200s", path,
				     mount->point);
	return 0;
}

int cgroup_make(const char *kind, struct cgroup *ret_cgroup, char ret_error[MESSAGE_BYTES])
{
	struct cgroup cgroup = { .fd = -1, .kill_fd = -1 };
	struct cgroup_mount mount;
	struct cgroup_place place;
	int error = find_home(&mount, &place, ret_error);
	int first_error = 0;

	if (error)
		return error;
	memcpy(cgroup.home, place.directory, PATH_MAX);
	do {
		error = make_below(&place, kind, &cgroup);
		if (!first_error)
			first_error = error;
		if (!error) {
			cgroup.climbed = first_error != 0;
			*ret_cgroup = cgroup;
			return 0;
		}
	} while (climb(&mount, &place));
	return message_error(ret_error, first_error, "cannot make a cgroup below %.300s: %s",
			     cgroup.home, strerror(-first_error));
}

int cgroup_evacuate(struct cgroup *cgroup)
{
	int to_fd = open_directory(AT_FDCWD, cgroup->home);
	int error = to_fd < 0 ? to_fd : move_processes(cgroup->fd, to_fd);

	if (to_fd >= 0)
		close(to_fd);
	if (!error)
		return 0;
	to_fd = openat(cgroup->fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (to_fd < 0)
		return -errno;
	error = move_processes(cgroup->fd, to_fd);
	close(to_fd);
	return error ? -EBUSY : 0;
}

void cgroup_close(struct cgroup *cgroup)
{
	if (cgroup->fd >= 0)
		close(cgroup->fd);
	if (cgroup->kill_fd >= 0)
		close(cgroup->kill_fd);
	cgroup->fd = -1;
	cgroup->kill_fd = -1;
}

void cgroup_remove(struct cgroup *cgroup)
{
	struct removal removal = { 0 };

	if (cgroup->place.directory[0])
		remove_tree(AT_FDCWD, cgroup->place.directory, &removal);
	cgroup_close(cgroup);
}
