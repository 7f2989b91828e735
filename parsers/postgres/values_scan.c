/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading and writing the pieces that the text forms of PostgreSQL's types are made of: digits,
 * hex, quotes.
 */
#include "parsers/postgres/values_internal.h"

#include <assert.h>
#include <errno.h>

bool pg_is_space(uint8_t byte)
{
	return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

struct slice pg_trim(struct slice text)
{
	while (text.size && pg_is_space(text.data[0])) {
		text.data++;
		text.size--;
	}
	while (text.size && pg_is_space(text.data[text.size - 1]))
		text.size--;
	return text;
}

bool pg_accept(struct cursor *cursor, uint8_t byte)
{
	if (cursor->failed || cursor->at == cursor->end || *cursor->at != byte)
		return false;
	cursor->at++;
	return true;
}

uint64_t pg_read_digits(struct cursor *cursor, size_t min, size_t max)
{
	uint64_t value = 0;
	size_t n = 0;

	assert(max <= 19);
	if (cursor->failed)
		return 0;
	for (; n < max && cursor->at != cursor->end; n++, cursor->at++) {
		if (*cursor->at < '0' || *cursor->at > '9')
			break;
		value = value * 10 + (uint64_t)(*cursor->at - '0');
	}
	if (n < min)
		cursor->failed = true;
	return value;
}

bool pg_read_unsigned(struct slice text, uint64_t limit, uint64_t *ret_value)
{
	uint64_t value = 0;

	if (!text.size)
		return false;
	for (size_t i = 0; i < text.size; i++) {
		uint64_t digit = (uint64_t)text.data[i] - '0';

		if (digit > 9 || value > limit / 10 || digit > limit - value * 10)
			return false;
		value = value * 10 + digit;
	}
	*ret_value = value;
	return true;
}

int pg_hex_digit(uint8_t byte)
{
	if (byte >= '0' && byte <= '9')
		return byte - '0';
	byte = ascii_lower(byte);
	if (byte >= 'a' && byte <= 'f')
		return byte - 'a' + 10;
	return -1;
}

uint8_t pg_read_hex(struct cursor *cursor)
{
	struct slice pair = cursor_bytes(cursor, 2);
	int high, low;

	if (!pair.size)
		return 0;
	high = pg_hex_digit(pair.data[0]);
	low = pg_hex_digit(pair.data[1]);
	if (high < 0 || low < 0) {
		cursor->failed = true;
		return 0;
	}
	return (uint8_t)(high << 4 | low);
}

void pg_append_padded(struct buffer *text, uint64_t value, size_t width)
{
	uint8_t digits[20];
	size_t at = sizeof(digits);

	assert(width <= sizeof(digits));
	while (value || at > sizeof(digits) - width) {
		digits[--at] = (uint8_t)('0' + value % 10);
		value /= 10;
	}
	buffer_append(text, digits + at, sizeof(digits) - at);
}

static bool is_special(const struct pg_quoting *quoting, uint8_t byte)
{
	return byte && strchr(quoting->special, byte);
}

static bool is_escaped(uint8_t byte)
{
	return byte == '"' || byte == '\\';
}

void pg_quote(struct buffer *text, size_t from, const struct pg_quoting *quoting)
{
	struct slice piece;
	size_t escapes = 0;
	uint8_t *to;
	bool quote;

	if (text->overflowed)
		return;
	piece = slice_of(text->data + from, text->size - from);
	quote = !piece.size || (quoting->null_word && slice_equal_nocase(piece, SLICE("null")));
	for (size_t i = 0; i < piece.size; i++) {
		if (is_escaped(piece.data[i]))
			escapes++;
		else if (pg_is_space(piece.data[i]) || is_special(quoting, piece.data[i]))
			quote = true;
	}
	if ((!quote && !escapes) || !buffer_reserve(text, escapes + 2))
		return;

	/* From the back, so that nothing is written over before it is read. */
	to = text->data + text->size + escapes + 2;
	*--to = '"';
	for (size_t i = piece.size; i-- > 0;) {
		uint8_t byte = text->data[from + i];

		*--to = byte;
		if (is_escaped(byte))
			*--to = quoting->doubles ? byte : '\\';
	}
	*--to = '"';
	text->size += escapes + 2;
}

/* What stands between quotes; the opening one was read. */
static int read_quoted(struct cursor *in, const struct pg_quoting *quoting, struct buffer *scratch,
		       struct slice *ret_text)
{
	const uint8_t *start = in->at;
	bool copied = false;

	buffer_clear(scratch);
	for (;;) {
		const uint8_t *plain = in->at;

		while (in->at != in->end && !is_escaped(*in->at))
			in->at++;
		if (in->at == in->end)
			return -EINVAL;
		if (*in->at == '"' &&
		    !(quoting->doubles && cursor_left(in) > 1 && in->at[1] == '"')) {
			if (copied)
				buffer_append(scratch, plain, (size_t)(in->at - plain));
			*ret_text = copied ? buffer_slice(scratch) :
					     slice_of(start, (size_t)(in->at - start));
			in->at++;
			return scratch->overflowed ? -EMSGSIZE : 0;
		}
		copied = true;
		buffer_append(scratch, plain, (size_t)(in->at - plain));
		if (cursor_left(in) < 2)
			return -EINVAL;
		buffer_append_u8(scratch, in->at[1]);
		in->at += 2;
	}
}

static void skip_space(struct cursor *in)
{
	while (in->at != in->end && pg_is_space(*in->at))
		in->at++;
}

int pg_unquote(struct cursor *in, const struct pg_quoting *quoting, struct buffer *scratch,
	       struct pg_piece *ret_piece)
{
	const uint8_t *start = in->at;
	int error;

	skip_space(in);
	if (pg_accept(in, '"')) {
		ret_piece->quoted = true;
		error = read_quoted(in, quoting, scratch, &ret_piece->text);
		if (error)
			return error;
		skip_space(in);
		return in->at != in->end && is_special(quoting, *in->at) ? 0 : -EINVAL;
	}
	while (in->at != in->end && !is_special(quoting, *in->at)) {
		if (is_escaped(*in->at))
			return -EINVAL;
		in->at++;
	}
	if (in->at == in->end)
		return -EINVAL;
	ret_piece->quoted = false;
	ret_piece->text = slice_of(start, (size_t)(in->at - start));
	return 0;
}
