/* SPDX-License-Identifier: Apache-2.0 */
/* The MySQL replayer: logins, texts, prepared statements, cursors; what a client says and what must come back. */
#include "tests/unit/my_replay.h"

static void begin(struct fake *fake, struct my_client *client, uint64_t capabilities)
{
	my_fake_init(fake);
	my_client_init(client, capabilities);
	my_say_login(client);
}

static void test_greeting(void **state)
{
	struct my_client client;
	struct buffer text;
	struct fake fake;

	(void)state;
	my_fake_init(&fake);
	fake.plugin = "sha256_password";
	my_client_init(&client, CAPABILITIES_OLD);
	buffer_init(&text, OUT_MAX);
	my_converse(&fake, NULL, &client, SIZE_MAX, &text);
	/* Nobody was recorded: a number of its own. */
	assert_true(slice_starts_with(buffer_slice(&text), SLICE("0 <0a>8.4.0~<07>~~@")));
	/* Neither TLS nor what is not known is offered. */
	assert_non_null(memmem(text.data, text.size, "~<ff><f7>-<02>~<ff><8f><15>", 19));
	assert_non_null(memmem(text.data, text.size, "~caching_sha2_password~\n", 24));
	fake.backend = 0x01020304;
	buffer_clear(&text);
	my_converse(&fake, NULL, &client, SIZE_MAX, &text);
	assert_true(slice_starts_with(buffer_slice(&text), SLICE("0 <0a>8.4.0~<04><03><02><01>")));
	buffer_release(&text);
	buffer_release(&client.bytes);
}

static void log_in_as(const char *greeted, const char *plugin, struct slice answer,
		      struct slice second, const char *expected)
{
	struct my_client client;
	struct fake fake;

	my_fake_init(&fake);
	fake.plugin = greeted;
	my_client_init(&client, CAPABILITIES_OLD);
	my_say_login_as(&client, plugin, answer);
	if (second.data)
		my_say_packet(&client, 3, second);
	my_expect(&fake, &client, expected);
}

static void test_logins(void **state)
{
	static const char native[] = "mysql_native_password", sha2[] = "caching_sha2_password";
	struct slice hash = SLICE("0123456789012345678901234567890a"), none = slice_of(NULL, 0);

	(void)state;
	log_in_as(native, native, SLICE("12345678901234567890"), none, MY_LOGGED_IN);
	log_in_as(native, native, SLICE(""), none, MY_LOGGED_IN);
	log_in_as(sha2, sha2, hash, none, "2 <01><03>\n3 ~~~<02>~~~\n");
	log_in_as(sha2, sha2, SLICE(""), none, MY_LOGGED_IN);
	/* The client's own first choice differs from what is greeted with. */
	log_in_as(native, sha2, hash, none, "2 <01><03>\n3 ~~~<02>~~~\n");
	log_in_as(sha2, native, SLICE("12345678901234567890"), none, MY_LOGGED_IN);
	log_in_as(native, "mysql_clear_password", SLICE("secret\0"), none, MY_LOGGED_IN);
	log_in_as(native, "client_ed25519", SLICE("a signature"), none, MY_LOGGED_IN);
	log_in_as(native, "", SLICE("12345678901234567890"), none, MY_LOGGED_IN);
}

/* What waits for a key or a challenge is asked to use another plugin. */
static void test_switched_logins(void **state)
{
	struct slice hash = SLICE("0123456789012345678901234567890a");
	static const char *const plugins[] = { "sha256_password", "parsec" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(plugins); i++) {
		struct my_client client;
		struct buffer text;
		struct fake fake;

		my_fake_init(&fake);
		fake.plugin = "caching_sha2_password";
		my_client_init(&client, CAPABILITIES_OLD);
		my_say_login_as(&client, plugins[i], SLICE("\x01"));
		my_say_packet(&client, 3, hash);
		buffer_init(&text, OUT_MAX);
		my_converse(&fake, NULL, &client, 1, &text);
		assert_non_null(memmem(text.data, text.size, "\n2 <fe>caching_sha2_password~", 29));
		assert_non_null(memmem(text.data, text.size, "\n4 <01><03>\n5 ~~~<02>~~~\n", 25));
		buffer_release(&text);
		buffer_release(&client.bytes);
	}
}

