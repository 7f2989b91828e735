/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON to answers; see decode.h. Each list is read twice: once to count, so that what is allocated
 * is bounded by what is there, once to fill.
 */
#include "store/decode.h"

#include <errno.h>

static int hex_digit(uint8_t byte)
{
	byte = ascii_lower(byte);
	if (byte >= '0' && byte <= '9')
		return byte - '0';
	return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

static int decode_hex(struct slice digits, struct arena *arena, struct slice *ret_bytes)
{
	uint8_t *bytes = arena_bytes(arena, digits.size / 2 + 1);

	if (digits.size % 2)
		return -EBADMSG;
	for (size_t i = 0; i < digits.size / 2; i++) {
		int high = hex_digit(digits.data[2 * i]);
		int low = hex_digit(digits.data[2 * i + 1]);

		if (high < 0 || low < 0)
			return -EBADMSG;
		bytes[i] = (uint8_t)(high << 4 | low);
	}
	*ret_bytes = slice_of(bytes, digits.size / 2);
	return 0;
}

/* A whole number without a fraction, as far as 64 bits go. */
static int decode_number(struct slice text, int64_t *ret_number)
{
	bool negative = text.size && text.data[0] == '-';
	uint64_t number = 0;

	if (text.size - negative < 1 || text.size - negative > 18)
		return -EBADMSG;
	for (size_t i = negative; i < text.size; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return -EBADMSG;
		number = 10 * number + (uint64_t)(text.data[i] - '0');
	}
	*ret_number = negative ? -(int64_t)number : (int64_t)number;
	return 0;
}

static bool expect(struct json_reader *reader, enum json_token token)
{
	return json_next(reader) == token;
}

/* How many values the array or object that begins the text has; 0 also when it is none. */
static size_t count_members(struct slice json)
{
	struct json_reader reader;
	enum json_token token;
	struct slice value;
	size_t n = 0;

	json_reader_init(&reader, json);
	token = json_next(&reader);
	if (token != JSON_ARRAY && token != JSON_OBJECT)
		return 0;
	while ((token == JSON_ARRAY || json_next(&reader) == JSON_KEY) &&
	       json_next_element(&reader, &value))
		n++;
	return n;
}

/* Behind the opening token of {"hex": "..."}: the bytes. */
static int decode_hex_object(struct json_reader *reader, struct arena *arena,
			     struct slice *ret_bytes)
{
	if (json_next(reader) != JSON_KEY ||
	    !slice_equal(json_string(reader, arena), SLICE("hex")) ||
	    json_next(reader) != JSON_STRING)
		return -EBADMSG;
	if (decode_hex(json_string(reader, arena), arena, ret_bytes) < 0 ||
	    json_next(reader) != JSON_OBJECT_END)
		return -EBADMSG;
	return 0;
}

/* A string, {"hex": ...}, or what a person may write in its place. */
static int decode_text(struct json_reader *reader, struct arena *arena, struct slice *ret_text)
{
	switch (json_next(reader)) {
	case JSON_STRING:
		*ret_text = json_string(reader, arena);
		return 0;
	case JSON_NUMBER:
		*ret_text = reader->text;
		return 0;
	case JSON_NULL:
		*ret_text = slice_of("", 0);
		return 0;
	case JSON_OBJECT:
		return decode_hex_object(reader, arena, ret_text);
	default:
		return -EBADMSG;
	}
}

static int next_fields(struct json_reader *reader, struct arena *arena, struct answer_field *fields,
		       size_t max, size_t *ret_n)
{
	enum json_token token;
	size_t n = 0;

	if (json_next(reader) != JSON_OBJECT)
		return -EBADMSG;
	while ((token = json_next(reader)) == JSON_KEY && n < max) {
		fields[n].name = json_string(reader, arena);
		if (decode_text(reader, arena, &fields[n].value) < 0)
			return -EBADMSG;
		n++;
	}
	*ret_n = n;
	return token == JSON_OBJECT_END ? 0 : -EBADMSG;
}

int decode_fields(struct slice json, struct arena *arena, const struct answer_field **ret_fields,
		  size_t *ret_n)
{
	size_t max = count_members(json);
	struct answer_field *fields = arena_alloc(arena, (max + 1) * sizeof(*fields));
	struct json_reader reader;
	size_t n = 0;

	json_reader_init(&reader, json);
	if (next_fields(&reader, arena, fields, max, &n) < 0 || json_next(&reader) != JSON_END)
		return -EBADMSG;
	*ret_fields = fields;
	*ret_n = n;
	return 0;
}

/* An array of arrays has no more elements than this, without its own bracket. */
static size_t count_brackets(struct slice json)
{
	const uint8_t *at = json.data, *end;
	size_t n = 0;

	if (!json.size)
		return 0;
	end = at + json.size;
	while (at < end && (at = memchr(at, '[', (size_t)(end - at)))) {
		n++;
		at++;
	}
	return n;
}

int decode_pairs(struct slice json, struct arena *arena, size_t max,
		 const struct name_value **ret_pairs, size_t *ret_n)
{
	size_t brackets = count_brackets(json), n = 0;
	struct name_value *pairs;
	enum json_token token;
	struct json_reader reader;

	json_reader_init(&reader, json);
	if (!brackets || !expect(&reader, JSON_ARRAY))
		return -EBADMSG;
	if (brackets - 1 < max)
		max = brackets - 1;
	pairs = arena_alloc(arena, (max + 1) * sizeof(*pairs));
	while ((token = json_next(&reader)) == JSON_ARRAY && n < max) {
		if (decode_text(&reader, arena, &pairs[n].name) < 0 ||
		    decode_text(&reader, arena, &pairs[n].value) < 0 ||
		    !expect(&reader, JSON_ARRAY_END))
			return -EBADMSG;
		n++;
	}
	if (token != JSON_ARRAY_END || !expect(&reader, JSON_END))
		return -EBADMSG;
	*ret_pairs = pairs;
	*ret_n = n;
	return 0;
}

/* The other members of an event: "after" is a number of rows, "data" or "tag". */
static int decode_event_place(struct json_reader *reader, struct arena *arena, uint64_t *ret_place)
{
	enum json_token token;
	struct slice text;
	int64_t rows;

	while ((token = json_next(reader)) == JSON_KEY) {
		if (!slice_equal(json_string(reader, arena), SLICE("after")) ||
		    decode_text(reader, arena, &text) < 0)
			return -EBADMSG;
		if (slice_equal(text, SLICE("tag")))
			*ret_place = ANSWER_EVENT_LAST;
		else if (slice_equal(text, SLICE("data")))
			*ret_place = ANSWER_EVENT_DATA;
		else if (decode_number(text, &rows) == 0 && rows >= 0)
			*ret_place = (uint64_t)rows + 1;
		else
			return -EBADMSG;
	}
	return token == JSON_OBJECT_END ? 0 : -EBADMSG;
}

/* {KEY: {name: value ...}, and what decode_event_place() reads. */
static int decode_keyed(struct slice json, struct arena *arena, struct slice *ret_key,
			struct answer_event *ret_event)
{
	struct slice fields = { NULL, 0 };
	struct json_reader reader;

	json_reader_init(&reader, json);
	if (!expect(&reader, JSON_OBJECT) || !expect(&reader, JSON_KEY))
		return -EBADMSG;
	*ret_key = json_string(&reader, arena);
	if (!json_next_element(&reader, &fields) ||
	    decode_event_place(&reader, arena, &ret_event->place) < 0)
		return -EBADMSG;
	return decode_fields(fields, arena, &ret_event->fields, &ret_event->n_fields);
}

static int decode_event(struct slice json, struct arena *arena, struct answer_event *event)
{
	struct slice key;

	if (decode_keyed(json, arena, &key, event) < 0)
		return -EBADMSG;
	event->status = slice_equal(key, SLICE("status"));
	return event->status || slice_equal(key, SLICE("notice")) ? 0 : -EBADMSG;
}

static int decode_notification(const struct answer_event *event, struct answer_aside *aside)
{
	int64_t backend = 0;

	aside->type = ASIDE_NOTIFICATION;
	aside->channel = aside->payload = SLICE("");
	for (size_t i = 0; i < event->n_fields; i++) {
		struct slice value = event->fields[i].value;

		if (slice_equal(event->fields[i].name, SLICE("channel")))
			aside->channel = value;
		else if (slice_equal(event->fields[i].name, SLICE("payload")))
			aside->payload = value;
		else if (slice_equal(event->fields[i].name, SLICE("backend")) &&
			 decode_number(value, &backend) < 0)
			return -EBADMSG;
	}
	aside->backend = (uint32_t)backend;
	return 0;
}

int decode_aside(struct slice json, struct arena *arena, struct answer_aside *ret_aside)
{
	struct answer_event event = { 0 };
	struct slice key;

	*ret_aside = (struct answer_aside){ 0 };
	if (decode_keyed(json, arena, &key, &event) < 0)
		return -EBADMSG;
	ret_aside->fields = event.fields;
	ret_aside->n_fields = event.n_fields;
	if (slice_equal(key, SLICE("notification")))
		return decode_notification(&event, ret_aside);
	if (slice_equal(key, SLICE("error")))
		ret_aside->type = ASIDE_ERROR;
	else if (slice_equal(key, SLICE("end")) && event.n_fields == 1)
		ret_aside->type = ASIDE_END;
	else if (slice_equal(key, SLICE("notice")))
		ret_aside->type = ASIDE_NOTICE;
	else if (slice_equal(key, SLICE("status")) && event.n_fields == 1)
		ret_aside->type = ASIDE_STATUS;
	else
		return -EBADMSG;
	return 0;
}

int decode_events(struct slice json, struct arena *arena, const struct answer_event **ret_events,
		  size_t *ret_n)
{
	size_t n = count_members(json);
	struct answer_event *events = arena_alloc(arena, (n + 1) * sizeof(*events));
	struct json_reader reader;

	json_reader_init(&reader, json);
	if (json_next(&reader) != JSON_ARRAY)
		return -EBADMSG;
	for (size_t i = 0; i < n; i++) {
		struct slice event = { NULL, 0 };

		if (!json_next_element(&reader, &event) ||
		    decode_event(event, arena, &events[i]) < 0)
			return -EBADMSG;
	}
	if (!expect(&reader, JSON_ARRAY_END) || !expect(&reader, JSON_END))
		return -EBADMSG;
	*ret_events = events;
	*ret_n = n;
	return 0;
}

static void set_number(struct column *column, struct slice name, int64_t number)
{
	if (slice_equal(name, SLICE("type_id")))
		column->type_id = (uint32_t)number;
	else if (slice_equal(name, SLICE("modifier")))
		column->modifier = (int32_t)number;
	else if (slice_equal(name, SLICE("length")))
		column->length = number;
	else if (slice_equal(name, SLICE("table")))
		column->table = (uint32_t)number;
	else if (slice_equal(name, SLICE("attribute")))
		column->attribute = (uint16_t)number;
	else if (slice_equal(name, SLICE("charset")))
		column->charset = (uint16_t)number;
	else if (slice_equal(name, SLICE("flags")))
		column->flags = (uint16_t)number;
	else if (slice_equal(name, SLICE("decimals")))
		column->decimals = (uint8_t)number;
}

/* True when it was one of the members that are text. */
static bool set_text(struct column *column, struct slice name, struct slice text)
{
	const struct {
		struct slice name;
		struct slice *text;
	} members[] = {
		{ SLICE("name"), &column->name },
		{ SLICE("type"), &column->type },
		{ SLICE("schema"), &column->schema },
		{ SLICE("table_name"), &column->table_name },
		{ SLICE("original_table"), &column->original_table },
		{ SLICE("original_name"), &column->original_name },
		{ SLICE("extended"), &column->extended },
		{ SLICE("default"), &column->preset },
	};

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		if (slice_equal(name, members[i].name)) {
			*members[i].text = text.data ? text : SLICE("");
			return true;
		}
	}
	return false;
}

