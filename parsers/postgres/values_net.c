/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PostgreSQL values: inet, cidr, macaddr, macaddr8. Documentation 8.9; IPv6 text as the server
 * prints it.
 *
 *	family u8 (2: IPv4, 3: IPv6) | bits of mask u8 | is it cidr u8 | size u8 | address
 */
#include "parsers/postgres/values_internal.h"

#include <errno.h>

enum { FAMILY_IPV4 = 2, FAMILY_IPV6 = 3 };
#define ADDRESS_MAX 16

struct network {
	uint8_t bits;
	uint8_t size; /* of the address: 4 or 16 */
	uint8_t address[ADDRESS_MAX];
};

/* In a cidr, bits to the right of the mask are zero. */
static bool is_cidr(const struct network *network)
{
	for (unsigned bit = network->bits; bit < network->size * 8U; bit++)
		if (network->address[bit / 8] & 0x80 >> bit % 8)
			return false;
	return true;
}

static void append_ipv4(struct buffer *text, const uint8_t *address)
{
	for (size_t i = 0; i < 4; i++) {
		if (i)
			buffer_append_u8(text, '.');
		buffer_append_unsigned(text, address[i]);
	}
}

static uint16_t word_at(const uint8_t *address, size_t i)
{
	return (uint16_t)(address[2 * i] << 8 | address[2 * i + 1]);
}

/* The longest run of at least two zero words, the first of equals; returns its size. */
static size_t zero_run(const uint8_t *address, size_t *ret_start)
{
	size_t best = 1;
	size_t run = 0;

	*ret_start = 8;
	for (size_t i = 0; i < 8; i++) {
		run = word_at(address, i) ? 0 : run + 1;
		if (run > best) {
			best = run;
			*ret_start = i + 1 - run;
		}
	}
	return best > 1 ? best : 0;
}

static void append_word(struct buffer *text, uint16_t word)
{
	int shift = 12;

	while (shift && !(word >> shift))
		shift -= 4;
	for (; shift >= 0; shift -= 4)
		buffer_append_u8(text, (uint8_t) "0123456789abcdef"[word >> shift & 15]);
}

/*
 * Ends like an IPv4 address where it holds one: ::a.b.c.d and ::ffff:a.b.c.d, but not ::1 to
 * ::ffff.
 */
static void append_ipv6(struct buffer *text, const uint8_t *address)
{
	size_t start;
	size_t zeros = zero_run(address, &start);
	bool embeds = start == 0 && (zeros == 6 || (zeros == 5 && word_at(address, 5) == 0xffff));

	for (size_t i = 0; i < 8; i++) {
		if (i >= start && i < start + zeros) {
			if (i == start)
				buffer_append_u8(text, ':');
			continue;
		}
		if (i)
			buffer_append_u8(text, ':');
		if (i == 6 && embeds) {
			append_ipv4(text, address + 12);
			return;
		}
		append_word(text, word_at(address, i));
	}
	if (zeros && start + zeros == 8)
		buffer_append_u8(text, ':');
}

static int network_to_text(struct slice bytes, bool cidr, struct buffer *text)
{
	struct cursor in = cursor_of(bytes);
	uint8_t family = cursor_u8(&in);
	struct network network;
	struct slice address;

	network.bits = cursor_u8(&in);
	if (cursor_u8(&in) != cidr)
		return -EINVAL;
	network.size = cursor_u8(&in);
	address = cursor_bytes(&in, network.size);
	if (!cursor_done(&in) || (family != FAMILY_IPV4 && family != FAMILY_IPV6) ||
	    network.size != (family == FAMILY_IPV4 ? 4 : 16) || network.bits > network.size * 8)
		return -EINVAL;
	memcpy(network.address, address.data, address.size);
	if (cidr && !is_cidr(&network))
		return -EINVAL;
	if (family == FAMILY_IPV4)
		append_ipv4(text, network.address);
	else
		append_ipv6(text, network.address);
	if (cidr || network.bits != network.size * 8) {
		buffer_append_u8(text, '/');
		buffer_append_unsigned(text, network.bits);
	}
	return 0;
}

/* A number up to 255 without leading zeros. */
static uint8_t read_octet(struct cursor *in)
{
	const uint8_t *start = in->at;
	uint64_t value = pg_read_digits(in, 1, 3);

	if (value > 255 || (in->at - start > 1 && *start == '0'))
		in->failed = true;
	return (uint8_t)value;
}

static void read_ipv4(struct cursor *in, uint8_t *ret_address)
{
	for (size_t i = 0; i < 4; i++) {
		if (i)
			in->failed |= !pg_accept(in, '.');
		ret_address[i] = read_octet(in);
	}
}

