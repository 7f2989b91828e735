/* SPDX-License-Identifier: Apache-2.0 */
/* Canonical SQL: what is one request and what is two, verbs, splitting and masking. The texts
 * themselves are in the tapes. */
#include "parsers/compiler.h"
#include "parsers/sql/shape.h"
#include "tests/unit/cmocka.h"
#include "tests/unit/sql.h"

static const struct sql_pair equal_pairs[] = {
	/* white space, comments, case, the last semicolon */
	{ "select 1", "SELECT\n\t1 ; ;" },
	{ "select a,b from t", "select /* x */ a , b -- y\nfrom t/*app='web'*/" },
	{ "select count(*) from t", "SELECT COUNT ( * ) FROM T" },
	{ "select \"a\", t.\"b\" from \"t\"", "select a, T.B from t" },
	{ "select U&\"\\0061\"", "select a" },
	{ "select a[1]", "select a [ 1 ]" },
	{ "select a<>1", "select a != 1" },
	{ "select a -- b\n+ c", "select a+c" },
	/* the same value, spelled otherwise */
	{ "select 'a''b'", "select E'a\\'b'" },
	{ "select 'a' \n 'b'", "select 'ab'" },
	{ "select $$a$$", "select $x$a$x$" },
	{ "select U&'d\\0061'", "select 'da'" },
	{ "select 007", "select 7" },
	{ "select .5", "select 0.5" },
	{ "select 1E5", "select 1e+5" },
	{ "select 0x1F, 1_000", "select 31, 1000" },
	{ "select B'0001'", "select X'1'" },
	{ "select -5", "select - 5" },
	{ "select +5", "select 5" },
	/* one type, spelled otherwise */
	{ "select '5'::int", "select CAST('5' AS integer)" },
	{ "select '5'::int", "select 5::int4" },
	{ "select date '2020-01-01'", "select '2020-01-01'::date" },
	{ "select $1::timestamp with time zone", "select $1::timestamptz" },
	{ "select timestamp(3) with time zone 'x'", "select 'x'::timestamptz(3)" },
	{ "select 'a'::character varying(3)", "select 'a'::varchar(3)" },
	{ "select double precision '1'", "select '1'::float8" },
	{ "select a::integer[]", "select a::int4[3]" },
	{ "select 't'::bool", "select 'TRUE'::boolean" },
	{ "select '005'::int8", "select 5::bigint" },
	{ "select interval '1' day", "select '1'::interval day" },
	{ "select N'a'", "select 'a'::bpchar" },
	/* kinds are equal across where compared or assigned */
	{ "select * from t where a = 5", "select * from t where a = '5'" },
	{ "select * from t where a = 5", "select * from t where a = '5'::int4" },
	{ "select * from t where a = 5", "select * from t where a = 5::int8" },
	{ "select * from t where 5 < a", "select * from t where '5' < a" },
	{ "select * from t where a in (1, '2')", "select * from t where a in ('1', 2)" },
	{ "select * from t where a not in (1)", "select * from t where a not in ('1')" },
	{ "select * from t where (a,b) in ((1,2))", "select * from t where (a,b) in (('1','2'))" },
	{ "select * from t where (a,b) = (1,2)", "select * from t where (a,b) = ('1','2')" },
	{ "select * from t where a between 1 and 2",
	  "select * from t where a between '1' and '2'" },
	{ "select * from t where a is not distinct from 1",
	  "select * from t where a is not distinct from '1'" },
	{ "select * from t limit 5 offset 1", "select * from t limit '5' offset '1'" },
	{ "select * from t fetch first 5 rows only", "select * from t fetch first '5' rows only" },
	{ "insert into t values (1, 'x'), (2, 'y')",
	  "insert into t values ('1', 'x'), ('2', 'y')" },
	{ "insert into t values (default, 1)", "insert into t values (default, '1')" },
	{ "update t set a = 5 where b = 6", "update t set a = '5' where b = '6'" },
	{ "update t set (a, b) = (1, 2)", "update t set (a, b) = ('1', '2')" },
	{ "insert into t values (1) on conflict (a) do update set a = 2",
	  "insert into t values (1) on conflict (a) do update set a = '2'" },
	{ "select * from t where d = '2020-01-01'", "select * from t where d = date '2020-01-01'" },
	{ "select * from t where a = true", "select * from t where a = 'true'" },
	{ "select * from t where u = '6ba7b810-9dad-11d1-80b4-00c04fd430c8'::uuid",
	  "select * from t where u = '6ba7b810-9dad-11d1-80b4-00c04fd430c8'" },
	{ "select * from t where j ->> 'a' = 5", "select * from t where j ->> 'a' = '5'" },
	{ "select * from t where f(1) = 5", "select * from t where f(1) = '5'" },
	{ "select * from t where lower(a) like 'x%' and b = 5",
	  "select * from t where lower(a) like 'x%' and b = '5'" },
	/* statements that mean the same */
	{ "alter role x password 'a'", "alter role x password 'b'" },
};

