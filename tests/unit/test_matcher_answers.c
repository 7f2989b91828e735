/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The matcher's answers: what edits of the file change, descriptions, large values and results, and
 * endpoints.
 */
#include "tests/unit/store_replay.h"

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
	assert_slice(result.completion.tag, "SELECT 77");
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
	assert_null(result.completion.tag.data);
	assert_int_equal(result.n_error, 2);
	assert_slice(result.error[1].value, "57014");
	replay_end(&replay);
	folder_remove(&folder);
}

/*
 * Another version of the canonical form made the file: no stored hash counts, and everything is
 * found all the same.
 */
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
	static const char *const damages[] = {
		"UPDATE value_part SET bytes = CAST(replace(CAST(bytes AS TEXT), 'xxxxxxxx', "
		"'xxxxxxxy') AS BLOB)",
		"UPDATE value_part SET bytes = CAST(replace(CAST(bytes AS TEXT), 'y', 'x') AS "
		"BLOB);"
		"DELETE FROM value_part WHERE sequence = 2",
	};
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
	/* The hash says yes and a byte says no; then a piece is missing. */
	for (size_t i = 0; i < ARRAY_SIZE(damages); i++) {
		edit(folder.file, damages[i]);
		replay_start(&replay, folder.file, &last);
		make_request(&replay.arena, "INSERT INTO t VALUES ($1)", &parameter, 1, &asked);
		replay.answers->find(replay.answers->context, &asked.request, &answer);
		assert_int_equal(answer.rung, RUNG_MISS);
		replay_end(&replay);
	}
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

static bool serves(struct answers *answers, const char *database)
{
	struct answer_server server;

	return answers->server(answers->context, slice_from_string(database), SLICE(""), &server);
}

/* Before a login any session of the place says what the server is; a database that becomes known later selects nothing else. */
static void test_before_login(void **unused)
{
	struct answers *there, *moved;
	struct answer answer;
	struct writer *writer;
	struct replay replay;
	struct folder folder;
	struct asked asked;
	(void)unused;

	folder_make(&folder);
	writer = start_session(folder.file);
	push_query(writer, 1, 1, "SELECT 1", "one");
	finish_writer(writer);
	replay_start(&replay, folder.file, &last);
	there = replay.answers;
	assert_true(serves(there, ""));
	assert_true(serves(there, "app"));
	assert_false(serves(there, "none"));
	assert_int_equal(found(&replay, "SELECT 1"), 1);
	assert_int_equal(summary_of(&replay).other_endpoint, 0);
	moved = answers_new(replay.reader, "postgres", SLICE("10.1.1.1"), 5433);
	assert_true(serves(moved, ""));
	assert_int_equal(summary_of(&replay).other_endpoint, 1);
	assert_false(serves(moved, "none"));
	make_request(&replay.arena, "SELECT 1", NULL, 0, &asked);
	moved->find(moved->context, &asked.request, &answer);
	assert_int_equal(answer.rung, RUNG_EXACT);
	assert_int_equal(summary_of(&replay).other_endpoint, 1);
	answers_free(moved);
	moved = answers_new(replay.reader, "http", SLICE("10.1.1.1"), 80);
	assert_false(serves(moved, ""));
	answers_free(moved);
	replay_end(&replay);
	folder_remove(&folder);
}

/* "now NAME", "later NAME", or "wait": who speaks first at a place. */
static const char *greeting_at(struct replay *replay, const char *address, uint16_t port)
{
	static char text[64];
	bool at_once;
	const struct protocol *protocol =
		matcher_greeting(replay->matcher, slice_from_string(address), port, &at_once);

	if (!protocol)
		return "wait";
	snprintf(text, sizeof(text), "%s %s", at_once ? "now" : "later", protocol->name);
	return text;
}

/* Endpoints: 1 and 4 PostgreSQL, 2 and 5 MySQL, 3 not known; 4 and 5 are one place. */
static void test_greeting(void **unused)
{
	static const char *const sessions[] = { "127.0.0.1:5432", "10.0.0.2:3306", "10.0.0.3:25",
						"10.0.0.4:9", "10.0.0.4:9" };
	const struct matcher_map map = {
		.old_host = "10.0.0.2", .old_port = 3306, .new_host = "10.9.9.9", .new_port = 1
	};
	const struct matcher_options options = { .maps = &map, .n_maps = 1 };
	struct protocol other = fake_protocol;
	struct writer *writer;
	struct replay replay;
	struct folder folder;
	(void)unused;

	other.name = "mysql";
	other.dialect = SQL_MYSQL;
	folder_make(&folder);
	writer = start_writer(folder.file);
	for (uint64_t i = 0; i < ARRAY_SIZE(sessions); i++) {
		const char *colon = strchr(sessions[i], ':');
		struct item *session = make_session(i + 1, "app");
		char address[16];

		snprintf(address, sizeof(address), "%.*s", (int)(colon - sessions[i]), sessions[i]);
		push(writer, make_open(i + 1, address, (uint16_t)strtoul(colon + 1, NULL, 10)));
		session->session.protocol = i % 3 == 1 ? &other : &fake_protocol;
		if (i == 2)
			item_free(session);
		else
			push(writer, session);
	}
	finish_writer(writer);
	replay_start(&replay, folder.file, &options);
	assert_string_equal(greeting_at(&replay, "127.0.0.1", 5432), "wait");
	assert_string_equal(greeting_at(&replay, "10.0.0.2", 3306), "now mysql");
	assert_string_equal(greeting_at(&replay, "10.9.9.9", 1), "now mysql");
	assert_string_equal(greeting_at(&replay, "10.0.0.3", 25), "wait");
	assert_string_equal(greeting_at(&replay, "10.0.0.4", 9), "later mysql");
	assert_string_equal(greeting_at(&replay, "10.0.0.5", 3306), "wait"); /* which of the two? */
	replay_end(&replay);
	edit(folder.file, "UPDATE endpoint SET protocol = NULL WHERE id = 5");
	replay_start(&replay, folder.file, &options);
	assert_string_equal(greeting_at(&replay, "10.0.0.4", 9), "wait");
	assert_string_equal(greeting_at(&replay, "10.0.0.5", 3307), "later mysql");
	replay_end(&replay);
	folder_remove(&folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_edited),		cmocka_unit_test(test_stale_hashes),
		cmocka_unit_test(test_describe),	cmocka_unit_test(test_merged),
		cmocka_unit_test(test_large_parameter), cmocka_unit_test(test_streams),
		cmocka_unit_test(test_endpoints),	cmocka_unit_test(test_before_login),
		cmocka_unit_test(test_greeting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
