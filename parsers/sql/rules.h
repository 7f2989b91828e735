/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules: what a dialect's lexer is made of. A dialect is one const struct sql_rules: a class for
 * each byte, a function for each class, and a few facts about comments. Only lexer*.c include this.
 *
 * A scan function is called with lexer->at on a byte of its class and lexer->at < lexer->end. It
 * fills the token but for text.size, and returns where the token ends; NULL when the rest of the
 * text cannot be read.
 */
#ifndef MOCKPROXY_SQL_RULES_H
#define MOCKPROXY_SQL_RULES_H

#include "parsers/sql/lexer.h"

enum sql_class {
	SQL_CLASS_OTHER,
	SQL_CLASS_SPACE,
	SQL_CLASS_LETTER, /* starts a word */
	SQL_CLASS_PREFIX, /* starts a word, or the prefix of a string */
	SQL_CLASS_DIGIT,
	SQL_CLASS_DOT,
	SQL_CLASS_DOLLAR,
	SQL_CLASS_QUOTE,	/* ' */
	SQL_CLASS_DOUBLE_QUOTE, /* " */
	SQL_CLASS_BACKTICK,
	SQL_CLASS_COLON,
	SQL_CLASS_SINGLE, /* a token of one byte */
	SQL_CLASS_OPERATOR,
	SQL_CLASS_AT,	     /* MySQL's variables */
	SQL_CLASS_BACKSLASH, /* MySQL's \N */
	SQL_CLASSES,
};

struct sql_rules {
	const uint8_t *classes; /* 256 of enum sql_class */
	const uint8_t *(*scan[SQL_CLASSES])(const struct sql_lexer *lexer, struct sql_token *token);
	bool nested_comments;
	bool hash_comments;
	bool dashes_need_space;	  /* -- begins a comment only before white space */
	bool executable_comments; /* the inside of these is code; hints only where they can be */
	bool only_newline;	  /* a carriage return does not end a line */
};

/* In MySQL the dot right behind a name is no decimal point, and what is right behind it no number. */
enum sql_part { SQL_PART_ANY, SQL_PART_DOT, SQL_PART_NAME };

extern const struct sql_rules sql_rules_postgres;
extern const struct sql_rules sql_rules_mysql;

/* Where white space and comments that begin at `at` end; NULL: an unterminated comment begins at
 * *ret_at. */
const uint8_t *sql_skip_blank(const struct sql_lexer *lexer, const uint8_t *at,
			      const uint8_t **ret_at);

/* Behind the closing quote of what begins at `at`, which is behind the opening one; NULL:
 * unterminated. */
const uint8_t *sql_skip_quoted(const uint8_t *at, const uint8_t *end, uint8_t quote, bool backslash,
			       bool *irregular);

/* For `scan`, used by several dialects. */
const uint8_t *sql_scan_word(const struct sql_lexer *lexer, struct sql_token *token);
const uint8_t *sql_scan_number(const struct sql_lexer *lexer, struct sql_token *token);
const uint8_t *sql_scan_dot(const struct sql_lexer *lexer, struct sql_token *token);
const uint8_t *sql_scan_single(const struct sql_lexer *lexer, struct sql_token *token);

/* MySQL: keeps what the next token depends on. */
void sql_lexer_see(struct sql_lexer *lexer, const struct sql_token *token);

static inline bool sql_is_word(const struct sql_lexer *lexer, uint8_t byte)
{
	uint8_t class = lexer->rules->classes[byte];

	return class == SQL_CLASS_LETTER || class == SQL_CLASS_PREFIX || class == SQL_CLASS_DIGIT ||
	       byte == '$';
}

#endif
