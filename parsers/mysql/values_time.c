/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MySQL values: dates and times. In binary they are as short as what they say allows ("Binary Protocol Value" of the
 * internals manual): nothing for all zeros, a date alone, a time without a fraction, all of it. Some drivers send a longer form than
 * needed, which no text gives back.
 */
#include "parsers/mysql/values_internal.h"

#include <errno.h>

/* A point in time, or a length of it. */
struct moment {
	bool negative;
	uint32_t year, month, day; /* of a length: `day` is its days */
	uint32_t hour, minute, second, micro;
};

#define HOURS_A_DAY 24

static bool valid(const struct moment *moment)
{
	return moment->year <= 9999 && moment->month <= 12 && moment->hour < HOURS_A_DAY &&
	       moment->minute <= 59 && moment->second <= 59 && moment->micro <= 999999;
}

/* ---- text ---- */

static void append_padded(struct buffer *text, uint64_t value, unsigned int width)
{
	uint64_t limit = 1;

	for (unsigned int i = 1; i < width; i++)
		limit *= 10;
	for (; limit > 1 && value < limit; limit /= 10)
		buffer_append_u8(text, '0');
	buffer_append_unsigned(text, value);
}

static void append_clock(struct buffer *text, const struct moment *moment, uint64_t hours)
{
	append_padded(text, hours, 2);
	buffer_append_u8(text, ':');
	append_padded(text, moment->minute, 2);
	buffer_append_u8(text, ':');
	append_padded(text, moment->second, 2);
	if (moment->micro) {
		buffer_append_u8(text, '.');
		append_padded(text, moment->micro, 6);
	}
}

/* From `least` to `most` digits. */
static uint64_t read_digits(struct cursor *in, unsigned int least, unsigned int most)
{
	uint64_t value = 0;
	unsigned int n = 0;

	for (; in->at != in->end && *in->at >= '0' && *in->at <= '9' && n < most; n++)
		value = 10 * value + (uint64_t)(*in->at++ - '0');
	in->failed |= n < least;
	return value;
}

static void expect(struct cursor *in, uint8_t byte)
{
	if (cursor_u8(in) != byte)
		in->failed = true;
}

static void read_clock(struct cursor *in, struct moment *moment)
{
	size_t digits;

	expect(in, ':');
	moment->minute = (uint32_t)read_digits(in, 2, 2);
	expect(in, ':');
	moment->second = (uint32_t)read_digits(in, 2, 2);
	if (in->failed || in->at == in->end)
		return;
	expect(in, '.');
	digits = cursor_left(in);
	moment->micro = (uint32_t)read_digits(in, 1, 6);
	for (; digits < 6; digits++)
		moment->micro *= 10;
}

/* ---- DATE, DATETIME, TIMESTAMP ---- */

int my_date_to_text(bool with_time, struct slice bytes, struct buffer *text)
{
	struct cursor in = cursor_of(bytes);
	struct moment moment = { 0 };

	if (bytes.size) {
		moment.year = cursor_u16le(&in);
		moment.month = cursor_u8(&in);
		moment.day = cursor_u8(&in);
	}
	if (bytes.size > 4) {
		moment.hour = cursor_u8(&in);
		moment.minute = cursor_u8(&in);
		moment.second = cursor_u8(&in);
	}
	if (bytes.size > 7)
		moment.micro = cursor_u32le(&in);
	if (!cursor_done(&in) || !valid(&moment) || moment.day > 31)
		return -EINVAL;
	if (!with_time && (moment.hour || moment.minute || moment.second || moment.micro))
		return -ENOTSUP;
	append_padded(text, moment.year, 4);
	buffer_append_u8(text, '-');
	append_padded(text, moment.month, 2);
	buffer_append_u8(text, '-');
	append_padded(text, moment.day, 2);
	if (with_time) {
		buffer_append_u8(text, ' ');
		append_clock(text, &moment, moment.hour);
	}
	return 0;
}

