/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decoding of strings and numbers; see literal.h. PostgreSQL 16 documentation, sections 4.1.2.1
 * to 4.1.2.6; MySQL 8.4 reference manual, section 11.1.1.
 *
 * Invariant: what is decoded is never longer than its token, so one allocation of that size is
 * enough.
 */
#include "parsers/sql/literal.h"

#include "parsers/json.h"
#include "parsers/sql/rules.h"

struct decoder {
	const uint8_t *at;
	const uint8_t *end; /* of what lies between the first quote and the last */
	uint8_t *out;
	size_t size;
	uint8_t quote;
	uint8_t escape; /* of U& */
};

static int digit_value(uint8_t byte)
{
	if (ascii_is_digit(byte))
		return byte - '0';
	byte = ascii_lower(byte);
	return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* Exactly `n` hexadecimal digits at decoder->at, which moves behind them; -1: they are not there.
 */
static int64_t read_hex(struct decoder *decoder, int n)
{
	int64_t value = 0;

	if (decoder->end - decoder->at < n)
		return -1;
	for (int i = 0; i < n; i++) {
		int digit = digit_value(decoder->at[i]);

		if (digit < 0)
			return -1;
		value = value * 16 + digit;
	}
	decoder->at += n;
	return value;
}

static bool put_code_point(struct decoder *decoder, int64_t code_point)
{
	if (code_point <= 0 || code_point > 0x10ffff ||
	    (code_point >= 0xd800 && code_point <= 0xdfff))
		return false;
	decoder->size += utf8_encode((uint32_t)code_point, decoder->out + decoder->size);
	return true;
}

/* A code point, or two surrogates of which `read` gives the second. */
static bool put_unicode(struct decoder *decoder, int64_t first, int64_t (*read)(struct decoder *))
{
	int64_t second;

	if (first < 0xd800 || first > 0xdbff)
		return put_code_point(decoder, first);
	second = read(decoder);
	if (second < 0xdc00 || second > 0xdfff)
		return false;
	return put_code_point(decoder, 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00));
}

/* \uXXXX or \UXXXXXXXX; -1: something else stands there. */
static int64_t read_backslash_u(struct decoder *decoder)
{
	uint8_t letter;

	if (decoder->end - decoder->at < 2 || decoder->at[0] != '\\')
		return -1;
	letter = decoder->at[1];
	if (letter != 'u' && letter != 'U')
		return -1;
	decoder->at += 2;
	return read_hex(decoder, letter == 'u' ? 4 : 8);
}

/* \XXXX or \+XXXXXX with the escape character of U&; -1: something else. */
static int64_t read_escaped_point(struct decoder *decoder)
{
	if (decoder->at == decoder->end || *decoder->at != decoder->escape)
		return -1;
	decoder->at++;
	if (decoder->at < decoder->end && *decoder->at == '+') {
		decoder->at++;
		return read_hex(decoder, 6);
	}
	return read_hex(decoder, 4);
}

/* \o, \oo, \ooo, \xh or \xhh; the digits begin at decoder->at. */
static bool put_byte(struct decoder *decoder, int radix, int max_digits)
{
	int value = 0;

	for (int i = 0; i < max_digits && decoder->at < decoder->end; i++) {
		int digit = digit_value(*decoder->at);

		if (digit < 0 || digit >= radix)
			break;
		value = value * radix + digit;
		decoder->at++;
	}
	if (!(value & 0xff))
		return false;
	decoder->out[decoder->size++] = (uint8_t)value;
	return true;
}

static bool decode_escape(struct decoder *decoder)
{
	static const uint8_t letters[128] = {
		['b'] = '\b', ['f'] = '\f', ['n'] = '\n', ['r'] = '\r', ['t'] = '\t', ['v'] = '\v'
	};
	const uint8_t *at = decoder->at;
	uint8_t letter;

	if (decoder->end - at < 2)
		return false;
	letter = at[1];
	if (letter == 'u' || letter == 'U')
		return put_unicode(decoder, read_backslash_u(decoder), read_backslash_u);
	decoder->at++;
	if (letter >= '0' && letter <= '7')
		return put_byte(decoder, 8, 3);
	decoder->at++;
	if (letter == 'x' && decoder->end - at >= 3 && digit_value(at[2]) >= 0)
		return put_byte(decoder, 16, 2);
	decoder->out[decoder->size++] = letter < 128 && letters[letter] ? letters[letter] : letter;
	return true;
}

