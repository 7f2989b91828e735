/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PostgreSQL replayer: the extended query protocol, as in chapter 55.2.3. Names are this client's own; what is known of
 * a statement (its parameters' types, its columns) comes from the recording by its template.
 */
#include "parsers/binding.h"
#include "parsers/postgres/prepare.h"
#include "parsers/postgres/replayer.h"
#include "parsers/postgres/values.h"

#include <stdlib.h>

#define TYPE_TEXT 25

static void acknowledge(struct buffer *out, uint8_t type)
{
	pg_message_end(out, pg_message_begin(out, type));
}

static void refuse(struct replayer *replayer, const char *code, struct slice message,
		   struct buffer *out)
{
	pg_send_error(out,
		      &(struct pg_error){ .severity = "ERROR", .code = code, .message = message });
	sql_session_statement(replayer->session, &(struct sql_statement){ .verb = SQL_OTHER }, NULL,
			      false);
	pg_replay_failed(replayer);
}

/* In a server's own words: what kind of thing, its name, and what is the matter with it. */
static void refuse_name(struct replayer *replayer, const char *code, const char *kind,
			struct slice name, const char *matter, struct buffer *out)
{
	struct buffer message;

	buffer_init(&message, PG_REQUEST_MAX + 256);
	if (!name.size && strcmp(kind, "prepared statement") == 0) {
		buffer_append_string(&message, "unnamed prepared statement");
	} else {
		buffer_append_string(&message, kind);
		buffer_append_string(&message, " \"");
		buffer_append_slice(&message, name);
		buffer_append_u8(&message, '"');
	}
	buffer_append_string(&message, matter);
	refuse(replayer, code, buffer_slice(&message), out);
	buffer_release(&message);
}

void pg_prepared_release(struct named *named)
{
	struct pg_prepared *prepared = (struct pg_prepared *)named;
	struct arena arena;

	if (!prepared || --prepared->references)
		return;
	if (prepared->nameless)
		*prepared->nameless -= prepared->named.bytes;
	arena = prepared->arena; /* it lies in it */
	arena_release(&arena);
}

/* It lost its name; what portals have of it goes on to weigh. */
static void unname(struct replayer *replayer, struct named *named)
{
	struct pg_prepared *prepared = (struct pg_prepared *)named;

	if (prepared && prepared->references > 1) {
		prepared->nameless = &replayer->nameless_bytes;
		replayer->nameless_bytes += named->bytes;
	}
	pg_prepared_release(named);
}

void pg_bound_free(struct named *named)
{
	struct pg_bound *bound = (struct pg_bound *)named;
	struct arena arena;

	if (!bound)
		return;
	pg_prepared_release(&bound->prepared->named);
	arena = bound->arena;
	arena_release(&arena);
}

void pg_forget_bound(struct replayer *replayer)
{
	struct names *names = &replayer->bound;

	for (size_t i = 0; names->n && i < names->n_buckets; i++)
		while (names->buckets[i])
			pg_bound_free(names_take(names, names->buckets[i]->name));
	names_shrink(names);
}

void pg_forget_unnamed(struct replayer *replayer)
{
	pg_forget_prepared(replayer, slice_of(NULL, 0));
	pg_bound_free(names_take(&replayer->bound, slice_of(NULL, 0)));
}

void pg_forget_prepared(struct replayer *replayer, struct slice name)
{
	unname(replayer, names_take(&replayer->prepared, name));
}

void pg_forget_all_prepared(struct replayer *replayer)
{
	struct names *names = &replayer->prepared;

	for (size_t i = 0; names->n && i < names->n_buckets; i++)
		while (names->buckets[i])
			pg_forget_prepared(replayer, names->buckets[i]->name);
	names_shrink(names);
}

/* ---- Parse ---- */

/* A type that the text states, also one that is known of the database. */
static uint32_t stated_type(const struct type_scope *scope, struct slice name)
{
	uint32_t type = pg_type_by_name(name);

	return type || !name.size || !scope->types ? type : types_by_name(scope->types, name);
}

/* The type that a server gives a literal (documentation, 4.1.2): for statements that were recorded with literals. */
static uint32_t literal_type(const struct type_scope *scope, const struct sql_slot *slot)
{
	struct slice text = slot->literal.text;
	struct buffer scratch;
	uint32_t type = 0;

	if (slot->placeholder || slot->literal.null)
		return 0;
	if (slot->literal.kind == SQL_TYPED)
		return stated_type(scope, slot->literal.type);
	if (slot->literal.kind == SQL_BOOLEAN)
		return pg_type_by_name(SLICE("bool"));
	if (slot->literal.kind != SQL_NUMBER)
		return 0;
	buffer_init(&scratch, 64);
	type = pg_type_by_name(SLICE("int4"));
	if (pg_value_to_binary(type, text, &scratch))
		type = pg_type_by_name(SLICE("int8"));
	buffer_clear(&scratch);
	if (pg_value_to_binary(type, text, &scratch))
		type = pg_type_by_name(SLICE("numeric"));
	buffer_release(&scratch);
	return type;
}

/* The type of each placeholder: as the client declared it, else as the text states it, else as it was recorded. */
static void resolve_types(const struct type_scope *scope, struct pg_prepared *prepared,
			  const uint32_t *declared, size_t n_declared,
			  const struct answer_description *description)
{
	const struct sql_statement *sql = &prepared->sql;
	size_t n = sql->placeholders > n_declared ? sql->placeholders : n_declared;
	uint32_t *all = arena_alloc(&prepared->arena, (n + 1) * sizeof(*all));
	uint32_t *types = arena_alloc(&prepared->arena, (n + 1) * sizeof(*types));

	for (size_t i = 0; i < n_declared; i++)
		all[i] = types[i] = declared[i];
	for (size_t i = 0; i < sql->n_slots; i++) {
		size_t placeholder = sql->slots[i].placeholder;
		uint32_t stated, recorded;

		if (!placeholder || placeholder > n || types[placeholder - 1])
			continue;
		stated = stated_type(scope, sql->slots[i].cast);
		recorded = i < description->n_slots ? description->slot_types[i] : 0;
		if (!recorded && description->slots)
			recorded = literal_type(scope, &description->slots[i]);
		/* Of `$1::text::int` only the server says that it is a text. */
		if (recorded && (description->same_shape || !stated))
			types[placeholder - 1] = recorded;
		else
			types[placeholder - 1] = stated;
	}
	for (size_t i = 0; i < n; i++)
		if (!types[i])
			types[i] =
				TYPE_TEXT; /* what a server makes of the unknown; the client will believe it */
	prepared->declared = all;
	prepared->types = types;
	prepared->n_types = n;
}

/* The declared types by slot. */
static const uint32_t *slot_types(struct pg_prepared *prepared, const uint32_t *declared, size_t n)
{
	const struct sql_statement *sql = &prepared->sql;
	uint32_t *types = arena_alloc(&prepared->arena, (sql->n_slots + 1) * sizeof(*types));

	for (size_t i = 0; i < sql->n_slots; i++)
		if (sql->slots[i].placeholder && sql->slots[i].placeholder <= n)
			types[i] = declared[sql->slots[i].placeholder - 1];
	return types;
}

static struct request description_request(struct replayer *replayer, struct pg_prepared *prepared,
					  const uint32_t *declared, size_t n_declared)
{
	struct sql_value *values =
		arena_alloc(&prepared->arena, (prepared->sql.n_slots + 1) * sizeof(*values));
	struct request request;

	sql_slot_values(&prepared->sql, NULL, 0, values);
	request = pg_answer_request(replayer, &prepared->sql, values, prepared->text);
	request.declared_types = slot_types(prepared, declared, n_declared);
	return request;
}

/* What the recording says of the statement; false: nothing. */
static bool known(struct replayer *replayer, struct pg_prepared *prepared,
		  const struct request *request, struct answer_description *ret_description,
		  struct answer *ret_miss)
{
	const struct answers *answers = replayer->answers;

	if (!answers->describe(answers->context, request, ret_description, ret_miss))
		return false;
	prepared->has_columns = ret_description->has_columns;
	prepared->columns = ret_description->columns;
	return true;
}

/* The recording knows the statement, or the session answers it itself; else the miss is said. */
static bool describe(struct replayer *replayer, struct pg_prepared *prepared,
		     const uint32_t *declared, size_t n_declared,
		     struct answer_description *ret_description, struct buffer *out)
{
	const struct answers *answers = replayer->answers;
	struct request request = description_request(replayer, prepared, declared, n_declared);
	struct answer answer = { 0 };

	request.only_asking = pg_session_answers(replayer, &prepared->sql);
	if (answers->find_parse_error(answers->context, &request, &answer)) {
		replayer->executing = NULL;
		replayer->sql = (struct sql_statement){ .verb = SQL_OTHER };
		replayer->values = NULL;
		pg_send_begin(replayer, &answer);
		pg_answer_hold(replayer, &answer);
		return false;
	}
	if (known(replayer, prepared, &request, ret_description, &answer))
		return true;
	if (pg_session_answers(replayer, &prepared->sql)) {
		prepared->has_columns = true;
		prepared->columns = pg_session_columns(replayer, &prepared->sql, &prepared->arena);
		return true;
	}
	pg_answer_miss(replayer, &answer, prepared->text, out);
	return false;
}

static struct pg_prepared *prepared_new(struct replayer *replayer, struct slice name,
					struct slice text)
{
	struct sql_options options = sql_session_options(replayer->session);
	struct pg_prepared *prepared;
	struct arena arena;

	arena_init(&arena);
	prepared = arena_alloc(&arena, sizeof(*prepared));
	prepared->arena = arena;
	prepared->references = 1;
	prepared->named.name = arena_copy(&prepared->arena, name);
	prepared->text = arena_copy(&prepared->arena, text);
	sql_canonicalize(&options, prepared->text, &prepared->arena, &prepared->sql);
	return prepared;
}

/* The messages count parameters in 16 bits. */
static bool too_many_parameters(struct replayer *replayer, const struct pg_prepared *prepared,
				struct buffer *out)
{
	if (prepared->sql.placeholders <= UINT16_MAX)
		return false;
	refuse(replayer, "42P02", SLICE("there is no such parameter"), out);
	return true;
}

static bool statement_exists(struct replayer *replayer, struct slice name, struct buffer *out)
{
	if (!name.size || !names_find(&replayer->prepared, name))
		return false;
	refuse_name(replayer, "42P05", "prepared statement", name, " already exists", out);
	return true;
}

static void parse_message(struct replayer *replayer, struct slice body, struct buffer *out)
{
	struct cursor cursor = cursor_of(body);
	struct slice name = cursor_string(&cursor);
	struct slice text = cursor_string(&cursor);
	size_t n = cursor_u16be(&cursor);
	struct answer_description description = { 0 };
	struct pg_prepared *prepared;
	struct type_scope scope;
	uint32_t *declared;

	if (cursor.failed || cursor_left(&cursor) != 4 * n) {
		refuse(replayer, "08P01", SLICE("malformed Parse"), out);
		return;
	}
	prepared = prepared_new(replayer, name, text);
	declared = arena_alloc(&prepared->arena, (n + 1) * sizeof(*declared));
	for (size_t i = 0; i < n; i++)
		declared[i] = cursor_u32be(&cursor);
	if (pg_answer_aborted(replayer, &prepared->sql, out) ||
	    statement_exists(replayer, name, out) || too_many_parameters(replayer, prepared, out) ||
	    (prepared->sql.verb != SQL_EMPTY &&
	     !describe(replayer, prepared, declared, n, &description, out))) {
		pg_prepared_release(&prepared->named);
		return;
	}
	scope = pg_scope(replayer, 0);
	resolve_types(&scope, prepared, declared, n, &description);
	prepared->named.bytes = prepared->arena.allocated;
	if (replayer->prepared.bytes + replayer->nameless_bytes > PG_REPLAY_NAMES_MAX) {
		pg_prepared_release(&prepared->named);
		refuse(replayer, "54000", SLICE("mockproxy: too many prepared statements"), out);
		return;
	}
	unname(replayer, names_put(&replayer->prepared, &prepared->named));
	acknowledge(out, '1');
}

void pg_sql_prepared(struct replayer *replayer, struct slice text)
{
	struct sql_options options = sql_session_options(replayer->session);
	struct answer_description description = { 0 };
	struct type_scope scope;
	struct pg_prepare prepare;
	struct pg_prepared *prepared;
	struct request request;
	struct answer miss;
	struct arena arena;

	arena_init(&arena);
	if (replayer->prepared.bytes > PG_REPLAY_NAMES_MAX ||
	    !pg_prepare_read(&options, text, &arena, &prepare)) {
		arena_release(&arena);
		return;
	}
	prepared = prepared_new(replayer, prepare.name, prepare.text);
	if (prepared->sql.placeholders <= UINT16_MAX) {
		request = description_request(replayer, prepared, prepare.types, prepare.n_types);
		request.only_asking =
			true; /* most are executed by EXECUTE, and are not known as such */
		known(replayer, prepared, &request, &description, &miss);
		scope = pg_scope(replayer, 0);
		resolve_types(&scope, prepared, prepare.types, prepare.n_types, &description);
		prepared->named.bytes = prepared->arena.allocated;
		pg_prepared_release(names_put(&replayer->prepared, &prepared->named));
	} else {
		pg_prepared_release(&prepared->named);
	}
	arena_release(&arena);
}

/* ---- Bind ---- */

static struct sql_value *slot_values(struct pg_bound *bound, const struct sql_value *values,
				     size_t n)
{
	const struct sql_statement *sql = &bound->prepared->sql;
	struct sql_value *slots = arena_alloc(&bound->arena, (sql->n_slots + 1) * sizeof(*slots));

	sql_slot_values(sql, values, n, slots);
	return slots;
}

/* Reads the parameters and the formats of the results; false when they are malformed. */
static bool bind_values(struct replayer *replayer, struct pg_bound *bound, struct cursor *cursor)
{
	const struct pg_prepared *prepared = bound->prepared;
	size_t n_forms = cursor_u16be(cursor);
	struct cursor forms = cursor_of(cursor_bytes(cursor, 2 * n_forms));
	size_t n = cursor_u16be(cursor);
	uint16_t form = n_forms == 1 ? cursor_u16be(&forms) : PARAMETER_TEXT;
	struct sql_value *values, *raw;
	bool guessed = false;
	struct type_scope scope;

	if (cursor->failed || n > cursor_left(cursor) / 4 || n != prepared->n_types ||
	    (n_forms > 1 && n_forms != n))
		return false;
	values = arena_alloc(&bound->arena, (n + 1) * sizeof(*values));
	raw = arena_alloc(&bound->arena, (n + 1) * sizeof(*raw));
	scope = pg_scope(replayer, 0);
	for (size_t i = 0; i < n; i++) {
		struct parameter parameter = { 0 };
		int32_t size = cursor_i32be(cursor);

		if (n_forms > 1)
			form = cursor_u16be(&forms);
		if (size < -1)
			return false;
		parameter.null = size == -1;
		parameter.form = form == 1 ? PARAMETER_BINARY : PARAMETER_TEXT;
		parameter.type = i < prepared->n_types ? prepared->types[i] : 0;
		parameter.declared = i < prepared->n_types && prepared->declared[i];
		if (size > 0)
			parameter.value =
				arena_copy(&bound->arena, cursor_bytes(cursor, (size_t)size));
		if (cursor->failed)
			return false;
		if (parameter_value(&postgres_protocol, &scope, &parameter, &bound->arena,
				    &values[i]))
			return false;
		raw[i] = values[i];
		/* What the recorder did not know the type of it kept as bytes. */
		if (parameter.form == PARAMETER_BINARY && !parameter.declared && !parameter.null) {
			raw[i] = (struct sql_value){ .bytes = true, .text = parameter.value };
			guessed = true;
		}
	}
	bound->values = slot_values(bound, values, n);
	bound->raw_values = guessed ? slot_values(bound, raw, n) : NULL;
	return true;
}

static bool bind_formats(struct pg_bound *bound, struct cursor *cursor)
{
	size_t n = cursor_u16be(cursor);
	uint16_t *formats;

	if (cursor->failed || n > cursor_left(cursor) / 2)
		return false;
	formats = arena_alloc(&bound->arena, (n + 1) * sizeof(*formats));
	for (size_t i = 0; i < n; i++) {
		formats[i] = cursor_u16be(cursor);
		if (formats[i] > PARAMETER_BINARY)
			return false;
	}
	bound->formats = formats;
	bound->n_formats = n;
	return cursor_done(cursor);
}

/* Too few parameters, or too many: a mistake of programs, in the server's words. Reads a copy of the cursor. */
static bool wrong_number(struct replayer *replayer, const struct pg_prepared *prepared,
			 struct cursor cursor, struct buffer *out)
{
	size_t n_forms = cursor_u16be(&cursor);
	struct buffer message;
	size_t n;

	cursor_bytes(&cursor, 2 * n_forms);
	n = cursor_u16be(&cursor);
	if (cursor.failed || n == prepared->n_types || (n_forms > 1 && n_forms != n))
		return false;
	buffer_init(&message, PG_REQUEST_MAX + 256);
	buffer_append_string(&message, "bind message supplies ");
	buffer_append_unsigned(&message, n);
	buffer_append_string(&message, " parameters, but prepared statement \"");
	buffer_append_slice(&message, prepared->named.name);
	buffer_append_string(&message, "\" requires ");
	buffer_append_unsigned(&message, prepared->n_types);
	refuse(replayer, "08P01", buffer_slice(&message), out);
	buffer_release(&message);
	return true;
}

static void bind_message(struct replayer *replayer, struct slice body, struct buffer *out)
{
	struct cursor cursor = cursor_of(body);
	struct slice portal = cursor_string(&cursor);
	struct slice name = cursor_string(&cursor);
	struct pg_prepared *prepared = (struct pg_prepared *)names_find(&replayer->prepared, name);
	struct pg_bound *bound;
	struct arena arena;

	if (!cursor.failed && !prepared) {
		refuse_name(replayer, "26000", "prepared statement", name, " does not exist", out);
		return;
	}
	if (cursor.failed || replayer->bound.bytes > PG_REPLAY_NAMES_MAX) {
		refuse(replayer, "08P01", SLICE("malformed Bind, or too many portals"), out);
		return;
	}
	if (wrong_number(replayer, prepared, cursor, out) ||
	    pg_answer_aborted(replayer, &prepared->sql, out))
		return;
	if (portal.size && names_find(&replayer->bound, portal)) {
		refuse_name(replayer, "42P03", "cursor", portal, " already exists", out);
		return;
	}
	arena_init(&arena);
	bound = arena_alloc(&arena, sizeof(*bound));
	bound->arena = arena;
	bound->prepared = prepared;
	prepared->references++;
	bound->named.name = arena_copy(&bound->arena, portal);
	if (!bind_values(replayer, bound, &cursor) || !bind_formats(bound, &cursor)) {
		pg_bound_free(&bound->named);
		refuse(replayer, "08P01", SLICE("malformed Bind"), out);
		return;
	}
	bound->named.bytes = bound->arena.allocated;
	pg_bound_free(names_put(&replayer->bound, &bound->named));
	acknowledge(out, '2');
}

/* ---- Describe, Execute, Close ---- */

static void describe_statement(struct replayer *replayer, struct slice name, struct buffer *out)
{
	struct pg_prepared *prepared = (struct pg_prepared *)names_find(&replayer->prepared, name);
	size_t at;

	if (!prepared) {
		refuse_name(replayer, "26000", "prepared statement", name, " does not exist", out);
		return;
	}
	/* In a failed transaction the server does not even tell what a statement would give. */
	if (prepared->columns && pg_answer_aborted(replayer, &prepared->sql, out))
		return;
	at = pg_message_begin(out, 't');
	buffer_append_u16be(out, (uint16_t)prepared->n_types);
	for (size_t i = 0; i < prepared->n_types; i++)
		buffer_append_u32be(out, prepared->types[i]);
	pg_message_end(out, at);
	if (prepared->columns)
		pg_send_columns(out, prepared->columns, NULL, 0, false);
	else
		acknowledge(out, 'n');
}

/* Not a portal of Bind: a cursor that SQL declared, whose description was recorded under a text of its own. */
static void describe_cursor(struct replayer *replayer, struct slice name, struct buffer *out)
{
	const struct answers *answers = replayer->answers;
	struct sql_options options = sql_session_options(replayer->session);
	struct sql_statement sql;
	struct sql_value *values;
	struct answer answer = { 0 };
	struct answer_result result = { 0 };
	struct request request;
	struct buffer text;
	struct arena arena;

	arena_init(&arena);
	buffer_init(&text, PG_REQUEST_MAX + 64);
	pg_cursor_text(name, &text);
	sql_canonicalize(&options, buffer_slice(&text), &arena, &sql);
	values = arena_alloc(&arena, (sql.n_slots + 1) * sizeof(*values));
	sql_slot_values(&sql, NULL, 0, values);
	sql_session_resolve(replayer->session, &sql, values, &arena);
	request = pg_answer_request(replayer, &sql, values, buffer_slice(&text));
	if (answers->peek(answers->context, &request, &answer)) {
		answers->find(answers->context, &request, &answer);
		if (answers->result(answers->context, answer.exchange, 0, &result) == 1 &&
		    result.columns)
			pg_send_columns(out, result.columns, NULL, 0, true);
		else
			acknowledge(out, 'n');
	} else {
		refuse_name(replayer, "34000", "portal", name, " does not exist", out);
	}
	buffer_release(&text);
	arena_release(&arena);
}

/* What this very answer has is right also where the statement's columns changed since. */
static void answer_columns(struct replayer *replayer, const struct pg_bound *bound,
			   struct buffer *out)
{
	const struct answers *answers = replayer->answers;
	struct answer_key key;
	struct answer_result result;
	struct slice bytes;
	size_t from = out->size;
	bool failed, keyed;

	keyed = pg_send_key(bound->answer.exchange, bound->formats, bound->n_formats,
			    CACHED_COLUMNS, &key);
	if (keyed && answer_cache_find(answers->cache, key, &bytes, &failed)) {
		buffer_append_slice(out, bytes);
		return;
	}
	if (answers->result(answers->context, bound->answer.exchange, 0, &result) != 1)
		result.columns = NULL;
	if (result.columns)
		pg_send_columns(out, result.columns, bound->formats, bound->n_formats, false);
	else if (bound->prepared->columns)
		pg_send_columns(out, bound->prepared->columns, bound->formats, bound->n_formats,
				false);
	else
		acknowledge(out, 'n');
	if (keyed && result.columns && !out->overflowed)
		answer_cache_put(answers->cache, key, slice_of(out->data + from, out->size - from),
				 false);
}

/* Of a portal that has no answer the statement's columns are said: a cursor that is opened and never read asks no more. */
static void describe_portal(struct replayer *replayer, struct slice name, struct buffer *out)
{
	struct pg_bound *bound = (struct pg_bound *)names_find(&replayer->bound, name);
	bool known;

	if (!bound) {
		describe_cursor(replayer, name, out);
		return;
	}
	if (pg_answer_aborted(replayer, &bound->prepared->sql, out))
		return;
	known = pg_answer_known(replayer, bound);
	if (!known && !bound->prepared->has_columns && !pg_answer_find(replayer, bound, false, out))
		return;
	if (known && bound->answer.rung == RUNG_EXACT && bound->answer.outcome != OUTCOME_ERROR)
		answer_columns(replayer, bound, out);
	else if (bound->prepared->columns)
		pg_send_columns(out, bound->prepared->columns, bound->formats, bound->n_formats,
				false);
	else
		acknowledge(out, 'n');
}

static void execute_message(struct replayer *replayer, struct slice body, struct buffer *out)
{
	struct cursor cursor = cursor_of(body);
	struct slice name = cursor_string(&cursor);
	int32_t limit = cursor_i32be(&cursor);
	struct pg_bound *bound;

	if (!cursor_done(&cursor)) {
		refuse(replayer, "08P01", SLICE("malformed Execute"), out);
		return;
	}
	bound = (struct pg_bound *)names_find(&replayer->bound, name);
	if (!bound)
		refuse_name(replayer, "34000", "portal", name, " does not exist", out);
	else if (!pg_answer_aborted(replayer, &bound->prepared->sql, out))
		pg_answer_portal(replayer, bound, limit > 0 ? (uint64_t)limit : 0, out);
}

static void describe_or_close(struct replayer *replayer, const struct pg_frame *frame,
			      struct buffer *out)
{
	struct cursor cursor = cursor_of(frame->body);
	uint8_t target = cursor_u8(&cursor);
	struct slice name = cursor_string(&cursor);

	if (!cursor_done(&cursor) || (target != 'S' && target != 'P')) {
		refuse(replayer, "08P01", SLICE("malformed Describe or Close"), out);
	} else if (frame->type == 'D') {
		if (target == 'S')
			describe_statement(replayer, name, out);
		else
			describe_portal(replayer, name, out);
	} else {
		if (target == 'S')
			pg_forget_prepared(replayer, name);
		else
			pg_bound_free(names_take(&replayer->bound, name));
		acknowledge(out, '3'); /* also for a name that does not exist */
	}
}

void pg_extended_message(struct replayer *replayer, const struct pg_frame *frame,
			 struct buffer *out)
{
	switch (frame->type) {
	case 'P':
		parse_message(replayer, frame->body, out);
		break;
	case 'B':
		bind_message(replayer, frame->body, out);
		break;
	case 'D':
	case 'C':
		describe_or_close(replayer, frame, out);
		break;
	case 'E':
		execute_message(replayer, frame->body, out);
		break;
	default:
		break;
	}
}
