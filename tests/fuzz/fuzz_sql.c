/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQL: tokens lie in the text in order; pieces of a split are in order and none is empty; slots are
 * in bounds; white space and comments between tokens change nothing; hashes of equal requests are
 * equal; a session survives any statement. In MySQL the canonical text is
 * its own canonical form. The first byte chooses dialect and options.
 */
#include "parsers/json.h"
#include "parsers/sql/forms.h"
#include "parsers/sql/identity.h"
#include "parsers/sql/lexer.h"
#include "parsers/sql/qualified.h"
#include "parsers/sql/session.h"
#include "parsers/sql/shape.h"

#include <stdlib.h>

static void check(bool good)
{
	if (!good)
		abort();
}

static void check_tokens(const struct sql_options *options, struct slice text)
{
	struct sql_lexer lexer;
	struct sql_token token;
	const uint8_t *at;

	sql_lexer_init(&lexer, options, text);
	at = lexer.at;
	for (;;) {
		sql_lex_next(&lexer, &token);
		check(token.text.data >= at &&
		      token.text.size <= (size_t)(lexer.end - token.text.data));
		at = token.text.data + token.text.size;
		if (token.type == SQL_TOKEN_END)
			break;
		check(token.text.size > 0);
		if (token.type == SQL_TOKEN_ERROR)
			check(at == lexer.end);
		if (token.type == SQL_TOKEN_STRING || token.type == SQL_TOKEN_QUOTED)
			check(token.inner.data >= token.text.data &&
			      token.inner.data + token.inner.size <= at);
	}
}

static void check_slots(const struct sql_statement *statement, struct slice text)
{
	size_t at = 0;

	for (size_t i = 0; i < statement->n_slots; i++) {
		const struct sql_slot *slot = &statement->slots[i];

		check(slot->at >= at && slot->size > 0);
		at = slot->at + slot->size;
		check(at <= text.size);
	}
}

/* The same tokens with a comment and a newline between any two that did not touch. */
static void spread(const struct sql_options *options, struct slice text, struct buffer *out)
{
	struct sql_lexer lexer;
	struct sql_token token;
	const uint8_t *end;
	bool quote;

	sql_lexer_init(&lexer, options, text);
	end = lexer.at;
	buffer_append_string(out, " /* a ' comment */ ");
	for (;;) {
		sql_lex_next(&lexer, &token);
		if (token.type == SQL_TOKEN_END)
			break;
		/* A newline would make one string of two, be the second finished or not. */
		quote = token.type == SQL_TOKEN_STRING || token.type == SQL_TOKEN_ERROR;
		if (token.text.data != end)
			buffer_append_string(out, quote ? " /* \" */ " : " -- '\n\t");
		buffer_append_slice(out, token.text);
		end = token.text.data + token.text.size;
	}
}

static void check_equal(const struct sql_statement *a, const struct sql_statement *b)
{
	const struct sql_context context = { .database = SLICE("db") };
	struct sql_value *values = calloc(2 * a->n_slots + 1, sizeof(*values));
	struct sql_value *others = values + a->n_slots;

	check(slice_equal(a->canonical, b->canonical) && a->n_slots == b->n_slots &&
	      a->verb == b->verb);
	sql_slot_values(a, NULL, 0, values);
	sql_slot_values(b, NULL, 0, others);
	check(sql_values_equal(a, values, others) && sql_kinds_equal(values, others, a->n_slots));
	check(sql_exact_hash(&context, a, values) == sql_exact_hash(&context, b, others));
	check(sql_loose_hash(&context, a, values) == sql_loose_hash(&context, b, others));
	check(sql_compare_shapes(a, b) == SQL_SHAPES_EQUAL);
	free(values);
}

/* Every byte that is said is there. */
static void heard(void *context, struct slice channel, struct slice payload)
{
	uint64_t *sum = context;

	for (size_t i = 0; i < channel.size; i++)
		*sum += channel.data[i];
	for (size_t i = 0; i < payload.size; i++)
		*sum += payload.data[i];
}

static void check_session(const struct sql_statement *statement, struct sql_session *session,
			  bool ok)
{
	struct sql_value *values = calloc(statement->n_slots + 1, sizeof(*values));
	struct arena arena;
	uint64_t sum = 0;

	arena_init(&arena);
	sql_slot_values(statement, NULL, 0, values);
	sql_session_resolve(session, statement, values, &arena);
	sql_session_statement(session, statement, values, ok);
	sql_notifications(statement, values, &(struct sql_notify){ &sum, heard });
	arena_release(&arena);
	(void)sql_session_context(session);
	free(values);
}

static void check_values_json(const struct sql_statement *statement, struct arena *arena)
{
	struct sql_value *values = calloc(statement->n_slots + 1, sizeof(*values));
	struct sql_value *parsed;
	struct buffer json;
	size_t n;

	buffer_init(&json, 1 << 24);
	sql_slot_values(statement, NULL, 0, values);
	sql_values_json(values, statement->n_slots, &json);
	check(!json.overflowed && utf8_valid(buffer_slice(&json)));
	check(sql_values_parse(buffer_slice(&json), arena, &parsed, &n) == 0 &&
	      n == statement->n_slots);
	buffer_release(&json);
	free(values);
}

/* In MySQL, what follows decides whether two dashes are a comment, and some comments are code. */
static bool may_spread(const struct sql_options *options, struct slice text)
{
	if (options->dialect != SQL_MYSQL || !text.data || !text.size)
		return true;
	return !memmem(text.data, text.size, "--", 2) && !memmem(text.data, text.size, "/*!", 3) &&
	       !memmem(text.data, text.size, "/*M!", 4) && !memmem(text.data, text.size, "/*+", 3);
}

