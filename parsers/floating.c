/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Floating: see floating.h.
 *
 * Exact arithmetic on large integers instead of the C library, whose number functions follow the
 * process's locale. Printing generates digits until no other float is as near (Steele and White
 * 1990; Burger and Dybvig 1996, free format). Reading divides exactly and rounds half to even.
 *
 * Sizes: the largest numbers are 10^1131 and its multiples by 2^54 (reading 800 digits around
 * 1e-330).
 */
#include "parsers/floating.h"

#include "parsers/cursor.h"

#include <assert.h>
#include <errno.h>

#define BIG_WORDS 128

/* A natural number, least significant word first; words[n - 1] is not 0. */
struct big {
	size_t n;
	uint32_t words[BIG_WORDS];
};

/* A format: value = mantissa * 2^exponent with a mantissa of `precision` bits. */
struct format {
	unsigned precision;
	int exponent_min; /* of the smallest numbers */
	unsigned biased_max;
	uint8_t width;
};

static const struct format formats[] = {
	{ 24, -149, 254, 4 },
	{ 53, -1074, 2046, 8 },
};

static const struct format *format_of(unsigned int width)
{
	return &formats[width == 8];
}

static void big_set(struct big *big, uint64_t value)
{
	big->n = 0;
	for (; value; value >>= 32)
		big->words[big->n++] = (uint32_t)value;
}

/* big = big * factor + more */
static void big_multiply(struct big *big, uint32_t factor, uint32_t more)
{
	uint64_t carry = more;

	for (size_t i = 0; i < big->n; i++) {
		carry += (uint64_t)big->words[i] * factor;
		big->words[i] = (uint32_t)carry;
		carry >>= 32;
	}
	if (carry) {
		assert(big->n < BIG_WORDS);
		big->words[big->n++] = (uint32_t)carry;
	}
}

static void big_multiply_power10(struct big *big, unsigned power)
{
	for (; power >= 9; power -= 9)
		big_multiply(big, 1000000000, 0);
	for (; power; power--)
		big_multiply(big, 10, 0);
}

static void big_shift(struct big *big, unsigned bits)
{
	size_t words = bits / 32;

	if (!big->n)
		return;
	assert(words < BIG_WORDS - big->n);
	memmove(big->words + words, big->words, big->n * sizeof(big->words[0]));
	memset(big->words, 0, words * sizeof(big->words[0]));
	big->n += words;
	if (bits % 32)
		big_multiply(big, 1U << bits % 32, 0);
}

static unsigned big_bits(const struct big *big)
{
	if (!big->n)
		return 0;
	return (unsigned)big->n * 32 - (unsigned)__builtin_clz(big->words[big->n - 1]);
}

static int big_compare(const struct big *a, const struct big *b)
{
	if (a->n != b->n)
		return a->n < b->n ? -1 : 1;
	for (size_t i = a->n; i-- > 0;)
		if (a->words[i] != b->words[i])
			return a->words[i] < b->words[i] ? -1 : 1;
	return 0;
}

/* a -= b, which is not more than a */
static void big_subtract(struct big *a, const struct big *b)
{
	int64_t carry = 0;

	for (size_t i = 0; i < a->n; i++) {
		carry += (int64_t)a->words[i] - (i < b->n ? b->words[i] : 0);
		a->words[i] = (uint32_t)carry;
		carry >>= 32;
	}
	while (a->n && !a->words[a->n - 1])
		a->n--;
}

/* a + b against c */
static int big_compare_sum(const struct big *a, const struct big *b, const struct big *c)
{
	size_t n = a->n > b->n ? a->n : b->n;
	struct big sum;
	uint64_t carry = 0;

	assert(n < BIG_WORDS);
	for (size_t i = 0; i < n; i++) {
		carry += (uint64_t)(i < a->n ? a->words[i] : 0) + (i < b->n ? b->words[i] : 0);
		sum.words[i] = (uint32_t)carry;
		carry >>= 32;
	}
	sum.words[n] = (uint32_t)carry;
	sum.n = n + (carry != 0);
	return big_compare(&sum, c);
}