/* libmysqlclient and Connector/C say nothing before their plugin has a nonce, and a plugin that was not greeted has none. */
static void test_nonce_of_another_plugin(void **state)
{
	static const char native[] = "mysql_native_password", sha2[] = "caching_sha2_password";
	static const struct {
		const char *greeted, *plugin, *asked;
	} clients[] = { { native, sha2, "\n2 <fe>caching_sha2_password~" },
			{ sha2, native, "\n2 <fe>mysql_native_password~" },
			{ sha2, "client_ed25519", "\n2 <fe>mysql_native_password~" } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(clients); i++) {
		struct my_client client;
		struct buffer text;
		struct fake fake;

		my_fake_init(&fake);
		fake.plugin = clients[i].greeted;
		my_client_init(&client, CAPABILITIES_OLD);
		my_say_login_as(&client, clients[i].plugin, SLICE(""));
		my_say_packet(&client, 3, SLICE("")); /* no password */
		buffer_init(&text, OUT_MAX);
		my_converse(&fake, NULL, &client, 1, &text);
		assert_non_null(
			memmem(text.data, text.size, clients[i].asked, strlen(clients[i].asked)));
		assert_non_null(memmem(text.data, text.size, "\n4 ~~~<02>~~~\n", 14));
		buffer_release(&text);
		buffer_release(&client.bytes);
	}
}