static int decode_column(struct json_reader *reader, struct arena *arena, struct column *column)
{
	enum json_token token;

	*column = (struct column){ 0 };
	if (json_next(reader) != JSON_OBJECT)
		return -EBADMSG;
	while ((token = json_next(reader)) == JSON_KEY) {
		struct slice name = json_string(reader, arena);
		struct slice value;
		int64_t number = 0;

		if (decode_text(reader, arena, &value) < 0)
			return -EBADMSG;
		if (set_text(column, name, value))
			continue;
		if (slice_equal(name, SLICE("form")))
			column->form = slice_equal(value, SLICE("binary")) ? PARAMETER_BINARY :
									     PARAMETER_TEXT;
		else if (decode_number(value, &number) == 0)
			set_number(column, name, number);
	}
	return token == JSON_OBJECT_END ? 0 : -EBADMSG;
}

int decode_columns(struct slice json, struct arena *arena, struct answer_columns **ret_columns)
{
	size_t n = count_members(json);
	struct answer_columns *columns;
	struct json_reader reader;

	if (n > COLUMNS_MAX)
		return -EBADMSG;
	columns = arena_alloc(arena, sizeof(*columns) + n * sizeof(columns->columns[0]));
	json_reader_init(&reader, json);
	if (json_next(&reader) != JSON_ARRAY)
		return -EBADMSG;
	for (size_t i = 0; i < n; i++)
		if (decode_column(&reader, arena, &columns->columns[i]) < 0)
			return -EBADMSG;
	if (!expect(&reader, JSON_ARRAY_END) || !expect(&reader, JSON_END))
		return -EBADMSG;
	columns->n = n;
	*ret_columns = columns;
	return 0;
}

