/* SPDX-License-Identifier: Apache-2.0 */
/* WebSockets, tunnels and paced streams replayed: what the replayer says to clients, however their bytes are cut. */
#include "store/schema.h"
#include "tests/unit/http_replay.h"

/* The key and its answer are those of RFC 6455, section 1.3. */
#define ASKED                                                                                 \
	"GET /chat HTTP/1.1\r\nHost: a.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" \
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Extensions: "           \
	"x-unknown\r\n\r\n"
#define ACCEPTED                                                                            \
	"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" \
	"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"

/* A conversation: frames of one side after the other. */
struct frames {
	struct buffer bytes[2]; /* by enum side, all of them */
	struct talk *talk;	/* where they are recorded; NULL: nowhere */
};

static void frames_init(struct frames *frames, struct talk *talk)
{
	frames->talk = talk;
	for (size_t i = 0; i < ARRAY_SIZE(frames->bytes); i++)
		buffer_init(&frames->bytes[i], OUT_MAX);
	buffer_append_string(&frames->bytes[SIDE_CLIENT], ASKED);
	buffer_append_string(&frames->bytes[SIDE_SERVER], ACCEPTED);
}

static void frames_release(struct frames *frames)
{
	buffer_release(&frames->bytes[SIDE_CLIENT]);
	buffer_release(&frames->bytes[SIDE_SERVER]);
}

static void frame(struct frames *frames, enum side side, uint8_t first, struct slice payload)
{
	struct buffer *bytes = &frames->bytes[side];
	size_t start = bytes->size;

	append_frame(bytes, side, first, payload);
	if (frames->talk)
		say_bytes(frames->talk, side, slice_of(bytes->data + start, bytes->size - start));
}

static void begin(struct talk *talk, struct frames *frames)
{
	talk_begin(talk);
	say(talk, SIDE_CLIENT,
	    "GET /chat HTTP/1.1\r\nHost: a.test\r\nUpgrade: websocket\r\n"
	    "Connection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n");
	say(talk, SIDE_SERVER,
	    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	    "Sec-WebSocket-Accept: ICX+Yqv66kxgM0FcWaLWlFLwTAI=\r\n\r\n");
	frames_init(frames, talk);
}

/* Asks it in steps of several sizes: the same is said each time. */
static enum replay_state expect_frames(const struct talk *talk, const struct frames *frames)
{
	static const size_t steps[] = { SIZE_MAX, 1, 7 };
	struct slice asked = buffer_slice(&frames->bytes[SIDE_CLIENT]);
	enum replay_state state = REPLAY_IDLE;

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		struct buffer said;

		buffer_init(&said, OUT_MAX);
		state = converse(talk->folder.file, &last, NULL, asked,
				 steps[i] < asked.size ? steps[i] : asked.size, &said);
		if (!slice_equal(buffer_slice(&said), buffer_slice(&frames->bytes[SIDE_SERVER])))
			fail_msg("in steps of %zu it said\n%.*s", steps[i], (int)said.size,
				 (const char *)said.data);
		buffer_release(&said);
	}
	return state;
}

