/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Identities out of a recording; see reader.h. Two direct-mapped caches, of exchanges and of
 * statements, make a request that comes again cost no SQL.
 *
 * Invariant: a cached exchange was not edited by hand; a cached statement borrows from its own arena.
 */
#include "store/http_reader.h"
#include "store/reader_state.h"
#include "store/recording_state.h"
#include "store/schema.h"

#include <errno.h>
#include <stdlib.h>

/*
 * What is read of an exchange: of itself, and the result of nearly all, since what is found is asked
 * for its result next. The order is that of the enum below.
 */
#define RESULT_COLUMNS \
	"columns, tag, error, events, empty, row_count, insert_id, warnings, server_status, rows"
#define EXCHANGE_COLUMNS "statement, kind, outcome, flags, edited, text, parameters, inline"

enum {
	EXCHANGE_STATEMENT,
	EXCHANGE_KIND,
	EXCHANGE_OUTCOME,
	EXCHANGE_FLAGS,
	EXCHANGE_EDITED,
	EXCHANGE_TEXT,
	EXCHANGE_PARAMETERS,
	EXCHANGE_INLINE,
	EXCHANGE_RESULT,
	RESULT_COLUMN = 0,
	RESULT_TAG,
	RESULT_ERROR,
	RESULT_EVENTS,
	RESULT_EMPTY,
	RESULT_ROW_COUNT,
	RESULT_INSERT_ID,
	RESULT_WARNINGS,
	RESULT_STATUS,
	RESULT_ROWS,
};

static const char *const exchange_columns[] = {
	"statement",  "kind",	   "outcome",	"flags",    "edited",	     "text",
	"parameters", "inline",	   "columns",	"tag",	    "error",	     "events",
	"empty",      "row_count", "insert_id", "warnings", "server_status", "rows",
};

