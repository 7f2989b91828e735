/* SPDX-License-Identifier: Apache-2.0 */
/* Identity: literals against bound values, contexts, loose hashes, and values as JSON. */
#include "parsers/compiler.h"
#include "tests/unit/cmocka.h"
#include "tests/unit/sql.h"

#include <errno.h>

static const struct sql_bound_case bound_cases[] = {
	{ "select * from t where id = 5", "select * from t where id = $1", { NUMBER("5") }, true },
	{ "select * from t where id = 5", "select * from t where id = $1", { STRING("5") }, true },
	{ "select * from t where id = 5",
	  "select * from t where id = $1",
	  { TYPED("int4", "5") },
	  true },
	{ "select * from t where id = 5",
	  "select * from t where id = $1::int",
	  { STRING("5") },
	  true },
	{ "select * from t where id = 5", "select * from t where id = $1", { NUMBER("6") }, false },
	{ "select * from t where id = -5",
	  "select * from t where id = $1",
	  { NUMBER("-5") },
	  true },
	{ "select * from t where id = 5",
	  "select * from t where id = $1",
	  { NUMBER("+05") },
	  true },
	{ "select * from t where id = null", "select * from t where id = $1", { NOTHING }, true },
	{ "select * from t where id = ''", "select * from t where id = $1", { NOTHING }, false },
	{ "select * from t where a = true", "select * from t where a = $1", { TRUTH("t") }, true },
	{ "select * from t where a = false",
	  "select * from t where a = $1",
	  { TYPED("bool", "f") },
	  true },
	{ "select * from t where a = true", "select * from t where a = $1", { TRUTH("f") }, false },
	{ "insert into t values (1, 'x')",
	  "insert into t values ($1, $2)",
	  { NUMBER("1"), STRING("x") },
	  true },
	{ "insert into t values (1, 'x')",
	  "insert into t values ($2, $1)",
	  { STRING("x"), NUMBER("1") },
	  true },
	{ "insert into t values (1, 'x')",
	  "insert into t values ($1, $2)",
	  { STRING("x"), NUMBER("1") },
	  false },
	{ "select * from t where a = 1 or b = 1",
	  "select * from t where a = $1 or b = $1",
	  { NUMBER("1") },
	  true },
	{ "select * from t where a = 1 or b = 1",
	  "select * from t where a = $1 or b = $2",
	  { NUMBER("1"), NUMBER("1") },
	  true },
	{ "select f(5)", "select f($1)", { NUMBER("5") }, true },
	{ "select f(5)", "select f($1)", { STRING("5") }, false },
	{ "select f('5')", "select f($1)", { STRING("5") }, true },
	{ "select f('5'::int)", "select f($1::int)", { STRING("5") }, true },
	{ "select f(5::int)", "select f($1::int)", { NUMBER("5") }, true },
	{ "select f('5'::int)", "select f($1)", { TYPED("int4", "5") }, true },
	{ "select f('5'::int)", "select f($1)", { TYPED("int8", "5") }, false },
	{ "select f('t'::bool)", "select f($1::bool)", { STRING("yes") }, true },
	{ "select * from t where a = 1.5::int",
	  "select * from t where a = $1::int",
	  { STRING("1.5") },
	  true },
	{ "select * from t where a = 1.5",
	  "select * from t where a = $1::int",
	  { STRING("1.5") },
	  false },
	{ "select * from t where a = 'x'",
	  "select * from t where a = $1",
	  { { .kind = SQL_TYPED, .type = SLICE("mood"), .bytes = true, .text = SLICE("x") } },
	  false },
};

static void test_bound(void **state)
{
	(void)state;
	sql_check_bound(&sql_test_postgres, bound_cases, ARRAY_SIZE(bound_cases));
}

static void test_missing_bound_value_is_null(void **state)
{
	struct sql_test a;

	(void)state;
	sql_test_init(&a, &sql_test_postgres, "select $1, $70000", NULL, 0);
	assert_true(a.values[0].null);
	assert_true(a.values[1].null);
	sql_test_release(&a);
}

/* Where the slot is not compared, a null of a stated type is another than one of none; kinds of
 * nulls are equal. */
static void test_null_kinds(void **state)
{
	static const struct sql_value nulls[] = { { .kind = SQL_STRING, .null = true },
						  { .kind = SQL_NUMBER, .null = true } };
	struct sql_test a, b, c;

	(void)state;
	sql_test_init(&a, &sql_test_postgres, "select f($1)", &nulls[0], 1);
	sql_test_init(&b, &sql_test_postgres, "select f($1)", &nulls[1], 1);
	sql_test_init(&c, &sql_test_postgres, "select f($1::int)", &nulls[1], 1);
	assert_true(sql_test_equal(&a, &b));
	assert_false(sql_test_equal(&a, &c));
	assert_true(sql_kinds_equal(a.values, b.values, 1));
	assert_false(sql_kinds_equal(a.values, c.values, 1));
	sql_test_release(&a);
	sql_test_release(&b);
	sql_test_release(&c);
}