static bool decode_mysql_escape(struct decoder *decoder)
{
	static const uint8_t letters[128] = {
		['b'] = '\b', ['n'] = '\n', ['r'] = '\r', ['t'] = '\t', ['Z'] = 26
	};
	uint8_t letter;

	if (decoder->end - decoder->at < 2)
		return false;
	letter = decoder->at[1];
	decoder->at += 2;
	if (letter == '%' || letter == '_')
		decoder->out[decoder->size++] = '\\';
	if (letter == '0')
		letter = 0;
	else if (letter < 128 && letters[letter])
		letter = letters[letter];
	decoder->out[decoder->size++] = letter;
	return true;
}

static bool decode_unicode_escape(struct decoder *decoder)
{
	if (decoder->end - decoder->at >= 2 && decoder->at[1] == decoder->escape) {
		decoder->out[decoder->size++] = decoder->escape;
		decoder->at += 2;
		return true;
	}
	return put_unicode(decoder, read_escaped_point(decoder), read_escaped_point);
}

/* A quote inside of a literal is doubled, or ends a piece that is continued behind white space and
 * comments. */
static void decode_quote(struct decoder *decoder)
{
	const uint8_t *at = decoder->at + 1;

	if (at < decoder->end && *at == decoder->quote) {
		decoder->out[decoder->size++] = decoder->quote;
		decoder->at = at + 1;
		return;
	}
	while (at < decoder->end && *at != decoder->quote) {
		bool comment = *at == '-';

		at++;
		while (comment && at < decoder->end && *at != '\n' && *at != '\r')
			at++;
	}
	decoder->at = at + (at < decoder->end);
}

/* The character of UESCAPE, which is the last thing in the token; 0: not a valid one. */
static uint8_t escape_character(const struct sql_token *token)
{
	const uint8_t *end = token->text.data + token->text.size;
	uint8_t byte;

	if (token->inner.data + token->inner.size + 1 == end)
		return '\\';
	byte = end[-2];
	if (end[-3] != '\'' || digit_value(byte) >= 0 || byte <= ' ' || strchr("+'\"", byte))
		return 0;
	return byte;
}

/* MySQL: a quote is doubled, or the next piece begins behind white space with a quote of either kind. */
static void decode_mysql_quote(struct decoder *decoder)
{
	const uint8_t *at = decoder->at + 1;

	if (at < decoder->end && *at == decoder->quote) {
		decoder->out[decoder->size++] = decoder->quote;
		decoder->at = at + 1;
		return;
	}
	while (at < decoder->end && *at != '\'' && *at != '"')
		at++;
	if (at < decoder->end)
		decoder->quote = *at++;
	decoder->at = at;
}

static bool decode_mysql(struct decoder *decoder, uint8_t charset, bool backslash)
{
	while (decoder->at < decoder->end) {
		if (sql_is_double(charset, decoder->at, decoder->end)) {
			decoder->out[decoder->size++] = *decoder->at++;
			decoder->out[decoder->size++] = *decoder->at++;
		} else if (*decoder->at == decoder->quote) {
			decode_mysql_quote(decoder);
		} else if (backslash && *decoder->at == '\\') {
			if (!decode_mysql_escape(decoder))
				return false;
		} else {
			decoder->out[decoder->size++] = *decoder->at++;
		}
	}
	return true;
}

static bool decode(struct decoder *decoder, bool unicode, bool backslash)
{
	while (decoder->at < decoder->end) {
		bool good = true;

		if (*decoder->at == decoder->quote)
			decode_quote(decoder);
		else if (unicode && *decoder->at == decoder->escape)
			good = decode_unicode_escape(decoder);
		else if (backslash && *decoder->at == '\\')
			good = decode_escape(decoder);
		else
			decoder->out[decoder->size++] = *decoder->at++;
		if (!good)
			return false;
	}
	return true;
}

bool sql_decode_quoted(const struct sql_token *token, const struct sql_options *options,
		       struct arena *arena, struct slice *ret_value)
{
	bool unicode = token->form == SQL_FORM_UNICODE;
	bool backslash = token->form == SQL_FORM_ESCAPE ||
			 token->form == SQL_FORM_NATIONAL_ESCAPE ||
			 token->form == SQL_FORM_VARIABLE_ESCAPE;
	struct decoder decoder = {
		.at = token->inner.data,
		.end = token->inner.data + token->inner.size,
		.quote = token->quote,
	};

	*ret_value = token->inner;
	if (!token->irregular)
		return true;
	if (unicode) {
		decoder.escape = escape_character(token);
		if (!decoder.escape)
			return false;
	}
	decoder.out = arena_bytes(arena, token->inner.size);
	if (!(options->dialect == SQL_MYSQL ? decode_mysql(&decoder, options->charset, backslash) :
					      decode(&decoder, unicode, backslash)))
		return false;
	*ret_value = slice_of(decoder.out, decoder.size);
	return true;
}

