/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PostgreSQL recorder: the way in, and what the client says; see recorder.h for the whole. Follows chapters 55.2.1
 * (start-up), 55.2.2 (simple query) and 55.2.3 (extended query).
 */
#include "parsers/postgres/recorder.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

bool pg_fail(struct recorder *recorder, const char *why)
{
	recorder->error = why;
	return false;
}

struct recorder *pg_recorder_new(uint64_t connection)
{
	struct recorder *recorder = calloc(1, sizeof(*recorder));

	if (!recorder)
		abort();
	exchange_log_init(&recorder->log, connection);
	pg_framer_init(&recorder->framers[SIDE_CLIENT], false);
	pg_framer_init(&recorder->framers[SIDE_SERVER], true);
	ends_init(&recorder->ends);
	names_init(&recorder->statements);
	names_init(&recorder->portals);
	recorder->options.dialect = SQL_POSTGRES;
	return recorder;
}

static void operation_release(struct pg_operation *operation)
{
	free((void *)(uintptr_t)operation->name.data);
	free(operation->texts);
	if (operation->statement)
		pg_statement_free(&operation->statement->named);
	item_free(operation->item);
	*operation = (struct pg_operation){ 0 };
}

void pg_recorder_free(struct recorder *recorder)
{
	if (!recorder)
		return;
	while (recorder->n_operations)
		pg_operations_pop(recorder);
	free(recorder->operations);
	pg_copy_drop(recorder);
	names_release(&recorder->statements, pg_statement_free);
	names_release(&recorder->portals, pg_portal_free);
	pg_framer_release(&recorder->framers[SIDE_CLIENT]);
	pg_framer_release(&recorder->framers[SIDE_SERVER]);
	ends_release(&recorder->ends);
	item_free(recorder->session);
	exchange_log_release(&recorder->log);
	free(recorder);
}

/* ---- the queue of operations ---- */

static struct pg_operation *operation_at(struct recorder *recorder, size_t i)
{
	return &recorder->operations[(recorder->operations_first + i) &
				     (recorder->operations_capacity - 1)];
}

struct pg_operation *pg_operations_head(struct recorder *recorder)
{
	/* COPY data that nobody read: the server, not copying, ignores it (55.2.6). */
	while (recorder->n_operations && operation_at(recorder, 0)->type >= OPERATION_COPY_DATA)
		pg_operations_pop(recorder);
	return recorder->n_operations ? operation_at(recorder, 0) : NULL;
}

struct pg_operation *pg_operations_second(struct recorder *recorder)
{
	return recorder->n_operations < 2 ? NULL : operation_at(recorder, 1);
}

struct pg_operation *pg_operations_last(struct recorder *recorder)
{
	return recorder->n_operations ? operation_at(recorder, recorder->n_operations - 1) : NULL;
}

/* One leaves the queue. */
static void operation_gone(struct recorder *recorder, struct pg_operation *operation)
{
	recorder->operations_bytes -= operation->bytes;
	recorder->syncs -= operation->type == OPERATION_SYNC;
	operation_release(operation);
	recorder->operations_first++;
	recorder->n_operations--;
}

void pg_operations_pop(struct recorder *recorder)
{
	assert(recorder->n_operations);
	operation_gone(recorder, operation_at(recorder, 0));
}

static void grow_operations(struct recorder *recorder)
{
	size_t capacity = recorder->operations_capacity ? 2 * recorder->operations_capacity : 8;
	struct pg_operation *operations = calloc(capacity, sizeof(*operations));

	if (!operations)
		abort();
	for (size_t i = 0; i < recorder->n_operations; i++)
		operations[i] = *operation_at(recorder, i);
	free(recorder->operations);
	recorder->operations = operations;
	recorder->operations_capacity = capacity;
	recorder->operations_first = 0;
}

struct pg_operation *pg_operation_add(struct recorder *recorder, enum pg_operation_type type)
{
	struct pg_operation *operation;

