/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PostgreSQL recorder's state, shared by its files and by nothing else.
 *
 *	recorder.c          the way in, and what the client says    ──▶ operations, in order
 *	recorder_server.c   what the server says to the first of them ──▶ pieces of its exchange
 *	recorder_prepared.c statements and portals: what is prepared, described and given up
 *	recorder_exchange.c exchanges: what Bind said, splitting, giving up
 *	recorder_function.c fast-path calls
 *	recorder_rows.c     rows that are too large to be held whole
 *	recorder_aside.c    notices, parameters, notifications: in their exchange, or beside all of them
 *	recorder_copy.c     COPY data, in both directions
 *	recorder_checksum.c what --verify compares
 *
 * Every client message that is answered becomes an operation in a queue, and nothing else happens until the server's
 * answer comes: a Parse takes effect at ParseComplete, a Bind at BindComplete. So an error, which makes the server skip
 * to the next Sync, needs nothing undone.
 *
 * States:   STARTUP ──StartupMessage──▶ LOGIN ──ReadyForQuery──▶ READY
 *              └──CancelRequest──▶ OVER ◀──error──┘
 *
 * Invariants: log.active is opened by the operation at the head of the queue; log.last waits for what still belongs to it (a
 * changed parameter, an error at Sync).
 */
#ifndef MOCKPROXY_POSTGRES_RECORDER_H
#define MOCKPROXY_POSTGRES_RECORDER_H

#include "parsers/ends.h"
#include "parsers/names.h"
#include "parsers/postgres/function.h"
#include "parsers/postgres/wire.h"
#include "parsers/sql/canonical.h"

/* A pipeline may be deep, but a server that reads for ever and never answers must not fill the memory. */
#define PG_OPERATIONS_MAX 1000000
#define PG_OPERATIONS_BYTES_MAX ((size_t)256 << 20)
/* All prepared statements, or portals, of one connection. */
#define PG_NAMES_BYTES_MAX ((size_t)64 << 20)
/* What a login may report. */
#define PG_SESSION_BYTES_MAX ((size_t)1 << 20)
/* What a complete exchange may still take of notices. */
#define PG_LAST_BYTES_MAX ((size_t)1 << 20)
enum pg_operation_type {
	OPERATION_QUERY,
	OPERATION_PARSE,
	OPERATION_BIND,
	OPERATION_DESCRIBE_STATEMENT,
	OPERATION_DESCRIBE_PORTAL,
	OPERATION_EXECUTE,
	OPERATION_CLOSE_STATEMENT,
	OPERATION_CLOSE_PORTAL,
	OPERATION_SYNC,
	OPERATION_FUNCTION,
	/* What came before the server asked for data; not answered. */
	OPERATION_COPY_DATA, /* in `texts` */
	OPERATION_COPY_DONE,
	OPERATION_COPY_FAIL, /* `name` says why */
};

struct pg_notice {
	struct pg_notice *next;
	struct slice body;
};

struct pg_statement {
	struct named named;
	struct arena arena; /* owns all of it */
	struct slice text;
	const uint32_t *declared; /* as Parse said them */
	size_t n_declared;
	const uint32_t *described; /* as ParameterDescription said them; NULL: not described */
	size_t n_described;
	bool has_columns; /* described: empty columns is NoData */
	struct slice columns;
	uint64_t serial; /* of all that the connection prepared */
	uint64_t behind; /* 1 + the ordinal of the exchange that had begun last then */
	bool executed;
	bool of_sql;		   /* PREPARE made it, and is an exchange of its own */
	struct pg_notice *notices; /* that came at its Parse, until a portal takes them over */
	struct pg_notice **notices_end;
	struct checksum passed; /* of these */
};

struct pg_portal {
	struct named named;
	struct item *item;	     /* the exchange, until it was executed to its end; then NULL */
	struct slice statement_name; /* whose portal it is; it lies behind this */
	uint64_t statement_serial;   /* ... if the name still means that one */
	bool has_columns;
};

