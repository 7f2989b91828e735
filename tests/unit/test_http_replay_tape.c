/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tapes of tests/fixtures/http, replayed: each is recorded into a file, its client asks again, whole and byte by byte, and
 * what it is told is recorded in turn. That must give the same exchanges.
 */
#include "tests/unit/http_replay.h"
#include "tests/unit/tape.h"

#include <glob.h>

static struct tape tape, again; /* large */

/* Of these something else comes out. */
static bool differs(const char *path)
{
	static const char *const names[] = {
		"/headers.",	   /* a length that was said twice is said once */
		"/connect.",	   /* the shell's: what is behind it is another connection */
		"/upgrade_other.", /* opaque, so not served */
		/* The client speaks in its turn: test_http_replay_websocket.c. */
		"/websocket.",
		"/websocket_at_once.",
		"/websocket_cut.",
		"/websocket_deflate.",
		"/websocket_extension.",
		"/websocket_large.",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strstr(path, names[i]))
			return true;
	return false;
}

static void record_tape(struct folder *folder)
{
	struct item_list items;
	struct writer *writer;

	folder_make(folder);
	writer = start_writer(folder->file);
	push(writer, make_open(1, "127.0.0.1", 80));
	item_list_init(&items);
	(void)tape_items(&tape, &http_protocol, TAPE_WHOLE, false, &items);
	writer_push(writer, &items);
	push(writer, make_close(1));
	finish_writer(writer);
}

static void gather(const struct tape *from, enum side side, struct buffer *bytes)
{
	for (size_t i = 0; i < from->n_moves; i++)
		if (from->moves[i].side == side)
			buffer_append_slice(bytes, buffer_slice(&from->moves[i].bytes));
}

/* The client of the tape, and this server. */
static void make_again(struct slice said, bool closed)
{
	again.n_moves = 2;
	again.ends = tape.ends;
	again.moves[0].side = SIDE_CLIENT;
	again.moves[1].side = SIDE_SERVER;
	again.moves[1].ends = closed;
	for (size_t i = 0; i < 2; i++)
		buffer_init(&again.moves[i].bytes, OUT_MAX);
	gather(&tape, SIDE_CLIENT, &again.moves[0].bytes);
	buffer_append_slice(&again.moves[1].bytes, said);
}

static void replay_tape(const char *path, size_t step)
{
	struct buffer asked, said, recorded, replayed;
	struct folder folder;
	enum replay_state state;

	buffer_init(&asked, OUT_MAX);
	buffer_init(&said, OUT_MAX);
	buffer_init(&recorded, OUT_MAX);
	buffer_init(&replayed, OUT_MAX);
	assert_true(tape_read(&tape, path));
	record_tape(&folder);
	gather(&tape, SIDE_CLIENT, &asked);
	state = converse(folder.file, &last, NULL, buffer_slice(&asked), step, &said);
	make_again(buffer_slice(&said), state == REPLAY_CLOSE);
	tape_record(&tape, &http_protocol, TAPE_WHOLE, &recorded);
	tape_record(&again, &http_protocol, TAPE_WHOLE, &replayed);
	if (!slice_equal(buffer_slice(&recorded), buffer_slice(&replayed)))
		fail_msg("%s\n%.*s--- but in replay\n%.*s", path, (int)recorded.size,
			 (const char *)recorded.data, (int)replayed.size,
			 (const char *)replayed.data);
	for (size_t i = 0; i < 2; i++)
		buffer_release(&again.moves[i].bytes);
	tape_release(&tape);
	folder_remove(&folder);
	buffer_release(&asked);
	buffer_release(&said);
	buffer_release(&recorded);
	buffer_release(&replayed);
}

static void test_tapes(void **unused)
{
	glob_t found;
	size_t n = 0;
	(void)unused;

	assert_int_equal(glob("tests/fixtures/http/*.tape", 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		/* What is malformed is not served. */
		if (strstr(found.gl_pathv[i], "/bad_") || differs(found.gl_pathv[i]))
			continue;
		n++;
		replay_tape(found.gl_pathv[i], SIZE_MAX);
		replay_tape(found.gl_pathv[i], 1);
	}
	globfree(&found);
	assert_true(n > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_tapes) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
