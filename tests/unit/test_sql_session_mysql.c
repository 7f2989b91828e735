/* SPDX-License-Identifier: Apache-2.0 */
/* MySQL's sessions: what statements make of the transaction, the database, the role, the lexer and
 * other settings. */
#include "parsers/compiler.h"
#include "parsers/sql/session.h"
#include "tests/unit/cmocka.h"
#include "tests/unit/sql.h"

#include <stdio.h>

/* Statements between |; one that begins with ! fails. */
static void run(struct sql_session *session, const char *script)
{
	struct sql_test_context seen = { 0 };

	sql_test_see_context(&seen, session);
	while (*script) {
		struct sql_options options = sql_session_options(session);
		size_t size = strcspn(script, "|");
		char *copy = strndup(script, size);
		char *text = copy + strspn(copy, " ");
		bool ok = *text != '!';
		struct sql_test test;

		sql_test_init(&test, &options, text + !ok, NULL, 0);
		sql_session_statement(session, &test.statement, test.values, ok);
		sql_session_batch_end(session, ok);
		sql_test_see_context(&seen, session);
		sql_test_release(&test);
		free(copy);
		script += size + (script[size] == '|');
	}
	buffer_release(&seen.text);
}

static struct sql_session *session_of(const char *script)
{
	struct sql_session *session = sql_session_new(SQL_MYSQL, SLICE("Db"));

	run(session, script);
	return session;
}

static void check(const char *script, char transaction)
{
	struct sql_session *session = session_of(script);

	if (sql_session_transaction(session) != (enum sql_transaction)transaction)
		fail_msg("%s: transaction %c", script, (char)sql_session_transaction(session));
	sql_session_free(session);
}

static void test_transaction(void **state)
{
	(void)state;
	check("", 'I');
	check("begin", 'T');
	check("BEGIN WORK", 'T');
	check("start transaction with consistent snapshot, read only", 'T');
	check("begin | select 1 | commit", 'I');
	check("begin | rollback work", 'I');
	check("begin | !select 1", 'T');
	check("begin | !x | commit", 'I');
	check("!begin", 'I');
	check("commit and chain", 'T');
	check("begin | ROLLBACK AND CHAIN", 'T');
	check("begin | commit and no chain release", 'I');
	check("begin | savepoint a | !x | rollback to savepoint a", 'T');
	check("begin | rollback to a | release savepoint a", 'T');
	check("xa start 'x' | insert into t values (1) | xa end 'x'", 'T');
	check("XA BEGIN 'x' | xa end 'x' | xa prepare 'x' | xa commit 'x'", 'I');
	check("xa start 'x' | xa end 'x' | XA ROLLBACK 'x'", 'I');
	check("prepare a from 'select 1'", 'I');
	check("start replica", 'I');
}

static void test_implicit_commit(void **state)
{
	static const char *const commits[] = {
		"create table t (a int)",
		"alter table t add b int",
		"drop table t",
		"!drop table t",
		"truncate t",
		"rename table a to b",
		"grant select on t to u",
		"create user u",
		"lock tables t read",
		"analyze table t",
		"optimize table t",
		"flush tables",
		"set password = 'x'",
		"start slave",
		"change master to master_host = 'x'",
		"create procedure p() begin select 1; end",
	};
	static const char *const none[] = {
		"create temporary table t (a int)",
		"DROP TEMPORARY TABLE t",
		"unlock tables",
		"select 1",
		"set names utf8mb4",
		"set autocommit = 1",
		"lock instance for backup",
		"use x",
		"load data infile 'x' into table t",
		"call p()",
		"show tables",
		"kill 5",
	};
	char text[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(commits); i++) {
		snprintf(text, sizeof(text), "begin | %s", commits[i]);
		check(text, 'I');
	}
	for (size_t i = 0; i < ARRAY_SIZE(none); i++) {
		snprintf(text, sizeof(text), "begin | %s", none[i]);
		check(text, 'T');
	}
	check("lock tables t read | set autocommit = 0 | select a from t | unlock tables", 'I');
	check("lock tables t read | begin | unlock tables", 'T');
}