static void test_equal(void **state)
{
	(void)state;
	sql_check_pairs(&sql_test_postgres, equal_pairs, ARRAY_SIZE(equal_pairs), true);
}

static const struct sql_pair different_pairs[] = {
	{ "select 1", "select 2" },
	{ "select a", "select b" },
	{ "select \"A\"", "select a" },
	{ "select \"select\"", "select select" },
	{ "select 'a' 'b'", "select 'ab'" },
	{ "select 'A'", "select 'a'" },
	{ "select ' a'", "select 'a'" },
	{ "select /*+ x */ a", "select a" },
	{ "select a b", "select ab" },
	{ "select a - 1", "select a, -1" },
	{ "select (1)", "select 1" },
	{ "select 1.0", "select 1.00" },
	{ "select 5.", "select 5" },
	{ "select '05'", "select '5'" },
	{ "select a ? 'x'", "select a, 'x'" },
	{ "select a ?| b", "select a || b" },
	{ "select ? ", "select 5" },
	{ "select a ? b", "select a ?? b" },
	{ "select -1", "select 1" },
	{ "select \"interval\" '1'", "select interval '1'" },
	{ "select '1' \"year\"", "select '1' year" },
	{ "select a is null", "select a is not null" },
	{ "select a = null", "select a = 'null'" },
	{ "select a = null", "select a = ''" },
	{ "select * from t where a = true", "select * from t where a = false" },
	{ "select * from t where a = $0", "select * from t where a = ''" },
	/* kinds are identity where nothing gives the type */
	{ "select '1'", "select 1" },
	{ "select j -> '1'", "select j -> 1" },
	{ "select f('1')", "select f(1)" },
	{ "select '1' || '2'", "select 1 || '2'" },
	{ "select '5'::int", "select '5'" },
	{ "select '5'::int", "select '5'::int8" },
	{ "select $1::int", "select $1::text" },
	{ "select 1e2::text", "select '1e2'::text" },
	{ "select cast(5. as text)", "select cast('5.' as text)" },
	{ "select * from t order by 1", "select * from t order by '1'" },
	{ "select * from t where a = 5 + 1", "select * from t where a = '5' + 1" },
	{ "values (1)", "values ('1')" },
	{ "select * from (values (1)) v", "select * from (values ('1')) v" },
	{ "select case a when 1 then 2 end", "select case a when 1 then '2' end" },
	{ "insert into t values (f(1))", "insert into t values (f('1'))" },
	{ "insert into t select 1", "insert into t select '1'" },
	{ "insert into t select a union values (1)", "insert into t select a union values ('1')" },
	{ "select * from t where a in (select 1)", "select * from t where a in (select '1')" },
	{ "select * from t where a in (select b, 1 , c from u)",
	  "select * from t where a in (select b, '1' , c from u)" },
	/* nor where the other side is a literal too */
	{ "select '05' = 5", "select '05' = '5'" },
	{ "select 5 = '05'", "select '5' = '05'" },
	{ "select (5) = '05'", "select ('5') = '05'" },
	{ "select 5 in ('05')", "select '5' in ('05')" },
	{ "select '05' in (5)", "select '05' in ('5')" },
	{ "select 5 not in ('05')", "select '5' not in ('05')" },
	{ "select '05' between 1 and '9'", "select '05' between '1' and '9'" },
	{ "select '05' = any('{5}')", "select 05 = any('{5}')" },
	{ "select (1, 'a') = ('01', 'a')", "select ('1', 'a') = ('01', 'a')" },
	{ "select '05' is not distinct from 5", "select '05' is not distinct from '5'" },
	/* a type that changes the text counts where it is compared too */
	{ "select * from t where a = '1.5'::int", "select * from t where a = '1.5'" },
	{ "select * from t where a = 'abc'::varchar(2)", "select * from t where a = 'abc'" },
	{ "select * from t where a = '2020-01-01 10:00:00'::date",
	  "select * from t where a = '2020-01-01 10:00:00'" },
	{ "select * from t where a = '5.7'::numeric::int", "select * from t where a = '5.7'::int" },
	{ "select '5.7'::numeric::int", "select '5.7'::float8::int" },
	{ "select * from t where a = 'a '::text", "select * from t where a = 'a '" },
	{ "insert into t values (1e2)", "insert into t values ('1e2')" },
	{ "insert into t values (-0)", "insert into t values ('-0')" },
	{ "insert into t values (5.)", "insert into t values ('5.')" },
	{ "select * from t where a = '{}'::mood", "select * from t where a = '{}'::other" },
	{ "select 'a'::\"char\"", "select 'a'::char" },
	{ "select interval '1' day", "select interval '1' hour" },
	{ "select B'1'", "select B'01'" },
	{ "select X'1F'", "select '1F'" },
	/* names are what they are */
	{ "savepoint a", "savepoint b" },
	{ "fetch 5 from a", "fetch 5 from b" },
	{ "execute a (1)", "execute b (1)" },
	{ "select E'\\u12'", "select '\\u12'" },
	{ "select 'abc", "select 'abc'" },
	{ "alter role x password 'a'", "alter role x password 'a" },
	{ "alter role x password 'a'", "alter role y password 'a'" },
	{ "update users set password = 'a'", "update users set password = 'b'" },
};

