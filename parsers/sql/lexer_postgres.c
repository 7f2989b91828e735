/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PostgreSQL's strings, dollar quotes, placeholders and operators; see lexer.h.
 * PostgreSQL 16 documentation, sections 4.1.2 "Constants" and 4.1.3 "Operators".
 */
#include "parsers/sql/rules.h"

/* Longer operators are an error of the server; the limit keeps a run of +-+- from costing its
 * square. */
#define OPERATOR_BYTES_MAX 32

/*
 * Where a string goes on behind its closing quote: the next opening quote, when only white space
 * and -- comments with at least one newline lie between; else NULL.
 */
static const uint8_t *continuation(const struct sql_lexer *lexer, const uint8_t *at)
{
	bool newline = false;

	for (; at < lexer->end; at++) {
		if (*at == '\n' || *at == '\r') {
			newline = true;
		} else if (*at == '-' && lexer->end - at >= 2 && at[1] == '-') {
			while (at + 1 < lexer->end && at[1] != '\n' && at[1] != '\r')
				at++;
		} else if (lexer->rules->classes[*at] != SQL_CLASS_SPACE) {
			break;
		}
	}
	return newline && at < lexer->end && *at == '\'' ? at : NULL;
}

/* A quoted string whose opening quote is at `quote`, with all its continuations. */
static const uint8_t *scan_string(const struct sql_lexer *lexer, struct sql_token *token,
				  const uint8_t *quote, enum sql_form form)
{
	bool backslash = form == SQL_FORM_ESCAPE || form == SQL_FORM_NATIONAL_ESCAPE;
	const uint8_t *stop = quote;
	const uint8_t *next = quote;

	token->type = SQL_TOKEN_STRING;
	token->form = (uint8_t)form;
	token->quote = '\'';
	while (next) {
		stop = sql_skip_quoted(next + 1, lexer->end, '\'', backslash, &token->irregular);
		if (!stop)
			return NULL;
		next = continuation(lexer, stop);
		if (next)
			token->irregular = true;
	}
	token->inner = slice_of(quote + 1, (size_t)(stop - quote) - 2);
	return stop;
}

/* Behind a U& literal: its UESCAPE 'c' belongs to it. */
static const uint8_t *scan_uescape(const struct sql_lexer *lexer, const uint8_t *stop)
{
	const uint8_t *comment;
	const uint8_t *at = sql_skip_blank(lexer, stop, &comment);
	bool irregular = false;

	if (!at || lexer->end - at < 8 || !slice_equal_nocase(slice_of(at, 7), SLICE("uescape")) ||
	    sql_is_word(lexer, at[7]))
		return stop;
	at = sql_skip_blank(lexer, at + 7, &comment);
	if (!at || at == lexer->end || *at != '\'')
		return stop;
	at = sql_skip_quoted(at + 1, lexer->end, '\'', false, &irregular);
	return at ? at : stop;
}

static const uint8_t *scan_quoted(const struct sql_lexer *lexer, struct sql_token *token,
				  const uint8_t *quote)
{
	const uint8_t *stop = sql_skip_quoted(quote + 1, lexer->end, '"', false, &token->irregular);

	token->type = SQL_TOKEN_QUOTED;
	token->quote = '"';
	if (stop)
		token->inner = slice_of(quote + 1, (size_t)(stop - quote) - 2);
	return stop;
}

static const uint8_t *scan_unicode(const struct sql_lexer *lexer, struct sql_token *token,
				   const uint8_t *quote)
{
	const uint8_t *stop = *quote == '"' ? scan_quoted(lexer, token, quote) :
					      scan_string(lexer, token, quote, SQL_FORM_UNICODE);

	token->form = SQL_FORM_UNICODE;
	token->irregular = true;
	return stop ? scan_uescape(lexer, stop) : NULL;
}

