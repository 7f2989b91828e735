/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules: see rules.h for the forms. A rule is cut into host, prefix and ports first; then the host
 * is looked up, and each of its addresses becomes one redirect_rule.
 */
#include "proxy/rules.h"

#include "parsers/slice.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <nss.h>
#include <stdio.h>

enum {
	HOST_BYTES = 256, /* a DNS name has at most 253 */
	IPV4_BITS = 32,
	IPV6_BITS = 128,
	MAPPED_BITS = IPV6_BITS - IPV4_BITS,
};

/* One option, cut but not looked up. */
struct rule_text {
	char host[HOST_BYTES]; /* empty: every host */
	long prefix;	       /* -1: not given */
	uint16_t first_port;
	uint16_t last_port;
};

/* Decimal digits alone, the whole slice; -1 for anything else or above max. */
static long read_number(struct slice text, long max)
{
	long number = 0;

	if (text.size == 0)
		return -1;
	for (size_t i = 0; i < text.size; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return -1;
		number = number * 10 + (text.data[i] - '0');
		if (number > max)
			return -1;
	}
	return number;
}

/* Where the byte is first found, or the slice's size. */
static size_t find_byte(struct slice text, char byte)
{
	const uint8_t *found = text.size ? memchr(text.data, byte, text.size) : NULL;

	return found ? (size_t)(found - text.data) : text.size;
}

static struct slice slice_from(struct slice text, size_t offset)
{
	return slice_of(text.data + offset, text.size - offset);
}

/* "PORT" or "FIRST-LAST". */
static int read_ports(struct slice text, struct rule_text *rule)
{
	size_t dash = find_byte(text, '-');
	long first = read_number(slice_of(text.data, dash), UINT16_MAX);
	long last = first;

	if (dash < text.size)
		last = read_number(slice_from(text, dash + 1), UINT16_MAX);
	if (first < 0 || last < first)
		return -EINVAL;
	rule->first_port = (uint16_t)first;
	rule->last_port = (uint16_t)last;
	return 0;
}

/* "HOST" or "ADDRESS/PREFIX". */
static int read_host(struct slice text, struct rule_text *rule)
{
	size_t slash = find_byte(text, '/');

	if (slash >= sizeof(rule->host) || find_byte(text, '\0') < text.size)
		return -EINVAL;
	if (slash < text.size) {
		rule->prefix = read_number(slice_from(text, slash + 1), IPV6_BITS);
		if (rule->prefix < 0)
			return -EINVAL;
	}
	if (slash)
		memcpy(rule->host, text.data, slash);
	rule->host[slash] = '\0';
	return 0;
}

static int cut_rule(struct slice text, struct rule_text *rule)
{
	size_t colon = find_byte(text, ':');
	size_t bracket;

	*rule = (struct rule_text){ .prefix = -1, .last_port = UINT16_MAX };
	if (text.size && text.data[0] == '[') {
		text = slice_from(text, 1);
		bracket = find_byte(text, ']');
		if (bracket == 0 || bracket == text.size ||
		    read_host(slice_of(text.data, bracket), rule) < 0)
			return -EINVAL;
		text = slice_from(text, bracket + 1);
		if (text.size == 0)
			return 0;
		return text.data[0] == ':' ? read_ports(slice_from(text, 1), rule) : -EINVAL;
	}
	/* More than one colon: an IPv6 address without a port. */
	if (colon == text.size ||
	    find_byte(slice_from(text, colon + 1), ':') < text.size - colon - 1)
		return text.size ? read_host(text, rule) : -EINVAL;
	if (read_host(slice_of(text.data, colon), rule) < 0)
		return -EINVAL;
	return read_ports(slice_from(text, colon + 1), rule);
}

static struct redirect_address mask_of(long bits)
{
	struct redirect_address mask = { { 0 } };
	uint8_t bytes[sizeof(mask)] = { 0 };

	for (long i = 0; i < bits; i++)
		bytes[i / 8] |= (uint8_t)(0x80 >> (i % 8));
	memcpy(&mask, bytes, sizeof(mask));
	return mask;
}

/* Bits of the mapped form that must be equal, or -1 when the prefix is longer than the address. */
static long mask_bits(const struct rule_text *text, int family)
{
	long family_bits = family == AF_INET ? IPV4_BITS : IPV6_BITS;
	long before = family == AF_INET ? MAPPED_BITS : 0;

	if (text->prefix > family_bits)
		return -1;
	return before + (text->prefix < 0 ? family_bits : text->prefix);
}

