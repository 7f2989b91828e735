/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of ingest share: ingest.c (connections and dispatch), ingest_statement.c
 * (identity: contexts, templates, parameters) and ingest_exchange.c (exchanges and their results).
 * Nobody else includes this.
 *
 * Each function returns SQLITE_OK or SQLite's error, which ends the recording.
 */
#ifndef MOCKPROXY_INGEST_STATE_H
#define MOCKPROXY_INGEST_STATE_H

#include "parsers/sql/session.h"
#include "store/batch.h"
#include "store/cell.h"
#include "store/encode.h"
#include "store/ingest.h"
#include "store/intern.h"
#include "store/templates.h"

#include <xxhash.h>

struct endpoint_entry {
	int64_t id;
	const struct protocol *protocol; /* NULL: not known yet */
};

enum ingest_sql {
	ADD_ENDPOINT,
	NAME_ENDPOINT,
	ADD_CONNECTION,
	SET_SESSION,
	END_CONNECTION,
	ADD_CONTEXT,
	ADD_TYPE,
	ADD_COLUMNS,
	ADD_STATEMENT,
	ADD_DESCRIBED,
	SET_SLOT_TYPES,
	SET_STATEMENT_COLUMNS,
	FIND_STATEMENT_COLUMNS,
	END_EXCHANGE,
	COPY_STATEMENT,
	SET_STATEMENT,
	ADD_RESULT,
	SET_RESULT,
	ADD_ROWS,
	ADD_PART,
	ADD_ASIDE,
	ADD_COPY,
	END_COPY,
	SET_HTTP_RESPONSE,
	SET_HTTP_BODIES,
	SET_HTTP_APART,
	ADD_HTTP_MESSAGE,
	ADD_HTTP_STREAM,
	DROP_PART,
	GET_PART_AGAIN,
	INGEST_SQL_COUNT,
};

/* Larger texts and templates are not remembered, only their hash is. */
#define STATEMENT_TEXT_MAX ((size_t)64 * 1024)

/* A template in its context, as it is stored. The text follows. */
struct statement_entry {
	int64_t id;
	size_t typed; /* slots whose type is stored */
	enum { COLUMNS_UNKNOWN, COLUMNS_EXECUTED, COLUMNS_DESCRIBED } columns;
	uint64_t template_hash; /* of its statement; 0: not asked for yet */
	uint64_t types_hash;	/* of its parameters, as they are stored; 0: not all are known */
	int64_t columns_stored; /* row; 0: no rows, or not known */
	size_t text_size;
	XXH128_hash_t text_hash; /* of a text that does not follow */
	uint8_t text[];
};

/* Where the entry of a template in a context was found last, by the template's number. */
struct statement_found {
	uint64_t template; /* 0: nothing was found here */
	int64_t context;
	struct statement_entry *entry;
};
#define STATEMENTS_FOUND ((size_t)256)

/*
 * A statement that the item under way is the first to have. Its row is written behind the item, with what that tells of it: an
 * UPDATE would read and write all of its text again.
 */
struct new_statement {
	const struct statement_entry *entry; /* NULL: there is none */
	int64_t context;
	uint8_t dialect;
	struct template template;
	struct slice slot_types; /* JSON; data NULL: none is known */
	int64_t columns;	 /* row; 0: none */
	bool described;
};

/* The result that an exchange is in. */
struct open_result {
	bool begun;
	bool stored; /* its row in result_apart is there: what changes is an UPDATE */
	bool copied; /* its rows are COPY data: the tag counts them */
	bool copy_ended;
	bool empty;
	uint32_t number;
	uint32_t chunk;
	const struct row_format *format; /* NULL: no columns */
	struct row_format *kept_format;	 /* owned, while the exchange waits for its next item */
	struct buffer kept_tag;		 /* likewise */
	int64_t rows;
	int64_t chunk_first_row;
	struct completion completion; /* tag.data NULL: none yet */
	struct buffer error;
	struct buffer events;
};

/* What identifies a request, as it was when it was made. */
struct identity {
	int64_t context;	       /* row */
	struct statement_entry *entry; /* NULL: no statement. Valid while the item is worked on */
	int64_t statement;
	struct template template;
	const struct sql_value *values;
	uint64_t exact_hash;
	uint64_t loose_hash;
};

/* What is known of the types of a database. */
struct ingest_types {
	struct ingest_types *next;
	int64_t endpoint;
	struct slice database; /* behind the struct */
	struct types *types;
};

