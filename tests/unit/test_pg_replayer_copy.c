/* SPDX-License-Identifier: Apache-2.0 */
/* COPY in replay, in both directions and both protocols: each conversation whole, byte by byte and in steps that fall anywhere. */
#include "tests/unit/pg_replay.h"

#include <time.h>

#define OUT_TEXT "H ~~<01>~~\n"
#define OUT_BINARY "H <01>~<01>~<01>\n"
#define IN_TEXT "G ~~<01>~~\n"
#define IN_BINARY "G <01>~<01>~<01>\n"
#define DONE "c \n"
#define HEADER "PGCOPY<0a><ff><0d><0a>~~~~~~~~~"
#define COPIED(n) "C COPY " #n "~\n"
#define NOT_A_NUMBER "E SERROR~C22P02~xown~~\n"
#define BOUND "1 \n2 \n"
#define MISS_COPY(asked, difference)                                                           \
	"E SERROR~VERROR~CMP001~Mmockproxy: the recording holds no answer to this statement~"  \
	"DAsked: " asked "<0a>Nearest recorded: select nearest<0a>Difference: " difference     \
	"~HRecord a run that asks this, or look at what was recorded: sqlite3 FILE 'select * " \
	"from queries'.~~\n"

static void say_data(struct client *client, struct slice data)
{
	say_message(client, 'd', data);
}

static void say_done(struct client *client)
{
	say_message(client, 'c', SLICE(""));
}

static void begin(struct client *client)
{
	client_log_in(client);
}

/* ---- to the client ---- */

static void test_out(void **state)
{
	struct client client;
	struct fake fake;

	(void)state;
	begin(&client);
	say_query(&client, "COPY out TO STDOUT");
	say_query(&client, "do 'x'; copy out to stdout; copy out to stdout binary; do 'x'");
	say_extended(&client, "copy out to stdout", 0);
	say_extended(&client, "copy nothing to stdout binary", 1);
	say_parse(&client, "", "copy out to stdout");
	say_bind(&client, "", "", NULL, 1);
	say_target(&client, 'D', "P");
	say_execute(&client, "", 1); /* a limit of rows, which these are not */
	say_sync(&client);
	expect(&fake, &client,
	       OUT_TEXT "d 1<0a>\nd 2<0a>\nd 3<0a>\n" DONE COPIED(3) IDLE
	       "N Mof do~~\nC DO~\n" OUT_TEXT "d 1<0a>\nd 2<0a>\nd 3<0a>\n" DONE COPIED(3)
		       OUT_BINARY "d " HEADER "~<01>~~~<01>x\nd ~<01><ff><ff><ff><ff>\nd "
				  "~<01>~~~<01>y\nd <ff><ff>\n" DONE COPIED(
					  3) "N Mof do~~\nC DO~\n" IDLE BOUND OUT_TEXT
					     "d 1<0a>\nd 2<0a>\nd 3<0a>\n" DONE COPIED(3)
						     BOUND OUT_BINARY
	       "d " HEADER "<ff><ff>\n" DONE COPIED(0) BOUND
	       "n \n" OUT_TEXT "d 1<0a>\nd 2<0a>\nd 3<0a>\n" DONE COPIED(3) IDLE);
}

static void test_out_error(void **state)
{
	struct client client;
	struct fake fake;

	(void)state;
	begin(&client);
	say_query(&client, "copy bad to stdout; do 'x'");
	say_extended(&client, "copy bad to stdout", 0);
	say_extended(&client, "do 'x'", 0);
	say_sync(&client);
	expect(&fake, &client,
	       OUT_TEXT "d 1<0a>\nE SERROR~C22012~xown~~\n" IDLE BOUND OUT_TEXT
			"d 1<0a>\nE SERROR~C22012~xown~~\n" IDLE);
}

