/* SPDX-License-Identifier: Apache-2.0 */
/* Single PostgreSQL values: bytes and texts as version 15 gives them, and what is refused. */
#include "tests/unit/cmocka.h"
#include "tests/unit/pg_values.h"

#include <errno.h>

static void test_whole_numbers(void **state)
{
	static const struct pair good[] = {
		{ 16, "01", "t" },
		{ 16, "00", "f" },
		{ 21, "0000", "0" },
		{ 21, "7fff", "32767" },
		{ 21, "8000", "-32768" },
		{ 23, "ffffffff", "-1" },
		{ 23, "7fffffff", "2147483647" },
		{ 23, "80000000", "-2147483648" },
		{ 20, "7fffffffffffffff", "9223372036854775807" },
		{ 20, "8000000000000000", "-9223372036854775808" },
		{ 20, "0000000000000001", "1" },
		{ 26, "ffffffff", "4294967295" },
		{ 28, "00000003", "3" },
		{ 29, "00000000", "0" },
		{ 5069, "ffffffffffffffff", "18446744073709551615" },
		{ 27, "ffffffff ffff", "(4294967295,65535)" },
		{ 27, "00000000 0001", "(0,1)" },
		{ 3220, "00000016b374d848", "16/B374D848" },
		{ 3220, "0000000000000000", "0/0" },
		{ 3220, "ffffffffffffffff", "FFFFFFFF/FFFFFFFF" },
	};
	static const struct pair accepted[] = {
		{ 16, "01", " TRUE " },
		{ 16, "00", "off" },
		{ 16, "01", "1" },
		{ 23, "00000007", " +007\n" },
		{ 23, "00000000", "-0" },
		{ 3220, "000000000000000a", "0/a" },
		{ 3220, "000000000000000a", "00/0A" },
	};
	static const struct pair bad[] = { { 16, "02", NULL } };

	(void)state;
	expect_pairs(good, ARRAY_SIZE(good));
	expect_bad_binary(bad, ARRAY_SIZE(bad));
	expect_refused(16, "", "tr", "2", NULL);
	expect_refused(21, "32768", "-32769", NULL);
	expect_refused(23, "", "-", "+-1", "1.0", "2147483648", "3000000000", "0x10", "1 2", NULL);
	expect_refused(26, "-1", "4294967296", NULL);
	expect_refused(20, "9223372036854775808", NULL);
	expect_refused(5069, "18446744073709551616", NULL);
	expect_refused(27, "(1)", "(1,65536)", "(1,2", ",", "(", NULL);
	expect_refused(3220, "1", "/1", "1/", "1/123456789", NULL);
	expect_accepted(accepted, ARRAY_SIZE(accepted));
}

