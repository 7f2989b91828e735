/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers: what a replayer asks of a recording. The store implements it (store/matcher.h), tests may too.
 *
 * A replayer belongs to one connection and one thread; so does its struct answers. Slices that come back are
 * borrowed and valid until the next call through the same struct answers, except where stated.
 */
#ifndef MOCKPROXY_ANSWERS_H
#define MOCKPROXY_ANSWERS_H

#include "parsers/answer_cache.h"
#include "parsers/buffer.h"
#include "parsers/column.h"
#include "parsers/copy.h"
#include "parsers/sql/identity.h"
#include "parsers/types.h"

struct name_value;

struct request {
	struct sql_context context;
	const struct sql_statement *statement;
	const struct sql_value *values; /* statement->n_slots of them */
	struct slice text;		/* as it was asked, for explaining a miss */
	const uint32_t
		*declared_types; /* describe(): of the slots, as the client said; 0, NULL: not */
	bool only_asking;	 /* describe(), find(): nothing of it is no miss */
	const struct copy_identity *copy; /* find(): the COPY data that came with it; NULL: none */
	bool whole; /* find(): all rows are asked for: of what was not given yet rather an answer that was not cut by a row limit */
};

enum answer_rung { RUNG_MISS, RUNG_EXACT, RUNG_SESSION /* answered by the session itself */ };

struct answer {
	enum answer_rung rung;
	uint64_t exchange; /* its id in the recording */
	uint8_t kind;	   /* enum exchange_kind */
	uint8_t outcome;   /* enum exchange_outcome */
	uint32_t flags;	   /* enum exchange_flag */
	/* rung is RUNG_MISS: what to say. Text for people, valid until the next call. */
	struct slice nearest;	 /* the nearest recorded statement; empty when there is none */
	struct slice difference; /* what differs: "parameter 2: recorded 5, asked 7" */
	bool used_up; /* it was recorded, and every recorded answer was given already; where rung is RUNG_EXACT, this one too */
};

/* The columns of a stored result: strings live as long as the recording is open; `form` is as it was recorded. */
struct answer_columns {
	uint64_t id; /* equal ids are equal columns */
	size_t n;
	struct column columns[];
};

struct answer_field {
	struct slice name;
	struct slice value;
};

/* One stored result of an exchange. Slices are valid until the next call of result(). */
struct answer_result {
	const struct answer_columns
		*columns; /* NULL: no row description; valid while the recording is open */
	bool empty;	  /* the server said that there was nothing to do */
	struct completion completion; /* tag.data NULL: none, the result did not end with success */
	const struct answer_field *error; /* NULL: none */
	size_t n_error;
	/* Notices and changed session parameters, in the order they came. */
	const struct answer_event *events;
	size_t n_events;
	uint32_t chunks; /* of rows; 0: no rows */
};

struct answer_event {
	bool status; /* a changed session parameter: one field, name and value; else a notice */
	const struct answer_field *fields;
	size_t n_fields;
	/*
	 * A notice's: 0 before the row description, n behind it and n - 1 rows, ANSWER_EVENT_DATA behind the end of COPY data,
	 * ANSWER_EVENT_LAST behind the tag or the error.
	 */
	uint64_t place;
};
#define ANSWER_EVENT_DATA (UINT64_MAX - 1)
#define ANSWER_EVENT_LAST UINT64_MAX

/*
 * What the server said by itself behind an exchange. Where it is `shared`, a notification of the app itself that no statement
 * spells out (a trigger made it): it goes to all that listen, when the exchange's transaction commits.
 */
struct answer_aside {
	uint8_t type; /* enum answer_aside_type */
	bool shared;
	bool within; /* before the end of the exchange's batch; else when the time has passed, and the session is idle */
	int64_t delay_ns; /* since the exchange */
	uint32_t behind;  /* how many more exchanges the session had had */
	/*
	 * ERROR, END: the exchange that was asked when the session had ended; 0: none was. KILL_QUERY of no backend: the KILL, for whom
	 * waits for that.
	 */
	uint64_t asked;
	struct slice channel; /* NOTIFICATION, from here on */
	struct slice payload;
	uint32_t backend;		   /* who notified */
	const struct answer_field *fields; /* of the others */
	size_t n_fields;
};
enum answer_aside_type {
	ASIDE_NOTIFICATION,
	ASIDE_NOTICE,
	ASIDE_STATUS, /* one field: name and value */
	ASIDE_ERROR,  /* the session ends */
	ASIDE_END,    /* it does without a word; one field: how, "closed" or "reset" */
	ASIDE_CANCEL, /* not recorded: somebody asks that the session of this `backend` gives up what it does */
	ASIDE_KILL_QUERY, /* the same of MySQL's KILL QUERY, within the place */
	ASIDE_KILL,	  /* not recorded: the place's session of this `backend` ends */
};

