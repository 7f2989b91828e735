/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The canonical form: one walk over the tokens that writes the template and makes the slots; see
 * canonical.h and, for the state, template.h.
 *
 * Spacing is a function of the tokens alone: one space between two, but none behind ( [ . :: and
 * before ) ] , . :: and before the ( or [ of a name. So a=5, a = 5 and a  =  5 are one text, and no
 * two token sequences are.
 */
#include "parsers/sql/follows.h"
#include "parsers/sql/literal.h"
#include "parsers/sql/template.h"

static void write_grow(struct sql_template *template, size_t size)
{
	size_t capacity = 2 * template->out_capacity + size;
	uint8_t *out = arena_bytes(template->arena, capacity);

	memcpy(out, template->out, template->out_size);
	template->out = out;
	template->out_capacity = capacity;
}

static uint8_t *write_room(struct sql_template *template, size_t size)
{
	if (size > template->out_capacity - template->out_size)
		write_grow(template, size);
	return template->out + template->out_size;
}

void sql_template_write(struct sql_template *template, struct slice text)
{
	uint8_t *room;

	if (!text.size)
		return;
	room = write_room(template, text.size);
	memcpy(room, text.data, text.size);
	template->out_size += text.size;
}

void sql_template_space(struct sql_template *template)
{
	if (template->out_size && !template->glue)
		sql_template_write(template, SLICE(" "));
	template->glue = false;
}

static void write_token(struct sql_template *template, struct slice text)
{
	sql_template_space(template);
	sql_template_write(template, text);
}

/* MySQL: a word as sql_mysql_word() says. What is given back is folded, and empty when it is no word to look up. */
static struct slice write_mysql_word(struct sql_template *template, struct slice text,
				     struct sql_word_info *ret_info)
{
	struct slice lower = sql_fold_word(text, template->folded, sizeof(template->folded));
	uint8_t *room;
	bool folds;

	*ret_info = sql_mysql_word(template, text, lower, &folds);
	if (text.data[0] == '\\') /* \N */
		text = SLICE("null");
	sql_template_space(template);
	room = write_room(template, text.size);
	memcpy(room, text.data, text.size);
	for (size_t i = 0; folds && i < text.size; i++)
		room[i] = ascii_lower(room[i]);
	template->out_size += text.size;
	return lower;
}

/* A word folded to lower case, at the end of the text. */
static struct slice write_word(struct sql_template *template, struct slice text,
			       struct sql_word_info *ret_info)
{
	struct slice lower;
	uint8_t *room;

	if (template->options->dialect == SQL_MYSQL)
		return write_mysql_word(template, text, ret_info);
	sql_template_space(template);
	room = write_room(template, text.size);
	lower = sql_fold_word(text, room, text.size);
	*ret_info = sql_word_lookup(lower);
	template->out_size += text.size;
	return lower;
}

static bool is_dblink(struct slice lower)
{
	return slice_starts_with(lower, SLICE("dblink"));
}

/* Words behind which the statement's strings may be secret. */
static void see_secret(struct sql_template *template, struct slice lower, uint8_t word)
{
	if (word == WORD_CONNECTION || word == WORD_PRIMARY_CONNINFO || is_dblink(lower))
		template->conninfo = template->options->dialect != SQL_MYSQL;
	if (template->options->dialect == SQL_MYSQL)
		sql_mysql_see_secret(template, word);
}

/* May a slot begin with this word? */
static bool may_be_operand(const struct sql_template *template, struct sql_word_info info)
{
	return template->stream.next.type == SQL_TOKEN_STRING || (info.flags & SQL_WORD_TYPE) ||
	       info.word == WORD_NATIONAL || info.word == WORD_CAST || info.word == WORD_TRUE ||
	       info.word == WORD_FALSE || info.word == WORD_NULL;
}

/* True when a slot began with the word, and all of it is done. */
static bool word_operand(struct sql_template *template, const struct sql_token *token,
			 struct slice lower, struct sql_word_info info)
{
	switch (info.word) {
	case WORD_TRUE:
	case WORD_FALSE:
	case WORD_NULL:
		return sql_operand_keyword(template, token, info.word);
	case WORD_CAST:
		return sql_operand_cast(template, token);
	default:
		return sql_operand_constant(template, token, lower, info);
	}
}

static void remember(struct sql_template *template, uint8_t type, uint8_t word, bool name)
{
	template->variable &= type == SQL_TOKEN_DOT;
	template->last_type = type;
	template->last_word_2 = template->last_word;
	template->last_word = word;
	template->last_name = name;
}

/* Is this word or quoted identifier such a name: DECLARE name, FETCH ... name, CLOSE name; PREPARE name, EXECUTE name? */
static bool names_cursor(const struct sql_template *template)
{
	struct slice before = slice_of(template->out, template->out_size);
	uint8_t next = template->stream.next.type;
	bool last = next == SQL_TOKEN_END || next == SQL_TOKEN_SEMICOLON;

	if (template->options->dialect != SQL_POSTGRES || template->depth || !before.size)
		return false;
	switch (template->verb.verb) {
	case SQL_DECLARE:
		return slice_equal(before, SLICE("declare"));
	case SQL_PREPARE:
		return slice_equal(before, SLICE("prepare"));
	case SQL_EXECUTE:
		return slice_equal(before, SLICE("execute"));
	case SQL_FETCH:
	case SQL_CLOSE:
		return last;
	default: /* what a replayer and a recorder call the description of one */
		return last && slice_equal(before, SLICE("describe cursor"));
	}
}

/* True when the word was a cursor's name, and is written. */
static bool word_cursor(struct sql_template *template, const struct sql_token *token)
{
	struct slice text = token->text;

	if (!names_cursor(template) ||
	    (template->verb.verb == SQL_CLOSE && slice_equal_nocase(text, SLICE("all"))) ||
	    (template->verb.verb == SQL_PREPARE && slice_equal_nocase(text, SLICE("transaction"))))
		return false;
	sql_operand_cursor(template, token,
			   sql_fold_word(text, arena_bytes(template->arena, text.size), text.size));
	remember(template, SQL_TOKEN_QUOTED, WORD_NONE, true);
	return true;
}

/* A word of a variable's name, which is one behind a dot of such a name too ("@@session. cache. size"). */
static bool is_of_variable(const struct sql_template *template, const struct sql_token *token)
{
	return token->text.data[0] == '@' ||
	       (template->variable && template->last_type == SQL_TOKEN_DOT);
}

static void on_word(struct sql_template *template, const struct sql_token *token)
{
	bool variable = is_of_variable(template, token);
	bool behind_parenthesis =
		template->last_type == SQL_TOKEN_OPEN || template->last_type == SQL_TOKEN_CLOSE;
	size_t out_size = template->out_size;
	bool glue = template->glue;
	struct sql_word_info info, unused;
	struct slice lower;

	if (word_cursor(template, token))
		return;
	lower = write_word(template, token->text, &info);
	if (template->last_type == SQL_TOKEN_DOT)
		info = (struct sql_word_info){ WORD_NONE, 0 };
	see_secret(template, lower, info.word);
	template->may_follow |= sql_follows_word(token->text);
	if (may_be_operand(template, info)) {
		/* A slot is written in the word's place; where it is none, the word is written
		 * again. */
		template->out_size = out_size;
		template->glue = glue;
		if (word_operand(template, token, lower, info)) {
			remember(template, SQL_TOKEN_STRING, WORD_NONE, false);
			return;
		}
		write_word(template, token->text, &unused);
	}
	sql_verb_see(&template->verb, info.word, template->depth, behind_parenthesis);
	if (info.word == WORD_NONE)
		sql_place_name(template);
	else
		sql_place_word(template, info);
	if (token->text.data[0] == '@')
		sql_place_variable(template, token->text);
	remember(template, SQL_TOKEN_WORD, info.word, !(info.flags & SQL_WORD_BEFORE));
	template->variable = variable;
}

static void write_quoted(struct sql_template *template, struct slice name, uint8_t quote)
{
	uint8_t *room;
	size_t size = 0;

	room = write_room(template, 2 * name.size + 2);
	room[size++] = quote;
	for (size_t i = 0; i < name.size; i++) {
		if (name.data[i] == quote)
			room[size++] = quote;
		else if (sql_is_double(template->options->charset, name.data + i,
				       name.data + name.size))
			room[size++] = name.data[i++];
		room[size++] = name.data[i];
	}
	room[size++] = quote;
	template->out_size += size;
}

static struct slice folded(struct sql_template *template, struct slice name)
{
	uint8_t *lower = arena_bytes(template->arena, name.size);

	return sql_fold_word(name, lower, name.size);
}

/* MySQL: written with backticks, whatever the quotes were. */
static void on_mysql_quoted(struct sql_template *template, const struct sql_token *token)
{
	bool variable = token->form == SQL_FORM_VARIABLE || token->form == SQL_FORM_VARIABLE_ESCAPE;
	bool system = variable && token->text.data[1] == '@';
	bool of_variable = is_of_variable(template, token);
	struct slice name;
	uint8_t word = WORD_NONE;
	bool folds;

	if (!sql_decode_quoted(token, template->options, template->arena, &name)) {
		write_token(template, token->text);
	} else {
		sql_template_space(template);
		if (variable)
			sql_template_write(template, system ? SLICE("@@") : SLICE("@"));
		if (variable)
			name = folded(template, name);
		if (!sql_mysql_is_unquotable(template, name, variable)) {
			write_quoted(template, name, '`');
		} else {
			(void)sql_mysql_word(template, name, slice_of(NULL, 0), &folds);
			sql_template_write(template, folds ? folded(template, name) : name);
		}
		if (slice_equal_nocase(name, SLICE("password")) && !variable)
			word = WORD_PASSWORD;
	}
	template->may_follow |= system;
	sql_place_name(template);
	if (variable)
		sql_place_variable(template, token->text);
	remember(template, SQL_TOKEN_QUOTED, word, !variable);
	template->variable = of_variable;
}

static void on_quoted(struct sql_template *template, const struct sql_token *token)
{
	uint8_t word = WORD_NONE;
	struct slice name;

	if (template->options->dialect == SQL_MYSQL) {
		on_mysql_quoted(template, token);
		return;
	}
	if (sql_decode_quoted(token, template->options, template->arena, &name)) {
		if (names_cursor(template)) {
			sql_operand_cursor(template, token, name);
			remember(template, SQL_TOKEN_QUOTED, WORD_NONE, true);
			return;
		}
		sql_template_space(template);
		if (sql_is_unquotable(name))
			sql_template_write(template, name);
		else
			write_quoted(template, name, token->quote);
		template->may_follow |= sql_follows_word(name);
		/* "password" '...' in OPTIONS is what password '...' is. */
		if (sql_is_unquotable(name) && sql_word_lookup(name).word == WORD_PASSWORD)
			word = WORD_PASSWORD;
	} else {
		write_token(template, token->text);
	}
	sql_place_name(template);
	remember(template, SQL_TOKEN_QUOTED, word, true);
}

/* A number with letters at its end is what a server makes of it: one or two tokens, or an error. */
static void on_number(struct sql_template *template, const struct sql_token *token)
{
	if (token->irregular) {
		write_token(template, token->text);
		sql_place_name(template);
		template->glue = true;
	} else {
		sql_operand_number(template, token, token->text.data, false);
	}
	remember(template, SQL_TOKEN_NUMBER, WORD_NONE, false);
}

/* A sign before a number belongs to it where no operand stands before the sign. */
static bool on_sign(struct sql_template *template, const struct sql_token *token)
{
	struct sql_token number = template->stream.next;
	uint8_t sign = token->text.data[0];

	if (token->text.size != 1 || (sign != '-' && sign != '+') ||
	    template->before == BEFORE_NOTHING || number.type != SQL_TOKEN_NUMBER ||
	    number.irregular)
		return false;
	sql_stream_advance(&template->stream);
	sql_operand_number(template, &number, token->text.data, sign == '-');
	remember(template, SQL_TOKEN_NUMBER, WORD_NONE, false);
	return true;
}

static void on_operator(struct sql_template *template, const struct sql_token *token)
{
	struct slice text = token->text;
	uint8_t *room;

	if (on_sign(template, token))
		return;
	if (text.data[0] == '{' && sql_operand_escape(template, token)) {
		remember(template, SQL_TOKEN_STRING, WORD_NONE, false);
		return;
	}
	if (slice_equal(text, SLICE("!=")))
		text = SLICE("<>");
	sql_template_space(template);
	room = write_room(template, 2 * text.size);
	for (size_t i = 0; i < text.size; i++) {
		if (text.data[i] == '?') {
			*room++ = '?';
			template->out_size++;
		}
		*room++ = text.data[i];
		template->out_size++;
	}
	/* The * of "select *" and "t.*" is an operand. */
	if (slice_equal(text, SLICE("*")) && template->before != BEFORE_NOTHING)
		sql_place_name(template);
	else
		sql_place_operator(template, text);
	remember(template, SQL_TOKEN_OPERATOR, WORD_NONE, false);
}

/* A cast on something that is no slot: the type's name is canonical where it is one. */
static void on_cast(struct sql_template *template)
{
	struct sql_stream saved = template->stream;
	struct slice type;

	template->glue = true;
	write_token(template, SLICE("::"));
	template->glue = true;
	if (sql_type_name(&template->stream, false, template->arena, &type)) {
		write_token(template, type);
		sql_place_name(template);
		remember(template, SQL_TOKEN_WORD, WORD_NONE, false);
		return;
	}
	template->stream = saved;
	sql_place_name(template);
	remember(template, SQL_TOKEN_CAST, WORD_NONE, false);
}

static void on_open(struct sql_template *template, const struct sql_token *token)
{
	bool bracket = token->type == SQL_TOKEN_OPEN_BRACKET;
	bool behind_operand =
		template->last_name || (bracket && template->before == BEFORE_NOTHING);

	template->glue = template->glue || behind_operand;
	write_token(template, token->text);
	template->glue = true;
	if (bracket)
		sql_place_bracket(template);
	else
		sql_place_open(template);
	remember(template, token->type, WORD_NONE, false);
}

/* A dot that is written before what comes next would be a number's: it is behind no name. */
static bool makes_number(const struct sql_template *template)
{
	const struct sql_token *next = &template->stream.next;

	return template->last_type != SQL_TOKEN_WORD && template->last_type != SQL_TOKEN_QUOTED &&
	       next->type == SQL_TOKEN_WORD && next->text.data[0] >= '0' &&
	       next->text.data[0] <= '9';
}

/* ) ] , and the dot: written without a space before them. */
static void on_close(struct sql_template *template, const struct sql_token *token)
{
	template->glue = true;
	write_token(template, token->text);
	template->glue = token->type == SQL_TOKEN_DOT && !makes_number(template);
	switch (token->type) {
	case SQL_TOKEN_CLOSE:
		sql_place_close(template);
		break;
	case SQL_TOKEN_COMMA:
		sql_place_comma(template);
		break;
	default:
		sql_place_name(template);
		break;
	}
	remember(template, token->type, WORD_NONE, false);
}

/* Semicolons at the end are nothing; others separate statements of a body. */
static void write_semicolons(struct sql_template *template)
{
	for (; template->semicolons; template->semicolons--) {
		template->glue = true;
		write_token(template, SLICE(";"));
		template->glue = false;
		sql_place_statement(template);
		remember(template, SQL_TOKEN_SEMICOLON, WORD_NONE, false);
	}
}

static void on_error(struct sql_template *template, const struct sql_token *token)
{
	if (sql_operand_broken_secret(template, token))
		write_token(template, SLICE("'"));
	else
		write_token(template, token->text);
}

static void on_token(struct sql_template *template, const struct sql_token *token)
{
	switch (token->type) {
	case SQL_TOKEN_WORD:
		on_word(template, token);
		break;
	case SQL_TOKEN_QUOTED:
		on_quoted(template, token);
		break;
	case SQL_TOKEN_STRING:
		sql_operand_string(template, token);
		remember(template, SQL_TOKEN_STRING, WORD_NONE, false);
		break;
	case SQL_TOKEN_NUMBER:
		on_number(template, token);
		break;
	case SQL_TOKEN_PLACEHOLDER:
		sql_operand_placeholder(template, token);
		remember(template, SQL_TOKEN_PLACEHOLDER, WORD_NONE, false);
		break;
	case SQL_TOKEN_OPERATOR:
		on_operator(template, token);
		break;
	case SQL_TOKEN_CAST:
		on_cast(template);
		break;
	case SQL_TOKEN_OPEN:
	case SQL_TOKEN_OPEN_BRACKET:
		on_open(template, token);
		break;
	case SQL_TOKEN_HINT:
		write_token(template, token->text);
		break;
	case SQL_TOKEN_ERROR:
		on_error(template, token);
		break;
	default:
		on_close(template, token);
		break;
	}
}

/* See SQL_SLOTS_MAX: the text is the template. */
static void keep_verbatim(struct sql_statement *statement, struct sql_template *template,
			  struct slice text)
{
	size_t kept = 0;

	for (size_t i = 0; i < template->n_slots; i++)
		if (template->slots[i].placeholder || template->slots[i].secret)
			template->slots[kept++] = template->slots[i];
	statement->n_slots = kept;
	statement->canonical = sql_mask(statement, text, template->arena);
}

void sql_canonicalize(const struct sql_options *options, struct slice text, struct arena *arena,
		      struct sql_statement *ret_statement)
{
	struct sql_template template;
	struct sql_token token;

	memset(&template, 0, offsetof(struct sql_template, frames));
	template.frames[0] = (struct sql_frame){ .type = FRAME_GROUP };
	template.options = options;
	template.verb.mysql = options->dialect == SQL_MYSQL;
	template.arena = arena;
	template.out_capacity = text.size + text.size / 8 + 32;
	template.out = arena_bytes(arena, template.out_capacity);
	sql_lexer_init(&template.stream.lexer, options, text);
	template.text = template.stream.lexer.at;
	sql_stream_advance(&template.stream);
	while (template.stream.next.type != SQL_TOKEN_END) {
		token = template.stream.next;
		sql_stream_advance(&template.stream);
		if (token.type == SQL_TOKEN_SEMICOLON) {
			template.semicolons++;
			continue;
		}
		write_semicolons(&template);
		on_token(&template, &token);
	}
	*ret_statement = (struct sql_statement){
		.canonical = slice_of(template.out, template.out_size),
		.slots = template.slots,
		.n_slots = template.n_slots,
		.verb = template.out_size ? template.verb.verb : SQL_EMPTY,
		.dialect = options->dialect,
		.placeholders = template.placeholders,
		.has_secret = template.has_secret,
	};
	if (template.too_many)
		keep_verbatim(ret_statement, &template, text);
	if (template.may_follow)
		ret_statement->follows = sql_follows(options->dialect, ret_statement->canonical);
}

struct slice sql_mask(const struct sql_statement *statement, struct slice text, struct arena *arena)
{
	size_t size = 0, at = 0;
	uint8_t *masked;

	if (!statement->has_secret)
		return text;
	/* '***' may be longer than a secret of one byte, with its quotes: five bytes for each slot
	 * are enough. */
	masked = arena_bytes(arena, text.size + 5 * statement->n_slots);
	for (size_t i = 0; i < statement->n_slots; i++) {
		const struct sql_slot *slot = &statement->slots[i];

		if (!slot->secret)
			continue;
		memcpy(masked + size, text.data + at, slot->at - at);
		size += slot->at - at;
		memcpy(masked + size, "'***'", 5);
		size += 5;
		at = slot->at + slot->size;
	}
	memcpy(masked + size, text.data + at, text.size - at);
	return slice_of(masked, size + text.size - at);
}
