/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A direct-mapped cache of canonical forms; see forms.h. Invariant: what a place keeps lies in its own arena, and its slots
 * are the literals of its form, in order.
 */
#include "parsers/sql/forms.h"

#include <stdlib.h>
#include <xxhash.h>

#define PLACES ((size_t)256)
#define TEXT_MAX ((size_t)2048)
#define LITERALS_MAX ((size_t)16)
/* Servers have numbers of more digits, and nobody knows here what becomes of them. */
#define DIGITS_MAX ((size_t)18)

/* Of a byte outside of strings. */
enum byte_class {
	BYTE_OTHER,
	BYTE_BEFORE = 1, /* a literal may begin behind it */
	BYTE_BEHIND = 2, /* a literal may end before it */
	BYTE_BOTH = BYTE_BEFORE | BYTE_BEHIND,
	BYTE_DIGIT = 4,
	BYTE_QUOTE = 8,
	BYTE_ENDS = 16, /* no byte of a plain string */
};

static const uint8_t classes[256] = {
	[0 ... '\b'] = BYTE_ENDS,
	['\t'] = BYTE_BOTH | BYTE_ENDS,
	['\n'] = BYTE_BOTH | BYTE_ENDS,
	['\v' ... '\f'] = BYTE_ENDS,
	['\r'] = BYTE_BOTH | BYTE_ENDS,
	[0x0e ... 0x1f] = BYTE_ENDS,
	[' '] = BYTE_BOTH,
	['='] = BYTE_BOTH,
	['<'] = BYTE_BOTH,
	['>'] = BYTE_BOTH,
	[','] = BYTE_BOTH,
	['('] = BYTE_BEFORE,
	[')'] = BYTE_BEHIND,
	[';'] = BYTE_BEHIND,
	['0' ... '9'] = BYTE_DIGIT,
	['\''] = BYTE_QUOTE | BYTE_ENDS,
	['\\'] = BYTE_ENDS,
	[0x7f] = BYTE_ENDS,
};

/* In the text, without quotes. */
struct literal {
	uint16_t at;
	uint16_t size;
	uint16_t rest_at; /* in the form's rest */
	bool string;
};

/* A text taken apart. */
struct form {
	size_t n;
	size_t rest_size;
	struct literal literals[LITERALS_MAX];
	uint8_t rest[TEXT_MAX]; /* the text without its literals */
};

struct place {
	uint64_t seen; /* hash of the form that was last asked for here */
	bool kept;
	bool fits; /* else texts of this form are read anew */
	uint64_t number;
	struct sql_options options;
	size_t n;
	struct literal *literals;
	struct slice rest;
	struct sql_statement statement;
	struct arena arena;
};

struct sql_forms {
	struct place places[PLACES];
	struct form form; /* of the text under way */
	uint64_t kept;	  /* how many were, ever */
};

struct sql_forms *sql_forms_new(void)
{
	struct sql_forms *forms = calloc(1, sizeof(*forms));

	if (!forms)
		abort();
	return forms;
}

void sql_forms_free(struct sql_forms *forms)
{
	if (!forms)
		return;
	for (size_t i = 0; i < PLACES; i++)
		arena_release(&forms->places[i].arena);
	free(forms);
}

static bool may_end(struct slice text, size_t at)
{
	return at == text.size || (classes[text.data[at]] & BYTE_BEHIND);
}

/* The end of the whole number that begins at `at`; 0: it is none, or not as a server writes it. */
static size_t number_end(struct slice text, size_t at)
{
	size_t end = at + 1;

	while (end < text.size && (classes[text.data[end]] & BYTE_DIGIT))
		end++;
	if ((text.data[at] == '0' && end > at + 1) || end - at > DIGITS_MAX || !may_end(text, end))
		return 0;
	return end;
}

/* The closing quote of the plain string whose opening one is before `at`; 0: it is none. */
static size_t string_end(struct slice text, size_t at, bool plain_charset)
{
	while (at < text.size && !(classes[text.data[at]] & BYTE_ENDS) &&
	       (text.data[at] < 0x80 || plain_charset))
		at++;
	return at < text.size && text.data[at] == '\'' && may_end(text, at + 1) ? at : 0;
}

/* Copies what stands between two literals. */
static void add_rest(struct form *form, struct slice text, size_t from, size_t to)
{
	memcpy(form->rest + form->rest_size, text.data + from, to - from);
	form->rest_size += to - from;
}

