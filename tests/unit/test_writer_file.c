/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writer's file and its queue: where it may lie, who else writes it, and what is left when
 * things go wrong.
 */
#include "tests/unit/store_support.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>

/* Back-pressure: full when too much waits, and told when it has drained. */
static void test_back_pressure(void **unused)
{
	struct drain drain = DRAIN_INITIALIZER;
	struct writer_options options = { .queue_bytes = 64 * 1024,
					  .drained = on_drained,
					  .drained_context = &drain };
	char error[STORE_ERROR_BYTES];
	struct writer *writer;
	struct folder folder;
	uint64_t n = 0;
	(void)unused;

	folder_make(&folder);
	options.path = folder.file;
	assert_int_equal(writer_open(&options, &writer, error), 0);
	push_session(writer, 1);
	assert_false(writer_full(writer));
	while (!writer_full(writer))
		push_query(writer, 1, ++n, "SELECT 1", "x");
	wait_drained(&drain, writer);
	assert_false(writer_full(writer));
	assert_true(finish_writer(writer).queue_bytes_most >= 64 * 1024);
	folder_remove(&folder);
}

static void test_replaces_only_at_end(void **unused)
{
	char error[STORE_ERROR_BYTES] = "";
	struct writer_summary summary;
	struct writer *writer;
	struct folder folder;
	(void)unused;

	folder_make(&folder);
	writer = start_session(folder.file);
	push_query(writer, 1, 1, "SELECT 'old'", "x");
	finish_writer(writer);
	writer = start_session(folder.file);
	push_query(writer, 1, 1, "SELECT 'new'", "x");
	assert_sql(folder.file, "SELECT sql FROM queries", "SELECT 'old'");
	assert_int_equal(writer_close(writer, "a connection was opaque", &summary, error), 0);
	assert_sql(folder.file, "SELECT sql FROM queries", "SELECT 'new'");
	assert_sql(folder.file, "SELECT complete || incomplete_reason FROM recording",
		   "0a connection was opaque");
	folder_remove(&folder);
}

static void test_second_recorder(void **unused)
{
	char error[STORE_ERROR_BYTES] = "";
	struct writer_options options = { 0 };
	struct writer *second = NULL;
	struct writer *writer;
	struct folder folder;
	char expected[64];
	(void)unused;

	folder_make(&folder);
	options.path = folder.file;
	writer = start_session(folder.file);
	push_query(writer, 1, 1, "SELECT 1", "x");
	assert_int_equal(writer_open(&options, &second, error), -EEXIST);
	snprintf(expected, sizeof(expected), "(process %d)", (int)getpid());
	assert_non_null(strstr(error, "is being written by another recorder"));
	assert_non_null(strstr(error, expected));
	finish_writer(writer);
	folder_remove(&folder);
}

static void test_bad_places(void **unused)
{
	char error[STORE_ERROR_BYTES] = "";
	struct writer_options options = { 0 };
	struct writer *writer = NULL;
	struct folder folder;
	char path[160];
	(void)unused;

	folder_make(&folder);
	options.path = folder.path;
	assert_int_equal(writer_open(&options, &writer, error), -EISDIR);
	assert_non_null(strstr(error, "is a folder"));
	snprintf(path, sizeof(path), "%s/pipe", folder.path);
	options.path = path;
	assert_int_equal(mkfifo(path, 0600),
			 0); /* nor /dev/null: root's rename() would replace it */
	assert_int_equal(writer_open(&options, &writer, error), -EINVAL);
	assert_non_null(strstr(error, "is a device, a pipe or a socket"));
	assert_int_equal(unlink(path), 0);
	snprintf(path, sizeof(path), "%s/none/mocks.db", folder.path);
	options.path = path;
	assert_int_equal(writer_open(&options, &writer, error), -ENOENT);
	assert_non_null(strstr(error, "No such file or directory"));
	if (mount("tmpfs", folder.path, "tmpfs", MS_RDONLY, "size=1m") == 0) {
		options.path = folder.file;
		assert_int_equal(writer_open(&options, &writer, error), -EROFS);
		assert_non_null(strstr(error, "Read-only file system"));
		assert_int_equal(umount(folder.path), 0);
	} else {
		print_message("SKIP: a read-only folder cannot be mounted: %s\n", strerror(errno));
	}
	folder_remove(&folder);
}

/*
 * A writer that is killed at any moment leaves a file that is valid, says that it is incomplete and
 * holds a prefix.
 */
static void record_until_killed(const char *path, int ready)
{
	struct writer *writer = start_session(path);

	for (uint64_t i = 1;; i++) {
		while (writer_full(writer))
			sched_yield();
		push_query(writer, 1, i, "SELECT v FROM t WHERE id = 5", "some value");
		if (i % 500 == 0 && write(ready, "", 1) != 1)
			_exit(1);
	}
}

