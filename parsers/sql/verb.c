/* SPDX-License-Identifier: Apache-2.0 */
/* Verbs; see verb.h. The first word decides nearly always; a few statements are told by a later
 * one. */
#include "parsers/sql/verb.h"

#include "parsers/compiler.h"

const char *sql_verb_name(enum sql_verb verb)
{
	static const char *const names[] = {
		[SQL_OTHER] = "other",
		[SQL_EMPTY] = "empty",
		[SQL_SELECT] = "select",
		[SQL_INSERT] = "insert",
		[SQL_UPDATE] = "update",
		[SQL_DELETE] = "delete",
		[SQL_MERGE] = "merge",
		[SQL_WITH_WRITE] = "with write",
		[SQL_CALL] = "call",
		[SQL_COPY] = "copy",
		[SQL_DDL] = "ddl",
		[SQL_BEGIN] = "begin",
		[SQL_COMMIT] = "commit",
		[SQL_ROLLBACK] = "rollback",
		[SQL_SAVEPOINT] = "savepoint",
		[SQL_RELEASE] = "release",
		[SQL_ROLLBACK_TO] = "rollback to",
		[SQL_SET] = "set",
		[SQL_SHOW] = "show",
		[SQL_DISCARD] = "discard",
		[SQL_PREPARE] = "prepare",
		[SQL_EXECUTE] = "execute",
		[SQL_DEALLOCATE] = "deallocate",
		[SQL_DECLARE] = "declare",
		[SQL_FETCH] = "fetch",
		[SQL_CLOSE] = "close",
		[SQL_LISTEN] = "listen",
		[SQL_UNLISTEN] = "unlisten",
		[SQL_NOTIFY] = "notify",
		[SQL_USE] = "use",
		[SQL_LOAD] = "load",
		[SQL_HANDLER] = "handler",
		[SQL_LOCK] = "lock",
		[SQL_UNLOCK] = "unlock",
		[SQL_KILL] = "kill",
		[SQL_XA] = "xa",
		[SQL_ADMIN] = "admin",
	};

	return (size_t)verb < ARRAY_SIZE(names) ? names[verb] : names[SQL_OTHER];
}

static uint8_t postgres_verb(enum sql_word word)
{
	/* 0 is SQL_OTHER. */
	static const uint8_t verbs[] = {
		[WORD_ABORT] = SQL_ROLLBACK,	[WORD_ALTER] = SQL_DDL,
		[WORD_BEGIN] = SQL_BEGIN,	[WORD_CALL] = SQL_CALL,
		[WORD_CLOSE] = SQL_CLOSE,	[WORD_COMMENT] = SQL_DDL,
		[WORD_COMMIT] = SQL_COMMIT,	[WORD_COPY] = SQL_COPY,
		[WORD_CREATE] = SQL_DDL,	[WORD_DEALLOCATE] = SQL_DEALLOCATE,
		[WORD_DECLARE] = SQL_DECLARE,	[WORD_DELETE] = SQL_DELETE,
		[WORD_DISCARD] = SQL_DISCARD,	[WORD_DO] = SQL_CALL,
		[WORD_DROP] = SQL_DDL,		[WORD_END] = SQL_COMMIT,
		[WORD_EXECUTE] = SQL_EXECUTE,	[WORD_EXPLAIN] = SQL_SELECT,
		[WORD_FETCH] = SQL_FETCH,	[WORD_GRANT] = SQL_DDL,
		[WORD_IMPORT] = SQL_DDL,	[WORD_INSERT] = SQL_INSERT,
		[WORD_LISTEN] = SQL_LISTEN,	[WORD_MERGE] = SQL_MERGE,
		[WORD_MOVE] = SQL_FETCH,	[WORD_NOTIFY] = SQL_NOTIFY,
		[WORD_PREPARE] = SQL_PREPARE,	[WORD_REASSIGN] = SQL_DDL,
		[WORD_REFRESH] = SQL_DDL,	[WORD_REINDEX] = SQL_DDL,
		[WORD_RELEASE] = SQL_RELEASE,	[WORD_REPLACE] = SQL_INSERT,
		[WORD_RESET] = SQL_SET,		[WORD_REVOKE] = SQL_DDL,
		[WORD_ROLLBACK] = SQL_ROLLBACK, [WORD_SAVEPOINT] = SQL_SAVEPOINT,
		[WORD_SECURITY] = SQL_DDL,	[WORD_SELECT] = SQL_SELECT,
		[WORD_SET] = SQL_SET,		[WORD_SHOW] = SQL_SHOW,
		[WORD_TABLE] = SQL_SELECT,	[WORD_TRUNCATE] = SQL_DDL,
		[WORD_UNLISTEN] = SQL_UNLISTEN, [WORD_UPDATE] = SQL_UPDATE,
		[WORD_VALUES] = SQL_SELECT,	[WORD_WITH] = SQL_SELECT,
	};

	return (size_t)word < ARRAY_SIZE(verbs) ? verbs[word] : SQL_OTHER;
}