/* False: there are too many. */
static bool take_apart(struct slice text, bool plain_charset, struct form *form)
{
	size_t from = 0; /* what lies before it is in the form */

	form->n = 0;
	form->rest_size = 0;
	for (size_t at = 1; at < text.size; at++) {
		uint8_t class = classes[text.data[at]];
		size_t begin = at, end;

		if (!(class & (BYTE_DIGIT | BYTE_QUOTE)) ||
		    !(classes[text.data[at - 1]] & BYTE_BEFORE))
			continue;
		begin += class & BYTE_DIGIT ? 0 : 1;
		end = class & BYTE_DIGIT ? number_end(text, at) :
					   string_end(text, begin, plain_charset);
		if (!end)
			continue;
		if (form->n == LITERALS_MAX)
			return false;
		add_rest(form, text, from, begin);
		form->literals[form->n++] = (struct literal){
			.at = (uint16_t)begin,
			.size = (uint16_t)(end - begin),
			.rest_at = (uint16_t)form->rest_size,
			.string = begin > at,
		};
		from = end;
		at = end; /* the byte behind it is none that a literal begins with */
	}
	add_rest(form, text, from, text.size);
	return true;
}

static bool is_form(const struct place *place, const struct form *form)
{
	if (place->n != form->n || place->rest.size != form->rest_size ||
	    memcmp(place->rest.data, form->rest, form->rest_size) != 0)
		return false;
	for (size_t i = 0; i < form->n; i++)
		if (place->literals[i].rest_at != form->literals[i].rest_at ||
		    place->literals[i].string != form->literals[i].string)
			return false;
	return true;
}

/* Is the slot the literal, with the literal's text for a value, and nothing more? */
static bool is_literal(const struct sql_slot *slot, const struct literal *literal,
		       struct slice text)
{
	const struct sql_value *value = &slot->literal;
	size_t quote = literal->string ? 1 : 0;

	return slot->at == literal->at - quote && slot->size == literal->size + 2 * quote &&
	       !slot->placeholder && !slot->secret && !slot->cursor && !slot->cast.size &&
	       value->kind == (literal->string ? SQL_STRING : SQL_NUMBER) && !value->null &&
	       !value->bytes && !value->type.size &&
	       slice_equal(value->text, slice_of(text.data + literal->at, literal->size));
}

static void keep(struct place *place, const struct sql_options *options, const struct form *form,
		 struct slice text, const struct sql_statement *statement)
{
	struct sql_slot *slots;

	arena_release(&place->arena);
	place->kept = true;
	place->options = *options;
	place->n = form->n;
	place->rest = arena_copy(&place->arena, slice_of(form->rest, form->rest_size));
	place->literals = arena_alloc(&place->arena, form->n * sizeof(*place->literals));
	memcpy(place->literals, form->literals, form->n * sizeof(*place->literals));
	place->fits = statement->n_slots == form->n && !statement->has_secret &&
		      statement->canonical.size;
	for (size_t i = 0; i < form->n && place->fits; i++)
		place->fits = is_literal(&statement->slots[i], &form->literals[i], text);
	if (!place->fits)
		return;
	slots = arena_alloc(&place->arena, form->n * sizeof(*slots));
	if (form->n)
		memcpy(slots, statement->slots, form->n * sizeof(*slots));
	place->statement = *statement;
	place->statement.slots = slots;
	place->statement.canonical = arena_copy(&place->arena, statement->canonical);
}

/* The kept form with the text's own literals. */
static void put_together(const struct place *place, const struct form *form, struct slice text,
			 struct arena *arena, struct sql_statement *ret_statement)
{
	struct sql_slot *slots = arena_alloc(arena, form->n * sizeof(*slots));

	memcpy(slots, place->statement.slots, form->n * sizeof(*slots));
	for (size_t i = 0; i < form->n; i++) {
		const struct literal *literal = &form->literals[i];
		size_t quote = literal->string ? 1 : 0;

		slots[i].at = literal->at - quote;
		slots[i].size = literal->size + 2 * quote;
		slots[i].literal.text = slice_of(text.data + literal->at, literal->size);
	}
	*ret_statement = place->statement;
	ret_statement->slots = slots;
	ret_statement->canonical = arena_copy(arena, place->statement.canonical);
}

uint64_t sql_forms_canonicalize(struct sql_forms *forms, const struct sql_options *options,
				struct slice text, struct arena *arena,
				struct sql_statement *ret_statement)
{
	struct form *form;
	struct place *place;
	uint64_t hash;
	bool known;

	if (!forms || options->dialect != SQL_MYSQL || !text.size || text.size > TEXT_MAX ||
	    !take_apart(text, options->charset == SQL_CHARSET_PLAIN, &forms->form)) {
		sql_canonicalize(options, text, arena, ret_statement);
		return 0;
	}
	form = &forms->form;
	hash = XXH3_64bits(form->rest, form->rest_size);
	place = &forms->places[hash & (PLACES - 1)];
	known = place->kept && sql_options_equal(&place->options, options) && is_form(place, form);
	if (known && place->fits) {
		put_together(place, form, text, arena, ret_statement);
		return place->number;
	}
	sql_canonicalize(options, text, arena, ret_statement);
	if (!known && place->seen == hash) {
		keep(place, options, form, text, ret_statement);
		place->number = ++forms->kept;
	}
	place->seen = hash;
	return 0;
}
