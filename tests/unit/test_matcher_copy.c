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

static void test_found_by_data(void **unused)
{
	struct writer *writer;
	struct replay replay;
	struct folder folder;
	(void)unused;

	folder_make(&folder);
	writer = start_session(folder.file);
	push_copy(writer, 1, "one\n", COPY_DONE);
	push_copy(writer, 2, "two\n", COPY_DONE);
	push_copy(writer, 3, "one\n", COPY_DONE);
	push_copy(writer, 4, "two\n", COPY_REFUSED);
	push_copy(writer, 5, "two\n", COPY_FAILED);
	finish_writer(writer);
	replay_start(&replay, folder.file, &last);
	assert_int_equal(peeked(&replay), 1);
	assert_int_equal(found_line(&replay, "two\n"), 2);
	assert_int_equal(peeked(&replay), 1);
	assert_int_equal(found_line(&replay, "one\n"), 1);
	assert_int_equal(peeked(&replay), 3); /* each is given once, whatever found it */
	assert_int_equal(found_line(&replay, "one"), 3);
	assert_int_equal(found_line(&replay, "one\n"), 3);
	assert_int_equal(peeked(&replay), 4);
	assert_int_equal(found_line(&replay, "three\n"), 0);
	assert_int_equal(summary_of(&replay).recorded, 5);
	assert_int_equal(summary_of(&replay).exact, 4);
	assert_int_equal(summary_of(&replay).repeated, 1);
	assert_int_equal(summary_of(&replay).unused, 2);
	for (int end = COPY_FAILED; end <= COPY_REFUSED; end++) {
		struct copy_identity copy = identity_of(false, SLICE("two\n"), (enum copy_end)end);

		assert_int_equal(found_copy(&replay, &copy), end == COPY_FAILED ? 5 : 4);
	}
	assert_int_equal(summary_of(&replay).unused, 0);
	assert_int_equal(summary_of(&replay).missed, 1);
	replay_end(&replay);
	folder_remove(&folder);
}

/* Among those that took no data since they failed before. */
static void test_in_order(void **unused)
{
	struct writer *writer;
	struct replay replay;
	struct folder folder;
	(void)unused;

	folder_make(&folder);
	writer = start_session(folder.file);
	push_error(writer, 1);
	push_copy(writer, 2, "one\n", COPY_DONE);
	push_error(writer, 3);
	finish_writer(writer);
	replay_start(&replay, folder.file, &last);
	assert_int_equal(peeked(&replay), 1);
	assert_int_equal(found(&replay, STATEMENT), 1);
	assert_int_equal(peeked(&replay), 2);
	assert_int_equal(found_line(&replay, "one\n"), 2);
	assert_int_equal(peeked(&replay), 3);
	assert_int_equal(found(&replay, STATEMENT), 3);
	assert_int_equal(summary_of(&replay).unused, 0);
	replay_end(&replay);
	folder_remove(&folder);
}

static void test_repeat_error(void **unused)
{
	const struct matcher_options error = { .repeat = REPEAT_ERROR };
	struct writer *writer;
	struct replay replay;
	struct folder folder;
	(void)unused;

	folder_make(&folder);
	writer = start_session(folder.file);
	push_copy(writer, 1, "one\n", COPY_DONE);
	finish_writer(writer);
	replay_start(&replay, folder.file, &error);
	assert_int_equal(found_line(&replay, "one\n"), 1);
	assert_int_equal(peeked(&replay), 0);
	assert_int_equal(found_line(&replay, "one\n"), 0);
	replay_end(&replay);
	folder_remove(&folder);
}

