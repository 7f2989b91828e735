/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PostgreSQL replayer's state, shared by its files and by nothing else.
 *
 *	replayer.c          the way in and out, login, the batch and its end
 *	replayer_extended.c Parse, Bind, Describe, Execute, Close
 *	replayer_function.c fast-path calls
 *	replayer_answer.c   which recorded exchange answers a statement, or the session itself
 *	replayer_session.c  what the session itself answers
 *	replayer_status.c   ParameterStatus: what the session's settings are called
 *	replayer_checksum.c what --verify compares
 *	replayer_send.c     an exchange's results, row by row, in the form that the client asked for
 *	replayer_notify.c   what a server says by itself: notifications, and what was recorded between requests
 *	replayer_copy.c     COPY data, in both directions
 *
 * It is a server of the protocol: names, transaction state and errors are this session's own (design §6), and only what
 * statements answer comes from the recording. Work is done in fill(), a message at a time; an answer that does not fit
 * the buffer is continued by the next call, so that memory is bounded whatever a client asks for.
 *
 * States:
 *	STARTUP ──StartupMessage──▶ READY ──Terminate, FATAL──▶ CLOSED
 *	READY: reading messages; or `query` is on (statements of a Query are left); or `send.on` (an answer is under way); or
 *	`copy` is there (a statement, perhaps of a Query, takes COPY data: messages are read, and are nothing else)
 */
#ifndef MOCKPROXY_POSTGRES_REPLAYER_H
#define MOCKPROXY_POSTGRES_REPLAYER_H

#include "parsers/large_row.h"
#include "parsers/names.h"
#include "parsers/postgres/wire.h"
#include "parsers/sql/session.h"

/* fill() stops above this much output; a single row may exceed it. */
#define PG_FILL_BYTES ((size_t)64 << 10)
/* A server's buffer, which is sent when it is full. */
#define PG_KEPT_BYTES ((size_t)8 << 10)
/* Prepared statements and portals of one connection. */
#define PG_REPLAY_NAMES_MAX ((size_t)64 << 20)
/* SQLSTATEs of our own; class MP is nobody's. */
#define PG_STATE_MISS "MP001"
#define PG_STATE_UNSERVABLE "MP002"

struct pg_prepared {
	struct named named;
	struct arena arena;	 /* owns all of it */
	unsigned int references; /* its name, and portals */
	size_t *nameless;	 /* counts it, when only portals have it; else NULL */
	struct slice text;
	struct sql_statement sql;
	const uint32_t *declared; /* by placeholder; 0: not declared */
	const uint32_t *types;	  /* by placeholder: declared, else recorded, else text */
	size_t n_types;
	bool has_columns;
	const struct answer_columns *columns;
};

/* Where a portal's answer stands between two Executes. */
struct pg_position {
	bool begun;
	bool done;
	uint32_t chunk;
	uint64_t row;  /* of the chunk */
	uint64_t rows; /* of the result, that were sent */
	size_t event;  /* of the result: those before it were sent */
};

struct pg_bound {
	struct named named;
	struct arena arena;
	struct pg_prepared *prepared;
	struct sql_value *values; /* of the statement's slots */
	/* The same with binary values of a type that this client did not declare as bytes; NULL: there are none. */
	struct sql_value *raw_values;
	const uint16_t *formats; /* of results */
	size_t n_formats;
	bool found; /* `answer` was looked up */
	bool begun; /* rows were given, and the session knows what it does: it need not be drained */
	struct answer answer;
	struct pg_position position;
};

/* What of an answer is kept encoded. */
enum pg_cached_part { CACHED_EXECUTE, CACHED_QUERY, CACHED_COLUMNS };