static void test_floats(void **state)
{
	static const struct pair good[] = {
		{ 701, "0000000000000000", "0" },
		{ 701, "8000000000000000", "-0" },
		{ 701, "7ff8000000000000", "NaN" },
		{ 701, "7ff0000000000000", "Infinity" },
		{ 701, "fff0000000000000", "-Infinity" },
		{ 701, "3fb999999999999a", "0.1" },
		{ 701, "42d6bcc41e900000", "100000000000000" },
		{ 701, "430c6bf526340000", "1e+15" },
		{ 701, "430c6bf52633fff8", "999999999999999" },
		{ 701, "4415af1d78b58c40", "1e+20" },
		{ 701, "44b52d02c7e14af6", "9.999999999999999e+22" },
		{ 701, "3f1a36e2eb1c432d", "0.0001" },
		{ 701, "3ee4f8b588e368f1", "1e-05" },
		{ 701, "0000000000000001", "5e-324" },
		{ 701, "0000000000000002", "1e-323" },
		{ 701, "0010000000000000", "2.2250738585072014e-308" },
		{ 701, "7fefffffffffffff", "1.7976931348623157e+308" },
		{ 701, "3d30000000000000", "5.684341886080802e-14" },
		{ 701, "3e60000000000000", "2.9802322387695312e-08" },
		{ 701, "4340000000000000", "9.007199254740992e+15" },
		{ 701, "4059000000000000", "100" },
		{ 701, "c05edd2f1a9fbe77", "-123.456" },
		{ 700, "3dcccccd", "0.1" },
		{ 700, "49742400", "1e+06" },
		{ 700, "497423f0", "999999" },
		{ 700, "4a7b4db9", "4.1173582e+06" },
		{ 700, "00000001", "1e-45" },
		{ 700, "7f7fffff", "3.4028235e+38" },
		{ 700, "00800000", "1.1754944e-38" },
		{ 700, "7fc00000", "NaN" },
		{ 700, "ff800000", "-Infinity" },
		{ 700, "80000000", "-0" },
	};
	static const struct pair accepted[] = {
		{ 701, "4024000000000000", "10" },
		{ 701, "4024000000000000", " +1.e1 " },
		{ 701, "3fe0000000000000", ".5" },
		{ 701, "3fe0000000000000", "500e-3" },
		{ 701, "44b52d02c7e14af6", "1e23" },
		{ 701, "7ff0000000000000", "+inf" },
		{ 701, "7ff8000000000000", "nan" },
		{ 701, "0000000000000000", "0e999999" },
		/*
		 * Halfway between 1 and the next float: to even; a digit far behind makes it more.
		 */
		{ 701, "3ff0000000000000",
		  "1.00000000000000011102230246251565404236316680908203125" },
		{ 701, "3ff0000000000001",
		  "1.000000000000000111022302462515654042363166809082031250000000001" },
		{ 701, "0000000000000001", "2.4703282292062328e-324" },
		{ 701, "7fefffffffffffff", "1.797693134862315807e308" },
		{ 700, "7f7fffff", "3.40282356779733661637e38" },
	};
	/* NaNs that would come back as the usual one. */
	static const struct pair bad[] = {
		{ 701, "fff8000000000000", NULL },
		{ 701, "7ff8000000000001", NULL },
		{ 701, "7ff0000000000001", NULL },
		{ 700, "ffc00000", NULL },
	};

	(void)state;
	expect_pairs(good, ARRAY_SIZE(good));
	expect_accepted(accepted, ARRAY_SIZE(accepted));
	expect_refused(701, "", ".", "e5", "1e", "1e+", "1,5", "0x1p3", "1e309", "1.8e308",
		       "2e-324", "1e-999999", "1 2", "--1", "-nan", "1.2.3", "infinit", NULL);
	expect_refused(700, "3.5e38", "1e-46", NULL);
	expect_bad_binary(bad, ARRAY_SIZE(bad));
}

/* Many digits are read to the last one. */
static void test_float_of_many_digits(void **state)
{
	static char text[3000];
	struct buffer bytes;

	(void)state;
	buffer_init(&bytes, 64);
	memset(text, '0', sizeof(text) - 1);
	memcpy(text, "9007199254740993.", 17);
	assert_int_equal(to_binary(701, text, &bytes), 0);
	assert_memory_equal(bytes.data, from_hex("4340000000000000").data, 8);
	buffer_clear(&bytes);
	text[sizeof(text) - 2] = '1';
	assert_int_equal(to_binary(701, text, &bytes), 0);
	assert_memory_equal(bytes.data, from_hex("4340000000000001").data, 8);
	buffer_release(&bytes);
}

