/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The matcher's order among equals where a statement tells of what its connection did before: connections of a replay in another
 * order than that of the recording.
 */
#include "tests/unit/store_replay.h"

#define CONNECTIONS 3

/* Connections of the replay. */
struct pool {
	struct scene *scene;
	struct answers *connections[CONNECTIONS];
};

static const struct sql_options *options_of(enum sql_dialect dialect)
{
	static struct sql_options options;

	options = sql_options_default(dialect);
	return &options;
}

/* The exchange that answers; 0: a miss. */
static uint64_t ask_as(struct pool *pool, size_t connection, enum sql_dialect dialect,
		       const char *text)
{
	struct answers *answers = pool->connections[connection];
	struct arena *arena = &pool->scene->replay.arena;
	struct sql_statement statement;
	struct sql_value *values;
	struct request request;
	struct answer answer;

	sql_canonicalize(options_of(dialect), arena_copy(arena, slice_from_string(text)), arena,
			 &statement);
	values = arena_alloc(arena, (statement.n_slots + 1) * sizeof(*values));
	sql_slot_values(&statement, NULL, 0, values);
	request = (struct request){ .context.database = SLICE("app"),
				    .statement = &statement,
				    .values = values,
				    .text = slice_from_string(text) };
	answers->find(answers->context, &request, &answer);
	return answer.rung == RUNG_EXACT ? answer.exchange : 0;
}

static uint64_t ask_postgres(struct pool *pool, size_t connection, const char *text)
{
	return ask_as(pool, connection, SQL_POSTGRES, text);
}

static uint64_t ask_mysql(struct pool *pool, size_t connection, const char *text)
{
	return ask_as(pool, connection, SQL_MYSQL, text);
}

static void pool_open(struct pool *pool, struct scene *scene, const char *protocol,
		      const struct matcher_options *options)
{
	pool->scene = scene;
	scene_play(scene, options);
	for (size_t i = 0; i < CONNECTIONS; i++)
		pool->connections[i] =
			answers_new(scene->replay.reader, protocol, SLICE("127.0.0.1"), 5432);
}

static void pool_close(struct pool *pool)
{
	for (size_t i = 0; i < CONNECTIONS; i++)
		answers_free(pool->connections[i]);
	replay_end(&pool->scene->replay);
}

static void push_mysql_session(struct writer *writer, uint64_t connection)
{
	static struct protocol protocol;
	struct item *item = make_session(connection, "app");

	protocol = fake_protocol;
	protocol.name = "mysql";
	protocol.dialect = SQL_MYSQL;
	item->session.protocol = &protocol;
	push(writer, make_open(connection, "127.0.0.1", 5432));
	push(writer, item);
}

/* What a connection asked, as the recording's next exchange. */
struct recorded {
	uint64_t connection;
	const char *text;
};

/* Exchange i + 1 is that of recorded[i]. */
static void push_all(struct writer *writer, const struct recorded *recorded, size_t n)
{
	uint64_t ordinals[CONNECTIONS + 1] = { 0 };

	for (size_t i = 0; i < n; i++) {
		uint64_t connection = recorded[i].connection;
		struct item *item =
			make_exchange(connection, ++ordinals[connection], recorded[i].text);
		const char *value = "x";

		item->exchange.start_ns = 1700000000000000000 + (int64_t)i * 1000000;
		add_rows(item, 0, "SELECT 1", &value, 1);
		push(writer, item);
	}
}

/* --- PostgreSQL: the number that a sequence gave the session --- */

static const struct recorded sequences[] = {
	{ 1, "INSERT INTO t VALUES ('a')" }, { 2, "INSERT INTO t VALUES ('b')" },
	{ 2, "SELECT count(*) FROM t" },     { 2, "SELECT lastval()" },
	{ 1, "SELECT count(*) FROM t" },     { 1, "SELECT lastval()" },
	{ 3, "SELECT lastval()" }, /* an error: not yet defined in this session */
	{ 1, "SELECT nextval('s')" },	     { 1, "SELECT lastval()" },
	{ 1, "SELECT currval('s')" },
};

