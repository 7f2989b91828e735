/* SPDX-License-Identifier: Apache-2.0 */
/* Clients of the HTTP replayer, which asks the matcher over a real file. Included once, in the place of http_store.h. */
#ifndef MOCKPROXY_TEST_HTTP_REPLAY_H
#define MOCKPROXY_TEST_HTTP_REPLAY_H

#include "tests/unit/http_store.h"
#include "tests/unit/store_replay.h"

#define OUT_MAX ((size_t)8 << 20)

struct client {
	struct replay replay;
	struct replayer *replayer;
	struct buffer said;
	enum replay_state state;
};

static UNUSED void connect_to(struct client *client, const char *path,
			      const struct matcher_options *options, const char *address,
			      uint16_t port)
{
	replay_start(&client->replay, path, options);
	answers_free(client->replay.answers);
	client->replay.answers =
		answers_new(client->replay.reader, "http", slice_from_string(address), port);
	client->replayer = http_protocol.replayer_new(client->replay.answers, 1);
	client->state = REPLAY_IDLE;
	buffer_init(&client->said, OUT_MAX);
}

static UNUSED void request(struct client *client, struct slice bytes)
{
	const char *why = NULL;
	struct buffer out;

	if (client->state != REPLAY_IDLE)
		return;
	assert_int_equal(http_protocol.replayer_feed(client->replayer, bytes, &why), 0);
	buffer_init(&out, OUT_MAX);
	do {
		buffer_clear(&out);
		client->state = http_protocol.replayer_fill(client->replayer, &out);
		buffer_append_slice(&client->said, buffer_slice(&out));
	} while (client->state == REPLAY_MORE);
	buffer_release(&out);
}

/* Another connection to the same replay. */
static UNUSED void reconnect(struct client *client)
{
	http_protocol.replayer_free(client->replayer);
	client->replayer = http_protocol.replayer_new(client->replay.answers, 2);
	client->state = REPLAY_IDLE;
	buffer_clear(&client->said);
}

static UNUSED void disconnect(struct client *client)
{
	http_protocol.replayer_free(client->replayer);
	replay_end(&client->replay);
	buffer_release(&client->said);
}

/* What is said to a client of 127.0.0.1:80 that sends this, in steps of this size. */
static UNUSED enum replay_state converse(const char *path, const struct matcher_options *options,
					 struct answer_cache *cache, struct slice asked,
					 size_t step, struct buffer *said)
{
	struct client client;
	enum replay_state state;

	if (step > asked.size)
		step = asked.size;
	connect_to(&client, path, options, "127.0.0.1", 80);
	client.replay.answers->cache = cache;
	for (size_t at = 0; at < asked.size; at += step)
		request(&client,
			slice_of(asked.data + at, asked.size - at < step ? asked.size - at : step));
	buffer_append_slice(said, buffer_slice(&client.said));
	state = client.state;
	disconnect(&client);
	return state;
}

#define GET(target) "GET " target " HTTP/1.1\r\nHost: a.test\r\n\r\n"
#define OK(body, length) "HTTP/1.1 200 OK\r\nContent-Length: " length "\r\n\r\n" body

/* With a worker's cache: from the second time on it knows what is small. */
static UNUSED enum replay_state expect_bytes(const char *path,
					     const struct matcher_options *options,
					     const char *asked, struct slice expected)
{
	static const size_t steps[] = { SIZE_MAX, 1, 7 };
	struct answer_cache *cache = answer_cache_new(64);
	enum replay_state state = REPLAY_IDLE;

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		struct slice bytes = slice_from_string(asked);
		struct buffer said;

		buffer_init(&said, OUT_MAX);
		state = converse(path, options, cache, bytes,
				 steps[i] < bytes.size ? steps[i] : bytes.size, &said);
		if (!slice_equal(buffer_slice(&said), expected))
			fail_msg("asked\n%s\nexpected\n%.*s\ngot\n%.*s", asked, (int)expected.size,
				 (const char *)expected.data, (int)said.size,
				 (const char *)said.data);
		buffer_release(&said);
	}
	answer_cache_free(cache);
	return state;
}

static UNUSED enum replay_state expect_said(const char *path, const char *asked,
					    const char *expected)
{
	return expect_bytes(path, &last, asked, slice_from_string(expected));
}

/* The answer begins with this, and holds that. */
static UNUSED enum replay_state expect_part(const char *path, const struct matcher_options *options,
					    const char *asked, const char *begins,
					    const char *holds)
{
	enum replay_state state;
	struct buffer said;

	buffer_init(&said, OUT_MAX);
	state = converse(path, options, NULL, slice_from_string(asked), strlen(asked), &said);
	if (!slice_starts_with(buffer_slice(&said), slice_from_string(begins)) ||
	    !memmem(said.data, said.size, holds, strlen(holds)))
		fail_msg("asked\n%s\ngot\n%.*s", asked, (int)said.size, (const char *)said.data);
	buffer_release(&said);
	return state;
}

static UNUSED void record_one(struct folder *folder, const char *asked, const char *answered)
{
	struct talk talk;

	talk_begin(&talk);
	say(&talk, SIDE_CLIENT, asked);
	say(&talk, SIDE_SERVER, answered);
	say(&talk, SIDE_SERVER, "");
	talk_end(&talk);
	*folder = talk.folder;
}

#endif
