/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lexer's engine and what the dialects have in common: comments, words, numbers; see lexer.h
 * and rules.h. PostgreSQL 16 documentation, section 4.1 "Lexical Structure".
 *
 * Invariant: lexer->at <= lexer->end, and each token but the last is at least one byte.
 */
#include "parsers/sql/lexer.h"

#include "parsers/sql/rules.h"

static bool starts(const uint8_t *at, const uint8_t *end, char first, char second)
{
	return end - at >= 2 && at[0] == (uint8_t)first && at[1] == (uint8_t)second;
}

static const uint8_t *skip_line(const struct sql_lexer *lexer, const uint8_t *at)
{
	uint8_t other = lexer->rules->only_newline ? '\n' : '\r';

	while (at < lexer->end && *at != '\n' && *at != other)
		at++;
	return at;
}

/* Behind the comment that begins at `at`; NULL: unterminated. */
static const uint8_t *skip_comment(const struct sql_lexer *lexer, const uint8_t *at)
{
	size_t depth = 1;

	at += 2;
	while (lexer->end - at >= 2) {
		if (at[0] == '*' && at[1] == '/') {
			at += 2;
			if (!--depth)
				return at;
		} else if (at[0] == '/' && at[1] == '*' && lexer->rules->nested_comments) {
			at += 2;
			depth++;
		} else {
			at++;
		}
	}
	return NULL;
}

static bool is_line_comment(const struct sql_lexer *lexer, const uint8_t *at)
{
	if (*at == '#')
		return lexer->rules->hash_comments;
	if (!starts(at, lexer->end, '-', '-'))
		return false;
	return !lexer->rules->dashes_need_space || lexer->end - at == 2 || at[2] <= ' ';
}

static bool is_comment(const struct sql_lexer *lexer, const uint8_t *at)
{
	if (!starts(at, lexer->end, '/', '*'))
		return false;
	if (lexer->end - at == 2)
		return true;
	switch (at[2]) {
	case '+':
		return lexer->rules->executable_comments && !lexer->hints;
	case '!':
		return !lexer->rules->executable_comments;
	case 'M':
		return !lexer->rules->executable_comments || lexer->end - at == 3 || at[3] != '!';
	default:
		return true;
	}
}

const uint8_t *sql_skip_blank(const struct sql_lexer *lexer, const uint8_t *at,
			      const uint8_t **ret_at)
{
	while (at < lexer->end) {
		if (lexer->rules->classes[*at] == SQL_CLASS_SPACE) {
			at++;
		} else if (is_line_comment(lexer, at)) {
			at = skip_line(lexer, at);
		} else if (is_comment(lexer, at)) {
			*ret_at = at;
			at = skip_comment(lexer, at);
			if (!at)
				return NULL;
		} else {
			break;
		}
	}
	return at;
}

const uint8_t *sql_skip_quoted(const uint8_t *at, const uint8_t *end, uint8_t quote, bool backslash,
			       bool *irregular)
{
	while (at < end) {
		if (*at == quote) {
			if (end - at < 2 || at[1] != quote)
				return at + 1;
			*irregular = true;
			at++;
		} else if (*at == '\\' && backslash) {
			*irregular = true;
			if (++at == end)
				return NULL;
		}
		at++;
	}
	return NULL;
}

const uint8_t *sql_scan_word(const struct sql_lexer *lexer, struct sql_token *token)
{
	const uint8_t *at = lexer->at + 1;

	token->type = SQL_TOKEN_WORD;
	while (at < lexer->end && sql_is_word(lexer, *at))
		at++;
	return at;
}

const uint8_t *sql_scan_single(const struct sql_lexer *lexer, struct sql_token *token)
{
	static const uint8_t types[128] = {
		['('] = SQL_TOKEN_OPEN,		 ['['] = SQL_TOKEN_OPEN_BRACKET,
		[','] = SQL_TOKEN_COMMA,	 [')'] = SQL_TOKEN_CLOSE,
		[']'] = SQL_TOKEN_CLOSE_BRACKET, [';'] = SQL_TOKEN_SEMICOLON,
		['.'] = SQL_TOKEN_DOT,
	};
	uint8_t byte = *lexer->at;
	uint8_t type = byte < 128 ? types[byte] : SQL_TOKEN_OPERATOR;

	token->type = type ? type : SQL_TOKEN_OPERATOR;
	return lexer->at + 1;
}

