/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hashes by shape; see loose.h. A text has at most one shape: the checks are tried in order and
 * each is strict, so that what looks like a date but is none is a plain text.
 */
#include "parsers/sql/loose.h"

#include "parsers/cursor.h"
#include "parsers/json.h"

#define XXH_STATIC_LINKING_ONLY /* a state on the stack */
#include <xxhash.h>

enum shape {
	SHAPE_TEXT,
	SHAPE_DECIMAL,
	SHAPE_INSTANT,
	SHAPE_LOCAL,
	SHAPE_UUID,
	SHAPE_TRUTH,
	SHAPE_JSON,
	SHAPE_DATE,
	SHAPE_TIME
};

static uint64_t hash_u64(uint64_t value, uint64_t seed)
{
	return XXH3_64bits_withSeed(&value, sizeof(value), seed);
}

static uint64_t hash_slice(struct slice text, uint64_t seed)
{
	return XXH3_64bits_withSeed(text.size ? (const void *)text.data : "", text.size, seed);
}

static uint64_t shape_seed(uint64_t seed, enum shape shape)
{
	return hash_u64((uint64_t)shape, seed);
}

static uint8_t peek(const struct cursor *cursor)
{
	return cursor->at < cursor->end ? *cursor->at : 0;
}

static bool take(struct cursor *cursor, uint8_t byte)
{
	if (cursor->at == cursor->end || *cursor->at != byte)
		return false;
	cursor->at++;
	return true;
}

static struct slice take_digits(struct cursor *cursor)
{
	const uint8_t *start = cursor->at;

	while (ascii_is_digit(peek(cursor)))
		cursor->at++;
	return slice_of(start, (size_t)(cursor->at - start));
}

/* Exactly `size` digits (at most nine); failure is sticky in the cursor. */
static int64_t take_number(struct cursor *cursor, size_t size)
{
	struct slice digits = cursor_bytes(cursor, size);
	int64_t value = 0;

	for (size_t i = 0; i < digits.size; i++) {
		if (!ascii_is_digit(digits.data[i]))
			cursor->failed = true;
		value = value * 10 + (digits.data[i] - '0');
	}
	return value;
}

/* The digits of a decimal without zeros at either end, and the power of ten that they are
 * multiplied with. */
struct decimal {
	bool negative;
	struct slice whole;
	struct slice fraction;
	int64_t exponent;
};

static bool read_decimal(struct slice text, struct decimal *decimal)
{
	struct cursor cursor = cursor_of(text);

	*decimal = (struct decimal){ .negative = take(&cursor, '-') };
	if (!decimal->negative)
		take(&cursor, '+');
	decimal->whole = take_digits(&cursor);
	if (take(&cursor, '.'))
		decimal->fraction = take_digits(&cursor);
	if (!decimal->whole.size && !decimal->fraction.size)
		return false;
	if (take(&cursor, 'e') || take(&cursor, 'E')) {
		bool negative = take(&cursor, '-');
		struct slice digits;

		if (!negative)
			take(&cursor, '+');
		digits = take_digits(&cursor);
		if (!digits.size || digits.size > 9)
			return false;
		for (size_t i = 0; i < digits.size; i++)
			decimal->exponent = decimal->exponent * 10 + (digits.data[i] - '0');
		if (negative)
			decimal->exponent = -decimal->exponent;
	}
	return cursor_done(&cursor);
}

static void trim_front(struct slice *digits)
{
	while (digits->size && digits->data[0] == '0')
		*digits = slice_of(digits->data + 1, digits->size - 1);
}

static size_t trim_back(struct slice *digits)
{
	size_t size = digits->size;

	while (digits->size && digits->data[digits->size - 1] == '0')
		digits->size--;
	return size - digits->size;
}

static uint64_t hash_decimal(struct decimal *decimal, uint64_t seed)
{
	XXH3_state_t state;

	trim_front(&decimal->whole);
	trim_back(&decimal->fraction);
	decimal->exponent -= (int64_t)decimal->fraction.size;
	if (!decimal->fraction.size)
		decimal->exponent += (int64_t)trim_back(&decimal->whole);
	if (!decimal->whole.size)
		trim_front(&decimal->fraction);
	if (!decimal->whole.size && !decimal->fraction.size)
		return seed;
	seed = hash_u64((uint64_t)decimal->exponent, seed + decimal->negative);
	if (!decimal->fraction.size) /* the same in one step, which is far cheaper */
		return hash_slice(decimal->whole, seed);
	XXH3_64bits_reset_withSeed(&state, seed);
	XXH3_64bits_update(&state, decimal->whole.data, decimal->whole.size);
	XXH3_64bits_update(&state, decimal->fraction.data, decimal->fraction.size);
	return XXH3_64bits_digest(&state);
}

