/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MySQL: how a conversation is recognised and begins. The server speaks first; its greeting and the client's answer are passed on
 * without the capabilities that the decoder does not understand (and without TLS, until that comes), which is the one change
 * that recording makes. Follows "Connection Phase" of the internals manual and MariaDB's "Connecting".
 */
#include "parsers/mysql/packet.h"

/* Where the capabilities stand: in a greeting behind the version's NUL, in a login from the payload's beginning. */
#define GREETING_LOW 13
#define GREETING_HIGH 18
#define GREETING_EXTENDED 27
#define LOGIN_EXTENDED 28

/* Longer versions are of no server. */
#define VERSION_MAX 200

/* A server that has no room, or does not want this host, says so instead of a greeting. */
static bool refusal_code(uint16_t code)
{
	return code == 1040 || code == 1129 || code == 1130;
}

enum recognised my_recognise(struct slice client_bytes)
{
	(void)client_bytes;
	return RECOGNISED_NO;
}

static enum recognised recognise_refusal(struct cursor cursor)
{
	if (cursor_left(&cursor) < 2)
		return RECOGNISED_MORE;
	return refusal_code(cursor_u16le(&cursor)) ? RECOGNISED_YES : RECOGNISED_NO;
}

/* A version is letters, digits and signs, and begins with a digit. */
static enum recognised recognise_version(struct cursor cursor, size_t size)
{
	size_t i = 0, left = cursor_left(&cursor);

	for (; i < left && cursor.at[i]; i++)
		if (cursor.at[i] < 0x20 || cursor.at[i] > 0x7e || i >= size || i > VERSION_MAX ||
		    (i == 0 && (cursor.at[0] < '0' || cursor.at[0] > '9')))
			return RECOGNISED_NO;
	if (i == left)
		return RECOGNISED_MORE;
	return i ? RECOGNISED_YES : RECOGNISED_NO;
}

enum recognised my_recognise_server(struct slice server_bytes)
{
	struct cursor cursor = cursor_of(server_bytes);
	size_t size = cursor_u24le(&cursor);
	uint8_t sequence = cursor_u8(&cursor);
	uint8_t first = cursor_u8(&cursor);

	if (server_bytes.size >= 3 && (size < 4 || size > 1024))
		return RECOGNISED_NO;
	if (server_bytes.size >= 4 && sequence != 0)
		return RECOGNISED_NO;
	if (cursor.failed)
		return RECOGNISED_MORE;
	if (first == MY_ERR)
		return recognise_refusal(cursor);
	return first == 10 ? recognise_version(cursor, size) : RECOGNISED_NO;
}

/* ---- passing on ---- */

static void mask(uint8_t *at, size_t bytes, uint64_t known)
{
	for (size_t i = 0; i < bytes; i++)
		at[i] = (uint8_t)(at[i] & (known >> (8 * i)));
}

static struct handshake_step forward(struct buffer *edited, size_t size, bool done)
{
	return (struct handshake_step){ .action = HANDSHAKE_FORWARD,
					.consumed = size,
					.reply = buffer_slice(edited),
					.done = done };
}

static struct handshake_step refused(void)
{
	return (struct handshake_step){ .action = HANDSHAKE_REFUSED };
}

static struct handshake_step server_step(struct slice payload, struct buffer *edited)
{
	struct my_greeting greeting;
	uint8_t *at = edited->data + MY_HEADER_SIZE;

	if (payload.size && payload.data[0] == MY_ERR)
		return forward(edited, edited->size, true);
	if (!my_greeting_read(payload, &greeting) ||
	    !(greeting.capabilities & MY_CLIENT_PROTOCOL_41))
		return refused();
	at += 1 + greeting.version.size + 1;
	mask(at + GREETING_LOW, 2, MY_CAPABILITIES_KNOWN);
	mask(at + GREETING_HIGH, 2, MY_CAPABILITIES_KNOWN >> 16);
	if (!(greeting.capabilities & MY_CLIENT_MYSQL))
		mask(at + GREETING_EXTENDED, 4, MY_CAPABILITIES_KNOWN >> 32);
	return forward(edited, edited->size, false);
}

static struct handshake_step client_step(struct slice payload, struct buffer *edited)
{
	uint8_t *at = edited->data + MY_HEADER_SIZE;
	struct my_login login;

	/*
	 * A request for TLS ends before the user's name. Who says TLS in a whole login was ready for it and sees none offered (PyMySQL
	 * until 1.1): a server that has TLS would wait for it.
	 */
	if (!my_login_read(payload, &login))
		return refused();
	mask(at, 4, MY_CAPABILITIES_KNOWN);
	if (!(login.capabilities & MY_CLIENT_MYSQL))
		mask(at + LOGIN_EXTENDED, 4, MY_CAPABILITIES_KNOWN >> 32);
	return forward(edited, edited->size, true);
}

struct handshake_step my_handshake(enum side side, struct slice bytes, struct buffer *edited)
{
	struct cursor cursor = cursor_of(bytes);
	size_t size = cursor_u24le(&cursor);
	struct slice payload;

	cursor_u8(&cursor);
	if (!cursor.failed && (!size || size > MY_LOGIN_MAX))
		return refused();
	payload = cursor_bytes(&cursor, size);
	if (cursor.failed)
		return (struct handshake_step){ .action = HANDSHAKE_MORE };
	buffer_append(edited, bytes.data, MY_HEADER_SIZE + size);
	if (edited->overflowed)
		return refused();
	return side == SIDE_SERVER ? server_step(payload, edited) : client_step(payload, edited);
}