/* The way from a connection to itself and to the others of the replay, made by the shell. All calls are the connection's own. */
struct answer_peers {
	void *context;
	/*
	 * Tells it (replayer_tell) to all other listeners of the place and this database; ASIDE_KILL and ASIDE_KILL_QUERY to those of every
	 * database, ASIDE_CANCEL to everybody's.
	 */
	void (*publish)(void *context, struct slice database, const struct answer_aside *aside);
	/* From now on this connection is one of them. */
	void (*listen)(void *context, struct slice database);
	/* Tells it to this connection when its time has passed. The aside is one that answers.aside() gave. */
	void (*later)(void *context, const struct answer_aside *aside);
};

/* COPY data of an exchange whose flags say that it has some: the rows of its result. */
struct answer_copy {
	struct copy_form form;
	uint8_t end; /* enum copy_end; to a client COPY_UNFINISHED when the server never said that it was all */
	bool has_digest;
	uint8_t digest[COPY_DIGEST_BYTES]; /* of a client's data */
};

/* One value of a row. */
struct answer_value {
	uint8_t kind; /* below */
	struct slice bytes;
	uint64_t part;
	uint64_t size;
};
enum answer_value_kind {
	ANSWER_NULL,
	ANSWER_TEXT,	  /* readable text, to be encoded in the form that the client asked for */
	ANSWER_RAW,	  /* the bytes of the recorded form: for that form only */
	ANSWER_PART_TEXT, /* as TEXT, in value part `part`, `size` bytes */
	ANSWER_PART_RAW,
};

static inline bool answer_is_part(const struct answer_value *value)
{
	return value->kind == ANSWER_PART_TEXT || value->kind == ANSWER_PART_RAW;
}

/* What is known of a statement without executing it. Valid until the next call. */
struct answer_description {
	bool same_shape; /* of a statement with the same kinds and casts; else of one that only does not contradict */
	const uint32_t *slot_types; /* n_slots of them; 0: not known */
	size_t n_slots;
	/* Of the recorded text, as many as the request's statement has: its literals tell types too. NULL: not known. */
	const struct sql_slot *slots;
	bool has_columns; /* it was described, or executed: columns is what it gives, NULL for no rows */
	const struct answer_columns *columns;
	uint16_t warnings; /* MySQL: that the answer to PREPARE counts */
};

/* The server that a recorded connection talked to. */
struct answer_server {
	struct slice version;
	const struct answer_field *parameters; /* as it reported them at login */
	size_t n_parameters;
	/* The login was only ever refused, with this error; NULL: it was not. */
	const struct answer_field *error;
	size_t n_error;
};

struct http_answers;
struct sql_forms;

struct answers {
	void *context;			  /* the implementation's own */
	struct answer_cache *cache;	  /* of the worker, set by the shell; NULL: none */
	struct sql_forms *forms;	  /* the same */
	const struct answer_peers *peers; /* set by the shell; NULL: it is alone */
	uint32_t place; /* behind server(): connections of one place talk to one server */
	bool paced;	/* set by the shell: recorded pauses are kept, as REPLAY_WAIT tells it */
	const struct http_answers *
		http; /* what HTTP asks instead of find(): parsers/http/answers.h; NULL: it is SQL */

