/* SPDX-License-Identifier: Apache-2.0 */
/* PostgreSQL values that are made of others: geometric, arrays, ranges; and limits. */
#include "tests/unit/cmocka.h"
#include "tests/unit/pg_values.h"

#include <errno.h>

#define ONE "3ff0000000000000"
#define TWO "4000000000000000"
#define THREE "4008000000000000"
#define ZERO "0000000000000000"
#define MINUS "bff0000000000000"

static void test_geometric(void **state)
{
	static const struct pair good[] = {
		{ 600, ONE MINUS, "(1,-1)" },
		{ 600, "8000000000000000 7ff8000000000000", "(-0,NaN)" },
		{ 601, ONE TWO THREE ZERO, "[(1,2),(3,0)]" },
		{ 603, THREE TWO ONE ZERO, "(3,2),(1,0)" },
		{ 602, "01 00000002" ONE TWO THREE ZERO, "((1,2),(3,0))" },
		{ 602, "00 00000001" ONE TWO, "[(1,2)]" },
		{ 604, "00000001" ONE TWO, "((1,2))" },
		{ 628, ONE TWO THREE, "{1,2,3}" },
		{ 718, ONE TWO THREE, "<(1,2),3>" },
	};
	static const struct pair bad[] = {
		{ 603, ONE ZERO THREE TWO, NULL },    /* corners the wrong way round */
		{ 602, "01 00000000", NULL },	      /* no points */
		{ 602, "02 00000001" ONE TWO, NULL }, /* neither open nor closed */
		{ 602, "01 7fffffff" ONE TWO, NULL }, /* more than there are */
		{ 602, "01 ffffffff" ONE TWO, NULL },  { 604, "10000001" ONE TWO, NULL },
		{ 628, ZERO ZERO ONE, NULL },	       { 718, ONE TWO MINUS, NULL },
		{ 600, "7ff8000000000001" ONE, NULL },
	};

	(void)state;
	expect_pairs(good, ARRAY_SIZE(good));
	expect_refused(600, "(1)", "(1,2", "1,2", "(1,2,3)", "(1,2)x", "(,)", NULL);
	expect_refused(601, "[(1,2)]", NULL);
	expect_refused(603, "(1,0),(3,2)", NULL);
	expect_refused(602, "()", "[(1,2))", "[(1,2),]", "", NULL);
	expect_refused(604, "()", "((1,2)", NULL);
	expect_refused(628, "{0,-0,1}", "{1,2}", NULL);
	expect_refused(718, "<(1,2),-3>", "<(1,2)>", NULL);
	expect_bad_binary(bad, ARRAY_SIZE(bad));
}

