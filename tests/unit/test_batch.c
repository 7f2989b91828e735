/* SPDX-License-Identifier: Apache-2.0 */
/* Batches: what SQLite copies is what it would have stored of bound values. */
#include "store/batch.h"
#include "store/database.h"
#include "store/schema.h"
#include "tests/unit/cmocka.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS 6
#define LARGE ((size_t)9000) /* more than fits */

#define TABLE                                                                                  \
	"(id INTEGER PRIMARY KEY, -- a comment\n a ANY, b INTEGER, c TEXT, d ANY NOT NULL, e " \
	"INTEGER) STRICT"

struct tables {
	sqlite3 *database;
	sqlite3_stmt *bound; /* into the other one */
	sqlite3_stmt *again; /* what batch_take() gives */
	struct batch *batch;
	uint64_t seed;
};

static uint64_t next(struct tables *tables)
{
	tables->seed ^= tables->seed << 13;
	tables->seed ^= tables->seed >> 7;
	tables->seed ^= tables->seed << 17;
	return tables->seed;
}

static void begin(struct tables *tables)
{
	*tables = (struct tables){ .seed = 0x9e3779b97f4a7c15 };
	assert_int_equal(sqlite3_open(":memory:", &tables->database), SQLITE_OK);
	assert_int_equal(database_exec(tables->database,
				       "CREATE TABLE t " TABLE "; CREATE TABLE other " TABLE),
			 SQLITE_OK);
	assert_int_equal(database_prepare(tables->database,
					  "INSERT INTO other VALUES (?,?,?,?,?,?)", &tables->bound),
			 SQLITE_OK);
	assert_int_equal(database_prepare(tables->database, "INSERT INTO t VALUES (?,?,?,?,?,?)",
					  &tables->again),
			 SQLITE_OK);
	tables->batch = batch_new(tables->database, "t");
	assert_non_null(tables->batch);
}

