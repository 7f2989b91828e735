/* SPDX-License-Identifier: Apache-2.0 */
/* Rows with parts: in which order their bytes come, and what a recording that does not hold the parts gives. */
#include "parsers/large_row.h"
#include "tests/unit/cmocka.h"

#include <errno.h>

/* Part N is N times the letter a, in pieces of 4 bytes; in a damaged recording pieces from `ends` on are missing, or too long. */
struct fake {
	uint32_t ends;
	bool too_long;
};

static int fake_part(void *context, uint64_t exchange, uint64_t part, uint32_t sequence,
		     struct slice *ret_bytes)
{
	const struct fake *fake = context;
	uint64_t from = (uint64_t)sequence * 4;

	assert_int_equal(exchange, 7);
	if (sequence >= fake->ends || from >= part)
		return 0;
	*ret_bytes = slice_of("aaaaaaaaaa", part - from < 4 ? (size_t)(part - from) : 4);
	ret_bytes->size += fake->too_long;
	return 1;
}

static void add(struct large_row *row, uint64_t part)
{
	const struct answer_value value = { .kind = ANSWER_PART_TEXT, .part = part, .size = part };

	large_row_add_part(row, &value);
}

/* What comes, up to the end or an error. */
static int send(struct large_row *row, struct fake *fake, struct buffer *out)
{
	const struct answers answers = { .context = fake, .part = fake_part };
	struct slice bytes;
	int found;

	while ((found = large_row_next(row, &answers, 7, &bytes)) == 1) {
		assert_true(bytes.size);
		buffer_append_slice(out, bytes);
	}
	return found;
}

static void fill(struct large_row *row)
{
	large_row_clear(row);
	buffer_append_string(&row->bytes, "<");
	add(row, 9);
	buffer_append_string(&row->bytes, "|");
	add(row, 0);
	add(row, 3);
	buffer_append_string(&row->bytes, ">");
}

static void test_order(void **state)
{
	struct fake fake = { .ends = UINT32_MAX };
	struct large_row row;
	struct buffer out;
	uint64_t size;

	(void)state;
	large_row_init(&row);
	buffer_init(&out, 1000);
	for (int again = 0; again < 2; again++) {
		fill(&row);
		assert_true(large_row_begin(&row, 15, &size));
		assert_int_equal(size, 15);
		assert_true(row.on);
		buffer_clear(&out);
		assert_int_equal(send(&row, &fake, &out), 0);
		assert_false(row.on);
		assert_true(slice_equal(buffer_slice(&out), SLICE("<aaaaaaaaa|aaa>")));
	}
	buffer_release(&out);
	large_row_release(&row);
}

static void test_part_at_the_end(void **state)
{
	struct fake fake = { .ends = UINT32_MAX };
	struct large_row row;
	struct buffer out;
	uint64_t size;

	(void)state;
	large_row_init(&row);
	buffer_init(&out, 1000);
	add(&row, 5);
	assert_true(large_row_begin(&row, UINT64_MAX, &size));
	assert_int_equal(send(&row, &fake, &out), 0);
	assert_true(slice_equal(buffer_slice(&out), SLICE("aaaaa")));
	buffer_release(&out);
	large_row_release(&row);
}

static void test_damaged(void **state)
{
	struct fake fakes[] = { { .ends = 1 }, { .ends = UINT32_MAX, .too_long = true } };
	struct large_row row;
	struct buffer out;
	uint64_t size;

	(void)state;
	large_row_init(&row);
	buffer_init(&out, 1000);
	for (size_t i = 0; i < ARRAY_SIZE(fakes); i++) {
		fill(&row);
		assert_true(large_row_begin(&row, UINT64_MAX, &size));
		assert_int_equal(send(&row, &fakes[i], &out), -EINVAL);
	}
	buffer_release(&out);
	large_row_release(&row);
}

static void test_too_large(void **state)
{
	struct large_row row;
	uint64_t size;

	(void)state;
	large_row_init(&row);
	fill(&row);
	assert_false(large_row_begin(&row, 14, &size));
	assert_false(row.on);
	add(&row, UINT64_MAX - 14); /* the sum would wrap */
	assert_false(large_row_begin(&row, UINT64_MAX, &size));
	large_row_release(&row);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_part_at_the_end),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
