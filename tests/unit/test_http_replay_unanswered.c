/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to which nothing was said: silence, and connections that end in place of an answer. */
#include "tests/unit/http_replay.h"

/* A client that gave up waiting waits in vain again, and what it asked before is not its second answer. */
static void test_unanswered(void **unused)
{
	struct client client;
	struct talk talk;
	(void)unused;

	talk_begin(&talk);
	say(&talk, SIDE_CLIENT, GET("/a"));
	talk_end(&talk);
	assert_int_equal(expect_said(talk.folder.file, GET("/a") GET("/b"), ""), REPLAY_IDLE);
	folder_remove(&talk.folder);
	talk_begin(&talk);
	say(&talk, SIDE_CLIENT, GET("/a"));
	say(&talk, SIDE_SERVER, "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n");
	talk_end(&talk);
	assert_int_equal(expect_said(talk.folder.file, GET("/a"),
				     "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"),
			 REPLAY_IDLE);
	folder_remove(&talk.folder);
	/* What is not read is not silence. */
	talk_begin(&talk);
	say(&talk, SIDE_CLIENT, GET("/a"));
	say_wrong(&talk, SIDE_SERVER, "HTTP/1.1 200 OK\r\nContent-Length: 0\n\n");
	talk_end(&talk);
	expect_part(talk.folder.file, &last, GET("/a"), "HTTP/1.1 599 ", "read in two ways");
	folder_remove(&talk.folder);
	/* A timeout; the same again with an answer; and one that was under way at the end, which is not the last answer. */
	talk_begin(&talk);
	say(&talk, SIDE_CLIENT, GET("/a"));
	say(&talk, SIDE_CLIENT, "");
	say(&talk, SIDE_SERVER, "");
	talk_next(&talk);
	say(&talk, SIDE_CLIENT, GET("/a"));
	say(&talk, SIDE_SERVER, OK("one", "3"));
	say(&talk, SIDE_CLIENT, GET("/a"));
	talk_end(&talk);
	connect_to(&client, talk.folder.file, &last, "127.0.0.1", 80);
	request(&client, SLICE(GET("/a")));
	assert_slice(buffer_slice(&client.said), "");
	reconnect(&client);
	request(&client, SLICE(GET("/a") GET("/a")));
	assert_slice(buffer_slice(&client.said), OK("one", "3") OK("one", "3"));
	disconnect(&client);
	folder_remove(&talk.folder);
}

/*
 * A client that gave up by ending the connection, and was gone when the answer came: that is no answer. One that only ended its
 * sending side reads it.
 */
static void test_answered_too_late(void **unused)
{
	static const char *const answers[] = {
		OK("one", "3"),
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n",
		"HTTP/1.1 200 OK\r\n\r\none",
	};
	struct talk talk;
	(void)unused;

	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		talk_begin(&talk);
		say(&talk, SIDE_CLIENT,
		    "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx");
		say(&talk, SIDE_CLIENT, "");
		say(&talk, SIDE_SERVER, answers[i]);
		http_recorder_broken(talk.recorder, SIDE_CLIENT);
		talk_end(&talk);
		assert_sql(talk.folder.file, "SELECT flags FROM flagged", "unfinished cut");
		assert_sql(talk.folder.file, "SELECT request_body FROM http WHERE status IS NULL",
			   "x");
		assert_int_equal(
			expect_said(talk.folder.file,
				    "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx",
				    ""),
			REPLAY_IDLE);
		folder_remove(&talk.folder);
	}
	talk_begin(&talk);
	say(&talk, SIDE_CLIENT, GET("/a") GET("/b"));
	say(&talk, SIDE_CLIENT, "");
	say(&talk, SIDE_SERVER, OK("one", "3") OK("two", "3"));
	say(&talk, SIDE_SERVER, "");
	talk_end(&talk);
	assert_sql(talk.folder.file, "SELECT count(*) FROM flagged", "0");
	assert_int_equal(
		expect_said(talk.folder.file, GET("/a") GET("/b"), OK("one", "3") OK("two", "3")),
		REPLAY_IDLE);
	folder_remove(&talk.folder);
}

/* A server that ends the connection in place of an answer does it again; not where the client asked again for that. */
static void test_hung_up(void **unused)
{
	struct talk talk;
	(void)unused;

	talk_begin(&talk);
	say(&talk, SIDE_CLIENT, GET("/a"));
	say(&talk, SIDE_SERVER, "");
	talk_end(&talk);
	assert_int_equal(expect_said(talk.folder.file, GET("/a"), ""), REPLAY_CLOSE);
	folder_remove(&talk.folder);
	talk_begin(&talk);
	say(&talk, SIDE_CLIENT, GET("/b"));
	say(&talk, SIDE_SERVER, OK("", "0"));
	say(&talk, SIDE_CLIENT, GET("/a"));
	http_recorder_broken(talk.recorder, SIDE_SERVER);
	talk_end(&talk);
	assert_int_equal(expect_said(talk.folder.file, GET("/a"), ""), REPLAY_RESET);
	folder_remove(&talk.folder);
	talk_begin(&talk);
	say(&talk, SIDE_CLIENT, GET("/b"));
	say(&talk, SIDE_SERVER, OK("", "0"));
	say(&talk, SIDE_CLIENT, GET("/a"));
	say(&talk, SIDE_SERVER, "");
	talk_next(&talk);
	say(&talk, SIDE_CLIENT, GET("/a"));
	say(&talk, SIDE_SERVER, OK("one", "3"));
	talk_end(&talk);
	assert_int_equal(expect_said(talk.folder.file, GET("/a"), OK("one", "3")), REPLAY_IDLE);
	folder_remove(&talk.folder);
}

/* What was sent ahead of an answer that said to be the last one is asked again, whichever side ended first. */
static void test_behind_the_last(void **unused)
{
	static const char *const last_answers[] = {
		"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nb",
		"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nb",
	};
	static const enum side ends[][2] = {
		{ SIDE_CLIENT, SIDE_SERVER },
		{ SIDE_SERVER, SIDE_CLIENT },
	};
	struct talk talk;
	(void)unused;

	for (size_t i = 0; i < ARRAY_SIZE(last_answers); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(ends); j++) {
			talk_begin(&talk);
			say(&talk, SIDE_CLIENT, GET("/b") GET("/a"));
			say(&talk, SIDE_SERVER, last_answers[i]);
			say(&talk, ends[j][0], "");
			say(&talk, ends[j][1], "");
			talk_next(&talk);
			say(&talk, SIDE_CLIENT, GET("/a"));
			say(&talk, SIDE_SERVER, OK("one", "3"));
			talk_end(&talk);
			assert_sql(talk.folder.file, "SELECT flags FROM flagged",
				   "unfinished cut by-the-server");
			assert_int_equal(expect_said(talk.folder.file, GET("/a"), OK("one", "3")),
					 REPLAY_IDLE);
			folder_remove(&talk.folder);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unanswered),
		cmocka_unit_test(test_answered_too_late),
		cmocka_unit_test(test_hung_up),
		cmocka_unit_test(test_behind_the_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
