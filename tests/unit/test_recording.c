/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening a recording: what is refused and why, and that nothing is ever written. Then, that no
 * damage does harm.
 */
#include "store/reader.h"
#include "tests/unit/store_support.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mount.h>

static int open_recording(const char *path, bool allow_partial, struct recording **ret_recording,
			  char *error)
{
	const struct recording_options options = { .path = path, .allow_partial = allow_partial };

	*ret_recording = NULL;
	return recording_open(&options, ret_recording, error);
}

static void assert_refused(const char *path, int expected, const char *text)
{
	char error[STORE_ERROR_BYTES] = "";
	struct recording *recording;

	assert_int_equal(open_recording(path, false, &recording, error), expected);
	if (!strstr(error, text))
		fail_msg("\"%s\" does not say \"%s\"", error, text);
}

static void record_some(const char *path, uint64_t n)
{
	struct writer *writer = start_session(path);

	for (uint64_t i = 1; i <= n; i++) {
		char text[64];

		snprintf(text, sizeof(text), "SELECT v FROM t WHERE id = %d", (int)i);
		push_query(writer, 1, i, text, "some value or other");
	}
	push(writer, make_close(1));
	finish_writer(writer);
}

static void write_file(const char *path, const void *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, size), size);
	close(fd);
}

static uint8_t *read_file(const char *path, size_t *ret_size)
{
	int fd = open(path, O_RDONLY);
	struct stat status;
	uint8_t *data;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &status), 0);
	data = malloc((size_t)status.st_size);
	assert_int_equal(read(fd, data, (size_t)status.st_size), status.st_size);
	close(fd);
	*ret_size = (size_t)status.st_size;
	return data;
}

static size_t count_files(const char *path)
{
	DIR *folder = opendir(path);
	size_t n = 0;

	assert_non_null(folder);
	while (readdir(folder))
		n++;
	closedir(folder);
	return n - 2;
}

/* Asks the matcher everything; the answers do not matter, that it answers does. */
static void ask_everything(struct recording *recording)
{
	const struct matcher_options options = { .repeat = REPEAT_CYCLE };
	const struct sql_options sql = { .dialect = SQL_POSTGRES };
	struct matcher_reader *reader = NULL;
	struct matcher *matcher = NULL;
	char error[STORE_ERROR_BYTES];
	struct sql_statement statement;
	struct answer_description description;
	struct answer_result result;
	struct answer_server server;
	const struct answer_value *values;
	struct answers *answers;
	struct answer answer;
	struct arena arena;
	size_t n;

	if (matcher_new(recording, &options, &matcher, error) < 0)
		return;
	if (matcher_reader_new(matcher, &reader, error) < 0) {
		matcher_free(matcher);
		return;
	}
	arena_init(&arena);
	answers = answers_new(reader, "postgres", SLICE("127.0.0.1"), 5432);
	(void)answers->server(answers->context, SLICE("app"), SLICE("ann"), &server);
	for (int i = 1; i < 5; i++) {
		struct sql_value value = { .kind = SQL_NUMBER, .text = SLICE("3") };
		struct request request = { .context.database = SLICE("app"),
					   .statement = &statement,
					   .values = &value };

		sql_canonicalize(&sql, SLICE("SELECT v FROM t WHERE id = 3"), &arena, &statement);
		answers->find(answers->context, &request, &answer);
		(void)answers->describe(answers->context, &request, &description, &answer);
		for (uint32_t number = 0; number < 2; number++) {
			if (answers->result(answers->context, (uint64_t)i, number, &result) <= 0)
				break;
			for (uint32_t chunk = 0; chunk < result.chunks && chunk < 10; chunk++) {
				if (answers->chunk(answers->context, (uint64_t)i, number, chunk) <
				    0)
					break;
				while (answers->next_row(answers->context, &values, &n) > 0)
					;
			}
		}
	}
	answers_free(answers);
	matcher_reader_free(reader);
	matcher_free(matcher);
	arena_release(&arena);
}