static void test_messages(void **unused)
{
	struct frames recorded, frames;
	struct talk talk;
	(void)unused;

	begin(&talk, &recorded);
	frame(&recorded, SIDE_SERVER, FIN | WS_TEXT, SLICE("welcome"));
	frame(&recorded, SIDE_CLIENT, FIN | WS_TEXT, SLICE("{\"a\": 1, \"b\": 2}"));
	frame(&recorded, SIDE_SERVER, FIN | WS_TEXT, SLICE(""));
	frame(&recorded, SIDE_SERVER, FIN | WS_PING, SLICE("p"));
	frame(&recorded, SIDE_CLIENT, FIN | WS_PONG, SLICE("p"));
	frame(&recorded, SIDE_CLIENT, FIN | WS_BINARY, SLICE("\x00\xff"));
	frame(&recorded, SIDE_SERVER, FIN | WS_BINARY, SLICE("\x01"));
	frame(&recorded, SIDE_CLIENT, FIN | WS_CLOSE, SLICE("\x03\xe8"));
	frame(&recorded, SIDE_SERVER, FIN | WS_CLOSE, SLICE("\x03\xe8gone"));
	talk_end(&talk);

	/* The client says it in other words, in fragments, and pings on its own. */
	frames_init(&frames, NULL);
	frame(&frames, SIDE_SERVER, FIN | WS_TEXT, SLICE("welcome"));
	frame(&frames, SIDE_CLIENT, FIN | WS_PING, SLICE("mine"));
	frame(&frames, SIDE_SERVER, FIN | WS_PONG, SLICE("mine"));
	frame(&frames, SIDE_CLIENT, WS_TEXT, SLICE("{\"b\":2,"));
	frame(&frames, SIDE_CLIENT, FIN, SLICE("\"a\":1}"));
	frame(&frames, SIDE_SERVER, FIN | WS_TEXT, SLICE(""));
	frame(&frames, SIDE_SERVER, FIN | WS_PING, SLICE("p"));
	frame(&frames, SIDE_CLIENT, FIN | WS_BINARY, SLICE("\x00\xff"));
	frame(&frames, SIDE_SERVER, FIN | WS_BINARY, SLICE("\x01"));
	frame(&frames, SIDE_CLIENT, FIN | WS_CLOSE, SLICE("\x03\xe8"));
	frame(&frames, SIDE_SERVER, FIN | WS_CLOSE, SLICE("\x03\xe8gone"));
	assert_int_equal(expect_frames(&talk, &frames), REPLAY_CLOSE);
	frames_release(&frames);

	/* It goes early: the recorded close comes all the same. */
	frames_init(&frames, NULL);
	frame(&frames, SIDE_SERVER, FIN | WS_TEXT, SLICE("welcome"));
	frame(&frames, SIDE_CLIENT, FIN | WS_CLOSE, SLICE("\x03\xe9"));
	frame(&frames, SIDE_SERVER, FIN | WS_CLOSE, SLICE("\x03\xe8gone"));
	assert_int_equal(expect_frames(&talk, &frames), REPLAY_CLOSE);
	frames_release(&frames);
	frames_release(&recorded);
	folder_remove(&talk.folder);
}

static void expect_miss(const struct talk *talk, uint8_t first, struct slice asked,
			struct slice reason)
{
	struct frames frames;

	frames_init(&frames, NULL);
	frame(&frames, SIDE_CLIENT, first, asked);
	frame(&frames, SIDE_SERVER, FIN | WS_CLOSE, reason);
	frame(&frames, SIDE_CLIENT, FIN | WS_TEXT, SLICE("not heard any more"));
	assert_int_equal(expect_frames(talk, &frames), REPLAY_IDLE);
	frame(&frames, SIDE_CLIENT, FIN | WS_CLOSE, SLICE(""));
	assert_int_equal(expect_frames(talk, &frames), REPLAY_CLOSE);
	frames_release(&frames);
}

static void test_misses(void **unused)
{
	struct matcher_summary summary;
	struct frames recorded;
	struct client client;
	struct talk talk;
	(void)unused;

	begin(&talk, &recorded);
	frame(&recorded, SIDE_CLIENT, FIN | WS_TEXT, SLICE("{\"n\": 9007199254740993}"));
	frame(&recorded, SIDE_SERVER, FIN | WS_TEXT, SLICE("never said"));
	talk_end(&talk);
	expect_miss(&talk, FIN | WS_TEXT, SLICE("{\"n\": 9007199254740992}"),
		    SLICE("\x03\xf3mockproxy: message 1: recorded \"{\"n\": 9007199254740993}\", "
			  "asked \"{\"n\": 9007199254740992}\""));
	expect_miss(&talk, FIN | WS_BINARY, SLICE("{\"n\": 9007199254740993}"),
		    SLICE("\x03\xf3mockproxy: message 1: recorded \"{\"n\": 9007199254740993}\", "
			  "asked 23 bytes"));

	recorded.talk = NULL;
	connect_to(&client, talk.folder.file, &last, "127.0.0.1", 80);
	frame(&recorded, SIDE_CLIENT, FIN | WS_TEXT, SLICE("more than was recorded"));
	request(&client, buffer_slice(&recorded.bytes[SIDE_CLIENT]));
	assert_non_null(
		memmem(client.said.data, client.said.size, "message 3: recorded nothing more", 32));
	summary = summary_of(&client.replay);
	assert_int_equal(summary.missed, 1);
	disconnect(&client);
	frames_release(&recorded);
	folder_remove(&talk.folder);
}

