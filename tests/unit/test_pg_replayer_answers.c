/* SPDX-License-Identifier: Apache-2.0 */
/* What the PostgreSQL replayer answers: misses, rows in the form and the slices asked for, and what the session knows itself. */
#include "tests/unit/pg_replay.h"

/* ---- misses ---- */

static void test_misses(void **state)
{
	struct client client;
	struct fake fake;

	(void)state;
	client_log_in(&client);
	say_query(&client, "select a from t where a = 7; do 'x'");
	say_parse(&client, "", "select unknown");
	say_bind(&client, "", "", NULL, 0);
	say_sync(&client);
	say_parse(&client, "", "select a from t where a = $1");
	say_bind(&client, "", "", "7", 0);
	say_target(&client, 'D', "P");
	say_execute(&client, "", 0);
	say_sync(&client);
	say_query(&client, "do 'x'");
	say_query(&client, "select once");
	say_query(&client, "select once");
	expect(&fake, &client,
	       MISS("select a from t where a = 7") IDLE MISS("select unknown") IDLE
	       "1 \n2 \n" T_INT MISS("select a from t where a = $1") IDLE
	       "N Mof do~~\nC DO~\n" IDLE "C SELECT 0~\n" IDLE
	       "E SERROR~VERROR~CMP001~Mmockproxy: every recorded answer to this statement was "
	       "given already~"
	       "DAsked: select once<0a>Nearest recorded: select nearest<0a>Difference: value 1: "
	       "recorded 5, asked 7~"
	       "HRecord a run that asks this, or look at what was recorded: sqlite3 FILE 'select * "
	       "from queries'.~~\n" IDLE);
}

#define ONE "D ~<01>~~~<01>1\n"
#define TWO "D ~<01>~~~<01>2\n"
#define THREE "D ~<01>~~~<01>3\n"
#define N(message) "N M" message "~~\n"

/* Each notice at its place between the rows, in whatever slices they are fetched. */
static void test_notices(void **state)
{
	struct client client;
	struct fake fake;

	(void)state;
	client_log_in(&client);
	say_query(&client, "select noisy");
	expect(&fake, &client,
	       N("plan") T_INT N("first") ONE TWO N("of two") THREE N("last")
		       N("more") "C SELECT 3~\n" N("behind") IDLE);
	client_log_in(&client);
	say_extended(&client, "select noisy", 0);
	say_sync(&client);
	expect(&fake, &client,
	       "1 \n2 \n" N("plan") N("first") ONE TWO N("of two") THREE N("last")
		       N("more") "C SELECT 3~\n" N("behind") IDLE);
	client_log_in(&client);
	say_parse(&client, "", "select noisy");
	say_bind(&client, "", "", NULL, 0);
	say_execute(&client, "", 1);
	say_execute(&client, "", 2);
	say_execute(&client, "", 1);
	say_execute(&client, "", 1); /* drained: they were said */
	say_sync(&client);
	expect(&fake, &client,
	       "1 \n2 \n" N("plan") N("first") ONE "s \n" TWO N("of two") THREE "s \n" N("last")
		       N("more") "C SELECT 0~\n" N("behind") "C SELECT 0~\n" IDLE);
}

/* Of one argument in text, or null; the result in `form`. */
static void say_call(struct client *client, uint32_t oid, const char *argument, uint16_t form)
{
	struct buffer body;

	buffer_init(&body, 1000);
	buffer_append_u32be(&body, oid);
	buffer_append_u16be(&body, 0);
	buffer_append_u16be(&body, 1);
	buffer_append_u32be(&body, argument ? (uint32_t)strlen(argument) : UINT32_MAX);
	if (argument)
		buffer_append_string(&body, argument);
	buffer_append_u16be(&body, form);
	say_message(client, 'F', buffer_slice(&body));
	buffer_release(&body);
}

