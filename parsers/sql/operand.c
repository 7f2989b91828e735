/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Literals and placeholders to slots: their values, the casts on them, and what among them is
 * secret; see template.h.
 *
 * A slot's type is the last one stated. Of a chain of casts the inner ones change the value too, so
 * they stay in the template behind the mark: '5.7'::numeric::int is the slot int4 "5.7" and the
 * text `?::numeric`.
 */
#include "parsers/sql/literal.h"
#include "parsers/sql/template.h"
#include "parsers/sql/value.h"

struct operand {
	struct sql_value value;
	uint32_t placeholder;
	bool is_placeholder;
	bool secret;
	bool file;
	const uint8_t *start; /* in the text */
	struct slice type;    /* the last that was stated; empty: none */
	size_t n_types;
};

/* `end`: where it ends in the text. The mark and the inner casts were written. */
static void add_slot(struct sql_template *template, const struct operand *operand,
		     const uint8_t *end)
{
	bool compared = sql_place_slot(template);
	struct sql_slot *slot;

	if (template->n_slots >= SQL_SLOTS_MAX && !operand->secret &&
	    (!operand->placeholder || template->n_slots >= 2 * SQL_SLOTS_MAX)) {
		template->too_many = true;
		return;
	}
	if (template->n_slots == template->slots_capacity) {
		size_t capacity = template->slots_capacity ? 2 * template->slots_capacity : 4;
		struct sql_slot *slots = arena_alloc(template->arena, capacity * sizeof(*slots));

		if (template->n_slots)
			memcpy(slots, template->slots, template->n_slots * sizeof(*slots));
		template->slots = slots;
		template->slots_capacity = capacity;
	}
	slot = &template->slots[template->n_slots++];
	slot->placeholder = operand->placeholder;
	slot->compared = compared;
	slot->secret = operand->secret;
	slot->file = operand->file;
	slot->at = (size_t)(operand->start - template->text);
	slot->size = (size_t)(end - operand->start);
	if (operand->is_placeholder) {
		slot->cast = operand->type;
	} else {
		slot->literal = operand->value;
		if (operand->type.size && !operand->secret) {
			slot->literal.kind = SQL_TYPED;
			slot->literal.type = operand->type;
			if (operand->n_types == 1)
				sql_value_normalise(&slot->literal);
		}
	}
	if (operand->secret)
		template->has_secret = true;
	if (operand->placeholder > template->placeholders)
		template->placeholders = operand->placeholder;
}

static void write_mark(struct sql_template *template)
{
	sql_template_space(template);
	sql_template_write(template, SLICE("?"));
}

/* A number that a server writes otherwise than it stands here: 1e2 and 5. are '100' and '5' as text, which '1e2' and '5.' are not. */
static bool is_reformatted(const struct operand *operand)
{
	struct slice text = operand->value.text;

	return !operand->is_placeholder && operand->value.kind == SQL_NUMBER && text.size &&
	       (text.data[text.size - 1] == '.' || memchr(text.data, 'e', text.size));
}

static void add_type(struct sql_template *template, struct operand *operand, struct slice type)
{
	if (!operand->type.size && is_reformatted(operand)) {
		operand->type = SLICE("numeric");
		operand->n_types = 1;
	}
	if (operand->type.size) {
		sql_template_write(template, SLICE("::"));
		sql_template_write(template, operand->type);
	}
	operand->type = type;
	operand->n_types++;
}

/* All the ::type that come next. Moves *end behind the last. */
static void read_casts(struct sql_template *template, struct operand *operand, const uint8_t **end)
{
	struct sql_stream *stream = &template->stream;

	while (stream->next.type == SQL_TOKEN_CAST) {
		struct sql_stream saved = *stream;
		struct slice type;

		sql_stream_advance(stream);
		if (!sql_type_name(stream, false, template->arena, &type)) {
			*stream = saved;
			return;
		}
		add_type(template, operand, type);
		*end = stream->previous_end;
	}
}

static void finish(struct sql_template *template, struct operand *operand, const uint8_t *end)
{
	read_casts(template, operand, &end);
	add_slot(template, operand, end);
}

