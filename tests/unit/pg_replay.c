/* SPDX-License-Identifier: Apache-2.0 */
/* What a client says to a replayer, and what comes back as text; see pg_replay.h. */
#include "tests/unit/pg_replay.h"

/* ---- what a client says ---- */

void say_message(struct client *client, uint8_t type, struct slice body)
{
	buffer_append_u8(&client->bytes, type);
	buffer_append_u32be(&client->bytes, (uint32_t)body.size + 4);
	buffer_append_slice(&client->bytes, body);
}

void say_start(struct client *client, uint32_t code, struct slice parameters)
{
	buffer_append_u32be(&client->bytes, (uint32_t)parameters.size + 8);
	buffer_append_u32be(&client->bytes, code);
	buffer_append_slice(&client->bytes, parameters);
}

static void string(struct buffer *body, const char *text)
{
	buffer_append(body, text, strlen(text) + 1);
}

void say_query(struct client *client, const char *sql)
{
	say_message(client, 'Q', slice_of(sql, strlen(sql) + 1));
}

void say_parse(struct client *client, const char *name, const char *sql)
{
	struct buffer body;

	buffer_init(&body, OUT_MAX);
	string(&body, name);
	string(&body, sql);
	buffer_append_u16be(&body, 0);
	say_message(client, 'P', buffer_slice(&body));
	buffer_release(&body);
}

void say_bind(struct client *client, const char *portal, const char *name, const char *value,
	      uint16_t format)
{
	struct buffer body;

	buffer_init(&body, OUT_MAX);
	string(&body, portal);
	string(&body, name);
	buffer_append_u16be(&body, 0);
	buffer_append_u16be(&body, value ? 1 : 0);
	if (value) {
		buffer_append_u32be(&body, (uint32_t)strlen(value));
		buffer_append_string(&body, value);
	}
	buffer_append_u16be(&body, 1);
	buffer_append_u16be(&body, format);
	say_message(client, 'B', buffer_slice(&body));
	buffer_release(&body);
}

void say_execute(struct client *client, const char *portal, uint32_t limit)
{
	struct buffer body;

	buffer_init(&body, OUT_MAX);
	string(&body, portal);
	buffer_append_u32be(&body, limit);
	say_message(client, 'E', buffer_slice(&body));
	buffer_release(&body);
}

void say_target(struct client *client, uint8_t type, const char *target)
{
	say_message(client, type, slice_of(target, strlen(target) + 1));
}

void say_sync(struct client *client)
{
	say_message(client, 'S', SLICE(""));
}

void client_init(struct client *client)
{
	buffer_init(&client->bytes, OUT_MAX);
}

void client_log_in(struct client *client)
{
	client_init(client);
	say_start(client, PG_PROTOCOL(3, 0),
		  SLICE("user\0ann\0database\0shop\0application_name\0me\0\0"));
}

void say_extended(struct client *client, const char *sql, uint16_t format)
{
	say_parse(client, "", sql);
	say_bind(client, "", "", NULL, format);
	say_execute(client, "", 0);
}

/* ---- what comes back ---- */

void pg_replay_render(struct buffer *text, struct slice bytes)
{
	struct cursor cursor = cursor_of(bytes);

	while (cursor_left(&cursor)) {
		uint8_t type = cursor_u8(&cursor);
		uint32_t length;

		buffer_append_u8(text, type);
		if (type == 'N' && cursor_left(&cursor) &&
		    *cursor.at) { /* no frame: an SSLRequest was refused */
			buffer_append_u8(text, '\n');
			continue;
		}
		if (type == 'N' && !cursor_left(&cursor))
			return;
		length = cursor_u32be(&cursor);
		assert_true(length >= 4);
		buffer_append_u8(text, ' ');
		render_bytes(text, cursor_bytes(&cursor, length - 4));
		assert_false(cursor.failed);
		buffer_append_u8(text, '\n');
	}
}

static const char login_answer[] = "R ~~~~\n"
				   "S server_version~15.18~\n"
				   "S application_name~me~\n"
				   "S TimeZone~UTC~\n"
				   "S client_encoding~UTF8~\n"
				   "S DateStyle~ISO, MDY~\n"
				   "S IntervalStyle~postgres~\n"
				   "K ~@~<07>";

/* The answer to a login is checked once, and is then left out. */
static struct slice behind_login(struct slice text)
{
	const uint8_t *ready;

	if (!slice_starts_with(text, slice_of(login_answer, sizeof(login_answer) - 1)))
		return text;
	ready = memmem(text.data, text.size, "\nZ I\n", 5);
	assert_non_null(ready);
	return slice_of(ready + 5, text.size - (size_t)(ready + 5 - text.data));
}

static const struct dialogue dialogue = {
	.protocol = &postgres_protocol,
	.answers = answers_of,
	.render = pg_replay_render,
	.behind_login = behind_login,
};

void converse(struct fake *fake, struct answer_cache *cache, const struct client *client,
	      size_t step, struct buffer *text)
{
	*fake = (struct fake){ 0 };
	replay_converse(&dialogue, fake, cache, buffer_slice(&client->bytes), step, text);
}

void expect(struct fake *fake, struct client *client, const char *expected)
{
	*fake = (struct fake){ 0 };
	replay_expect(&dialogue, fake, &client->bytes, expected);
}
