/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checksum: what tells whether an exchange encodes back to the bytes that passed (record --verify). It does not depend on how
 * the bytes came in pieces, and two in a row can be made one. Against mistakes, not against malice.
 */
#ifndef MOCKPROXY_CHECKSUM_H
#define MOCKPROXY_CHECKSUM_H

#include "parsers/slice.h"

#define CHECKSUM_FACTOR UINT64_C(0x9e3779b97f4a7c15)

/* Zeroed it is that of no bytes. */
struct checksum {
	uint64_t sum;
	uint64_t bytes;
};

static inline void checksum_add(struct checksum *checksum, struct slice bytes)
{
	for (size_t i = 0; i < bytes.size; i++)
		checksum->sum = checksum->sum * CHECKSUM_FACTOR + bytes.data[i] + 1;
	checksum->bytes += bytes.size;
}

/* Appends what the bytes of `behind` made. */
static inline void checksum_join(struct checksum *checksum, const struct checksum *behind)
{
	uint64_t factor = CHECKSUM_FACTOR;

	for (uint64_t n = behind->bytes; n; n >>= 1, factor *= factor)
		if (n & 1)
			checksum->sum *= factor;
	checksum->sum += behind->sum;
	checksum->bytes += behind->bytes;
}

static inline bool checksum_equal(const struct checksum *a, const struct checksum *b)
{
	return a->sum == b->sum && a->bytes == b->bytes;
}

#endif
