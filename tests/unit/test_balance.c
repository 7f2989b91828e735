/* SPDX-License-Identifier: Apache-2.0 */
/* Who gets a new connection; when a worker hands connections on, and to whom. */
#include "proxy/balance.h"

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h> /* needs those above */
/* clang-format on */

#define PICK(self, idle, ...)                                                                    \
	balance_pick((const unsigned int[]){ __VA_ARGS__ },                                      \
		     sizeof((const unsigned int[]){ __VA_ARGS__ }) / sizeof(unsigned int), self, \
		     idle)

static void test_keeps_what_it_can_do(void **state)
{
	(void)state;
	assert_int_equal(PICK(0, 300, 84, 0, 0), 3);
	assert_int_equal(PICK(1, 300, 0, 10, 0), 3);
}

static void test_gives_to_the_least_busy(void **state)
{
	(void)state;
	assert_int_equal(PICK(0, 300, 100, 30, 20, 25), 2);
	assert_int_equal(PICK(3, 300, 30, 20, 0, 95), 2);
	assert_int_equal(PICK(1, 50, 40, 85), 0);
}

static void test_no_processor_is_idle(void **state)
{
	(void)state;
	assert_int_equal(PICK(0, 49, 100, 0), 2);
	assert_int_equal(PICK(0, 0, 100, 0), 2);
}

static void test_the_others_have_enough_to_do(void **state)
{
	(void)state;
	assert_int_equal(PICK(0, 300, 100, 41, 95), 3);
	assert_int_equal(PICK(0, 300, 100), 1);
}

static void test_new_connections(void **state)
{
	static const size_t connections[] = { 2, 1, 0, 0 };
	size_t spread[2] = { 0 };
	size_t last = 0;
	static const unsigned int idle[] = { 0, 0, 0, 0 }, busy[] = { 70, 69, 0, 0 };
	static const unsigned int crowded[] = { 99, 99, 99, 99 };

	(void)state;
	/* Recording spreads them, whatever each costs. */
	assert_int_equal(balance_place(connections, idle, 4, 0, false), 2);
	assert_int_equal(balance_place(connections, busy, 2, 0, false), 0);
	assert_int_equal(balance_place(connections, busy, 1, 0, false), 0);
	/* One that ends while the next begins: the same worker has both. */
	assert_int_equal(balance_place((size_t[]){ 0, 1 }, idle, 2, 1, false), 1);
	for (size_t i = 0; i < 16; i++) {
		last = balance_place(spread, idle, 2, last, false);
		spread[last]++;
	}
	assert_int_equal(spread[0], 8);
	/* Replay has them together, until that one has enough. */
	assert_int_equal(balance_place(connections, idle, 4, 3, true), 0);
	assert_int_equal(balance_place(connections, busy, 4, 3, true), 1);
	assert_int_equal(balance_place(connections, crowded, 4, 3, true), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new_connections),
		cmocka_unit_test(test_keeps_what_it_can_do),
		cmocka_unit_test(test_gives_to_the_least_busy),
		cmocka_unit_test(test_no_processor_is_idle),
		cmocka_unit_test(test_the_others_have_enough_to_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
