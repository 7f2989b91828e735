/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exchanges into rows (design §5, §9). An ordinary exchange is one item and one INSERT. A large one
 * comes in several items: its row is made with the first and completed with the last.
 *
 * Invariant: what a kept exchange's identity points to lies in its own arena, and its `entry` is
 * NULL.
 */
#include "parsers/binding.h"
#include "store/http_ingest.h"
#include "store/ingest_state.h"
#include "store/parameters.h"
#include "store/verify.h"

#include <stdlib.h>

/*
 * Above this, what a statement did to its session is not followed: only SET and the like do, and
 * they are short.
 */
#define SESSION_TEXT_MAX ((size_t)64 * 1024)

/* The flags that say that something is not stored; what was cut is counted as unfinished. */
#define FLAGS_MISSING \
	(EXCHANGE_COPY | EXCHANGE_REQUEST_TOO_LARGE | EXCHANGE_NOT_DECODED | EXCHANGE_NOTICES_CUT)

void ingest_open_exchange_free(struct open_exchange *exchange)
{
	free(exchange->result.kept_format);
	buffer_release(&exchange->result.error);
	buffer_release(&exchange->result.events);
	buffer_release(&exchange->result.kept_tag);
	arena_release(&exchange->arena);
	free(exchange);
}

void ingest_end_cells(struct exchange_row *row, const struct exchange_item *item, int64_t start_ns,
		      uint32_t flags)
{
	struct cell *cells = row->cells;

	cells[CELL_FIRST_BYTE] = cells[CELL_DURATION] = (struct cell){ 0 };
	if (item->closes && item->first_byte_ns)
		cells[CELL_FIRST_BYTE] = cell_number(item->first_byte_ns);
	if (item->closes && item->end_ns)
		cells[CELL_DURATION] = cell_number(item->end_ns - start_ns);
	cells[CELL_OUTCOME] = cell_number(item->closes ? item->outcome : OUTCOME_UNFINISHED);
	cells[CELL_FLAGS] = cell_number((item->closes ? item->flags : 0) | flags);
}

void ingest_bind_end(sqlite3_stmt *sql, int at, const struct exchange_item *item, int64_t start_ns,
		     uint32_t flags)
{
	struct exchange_row row;

	ingest_end_cells(&row, item, start_ns, flags);
	cells_bind(sql, at, &row.cells[CELL_FIRST_BYTE], 2);
	cells_bind(sql, at + 2, &row.cells[CELL_OUTCOME], 2);
}

/*
 * Bytes of a type of which not all is known yet: what they are as a value, and so the identity, may be known when it is replayed.
 * Of another extension's nothing more will be.
 */
static bool is_open_type(const struct ingest_types *types, uint32_t type)
{
	const struct type_entry *entry =
		type && types ? types_find(types->types, type, TYPE_SCOPE_NOW) : NULL;

	return type && !(entry && entry->sort == TYPE_BASE);
}

static bool is_open(const struct open_exchange *exchange)
{
	const struct identity *identity = &exchange->identity;
	bool open = false;

	for (size_t i = 0; i < identity->template.statement.n_slots; i++) {
		if (parameters_apart(&identity->values[i]))
			return false; /* the hash of these cannot be made anew */
		open |= is_open_type(exchange->types, binding_open_type(&identity->values[i]));
	}
	return open;
}

static void identity_cells(struct cell *cells, const struct open_exchange *exchange)
{
	const struct identity *identity = &exchange->identity;

	if (!identity->entry)
		return;
	if (!is_open(exchange)) {
		cells[CELL_EXACT] = cell_number((int64_t)identity->exact_hash);
		cells[CELL_LOOSE] = cell_number((int64_t)identity->loose_hash);
	}
	cells[CELL_STATEMENT] = cell_number(identity->statement);
	cells[CELL_TEXT] = cell_bytes(ingest_own_text(identity));
}