/* What the lexer read to its end is read again as itself. */
static void check_again(const struct sql_options *options, const struct sql_statement *statement,
			struct arena *arena)
{
	struct sql_options plain = *options;
	struct sql_statement again;
	struct sql_lexer lexer;
	struct sql_token token;

	/* A name, or a variable's, that ends in half a character is another one between backticks. */
	if (options->dialect != SQL_MYSQL || (options->ansi_quotes && options->charset) ||
	    (options->charset &&
	     memmem(statement->canonical.data, statement->canonical.size, "@`", 2)) ||
	    statement->has_secret || !statement->canonical.size ||
	    memmem(statement->canonical.data, statement->canonical.size, "/*", 2))
		return;
	sql_lexer_init(&lexer, options, statement->canonical);
	do {
		sql_lex_next(&lexer, &token);
		if (token.type == SQL_TOKEN_ERROR)
			return;
	} while (token.type != SQL_TOKEN_END);
	plain.ansi_quotes = false;
	sql_canonicalize(&plain, statement->canonical, arena, &again);
	check(slice_equal(again.canonical, statement->canonical));
}

/* The same text with other literals in it, mostly: longer numbers and strings. */
static void change_literals(struct slice text, struct buffer *out)
{
	bool string = false;

	for (size_t i = 0; i < text.size; i++) {
		uint8_t byte = text.data[i];
		bool digit = byte >= '0' && byte <= '9';
		bool more = i + 1 < text.size;

		string ^= byte == '\'';
		if (digit && !string)
			byte = (uint8_t)('1' + (byte - '0' + 3) % 9);
		else if (string && ascii_lower(byte) >= 'a' && ascii_lower(byte) <= 'y')
			byte++;
		buffer_append_u8(out, byte);
		if (string && more && text.data[i + 1] == '\'' && byte != '\'')
			buffer_append_u8(out, 'q');
		if (digit && !string && (!more || text.data[i + 1] < '0'))
			buffer_append_u8(out, '7');
	}
}

/* A form that was made of other texts gives what the text itself gives. */
static void check_forms(const struct sql_options *options, const struct sql_statement *statement,
			struct slice text, struct arena *arena)
{
	struct sql_forms *forms = sql_forms_new();
	struct sql_statement other;
	struct buffer changed;

	buffer_init(&changed, 2 * text.size + 64);
	change_literals(text, &changed);
	for (size_t i = 0; i < 2; i++)
		sql_forms_canonicalize(forms, options, buffer_slice(&changed), arena, &other);
	for (size_t i = 0; i < 3; i++) {
		sql_forms_canonicalize(forms, options, text, arena, &other);
		check_equal(statement, &other);
		check(other.has_secret == statement->has_secret &&
		      other.placeholders == statement->placeholders);
		for (size_t k = 0; k < other.n_slots; k++)
			check(other.slots[k].at == statement->slots[k].at &&
			      other.slots[k].size == statement->slots[k].size &&
			      other.slots[k].secret == statement->slots[k].secret);
	}
	buffer_release(&changed);
	sql_forms_free(forms);
}

static void check_statement(const struct sql_options *options, struct slice text,
			    struct sql_session *session)
{
	struct sql_statement statement, other;
	struct buffer spread_text;
	struct arena arena;

	arena_init(&arena);
	sql_canonicalize(options, text, &arena, &statement);
	check_slots(&statement, text);
	check(statement.canonical.size <= 4 * text.size + 64);
	(void)sql_mask(&statement, text, &arena);
	check(statement.dialect == SQL_MYSQL || sql_qualified(&statement) == SQL_QUALIFIED_NO);
	check_values_json(&statement, &arena);
	check_again(options, &statement, &arena);
	check_forms(options, &statement, text, &arena);
	if (may_spread(options, text)) {
		buffer_init(&spread_text, 32 * text.size + 64);
		spread(options, text, &spread_text);
		sql_canonicalize(options, buffer_slice(&spread_text), &arena, &other);
		check_equal(&statement, &other);
		buffer_release(&spread_text);
	}
	check_session(&statement, session, text.size % 5 != 0);
	arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sql_options options = { .dialect = SQL_POSTGRES };
	struct sql_session *session;
	struct slice text, rest, piece;
	const uint8_t *at;
	size_t count = 0;

	if (!size)
		return 0;
	options.dialect = data[0] & 1 ? SQL_MYSQL : SQL_POSTGRES;
	options.backslash_escapes = data[0] & 2;
	if (options.dialect == SQL_MYSQL) {
		options.ansi_quotes = data[0] & 4;
		options.charset = (uint8_t)(data[0] >> 3 & 3);
	}
	text = slice_of(data + 1, size - 1);
	session = sql_session_new((enum sql_dialect)options.dialect, SLICE("db"));
	check_tokens(&options, text);
	rest = text;
	at = rest.data;
	while (sql_split(&options, &rest, &piece)) {
		check(piece.size > 0 && piece.data >= at &&
		      piece.data + piece.size <= text.data + text.size);
		at = piece.data + piece.size;
		check_statement(&options, piece, session);
		count++;
	}
	check(count == sql_count(&options, text));
	check_statement(&options, text, session);
	sql_session_batch_end(session, size % 2);
	if (size % 3 == 0)
		sql_session_reset(session);
	(void)sql_session_options(session);
	(void)sql_session_setting(session, SLICE("sql_mode"));
	sql_session_free(session);
	return 0;
}
