/* SPDX-License-Identifier: Apache-2.0 */
/* MySQL framing, compression, the parts of packets, and how a conversation begins. */
#include "parsers/mysql/compression.h"
#include "parsers/mysql/packet.h"
#include "tests/unit/cmocka.h"

#include <errno.h>

#define BYTES_MAX ((size_t)80 << 20)

/* ---- the framer ---- */

/* Packets of one side's bytes as text: "3#0 " is a whole one, "(2.1) " one in parts. */
static const char *frames(size_t whole_max, int sequence, struct slice bytes, size_t cut,
			  struct buffer *text)
{
	enum my_next next = MY_MORE;
	struct my_framer framer;
	struct my_frame frame;

	my_framer_init(&framer, whole_max);
	framer.sequence = sequence;
	buffer_clear(text);
	while (bytes.size && next != MY_ERROR) {
		struct slice piece = slice_of(bytes.data, cut < bytes.size ? cut : bytes.size);

		bytes = slice_of(bytes.data + piece.size, bytes.size - piece.size);
		while ((next = my_framer_next(&framer, &piece, &frame)) == MY_EVENT) {
			if (frame.part == FRAME_BEGIN) {
				buffer_append_u8(text, '(');
				continue;
			}
			buffer_append_unsigned(text, frame.body.size);
			if (frame.part == FRAME_BYTES && !frame.last) {
				buffer_append_u8(text, '.');
				continue;
			}
			buffer_append_string(text, frame.part == FRAME_WHOLE ? "#" : ")#");
			buffer_append_unsigned(text, frame.sequence);
			buffer_append_string(text, frame.split ? "S " : " ");
		}
	}
	if (next == MY_ERROR) {
		assert_int_equal(my_framer_next(&framer, &bytes, &frame), MY_ERROR);
		buffer_append_string(text, framer.error);
	}
	buffer_append_u8(text, 0);
	my_framer_release(&framer);
	return (const char *)text->data;
}

static void test_frames(void **state)
{
	static const struct {
		int sequence;
		struct slice bytes;
		const char *frames;
	} cases[] = {
		{ 0, SLICE("\3\0\0\0abc\0\0\0\1\1\0\0\2x"), "3#0 0#1 1#2 " },
		{ 0, SLICE("\1\0\0\1x"), "a packet out of sequence" },
		{ 0, SLICE("\1\0\0\0x\1\0\0\2x"), "1#0 a packet out of sequence" },
		{ MY_SEQUENCE_ANY, SLICE("\1\0\0\377x\1\0\0\0x"), "1#255 1#0 " },
		{ 0, SLICE("\1\0\0"), "" },
		{ 0, SLICE("\4\0\0\0abc"), "" },
	};
	struct buffer text;

	(void)state;
	buffer_init(&text, 4096);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (size_t cut = 1; cut <= cases[i].bytes.size; cut++)
			assert_string_equal(
				frames(4, cases[i].sequence, cases[i].bytes, cut, &text),
				cases[i].frames);
	assert_string_equal(frames(2, 0, SLICE("\3\0\0\0abc\1\0\0\1x"), 100, &text), "(3)#0 1#1 ");
	assert_string_equal(frames(2, 0, SLICE("\3\0\0\0abc\1\0\0\1x"), 5, &text), "(1.2)#0 1#1 ");
	buffer_release(&text);
}

/* 16777215 bytes go on in the next packet; an exact multiple ends with an empty one. */
static void test_split(void **state)
{
	static const struct {
		size_t size;
		uint8_t next;
		const char *whole;
		const char *parts;
	} cases[] = {
		{ 16777214, 1, "16777214#0 ", "(16777214)#0 " },
		{ 16777215, 2, "16777215#1S ", "(16777215.0)#1S " },
		{ 16777216, 2, "16777216#1S ", "(16777215.1)#1S " },
		{ 33554430, 3, "33554430#2S ", "(16777215.16777215.0)#2S " },
	};
	struct buffer out, text;

	(void)state;
	buffer_init(&text, 4096);
	buffer_init(&out, BYTES_MAX);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t sequence = 0, *room;
		size_t at;

		buffer_clear(&out);
		at = my_packet_begin(&out);
		room = buffer_reserve(&out, cases[i].size);
		assert_non_null(room);
		memset(room, 'x', cases[i].size);
		out.size += cases[i].size;
		my_packet_end(&out, at, &sequence);
		assert_int_equal(sequence, cases[i].next);
		assert_string_equal(frames(MY_REQUEST_MAX, 0, buffer_slice(&out), SIZE_MAX, &text),
				    cases[i].whole);
		assert_string_equal(frames(MY_ROW_MAX, 0, buffer_slice(&out), SIZE_MAX, &text),
				    cases[i].parts);
	}
	buffer_release(&out);
	buffer_release(&text);
}

