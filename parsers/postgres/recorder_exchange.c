/* SPDX-License-Identifier: Apache-2.0 */
/* The PostgreSQL recorder: exchanges from their opening to their items; see recorder.h. */
#include "parsers/postgres/recorder.h"

#include <stdlib.h>

struct pg_statement *pg_statement_new(struct slice name, struct slice text)
{
	struct pg_statement *statement;
	struct arena arena;

	arena_init(&arena);
	statement = arena_alloc(&arena, sizeof(*statement));
	statement->arena = arena;
	statement->text = arena_copy(&statement->arena, text);
	statement->named.name = arena_copy(&statement->arena, name);
	statement->named.bytes = statement->arena.allocated;
	statement->notices_end = &statement->notices;
	return statement;
}

void pg_statement_free(struct named *named)
{
	struct arena arena = ((struct pg_statement *)named)->arena; /* the statement lies in it */

	arena_release(&arena);
}

void pg_portal_free(struct named *named)
{
	struct pg_portal *portal = (struct pg_portal *)named;

	item_free(portal->item);
	free((void *)(uintptr_t)named->name.data);
	free(portal);
}

/*
 * A described statement's columns say form 0; the portal's are what Bind asked for: none is all text, one is for all,
 * else one for each.
 */
static void add_bound_columns(struct item *item, const struct pg_statement *statement,
			      struct cursor formats, size_t n_formats)
{
	struct piece *piece = item_add_piece(item, PIECE_COLUMNS, 0, statement->columns);
	struct cursor cursor = cursor_of(piece->bytes);
	size_t n = cursor_u16be(&cursor);
	uint16_t format = n_formats == 1 ? cursor_u16be(&formats) : 0;

	for (size_t i = 0; i < n; i++) {
		uint8_t *at;

		cursor_string(&cursor);
		cursor_bytes(&cursor, 16);
		if (n_formats > 1)
			format = cursor_u16be(&formats);
		at = (uint8_t *)(uintptr_t)cursor_bytes(&cursor, 2)
			     .data; /* the piece's own bytes */
		if (!at || formats.failed)
			return;
		at[0] = (uint8_t)(format >> 8);
		at[1] = (uint8_t)format;
	}
}

static uint32_t parameter_type(const struct pg_statement *statement, size_t i, bool *ret_declared)
{
	*ret_declared = i < statement->n_declared && statement->declared[i];
	if (*ret_declared)
		return statement->declared[i];
	return i < statement->n_described ? statement->described[i] : 0;
}

bool pg_exchange_bind(struct item *item, struct slice bind, struct pg_statement *statement)
{
	struct cursor cursor = cursor_of(bind);
	size_t n_forms = cursor_u16be(&cursor);
	struct cursor forms = cursor_of(cursor_bytes(&cursor, 2 * n_forms));
	size_t n = cursor_u16be(&cursor);
	uint16_t form = n_forms == 1 ? cursor_u16be(&forms) : PARAMETER_TEXT;
	struct parameter *parameters;

	if (cursor.failed || n > cursor_left(&cursor) / 4)
		return false;
	parameters = arena_alloc(&item->arena, n * sizeof(*parameters));
	for (size_t i = 0; i < n; i++) {
		struct parameter *parameter = &parameters[i];
		int32_t size = cursor_i32be(&cursor);

		if (n_forms > 1)
			form = cursor_u16be(&forms);
		parameter->type = parameter_type(statement, i, &parameter->declared);
		parameter->form = form == 1 ? PARAMETER_BINARY : PARAMETER_TEXT;
		parameter->null = size == -1;
		if (size > 0)
			parameter->value = cursor_bytes(&cursor, (size_t)size);
		else if (size < -1)
			return false;
	}
	item->exchange.parameters = parameters;
	item->exchange.n_parameters = n;
	if (!statement->executed)
		item->exchange.prepared_behind = statement->behind;
	item->exchange.text = arena_copy(&item->arena, statement->text);
	n_forms = cursor_u16be(&cursor);
	forms = cursor_of(cursor_bytes(&cursor, 2 * n_forms));
	if (!cursor_done(&cursor))
		return false;
	for (struct pg_notice *notice = statement->notices; notice; notice = notice->next)
		item_add_piece(item, PIECE_NOTICE, 0, notice->body);
	statement->notices = NULL;
	statement->notices_end = &statement->notices;
	checksum_join(&item->exchange.passed, &statement->passed);
	statement->passed = (struct checksum){ 0 };
	if (statement->has_columns && statement->columns.size)
		add_bound_columns(item, statement, forms, n_forms);
	return true;
}