static const char *const reader_sql[READER_SQL_COUNT] = {
	[GET_EXCHANGE] = "SELECT " EXCHANGE_COLUMNS ", " RESULT_COLUMNS " FROM exchange "
			 "WHERE id = ?1",
	[GET_STATEMENT] =
		"SELECT s.dialect, s.text, s.canonical, s.verb, c.database, c.search_path, "
		"c.role FROM statement s JOIN context c ON c.id = s.context WHERE s.id = ?1",
	[GET_DESCRIPTION] = "SELECT described, columns, slot_types FROM statement WHERE id = ?1",
	[GET_COLUMNS] = "SELECT description FROM columns WHERE id = ?1",
	/* With it the last chunk, which of most results is the only one. */
	[GET_RESULT] = "SELECT " RESULT_COLUMNS ", chunk "
		       "FROM result_apart r LEFT JOIN rows_apart c "
		       "ON c.exchange = r.exchange AND c.result = r.number "
		       "WHERE r.exchange = ?1 AND r.number = ?2 ORDER BY chunk DESC LIMIT 1",
	[GET_CHUNK] = "SELECT rows FROM exchange WHERE id = ?1 AND inline AND ?2 = 0 AND ?3 = 0 "
		      "UNION ALL SELECT rows FROM rows_apart "
		      "WHERE exchange = ?1 AND result = ?2 AND chunk = ?3",
	[GET_PART] = "SELECT bytes FROM value_part WHERE exchange = ?1 AND part = ?2 "
		     "AND sequence = ?3",
	[GET_GAVE_ROWS] = "SELECT 1 FROM exchange WHERE id = ?1 AND inline AND "
			  "(rows IS NOT NULL OR insert_id) "
			  "UNION ALL SELECT 1 FROM rows_apart WHERE exchange = ?1 "
			  "UNION ALL SELECT 1 FROM result_apart WHERE exchange = ?1 AND insert_id "
			  "LIMIT 1",
	[GET_COPY] = "SELECT direction, format, columns, ended, digest FROM copy "
		     "WHERE exchange = ?1",
	[GET_STARTED] = "SELECT started_ns FROM exchange WHERE id = ?1",
	[GET_SERVER] = "SELECT server_version, server_parameters FROM connection WHERE id = ?1",
	[GET_REFUSAL] = "SELECT event FROM aside WHERE connection = ?1 AND ordinal = 0 "
			"ORDER BY id DESC LIMIT 1",
	[GET_WAITED] = "SELECT coalesce(e.duration_ns, c.ended_ns - e.started_ns, 0) "
		       "FROM exchange e JOIN connection c ON c.id = e.connection WHERE e.id = ?1",
	[GET_GAVE_UP] = "SELECT 1 FROM exchange e JOIN connection c ON c.id = e.connection "
			"WHERE e.id = ?1 AND c.ended_ns IS NOT NULL "
			"AND c.outcome NOT LIKE 'broken by the server%' AND NOT EXISTS (SELECT 1 "
			"FROM aside a WHERE a.connection = c.id AND a.event LIKE '{\"error\"%')",
	[GET_CONNECTION] = "SELECT connection FROM exchange WHERE id = ?1",
	/* Of the tables: a view of a recording could be anything. */
	[GET_HTTP] =
		"SELECT e.method, coalesce(a.scheme, 'http'), e.authority, e.text, e.query, "
		"a.target, coalesce(a.request_version, '1.1'), e.request_headers, e.parameters, "
		"a.request_coding, a.request_body_part, "
		"coalesce(a.request_body_bytes, length(CAST(e.parameters AS BLOB)), 0), e.flags, "
		"e.status, e.tag, coalesce(a.response_version, '1.1'), e.response_headers, "
		"a.response_trailers, a.interim, e.rows, a.response_coding, a.response_wire_body, "
		"a.response_body_part, a.response_body_bytes, e.outcome, "
		"a.response_readable_part, CASE WHEN a.response_readable_part IS NOT NULL THEN "
		"(SELECT sum(length(v.bytes)) FROM value_part v WHERE v.exchange = e.id "
		"AND v.part = a.response_readable_part) END "
		"FROM exchange e LEFT JOIN http_apart a ON a.exchange = e.id "
		"WHERE e.id = ?1 AND e.kind = 6",
	[GET_HTTP_MESSAGE] =
		"SELECT m.number, m.side, m.kind, m.undecoded OR NOT m.complete, m.close_code, "
		"m.body_part, (SELECT sum(length(v.bytes)) FROM value_part v WHERE "
		"v.exchange = m.exchange AND v.part = m.body_part), m.body, "
		"m.at_ns - coalesce((SELECT p.at_ns FROM http_message p WHERE "
		"p.exchange = m.exchange AND p.number < m.number ORDER BY p.number DESC LIMIT 1), "
		"(SELECT e.first_byte_ns FROM exchange e WHERE e.id = m.exchange), m.at_ns) "
		"FROM http_message m WHERE m.exchange = ?1 AND m.number > ?2 "
		"ORDER BY m.number LIMIT 1",
	[GET_HTTP_ARRIVAL] =
		"SELECT s.number, s.body_bytes, "
		"s.at_ns - coalesce((SELECT p.at_ns FROM http_stream p WHERE "
		"p.exchange = s.exchange AND p.number < s.number ORDER BY p.number DESC LIMIT 1), "
		"(SELECT e.first_byte_ns FROM exchange e WHERE e.id = s.exchange), s.at_ns) "
		"FROM http_stream s WHERE s.exchange = ?1 AND s.number > ?2 "
		"ORDER BY s.number LIMIT 1",
};

int reader_step(sqlite3_stmt *sql)
{
	int rc = sqlite3_step(sql);

	if (rc == SQLITE_ROW)
		return 1;
	sqlite3_reset(sql);
	return rc == SQLITE_DONE ? 0 : rc == SQLITE_CORRUPT ? -EBADMSG : -EIO;
}

int reader_new(const struct recording *recording, struct reader **ret_reader,
	       char ret_error[STORE_ERROR_BYTES])
{
	struct reader *reader = calloc(1, sizeof(*reader));
	int rc;

	if (!reader)
		abort();
	intern_init(&reader->columns, SIZE_MAX);
	reader->values = calloc(COLUMNS_MAX, sizeof(*reader->values));
	if (!reader->values)
		abort();
	rc = recording_connect(recording, &reader->database, ret_error);
	for (size_t i = 0; i < READER_SQL_COUNT && rc == 0; i++) {
		rc = database_prepare(reader->database, reader_sql[i], &reader->sql[i]);
		if (rc != SQLITE_OK)
			rc = database_error(reader->database, rc, recording->path, ret_error);
	}
	if (rc < 0) {
		reader_free(reader);
		return rc;
	}
	table_open(&reader->exchange_table, &recording->pages, reader->database, "exchange",
		   exchange_columns, ARRAY_SIZE(exchange_columns));
	*ret_reader = reader;
	return 0;
}