static uint64_t count_exchanges(struct recording *recording)
{
	const struct matcher_options options = { 0 };
	struct matcher_summary summary;
	char error[STORE_ERROR_BYTES];
	struct matcher *matcher;

	if (matcher_new(recording, &options, &matcher, error) < 0)
		fail_msg("%s", error);
	matcher_summarize(matcher, &summary);
	matcher_free(matcher);
	return summary.recorded;
}

static void test_complete(void **unused)
{
	char error[STORE_ERROR_BYTES] = "";
	struct recording *recording;
	struct folder folder;
	(void)unused;

	folder_make(&folder);
	record_some(folder.file, 3);
	assert_int_equal(open_recording(folder.file, false, &recording, error), 0);
	assert_null(recording_incomplete(recording));
	ask_everything(recording);
	recording_close(recording);
	assert_int_equal(count_files(folder.path), 1);
	folder_remove(&folder);
}

static void test_incomplete(void **unused)
{
	char error[STORE_ERROR_BYTES] = "";
	struct writer_summary summary;
	struct recording *recording;
	struct writer *writer;
	struct folder folder;
	(void)unused;

	folder_make(&folder);
	writer = start_session(folder.file);
	assert_int_equal(writer_close(writer, "the guard died", &summary, error), 0);
	assert_int_equal(open_recording(folder.file, false, &recording, error), 0);
	assert_string_equal(recording_incomplete(recording), "the guard died");
	recording_close(recording);
	folder_remove(&folder);
}

static void test_refused(void **unused)
{
	struct folder folder;
	char text[200];
	(void)unused;

	folder_make(&folder);
	assert_refused(folder.file, -ENOENT, "there is no recording");
	assert_refused(folder.path, -EBADMSG, "is not a file");
	write_file(folder.file, "", 0);
	assert_refused(folder.file, -EBADMSG, "is not a recording");
	memset(text, 'x', sizeof(text));
	write_file(folder.file, text, sizeof(text));
	assert_refused(folder.file, -EBADMSG, "is not a recording");
	write_file(folder.file, "", 0);
	free(ask(folder.file, "CREATE TABLE somebody_else (a)"));
	assert_refused(folder.file, -EBADMSG, "is not a recording");
	record_some(folder.file, 1);
	free(ask(folder.file, "PRAGMA application_id = 7"));
	assert_refused(folder.file, -EBADMSG, "is not a recording");
	record_some(folder.file, 1);
	free(ask(folder.file, "PRAGMA user_version = 6"));
	assert_refused(folder.file, -ENOTSUP, "made by a newer mockproxy");
	free(ask(folder.file, "PRAGMA user_version = 4"));
	assert_refused(folder.file, -ENOTSUP, "record it again");
	record_some(folder.file, 1);
	free(ask(folder.file, "DROP TABLE value_part"));
	assert_refused(folder.file, -EBADMSG, "lacks tables");
	record_some(folder.file, 1);
	free(ask(folder.file, "DELETE FROM recording"));
	assert_refused(folder.file, -EBADMSG, "damaged");
	folder_remove(&folder);
}

static void test_partial(void **unused)
{
	struct drain drain = DRAIN_INITIALIZER;
	struct writer_options options = { .queue_bytes = 1,
					  .drained = on_drained,
					  .drained_context = &drain };
	char error[STORE_ERROR_BYTES] = "";
	struct recording *recording;
	struct writer *writer;
	struct folder folder;
	(void)unused;

	folder_make(&folder);
	options.path = folder.file;
	assert_int_equal(writer_open(&options, &writer, error), 0);
	push_session(writer, 1);
	push_query(writer, 1, 1, "SELECT v FROM t WHERE id = 3", "x");
	wait_drained(&drain, writer);
	assert_refused(folder.file, -EBUSY, "is being written");
	writer_abandon(writer); /* what was committed is in the log */
	assert_refused(folder.file, -EBUSY, "was left by a recorder that was killed");
	assert_refused(folder.partial, -EBUSY, "--allow-partial");
	assert_int_equal(open_recording(folder.file, true, &recording, error), 0);
	assert_string_equal(recording_incomplete(recording), "the recorder was killed");
	ask_everything(recording);
	recording_close(recording);
	assert_int_equal(open_recording(folder.partial, true, &recording, error), 0);
	assert_int_equal(count_exchanges(recording), 1);
	recording_close(recording);
	folder_remove(&folder);
}

