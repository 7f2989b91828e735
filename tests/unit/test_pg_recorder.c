/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PostgreSQL recorder beside its tapes: that it gives up, with a reason, on every message that does not fit what was asked; and
 * its limits.
 */
#include "parsers/postgres/wire.h"
#include "tests/unit/cmocka.h"

#include <errno.h>

/* ---- what the recorder does not accept ---- */

#define STARTUP "\0\0\0\022\0\3\0\0user\0ann\0\0"
#define LOGGED_IN "R\0\0\0\010\0\0\0\0Z\0\0\0\5I"
#define PARSE "P\0\0\0\021s\0select 1\0\0\0"
#define BIND "B\0\0\0\15\0s\0\0\0\0\0\0\0"
#define EXECUTE "E\0\0\0\11\0\0\0\0\0"
#define SYNC "S\0\0\0\4"
#define COPY_IN "G\0\0\0\7\0\0\0"
#define QUERY "Q\0\0\0\015select 1\0"

static void log_in(struct recorder *recorder, struct item_list *items)
{
	const char *why = NULL;

	assert_int_equal(pg_recorder_see(recorder, SIDE_CLIENT, SLICE(STARTUP), 1, items, &why), 0);
	assert_int_equal(pg_recorder_see(recorder, SIDE_SERVER, SLICE(LOGGED_IN), 1, items, &why),
			 0);
}

struct conversation {
	struct slice client;
	struct slice server;
	bool accepted;
};

static const char *record(const struct conversation *conversation)
{
	struct recorder *recorder = pg_recorder_new(1);
	struct item_list items;
	const char *why = NULL, *again = NULL;
	int error;

	item_list_init(&items);
	log_in(recorder, &items);
	error = pg_recorder_see(recorder, SIDE_CLIENT, conversation->client, 2, &items, &why);
	if (!error)
		error = pg_recorder_see(recorder, SIDE_SERVER, conversation->server, 3, &items,
					&why);
	if (error) {
		assert_int_equal(error, -EPROTO);
		assert_int_equal(
			pg_recorder_see(recorder, SIDE_CLIENT, SLICE(SYNC), 4, &items, &again),
			-EPROTO);
		assert_ptr_equal(why, again);
	}
	pg_recorder_end(recorder, 5, &items);
	item_list_release(&items);
	pg_recorder_free(recorder);
	return error ? why : NULL;
}