struct pg_operation {
	uint8_t type; /* enum pg_operation_type */
	size_t bytes; /* what it weighs */
	int64_t time_ns;
	struct slice name;		/* owned by the operation, from malloc */
	struct pg_statement *statement; /* PARSE: owned until it takes effect */
	struct item *item;		/* QUERY, BIND and FUNCTION: owned; the exchange to be */
	struct pg_call *call;		/* FUNCTION: in the item's arena */
	bool late;			/* it came when the connection had ended: nobody answers */
	struct slice statement_name;	/* BIND: in the item's arena */
	struct slice bind;		/* BIND: what follows the names, in the item's arena */
	uint8_t *texts; /* QUERY of several statements: owned; the whole text. COPY_DATA */
	size_t texts_size;
};

/* A row that comes in pieces; see recorder_rows.c. */
struct pg_row_stream {
	bool begun; /* the number of values is known */
	uint16_t values_left;
	uint8_t header[4];
	uint8_t header_size;
};

enum pg_phase { PHASE_STARTUP, PHASE_LOGIN, PHASE_READY, PHASE_OVER /* nothing is decoded */ };

/* COPY data that is under way; see recorder_copy.c. */
struct pg_copy;

struct recorder {
	struct exchange_log log;
	struct pg_framer framers[2]; /* by side */
	enum pg_phase phase;
	const char *error; /* sticky; static text */

	struct item *session; /* until the login is done */
	size_t client_parameters_max;
	size_t server_parameters_max;
	struct sql_options options;

	struct names statements;
	struct names portals;
	struct pg_operation *operations; /* ring */
	size_t operations_capacity;
	size_t operations_first;
	size_t n_operations;
	size_t operations_bytes; /* what they weigh */
	size_t syncs;		 /* how many of them are Sync */

	struct ends ends;
	bool terminated;      /* the client said so: what it says behind that nobody reads */
	uint64_t serial;      /* of the statement that was prepared last */
	bool failed;	      /* an error came: the server skips to the next Sync */
	struct pg_copy *copy; /* NULL: none */

	struct pg_portal *portal; /* whose exchange `active` is; NULL in a simple query */
	struct slice rest;	  /* of the active Query's texts: statements not yet begun */
	bool merged;		  /* its results did not fit its statements */
	struct pg_row_stream stream;
	bool checksum; /* --verify */
};

/* Static text into recorder->error; false, for `return pg_fail(...)`. */
bool pg_fail(struct recorder *recorder, const char *why);

/* recorder.c */
/* A zeroed operation at the end of the queue, or NULL with the failure said. */
struct pg_operation *pg_operation_add(struct recorder *recorder, enum pg_operation_type type);
/* What the server answers now; NULL: nothing. */
struct pg_operation *pg_operations_head(struct recorder *recorder);
void pg_operations_pop(struct recorder *recorder);
/* What stands behind the head; NULL: nothing. */
struct pg_operation *pg_operations_second(struct recorder *recorder);
void pg_operations_drop_second(struct recorder *recorder);
/* A zeroed operation at the end of the queue, or NULL with the failure said. */
struct pg_operation *pg_operation_add(struct recorder *recorder, enum pg_operation_type type);
struct pg_operation *pg_operations_last(struct recorder *recorder); /* NULL: nothing */
struct slice pg_name_copy(struct slice name);			    /* from malloc */
void pg_portals_end(struct recorder *recorder);
void pg_statements_end(struct recorder *recorder);

/* recorder_server.c; false is a failure */
bool pg_server_message(struct recorder *recorder, const struct pg_frame *frame);
bool pg_unexpected(struct recorder *recorder); /* the answer does not fit what was asked */
/* The exchange that the server is answering with the Query at the head, opening the next statement's when there is one. */
bool pg_query_active(struct recorder *recorder, struct pg_operation *query);
/* The portal at the head is answered; NULL when it was drained before. */
struct item *pg_execute_active(struct recorder *recorder, struct pg_operation *execute);

/* recorder_aside.c; false is a failure */
bool pg_server_notice(struct recorder *recorder, struct slice body);
bool pg_server_status(struct recorder *recorder, struct slice body);
bool pg_server_notification(struct recorder *recorder, struct slice body);
/* Reads a ParameterStatus, and what of it changes how the client's texts are read. */
bool pg_status_read(struct recorder *recorder, struct slice body, struct slice *ret_name,
		    struct slice *ret_value);
