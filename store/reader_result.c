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

/*
 * All of the row is copied, since it is gone with the next. `chunk` is the last chunk of its rows, -1
 * without rows.
 */
static int read_result(const struct result_row *row, int64_t chunk, struct stored_result *stored,
		       struct answer_result *result)
{
	struct arena *arena = &stored->arena;
	struct slice error = arena_copy(arena, row->error);
	struct slice events = arena_copy(arena, row->events);

	*result = (struct answer_result){ .empty = row->empty };
	if (row->tag.data)
		result->completion = (struct completion){
			.tag = row->tag.size ? arena_copy(arena, row->tag) : slice_of("", 0),
			.rows = row->row_count,
			.insert_id = (uint64_t)row->insert_id,
			.warnings = (uint16_t)row->warnings,
			.status = (uint16_t)row->status,
		};
	if (chunk >= 0 && chunk < UINT32_MAX)
		result->chunks = (uint32_t)chunk + 1;
	if (chunk == 0 && row->rows.size <= ONLY_CHUNK_BYTES)
		stored->only_chunk = arena_copy(arena, row->rows);
	if (error.size && decode_fields(error, arena, &result->error, &result->n_error) < 0)
		return -EBADMSG;
	if (events.size && decode_events(events, arena, &result->events, &result->n_events) < 0)
		return -EBADMSG;
	return 1;
}

static int result_apart(struct reader *reader, struct stored_result *stored,
			struct answer_result *result, int64_t *ret_columns)
{
	sqlite3_stmt *sql = reader->sql[GET_RESULT];
	struct result_row row;
	int64_t chunk = -1;
	int rc;

	sqlite3_bind_int64(sql, 1, (int64_t)stored->exchange);
	sqlite3_bind_int64(sql, 2, stored->number);
	rc = reader_step(sql);
	if (rc <= 0)
		return rc;
	reader_result_row(sql, 0, &row);
	*ret_columns = row.columns;
	if (sqlite3_column_type(sql, READER_RESULT_CHUNK) == SQLITE_INTEGER)
		chunk = sqlite3_column_int64(sql, READER_RESULT_CHUNK);
	rc = read_result(&row, chunk, stored, result);
	sqlite3_reset(sql);
	return rc;
}

/* Where the exchange's only result is in its row, that; else what is stored apart. */
static int result_of(struct reader *reader, struct stored_result *stored,
		     struct answer_result *result, int64_t *ret_columns)
{
	const struct result_row *row = &reader->row.result;
	int rc = reader_stand(reader, (int64_t)stored->exchange);

	if (rc <= 0)
		return rc;
	if (!reader->row.is_inline)
		return result_apart(reader, stored, result, ret_columns);
	if (stored->number)
		return 0;
	*ret_columns = row->columns;
	return read_result(row, row->rows.data ? 0 : -1, stored, result);
}

int reader_result(struct reader *reader, struct stored_result *stored, uint64_t exchange,
		  uint32_t number, struct answer_result *ret_result)
{
	int64_t columns = 0;
	int rc;

	arena_reset(&stored->arena);
	stored->only_chunk = slice_of(NULL, 0);
	stored->exchange = exchange;
	stored->number = number;
	rc = result_of(reader, stored, ret_result, &columns);
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
