/* SPDX-License-Identifier: Apache-2.0 */
/* What a client says to a replayer, and what comes back as text; see my_replay.h. */
#include "tests/unit/my_replay.h"

#include <stdio.h>

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h> /* needs those above */
/* clang-format on */

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

static void render_bytes(struct buffer *text, struct slice bytes)
{
	char hex[8];

	for (size_t i = 0; i < bytes.size; i++) {
		uint8_t byte = bytes.data[i];

		if (byte == 0) {
			buffer_append_u8(text, '~');
		} else if (byte < ' ' || byte > '}' || byte == '<') {
			snprintf(hex, sizeof(hex), "<%02x>", byte);
			buffer_append_string(text, hex);
		} else {
			buffer_append_u8(text, byte);
		}
	}
}

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

static enum replay_state fill(struct replayer *replayer, struct buffer *all)
{
	enum replay_state state;
	struct buffer out;

	buffer_init(&out, OUT_MAX);
	do {
		buffer_clear(&out);
		state = my_replayer_fill(replayer, &out);
		assert_false(out.overflowed);
		assert_true(out.size <
			    MY_FILL_BYTES + 2 * PIECE_BYTES); /* a value is never whole */
		buffer_append_slice(all, buffer_slice(&out));
	} while (state == REPLAY_MORE);
	buffer_release(&out);
	return state;
}

/* Feeds all bytes in steps, and appends what came; true: the connection is over. */
static bool play(struct replayer *replayer, struct slice input, size_t step, struct buffer *all)
{
	enum replay_state state = fill(replayer, all);
	const char *why;

	while (input.size && state != REPLAY_CLOSE) {
		size_t size = step < input.size ? step : input.size;
		uint8_t *copy = malloc(size); /* nothing may borrow from it */

		assert_non_null(copy);
		memcpy(copy, input.data, size);
		assert_int_equal(my_replayer_feed(replayer, slice_of(copy, size), &why), 0);
		memset(copy, 0xdb, size);
		free(copy);
		input = slice_of(input.data + size, input.size - size);
		state = fill(replayer, all);
	}
	return state == REPLAY_CLOSE;
}

bool my_play(struct my_fake *fake, struct answer_cache *cache, const struct my_client *client,
	     size_t step, struct buffer *all)
{
	struct answers answers = my_answers_of(fake, cache);
	struct replayer *replayer = my_replayer_new(&answers, 7);
	bool closed = play(replayer, buffer_slice(&client->bytes), step, all);

	assert_false(all->overflowed);
	my_replayer_free(replayer);
	return closed;
}

void my_converse(struct my_fake *fake, struct answer_cache *cache, const struct my_client *client,
		 size_t step, struct buffer *text)
{
	struct buffer all;
	bool closed;

	buffer_init(&all, OUT_MAX);
	closed = my_play(fake, cache, client, step, &all);
	my_render(text, buffer_slice(&all));
	if (closed)
		buffer_append_string(text, "closed\n");
	buffer_release(&all);
}

static struct slice behind_greeting(struct slice text)
{
	const uint8_t *end = memchr(text.data, '\n', text.size);

	assert_non_null(end);
	end++;
	return slice_of(end, text.size - (size_t)(end - text.data));
}

void my_expect(struct my_fake *fake, struct my_client *client, const char *expected)
{
	static const size_t steps[] = { SIZE_MAX, 1, 7, SIZE_MAX };
	struct answer_cache *cache = answer_cache_new(64);
	struct my_fake fresh = *fake;
	struct buffer text;

	buffer_init(&text, OUT_MAX);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct slice got;

		*fake = fresh;
		buffer_clear(&text);
		my_converse(fake, i ? cache : NULL, client, steps[i], &text);
		got = behind_greeting(buffer_slice(&text));
		if (slice_equal(got, slice_from_string(expected)))
			continue;
		/* longer than cmocka's messages may be */
		fprintf(stderr, "run %zu: expected\n%s--- but got\n%.*s", i, expected,
			(int)got.size, (const char *)got.data);
		fail();
	}
	buffer_release(&text);
	answer_cache_free(cache);
	buffer_release(&client->bytes);
}
