/* SPDX-License-Identifier: Apache-2.0 */
/* The cache of encoded answers: what was put is found under its own key only, and its memory is bounded. */
#include "parsers/answer_cache.h"
#include "tests/unit/cmocka.h"

static void expect_found(const struct answer_cache *cache, uint64_t exchange, uint64_t form,
			 struct slice expected, bool expected_failed)
{
	struct slice bytes = SLICE("untouched");
	bool failed = !expected_failed;

	assert_true(
		answer_cache_find(cache, (struct answer_key){ exchange, form }, &bytes, &failed));
	assert_true(slice_equal(bytes, expected));
	assert_int_equal(failed, expected_failed);
}

/* What is asked for again is kept. */
static void keep(struct answer_cache *cache, struct answer_key key, struct slice bytes, bool failed)
{
	answer_cache_put(cache, key, bytes, failed);
	answer_cache_put(cache, key, bytes, failed);
}

static bool found(const struct answer_cache *cache, uint64_t exchange, uint64_t form)
{
	struct slice bytes;
	bool failed;

	return answer_cache_find(cache, (struct answer_key){ exchange, form }, &bytes, &failed);
}

static void test_find(void **state)
{
	struct answer_cache *cache = answer_cache_new(ANSWER_CACHE_PLACES);
	char bytes[] = "answer";

	(void)state;
	assert_false(found(cache, 1, 0));
	assert_false(found(cache, 0, 0)); /* what a free place looks like */
	answer_cache_put(cache, (struct answer_key){ 1, 0 }, slice_of(bytes, 6), false);
	assert_false(found(cache, 1, 0)); /* most of a large recording is asked for once */
	keep(cache, (struct answer_key){ 1, 0 }, slice_of(bytes, 6), false);
	bytes[0] = 'x'; /* it is a copy */
	expect_found(cache, 1, 0, SLICE("answer"), false);
	assert_false(found(cache, 1, 1));
	assert_false(found(cache, 2, 0));
	keep(cache, (struct answer_key){ 1, 1 }, SLICE("error"), true);
	expect_found(cache, 1, 1, SLICE("error"), true);
	expect_found(cache, 1, 0, SLICE("answer"), false);
	keep(cache, (struct answer_key){ 1, 0 }, SLICE("another, longer answer"), false);
	expect_found(cache, 1, 0, SLICE("another, longer answer"), false);
	keep(cache, (struct answer_key){ 1, 0 }, SLICE("short"), false);
	expect_found(cache, 1, 0, SLICE("short"), false);
	answer_cache_free(cache);
}

static void test_limits(void **state)
{
	static const uint8_t large[ANSWER_CACHED_BYTES + 1] = { 1, 2, 3 };
	struct answer_cache *cache = answer_cache_new(ANSWER_CACHE_PLACES);

	(void)state;
	keep(cache, (struct answer_key){ 1, 0 }, slice_of(large, sizeof(large)), false);
	assert_false(found(cache, 1, 0));
	keep(cache, (struct answer_key){ 1, 0 }, slice_of(large, ANSWER_CACHED_BYTES), false);
	expect_found(cache, 1, 0, slice_of(large, ANSWER_CACHED_BYTES), false);
	keep(cache, (struct answer_key){ 2, 0 }, slice_of(large, 0), false);
	assert_false(found(cache, 2, 0));
	keep(cache, (struct answer_key){ 0, 0 }, SLICE("nobody's"), false);
	assert_false(found(cache, 0, 0));
	keep(NULL, (struct answer_key){ 1, 0 }, SLICE("x"), false);
	assert_false(found(NULL, 1, 0));
	answer_cache_free(cache);
	answer_cache_free(NULL);
}

/* Many more answers than places: each is found or not, never another's. */
static void test_many(void **state)
{
	struct answer_cache *cache = answer_cache_new(ANSWER_CACHE_PLACES);
	size_t n_found = 0;

	(void)state;
	for (uint64_t i = 1; i <= 50000; i++)
		keep(cache, (struct answer_key){ i, i % 3 }, slice_of(&i, sizeof(i)), i % 2);
	for (uint64_t i = 1; i <= 50000; i++) {
		if (!found(cache, i, i % 3))
			continue;
		expect_found(cache, i, i % 3, slice_of(&i, sizeof(i)), i % 2);
		n_found++;
	}
	assert_true(n_found > 10000 && n_found <= 16384);
	/* Forms of one exchange share places with each other too. */
	for (uint64_t form = 0; form < 20000; form++)
		keep(cache, (struct answer_key){ 1, form }, slice_of(&form, sizeof(form)), false);
	for (uint64_t form = 0; form < 20000; form++)
		if (found(cache, 1, form))
			expect_found(cache, 1, form, slice_of(&form, sizeof(form)), false);
	answer_cache_free(cache);
}

/* Places for as many large answers as there are would hold 32 MB: what is kept stays below 8. */
static void test_memory(void **state)
{
	static const uint8_t large[ANSWER_CACHED_BYTES] = { 1, 2, 3 };
	struct answer_cache *cache = answer_cache_new(ANSWER_CACHE_PLACES);
	size_t n_found = 0;

	(void)state;
	for (uint64_t i = 1; i <= 16384; i++)
		keep(cache, (struct answer_key){ i, 0 }, slice_of(large, sizeof(large)), false);
	for (uint64_t i = 1; i <= 16384; i++)
		n_found += found(cache, i, 0);
	assert_true(n_found && n_found <= (8 << 20) / sizeof(large));
	assert_true(found(cache, 16384, 0));
	answer_cache_free(cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