void reader_free(struct reader *reader)
{
	if (!reader)
		return;
	for (size_t i = 0; i < READER_SQL_COUNT; i++)
		sqlite3_finalize(reader->sql[i]);
	for (size_t i = 0; i < CACHED_STATEMENTS; i++)
		arena_release(&reader->statements[i].arena);
	arena_release(&reader->large_statement.arena);
	intern_release(&reader->columns);
	arena_release(&reader->columns_arena);
	free(reader->values);
	http_texts_free(reader->http);
	sqlite3_close(reader->database);
	free(reader);
}

bool reader_is_quick(const struct reader *reader)
{
	return table_is_open(&reader->exchange_table);
}

sqlite3 *reader_database(struct reader *reader)
{
	return reader->database;
}

/* Without its text: only what was edited, or never had parameters, is read from that. */
static void cache_exchange(struct cached_exchange *cached, const struct stored_exchange *exchange)
{
	if (exchange->edited || exchange->kind == EXCHANGE_PARSE ||
	    exchange->parameters.size > sizeof(cached->parameters))
		return;
	cached->id = exchange->id;
	cached->statement = exchange->statement;
	cached->flags = exchange->flags;
	cached->kind = exchange->kind;
	cached->outcome = exchange->outcome;
	cached->size = (uint8_t)exchange->parameters.size;
	if (cached->size)
		memcpy(cached->parameters, exchange->parameters.data, cached->size);
}

static struct stored_exchange cached_exchange(const struct cached_exchange *cached)
{
	return (struct stored_exchange){
		.id = cached->id,
		.statement = cached->statement,
		.flags = cached->flags,
		.kind = cached->kind,
		.outcome = cached->outcome,
		.parameters = slice_of(cached->parameters, cached->size),
	};
}

void reader_result_row(sqlite3_stmt *sql, int at, struct result_row *ret_row)
{
	bool counted = sqlite3_column_type(sql, at + RESULT_ROW_COUNT) == SQLITE_INTEGER;

	*ret_row = (struct result_row){
		.columns = sqlite3_column_int64(sql, at + RESULT_COLUMN),
		.tag = database_column(sql, at + RESULT_TAG),
		.error = database_column(sql, at + RESULT_ERROR),
		.events = database_column(sql, at + RESULT_EVENTS),
		.empty = sqlite3_column_int(sql, at + RESULT_EMPTY) != 0,
		.row_count = counted ? sqlite3_column_int64(sql, at + RESULT_ROW_COUNT) : -1,
		.insert_id = sqlite3_column_int64(sql, at + RESULT_INSERT_ID),
		.warnings = sqlite3_column_int64(sql, at + RESULT_WARNINGS),
		.status = sqlite3_column_int64(sql, at + RESULT_STATUS),
		.rows = database_column(sql, at + RESULT_ROWS),
	};
}

/* False: SQLite has to read it. */
static bool row_from_table(struct reader *reader, int64_t id)
{
	struct table_row row;
	struct table_value *count = &row.values[EXCHANGE_RESULT + RESULT_ROW_COUNT];
	int at = EXCHANGE_RESULT;

	if (!table_find(&reader->exchange_table, id, &row))
		return false;
	reader->row = (struct exchange_row){
		.exchange = { .statement = table_integer(&row, EXCHANGE_STATEMENT),
			      .kind = (uint8_t)table_integer(&row, EXCHANGE_KIND),
			      .outcome = (uint8_t)table_integer(&row, EXCHANGE_OUTCOME),
			      .flags = (uint32_t)table_integer(&row, EXCHANGE_FLAGS),
			      .edited = table_integer(&row, EXCHANGE_EDITED) != 0,
			      .text = table_bytes(&row, EXCHANGE_TEXT),
			      .parameters = table_bytes(&row, EXCHANGE_PARAMETERS) },
		.is_inline = table_integer(&row, EXCHANGE_INLINE) != 0,
		.result = { .columns = table_integer(&row, at + RESULT_COLUMN),
			    .tag = table_bytes(&row, at + RESULT_TAG),
			    .error = table_bytes(&row, at + RESULT_ERROR),
			    .events = table_bytes(&row, at + RESULT_EVENTS),
			    .empty = table_integer(&row, at + RESULT_EMPTY) != 0,
			    .row_count = count->type == TABLE_INTEGER ? count->integer : -1,
			    .insert_id = table_integer(&row, at + RESULT_INSERT_ID),
			    .warnings = table_integer(&row, at + RESULT_WARNINGS),
			    .status = table_integer(&row, at + RESULT_STATUS),
			    .rows = table_bytes(&row, at + RESULT_ROWS) },
	};
	return !row.failed;
}

