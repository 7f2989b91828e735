/* SPDX-License-Identifier: Apache-2.0 */
/* The writer: what items become in a real SQLite file, and what is left when things go wrong. */
#include "tests/unit/store_support.h"

static void test_ordinary(void **unused)
{
	struct writer_summary summary;
	struct writer *writer;
	struct folder folder;
	(void)unused;

	folder_make(&folder);
	writer = start_session(folder.file);
	push_query(writer, 1, 1, "SELECT name FROM t WHERE id = 5", "five");
	push_query(writer, 1, 2, "SELECT name FROM t WHERE id = 7", "seven");
	push(writer, make_close(1));
	summary = finish_writer(writer);
	assert_int_equal(summary.exchanges, 2);
	assert_int_equal(summary.unfinished, 0);
	assert_int_equal(summary.connections, 1);
	assert_int_equal(summary.statements, 1);
	assert_sql(folder.file, "SELECT count(*) FROM queries", "2");
	assert_sql(folder.file, "SELECT sql FROM queries WHERE id = 2", "SELECT name FROM t WHERE id = 7");
	assert_sql(folder.file, "SELECT parameters FROM queries WHERE id = 2", "[7]");
	assert_sql(folder.file, "SELECT row_count || tag FROM queries WHERE id = 1", "1SELECT 1");
	assert_sql(folder.file, "SELECT started_at FROM queries WHERE id = 1", "2023-11-14T22:13:20.001Z");
	assert_sql(folder.file, "SELECT duration_ms FROM queries WHERE id = 1", "0.5");
	assert_sql(folder.file, "SELECT \"values\" FROM rows WHERE exchange = 2", "[\"seven\"]");
	assert_sql(folder.file, "SELECT complete FROM recording", "1");
	assert_sql(folder.file, "PRAGMA journal_mode", "delete");
	assert_sql(folder.file, "PRAGMA integrity_check", "ok");
	assert_sql(folder.file, "SELECT count(*) FROM pragma_foreign_key_check", "0");
	assert_int_equal(access(folder.partial, F_OK), -1);
	folder_remove(&folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ordinary),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
