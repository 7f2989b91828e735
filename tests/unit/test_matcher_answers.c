/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The matcher's answers: what edits of the file change, descriptions, large values and results, and
 * endpoints.
 */
#include "tests/unit/store_replay.h"

static void test_edited(void **state)
{
	struct scene *scene = *state;
	struct answers *answers;
	struct answer_result result;

	push_query(scene->writer, 1, 1, "SELECT v FROM t WHERE id = 1", "one");
	push_query(scene->writer, 1, 2, "SELECT v FROM t WHERE id = 2", "two");
	push_query(scene->writer, 1, 3, "SELECT v FROM t WHERE id = 3", "three");
	push_query(scene->writer, 1, 4, "SELECT w FROM u", "four");
	scene_finish(scene);
	edit(scene->folder.file,
	     "UPDATE result_rows SET rows = '[[\"uno\"]]' WHERE exchange = 1;"
	     "UPDATE result SET tag = 'SELECT 77' WHERE exchange = 1;"
	     "UPDATE exchange SET parameters = '[20]' WHERE id = 2;"
	     "UPDATE exchange SET text = 'SELECT v  FROM t WHERE id = 30' WHERE id = 3;"
	     "UPDATE statement SET text = 'SELECT x FROM u' WHERE text = 'SELECT w FROM u'");
	answers = scene_play(scene, &last);
	assert_int_equal(found(&scene->replay, "SELECT v FROM t WHERE id = 1"), 1);
	assert_slice(first_value(&scene->replay, 1), "uno");
	assert_int_equal(answers->result(answers->context, 1, 0, &result), 1);
	assert_slice(result.completion.tag, "SELECT 77");
	assert_int_equal(found(&scene->replay, "SELECT v FROM t WHERE id = 2"), 0);
	assert_int_equal(found(&scene->replay, "SELECT v FROM t WHERE id = 20"), 2);
	assert_int_equal(found(&scene->replay, "SELECT v FROM t WHERE id = 3"), 0);
	assert_int_equal(found(&scene->replay, "SELECT v FROM t WHERE id = 30"), 3);
	assert_int_equal(found(&scene->replay, "SELECT w FROM u"), 0);
	assert_int_equal(found(&scene->replay, "SELECT x FROM u"), 4);
	replay_end(&scene->replay);
	/* An answer becomes an error. */
	edit(scene->folder.file,
	     "UPDATE result SET tag = NULL, error = '{\"severity\": \"ERROR\", "
	     "\"code\": \"57014\"}' "
	     "WHERE exchange = 4; UPDATE exchange SET outcome = 2 WHERE id = 4");
	answers = scene_play(scene, &last);
	assert_int_equal(find(&scene->replay, "SELECT x FROM u").outcome, OUTCOME_ERROR);
	assert_int_equal(answers->result(answers->context, 4, 0, &result), 1);
	assert_null(result.completion.tag.data);
	assert_int_equal(result.n_error, 2);
	assert_slice(result.error[1].value, "57014");
}

/*
 * Another version of the canonical form made the file: no stored hash counts, and everything is
 * found all the same.
 */
static void test_stale_hashes(void **state)
{
	struct scene *scene = *state;

	push_times(scene->writer, "SELECT v FROM t WHERE id = 5", 1);
	scene_finish(scene);
	edit(scene->folder.file,
	     "UPDATE recording SET canonical_version = 999; UPDATE exchange SET "
	     "exact_hash = 12345");
	scene_play(scene, &last);
	assert_int_equal(found(&scene->replay, "SELECT v FROM t WHERE id = 5"), 1);
}

static void test_describe(void **state)
{
	struct scene *scene = *state;
	struct answers *answers;
	static const uint32_t types[] = { INT4 };
	struct answer_description description;
	struct answer miss;
	struct asked asked;
	struct item *item;

	item = item_new(ITEM_STATEMENT, 1);
	item->statement =
		(struct statement_item){ .text = SLICE("UPDATE t SET a = 1 WHERE id = $1"),
					 .parameter_types = types,
					 .n_parameter_types = 1,
					 .has_columns = true };
	push(scene->writer, item);
	push_query(scene->writer, 1, 1, "SELECT v FROM t WHERE id = 5", "x");
	answers = scene_play(scene, &last);
	make_request(&scene->replay.arena, "update t set a = 7 where id = $1", NULL, 0, &asked);
	assert_true(answers->describe(answers->context, &asked.request, &description, &miss));
	assert_true(description.has_columns);
	assert_null(description.columns);
	assert_int_equal(description.n_slots, 2);
	assert_int_equal(description.slot_types[1], INT4);
	make_request(&scene->replay.arena, "select v from t where id = $1", NULL, 0, &asked);
	assert_true(answers->describe(answers->context, &asked.request, &description, &miss));
	assert_true(description.has_columns);
	assert_int_equal(description.columns->n, 1);
	make_request(&scene->replay.arena, "select nothing", NULL, 0, &asked);
	assert_false(answers->describe(answers->context, &asked.request, &description, &miss));
	assert_slice(miss.nearest, "SELECT v FROM t WHERE id = 5");
}

