/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Explaining an HTTP miss (design §3.3, §3.4): the recorded request that differs least, and in what. It never serves
 * anything.
 *
 * The work of one miss is bounded: of at most REQUESTS rows (among the first EXCHANGES of all protocols) the method and the URL
 * are looked at, and the CANDIDATES best of these are compared whole.
 */
#include "parsers/http/credentials.h"
#include "parsers/http/difference.h"
#include "store/database.h"
#include "store/http_match.h"
#include "store/http_reader.h"

#define REQUESTS 5000
#define EXCHANGES 100000
#define CANDIDATES ((size_t)20)
#define LINE_BYTES ((size_t)300)

struct candidate {
	int64_t exchange;
	unsigned int score;
};

struct candidates {
	struct candidate list[CANDIDATES]; /* the best first, among equals the first recorded */
	size_t n;
};

void http_nearest_line(struct buffer *line, const struct http_request *request)
{
	struct buffer url;

	buffer_init(&url, 8 * LINE_BYTES);
	buffer_append_slice(&url, request->method);
	buffer_append_u8(&url, ' ');
	if (request->form != TARGET_AUTHORITY) {
		buffer_append_slice(&url, request->scheme.size ? request->scheme : SLICE("http"));
		buffer_append_string(&url, "://");
	}
	http_mask_authority(&url, request->authority);
	if (request->form != TARGET_AUTHORITY)
		buffer_append_slice(&url, request->path);
	if (request->query.data) {
		buffer_append_u8(&url, '?');
		buffer_append_slice(&url, request->query);
	}
	nearest_line(line, buffer_slice(&url), LINE_BYTES);
	buffer_release(&url);
}

/* ---- candidates ---- */

/* How many thousandths of the longer text both have in common at their fronts and ends. */
static unsigned int likeness(struct slice a, struct slice b)
{
	size_t longer = a.size > b.size ? a.size : b.size;
	size_t shorter = a.size < b.size ? a.size : b.size;
	size_t front = 0, end = 0;

	while (front < shorter && a.data[front] == b.data[front])
		front++;
	while (end < shorter - front && a.data[a.size - 1 - end] == b.data[b.size - 1 - end])
		end++;
	return longer ? (unsigned int)(1000 * (front + end) / longer) : 1000;
}

static void add_candidate(struct candidates *candidates, int64_t exchange, unsigned int score)
{
	size_t at = candidates->n;

	if (at == CANDIDATES) {
		if (candidates->list[at - 1].score >= score)
			return;
		at--;
	} else {
		candidates->n++;
	}
	for (; at && candidates->list[at - 1].score < score; at--)
		candidates->list[at] = candidates->list[at - 1];
	candidates->list[at] = (struct candidate){ exchange, score };
}

/* The request that `sql` stands on: the path counts most. */
static void consider(sqlite3_stmt *sql, const struct http_request *asked,
		     struct candidates *candidates)
{
	unsigned int score = 4 * likeness(asked->path, database_column(sql, 3));

	score += likeness(asked->query, database_column(sql, 4));
	score += slice_equal(asked->method, database_column(sql, 1)) ? 1000 : 0;
	score += slice_equal_nocase(asked->authority, database_column(sql, 2)) ? 1000 : 0;
	add_candidate(candidates, sqlite3_column_int64(sql, 0), score);
}

static void find_candidates(struct answers_state *state, const struct http_request *asked,
			    struct candidates *candidates)
{
	sqlite3_stmt *sql = NULL;

	if (sqlite3_prepare_v2(reader_database(state->reader),
			       "SELECT id, method, authority, text, query FROM "
			       "(SELECT id, kind, method, authority, text, query FROM exchange "
			       "ORDER BY id LIMIT ?2) WHERE kind = 6 LIMIT ?1",
			       -1, &sql, NULL) != SQLITE_OK)
		return;
	sqlite3_bind_int64(sql, 1, REQUESTS);
	sqlite3_bind_int64(sql, 2, EXCHANGES);
	while (sqlite3_step(sql) == SQLITE_ROW)
		consider(sql, asked, candidates);
	sqlite3_finalize(sql);
}

/* ---- what differs ---- */

/* Of the candidates, the one that differs least; 0: there is none. */
static int64_t least_different(struct answers_state *state, struct slice asked,
			       const struct candidates *candidates)
{
	size_t best = SIZE_MAX;
	int64_t nearest = 0;

	for (size_t i = 0; i < candidates->n; i++) {
		int64_t exchange = candidates->list[i].exchange;
		struct slice recorded;
		size_t distance;

		if (reader_http_canonical(state->reader, exchange, &recorded) <= 0)
			continue;
		distance = http_difference(recorded, asked, NULL);
		if (distance < best) {
			best = distance;
			nearest = exchange;
		}
	}
	return nearest;
}

static void say_why_unservable(struct buffer *out, const struct stored_exchange *exchange)
{
	const char *why = "behind its answer the connection spoke another protocol, which this "
			  "version does not replay";

	if (exchange->flags & (EXCHANGE_NOT_DECODED | EXCHANGE_AMBIGUOUS))
		why = "its messages could be read in two ways and were not followed";
	else if (exchange->flags & EXCHANGE_REQUEST_CUT)
		why = "the connection ended before its request did";
	else if (exchange->outcome == OUTCOME_UNFINISHED)
		why = "its answer had not come when the connection or the recording ended";
	buffer_append_string(out, "recorded, but ");
	buffer_append_string(out, why);
}

/* The same request, recorded in a way that cannot be served. */
static int64_t same_unservable(struct answers_state *state, struct slice asked, uint64_t hash)
{
	struct index_group group = index_find(&state->matcher->index,
					      matcher_key(hash, state->place, MATCH_UNSERVABLE));
	struct slice recorded;

	for (size_t i = 0; i < group.n && i < CANDIDATES; i++)
		if (reader_http_canonical(state->reader, index_exchange(&group, i), &recorded) >
			    0 &&
		    slice_equal(recorded, asked))
			return index_exchange(&group, i);
	return 0;
}

static void say_difference(struct answers_state *state, struct slice asked, int64_t nearest)
{
	struct stored_exchange exchange;
	struct slice recorded;

	if (reader_http_canonical(state->reader, nearest, &recorded) <= 0)
		return;
	if (http_difference(recorded, asked, &state->difference))
		return;
	if (reader_exchange(state->reader, nearest, &exchange) > 0 &&
	    exchange.outcome != OUTCOME_OK && exchange.outcome != OUTCOME_ERROR)
		say_why_unservable(&state->difference, &exchange);
	else
		buffer_append_string(&state->difference, "it was recorded at another address");
}

void http_nearest_explain(struct answers_state *state, const struct http_request *request,
			  uint64_t hash)
{
	struct candidates candidates = { .n = 0 };
	struct slice asked = buffer_slice(&state->json);
	int64_t nearest = same_unservable(state, asked, hash);
	struct stored_exchange exchange;
	struct http_request recorded;
	struct arena arena;

	if (nearest && reader_exchange(state->reader, nearest, &exchange) > 0) {
		say_why_unservable(&state->difference, &exchange);
	} else {
		find_candidates(state, request, &candidates);
		nearest = least_different(state, asked, &candidates);
		if (nearest)
			say_difference(state, asked, nearest);
	}
	arena_init(&arena);
	if (nearest && reader_http_request(state->reader, nearest, &arena, &recorded) > 0)
		http_nearest_line(&state->nearest, &recorded);
	arena_release(&arena);
}
