/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PostgreSQL values: numeric. Documentation 8.1.2; the binary form is what numeric_send gives.
 *
 *	count u16 | weight i16 | sign u16 | scale u16 | count digits of base 10000, u16 each
 *
 * value = sum of digits[i] * 10000^(weight - i); scale is how many decimal digits follow the point
 * in the text. The server sends no leading and no trailing zero digit, and none behind the scale:
 * other forms are -EINVAL, which makes the conversion exact.
 */
#include "parsers/postgres/values_internal.h"

#include <errno.h>

enum { NUMERIC_POSITIVE = 0, NUMERIC_NEGATIVE = 0x4000, NUMERIC_NAN = 0xc000 };
enum { NUMERIC_INFINITY = 0xd000, NUMERIC_MINUS_INFINITY = 0xf000 };
#define SCALE_MAX 0x3fff
#define WEIGHT_MAX 0x7fff
/* Scale that the server sends with an infinity: a bit of the sign, read as part of the scale. */
#define SCALE_INFINITY 0x20

struct numeric {
	uint16_t n;
	int16_t weight;
	uint16_t sign;
	uint16_t scale;
	const uint8_t *digits;
};

/* Reads the header; false when the size does not fit. */
static bool read_numeric(struct slice bytes, struct numeric *ret_numeric)
{
	struct cursor in = cursor_of(bytes);

	ret_numeric->n = cursor_u16be(&in);
	ret_numeric->weight = (int16_t)cursor_u16be(&in);
	ret_numeric->sign = cursor_u16be(&in);
	ret_numeric->scale = cursor_u16be(&in);
	ret_numeric->digits = in.at;
	return !in.failed && cursor_left(&in) == (size_t)ret_numeric->n * 2;
}

/* Digit of 10000^power, 0 where none was sent. */
static unsigned digit_at(const struct numeric *numeric, int power)
{
	int i = numeric->weight - power;

	if (i < 0 || i >= numeric->n)
		return 0;
	return (unsigned)numeric->digits[2 * i] << 8 | numeric->digits[2 * i + 1];
}

/* Is it the one form that the server sends for its value? */
static bool is_normal(const struct numeric *numeric)
{
	static const unsigned units[] = { 1, 1000, 100, 10 };
	int last = numeric->weight - numeric->n + 1;
	int groups = (numeric->scale + 3) / 4;

	if (numeric->scale > SCALE_MAX)
		return false;
	if (!numeric->n)
		return !numeric->weight && numeric->sign == NUMERIC_POSITIVE;
	for (int i = 0; i < numeric->n; i++)
		if (digit_at(numeric, numeric->weight - i) > 9999)
			return false;
	if (!digit_at(numeric, numeric->weight) || !digit_at(numeric, last))
		return false;
	return last > -groups ||
	       (last == -groups && digit_at(numeric, last) % units[numeric->scale % 4] == 0);
}

/*
 * As a server reads it: asyncpg and others send zero digits around the others (70000 is 7 and 0), which are not
 * kept. For values that are only compared.
 */
static void normalise(struct numeric *numeric)
{
	while (numeric->n && numeric->weight > INT16_MIN && !digit_at(numeric, numeric->weight)) {
		numeric->digits += 2;
		numeric->n--;
		numeric->weight--;
	}
	while (numeric->n && !digit_at(numeric, numeric->weight - numeric->n + 1))
		numeric->n--;
	if (numeric->n)
		return;
	numeric->weight = 0;
	numeric->sign = NUMERIC_POSITIVE;
}

static void put_group(uint8_t room[4], unsigned digit)
{
	room[0] = (uint8_t)('0' + digit / 1000);
	room[1] = (uint8_t)('0' + digit / 100 % 10);
	room[2] = (uint8_t)('0' + digit / 10 % 10);
	room[3] = (uint8_t)('0' + digit % 10);
}