static const uint8_t *scan_plain(const struct sql_lexer *lexer, struct sql_token *token)
{
	return scan_string(lexer, token, lexer->at,
			   lexer->backslash_escapes ? SQL_FORM_ESCAPE : SQL_FORM_PLAIN);
}

static const uint8_t *scan_prefix(const struct sql_lexer *lexer, struct sql_token *token)
{
	const uint8_t *at = lexer->at;
	size_t left = (size_t)(lexer->end - at);
	uint8_t letter = ascii_lower(*at);

	if (letter == 'u' && left >= 3 && at[1] == '&' && (at[2] == '\'' || at[2] == '"'))
		return scan_unicode(lexer, token, at + 2);
	if (letter == 'u' || left < 2 || at[1] != '\'')
		return sql_scan_word(lexer, token);
	switch (letter) {
	case 'e':
		return scan_string(lexer, token, at + 1, SQL_FORM_ESCAPE);
	case 'b':
		return scan_string(lexer, token, at + 1, SQL_FORM_BINARY);
	case 'x':
		return scan_string(lexer, token, at + 1, SQL_FORM_HEX);
	default:
		return scan_string(lexer, token, at + 1,
				   lexer->backslash_escapes ? SQL_FORM_NATIONAL_ESCAPE :
							      SQL_FORM_NATIONAL);
	}
}

static const uint8_t *scan_identifier(const struct sql_lexer *lexer, struct sql_token *token)
{
	return scan_quoted(lexer, token, lexer->at);
}

static const uint8_t *scan_placeholder(const struct sql_lexer *lexer, struct sql_token *token)
{
	const uint8_t *at = lexer->at + 1;
	uint32_t number = 0;

	token->type = SQL_TOKEN_PLACEHOLDER;
	for (; at < lexer->end && ascii_is_digit(*at); at++) {
		/* The protocol counts parameters in 16 bits: a greater number names none. */
		if (number <= UINT16_MAX)
			number = number * 10 + (uint32_t)(*at - '0');
	}
	token->placeholder = number;
	return at;
}

static const uint8_t *scan_dollar(const struct sql_lexer *lexer, struct sql_token *token)
{
	const uint8_t *at = lexer->at + 1;
	const uint8_t *close;
	size_t tag;

	if (at < lexer->end && ascii_is_digit(*at))
		return scan_placeholder(lexer, token);
	while (at < lexer->end && *at != '$' && sql_is_word(lexer, *at))
		at++;
	if (at == lexer->end || *at != '$')
		return sql_scan_single(lexer, token);
	at++;
	tag = (size_t)(at - lexer->at);
	close = memmem(at, (size_t)(lexer->end - at), lexer->at, tag);
	if (!close)
		return NULL;
	token->type = SQL_TOKEN_STRING;
	token->form = SQL_FORM_DOLLAR;
	token->inner = slice_of(at, (size_t)(close - at));
	return close + tag;
}

static const uint8_t *scan_colon(const struct sql_lexer *lexer, struct sql_token *token)
{
	const uint8_t *at = lexer->at;
	uint8_t second = lexer->end - at >= 2 ? at[1] : 0;

	token->type = second == ':' ? SQL_TOKEN_CAST : SQL_TOKEN_OPERATOR;
	return at + (second == ':' || second == '=' ? 2 : 1);
}

/* An operator may end with + or - only if it holds one of these. */
static bool allows_sign_at_end(const uint8_t *at, const uint8_t *end)
{
	for (; at < end; at++)
		if (memchr("~!@#^&|`?%", *at, 10))
			return true;
	return false;
}

static const uint8_t *scan_operator(const struct sql_lexer *lexer, struct sql_token *token)
{
	const uint8_t *start = lexer->at;
	const uint8_t *at = start;

	token->type = SQL_TOKEN_OPERATOR;
	while (at < lexer->end && at - start < OPERATOR_BYTES_MAX &&
	       lexer->rules->classes[*at] == SQL_CLASS_OPERATOR) {
		if (lexer->end - at >= 2 &&
		    ((at[0] == '-' && at[1] == '-') || (at[0] == '/' && at[1] == '*')))
			break;
		at++;
	}
	if (at - start < 2 || (at[-1] != '+' && at[-1] != '-') || allows_sign_at_end(start, at))
		return at;
	while (at - start > 1 && (at[-1] == '+' || at[-1] == '-'))
		at--;
	return at;
}

