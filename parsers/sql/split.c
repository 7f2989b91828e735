/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cutting a text into statements; see canonical.h. PostgreSQL 16 documentation, section 55.2.2.1
 * "Multiple Statements in a Simple Query", and CREATE RULE and CREATE FUNCTION for semicolons that
 * do not separate. MySQL 8.4 reference manual, section 15.6 "Compound Statement Syntax".
 */
#include "parsers/sql/type_name.h"

struct splitter {
	size_t parentheses;
	size_t bodies; /* BEGIN ATOMIC and CASE that wait for their END */
	bool begin;    /* the last token was BEGIN */
	bool label;    /* the last token was AS or a dot: the next word is a name */
	/* MySQL's */
	bool mysql;
	bool any;     /* a word came */
	bool create;  /* CREATE or ALTER came, and what it makes did not */
	bool routine; /* its body may hold statements */
	bool start;   /* a statement of the body may begin here */
	uint8_t last; /* enum sql_word of the last token */
	uint64_t
		expressions; /* which of the innermost bodies are CASE in an expression, the last in bit 0 */
};

static void open_body(struct splitter *splitter, bool expression)
{
	splitter->bodies++;
	splitter->expressions = splitter->expressions << 1 | expression;
}

static void close_body(struct splitter *splitter)
{
	if (!splitter->bodies)
		return;
	splitter->bodies--;
	splitter->expressions >>= 1;
}

/* END IF, END CASE and the like are one END. IF(..), REPEAT(..) and CASE are expressions too. */
static void see_body(struct splitter *splitter, uint8_t word)
{
	bool behind_end = splitter->last == WORD_END;
	bool start = splitter->start;

	splitter->start = false;
	switch (word) {
	case WORD_BEGIN:
		open_body(splitter, false);
		splitter->start = true;
		break;
	case WORD_CASE:
		if (!behind_end)
			open_body(splitter, !start);
		break;
	case WORD_LOOP:
	case WORD_REPEAT:
		splitter->start = start && !behind_end;
		/* fallthrough */
	case WORD_IF:
	case WORD_WHILE:
	case WORD_FOR: /* MariaDB's loop; elsewhere it is no beginning */
		if (start && !behind_end)
			open_body(splitter, false);
		break;
	case WORD_END:
		close_body(splitter);
		break;
	case WORD_THEN:
	case WORD_ELSE:
		splitter->start = !(splitter->expressions & 1);
		break;
	case WORD_DO:
	case WORD_ROW:	  /* FOR EACH ROW */
	case WORD_ATOMIC: /* BEGIN NOT ATOMIC */
		splitter->start = true;
		break;
	default:
		break;
	}
}

/* MariaDB has them outside of routines, too; in MySQL no statement begins so. */
static bool is_compound(uint8_t word)
{
	return word == WORD_IF || word == WORD_CASE || word == WORD_LOOP || word == WORD_WHILE ||
	       word == WORD_REPEAT || word == WORD_FOR;
}

/* Is it CREATE or ALTER of something with a body? Or MariaDB's BEGIN NOT ATOMIC, or a loop or IF of its own. */
static void see_head(struct splitter *splitter, uint8_t word)
{
	if (!splitter->any && is_compound(word)) {
		splitter->routine = splitter->start = true;
		see_body(splitter, word);
		return;
	}
	if (!splitter->any)
		splitter->create = word == WORD_CREATE || word == WORD_ALTER;
	if (splitter->last == WORD_BEGIN && word == WORD_NOT) {
		splitter->routine = true;
		open_body(splitter, false);
	}
	if (!splitter->create)
		return;
	splitter->routine = word == WORD_PROCEDURE || word == WORD_FUNCTION ||
			    word == WORD_TRIGGER || word == WORD_EVENT;
	if (splitter->routine || word == WORD_TABLE || word == WORD_VIEW || word == WORD_INDEX ||
	    word == WORD_DATABASE || word == WORD_SCHEMA)
		splitter->create = false;
}

/* True when the token ends a statement. */
static bool see_mysql(struct splitter *splitter, const struct sql_token *token)
{
	uint8_t room[SQL_WORD_BYTES_MAX];
	uint8_t word = WORD_NONE;

	if (token->type == SQL_TOKEN_WORD) {
		if (splitter->last != WORD_KEYWORD)
			word = sql_word_lookup_mysql(sql_fold_word(token->text, room, sizeof(room)))
				       .word;
		if (splitter->routine)
			see_body(splitter, word);
		else
			see_head(splitter, word);
		splitter->any = true;
		splitter->last = word == WORD_KEYWORD ? WORD_NONE : word;
		return false;
	}
	/* Behind a dot a word is a name. */
	splitter->last = token->type == SQL_TOKEN_DOT ? WORD_KEYWORD : WORD_NONE;
	splitter->start = token->type == SQL_TOKEN_SEMICOLON ||
			  slice_equal(token->text, SLICE(":")) ||
			  (token->type == SQL_TOKEN_CLOSE && !splitter->bodies);
	return token->type == SQL_TOKEN_SEMICOLON && !splitter->bodies;
}