static void test_context(void **state)
{
	static const struct sql_context contexts[] = {
		{ .database = SLICE("a") },
		{ .database = SLICE("b") },
		{ .database = SLICE("a"), .search_path = SLICE("x") },
		{ .database = SLICE("a"), .role = SLICE("x") },
		{ .database = SLICE("ax") },
		{ .search_path = SLICE("a") },
	};
	uint64_t hashes[ARRAY_SIZE(contexts)], templates[ARRAY_SIZE(contexts)];
	struct sql_test test;

	(void)state;
	sql_test_init(&test, &sql_test_postgres, "select 1", NULL, 0);
	for (size_t i = 0; i < ARRAY_SIZE(contexts); i++) {
		hashes[i] = sql_exact_hash(&contexts[i], &test.statement, test.values);
		templates[i] = sql_template_hash(&contexts[i], test.statement.canonical);
		assert_true(hashes[i] != 0 && templates[i] != 0 && hashes[i] != templates[i]);
		for (size_t j = 0; j < i; j++) {
			assert_true(hashes[i] != hashes[j]);
			assert_true(templates[i] != templates[j]);
		}
	}
	sql_test_release(&test);
}

/* Parts must not run into each other. */
static void test_hash_is_unambiguous(void **state)
{
	static const struct sql_value a[] = { STRING("ab"), STRING("c") };
	static const struct sql_value b[] = { STRING("a"), STRING("bc") };
	static const struct sql_value c[] = { STRING("abc"), STRING("") };
	static const struct sql_value d[] = { STRING("abc"), NOTHING };
	const struct sql_value *const values[] = { a, b, c, d };
	struct sql_test tests[4];

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		sql_test_init(&tests[i], &sql_test_postgres, "select $1, $2", values[i], 2);
		for (size_t j = 0; j < i; j++)
			assert_false(sql_test_equal(&tests[i], &tests[j]));
	}
	for (size_t i = 0; i < 4; i++)
		sql_test_release(&tests[i]);
}

static uint64_t loose(const char *text)
{
	struct sql_value bound = { .kind = SQL_STRING, .text = slice_from_string(text) };
	struct sql_test test;
	uint64_t hash;

	sql_test_init(&test, &sql_test_postgres, "select * from t where a = $1", &bound, 1);
	hash = test.loose;
	sql_test_release(&test);
	return hash;
}

static void test_loose(void **state)
{
	static const char *const equal[][2] = {
		{ "1.0", "1.00" },
		{ "1", "1.0" },
		{ "100", "1e2" },
		{ "0.010", "1E-2" },
		{ "+5", "5" },
		{ "0", "-0.00" },
		{ "-1.50", "-1.5" },
		{ "12345678901234567890.10", "12345678901234567890.1" },
		{ "2020-01-01 00:00:00+00", "2020-01-01T01:00:00+01" },
		{ "2020-01-01 00:00:00.5+00", "2019-12-31 19:00:00.500-05" },
		{ "2020-01-01T00:00:00Z", "2020-01-01 05:30:00+05:30" },
		{ "2020-01-01 00:00:00", "2020-01-01T00:00:00.000" },
		{ "2020-03-01 00:30:00+01", "2020-02-29 23:30:00+00" },
		{ "6BA7B810-9DAD-11D1-80B4-00C04FD430C8", "6ba7b810-9dad-11d1-80b4-00c04fd430c8" },
		{ "{6ba7b810-9dad-11d1-80b4-00c04fd430c8}",
		  "6ba7b810-9dad-11d1-80b4-00c04fd430c8" },
		{ "{\"a\":1,\"b\":[1.0,\"x\"]}", "{ \"b\" : [1, \"\\u0078\"], \"a\": 1.00 }" },
		{ "t", "true" },
	};
	static const char *const different[][2] = {
		{ "1.0", "1.01" },
		{ "1", "10" },
		{ "0.1", "0.01" },
		{ "1.23", "12.3" },
		{ "5", "-5" },
		{ "abc", "ABC" },
		{ "2020-01-01 00:00:00", "2020-01-01 00:00:00+00" },
		{ "2020-01-01 00:00:00+00", "2020-01-01 00:00:01+00" },
		{ "2020-01-01", "2020-01-01 00:00:00" },
		{ "[1,2]", "[2,1]" },
		{ "{\"a\":1}", "{\"a\":\"1\"}" },
		{ "{\"a\":[]}", "{\"a\":{}}" },
		{ "{\"a\":1,\"b\":2}", "{\"a\":2,\"b\":1}" },
		{ "[[1],2]", "[1,[2]]" },
		{ "[1", "[ 1" },
		{ "t", "f" },
		{ "", "0" },
		{ "1e9999999999", "1e99999999990" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(equal); i++)
		if (loose(equal[i][0]) != loose(equal[i][1]))
			fail_msg("%s and %s differ", equal[i][0], equal[i][1]);
	for (size_t i = 0; i < ARRAY_SIZE(different); i++)
		if (loose(different[i][0]) == loose(different[i][1]))
			fail_msg("%s and %s are equal", different[i][0], different[i][1]);
}

static void check_json(const struct sql_value *values, size_t n, const char *expected)
{
	struct sql_value *parsed;
	struct buffer json;
	struct arena arena;
	size_t n_parsed;

	arena_init(&arena);
	buffer_init(&json, 4096);
	sql_values_json(values, n, &json);
	assert_int_equal(sql_values_parse(buffer_slice(&json), &arena, &parsed, &n_parsed), 0);
	assert_int_equal(n_parsed, n);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(parsed[i].kind, values[i].kind);
		assert_int_equal(parsed[i].null, values[i].null);
		assert_true(slice_equal(parsed[i].text, values[i].text));
		assert_true(slice_equal(parsed[i].type, values[i].type));
	}
	buffer_append_u8(&json, 0);
	assert_string_equal((char *)json.data, expected);
	buffer_release(&json);
	arena_release(&arena);
}

