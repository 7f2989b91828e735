/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Large multipart bodies; see multipart.h. As in identity_body.c a delimiter is digested as "--=" and any other "--" as "--!".
 *
 * Invariant: the last `matched` bytes that came are the first ones of the delimiter, "--" and the boundary, and are not
 * digested yet. More than one only at the beginning of a line.
 */
#include "parsers/http/multipart.h"

#include "parsers/http/signed_chunks.h"

#include <stdlib.h>
#include <xxhash.h>

struct http_multipart {
	XXH3_state_t *digest;
	uint64_t size;	/* of what was digested */
	size_t matched; /* of the delimiter */
	bool in_line;	/* something came in this line before what is matched */
	bool any;	/* a delimiter was met, or all chunks */
	size_t n_boundary;
	uint8_t boundary[HTTP_BOUNDARY_MAX];
	bool in_chunks; /* no multipart, but: */
	struct http_signed_chunks chunks;
};

static struct http_multipart *new_digest(void)
{
	struct http_multipart *new = calloc(1, sizeof(*new));

	if (!new || !(new->digest = XXH3_createState()))
		abort();
	XXH3_128bits_reset(new->digest);
	return new;
}

struct http_multipart *http_multipart_new(const struct http_fields *fields)
{
	struct slice type = http_field(fields, SLICE("content-type"));
	struct slice boundary = http_parameter(type, SLICE("boundary"));
	const struct slice multipart = SLICE("multipart/");
	struct http_multipart *new;

	if (http_has_signed_chunks(fields)) {
		new = new_digest();
		new->in_chunks = true;
		http_signed_chunks_init(&new->chunks);
		return new;
	}
	if (type.size <= multipart.size || !boundary.size || boundary.size > HTTP_BOUNDARY_MAX ||
	    memchr(boundary.data, '\n', boundary.size) ||
	    !slice_equal_nocase(slice_of(type.data, multipart.size), multipart))
		return NULL;
	new = new_digest();
	memcpy(new->boundary, boundary.data, boundary.size);
	new->n_boundary = boundary.size;
	return new;
}

void http_multipart_free(struct http_multipart *multipart)
{
	if (!multipart)
		return;
	XXH3_freeState(multipart->digest);
	free(multipart);
}

static void add(struct http_multipart *multipart, const void *bytes, size_t size)
{
	XXH3_128bits_update(multipart->digest, bytes, size);
	multipart->size += size;
}

/* Digests up to the next dash: what comes before it, in no delimiter. */
static size_t pass(struct http_multipart *multipart, struct slice bytes)
{
	const uint8_t *dash = memchr(bytes.data, '-', bytes.size);
	size_t size = dash ? (size_t)(dash - bytes.data) : bytes.size;

	if (!size)
		return 0;
	add(multipart, bytes.data, size);
	multipart->in_line = bytes.data[size - 1] != '\n';
	return size;
}

/* What is matched is no delimiter. Behind its two dashes is a part of the boundary, which may have dashes of its own. */
static void mismatch(struct http_multipart *multipart)
{
	size_t n = multipart->matched;

	multipart->matched = 0;
	multipart->in_line = true;
	if (n < 2) {
		add(multipart, "-", n);
		return;
	}
	add(multipart, "--!", 3);
	http_multipart_see(multipart, slice_of(multipart->boundary, n - 2));
}

/* Does this byte go on with what is matched? */
static bool matches(const struct http_multipart *multipart, uint8_t byte)
{
	size_t n = multipart->matched;

	return byte == (n < 2 ? '-' : multipart->boundary[n - 2]);
}

/* One more byte is matched. */
static void matched(struct http_multipart *multipart)
{
	multipart->matched++;
	if (multipart->matched == 2 && multipart->in_line) {
		mismatch(multipart);
	} else if (multipart->matched == 2 + multipart->n_boundary) {
		multipart->matched = 0;
		multipart->in_line = multipart->any = true;
		add(multipart, "--=", 3);
	}
}

void http_multipart_see(struct http_multipart *multipart, struct slice bytes)
{
	struct slice counts;
	size_t at = 0;

	if (multipart && multipart->in_chunks) {
		while (http_signed_chunks_next(&multipart->chunks, &bytes, &counts))
			add(multipart, counts.data, counts.size);
		return;
	}
	while (multipart && at < bytes.size) {
		if (!multipart->matched)
			at += pass(multipart, slice_of(bytes.data + at, bytes.size - at));
		if (at == bytes.size)
			return;
		if (matches(multipart, bytes.data[at])) {
			matched(multipart);
			at++;
		} else {
			mismatch(multipart);
		}
	}
}

void http_multipart_end(struct http_multipart *multipart, struct http_content *content)
{
	XXH128_hash_t digest;

	/* What is matched now is at most one dash the second time. */
	while (multipart && multipart->matched)
		mismatch(multipart);
	if (multipart && multipart->in_chunks)
		multipart->any = http_signed_chunks_whole(&multipart->chunks);
	if (!multipart || !multipart->any)
		return;
	digest = XXH3_128bits_digest(multipart->digest);
	content->multipart = true;
	content->parts_size = multipart->size;
	content->digest[0] = digest.low64;
	content->digest[1] = digest.high64;
}
