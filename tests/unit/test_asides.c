/* SPDX-License-Identifier: Apache-2.0 */
/* Asides: from a recording's connections to the exchange behind which replay says each; see store/asides.h. */
#include "tests/unit/store_replay.h"

/* Connections 1 and 2 are the app's, with backends 11 and 12; 99 is somebody else. */
static void begin(struct writer *writer)
{
	for (uint64_t i = 1; i <= 2; i++) {
		struct item *session = make_session(i, "app");

		push(writer, make_open(i, "127.0.0.1", 5432));
		session->session.backend = 10 + (uint32_t)i;
		push(writer, session);
	}
}

static struct item *make_aside(uint64_t connection, uint64_t ordinal, enum piece_type type,
			       struct slice bytes)
{
	struct item *item = item_new(ITEM_ASIDE, connection);

	/* make_exchange() begins each exchange at its ordinal's millisecond, which lasts half of it. */
	item->aside = (struct aside_item){ .at_ns = 1700000000000000000 +
						    (int64_t)ordinal * 1000000 + 600000,
					   .ordinal = ordinal,
					   .type = (uint8_t)type,
					   .bytes = arena_copy(&item->arena, bytes) };
	return item;
}

static void push_heard(struct writer *writer, uint64_t connection, uint64_t ordinal,
		       uint32_t backend, const char *payload)
{
	struct buffer raw;

	buffer_init(&raw, 1000);
	buffer_append_u32be(&raw, backend);
	buffer_append(&raw, "jobs", 5);
	buffer_append(&raw, payload, strlen(payload) + 1);
	push(writer, make_aside(connection, ordinal, PIECE_NOTIFICATION, buffer_slice(&raw)));
	buffer_release(&raw);
}

/* "shared jobs x +100000 | ..." of an exchange. */
static void assert_said(struct replay *replay, uint64_t exchange, const char *expected)
{
	const struct answers *answers = replay->answers;
	const struct answer_aside *aside;
	struct buffer text;
	size_t at = 0;

	buffer_init(&text, 10000);
	while ((aside = answers->aside(answers->context, exchange, &at))) {
		if (text.size)
			buffer_append_string(&text, " | ");
		if (aside->shared)
			buffer_append_string(&text, "shared ");
		if (aside->within)
			buffer_append_string(&text, "within ");
		buffer_append_slice(&text, aside->channel);
		buffer_append_u8(&text, ' ');
		buffer_append_slice(&text, aside->n_fields && aside->type != ASIDE_NOTIFICATION ?
						   aside->fields[0].value :
						   aside->payload);
		buffer_append_string(&text, " +");
		buffer_append_unsigned(&text, (uint64_t)aside->delay_ns);
	}
	buffer_append_u8(&text, 0);
	assert_string_equal((const char *)text.data, expected);
	buffer_release(&text);
}

static void push_all(struct writer *writer, uint64_t connection, const char *const *texts)
{
	for (uint64_t i = 1; *texts; texts++, i++)
		push(writer, make_exchange(connection, i, *texts));
}

static void test_notifications(void **state)
{
	struct scene *scene = *state;
	static const char *const first[] = { "LISTEN jobs", "SELECT 1", "COMMIT", NULL };
	static const char *const second[] = { "NOTIFY jobs, 'plain'",
					      "SELECT pg_notify('jobs', 'called')",
					      "INSERT INTO work VALUES (1)", "COMMIT", NULL };

	begin(scene->writer);
	push_all(scene->writer, 1, first);
	push_all(scene->writer, 2, second);
	push_heard(scene->writer, 1, 1, 12, "plain"); /* the statements say so */
	push_heard(scene->writer, 1, 2, 12, "called");
	push_heard(scene->writer, 1, 3, 12, "made"); /* a trigger does; two hear it */
	push_heard(scene->writer, 2, 3, 12, "made");
	push_heard(scene->writer, 1, 3, 99, "outside"); /* behind COMMIT, which is housekeeping */
	push_heard(scene->writer, 1, 0, 99, "before");
	scene_finish(scene);
	assert_sql(scene->folder.file, "SELECT event FROM aside WHERE id = 5",
		   "{\"notification\": {\"channel\": \"jobs\", \"payload\": \"outside\", "
		   "\"backend\": 99}}");
	scene_play(scene, &(struct matcher_options){ 0 });
	for (uint64_t exchange = 1; exchange <= 7; exchange++)
		if (exchange == 2)
			assert_said(&scene->replay, exchange, "jobs outside +1100000");
		else
			assert_said(&scene->replay, exchange,
				    exchange == 6 ? "shared jobs made +100000" : "");
	/* What is the session's own is said once, what the app itself makes each time. */
	assert_said(&scene->replay, 2, "");
	assert_said(&scene->replay, 6, "shared jobs made +100000");
}