struct open_exchange {
	struct open_exchange *next;
	uint64_t ordinal;
	uint8_t kind;
	int64_t id;
	int64_t start_ns;
	bool whole;	/* it is one item: its row is added behind its results */
	bool apart;	/* a result or a row of it is stored apart */
	uint32_t flags; /* found while storing */
	struct identity identity;
	struct arena arena; /* of the identity, when the exchange has several items */
	struct open_result result;
	struct ingest_types *types; /* of the connection's database; NULL: it has none of its own */
	uint32_t part;
	uint32_t part_sequence;
};

struct connection_state {
	struct connection_state *next;
	uint64_t number;
	const struct protocol *protocol; /* NULL until the session began */
	struct sql_session *session;	 /* NULL: not SQL */
	struct endpoint_entry *endpoint;
	struct ingest_types *types; /* NULL: the protocol has none, or no session began */
	struct slice host;	    /* of the endpoint; owned, with the address behind it */
	struct slice address;
	uint16_t port;
	/* The context as it was last looked up; owned. */
	int64_t context;
	struct buffer context_key;
	uint64_t context_changes; /* sql_session_changes() of then */
	struct buffer login_user;
	struct buffer other_user; /* who came behind it (COM_CHANGE_USER); empty: it is the same */
	/* The batch under way. */
	uint64_t batch;
	bool batch_failed;
	int64_t batch_first; /* id of its first exchange */
	int64_t batch_context;
	struct open_exchange *open; /* those that wait for another item, oldest first */
	struct http_open *http_open;
};

/* The cells of a row of `exchange`: its columns in their order. Zeroed they are NULL, but those that are NOT NULL are always set. */
enum exchange_cell {
	CELL_ID,
	CELL_CONNECTION,
	CELL_ORDINAL,
	CELL_BATCH,
	CELL_BATCH_INDEX,
	CELL_STARTED,
	CELL_FIRST_BYTE, /* this, the next, outcome and flags: ingest_end_cells() */
	CELL_DURATION,
	CELL_KIND,
	CELL_TRANSACTION,
	CELL_EXACT,
	CELL_LOOSE,
	CELL_STATEMENT,
	CELL_METHOD, /* this and the next five: HTTP's */
	CELL_AUTHORITY,
	CELL_QUERY,
	CELL_STATUS,
	CELL_REQUEST_HEADERS,
	CELL_RESPONSE_HEADERS,
	CELL_TEXT,
	CELL_PARAMETERS,
	CELL_OUTCOME,
	CELL_FLAGS,
	CELL_EDITED,
	CELL_INLINE, /* this and what follows: ingest_inline_cells() */
	CELL_COLUMNS,
	CELL_ROWS,
	CELL_TAG,
	CELL_ROW_COUNT,
	CELL_ERROR,
	CELL_EVENTS,
	CELL_EMPTY,
	CELL_INSERT_ID,
	CELL_WARNINGS,
	CELL_SERVER_STATUS,
	EXCHANGE_CELLS,
};

struct exchange_row {
	struct cell cells[EXCHANGE_CELLS];
};

#define CONNECTION_BUCKETS ((size_t)4096)

struct ingest {
	sqlite3 *database;
	sqlite3_stmt *sql[INGEST_SQL_COUNT];
	struct connection_state *connections[CONNECTION_BUCKETS];
	struct templates *templates;
	struct intern endpoints;
	struct intern contexts;
	struct intern columns;
	struct intern statements;
	struct statement_found found[STATEMENTS_FOUND]; /* of `statements` */
	struct ingest_types *types;
	int64_t next_exchange;
	int64_t next_statement;
	struct new_statement new_statement;
	struct arena arena;	    /* what one item needs; emptied behind each */
	struct buffer json;	    /* rows of the chunk under way, objects */
	struct buffer parameters;   /* of the exchange under way */
	struct buffer scratch;	    /* keys, and values on their way to JSON */
	struct column *column_room; /* COLUMNS_MAX */
	struct batch *rows;    /* of `exchange`, that wait for ingest_flush(); NULL: none ever do */
	sqlite3_stmt *add_row; /* one at once */
	struct writer_summary summary;
	size_t http_held;		  /* bytes of bodies that wait for their end */
	struct http_heads *http_heads[2]; /* by enum http_side; NULL until one is needed */
	size_t http_inflaters;		  /* of WebSockets */
};

/* ingest_statement.c */
MUST_CHECK int ingest_context(struct ingest *ingest, struct connection_state *connection);
MUST_CHECK int ingest_columns(struct ingest *ingest, const struct protocol *protocol,
			      struct slice raw, const struct row_format **ret_format);
/* As the client declared its placeholders, $1 first; 0: not declared. */
struct declared_types {
	const uint32_t *types;
	size_t n;
};

