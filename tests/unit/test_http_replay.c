/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP replayed: conversations that the recorder and the writer made a file of, and what the replayer says to clients that
 * ask it of the matcher. Each is asked whole and byte by byte, and must come out the same.
 */
#include "store/schema.h"
#include "tests/unit/http_replay.h"

#define GZIP_HELLO                                                                                 \
	"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\x48\xcd\xc9\xc9\x07\x00\x86\xa6\x10\x36\x05" \
	"\x00\x00\x00"

/* ---- framing ---- */

static void test_pipelined(void **unused)
{
	struct folder folder;
	(void)unused;

	record_one(&folder, GET("/a") GET("/b") "HEAD /a HTTP/1.1\r\nHost: a.test\r\n\r\n",
		   OK("one", "3") OK("two", "3") OK("", "3"));
	expect_said(folder.file, "HEAD /a HTTP/1.1\r\nHost: a.test\r\n\r\n" GET("/b") GET("/a"),
		    OK("", "3") OK("two", "3") OK("one", "3"));
	folder_remove(&folder);
}

static void test_no_body(void **unused)
{
	struct folder folder;
	(void)unused;

	record_one(&folder, GET("/a") GET("/b"),
		   "HTTP/1.1 204 No Content\r\nX: 1\r\n\r\n"
		   "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n");
	assert_int_equal(expect_said(folder.file, GET("/a") GET("/b"),
				     "HTTP/1.1 204 No Content\r\nX: 1\r\n\r\n"
				     "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n"),
			 REPLAY_IDLE);
	folder_remove(&folder);
}

/* Chunks are taken for what they are, and given to whom can read them. */
static void test_chunked(void **unused)
{
	static const char asked[] = "POST /a HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: "
				    "chunked\r\n\r\n2;x=\"y\"\r\nhi\r\n0\r\nX-Sum: 1\r\n\r\n";
	struct folder folder;
	(void)unused;

	record_one(&folder, asked,
		   "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n"
		   "3\r\none\r\n4\r\ntwo.\r\n0\r\nX-T: 7\r\n\r\n");
	expect_said(folder.file, asked,
		    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n"
		    "7\r\nonetwo.\r\n0\r\nX-T: 7\r\n\r\n");
	expect_said(folder.file, "POST /a HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n\r\nhi",
		    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n"
		    "7\r\nonetwo.\r\n0\r\nX-T: 7\r\n\r\n");
	assert_int_equal(
		expect_said(folder.file,
			    "POST /a HTTP/1.0\r\nHost: a.test\r\nContent-Length: 2\r\n\r\nhi",
			    "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\n"
			    "onetwo."),
		REPLAY_CLOSE);
	folder_remove(&folder);
}

static void test_connections(void **unused)
{
	struct folder folder;
	(void)unused;

	record_one(&folder, GET("/a") GET("/b"),
		   OK("one", "3") "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\ntill the end");
	assert_int_equal(expect_said(folder.file,
				     "GET /a HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n",
				     "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: "
				     "close\r\n\r\none"),
			 REPLAY_CLOSE);
	assert_int_equal(
		expect_said(folder.file,
			    "GET /a HTTP/1.0\r\nHost: a.test\r\nConnection: keep-alive\r\n\r\n",
			    "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: "
			    "keep-alive\r\n\r\none"),
		REPLAY_IDLE);
	assert_int_equal(expect_said(folder.file, GET("/b") GET("/a"),
				     "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\ntill the end"),
			 REPLAY_CLOSE);
	folder_remove(&folder);
}

