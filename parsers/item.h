/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Items: what a recorder finds out about a conversation, on its way to the store.
 *
 * An item is one piece of memory with one owner: the recorder makes it, the list carries it, the queue
 * takes it, the writer frees it. Everything that an item points to lies in its own arena.
 *
 * An exchange comes as one or more EXCHANGE items in order: the first `opens`, the last `closes`, and each
 * carries pieces. A small exchange is one item with both set. An exchange whose last item never comes is
 * stored without an end time, which is what "unfinished" means. An exchange is named by its connection
 * and its ordinal within it (1, 2, 3...), so that the same conversation gives the same items.
 *
 * Pieces carry what the protocol said, as raw as it came; the store asks the protocol table (protocol.h)
 * to make it readable, on the writer's thread. Times are wall clock nanoseconds since 1970.
 */
#ifndef MOCKPROXY_ITEM_H
#define MOCKPROXY_ITEM_H

#include "parsers/arena.h"
#include "parsers/checksum.h"
#include "parsers/column.h"
#include "parsers/slice.h"

struct protocol;
struct http_request;
struct http_response;
struct http_fields;
struct tap;

enum item_type {
	ITEM_CONNECTION_OPEN,
	ITEM_SESSION,
	ITEM_STATEMENT,
	ITEM_EXCHANGE,
	ITEM_BATCH_MERGE,
	ITEM_ASIDE,
	ITEM_CONNECTION_CLOSE,
	ITEM_SPOOL, /* of no connection: store/tap.h */
};

/* The app connected; made by the shell. */
struct connection_item {
	int64_t start_ns;
	struct slice host;    /* name as the app knew it; empty when not known */
	struct slice address; /* "10.0.0.1", "::1": where the app wanted to go */
	uint16_t port;
	uint32_t pid;	      /* 0: not known */
	struct slice program; /* the process's comm; empty when not known */
	uint64_t through;     /* the connection that became a tunnel to there; 0: none, it is one */
};

struct name_value {
	struct slice name;
	struct slice value;
};

/* The login is done and the session begins. Again on the same connection: the session before it is over. */
struct session_item {
	const struct protocol *protocol;
	struct slice server_version;
	struct slice user;
	struct slice database;
	const struct name_value *client_parameters; /* as the client asked at startup, no secrets */
	size_t n_client_parameters;
	const struct name_value *server_parameters; /* as the server reported */
	size_t n_server_parameters;
	uint32_t backend; /* the server's number of the session; 0: not known */
	bool replication;
	bool refused; /* the login failed: the error comes behind it, as an aside */
};

/* A statement that was prepared or described and not executed; one that was prepared with warnings, too. */
struct statement_item {
	struct slice text;
	const uint32_t
		*parameter_types; /* the server's, else as the client declared; 0 is unknown */
	size_t n_parameter_types;
	bool has_columns; /* described: columns is the row description, empty for a statement without rows */
	struct slice columns;
	uint64_t prepared_behind; /* as in struct exchange_item */
	uint16_t warnings;	  /* MySQL: how many the answer to PREPARE counts */
};

enum exchange_kind {
	EXCHANGE_SIMPLE = 1, /* PostgreSQL Query, MySQL COM_QUERY */
	EXCHANGE_EXTENDED,   /* PostgreSQL portal, MySQL COM_STMT_EXECUTE */
	EXCHANGE_PARSE,	     /* a Parse or COM_STMT_PREPARE that failed: it has no parameters */
	EXCHANGE_FUNCTION,   /* PostgreSQL FunctionCall */
	EXCHANGE_COMMAND, /* another MySQL command, its text a statement that says the same or "COM_..." */
	EXCHANGE_HTTP, /* a request and its final response: parsers/http/exchange.h */
};

enum exchange_outcome {
	OUTCOME_UNFINISHED, /* also when the connection ended first */
	OUTCOME_OK,
	OUTCOME_ERROR,
	OUTCOME_SUSPENDED, /* a portal that was closed before it was drained */
};