/* Where the text states a type any declared one is described, as drivers do that declare a number by its size. */
static void test_describe_declared(void **state)
{
	static const struct {
		const char *text;
		uint32_t types[2];
		bool known;
	} cases[] = {
		{ "SELECT $1::bigint, $2", { INT4, TEXT }, true },
		{ "SELECT $1::bigint, $2", { INT2, TEXT }, true },
		{ "SELECT $1::bigint, $2", { 0, 0 }, true },
		{ "SELECT $1::bigint, $2", { INT4, INT2 }, false },
		{ "SELECT $1, $2", { INT2, TEXT }, false },
	};
	struct scene *scene = *state;
	struct answer_description description;
	struct answers *answers;
	struct answer miss;
	struct asked asked;
	struct item *item;

	item = make_exchange(1, 1, "SELECT $1::bigint, $2");
	add_parameter(item, INT4, false, PARAMETER_TEXT, SLICE("70000"));
	add_parameter(item, TEXT, true, PARAMETER_TEXT, SLICE("x"));
	push(scene->writer, item);
	answers = scene_play(scene, &last);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		make_request(&scene->replay.arena, cases[i].text, NULL, 0, &asked);
		asked.request.declared_types = cases[i].types;
		assert_int_equal(
			answers->describe(answers->context, &asked.request, &description, &miss),
			cases[i].known);
		if (!cases[i].known)
			assert_slice(miss.difference,
				     "it was recorded, but not with these types of its values");
	}
}

/* What a client declared is not what one that asks is told, where the text states a type. */
static void test_declared_is_no_description(void **state)
{
	static const struct {
		const char *text;
		uint32_t told;
	} cases[] = {
		{ "SELECT $1::bigint", 0 },
		{ "SELECT $1::bigint, $1", INT4 },
		{ "SELECT $1", INT4 },
	};
	struct scene *scene = *state;
	struct answer_description description;
	struct answers *answers;
	struct answer miss;
	struct asked asked;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct item *item = make_exchange(1, i + 1, cases[i].text);

		add_parameter(item, INT4, true, PARAMETER_TEXT, SLICE("7"));
		push(scene->writer, item);
	}
	answers = scene_play(scene, &last);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		make_request(&scene->replay.arena, cases[i].text, NULL, 0, &asked);
		assert_true(
			answers->describe(answers->context, &asked.request, &description, &miss));
		assert_int_equal(description.n_slots ? description.slot_types[0] : 0,
				 cases[i].told);
	}
}

/* A table that was altered: described is what comes next. */
static void test_describe_turns(void **state)
{
	static const char *const names[] = { "x", "y", "z" };
	struct scene *scene = *state;
	struct answer_description description;
	struct answers *answers;
	struct answer miss;
	struct asked asked;
	struct buffer raw;
	struct item *item;

	for (uint64_t i = 1; i <= 3; i++) {
		item = make_exchange(1, i, "SELECT * FROM t");
		buffer_init(&raw, 1024);
		for (uint64_t n = 0; n < i; n++)
			add_column(&raw, TEXT, PARAMETER_TEXT, names[n]);
		item_add_piece(item, PIECE_COLUMNS, 0, buffer_slice(&raw));
		item_add_piece(item, PIECE_TAG, 0, SLICE("SELECT 0"));
		push(scene->writer, item);
		buffer_release(&raw);
	}
	answers = scene_play(scene, &last);
	make_request(&scene->replay.arena, "select * from t", NULL, 0, &asked);
	for (size_t i = 1; i <= 4; i++) {
		assert_true(
			answers->describe(answers->context, &asked.request, &description, &miss));
		assert_int_equal(description.columns->n, i < 3 ? i : 3);
		found(&scene->replay, "select * from t");
	}
}

