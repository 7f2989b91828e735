/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows on their way to a client, whatever its protocol: a chunk opened where an answer stands in it, and rows with values that the
 * recording holds in parts. Such a row is never whole in memory: it is its own bytes, encoded at once, and the parts, read when it is
 * their turn.
 *
 *	bytes:  [ length, values, length | length, values | ... ]
 *	cuts:                            ^ part 1        ^ part 2
 */
#ifndef MOCKPROXY_LARGE_ROW_H
#define MOCKPROXY_LARGE_ROW_H

#include "parsers/answers.h"
#include "parsers/compiler.h"

struct row_cut {
	size_t at; /* in `bytes`: the part comes before this one */
	uint64_t part;
	uint64_t left; /* of its bytes */
};

struct large_row {
	bool on; /* begun, and not complete */
	struct buffer bytes;
	size_t at;
	struct row_cut *cuts;
	size_t n_cuts;
	size_t cuts_capacity;
	size_t cut;
	uint32_t sequence; /* of the part's pieces */
};

void large_row_init(struct large_row *row);
void large_row_release(struct large_row *row);

/* An empty row. Its owner appends to `bytes`, and each part where it comes. */
void large_row_clear(struct large_row *row);
void large_row_add_part(struct large_row *row, const struct answer_value *value);
/* All of it is there; *ret_size: with its parts. False: it is larger than `max`, or its own bytes are than is held. */
MUST_CHECK bool large_row_begin(struct large_row *row, uint64_t max, uint64_t *ret_size);
/*
 * The next of its bytes, valid until the next call: 1; 0: it is complete; -EINVAL: the recording does not hold the parts as it says.
 */
MUST_CHECK int large_row_next(struct large_row *row, const struct answers *answers,
			      uint64_t exchange, struct slice *ret_bytes);

static inline bool row_has_parts(const struct answer_value *values, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (answer_is_part(&values[i]))
			return true;
	return false;
}

/* Opens a chunk of a result behind the rows that were sent before: 0, negative errno. */
MUST_CHECK int row_chunk_open(const struct answers *answers, uint64_t exchange, uint32_t number,
			      uint32_t chunk, uint64_t rows_sent);

#endif
