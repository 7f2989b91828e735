/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reader: what one thread reads of a recording: exchanges, statements, results, rows. Everything in
 * the file is hostile: each function gives a value or fails, whatever the rows hold.
 *
 * Functions return 1 found, 0 not there, negative errno: -EBADMSG when a row holds what cannot be
 * meant, -EIO when SQLite cannot read. Unless stated, slices are valid until the next call of the
 * same function.
 */
#ifndef MOCKPROXY_READER_H
#define MOCKPROXY_READER_H

#include "parsers/answers.h"
#include "parsers/compiler.h"
#include "store/decode.h"
#include "store/recording.h"

#include <sqlite3.h>

struct reader;

MUST_CHECK int reader_new(const struct recording *recording, struct reader **ret_reader,
			  char ret_error[STORE_ERROR_BYTES]);
void reader_free(struct reader *reader); /* accepts NULL */
/* Are exchanges read from the pages of the file (table.h), or by SQLite alone? */
bool reader_is_quick(const struct reader *reader);

struct stored_exchange {
	int64_t id;
	int64_t statement; /* 0: none */
	uint32_t flags;
	uint8_t kind;
	uint8_t outcome;
	bool edited;
	struct slice text; /* its own; data NULL: the statement's */
	struct slice parameters;
};
/* reader_exchange() will be asked for it in a moment. */
void reader_expect(struct reader *reader, int64_t id);
MUST_CHECK int reader_exchange(struct reader *reader, int64_t id,
			       struct stored_exchange *ret_exchange);

struct stored_statement {
	struct sql_context context;
	uint8_t dialect;
	uint8_t verb; /* enum sql_verb; of the text */
	struct slice text;
	struct slice canonical;
	bool has_sequence; /* it names nextval() */
};
/* Valid until another reader_statement(): the cache may have been emptied. */
MUST_CHECK int reader_statement(struct reader *reader, int64_t id,
				const struct stored_statement **ret_statement);

/* What the statement gives and takes: its slots' types lie in the arena. */
struct stored_description {
	bool described;
	int64_t columns; /* 0: no rows */
	const uint32_t *slot_types;
	size_t n_slots;
	uint16_t warnings; /* of the PREPARE; where it stands is not known here: 0 */
};
MUST_CHECK int reader_description(struct reader *reader, int64_t statement, struct arena *arena,
				  struct stored_description *ret_description);

/*
 * The canonical form of a statement's text, read as its session read it: in the way that gives the stored template; an
 * edited one as a session reads by default. The result lies in the arena or borrows from the text.
 */
void reader_canonicalize(const struct stored_statement *stored, struct slice text, bool edited,
			 struct arena *arena, struct sql_statement *ret_statement);

/*
 * The canonical form and the values of an exchange, from its text and its parameters as they stand
 * in the file: for what was edited, and where the bytes alone do not decide. Results lie in the
 * arena.
 */
MUST_CHECK int reader_identity(struct reader *reader, const struct stored_exchange *exchange,
			       struct arena *arena, struct sql_context *ret_context,
			       struct sql_statement *ret_statement, struct sql_value **ret_values);

/* Valid as long as the reader. */
MUST_CHECK int reader_columns(struct reader *reader, int64_t id,
			      const struct answer_columns **ret_columns);

/*
 * The result that one connection is being given. A reader serves many connections, so what one of
 * them still needs does not lie in the reader. Zeroed it is empty.
 */
struct stored_result {
	struct arena arena; /* of the result */
	uint64_t exchange;
	uint32_t number;
	struct slice
		only_chunk;  /* its rows, where all of them came with the result; else data NULL */
	struct buffer chunk; /* the open chunk's JSON, where it does not lie in the arena */
	struct rows_decoder rows;
	struct arena row; /* of the row that was given last */
};
void stored_result_init(struct stored_result *stored);
void stored_result_release(struct stored_result *stored);

/* Result, chunk and row as in answers.h; slices lie in *stored, as long as answers.h promises. */
MUST_CHECK int reader_result(struct reader *reader, struct stored_result *stored, uint64_t exchange,
			     uint32_t number, struct answer_result *ret_result);
MUST_CHECK int reader_chunk(struct reader *reader, struct stored_result *stored, uint64_t exchange,
			    uint32_t number, uint32_t chunk);
MUST_CHECK int reader_next_row(struct reader *reader, struct stored_result *stored,
			       const struct answer_value **ret_values, size_t *ret_n);
MUST_CHECK int reader_part(struct reader *reader, int64_t exchange, uint64_t part,
			   uint32_t sequence, struct slice *ret_bytes);
/* Did any result of it give rows? */
MUST_CHECK int reader_gave_rows(struct reader *reader, int64_t exchange);

/* What is said of an exchange's COPY data. Edited data has no digest. */
MUST_CHECK int reader_copy(struct reader *reader, uint64_t exchange, struct answer_copy *ret_copy);
/* What a client's COPY data is known by; made anew from the rows when it was edited. */
MUST_CHECK int reader_copy_identity(struct reader *reader, uint64_t exchange,
				    struct copy_identity *ret_copy);

/* When it was asked. */
MUST_CHECK int reader_started(struct reader *reader, int64_t exchange, int64_t *ret_ns);
/* Version and parameters of a connection's server; fields lie in the arena. */
MUST_CHECK int reader_server(struct reader *reader, int64_t connection, struct arena *arena,
			     struct answer_server *ret_server);

/* The connection that an exchange was recorded on; 0: not known. */
int64_t reader_connection(struct reader *reader, int64_t exchange);

/* Did the client end the connection, and not the server? 1, 0 or negative errno. */
MUST_CHECK int reader_gave_up(struct reader *reader, int64_t exchange);
/* Nanoseconds from the exchange's beginning to its end, or where it has none to its connection's. */
int64_t reader_waited(struct reader *reader, int64_t exchange);
/* The error with which a connection's login was refused; fields lie in the arena. */
MUST_CHECK int reader_refusal(struct reader *reader, int64_t connection, struct arena *arena,
			      struct answer_server *ret_server);

/* For statements of the caller's own. */
sqlite3 *reader_database(struct reader *reader);

#endif