/* Days since 1970-01-01 in the proleptic Gregorian calendar, counted from March so that February is
 * last. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
	int64_t from_march = (month + 9) % 12;
	int64_t years = year - (month <= 2);

	return years * 365 + years / 4 - years / 100 + years / 400 + (from_march * 306 + 5) / 10 +
	       day - 719469;
}

/* "+02", "-05:30", "+00:19:32", "Z": seconds east of Greenwich. */
static bool read_zone(struct cursor *cursor, int64_t *ret_seconds)
{
	int64_t sign = 1;
	int64_t seconds;

	*ret_seconds = 0;
	if (take(cursor, 'Z') || take(cursor, 'z'))
		return true;
	if (take(cursor, '-'))
		sign = -1;
	else if (!take(cursor, '+'))
		return false;
	seconds = take_number(cursor, 2) * 3600;
	if (take(cursor, ':') || ascii_is_digit(peek(cursor)))
		seconds += take_number(cursor, 2) * 60;
	if (take(cursor, ':'))
		seconds += take_number(cursor, 2);
	*ret_seconds = sign * seconds;
	return true;
}

/* Up to six digits count; more are no timestamp that a server has. */
static int64_t read_fraction(struct cursor *cursor)
{
	int64_t microseconds = 0;
	struct slice digits;

	if (!take(cursor, '.'))
		return 0;
	digits = take_digits(cursor);
	if (!digits.size || digits.size > 6)
		cursor->failed = true;
	for (size_t i = 0; i < 6; i++)
		microseconds = microseconds * 10 + (i < digits.size ? digits.data[i] - '0' : 0);
	return microseconds;
}