static void test_calls(void **state)
{
	struct client client;
	struct fake fake;

	(void)state;
	client_log_in(&client);
	say_call(&client, 871, "x", 0);
	say_call(&client, 871, NULL, 1);
	say_call(&client, 958, "0", 0);
	say_call(&client, 958, "0", 1);
	expect(&fake, &client,
	       "V ~~~<01>X\n" IDLE "N Mloud~~\nV <ff><ff><ff><ff>\n" IDLE "V ~~~<01>7\n" IDLE
	       "V ~~~<04>~~~<07>\n" IDLE);
	client_log_in(&client);
	say_call(&client, 871, "y", 0);
	say_call(&client, 871, "x", 2); /* no such form */
	say_query(&client, "begin");
	say_call(&client, 871, "bad", 0);
	say_call(&client, 871, "x", 0);
	expect(&fake, &client,
	       MISS("function call \"oid 871\"($1)") IDLE
	       "E SERROR~VERROR~C08P01~Mmalformed FunctionCall~~\n" IDLE "C BEGIN~\n" IN_TRANSACTION
	       "E SERROR~C22012~xown~~\n" FAILED ABORTED FAILED);
}

/* A result that is larger than any buffer; and a recording that has lost one. */
static void test_large_call(void **state)
{
	struct client client;
	struct buffer text;
	struct fake fake;

	(void)state;
	client_log_in(&client);
	buffer_init(&text, OUT_MAX);

	say_call(&client, 871, "big", 0);
	say_call(&client, 871, "none", 0);
	converse(&fake, NULL, &client, SIZE_MAX, &text);
	assert_true(text.size > PART_BYTES);
	assert_non_null(memmem(text.data, text.size, "V ~<10>~~abc", 12));
	assert_non_null(memmem(text.data, text.size, "CMP002", 6));
	assert_int_equal(fake.unservable, 1);
	buffer_release(&text);
	buffer_release(&client.bytes);
}

/* Where the server was recorded to drop the connection it is dropped. */
static void test_dropped(void **state)
{
	struct client client;
	struct fake fake;

	(void)state;
	client_log_in(&client);
	say_query(&client, "do 'x'; select dropped; do 'x'");
	expect(&fake, &client, "N Mof do~~\nC DO~\n" T_INT D("1", "<01>") "closed\n");
	client_log_in(&client);
	say_extended(&client, "select dropped", 0);
	say_sync(&client);
	expect(&fake, &client, "1 \n2 \n" D("1", "<01>") "closed\n");
	client_log_in(&client);
	say_query(&client, "select reset");
	expect(&fake, &client, "reset\n");
}

static void test_miss_in_transaction(void **state)
{
	struct client client;
	struct fake fake;

	(void)state;
	client_log_in(&client);
	say_query(&client, "begin");
	say_parse(&client, "s", "select a from five");
	say_sync(&client);
	say_query(&client, "select unknown");
	say_query(&client, "do 'x'");
	say_parse(&client, "s", "do 'x'"); /* that is said before that the name is taken */
	say_sync(&client);
	say_target(&client, 'D', "Ss");
	say_sync(&client);
	say_bind(&client, "", "s", NULL, 0);
	say_sync(&client);
	say_query(&client, "commit");
	say_query(&client, "do 'x'");
	say_query(&client, "begin; savepoint s; select unknown");
	say_query(&client, "rollback to s");
	say_query(&client, "rollback");
	say_query(&client, "begin");
	say_message(&client, 'F', SLICE("\0\0\0\1"));
	say_query(&client, "rollback");
	expect(&fake, &client,
	       "C BEGIN~\n" IN_TRANSACTION "1 \n" IN_TRANSACTION MISS("select unknown")
		       FAILED ABORTED FAILED ABORTED FAILED ABORTED FAILED ABORTED FAILED
	       "C ROLLBACK~\n" IDLE "N Mof do~~\nC DO~\n" IDLE
	       "C BEGIN~\nC SAVEPOINT~\n" MISS("select unknown") FAILED
	       "C ROLLBACK~\n" IN_TRANSACTION "C ROLLBACK~\n" IDLE "C BEGIN~\n" IN_TRANSACTION
	       "E SERROR~VERROR~C08P01~Mmalformed FunctionCall~~\n" FAILED "C ROLLBACK~\n" IDLE);
}

