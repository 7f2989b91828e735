/* SPDX-License-Identifier: Apache-2.0 */
/* The identity of COPY data; see copy.h. */
#include "parsers/copy.h"

#include <stdlib.h>
#include <xxhash.h>

struct copy_digest {
	XXH3_state_t *state;
	bool binary;
	bool open_line; /* the last line has no end yet */
};

static const struct slice end_names[] = {
	[COPY_DONE] = { (const uint8_t *)"done", 4 },
	[COPY_FAILED] = { (const uint8_t *)"failed", 6 },
	[COPY_REFUSED] = { (const uint8_t *)"refused", 7 },
};

struct slice copy_end_name(enum copy_end end)
{
	return end_names[end];
}

enum copy_end copy_end_by_name(struct slice name)
{
	for (int end = COPY_DONE; end <= COPY_REFUSED; end++)
		if (slice_equal(name, end_names[end]))
			return (enum copy_end)end;
	return COPY_UNFINISHED;
}

struct copy_digest *copy_digest_new(bool binary)
{
	struct copy_digest *digest = calloc(1, sizeof(*digest));

	if (digest)
		digest->state = XXH3_createState();
	if (!digest || !digest->state)
		abort();
	XXH3_128bits_reset(digest->state);
	digest->binary = binary;
	return digest;
}

void copy_digest_free(struct copy_digest *digest)
{
	if (!digest)
		return;
	XXH3_freeState(digest->state);
	free(digest);
}

void copy_digest_add(struct copy_digest *digest, struct slice bytes)
{
	if (!bytes.size)
		return;
	XXH3_128bits_update(digest->state, bytes.data, bytes.size);
	digest->open_line = !digest->binary && bytes.data[bytes.size - 1] != '\n';
}

static void give(XXH128_hash_t hash, uint8_t ret_digest[COPY_DIGEST_BYTES])
{
	XXH128_canonical_t canonical;

	XXH128_canonicalFromHash(&canonical, hash);
	memcpy(ret_digest, canonical.digest, COPY_DIGEST_BYTES);
}

void copy_digest_get(const struct copy_digest *digest, uint8_t ret_digest[COPY_DIGEST_BYTES])
{
	XXH3_state_t *state;

	if (!digest->open_line) {
		give(XXH3_128bits_digest(digest->state), ret_digest);
		return;
	}
	state = XXH3_createState();
	if (!state)
		abort();
	XXH3_copyState(state, digest->state);
	XXH3_128bits_update(state, "\n", 1);
	give(XXH3_128bits_digest(state), ret_digest);
	XXH3_freeState(state);
}

void copy_digest_failed(struct slice message, uint8_t ret_digest[COPY_DIGEST_BYTES])
{
	give(XXH3_128bits(message.size ? (const void *)message.data : "", message.size),
	     ret_digest);
}

uint64_t copy_hash(uint64_t hash, const struct copy_identity *copy)
{
	hash = XXH3_64bits_withSeed(copy->digest, COPY_DIGEST_BYTES, hash ^ copy->end);
	return hash ? hash : 1;
}
