/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copy: what a client sends in a COPY FROM STDIN, or of its file for MySQL's LOAD DATA LOCAL INFILE, as part of the identity of its
 * request (design §7).
 *
 * Data may be larger than any memory, so it is known by a digest of its rows: the recorder makes one while they pass, and the
 * replayer while it takes them. How the data was cut into messages is nothing; nor is a line end that the last line lacks, but
 * in binary and in MySQL's files, whose lines may end otherwise.
 * Data that the client took back is known by what it said then, and not by how far it had come.
 */
#ifndef MOCKPROXY_COPY_H
#define MOCKPROXY_COPY_H

#include "parsers/buffer.h"

#define COPY_DIGEST_BYTES 16

enum copy_end {
	COPY_UNFINISHED,
	COPY_DONE,   /* all of it came */
	COPY_FAILED, /* the client gave up and said why */
	COPY_REFUSED, /* the server gave up before the client was done: the rows are how the data began */
};

struct copy_identity {
	uint8_t digest[COPY_DIGEST_BYTES];
	uint8_t end;		 /* enum copy_end */
	struct slice difference; /* for explaining a miss: what differs from the nearest */
};

/* Data that passed, or is to be given. */
struct copy_form {
	bool to_client; /* COPY TO STDOUT */
	bool binary;
	uint16_t columns;
};

/* The name that a recording has for an end; NULL data: unfinished, or none. */
struct slice copy_end_name(enum copy_end end);
enum copy_end copy_end_by_name(struct slice name);

struct copy_digest;
struct copy_digest *copy_digest_new(bool binary);
void copy_digest_free(struct copy_digest *digest); /* accepts NULL */
/* The next bytes of rows: lines of text with their line ends, or bytes that are not looked into: binary tuples, a file. */
void copy_digest_add(struct copy_digest *digest, struct slice bytes);
/* Of the rows so far. */
void copy_digest_get(const struct copy_digest *digest, uint8_t ret_digest[COPY_DIGEST_BYTES]);
/* Of data that the client took back. */
void copy_digest_failed(struct slice message, uint8_t ret_digest[COPY_DIGEST_BYTES]);

/* The hash of a request whose statement's hash is `hash` and that brings this data. Never 0. */
uint64_t copy_hash(uint64_t hash, const struct copy_identity *copy);

#endif
