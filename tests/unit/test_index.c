/* SPDX-License-Identifier: Apache-2.0 */
/* The index by identity: every key's group, whole and in order, and nothing for a key that is not there. */
#include "parsers/compiler.h"
#include "store/index.h"
#include "tests/unit/cmocka.h"

/* Keys that lie apart, close together, and at both ends; the i-th one is in the index 1 + i % 3 times, but for the first, a large group. */
#define LARGE 700

struct shape {
	size_t n;	  /* keys */
	uint64_t between; /* one and the next */
	uint64_t first;
};

static size_t count_of(size_t i)
{
	return i ? 1 + i % 3 : LARGE;
}

static void expect_groups(const struct shape *shape)
{
	struct index index;
	uint32_t exchange = 0;

	index_init(&index);
	for (size_t again = 0; again < LARGE; again++)
		for (size_t i = 0; i < shape->n; i++)
			if (again < count_of(i))
				assert_true(index_add(&index, shape->first + i * shape->between,
						      exchange++, 0, 0));
	index_sort(&index);
	index_begin(&index);
	for (size_t i = 0; i < shape->n; i++) {
		uint64_t key = shape->first + i * shape->between;
		struct index_group group = index_find(&index, key);

		assert_int_equal(group.n, count_of(i));
		for (size_t j = 1; j < group.n; j++)
			assert_true(index_exchange(&group, j - 1) < index_exchange(&group, j));
		if (shape->between > 1) {
			assert_int_equal(index_find(&index, key + 1).n, 0);
			assert_int_equal(index_find(&index, key - 1).n, 0);
		}
	}
	assert_int_equal(index_unused(&index), exchange);
	index_release(&index);
}

static void test_groups(void **state)
{
	static const struct shape shapes[] = {
		{ 1, 2, 77 },
		{ 30, 2, 1 },
		{ 5000, 0x000d1b71758e2196, 3 },
		{ 5000, 1, UINT64_MAX - 4999 },
		{ 5000, 2, 0x7fffffffffff0001 },
		{ 100000, 0x0000a7c5ac471b47, 1 },
	};
	struct index empty;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++)
		expect_groups(&shapes[i]);
	index_init(&empty);
	assert_int_equal(index_find(&empty, 7).n, 0);
	index_sort(&empty);
	index_begin(&empty);
	assert_int_equal(index_find(&empty, 7).n, 0);
	index_release(&empty);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
