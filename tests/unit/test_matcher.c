/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The matcher, over recordings that the writer made: what is served, in which order, and what a
 * miss says.
 */
#include "store/index.h"
#include "tests/unit/store_replay.h"

#include <pthread.h>
#include <time.h>

static void test_found(void **unused)
{
	struct matcher_summary summary;
	struct answer_result result;
	struct writer *writer;
	struct replay replay;
	struct folder folder;
	struct answer answer;
	uint64_t id;
	(void)unused;

	folder_make(&folder);
	writer = start_session(folder.file);
	push_query(writer, 1, 1, "SELECT name FROM t WHERE id = 5", "five");
	push_query(writer, 1, 2, "SELECT name FROM t WHERE id = 7", "seven");
	finish_writer(writer);
	replay_start(&replay, folder.file, &last);
	id = found(&replay, "select name from t where id=7 -- again");
	assert_int_equal(id, 2);
	assert_slice(first_value(&replay, id), "seven");
	assert_int_equal(replay.answers->result(replay.answers->context, id, 0, &result), 1);
	assert_slice(result.completion.tag, "SELECT 1");
	assert_int_equal(result.columns->n, 1);
	assert_slice(result.columns->columns[0].name, "v");
	assert_int_equal(result.columns->columns[0].type_id, TEXT);
	assert_int_equal(replay.answers->result(replay.answers->context, id, 1, &result), 0);

	answer = find(&replay, "select name from t where id = 6");
	assert_int_equal(answer.rung, RUNG_MISS);
	assert_slice(answer.difference, "value 1: recorded 5, asked 6");
	assert_slice(answer.nearest, "SELECT name FROM t WHERE id = 5");
	summary = summary_of(&replay);
	assert_int_equal(summary.recorded, 2);
	assert_int_equal(summary.exact, 1);
	assert_int_equal(summary.missed, 1);
	assert_int_equal(summary.unused, 1);
	assert_int_equal(summary.n_misses, 1);
	assert_string_equal(summary.misses[0].asked, "select name from t where id = 6");
	replay_end(&replay);
	folder_remove(&folder);
}

static void test_order_and_repeat(void **unused)
{
	static const enum repeat repeats[] = { REPEAT_LAST, REPEAT_CYCLE, REPEAT_ERROR };
	static const uint64_t expected[][6] = { { 1, 2, 3, 3, 3, 3 },
						{ 1, 2, 3, 1, 2, 3 },
						{ 1, 2, 3, 0, 0, 0 } };
	struct folder folder;
	(void)unused;

	folder_make(&folder);
	record_times(folder.file, "SELECT now()", 3);
	for (size_t i = 0; i < ARRAY_SIZE(repeats); i++) {
		const struct matcher_options options = { .repeat = repeats[i] };
		struct matcher_summary summary;
		struct replay replay;

		replay_start(&replay, folder.file, &options);
		for (size_t n = 0; n < 6; n++)
			assert_int_equal(found(&replay, "SELECT now()"), expected[i][n]);
		summary = summary_of(&replay);
		assert_int_equal(summary.repeated, repeats[i] == REPEAT_ERROR ? 0 : 3);
		assert_int_equal(summary.missed, repeats[i] == REPEAT_ERROR ? 3 : 0);
		assert_int_equal(summary.unused, 0);
		replay_end(&replay);
	}
	folder_remove(&folder);
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
	push(writer, item);
}

