/* SPDX-License-Identifier: Apache-2.0 */
/* Which statements of MySQL do not depend on the default database: each was asked of MariaDB 10.11 and MySQL 9.7 under three of them. */
#include "parsers/buffer.h"
#include "parsers/compiler.h"
#include "parsers/sql/qualified.h"
#include "tests/unit/cmocka.h"

static enum sql_qualified qualified(enum sql_dialect dialect, struct slice text)
{
	struct sql_options options = sql_options_default(dialect);
	struct sql_statement statement;
	enum sql_qualified found;
	struct arena arena;

	arena_init(&arena);
	sql_canonicalize(&options, text, &arena, &statement);
	found = sql_qualified(&statement);
	arena_release(&arena);
	return found;
}

static void check(enum sql_qualified expected, const char *const *texts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		enum sql_qualified found = qualified(SQL_MYSQL, slice_from_string(texts[i]));

		if (found != expected)
			fail_msg("%s: %d", texts[i], (int)found);
	}
}

static void test_yes(void **state)
{
	static const char *const texts[] = {
		"SELECT /*!40001 SQL_NO_CACHE */ * FROM `app`.`b` WHERE `a` IS NULL OR (`a` >= 1)",
		"SELECT MIN(`id`),MAX(`id`) FROM app.book",
		"select a, b.c, app.b.d as e from app.b order by a, b limit 2, 3",
		"select a from app.b as x, `app`.`c` y where x.a in (1, 2) and (x.a, y.b) = (3, 4)",
		"select a from app.b join app.c using(a, b) join app.d on d.x = c.x, app.e where 1",
		"select count(*), (select max(x) from app.c) from app.b group by a, b having a > 1",
		"select a from app.b where a in (select a, b from d.c where c = 'x' order by a, b)",
		"select a from app.b union select a, b from app.c",
		"select extra from information_schema.COLUMNS where extra like '%x%'",
		"INSERT INTO app.b VALUES (1, 2), (3, @x)",
		"INSERT IGNORE INTO app.b (a, c) SELECT a, c FROM app.d",
		"REPLACE INTO `a b`.`c d` SET a = 1, b = 2",
		"UPDATE app.b SET a = 1, b = 2 WHERE c = 3",
		"UPDATE app.b, app.c SET b.a = c.a, b.d = 2",
		"DELETE FROM app.b WHERE a = 1 ORDER BY a, b LIMIT 3",
		"DELETE FROM app.b, app.c USING app.b JOIN app.c USING (a)",
		"TRUNCATE TABLE app.b",
		"DROP TABLE IF EXISTS app.b, app.c",
		"DROP VIEW IF EXISTS `app`.`b`",
		"SHOW COLUMNS FROM app.b",
		"SHOW FULL FIELDS FROM app.b LIKE 'x'",
		"SHOW INDEX FROM `app`.`b` WHERE Key_name = 'x'",
		"SHOW KEYS IN app.b",
		"SHOW FULL TABLES FROM app WHERE Table_type = 'VIEW'",
		"SHOW TABLE STATUS FROM app LIKE 'b'",
		"SHOW TRIGGERS FROM app",
		"SHOW EVENTS IN `app`",
		"SHOW FUNCTION STATUS WHERE Db = 'app'",
		"SHOW PROCEDURE STATUS",
		"SHOW CREATE DATABASE app",
		"SHOW CREATE PROCEDURE app.p",
		"SHOW CREATE TRIGGER app.t",
	};

	(void)state;
	check(SQL_QUALIFIED_YES, texts, ARRAY_SIZE(texts));
}

static void test_table(void **state)
{
	static const char *const texts[] = { "SHOW CREATE TABLE `app`.`b`",
					     "show create table app.b;" };

	(void)state;
	check(SQL_QUALIFIED_TABLE, texts, ARRAY_SIZE(texts));
}