/* What a server cannot read it refuses for that, whatever its transaction; all else that was refused is ignored. */
static void test_unreadable_in_transaction(void **state)
{
	struct client client;
	struct fake fake;

	(void)state;
	client_log_in(&client);
	say_query(&client, "begin");
	say_query(&client, "selct");
	say_query(&client, "selct");
	say_query(&client, "select bad");
	say_query(&client, "do 'x'");
	say_query(&client, "rollback");
	expect(&fake, &client,
	       "C BEGIN~\n" IN_TRANSACTION "E SERROR~C42601~Fscan.l~~\n" FAILED
	       "E SERROR~C42601~Fscan.l~~\n" FAILED ABORTED FAILED ABORTED FAILED
	       "C ROLLBACK~\n" IDLE);
}

/* ---- rows ---- */

static void test_row_limits(void **state)
{
	struct client client;
	struct fake fake;

	(void)state;
	client_log_in(&client);
	say_query(&client, "begin");
	say_parse(&client, "", "select a from five");
	say_bind(&client, "p", "", NULL, 0);
	say_execute(&client, "p", 2);
	say_sync(&client);
	say_execute(&client, "p", 2);
	say_execute(&client, "p", 2);
	say_execute(&client, "p", 2);
	say_sync(&client);
	say_parse(&client, "", "select a from sliced");
	say_bind(&client, "q", "", NULL, 0);
	say_execute(&client, "q", 0);
	say_bind(&client, "r", "", NULL, 0);
	say_execute(&client, "r", 3);
	say_execute(&client, "r", 3);
	say_parse(&client, "", "insert into t values ($1)");
	say_bind(&client, "", "", "1", 0);
	say_execute(&client, "", 1);
	say_sync(&client);
	say_query(&client, "select a from sliced");
	expect(&fake, &client,
	       "C BEGIN~\n" IN_TRANSACTION
	       "1 \n2 \n" D("1", "<01>") D("2", "<01>") "s \n" IN_TRANSACTION
		       D("3", "<01>") "D ~<01><ff><ff><ff><ff>\ns \n" D(
			       "5",
			       "<01>") "C SELECT 1~\nC SELECT 0~\n" IN_TRANSACTION "1 \n2 \n" D("1",
												"<0"
												"1"
												">")
			       D("2", "<01>") D("3", "<01>") "C SELECT 3~\n2 \n" D("1", "<01>") D(
				       "2", "<01>")
				       D("3",
					 "<01>") "s \nC SELECT 0~\n1 \n2 \nC INSERT 0 "
						 "1~\n" IN_TRANSACTION T_INT D("1", "<01>") D(
							 "2", "<01>")
							 D("3",
							   "<01>") "C SELECT 3~\n" IN_TRANSACTION);
}

#define OWN                                                                                \
	"in binary and asked as text. What type that is the recording does not know: the " \
	"program did not ask the server"

static void test_conversion(void **state)
{
	struct client client;
	struct fake fake;

	(void)state;
	client_log_in(&client);
	say_extended(&client, "select a from t where a = 5", 1); /* recorded as text */
	say_sync(&client);
	say_extended(&client, "select a from t where a = 6", 0); /* recorded in binary */
	say_sync(&client);
	say_extended(&client, "select own", 1);
	say_sync(&client);
	say_extended(&client, "select own", 0);
	say_sync(&client);
	say_extended(&client, "select own part", 0);
	say_sync(&client);
	say_query(&client, "do 'x'");
	expect(&fake, &client,
	       "1 \n2 \nD ~<01>~~~<04>~~~<05>\nC SELECT 1~\n" IDLE
	       "1 \n2 \n" D("6", "<01>") "C SELECT 1~\n" IDLE "1 \n2 \n" D(
		       "xyz", "<03>") "C SELECT 1~\n" IDLE "1 \n2 \n" UNSERVABLE("d", "99999", OWN)
		       IDLE "1 \n2 \n" UNSERVABLE("d", "99999", OWN) IDLE
	       "N Mof do~~\nC DO~\n" IDLE);
	assert_int_equal(fake.unservable, 2); /* also when an answer of before is in the cache */
}

