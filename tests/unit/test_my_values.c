/* SPDX-License-Identifier: Apache-2.0 */
/* Single MySQL values: bytes and texts as MySQL 9.7 and MariaDB 10.11 give them, what columns make of them, and what is refused. */
#include "parsers/binding.h"
#include "parsers/mysql/values.h"
#include "tests/unit/cmocka.h"

#include <errno.h>

#define RESULT_MAX ((size_t)1 << 16)
#define ANY_LENGTH 0
#define UNSIGNED MY_TYPE_UNSIGNED
#define ZEROFILL MY_COLUMN_ZEROFILL

struct pair {
	uint32_t type;
	const char *hex;
	const char *text;
};

/* A value in the text protocol, in the binary one, and its canonical text. */
struct seen {
	uint32_t type;
	uint16_t flags;
	uint8_t decimals;
	int64_t length;
	const char *hex;
	const char *text;
	const char *canonical;
	bool known; /* the binary form can be told from the text */
};

static unsigned int digit(char letter)
{
	return (unsigned int)(letter <= '9' ? letter - '0' : letter - 'a' + 10);
}

/* In a block of its exact size, so that AddressSanitizer sees what is read beyond. */
static struct slice from_hex(const char *hex)
{
	size_t size = strlen(hex) / 2;
	uint8_t *data = malloc(size ? size : 1);

	assert_non_null(data);
	for (size_t i = 0; i < size; i++)
		data[i] = (uint8_t)(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
	return slice_of(data, size);
}

static void drop(struct slice slice)
{
	free((void *)(uintptr_t)slice.data);
}

static void expect_slice(struct slice got, struct slice expected, const char *text)
{
	if (slice_equal(got, expected))
		return;
	print_error("'%s': got %zu bytes: '%.*s'\n", text, got.size, (int)got.size,
		    (const char *)got.data);
	fail();
}

static void expect_pair(const struct pair *pair)
{
	struct slice bytes = from_hex(pair->hex);
	struct buffer result;

	buffer_init(&result, RESULT_MAX);
	if (my_value_to_text(pair->type, bytes, &result))
		fail_msg("%s is not converted to text", pair->hex);
	expect_slice(buffer_slice(&result), slice_from_string(pair->text), pair->text);
	buffer_clear(&result);
	if (my_value_to_binary(pair->type, slice_from_string(pair->text), &result))
		fail_msg("%s is not converted to binary", pair->text);
	expect_slice(buffer_slice(&result), bytes, pair->text);
	buffer_release(&result);
	drop(bytes);
}

static void expect_pairs(const struct pair *pairs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		expect_pair(&pairs[i]);
}

static void expect_bad(uint32_t type, const char *hex, int expected)
{
	struct slice bytes = from_hex(hex);
	struct buffer result;

	buffer_init(&result, RESULT_MAX);
	if (my_value_to_text(type, bytes, &result) != expected)
		fail_msg("%s of type %u is not refused", hex, type);
	assert_int_equal(result.size, 0);
	buffer_release(&result);
	drop(bytes);
}

/* What drivers send in more bytes than it needs is the same value; text NULL: it is its bytes. */
static void expect_parameter(uint32_t type, const char *hex, const char *text)
{
	struct parameter parameter = { .type = type, .declared = true, .form = PARAMETER_BINARY };
	struct sql_value value;
	struct arena arena;

	arena_init(&arena);
	parameter.value = from_hex(hex);
	assert_int_equal(parameter_value(&mysql_protocol, NULL, &parameter, &arena, &value), 0);
	assert_int_equal(value.bytes, !text);
	expect_slice(value.text, text ? slice_from_string(text) : parameter.value, hex);
	drop(parameter.value);
	arena_release(&arena);
}

static void expect_refused(uint32_t type, const char *text)
{
	struct buffer result;

	buffer_init(&result, RESULT_MAX);
	if (my_value_to_binary(type, slice_from_string(text), &result) != -EINVAL)
		fail_msg("'%s' of type %u is not refused", text, type);
	assert_int_equal(result.size, 0);
	buffer_release(&result);
}

static void encode(const struct column *column, uint16_t form, struct slice stored, int error,
		   struct slice expected, const char *name)
{
	struct buffer result;