static void test_texts(void **state)
{
	static const struct pair good[] = {
		{ 25, "", "" },
		{ 25, "61 c3bc 22", "a\xc3\xbc\"" },
		{ 1043, "2020", "  " },
		{ 1042, "6120", "a " },
		{ 19, "6e", "n" },
		{ 705, "6e", "n" },
		{ 114, "7b7d", "{}" },
		{ 142, "3c612f3e", "<a/>" },
		{ 1790, "63", "c" },
		{ 3802, "01 7b7d", "{}" },
		{ 4072, "01 24", "$" },
		{ 18, "61", "a" },
		{ 18, "00", "" },
		{ 18, "7f", "\x7f" },
		{ 17, "", "\\x" },
		{ 17, "00ff5c", "\\x00ff5c" },
		{ 2950, "a0eebc999c0b4ef8bb6d6bb9bd380a11",
		  "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11" },
		{ 1560, "00000000", "" },
		{ 1560, "00000001 80", "1" },
		{ 1562, "00000009 ab80", "101010111" },
		{ 1562, "00000008 ff", "11111111" },
		{ 2278, "", "" },
	};
	static const struct pair accepted[] = {
		{ 17, "abcdef", "\\xABCdef" },
		{ 17, "61 00 5c", "a\\000\\\\" },
		{ 17, "ff", "\\377" },
		{ 2950, "a0eebc999c0b4ef8bb6d6bb9bd380a11", "A0EEBC999C0B4EF8BB6D6BB9BD380A11" },
	};
	static const struct pair bad[] = {
		{ 25, "6100", NULL },
		{ 114, "00", NULL },
		{ 18, "80", NULL },
		{ 3802, "", NULL },
		{ 3802, "02 7b7d", NULL },
		{ 3802, "01 00", NULL },
		{ 142, "3c3f786d6c20656e636f64696e673d276c31273f3e", NULL },
		{ 142, "3c3f786d6c", NULL },
		{ 1560, "00000001 c0", NULL },
		{ 1560, "ffffffff", NULL },
		{ 1560, "7fffffff 00", NULL },
		{ 2278, "00", NULL },
	};

	(void)state;
	expect_pairs(good, ARRAY_SIZE(good));
	expect_accepted(accepted, ARRAY_SIZE(accepted));
	expect_refused(17, "\\x0", "\\xg0", "\\400", "a\\", "\\08", "\\089", NULL);
	expect_refused(2950, "", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1",
		       "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a111",
		       "a0eebc99--9c0b-4ef8-bb6d-6bb9bd380a1", NULL);
	expect_refused(1560, "012", "b1", NULL);
	expect_refused(18, "ab", "\\200", "\xc3", NULL);
	expect_refused(142, "<?xml encoding='x'?><a/>", NULL);
	expect_refused(2278, "a", NULL);
	expect_bad_binary(bad, ARRAY_SIZE(bad));
}

/* An odd digit where the room for the others is exactly what the buffer had. */
static void test_bytea_odd(void **state)
{
	char text[2 + 2 * 64 + 1 + 1];

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	memcpy(text, "\\x", 2);
	text[sizeof(text) - 1] = 0;
	expect_refused(17, text, NULL);
}

static void test_numeric(void **state)
{
	static const struct pair good[] = {
		{ 1700, "0000 0000 0000 0000", "0" },
		{ 1700, "0000 0000 0000 0003", "0.000" },
		{ 1700, "0001 0000 0000 0000 0001", "1" },
		{ 1700, "0001 0000 4000 0000 0001", "-1" },
		{ 1700, "0002 0000 0000 0001 0001 1388", "1.5" },
		{ 1700, "0002 0000 0000 0002 0001 1388", "1.50" },
		{ 1700, "0001 0001 0000 0000 0001", "10000" },
		{ 1700, "0003 0001 0000 0005 0001 0000 0001", "10000.00010" },
		{ 1700, "0001 ffff 0000 0004 0001", "0.0001" },
		{ 1700, "0001 fffe 0000 0005 03e8", "0.00001" },
		{ 1700, "0001 ffff 4000 0001 03e8", "-0.1" },
		{ 1700, "0002 0001 0000 0000 04d2 162e", "12345678" },
		{ 1700, "0000 0000 c000 0000", "NaN" },
		{ 1700, "0000 0000 d000 0020", "Infinity" },
		{ 1700, "0000 0000 f000 0020", "-Infinity" },
	};
	static const struct pair accepted[] = {
		{ 1700, "0001 0000 0000 0000 0001", " +001 " },
		{ 1700, "0000 0000 0000 0001", "-0.0" },
		{ 1700, "0001 0001 0000 0000 000f", "1.5e5" },
		{ 1700, "0001 ffff 0000 0003 0096", "1.5e-2" },
		{ 1700, "0001 0000 0000 0000 0001", "1." },
		{ 1700, "0001 ffff 0000 0001 1388", ".5" },
		{ 1700, "0001 7fff 0000 0000 03e8", "1e131071" },
		{ 1700, "0000 0000 d000 0020", "inf" },
	};
	static const struct pair bad[] = {
		{ 1700, "0001 0000 0000 0000 2710", NULL },	 /* a digit of 10000 */
		{ 1700, "0002 0001 0000 0000 0000 0001", NULL }, /* a leading zero */
		{ 1700, "0002 0000 0000 0004 0001 0000", NULL }, /* a trailing zero */
		{ 1700, "0002 0000 0000 0001 0001 0001", NULL }, /* digits behind the scale */
		{ 1700, "0002 0000 0000 0000 0001 1388", NULL },
		{ 1700, "0000 0000 4000 0000", NULL }, /* minus zero */
		{ 1700, "0000 0001 0000 0000", NULL },
		{ 1700, "0000 0000 0000 4000", NULL }, /* scale */
		{ 1700, "0000 0000 8000 0000", NULL }, /* sign */
		{ 1700, "0000 0000 c000 0001", NULL },
		{ 1700, "0000 0000 d000 0000", NULL },
		{ 1700, "0001 8000 0000 3fff 0001", NULL },
		{ 1700, "ffff 0000 0000 0000 0001", NULL },
	};

	(void)state;
	expect_pairs(good, ARRAY_SIZE(good));
	expect_accepted(accepted, ARRAY_SIZE(accepted));
	expect_refused(1700, "", ".", "-", "1e", "1.2.3", "1 2", "1e131072", "1e-16384",
		       "1e9999999999", "-NaN", "0x1", "1_000", NULL);
	expect_bad_binary(bad, ARRAY_SIZE(bad));
}