/* Microseconds since 1970, in UTC when *ret_zone, else of an unknown zone. */
static bool read_timestamp(struct slice text, int64_t *ret_microseconds, bool *ret_zone)
{
	struct cursor cursor = cursor_of(text);
	int64_t year, month, day, hour, minute, second = 0, fraction = 0, zone = 0;

	year = take_number(&cursor, 4);
	cursor.failed |= !take(&cursor, '-');
	month = take_number(&cursor, 2);
	cursor.failed |= !take(&cursor, '-');
	day = take_number(&cursor, 2);
	cursor.failed |= !take(&cursor, ' ') && !take(&cursor, 'T') && !take(&cursor, 't');
	hour = take_number(&cursor, 2);
	cursor.failed |= !take(&cursor, ':');
	minute = take_number(&cursor, 2);
	if (take(&cursor, ':')) {
		second = take_number(&cursor, 2);
		fraction = read_fraction(&cursor);
	}
	take(&cursor, ' ');
	*ret_zone = read_zone(&cursor, &zone);
	if (!cursor_done(&cursor) || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 ||
	    minute > 59 || second > 59)
		return false;
	*ret_microseconds =
		(days_of(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - zone) *
			1000000 +
		fraction;
	return true;
}

/* In any case, with or without braces. */
static bool read_uuid(struct slice text, uint8_t hex[32])
{
	size_t n = 0;

	if (text.size == 38 && text.data[0] == '{' && text.data[37] == '}')
		text = slice_of(text.data + 1, 36);
	if (text.size != 36)
		return false;
	for (size_t i = 0; i < 36; i++) {
		uint8_t byte = ascii_lower(text.data[i]);

		if (i == 8 || i == 13 || i == 18 || i == 23) {
			if (byte != '-')
				return false;
		} else if (ascii_is_digit(byte) || (byte >= 'a' && byte <= 'f')) {
			hex[n++] = byte;
		} else {
			return false;
		}
	}
	return true;
}

struct json_level {
	uint64_t hash; /* of an array in order, of an object as a sum over its members */
	uint64_t key;
	bool object;
};

static void add_json(struct json_level *level, uint64_t value)
{
	if (level->object)
		level->hash += hash_u64(value, level->key);
	else
		level->hash = hash_u64(value, level->hash);
}

static uint64_t hash_json_scalar(const struct json_reader *reader, struct arena *arena)
{
	struct decimal decimal;

	switch ((enum json_token)reader->token) {
	case JSON_STRING:
		return hash_slice(json_string(reader, arena), JSON_STRING);
	case JSON_NUMBER:
		if (read_decimal(reader->text, &decimal))
			return hash_decimal(&decimal, JSON_NUMBER);
		return hash_slice(reader->text, JSON_NUMBER);
	default:
		return hash_u64(reader->token, 0);
	}
}

static bool hash_json(struct slice text, uint64_t *ret_hash)
{
	struct json_level levels[JSON_DEPTH_MAX + 1];
	struct json_reader reader;
	enum json_token token;
	struct arena arena;
	size_t depth = 0;

	arena_init(&arena);
	json_reader_init(&reader, text);
	levels[0] = (struct json_level){ 0 };
	while ((token = json_next(&reader)) > JSON_END) {
		switch (token) {
		case JSON_OBJECT:
		case JSON_ARRAY:
			levels[++depth] = (struct json_level){ .hash = token,
							       .object = token == JSON_OBJECT };
			break;
		case JSON_OBJECT_END:
		case JSON_ARRAY_END:
			depth--;
			add_json(&levels[depth], hash_u64(levels[depth + 1].hash, token));
			break;
		case JSON_KEY:
			levels[depth].key = hash_slice(json_string(&reader, &arena), JSON_KEY);
			break;
		default:
			add_json(&levels[depth], hash_json_scalar(&reader, &arena));
			break;
		}
	}
	arena_release(&arena);
	*ret_hash = levels[0].hash;
	return token == JSON_END;
}

static int truth_of(struct slice text)
{
	if (slice_equal_nocase(text, SLICE("t")) || slice_equal_nocase(text, SLICE("true")))
		return 1;
	if (slice_equal_nocase(text, SLICE("f")) || slice_equal_nocase(text, SLICE("false")))
		return 0;
	return -1;
}

/* A number of at most `max` digits; failure is sticky in the cursor. */
static int64_t take_short(struct cursor *cursor, size_t max)
{
	struct slice digits = take_digits(cursor);
	int64_t value = 0;

	if (!digits.size || digits.size > max)
		cursor->failed = true;
	for (size_t i = 0; i < digits.size && i < max; i++)
		value = value * 10 + (digits.data[i] - '0');
	return value;
}

/* MySQL: ":2:3.5", as microseconds in decimal places of their own, so that no value must be valid. */
static int64_t take_clock(struct cursor *cursor)
{
	int64_t minute, second;

	cursor->failed |= !take(cursor, ':');
	minute = take_short(cursor, 2);
	cursor->failed |= !take(cursor, ':');
	second = take_short(cursor, 2);
	return (minute * 100 + second) * 1000000 + read_fraction(cursor);
}

/* MySQL's DATE, DATETIME and TIME, also zero dates and without the zeros before digits. */
static bool hash_calendar(struct slice text, uint64_t seed, uint64_t *ret_hash)
{
	struct cursor cursor = cursor_of(text);
	enum shape shape = SHAPE_TIME;
	bool negative = take(&cursor, '-');
	struct slice first = take_digits(&cursor);
	int64_t value = 0, clock = 0;

	if (!first.size || first.size > 4 || cursor.at == cursor.end)
		return false;
	for (size_t i = 0; i < first.size; i++)
		value = value * 10 + (first.data[i] - '0');
	if (!negative && first.size == 4 && take(&cursor, '-')) {
		shape = SHAPE_DATE;
		value = value * 100 + take_short(&cursor, 2);
		cursor.failed |= !take(&cursor, '-');
		value = value * 100 + take_short(&cursor, 2);
		if (take(&cursor, ' ') || take(&cursor, 'T')) {
			shape = SHAPE_LOCAL;
			value = value * 100 + take_short(&cursor, 2);
		}
	}
	if (shape != SHAPE_DATE)
		clock = take_clock(&cursor);
	if (!cursor_done(&cursor))
		return false;
	*ret_hash = hash_u64((uint64_t)clock,
			     hash_u64((uint64_t)value, shape_seed(seed + negative, shape)));
	return true;
}

static bool hash_mysql_shape(struct slice text, uint64_t seed, uint64_t *ret_hash)
{
	struct decimal decimal;
	uint8_t uuid[32];

	if (hash_calendar(text, seed, ret_hash))
		return true;
	if (read_uuid(text, uuid))
		*ret_hash = hash_slice(slice_of(uuid, 32), shape_seed(seed, SHAPE_UUID));
	else if (read_decimal(text, &decimal))
		*ret_hash = hash_decimal(&decimal, shape_seed(seed, SHAPE_DECIMAL));
	else if ((text.data[0] == '{' || text.data[0] == '[') && hash_json(text, ret_hash))
		*ret_hash = hash_u64(*ret_hash, shape_seed(seed, SHAPE_JSON));
	else
		return false;
	return true;
}

static bool hash_shape(struct slice text, uint64_t seed, uint64_t *ret_hash)
{
	struct decimal decimal;
	int64_t microseconds;
	uint8_t uuid[32];
	bool zone;

	if (read_uuid(text, uuid)) {
		*ret_hash = hash_slice(slice_of(uuid, 32), shape_seed(seed, SHAPE_UUID));
	} else if (read_decimal(text, &decimal)) {
		*ret_hash = hash_decimal(&decimal, shape_seed(seed, SHAPE_DECIMAL));
	} else if (read_timestamp(text, &microseconds, &zone)) {
		*ret_hash = hash_u64((uint64_t)microseconds,
				     shape_seed(seed, zone ? SHAPE_INSTANT : SHAPE_LOCAL));
	} else if (truth_of(text) >= 0) {
		*ret_hash = hash_u64((uint64_t)truth_of(text), shape_seed(seed, SHAPE_TRUTH));
	} else if ((text.data[0] == '{' || text.data[0] == '[') && hash_json(text, ret_hash)) {
		*ret_hash = hash_u64(*ret_hash, shape_seed(seed, SHAPE_JSON));
	} else {
		return false;
	}
	return true;
}

uint64_t sql_loose_text_hash(enum sql_dialect dialect, struct slice text, bool *ret_shaped)
{
	const uint64_t seed = 0;
	uint64_t hash;

	*ret_shaped = text.size && (dialect == SQL_MYSQL ? hash_mysql_shape(text, seed, &hash) :
							   hash_shape(text, seed, &hash));
	return *ret_shaped ? hash : hash_slice(text, shape_seed(seed, SHAPE_TEXT));
}