static void see_word(struct splitter *splitter, struct slice text)
{
	uint8_t room[SQL_WORD_BYTES_MAX];
	uint8_t word = sql_word_lookup(sql_fold_word(text, room, sizeof(room))).word;

	if (splitter->label)
		word = WORD_NONE;
	if ((splitter->begin && word == WORD_ATOMIC) || (splitter->bodies && word == WORD_CASE))
		splitter->bodies++;
	else if (splitter->bodies && word == WORD_END)
		splitter->bodies--;
	splitter->begin = word == WORD_BEGIN;
	splitter->label = word == WORD_AS;
}

/* True when the token ends a statement. */
static bool see(struct splitter *splitter, const struct sql_token *token)
{
	if (splitter->mysql)
		return see_mysql(splitter, token);
	if (token->type == SQL_TOKEN_WORD) {
		see_word(splitter, token->text);
		return false;
	}
	splitter->begin = false;
	splitter->label = token->type == SQL_TOKEN_DOT;
	if (token->type == SQL_TOKEN_OPEN)
		splitter->parentheses++;
	else if (token->type == SQL_TOKEN_CLOSE && splitter->parentheses)
		splitter->parentheses--;
	return token->type == SQL_TOKEN_SEMICOLON && !splitter->parentheses && !splitter->bodies;
}

/* What the first token is that is no hint. */
static uint8_t first_type(const struct sql_options *options, struct slice text)
{
	struct sql_lexer lexer;
	struct sql_token token;

	sql_lexer_init(&lexer, options, text);
	do {
		sql_lex_next(&lexer, &token);
	} while (token.type == SQL_TOKEN_HINT);
	return token.type;
}

/* No comment, no hint and no white space begins with one. */
static bool is_letter(uint8_t byte)
{
	uint8_t lower = ascii_lower(byte);

	return lower >= 'a' && lower <= 'z';
}

bool sql_split(const struct sql_options *options, struct slice *rest, struct slice *ret_statement)
{
	struct splitter splitter = { .mysql = options->dialect == SQL_MYSQL };
	struct sql_token token;
	struct sql_lexer lexer;
	const uint8_t *start;
	bool any = false;

	if (rest->size && !memchr(rest->data, ';', rest->size)) {
		/* Nothing separates: if there is a statement, it is the text. */
		any = is_letter(rest->data[0]) || first_type(options, *rest) != SQL_TOKEN_END;
		if (any)
			*ret_statement = *rest;
		*rest = slice_of(rest->data + rest->size, 0);
		return any;
	}
	sql_lexer_init(&lexer, options, *rest);
	start = lexer.at;
	for (;;) {
		sql_lex_next(&lexer, &token);
		if (token.type == SQL_TOKEN_END || (any && see(&splitter, &token)))
			break;
		if (any || token.type == SQL_TOKEN_HINT)
			continue;
		if (token.type == SQL_TOKEN_SEMICOLON) {
			start = lexer.at;
			continue;
		}
		any = true;
		see(&splitter, &token);
	}
	*rest = slice_of(lexer.at, (size_t)(lexer.end - lexer.at));
	if (any)
		*ret_statement = slice_of(start, (size_t)(token.text.data - start));
	return any;
}

/* A semicolon that nothing but white space follows does not make two statements of one. */
static bool may_be_several(struct slice text)
{
	const uint8_t *first = text.size ? memchr(text.data, ';', text.size) : NULL;
	size_t after;

	if (!first)
		return false;
	for (after = (size_t)(first - text.data) + 1; after < text.size; after++)
		if (!memchr(" \t\r\n", text.data[after], 4))
			return true;
	return false;
}

size_t sql_count(const struct sql_options *options, struct slice text)
{
	struct slice piece;
	size_t count = 0;
	uint8_t first;

	if (may_be_several(text)) {
		while (sql_split(options, &text, &piece))
			count++;
		return count;
	}
	if (text.size && is_letter(text.data[0]))
		return 1;
	first = first_type(options, text);
	return first != SQL_TOKEN_END && first != SQL_TOKEN_SEMICOLON;
}