/* An answer on its way out; see replayer_send.c. */
struct pg_send {
	bool on;
	bool describe; /* RowDescription too: a simple query */
	bool call;     /* a fast-path call: its row goes as its one value */
	uint16_t call_form;
	bool failed;	 /* an error was sent */
	bool silent;	 /* nothing was said to it */
	bool unservable; /* ... of ours, since what was recorded cannot be given as it was asked for */
	bool as_recorded; /* for pg_checksum(): each value in its recorded form, and tags as they came */
	uint64_t exchange;
	uint8_t kind; /* enum exchange_kind of the recorded one */
	uint32_t flags;
	const uint16_t *formats;
	size_t n_formats;
	uint64_t limit; /* rows; 0: none */
	uint64_t rows;	/* sent so far */
	uint32_t number;
	uint8_t step;
	struct pg_position position;
	struct answer_result result;
	bool copy_out;	/* rows are COPY data */
	bool copy_ends; /* ... to whose end the server came */
	bool copy_binary;
	bool copy_header;	/* binary: the header is still to be sent */
	struct large_row large; /* a row with parts, or the like, on its way */
	bool cacheable; /* so far: it began at `cache_from` in `out` and has not been interrupted */
	size_t cache_from;
	struct answer_key key;
};

/* Settings that servers report and that a session can follow; replayer_status.c. */
#define PG_REPORTED 7

struct pg_reported {		/* all from malloc */
	struct slice at_login;	/* what the server reported at login */
	struct slice login_set; /* the client's own words for it then; data NULL: none */
	struct slice last;	/* what was reported last */
	struct slice set;	/* the session's own words for it when that was */
	struct slice
		recorded; /* what was recorded with a statement of this batch; data NULL: nothing */
};

struct pg_notes;

struct replayer {
	const struct answers *answers;
	uint64_t connection;
	uint32_t backend; /* behind the login: the number of the session */
	struct buffer in;
	struct slice unread; /* of `in` */
	struct pg_framer framer;
	const char *error;
	bool ready;
	bool closed;
	bool reset;  /* ... and not in order */
	bool failed; /* an error in an extended batch: skip to Sync */
	/* As in a server what was said waits for Flush, the end of the batch, an error, or that there is this much of it. */
	struct buffer kept;
	/*
	 * The answer under way is given after so many nanoseconds, or when CancelRequest comes: it was recorded as cancelled, or its client
	 * gave up. 0: at once.
	 */
	int64_t hold_ns;
	bool holding;	/* the shell was told so */
	size_t flushed; /* of the output of this fill(): up to here it is sent */
	struct pg_reported reported[PG_REPORTED];
	struct buffer status;	 /* ParameterStatus messages that go out before ReadyForQuery */
	uint64_t status_changes; /* sql_session_changes() when they were last made */
	bool status_recorded;	 /* a recorded one waits */
	bool utc;		 /* the recorded server's TimeZone is UTC */

	struct pg_notes *notes; /* NULL: nothing of the kind was recorded */
	bool in_batch;		/* a request came, and ReadyForQuery has not answered it yet */

	struct sql_session *session;
	struct names prepared;
	struct names bound;
	size_t nameless_bytes; /* of statements that lost their name, and portals still have */

	bool query;	   /* a Query's statements are under way */
	bool query_begins; /* none of them was answered yet */
	bool query_failed;
	struct slice query_rest;
	struct arena arena; /* of the statement under way, in a simple query */
	struct slice text;  /* its text, which lasts as long as the Query */
	struct sql_statement sql;
	struct sql_value *values;
	struct buffer query_text;   /* of a Query whose message is gone since it took COPY data */
	struct pg_copy_in *copy;    /* NULL: none */
	struct pg_bound *executing; /* the portal whose answer `send` is; NULL in a simple query */
	struct pg_send send;
};

/* One error with our own text; empty slices are left out. */
struct pg_error {
	const char *severity;
	const char *code;
	struct slice message;
	struct slice detail;
	struct slice hint;
};
void pg_send_error(struct buffer *out, const struct pg_error *error);

/* replayer.c */
/* An error was sent: of a Query its end, of an extended batch to be skipped to Sync. */
void pg_replay_failed(struct replayer *replayer);
/* The session's number, as BackendKeyData told it. */
uint32_t pg_replay_backend(const struct replayer *replayer);
void pg_forget_prepared(struct replayer *replayer, struct slice name);
void pg_forget_all_prepared(struct replayer *replayer);

