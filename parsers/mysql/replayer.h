/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The MySQL replayer's state, shared by its files and by nothing else.
 *
 *	replayer.c          the way in and out, commands, the statements of a COM_QUERY
 *	replayer_login.c    greeting, login, change of user
 *	replayer_prepared.c prepared statements, their parameters and cursors
 *	replayer_answer.c   which recorded exchange answers a statement, or the session itself
 *	replayer_kill.c     numbers of sessions, KILL
 *	replayer_infile.c   LOAD DATA LOCAL INFILE: what is in the client's file
 *	replayer_send.c     an exchange's results, row by row, in the form that the client asked for
 *	replayer_row.c      one row, also of values that are too large to be held
 *	replayer_write.c    packets as this client negotiated them
 *	replayer_end.c      sessions that the server ended by itself
 *	replayer_refused.c  requests that the server refused by their length, before all of them came
 *
 * It is a server of the protocol: statement ids, transaction state and status flags are this session's own (design §6), and
 * only what statements answer comes from the recording. Work is done in fill(), a packet at a time; an answer that does
 * not fit the buffer is continued by the next call, so that memory is bounded whatever a client asks for.
 *
 * States:
 *	GREETING ─▶ LOGIN ─▶ READY ──COM_QUIT, an error of the framing──▶ closed
 *	              └▶ SWITCHED ─▶┘    (another plugin was asked for; also by COM_CHANGE_USER)
 *	READY: reading commands; or `query` is on (statements of a COM_QUERY are left); or `send.on` (an answer is under way); or
 *	`infile` is there: the client's file comes; or `hold_ns`: the recorded client gave up, before the answer or in its midst, and this
 *	one is given the time to; or another session killed what the recorded one did, and this one's KILL is waited for
 */
#ifndef MOCKPROXY_MYSQL_REPLAYER_H
#define MOCKPROXY_MYSQL_REPLAYER_H

#include "parsers/large_row.h"
#include "parsers/mysql/compression.h"
#include "parsers/mysql/packet.h"
#include "parsers/names.h"
#include "parsers/sql/session.h"

/* fill() stops above this much output; a single row may exceed it. */
#define MY_FILL_BYTES ((size_t)64 << 10)
/* Prepared statements of one connection, and what was sent ahead of their execution. */
#define MY_REPLAY_STATEMENTS_MAX ((size_t)64 << 20)

/* Errors of our own have the number of an unknown error. */
#define MY_ERROR_OWN 1105
#define MY_ERROR_UNKNOWN_COMMAND 1047
#define MY_ERROR_EMPTY_QUERY 1065
#define MY_ERROR_ARGUMENTS 1210
#define MY_ERROR_UNKNOWN_STATEMENT 1243
#define MY_ERROR_NOT_PREPARED 1295
#define MY_ERROR_PLACEHOLDERS 1390
#define MY_ERROR_NOT_A_VARIABLE 1414
#define MY_ERROR_NO_CURSOR 1421
#define MY_ERROR_MALFORMED 1835

enum my_phase { MY_GREETING, MY_LOGIN, MY_SWITCHED, MY_READY };

/* Where an answer stands between two fetches. */
struct my_position {
	uint32_t chunk;
	uint64_t row; /* of the chunk */
};

/* A parameter that was sent ahead. */
struct my_long {
	bool given;
	struct buffer data;
};

struct my_statement {
	struct named named; /* by its id's bytes */
	struct arena arena; /* owns all of it but `longs` and `values` */
	uint32_t id;
	struct slice text;
	struct sql_statement sql;
	size_t n_parameters;
	uint32_t *types; /* as they were bound last */
	bool bound;
	struct my_long *longs; /* n_parameters of them; NULL: none was given */
	bool too_long;	       /* more was sent ahead than is held */
	bool has_columns;
	const struct answer_columns *columns;
	uint16_t warnings; /* of the PREPARE */
	bool cursor;	   /* open: `answer` goes on at `position` */
	struct answer answer;
	struct my_position position;
};

/* How the server ended the recorded session that this one is like now; see replayer_end.c. */
struct my_end {
	const struct answer_aside *aside; /* NULL: that is not known */
	uint32_t behind;		  /* so many statements come before */
	bool due;			  /* the recorded time has passed */
};

/* An answer on its way out; see replayer_send.c. */
struct my_send {
	bool on;
	bool binary;	   /* rows of a prepared statement */
	bool list;	   /* COM_FIELD_LIST: columns alone */
	bool raw;	   /* COM_STATISTICS: a text alone */
	bool ends;	   /* COM_DEBUG, COM_SHUTDOWN: what ends rows, without any */
	bool ask_cursor;   /* the client wants one, if there are rows */
	bool fetch;	   /* rows of a cursor: the columns were sent */
	bool more;	   /* another statement of the same COM_QUERY follows */
	bool more_results; /* ... or another result of this exchange */
	bool failed;	   /* an error was sent */
	bool told;	   /* the session knows how the statement ended */
	uint64_t exchange;
	uint32_t flags;
	uint8_t kind;	/* enum exchange_kind */
	uint64_t limit; /* rows of this fetch */
	uint64_t rows;	/* sent so far */
	uint32_t number;
	uint8_t step;
	struct my_position position;
	struct answer_result result;
	struct large_row large; /* a row with parts on its way */
	uint64_t left;		/* of the packet's payload */
	size_t piece_left;	/* until the next header */
	bool full;		/* the piece has 16 MB: another header follows, whatever is left */
	bool cacheable; /* so far: it began at `cache_from` in `out` and has not been interrupted */
	size_t cache_from;
	struct answer_key key;
};

