/* SPDX-License-Identifier: Apache-2.0 */
/* The PostgreSQL replayer as a server of its protocol: login, simple queries, the extended protocol; each byte that it says. */
#include "tests/unit/pg_replay.h"

/* ---- login ---- */

static void test_login(void **state)
{
	struct client client;
	struct fake fake;

	(void)state;
	client_log_in(&client);
	expect(&fake, &client, "");

	client_init(&client);
	say_start(&client, PG_SSL_REQUEST, SLICE(""));
	say_start(&client, PG_GSSENC_REQUEST, SLICE(""));
	say_start(&client, PG_PROTOCOL(3, 2),
		  SLICE("user\0shop\0\0")); /* the database is the user's */
	say_query(&client, ";");
	expect(&fake, &client,
	       "N\nN\nR ~~~~\nS server_version~15.18~\nS application_name~~\nS TimeZone~UTC~\n"
	       "S client_encoding~UTF8~\nS DateStyle~ISO, MDY~\nS IntervalStyle~postgres~\n"
	       "K ~@~<07><bf>c<af><7f>\nZ I\nI \nZ I\n");
}

static void test_negotiation(void **state)
{
	struct client client;
	struct buffer text;
	struct fake fake;

	(void)state;
	client_init(&client);
	buffer_init(&text, OUT_MAX);
	say_start(&client, PG_PROTOCOL(3, 9999),
		  SLICE("user\0ann\0database\0shop\0_pq_.grease\0"
			"1\0\0"));
	converse(&fake, NULL, &client, 3, &text);
	assert_true(slice_starts_with(buffer_slice(&text),
				      SLICE("v ~<03>~<02>~~~<01>_pq_.grease~\nR ~~~~\n")));

	/* A known version with an unknown option keeps its version. */
	buffer_clear(&text);
	buffer_clear(&client.bytes);
	say_start(&client, PG_PROTOCOL(3, 0), SLICE("user\0ann\0database\0shop\0_pq_.x\0\0\0"));
	converse(&fake, NULL, &client, SIZE_MAX, &text);
	assert_true(
		slice_starts_with(buffer_slice(&text), SLICE("v ~<03>~~~~~<01>_pq_.x~\nR ~~~~\n")));
	buffer_release(&text);
	buffer_release(&client.bytes);
}

