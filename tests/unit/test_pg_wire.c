/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PostgreSQL framing, the parts of messages, names, and how a conversation begins.
 */
#include "parsers/names.h"
#include "parsers/postgres/wire.h"
#include "tests/unit/cmocka.h"

#include <errno.h>

/* ---- the framer ---- */

/* Frames of one side's bytes as text: "Q5 " is a whole message, "D(131073 " the beginning of a large one. */
static const char *frames(bool server, struct slice bytes, struct buffer *text)
{
	struct pg_framer framer;
	struct pg_frame frame;
	enum pg_next next;

	pg_framer_init(&framer, server);
	framer.startup = false;
	buffer_clear(text);
	while ((next = pg_framer_next(&framer, &bytes, &frame)) == PG_EVENT) {
		if (frame.part == FRAME_BYTES) {
			buffer_append_string(text, frame.last ? ") " : ". ");
			continue;
		}
		buffer_append_u8(text, frame.type);
		if (frame.part == FRAME_BEGIN)
			buffer_append_u8(text, '(');
		buffer_append_unsigned(text, frame.body_size);
		buffer_append_u8(text, ' ');
	}
	if (next == PG_ERROR)
		buffer_append_string(text, framer.error);
	buffer_append_u8(text, 0);
	pg_framer_release(&framer);
	return (const char *)text->data;
}

static void test_lengths(void **state)
{
	static const struct {
		bool server;
		struct slice bytes;
		const char *frames;
	} cases[] = {
		{ false, SLICE("Q\0\0\0\5\0S\0\0\0\4"), "Q1 S0 " },
		{ false, SLICE("Q\0\0\0\4"), "Q0 " },
		{ false, SLICE("Q\0\0\0\5"), "" },
		{ false, SLICE("Q\0\0\0"), "" },
		{ false, SLICE("Q\0\0\0\3"), "message length below 4" },
		{ false, SLICE("Q\0\0\0\0"), "message length below 4" },
		{ false, SLICE("Q\377\377\377\377"), "message length not possible for its type" },
		{ false, SLICE("Q\200\0\0\0"), "message length not possible for its type" },
		{ false, SLICE("S\0\0\0\5"), "message length not possible for its type" },
		{ false, SLICE("G\0\0\0\4"), "unknown message type" },
		{ false, SLICE("\0\0\0\0\4"), "unknown message type" },
		{ true, SLICE("Z\0\0\0\5I1\0\0\0\4"), "Z1 10 " },
		{ true, SLICE("Z\0\0\0\6"), "message length not possible for its type" },
		{ true, SLICE("K\0\0\1\10"), "" },
		{ true, SLICE("K\0\0\1\11"), "message length not possible for its type" },
		{ true, SLICE("Q\0\0\0\5\0"), "unknown message type" },
		{ true, SLICE("D\0\2\0\4"), "" },
		{ true, SLICE("D\0\2\0\5"), "D(131073 " },
		{ true, SLICE("D\0\2\0\5abc"), "D(131073 . " },
		{ true, SLICE("E\1\0\0\5"), "E(16777217 " },
		{ false, SLICE("d\0\2\0\5"), "d(131073 " },
		{ false, SLICE("Q\4\0\0\4"), "" },
		{ false, SLICE("Q\4\0\0\5"), "Q(67108865 " },
	};
	struct buffer text;

	(void)state;
	buffer_init(&text, 4096);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(frames(cases[i].server, cases[i].bytes, &text),
				    cases[i].frames);
	buffer_release(&text);
}

static void test_startup_lengths(void **state)
{
	static const struct {
		struct slice bytes;
		enum pg_next next;
	} cases[] = {
		{ SLICE("\0\0\0\10\4\322\026\057"), PG_EVENT },
		{ SLICE("\0\0\0\7\0\0\0"), PG_ERROR },
		{ SLICE("\0\0\0\0"), PG_ERROR },
		{ SLICE("\377\377\377\377"), PG_ERROR },
		{ SLICE("\0\0\047\020"), PG_MORE },
		{ SLICE("\0\0\047\021"), PG_ERROR },
		{ SLICE("\026\003\001\000"), PG_ERROR },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct slice bytes = cases[i].bytes;
		struct pg_framer framer;
		struct pg_frame frame;

		pg_framer_init(&framer, false);
		assert_int_equal(pg_framer_next(&framer, &bytes, &frame), cases[i].next);
		if (cases[i].next == PG_ERROR) { /* sticky */
			bytes = SLICE("\0\0\0\10\4\322\026\057");
			assert_int_equal(pg_framer_next(&framer, &bytes, &frame), PG_ERROR);
			assert_int_equal(bytes.size, 8);
		}
		pg_framer_release(&framer);
	}
}