	if (recorder->n_operations == PG_OPERATIONS_MAX) {
		pg_fail(recorder, "too many requests without an answer");
		return NULL;
	}
	if (recorder->n_operations == recorder->operations_capacity)
		grow_operations(recorder);
	operation = operation_at(recorder, recorder->n_operations++);
	operation->type = (uint8_t)type;
	operation->time_ns = recorder->log.now_ns;
	operation->late = recorder->ends.ended;
	recorder->syncs += type == OPERATION_SYNC;
	return operation;
}

void pg_operations_drop_second(struct recorder *recorder)
{
	struct pg_operation *first = operation_at(recorder, 0);
	struct pg_operation head = *first;

	assert(recorder->n_operations >= 2);
	*first = (struct pg_operation){ 0 }; /* as every place that is free */
	operation_gone(recorder, operation_at(recorder, 1));
	*operation_at(recorder, 0) = head;
}

struct slice pg_name_copy(struct slice name)
{
	uint8_t *copy;

	if (!name.size)
		return slice_of(NULL, 0);
	copy = malloc(name.size);
	if (!copy)
		abort();
	memcpy(copy, name.data, name.size);
	return slice_of(copy, name.size);
}

/* ---- what the client says ---- */

static bool client_startup(struct recorder *recorder, struct slice body)
{
	struct cursor cursor = cursor_of(body);
	uint32_t code = cursor_u32be(&cursor);
	struct item *item;
	struct name_value *parameters;
	struct slice name, value;
	size_t n = 0;

	recorder->framers[SIDE_CLIENT].startup = false;
	if (code ==
	    PG_CANCEL_REQUEST) { /* a connection of its own, which is never answered (55.2.9) */
		recorder->phase = PHASE_OVER;
		return true;
	}
	if (code >> 16 != 3)
		return pg_fail(recorder, "an unknown version of the protocol");
	item = item_new(ITEM_SESSION, recorder->log.connection);
	recorder->session = item;
	/* A name of at least one byte, and two NULs. */
	parameters = arena_alloc(&item->arena, (body.size / 3 + 1) * sizeof(*parameters));
	while (pg_startup_next(&cursor, &name, &value)) {
		parameters[n].name = arena_copy(&item->arena, name);
		parameters[n].value = arena_copy(&item->arena, value);
		if (slice_equal(name, SLICE("user")))
			item->session.user = parameters[n].value;
		else if (slice_equal(name, SLICE("database")))
			item->session.database = parameters[n].value;
		else if (slice_equal(name, SLICE("replication")))
			item->session.replication = pg_wants_replication(value);
		n++;
	}
	if (!cursor_done(&cursor))
		return pg_fail(recorder, "malformed startup message");
	if (!item->session.database.size) /* the server's rule */
		item->session.database = item->session.user;
	item->session.client_parameters = parameters;
	item->session.n_client_parameters = n;
	recorder->phase = PHASE_LOGIN;
	return true;
}

static bool client_query(struct recorder *recorder, struct slice body)
{
	struct cursor cursor = cursor_of(body);
	struct slice text = cursor_string(&cursor);
	struct pg_operation *operation;

	if (!cursor_done(&cursor))
		return pg_fail(recorder, "malformed Query");
	operation = pg_operation_add(recorder, OPERATION_QUERY);
	if (!operation)
		return false;
	operation->item = exchange_new_from(&recorder->log, EXCHANGE_SIMPLE,
					    &recorder->framers[SIDE_CLIENT].body, text, &text);
	operation->item->exchange.text = text;
	if (sql_count(&recorder->options, text) > 1) {
		operation->texts = (uint8_t *)(uintptr_t)pg_name_copy(text).data;
		operation->texts_size = text.size;
	}
	return true;
}