static void test_miss(void **unused)
{
	struct copy_identity copy = identity_of(false, SLICE("two\n"), COPY_DONE);
	struct writer *writer;
	struct replay replay;
	struct folder folder;
	struct answer answer;
	struct asked asked;
	(void)unused;

	folder_make(&folder);
	writer = start_session(folder.file);
	push_copy(writer, 1, "one\n", COPY_DONE);
	finish_writer(writer);
	replay_start(&replay, folder.file, &last);
	make_request(&replay.arena, STATEMENT, NULL, 0, &asked);
	asked.request.copy = &copy;
	copy.difference = SLICE("row 1");
	replay.answers->find(replay.answers->context, &asked.request, &answer);
	assert_int_equal(answer.rung, RUNG_MISS);
	assert_slice(answer.nearest, STATEMENT);
	assert_slice(answer.difference, "row 1");
	assert_string_equal(summary_of(&replay).misses[0].difference, "row 1");
	assert_int_equal(summary_of(&replay).unused, 1);
	replay_end(&replay);
	folder_remove(&folder);
}

/* A person edits the data: then it is the edited data that is asked for. */
static void test_edited(void **unused)
{
	struct writer *writer;
	struct replay replay;
	struct folder folder;
	(void)unused;

	folder_make(&folder);
	writer = start_session(folder.file);
	push_copy(writer, 1, "one\n", COPY_DONE);
	push_copy(writer, 2, "gave up", COPY_FAILED);
	finish_writer(writer);
	assert_sql(folder.file, "SELECT count(*) FROM copy WHERE digest IS NULL", "0");
	edit(folder.file, "UPDATE result_rows SET rows = replace(rows, 'one', 'eleven')");
	assert_sql(folder.file, "SELECT exchange FROM copy WHERE digest IS NULL", "1");
	replay_start(&replay, folder.file, &last);
	assert_int_equal(found_line(&replay, "one\n"), 0);
	assert_int_equal(found_line(&replay, "eleven\n"), 1);
	replay_end(&replay);
	folder_remove(&folder);
}

/* The same of binary data, with a null and a value that is kept apart. */
static void test_edited_binary(void **unused)
{
	static const char tuple[] = "\0\3\377\377\377\377\0\0\0\2xy\0\0\0\5abcde";
	struct copy_identity copy =
		identity_of(true, slice_of(tuple, sizeof(tuple) - 1), COPY_DONE);
	struct writer *writer;
	struct replay replay;
	struct folder folder;
	struct item *item;
	(void)unused;

	folder_make(&folder);
	writer = start_session(folder.file);
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
	push(writer, item);
	finish_writer(writer);
	replay_start(&replay, folder.file, &last);
	assert_int_equal(found_copy(&replay, &copy), 1);
	replay_end(&replay);
	edit(folder.file, "UPDATE copy SET digest = NULL"); /* made anew, it is the same */
	replay_start(&replay, folder.file, &last);
	assert_int_equal(found_copy(&replay, &copy), 1);
	replay_end(&replay);
	edit(folder.file, "UPDATE value_part SET bytes = x'000000'");
	replay_start(&replay, folder.file, &last);
	assert_int_equal(found_copy(&replay, &copy), 0);
	replay_end(&replay);
	folder_remove(&folder);
}

static void test_form(void **unused)
{
	struct answer_copy copy;
	struct writer *writer;
	struct replay replay;
	struct folder folder;
	struct item *item;
	(void)unused;

	folder_make(&folder);
	writer = start_session(folder.file);
	item = make_exchange(1, 1, "COPY t TO STDOUT BINARY");
	add_form(item, true, true);
	add_line(item, "x");
	item_add_piece(item, PIECE_COPY_END, 0, SLICE("\1"));
	item_add_piece(item, PIECE_TAG, 0, SLICE("COPY 7"));
	push(writer, item);
	push_copy(writer, 2, "gave up", COPY_FAILED);
	push_query(writer, 1, 3, "SELECT 1", "x");
	finish_writer(writer);
	assert_sql(folder.file, "SELECT row_count FROM queries WHERE id = 1", "7");
	assert_sql(folder.file, "SELECT \"values\" FROM rows WHERE exchange = 1", "[\"x\"]");
	assert_sql(folder.file,
		   "SELECT direction || format || columns || ended FROM copy WHERE exchange = 1",
		   "outbinary2done");
	assert_sql(folder.file, "SELECT failure FROM copy WHERE exchange = 2", "gave up");
	assert_sql(folder.file, "SELECT count(*) FROM flagged", "0");
	replay_start(&replay, folder.file, &last);
	assert_int_equal(replay.answers->copy(replay.answers->context, 1, &copy), 1);
	assert_true(copy.form.to_client && copy.form.binary && copy.form.columns == 2);
	assert_int_equal(copy.end, COPY_DONE);
	assert_int_equal(replay.answers->copy(replay.answers->context, 2, &copy), 1);
	assert_false(copy.form.to_client || copy.form.binary);
	assert_int_equal(copy.end, COPY_FAILED);
	assert_int_equal(replay.answers->copy(replay.answers->context, 3, &copy), 0);
	replay_end(&replay);
	folder_remove(&folder);
}