/* A message in one piece is borrowed; one in two is whole all the same; a large one's memory is given back. */
static void test_borrowing(void **state)
{
	struct pg_framer framer;
	struct pg_frame frame;
	struct slice bytes = SLICE("Q\0\0\0\7ab\0Q\0\0\0\7c"), rest = SLICE("d\0");
	struct slice first = bytes;
	struct buffer large;

	(void)state;
	pg_framer_init(&framer, false);
	framer.startup = false;
	assert_int_equal(pg_framer_next(&framer, &bytes, &frame), PG_EVENT);
	assert_ptr_equal(frame.body.data, first.data + 5);
	assert_int_equal(pg_framer_next(&framer, &bytes, &frame), PG_MORE);
	assert_int_equal(bytes.size, 0);
	assert_int_equal(pg_framer_next(&framer, &rest, &frame), PG_EVENT);
	assert_true(slice_equal(frame.body, SLICE("cd\0")));

	buffer_init(&large, 1 << 20);
	buffer_append_slice(&large, SLICE("Q\0\1\0\4"));
	memset(buffer_reserve(&large, 65536), 'x', 65536);
	large.size += 65535;
	bytes = buffer_slice(&large);
	assert_int_equal(pg_framer_next(&framer, &bytes, &frame), PG_MORE);
	bytes = SLICE("\0");
	assert_int_equal(pg_framer_next(&framer, &bytes, &frame), PG_EVENT);
	assert_int_equal(frame.body.size, 65536);
	assert_int_equal(pg_framer_next(&framer, &bytes, &frame), PG_MORE);
	assert_int_equal(framer.body.capacity, 0);
	buffer_release(&large);
	pg_framer_release(&framer);
}

static void test_writing(void **state)
{
	struct buffer out;
	size_t at;

	(void)state;
	buffer_init(&out, 8);
	at = pg_message_begin(&out, 'Z');
	buffer_append_u8(&out, 'I');
	pg_message_end(&out, at);
	assert_true(slice_equal(buffer_slice(&out), SLICE("Z\0\0\0\5I")));
	at = pg_message_begin(&out, 'Z'); /* does not fit: nothing beyond is written */
	pg_message_end(&out, at);
	assert_true(out.overflowed);
	buffer_release(&out);
}

/* ---- parts of messages ---- */