/* Finds or makes the statement of a text in a context that ingest_context() gave; once for each item. */
void ingest_statement_of(struct ingest *ingest, const struct connection_state *connection,
			 int64_t context, struct slice text, const struct declared_types *declared,
			 struct identity *ret_identity);
/* The statement of a request and the values in its slots, and its hashes. */
MUST_CHECK int ingest_identify(struct ingest *ingest, struct connection_state *connection,
			       const struct exchange_item *item, struct identity *ret_identity);
MUST_CHECK int ingest_learn_types(struct ingest *ingest, struct identity *identity,
				  const uint32_t *types, size_t n);
/* What a connection was told of a statement that it prepared. */
struct prepared_as {
	uint64_t behind; /* prepared_behind of the item; 0: not told, and nothing is stored */
	const uint32_t *types;
	size_t n_types;
	const struct row_format *format; /* NULL: no rows, or not told */
	uint16_t warnings;
};

/* Stores it where it differs from what the statement's row says. */
MUST_CHECK int ingest_described(struct ingest *ingest, const struct connection_state *connection,
				const struct identity *identity, const struct prepared_as *as);
MUST_CHECK int ingest_learn_columns(struct ingest *ingest, struct statement_entry *entry,
				    const struct row_format *format, bool described);
/* The same of an exchange whose entry may be forgotten by now (identity_keep()): where nothing was known of its statement. */
MUST_CHECK int ingest_find_columns(struct ingest *ingest, const struct identity *identity,
				   const struct row_format *format);
/* The item ends: writes the statement that it brought, where it brought one. */
MUST_CHECK int ingest_statement_write(struct ingest *ingest);
/* The stored text differs from the statement's: NULL data where it is the same. */
struct slice ingest_own_text(const struct identity *identity);

/* ingest_types.c */
/* Those of the database that the connection's session is in; NULL: the protocol has none. */
struct ingest_types *ingest_types_of(struct ingest *ingest,
				     const struct connection_state *connection);
void ingest_types_free(struct ingest *ingest);
/* What `exchange` may know of a value's type. */
struct type_scope ingest_scope(const struct ingest_types *types, int64_t exchange);
/* A row that was stored, of a result whose format->places are any: learns what it tells. */
MUST_CHECK int ingest_learn_row(struct ingest *ingest, const struct open_exchange *exchange,
				const struct protocol *protocol, struct cursor row);

/* ingest_exchange.c */
MUST_CHECK int ingest_exchange(struct ingest *ingest, struct connection_state *connection,
			       const struct exchange_item *item);
void ingest_open_exchange_free(struct open_exchange *exchange);
/* first_byte_ns, duration_ns, outcome and flags, at four places from `at` on. */
void ingest_bind_end(sqlite3_stmt *sql, int at, const struct exchange_item *item, int64_t start_ns,
		     uint32_t flags);
/* The same in the exchange's row. */
void ingest_end_cells(struct exchange_row *row, const struct exchange_item *item, int64_t start_ns,
		      uint32_t flags);
void ingest_count_end(struct ingest *ingest, uint8_t outcome, uint32_t flags);

/* ingest_result.c */
MUST_CHECK int ingest_pieces(struct ingest *ingest, struct open_exchange *exchange,
			     const struct protocol *protocol, const struct exchange_item *item);
/* Stores bytes as pieces of at most SCHEMA_PART_BYTES; *sequence goes on. */
MUST_CHECK int ingest_part(struct ingest *ingest, int64_t exchange, uint32_t part,
			   uint32_t *sequence, struct slice bytes);
/*
 * The item ends and the exchange does not: what the result borrows from it is copied or forgotten.
 */
/*
 * `inline` and what follows it in the exchange's row, eleven cells: the result that ingest_pieces()
 * did not store apart, which may flag the exchange.
 */
void ingest_inline_cells(struct ingest *ingest, struct open_exchange *exchange, struct cell *cells);
void ingest_result_keep(struct open_result *result);

/* An event as exchange.events has them, but for the closing brace. */
void ingest_event(struct buffer *json, const struct protocol *protocol, enum piece_type type,
		  struct slice bytes);

/* ingest_rows.c */
MUST_CHECK int ingest_rows_new(struct ingest *ingest);
/*
 * Adds a row to `exchange`, now or with the next ingest_flush(), which whoever reads or changes that
 * table calls before.
 */
MUST_CHECK int ingest_add_row(struct ingest *ingest, const struct exchange_row *row);

/* ingest_merge.c */
MUST_CHECK int ingest_merge(struct ingest *ingest, struct connection_state *connection,
			    const struct batch_merge_item *item);

#endif
