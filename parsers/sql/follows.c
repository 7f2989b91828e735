/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See follows.h. MySQL 8.4 reference manual, 12.15 "Information Functions" and 15.6.7.5 "Diagnostics Area"; PostgreSQL's manual,
 * 9.17 "Sequence Manipulation Functions".
 */
#include "parsers/sql/follows.h"

#include "parsers/compiler.h"
#include "parsers/sql/lexer.h"

struct name {
	const char *name;
	uint8_t follows;
};

static const struct name postgres_calls[] = {
	{ "lastval", SQL_FOLLOWS_GENERATED },
	{ "currval", SQL_FOLLOWS_GENERATED },
	{ "nextval", SQL_FOLLOWS_GENERATES },
	{ "setval", SQL_FOLLOWS_GENERATES },
};

/* MariaDB's sequences have functions too. */
static const struct name mysql_calls[] = {
	{ "found_rows", SQL_FOLLOWS_LAST },	     { "row_count", SQL_FOLLOWS_LAST },
	{ "last_insert_id", SQL_FOLLOWS_GENERATED }, { "lastval", SQL_FOLLOWS_GENERATED },
	{ "nextval", SQL_FOLLOWS_GENERATES },	     { "setval", SQL_FOLLOWS_GENERATES },
};

/* Behind @@, @@session. or @@local. */
static const struct name mysql_variables[] = {
	{ "warning_count", SQL_FOLLOWS_LAST },
	{ "error_count", SQL_FOLLOWS_LAST },
	{ "last_insert_id", SQL_FOLLOWS_GENERATED },
	{ "identity", SQL_FOLLOWS_GENERATED },
};

/* How statements begin; as the canonical form is spaced. */
static const struct name mysql_starts[] = {
	{ "show warnings", SQL_FOLLOWS_LAST | SQL_FOLLOWS_KEEPS },
	{ "show errors", SQL_FOLLOWS_LAST | SQL_FOLLOWS_KEEPS },
	{ "show count(*) warnings", SQL_FOLLOWS_LAST | SQL_FOLLOWS_KEEPS },
	{ "show count(*) errors", SQL_FOLLOWS_LAST | SQL_FOLLOWS_KEEPS },
	{ "get diagnostics", SQL_FOLLOWS_LAST | SQL_FOLLOWS_KEEPS },
	{ "get current diagnostics", SQL_FOLLOWS_LAST | SQL_FOLLOWS_KEEPS },
	{ "get stacked diagnostics", SQL_FOLLOWS_LAST | SQL_FOLLOWS_KEEPS },
};

static bool is(struct slice word, const char *name)
{
	return slice_equal_nocase(word, slice_from_string(name));
}

static uint8_t find(const struct name *names, size_t n, struct slice word)
{
	for (size_t i = 0; i < n; i++)
		if (is(word, names[i].name))
			return names[i].follows;
	return 0;
}

/* What a variable is called behind its scope; of another word all of it. */
static struct slice behind_scope(struct slice word)
{
	if (word.size < 2 || word.data[0] != '@' || word.data[1] != '@')
		return word;
	for (size_t i = word.size; i > 2; i--)
		if (word.data[i - 1] == '.')
			return slice_of(word.data + i, word.size - i);
	return slice_of(word.data + 2, word.size - 2);
}

/* Every word of every text is asked for: few have one of these sizes. */
bool sql_follows_word(struct slice word)
{
	word = behind_scope(word);
	switch (word.size) {
	case 6:
		return is(word, "errors") || is(word, "setval");
	case 7:
		return is(word, "lastval") || is(word, "currval") || is(word, "nextval");
	case 8:
		return is(word, "warnings") || is(word, "identity");
	case 9:
		return is(word, "row_count");
	case 10:
		return is(word, "found_rows");
	case 11:
		return is(word, "diagnostics") || is(word, "error_count");
	case 13:
		return is(word, "warning_count");
	case 14:
		return is(word, "last_insert_id");
	default:
		return false;
	}
}

/* The token `word` and the two behind it. */
static uint8_t call(enum sql_dialect dialect, const struct sql_token *word,
		    const struct sql_token *next, const struct sql_token *after)
{
	uint8_t follows;

	if (word->type != SQL_TOKEN_WORD || next->type != SQL_TOKEN_OPEN)
		return 0;
	if (dialect == SQL_POSTGRES)
		return find(postgres_calls, ARRAY_SIZE(postgres_calls), word->text);
	follows = find(mysql_calls, ARRAY_SIZE(mysql_calls), word->text);
	/* With an argument it is what is told next. */
	if (after->type != SQL_TOKEN_CLOSE && is(word->text, "last_insert_id"))
		follows = SQL_FOLLOWS_GENERATES;
	return follows;
}

static uint8_t variable(const struct sql_token *word)
{
	if (word->type != SQL_TOKEN_WORD || !slice_starts_with(word->text, SLICE("@@")))
		return 0;
	return find(mysql_variables, ARRAY_SIZE(mysql_variables), behind_scope(word->text));
}

static uint8_t start(struct slice canonical)
{
	for (size_t i = 0; i < ARRAY_SIZE(mysql_starts); i++) {
		struct slice known = slice_from_string(mysql_starts[i].name);

		if (canonical.size >= known.size &&
		    slice_equal_nocase(slice_of(canonical.data, known.size), known) &&
		    (canonical.size == known.size || canonical.data[known.size] == ' '))
			return mysql_starts[i].follows;
	}
	return 0;
}

uint8_t sql_follows(enum sql_dialect dialect, struct slice canonical)
{
	struct sql_options options = sql_options_default(dialect);
	struct sql_token tokens[4] = { 0 }; /* the one before, one, and the two behind it */
	struct sql_lexer lexer;
	uint8_t follows;

	if (canonical.size > SQL_FOLLOWS_TEXT_MAX)
		return 0;
	follows = dialect == SQL_MYSQL ? start(canonical) : 0;
	sql_lexer_init(&lexer, &options, canonical);
	sql_lex_next(&lexer, &tokens[2]);
	sql_lex_next(&lexer, &tokens[3]);
	while (tokens[2].type != SQL_TOKEN_END) {
		memmove(tokens, tokens + 1, 3 * sizeof(*tokens));
		sql_lex_next(&lexer, &tokens[3]);
		/* MySQL: a function of the user's, in a database. */
		if (dialect == SQL_POSTGRES || tokens[0].type != SQL_TOKEN_DOT)
			follows |= call(dialect, &tokens[1], &tokens[2], &tokens[3]);
		if (dialect == SQL_MYSQL)
			follows |= variable(&tokens[1]);
	}
	return follows;
}
