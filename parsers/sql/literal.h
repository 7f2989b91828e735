/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Literals: from a token to its value in canonical text. Results borrow from the text where nothing
 * has to be decoded, else they lie in the arena. False: the server would refuse the literal; it has
 * no value.
 */
#ifndef MOCKPROXY_SQL_LITERAL_H
#define MOCKPROXY_SQL_LITERAL_H

#include "parsers/compiler.h"
#include "parsers/sql/lexer.h"

/* The value of a SQL_TOKEN_STRING or SQL_TOKEN_QUOTED; bit strings give their digits as written. The options are those of
 * the lexer that made the token. */
MUST_CHECK bool sql_decode_quoted(const struct sql_token *token, const struct sql_options *options,
				  struct arena *arena, struct slice *ret_value);

/* MySQL: the bytes of a string of form BINARY or HEX. */
MUST_CHECK bool sql_decode_bytes(const struct sql_token *token, struct arena *arena,
				 struct slice *ret_value);

/* The digits 0 and 1 of a string of form BINARY or HEX. */
MUST_CHECK bool sql_decode_bits(const struct sql_token *token, struct arena *arena,
				struct slice *ret_value);

/*
 * A number's canonical text: no needless zeros before it, no underscores, ".5" is "0.5",
 * hexadecimal is decimal as far as 64 bits go. Zeros at the end and the exponent stay; so does the
 * dot of "5.", which is what makes 5. / 2 another number than 5 / 2.
 */
struct slice sql_number_text(struct slice number, bool negative, struct arena *arena);

#endif
