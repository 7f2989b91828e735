/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading a recording's identities (design §7): one pass over the exchanges, one over the
 * statements. Hashes that are missing (a person edited the row) or stale (another version of the
 * canonical form) are made here, in memory.
 */
#include "parsers/binding.h"
#include "parsers/protocol.h"
#include "store/database.h"
#include "store/http_match.h"
#include "store/matcher_state.h"
#include "store/recording_state.h"

#include <errno.h>
#include <stdlib.h>

/* Every bit of the key depends on every bit of what it is made of (the finalizer of splitmix64). */
static uint64_t mix(uint64_t key)
{
	key = (key ^ key >> 30) * 0xbf58476d1ce4e5b9u;
	key = (key ^ key >> 27) * 0x94d049bb133111ebu;
	return key ^ key >> 31;
}

uint64_t matcher_key(uint64_t hash, uint32_t place, enum match_class class)
{
	return mix(hash ^ ((uint64_t)place << 3 | (uint64_t) class) * 0x9e3779b97f4a7c15u);
}

uint64_t matcher_own_key(uint64_t key, uint32_t session)
{
	return mix(key ^ session * 0x9e3779b97f4a7c15u);
}

static bool is_servable(uint8_t kind, uint8_t outcome, uint32_t flags)
{
	bool dropped = (flags & (EXCHANGE_SERVER_ENDED | EXCHANGE_SERVER_RESET)) &&
		       !(flags & (EXCHANGE_COPY_IN | EXCHANGE_COPY_OUT));

	if (dropped) /* that the connection ends is the answer */
		flags &= ~(uint32_t)EXCHANGE_CUT;
	return (kind == EXCHANGE_SIMPLE || kind == EXCHANGE_EXTENDED || kind == EXCHANGE_PARSE ||
		kind == EXCHANGE_COMMAND || kind == EXCHANGE_FUNCTION) &&
	       (outcome != OUTCOME_UNFINISHED || dropped) &&
	       !((flags & EXCHANGE_MERGED) && (flags & (EXCHANGE_COPY_IN | EXCHANGE_COPY_OUT))) &&
	       !(flags & (EXCHANGE_COPY | EXCHANGE_REQUEST_TOO_LARGE | EXCHANGE_NOT_DECODED |
			  EXCHANGE_CUT | EXCHANGE_ABORTED));
}

const struct protocol *matcher_scope(const struct matcher *matcher, struct reader *reader,
				     int64_t exchange, struct type_scope *ret_scope)
{
	const struct endpoint_connection *connection;
	const struct stored_statement *statement;
	struct stored_exchange stored;

	*ret_scope = (struct type_scope){ .at = (uint64_t)exchange };
	if (!matcher->type_sets.n)
		return NULL;
	connection = endpoints_connection(&matcher->endpoints, reader_connection(reader, exchange));
	if (!connection || reader_exchange(reader, exchange, &stored) <= 0 ||
	    reader_statement(reader, stored.statement, &statement) <= 0)
		return NULL;
	ret_scope->types =
		type_sets_find(&matcher->type_sets, connection->place, statement->context.database);
	return connection->speaks;
}

void matcher_resolve(const struct matcher *matcher, struct reader *reader, int64_t exchange,
		     struct sql_value *values, size_t n, struct arena *arena)
{
	const struct protocol *protocol = NULL;
	struct type_scope scope;

	for (size_t i = 0; i < n && matcher->type_sets.n; i++) {
		if (!binding_open_type(&values[i]))
			continue;
		if (!protocol)
			protocol = matcher_scope(matcher, reader, exchange, &scope);
		if (!protocol)
			return;
		scope.at = TYPE_SCOPE_NOW; /* as of who asks: see answers_types() */
		binding_resolve(protocol, &scope, arena, &values[i]);
	}
}