static void begin_sequences(struct scene *scene)
{
	push_session(scene->writer, 2);
	push_session(scene->writer, 3);
	push_all(scene->writer, sequences, ARRAY_SIZE(sequences));
}

static void test_sequences(void **state)
{
	struct scene *scene = *state;
	struct pool pool;

	begin_sequences(scene);
	pool_open(&pool, scene, "postgres", &last);
	assert_int_equal(ask_postgres(&pool, 0, "SELECT lastval()"), 7);
	assert_int_equal(ask_postgres(&pool, 0, "INSERT INTO t VALUES ('a')"), 1);
	assert_int_equal(ask_postgres(&pool, 1, "INSERT INTO t VALUES ('b')"), 2);
	/* Whatever was asked since, and whoever's answer to that was given. */
	assert_int_equal(ask_postgres(&pool, 0, "SELECT count(*) FROM t"), 3);
	assert_int_equal(ask_postgres(&pool, 0, "select LASTVAL()"), 6);
	assert_int_equal(ask_postgres(&pool, 1, "SELECT lastval()"), 4);
	/* Again: the same, and not what another connection got. */
	assert_int_equal(ask_postgres(&pool, 0, "SELECT lastval()"), 6);
	assert_int_equal(ask_postgres(&pool, 0, "SELECT nextval('s')"), 8);
	assert_int_equal(ask_postgres(&pool, 0, "SELECT lastval()"), 9);
	assert_int_equal(ask_postgres(&pool, 1, "SELECT lastval()"), 4);
	assert_int_equal(ask_postgres(&pool, 2, "SELECT lastval()"), 7);
	/* What has no equal is found as ever. */
	assert_int_equal(ask_postgres(&pool, 1, "SELECT currval('s')"), 10);
	pool_close(&pool);
}

/* Behind a miss nobody knows: recorded order. */
static void test_missed(void **state)
{
	struct scene *scene = *state;
	struct pool pool;

	begin_sequences(scene);
	pool_open(&pool, scene, "postgres", &last);
	assert_int_equal(ask_postgres(&pool, 0, "INSERT INTO t VALUES ('a')"), 1);
	assert_int_equal(ask_postgres(&pool, 0, "INSERT INTO t VALUES ('c')"), 0);
	assert_int_equal(ask_postgres(&pool, 0, "SELECT lastval()"), 4);
	assert_int_equal(ask_postgres(&pool, 0, "SELECT lastval()"), 6);
	/* Its own again, though another took it. */
	assert_int_equal(ask_postgres(&pool, 1, "INSERT INTO t VALUES ('b')"), 2);
	assert_int_equal(ask_postgres(&pool, 1, "SELECT lastval()"), 4);
	pool_close(&pool);
}

static void test_repeat_error(void **state)
{
	const struct matcher_options strict = { .repeat = REPEAT_ERROR };
	struct scene *scene = *state;
	struct pool pool;

	begin_sequences(scene);
	pool_open(&pool, scene, "postgres", &strict);
	assert_int_equal(ask_postgres(&pool, 1, "INSERT INTO t VALUES ('b')"), 2);
	assert_int_equal(ask_postgres(&pool, 1, "SELECT lastval()"), 4);
	assert_int_equal(ask_postgres(&pool, 1, "SELECT lastval()"), 0);
	pool_close(&pool);
}

/* An edited text counts as what it says now. */
static void test_edited(void **state)
{
	static const struct recorded recorded[] = {
		{ 1, "INSERT INTO t VALUES ('a')" },
		{ 2, "INSERT INTO t VALUES ('b')" },
		{ 2, "SELECT firstval()" },
		{ 1, "SELECT firstval()" },
	};
	struct scene *scene = *state;
	struct pool pool;

	push_session(scene->writer, 2);
	push_all(scene->writer, recorded, ARRAY_SIZE(recorded));
	scene_finish(scene);
	edit(scene->folder.file,
	     "UPDATE statement SET text = 'SELECT lastval()' WHERE text LIKE '%firstval%'");
	pool_open(&pool, scene, "postgres", &last);
	assert_int_equal(ask_postgres(&pool, 0, "INSERT INTO t VALUES ('a')"), 1);
	assert_int_equal(ask_postgres(&pool, 0, "SELECT lastval()"), 4);
	pool_close(&pool);
}

