/* SPDX-License-Identifier: Apache-2.0 */
/* What a PostgreSQL replayer says by itself: its own notifications, those of others, and what was recorded between requests. */
#include "tests/unit/pg_replay.h"

#define NO_TRANSACTION "N SWARNING~VWARNING~C25P01~Mthere is no transaction in progress~~\n"
#define A(payload) "A ~@~<07>jobs~" payload "~\n"
#define C(tag) "C " tag "~\n"

static void expect_own(const char *const *queries, const char *expected)
{
	struct client client;
	struct fake fake;

	client_log_in(&client);
	for (; *queries; queries++)
		say_query(&client, *queries);
	expect(&fake, &client, expected);
}

static void test_own(void **state)
{
	const char *const queries[] = {
		"notify jobs, 'one'", "listen jobs; notify jobs, 'one'",
		"notify jobs",	      "insert into work values (1)",
		"listen \"Late\"",    "unlisten *",
		"notify jobs, 'one'", NULL,
	};

	(void)state;
	expect_own(queries, C("NOTIFY") IDLE C("LISTEN") C("NOTIFY") A("one") IDLE C("NOTIFY") A("")
				    IDLE C("INSERT 0 1") A("made") IDLE C("LISTEN")
					    IDLE C("UNLISTEN") IDLE C("NOTIFY") IDLE);
}

/* One Query behind LISTEN, and a COMMIT behind it. */
static void expect_query(const char *query, const char *expected)
{
	const char *const queries[] = { "listen jobs", query, "commit", NULL };
	struct buffer text;

	buffer_init(&text, 10000);
	buffer_append_string(&text, C("LISTEN") IDLE);
	buffer_append_string(&text, expected);
	buffer_append_u8(&text, 0);
	expect_own(queries, (const char *)text.data);
	buffer_release(&text);
}

/* Equal ones are one, also where a trigger made the second; what is rolled back was never said. */
static void test_transactions(void **state)
{
	(void)state;
	expect_query("begin; notify jobs, 'one'; notify jobs, 'two'; notify jobs, 'one'",
		     C("BEGIN") C("NOTIFY") C("NOTIFY") C("NOTIFY") IN_TRANSACTION C("COMMIT")
			     A("one") A("two") IDLE);
	expect_query("begin; notify jobs, 'one'; rollback",
		     C("BEGIN") C("NOTIFY") C("ROLLBACK") IDLE NO_TRANSACTION C("COMMIT") IDLE);
	expect_query("notify jobs, 'one'; select unknown",
		     C("NOTIFY") MISS("select unknown") IDLE NO_TRANSACTION C("COMMIT") IDLE);
	expect_query("begin; notify jobs, 'one'; select unknown",
		     C("BEGIN") C("NOTIFY") MISS("select unknown") FAILED C("ROLLBACK") IDLE);
	expect_query("begin; unlisten *; rollback; notify jobs, 'two'",
		     C("BEGIN") C("UNLISTEN") C("ROLLBACK") C("NOTIFY") A("two")
			     IDLE NO_TRANSACTION C("COMMIT") IDLE);
}

static void test_savepoints(void **state)
{
	(void)state;
	expect_query("begin; notify jobs, 'one'; savepoint s; notify jobs, 'two'; rollback to s",
		     C("BEGIN") C("NOTIFY") C("SAVEPOINT") C("NOTIFY") C("ROLLBACK")
			     IN_TRANSACTION C("COMMIT") A("one") IDLE);
	expect_query("begin; savepoint s; notify jobs, 'two'; release s; savepoint t; "
		     "notify jobs, 'one'; rollback to t; rollback to t",
		     C("BEGIN") C("SAVEPOINT") C("NOTIFY") C("RELEASE") C("SAVEPOINT") C("NOTIFY")
			     C("ROLLBACK") C("ROLLBACK") IN_TRANSACTION C("COMMIT") A("two") IDLE);
}

