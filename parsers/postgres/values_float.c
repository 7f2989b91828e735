/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PostgreSQL values: float4 and float8, printed in the fewest digits that read back as the same
 * number.
 *
 * Exact arithmetic on large integers instead of the C library, whose number functions follow the
 * process's locale. Printing generates digits until no other float is as near (Steele and White
 * 1990; Burger and Dybvig 1996, free format); as in the server since version 12, never a decimal
 * exactly between two floats, which readers round differently. Reading divides exactly and rounds
 * half to even. Layout: documentation 8.1.3.
 *
 * Sizes: the largest numbers are 10^1131 and its multiples by 2^54 (reading 800 digits around
 * 1e-330).
 */
#include "parsers/postgres/values_internal.h"

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
	int fixed_below; /* decimal exponents from here on are printed as such */
	uint8_t width;
};

static const struct format formats[] = {
	{ 24, -149, 254, 6, 4 },
	{ 53, -1074, 2046, 15, 8 },
};

static const struct format *format_of(uint8_t width)
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
};

/*
 * The digits of mantissa * 2^exponent; returns their number, *ret_exponent is the first one's power
 * of ten.
 */
static size_t shortest_digits(uint64_t mantissa, int exponent, bool narrow_below, uint8_t *digits,
			      int *ret_exponent)
{
	unsigned up = exponent > 0 ? (unsigned)exponent : 0;
	unsigned down = exponent < 0 ? (unsigned)-exponent : 0;
	unsigned halves = narrow_below ? 2 : 1;
	int power; /* value < 10^power */
	size_t n = 0;
	struct digits at;

	big_set(&at.rest, mantissa);
	power = ((int)big_bits(&at.rest) + exponent - 1) * 30103 / 100000 - (exponent < 0);
	big_shift(&at.rest, up + halves);
	big_set(&at.scale, 1);
	big_shift(&at.scale, down + halves);
	big_set(&at.below, 1);
	big_shift(&at.below, up);
	big_set(&at.above, narrow_below ? 2 : 1);
	big_shift(&at.above, up);
	if (power >= 0) {
		big_multiply_power10(&at.scale, (unsigned)power);
	} else {
		big_multiply_power10(&at.rest, (unsigned)-power);
		big_multiply_power10(&at.below, (unsigned)-power);
		big_multiply_power10(&at.above, (unsigned)-power);
	}
	for (; big_compare_sum(&at.rest, &at.above, &at.scale) > 0; power++)
		big_multiply(&at.scale, 10, 0);

	for (;;) {
		bool low, high;
		uint8_t digit = 0;

		big_multiply(&at.rest, 10, 0);
		big_multiply(&at.below, 10, 0);
		big_multiply(&at.above, 10, 0);
		for (; big_compare(&at.rest, &at.scale) >= 0; digit++)
			big_subtract(&at.rest, &at.scale);
		low = big_compare(&at.rest, &at.below) < 0;
		high = big_compare_sum(&at.rest, &at.above, &at.scale) > 0;
		if (low &&
		    high) { /* both are near enough: the nearer one, of equals the even one */
			int order = big_compare_sum(&at.rest, &at.rest, &at.scale);

			low = order < 0 || (order == 0 && digit % 2 == 0);
		}
		digits[n++] = (uint8_t)('0' + digit + (high && !low));
		if (low || high)
			break;
	}
	*ret_exponent = power - 1;
	return n;
}

static void append_scientific(struct buffer *text, const uint8_t *digits, size_t n, int exponent)
{
	buffer_append_u8(text, digits[0]);
	if (n > 1) {
		buffer_append_u8(text, '.');
		buffer_append(text, digits + 1, n - 1);
	}
	buffer_append_u8(text, 'e');
	buffer_append_u8(text, exponent < 0 ? '-' : '+');
	pg_append_padded(text, (uint64_t)(exponent < 0 ? -exponent : exponent), 2);
}

static void append_fixed(struct buffer *text, const uint8_t *digits, size_t n, int exponent)
{
	size_t whole = exponent < 0 ? 0 : (size_t)exponent + 1;

	if (!whole) {
		buffer_append_string(text, "0.");
		for (int i = -1; i > exponent; i--)
			buffer_append_u8(text, '0');
		buffer_append(text, digits, n);
		return;
	}
	buffer_append(text, digits, n < whole ? n : whole);
	for (size_t i = n; i < whole; i++)
		buffer_append_u8(text, '0');
	if (n > whole) {
		buffer_append_u8(text, '.');
		buffer_append(text, digits + whole, n - whole);
	}
}