/* Stored as the bits of exchange.flags; store/schema.c names them in a view. */
enum exchange_flag {
	EXCHANGE_COPY = 1 << 0,	     /* COPY data passed and is not stored */
	EXCHANGE_ROW_LIMIT = 1 << 1, /* fetched in slices: rows of all slices are concatenated */
	EXCHANGE_MERGED = 1 << 2,    /* several statements: their results did not fit the split */
	EXCHANGE_REQUEST_TOO_LARGE = 1 << 3, /* text or parameters above the limit: not stored */
	EXCHANGE_NOT_DECODED = 1 << 4,	     /* fast-path call, replication: relayed, not stored */
	EXCHANGE_CUT = 1 << 5,		     /* the connection ended before the exchange did */
	EXCHANGE_NOTICES_CUT = 1 << 6,	     /* more notices than are kept for one result */
	EXCHANGE_ABORTED =
		1 << 7, /* refused since its transaction had failed before: never served */
	EXCHANGE_AMBIGUOUS = 1 << 8, /* HTTP: two readers could differ on where it ends */
	EXCHANGE_REQUEST_CUT =
		1
		<< 9, /* HTTP: the connection ended before the request did. MySQL: refused before all of it came */
	/* COPY data that is stored: the rows of its result are what the client sent, or the server. MySQL's LOCAL INFILE: its digest alone. */
	EXCHANGE_COPY_IN = 1 << 10,
	EXCHANGE_COPY_OUT = 1 << 11,
	/* Who cut it was the server: replay ends the connection there too. */
	EXCHANGE_SERVER_ENDED = 1 << 12, /* in order */
	EXCHANGE_SERVER_RESET = 1 << 13,
	EXCHANGE_BARE_LF = 1 << 14, /* HTTP: the lines of the response's head ended with LF alone */
	EXCHANGE_LATE = 1 << 15,    /* the server had ended the session before it was asked */
};

struct parameter {
	uint32_t type; /* as the client declared it, else as the server described it; 0: unknown */
	bool declared; /* the client said the type itself */
	bool null;
	uint8_t form; /* enum parameter_form */
	struct slice value;
};

enum piece_type {
	PIECE_COLUMNS, /* bytes: the protocol's row description; opens a result's rows */
	PIECE_ROWS,    /* bytes: `count` rows, see below */
	PIECE_VALUE,   /* bytes: the next bytes of value part `part` */
	PIECE_TAG, /* bytes: what the server says of success, as completion_read() reads it; ends the result */
	PIECE_EMPTY,  /* the server says that there was nothing to do; ends the result */
	PIECE_ERROR,  /* bytes: the protocol's error fields; ends the exchange */
	PIECE_NOTICE, /* bytes: the protocol's error fields */
	PIECE_STATUS, /* bytes: name NUL value NUL: a session parameter that the server reports changed */
	PIECE_BODY, /* bytes: the next ones of an HTTP body; `result` says whose, enum http_side */
	PIECE_NOTIFICATION, /* of an aside only. bytes: u32 backend that notified, channel NUL payload NUL */
	PIECE_COPY, /* COPY data begins, its rows follow. bytes: u8 to_client, u8 binary, u16 columns */
	PIECE_COPY_END, /* bytes: u8 enum copy_end; of a client's data its digest, and why it gave up */
	PIECE_ARRIVED, /* bytes: u64 of an HTTP response's body had come by then: u64 time; big-endian */
	PIECE_MESSAGE_BODY, /* bytes: the next ones of a WebSocket message of side `result`; count 1: deflated */
	PIECE_MESSAGE, /* it is complete, or a control frame; see exchange.h, struct http_message */
	PIECE_END, /* of an aside only: the server ended the connection without a word. bytes: "closed" or "reset" */
};

/*
 * Rows, each: u16 number of values, then for each value an i32 length and its bytes; all big-endian.
 * Length -1 is null. Length ROW_VALUE_IN_PART is followed by u32 part, u64 length: the value comes in
 * PIECE_VALUE pieces, before the row's own piece, since it is too large to be held whole.
 */
#define ROW_VALUE_NULL (-1)
#define ROW_VALUE_IN_PART (-2)

struct piece {
	struct piece *next;
	uint8_t type;	 /* enum piece_type */
	uint32_t result; /* number of the result in the exchange, from 0 */
	uint32_t count;
	uint32_t part; /* the part's number, from 1: unique in the connection */
	struct slice bytes;
};