static uint8_t mysql_verb(enum sql_word word)
{
	static const uint8_t verbs[] = {
		[WORD_ALTER] = SQL_DDL,
		[WORD_ANALYZE] = SQL_ADMIN,
		[WORD_BEGIN] = SQL_BEGIN,
		[WORD_CALL] = SQL_CALL,
		[WORD_CHANGE] = SQL_ADMIN,
		[WORD_CHECK] = SQL_ADMIN,
		[WORD_COMMIT] = SQL_COMMIT,
		[WORD_CREATE] = SQL_DDL,
		[WORD_DEALLOCATE] = SQL_DEALLOCATE,
		[WORD_DELETE] = SQL_DELETE,
		[WORD_DESCRIBE] = SQL_SELECT,
		[WORD_DO] = SQL_CALL,
		[WORD_DROP] = SQL_DDL,
		[WORD_EXECUTE] = SQL_EXECUTE,
		[WORD_EXPLAIN] = SQL_SELECT,
		[WORD_FLUSH] = SQL_ADMIN,
		[WORD_GRANT] = SQL_DDL,
		[WORD_HANDLER] = SQL_HANDLER,
		[WORD_IMPORT] = SQL_DDL,
		[WORD_INSERT] = SQL_INSERT,
		[WORD_INSTALL] = SQL_DDL,
		[WORD_KILL] = SQL_KILL,
		[WORD_LOAD] = SQL_LOAD,
		[WORD_LOCK] = SQL_LOCK,
		[WORD_OPTIMIZE] = SQL_ADMIN,
		[WORD_PREPARE] = SQL_PREPARE,
		[WORD_RELEASE] = SQL_RELEASE,
		[WORD_RENAME] = SQL_DDL,
		[WORD_REPLACE] = SQL_INSERT,
		[WORD_REVOKE] = SQL_DDL,
		[WORD_ROLLBACK] = SQL_ROLLBACK,
		[WORD_SAVEPOINT] = SQL_SAVEPOINT,
		[WORD_SELECT] = SQL_SELECT,
		[WORD_SET] = SQL_SET,
		[WORD_SHOW] = SQL_SHOW,
		[WORD_START] = SQL_ADMIN,
		[WORD_STOP] = SQL_ADMIN,
		[WORD_TABLE] = SQL_SELECT,
		[WORD_TRUNCATE] = SQL_DDL,
		[WORD_UNINSTALL] = SQL_DDL,
		[WORD_UNLOCK] = SQL_UNLOCK,
		[WORD_UPDATE] = SQL_UPDATE,
		[WORD_USE] = SQL_USE,
		[WORD_VALUES] = SQL_SELECT,
		[WORD_WITH] = SQL_SELECT,
		[WORD_XA] = SQL_XA,
	};

	return (size_t)word < ARRAY_SIZE(verbs) ? verbs[word] : SQL_OTHER;
}

static uint8_t verb_of(const struct sql_verb_state *state, enum sql_word word)
{
	return state->mysql ? mysql_verb(word) : postgres_verb(word);
}

static void begin(struct sql_verb_state *state, enum sql_word word)
{
	state->any = true;
	state->first = (uint8_t)word;
	state->verb = verb_of(state, word);
	state->explain = word == WORD_EXPLAIN || (state->mysql && word == WORD_DESCRIBE);
	state->second = true;
}

/* EXPLAIN [ANALYZE] [options] statement: only with ANALYZE the statement is executed. */
static void see_explained(struct sql_verb_state *state, enum sql_word word, size_t depth)
{
	bool analyze = state->analyze;

	if (word == WORD_ANALYZE)
		state->analyze = true;
	if (depth || word == WORD_ANALYZE || verb_of(state, word) == SQL_OTHER)
		return;
	if (analyze)
		begin(state, word);
	state->explain = false;
}

/* BEGIN NOT ATOMIC is a block of statements, ANALYZE SELECT executes what it explains. */
static void see_second_mysql(struct sql_verb_state *state, enum sql_word word)
{
	if (state->first == WORD_BEGIN && word == WORD_NOT)
		state->verb = SQL_CALL;
	else if (state->first == WORD_DROP && word == WORD_PREPARE)
		state->verb = SQL_DEALLOCATE;
	else if (state->first == WORD_ANALYZE && word != WORD_TABLE &&
		 verb_of(state, word) != SQL_OTHER)
		begin(state, word);
}

static void see_second(struct sql_verb_state *state, enum sql_word word)
{
	state->second = false;
	if (state->first == WORD_START && word == WORD_TRANSACTION)
		state->verb = SQL_BEGIN;
	if (state->mysql) {
		see_second_mysql(state, word);
		return;
	}
	if (state->first == WORD_PREPARE && word == WORD_TRANSACTION)
		state->verb = SQL_OTHER;
	/* The second half of a two-phase commit has nothing to do with the session's transaction.
	 */
	if ((state->first == WORD_COMMIT || state->first == WORD_ROLLBACK) && word == WORD_PREPARED)
		state->verb = SQL_OTHER;
}

static bool writes_in_with(enum sql_word word, size_t depth, bool behind_parenthesis)
{
	if (word == WORD_UPDATE)
		return behind_parenthesis; /* not FOR UPDATE */
	return (word == WORD_INSERT || word == WORD_DELETE || word == WORD_MERGE) &&
	       (behind_parenthesis || !depth);
}

void sql_verb_see(struct sql_verb_state *state, enum sql_word word, size_t depth,
		  bool behind_parenthesis)
{
	if (!state->any) {
		begin(state, word);
		return;
	}
	if (state->explain) {
		see_explained(state, word, depth);
		return;
	}
	if (state->second)
		see_second(state, word);
	if (state->first == WORD_WITH && writes_in_with(word, depth, behind_parenthesis))
		state->verb = SQL_WITH_WRITE;
	if (state->verb == SQL_SELECT && state->first != WORD_EXPLAIN && word == WORD_INTO &&
	    !depth && !state->mysql)
		state->verb = SQL_DDL;
	if (state->verb == SQL_ROLLBACK && word == WORD_TO)
		state->verb = SQL_ROLLBACK_TO;
}
