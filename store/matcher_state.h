/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of the matcher share: matcher.c (lifecycle, summary), load.c (the index of a
 * recording), pick.c (which of those that are equal), find.c (SQL: identity to exchange), nearest.c (explaining a miss),
 * http_find.c and http_nearest.c (the same of HTTP), explain.c (--explain). Nobody else includes this.
 */
#ifndef MOCKPROXY_MATCHER_STATE_H
#define MOCKPROXY_MATCHER_STATE_H

#include "store/asides.h"
#include "store/behind.h"
#include "store/described.h"
#include "store/endpoints.h"
#include "store/index.h"
#include "store/kills.h"
#include "store/reader.h"
#include "store/sessions.h"
#include "store/told.h"
#include "store/turns.h"
#include "store/type_sets.h"

#include <pthread.h>
#include <stdatomic.h>

/* Misses that are kept with what was nearest; further ones are only counted. */
#define MISSES_MAX ((size_t)1000)

/* Default databases under which a statement is looked for that does not depend on them. */
#define DATABASES_MAX ((size_t)1000)

/* What an exchange is good for; part of its key. */
enum match_class {
	MATCH_SERVED,
	MATCH_PARSE,	  /* a Parse that failed */
	MATCH_UNSERVABLE, /* recorded, and not stored well enough to be given */
	MATCH_COPY,	  /* COPY FROM STDIN with its data; without it is MATCH_SERVED too */
	MATCH_UNANSWERED, /* HTTP: nothing was said to it, which is what is said again */
	MATCH_LOST,	  /* HTTP: the same on a connection that was kept, as a client asks again */
};

struct template_entry {
	uint64_t hash; /* sql_template_hash() */
	int64_t statement;
};

struct miss {
	struct matcher_miss seen; /* owns its strings */
	struct slice key;
};

struct matcher {
	const struct recording *recording;
	struct matcher_options options;
	struct endpoints endpoints;
	struct described described;
	struct asides asides;
	struct type_sets type_sets;
	struct sessions sessions;
	struct kills kills;
	struct told told;
	struct turns turns;
	struct index index;
	struct index
		own; /* over `index`: the entries whose key is another session's too, by key and session's tag */
	struct behind behind;
	uint64_t unservable_entries;
	/* Exchanges that have an entry of MATCH_COPY too, and how many of them were given. */
	uint64_t copy_entries;
	atomic_uint_fast64_t copy_given;
	struct template_entry *templates; /* sorted by hash, then statement */
	size_t n_templates;
	struct slice *databases; /* of all contexts, in `arena`, up to DATABASES_MAX */
	size_t n_databases;
	struct arena arena;
	bool has_merged;
	bool has_cut; /* answers of which not all rows were fetched */
	bool has_turns;
	uint64_t recorded;
	struct http_place *http_places; /* by place */
	struct http_early *http_early;
	size_t n_http_early;
	size_t n_http_unanswered; /* MATCH_UNANSWERED and MATCH_LOST */

	atomic_uint_fast64_t exact;
	atomic_uint_fast64_t session;
	atomic_uint_fast64_t missed;
	atomic_uint_fast64_t unservable;
	atomic_uint_fast64_t repeated;
	atomic_uint_fast64_t other_endpoint;

	pthread_mutex_t misses_mutex;
	struct miss misses[MISSES_MAX];
	size_t n_misses;
	struct matcher_miss *misses_shown; /* for the summary */
};

struct matcher_reader {
	struct matcher *matcher;
	struct reader *reader;
};

/* The answers of one connection. */
struct answers_state {
	struct answers face;
	struct matcher *matcher;
	struct reader *reader;
	char *protocol;
	uint32_t place;	      /* 0: not known (yet) */
	uint32_t asked_place; /* where the app went; 0: nothing was recorded there */
	bool place_by_database;
	uint32_t login;		      /* 0: nobody logged in like that, or it does not matter */
	uint32_t zone;		      /* sessions_zone() */
	struct told_session session;  /* its number, and what it was given last */
	struct behind_session before; /* where that leaves what follows */
	struct arena arena;	      /* what one call needs; emptied by the next */
	uint64_t typed;		   /* the exchange that answers->types() was asked of last; ... */
	const struct types *types; /* ... what was said */
	struct stored_result result;
	struct answer_result last; /* what it held */
	bool last_known;
	struct buffer json;  /* the request's parameters */
	struct buffer asked; /* a line */
	struct buffer nearest;
	struct buffer difference;
};