/* Nobody asked what its columns are, so what form the values have is not known. */
static void test_undescribed(void **state)
{
	struct client client;
	struct fake fake;

	(void)state;
	client_log_in(&client);
	say_extended(&client, "select undescribed", 0);
	say_extended(&client, "select undescribed", 1);
	say_sync(&client);
	expect(&fake, &client,
	       "1 \n2 \n" D("xyz", "<03>") "C SELECT 1~\n1 \n2 \n"
					   "E SERROR~VERROR~CMP002~Mmockproxy: the recorded answer "
					   "cannot be given in the form "
					   "that was asked for~DWhen it was recorded, nobody asked "
					   "for a description of its "
					   "columns: in what form they are is not known.~HRecord "
					   "with the driver that "
					   "replays.~~\n" IDLE);
}

/* The cache is shared: what one session cannot be given, another can, and the other way round. */
static void test_conversion_by_session(void **state)
{
	struct answer_cache *cache = answer_cache_new(64);
	struct buffer text;
	struct fake fake;

	(void)state;
	buffer_init(&text, OUT_MAX);
	for (int i = 0; i < 4; i++) {
		bool utc = i == 1 || i == 2;
		struct client client;

		if (utc) {
			client_log_in(&client);
		} else {
			client_init(&client);
			say_start(&client, PG_PROTOCOL(3, 0),
				  SLICE("user\0ann\0database\0shop\0TimeZone\0CET\0\0"));
		}
		say_extended(&client, "select now", 0);
		say_sync(&client);
		buffer_clear(&text);
		converse(&fake, cache, &client, SIZE_MAX, &text);
		buffer_append_u8(&text, 0);
		assert_int_equal(strstr((char *)text.data, "2020-01-01 00:00:00+00") != NULL, utc);
		assert_int_equal(strstr((char *)text.data, "CMP002") != NULL, !utc);
		buffer_release(&client.bytes);
	}
	buffer_release(&text);
	answer_cache_free(cache);
}

/* Values of 1 MB in parts: fill() never gives more than a piece beyond its limit (replay_feed() looks). */
static void test_value_parts(void **state)
{
	struct answers answers;
	struct replayer *replayer;
	struct client client;
	struct buffer all, value;
	struct cursor cursor;
	struct fake fake = { 0 };

	(void)state;
	answers = answers_of(&fake, NULL);
	replayer = pg_replayer_new(&answers, 7);
	client_log_in(&client);
	buffer_init(&all, OUT_MAX);
	buffer_init(&value, OUT_MAX);
	replay_feed(&postgres_protocol, replayer, buffer_slice(&client.bytes), SIZE_MAX, &all);
	buffer_clear(&client.bytes);
	buffer_clear(&all);
	say_query(&client, "select big");
	assert_false(replay_feed(&postgres_protocol, replayer, buffer_slice(&client.bytes),
				 SIZE_MAX, &all));
	for (size_t i = 0; i < PART_BYTES; i++)
		buffer_append_u8(&value, (uint8_t)('a' + i % 23));

	cursor = cursor_of(buffer_slice(&all));
	assert_int_equal(cursor_u8(&cursor), 'T');
	cursor_bytes(&cursor, cursor_u32be(&cursor) - 4);
	for (int row = 0; row < 3; row++) {
		uint32_t length = row == 1 ? 10 : (uint32_t)PART_BYTES + 10;

		assert_int_equal(cursor_u8(&cursor), 'D');
		assert_int_equal(cursor_u32be(&cursor), length);
		assert_int_equal(cursor_u16be(&cursor), 1);
		assert_int_equal(cursor_u32be(&cursor), row == 1 ? UINT32_MAX : PART_BYTES);
		if (row != 1)
			assert_true(slice_equal(cursor_bytes(&cursor, PART_BYTES),
						buffer_slice(&value)));
	}
	assert_true(slice_equal(cursor_rest(&cursor), SLICE("C\0\0\0\015SELECT 3\0Z\0\0\0\005I")));
	buffer_release(&all);
	buffer_release(&value);
	buffer_release(&client.bytes);
	pg_replayer_free(replayer);
}

/* ---- what the session answers itself ---- */

struct asked {
	const char *sql, *answer;
};

