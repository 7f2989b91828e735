/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See qualified.h. One walk over the tokens: behind each word that tables come behind, and each comma among them, there must be a
 * name, a dot and a name. MySQL 8.4 reference manual, 15.2 "Data Manipulation Statements" and 15.7.7 "SHOW Statements"; MariaDB's
 * "SQL Statements".
 */
#include "parsers/sql/qualified.h"

#include "parsers/compiler.h"
#include "parsers/sql/lexer.h"

#define DEPTH_MAX 64

struct walk {
	struct sql_lexer lexer;
	struct sql_token last, token, next;
	unsigned int depth; /* of parentheses */
	uint64_t tables;    /* by depth: a comma there separates tables */
	bool named;	    /* a table was */
};

static void step(struct walk *walk)
{
	walk->last = walk->token;
	walk->token = walk->next;
	sql_lex_next(&walk->lexer, &walk->next);
}

static bool is_name(const struct sql_token *token)
{
	return (token->type == SQL_TOKEN_WORD || token->type == SQL_TOKEN_QUOTED) &&
	       token->text.data[0] != '@';
}

static bool is(const struct sql_token *token, const char *word)
{
	return token->type == SQL_TOKEN_WORD &&
	       slice_equal_nocase(token->text, slice_from_string(word));
}

static bool is_among(const struct sql_token *token, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (is(token, words[i]))
			return true;
	return false;
}

/* Consumes the word if it comes next. */
static bool take(struct walk *walk, const char *word)
{
	if (!is(&walk->next, word))
		return false;
	step(walk);
	return true;
}

static bool take_either(struct walk *walk, const char *word, const char *other)
{
	return take(walk, word) || take(walk, other);
}

static bool take_name(struct walk *walk)
{
	if (!is_name(&walk->next))
		return false;
	step(walk);
	return true;
}

/* What tells of the sessions themselves, and so of their default databases. */
static bool tells_of_sessions(const struct sql_token *database, const struct sql_token *table)
{
	return is(database, "performance_schema") || is(database, "sys") ||
	       is(table, "processlist");
}

/* A table with its database comes next. */
static bool take_table(struct walk *walk)
{
	struct sql_token database;

	if (!take_name(walk) || walk->next.type != SQL_TOKEN_DOT)
		return false;
	database = walk->token;
	step(walk);
	walk->named = true;
	return take_name(walk) && walk->next.type != SQL_TOKEN_DOT &&
	       !tells_of_sessions(&database, &walk->token);
}

/* Words before a parenthesis that call nothing, or what is the same everywhere. Only reserved ones, and aggregates. */
static bool opens(const struct sql_token *word)
{
	static const char *const words[] = {
		"and",	  "as",	    "between", "by",	"case",	 "distinct", "else",
		"exists", "having", "in",      "like",	"limit", "not",	     "on",
		"or",	  "select", "set",     "then",	"using", "values",   "when",
		"where",  "xor",    "avg",     "count", "max",	 "min",	     "sum",
	};

	return is_among(word, words, ARRAY_SIZE(words));
}

/* What ends a list of tables: reserved words that no expression in it has at its own depth. */
static bool ends_tables(const struct sql_token *word)
{
	static const char *const words[] = { "where",  "set",	"select", "group",
					     "having", "order", "limit" };

	return is_among(word, words, ARRAY_SIZE(words));
}

/* A sequence's name may stand here: NEXT VALUE FOR s, and s.nextval in Oracle's mode. */
static bool is_refused(const struct sql_token *word)
{
	static const char *const words[] = { "for", "nextval", "currval", "lastval" };

	return is_among(word, words, ARRAY_SIZE(words));
}

static bool on_word(struct walk *walk)
{
	static const char *const before_tables[] = { "from",  "join",  "straight_join", "update",
						     "using", "table", "view" };
	const struct sql_token *word = &walk->token;
	bool call = walk->next.type == SQL_TOKEN_OPEN;
	bool list = !is(word, "into");

	if (is_refused(word))
		return false;
	if (walk->last.type == SQL_TOKEN_DOT || !is_name(word))
		return !call && !slice_starts_with(word->text, SLICE("@@"));
	if (call && !opens(word))
		return false;
	if (ends_tables(word))
		walk->tables &= ~((uint64_t)1 << walk->depth);
	if (call || (list && !is_among(word, before_tables, ARRAY_SIZE(before_tables))))
		return true;
	if (list)
		walk->tables |= (uint64_t)1 << walk->depth;
	if (take(walk, "if") && !take(walk, "exists"))
		return false;
	return take_table(walk);
}