static int finite_to_text(const struct numeric *numeric, struct buffer *text)
{
	uint8_t group[4];
	size_t left = numeric->scale;

	if (!is_normal(numeric))
		return -EINVAL;
	if (numeric->sign == NUMERIC_NEGATIVE)
		buffer_append_u8(text, '-');
	buffer_append_unsigned(text, numeric->weight < 0 ? 0 : digit_at(numeric, numeric->weight));
	for (int power = numeric->weight - 1; power >= 0; power--) {
		put_group(group, digit_at(numeric, power));
		buffer_append(text, group, sizeof(group));
	}
	if (left)
		buffer_append_u8(text, '.');
	for (int power = -1; left; power--) {
		size_t n = left < sizeof(group) ? left : sizeof(group);

		put_group(group, digit_at(numeric, power));
		buffer_append(text, group, n);
		left -= n;
	}
	return 0;
}

static int numeric_to_text(const struct pg_type *type, struct slice bytes, struct buffer *text)
{
	struct numeric numeric;
	const char *word;

	if (!read_numeric(bytes, &numeric))
		return -EINVAL;
	if (numeric.sign == NUMERIC_POSITIVE || numeric.sign == NUMERIC_NEGATIVE) {
		if (type->scope && type->scope->shown)
			normalise(&numeric);
		return finite_to_text(&numeric, text);
	}
	if (numeric.sign == NUMERIC_NAN)
		word = "NaN";
	else if (numeric.sign == NUMERIC_INFINITY)
		word = "Infinity";
	else if (numeric.sign == NUMERIC_MINUS_INFINITY)
		word = "-Infinity";
	else
		return -EINVAL;
	if (numeric.n || numeric.weight ||
	    numeric.scale != (numeric.sign == NUMERIC_NAN ? 0 : SCALE_INFINITY))
		return -EINVAL;
	buffer_append_string(text, word);
	return 0;
}

static void append_header(struct buffer *bytes, const struct numeric *numeric)
{
	buffer_append_u16be(bytes, numeric->n);
	buffer_append_u16be(bytes, (uint16_t)numeric->weight);
	buffer_append_u16be(bytes, numeric->sign);
	buffer_append_u16be(bytes, numeric->scale);
}

/* A decimal number as it is written: digits, of which `whole` stand before the point. */
struct decimal {
	const uint8_t *digits;
	size_t whole;
	size_t fraction;
	int64_t exponent;
};

static size_t count_digits(struct cursor *in)
{
	const uint8_t *start = in->at;

	while (in->at != in->end && *in->at >= '0' && *in->at <= '9')
		in->at++;
	return (size_t)(in->at - start);
}

static bool read_decimal(struct cursor *in, struct decimal *ret_decimal)
{
	bool negative;

	*ret_decimal = (struct decimal){ .digits = in->at };
	ret_decimal->whole = count_digits(in);
	if (pg_accept(in, '.'))
		ret_decimal->fraction = count_digits(in);
	if (!ret_decimal->whole && !ret_decimal->fraction)
		return false;
	if (pg_accept(in, 'e') || pg_accept(in, 'E')) {
		negative = pg_accept(in, '-');
		if (!negative)
			pg_accept(in, '+');
		ret_decimal->exponent = (int64_t)pg_read_digits(in, 1, 9);
		if (negative)
			ret_decimal->exponent = -ret_decimal->exponent;
	}
	return cursor_done(in);
}

/* Decimal digit number i, 0 outside of what is written. */
static unsigned decimal_digit(const struct decimal *decimal, int64_t i)
{
	size_t at = (size_t)i;

	if (i < 0 || at >= decimal->whole + decimal->fraction)
		return 0;
	return (unsigned)decimal->digits[at + (at >= decimal->whole)] - '0';
}

static int64_t divide_by_4(int64_t value)
{
	return value >= 0 ? value / 4 : -((3 - value) / 4);
}