/* What is prepared behind the exchange of this ordinal: one statement that is never executed, and one that is. */
static void push_prepared(struct writer *writer, uint64_t ordinal, size_t n_columns, uint32_t type)
{
	struct item *item = item_new(ITEM_STATEMENT, 1);
	struct buffer raw;

	buffer_init(&raw, 1024);
	for (size_t i = 0; i < n_columns; i++)
		add_column(&raw, TEXT, PARAMETER_TEXT, "c");
	item->statement = (struct statement_item){
		.text = SLICE("SELECT * FROM t"),
		.has_columns = true,
		.columns = arena_copy(&item->arena, buffer_slice(&raw)),
		.prepared_behind = ordinal + 1,
	};
	buffer_release(&raw);
	push(writer, item);
	item = make_exchange(1, ordinal + 1, "INSERT INTO t VALUES ($1, 5)");
	add_parameter(item, type, false, PARAMETER_TEXT, SLICE("7"));
	item->exchange.prepared_behind = ordinal + 1;
	item_add_piece(item, PIECE_TAG, 0, SLICE("INSERT 0 1"));
	push(writer, item);
}

/* A table that is made anew with other columns: who made it the second time is told what was told then. */
static void test_described(void **state)
{
	static const uint32_t types[] = { INT4, TEXT, INT4 };
	struct scene *scene = *state;
	struct answer_description description;
	struct answers *answers;
	struct answer miss;
	struct asked asked;

	for (uint64_t i = 0; i < ARRAY_SIZE(types); i++) {
		push_query(scene->writer, 1, 2 * i + 1, "CREATE TABLE t AS SELECT 1", "x");
		push_prepared(scene->writer, 2 * i + 1, i == 1 ? 2 : 1, types[i]);
	}
	answers = scene_play(scene, &last);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		assert_int_equal(found(&scene->replay, "CREATE TABLE t AS SELECT 1"), 2 * i + 1);
		make_request(&scene->replay.arena, "SELECT * FROM t", NULL, 0, &asked);
		assert_true(
			answers->describe(answers->context, &asked.request, &description, &miss));
		assert_int_equal(description.columns->n, i == 1 ? 2 : 1);
		make_request(&scene->replay.arena, "INSERT INTO t VALUES ($1, 5)", NULL, 0, &asked);
		assert_true(
			answers->describe(answers->context, &asked.request, &description, &miss));
		assert_int_equal(description.slot_types[0], types[i]);
	}
	replay_end(&scene->replay);
	/* Files that were made before there was this table, or all of it. */
	edit(scene->folder.file, "ALTER TABLE described DROP COLUMN warnings");
	scene_play(scene, &last);
	assert_int_equal(found(&scene->replay, "CREATE TABLE t AS SELECT 1"), 1);
	replay_end(&scene->replay);
	edit(scene->folder.file, "DROP TABLE described");
	scene_play(scene, &last);
	assert_int_equal(found(&scene->replay, "CREATE TABLE t AS SELECT 1"), 1);
}

/* The warnings that an answer to PREPARE counted are told where they were told. */
static void test_prepare_warnings(void **state)
{
	static const uint16_t warnings[] = { 2, 0, UINT16_MAX, 1 };
	static const char text[] = "CREATE TABLE years (y YEAR(2))";
	struct scene *scene = *state;
	struct answer_description description;
	struct answers *answers;
	struct answer miss;
	struct asked asked;

	for (uint64_t i = 0; i < ARRAY_SIZE(warnings); i++) {
		struct item *item = item_new(ITEM_STATEMENT, 1);

		push_query(scene->writer, 1, 2 * i + 1, "SELECT 1", "1");
		item->statement = (struct statement_item){ .text = slice_from_string(text),
							   .prepared_behind = 2 * i + 2,
							   .warnings = warnings[i] };
		push(scene->writer, item);
		push_query(scene->writer, 1, 2 * i + 2, text, "x");
	}
	answers = scene_play(scene, &last);
	for (size_t i = 0; i < ARRAY_SIZE(warnings); i++) {
		assert_int_equal(found(&scene->replay, "SELECT 1"), 2 * i + 1);
		make_request(&scene->replay.arena, text, NULL, 0, &asked);
		assert_true(
			answers->describe(answers->context, &asked.request, &description, &miss));
		assert_int_equal(description.warnings, warnings[i]);
	}
}