static void test_interim(void **unused)
{
	static const char asked[] = "PUT /a HTTP/1.1\r\nHost: a.test\r\nExpect: "
				    "100-continue\r\nContent-Length: 2\r\n\r\n";
	struct client client;
	struct folder folder;
	(void)unused;

	record_one(&folder, "PUT /a HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n\r\nhi",
		   "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" OK("", "0"));
	connect_to(&client, folder.file, &last, "127.0.0.1", 80);
	request(&client, slice_from_string(asked));
	assert_slice(buffer_slice(&client.said), "HTTP/1.1 100 Continue\r\n\r\n");
	request(&client, SLICE("hi"));
	assert_slice(buffer_slice(&client.said),
		     "HTTP/1.1 100 Continue\r\n\r\n"
		     "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" OK("", "0"));
	disconnect(&client);
	/* HTTP/1.0 knows no responses before the final one. */
	expect_said(folder.file,
		    "PUT /a HTTP/1.0\r\nHost: a.test\r\nExpect: 100-continue\r\n"
		    "Content-Length: 2\r\n\r\nhi",
		    "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
	folder_remove(&folder);
}

/* What was cut is cut: its end is never made up. */
static void test_cut(void **unused)
{
	struct talk talk;
	(void)unused;

	talk_begin(&talk);
	say(&talk, SIDE_CLIENT, GET("/a"));
	say(&talk, SIDE_SERVER, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\none");
	talk_end(&talk);
	assert_int_equal(expect_said(talk.folder.file, GET("/a"),
				     "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\none"),
			 REPLAY_CLOSE);
	folder_remove(&talk.folder);
	talk_begin(&talk);
	say(&talk, SIDE_CLIENT, GET("/a"));
	say(&talk, SIDE_SERVER,
	    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n");
	talk_end(&talk);
	assert_int_equal(expect_said(talk.folder.file, GET("/a"),
				     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
				     "3\r\none\r\n"),
			 REPLAY_IDLE);
	folder_remove(&talk.folder);
	/* What the server would have said next nobody knows; that it did not end is what was seen. */
	talk_begin(&talk);
	say(&talk, SIDE_CLIENT, GET("/a"));
	say(&talk, SIDE_SERVER, "HTTP/1.1 200 OK\r\n\r\none");
	talk_end(&talk);
	assert_int_equal(
		expect_said(talk.folder.file, GET("/a") GET("/b"), "HTTP/1.1 200 OK\r\n\r\none"),
		REPLAY_IDLE);
	folder_remove(&talk.folder);
}

/* However the body was framed, a server that was cut off is again, and one that ended in order does. */
static void test_cut_by(void **unused)
{
	static const char *const answers[] = {
		"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\none",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n",
		"HTTP/1.1 200 OK\r\n\r\none",
		/* It came without warning: fetch() takes what comes behind "close" for all of the body. */
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n"
		"Keep-Alive: timeout=5\r\n\r\n3\r\none\r\n",
	};
	struct talk talk;
	(void)unused;

	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		talk_begin(&talk);
		say(&talk, SIDE_CLIENT, GET("/a"));
		say(&talk, SIDE_SERVER, answers[i]);
		say(&talk, SIDE_CLIENT, ""); /* it reads on */
		http_recorder_broken(talk.recorder, SIDE_SERVER);
		talk_end(&talk);
		assert_sql(talk.folder.file, "SELECT flags FROM flagged",
			   "unfinished cut reset-by-the-server");
		assert_int_equal(expect_said(talk.folder.file, GET("/a"), answers[i]),
				 REPLAY_RESET);
		folder_remove(&talk.folder);
		talk_begin(&talk);
		say(&talk, SIDE_CLIENT, GET("/a"));
		say(&talk, SIDE_SERVER, answers[i]);
		say(&talk, SIDE_SERVER, "");
		http_recorder_broken(talk.recorder, SIDE_CLIENT);
		talk_end(&talk);
		assert_int_equal(expect_said(talk.folder.file, GET("/a"), answers[i]),
				 REPLAY_CLOSE);
		folder_remove(&talk.folder);
		/* The client broke off: nobody knows what more would have come. */
		talk_begin(&talk);
		say(&talk, SIDE_CLIENT, GET("/a"));
		say(&talk, SIDE_SERVER, answers[i]);
		http_recorder_broken(talk.recorder, SIDE_CLIENT);
		http_recorder_broken(talk.recorder, SIDE_SERVER);
		talk_end(&talk);
		assert_sql(talk.folder.file, "SELECT flags FROM flagged", "unfinished cut");
		folder_remove(&talk.folder);
		if (i == 2) /* that it ended is all that says so: it may be whole */
			continue;
		/* The server ends since the client did. */
		talk_begin(&talk);
		say(&talk, SIDE_CLIENT, GET("/a"));
		say(&talk, SIDE_SERVER, answers[i]);
		say(&talk, SIDE_CLIENT, "");
		say(&talk, SIDE_SERVER, "");
		talk_end(&talk);
		assert_sql(talk.folder.file, "SELECT flags FROM flagged", "unfinished cut");
		folder_remove(&talk.folder);
	}
}

/* A server that ends lines with LF alone, all of them, is followed, and does it again. */
static void test_bare_lines(void **unused)
{
	static const char *const wrong[] = {
		"HTTP/1.1 200 OK\nA: b\r\nContent-Length: 0\n\n",
		"HTTP/1.1 200 OK\r\nA: b\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\nContent-Length: 0\n\r\n",
		"\nHTTP/1.1 200 OK\nContent-Length: 0\n\n",
		"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n0\n\n",
	};
	static const char first[] = "HTTP/1.1 200 OK\nSet-Cookie: a=b\nContent-Length: 3\n\na\r\n";
	struct talk talk;
	(void)unused;

	talk_begin(&talk);
	say(&talk, SIDE_CLIENT, GET("/a"));
	say(&talk, SIDE_SERVER, first);
	say(&talk, SIDE_CLIENT, GET("/b"));
	say(&talk, SIDE_SERVER, "HTTP/1.1 404 No\n");
	say(&talk, SIDE_SERVER, "Transfer-Encoding: chunked\n");
	say(&talk, SIDE_SERVER, "\n3\r\ntwo\r\n0\r\n\r\n");
	say(&talk, SIDE_CLIENT, GET("/c"));
	say(&talk, SIDE_SERVER, OK("three", "5"));
	talk_end(&talk);
	assert_sql(talk.folder.file, "SELECT count(*) FROM flagged", "0");
	assert_int_equal(expect_said(talk.folder.file, GET("/a"), first), REPLAY_IDLE);
	assert_int_equal(expect_said(talk.folder.file, GET("/b"),
				     "HTTP/1.1 404 No\nTransfer-Encoding: chunked\n\n"
				     "3\r\ntwo\r\n0\r\n\r\n"),
			 REPLAY_IDLE);
	assert_int_equal(expect_said(talk.folder.file, GET("/c"), OK("three", "5")), REPLAY_IDLE);
	folder_remove(&talk.folder);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		talk_begin(&talk);
		say(&talk, SIDE_CLIENT, GET("/a"));
		say_wrong(&talk, SIDE_SERVER, wrong[i]);
		talk_end(&talk);
		folder_remove(&talk.folder);
	}
}

/* ---- content codings ---- */

static void test_codings(void **unused)
{
	struct folder folder;
	struct talk talk;
	(void)unused;

	talk_begin(&talk);
	say(&talk, SIDE_CLIENT, "GET / HTTP/1.1\r\nHost: a.test\r\nAccept-Encoding: gzip\r\n\r\n");
	say(&talk, SIDE_SERVER,
	    "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 25\r\n\r\n");
	say_bytes(&talk, SIDE_SERVER, slice_of(GZIP_HELLO, sizeof(GZIP_HELLO) - 1));
	talk_end(&talk);
	folder = talk.folder;
	expect_bytes(
		folder.file, &last,
		"GET / HTTP/1.1\r\nHost: a.test\r\nAccept-Encoding: br;q=1, gzip;q=0.5\r\n\r\n",
		SLICE("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: "
		      "25\r\n\r\n" GZIP_HELLO));
	expect_said(folder.file, GET("/"), OK("hello", "5"));
	expect_said(folder.file,
		    "GET / HTTP/1.1\r\nHost: a.test\r\nAccept-Encoding: *, gzip;q=0\r\n\r\n",
		    OK("hello", "5"));
	edit(folder.file, "UPDATE http_response SET body = 'hullo'");
	expect_said(folder.file, GET("/"), OK("hullo", "5"));
	expect_part(folder.file, &last,
		    "GET / HTTP/1.1\r\nHost: a.test\r\nAccept-Encoding: gzip\r\n\r\n",
		    "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n", "\r\n\r\n\x1f\x8b");
	folder_remove(&folder);
}

/* A server that codes for everybody does so again. */
static void test_coded_unasked(void **unused)
{
	struct talk talk;
	(void)unused;

	talk_begin(&talk);
	say(&talk, SIDE_CLIENT, GET("/"));
	say(&talk, SIDE_SERVER,
	    "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 25\r\n\r\n");
	say_bytes(&talk, SIDE_SERVER, slice_of(GZIP_HELLO, sizeof(GZIP_HELLO) - 1));
	talk_end(&talk);
	expect_bytes(talk.folder.file, &last, GET("/"),
		     SLICE("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: "
			   "25\r\n\r\n" GZIP_HELLO));
	folder_remove(&talk.folder);
}

#define GET_CODED(minor, field) "GET / HTTP/1." minor "\r\nHost: a.test\r\n" field "\r\n\r\n"
#define CODED "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 25\r\n\r\n" GZIP_HELLO

/* Whatever was said before of the same exchange, each client gets what is true of it. */
static void test_forms(void **unused)
{
	struct talk talk;
	(void)unused;

	talk_begin(&talk);
	say(&talk, SIDE_CLIENT, GET_CODED("1", "Accept-Encoding: gzip"));
	say_bytes(&talk, SIDE_SERVER, SLICE(CODED));
	talk_end(&talk);
	expect_bytes(talk.folder.file, &last,
		     GET_CODED("1", "Accept-Encoding: gzip") GET("/")
			     GET_CODED("1", "Accept-Encoding:")
				     GET_CODED("0", "Connection: keep-alive")
					     GET_CODED("1", "Accept-Encoding: gzip")
						     GET_CODED("1", "Connection: close"),
		     SLICE(CODED OK("hello", "5")
				   OK("hello", "5") "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"
						    "Connection: keep-alive\r\n\r\nhello" CODED
						    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"
						    "Connection: close\r\n\r\nhello"));
	folder_remove(&talk.folder);
}

/* ---- which exchange answers ---- */

static void test_order(void **unused)
{
	static const struct matcher_options cycle = { .repeat = REPEAT_CYCLE };
	static const struct matcher_options none = { .repeat = REPEAT_ERROR };
	struct matcher_summary summary;
	struct client client;
	struct folder folder;
	(void)unused;

	record_one(&folder, GET("/a") GET("/a"), OK("one", "3") OK("two", "3"));
	expect_said(folder.file, GET("/a") GET("/a") GET("/a"),
		    OK("one", "3") OK("two", "3") OK("two", "3"));
	expect_bytes(folder.file, &cycle, GET("/a") GET("/a") GET("/a"),
		     SLICE(OK("one", "3") OK("two", "3") OK("one", "3")));
	expect_part(folder.file, &none, GET("/a") GET("/a") GET("/a"),
		    OK("one", "3") OK("two", "3"), "every recorded answer was given already");
	connect_to(&client, folder.file, &last, "127.0.0.1", 80);
	request(&client, SLICE(GET("/a") GET("/a") GET("/a") GET("/b")));
	summary = summary_of(&client.replay);
	assert_int_equal(summary.exact, 3);
	assert_int_equal(summary.repeated, 1);
	assert_int_equal(summary.missed, 1);
	assert_int_equal(summary.unused, 0);
	assert_string_equal(summary.misses[0].asked, "GET http://a.test/b");
	assert_string_equal(summary.misses[0].nearest, "GET http://a.test/a");
	assert_string_equal(summary.misses[0].difference, "path: recorded /a, asked /b");
	disconnect(&client);
	folder_remove(&folder);
}

/* One id twice is a wrong answer. */
static void test_created_once(void **unused)
{
	static const char asked[] =
		"POST /a HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1\r\n\r\nx";
	static const char created[] =
		"HTTP/1.1 201 Created\r\nLocation: /a/1\r\nContent-Length: 0\r\n\r\n";
	char twice[2 * sizeof(asked)];
	struct folder folder;
	(void)unused;

	record_one(&folder, asked, created);
	snprintf(twice, sizeof(twice), "%s%s", asked, asked);
	expect_part(folder.file, &last, twice, created, "HTTP/1.1 599 ");
	folder_remove(&folder);
}

static void test_missed(void **unused)
{
	struct folder folder;
	(void)unused;

	record_one(&folder,
		   "POST /a?id=1 HTTP/1.1\r\nHost: a.test\r\nContent-Type: application/json\r\n"
		   "Content-Length: 19\r\n\r\n{\"a\":{\"b\":[1,2,3]}}" GET("/b"),
		   OK("one", "3") OK("two", "3"));
	/* The connection goes on behind a miss, also behind one with a body. */
	expect_part(folder.file, &last,
		    "POST /a?id=1 HTTP/1.1\r\nHost: a.test\r\nContent-Type: application/json\r\n"
		    "Content-Length: 19\r\n\r\n{\"a\":{\"b\":[1,2,4]}}" GET("/b"),
		    "HTTP/1.1 599 Not Recorded\r\nContent-Type: application/json\r\n"
		    "Cache-Control: no-store\r\n"
		    "X-Mockproxy-Miss: body $.a.b[2]: recorded 3, asked 4\r\nContent-Length: ",
		    "  \"nearest\": \"POST http://a.test/a?id=1\",\n"
		    "  \"difference\": \"body $.a.b[2]: recorded 3, asked 4\",\n");
	expect_part(folder.file, &last, GET("/c") GET("/b"), "HTTP/1.1 599 ", OK("two", "3"));
	/* To HEAD only the head is said. */
	assert_int_equal(expect_part(folder.file, &last,
				     "HEAD /c HTTP/1.1\r\nHost: a.test\r\n\r\n" GET("/b"),
				     "HTTP/1.1 599 ", "\r\n\r\n" OK("two", "3")),
			 REPLAY_IDLE);
	folder_remove(&folder);
}

/* An edit of a request is what it is found by. */
static void test_edited_request(void **unused)
{
	struct folder folder;
	(void)unused;

	record_one(&folder, GET("/a"), OK("one", "3"));
	edit(folder.file, "UPDATE http_request SET path = '/b'");
	assert_sql(folder.file, "SELECT exact_hash IS NULL FROM exchange", "1");
	expect_said(folder.file, GET("/b"), OK("one", "3"));
	expect_part(folder.file, &last, GET("/a"), "HTTP/1.1 599 ", "path: recorded /b, asked /a");
	edit(folder.file, "UPDATE http_response SET body = 'longer', status = 404, reason = 'No'");
	expect_said(folder.file, GET("/b"), "HTTP/1.1 404 No\r\nContent-Length: 6\r\n\r\nlonger");
	folder_remove(&folder);
}

/* ---- by what name ---- */

static void expect_at(const char *path, const struct matcher_options *options, const char *address,
		      uint16_t port, const char *asked, const char *begins)
{
	struct client client;

	connect_to(&client, path, options, address, port);
	request(&client, slice_from_string(asked));
	if (!slice_starts_with(buffer_slice(&client.said), slice_from_string(begins)))
		fail_msg("asked\n%s\ngot\n%.*s", asked, (int)client.said.size,
			 (const char *)client.said.data);
	disconnect(&client);
}

static void test_names(void **unused)
{
	static const struct matcher_map map = { "a.test", 80, "b.test", 8080 };
	static const struct matcher_map place = { "127.0.0.1", 80, "10.0.0.1", 8080 };
	const struct matcher_map maps[] = { map, place };
	const struct matcher_options mapped = { .maps = maps, .n_maps = 2 };
	struct folder folder;
	(void)unused;

	record_one(&folder, GET("/a") "GET /a HTTP/1.1\r\nHost: c.test\r\n\r\n",
		   OK("one", "3") OK("two", "3"));
	/* The same path on two hosts. */
	expect_said(folder.file, "GET /a HTTP/1.1\r\nHost: c.test\r\n\r\n" GET("/a"),
		    OK("two", "3") OK("one", "3"));
	expect_at(folder.file, &last, "127.0.0.1", 80,
		  "GET /a HTTP/1.1\r\nHost: b.test:8080\r\n\r\n", "HTTP/1.1 599 ");
	expect_at(folder.file, &mapped, "10.0.0.1", 8080,
		  "GET /a HTTP/1.1\r\nHost: b.test:8080\r\n\r\n", OK("one", "3"));
	folder_remove(&folder);
	/* Only one name was recorded: another address means it too, another name at the same address does not. */
	record_one(&folder, "GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n", OK("one", "3"));
	expect_at(folder.file, &last, "10.0.0.1", 8080,
		  "GET /a HTTP/1.1\r\nHost: 10.0.0.1:8080\r\n\r\n", OK("one", "3"));
	expect_at(folder.file, &last, "127.0.0.1", 80, "GET /a HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
		  OK("one", "3"));
	expect_at(folder.file, &last, "127.0.0.1", 80,
		  "GET /a HTTP/1.1\r\nHost: other.test\r\n\r\n", "HTTP/1.1 599 ");
	folder_remove(&folder);
}

/* ---- large ---- */

static void test_large(void **unused)
{
	static const size_t sizes[] = { SCHEMA_VALUE_MAX, SCHEMA_VALUE_MAX + 1,
					3 * SCHEMA_VALUE_MAX + 5 };
	(void)unused;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct buffer asked, answered, other;
		struct talk talk;
		char head[128];
		struct buffer said;

		buffer_init(&asked, OUT_MAX);
		buffer_init(&answered, OUT_MAX);
		buffer_init(&other, OUT_MAX);
		buffer_init(&said, OUT_MAX);
		snprintf(head, sizeof(head),
			 "PUT /a HTTP/1.1\r\nHost: a.test\r\nContent-Length: %zu\r\n\r\n",
			 sizes[i]);
		buffer_append_string(&asked, head);
		snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n",
			 sizes[i]);
		buffer_append_string(&answered, head);
		for (size_t k = 0; k < sizes[i]; k++) {
			buffer_append_u8(&asked, (uint8_t)('a' + k % 23));
			buffer_append_u8(&answered, (uint8_t)('a' + k % 19));
		}
		talk_begin(&talk);
		say_bytes(&talk, SIDE_CLIENT, buffer_slice(&asked));
		say_bytes(&talk, SIDE_SERVER, buffer_slice(&answered));
		talk_end(&talk);
		converse(talk.folder.file, &last, NULL, buffer_slice(&asked), 5000, &said);
		assert_true(slice_equal(buffer_slice(&said), buffer_slice(&answered)));
		/* The last byte counts. */
		asked.data[asked.size - 1] = '!';
		buffer_clear(&said);
		converse(talk.folder.file, &last, NULL, buffer_slice(&asked), 5000, &said);
		assert_true(slice_starts_with(buffer_slice(&said), SLICE("HTTP/1.1 599 ")));
		folder_remove(&talk.folder);
		buffer_release(&asked);
		buffer_release(&answered);
		buffer_release(&other);
		buffer_release(&said);
	}
}