static int append_decimal(const struct decimal *decimal, bool negative, struct buffer *bytes)
{
	int64_t count = (int64_t)(decimal->whole + decimal->fraction);
	int64_t scale = (int64_t)decimal->fraction - decimal->exponent;
	int64_t units = (int64_t)decimal->whole + decimal->exponent - 1; /* digit of 10^0 */
	int64_t first = 0, last = count - 1;
	int64_t weight, lowest;
	struct numeric header = { 0 };

	if (scale > SCALE_MAX)
		return -EINVAL;
	header.scale = (uint16_t)(scale > 0 ? scale : 0);
	while (first < count && !decimal_digit(decimal, first))
		first++;
	if (first == count) {
		append_header(bytes, &header);
		return 0;
	}
	while (!decimal_digit(decimal, last))
		last--;
	weight = divide_by_4(units - first);
	lowest = divide_by_4(units - last);
	if (weight > WEIGHT_MAX)
		return -EINVAL;
	header.n = (uint16_t)(weight - lowest + 1);
	header.weight = (int16_t)weight;
	header.sign = negative ? NUMERIC_NEGATIVE : NUMERIC_POSITIVE;
	append_header(bytes, &header);
	for (int64_t power = weight; power >= lowest; power--) {
		unsigned group = 0;

		for (int64_t i = units - power * 4 - 3; i <= units - power * 4; i++)
			group = group * 10 + decimal_digit(decimal, i);
		buffer_append_u16be(bytes, (uint16_t)group);
	}
	return 0;
}

static int numeric_to_binary(const struct pg_type *type, struct slice text, struct buffer *bytes)
{
	struct cursor in = cursor_of(pg_trim(text));
	struct numeric special = { 0 };
	struct decimal decimal;
	struct slice word;
	bool negative;

	(void)type;
	if (slice_equal_nocase(pg_trim(text), SLICE("nan"))) {
		special.sign = NUMERIC_NAN;
		append_header(bytes, &special);
		return 0;
	}
	negative = pg_accept(&in, '-');
	if (!negative)
		pg_accept(&in, '+');
	word = slice_of(in.at, cursor_left(&in));
	if (slice_equal_nocase(word, SLICE("infinity")) || slice_equal_nocase(word, SLICE("inf"))) {
		special.sign = negative ? NUMERIC_MINUS_INFINITY : NUMERIC_INFINITY;
		special.scale = SCALE_INFINITY;
		append_header(bytes, &special);
		return 0;
	}
	if (!read_decimal(&in, &decimal))
		return -EINVAL;
	return append_decimal(&decimal, negative, bytes);
}

/* Place in the order of kinds: -Infinity, negative, zero, positive, Infinity, NaN. */
static int rank(const struct numeric *numeric)
{
	switch (numeric->sign) {
	case NUMERIC_MINUS_INFINITY:
		return -2;
	case NUMERIC_NEGATIVE:
		return -1;
	case NUMERIC_POSITIVE:
		return numeric->n ? 1 : 0;
	case NUMERIC_INFINITY:
		return 2;
	default:
		return 3;
	}
}

int pg_numeric_compare(struct slice a, struct slice b)
{
	struct numeric left, right;
	int order, ranks;
	size_t common;

	if (!read_numeric(a, &left) || !read_numeric(b, &right))
		return 0;
	ranks = rank(&left);
	if (ranks != rank(&right))
		return ranks < rank(&right) ? -1 : 1;
	if (ranks != 1 && ranks != -1)
		return 0;
	common = left.n < right.n ? left.n : right.n;
	if (left.weight != right.weight)
		order = left.weight < right.weight ? -1 : 1;
	else
		order = memcmp(left.digits, right.digits, common * 2);
	if (!order && left.n != right.n)
		order = left.n < right.n ? -1 : 1;
	return ranks < 0 ? -order : order;
}

const struct pg_codec pg_codec_numeric = { numeric_to_text, numeric_to_binary, true };