static void test_autocommit(void **state)
{
	(void)state;
	check("set autocommit = 0", 'I');
	check("set autocommit = 0 | select 1", 'I');
	check("set autocommit = 0 | select a from t", 'T');
	check("SET AUTOCOMMIT=OFF | insert into t values (1)", 'T');
	check("set @@session.autocommit = false | update t set a = 1", 'T');
	check("set @x = 1, session autocommit := 0 | delete from t", 'T');
	check("set autocommit = 0 | !delete from t", 'I');
	check("set autocommit = 0 | delete from t | commit", 'I');
	check("set autocommit = 0 | delete from t | commit | select a from t", 'T');
	check("set autocommit = 0 | delete from t | set autocommit = 1", 'I');
	check("set autocommit = 0 | delete from t | set autocommit = 0", 'T');
	check("set autocommit = 0 | set autocommit = ON | delete from t", 'I');
	check("set autocommit = 0 | set autocommit = default | delete from t", 'I');
	check("set global autocommit = 0 | delete from t", 'I');
	check("set @@global.autocommit = 0 | delete from t", 'I');
	check("!set autocommit = 0 | delete from t", 'I');
	check("delete from t", 'I');
}

static void check_context(const char *script, const char *database, const char *role)
{
	struct sql_session *session = session_of(script);
	struct sql_context context = sql_session_context(session);

	if (!slice_equal(context.database, slice_from_string(database)))
		fail_msg("%s: database <%.*s>", script, (int)context.database.size,
			 (const char *)context.database.data);
	if (!slice_equal(context.role, slice_from_string(role)))
		fail_msg("%s: role <%.*s>", script, (int)context.role.size,
			 (const char *)context.role.data);
	assert_int_equal(context.search_path.size, 0);
	sql_session_free(session);
}

static void test_context(void **state)
{
	struct sql_test_context seen = { 0 };
	struct sql_session *session;

	(void)state;
	check_context("", "Db", "");
	check_context("use Shop", "Shop", "");
	check_context("USE `a``b`", "a`b", "");
	check_context("!use Shop", "Db", "");
	check_context("begin | use x | rollback", "x", "");
	check_context("drop database `Db`", "", "");
	check_context("drop schema if exists Db", "", "");
	check_context("drop database db", "Db", "");
	check_context("!drop database Db", "Db", "");
	check_context("set role r", "Db", "r");
	check_context("SET ROLE 'r', `s`", "Db", "r , s");
	check_context("set role none", "Db", "none");
	check_context("set role all except r", "Db", "all except r");
	check_context("set role r | set role default", "Db", "");
	check_context("set default role r to u", "Db", "");
	session = session_of(
		"use x | set role r | begin | set autocommit = 0, sql_mode = 'ansi', names gbk");
	sql_test_see_context(&seen, session);
	sql_session_reset(session);
	sql_test_see_context(&seen, session);
	assert_true(slice_equal(sql_session_context(session).database, SLICE("x")));
	assert_int_equal(sql_session_context(session).role.size, 0);
	assert_int_equal(sql_session_transaction(session), SQL_IDLE);
	assert_null(sql_session_setting(session, SLICE("autocommit")).data);
	assert_false(sql_session_options(session).ansi_quotes);
	assert_int_equal(sql_session_options(session).charset, SQL_CHARSET_PLAIN);
	sql_session_set_database(session, SLICE("y"));
	sql_test_see_context(&seen, session);
	buffer_release(&seen.text);
	assert_true(slice_equal(sql_session_context(session).database, SLICE("y")));
	run(session, "delete from t");
	assert_int_equal(sql_session_transaction(session), SQL_IDLE);
	sql_session_free(session);
}

static void check_setting(const struct sql_session *session, const char *name, const char *value)
{
	struct slice found = sql_session_setting(session, slice_from_string(name));

	if (!value ? found.data != NULL :
		     !found.data || !slice_equal(found, slice_from_string(value)))
		fail_msg("%s is <%.*s>", name, (int)found.size, (const char *)found.data);
}

static void check_one(const char *script, const char *name, const char *value)
{
	struct sql_session *session = session_of(script);

	check_setting(session, name, value);
	sql_session_free(session);
}