static void multipart(struct buffer *out, const char *boundary, char last_byte)
{
	const size_t size = 3 * SCHEMA_VALUE_MAX;
	char text[256];

	buffer_clear(out);
	snprintf(text, sizeof(text),
		 "POST /a HTTP/1.1\r\nHost: a.test\r\nContent-Type: multipart/form-data; "
		 "boundary=%s\r\n"
		 "Content-Length: %zu\r\n\r\n--%s\r\nA: b\r\n\r\n",
		 boundary, size + 2 * strlen(boundary) + 20, boundary);
	buffer_append_string(out, text);
	for (size_t i = 1; i < size; i++)
		buffer_append_u8(out, (uint8_t)("-=\n--a"[i % 6]));
	buffer_append_u8(out, (uint8_t)last_byte);
	snprintf(text, sizeof(text), "\r\n--%s--\r\n", boundary);
	buffer_append_string(out, text);
}

/* A form with a file has another boundary each time. */
static void test_large_multipart(void **unused)
{
	struct buffer asked, said;
	struct talk talk;
	(void)unused;

	buffer_init(&asked, OUT_MAX);
	buffer_init(&said, OUT_MAX);
	multipart(&asked, "----one1", 'x');
	talk_begin(&talk);
	say_bytes(&talk, SIDE_CLIENT, buffer_slice(&asked));
	say(&talk, SIDE_SERVER, OK("yes", "3"));
	talk_end(&talk);
	multipart(&asked, "another", 'x');
	converse(talk.folder.file, &last, NULL, buffer_slice(&asked), 5000, &said);
	assert_slice(buffer_slice(&said), OK("yes", "3"));
	buffer_clear(&said);
	multipart(&asked, "another", 'y');
	converse(talk.folder.file, &last, NULL, buffer_slice(&asked), 5000, &said);
	assert_true(slice_starts_with(buffer_slice(&said), SLICE("HTTP/1.1 599 ")));
	folder_remove(&talk.folder);
	buffer_release(&asked);
	buffer_release(&said);
}