/* Each a Query of one session. */
static void expect_answers(const struct asked *asked, size_t n)
{
	struct client client;
	struct buffer expected;
	struct fake fake;

	client_log_in(&client);
	buffer_init(&expected, OUT_MAX);
	for (size_t i = 0; i < n; i++) {
		say_query(&client, asked[i].sql);
		buffer_append_string(&expected, asked[i].answer);
	}
	buffer_append_u8(&expected, 0);
	expect(&fake, &client, (const char *)expected.data);
	buffer_release(&expected);
}

#define NO_TRANSACTION "N SWARNING~VWARNING~C25P01~Mthere is no transaction in progress~~\n"
#define ONLY_IN_BLOCKS(what) \
	"E SERROR~VERROR~C25P01~M" what " can only be used in transaction blocks~~\n"

static void test_transactions(void **state)
{
	static const struct asked asked[] = {
		{ "commit", NO_TRANSACTION "C COMMIT~\nZ I\n" },
		{ "start transaction; begin work",
		  "C START TRANSACTION~\n"
		  "N SWARNING~VWARNING~C25001~Mthere is already a transaction in progress~~\n"
		  "C BEGIN~\nZ T\n" },
		{ "prepare transaction 'one'", "C PREPARE TRANSACTION~\nZ I\n" },
		{ "commit prepared 'one'", "C COMMIT PREPARED~\nZ I\n" },
		{ "rollback prepared 'two'", "C ROLLBACK PREPARED~\nZ I\n" },
		{ "prepare transaction 'one'", NO_TRANSACTION "C ROLLBACK~\nZ I\n" },
		{ "begin; savepoint a; select bad; rollback",
		  "C BEGIN~\nC SAVEPOINT~\n" T_INT D("1", "<01>") "E SERROR~C22012~xown~~\nZ E\n" },
		{ "prepare transaction 'one'", "C ROLLBACK~\nZ I\n" },
		{ "savepoint a", ONLY_IN_BLOCKS("SAVEPOINT") IDLE },
		{ "release a", ONLY_IN_BLOCKS("RELEASE SAVEPOINT") IDLE },
		{ "rollback to a", ONLY_IN_BLOCKS("ROLLBACK TO SAVEPOINT") IDLE },
		{ "set client_min_messages = error; rollback", "C SET~\nC ROLLBACK~\nZ I\n" },
	};

	(void)state;
	expect_answers(asked, sizeof(asked) / sizeof(asked[0]));
}

#define SHOWN(name, length, value)                                                         \
	"T ~<01>" name "~~~~~~~~~~<19><ff><ff><ff><ff><ff><ff>~~\nD ~<01>~~~" length value \
	"\nC SHOW~\n"
#define UNLOCKED                                                                  \
	"T ~<01>pg_advisory_unlock_all~~~~~~~~~<08><e6>~<04><ff><ff><ff><ff>~~\n" \
	"D ~<01>~~~~\nC SELECT 1~\n"

/* What was set is shown where a server's spelling of it is known; what pools say is answered. */
static void test_shown(void **state)
{
	static const struct asked asked[] = {
		{ "show TimeZone", SHOWN("TimeZone", "<03>", "UTC") IDLE },
		{ "set time zone 'PST8PDT'; show time zone",
		  "C SET~\n" SHOWN("TimeZone", "<07>", "PST8PDT") "S TimeZone~PST8PDT~\n" IDLE },
		{ "set my.own = 'it''s'; show my.own",
		  "C SET~\n" SHOWN("my.own", "<04>", "it's") IDLE },
		{ "begin; set local my.own = 'other'; rollback; show my.own",
		  "C BEGIN~\nC SET~\nC ROLLBACK~\n" SHOWN("my.own", "<04>", "it's") IDLE },
		{ "set datestyle = 'SQL, DMY'; show datestyle",
		  "C SET~\n" SHOWN("DateStyle", "<08>",
				   "SQL, DMY") "S DateStyle~SQL, DMY~\n" IDLE },
		{ "set datestyle = 'MDY'; show datestyle", "C SET~\n" MISS("show datestyle") IDLE },
		{ "set time zone '-1.5'; show time zone", "C SET~\n" MISS("show time zone") IDLE },
		{ "reset datestyle", "C RESET~\nS DateStyle~ISO, MDY~\n" IDLE },
		{ "set work_mem = 5000; show work_mem", "C SET~\n" MISS("show work_mem") IDLE },
		{ "SELECT pg_advisory_unlock_all(); CLOSE ALL; UNLISTEN *; RESET ALL",
		  UNLOCKED "C CLOSE CURSOR ALL~\nC UNLISTEN~\nC RESET~\nS TimeZone~UTC~\n" IDLE },
	};
	struct client client;
	struct fake fake;

	(void)state;
	expect_answers(asked, sizeof(asked) / sizeof(asked[0]));
	client_log_in(&client);
	say_parse(&client, "", "show client_encoding");
	say_target(&client, 'D', "S");
	say_bind(&client, "", "", NULL, 1);
	say_target(&client, 'D', "P");
	say_execute(&client, "", 0);
	say_sync(&client);
	expect(&fake, &client,
	       "1 \nt ~~\n"
	       "T ~<01>client_encoding~~~~~~~~~~<19><ff><ff><ff><ff><ff><ff>~~\n2 \n"
	       "T ~<01>client_encoding~~~~~~~~~~<19><ff><ff><ff><ff><ff><ff>~<01>\n"
	       "D ~<01>~~~<04>UTF8\nC SHOW~\n" IDLE);
}