static void row_from_sql(struct reader *reader, sqlite3_stmt *sql)
{
	reader->row.exchange = (struct stored_exchange){
		.statement = sqlite3_column_int64(sql, EXCHANGE_STATEMENT),
		.kind = (uint8_t)sqlite3_column_int(sql, EXCHANGE_KIND),
		.outcome = (uint8_t)sqlite3_column_int(sql, EXCHANGE_OUTCOME),
		.flags = (uint32_t)sqlite3_column_int64(sql, EXCHANGE_FLAGS),
		.edited = sqlite3_column_int(sql, EXCHANGE_EDITED) != 0,
		.text = database_column(sql, EXCHANGE_TEXT),
		.parameters = database_column(sql, EXCHANGE_PARAMETERS),
	};
	reader->row.is_inline = sqlite3_column_int(sql, EXCHANGE_INLINE) != 0;
	reader_result_row(sql, EXCHANGE_RESULT, &reader->row.result);
}

int reader_stand(struct reader *reader, int64_t id)
{
	sqlite3_stmt *sql = reader->sql[GET_EXCHANGE];
	int rc = 1;

	if (id && reader->row.exchange.id == id)
		return 1;
	reader->row.exchange.id = 0;
	if (!row_from_table(reader, id)) {
		sqlite3_reset(sql);
		sqlite3_bind_int64(sql, 1, id);
		rc = reader_step(sql);
		if (rc <= 0)
			return rc;
		row_from_sql(reader, sql);
	}
	reader->row.exchange.id = id;
	return 1;
}

static size_t place_of(int64_t id)
{
	return (uint64_t)id % CACHED_EXCHANGES;
}

/* Tells most exchanges of a place apart. */
static uint8_t mark_of(int64_t id)
{
	return (uint8_t)(1 + (uint64_t)id / CACHED_EXCHANGES % UINT8_MAX);
}

void reader_expect(struct reader *reader, int64_t id)
{
	if (reader->asked[place_of(id)] == mark_of(id))
		__builtin_prefetch(&reader->exchanges[place_of(id)]);
	else
		table_expect(&reader->exchange_table, id);
}

int reader_exchange(struct reader *reader, int64_t id, struct stored_exchange *ret_exchange)
{
	struct cached_exchange *cached = &reader->exchanges[place_of(id)];
	bool again = reader->asked[place_of(id)] == mark_of(id);
	bool stands = id && reader->row.exchange.id == id;
	int rc;

	if (again && !stands && id && cached->id == id) {
		*ret_exchange = cached_exchange(cached);
		return 1;
	}
	rc = reader_stand(reader, id);
	if (rc <= 0)
		return rc;
	*ret_exchange = reader->row.exchange;
	if (again && !stands)
		cache_exchange(cached, ret_exchange);
	reader->asked[place_of(id)] = mark_of(id);
	return 1;
}

static uint8_t verb_by_name(struct slice name)
{
	for (int verb = SQL_OTHER; verb < SQL_VERBS; verb++)
		if (slice_equal(name, slice_from_string(sql_verb_name((enum sql_verb)verb))))
			return (uint8_t)verb;
	return SQL_OTHER;
}

/* NULL stays NULL, nothing stays something. */
static struct slice copy(struct arena *arena, struct slice bytes)
{
	if (!bytes.data)
		return bytes;
	return bytes.size ? arena_copy(arena, bytes) : slice_of("", 0);
}