/* The largest numeric: 131,072 digits before the point, 16,383 behind it. */
static void test_largest_numeric(void **state)
{
	size_t size = 131072 + 1 + 16383;
	char *text = malloc(size + 2);
	struct buffer bytes, printed;

	(void)state;
	assert_non_null(text);
	memset(text, '9', size);
	text[131072] = '.';
	text[size] = 0;
	buffer_init(&bytes, RESULT_MAX);
	buffer_init(&printed, RESULT_MAX);
	assert_int_equal(pg_value_to_binary(1700, slice_from_string(text), &bytes), 0);
	assert_int_equal(bytes.size, 8 + 2 * (32768 + 4096));
	assert_int_equal(pg_value_to_text(1700, buffer_slice(&bytes), &printed), 0);
	assert_true(slice_equal(buffer_slice(&printed), slice_from_string(text)));
	memcpy(text + size, "9", 2);
	buffer_clear(&bytes);
	assert_int_equal(pg_value_to_binary(1700, slice_from_string(text), &bytes), -EINVAL);
	buffer_release(&bytes);
	buffer_release(&printed);
	free(text);
}

static void test_dates(void **state)
{
	static const struct pair good[] = {
		{ 1082, "00000000", "2000-01-01" },
		{ 1082, "ffffffff", "1999-12-31" },
		{ 1082, "0000003b", "2000-02-29" },
		{ 1082, "7fffffff", "infinity" },
		{ 1082, "80000000", "-infinity" },
		{ 1082, "ffda97a7", "4714-11-24 BC" },
		{ 1082, "fff4dbf8", "0001-12-31 BC" },
		{ 1082, "fff4dbf9", "0001-01-01" },
		{ 1082, "7fda970c", "5874897-12-31" },
		{ 1083, "0000000000000000", "00:00:00" },
		{ 1083, "000000141dd76000", "24:00:00" },
		{ 1083, "0000000000000001", "00:00:00.000001" },
		{ 1083, "0000000a8be4ca60", "12:34:56.7" },
		{ 1266, "0000000000000000 00000000", "00:00:00+00" },
		{ 1266, "0000000000000000 00006270", "00:00:00-07" },
		{ 1266, "0000000000000000 ffffb2a8", "00:00:00+05:30" },
		{ 1266, "000000141dd76000 ffff1f01", "24:00:00+15:59:59" },
		{ 1114, "0000000000000000", "2000-01-01 00:00:00" },
		{ 1114, "ffffffffffffffff", "1999-12-31 23:59:59.999999" },
		{ 1114, "7fffffffffffffff", "infinity" },
		{ 1114, "8000000000000000", "-infinity" },
		{ 1114, "fd0f7cc1411fa000", "4714-11-24 00:00:00 BC" },
		{ 1184, "fd0f7cc1411fa000", "4714-11-24 00:00:00+00 BC" },
		{ 1184, "00000000000f4240", "2000-01-01 00:00:01+00" },
	};
	static const struct pair accepted[] = {
		{ 1082, "00000000", " 2000-01-01 " },
		{ 1082, "ffda97a7", "4714-11-24 bc" },
		{ 1083, "0000000000000000", "00:00" },
		{ 1114, "0000000000000000", "2000-01-01" },
		{ 1114, "00000000000f4240", "2000-01-01T00:00:01.000" },
		{ 1184, "0000000000000000", "2000-01-01T00:00:00Z" },
		{ 1184, "0000000000000000", "2000-01-01 02:00:00+02" },
		{ 1184, "0000000000000000", "1999-12-31 18:30:00-0530" },
		{ 1184, "0000000000000000", "2000-01-01 00:00:01+00:00:01" },
		{ 1184, "fd0f7cc1411fa000", "4714-11-23 23:00:00-01 BC" },
		{ 1266, "0000000000000000 00000000", "00:00:00Z" },
	};
	static const struct pair bad[] = {
		{ 1082, "ffda97a6", NULL },	    /* before the first day */
		{ 1082, "7fda970d", NULL },	    /* behind the last one */
		{ 1083, "000000141dd76001", NULL }, /* after 24:00 */
		{ 1083, "ffffffffffffffff", NULL },
		{ 1266, "0000000000000000 0000e100", NULL }, /* 16 hours */
		{ 1266, "0000000000000000 ffff1f00", NULL },
		{ 1114, "fd0f7cc1411f9fff", NULL },
		{ 1114, "7fffff5bb3b2a000", NULL },
		{ 1184, "7ffffffffffffffe", NULL },
	};

	(void)state;
	expect_pairs(good, ARRAY_SIZE(good));
	expect_accepted(accepted, ARRAY_SIZE(accepted));
	expect_refused(1082, "", "2000-13-01", "2001-02-29", "1900-02-29", "0000-01-01", "2000-1-1",
		       "01/02/2000", "20000101", "2000-01-32", "2000-00-01", "99-01-01",
		       "4714-11-23 BC", "5874898-12-31", "2000-01-01 AD", NULL);
	expect_refused(1083, "24:00:00.000001", "25:00:00", "23:60:00", "23:59:60", "1:2:3",
		       "00:00:00.1234567", "00:00:00.", "00:00:00+00", NULL);
	expect_refused(1266, "00:00:00", "00:00:00+16", NULL);
	expect_refused(1114, "2000-01-01 24:00:00", "2000-01-01 x", "2000-01-01 00:00:00+00",
		       "294277-01-01", "9999999-12-31 00:00:00", NULL);
	expect_refused(1184, "2000-01-01", "2000-01-01 00:00:00", "2000-01-01 00:00:00 UTC",
		       "4714-11-24 00:00:00+01 BC", "294276-12-31 23:59:59-01", NULL);
	expect_bad_binary(bad, ARRAY_SIZE(bad));
}