	buffer_init(&result, RESULT_MAX);
	if (my_value_encode(column, form, stored, &result) != error)
		fail_msg("'%s' from form %u in form %u", name, column->form, form);
	if (error)
		assert_int_equal(result.size, 0);
	else
		expect_slice(buffer_slice(&result), expected, name);
	buffer_release(&result);
}

/* Recorded in each form, asked in each form. */
static void expect_seen(const struct seen *seen)
{
	struct column column = { .type_id = seen->type,
				 .flags = seen->flags,
				 .decimals = seen->decimals,
				 .length = seen->length };
	struct slice bytes = from_hex(seen->hex);
	struct slice text = slice_from_string(seen->text);
	struct slice canonical = slice_from_string(seen->canonical);

	expect_pair(&(struct pair){ seen->type, seen->hex, seen->canonical });
	column.form = PARAMETER_BINARY;
	encode(&column, PARAMETER_BINARY, canonical, 0, bytes, seen->text);
	encode(&column, PARAMETER_TEXT, canonical, 0, text, seen->text);
	column.form = PARAMETER_TEXT;
	encode(&column, PARAMETER_TEXT, text, 0, text, seen->text);
	encode(&column, PARAMETER_BINARY, text, seen->known ? 0 : -ENOTSUP, bytes, seen->text);
	drop(bytes);
}

static void test_whole_numbers(void **state)
{
	static const struct pair good[] = {
		{ MY_TYPE_TINY, "00", "0" },
		{ MY_TYPE_TINY, "7f", "127" },
		{ MY_TYPE_TINY, "80", "-128" },
		{ MY_TYPE_TINY | UNSIGNED, "ff", "255" },
		{ MY_TYPE_SHORT, "ffff", "-1" },
		{ MY_TYPE_SHORT | UNSIGNED, "ffff", "65535" },
		{ MY_TYPE_YEAR | UNSIGNED, "e807", "2024" },
		{ MY_TYPE_INT24, "000080ff", "-8388608" },
		{ MY_TYPE_INT24 | UNSIGNED, "ffffff00", "16777215" },
		{ MY_TYPE_LONG, "00000080", "-2147483648" },
		{ MY_TYPE_LONG | UNSIGNED, "ffffffff", "4294967295" },
		{ MY_TYPE_LONGLONG, "0000000000000080", "-9223372036854775808" },
		{ MY_TYPE_LONGLONG, "ffffffffffffff7f", "9223372036854775807" },
		{ MY_TYPE_LONGLONG | UNSIGNED, "ffffffffffffffff", "18446744073709551615" },
	};

	(void)state;
	expect_pairs(good, ARRAY_SIZE(good));
	expect_bad(MY_TYPE_TINY, "", -EINVAL);
	expect_bad(MY_TYPE_TINY, "0000", -EINVAL);
	expect_bad(MY_TYPE_LONGLONG, "00000000000000", -EINVAL);
	expect_refused(MY_TYPE_TINY, "128");
	expect_refused(MY_TYPE_TINY, "-129");
	expect_refused(MY_TYPE_TINY | UNSIGNED, "256");
	expect_refused(MY_TYPE_TINY | UNSIGNED, "-1");
	expect_refused(MY_TYPE_LONG, "");
	expect_refused(MY_TYPE_LONG, "-");
	expect_refused(MY_TYPE_LONG, "1.0");
	expect_refused(MY_TYPE_LONG, "+1");
	expect_refused(MY_TYPE_LONGLONG | UNSIGNED, "18446744073709551616");
}

static void test_floats(void **state)
{
	static const struct pair good[] = {
		{ MY_TYPE_DOUBLE, "0000000000000000", "0" },
		{ MY_TYPE_DOUBLE, "0000000000000080", "-0" },
		{ MY_TYPE_DOUBLE, "000000000000f83f", "1.5" },
		{ MY_TYPE_DOUBLE, "9a9999999999b93f", "0.1" },
		{ MY_TYPE_DOUBLE, "f64ae1c7022db544", "1e23" },
		{ MY_TYPE_DOUBLE, "0000000000004043", "9.007199254740992e15" },
		{ MY_TYPE_DOUBLE, "1300000000000000", "9.4e-323" },
		{ MY_TYPE_DOUBLE, "0100000000000000", "5e-324" },
		{ MY_TYPE_DOUBLE, "ffffffffffffef7f", "1.7976931348623157e308" },
		{ MY_TYPE_DOUBLE, "00003426f56b0c43", "1e15" },
		{ MY_TYPE_DOUBLE, "0000901ec4bcd642", "100000000000000" },
		{ MY_TYPE_DOUBLE, "1656e79eaf03d23c", "0.000000000000001" },
		{ MY_TYPE_DOUBLE, "fca9f1d24d6250bf", "-0.001" },
		{ MY_TYPE_FLOAT, "0000c03f", "1.5" },
		{ MY_TYPE_FLOAT, "a95f6358", "1e15" },
		{ MY_TYPE_FLOAT, "01000000", "1e-45" },
	};
	static const struct seen columns[] = {
		{ MY_TYPE_DOUBLE, 0, 31, 22, "000000000000f83f", "1.5", "1.5", true },
		{ MY_TYPE_DOUBLE, ZEROFILL, 31, 22, "000000000000f83f", "00000000000000000001.5",
		  "1.5", true },
		{ MY_TYPE_DOUBLE, ZEROFILL, 31, 22, "00003426f56b0c43", "0000000000000000001e15",
		  "1e15", true },
		{ MY_TYPE_DOUBLE, ZEROFILL, 31, 22, "1656e79eaf03d23c", "000000.000000000000001",
		  "0.000000000000001", true },
		{ MY_TYPE_DOUBLE, 0, 3, 12, "6039b4c876beafbf", "-0.062", "-0.062000000000000055",
		  false },
		{ MY_TYPE_DOUBLE, 0, 5, 12, "6039b4c876be5fbf", "-0.00194",
		  "-0.0019375000000000017", false },
		{ MY_TYPE_DOUBLE, 0, 7, 12, "6039b4c876be6fbf", "-0.0038750",
		  "-0.0038750000000000034", false },
		{ MY_TYPE_DOUBLE, 0, 2, 12, "000000000000c03f", "0.12", "0.125", false },
		{ MY_TYPE_DOUBLE, 0, 2, 12, "000000000000d83f", "0.38", "0.375", false },
		{ MY_TYPE_DOUBLE, 0, 0, 12, "000000000000e03f", "0", "0.5", false },
		{ MY_TYPE_DOUBLE, 0, 1, 12, "cdccccccccccef3f", "1.0", "0.99375", false },
		{ MY_TYPE_DOUBLE, 0, 20, 22, "9a9999999999b93f", "0.10000000000000000000", "0.1",
		  false },
		{ MY_TYPE_FLOAT, 0, 31, 12, "52069e3f", "1.23457", "1.2345679", false },
		{ MY_TYPE_FLOAT, 0, 31, 12, "00000000", "0", "0", true },
		{ MY_TYPE_FLOAT, 0, 31, 12, "0000804b", "16777200", "16777216", false },
		{ MY_TYPE_FLOAT, 0, 31, 12, "01000000", "1.4013e-45", "1e-45", false },
		{ MY_TYPE_FLOAT, 0, 31, 12, "f8237449", "1000000", "999999.5", false },
		{ MY_TYPE_FLOAT, ZEROFILL, 31, 12, "0000c03f", "0000000001.5", "1.5", false },
		{ MY_TYPE_FLOAT, 0, 2, 9, "295c8fbf", "-1.12", "-1.12", false },
	};

	(void)state;
	expect_pairs(good, ARRAY_SIZE(good));
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++)
		expect_seen(&columns[i]);
	expect_bad(MY_TYPE_DOUBLE, "000000000000f07f", -ENOTSUP);
	expect_bad(MY_TYPE_FLOAT, "0000c07f", -ENOTSUP);
	expect_bad(MY_TYPE_FLOAT, "000000000000f07f", -EINVAL);
	expect_refused(MY_TYPE_DOUBLE, "");
	expect_refused(MY_TYPE_DOUBLE, "nan");
	expect_refused(MY_TYPE_DOUBLE, "1e400");
}