/* The hash of what stands in the file. 0: the row cannot be read. */
static uint64_t make_hash(const struct matcher *matcher, struct reader *reader, int64_t id)
{
	struct stored_exchange exchange;
	struct sql_statement statement;
	struct sql_context context;
	struct sql_value *values;
	struct arena arena;
	uint64_t hash = 0;

	arena_init(&arena);
	if (reader_exchange(reader, id, &exchange) > 0 &&
	    reader_identity(reader, &exchange, &arena, &context, &statement, &values) > 0) {
		matcher_resolve(matcher, reader, id, values, statement.n_slots, &arena);
		hash = sql_exact_hash(&context, &statement, values);
	}
	arena_release(&arena);
	return hash;
}

/* The exchange that `sql` stands on, a COPY FROM STDIN or LOCAL INFILE, is found by its data too. */
static int add_copy(struct matcher *matcher, struct reader *reader, sqlite3_stmt *sql,
		    uint64_t hash, uint32_t place, uint32_t tag)
{
	uint32_t id = (uint32_t)sqlite3_column_int64(sql, 0);
	struct copy_identity copy;

	if (reader_copy_identity(reader, id, &copy) <= 0)
		return 0; /* whoever asks for it is told that this is not its data */
	matcher->copy_entries++;
	return index_add(&matcher->index, matcher_key(copy_hash(hash, &copy), place, MATCH_COPY),
			 id, tag, sqlite3_column_int64(sql, 7)) ?
		       0 :
		       -E2BIG;
}

/*
 * Its client gave up before all was said to it: silence, for as long as it waited, is the answer, or its end. PostgreSQL's is told of the first
 * only.
 */
static bool is_unanswered(const struct protocol *protocol, struct reader *reader, sqlite3_stmt *sql,
			  uint32_t flags)
{
	return protocol && protocol->dialect &&
	       (flags & ~(uint32_t)EXCHANGE_ROW_LIMIT) == EXCHANGE_CUT &&
	       sqlite3_column_int(sql, 3) == OUTCOME_UNFINISHED &&
	       (protocol->dialect == SQL_MYSQL || sqlite3_column_type(sql, 9) == SQLITE_NULL) &&
	       reader_gave_up(reader, sqlite3_column_int64(sql, 0)) > 0;
}

/* Adds the exchange that `sql` stands on. */
static int add_exchange(struct matcher *matcher, struct reader *reader, sqlite3_stmt *sql)
{
	int64_t id = sqlite3_column_int64(sql, 0);
	const struct endpoint_connection *connection =
		endpoints_connection(&matcher->endpoints, sqlite3_column_int64(sql, 1));
	uint32_t place = connection ? connection->place : 0;
	uint8_t kind = (uint8_t)sqlite3_column_int(sql, 2);
	uint8_t outcome = (uint8_t)sqlite3_column_int(sql, 3);
	uint32_t flags = (uint32_t)sqlite3_column_int64(sql, 4);
	enum match_class class = MATCH_SERVED;
	uint64_t hash = 0;
	uint32_t tag;

	matcher->recorded++;
	if (id < 1 || id > UINT32_MAX || sqlite3_column_type(sql, 6) == SQLITE_NULL)
		return 0; /* without a statement: a call that was not decoded */
	if (!matcher->recording->stale && sqlite3_column_type(sql, 5) == SQLITE_INTEGER)
		hash = (uint64_t)sqlite3_column_int64(sql, 5);
	else
		hash = make_hash(matcher, reader, id);
	if (!hash) /* nothing that can be asked for */
		return 0;
	if (!is_servable(kind, outcome, flags) &&
	    !is_unanswered(connection ? connection->speaks : NULL, reader, sql, flags))
		class = MATCH_UNSERVABLE;
	else if (kind == EXCHANGE_PARSE)
		class = MATCH_PARSE;
	matcher->has_turns |= class == MATCH_PARSE;
	matcher->unservable_entries += class == MATCH_UNSERVABLE;
	matcher->has_merged |= (flags & EXCHANGE_MERGED) != 0;
	matcher->has_cut |= outcome == OUTCOME_SUSPENDED;
	tag = sessions_of(&matcher->sessions, sqlite3_column_int64(sql, 6),
			  connection ? connection->login : 0);
	if (!index_add(&matcher->index, matcher_key(hash, place, class), (uint32_t)id, tag,
		       sqlite3_column_int64(sql, 7)))
		return -E2BIG;
	if (connection && class == MATCH_SERVED && (flags & EXCHANGE_COPY_IN))
		return add_copy(matcher, reader, sql, hash, place, tag);
	return 0;
}

