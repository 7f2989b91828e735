/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The MySQL recorder's state, shared by its files and by nothing else.
 *
 *	recorder.c           the way in, compression, the queue of commands
 *	recorder_login.c     greeting, login and COM_CHANGE_USER ──▶ sessions
 *	recorder_client.c    what the client asks               ──▶ commands, in order
 *	recorder_server.c    what the server says to the first of them ──▶ pieces of its exchange
 *	recorder_columns.c   definitions of columns, most of which come again and again
 *	recorder_status.c    the session's state, as the server and the statements tell of it
 *	recorder_prepared.c  prepared statements: parameters, long data, cursors
 *	recorder_rows.c      rows of both forms, whole and in parts
 *	recorder_infile.c    LOAD DATA LOCAL INFILE: what is in the client's file
 *	recorder_end.c       who ends the connection, and what is unanswered then
 *
 * Every command becomes an operation in a queue, also one that is never answered, and nothing else happens until it is the first:
 * then a statement is closed, long data are kept, parameters are read with what was prepared before them. So commands may
 * be pipelined, and an EXECUTE may mean the statement whose PREPARE is not answered yet.
 *
 * Phases:   GREETING ──server──▶ LOGIN ──client──▶ AUTHENTICATION ──OK──▶ READY
 *                   └──ERR──▶ REFUSED ◀──ERR──┘
 *
 * The first operation's answer goes through enum my_reply; a result that says "more" goes back to REPLY_FIRST.
 *
 * Invariants: log.active is the exchange of the first operation, if that has one, and there while `file` is; log.last is NULL
 * between calls.
 */
#ifndef MOCKPROXY_MYSQL_RECORDER_H
#define MOCKPROXY_MYSQL_RECORDER_H

#include "parsers/copy.h"
#include "parsers/ends.h"
#include "parsers/mysql/compression.h"
#include "parsers/mysql/packet.h"
#include "parsers/names.h"
#include "parsers/sql/session.h"

/* A pipeline may be deep, but a server that reads for ever and never answers must not fill the memory. */
#define MY_OPERATIONS_MAX 1000000
#define MY_OPERATIONS_BYTES_MAX ((size_t)256 << 20)
/* All prepared statements of one connection; what they keep of long data and open cursors may be more. */
#define MY_STATEMENTS_BYTES_MAX ((size_t)64 << 20)
/* Long data of one statement. */
#define MY_LONG_DATA_MAX MY_REQUEST_MAX
/* Parameters of one bulk execution. */
#define MY_BULK_PARAMETERS_MAX ((size_t)1 << 20)
/* Packets that a login may take: a server that switches plugins for ever is none. */
#define MY_LOGIN_PACKETS_MAX 64
/* All column definitions of one result. */
#define MY_COLUMNS_BYTES_MAX ((size_t)16 << 20)
#define MY_TAG_MAX (MY_ANSWER_MAX + 64)
/* Longer names of databases are none. */
#define MY_DATABASE_MAX 1024

enum my_phase { PHASE_GREETING, PHASE_LOGIN, PHASE_AUTHENTICATION, PHASE_READY, PHASE_REFUSED };

enum my_reply {
	REPLY_FIRST,
	REPLY_COLUMNS,
	REPLY_COLUMNS_EOF,
	REPLY_ROWS,
	REPLY_PARAMETERS, /* of a prepared statement */
	REPLY_PARAMETERS_EOF,
	REPLY_PREPARED_COLUMNS,
	REPLY_PREPARED_EOF,
};

/* A parameter that comes in COM_STMT_SEND_LONG_DATA. */
struct my_long_data {
	struct buffer bytes;
	bool set;
};

struct my_statement {
	struct named named; /* by the bytes of its id */
	uint8_t key[4];
	struct arena arena; /* owns all of it that has no owner below, and itself */
	struct slice text;
	uint16_t n_parameters;
	uint16_t n_columns;
	struct buffer columns; /* as a PIECE_COLUMNS of binary rows; empty: not known; owned */
	uint32_t *types;       /* of the parameters, as bound last; owned */
	size_t n_types;
	struct my_long_data *long_data; /* n_parameters of them, or NULL; owned */
	size_t long_bytes;
	bool long_too_large;
	bool executed;		  /* an exchange has its text */
	struct item *cursor;	  /* an exchange whose rows are fetched; owned */
	uint16_t cursor_status;	  /* what of its EXECUTE's answer counts for the end of its rows */
	uint16_t cursor_warnings; /* that its EXECUTE counted: a FETCH has its own */
};

