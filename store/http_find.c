/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From an HTTP request to the exchange that answers it (design §7): equal canonical texts, at the place that the connection
 * means; pick.c has the order among those that are equal.
 *
 * A request says itself whom it asks, in Host. Where the connection is served by another place than it asked for, that name is
 * another too: what --map calls NEW is looked up as OLD; and where all that was recorded at the place went by one name,
 * any name means that one. Where the app's address is only another spelling of loopback, the same.
 */
#include "parsers/http/credentials.h"
#include "store/http_coding.h"
#include "store/http_match.h"
#include "store/http_reader.h"

#include <stdio.h>

#define AUTHORITY_BYTES 512
/* What a connection keeps between its requests. */
#define KEPT_BYTES ((size_t)16 << 10)

struct looked_up {
	struct answers_state *state;
	struct slice canonical;
	const struct http_content *content;
	bool created_only_once;
};

static enum match compare(void *context, int64_t exchange)
{
	const struct looked_up *looked_up = context;
	struct slice canonical;

	if (reader_http_canonical(looked_up->state->reader, exchange, &canonical) <= 0 ||
	    !slice_equal(canonical, looked_up->canonical))
		return MATCH_NO;
	if (looked_up->content->unsent &&
	    !http_early_matches(looked_up->state, (uint32_t)exchange, looked_up->content))
		return MATCH_NO;
	return MATCH_SAME_KIND;
}

/* A POST that made something, whose name is in the answer: a second one with the same name would be a wrong answer. */
static bool gives_once(void *context, int64_t exchange)
{
	const struct looked_up *looked_up = context;
	struct http_stored stored;
	struct arena arena;
	bool created;

	if (!looked_up->created_only_once)
		return false;
	arena_init(&arena);
	created = reader_http_response(looked_up->state->reader, exchange, &arena, &stored) > 0 &&
		  stored.head.status == 201;
	arena_release(&arena);
	return created;
}

static bool asked_before(struct answers_state *state, int64_t one, int64_t other)
{
	int64_t one_ns, other_ns;

	if (reader_started(state->reader, one, &one_ns) <= 0 ||
	    reader_started(state->reader, other, &other_ns) <= 0)
		return false;
	return one_ns != other_ns ? one_ns < other_ns : one < other;
}

/*
 * The request was recorded and nothing was said to it, before what `answered` is (0: nothing) was said to the same: its
 * exchange, or 0.
 */
static int64_t find_unanswered(struct answers_state *state, uint64_t hash, const struct pick *pick,
			       int64_t answered, bool *ret_used_up)
{
	const struct index *index = &state->matcher->index;
	struct index_group group =
		index_find(index, matcher_key(hash, state->place, MATCH_UNANSWERED));
	int64_t found;

	if (!answered) {
		found = pick_exchange(state->matcher, &group, pick, true, ret_used_up);
		if (found || *ret_used_up)
			return found;
		group = index_find(index, matcher_key(hash, state->place, MATCH_LOST));
		return pick_exchange(state->matcher, &group, pick, true, ret_used_up);
	}
	for (size_t i = group.n ? index_cursor(&group) : 0; i < group.n; i++) {
		found = index_exchange(&group, i);
		if (!asked_before(state, found, answered))
			break;
		if (compare(pick->context, found) != MATCH_NO && index_give(&group, i))
			return found;
	}
	return 0;
}

/* Looks one spelling of the request up; false: the next one may be known. */
static bool look_up(struct answers_state *state, const struct http_request *request,
		    const struct http_content *content, struct http_answer *answer, uint64_t *hash)
{
	struct looked_up looked_up = { .state = state,
				       .content = content,
				       .created_only_once =
					       slice_equal(request->method, SLICE("POST")) };
	struct pick pick = { .compare = compare, .gives_once = gives_once, .context = &looked_up };
	bool silence = state->matcher->n_http_unanswered && !content->unsent;
	struct index_group group;
	int64_t found = 0;

	buffer_clear(&state->json);
	http_canonical(request, content, &state->json);
	looked_up.canonical = buffer_slice(&state->json);
	*hash = http_exact_hash(looked_up.canonical);
	group = index_find(&state->matcher->index, matcher_key(*hash, state->place, MATCH_SERVED));
	if (content->under_way && !http_early_is_due(state, &group, content))
		return true;
	if (silence) {
		found = pick_exchange(state->matcher, &group, &pick, false, &answer->used_up);
		found = answer->used_up ?
				0 :
				find_unanswered(state, *hash, &pick, found, &answer->used_up);
	}
	if (!found && !answer->used_up)
		found = pick_exchange(state->matcher, &group, &pick, true, &answer->used_up);
	answer->exchange = (uint64_t)found;
	answer->rung = answer->exchange ? RUNG_EXACT : RUNG_MISS;
	return answer->exchange != 0 || answer->used_up;
}