/* Several answers to one request, not all for one kind of session. */
static void add_own(struct matcher *matcher, size_t from, size_t to)
{
	const struct index_entry *entries = matcher->index.entries;
	bool several = false;

	for (size_t i = from + 1; i < to && !several; i++)
		several = entries[i].state != entries[from].state;
	for (size_t i = from; i < to && several; i++)
		/* It cannot be full: the index under it is not. */
		(void)index_add(&matcher->own, matcher_own_key(entries[i].key, entries[i].state),
				(uint32_t)i, 0, 0);
}

/* Here the tags of the index are those of sessions.h. */
static void load_own(struct matcher *matcher)
{
	const struct index *index = &matcher->index;
	size_t from = 0;

	for (size_t i = 1; i <= index->n; i++)
		if (i == index->n || index->entries[i].key != index->entries[from].key) {
			add_own(matcher, from, i);
			from = i;
		}
	index_sort(&matcher->own);
}

/* Has one of the statements several kinds of columns? Those of each that were seen last are in `seen`, by its id. */
static void see_columns(struct matcher *matcher, struct buffer *seen, sqlite3_stmt *sql)
{
	int64_t statement = sqlite3_column_int64(sql, 6), columns = sqlite3_column_int64(sql, 8);
	size_t end = ((size_t)statement + 1) * sizeof(columns);
	int64_t last = 0;

	if (matcher->has_turns || statement < 0 || !columns || end > seen->max)
		return;
	while (seen->size < end)
		buffer_append(seen, &last, sizeof(last));
	memcpy(&last, seen->data + end - sizeof(last), sizeof(last));
	matcher->has_turns = last && last != columns;
	memcpy(seen->data + end - sizeof(last), &columns, sizeof(columns));
}

static int load_exchanges(struct matcher *matcher, struct reader *reader)
{
	sqlite3_stmt *sql = NULL;
	struct buffer seen;
	int added = 0;
	int rc = sqlite3_prepare_v2(reader_database(reader),
				    "SELECT id, connection, kind, outcome, flags, exact_hash, "
				    "statement, started_ns, columns, first_byte_ns FROM exchange "
				    "ORDER BY id",
				    -1, &sql, NULL);

	if (rc != SQLITE_OK)
		return rc;
	buffer_init(&seen, (size_t)16 << 20);
	while (added == 0 && sqlite3_step(sql) == SQLITE_ROW) {
		added = add_exchange(matcher, reader, sql);
		see_columns(matcher, &seen, sql);
	}
	buffer_release(&seen);
	rc = sqlite3_finalize(sql);
	if (rc == SQLITE_OK && added < 0)
		rc = SQLITE_TOOBIG;
	return rc;
}

static int compare_templates(const void *a, const void *b)
{
	const struct template_entry *left = a;
	const struct template_entry *right = b;

	if (left->hash != right->hash)
		return left->hash < right->hash ? -1 : 1;
	return left->statement < right->statement ? -1 : left->statement > right->statement;
}

/* Adds the statement that `sql` stands on. */
static void add_template(struct matcher *matcher, struct reader *reader, sqlite3_stmt *sql)
{
	struct template_entry *entry = &matcher->templates[matcher->n_templates];
	struct sql_context context = { database_column(sql, 2), database_column(sql, 3),
				       database_column(sql, 4) };
	struct slice canonical = database_column(sql, 1);
	const struct stored_statement *stored;

	entry->statement = sqlite3_column_int64(sql, 0);
	if (!canonical.data) {
		if (reader_statement(reader, entry->statement, &stored) <= 0)
			return;
		canonical = stored->canonical;
	}
	entry->hash = sql_template_hash(&context, canonical);
	matcher->n_templates++;
}