static void test_refused_logins(void **state)
{
	static const struct {
		uint32_t code;
		struct slice parameters;
		const char *answer;
	} refused[] = {
		{ PG_CANCEL_REQUEST, SLICE("\0\0\0\7\0\0\0\1"), "closed\n" },
		{ PG_PROTOCOL(2, 0), SLICE("user\0ann\0\0"),
		  "E SFATAL~VFATAL~C0A000~Munsupported frontend protocol~~\nclosed\n" },
		{ PG_PROTOCOL(3, 0), SLICE("database\0shop\0\0"),
		  "E SFATAL~VFATAL~C08P01~Mmalformed startup message, or no user in "
		  "it~~\nclosed\n" },
		{ PG_PROTOCOL(3, 0), SLICE("user\0ann\0database\0shop"),
		  "E SFATAL~VFATAL~C08P01~Mmalformed startup message, or no user in "
		  "it~~\nclosed\n" },
		{ PG_PROTOCOL(3, 2), SLICE("user\0ann\0database\0shop\0replication\0database\0\0"),
		  "E SFATAL~VFATAL~CMP002~Mmockproxy: a replication connection is relayed while "
		  "recording, and not replayed~~\nclosed\n" },
		{ PG_PROTOCOL(3, 0), SLICE("user\0ann\0database\0other\0\0"),
		  "E SFATAL~VFATAL~CMP001~Mmockproxy: the recording has no session with database "
		  "\"other\" at this "
		  "address~HRecord a run of the program that uses this database first, or see "
		  "--map.~~\nclosed\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct client client;
		struct fake fake;

		client_init(&client);
		say_start(&client, refused[i].code, refused[i].parameters);
		expect(&fake, &client, refused[i].answer);
	}
}

/* ---- simple queries ---- */

static void test_simple(void **state)
{
	struct client client;
	struct fake fake;

	(void)state;
	client_log_in(&client);
	say_query(&client, "SELECT a FROM t WHERE a = 5 -- comment");
	say_query(&client, "");
	say_query(&client, " ; /* ping */ ");
	say_query(&client, "do 'x'; select a from five;; select a from t where a = '5'");
	expect(&fake, &client,
	       T_INT D("5", "<01>") "C SELECT 1~\n" IDLE "I \n" IDLE "I \n" IDLE
				    "N Mof do~~\nC DO~\n" T_INT D("1", "<01>") D("2", "<01>")
					    D("3", "<01>") "D ~<01><ff><ff><ff><ff>\n" D(
						    "5", "<01>") "C SELECT 5~\n" T_INT
						    D("5", "<01>") "C SELECT 1~\n" IDLE);
	assert_int_equal(fake.found, 4);
	assert_int_equal(fake.session, 2);
}

static void test_error_in_the_middle(void **state)
{
	struct client client;
	struct fake fake;

	(void)state;
	client_log_in(&client);
	say_query(&client, "select a from t where a = 5; select bad; do 'x'");
	say_query(&client, "do 'x'");
	expect(&fake, &client,
	       T_INT D("5", "<01>") "C SELECT 1~\n" T_INT D(
		       "1", "<01>") "E SERROR~C22012~xown~~\n" IDLE "N Mof do~~\nC DO~\n" IDLE);

	client_log_in(&client);
	say_query(&client, "select fatal; do 'x'");
	say_query(&client, "do 'x'");
	expect(&fake, &client, "E SFATAL~C57P01~xown~~\nclosed\n");
}

static void test_merged(void **state)
{
	struct client client;
	struct fake fake;

	(void)state;
	client_log_in(&client);
	say_query(&client, "merged one; merged two");
	expect(&fake, &client, "C ONE~\nC TWO~\n" IDLE);
	assert_int_equal(fake.found, 1);
}

/* Only the beginning of a Query can be what was recorded as one: looking at each rest would cost the square of its size. */
static void test_many_statements(void **state)
{
	static const char statement[] = "do 'x';";
	const size_t n = 20000;
	struct client client;
	struct buffer text;
	struct fake fake;
	char *sql = malloc(n * (sizeof(statement) - 1) + 1);
	size_t answers = 0;

	(void)state;
	assert_non_null(sql);
	for (size_t i = 0; i < n; i++)
		memcpy(sql + i * (sizeof(statement) - 1), statement, sizeof(statement));
	client_log_in(&client);
	buffer_init(&text, OUT_MAX);

	say_query(&client, sql);
	converse(&fake, NULL, &client, SIZE_MAX, &text);
	buffer_append_u8(&text, 0);
	for (const char *at = (const char *)text.data; (at = strstr(at, "C DO~")); at++)
		answers++;
	assert_int_equal(answers, n);
	buffer_release(&text);
	buffer_release(&client.bytes);
	free(sql);
}

/* ---- the extended protocol ---- */

static void test_extended(void **state)
{
	struct client client;
	struct fake fake;

	(void)state;
	client_log_in(&client);
	say_parse(&client, "s", "select a from t where a = $1");
	say_target(&client, 'D', "Ss");
	say_message(&client, 'H', SLICE(""));
	say_bind(&client, "p", "s", "5", 0);
	say_target(&client, 'D', "Pp");
	say_execute(&client, "p", 0);
	say_target(&client, 'C', "Pp");
	say_target(&client, 'C', "Pp");
	say_sync(&client);
	say_bind(&client, "", "s", "5", 1);
	say_target(&client, 'D', "P");
	say_execute(&client, "", 0);
	say_sync(&client);
	say_target(&client, 'C', "Ss");
	say_bind(&client, "", "s", "5", 1);
	say_sync(&client);
	expect(&fake, &client,
	       "1 \nt ~<01>~~~<17>\n" T_INT
	       "2 \n" T_INT D("5", "<01>") "C SELECT 1~\n3 \n3 \n" IDLE "2 \n" T_INT_BINARY
					   "D ~<01>~~~<04>~~~<05>\nC SELECT 1~\n" IDLE
					   "3 \nE SERROR~VERROR~C26000~Mprepared statement \"s\" "
					   "does not exist~~\n" IDLE);
	assert_int_equal(fake.found, 2); /* Describe and Execute of a portal are one answer */
}

/* A portal without an answer is described by its statement: only who executes it misses something. */
static void test_described_only(void **state)
{
	struct client client;
	struct fake fake;

	(void)state;
	client_log_in(&client);
	say_parse(&client, "s", "select a from t where a = $1");
	say_bind(&client, "p", "s", "7", 1);
	say_target(&client, 'D', "Pp");
	say_target(&client, 'C', "Pp");
	say_sync(&client);
	say_bind(&client, "p", "s", "7", 0);
	say_target(&client, 'D', "Pp");
	say_execute(&client, "p", 0);
	say_sync(&client);
	expect(&fake, &client,
	       "1 \n2 \n" T_INT_BINARY "3 \n" IDLE "2 \n" T_INT MISS("select a from t where a = $1")
		       IDLE);
	assert_int_equal(fake.found, 0);
}

/* What Flush asks for comes before any Sync. */
static void test_flush(void **state)
{
	struct client client;
	struct fake fake;

	(void)state;
	client_log_in(&client);
	say_parse(&client, "s", "insert into t values ($1)");
	say_target(&client, 'D', "Ss");
	say_message(&client, 'H', SLICE(""));
	expect(&fake, &client, "1 \nt ~<01>~~~<19>\nn \n");
}

/* What neither Flush nor Sync nor an error asks for waits, up to a server's buffer of it. */
static void test_kept(void **state)
{
	struct client client;
	struct fake fake;

	(void)state;
	client_log_in(&client);
	say_extended(&client, "select now", 0);
	expect(&fake, &client, "");
	client_log_in(&client);
	say_parse(&client, "", "select now");
	say_message(&client, 'H', SLICE(""));
	say_bind(&client, "", "", NULL, 0);
	say_execute(&client, "", 0);
	expect(&fake, &client, "1 \n");
	client_log_in(&client);
	say_parse(&client, "", "do 'x'");
	say_parse(&client, "", "select parse");
	expect(&fake, &client, "1 \nE SERROR~C42601~xown~~\n");
}

/* A Query's answer does not wait for what came with it: the end of data that was sent without asking (pgx), another request. */
static void test_not_kept(void **state)
{
	struct client client;
	struct fake fake;

	(void)state;
	client_log_in(&client);
	say_query(&client, "do 'x'");
	say_message(&client, 'c', SLICE(""));
	say_query(&client, "do 'x'");
	say_parse(&client, "", "do 'x'");
	expect(&fake, &client, "N Mof do~~\nC DO~\n" IDLE "N Mof do~~\nC DO~\n" IDLE);
}

static void test_names(void **state)
{
	struct client client;
	struct fake fake;

	(void)state;
	client_log_in(&client);
	say_parse(&client, "s", "do 'x'");
	say_sync(&client);
	say_parse(&client, "s", "do 'x'");
	say_sync(&client);
	say_parse(&client, "", "select bad");
	say_parse(&client, "", "do 'x'"); /* the unnamed one is replaced */
	say_bind(&client, "", "", NULL, 0);
	say_bind(&client, "", "", NULL, 0);
	say_execute(&client, "", 0);
	say_sync(&client);
	say_bind(&client, "p", "s", NULL, 0);
	say_bind(&client, "p", "s", NULL, 0);
	say_sync(&client);
	say_execute(&client, "p", 0); /* ended at Sync */
	say_sync(&client);
	say_bind(&client, "", "s", "1", 0); /* it has no parameter */
	say_sync(&client);
	say_parse(&client, "", "do 'x'");
	say_query(&client, "");
	say_bind(&client, "", "", NULL, 0); /* ended by the Query */
	say_sync(&client);
	expect(&fake, &client,
	       "1 \n" IDLE
	       "E SERROR~VERROR~C42P05~Mprepared statement \"s\" already exists~~\n" IDLE
	       "1 \n1 \n2 \n2 \nN Mof do~~\nC DO~\n" IDLE
	       "2 \nE SERROR~VERROR~C42P03~Mcursor \"p\" already exists~~\n" IDLE
	       "E SERROR~VERROR~C34000~Mportal \"p\" does not exist~~\n" IDLE
	       "E SERROR~VERROR~C08P01~Mbind message supplies 1 parameters, but "
	       "prepared statement \"s\" requires 0~~\n" IDLE "1 \nI \n" IDLE
	       "E SERROR~VERROR~C26000~Munnamed prepared statement does not exist~~\n" IDLE);
}

/* A portal keeps the statement that it was made of, whatever its name means since. */
static void test_replaced_statement(void **state)
{
	struct client client;
	struct fake fake;

	(void)state;
	client_log_in(&client);
	say_parse(&client, "", "do 'x'");
	say_bind(&client, "p", "", NULL, 0);
	say_parse(&client, "", "select a from five");
	say_query(&client, "");
	say_sync(&client);
	say_parse(&client, "s", "do 'x'");
	say_bind(&client, "p", "s", NULL, 0);
	say_target(&client, 'C', "Ss");
	say_parse(&client, "s", "select a from five");
	say_target(&client, 'D', "Pp");
	say_execute(&client, "p", 0);
	say_sync(&client);
	expect(&fake, &client,
	       "1 \n2 \n1 \nI \n" IDLE IDLE "1 \n2 \n3 \n1 \nn \nN Mof do~~\nC DO~\n" IDLE);
}

static void test_pipeline_with_error(void **state)
{
	struct client client;
	struct fake fake;

	(void)state;
	client_log_in(&client);
	say_extended(&client, "do 'x'", 0);
	say_extended(&client, "select bad", 0);
	say_extended(&client, "do 'x'", 0);
	say_message(&client, 'H', SLICE(""));
	say_query(&client, "do 'x'"); /* skipped too */
	say_sync(&client);
	say_extended(&client, "do 'x'", 0);
	say_sync(&client);
	say_sync(&client);
	say_parse(&client, "", "select parse");
	say_bind(&client, "", "", NULL, 0);
	say_sync(&client);
	expect(&fake, &client,
	       "1 \n2 \nN Mof do~~\nC DO~\n1 \n2 \n" D(
		       "1", "<01>") "E SERROR~C22012~xown~~\n" IDLE
				    "1 \n2 \nN Mof do~~\nC DO~\n" IDLE IDLE
				    "E SERROR~C42601~xown~~\n" IDLE);
}

static void test_empty_extended(void **state)
{
	struct client client;
	struct fake fake;

	(void)state;
	client_log_in(&client);
	say_parse(&client, "", "");
	say_bind(&client, "", "", NULL, 0);
	say_target(&client, 'D', "P");
	say_execute(&client, "", 0);
	say_sync(&client);
	expect(&fake, &client, "1 \n2 \nn \nI \n" IDLE);
}

/* A failed transaction refuses what says something. */
static void test_empty_in_failed(void **state)
{
	struct client client;
	struct fake fake;

	(void)state;
	client_log_in(&client);
	say_query(&client, "begin; select missing");
	say_parse(&client, "", ";");
	say_target(&client, 'D', "S");
	say_sync(&client);
	say_query(&client, "rollback");
	expect(&fake, &client,
	       "C BEGIN~\n" MISS("select missing") FAILED "1 \nt ~~\nn \n" FAILED
							  "C ROLLBACK~\n" IDLE);
}

/* Statements that portals still have weigh also when another one took their name. */
static void test_nameless_statements(void **state)
{
	struct answer_cache *cache = answer_cache_new(16);
	struct fake fake = { 0 };
	struct answers answers = answers_of(&fake, cache);
	struct replayer *replayer = pg_replayer_new(&answers, 7);
	struct buffer text, out;
	struct client client;
	bool refused = false;
	const char *why;
	int n = 0;

	(void)state;
	buffer_init(&text, OUT_MAX);
	buffer_init(&out, OUT_MAX);
	buffer_append_string(&text, "select a from t where a = 5 /*");
	for (int i = 0; i < 1 << 17; i++)
		buffer_append_string(&text, "12345678");
	buffer_append(&text, "*/", 3);
	for (; n < 255 && !refused; n++) {
		const char portal[] = { (char)(n + 1), 0 };

		if (n) {
			client_init(&client);
		} else {
			client_log_in(&client);
			say_query(&client, "begin");
		}
		say_parse(&client, "", (const char *)text.data);
		say_bind(&client, portal, "", NULL, 0);
		buffer_clear(&out);
		assert_int_equal(pg_replayer_feed(replayer, buffer_slice(&client.bytes), &why), 0);
		while (pg_replayer_fill(replayer, &out) == REPLAY_MORE)
			;
		refused = memmem(out.data, out.size, "too many prepared", 17) != NULL;
		buffer_release(&client.bytes);
	}
	assert_true(refused);
	assert_in_range(n, 16, 70);
	buffer_release(&text);
	buffer_release(&out);
	pg_replayer_free(replayer);
	answer_cache_free(cache);
}

static void test_malformed(void **state)
{
	struct client client;
	struct fake fake;

	(void)state;
	client_log_in(&client);
	say_message(&client, 'P', SLICE("\0select 1\0\377\377"));
	say_sync(&client);
	say_message(&client, 'B', SLICE("\0"));
	say_sync(&client);
	say_parse(&client, "", "do $1");
	say_message(&client, 'B', SLICE("\0\0\0\0\0\1\377\377\377\376\0\0"));
	say_sync(&client);
	say_message(&client, 'D', SLICE("X\0"));
	say_sync(&client);
	say_message(&client, 'E', SLICE("\0"));
	say_sync(&client);
	say_parse(&client, "", "select $70000");
	say_sync(&client);
	say_message(&client, 'Q', SLICE("select 1"));
	say_message(&client, 'F', SLICE("\0\0\0\1"));
	say_message(&client, 'd', SLICE("rows"));
	say_message(&client, 'c', SLICE(""));
	say_query(&client, "");
	say_message(&client, 'X', SLICE(""));
	expect(&fake, &client,
	       "E SERROR~VERROR~C08P01~Mmalformed Parse~~\n" IDLE
	       "E SERROR~VERROR~C08P01~Mmalformed Bind, or too many portals~~\n" IDLE
	       "1 \nE SERROR~VERROR~C08P01~Mmalformed Bind~~\n" IDLE
	       "E SERROR~VERROR~C08P01~Mmalformed Describe or Close~~\n" IDLE
	       "E SERROR~VERROR~C08P01~Mmalformed Execute~~\n" IDLE
	       "E SERROR~VERROR~C42P02~Mthere is no such parameter~~\n" IDLE
	       "E SERROR~VERROR~C08P01~Mmalformed Query~~\n" IDLE
	       "E SERROR~VERROR~C08P01~Mmalformed FunctionCall~~\n" IDLE "I \n" IDLE "closed\n");

	client_log_in(&client);
	buffer_append(&client.bytes, "GET / HTTP/1.1\r\n", 16);
	expect(&fake, &client, "E SFATAL~VFATAL~C08P01~Munknown message type~~\nclosed\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_login),
		cmocka_unit_test(test_negotiation),
		cmocka_unit_test(test_refused_logins),
		cmocka_unit_test(test_simple),
		cmocka_unit_test(test_error_in_the_middle),
		cmocka_unit_test(test_merged),
		cmocka_unit_test(test_many_statements),
		cmocka_unit_test(test_extended),
		cmocka_unit_test(test_described_only),
		cmocka_unit_test(test_flush),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_not_kept),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_replaced_statement),
		cmocka_unit_test(test_pipeline_with_error),
		cmocka_unit_test(test_empty_extended),
		cmocka_unit_test(test_empty_in_failed),
		cmocka_unit_test(test_nameless_statements),
		cmocka_unit_test(test_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