struct replayer {
	const struct answers *answers;
	uint64_t connection;
	struct buffer in;
	struct slice unread; /* of `in` */
	struct slice plain;  /* what was decompressed and not read */
	struct my_framer framer;
	const char *error;
	uint8_t phase; /* enum my_phase */
	bool closed;
	bool reset;	  /* ... and not in order */
	uint8_t sequence; /* of the next packet out */

	uint32_t backend; /* the number of the session, as the greeting told it */
	uint64_t offered;
	uint64_t capabilities; /* of both sides */
	uint16_t login_status; /* what the recorded server said of its sessions */
	struct slice plugin;   /* that our greeting says, or that was asked for; static */
	uint8_t nonce[21];
	int zstd_level;
	struct my_decompressor *decompressor; /* NULL: not compressed */
	struct my_compressor *compressor;
	struct buffer plain_out; /* to be compressed */
	uint8_t compressed_sequence;

	struct sql_session *session;
	struct buffer user;    /* whose it is */
	uint64_t told_changes; /* sql_session_changes() when answers->time_zone() was told last */
	struct names statements;
	uint32_t last_id;  /* the highest that was given */
	uint32_t prepared; /* the statement that was prepared last; 0: none, or it failed */
	size_t long_bytes;
	struct buffer changes; /* of the session's state, that the next OK tells */
	struct buffer scratch; /* a value */
	struct buffer text;    /* that says what the command under way does */

	bool several;	  /* a COM_QUERY may hold several statements */
	bool query;	  /* a COM_QUERY's statements are under way */
	bool query_whole; /* ... which are one */
	bool query_begins;
	bool query_failed;
	struct slice query_rest;
	struct buffer
		query_text; /* what was left when a file was asked for, since the message is gone */
	struct my_infile *infile; /* the client's file is coming; NULL: it is not */
	struct arena arena;	  /* of the statement under way */
	struct sql_statement sql;
	struct sql_value *values;
	struct my_statement *executing; /* NULL: a text */
	int64_t hold_ns; /* nothing is said for so long, and then the answer under way, or an error; 0: that is not so */
	uint64_t awaited;   /* the KILL that is waited for; 0: none is */
	bool holding;	    /* fill() has said so */
	bool killed;	    /* by another session: it ends behind the answer under way */
	bool refused;	    /* the request under way was: the connection ends behind the answer */
	uint64_t looked_up; /* a length that is announced, and was looked up */
	struct my_send send;
	struct my_end end;
};

/* replayer.c */
/* A text without a statement: all servers take a comment for one, and nothing at all for an error. */
bool my_replay_has_comment(struct slice text);
void my_replay_empty(struct replayer *replayer, struct slice text, struct buffer *out);
/* An error was sent: the statements behind it are not executed. */
void my_replay_failed(struct replayer *replayer);

/* replayer_login.c */
void my_greet(struct replayer *replayer, struct buffer *out);
void my_login_message(struct replayer *replayer, struct slice body, struct buffer *out);
void my_switched_message(struct replayer *replayer, struct slice body, struct buffer *out);
void my_change_user_message(struct replayer *replayer, struct slice body, struct buffer *out);

/* replayer_prepared.c */
/* A command about prepared statements; false: it is none. */
bool my_statement_message(struct replayer *replayer, uint8_t command, struct slice body,
			  struct buffer *out);
void my_replay_statement_free(struct named *named); /* accepts NULL */
void my_replay_forget_statements(struct replayer *replayer);
/* Takes COM_QUERY's attributes off; false: they are malformed. */
bool my_replay_skip_attributes(struct cursor *cursor);

/* replayer_answer.c */
/* The statement of a text, into the replayer's `sql` and `values`, as a request. */
struct request my_answer_read(struct replayer *replayer, struct slice text);
/* A statement of a COM_QUERY, or the text that another command means: answers it, or begins to (send.on). */
void my_answer_text(struct replayer *replayer, struct slice text, bool more, struct buffer *out);
/* An executed statement; `sql` and `values` are the replayer's. */
void my_answer_execute(struct replayer *replayer, struct my_statement *statement, struct slice text,
		       bool cursor, struct buffer *out);
/*
 * What was recorded ends here, since the client left: from here on nothing is said, and the answer is over. The time has passed: the error.
 */
