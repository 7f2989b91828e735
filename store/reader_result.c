/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers out of a recording; see reader.h and answers.h. Nothing is held whole but one chunk of
 * rows for each connection that is being given one.
 */
#include "store/reader_state.h"

#include <errno.h>

/* A result's only chunk is taken with the result up to this size. */
#define ONLY_CHUNK_BYTES (64 * 1024)
/* SQLite's own limit on a value. */
#define CHUNK_BYTES_MAX ((size_t)1024 * 1024 * 1024)

int reader_columns(struct reader *reader, int64_t id, const struct answer_columns **ret_columns)
{
	struct slice key = slice_of(&id, sizeof(id));
	struct answer_columns **known = intern_find(&reader->columns, key);
	sqlite3_stmt *sql = reader->sql[GET_COLUMNS];
	struct answer_columns *columns = NULL;
	struct slice description;
	int rc;

	if (known) {
		*ret_columns = *known;
		return 1;
	}
	sqlite3_bind_int64(sql, 1, id);
	rc = reader_step(sql);
	if (rc <= 0)
		return rc;
	description = arena_copy(&reader->columns_arena, database_column(sql, 0));
	sqlite3_reset(sql);
	if (decode_columns(description, &reader->columns_arena, &columns) < 0)
		return -EBADMSG;
	columns->id = (uint64_t)id;
	known = intern_add(&reader->columns, key, sizeof(struct answer_columns *));
	*known = columns;
	*ret_columns = columns;
	return 1;
}

void stored_result_init(struct stored_result *stored)
{
	*stored = (struct stored_result){ .rows.failed = true };
	buffer_init(&stored->chunk, CHUNK_BYTES_MAX);
}

void stored_result_release(struct stored_result *stored)
{
	arena_release(&stored->arena);
	arena_release(&stored->row);
	buffer_release(&stored->chunk);
}

static void read_completion(sqlite3_stmt *sql, struct slice tag, struct completion *completion)
{
	*completion = (struct completion){
		.tag = tag,
		.rows = sqlite3_column_type(sql, 7) == SQLITE_INTEGER ?
				sqlite3_column_int64(sql, 7) :
				-1,
		.insert_id = (uint64_t)sqlite3_column_int64(sql, 8),
		.warnings = (uint16_t)sqlite3_column_int64(sql, 9),
		.status = (uint16_t)sqlite3_column_int64(sql, 10),
	};
}

/*
 * The row that GET_RESULT stands on; all of it is copied, since the row is gone with the next step.
 */
static int read_result(sqlite3_stmt *sql, struct stored_result *stored,
		       struct answer_result *result)
{
	struct arena *arena = &stored->arena;
	struct slice error = arena_copy(arena, database_column(sql, 2));
	struct slice events = arena_copy(arena, database_column(sql, 3));
	struct slice tag = database_column(sql, 1);
	bool has_rows = sqlite3_column_type(sql, 5) == SQLITE_INTEGER;
	int64_t chunk = has_rows ? sqlite3_column_int64(sql, 5) : -1;

	*result = (struct answer_result){ .empty = sqlite3_column_int(sql, 4) != 0 };
	if (tag.data)
		read_completion(sql, tag.size ? arena_copy(arena, tag) : slice_of("", 0),
				&result->completion);
	if (chunk >= 0 && chunk < UINT32_MAX)
		result->chunks = (uint32_t)chunk + 1;
	if (chunk == 0 && sqlite3_column_bytes(sql, 6) <= ONLY_CHUNK_BYTES)
		stored->only_chunk = arena_copy(arena, database_column(sql, 6));
	if (error.size && decode_fields(error, arena, &result->error, &result->n_error) < 0)
		return -EBADMSG;
	if (events.size && decode_events(events, arena, &result->events, &result->n_events) < 0)
		return -EBADMSG;
	return 1;
}

