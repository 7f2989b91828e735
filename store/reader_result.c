/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers out of a recording; see reader.h and answers.h. Nothing is held whole but one chunk of rows, which is SQLite's own
 * memory until the next chunk is opened.
 */
#include "store/reader_state.h"

#include <errno.h>

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

/* The parts of the row that GET_RESULT stands on; all that is borrowed is copied first, the row's memory moves. */
static int read_result(struct reader *reader, sqlite3_stmt *sql, struct answer_result *result)
{
	struct arena *arena = &reader->result_arena;
	struct slice error = arena_copy(arena, database_column(sql, 2));
	struct slice events = arena_copy(arena, database_column(sql, 3));
	struct slice tag = database_column(sql, 1);
	int64_t chunk = sqlite3_column_type(sql, 5) == SQLITE_INTEGER ?
				sqlite3_column_int64(sql, 5) :
				-1;

	*result = (struct answer_result){ .empty = sqlite3_column_int(sql, 4) != 0 };
	if (tag.data)
		result->tag = tag.size ? arena_copy(arena, tag) : slice_of("", 0);
	if (chunk >= 0 && chunk < UINT32_MAX)
		result->chunks = (uint32_t)chunk + 1;
	if (error.size && decode_fields(error, arena, &result->error, &result->n_error) < 0)
		return -EBADMSG;
	if (events.size && decode_events(events, arena, &result->events, &result->n_events) < 0)
		return -EBADMSG;
	return 1;
}

int reader_result(struct reader *reader, int64_t exchange, uint32_t number,
		  struct answer_result *ret_result)
{
	sqlite3_stmt *sql = reader->sql[GET_RESULT];
	int64_t columns;
	int rc;

	sqlite3_bind_int64(sql, 1, exchange);
	sqlite3_bind_int64(sql, 2, number);
	rc = reader_step(sql);
	if (rc <= 0)
		return rc;
	arena_release(&reader->result_arena);
	columns = sqlite3_column_int64(sql, 0);
	rc = read_result(reader, sql, ret_result);
	sqlite3_reset(sql);
	if (rc > 0 && columns) {
		rc = reader_columns(reader, columns, &ret_result->columns);
		if (rc == 0) /* it names a description that is not there */
			rc = -EBADMSG;
	}
	return rc;
}

int reader_chunk(struct reader *reader, int64_t exchange, uint32_t number, uint32_t chunk)
{
	sqlite3_stmt *sql = reader->sql[GET_CHUNK];
	int rc;

	/* The row that is open is let go only now: its rows borrow from it. */
	sqlite3_reset(sql);
	sqlite3_bind_int64(sql, 1, exchange);
	sqlite3_bind_int64(sql, 2, number);
	sqlite3_bind_int64(sql, 3, chunk);
	reader->rows = (struct rows_decoder){ .failed = true };
	rc = reader_step(sql);
	if (rc < 0)
		return rc;
	/* A chunk that somebody deleted has no rows. */
	return rows_decoder_init(&reader->rows, rc ? database_column(sql, 0) : SLICE("[]"));
}

int reader_next_row(struct reader *reader, const struct answer_value **ret_values, size_t *ret_n)
{
	arena_release(&reader->row_arena);
	*ret_values = reader->values;
	return rows_decoder_next(&reader->rows, &reader->row_arena, reader->values, COLUMNS_MAX,
				 ret_n);
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