/* --- MySQL: what the server says of the statement before, and the number it gave --- */

static void begin_mysql(struct scene *scene, const struct recorded *recorded, size_t n)
{
	for (uint64_t connection = 1; connection <= CONNECTIONS; connection++)
		push_mysql_session(scene->writer, connection);
	push_all(scene->writer, recorded, n);
	scene_finish(scene);
}

static void test_warnings(void **state)
{
	static const struct recorded recorded[] = {
		{ 1, "SELECT 'one' + 0" },
		{ 2, "SELECT 'two' + 0" },
		{ 2, "SHOW WARNINGS" },
		{ 2, "SHOW COUNT(*) WARNINGS" },
		{ 1, "SHOW COUNT(*) WARNINGS" },
		{ 1, "SHOW WARNINGS" },
		{ 1, "SELECT ROW_COUNT()" },
		{ 1, "SELECT ROW_COUNT()" }, /* of the one before */
		{ 3, "SET NAMES utf8mb4" },
		{ 3, "SHOW WARNINGS" },
		{ 3, "SELECT ROW_COUNT()" },
	};
	struct scene *scene = *state;
	struct answers *answers;
	struct pool pool;

	begin_mysql(scene, recorded, ARRAY_SIZE(recorded));
	pool_open(&pool, scene, "mysql", &last);
	assert_int_equal(ask_mysql(&pool, 0, "SELECT 'one' + 0"), 1);
	assert_int_equal(ask_mysql(&pool, 1, "SELECT 'two' + 0"), 2);
	/* In another order than they were asked in, both tell of the sum. */
	assert_int_equal(ask_mysql(&pool, 0, "SHOW WARNINGS"), 6);
	assert_int_equal(ask_mysql(&pool, 0, "SHOW COUNT(*) WARNINGS"), 5);
	assert_int_equal(ask_mysql(&pool, 1, "SHOW COUNT(*) WARNINGS"), 4);
	assert_int_equal(ask_mysql(&pool, 1, "SHOW WARNINGS"), 3);
	assert_int_equal(ask_mysql(&pool, 2, "SET NAMES utf8mb4"), 9);
	assert_int_equal(ask_mysql(&pool, 2, "SELECT ROW_COUNT()"), 11);
	/* A SELECT is a statement that the next one tells of. */
	assert_int_equal(ask_mysql(&pool, 0, "SELECT ROW_COUNT()"), 7);
	assert_int_equal(ask_mysql(&pool, 0, "SELECT ROW_COUNT()"), 8);
	/* The session answered a SET: recorded order, of what is left. */
	assert_int_equal(ask_mysql(&pool, 1, "SELECT 'two' + 0"), 2);
	answers = pool.connections[1];
	answers->count_session(answers->context);
	assert_int_equal(ask_mysql(&pool, 1, "SHOW WARNINGS"), 10);
	pool_close(&pool);
}

