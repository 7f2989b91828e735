/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The matcher, over recordings that the writer made: what is served, in which order, and what a
 * miss says.
 */
#include "parsers/mysql/wire.h"
#include "store/index.h"
#include "tests/unit/store_replay.h"

#include <pthread.h>
#include <time.h>

static void test_found(void **state)
{
	struct scene *scene = *state;
	struct answers *answers;
	struct matcher_summary summary;
	struct answer_result result;
	struct answer answer;
	uint64_t id;

	push_query(scene->writer, 1, 1, "SELECT name FROM t WHERE id = 5", "five");
	push_query(scene->writer, 1, 2, "SELECT name FROM t WHERE id = 7", "seven");
	answers = scene_play(scene, &last);
	id = found(&scene->replay, "select name from t where id=7 -- again");
	assert_int_equal(id, 2);
	assert_slice(first_value(&scene->replay, id), "seven");
	assert_int_equal(answers->result(answers->context, id, 0, &result), 1);
	assert_slice(result.completion.tag, "SELECT 1");
	assert_int_equal(result.columns->n, 1);
	assert_slice(result.columns->columns[0].name, "v");
	assert_int_equal(result.columns->columns[0].type_id, TEXT);
	assert_int_equal(answers->result(answers->context, id, 1, &result), 0);

	answer = find(&scene->replay, "select name from t where id = 6");
	assert_int_equal(answer.rung, RUNG_MISS);
	assert_slice(answer.difference, "value 1: recorded 5, asked 6");
	assert_slice(answer.nearest, "SELECT name FROM t WHERE id = 5");
	summary = summary_of(&scene->replay);
	assert_int_equal(summary.recorded, 2);
	assert_int_equal(summary.exact, 1);
	assert_int_equal(summary.missed, 1);
	assert_int_equal(summary.unused, 1);
	assert_int_equal(summary.n_misses, 1);
	assert_string_equal(summary.misses[0].asked, "select name from t where id = 6");
}

static void test_order_and_repeat(void **state)
{
	struct scene *scene = *state;
	static const enum repeat repeats[] = { REPEAT_LAST, REPEAT_CYCLE, REPEAT_ERROR };
	static const uint64_t expected[][6] = { { 1, 2, 3, 3, 3, 3 },
						{ 1, 2, 3, 1, 2, 3 },
						{ 1, 2, 3, 0, 0, 0 } };

	push_times(scene->writer, "SELECT now()", 3);
	for (size_t i = 0; i < ARRAY_SIZE(repeats); i++) {
		const struct matcher_options options = { .repeat = repeats[i] };
		struct matcher_summary summary;

		scene_play(scene, &options);
		for (size_t n = 0; n < 6; n++)
			assert_int_equal(found(&scene->replay, "SELECT now()"), expected[i][n]);
		summary = summary_of(&scene->replay);
		assert_int_equal(summary.repeated, repeats[i] == REPEAT_ERROR ? 0 : 3);
		assert_int_equal(summary.missed, repeats[i] == REPEAT_ERROR ? 3 : 0);
		assert_int_equal(summary.unused, 0);
		replay_end(&scene->replay);
	}
}

static void log_in(struct replay *replay, const char *program)
{
	const struct name_value parameters[] = { { SLICE("application_name"),
						   slice_from_string(program) } };

	replay->answers->login(replay->answers->context, parameters, 1);
}

static void push_login(struct writer *writer, uint64_t connection, const char *program)
{
	struct name_value *client;
	struct item *item;

	push(writer, make_open(connection, "127.0.0.1", 5432));
	item = make_session(connection, "app");
	client = arena_alloc(&item->arena, sizeof(*client));
	client->name = SLICE("application_name");
	client->value = slice_from_string(program);
	item->session.client_parameters = client;
	item->session.backend = (uint32_t)(70 + connection);
	push(writer, item);
}