static bool client_parse(struct recorder *recorder, struct slice body)
{
	struct cursor cursor = cursor_of(body);
	struct slice name = cursor_string(&cursor);
	struct slice text = cursor_string(&cursor);
	size_t n = cursor_u16be(&cursor);
	struct pg_statement *statement;
	struct pg_operation *operation;
	uint32_t *types;

	if (cursor.failed || n > cursor_left(&cursor) / 4)
		return pg_fail(recorder, "malformed Parse");
	operation = pg_operation_add(recorder, OPERATION_PARSE);
	if (!operation)
		return false;
	statement = pg_statement_new(name, text);
	types = arena_alloc(&statement->arena, n * sizeof(*types));
	for (size_t i = 0; i < n; i++)
		types[i] = cursor_u32be(&cursor);
	statement->declared = types;
	statement->n_declared = n;
	statement->named.bytes = statement->arena.allocated;
	operation->statement = statement;
	return cursor_done(&cursor) || pg_fail(recorder, "malformed Parse");
}

static bool client_bind(struct recorder *recorder, struct slice body)
{
	struct pg_operation *operation;
	struct slice copy, portal;
	struct cursor cursor;

	operation = pg_operation_add(recorder, OPERATION_BIND);
	if (!operation)
		return false;
	operation->item = exchange_new_from(&recorder->log, EXCHANGE_EXTENDED,
					    &recorder->framers[SIDE_CLIENT].body, body, &copy);
	cursor = cursor_of(copy);
	portal = cursor_string(&cursor);
	operation->statement_name = cursor_string(&cursor);
	operation->bind = cursor_rest(&cursor);
	operation->name = pg_name_copy(portal);
	return !cursor.failed || pg_fail(recorder, "malformed Bind");
}

/* Describe and Close: 'S' or 'P', and a name. */
static bool client_target(struct recorder *recorder, struct slice body,
			  enum pg_operation_type statement, enum pg_operation_type portal)
{
	struct cursor cursor = cursor_of(body);
	uint8_t target = cursor_u8(&cursor);
	struct slice name = cursor_string(&cursor);
	struct pg_operation *operation;

	if (!cursor_done(&cursor) || (target != 'S' && target != 'P'))
		return pg_fail(recorder, "malformed Describe or Close");
	operation = pg_operation_add(recorder, target == 'S' ? statement : portal);
	if (operation)
		operation->name = pg_name_copy(name);
	return operation != NULL;
}

static bool client_execute(struct recorder *recorder, struct slice body)
{
	struct cursor cursor = cursor_of(body);
	struct slice name = cursor_string(&cursor);
	struct pg_operation *operation;

	cursor_i32be(&cursor); /* the row limit shows in the answer */
	if (!cursor_done(&cursor))
		return pg_fail(recorder, "malformed Execute");
	operation = pg_operation_add(recorder, OPERATION_EXECUTE);
	if (!operation)
		return false;
	operation->name = pg_name_copy(name);
	return true;
}

static bool client_sync(struct recorder *recorder)
{
	/* While it reads COPY data the server ignores Sync (55.2.6). */
	if (pg_copy_reads(recorder))
		return true;
	return pg_operation_add(recorder, OPERATION_SYNC) != NULL;
}

/* Requests above PG_REQUEST_MAX come in pieces: they keep their place in the queue, and nothing is stored of them. */
static bool client_large(struct recorder *recorder, const struct pg_frame *frame)
{
	struct pg_operation *operation = NULL;

	if (frame->type == 'd')
		return pg_copy_client_data(recorder, frame);
	if (frame->part != FRAME_BEGIN)
		return true;
	if (frame->type != 'Q')
		return pg_fail(recorder, "a Parse, Bind or call larger than 64 MiB");
	operation = pg_operation_add(recorder, OPERATION_QUERY);
	if (!operation)
		return false;
	operation->item = exchange_new(&recorder->log, EXCHANGE_SIMPLE, slice_of(NULL, 0), NULL);
	operation->item->exchange.flags |= EXCHANGE_REQUEST_TOO_LARGE;
	return true;
}