/* ---- hostile ---- */

/* A large body of which there is a readable part goes without its coding to who does not accept that. */
static void test_large_readable(void **unused)
{
	static const char heads[] = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
				    "Content-Length: 300000\r\n\r\n";
	struct buffer answered;
	struct talk talk;
	(void)unused;

	buffer_init(&answered, OUT_MAX);
	buffer_append_string(&answered, heads);
	for (size_t i = 0; i < 300000; i++)
		buffer_append_u8(&answered, 'x');
	talk_begin(&talk);
	say(&talk, SIDE_CLIENT, "GET / HTTP/1.1\r\nAccept-Encoding: gzip\r\n\r\n");
	say_bytes(&talk, SIDE_SERVER, buffer_slice(&answered));
	talk_end(&talk);
	expect_part(talk.folder.file, &last, "GET / HTTP/1.1\r\nAccept-Encoding: br\r\n\r\n",
		    "HTTP/1.1 598 ", "does not accept");
	edit(talk.folder.file, "INSERT INTO value_part (exchange, part, sequence, bytes) "
			       "VALUES (1, 4, 0, x'68656c6c6f'); "
			       "UPDATE http_apart SET response_readable_part = 4");
	expect_bytes(talk.folder.file, &last, "GET / HTTP/1.1\r\nAccept-Encoding: br\r\n\r\n",
		     SLICE(OK("hello", "5")));
	expect_bytes(talk.folder.file, &last, "GET / HTTP/1.1\r\nAccept-Encoding: gzip\r\n\r\n",
		     buffer_slice(&answered));
	folder_remove(&talk.folder);
	buffer_release(&answered);
}

