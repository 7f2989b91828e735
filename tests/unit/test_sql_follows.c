/* SPDX-License-Identifier: Apache-2.0 */
/* Which statements tell of what was done before them, as the canonical form says it, and as its template alone does. */
#include "parsers/buffer.h"
#include "parsers/compiler.h"
#include "parsers/sql/follows.h"
#include "tests/unit/cmocka.h"

#define LAST SQL_FOLLOWS_LAST
#define KEEPS (SQL_FOLLOWS_LAST | SQL_FOLLOWS_KEEPS)
#define GENERATED SQL_FOLLOWS_GENERATED
#define GENERATES SQL_FOLLOWS_GENERATES

struct text {
	const char *text;
	unsigned int follows;
};

static void check(enum sql_dialect dialect, const struct text *texts, size_t n)
{
	struct sql_options options = sql_options_default(dialect);
	struct sql_statement statement;
	struct arena arena;

	arena_init(&arena);
	for (size_t i = 0; i < n; i++) {
		unsigned int again;

		sql_canonicalize(&options, slice_from_string(texts[i].text), &arena, &statement);
		again = sql_follows(dialect, statement.canonical);
		if (statement.follows != texts[i].follows || again != texts[i].follows)
			fail_msg("%s: %u, and %u of its template, not %u", texts[i].text,
				 statement.follows, again, texts[i].follows);
	}
	arena_release(&arena);
}

static void test_mysql(void **state)
{
	static const struct text texts[] = {
		{ "SHOW WARNINGS", KEEPS },
		{ "show /* x */ warnings limit 64", KEEPS },
		{ "SHOW ERRORS;", KEEPS },
		{ "SHOW COUNT(*) WARNINGS", KEEPS },
		{ "SHOW COUNT ( * ) ERRORS", KEEPS },
		{ "GET DIAGNOSTICS @n = NUMBER", KEEPS },
		{ "get current diagnostics condition 1 @m = MESSAGE_TEXT", KEEPS },
		{ "SELECT @@warning_count", LAST },
		{ "SELECT @@session.error_count", LAST },
		{ "SELECT @@Session . Error_Count", LAST },
		{ "SELECT @@`warning_count`", LAST },
		{ "select found_rows()", LAST },
		{ "SELECT ROW_COUNT ()", LAST },
		{ "SELECT LAST_INSERT_ID()", GENERATED },
		{ "SELECT last_insert_id( /* of it */ ) + 1", GENERATED },
		{ "INSERT INTO child VALUES (LAST_INSERT_ID(), 'x')", GENERATED },
		{ "SELECT @@identity, ROW_COUNT()", GENERATED | LAST },
		{ "SELECT @@last_insert_id", GENERATED },
		{ "SELECT LASTVAL(s)", GENERATED },
		{ "UPDATE sequence SET id = LAST_INSERT_ID(id + 1)", GENERATES },
		{ "SELECT LAST_INSERT_ID(5)", GENERATES },
		{ "SELECT NEXTVAL(s)", GENERATES },
		/* Words alone are nothing. */
		{ "SELECT 'SHOW WARNINGS', 'last_insert_id()' -- found_rows()", 0 },
		{ "SHOW TABLES FROM warnings", 0 },
		{ "SHOW COUNT(*) FROM warnings", 0 },
		{ "SHOW WARNINGS_ALIKE", 0 },
		{ "SELECT warnings, errors, row_count, identity FROM found_rows", 0 },
		{ "SELECT @warning_count, @@max_error_count, @identity", 0 },
		{ "SELECT app.last_insert_id()", 0 },
		{ "SELECT `last_insert_id`()", 0 },
		{ "SELECT lastval, nextval", 0 },
		{ "SELECT currval('s')", 0 },
		{ "SET sql_mode = ''", 0 },
	};

	(void)state;
	check(SQL_MYSQL, texts, ARRAY_SIZE(texts));
}

static void test_postgres(void **state)
{
	static const struct text texts[] = {
		{ "SELECT lastval()", GENERATED },
		{ "SELECT CURRVAL('s'::regclass)", GENERATED },
		{ "SELECT pg_catalog.currval($1)", GENERATED },
		{ "SELECT \"lastval\"()", GENERATED },
		{ "INSERT INTO child VALUES (currval('s'), 1)", GENERATED },
		{ "SELECT nextval('s')", GENERATES },
		{ "SELECT setval('s', 5)", GENERATES },
		{ "SELECT nextval('s'), lastval()", GENERATED | GENERATES },
		{ "SELECT 'lastval()', $$currval('s')$$, lastval FROM currval", 0 },
		{ "SELECT last_insert_id(), row_count(), found_rows()", 0 },
		{ "SHOW warnings", 0 },
		{ "SELECT '{}'::jsonb ? 'lastval()'", 0 },
	};

	(void)state;
	check(SQL_POSTGRES, texts, ARRAY_SIZE(texts));
}

/* Of what is too long nothing is said. */
static void test_long(void **state)
{
	struct sql_options options = sql_options_default(SQL_POSTGRES);
	struct sql_statement statement;
	struct buffer text;
	struct arena arena;

	(void)state;
	arena_init(&arena);
	buffer_init(&text, 1 << 22);
	buffer_append_string(&text, "SELECT lastval()");
	while (text.size <= SQL_FOLLOWS_TEXT_MAX)
		buffer_append_string(&text, ", a");
	sql_canonicalize(&options, buffer_slice(&text), &arena, &statement);
	assert_int_equal(statement.follows, 0);
	arena_release(&arena);
	buffer_release(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mysql),
		cmocka_unit_test(test_postgres),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
