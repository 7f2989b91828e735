/* SPDX-License-Identifier: Apache-2.0 */
/* See proxy_header.h. */
#include "parsers/proxy_header.h"

#include "parsers/cursor.h"

/* Of version 1, with its CR LF. */
#define LINE_MAX_BYTES ((size_t)107)
#define VERSION_2 0x20
#define COMMAND_MAX 1

/* The bytes begin with `prefix`, or may do so when more came. */
static enum recognised begins_with(struct slice bytes, struct slice prefix)
{
	size_t size = bytes.size < prefix.size ? bytes.size : prefix.size;

	if (!slice_equal(slice_of(bytes.data, size), slice_of(prefix.data, size)))
		return RECOGNISED_NO;
	return size < prefix.size ? RECOGNISED_MORE : RECOGNISED_YES;
}

static enum recognised version_1(struct slice bytes, size_t *ret_size)
{
	enum recognised begins = begins_with(bytes, SLICE("PROXY "));

	if (begins != RECOGNISED_YES)
		return begins;
	for (size_t i = 1; i < bytes.size && i < LINE_MAX_BYTES; i++) {
		if (bytes.data[i] != '\n' && bytes.data[i - 1] != '\r')
			continue;
		*ret_size = i + 1;
		return bytes.data[i] == '\n' && bytes.data[i - 1] == '\r' ? RECOGNISED_YES :
									    RECOGNISED_NO;
	}
	return bytes.size < LINE_MAX_BYTES ? RECOGNISED_MORE : RECOGNISED_NO;
}

static enum recognised version_2(struct slice bytes, size_t *ret_size)
{
	struct slice signature = SLICE("\r\n\r\n\0\r\nQUIT\n");
	enum recognised begins = begins_with(bytes, signature);
	struct cursor cursor = cursor_of(bytes);
	uint8_t version, family;
	uint16_t length;

	if (begins != RECOGNISED_YES)
		return begins;
	(void)cursor_bytes(&cursor, signature.size);
	version = cursor_u8(&cursor);
	family = cursor_u8(&cursor);
	length = cursor_u16be(&cursor);
	if (cursor.failed)
		return RECOGNISED_MORE;
	*ret_size = bytes.size - cursor_left(&cursor) + length;
	if ((version & 0xf0) != VERSION_2 || (version & 0x0f) > COMMAND_MAX || family >> 4 > 3 ||
	    (family & 0x0f) > 2 || *ret_size > PROXY_HEADER_MAX)
		return RECOGNISED_NO;
	return bytes.size < *ret_size ? RECOGNISED_MORE : RECOGNISED_YES;
}

enum recognised proxy_header(struct slice client_bytes, size_t *ret_size)
{
	enum recognised first;

	*ret_size = 0;
	if (!client_bytes.size)
		return RECOGNISED_MORE;
	first = version_1(client_bytes, ret_size);
	return first != RECOGNISED_NO ? first : version_2(client_bytes, ret_size);
}
