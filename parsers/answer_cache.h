/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answer cache: encoded answers that were sent before, so that a hot request costs a hash, a look-up and a write
 * (design §6). One for each worker, shared by its connections; small answers only, bounded in bytes. A place holds
 * one answer and the newest wins, which needs no order to be kept.
 */
#ifndef MOCKPROXY_ANSWER_CACHE_H
#define MOCKPROXY_ANSWER_CACHE_H

#include "parsers/slice.h"

/* Answers above this are not kept. */
#define ANSWER_CACHED_BYTES ((size_t)2 << 10)

struct answer_cache;

/* What makes two encodings of an exchange the same: `form` is the protocol's own. */
struct answer_key {
	uint64_t exchange;
	uint64_t form;
};

/* Of a worker: the hot answers of most programs, in 640 KiB and their bytes. */
#define ANSWER_CACHE_PLACES 16384

/* `places` is a power of two. */
struct answer_cache *answer_cache_new(size_t places);
void answer_cache_free(struct answer_cache *cache); /* accepts NULL */
/* An answer of this exchange may be looked for in a moment. `cache` may be NULL. */
void answer_cache_expect(const struct answer_cache *cache, uint64_t exchange);
/* Borrowed until the next put. `cache` may be NULL: nothing is ever found. */
bool answer_cache_find(const struct answer_cache *cache, struct answer_key key,
		       struct slice *ret_bytes, bool *ret_failed);
/* Keeps a copy when it is small enough and was put before: most of a large recording is asked for once. `failed`: the answer is an error. */
void answer_cache_put(struct answer_cache *cache, struct answer_key key, struct slice bytes,
		      bool failed);

#endif