/* replayer_extended.c */
void pg_extended_message(struct replayer *replayer, const struct pg_frame *frame,
			 struct buffer *out);
void pg_prepared_release(struct named *named); /* drops a reference; accepts NULL */
void pg_bound_free(struct named *named);       /* accepts NULL */
/* SQL's PREPARE was accepted: the client may also Bind what it named. */
void pg_sql_prepared(struct replayer *replayer, struct slice text);
/* A simple query ends the unnamed statement and the unnamed portal (55.2.3). */
void pg_forget_unnamed(struct replayer *replayer);
/* Portals end with their transaction. */
void pg_forget_bound(struct replayer *replayer);

/* replayer_function.c */
void pg_function_message(struct replayer *replayer, struct slice body, struct buffer *out);

/* replayer_answer.c */
/* A statement of a simple query: answers it, or begins to (send.on). */
void pg_answer_simple(struct replayer *replayer, struct slice text, struct buffer *out);
/* Finds what answers a portal; false when that is an error, which was sent then. */
bool pg_answer_find(struct replayer *replayer, struct pg_bound *bound, bool whole,
		    struct buffer *out);
/* The same for who only asks what it would give: false without an answer, and nothing is said or counted. */
bool pg_answer_known(struct replayer *replayer, struct pg_bound *bound);
/* Executes a portal. */
void pg_answer_portal(struct replayer *replayer, struct pg_bound *bound, uint64_t limit,
		      struct buffer *out);
/* Was nothing said to it, since its client gave up? */
static inline bool pg_answer_silent(const struct answer *answer)
{
	return answer->outcome == OUTCOME_UNFINISHED &&
	       !(answer->flags & (EXCHANGE_SERVER_ENDED | EXCHANGE_SERVER_RESET));
}
/* Has it to wait until it is given? */
void pg_answer_hold(struct replayer *replayer, const struct answer *answer);
/* The answer under way was sent whole. */
void pg_answer_sent(struct replayer *replayer);
/* In a failed transaction only its end is answered; true when that error was sent. */
bool pg_answer_aborted(struct replayer *replayer, const struct sql_statement *sql,
		       struct buffer *out);

/* replayer_session.c: can the session itself answer this statement? */
bool pg_session_answers(const struct replayer *replayer, const struct sql_statement *sql);
/* The tag that a server gives to it now. */
struct slice pg_session_tag(const struct replayer *replayer, const struct sql_statement *sql);
/* What it gives; NULL: no rows. In the arena. */
const struct answer_columns *pg_session_columns(const struct replayer *replayer,
						const struct sql_statement *sql,
						struct arena *arena);
/* Answers it, with a row description where asked; false when that is an error. The session is not told yet. */
bool pg_session_answer(struct replayer *replayer, const struct sql_statement *sql, bool describe,
		       struct buffer *out);
/* A request with this session's context. */
struct request pg_answer_request(struct replayer *replayer, const struct sql_statement *sql,
				 const struct sql_value *values, struct slice text);
void pg_answer_miss(struct replayer *replayer, const struct answer *answer, struct slice text,
		    struct buffer *out);
/* A statement of a simple query, as replayer->sql and its values, which last as long as the text. */
void pg_answer_read(struct replayer *replayer, struct slice text);

/* replayer_copy.c */
/* The answer is of a statement that takes COPY data: asks for it. `bound` NULL: of a simple query. */
void pg_copy_in_begin(struct replayer *replayer, const struct answer *answer,
		      struct pg_bound *bound, struct slice text, struct buffer *out);
/* A message while it is taken. */
void pg_copy_in_message(struct replayer *replayer, const struct pg_frame *frame,
			struct buffer *out);
void pg_copy_in_free(struct pg_copy_in *copy); /* accepts NULL */
/* The result under way is of a COPY; 0, or negative errno. */
int pg_copy_out_begin(struct replayer *replayer, struct buffer *out);
/* A row of it: 1, or negative errno. */
int pg_copy_out_row(struct replayer *replayer, const struct answer_value *values, size_t n,
		    struct buffer *out);
void pg_copy_out_end(struct replayer *replayer, struct buffer *out);