static bool contains_nocase(struct slice text, struct slice lower)
{
	for (size_t i = 0; text.size - i >= lower.size && i < text.size; i++)
		if (ascii_lower(text.data[i]) == lower.data[0] &&
		    slice_equal_nocase(slice_of(text.data + i, lower.size), lower))
			return true;
	return false;
}

/* A connection string with a password: "password = x", or the user part of a URI. */
static bool holds_password(struct slice text)
{
	return contains_nocase(text, SLICE("password")) ||
	       (contains_nocase(text, SLICE("://")) && memchr(text.data, '@', text.size));
}

static bool is_password_place(const struct sql_template *template)
{
	if (template->options->dialect == SQL_MYSQL)
		return sql_mysql_is_secret_place(template);
	return template->last_word == WORD_PASSWORD;
}

static void make_secret(struct operand *operand)
{
	operand->secret = true;
	operand->value = (struct sql_value){ .kind = SQL_STRING, .text = SLICE("***") };
}

static void state_type(struct operand *operand, struct slice type)
{
	operand->type = type;
	operand->n_types = 1;
}

/* The value of a string token; false when the server would refuse it. */
static bool read_string(struct sql_template *template, const struct sql_token *token,
			struct operand *operand)
{
	struct sql_value *value = &operand->value;
	bool bits = token->form == SQL_FORM_BINARY || token->form == SQL_FORM_HEX;

	value->kind = SQL_STRING;
	if (is_password_place(template)) {
		make_secret(operand);
		return true;
	}
	if (bits && template->options->dialect == SQL_MYSQL) {
		state_type(operand, SLICE("hexadecimal"));
		return sql_decode_bytes(token, template->arena, &value->text);
	}
	if (bits) {
		state_type(operand, SLICE("bit"));
		return sql_decode_bits(token, template->arena, &value->text);
	}
	if (token->form == SQL_FORM_NATIONAL || token->form == SQL_FORM_NATIONAL_ESCAPE)
		state_type(operand, template->options->dialect == SQL_MYSQL ? SLICE("_utf8mb3") :
									      SLICE("bpchar"));
	if (!sql_decode_quoted(token, template->options, template->arena, &value->text))
		return false;
	if (template->conninfo && holds_password(value->text))
		make_secret(operand);
	return true;
}

static const uint8_t *token_end(const struct sql_token *token)
{
	return token->text.data + token->text.size;
}

void sql_operand_string(struct sql_template *template, const struct sql_token *token)
{
	struct operand operand = { .start = token->text.data };

	if (!read_string(template, token, &operand)) {
		sql_template_space(template);
		sql_template_write(template, token->text);
		sql_place_name(template);
		return;
	}
	operand.file = template->options->dialect == SQL_MYSQL && sql_mysql_is_file_place(template);
	write_mark(template);
	finish(template, &operand, token_end(token));
}

void sql_operand_number(struct sql_template *template, const struct sql_token *token,
			const uint8_t *start, bool negative)
{
	struct operand operand = { .start = start };

	operand.value.kind = SQL_NUMBER;
	operand.value.text = sql_number_text(token->text, negative, template->arena);
	write_mark(template);
	finish(template, &operand, token_end(token));
}

void sql_operand_placeholder(struct sql_template *template, const struct sql_token *token)
{
	struct operand operand = { .start = token->text.data, .is_placeholder = true };

	if (!token->placeholder && template->options->dialect != SQL_MYSQL) {
		/* $0 names no parameter: the server refuses it. */
		sql_template_space(template);
		sql_template_write(template, token->text);
		sql_place_name(template);
		return;
	}
	operand.placeholder = token->placeholder;
	if (template->options->dialect == SQL_MYSQL)
		operand.placeholder = template->placeholders + 1;
	write_mark(template);
	finish(template, &operand, token_end(token));
}

