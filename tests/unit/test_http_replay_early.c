/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests that were answered before all of their bodies had come, replayed: at the same place, to who sends the same up to
 * there.
 */
#include "tests/unit/http_replay.h"

#define PUT(length, body)                                                   \
	"PUT /u HTTP/1.1\r\nHost: a.test\r\nContent-Length: " length "\r\n" \
	"Expect: 100-continue\r\n\r\n" body
#define CONTINUE "HTTP/1.1 100 Continue\r\n\r\n"

/* What was answered before its body came is so again, when all of the head is the same. */
static void test_early(void **unused)
{
	static const char no[] = "HTTP/1.1 417 No\r\nContent-Length: 3\r\n\r\nno!";
	struct folder folder;
	struct talk talk;
	(void)unused;

	record_one(&folder, PUT("4", ""), no);
	expect_said(folder.file, PUT("4", "body"), no);
	expect_part(folder.file, &last, PUT("5", "other"), CONTINUE "HTTP/1.1 599 ", "unsent");
	expect_part(folder.file, &last, "PUT /u HTTP/1.1\r\nHost: a.test\r\n\r\n", "HTTP/1.1 599 ",
		    "unsent");
	folder_remove(&folder);
	/* Where the body came once, that is the better answer. */
	talk_begin(&talk);
	say(&talk, SIDE_CLIENT, PUT("4", "body"));
	say(&talk, SIDE_SERVER, OK("yes", "3"));
	say(&talk, SIDE_CLIENT, PUT("4", ""));
	say(&talk, SIDE_SERVER, no);
	talk_end(&talk);
	expect_part(talk.folder.file, &last, PUT("4", "body"), CONTINUE "HTTP/1.1 200 OK", "yes");
	expect_part(talk.folder.file, &last, PUT("4", "else"), CONTINUE "HTTP/1.1 417 No", "no!");
	folder_remove(&talk.folder);
	/* The server has said 100, and then no. */
	record_one(&folder, PUT("4", ""), CONTINUE "HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n");
	expect_said(folder.file, PUT("4", "body"), "HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n");
	folder_remove(&folder);
}

#define CHUNKED(body) "POST /u HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n" body

/* What was answered when a part of the body had come is so again, at that part, when the part is the same. */
static void test_early_front(void **unused)
{
	static const char no[] = "HTTP/1.1 413 No\r\nContent-Length: 3\r\n\r\nno!";
	static const char close[] = "HTTP/1.1 400 No\r\nConnection: close\r\n"
				    "Content-Length: 0\r\n\r\n";
	struct folder folder;
	(void)unused;

	record_one(&folder, PUT("4", "bo"), no);
	expect_said(folder.file, PUT("4", "bo"),
		    CONTINUE "HTTP/1.1 413 No\r\nContent-Length: 3"
			     "\r\n\r\nno!");
	/* What still comes is thrown away, and the connection goes on. */
	expect_part(folder.file, &last, PUT("4", "body") GET("/x"), CONTINUE "HTTP/1.1 413 No",
		    "no!HTTP/1.1 599 ");
	expect_part(folder.file, &last, PUT("4", "bxdy") GET("/x"), CONTINUE "HTTP/1.1 599 ",
		    "unsent");
	expect_part(folder.file, &last, PUT("5", "body!"), CONTINUE "HTTP/1.1 599 ", "unsent");
	edit(folder.file, "UPDATE http_request SET body = 'bx'");
	expect_part(folder.file, &last, PUT("4", "bxdy"), CONTINUE "HTTP/1.1 413 No", "no!");
	folder_remove(&folder);
	record_one(&folder, CHUNKED("3\r\nabc\r\n4\r\nd"), close);
	assert_int_equal(expect_said(folder.file, CHUNKED("5\r\nabcde\r\n0\r\n\r\n"), close),
			 REPLAY_CLOSE);
	expect_part(folder.file, &last, CHUNKED("3\r\nabc\r\n0\r\n\r\n"), "HTTP/1.1 599 ", "");
	folder_remove(&folder);
	/* Chunks that are none: nothing is said twice. */
	record_one(&folder, CHUNKED("3\r\nabc\r\n"), no);
	assert_int_equal(expect_said(folder.file, CHUNKED("3\r\nabc\r\nx\r\n"), no), REPLAY_CLOSE);
	folder_remove(&folder);
}

