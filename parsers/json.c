/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON strings and a pull reader; see json.h. RFC 8259.
 *
 * Invariants of the reader: at <= end; depth <= JSON_DEPTH_MAX; bit depth - 1 of `objects` tells
 * what the innermost open container is. Escapes are checked when a string is read, so that decoding
 * it cannot fail.
 */
#include "parsers/json.h"

enum expects {
	EXPECTS_VALUE,
	EXPECTS_VALUE_OR_END, /* behind [ */
	EXPECTS_KEY_OR_END,   /* behind { */
	EXPECTS_MORE,	      /* behind a value: comma, or the container's end */
	EXPECTS_NOTHING,
	EXPECTS_FAILED,
};

/* Length of the well-formed sequence at `at`, which is not ASCII; 0 when it is none. RFC 3629
 * section 4. */
static size_t utf8_sequence(const uint8_t *at, const uint8_t *end)
{
	size_t left = (size_t)(end - at);
	uint8_t first = at[0];
	size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;

	if (first < 0xc2 || first > 0xf4 || left < size)
		return 0;
	for (size_t i = 1; i < size; i++)
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	if ((first == 0xe0 && at[1] < 0xa0) || (first == 0xed && at[1] > 0x9f) ||
	    (first == 0xf0 && at[1] < 0x90) || (first == 0xf4 && at[1] > 0x8f))
		return 0;
	return size;
}

/* ---- eight bytes at once: most text is ASCII ---- */

#define ONES 0x0101010101010101u
#define HIGH_BITS 0x8080808080808080u

static uint64_t eight_at(const uint8_t *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	return word;
}

/* Not 0: one of the bytes is below `limit` (which is at most 0x80), if none is above 0x7f. */
static uint64_t any_below(uint64_t word, uint8_t limit)
{
	return (word - ONES * limit) & HIGH_BITS;
}

static uint64_t any_equal(uint64_t word, uint8_t byte)
{
	return any_below(word ^ ONES * byte, 1);
}

/* Are all eight such that a JSON string holds them as they are? */
static bool eight_plain(uint64_t word)
{
	return !((word | any_below(word, 0x20) | any_equal(word, '"') | any_equal(word, '\\')) &
		 HIGH_BITS);
}

/*
 * The eight bytes with which [at, end) begins, or, where it has less, the last eight behind `start`. How many bytes of it they hold; 0: there are no
 * eight.
 */
static inline size_t eight_of(const uint8_t *start, const uint8_t *at, const uint8_t *end,
			      uint64_t *ret_word)
{
	if (end - at >= 8) {
		*ret_word = eight_at(at);
		return 8;
	}
	if (end - start < 8)
		return 0;
	*ret_word = eight_at(end - 8);
	return (size_t)(end - at);
}

bool utf8_valid(struct slice text)
{
	const uint8_t *at = text.data;
	const uint8_t *end = text.size ? text.data + text.size : at;
	uint64_t word = 0;

	while (at < end) {
		size_t size = eight_of(text.data, at, end, &word);

		if (!size || word & HIGH_BITS)
			size = *at < 0x80 ? 1 : utf8_sequence(at, end);
		if (!size)
			return false;
		at += size;
	}
	return true;
}

size_t utf8_encode(uint32_t code_point, uint8_t *room)
{
	if (code_point < 0x80) {
		room[0] = (uint8_t)code_point;
		return 1;
	}
	if (code_point < 0x800) {
		room[0] = (uint8_t)(0xc0 | code_point >> 6);
		room[1] = (uint8_t)(0x80 | (code_point & 0x3f));
		return 2;
	}
	if (code_point < 0x10000) {
		room[0] = (uint8_t)(0xe0 | code_point >> 12);
		room[1] = (uint8_t)(0x80 | (code_point >> 6 & 0x3f));
		room[2] = (uint8_t)(0x80 | (code_point & 0x3f));
		return 3;
	}
	room[0] = (uint8_t)(0xf0 | code_point >> 18);
	room[1] = (uint8_t)(0x80 | (code_point >> 12 & 0x3f));
	room[2] = (uint8_t)(0x80 | (code_point >> 6 & 0x3f));
	room[3] = (uint8_t)(0x80 | (code_point & 0x3f));
	return 4;
}

/* Where the run of bytes that a JSON string holds as they are ends; NULL: not UTF-8. */
static const uint8_t *plain_run(const uint8_t *at, const uint8_t *end)
{
	const uint8_t *start = at;
	uint64_t word = 0;

	while (at < end) {
		size_t size = eight_of(start, at, end, &word);

		if (size && eight_plain(word)) {
			at += size;
			continue;
		}
		if (*at < 0x20 || *at == '"' || *at == '\\')
			return at;
		size = *at < 0x80 ? 1 : utf8_sequence(at, end);
		if (!size)
			return NULL;
		at += size;
	}
	return at;
}

