/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Canonical SQL: what makes two texts the same statement (design §7).
 *
 * A text becomes a template, in which every literal and placeholder is one mark, and slots, one for each
 * mark in order, which say what stood there. White space, comments (not optimizer hints) and a trailing
 * semicolon are nothing; keywords and unquoted identifiers fold to lower case; a quoted identifier that
 * means the same as an unquoted one is written unquoted.
 *
 *	SELECT * FROM "t" WHERE a = -5 AND b = $1::date -- x
 *	select * from t where a = ? and b = ?
 *	                          slot 0: literal, number -5, compared
 *	                                      slot 1: placeholder 1, stated type date, compared
 *
 * The mark is `?`; PostgreSQL's operators that contain `?` are written with it doubled, so that no template
 * can mean two statements. A leading minus and a `::type` (or `type '...'`, or CAST) on a literal or
 * placeholder belong to its slot. TRUE, FALSE and NULL are slots where the slot is compared or assigned, and
 * keywords elsewhere (IS NULL, NOT NULL). The name of a cursor in DECLARE, FETCH, MOVE and CLOSE is a slot too, and that of a
 * prepared statement in PREPARE and EXECUTE: drivers make names up anew in each run.
 *
 * MySQL:
 *	- Reserved words fold, and so do a statement's first word, functions, variables, and all words of SET, SHOW and what ends
 *	  transactions. Every other name keeps its case, since tables' do. Backticks and, under ANSI_QUOTES, double quotes go
 *	  where the name means the same without.
 *	- TRUE and FALSE are the numbers 1 and 0. x'41', 0x41 and b'1000001' are the bytes "A" of the stated type
 *	  "hexadecimal", which adds like a number and is else a string. DATE '..', {d '..'} and their like are of the types date,
 *	  time and timestamp, _charset'..' is of the type "_charset", N'..' of "_utf8mb3". Where the slot is compared or assigned they
 *	  are equal to the plain string of the same text; a candidate of the same kind wins.
 *	- 'a' 'b' is 'ab'. What comparison and assignment take is compared, also LIMIT a, b and INTERVAL n DAY, but not what is
 *	  assigned to @x, which has no type of its own. CAST and COLLATE stay in the template.
 *	- A statement that reads @x depends on what was set before, and is the same statement nevertheless.
 *	- The name behind LOAD DATA LOCAL INFILE is a slot that is not compared: drivers write data to files of random names.
 *	- Code in comments: see lexer.h.
 *
 * All functions are pure: results borrow from the text or lie in the caller's arena. No input is an
 * error: what the lexer cannot read (an unterminated string) becomes the rest of the template verbatim.
 */
#ifndef MOCKPROXY_SQL_CANONICAL_H
#define MOCKPROXY_SQL_CANONICAL_H

#include "parsers/arena.h"
#include "parsers/slice.h"

/* Stored with every recording: another version means that stored hashes are stale. */
#define SQL_CANONICAL_VERSION 4

enum sql_dialect { SQL_POSTGRES = 1, SQL_MYSQL };

/*
 * What the text's character set means to the lexer: in MySQL's double-byte sets the second byte of a character
 * may be a backslash, a backtick or a letter, and is none.
 */
enum sql_charset {
	SQL_CHARSET_PLAIN, /* every byte below 0x80 is itself: utf8mb4, latin1, ujis, euckr ... */
	SQL_CHARSET_BIG5,
	SQL_CHARSET_GBK,  /* also gb18030 */
	SQL_CHARSET_SJIS, /* also cp932 */
};

/* Of a MySQL character set's or collation's name in any case: "gbk", "big5_chinese_ci". */
enum sql_charset sql_charset_of(struct slice name);

/* How the session has set its lexer. */
struct sql_options {
	uint8_t dialect; /* enum sql_dialect */
	/* PostgreSQL: standard_conforming_strings is off. MySQL: as long as sql_mode has no NO_BACKSLASH_ESCAPES. */
	bool backslash_escapes;
	bool ansi_quotes; /* MySQL: ".." is an identifier */
	uint8_t charset;  /* enum sql_charset; of character_set_client */
};

static inline bool sql_options_equal(const struct sql_options *a, const struct sql_options *b)
{
	return a->dialect == b->dialect && a->backslash_escapes == b->backslash_escapes &&
	       a->ansi_quotes == b->ansi_quotes && a->charset == b->charset;
}

/* As a session begins. */
struct sql_options sql_options_default(enum sql_dialect dialect);

/*
 * All the ways that a session of the dialect can set its lexer, the default first: for who has a text and does
 * not know how it was read. False: there is no nth.
 */
bool sql_options_nth(enum sql_dialect dialect, size_t n, struct sql_options *ret_options);

/* The kind of a value, which is identity where the slot is not compared (design §7). */
enum sql_kind {
	SQL_STRING, /* a string, or of no stated type */
	SQL_NUMBER,
	SQL_BOOLEAN,
	SQL_TYPED, /* of the type in `type` */
};