int decode_numbers(struct slice json, struct arena *arena, size_t max, const uint32_t **ret_numbers,
		   size_t *ret_n)
{
	size_t n = count_members(json);
	struct json_reader reader;
	uint32_t *numbers;

	if (n > max)
		return -EBADMSG;
	numbers = arena_alloc(arena, (n + 1) * sizeof(*numbers));
	json_reader_init(&reader, json);
	if (json_next(&reader) != JSON_ARRAY)
		return -EBADMSG;
	for (size_t i = 0; i < n; i++) {
		int64_t number;

		if (json_next(&reader) != JSON_NUMBER || decode_number(reader.text, &number) < 0)
			return -EBADMSG;
		numbers[i] = (uint32_t)number;
	}
	if (!expect(&reader, JSON_ARRAY_END) || !expect(&reader, JSON_END))
		return -EBADMSG;
	*ret_numbers = numbers;
	*ret_n = n;
	return 0;
}

/* Behind the opening token of {"hex": ...} or {"part": n, "bytes": n, "raw": true}. */
static int decode_special(struct json_reader *reader, struct arena *arena,
			  struct answer_value *value)
{
	enum json_token token;

	*value = (struct answer_value){ .kind = ANSWER_PART_TEXT };
	while ((token = json_next(reader)) == JSON_KEY) {
		struct slice name = json_string(reader, arena);
		enum json_token what = json_next(reader);
		int64_t number = 0;

		if (what == JSON_STRING && slice_equal(name, SLICE("hex"))) {
			value->kind = ANSWER_RAW;
			if (decode_hex(json_string(reader, arena), arena, &value->bytes) < 0)
				return -EBADMSG;
		} else if (what == JSON_NUMBER && decode_number(reader->text, &number) == 0 &&
			   number >= 0) {
			if (slice_equal(name, SLICE("part")))
				value->part = (uint64_t)number;
			else if (slice_equal(name, SLICE("bytes")))
				value->size = (uint64_t)number;
		} else if (what == JSON_TRUE && slice_equal(name, SLICE("raw"))) {
			value->kind = ANSWER_PART_RAW;
		} else {
			return -EBADMSG;
		}
	}
	if (token != JSON_OBJECT_END || (value->kind != ANSWER_RAW && !value->part))
		return -EBADMSG;
	return 0;
}

