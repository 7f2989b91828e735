/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Types of databases on their way into the recording: learned from the rows with which a server answers who asks for them
 * (parsers/types.h). Nobody is asked: what the app does not want to know stays unknown.
 */
#include "store/ingest_state.h"

#include <stdlib.h>

struct ingest_types *ingest_types_of(struct ingest *ingest,
				     const struct connection_state *connection)
{
	struct ingest_types *types;
	struct slice database;

	if (!connection->protocol->types_row || !connection->session)
		return NULL;
	database = sql_session_context(connection->session).database;
	for (types = ingest->types; types; types = types->next)
		if (types->endpoint == connection->endpoint->id &&
		    slice_equal(types->database, database))
			return types;
	types = malloc(sizeof(*types) + database.size);
	if (!types)
		abort();
	*types = (struct ingest_types){ .next = ingest->types,
					.endpoint = connection->endpoint->id,
					.database = slice_of(types + 1, database.size),
					.types = types_new() };
	if (database.size)
		memcpy(types + 1, database.data, database.size);
	ingest->types = types;
	return types;
}

void ingest_types_free(struct ingest *ingest)
{
	while (ingest->types) {
		struct ingest_types *next = ingest->types->next;

		types_free(ingest->types->types);
		free(ingest->types);
		ingest->types = next;
	}
}

struct type_scope ingest_scope(const struct ingest_types *types, int64_t exchange)
{
	return (struct type_scope){ .types = types ? types->types : NULL,
				    .at = (uint64_t)exchange };
}

/* The next value of a row as text; data NULL: it is null, in parts, or has no text. */
static struct slice read_text(struct ingest *ingest, const struct protocol *protocol,
			      const struct row_format_column *column, struct cursor *row)
{
	int32_t size = cursor_i32be(row);
	struct buffer *text = &ingest->scratch;
	struct slice bytes;

	if (size == ROW_VALUE_IN_PART)
		cursor_bytes(row, 12);
	if (size < 0)
		return slice_of(NULL, 0);
	bytes = cursor_bytes(row, (size_t)size);
	if (row->failed || column->form != PARAMETER_BINARY)
		return bytes;
	buffer_clear(text);
	if (protocol->value_to_text(NULL, column->type, bytes, text) < 0)
		return slice_of(NULL, 0);
	return arena_copy(&ingest->arena, text->size ? buffer_slice(text) : SLICE(""));
}

static void read_row(struct ingest *ingest, const struct protocol *protocol,
		     const struct row_format *format, struct cursor row, struct type_row *ret_row)
{
	size_t n = cursor_u16be(&row);

	*ret_row = (struct type_row){ 0 };
	for (size_t i = 0; i < n && i < format->n && !row.failed; i++) {
		struct slice text = read_text(ingest, protocol, &format->columns[i], &row);

		for (size_t field = 0; field < TYPE_FIELDS; field++)
			if (format->places.column[field] == i + 1)
				ret_row->fields[field] = text;
	}
}

static int add_type(struct ingest *ingest, const struct ingest_types *types,
		    const struct type_entry *entry)
{
	struct slice database = types->database;
	sqlite3_stmt *sql = ingest->sql[ADD_TYPE];
	struct buffer *json = &ingest->scratch;

	buffer_clear(json);
	for (size_t i = 0; i < entry->n_attributes; i++) {
		buffer_append_string(json, i ? ", " : "[");
		buffer_append_unsigned(json, entry->attributes[i]);
	}
	if (entry->attributes)
		buffer_append_string(json, entry->n_attributes ? "]" : "[]");
	sqlite3_bind_int64(sql, 1, types->endpoint);
	database_bind(sql, 2, database.data ? database : slice_of("", 0));
	sqlite3_bind_int64(sql, 3, entry->id);
	sqlite3_bind_int64(sql, 4, (int64_t)entry->since);
	database_bind(sql, 5, entry->name);
	database_bind_nonempty(sql, 6, type_sort_name((enum type_sort)entry->sort));
	if (entry->element)
		sqlite3_bind_int64(sql, 7, entry->element);
	else
		sqlite3_bind_null(sql, 7);
	database_bind_nonempty(sql, 8, buffer_slice(json));
	return database_run(sql);
}

int ingest_learn_row(struct ingest *ingest, const struct open_exchange *exchange,
		     const struct protocol *protocol, struct cursor row)
{
	struct type_entry told[TYPE_ROW_ENTRIES];
	const struct type_entry *entry;
	struct type_row texts;
	size_t n;
	int rc = SQLITE_OK;

	if (!exchange->types || !exchange->identity.statement)
		return SQLITE_OK;
	read_row(ingest, protocol, exchange->result.format, row, &texts);
	n = protocol->types_row(&exchange->result.format->places, &texts,
				&exchange->identity.template.statement, exchange->identity.values,
				&ingest->arena, told);
	for (size_t i = 0; i < n && rc == SQLITE_OK; i++) {
		told[i].since = (uint64_t)exchange->id;
		if (types_learn(exchange->types->types, &told[i], &entry))
			rc = add_type(ingest, exchange->types, entry);
	}
	return rc;
}