/* A request was added: the queue is bounded in bytes too. */
static bool weigh_operation(struct recorder *recorder)
{
	struct pg_operation *operation = operation_at(recorder, recorder->n_operations - 1);

	operation->bytes = sizeof(*operation) + operation->name.size + operation->texts_size;
	if (operation->item)
		operation->bytes += operation->item->arena.allocated;
	if (operation->statement)
		operation->bytes += operation->statement->arena.allocated;
	recorder->operations_bytes += operation->bytes;
	return recorder->operations_bytes <= PG_OPERATIONS_BYTES_MAX ||
	       pg_fail(recorder, "too many bytes of requests without an answer");
}

/* A client that said Terminate has ended. */
static void side_ended(struct recorder *recorder, enum side side, uint32_t flags)
{
	bool waits = recorder->phase == PHASE_READY && recorder->n_operations &&
		     !(recorder->log.active && recorder->log.active->exchange.first_byte_ns);

	(void)ends_side(&recorder->ends, &recorder->log, side, flags, waits);
}

void pg_recorder_broken(struct recorder *recorder, enum side side)
{
	side_ended(recorder, side, EXCHANGE_SERVER_RESET);
	ends_broken(&recorder->ends, side);
}

static bool client_message(struct recorder *recorder, const struct pg_frame *frame)
{
	if (recorder->phase == PHASE_OVER || recorder->terminated)
		return true;
	if (frame->part != FRAME_WHOLE)
		return client_large(recorder, frame);
	if (recorder->phase == PHASE_STARTUP)
		return client_startup(recorder, frame->body);
	switch (frame->type) {
	case 'Q':
		return client_query(recorder, frame->body);
	case 'P':
		return client_parse(recorder, frame->body);
	case 'B':
		return client_bind(recorder, frame->body);
	case 'D':
		return client_target(recorder, frame->body, OPERATION_DESCRIBE_STATEMENT,
				     OPERATION_DESCRIBE_PORTAL);
	case 'C':
		return client_target(recorder, frame->body, OPERATION_CLOSE_STATEMENT,
				     OPERATION_CLOSE_PORTAL);
	case 'E':
		return client_execute(recorder, frame->body);
	case 'S':
		return client_sync(recorder);
	case 'X':
		recorder->terminated = !pg_copy_reads(recorder);
		side_ended(recorder, SIDE_CLIENT, 0);
		return true;
	case 'F':
		return pg_client_call(recorder, frame->body);
	case 'd':
		return pg_copy_client_data(recorder, frame);
	case 'c':
	case 'f':
		return pg_copy_client_end(recorder, frame);
	default: /* passwords, Flush: nothing to keep */
		return true;
	}
}

static bool see(struct recorder *recorder, enum side side, struct slice bytes)
{
	struct pg_framer *framer = &recorder->framers[side];
	struct pg_frame frame;
	enum pg_next next = PG_MORE;
	bool ok = !recorder->error;

	while (ok && (next = pg_framer_next(framer, &bytes, &frame)) == PG_EVENT) {
		size_t before = recorder->n_operations;

		if (side == SIDE_CLIENT)
			ok = client_message(recorder, &frame);
		else if (recorder->checksum)
			ok = pg_server_message_checksum(recorder, &frame);
		else
			ok = pg_server_message(recorder, &frame);
		if (ok && recorder->n_operations > before)
			ok = weigh_operation(recorder);
	}
	if (ok && next == PG_ERROR)
		ok = pg_fail(recorder, framer->error);
	return ok;
}

/* Reads what was held back: somebody may have read it. */
static bool see_held_back(struct recorder *recorder)
{
	struct slice bytes;

	recorder->log.now_ns = recorder->ends.held_ns;
	return !ends_give_back(&recorder->ends, &bytes) || see(recorder, SIDE_SERVER, bytes);
}

int pg_recorder_see(struct recorder *recorder, enum side side, struct slice bytes, int64_t time_ns,
		    struct item_list *items, const char **ret_why)
{
	bool ok = true;

	recorder->log.items = items;
	if (!bytes.size)
		side_ended(recorder, side, EXCHANGE_SERVER_ENDED);
	if (side == SIDE_SERVER && bytes.size && recorder->ends.holds_back) {
		if (ends_hold_back(&recorder->ends, bytes, time_ns))
			bytes.size = 0;
		else
			ok = see_held_back(recorder);
	}
	recorder->log.now_ns = time_ns;
	ok = ok && see(recorder, side, bytes);
	recorder->log.items = NULL;
	if (ok)
		return 0;
	*ret_why = recorder->error;
	return -EPROTO;
}