/* load.c: 0, or -errno with a sentence. */
MUST_CHECK int matcher_load(struct matcher *matcher, char error[STORE_ERROR_BYTES]);
uint64_t matcher_key(uint64_t hash, uint32_t place, enum match_class class);
/* Of the same identity, recorded in sessions of this tag. */
uint64_t matcher_own_key(uint64_t key, uint32_t session);
/* Statements of a template: the first in matcher->templates, and how many. */
size_t matcher_templates(const struct matcher *matcher, uint64_t hash,
			 const struct template_entry **ret_first);

/*
 * What may be known of the types of a recorded exchange: of the connection that it was recorded on. Its protocol; NULL: nothing
 * is known.
 */
const struct protocol *matcher_scope(const struct matcher *matcher, struct reader *reader,
				     int64_t exchange, struct type_scope *ret_scope);
/* Values that were bytes of a type that nothing was known of when they were recorded become what they are. */
void matcher_resolve(const struct matcher *matcher, struct reader *reader, int64_t exchange,
		     struct sql_value *values, size_t n, struct arena *arena);

/* pick.c */
enum match { MATCH_NO, MATCH_EQUAL, MATCH_SAME_KIND };
/* What a protocol says of an exchange whose hash is the request's. */
struct pick {
	enum match (*compare)(void *context, int64_t exchange);
	/* Would giving this answer again give the same generated thing twice? */
	bool (*gives_once)(void *context, int64_t exchange);
	/* Is silence the answer? It is not given once more where there is another. NULL: never. */
	bool (*is_silent)(void *context, int64_t exchange);
	/* Was it cut, by a row limit? Of what was not given yet one that was not comes first, where it is near. NULL: never. */
	bool (*is_cut)(void *context, int64_t exchange);
	void *context;
	bool tells_again; /* all were given: that is said of what is given again, too */
	/* Where one of this part of the group answers, no other does: what was recorded behind what came before. Empty: any may. */
	struct index_group behind;
	struct index_group own; /* the part of the group that comes first; empty: none does */
};
/* The exchange of the group that answers; 0: none, and *ret_used_up when that is since all were given. */
int64_t pick_exchange(struct matcher *matcher, const struct index_group *group,
		      const struct pick *pick, bool consume, bool *ret_used_up);

/* find.c */
/* Is the stored exchange what the request asks for? state->json holds the request's parameters. */
enum match find_compare(struct answers_state *state, const struct request *request, int64_t id);
/* The same as a question of its own. */
bool find_is_asked(struct answers_state *state, const struct request *request, int64_t id);
void find_answer(struct answers_state *state, const struct request *request, enum match_class class,
		 bool consume, struct answer *ret_answer);
/*
 * Of MATCH_SERVED, and where nothing is found: by the number that a KILL names by that of the session which is meant; as asked under
 * another default database (find_database()).
 */
void find_served(struct answers_state *state, const struct request *request, bool consume,
		 struct answer *ret_answer);
/*
 * The next database other than the request's under which its template was recorded; `*at` is 0 at first. For statements that are
 * qualified (parsers/sql/qualified.h). False: there is none.
 */
bool find_database(const struct answers_state *state, const struct request *request, size_t *at,
		   struct slice *ret_database);
/* The connection is served by another place than it asked for. */
void find_elsewhere(struct answers_state *state, uint32_t place);
/* The place that the connection's requests are looked up in. */
uint32_t find_place(struct answers_state *state, struct slice database);

/*
 * explain.c: tells --explain of a request that `exchange` answers, or nobody (0: then state->nearest and state->difference say
 * why). `request` is NULL where no header was left out.
 */
void explain_match(struct answers_state *state, struct slice asked, uint64_t exchange,
		   const struct http_request *request);
static inline bool explain_wanted(const struct answers_state *state)
{
	return state->matcher->options.explain != NULL;
}

/* nearest.c */
void nearest_explain(struct answers_state *state, const struct request *request);
/* Counts the miss of what was `asked`, with state->nearest and state->difference. */
void nearest_remember(struct answers_state *state, struct slice asked);
/* The same of an SQL request, without its secrets. */
void nearest_remember_sql(struct answers_state *state, const struct request *request);
/* Appends the text as one line of at most about `max` bytes. */
void nearest_line(struct buffer *line, struct slice text, size_t max);

#endif
