/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MySQL's and MariaDB's words, strings, variables and operators; see lexer.h. MySQL 8.4 reference manual, chapter 11
 * "Language Structure"; MariaDB's documentation of "Comment Syntax".
 *
 * Where the server's lexer and its grammar meet, this follows what comes of both: strings with
 * nothing but white space between them are one, 1a is a name and 1e5 a number, t.1 is a column.
 */
#include "parsers/sql/rules.h"

/* big5: isbig5code(), gbk: isgbkcode(), sjis: issjishead() and issjistail() of the server. */
bool sql_is_double(uint8_t charset, const uint8_t *at, const uint8_t *end)
{
	uint8_t first = *at;
	uint8_t second;

	if (first < 0x81 || end - at < 2)
		return false;
	second = at[1];
	switch (charset) {
	case SQL_CHARSET_BIG5:
		return first >= 0xa1 && first <= 0xf9 &&
		       ((second >= 0x40 && second <= 0x7e) || (second >= 0xa1 && second <= 0xfe));
	case SQL_CHARSET_GBK:
		return first <= 0xfe && second >= 0x40 && second <= 0xfe && second != 0x7f;
	case SQL_CHARSET_SJIS:
		return (first <= 0x9f || (first >= 0xe0 && first <= 0xfc)) && second >= 0x40 &&
		       second <= 0xfc && second != 0x7f;
	default:
		return false;
	}
}

/* As sql_skip_quoted(), but of text with characters of two bytes. */
static const uint8_t *skip_quoted(const struct sql_lexer *lexer, const uint8_t *at, bool backslash,
				  bool *irregular)
{
	const uint8_t *end = lexer->end;
	uint8_t quote = at[-1];

	if (lexer->charset == SQL_CHARSET_PLAIN)
		return sql_skip_quoted(at, end, quote, backslash, irregular);
	while (at < end) {
		if (sql_is_double(lexer->charset, at, end)) {
			at++;
		} else if (*at == quote) {
			if (end - at < 2 || at[1] != quote)
				return at + 1;
			*irregular = true;
			at++;
		} else if (*at == '\\' && backslash) {
			/* The server takes one byte with it, also the first of two. */
			*irregular = true;
			if (++at == end)
				return NULL;
		}
		at++;
	}
	return NULL;
}

static const uint8_t *skip_word(const struct sql_lexer *lexer, const uint8_t *at)
{
	while (at < lexer->end && sql_is_word(lexer, *at))
		at += 1 + sql_is_double(lexer->charset, at, lexer->end);
	return at;
}

static const uint8_t *scan_word(const struct sql_lexer *lexer, struct sql_token *token)
{
	token->type = SQL_TOKEN_WORD;
	return skip_word(lexer, lexer->at);
}

/* The opening quote of a string that goes on behind white space; NULL: it does not. */
static const uint8_t *continuation(const struct sql_lexer *lexer, const uint8_t *at)
{
	while (at < lexer->end && lexer->rules->classes[*at] == SQL_CLASS_SPACE)
		at++;
	if (at == lexer->end || (*at != '\'' && (*at != '"' || lexer->ansi_quotes)))
		return NULL;
	return at;
}

/* A string whose opening quote is at `quote`, with all that is adjacent. */
static const uint8_t *scan_pieces(const struct sql_lexer *lexer, struct sql_token *token,
				  const uint8_t *quote, enum sql_form form)
{
	const uint8_t *stop = quote;
	const uint8_t *next = quote;

	token->type = SQL_TOKEN_STRING;
	token->form = (uint8_t)form;
	token->quote = *quote;
	while (next) {
		stop = skip_quoted(lexer, next + 1, lexer->backslash_escapes, &token->irregular);
		if (!stop)
			return NULL;
		next = continuation(lexer, stop);
		if (next)
			token->irregular = true;
	}
	token->inner = slice_of(quote + 1, (size_t)(stop - quote) - 2);
	return stop;
}

static const uint8_t *scan_string(const struct sql_lexer *lexer, struct sql_token *token)
{
	return scan_pieces(lexer, token, lexer->at,
			   lexer->backslash_escapes ? SQL_FORM_ESCAPE : SQL_FORM_PLAIN);
}

static const uint8_t *scan_identifier(const struct sql_lexer *lexer, struct sql_token *token)
{
	const uint8_t *start = lexer->at;
	const uint8_t *stop = skip_quoted(lexer, start + 1, false, &token->irregular);

	token->type = SQL_TOKEN_QUOTED;
	token->quote = *start;
	if (stop)
		token->inner = slice_of(start + 1, (size_t)(stop - start) - 2);
	return stop;
}

