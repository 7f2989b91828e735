/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MySQL values: FLOAT and DOUBLE. The text protocol prints the fewest digits that give the same double, a FLOAT at most
 * six of them; a column of fixed decimals that many behind the point. Layout as MySQL 9.7 and MariaDB 10.11 have it: an
 * exponent below 1e-15, and from 1e15 on where there is nothing behind the point.
 */
#include "parsers/floating.h"
#include "parsers/mysql/values_internal.h"

#include <errno.h>

#define FLOAT_SIGNIFICANT 6
#define EXPONENT_MAX 15

static void append_zeros(struct buffer *text, int n)
{
	for (; n > 0; n--)
		buffer_append_u8(text, '0');
}

/* `decimals` digits behind the point; -1: as many as there are. */
static void append_plain(struct buffer *text, const struct float_digits *digits, int decimals)
{
	int point = digits->n ? digits->exponent + 1 : 0; /* digits before it */
	int n = (int)digits->n, leading = point > 0 ? 0 : -point, whole = point < n ? point : n;

	if (decimals < 0)
		decimals = n > point && n ? n - point : 0;
	if (whole > 0) {
		buffer_append(text, digits->digits, (size_t)whole);
		append_zeros(text, point - whole);
	} else {
		buffer_append_u8(text, '0');
		whole = 0;
	}
	if (!decimals)
		return;
	buffer_append_u8(text, '.');
	if (leading > decimals)
		leading = decimals;
	append_zeros(text, leading);
	buffer_append(text, digits->digits + whole, (size_t)(n - whole));
	append_zeros(text, decimals - leading - (n - whole));
}

static void append_scientific(struct buffer *text, const struct float_digits *digits)
{
	buffer_append_u8(text, digits->digits[0]);
	if (digits->n > 1) {
		buffer_append_u8(text, '.');
		buffer_append(text, digits->digits + 1, digits->n - 1);
	}
	buffer_append_u8(text, 'e');
	buffer_append_signed(text, digits->exponent);
}

static void append_free(struct buffer *text, const struct float_digits *digits)
{
	int point = digits->exponent + 1;

	if (digits->negative)
		buffer_append_u8(text, '-');
	if (digits->n &&
	    (point <= -EXPONENT_MAX || (point > EXPONENT_MAX && (int)digits->n <= point)))
		append_scientific(text, digits);
	else
		append_plain(text, digits, -1);
}

int my_float_to_text(unsigned int width, struct slice bytes, struct buffer *text)
{
	struct float_digits digits;
	uint64_t bits = 0;

	if (bytes.size != width)
		return -EINVAL;
	for (size_t i = width; i-- > 0;)
		bits = bits << 8 | bytes.data[i];
	float_shortest(width, bits, true, &digits);
	if (digits.kind != FLOAT_FINITE) /* no server gives one */
		return -ENOTSUP;
	append_free(text, &digits);
	return 0;
}

static int read_float(unsigned int width, struct slice text, uint64_t *ret_bits)
{
	bool negative = text.size && text.data[0] == '-';
	int error;

	if (negative)
		text = slice_of(text.data + 1, text.size - 1);
	error = float_read(width, text, ret_bits);
	if (!error && negative)
		*ret_bits |= 1ULL << (8 * width - 1);
	return error;
}

int my_float_to_binary(unsigned int width, struct slice text, struct buffer *bytes)
{
	uint64_t bits;
	int error = read_float(width, text, &bits);

	if (!error)
		buffer_append_le(bytes, bits, width);
	return error;
}

/* The double of a float, which is exact. */
static uint64_t widened(uint64_t bits)
{
	uint64_t sign = bits >> 31 << 63, mantissa = bits & 0x7fffff;
	uint64_t exponent = bits >> 23 & 0xff;

	if (!exponent && !mantissa)
		return sign;
	if (!exponent) { /* too small for a hidden bit, which a double has room for */
		for (exponent = 1; !(mantissa & 0x800000); exponent--)
			mantissa <<= 1;
		mantissa &= 0x7fffff;
	}
	return sign | (exponent + 1023 - 127) << 52 | mantissa << 29;
}

int my_float_for_column(unsigned int width, unsigned int decimals, struct slice text,
			struct buffer *out)
{
	struct float_digits digits, rounded;
	uint64_t bits;
	int error = read_float(width, text, &bits);

	if (error)
		return error;
	if (width == 4)
		bits = widened(bits);
	/* The fewest digits win over exact ones where they are fewer than there is room for. */
	float_shortest(8, bits, true, &digits);
	if (decimals >= MY_DECIMALS_FREE) {
		if (width == 4 && digits.n > FLOAT_SIGNIFICANT)
			float_significant(bits, FLOAT_SIGNIFICANT, &digits);
		append_free(out, &digits);
		return 0;
	}
	if ((int)digits.n > digits.exponent + 1 + (int)decimals) {
		float_fixed(bits, decimals, &rounded);
		digits = rounded;
	}
	if (digits.negative)
		buffer_append_u8(out, '-');
	append_plain(out, &digits, (int)decimals);
	return 0;
}