/* Reads the row that `sql` stands on. */
static void read_statement(sqlite3_stmt *sql, struct cached_statement *cached)
{
	struct stored_statement *statement = &cached->statement;
	struct sql_options options = sql_options_default(
		sqlite3_column_int(sql, 0) == SQL_MYSQL ? SQL_MYSQL : SQL_POSTGRES);
	struct arena *arena = &cached->arena;
	struct sql_statement made;

	*statement = (struct stored_statement){
		.dialect = options.dialect,
		.text = copy(arena, database_column(sql, 1)),
		.canonical = copy(arena, database_column(sql, 2)),
		.verb = verb_by_name(database_column(sql, 3)),
		.context.database = copy(arena, database_column(sql, 4)),
		.context.search_path = copy(arena, database_column(sql, 5)),
		.context.role = copy(arena, database_column(sql, 6)),
	};
	if (!statement->canonical.data) { /* the text was edited: its template with it */
		options.dialect = statement->dialect;
		sql_canonicalize(&options, statement->text, arena, &made);
		statement->canonical = made.canonical;
		statement->verb = made.verb;
	}
	statement->has_sequence =
		memmem(statement->canonical.data, statement->canonical.size, "nextval", 7) != NULL;
}

int reader_statement(struct reader *reader, int64_t id,
		     const struct stored_statement **ret_statement)
{
	struct cached_statement *cached = &reader->statements[(uint64_t)id % CACHED_STATEMENTS];
	sqlite3_stmt *sql = reader->sql[GET_STATEMENT];
	int rc;

	if (id && cached->id == id) {
		*ret_statement = &cached->statement;
		return 1;
	}
	sqlite3_bind_int64(sql, 1, id);
	rc = reader_step(sql);
	if (rc <= 0)
		return rc;
	if ((size_t)sqlite3_column_bytes(sql, 1) > CACHED_STATEMENT_BYTES)
		cached = &reader->large_statement;
	arena_release(&cached->arena);
	read_statement(sql, cached);
	cached->id = id;
	sqlite3_reset(sql);
	*ret_statement = &cached->statement;
	return 1;
}

int reader_description(struct reader *reader, int64_t statement, struct arena *arena,
		       struct stored_description *ret_description)
{
	sqlite3_stmt *sql = reader->sql[GET_DESCRIPTION];
	struct slice types;
	int rc;

	sqlite3_bind_int64(sql, 1, statement);
	rc = reader_step(sql);
	if (rc <= 0)
		return rc;
	*ret_description = (struct stored_description){
		.described = sqlite3_column_int(sql, 0) != 0,
		.columns = sqlite3_column_int64(sql, 1),
	};
	types = database_column(sql, 2);
	/* There are no more slots than bytes of SQL; types that cannot be read are not known. */
	if (types.size &&
	    decode_numbers(types, arena, SCHEMA_VALUE_MAX, &ret_description->slot_types,
			   &ret_description->n_slots) < 0)
		ret_description->n_slots = 0;
	sqlite3_reset(sql);
	return 1;
}

void reader_canonicalize(const struct stored_statement *stored, struct slice text, bool edited,
			 struct arena *arena, struct sql_statement *ret_statement)
{
	struct sql_options options;

	for (size_t n = 0; sql_options_nth((enum sql_dialect)stored->dialect, n, &options); n++) {
		sql_canonicalize(&options, text, arena, ret_statement);
		if (edited || slice_equal(ret_statement->canonical, stored->canonical))
			return;
	}
	ret_statement->canonical = arena_copy(arena, stored->canonical);
}

/*
 * Values of the slots: from the parameters, which hold all of them. Where the text was edited, what
 * is written in it counts, and placeholders keep what was bound at their place.
 */
static int stored_values(const struct stored_exchange *exchange,
			 const struct sql_statement *statement, struct arena *arena,
			 struct sql_value **ret_values)
{
	bool literals = exchange->edited || exchange->kind == EXCHANGE_PARSE;
	struct sql_value *values = arena_alloc(arena, (statement->n_slots + 1) * sizeof(*values));
	struct sql_value *stored = NULL;
	size_t n = 0;

