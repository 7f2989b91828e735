/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cutting a text into statements; see canonical.h. PostgreSQL 16 documentation, section 55.2.2.1
 * "Multiple Statements in a Simple Query", and CREATE RULE and CREATE FUNCTION for semicolons that
 * do not separate.
 */
#include "parsers/sql/type_name.h"

struct splitter {
	size_t parentheses;
	size_t bodies; /* BEGIN ATOMIC and CASE that wait for their END */
	bool begin;    /* the last token was BEGIN */
	bool label;    /* the last token was AS or a dot: the next word is a name */
};

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

bool sql_split(const struct sql_options *options, struct slice *rest, struct slice *ret_statement)
{
	struct splitter splitter = { 0 };
	struct sql_token token;
	struct sql_lexer lexer;
	const uint8_t *start;
	bool any = false;

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
	struct sql_lexer lexer;
	struct sql_token token;
	struct slice piece;
	size_t count = 0;

	if (may_be_several(text)) {
		while (sql_split(options, &text, &piece))
			count++;
		return count;
	}
	sql_lexer_init(&lexer, options, text);
	do {
		sql_lex_next(&lexer, &token);
	} while (token.type == SQL_TOKEN_HINT);
	return token.type != SQL_TOKEN_END && token.type != SQL_TOKEN_SEMICOLON;
}
