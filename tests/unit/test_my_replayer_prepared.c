/* SPDX-License-Identifier: Apache-2.0 */
/* The MySQL replayer: prepared statements, cursors, bulks, query attributes, compression and rows of 16 MB. */
#include "tests/unit/my_replay.h"

static void begin(struct fake *fake, struct my_client *client, uint64_t capabilities)
{
	my_fake_init(fake);
	my_client_init(client, capabilities);
	my_say_login(client);
}

#define UNKNOWN(id)                                                        \
	"1 <ff><db><04>#HY000Unknown prepared statement handler (" id ") " \
	"given to mysql_stmt_precheck\n"
/* Of a statement with one parameter and one int column. */
#define PREPARED_OLD(id)                                                                         \
	"1 ~<" id ">~~~<01>~<01>~~~~\n" MY_DEF_PARAMETER("2") MY_EOF_PACKET("3") MY_DEF_INT("4") \
		MY_EOF_PACKET("5")

static void test_prepared(void **state)
{
	struct my_client client;
	struct fake fake;

	(void)state;
	begin(&fake, &client, CAPABILITIES_OLD);
	my_say_prepare(&client, "select a from t where a = ?");
	my_say_execute(&client, 1, 0, 5); /* recorded as text */
	my_say_execute(&client, 1, 0, 6);
	my_say_execute(&client, 1, 0, 7);
	my_say_execute(&client, 2, 0, 5);
	my_say_execute(&client, MY_STATEMENT_LAST, 0, 5);
	my_say_command(&client, MY_COM_STMT_CLOSE, SLICE("\x01\0\0\0"));
	my_say_command(&client, MY_COM_STMT_RESET, SLICE("\x01\0\0\0"));
	my_expect(&fake, &client,
		  MY_LOGGED_IN PREPARED_OLD("01") MY_COUNT("1") MY_DEF_INT("2") MY_EOF_PACKET(
			  "3") "4 ~~<05>~~~\n" MY_EOF_PACKET("5") MY_COUNT("1") MY_DEF_INT("2")
			  MY_EOF_PACKET("3") "4 ~~<06>~~~\n" MY_EOF_PACKET("5")
				  MY_MISS("1", "select a from t where a = ?") UNKNOWN("2")
					  MY_COUNT("1") MY_DEF_INT("2") MY_EOF_PACKET(
						  "3") "4 ~~<05>~~~\n" MY_EOF_PACKET("5")
						  UNKNOWN("1"));
	assert_int_equal(fake.found, 3);
}

static void test_prepare_errors(void **state)
{
	struct my_client client;
	struct fake fake;

	(void)state;
	begin(&fake, &client, CAPABILITIES_NEW);
	my_say_prepare(&client, "select parse");
	my_say_prepare(&client, "select never");
	my_say_execute(&client, MY_STATEMENT_LAST, 0, -1);
	my_say_prepare(&client, "commit"); /* the session knows it */
	my_say_execute(&client, 1, 0, -1);
	my_say_prepare(&client, "select f from t"); /* six digits do not tell the bits */
	my_say_execute(&client, 2, 0, -1);
	my_say_prepare(&client, "select bad");
	my_say_execute(&client, 3, 0, -1);
	my_say_prepare(&client, "select prewarned");
	my_say_prepare(&client, "call p()"); /* servers know no columns before it was called */
	my_say_command(&client, MY_COM_PING, SLICE(""));
	my_expect(&fake, &client,
		  MY_LOGGED_IN_NEW "1 <ff>(<04>#42S02recorded\n" MY_MISS("1", "select never")
			  UNKNOWN("4294967295") "1 ~<01>~~~~~~~~~~\n" MY_OK(
				  "1") "1 ~<02>~~~<01>~~~~~~\n2 "
				       "<03>def~<01>t<01>t<01>f<01>f<0c>?~<0c>~~~<04>~~~~~\n"
				       "1 <01>\n2 "
				       "<03>def~<01>t<01>t<01>f<01>f<0c>?~<0c>~~~<04>~~~~~\n"
				       "3 <ff>Q<04>#HY000mockproxy: the recorded answer cannot be "
				       "given in the form "
				       "that was asked for: column f of type float was recorded as "
				       "text and asked in "
				       "binary\n"
				       "1 ~<03>~~~<01>~~~~~~\n" MY_DEF_INT("2") MY_COUNT("1")
					       MY_DEF_INT("2") "3 ~~<01>~~~\n4 "
							       "<ff>z<04>#42S02recorded\n"
							       "1 ~<04>~~~~~~~~<02>~\n"
							       "1 ~<05>~~~~~~~~~~\n" MY_OK("1"));
	assert_int_equal(fake.unservable, 1);
}