/*
 * value = rest / scale; below and above are half the distances to the next floats, in the same
 * scale.
 */
struct digits {
	struct big rest, scale, below, above;
	int power; /* value < 10^power once it was found */
};

/* A float taken apart: mantissa * 2^exponent. */
struct parts {
	uint64_t mantissa;
	int exponent;
	bool narrow_below; /* the next smaller float is only half as far as the next larger */
};

static void digits_begin(struct digits *at, const struct parts *parts)
{
	unsigned up = parts->exponent > 0 ? (unsigned)parts->exponent : 0;
	unsigned down = parts->exponent < 0 ? (unsigned)-parts->exponent : 0;
	unsigned halves = parts->narrow_below ? 2 : 1;
	int power;

	big_set(&at->rest, parts->mantissa);
	power = ((int)big_bits(&at->rest) + parts->exponent - 1) * 30103 / 100000 -
		(parts->exponent < 0);
	big_shift(&at->rest, up + halves);
	big_set(&at->scale, 1);
	big_shift(&at->scale, down + halves);
	big_set(&at->below, 1);
	big_shift(&at->below, up);
	big_set(&at->above, parts->narrow_below ? 2 : 1);
	big_shift(&at->above, up);
	if (power >= 0) {
		big_multiply_power10(&at->scale, (unsigned)power);
	} else {
		big_multiply_power10(&at->rest, (unsigned)-power);
		big_multiply_power10(&at->below, (unsigned)-power);
		big_multiply_power10(&at->above, (unsigned)-power);
	}
	at->power = power;
}

/* The next digit; the rest stays. */
static uint8_t next_digit(struct digits *at)
{
	uint8_t digit = 0;

	big_multiply(&at->rest, 10, 0);
	for (; big_compare(&at->rest, &at->scale) >= 0; digit++)
		big_subtract(&at->rest, &at->scale);
	return digit;
}

/* `ties`: a decimal exactly between two floats belongs to this one. */
static void shortest_digits(const struct parts *parts, bool ties, struct float_digits *digits)
{
	struct digits at;

	digits_begin(&at, parts);
	for (; big_compare_sum(&at.rest, &at.above, &at.scale) >= !ties; at.power++)
		big_multiply(&at.scale, 10, 0);

	for (;;) {
		bool low, high;
		uint8_t digit = next_digit(&at);

		big_multiply(&at.below, 10, 0);
		big_multiply(&at.above, 10, 0);
		low = big_compare(&at.rest, &at.below) < ties;
		high = big_compare_sum(&at.rest, &at.above, &at.scale) >= !ties;
		if (low &&
		    high) { /* both are near enough: the nearer one, of equals the even one */
			int order = big_compare_sum(&at.rest, &at.rest, &at.scale);

			low = order < 0 || (order == 0 && digit % 2 == 0);
		}
		digits->digits[digits->n++] = (uint8_t)('0' + digit + (high && !low));
		if (low || high)
			break;
	}
	digits->exponent = at.power - 1;
}

/* Takes a float apart; false: it has no digits (zero, infinity, no number), and all is said. */
static bool take_apart(const struct format *format, uint64_t bits, struct float_digits *ret_digits,
		       struct parts *ret_parts)
{
	uint64_t hidden = 1ULL << (format->precision - 1);
	uint64_t mantissa = bits & (hidden - 1);
	unsigned biased = (unsigned)(bits >> (format->precision - 1)) & (format->biased_max | 1);

	ret_digits->kind = FLOAT_FINITE;
	ret_digits->negative = bits >> (format->width * 8 - 1) & 1;
	ret_digits->exponent = 0;
	ret_digits->n = 0;
	if (biased > format->biased_max) {
		ret_digits->kind = mantissa ? FLOAT_NAN : FLOAT_INFINITE;
		return false;
	}
	ret_parts->mantissa = biased ? mantissa | hidden : mantissa;
	ret_parts->exponent = format->exponent_min + (biased ? (int)biased - 1 : 0);
	ret_parts->narrow_below = !mantissa && biased > 1;
	return ret_parts->mantissa != 0;
}

