/* SPDX-License-Identifier: Apache-2.0 */
/* The reader of canonical statements; see session_state.h. */
#include "parsers/sql/literal.h"
#include "parsers/sql/session_state.h"

bool sql_reader_is_mark(const struct sql_token *token)
{
	return (token->type == SQL_TOKEN_OPERATOR || token->type == SQL_TOKEN_PLACEHOLDER) &&
	       slice_equal(token->text, SLICE("?"));
}

void sql_reader_advance(struct sql_reader *reader)
{
	sql_lex_next(&reader->lexer, &reader->token);
	if (sql_reader_is_mark(&reader->token))
		reader->mark++;
}

void sql_reader_init(struct sql_reader *reader, const struct sql_options *options,
		     const struct sql_statement *statement, const struct sql_value *values,
		     struct arena *arena)
{
	*reader = (struct sql_reader){ .options = *options,
				       .values = values,
				       .n_values = statement->n_slots,
				       .arena = arena };
	sql_lexer_init(&reader->lexer, options, statement->canonical);
	sql_reader_advance(reader);
}

bool sql_reader_at_word(const struct sql_reader *reader, struct slice word)
{
	return reader->token.type == SQL_TOKEN_WORD && slice_equal(reader->token.text, word);
}

bool sql_reader_take_word(struct sql_reader *reader, struct slice word)
{
	if (!sql_reader_at_word(reader, word))
		return false;
	sql_reader_advance(reader);
	return true;
}

bool sql_reader_take_text(struct sql_reader *reader, struct slice *ret_text)
{
	if (sql_reader_is_mark(&reader->token)) {
		if (reader->mark > reader->n_values || reader->values[reader->mark - 1].null)
			return false;
		*ret_text = reader->values[reader->mark - 1].text;
		if (!ret_text->data)
			*ret_text = SLICE("");
	} else if (reader->token.type == SQL_TOKEN_QUOTED) {
		if (!sql_decode_quoted(&reader->token, &reader->options, reader->arena, ret_text))
			return false;
	} else if (reader->token.type == SQL_TOKEN_WORD) {
		*ret_text = reader->token.text;
	} else {
		return false;
	}
	sql_reader_advance(reader);
	return true;
}
