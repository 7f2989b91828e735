/* SPDX-License-Identifier: Apache-2.0 */
/* What reader.c (identities) and reader_result.c (answers) share. Nobody else includes this. */
#ifndef MOCKPROXY_READER_STATE_H
#define MOCKPROXY_READER_STATE_H

#include "store/database.h"
#include "store/decode.h"
#include "store/intern.h"
#include "store/reader.h"
#include "store/table.h"

enum reader_sql {
	GET_EXCHANGE,
	GET_STATEMENT,
	GET_DESCRIPTION,
	GET_COLUMNS,
	GET_RESULT,
	GET_CHUNK,
	GET_PART,
	GET_GAVE_ROWS,
	GET_COPY,
	GET_SERVER,
	GET_REFUSAL,
	GET_WAITED,
	GET_GAVE_UP,
	GET_CONNECTION,
	GET_HTTP,
	GET_HTTP_MESSAGE,
	GET_HTTP_ARRIVAL,
	GET_STARTED,
	READER_SQL_COUNT,
};

/* Of 128 bytes each: a replay that asks the same again and again finds them without a walk. */
#define CACHED_EXCHANGES ((size_t)16384)
#define CACHED_PARAMETERS_BYTES ((size_t)105)
#define CACHED_STATEMENTS ((size_t)256)
#define CACHED_STATEMENT_BYTES ((size_t)32 * 1024)

struct cached_exchange {
	int64_t id; /* 0: nothing here */
	int64_t statement;
	uint32_t flags;
	uint8_t kind;
	uint8_t outcome;
	uint8_t size; /* of the parameters */
	uint8_t parameters[CACHED_PARAMETERS_BYTES];
};

struct cached_statement {
	int64_t id; /* 0: nothing here */
	struct stored_statement statement;
	struct arena arena;
};

/* What a result says of itself and its rows, as its columns hold it. */
struct result_row {
	int64_t columns;
	struct slice tag;
	struct slice error;
	struct slice events;
	bool empty;
	int64_t row_count; /* -1: NULL */
	int64_t insert_id;
	int64_t warnings;
	int64_t status;
	struct slice rows; /* of the chunk that came with it; data NULL: none */
};

/* A row of `exchange`. Slices borrow from the file or from GET_EXCHANGE, until another row is stood on. */
struct exchange_row {
	struct stored_exchange exchange;
	bool is_inline;
	struct result_row result; /* where it is inline */
};

struct reader {
	sqlite3 *database;
	sqlite3_stmt *sql[READER_SQL_COUNT];
	struct table exchange_table;
	struct exchange_row row; /* the one that was asked for last; its id 0: none */
	struct cached_exchange exchanges[CACHED_EXCHANGES];
	/* Of each place the mark of the exchange that was asked for last, cached or not: what is asked for once touches no place. */
	uint8_t asked[CACHED_EXCHANGES];
	struct cached_statement statements[CACHED_STATEMENTS];
	struct cached_statement large_statement;
	/* Row descriptions: for as long as the reader lives. */
	struct intern columns;
	struct arena columns_arena;
	struct answer_value *values; /* COLUMNS_MAX of them: a row on its way */
	struct http_texts *http;     /* NULL: nothing was asked yet */
};

/*
 * Steps a statement that gives one row: 1 a row, 0 none, negative errno. Reset it when the row was
 * used.
 */
MUST_CHECK int reader_step(sqlite3_stmt *sql);

/* reader->row is this exchange's, until another is asked for: 1, 0, negative errno. */
MUST_CHECK int reader_stand(struct reader *reader, int64_t id);

/* Behind them in GET_RESULT: the number of its last chunk. */
#define READER_RESULT_CHUNK 10
/* Reads a result's columns of the row that `sql` stands on, from column `at` on. */
void reader_result_row(sqlite3_stmt *sql, int at, struct result_row *ret_row);

#endif