static void test_different(void **state)
{
	(void)state;
	sql_check_pairs(&sql_test_postgres, different_pairs, ARRAY_SIZE(different_pairs), false);
}

/* One template for all cursors, and yet what is known of one is not known of another. */
static void test_cursor_shapes(void **state)
{
	struct sql_test a, same, other;

	(void)state;
	sql_test_init(&a, &sql_test_postgres, "fetch 5 from a", NULL, 0);
	sql_test_init(&same, &sql_test_postgres, "FETCH 6 FROM \"a\"", NULL, 0);
	sql_test_init(&other, &sql_test_postgres, "fetch 5 from b", NULL, 0);
	assert_true(slice_equal(a.statement.canonical, other.statement.canonical));
	assert_int_equal(sql_compare_shapes(&a.statement, &same.statement), SQL_SHAPES_EQUAL);
	assert_int_equal(sql_compare_shapes(&a.statement, &other.statement), SQL_SHAPES_AGREE);
	sql_test_release(&a);
	sql_test_release(&same);
	sql_test_release(&other);
}

static void test_mysql_pairs(void **state)
{
	static const struct sql_pair equal[] = {
		{ "select `a`, \"x\" from t # c", "SELECT a, 'x' FROM t -- c" },
		{ "select a from t where b = ? /*! and c = 1 */",
		  "select a from t where b = ? and c = '1'" },
		{ "select 'a\\'b'", "select 'a''b'" },
	};
	static const struct sql_pair different[] = {
		{ "select a from T", "select a from t" },
		{ "select `A`", "select a" },
		{ "select a", "select \"a\"" },
		{ "select 'a\\0b'", "select 'a0b'" },
	};

	(void)state;
	sql_check_pairs(&sql_test_mysql, equal, ARRAY_SIZE(equal), true);
	sql_check_pairs(&sql_test_mysql, different, ARRAY_SIZE(different), false);
}