void pg_recorder_flush(struct recorder *recorder, int64_t before_ns, struct item_list *items)
{
	struct pg_operation *head = pg_operations_head(recorder);

	recorder->log.items = items;
	/* A Query without an answer yet is what the server works at. */
	if (!recorder->log.active && recorder->phase == PHASE_READY && head &&
	    head->type == OPERATION_QUERY && head->item &&
	    head->item->exchange.start_ns < before_ns)
		pg_query_next(recorder, head);
	if (recorder->log.active && recorder->log.active->exchange.opens &&
	    recorder->log.active->exchange.start_ns < before_ns)
		exchange_spill(&recorder->log, 0);
	recorder->log.items = NULL;
}

/* What was asked and never answered: what the app sent last matters most when something broke. */
static void cut_operation(struct recorder *recorder, struct pg_operation *operation)
{
	struct named *named;

	if (operation->late)
		recorder->log.cut_flags = 0;
	if (operation->type == OPERATION_PARSE) {
		named = names_put(&recorder->statements, &operation->statement->named);
		operation->statement = NULL;
		pg_statement_end(recorder, (struct pg_statement *)named);
	} else if ((operation->type == OPERATION_QUERY || operation->type == OPERATION_FUNCTION) &&
		   operation->item) {
		exchange_cut(&recorder->log, operation->item);
		operation->item = NULL;
	} else if (operation->type == OPERATION_BIND) {
		named = names_find(&recorder->statements, operation->statement_name);
		if (named && pg_exchange_bind(operation->item, operation->bind,
					      (struct pg_statement *)named)) {
			((struct pg_statement *)named)->executed = true;
			exchange_cut(&recorder->log, operation->item);
			operation->item = NULL;
		}
	} else if (operation->type == OPERATION_EXECUTE) {
		named = names_find(&recorder->portals, operation->name);
		if (named && ((struct pg_portal *)named)->item) {
			exchange_cut(&recorder->log, ((struct pg_portal *)named)->item);
			((struct pg_portal *)named)->item = NULL;
		}
	}
}

void pg_statements_end(struct recorder *recorder)
{
	struct names *names = &recorder->statements;

	for (size_t i = 0; names->n && i < names->n_buckets; i++)
		for (struct named *named; (named = names->buckets[i]);)
			pg_statement_end(recorder,
					 (struct pg_statement *)names_take(names, named->name));
	names_shrink(names);
}

void pg_portals_end(struct recorder *recorder)
{
	struct names *names = &recorder->portals;

	for (size_t i = 0; names->n && i < names->n_buckets; i++)
		for (struct named *named; (named = names->buckets[i]);)
			pg_portal_end(recorder, (struct pg_portal *)names_take(names, named->name));
	names_shrink(names);
}

void pg_recorder_end(struct recorder *recorder, int64_t time_ns, struct item_list *items)
{
	struct pg_operation *operation;

	recorder->log.items = items;
	see_held_back(recorder); /* where it fails, what it was read of is cut */
	recorder->log.now_ns = time_ns;
	exchange_emit_last(&recorder->log);
	pg_copy_drop(recorder);
	if (recorder->log.active) {
		recorder->log.active->exchange.flags |= EXCHANGE_CUT | recorder->log.cut_flags;
		pg_exchange_close(recorder, OUTCOME_UNFINISHED);
		exchange_emit_last(&recorder->log);
		if (recorder->n_operations)
			pg_operations_pop(recorder);
	}
	while ((operation = pg_operations_head(recorder))) {
		if (!recorder->failed)
			cut_operation(recorder, operation);
		pg_operations_pop(recorder);
	}
	pg_portals_end(recorder);
	pg_statements_end(recorder);
	recorder->log.items = NULL;
}