static void test_intervals(void **state)
{
	static const struct pair good[] = {
		{ 1186, "0000000000000000 00000000 00000000", "00:00:00" },
		{ 1186, "0000000000000000 00000001 00000000", "1 day" },
		{ 1186, "0000000000000000 ffffffff 00000000", "-1 days" },
		{ 1186, "0000000000000000 00000000 0000000d", "1 year 1 mon" },
		{ 1186, "0000000000000000 00000000 fffffff3", "-1 years -1 mons" },
		{ 1186, "0000000000000000 00000002 ffffffff", "-1 mons +2 days" },
		{ 1186, "00000000000f4240 ffffffff 00000000", "-1 days +00:00:01" },
		{ 1186, "ffffffffffffffff 00000001 00000000", "1 day -00:00:00.000001" },
		{ 1186, "00000000000f4240 ffffffff 00000001", "1 mon -1 days +00:00:01" },
		{ 1186, "7fffffffffffffff 00000000 00000000", "2562047788:00:54.775807" },
		{ 1186, "8000000000000000 00000000 00000000", "-2562047788:00:54.775808" },
		{ 1186, "0000000000000000 80000000 80000000",
		  "-178956970 years -8 mons -2147483648 days" },
	};
	/* The infinities of version 17, which older servers print as numbers. */
	static const struct pair bad[] = {
		{ 1186, "7fffffffffffffff 7fffffff 7fffffff", NULL },
		{ 1186, "8000000000000000 80000000 80000000", NULL },
	};

	(void)state;
	expect_pairs(good, ARRAY_SIZE(good));
	expect_refused(1186, "", "1", "1 days", "-1 day", "2 hours", "P1D", "1 day 1 day",
		       "-1 days 00:00:01", "13 mons", "1 day ago", " 1 day", "infinity", "00:60:00",
		       "2562047788:00:54.775808", "178956971 years", "2147483648 days",
		       "1 day 00:00:00", "00:00:00.10", NULL);
	expect_bad_binary(bad, ARRAY_SIZE(bad));
}