/* Large parameters, kept apart from the row. */
static int add_parameter_parts(struct ingest *ingest, const struct open_exchange *exchange)
{
	const struct identity *identity = &exchange->identity;

	if (!identity->entry)
		return SQLITE_OK;
	for (size_t i = 0; i < identity->template.statement.n_slots; i++) {
		uint32_t sequence = 0;
		int rc = SQLITE_OK;

		if (parameters_apart(&identity->values[i]))
			rc = ingest_part(ingest, exchange->id, parameters_part(i), &sequence,
					 identity->values[i].text);
		if (rc != SQLITE_OK)
			return rc;
	}
	return SQLITE_OK;
}

static int add_exchange(struct ingest *ingest, const struct connection_state *connection,
			const struct exchange_item *item, struct open_exchange *exchange)
{
	const struct identity *identity = &exchange->identity;
	struct buffer *parameters = &ingest->parameters;
	struct exchange_row row = { 0 };
	struct cell *cells = row.cells;
	int rc;

	cells[CELL_ID] = cell_number(exchange->id);
	cells[CELL_CONNECTION] = cell_number((int64_t)connection->number);
	cells[CELL_ORDINAL] = cell_number((int64_t)item->ordinal);
	cells[CELL_BATCH] = cell_number((int64_t)item->batch);
	cells[CELL_BATCH_INDEX] = cell_number(item->index);
	cells[CELL_STARTED] = cell_number(item->start_ns);
	cells[CELL_KIND] = cell_number(item->kind);
	if (item->transaction > ' ' && item->transaction < 0x7f)
		cells[CELL_TRANSACTION] =
			(struct cell){ .type = CELL_IS_CHARACTER, .number = item->transaction };
	identity_cells(cells, exchange);
	buffer_clear(parameters);
	if (identity->entry && item->kind != EXCHANGE_PARSE)
		parameters_json(identity->values, identity->template.statement.n_slots, parameters);
	if (parameters->overflowed) {
		exchange->flags |= EXCHANGE_REQUEST_TOO_LARGE;
		buffer_clear(parameters);
	}
	if (parameters->size) /* JSON: valid UTF-8 without NUL */
		cells[CELL_PARAMETERS] = cell_text(buffer_slice(parameters));
	cells[CELL_EDITED] = cell_number(0);
	ingest_inline_cells(ingest, exchange, &cells[CELL_INLINE]);
	ingest_end_cells(&row, item, item->start_ns, exchange->flags);
	rc = ingest_add_row(ingest, &row);
	if (rc == SQLITE_OK)
		rc = add_parameter_parts(ingest, exchange);
	return rc;
}

/*
 * The identity outlives the item: what the session has to be told at the end lies in the exchange's
 * own arena.
 */
static void identity_keep(const struct connection_state *connection,
			  const struct exchange_item *item, struct open_exchange *exchange)
{
	struct identity *identity = &exchange->identity;
	struct sql_options options = sql_session_options(connection->session);
	struct slice text = item->text.size <= SESSION_TEXT_MAX ? item->text : SLICE("select");
	const struct sql_value *values = identity->values;
	struct sql_value *kept;
	size_t n = identity->template.statement.n_slots;

	sql_canonicalize(&options, arena_copy(&exchange->arena, text), &exchange->arena,
			 &identity->template.statement);
	kept = arena_alloc(&exchange->arena,
			   (identity->template.statement.n_slots + 1) * sizeof(*kept));
	for (size_t i = 0; i < n && i < identity->template.statement.n_slots; i++) {
		kept[i] = values[i];
		if (values[i].text.size > SESSION_TEXT_MAX)
			kept[i].text = slice_of(NULL, 0);
		kept[i].text = arena_copy(&exchange->arena, kept[i].text);
		kept[i].type = arena_copy(&exchange->arena, kept[i].type);
	}
	identity->values = kept;
	identity->entry = NULL;
}

