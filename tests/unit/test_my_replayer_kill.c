/* SPDX-License-Identifier: Apache-2.0 */
/* The MySQL replayer and KILL: whom it reaches, and what waits for it. */
#include "tests/unit/my_replay.h"

#define NUMBER 0x01020304

/* A session that is logged in, and what it tells others. */
struct scene {
	struct fake fake;
	struct answers answers;
	struct answer_peers peers;
	struct replayer *replayer;
	struct my_client client;
	struct buffer all;
	bool listens;
	unsigned int told;
	struct answer_aside last;
};

static void publish(void *context, struct slice database, const struct answer_aside *aside)
{
	struct scene *scene = context;

	(void)database;
	scene->told++;
	scene->last = *aside;
}

static void listen_too(void *context, struct slice database)
{
	(void)database;
	((struct scene *)context)->listens = true;
}

/* The state behind what the client has said. */
static enum replay_state play(struct scene *scene)
{
	enum replay_state state;
	const char *why;

	assert_int_equal(
		my_replayer_feed(scene->replayer, buffer_slice(&scene->client.bytes), &why), 0);
	buffer_clear(&scene->client.bytes);
	buffer_clear(&scene->all);
	state = my_replayer_fill(scene->replayer, &scene->all);
	return state;
}

static int begin(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	assert_non_null(scene);
	my_fake_init(&scene->fake);
	scene->fake.backend = NUMBER;
	scene->answers = my_answers_of(&scene->fake, NULL);
	scene->peers =
		(struct answer_peers){ .context = scene, .publish = publish, .listen = listen_too };
	scene->answers.peers = &scene->peers;
	scene->replayer = my_replayer_new(&scene->answers, 7);
	my_client_init(&scene->client, CAPABILITIES_OLD);
	buffer_init(&scene->all, OUT_MAX);
	my_say_login(&scene->client);
	while (my_replayer_fill(scene->replayer, &scene->all) == REPLAY_MORE)
		;
	assert_false(scene->listens);
	assert_int_equal(play(scene), REPLAY_IDLE);
	assert_true(scene->listens);
	*state = scene;
	return 0;
}

static int end(void **state)
{
	struct scene *scene = *state;

	my_replayer_free(scene->replayer);
	buffer_release(&scene->client.bytes);
	buffer_release(&scene->all);
	free(scene);
	return 0;
}

static enum replay_state ask(struct scene *scene, const char *text)
{
	my_say_query(&scene->client, text);
	return play(scene);
}

static void tell(struct scene *scene, uint8_t type, uint32_t backend)
{
	my_replayer_tell(scene->replayer,
			 &(struct answer_aside){ .type = type, .backend = backend });
}

static void test_whom(void **state)
{
	static const struct {
		const char *text;
		uint8_t type;
		uint32_t backend; /* 0: it reaches nobody, or who waits for it */
		bool unnamed;
	} kills[] = {
		{ "KILL 5", ASIDE_KILL, 5, false },
		{ "kill hard connection 6", ASIDE_KILL, 6, false },
		{ "Kill Query 5", ASIDE_KILL_QUERY, 5, false },
		{ "kill soft query 7", ASIDE_KILL_QUERY, 0, false }, /* refused */
		{ "kill query id 5", ASIDE_KILL_QUERY, 0, true }, /* a number of something else */
		{ "kill 8", ASIDE_KILL, 0, false },		  /* a miss */
	};
	struct scene *scene = *state;

	for (size_t i = 0; i < ARRAY_SIZE(kills); i++) {
		scene->told = 0;
		assert_int_equal(ask(scene, kills[i].text), REPLAY_IDLE);
		assert_int_equal(scene->told, kills[i].backend || kills[i].unnamed);
		if (!scene->told)
			continue;
		assert_int_equal(scene->last.type, kills[i].type);
		assert_int_equal(scene->last.backend, kills[i].backend);
		assert_int_equal(scene->last.asked != 0, kills[i].unnamed);
	}
	scene->told = 0;
	my_say_command(&scene->client, MY_COM_PROCESS_KILL, SLICE("\5\0\0\0"));
	assert_int_equal(play(scene), REPLAY_IDLE);
	assert_int_equal(scene->told, 1);
}

static void test_query(void **state)
{
	struct scene *scene = *state;

	tell(scene, ASIDE_KILL_QUERY, NUMBER); /* nothing is under way */
	assert_int_equal(ask(scene, "select killed"), REPLAY_HOLD);
	assert_int_equal(scene->all.size, 0);
	tell(scene, ASIDE_KILL_QUERY, NUMBER + 1);
	tell(scene, ASIDE_KILL, NUMBER + 1);
	tell(scene, ASIDE_CANCEL, NUMBER);
	assert_true(my_replayer_wait(scene->replayer) > 0);
	tell(scene, ASIDE_KILL_QUERY, NUMBER);
	assert_int_equal(my_replayer_wait(scene->replayer), 0);
	assert_int_equal(my_replayer_fill(scene->replayer, &scene->all), REPLAY_IDLE);
	assert_non_null(memmem(scene->all.data, scene->all.size, "recorded", 8));
	assert_int_equal(ask(scene, "select once"), REPLAY_IDLE);
	assert_true(scene->all.size > 0);
	/* Nobody kills it again: the time passes. */
	assert_int_equal(ask(scene, "select killed"), REPLAY_HOLD);
	assert_int_equal(my_replayer_fill(scene->replayer, &scene->all), REPLAY_IDLE);
	assert_non_null(memmem(scene->all.data, scene->all.size, "recorded", 8));
}

/* By a KILL that names nobody: the recording says which it was. */
static void test_unnamed(void **state)
{
	struct scene *scene = *state;
	struct answer_aside kill = { .type = ASIDE_KILL_QUERY, .asked = 2 };

	assert_int_equal(ask(scene, "select killed"), REPLAY_HOLD);
	my_replayer_tell(scene->replayer, &kill);
	assert_true(my_replayer_wait(scene->replayer) > 0);
	kill.asked = FAKE_KILLER;
	my_replayer_tell(scene->replayer, &kill);
	assert_int_equal(my_replayer_wait(scene->replayer), 0);
	assert_int_equal(my_replayer_fill(scene->replayer, &scene->all), REPLAY_IDLE);
	assert_non_null(memmem(scene->all.data, scene->all.size, "recorded", 8));
}

static void test_idle(void **state)
{
	struct scene *scene = *state;

	buffer_clear(&scene->all);
	tell(scene, ASIDE_KILL, NUMBER);
	assert_int_equal(my_replayer_fill(scene->replayer, &scene->all), REPLAY_CLOSE);
	assert_int_equal(scene->all.size, 0);
}

/* What it was told before it ended is said. */
static void test_at_work(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(ask(scene, "select killed; select once"), REPLAY_HOLD);
	tell(scene, ASIDE_KILL, NUMBER);
	assert_int_equal(my_replayer_wait(scene->replayer), 0);
	assert_int_equal(my_replayer_fill(scene->replayer, &scene->all), REPLAY_CLOSE);
	assert_non_null(memmem(scene->all.data, scene->all.size, "recorded", 8));
	assert_false(scene->fake.used[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_whom, begin, end),
		cmocka_unit_test_setup_teardown(test_query, begin, end),
		cmocka_unit_test_setup_teardown(test_unnamed, begin, end),
		cmocka_unit_test_setup_teardown(test_idle, begin, end),
		cmocka_unit_test_setup_teardown(test_at_work, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