/* Two programs, one of them with a pool of two connections, ask the same: each gets its own answers, in recorded order. */
static void test_logins(void **unused)
{
	static const uint64_t connections[] = { 1, 2, 3, 3, 2 };
	struct matcher_summary summary;
	struct writer *writer;
	struct folder folder;
	struct replay replay;
	(void)unused;

	folder_make(&folder);
	writer = start_writer(folder.file);
	push_login(writer, 1, "pool");
	push_login(writer, 2, "job");
	push_login(writer, 3, "pool");
	for (uint64_t i = 0; i < ARRAY_SIZE(connections); i++)
		push_query(writer, connections[i], i + 1, "SELECT count(*) FROM t", "1");
	push_query(writer, 1, 9, "SELECT 1", "1");
	finish_writer(writer);
	replay_start(&replay, folder.file, &last);
	log_in(&replay, "job");
	assert_int_equal(found(&replay, "SELECT count(*) FROM t"), 2);
	log_in(&replay, "pool");
	assert_int_equal(found(&replay, "SELECT count(*) FROM t"), 1);
	assert_int_equal(found(&replay, "SELECT count(*) FROM t"), 3);
	assert_int_equal(found(&replay, "SELECT count(*) FROM t"), 4);
	/* Its own are used up, so the others' serve it; at last its own again. */
	assert_int_equal(found(&replay, "SELECT count(*) FROM t"), 5);
	assert_int_equal(found(&replay, "SELECT count(*) FROM t"), 4);
	log_in(&replay, "job");
	assert_int_equal(found(&replay, "SELECT count(*) FROM t"), 5);
	assert_int_equal(found(&replay, "SELECT 1"), 6);
	replay_end(&replay);

	/* Whoever logs in as nobody did gets them in recorded order. */
	replay_start(&replay, folder.file, &last);
	log_in(&replay, "other");
	for (uint64_t i = 1; i <= ARRAY_SIZE(connections); i++)
		assert_int_equal(found(&replay, "SELECT count(*) FROM t"), i);
	summary = summary_of(&replay);
	assert_int_equal(summary.unused, 1);
	replay_end(&replay);
	folder_remove(&folder);
}

/* Serving one generated id twice is a wrong answer. */
static void test_used_up_write(void **unused)
{
	struct writer *writer;
	struct folder folder;
	struct replay replay;
	struct answer answer;
	struct item *item;
	(void)unused;

	folder_make(&folder);
	writer = start_session(folder.file);
	push_query(writer, 1, 1, "INSERT INTO t VALUES (1) RETURNING id", "17");
	push_query(writer, 1, 2, "SELECT nextval('s')", "5");
	item = make_exchange(1, 3, "INSERT INTO t VALUES (1)");
	item_add_piece(item, PIECE_TAG, 0, SLICE("INSERT 0 1"));
	push(writer, item);
	item = make_exchange(1, 4, "INSERT INTO serial VALUES (1)");
	item_add_piece(item, PIECE_TAG, 0, SLICE("INSERT 0 1"));
	push(writer, item);
	finish_writer(writer);
	edit(folder.file, "UPDATE result SET insert_id = 7 WHERE exchange = 4");
	replay_start(&replay, folder.file, &last);
	assert_int_equal(found(&replay, "INSERT INTO serial VALUES (1)"), 4);
	assert_int_equal(found(&replay, "INSERT INTO serial VALUES (1)"), 0);
	assert_int_equal(found(&replay, "INSERT INTO t VALUES (1) RETURNING id"), 1);
	answer = find(&replay, "INSERT INTO t VALUES (1) RETURNING id");
	assert_int_equal(answer.rung, RUNG_MISS);
	assert_true(answer.used_up);
	assert_slice(answer.difference, "every recorded answer was given already");
	assert_int_equal(found(&replay, "SELECT nextval('s')"), 2);
	assert_int_equal(found(&replay, "SELECT nextval('s')"), 0);
	assert_int_equal(found(&replay, "INSERT INTO t VALUES (1)"), 3);
	assert_int_equal(found(&replay, "INSERT INTO t VALUES (1)"), 3);
	replay_end(&replay);
	folder_remove(&folder);
}

/* A candidate of the same kind wins; the other is there for who asks otherwise. */
static void test_kinds(void **unused)
{
	struct writer *writer;
	struct folder folder;
	struct replay replay;
	(void)unused;

	folder_make(&folder);
	writer = start_session(folder.file);
	push_query(writer, 1, 1, "SELECT v FROM t WHERE id = 5", "number");
	push_query(writer, 1, 2, "SELECT v FROM t WHERE id = '5'", "string");
	push_query(writer, 1, 3, "SELECT j->'1' FROM t", "key");
	finish_writer(writer);
	replay_start(&replay, folder.file, &last);
	assert_int_equal(found(&replay, "SELECT v FROM t WHERE id = '5'"), 2);
	assert_int_equal(found(&replay, "SELECT v FROM t WHERE id = '5'"), 1);
	assert_int_equal(found(&replay, "SELECT v FROM t WHERE id = '5'"), 2);
	assert_int_equal(found(&replay, "SELECT v FROM t WHERE id = 5"), 1);
	assert_int_equal(found(&replay, "SELECT j->'1' FROM t"), 3);
	assert_int_equal(found(&replay, "SELECT j->1 FROM t"), 0);
	replay_end(&replay);
	folder_remove(&folder);
}