static void test_arrays(void **state)
{
	static const struct pair good[] = {
		{ 1007, "00000000 00000000 00000017", "{}" },
		{ 1007, "00000001 00000000 00000017 00000001 00000001 00000004 00000007", "{7}" },
		{ 1007, "00000001 00000001 00000017 00000002 00000001 00000004 00000007 ffffffff",
		  "{7,NULL}" },
		{ 1007,
		  "00000001 00000000 00000017 00000002 00000000 00000004 00000001 00000004 "
		  "00000002",
		  "[0:1]={1,2}" },
		{ 1007,
		  "00000002 00000000 00000017 00000002 00000001 00000001 ffffffff"
		  "00000004 00000001 00000004 00000002",
		  "[1:2][-1:-1]={{1},{2}}" },
		{ 1009, "00000001 00000000 00000019 00000001 00000001 00000000", "{\"\"}" },
		{ 1009,
		  "00000001 00000000 00000019 00000004 00000001 00000004 6e756c6c 00000002 225c"
		  "00000003 612062 00000001 7b",
		  "{\"null\",\"\\\"\\\\\",\"a b\",\"{\"}" },
		{ 1009, "00000001 00000000 00000019 00000002 00000001 00000001 61 00000001 3b",
		  "{a,;}" },
		{ 1020, "00000001 00000000 0000025b 00000001 00000001 00000020" THREE TWO ONE ZERO,
		  "{(3,2),(1,0)}" },
		{ 1021, "00000001 00000000 000002bc 00000001 00000001 00000004 3dcccccd", "{0.1}" },
		{ 22, "00000001 00000000 00000015 00000002 00000000 00000002 0001 00000002 ffff",
		  "1 -1" },
		{ 22, "00000001 00000000 00000015 00000000 00000000", "" },
		{ 30, "00000001 00000000 0000001a 00000001 00000000 00000004 ffffffff",
		  "4294967295" },
		{ 1006,
		  "00000001 00000000 00000016 00000001 00000001 00000020"
		  "00000001 00000000 00000015 00000002 00000000 00000002 0001 00000002 0002",
		  "{\"1 2\"}" },
		{ 1007,
		  "00000006 00000000 00000017 00000001 00000001 00000001 00000001 00000001 00000001"
		  "00000001 00000001 00000001 00000001 00000001 00000001 00000004 00000009",
		  "{{{{{{9}}}}}}" },
	};
	static const struct pair accepted[] = {
		{ 1007, "00000001 00000001 00000017 00000002 00000001 00000004 00000007 ffffffff",
		  " { 7 , null } " },
		{ 1007, "00000001 00000000 00000017 00000001 00000001 00000004 00000007",
		  "{ \"7\" }" },
		{ 1007, "00000001 00000000 00000017 00000001 00000001 00000004 00000007",
		  "[1:1]={7}" },
	};

	(void)state;
	expect_pairs(good, ARRAY_SIZE(good));
	expect_accepted(accepted, ARRAY_SIZE(accepted));
}

static void test_bad_arrays(void **state)
{
	static const struct pair bad[] = {
		{ 1007, "00000007 00000000 00000017", NULL }, /* seven dimensions */
		{ 1007, "00000000 00000001 00000017", NULL }, /* NULLs of nothing */
		{ 1007, "00000000 00000000 00000014", NULL }, /* of int8 */
		{ 1007, "00000001 00000002 00000017 00000001 00000001 00000004 00000007", NULL },
		{ 1007, "00000001 00000001 00000017 00000001 00000001 00000004 00000007", NULL },
		{ 1007, "00000001 00000000 00000017 00000001 00000001 ffffffff", NULL },
		{ 1007, "00000001 00000000 00000017 00000001 00000001 fffffffe", NULL },
		{ 1007, "00000001 00000000 00000017 00000001 00000001 7fffffff 00000007", NULL },
		{ 1007, "00000001 00000000 00000017 00000001 00000001 00000003 000007", NULL },
		{ 1007, "00000001 00000000 00000017 00000000 00000001", NULL },
		{ 1007, "00000001 00000000 00000017 7fffffff 00000001", NULL },
		{ 1007, "00000001 00000000 00000017 ffffffff 00000001 00000004 00000007", NULL },
		{ 1007, "00000001 00000000 00000017 00000001 7fffffff 00000004 00000007", NULL },
		{ 1007,
		  "00000003 00000000 00000017 40000000 00000001 40000000 00000001 40000000 00000001"
		  "00000004 00000007",
		  NULL },
		{ 22, "00000001 00000000 00000015 00000001 00000001 00000002 0001", NULL },
		{ 22, "00000001 00000000 00000015 00000001 00000000 ffffffff", NULL },
		{ 22, "00000001 00000000 00000015 7fffffff 00000000", NULL },
		{ 22, "00000000 00000000 00000015", NULL },
	};

	(void)state;
	expect_refused(1007, "", "1", "{", "{1", "{1,}", "{,1}", "{1}2", "{{1},{2,3}}", "{{1},2}",
		       "{1,{2}}", "{{}}", "{x}", "{\"1}", "{\"1\"2}", "{{{{{{{1}}}}}}}",
		       "[0:0]={1,2}", "[1:0]={}", "[0:1]{1,2}", "[1:1][1:1]={1}",
		       "[2147483647:2147483647]={1}", "[-2147483648:2147483647]={1}", "{1 2}",
		       "{1}}", "{1;2}", NULL);
	expect_refused(1009, "{a\"b}", "{a\\b}", "{\"a\\", NULL);
	expect_refused(1020, "{(3,2),(1,0),(3,2),(1,0)}", NULL);
	expect_refused(22, "1,2", "1 NULL", NULL);
	expect_bad_binary(bad, ARRAY_SIZE(bad));
}