static int load_templates(struct matcher *matcher, struct reader *reader)
{
	sqlite3_stmt *sql = NULL;
	size_t capacity = 0;
	int rc = sqlite3_prepare_v2(reader_database(reader),
				    "SELECT s.id, s.canonical, c.database, c.search_path, c.role "
				    "FROM statement s JOIN context c ON c.id = s.context",
				    -1, &sql, NULL);

	if (rc != SQLITE_OK)
		return rc;
	while (sqlite3_step(sql) == SQLITE_ROW) {
		if (matcher->n_templates == capacity) {
			capacity = capacity ? 2 * capacity : 64;
			matcher->templates =
				realloc(matcher->templates, capacity * sizeof(*matcher->templates));
			if (!matcher->templates)
				abort();
		}
		add_template(matcher, reader, sql);
	}
	if (matcher->n_templates)
		qsort(matcher->templates, matcher->n_templates, sizeof(*matcher->templates),
		      compare_templates);
	return sqlite3_finalize(sql);
}

static int load_databases(struct matcher *matcher, struct reader *reader)
{
	sqlite3_stmt *sql = NULL;
	int rc = sqlite3_prepare_v2(
		reader_database(reader),
		"SELECT database FROM context GROUP BY database ORDER BY min(id) LIMIT ?1", -1,
		&sql, NULL);

	if (rc != SQLITE_OK)
		return rc;
	arena_init(&matcher->arena);
	matcher->databases =
		arena_alloc(&matcher->arena, DATABASES_MAX * sizeof(*matcher->databases));
	sqlite3_bind_int64(sql, 1, DATABASES_MAX);
	while (sqlite3_step(sql) == SQLITE_ROW)
		matcher->databases[matcher->n_databases++] =
			arena_copy(&matcher->arena, database_column(sql, 0));
	return sqlite3_finalize(sql);
}

size_t matcher_templates(const struct matcher *matcher, uint64_t hash,
			 const struct template_entry **ret_first)
{
	size_t low = 0;
	size_t high = matcher->n_templates;
	size_t n = 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (matcher->templates[middle].hash < hash)
			low = middle + 1;
		else
			high = middle;
	}
	*ret_first = matcher->n_templates ? &matcher->templates[low] : NULL;
	while (low + n < matcher->n_templates && matcher->templates[low + n].hash == hash)
		n++;
	return n;
}

int matcher_load(struct matcher *matcher, char error[STORE_ERROR_BYTES])
{
	struct reader *reader = NULL;
	int rc = reader_new(matcher->recording, &reader, error);

	if (rc < 0)
		return rc;
	rc = endpoints_load(&matcher->endpoints, reader_database(reader));
	if (rc == SQLITE_OK)
		rc = type_sets_load(&matcher->type_sets, &matcher->endpoints,
				    reader_database(reader));
	if (rc == SQLITE_OK)
		rc = sessions_load(&matcher->sessions, &matcher->endpoints,
				   reader_database(reader));
	if (rc == SQLITE_OK)
		rc = load_exchanges(matcher, reader);
	if (rc == SQLITE_OK)
		rc = http_load(matcher, reader);
	index_sort(&matcher->index);
	load_own(matcher);
	index_begin(&matcher->index);
	if (rc == SQLITE_OK)
		rc = behind_load(&matcher->behind, &matcher->index, reader_database(reader));
	if (rc == SQLITE_OK && matcher->has_turns)
		rc = turns_load(&matcher->turns, &matcher->index, reader_database(reader));
	if (rc == SQLITE_OK)
		rc = described_load(&matcher->described, reader_database(reader));
	if (rc == SQLITE_OK)
		rc = load_templates(matcher, reader);
	if (rc == SQLITE_OK)
		rc = load_databases(matcher, reader);
	if (rc == SQLITE_OK)
		rc = asides_load(&matcher->asides, reader, &matcher->endpoints);
	if (rc == SQLITE_OK)
		rc = kills_load(&matcher->kills, &matcher->endpoints, reader_database(reader));
	if (rc != SQLITE_OK)
		rc = database_error(reader_database(reader), rc, matcher->recording->path, error);
	reader_free(reader);
	return rc;
}
