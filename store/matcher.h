/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Matcher: finds the recorded answer of a request by its identity (design §7), for all workers of a replay.
 *
 * One index over the identities of all exchanges lies in memory, 16 bytes for each; everything else is read from the file
 * when it is asked for, through one read-only connection for each worker. A hash selects, the full comparison
 * decides. Among equal exchanges: those first that connections with the same login got (each of an app's programs, or of its pools,
 * gets its own answers), and of these, as of the others, in recorded order, whichever connection asks; what happens when
 * they are used up is `repeat`. Before all that, where a statement tells of what its connection did before: those that were recorded
 * behind the same (store/behind.h); where there are some, no other answers.
 */
#ifndef MOCKPROXY_MATCHER_H
#define MOCKPROXY_MATCHER_H

#include "parsers/answers.h"
#include "store/recording.h"

enum repeat { REPEAT_LAST, REPEAT_CYCLE, REPEAT_ERROR };

struct matcher;
struct protocol;

/* How a request was matched; for --explain. Slices live for the call. */
struct matcher_explanation {
	const char *protocol;
	struct slice asked;   /* a line, without its secrets */
	uint64_t exchange;    /* that answers it, by the rung `exact`; 0: a miss */
	struct slice nearest; /* of a miss */
	struct slice difference;
	/* HTTP: the names of those of its headers that say nothing of what is asked, with commas between. */
	struct slice not_compared;
};

struct matcher_options {
	enum repeat repeat;
	/* --map OLD=NEW: what the app asks for as NEW was recorded as OLD. */
	const struct matcher_map {
		const char *old_host;
		uint16_t old_port;
		const char *new_host;
		uint16_t new_port;
	} * maps;
	size_t n_maps;
	/* Told of each request that the recording is asked for; from any worker. NULL: nobody wants to know. */
	void (*explain)(void *context, const struct matcher_explanation *explanation);
	void *explain_context;
};

/* What was asked and not found, most asked first; for the summary. */
struct matcher_miss {
	uint64_t count;
	const char *asked; /* the text, cut to a line, secrets masked */
	const char *nearest;
	const char *difference;
};

struct matcher_summary {
	uint64_t recorded; /* exchanges in the recording */
	uint64_t exact;
	uint64_t session; /* answered by the session itself */
	uint64_t missed;
	uint64_t unservable; /* found, but not to be encoded as the client asked */
	uint64_t repeated;   /* given again since all were used up */
	uint64_t unused;     /* exchanges never given */
	uint64_t
		other_endpoint; /* connections served by the only endpoint of their protocol and database */
	const struct matcher_miss *misses;
	size_t n_misses;
};

MUST_CHECK int matcher_new(struct recording *recording, const struct matcher_options *options,
			   struct matcher **ret_matcher, char ret_error[STORE_ERROR_BYTES]);
void matcher_free(struct matcher *matcher); /* accepts NULL */

/* A worker's own reader: its SQLite connection, statements and caches. Used by one thread. */
struct matcher_reader;
MUST_CHECK int matcher_reader_new(struct matcher *matcher, struct matcher_reader **ret_reader,
				  char ret_error[STORE_ERROR_BYTES]);
void matcher_reader_free(struct matcher_reader *reader); /* accepts NULL */

/*
 * The answers for one connection of the app: which endpoint it asked for selects what was recorded for it. The protocol
 * is by its name ("postgres", "mysql"). Freed with answers_free().
 */
struct answers *answers_new(struct matcher_reader *reader, const char *protocol,
			    struct slice address, uint16_t port);
void answers_free(struct answers *answers); /* accepts NULL */
/* From here on they are read through another worker's reader: as if another connection had asked something in between. */
void answers_move(struct answers *answers, struct matcher_reader *reader);

/* Is a connection to there to be refused, as it always was when it was recorded? Any thread. */
bool matcher_refuses(const struct matcher *matcher, struct slice address, uint16_t port);

/*
 * The protocol whose server speaks first where the app goes; NULL: none that is known, wait for the client. `*ret_at_once`:
 * that is sure, else the client is given the time to speak first. Places are found as for answers_new(); one that was not
 * recorded is taken for the recording's only one of such a protocol. Any thread.
 */
const struct protocol *matcher_greeting(const struct matcher *matcher, struct slice address,
					uint16_t port, bool *ret_at_once);

/* Borrowed until matcher_free(); call when the workers have stopped. */
void matcher_summarize(struct matcher *matcher, struct matcher_summary *ret_summary);

#endif