static void test_housekeeping(void **state)
{
	static const struct asked statements[] = {
		{ "start transaction", "C START TRANSACTION~\nZ T\n" },
		{ "savepoint a", "C SAVEPOINT~\nZ T\n" },
		{ "release a", "C RELEASE~\nZ T\n" },
		{ "set constraints all deferred", "C SET CONSTRAINTS~\nZ T\n" },
		{ "end", "C COMMIT~\nZ I\n" },
		{ "begin; commit", "C BEGIN~\nC COMMIT~\nZ I\n" },
		{ "abort", NO_TRANSACTION "C ROLLBACK~\nZ I\n" },
		{ "set application_name = 'other'", "C SET~\nS application_name~other~\nZ I\n" },
		{ "set application_name = 'other'", "C SET~\nZ I\n" },
		{ "reset application_name", "C RESET~\nS application_name~me~\nZ I\n" },
		{ "begin; set application_name = 'x'; rollback",
		  "C BEGIN~\nC SET~\nC ROLLBACK~\nZ I\n" },
		{ "set timezone = 'cet'", "C SET~\nS TimeZone~CET~\nZ I\n" },
		{ "discard all", "C DISCARD ALL~\nS TimeZone~UTC~\nZ I\n" },
		{ "discard temp", "C DISCARD TEMP~\nZ I\n" },
		{ "discard sequences", "C DISCARD SEQUENCES~\nZ I\n" },
		{ "discard plans", "C DISCARD PLANS~\nZ I\n" },
		{ "deallocate all", "C DEALLOCATE ALL~\nZ I\n" },
		{ "close all", "C CLOSE CURSOR ALL~\nZ I\n" },
		{ "close c", "C CLOSE CURSOR~\nZ I\n" },
		{ "unlisten *", "C UNLISTEN~\nZ I\n" },
	};

	(void)state;
	expect_answers(statements, sizeof(statements) / sizeof(statements[0]));
}

