/* SPDX-License-Identifier: Apache-2.0 */
/* What a recorder sees through a tap: everything, in order, until it gives up; and who frees what. */
#include "store/tap.h"

/* clang-format off */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h> /* needs those above */
/* clang-format on */

/* A recorder that writes down what it is told, makes an item of each byte string, and gives up at "bad". */
struct recorder {
	int unused;
};

#define LOG_BYTES 4096
static char log_text[LOG_BYTES];

static void note(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void note(const char *format, ...)
{
	size_t used = strlen(log_text);
	va_list list;

	va_start(list, format);
	vsnprintf(log_text + used, LOG_BYTES - used, format, list);
	va_end(list);
}

static int fake_see(struct recorder *recorder, enum side side, struct slice bytes, int64_t time_ns,
		    struct item_list *items, const char **ret_why)
{
	(void)recorder;
	note("%c%lld:%.*s ", side == SIDE_CLIENT ? 'c' : 's', (long long)time_ns,
	     bytes.size > 20 ? 3 : (int)bytes.size, bytes.data);
	if (slice_equal(bytes, SLICE("bad"))) {
		*ret_why = "it is bad";
		return -EINVAL;
	}
	item_list_add(items, item_new(ITEM_EXCHANGE, bytes.size));
	return 0;
}

static void fake_flush(struct recorder *recorder, int64_t before_ns, struct item_list *items)
{
	(void)recorder;
	(void)items;
	note("flush%lld ", (long long)before_ns);
}

static void fake_end(struct recorder *recorder, int64_t time_ns, struct item_list *items)
{
	(void)recorder;
	item_list_add(items, item_new(ITEM_STATEMENT, 0));
	note("end%lld ", (long long)time_ns);
}

static void fake_broken(struct recorder *recorder, enum side side)
{
	(void)recorder;
	note("broken-%c ", side == SIDE_CLIENT ? 'c' : 's');
}

static void fake_free(struct recorder *recorder)
{
	if (recorder)
		note("free ");
	free(recorder);
}

static const struct protocol fake = {
	.recorder_see = fake_see,
	.recorder_flush = fake_flush,
	.recorder_end = fake_end,
	.recorder_broken = fake_broken,
	.recorder_free = fake_free,
};

struct taken {
	size_t n;
	size_t fail_at; /* 0: never */
};

static int take(void *context, struct item *item)
{
	struct taken *taken = context;

	item_free(item);
	return ++taken->n == taken->fail_at ? 7 : 0;
}

static struct tap *begin(_Atomic uint64_t *opaque, struct item_list *items)
{
	static const uint64_t passed[2] = { 5, 9 };

	log_text[0] = 0;
	*opaque = 0;
	item_list_init(items);
	return tap_new(&fake, calloc(1, sizeof(struct recorder)), passed, opaque);
}

static int play(struct item_list *items, struct taken *taken)
{
	int rc = 0;

	while (items->first) {
		struct item *item = item_list_take(items);

		assert_int_equal(item->type, ITEM_SPOOL);
		if (!rc)
			rc = tap_play(item, UINT64_MAX, take, taken);
		item_free(item);
	}
	return rc;
}

static struct item *close_item(struct tap *tap)
{
	struct item *item = item_new(ITEM_CONNECTION_CLOSE, 1);

	item->connection_close.tap = tap;
	tap_close(item);
	assert_null(item->connection_close.tap);
	return item;
}

static void test_in_order(void **state)
{
	_Atomic uint64_t opaque;
	struct item_list items;
	struct taken taken = { 0 };
	struct tap *tap = begin(&opaque, &items);
	struct item *item;

	(void)state;
	tap_see(tap, SIDE_CLIENT, SLICE("ask"), 1, &items);
	tap_see(tap, SIDE_SERVER, SLICE("answer"), 2, &items);
	tap_flush(tap, 3, &items);
	tap_see(tap, SIDE_CLIENT, slice_of("", 0), 4, &items);
	tap_broken(tap, SIDE_SERVER, &items);
	tap_end(tap, 5, &items);
	assert_ptr_equal(items.first, item_list_last(&items)); /* one item for all that */
	assert_int_equal(play(&items, &taken), 0);
	item = close_item(tap);
	assert_string_equal(log_text, "c1:ask s2:answer flush3 c4: broken-s end5 free ");
	assert_int_equal(taken.n, 4);
	assert_int_equal(item->connection_close.opaque.size, 0);
	assert_int_equal(opaque, 0);
	item_free(item);
}

static void test_gives_up(void **state)
{
	_Atomic uint64_t opaque;
	struct item_list items;
	struct taken taken = { 0 };
	struct tap *tap = begin(&opaque, &items);
	struct item *item;

	(void)state;
	tap_see(tap, SIDE_SERVER, SLICE("good"), 1, &items);
	tap_see(tap, SIDE_SERVER, SLICE("bad"), 2, &items);
	tap_see(tap, SIDE_SERVER, SLICE("lost"), 3, &items);
	tap_end(tap, 4, &items);
	assert_false(tap_is_deaf(tap));
	assert_int_equal(play(&items, &taken), 0);
	assert_true(tap_is_deaf(tap));
	assert_int_equal(opaque, 1);
	item = close_item(tap);
	assert_string_equal(log_text, "s1:good s2:bad end2 free ");
	assert_true(slice_equal(item->connection_close.opaque, SLICE("it is bad")));
	assert_int_equal(item->connection_close.opaque_at, 9 + 4);
	item_free(item);
}

/* What is of a later turn waits for what passed on other connections before it. */
static void test_turns(void **state)
{
	_Atomic uint64_t opaque;
	struct item_list items;
	struct taken taken = { 0 };
	struct tap *tap = begin(&opaque, &items);
	struct item *spool;

	(void)state;
	items.turn = 3;
	tap_see(tap, SIDE_CLIENT, SLICE("ask"), 1, &items);
	items.turn = 5;
	tap_see(tap, SIDE_SERVER, SLICE("answer"), 2, &items);
	items.turn = 8;
	tap_end(tap, 3, &items);
	spool = item_list_take(&items);
	assert_null(items.first);
	assert_int_equal(tap_turn(spool), 3);
	assert_int_equal(tap_play(spool, 1, take, &taken), 0); /* one at least */
	assert_string_equal(log_text, "c1:ask ");
	assert_int_equal(tap_turn(spool), 5);
	assert_int_equal(tap_play(spool, 7, take, &taken), 0);
	assert_string_equal(log_text, "c1:ask s2:answer ");
	assert_false(tap_is_played(spool));
	assert_int_equal(tap_turn(spool), 8);
	assert_int_equal(tap_play(spool, 8, take, &taken), 0);
	assert_true(tap_is_played(spool));
	assert_int_equal(tap_play(spool, UINT64_MAX, take, &taken),
			 0); /* as one whose storing failed is dropped */
	assert_true(tap_is_played(spool));
	assert_string_equal(log_text, "c1:ask s2:answer end3 free ");
	item_free(spool);
	item_free(close_item(tap));
}

/* Large bytes, many small ones, and other items between them. */
static void test_spools(void **state)
{
	static uint8_t large[100000];
	_Atomic uint64_t opaque;
	struct item_list items;
	struct taken taken = { 0 };
	struct tap *tap = begin(&opaque, &items);
	size_t spools = 0;

	(void)state;
	memset(large, 'x', sizeof(large));
	tap_see(tap, SIDE_CLIENT, SLICE("a"), 1, &items);
	tap_see(tap, SIDE_SERVER, slice_of(large, sizeof(large)), 2, &items);
	for (int i = 0; i < 1000; i++)
		tap_see(tap, SIDE_CLIENT, SLICE("0123456789012345678901234567890"), 3, &items);
	for (struct item *item = items.first; item; item = item->next)
		spools++;
	assert_in_range(spools, 4, 8);
	assert_true(items.bytes > sizeof(large));
	assert_int_equal(play(&items, &taken), 0);
	assert_int_equal(items.bytes, 0);
	assert_int_equal(taken.n, 1002);
	assert_memory_equal(log_text, "c1:a s2:xxx c3:012 ", 19);
	item_free(close_item(tap));
}

/* The writer fails: nothing more is taken, and nothing leaks. */
static void test_take_fails(void **state)
{
	_Atomic uint64_t opaque;
	struct item_list items;
	struct taken taken = { .fail_at = 2 };
	struct tap *tap = begin(&opaque, &items);

	(void)state;
	for (int i = 0; i < 5; i++)
		tap_see(tap, SIDE_CLIENT, SLICE("ask"), i, &items);
	tap_end(tap, 5, &items);
	assert_int_equal(play(&items, &taken), 7);
	assert_int_equal(taken.n, 2);
	item_free(close_item(tap));
	assert_non_null(strstr(log_text, "free "));
}

/* What was told before is played, what comes after is the caller's; also where recording is over, and where it gave up. */
static void test_given_back(void **state)
{
	_Atomic uint64_t opaque;
	struct item_list items;
	struct taken taken = { 0 };
	struct tap *tap = begin(&opaque, &items);
	struct recorder *recorder;
	struct item *spool;

	(void)state;
	tap_see(tap, SIDE_CLIENT, SLICE("ask"), 1, &items);
	tap_give_back(tap, &items);
	assert_int_equal(play(&items, &taken), 0);
	recorder = tap_taken_back(tap);
	assert_non_null(recorder);
	assert_string_equal(log_text, "c1:ask ");
	item_free(close_item(tap));
	assert_string_equal(log_text, "c1:ask ");
	free(recorder);

	tap = begin(&opaque, &items);
	tap_see(tap, SIDE_CLIENT, SLICE("ask"), 1, &items);
	tap_give_back(tap, &items);
	spool = item_list_take(&items);
	assert_int_equal(tap_play(spool, UINT64_MAX, NULL, NULL), 0);
	item_free(spool);
	recorder = tap_taken_back(tap);
	assert_non_null(recorder);
	assert_string_equal(log_text, "");
	item_free(close_item(tap));
	free(recorder);

	tap = begin(&opaque, &items); /* nobody has to be waited for */
	tap_give_back(tap, &items);
	assert_null(items.first);
	recorder = tap_taken_back(tap);
	assert_non_null(recorder);
	item_free(close_item(tap));
	free(recorder);

	tap = begin(&opaque, &items);
	tap_see(tap, SIDE_CLIENT, SLICE("bad"), 1, &items);
	tap_give_back(tap, &items);
	assert_int_equal(play(&items, &taken), 0);
	assert_null(tap_taken_back(tap));
	item_free(close_item(tap));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_order),   cmocka_unit_test(test_gives_up),
		cmocka_unit_test(test_turns),	   cmocka_unit_test(test_spools),
		cmocka_unit_test(test_take_fails), cmocka_unit_test(test_given_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
