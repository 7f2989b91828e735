/* SPDX-License-Identifier: Apache-2.0 */
/* COPY data in a recording: what is stored of it, and that a COPY FROM STDIN is found by its data. */
#include "tests/unit/store_replay.h"

#define STATEMENT "COPY t FROM STDIN"

/* What a client's data is known by, lines or tuples as they are. */
static struct copy_identity identity_of(bool binary, struct slice data, enum copy_end end)
{
	struct copy_digest *digest = copy_digest_new(binary);
	struct copy_identity copy = { .end = (uint8_t)end };

	copy_digest_add(digest, data);
	copy_digest_get(digest, copy.digest);
	copy_digest_free(digest);
	if (end == COPY_FAILED)
		copy_digest_failed(data, copy.digest);
	return copy;
}

static void add_form(struct item *item, bool to_client, bool binary)
{
	const uint8_t bytes[] = { to_client, binary, 0, 2 };

	item->exchange.flags |= to_client ? EXCHANGE_COPY_OUT : EXCHANGE_COPY_IN;
	item_add_piece(item, PIECE_COPY, 0, slice_of(bytes, sizeof(bytes)));
}

static void add_end(struct item *item, const struct copy_identity *copy, struct slice why)
{
	struct buffer bytes;

	buffer_init(&bytes, 1024);
	buffer_append_u8(&bytes, copy->end);
	buffer_append(&bytes, copy->digest, COPY_DIGEST_BYTES);
	buffer_append_slice(&bytes, why);
	item_add_piece(item, PIECE_COPY_END, 0, buffer_slice(&bytes));
	buffer_release(&bytes);
}

static void add_line(struct item *item, const char *line)
{
	struct buffer row;

	buffer_init(&row, 1024);
	buffer_append_u16be(&row, 1);
	add_value(&row, slice_from_string(line));
	item_add_piece(item, PIECE_ROWS, 0, buffer_slice(&row))->count = 1;
	buffer_release(&row);
}

/* A COPY FROM STDIN of one line that ended in this way. */
static void push_copy(struct writer *writer, uint64_t ordinal, const char *line, enum copy_end end)
{
	struct item *item = make_exchange(1, ordinal, STATEMENT);
	struct slice data = slice_from_string(line);
	struct copy_identity copy = identity_of(false, data, end);

	add_form(item, false, false);
	if (end != COPY_FAILED)
		add_line(item, line);
	add_end(item, &copy, end == COPY_FAILED ? data : slice_of(NULL, 0));
	if (end == COPY_DONE) {
		item_add_piece(item, PIECE_TAG, 0, SLICE("COPY 1"));
	} else {
		item_add_piece(item, PIECE_ERROR, 0, SLICE("code\00022P02\0"));
		item->exchange.outcome = OUTCOME_ERROR;
	}
	push(writer, item);
}

static void push_error(struct writer *writer, uint64_t ordinal)
{
	struct item *item = make_exchange(1, ordinal, STATEMENT);

	item_add_piece(item, PIECE_ERROR, 0, SLICE("code\00042P01\0"));
	item->exchange.outcome = OUTCOME_ERROR;
	push(writer, item);
}

/* The exchange that answers the statement with this data; 0: a miss. */
static uint64_t found_copy(struct replay *replay, const struct copy_identity *copy)
{
	struct answer answer;
	struct asked asked;

	make_request(&replay->arena, STATEMENT, NULL, 0, &asked);
	asked.request.copy = copy;
	replay->answers->find(replay->answers->context, &asked.request, &answer);
	return answer.rung == RUNG_EXACT ? answer.exchange : 0;
}

static uint64_t found_line(struct replay *replay, const char *line)
{
	struct copy_identity copy = identity_of(false, slice_from_string(line), COPY_DONE);

	return found_copy(replay, &copy);
}