/* What a client asks for at login is what it is told, in the words of a server; RESET goes back to that. */
static void test_settings_of_the_login(void **state)
{
	static const struct {
		struct slice asked;
		const char *reported;
	} cases[] = {
		{ SLICE("TimeZone\0Asia/Tokyo\0"), "S TimeZone~Asia/Tokyo~\n" },
		{ SLICE("timezone\0utc\0"), "S TimeZone~UTC~\n" },
		{ SLICE("client_encoding\0'utf-8'\0"), "S client_encoding~UTF8~\n" },
		{ SLICE("client_encoding\0iso-8859-1\0"), "S client_encoding~LATIN1~\n" },
		{ SLICE("client_encoding\0mule_internal\0"), "S client_encoding~mule_internal~\n" },
		{ SLICE("DateStyle\0ISO\0"), "S DateStyle~ISO, MDY~\n" },
		{ SLICE("datestyle\0german\0"), "S DateStyle~German, DMY~\n" },
		{ SLICE("options\0-c datestyle=sql,ymd -c intervalstyle=ISO_8601\0"),
		  "S DateStyle~SQL, YMD~\nS IntervalStyle~iso_8601~\n" },
		{ SLICE("DateStyle\0european,german\0"), "S DateStyle~German, DMY~\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct client client;
		struct buffer text, parameters;
		struct fake fake;

		client_init(&client);
		buffer_init(&text, OUT_MAX);
		buffer_init(&parameters, OUT_MAX);
		buffer_append_slice(&parameters, SLICE("user\0ann\0database\0shop\0"));
		buffer_append_slice(&parameters, cases[i].asked);
		buffer_append_u8(&parameters, 0);
		say_start(&client, PG_PROTOCOL(3, 0), buffer_slice(&parameters));
		say_query(&client, "set timezone = 'cet'");
		say_query(&client, "reset all");
		converse(&fake, NULL, &client, SIZE_MAX, &text);
		buffer_append_u8(&text, 0);
		if (!strstr((char *)text.data, cases[i].reported))
			fail_msg("no %s in %s", cases[i].reported, (char *)text.data);
		if (!i)
			assert_non_null(
				strstr((char *)text.data, "C RESET~\nS TimeZone~Asia/Tokyo~\n"));
		buffer_release(&text);
		buffer_release(&parameters);
		buffer_release(&client.bytes);
	}
}

static void test_deallocate(void **state)
{
	struct client client;
	struct fake fake;

	(void)state;
	client_log_in(&client);
	say_parse(&client, "s1", "do 'x'");
	say_parse(&client, "S\"2", "do 'x'");
	say_parse(&client, "s3", "do 'x'");
	say_sync(&client);
	say_query(&client, "deallocate s1; deallocate prepare \"S\"\"2\"");
	say_target(&client, 'D', "Ss1");
	say_sync(&client);
	say_target(&client, 'D', "SS\"2");
	say_sync(&client);
	say_target(&client, 'D', "Ss3");
	say_sync(&client);
	say_extended(&client, "deallocate all", 0);
	say_target(&client, 'D', "Ss3");
	say_sync(&client);
	expect(&fake, &client,
	       "1 \n1 \n1 \n" IDLE "C DEALLOCATE~\nC DEALLOCATE~\n" IDLE
	       "E SERROR~VERROR~C26000~Mprepared statement \"s1\" does not exist~~\n" IDLE
	       "E SERROR~VERROR~C26000~Mprepared statement \"S\"2\" does not exist~~\n" IDLE
	       "t ~~\nn \n" IDLE "1 \n2 \nC DEALLOCATE ALL~\nE SERROR~VERROR~C26000~Mprepared "
	       "statement \"s3\" does not exist~~\n" IDLE);
}

/* More reports in one batch than are kept: no message is cut. */
static void test_status_flood(void **state)
{
	struct client client;
	struct buffer text;
	struct fake fake;

	(void)state;
	client_log_in(&client);
	buffer_init(&text, OUT_MAX);

	for (int i = 0; i < 20000; i++)
		say_extended(&client, i & 1 ? "set application_name = 'aaaaaaaa'" : "show standby",
			     0);
	say_sync(&client);
	converse(&fake, NULL, &client, SIZE_MAX, &text); /* render() checks the frames */
	assert_true(memmem(text.data, text.size, "S application_name~aaaa", 23) != NULL);
	buffer_release(&text);
	buffer_release(&client.bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_misses),
		cmocka_unit_test(test_notices),
		cmocka_unit_test(test_calls),
		cmocka_unit_test(test_large_call),
		cmocka_unit_test(test_dropped),
		cmocka_unit_test(test_miss_in_transaction),
		cmocka_unit_test(test_unreadable_in_transaction),
		cmocka_unit_test(test_row_limits),
		cmocka_unit_test(test_conversion),
		cmocka_unit_test(test_undescribed),
		cmocka_unit_test(test_conversion_by_session),
		cmocka_unit_test(test_value_parts),
		cmocka_unit_test(test_housekeeping),
		cmocka_unit_test(test_transactions),
		cmocka_unit_test(test_shown),
		cmocka_unit_test(test_settings_of_the_login),
		cmocka_unit_test(test_deallocate),
		cmocka_unit_test(test_status_flood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