/* Keeps what the next item of the exchange needs. */
static void exchange_keep(struct connection_state *connection, const struct exchange_item *item,
			  const struct open_exchange *exchange)
{
	struct open_exchange *kept = malloc(sizeof(*kept));
	struct open_exchange **end = &connection->open;

	if (!kept)
		abort();
	*kept = *exchange;
	kept->next = NULL;
	if (kept->identity.statement)
		identity_keep(connection, item, kept);
	while (*end)
		end = &(*end)->next;
	*end = kept;
}

void ingest_count_end(struct ingest *ingest, uint8_t outcome, uint32_t flags)
{
	if ((outcome == OUTCOME_OK || outcome == OUTCOME_ERROR) && !(flags & EXCHANGE_CUT))
		ingest->summary.unfinished--;
	ingest->summary.errors += outcome == OUTCOME_ERROR;
	ingest->summary.flagged += (flags & FLAGS_MISSING) != 0;
}

/* Tells the session what its statement did. */
static void session_end(struct connection_state *connection, const struct exchange_item *item,
			const struct identity *identity)
{
	bool ok = item->outcome == OUTCOME_OK || item->outcome == OUTCOME_SUSPENDED;

	if (item->outcome == OUTCOME_UNFINISHED || !connection->session || !identity->statement)
		return;
	if (!ok)
		connection->batch_failed = true;
	sql_session_statement(connection->session, &identity->template.statement, identity->values,
			      ok);
}

static int batch_begin(struct ingest *ingest, struct connection_state *connection,
		       const struct exchange_item *item)
{
	int rc = SQLITE_OK;

	if (connection->batch && connection->batch == item->batch)
		return SQLITE_OK;
	if (connection->batch && connection->session)
		sql_session_batch_end(connection->session, !connection->batch_failed);
	connection->batch = item->batch;
	connection->batch_failed = false;
	connection->batch_first = ingest->next_exchange;
	if (connection->session)
		rc = ingest_context(ingest, connection);
	connection->batch_context = connection->context;
	return rc;
}

static int exchange_first(struct ingest *ingest, struct connection_state *connection,
			  const struct exchange_item *item, struct open_exchange *exchange)
{
	bool has_text = connection->session != NULL;
	int rc = batch_begin(ingest, connection, item);

	ingest->summary.exchanges++;
	ingest->summary.unfinished++;
	*exchange = (struct open_exchange){ .ordinal = item->ordinal,
					    .kind = item->kind,
					    .types = connection->types,
					    .id = ingest->next_exchange++,
					    .start_ns = item->start_ns };
	if (rc == SQLITE_OK && has_text)
		rc = ingest_identify(ingest, connection, item, &exchange->identity);
	return rc;
}

/* A simple query without a row description gives no rows: that is known of its statement now. */
static int learn_no_columns(struct ingest *ingest, const struct exchange_item *item,
			    const struct open_exchange *exchange)
{
	const struct open_result *result = &exchange->result;

	if (exchange->kind != EXCHANGE_SIMPLE || item->outcome != OUTCOME_OK || result->number ||
	    result->format || !result->completion.tag.data)
		return SQLITE_OK;
	return ingest_find_columns(ingest, &exchange->identity, NULL);
}

/* It ended. */
static int keep_checksum(struct ingest *ingest, const struct exchange_item *item, int64_t id)
{
	return item->passed.bytes ? verify_keep(ingest->database, id, &item->passed) : SQLITE_OK;
}

/* All of an exchange in one item: the ordinary case. */
static int exchange_whole(struct ingest *ingest, struct connection_state *connection,
			  const struct exchange_item *item)
{
	struct open_exchange exchange;
	int rc = exchange_first(ingest, connection, item, &exchange);

	exchange.whole = true;
	if (rc == SQLITE_OK)
		rc = ingest_pieces(ingest, &exchange, connection->protocol, item);
	if (rc == SQLITE_OK)
		rc = add_exchange(ingest, connection, item, &exchange);
	if (rc == SQLITE_OK)
		rc = learn_no_columns(ingest, item, &exchange);
	if (rc == SQLITE_OK)
		rc = keep_checksum(ingest, item, exchange.id);
	session_end(connection, item, &exchange.identity);
	ingest_count_end(ingest, item->outcome, item->flags | exchange.flags);
	buffer_release(&exchange.result.error);
	buffer_release(&exchange.result.events);
	return rc;
}

