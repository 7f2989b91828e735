/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections and dispatch of ingest; see ingest.h and ingest_state.h.
 *
 * Invariants: between two items the arena is empty, and no pointer into an intern table is kept but
 * a connection's `endpoint`, whose table is never trimmed (it has a row for each place that the app
 * connected to).
 */
#include "store/http_heads.h"
#include "store/http_ingest.h"
#include "store/ingest_state.h"
#include "store/mask.h"

#include <stdlib.h>

#define CONTEXTS_BYTES ((size_t)1024 * 1024)
#define COLUMNS_BYTES ((size_t)4 * 1024 * 1024)
#define STATEMENTS_BYTES ((size_t)16 * 1024 * 1024)
/*
 * A chunk of rows is stored when it reaches SCHEMA_CHUNK_BYTES; only one row's JSON can make it
 * larger.
 */
#define JSON_BYTES_MAX ((size_t)512 * 1024 * 1024)
#define SCRATCH_BYTES_MAX ((size_t)64 * 1024 * 1024)
/* Memory that one large row took is given back behind its item. */
#define KEPT_BYTES_MAX ((size_t)1024 * 1024)

static const char *const ingest_sql[INGEST_SQL_COUNT] = {
	[ADD_ENDPOINT] = "INSERT INTO endpoint (host, address, port) VALUES (?1, ?2, ?3)",
	[NAME_ENDPOINT] = "UPDATE endpoint SET protocol = ?1 WHERE id = ?2",
	[ADD_CONNECTION] =
		"INSERT INTO connection (id, endpoint, pid, program, started_ns, through) "
		"VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
	[SET_SESSION] = "UPDATE connection SET endpoint = ?2, protocol = ?3, server_version = ?4, "
			"user = ?5, database = ?6, client_parameters = ?7, server_parameters = ?8, "
			"backend = ?9 WHERE id = ?1",
	[END_CONNECTION] = "UPDATE connection SET ended_ns = ?2, outcome = ?3, opaque = ?4, "
			   "opaque_at = ?5, client_bytes = ?6, server_bytes = ?7 WHERE id = ?1",
	[ADD_CONTEXT] = "INSERT INTO context (database, search_path, role, user, time_zone) "
			"VALUES (?1, ?2, ?3, ?4, ?5)",
	[ADD_TYPE] = "INSERT INTO type (endpoint, database, type_id, since, name, kind, element, "
		     "attributes) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) "
		     "ON CONFLICT DO UPDATE SET name = excluded.name, kind = excluded.kind, "
		     "element = excluded.element, attributes = excluded.attributes",
	[ADD_COLUMNS] = "INSERT INTO columns (description) VALUES (?1)",
	[ADD_STATEMENT] = "INSERT INTO statement (id, context, dialect, text, canonical, verb, "
			  "slot_types, columns, described) "
			  "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
	[ADD_DESCRIBED] = "INSERT INTO described (statement, connection, behind, slot_types, "
			  "columns, warnings) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
	[SET_SLOT_TYPES] = "UPDATE statement SET slot_types = ?1 WHERE id = ?2",
	[SET_STATEMENT_COLUMNS] = "UPDATE statement SET columns = ?1, described = 1 WHERE id = ?2",
	[FIND_STATEMENT_COLUMNS] = "UPDATE statement SET columns = ?1, described = 1 "
				   "WHERE id = ?2 AND NOT described",
	[END_EXCHANGE] = "UPDATE exchange SET first_byte_ns = ?1, duration_ns = ?2, outcome = ?3, "
			 "flags = flags | ?4 WHERE id = ?5",
	[COPY_STATEMENT] =
		"INSERT INTO statement (id, context, dialect, text, canonical, verb, "
		"slot_types, columns, described) SELECT ?3, ?1, dialect, text, canonical, "
		"verb, slot_types, columns, described FROM statement WHERE id = ?2",
	[SET_STATEMENT] = "UPDATE exchange SET statement = ?1 WHERE id = ?2",
	[ADD_RESULT] = "INSERT INTO result_apart (exchange, number, columns, tag, row_count, "
		       "error, events, empty, insert_id, warnings, server_status) "
		       "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
	[SET_RESULT] =
		"UPDATE result_apart SET columns = ?3, tag = ?4, row_count = ?5, error = ?6, "
		"events = ?7, empty = ?8, insert_id = ?9, warnings = ?10, "
		"server_status = ?11 WHERE exchange = ?1 AND number = ?2",
	[ADD_ROWS] = "INSERT INTO rows_apart (exchange, result, chunk, first_row, rows) "
		     "VALUES (?1, ?2, ?3, ?4, ?5)",
	[ADD_PART] = "INSERT INTO value_part (exchange, part, sequence, bytes) "
		     "VALUES (?1, ?2, ?3, ?4)",
	[ADD_ASIDE] = "INSERT INTO aside (connection, at_ns, ordinal, within, event) "
		      "VALUES (?1, ?2, ?3, ?4, ?5)",
	[ADD_COPY] = "INSERT INTO copy (exchange, direction, format, columns) "
		     "VALUES (?1, ?2, ?3, ?4)",
	[END_COPY] = "UPDATE copy SET ended = ?2, failure = ?3, digest = ?4 WHERE exchange = ?1",
	[SET_HTTP_RESPONSE] = "UPDATE exchange SET status = ?2, tag = ?3, response_headers = ?4 "
			      "WHERE id = ?1",
	[SET_HTTP_BODIES] = "UPDATE exchange SET parameters = ?2, rows = ?3 WHERE id = ?1",
	[SET_HTTP_APART] =
		"INSERT INTO http_apart AS a (exchange, scheme, target, request_version, "
		"response_version, interim, request_trailers, request_coding, request_wire_body, "
		"request_body_part, request_body_bytes, response_trailers, response_coding, "
		"response_wire_body, response_body_part, response_body_bytes, "
		"request_readable_part, response_readable_part) "
		"VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, "
		"?17, ?18) "
		"ON CONFLICT DO UPDATE SET "
		"response_version = coalesce(excluded.response_version, a.response_version), "
		"interim = coalesce(excluded.interim, a.interim), "
		"request_trailers = coalesce(excluded.request_trailers, a.request_trailers), "
		"request_coding = excluded.request_coding, "
		"request_wire_body = excluded.request_wire_body, "
		"request_body_part = excluded.request_body_part, "
		"request_body_bytes = excluded.request_body_bytes, "
		"response_trailers = coalesce(excluded.response_trailers, a.response_trailers), "
		"response_coding = excluded.response_coding, "
		"response_wire_body = excluded.response_wire_body, "
		"response_body_part = excluded.response_body_part, "
		"response_body_bytes = excluded.response_body_bytes, "
		"request_readable_part = excluded.request_readable_part, "
		"response_readable_part = excluded.response_readable_part",
	[ADD_HTTP_MESSAGE] =
		"INSERT INTO http_message (exchange, number, side, kind, at_ns, body, body_part, "
		"body_bytes, coding, wire_body, wire_part, close_code, undecoded, complete) "
		"VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
	[ADD_HTTP_STREAM] = "INSERT INTO http_stream (exchange, number, body_bytes, at_ns) "
			    "VALUES (?1, ?2, ?3, ?4)",
	[GET_PART_AGAIN] = "SELECT bytes FROM value_part WHERE exchange = ?1 AND part = ?2 "
			   "AND sequence = ?3",
	[DROP_PART] = "DELETE FROM value_part WHERE exchange = ?1 AND part = ?2",
};