	/* The server to play: true, or false when nothing was recorded for this endpoint and database. */
	bool (*server)(void *context, struct slice database, struct slice user,
		       struct answer_server *ret_server);
	/*
	 * What this connection asked for when it logged in (protocol.tells_login): from here on, among equal answers, those that connections with
	 * the same login got are given first. Not called: no login is preferred. False: nobody logged in like this.
	 */
	bool (*login)(void *context, const struct name_value *parameters, size_t n);
	/*
	 * Where the protocol has such a thing (MySQL): the time zone that the session set, data NULL: none. Among equal answers those of sessions
	 * with the same login and zone come first.
	 */
	void (*time_zone)(void *context, struct slice name);
	/*
	 * Behind login(): the number that the recorded server had given to a session that logged in like this one, each once, in
	 * recorded order. Where the server speaks first it is asked before login(), and is the number of whichever session came next.
	 * All were given: `own`. That is the session's number then, by which others may name it. NULL: none is known.
	 */
	uint32_t (*backend)(void *context, uint32_t own);

	/*
	 * Which exchange answers this request; consumes it. A KILL (parsers/sql/kill.h) that was not recorded with the number that it names
	 * is found by the recorded number of the session whose answers the named one is given. A statement that takes COPY data is peeked at first, which tells
	 * in what form it asks for the data; found is what answers the statement with this very data.
	 */
	void (*find)(void *context, const struct request *request, struct answer *ret_answer);
	/* The one that find() would give next, not consumed. */
	bool (*peek)(void *context, const struct request *request, struct answer *ret_answer);
	/* A Parse that failed in the recording with this text; consumes it. */
	bool (*find_parse_error)(void *context, const struct request *request,
				 struct answer *ret_answer);
	/* Is anything known of this template? False is a miss; *ret_miss then says what was nearest. */
	bool (*describe)(void *context, const struct request *request,
			 struct answer_description *ret_description, struct answer *ret_miss);
	/* Statements that were recorded as one, since their results did not fit the split: is this text one? */
	bool (*is_merged)(void *context, const struct request *request);

	/* Result `number` of an exchange: 1 found, 0 there are no more, negative errno. */
	int (*result)(void *context, uint64_t exchange, uint32_t number,
		      struct answer_result *ret_result);
	/*
	 * A chunk of a result's rows, opened for reading row by row: next_row() gives 1 and the values, 0 at the
	 * chunk's end, negative errno. n_values is at most COLUMNS_MAX. What is open, and what result() gave, holds until
	 * another connection of the worker asks something: who comes back later asks again.
	 */
	int (*chunk)(void *context, uint64_t exchange, uint32_t number, uint32_t chunk);
	int (*next_row)(void *context, const struct answer_value **ret_values, size_t *ret_n);
	/* Bytes of a value part; the open chunk and its last row stay valid: piece `sequence` from 0; 1 found, 0 no more, negative errno. */
	int (*part)(void *context, uint64_t exchange, uint64_t part, uint32_t sequence,
		    struct slice *ret_bytes);

	/*
	 * What was said behind an exchange that was given, from *at on (0 at first), which is moved on; NULL: no more. What is not
	 * shared is given once. Valid as long as the recording is open. The function is NULL where nothing of the kind was
	 * recorded, and nobody listened.
	 */
	const struct answer_aside *(*aside)(void *context, uint64_t exchange, size_t *at);
	/* Is this what an exchange asked? */
	bool (*is_asked)(void *context, const struct request *request, uint64_t exchange);
	/* How long, in nanoseconds, the recorded client waited for the exchange's end, or its own. NULL: nothing waits here. */
	int64_t (*waited)(void *context, uint64_t exchange);
	/*
	 * MySQL: the KILL of another session by which it was interrupted, or cut, as an exchange; 0: it was not. NULL: none was killed in this
	 * recording.
	 */
	uint64_t (*interrupted)(void *context, uint64_t exchange);
	/* What is said of the exchange's COPY data: 1, 0 it has none, negative errno. */
	int (*copy)(void *context, uint64_t exchange, struct answer_copy *ret_copy);

	/*
	 * What is known of the types of the database that an exchange was recorded in; exchange 0: of this one, now. NULL: nothing is.
	 */
	void (*types)(void *context, uint64_t exchange, struct slice database,
		      struct type_scope *ret_scope);

	/* Counted and shown in the summary: a request answered by the session itself; a failure to encode. */
	void (*count_session)(void *context);
	void (*count_unservable)(void *context, struct slice text, struct slice why);
};

#endif
