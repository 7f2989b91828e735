/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP's side of the matcher: http_load.c (identities into the index), http_find.c (answers of a connection), http_nearest.c
 * (explaining a miss). Only the matcher's files include it.
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