static void talk_early(struct talk *talk, uint64_t connection, const char *asked,
		       const char *answered)
{
	struct recorder *first = talk->recorder;

	if (connection > 1) {
		push(talk->writer, make_open(connection, "127.0.0.1", 80));
		talk->recorder = http_recorder_new(connection);
	}
	say(talk, SIDE_CLIENT, asked);
	say(talk, SIDE_SERVER, answered);
	if (connection == 1)
		return;
	http_recorder_end(talk->recorder, 2000000000, &talk->items);
	writer_push(talk->writer, &talk->items);
	http_recorder_free(talk->recorder);
	push(talk->writer, make_close(connection));
	talk->recorder = first;
}

/* Several answers: in the order in which they were recorded, however much had come when they were said. */
static void test_early_order(void **unused)
{
	static const char one[] = "HTTP/1.1 503 One\r\nContent-Length: 0\r\n\r\n";
	static const char two[] = "HTTP/1.1 413 Two\r\nContent-Length: 0\r\n\r\n";
	struct talk talk;
	(void)unused;

	talk_begin(&talk);
	talk_early(&talk, 2, PUT("4", "bod"), one);
	talk_early(&talk, 3, PUT("4", "b"), two);
	talk_end(&talk);
	expect_said(talk.folder.file, PUT("4", "body") PUT("4", "body"),
		    CONTINUE "HTTP/1.1 503 One\r\nContent-Length: 0\r\n\r\n" CONTINUE
			     "HTTP/1.1 413 Two\r\nContent-Length: 0\r\n\r\n");
	folder_remove(&talk.folder);
	/* Where a body came whole once, it is known at its end which answer is meant. */
	talk_begin(&talk);
	talk_early(&talk, 2, PUT("4", "bo"), one);
	talk_early(&talk, 1, PUT("4", "body"), OK("yes", "3"));
	talk_end(&talk);
	expect_said(talk.folder.file, PUT("4", "bo"), CONTINUE);
	expect_said(talk.folder.file, PUT("4", "body"), CONTINUE OK("yes", "3"));
	expect_said(talk.folder.file, PUT("4", "boat"),
		    CONTINUE "HTTP/1.1 503 One\r\nContent-Length: 0\r\n\r\n");
	folder_remove(&talk.folder);
}

/* A front that is larger than what is held in memory. */
static void test_early_large(void **unused)
{
	static const char head[] = "PUT /a HTTP/1.1\r\nHost: a.test\r\n"
				   "Content-Length: 3000000\r\n\r\n";
	static const char no[] = "HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n";
	struct buffer asked, said;
	struct talk talk;
	(void)unused;

	buffer_init(&asked, OUT_MAX);
	buffer_init(&said, OUT_MAX);
	buffer_append_string(&asked, head);
	for (size_t i = 0; i < 3000000; i++)
		buffer_append_u8(&asked, (uint8_t)(i * 7 / 3));
	talk_begin(&talk);
	say_bytes(&talk, SIDE_CLIENT, slice_of(asked.data, sizeof(head) - 1 + 1500000));
	say(&talk, SIDE_SERVER, no);
	talk_end(&talk);
	converse(talk.folder.file, &last, NULL, buffer_slice(&asked), 5000, &said);
	assert_true(slice_equal(buffer_slice(&said), slice_from_string(no)));
	buffer_clear(&said);
	asked.data[sizeof(head) + 1400000]++;
	converse(talk.folder.file, &last, NULL, buffer_slice(&asked), 5000, &said);
	assert_true(slice_starts_with(buffer_slice(&said), SLICE("HTTP/1.1 599 ")));
	folder_remove(&talk.folder);
	buffer_release(&asked);
	buffer_release(&said);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_early),
		cmocka_unit_test(test_early_front),
		cmocka_unit_test(test_early_order),
		cmocka_unit_test(test_early_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
