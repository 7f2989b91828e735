/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens of both dialects, each text at the end of its memory so that a byte read too far is seen
 * by ASan. */
#include "parsers/buffer.h"
#include "parsers/compiler.h"
#include "parsers/sql/lexer.h"
#include "tests/unit/cmocka.h"

static const char names[] = "$WQSNPO:()[],.;HE";

/* "W select|N 1|": a letter for each type, and the text. */
static void describe(const struct sql_options *options, struct slice text, struct buffer *out)
{
	struct sql_lexer lexer;
	struct sql_token token;

	sql_lexer_init(&lexer, options, text);
	for (;;) {
		sql_lex_next(&lexer, &token);
		if (token.type == SQL_TOKEN_END)
			break;
		if (out->size)
			buffer_append_u8(out, '|');
		buffer_append_u8(out, (uint8_t)names[token.type]);
		buffer_append_u8(out, ' ');
		buffer_append_slice(out, token.text);
		if (token.type == SQL_TOKEN_NUMBER && token.irregular)
			buffer_append_u8(out, '!');
	}
	buffer_append_u8(out, 0);
}

struct lexer_case {
	const char *text;
	const char *tokens;
};

static void check_cases(const struct sql_options *options, const struct lexer_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t size = strlen(cases[i].text);
		uint8_t *copy = malloc(size + 1);
		struct buffer out;

		buffer_init(&out, 4096);
		memcpy(copy + 1, cases[i].text, size);
		describe(options, slice_of(copy + 1, size), &out);
		assert_string_equal((char *)out.data, cases[i].tokens);
		buffer_release(&out);
		free(copy);
	}
}

static const struct lexer_case postgres_cases[] = {
	{ "", "" },
	{ " \t\n\r\f ", "" },
	{ "select A_1$b, \xc3\xa9t\xc3\xa9", "W select|W A_1$b|, ,|W \xc3\xa9t\xc3\xa9" },
	{ "'a''b' 'c'", "S 'a''b'|S 'c'" },
	{ "'a'\n'b'", "S 'a'\n'b'" },
	{ "'a' -- it's\n\r 'b' x", "S 'a' -- it's\n\r 'b'|W x" },
	{ "'a' /* c */\n'b'", "S 'a'|S 'b'" },
	{ "E'a'\n'\\'' 1", "S E'a'\n'\\''|N 1" },
	{ "e'\\\\' x", "S e'\\\\'|W x" },
	{ "'\\' x", "S '\\'|W x" },
	{ "b'01' X'1f' n'x' N'y'", "S b'01'|S X'1f'|S n'x'|S N'y'" },
	{ "U&'d!0061' UESCAPE '!' x", "S U&'d!0061' UESCAPE '!'|W x" },
	{ "u&\"a\" /* */ uescape '!'.b", "Q u&\"a\" /* */ uescape '!'|. .|W b" },
	{ "U&'a' uescapes 'x'", "S U&'a'|W uescapes|S 'x'" },
	{ "U & 'a'", "W U|O &|S 'a'" },
	{ "u&b", "W u|O &|W b" },
	{ "\"a\"\"b\".\"c\"", "Q \"a\"\"b\"|. .|Q \"c\"" },
	{ "$$a'b$$ $x$ $$ $y$ $x$", "S $$a'b$$|S $x$ $$ $y$ $x$" },
	{ "$\xc3\xa9$;$\xc3\xa9$", "S $\xc3\xa9$;$\xc3\xa9$" },
	{ "a$b$c", "W a$b$c" },
	{ "$1 $23x", "P $1|P $23|W x" },
	{ "$1$a$", "P $1|E $a$" },
	{ "$ $a", "O $|O $|W a" },
	{ "a /* b /* c */ d */ e", "W a|W e" },
	{ "a -- b\nc--d", "W a|W c" },
	{ "/*+ hint */ a /**/", "H /*+ hint */|W a" },
	{ "1 1.5 .5 5. 1e10 1E-5 1.e5 .5e+3", "N 1|N 1.5|N .5|N 5.|N 1e10|N 1E-5|N 1.e5|N .5e+3" },
	{ "0x1F 0o17 0B10 1_000 1_0.2_0", "N 0x1F|N 0o17|N 0B10|N 1_000|N 1_0.2_0" },
	{ "0x 0xg 1_ 1__0 123abc 1e 1e+",
	  "N 0!|W x|N 0!|W xg|N 1!|W _|N 1!|W __0|N 123!|W abc|N 1!|W e|N 1!|W e|O +" },
	{ "1..10", "N 1|O ..|N 10" },
	{ "a.b.*", "W a|. .|W b|. .|O *" },
	{ "a::int[1:2] := =>", "W a|: ::|W int|[ [|N 1|O :|N 2|] ]|O :=|O =>" },
	{ "a=-1", "W a|O =|O -|N 1" },
	{ "a*-+b", "W a|O *|O -|O +|W b" },
	{ "a@-b", "W a|O @-|W b" },
	{ "a+-@b", "W a|O +-@|W b" },
	{ "a<>-1 <= >= != -> ->> #>> @? ?| ?& ||",
	  "W a|O <>|O -|N 1|O <=|O >=|O !=|O ->|O ->>|O #>>|O @?|O ?||O ?&|O ||" },
	{ "a+--b\nc", "W a|O +|W c" },
	{ "a*/*x*/b", "W a|O *|W b" },
	{ "a--", "W a" },
	{ "'abc", "E 'abc" },
	{ "x \"abc", "W x|E \"abc" },
	{ "x /* abc /* */", "W x|E /* abc /* */" },
	{ "x $a$ b $b$", "W x|E $a$ b $b$" },
	{ "E'\\", "E E'\\" },
	{ "'a'\n'b", "E 'a'\n'b" },
	{ "/*", "E /*" },
	{ "a\\b{}", "W a|O \\|W b|O {|O }" },
};

