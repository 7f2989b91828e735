/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PostgreSQL values: date, time, timetz, timestamp, timestamptz, in the ISO style and in UTC.
 *
 * Documentation 8.5 and appendix B. Binary: days or microseconds since 2000-01-01, in the Gregorian
 * calendar also before it was made; the extreme values are the infinities; a zone is seconds west
 * of Greenwich. Every codec is exact: both forms are ranges of integers, checked against the limits
 * of the server.
 *
 * A time zone is only read where it is part of the type, and is then required: without it, the text
 * would mean another instant in every session.
 */
#include "parsers/postgres/values_internal.h"

#include <errno.h>

#define SECOND_US 1000000LL
#define DAY_US (86400 * SECOND_US)

/* 4714-11-24 BC, the first day, and the day after the last one of date and of timestamp. */
#define DATE_FIRST (-2451545LL)
#define DATE_END 2145031949LL
#define TIMESTAMP_END (106751983LL * DAY_US)

/* Zones go up to 15:59:59. */
#define ZONE_LIMIT (16 * 3600)

/* Days from 0000-03-01 to 2000-01-01, and of 400 years. */
#define DAYS_TO_2000 730425LL
#define ERA_DAYS 146097LL

/* Astronomical: year 0 is 1 BC. */
struct civil {
	int64_t year;
	unsigned month, day;
};

/* Years are counted from March, so that the leap day is the last day of a year. */
static struct civil civil_of_days(int64_t days)
{
	int64_t since = days + DAYS_TO_2000;
	int64_t era = (since >= 0 ? since : since - (ERA_DAYS - 1)) / ERA_DAYS;
	int64_t day = since - era * ERA_DAYS;
	int64_t year = (day - day / 1460 + day / 36524 - day / (ERA_DAYS - 1)) / 365;
	int64_t month;

	day -= 365 * year + year / 4 - year / 100;
	month = (5 * day + 2) / 153;
	return (struct civil){
		.year = era * 400 + year + (month >= 10),
		.month = (unsigned)(month < 10 ? month + 3 : month - 9),
		.day = (unsigned)(day - (153 * month + 2) / 5 + 1),
	};
}

static int64_t days_of_civil(struct civil civil)
{
	int64_t year = civil.year - (civil.month <= 2);
	int64_t era = (year >= 0 ? year : year - 399) / 400;
	int64_t of_era = year - era * 400;
	int64_t month = (int64_t)civil.month + (civil.month > 2 ? -3 : 9);
	int64_t day = (153 * month + 2) / 5 + (int64_t)civil.day - 1;

	return era * ERA_DAYS + of_era * 365 + of_era / 4 - of_era / 100 + day - DAYS_TO_2000;
}