static bool is_radix_digit(uint8_t byte, unsigned int radix)
{
	uint8_t lower = ascii_lower(byte);

	if (radix == 16 && lower >= 'a' && lower <= 'f')
		return true;
	return ascii_is_digit(byte) && byte < '0' + radix;
}

/* Digits that may be grouped with single underscores between them. */
static const uint8_t *skip_digits(const uint8_t *at, const uint8_t *end, unsigned int radix)
{
	while (at < end) {
		if (*at == '_' && end - at >= 2)
			at += is_radix_digit(at[1], radix);
		if (!is_radix_digit(*at, radix))
			break;
		at++;
	}
	return at;
}

/* 0x, 0o and 0b with at least one digit (PostgreSQL 16); NULL: not that. */
static const uint8_t *scan_radix(const uint8_t *at, const uint8_t *end)
{
	unsigned int radix;
	const uint8_t *stop;

	if (end - at < 3 || at[0] != '0')
		return NULL;
	switch (ascii_lower(at[1])) {
	case 'x':
		radix = 16;
		break;
	case 'o':
		radix = 8;
		break;
	case 'b':
		radix = 2;
		break;
	default:
		return NULL;
	}
	stop = skip_digits(at + 2, end, radix);
	return stop == at + 2 ? NULL : stop;
}

const uint8_t *sql_scan_number(const struct sql_lexer *lexer, struct sql_token *token)
{
	const uint8_t *end = lexer->end;
	const uint8_t *at = scan_radix(lexer->at, end);

	token->type = SQL_TOKEN_NUMBER;
	if (!at) {
		at = skip_digits(lexer->at, end, 10);
		/* "1..10" is two numbers with two dots between them. */
		if (at < end && *at == '.' && !starts(at, end, '.', '.'))
			at = at + 1 < end && ascii_is_digit(at[1]) ? skip_digits(at + 1, end, 10) :
								     at + 1;
		if (at < end && ascii_lower(*at) == 'e') {
			const uint8_t *exponent = at + 1;

			if (exponent < end && (*exponent == '+' || *exponent == '-'))
				exponent++;
			if (exponent < end && ascii_is_digit(*exponent))
				at = skip_digits(exponent, end, 10);
		}
	}
	token->irregular = at < end && sql_is_word(lexer, *at) && *at != '$';
	return at;
}

const uint8_t *sql_scan_dot(const struct sql_lexer *lexer, struct sql_token *token)
{
	const uint8_t *at = lexer->at;

	if (lexer->end - at >= 2 && ascii_is_digit(at[1]))
		return sql_scan_number(lexer, token);
	if (starts(at, lexer->end, '.', '.')) {
		token->type = SQL_TOKEN_OPERATOR;
		return at + 2;
	}
	token->type = SQL_TOKEN_DOT;
	return at + 1;
}

void sql_lexer_init(struct sql_lexer *lexer, const struct sql_options *options, struct slice text)
{
	const uint8_t *start = text.size ? text.data : SLICE("").data;

	*lexer = (struct sql_lexer){
		.at = start,
		.end = start + text.size,
		.rules = options->dialect == SQL_MYSQL ? &sql_rules_mysql : &sql_rules_postgres,
		.dialect = options->dialect,
		.backslash_escapes = options->backslash_escapes,
		.ansi_quotes = options->ansi_quotes,
		.charset = options->charset,
	};
}

static const uint8_t *finish(struct sql_lexer *lexer, struct sql_token *token, const uint8_t *stop)
{
	if (!stop) {
		token->type = SQL_TOKEN_ERROR;
		stop = lexer->end;
	}
	token->text.size = (size_t)(stop - token->text.data);
	lexer->at = stop;
	return stop;
}

/*
 * Behind the opening delimiter of code: "/" "*!", with a version of five or six digits, or MariaDB's.
 * *ret_executable: do all servers of today read it? MySQL's do up to their version, and MariaDB does not
 * read 5.7 to 9.9 of MySQL.
 */
static const uint8_t *skip_delimiter(const struct sql_lexer *lexer, const uint8_t *at,
				     enum sql_executable *ret_executable)
{
	bool mariadb = at[2] == 'M';
	uint32_t version = 0;
	int digits = 0;

