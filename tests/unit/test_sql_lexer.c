/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens of both dialects, each text at the end of its memory so that a byte read too far is seen
 * by ASan. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h> /* needs those above */
/* clang-format on */

#include "parsers/buffer.h"
#include "parsers/compiler.h"
#include "parsers/sql/lexer.h"

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
		{ "a<=>b->>'$.c' @@x := 1", "W a|O <=>|W b|O ->>|S '$.c'|O @@|W x|O :=|N 1" },
		{ "x'1f' b'01' n'a'", "S x'1f'|S b'01'|S n'a'" },
		{ "'a\\", "E 'a\\" },
	};

	(void)state;
	check_cases(&options, cases, ARRAY_SIZE(cases));
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
		cmocka_unit_test(test_postgres),
		cmocka_unit_test(test_backslash_escapes),
		cmocka_unit_test(test_mysql),
		cmocka_unit_test(test_end_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