static void test_networks(void **state)
{
	static const struct pair good[] = {
		{ 869, "02 20 00 04 01020304", "1.2.3.4" },
		{ 869, "02 18 00 04 01020304", "1.2.3.4/24" },
		{ 869, "02 00 00 04 00000000", "0.0.0.0/0" },
		{ 650, "02 08 01 04 0a000000", "10.0.0.0/8" },
		{ 650, "02 20 01 04 01020304", "1.2.3.4/32" },
		{ 869, "03 80 00 10 00000000000000000000000000000000", "::" },
		{ 869, "03 80 00 10 00000000000000000000000000000001", "::1" },
		{ 869, "03 40 00 10 fe800000000000000000000000000001", "fe80::1/64" },
		{ 869, "03 80 00 10 00000000000000000000ffff01020304", "::ffff:1.2.3.4" },
		{ 869, "03 80 00 10 00000000000000000000000001020304", "::1.2.3.4" },
		{ 869, "03 80 00 10 00000000000000000000000000000002", "::2" },
		{ 869, "03 80 00 10 00010000000000020000000000000003", "1:0:0:2::3" },
		{ 869, "03 80 00 10 00010000000000020003000000000004", "1::2:3:0:0:4" },
		{ 869, "03 80 00 10 00010002000300040005000600070000", "1:2:3:4:5:6:7:0" },
		{ 869, "03 80 00 10 00010002000300040005000600000000", "1:2:3:4:5:6::" },
		{ 650, "03 20 01 10 20010db8000000000000000000000000", "2001:db8::/32" },
		{ 829, "08002b010203", "08:00:2b:01:02:03" },
		{ 774, "08002bfffe010203", "08:00:2b:ff:fe:01:02:03" },
	};
	static const struct pair accepted[] = {
		{ 869, "02 20 00 04 01020304", "1.2.3.4/32" },
		{ 869, "03 80 00 10 000100000000000000000000abcd0000", "1:0::ABCD:0" },
		{ 829, "08002b010203", "08-00-2B-01-02-03" },
	};
	static const struct pair bad[] = {
		{ 869, "02 21 00 04 01020304", NULL }, /* bits */
		{ 869, "02 20 01 04 01020304", NULL }, /* a cidr */
		{ 650, "02 20 00 04 01020304", NULL }, /* no cidr */
		{ 650, "02 08 01 04 0a000001", NULL }, /* bits behind the mask */
		{ 869, "04 20 00 04 01020304", NULL }, /* family */
		{ 869, "03 20 00 04 01020304", NULL }, { 869, "02 20 00 05 0102030405", NULL },
	};

	(void)state;
	expect_pairs(good, ARRAY_SIZE(good));
	expect_accepted(accepted, ARRAY_SIZE(accepted));
	expect_refused(869, "", "1.2.3", "1.2.3.256", "1.2.3.4/33", "1.2.3.4/", "01.2.3.4",
		       "1.2.3.4.5", ":", ":::", "1::2::3", "1:2:3:4:5:6:7", "::12345",
		       ":1:2:3:4:5:6:7", "1:2:3:4:5:6:7:", "1:2:3:4:5:6:7:8:9", "::/129", "::1.2.3",
		       "1:2:3:4:5:6:7::8", "::g", "1:2:3:4:5:6:7:1.2.3.4", "::1.2.3.4:5", NULL);
	expect_refused(650, "10.0.0.1/8", NULL);
	expect_refused(829, "08:00:2b:01:02", "08:00-2b:01:02:03", "08002b:010203", NULL);
	expect_refused(774, "08:00:2b:01:02:03", NULL);
	expect_bad_binary(bad, ARRAY_SIZE(bad));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_numbers),
		cmocka_unit_test(test_floats),
		cmocka_unit_test(test_float_of_many_digits),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_bytea_odd),
		cmocka_unit_test(test_numeric),
		cmocka_unit_test(test_largest_numeric),
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_intervals),
		cmocka_unit_test(test_networks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
