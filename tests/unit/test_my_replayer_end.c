/* SPDX-License-Identifier: Apache-2.0 */
/* The MySQL replayer where the recorded connection ended: answers that were cut, sessions that their server ended. */
#include "tests/unit/my_replay.h"

#define TOLD(sequence) sequence " <ff><bf><0f>#HY000inactive\n"

static void begin(struct fake *fake, struct my_client *client, uint64_t capabilities)
{
	my_fake_init(fake);
	my_client_init(client, capabilities);
	my_say_login(client);
}

/* Where the server was recorded to drop the connection it is dropped, whatever else is asked for. */
static void test_dropped(void **state)
{
	struct my_client client;
	struct fake fake;

	(void)state;
	begin(&fake, &client, CAPABILITIES_OLD);
	my_say_query(&client, "select dropped; select a from five");
	my_expect(&fake, &client,
		  MY_LOGGED_IN MY_COUNT("1") MY_DEF_INT("2") "3 <fe>~~<0a>~\n"
							     "4 <01>1\n5 <01>2\nclosed\n");
	begin(&fake, &client, CAPABILITIES_OLD);
	my_say_query(&client, "select reset");
	my_expect(&fake, &client, MY_LOGGED_IN "reset\n");
}

/* ---- clients that left ---- */

struct party {
	struct fake fake;
	struct answers answers;
	struct answer_peers peers;
	struct replayer *replayer;
	const struct answer_aside *later;
	struct my_client client;
	struct buffer said;
};

static void later(void *context, const struct answer_aside *aside)
{
	((struct party *)context)->later = aside;
}

static void listen_too(void *context, struct slice database)
{
	(void)context, (void)database;
}

static enum replay_state fill(struct party *side)
{
	enum replay_state state;
	struct buffer out;

	buffer_init(&out, OUT_MAX);
	do {
		buffer_clear(&out);
		state = my_replayer_fill(side->replayer, &out);
		buffer_append_slice(&side->said, buffer_slice(&out));
	} while (state == REPLAY_MORE);
	buffer_release(&out);
	return state;
}

/* Feeds what the client has said, if anything, and expects this. */
static void side_play(struct party *side, enum replay_state wanted, const char *expected)
{
	const char *why;
	struct buffer text;

	buffer_init(&text, OUT_MAX);
	if (side->client.bytes.size)
		assert_int_equal(
			my_replayer_feed(side->replayer, buffer_slice(&side->client.bytes), &why),
			0);
	buffer_clear(&side->client.bytes);
	assert_int_equal(fill(side), wanted);
	my_render(&text, buffer_slice(&side->said));
	buffer_append_u8(&text, 0);
	if (expected)
		assert_string_equal((const char *)text.data, expected);
	buffer_clear(&side->said);
	buffer_release(&text);
}

static void side_init(struct party *side)
{
	*side = (struct party){ 0 };
	begin(&side->fake, &side->client, CAPABILITIES_OLD);
	buffer_init(&side->said, OUT_MAX);
	side->answers = my_answers_of(&side->fake, NULL);
	side->peers =
		(struct answer_peers){ .context = side, .listen = listen_too, .later = later };
	side->answers.peers = &side->peers;
	side->replayer = my_replayer_new(&side->answers, 7);
	assert_int_equal(fill(side), REPLAY_IDLE);
	side_play(side, REPLAY_IDLE, NULL);
}

static void side_release(struct party *side)
{
	my_replayer_free(side->replayer);
	buffer_release(&side->client.bytes);
	buffer_release(&side->said);
}

static void side_query(struct party *side, const char *sql, enum replay_state wanted,
		       const char *expected)
{
	my_say_query(&side->client, sql);
	side_play(side, wanted, expected);
}

#define GAVE_UP(sequence)                                                                 \
	sequence " <ff>Q<04>#HY000mockproxy: recorded without an answer, or without all " \
		 "of it: its client gave up\n"
#define DO MY_OK("1")

/* What the recorded client had got, and then nothing for a while; who is still there is told that this was not all. */
static void test_left(void **state)
{
	static const struct {
		const char *sql;
		const char *got;
		const char *then;
	} cases[] = {
		{ "select left",
		  MY_COUNT("1") MY_DEF_INT("2") MY_EOF_PACKET("3") "4 <01>1\n5 <01>2\n",
		  GAVE_UP("6") },
		{ "select unanswered", "", GAVE_UP("1") },
		/* More was said to come. */
		{ "call left()",
		  MY_COUNT("1") MY_DEF_INT("2") "3 <fe>~~<0a>~\n4 <01>1\n5 <fe>~~<0a>~\n",
		  GAVE_UP("6") },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct party side;

		side_init(&side);
		side_query(&side, cases[i].sql, REPLAY_HOLD, cases[i].got);
		assert_true(my_replayer_wait(side.replayer) >= 1000000000);
		side_play(&side, REPLAY_IDLE, cases[i].then);
		side_query(&side, "update t set a = 1", REPLAY_IDLE, NULL);
		assert_int_equal(side.fake.unservable, 0);
		side_release(&side);
	}
}

/* ---- sessions that the server ended ---- */