static void append_escape(struct buffer *json, uint8_t byte)
{
	static const char digits[] = "0123456789abcdef";
	static const char letters[0x20] = {
		['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'
	};
	const uint8_t hex[] = {
		'\\', 'u', '0', '0', (uint8_t)digits[byte >> 4], (uint8_t)digits[byte & 15]
	};

	if (byte < 0x20 && !letters[byte]) {
		buffer_append(json, hex, sizeof(hex));
		return;
	}
	buffer_append_u8(json, '\\');
	buffer_append_u8(json, byte < 0x20 ? (uint8_t)letters[byte] : byte);
}

bool json_append_string(struct buffer *json, struct slice text)
{
	const uint8_t *at = text.data;
	const uint8_t *end = text.size ? text.data + text.size : at;
	size_t start = json->size;

	buffer_append_u8(json, '"');
	while (at < end) {
		const uint8_t *stop = plain_run(at, end);

		if (!stop || (stop < end && !*stop)) {
			json->size = start;
			return false;
		}
		buffer_append(json, at, (size_t)(stop - at));
		at = stop;
		if (at < end)
			append_escape(json, *at++);
	}
	buffer_append_u8(json, '"');
	return true;
}

void json_reader_init(struct json_reader *reader, struct slice text)
{
	const uint8_t *start = text.size ? text.data : SLICE("").data;

	*reader = (struct json_reader){ .at = start, .end = start + text.size };
}

static enum json_token fail(struct json_reader *reader)
{
	reader->expects = EXPECTS_FAILED;
	return JSON_ERROR;
}

static int hex_digit(uint8_t byte)
{
	if (byte >= '0' && byte <= '9')
		return byte - '0';
	byte = ascii_lower(byte);
	return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* Four digits; -1 when they are not there. */
static int32_t hex_quad(const uint8_t *at, const uint8_t *end)
{
	int32_t value = 0;

	if (end - at < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int digit = hex_digit(at[i]);

		if (digit < 0)
			return -1;
		value = value * 16 + digit;
	}
	return value;
}

/*
 * The escape at `at`, which is behind the backslash. Gives its code point and moves behind it; -1
 * when it is none or half a surrogate pair.
 */
static int32_t read_escape(const uint8_t **at, const uint8_t *end)
{
	static const uint8_t letters[128] = {
		['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
		['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t'
	};
	int32_t high, low;
	uint8_t letter;

	if (*at == end)
		return -1;
	letter = *(*at)++;
	if (letter != 'u')
		return letter < 128 && letters[letter] ? letters[letter] : -1;
	high = hex_quad(*at, end);
	if (high < 0)
		return -1;
	*at += 4;
	if (high < 0xd800 || high > 0xdfff)
		return high;
	if (high > 0xdbff || end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u')
		return -1;
	low = hex_quad(*at + 2, end);
	if (low < 0xdc00 || low > 0xdfff)
		return -1;
	*at += 6;
	return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
}

/* Behind the opening quote; false when the string is not well-formed. */
static bool read_string(struct json_reader *reader)
{
	const uint8_t *start = reader->at;
	const uint8_t *at = start;

	reader->escaped = false;
	for (;;) {
		at = plain_run(at, reader->end);
		if (!at || at == reader->end || *at < 0x20)
			return false;
		if (*at == '"')
			break;
		at++;
		reader->escaped = true;
		if (read_escape(&at, reader->end) < 0)
			return false;
	}
	reader->text = slice_of(start, (size_t)(at - start));
	reader->at = at + 1;
	return true;
}

static const uint8_t *digits(const uint8_t *at, const uint8_t *end)
{
	while (at < end && *at >= '0' && *at <= '9')
		at++;
	return at;
}

static bool read_number(struct json_reader *reader)
{
	const uint8_t *start = reader->at;
	const uint8_t *end = reader->end;
	const uint8_t *at = start + (*start == '-');
	const uint8_t *stop = digits(at, end);

	if (stop == at || (*at == '0' && stop > at + 1))
		return false;
	at = stop;
	if (at < end && *at == '.') {
		stop = digits(at + 1, end);
		if (stop == at + 1)
			return false;
		at = stop;
	}
	if (at < end && (*at == 'e' || *at == 'E')) {
		at++;
		if (at < end && (*at == '+' || *at == '-'))
			at++;
		stop = digits(at, end);
		if (stop == at)
			return false;
		at = stop;
	}
	reader->text = slice_of(start, (size_t)(at - start));
	reader->at = at;
	return true;
}

static enum json_token open_container(struct json_reader *reader, bool object)
{
	if (reader->depth == JSON_DEPTH_MAX)
		return fail(reader);
	reader->objects &= ~((uint64_t)1 << reader->depth);
	reader->objects |= (uint64_t)object << reader->depth;
	reader->depth++;
	reader->at++;
	reader->expects = object ? EXPECTS_KEY_OR_END : EXPECTS_VALUE_OR_END;
	return object ? JSON_OBJECT : JSON_ARRAY;
}

static bool in_object(const struct json_reader *reader)
{
	return reader->objects >> (reader->depth - 1) & 1;
}

static enum json_token close_container(struct json_reader *reader)
{
	bool object = in_object(reader);

	reader->depth--;
	reader->at++;
	reader->expects = reader->depth ? EXPECTS_MORE : EXPECTS_NOTHING;
	return object ? JSON_OBJECT_END : JSON_ARRAY_END;
}

static enum json_token read_word(struct json_reader *reader, struct slice word,
				 enum json_token token)
{
	struct slice rest = slice_of(reader->at, (size_t)(reader->end - reader->at));

	if (!slice_starts_with(rest, word))
		return fail(reader);
	reader->at += word.size;
	return token;
}

static enum json_token read_value(struct json_reader *reader)
{
	enum json_token token;

	switch (*reader->at) {
	case '{':
	case '[':
		return open_container(reader, *reader->at == '{');
	case '"':
		reader->at++;
		token = read_string(reader) ? JSON_STRING : fail(reader);
		break;
	case 't':
		token = read_word(reader, SLICE("true"), JSON_TRUE);
		break;
	case 'f':
		token = read_word(reader, SLICE("false"), JSON_FALSE);
		break;
	case 'n':
		token = read_word(reader, SLICE("null"), JSON_NULL);
		break;
	default:
		token = read_number(reader) ? JSON_NUMBER : fail(reader);
		break;
	}
	if (token != JSON_ERROR)
		reader->expects = reader->depth ? EXPECTS_MORE : EXPECTS_NOTHING;
	return token;
}

static void skip_space(struct json_reader *reader)
{
	while (reader->at < reader->end && (*reader->at == ' ' || *reader->at == '\t' ||
					    *reader->at == '\n' || *reader->at == '\r'))
		reader->at++;
}

static enum json_token read_key(struct json_reader *reader)
{
	if (*reader->at != '"')
		return fail(reader);
	reader->at++;
	if (!read_string(reader))
		return fail(reader);
	skip_space(reader);
	if (reader->at == reader->end || *reader->at != ':')
		return fail(reader);
	reader->at++;
	reader->expects = EXPECTS_VALUE;
	return JSON_KEY;
}

/* Behind a value inside of a container: its end, or a comma and what comes behind that. */
static enum json_token read_more(struct json_reader *reader)
{
	bool object = in_object(reader);

	if (*reader->at == (object ? '}' : ']'))
		return close_container(reader);
	if (*reader->at != ',')
		return fail(reader);
	reader->at++;
	skip_space(reader);
	if (reader->at == reader->end)
		return fail(reader);
	return object ? read_key(reader) : read_value(reader);
}

static enum json_token next(struct json_reader *reader)
{
	skip_space(reader);
	if (reader->expects == EXPECTS_NOTHING)
		return reader->at == reader->end ? JSON_END : fail(reader);
	if (reader->expects == EXPECTS_FAILED || reader->at == reader->end)
		return fail(reader);
	switch ((enum expects)reader->expects) {
	case EXPECTS_VALUE_OR_END:
		return *reader->at == ']' ? close_container(reader) : read_value(reader);
	case EXPECTS_KEY_OR_END:
		return *reader->at == '}' ? close_container(reader) : read_key(reader);
	case EXPECTS_MORE:
		return read_more(reader);
	default:
		return read_value(reader);
	}
}

enum json_token json_next(struct json_reader *reader)
{
	enum json_token token = next(reader);

	reader->token = (uint8_t)token;
	return token;
}

struct slice json_string(const struct json_reader *reader, struct arena *arena)
{
	const uint8_t *at = reader->text.data;
	const uint8_t *end = at + reader->text.size;
	uint8_t *decoded;
	size_t size = 0;

	if (!reader->escaped)
		return reader->text;
	/* An escape is never shorter than what it stands for. */
	decoded = arena_bytes(arena, reader->text.size);
	while (at < end) {
		if (*at != '\\') {
			decoded[size++] = *at++;
			continue;
		}
		at++;
		size += utf8_encode((uint32_t)read_escape(&at, end), decoded + size);
	}
	return slice_of(decoded, size);
}

bool json_skip_value(struct json_reader *reader, struct slice *ret_text)
{
	unsigned int depth = reader->depth;
	const uint8_t *start;
	enum json_token token;

	if (reader->expects != EXPECTS_VALUE)
		return false;
	skip_space(reader);
	start = reader->at;
	do {
		token = json_next(reader);
		if (token <= JSON_END)
			return false;
	} while (reader->depth > depth);
	*ret_text = slice_of(start, (size_t)(reader->at - start));
	return true;
}

bool json_next_element(struct json_reader *reader, struct slice *ret_text)
{
	enum json_token token = json_next(reader);
	unsigned int depth = reader->depth;
	const uint8_t *start = reader->at - 1; /* of an object or array, whose bracket was read */

	if (token == JSON_STRING)
		*ret_text = slice_of(reader->text.data - 1, reader->text.size + 2);
	else if (token == JSON_NUMBER)
		*ret_text = reader->text;
	else if (token > JSON_NUMBER)
		*ret_text = token == JSON_TRUE	? SLICE("true") :
			    token == JSON_FALSE ? SLICE("false") :
						  SLICE("null");
	if (token != JSON_OBJECT && token != JSON_ARRAY)
		return token >= JSON_STRING;
	while (reader->depth >= depth)
		if (json_next(reader) <= JSON_END)
			return false;
	*ret_text = slice_of(start, (size_t)(reader->at - start));
	return true;
}