/* ---- numbers and packets ---- */

static void test_lenenc(void **state)
{
	static const struct {
		struct slice bytes;
		uint64_t value;
		bool failed;
	} cases[] = {
		{ SLICE("\372"), 250, false },
		{ SLICE("\373"), 0, true },
		{ SLICE("\377"), 0, true },
		{ SLICE("\374\1\2"), 0x201, false },
		{ SLICE("\374\1"), 0, true },
		{ SLICE("\375\1\2\3"), 0x30201, false },
		{ SLICE("\375\1\2"), 0, true },
		{ SLICE("\376\377\377\377\377\377\377\377\377"), UINT64_MAX, false },
		{ SLICE("\376\1\2\3\4\5\6\7"), 0, true },
		{ SLICE(""), 0, true },
	};
	struct cursor cursor;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t value;

		cursor = cursor_of(cases[i].bytes);
		value = my_read_lenenc(&cursor);
		assert_int_equal(cursor.failed, cases[i].failed);
		if (!cursor.failed)
			assert_true(value == cases[i].value && cursor_done(&cursor));
	}
	cursor = cursor_of(SLICE("\376\377\377\377\377\377\377\377\377x"));
	assert_int_equal(my_read_lenenc_bytes(&cursor).size, 0);
	assert_true(cursor.failed);
}

#define COLUMN "\3def\1s\1t\1o\1n\1m\14\55\0\1\2\0\0\3\40\0\5\0\0"

