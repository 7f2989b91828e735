/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MySQL's quoting, placeholders and operators; see lexer.h. MySQL 8.4 reference manual, chapter 11
 * "Language Structure". ANSI_QUOTES and charset introducers are not read.
 */
#include "parsers/sql/rules.h"

static const uint8_t *scan_string(const struct sql_lexer *lexer, struct sql_token *token)
{
	const uint8_t *start = lexer->at;
	uint8_t quote = *start;
	const uint8_t *stop = sql_skip_quoted(start + 1, lexer->end, quote,
					      lexer->backslash_escapes, &token->irregular);

	token->type = SQL_TOKEN_STRING;
	token->form = lexer->backslash_escapes ? SQL_FORM_ESCAPE : SQL_FORM_PLAIN;
	token->quote = quote;
	if (stop)
		token->inner = slice_of(start + 1, (size_t)(stop - start) - 2);
	return stop;
}

static const uint8_t *scan_identifier(const struct sql_lexer *lexer, struct sql_token *token)
{
	const uint8_t *start = lexer->at;
	const uint8_t *stop = sql_skip_quoted(start + 1, lexer->end, '`', false, &token->irregular);

	token->type = SQL_TOKEN_QUOTED;
	token->quote = '`';
	if (stop)
		token->inner = slice_of(start + 1, (size_t)(stop - start) - 2);
	return stop;
}

static const uint8_t *scan_prefix(const struct sql_lexer *lexer, struct sql_token *token)
{
	const uint8_t *at = lexer->at;
	uint8_t letter = ascii_lower(*at);
	const uint8_t *stop;

	if (lexer->end - at < 2 || at[1] != '\'')
		return sql_scan_word(lexer, token);
	stop = sql_skip_quoted(at + 2, lexer->end, '\'', letter == 'n' && lexer->backslash_escapes,
			       &token->irregular);
	token->type = SQL_TOKEN_STRING;
	token->quote = '\'';
	if (letter == 'n')
		token->form =
			lexer->backslash_escapes ? SQL_FORM_NATIONAL_ESCAPE : SQL_FORM_NATIONAL;
	else
		token->form = letter == 'x' ? SQL_FORM_HEX : SQL_FORM_BINARY;
	if (stop)
		token->inner = slice_of(at + 2, (size_t)(stop - at) - 3);
	return stop;
}

static const uint8_t *scan_operator(const struct sql_lexer *lexer, struct sql_token *token)
{
	static const char *const operators[] = { "->>", "<=>", "->", "<=", ">=", "<>", "!=",
						 "<<",	">>",  "&&", "||", ":=", "@@" };
	struct slice rest = slice_of(lexer->at, (size_t)(lexer->end - lexer->at));

	token->type = SQL_TOKEN_OPERATOR;
	for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
		struct slice operator= slice_from_string(operators[i]);

		if (slice_starts_with(rest, operator))
			return lexer->at + operator.size;
	}
	if (*lexer->at == '?')
		token->type = SQL_TOKEN_PLACEHOLDER;
	return lexer->at + 1;
}

static const uint8_t classes[256] = {
	['\t' ... '\r'] = SQL_CLASS_SPACE,
	[' '] = SQL_CLASS_SPACE,
	['a' ... 'z'] = SQL_CLASS_LETTER,
	['A' ... 'Z'] = SQL_CLASS_LETTER,
	['_'] = SQL_CLASS_LETTER,
	['$'] = SQL_CLASS_LETTER,
	[0x80 ... 0xff] = SQL_CLASS_LETTER,
	['0' ... '9'] = SQL_CLASS_DIGIT,
	['.'] = SQL_CLASS_DOT,
	['\''] = SQL_CLASS_QUOTE,
	['"'] = SQL_CLASS_DOUBLE_QUOTE,
	['`'] = SQL_CLASS_BACKTICK,
	['('] = SQL_CLASS_SINGLE,
	[')'] = SQL_CLASS_SINGLE,
	['['] = SQL_CLASS_SINGLE,
	[']'] = SQL_CLASS_SINGLE,
	[','] = SQL_CLASS_SINGLE,
	[';'] = SQL_CLASS_SINGLE,
	[':'] = SQL_CLASS_OPERATOR,
	['~'] = SQL_CLASS_OPERATOR,
	['!'] = SQL_CLASS_OPERATOR,
	['@'] = SQL_CLASS_OPERATOR,
	['^'] = SQL_CLASS_OPERATOR,
	['&'] = SQL_CLASS_OPERATOR,
	['|'] = SQL_CLASS_OPERATOR,
	['?'] = SQL_CLASS_OPERATOR,
	['+'] = SQL_CLASS_OPERATOR,
	['-'] = SQL_CLASS_OPERATOR,
	['*'] = SQL_CLASS_OPERATOR,
	['/'] = SQL_CLASS_OPERATOR,
	['%'] = SQL_CLASS_OPERATOR,
	['<'] = SQL_CLASS_OPERATOR,
	['>'] = SQL_CLASS_OPERATOR,
	['='] = SQL_CLASS_OPERATOR,
};

/* One byte has one class: which letters may begin a string is decided here. */
static const uint8_t *scan_letter(const struct sql_lexer *lexer, struct sql_token *token)
{
	uint8_t letter = ascii_lower(*lexer->at);

	if (letter == 'n' || letter == 'x' || letter == 'b')
		return scan_prefix(lexer, token);
	return sql_scan_word(lexer, token);
}

const struct sql_rules sql_rules_mysql = {
	.classes = classes,
	.scan = {
		[SQL_CLASS_OTHER] = sql_scan_single,
		[SQL_CLASS_SPACE] = sql_scan_single,
		[SQL_CLASS_LETTER] = scan_letter,
		[SQL_CLASS_PREFIX] = scan_prefix,
		[SQL_CLASS_DIGIT] = sql_scan_number,
		[SQL_CLASS_DOT] = sql_scan_dot,
		[SQL_CLASS_DOLLAR] = sql_scan_single,
		[SQL_CLASS_QUOTE] = scan_string,
		[SQL_CLASS_DOUBLE_QUOTE] = scan_string,
		[SQL_CLASS_BACKTICK] = scan_identifier,
		[SQL_CLASS_COLON] = sql_scan_single,
		[SQL_CLASS_SINGLE] = sql_scan_single,
		[SQL_CLASS_OPERATOR] = scan_operator,
	},
	.hash_comments = true,
	.dashes_need_space = true,
	.executable_comments = true,
};