	at += mariadb ? 4 : 3;
	for (; digits < 6 && lexer->end - at > digits && ascii_is_digit(at[digits]); digits++)
		version = version * 10 + (uint32_t)(at[digits] - '0');
	if (digits < 5)
		version = 0;
	*ret_executable =
		mariadb || version >= 50700 ? SQL_EXECUTABLE_VERSION : SQL_EXECUTABLE_ALWAYS;
	return digits < 5 ? at : at + digits;
}

/* Delimiters that are white space; true when one was taken away. */
static bool skip_executable(struct sql_lexer *lexer)
{
	const uint8_t *at = lexer->at;
	enum sql_executable executable;

	if (lexer->executable == SQL_EXECUTABLE_ALWAYS && starts(at, lexer->end, '*', '/')) {
		lexer->executable = SQL_EXECUTABLE_NO;
		lexer->at += 2;
		return true;
	}
	if (lexer->executable || !starts(at, lexer->end, '/', '*') || at[2] == '+')
		return false;
	at = skip_delimiter(lexer, at, &executable);
	if (executable != SQL_EXECUTABLE_ALWAYS)
		return false;
	lexer->executable = SQL_EXECUTABLE_ALWAYS;
	lexer->at = at;
	return true;
}

/* A hint, or a delimiter of code that a version decides on. Code in code is taken as it is. */
static const uint8_t *scan_hint(struct sql_lexer *lexer)
{
	const uint8_t *at = lexer->at;
	enum sql_executable executable;

	if (*at == '*') {
		lexer->executable = SQL_EXECUTABLE_NO;
		return at + 2;
	}
	if (at[2] == '+' || lexer->executable)
		return skip_comment(lexer, at);
	at = skip_delimiter(lexer, at, &executable);
	lexer->executable = (uint8_t)executable;
	return at;
}

static bool at_hint(const struct sql_lexer *lexer, const uint8_t *at)
{
	return starts(at, lexer->end, '/', '*') ||
	       (lexer->executable && starts(at, lexer->end, '*', '/'));
}

/* Kept apart, so that what only MySQL has costs the other dialect nothing. */
static __attribute__((noinline)) void lex_executable(struct sql_lexer *lexer,
						     struct sql_token *ret_token)
{
	const struct sql_rules *rules = lexer->rules;
	const uint8_t *comment = NULL;
	const uint8_t *at;

	do {
		at = sql_skip_blank(lexer, lexer->at, &comment);
		if (!at)
			break;
		lexer->at = at;
	} while (skip_executable(lexer));
	*ret_token = (struct sql_token){ .text = { lexer->at, 0 } };
	if (!at) {
		ret_token->text.data = comment;
		finish(lexer, ret_token, NULL);
	} else if (at == lexer->end) {
		ret_token->type = SQL_TOKEN_END;
	} else if (at_hint(lexer, at)) {
		ret_token->type = SQL_TOKEN_HINT;
		finish(lexer, ret_token, scan_hint(lexer));
	} else {
		finish(lexer, ret_token, rules->scan[rules->classes[*at]](lexer, ret_token));
	}
	sql_lexer_see(lexer, ret_token);
}

void sql_lex_next(struct sql_lexer *lexer, struct sql_token *ret_token)
{
	const struct sql_rules *rules = lexer->rules;
	const uint8_t *comment = NULL;
	const uint8_t *at;

	if (rules->executable_comments) {
		lex_executable(lexer, ret_token);
		return;
	}
	at = sql_skip_blank(lexer, lexer->at, &comment);
	if (at)
		lexer->at = at;
	*ret_token = (struct sql_token){ .text = { lexer->at, 0 } };
	if (!at) {
		ret_token->text.data = comment;
		finish(lexer, ret_token, NULL);
	} else if (at == lexer->end) {
		ret_token->type = SQL_TOKEN_END;
	} else if (starts(at, lexer->end, '/', '*')) {
		ret_token->type = SQL_TOKEN_HINT;
		finish(lexer, ret_token, skip_comment(lexer, at));
	} else {
		finish(lexer, ret_token, rules->scan[rules->classes[*at]](lexer, ret_token));
	}
}
