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

static const uint8_t *skip_line(const uint8_t *at, const uint8_t *end)
{
	while (at < end && *at != '\n' && *at != '\r')
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
	return at[2] != '+' && !(at[2] == '!' && lexer->rules->executable_comments);
}

const uint8_t *sql_skip_blank(const struct sql_lexer *lexer, const uint8_t *at,
			      const uint8_t **ret_at)
{
	while (at < lexer->end) {
		if (lexer->rules->classes[*at] == SQL_CLASS_SPACE) {
			at++;
		} else if (is_line_comment(lexer, at)) {
			at = skip_line(at, lexer->end);
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
	return sql_is_digit(byte) && byte < '0' + radix;
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
			at = at + 1 < end && sql_is_digit(at[1]) ? skip_digits(at + 1, end, 10) :
								   at + 1;
		if (at < end && ascii_lower(*at) == 'e') {
			const uint8_t *exponent = at + 1;

			if (exponent < end && (*exponent == '+' || *exponent == '-'))
				exponent++;
			if (exponent < end && sql_is_digit(*exponent))
				at = skip_digits(exponent, end, 10);
		}
	}
	token->irregular = at < end && sql_is_word(lexer, *at) && *at != '$';
	return at;
}

const uint8_t *sql_scan_dot(const struct sql_lexer *lexer, struct sql_token *token)
{
	const uint8_t *at = lexer->at;

	if (lexer->end - at >= 2 && sql_is_digit(at[1]))
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
		.backslash_escapes = options->backslash_escapes,
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

/* The delimiters of MySQL's code in comments are white space; true when one was taken away. */
static bool skip_executable(struct sql_lexer *lexer)
{
	const uint8_t *at = lexer->at;

	if (lexer->in_executable && starts(at, lexer->end, '*', '/')) {
		lexer->in_executable = false;
		lexer->at += 2;
		return true;
	}
	if (lexer->in_executable || !starts(at, lexer->end, '/', '*'))
		return false;
	if (lexer->end - at < 3 || at[2] != '!')
		return false;
	lexer->in_executable = true;
	at += 3;
	/* A version of five or six digits says which servers read it: the ones of today do. */
	for (int digits = 0; digits < 6 && at < lexer->end && sql_is_digit(*at); digits++)
		at++;
	lexer->at = at;
	return true;
}

void sql_lex_next(struct sql_lexer *lexer, struct sql_token *ret_token)
{
	const struct sql_rules *rules = lexer->rules;
	const uint8_t *comment = NULL;
	const uint8_t *at;

	do {
		at = sql_skip_blank(lexer, lexer->at, &comment);
		if (!at)
			break;
		lexer->at = at;
	} while (rules->executable_comments && skip_executable(lexer));
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