/* Each login gets the number of a session that logged in alike, once, in recorded order. */
static void test_backends(void **state)
{
	struct scene *scene = *state;
	static const uint32_t pool[] = { 71, 73, 0, 0 };

	push_login(scene->writer, 1, "pool");
	push_login(scene->writer, 2, "job");
	push_login(scene->writer, 3, "pool");
	push_query(scene->writer, 1, 1, "SELECT 1", "1");
	scene_play(scene, &last);
	for (size_t i = 0; i < ARRAY_SIZE(pool); i++) {
		log_in(&scene->replay, "pool");
		assert_int_equal(scene->replay.answers->backend(scene->replay.answers->context, 0),
				 pool[i]);
	}
	log_in(&scene->replay, "job");
	assert_int_equal(scene->replay.answers->backend(scene->replay.answers->context, 0), 72);
	log_in(&scene->replay, "other");
	assert_int_equal(scene->replay.answers->backend(scene->replay.answers->context, 0), 0);
}

/* Of two that logged in alike the first is given what the second had, so that a number told in replay means another's in the recording. */
static void test_named(void **state)
{
	static const char named[] = "select pg_cancel_backend(71)",
			  other[] = "select pg_cancel_backend(70)";
	struct scene *scene = *state;
	struct answers *first, *second;
	struct replay *replay = &scene->replay;

	push_login(scene->writer, 1, "pool");
	push_login(scene->writer, 2, "pool");
	push_query(scene->writer, 2, 1, "select work()", "1");
	push_query(scene->writer, 1, 2, "select pg_cancel_backend(72)", "t");
	first = scene_play(scene, &last);
	second = answers_new(replay->reader, "postgres", SLICE("127.0.0.1"), 5432);
	log_in(replay, "pool");
	assert_int_equal(first->backend(first->context, 5), 71);
	replay->answers = second;
	log_in(replay, "pool");
	assert_int_equal(second->backend(second->context, 6), 72);
	assert_int_equal(found(replay, named), 0); /* it was given nothing yet */
	replay->answers = first;
	assert_int_equal(found(replay, "select work()"), 1);
	replay->answers = second;
	assert_int_equal(found(replay, named), 2);
	assert_int_equal(found(replay, other), 0);
	replay->answers = first;
	answers_free(second);
	assert_int_equal(found(replay, "select pg_cancel_backend(72)"), 2);
}

/* A server that speaks first says its number before it knows who comes: all of its sessions are one row, whoever they were. */
static void test_greeted_backends(void **state)
{
	static const struct {
		const char *user;
		uint32_t backend; /* 0: it was not greeted */
		bool refused;
	} sessions[] = {
		{ "ann", 5, false }, { "bob", 9, true }, { "", 0, true }, { "eve", 7, false }
	};
	static const uint32_t numbers[] = { 5, 9, 7, 0, 0 };
	struct scene *scene = *state;
	struct answers *answers;

	for (size_t i = 0; i < ARRAY_SIZE(sessions); i++) {
		struct item *item = make_session(i + 1, "app");

		item->session.protocol = &mysql_protocol;
		item->session.user = slice_from_string(sessions[i].user);
		item->session.backend = sessions[i].backend;
		item->session.refused = sessions[i].refused;
		push(scene->writer, make_open(i + 1, "127.0.0.1", 3306));
		push(scene->writer, item);
	}
	scene_play(scene, &last);
	answers = answers_new(scene->replay.reader, "mysql", SLICE("127.0.0.1"), 3306);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		assert_int_equal(answers->backend(answers->context, 0), numbers[i]);
	answers_free(answers);
	/* PostgreSQL's know who they are first. */
	assert_int_equal(scene->replay.answers->backend(scene->replay.answers->context, 0), 0);
}