static bool on_token(struct walk *walk)
{
	switch (walk->token.type) {
	case SQL_TOKEN_WORD:
		return on_word(walk);
	case SQL_TOKEN_QUOTED:
		return walk->next.type != SQL_TOKEN_OPEN &&
		       !slice_starts_with(walk->token.text, SLICE("@@"));
	case SQL_TOKEN_OPEN:
		if (++walk->depth == DEPTH_MAX)
			return false;
		walk->tables &= ~((uint64_t)1 << walk->depth);
		return true;
	case SQL_TOKEN_CLOSE:
		return walk->depth-- > 0;
	case SQL_TOKEN_COMMA:
		return !(walk->tables >> walk->depth & 1) || take_table(walk);
	case SQL_TOKEN_STRING:
	case SQL_TOKEN_NUMBER:
	case SQL_TOKEN_PLACEHOLDER:
	case SQL_TOKEN_OPERATOR:
	case SQL_TOKEN_DOT:
		return true;
	default: /* hints, code in comments, several statements, what cannot be read */
		return false;
	}
}

/* From the token that is next to the end. */
static bool rest(struct walk *walk)
{
	while (walk->next.type != SQL_TOKEN_END) {
		step(walk);
		if (!on_token(walk))
			return false;
	}
	return true;
}

/* SHOW CREATE stands before what is next. */
static enum sql_qualified show_create(struct walk *walk)
{
	static const char *const stored[] = { "function", "procedure", "trigger", "event" };
	enum sql_qualified qualified = SQL_QUALIFIED_YES;
	bool found;

	step(walk);
	if (is_among(&walk->token, stored, ARRAY_SIZE(stored))) {
		found = take_table(walk);
	} else if (is(&walk->token, "table")) {
		qualified = SQL_QUALIFIED_TABLE;
		found = take_table(walk);
	} else {
		found = (is(&walk->token, "database") || is(&walk->token, "schema")) &&
			take_name(walk);
	}
	return found && walk->next.type == SQL_TOKEN_END ? qualified : SQL_QUALIFIED_NO;
}

static bool show(struct walk *walk)
{
	static const char *const of_table[] = { "columns", "fields", "index", "indexes", "keys" };
	static const char *const of_database[] = { "tables", "triggers", "events" };
	bool table;

	(void)take_either(walk, "full", "extended");
	step(walk);
	if (is(&walk->token, "function") || is(&walk->token, "procedure"))
		return take(walk, "status") && rest(walk);
	table = is_among(&walk->token, of_table, ARRAY_SIZE(of_table));
	if (!table && !is_among(&walk->token, of_database, ARRAY_SIZE(of_database)) &&
	    !(is(&walk->token, "table") && take(walk, "status")))
		return false;
	if (!take_either(walk, "from", "in"))
		return false;
	return (table ? take_table(walk) : take_name(walk)) && walk->next.type != SQL_TOKEN_DOT &&
	       rest(walk);
}

/* The first word is the token. */
static bool changes_or_reads(struct walk *walk)
{
	bool known = is(&walk->token, "select") || is(&walk->token, "update");

	if (is(&walk->token, "insert")) {
		(void)take(walk, "ignore");
		known = is(&walk->next, "into");
	} else if (is(&walk->token, "replace")) {
		known = is(&walk->next, "into");
	} else if (is(&walk->token, "delete")) {
		known = is(&walk->next, "from");
	} else if (is(&walk->token, "truncate")) {
		known = is(&walk->next, "table");
	} else if (is(&walk->token, "drop")) {
		known = is(&walk->next, "table") || is(&walk->next, "view");
	}
	walk->tables = is(&walk->token, "update");
	if (walk->tables && !take_table(walk))
		return false;
	return known && rest(walk) && walk->named;
}

enum sql_qualified sql_qualified(const struct sql_statement *statement)
{
	struct sql_options options = sql_options_default(SQL_MYSQL);
	struct walk walk = { 0 };
	bool qualified;

	if (statement->dialect != SQL_MYSQL || statement->follows ||
	    statement->canonical.size > SQL_QUALIFIED_TEXT_MAX)
		return SQL_QUALIFIED_NO;
	sql_lexer_init(&walk.lexer, &options, statement->canonical);
	sql_lex_next(&walk.lexer, &walk.next);
	step(&walk);
	if (!is(&walk.token, "show"))
		qualified = changes_or_reads(&walk);
	else if (take(&walk, "create"))
		return show_create(&walk);
	else
		qualified = show(&walk);
	return qualified ? SQL_QUALIFIED_YES : SQL_QUALIFIED_NO;
}