static const struct sql_verb_case verb_cases[] = {
	{ "", SQL_EMPTY },
	{ " -- x", SQL_EMPTY },
	{ ";", SQL_EMPTY },
	{ "select 1", SQL_SELECT },
	{ "(select 1) union (select 2)", SQL_SELECT },
	{ "values (1)", SQL_SELECT },
	{ "table t", SQL_SELECT },
	{ "select * into x from t", SQL_DDL },
	{ "select * from t for update", SQL_SELECT },
	{ "with x as (select 1) select * from x for update", SQL_SELECT },
	{ "with x as (insert into t values (1) returning *) select * from x", SQL_WITH_WRITE },
	{ "with x as (select 1) update t set a = 1", SQL_WITH_WRITE },
	{ "with x as (select 1) insert into t select * from x", SQL_WITH_WRITE },
	{ "insert into t values (1)", SQL_INSERT },
	{ "update t set a = 1", SQL_UPDATE },
	{ "delete from t", SQL_DELETE },
	{ "merge into t using u on a = b when matched then do nothing", SQL_MERGE },
	{ "explain select 1", SQL_SELECT },
	{ "explain insert into t values (1)", SQL_SELECT },
	{ "explain (costs off, analyze) delete from t", SQL_DELETE },
	{ "explain analyze verbose insert into t values (1)", SQL_INSERT },
	{ "call f()", SQL_CALL },
	{ "do $$ $$", SQL_CALL },
	{ "copy t from stdin", SQL_COPY },
	{ "create table t (a int)", SQL_DDL },
	{ "truncate t", SQL_DDL },
	{ "vacuum t", SQL_OTHER },
	{ "begin", SQL_BEGIN },
	{ "start transaction read only", SQL_BEGIN },
	{ "start_replication slot x", SQL_OTHER },
	{ "commit", SQL_COMMIT },
	{ "END", SQL_COMMIT },
	{ "commit prepared 'x'", SQL_OTHER },
	{ "abort", SQL_ROLLBACK },
	{ "rollback and chain", SQL_ROLLBACK },
	{ "rollback prepared 'x'", SQL_OTHER },
	{ "rollback work to savepoint a", SQL_ROLLBACK_TO },
	{ "savepoint a", SQL_SAVEPOINT },
	{ "release a", SQL_RELEASE },
	{ "set a = 1", SQL_SET },
	{ "reset all", SQL_SET },
	{ "show all", SQL_SHOW },
	{ "discard all", SQL_DISCARD },
	{ "prepare x as select 1", SQL_PREPARE },
	{ "prepare transaction 'x'", SQL_OTHER },
	{ "execute x", SQL_EXECUTE },
	{ "deallocate all", SQL_DEALLOCATE },
	{ "declare c cursor for select 1", SQL_DECLARE },
	{ "fetch all from c", SQL_FETCH },
	{ "move next from c", SQL_FETCH },
	{ "close c", SQL_CLOSE },
	{ "listen a", SQL_LISTEN },
	{ "unlisten *", SQL_UNLISTEN },
	{ "notify a, 'x'", SQL_NOTIFY },
	{ "gibberish", SQL_OTHER },
};

static void test_verbs(void **state)
{
	(void)state;
	sql_check_verbs(&sql_test_postgres, verb_cases, ARRAY_SIZE(verb_cases));
}

static void check_split(const char *text, const char *expected)
{
	sql_check_split(&sql_test_postgres, text, expected);
}

