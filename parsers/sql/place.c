/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which slots are compared with or assigned to something (design §7), decided from the tokens
 * around them.
 *
 * A slot is compared when it is the whole of one side of a comparison, an element of IN (...) or of
 * an inserted row, or what LIMIT and OFFSET take: then '5' and 5 mean the same to the server, since
 * the other side gives the type. Where the other side is a slot too it gives none, and kinds count.
 * The rules err on that side: what they do not know is not compared.
 *
 * Invariants: before tells what an operand would stand behind; frame() is the innermost parenthesis
 * as far as SQL_FRAMES_MAX goes; left_compared is set only between a slot and the first token
 * behind its comparison that is none of ( [ ANY SOME ALL ARRAY.
 */
#include "parsers/sql/template.h"

static struct sql_frame *frame(struct sql_template *template)
{
	size_t depth = template->depth < SQL_FRAMES_MAX ? template->depth : SQL_FRAMES_MAX - 1;

	return &template->frames[depth];
}

static bool too_deep(const struct sql_template *template)
{
	return template->depth >= SQL_FRAMES_MAX - 1;
}

static void count_token(struct sql_template *template)
{
	struct sql_frame *inner = frame(template);

	inner->tokens = inner->tokens < 2 ? inner->tokens + 1 : 2;
	inner->bare_slot = false;
}

/* = < > <= >= <> != and MySQL's <=> */
static bool is_comparison(struct slice operator)
{
	uint8_t first = operator.data[0];

	switch (operator.size) {
	case 1:
		return first == '=' || first == '<' || first == '>';
	case 2:
		if (operator.data[1] == '>')
			return first == '<';
		return operator.data[1] == '=' &&(first == '<' || first == '>' || first == '!');
	default:
		return slice_equal(operator, SLICE("<=>"));
	}
}

/* Does the expression end before the next token? */
static bool ends_here(const struct sql_template *template)
{
	switch (template->stream.next.type) {
	case SQL_TOKEN_END:
	case SQL_TOKEN_CLOSE:
	case SQL_TOKEN_COMMA:
	case SQL_TOKEN_SEMICOLON:
		return true;
	case SQL_TOKEN_WORD:
		return sql_stream_word(&template->stream).flags & SQL_WORD_AFTER;
	default:
		return false;
	}
}

static bool next_compares(const struct sql_template *template)
{
	const struct sql_token *next = &template->stream.next;
	uint8_t word;

	if (next->type == SQL_TOKEN_OPERATOR)
		return is_comparison(next->text);
	if (next->type != SQL_TOKEN_WORD)
		return false;
	word = sql_stream_word(&template->stream).word;
	return word == WORD_LIKE || word == WORD_ILIKE || word == WORD_REGEXP;
}

bool sql_place_is_compared(const struct sql_template *template)
{
	uint8_t next = template->stream.next.type;

	if (too_deep(template))
		return false;
	if (template->before == BEFORE_ELEMENT)
		return next == SQL_TOKEN_COMMA || next == SQL_TOKEN_CLOSE;
	return template->before == BEFORE_COMPARISON && !template->left_bare && ends_here(template);
}

bool sql_place_slot(struct sql_template *template)
{
	bool bare = template->before < BEFORE_OPERATOR;
	bool compared = sql_place_is_compared(template);

	if (template->left_compared)
		template->slots[template->n_slots - 1].compared = false;
	template->left_compared = false;
	template->closed_row = false;
	if (template->before == BEFORE_START && !too_deep(template) && next_compares(template)) {
		compared = true;
		template->left_compared = true;
	}
	count_token(template);
	frame(template)->bare_slot = bare;
	frame(template)->slot = true;
	template->left_bare = bare;
	template->before = BEFORE_NOTHING;
	return compared;
}

/* A word passed behind which a comparison's right side begins. */
static void compare(struct sql_template *template, bool left_bare)
{
	template->before = BEFORE_COMPARISON;
	template->left_bare = left_bare;
}

/* AND, which belongs to a BETWEEN or ends a condition. */
static void place_and(struct sql_template *template)
{
	struct sql_frame *inner = frame(template);
	bool behind_slot = inner->between == BETWEEN_OPEN_BEHIND_SLOT;

	template->before = BEFORE_START;
	if (inner->between != BETWEEN_NO)
		compare(template, behind_slot);
	inner->between = BETWEEN_NO;
}

static bool is_distinct_from(const struct sql_template *template)
{
	return template->last_word == WORD_DISTINCT &&
	       (template->last_word_2 == WORD_IS || template->last_word_2 == WORD_NOT);
}

static void place_keyword(struct sql_template *template, uint8_t word)
{
	struct sql_frame *inner = frame(template);

	switch (word) {
	case WORD_AND:
		place_and(template);
		break;
	case WORD_BETWEEN:
		inner->between = template->left_bare ? BETWEEN_OPEN_BEHIND_SLOT : BETWEEN_OPEN;
		compare(template, template->left_bare);
		break;
	case WORD_SYMMETRIC:
		break; /* as BETWEEN left it */
	case WORD_LIKE:
	case WORD_ILIKE:
	case WORD_REGEXP:
		compare(template, template->left_bare);
		break;
	case WORD_LIMIT:
	case WORD_OFFSET:
		compare(template, false);
		break;
	case WORD_FIRST:
	case WORD_NEXT:
		if (template->last_word == WORD_FETCH)
			compare(template, false);
		break;
	case WORD_FROM:
		if (is_distinct_from(template))
			compare(template, template->left_bare);
		break;
	case WORD_INSERT:
		inner->insert |= template->options->dialect != SQL_MYSQL;
		break;
	case WORD_SELECT:
		inner->insert = false;
		break;
	case WORD_VALUES:
		inner->values = inner->insert;
		break;
	default:
		break;
	}
}

/* Behind these words the right side of a comparison is still to come. */
static bool keeps_left(uint8_t word)
{
	return word == WORD_ANY || word == WORD_SOME || word == WORD_ALL || word == WORD_ARRAY ||
	       word == WORD_LIKE || word == WORD_ILIKE || word == WORD_REGEXP;
}

/* MySQL: words that mean another thing there. INSERT(..) and REPLACE(..) are functions. */
static void place_mysql_keyword(struct sql_template *template, uint8_t word, bool values)
{
	struct sql_frame *inner = frame(template);

	switch (word) {
	case WORD_INSERT:
	case WORD_REPLACE:
		inner->insert |= template->stream.next.type != SQL_TOKEN_OPEN;
		break;
	case WORD_VALUE:
		inner->values = inner->insert;
		break;
	case WORD_ROW: /* VALUES ROW(1, 2) */
		inner->values = values;
		break;
	case WORD_INTERVAL:
		compare(template, false);
		break;
	case WORD_LIMIT:
		inner->limit = true;
		break;
	default:
		break;
	}
}

void sql_place_word(struct sql_template *template, struct sql_word_info info)
{
	bool list = template->before == BEFORE_ELEMENT;
	struct sql_frame *inner = frame(template);
	bool values = inner->values;

	count_token(template);
	if (!keeps_left(info.word))
		template->left_compared = false;
	inner->values = false;
	if (info.word != WORD_NOT && info.word != WORD_IN)
		template->closed_row = false;
	if (info.word == WORD_SYMMETRIC)
		return;
	/* IN (SELECT a, 5 ...) is no list. */
	if (list && (info.word == WORD_SELECT || info.word == WORD_WITH ||
		     info.word == WORD_VALUES || info.word == WORD_TABLE))
		inner->type = FRAME_GROUP;
	if (info.flags & SQL_WORD_BEFORE) {
		template->before = BEFORE_START;
	} else {
		template->before = BEFORE_NOTHING;
		if (info.word != WORD_IS)
			template->left_bare = false;
	}
	place_keyword(template, info.word);
	if (template->options->dialect == SQL_MYSQL)
		place_mysql_keyword(template, info.word, values);
}

void sql_place_name(struct sql_template *template)
{
	count_token(template);
	frame(template)->values = false;
	template->left_compared = false;
	template->left_bare = false;
	template->closed_row = false;
	template->before = BEFORE_NOTHING;
}

void sql_place_operator(struct sql_template *template, struct slice text)
{
	/* The left side's own comparison is the one operator that may come. */
	bool comparison = is_comparison(text) || (template->options->dialect == SQL_MYSQL &&
						  slice_equal(text, SLICE(":=")));

	count_token(template);
	frame(template)->values = false;
	if (!comparison)
		template->left_compared = template->closed_row = false;
	template->before = comparison ? BEFORE_COMPARISON : BEFORE_OPERATOR;
}

static uint8_t frame_type(const struct sql_template *template, const struct sql_frame *outer)
{
	if (template->last_word == WORD_IN)
		return template->left_bare ? FRAME_GROUP : FRAME_IN;
	if (outer->values)
		return FRAME_ROW;
	if (template->before == BEFORE_ELEMENT && outer->type == FRAME_IN && outer->row)
		return FRAME_ROW;
	if (template->before == BEFORE_COMPARISON && template->closed_row)
		return FRAME_ROW;
	return template->last_name ? FRAME_CALL : FRAME_GROUP;
}

void sql_place_open(struct sql_template *template)
{
	struct sql_frame *outer = frame(template);
	uint8_t type = frame_type(template, outer);
	bool row = template->last_word == WORD_IN && template->closed_row;
	struct sql_frame *inner;

	count_token(template);
	template->depth++;
	inner = frame(template);
	*inner = (struct sql_frame){ .type = type, .row = row };
	template->before = BEFORE_START;
	template->left_bare = false;
	template->closed_row = false;
	if (type == FRAME_ROW || type == FRAME_IN)
		template->before = BEFORE_ELEMENT;
}

void sql_place_close(struct sql_template *template)
{
	struct sql_frame *inner = frame(template);
	bool group = inner->type == FRAME_GROUP;
	bool slot = inner->slot;

	template->left_compared = false;
	template->left_bare = group && inner->tokens == 1 && inner->bare_slot;
	template->closed_row = group && inner->comma && !slot;
	template->before = BEFORE_NOTHING;
	if (!template->depth)
		return;
	template->depth--;
	count_token(template);
	frame(template)->bare_slot = template->left_bare;
	frame(template)->slot = frame(template)->slot || slot;
}

void sql_place_comma(struct sql_template *template)
{
	struct sql_frame *inner = frame(template);

	count_token(template);
	inner->comma = true;
	template->closed_row = false;
	template->left_compared = false;
	template->left_bare = false;
	template->before = BEFORE_START;
	if (inner->type == FRAME_IN || inner->type == FRAME_ROW)
		template->before = BEFORE_ELEMENT;
	else if (inner->limit)
		compare(template, false);
	inner->limit = false;
}

/* Compared with a variable of the user's, a value is what it is: @x has no type of its own. */
void sql_place_variable(struct sql_template *template, struct slice text)
{
	template->left_bare = text.size > 1 && text.data[1] != '@';
}

void sql_place_bracket(struct sql_template *template)
{
	sql_place_name(template);
	template->before = BEFORE_START;
}

void sql_place_statement(struct sql_template *template)
{
	count_token(template);
	template->left_compared = false;
	template->left_bare = false;
	template->before = BEFORE_START;
}