/* MySQL's last word counts from 0, MariaDB's from 1. */
static void test_last_word(void **state)
{
	struct my_client client;
	struct fake fake;

	(void)state;
	begin(&fake, &client, CAPABILITIES_OLD);
	my_say_query(&client, "select then told");
	my_expect(&fake, &client, MY_LOGGED_IN DO TOLD("0") "closed\n");
	begin(&fake, &client, CAPABILITIES_OLD & ~MY_CLIENT_MYSQL);
	fake.capabilities &= ~MY_CLIENT_MYSQL;
	my_say_query(&client, "select then told");
	my_expect(&fake, &client, MY_LOGGED_IN DO TOLD("1") "closed\n");
	begin(&fake, &client, CAPABILITIES_OLD);
	my_say_query(&client, "select then reset");
	my_expect(&fake, &client, MY_LOGGED_IN DO "reset\n");
}

/* When the recorded time has passed, or when it asks what met the end. */
static void test_ends(void **state)
{
	struct party side;

	(void)state;
	side_init(&side);
	side_query(&side, "select then told", REPLAY_IDLE, DO);
	side_play(&side, REPLAY_IDLE, "");
	my_replayer_tell(side.replayer, side.later);
	side_play(&side, REPLAY_CLOSE, TOLD("0"));
	side_release(&side);

	side_init(&side);
	side_query(&side, "select then closed", REPLAY_IDLE, DO);
	my_say_command(&side.client, MY_COM_PING, SLICE(""));
	side_play(&side, REPLAY_IDLE, DO); /* nothing is known of one */
	side_query(&side, "select late", REPLAY_CLOSE, "");
	side_release(&side);

	side_init(&side);
	side_query(&side, "select then closed", REPLAY_IDLE, DO);
	my_say_prepare(&side.client, "select late");
	side_play(&side, REPLAY_CLOSE, "");
	side_release(&side);

	side_init(&side);
	side_query(&side, "select then reset", REPLAY_IDLE, DO);
	my_say_command(&side.client, MY_COM_PING, SLICE(""));
	side_play(&side, REPLAY_RESET, "");
	side_release(&side);
}

/* What is housekeeping is counted: it came before the end, too. */
static void test_behind(void **state)
{
	struct party side;

	(void)state;
	side_init(&side);
	side_query(&side, "select then commit", REPLAY_IDLE, DO);
	my_replayer_tell(side.replayer, side.later);
	side_play(&side, REPLAY_IDLE, "");
	side_query(&side, "commit", REPLAY_CLOSE, DO TOLD("0"));
	side_release(&side);

	/* Asked before it, this is not what met the end. */
	side_init(&side);
	side_query(&side, "select then commit", REPLAY_IDLE, DO);
	side_query(&side, "select late", REPLAY_IDLE, NULL);
	side_release(&side);
}

/* Who asks something else goes on, and its time does not come. */
static void test_goes_on(void **state)
{
	struct party side;

	(void)state;
	side_init(&side);
	side_query(&side, "select then closed", REPLAY_IDLE, DO);
	side_query(&side, "select a from five", REPLAY_IDLE, NULL);
	my_replayer_tell(side.replayer, side.later);
	side_play(&side, REPLAY_IDLE, "");
	side_query(&side, "select late", REPLAY_IDLE, NULL);
	side_release(&side);
}

/* Another session kills it before its time: it ends as it did then. */
static void test_killed(void **state)
{
	const struct answer_aside kill = { .type = ASIDE_KILL, .backend = (1U << 30) + 7 };
	struct party side;

	(void)state;
	side_init(&side);
	side_query(&side, "select then commit", REPLAY_IDLE, DO);
	my_replayer_tell(side.replayer, &kill);
	side_play(&side, REPLAY_CLOSE, TOLD("0"));
	side_release(&side);

	side_init(&side);
	side_query(&side, "select a from five", REPLAY_IDLE, NULL);
	my_replayer_tell(side.replayer, &kill);
	side_play(&side, REPLAY_CLOSE, "");
	side_release(&side);
}

/* ---- requests that were refused by their length ---- */

static struct slice refused_request(struct buffer *text, size_t size)
{
	buffer_init(text, size);
	buffer_append_u8(text, MY_COM_QUERY);
	buffer_append_string(text, "select length('");
	while (text->size < size - 2)
		buffer_append_u8(text, 'x');
	buffer_append_string(text, "')");
	return buffer_slice(text);
}

/* As soon as the length is known, whatever comes then; nothing more is read, and who is still there is reset. */
static void test_refused_length(void **state)
{
	struct buffer text;
	struct party side;

	(void)state;
	for (size_t came = MY_HEADER_SIZE + 1; came <= MY_HEADER_SIZE + 70000; came += 69999) {
		side_init(&side);
		my_say_packet(&side.client, 0, refused_request(&text, 70000));
		side.client.bytes.size = came;
		side_play(&side, REPLAY_HOLD, NULL);
		assert_int_equal(side.fake.found, 1);
		assert_int_equal(fill(&side), REPLAY_RESET);
		side_release(&side);
		buffer_release(&text);
	}
	/* Another length is another question. */
	side_init(&side);
	my_say_packet(&side.client, 0, refused_request(&text, 70001));
	side_play(&side, REPLAY_IDLE, NULL);
	assert_int_equal(side.fake.found, 0);
	side_release(&side);
	buffer_release(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dropped),	  cmocka_unit_test(test_left),
		cmocka_unit_test(test_last_word), cmocka_unit_test(test_ends),
		cmocka_unit_test(test_behind),	  cmocka_unit_test(test_goes_on),
		cmocka_unit_test(test_killed),	  cmocka_unit_test(test_refused_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