static void test_settings(void **state)
{
	(void)state;
	check_one("", "autocommit", NULL);
	check_one("set autocommit = off", "AUTOCOMMIT", "0");
	check_one("set local autocommit = TRUE", "autocommit", "1");
	check_one("set time_zone = '+00:00'", "time_zone", "+00:00");
	check_one("set @@time_zone := 'SYSTEM'", "time_zone", "SYSTEM");
	check_one("set @@local.`time_zone` = 'x'", "time_zone", "x");
	check_one("set time_zone = 'x' | set time_zone = default", "time_zone", NULL);
	check_one("set time_zone = concat('a', f())", "time_zone", NULL);
	check_one("set @time_zone = 'x'", "time_zone", NULL);
	check_one("set global time_zone = 'x'", "time_zone", NULL);
	check_one("set global a = 1, time_zone = 'x'", "time_zone", NULL);
	check_one("set global a = 1, session time_zone = 'x'", "time_zone", "x");
	check_one("set new.time_zone = 'x'", "time_zone", NULL);
	check_one("set a = f(1, (2, 3)), time_zone = 'x'", "time_zone", "x");
	check_one("set statement max_statement_time = 1 for select 1", "max_statement_time", NULL);
	check_one("set names LATIN1", "character_set_client", "latin1");
	check_one("set names 'utf8mb4' collate 'utf8mb4_bin'", "collation_connection",
		  "utf8mb4_bin");
	check_one("set names latin1 | set names default", "character_set_results", NULL);
	check_one("set character set latin1", "character_set_client", "latin1");
	check_one("set charset latin1", "character_set_connection", NULL);
	check_one("set character_set_results = NULL", "character_set_results", NULL);
	check_one("set transaction isolation level serializable", "transaction_isolation", NULL);
	check_one("set session transaction isolation level read committed, read only",
		  "tx_isolation", "READ-COMMITTED");
	check_one("set session transaction read only", "transaction_read_only", "1");
	check_one("set tx_isolation = 'SERIALIZABLE'", "transaction_isolation", "SERIALIZABLE");
	check_one("!set time_zone = 'x'", "time_zone", NULL);
	check_one("set sql_mode = 'A'", "sql_mode", "A");
	check_one("set sql_mode = 'A' | set sql_mode = concat(@@sql_mode, ',B')", "sql_mode",
		  "A,B");
	check_one(
		"set sql_mode = 'A' | set sql_mode = (select concat(@@session.sql_mode, ',', 'B'))",
		"sql_mode", "A,B");
	check_one("set sql_mode = 'A,B' | set sql_mode = replace(@@sql_mode, 'A,', '')", "sql_mode",
		  "B");
	check_one("set sql_mode = concat(@@sql_mode, ',B')", "sql_mode", NULL);
	check_one("set sql_mode = concat(@x, ',B')", "sql_mode", NULL);
	check_one("set sql_mode = ''", "sql_mode", "");
}

static void check_options(const char *script, bool backslash, bool ansi, uint8_t charset)
{
	struct sql_session *session = session_of(script);
	struct sql_options options = sql_session_options(session);

	assert_int_equal(options.dialect, SQL_MYSQL);
	if (options.backslash_escapes != backslash || options.ansi_quotes != ansi ||
	    options.charset != charset)
		fail_msg("%s: %d %d %d", script, options.backslash_escapes, options.ansi_quotes,
			 options.charset);
	sql_session_free(session);
}

static void test_options(void **state)
{
	struct sql_session *session;

	(void)state;
	check_options("", true, false, 0);
	check_options("set sql_mode = 'ANSI_QUOTES'", true, true, 0);
	check_options("set sql_mode = 'strict_all_tables,no_backslash_escapes'", false, false, 0);
	check_options("set sql_mode = 'ansi,NO_BACKSLASH_ESCAPES'", false, true, 0);
	check_options("set sql_mode = ansi", true, true, 0);
	check_options("set sql_mode = 1048580", false, true, 0);
	check_options("set sql_mode = 'ansi' | set sql_mode = ''", true, false, 0);
	check_options("set sql_mode = 'ansi' | set sql_mode = default", true, false, 0);
	check_options("set sql_mode = concat(@@sql_mode, ',ANSI_QUOTES')", true, true, 0);
	check_options("set sql_mode = concat(@@sql_mode, ',ANSI') | set sql_mode = "
		      "concat(@@sql_mode, ',NO_BACKSLASH_ESCAPES')",
		      false, true, 0);
	check_options("set sql_mode = 'ansi_quotes,x' | set sql_mode = replace(@@sql_mode, "
		      "'ansi_quotes', '')",
		      true, false, 0);
	check_options("set sql_mode = 'ansi' | set \"sql_mode\" = '' | select \"a\"", true, false,
		      0);
	check_options("set global sql_mode = 'ansi'", true, false, 0);
	check_options("set @@persist.sql_mode = 'ansi'", true, false, 0);
	check_options("set @sql_mode = 'ansi'", true, false, 0);
	check_options("!set sql_mode = 'ansi'", true, false, 0);
	check_options("set names gbk", true, false, SQL_CHARSET_GBK);
	check_options("set character_set_client = 'SJIS'", true, false, SQL_CHARSET_SJIS);
	check_options("set character set big5 | set names utf8mb4", true, false, 0);
	session = sql_session_new(SQL_MYSQL, SLICE(""));
	sql_session_startup(session, SLICE("character_set_client"), SLICE("gbk"));
	sql_session_startup(session, SLICE("sql_mode"), SLICE("ANSI_QUOTES"));
	sql_session_startup(session, SLICE("autocommit"), SLICE("0"));
	run(session, "set names utf8, sql_mode = '' | set names default, sql_mode = default | "
		     "delete from t");
	assert_true(sql_session_options(session).ansi_quotes);
	assert_int_equal(sql_session_options(session).charset, SQL_CHARSET_GBK);
	assert_int_equal(sql_session_transaction(session), SQL_IN_TRANSACTION);
	check_setting(session, "sql_mode", "ANSI_QUOTES");
	sql_session_free(session);
}