static void test_values_json(void **state)
{
	static const struct sql_value values[] = {
		STRING("a\"b"),
		NUMBER("-1.50"),
		TRUTH("true"),
		NOTHING,
		TYPED("int4", "5"),
		NUMBER("NaN"),
		NUMBER("5."),
		TRUTH("maybe"),
		TYPED("hex", "x"),
		TYPED("part", "x"),
		{ .kind = SQL_TYPED, .type = SLICE("int4"), .null = true },
		{ .kind = SQL_STRING, .bytes = true, .text = SLICE("\x00\xff") },
		{ .kind = SQL_TYPED, .type = SLICE("bytea"), .bytes = true, .text = SLICE("\x01") },
		TYPED("a\xff", "x"),
	};

	(void)state;
	check_json(values, 0, "[]");
	check_json(
		values, ARRAY_SIZE(values),
		"[\"a\\\"b\",-1.50,true,null,{\"int4\":\"5\"},{\"number\":\"NaN\"},{\"number\":\"5."
		"\"},"
		"{\"boolean\":\"maybe\"},{\"\\\"hex\\\"\":\"x\"},{\"\\\"part\\\"\":\"x\"},{"
		"\"int4\":null},"
		"{\"hex\":\"00ff\"},{\"bytea\":{\"hex\":\"01\"}},{\"\\\"\\\\x61ff\\\"\":\"x\"}]");
}

/* Text that no JSON string can hold is stored as its bytes. */
static void test_values_json_not_utf8(void **state)
{
	static const struct sql_value value = STRING("a\xff");
	struct buffer json;

	(void)state;
	buffer_init(&json, 100);
	sql_values_json(&value, 1, &json);
	assert_true(slice_equal(buffer_slice(&json), SLICE("[{\"hex\":\"61ff\"}]")));
	buffer_release(&json);
}

static void test_values_parse_errors(void **state)
{
	static const struct {
		const char *json;
		int error;
	} cases[] = {
		{ "", -EINVAL },
		{ "{}", -EINVAL },
		{ "[", -EINVAL },
		{ "[1", -EINVAL },
		{ "[1,]", -EINVAL },
		{ "[] x", -EINVAL },
		{ "[[1]]", -EINVAL },
		{ "[{}]", -EINVAL },
		{ "[{\"int4\": 5}]", -EINVAL },
		{ "[{\"a\":\"b\",\"c\":\"d\"}]", -EINVAL },
		{ "[{\"hex\":\"0\"}]", -EINVAL },
		{ "[{\"hex\":\"0g\"}]", -EINVAL },
		{ "[{\"hex\":1}]", -EINVAL },
		{ "[{\"\":\"a\"}]", -EINVAL },
		{ "[{\"part\": 3}]", -ENOTSUP },
		{ "[{\"text\": {\"part\": 3}}]", -ENOTSUP },
		{ "[{\"int4\":{\"x\":\"00\"}}]", -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct sql_value *values;
		struct arena arena;
		size_t n;

		arena_init(&arena);
		assert_int_equal(
			sql_values_parse(slice_from_string(cases[i].json), &arena, &values, &n),
			cases[i].error);
		arena_release(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_missing_bound_value_is_null),
		cmocka_unit_test(test_null_kinds),
		cmocka_unit_test(test_context),
		cmocka_unit_test(test_hash_is_unambiguous),
		cmocka_unit_test(test_loose),
		cmocka_unit_test(test_values_json),
		cmocka_unit_test(test_values_json_not_utf8),
		cmocka_unit_test(test_values_parse_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