static void test_peek(void **unused)
{
	struct answer answer;
	struct replay replay;
	struct folder folder;
	struct asked asked;
	(void)unused;

	folder_make(&folder);
	record_times(folder.file, "SELECT now()", 2);
	replay_start(&replay, folder.file, &last);
	make_request(&replay.arena, "SELECT now()", NULL, 0, &asked);
	for (uint64_t i = 1; i <= 2; i++) {
		assert_true(replay.answers->peek(replay.answers->context, &asked.request, &answer));
		assert_int_equal(answer.exchange, i);
		assert_int_equal(found(&replay, "SELECT now()"), i);
	}
	assert_true(replay.answers->peek(replay.answers->context, &asked.request, &answer));
	assert_int_equal(summary_of(&replay).repeated, 0);
	replay_end(&replay);
	folder_remove(&folder);
}

/* Two requests of one hash: the comparison decides. */
static void test_collision(void **unused)
{
	struct writer *writer;
	struct replay replay;
	struct folder folder;
	(void)unused;

	folder_make(&folder);
	writer = start_session(folder.file);
	for (uint64_t i = 1; i <= 40; i++) {
		char text[64];

		snprintf(text, sizeof(text), "SELECT v FROM t WHERE id = %d", (int)i);
		push_query(writer, 1, i, text, "x");
	}
	finish_writer(writer);
	edit(folder.file,
	     "UPDATE exchange SET exact_hash = (SELECT exact_hash FROM exchange WHERE id = 40)");
	replay_start(&replay, folder.file, &last);
	for (int n = 0; n < 2; n++) /* the second time all are given already */
		assert_int_equal(found(&replay, "SELECT v FROM t WHERE id = 40"), 40);
	replay_end(&replay);
	folder_remove(&folder);
}

static void test_context(void **unused)
{
	struct answer answer;
	struct writer *writer;
	struct replay replay;
	struct folder folder;
	struct asked asked;
	(void)unused;

	folder_make(&folder);
	writer = start_session(folder.file);
	push_query(writer, 1, 1, "SELECT v FROM t", "default");
	push_query(writer, 1, 2, "SET search_path = tenant", "");
	push_query(writer, 1, 3, "SELECT v FROM t", "tenant");
	push_query(writer, 1, 4, "SELECT w FROM u", "tenant");
	finish_writer(writer);
	replay_start(&replay, folder.file, &last);
	assert_int_equal(found(&replay, "SELECT v FROM t"), 1);
	make_request(&replay.arena, "SELECT v FROM t", NULL, 0, &asked);
	asked.request.context.search_path = SLICE("tenant");
	replay.answers->find(replay.answers->context, &asked.request, &answer);
	assert_int_equal(answer.exchange, 3);
	answer = find(&replay, "SELECT w FROM u");
	assert_int_equal(answer.rung, RUNG_MISS);
	assert_slice(answer.difference, "search_path: recorded tenant, asked (not set)");
	replay_end(&replay);
	folder_remove(&folder);
}

static void test_unservable(void **unused)
{
	struct answer answer;
	struct writer *writer;
	struct replay replay;
	struct folder folder;
	struct item *item;
	(void)unused;

	folder_make(&folder);
	writer = start_session(folder.file);
	item = make_exchange(1, 1, "COPY t TO STDOUT");
	item->exchange.flags = EXCHANGE_COPY;
	push(writer, item);
	item = make_exchange(1, 2, "SELECT pg_sleep(9)");
	item->exchange.closes = false;
	push(writer, item);
	finish_writer(writer);
	replay_start(&replay, folder.file, &last);
	answer = find(&replay, "copy t to stdout");
	assert_int_equal(answer.rung, RUNG_MISS);
	assert_slice(answer.difference,
		     "recorded, but its COPY data was not stored by this version");
	answer = find(&replay, "SELECT pg_sleep(9)");
	assert_slice(answer.difference,
		     "recorded, but its answer had not ended when recording did");
	assert_int_equal(summary_of(&replay).unused, 0);
	replay_end(&replay);
	folder_remove(&folder);
}

