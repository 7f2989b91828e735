/* SPDX-License-Identifier: Apache-2.0 */
/* MySQL's canonical SQL: what is one request and what is two, literals against bound values, verbs,
 * splitting and masking. The texts themselves are in the tapes. */
#include "parsers/compiler.h"
#include "tests/unit/cmocka.h"
#include "tests/unit/sql.h"

#include <stdio.h>

static const struct sql_pair equal_pairs[] = {
	{ "select `a`, \"x\" from t # c", "SELECT a, 'x' FROM t -- c" },
	{ "select a from t where b = 1 /*!40101 and c = 1 */",
	  "select a from t where b = 1 and c = '1'" },
	{ "select 'a\\'b'", "select 'a''b'" },
	{ "select 'a' 'b'", "select 'ab'" },
	{ "select /* mysql-connector-j-8.4 */ 1", "/* ping */ select 1;" },
	{ "select /*+ x */ a", "SELECT /*+ x */ `a`" },
	{ "select a /*+ x */ from t", "select a from t" },
	{ "select a != 1", "select a <> 1" },
	{ "select COUNT(*), now( ), @A, @@Version", "select count(*), NOW(), @`a`, @@version" },
	{ "select @@session.WAIT_timeout", "select @@Session. Wait_Timeout" },
	{ "select @@global.hot.KEY_buffer_size", "select @@Global. Hot. Key_Buffer_Size" },
	{ "select @@global.hot.KEY_buffer_size", "select @@Global. `hot`. Key_Buffer_Size" },
	{ "select x'41', 0x42", "select 0x41, X'42'" },
	{ "select 0x041", "select 0x0041" },
	{ "select b'1000001'", "select 0x41" },
	{ "select date '2020-01-01'", "select {d '2020-01-01'}" },
	{ "select timestamp'2020-01-01 00:00:00'", "select {ts '2020-01-01 00:00:00'}" },
	{ "select n'a'", "select _utf8'a'" },
	{ "select interval 1 DAY + a", "select INTERVAL 1 day + a" },
	{ "COMMIT WORK", "commit work" },
	{ "SET AUTOCOMMIT = 0", "set autocommit=0" },
	{ "SET NAMES UTF8MB4", "set names utf8mb4" },
	{ "SHOW DATABASES", "show databases" },
	{ "set `Sql_Mode` = 'x', @`A` = 1", "SET SQL_MODE = 'x', @a = 1" },
	{ "rollback to Savepoint A", "ROLLBACK TO SAVEPOINT A" },
	{ "select * from t limit 5 OFFSET 6", "select * from t limit 5 offset 6" },
	/* kinds are equal across where compared or assigned */
	{ "select * from t where a = 5", "select * from t where a = '5'" },
	{ "select * from t where a <=> 5", "select * from t where a <=> '5'" },
	{ "select * from t where a rlike 5", "select * from t where a rlike '5'" },
	{ "select * from t where a in (1, 2)", "select * from t where a in ('1', '2')" },
	{ "select * from t where a = true", "select * from t where a = 1" },
	{ "insert into t values (false)", "insert into t values ('0')" },
	{ "insert into t value (1, 'x')", "insert into t value ('1', 'x')" },
	{ "insert into t values row(1), row(2)", "insert into t values row('1'), row('2')" },
	{ "replace into t values (1)", "replace into t values ('1')" },
	{ "replace t set a = 1", "replace t set a = '1'" },
	{ "insert into t values (1) on duplicate key update a = 2",
	  "insert into t values (1) on duplicate key update a = '2'" },
	{ "select * from t limit 1, 2", "select * from t limit '1', '2'" },
	{ "select now() - interval 1 day", "select now() - interval '1' day" },
	{ "select * from t where d = '2020-01-01'", "select * from t where d = date'2020-01-01'" },
	{ "select * from t where d > '2020-01-01 10:20:30.5'",
	  "select * from t where d > {ts '2020-01-01 10:20:30.5'}" },
	{ "insert into t values (x'414243')", "insert into t values ('ABC')" },
	{ "insert into t values (_binary'\\0\\xff')", "insert into t values (0x00786666)" },
	{ "insert into t values (_utf8mb4'\xc3\xa9')", "insert into t values ('\xc3\xa9')" },
	{ "insert into t values (\\N)", "insert into t values (null)" },
	{ "set autocommit = 1", "set autocommit = '1'" },
	{ "create user a identified by 'x'", "create user a identified by 'y'" },
	{ "load data local infile 'a' into table t",
	  "LOAD data LOCAL INFILE '/tmp/b' into table t" },
	{ "load data local infile 'a' into table t (x) set y = 1",
	  "load data /* c */ local infile \"b\" into table t (x) set y = '1'" },
	{ "load xml low_priority local infile 'a' into table t",
	  "load xml low_priority local infile 'b' into table t" },
};

