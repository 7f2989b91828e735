/* SPDX-License-Identifier: Apache-2.0 */
/* What HTTP exchanges become in the file, and that credentials do not get there. */
#include "store/schema.h"
#include "tests/unit/http_store.h"

#include <zlib.h>

#define GZIP_HELLO                                                                                 \
	"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\x48\xcd\xc9\xc9\x07\x00\x86\xa6\x10\x36\x05" \
	"\x00\x00\x00"

static void test_ordinary(void **unused)
{
	struct writer_summary summary;
	struct talk talk;
	(void)unused;

	talk_begin(&talk);
	say(&talk, SIDE_CLIENT,
	    "POST /items?id=1 HTTP/1.1\r\nHost: shop.test:8080\r\nContent-Length: 3\r\n\r\nx=1");
	say(&talk, SIDE_SERVER,
	    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 Not Found\r\nSet-Cookie: a=1\r\n"
	    "Set-Cookie: b=2\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nnone\r\n0\r\nX-T: "
	    "1\r\n\r\n");
	say(&talk, SIDE_CLIENT, "GET / HTTP/1.0\r\n\r\n");
	summary = talk_end(&talk);
	assert_int_equal(summary.exchanges, 2);
	assert_int_equal(summary.errors, 1);
	assert_int_equal(summary.unfinished, 1);
	assert_sql(talk.folder.file,
		   "SELECT method || ' ' || url || ' ' || status || ' ' || request_body || ' ' || "
		   "response_body FROM http WHERE id = 1",
		   "POST http://shop.test:8080/items?id=1 404 x=1 none");
	assert_sql(talk.folder.file,
		   "SELECT json_extract(headers, '$[0][1]') || json_extract(headers, '$[1][1]') || "
		   "trailers || json_extract(interim, '$[0].status') FROM http_response",
		   "a=1b=2[[\"X-T\", \"1\"]]100");
	assert_sql(talk.folder.file, "SELECT error FROM errors", "404 Not Found");
	assert_sql(talk.folder.file, "SELECT count(*) FROM queries", "0");
	assert_sql(talk.folder.file, "SELECT count(*) FROM slow", "2");
	assert_sql(talk.folder.file, "SELECT kind || sql FROM timeline WHERE id = 2",
		   "httpGET http:///");
	assert_sql(talk.folder.file, "SELECT flags FROM flagged WHERE id = 2", "unfinished cut");
	assert_sql(talk.folder.file, "SELECT protocol FROM endpoint", "http");
	assert_sql(talk.folder.file, "SELECT count(*) FROM pragma_foreign_key_check", "0");
	folder_remove(&talk.folder);
}

static void test_coded(void **unused)
{
	struct talk talk;
	(void)unused;

	talk_begin(&talk);
	say(&talk, SIDE_CLIENT, "GET / HTTP/1.1\r\n\r\nGET /bad HTTP/1.1\r\n\r\n");
	say(&talk, SIDE_SERVER,
	    "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 25\r\n\r\n");
	say_bytes(&talk, SIDE_SERVER, slice_of(GZIP_HELLO, sizeof(GZIP_HELLO) - 1));
	say(&talk, SIDE_SERVER,
	    "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope");
	talk_end(&talk);
	assert_sql(talk.folder.file,
		   "SELECT body || coding || length(wire_body) || typeof(body) FROM http_response "
		   "WHERE exchange = 1",
		   "hellogzip25text");
	assert_sql(talk.folder.file,
		   "SELECT body || coalesce(coding, '-') || coalesce(wire_body, '-') "
		   "FROM http_response WHERE exchange = 2",
		   "nope--");
	folder_remove(&talk.folder);
}

/* A person's edit counts: what passed on the wire is given up. */
static void test_edited(void **unused)
{
	struct talk talk;
	sqlite3 *database;
	(void)unused;

	talk_begin(&talk);
	say(&talk, SIDE_CLIENT, "GET / HTTP/1.1\r\n\r\n");
	say(&talk, SIDE_SERVER,
	    "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 25\r\n\r\n");
	say_bytes(&talk, SIDE_SERVER, slice_of(GZIP_HELLO, sizeof(GZIP_HELLO) - 1));
	talk_end(&talk);
	assert_int_equal(sqlite3_open(talk.folder.file, &database), SQLITE_OK);
	assert_int_equal(
		sqlite3_exec(database, "UPDATE http_response SET body = 'other'", NULL, NULL, NULL),
		SQLITE_OK);
	sqlite3_close(database);
	assert_sql(talk.folder.file, "SELECT body || (wire_body IS NULL) FROM http_response",
		   "other1");
	folder_remove(&talk.folder);
}