void my_answer_hold(struct replayer *replayer, uint64_t exchange);
void my_answer_held(struct replayer *replayer, struct buffer *out);
/* How the statement under way ended, to the session: before the packet that says so, since that tells the session's state. */
void my_answer_ended(struct replayer *replayer, bool ok);
void my_answer_sent(struct replayer *replayer);
/* Before a look-up: what a SET has changed since the last one. */
void my_answer_tell_time_zone(struct replayer *replayer);
/* Can the session itself answer this statement? */
bool my_answer_housekeeping(const struct sql_statement *sql);
struct request my_answer_request(struct replayer *replayer, const struct sql_statement *sql,
				 const struct sql_value *values, struct slice text);
void my_answer_miss(struct replayer *replayer, const struct answer *answer, struct slice text,
		    struct buffer *out);
void my_answer_unservable(struct replayer *replayer, struct slice text, struct slice why,
			  struct buffer *out);

/* What was found, or was not: says it, or begins to (true, send.on). The statement is in `sql` and `values`. */
bool my_answer_give(struct replayer *replayer, const struct answer *found, struct slice text,
		    bool more, struct buffer *out);

/* replayer_kill.c */
/* The number of the session that begins. */
void my_kill_number(struct replayer *replayer);
/* From now on others may kill it. */
void my_kill_join(struct replayer *replayer);
/* If the request is a KILL, and was accepted: reaches the session that it names. */
void my_kill_answered(struct replayer *replayer, const struct request *request,
		      const struct answer *answer);
/* Another session killed this one, or some other. */
void my_kill_tell(struct replayer *replayer, const struct answer_aside *aside);

/* replayer_infile.c */
/* Asks for the file of a statement that was recorded with one; false: this is none. The request is the replayer's `sql` and `values`. */
bool my_infile_ask(struct replayer *replayer, const struct request *request, bool more,
		   struct buffer *out);
/* The next of the file, which is dropped; behind its end the answer begins that was recorded with this content. */
void my_infile_message(struct replayer *replayer, const struct my_frame *frame, struct buffer *out);
void my_infile_free(struct my_infile *infile); /* accepts NULL */

/* replayer_send.c */
void my_send_begin(struct replayer *replayer, const struct answer *answer);
/* Goes on; true when the answer is complete. */
bool my_send_more(struct replayer *replayer, struct buffer *out);

/* replayer_end.c */
/* An exchange was given whole: did the server end its session behind it? */
void my_end_given(struct replayer *replayer, uint64_t exchange);
/* Between requests: is it time? Then that is said, and true. */
bool my_end_say(struct replayer *replayer, struct buffer *out);
/* Is it this that met the end of the recorded session? Then that is said, and true. */
bool my_end_meets(struct replayer *replayer, const struct request *request, struct buffer *out);
/* The same of a command, by its text. */
bool my_end_meets_text(struct replayer *replayer, struct slice text, struct buffer *out);
/* A statement is asked that did not. */
void my_end_passed(struct replayer *replayer, bool housekeeping);

/* replayer_refused.c */
/* What the client announces, or has sent (`frame`; NULL: it comes still), was refused by its length: then that is answered, and true. */
bool my_refused(struct replayer *replayer, const struct my_frame *frame, struct buffer *out);
/* Behind that answer: the client is given the time to read it. */
void my_refused_end(struct replayer *replayer);

/* replayer_row.c */
/* Sends the next row of the open chunk; 1 sent or begun (send.large), 0 there is none, negative errno. */
int my_replay_row(struct replayer *replayer, struct buffer *out, const struct column **ret_column);
/* Goes on with a row with parts; false when the recording does not hold what it says. */
bool my_replay_row_more(struct replayer *replayer, struct buffer *out);

/* replayer_write.c */
/* A result's status flags: those that are the session's are computed, the others are as recorded. */
uint16_t my_write_status(const struct replayer *replayer, uint16_t recorded);
void my_write_ok(struct replayer *replayer, const struct completion *completion,
		 struct buffer *out);
/* Behind rows, and behind columns where no rows follow. */
void my_write_end(struct replayer *replayer, const struct completion *completion,
		  struct buffer *out);
void my_write_eof(struct replayer *replayer, uint16_t warnings, uint16_t status,
		  struct buffer *out);
/* Of decimal digits that the recording holds; `otherwise` where they are none. */
uint64_t my_number(struct slice digits, uint64_t otherwise);
/* A recorded error as a packet's; false: it is none that a client can be sent. */
bool my_error_of(const struct answer_field *fields, size_t n, struct my_err *ret_err);
void my_write_error(struct replayer *replayer, uint16_t code, struct slice state,
		    struct slice message, struct buffer *out);
void my_write_count(struct replayer *replayer, size_t n, struct buffer *out);
/* `list`: with a default value behind it, as COM_FIELD_LIST has it. */
void my_write_column(struct replayer *replayer, const struct column *column, bool list,
		     struct buffer *out);
void my_write_bytes(struct replayer *replayer, struct slice payload, struct buffer *out);
/* A change of the session's state for the next OK: `name` as PIECE_STATUS has it. */
void my_write_change(struct replayer *replayer, struct slice name, struct slice value);

#endif