/* Two programs, one of them with a pool of two connections, ask the same: each gets its own answers, in recorded order. */
static void test_logins(void **state)
{
	struct scene *scene = *state;
	static const uint64_t connections[] = { 1, 2, 3, 3, 2 };
	struct matcher_summary summary;

	push_login(scene->writer, 1, "pool");
	push_login(scene->writer, 2, "job");
	push_login(scene->writer, 3, "pool");
	for (uint64_t i = 0; i < ARRAY_SIZE(connections); i++)
		push_query(scene->writer, connections[i], i + 1, "SELECT count(*) FROM t", "1");
	push_query(scene->writer, 1, 9, "SELECT 1", "1");
	scene_play(scene, &last);
	log_in(&scene->replay, "job");
	assert_int_equal(found(&scene->replay, "SELECT count(*) FROM t"), 2);
	log_in(&scene->replay, "pool");
	assert_int_equal(found(&scene->replay, "SELECT count(*) FROM t"), 1);
	assert_int_equal(found(&scene->replay, "SELECT count(*) FROM t"), 3);
	assert_int_equal(found(&scene->replay, "SELECT count(*) FROM t"), 4);
	/* Its own are used up, so the others' serve it; at last its own again. */
	assert_int_equal(found(&scene->replay, "SELECT count(*) FROM t"), 5);
	assert_int_equal(found(&scene->replay, "SELECT count(*) FROM t"), 4);
	log_in(&scene->replay, "job");
	assert_int_equal(found(&scene->replay, "SELECT count(*) FROM t"), 5);
	assert_int_equal(found(&scene->replay, "SELECT 1"), 6);
	replay_end(&scene->replay);

	/* Whoever logs in as nobody did gets them in recorded order. */
	scene_play(scene, &last);
	log_in(&scene->replay, "other");
	for (uint64_t i = 1; i <= ARRAY_SIZE(connections); i++)
		assert_int_equal(found(&scene->replay, "SELECT count(*) FROM t"), i);
	summary = summary_of(&scene->replay);
	assert_int_equal(summary.unused, 1);
}

/* One login, whatever the order in which its parameters were sent. */
static void test_login_order(void **state)
{
	struct scene *scene = *state;
	static const struct name_value parameters[] = {
		{ SLICE("user"), SLICE("app") },
		{ SLICE("database"), SLICE("shop") },
		{ SLICE("user"), SLICE("app") },
	};

	for (uint64_t i = 1; i <= 4; i++) {
		struct item *item = make_session(i, "app");

		push(scene->writer, make_open(i, "127.0.0.1", 5432));
		item->session.client_parameters = &parameters[i & 1];
		item->session.n_client_parameters = 2;
		push(scene->writer, item);
		push_query(scene->writer, i, 1, "SELECT count(*) FROM t", "1");
	}
	scene_play(scene, &last);
	for (uint64_t i = 1; i <= 4; i++) {
		scene->replay.answers->login(scene->replay.answers->context,
					     &parameters[i >> 1 & 1], 2);
		assert_int_equal(found(&scene->replay, "SELECT count(*) FROM t"), i);
	}
}

/* Serving one generated id twice is a wrong answer. */
static void test_used_up_write(void **state)
{
	struct scene *scene = *state;
	struct answer answer;
	struct item *item;

	push_query(scene->writer, 1, 1, "INSERT INTO t VALUES (1) RETURNING id", "17");
	push_query(scene->writer, 1, 2, "SELECT nextval('s')", "5");
	item = make_exchange(1, 3, "INSERT INTO t VALUES (1)");
	item_add_piece(item, PIECE_TAG, 0, SLICE("INSERT 0 1"));
	push(scene->writer, item);
	item = make_exchange(1, 4, "INSERT INTO serial VALUES (1)");
	item_add_piece(item, PIECE_TAG, 0, SLICE("INSERT 0 1"));
	push(scene->writer, item);
	scene_finish(scene);
	edit(scene->folder.file, "UPDATE result SET insert_id = 7 WHERE exchange = 4");
	scene_play(scene, &last);
	assert_int_equal(found(&scene->replay, "INSERT INTO serial VALUES (1)"), 4);
	assert_int_equal(found(&scene->replay, "INSERT INTO serial VALUES (1)"), 0);
	assert_int_equal(found(&scene->replay, "INSERT INTO t VALUES (1) RETURNING id"), 1);
	answer = find(&scene->replay, "INSERT INTO t VALUES (1) RETURNING id");
	assert_int_equal(answer.rung, RUNG_MISS);
	assert_true(answer.used_up);
	assert_slice(answer.difference, "every recorded answer was given already");
	assert_int_equal(found(&scene->replay, "SELECT nextval('s')"), 2);
	assert_int_equal(found(&scene->replay, "SELECT nextval('s')"), 0);
	assert_int_equal(found(&scene->replay, "INSERT INTO t VALUES (1)"), 3);
	assert_int_equal(found(&scene->replay, "INSERT INTO t VALUES (1)"), 3);
}

