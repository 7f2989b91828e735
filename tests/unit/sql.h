/* SPDX-License-Identifier: Apache-2.0 */
/* Requests for the SQL tests: a text, what was bound to it, and the hashes of that. */
#ifndef MOCKPROXY_TESTS_SQL_H
#define MOCKPROXY_TESTS_SQL_H

#include "parsers/sql/identity.h"

#define SQL_TEST_VALUES_MAX 64

struct sql_test {
	struct arena arena;
	struct sql_statement statement;
	struct sql_value values[SQL_TEST_VALUES_MAX];
	uint64_t exact;
	uint64_t loose;
};

extern const struct sql_options sql_test_postgres;
extern const struct sql_options sql_test_mysql;

/* The text of a statement, at the end of its memory. Release with sql_test_release(). */
void sql_test_init(struct sql_test *test, const struct sql_options *options, const char *text,
		   const struct sql_value *bound, size_t n_bound);
void sql_test_release(struct sql_test *test);

/* Are these one request? Fails when the hashes say another thing than the comparison. */
bool sql_test_equal(const struct sql_test *a, const struct sql_test *b);

#endif
