/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sec-WebSocket-Accept (RFC 6455, section 4.2.2): base64 (RFC 4648) of SHA-1 (RFC 3174) of the client's key and a fixed text. It
 * shows that the server knows WebSockets, and keeps no secret.
 */
#include "parsers/http/replayer.h"

#define BLOCK_BYTES 64
#define DIGEST_WORDS 5
#define ROUNDS 80

static uint32_t turn(uint32_t word, unsigned int bits)
{
	return word << bits | word >> (32 - bits);
}

static uint32_t mix(unsigned int round, uint32_t b, uint32_t c, uint32_t d)
{
	if (round < 20)
		return ((b & c) | (~b & d)) + 0x5a827999;
	if (round < 40)
		return (b ^ c ^ d) + 0x6ed9eba1;
	if (round < 60)
		return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
	return (b ^ c ^ d) + 0xca62c1d6;
}

static void sha1_block(uint32_t state[DIGEST_WORDS], const uint8_t block[BLOCK_BYTES])
{
	uint32_t words[ROUNDS], a = state[0], b = state[1], c = state[2], d = state[3],
				e = state[4];

	for (size_t i = 0; i < 16; i++)
		words[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
			   (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
	for (size_t i = 16; i < ROUNDS; i++)
		words[i] = turn(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		uint32_t next = turn(a, 5) + mix(i, b, c, d) + e + words[i];

		e = d;
		d = c;
		c = turn(b, 30);
		b = a;
		a = next;
	}
	state[0] += a;
	state[1] += b;
	state[2] += c;
	state[3] += d;
	state[4] += e;
}

/* The bytes behind the last whole block, the end mark and the length in bits take one block, or two. */
static void sha1(struct slice bytes, uint8_t digest[4 * DIGEST_WORDS])
{
	uint32_t state[DIGEST_WORDS] = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476,
					 0xc3d2e1f0 };
	uint8_t last[2 * BLOCK_BYTES] = { 0 };
	size_t whole = bytes.size / BLOCK_BYTES * BLOCK_BYTES, rest = bytes.size - whole;
	size_t size = rest < BLOCK_BYTES - 8 ? BLOCK_BYTES : 2 * BLOCK_BYTES;
	uint64_t bits = (uint64_t)bytes.size * 8;

	for (size_t at = 0; at < whole; at += BLOCK_BYTES)
		sha1_block(state, bytes.data + at);
	if (rest)
		memcpy(last, bytes.data + whole, rest);
	last[rest] = 0x80;
	for (size_t i = 0; i < 8; i++)
		last[size - 1 - i] = (uint8_t)(bits >> 8 * i);
	for (size_t at = 0; at < size; at += BLOCK_BYTES)
		sha1_block(state, last + at);
	for (size_t i = 0; i < sizeof(uint32_t) * DIGEST_WORDS; i++)
		digest[i] = (uint8_t)(state[i / 4] >> (24 - 8 * (i % 4)));
}

static void append_base64(struct buffer *out, struct slice bytes)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t at = 0; at < bytes.size; at += 3) {
		size_t left = bytes.size - at;
		uint32_t three = (uint32_t)bytes.data[at] << 16 |
				 (left > 1 ? (uint32_t)bytes.data[at + 1] << 8 : 0) |
				 (left > 2 ? bytes.data[at + 2] : 0);

		for (size_t i = 0; i < 4; i++)
			buffer_append_u8(
				out, i <= left ? (uint8_t)digits[three >> (18 - 6 * i) & 63] : '=');
	}
}

void http_websocket_accept(struct buffer *out, struct slice key)
{
	uint8_t digest[4 * DIGEST_WORDS];
	struct buffer text;

	buffer_init(&text, HTTP_HEAD_MAX + 64);
	buffer_append_slice(&text, key);
	buffer_append_string(&text, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
	sha1(buffer_slice(&text), digest);
	buffer_release(&text);
	append_base64(out, slice_of(digest, sizeof(digest)));
}