int ingest_new(sqlite3 *database, struct ingest **ret_ingest)
{
	struct ingest *ingest = calloc(1, sizeof(*ingest));
	int rc = SQLITE_OK;

	if (!ingest)
		abort();
	ingest->database = database;
	ingest->next_exchange = 1;
	ingest->next_statement = 1;
	ingest->templates = templates_new();
	intern_init(&ingest->endpoints, SIZE_MAX);
	intern_init(&ingest->contexts, CONTEXTS_BYTES);
	intern_init(&ingest->columns, COLUMNS_BYTES);
	intern_init(&ingest->statements, STATEMENTS_BYTES);
	buffer_init(&ingest->json, JSON_BYTES_MAX);
	buffer_init(&ingest->parameters, JSON_BYTES_MAX);
	buffer_init(&ingest->scratch, SCRATCH_BYTES_MAX);
	ingest->column_room = calloc(COLUMNS_MAX, sizeof(*ingest->column_room));
	if (!ingest->column_room)
		abort();
	for (size_t i = 0; i < INGEST_SQL_COUNT && rc == SQLITE_OK; i++)
		rc = database_prepare(database, ingest_sql[i], &ingest->sql[i]);
	if (rc == SQLITE_OK)
		rc = ingest_rows_new(ingest);
	if (rc == SQLITE_OK)
		*ret_ingest = ingest;
	else
		ingest_free(ingest);
	return rc;
}