static void test_ranges(void **state)
{
	static const struct pair good[] = {
		{ 3904, "01", "empty" },
		{ 3904, "18", "(,)" },
		{ 3904, "02 00000004 00000001 00000004 0000000a", "[1,10)" },
		{ 3904, "08 00000004 0000000a", "(,10)" },
		{ 3904, "12 00000004 fffffffb", "[-5,)" },
		{ 3904, "02 00000004 ffffffff 00000004 00000001", "[-1,1)" },
		{ 3926, "12 00000008 0000000000000001", "[1,)" },
		{ 3912, "06 00000004 00000000 00000004 7fffffff", "[2000-01-01,infinity]" },
		{ 3912, "02 00000004 00000000 00000004 00000001", "[2000-01-01,2000-01-02)" },
		{ 3906, "06 0000000a 00010000000000000001 0000000a 00010000000000000001", "[1,1]" },
		{ 3906, "00 0000000a 00010000400000000001 0000000a 00010000000000000001",
		  "(-1,1)" },
		{ 3908, "12 00000008 0000000000000000", "[\"2000-01-01 00:00:00\",)" },
		{ 3910, "0c 00000008 0000000000000000", "(,\"2000-01-01 00:00:00+00\"]" },
		{ 4451, "00000000", "{}" },
		{ 4451, "00000001 00000001 18", "{(,)}" },
		{ 4451,
		  "00000002 00000011 02 00000004 00000001 00000004 00000003"
		  "00000011 02 00000004 00000005 00000004 00000009",
		  "{[1,3),[5,9)}" },
		{ 4533, "00000001 0000000d 12 00000008 0000000000000000",
		  "{[\"2000-01-01 00:00:00\",)}" },
		{ 3905, "00000001 00000000 00000f40 00000001 00000001 00000001 18", "{\"(,)\"}" },
		{ 3909,
		  "00000001 00000000 00000f44 00000001 00000001 0000000d 12 00000008 "
		  "0000000000000000",
		  "{\"[\\\"2000-01-01 00:00:00\\\",)\"}" },
	};
	static const struct pair accepted[] = {
		{ 3904, "01", "EMPTY" },
		{ 3904, "02 00000004 00000001 00000004 0000000a", " [\"1\",10) " },
		{ 3908, "12 00000008 0000000000000000", "[2000-01-01 00:00:00,)" },
	};
	static const struct pair bad[] = {
		{ 3904, "03", NULL }, /* empty, and more */
		{ 3904, "38", NULL }, /* other flags */
		{ 3904, "98", NULL },
		{ 3904, "1a", NULL }, /* infinite and included */
		{ 3904, "06 00000004 00000001 00000004 0000000a", NULL },
		{ 3904, "02 00000004 0000000a 00000004 00000001", NULL },
		{ 3904, "08 ffffffff", NULL },
		{ 3904, "08 7fffffff 0000000a", NULL },
		{ 4451, "7fffffff", NULL },
		{ 4451, "00000001 00000001 01", NULL },
		{ 4451, "00000001 ffffffff", NULL },
		{ 4451,
		  "00000002 00000011 02 00000004 00000005 00000004 00000009"
		  "00000011 02 00000004 00000001 00000004 00000003",
		  NULL },
	};

	(void)state;
	expect_pairs(good, ARRAY_SIZE(good));
	expect_accepted(accepted, ARRAY_SIZE(accepted));
	expect_refused(3904, "", "[1,10]", "(1,10)", "[10,1)", "[1,1)", "[,1)", "(,1]", "[1,2",
		       "[1)", "[1,2,3)", "[1,2)x", "[(1,2)", "[a,b)", "[\"1,2)", "[\"\",2)", NULL);
	expect_refused(3906, "[2,1]", "(1,1]", "[1.10,1.1)", "[1,-1]", "[NaN,Infinity]", NULL);
	expect_refused(3912, "[infinity,infinity)", NULL);
	expect_refused(4451, "", "{empty}", "{[1,2),[2,3)}", "{[5,9),[1,3)}", "{[1,2)", "{[1,2),}",
		       "{[1,),[5,6)}", "{}}", NULL);
	expect_refused(4532, "{[1,2],[2,3]}", "{[1,2),[2,3]}", NULL);
	expect_bad_binary(bad, ARRAY_SIZE(bad));
}

