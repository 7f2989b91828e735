/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PostgreSQL recorder: what is prepared. A Parse, a Bind and a Close take effect when the server says so, and what it says of
 * a statement stays with it; see recorder.h. Follows chapter 55.2.3.
 */
#include "parsers/postgres/prepare.h"
#include "parsers/postgres/recorder.h"

#include <stdlib.h>

bool pg_portals_fit(struct recorder *recorder)
{
	return recorder->portals.bytes <= PG_NAMES_BYTES_MAX + PG_REQUEST_MAX ||
	       pg_fail(recorder, "too many portals");
}

static size_t portal_bytes(const struct pg_portal *portal)
{
	return sizeof(*portal) + portal->named.name.size + portal->statement_name.size +
	       (portal->item ? portal->item->arena.allocated : 0);
}

void pg_portal_weigh(struct recorder *recorder, struct pg_portal *portal)
{
	names_weigh(&recorder->portals, &portal->named, portal_bytes(portal));
}

static bool statement_grew(struct recorder *recorder, struct pg_statement *statement)
{
	names_weigh(&recorder->statements, &statement->named, statement->arena.allocated);
	return recorder->statements.bytes <= PG_NAMES_BYTES_MAX ||
	       pg_fail(recorder, "too many prepared statements");
}

/*
 * Drivers describe the first portal of a statement, and then rely on what they learned: so does its statement. The forms are
 * the portal's own there; pg_exchange_bind() puts each portal's in their place.
 */
static bool describe_portal(struct recorder *recorder, struct pg_portal *portal, struct slice body)
{
	struct pg_statement *statement;

	if (portal->item && body.size && !portal->has_columns)
		item_add_piece(portal->item, PIECE_COLUMNS, 0, body);
	pg_portal_weigh(recorder, portal);
	portal->has_columns = true;
	statement =
		(struct pg_statement *)names_find(&recorder->statements, portal->statement_name);
	if (!statement || statement->serial != portal->statement_serial || statement->has_columns)
		return pg_portals_fit(recorder);
	statement->has_columns = true;
	statement->columns = arena_copy(&statement->arena, body);
	return statement_grew(recorder, statement) && pg_portals_fit(recorder);
}

/*
 * A portal that no Bind made is a cursor of DECLARE. Its description is kept as an exchange of its own, under a text that a
 * replayer makes again (pg_cursor_text).
 */
static void describe_cursor(struct recorder *recorder, struct pg_operation *describe,
			    struct slice body)
{
	struct buffer text;
	struct item *item;
	struct slice copy;

	buffer_init(&text, PG_REQUEST_MAX + 64);
	pg_cursor_text(describe->name, &text);
	item = exchange_new(&recorder->log, EXCHANGE_EXTENDED, buffer_slice(&text), &copy);
	buffer_release(&text);
	item->exchange.text = copy;
	item->exchange.start_ns = describe->time_ns;
	exchange_activate(&recorder->log, item);
	exchange_touch(&recorder->log);
	if (body.size)
		exchange_piece(&recorder->log, PIECE_COLUMNS, body);
	exchange_piece(&recorder->log, PIECE_TAG, SLICE("DESCRIBE"));
	pg_exchange_close(recorder, OUTCOME_OK);
}

bool pg_described(struct recorder *recorder, struct pg_operation *describe, struct slice body)
{
	struct pg_statement *statement;
	struct pg_portal *portal;
	bool fits = true;

	if (describe->type == OPERATION_DESCRIBE_STATEMENT) {
		statement =
			(struct pg_statement *)names_find(&recorder->statements, describe->name);
		if (statement && !statement->has_columns) { /* it cannot change (55.2.3) */
			statement->has_columns = true;
			statement->columns = arena_copy(&statement->arena, body);
			fits = statement_grew(recorder, statement);
		}
	} else {
		portal = (struct pg_portal *)names_find(&recorder->portals, describe->name);
		if (portal)
			fits = describe_portal(recorder, portal, body);
		else
			describe_cursor(recorder, describe, body);
	}
	pg_operations_pop(recorder);
	return fits;
}

bool pg_parameters_described(struct recorder *recorder, struct pg_operation *head,
			     struct slice body)
{
	struct cursor cursor = cursor_of(body);
	size_t n = cursor_u16be(&cursor);
	struct pg_statement *statement;
	uint32_t *types;

	if (head->type != OPERATION_DESCRIBE_STATEMENT)
		return pg_unexpected(recorder);
	/* A text may name more of them than 16 bits count ($70000): servers send them all. */
	if (cursor.failed || cursor_left(&cursor) % 4 ||
	    (cursor_left(&cursor) / 4 & UINT16_MAX) != n)
		return pg_fail(recorder, "malformed ParameterDescription");
	n = cursor_left(&cursor) / 4;
	statement = (struct pg_statement *)names_find(&recorder->statements, head->name);
	if (!statement || statement->described)
		return true;
	types = arena_alloc(&statement->arena, n * sizeof(*types));
	for (size_t i = 0; i < n; i++)
		types[i] = cursor_u32be(&cursor);
	statement->described = types;
	statement->n_described = n;
	return statement_grew(recorder, statement);
}