int reader_result(struct reader *reader, struct stored_result *stored, uint64_t exchange,
		  uint32_t number, struct answer_result *ret_result)
{
	sqlite3_stmt *sql = reader->sql[GET_RESULT];
	int64_t columns;
	int rc;

	arena_reset(&stored->arena);
	stored->only_chunk = slice_of(NULL, 0);
	stored->exchange = exchange;
	stored->number = number;
	sqlite3_bind_int64(sql, 1, (int64_t)exchange);
	sqlite3_bind_int64(sql, 2, number);
	rc = reader_step(sql);
	if (rc <= 0)
		return rc;
	columns = sqlite3_column_int64(sql, 0);
	rc = read_result(sql, stored, ret_result);
	sqlite3_reset(sql);
	if (rc > 0 && columns) {
		rc = reader_columns(reader, columns, &ret_result->columns);
		if (rc == 0) /* it names a description that is not there */
			rc = -EBADMSG;
	}
	return rc;
}

/* Reads a chunk into stored->chunk. One that somebody deleted has no rows. */
static int read_chunk(struct reader *reader, struct stored_result *stored, uint64_t exchange,
		      uint32_t number, uint32_t chunk)
{
	sqlite3_stmt *sql = reader->sql[GET_CHUNK];
	int rc;

	sqlite3_bind_int64(sql, 1, (int64_t)exchange);
	sqlite3_bind_int64(sql, 2, number);
	sqlite3_bind_int64(sql, 3, chunk);
	buffer_release(&stored->chunk); /* they differ in size, and a connection has its own */
	rc = reader_step(sql);
	if (rc < 0)
		return rc;
	buffer_append_slice(&stored->chunk, rc ? database_column(sql, 0) : SLICE("[]"));
	sqlite3_reset(sql);
	return stored->chunk.overflowed ? -EBADMSG : 0;
}

int reader_chunk(struct reader *reader, struct stored_result *stored, uint64_t exchange,
		 uint32_t number, uint32_t chunk)
{
	int rc;

	stored->rows = (struct rows_decoder){ .failed = true };
	if (stored->only_chunk.data && !chunk && stored->exchange == exchange &&
	    stored->number == number)
		return rows_decoder_init(&stored->rows, stored->only_chunk);
	rc = read_chunk(reader, stored, exchange, number, chunk);
	return rc < 0 ? rc : rows_decoder_init(&stored->rows, buffer_slice(&stored->chunk));
}

int reader_next_row(struct reader *reader, struct stored_result *stored,
		    const struct answer_value **ret_values, size_t *ret_n)
{
	struct answer_value *values;
	size_t n = 0;
	int rc;

	arena_release(&stored->row);
	rc = rows_decoder_next(&stored->rows, &stored->row, reader->values, COLUMNS_MAX, &n);
	if (rc <= 0) {
		buffer_release(&stored->chunk);
		return rc;
	}
	values = arena_alloc(&stored->row, (n + 1) * sizeof(*values));
	memcpy(values, reader->values, n * sizeof(*values));
	*ret_values = values;
	*ret_n = n;
	return 1;
}

int reader_part(struct reader *reader, int64_t exchange, uint64_t part, uint32_t sequence,
		struct slice *ret_bytes)
{
	sqlite3_stmt *sql = reader->sql[GET_PART];
	int rc;

	sqlite3_reset(sql);
	if (part > INT64_MAX)
		return 0;
	sqlite3_bind_int64(sql, 1, exchange);
	sqlite3_bind_int64(sql, 2, (int64_t)part);
	sqlite3_bind_int64(sql, 3, sequence);
	rc = reader_step(sql);
	if (rc > 0)
		*ret_bytes = database_column(sql, 0);
	return rc;
}

int reader_gave_rows(struct reader *reader, int64_t exchange)
{
	sqlite3_stmt *sql = reader->sql[GET_GAVE_ROWS];
	int rc;

	sqlite3_bind_int64(sql, 1, exchange);
	rc = reader_step(sql);
	sqlite3_reset(sql);
	return rc;
}
