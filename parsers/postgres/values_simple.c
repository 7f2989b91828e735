/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PostgreSQL values: whole numbers, bool, text and what is sent as text, bytea, uuid, bit, tid,
 * pg_lsn.
 *
 * Follows the documentation's chapters 8.1, 8.3, 8.4, 8.6, 8.10, 8.12, 8.20. All codecs here are
 * exact. Bytes of text are not looked at beyond NUL, which no text holds: their encoding is the
 * client's.
 */
#include "parsers/postgres/values_internal.h"

#include <errno.h>

static int bool_to_text(const struct pg_type *type, struct slice bytes, struct buffer *text)
{
	(void)type;
	if (bytes.data[0] > 1)
		return -EINVAL;
	buffer_append_u8(text, bytes.data[0] ? 't' : 'f');
	return 0;
}

static int bool_to_binary(const struct pg_type *type, struct slice text, struct buffer *bytes)
{
	static const struct {
		struct slice word;
		uint8_t value;
	} words[] = {
		{ SLICE("t"), 1 },     { SLICE("f"), 0 },   { SLICE("true"), 1 },
		{ SLICE("false"), 0 }, { SLICE("1"), 1 },   { SLICE("0"), 0 },
		{ SLICE("on"), 1 },    { SLICE("off"), 0 }, { SLICE("yes"), 1 },
		{ SLICE("no"), 0 },    { SLICE("y"), 1 },   { SLICE("n"), 0 },
	};

	(void)type;
	text = pg_trim(text);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (slice_equal_nocase(text, words[i].word)) {
			buffer_append_u8(bytes, words[i].value);
			return 0;
		}
	}
	return -EINVAL;
}

/* The bytes as one big-endian number: 1 to 8 of them. */
static uint64_t read_number(struct slice bytes)
{
	uint64_t value = 0;

	for (size_t i = 0; i < bytes.size; i++)
		value = value << 8 | bytes.data[i];
	return value;
}

static void append_number(struct buffer *bytes, uint64_t value, size_t width)
{
	uint8_t *room = buffer_reserve(bytes, width);

	if (!room)
		return;
	for (size_t i = width; i-- > 0; value >>= 8)
		room[i] = (uint8_t)value;
	bytes->size += width;
}

static int signed_to_text(const struct pg_type *type, struct slice bytes, struct buffer *text)
{
	uint64_t value = read_number(bytes);
	uint64_t sign = 1ULL << (type->width * 8 - 1);

	if (value & sign) {
		buffer_append_u8(text, '-');
		value = (sign << 1) -
			value; /* for 8 bytes sign << 1 is 0, which is what it takes */
	}
	buffer_append_unsigned(text, value);
	return 0;
}

static int signed_to_binary(const struct pg_type *type, struct slice text, struct buffer *bytes)
{
	uint64_t limit = (1ULL << (type->width * 8 - 1)) - 1;
	uint64_t value;
	bool negative;

	text = pg_trim(text);
	negative = text.size && text.data[0] == '-';
	if (negative || (text.size && text.data[0] == '+'))
		text = slice_of(text.data + 1, text.size - 1);
	if (!pg_read_unsigned(text, limit + negative, &value))
		return -EINVAL;
	append_number(bytes, negative ? 0 - value : value, type->width);
	return 0;
}

static int unsigned_to_text(const struct pg_type *type, struct slice bytes, struct buffer *text)
{
	(void)type;
	buffer_append_unsigned(text, read_number(bytes));
	return 0;
}

static int unsigned_to_binary(const struct pg_type *type, struct slice text, struct buffer *bytes)
{
	uint64_t value;

	if (!pg_read_unsigned(pg_trim(text), type->width == 4 ? UINT32_MAX : UINT64_MAX, &value))
		return -EINVAL;
	append_number(bytes, value, type->width);
	return 0;
}

/*
 * The text of bytes above 0x7f depends on the server's version (octal since 16): those do not
 * convert.
 */
static int char_to_text(const struct pg_type *type, struct slice bytes, struct buffer *text)
{
	(void)type;
	if (bytes.data[0] > 0x7f)
		return -EINVAL;
	if (bytes.data[0])
		buffer_append_u8(text, bytes.data[0]);
	return 0;
}

static int char_to_binary(const struct pg_type *type, struct slice text, struct buffer *bytes)
{
	(void)type;
	if (text.size > 1 || (text.size && (text.data[0] > 0x7f || !text.data[0])))
		return -EINVAL;
	buffer_append_u8(bytes, text.size ? text.data[0] : 0);
	return 0;
}

static bool holds_nul(struct slice bytes)
{
	return bytes.size && memchr(bytes.data, 0, bytes.size);
}

static int copy_text(const struct pg_type *type, struct slice from, struct buffer *to)
{
	(void)type;
	if (holds_nul(from))
		return -EINVAL;
	buffer_append_slice(to, from);
	return 0;
}