/* ---- by what name ---- */

/* "127.0.0.1:8080", "localhost", "[::1]:80": without its port. */
static struct slice host_of(struct slice authority)
{
	for (size_t i = authority.size; i > 0; i--) {
		if (authority.data[i - 1] == ':')
			return slice_of(authority.data, i - 1);
		if (authority.data[i - 1] < '0' || authority.data[i - 1] > '9')
			break;
	}
	return authority;
}

static bool is_loopback(struct slice authority)
{
	struct slice host = host_of(authority);

	return slice_equal_nocase(host, SLICE("localhost")) ||
	       slice_starts_with(host, SLICE("127.")) || slice_equal(host, SLICE("[::1]"));
}

static bool same_port(struct slice a, struct slice b)
{
	struct slice left = host_of(a), right = host_of(b);

	return slice_equal(slice_of(a.data + left.size, a.size - left.size),
			   slice_of(b.data + right.size, b.size - right.size));
}

static size_t write_authority(char text[AUTHORITY_BYTES], const char *host, uint16_t port)
{
	bool v6 = strchr(host, ':') != NULL;
	int size;

	if (port == 80)
		size = snprintf(text, AUTHORITY_BYTES, v6 ? "[%s]" : "%s", host);
	else
		size = snprintf(text, AUTHORITY_BYTES, v6 ? "[%s]:%u" : "%s:%u", host, port);
	return size > 0 && size < AUTHORITY_BYTES ? (size_t)size : 0;
}

/* The name under which it was recorded, by --map; false: no map is about it. */
static bool mapped_authority(const struct answers_state *state, struct slice asked,
			     char text[AUTHORITY_BYTES], struct slice *ret_authority)
{
	const struct matcher_options *options = &state->matcher->options;

	for (size_t i = 0; i < options->n_maps; i++) {
		const struct matcher_map *map = &options->maps[i];
		size_t size = write_authority(text, map->new_host, map->new_port);

		if (!size || !slice_equal_nocase(slice_of(text, size), asked))
			continue;
		size = write_authority(text, map->old_host, map->old_port);
		*ret_authority = slice_of(text, size);
		return size > 0;
	}
	return false;
}

/* The only name of the place, where the one that was asked may stand for it. */
static bool only_authority(const struct answers_state *state, struct slice asked,
			   struct slice *ret_authority)
{
	const struct http_place *place = &state->matcher->http_places[state->place];
	struct slice only = slice_of(place->authority, place->size);

	if (!place->authority || place->several || slice_equal_nocase(only, asked))
		return false;
	*ret_authority = only;
	return state->place != state->asked_place ||
	       (is_loopback(asked) && is_loopback(only) && same_port(asked, only));
}

/* ---- the answers of a connection ---- */

/* The request by the name under which it may have been recorded. */
static bool by_other_name(const struct answers_state *state, const struct http_request *request,
			  char text[AUTHORITY_BYTES], struct http_request *ret_other)
{
	*ret_other = *request;
	return request->form != TARGET_AUTHORITY &&
	       (mapped_authority(state, request->authority, text, &ret_other->authority) ||
		only_authority(state, request->authority, &ret_other->authority));
}

static bool find_spelled(struct answers_state *state, const struct http_request *request,
			 const struct http_content *content, struct http_answer *answer,
			 uint64_t *hash)
{
	struct http_request other;
	char text[AUTHORITY_BYTES];
	uint64_t ignored;

	if (by_other_name(state, request, text, &other) &&
	    look_up(state, &other, content, answer, &ignored))
		return true;
	/* The last, since state->json holds what a miss is explained with. */
	return look_up(state, request, content, answer, hash);
}

static void miss(struct answers_state *state, const struct http_request *request, uint64_t hash,
		 struct http_answer *answer)
{
	buffer_clear(&state->asked);
	http_nearest_line(&state->asked, request);
	buffer_clear(&state->nearest);
	buffer_clear(&state->difference);
	if (answer->used_up) {
		buffer_append_slice(&state->nearest, buffer_slice(&state->asked));
		buffer_append_string(&state->difference, "every recorded answer was given already");
	} else {
		http_nearest_explain(state, request, hash);
	}
	nearest_remember(state, buffer_slice(&state->asked));
	atomic_fetch_add_explicit(&state->matcher->missed, 1, memory_order_relaxed);
	answer->asked = buffer_slice(&state->asked);
	answer->nearest = buffer_slice(&state->nearest);
	answer->difference = buffer_slice(&state->difference);
}

static void explain(struct answers_state *state, const struct http_request *request,
		    const struct http_answer *answer)
{
	buffer_clear(&state->asked);
	http_nearest_line(&state->asked, request);
	explain_match(state, buffer_slice(&state->asked), answer->exchange, request);
}

