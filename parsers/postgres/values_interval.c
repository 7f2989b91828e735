/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PostgreSQL values: interval, in the postgres style. Documentation 8.5.5.
 *
 *	microseconds i64 | days i32 | months i32
 *
 * In this style a field's sign is written for it alone, a plus only behind a negative field; other
 * styles read the same text otherwise ("-1 day 02:00:00"). So only what the server prints is read:
 * what was read is printed again and compared.
 *
 * The largest and the smallest value of all three fields are the infinities since version 17 and
 * numbers before: they do not convert.
 */
#include "parsers/postgres/values_internal.h"

#include <errno.h>

#define MINUTE_US 60000000ULL
#define HOUR_US 3600000000ULL

/* Longer than any: years, months, days, hours with their signs and units. */
#define INTERVAL_TEXT_MAX 128

struct interval {
	int64_t us;
	int32_t days, months;
};

static bool is_infinity(const struct interval *interval)
{
	return (interval->us == INT64_MAX && interval->days == INT32_MAX &&
		interval->months == INT32_MAX) ||
	       (interval->us == INT64_MIN && interval->days == INT32_MIN &&
		interval->months == INT32_MIN);
}

static void append_unit(struct buffer *text, int64_t value, const char *unit, bool *first,
			bool *behind_negative)
{
	if (!value)
		return;
	if (!*first)
		buffer_append_u8(text, ' ');
	if (*behind_negative && value > 0)
		buffer_append_u8(text, '+');
	buffer_append_signed(text, value);
	buffer_append_u8(text, ' ');
	buffer_append_string(text, unit);
	if (value != 1)
		buffer_append_u8(text, 's');
	*first = false;
	*behind_negative = value < 0;
}

static void append_interval(struct buffer *text, const struct interval *interval)
{
	uint64_t us = interval->us < 0 ? 0 - (uint64_t)interval->us : (uint64_t)interval->us;
	bool behind_negative = false;
	bool first = true;
	uint64_t fraction;
	size_t width = 6;

	append_unit(text, interval->months / 12, "year", &first, &behind_negative);
	append_unit(text, interval->months % 12, "mon", &first, &behind_negative);
	append_unit(text, interval->days, "day", &first, &behind_negative);
	if (!us && !first)
		return;
	if (!first)
		buffer_append_u8(text, ' ');
	if (interval->us < 0)
		buffer_append_u8(text, '-');
	else if (behind_negative)
		buffer_append_u8(text, '+');
	pg_append_padded(text, us / HOUR_US, 2);
	buffer_append_u8(text, ':');
	pg_append_padded(text, us / MINUTE_US % 60, 2);
	buffer_append_u8(text, ':');
	pg_append_padded(text, us % MINUTE_US / 1000000, 2);
	fraction = us % 1000000;
	if (!fraction)
		return;
	for (; fraction % 10 == 0; width--)
		fraction /= 10;
	buffer_append_u8(text, '.');
	pg_append_padded(text, fraction, width);
}

static int interval_to_text(const struct pg_type *type, struct slice bytes, struct buffer *text)
{
	struct cursor in = cursor_of(bytes);
	struct interval interval;

	(void)type;
	interval.us = (int64_t)cursor_u64be(&in);
	interval.days = cursor_i32be(&in);
	interval.months = cursor_i32be(&in);
	if (is_infinity(&interval))
		return -EINVAL;
	append_interval(text, &interval);
	return 0;
}

/* The rest of a time of which the hours were read: ":MM:SS[.ffffff]". */
static void read_time(struct cursor *in, uint64_t hours, bool negative, struct interval *interval)
{
	uint64_t us = pg_read_digits(in, 2, 2) * MINUTE_US;
	uint64_t limit = (uint64_t)INT64_MAX + negative;
	const uint8_t *start;
	uint64_t fraction = 0;

	in->failed |= !pg_accept(in, ':');
	us += pg_read_digits(in, 2, 2) * 1000000;
	if (pg_accept(in, '.')) {
		start = in->at;
		fraction = pg_read_digits(in, 1, 6);
		for (size_t n = (size_t)(in->at - start); n < 6; n++)
			fraction *= 10;
	}
	us += fraction;
	if (hours > limit / HOUR_US || us > limit - hours * HOUR_US) {
		in->failed = true;
		return;
	}
	us += hours * HOUR_US;
	interval->us = (int64_t)(negative ? 0 - us : us);
}

/* A number and its unit; adds to years and months, which count together. */
static void read_field(struct cursor *in, int64_t *months, struct interval *interval)
{
	static const struct slice units[] = { SLICE("year"), SLICE("mon"), SLICE("day") };
	bool negative = pg_accept(in, '-');
	int64_t value;
	size_t unit = 0;

	if (!negative)
		pg_accept(in, '+');
	value = (int64_t)pg_read_digits(in, 1, 10);
	if (pg_accept(in, ':')) {
		read_time(in, (uint64_t)value, negative, interval);
		return;
	}
	in->failed |= !pg_accept(in, ' ');
	if (negative)
		value = -value;
	while (unit < ARRAY_SIZE(units) &&
	       !slice_starts_with(slice_of(in->at, cursor_left(in)), units[unit]))
		unit++;
	if (in->failed || unit == ARRAY_SIZE(units)) {
		in->failed = true;
		return;
	}
	in->at += units[unit].size;
	pg_accept(in, 's');
	if (unit == 2 && value >= INT32_MIN && value <= INT32_MAX)
		interval->days = (int32_t)value;
	else if (unit < 2)
		*months += unit ? value : value * 12;
	else
		in->failed = true;
}

static int interval_to_binary(const struct pg_type *type, struct slice text, struct buffer *bytes)
{
	struct cursor in = cursor_of(text);
	struct interval interval = { 0 };
	struct buffer again;
	int64_t months = 0;
	bool same;

	(void)type;
	if (text.size > INTERVAL_TEXT_MAX)
		return -EINVAL;
	do
		read_field(&in, &months, &interval);
	while (pg_accept(&in, ' '));
	if (!cursor_done(&in) || months < INT32_MIN || months > INT32_MAX)
		return -EINVAL;
	interval.months = (int32_t)months;

	buffer_init(&again, INTERVAL_TEXT_MAX);
	append_interval(&again, &interval);
	same = slice_equal(buffer_slice(&again), text);
	buffer_release(&again);
	if (!same || is_infinity(&interval))
		return -EINVAL;
	buffer_append_u64be(bytes, (uint64_t)interval.us);
	buffer_append_u32be(bytes, (uint32_t)interval.days);
	buffer_append_u32be(bytes, (uint32_t)interval.months);
	return 0;
}

/* Exact: the three fields stand in the text, and nothing else. */
const struct pg_codec pg_codec_interval = { interval_to_text, interval_to_binary, true };