static const uint8_t *scan_double_quote(const struct sql_lexer *lexer, struct sql_token *token)
{
	return lexer->ansi_quotes ? scan_identifier(lexer, token) : scan_string(lexer, token);
}

/* x'..' and b'..', which hold digits only and are not continued. */
static const uint8_t *scan_bits(const struct sql_lexer *lexer, struct sql_token *token,
				enum sql_form form)
{
	const uint8_t *at = lexer->at + 2;
	const uint8_t *stop = sql_skip_quoted(at, lexer->end, '\'', false, &token->irregular);

	token->type = SQL_TOKEN_STRING;
	token->form = (uint8_t)form;
	token->quote = '\'';
	if (stop)
		token->inner = slice_of(at, (size_t)(stop - at) - 1);
	return stop;
}

static const uint8_t *scan_prefix(const struct sql_lexer *lexer, struct sql_token *token)
{
	const uint8_t *at = lexer->at;

	if (lexer->end - at < 2 || at[1] != '\'' || lexer->part == SQL_PART_NAME)
		return scan_word(lexer, token);
	switch (ascii_lower(*at)) {
	case 'x':
		return scan_bits(lexer, token, SQL_FORM_HEX);
	case 'b':
		return scan_bits(lexer, token, SQL_FORM_BINARY);
	default:
		return scan_pieces(lexer, token, at + 1,
				   lexer->backslash_escapes ? SQL_FORM_NATIONAL_ESCAPE :
							      SQL_FORM_NATIONAL);
	}
}

static bool is_radix_digit(uint8_t byte, uint8_t letter)
{
	uint8_t lower = ascii_lower(byte);

	if (letter == 'b')
		return byte == '0' || byte == '1';
	return ascii_is_digit(byte) || (lower >= 'a' && lower <= 'f');
}

/* 0x1f and 0b1, with a small letter: strings of bytes, as x'1f' is. NULL: not that. */
static const uint8_t *scan_radix(const struct sql_lexer *lexer, struct sql_token *token)
{
	const uint8_t *at = lexer->at;
	const uint8_t *stop = at + 2;

	if (lexer->end - at < 3 || at[0] != '0' || (at[1] != 'x' && at[1] != 'b'))
		return NULL;
	while (stop < lexer->end && is_radix_digit(*stop, at[1]))
		stop++;
	if (stop == at + 2 || (stop < lexer->end && sql_is_word(lexer, *stop)))
		return NULL;
	token->type = SQL_TOKEN_STRING;
	token->form = at[1] == 'x' ? SQL_FORM_HEX : SQL_FORM_BINARY;
	token->inner = slice_of(at + 2, (size_t)(stop - at) - 2);
	return stop;
}

static const uint8_t *skip_digits(const uint8_t *at, const uint8_t *end)
{
	while (at < end && ascii_is_digit(*at))
		at++;
	return at;
}

/* Behind an exponent, or `at` when there is none. */
static const uint8_t *skip_exponent(const uint8_t *at, const uint8_t *end)
{
	const uint8_t *digits = at + 1;

	if (at == end || ascii_lower(*at) != 'e')
		return at;
	if (digits < end && (*digits == '+' || *digits == '-'))
		digits++;
	return digits < end && ascii_is_digit(*digits) ? skip_digits(digits, end) : at;
}

static const uint8_t *scan_digit(const struct sql_lexer *lexer, struct sql_token *token)
{
	const uint8_t *end = lexer->end;
	const uint8_t *at = skip_digits(lexer->at, end);
	const uint8_t *stop;

	if (lexer->part == SQL_PART_NAME)
		return scan_word(lexer, token);
	stop = scan_radix(lexer, token);
	if (stop)
		return stop;
	token->type = SQL_TOKEN_NUMBER;
	if (at < end && *at == '.')
		return skip_exponent(skip_digits(at + 1, end), end);
	stop = skip_exponent(at, end);
	if (stop == at && at < end && sql_is_word(lexer, *at))
		return scan_word(lexer, token);
	return stop;
}

static const uint8_t *scan_dot(const struct sql_lexer *lexer, struct sql_token *token)
{
	const uint8_t *at = lexer->at + 1;

	if (lexer->part == SQL_PART_DOT || at == lexer->end || !ascii_is_digit(*at)) {
		token->type = SQL_TOKEN_DOT;
		return at;
	}
	token->type = SQL_TOKEN_NUMBER;
	return skip_exponent(skip_digits(at, lexer->end), lexer->end);
}

