/* SPDX-License-Identifier: Apache-2.0 */
/* What a client says to a replayer, and what comes back as text; see my_replay.h. */
#include "tests/unit/my_replay.h"

/* ---- what a client says ---- */

void my_client_init(struct my_client *client, uint64_t capabilities)
{
	buffer_init(&client->bytes, OUT_MAX);
	client->capabilities = capabilities;
}

void my_say_packet(struct my_client *client, uint8_t sequence, struct slice payload)
{
	size_t at = my_packet_begin(&client->bytes);

	buffer_append_slice(&client->bytes, payload);
	my_packet_end(&client->bytes, at, &sequence);
}

void my_say_login_as(struct my_client *client, const char *plugin, struct slice answer)
{
	struct my_login login = {
		.capabilities = client->capabilities,
		.max_packet = 1 << 24,
		.collation = 45,
		.user = SLICE("ann"),
		.answer = answer,
		.database = SLICE("shop"),
		.plugin = slice_from_string(plugin),
		.zstd_level = 3,
	};
	struct buffer payload;

	buffer_init(&payload, OUT_MAX);
	my_login_write(&payload, &login);
	my_say_packet(client, 1, buffer_slice(&payload));
	buffer_release(&payload);
}

void my_say_login(struct my_client *client)
{
	my_say_login_as(client, "mysql_native_password", SLICE("12345678901234567890"));
}

void my_say_command(struct my_client *client, uint8_t command, struct slice body)
{
	struct buffer payload;

	buffer_init(&payload, OUT_MAX);
	buffer_append_u8(&payload, command);
	buffer_append_slice(&payload, body);
	my_say_packet(client, 0, buffer_slice(&payload));
	buffer_release(&payload);
}

void my_say_query(struct my_client *client, const char *sql)
{
	my_say_command(client, MY_COM_QUERY, slice_from_string(sql));
}

void my_say_prepare(struct my_client *client, const char *sql)
{
	my_say_command(client, MY_COM_STMT_PREPARE, slice_from_string(sql));
}

void my_say_execute(struct my_client *client, uint32_t id, uint8_t flags, int32_t value)
{
	struct buffer body;

	buffer_init(&body, OUT_MAX);
	buffer_append_le(&body, id, 4);
	buffer_append_u8(&body, flags);
	buffer_append_le(&body, 1, 4);
	if (value >= 0) {
		buffer_append_u8(&body, 0); /* no nulls */
		buffer_append_u8(&body, 1); /* types follow */
		buffer_append_le(&body, MY_TYPE_LONG, 2);
		buffer_append_le(&body, (uint64_t)value, 4);
	}
	my_say_command(client, MY_COM_STMT_EXECUTE, buffer_slice(&body));
	buffer_release(&body);
}

/* ---- what comes back ---- */

/* Headers are checked here: what is split stays in its pieces. */
void my_render(struct buffer *text, struct slice bytes)
{
	struct cursor cursor = cursor_of(bytes);

	while (cursor_left(&cursor)) {
		size_t size = cursor_u24le(&cursor);
		uint8_t sequence = cursor_u8(&cursor);
		struct slice payload = cursor_bytes(&cursor, size);

		assert_false(cursor.failed);
		buffer_append_unsigned(text, sequence);
		buffer_append_u8(text, ' ');
		if (size > 2000) {
			buffer_append_unsigned(text, size);
			buffer_append_string(text, " bytes");
		} else {
			render_bytes(text, payload);
		}
		buffer_append_u8(text, '\n');
	}
}

static struct slice behind_greeting(struct slice text)
{
	const uint8_t *end = memchr(text.data, '\n', text.size);

	assert_non_null(end);
	end++;
	return slice_of(end, text.size - (size_t)(end - text.data));
}

static const struct dialogue dialogue = {
	.protocol = &mysql_protocol,
	.answers = my_answers_of,
	.render = my_render,
	.behind_login = behind_greeting,
};

bool my_play(struct fake *fake, struct answer_cache *cache, const struct my_client *client,
	     size_t step, struct buffer *all)
{
	return replay_play(&dialogue, fake, cache, buffer_slice(&client->bytes), step, all) ==
	       REPLAY_CLOSE;
}

void my_converse(struct fake *fake, struct answer_cache *cache, const struct my_client *client,
		 size_t step, struct buffer *text)
{
	replay_converse(&dialogue, fake, cache, buffer_slice(&client->bytes), step, text);
}

void my_expect(struct fake *fake, struct my_client *client, const char *expected)
{
	replay_expect(&dialogue, fake, &client->bytes, expected);
}
