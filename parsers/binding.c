/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bound parameters as values; see binding.h. Texts of booleans: PostgreSQL's documentation, section
 * 8.6.
 */
#include "parsers/binding.h"

#include "parsers/protocol.h"
#include "parsers/sql/literal.h"
#include "parsers/sql/value.h"

#include <errno.h>

/* Longer texts of digits are left as they are: no server takes them for a number. */
#define NUMBER_BYTES_MAX ((size_t)4096)
/*
 * How many times its binary form the text of a value may be: a bytea in an array in an array
 * doubles each time.
 */
#define TEXT_GROWTH 64

static struct slice trimmed(struct slice text)
{
	while (text.size && text.data[0] == ' ')
		text = slice_of(text.data + 1, text.size - 1);
	while (text.size && text.data[text.size - 1] == ' ')
		text.size--;
	return text;
}

/* Written like a literal: what is no plain decimal number (NaN, Infinity) stays as it is. */
static struct slice number_text(struct slice text, struct arena *arena)
{
	struct slice digits = trimmed(text);
	bool negative = digits.size && digits.data[0] == '-';
	bool digit = false;

	if (digits.size && (negative || digits.data[0] == '+'))
		digits = slice_of(digits.data + 1, digits.size - 1);
	if (!digits.size || digits.size > NUMBER_BYTES_MAX || digits.data[0] == '+' ||
	    digits.data[0] == '-' || ascii_lower(digits.data[0]) == 'e')
		return text;
	for (size_t i = 0; i < digits.size; i++) {
		uint8_t byte = ascii_lower(digits.data[i]);

		digit |= byte >= '0' && byte <= '9';
		if ((byte < '0' || byte > '9') && byte != '.' && byte != 'e' && byte != '+' &&
		    byte != '-')
			return text;
	}
	return digit ? sql_number_text(digits, negative, arena) : text;
}

/* Any beginning of the word that means only it. */
static bool is_beginning(struct slice text, struct slice word, size_t least)
{
	return text.size >= least && text.size <= word.size &&
	       slice_equal_nocase(text, slice_of(word.data, text.size));
}

static struct slice boolean_text(struct slice text)
{
	struct slice word = trimmed(text);

	if (is_beginning(word, SLICE("true"), 1) || is_beginning(word, SLICE("yes"), 1) ||
	    slice_equal_nocase(word, SLICE("on")) || slice_equal(word, SLICE("1")))
		return SLICE("true");
	if (is_beginning(word, SLICE("false"), 1) || is_beginning(word, SLICE("no"), 1) ||
	    is_beginning(word, SLICE("off"), 2) || slice_equal(word, SLICE("0")))
		return SLICE("false");
	return text;
}

/* The value's canonical text, or its bytes. */
static void binary_text(const struct protocol *protocol, const struct type_scope *scope,
			const struct parameter *parameter, struct arena *arena,
			struct sql_value *value)
{
	struct buffer text;

	value->bytes = true;
	value->text = parameter->value;
	if (!parameter->type || parameter->value.size > SIZE_MAX / TEXT_GROWTH - 64)
		return;
	buffer_init(&text, parameter->value.size * TEXT_GROWTH + 4096);
	if (protocol->value_to_text(scope, parameter->type, parameter->value, &text) == 0 &&
	    !text.overflowed) {
		value->bytes = false;
		value->text = arena_copy(arena, buffer_slice(&text));
	}
	buffer_release(&text);
}

/* The number of a type that has no name here. */
static void mark(const struct protocol *protocol, uint32_t type, struct arena *arena,
		 struct sql_value *value)
{
	struct buffer number;

	if (!protocol->types_row || !type || protocol->type_name(type).size)
		return;
	buffer_init(&number, 16);
	buffer_append_unsigned(&number, type);
	value->kind = SQL_TYPED;
	value->type = arena_copy(arena, buffer_slice(&number));
	buffer_release(&number);
}

int parameter_value(const struct protocol *protocol, const struct type_scope *scope,
		    const struct parameter *parameter, struct arena *arena,
		    struct sql_value *ret_value)
{
	/* To be compared: nothing is made bytes again. */
	struct type_scope shown = scope ? *scope : (struct type_scope){ 0 };
	bool binary = parameter->form == PARAMETER_BINARY;
	enum sql_kind type_kind = SQL_STRING;
	struct sql_value value = { .kind = SQL_STRING, .null = parameter->null };

	if (parameter->form != PARAMETER_TEXT && !binary)
		return -EINVAL;
	shown.shown = true;
	/* What a text is does not depend on what is known of the database's own types. */
	if (parameter->type)
		type_kind = protocol->type_kind(binary ? &shown : NULL, parameter->type);
	if (binary || parameter->declared)
		value.kind = (uint8_t)type_kind;
	if (value.kind == SQL_TYPED) {
		value.type = protocol->type_name(parameter->type);
		if (!value.type.size) /* a type of the user's own, which has no name here */
			value.kind = SQL_STRING;
	}
	if (!value.null) {
		value.text = parameter->value;
		if (binary)
			binary_text(protocol, &shown, parameter, arena, &value);
		if (value.bytes)
			mark(protocol, parameter->type, arena, &value);
		if (!value.bytes && value.kind == SQL_NUMBER)
			value.text = number_text(value.text, arena);
		if (!value.bytes && type_kind == SQL_BOOLEAN)
			value.text = boolean_text(value.text);
	}
	*ret_value = value;
	return 0;
}

/* A type's number, as mark() writes it. */
static uint32_t number_of(struct slice type)
{
	uint64_t number = 0;

	if (!type.size || type.size > 10 || type.data[0] == '0')
		return 0;
	for (size_t i = 0; i < type.size; i++) {
		if (type.data[i] < '0' || type.data[i] > '9')
			return 0;
		number = 10 * number + (uint64_t)(type.data[i] - '0');
	}
	return number <= UINT32_MAX ? (uint32_t)number : 0;
}

uint32_t binding_open_type(const struct sql_value *value)
{
	if (!value->bytes || value->null || value->kind != SQL_TYPED)
		return 0;
	return number_of(value->type);
}

void binding_resolve(const struct protocol *protocol, const struct type_scope *scope,
		     struct arena *arena, struct sql_value *value)
{
	struct parameter parameter = { .form = PARAMETER_BINARY };
	struct sql_value resolved;

	parameter.type = binding_open_type(value);
	if (!parameter.type)
		return;
	parameter.value = value->text;
	if (parameter_value(protocol, scope, &parameter, arena, &resolved) < 0 || resolved.bytes)
		return;
	sql_value_normalise(&resolved);
	*value = resolved;
}