/* A candidate of the same kind wins; the other is there for who asks otherwise. */
static void test_kinds(void **state)
{
	struct scene *scene = *state;

	push_query(scene->writer, 1, 1, "SELECT v FROM t WHERE id = 5", "number");
	push_query(scene->writer, 1, 2, "SELECT v FROM t WHERE id = '5'", "string");
	push_query(scene->writer, 1, 3, "SELECT j->'1' FROM t", "key");
	scene_play(scene, &last);
	assert_int_equal(found(&scene->replay, "SELECT v FROM t WHERE id = '5'"), 2);
	assert_int_equal(found(&scene->replay, "SELECT v FROM t WHERE id = '5'"), 1);
	assert_int_equal(found(&scene->replay, "SELECT v FROM t WHERE id = '5'"), 2);
	assert_int_equal(found(&scene->replay, "SELECT v FROM t WHERE id = 5"), 1);
	assert_int_equal(found(&scene->replay, "SELECT j->'1' FROM t"), 3);
	assert_int_equal(found(&scene->replay, "SELECT j->1 FROM t"), 0);
}

/* Two answers that a row limit cut, and a whole one: for who wants all rows that comes first, while it was not given. */
static void test_cut(void **state)
{
	struct scene *scene = *state;
	struct answers *answers;
	struct answer answer;
	struct asked asked;
	const char *value = "1";

	for (uint64_t i = 1; i <= 3; i++) {
		struct item *item = make_exchange(1, i, "SELECT now()");

		add_rows(item, 0, i == 2 ? "SELECT 1" : NULL, &value, 1);
		if (i != 2)
			item->exchange.outcome = OUTCOME_SUSPENDED;
		push(scene->writer, item);
	}
	answers = scene_play(scene, &last);
	make_request(&scene->replay.arena, "SELECT now()", NULL, 0, &asked);
	asked.request.whole = true;
	answers->find(answers->context, &asked.request, &answer);
	assert_int_equal(answer.exchange, 2);
	assert_int_equal(found(&scene->replay, "SELECT now()"), 1);
	/* What was recorded last is what is repeated, or given in its turn. */
	answers->find(answers->context, &asked.request, &answer);
	assert_int_equal(answer.exchange, 3);
	answers->find(answers->context, &asked.request, &answer);
	assert_int_equal(answer.exchange, 3);
}

static void test_peek(void **state)
{
	struct scene *scene = *state;
	struct answers *answers;
	struct answer answer;
	struct asked asked;

	push_times(scene->writer, "SELECT now()", 2);
	answers = scene_play(scene, &last);
	make_request(&scene->replay.arena, "SELECT now()", NULL, 0, &asked);
	for (uint64_t i = 1; i <= 2; i++) {
		assert_true(answers->peek(answers->context, &asked.request, &answer));
		assert_int_equal(answer.exchange, i);
		assert_int_equal(found(&scene->replay, "SELECT now()"), i);
	}
	assert_true(answers->peek(answers->context, &asked.request, &answer));
	assert_int_equal(summary_of(&scene->replay).repeated, 0);
}

