/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP conversations through the real recorder into a real file. Included once, behind store_support.h. */
#ifndef MOCKPROXY_TEST_HTTP_STORE_H
#define MOCKPROXY_TEST_HTTP_STORE_H

#include "parsers/http/exchange.h"
#include "parsers/http/wire.h"
#include "tests/unit/store_support.h"

struct talk {
	struct folder folder;
	struct writer *writer;
	struct recorder *recorder;
	struct item_list items;
	uint64_t connections;
};

static UNUSED void talk_begin(struct talk *talk)
{
	folder_make(&talk->folder);
	talk->writer = start_writer(talk->folder.file);
	push(talk->writer, make_open(1, "127.0.0.1", 80));
	talk->recorder = http_recorder_new(1);
	talk->connections = 1;
	item_list_init(&talk->items);
}

static UNUSED void say_bytes(struct talk *talk, enum side side, struct slice bytes)
{
	const char *why = NULL;

	assert_int_equal(
		http_recorder_see(talk->recorder, side, bytes, 1000000000, &talk->items, &why), 0);
	writer_push(talk->writer, &talk->items);
}

static UNUSED void say(struct talk *talk, enum side side, const char *text)
{
	say_bytes(talk, side, slice_from_string(text));
}

/* What cannot be followed. */
static UNUSED void say_wrong(struct talk *talk, enum side side, const char *text)
{
	const char *why = NULL;

	assert_true(http_recorder_see(talk->recorder, side, slice_from_string(text), 1000000000,
				      &talk->items, &why) < 0);
	writer_push(talk->writer, &talk->items);
}

/* The connection is over, and another one begins. */
static UNUSED void talk_next(struct talk *talk)
{
	http_recorder_end(talk->recorder, 1000000000, &talk->items);
	writer_push(talk->writer, &talk->items);
	http_recorder_free(talk->recorder);
	push(talk->writer, make_close(talk->connections++));
	push(talk->writer, make_open(talk->connections, "127.0.0.1", 80));
	talk->recorder = http_recorder_new(talk->connections);
}

static UNUSED struct writer_summary talk_end(struct talk *talk)
{
	http_recorder_end(talk->recorder, 2000000000, &talk->items);
	writer_push(talk->writer, &talk->items);
	http_recorder_free(talk->recorder);
	push(talk->writer, make_close(talk->connections));
	return finish_writer(talk->writer);
}

/* ---- WebSockets ---- */

#define FIN 0x80
#define RSV1 0x40
#define WS_TEXT 1
#define WS_BINARY 2
#define WS_CLOSE 8
#define WS_PING 9
#define WS_PONG 10

/* A frame of a side; the client's mask is nothing but zeros. */
static UNUSED void append_frame(struct buffer *bytes, enum side side, uint8_t begin,
				struct slice payload)
{
	uint8_t mask = side == SIDE_CLIENT ? 0x80 : 0;

	buffer_append_u8(bytes, begin);
	if (payload.size < 126) {
		buffer_append_u8(bytes, mask | (uint8_t)payload.size);
	} else if (payload.size <= UINT16_MAX) {
		buffer_append_u8(bytes, mask | 126);
		buffer_append_u16be(bytes, (uint16_t)payload.size);
	} else {
		buffer_append_u8(bytes, mask | 127);
		buffer_append_u64be(bytes, payload.size);
	}
	if (mask)
		buffer_append_u32be(bytes, 0);
	buffer_append_slice(bytes, payload);
}

#endif