static void test_times(void **state)
{
	static const struct seen columns[] = {
		{ MY_TYPE_DATE, 0, 0, 10, "e4070101", "2020-01-01", "2020-01-01", true },
		{ MY_TYPE_DATE, 0, 0, 10, "", "0000-00-00", "0000-00-00", true },
		{ MY_TYPE_DATE, 0, 0, 10, "e4070100", "2020-01-00", "2020-01-00", true },
		{ MY_TYPE_DATETIME, 0, 0, 19, "e4070101", "2020-01-01 00:00:00",
		  "2020-01-01 00:00:00", true },
		{ MY_TYPE_DATETIME, 0, 3, 23, "e4070101000000c0d40100", "2020-01-01 00:00:00.120",
		  "2020-01-01 00:00:00.120000", true },
		{ MY_TYPE_DATETIME, 0, 3, 23, "e4070101", "2020-01-01 00:00:00.000",
		  "2020-01-01 00:00:00", true },
		{ MY_TYPE_DATETIME, 0, 39, 23, "e407010101020340e20100",
		  "2020-01-01 01:02:03.123456", "2020-01-01 01:02:03.123456", true },
		{ MY_TYPE_TIMESTAMP, 0, 0, 19, "ea070b19161218", "2026-11-25 22:18:24",
		  "2026-11-25 22:18:24", true },
		{ MY_TYPE_DATETIME, 0, 0, 19, "", "0000-00-00 00:00:00", "0000-00-00 00:00:00",
		  true },
		{ MY_TYPE_TIME, 0, 0, 10, "0122000000163b3b", "-838:59:59", "-838:59:59", true },
		{ MY_TYPE_TIME, 0, 3, 14, "", "00:00:00.000", "00:00:00", true },
		{ MY_TYPE_TIME, 0, 1, 12, "000000000000000120a10700", "00:00:01.5",
		  "00:00:01.500000", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++)
		expect_seen(&columns[i]);
	/* Longer than they need to be. */
	expect_bad(MY_TYPE_DATETIME, "e4070101000000", -ENOTSUP);
	expect_bad(MY_TYPE_DATETIME, "00000000", -ENOTSUP);
	expect_bad(MY_TYPE_DATE, "e4070101010000", -ENOTSUP);
	expect_bad(MY_TYPE_TIME, "0000000000000000", -ENOTSUP);
	expect_parameter(MY_TYPE_DATETIME, "e4070101000000", "2020-01-01 00:00:00");
	expect_parameter(MY_TYPE_TIMESTAMP, "e40701010c2229000000", NULL);
	expect_parameter(MY_TYPE_TIMESTAMP, "e40701010c222900000000", "2020-01-01 12:34:41");
	expect_parameter(MY_TYPE_DATETIME, "e4070101", "2020-01-01 00:00:00");
	expect_parameter(MY_TYPE_DATETIME, "", "0000-00-00 00:00:00");
	expect_parameter(MY_TYPE_DATE, "e4070101000000", "2020-01-01");
	expect_parameter(MY_TYPE_DATE, "e4070101010000", NULL);
	expect_parameter(MY_TYPE_TIME, "000000000001020300000000", "01:02:03");
	expect_bad(MY_TYPE_DATETIME, "e407010100", -EINVAL);
	expect_bad(MY_TYPE_DATETIME, "e4070d01", -EINVAL);
	expect_bad(MY_TYPE_DATETIME, "e407010118000000", -EINVAL);
	expect_bad(MY_TYPE_TIME, "0200000000000001", -EINVAL);
	expect_bad(MY_TYPE_TIME, "0000000000180000", -EINVAL);
	expect_refused(MY_TYPE_DATE, "2020-01-01 00:00:00");
	expect_refused(MY_TYPE_DATE, "2020-1-1");
	expect_refused(MY_TYPE_DATETIME, "2020-01-01");
	expect_refused(MY_TYPE_DATETIME, "2020-01-01 24:00:00");
	expect_refused(MY_TYPE_DATETIME, "2020-01-01 00:00:00.1234567");
	expect_refused(MY_TYPE_TIME, "1:00:00");
	expect_refused(MY_TYPE_TIME, "00:60:00");
}

static void test_columns(void **state)
{
	static const struct seen columns[] = {
		{ MY_TYPE_LONG | UNSIGNED, ZEROFILL, 0, 6, "07000000", "000007", "7", true },
		{ MY_TYPE_LONG | UNSIGNED, ZEROFILL, 0, 6, "40e20100", "123456", "123456", true },
		{ MY_TYPE_LONG | UNSIGNED, ZEROFILL, 0, 4, "40e20100", "123456", "123456", true },
		{ MY_TYPE_LONG, 0, 0, 11, "f9ffffff", "-7", "-7", true },
		{ MY_TYPE_YEAR | UNSIGNED, ZEROFILL, 0, 4, "0000", "0000", "0", true },
		{ MY_TYPE_NEWDECIMAL | UNSIGNED, ZEROFILL, 2, 9, "3030303030312e3530", "000001.50",
		  "000001.50", true },
		{ MY_TYPE_BIT, 0, 0, 3, "05", "\x05", "\x05", true },
		{ MY_TYPE_JSON, 0, 39, 0, "5b315d", "[1]", "[1]", true },
		{ MY_TYPE_VECTOR, 0, 31, 0, "41", "A", "A", true },
		{ MY_TYPE_VAR_STRING, 0, 31, 0, "", "", "", true },
	};
	struct column column = { .type_id = MY_TYPE_YEAR, .form = PARAMETER_BINARY };
	struct slice zero = SLICE("0");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++)
		expect_seen(&columns[i]);
	/* "0" or "0000": a computed year does not say. */
	encode(&column, PARAMETER_TEXT, zero, -ENOTSUP, zero, "year");
	/* Lengths that no server has. */
	column = (struct column){ .type_id = MY_TYPE_LONG,
				  .form = PARAMETER_BINARY,
				  .flags = ZEROFILL,
				  .length = 4000000000 };
	encode(&column, PARAMETER_TEXT, zero, -EINVAL, zero, "length");
	column =
		(struct column){ .type_id = MY_TYPE_TIME, .form = PARAMETER_BINARY, .decimals = 1 };
	encode(&column, PARAMETER_TEXT, SLICE("00:00:00.120000"), -ENOTSUP, zero, "fraction");
	column = (struct column){ .type_id = MY_TYPE_NULL, .form = PARAMETER_BINARY };
	encode(&column, PARAMETER_TEXT, zero, -ENOTSUP, zero, "null");
	column.type_id = 99;
	encode(&column, PARAMETER_BINARY, zero, -ENOTSUP, zero, "no type");
}

static void test_types(void **state)
{
	(void)state;
	assert_true(slice_equal(my_type_name(MY_TYPE_LONG | UNSIGNED), SLICE("int unsigned")));
	assert_true(slice_equal(my_type_name(MY_TYPE_YEAR | UNSIGNED), SLICE("year")));
	assert_true(slice_equal(my_type_name(MY_TYPE_BULK_DEFAULT), SLICE("default")));
	assert_int_equal(my_type_name(99).size, 0);
	assert_int_equal(my_type_kind(MY_TYPE_NEWDECIMAL), SQL_NUMBER);
	assert_int_equal(my_type_kind(MY_TYPE_DATE), SQL_STRING);
	assert_int_equal(my_type_kind(MY_TYPE_BULK_IGNORE), SQL_TYPED);
	assert_true(my_type_same_bytes(MY_TYPE_BLOB));
	assert_false(my_type_same_bytes(MY_TYPE_LONG));
	assert_false(my_type_same_bytes(MY_TYPE_NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_numbers), cmocka_unit_test(test_floats),
		cmocka_unit_test(test_times),	      cmocka_unit_test(test_columns),
		cmocka_unit_test(test_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