struct sql_value {
	uint8_t kind; /* enum sql_kind */
	bool null;
	bool bytes; /* text is raw bytes that have no text form: shown as hex */
	struct slice
		text; /* canonical: escapes decoded, number without needless zeros and signs, true/false */
	struct slice
		type; /* for SQL_TYPED: canonical name, as in "int4", "timestamptz", "numeric(10,2)" */
};

struct sql_slot {
	uint32_t placeholder; /* n of $n; 0: a literal */
	bool compared;	      /* compared with or assigned to something: kinds are equal across */
	bool secret;	      /* the literal is a password: its value is *** already */
	bool cursor; /* the literal is the name of a cursor or of a PREPARE: see sql_session_resolve() */
	bool file; /* the literal is the name of a file of the client's: no part of identity, as its content is (parsers/copy.h) */
	struct slice cast; /* a placeholder's stated type in the text, canonical; empty: none */
	struct sql_value literal;
	size_t at;   /* where it stands in the text ... */
	size_t size; /* ... and how long it is there */
};

/* Does the type that a client declares decide what the columns are? Not where the text states one: `$1::bigint`. */
static inline bool sql_slot_takes_type(const struct sql_slot *slot)
{
	return slot->placeholder && !slot->compared && !slot->cast.size;
}

enum sql_verb {
	SQL_OTHER,
	SQL_EMPTY,
	SQL_SELECT, /* also VALUES, TABLE, SHOW, EXPLAIN without ANALYZE: no writes by themselves */
	SQL_INSERT,
	SQL_UPDATE,
	SQL_DELETE,
	SQL_MERGE,
	SQL_WITH_WRITE, /* WITH ... INSERT/UPDATE/DELETE/MERGE */
	SQL_CALL,
	SQL_COPY,
	SQL_DDL,
	SQL_BEGIN,  /* also START TRANSACTION */
	SQL_COMMIT, /* also END */
	SQL_ROLLBACK,
	SQL_SAVEPOINT,
	SQL_RELEASE,
	SQL_ROLLBACK_TO,
	SQL_SET, /* also RESET */
	SQL_SHOW,
	SQL_DISCARD,
	SQL_PREPARE,
	SQL_EXECUTE,
	SQL_DEALLOCATE,
	SQL_DECLARE,
	SQL_FETCH, /* also MOVE */
	SQL_CLOSE,
	SQL_LISTEN,
	SQL_UNLISTEN,
	SQL_NOTIFY,
	/* MySQL's. There SQL_INSERT is also REPLACE, SQL_CALL also DO, SQL_SELECT also DESCRIBE. */
	SQL_USE,
	SQL_LOAD,    /* LOAD DATA, LOAD XML */
	SQL_HANDLER, /* HANDLER t OPEN, READ, CLOSE */
	SQL_LOCK,
	SQL_UNLOCK,
	SQL_KILL,
	SQL_XA,
	SQL_ADMIN, /* ANALYZE, CHECK, OPTIMIZE, FLUSH, CHANGE, START REPLICA and the like */
	SQL_VERBS, /* how many there are */
};

/* "select", "rollback to", ...: lower case, for people. */
const char *sql_verb_name(enum sql_verb verb);

/*
 * A text of more literals than this (a bulk INSERT of megabytes) is its own template: its literals stay in it as they are
 * written, and only placeholders and secrets have slots. Else a slot for each would cost a hundred times the text.
 */
#define SQL_SLOTS_MAX ((size_t)131072)

struct sql_statement {
	struct slice canonical;
	const struct sql_slot *slots;
	size_t n_slots;
	uint8_t verb;	       /* enum sql_verb */
	uint8_t dialect;       /* enum sql_dialect */
	uint32_t placeholders; /* the highest $n, or how many ? */
	bool has_secret;       /* sql_mask() has something to do */
	uint8_t follows;       /* enum sql_follows, see follows.h */
};

/*
 * One statement's canonical form. The text is one statement: see sql_split(). Everything in *ret_statement
 * lies in the arena or borrows from the text. Cost is linear in the text.
 */
void sql_canonicalize(const struct sql_options *options, struct slice text, struct arena *arena,
		      struct sql_statement *ret_statement);

/*
 * Cuts the next statement off a text of several: without its semicolon, not trimmed. False when the rest
 * holds no statement (white space and comments only). Semicolons in strings, quoted identifiers, comments,
 * dollar quotes, parentheses and BEGIN ATOMIC bodies do not separate; nor do those in the bodies of MySQL's procedures,
 * functions, triggers and events. `*rest` is moved behind what was cut.
 */
bool sql_split(const struct sql_options *options, struct slice *rest, struct slice *ret_statement);

/* How many statements sql_split() gives. One memchr when there is no semicolon. */
size_t sql_count(const struct sql_options *options, struct slice text);

/* The text with each secret literal replaced by '***'; the text itself when there is none. */
struct slice sql_mask(const struct sql_statement *statement, struct slice text,
		      struct arena *arena);

#endif