/* Who is logged in; the slices lie in `bytes`. */
struct my_identity {
	uint8_t *bytes; /* owned */
	struct slice user;
	struct slice database;
	struct slice attributes;
	uint64_t capabilities;
	uint32_t max_packet;
	uint16_t collation;
};

struct my_operation {
	uint8_t command; /* enum my_command */
	int sequence;	 /* what its answer begins with, or MY_SEQUENCE_ANY */
	bool too_large;
	bool asks_cursor; /* EXECUTE */
	bool late;	  /* it came when the server had ended the session: nobody answers */
	size_t weight;
	int64_t time_ns;
	uint32_t statement_id;
	struct item *item;		/* owned; the exchange to be */
	struct slice body;		/* of an EXECUTE or BULK_EXECUTE, in the item's arena */
	struct my_statement *statement; /* PREPARE: owned until it takes effect */
	uint8_t *
		bytes; /* QUERY of several statements: its text; SEND_LONG_DATA: its payload. Owned */
	size_t n_bytes;
	struct my_identity *identity; /* CHANGE_USER: owned until it takes effect */
};

/* A row that comes in parts; see recorder_rows.c. */
struct my_row_stream {
	struct buffer bitmap; /* of a binary row, with the zero before it */
	uint8_t header[9];    /* of a value's length */
	uint8_t header_size;
	size_t column; /* the next one */
};

struct recorder {
	struct exchange_log log;
	struct my_framer framers[2]; /* by side */
	struct my_decompressor *decompressors[2];
	enum my_phase phase;
	const char *error; /* sticky; static text */

	/* The server and the session */
	struct arena greeting_arena;
	struct my_greeting greeting; /* its strings in the arena, without the nonce */
	struct my_identity identity;
	struct buffer database;
	uint64_t capabilities; /* that both sides have */
	unsigned int login_packets;
	uint8_t login_sequence; /* of the next packet of either side */
	bool multi_statements;
	uint16_t status; /* as last said */
	struct sql_options options;
	struct sql_session *session; /* what its SETs say of `options`; NULL before the login */

	struct names statements;
	uint32_t last_prepared; /* MariaDB's MY_STATEMENT_LAST */
	bool prepared;
	struct my_operation *operations; /* ring */
	size_t operations_capacity;
	size_t operations_first;
	size_t n_operations;
	size_t operations_bytes;

	struct ends ends;
	bool quit; /* the client said so: what it says behind that nobody reads */
	struct item *
		farewell; /* an aside: how the server ended the session by itself; owned until the end */

	/* The answer under way */
	enum my_reply reply;
	bool reply_begun; /* its sequence goes on from its last packet */
	bool infile;	  /* the client sends a file */
	struct copy_digest *
		file; /* what came of it; NULL: none comes, or the server did not wait for its end. Owned */
	bool large_request; /* a request in parts has its operation */
	bool binary;
	bool merged;	   /* results did not fit the statements */
	struct slice rest; /* of the first QUERY's texts: statements not yet begun */
	size_t n_columns;
	size_t columns_left;
	uint16_t
		columns_status; /* what was said in front of the rows: of OUT parameters, of a cursor */
	/*
	 * PIECE_COLUMNS in the making: its first columns_said bytes, of n_columns definitions. What is behind them was the last result's, since most have the
	 * same ones as that; `sizes` has my_type_size() of all that are there.
	 */
	struct buffer columns;
	size_t columns_said;
	struct buffer sizes;
	struct buffer tag; /* PIECE_TAG in the making */
	struct my_row_stream stream;
};

/* Static text into recorder->error; false, for `return my_fail(...)`. */
bool my_fail(struct recorder *recorder, const char *why);
/* The answer does not fit what was asked. */
bool my_unexpected(struct recorder *recorder);

/* recorder.c */
struct my_operation *my_operations_head(struct recorder *recorder); /* NULL: none */
struct my_operation *my_operation_add(struct recorder *recorder,
				      uint8_t command);		   /* NULL: failed */
struct my_operation *my_operation_last(struct recorder *recorder); /* there is one */
struct my_operation *my_operation_at(struct recorder *recorder,
				     size_t i); /* i of them come before */
void my_operations_pop(struct recorder *recorder);
/* What was held back behind the client's end is read; false is a failure. */
bool my_see_held_back(struct recorder *recorder);
/* The first operation is answered: on to the next that will be. False is a failure. */
bool my_operation_done(struct recorder *recorder);

