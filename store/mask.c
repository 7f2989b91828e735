/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Masking by shape; see mask.h. It goes over a text once, from one place where a secret may begin
 * to the next, and errs on the side of masking: a secret that is kept is worse than a harmless word
 * that is not.
 */
#include "store/mask.h"

#include "parsers/http/credentials.h"
#include "store/encode.h"

static bool is_name(uint8_t byte)
{
	byte = ascii_lower(byte);
	return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '_' ||
	       byte == '-';
}

static bool contains_nocase(struct slice text, struct slice word)
{
	for (size_t i = 0; word.size <= text.size && i <= text.size - word.size; i++)
		if (slice_equal_nocase(slice_of(text.data + i, word.size), word))
			return true;
	return false;
}

/*
 * Is something of this name a secret? "PGPASSWORD", "--api-token", "sslpassword", "client_secret".
 */
static bool is_secret_name(struct slice name)
{
	/* Names of files and of switches, which say where a secret is and not what it is. */
	if (contains_nocase(name, SLICE("file")) || contains_nocase(name, SLICE("no-password")))
		return false;
	return contains_nocase(name, SLICE("password")) || contains_nocase(name, SLICE("passwd")) ||
	       contains_nocase(name, SLICE("secret")) || contains_nocase(name, SLICE("token")) ||
	       contains_nocase(name, SLICE("api_key")) || contains_nocase(name, SLICE("api-key")) ||
	       contains_nocase(name, SLICE("apikey")) || slice_equal_nocase(name, SLICE("pass")) ||
	       slice_equal_nocase(name, SLICE("pwd")) ||
	       slice_equal_nocase(name, SLICE("mysql_pwd"));
}

/* Behind "://": where the password of user:password@ lies. False when there is none. */
static bool url_password(struct slice text, size_t at, size_t *ret_start, size_t *ret_end)
{
	size_t colon = 0;
	size_t end = 0;

	/*
	 * A password may hold '@' and ':' unescaped: the first colon and the last '@' of the
	 * authority count.
	 */
	for (size_t i = at; i < text.size; i++) {
		uint8_t byte = text.data[i];

		if (byte == '/' || byte == '?' || byte == '#' || byte <= ' ' || byte == '"' ||
		    byte == '\'')
			break;
		if (byte == ':' && !colon)
			colon = i;
		if (byte == '@' && colon)
			end = i;
	}
	if (!end)
		return false;
	*ret_start = colon + 1;
	*ret_end = end;
	return true;
}

/*
 * Where the value that begins at `at` ends: at its closing quote, or at what separates it from the
 * next.
 */
static size_t value_end(struct slice text, size_t at)
{
	uint8_t quote = at < text.size ? text.data[at] : 0;
	size_t i = at;

	if (quote == '\'' || quote == '"') {
		for (i = at + 1; i < text.size; i++) {
			bool doubled = i + 1 < text.size && text.data[i + 1] == quote;

			if (text.data[i] == quote && !doubled)
				break;
			if (text.data[i] == quote || text.data[i] == '\\')
				i++;
		}
		return i < text.size ? i + 1 : text.size;
	}
	while (i < text.size && text.data[i] > ' ' && text.data[i] != '&' && text.data[i] != ';' &&
	       text.data[i] != '\'' && text.data[i] != '"') {
		i += text.data[i] == '\\' ? 2 : 1;
	}
	return i < text.size ? i : text.size;
}

static struct slice name_before(struct slice text, size_t at)
{
	size_t start = at;

	while (start && is_name(text.data[start - 1]))
		start--;
	return slice_of(text.data + start, at - start);
}

/* "name = value" of a connection string may have blanks around the sign; libpq allows them. */
static size_t skip_blanks(struct slice text, size_t at)
{
	while (at < text.size && text.data[at] == ' ')
		at++;
	return at;
}

static struct slice name_before_blanks(struct slice text, size_t at)
{
	while (at && text.data[at - 1] == ' ')
		at--;
	return name_before(text, at);
}