static const struct conversation conversations[] = {
	/* answers without a request */
	{ SLICE(""), SLICE("T\0\0\0\6\0\0"), false },
	{ SLICE(""), SLICE("D\0\0\0\6\0\0"), false },
	{ SLICE(""), SLICE("C\0\0\0\7OK\0"), false },
	{ SLICE(""), SLICE("I\0\0\0\4"), false },
	{ SLICE(""), SLICE("1\0\0\0\4"), false },
	{ SLICE(""), SLICE("Z\0\0\0\5I"), false },
	{ SLICE(""), SLICE("s\0\0\0\4"), false },
	{ SLICE(""), SLICE("G\0\0\0\7\0\0\0"), false },
	{ SLICE(""), SLICE("V\0\0\0\010\377\377\377\377"), false },
	/* what may come at any time */
	{ SLICE(""), SLICE("N\0\0\0\5\0"), true },
	{ SLICE(""), SLICE("A\0\0\0\013\0\0\0\1a\0\0"), true },
	{ SLICE(""), SLICE("A\0\0\0\012\0\0\0\1a\0"), false },
	{ SLICE(""), SLICE("S\0\0\0\010a\0b\0"), true },
	{ SLICE(""), SLICE("E\0\0\0\5\0"), true },
	{ SLICE(""), SLICE("S\0\0\0\6a\0"), false },
	/* answers to something else */
	{ SLICE(QUERY), SLICE("1\0\0\0\4"), false },
	{ SLICE(QUERY), SLICE("2\0\0\0\4"), false },
	{ SLICE(QUERY), SLICE("3\0\0\0\4"), false },
	{ SLICE(QUERY), SLICE("n\0\0\0\4"), false },
	{ SLICE(QUERY), SLICE("s\0\0\0\4"), false },
	{ SLICE(QUERY), SLICE("t\0\0\0\6\0\0"), false },
	{ SLICE(QUERY), SLICE("T\0\0\0\5\0"), false },
	{ SLICE(QUERY), SLICE("D\0\0\0\5\0"), false },
	{ SLICE(QUERY), SLICE("V\0\0\0\010\377\377\377\377"), false },
	{ SLICE(QUERY), SLICE("Z\0\0\0\5X"), false },
	{ SLICE(QUERY), SLICE("Z\0\0\0\4"), false },
	{ SLICE(QUERY), SLICE("Z\0\0\0\5I"), true },
	{ SLICE(PARSE SYNC), SLICE("2\0\0\0\4"), false },
	{ SLICE(PARSE SYNC), SLICE("Z\0\0\0\5I"), false },
	{ SLICE(PARSE SYNC), SLICE("1\0\0\0\4T\0\0\0\6\0\0"), false },
	{ SLICE(PARSE SYNC), SLICE("1\0\0\0\4C\0\0\0\7OK\0"), false },
	{ SLICE(PARSE SYNC), SLICE("1\0\0\0\4Z\0\0\0\5I"), true },
	{ SLICE(PARSE SYNC), SLICE("E\0\0\0\5\0001\0\0\0\4"), false },
	{ SLICE(PARSE BIND EXECUTE SYNC), SLICE("1\0\0\0\0042\0\0\0\4T\0\0\0\6\0\0"), false },
	{ SLICE(BIND EXECUTE SYNC), SLICE("2\0\0\0\4"),
	  false }, /* of a statement that it never saw */
	/* COPY */
	{ SLICE(QUERY), SLICE(COPY_IN), true },
	{ SLICE(QUERY), SLICE("G\0\0\0\6\0\0"), false },
	{ SLICE(QUERY), SLICE("H\0\0\0\010\0\0\0\0"), false },
	{ SLICE(QUERY), SLICE("H\0\0\0\7\2\0\0"), false },
	{ SLICE(QUERY), SLICE(COPY_IN COPY_IN), false },
	{ SLICE(QUERY), SLICE(COPY_IN "Z\0\0\0\5I"), true },
	{ SLICE(QUERY), SLICE(COPY_IN "s\0\0\0\4"), false },
	{ SLICE(QUERY), SLICE(COPY_IN "d\0\0\0\4"), true },
	{ SLICE(QUERY), SLICE("d\0\0\0\4c\0\0\0\4"), true },
	{ SLICE("d\0\0\0\4c\0\0\0\4"), SLICE(""), true },
	{ SLICE(QUERY "f\0\0\0\5x"), SLICE(""), false },
	{ SLICE(PARSE BIND EXECUTE SYNC), /* a Sync before the data is ignored */
	  SLICE("1\0\0\0\0042\0\0\0\4" COPY_IN "C\0\0\0\7OK\0Z\0\0\0\5I"), false },
	/* malformed requests */
	{ SLICE("Q\0\0\0\014select 1"), SLICE(""), false },
	{ SLICE("Q\0\0\0\6\0x"), SLICE(""), false },
	{ SLICE("P\0\0\0\010\0\0\377\377"), SLICE(""), false },
	{ SLICE("P\0\0\0\6\0x"), SLICE(""), false },
	{ SLICE("B\0\0\0\5\0"), SLICE(""), false },
	{ SLICE("D\0\0\0\6X\0"), SLICE(""), false },
	{ SLICE("D\0\0\0\5S"), SLICE(""), false },
	{ SLICE("E\0\0\0\5\0"), SLICE(""), false },
	/* a Bind is read when the server took it: then it must be well-formed */
	{ SLICE(PARSE "B\0\0\0\015\0s\0\0\0\0\1\0\0"), SLICE("1\0\0\0\0042\0\0\0\4"), false },
	{ SLICE(PARSE "B\0\0\0\021\0s\0\0\0\0\1\377\377\377\376\0\0"),
	  SLICE("1\0\0\0\0042\0\0\0\4"), false },
	{ SLICE(PARSE "B\0\0\0\021\0s\0\0\0\0\1\177\377\377\377\0\0"),
	  SLICE("1\0\0\0\0042\0\0\0\4"), false },
	{ SLICE(PARSE "B\0\0\0\015\0s\0\377\377\0\0\0\0"), SLICE("1\0\0\0\0042\0\0\0\4"), false },
};

