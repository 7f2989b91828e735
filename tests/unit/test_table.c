/* SPDX-License-Identifier: Apache-2.0 */
/* Rows straight from the pages: what SQLite itself reads, or nothing, and no damage does harm. */
#include "store/database.h"
#include "store/table.h"
#include "tests/unit/store_support.h"

#define ROWS 3000

static const char *const columns[] = { "c", "id", "a", "f" };
enum { C, ID, A, F, N_COLUMNS };

static sqlite3 *make(const char *path, const char *before, const char *create)
{
	sqlite3 *database = NULL;

	unlink(path);
	assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
	assert_int_equal(sqlite3_exec(database, before, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(database, create, NULL, NULL, NULL), SQLITE_OK);
	return database;
}

/* Values of every type and size; some rows do not fit a page. */
static void fill(sqlite3 *database)
{
	char sql[1024];

	snprintf(sql, sizeof(sql),
		 "WITH n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) "
		 "INSERT INTO t (id, a, b, c, d, e, f) SELECT (i - 5) * 7, "
		 "CASE i %% 9 WHEN 0 THEN NULL WHEN 1 THEN 0 WHEN 2 THEN 1 "
		 "ELSE (1 << (i %% 63)) * (i %% 2 * 2 - 1) END, "
		 "zeroblob(i %% 3), substr(hex(randomblob(4000)), 1, i * 13 %% 300), NULL, "
		 "i * 0.5, CASE WHEN i %% 50 THEN x'00ff' ELSE hex(zeroblob(60000)) END FROM n",
		 ROWS);
	assert_int_equal(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
}

#define CREATE                                                                                     \
	"CREATE TABLE u (x); CREATE TABLE t (a ANY, b ANY, c ANY, id INTEGER PRIMARY KEY, d ANY, " \
	"e ANY, f ANY) STRICT"

static void assert_same_bytes(sqlite3_stmt *sql, int column, struct slice bytes)
{
	struct slice expected = database_column(sql, column);

	assert_int_equal(bytes.data == NULL, expected.data == NULL);
	if (bytes.data && expected.data)
		assert_true(slice_equal(bytes, expected));
}

/* Every row as SQLite gives it, or not at all; how many there were. */
static size_t compare(sqlite3 *database, const struct table *table)
{
	struct table_row row;
	int64_t previous = INT64_MIN;
	sqlite3_stmt *sql;
	size_t found = 0;

	assert_int_equal(sqlite3_prepare_v2(database, "SELECT c, id, a, f FROM t ORDER BY id", -1,
					    &sql, NULL),
			 SQLITE_OK);
	while (sqlite3_step(sql) == SQLITE_ROW) {
		int64_t id = sqlite3_column_int64(sql, ID);

		assert_false(id - 1 != previous && table_find(table, id - 1, &row));
		previous = id;
		if (!table_find(table, id, &row))
			continue;
		found++;
		assert_same_bytes(sql, C, table_bytes(&row, C));
		assert_same_bytes(sql, F, table_bytes(&row, F));
		assert_int_equal(table_integer(&row, A), sqlite3_column_int64(sql, A));
		assert_int_equal(row.values[A].type == TABLE_NULL,
				 sqlite3_column_type(sql, A) == SQLITE_NULL);
		assert_false(row.failed);
		table_integer(&row, C);
		assert_int_equal(row.failed, sqlite3_column_type(sql, C) != SQLITE_NULL);
	}
	sqlite3_finalize(sql);
	return found;
}

static size_t found_in(sqlite3 *database, const char *path, bool whole)
{
	struct table_pages pages;
	struct table table;
	size_t found;

	table_pages_open(&pages, path, whole);
	table_open(&table, &pages, database, "t", columns, N_COLUMNS);
	found = compare(database, &table);
	table_pages_close(&pages);
	return found;
}

static void test_every_page_size(void **state)
{
	struct folder folder;
	char before[64];

	(void)state;
	folder_make(&folder);
	for (int size = 512; size <= 65536; size *= 2) {
		sqlite3 *database;

		snprintf(before, sizeof(before), "PRAGMA page_size = %d", size);
		database = make(folder.file, before, CREATE);
		fill(database);
		/* In the smallest page most rows have overflow pages. */
		assert_true(found_in(database, folder.file, false) >
			    (size == 512 ? ROWS / 5 : ROWS / 2));
		sqlite3_close(database);
	}
	folder_remove(&folder);
}

/* Rowids without gaps, as a recorder gives them, and then with some; the last ones the largest that there are. */
static void test_rowids(void **state)
{
	static const char *const changes[] = {
		"UPDATE t SET id = id / 7 + 1000000; UPDATE t SET id = id - 999990",
		"DELETE FROM t WHERE id % 11 = 0 OR id BETWEEN 500 AND 900",
		"UPDATE t SET id = id + 9223372036854770000 WHERE id > 2000",
		"DELETE FROM t WHERE id > 1 AND id < 1990",
	};
	struct folder folder;
	sqlite3 *database;

	(void)state;
	folder_make(&folder);
	database = make(folder.file, "PRAGMA page_size = 8192", CREATE);
	fill(database);
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		sqlite3_stmt *sql;
		size_t n;

		assert_int_equal(sqlite3_exec(database, changes[i], NULL, NULL, NULL), SQLITE_OK);
		assert_int_equal(sqlite3_prepare_v2(database,
						    "SELECT count(*) FROM t WHERE length(f) < 9",
						    -1, &sql, NULL),
				 SQLITE_OK);
		assert_int_equal(sqlite3_step(sql), SQLITE_ROW);
		n = (size_t)sqlite3_column_int64(sql, 0);
		sqlite3_finalize(sql);
		assert_true(n > 0);
		assert_int_equal(found_in(database, folder.file, false), n);
	}
	sqlite3_close(database);
	folder_remove(&folder);
}

/* What is not stored as it is read, or is not the whole truth: SQLite is asked. */
static void test_not_ordinary(void **state)
{
	struct folder folder;
	static const char *const cases[][2] = {
		{ "PRAGMA encoding = 'UTF-16le'", CREATE },
		{ "PRAGMA journal_mode = WAL", CREATE },
		{ "", "CREATE TABLE t (a, b, d, e, f, c, id INTEGER PRIMARY KEY) WITHOUT ROWID" },
		{ "", "CREATE TABLE t (a, x AS (a), b, d, e, f, c, id INTEGER PRIMARY KEY)" },
		{ "", "CREATE TABLE t (a, b, c, d, e, id INTEGER PRIMARY KEY);"
		      "INSERT INTO t (id) VALUES (1), (2); ALTER TABLE t ADD COLUMN f DEFAULT 7" },
	};

	(void)state;
	folder_make(&folder);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		sqlite3 *database = make(folder.file, cases[i][0], cases[i][1]);

		if (!strstr(cases[i][1], "ALTER"))
			fill(database);
		if (found_in(database, folder.file, false))
			fail_msg("%s; %s", cases[i][0], cases[i][1]);
		sqlite3_close(database);
	}
	folder_remove(&folder);
}

