/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values as they are compared; see value.h.
 *
 * Which stated types mean nothing where a slot is compared: those that take the text as it is. An
 * integer's type does not change "5" but makes 2 of "1.5"; a date's cuts the time off a timestamp;
 * varchar(3) cuts a string. So it is asked of the type and the text together, and everything that
 * is not listed counts.
 */
#include "parsers/sql/value.h"

#include "parsers/compiler.h"

static bool is_one_of(struct slice text, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (slice_equal_nocase(text, slice_from_string(list[i])))
			return true;
	return false;
}

/* 9 in the shape is a digit, h a hexadecimal one; the rest is itself. */
static bool has_shape(struct slice text, const char *shape)
{
	for (size_t i = 0; i < text.size; i++) {
		uint8_t byte = text.data[i];
		uint8_t lower = ascii_lower(byte);

		if (shape[i] == '9' && ascii_is_digit(byte))
			continue;
		if (shape[i] == 'h' && (ascii_is_digit(byte) || (lower >= 'a' && lower <= 'f')))
			continue;
		if (!shape[i] || shape[i] == '9' || shape[i] == 'h' || byte != (uint8_t)shape[i])
			return false;
	}
	return !shape[text.size];
}

static bool is_integer(struct slice text)
{
	size_t start = text.size && text.data[0] == '-';

	for (size_t i = start; i < text.size; i++)
		if (!ascii_is_digit(text.data[i]))
			return false;
	return text.size > start;
}

static bool is_decimal(struct slice text)
{
	size_t i = text.size && text.data[0] == '-';
	size_t digits = 0;
	bool dot = false;

	for (; i < text.size; i++) {
		if (text.data[i] == '.' && !dot)
			dot = true;
		else if (ascii_is_digit(text.data[i]))
			digits++;
		else
			return false;
	}
	return digits > 0;
}

/* Assigned to a text column 1e2 becomes '100' and -0 becomes '0', so they are not '1e2' and '-0'.
 */
static bool prints_as_written(struct slice text)
{
	if (!is_decimal(text) || text.data[text.size - 1] == '.')
		return false;
	if (text.data[0] != '-')
		return true;
	for (size_t i = 1; i < text.size; i++)
		if (text.data[i] >= '1' && text.data[i] <= '9')
			return true;
	return false;
}

static bool is_hex_bytes(struct slice text)
{
	if (text.size < 2 || text.size % 2 || text.data[0] != '\\' || text.data[1] != 'x')
		return false;
	for (size_t i = 2; i < text.size; i++)
		if (!has_shape(slice_of(text.data + i, 1), "h"))
			return false;
	return true;
}

/* "10:20:30", with up to six digits of a fraction: how much of it is that; 0: it is not. */
static size_t time_size(struct slice text)
{
	size_t i = 8;

	if (text.size < 8 || !has_shape(slice_of(text.data, 8), "99:99:99"))
		return 0;
	if (text.size == i || text.data[i] != '.')
		return i;
	for (i = 9; i < text.size && i < 15 && ascii_is_digit(text.data[i]); i++)
		;
	return i;
}

static bool is_zone(struct slice text)
{
	if (!text.size || (text.data[0] != '+' && text.data[0] != '-'))
		return false;
	text = slice_of(text.data + 1, text.size - 1);
	return has_shape(text, "99") || has_shape(text, "99:99") || has_shape(text, "99:99:99");
}

static bool is_timestamp(struct slice text, bool zone)
{
	size_t size;

	if (text.size < 19 || !has_shape(slice_of(text.data, 10), "9999-99-99") ||
	    (text.data[10] != ' ' && text.data[10] != 'T'))
		return false;
	text = slice_of(text.data + 11, text.size - 11);
	size = time_size(text);
	if (!size)
		return false;
	text = slice_of(text.data + size, text.size - size);
	return zone ? is_zone(text) : text.size == 0;
}

static bool is_truth(struct slice text)
{
	return slice_equal(text, SLICE("true")) || slice_equal(text, SLICE("false"));
}