/* What drivers send when they connect (protocols.md F.2). */
static void test_prologues(void **state)
{
	struct sql_session *session;

	(void)state;
	check("select @@version_comment limit 1 | !select $$ | set names utf8mb4 | SET AUTOCOMMIT "
	      "= 0",
	      'I');
	session = session_of(
		"SET NAMES utf8mb4 COLLATE utf8mb4_0900_ai_ci | SET @@session.autocommit = OFF | "
		"SELECT @@session.sql_mode");
	check_setting(session, "character_set_client", "utf8mb4");
	check_setting(session, "collation_connection", "utf8mb4_0900_ai_ci");
	check_setting(session, "autocommit", "0");
	sql_session_free(session);
	session = session_of(
		"/* mysql-connector-j-8.4.0 (Revision: 1c3f5c1) */SELECT "
		"@@session.auto_increment_increment "
		"AS auto_increment_increment, @@character_set_client AS character_set_client | "
		"SET character_set_results = NULL | SET sql_mode='STRICT_TRANS_TABLES' | SET "
		"autocommit=1");
	check_setting(session, "sql_mode", "STRICT_TRANS_TABLES");
	check_setting(session, "autocommit", "1");
	sql_session_free(session);
	session = session_of("set sql_mode=CONCAT(@@sql_mode,',STRICT_TRANS_TABLES'),"
			     "session_track_system_variables='autocommit,sql_mode',NAMES utf8mb4");
	check_setting(session, "session_track_system_variables", "autocommit,sql_mode");
	check_setting(session, "character_set_results", "utf8mb4");
	sql_session_free(session);
	session = session_of("SET sql_mode=(SELECT CONCAT(@@sql_mode, "
			     "',PIPES_AS_CONCAT,NO_ENGINE_SUBSTITUTION')),"
			     "time_zone='+00:00',NAMES utf8mb4 COLLATE utf8mb4_unicode_ci;");
	check_setting(session, "time_zone", "+00:00");
	check_setting(session, "collation_connection", "utf8mb4_unicode_ci");
	sql_session_free(session);
	session = session_of("SET NAMES utf8mb4,  @@SESSION.sql_mode = CONCAT(CONCAT(@@sql_mode, "
			     "',ANSI_QUOTES'), "
			     "',NO_AUTO_VALUE_ON_ZERO'),  @@SESSION.sql_auto_is_null = 0, "
			     "@@SESSION.wait_timeout = 2147483");
	check_setting(session, "wait_timeout", "2147483");
	check_setting(session, "sql_auto_is_null", "0");
	assert_true(sql_session_options(session).ansi_quotes);
	sql_session_free(session);
}

/* Many names take no memory without bound, and those that the session itself needs keep a place. */
static void test_bounds(void **state)
{
	struct sql_session *session = sql_session_new(SQL_MYSQL, SLICE(""));
	char text[64];

	(void)state;
	for (int i = 0; i < 500; i++) {
		snprintf(text, sizeof(text), "set a%d = 'x'", i);
		run(session, text);
	}
	check_setting(session, "a0", "x");
	check_setting(session, "a499", NULL);
	run(session, "set autocommit = 0, sql_mode = 'ansi', names gbk");
	check_setting(session, "autocommit", "0");
	check_setting(session, "sql_mode", "ansi");
	check_setting(session, "character_set_client", "gbk");
	run(session, "set sql_mode = concat(concat(concat(concat(concat(concat(@@sql_mode))))))");
	check_setting(session, "sql_mode", NULL);
	sql_session_free(session);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_transaction), cmocka_unit_test(test_implicit_commit),
		cmocka_unit_test(test_autocommit),  cmocka_unit_test(test_context),
		cmocka_unit_test(test_settings),    cmocka_unit_test(test_options),
		cmocka_unit_test(test_prologues),   cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