static struct sql_value keyword_value(const struct sql_template *template, enum sql_word word)
{
	if (word == WORD_NULL)
		return (struct sql_value){ .kind = SQL_STRING, .null = true };
	if (template->options->dialect == SQL_MYSQL)
		return (struct sql_value){ .kind = SQL_NUMBER,
					   .text = word == WORD_TRUE ? SLICE("1") : SLICE("0") };
	return (struct sql_value){ .kind = SQL_BOOLEAN,
				   .text = word == WORD_TRUE ? SLICE("true") : SLICE("false") };
}

bool sql_operand_keyword(struct sql_template *template, const struct sql_token *token,
			 enum sql_word word)
{
	struct operand operand = { .start = token->text.data };
	const uint8_t *end = token_end(token);
	struct sql_stream saved = template->stream;
	size_t out_size = template->out_size;
	bool glue = template->glue;

	if (template->before != BEFORE_COMPARISON && template->before != BEFORE_ELEMENT)
		return false;
	operand.value = keyword_value(template, word);
	write_mark(template);
	read_casts(template, &operand, &end);
	if (!sql_place_is_compared(template)) {
		template->stream = saved;
		template->out_size = out_size;
		template->glue = glue;
		return false;
	}
	add_slot(template, &operand, end);
	return true;
}

/* One literal or placeholder, with its sign, at the stream's next token; consumes it. */
static bool read_operand(struct sql_template *template, struct operand *operand)
{
	struct sql_stream *stream = &template->stream;
	bool sign = stream->next.type == SQL_TOKEN_OPERATOR && stream->next.text.size == 1 &&
		    (*stream->next.text.data == '-' || *stream->next.text.data == '+');
	bool negative = sign && *stream->next.text.data == '-';

	if (sign)
		sql_stream_advance(stream);
	switch (stream->next.type) {
	case SQL_TOKEN_NUMBER:
		if (stream->next.irregular)
			return false;
		operand->value.kind = SQL_NUMBER;
		operand->value.text = sql_number_text(stream->next.text, negative, template->arena);
		break;
	case SQL_TOKEN_STRING:
		if (sign || !read_string(template, &stream->next, operand))
			return false;
		break;
	case SQL_TOKEN_PLACEHOLDER:
		if (sign || (!stream->next.placeholder && template->options->dialect != SQL_MYSQL))
			return false;
		operand->is_placeholder = true;
		operand->placeholder = stream->next.placeholder;
		if (template->options->dialect == SQL_MYSQL)
			operand->placeholder = template->placeholders + 1;
		break;
	default:
		return false;
	}
	sql_stream_advance(stream);
	return true;
}

/* ( literal AS type ), consumed from the stream; the mark is written. */
static bool read_cast(struct sql_template *template, struct operand *operand)
{
	struct sql_stream *stream = &template->stream;
	const uint8_t *end = NULL;
	struct slice type;

	if (stream->next.type != SQL_TOKEN_OPEN)
		return false;
	sql_stream_advance(stream);
	if (!read_operand(template, operand))
		return false;
	write_mark(template);
	read_casts(template, operand, &end);
	if (sql_stream_word(stream).word != WORD_AS)
		return false;
	sql_stream_advance(stream);
	if (!sql_type_name(stream, false, template->arena, &type) ||
	    stream->next.type != SQL_TOKEN_CLOSE)
		return false;
	add_type(template, operand, type);
	return true;
}

bool sql_operand_cast(struct sql_template *template, const struct sql_token *token)
{
	struct operand operand = { .start = token->text.data };
	struct sql_stream saved = template->stream;
	size_t out_size = template->out_size;
	bool glue = template->glue;

	if (!read_cast(template, &operand)) {
		template->stream = saved;
		template->out_size = out_size;
		template->glue = glue;
		return false;
	}
	sql_stream_advance(&template->stream);
	finish(template, &operand, template->stream.previous_end);
	return true;
}

/* The type of a constant `type '...'` whose first word is `token`; the stream is then at the
 * string. */
static bool read_constant_type(struct sql_template *template, const struct sql_token *token,
			       struct slice lower, struct sql_word_info info,
			       struct slice *ret_type)
{
	struct sql_stream *stream = &template->stream;