/* Two requests of one hash: the comparison decides. */
static void test_collision(void **state)
{
	struct scene *scene = *state;

	for (uint64_t i = 1; i <= 40; i++) {
		char text[64];

		snprintf(text, sizeof(text), "SELECT v FROM t WHERE id = %d", (int)i);
		push_query(scene->writer, 1, i, text, "x");
	}
	scene_finish(scene);
	edit(scene->folder.file,
	     "UPDATE exchange SET exact_hash = (SELECT exact_hash FROM exchange WHERE id = 40)");
	scene_play(scene, &last);
	for (int n = 0; n < 2; n++) /* the second time all are given already */
		assert_int_equal(found(&scene->replay, "SELECT v FROM t WHERE id = 40"), 40);
}

static void test_context(void **state)
{
	struct scene *scene = *state;
	struct answers *answers;
	struct answer answer;
	struct asked asked;

	push_query(scene->writer, 1, 1, "SELECT v FROM t", "default");
	push_query(scene->writer, 1, 2, "SET search_path = tenant", "");
	push_query(scene->writer, 1, 3, "SELECT v FROM t", "tenant");
	push_query(scene->writer, 1, 4, "SELECT w FROM u", "tenant");
	answers = scene_play(scene, &last);
	assert_int_equal(found(&scene->replay, "SELECT v FROM t"), 1);
	make_request(&scene->replay.arena, "SELECT v FROM t", NULL, 0, &asked);
	asked.request.context.search_path = SLICE("tenant");
	answers->find(answers->context, &asked.request, &answer);
	assert_int_equal(answer.exchange, 3);
	answer = find(&scene->replay, "SELECT w FROM u");
	assert_int_equal(answer.rung, RUNG_MISS);
	assert_slice(answer.difference, "search_path: recorded tenant, asked (not set)");
}

static void test_unservable(void **state)
{
	struct scene *scene = *state;
	struct answer answer;
	struct item *item;

	item = make_exchange(1, 1, "COPY t TO STDOUT");
	item->exchange.flags = EXCHANGE_COPY;
	push(scene->writer, item);
	item = make_exchange(1, 2, "SELECT pg_sleep(9)");
	item->exchange.closes = false;
	push(scene->writer, item);
	item = make_exchange(1, 3, "COPY u TO STDOUT");
	item->exchange.flags = EXCHANGE_COPY | EXCHANGE_CUT;
	push(scene->writer, item);
	scene_play(scene, &last);
	answer = find(&scene->replay, "COPY u TO STDOUT");
	assert_slice(answer.difference, "recorded, but the connection ended before its answer did");
	answer = find(&scene->replay, "copy t to stdout");
	assert_int_equal(answer.rung, RUNG_MISS);
	assert_slice(answer.difference,
		     "recorded, but its COPY data was not stored by this version");
	answer = find(&scene->replay, "SELECT pg_sleep(9)");
	assert_slice(answer.difference,
		     "recorded, but its answer had not ended when recording did");
	assert_int_equal(summary_of(&scene->replay).unused, 0);
}

static void test_nearest_statement(void **state)
{
	struct scene *scene = *state;
	struct answer answer;

	push_query(scene->writer, 1, 1, "SELECT name, age FROM people WHERE id = 1", "x");
	push_query(scene->writer, 1, 2, "DELETE FROM orders", "x");
	push_query(scene->writer, 1, 3, "SELECT a FROM t WHERE b = 'x' AND c = 1", "x");
	push_query(scene->writer, 1, 4, "SELECT a FROM t WHERE b = 'y' AND c = 2", "x");
	scene_play(scene, &last);
	answer = find(&scene->replay, "SELECT name, city FROM people WHERE id = 1");
	assert_slice(answer.nearest, "SELECT name, age FROM people WHERE id = 1");
	assert_slice(answer.difference, "the statement differs: recorded \"age from people where "
					"id = ?\", asked \"city from people where id = ?\"");
	/* Of the same template, the one with the fewest differences. */
	answer = find(&scene->replay, "SELECT a FROM t WHERE b = 'y' AND c = 3");
	assert_slice(answer.difference, "value 2: recorded 2, asked 3");
	find(&scene->replay, "ALTER ROLE x PASSWORD 'hunter2'");
	for (size_t i = 0; i < summary_of(&scene->replay).n_misses; i++)
		assert_null(strstr(summary_of(&scene->replay).misses[i].asked, "hunter2"));
}