/*
 * The binary form names the client's encoding in the declaration, the text form does not: then they
 * differ.
 */
static int copy_xml(const struct pg_type *type, struct slice from, struct buffer *to)
{
	if (slice_starts_with(from, SLICE("<?xml")) && from.data) {
		const uint8_t *end = memmem(from.data, from.size, "?>", 2);

		if (!end || memmem(from.data, (size_t)(end - from.data), "encoding", 8))
			return -EINVAL;
	}
	return copy_text(type, from, to);
}

/* jsonb and jsonpath: a version byte, which has been 1 ever since, and the text. */
static int versioned_to_text(const struct pg_type *type, struct slice bytes, struct buffer *text)
{
	if (!bytes.size || bytes.data[0] != 1)
		return -EINVAL;
	return copy_text(type, slice_of(bytes.data + 1, bytes.size - 1), text);
}

static int versioned_to_binary(const struct pg_type *type, struct slice text, struct buffer *bytes)
{
	buffer_append_u8(bytes, 1);
	return copy_text(type, text, bytes);
}

static int copy_void(const struct pg_type *type, struct slice from, struct buffer *to)
{
	(void)type;
	(void)to;
	return from.size ? -EINVAL : 0;
}

static int bytea_to_text(const struct pg_type *type, struct slice bytes, struct buffer *text)
{
	(void)type;
	buffer_append_string(text, "\\x");
	buffer_append_hex(text, bytes);
	return 0;
}

/*
 * The other form of output, bytea_output escape: backslashes doubled, \ooo for what is not
 * printable.
 */
static int escaped_to_binary(struct slice text, struct buffer *bytes)
{
	struct cursor in = cursor_of(text);

	if (holds_nul(text))
		return -EINVAL;
	while (in.at != in.end) {
		struct slice octal;

		if (*in.at != '\\') {
			buffer_append_u8(bytes, *in.at++);
			continue;
		}
		in.at++;
		if (pg_accept(&in, '\\')) {
			buffer_append_u8(bytes, '\\');
			continue;
		}
		octal = cursor_bytes(&in, 3);
		if (!octal.size || octal.data[0] < '0' || octal.data[0] > '3' ||
		    (octal.data[1] & ~7) != '0' || (octal.data[2] & ~7) != '0')
			return -EINVAL;
		buffer_append_u8(bytes, (uint8_t)((octal.data[0] & 3) << 6 |
						  (octal.data[1] & 7) << 3 | (octal.data[2] & 7)));
	}
	return 0;
}

static int bytea_to_binary(const struct pg_type *type, struct slice text, struct buffer *bytes)
{
	struct cursor in;
	uint8_t *room;

	(void)type;
	if (!slice_starts_with(text, SLICE("\\x")))
		return escaped_to_binary(text, bytes);
	in = cursor_of(slice_of(text.data + 2, text.size - 2));
	if (cursor_left(&in) % 2)
		return -EINVAL;
	if (cursor_done(&in))
		return 0;
	room = buffer_reserve(bytes, cursor_left(&in) / 2);
	if (!room)
		return -EMSGSIZE;
	while (in.at != in.end && !in.failed) {
		*room++ = pg_read_hex(&in);
		bytes->size++;
	}
	return in.failed ? -EINVAL : 0;
}

