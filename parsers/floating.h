/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Floating: IEEE floats of 4 and 8 bytes to decimal digits and back, exactly and without a locale. How digits are laid out
 * as a text is the protocol's own.
 */
#ifndef MOCKPROXY_FLOATING_H
#define MOCKPROXY_FLOATING_H

#include "parsers/compiler.h"
#include "parsers/slice.h"

enum float_kind { FLOAT_FINITE, FLOAT_INFINITE, FLOAT_NAN };

/* The most digits that anybody asks for: 309 before the point of a double, and 38 behind it. */
#define FLOAT_DIGITS_MAX 352
#define FLOAT_DECIMALS_MAX 38

/* d.dddd * 10^exponent; no digits (n = 0) are zero. Neither the first nor the last digit is '0'. */
struct float_digits {
	uint8_t kind; /* enum float_kind; digits only of FINITE */
	bool negative;
	int exponent; /* of the first digit */
	size_t n;
	uint8_t digits[FLOAT_DIGITS_MAX]; /* '0' to '9' */
};

/*
 * The fewest digits that are nearer to this float than to any other. `width` is 4 or 8. A decimal exactly between two floats
 * is read as the even one: with `ties` it may be the result where it is shorter.
 */
void float_shortest(unsigned int width, uint64_t bits, bool ties, struct float_digits *ret_digits);

/* A double's first `n` digits, n > 0, rounded half to even. */
void float_significant(uint64_t bits, unsigned int n, struct float_digits *ret_digits);
/* A double with `decimals` digits behind the point, at most FLOAT_DECIMALS_MAX, rounded half to even. */
void float_fixed(uint64_t bits, unsigned int decimals, struct float_digits *ret_digits);

/* Digits with an optional point and exponent to the nearest float; -EINVAL: not that, or too large, or not 0 and too small. */
MUST_CHECK int float_read(unsigned int width, struct slice text, uint64_t *ret_bits);

uint64_t float_infinity(unsigned int width);
uint64_t float_nan(unsigned int width); /* the usual one */

#endif