void float_shortest(unsigned int width, uint64_t bits, bool ties, struct float_digits *ret_digits)
{
	struct parts parts;

	if (take_apart(format_of(width), bits, ret_digits, &parts))
		shortest_digits(&parts, ties && parts.mantissa % 2 == 0, ret_digits);
}

/* One more in the last digit. */
static void round_up(struct float_digits *digits)
{
	size_t n = digits->n;

	while (n && digits->digits[n - 1] == '9')
		n--;
	digits->n = n ? n : 1;
	if (n) {
		digits->digits[n - 1]++;
		return;
	}
	digits->digits[0] = '1';
	digits->exponent++;
}

/* `n` digits, or so many that `n` stand behind the point. */
static void rounded_digits(uint64_t bits, bool behind_point, int n, struct float_digits *ret_digits)
{
	struct digits at;
	struct parts parts;
	int order;

	if (!take_apart(format_of(8), bits, ret_digits, &parts))
		return;
	digits_begin(&at, &parts);
	for (; big_compare(&at.rest, &at.scale) >= 0; at.power++)
		big_multiply(&at.scale, 10, 0);
	if (behind_point)
		n += at.power;
	if (n < 0)
		return;
	ret_digits->exponent = at.power - 1;
	while (ret_digits->n < (size_t)n)
		ret_digits->digits[ret_digits->n++] = (uint8_t)('0' + next_digit(&at));
	order = big_compare_sum(&at.rest, &at.rest, &at.scale);
	if (order > 0 || (order == 0 && ret_digits->n && ret_digits->digits[ret_digits->n - 1] % 2))
		round_up(ret_digits);
	while (ret_digits->n && ret_digits->digits[ret_digits->n - 1] == '0')
		ret_digits->n--;
}

void float_significant(uint64_t bits, unsigned int n, struct float_digits *ret_digits)
{
	assert(n && n <= FLOAT_DIGITS_MAX);
	rounded_digits(bits, false, (int)n, ret_digits);
}

void float_fixed(uint64_t bits, unsigned int decimals, struct float_digits *ret_digits)
{
	assert(decimals <= FLOAT_DECIMALS_MAX);
	rounded_digits(bits, true, (int)decimals, ret_digits);
}

uint64_t float_infinity(unsigned int width)
{
	const struct format *format = format_of(width);

	return (uint64_t)(format->biased_max + 1) << (format->precision - 1);
}

uint64_t float_nan(unsigned int width)
{
	return float_infinity(width) | 1ULL << (format_of(width)->precision - 2);
}

/* More digits than these cannot change the result, except by not being zero. */
#define DIGITS_MAX 800

/* A decimal number: digits * 10^power; size is the power of ten of the first digit. */
struct decimal {
	struct big digits;
	int64_t power;
	int64_t size;
};

/* Reads digits, of which one point may be part; false when there is none. */
static bool read_mantissa(struct cursor *in, struct decimal *ret_decimal)
{
	bool any = false, point = false, more = false;
	size_t n = 0;

	big_set(&ret_decimal->digits, 0);
	ret_decimal->power = 0;
	for (; in->at != in->end; in->at++) {
		if (*in->at == '.' && !point) {
			point = true;
			continue;
		}
		if (*in->at < '0' || *in->at > '9')
			break;
		any = true;
		if (n < DIGITS_MAX) {
			uint8_t digit = (uint8_t)(*in->at - '0');

			if (!ret_decimal->digits.n)
				big_set(&ret_decimal->digits, digit);
			else
				big_multiply(&ret_decimal->digits, 10, digit);
			n += ret_decimal->digits.n != 0;
		} else {
			more |= *in->at != '0';
			ret_decimal->power++;
		}
		ret_decimal->power -= point;
	}
	if (more) { /* stands for all that was left out */
		big_multiply(&ret_decimal->digits, 10, 1);
		ret_decimal->power--;
		n++;
	}
	ret_decimal->size = ret_decimal->power + (int64_t)n - 1;
	return any;
}