/* What a replayer sees before the data; 0: nothing. */
static uint64_t peeked(struct replay *replay)
{
	struct answer answer;
	struct asked asked;

	make_request(&replay->arena, STATEMENT, NULL, 0, &asked);
	return replay->answers->peek(replay->answers->context, &asked.request, &answer) ?
		       answer.exchange :
		       0;
}

static void test_found_by_data(void **state)
{
	struct scene *scene = *state;

	push_copy(scene->writer, 1, "one\n", COPY_DONE);
	push_copy(scene->writer, 2, "two\n", COPY_DONE);
	push_copy(scene->writer, 3, "one\n", COPY_DONE);
	push_copy(scene->writer, 4, "two\n", COPY_REFUSED);
	push_copy(scene->writer, 5, "two\n", COPY_FAILED);
	scene_play(scene, &last);
	assert_int_equal(peeked(&scene->replay), 1);
	assert_int_equal(found_line(&scene->replay, "two\n"), 2);
	assert_int_equal(peeked(&scene->replay), 1);
	assert_int_equal(found_line(&scene->replay, "one\n"), 1);
	assert_int_equal(peeked(&scene->replay), 3); /* each is given once, whatever found it */
	assert_int_equal(found_line(&scene->replay, "one"), 3);
	assert_int_equal(found_line(&scene->replay, "one\n"), 3);
	assert_int_equal(peeked(&scene->replay), 4);
	assert_int_equal(found_line(&scene->replay, "three\n"), 0);
	assert_int_equal(summary_of(&scene->replay).recorded, 5);
	assert_int_equal(summary_of(&scene->replay).exact, 4);
	assert_int_equal(summary_of(&scene->replay).repeated, 1);
	assert_int_equal(summary_of(&scene->replay).unused, 2);
	for (int end = COPY_FAILED; end <= COPY_REFUSED; end++) {
		struct copy_identity copy = identity_of(false, SLICE("two\n"), (enum copy_end)end);

		assert_int_equal(found_copy(&scene->replay, &copy), end == COPY_FAILED ? 5 : 4);
	}
	assert_int_equal(summary_of(&scene->replay).unused, 0);
	assert_int_equal(summary_of(&scene->replay).missed, 1);
}

/* Among those that took no data since they failed before. */
static void test_in_order(void **state)
{
	struct scene *scene = *state;

	push_error(scene->writer, 1);
	push_copy(scene->writer, 2, "one\n", COPY_DONE);
	push_error(scene->writer, 3);
	scene_play(scene, &last);
	assert_int_equal(peeked(&scene->replay), 1);
	assert_int_equal(found(&scene->replay, STATEMENT), 1);
	assert_int_equal(peeked(&scene->replay), 2);
	assert_int_equal(found_line(&scene->replay, "one\n"), 2);
	assert_int_equal(peeked(&scene->replay), 3);
	assert_int_equal(found(&scene->replay, STATEMENT), 3);
	assert_int_equal(summary_of(&scene->replay).unused, 0);
}

static void test_repeat_error(void **state)
{
	struct scene *scene = *state;
	const struct matcher_options error = { .repeat = REPEAT_ERROR };

	push_copy(scene->writer, 1, "one\n", COPY_DONE);
	scene_play(scene, &error);
	assert_int_equal(found_line(&scene->replay, "one\n"), 1);
	assert_int_equal(peeked(&scene->replay), 0);
	assert_int_equal(found_line(&scene->replay, "one\n"), 0);
}

static void test_miss(void **state)
{
	struct scene *scene = *state;
	struct answers *answers;
	struct copy_identity copy = identity_of(false, SLICE("two\n"), COPY_DONE);
	struct answer answer;
	struct asked asked;

	push_copy(scene->writer, 1, "one\n", COPY_DONE);
	answers = scene_play(scene, &last);
	make_request(&scene->replay.arena, STATEMENT, NULL, 0, &asked);
	asked.request.copy = &copy;
	copy.difference = SLICE("row 1");
	answers->find(answers->context, &asked.request, &answer);
	assert_int_equal(answer.rung, RUNG_MISS);
	assert_slice(answer.nearest, STATEMENT);
	assert_slice(answer.difference, "row 1");
	assert_string_equal(summary_of(&scene->replay).misses[0].difference, "row 1");
	assert_int_equal(summary_of(&scene->replay).unused, 1);
}