/* A quoted variable: its quote is at `quote`. */
static const uint8_t *scan_quoted_variable(const struct sql_lexer *lexer, struct sql_token *token,
					   const uint8_t *quote)
{
	bool backslash = *quote != '`' && lexer->backslash_escapes;
	const uint8_t *stop = skip_quoted(lexer, quote + 1, backslash, &token->irregular);

	token->type = SQL_TOKEN_QUOTED;
	token->form = backslash ? SQL_FORM_VARIABLE_ESCAPE : SQL_FORM_VARIABLE;
	token->quote = *quote;
	if (stop)
		token->inner = slice_of(quote + 1, (size_t)(stop - quote) - 2);
	return stop;
}

/* @name, @@name, @@scope.name: one word each. Also the host of an account. */
static const uint8_t *scan_at(const struct sql_lexer *lexer, struct sql_token *token)
{
	const uint8_t *at = lexer->at + 1;
	const uint8_t *end = lexer->end;
	const uint8_t *name;

	if (at < end && *at == '@')
		at++;
	if (at < end && (*at == '`' || *at == '\'' || *at == '"'))
		return scan_quoted_variable(lexer, token, at);
	name = at;
	do {
		at = skip_word(lexer, at + (at > name));
	} while (end - at >= 2 && at > name && *at == '.' && sql_is_word(lexer, at[1]));
	token->type = at > name ? SQL_TOKEN_WORD : SQL_TOKEN_OPERATOR;
	return at;
}

/* \N is NULL. */
static const uint8_t *scan_backslash(const struct sql_lexer *lexer, struct sql_token *token)
{
	const uint8_t *at = lexer->at + 1;

	token->type = SQL_TOKEN_OPERATOR;
	if (at == lexer->end || *at != 'N')
		return at;
	token->type = SQL_TOKEN_WORD;
	return at + 1;
}

static const uint8_t *scan_operator(const struct sql_lexer *lexer, struct sql_token *token)
{
	static const char *const operators[] = { "->>", "<=>", "->", "<=", ">=", "<>",
						 "!=",	"<<",  ">>", "&&", "||", ":=" };
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

/* Optimizer hints are read only behind these. */
static bool takes_hints(struct slice word)
{
	static const char *const words[] = { "select", "insert", "replace", "update", "delete" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (slice_equal_nocase(word, slice_from_string(words[i])))
			return true;
	return false;
}

void sql_lexer_see(struct sql_lexer *lexer, const struct sql_token *token)
{
	bool word = token->type == SQL_TOKEN_WORD;
	bool name = word || token->type == SQL_TOKEN_QUOTED;
	uint8_t byte = lexer->at < lexer->end ? *lexer->at : 0;
	uint8_t part = SQL_PART_ANY;

	if (name && byte == '.')
		part = SQL_PART_DOT;
	else if (token->type == SQL_TOKEN_DOT && lexer->part == SQL_PART_DOT &&
		 sql_is_word(lexer, byte))
		part = SQL_PART_NAME;
	lexer->part = part;
	lexer->hints = word && takes_hints(token->text);
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
	['@'] = SQL_CLASS_AT,
	['\\'] = SQL_CLASS_BACKSLASH,
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
	return scan_word(lexer, token);
}

const struct sql_rules sql_rules_mysql = {
	.classes = classes,
	.scan = {
		[SQL_CLASS_OTHER] = sql_scan_single,
		[SQL_CLASS_SPACE] = sql_scan_single,
		[SQL_CLASS_LETTER] = scan_letter,
		[SQL_CLASS_PREFIX] = scan_prefix,
		[SQL_CLASS_DIGIT] = scan_digit,
		[SQL_CLASS_DOT] = scan_dot,
		[SQL_CLASS_DOLLAR] = sql_scan_single,
		[SQL_CLASS_QUOTE] = scan_string,
		[SQL_CLASS_DOUBLE_QUOTE] = scan_double_quote,
		[SQL_CLASS_BACKTICK] = scan_identifier,
		[SQL_CLASS_COLON] = sql_scan_single,
		[SQL_CLASS_SINGLE] = sql_scan_single,
		[SQL_CLASS_OPERATOR] = scan_operator,
		[SQL_CLASS_AT] = scan_at,
		[SQL_CLASS_BACKSLASH] = scan_backslash,
	},
	.hash_comments = true,
	.dashes_need_space = true,
	.executable_comments = true,
	.only_newline = true,
};