/* replayer_status.c */
/* A parameter that the server reported at login: tells the client, in its own words where it asked for something else. */
void pg_status_login(struct replayer *replayer, struct slice name, struct slice value,
		     struct buffer *out);
/* A recorded report that came with the statement under way. */
void pg_status_recorded(struct replayer *replayer, struct slice name, struct slice value);
/* Before ReadyForQuery: reports what changed since. */
void pg_status_send(struct replayer *replayer, struct buffer *out);
void pg_status_release(struct replayer *replayer);
/* What a reported setting is called now, by its name in any case; false: it is none, or was never told. */
bool pg_status_current(const struct replayer *replayer, struct slice name, struct buffer *text,
		       struct slice *ret_name);

/* replayer_notify.c */
void pg_notes_new(struct replayer *replayer);
void pg_notes_free(struct pg_notes *notes); /* accepts NULL */
/* From here on: where replayer->notes is not NULL. A statement succeeded; had the transaction failed before? */
void pg_notes_statement(struct replayer *replayer, const struct sql_statement *sql,
			const struct sql_value *values, bool failed_before);
void pg_notes_batch_end(struct replayer *replayer, bool ok);
/* A statement ended, whatever way. */
void pg_notes_count(struct replayer *replayer);
/* A request came: was the session at its end, when it was recorded? Then that is said, and true. */
bool pg_notes_end(struct replayer *replayer, struct buffer *out);
/* A recorded exchange was given whole: what was said behind it is to be said too. */
void pg_notes_given(struct replayer *replayer, uint64_t exchange);
/* Between requests, or before ReadyForQuery: says what waits; false when more of it can be said now. */
bool pg_notes_say(struct replayer *replayer, bool between, struct buffer *out);

/* replayer_setting.c */
/* What a server calls a setting that a client asked for in these words; `reported` is what the recorded one called it. */
void pg_setting_text(struct slice name, struct slice asked, struct slice reported,
		     struct buffer *text);
/*
 * Does what a client asked for say all of the setting, in the server's words? SET datestyle = 'MDY' keeps the style that was before,
 * which ROLLBACK TO may change.
 */
bool pg_setting_is_whole(struct slice name, struct slice asked);

/* replayer_send.c */
void pg_send_begin(struct replayer *replayer, const struct answer *answer);
/* Goes on; true when the answer is complete. */
bool pg_send_more(struct replayer *replayer, struct buffer *out);
void pg_send_columns(struct buffer *out, const struct answer_columns *columns,
		     const uint16_t *formats, size_t n_formats, bool as_recorded);
void pg_send_status(struct buffer *out, struct slice name, struct slice value);
/* An error or a notice. */
void pg_send_message(struct buffer *out, uint8_t type, const struct answer_field *fields, size_t n);
/* A message whose body is send.large, begun with its header: 0, or -EINVAL for a body that no message can have. */
int pg_send_large_begin(struct pg_send *send, uint8_t type, struct buffer *out);
/* The form that column i was asked in. */
uint16_t pg_send_form(const uint16_t *formats, size_t n_formats, size_t i);

/* replayer_value.c */
bool pg_is_utc(struct slice time_zone);
/* Whether and how this column can be sent depends on the session: other sessions may not have its bytes. */
bool pg_value_of_session(const struct column *column, uint16_t form);
/* What is known of the types of an exchange's database; 0: of this session's, now. */
struct type_scope pg_scope(const struct replayer *replayer, uint64_t exchange);
/* One stored value as the body of a DataRow wants it, without its length; 0 or -ENOTSUP, -EINVAL. */
int pg_value_encode(const struct replayer *replayer, const struct column *column, uint16_t form,
		    const struct answer_value *value, struct buffer *out);
void pg_send_tag(struct buffer *out, struct slice tag);
/* The key of an encoding in the answer cache; false: such an answer is not kept. `part` tells apart what of it. */
bool pg_send_key(uint64_t exchange, const uint16_t *formats, size_t n_formats,
		 enum pg_cached_part part, struct answer_key *ret_key);

#endif