static void test_lacks(void **state)
{
	struct folder folder;
	static const char *const other[] = { "a", "nothing" };
	sqlite3 *database;
	struct table table = { 0 };
	struct table_pages pages;
	struct table_row row;

	(void)state;
	folder_make(&folder);
	database = make(folder.file, "", CREATE);
	fill(database);
	assert_false(table_find(&table, 7, &row));
	table_pages_open(&pages, folder.file, false);
	table_open(&table, &pages, database, "t", other, 2);
	assert_false(table_find(&table, 7, &row));
	table_open(&table, &pages, database, "v", other, 1);
	assert_false(table_find(&table, 7, &row));
	table_open(&table, &pages, database, "t", other, 1);
	assert_true(table_find(&table, 7, &row));
	table_pages_close(&pages);
	table_pages_open(&pages, "/nonexistent/none.db", false);
	assert_null(pages.bytes);
	sqlite3_close(database);
	folder_remove(&folder);
}

/* Bytes of the file are changed at random: whatever is found lies in the file. */
static void test_damaged(void **state)
{
	struct folder folder;
	sqlite3 *database;
	struct table_pages pages, copy;
	struct table table;
	struct table_row row;
	uint64_t random = 1;
	uint8_t *bytes;

	(void)state;
	folder_make(&folder);
	database = make(folder.file, "PRAGMA page_size = 512", CREATE);
	fill(database);
	table_pages_open(&pages, folder.file, false);
	table_open(&table, &pages, database, "t", columns, N_COLUMNS);
	copy = pages;
	bytes = malloc(pages.size);
	assert_non_null(bytes);
	copy.bytes = bytes;
	table.pages = &copy;
	for (int round = 0; round < 300; round++) {
		memcpy(bytes, pages.bytes, pages.size);
		for (int i = 0; i < 1000; i++) {
			random = random * 6364136223846793005u + 1442695040888963407u;
			bytes[(random >> 20) % pages.size] = (uint8_t)(random >> 56);
		}
		for (int64_t id = -28; id < 7 * 200; id += 7) {
			struct slice c;

			if (!table_find(&table, id, &row))
				continue;
			c = table_bytes(&row, C);
			assert_true(!c.size || (c.data >= bytes && c.size <= pages.size &&
						c.data <= bytes + pages.size - c.size));
		}
	}
	free(bytes);
	table_pages_close(&pages);
	sqlite3_close(database);
	folder_remove(&folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_page_size), cmocka_unit_test(test_rowids),
		cmocka_unit_test(test_not_ordinary),	cmocka_unit_test(test_lacks),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
