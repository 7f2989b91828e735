/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lexer: SQL text to tokens, pulled one by one, of the dialect and settings in struct sql_options.
 *
 * White space and comments are skipped, optimizer hints are tokens. Every token is a piece of the
 * text; nothing is allocated and nothing is decoded (see literal.h). What cannot be read (an
 * unterminated string or comment) is one last SQL_TOKEN_ERROR that takes the rest. Cost is linear
 * in the text, whatever it holds.
 */
#ifndef MOCKPROXY_SQL_LEXER_H
#define MOCKPROXY_SQL_LEXER_H

#include "parsers/sql/canonical.h"

enum sql_token_type {
	SQL_TOKEN_END,
	SQL_TOKEN_WORD,	  /* unquoted identifier or keyword */
	SQL_TOKEN_QUOTED, /* quoted identifier */
	SQL_TOKEN_STRING, /* string literal of any form */
	SQL_TOKEN_NUMBER,
	SQL_TOKEN_PLACEHOLDER, /* $n, or ? in MySQL */
	SQL_TOKEN_OPERATOR,    /* also what is no token of the dialect: one byte */
	SQL_TOKEN_CAST,	       /* :: */
	SQL_TOKEN_OPEN,	       /* ( */
	SQL_TOKEN_CLOSE,       /* ) */
	SQL_TOKEN_OPEN_BRACKET,
	SQL_TOKEN_CLOSE_BRACKET,
	SQL_TOKEN_COMMA,
	SQL_TOKEN_DOT,
	SQL_TOKEN_SEMICOLON,
	SQL_TOKEN_HINT,	 /* an optimizer hint, with its delimiters */
	SQL_TOKEN_ERROR, /* the rest of the text */
};

/* How a string or a quoted identifier is written. */
enum sql_form {
	SQL_FORM_PLAIN,	   /* '..' or ".." with the quote doubled */
	SQL_FORM_ESCAPE,   /* backslash escapes */
	SQL_FORM_UNICODE,  /* U&'..' or U&"..", maybe with UESCAPE */
	SQL_FORM_DOLLAR,   /* $tag$..$tag$ */
	SQL_FORM_NATIONAL, /* N'..' */
	SQL_FORM_NATIONAL_ESCAPE,
	SQL_FORM_BINARY, /* B'..' */
	SQL_FORM_HEX,	 /* X'..' */
};

struct sql_token {
	uint8_t type; /* enum sql_token_type */
	uint8_t form; /* enum sql_form */
	uint8_t quote;
	/* A string or quoted identifier: `inner` is not its value yet. A number: letters follow it
	 * at once. */
	bool irregular;
	uint32_t placeholder; /* n of $n; 0 for ? */
	struct slice text;    /* the whole token */
	struct slice inner;   /* between the first quotes (or delimiters) and the last */
};

struct sql_rules; /* a dialect, see rules.h */

struct sql_lexer {
	const uint8_t *at;
	const uint8_t *end;
	const struct sql_rules *rules;
	bool backslash_escapes;
	bool in_executable; /* MySQL: inside of a comment that is code */
};

void sql_lexer_init(struct sql_lexer *lexer, const struct sql_options *options, struct slice text);
/* Gives SQL_TOKEN_END at the end, and again after it. */
void sql_lex_next(struct sql_lexer *lexer, struct sql_token *ret_token);

#endif