/* ---- acknowledgements ---- */

static bool statement_put(struct recorder *recorder, struct pg_statement *statement)
{
	statement->serial = ++recorder->serial;
	statement->behind = recorder->log.ordinal + 1;
	pg_statement_end(recorder, (struct pg_statement *)names_put(&recorder->statements,
								    &statement->named));
	return recorder->statements.bytes <= PG_NAMES_BYTES_MAX ||
	       pg_fail(recorder, "too many prepared statements");
}

bool pg_parse_complete(struct recorder *recorder, struct pg_operation *head)
{
	struct pg_statement *statement = head->statement;

	if (head->type != OPERATION_PARSE)
		return pg_unexpected(recorder);
	head->statement = NULL;
	pg_operations_pop(recorder);
	return statement_put(recorder, statement);
}

/* One piece of memory: there is a portal for each execution. */
static struct pg_portal *portal_new(struct slice statement_name)
{
	struct pg_portal *portal = calloc(1, sizeof(*portal) + statement_name.size);

	if (!portal)
		abort();
	portal->statement_name = slice_of(portal + 1, statement_name.size);
	if (statement_name.size)
		memcpy(portal + 1, statement_name.data, statement_name.size);
	return portal;
}

bool pg_bind_complete(struct recorder *recorder, struct pg_operation *head)
{
	struct pg_statement *statement;
	struct pg_portal *portal;

	if (head->type != OPERATION_BIND)
		return pg_unexpected(recorder);
	statement = (struct pg_statement *)names_find(&recorder->statements, head->statement_name);
	if (!statement)
		return pg_fail(recorder, "a statement that was prepared before recording began");
	if (!pg_exchange_bind(head->item, head->bind, statement))
		return pg_fail(recorder, "malformed Bind");
	statement->executed = true;
	portal = portal_new(statement->named.name);
	portal->item = head->item;
	portal->has_columns = statement->has_columns;
	portal->statement_serial = statement->serial;
	portal->named.name = head->name;
	portal->named.bytes = portal_bytes(portal);
	head->item = NULL;
	head->name = slice_of(NULL, 0);
	pg_portal_end(recorder, (struct pg_portal *)names_put(&recorder->portals, &portal->named));
	pg_operations_pop(recorder);
	return pg_portals_fit(recorder);
}

bool pg_close_complete(struct recorder *recorder, struct pg_operation *head)
{
	if (head->type == OPERATION_CLOSE_STATEMENT)
		pg_statement_end(recorder, (struct pg_statement *)names_take(&recorder->statements,
									     head->name));
	else if (head->type == OPERATION_CLOSE_PORTAL)
		pg_portal_end(recorder,
			      (struct pg_portal *)names_take(&recorder->portals, head->name));
	else
		return pg_unexpected(recorder);
	pg_operations_pop(recorder);
	return true;
}

/* ---- what ends without a Close ---- */

/* A simple query ends the unnamed statement and the unnamed portal (55.2.3). */
void pg_unnamed_end(struct recorder *recorder)
{
	struct slice unnamed = slice_of(NULL, 0);

	pg_statement_end(recorder,
			 (struct pg_statement *)names_take(&recorder->statements, unnamed));
	pg_portal_end(recorder, (struct pg_portal *)names_take(&recorder->portals, unnamed));
}

/* What PREPARE makes and DEALLOCATE and DISCARD ALL drop are Parse's statements too: they are one space of names. */
static bool prepared(struct recorder *recorder, struct slice text)
{
	struct pg_statement *statement;
	struct pg_prepare prepare;
	struct arena arena;
	uint32_t *types;
	bool ok = true;

	arena_init(&arena);
	if (pg_prepare_read(&recorder->options, text, &arena, &prepare)) {
		statement = pg_statement_new(prepare.name, prepare.text);
		statement->of_sql = true;
		types = arena_alloc(&statement->arena, prepare.n_types * sizeof(*types));
		for (size_t i = 0; i < prepare.n_types; i++)
			types[i] = prepare.types[i];
		statement->declared = types;
		statement->n_declared = prepare.n_types;
		statement->named.bytes = statement->arena.allocated;
		ok = statement_put(recorder, statement);
	}
	arena_release(&arena);
	return ok;
}

static void deallocated(struct recorder *recorder, struct slice text)
{
	struct sql_statement sql;
	struct arena arena;

	arena_init(&arena);
	sql_canonicalize(&recorder->options, text, &arena, &sql);
	pg_statement_end(recorder,
			 (struct pg_statement *)names_take(&recorder->statements,
							   pg_last_name(sql.canonical, &arena)));
	arena_release(&arena);
}

bool pg_prepared_by_sql(struct recorder *recorder, struct slice tag)
{
	struct slice text = recorder->log.active->exchange.text;

	if (slice_equal(tag, SLICE("PREPARE")))
		return prepared(recorder, text);
	if (slice_equal(tag, SLICE("DEALLOCATE")))
		deallocated(recorder, text);
	else if (slice_equal(tag, SLICE("DEALLOCATE ALL")) ||
		 slice_equal(tag, SLICE("DISCARD ALL")))
		pg_statements_end(recorder);
	return true;
}