/* SQL: PASSWORD '...', IDENTIFIED BY '...', PASSWORD('...'); MySQL has strings in double quotes too. */
static bool is_secret_string(struct slice text, size_t at)
{
	struct slice name;

	if (text.data[at] != '\'' && text.data[at] != '"')
		return false;
	if (text.data[at] == '"' && at && is_name(text.data[at - 1])) /* it closes a name */
		return false;
	while (at && text.data[at - 1] == ' ')
		at--;
	if (at && text.data[at - 1] == '(')
		at--;
	name = name_before_blanks(text, at);
	return is_secret_name(name) || slice_equal_nocase(name, SLICE("by"));
}

/* "Authorization: Bearer ..." of curl -H: as the header itself is masked. False when it is none, or has no secret. */
static bool mask_header(struct buffer *out, struct slice argument)
{
	const uint8_t *colon = argument.size ? memchr(argument.data, ':', argument.size) : NULL;
	size_t before = out->size;
	size_t value;

	if (!colon)
		return false;
	value = skip_blanks(argument, (size_t)(colon - argument.data) + 1);
	buffer_append(out, argument.data, value);
	if (http_mask_field(out, slice_of(argument.data, (size_t)(colon - argument.data)),
			    slice_of(argument.data + value, argument.size - value)))
		return true;
	out->size = before;
	return false;
}

void mask_argument(struct buffer *out, struct slice argument)
{
	size_t kept = 0; /* all before it is in `out` */

	if (mask_header(out, argument))
		return;
	for (size_t i = 0; i < argument.size; i++) {
		size_t start;
		size_t end;

		if (argument.data[i] == '=' && is_secret_name(name_before_blanks(argument, i))) {
			start = skip_blanks(argument, i + 1);
			end = value_end(argument, start);
		} else if (is_secret_string(argument, i)) {
			start = i;
			end = value_end(argument, i);
		} else if (argument.data[i] != ':' || argument.size - i < 3 ||
			   argument.data[i + 1] != '/' || argument.data[i + 2] != '/' ||
			   !url_password(argument, i + 3, &start, &end)) {
			continue;
		}
		buffer_append(out, argument.data + kept, start - kept);
		if (end > start)
			buffer_append_slice(out, SLICE("***"));
		kept = end;
		if (end > i)
			i = end - 1;
	}
	buffer_append(out, argument.data + kept, argument.size - kept);
}

void mask_parameters_json(struct buffer *json, const struct name_value *parameters, size_t n)
{
	struct arena arena;
	struct name_value *masked;

	arena_init(&arena);
	masked = arena_alloc(&arena, (n + 1) * sizeof(*masked));
	for (size_t i = 0; i < n; i++) {
		struct buffer value;

		buffer_init(&value, 4 * parameters[i].value.size + 16);
		if (is_secret_name(parameters[i].name))
			buffer_append_slice(&value, SLICE("***"));
		else
			mask_argument(&value, parameters[i].value);
		masked[i].name = parameters[i].name;
		masked[i].value = arena_copy(&arena, buffer_slice(&value));
		buffer_release(&value);
	}
	encode_object(json, masked, n);
	arena_release(&arena);
}

/* mysql and mariadb programs take the password right behind -p. */
static bool is_mysql_program(struct slice program)
{
	size_t base = program.size;

	while (base && program.data[base - 1] != '/')
		base--;
	program = slice_of(program.data + base, program.size - base);
	return slice_starts_with(program, SLICE("mysql")) ||
	       slice_starts_with(program, SLICE("mariadb"));
}

void mask_command_json(struct buffer *json, const char *const *command)
{
	bool secret_next = false;
	bool mysql = false;

	buffer_append_u8(json, '[');
	for (size_t i = 0; command && command[i]; i++) {
		struct slice argument = slice_from_string(command[i]);
		struct buffer masked;

		buffer_init(&masked, 4 * argument.size + 16);
		mysql |= is_mysql_program(argument);
		if (secret_next && !slice_starts_with(argument, SLICE("-")))
			buffer_append_slice(&masked, SLICE("***"));
		else if (mysql && argument.size > 2 && slice_starts_with(argument, SLICE("-p")))
			buffer_append_slice(&masked, SLICE("-p***"));
		else
			mask_argument(&masked, argument);
		secret_next = slice_starts_with(argument, SLICE("--")) &&
			      !memchr(argument.data, '=', argument.size) &&
			      is_secret_name(argument);
		if (i)
			buffer_append_slice(json, SLICE(", "));
		encode_text(json, buffer_slice(&masked));
		buffer_release(&masked);
	}
	buffer_append_u8(json, ']');
}