enum ending { SERVER_ENDS, SERVER_RESETS, CLIENT_ENDS, N_ENDINGS };

/* Who ended it without a word is who does so again, behind the last message. */
static void test_ends(void **unused)
{
	static const enum replay_state ends[] = { REPLAY_CLOSE, REPLAY_RESET, REPLAY_IDLE };
	(void)unused;

	for (enum ending ending = 0; ending < N_ENDINGS; ending++) {
		enum side side = ending == CLIENT_ENDS ? SIDE_CLIENT : SIDE_SERVER;
		struct frames frames;
		struct talk talk;

		begin(&talk, &frames);
		frame(&frames, SIDE_SERVER, FIN | WS_TEXT, SLICE("welcome"));
		frame(&frames, SIDE_CLIENT, FIN | WS_TEXT, SLICE("hi"));
		if (ending == SERVER_RESETS) {
			http_recorder_broken(talk.recorder, side);
		} else {
			say(&talk, side, "");
			say(&talk, side == SIDE_CLIENT ? SIDE_SERVER : SIDE_CLIENT, "");
		}
		talk_end(&talk);
		assert_int_equal(expect_frames(&talk, &frames), ends[ending]);
		frames_release(&frames);
		folder_remove(&talk.folder);
	}
}

/* Bytes that are no WebSocket's end it, with the protocol's own word. */
static void test_broken(void **unused)
{
	struct frames recorded, frames;
	struct talk talk;
	(void)unused;

	begin(&talk, &recorded);
	frame(&recorded, SIDE_SERVER, FIN | WS_TEXT, SLICE("welcome"));
	talk_end(&talk);
	frames_init(&frames, NULL);
	frame(&frames, SIDE_SERVER, FIN | WS_TEXT, SLICE("welcome"));
	buffer_append_slice(&frames.bytes[SIDE_CLIENT], SLICE("\x81\x01x"));
	frame(&frames, SIDE_SERVER, FIN | WS_CLOSE,
	      SLICE("\x03\xea"
		    "a WebSocket client that does not mask"));
	assert_int_equal(expect_frames(&talk, &frames), REPLAY_CLOSE);
	frames_release(&frames);
	frames_release(&recorded);
	folder_remove(&talk.folder);
}

/* Above what a row holds: said from its parts, and compared by digest. */
static void test_large(void **unused)
{
	size_t size = 3 * SCHEMA_VALUE_MAX + 5;
	char *body = malloc(size);
	struct frames recorded, frames;
	struct talk talk;
	(void)unused;

	assert_non_null(body);
	for (size_t i = 0; i < size; i++)
		body[i] = (char)('a' + i % 23);
	begin(&talk, &recorded);
	frame(&recorded, SIDE_CLIENT, FIN | WS_TEXT, slice_of(body, size));
	frame(&recorded, SIDE_SERVER, FIN | WS_TEXT, slice_of(body, size));
	frame(&recorded, SIDE_SERVER, FIN | WS_TEXT, SLICE("that was it"));
	talk_end(&talk);
	recorded.talk = NULL;
	assert_int_equal(expect_frames(&talk, &recorded), REPLAY_IDLE);
	frames_init(&frames, NULL);
	body[size / 2] = '!';
	frame(&frames, SIDE_CLIENT, FIN | WS_TEXT, slice_of(body, size));
	frame(&frames, SIDE_SERVER, FIN | WS_CLOSE,
	      SLICE("\x03\xf3mockproxy: message 1: recorded 786437 bytes, asked 786437 bytes"));
	assert_int_equal(expect_frames(&talk, &frames), REPLAY_IDLE);
	frames_release(&frames);
	frames_release(&recorded);
	folder_remove(&talk.folder);
	free(body);
}

/* A request for no WebSocket is not answered with one. */
static void test_not_asked(void **unused)
{
	struct frames recorded;
	struct buffer said;
	struct talk talk;
	(void)unused;

	begin(&talk, &recorded);
	talk_end(&talk);
	buffer_init(&said, OUT_MAX);
	converse(talk.folder.file, &last, NULL, SLICE("GET /chat HTTP/1.1\r\nHost: a.test\r\n\r\n"),
		 200, &said);
	assert_true(slice_starts_with(buffer_slice(&said), SLICE("HTTP/1.1 598 ")));
	buffer_release(&said);
	frames_release(&recorded);
	folder_remove(&talk.folder);
}