static bool uuid_hyphen_before(size_t byte)
{
	return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

static int uuid_to_text(const struct pg_type *type, struct slice bytes, struct buffer *text)
{
	(void)type;
	for (size_t i = 0; i < bytes.size; i++) {
		if (uuid_hyphen_before(i))
			buffer_append_u8(text, '-');
		buffer_append_hex(text, slice_of(bytes.data + i, 1));
	}
	return 0;
}

static int uuid_to_binary(const struct pg_type *type, struct slice text, struct buffer *bytes)
{
	struct cursor in = cursor_of(text);

	for (size_t i = 0; i < type->width; i++) {
		if (uuid_hyphen_before(i))
			pg_accept(&in, '-');
		buffer_append_u8(bytes, pg_read_hex(&in));
	}
	return cursor_done(&in) ? 0 : -EINVAL;
}

/* bit and varbit: number of bits, then the bits, the last byte filled with zeros. */
static int bit_to_text(const struct pg_type *type, struct slice bytes, struct buffer *text)
{
	struct cursor in = cursor_of(bytes);
	int32_t n = cursor_i32be(&in);
	size_t left;
	uint8_t *room;

	(void)type;
	if (in.failed || n < 0 || cursor_left(&in) != ((size_t)n + 7) / 8)
		return -EINVAL;
	left = (size_t)n % 8;
	if (left && (in.end[-1] & (0xff >> left)))
		return -EINVAL;
	if (!n)
		return 0;
	room = buffer_reserve(text, (size_t)n);
	if (!room)
		return -EMSGSIZE;
	for (size_t i = 0; i < (size_t)n; i++)
		room[i] = in.at[i / 8] >> (7 - i % 8) & 1 ? '1' : '0';
	text->size += (size_t)n;
	return 0;
}

static int bit_to_binary(const struct pg_type *type, struct slice text, struct buffer *bytes)
{
	size_t size = text.size / 8 + (text.size % 8 != 0);
	uint8_t *room;

	(void)type;
	if (text.size > INT32_MAX)
		return -EINVAL;
	buffer_append_u32be(bytes, (uint32_t)text.size);
	room = buffer_reserve(bytes, size);
	if (!room)
		return -EMSGSIZE;
	memset(room, 0, size);
	for (size_t i = 0; i < text.size; i++) {
		if (text.data[i] != '0' && text.data[i] != '1')
			return -EINVAL;
		if (text.data[i] == '1')
			room[i / 8] |= (uint8_t)(0x80 >> i % 8);
	}
	bytes->size += size;
	return 0;
}

static int tid_to_text(const struct pg_type *type, struct slice bytes, struct buffer *text)
{
	struct cursor in = cursor_of(bytes);

	(void)type;
	buffer_append_u8(text, '(');
	buffer_append_unsigned(text, cursor_u32be(&in));
	buffer_append_u8(text, ',');
	buffer_append_unsigned(text, cursor_u16be(&in));
	buffer_append_u8(text, ')');
	return 0;
}

static int tid_to_binary(const struct pg_type *type, struct slice text, struct buffer *bytes)
{
	const uint8_t *comma = text.size ? memchr(text.data, ',', text.size) : NULL;
	uint64_t block, offset;
	size_t at;

	(void)type;
	if (!comma || text.data[0] != '(' || text.data[text.size - 1] != ')')
		return -EINVAL;
	at = (size_t)(comma - text.data);
	if (!pg_read_unsigned(slice_of(text.data + 1, at - 1), UINT32_MAX, &block) ||
	    !pg_read_unsigned(slice_of(comma + 1, text.size - at - 2), UINT16_MAX, &offset))
		return -EINVAL;
	buffer_append_u32be(bytes, (uint32_t)block);
	buffer_append_u16be(bytes, (uint16_t)offset);
	return 0;
}

static void append_upper_hex(struct buffer *text, uint32_t value)
{
	int shift = 28;

	while (shift && !(value >> shift))
		shift -= 4;
	for (; shift >= 0; shift -= 4)
		buffer_append_u8(text, (uint8_t) "0123456789ABCDEF"[value >> shift & 15]);
}

static int lsn_to_text(const struct pg_type *type, struct slice bytes, struct buffer *text)
{
	struct cursor in = cursor_of(bytes);

	(void)type;
	append_upper_hex(text, cursor_u32be(&in));
	buffer_append_u8(text, '/');
	append_upper_hex(text, cursor_u32be(&in));
	return 0;
}

/* One to eight hexadecimal digits. */
static uint32_t read_hex_number(struct cursor *in)
{
	uint32_t value = 0;
	size_t n = 0;

	for (; n < 8 && in->at != in->end && pg_hex_digit(*in->at) >= 0; n++)
		value = value << 4 | (uint32_t)pg_hex_digit(*in->at++);
	if (!n)
		in->failed = true;
	return value;
}

static int lsn_to_binary(const struct pg_type *type, struct slice text, struct buffer *bytes)
{
	struct cursor in = cursor_of(text);

	(void)type;
	buffer_append_u32be(bytes, read_hex_number(&in));
	if (!pg_accept(&in, '/'))
		return -EINVAL;
	buffer_append_u32be(bytes, read_hex_number(&in));
	return cursor_done(&in) ? 0 : -EINVAL;
}

const struct pg_codec pg_codec_bool = { bool_to_text, bool_to_binary, true };
const struct pg_codec pg_codec_signed = { signed_to_text, signed_to_binary, true };
const struct pg_codec pg_codec_unsigned = { unsigned_to_text, unsigned_to_binary, true };
const struct pg_codec pg_codec_char = { char_to_text, char_to_binary, true };
const struct pg_codec pg_codec_text = { copy_text, copy_text, true };
const struct pg_codec pg_codec_xml = { copy_xml, copy_xml, true };
const struct pg_codec pg_codec_versioned = { versioned_to_text, versioned_to_binary, true };
const struct pg_codec pg_codec_void = { copy_void, copy_void, true };
const struct pg_codec pg_codec_bytea = { bytea_to_text, bytea_to_binary, true };
const struct pg_codec pg_codec_uuid = { uuid_to_text, uuid_to_binary, true };
const struct pg_codec pg_codec_bit = { bit_to_text, bit_to_binary, true };
const struct pg_codec pg_codec_tid = { tid_to_text, tid_to_binary, true };
const struct pg_codec pg_codec_lsn = { lsn_to_text, lsn_to_binary, true };
