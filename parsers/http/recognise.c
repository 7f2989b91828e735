/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recognising HTTP/1 by a client's first bytes (RFC 9112, section 3): "token SP target SP HTTP/1.". A method alone proves
 * nothing, since other protocols have commands of the same names ("GET key" of Redis, "OPTIONS sip:" of SIP, "CONNECT {" of NATS);
 * the version does. Only a line longer than HTTP_RECOGNISE_MAX is believed for its known method and its target.
 */
#include "parsers/http/message.h"

#define METHOD_MAX 32

static bool known_method(struct slice method)
{
	static const char *const methods[] = { "GET",	  "HEAD",  "POST",     "PUT",	 "DELETE",
					       "OPTIONS", "PATCH", "PROPFIND", "REPORT", "SEARCH" };

	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		if (slice_equal(method, slice_from_string(methods[i])))
			return true;
	return false;
}

/* The method's end, or SIZE_MAX: this is none, or 0: more is needed to know. */
static size_t method_end(struct slice bytes)
{
	for (size_t i = 0; i < bytes.size; i++) {
		if (bytes.data[i] == ' ' && i)
			return i;
		if (i == METHOD_MAX || !http_is_token(bytes.data[i]))
			return SIZE_MAX;
	}
	return 0;
}

enum recognised http_recognise(struct slice client_bytes)
{
	static const char version[] = " HTTP/1.";
	struct slice bytes = client_bytes;
	size_t empty = 0, end, at;

	while (bytes.size > 1 && empty < HTTP_EMPTY_LINES_MAX &&
	       slice_starts_with(bytes, SLICE("\r\n"))) {
		bytes = slice_of(bytes.data + 2, bytes.size - 2);
		empty++;
	}
	if (bytes.size == 1 && bytes.data[0] == '\r')
		return RECOGNISED_MORE;
	end = method_end(bytes);
	if (end == SIZE_MAX)
		return RECOGNISED_NO;
	if (!end)
		return RECOGNISED_MORE;
	for (at = end + 1; at < bytes.size && bytes.data[at] > ' '; at++)
		;
	if (at == bytes.size) {
		if (client_bytes.size < HTTP_RECOGNISE_MAX)
			return RECOGNISED_MORE;
		return known_method(slice_of(bytes.data, end)) && bytes.data[end + 1] == '/' ?
			       RECOGNISED_YES :
			       RECOGNISED_NO;
	}
	if (at == end + 1) /* no target */
		return RECOGNISED_NO;
	for (size_t i = 0; i < sizeof(version) - 1; i++) {
		if (at + i == bytes.size)
			return RECOGNISED_MORE;
		if (bytes.data[at + i] != (uint8_t)version[i])
			return RECOGNISED_NO;
	}
	return RECOGNISED_YES;
}