/* ---- tunnels ---- */

static void test_tunnel(void **unused)
{
	static const char connect[] = "CONNECT db.test:5432 HTTP/1.1\r\nHost: db.test:5432\r\n\r\n";
	static const char granted[] = "HTTP/1.0 200 Connection established\r\n\r\n";
	struct slice host, unread;
	struct client client;
	struct talk talk;
	uint16_t port;
	(void)unused;

	talk_begin(&talk);
	say(&talk, SIDE_CLIENT, connect);
	say(&talk, SIDE_SERVER, granted);
	assert_true(http_protocol.recorder_tunnel(talk.recorder, &host, &port));
	assert_true(slice_equal(host, SLICE("db.test")) && port == 5432);
	talk_end(&talk);
	connect_to(&client, talk.folder.file, &last, "127.0.0.1", 80);
	request(&client, slice_from_string(connect));
	assert_int_equal(client.state, REPLAY_TUNNEL);
	assert_true(slice_equal(buffer_slice(&client.said), slice_from_string(granted)));
	assert_true(http_protocol.replayer_tunnel(client.replayer, &host, &port, &unread));
	assert_true(slice_equal(host, SLICE("db.test")) && port == 5432 && !unread.size);
	disconnect(&client);
	folder_remove(&talk.folder);
}

/* ---- streams ---- */

/* Goes on behind each pause: what was said, and how long the pauses are together. */
static int64_t play_paced(const char *path, bool paced, struct buffer *said)
{
	const char *why = NULL;
	struct client client;
	int64_t waited = 0;

	connect_to(&client, path, &last, "127.0.0.1", 80);
	client.replay.answers->paced = paced;
	assert_int_equal(http_protocol.replayer_feed(
				 client.replayer,
				 SLICE("GET /events HTTP/1.1\r\nHost: a.test\r\n\r\n"), &why),
			 0);
	do {
		client.state = http_protocol.replayer_fill(client.replayer, said);
		if (client.state == REPLAY_WAIT) {
			waited += http_protocol.replayer_wait(client.replayer);
			buffer_append_string(said, "|");
		}
	} while (client.state == REPLAY_WAIT || client.state == REPLAY_MORE);
	disconnect(&client);
	return waited;
}

static void test_paced(void **unused)
{
	static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
				   "Transfer-Encoding: chunked\r\n\r\n";
	const char *why = NULL;
	struct buffer said;
	struct talk talk;
	(void)unused;

	talk_begin(&talk);
	say(&talk, SIDE_CLIENT, "GET /events HTTP/1.1\r\nHost: a.test\r\n\r\n");
	say(&talk, SIDE_SERVER, head);
	say(&talk, SIDE_SERVER, "12\r\ndata: 1\n\ndata: 2\n\n\r\n");
	assert_int_equal(http_recorder_see(talk.recorder, SIDE_SERVER,
					   SLICE("9\r\ndata: 3\n\n\r\n0\r\n\r\n"), 4000000000,
					   &talk.items, &why),
			 0);
	writer_push(talk.writer, &talk.items);
	talk_end(&talk);
	buffer_init(&said, OUT_MAX);
	assert_int_equal(play_paced(talk.folder.file, true, &said), 3000000000);
	assert_true(
		slice_equal(slice_of(said.data + sizeof(head) - 1, said.size - sizeof(head) + 1),
			    SLICE("9\r\ndata: 1\n\n\r\n9\r\ndata: 2\n\n\r\n|9\r\ndata: 3\n\n\r\n"
				  "0\r\n\r\n")));
	buffer_clear(&said);
	assert_int_equal(play_paced(talk.folder.file, false, &said), 0);
	assert_null(memchr(said.data, '|', said.size));
	buffer_release(&said);
	folder_remove(&talk.folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages), cmocka_unit_test(test_misses),
		cmocka_unit_test(test_broken),	 cmocka_unit_test(test_ends),
		cmocka_unit_test(test_large),	 cmocka_unit_test(test_not_asked),
		cmocka_unit_test(test_tunnel),	 cmocka_unit_test(test_paced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
