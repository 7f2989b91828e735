/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What makes two HTTP requests the same (design §7): their canonical texts are equal. Writer and replayer call the same
 * function, so they cannot disagree.
 *
 *	POST http://shop.test:8080/items
 *	?id=1                             query pairs, decoded, in any order
 *	accept: application/json          headers that mean something, in the order of their names
 *	(json)
 *	{"a":1,"b":[true,"x"]}            the body by its media type
 *
 * Everything counts that is not in the table of noise: a header that nobody has heard of does. To accept every type, or every
 * language, is as good as no such header. Credentials count as they are masked. Two texts are equal only where the requests
 * are: each part is escaped.
 */
#ifndef MOCKPROXY_HTTP_IDENTITY_H
#define MOCKPROXY_HTTP_IDENTITY_H

#include "parsers/buffer.h"
#include "parsers/http/exchange.h"

/* A body above this is compared by its size and its digest. */
#define HTTP_COMPARED_MAX ((size_t)256 << 10)
/* A body may grow when it is made canonical: escapes, signs between. Above, its bytes are compared. */
#define HTTP_CANONICAL_MAX ((size_t)8 << 20)

/* What came of a body first. */
struct http_front {
	uint64_t size;
	uint64_t digest[2]; /* XXH3, 128 bits, low first */
};

struct http_content {
	struct slice bytes; /* without its content coding, when `decoded` */
	bool decoded;	    /* then Content-Encoding is no matter */
	uint64_t
		size; /* of the body as it passed; above HTTP_COMPARED_MAX `bytes` is empty, and instead */
	uint64_t digest[2]; /* XXH3, 128 bits, low first */
	bool multipart;	    /* the digest is that of multipart.h, of so many bytes: */
	uint64_t parts_size;
	bool unsent; /* nothing counts of the body: `size` is what was announced */
	/* Of what is asked: the fronts that answers->early() told the sizes of, as far as they came. */
	const struct http_front *fronts;
	size_t n_fronts;
	bool under_way; /* with `unsent`: more of it is to come */
};

/*
 * Of a request that was answered before all of its body was sent: such an answer depends on the head, on the length that
 * it announced (UINT64_MAX: none), and on what had come: no canonical text has that, since its size is chance.
 */
struct http_content http_content_unsent(const struct http_request *request);

/* Appends the canonical text; out->max at least HTTP_CANONICAL_MAX. */
void http_canonical(const struct http_request *request, const struct http_content *content,
		    struct buffer *out);

/* Of a canonical text; never 0. It selects, the text decides. */
uint64_t http_exact_hash(struct slice canonical);

/* Does a header of this name say nothing of what is asked for? Exact names, case aside. */
bool http_is_noise(struct slice name);
/* The table, for people: a name at each call with n from 0, NULL at its end. */
const char *http_noise(size_t n);

/* The value of parameter `name` in "type/subtype; name=value; ...", quotes off; data NULL: none. */
struct slice http_parameter(struct slice value, struct slice name);

/* identity_body.c: appends the canonical body of this media type (lower case, without parameters). */
void http_canonical_body(struct slice type, struct slice content_type, struct slice bytes,
			 struct buffer *out);
/* "a=1&b=%32", decoded and sorted, one line for each, behind `mark`. */
void http_canonical_pairs(struct slice text, const char *mark, struct buffer *out);

#endif