static void test_refused_conversations(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(conversations) / sizeof(conversations[0]); i++) {
		const char *why = record(&conversations[i]);

		if (!why != conversations[i].accepted)
			fail_msg("conversation %zu: %s", i, why ? why : "accepted");
	}
}

/* As many empty parameters as fit: none is one (an empty name ends them), and none is written beyond what was counted. */
static void test_startup_of_zeros(void **state)
{
	static uint8_t bytes[PG_STARTUP_MAX] = { 0, 0, PG_STARTUP_MAX >> 8, PG_STARTUP_MAX & 0xff,
						 0, 3 };
	struct recorder *recorder = pg_recorder_new(1);
	struct item_list items;
	const char *why = NULL;

	(void)state;
	item_list_init(&items);
	assert_int_equal(pg_recorder_see(recorder, SIDE_CLIENT, slice_of(bytes, sizeof(bytes)), 1,
					 &items, &why),
			 -EPROTO);
	assert_string_equal(why, "malformed startup message");
	item_list_release(&items);
	pg_recorder_free(recorder);
}

/* A client that writes for ever to a server that never answers: the queue of requests is bounded in bytes. */
static void test_requests_without_answer(void **state)
{
	struct recorder *recorder = pg_recorder_new(1);
	struct item_list items;
	const char *why = NULL;
	size_t n = 0;
	struct buffer query;

	(void)state;
	item_list_init(&items);
	log_in(recorder, &items);
	buffer_init(&query, (size_t)16 << 20);
	buffer_append_slice(&query, SLICE("Q\1\0\0\4"));
	memset(buffer_reserve(&query, 16 * 1048576 - 8), 'x', 16 * 1048576 - 8);
	query.size = 5 + 1048576 * 16 - 16;
	query.data[2] = 0xff;
	query.data[1] = 0;
	query.data[3] = 0xff;
	query.data[4] = 0xf4;
	query.data[query.size - 1] = 0;
	while (n < 100 &&
	       pg_recorder_see(recorder, SIDE_CLIENT, buffer_slice(&query), 1, &items, &why) == 0)
		n++;
	assert_int_equal(n, 15);
	assert_string_equal(why, "too many bytes of requests without an answer");
	buffer_release(&query);
	item_list_release(&items);
	pg_recorder_free(recorder);
}

/* Large queries that come in pieces, before the first of them is answered: each item has its own text. */
static void test_large_queries(void **state)
{
	const size_t size = (size_t)1 << 20; /* of a message: its length, the text, and a NUL */
	struct recorder *recorder = pg_recorder_new(1);
	struct item_list items;
	const char *why = NULL;
	struct buffer query;
	char letter = 'a';

	(void)state;
	item_list_init(&items);
	log_in(recorder, &items);
	item_list_release(&items);
	buffer_init(&query, 2 * size);
	for (size_t i = 0; i < 3; i++) {
		buffer_append_u8(&query, 'Q');
		buffer_append_u32be(&query, (uint32_t)size);
		memset(buffer_reserve(&query, size - 4), "abc"[i], size - 4);
		query.data[size] = 0;
		query.size = size + 1;
		for (size_t at = 0; at < query.size; at += 100000) {
			size_t left = query.size - at;
			struct slice piece =
				slice_of(query.data + at, left < 100000 ? left : 100000);

			assert_int_equal(
				pg_recorder_see(recorder, SIDE_CLIENT, piece, 1, &items, &why), 0);
		}
		buffer_clear(&query);
	}
	buffer_release(&query);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(pg_recorder_see(recorder, SIDE_SERVER,
						 SLICE("C\0\0\0\015SELECT 0\0Z\0\0\0\5I"), 2,
						 &items, &why),
				 0);
	while (items.first) {
		struct item *item = item_list_take(&items);

		assert_int_equal(item->type, ITEM_EXCHANGE);
		assert_int_equal(item->exchange.text.size, size - 5);
		for (size_t i = 0; i < size - 5; i++)
			assert_int_equal(item->exchange.text.data[i], letter);
		/* It was not copied, and takes no more than it has. */
		assert_in_range(item->arena.allocated, size, size + 4096);
		letter++;
		item_free(item);
	}
	assert_int_equal(letter, 'd');
	pg_recorder_free(recorder);
}