/* MySQL's hexadecimal and _charset'..': bytes of UTF-8 or binary are the string's, of another set only those of ASCII. */
static bool keeps_bytes(struct slice type, struct slice text)
{
	static const char *const same[] = { "_binary", "_utf8mb3", "_utf8mb4" };
	static const char *const wide[] = { "_ucs2", "_utf16", "_utf16le", "_utf32" };

	if (slice_equal(type, SLICE("hexadecimal")) || is_one_of(type, same, ARRAY_SIZE(same)))
		return true;
	if (!type.size || type.data[0] != '_')
		return false;
	for (size_t i = 0; i < text.size; i++)
		if (text.data[i] >= 0x80)
			return false;
	return !is_one_of(type, wide, ARRAY_SIZE(wide));
}

static bool keeps_text(struct slice type, struct slice text)
{
	static const char *const strings[] = { "text", "varchar", "json", "jsonb" };
	static const char *const integers[] = { "int2", "int4", "int8", "oid" };
	static const char *const decimals[] = { "numeric", "float8" };

	/* char(n) ignores spaces at the end when compared with an untyped string, and not with
	 * these. */
	if (is_one_of(type, strings, ARRAY_SIZE(strings)))
		return !text.size || text.data[text.size - 1] != ' ';
	if (is_one_of(type, integers, ARRAY_SIZE(integers)))
		return is_integer(text);
	if (is_one_of(type, decimals, ARRAY_SIZE(decimals)))
		return is_decimal(text);
	if (slice_equal(type, SLICE("bool")))
		return is_truth(text);
	if (slice_equal(type, SLICE("uuid")))
		return has_shape(text, "hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh");
	if (slice_equal(type, SLICE("bytea")))
		return is_hex_bytes(text);
	if (slice_equal(type, SLICE("date")))
		return has_shape(text, "9999-99-99");
	if (slice_equal(type, SLICE("time")))
		return text.size && time_size(text) == text.size;
	if (slice_equal(type, SLICE("timestamp")))
		return is_timestamp(text, false);
	return slice_equal(type, SLICE("timestamptz")) && is_timestamp(text, true);
}

struct slice sql_value_compared_type(const struct sql_value *value)
{
	if (value->null)
		return slice_of(NULL, 0);
	if (value->kind == SQL_NUMBER)
		return prints_as_written(value->text) ? slice_of(NULL, 0) : SLICE("number");
	if (value->kind != SQL_TYPED)
		return slice_of(NULL, 0);
	if ((!value->bytes && keeps_text(value->type, value->text)) ||
	    keeps_bytes(value->type, value->text))
		return slice_of(NULL, 0);
	return value->type;
}

static void normalise_truth(struct sql_value *value)
{
	static const char *const trues[] = { "t", "true", "y", "yes", "on", "1" };
	static const char *const falses[] = { "f", "false", "n", "no", "off", "0" };

	if (is_one_of(value->text, trues, ARRAY_SIZE(trues)))
		value->text = SLICE("true");
	else if (is_one_of(value->text, falses, ARRAY_SIZE(falses)))
		value->text = SLICE("false");
}

static void normalise_integer(struct sql_value *value)
{
	struct slice text = value->text;

	if (text.size > 1 && text.data[0] == '+')
		text = slice_of(text.data + 1, text.size - 1);
	for (size_t i = 0; i < text.size; i++)
		if (!ascii_is_digit(text.data[i]))
			return;
	while (text.size > 1 && text.data[0] == '0')
		text = slice_of(text.data + 1, text.size - 1);
	value->text = text;
}

void sql_value_normalise(struct sql_value *value)
{
	static const char *const numbers[] = { "int2",	  "int4",   "int8",  "oid",
					       "numeric", "float4", "float8" };
	bool typed = value->kind == SQL_TYPED;

	if (value->null || value->bytes)
		return;
	if (value->kind == SQL_BOOLEAN || (typed && slice_equal(value->type, SLICE("bool"))))
		normalise_truth(value);
	else if (value->kind == SQL_NUMBER ||
		 (typed && is_one_of(value->type, numbers, ARRAY_SIZE(numbers))))
		normalise_integer(value);
}
