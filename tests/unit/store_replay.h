/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of the writer and of the matcher share: what a test begins with, a recording opened for replay, and requests as a
 * replayer would make them.
 */
#ifndef MOCKPROXY_STORE_REPLAY_H
#define MOCKPROXY_STORE_REPLAY_H

#include "tests/unit/store_support.h"

struct replay {
	struct recording *recording;
	struct matcher *matcher;
	struct matcher_reader *reader;
	struct answers *answers;
	struct arena arena;
};

static UNUSED void replay_start(struct replay *replay, const char *path,
				const struct matcher_options *options)
{
	const struct recording_options how = { .path = path };
	char error[STORE_ERROR_BYTES] = "";

	*replay = (struct replay){ 0 };
	if (recording_open(&how, &replay->recording, error) < 0 ||
	    matcher_new(replay->recording, options, &replay->matcher, error) < 0 ||
	    matcher_reader_new(replay->matcher, &replay->reader, error) < 0)
		fail_msg("%s", error);
	replay->answers = answers_new(replay->reader, "postgres", SLICE("127.0.0.1"), 5432);
}

static UNUSED void replay_end(struct replay *replay)
{
	answers_free(replay->answers);
	matcher_reader_free(replay->reader);
	matcher_free(replay->matcher);
	recording_close(replay->recording);
	arena_release(&replay->arena);
	*replay = (struct replay){ 0 };
}

/* What cmocka makes for a test: a folder, what is being recorded in it, and a place for the replay of that. */
struct scene {
	struct folder folder;
	struct writer *writer; /* NULL: the recording is closed */
	struct replay replay;
};

/* Nothing is recorded yet. */
static UNUSED int scene_begin(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	assert_non_null(scene);
	folder_make(&scene->folder);
	scene->writer = start_writer(scene->folder.file);
	*state = scene;
	return 0;
}

/* Connection 1 is there, of a session with the database app. */
static UNUSED int scene_begin_session(void **state)
{
	struct scene *scene;

	scene_begin(state);
	scene = *state;
	push_session(scene->writer, 1);
	return 0;
}

/* Also of a test that failed. */
static UNUSED int scene_end(void **state)
{
	struct scene *scene = *state;

	if (scene->replay.recording)
		replay_end(&scene->replay);
	if (scene->writer)
		writer_abandon(scene->writer);
	folder_remove(&scene->folder);
	free(scene);
	return 0;
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, scene_begin_session, scene_end)
#define BARE_SCENE(test) cmocka_unit_test_setup_teardown(test, scene_begin, scene_end)

static UNUSED struct writer_summary scene_finish(struct scene *scene)
{
	struct writer *writer = scene->writer;

	scene->writer = NULL;
	return finish_writer(writer);
}

/* Finishes the recording when it is open still, and opens it for replay. */
static UNUSED struct answers *scene_play(struct scene *scene, const struct matcher_options *options)
{
	if (scene->writer)
		scene_finish(scene);
	replay_start(&scene->replay, scene->folder.file, options);
	return scene->replay.answers;
}

static UNUSED struct matcher_summary summary_of(struct replay *replay)
{
	struct matcher_summary summary;

	matcher_summarize(replay->matcher, &summary);
	return summary;
}

/* A request as a replayer would make it of a text and its bound parameters. */
struct asked {
	struct sql_statement statement;
	struct request request;
};

static UNUSED void make_request(struct arena *arena, const char *text,
				const struct parameter *parameters, size_t n, struct asked *asked)
{
	const struct sql_options options = { .dialect = SQL_POSTGRES };
	struct sql_value *bound = arena_alloc(arena, (n + 1) * sizeof(*bound));
	struct sql_value *values;

	for (size_t i = 0; i < n; i++)
		assert_int_equal(
			parameter_value(&fake_protocol, NULL, &parameters[i], arena, &bound[i]), 0);
	sql_canonicalize(&options, arena_copy(arena, slice_from_string(text)), arena,
			 &asked->statement);
	values = arena_alloc(arena, (asked->statement.n_slots + 1) * sizeof(*values));
	sql_slot_values(&asked->statement, bound, n, values);
	asked->request = (struct request){ .context.database = SLICE("app"),
					   .statement = &asked->statement,
					   .values = values,
					   .text = slice_from_string(text) };
}

static UNUSED struct answer find(struct replay *replay, const char *text)
{
	struct answer answer;
	struct asked asked;

	make_request(&replay->arena, text, NULL, 0, &asked);
	replay->answers->find(replay->answers->context, &asked.request, &answer);
	return answer;
}

/* The exchange that answers; 0: a miss. */
static UNUSED uint64_t found(struct replay *replay, const char *text)
{
	struct answer answer = find(replay, text);

	return answer.rung == RUNG_EXACT ? answer.exchange : 0;
}

/* The first value of the first row of an exchange's first result. */
static UNUSED struct slice first_value(struct replay *replay, uint64_t exchange)
{
	struct answers *answers = replay->answers;
	const struct answer_value *values;
	struct answer_result result;
	size_t n;

	assert_int_equal(answers->result(answers->context, exchange, 0, &result), 1);
	assert_int_equal(result.chunks, 1);
	assert_int_equal(answers->chunk(answers->context, exchange, 0, 0), 0);
	assert_int_equal(answers->next_row(answers->context, &values, &n), 1);
	assert_int_equal(n, 1);
	return values[0].bytes;
}

#define assert_slice(slice, literal) assert_true(slice_equal((slice), SLICE(literal)))

static UNUSED const struct matcher_options last = { .repeat = REPEAT_LAST };

/* As a person would with the sqlite3 CLI. */
static UNUSED void edit(const char *path, const char *sql)
{
	sqlite3 *database = NULL;
	char *error = NULL;

	assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
	if (sqlite3_exec(database, sql, NULL, NULL, &error) != SQLITE_OK)
		fail_msg("%s: %s", sql, error);
	sqlite3_close(database);
}

/* `n` answers "1", "2", ... to one request. */
static UNUSED void push_times(struct writer *writer, const char *text, uint64_t n)
{
	for (uint64_t i = 1; i <= n; i++) {
		char value[24];

		snprintf(value, sizeof(value), "%d", (int)i);
		push_query(writer, 1, i, text, value);
	}
}

#endif