/* A value that is never whole: its message is begun with its size, and the parts follow. */
static void test_out_large(void **state)
{
	static const char *const texts[] = { "copy big to stdout", "copy big to stdout binary" };
	struct client client;
	struct buffer text;
	struct fake fake;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		buffer_init(&text, OUT_MAX);
		begin(&client);
		say_query(&client, texts[i]);
		converse(&fake, NULL, &client, SIZE_MAX, &text);
		assert_true(text.size > PART_BYTES && text.size < PART_BYTES + 1000);
		assert_non_null(memmem(text.data, text.size, "\nd ", 3));
		assert_non_null(memmem(text.data, text.size, "\nc \nC COPY 1~\nZ I\n", 18));
		buffer_release(&text);
		buffer_release(&client.bytes);
	}
}

/* ---- from the client ---- */

/* However it is cut, with and without what does not count. */
static void test_in(void **state)
{
	struct client client;
	struct fake fake;

	(void)state;
	begin(&client);
	say_query(&client, "copy t from stdin");
	say_data(&client, SLICE("1\n2\n"));
	say_done(&client);
	say_query(&client, "copy t from stdin");
	say_data(&client, SLICE("1"));
	say_data(&client, SLICE(""));
	say_data(&client, SLICE("\n2"));
	say_done(&client);
	say_query(&client, "copy t from stdin");
	say_data(&client, SLICE("1\n2\n\\.\n"));
	say_done(&client);
	say_query(&client, "copy t from stdin");
	say_done(&client);
	say_query(&client, "copy t from stdin binary");
	say_data(&client, SLICE("PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0\0\1\0\0\0\1x\0\1\377"));
	say_data(&client, SLICE("\377\377\377\377\377"));
	say_done(&client);
	expect(&fake, &client,
	       IN_TEXT COPIED(2) IDLE IN_TEXT COPIED(2) IDLE IN_TEXT COPIED(2)
		       IDLE IN_TEXT COPIED(0) IDLE IN_BINARY COPIED(2) IDLE);
	assert_int_equal(fake.session, 0);
}

/* Among other statements, whose message is gone when the data came. */
static void test_in_several(void **state)
{
	struct client client;
	struct fake fake;

	(void)state;
	begin(&client);
	say_query(&client,
		  "do 'x'; copy t from stdin; copy out to stdout; copy t from stdin; do 'x'");
	say_data(&client, SLICE("1\n2\n"));
	say_done(&client);
	say_done(&client);
	say_query(&client, "copy t from stdin; do 'x'");
	say_message(&client, 'f', SLICE("known\0"));
	expect(&fake, &client,
	       "N Mof do~~\nC DO~\n" IN_TEXT COPIED(2) OUT_TEXT
	       "d 1<0a>\nd 2<0a>\nd 3<0a>\n" DONE COPIED(3)
		       IN_TEXT COPIED(0) "N Mof do~~\nC DO~\n" IDLE IN_TEXT
					 "E SERROR~C57014~xown~~\n" IDLE);
}

/* What follows a COPY in a Query is kept once, and not at each of them: these took more than 16 s of CPU time. */
static void test_in_very_many(void **state)
{
	enum { STATEMENTS = 4000, COMMENT = 16 << 20 };
	struct slice end = SLICE(COPIED(0) IDLE);
	struct buffer sql, text;
	struct client client;
	struct fake fake;
	clock_t before;

	(void)state;
	begin(&client);
	client.bytes.max = 2 * COMMENT;
	buffer_init(&sql, 2 * COMMENT);
	buffer_init(&text, 2 * COMMENT);
	for (size_t i = 0; i < STATEMENTS; i++)
		buffer_append_string(&sql, "copy t from stdin;");
	buffer_append_string(&sql, "--");
	for (size_t i = 0; i < COMMENT; i++)
		buffer_append_u8(&sql, 'x');
	buffer_append_u8(&sql, 0);
	say_query(&client, (const char *)sql.data);
	for (size_t i = 0; i < STATEMENTS; i++)
		say_done(&client);
	before = clock();
	converse(&fake, NULL, &client, SIZE_MAX, &text);
	assert_true(clock() - before < 3 * CLOCKS_PER_SEC);
	assert_true(text.size > end.size);
	assert_memory_equal(text.data + text.size - end.size, end.data, end.size);
	buffer_release(&sql);
	buffer_release(&text);
	buffer_release(&client.bytes);
}