static int add_rule(struct redirect_settings *settings, const struct redirect_rule *rule)
{
	if (settings->config.n_rules >= REDIRECT_MAX_RULES)
		return -E2BIG;
	settings->rules[settings->config.n_rules++] = *rule;
	return 0;
}

static int add_address(struct redirect_settings *settings, const struct rule_text *text,
		       const struct sockaddr *address, bool exclude)
{
	struct redirect_rule rule = { .first_port = text->first_port,
				      .last_port = text->last_port,
				      .exclude = exclude };
	long bits = mask_bits(text, address->sa_family);

	if (bits < 0)
		return -EINVAL;
	if (address->sa_family == AF_INET) {
		const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;

		rule.address = redirect_from_ipv4(v4->sin_addr.s_addr);
	} else {
		const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;

		memcpy(&rule.address, &v6->sin6_addr, sizeof(rule.address));
	}
	rule.mask = mask_of(bits);
	for (size_t i = 0; i < ARRAY_SIZE(rule.mask.word); i++)
		rule.address.word[i] &= rule.mask.word[i];
	return add_rule(settings, &rule);
}

/* A prefix belongs to an address, a name has none. */
static int add_host(struct redirect_settings *settings, const struct rule_text *text, bool exclude)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	int error = 0;

	if (text->prefix >= 0)
		hints.ai_flags = AI_NUMERICHOST;
	if (getaddrinfo(text->host, NULL, &hints, &found) != 0)
		return text->prefix >= 0 ? -EINVAL : -ENOENT;
	for (const struct addrinfo *one = found; one && error == 0; one = one->ai_next)
		if (one->ai_family == AF_INET || one->ai_family == AF_INET6)
			error = add_address(settings, text, one->ai_addr, exclude);
	freeaddrinfo(found);
	return error;
}

/* "5432" alone: getaddrinfo() would take it for the address 0.0.21.56. */
static bool is_bare_number(const struct rule_text *text)
{
	return text->host[0] && text->host[strspn(text->host, "0123456789")] == '\0';
}

static int read_rule(struct redirect_settings *settings, const char *option, bool exclude,
		     char ret_error[RULES_ERROR_BYTES])
{
	const char *name = exclude ? "--exclude" : "--only";
	struct redirect_rule everywhere = { .exclude = exclude };
	struct rule_text text;
	int error = cut_rule(slice_from_string(option), &text);

	if (error == 0 && is_bare_number(&text)) {
		snprintf(ret_error, RULES_ERROR_BYTES, "%s %s: is that a port? Write %s :%s for it",
			 name, option, name, option);
		return -EINVAL;
	}
	if (error == 0 && text.host[0] == '\0' && text.prefix < 0) {
		everywhere.first_port = text.first_port;
		everywhere.last_port = text.last_port;
		error = add_rule(settings, &everywhere);
	} else if (error == 0) {
		error = text.host[0] ? add_host(settings, &text, exclude) : -EINVAL;
	}
	if (error == -EINVAL)
		snprintf(ret_error, RULES_ERROR_BYTES,
			 "%s %s: this must be HOST, HOST:PORT, :PORT, ADDRESS/PREFIX, "
			 "ADDRESS/PREFIX:PORT or [IPV6]:PORT, and a PORT may be FIRST-LAST",
			 name, option);
	else if (error == -ENOENT)
		snprintf(ret_error, RULES_ERROR_BYTES, "%s %s: the name %s has no address", name,
			 option, text.host);
	else if (error == -E2BIG)
		snprintf(ret_error, RULES_ERROR_BYTES,
			 "%s %s: more than %d addresses in --only and --exclude; use a network",
			 name, option, REDIRECT_MAX_RULES);
	return error;
}

int rules_read(const struct options *options, struct redirect_settings *settings,
	       char ret_error[RULES_ERROR_BYTES])
{
	int error = 0;

	settings->config.n_rules = 0;
	settings->config.only = options->n_only > 0;
	/* Asked for once, before anything else of this process asks for a name. */
	if (options->mode == MODE_REPLAY && options->n_only + options->n_exclude)
		__nss_configure_lookup("hosts", "files");
	for (size_t i = 0; i < options->n_only && error == 0; i++)
		error = read_rule(settings, options->only[i], false, ret_error);
	for (size_t i = 0; i < options->n_exclude && error == 0; i++)
		error = read_rule(settings, options->exclude[i], true, ret_error);
	return error;
}
