/* SPDX-License-Identifier: Apache-2.0 */
/* The matcher, over recordings that the writer made and people edited: what is served, in which order, and what a miss says. */
#include "tests/unit/store_support.h"

#include <pthread.h>
#include <time.h>

/* --- a replay of one connection --- */

struct replay {
	struct recording *recording;
	struct matcher *matcher;
	struct matcher_reader *reader;
	struct answers *answers;
	struct arena arena;
};

static void replay_start(struct replay *replay, const char *path, const struct matcher_options *options)
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

static void replay_end(struct replay *replay)
{
	answers_free(replay->answers);
	matcher_reader_free(replay->reader);
	matcher_free(replay->matcher);
	recording_close(replay->recording);
	arena_release(&replay->arena);
}

static struct matcher_summary summary_of(struct replay *replay)
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

static void make_request(struct arena *arena, const char *text, const struct parameter *parameters, size_t n,
			 struct asked *asked)
{
	const struct sql_options options = { .dialect = SQL_POSTGRES };
	struct sql_value *bound = arena_alloc(arena, (n + 1) * sizeof(*bound));
	struct sql_value *values;

	for (size_t i = 0; i < n; i++)
		assert_int_equal(parameter_value(&fake_protocol, &parameters[i], arena, &bound[i]), 0);
	sql_canonicalize(&options, arena_copy(arena, slice_from_string(text)), arena, &asked->statement);
	values = arena_alloc(arena, (asked->statement.n_slots + 1) * sizeof(*values));
	sql_slot_values(&asked->statement, bound, n, values);
	asked->request = (struct request){ .context.database = SLICE("app"),
					   .statement = &asked->statement,
					   .values = values,
					   .text = slice_from_string(text) };
}

static struct answer find(struct replay *replay, const char *text)
{
	struct answer answer;
	struct asked asked;

	make_request(&replay->arena, text, NULL, 0, &asked);
	replay->answers->find(replay->answers->context, &asked.request, &answer);
	return answer;
}

/* The exchange that answers; 0: a miss. */
static uint64_t found(struct replay *replay, const char *text)
{
	struct answer answer = find(replay, text);

	return answer.rung == RUNG_EXACT ? answer.exchange : 0;
}

/* The first value of the first row of an exchange's first result. */
static struct slice first_value(struct replay *replay, uint64_t exchange)
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

/* --- tests --- */

static const struct matcher_options last = { .repeat = REPEAT_LAST };

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
	assert_slice(result.tag, "SELECT 1");
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
