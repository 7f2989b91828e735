/* SPDX-License-Identifier: Apache-2.0 */
/* Statements that end another session, or what it does, by its number. */
#include "parsers/compiler.h"
#include "parsers/sql/kill.h"
#include "tests/unit/cmocka.h"
#include "tests/unit/sql.h"

struct kill_case {
	const char *text;
	enum sql_kill kill;
	uint32_t number;
};

static void check(const struct sql_options *options, const struct kill_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct sql_test test;
		uint32_t number = 0;

		sql_test_init(&test, options, cases[i].text, NULL, 0);
		if (sql_kill_of(&test.statement, test.values, &number) != cases[i].kill ||
		    (cases[i].kill && number != cases[i].number))
			fail_msg("%s: %u", cases[i].text, number);
		sql_test_release(&test);
	}
}

static void test_mysql(void **state)
{
	static const struct kill_case cases[] = {
		{ "KILL 5", SQL_KILLS_SESSION, 5 },
		{ "kill Connection 4294967295", SQL_KILLS_SESSION, UINT32_MAX },
		{ "KILL QUERY 5;", SQL_KILLS_QUERY, 5 },
		{ "kill hard 5", SQL_KILLS_SESSION, 5 },
		{ "kill SOFT query 5", SQL_KILLS_QUERY, 5 },
		{ "kill 4294967296", SQL_KILLS_NOTHING, 0 },
		{ "kill 42949672950", SQL_KILLS_NOTHING, 0 },
		{ "kill 0", SQL_KILLS_NOTHING, 0 },
		{ "kill -5", SQL_KILLS_NOTHING, 0 },
		{ "kill 5 + 1", SQL_KILLS_NOTHING, 0 },
		{ "kill query id 5", SQL_KILLS_NOTHING, 0 },
		{ "kill user 'ann'", SQL_KILLS_NOTHING, 0 },
		{ "kill @x", SQL_KILLS_NOTHING, 0 },
		{ "kill connection_id()", SQL_KILLS_NOTHING, 0 },
		{ "select 5", SQL_KILLS_NOTHING, 0 },
	};

	(void)state;
	check(&sql_test_mysql, cases, ARRAY_SIZE(cases));
}

static void test_postgres(void **state)
{
	static const struct kill_case cases[] = {
		{ "SELECT pg_cancel_backend(5)", SQL_KILLS_QUERY, 5 },
		{ "select pg_catalog.pg_cancel_backend('5') as a", SQL_KILLS_QUERY, 5 },
		{ "select pg_terminate_backend(5, 1000)", SQL_KILLS_SESSION, 5 },
		{ "select pg_cancel_backend(null)", SQL_KILLS_NOTHING, 0 },
		{ "select pg_cancel_backend(pid) from t where a = 5", SQL_KILLS_NOTHING, 0 },
		{ "select pg_cancel_backend(5.5)", SQL_KILLS_NOTHING, 0 },
		{ "select 5", SQL_KILLS_NOTHING, 0 },
	};

	(void)state;
	check(&sql_test_postgres, cases, ARRAY_SIZE(cases));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mysql),
		cmocka_unit_test(test_postgres),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