static void test_postgres(void **state)
{
	static const struct sql_options options = { .dialect = SQL_POSTGRES };

	(void)state;
	check_cases(&options, postgres_cases, ARRAY_SIZE(postgres_cases));
}

static void test_backslash_escapes(void **state)
{
	static const struct sql_options options = { .dialect = SQL_POSTGRES,
						    .backslash_escapes = true };
	static const struct lexer_case cases[] = {
		{ "'a\\'b' c", "S 'a\\'b'|W c" },
		{ "N'\\'' B'\\' x", "S N'\\''|S B'\\'|W x" },
		{ "'a''b\\\\'", "S 'a''b\\\\'" },
		{ "$$\\$$", "S $$\\$$" },
	};

	(void)state;
	check_cases(&options, cases, ARRAY_SIZE(cases));
}

static void test_mysql(void **state)
{
	static const struct sql_options options = { .dialect = SQL_MYSQL,
						    .backslash_escapes = true };
	static const struct lexer_case cases[] = {
		{ "`a``b`.\"x\\\"y\"", "Q `a``b`|. .|S \"x\\\"y\"" },
		{ "a # b\nc -- d\n-e --f", "W a|W c|O -|W e|O -|O -|W f" },
		{ "/*! a */ b /*!50100 c */", "W a|W b|W c" },
		{ "/* /* */ a", "W a" },
		{ "? ?", "P ?|P ?" },
		{ "a<=>b->>'$.c' @@x := 1", "W a|O <=>|W b|O ->>|S '$.c'|W @@x|O :=|N 1" },
		{ "@a @`b c` @'d' @@e.f.g @@h.`i` @ @@",
		  "W @a|Q @`b c`|Q @'d'|W @@e.f.g|W @@h|. .|Q `i`|O @|O @@" },
		{ "'a' \n\"b\" 'c'/**/'d'", "S 'a' \n\"b\" 'c'|S 'd'" },
		{ "'a''b' '\\'' \"it's\"", "S 'a''b' '\\'' \"it's\"" },
		{ "0x1f 0X1f 0b1 0b2 0x 0xg 1a 1e5 1e 1.5e-3 .5 5.",
		  "S 0x1f|W 0X1f|S 0b1|W 0b2|W 0x|W 0xg|W 1a|N 1e5|W 1e|N 1.5e-3|N .5|N 5." },
		{ "t.1 t.1e5 t.b'1' t .5 `t`.1a 1.t",
		  "W t|. .|W 1|W t|. .|W 1e5|W t|. .|W b|S '1'|W t|N .5|Q `t`|. .|W 1a|N 1.|W t" },
		{ "\\N \\n", "W \\N|O \\|W n" },
		{ "a # b\rc\nd -- e\rf\ng --\n--", "W a|W d|W g" },
		{ "select /*+ a */ b /*+ c */ select/**//*+ d */",
		  "W select|H /*+ a */|W b|W select|H /*+ d */" },
		{ "/*!50699 a */ /*!1234 b */ /*!50700 c */ /*!100100 d */ /*M! e */ /*M!50101f*/",
		  "W a|N 1234|W b|H /*!50700|W c|H */|H /*!100100|W d|H */|H /*M!|W e|H */|H "
		  "/*M!50101|W f|H */" },
		{ "/*! a /* b */ c /*!50100 d */ */ e */", "W a|W c|H /*!50100 d */|W e|O *|O /" },
		{ "{d '1'}", "O {|W d|S '1'|O }" },
		{ "/*! 'a", "E 'a" },
		{ "/*!", "" },
		{ "/*M!", "H /*M!" },
		{ "@`a", "E @`a" },
		{ "x'1", "E x'1" },
		{ "x'1f' b'01' n'a'", "S x'1f'|S b'01'|S n'a'" },
		{ "'a\\", "E 'a\\" },
	};

	(void)state;
	check_cases(&options, cases, ARRAY_SIZE(cases));
}

