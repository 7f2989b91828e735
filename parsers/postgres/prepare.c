/* SPDX-License-Identifier: Apache-2.0 */
/* SQL's PREPARE; see prepare.h. PostgreSQL 15 documentation: PREPARE. */
#include "parsers/postgres/prepare.h"

#include "parsers/postgres/values.h"
#include "parsers/sql/literal.h"
#include "parsers/sql/type_name.h"

/* Bind counts parameters in 16 bits. */
#define TYPES_MAX UINT16_MAX
/* A server cuts longer names in SQL, but not those in messages. */
#define NAME_BYTES_MAX 63

static bool take_word(struct sql_stream *stream, uint8_t word)
{
	if (sql_stream_word(stream).word != word)
		return false;
	sql_stream_advance(stream);
	return true;
}

static bool take_name(struct sql_stream *stream, const struct sql_options *options,
		      struct arena *arena, struct slice *ret_name)
{
	const struct sql_token *token = &stream->next;
	struct slice name = token->text;
	uint8_t *folded;

	if (token->type == SQL_TOKEN_QUOTED) {
		if (!sql_decode_quoted(token, options, arena, &name))
			return false;
	} else if (token->type == SQL_TOKEN_WORD) {
		folded = arena_alloc(arena, name.size);
		for (size_t i = 0; i < name.size; i++)
			folded[i] = name.data[i] >= 'A' && name.data[i] <= 'Z' ?
					    name.data[i] | 0x20 :
					    name.data[i];
		name.data = folded;
	} else {
		return false;
	}
	*ret_name = name;
	sql_stream_advance(stream);
	return name.size <= NAME_BYTES_MAX;
}

/* The type that begins here, up to the comma or parenthesis behind it; 0: no built-in one. */
static uint32_t take_type(struct sql_stream *stream, struct arena *arena)
{
	struct sql_stream start = *stream;
	struct slice name;
	size_t depth = 0;

	if (sql_type_name(stream, false, arena, &name) &&
	    (stream->next.type == SQL_TOKEN_COMMA || stream->next.type == SQL_TOKEN_CLOSE))
		return pg_type_by_name(name);
	*stream = start;
	while (stream->next.type != SQL_TOKEN_END && stream->next.type != SQL_TOKEN_ERROR) {
		if (!depth &&
		    (stream->next.type == SQL_TOKEN_COMMA || stream->next.type == SQL_TOKEN_CLOSE))
			break;
		depth += stream->next.type == SQL_TOKEN_OPEN;
		depth -= stream->next.type == SQL_TOKEN_CLOSE;
		sql_stream_advance(stream);
	}
	return 0;
}

/* "(int, text)", or nothing. */
static bool take_types(struct sql_stream *stream, struct arena *arena, struct pg_prepare *prepare)
{
	uint32_t *types = NULL;
	size_t n = 0, room = 0;

	if (stream->next.type != SQL_TOKEN_OPEN)
		return true;
	do {
		if (n == TYPES_MAX)
			return false;
		if (n == room) {
			uint32_t *larger = arena_alloc(arena, (2 * room + 8) * sizeof(*larger));

			if (n)
				memcpy(larger, types, n * sizeof(*larger));
			types = larger;
			room = 2 * room + 8;
		}
		sql_stream_advance(stream);
		types[n++] = take_type(stream, arena);
	} while (stream->next.type == SQL_TOKEN_COMMA);
	if (stream->next.type != SQL_TOKEN_CLOSE)
		return false;
	sql_stream_advance(stream);
	prepare->types = types;
	prepare->n_types = n;
	return true;
}

bool pg_prepare_read(const struct sql_options *options, struct slice text, struct arena *arena,
		     struct pg_prepare *ret_prepare)
{
	struct pg_prepare prepare = { 0 };
	struct sql_stream stream;

	sql_lexer_init(&stream.lexer, options, text);
	sql_stream_advance(&stream);
	if (!take_word(&stream, WORD_PREPARE) ||
	    !take_name(&stream, options, arena, &prepare.name) ||
	    !take_types(&stream, arena, &prepare) || !take_word(&stream, WORD_AS))
		return false;
	prepare.text = slice_of(stream.next.text.data,
				(size_t)(text.data + text.size - stream.next.text.data));
	*ret_prepare = prepare;
	return true;
}