static const struct sql_pair different_pairs[] = {
	{ "select a from T", "select a from t" },
	{ "select a from T.x", "select a from t.x" },
	{ "select T.a from T", "select t.a from T" },
	{ "insert into T (a) values (1)", "insert into t (a) values (1)" },
	{ "create table if not exists T (a int)", "create table if not exists t (a int)" },
	{ "with Cte (a) as (select 1) select 1", "with cte (a) as (select 1) select 1" },
	{ "create index i on T (a)", "create index i on t (a)" },
	{ "use A", "use a" },
	{ "show columns from T", "show columns from t" },
	{ "select * from `offset`", "select * from `Offset`" },
	{ "select * from Begin", "select * from begin" },
	{ "select `A`", "select a" },
	{ "select a", "select \"a\"" },
	{ "select `select`", "select select" },
	{ "select `count`(a)", "select count(a)" },
	{ "select 'a\\0b'", "select 'a0b'" },
	{ "select 'a\\%'", "select 'a%'" },
	{ "select a /*!80013 , b */", "select a, b" },
	{ "select a /*!80013 , b */", "select a" },
	{ "select a /*M! , b */", "select a, b" },
	{ "select /*+ x */ a", "select a" },
	{ "select --1", "select 1" },
	{ "select @a", "select @b" },
	{ "select @a", "select @@a" },
	{ "select t.1", "select t .1" },
	{ "select 1a", "select 1 a" },
	{ "set a = 0X41", "set a = 0x41" },
	{ "set a = 0B1", "set a = 0b1" },
	/* kinds are identity where nothing gives the type */
	{ "select 1", "select '1'" },
	{ "select f(1)", "select f('1')" },
	{ "select f(true)", "select f(1)" },
	{ "select x'41'", "select 'A'" },
	{ "select x'41' + 0", "select _binary'A' + 0" },
	{ "select _latin1'a'", "select 'a'" },
	{ "set @a = 5", "set @a = '5'" },
	{ "select @a := 5", "select @a := '5'" },
	{ "select * from t where @a = 5", "select * from t where @a = '5'" },
	{ "select replace(a, 1, 2)", "select replace(a, '1', 2)" },
	{ "select insert(1, 2, 3, 4)", "select insert('1', 2, 3, 4)" },
	{ "values row(1)", "values row('1')" },
	{ "select cast(5 as char)", "select cast('5' as char)" },
	{ "select a = 5 div 2", "select a = '5' div 2" },
	{ "select * from t where 5 = '05'", "select * from t where '5' = '05'" },
	/* a type that changes the text counts where it is compared too */
	{ "select * from t where a = _latin1'\xe9'", "select * from t where a = '\xe9'" },
	{ "select * from t where a = _utf16'ab'", "select * from t where a = 'ab'" },
	{ "select * from t where a = date'2020-1-1'", "select * from t where a = '2020-1-1'" },
	{ "insert into t values (1e2)", "insert into t values ('1e2')" },
	{ "insert into t values (x'123')", "insert into t values (0x123)" },
	{ "savepoint a", "savepoint b" },
	{ "update u set password = 'a'", "update u set password = 'b'" },
	{ "select password('a')", "select password('b')" },
	{ "load data infile 'a' into table t", "load data infile 'b' into table t" },
	{ "load data local infile 'a' into table t (x, @y) set y = 'c'",
	  "load data local infile 'a' into table t (x, @y) set y = 'd'" },
	{ "select local, infile from t where local infile = 'a'",
	  "select local, infile from t where local infile = 'b'" },
};

