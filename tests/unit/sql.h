/* SPDX-License-Identifier: Apache-2.0 */
/* Requests for the SQL tests: a text, what was bound to it, the hashes of that, and tables of cases. */
#ifndef MOCKPROXY_TESTS_SQL_H
#define MOCKPROXY_TESTS_SQL_H

#include "parsers/sql/identity.h"
#include "parsers/sql/session.h"

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

/* A session's context, and the count that must be another one when that is. Zeroed it has seen nothing. */
struct sql_test_context {
	struct buffer text;
	uint64_t changes;
};
/* Fails where the context is another than the last time and the count is not. */
void sql_test_see_context(struct sql_test_context *seen, const struct sql_session *session);

/* ---- cases, of each dialect ---- */

#define VALUE(of_kind, literal)                           \
	{                                                 \
		.kind = (of_kind), .text = SLICE(literal) \
	}
#define STRING(literal) VALUE(SQL_STRING, literal)
#define NUMBER(literal) VALUE(SQL_NUMBER, literal)
#define TRUTH(literal) VALUE(SQL_BOOLEAN, literal)
#define TYPED(name, literal)                                                   \
	{                                                                      \
		.kind = SQL_TYPED, .type = SLICE(name), .text = SLICE(literal) \
	}
#define NOTHING              \
	{                    \
		.null = true \
	}

/* Two texts that are one request, or are not. */
struct sql_pair {
	const char *a;
	const char *b;
};
void sql_check_pairs(const struct sql_options *options, const struct sql_pair *pairs, size_t n,
		     bool equal);

/* A text with literals, and one with placeholders and what was bound to them. */
struct sql_bound_case {
	const char *literal;
	const char *bound_text;
	struct sql_value bound[2];
	bool equal;
};
void sql_check_bound(const struct sql_options *options, const struct sql_bound_case *cases,
		     size_t n);

struct sql_verb_case {
	const char *text;
	enum sql_verb verb;
};
void sql_check_verbs(const struct sql_options *options, const struct sql_verb_case *cases,
		     size_t n);

/* A text of several statements, and its pieces with | between them. */
void sql_check_split(const struct sql_options *options, const char *text, const char *expected);

#endif
