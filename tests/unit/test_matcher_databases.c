/* SPDX-License-Identifier: Apache-2.0 */
/* The matcher where MySQL's default database is another one than it was: statements that do not depend on it are found. */
#include "tests/unit/store_replay.h"

static void push_session_of(struct writer *writer, uint64_t connection, const char *database)
{
	static struct protocol protocol;
	struct item *item = make_session(connection, database);

	protocol = fake_protocol;
	protocol.name = "mysql";
	protocol.dialect = SQL_MYSQL;
	item->session.protocol = &protocol;
	push(writer, make_open(connection, "127.0.0.1", 5432));
	push(writer, item);
}

/* One row of so many columns. */
static void push_wide(struct writer *writer, uint64_t connection, uint64_t ordinal,
		      const char *text, uint16_t columns)
{
	struct item *item = make_exchange(connection, ordinal, text);
	struct buffer raw;

	buffer_init(&raw, 1 << 20);
	for (uint16_t i = 0; i < columns; i++)
		add_column(&raw, TEXT, PARAMETER_TEXT, "v");
	item_add_piece(item, PIECE_COLUMNS, 0, buffer_slice(&raw));
	buffer_clear(&raw);
	buffer_append_u16be(&raw, columns);
	for (uint16_t i = 0; i < columns; i++)
		add_value(&raw, SLICE("x"));
	item_add_piece(item, PIECE_ROWS, 0, buffer_slice(&raw))->count = 1;
	item_add_piece(item, PIECE_TAG, 0, SLICE("OK"));
	buffer_release(&raw);
	push(writer, item);
}

/* The database app on connection 1, none on 2. */
static void begin(struct scene *scene)
{
	push_session_of(scene->writer, 1, "app");
	push_session_of(scene->writer, 2, "");
}

static void play(struct scene *scene, const struct matcher_options *options)
{
	scene_play(scene, options);
	answers_free(scene->replay.answers);
	scene->replay.answers =
		answers_new(scene->replay.reader, "mysql", SLICE("127.0.0.1"), 5432);
}

static struct request request_in(struct scene *scene, const char *database, const char *text,
				 struct sql_statement *statement)
{
	const struct sql_options options = sql_options_default(SQL_MYSQL);
	struct arena *arena = &scene->replay.arena;
	struct sql_value *values;

	sql_canonicalize(&options, arena_copy(arena, slice_from_string(text)), arena, statement);
	values = arena_alloc(arena, (statement->n_slots + 1) * sizeof(*values));
	sql_slot_values(statement, NULL, 0, values);
	return (struct request){ .context.database = slice_from_string(database),
				 .statement = statement,
				 .values = values,
				 .text = slice_from_string(text) };
}

/* The exchange that answers; 0: a miss. */
static uint64_t ask_in(struct scene *scene, const char *database, const char *text)
{
	struct answers *answers = scene->replay.answers;
	struct sql_statement statement;
	struct request request = request_in(scene, database, text, &statement);
	struct answer peeked, answer;
	bool found = answers->peek(answers->context, &request, &peeked);

	answers->find(answers->context, &request, &answer);
	assert_int_equal(found, answer.rung == RUNG_EXACT);
	return found ? answer.exchange : 0;
}

static bool is_described_in(struct scene *scene, const char *database, const char *text)
{
	struct answers *answers = scene->replay.answers;
	struct answer_description description;
	struct sql_statement statement;
	struct request request = request_in(scene, database, text, &statement);
	struct answer miss;

	return answers->describe(answers->context, &request, &description, &miss) &&
	       description.has_columns;
}

static void test_qualified(void **state)
{
	struct scene *scene = *state;

	begin(scene);
	push_query(scene->writer, 1, 1, "SELECT a FROM app.b WHERE a = 1", "x");
	push_query(scene->writer, 2, 1, "SELECT a FROM app.b WHERE a = 2", "y");
	push_query(scene->writer, 1, 2, "SELECT a FROM b", "z");
	push_query(scene->writer, 1, 3, "SELECT database() FROM app.b", "app");
	play(scene, &last);
	assert_int_equal(ask_in(scene, "", "SELECT a FROM app.b WHERE a = 1"), 1);
	assert_int_equal(ask_in(scene, "other", "SELECT a FROM `app`.`b` WHERE a = 1"), 1);
	assert_int_equal(ask_in(scene, "app", "SELECT a FROM app.b WHERE a = 2"), 2);
	assert_int_equal(ask_in(scene, "app", "SELECT a FROM app.b WHERE a = 3"), 0);
	assert_int_equal(ask_in(scene, "", "SELECT a FROM b"), 0);
	assert_int_equal(ask_in(scene, "", "SELECT database() FROM app.b"), 0);
	assert_int_equal(summary_of(&scene->replay).missed, 3);
	assert_int_equal(summary_of(&scene->replay).exact, 3);
	assert_true(is_described_in(scene, "other", "SELECT a FROM app.b WHERE a = ?"));
	assert_false(is_described_in(scene, "other", "SELECT a FROM b"));
}

/* What was recorded under the same default database comes first. */
static void test_order(void **state)
{
	const struct matcher_options strict = { .repeat = REPEAT_ERROR };
	struct scene *scene = *state;

	begin(scene);
	push_query(scene->writer, 1, 1, "SELECT a FROM app.b", "x");
	push_query(scene->writer, 2, 1, "SELECT a FROM app.b", "y");
	push_query(scene->writer, 1, 2, "SELECT a FROM app.b", "z");
	play(scene, &strict);
	assert_int_equal(ask_in(scene, "", "SELECT a FROM app.b"), 2);
	assert_int_equal(ask_in(scene, "", "SELECT a FROM app.b"), 1);
	assert_int_equal(ask_in(scene, "app", "SELECT a FROM app.b"), 3);
	assert_int_equal(ask_in(scene, "app", "SELECT a FROM app.b"), 0);
}

/* Of a view's the text depends on the default database. */
static void test_view(void **state)
{
	struct scene *scene = *state;

	begin(scene);
	push_wide(scene->writer, 1, 1, "SHOW CREATE TABLE app.b", 2);
	push_wide(scene->writer, 1, 2, "SHOW CREATE TABLE app.v", 4);
	play(scene, &last);
	assert_int_equal(ask_in(scene, "", "SHOW CREATE TABLE app.b"), 1);
	assert_int_equal(ask_in(scene, "", "SHOW CREATE TABLE app.v"), 0);
	assert_int_equal(ask_in(scene, "app", "SHOW CREATE TABLE app.v"), 2);
	assert_false(is_described_in(scene, "", "SHOW CREATE TABLE app.v"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BARE_SCENE(test_qualified),
		BARE_SCENE(test_order),
		BARE_SCENE(test_view),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
