/* SPDX-License-Identifier: Apache-2.0 */
/* What WebSockets and streams become in the file. */
#include "store/schema.h"
#include "tests/unit/http_store.h"

#include <zlib.h>

static const char request[] =
	"GET /chat HTTP/1.1\r\nHost: a.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
static const char plain[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
			    "Connection: Upgrade\r\n\r\n";
static const char deflating[] =
	"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	"Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=15\r\n\r\n";

static void frame(struct talk *talk, enum side side, uint8_t first, struct slice payload)
{
	struct buffer bytes;

	buffer_init(&bytes, payload.size + 14);
	append_frame(&bytes, side, first, payload);
	say_bytes(talk, side, buffer_slice(&bytes));
	buffer_release(&bytes);
}

static void begin(struct talk *talk, const char *response)
{
	talk_begin(talk);
	say(talk, SIDE_CLIENT, request);
	say(talk, SIDE_SERVER, response);
}

static void test_plain(void **unused)
{
	struct writer_summary summary;
	struct talk talk;
	(void)unused;

	begin(&talk, plain);
	frame(&talk, SIDE_CLIENT, FIN | WS_TEXT, SLICE("hello"));
	frame(&talk, SIDE_SERVER, WS_TEXT, SLICE("hel"));
	frame(&talk, SIDE_SERVER, FIN | 9, SLICE("ping"));
	frame(&talk, SIDE_SERVER, FIN, SLICE("lo"));
	frame(&talk, SIDE_CLIENT, FIN | 10, SLICE("ping"));
	frame(&talk, SIDE_CLIENT, FIN | WS_BINARY, SLICE("\x00\xff"));
	frame(&talk, SIDE_SERVER, FIN | WS_TEXT, SLICE(""));
	frame(&talk, SIDE_CLIENT, FIN | 8, SLICE("\x03\xe8well"));
	frame(&talk, SIDE_SERVER, FIN | 8, SLICE(""));
	summary = talk_end(&talk);
	assert_int_equal(summary.exchanges, 1);
	assert_int_equal(summary.unfinished, 0);
	assert_sql(talk.folder.file,
		   "SELECT group_concat(side || ' ' || kind || ' ' || CASE typeof(body) "
		   "WHEN 'blob' THEN hex(body) ELSE body END, ',') FROM messages",
		   "client text hello,server ping ping,server text hello,client pong ping,"
		   "client binary 00FF,server text ,client close 1000 well,server close ");
	assert_sql(talk.folder.file,
		   "SELECT sum(complete) || min(at_ns) || max(at_ns) FROM "
		   "http_message",
		   "810000000001000000000");
	assert_sql(talk.folder.file, "SELECT close_code || body FROM http_message WHERE number = 7",
		   "1000well");
	assert_sql(talk.folder.file,
		   "SELECT outcome || h.status FROM exchange e, http h "
		   "WHERE h.id = e.id",
		   "1101");
	assert_sql(talk.folder.file, "SELECT count(*) FROM pragma_foreign_key_check", "0");
	folder_remove(&talk.folder);
}

/* Compresses as a sender with context does: the tail of the flush is taken off. */
static struct slice deflated(z_stream *stream, const char *text, uint8_t room[256])
{
	stream->next_in = (Bytef *)(uintptr_t)text;
	stream->avail_in = (uInt)strlen(text);
	stream->next_out = room;
	stream->avail_out = 256;
	assert_int_equal(deflate(stream, Z_SYNC_FLUSH), Z_OK);
	return slice_of(room, 256 - stream->avail_out - 4);
}

static void test_deflate(void **unused)
{
	z_stream stream = { 0 };
	uint8_t first[256], second[256];
	struct slice one, two;
	struct talk talk;
	(void)unused;

	assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
	one = deflated(&stream, "hello hello hello", first);
	two = deflated(&stream, "hello hello hello", second);
	assert_true(two.size < one.size); /* it leans on the one before */
	begin(&talk, deflating);
	frame(&talk, SIDE_SERVER, RSV1 | WS_TEXT, slice_of(one.data, 3));
	frame(&talk, SIDE_SERVER, FIN, slice_of(one.data + 3, one.size - 3));
	frame(&talk, SIDE_SERVER, FIN | WS_TEXT, SLICE("plain"));
	frame(&talk, SIDE_SERVER, FIN | RSV1 | WS_TEXT, two);
	/* RFC 7692, section 7.2.3.4: a block that says it is the last, and a byte of padding behind it. */
	frame(&talk, SIDE_SERVER, FIN | RSV1 | WS_TEXT, SLICE("\xf3\x48\xcd\xc9\xc9\x07\x00\x00"));
	frame(&talk, SIDE_SERVER, FIN | RSV1 | WS_TEXT, two);
	talk_end(&talk);
	deflateEnd(&stream);
	assert_sql(talk.folder.file, "SELECT group_concat(body) FROM http_message",
		   "hello hello hello,plain,hello hello hello,Hello,hhello helloHello");
	assert_sql(talk.folder.file,
		   "SELECT group_concat(coalesce(coding, '-') || coalesce(length(wire_body), '')) "
		   "FROM http_message WHERE number < 3",
		   "permessage-deflate11,-");
	folder_remove(&talk.folder);
}

/* What cannot be inflated, and all compressed ones behind it, are kept as they passed. */
static void test_deflate_broken(void **unused)
{
	struct talk talk;
	(void)unused;

	begin(&talk, deflating);
	frame(&talk, SIDE_CLIENT, FIN | RSV1 | WS_TEXT, SLICE("\xff\xff\xff"));
	frame(&talk, SIDE_CLIENT, FIN | RSV1 | WS_TEXT, SLICE("\x01\x00\x00\xff\xff"));
	frame(&talk, SIDE_CLIENT, FIN | WS_TEXT, SLICE("plain"));
	frame(&talk, SIDE_SERVER, FIN | RSV1 | WS_TEXT, SLICE("\x4a\x04\x00"));
	talk_end(&talk);
	assert_sql(talk.folder.file,
		   "SELECT group_concat(hex(body) || undecoded || (coding IS NULL)) "
		   "FROM http_message",
		   "FFFFFF11,010000FFFF11,706C61696E01,6100");
	folder_remove(&talk.folder);
}

/* Each block that says it is the last costs the copy of a window: of that a message may have some, and not any number. */
static void test_deflate_last_blocks(void **unused)
{
	struct buffer blocks;
	struct talk talk;
	(void)unused;

	buffer_init(&blocks, 1 << 20);
	begin(&talk, deflating);
	for (int i = 0; i < 400; i++)
		buffer_append_slice(&blocks, SLICE("\x03\x00"));
	buffer_append_u8(&blocks, 0); /* the padding */
	for (int i = 0; i < 3; i++)   /* 1,200 in all, of three messages */
		frame(&talk, SIDE_SERVER, FIN | RSV1 | WS_TEXT, buffer_slice(&blocks));
	blocks.size--;
	for (int i = 0; i < 800; i++)
		buffer_append_slice(&blocks, SLICE("\x03\x00"));
	buffer_append_u8(&blocks, 0);
	frame(&talk, SIDE_SERVER, FIN | RSV1 | WS_TEXT, buffer_slice(&blocks));
	talk_end(&talk);
	buffer_release(&blocks);
	assert_sql(talk.folder.file, "SELECT group_concat(undecoded) FROM http_message", "0,0,0,1");
	folder_remove(&talk.folder);
}

/* Messages above what a row holds lie in parts, each in its own; so does what compresses well. */
static void test_large(void **unused)
{
	size_t size = SCHEMA_VALUE_MAX + 1, room;
	char *body = malloc(size);
	z_stream stream = { 0 };
	uint8_t *coded;
	struct talk talk;
	(void)unused;

	assert_non_null(body);
	memset(body, 'b', size);
	assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
	room = deflateBound(&stream, size) + 64;
	coded = malloc(room);
	stream.next_in = (Bytef *)body;
	stream.avail_in = (uInt)size;
	stream.next_out = coded;
	stream.avail_out = (uInt)room;
	assert_int_equal(deflate(&stream, Z_SYNC_FLUSH), Z_OK);
	begin(&talk, deflating);
	frame(&talk, SIDE_CLIENT, FIN | WS_TEXT, slice_of(body, size - 1));
	frame(&talk, SIDE_CLIENT, FIN | WS_TEXT, slice_of(body, size));
	frame(&talk, SIDE_SERVER, FIN | WS_TEXT, slice_of(body, size));
	frame(&talk, SIDE_SERVER, FIN | RSV1 | WS_TEXT,
	      slice_of(coded, room - stream.avail_out - 4));
	talk_end(&talk);
	deflateEnd(&stream);
	assert_sql(talk.folder.file,
		   "SELECT group_concat(coalesce(length(body), (SELECT sum(length(bytes)) FROM "
		   "value_part p WHERE p.exchange = m.exchange AND part = body_part)) || "
		   "(body_part IS NULL)) FROM http_message m",
		   "2621441,2621450,2621450,2621450");
	assert_sql(talk.folder.file,
		   "SELECT count(DISTINCT body_part) || count(wire_body) FROM http_message", "31");
	assert_sql(talk.folder.file, "SELECT body FROM messages WHERE number = 2",
		   "(262145 bytes in value_part)");
	folder_remove(&talk.folder);
	free(body);
	free(coded);
}

static void test_cut(void **unused)
{
	struct talk talk;
	(void)unused;

	begin(&talk, plain);
	frame(&talk, SIDE_SERVER, FIN | WS_TEXT, SLICE("one"));
	http_recorder_flush(talk.recorder, 1500000000, &talk.items);
	say_bytes(&talk, SIDE_SERVER, SLICE("\x81\x05tw"));
	talk_end(&talk);
	assert_sql(talk.folder.file, "SELECT group_concat(body || complete) FROM http_message",
		   "one1,tw0");
	assert_sql(talk.folder.file, "SELECT flags FROM flagged", "unfinished cut");
	folder_remove(&talk.folder);
}

/* Events have their times; what comes after a pause too; a body whose length was told has none. */
static void test_stream(void **unused)
{
	const char *why = NULL;
	struct talk talk;
	(void)unused;

	talk_begin(&talk);
	say(&talk, SIDE_CLIENT,
	    "GET /events HTTP/1.1\r\n\r\nGET /lines HTTP/1.1\r\n\r\n"
	    "GET /known HTTP/1.1\r\n\r\n");
	say(&talk, SIDE_SERVER,
	    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n"
	    "\r\n9\r\ndata: 1\n\n\r\nb\r\ndata: 22\n\nd\r\n0\r\n\r\n"
	    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\none\n\r\n");
	assert_int_equal(http_recorder_see(talk.recorder, SIDE_SERVER,
					   SLICE("4\r\ntwo\n\r\n0\r\n\r\n"), 3000000000,
					   &talk.items, &why),
			 0);
	writer_push(talk.writer, &talk.items);
	say(&talk, SIDE_SERVER, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
	talk_end(&talk);
	assert_sql(
		talk.folder.file,
		"SELECT group_concat(exchange || ':' || body_bytes || '@' || (at_ns / 1000000000))"
		" FROM http_stream",
		"1:9@1,1:19@1,1:20@1,2:4@1,2:8@3");
	folder_remove(&talk.folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),	       cmocka_unit_test(test_deflate),
		cmocka_unit_test(test_deflate_broken), cmocka_unit_test(test_deflate_last_blocks),
		cmocka_unit_test(test_large),	       cmocka_unit_test(test_cut),
		cmocka_unit_test(test_stream),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