static void test_merged(void **state)
{
	struct scene *scene = *state;
	struct answers *answers;
	const char *const one[] = { "a" };
	struct asked asked;
	struct item *item;

	item = make_exchange(1, 1, "SELECT 1");
	add_rows(item, 0, "SELECT 1", one, 1);
	push(scene->writer, item);
	item = item_new(ITEM_BATCH_MERGE, 1);
	item->batch_merge =
		(struct batch_merge_item){ .batch = 1, .text = SLICE("SELECT 1; CALL p(3)") };
	push(scene->writer, item);
	push_query(scene->writer, 1, 2, "SELECT 2", "x");
	answers = scene_play(scene, &last);
	make_request(&scene->replay.arena, "select 1;  call p(3)", NULL, 0, &asked);
	assert_true(answers->is_merged(answers->context, &asked.request));
	assert_int_equal(found(&scene->replay, "select 1;  call p(3)"), 1);
	make_request(&scene->replay.arena, "SELECT 2", NULL, 0, &asked);
	assert_false(answers->is_merged(answers->context, &asked.request));
}

static void test_large_parameter(void **state)
{
	struct scene *scene = *state;
	struct answers *answers;
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
	struct asked asked;
	struct item *item;

	memset(large, 'x', size);
	parameter.value = slice_of(large, size);
	item = make_exchange(1, 1, "INSERT INTO t VALUES ($1)");
	add_parameter(item, TEXT, true, PARAMETER_TEXT, parameter.value);
	push(scene->writer, item);
	answers = scene_play(scene, &last);
	make_request(&scene->replay.arena, "INSERT INTO t VALUES ($1)", &parameter, 1, &asked);
	answers->find(answers->context, &asked.request, &answer);
	assert_int_equal(answer.rung, RUNG_EXACT);
	replay_end(&scene->replay);
	/* The hash says yes and a byte says no; then a piece is missing. */
	for (size_t i = 0; i < ARRAY_SIZE(damages); i++) {
		edit(scene->folder.file, damages[i]);
		answers = scene_play(scene, &last);
		make_request(&scene->replay.arena, "INSERT INTO t VALUES ($1)", &parameter, 1,
			     &asked);
		answers->find(answers->context, &asked.request, &answer);
		assert_int_equal(answer.rung, RUNG_MISS);
		replay_end(&scene->replay);
	}
	free(large);
}

