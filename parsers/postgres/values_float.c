/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PostgreSQL values: float4 and float8, printed in the fewest digits that read back as the same number; as in the server
 * since version 12, never a decimal exactly between two floats. Layout: documentation 8.1.3.
 */
#include "parsers/floating.h"
#include "parsers/postgres/values_internal.h"

#include <errno.h>

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

static int bits_to_text(uint8_t width, uint64_t bits, struct buffer *text)
{
	struct float_digits digits;

	float_shortest(width, bits, false, &digits);
	if (digits.kind == FLOAT_NAN) {
		/* One of many bit patterns: only the usual one can come back. */
		if (bits != float_nan(width))
			return -EINVAL;
		buffer_append_string(text, "NaN");
		return 0;
	}
	if (digits.negative)
		buffer_append_u8(text, '-');
	if (digits.kind == FLOAT_INFINITE)
		buffer_append_string(text, "Infinity");
	else if (!digits.n)
		buffer_append_u8(text, '0');
	else if (digits.exponent < -4 || digits.exponent >= (width == 8 ? 15 : 6))
		append_scientific(text, digits.digits, digits.n, digits.exponent);
	else
		append_fixed(text, digits.digits, digits.n, digits.exponent);
	return 0;
}

static int text_to_bits(uint8_t width, struct slice text, uint64_t *ret_bits)
{
	struct cursor in = cursor_of(pg_trim(text));
	struct slice word;
	bool negative;
	int error = 0;

	if (slice_equal_nocase(pg_trim(text), SLICE("nan"))) {
		*ret_bits = float_nan(width);
		return 0;
	}
	negative = pg_accept(&in, '-');
	if (!negative)
		pg_accept(&in, '+');
	word = slice_of(in.at, cursor_left(&in));
	if (slice_equal_nocase(word, SLICE("infinity")) || slice_equal_nocase(word, SLICE("inf")))
		*ret_bits = float_infinity(width);
	else
		error = float_read(width, word, ret_bits);
	if (!error && negative)
		*ret_bits |= 1ULL << (width * 8 - 1);
	return error;
}

int pg_float8_to_text(uint64_t bits, struct buffer *text)
{
	return bits_to_text(8, bits, text);
}

int pg_float8_read(struct cursor *in, const char *stops, uint64_t *ret_bits)
{
	const uint8_t *start = in->at;

	while (in->at != in->end && !(*in->at && strchr(stops, *in->at)))
		in->at++;
	return text_to_bits(8, slice_of(start, (size_t)(in->at - start)), ret_bits);
}

static int float_to_text(const struct pg_type *type, struct slice bytes, struct buffer *text)
{
	struct cursor in = cursor_of(bytes);
	uint64_t bits = type->width == 8 ? cursor_u64be(&in) : cursor_u32be(&in);

	return bits_to_text(type->width, bits, text);
}

static int float_to_binary(const struct pg_type *type, struct slice text, struct buffer *bytes)
{
	uint64_t bits;
	int error = text_to_bits(type->width, text, &bits);

	if (error)
		return error;
	if (type->width == 8)
		buffer_append_u64be(bytes, bits);
	else
		buffer_append_u32be(bytes, (uint32_t)bits);
	return 0;
}

const struct pg_codec pg_codec_float = { float_to_text, float_to_binary, true };