/* Who notifies and goes at once is gone before it is heard: still the app, for a while. */
static void test_gone(void **state)
{
	struct scene *scene = *state;
	static const char *const first[] = { "LISTEN jobs", NULL };
	static const char *const second[] = { "NOTIFY jobs, 'plain'", NULL };
	struct item *gone = make_close(2);

	begin(scene->writer);
	push_all(scene->writer, 1, first);
	push_all(scene->writer, 2, second);
	gone->connection_close.end_ns = 1700000000000000000 + 1550000;
	push(scene->writer, gone);
	/* 50 us behind the end, and 70 s behind it: the number is somebody else's then. */
	push_heard(scene->writer, 1, 1, 12, "plain");
	push_heard(scene->writer, 1, 70000, 12, "plain");
	scene_play(scene, &(struct matcher_options){ 0 });
	assert_said(&scene->replay, 1, "jobs plain +69999100000");
}

/* Two rows of one trigger: heard twice by each, and said twice. */
static void test_equal_ones(void **state)
{
	struct scene *scene = *state;
	static const char *const first[] = { "LISTEN jobs", NULL };
	static const char *const second[] = { "LISTEN jobs", "INSERT INTO work VALUES (1)",
					      "INSERT INTO work VALUES (1)", NULL };

	begin(scene->writer);
	push_all(scene->writer, 1, first);
	push_all(scene->writer, 2, second);
	push_heard(scene->writer, 1, 2, 12, "made");
	push_heard(scene->writer, 2, 2, 12, "made");
	push_heard(scene->writer, 1, 3, 12, "made");
	push_heard(scene->writer, 2, 3, 12, "made");
	scene_play(scene, &(struct matcher_options){ 0 });
	assert_said(&scene->replay, 3, "shared jobs made +100000");
	assert_said(&scene->replay, 4, "shared jobs made +100000");
}

static void test_others(void **state)
{
	struct scene *scene = *state;
	static const char *const texts[] = { "SELECT 1", NULL };

	begin(scene->writer);
	push_all(scene->writer, 1, texts);
	push(scene->writer, make_aside(1, 1, PIECE_STATUS, SLICE("work_mem\0001MB\0")));
	push(scene->writer, make_aside(1, 1, PIECE_NOTICE, SLICE("message\0careful\0")));
	push(scene->writer, make_aside(1, 1, PIECE_ERROR, SLICE("message\0the end\0")));
	scene_finish(scene);
	free(ask(scene->folder.file,
		 "INSERT INTO aside VALUES (9, 1, 0, 1, 0, '{\"what\": {}}'), "
		 "(10, 1, 0, 1, 0, 'no JSON'), (11, 77, 0, 1, 0, '{\"error\": {}}'), "
		 "(12, 1, 0, 1, 0, '{\"status\": {}}'), (13, 1, 0, 1, 0, '{\"error\": 5}')"));
	scene_play(scene, &(struct matcher_options){ 0 });
	assert_said(&scene->replay, 1, " 1MB +100000 |  careful +100000 |  the end +100000");
}

static void test_refused(void **state)
{
	struct scene *scene = *state;
	struct answers *answers;
	struct answer_server server;
	struct item *refused;

	begin(scene->writer);
	for (uint64_t i = 3; i <= 5; i++) {
		push(scene->writer, make_open(i, "127.0.0.1", 5432));
		refused = make_session(i, i == 5 ? "" : "app");
		refused->session.refused = true;
		refused->session.user = i == 3 ? SLICE("bob") : SLICE("ann");
		if (i == 5) /* before it was asked */
			refused->session.user = SLICE("");
		push(scene->writer, refused);
		push(scene->writer, make_aside(i, 0, PIECE_ERROR, SLICE("message\0go away\0")));
	}
	scene_finish(scene);
	assert_sql(scene->folder.file,
		   "SELECT group_concat(server_parameters IS NULL) FROM connection", "0,0,1,1,1");
	answers = scene_play(scene, &(struct matcher_options){ 0 });
	assert_true(answers->server(answers->context, SLICE("app"), SLICE("bob"), &server));
	assert_true(slice_equal(server.error[0].value, SLICE("go away")));
	/* Ann was let in another time, and Carl is nobody who was refused. */
	assert_true(answers->server(answers->context, SLICE("app"), SLICE("ann"), &server));
	assert_null(server.error);
	assert_true(answers->server(answers->context, SLICE("app"), SLICE("carl"), &server));
	assert_null(server.error);
	/* Somebody was greeted. */
	assert_true(answers->server(answers->context, SLICE(""), SLICE(""), &server));
	assert_null(server.error);
}