void pg_exchange_close(struct recorder *recorder, enum exchange_outcome outcome)
{
	exchange_close(&recorder->log, outcome);
	recorder->portal = NULL;
}

bool pg_query_next(struct recorder *recorder, struct pg_operation *query)
{
	struct item *item = query->item;
	struct slice text;

	if (item) { /* the first */
		query->item = NULL;
		recorder->rest = slice_of(query->texts, query->texts_size);
		if (query->texts && sql_split(&recorder->options, &recorder->rest, &text)) {
			text = exchange_trim(text);
			item->exchange.text = slice_of(
				item->exchange.text.data + (text.data - query->texts), text.size);
		}
	} else {
		if (!sql_split(&recorder->options, &recorder->rest, &text))
			return false;
		item = exchange_new(&recorder->log, EXCHANGE_SIMPLE, exchange_trim(text), &text);
		item->exchange.text = text;
	}
	exchange_activate(&recorder->log, item);
	return true;
}

/* What is known of a statement that nothing executed; gives the n types of its parameters to be filled in. */
static uint32_t *report(struct recorder *recorder, struct slice text, bool has_columns,
			struct slice columns, size_t n)
{
	struct item *item = item_new(ITEM_STATEMENT, recorder->log.connection);
	struct statement_item *statement = &item->statement;
	uint32_t *types = arena_alloc(&item->arena, n * sizeof(*types));

	statement->text = arena_copy(&item->arena, text);
	statement->n_parameter_types = n;
	statement->parameter_types = types;
	statement->has_columns = has_columns;
	statement->columns = arena_copy(&item->arena, columns);
	item_list_add(recorder->log.items, item);
	return types;
}

/* A cursor that was never read: its statement counts as executed, so only this tells what it would have given. */
static void report_unexecuted(struct recorder *recorder, const struct pg_portal *portal)
{
	const struct exchange_item *exchange = &portal->item->exchange;
	struct slice columns = slice_of(NULL, 0);
	uint32_t *types;

	for (const struct piece *piece = exchange->pieces; piece; piece = piece->next)
		if (piece->type == PIECE_COLUMNS)
			columns = piece->bytes;
	types = report(recorder, exchange->text, portal->has_columns, columns,
		       exchange->n_parameters);
	for (size_t i = 0; i < exchange->n_parameters; i++)
		types[i] = exchange->parameters[i].type;
}

void pg_portal_end(struct recorder *recorder, struct pg_portal *portal)
{
	if (!portal)
		return;
	if (portal->item && portal->item->exchange.ordinal) { /* begun, and not drained */
		exchange_suspended_end(&recorder->log, portal->item);
		portal->item = NULL;
	} else if (portal->item) {
		report_unexecuted(recorder, portal);
	}
	pg_portal_free(&portal->named);
}

void pg_statement_end(struct recorder *recorder, struct pg_statement *statement)
{
	uint32_t *types;
	size_t n;

	if (!statement)
		return;
	if (!statement->executed && (statement->has_columns || !statement->of_sql)) {
		n = statement->n_described ? statement->n_described : statement->n_declared;
		types = report(recorder, statement->text, statement->has_columns,
			       statement->columns, n);
		for (size_t i = 0; i < n; i++)
			types[i] = statement->n_described ? statement->described[i] :
							    statement->declared[i];
		item_list_last(recorder->log.items)->statement.prepared_behind = statement->behind;
	}
	pg_statement_free(&statement->named);
}