static void test_pairs(void **state)
{
	(void)state;
	sql_check_pairs(&sql_test_mysql, equal_pairs, ARRAY_SIZE(equal_pairs), true);
	sql_check_pairs(&sql_test_mysql, different_pairs, ARRAY_SIZE(different_pairs), false);
}

/* What a client interpolates, and the same prepared. */
static const struct sql_bound_case bound_cases[] = {
	{ "select * from t where id = 5", "select * from t where id = ?", { NUMBER("5") }, true },
	{ "select * from t where id = 5", "select * from t where id = ?", { STRING("5") }, true },
	{ "select * from t where id = '5'", "select * from t where id = ?", { NUMBER("5") }, true },
	{ "select * from t where id = -5", "select * from t where id = ?", { NUMBER("-5") }, true },
	{ "select * from t where id = 5.5",
	  "select * from t where id = ?",
	  { NUMBER("5.5") },
	  true },
	{ "select * from t where id = 5", "select * from t where id = ?", { NUMBER("6") }, false },
	{ "select * from t where id = 5", "select * from t where id = ?", { NOTHING }, false },
	{ "select * from t where id = true",
	  "select * from t where id = ?",
	  { NUMBER("1") },
	  true },
	{ "insert into t values ('a', null)",
	  "insert into t values (?, ?)",
	  { STRING("a"), NOTHING },
	  true },
	{ "insert into t values (_binary'\\0\xff', x'00ff')",
	  "insert into t values (?, ?)",
	  { { .text = SLICE("\0\xff") }, { .text = SLICE("\0\xff") } },
	  true },
	{ "update t set a = '1970-01-01 00:00:00' where b = '2020-01-01'",
	  "update t set a = ? where b = ?",
	  { STRING("1970-01-01 00:00:00"), STRING("2020-01-01") },
	  true },
	{ "select date_add('1970-01-01', interval 1 day)",
	  "select date_add(?, interval ? day)",
	  { STRING("1970-01-01"), STRING("1") },
	  true },
	{ "select * from t limit 5, 10",
	  "select * from t limit ?, ?",
	  { NUMBER("5"), NUMBER("10") },
	  true },
	{ "select f('5')", "select f(?)", { STRING("5") }, true },
	{ "select f('5')", "select f(?)", { NUMBER("5") }, false },
	{ "select f(5)", "select f(?)", { NUMBER("5") }, true },
};

static void test_bound(void **state)
{
	(void)state;
	sql_check_bound(&sql_test_mysql, bound_cases, ARRAY_SIZE(bound_cases));
}

static uint64_t loose(const char *literal)
{
	struct sql_test test;
	char text[128];
	uint64_t hash;

	assert_true((size_t)snprintf(text, sizeof(text), "select * from t where a = %s", literal) <
		    sizeof(text));
	sql_test_init(&test, &sql_test_mysql, text, NULL, 0);
	hash = test.loose;
	sql_test_release(&test);
	return hash;
}