/* asyncpg asks for one row, and never for the end. */
static void test_row_limit(void **state)
{
	struct client client;
	struct fake fake;

	(void)state;
	client_log_in(&client);
	say_query(&client, "listen jobs");
	say_parse(&client, "", "select pg_notify('jobs', $1)");
	say_bind(&client, "", "", "two", 0);
	say_execute(&client, "", 1);
	say_sync(&client);
	expect(&fake, &client,
	       C("LISTEN") IDLE "1 \n2 \nD ~<01><ff><ff><ff><ff>\ns \n" A("two") IDLE);
}

/* Alone, without a clock: what comes later comes at once, and what ends the session ends it. */
static void test_recorded(void **state)
{
	const char *const queries[] = {
		"listen jobs",
		"select heard within",
		"begin; select heard within",
		"commit",
		"select reloaded",
		"select killed",
		"select once",
		NULL,
	};

	(void)state;
	expect_own(queries,
		   C("LISTEN") IDLE C("SELECT 0") "A ~~~<09>jobs~in~\n" IDLE C("BEGIN")
			   C("SELECT 0") IN_TRANSACTION C("COMMIT") "A ~~~<09>jobs~in~\n" IDLE C(
				   "SELECT 0") "S work_mem~1MB~\n" IDLE C("SELECT 0")
				   IDLE C("SELECT 0") IDLE "E SFATAL~C57P01~~\nclosed\n");
}

/* ---- several connections ---- */

struct party {
	struct fake fake;
	struct answers answers;
	struct answer_peers peers;
	struct replayer *replayer;
	struct party *other;
	bool joined;
	const struct answer_aside *later;
	struct buffer said;
};

static void side_publish(void *context, struct slice database, const struct answer_aside *aside)
{
	struct party *side = context;

	assert_true(slice_equal(database, SLICE("shop")));
	if (side->other->joined)
		pg_replayer_tell(side->other->replayer, aside);
}

static void side_listen(void *context, struct slice database)
{
	struct party *side = context;

	assert_true(slice_equal(database, SLICE("shop")));
	assert_false(side->joined);
	side->joined = true;
}

static void side_later(void *context, const struct answer_aside *aside)
{
	((struct party *)context)->later = aside;
}

/* Feeds what a client says; an empty one only asks what is to be said. */
static void side_play(struct party *side, const struct client *client, const char *expected)
{
	struct buffer text;

	buffer_clear(&side->said);
	buffer_init(&text, OUT_MAX);
	if (client)
		replay_feed(&postgres_protocol, side->replayer, buffer_slice(&client->bytes),
			    SIZE_MAX, &side->said);
	else
		pg_replayer_fill(side->replayer, &side->said);
	pg_replay_render(&text, buffer_slice(&side->said));
	buffer_append_u8(&text, 0);
	if (expected)
		assert_string_equal((const char *)text.data, expected);
	buffer_release(&text);
}

static void side_query(struct party *side, const char *sql, const char *expected)
{
	struct client client;

	client_init(&client);
	say_query(&client, sql);
	side_play(side, &client, expected);
	buffer_release(&client.bytes);
}

static void side_init(struct party *side, struct party *other, uint64_t number)
{
	struct client client;

	memset(side, 0, sizeof(*side));
	side->other = other;
	side->answers = answers_of(&side->fake, NULL);
	side->peers = (struct answer_peers){ side, side_publish, side_listen, side_later };
	side->answers.peers = &side->peers;
	side->replayer = pg_replayer_new(&side->answers, number);
	buffer_init(&side->said, OUT_MAX);
	client_log_in(&client);
	side_play(side, &client, NULL);
	buffer_release(&client.bytes);
}

static void side_release(struct party *side)
{
	pg_replayer_free(side->replayer);
	buffer_release(&side->said);
}