static bool accept(struct cursor *in, uint8_t byte)
{
	if (in->at == in->end || *in->at != byte)
		return false;
	in->at++;
	return true;
}

/* 1 to 15 digits. */
static int64_t read_exponent(struct cursor *in)
{
	int64_t value = 0;
	size_t n = 0;

	for (; in->at != in->end && *in->at >= '0' && *in->at <= '9' && n < 15; n++)
		value = 10 * value + (*in->at++ - '0');
	in->failed |= !n;
	return value;
}

static bool read_decimal(struct cursor *in, struct decimal *ret_decimal)
{
	int64_t exponent = 0;
	bool negative;

	if (!read_mantissa(in, ret_decimal))
		return false;
	if (accept(in, 'e') || accept(in, 'E')) {
		negative = accept(in, '-');
		if (!negative)
			accept(in, '+');
		exponent = read_exponent(in);
		if (negative)
			exponent = -exponent;
	}
	ret_decimal->power += exponent;
	ret_decimal->size += exponent;
	return cursor_done(in);
}

/* The float nearest to numerator / denominator, or -EINVAL when there is none or only 0. */
static int round_quotient(const struct format *format, struct big *numerator,
			  struct big *denominator, uint64_t *ret_bits)
{
	unsigned precision = format->precision;
	/* The quotient lies between 2^(size - 1) and 2^(size + 1). */
	int size = (int)big_bits(numerator) - (int)big_bits(denominator);
	int exponent = size - (int)precision;
	uint64_t quotient = 0;
	uint64_t biased;
	bool half, more;
	int order;

	if (exponent < format->exponent_min)
		exponent = format->exponent_min;
	if (exponent < 0)
		big_shift(numerator, (unsigned)-exponent);
	big_shift(denominator, precision + (exponent > 0 ? (unsigned)exponent : 0));
	for (unsigned i = 0; i <= precision; i++) {
		quotient <<= 1;
		if (big_compare(numerator, denominator) >= 0) {
			big_subtract(numerator, denominator);
			quotient |= 1;
		}
		big_shift(numerator, 1);
	}
	order = big_compare(numerator, denominator);
	half = order >= 0;
	more = order > 0;
	if (quotient >> precision) { /* one bit more than fits */
		half = quotient & 1;
		more = numerator->n != 0;
		quotient >>= 1;
		exponent++;
	}
	if (half && (more || (quotient & 1)))
		quotient++;
	if (quotient >> precision) {
		quotient >>= 1;
		exponent++;
	}
	if (!quotient)
		return -EINVAL;
	biased = quotient >> (precision - 1) ? (uint64_t)(exponent - format->exponent_min + 1) : 0;
	if (biased > format->biased_max)
		return -EINVAL;
	*ret_bits = biased << (precision - 1) | (quotient & ((1ULL << (precision - 1)) - 1));
	return 0;
}

static int decimal_to_bits(const struct format *format, struct decimal *decimal, uint64_t *ret_bits)
{
	struct big denominator;

	if (!decimal->digits.n) {
		*ret_bits = 0;
		return 0;
	}
	if (decimal->size > 310 || decimal->size < -330)
		return -EINVAL;
	big_set(&denominator, 1);
	if (decimal->power >= 0)
		big_multiply_power10(&decimal->digits, (unsigned)decimal->power);
	else
		big_multiply_power10(&denominator, (unsigned)-decimal->power);
	return round_quotient(format, &decimal->digits, &denominator, ret_bits);
}

int float_read(unsigned int width, struct slice text, uint64_t *ret_bits)
{
	struct cursor in = cursor_of(text);
	struct decimal decimal;

	if (!read_decimal(&in, &decimal))
		return -EINVAL;
	return decimal_to_bits(format_of(width), &decimal, ret_bits);
}