/*
 * A long exchange may have been opened before the one in front of it ended, and that one may have
 * changed the context: then it belongs to the same template of the new context.
 */
static int move_context(struct ingest *ingest, struct connection_state *connection,
			struct open_exchange *exchange)
{
	sqlite3_stmt *copy = ingest->sql[COPY_STATEMENT];
	sqlite3_stmt *set = ingest->sql[SET_STATEMENT];
	int rc = ingest_context(ingest, connection);

	if (rc != SQLITE_OK || connection->context == exchange->identity.context)
		return rc;
	sqlite3_bind_int64(copy, 1, connection->context);
	sqlite3_bind_int64(copy, 2, exchange->identity.statement);
	sqlite3_bind_int64(copy, 3, ingest->next_statement);
	rc = database_run(copy);
	if (rc != SQLITE_OK)
		return rc;
	/* Its trigger takes the hash away: the matcher makes it anew. */
	sqlite3_bind_int64(set, 1, ingest->next_statement++);
	sqlite3_bind_int64(set, 2, exchange->id);
	return database_run(set);
}

static int exchange_last(struct ingest *ingest, struct connection_state *connection,
			 const struct exchange_item *item, struct open_exchange *exchange)
{
	sqlite3_stmt *sql = ingest->sql[END_EXCHANGE];
	int rc = ingest_flush(ingest);

	if (rc == SQLITE_OK)
		rc = learn_no_columns(ingest, item, exchange);
	if (rc == SQLITE_OK && exchange->identity.statement)
		rc = move_context(ingest, connection, exchange);
	ingest_bind_end(sql, 1, item, exchange->start_ns, exchange->flags);
	sqlite3_bind_int64(sql, 5, exchange->id);
	if (rc == SQLITE_OK)
		rc = database_run(sql);
	if (rc == SQLITE_OK)
		rc = keep_checksum(ingest, item, exchange->id);
	session_end(connection, item, &exchange->identity);
	ingest_count_end(ingest, item->outcome, item->flags | exchange->flags);
	return rc;
}

/* A further item of an exchange that is open. */
static int exchange_next(struct ingest *ingest, struct connection_state *connection,
			 const struct exchange_item *item)
{
	struct open_exchange **link = &connection->open;
	struct open_exchange *exchange;
	int rc;

	while (*link && (*link)->ordinal != item->ordinal)
		link = &(*link)->next;
	exchange = *link;
	if (!exchange) /* a part of what was never opened: nothing to add it to */
		return SQLITE_OK;
	rc = ingest_pieces(ingest, exchange, connection->protocol, item);
	ingest_result_keep(&exchange->result);
	if (!item->closes)
		return rc;
	*link = exchange->next;
	if (rc == SQLITE_OK)
		rc = exchange_last(ingest, connection, item, exchange);
	ingest_open_exchange_free(exchange);
	return rc;
}

int ingest_exchange(struct ingest *ingest, struct connection_state *connection,
		    const struct exchange_item *item)
{
	struct open_exchange exchange;
	int rc;

	if (item->kind == EXCHANGE_HTTP)
		return http_ingest_exchange(ingest, connection, item);
	if (item->opens && item->closes)
		return exchange_whole(ingest, connection, item);
	if (!item->opens)
		return exchange_next(ingest, connection, item);
	rc = exchange_first(ingest, connection, item, &exchange);
	if (rc == SQLITE_OK)
		rc = add_exchange(ingest, connection, item, &exchange);
	if (rc == SQLITE_OK)
		rc = ingest_pieces(ingest, &exchange, connection->protocol, item);
	ingest_result_keep(&exchange.result);
	exchange_keep(connection, item, &exchange);
	return rc;
}