/* What is under way at a flush is handed on, and what comes later with it. */
static void test_flush(void **state)
{
	struct recorder *recorder = pg_recorder_new(1);
	struct item_list items;
	const char *why = NULL;

	(void)state;
	item_list_init(&items);
	log_in(recorder, &items);
	item_list_release(&items);
	assert_int_equal(pg_recorder_see(recorder, SIDE_CLIENT, SLICE(QUERY), 10, &items, &why), 0);
	pg_recorder_flush(recorder, 10, &items); /* it is younger */
	assert_null(items.first);
	pg_recorder_flush(recorder, 11, &items);
	assert_non_null(items.first);
	assert_true(items.first->exchange.opens && !items.first->exchange.closes);
	assert_true(slice_equal(items.first->exchange.text, SLICE("select 1")));
	assert_null(items.first->next);
	item_list_release(&items);
	assert_int_equal(pg_recorder_see(recorder, SIDE_SERVER, SLICE("C\0\0\0\7OK\0Z\0\0\0\5I"),
					 20, &items, &why),
			 0);
	assert_true(!items.first->exchange.opens && items.first->exchange.closes);
	assert_int_equal(items.first->exchange.ordinal, 1);
	assert_null(items.first->next);
	item_list_release(&items);
	pg_recorder_free(recorder);
}

/* Notices without end: what was said is handed on, and what waits for the end takes no more from a size on. */
static void test_notice_flood(void **state)
{
	struct recorder *recorder = pg_recorder_new(1);
	struct item_list items;
	const char *why = NULL;
	struct buffer notices;
	size_t flagged = 0;

	(void)state;
	item_list_init(&items);
	buffer_init(&notices, 1 << 20);
	for (int i = 0; i < 20000; i++)
		buffer_append_slice(&notices, SLICE("N\0\0\0\014Mhello\0\0"));
	log_in(recorder, &items);
	item_list_release(&items);
	assert_int_equal(pg_recorder_see(recorder, SIDE_CLIENT, SLICE(QUERY), 1, &items, &why), 0);
	assert_int_equal(
		pg_recorder_see(recorder, SIDE_SERVER, buffer_slice(&notices), 1, &items, &why), 0);
	assert_non_null(items.first); /* the most part went on */
	item_list_release(&items);
	assert_int_equal(
		pg_recorder_see(recorder, SIDE_SERVER, SLICE("C\0\0\0\7OK\0"), 1, &items, &why), 0);
	for (int i = 0; i < 10; i++)
		assert_int_equal(pg_recorder_see(recorder, SIDE_SERVER, buffer_slice(&notices), 1,
						 &items, &why),
				 0);
	assert_int_equal(
		pg_recorder_see(recorder, SIDE_SERVER, SLICE("Z\0\0\0\5I"), 1, &items, &why), 0);
	for (const struct item *item = items.first; item; item = item->next) {
		assert_true(item->arena.allocated < 2 << 20);
		flagged += (item->exchange.flags & EXCHANGE_NOTICES_CUT) != 0;
	}
	assert_int_equal(flagged, 1);
	buffer_release(&notices);
	item_list_release(&items);
	pg_recorder_free(recorder);
}

static struct recorder *logged_in(struct item_list *items)
{
	struct recorder *recorder = pg_recorder_new(1);
	const char *why = NULL;

	item_list_init(items);
	assert_int_equal(pg_recorder_see(recorder, SIDE_CLIENT, SLICE(STARTUP), 1, items, &why), 0);
	assert_int_equal(pg_recorder_see(recorder, SIDE_SERVER, SLICE(LOGGED_IN), 1, items, &why),
			 0);
	item_list_release(items);
	return recorder;
}