static void test_no(void **state)
{
	static const char *const texts[] = {
		/* A table without its database, at each place. */
		"select a from b",
		"select a from app.b, c",
		"select a from app.b as x, c",
		"select a from app.b join c using (a)",
		"select a from app.b join app.c on b.x = c.x, d",
		"select a from app.b join app.c on b.x in (select a from app.e where a), d",
		"select a from app.b join app.c on b.x = values(y), d",
		"select a from app.b straight_join c",
		"select a from app.b where a in (select a from c)",
		"select (select a from c) from app.b",
		"select a from app.b union select a from c",
		"select a from app.b union table c",
		"select a from app.b where a in (with c as (select 1 from app.d) select * from c)",
		"with c as (select 1) select a from app.b, c",
		"select a from (app.b, c)",
		"select a from (select a from app.b) as x, c",
		"insert into b select a from app.c",
		"insert into app.b select a from c",
		"insert b values (1)",
		"insert app.b values (1)",
		"update b, app.c set b.a = 1",
		"update app.b, c set b.a = 1",
		"update app.b join c using (a) set b.a = 1",
		"update app.b set a = 1, b = (select max(x) from c)",
		"delete from b",
		"delete b from app.b",
		"delete from app.b using app.b join c using (a)",
		"drop table app.b, c",
		"drop table if exists c",
		"truncate table b",
		"select a from app.b where a = next value for s",
		"select s.nextval from app.b",
		"select a into b from app.c",
		/* Functions, of which most are the same everywhere, and DATABASE() and those of the user are not. */
		"select database() from app.b",
		"select f(a) from app.b",
		"select `count`(a) from app.b",
		"select app.f(a) from app.b",
		"select a from app.b where a = `f` (1)",
		"select a from app.b partition (p, q)",
		"select @@collation_database from app.b",
		"select @@`collation_database` from app.b",
		"select found_rows() from app.b",
		"select last_insert_id() from app.b",
		/* No table is named. */
		"select 1",
		"select @x",
		"select a",
		/* Sessions tell of their default databases. */
		"select db from information_schema.processlist",
		"select * from performance_schema.threads",
		"select db from sys.session",
		/* Others. */
		"explain select a from app.b",
		"call app.p",
		"create table app.b like app.c",
		"(select a from app.b)",
		"select a from app.b; select a from app.c",
		"select a from app.b /*!80000 join c */",
		"select a from app.b where 'x",
		"SHOW TABLES",
		"SHOW TABLE STATUS LIKE 'x'",
		"SHOW COLUMNS FROM b",
		"SHOW COLUMNS FROM b FROM app",
		"SHOW CREATE VIEW app.b",
		"SHOW CREATE TABLE b",
		"SHOW CREATE PROCEDURE p",
		"SHOW TRIGGERS WHERE `Table` = 'b'",
		"SHOW TABLES FROM app WHERE Tables_in_app = database()",
		"SHOW VARIABLES LIKE 'character_set_database'",
		"SHOW PROCESSLIST",
		"SHOW FUNCTION CODE app.f",
	};

	(void)state;
	check(SQL_QUALIFIED_NO, texts, ARRAY_SIZE(texts));
	assert_int_equal(qualified(SQL_POSTGRES, SLICE("SELECT a FROM app.b")), SQL_QUALIFIED_NO);
}

/* Deep parentheses and long texts are no. */
static void test_limits(void **state)
{
	struct buffer text;

	(void)state;
	buffer_init(&text, 1 << 22);
	buffer_append_string(&text, "select a from app.b where a = ");
	for (size_t i = 0; i < 63; i++)
		buffer_append_string(&text, "a and (");
	buffer_append_string(&text, "a");
	for (size_t i = 0; i < 63; i++)
		buffer_append_string(&text, ")");
	assert_int_equal(qualified(SQL_MYSQL, buffer_slice(&text)), SQL_QUALIFIED_YES);
	buffer_clear(&text);
	buffer_append_string(&text, "select a from app.b where a = ");
	for (size_t i = 0; i < 64; i++)
		buffer_append_string(&text, "a and (");
	assert_int_equal(qualified(SQL_MYSQL, buffer_slice(&text)), SQL_QUALIFIED_NO);
	assert_int_equal(qualified(SQL_MYSQL, SLICE("select a from app.b where a)")),
			 SQL_QUALIFIED_NO);
	buffer_clear(&text);
	buffer_append_string(&text, "select a");
	while (text.size <= SQL_QUALIFIED_TEXT_MAX)
		buffer_append_string(&text, ", a");
	buffer_append_string(&text, " from app.b");
	assert_int_equal(qualified(SQL_MYSQL, buffer_slice(&text)), SQL_QUALIFIED_NO);
	buffer_release(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_yes),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_no),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