/* Nothing at all is an error in both; a comment MariaDB prepares, and MySQL does not. */
static void test_prepare_nothing(void **state)
{
	struct my_client client;
	struct fake fake;

	(void)state;
	begin(&fake, &client, CAPABILITIES_NEW);
	my_say_prepare(&client, " ;");
	my_say_prepare(&client, "/* none */");
	my_expect(&fake, &client,
		  MY_LOGGED_IN_NEW
		  "1 <ff>)<04>#42000Query was empty\n"
		  "1 <ff><0f><05>#HY000This command is not supported in the prepared "
		  "statement protocol yet\n");

	begin(&fake, &client, CAPABILITIES_NEW & ~MY_CLIENT_MYSQL);
	fake.capabilities &= ~MY_CLIENT_MYSQL;
	my_say_prepare(&client, "");
	my_say_prepare(&client, "/* none */;");
	my_say_execute(&client, 1, 0, -1);
	my_expect(&fake, &client,
		  MY_LOGGED_IN_NEW "1 <ff>)<04>#42000Query was empty\n"
				   "1 ~<01>~~~~~~~~~~\n" MY_OK("1"));
}

#define OTHER_FORM(how)                                                                     \
	"1 <ff>Q<04>#HY000mockproxy: the recorded answer cannot be given in the form that " \
	"was asked for: recorded as " how "\n"
#define FOR_NO_TEXT OTHER_FORM("prepared, where OUT parameters are a result")
#define FOR_TEXT_ONLY OTHER_FORM("text, where OUT parameters are variables")
#define ONE_PARAMETER(id) "1 ~<" id ">~~~~~<01>~~~~\n" MY_DEF_PARAMETER("2")
#define OUT_PARAMETERS                                              \
	MY_COUNT("1")                                               \
	MY_DEF_INT("2")                                             \
	"3 ~~<07>~~~\n4 <fe>~~<0a><10>~~\n" MY_COUNT("5")           \
		MY_DEF_INT("6") "7 ~~<08>~~~\n8 <fe>~~<0a><10>~~\n" \
				"9 ~~~<02>~~~\n"
#define NO_PARAMETER(id) "1 ~<" id ">~~~~~~~~~~\n"
#define NO_VARIABLE "1 <ff><86><05>#42S02recorded\n"

/* They are a result for who binds them, and variables in a text: neither is given what the other was answered. */
static void test_out_parameters(void **state)
{
	struct my_client client;
	struct fake fake;

	(void)state;
	begin(&fake, &client, CAPABILITIES_NEW);
	my_say_prepare(&client, "call out_of(?)");
	my_say_execute(&client, 1, 0, 1);
	my_say_query(&client, "call out_of(1)");
	my_say_prepare(&client, "call not_out(?)");
	my_say_execute(&client, 2, 0, 1);
	my_say_prepare(&client, "call not_out(1)");
	my_say_execute(&client, 3, 0, -1);
	my_say_query(&client, "call not_out(1)");
	my_expect(&fake, &client,
		  MY_LOGGED_IN_NEW ONE_PARAMETER("01")
			  OUT_PARAMETERS FOR_NO_TEXT ONE_PARAMETER("02")
				  FOR_TEXT_ONLY NO_PARAMETER("03") NO_VARIABLE NO_VARIABLE);
	assert_int_equal(fake.unservable, 2);
}