/* The Sync behind Execute is ignored, the one behind the data counts; data that came ahead is taken. */
static void test_in_extended(void **state)
{
	struct client client;
	struct fake fake;

	(void)state;
	begin(&client);
	say_parse(&client, "", "copy t from stdin");
	say_bind(&client, "", "", NULL, 0);
	say_target(&client, 'D', "P");
	say_execute(&client, "", 0);
	say_sync(&client);
	say_message(&client, 'H', SLICE(""));
	say_data(&client, SLICE("1\n2\n"));
	say_done(&client);
	say_sync(&client);
	say_extended(&client, "copy t from stdin", 0);
	say_data(&client, SLICE("1\n2\n"));
	say_done(&client);
	say_extended(&client, "do 'x'", 0);
	say_extended(&client, "copy t from stdin", 0);
	say_message(&client, 'f', SLICE("known\0"));
	say_extended(&client, "do 'x'", 0); /* skipped */
	say_sync(&client);
	say_query(&client, "do 'x'");
	expect(&fake, &client,
	       BOUND "n \n" IN_TEXT COPIED(2) IDLE BOUND IN_TEXT COPIED(2) BOUND
	       "N Mof do~~\nC DO~\n" BOUND IN_TEXT "E SERROR~C57014~xown~~\n" IDLE
	       "N Mof do~~\nC DO~\n" IDLE);
}

/* What the recorded server refused before the end of the data answers data that begins so, unless other data is just this. */
static void test_in_refused(void **state)
{
	struct client client;
	struct fake fake;

	(void)state;
	begin(&client);
	say_query(&client, "copy refused from stdin; do 'x'");
	say_data(&client, SLICE("1\nx\n3\n4\n"));
	say_done(&client);
	say_query(&client, "copy refused from stdin");
	say_data(&client, SLICE("1\nx\n"));
	say_done(&client);
	say_query(&client, "copy refused from stdin");
	say_data(&client, SLICE("1\n"));
	say_done(&client);
	say_query(&client, "copy refused from stdin");
	say_data(&client, SLICE("1\ny\n"));
	say_done(&client);
	expect(&fake, &client,
	       IN_TEXT NOT_A_NUMBER IDLE IN_TEXT NOT_A_NUMBER IDLE IN_TEXT MISS_COPY(
		       "copy refused from stdin", "row 2 of the data: recorded \"x\", asked none")
		       IDLE IN_TEXT MISS_COPY("copy refused from stdin",
					      "row 2 of the data: recorded \"x\", asked \"y\"")
			       IDLE);
}

/* ... and where that is the statement's next answer, it is said in the midst of it: clients stop sending then. */
static void test_in_refused_midway(void **state)
{
	struct client client;
	struct fake fake;

	(void)state;
	begin(&client);
	say_query(&client, "copy refused from stdin");
	say_data(&client, SLICE("1\nx\n3\n"));
	expect(&fake, &client, IN_TEXT NOT_A_NUMBER IDLE);
	begin(&client);
	say_query(&client, "copy t from stdin");
	say_data(&client, SLICE("1\nx\n3\n"));
	expect(&fake, &client, IN_TEXT);
	/* One that its client had cancelled waits for that. */
	begin(&client);
	say_query(&client, "copy cancelled from stdin");
	say_data(&client, SLICE("1\nx\n3\n"));
	expect(&fake, &client, IN_TEXT);
}