/* What the server says by itself; behind the exchange that was begun last. */
void pg_aside(struct recorder *recorder, enum piece_type type, struct slice body);
/* An error ended the Query at the head: the statements behind it are never executed. */
bool pg_query_failed(const struct recorder *recorder, const struct pg_operation *query);

/* recorder_prepared.c: what the server says of the operation at the head; false is a failure */
bool pg_parse_complete(struct recorder *recorder, struct pg_operation *head);
bool pg_bind_complete(struct recorder *recorder, struct pg_operation *head);
bool pg_close_complete(struct recorder *recorder, struct pg_operation *head);
/* RowDescription or NoData (an empty body) of a statement or portal. */
bool pg_described(struct recorder *recorder, struct pg_operation *describe, struct slice body);
bool pg_parameters_described(struct recorder *recorder, struct pg_operation *head,
			     struct slice body);
bool pg_portals_fit(struct recorder *recorder);
/* What a portal keeps has changed. */
void pg_portal_weigh(struct recorder *recorder, struct pg_portal *portal);
/* A simple query ended: so did the unnamed statement and portal. */
void pg_unnamed_end(struct recorder *recorder);
/* The active exchange's tag may say that SQL made or dropped prepared statements; false is a failure. */
bool pg_prepared_by_sql(struct recorder *recorder, struct slice tag);
/* A statement of this name and text. Nothing is declared yet. */
struct pg_statement *pg_statement_new(struct slice name, struct slice text);

/* recorder_exchange.c */
void pg_statement_free(struct named *named);
void pg_portal_free(struct named *named);
/* Reads what a Bind said, with the types of its statement; false when it is malformed. */
bool pg_exchange_bind(struct item *item, struct slice bind, struct pg_statement *statement);
/* The active exchange ended, and with it what its portal is for now. */
void pg_exchange_close(struct recorder *recorder, enum exchange_outcome outcome);
/* Begins the next statement of a Query; false when there is none left. */
bool pg_query_next(struct recorder *recorder, struct pg_operation *query);
/* Gives up a portal: an exchange that it had begun ends as suspended. Accepts NULL. */
void pg_portal_end(struct recorder *recorder, struct pg_portal *portal);
/* Gives up a statement: it is reported when it was never executed. Accepts NULL. */
void pg_statement_end(struct recorder *recorder, struct pg_statement *statement);

/* recorder_checksum.c */
/* pg_server_message(), and the checksum of what it belongs to. */
bool pg_server_message_checksum(struct recorder *recorder, const struct pg_frame *frame);

/* recorder_rows.c */
bool pg_row_stream(struct recorder *recorder, const struct pg_frame *frame);
/* The same for a message that is one value: it becomes a row. */
bool pg_value_stream(struct recorder *recorder, const struct pg_frame *frame);

/* recorder_function.c; false is a failure */
bool pg_client_call(struct recorder *recorder, struct slice body);
/* The call at the head is answered, and its exchange under way from here on. */
void pg_call_active(struct recorder *recorder, struct pg_operation *call);
bool pg_call_result(struct recorder *recorder, struct pg_operation *head,
		    const struct pg_frame *frame);

/* recorder_copy.c; false is a failure */
/* CopyInResponse or CopyOutResponse for the active exchange. */
bool pg_copy_begin(struct recorder *recorder, uint8_t type, struct slice body);
/* CopyData of the client, and what ends it: CopyDone, CopyFail. */
bool pg_copy_client_data(struct recorder *recorder, const struct pg_frame *frame);
bool pg_copy_client_end(struct recorder *recorder, const struct pg_frame *frame);
/* CopyData and CopyDone of the server. */
bool pg_copy_server(struct recorder *recorder, const struct pg_frame *frame);
/* The server ends the COPY, with or without success; none may be under way. */
void pg_copy_end(struct recorder *recorder);
/* The connection is over; none may be under way. */
void pg_copy_drop(struct recorder *recorder);
/* Does the server read COPY data, and ignore Sync and Flush? */
bool pg_copy_reads(const struct recorder *recorder);

#endif
