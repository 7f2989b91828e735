/* SPDX-License-Identifier: Apache-2.0 */
/* Which exchanges of a recording a KILL interrupted. */
#include "parsers/mysql/wire.h"
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
		assert_int_equal(answers->interrupted(answers->context, id), id == 2 || id == 6);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		BARE_SCENE(test_interrupted),
		BARE_SCENE(test_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