/* Types are said once; a parameter may be null or sent ahead; malformed ones are refused. */
static void test_parameters(void **state)
{
	struct my_client client;
	struct fake fake;

	(void)state;
	begin(&fake, &client, CAPABILITIES_NEW);
	my_say_prepare(&client, "insert into t values (?)");
	my_say_command(&client, MY_COM_STMT_EXECUTE, SLICE("\x01\0\0\0\0\x01\0\0\0\0\0\x01\0\0\0"));
	my_say_execute(&client, 1, 0, 1);
	my_say_command(&client, MY_COM_STMT_EXECUTE, SLICE("\x01\0\0\0\0\x01\0\0\0\0\0\x01\0\0\0"));
	my_say_command(&client, MY_COM_STMT_EXECUTE, SLICE("\x01\0\0\0\0\x01\0\0\0\0\0\x01\0"));
	my_say_command(&client, MY_COM_STMT_EXECUTE, SLICE("\x01\0\0\0\0\x01\0\0\0\x01\0"));
	my_say_command(&client, MY_COM_STMT_EXECUTE, SLICE("\x01\0\0"));
	my_expect(
		&fake, &client,
		MY_LOGGED_IN_NEW "1 ~<01>~~~~~<01>~~~~\n" MY_DEF_PARAMETER(
			"2") "1 <ff><ba><04>#HY000Incorrect arguments to mysqld_stmt_execute\n"
			     "1 ~<01><07>\"~~~\n1 ~<01><07>\"~~~\n"
			     "1 <ff>+<07>#HY000Malformed communication packet\n" MY_MISS(
				     "1", "insert into t values (?)") "1 <ff>+<07>#HY000Malformed "
								      "communication packet\n");

	begin(&fake, &client, CAPABILITIES_NEW);
	my_say_prepare(&client, "insert into t values (?)");
	my_say_command(&client, MY_COM_STMT_SEND_LONG_DATA,
		       SLICE("\x01\0\0\0\0\0"
			     "1"));
	my_say_command(&client, MY_COM_STMT_SEND_LONG_DATA,
		       SLICE("\x01\0\0\0\x01\0"
			     "9"));
	my_say_command(&client, MY_COM_STMT_EXECUTE, SLICE("\x01\0\0\0\0\x01\0\0\0\0\x01\xfd\0"));
	my_say_command(&client, MY_COM_STMT_RESET, SLICE("\x01\0\0\0"));
	my_say_command(&client, MY_COM_STMT_EXECUTE,
		       SLICE("\x01\0\0\0\0\x01\0\0\0\0\x01\xfd\0\x01"
			     "1"));
	my_expect(&fake, &client,
		  MY_LOGGED_IN_NEW "1 ~<01>~~~~~<01>~~~~\n" MY_DEF_PARAMETER(
			  "2") "1 ~<01><07>\"~~~\n" MY_OK("1") "1 ~<01><07>\"~~~\n");

	/* What was sent ahead is for one execution, well or not. */
	begin(&fake, &client, CAPABILITIES_NEW);
	my_say_prepare(&client, "insert into t values (?)");
	for (int i = 0; i < 2; i++) {
		my_say_command(&client, MY_COM_STMT_SEND_LONG_DATA,
			       SLICE("\x01\0\0\0\0\0"
				     "1"));
		my_say_command(&client, MY_COM_STMT_EXECUTE,
			       SLICE("\x01\0\0\0\0\x01\0\0\0\0\x01\xfd\0"));
	}
	my_say_command(&client, MY_COM_STMT_EXECUTE,
		       SLICE("\x01\0\0\0\0\x01\0\0\0\0\x01\xfd\0\x01"
			     "1"));
	my_expect(&fake, &client,
		  MY_LOGGED_IN_NEW
		  "1 ~<01>~~~~~<01>~~~~\n" MY_DEF_PARAMETER("2") "1 ~<01><07>\"~~~\n"
								 "1 ~<01><07>\"~~~\n"
								 "1 ~<01><07>\"~~~\n");
}

/* What was sent ahead is for one execution: the next ones say their own, or none. */
static void test_long_data_again(void **state)
{
	const struct slice ahead = SLICE("\x01\0\0\0\0\0"
					 "1");
	const struct slice execute = SLICE("\x01\0\0\0\0\x01\0\0\0\0\x01\xfd\0");
	struct my_client client;
	struct fake fake;

	(void)state;
	begin(&fake, &client, CAPABILITIES_NEW);
	my_say_prepare(&client, "insert into t values (?)");
	for (int i = 0; i < 2; i++) {
		my_say_command(&client, MY_COM_STMT_SEND_LONG_DATA, ahead);
		my_say_command(&client, MY_COM_STMT_EXECUTE, execute);
	}
	my_say_command(&client, MY_COM_STMT_EXECUTE, execute);
	my_expect(&fake, &client,
		  MY_LOGGED_IN_NEW "1 ~<01>~~~~~<01>~~~~\n" MY_DEF_PARAMETER(
			  "2") "1 ~<01><07>\"~~~\n1 ~<01><07>\"~~~\n"
			       "1 <ff>+<07>#HY000Malformed communication packet\n");
}

