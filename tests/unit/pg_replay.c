/* SPDX-License-Identifier: Apache-2.0 */
/* What a client says to a replayer, and what comes back as text; see pg_replay.h. */
#include "tests/unit/pg_replay.h"

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

void say_login(struct client *client)
{
	say_start(client, PG_PROTOCOL(3, 0),
		  SLICE("user\0ann\0database\0shop\0application_name\0me\0\0"));
}

void client_init(struct client *client)
{
	buffer_init(&client->bytes, OUT_MAX);
}

void say_extended(struct client *client, const char *sql, uint16_t format)
{
	say_parse(client, "", sql);
	say_bind(client, "", "", NULL, format);
	say_execute(client, "", 0);
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

enum replay_state play(struct replayer *replayer, struct slice input, size_t step,
		       struct buffer *all)
{
	enum replay_state state = REPLAY_IDLE;
	struct buffer out;
	const char *why;

	buffer_init(&out, OUT_MAX);
	while (input.size && state < REPLAY_CLOSE) {
		size_t size = step < input.size ? step : input.size;
		uint8_t *copy = malloc(size); /* nothing may borrow from it */

		assert_non_null(copy);
		memcpy(copy, input.data, size);
		assert_int_equal(pg_replayer_feed(replayer, slice_of(copy, size), &why), 0);
		memset(copy, 0xdb, size);
		free(copy);
		input = slice_of(input.data + size, input.size - size);
		do {
			buffer_clear(&out);
			state = pg_replayer_fill(replayer, &out);
			assert_false(out.overflowed);
			assert_true(out.size <
				    PG_FILL_BYTES + 2 * PIECE_BYTES); /* a value is never whole */
			buffer_append_slice(all, buffer_slice(&out));
		} while (state == REPLAY_MORE);
	}
	buffer_release(&out);
	return state;
}

void converse(struct fake *fake, struct answer_cache *cache, const struct client *client,
	      size_t step, struct buffer *text)
{
	struct answers answers = answers_of(fake, cache);
	struct replayer *replayer = pg_replayer_new(&answers, 7);
	struct buffer all;
	enum replay_state state;

	memset(fake, 0, sizeof(*fake));
	buffer_init(&all, OUT_MAX);
	state = play(replayer, buffer_slice(&client->bytes), step, &all);
	assert_false(all.overflowed);
	pg_replay_render(text, buffer_slice(&all));
	if (state >= REPLAY_CLOSE)
		buffer_append_string(text, state == REPLAY_RESET ? "reset\n" : "closed\n");
	buffer_release(&all);
	pg_replayer_free(replayer);
}

static const char login_answer[] = "R ~~~~\n"
				   "S server_version~15.18~\n"
				   "S application_name~me~\n"
				   "S TimeZone~UTC~\n"
				   "S client_encoding~UTF8~\n"
				   "S DateStyle~ISO, MDY~\n"
				   "S IntervalStyle~postgres~\n"
				   "K ~~~<07>";

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

void expect(struct fake *fake, struct client *client, const char *expected)
{
	static const size_t steps[] = { SIZE_MAX, 1, 7, SIZE_MAX };
	struct answer_cache *cache = answer_cache_new(64);
	struct buffer text;

	buffer_init(&text, OUT_MAX);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct slice got;

		buffer_clear(&text);
		converse(fake, i ? cache : NULL, client, steps[i], &text);
		got = behind_login(buffer_slice(&text));
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
