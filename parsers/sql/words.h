/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words: what the canonical form and the splitter know of SQL's keywords. Only those that change
 * something are here; every other word is an identifier to them.
 */
#ifndef MOCKPROXY_SQL_WORDS_H
#define MOCKPROXY_SQL_WORDS_H

#include "parsers/sql/canonical.h"

enum sql_word_flag {
	/* Quoted it means another thing than unquoted, somewhere: stays quoted. */
	SQL_WORD_RESERVED = 1 << 0,
	/* An operand may follow: a minus is a sign, a parenthesis is none of a call. */
	SQL_WORD_BEFORE = 1 << 1,
	/* Ends the expression that stands before it. */
	SQL_WORD_AFTER = 1 << 2,
	/* Begins a type's name that may have several words or modifiers. */
	SQL_WORD_TYPE = 1 << 3,
	/* MySQL: not reserved, yet a keyword wherever no table's name stands. */
	SQL_WORD_FOLDS = 1 << 4,
};

enum sql_word {
	WORD_NONE,    /* an identifier */
	WORD_KEYWORD, /* one that only its flags matter of */
	WORD_ABORT,
	WORD_ALL,
	WORD_ALTER,
	WORD_ANALYZE,
	WORD_AND,
	WORD_ANY,
	WORD_ARRAY,
	WORD_AS,
	WORD_ATOMIC,
	WORD_BEGIN,
	WORD_BETWEEN,
	WORD_BIT,
	WORD_BY,
	WORD_CALL,
	WORD_CASE,
	WORD_CAST,
	WORD_CHAR,
	WORD_CHARACTER,
	WORD_CLOSE,
	WORD_COMMENT,
	WORD_COMMIT,
	WORD_CONNECTION,
	WORD_COPY,
	WORD_CREATE,
	WORD_DAY,
	WORD_DEALLOCATE,
	WORD_DECLARE,
	WORD_DELETE,
	WORD_DISCARD,
	WORD_DISTINCT,
	WORD_DO,
	WORD_DOUBLE,
	WORD_DROP,
	WORD_END,
	WORD_EXECUTE,
	WORD_EXPLAIN,
	WORD_FALSE,
	WORD_FETCH,
	WORD_FIRST,
	WORD_FLOAT,
	WORD_FOR,
	WORD_FROM,
	WORD_GRANT,
	WORD_HOUR,
	WORD_IDENTIFIED,
	WORD_ILIKE,
	WORD_IMPORT,
	WORD_IN,
	WORD_INSERT,
	WORD_INTERVAL,
	WORD_INTO,
	WORD_IS,
	WORD_LIKE,
	WORD_LIMIT,
	WORD_LISTEN,
	WORD_MERGE,
	WORD_MINUTE,
	WORD_MONTH,
	WORD_MOVE,
	WORD_NATIONAL,
	WORD_NEXT,
	WORD_NOT,
	WORD_NOTIFY,
	WORD_NULL,
	WORD_OFFSET,
	WORD_PASSWORD,
	WORD_PRECISION,
	WORD_PREPARE,
	WORD_PREPARED,
	WORD_PRIMARY_CONNINFO,
	WORD_REASSIGN,
	WORD_REFRESH,
	WORD_REINDEX,
	WORD_RELEASE,
	WORD_REPLACE,
	WORD_RESET,
	WORD_REVOKE,
	WORD_ROLLBACK,
	WORD_SAVEPOINT,
	WORD_SECOND,
	WORD_SECURITY,
	WORD_SELECT,
	WORD_SET,
	WORD_SHOW,
	WORD_SOME,
	WORD_START,
	WORD_SYMMETRIC,
	WORD_TABLE,
	WORD_TIME,
	WORD_TIMESTAMP,
	WORD_TO,
	WORD_TRANSACTION,
	WORD_TRUE,
	WORD_TRUNCATE,
	WORD_UNLISTEN,
	WORD_UPDATE,
	WORD_VALUES,
	WORD_VARYING,
	WORD_WITH,
	WORD_WITHOUT,
	WORD_YEAR,
	WORD_ZONE,
	/* MySQL's */
	WORD_CHANGE,
	WORD_CHECK,
	WORD_DATABASE,
	WORD_DESCRIBE,
	WORD_ELSE,
	WORD_EVENT,
	WORD_EXISTS,
	WORD_FLUSH,
	WORD_FUNCTION,
	WORD_HANDLER,
	WORD_IF,
	WORD_INDEX,
	WORD_INFILE,
	WORD_INSTALL,
	WORD_JOIN,
	WORD_KEY,
	WORD_KILL,
	WORD_LOAD,
	WORD_LOCAL,
	WORD_LOCK,
	WORD_LOOP,
	WORD_MASTER_PASSWORD,
	WORD_ON,
	WORD_OPTIMIZE,
	WORD_PROCEDURE,
	WORD_REGEXP,
	WORD_RENAME,
	WORD_REPEAT,
	WORD_ROW,
	WORD_SCHEMA,
	WORD_STOP,
	WORD_THEN,
	WORD_TRIGGER,
	WORD_UNINSTALL,
	WORD_UNIT, /* of INTERVAL; those above are others of these */
	WORD_UNLOCK,
	WORD_USE,
	WORD_USING,
	WORD_VALUE,
	WORD_VIEW,
	WORD_WHILE,
	WORD_XA,
};

struct sql_word_info {
	uint8_t word;  /* enum sql_word */
	uint8_t flags; /* enum sql_word_flag */
};

/* Of a word in lower case; { WORD_NONE, 0 } for an identifier. */
struct sql_word_info sql_word_lookup(struct slice lower);
/* The same of MySQL's and MariaDB's words. */
struct sql_word_info sql_word_lookup_mysql(struct slice lower);

static inline struct sql_word_info sql_word_of(uint8_t dialect, struct slice lower)
{
	return dialect == SQL_MYSQL ? sql_word_lookup_mysql(lower) : sql_word_lookup(lower);
}

#endif