static void test_columns(void **state)
{
	struct slice payload = SLICE(COLUMN);
	struct column column, columns[1];
	size_t n;

	(void)state;
	assert_true(my_column_read(payload, false, &column));
	assert_true(slice_equal(column.name, SLICE("n")));
	assert_int_equal(column.type_id, MY_TYPE_LONG | MY_TYPE_UNSIGNED);
	assert_int_equal(column.length, 0x201);
	/* All but the last two bytes, which mean nothing. */
	for (size_t size = 0; size < payload.size - 2; size++)
		assert_false(my_column_read(slice_of(payload.data, size), false, &column));
	assert_false(
		my_column_read(SLICE("\376\377\377\377\377\377\377\377\377def"), false, &column));
	assert_int_equal(my_columns_read(SLICE("\0\0"), columns, 1, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(my_columns_read(SLICE("\0\0\0\0\0\33" COLUMN), columns, 1, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(my_columns_read(SLICE("\0\0\0\0\0\33" COLUMN), columns, 0, &n), -EINVAL);
	assert_int_equal(my_columns_read(SLICE("\2\0"), columns, 1, &n), -EINVAL);
	assert_int_equal(my_columns_read(SLICE("\0"), columns, 1, &n), -EINVAL);
	assert_int_equal(my_columns_read(SLICE("\0\0\377\377\377\377x"), columns, 1, &n), -EINVAL);
}

static void test_messages(void **state)
{
	struct message_field fields[4];
	struct completion completion;
	struct my_ok ok;
	struct my_err err;
	size_t n;

	(void)state;
	assert_int_equal(my_message_read(SLICE("0114642S02no"), fields, 4, &n), 0);
	assert_int_equal(n, 4);
	assert_true(slice_equal(fields[1].value, SLICE("1146")));
	assert_int_equal(my_message_read(SLICE("0114642S02no"), fields, 3, &n), -EINVAL);
	assert_int_equal(my_message_read(SLICE("0114642S0"), fields, 4, &n), -EINVAL);
	assert_int_equal(my_message_read(SLICE("x114642S02no"), fields, 4, &n), -EINVAL);
	assert_int_equal(my_message_read(SLICE(""), fields, 4, &n), -EINVAL);
	assert_int_equal(my_completion_read(SLICE("1234567890123456789"), &completion), -EINVAL);
	assert_int_equal(my_completion_read(SLICE("12345678901234567890"), &completion), 0);
	assert_true(my_ok_read(SLICE("\0\1\2\2\0\0\0"), 0, &ok));
	assert_int_equal(ok.insert_id, 2);
	assert_false(my_ok_read(SLICE("\0\1\2\2\0\0"), 0, &ok));
	assert_false(my_ok_read(SLICE("\0\373\2\2\0\0\0"), 0, &ok));
	assert_false(my_ok_read(SLICE("\0\0\0\2\0\0\0\5ab"), MY_CLIENT_SESSION_TRACK, &ok));
	assert_true(my_err_read(SLICE("\377\20\4#08004no"), &err));
	assert_true(slice_equal(err.state, SLICE("08004")));
	assert_false(my_err_read(SLICE("\377\20"), &err));
}

/* ---- compression ---- */

static const char *plain_of(enum my_compression method, struct slice frames, size_t cut,
			    struct buffer *plain)
{
	struct my_decompressor *decompressor = my_decompressor_new(method);
	const char *why = NULL;
	struct slice part;

	buffer_clear(plain);
	while (frames.size && !why) {
		struct slice piece = slice_of(frames.data, cut < frames.size ? cut : frames.size);

		frames = slice_of(frames.data + piece.size, frames.size - piece.size);
		while (my_decompressor_next(decompressor, &piece, &part, &why) == MY_EVENT)
			buffer_append_slice(plain, part);
	}
	my_decompressor_free(decompressor);
	return why;
}

/* Comes back at every cut; a frame that says another length than it has is an error, and costs no more than it has. */
static void test_compression(void **state)
{
	static const uint8_t zeros[200000];
	const struct slice all = slice_of(zeros, sizeof(zeros));
	struct buffer out, plain;

	(void)state;
	buffer_init(&out, BYTES_MAX);
	buffer_init(&plain, BYTES_MAX);
	for (int method = MY_STORED; method <= MY_ZSTD; method++) {
		struct my_compressor *compressor =
			my_compressor_new((enum my_compression)method, 3);
		uint8_t sequence = 255;

		buffer_clear(&out);
		my_compress(compressor, SLICE("short"), &out, &sequence);
		assert_int_equal(sequence, 0);
		assert_int_equal(out.size, 7 + 5); /* stored */
		my_compress(compressor, all, &out, &sequence);
		for (size_t cut = 1; cut < 40; cut++) {
			assert_null(plain_of((enum my_compression)method, buffer_slice(&out), cut,
					     &plain));
			assert_int_equal(plain.size, sizeof(zeros) + 5);
		}
		for (int lie = -1; method != MY_STORED && lie <= 1; lie += 2) {
			out.data[12 + 4] = (uint8_t)(out.data[12 + 4] + lie);
			assert_non_null(plain_of((enum my_compression)method, buffer_slice(&out),
						 SIZE_MAX, &plain));
			assert_true(plain.size <= sizeof(zeros) + 5);
			out.data[12 + 4] = (uint8_t)(out.data[12 + 4] - lie);
		}
		my_compressor_free(compressor);
	}
	assert_non_null(plain_of(MY_ZLIB, SLICE("\0\0\0\0\1\0\0"), 100, &plain));
	assert_non_null(plain_of(MY_ZSTD, SLICE("\3\0\0\0\1\0\0abc"), 1, &plain));
	/* A frame of zstd 0.5. */
	assert_non_null(plain_of(MY_ZSTD,
				 SLICE("\20\0\0\0\5\0\0"
				       "\x25\xb5\x2f\xfd\x00\x40\x00\x05hello\xc0\x00\x00"),
				 SIZE_MAX, &plain));
	assert_non_null(plain_of(MY_STORED, SLICE("\1\0\0\0\1\0\0a"), 1, &plain));
	assert_null(plain_of(MY_ZLIB, SLICE("\0\0\0\0\0\0\0\1\0\0\1\0\0\0a"), 1, &plain));
	assert_true(slice_equal(buffer_slice(&plain), SLICE("a")));
	buffer_release(&out);
	buffer_release(&plain);
}

/* ---- how a conversation begins ---- */

/* Only what is not understood is taken away. */
static void test_handshake(void **state)
{
	const struct my_greeting greeting = { .version = SLICE("10.11"),
					      .capabilities = UINT64_MAX & ~MY_CLIENT_MYSQL,
					      .nonce_first = SLICE("12345678"),
					      .nonce_rest = SLICE("901234567890"),
					      .plugin = SLICE("p") };
	const struct my_login login = { .capabilities = UINT64_MAX & ~MY_CLIENT_MYSQL,
					.user = SLICE("ann"),
					.answer = SLICE("xxx") };
	struct buffer out, edited, expected;

	(void)state;
	buffer_init(&out, 4096);
	buffer_init(&edited, 4096);
	buffer_init(&expected, 4096);
	for (int side = SIDE_CLIENT; side <= SIDE_SERVER; side++) {
		struct my_greeting less = greeting;
		struct my_login fewer = login;
		struct handshake_step step;
		uint8_t sequence = 0;
		size_t at;

		less.capabilities &= MY_CAPABILITIES_KNOWN;
		fewer.capabilities &= MY_CAPABILITIES_KNOWN;
		for (int known = 0; known < 2; known++) {
			struct buffer *to = known ? &expected : &out;

			buffer_clear(to);
			at = my_packet_begin(to);
			if (side == SIDE_SERVER)
				my_greeting_write(to, known ? &less : &greeting);
			else
				my_login_write(to, known ? &fewer : &login);
			sequence = 0;
			my_packet_end(to, at, &sequence);
		}
		for (size_t size = 0; size < out.size; size++)
			assert_int_equal(
				my_handshake((enum side)side, slice_of(out.data, size), &edited)
					.action,
				HANDSHAKE_MORE);
		buffer_clear(&edited);
		step = my_handshake((enum side)side, buffer_slice(&out), &edited);
		assert_int_equal(step.action, HANDSHAKE_FORWARD);
		assert_int_equal(step.consumed, out.size);
		assert_true(slice_equal(step.reply, buffer_slice(&expected)));
		assert_int_equal(step.done, side == SIDE_CLIENT);
	}
	buffer_release(&out);
	buffer_release(&edited);
	buffer_release(&expected);
}

static void test_other_beginnings(void **state)
{
	static const struct {
		enum side side;
		struct slice bytes;
		enum handshake_action action;
	} cases[] = {
		{ SIDE_SERVER, SLICE("\5\0\0\0\377\20\4no"), HANDSHAKE_FORWARD },
		{ SIDE_SERVER, SLICE("\2\0\0\0\11x"), HANDSHAKE_REFUSED },
		{ SIDE_SERVER, SLICE("\0\0\0\0"), HANDSHAKE_REFUSED },
		{ SIDE_SERVER, SLICE("\1\0\1\0"), HANDSHAKE_REFUSED }, /* above MY_LOGIN_MAX */
		/* SSLRequest */
		{ SIDE_CLIENT,
		  SLICE("\40\0\0\1\0\212\0\0\0\0\0\1\55\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
			"\0"),
		  HANDSHAKE_REFUSED },
		/* the login of servers before 4.1 */
		{ SIDE_CLIENT, SLICE("\12\0\0\1\5\0\0\0\1ann\0x"), HANDSHAKE_REFUSED },
	};
	struct buffer edited;

	(void)state;
	buffer_init(&edited, 4096);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct handshake_step step;

		buffer_clear(&edited);
		step = my_handshake(cases[i].side, cases[i].bytes, &edited);
		assert_int_equal(step.action, cases[i].action);
		if (step.action == HANDSHAKE_FORWARD)
			assert_true(step.done && slice_equal(step.reply, cases[i].bytes));
	}
	buffer_release(&edited);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frames),	  cmocka_unit_test(test_split),
		cmocka_unit_test(test_lenenc),	  cmocka_unit_test(test_columns),
		cmocka_unit_test(test_messages),  cmocka_unit_test(test_compression),
		cmocka_unit_test(test_handshake), cmocka_unit_test(test_other_beginnings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