static void test_mysql_modes(void **state)
{
	static const struct sql_options no_backslash = { .dialect = SQL_MYSQL };
	static const struct sql_options ansi = { .dialect = SQL_MYSQL,
						 .backslash_escapes = true,
						 .ansi_quotes = true };
	static const struct lexer_case no_backslash_cases[] = {
		{ "'a\\' 'b' c", "S 'a\\' 'b'|W c" },
		{ "n'\\' @'\\' x", "S n'\\'|Q @'\\'|W x" },
	};
	static const struct lexer_case ansi_cases[] = {
		{ "\"a\"\"b\" 'c' \"d\\\" e", "Q \"a\"\"b\"|S 'c'|Q \"d\\\"|W e" },
		{ "\"a\".1", "Q \"a\"|. .|W 1" },
	};

	(void)state;
	check_cases(&no_backslash, no_backslash_cases, ARRAY_SIZE(no_backslash_cases));
	check_cases(&ansi, ansi_cases, ARRAY_SIZE(ansi_cases));
}

/* Characters whose second byte is a backslash, a backtick or another letter of SQL. */
static void test_mysql_charsets(void **state)
{
	static const struct {
		uint8_t charset;
		struct lexer_case lexed;
	} cases[] = {
		{ SQL_CHARSET_PLAIN, { "'\xbf\\' a'", "S '\xbf\\' a'" } },
		{ SQL_CHARSET_GBK, { "'\xbf\\' a'", "S '\xbf\\'|W a|E '" } },
		{ SQL_CHARSET_GBK, { "'\xbf' a", "S '\xbf'|W a" } },
		{ SQL_CHARSET_GBK, { "'\\\xbf\\' a'", "S '\\\xbf\\' a'" } },
		{ SQL_CHARSET_GBK, { "`\x81`` a", "Q `\x81``|W a" } },
		{ SQL_CHARSET_GBK, { "\x81|\x81\\ a", "W \x81|\x81\\|W a" } },
		{ SQL_CHARSET_SJIS, { "'\x83\\' a", "S '\x83\\'|W a" } },
		{ SQL_CHARSET_SJIS, { "'\xa1\\' a'", "S '\xa1\\' a'" } },
		{ SQL_CHARSET_SJIS, { "@\x83[b", "W @\x83[b" } },
		{ SQL_CHARSET_BIG5, { "'\xa5\\' a", "S '\xa5\\'|W a" } },
		{ SQL_CHARSET_BIG5, { "'\x95\\' a'", "S '\x95\\' a'" } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct sql_options options = sql_options_default(SQL_MYSQL);

		options.charset = cases[i].charset;
		check_cases(&options, &cases[i].lexed, 1);
	}
	assert_int_equal(sql_charset_of(SLICE("GB18030_chinese_ci")), SQL_CHARSET_GBK);
	assert_int_equal(sql_charset_of(SLICE("cp932")), SQL_CHARSET_SJIS);
	assert_int_equal(sql_charset_of(SLICE("big5")), SQL_CHARSET_BIG5);
	assert_int_equal(sql_charset_of(SLICE("gbk2")), SQL_CHARSET_PLAIN);
	assert_int_equal(sql_charset_of(slice_of(NULL, 0)), SQL_CHARSET_PLAIN);
}

/* Each way once, the default first. */
static void test_all_options(void **state)
{
	struct sql_options options, first;
	size_t n = 0;

	(void)state;
	for (; sql_options_nth(SQL_MYSQL, n, &options); n++)
		assert_int_equal(options.dialect, SQL_MYSQL);
	assert_int_equal(n, 16);
	assert_true(sql_options_nth(SQL_MYSQL, 0, &first) && first.backslash_escapes &&
		    !first.ansi_quotes && !first.charset);
	assert_true(sql_options_nth(SQL_POSTGRES, 0, &first) && !first.backslash_escapes);
	assert_true(sql_options_nth(SQL_POSTGRES, 1, &first) && first.backslash_escapes);
	assert_false(sql_options_nth(SQL_POSTGRES, 2, &first));
}

static void test_end_stays(void **state)
{
	static const struct sql_options options = { .dialect = SQL_POSTGRES };
	struct sql_lexer lexer;
	struct sql_token token;

	(void)state;
	sql_lexer_init(&lexer, &options, SLICE("'x"));
	sql_lex_next(&lexer, &token);
	assert_int_equal(token.type, SQL_TOKEN_ERROR);
	for (int i = 0; i < 3; i++) {
		sql_lex_next(&lexer, &token);
		assert_int_equal(token.type, SQL_TOKEN_END);
	}
	sql_lexer_init(&lexer, &options, slice_of(NULL, 0));
	sql_lex_next(&lexer, &token);
	assert_int_equal(token.type, SQL_TOKEN_END);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_postgres),       cmocka_unit_test(test_backslash_escapes),
		cmocka_unit_test(test_mysql),	       cmocka_unit_test(test_mysql_modes),
		cmocka_unit_test(test_mysql_charsets), cmocka_unit_test(test_all_options),
		cmocka_unit_test(test_end_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