static void test_killed(void **unused)
{
	char error[STORE_ERROR_BYTES] = "";
	struct writer_options options = { 0 };
	struct writer *second = NULL;
	(void)unused;

	for (unsigned int i = 0; i < 20; i++) {
		struct folder folder;
		int ready[2];
		char byte;
		pid_t child;

		folder_make(&folder);
		assert_int_equal(pipe(ready), 0);
		child = fork();
		if (!child)
			record_until_killed(folder.file, ready[1]);
		for (unsigned int n = 0; n <= i * i; n++)
			assert_int_equal(read(ready[0], &byte, 1), 1);
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		options.path = folder.file;
		assert_int_equal(writer_open(&options, &second, error), -EEXIST);
		assert_non_null(strstr(error, "was left by a recorder that was killed: it holds"));
		assert_sql(folder.partial, "PRAGMA integrity_check", "ok");
		assert_sql(folder.partial, "SELECT complete FROM recording", "0");
		assert_sql(folder.partial,
			   "SELECT count(*) = max(id) OR count(*) = 0 FROM exchange", "1");
		assert_sql(folder.partial, "SELECT count(*) FROM pragma_foreign_key_check", "0");
		close(ready[0]);
		close(ready[1]);
		folder_remove(&folder);
	}
}

/*
 * A full disk ends the recording, not the app: what was committed is there, the rest is freed.
 * Needs root for a tmpfs.
 */
static void test_disk_full(void **unused)
{
	char error[STORE_ERROR_BYTES] = "";
	struct writer_summary summary;
	struct writer *writer;
	struct folder folder;
	uint64_t n = 0;
	(void)unused;

	folder_make(&folder);
	if (mount("tmpfs", folder.path, "tmpfs", 0, "size=2m") < 0) {
		folder_remove(&folder);
		print_message("SKIP: a small tmpfs cannot be mounted: %s\n", strerror(errno));
		skip();
	}
	writer = start_session(folder.file);
	while (!writer_failed(writer) && n < 1000000) {
		while (writer_full(writer))
			sched_yield();
		push_query(writer, 1, ++n, "SELECT v FROM t WHERE id = 5", "some value");
	}
	assert_non_null(strstr(writer_failed(writer), "no space left on the disk"));
	for (uint64_t i = 0; i < 1000; i++) /* goes on being taken, and freed */
		push_query(writer, 1, ++n, "SELECT v FROM t WHERE id = 5", "some value");
	assert_int_equal(writer_close(writer, NULL, &summary, error), -ENOSPC);
	assert_non_null(strstr(error, "no space left on the disk"));
	assert_int_equal(access(folder.file, F_OK), -1);
	assert_sql(folder.partial, "SELECT complete FROM recording", "0");
	assert_sql(folder.partial, "SELECT count(*) > 0 FROM exchange", "1");
	assert_int_equal(umount(folder.path), 0);
	folder_remove(&folder);
}

static void test_abandoned(void **unused)
{
	struct writer *writer;
	struct folder folder;
	(void)unused;

	folder_make(&folder);
	writer = start_session(folder.file);
	push_query(writer, 1, 1, "SELECT 1", "x");
	writer_abandon(writer);
	assert_int_equal(access(folder.file, F_OK), -1);
	assert_sql(folder.partial, "SELECT complete FROM recording", "0");
	folder_remove(&folder);
}

/* Where the file's name is a link, the file that it names is written. */
static void test_link(void **unused)
{
	char target[160], link[160];
	struct folder folder;
	struct stat status;
	(void)unused;

	folder_make(&folder);
	snprintf(target, sizeof(target), "%s/target", folder.path);
	snprintf(link, sizeof(link), "%s/link", folder.path);
	close(open(target, O_CREAT | O_WRONLY, 0600));
	assert_int_equal(symlink("target", link), 0);
	finish_writer(start_session(link));
	assert_int_equal(lstat(link, &status), 0);
	assert_true(S_ISLNK(status.st_mode));
	assert_sql(target, "SELECT complete FROM recording", "1");
	unlink(link);
	unlink(target);
	folder_remove(&folder);
}

static void test_discarded(void **unused)
{
	struct writer *writer;
	struct folder folder;
	(void)unused;

	folder_make(&folder);
	writer = start_session(folder.file);
	push_query(writer, 1, 1, "SELECT 1", "x");
	writer_discard(writer);
	assert_int_equal(rmdir(folder.path), 0); /* nothing is in it */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_back_pressure),	cmocka_unit_test(test_replaces_only_at_end),
		cmocka_unit_test(test_second_recorder), cmocka_unit_test(test_bad_places),
		cmocka_unit_test(test_killed),		cmocka_unit_test(test_disk_full),
		cmocka_unit_test(test_abandoned),	cmocka_unit_test(test_link),
		cmocka_unit_test(test_discarded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