static bool is_leap(int64_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static bool is_civil(struct civil civil)
{
	static const uint8_t lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	if (civil.month < 1 || civil.month > 12 || civil.day < 1)
		return false;
	return civil.day <=
	       lengths[civil.month - 1] + (unsigned)(civil.month == 2 && is_leap(civil.year));
}

static void append_civil(struct buffer *text, struct civil civil)
{
	pg_append_padded(text, (uint64_t)(civil.year > 0 ? civil.year : 1 - civil.year), 4);
	buffer_append_u8(text, '-');
	pg_append_padded(text, civil.month, 2);
	buffer_append_u8(text, '-');
	pg_append_padded(text, civil.day, 2);
}

static void append_era(struct buffer *text, struct civil civil)
{
	if (civil.year <= 0)
		buffer_append_string(text, " BC");
}

/* Of a day, in microseconds. */
static void append_clock(struct buffer *text, uint64_t us)
{
	uint64_t seconds = us / SECOND_US;
	uint64_t fraction = us % SECOND_US;
	size_t width = 6;

	pg_append_padded(text, seconds / 3600, 2);
	buffer_append_u8(text, ':');
	pg_append_padded(text, seconds / 60 % 60, 2);
	buffer_append_u8(text, ':');
	pg_append_padded(text, seconds % 60, 2);
	if (!fraction)
		return;
	for (; fraction % 10 == 0; width--)
		fraction /= 10;
	buffer_append_u8(text, '.');
	pg_append_padded(text, fraction, width);
}

static void append_zone(struct buffer *text, int32_t west)
{
	uint32_t offset = (uint32_t)(west < 0 ? -west : west);

	buffer_append_u8(text, west <= 0 ? '+' : '-');
	pg_append_padded(text, offset / 3600, 2);
	if (offset % 3600) {
		buffer_append_u8(text, ':');
		pg_append_padded(text, offset / 60 % 60, 2);
	}
	if (offset % 60) {
		buffer_append_u8(text, ':');
		pg_append_padded(text, offset % 60, 2);
	}
}

/* YYYY-MM-DD; the era follows later. */
static void read_civil(struct cursor *in, struct civil *ret_civil)
{
	ret_civil->year = (int64_t)pg_read_digits(in, 4, 7);
	in->failed |= !pg_accept(in, '-') || !ret_civil->year;
	ret_civil->month = (unsigned)pg_read_digits(in, 2, 2);
	in->failed |= !pg_accept(in, '-');
	ret_civil->day = (unsigned)pg_read_digits(in, 2, 2);
}

/* What may end a date: " BC". Then the date must be one. */
static void read_era(struct cursor *in, struct civil *civil)
{
	if (!in->failed && slice_equal_nocase(slice_of(in->at, cursor_left(in)), SLICE(" bc"))) {
		in->at = in->end;
		civil->year = 1 - civil->year;
	}
	in->failed |= !is_civil(*civil);
}

/* HH:MM[:SS[.ffffff]], up to 24:00:00, in microseconds. */
static int64_t read_clock(struct cursor *in)
{
	uint64_t hours, minutes;
	uint64_t seconds = 0, fraction = 0;
	int64_t us;

	hours = pg_read_digits(in, 2, 2);
	in->failed |= !pg_accept(in, ':');
	minutes = pg_read_digits(in, 2, 2);
	if (pg_accept(in, ':')) {
		seconds = pg_read_digits(in, 2, 2);
		if (pg_accept(in, '.')) {
			const uint8_t *start = in->at;

			fraction = pg_read_digits(in, 1, 6);
			for (size_t n = (size_t)(in->at - start); n < 6; n++)
				fraction *= 10;
		}
	}
	us = (int64_t)((hours * 60 + minutes) * 60 + seconds) * SECOND_US + (int64_t)fraction;
	in->failed |= minutes > 59 || seconds > 59 || us > DAY_US;
	return us;
}

/* Z, +HH, +HHMM, +HH:MM, +HH:MM:SS; seconds west. */
static int32_t read_zone(struct cursor *in)
{
	uint64_t hours, minutes = 0, seconds = 0;
	bool west;

	if (pg_accept(in, 'Z') || pg_accept(in, 'z'))
		return 0;
	west = pg_accept(in, '-');
	if (!west)
		in->failed |= !pg_accept(in, '+');
	hours = pg_read_digits(in, 2, 2);
	if (pg_accept(in, ':')) {
		minutes = pg_read_digits(in, 2, 2);
		if (pg_accept(in, ':'))
			seconds = pg_read_digits(in, 2, 2);
	} else if (!in->failed && in->at != in->end && *in->at >= '0' && *in->at <= '9') {
		minutes = pg_read_digits(in, 2, 2);
	}
	in->failed |= hours > 15 || minutes > 59 || seconds > 59;
	hours = hours * 3600 + minutes * 60 + seconds;
	return west ? (int32_t)hours : -(int32_t)hours;
}

/* The infinities' words: 1, -1, or 0 when it is neither. */
static int read_infinity(struct slice text)
{
	if (slice_equal_nocase(text, SLICE("infinity")))
		return 1;
	return slice_equal_nocase(text, SLICE("-infinity")) ? -1 : 0;
}

static int date_to_text(const struct pg_type *type, struct slice bytes, struct buffer *text)
{
	struct cursor in = cursor_of(bytes);
	int32_t days = cursor_i32be(&in);
	struct civil civil;

	(void)type;
	if (days == INT32_MAX || days == INT32_MIN) {
		buffer_append_string(text, days > 0 ? "infinity" : "-infinity");
		return 0;
	}
	if (days < DATE_FIRST || days >= DATE_END)
		return -EINVAL;
	civil = civil_of_days(days);
	append_civil(text, civil);
	append_era(text, civil);
	return 0;
}

static int date_to_binary(const struct pg_type *type, struct slice text, struct buffer *bytes)
{
	struct cursor in = cursor_of(pg_trim(text));
	int infinity = read_infinity(pg_trim(text));
	struct civil civil;
	int64_t days;

	(void)type;
	if (infinity) {
		buffer_append_u32be(bytes, infinity > 0 ? INT32_MAX : (uint32_t)INT32_MIN);
		return 0;
	}
	read_civil(&in, &civil);
	read_era(&in, &civil);
	if (!cursor_done(&in))
		return -EINVAL;
	days = days_of_civil(civil);
	if (days < DATE_FIRST || days >= DATE_END)
		return -EINVAL;
	buffer_append_u32be(bytes, (uint32_t)days);
	return 0;
}

static int time_to_text(const struct pg_type *type, struct slice bytes, struct buffer *text)
{
	struct cursor in = cursor_of(bytes);
	uint64_t us = cursor_u64be(&in);

	(void)type;
	if (us > DAY_US)
		return -EINVAL;
	append_clock(text, us);
	return 0;
}

static int time_to_binary(const struct pg_type *type, struct slice text, struct buffer *bytes)
{
	struct cursor in = cursor_of(pg_trim(text));

	(void)type;
	buffer_append_u64be(bytes, (uint64_t)read_clock(&in));
	return cursor_done(&in) ? 0 : -EINVAL;
}

static int timetz_to_text(const struct pg_type *type, struct slice bytes, struct buffer *text)
{
	struct cursor in = cursor_of(bytes);
	uint64_t us = cursor_u64be(&in);
	int32_t west = cursor_i32be(&in);

	(void)type;
	if (us > DAY_US || west <= -ZONE_LIMIT || west >= ZONE_LIMIT)
		return -EINVAL;
	append_clock(text, us);
	append_zone(text, west);
	return 0;
}

static int timetz_to_binary(const struct pg_type *type, struct slice text, struct buffer *bytes)
{
	struct cursor in = cursor_of(pg_trim(text));

	(void)type;
	buffer_append_u64be(bytes, (uint64_t)read_clock(&in));
	buffer_append_u32be(bytes, (uint32_t)read_zone(&in));
	return cursor_done(&in) ? 0 : -EINVAL;
}

static int stamp_to_text(struct slice bytes, bool zone, struct buffer *text)
{
	struct cursor in = cursor_of(bytes);
	int64_t us = (int64_t)cursor_u64be(&in);
	struct civil civil;
	int64_t days;

	if (us == INT64_MAX || us == INT64_MIN) {
		buffer_append_string(text, us > 0 ? "infinity" : "-infinity");
		return 0;
	}
	if (us < DATE_FIRST * DAY_US || us >= TIMESTAMP_END)
		return -EINVAL;
	days = us / DAY_US - (us % DAY_US < 0);
	civil = civil_of_days(days);
	append_civil(text, civil);
	buffer_append_u8(text, ' ');
	append_clock(text, (uint64_t)(us - days * DAY_US));
	if (zone)
		buffer_append_string(text, "+00");
	append_era(text, civil);
	return 0;
}

static int stamp_to_binary(struct slice text, bool zone, struct buffer *bytes)
{
	struct cursor in = cursor_of(pg_trim(text));
	int infinity = read_infinity(pg_trim(text));
	struct civil civil;
	int64_t us = 0;

	if (infinity) {
		buffer_append_u64be(bytes, infinity > 0 ? INT64_MAX : (uint64_t)INT64_MIN);
		return 0;
	}
	read_civil(&in, &civil);
	if (pg_accept(&in, 'T') ||
	    (!in.failed && cursor_left(&in) > 1 && in.at[1] <= '9' && pg_accept(&in, ' ')))
		us = read_clock(&in);
	else
		in.failed |= zone; /* a zone has only a meaning behind a time */
	in.failed |= us == DAY_US; /* 24:00 is another day's 00:00, which is how it is written */
	if (zone)
		us += read_zone(&in) * SECOND_US;
	read_era(&in, &civil);
	if (!cursor_done(&in))
		return -EINVAL;
	/*
	 * Seven digits of year are no overflow: 10^7 years are 3.2 * 10^20 us. Days are checked
	 * first.
	 */
	if (days_of_civil(civil) < DATE_FIRST - 1 || days_of_civil(civil) > TIMESTAMP_END / DAY_US)
		return -EINVAL;
	us += days_of_civil(civil) * DAY_US;
	if (us < DATE_FIRST * DAY_US || us >= TIMESTAMP_END)
		return -EINVAL;
	buffer_append_u64be(bytes, (uint64_t)us);
	return 0;
}

static int timestamp_to_text(const struct pg_type *type, struct slice bytes, struct buffer *text)
{
	(void)type;
	return stamp_to_text(bytes, false, text);
}

static int timestamp_to_binary(const struct pg_type *type, struct slice text, struct buffer *bytes)
{
	(void)type;
	return stamp_to_binary(text, false, bytes);
}

static int timestamptz_to_text(const struct pg_type *type, struct slice bytes, struct buffer *text)
{
	(void)type;
	return stamp_to_text(bytes, true, text);
}

static int timestamptz_to_binary(const struct pg_type *type, struct slice text,
				 struct buffer *bytes)
{
	(void)type;
	return stamp_to_binary(text, true, bytes);
}

const struct pg_codec pg_codec_date = { date_to_text, date_to_binary, true };
const struct pg_codec pg_codec_time = { time_to_text, time_to_binary, true };
const struct pg_codec pg_codec_timetz = { timetz_to_text, timetz_to_binary, true };
const struct pg_codec pg_codec_timestamp = { timestamp_to_text, timestamp_to_binary, true };
const struct pg_codec pg_codec_timestamptz = { timestamptz_to_text, timestamptz_to_binary, true };