/* What does not fit is not appended, and what was there before stays. */
static void test_small_buffers(void **state)
{
	static const struct pair pairs[] = {
		{ 23, "7fffffff", "2147483647" },
		{ 25, "616263646566676869", "abcdefghi" },
		{ 17, "0102030405", "\\x0102030405" },
		{ 1700, "0001 0005 0000 0000 0001", "100000000000000000000" },
		{ 1007, "00000001 00000000 00000017 00000001 00000001 00000004 000f4240",
		  "{1000000}" },
		{ 3908, "12 00000008 0000000000000000", "[\"2000-01-01 00:00:00\",)" },
		{ 4451, "00000001 00000009 08 00000004 0000000a", "{(,10)}" },
		{ 602, "01 00000001" ONE TWO, "((1,2))" },
		{ 603, THREE TWO ONE ZERO, "(3,2),(1,0)" },
		{ 22, "00000001 00000000 00000015 00000001 00000000 00000002 7fff", "32767" },
		{ 1562, "00000010 ffff", "1111111111111111" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		struct bytes bytes = from_hex(pairs[i].hex);
		struct buffer result;
		size_t needs;

		for (size_t max = 1; max <= (needs = strlen(pairs[i].text)); max++) {
			buffer_init(&result, max);
			buffer_append_u8(&result, '!');
			assert_int_equal(to_text(pairs[i].type, bytes.data, bytes.size, &result),
					 -EMSGSIZE);
			assert_int_equal(result.size, 1);
			assert_int_equal(result.data[0], '!');
			buffer_release(&result);
		}
		for (size_t max = 1; max <= bytes.size; max++) {
			buffer_init(&result, max);
			buffer_append_u8(&result, '!');
			assert_int_equal(to_binary(pairs[i].type, pairs[i].text, &result),
					 -EMSGSIZE);
			assert_int_equal(result.size, 1);
			buffer_release(&result);
		}
		buffer_init(&result, needs + 1);
		buffer_append_u8(&result, '!');
		assert_int_equal(to_text(pairs[i].type, bytes.data, bytes.size, &result), 0);
		assert_int_equal(result.size, needs + 1);
		buffer_release(&result);
	}
}

/* Many elements that each grow end at the buffer's maximum, not at their sum. */
static void test_growth_is_bounded(void **state)
{
	struct bytes head = from_hex("00000001 00000000 000006a4 00000400 00000001");
	struct bytes element = from_hex("0000000a 0001 7fff 0000 3fff 0001");
	struct buffer bytes, text;

	(void)state;
	buffer_init(&bytes, RESULT_MAX);
	buffer_init(&text, 1000);
	buffer_append(&bytes, head.data, head.size);
	for (size_t i = 0; i < 0x400; i++)
		buffer_append(&bytes, element.data, element.size);
	assert_int_equal(pg_value_to_text(1231, buffer_slice(&bytes), &text), -EMSGSIZE);
	assert_int_equal(text.size, 0);
	buffer_release(&bytes);
	buffer_release(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_geometric),     cmocka_unit_test(test_arrays),
		cmocka_unit_test(test_bad_arrays),    cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_small_buffers), cmocka_unit_test(test_growth_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
