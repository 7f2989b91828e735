/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP's side of the matcher: http_load.c (identities into the index), http_find.c (answers of a connection), http_early.c
 * (answers that came before the request was whole), http_nearest.c (explaining a miss). Only the matcher's files include it.
 */
#ifndef MOCKPROXY_HTTP_MATCH_H
#define MOCKPROXY_HTTP_MATCH_H

#include "parsers/http/answers.h"
#include "store/matcher_state.h"

/* Authorities that were recorded at one place. */
struct http_place {
	uint8_t *authority; /* the first, of `size` bytes; NULL: none */
	size_t size;
	bool several;
};

/* http_load.c: SQLITE_OK, or an error. Before the index is sorted. */
MUST_CHECK int http_load(struct matcher *matcher, struct reader *reader);
void http_places_free(struct matcher *matcher);

/* http_early.c: in the order of the exchanges' numbers, while loading. */
void http_early_add(struct matcher *matcher, uint32_t exchange, uint64_t size, bool waits);
/* Adds the sizes of the fronts that were recorded of requests with this head. */
void http_early_fronts(struct answers_state *state, const struct http_request *request,
		       struct http_fronts *fronts);
/* Does what came of the body begin with the front of this exchange, whose head is the same? */
bool http_early_matches(struct answers_state *state, uint32_t exchange,
			const struct http_content *content);
/* With more of the body to come: is it time for one of the group, or is the next in order one of a longer front? */
bool http_early_is_due(struct answers_state *state, const struct index_group *group,
		       const struct http_content *content);

/* http_find.c */
extern const struct http_answers http_answers;

/*
 * http_nearest.c: what is nearest to the request, whose canonical text state->json holds, and what differs, into state->nearest
 * and state->difference. `hash` is the text's.
 */
void http_nearest_explain(struct answers_state *state, const struct http_request *request,
			  uint64_t hash);
/* "GET http://a.test/x?id=1", as one line. */
void http_nearest_line(struct buffer *line, const struct http_request *request);

#endif
