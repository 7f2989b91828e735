/* SPDX-License-Identifier: Apache-2.0 */
/* Which exchanges of a recording a KILL interrupted. */
#include "parsers/mysql/wire.h"
#include "store/kills.h"
#include "store/matcher_state.h"
#include "tests/unit/store_replay.h"

/* A connection of the server on this port, which gave it this number. */
static void open_session(struct writer *writer, uint64_t connection, uint16_t port, uint32_t number)
{
	struct item *item = make_session(connection, "app");

	item->session.protocol = &mysql_protocol;
	item->session.backend = number;
	push(writer, make_open(connection, "127.0.0.1", port));
	push(writer, item);
}

/* From and to in milliseconds; to 0: it has no end. */
static void push_asked(struct writer *writer, uint64_t connection, uint64_t ordinal,
		       const char *text, int64_t from, int64_t to)
{
	struct item *item = make_exchange(connection, ordinal, text);

	item->exchange.start_ns = from * 1000000;
	item->exchange.end_ns = to * 1000000;
	if (!to) {
		item->exchange.end_ns = 0;
		item->exchange.outcome = OUTCOME_UNFINISHED;
	}
	push(writer, item);
}

static void test_interrupted(void **state)
{
	struct scene *scene = *state;
	const struct answers *answers;

	open_session(scene->writer, 1, 3306, 9);
	open_session(scene->writer, 2, 3306, 10);
	open_session(scene->writer, 3, 3307, 10);
	push_asked(scene->writer, 2, 1, "do before()", 1, 2);
	push_asked(scene->writer, 2, 2, "do at_work()", 3, 6);
	push_asked(scene->writer, 3, 1, "do elsewhere()", 3, 6);
	push_asked(scene->writer, 1, 1, "do itself()", 4, 9);
	push_asked(scene->writer, 1, 2, "KILL QUERY 10", 5, 6);
	push_asked(scene->writer, 2, 3, "do again()", 7, 0);
	push_asked(scene->writer, 1, 3, "KILL 10", 8, 9);
	push_asked(scene->writer, 2, 4, "do behind()", 10, 11);
	answers = scene_play(scene, &last);
	for (uint64_t id = 1; id <= 9; id++)
		assert_int_equal(answers->interrupted(answers->context, id), id == 2 ? 5 :
									     id == 6 ? 7 :
										       0);
}

/* What says no number of a session hit who was cut, or interrupted, just then. */
static void test_unnamed(void **state)
{
	struct scene *scene = *state;
	const struct answers *answers;
	struct item *item;

	open_session(scene->writer, 1, 3306, 9);
	open_session(scene->writer, 2, 3306, 10);
	open_session(scene->writer, 3, 3307, 10);
	push_asked(scene->writer, 2, 1, "do well()", 3, 6);
	push_asked(scene->writer, 1, 1, "KILL QUERY ID 10", 5, 6);
	for (uint64_t connection = 2; connection <= 3; connection++) {
		item = make_exchange(connection, connection == 2 ? 2 : 1, "do cut()");
		item->exchange.start_ns = 7000000;
		item->exchange.end_ns = 0;
		item->exchange.outcome = OUTCOME_UNFINISHED;
		item->exchange.flags = EXCHANGE_CUT | EXCHANGE_SERVER_ENDED;
		push(scene->writer, item);
	}
	push_asked(scene->writer, 1, 2, "KILL USER app", 8, 9);
	answers = scene_play(scene, &last);
	for (uint64_t id = 1; id <= 5; id++)
		assert_int_equal(answers->interrupted(answers->context, id), id == 3 ? 5 : 0);
}

/* Nobody is told of a KILL where there was none. */
static void test_none(void **state)
{
	struct scene *scene = *state;

	open_session(scene->writer, 1, 3306, 9);
	push_asked(scene->writer, 1, 1, "do it()", 1, 2);
	scene_play(scene, &last);
	assert_null(scene->replay.answers->interrupted);
}

#define MANY 2000
#define STEPS 1000

static int count_steps(void *context)
{
	size_t *times = context;

	return ++*times > MANY;
}

/* Of many exchanges each is looked at once, and not for every other one: SQLite would need 20 million steps. */
static void test_many(void **state)
{
	struct scene *scene = *state;
	sqlite3 *database;
	struct kills kills;
	size_t times = 0;

	open_session(scene->writer, 1, 3306, 9);
	open_session(scene->writer, 2, 3306, 10);
	for (int i = 1; i < MANY; i++)
		push_asked(scene->writer, 2, (uint64_t)i, "do it()", i, i + 1);
	push_asked(scene->writer, 2, MANY, "do at_work()", MANY, MANY + 9);
	push_asked(scene->writer, 1, 1, "KILL 10", MANY + 5, MANY + 6);
	scene_play(scene, &last);
	assert_int_equal(sqlite3_open_v2(scene->folder.file, &database, SQLITE_OPEN_READONLY, NULL),
			 SQLITE_OK);
	sqlite3_progress_handler(database, STEPS, count_steps, &times);
	assert_int_equal(kills_load(&kills, &scene->replay.matcher->endpoints, database),
			 SQLITE_OK);
	assert_int_equal(kills.n, 1);
	assert_true(kills_interrupted(&kills, MANY));
	kills_release(&kills);
	sqlite3_close(database);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BARE_SCENE(test_interrupted),
		BARE_SCENE(test_unnamed),
		BARE_SCENE(test_none),
		BARE_SCENE(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