static void test_cursor(void **state)
{
	struct my_client client;
	struct fake fake;

	(void)state;
	begin(&fake, &client, CAPABILITIES_OLD);
	my_say_prepare(&client, "select a from five");
	my_say_execute(&client, 1, 1, -1);
	my_say_command(&client, MY_COM_STMT_FETCH, SLICE("\x01\0\0\0\x03\0\0\0"));
	my_say_command(&client, MY_COM_STMT_FETCH, SLICE("\x01\0\0\0\x02\0\0\0"));
	my_say_command(&client, MY_COM_STMT_FETCH, SLICE("\x01\0\0\0\x02\0\0\0"));
	my_say_command(&client, MY_COM_STMT_FETCH, SLICE("\x01\0\0\0\x02\0\0\0"));
	my_expect(&fake, &client,
		  MY_LOGGED_IN "1 ~<01>~~~<01>~~~~~~\n" MY_DEF_INT("2") MY_EOF_PACKET("3")
			  MY_COUNT("1") MY_DEF_INT(
				  "2") "3 <fe>~~B~\n"
				       "1 ~~<01>~~~\n2 ~~<02>~~~\n3 ~~<03>~~~\n4 <fe>~~B~\n"
				       "1 ~<04>\n2 ~~<05>~~~\n3 <fe>~~B~\n"
				       "1 <fe>~~<82>~\n"
				       "1 <ff><8d><05>#HY000The statement has no open cursor.\n");
	/* One that cannot be opened: the error is in the place of the EOF. */
	begin(&fake, &client, CAPABILITIES_OLD);
	my_say_prepare(&client, "select none");
	my_say_execute(&client, 1, 1, -1);
	my_say_execute(&client, 1, 0, -1);
	my_expect(&fake, &client,
		  MY_LOGGED_IN "1 ~<01>~~~<01>~~~~~~\n" MY_DEF_INT("2") MY_EOF_PACKET("3") MY_COUNT(
			  "1") MY_DEF_INT("2") "3 <ff><da><04>#42S02recorded\n" MY_COUNT("1")
			  MY_DEF_INT("2") MY_EOF_PACKET("3") "4 <ff><da><04>#42S02recorded\n");
	/* Warnings are counted where it is opened. */
	begin(&fake, &client, CAPABILITIES_OLD);
	my_say_prepare(&client, "select warned");
	my_say_execute(&client, 1, 1, -1);
	my_say_command(&client, MY_COM_STMT_FETCH, SLICE("\x01\0\0\0\x09\0\0\0"));
	my_expect(&fake, &client,
		  MY_LOGGED_IN "1 ~<01>~~~<01>~~~~~~\n" MY_DEF_INT("2") MY_EOF_PACKET("3")
			  MY_COUNT("1")
				  MY_DEF_INT("2") "3 <fe><03>~B~\n"
						  "1 ~~<01>~~~\n2 ~~<02>~~~\n3 <fe>~~<82>~\n");
	/* Nothing is fetched where there are no rows. */
	begin(&fake, &client, CAPABILITIES_NEW);
	my_say_prepare(&client, "insert into t values (?)");
	my_say_execute(&client, 1, 1, 1);
	my_expect(&fake, &client,
		  MY_LOGGED_IN_NEW
		  "1 ~<01>~~~~~<01>~~~~\n" MY_DEF_PARAMETER("2") "1 ~<01><07>\"~~~\n");
}

/* In front of rows an EOF counts those that there were by then; and so do those of a PREPARE's answer. */
static void test_warnings_in_front(void **state)
{
	struct my_client client;
	struct fake fake;

	(void)state;
	begin(&fake, &client, CAPABILITIES_OLD);
	my_say_prepare(&client, "select warned early");
	my_say_execute(&client, 1, 0, -1);
	my_expect(&fake, &client,
		  MY_LOGGED_IN
		  "1 ~<01>~~~<01>~~~~<01>~\n" MY_DEF_INT("2") "3 <fe><01>~<02>~\n" MY_COUNT("1")
			  MY_DEF_INT("2") "3 <fe><02>~<02>~\n4 ~~<01>~~~\n5 <fe><03>~<02>~\n");
}

/* The answer to a PREPARE counts placeholders in two bytes. */
static void test_too_many_placeholders(void **state)
{
	struct my_client client;
	struct buffer text;
	struct fake fake;

	(void)state;
	buffer_init(&text, (size_t)1 << 20);
	buffer_append_string(&text, "set @a = ?");
	for (int i = 0; i < UINT16_MAX; i++)
		buffer_append_string(&text, ", @a = ?");
	buffer_append_u8(&text, 0);
	begin(&fake, &client, CAPABILITIES_OLD);
	my_say_prepare(&client, (const char *)text.data);
	my_say_command(&client, MY_COM_PING, SLICE(""));
	my_expect(
		&fake, &client,
		MY_LOGGED_IN
		"1 <ff>n<05>#HY000Prepared statement contains too many placeholders\n" MY_OK("1"));
	buffer_release(&text);
}