static void test_parse_error(void **state)
{
	struct scene *scene = *state;
	struct answers *answers;
	struct answer answer;
	struct asked asked;
	struct item *item;

	item = make_exchange(1, 1, "SELECT 'a'::int WHERE x = $1");
	item->exchange.kind = EXCHANGE_PARSE;
	item->exchange.outcome = OUTCOME_ERROR;
	item_add_piece(item, PIECE_ERROR, 0, SLICE("code\00022P02\0"));
	push(scene->writer, item);
	answers = scene_play(scene, &last);
	assert_int_equal(found(&scene->replay, "SELECT 'a'::int WHERE x = $1"), 0);
	make_request(&scene->replay.arena, "select 'b'::int where x = $1", NULL, 0, &asked);
	assert_false(answers->find_parse_error(answers->context, &asked.request, &answer));
	make_request(&scene->replay.arena, "select 'a'::int where x = $1", NULL, 0, &asked);
	assert_true(answers->find_parse_error(answers->context, &asked.request, &answer));
	assert_int_equal(answer.exchange, 1);
	assert_int_equal(answer.kind, EXCHANGE_PARSE);
}

static bool parse_fails(struct scene *scene, struct answers *answers, const char *text)
{
	struct answer answer;
	struct asked asked;

	make_request(&scene->replay.arena, text, NULL, 0, &asked);
	return answers->find_parse_error(answers->context, &asked.request, &answer);
}

/* A text that is a good one at one time and not at another: it fails when it did. */
static void test_parse_turns(void **state)
{
	static const bool failed[] = { true, false, false, true, false };
	struct scene *scene = *state;
	struct answers *answers;
	struct item *item;

	for (uint64_t i = 0; i < ARRAY_SIZE(failed); i++) {
		item = make_exchange(1, i + 1, "SELECT * FROM t");
		if (failed[i]) {
			item->exchange.kind = EXCHANGE_PARSE;
			item->exchange.outcome = OUTCOME_ERROR;
			item_add_piece(item, PIECE_ERROR, 0, SLICE("code\00042P01\0"));
		}
		push(scene->writer, item);
	}
	answers = scene_play(scene, &last);
	for (size_t i = 0; i < ARRAY_SIZE(failed) + 2; i++) {
		bool fails = i < ARRAY_SIZE(failed) && failed[i];

		assert_int_equal(parse_fails(scene, answers, "select * from t"), fails);
		if (!fails)
			assert_int_equal(found(&scene->replay, "select * from t"),
					 i < 5 ? i + 1 : 5);
	}
}

/* Workers share the recorded order: each answer is given once. */
#define THREADS 4
#define EACH 500

struct worker {
	struct replay *replay;
	pthread_t thread;
	uint64_t given[EACH];
};

static void *work(void *context)
{
	struct worker *worker = context;
	struct matcher_reader *reader = NULL;
	char error[STORE_ERROR_BYTES];
	struct answers *answers;
	struct answer answer;
	struct arena arena;
	struct asked asked;

	arena_init(&arena);
	if (matcher_reader_new(worker->replay->matcher, &reader, error) < 0)
		return NULL;
	answers = answers_new(reader, "postgres", SLICE("127.0.0.1"), 5432);
	make_request(&arena, "SELECT now()", NULL, 0, &asked);
	for (size_t i = 0; i < EACH; i++) {
		answers->find(answers->context, &asked.request, &answer);
		worker->given[i] = answer.exchange;
	}
	answers_free(answers);
	matcher_reader_free(reader);
	arena_release(&arena);
	return NULL;
}