/* recorder_login.c; false is a failure */
bool my_login_server(struct recorder *recorder, struct slice body);
bool my_login_client(struct recorder *recorder, struct slice body);
/* What the server says of a COM_CHANGE_USER: true in *ret_done when it is over. */
bool my_change_user_reply(struct recorder *recorder, struct slice body, bool *ret_done);
void my_session_emit(struct recorder *recorder);
/* Nothing more is heard: of who was greeted and did not log in that remains. */
void my_login_end(struct recorder *recorder);
void my_database_set(struct recorder *recorder, struct slice name);
/* Texts are read as the login says from here on ... */
void my_lexer_begin(struct recorder *recorder);
/* ... and as this statement says, which went well, if it is a SET. */
void my_lexer_follow(struct recorder *recorder, struct slice text);
struct my_identity *my_identity_new(uint64_t capabilities, struct slice user, struct slice database,
				    struct slice attributes);
void my_identity_free(struct my_identity *identity); /* accepts NULL */

/* recorder_client.c; false is a failure */
bool my_client_message(struct recorder *recorder, const struct my_frame *frame);

/* recorder_server.c; false is a failure */
bool my_server_message(struct recorder *recorder, const struct my_frame *frame);
/* What a command without an exchange is as one, for where nothing went well; NULL: it is the session's own. */
struct item *my_command_exchange(struct recorder *recorder, const struct my_operation *operation);

/* recorder_columns.c; false is a failure */
/* `n` definitions follow, of rows of this form. */
void my_definitions_begin(struct recorder *recorder, size_t n, bool binary);
bool my_definitions_add(struct recorder *recorder, struct slice body);
/* MariaDB leaves definitions out that the client has; the ones of binary rows must be there then. */
bool my_definitions_known(struct recorder *recorder, const struct my_operation *head, size_t n);
/* Those that were added, as PIECE_COLUMNS; valid until the next ones begin. */
struct slice my_definitions_said(const struct recorder *recorder);
/* Each execution may have other ones, as a CALL has: the last ones take the place of those before. */
void my_definitions_keep(struct my_statement *statement, struct slice columns);

/* recorder_status.c */
/* What is said of the connection's state behind every command that went well. */
void my_status_said(struct recorder *recorder, uint16_t status);
/* A change of the session's state, told with the active exchange's answer. */
void my_status_add(struct recorder *recorder, struct slice name, struct slice value);
/* The changes that an OK tells of; false is a failure. */
bool my_status_changes(struct recorder *recorder, const struct my_ok *ok);
/* The active exchange's statement went well: did it change the session? */
void my_status_follow(struct recorder *recorder);

/* recorder_infile.c */
/* The server asks for the client's file, on behalf of the active exchange; false is a failure. */
bool my_infile_begin(struct recorder *recorder, struct slice name, uint8_t sequence);
/* The next of it, and its end. */
void my_infile_bytes(struct recorder *recorder, const struct my_frame *frame);
/* The server went on: what comes of it now is nothing to it. */
void my_infile_drop(struct recorder *recorder);

/* recorder_prepared.c */
void my_statement_free(struct named *named);
struct my_statement *my_statement_new(struct slice text);
/* NULL: none. MY_STATEMENT_LAST is the one that was prepared last. */
struct my_statement *my_statement_find(struct recorder *recorder, uint32_t id);
/* Gives up a statement: it is reported when it was never executed. Accepts NULL. */
void my_statement_end(struct recorder *recorder, struct my_statement *statement);
void my_statements_end(struct recorder *recorder);
/* An open cursor is given up. */
void my_cursor_end(struct recorder *recorder, struct my_statement *statement);
void my_long_data_clear(struct my_statement *statement);
/* Takes what COM_STMT_SEND_LONG_DATA brought. */
bool my_long_data_add(struct recorder *recorder, const struct my_operation *operation);
bool my_statement_grew(struct recorder *recorder, struct my_statement *statement);
/* Text and parameters of an EXECUTE or BULK_EXECUTE, into its item; false where it is malformed, or on a failure. */
bool my_bind(struct recorder *recorder, struct my_operation *operation,
	     struct my_statement *statement);
/* One binary value of a type; an empty slice and a failed cursor when it is malformed. */
struct slice my_read_value(struct cursor *cursor, uint32_t type);
/* Query attributes in front of a COM_QUERY's text are skipped. */
bool my_skip_attributes(struct cursor *cursor);

/* recorder_end.c */
/* A side ended, or broke; `flags` is what that says of what the server cuts. */
void my_side_ended(struct recorder *recorder, enum side side, uint32_t flags);
/* An ERR that answers nothing: the server ends the session with it. */
bool my_farewell(struct recorder *recorder, struct slice body);

/* recorder_rows.c; false is a failure */
bool my_row_add(struct recorder *recorder, struct slice row);
bool my_row_stream(struct recorder *recorder, const struct my_frame *frame);

#endif
