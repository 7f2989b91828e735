/* SPDX-License-Identifier: Apache-2.0 */
/* The matcher, over recordings that the writer made and people edited: what is served, in which order, and what a miss says. */
#include "store/index.h"
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

static void replay_start(struct replay *replay, const char *path,
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

static void make_request(struct arena *arena, const char *text, const struct parameter *parameters,
			 size_t n, struct asked *asked)
{
	const struct sql_options options = { .dialect = SQL_POSTGRES };
	struct sql_value *bound = arena_alloc(arena, (n + 1) * sizeof(*bound));
	struct sql_value *values;

	for (size_t i = 0; i < n; i++)
		assert_int_equal(parameter_value(&fake_protocol, &parameters[i], arena, &bound[i]),
				 0);
	sql_canonicalize(&options, arena_copy(arena, slice_from_string(text)), arena,
			 &asked->statement);
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

/* Writes `n` answers "1", "2", ... to one request. */
static void record_times(const char *path, const char *text, uint64_t n)
{
	struct writer *writer = start_session(path);

	for (uint64_t i = 1; i <= n; i++) {
		char value[24];

		snprintf(value, sizeof(value), "%d", (int)i);
		push_query(writer, 1, i, text, value);
	}
	finish_writer(writer);
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
	finish_writer(writer);
	replay_start(&replay, folder.file, &last);
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

/* What a person edits is what is served. */
static void edit(const char *path, const char *sql)
{
	sqlite3 *database = NULL;
	char *error = NULL;

	assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
	if (sqlite3_exec(database, sql, NULL, NULL, &error) != SQLITE_OK)
		fail_msg("%s: %s", sql, error);
	sqlite3_close(database);
}

static void test_edited(void **unused)
{
	struct answer_result result;
	struct writer *writer;
	struct replay replay;
	struct folder folder;
	(void)unused;

	folder_make(&folder);
	writer = start_session(folder.file);
	push_query(writer, 1, 1, "SELECT v FROM t WHERE id = 1", "one");
	push_query(writer, 1, 2, "SELECT v FROM t WHERE id = 2", "two");
	push_query(writer, 1, 3, "SELECT v FROM t WHERE id = 3", "three");
	push_query(writer, 1, 4, "SELECT w FROM u", "four");
	finish_writer(writer);
	edit(folder.file,
	     "UPDATE result_rows SET rows = '[[\"uno\"]]' WHERE exchange = 1;"
	     "UPDATE result SET tag = 'SELECT 77' WHERE exchange = 1;"
	     "UPDATE exchange SET parameters = '[20]' WHERE id = 2;"
	     "UPDATE exchange SET text = 'SELECT v  FROM t WHERE id = 30' WHERE id = 3;"
	     "UPDATE statement SET text = 'SELECT x FROM u' WHERE text = 'SELECT w FROM u'");
	replay_start(&replay, folder.file, &last);
	assert_int_equal(found(&replay, "SELECT v FROM t WHERE id = 1"), 1);
	assert_slice(first_value(&replay, 1), "uno");
	assert_int_equal(replay.answers->result(replay.answers->context, 1, 0, &result), 1);
	assert_slice(result.tag, "SELECT 77");
	assert_int_equal(found(&replay, "SELECT v FROM t WHERE id = 2"), 0);
	assert_int_equal(found(&replay, "SELECT v FROM t WHERE id = 20"), 2);
	assert_int_equal(found(&replay, "SELECT v FROM t WHERE id = 3"), 0);
	assert_int_equal(found(&replay, "SELECT v FROM t WHERE id = 30"), 3);
	assert_int_equal(found(&replay, "SELECT w FROM u"), 0);
	assert_int_equal(found(&replay, "SELECT x FROM u"), 4);
	replay_end(&replay);
	/* An answer becomes an error. */
	edit(folder.file, "UPDATE result SET tag = NULL, error = '{\"severity\": \"ERROR\", "
			  "\"code\": \"57014\"}' "
			  "WHERE exchange = 4; UPDATE exchange SET outcome = 2 WHERE id = 4");
	replay_start(&replay, folder.file, &last);
	assert_int_equal(find(&replay, "SELECT x FROM u").outcome, OUTCOME_ERROR);
	assert_int_equal(replay.answers->result(replay.answers->context, 4, 0, &result), 1);
	assert_null(result.tag.data);
	assert_int_equal(result.n_error, 2);
	assert_slice(result.error[1].value, "57014");
	replay_end(&replay);
	folder_remove(&folder);
}

/* Another version of the canonical form made the file: no stored hash counts, and everything is found all the same. */
static void test_stale_hashes(void **unused)
{
	struct replay replay;
	struct folder folder;
	(void)unused;

	folder_make(&folder);
	record_times(folder.file, "SELECT v FROM t WHERE id = 5", 1);
	edit(folder.file, "UPDATE recording SET canonical_version = 999; UPDATE exchange SET "
			  "exact_hash = 12345");
	replay_start(&replay, folder.file, &last);
	assert_int_equal(found(&replay, "SELECT v FROM t WHERE id = 5"), 1);
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

static void test_describe(void **unused)
{
	static const uint32_t types[] = { INT4 };
	struct answer_description description;
	struct writer *writer;
	struct replay replay;
	struct folder folder;
	struct answer miss;
	struct asked asked;
	struct item *item;
	(void)unused;

	folder_make(&folder);
	writer = start_session(folder.file);
	item = item_new(ITEM_STATEMENT, 1);
	item->statement =
		(struct statement_item){ .text = SLICE("UPDATE t SET a = 1 WHERE id = $1"),
					 .parameter_types = types,
					 .n_parameter_types = 1,
					 .has_columns = true };
	push(writer, item);
	push_query(writer, 1, 1, "SELECT v FROM t WHERE id = 5", "x");
	finish_writer(writer);
	replay_start(&replay, folder.file, &last);
	make_request(&replay.arena, "update t set a = 7 where id = $1", NULL, 0, &asked);
	assert_true(replay.answers->describe(replay.answers->context, &asked.request, &description,
					     &miss));
	assert_true(description.has_columns);
	assert_null(description.columns);
	assert_int_equal(description.n_slots, 2);
	assert_int_equal(description.slot_types[1], INT4);
	make_request(&replay.arena, "select v from t where id = $1", NULL, 0, &asked);
	assert_true(replay.answers->describe(replay.answers->context, &asked.request, &description,
					     &miss));
	assert_true(description.has_columns);
	assert_int_equal(description.columns->n, 1);
	make_request(&replay.arena, "select nothing", NULL, 0, &asked);
	assert_false(replay.answers->describe(replay.answers->context, &asked.request, &description,
					      &miss));
	assert_slice(miss.nearest, "SELECT v FROM t WHERE id = 5");
	replay_end(&replay);
	folder_remove(&folder);
}

static void test_merged(void **unused)
{
	const char *const one[] = { "a" };
	struct writer *writer;
	struct replay replay;
	struct folder folder;
	struct asked asked;
	struct item *item;
	(void)unused;

	folder_make(&folder);
	writer = start_session(folder.file);
	item = make_exchange(1, 1, "SELECT 1");
	add_rows(item, 0, "SELECT 1", one, 1);
	push(writer, item);
	item = item_new(ITEM_BATCH_MERGE, 1);
	item->batch_merge =
		(struct batch_merge_item){ .batch = 1, .text = SLICE("SELECT 1; CALL p(3)") };
	push(writer, item);
	push_query(writer, 1, 2, "SELECT 2", "x");
	finish_writer(writer);
	replay_start(&replay, folder.file, &last);
	make_request(&replay.arena, "select 1;  call p(3)", NULL, 0, &asked);
	assert_true(replay.answers->is_merged(replay.answers->context, &asked.request));
	assert_int_equal(found(&replay, "select 1;  call p(3)"), 1);
	make_request(&replay.arena, "SELECT 2", NULL, 0, &asked);
	assert_false(replay.answers->is_merged(replay.answers->context, &asked.request));
	replay_end(&replay);
	folder_remove(&folder);
}

static void test_large_parameter(void **unused)
{
	struct parameter parameter = { .type = TEXT, .declared = true };
	const size_t size = 600 * 1024;
	uint8_t *large = malloc(size);
	struct answer answer;
	struct writer *writer;
	struct replay replay;
	struct folder folder;
	struct asked asked;
	struct item *item;
	(void)unused;

	folder_make(&folder);
	memset(large, 'x', size);
	parameter.value = slice_of(large, size);
	writer = start_session(folder.file);
	item = make_exchange(1, 1, "INSERT INTO t VALUES ($1)");
	add_parameter(item, TEXT, true, PARAMETER_TEXT, parameter.value);
	push(writer, item);
	finish_writer(writer);
	replay_start(&replay, folder.file, &last);
	make_request(&replay.arena, "INSERT INTO t VALUES ($1)", &parameter, 1, &asked);
	replay.answers->find(replay.answers->context, &asked.request, &answer);
	assert_int_equal(answer.rung, RUNG_EXACT);
	replay_end(&replay);
	/* The hash says yes and a byte says no. */
	edit(folder.file, "UPDATE value_part SET bytes = CAST(replace(CAST(bytes AS TEXT), "
			  "'xxxxxxxx', 'xxxxxxxy') AS BLOB)");
	replay_start(&replay, folder.file, &last);
	make_request(&replay.arena, "INSERT INTO t VALUES ($1)", &parameter, 1, &asked);
	replay.answers->find(replay.answers->context, &asked.request, &answer);
	assert_int_equal(answer.rung, RUNG_MISS);
	replay_end(&replay);
	free(large);
	folder_remove(&folder);
}

/* Several chunks, parts, and two connections of one worker that are given answers in turns. */
static void test_streams(void **unused)
{
	const struct answer_value *values[2];
	struct answers *answers[2];
	struct answer_result result;
	const char *row = "0123456789012345678901234567890123456789";
	struct writer *writer;
	struct replay replay;
	struct folder folder;
	struct slice bytes;
	struct buffer raw;
	struct item *item;
	uint64_t rows = 0;
	size_t n;
	(void)unused;

	folder_make(&folder);
	writer = start_session(folder.file);
	item = make_exchange(1, 1, "SELECT v FROM big");
	add_rows(item, 0, "", NULL, 0);
	item_add_piece(item, PIECE_VALUE, 0, SLICE("hello "))->part = 1;
	item_add_piece(item, PIECE_VALUE, 0, SLICE("world"))->part = 1;
	buffer_init(&raw, 1 << 20);
	buffer_append_u16be(&raw, 1);
	buffer_append_u32be(&raw, (uint32_t)ROW_VALUE_IN_PART);
	buffer_append_u32be(&raw, 1);
	buffer_append_u64be(&raw, 11);
	for (int i = 0; i < 9999; i++) {
		buffer_append_u16be(&raw, 1);
		add_value(&raw, slice_from_string(row));
	}
	item_add_piece(item, PIECE_ROWS, 0, buffer_slice(&raw))->count = 10000;
	item_add_piece(item, PIECE_TAG, 0, SLICE("SELECT 10000"));
	push(writer, item);
	buffer_release(&raw);
	finish_writer(writer);
	replay_start(&replay, folder.file, &last);
	answers[0] = replay.answers;
	answers[1] = answers_new(replay.reader, "postgres", SLICE("127.0.0.1"), 5432);
	assert_int_equal(answers[0]->result(answers[0]->context, 1, 0, &result), 1);
	assert_true(result.chunks > 1);
	for (uint32_t chunk = 0; chunk < result.chunks; chunk++) {
		for (int i = 0; i < 2; i++)
			assert_int_equal(answers[i]->chunk(answers[i]->context, 1, 0, chunk), 0);
		while (answers[0]->next_row(answers[0]->context, &values[0], &n) == 1) {
			assert_int_equal(answers[1]->next_row(answers[1]->context, &values[1], &n),
					 1);
			assert_int_equal(n, 1);
			assert_int_equal(values[0]->kind, rows ? ANSWER_TEXT : ANSWER_PART_TEXT);
			assert_int_equal(values[0]->kind, values[1]->kind);
			if (rows++)
				assert_true(slice_equal(values[0]->bytes, slice_from_string(row)));
			else
				assert_int_equal(values[0]->size, 11);
		}
	}
	assert_int_equal(rows, 10000);
	assert_int_equal(answers[0]->part(answers[0]->context, 1, 1, 1, &bytes), 1);
	assert_slice(bytes, "world");
	assert_int_equal(answers[0]->part(answers[0]->context, 1, 1, 2, &bytes), 0);
	answers_free(answers[1]);
	replay_end(&replay);
	folder_remove(&folder);
}

static uint64_t found_at(struct replay *replay, const char *address, uint16_t port,
			 const char *database, const struct answer_server *expected)
{
	struct answers *answers =
		answers_new(replay->reader, "postgres", slice_from_string(address), port);
	struct answer_server server;
	struct answer answer = { 0 };
	struct asked asked;

	if (answers->server(answers->context, slice_from_string(database), SLICE("bob"), &server)) {
		assert_true(slice_equal(server.version, expected->version));
		assert_int_equal(server.n_parameters, 2);
		assert_slice(server.parameters[1].name, "DateStyle");
		make_request(&replay->arena, "SELECT who()", NULL, 0, &asked);
		asked.request.context.database = slice_from_string(database);
		answers->find(answers->context, &asked.request, &answer);
	}
	answers_free(answers);
	return answer.rung == RUNG_EXACT ? answer.exchange : 0;
}

static void test_endpoints(void **unused)
{
	const struct matcher_map map = {
		.old_host = "10.0.0.2", .old_port = 5432, .new_host = "10.9.9.9", .new_port = 1
	};
	const struct matcher_options options = { .maps = &map, .n_maps = 1 };
	const struct answer_server server = { .version = SLICE("15.18") };
	struct writer *writer;
	struct replay replay;
	struct folder folder;
	struct item *item;
	(void)unused;

	folder_make(&folder);
	writer = start_writer(folder.file);
	push(writer, make_open(1, "127.0.0.1", 5432));
	push(writer, make_session(1, "app"));
	push_query(writer, 1, 1, "SELECT who()", "local");
	item = make_open(2, "10.0.0.2", 5432);
	item->connection_open.host = SLICE("db.example");
	push(writer, item);
	push(writer, make_session(2, "app"));
	push_query(writer, 2, 1, "SELECT who()", "remote");
	push(writer, make_open(3, "10.0.0.3", 5432));
	push(writer, make_session(3, "other"));
	push_query(writer, 3, 1, "SELECT who()", "other");
	finish_writer(writer);
	replay_start(&replay, folder.file, &options);
	assert_int_equal(found_at(&replay, "127.0.0.1", 5432, "app", &server), 1);
	assert_int_equal(found_at(&replay, "::1", 5432, "app", &server), 1);
	assert_int_equal(found_at(&replay, "localhost", 5432, "app", &server), 1);
	assert_int_equal(found_at(&replay, "10.0.0.2", 5432, "app", &server), 2);
	assert_int_equal(found_at(&replay, "DB.example", 5432, "app", &server), 2);
	assert_int_equal(found_at(&replay, "10.9.9.9", 1, "app", &server), 2);
	assert_int_equal(summary_of(&replay).other_endpoint, 0);
	assert_int_equal(found_at(&replay, "10.1.1.1", 5433, "other", &server), 3);
	assert_int_equal(summary_of(&replay).other_endpoint, 1);
	assert_int_equal(found_at(&replay, "10.1.1.1", 5433, "app", &server), 0); /* two have it */
	assert_int_equal(found_at(&replay, "127.0.0.1", 5432, "none", &server), 0);
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
		assert_true(
			index_add(&index, i % 4 ? 0x1234567890abcdef : i * 0x9e3779b97f4a7c15u, i));
	index_sort(&index);
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
		cmocka_unit_test(test_found),
		cmocka_unit_test(test_order_and_repeat),
		cmocka_unit_test(test_used_up_write),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_peek),
		cmocka_unit_test(test_edited),
		cmocka_unit_test(test_stale_hashes),
		cmocka_unit_test(test_collision),
		cmocka_unit_test(test_context),
		cmocka_unit_test(test_unservable),
		cmocka_unit_test(test_nearest_statement),
		cmocka_unit_test(test_parse_error),
		cmocka_unit_test(test_describe),
		cmocka_unit_test(test_merged),
		cmocka_unit_test(test_large_parameter),
		cmocka_unit_test(test_streams),
		cmocka_unit_test(test_endpoints),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_million),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