/* An odd number of digits has a zero before it; the server refuses that of x'..' and not of 0x. */
bool sql_decode_bytes(const struct sql_token *token, struct arena *arena, struct slice *ret_value)
{
	size_t width = token->form == SQL_FORM_HEX ? 4 : 1;
	size_t digits = 8 / width;
	size_t missing = (digits - token->inner.size % digits) % digits;
	size_t size = (token->inner.size + missing) / digits;
	uint8_t *bytes = arena_bytes(arena, size + 1);

	if (token->irregular || (missing && width == 4 && token->quote))
		return false;
	memset(bytes, 0, size + 1);
	for (size_t i = 0; i < token->inner.size; i++) {
		int value = digit_value(token->inner.data[i]);
		uint8_t *byte = &bytes[(i + missing) / digits];

		if (value < 0 || value >= 1 << width)
			return false;
		*byte = (uint8_t)(*byte << width | value);
	}
	*ret_value = slice_of(bytes, size);
	return true;
}

bool sql_decode_bits(const struct sql_token *token, struct arena *arena, struct slice *ret_value)
{
	static const struct sql_options options = { .dialect = SQL_POSTGRES };
	int width = token->form == SQL_FORM_HEX ? 4 : 1;
	struct slice digits;
	uint8_t *bits;

	if (!sql_decode_quoted(token, &options, arena, &digits) || digits.size > SIZE_MAX / 4)
		return false;
	bits = arena_bytes(arena, digits.size * (size_t)width);
	for (size_t i = 0; i < digits.size; i++) {
		int value = digit_value(digits.data[i]);

		if (value < 0 || value >= 1 << width)
			return false;
		for (int bit = 0; bit < width; bit++)
			bits[i * (size_t)width + (size_t)bit] =
				value >> (width - 1 - bit) & 1 ? '1' : '0';
	}
	*ret_value = slice_of(bits, digits.size * (size_t)width);
	return true;
}

/* 0x1f, 0o17, 0b1 without underscores: as decimal digits at the end of `room`, or NULL when 64 bits
 * are too few. */
static uint8_t *radix_digits(struct slice number, uint8_t room[20])
{
	uint8_t letter = ascii_lower(number.data[1]);
	uint64_t radix = letter == 'x' ? 16 : letter == 'o' ? 8 : 2;
	uint8_t *digit = room + 20;
	uint64_t value = 0;

	for (size_t i = 2; i < number.size; i++) {
		if (number.data[i] == '_')
			continue;
		if (value > UINT64_MAX / radix - 1)
			return NULL;
		value = value * radix + (uint64_t)digit_value(number.data[i]);
	}
	do {
		*--digit = (uint8_t)('0' + value % 10);
		value /= 10;
	} while (value);
	return digit;
}

/* Already canonical: digits without a zero before them, with a fraction or not. The usual case. */
static bool is_canonical(struct slice number)
{
	size_t i = 0;

	if (number.data[0] == '0' && number.size > 1 && number.data[1] != '.')
		return false;
	while (i < number.size && ascii_is_digit(number.data[i]))
		i++;
	if (i == number.size)
		return true;
	if (i == 0 || number.data[i] != '.' || i + 1 == number.size)
		return false;
	for (i++; i < number.size; i++)
		if (!ascii_is_digit(number.data[i]))
			return false;
	return true;
}

struct slice sql_number_text(struct slice number, bool negative, struct arena *arena)
{
	uint8_t room[20];
	uint8_t *text;
	size_t size = 0;
	bool leading = true; /* zeros at the front mean nothing */

	if (!negative && is_canonical(number))
		return number;
	if (number.size > 2 && number.data[0] == '0' && ascii_lower(number.data[1]) >= 'a' &&
	    ascii_lower(number.data[1]) != 'e') {
		uint8_t *digits = radix_digits(number, room);

		if (digits)
			number = slice_of(digits, (size_t)(room + 20 - digits));
		leading = false;
	}
	text = arena_bytes(arena, number.size + 2);
	if (negative)
		text[size++] = '-';
	while (leading && number.size > 1 && number.data[0] == '0' &&
	       (ascii_is_digit(number.data[1]) || number.data[1] == '_'))
		number = slice_of(number.data + 1, number.size - 1);
	if (number.data[0] == '.')
		text[size++] = '0';
	for (size_t i = 0; i < number.size; i++) {
		uint8_t byte = ascii_lower(number.data[i]);
		bool exponent = i + 1 < number.size && ascii_lower(number.data[i + 1]) == 'e';

		if (byte != '_' && byte != '+' && (byte != '.' || !exponent))
			text[size++] = byte;
	}
	return slice_of(text, size);
}