static void test_bulk(void **state)
{
	struct my_client client;
	struct fake fake;

	(void)state;
	begin(&fake, &client, CAPABILITIES_NEW);
	my_say_prepare(&client, "insert into t values (?)");
	my_say_command(&client, MY_COM_STMT_BULK_EXECUTE,
		       SLICE("\xff\xff\xff\xff\x80\0\x03\0\0\x01\0\0\0\0\x02\0\0\0"));
	my_say_command(&client, MY_COM_STMT_BULK_EXECUTE, SLICE("\x01\0\0\0\x80\0\x03\0\x02"));
	my_say_command(&client, MY_COM_STMT_BULK_EXECUTE, SLICE("\x01\0\0\0\x80\0\x03\0\x09"));
	my_expect(&fake, &client,
		  MY_LOGGED_IN_NEW
		  "1 ~<01>~~~~~<01>~~~~\n" MY_DEF_PARAMETER("2") "1 ~<02>~<02>~~~\n" MY_MISS(
			  "1", "insert into t values (?)") "1 <ff>+<07>#HY000mockproxy: a "
							   "malformed or too large bulk\n");
}

/* A bulk of few bytes takes little memory, however many parameters its statement has. */
static void test_bulk_memory(void **state)
{
	const struct slice bulk = SLICE("\xff\xff\xff\xff\x80\0\x03\0\x01");
	struct my_client client;
	struct fake fake;
	struct answers answers;
	struct replayer *replayer;
	struct buffer sql, out;
	const char *why;

	(void)state;
	begin(&fake, &client, CAPABILITIES_NEW);
	buffer_init(&sql, OUT_MAX);
	buffer_init(&out, OUT_MAX);
	buffer_append_string(&sql, "set @a=?"); /* the session knows it */
	for (int i = 1; i < 60000; i++)
		buffer_append_string(&sql, ",@a=?");
	buffer_append_u8(&sql, 0);
	my_say_prepare(&client, (const char *)sql.data);
	my_say_command(&client, MY_COM_STMT_BULK_EXECUTE, bulk);
	answers = my_answers_of(&fake, NULL);
	replayer = my_replayer_new(&answers, 7);
	assert_int_equal(my_replayer_fill(replayer, &out), REPLAY_IDLE);
	assert_int_equal(my_replayer_feed(replayer, buffer_slice(&client.bytes), &why), 0);
	while (my_replayer_fill(replayer, &out) == REPLAY_MORE)
		buffer_clear(&out);
	assert_in_range(replayer->arena.allocated, 1, 16 << 20);
	my_replayer_free(replayer);
	buffer_release(&client.bytes);
	buffer_release(&sql);
	buffer_release(&out);
}

static void test_attributes(void **state)
{
	struct my_client client;
	struct fake fake;

	(void)state;
	begin(&fake, &client, CAPABILITIES_NEW | MY_CLIENT_QUERY_ATTRIBUTES);
	my_say_command(&client, MY_COM_QUERY, SLICE("\0\x01select once"));
	my_say_command(&client, MY_COM_QUERY,
		       SLICE("\x02\x01\x02\x01\xfd\0\x04name\x03\0\0\x05valueselect once"));
	my_say_command(&client, MY_COM_QUERY, SLICE("\x01\x01\0\x01\xfd\0\x20x"));
	my_say_prepare(&client, "insert into t values (?)");
	my_say_command(
		&client, MY_COM_STMT_EXECUTE,
		SLICE("\x01\0\0\0\x08\x01\0\0\0\x02\0\x01\x03\0\0\xfd\0\x01k\x01\0\0\0\x01v"));
	my_expect(&fake, &client,
		  MY_LOGGED_IN_NEW MY_OK(
			  "1") "1 <ff>Q<04>#HY000mockproxy: every recorded answer to "
			       "this statement was given "
			       "already. Asked: select once; Nearest recorded: select "
			       "nearest; Difference: "
			       "value 1: recorded 5, asked 7\n"
			       "1 <ff>+<07>#HY000Malformed communication packet\n"
			       "1 ~<01>~~~~~<01>~~~~\n" MY_DEF_PARAMETER("2") "1 ~<01><07>\"~~~\n");
}