/* A person edits the data: then it is the edited data that is asked for. */
static void test_edited(void **state)
{
	struct scene *scene = *state;

	push_copy(scene->writer, 1, "one\n", COPY_DONE);
	push_copy(scene->writer, 2, "gave up", COPY_FAILED);
	scene_finish(scene);
	assert_sql(scene->folder.file, "SELECT count(*) FROM copy WHERE digest IS NULL", "0");
	edit(scene->folder.file, "UPDATE result_rows SET rows = replace(rows, 'one', 'eleven')");
	assert_sql(scene->folder.file, "SELECT exchange FROM copy WHERE digest IS NULL", "1");
	scene_play(scene, &last);
	assert_int_equal(found_line(&scene->replay, "one\n"), 0);
	assert_int_equal(found_line(&scene->replay, "eleven\n"), 1);
}

/* The same of binary data, with a null and a value that is kept apart. */
static void test_edited_binary(void **state)
{
	struct scene *scene = *state;
	static const char tuple[] = "\0\3\377\377\377\377\0\0\0\2xy\0\0\0\5abcde";
	struct copy_identity copy =
		identity_of(true, slice_of(tuple, sizeof(tuple) - 1), COPY_DONE);
	struct item *item;

	item = make_exchange(1, 1, STATEMENT);
	add_form(item, false, true);
	item_add_piece(item, PIECE_VALUE, 0, SLICE("abc"))->part = 1;
	item_add_piece(item, PIECE_VALUE, 0, SLICE("de"))->part = 1;
	item_add_piece(item, PIECE_ROWS, 0,
		       SLICE("\0\3\377\377\377\377\0\0\0\2xy\377\377\377\376\0\0\0\1\0\0\0\0\0\0\0"
			     "\5"))
		->count = 1;
	add_end(item, &copy, slice_of(NULL, 0));
	item_add_piece(item, PIECE_TAG, 0, SLICE("COPY 1"));
	push(scene->writer, item);
	scene_play(scene, &last);
	assert_int_equal(found_copy(&scene->replay, &copy), 1);
	replay_end(&scene->replay);
	edit(scene->folder.file, "UPDATE copy SET digest = NULL"); /* made anew, it is the same */
	scene_play(scene, &last);
	assert_int_equal(found_copy(&scene->replay, &copy), 1);
	replay_end(&scene->replay);
	edit(scene->folder.file, "UPDATE value_part SET bytes = x'000000'");
	scene_play(scene, &last);
	assert_int_equal(found_copy(&scene->replay, &copy), 0);
}

static void test_form(void **state)
{
	struct scene *scene = *state;
	struct answers *answers;
	struct answer_copy copy;
	struct item *item;

	item = make_exchange(1, 1, "COPY t TO STDOUT BINARY");
	add_form(item, true, true);
	add_line(item, "x");
	item_add_piece(item, PIECE_COPY_END, 0, SLICE("\1"));
	item_add_piece(item, PIECE_TAG, 0, SLICE("COPY 7"));
	push(scene->writer, item);
	push_copy(scene->writer, 2, "gave up", COPY_FAILED);
	push_query(scene->writer, 1, 3, "SELECT 1", "x");
	scene_finish(scene);
	assert_sql(scene->folder.file, "SELECT row_count FROM queries WHERE id = 1", "7");
	assert_sql(scene->folder.file, "SELECT \"values\" FROM rows WHERE exchange = 1", "[\"x\"]");
	assert_sql(scene->folder.file,
		   "SELECT direction || format || columns || ended FROM copy WHERE exchange = 1",
		   "outbinary2done");
	assert_sql(scene->folder.file, "SELECT failure FROM copy WHERE exchange = 2", "gave up");
	assert_sql(scene->folder.file, "SELECT count(*) FROM flagged", "0");
	answers = scene_play(scene, &last);
	assert_int_equal(answers->copy(answers->context, 1, &copy), 1);
	assert_true(copy.form.to_client && copy.form.binary && copy.form.columns == 2);
	assert_int_equal(copy.end, COPY_DONE);
	assert_int_equal(answers->copy(answers->context, 2, &copy), 1);
	assert_false(copy.form.to_client || copy.form.binary);
	assert_int_equal(copy.end, COPY_FAILED);
	assert_int_equal(answers->copy(answers->context, 3, &copy), 0);
}