/* Several chunks, parts, and two connections of one worker that are given answers in turns. */
static void test_streams(void **state)
{
	struct scene *scene = *state;
	const struct answer_value *values[2];
	struct answers *answers[2];
	struct answer_result result;
	const char *row = "0123456789012345678901234567890123456789";
	struct slice bytes;
	struct buffer raw;
	struct item *item;
	uint64_t rows = 0;
	size_t n;

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
	push(scene->writer, item);
	buffer_release(&raw);
	answers[0] = scene_play(scene, &last);
	answers[1] = answers_new(scene->replay.reader, "postgres", SLICE("127.0.0.1"), 5432);
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

static void test_endpoints(void **state)
{
	struct scene *scene = *state;
	const struct matcher_map map = {
		.old_host = "10.0.0.2", .old_port = 5432, .new_host = "10.9.9.9", .new_port = 1
	};
	const struct matcher_options options = { .maps = &map, .n_maps = 1 };
	const struct answer_server server = { .version = SLICE("15.18") };
	struct item *item;

	push_session(scene->writer, 1);
	push_query(scene->writer, 1, 1, "SELECT who()", "local");
	item = make_open(2, "10.0.0.2", 5432);
	item->connection_open.host = SLICE("db.example");
	push(scene->writer, item);
	push(scene->writer, make_session(2, "app"));
	push_query(scene->writer, 2, 1, "SELECT who()", "remote");
	push(scene->writer, make_open(3, "10.0.0.3", 5432));
	push(scene->writer, make_session(3, "other"));
	push_query(scene->writer, 3, 1, "SELECT who()", "other");
	scene_play(scene, &options);
	assert_int_equal(found_at(&scene->replay, "127.0.0.1", 5432, "app", &server), 1);
	assert_int_equal(found_at(&scene->replay, "::1", 5432, "app", &server), 1);
	assert_int_equal(found_at(&scene->replay, "localhost", 5432, "app", &server), 1);
	assert_int_equal(found_at(&scene->replay, "10.0.0.2", 5432, "app", &server), 2);
	assert_int_equal(found_at(&scene->replay, "DB.example", 5432, "app", &server), 2);
	assert_int_equal(found_at(&scene->replay, "10.9.9.9", 1, "app", &server), 2);
	assert_int_equal(summary_of(&scene->replay).other_endpoint, 0);
	assert_int_equal(found_at(&scene->replay, "10.1.1.1", 5433, "other", &server), 3);
	assert_int_equal(summary_of(&scene->replay).other_endpoint, 1);
	assert_int_equal(found_at(&scene->replay, "10.1.1.1", 5433, "app", &server),
			 0); /* two have it */
	assert_int_equal(found_at(&scene->replay, "127.0.0.1", 5432, "none", &server), 0);
}

static bool serves(struct answers *answers, const char *database)
{
	struct answer_server server;

	return answers->server(answers->context, slice_from_string(database), SLICE(""), &server);
}

/* Before a login any session of the place says what the server is; a database that becomes known later selects nothing else. */
static void test_before_login(void **state)
{
	struct scene *scene = *state;
	struct answers *there, *moved;
	struct answer answer;
	struct asked asked;

	push_query(scene->writer, 1, 1, "SELECT 1", "one");
	there = scene_play(scene, &last);
	assert_true(serves(there, ""));
	assert_true(serves(there, "app"));
	assert_false(serves(there, "none"));
	assert_int_equal(found(&scene->replay, "SELECT 1"), 1);
	assert_int_equal(summary_of(&scene->replay).other_endpoint, 0);
	moved = answers_new(scene->replay.reader, "postgres", SLICE("10.1.1.1"), 5433);
	assert_true(serves(moved, ""));
	assert_int_equal(summary_of(&scene->replay).other_endpoint, 1);
	assert_false(serves(moved, "none"));
	make_request(&scene->replay.arena, "SELECT 1", NULL, 0, &asked);
	moved->find(moved->context, &asked.request, &answer);
	assert_int_equal(answer.rung, RUNG_EXACT);
	assert_int_equal(summary_of(&scene->replay).other_endpoint, 1);
	answers_free(moved);
	moved = answers_new(scene->replay.reader, "http", SLICE("10.1.1.1"), 80);
	assert_false(serves(moved, ""));
	answers_free(moved);
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
static void test_greeting(void **state)
{
	struct scene *scene = *state;
	static const char *const sessions[] = { "127.0.0.1:5432", "10.0.0.2:3306", "10.0.0.3:25",
						"10.0.0.4:9", "10.0.0.4:9" };
	const struct matcher_map map = {
		.old_host = "10.0.0.2", .old_port = 3306, .new_host = "10.9.9.9", .new_port = 1
	};
	const struct matcher_options options = { .maps = &map, .n_maps = 1 };
	struct protocol other = fake_protocol;

	other.name = "mysql";
	other.dialect = SQL_MYSQL;
	for (uint64_t i = 0; i < ARRAY_SIZE(sessions); i++) {
		const char *colon = strchr(sessions[i], ':');
		struct item *session = make_session(i + 1, "app");
		char address[16];

		snprintf(address, sizeof(address), "%.*s", (int)(colon - sessions[i]), sessions[i]);
		push(scene->writer,
		     make_open(i + 1, address, (uint16_t)strtoul(colon + 1, NULL, 10)));
		session->session.protocol = i % 3 == 1 ? &other : &fake_protocol;
		if (i == 2)
			item_free(session);
		else
			push(scene->writer, session);
	}
	scene_play(scene, &options);
	assert_string_equal(greeting_at(&scene->replay, "127.0.0.1", 5432), "wait");
	assert_string_equal(greeting_at(&scene->replay, "10.0.0.2", 3306), "now mysql");
	assert_string_equal(greeting_at(&scene->replay, "10.9.9.9", 1), "now mysql");
	assert_string_equal(greeting_at(&scene->replay, "10.0.0.3", 25), "wait");
	assert_string_equal(greeting_at(&scene->replay, "10.0.0.4", 9), "later mysql");
	assert_string_equal(greeting_at(&scene->replay, "10.0.0.5", 3306),
			    "wait"); /* which of the two? */
	replay_end(&scene->replay);
	edit(scene->folder.file, "UPDATE endpoint SET protocol = NULL WHERE id = 5");
	scene_play(scene, &options);
	assert_string_equal(greeting_at(&scene->replay, "10.0.0.4", 9), "wait");
	assert_string_equal(greeting_at(&scene->replay, "10.0.0.5", 3307), "later mysql");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(test_edited),
		SCENE(test_stale_hashes),
		SCENE(test_describe),
		SCENE(test_describe_declared),
		SCENE(test_declared_is_no_description),
		SCENE(test_describe_turns),
		SCENE(test_described),
		SCENE(test_prepare_warnings),
		SCENE(test_merged),
		SCENE(test_large_parameter),
		SCENE(test_streams),
		BARE_SCENE(test_endpoints),
		SCENE(test_before_login),
		BARE_SCENE(test_greeting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