/* What drivers write otherwise than the server does. */
static void test_loose(void **state)
{
	static const struct sql_pair equal[] = {
		{ "'1970-01-01 00:00:00.000'", "'1970-01-01 00:00:00'" },
		{ "'1970-1-1 0:0:0'", "'1970-01-01 00:00:00'" },
		{ "'1970-1-1 0:0:0.5'", "timestamp'1970-01-01 00:00:00.500000'" },
		{ "1e2", "'100'" },
		{ "5.0", "5" },
		{ "'1:02:03'", "'01:02:03.000000'" },
		{ "'-100:00:00'", "'-100:00:00.0'" },
		{ "'0000-00-00 00:00:00'", "'0000-00-00 00:00:00.000'" },
		{ "'2020-1-1'", "'2020-01-01'" },
	};
	static const struct sql_pair different[] = {
		{ "'1970-01-01 00:00:00'", "'1970-01-01 00:00:01'" },
		{ "'1970-01-01'", "'1970-01-01 00:00:00'" },
		{ "'01:02:03'", "'-01:02:03'" },
		{ "'01:02'", "'01:02:00'" },
		{ "'0000-00-00'", "'0000-01-00'" },
		{ "'1-1-1'", "'0001-01-01'" },
		{ "'true'", "'t'" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(equal); i++)
		if (loose(equal[i].a) != loose(equal[i].b))
			fail_msg("%s %s differ", equal[i].a, equal[i].b);
	for (size_t i = 0; i < ARRAY_SIZE(different); i++)
		if (loose(different[i].a) == loose(different[i].b))
			fail_msg("%s %s are equal", different[i].a, different[i].b);
}

/* Values that are no text come back from their JSON as what they were. */
static void test_values_come_back(void **state)
{
	static const char text[] =
		"insert into t values (_binary'\\0\xff', 'a\\0', '\xff', 'x', 0xff)";
	struct sql_value *parsed;
	struct sql_test test;
	struct buffer json;
	size_t n;

	(void)state;
	sql_test_init(&test, &sql_test_mysql, text, NULL, 0);
	buffer_init(&json, 4096);
	sql_values_json(test.values, test.statement.n_slots, &json);
	assert_int_equal(sql_values_parse(buffer_slice(&json), &test.arena, &parsed, &n), 0);
	assert_int_equal(n, test.statement.n_slots);
	assert_true(sql_values_equal(&test.statement, test.values, parsed));
	assert_true(sql_kinds_equal(test.values, parsed, n));
	buffer_release(&json);
	sql_test_release(&test);
}

static const struct sql_verb_case verb_cases[] = {
	{ "/* ping */", SQL_EMPTY },
	{ "select 1", SQL_SELECT },
	{ "select a into @x from t", SQL_SELECT },
	{ "select $$", SQL_SELECT },
	{ "table t", SQL_SELECT },
	{ "values row(1)", SQL_SELECT },
	{ "describe t", SQL_SELECT },
	{ "desc t", SQL_SELECT },
	{ "explain insert into t values (1)", SQL_SELECT },
	{ "explain analyze delete from t", SQL_DELETE },
	{ "analyze format=json select 1", SQL_ADMIN },
	{ "analyze delete from t", SQL_DELETE },
	{ "with x as (select 1) delete from t", SQL_WITH_WRITE },
	{ "insert into t values (1)", SQL_INSERT },
	{ "replace into t values (1)", SQL_INSERT },
	{ "update t set a = 1", SQL_UPDATE },
	{ "delete t from t", SQL_DELETE },
	{ "load data infile 'x' into table t", SQL_LOAD },
	{ "load xml local infile 'x' into table t", SQL_LOAD },
	{ "call p()", SQL_CALL },
	{ "do sleep(1)", SQL_CALL },
	{ "begin not atomic select 1; end", SQL_CALL },
	{ "begin work", SQL_BEGIN },
	{ "start transaction", SQL_BEGIN },
	{ "start replica", SQL_ADMIN },
	{ "stop slave", SQL_ADMIN },
	{ "commit and chain", SQL_COMMIT },
	{ "rollback", SQL_ROLLBACK },
	{ "rollback to a", SQL_ROLLBACK_TO },
	{ "savepoint a", SQL_SAVEPOINT },
	{ "release savepoint a", SQL_RELEASE },
	{ "end", SQL_OTHER },
	{ "xa start 'x'", SQL_XA },
	{ "set a = 1", SQL_SET },
	{ "show tables", SQL_SHOW },
	{ "use a", SQL_USE },
	{ "prepare a from 'select 1'", SQL_PREPARE },
	{ "execute a using @b", SQL_EXECUTE },
	{ "deallocate prepare a", SQL_DEALLOCATE },
	{ "drop prepare a", SQL_DEALLOCATE },
	{ "drop table t", SQL_DDL },
	{ "rename table a to b", SQL_DDL },
	{ "truncate t", SQL_DDL },
	{ "handler t open", SQL_HANDLER },
	{ "lock tables t read", SQL_LOCK },
	{ "unlock tables", SQL_UNLOCK },
	{ "kill query 5", SQL_KILL },
	{ "optimize table t", SQL_ADMIN },
	{ "analyze table t", SQL_ADMIN },
	{ "check table t", SQL_ADMIN },
	{ "flush privileges", SQL_ADMIN },
	{ "gibberish", SQL_OTHER },
};

static void test_verbs(void **state)
{
	(void)state;
	sql_check_verbs(&sql_test_mysql, verb_cases, ARRAY_SIZE(verb_cases));
}

static void check_split(const char *text, const char *expected)
{
	sql_check_split(&sql_test_mysql, text, expected);
}

static void test_split(void **state)
{
	(void)state;
	check_split("a;b ; c", "a|b | c");
	check_split("';' \";\" `;` /* ; */ '\\';' # ;\n; -- ;\n b",
		    "';' \";\" `;` /* ; */ '\\';' # ;\n| -- ;\n b");
	check_split("begin; select 1; end; c", "begin| select 1| end| c");
	check_split("/*!40101 set x = 1 */;", "/*!40101 set x = 1 */");
	check_split("create procedure p() begin select 1; select 2; end; c",
		    "create procedure p() begin select 1; select 2; end| c");
	check_split("create definer=`a`@`b` trigger t before insert on x for each row if new.a = 1 "
		    "then set "
		    "new.a = 2; end if; c",
		    "create definer=`a`@`b` trigger t before insert on x for each row if new.a = 1 "
		    "then set "
		    "new.a = 2; end if| c");
	check_split("create function if not exists f() returns int begin "
		    "declare exit handler for sqlexception begin end; "
		    "l: loop if a then leave l; elseif b then iterate l; else if c then set d = "
		    "if(e, 1, 2); end if; end if; "
		    "end loop l; while a do set b = case when c then if(d, 1, 2) else 3 end; end "
		    "while; "
		    "repeat set x = repeat('a', 2); until y end repeat; "
		    "case when a then case b when 1 then if c then set d = 1; end if; end case; "
		    "end case; "
		    "return 1; end; c; d",
		    "create function if not exists f() returns int begin "
		    "declare exit handler for sqlexception begin end; "
		    "l: loop if a then leave l; elseif b then iterate l; else if c then set d = "
		    "if(e, 1, 2); end if; end if; "
		    "end loop l; while a do set b = case when c then if(d, 1, 2) else 3 end; end "
		    "while; "
		    "repeat set x = repeat('a', 2); until y end repeat; "
		    "case when a then case b when 1 then if c then set d = 1; end if; end case; "
		    "end case; "
		    "return 1; end| c| d");
	check_split("create event e on schedule every 1 day do begin a; end; b",
		    "create event e on schedule every 1 day do begin a; end| b");
	check_split("begin not atomic a; b; end; c", "begin not atomic a; b; end| c");
	check_split("begin not atomic if (a in (select 1)) then b; end if; end; c",
		    "begin not atomic if (a in (select 1)) then b; end if; end| c");
	check_split(
		"begin not atomic declare c cursor for select 1; declare continue handler for "
		"not found begin end; for r in c do x; end for; l: for i in 1..3 do y; end for l; "
		"select 1 for update; end; z",
		"begin not atomic declare c cursor for select 1; declare continue handler for "
		"not found begin end; for r in c do x; end for; l: for i in 1..3 do y; end for l; "
		"select 1 for update; end| z");
	check_split("create table `procedure` (begin int); a",
		    "create table `procedure` (begin int)| a");
	check_split("create procedure p() select 1; select 2",
		    "create procedure p() select 1| select 2");
	check_split("select case when a then 1 end; select if(b, 1, 2); c",
		    "select case when a then 1 end| select if(b, 1, 2)| c");
	check_split("if (a) then b; elseif c then d; else e; end if; if f then g; end if; h",
		    "if (a) then b; elseif c then d; else e; end if| if f then g; end if| h");
	check_split("while a do if b then c; end if; end while; case a when b then c; end case; d",
		    "while a do if b then c; end if; end while| case a when b then c; end case| d");
	check_split(
		"for i in 1..(select 2) do a; b; end for; repeat a; until b end repeat; loop a; "
		"end loop; c",
		"for i in 1..(select 2) do a; b; end for| repeat a; until b end repeat| loop a; "
		"end loop| c");
	check_split("create procedure a.begin() begin x; end; y",
		    "create procedure a.begin() begin x; end| y");
}

static void test_mask(void **state)
{
	static const struct sql_pair cases[] = {
		{ "CREATE USER a IDENTIFIED BY \"x\\\"y\" ;",
		  "CREATE USER a IDENTIFIED BY '***' ;" },
		{ "set password for a = password ( 'x' )",
		  "set password for a = password ( '***' )" },
		{ "change master to master_password='x', master_user='y'",
		  "change master to master_password='***', master_user='y'" },
		{ "alter user a identified by _utf8mb4'x'", "alter user a identified by '***'" },
		{ "alter user a identified by 'x", "alter user a identified by '***'" },
		{ "select 'x' where password = 'y'", "select 'x' where password = 'y'" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct slice text = slice_from_string(cases[i].a), masked;
		struct sql_statement statement;
		struct arena arena;

		arena_init(&arena);
		sql_canonicalize(&sql_test_mysql, text, &arena, &statement);
		masked = sql_mask(&statement, text, &arena);
		if (!slice_equal(masked, slice_from_string(cases[i].b)))
			fail_msg("<%.*s>", (int)masked.size, (const char *)masked.data);
		assert_null(memmem(statement.canonical.data, statement.canonical.size, "x'", 2));
		arena_release(&arena);
	}
}

/* A canonical text is a text too, and its own canonical form. */
static void test_idempotence(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(equal_pairs) + ARRAY_SIZE(different_pairs); i++) {
		const char *text = i < ARRAY_SIZE(equal_pairs) ?
					   equal_pairs[i].b :
					   different_pairs[i - ARRAY_SIZE(equal_pairs)].a;
		struct sql_statement once, twice;
		struct arena arena;

		arena_init(&arena);
		sql_canonicalize(&sql_test_mysql, slice_from_string(text), &arena, &once);
		sql_canonicalize(&sql_test_mysql, once.canonical, &arena, &twice);
		if (!slice_equal(once.canonical, twice.canonical) || once.n_slots != twice.n_slots)
			fail_msg("<%.*s> <%.*s>", (int)once.canonical.size,
				 (const char *)once.canonical.data, (int)twice.canonical.size,
				 (const char *)twice.canonical.data);
		arena_release(&arena);
	}
}

/* Hostile texts of a megabyte: the test's time limit is what would tell of a quadratic cost. */
static void test_hostile(void **state)
{
	static const char *const patterns[] = {
		"(",	   "'",	     "/*!",	 "/*!80000",
		"*/",	   "@`a",    "@a.",	 "1.a",
		"{d ",	   "'a' ",   "_utf8'a'", "values(",
		"set @a=", "begin ", "case ",	 "create function begin;"
	};
	enum { SIZE = 1 << 20 };
	uint8_t *text = malloc(SIZE);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
		struct sql_statement statement;
		struct arena arena;

		arena_init(&arena);
		for (size_t at = 0; at < SIZE; at++)
			text[at] = (uint8_t)patterns[i][at % strlen(patterns[i])];
		sql_canonicalize(&sql_test_mysql, slice_of(text, SIZE), &arena, &statement);
		assert_true(statement.canonical.size <= 4 * (size_t)SIZE);
		(void)sql_count(&sql_test_mysql, slice_of(text, SIZE));
		arena_release(&arena);
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pairs),	cmocka_unit_test(test_bound),
		cmocka_unit_test(test_loose),	cmocka_unit_test(test_values_come_back),
		cmocka_unit_test(test_verbs),	cmocka_unit_test(test_split),
		cmocka_unit_test(test_mask),	cmocka_unit_test(test_idempotence),
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