int my_date_to_binary(bool with_time, struct slice text, struct buffer *bytes)
{
	struct cursor in = cursor_of(text);
	struct moment moment = { 0 };
	bool clock, date;

	moment.year = (uint32_t)read_digits(&in, 4, 4);
	expect(&in, '-');
	moment.month = (uint32_t)read_digits(&in, 2, 2);
	expect(&in, '-');
	moment.day = (uint32_t)read_digits(&in, 2, 2);
	if (with_time) {
		expect(&in, ' ');
		moment.hour = (uint32_t)read_digits(&in, 2, 2);
		read_clock(&in, &moment);
	}
	if (!cursor_done(&in) || !valid(&moment) || moment.day > 31)
		return -EINVAL;
	clock = moment.hour || moment.minute || moment.second || moment.micro;
	date = moment.year || moment.month || moment.day;
	if (clock || date) {
		buffer_append_le(bytes, moment.year, 2);
		buffer_append_u8(bytes, (uint8_t)moment.month);
		buffer_append_u8(bytes, (uint8_t)moment.day);
	}
	if (clock) {
		buffer_append_u8(bytes, (uint8_t)moment.hour);
		buffer_append_u8(bytes, (uint8_t)moment.minute);
		buffer_append_u8(bytes, (uint8_t)moment.second);
	}
	if (moment.micro)
		buffer_append_le(bytes, moment.micro, 4);
	return 0;
}

/* ---- TIME ---- */

int my_time_to_text(struct slice bytes, struct buffer *text)
{
	struct cursor in = cursor_of(bytes);
	struct moment moment = { 0 };
	uint8_t negative = 0;

	if (bytes.size) {
		negative = cursor_u8(&in);
		moment.day = cursor_u32le(&in);
		moment.hour = cursor_u8(&in);
		moment.minute = cursor_u8(&in);
		moment.second = cursor_u8(&in);
	}
	if (bytes.size > 8)
		moment.micro = cursor_u32le(&in);
	if (!cursor_done(&in) || !valid(&moment) || negative > 1)
		return -EINVAL;
	if (negative)
		buffer_append_u8(text, '-');
	append_clock(text, &moment, (uint64_t)moment.day * HOURS_A_DAY + moment.hour);
	return 0;
}

int my_time_to_binary(struct slice text, struct buffer *bytes)
{
	struct cursor in = cursor_of(text);
	struct moment moment = { 0 };
	uint64_t hours;

	if (text.size && *in.at == '-') {
		moment.negative = true;
		in.at++;
	}
	hours = read_digits(&in, 2, 12);
	read_clock(&in, &moment);
	moment.hour = (uint32_t)(hours % HOURS_A_DAY);
	if (!cursor_done(&in) || hours / HOURS_A_DAY > UINT32_MAX || !valid(&moment))
		return -EINVAL;
	moment.day = (uint32_t)(hours / HOURS_A_DAY);
	if (!hours && !moment.minute && !moment.second && !moment.micro)
		return 0;
	buffer_append_u8(bytes, moment.negative);
	buffer_append_le(bytes, moment.day, 4);
	buffer_append_u8(bytes, (uint8_t)moment.hour);
	buffer_append_u8(bytes, (uint8_t)moment.minute);
	buffer_append_u8(bytes, (uint8_t)moment.second);
	if (moment.micro)
		buffer_append_le(bytes, moment.micro, 4);
	return 0;
}

int my_fraction_for_column(unsigned int decimals, struct slice text, struct buffer *out)
{
	const uint8_t *point = text.size ? memchr(text.data, '.', text.size) : NULL;
	size_t whole = point ? (size_t)(point - text.data) : text.size;
	size_t digits = point ? text.size - whole - 1 : 0;

	if (decimals > 6) /* as many as there are (MariaDB): none, or all six */
		decimals = digits ? 6 : 0;
	for (size_t i = decimals; i < digits; i++)
		if (point[1 + i] != '0')
			return -ENOTSUP;
	buffer_append(out, text.data, whole);
	if (!decimals)
		return 0;
	buffer_append_u8(out, '.');
	for (size_t i = 0; i < decimals; i++)
		buffer_append_u8(out, i < digits ? point[1 + i] : '0');
	return 0;
}
