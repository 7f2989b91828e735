/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PostgreSQL recorder beside its tapes: that it gives up, with a reason, on every message that does not fit what was asked; and
 * its limits.
 */
#include "parsers/postgres/wire.h"

#include <errno.h>

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h> /* needs those above */
/* clang-format on */

/* ---- what the recorder does not accept ---- */

#define STARTUP "\0\0\0\022\0\3\0\0user\0ann\0\0"
#define LOGGED_IN "R\0\0\0\010\0\0\0\0Z\0\0\0\5I"
#define PARSE "P\0\0\0\021s\0select 1\0\0\0"
#define BIND "B\0\0\0\15\0s\0\0\0\0\0\0\0"
#define EXECUTE "E\0\0\0\11\0\0\0\0\0"
#define SYNC "S\0\0\0\4"
#define COPY_IN "G\0\0\0\7\0\0\0"
#define QUERY "Q\0\0\0\015select 1\0"

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
	assert_int_equal(pg_recorder_see(recorder, SIDE_CLIENT, SLICE(STARTUP), 1, &items, &why),
			 0);
	assert_int_equal(pg_recorder_see(recorder, SIDE_SERVER, SLICE(LOGGED_IN), 1, &items, &why),
			 0);
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
	assert_int_equal(pg_recorder_see(recorder, SIDE_CLIENT, SLICE(STARTUP), 1, &items, &why),
			 0);
	assert_int_equal(pg_recorder_see(recorder, SIDE_SERVER, SLICE(LOGGED_IN), 1, &items, &why),
			 0);
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

/* What is under way at a flush is handed on, and what comes later with it. */
static void test_flush(void **state)
{
	struct recorder *recorder = pg_recorder_new(1);
	struct item_list items;
	const char *why = NULL;

	(void)state;
	item_list_init(&items);
	assert_int_equal(pg_recorder_see(recorder, SIDE_CLIENT, SLICE(STARTUP), 1, &items, &why),
			 0);
	assert_int_equal(pg_recorder_see(recorder, SIDE_SERVER, SLICE(LOGGED_IN), 1, &items, &why),
			 0);
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
	assert_int_equal(pg_recorder_see(recorder, SIDE_CLIENT, SLICE(STARTUP), 1, &items, &why),
			 0);
	assert_int_equal(pg_recorder_see(recorder, SIDE_SERVER, SLICE(LOGGED_IN), 1, &items, &why),
			 0);
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
	assert_int_equal(pg_recorder_see(recorder, SIDE_CLIENT, SLICE(STARTUP), 1, &items, &why),
			 0);
	assert_int_equal(pg_recorder_see(recorder, SIDE_SERVER, SLICE(LOGGED_IN), 1, &items, &why),
			 0);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused_conversations),
		cmocka_unit_test(test_startup_of_zeros),
		cmocka_unit_test(test_requests_without_answer),
		cmocka_unit_test(test_flush),
		cmocka_unit_test(test_notice_flood),
		cmocka_unit_test(test_copy_flood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