static int decode_value(struct json_reader *reader, enum json_token token, struct arena *arena,
			struct answer_value *value)
{
	*value = (struct answer_value){ .kind = ANSWER_TEXT };
	switch (token) {
	case JSON_STRING:
		value->bytes = json_string(reader, arena);
		return 0;
	case JSON_NULL:
		value->kind = ANSWER_NULL;
		return 0;
	case JSON_OBJECT:
		return decode_special(reader, arena, value);
	/* Not written by a recorder, but by people. */
	case JSON_NUMBER:
		value->bytes = reader->text;
		return 0;
	case JSON_TRUE:
		value->bytes = SLICE("t");
		return 0;
	case JSON_FALSE:
		value->bytes = SLICE("f");
		return 0;
	default:
		return -EBADMSG;
	}
}

int rows_decoder_init(struct rows_decoder *rows, struct slice json)
{
	*rows = (struct rows_decoder){ 0 };
	json_reader_init(&rows->json, json);
	rows->failed = json_next(&rows->json) != JSON_ARRAY;
	return rows->failed ? -EBADMSG : 0;
}

int rows_decoder_next(struct rows_decoder *rows, struct arena *arena, struct answer_value *values,
		      size_t max, size_t *ret_n)
{
	enum json_token token;
	size_t n = 0;

	if (rows->failed)
		return -EBADMSG;
	token = json_next(&rows->json);
	if (token == JSON_ARRAY_END && json_next(&rows->json) == JSON_END) {
		rows->failed = true; /* there is nothing behind the end */
		return 0;
	}
	rows->failed = token != JSON_ARRAY;
	while (!rows->failed && (token = json_next(&rows->json)) != JSON_ARRAY_END) {
		if (n == max || decode_value(&rows->json, token, arena, &values[n]) < 0)
			rows->failed = true;
		n++;
	}
	*ret_n = n;
	return rows->failed ? -EBADMSG : 1;
}