static void test_credentials(void **unused)
{
	struct talk talk;
	struct stat status;
	char *bytes;
	FILE *file;
	(void)unused;

	talk_begin(&talk);
	say(&talk, SIDE_CLIENT,
	    "GET http://ann:Geheim-1@a.test/ HTTP/1.1\r\nAuthorization: Bearer Geheim-2\r\n"
	    "Proxy-Authorization: Basic Geheim-3\r\nCookie: s=Geheim-4\r\n\r\n");
	say(&talk, SIDE_SERVER, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	talk_end(&talk);
	assert_sql(talk.folder.file, "SELECT authority FROM http_request", "ann:***@a.test");
	assert_sql(talk.folder.file, "SELECT json_extract(headers, '$[0][1]') FROM http_request",
		   "Bearer ***");
	assert_int_equal(stat(talk.folder.file, &status), 0);
	bytes = malloc((size_t)status.st_size);
	file = fopen(talk.folder.file, "rbe");
	assert_true(bytes && file);
	assert_int_equal(fread(bytes, 1, (size_t)status.st_size, file), status.st_size);
	assert_null(memmem(bytes, (size_t)status.st_size, "Geheim", 6));
	fclose(file);
	free(bytes);
	folder_remove(&talk.folder);
}

/* Exactly what fits the row, one byte more, and much more; text and what is not. */
static void test_sizes(void **unused)
{
	static const struct {
		size_t size;
		const char *expected;
	} cases[] = { { 1024, "text 1024" },
		      { 65536, "text 65536" },
		      { SCHEMA_VALUE_MAX, "text 262144" },
		      { SCHEMA_VALUE_MAX + 1, "parts 2 262145" },
		      { (size_t)1 << 20, "parts 4 1048576" } };
	(void)unused;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *body = malloc(cases[i].size);
		char head[128];
		struct talk talk;

		assert_non_null(body);
		memset(body, 'b', cases[i].size);
		talk_begin(&talk);
		snprintf(head, sizeof(head), "PUT /%zu HTTP/1.1\r\nContent-Length: %zu\r\n\r\n",
			 cases[i].size, cases[i].size);
		say(&talk, SIDE_CLIENT, head);
		for (size_t at = 0; at < cases[i].size; at += 1000)
			say_bytes(&talk, SIDE_CLIENT,
				  slice_of(body + at,
					   cases[i].size - at < 1000 ? cases[i].size - at : 1000));
		say(&talk, SIDE_SERVER, "HTTP/1.1 204 No Content\r\n\r\n");
		talk_end(&talk);
		assert_sql(
			talk.folder.file,
			"SELECT CASE WHEN body_part IS NULL "
			"THEN typeof(body) || ' ' || length(body) ELSE "
			"'parts ' || (SELECT count(*) || ' ' || sum(length(bytes)) FROM value_part "
			"WHERE exchange = q.exchange AND part = q.body_part) END "
			"FROM http_request q",
			cases[i].expected);
		assert_sql(talk.folder.file,
			   "SELECT body_bytes = substr(path, 2) FROM http_request", "1");
		folder_remove(&talk.folder);
		free(body);
	}
}

/* An exchange that goes on is in the file before it ends. */
static void test_unfinished(void **unused)
{
	struct talk talk;
	(void)unused;

	talk_begin(&talk);
	say(&talk, SIDE_CLIENT, "GET /events HTTP/1.1\r\n\r\n");
	say(&talk, SIDE_SERVER,
	    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n");
	http_recorder_flush(talk.recorder, 1500000000, &talk.items);
	writer_push(talk.writer, &talk.items);
	say(&talk, SIDE_SERVER, "data: 2\n\n");
	say(&talk, SIDE_SERVER, ""); /* the server ends */
	talk_end(&talk);
	assert_sql(talk.folder.file, "SELECT response_body FROM http", "data: 1\n\ndata: 2\n\n");
	assert_sql(talk.folder.file, "SELECT outcome FROM exchange", "1");
	folder_remove(&talk.folder);
}

/* A large body that is compressed: as it passed, and readable beside it; what is cut or no gzip is not. */
static void test_large_coded(void **unused)
{
	size_t size = (size_t)3 << 20, room = size;
	uint8_t *body = malloc(size), *coded = malloc(room);
	z_stream stream = { 0 };
	struct talk talk;
	char head[128];
	(void)unused;

	assert_true(body && coded);
	for (size_t i = 0; i < size; i++) /* compresses to more than what a row holds */
		body[i] = (uint8_t)('a' + (i * i / 7 % 251 + i / 3) % 26);
	assert_int_equal(deflateInit2(&stream, 1, Z_DEFLATED, MAX_WBITS + 16, 8, Z_HUFFMAN_ONLY),
			 Z_OK);
	stream.next_in = body;
	stream.avail_in = (uInt)size;
	stream.next_out = coded;
	stream.avail_out = (uInt)room;
	assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
	room -= stream.avail_out;
	deflateEnd(&stream);
	assert_true(room > SCHEMA_VALUE_MAX);
	talk_begin(&talk);
	snprintf(head, sizeof(head),
		 "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n", room);
	say(&talk, SIDE_CLIENT, "GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n");
	say(&talk, SIDE_SERVER, head);
	say_bytes(&talk, SIDE_SERVER, slice_of(coded, room));
	say(&talk, SIDE_SERVER, head);
	coded[room / 2] ^= 0xff;
	say_bytes(&talk, SIDE_SERVER, slice_of(coded, room));
	talk_end(&talk);
	assert_sql(talk.folder.file,
		   "SELECT sum(length(bytes)) || min(typeof(bytes)) FROM value_part WHERE exchange "
		   "= 1 "
		   "AND part = (SELECT readable_part FROM http_response WHERE exchange = 1)",
		   "3145728blob");
	assert_sql(talk.folder.file,
		   "SELECT sum(length(bytes)) = body_bytes FROM value_part v JOIN http_response r "
		   "ON v.exchange = r.exchange AND part = body_part GROUP BY r.exchange LIMIT 1",
		   "1");
	assert_sql(talk.folder.file,
		   "SELECT count(DISTINCT part) || count(readable_part) FROM http_response r JOIN "
		   "value_part v ON v.exchange = r.exchange WHERE r.exchange = 2",
		   "10");
	folder_remove(&talk.folder);
	free(body);
	free(coded);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ordinary),    cmocka_unit_test(test_coded),
		cmocka_unit_test(test_edited),	    cmocka_unit_test(test_credentials),
		cmocka_unit_test(test_sizes),	    cmocka_unit_test(test_unfinished),
		cmocka_unit_test(test_large_coded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