/* What was asked got an early answer once: the same head and the front of the same body did. */
static bool find_early(struct answers_state *state, const struct http_request *request,
		       const struct http_content *asked, struct http_answer *answer)
{
	struct http_content content = http_content_unsent(request);
	uint64_t hash;

	if (!state->matcher->n_http_early)
		return false;
	content.fronts = asked->fronts;
	content.n_fronts = asked->n_fronts;
	content.under_way = asked->unsent;
	return find_spelled(state, request, &content, answer, &hash);
}

static void http_early(void *context, const struct http_request *request,
		       struct http_fronts *ret_fronts)
{
	struct answers_state *state = context;
	struct http_request other;
	char text[AUTHORITY_BYTES];

	*ret_fronts = (struct http_fronts){ .n = 0 };
	if (!state->matcher->n_http_early)
		return;
	find_place(state, slice_of(NULL, 0));
	if (by_other_name(state, request, text, &other))
		http_early_fronts(state, &other, ret_fronts);
	http_early_fronts(state, request, ret_fronts);
}

/* The request is whole: that it was recorded whole is the better answer. */
static void find_whole(struct answers_state *state, const struct http_request *request,
		       const struct http_content *content, struct http_answer *answer,
		       uint64_t *hash)
{
	struct http_content compared = *content;
	struct buffer decoded;

	buffer_init(&decoded, HTTP_DECODED_MAX);
	if (content->size <= HTTP_COMPARED_MAX)
		compared = http_content_of(&request->fields, content->bytes, &decoded);
	/* Once more where that is a miss: state->json is what it is explained with. */
	if (!find_spelled(state, request, &compared, answer, hash) && content->size &&
	    !find_early(state, request, content, answer))
		find_spelled(state, request, &compared, answer, hash);
	buffer_release(&decoded);
}

static void http_find(void *context, const struct http_request *request,
		      const struct http_content *content, struct http_answer *ret_answer)
{
	struct answers_state *state = context;
	uint64_t hash = 0;

	arena_reset(&state->arena);
	*ret_answer = (struct http_answer){ .rung = RUNG_MISS };
	find_place(state, slice_of(NULL, 0));
	if (content->unsent)
		find_early(state, request, content, ret_answer);
	else
		find_whole(state, request, content, ret_answer, &hash);
	if (content->unsent && ret_answer->rung == RUNG_MISS)
		return;
	if (ret_answer->rung == RUNG_MISS)
		miss(state, request, hash, ret_answer);
	else
		atomic_fetch_add_explicit(&state->matcher->exact, 1, memory_order_relaxed);
	if (explain_wanted(state))
		explain(state, request, ret_answer);
}

static int http_response(void *context, uint64_t exchange, struct http_stored *ret_stored)
{
	struct answers_state *state = context;

	arena_reset(&state->arena);
	return exchange > INT64_MAX ? 0 :
				      reader_http_response(state->reader, (int64_t)exchange,
							   &state->arena, ret_stored);
}

static void http_done(void *context)
{
	struct answers_state *state = context;

	arena_reset(&state->arena);
	if (state->json.capacity > KEPT_BYTES)
		buffer_release(&state->json);
}

static int http_message(void *context, uint64_t exchange, uint32_t after,
			struct http_stored_message *ret_message)
{
	struct answers_state *state = context;
	int rc = exchange > INT64_MAX ?
			 0 :
			 reader_http_message(state->reader, (int64_t)exchange, after, ret_message);

	/* The row is another connection's as soon as that asks. */
	arena_reset(&state->arena);
	if (rc > 0)
		ret_message->body = arena_copy(&state->arena, ret_message->body);
	return rc;
}

static int http_arrival(void *context, uint64_t exchange, uint32_t after,
			struct http_stored_arrival *ret_arrival)
{
	struct answers_state *state = context;

	return exchange > INT64_MAX ?
		       0 :
		       reader_http_arrival(state->reader, (int64_t)exchange, after, ret_arrival);
}

static void http_miss_message(void *context, struct slice asked, struct slice difference)
{
	struct answers_state *state = context;

	buffer_clear(&state->nearest);
	buffer_clear(&state->difference);
	buffer_append_slice(&state->nearest, asked);
	buffer_append_slice(&state->difference, difference);
	nearest_remember(state, asked);
	atomic_fetch_add_explicit(&state->matcher->missed, 1, memory_order_relaxed);
}

const struct http_answers http_answers = {
	.find = http_find,
	.early = http_early,
	.response = http_response,
	.done = http_done,
	.message = http_message,
	.arrival = http_arrival,
	.miss_message = http_miss_message,
};
