/* SPDX-License-Identifier: Apache-2.0 */
/* What reader.c (identities) and reader_result.c (answers) share. Nobody else includes this. */
#ifndef MOCKPROXY_READER_STATE_H
#define MOCKPROXY_READER_STATE_H

#include "store/database.h"
#include "store/decode.h"
#include "store/intern.h"
#include "store/reader.h"

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
	GET_HTTP,
	GET_HTTP_MESSAGE,
	GET_HTTP_ARRIVAL,
	READER_SQL_COUNT,
};

#define CACHED_EXCHANGES ((size_t)1024)
#define CACHED_STATEMENTS ((size_t)256)
#define CACHED_PARAMETERS_BYTES ((size_t)192)
#define CACHED_STATEMENT_BYTES ((size_t)32 * 1024)

struct cached_exchange {
	int64_t seen;			 /* the one that was last asked for here */
	struct stored_exchange exchange; /* id 0: nothing here */
	uint8_t parameters[CACHED_PARAMETERS_BYTES];
};

struct cached_statement {
	int64_t id; /* 0: nothing here */
	struct stored_statement statement;
	struct arena arena;
};

struct reader {
	sqlite3 *database;
	sqlite3_stmt *sql[READER_SQL_COUNT];
	int64_t stands_on;	     /* the exchange whose row GET_EXCHANGE is on; 0: none */
	struct stored_exchange last; /* as it was read; good while GET_EXCHANGE is on its row */
	struct cached_exchange exchanges[CACHED_EXCHANGES];
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

/* GET_EXCHANGE stands on this exchange's row, until another is asked for: 1, 0, negative errno. */
MUST_CHECK int reader_stand(struct reader *reader, int64_t id);

/* Columns of GET_EXCHANGE that reader_result.c reads. */
enum { EXCHANGE_INLINE = 7, EXCHANGE_RESULT = 8 };

#endif
