/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The app's cgroup: reading /proc's lines, and (as root, where cgroup2 is mounted; SKIP otherwise) real
 * groups: made, locked, entered, emptied, ended, swept.
 */
#include "parsers/compiler.h"
#include "proxy/cgroup.h"
#include "tests/unit/cmocka.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_parse_mount(void **state)
{
	static const struct {
		const char *line;
		const char *point; /* NULL: not one */
		const char *root;
	} cases[] = {
		{ "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n",
		  "/sys/fs/cgroup/unified", "/" },
		{ "41 31 0:38 /a/b /sys/fs/cgroup ro,nosuid shared:9 master:1 - cgroup2 cgroup "
		  "rw\n",
		  "/sys/fs/cgroup", "/a/b" },
		{ "41 31 0:38 / /mnt/my\\040cg\\134 rw - cgroup2 none rw\n", "/mnt/my cg\\", "/" },
		{ "40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n", NULL,
		  NULL },
		{ "40 31 0:37 / /cgroup2 rw - tmpfs cgroup2 rw\n", NULL, NULL },
		{ "40 31 0:37 / /x", NULL, NULL },
		{ "", NULL, NULL },
		{ "\n", NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct cgroup_mount mount;

		assert_int_equal(cgroup_parse_mount(cases[i].line, &mount), cases[i].point != NULL);
		if (!cases[i].point)
			continue;
		assert_string_equal(mount.point, cases[i].point);
		assert_string_equal(mount.root, cases[i].root);
	}
}

static void test_parse_membership(void **state)
{
	char path[PATH_MAX];

	(void)state;
	assert_true(cgroup_parse_membership("0::/user.slice/a b:c\n", path));
	assert_string_equal(path, "/user.slice/a b:c");
	assert_true(cgroup_parse_membership("0::/", path));
	assert_string_equal(path, "/");
	assert_false(cgroup_parse_membership("9:name=systemd:/\n", path));
	assert_false(cgroup_parse_membership("10::/\n", path));
	assert_false(cgroup_parse_membership("", path));
}

static void test_locate(void **state)
{
	static const struct {
		const char *root;
		const char *path;
		const char *directory; /* NULL: not seen */
	} cases[] = {
		{ "/", "/", "/m" },	  { "/", "/a/b", "/m/a/b" }, { "/a", "/a", "/m" },
		{ "/a", "/a/b", "/m/b" }, { "/a", "/ab", NULL },     { "/a", "/", NULL },
		{ "/", "/../x", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct cgroup_mount mount = { .point = "/m" };
		struct cgroup_place place;

		snprintf(mount.root, sizeof(mount.root), "%s", cases[i].root);
		assert_int_equal(cgroup_locate(&mount, cases[i].path, &place),
				 cases[i].directory != NULL);
		if (!cases[i].directory)
			continue;
		assert_string_equal(place.directory, cases[i].directory);
		assert_string_equal(place.path, cases[i].path);
	}
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(cgroup_kind("mockproxy-record-12-0123abcd"), "record");
	assert_string_equal(cgroup_kind("mockproxy-replay-1-ffffffff"), "replay");
	assert_string_equal(cgroup_kind("mockproxy-trace-1-ffffffff"), "trace");
	assert_null(cgroup_kind("mockproxy-record-12-0123abcd0"));
	assert_null(cgroup_kind("mockproxy-record-12-0123abc"));
	assert_null(cgroup_kind("mockproxy-record-12-0123ABCD"));
	assert_null(cgroup_kind("mockproxy-record--0123abcd"));
	assert_null(cgroup_kind("mockproxy-record-12"));
	assert_null(cgroup_kind("mockproxy-records-12-0123abcd"));
	assert_null(cgroup_kind("mockproxy"));
	assert_null(cgroup_kind("mockproxy-record.service"));

	assert_true(cgroup_contains("/a", "/a"));
	assert_true(cgroup_contains("/a", "/a/b"));
	assert_true(cgroup_contains("/", "/a"));
	assert_false(cgroup_contains("/a", "/ab"));
	assert_false(cgroup_contains("/a/b", "/a"));
}

static size_t read_pids_of(const char *text, pid_t *ret_pids, size_t max)
{
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], text, strlen(text)), (ssize_t)strlen(text));
	close(ends[1]);
	return cgroup_read_pids(ends[0], ret_pids, max);
}

static void test_read_pids(void **state)
{
	pid_t pids[3] = { 0 };

	(void)state;
	assert_int_equal(read_pids_of("1\n22\n4194304\n", pids, 3), 3);
	assert_int_equal(pids[0], 1);
	assert_int_equal(pids[1], 22);
	assert_int_equal(pids[2], 4194304);
	assert_int_equal(read_pids_of("7 8 9 ", pids, 1), 3);
	assert_int_equal(pids[0], 7);
	assert_int_equal(pids[1], 22);
	assert_int_equal(read_pids_of("5", pids, 3), 1);
	assert_int_equal(read_pids_of("99999999999999999999 \n 0 x\n", NULL, 0) <= 2, 1);
	assert_int_equal(read_pids_of("", pids, 3), 0);
	assert_int_equal(cgroup_read_pids(-1, pids, 3), 0);
}

/* A process that lives until it is killed, or until this one ends. */
static pid_t start_process(int cgroup_fd)
{
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close_range(3, ~0U, 0); /* a descriptor kept here would hold the lock */
		for (;;)
			pause();
	}
	assert_true(pid > 0);
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 0); /* the child has closed all */
	close(ready[0]);
	assert_int_equal(cgroup_enter(cgroup_fd, pid), 0);
	return pid;
}