/* What two readers could read differently is refused. */
#define ASKED(line, fields, body) line "\r\nHost: a\r\n" fields "\r\n\r\n" body
#define POSTED(fields, body) ASKED("POST / HTTP/1.1", fields, body)

static void test_refused(void **unused)
{
	static const char *const asked[] = {
		POSTED("Content-Length: 3\r\nTransfer-Encoding: chunked",
		       "0\r\n\r\nGET /x HTTP/1.1\r\n\r\n"),
		POSTED("Content-Length: 3\r\nContent-Length: 4", "abcd"),
		POSTED("Content-Length: +3", "abc"),
		POSTED("Transfer-Encoding : chunked", "0\r\n\r\n"),
		POSTED("Transfer-Encoding: xchunked", "0\r\n\r\n"),
		POSTED("Transfer-Encoding: chunked", "0x1\r\na\r\n0\r\n\r\n"),
		ASKED("POST / HTTP/1.0", "Transfer-Encoding: chunked", "0\r\n\r\n"),
		ASKED("GET / HTTP/1.1", " b", ""),
		ASKED("GET / HTTP/1.1", "Host: b", ""),
		ASKED("GET / HTTP/9.9", "A: b", ""),
		"GET / HTTP/1.1\nHost: a\n\n",
		"\x01\x02\r\n\r\n",
	};
	struct folder folder;
	(void)unused;

	record_one(&folder, GET("/x"), OK("one", "3"));
	for (size_t i = 0; i < ARRAY_SIZE(asked); i++)
		assert_int_equal(expect_part(folder.file, &last, asked[i],
					     "HTTP/1.1 400 Bad Request\r\n",
					     "Connection: close\r\n\r\n{"),
				 REPLAY_CLOSE);
	folder_remove(&folder);
}