static int64_t count(struct tables *tables, const char *sql)
{
	sqlite3_stmt *statement = NULL;
	int64_t number;

	assert_int_equal(database_prepare(tables->database, sql, &statement), SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	number = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return number;
}

/* The same rows, of the same types, in both, and a sound file. */
static void expect_equal(struct tables *tables, int64_t n)
{
	static const char differing[] = "SELECT count(*) FROM t JOIN other USING (id) WHERE t.a IS "
					"NOT other.a OR t.b IS NOT other.b OR "
					"t.c IS NOT other.c OR t.d IS NOT other.d OR t.e IS NOT "
					"other.e OR typeof(t.a) <> typeof(other.a) OR "
					"typeof(t.b) <> typeof(other.b) OR typeof(t.c) <> "
					"typeof(other.c) OR typeof(t.d) <> typeof(other.d)";

	assert_int_equal(count(tables, "SELECT count(*) FROM t"), n);
	assert_int_equal(count(tables, "SELECT count(*) FROM t JOIN other USING (id)"), n);
	assert_int_equal(count(tables, differing), 0);
	assert_int_equal(count(tables, "SELECT count(*) FROM pragma_integrity_check WHERE "
				       "integrity_check = 'ok'"),
			 1);
}

static void end(struct tables *tables)
{
	batch_free(tables->batch);
	sqlite3_finalize(tables->bound);
	sqlite3_finalize(tables->again);
	assert_int_equal(sqlite3_close(tables->database), SQLITE_OK);
}

static int64_t random_number(struct tables *tables)
{
	uint64_t number = next(tables);

	number >>= next(tables) % 64;
	return next(tables) % 2 ? (int64_t)number : (int64_t)~number;
}

static struct cell random_cell(struct tables *tables, const uint8_t *bytes, bool may_be_null)
{
	/* Around where headers and sizes grow; the last is rare, and two of it are more than fits. */
	static const size_t sizes[] = { 0, 1, 5, 57, 58, 63, 64, 200, 8000 };
	uint64_t pick = next(tables) % 100;
	size_t size = sizes[pick == 99 ? 8 : pick % 8];

	switch (next(tables) % (may_be_null ? 5 : 4)) {
	case 0:
		return cell_number(random_number(tables));
	case 1:
		return (struct cell){ .type = CELL_IS_CHARACTER,
				      .number = ' ' + (int64_t)(next(tables) % 95) };
	case 2:
		return cell_text(slice_of(bytes, size));
	case 3:
		return (struct cell){ .type = CELL_IS_BLOB,
				      .number = (int64_t)size,
				      .data = bytes };
	default:
		return (struct cell){ 0 };
	}
}

/* Ids mostly have small distances. */
static void random_row(struct tables *tables, const uint8_t *bytes, int64_t *id,
		       struct cell cells[COLUMNS])
{
	uint64_t distance = next(tables) % 100 ? 3 : 100000000;

	*id += 1 + (int64_t)(next(tables) % distance);
	cells[0] = cell_number(*id);
	cells[1] = random_cell(tables, bytes, true);
	cells[2] = cell_number(random_number(tables));
	cells[3] = cell_text(slice_of(NULL, 0)); /* NULL */
	if (next(tables) % 2)
		cells[3] = cell_text(slice_of(bytes, next(tables) % 90));
	cells[4] = random_cell(tables, bytes, false);
	cells[5] = cell_number((int64_t)(next(tables) % 2));
}

static int insert_again(void *context, const struct cell *values)
{
	struct tables *tables = context;

	cells_bind(tables->again, 1, values, COLUMNS);
	return database_run(tables->again);
}

static void flush(struct tables *tables)
{
	if (batch_can_flush(tables->batch))
		assert_int_equal(batch_flush(tables->batch), SQLITE_OK);
	else
		assert_int_equal(batch_take(tables->batch, insert_again, tables), SQLITE_OK);
	assert_int_equal(batch_rows(tables->batch), 0);
}

/* One that is not added goes into the table directly, behind those that wait. */
static void add(struct tables *tables, const struct cell *cells, size_t *refused)
{
	if (batch_add(tables->batch, cells))
		return;
	++*refused;
	flush(tables);
	if (!batch_add(tables->batch, cells))
		assert_int_equal(insert_again(tables, cells), SQLITE_OK);
}

static void test_values(void **state)
{
	struct cell cells[COLUMNS];
	uint8_t bytes[8000];
	struct tables tables;
	size_t refused = 0, n = 0;
	int64_t id = -300;

	(void)state;
	memset(bytes, 'x', sizeof(bytes));
	begin(&tables);
	for (int transaction = 0; transaction < 20; transaction++) {
		assert_int_equal(database_exec(tables.database, "BEGIN"), SQLITE_OK);
		for (size_t rows = next(&tables) % 8000; rows--; n++) {
			random_row(&tables, bytes, &id, cells);
			cells_bind(tables.bound, 1, cells, COLUMNS);
			assert_int_equal(database_run(tables.bound), SQLITE_OK);
			add(&tables, cells, &refused);
		}
		flush(&tables);
		assert_int_equal(database_exec(tables.database, "COMMIT"), SQLITE_OK);
	}
	assert_in_range(refused, 2, n / 100);
	expect_equal(&tables, (int64_t)n);
	end(&tables);
}

/* Twice in a transaction the other way is taken; what is not greater, too large or too much is not added. */
static void test_limits(void **state)
{
	static const uint8_t large[LARGE];
	struct cell cells[COLUMNS] = { [0] = cell_number(7), [4] = cell_number(1) };
	struct tables tables;
	int64_t n = 0;

	(void)state;
	begin(&tables);
	assert_int_equal(batch_flush(tables.batch), SQLITE_OK); /* nothing */
	assert_true(batch_add(tables.batch, cells));
	assert_false(batch_add(tables.batch, cells));
	cells[0] = cell_number(6);
	assert_false(batch_add(tables.batch, cells));
	cells[0] = cell_number(8);
	cells[1] = (struct cell){ .type = CELL_IS_BLOB, .number = LARGE, .data = large };
	assert_false(batch_add(tables.batch, cells));
	cells[1] = (struct cell){ 0 };
	assert_int_equal(batch_rows(tables.batch), 1);
	assert_int_equal(database_exec(tables.database, "BEGIN"), SQLITE_OK);
	assert_true(batch_can_flush(tables.batch));
	assert_int_equal(batch_flush(tables.batch), SQLITE_OK);
	assert_false(batch_can_flush(tables.batch));
	assert_true(batch_add(tables.batch, cells));
	assert_int_equal(batch_take(tables.batch, insert_again, &tables), SQLITE_OK);
	assert_int_equal(database_exec(tables.database, "COMMIT"), SQLITE_OK);
	assert_int_equal(count(&tables, "SELECT count(*) FROM t WHERE id IN (7, 8)"), 2);
	while (batch_add(tables.batch, cells) || n < 2) {
		cells[0] = cell_number(cells[0].number + 1);
		n++;
	}
	assert_in_range(n, 10000, 100000);
	assert_int_equal(batch_flush(tables.batch), SQLITE_CONSTRAINT); /* 8 is there */
	assert_int_equal(count(&tables, "SELECT count(*) FROM t"), 2);
	assert_false(batch_add(NULL, cells));
	assert_int_equal(batch_rows(NULL), 0);
	assert_null(batch_new(tables.database, "nowhere"));
	assert_int_equal(database_exec(tables.database, "CREATE TABLE narrow (id INTEGER PRIMARY "
							"KEY, a ANY, b ANY) STRICT"),
			 SQLITE_OK);
	assert_null(batch_new(tables.database, "narrow"));
	end(&tables);
}

/* Of the schema as it is rows do wait, and SQLite takes none of them apart: else all works, and slowly. */
static void test_exchange(void **state)
{
	sqlite3_stmt *sql = NULL;
	sqlite3 *database = NULL;
	struct batch *batch;
	bool whole = false;

	(void)state;
	assert_int_equal(sqlite3_open(":memory:", &database), SQLITE_OK);
	assert_int_equal(database_exec(database, schema_sql), SQLITE_OK);
	batch = batch_new(database, "exchange");
	assert_non_null(batch);
	assert_int_equal(
		database_prepare(database,
				 "EXPLAIN INSERT OR ROLLBACK INTO main.exchange SELECT * FROM "
				 "waiting.exchange",
				 &sql),
		SQLITE_OK);
	while (sqlite3_step(sql) == SQLITE_ROW) {
		const char *operation = (const char *)sqlite3_column_text(sql, 1);

		assert_string_not_equal(operation, "Column");
		assert_string_not_equal(operation, "MakeRecord");
		whole |= strcmp(operation, "RowData") == 0 || strcmp(operation, "RowCell") == 0;
	}
	assert_true(whole);
	sqlite3_finalize(sql);
	batch_free(batch);
	assert_int_equal(sqlite3_close(database), SQLITE_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_exchange),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