static void test_split(void **state)
{
	(void)state;
	check_split("", "");
	check_split(" ;; -- x\n; /* y */", "");
	check_split("/*+ x; */", "");
	check_split("select 1", "select 1");
	check_split("select 1;", "select 1");
	check_split(" a ; b;;c -- ;\n", " a | b|c -- ;\n");
	check_split("select ';', \";\", $$;$$, E'\\';', /* ; /* ; */ ; */ 1 -- ;\n; b",
		    "select ';', \";\", $$;$$, E'\\';', /* ; /* ; */ ; */ 1 -- ;\n| b");
	check_split("create rule r as on insert to t do (a; b); c",
		    "create rule r as on insert to t do (a; b)| c");
	check_split("create function f() returns int begin atomic select case when a then case "
		    "when b then 1 end "
		    "end; select 2 as end; end; c",
		    "create function f() returns int begin atomic select case when a then case "
		    "when b then 1 end "
		    "end; select 2 as end; end| c");
	check_split("begin; select 1; end; c", "begin| select 1| end| c");
	check_split("select case when a then 1 end; b", "select case when a then 1 end| b");
	check_split("a); b", "a)| b");
	check_split("a 'b; c", "a 'b; c");
	check_split("a; /* b; c", "a| /* b; c");
}

static void test_mask(void **state)
{
	static const struct sql_pair cases[] = {
		{ "select 'a'", "select 'a'" },
		{ "alter role x PASSWORD  'se''cret' valid until 'x'",
		  "alter role x PASSWORD  '***' valid until 'x'" },
		{ "create user a encrypted password E'x\\'' ; ",
		  "create user a encrypted password '***' ; " },
		{ "create user mapping for a server s options (user 'u', \"password\" 'p')",
		  "create user mapping for a server s options (user 'u', \"password\" '***')" },
		{ "alter user mapping for a server s options (set password 'p')",
		  "alter user mapping for a server s options (set password '***')" },
		{ "create subscription s connection 'host=a PASSWORD = b' publication p",
		  "create subscription s connection '***' publication p" },
		{ "create subscription s connection 'host=a' publication p",
		  "create subscription s connection 'host=a' publication p" },
		{ "select * from dblink('postgresql://u:p@h/d', 'select 1') t(a int)",
		  "select * from dblink('***', 'select 1') t(a int)" },
		{ "select dblink_connect('c', 'password=x')", "select dblink_connect('c', '***')" },
		{ "alter system set primary_conninfo = 'password=x'",
		  "alter system set primary_conninfo = '***'" },
		{ "alter role x password 'abc", "alter role x password '***'" },
		{ "alter role x password null", "alter role x password null" },
		{ "select 1 where password = 'x'", "select 1 where password = 'x'" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct sql_statement statement;
		struct slice masked;
		struct arena arena;

		arena_init(&arena);
		sql_canonicalize(&sql_test_postgres, slice_from_string(cases[i].a), &arena,
				 &statement);
		masked = sql_mask(&statement, slice_from_string(cases[i].a), &arena);
		if (!slice_equal(masked, slice_from_string(cases[i].b)))
			fail_msg("<%.*s> for <%s>", (int)masked.size, (const char *)masked.data,
				 cases[i].a);
		assert_int_equal(statement.has_secret, strcmp(cases[i].a, cases[i].b) != 0);
		arena_release(&arena);
	}
}

/* Hostile texts of a megabyte: the test's time limit is what would tell of a quadratic cost. */
static void test_hostile(void **state)
{
	static const char *const patterns[] = { "(",	       "+-",	"1,",	 "'",
						"/*",	       "$a",	"cast(", "5::a",
						"a=(",	       "in(",	"null,", "'a'\n",
						"select ';';", "u&'' ", "e'\\",	 "case " };
	enum { SIZE = 1 << 20 };
	uint8_t *text = malloc(SIZE);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
		struct sql_statement statement;
		struct arena arena;

		arena_init(&arena);
		for (size_t at = 0; at < SIZE; at++)
			text[at] = (uint8_t)patterns[i][at % strlen(patterns[i])];
		sql_canonicalize(&sql_test_postgres, slice_of(text, SIZE), &arena, &statement);
		assert_true(statement.canonical.size <= 4 * (size_t)SIZE);
		assert_true(sql_count(&sql_test_postgres, slice_of(text, SIZE)) >= 1);
		arena_release(&arena);
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equal),	      cmocka_unit_test(test_different),
		cmocka_unit_test(test_cursor_shapes), cmocka_unit_test(test_mysql_pairs),
		cmocka_unit_test(test_verbs),	      cmocka_unit_test(test_split),
		cmocka_unit_test(test_mask),	      cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