#define LETTERS(from, to) [from... to] = SQL_CLASS_LETTER
static const uint8_t classes[256] = {
	['\t' ... '\r'] = SQL_CLASS_SPACE,
	[' '] = SQL_CLASS_SPACE,
	LETTERS('a', 'a'),
	LETTERS('c', 'd'),
	LETTERS('f', 'm'),
	LETTERS('o', 't'),
	LETTERS('v', 'w'),
	LETTERS('y', 'z'),
	LETTERS('A', 'A'),
	LETTERS('C', 'D'),
	LETTERS('F', 'M'),
	LETTERS('O', 'T'),
	LETTERS('V', 'W'),
	LETTERS('Y', 'Z'),
	LETTERS('_', '_'),
	LETTERS(0x80, 0xff),
	['b'] = SQL_CLASS_PREFIX,
	['e'] = SQL_CLASS_PREFIX,
	['n'] = SQL_CLASS_PREFIX,
	['u'] = SQL_CLASS_PREFIX,
	['x'] = SQL_CLASS_PREFIX,
	['B'] = SQL_CLASS_PREFIX,
	['E'] = SQL_CLASS_PREFIX,
	['N'] = SQL_CLASS_PREFIX,
	['U'] = SQL_CLASS_PREFIX,
	['X'] = SQL_CLASS_PREFIX,
	['0' ... '9'] = SQL_CLASS_DIGIT,
	['.'] = SQL_CLASS_DOT,
	['$'] = SQL_CLASS_DOLLAR,
	['\''] = SQL_CLASS_QUOTE,
	['"'] = SQL_CLASS_DOUBLE_QUOTE,
	[':'] = SQL_CLASS_COLON,
	['('] = SQL_CLASS_SINGLE,
	[')'] = SQL_CLASS_SINGLE,
	['['] = SQL_CLASS_SINGLE,
	[']'] = SQL_CLASS_SINGLE,
	[','] = SQL_CLASS_SINGLE,
	[';'] = SQL_CLASS_SINGLE,
	['~'] = SQL_CLASS_OPERATOR,
	['!'] = SQL_CLASS_OPERATOR,
	['@'] = SQL_CLASS_OPERATOR,
	['#'] = SQL_CLASS_OPERATOR,
	['^'] = SQL_CLASS_OPERATOR,
	['&'] = SQL_CLASS_OPERATOR,
	['|'] = SQL_CLASS_OPERATOR,
	['`'] = SQL_CLASS_OPERATOR,
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

const struct sql_rules sql_rules_postgres = {
	.classes = classes,
	.scan = {
		[SQL_CLASS_OTHER] = sql_scan_single,
		[SQL_CLASS_SPACE] = sql_scan_single,
		[SQL_CLASS_LETTER] = sql_scan_word,
		[SQL_CLASS_PREFIX] = scan_prefix,
		[SQL_CLASS_DIGIT] = sql_scan_number,
		[SQL_CLASS_DOT] = sql_scan_dot,
		[SQL_CLASS_DOLLAR] = scan_dollar,
		[SQL_CLASS_QUOTE] = scan_plain,
		[SQL_CLASS_DOUBLE_QUOTE] = scan_identifier,
		[SQL_CLASS_BACKTICK] = sql_scan_single,
		[SQL_CLASS_COLON] = scan_colon,
		[SQL_CLASS_SINGLE] = sql_scan_single,
		[SQL_CLASS_OPERATOR] = scan_operator,
	},
	.nested_comments = true,
};