static int bits_to_text(const struct format *format, uint64_t bits, struct buffer *text)
{
	uint64_t hidden = 1ULL << (format->precision - 1);
	uint64_t mantissa = bits & (hidden - 1);
	unsigned biased = (unsigned)(bits >> (format->precision - 1)) & (format->biased_max | 1);
	bool negative = bits >> (format->width * 8 - 1);
	uint8_t digits[24];
	int exponent;
	size_t n;

	if (biased > format->biased_max && mantissa) {
		/* One of many bit patterns: only the usual one can come back. */
		if (negative || mantissa != hidden >> 1)
			return -EINVAL;
		buffer_append_string(text, "NaN");
		return 0;
	}
	if (negative)
		buffer_append_u8(text, '-');
	if (biased > format->biased_max) {
		buffer_append_string(text, "Infinity");
		return 0;
	}
	if (!biased && !mantissa) {
		buffer_append_u8(text, '0');
		return 0;
	}
	n = shortest_digits(biased ? mantissa | hidden : mantissa,
			    format->exponent_min + (biased ? (int)biased - 1 : 0),
			    !mantissa && biased > 1, digits, &exponent);
	if (exponent < -4 || exponent >= format->fixed_below)
		append_scientific(text, digits, n, exponent);
	else
		append_fixed(text, digits, n, exponent);
	return 0;
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

static bool read_decimal(struct cursor *in, struct decimal *ret_decimal)
{
	int64_t exponent = 0;
	bool negative;

	if (!read_mantissa(in, ret_decimal))
		return false;
	if (pg_accept(in, 'e') || pg_accept(in, 'E')) {
		negative = pg_accept(in, '-');
		if (!negative)
			pg_accept(in, '+');
		exponent = (int64_t)pg_read_digits(in, 1, 15);
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

static int text_to_bits(const struct format *format, struct slice text, uint64_t *ret_bits)
{
	uint64_t infinity = (uint64_t)(format->biased_max + 1) << (format->precision - 1);
	struct cursor in = cursor_of(pg_trim(text));
	struct decimal decimal;
	struct slice word;
	bool negative;
	int error = 0;

	if (slice_equal_nocase(pg_trim(text), SLICE("nan"))) {
		*ret_bits = infinity | 1ULL << (format->precision - 2);
		return 0;
	}
	negative = pg_accept(&in, '-');
	if (!negative)
		pg_accept(&in, '+');
	word = slice_of(in.at, cursor_left(&in));
	if (slice_equal_nocase(word, SLICE("infinity")) || slice_equal_nocase(word, SLICE("inf")))
		*ret_bits = infinity;
	else if (read_decimal(&in, &decimal))
		error = decimal_to_bits(format, &decimal, ret_bits);
	else
		error = -EINVAL;
	if (!error && negative)
		*ret_bits |= 1ULL << (format->width * 8 - 1);
	return error;
}

int pg_float8_to_text(uint64_t bits, struct buffer *text)
{
	return bits_to_text(format_of(8), bits, text);
}

int pg_float8_read(struct cursor *in, const char *stops, uint64_t *ret_bits)
{
	const uint8_t *start = in->at;

	while (in->at != in->end && !(*in->at && strchr(stops, *in->at)))
		in->at++;
	return text_to_bits(format_of(8), slice_of(start, (size_t)(in->at - start)), ret_bits);
}

static int float_to_text(const struct pg_type *type, struct slice bytes, struct buffer *text)
{
	struct cursor in = cursor_of(bytes);
	uint64_t bits = type->width == 8 ? cursor_u64be(&in) : cursor_u32be(&in);

	return bits_to_text(format_of(type->width), bits, text);
}

static int float_to_binary(const struct pg_type *type, struct slice text, struct buffer *bytes)
{
	uint64_t bits;
	int error = text_to_bits(format_of(type->width), text, &bits);

	if (error)
		return error;
	if (type->width == 8)
		buffer_append_u64be(bytes, bits);
	else
		buffer_append_u32be(bytes, (uint32_t)bits);
	return 0;
}

const struct pg_codec pg_codec_float = { float_to_text, float_to_binary, true };