static void test_in_misses(void **state)
{
	struct client client;
	struct fake fake;

	(void)state;
	begin(&client);
	say_query(&client, "copy t from stdin; do 'x'");
	say_data(&client, SLICE("1\n3\tthree\n"));
	say_done(&client);
	say_query(&client, "copy t from stdin");
	say_data(&client, SLICE("1\n2\n3\n"));
	say_done(&client);
	say_query(&client, "copy t from stdin binary");
	say_data(&client, SLICE("PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0\0\1\0\0\0\1\1\377\377"));
	say_done(&client);
	say_query(&client, "copy t from stdin binary");
	say_data(&client, SLICE("no binary data"));
	say_done(&client);
	/* Not recorded at all: at once, and the data behind it is nothing. */
	say_query(&client, "copy unknown from stdin");
	say_data(&client, SLICE("1\n"));
	say_done(&client);
	say_query(&client, "copy missing from stdin");
	say_data(&client, SLICE("1\n"));
	say_message(&client, 'f', SLICE("why\0"));
	say_query(&client, "do 'x'");
	expect(&fake, &client,
	       IN_TEXT MISS_COPY("copy t from stdin",
				 "row 2 of the data: recorded \"2\", asked \"3\\t"
				 "three\"")
		       IDLE IN_TEXT MISS_COPY("copy t from stdin",
					      "row 3 of the data: recorded none, asked \"3\"")
			       IDLE IN_BINARY MISS_COPY(
				       "copy t from stdin binary",
				       "row 1 of the data, field 1: recorded x, asked 0x01")
				       IDLE IN_BINARY MISS_COPY("copy t from stdin binary",
								"the data differs")
					       IDLE MISS_COPY("copy unknown from stdin",
							      "value 1: recorded 5, asked 7") IDLE
	       "E SERROR~C42P01~xown~~\n" IDLE "N Mof do~~\nC DO~\n" IDLE);
}

/* Nobody recorded this, and yet everybody knows what a server says. */
static void test_in_given_up(void **state)
{
	struct client client;
	struct fake fake;

	(void)state;
	begin(&client);
	say_query(&client, "begin");
	say_query(&client, "copy t from stdin; do 'x'");
	say_data(&client, SLICE("1\n"));
	say_message(&client, 'f', SLICE("no more\0"));
	say_query(&client, "copy t from stdin");
	say_query(&client, "rollback");
	expect(&fake, &client,
	       "C BEGIN~\n" IN_TRANSACTION IN_TEXT
	       "E SERROR~VERROR~C57014~MCOPY from stdin failed: no more~~\n" FAILED ABORTED FAILED
	       "C ROLLBACK~\n" IDLE);
	assert_int_equal(fake.session, 2);
}

static void test_in_unexpected(void **state)
{
	struct client client;
	struct fake fake;

	(void)state;
	begin(&client);
	say_query(&client, "copy t from stdin");
	say_query(&client, "do 'x'");
	say_query(&client, "do 'x'");
	expect(&fake, &client,
	       IN_TEXT "E SFATAL~VFATAL~C08P01~Munexpected message type 0x51 during COPY from "
		       "stdin~~\nclosed\n");
	begin(&client);
	say_query(&client, "copy t from stdin");
	say_data(&client, SLICE("1\n"));
	say_message(&client, 'X', SLICE(""));
	expect(&fake, &client, IN_TEXT "closed\n");
}

static void test_replication(void **state)
{
	struct client client;
	struct fake fake;

	(void)state;
	client_init(&client);
	say_start(&client, PG_PROTOCOL(3, 0),
		  SLICE("user\0ann\0database\0shop\0replication\0on\0\0"));
	expect(&fake, &client,
	       "E SFATAL~VFATAL~CMP002~Mmockproxy: a replication connection is relayed while "
	       "recording, and not replayed~~\nclosed\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_out),
		cmocka_unit_test(test_out_error),
		cmocka_unit_test(test_out_large),
		cmocka_unit_test(test_in),
		cmocka_unit_test(test_in_several),
		cmocka_unit_test(test_in_very_many),
		cmocka_unit_test(test_in_extended),
		cmocka_unit_test(test_in_refused),
		cmocka_unit_test(test_in_refused_midway),
		cmocka_unit_test(test_in_misses),
		cmocka_unit_test(test_in_given_up),
		cmocka_unit_test(test_in_unexpected),
		cmocka_unit_test(test_replication),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