/* Results without end of one statement are handed on, whatever they consist of. */
static void test_result_flood(void **state)
{
	static const struct slice results[] = { SLICE("C\0\0\0\7OK\0"), SLICE("T\0\0\0\6\0\0"),
						SLICE("I\0\0\0\4") };
	const char *why = NULL;
	struct item_list items;
	struct buffer flood;

	(void)state;
	buffer_init(&flood, 1 << 20);
	for (size_t i = 0; i < ARRAY_SIZE(results); i++) {
		struct recorder *recorder = logged_in(&items);

		buffer_clear(&flood);
		for (int n = 0; n < 40000; n++)
			buffer_append_slice(&flood, results[i]);
		buffer_append_slice(&flood, SLICE("Z\0\0\0\5I"));
		assert_int_equal(
			pg_recorder_see(recorder, SIDE_CLIENT, SLICE(QUERY), 1, &items, &why), 0);
		assert_int_equal(pg_recorder_see(recorder, SIDE_SERVER, buffer_slice(&flood), 1,
						 &items, &why),
				 0);
		for (const struct item *item = items.first; item; item = item->next)
			assert_true(item->arena.allocated < 1 << 20);
		item_list_release(&items);
		pg_recorder_free(recorder);
	}
	buffer_release(&flood);
}

/* A portal that was executed keeps its name, and weighs it. */
static void test_portal_names(void **state)
{
	const size_t size = 1 << 20;
	const char *why = NULL;
	struct item_list items;
	struct recorder *recorder = logged_in(&items);
	struct buffer bind, execute;
	int error = 0;
	size_t n = 0;

	(void)state;
	buffer_init(&bind, 2 * size);
	buffer_init(&execute, 2 * size);
	assert_int_equal(pg_recorder_see(recorder, SIDE_CLIENT, SLICE(PARSE), 1, &items, &why), 0);
	assert_int_equal(
		pg_recorder_see(recorder, SIDE_SERVER, SLICE("1\0\0\0\4"), 1, &items, &why), 0);
	for (; !error && n < 255; n++) {
		size_t at;

		buffer_clear(&bind);
		buffer_clear(&execute);
		at = pg_message_begin(&bind, 'B');
		memset(buffer_reserve(&bind, size), (int)n + 1, size);
		bind.size += size;
		buffer_append_slice(&bind, SLICE("\0s\0\0\0\0\0\0\0"));
		pg_message_end(&bind, at);
		at = pg_message_begin(&execute, 'E');
		buffer_append(&execute, bind.data + 5, size);
		buffer_append_slice(&execute, SLICE("\0\0\0\0\0"));
		pg_message_end(&execute, at);
		error = pg_recorder_see(recorder, SIDE_CLIENT, buffer_slice(&bind), 1, &items,
					&why);
		if (!error)
			error = pg_recorder_see(recorder, SIDE_CLIENT, buffer_slice(&execute), 1,
						&items, &why);
		if (!error)
			error = pg_recorder_see(recorder, SIDE_SERVER,
						SLICE("2\0\0\0\4C\0\0\0\7OK\0"), 1, &items, &why);
		item_list_release(&items);
	}
	assert_int_equal(error, -EPROTO);
	assert_string_equal(why, "too many portals");
	assert_in_range(n, 32, 130);
	buffer_release(&bind);
	buffer_release(&execute);
	pg_recorder_free(recorder);
}

/* More data than is ever kept. */
static int see_gigabyte(struct recorder *recorder, struct slice message, struct item_list *items)
{
	const char *why = NULL;
	int error = 0;

	for (int i = 0; i < 1024 && !error; i++) {
		error = pg_recorder_see(recorder, SIDE_CLIENT, message, 1, items, &why);
		item_list_release(items);
	}
	return error;
}