#define LETTERS "abcdefghijklmnopqrstuvw"
#define LAST_104 "rstuvw" LETTERS LETTERS LETTERS LETTERS "abcdef"

/* A packet has more than fits one, or is exactly full. */
static void test_large_rows(void **state)
{
	struct my_client client;
	struct fake fake;

	(void)state;
	begin(&fake, &client, CAPABILITIES_NEW);
	my_say_query(&client, "select big");
	my_expect(&fake, &client,
		  MY_LOGGED_IN_NEW MY_COUNT("1")
			  MY_DEF_TEXT("2") "3 16777215 bytes\n4 " LAST_104 "\n5 <fb>\n"
					   "6 16777215 bytes\n7 " LAST_104 "\n8 <fe>~~<02>~~~\n");

	begin(&fake, &client, CAPABILITIES_NEW);
	fake.part_bytes = MY_SPLIT_SIZE - 4; /* its length stands before it */
	my_say_query(&client, "select big");
	my_expect(&fake, &client,
		  MY_LOGGED_IN_NEW MY_COUNT("1")
			  MY_DEF_TEXT("2") "3 16777215 bytes\n4 \n5 <fb>\n6 16777215 bytes\n7 \n8 "
					   "<fe>~~<02>~~~\n");
}

/* What is behind the greeting and the login's OK, decompressed. */
static void decompress(uint64_t method, struct slice bytes, struct buffer *plain)
{
	struct my_decompressor *decompressor = my_decompressor_new(my_compression_of(method));
	const char *why;
	struct slice part;

	for (int i = 0; i < 2; i++) {
		struct cursor cursor = cursor_of(bytes);
		size_t size = cursor_u24le(&cursor) + MY_HEADER_SIZE;

		assert_true(size <= bytes.size);
		bytes = slice_of(bytes.data + size, bytes.size - size);
	}
	while (my_decompressor_next(decompressor, &bytes, &part, &why) == MY_EVENT)
		buffer_append_slice(plain, part);
	assert_int_equal(bytes.size, 0);
	my_decompressor_free(decompressor);
}

/* Each command is in a frame of its own, and so is each answer. */
static void compressed(uint64_t method)
{
	static const char rows[] =
		MY_COUNT("1") MY_DEF_INT("2") "3 <01>1\n4 <01>2\n5 <01>3\n6 <fb>\n7 <01>5\n"
					      "8 <fe>~~<02>~~~\n";
	struct my_compressor *compressor = my_compressor_new(my_compression_of(method), 3);
	struct my_client client, inner;
	struct buffer all, plain, text;
	struct fake fake;

	begin(&fake, &client, CAPABILITIES_NEW | method);
	for (int i = 0; i < 2; i++) {
		uint8_t sequence = 0;

		my_client_init(&inner, 0);
		my_say_query(&inner, "select a from five");
		my_compress(compressor, buffer_slice(&inner.bytes), &client.bytes, &sequence);
		buffer_release(&inner.bytes);
	}
	my_compressor_free(compressor);
	buffer_init(&all, OUT_MAX);
	buffer_init(&plain, OUT_MAX);
	buffer_init(&text, OUT_MAX);
	my_play(&fake, NULL, &client, 5, &all);
	decompress(method, buffer_slice(&all), &plain);
	my_render(&text, buffer_slice(&plain));
	assert_int_equal(text.size, 2 * (sizeof(rows) - 1));
	assert_memory_equal(text.data, rows, sizeof(rows) - 1);
	assert_memory_equal(text.data + sizeof(rows) - 1, rows, sizeof(rows) - 1);
	buffer_release(&text);
	buffer_release(&plain);
	buffer_release(&all);
	buffer_release(&client.bytes);
}

static void test_compression(void **state)
{
	(void)state;
	compressed(MY_CLIENT_COMPRESS);
	compressed(MY_CLIENT_ZSTD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prepared),
		cmocka_unit_test(test_prepare_errors),
		cmocka_unit_test(test_prepare_nothing),
		cmocka_unit_test(test_out_parameters),
		cmocka_unit_test(test_parameters),
		cmocka_unit_test(test_cursor),
		cmocka_unit_test(test_bulk),
		cmocka_unit_test(test_attributes),
		cmocka_unit_test(test_long_data_again),
		cmocka_unit_test(test_bulk_memory),
		cmocka_unit_test(test_large_rows),
		cmocka_unit_test(test_compression),
		cmocka_unit_test(test_warnings_in_front),
		cmocka_unit_test(test_too_many_placeholders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