static bool is_alive(pid_t pid)
{
	return waitpid(pid, NULL, WNOHANG) == 0;
}

static void end_process(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void make(const char *kind, struct cgroup *cgroup)
{
	char error[MESSAGE_BYTES] = "";

	if (cgroup_make(kind, cgroup, error))
		fail_msg("%s", error);
}

static bool exists(const struct cgroup *cgroup)
{
	return access(cgroup->place.directory, F_OK) == 0;
}

static void skip_without_rights(void)
{
	struct cgroup_mount mount;

	if (geteuid() == 0 && cgroup_find_mount(&mount) == 0)
		return;
	print_message("SKIP: needs root and cgroup2\n");
	skip();
}

static void test_make_and_remove(void **state)
{
	struct cgroup cgroup;
	char path[PATH_MAX];
	pid_t pid;
	int fd;

	(void)state;
	skip_without_rights();
	make("record", &cgroup);
	assert_true(exists(&cgroup));
	assert_true(cgroup.fd >= 0 && cgroup.kill_fd >= 0);
	assert_false(cgroup.climbed);

	/* Locked, also against this process's other descriptors. */
	fd = open(cgroup.place.directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), -1);
	close(fd);

	pid = start_process(cgroup.fd);
	assert_int_equal(cgroup_of_process(pid, path), 0);
	assert_string_equal(path, cgroup.place.path);
	assert_int_equal(cgroup_processes(cgroup.fd, NULL, 0), 1);

	cgroup_remove(&cgroup); /* somebody lives there: it stays */
	assert_true(exists(&cgroup));
	end_process(pid);
	cgroup_remove(&cgroup);
	assert_false(exists(&cgroup));
}

static void make_nested(const struct cgroup *cgroup, int *ret_fd)
{
	assert_int_equal(mkdirat(cgroup->fd, "inner", 0755), 0);
	*ret_fd = openat(cgroup->fd, "inner", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(*ret_fd >= 0);
}

static void test_evacuate(void **state)
{
	struct cgroup cgroup;
	char before[PATH_MAX], after[PATH_MAX];
	pid_t pids[3], listed[3];
	int inner;

	(void)state;
	skip_without_rights();
	assert_int_equal(cgroup_of_process(0, before), 0);
	make("record", &cgroup);
	make_nested(&cgroup, &inner);
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++)
		pids[i] = start_process(i == 2 ? inner : cgroup.fd);
	close(inner);
	assert_int_equal(cgroup_processes(cgroup.fd, listed, 2), 3);
	assert_int_equal(cgroup_evacuate(&cgroup), 0);
	assert_int_equal(cgroup_processes(cgroup.fd, listed, 3), 0);
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
		assert_true(is_alive(pids[i]));
		assert_int_equal(cgroup_of_process(pids[i], after), 0);
		assert_string_equal(after, before);
		end_process(pids[i]);
	}
	cgroup_remove(&cgroup);
	assert_false(exists(&cgroup));
}

static void test_kill(void **state)
{
	struct cgroup cgroup;
	pid_t outer, nested;
	int inner;

	(void)state;
	skip_without_rights();
	make("replay", &cgroup);
	make_nested(&cgroup, &inner);
	outer = start_process(cgroup.fd);
	nested = start_process(inner);
	close(inner);
	assert_int_equal(cgroup_kill(cgroup.fd), 0);
	assert_int_equal(waitpid(outer, NULL, 0), outer);
	assert_int_equal(waitpid(nested, NULL, 0), nested);
	cgroup_remove(&cgroup);
	assert_false(exists(&cgroup));
}

/* The proxy has no rights left, and the descriptor. */
static void test_kill_descriptor_works_without_rights(void **state)
{
	struct cgroup cgroup;
	pid_t pid, killer;
	int status;

	(void)state;
	skip_without_rights();
	make("replay", &cgroup);
	pid = start_process(cgroup.fd);
	killer = fork();
	if (killer == 0) {
		if (setgid(65534) < 0 || setuid(65534) < 0)
			_exit(2);
		_exit(write(cgroup.kill_fd, "1", 1) == 1 ? 0 : 1);
	}
	assert_int_equal(waitpid(killer, &status, 0), killer);
	assert_int_equal(status, 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	cgroup_remove(&cgroup);
}

/* What a killed run leaves is swept by the next; what is locked is not. */
static void test_sweep(void **state)
{
	struct cgroup record, replay, locked, next;
	pid_t recorded, replayed, held;

	(void)state;
	skip_without_rights();
	make("record", &record);
	make("replay", &replay);
	make("replay", &locked);
	recorded = start_process(record.fd);
	replayed = start_process(replay.fd);
	held = start_process(locked.fd);
	cgroup_close(&record);
	cgroup_close(&replay);

	make("trace", &next);
	assert_false(exists(&record));
	assert_false(exists(&replay));
	assert_true(exists(&locked));
	assert_true(exists(&next));
	assert_true(is_alive(recorded));
	assert_int_equal(waitpid(replayed, NULL, 0), replayed);
	assert_true(is_alive(held));

	end_process(recorded);
	end_process(held);
	cgroup_remove(&locked);
	cgroup_remove(&next);
	assert_false(exists(&locked));
	assert_false(exists(&next));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_mount),
		cmocka_unit_test(test_parse_membership),
		cmocka_unit_test(test_locate),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_read_pids),
		cmocka_unit_test(test_make_and_remove),
		cmocka_unit_test(test_evacuate),
		cmocka_unit_test(test_kill),
		cmocka_unit_test(test_kill_descriptor_works_without_rights),
		cmocka_unit_test(test_sweep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