static void test_malformed_logins(void **state)
{
	struct my_client client;
	struct fake fake;

	(void)state;
	my_fake_init(&fake);
	my_client_init(&client, CAPABILITIES_OLD | MY_CLIENT_SSL);
	my_say_login(&client); /* in clear all the same */
	my_expect(&fake, &client, MY_LOGGED_IN);
	my_client_init(&client, 0); /* 32 bytes that ask for TLS */
	my_say_packet(&client, 1,
		      SLICE("\x05\xae\x0f\0\0\0\0\1\x2d"
			    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"));
	my_expect(&fake, &client,
		  "2 <ff><13><04>#08S01mockproxy: not a login of the protocol 4.1 without TLS\n"
		  "closed\n");
	my_client_init(&client, 0);
	my_say_packet(&client, 1, SLICE("x"));
	my_expect(&fake, &client,
		  "2 <ff><13><04>#08S01mockproxy: not a login of the protocol 4.1 without TLS\n"
		  "closed\n");
}

/* As who was only ever refused was refused; what does not tell how is no reason to let in. */
static void test_refused_logins(void **state)
{
	static const char *const codes[] = { "1045", "1045", "none", "65535" };
	static const char *const expected[] = { "2 <ff><15><04>#28000denied\nclosed\n", "",
						"closed\n", "closed\n" };
	struct my_client client;
	struct fake fake;
	struct buffer out;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		my_fake_init(&fake);
		my_client_init(&client, CAPABILITIES_NEW);
		fake.refused = codes[i];
		fake.refused_at_once = i == 1;
		my_say_login(&client);
		if (i == 1) { /* in the place of a greeting */
			buffer_init(&out, OUT_MAX);
			assert_true(my_play(&fake, NULL, &client, 0, &out));
			assert_int_equal(out.size, 19);
			assert_memory_equal(out.data, "\x0f\0\0\0\xff\x15\x04#28000denied", 19);
			buffer_release(&out);
			buffer_release(&client.bytes);
			continue;
		}
		my_expect(&fake, &client, expected[i]);
	}
}

static void test_text(void **state)
{
	struct my_client client;
	struct fake fake;

	(void)state;
	begin(&fake, &client, CAPABILITIES_OLD);
	my_say_query(&client, "SELECT a FROM t WHERE a = 5");
	my_say_query(&client, "select a from t where a = 6"); /* recorded in binary */
	my_expect(&fake, &client,
		  MY_LOGGED_IN MY_COUNT("1") MY_DEF_INT("2")
			  MY_EOF_PACKET("3") "4 <01>5\n" MY_EOF_PACKET("5") MY_COUNT("1")
				  MY_DEF_INT("2")
					  MY_EOF_PACKET("3") "4 <01>6\n" MY_EOF_PACKET("5"));
	assert_int_equal(fake.found, 2);

	begin(&fake, &client, CAPABILITIES_NEW);
	my_say_query(&client, "select a from five");
	my_expect(&fake, &client,
		  MY_LOGGED_IN_NEW MY_COUNT("1")
			  MY_DEF_INT("2") "3 <01>1\n4 <01>2\n5 <01>3\n6 <fb>\n7 <01>5\n"
					  "8 <fe>~~<02>~~~\n");
}

/* In front of the rows a server does not know it yet; what else it says, it says in both places. */
static void test_slow(void **state)
{
	struct my_client client;
	struct fake fake;

	(void)state;
	begin(&fake, &client, CAPABILITIES_OLD);
	my_say_query(&client, "select a from slow");
	my_expect(&fake, &client,
		  MY_LOGGED_IN MY_COUNT("1")
			  MY_DEF_INT("2") "3 <fe>~~\"~\n4 <01>1\n5 <fe>~~\"<08>\n");

	begin(&fake, &client, CAPABILITIES_NEW);
	my_say_query(&client, "select a from slow");
	my_expect(&fake, &client,
		  MY_LOGGED_IN_NEW MY_COUNT("1") MY_DEF_INT("2") "3 <01>1\n4 <fe>~~\"<08>~~\n");
}

/* Warnings of before the first row are counted in front of the rows, where an EOF is there: it is no change of the session. */
static void test_columns_warnings(void **state)
{
	struct my_client client;
	struct fake fake;

	(void)state;
	begin(&fake, &client, CAPABILITIES_OLD);
	my_say_query(&client, "select half warned");
	my_expect(&fake, &client,
		  MY_LOGGED_IN MY_COUNT("1")
			  MY_DEF_INT("2") "3 <fe><02>~<02>~\n4 <01>1\n5 <fe><03>~<02>~\n");

	begin(&fake, &client, CAPABILITIES_NEW);
	my_say_query(&client, "select half warned");
	my_expect(&fake, &client,
		  MY_LOGGED_IN_NEW MY_COUNT("1") MY_DEF_INT("2") "3 <01>1\n4 <fe>~~<02>~<03>~\n");
}

static void test_outcomes(void **state)
{
	struct my_client client;
	struct fake fake;

	(void)state;
	begin(&fake, &client, CAPABILITIES_NEW);
	my_say_query(&client, "select bad");
	my_say_query(&client, "update t set a = 1");
	my_say_query(&client, "select wrong");
	my_say_query(&client, " ; ");
	my_say_query(&client, "\n -- a comment");
	my_say_query(&client, "select a from t where a = 7");
	my_say_query(&client, "drop table t");
	my_say_command(&client, MY_COM_PING, SLICE(""));
	my_say_command(&client, 0x7f, SLICE(""));
	my_say_command(&client, MY_COM_BINLOG_DUMP, SLICE("1234567890"));
	my_say_command(&client, MY_COM_QUIT, SLICE(""));
	my_expect(
		&fake, &client,
		MY_LOGGED_IN_NEW MY_COUNT("1") MY_DEF_INT(
			"2") "3 <01>1\n4 <ff>z<04>#42S02recorded\n"
			     "1 ~<fe><ff><ff><ff><ff><ff><ff><ff><ff>~<02>~~~<0f>Rows matched: 1\n"
			     "1 <ff>Q<04>#HY000mockproxy: the recorded answer cannot be given in "
			     "the form that "
			     "was asked for: the recording is damaged here\n"
			     "1 <ff>)<04>#42000Query was empty\n" MY_OK("1") MY_MISS(
				     "1", "select a from t where a = 7") MY_MISS("1",
										 "drop table t")
				     MY_OK("1") "1 <ff><17><04>#08S01Unknown command\n"
						"1 <ff>Q<04>#HY000mockproxy: the recorded answer "
						"cannot be given in the form that "
						"was asked for: replication is not replayed\n"
						"closed\n");
	assert_int_equal(fake.unservable, 2);
}

/* How many rows an UPDATE affected depends on who asks. */
static void test_found_rows(void **state)
{
	struct my_client client;
	struct fake fake;

	(void)state;
	begin(&fake, &client, CAPABILITIES_OLD);
	my_say_query(&client, "update t set a = 2");
	my_say_query(&client, "update t set a = 3");
	my_expect(&fake, &client,
		  MY_LOGGED_IN "1 ~<01>~<02>~~~(Rows matched: 3  Changed: 1  Warnings: 0\n"
			       "1 ~<02>~<02>~~~(Rows matched: 3  Changed: 1  Warnings: 0\n");
	begin(&fake, &client, CAPABILITIES_OLD | MY_CLIENT_FOUND_ROWS);
	my_say_query(&client, "update t set a = 2");
	my_say_query(&client, "update t set a = 3");
	my_expect(&fake, &client,
		  MY_LOGGED_IN "1 ~<03>~<02>~~~(Rows matched: 3  Changed: 1  Warnings: 0\n"
			       "1 ~<02>~<02>~~~(Rows matched: 3  Changed: 1  Warnings: 0\n");
}

static void test_several(void **state)
{
	struct my_client client;
	struct fake fake;

	(void)state;
	begin(&fake, &client, CAPABILITIES_OLD);
	my_say_query(&client, "begin; select a from t where a = 5; commit");
	my_say_query(&client, "begin; select missing; commit");
	my_say_query(&client, "merged one; merged two");
	my_expect(&fake, &client,
		  MY_LOGGED_IN "1 ~~~<0b>~~~\n"
			       "2 <01>\n" MY_DEF_INT(
				       "3") "4 <fe>~~<0b>~\n5 <01>5\n6 <fe>~~<0b>~\n"
					    "7 ~~~<02>~~~\n"
					    "1 ~~~<0b>~~~\n" MY_MISS(
						    "2", "select missing") "1 ~~~<03>~~~<03>ONE\n");
	assert_int_equal(fake.session, 3);

	/* A procedure. */
	begin(&fake, &client, CAPABILITIES_NEW);
	my_say_query(&client, "call p()");
	my_expect(&fake, &client,
		  MY_LOGGED_IN_NEW MY_COUNT("1")
			  MY_DEF_INT("2") "3 <01>1\n4 <fe>~~<0a>~~~\n" MY_COUNT("5")
				  MY_DEF_INT("6") "7 <01>2\n8 <fe>~~<0a>~~~\n9 ~~~<02>~~~\n");
}

/* Who did not say that he may send several sends one, whatever is in it; until he says so. */
static void test_one_at_a_time(void **state)
{
	struct my_client client;
	struct fake fake;

	(void)state;
	begin(&fake, &client, CAPABILITIES_OLD & ~MY_CLIENT_MULTI_STATEMENTS);
	my_say_query(&client, "begin; commit");
	my_say_command(&client, MY_COM_SET_OPTION, SLICE("\0\0"));
	my_say_query(&client, "begin; commit");
	my_say_command(&client, MY_COM_SET_OPTION, SLICE("\x01\0"));
	my_say_query(&client, "rollback;");
	my_expect(&fake, &client,
		  MY_LOGGED_IN MY_MISS("1", "begin; commit")
			  MY_EOF_PACKET("1") "1 ~~~<0b>~~~\n" MY_OK("2") MY_EOF_PACKET("1")
				  MY_OK("1"));
}

/* The state is this session's, whatever it was when it was recorded. */
static void test_session(void **state)
{
	struct my_client client;
	struct fake fake;

	(void)state;
	begin(&fake, &client, CAPABILITIES_NEW);
	my_say_query(&client, "START TRANSACTION");
	my_say_query(&client, "set autocommit=0");
	my_say_query(&client, "rollback");
	my_say_query(&client, "set sql_mode='NO_BACKSLASH_ESCAPES', autocommit = 1");
	my_say_query(&client, "set @@session.x = 1");
	my_say_query(&client, "use Other");
	my_say_command(&client, MY_COM_INIT_DB, SLICE("shop"));
	my_say_command(&client, MY_COM_INIT_DB, SLICE("gone"));
	my_say_command(&client, MY_COM_RESET_CONNECTION, SLICE(""));
	my_say_command(&client, MY_COM_SET_OPTION, SLICE("\0\0"));
	my_expect(&fake, &client,
		  MY_LOGGED_IN_NEW MY_OK_IN_TRANSACTION(
			  "1") "1 ~~~<01>~~~\n1 ~~~~~~~\n1 ~~~<02><02>~~\n"
			       "1 ~~~<02>B~~~<07>~<05><01>x<02>on\n"
			       "1 ~~~<02>B~~~<08><01><06><05>Other\n"
			       "1 ~~~<02>B~~~<07><01><05><04>shop\n"
			       "1 <ff><19><04>#42S02recorded\n" MY_OK("1") "1 <fe>~~<02>~~~\n");
}

static void test_commands(void **state)
{
	struct my_client client;
	struct fake fake;

	(void)state;
	begin(&fake, &client, CAPABILITIES_OLD);
	my_say_command(&client, MY_COM_FIELD_LIST, SLICE("t\0"));
	my_say_command(&client, MY_COM_STATISTICS, SLICE(""));
	my_say_command(&client, MY_COM_PROCESS_KILL, SLICE("\x07\0\0\0"));
	my_expect(&fake, &client,
		  MY_LOGGED_IN
		  "1 <03>def~<01>t<01>t<01>a<01>a<0c>?~<0b>~~~<03>~~~~~<fb>\n" MY_EOF_PACKET(
			  "2") "1 Uptime: 1\n" MY_MISS("1", "KILL 7"));
}

static void test_change_user(void **state)
{
	struct my_client client;
	struct fake fake;

	(void)state;
	begin(&fake, &client, CAPABILITIES_OLD);
	my_say_query(&client, "begin");
	my_say_command(&client, MY_COM_CHANGE_USER,
		       SLICE("bob\0\x03"
			     "abcshop\0\x2d\0caching_sha2_password\0"));
	my_say_prepare(&client, "select a from five");
	my_say_command(&client, MY_COM_CHANGE_USER, SLICE("bob\0\0shop\0"));
	my_say_execute(&client, 1, 0, -1);
	my_expect(&fake, &client,
		  MY_LOGGED_IN MY_OK_IN_TRANSACTION(
			  "1") "1 <01><03>\n2 ~~~<02>~~~\n"
			       "1 ~<01>~~~<01>~~~~~~\n" MY_DEF_INT("2") MY_EOF_PACKET("3")
				       MY_OK("1") "1 <ff><db><04>#HY000Unknown prepared statement "
						  "handler (1) given to "
						  "mysql_stmt_precheck\n");
}

static void test_local_file(void **state)
{
	struct my_client client;
	struct fake fake;

	(void)state;
	begin(&fake, &client, CAPABILITIES_OLD);
	my_say_query(&client, "load data local infile 'f.csv' into table t");
	my_say_packet(&client, 2, SLICE("1\n2\n3\n"));
	my_say_packet(&client, 3, SLICE(""));
	my_say_command(&client, MY_COM_PING, SLICE(""));
	my_expect(&fake, &client, MY_LOGGED_IN "1 <fb>f.csv\n4 ~<03>~<02>~~~\n" MY_OK("1"));

	/* What is in it decides, whatever it is called, and the server may not ask for any. */
	begin(&fake, &client, CAPABILITIES_OLD);
	my_say_query(&client, "load data local infile '/tmp/1\\'b' into table t");
	my_say_packet(&client, 2, SLICE("4"));
	my_say_packet(&client, 3, SLICE(""));
	my_say_query(&client, "load data local infile 'f.csv' into table t");
	my_say_packet(&client, 2, SLICE("4\n"));
	my_say_packet(&client, 3, SLICE(""));
	my_say_query(&client, "load data local infile 'f.csv' into table gone");
	my_expect(
		&fake, &client,
		MY_LOGGED_IN
		"1 <fb>/tmp/1'b\n4 ~<01>~<02>~~~\n"
		"1 <fb>f.csv\n4 <ff>Q<04>#HY000mockproxy: the recording holds no answer to this "
		"statement. Asked: load data local infile 'f.csv' into table t; Nearest recorded: "
		"select nearest; Difference: what is in the file differs\n"
		"1 <ff>z<04>#42S02recorded\n");
	assert_int_equal(fake.found, 2);

	begin(&fake, &client, CAPABILITIES_OLD & ~MY_CLIENT_LOCAL_FILES);
	my_say_query(&client, "load data local infile 'f.csv' into table t");
	my_say_command(&client, MY_COM_PING, SLICE(""));
	my_expect(&fake, &client,
		  MY_LOGGED_IN
		  "1 <ff>Q<04>#HY000mockproxy: the recorded answer cannot be given in the "
		  "form that was asked for: the client's own file was sent, which this "
		  "client does not allow\n" MY_OK("1"));
}

/* The message that held the statements is gone when the file came. */
static void test_local_files_of_several(void **state)
{
	struct my_client client;
	struct fake fake;

	(void)state;
	begin(&fake, &client, CAPABILITIES_OLD);
	my_say_query(&client, "begin; load data local infile 'a' into table t; load data local "
			      "infile 'b' into table t; commit; select a from t where a = 5");
	my_say_packet(&client, 3, SLICE("1\n2"));
	my_say_packet(&client, 4, SLICE("\n3\n"));
	my_say_packet(&client, 5, SLICE(""));
	my_say_packet(&client, 8, SLICE("4"));
	my_say_packet(&client, 9, SLICE(""));
	my_say_command(&client, MY_COM_PING, SLICE(""));
	my_expect(&fake, &client,
		  MY_LOGGED_IN "1 ~~~<0b>~~~\n2 <fb>a\n6 ~<03>~<0b>~~~\n7 <fb>b\n10 ~<01>~<0b>~~~\n"
			       "11 ~~~<0a>~~~\n12 <01>\n" MY_DEF_INT("13")
				       MY_EOF_PACKET("14") "15 <01>5\n" MY_EOF_PACKET("16")
					       MY_OK("1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_greeting),
		cmocka_unit_test(test_logins),
		cmocka_unit_test(test_switched_logins),
		cmocka_unit_test(test_nonce_of_another_plugin),
		cmocka_unit_test(test_malformed_logins),
		cmocka_unit_test(test_refused_logins),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_slow),
		cmocka_unit_test(test_columns_warnings),
		cmocka_unit_test(test_outcomes),
		cmocka_unit_test(test_found_rows),
		cmocka_unit_test(test_several),
		cmocka_unit_test(test_one_at_a_time),
		cmocka_unit_test(test_session),
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_change_user),
		cmocka_unit_test(test_local_file),
		cmocka_unit_test(test_local_files_of_several),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