static void connection_free(struct ingest *ingest, struct connection_state *connection)
{
	while (connection->open) {
		struct open_exchange *next = connection->open->next;

		ingest_open_exchange_free(connection->open);
		connection->open = next;
	}
	http_ingest_forget(ingest, connection);
	sql_session_free(connection->session);
	buffer_release(&connection->context_key);
	buffer_release(&connection->login_user);
	buffer_release(&connection->other_user);
	free((void *)connection->host.data);
	free(connection);
}

void ingest_free(struct ingest *ingest)
{
	if (!ingest)
		return;
	for (size_t i = 0; i < CONNECTION_BUCKETS; i++) {
		while (ingest->connections[i]) {
			struct connection_state *next = ingest->connections[i]->next;

			connection_free(ingest, ingest->connections[i]);
			ingest->connections[i] = next;
		}
	}
	for (size_t i = 0; i < INGEST_SQL_COUNT; i++)
		sqlite3_finalize(ingest->sql[i]);
	sqlite3_finalize(ingest->add_row);
	batch_free(ingest->rows);
	templates_free(ingest->templates);
	intern_release(&ingest->endpoints);
	intern_release(&ingest->contexts);
	intern_release(&ingest->columns);
	intern_release(&ingest->statements);
	ingest_types_free(ingest);
	arena_release(&ingest->arena);
	http_heads_free(ingest->http_heads[0]);
	http_heads_free(ingest->http_heads[1]);
	buffer_release(&ingest->json);
	buffer_release(&ingest->parameters);
	buffer_release(&ingest->scratch);
	free(ingest->column_room);
	free(ingest);
}

const struct writer_summary *ingest_summary(const struct ingest *ingest)
{
	return &ingest->summary;
}

static struct connection_state **find_connection(struct ingest *ingest, uint64_t number)
{
	struct connection_state **link = &ingest->connections[number % CONNECTION_BUCKETS];

	while (*link && (*link)->number != number)
		link = &(*link)->next;
	return link;
}

/*
 * The endpoint of the connection's host, address and port; with a protocol: the one that speaks it.
 */
static int find_endpoint(struct ingest *ingest, struct connection_state *connection,
			 const struct protocol *protocol)
{
	struct slice host = connection->host;
	struct slice address = connection->address;
	sqlite3_stmt *sql = ingest->sql[ADD_ENDPOINT];
	struct endpoint_entry *entry;
	struct buffer *key = &ingest->scratch;
	int rc;

	buffer_clear(key);
	buffer_append_u64be(key, host.size);
	buffer_append_slice(key, host);
	buffer_append_u16be(key, connection->port);
	buffer_append_slice(key, address);
	if (protocol) {
		buffer_append_u8(key, 0);
		buffer_append_string(key, protocol->name);
	}
	entry = intern_find(&ingest->endpoints, buffer_slice(key));
	if (!entry) {
		database_bind_nonempty(sql, 1, host);
		database_bind(sql, 2, address.data ? address : slice_of("", 0));
		sqlite3_bind_int(sql, 3, connection->port);
		rc = database_run(sql);
		if (rc != SQLITE_OK)
			return rc;
		entry = intern_add(&ingest->endpoints, buffer_slice(key), sizeof(*entry));
		entry->id = sqlite3_last_insert_rowid(ingest->database);
	}
	connection->endpoint = entry;
	return SQLITE_OK;
}

/*
 * The endpoint speaks this protocol. The first that is seen there names it; another has an endpoint
 * of its own.
 */
static int name_endpoint(struct ingest *ingest, struct connection_state *connection)
{
	const struct protocol *protocol = connection->protocol;
	sqlite3_stmt *sql = ingest->sql[NAME_ENDPOINT];
	int rc;

	if (connection->endpoint->protocol && connection->endpoint->protocol != protocol) {
		rc = find_endpoint(ingest, connection, protocol);
		if (rc != SQLITE_OK)
			return rc;
	}
	if (connection->endpoint->protocol == protocol)
		return SQLITE_OK;
	connection->endpoint->protocol = protocol;
	database_bind(sql, 1, slice_from_string(protocol->name));
	sqlite3_bind_int64(sql, 2, connection->endpoint->id);
	return database_run(sql);
}

