/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests that were answered before all of their bodies had come (413 to a large upload, say), and never came whole; see
 * http_match.h.
 *
 * Such an answer depends on the head, on the length that it announced, and on what had come of the body: its front. The canonical
 * text has the first two (http_content_unsent()), and the index finds by that; of what is asked the front of the same size must
 * be equal. So no other body gets the answer, though of the recorded one the rest is not known.
 */
#include "store/http_match.h"
#include "store/http_reader.h"

#include <stdlib.h>

/* Of requests with one head so many are looked at. */
#define LOOKED_AT ((size_t)1000)

struct http_early {
	uint32_t exchange;
	bool waits; /* another request for the same path came whole: that may be the one that is asked */
	uint64_t size; /* of the front */
};

void http_early_add(struct matcher *matcher, uint32_t exchange, uint64_t size, bool waits)
{
	size_t n = matcher->n_http_early;

	/* It has grown to its capacity whenever that is a power of two. */
	if (!(n & (n - 1))) {
		matcher->http_early =
			reallocarray(matcher->http_early, n ? 2 * n : 1, sizeof(struct http_early));
		if (!matcher->http_early)
			abort();
	}
	matcher->http_early[matcher->n_http_early++] = (struct http_early){ exchange, waits, size };
}

/* They were added in the order of their numbers. */
static const struct http_early *early_of(const struct matcher *matcher, uint32_t exchange)
{
	size_t from = 0, to = matcher->n_http_early;

	while (from < to) {
		size_t at = from + (to - from) / 2;

		if (matcher->http_early[at].exchange == exchange)
			return &matcher->http_early[at];
		if (matcher->http_early[at].exchange < exchange)
			from = at + 1;
		else
			to = at;
	}
	return NULL;
}

/* Keeps the sizes in order, each once; of more than there is room for, the smallest. */
static void add_size(struct http_fronts *fronts, uint64_t size)
{
	size_t at = 0;

	while (at < fronts->n && fronts->sizes[at] < size)
		at++;
	if (at == HTTP_FRONTS_MAX || (at < fronts->n && fronts->sizes[at] == size))
		return;
	if (fronts->n < HTTP_FRONTS_MAX)
		fronts->n++;
	for (size_t i = fronts->n - 1; i > at; i--)
		fronts->sizes[i] = fronts->sizes[i - 1];
	fronts->sizes[at] = size;
}

void http_early_fronts(struct answers_state *state, const struct http_request *request,
		       struct http_fronts *fronts)
{
	struct http_content content = http_content_unsent(request);
	struct index_group group;

	buffer_clear(&state->json);
	http_canonical(request, &content, &state->json);
	group = index_find(&state->matcher->index,
			   matcher_key(http_exact_hash(buffer_slice(&state->json)), state->place,
				       MATCH_SERVED));
	for (size_t i = 0; i < group.n && i < LOOKED_AT; i++) {
		const struct http_early *early =
			early_of(state->matcher, index_exchange(&group, i));

		if (!early)
			continue;
		add_size(fronts, early->size);
		fronts->wait |= early->waits;
	}
}

bool http_early_matches(struct answers_state *state, uint32_t exchange,
			const struct http_content *content)
{
	const struct http_early *early = early_of(state->matcher, exchange);
	struct http_front recorded;

	if (!early || !early->size)
		return early != NULL;
	for (size_t i = 0; i < content->n_fronts; i++) {
		const struct http_front *asked = &content->fronts[i];

		if (asked->size == early->size)
			return reader_http_front(state->reader, exchange, &recorded) > 0 &&
			       recorded.size == asked->size &&
			       recorded.digest[0] == asked->digest[0] &&
			       recorded.digest[1] == asked->digest[1];
	}
	return false;
}

bool http_early_is_due(struct answers_state *state, const struct index_group *group,
		       const struct http_content *content)
{
	uint64_t came = content->n_fronts ? content->fronts[content->n_fronts - 1].size : 0;

	for (size_t i = index_cursor(group), n = 0; i < group->n && n < LOOKED_AT; i++, n++) {
		const struct http_early *early = early_of(state->matcher, index_exchange(group, i));

		if (!early || index_is_given(group, i))
			continue;
		if (early->size > came)
			return false;
		if (http_early_matches(state, early->exchange, content))
			return true;
	}
	return true;
}