/* What cannot be: the row is gone, or says nonsense; data of one result among several. Nothing is served then. */
static void test_damaged(void **state)
{
	struct scene *scene = *state;
	struct answers *answers;
	struct answer_copy copy;
	struct item *item;

	push_copy(scene->writer, 1, "one\n", COPY_DONE);
	push_copy(scene->writer, 2, "two\n", COPY_DONE);
	item = make_exchange(1, 3, "COPY merged FROM STDIN");
	item_add_piece(item, PIECE_TAG, 0, SLICE("ONE"));
	add_form(item, false, false);
	item->exchange.pieces->next->result = 1;
	item_add_piece(item, PIECE_COPY_END, 1, SLICE("\1"));
	item_add_piece(item, PIECE_TAG, 1, SLICE("COPY 0"));
	push(scene->writer, item);
	item = make_exchange(1, 4, "COPY merged TO STDOUT");
	add_form(item, true, false);
	item->exchange.flags |= EXCHANGE_MERGED;
	push(scene->writer, item);
	scene_finish(scene);
	assert_sql(scene->folder.file, "SELECT count(*) FROM copy", "3");
	edit(scene->folder.file,
	     "DELETE FROM copy WHERE exchange = 1;"
	     "UPDATE copy SET columns = -1, ended = 'x', digest = x'00' WHERE exchange = 2");
	answers = scene_play(scene, &last);
	assert_int_equal(answers->copy(answers->context, 1, &copy), 0);
	assert_true(answers->copy(answers->context, 2, &copy) < 0);
	assert_int_equal(peeked(&scene->replay), 1);
	assert_int_equal(found_line(&scene->replay, "one\n"), 0);
	assert_int_equal(found_line(&scene->replay, "two\n"), 0);
	assert_int_equal(found(&scene->replay, "COPY merged FROM STDIN"), 0);
	assert_int_equal(found(&scene->replay, "COPY merged TO STDOUT"), 0);
}

/* Many with the same data, and many of one statement with other data: it does not cost more. */
static void test_many(void **state)
{
	struct scene *scene = *state;
	char line[32];

	for (uint64_t i = 1; i <= 2000; i++) {
		snprintf(line, sizeof(line), "%d\n", i <= 1000 ? 0 : (int)i);
		push_copy(scene->writer, i, line, COPY_DONE);
	}
	scene_play(scene, &last);
	for (uint64_t i = 2000; i > 1000; i--) {
		snprintf(line, sizeof(line), "%d\n", (int)i);
		assert_int_equal(found_line(&scene->replay, line), i);
	}
	for (uint64_t i = 1; i <= 1000; i++) {
		assert_int_equal(peeked(&scene->replay), i);
		assert_int_equal(found_line(&scene->replay, "0\n"), i);
	}
	assert_int_equal(summary_of(&scene->replay).unused, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(test_found_by_data), SCENE(test_in_order), SCENE(test_repeat_error),
		SCENE(test_miss),	   SCENE(test_edited),	 SCENE(test_edited_binary),
		SCENE(test_form),	   SCENE(test_damaged),	 SCENE(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