/* A database that was not there yet, or a server that started: refused as often as it was, each time as it was. */
static void test_refused_at_first(void **state)
{
	struct scene *scene = *state;
	struct answers *answers;
	struct answer_server server;
	struct item *item;

	begin(scene->writer);
	for (uint64_t i = 3; i <= 6; i++) {
		push(scene->writer, make_open(i, "127.0.0.1", 5432));
		item = make_session(i, "new");
		item->session.refused = i != 5;
		push(scene->writer, item);
		if (i != 5)
			push(scene->writer, make_aside(i, 0, PIECE_ERROR,
						       i == 3 ? SLICE("message\0starting\0") :
								SLICE("message\0no database\0")));
	}
	scene_finish(scene);
	answers = scene_play(scene, &(struct matcher_options){ 0 });
	for (int i = 0; i < 4; i++) {
		assert_true(answers->server(answers->context, SLICE("new"), SLICE("ann"), &server));
		if (i < 2)
			assert_true(slice_equal(server.error[0].value,
						i ? SLICE("no database") : SLICE("starting")));
		else
			assert_null(server.error);
	}
}

static struct item *make_late(uint64_t connection, uint64_t ordinal, const char *text)
{
	struct item *item = make_exchange(connection, ordinal, text);

	item->exchange.flags = EXCHANGE_CUT | EXCHANGE_LATE;
	item->exchange.outcome = OUTCOME_UNFINISHED;
	item->exchange.end_ns = 0;
	return item;
}

static const struct answer_aside *first_aside(const struct answers *answers, uint64_t exchange)
{
	size_t at = 0;

	return answers->aside(answers->context, exchange, &at);
}

static bool is_asked(struct replay *replay, const char *text, uint64_t exchange)
{
	struct asked asked;

	make_request(&replay->arena, text, NULL, 0, &asked);
	return replay->answers->is_asked(replay->answers->context, &asked.request, exchange);
}

/* A session that its server ended without a word, or with one, and what was asked of it then: that is no answer to anybody. */
static void test_ended(void **state)
{
	struct scene *scene = *state;
	static const char *const first[] = { "SELECT 1", "COMMIT", NULL };
	static const char *const second[] = { "SELECT 2", NULL };
	const struct answer_aside *aside;

	begin(scene->writer);
	push_all(scene->writer, 1, first);
	push_all(scene->writer, 2, second);
	push(scene->writer, make_late(1, 3, "SELECT 3"));
	push(scene->writer, make_late(1, 4, "SELECT 4"));
	push(scene->writer, make_aside(1, 2, PIECE_END, SLICE("closed")));
	push(scene->writer, make_aside(2, 1, PIECE_ERROR, SLICE("message\0the end\0")));
	scene_finish(scene);
	assert_sql(scene->folder.file, "SELECT event FROM aside WHERE id = 1",
		   "{\"end\": {\"how\": \"closed\"}}");
	assert_sql(scene->folder.file, "SELECT flags FROM flagged WHERE sql = 'SELECT 3'",
		   "unfinished cut behind-the-end");
	scene_play(scene, &(struct matcher_options){ 0 });
	aside = first_aside(scene->replay.answers, 1);
	assert_non_null(aside);
	assert_int_equal(aside->type, ASIDE_END);
	assert_int_equal(aside->behind, 1);
	assert_true(slice_equal(aside->fields[0].value, SLICE("closed")));
	assert_int_equal(aside->asked, 4);
	assert_true(is_asked(&scene->replay, "SELECT 3", aside->asked));
	assert_true(is_asked(&scene->replay, "select  3", aside->asked));
	assert_false(is_asked(&scene->replay, "SELECT 4", aside->asked));
	aside = first_aside(scene->replay.answers, 3);
	assert_non_null(aside);
	assert_int_equal(aside->type, ASIDE_ERROR);
	assert_int_equal(aside->asked, 0);
}

/* Where nobody listened and nothing was said, nothing is asked for it. */
static void test_nothing(void **state)
{
	struct scene *scene = *state;
	struct answers *answers;
	static const char *const texts[] = { "SELECT 1", "LISTEN jobs", NULL };

	begin(scene->writer);
	push(scene->writer, make_exchange(1, 1, texts[0]));
	answers = scene_play(scene, &(struct matcher_options){ 0 });
	assert_null(answers->aside);
	replay_end(&scene->replay);
	scene->writer = start_writer(scene->folder.file);
	begin(scene->writer);
	push_all(scene->writer, 1, texts);
	answers = scene_play(scene, &(struct matcher_options){ 0 });
	assert_non_null(answers->aside);
	assert_said(&scene->replay, 2, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BARE_SCENE(test_notifications), BARE_SCENE(test_gone),
		BARE_SCENE(test_equal_ones),	BARE_SCENE(test_others),
		BARE_SCENE(test_refused),	BARE_SCENE(test_refused_at_first),
		BARE_SCENE(test_nothing),	BARE_SCENE(test_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