static int connection_open(struct ingest *ingest, uint64_t number,
			   const struct connection_item *item)
{
	struct connection_state **link = find_connection(ingest, number);
	struct connection_state *connection;
	sqlite3_stmt *sql = ingest->sql[ADD_CONNECTION];
	uint8_t *bytes;
	int rc;

	if (*link)
		return SQLITE_OK;
	connection = calloc(1, sizeof(*connection));
	bytes = malloc(item->host.size + item->address.size + 1);
	if (!connection || !bytes)
		abort();
	*link = connection;
	connection->number = number;
	connection->port = item->port;
	buffer_init(&connection->context_key, SCRATCH_BYTES_MAX);
	buffer_init(&connection->login_user, SCRATCH_BYTES_MAX);
	buffer_init(&connection->other_user, SCRATCH_BYTES_MAX);
	if (item->host.size)
		memcpy(bytes, item->host.data, item->host.size);
	if (item->address.size)
		memcpy(bytes + item->host.size, item->address.data, item->address.size);
	connection->host = slice_of(bytes, item->host.size);
	connection->address = slice_of(bytes + item->host.size, item->address.size);
	ingest->summary.connections++;
	rc = find_endpoint(ingest, connection, NULL);
	if (rc != SQLITE_OK)
		return rc;
	sqlite3_bind_int64(sql, 1, (int64_t)number);
	sqlite3_bind_int64(sql, 2, connection->endpoint->id);
	if (item->pid)
		sqlite3_bind_int64(sql, 3, item->pid);
	else
		sqlite3_bind_null(sql, 3);
	database_bind_nonempty(sql, 4, item->program);
	sqlite3_bind_int64(sql, 5, item->start_ns);
	if (item->through)
		sqlite3_bind_int64(sql, 6, (int64_t)item->through);
	else
		sqlite3_bind_null(sql, 6);
	return database_run(sql);
}

/* The session's lexer and context start from what the client asked for at login. */
static void session_start(struct connection_state *connection, const struct session_item *item)
{
	sql_session_free(connection->session);
	connection->session = NULL;
	connection->context = 0;
	buffer_clear(&connection->other_user);
	if (!slice_equal(item->user, buffer_slice(&connection->login_user)))
		buffer_append_slice(&connection->other_user, item->user);
	if (!item->protocol->dialect || item->replication)
		return;
	connection->session = sql_session_new(item->protocol->dialect, item->database);
	for (size_t i = 0; i < item->n_client_parameters; i++)
		sql_session_startup(connection->session, item->client_parameters[i].name,
				    item->client_parameters[i].value);
}

static int session_begin(struct ingest *ingest, struct connection_state *connection,
			 const struct session_item *item)
{
	sqlite3_stmt *sql = ingest->sql[SET_SESSION];
	size_t split;
	int rc;

	/*
	 * Of a login on a connection that has one (MySQL's COM_CHANGE_USER and COM_RESET_CONNECTION) only the new session
	 * counts, seen in the context of the statements behind it: the row tells the connection's first.
	 */
	if (connection->protocol) {
		if (connection->protocol == item->protocol)
			session_start(connection, item);
		connection->batch = 0;
		connection->batch_failed = false;
		return SQLITE_OK;
	}
	connection->protocol = item->protocol;
	buffer_append_slice(&connection->login_user, item->user);
	session_start(connection, item);
	rc = name_endpoint(ingest, connection);
	if (rc != SQLITE_OK)
		return rc;
	connection->types = ingest_types_of(ingest, connection);
	buffer_clear(&ingest->json);
	mask_parameters_json(&ingest->json, item->client_parameters, item->n_client_parameters);
	split = ingest->json.size;
	encode_object(&ingest->json, item->server_parameters, item->n_server_parameters);
	sqlite3_bind_int64(sql, 1, (int64_t)connection->number);
	sqlite3_bind_int64(sql, 2, connection->endpoint->id);
	database_bind(sql, 3, slice_from_string(item->protocol->name));
	database_bind_nonempty(sql, 4, item->server_version);
	database_bind_nonempty(sql, 5, item->user);
	database_bind_nonempty(sql, 6, item->database);
	database_bind(sql, 7, slice_of(ingest->json.data, split));
	if (item->refused)
		sqlite3_bind_null(sql, 8);
	else
		database_bind(sql, 8,
			      slice_of(ingest->json.data + split, ingest->json.size - split));
	if (item->backend)
		sqlite3_bind_int64(sql, 9, item->backend);
	else
		sqlite3_bind_null(sql, 9);
	return database_run(sql);
}

static int aside_seen(struct ingest *ingest, struct connection_state *connection,
		      const struct aside_item *item)
{
	sqlite3_stmt *sql = ingest->sql[ADD_ASIDE];

	if (!connection->protocol)
		return SQLITE_OK;
	buffer_clear(&ingest->json);
	ingest_event(&ingest->json, connection->protocol, (enum piece_type)item->type, item->bytes);
	buffer_append_u8(&ingest->json, '}');
	sqlite3_bind_int64(sql, 1, (int64_t)connection->number);
	sqlite3_bind_int64(sql, 2, item->at_ns);
	sqlite3_bind_int64(sql, 3, (int64_t)item->ordinal);
	sqlite3_bind_int(sql, 4, item->within);
	database_bind(sql, 5, buffer_slice(&ingest->json));
	return database_run(sql);
}

