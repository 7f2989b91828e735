/* SPDX-License-Identifier: Apache-2.0 */
/* Masking credentials in headers; see credentials.h. Names are matched whole, case aside. */
#include "parsers/http/credentials.h"

#include "parsers/compiler.h"

/* Of these the scheme stays, ... */
static const struct slice schemes[] = { SLICE("authorization"), SLICE("proxy-authorization") };
/* ... of this the names, ... */
static const struct slice cookie = SLICE("cookie");
/* ... and of these nothing. */
static const struct slice secrets[] = {
	SLICE("x-api-key"),
	SLICE("api-key"),
	SLICE("apikey"),
	SLICE("x-auth-token"),
	SLICE("x-access-token"),
	SLICE("x-vault-token"),
	SLICE("private-token"),
	SLICE("x-goog-api-key"),
	SLICE("x-amz-security-token"),
	SLICE("x-functions-key"),
	SLICE("x-csrf-token"),
	SLICE("x-xsrf-token"),
	SLICE("ocp-apim-subscription-key"),
};

static bool is_one_of(struct slice name, const struct slice *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (slice_equal_nocase(name, names[i]))
			return true;
	return false;
}

bool http_is_secret(struct slice name)
{
	return slice_equal_nocase(name, cookie) || is_one_of(name, schemes, ARRAY_SIZE(schemes)) ||
	       is_one_of(name, secrets, ARRAY_SIZE(secrets));
}

static void mask_scheme(struct buffer *out, struct slice value)
{
	const uint8_t *space = value.size ? memchr(value.data, ' ', value.size) : NULL;

	/* Without a scheme the whole value is the secret. */
	if (space)
		buffer_append(out, value.data, (size_t)(space - value.data) + 1);
	buffer_append_string(out, "***");
}

/* Names stay, since they say what the app sends; values go. */
static void mask_cookies(struct buffer *out, struct slice value)
{
	for (size_t at = 0; at < value.size;) {
		const uint8_t *start = value.data + at;
		const uint8_t *semicolon = memchr(start, ';', value.size - at);
		size_t size = semicolon ? (size_t)(semicolon - start) : value.size - at;
		const uint8_t *sign = memchr(start, '=', size);

		if (sign)
			buffer_append(out, start, (size_t)(sign - start) + 1);
		buffer_append_string(out, "***");
		if (semicolon)
			buffer_append_u8(out, ';');
		at += size + (semicolon != NULL);
		if (at < value.size && value.data[at] == ' ') {
			buffer_append_u8(out, ' ');
			at++;
		}
	}
}

bool http_mask_field(struct buffer *out, struct slice name, struct slice value)
{
	if (value.size && is_one_of(name, schemes, ARRAY_SIZE(schemes))) {
		mask_scheme(out, value);
		return true;
	}
	if (value.size && slice_equal_nocase(name, cookie)) {
		mask_cookies(out, value);
		return true;
	}
	if (value.size && is_one_of(name, secrets, ARRAY_SIZE(secrets))) {
		buffer_append_string(out, "***");
		return true;
	}
	buffer_append_slice(out, value);
	return false;
}

bool http_mask_authority(struct buffer *out, struct slice authority)
{
	size_t at = 0, colon = 0;

	for (size_t i = 0; i < authority.size; i++)
		if (authority.data[i] == '@')
			at = i;
	for (size_t i = at; i > 0; i--)
		if (authority.data[i - 1] == ':')
			colon = i;
	if (!at || !colon) {
		buffer_append_slice(out, authority);
		return false;
	}
	buffer_append(out, authority.data, colon);
	buffer_append_string(out, "***");
	buffer_append(out, authority.data + at, authority.size - at);
	return true;
}