static void test_threads(void **state)
{
	struct scene *scene = *state;
	static struct worker workers[THREADS];
	static bool given[THREADS * EACH + 1];

	push_times(scene->writer, "SELECT now()", THREADS * EACH);
	scene_play(scene, &last);
	for (size_t i = 0; i < THREADS; i++) {
		workers[i].replay = &scene->replay;
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	for (size_t i = 0; i < THREADS; i++) {
		uint64_t before = 0;

		pthread_join(workers[i].thread, NULL);
		for (size_t n = 0; n < EACH; n++) {
			assert_true(workers[i].given[n] > before);
			before = workers[i].given[n];
			assert_false(given[before]);
			given[before] = true;
		}
	}
	assert_int_equal(summary_of(&scene->replay).unused, 0);
	assert_int_equal(summary_of(&scene->replay).repeated, 0);
}

/* Two connections on two threads: what the first one was asked came into the file behind what the second one was asked then. */
static void test_times(void **state)
{
	struct scene *scene = *state;
	static const int64_t times[] = { 5, 2, 3, 4, 1, 4, 9, 7, 7, 10 };
	static const uint32_t expected[] = { 4, 1, 2, 3, 5, 0, 7, 8, 6, 9 };
	struct item *item;
	struct index index;
	struct index_group group;

	index_init(&index);
	for (uint32_t i = 0; i < 10; i++)
		assert_true(index_add(&index, 7, i, 0, times[i]));
	index_sort(&index);
	index_begin(&index);
	group = index_find(&index, 7);
	for (uint32_t i = 0; i < 10; i++)
		assert_int_equal(index_exchange(&group, i), expected[i]);
	index_release(&index);

	for (int i = 0; i < 2; i++) {
		item = make_exchange(1, (uint64_t)i + 1, "SELECT now()");
		item->exchange.start_ns -= i * (int64_t)5000000;
		push(scene->writer, item);
	}
	scene_play(scene, &last);
	assert_int_equal(found(&scene->replay, "SELECT now()"), 2);
	assert_int_equal(found(&scene->replay, "SELECT now()"), 1);
}

/* A million equal requests cost a step each, and a million entries are sorted in no time. */
static void test_million(void **unused)
{
	struct timespec start;
	struct timespec end;
	struct index index;
	size_t given = 0;
	(void)unused;

	clock_gettime(CLOCK_MONOTONIC, &start);
	index_init(&index);
	for (uint32_t i = 0; i < 1000000; i++)
		assert_true(index_add(&index, i % 4 ? 0x1234567890abcdef : i * 0x9e3779b97f4a7c15u,
				      i, i, i));
	index_sort(&index);
	index_begin(&index);
	for (uint32_t i = 0; i < 750000; i++) {
		struct index_group group = index_find(&index, 0x1234567890abcdef);
		size_t at = index_cursor(&group);

		assert_int_equal(group.n, 750000);
		assert_true(index_give(&group, at));
		assert_int_equal(group.first[at].exchange, i / 3 * 4 + i % 3 + 1);
		given++;
	}
	for (uint32_t i = 0; i < 1000000; i += 4)
		assert_int_equal(index_find(&index, i * 0x9e3779b97f4a7c15u).n, 1);
	assert_int_equal(index_unused(&index), 250000);
	index_release(&index);
	clock_gettime(CLOCK_MONOTONIC, &end);
	assert_true(end.tv_sec - start.tv_sec < 60); /* quadratic would take hours */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(test_found),
		SCENE(test_order_and_repeat),
		BARE_SCENE(test_logins),
		BARE_SCENE(test_backends),
		BARE_SCENE(test_named),
		BARE_SCENE(test_greeted_backends),
		BARE_SCENE(test_login_order),
		SCENE(test_used_up_write),
		SCENE(test_kinds),
		SCENE(test_cut),
		SCENE(test_peek),
		SCENE(test_collision),
		SCENE(test_context),
		SCENE(test_unservable),
		SCENE(test_nearest_statement),
		SCENE(test_parse_error),
		SCENE(test_parse_turns),
		SCENE(test_threads),
		SCENE(test_times),
		cmocka_unit_test(test_million),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