static void test_fields(void **state)
{
	struct message_field fields[2];
	size_t n;

	(void)state;
	assert_int_equal(pg_message_read(SLICE("SERROR\0x?\0\0"), fields, 2, &n), 0);
	assert_int_equal(n, 2);
	assert_true(slice_equal(fields[0].name, SLICE("severity")));
	assert_true(slice_equal(fields[1].name, SLICE("field_x")));
	assert_true(slice_equal(fields[1].value, SLICE("?")));
	assert_int_equal(pg_message_read(SLICE("\0"), fields, 2, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(pg_message_read(SLICE(""), fields, 2, &n), -EINVAL);
	assert_int_equal(pg_message_read(SLICE("SERROR\0"), fields, 2, &n), -EINVAL);
	assert_int_equal(pg_message_read(SLICE("SERROR"), fields, 2, &n), -EINVAL);
	assert_int_equal(pg_message_read(SLICE("SERROR\0\0x"), fields, 2, &n), -EINVAL);
	assert_int_equal(pg_message_read(SLICE("1x\0\0"), fields, 2, &n), -EINVAL);
	assert_int_equal(pg_message_read(SLICE("Sx\0Vx\0Cx\0\0"), fields, 2, &n), -EINVAL);
	assert_true(slice_equal(pg_error_code(SLICE("SE\0C42P01\0\0")), SLICE("42P01")));
	assert_int_equal(pg_error_code(SLICE("SE\0")).size, 0);
	/* Each name gives back its letter, also those without a name. */
	for (unsigned int letter = 'A'; letter <= 'z'; letter++) {
		const uint8_t raw[] = { (uint8_t)letter, 0, 0 };

		if (letter > 'Z' && letter < 'a')
			continue;
		assert_int_equal(pg_message_read(slice_of(raw, 3), fields, 2, &n), 0);
		assert_int_equal(pg_field_letter(fields[0].name), letter);
	}
	assert_int_equal(pg_field_letter(SLICE("nonsense")), 0);
	assert_int_equal(pg_field_letter(SLICE("field_")), 0);
}

#define COLUMN "a\0\0\0\0\1\0\2\0\0\0\027\0\4\377\377\377\377\0"

static void test_columns(void **state)
{
	struct column columns[2];
	size_t n;

	(void)state;
	assert_int_equal(pg_columns_read(SLICE("\0\1" COLUMN "\1"), columns, 2, &n), 0);
	assert_int_equal(n, 1);
	assert_true(slice_equal(columns[0].name, SLICE("a")));
	assert_int_equal(columns[0].table, 1);
	assert_int_equal(columns[0].attribute, 2);
	assert_int_equal(columns[0].type_id, 23);
	assert_int_equal(columns[0].length, 4);
	assert_int_equal(columns[0].modifier, -1);
	assert_int_equal(columns[0].form, PARAMETER_BINARY);
	assert_int_equal(pg_columns_read(SLICE("\0\0"), columns, 2, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(pg_columns_read(SLICE(""), columns, 2, &n), -EINVAL);
	assert_int_equal(pg_columns_read(SLICE("\0\1" COLUMN "\2"), columns, 2, &n), -EINVAL);
	assert_int_equal(pg_columns_read(SLICE("\0\1" COLUMN), columns, 2, &n), -EINVAL);
	assert_int_equal(pg_columns_read(SLICE("\0\1" COLUMN "\1x"), columns, 2, &n), -EINVAL);
	assert_int_equal(pg_columns_read(SLICE("\0\1abc"), columns, 2, &n), -EINVAL);
	assert_int_equal(pg_columns_read(SLICE("\377\377"), columns, 2, &n), -EINVAL);
}

static void test_tags(void **state)
{
	static const struct {
		struct slice tag;
		int64_t rows;
	} cases[] = {
		{ SLICE("SELECT 3"), 3 },
		{ SLICE("INSERT 0 12"), 12 },
		{ SLICE("COPY 999999999999999999"), 999999999999999999 },
		{ SLICE("COPY 1000000000000000000"), -1 },
		{ SLICE("BEGIN"), -1 },
		{ SLICE("X1"), -1 },
		{ SLICE("1"), -1 },
		{ SLICE("UPDATE "), -1 },
		{ SLICE(""), -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct completion completion;

		assert_int_equal(pg_completion_read(cases[i].tag, &completion), 0);
		assert_true(completion.rows == cases[i].rows);
		assert_true(slice_equal(completion.tag, cases[i].tag));
	}
}

/* ---- how a conversation begins ---- */

static void test_beginning(void **state)
{
	static const struct {
		struct slice bytes;
		enum recognised recognised;
		enum handshake_action action;
	} cases[] = {
		{ SLICE("\0\0\0\10\4\322\026\057"), RECOGNISED_YES,
		  HANDSHAKE_SEND }, /* SSLRequest */
		{ SLICE("\0\0\0\10\4\322\026\060"), RECOGNISED_YES,
		  HANDSHAKE_SEND }, /* GSSENCRequest */
		{ SLICE("\0\0\0\20\4\322\026\056"), RECOGNISED_YES,
		  HANDSHAKE_DONE }, /* CancelRequest */
		{ SLICE("\0\0\0\11\4\322\026\057"), RECOGNISED_YES, HANDSHAKE_DONE },
		{ SLICE("\0\0\0\24\0\3\0\0"), RECOGNISED_YES, HANDSHAKE_DONE },
		{ SLICE("\0\0\0\24\0\3\047\017"), RECOGNISED_YES, HANDSHAKE_DONE },
		{ SLICE("\0\0\0\24\0\2\0\0"), RECOGNISED_NO, HANDSHAKE_REFUSED },
		{ SLICE("\0\0\0\7\0\3\0\0"), RECOGNISED_NO, HANDSHAKE_REFUSED },
		{ SLICE("\0\0\0\0\0\0\0\0"), RECOGNISED_NO, HANDSHAKE_REFUSED },
		{ SLICE("\0\0\047\021\0\3\0\0"), RECOGNISED_NO, HANDSHAKE_REFUSED },
		{ SLICE("GET / HT"), RECOGNISED_NO, HANDSHAKE_REFUSED },
		{ SLICE("\026\003\001\002\0\001\0\001"), RECOGNISED_NO, HANDSHAKE_REFUSED },
		{ SLICE("G"), RECOGNISED_NO, HANDSHAKE_MORE },
		{ SLICE(""), RECOGNISED_MORE, HANDSHAKE_MORE },
		{ SLICE("\0\0\0\10\4\322\026"), RECOGNISED_MORE, HANDSHAKE_MORE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct handshake_step step = pg_handshake(SIDE_CLIENT, cases[i].bytes, NULL);

		assert_int_equal(pg_recognise(cases[i].bytes), cases[i].recognised);
		assert_int_equal(step.action, cases[i].action);
		if (step.action == HANDSHAKE_SEND) {
			assert_int_equal(step.consumed, 8);
			assert_true(slice_equal(step.reply, SLICE("N")));
		}
	}
}

/* ---- names ---- */

static size_t n_freed;

static void free_named(struct named *named)
{
	n_freed++;
	free(named);
}

static struct named *named_new(const char *name, size_t size, size_t bytes)
{
	struct named *named = calloc(1, sizeof(*named) + size);

	assert_non_null(named);
	if (size)
		memcpy(named + 1, name, size);
	named->name = slice_of(named + 1, size);
	named->bytes = bytes;
	return named;
}

static void test_names(void **state)
{
	const unsigned int n = 5000;
	struct names names;

	(void)state;
	names_init(&names);
	assert_null(names_find(&names, SLICE("a")));
	assert_null(names_take(&names, SLICE("")));
	for (unsigned int i = 0; i < n; i++)
		assert_null(names_put(&names, named_new((const char *)&i, sizeof(i), i)));
	assert_null(names_put(&names, named_new("", 0, 1)));
	assert_int_equal(names.n, n + 1);
	for (unsigned int i = 0; i < n; i++) {
		struct slice name = slice_of(&i, sizeof(i));
		struct named *old;

		assert_non_null(names_find(&names, name));
		if (i % 2) {
			old = names_put(&names, named_new((const char *)&i, sizeof(i), 7));
			assert_int_equal(old->bytes, i);
		} else {
			old = names_take(&names, name);
			assert_null(names_find(&names, name));
		}
		free_named(old);
	}
	assert_int_equal(names.n, n / 2 + 1);
	assert_int_equal(names.bytes, 7 * n / 2 + 1);
	names_weigh(&names, names_find(&names, SLICE("")), 100);
	assert_int_equal(names.bytes, 7 * n / 2 + 100);
	names_shrink(&names); /* not empty: nothing happens */
	assert_non_null(names_find(&names, SLICE("")));
	n_freed = 0;
	names_release(&names, free_named);
	assert_int_equal(n_freed, n / 2 + 1);
	assert_int_equal(names.n_buckets, 0);
}

static void test_last_name(void **state)
{
	struct arena arena;

	(void)state;
	arena_init(&arena);
	assert_true(slice_equal(pg_last_name(SLICE("deallocate prepare s1"), &arena), SLICE("s1")));
	assert_true(
		slice_equal(pg_last_name(SLICE("deallocate \"S\"\"2\""), &arena), SLICE("S\"2")));
	assert_int_equal(pg_last_name(SLICE(""), &arena).size, 0);
	assert_int_equal(pg_last_name(SLICE("deallocate \"open"), &arena).size,
			 10); /* no name: the word before */
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lengths),	  cmocka_unit_test(test_startup_lengths),
		cmocka_unit_test(test_borrowing), cmocka_unit_test(test_writing),
		cmocka_unit_test(test_fields),	  cmocka_unit_test(test_columns),
		cmocka_unit_test(test_tags),	  cmocka_unit_test(test_beginning),
		cmocka_unit_test(test_names),	  cmocka_unit_test(test_last_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