static void test_others(void **state)
{
	struct client client;
	struct party a, b;

	(void)state;
	side_init(&a, &b, 8);
	side_init(&b, &a, 7);
	side_query(&b, "notify jobs", C("NOTIFY") IDLE);
	side_query(&a, "listen jobs", C("LISTEN") IDLE);
	side_play(&a, NULL, "");
	side_query(&b, "begin; notify jobs, 'one'", C("BEGIN") C("NOTIFY") IN_TRANSACTION);
	side_play(&a, NULL, "");
	side_query(&b, "commit", C("COMMIT") IDLE);
	side_play(&a, NULL, A("one"));
	side_play(&a, NULL, "");
	/* Not within a transaction, nor in the middle of a batch. */
	side_query(&a, "begin", C("BEGIN") IN_TRANSACTION);
	side_query(&b, "insert into work values (1)", C("INSERT 0 1") IDLE);
	side_play(&a, NULL, "");
	side_query(&a, "select once", C("SELECT 0") IN_TRANSACTION);
	side_query(&a, "commit", C("COMMIT") A("made") IDLE);
	client_init(&client);
	say_extended(&client, "do 'x'", 0);
	side_play(&a, &client, "1 \n2 \nN Mof do~~\n");
	side_query(&b, "notify jobs, 'two'", C("NOTIFY") IDLE);
	side_play(&a, NULL, "");
	buffer_clear(&client.bytes);
	say_sync(&client);
	side_play(&a, &client, C("DO") A("two") IDLE);
	buffer_release(&client.bytes);
	side_release(&a);
	side_release(&b);
}

/* What was recorded behind an exchange waits for its time; where another one listens now, that one hears it. */
static void test_later(void **state)
{
	struct party a, b;

	(void)state;
	side_init(&a, &b, 8);
	side_init(&b, &a, 7);
	side_query(&a, "listen jobs", C("LISTEN") IDLE);
	side_query(&a, "select heard", C("SELECT 0") IDLE);
	assert_int_equal(a.later->delay_ns, 5);
	pg_replayer_tell(a.replayer, a.later);
	side_play(&a, NULL, "A ~~~<09>jobs~out~\n");
	side_query(&b, "select heard", C("SELECT 0") IDLE);
	pg_replayer_tell(b.replayer, b.later);
	side_play(&b, NULL, "");
	side_play(&a, NULL, "A ~~~<09>jobs~out~\n");
	side_release(&a);
	side_release(&b);
}

/* The end of a session: behind one more statement, when its time has come, or when the app asks for more than was recorded. */
static void test_end(void **state)
{
	struct party a, b;

	(void)state;
	side_init(&a, &b, 8);
	side_init(&b, &a, 7);
	side_query(&b, "begin; select killed", C("BEGIN") C("SELECT 0") IN_TRANSACTION);
	pg_replayer_tell(b.replayer, b.later);
	side_play(&b, NULL, "");
	side_query(&b, "commit", C("COMMIT") IDLE "E SFATAL~C57P01~~\n");
	side_query(&a, "select ended", C("SELECT 0") IDLE);
	side_play(&a, NULL, "");
	side_query(&a, "select killed; do 'x'", C("SELECT 0") "N Mof do~~\nC DO~\n" IDLE);
	side_query(&a, "do 'x'", "E SFATAL~C57P01~~\n");
	assert_int_equal(pg_replayer_fill(a.replayer, &a.said), REPLAY_CLOSE);
	side_release(&a);
	side_release(&b);
}

/* Who never reads costs no more than a limit. */
static void test_bounds(void **state)
{
	static uint8_t payload[50000];
	const struct answer_aside aside = { .channel = SLICE("jobs"),
					    .payload = slice_of(payload, sizeof(payload)) };
	struct party a, b;

	(void)state;
	memset(payload, 'x', sizeof(payload));
	side_init(&a, &b, 8);
	side_init(&b, &a, 7);
	side_query(&a, "listen jobs", NULL);
	side_query(&a, "begin", NULL);
	for (int i = 0; i < 2000; i++)
		pg_replayer_tell(a.replayer, &aside);
	side_query(&a, "commit", NULL);
	do
		buffer_clear(&a.said);
	while (pg_replayer_fill(a.replayer, &a.said) == REPLAY_MORE);
	side_query(&a, "select once", C("SELECT 0") IDLE);
	side_release(&a);
	side_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own),	   cmocka_unit_test(test_transactions),
		cmocka_unit_test(test_savepoints), cmocka_unit_test(test_row_limit),
		cmocka_unit_test(test_recorded),   cmocka_unit_test(test_others),
		cmocka_unit_test(test_later),	   cmocka_unit_test(test_end),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