	if (!(info.flags & SQL_WORD_TYPE) && info.word != WORD_NATIONAL) {
		*ret_type = arena_copy(template->arena, lower);
		return stream->next.type == SQL_TOKEN_STRING && sql_is_constant_type(lower);
	}
	stream->lexer.at = token_end(token);
	stream->next = *token;
	return sql_type_name(stream, true, template->arena, ret_type) &&
	       stream->next.type == SQL_TOKEN_STRING;
}

/* MySQL: the string that comes next is of the type. */
static bool mysql_constant(struct sql_template *template, const uint8_t *start, struct slice type)
{
	struct sql_token string = template->stream.next;
	struct operand operand = { .start = start };

	if (!type.size || string.type != SQL_TOKEN_STRING || template->before == BEFORE_NOTHING ||
	    template->last_type == SQL_TOKEN_DOT || !read_string(template, &string, &operand))
		return false;
	state_type(&operand, type);
	sql_stream_advance(&template->stream);
	write_mark(template);
	add_slot(template, &operand, token_end(&string));
	return true;
}

bool sql_operand_escape(struct sql_template *template, const struct sql_token *token)
{
	static const struct {
		const char *word;
		const char *type;
	} escapes[] = { { "d", "date" }, { "t", "time" }, { "ts", "timestamp" } };
	struct sql_stream saved = template->stream;
	struct slice type = slice_of(NULL, 0);
	struct operand operand = { .start = token->text.data };

	if (template->options->dialect != SQL_MYSQL || template->before == BEFORE_NOTHING ||
	    saved.next.type != SQL_TOKEN_WORD)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(escapes); i++)
		if (slice_equal_nocase(saved.next.text, slice_from_string(escapes[i].word)))
			type = slice_from_string(escapes[i].type);
	sql_stream_advance(&template->stream);
	if (!type.size || template->stream.next.type != SQL_TOKEN_STRING ||
	    !read_string(template, &template->stream.next, &operand))
		goto none;
	state_type(&operand, type);
	sql_stream_advance(&template->stream);
	if (!slice_equal(template->stream.next.text, SLICE("}")))
		goto none;
	sql_stream_advance(&template->stream);
	write_mark(template);
	add_slot(template, &operand, template->stream.previous_end);
	return true;
none:
	template->stream = saved;
	return false;
}

bool sql_operand_constant(struct sql_template *template, const struct sql_token *token,
			  struct slice lower, struct sql_word_info info)
{
	struct operand operand = { .start = token->text.data };
	struct sql_stream saved = template->stream;
	const uint8_t *end;
	struct slice type;
	struct sql_token string;

	if (template->options->dialect == SQL_MYSQL)
		return mysql_constant(template, token->text.data,
				      sql_mysql_constant_type(template, lower));
	if (template->before == BEFORE_NOTHING || template->last_type == SQL_TOKEN_DOT)
		return false;
	if (!read_constant_type(template, token, lower, info, &type) ||
	    template->stream.next.form >= SQL_FORM_NATIONAL ||
	    !read_string(template, &template->stream.next, &operand)) {
		template->stream = saved;
		return false;
	}
	string = template->stream.next;
	end = token_end(&string);
	sql_stream_advance(&template->stream);
	if (info.word == WORD_INTERVAL &&
	    sql_interval_fields(&template->stream, template->arena, &type))
		end = template->stream.previous_end;
	write_mark(template);
	add_type(template, &operand, type);
	finish(template, &operand, end);
	return true;
}

void sql_operand_cursor(struct sql_template *template, const struct sql_token *token,
			struct slice name)
{
	struct operand operand = { .start = token->text.data };
	size_t n = template->n_slots;

	operand.value = (struct sql_value){ .kind = SQL_STRING, .text = name };
	write_mark(template);
	add_slot(template, &operand, token_end(token));
	if (template->n_slots == n)
		return;
	template->slots[n].compared = false;
	template->slots[n].cursor = true;
}

bool sql_operand_broken_secret(struct sql_template *template, const struct sql_token *token)
{
	struct operand operand = { .start = token->text.data };

	if (!is_password_place(template) && !template->conninfo)
		return false;
	make_secret(&operand);
	write_mark(template);
	add_slot(template, &operand, token_end(token));
	return true;
}
