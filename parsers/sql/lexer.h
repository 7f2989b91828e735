/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lexer: SQL text to tokens, pulled one by one, of the dialect and settings in struct sql_options.
 *
 * White space and comments are skipped, optimizer hints are tokens. Of MySQL's comments that are code the inside is
 * read: where every server of today executes it the delimiters are nothing; where the version decides (from 5.7 on, and
 * MariaDB's own) they are SQL_TOKEN_HINT, since with and without them are two statements. Every token is a piece of the
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
	/* An optimizer hint with its delimiters; in MySQL also a delimiter alone of code that some servers skip. */
	SQL_TOKEN_HINT,
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
	SQL_FORM_BINARY,	  /* B'..', in MySQL also 0b.. */
	SQL_FORM_HEX,		  /* X'..', in MySQL also 0x.. */
	SQL_FORM_VARIABLE,	  /* MySQL: @`..`, and @'..' and @".." without backslash escapes */
	SQL_FORM_VARIABLE_ESCAPE, /* @'..' and @".." with them */
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
	uint8_t dialect; /* enum sql_dialect */
	bool backslash_escapes;
	/* MySQL's */
	bool ansi_quotes;
	uint8_t charset;    /* enum sql_charset */
	uint8_t executable; /* enum sql_executable: inside of a comment that is code */
	uint8_t part;	    /* enum sql_part: what must come next, see sql_lexer_see() */
	bool hints;	    /* behind a word that may have optimizer hints */
};

enum sql_executable {
	SQL_EXECUTABLE_NO,
	SQL_EXECUTABLE_ALWAYS,	/* for every server: its delimiters are white space */
	SQL_EXECUTABLE_VERSION, /* for some: its delimiters are tokens */
};

/* Does a character of two bytes begin at `at`, which is before `end`? */
bool sql_is_double(uint8_t charset, const uint8_t *at, const uint8_t *end);

void sql_lexer_init(struct sql_lexer *lexer, const struct sql_options *options, struct slice text);
/* Gives SQL_TOKEN_END at the end, and again after it. */
void sql_lex_next(struct sql_lexer *lexer, struct sql_token *ret_token);

#endif
