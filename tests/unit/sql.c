/* SPDX-License-Identifier: Apache-2.0 */
/* Requests for the SQL tests: see sql.h. */
#include "tests/unit/sql.h"

#include "tests/unit/cmocka.h"

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

void sql_check_pairs(const struct sql_options *options, const struct sql_pair *pairs, size_t n,
		     bool equal)
{
	for (size_t i = 0; i < n; i++) {
		struct sql_test a, b;

		sql_test_init(&a, options, pairs[i].a, NULL, 0);
		sql_test_init(&b, options, pairs[i].b, NULL, 0);
		if (sql_test_equal(&a, &b) != equal)
			fail_msg("%s: <%s> <%s>", equal ? "differ" : "are equal", pairs[i].a,
				 pairs[i].b);
		sql_test_release(&a);
		sql_test_release(&b);
	}
}

void sql_check_bound(const struct sql_options *options, const struct sql_bound_case *cases,
		     size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct sql_test a, b;

		sql_test_init(&a, options, cases[i].literal, NULL, 0);
		sql_test_init(&b, options, cases[i].bound_text, cases[i].bound, 2);
		if (sql_test_equal(&a, &b) != cases[i].equal)
			fail_msg("%zu: %s", i, cases[i].literal);
		sql_test_release(&a);
		sql_test_release(&b);
	}
}

void sql_check_verbs(const struct sql_options *options, const struct sql_verb_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct sql_test test;

		sql_test_init(&test, options, cases[i].text, NULL, 0);
		if (test.statement.verb != cases[i].verb)
			fail_msg("%s is %s", cases[i].text, sql_verb_name(test.statement.verb));
		sql_test_release(&test);
	}
}

void sql_check_split(const struct sql_options *options, const char *text, const char *expected)
{
	struct slice rest = slice_from_string(text), piece;
	struct buffer pieces;
	size_t count = 0;

	buffer_init(&pieces, 4096);
	while (sql_split(options, &rest, &piece)) {
		if (count++)
			buffer_append_u8(&pieces, '|');
		buffer_append_slice(&pieces, piece);
	}
	buffer_append_u8(&pieces, 0);
	assert_string_equal((char *)pieces.data, expected);
	assert_int_equal(sql_count(options, slice_from_string(text)), count);
	assert_int_equal(rest.size, 0);
	buffer_release(&pieces);
}

static void append_part(struct buffer *text, struct slice part)
{
	buffer_append_u8(text, part.data ? 1 : 0);
	buffer_append_u64be(text, part.size);
	buffer_append_slice(text, part);
}

void sql_test_see_context(struct sql_test_context *seen, const struct sql_session *session)
{
	struct sql_context context = sql_session_context(session);
	uint64_t changes = sql_session_changes(session);
	struct buffer text;

	buffer_init(&text, (size_t)1 << 20);
	append_part(&text, context.database);
	append_part(&text, context.search_path);
	append_part(&text, context.role);
	append_part(&text, sql_session_setting(session, SLICE("time_zone")));
	if (seen->text.size && seen->changes == changes)
		assert_true(slice_equal(buffer_slice(&seen->text), buffer_slice(&text)));
	buffer_release(&seen->text);
	*seen = (struct sql_test_context){ text, changes };
}