static void test_insert_ids(void **state)
{
	static const struct recorded recorded[] = {
		{ 1, "INSERT INTO t VALUES (NULL, 'a')" },  /* 1: gives a number */
		{ 1, "INSERT INTO log VALUES ('x')" },	    /* 2: gives none */
		{ 2, "INSERT INTO t VALUES (NULL, 'b')" },  /* 3 */
		{ 2, "INSERT INTO log VALUES ('x')" },	    /* 4 */
		{ 2, "SELECT LAST_INSERT_ID()" },	    /* 5 */
		{ 2, "INSERT INTO c VALUES (@@identity)" }, /* 6: gives one, of its own */
		{ 1, "SELECT LAST_INSERT_ID()" },	    /* 7 */
		{ 1, "INSERT INTO c VALUES (@@identity)" }, /* 8 */
		{ 1, "SELECT LAST_INSERT_ID()" },	    /* 9 */
		{ 2, "SELECT LAST_INSERT_ID()" },	    /* 10 */
		{ 1, "SELECT LAST_INSERT_ID(100)" },	    /* 11 */
		{ 1, "SELECT LAST_INSERT_ID()" },	    /* 12 */
		{ 3, "CALL fill('c')" },		    /* 13: who knows */
		{ 3, "SELECT LAST_INSERT_ID()" },	    /* 14 */
	};
	struct scene *scene = *state;
	struct pool pool;

	begin_mysql(scene, recorded, ARRAY_SIZE(recorded));
	edit(scene->folder.file, "UPDATE result SET insert_id = 7 WHERE exchange IN (1, 3, 6, 8)");
	pool_open(&pool, scene, "mysql", &last);
	assert_int_equal(ask_mysql(&pool, 1, "INSERT INTO t VALUES (NULL, 'b')"), 3);
	assert_int_equal(ask_mysql(&pool, 1, "INSERT INTO log VALUES ('x')"), 2);
	assert_int_equal(ask_mysql(&pool, 0, "INSERT INTO t VALUES (NULL, 'a')"), 1);
	assert_int_equal(ask_mysql(&pool, 0, "INSERT INTO log VALUES ('x')"), 4);
	assert_int_equal(ask_mysql(&pool, 0, "SELECT LAST_INSERT_ID()"), 7);
	assert_int_equal(ask_mysql(&pool, 0, "INSERT INTO c VALUES (@@identity)"), 8);
	assert_int_equal(ask_mysql(&pool, 0, "SELECT LAST_INSERT_ID()"), 9);
	assert_int_equal(ask_mysql(&pool, 1, "SELECT LAST_INSERT_ID()"), 5);
	assert_int_equal(ask_mysql(&pool, 1, "INSERT INTO c VALUES (@@identity)"), 6);
	assert_int_equal(ask_mysql(&pool, 0, "SELECT LAST_INSERT_ID(100)"), 11);
	assert_int_equal(ask_mysql(&pool, 0, "SELECT LAST_INSERT_ID()"), 12);
	assert_int_equal(ask_mysql(&pool, 2, "CALL fill('c')"), 13);
	assert_int_equal(ask_mysql(&pool, 2, "SELECT LAST_INSERT_ID()"), 14);
	assert_int_equal(ask_mysql(&pool, 1, "SELECT LAST_INSERT_ID()"), 10);
	pool_close(&pool);
}

/* The number of a result that lies apart counts too. */
static void test_insert_id_apart(void **state)
{
	static const struct recorded recorded[] = {
		{ 1, "INSERT INTO t VALUES (NULL, 'a')" },
		{ 2, "INSERT INTO t VALUES (NULL, 'b')" },
		{ 2, "SELECT LAST_INSERT_ID()" },
		{ 1, "SELECT LAST_INSERT_ID()" },
	};
	struct scene *scene = *state;
	struct pool pool;

	begin_mysql(scene, recorded, ARRAY_SIZE(recorded));
	edit(scene->folder.file,
	     "INSERT INTO result_apart (exchange, number, tag, insert_id) "
	     "SELECT id, 0, '', 7 FROM exchange WHERE id < 3;"
	     "UPDATE exchange SET inline = 0, rows = NULL, columns = NULL WHERE id < 3");
	pool_open(&pool, scene, "mysql", &last);
	assert_int_equal(ask_mysql(&pool, 0, "INSERT INTO t VALUES (NULL, 'a')"), 1);
	assert_int_equal(ask_mysql(&pool, 0, "SELECT LAST_INSERT_ID()"), 4);
	pool_close(&pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(test_sequences),
		SCENE(test_missed),
		SCENE(test_repeat_error),
		SCENE(test_edited),
		BARE_SCENE(test_warnings),
		BARE_SCENE(test_insert_ids),
		BARE_SCENE(test_insert_id_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