/* Prepared or described and not executed: only its template and what the server said of it. */
static int statement_seen(struct ingest *ingest, struct connection_state *connection,
			  const struct statement_item *item)
{
	const struct row_format *format = NULL;
	struct identity identity;
	int rc;

	if (!connection->session)
		return SQLITE_OK;
	rc = ingest_context(ingest, connection);
	if (rc != SQLITE_OK)
		return rc;
	ingest_statement_of(ingest, connection, connection->context, item->text,
			    &(struct declared_types){ 0 }, &identity);
	if (item->n_parameter_types)
		rc = ingest_learn_types(ingest, &identity, item->parameter_types,
					item->n_parameter_types);
	if (rc == SQLITE_OK && item->has_columns && item->columns.size)
		rc = ingest_columns(ingest, connection->protocol, item->columns, &format);
	if (rc == SQLITE_OK && item->has_columns)
		rc = ingest_learn_columns(ingest, identity.entry, format, true);
	if (rc == SQLITE_OK)
		rc = ingest_described(
			ingest, connection, &identity,
			&(struct prepared_as){ item->prepared_behind, item->parameter_types,
					       item->n_parameter_types, format, item->warnings });
	return rc;
}

static int connection_close(struct ingest *ingest, struct connection_state **link,
			    const struct connection_close_item *item)
{
	struct connection_state *connection = *link;
	sqlite3_stmt *sql = ingest->sql[END_CONNECTION];

	sqlite3_bind_int64(sql, 1, (int64_t)connection->number);
	sqlite3_bind_int64(sql, 2, item->end_ns);
	database_bind_nonempty(sql, 3, item->outcome);
	database_bind_nonempty(sql, 4, item->opaque);
	if (item->opaque.size)
		sqlite3_bind_int64(sql, 5, (int64_t)item->opaque_at);
	else
		sqlite3_bind_null(sql, 5);
	sqlite3_bind_int64(sql, 6, (int64_t)item->client_bytes);
	sqlite3_bind_int64(sql, 7, (int64_t)item->server_bytes);
	ingest->summary.opaque += item->opaque.size != 0;
	*link = connection->next;
	connection_free(ingest, connection);
	return database_run(sql);
}

static int dispatch(struct ingest *ingest, struct connection_state **link, const struct item *item)
{
	struct connection_state *connection = *link;

	if (!connection && item->type != ITEM_CONNECTION_OPEN)
		return SQLITE_OK;
	switch (item->type) {
	case ITEM_CONNECTION_OPEN:
		return connection_open(ingest, item->connection, &item->connection_open);
	case ITEM_SESSION:
		return session_begin(ingest, connection, &item->session);
	case ITEM_STATEMENT:
		return statement_seen(ingest, connection, &item->statement);
	case ITEM_EXCHANGE:
		if (!connection->protocol)
			return SQLITE_OK;
		return ingest_exchange(ingest, connection, &item->exchange);
	case ITEM_BATCH_MERGE:
		return ingest_merge(ingest, connection, &item->batch_merge);
	case ITEM_ASIDE:
		return aside_seen(ingest, connection, &item->aside);
	case ITEM_CONNECTION_CLOSE:
		return connection_close(ingest, link, &item->connection_close);
	case ITEM_SPOOL: /* its recorders' items come here, not itself */
		break;
	}
	return SQLITE_OK;
}

int ingest_item(struct ingest *ingest, const struct item *item)
{
	int rc = dispatch(ingest, find_connection(ingest, item->connection), item);

	if (rc == SQLITE_OK)
		rc = ingest_statement_write(ingest);
	arena_reset(&ingest->arena);
	(void)intern_trim(&ingest->contexts);
	(void)intern_trim(&ingest->columns);
	if (intern_trim(&ingest->statements))
		memset(ingest->found, 0, sizeof(ingest->found));
	if (ingest->json.capacity > KEPT_BYTES_MAX)
		buffer_release(&ingest->json);
	if (ingest->parameters.capacity > KEPT_BYTES_MAX)
		buffer_release(&ingest->parameters);
	if (ingest->scratch.capacity > KEPT_BYTES_MAX)
		buffer_release(&ingest->scratch);
	return rc;
}
