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
};

static UNUSED void talk_begin(struct talk *talk)
{
	folder_make(&talk->folder);
	talk->writer = start_writer(talk->folder.file);
	push(talk->writer, make_open(1, "127.0.0.1", 80));
	talk->recorder = http_recorder_new(1);
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

static UNUSED struct writer_summary talk_end(struct talk *talk)
{
	http_recorder_end(talk->recorder, 2000000000, &talk->items);
	writer_push(talk->writer, &talk->items);
	http_recorder_free(talk->recorder);
	push(talk->writer, make_close(1));
	return finish_writer(talk->writer);
}

#endif
