/* SPDX-License-Identifier: Apache-2.0 */
/* Requests for the SQL tests: see sql.h. */
#include "tests/unit/sql.h"

#include <stdlib.h>

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h> /* needs those above */
/* clang-format on */

const struct sql_options sql_test_postgres = { .dialect = SQL_POSTGRES };
const struct sql_options sql_test_mysql = { .dialect = SQL_MYSQL, .backslash_escapes = true };

void sql_test_init(struct sql_test *test, const struct sql_options *options, const char *text,
		   const struct sql_value *bound, size_t n_bound)
{
	static const struct sql_context context = { .database = SLICE("db") };
	struct slice copy;

	arena_init(&test->arena);
	copy = arena_copy(&test->arena, slice_from_string(text));
	sql_canonicalize(options, copy, &test->arena, &test->statement);
	assert_true(test->statement.n_slots <= SQL_TEST_VALUES_MAX);
	sql_slot_values(&test->statement, bound, n_bound, test->values);
	test->exact = sql_exact_hash(&context, &test->statement, test->values);
	test->loose = sql_loose_hash(&context, &test->statement, test->values);
}

void sql_test_release(struct sql_test *test)
{
	arena_release(&test->arena);
}

bool sql_test_equal(const struct sql_test *a, const struct sql_test *b)
{
	bool equal = slice_equal(a->statement.canonical, b->statement.canonical) &&
		     a->statement.n_slots == b->statement.n_slots &&
		     sql_values_equal(&a->statement, a->values, b->values);

	assert_int_equal(equal, a->exact == b->exact);
	if (equal)
		assert_int_equal(a->loose, b->loose);
	return equal;
}
