/* SPDX-License-Identifier: Apache-2.0 */
/* The table of PostgreSQL types: names, kinds, what converts. */
#include "tests/unit/cmocka.h"
#include "tests/unit/pg_values.h"

#include <errno.h>

static void expect_type(const char *name, uint32_t type)
{
	if (pg_type_by_name(slice_from_string(name)) != type)
		fail_msg("%s is %u, not %u", name, pg_type_by_name(slice_from_string(name)), type);
}

static void test_names(void **state)
{
	static const struct {
		const char *name;
		uint32_t type;
	} names[] = {
		{ "int4", 23 },
		{ "integer", 23 },
		{ "INT", 23 },
		{ "pg_catalog.int4", 23 },
		{ "bigint", 20 },
		{ "smallint", 21 },
		{ "double precision", 701 },
		{ "float", 701 },
		{ "float(24)", 700 },
		{ "float(25)", 701 },
		{ "real", 700 },
		{ "numeric(10,2)", 1700 },
		{ "decimal", 1700 },
		{ "boolean", 16 },
		{ "character varying", 1043 },
		{ "character varying (20)", 1043 },
		{ "varchar(20)[]", 1015 },
		{ "char", 1042 },
		{ "char(3)", 1042 },
		{ "\"char\"", 18 },
		{ "timestamp with time zone", 1184 },
		{ "timestamp(3) with time zone", 1184 },
		{ "timestamp", 1114 },
		{ "time(0) without time zone", 1083 },
		{ "int4[]", 1007 },
		{ "integer[3][]", 1007 },
		{ "_int4", 1007 },
		{ "\"char\"[]", 1002 },
		{ "int2vector", 22 },
		{ "bit varying(8)", 1562 },
		{ "pg_lsn[]", 3221 },
		{ "tstzmultirange", 4534 },
		{ "regclass", 2205 },
		{ "", 0 },
		{ "[]", 0 },
		{ "_", 0 },
		{ "()", 0 },
		{ "int4(", 0 },
		{ "int4]", 0 },
		{ "int5", 0 },
		{ "mood", 0 },
		{ "public.int4", 0 },
		{ "int4[][", 0 },
	};
	static char long_name[500];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		expect_type(names[i].name, names[i].type);
	memset(long_name, 'a', sizeof(long_name) - 1);
	expect_type(long_name, 0);
	assert_true(slice_equal(pg_type_name(1184), SLICE("timestamptz")));
	assert_true(slice_equal(pg_type_name(1007), SLICE("int4[]")));
	assert_int_equal(pg_type_name(16400).size, 0);
	assert_int_equal(pg_type_name(0).size, 0);
}

/* The table is sorted, its names lead back, and whatever converts is made of what converts. */
static void test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < pg_n_types; i++) {
		const struct pg_type *type = &pg_types[i];
		const struct pg_type *element = pg_type_find(type->element);

		assert_true(i == 0 || pg_types[i - 1].oid < type->oid);
		assert_ptr_equal(pg_type_find(type->oid), type);
		assert_int_equal(pg_type_by_name(type->name), type->oid);
		assert_true(pg_type_convertible(type->oid) == (type->codec != NULL));
		if (type->element)
			assert_non_null(element);
		if (type->element && type->codec)
			assert_non_null(element->codec);
	}
}

static void test_kinds(void **state)
{
	static const uint32_t numbers[] = { 20, 21, 23, 26, 700, 701, 1700 };
	static const uint32_t strings[] = { 0, 19, 25, 705, 1042, 1043, 16400 };
	static const uint32_t typed[] = {
		17, 18, 28, 114, 1007, 1082, 1184, 2205, 2950, 3802, 3904
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		assert_int_equal(pg_type_kind(numbers[i]), SQL_NUMBER);
	for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
		assert_int_equal(pg_type_kind(strings[i]), SQL_STRING);
	for (size_t i = 0; i < ARRAY_SIZE(typed); i++)
		assert_int_equal(pg_type_kind(typed[i]), SQL_TYPED);
	assert_int_equal(pg_type_kind(16), SQL_BOOLEAN);
}

/* Types that have no conversion say so, and nothing is appended. */
static void test_unsupported(void **state)
{
	static const uint32_t types[] = { 0,	24,   790,  791,  2202, 2205,  2206,
					  2249, 2287, 3614, 3615, 1033, 16400, UINT32_MAX };
	struct buffer result;

	(void)state;
	buffer_init(&result, 64);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		assert_false(pg_type_convertible(types[i]));
		assert_int_equal(pg_value_to_text(types[i], SLICE("\0\0\0\1"), &result), -ENOTSUP);
		assert_int_equal(pg_value_to_binary(types[i], SLICE("1"), &result), -ENOTSUP);
		assert_int_equal(result.size, 0);
	}
	buffer_release(&result);
}

/* A slice of nothing may have no data. */
static void test_null_slices(void **state)
{
	struct buffer result;

	(void)state;
	buffer_init(&result, 64);
	for (size_t i = 0; i < pg_n_types; i++) {
		buffer_clear(&result);
		(void)!pg_value_to_text(pg_types[i].oid, slice_of(NULL, 0), &result);
		buffer_clear(&result);
		(void)!pg_value_to_binary(pg_types[i].oid, slice_of(NULL, 0), &result);
	}
	buffer_release(&result);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),	    cmocka_unit_test(test_table),
		cmocka_unit_test(test_kinds),	    cmocka_unit_test(test_unsupported),
		cmocka_unit_test(test_null_slices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