struct exchange_item {
	uint64_t ordinal;
	uint64_t batch; /* counts Query messages and Sync-to-Sync runs of the connection */
	uint32_t index; /* within the batch */
	bool opens;
	bool closes;

	/* with opens */
	uint8_t kind;	     /* enum exchange_kind */
	uint8_t transaction; /* before the request: 'I' idle, 'T' in a transaction, 'E' failed */
	int64_t start_ns;
	struct slice text;
	const struct parameter *parameters;
	size_t n_parameters;
	/* The first of its statement: 1 + the ordinal of the exchange that had begun last when it was prepared. 0: not told. */
	uint64_t prepared_behind;

	/* HTTP, with opens */
	const struct http_request *request;
	/* HTTP, of this item: the responses whose heads came, those before the final one too, and trailers by side */
	struct http_response *responses;
	const struct http_fields *trailers[2];

	struct piece *pieces; /* in order */
	struct piece **pieces_end;

	/* with closes */
	uint8_t outcome;	/* enum exchange_outcome */
	uint32_t flags;		/* enum exchange_flag */
	int64_t first_byte_ns;	/* 0: no byte came */
	int64_t end_ns;		/* 0: it did not end */
	struct checksum passed; /* of its answer, where the recorder was told to make it */
};

/* Results did not fit the split into statements: exchanges of `batch` become its first, with this text. */
struct batch_merge_item {
	uint64_t batch;
	struct slice text;
};

/*
 * What the server said by itself: notifications, and between requests also notices, changed parameters and the error with
 * which it ends the session.
 */
struct aside_item {
	int64_t at_ns;
	uint64_t ordinal; /* the exchange behind whose beginning it came; 0: before the first */
	bool within;	  /* before the server was ready for the next batch */
	uint8_t type;	  /* enum piece_type: NOTICE, STATUS, ERROR, NOTIFICATION */
	struct slice bytes;
};

struct connection_close_item {
	int64_t end_ns;
	struct slice outcome; /* "closed", "reset by app", "upstream refused", ...: for people */
	struct slice opaque;  /* why decoding stopped; empty when it did not */
	uint64_t opaque_at;   /* byte offset in its side's stream */
	uint64_t client_bytes;
	uint64_t server_bytes;
	struct tap *tap; /* NULL: none. Owned: store/tap.h */
};

/* What passed on connections and is not decoded yet. */
struct spool_item {
	uint8_t *bytes;
	size_t size, capacity;
	size_t played; /* bytes of it */
};

struct item {
	struct item *next;
	uint64_t connection; /* the shell's number of it, from 1 */
	uint64_t turn;	     /* this and the next: of the list that it was added to */
	uint8_t lane;
	enum item_type type;
	struct arena arena; /* owns all that the item points to, and the item */
	union {
		struct connection_item connection_open;
		struct session_item session;
		struct statement_item statement;
		struct exchange_item exchange;
		struct batch_merge_item batch_merge;
		struct aside_item aside;
		struct connection_close_item connection_close;
		struct spool_item spool;
	};
};

struct item_list {
	struct item *first;
	struct item **end;
	size_t bytes; /* memory of all items */
	/* Whose list it is and what it does now: see store/queue.h. They outlive the items. */
	uint64_t turn;
	uint8_t lane;
};

struct item *item_new(enum item_type type, uint64_t connection);
/* The same with a first block of so many bytes, itself included: for what is known to need more than arenas begin with. */
struct item *item_new_with_room(enum item_type type, uint64_t connection, size_t size);
void item_free(struct item *item); /* accepts NULL */

void item_list_init(struct item_list *list);
void item_list_release(struct item_list *list); /* frees the items */
/* The list owns the item from here on; its size is accounted as it is now. */
void item_list_add(struct item_list *list, struct item *item);
/* The one that was added last; NULL: it is empty. */
struct item *item_list_last(const struct item_list *list);
/* Takes the first out of a list that has one; the caller owns it. */
struct item *item_list_take(struct item_list *list);
/* All of `from` goes to the end of `to`; `from` is empty afterwards. */
void item_list_move(struct item_list *to, struct item_list *from);

/* Adds a piece at the end of the exchange's pieces; bytes are copied into the item's arena. */
struct piece *item_add_piece(struct item *item, enum piece_type type, uint32_t result,
			     struct slice bytes);

#endif