/* In a folder where nothing can be made: no log, no lock file, no complaint. */
static void test_read_only_folder(void **unused)
{
	char error[STORE_ERROR_BYTES] = "";
	struct recording *recording;
	struct folder folder;
	(void)unused;

	folder_make(&folder);
	if (mount("tmpfs", folder.path, "tmpfs", 0, "size=4m") < 0) {
		print_message("SKIP: a read-only folder cannot be mounted: %s\n", strerror(errno));
		folder_remove(&folder);
		skip();
	}
	record_some(folder.file, 3);
	assert_int_equal(mount("tmpfs", folder.path, "tmpfs", MS_REMOUNT | MS_RDONLY, ""), 0);
	if (open_recording(folder.file, false, &recording, error) < 0)
		fail_msg("%s", error);
	ask_everything(recording);
	recording_close(recording);
	assert_int_equal(mount("tmpfs", folder.path, "tmpfs", MS_REMOUNT, "size=4m"), 0);
	/* Somebody put it into WAL mode meanwhile. */
	free(ask(folder.file, "PRAGMA journal_mode = WAL"));
	assert_int_equal(mount("tmpfs", folder.path, "tmpfs", MS_REMOUNT | MS_RDONLY, ""), 0);
	if (open_recording(folder.file, false, &recording, error) < 0)
		fail_msg("%s", error);
	ask_everything(recording);
	recording_close(recording);
	assert_int_equal(umount(folder.path), 0);
	folder_remove(&folder);
}

/* Cut anywhere: refused with a sentence, or (where what is missing is not looked at) harmless. */
static void test_cut(void **unused)
{
	struct folder folder;
	uint8_t *data;
	size_t size;
	(void)unused;

	folder_make(&folder);
	record_some(folder.file, 300);
	data = read_file(folder.file, &size);
	for (size_t cut = 0; cut < size; cut += cut < 200 ? 10 : 3333) {
		write_file(folder.file, data, cut);
		assert_refused(folder.file, -EBADMSG,
			       cut < 100 ? "is not a recording" : "is cut off");
	}
	free(data);
	folder_remove(&folder);
}

/*
 * Bytes that are wrong anywhere: an error or an answer, never a crash. Every page is hit many
 * times.
 */
static void test_damaged(void **unused)
{
	char error[STORE_ERROR_BYTES];
	struct recording *recording;
	struct folder folder;
	uint64_t random = 88172645463325252u;
	uint8_t *data;
	size_t size;
	(void)unused;

	folder_make(&folder);
	record_some(folder.file, 20);
	data = read_file(folder.file, &size);
	for (int round = 0; round < 300; round++) {
		uint8_t *damaged = malloc(size);

		memcpy(damaged, data, size);
		for (int i = 0; i <= round % 20; i++) {
			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			damaged[100 + random % (size - 100)] = (uint8_t)(random >> 32);
		}
		write_file(folder.file, damaged, size);
		free(damaged);
		if (open_recording(folder.file, false, &recording, error) == 0) {
			ask_everything(recording);
			recording_close(recording);
		}
	}
	free(data);
	folder_remove(&folder);
}

/* A recording's exchanges are read the quick way: nothing of the schema stands against it. */
static void test_quick(void **state)
{
	struct recording *recording;
	char error[STORE_ERROR_BYTES];
	struct folder folder;
	struct reader *reader;

	(void)state;
	folder_make(&folder);
	record_some(folder.file, 3);
	assert_int_equal(open_recording(folder.file, false, &recording, error), 0);
	assert_int_equal(reader_new(recording, &reader, error), 0);
	assert_true(reader_is_quick(reader));
	reader_free(reader);
	recording_close(recording);
	folder_remove(&folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_complete),	 cmocka_unit_test(test_incomplete),
		cmocka_unit_test(test_refused),		 cmocka_unit_test(test_partial),
		cmocka_unit_test(test_read_only_folder), cmocka_unit_test(test_cut),
		cmocka_unit_test(test_damaged),		 cmocka_unit_test(test_quick),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