/* One to four hexadecimal digits; false when there are none or more. */
static bool read_word(struct cursor *in, uint16_t *ret_word)
{
	unsigned value = 0;
	size_t n = 0;

	for (; n < 5 && in->at != in->end && pg_hex_digit(*in->at) >= 0; n++)
		value = value << 4 | (unsigned)pg_hex_digit(*in->at++);
	*ret_word = (uint16_t)value;
	return n && n < 5;
}

/* The next piece is an IPv4 address. */
static bool ipv4_follows(const struct cursor *in)
{
	const uint8_t *at = in->at;

	while (at != in->end && *at >= '0' && *at <= '9')
		at++;
	return at != in->at && at != in->end && *at == '.';
}

static void read_ipv6(struct cursor *in, uint8_t *ret_address)
{
	uint8_t found[ADDRESS_MAX] = { 0 };
	size_t gap = ADDRESS_MAX + 1; /* where :: stands, in bytes */
	size_t n = 0;
	uint16_t word;

	memset(ret_address, 0, ADDRESS_MAX);
	if (pg_accept(in, ':'))
		in->failed |= in->at == in->end || *in->at != ':';
	while (!in->failed && n < ADDRESS_MAX) {
		if (gap > ADDRESS_MAX && pg_accept(in, ':')) {
			gap = n;
			if (in->at == in->end || pg_hex_digit(*in->at) < 0)
				break;
		}
		if (n <= ADDRESS_MAX - 4 && ipv4_follows(in)) {
			read_ipv4(in, found + n);
			n += 4;
			break;
		}
		in->failed |= !read_word(in, &word);
		found[n++] = (uint8_t)(word >> 8);
		found[n++] = (uint8_t)word;
		if (n == ADDRESS_MAX || !pg_accept(in, ':'))
			break;
	}
	in->failed |= gap > ADDRESS_MAX ? n != ADDRESS_MAX : n > ADDRESS_MAX - 2;
	if (in->failed)
		return;
	if (gap > ADDRESS_MAX)
		gap = n;
	memcpy(ret_address, found, gap);
	memcpy(ret_address + ADDRESS_MAX - (n - gap), found + gap, n - gap);
}

static int network_to_binary(struct slice text, bool cidr, struct buffer *bytes)
{
	bool ipv6 = text.size && memchr(text.data, ':', text.size);
	struct cursor in = cursor_of(text);
	struct network network;

	network.size = ipv6 ? 16 : 4;
	network.bits = (uint8_t)(network.size * 8);
	if (ipv6)
		read_ipv6(&in, network.address);
	else
		read_ipv4(&in, network.address);
	if (pg_accept(&in, '/')) {
		uint64_t bits = read_octet(&in);

		if (bits > network.bits)
			return -EINVAL;
		network.bits = (uint8_t)bits;
	}
	if (!cursor_done(&in) || (cidr && !is_cidr(&network)))
		return -EINVAL;
	buffer_append_u8(bytes, ipv6 ? FAMILY_IPV6 : FAMILY_IPV4);
	buffer_append_u8(bytes, network.bits);
	buffer_append_u8(bytes, cidr);
	buffer_append_u8(bytes, network.size);
	buffer_append(bytes, network.address, network.size);
	return 0;
}

static int inet_to_text(const struct pg_type *type, struct slice bytes, struct buffer *text)
{
	(void)type;
	return network_to_text(bytes, false, text);
}

static int inet_to_binary(const struct pg_type *type, struct slice text, struct buffer *bytes)
{
	(void)type;
	return network_to_binary(text, false, bytes);
}

static int cidr_to_text(const struct pg_type *type, struct slice bytes, struct buffer *text)
{
	(void)type;
	return network_to_text(bytes, true, text);
}

static int cidr_to_binary(const struct pg_type *type, struct slice text, struct buffer *bytes)
{
	(void)type;
	return network_to_binary(text, true, bytes);
}

static int macaddr_to_text(const struct pg_type *type, struct slice bytes, struct buffer *text)
{
	(void)type;
	for (size_t i = 0; i < bytes.size; i++) {
		if (i)
			buffer_append_u8(text, ':');
		buffer_append_hex(text, slice_of(bytes.data + i, 1));
	}
	return 0;
}

static int macaddr_to_binary(const struct pg_type *type, struct slice text, struct buffer *bytes)
{
	struct cursor in = cursor_of(text);
	uint8_t separator = text.size > 2 && text.data[2] == '-' ? '-' : ':';

	for (size_t i = 0; i < type->width; i++) {
		if (i)
			in.failed |= !pg_accept(&in, separator);
		buffer_append_u8(bytes, pg_read_hex(&in));
	}
	return cursor_done(&in) ? 0 : -EINVAL;
}

const struct pg_codec pg_codec_inet = { inet_to_text, inet_to_binary, true };
const struct pg_codec pg_codec_cidr = { cidr_to_text, cidr_to_binary, true };
const struct pg_codec pg_codec_macaddr = { macaddr_to_text, macaddr_to_binary, true };
