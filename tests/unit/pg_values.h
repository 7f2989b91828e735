/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of PostgreSQL values share. A failed check fails the test and names the value.
 *
 * Values are handed over in heap blocks of their exact size, so that AddressSanitizer sees what is
 * read beyond.
 */
#ifndef MOCKPROXY_TESTS_UNIT_PG_VALUES_H
#define MOCKPROXY_TESTS_UNIT_PG_VALUES_H

#include "parsers/postgres/values_internal.h"

#define RESULT_MAX ((size_t)1 << 20)
#define HEX_MAX 512

struct pair {
	uint32_t type;
	const char *hex; /* spaces are skipped */
	const char *text;
};

struct bytes {
	uint8_t data[HEX_MAX];
	size_t size;
};

struct bytes from_hex(const char *hex);

/* The conversions, with the value in a block of its own. */
int to_text(uint32_t type, const uint8_t *data, size_t size, struct buffer *text);
int to_binary(uint32_t type, const char *string, struct buffer *bytes);

/* Each is converted in both directions, exactly; no other size of its bytes is. */
void expect_pairs(const struct pair *pairs, size_t n);
/* Spellings that only a person writes: they mean the bytes. */
void expect_accepted(const struct pair *pairs, size_t n);
/*
 * Neither these bytes nor these texts (NULL ends them) are values: -EINVAL, and nothing is
 * appended.
 */
void expect_bad_binary(const struct pair *pairs, size_t n);
void expect_refused(uint32_t type, ...) __attribute__((sentinel));

#endif