/* Rows that cannot be meant: an error of our own, and never another head than one. */
static void test_damaged(void **unused)
{
	static const char *const edits[] = {
		"UPDATE http_response SET headers = 'x'",
		"UPDATE http_response SET headers = '[[\"A\", \"1\\r\\nB: 2\"]]'",
		"UPDATE http_response SET headers = '[[\"A b\", \"1\"]]'",
		"UPDATE http_response SET headers = '[[\"A\"]]'",
		"UPDATE http_response SET status = 7",
		"UPDATE http_response SET status = 100",
		"UPDATE http_response SET reason = x'0d0a'",
		"UPDATE http_response SET interim = '[{}]'",
		"UPDATE http_response SET interim = '[{\"status\": 200}]'",
		"UPDATE http_response SET trailers = '{}'",
		"UPDATE http_response SET body_part = -1",
		"UPDATE http_response SET body_part = 2, body_bytes = -5",
	};
	struct folder folder;
	(void)unused;

	for (size_t i = 0; i < ARRAY_SIZE(edits); i++) {
		record_one(&folder, GET("/a"), OK("one", "3"));
		edit(folder.file, edits[i]);
		if (expect_part(folder.file, &last, GET("/a"), "HTTP/1.1 598 ",
				"X-Mockproxy-Miss") != REPLAY_IDLE)
			fail_msg("%s", edits[i]);
		folder_remove(&folder);
	}
	/* A part that is not there: what was promised does not come, and the connection ends. */
	record_one(&folder, GET("/a"), OK("one", "3"));
	edit(folder.file, "UPDATE http_response SET body_part = 2");
	assert_int_equal(expect_said(folder.file, GET("/a"), OK("", "3")), REPLAY_CLOSE);
	folder_remove(&folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pipelined),      cmocka_unit_test(test_no_body),
		cmocka_unit_test(test_chunked),	       cmocka_unit_test(test_connections),
		cmocka_unit_test(test_interim),	       cmocka_unit_test(test_cut),
		cmocka_unit_test(test_codings),	       cmocka_unit_test(test_coded_unasked),
		cmocka_unit_test(test_order),	       cmocka_unit_test(test_created_once),
		cmocka_unit_test(test_missed),	       cmocka_unit_test(test_edited_request),
		cmocka_unit_test(test_names),	       cmocka_unit_test(test_large),
		cmocka_unit_test(test_large_readable), cmocka_unit_test(test_large_multipart),
		cmocka_unit_test(test_bare_lines),     cmocka_unit_test(test_refused),
		cmocka_unit_test(test_damaged),	       cmocka_unit_test(test_forms),
		cmocka_unit_test(test_cut_by),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