static void test_nearest_statement(void **unused)
{
	struct answer answer;
	struct writer *writer;
	struct replay replay;
	struct folder folder;
	(void)unused;

	folder_make(&folder);
	writer = start_session(folder.file);
	push_query(writer, 1, 1, "SELECT name, age FROM people WHERE id = 1", "x");
	push_query(writer, 1, 2, "DELETE FROM orders", "x");
	push_query(writer, 1, 3, "SELECT a FROM t WHERE b = 'x' AND c = 1", "x");
	push_query(writer, 1, 4, "SELECT a FROM t WHERE b = 'y' AND c = 2", "x");
	finish_writer(writer);
	replay_start(&replay, folder.file, &last);
	answer = find(&replay, "SELECT name, city FROM people WHERE id = 1");
	assert_slice(answer.nearest, "SELECT name, age FROM people WHERE id = 1");
	assert_slice(answer.difference, "the statement differs: recorded \"age from people where "
					"id = ?\", asked \"city from people where id = ?\"");
	/* Of the same template, the one with the fewest differences. */
	answer = find(&replay, "SELECT a FROM t WHERE b = 'y' AND c = 3");
	assert_slice(answer.difference, "value 2: recorded 2, asked 3");
	find(&replay, "ALTER ROLE x PASSWORD 'hunter2'");
	for (size_t i = 0; i < summary_of(&replay).n_misses; i++)
		assert_null(strstr(summary_of(&replay).misses[i].asked, "hunter2"));
	replay_end(&replay);
	folder_remove(&folder);
}

static void test_parse_error(void **unused)
{
	struct answer answer;
	struct writer *writer;
	struct replay replay;
	struct folder folder;
	struct asked asked;
	struct item *item;
	(void)unused;

	folder_make(&folder);
	writer = start_session(folder.file);
	item = make_exchange(1, 1, "SELECT 'a'::int WHERE x = $1");
	item->exchange.kind = EXCHANGE_PARSE;
	item->exchange.outcome = OUTCOME_ERROR;
	item_add_piece(item, PIECE_ERROR, 0, SLICE("code\00022P02\0"));
	push(writer, item);
	finish_writer(writer);
	replay_start(&replay, folder.file, &last);
	assert_int_equal(found(&replay, "SELECT 'a'::int WHERE x = $1"), 0);
	make_request(&replay.arena, "select 'b'::int where x = $1", NULL, 0, &asked);
	assert_false(
		replay.answers->find_parse_error(replay.answers->context, &asked.request, &answer));
	make_request(&replay.arena, "select 'a'::int where x = $1", NULL, 0, &asked);
	assert_true(
		replay.answers->find_parse_error(replay.answers->context, &asked.request, &answer));
	assert_int_equal(answer.exchange, 1);
	assert_int_equal(answer.kind, EXCHANGE_PARSE);
	replay_end(&replay);
	folder_remove(&folder);
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

static void test_threads(void **unused)
{
	static struct worker workers[THREADS];
	static bool given[THREADS * EACH + 1];
	struct replay replay;
	struct folder folder;
	(void)unused;

	folder_make(&folder);
	record_times(folder.file, "SELECT now()", THREADS * EACH);
	replay_start(&replay, folder.file, &last);
	for (size_t i = 0; i < THREADS; i++) {
		workers[i].replay = &replay;
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
	assert_int_equal(summary_of(&replay).unused, 0);
	assert_int_equal(summary_of(&replay).repeated, 0);
	replay_end(&replay);
	folder_remove(&folder);
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
				      i, i));
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
		cmocka_unit_test(test_found),	    cmocka_unit_test(test_order_and_repeat),
		cmocka_unit_test(test_logins),	    cmocka_unit_test(test_used_up_write),
		cmocka_unit_test(test_kinds),	    cmocka_unit_test(test_peek),
		cmocka_unit_test(test_collision),   cmocka_unit_test(test_context),
		cmocka_unit_test(test_unservable),  cmocka_unit_test(test_nearest_statement),
		cmocka_unit_test(test_parse_error), cmocka_unit_test(test_threads),
		cmocka_unit_test(test_million),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