	if (exchange->parameters.size &&
	    sql_values_parse(exchange->parameters, arena, &stored, &n) < 0)
		return -EBADMSG;
	sql_slot_values(statement, NULL, 0, values);
	if (n != statement->n_slots && !literals)
		return -EBADMSG;
	for (size_t i = 0; i < statement->n_slots && n == statement->n_slots; i++)
		if (!literals || statement->slots[i].placeholder)
			values[i] = stored[i];
	*ret_values = values;
	return 1;
}

int reader_identity(struct reader *reader, const struct stored_exchange *exchange,
		    struct arena *arena, struct sql_context *ret_context,
		    struct sql_statement *ret_statement, struct sql_value **ret_values)
{
	const struct stored_statement *stored;
	struct stored_exchange own = *exchange;
	struct slice text;
	int rc;

	/* The exchange borrows from a row that the next step would change. */
	own.parameters = copy(arena, exchange->parameters);
	own.text = copy(arena, exchange->text);
	rc = reader_statement(reader, exchange->statement, &stored);
	if (rc <= 0)
		return rc;
	ret_context->database = copy(arena, stored->context.database);
	ret_context->search_path = copy(arena, stored->context.search_path);
	ret_context->role = copy(arena, stored->context.role);
	text = own.text.data ? own.text : copy(arena, stored->text);
	reader_canonicalize(stored, text, own.edited, arena, ret_statement);
	return stored_values(&own, ret_statement, arena, ret_values);
}

/* One number about an exchange: 1, 0 where there is none, -errno. */
static int one_number(struct reader *reader, enum reader_sql which, int64_t exchange,
		      int64_t *ret_number)
{
	sqlite3_stmt *sql = reader->sql[which];
	int rc;

	sqlite3_bind_int64(sql, 1, exchange);
	rc = reader_step(sql);
	if (rc <= 0)
		return rc;
	*ret_number = sqlite3_column_int64(sql, 0);
	sqlite3_reset(sql);
	return 1;
}

int reader_started(struct reader *reader, int64_t exchange, int64_t *ret_ns)
{
	return one_number(reader, GET_STARTED, exchange, ret_ns);
}

int reader_server(struct reader *reader, int64_t connection, struct arena *arena,
		  struct answer_server *ret_server)
{
	sqlite3_stmt *sql = reader->sql[GET_SERVER];
	struct slice parameters;
	int rc;

	sqlite3_bind_int64(sql, 1, connection);
	rc = reader_step(sql);
	if (rc <= 0)
		return rc;
	*ret_server = (struct answer_server){ .version = copy(arena, database_column(sql, 0)) };
	/* Borrowed strings: the arena has the whole text. */
	parameters = copy(arena, database_column(sql, 1));
	sqlite3_reset(sql);
	if (parameters.size && decode_fields(parameters, arena, &ret_server->parameters,
					     &ret_server->n_parameters) < 0)
		return -EBADMSG;
	return 1;
}

int64_t reader_connection(struct reader *reader, int64_t exchange)
{
	int64_t connection;

	return one_number(reader, GET_CONNECTION, exchange, &connection) > 0 ? connection : 0;
}

int reader_gave_up(struct reader *reader, int64_t exchange)
{
	sqlite3_stmt *sql = reader->sql[GET_GAVE_UP];
	int rc;

	sqlite3_bind_int64(sql, 1, exchange);
	rc = reader_step(sql);
	sqlite3_reset(sql);
	return rc;
}

int64_t reader_waited(struct reader *reader, int64_t exchange)
{
	int64_t waited_ns;

	return one_number(reader, GET_WAITED, exchange, &waited_ns) > 0 && waited_ns > 0 ?
		       waited_ns :
		       0;
}

int reader_refusal(struct reader *reader, int64_t connection, struct arena *arena,
		   struct answer_server *ret_server)
{
	sqlite3_stmt *sql = reader->sql[GET_REFUSAL];
	struct answer_aside aside;
	struct slice event;
	int rc;

	sqlite3_bind_int64(sql, 1, connection);
	rc = reader_step(sql);
	if (rc <= 0)
		return rc;
	event = copy(arena, database_column(sql, 0));
	sqlite3_reset(sql);
	if (decode_aside(event, arena, &aside) < 0 || aside.type != ASIDE_ERROR)
		return -EBADMSG;
	*ret_server = (struct answer_server){ .error = aside.fields, .n_error = aside.n_fields };
	return 1;
}
