/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was stored encodes back to the bytes that passed (store/verify.h): each PostgreSQL tape, through the recorder, the writer, the
 * reader and the replayer's encoder. And a recording that was changed does not.
 */
#include "parsers/postgres/wire.h"
#include "store/verify.h"
#include "tests/unit/store_support.h"
#include "tests/unit/tape.h"

#include <glob.h>

static void test_checksum(void **unused)
{
	struct slice text = SLICE("one answer, in two pieces");
	(void)unused;

	for (size_t cut = 0; cut <= text.size; cut++) {
		struct checksum whole = { 0 }, pieces = { 0 }, behind = { 0 }, joined = { 0 };

		checksum_add(&whole, text);
		checksum_add(&pieces, slice_of(text.data, cut));
		joined = pieces;
		checksum_add(&pieces, slice_of(text.data + cut, text.size - cut));
		assert_true(checksum_equal(&whole, &pieces));
		checksum_add(&behind, slice_of(text.data + cut, text.size - cut));
		checksum_join(&joined, &behind);
		assert_true(checksum_equal(&whole, &joined));
		assert_false(cut && checksum_equal(&whole, &behind));
	}
}

/* Records a tape: what --verify says of it. */
static struct verify_report verify(const char *path, size_t cut, const char *change)
{
	static struct tape tape; /* large */
	char error[STORE_ERROR_BYTES] = "";
	struct verify_report report;
	struct item_list items;
	struct writer *writer;
	struct folder folder;
	char *done;

	assert_true(tape_read(&tape, path));
	folder_make(&folder);
	writer = start_writer(folder.file);
	push(writer, make_open(1, "127.0.0.1", 5432));
	item_list_init(&items);
	(void)tape_items(&tape, &postgres_protocol, cut, true, &items);
	writer_push(writer, &items);
	finish_writer(writer);
	done = ask(folder.file, change ? change : "SELECT 1");
	free(done);
	if (verify_recording(folder.file, &report, error) < 0)
		fail_msg("%s: %s", path, error);
	folder_remove(&folder);
	tape_release(&tape);
	return report;
}

static void test_tapes(void **unused)
{
	static const size_t cuts[] = { TAPE_WHOLE, TAPE_BYTE_BY_BYTE };
	uint64_t checked = 0, equal = 0;
	glob_t found;
	(void)unused;

	assert_int_equal(glob("tests/fixtures/postgres/*.tape", 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		for (size_t c = 0; c < ARRAY_SIZE(cuts); c++) {
			struct verify_report report = verify(found.gl_pathv[i], cuts[c], NULL);

			if (report.equal != report.checked)
				print_error("%s: exchange %d, and %d of %d in all, do not encode "
					    "back\n",
					    found.gl_pathv[i], (int)report.differing[0],
					    (int)(report.checked - report.equal),
					    (int)report.checked);
			checked += report.checked;
			equal += report.equal;
		}
	}
	globfree(&found);
	assert_int_equal(equal, checked);
	assert_true(checked > 140);
}

static void test_changed(void **unused)
{
	static const char *const changes[] = {
		"UPDATE exchange SET tag = 'SELECT 7' WHERE id = 1",
		"UPDATE result_rows SET rows = replace(rows, '1', '2') WHERE exchange = 1",
		"UPDATE passed SET bytes = bytes + 1 WHERE exchange = 1",
	};
	const char *path = "tests/fixtures/postgres/simple.tape";
	struct verify_report report = verify(path, TAPE_WHOLE, NULL);
	(void)unused;

	assert_true(report.checked && report.equal == report.checked);
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		report = verify(path, TAPE_WHOLE, changes[i]);
		assert_int_equal(report.equal, report.checked - 1);
		assert_int_equal(report.differing[0], 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_checksum),
		cmocka_unit_test(test_tapes),
		cmocka_unit_test(test_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
