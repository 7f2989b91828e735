/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of types as SQL writes them, to one canonical name: "integer" is "int4", "timestamp(3) with
 * time zone" is "timestamptz(3)", "char(2)[]" is "bpchar(2)[]". Other names are folded as
 * identifiers are.
 */
#ifndef MOCKPROXY_SQL_TYPE_NAME_H
#define MOCKPROXY_SQL_TYPE_NAME_H

#include "parsers/compiler.h"
#include "parsers/sql/lexer.h"
#include "parsers/sql/words.h"

/* A lexer with the next token looked at. Copying it is remembering a place to go back to. */
struct sql_stream {
	struct sql_lexer lexer;
	struct sql_token next;
	const uint8_t *previous_end; /* where the token before it ends */
};

static inline void sql_stream_advance(struct sql_stream *stream)
{
	stream->previous_end = stream->lexer.at;
	sql_lex_next(&stream->lexer, &stream->next);
}

/* The word's letters folded, in `room`; an empty slice when it is longer. */
struct slice sql_fold_word(struct slice word, uint8_t *room, size_t size);
/* What the next token is, if it is a word. */
struct sql_word_info sql_stream_word(const struct sql_stream *stream);
/* Is a quoted identifier of this (decoded) name the same as an unquoted one? */
bool sql_is_unquotable(struct slice name);

/* Longest word that is a keyword, a type's name or anything else that is looked up. */
#define SQL_WORD_BYTES_MAX 32

/*
 * The type that begins at the next token, and moves behind it. `constant`: it stands before a
 * string, where char and bit without a length mean any length. The result is static or lies in the
 * arena. False: no type that can be named here; the stream is then anywhere.
 */
MUST_CHECK bool sql_type_name(struct sql_stream *stream, bool constant, struct arena *arena,
			      struct slice *ret_type);

/* Behind INTERVAL '...': the fields, as in "interval day to second". False: none, nothing moved. */
bool sql_interval_fields(struct sql_stream *stream, struct arena *arena, struct slice *ret_type);

/* Is a word followed by a string a constant of that type ("date '2020-01-01'")? Only built-in names
 * are known. */
bool sql_is_constant_type(struct slice lower);

#endif