/* What cannot be: the row is gone, or says nonsense; data of one result among several. Nothing is served then. */
static void test_damaged(void **unused)
{
	struct answer_copy copy;
	struct writer *writer;
	struct replay replay;
	struct folder folder;
	struct item *item;
	(void)unused;

	folder_make(&folder);
	writer = start_session(folder.file);
	push_copy(writer, 1, "one\n", COPY_DONE);
	push_copy(writer, 2, "two\n", COPY_DONE);
	item = make_exchange(1, 3, "COPY merged FROM STDIN");
	item_add_piece(item, PIECE_TAG, 0, SLICE("ONE"));
	add_form(item, false, false);
	item->exchange.pieces->next->result = 1;
	item_add_piece(item, PIECE_COPY_END, 1, SLICE("\1"));
	item_add_piece(item, PIECE_TAG, 1, SLICE("COPY 0"));
	push(writer, item);
	item = make_exchange(1, 4, "COPY merged TO STDOUT");
	add_form(item, true, false);
	item->exchange.flags |= EXCHANGE_MERGED;
	push(writer, item);
	finish_writer(writer);
	assert_sql(folder.file, "SELECT count(*) FROM copy", "3");
	edit(folder.file,
	     "DELETE FROM copy WHERE exchange = 1;"
	     "UPDATE copy SET columns = -1, ended = 'x', digest = x'00' WHERE exchange = 2");
	replay_start(&replay, folder.file, &last);
	assert_int_equal(replay.answers->copy(replay.answers->context, 1, &copy), 0);
	assert_true(replay.answers->copy(replay.answers->context, 2, &copy) < 0);
	assert_int_equal(peeked(&replay), 1);
	assert_int_equal(found_line(&replay, "one\n"), 0);
	assert_int_equal(found_line(&replay, "two\n"), 0);
	assert_int_equal(found(&replay, "COPY merged FROM STDIN"), 0);
	assert_int_equal(found(&replay, "COPY merged TO STDOUT"), 0);
	replay_end(&replay);
	folder_remove(&folder);
}

/* Many with the same data, and many of one statement with other data: it does not cost more. */
static void test_many(void **unused)
{
	struct writer *writer;
	struct replay replay;
	struct folder folder;
	char line[32];
	(void)unused;

	folder_make(&folder);
	writer = start_session(folder.file);
	for (uint64_t i = 1; i <= 2000; i++) {
		snprintf(line, sizeof(line), "%d\n", i <= 1000 ? 0 : (int)i);
		push_copy(writer, i, line, COPY_DONE);
	}
	finish_writer(writer);
	replay_start(&replay, folder.file, &last);
	for (uint64_t i = 2000; i > 1000; i--) {
		snprintf(line, sizeof(line), "%d\n", (int)i);
		assert_int_equal(found_line(&replay, line), i);
	}
	for (uint64_t i = 1; i <= 1000; i++) {
		assert_int_equal(peeked(&replay), i);
		assert_int_equal(found_line(&replay, "0\n"), i);
	}
	assert_int_equal(summary_of(&replay).unused, 0);
	replay_end(&replay);
	folder_remove(&folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found_by_data), cmocka_unit_test(test_in_order),
		cmocka_unit_test(test_repeat_error),  cmocka_unit_test(test_miss),
		cmocka_unit_test(test_edited),	      cmocka_unit_test(test_edited_binary),
		cmocka_unit_test(test_form),	      cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