/* COPY data is kept before the server asks, up to a limit, and not at all when it cannot ask any more. */
static void test_copy_flood(void **state)
{
	const struct slice failed = SLICE("E\0\0\0\5\0");
	struct recorder *recorder = pg_recorder_new(1);
	struct item_list items;
	const char *why = NULL;
	struct buffer data;

	(void)state;
	item_list_init(&items);
	buffer_init(&data, 2 << 20);
	buffer_append_slice(&data, SLICE("d\0\20\0\4"));
	memset(buffer_reserve(&data, 1 << 20), 'x', 1 << 20);
	data.size += 1 << 20;
	log_in(recorder, &items);
	assert_int_equal(see_gigabyte(recorder, buffer_slice(&data), &items), 0);
	assert_int_equal(pg_recorder_see(recorder, SIDE_CLIENT, SLICE(QUERY), 1, &items, &why), 0);
	assert_int_equal(pg_recorder_see(recorder, SIDE_SERVER, SLICE(COPY_IN), 1, &items, &why),
			 0);
	assert_int_equal(see_gigabyte(recorder, buffer_slice(&data), &items), 0); /* it is read */
	assert_int_equal(pg_recorder_see(recorder, SIDE_SERVER, failed, 1, &items, &why), 0);
	assert_int_equal(see_gigabyte(recorder, buffer_slice(&data), &items), 0);
	assert_int_equal(
		pg_recorder_see(recorder, SIDE_SERVER, SLICE("Z\0\0\0\5I"), 1, &items, &why), 0);
	assert_int_equal(
		pg_recorder_see(recorder, SIDE_CLIENT, SLICE(PARSE BIND EXECUTE), 1, &items, &why),
		0);
	assert_int_equal(pg_recorder_see(recorder, SIDE_SERVER, failed, 1, &items, &why), 0);
	assert_int_equal(see_gigabyte(recorder, buffer_slice(&data), &items), 0);
	assert_int_equal(pg_recorder_see(recorder, SIDE_CLIENT, SLICE(SYNC QUERY), 1, &items, &why),
			 0);
	assert_int_equal(see_gigabyte(recorder, buffer_slice(&data), &items), -EPROTO);
	buffer_release(&data);
	item_list_release(&items);
	pg_recorder_free(recorder);
}

/* What becomes of an answer behind the client's end, of so many notices and OK: its exchange's outcome. */
static enum exchange_outcome left_outcome(size_t notices, bool broken, int64_t *ret_end_ns)
{
	struct recorder *recorder = pg_recorder_new(1);
	enum exchange_outcome outcome = OUTCOME_UNFINISHED;
	struct item_list items;
	const char *why = NULL;

	item_list_init(&items);
	log_in(recorder, &items);
	assert_int_equal(pg_recorder_see(recorder, SIDE_CLIENT, SLICE(QUERY), 2, &items, &why), 0);
	assert_int_equal(pg_recorder_see(recorder, SIDE_CLIENT, SLICE(""), 3, &items, &why), 0);
	for (size_t i = 0; i < notices; i++)
		assert_int_equal(pg_recorder_see(recorder, SIDE_SERVER, SLICE("N\0\0\0\7Mx\0"), 4,
						 &items, &why),
				 0);
	assert_int_equal(pg_recorder_see(recorder, SIDE_SERVER, SLICE("C\0\0\0\7OK\0Z\0\0\0\5I"), 5,
					 &items, &why),
			 0);
	if (broken)
		pg_recorder_broken(recorder, SIDE_CLIENT);
	/* Nobody looks at what comes then. */
	assert_int_equal(pg_recorder_see(recorder, SIDE_SERVER, broken ? SLICE("what?") : SLICE(""),
					 6, &items, &why),
			 0);
	pg_recorder_end(recorder, 7, &items);
	for (struct item *item = items.first; item; item = item->next)
		if (item->type == ITEM_EXCHANGE && item->exchange.closes) {
			outcome = item->exchange.outcome;
			*ret_end_ns = item->exchange.end_ns;
		}
	item_list_release(&items);
	pg_recorder_free(recorder);
	return outcome;
}

static void test_client_left(void **state)
{
	int64_t end_ns = 0;

	(void)state;
	assert_int_equal(left_outcome(1, false, &end_ns), OUTCOME_OK);
	assert_int_equal(end_ns, 5);
	assert_int_equal(left_outcome(1, true, &end_ns), OUTCOME_UNFINISHED);
	/* More than is held back: it is read, whoever it is for. */
	assert_int_equal(left_outcome(20000, false, &end_ns), OUTCOME_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused_conversations),
		cmocka_unit_test(test_startup_of_zeros),
		cmocka_unit_test(test_requests_without_answer),
		cmocka_unit_test(test_large_queries),
		cmocka_unit_test(test_flush),
		cmocka_unit_test(test_notice_flood),
		cmocka_unit_test(test_result_flood),
		cmocka_unit_test(test_portal_names),
		cmocka_unit_test(test_copy_flood),
		cmocka_unit_test(test_client_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
