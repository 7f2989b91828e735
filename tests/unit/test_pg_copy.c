/* SPDX-License-Identifier: Apache-2.0 */
/* COPY data taken apart into rows (parsers/postgres/copy.h) and its digest: whole, byte by byte and at every cut the same. */
#include "parsers/postgres/copy.h"
#include "tests/unit/cmocka.h"

#define TEXT_MAX ((size_t)64 << 20)

/* What came of some data: its rows, each in brackets, parts in braces, raw bytes in angles; and its digest. */
struct seen {
	struct buffer text;
	size_t rows;
	uint8_t digest[COPY_DIGEST_BYTES];
};

static void see_row(struct seen *seen, enum pg_copy_event event, const struct pg_copy_row *row,
		    struct copy_digest *digest)
{
	/* Raw bytes come as they were cut: only what they are together counts. */
	if (event == PG_COPY_ROW)
		buffer_append_u8(&seen->text, '[');
	else if (event == PG_COPY_PART && row->begins)
		buffer_append_u8(&seen->text, '{');
	else if (event == PG_COPY_RAW && (!seen->text.size || seen->rows != SIZE_MAX)) {
		buffer_append_u8(&seen->text, '<');
		seen->rows = SIZE_MAX;
	}
	buffer_append_slice(&seen->text, row->bytes);
	if (event == PG_COPY_ROW)
		buffer_append_u8(&seen->text, ']');
	else if (event == PG_COPY_PART && row->ends)
		buffer_append_u8(&seen->text, '}');
	if (event == PG_COPY_ROW)
		seen->rows++;
	copy_digest_add(digest, row->bytes);
}

static void feed(struct pg_copy_reader *reader, struct slice bytes, struct seen *seen,
		 struct copy_digest *digest)
{
	uint8_t *copy = malloc(bytes.size + 1); /* nothing may borrow from it */
	struct slice left = slice_of(copy, bytes.size);
	enum pg_copy_event event;
	struct pg_copy_row row;

	assert_non_null(copy);
	if (bytes.size)
		memcpy(copy, bytes.data, bytes.size);
	while ((event = pg_copy_next(reader, &left, &row)) != PG_COPY_MORE)
		see_row(seen, event, &row, digest);
	assert_int_equal(left.size, 0);
	memset(copy, 0xdb, bytes.size);
	free(copy);
}

/* The data in two messages, or in many of `step` bytes when that is not 0. */
static void take_apart(bool binary, struct slice data, size_t cut, size_t step, struct seen *seen)
{
	struct copy_digest *digest = copy_digest_new(binary);
	struct pg_copy_reader reader;
	enum pg_copy_event event;
	struct pg_copy_row row;

	*seen = (struct seen){ 0 };
	buffer_init(&seen->text, TEXT_MAX);
	pg_copy_reader_init(&reader, binary);
	while (step && data.size) {
		size_t size = step < data.size ? step : data.size;

		feed(&reader, slice_of(data.data, size), seen, digest);
		data = slice_of(data.data + size, data.size - size);
	}
	if (!step) {
		feed(&reader, slice_of(data.data, cut), seen, digest);
		feed(&reader, slice_of(data.data + cut, data.size - cut), seen, digest);
	}
	while ((event = pg_copy_last(&reader, &row)) != PG_COPY_MORE)
		see_row(seen, event, &row, digest);
	copy_digest_get(digest, seen->digest);
	copy_digest_free(digest);
	pg_copy_reader_release(&reader);
}

static void expect_same(const struct seen *whole, struct seen *seen)
{
	assert_true(slice_equal(buffer_slice(&whole->text), buffer_slice(&seen->text)));
	assert_memory_equal(whole->digest, seen->digest, COPY_DIGEST_BYTES);
	buffer_release(&seen->text);
}

/* At all cuts (of long data at some), in bytes and in other steps. Gives what came of it; the text is to be released. */
static struct seen take_all_ways(bool binary, struct slice data)
{
	static const size_t steps[] = { 1, 2, 7, 4096, 65537 };
	size_t every = data.size > 2000 ? data.size / 31 : 1;
	struct seen whole, seen;

	take_apart(binary, data, 0, 0, &whole);
	for (size_t cut = 0; cut <= data.size; cut += every) {
		take_apart(binary, data, cut, 0, &seen);
		expect_same(&whole, &seen);
	}
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		take_apart(binary, data, 0, steps[i], &seen);
		expect_same(&whole, &seen);
	}
	return whole;
}

static void expect_rows(bool binary, struct slice data, const char *expected)
{
	struct seen seen = take_all_ways(binary, data);

	if (!slice_equal(buffer_slice(&seen.text), slice_from_string(expected)))
		fail_msg("expected %s but got %.*s", expected, (int)seen.text.size,
			 (const char *)seen.text.data);
	buffer_release(&seen.text);
}

static bool same_digest(bool binary, struct slice a, struct slice b)
{
	struct seen left, right;

	take_apart(binary, a, 0, 0, &left);
	take_apart(binary, b, 0, 0, &right);
	buffer_release(&left.text);
	buffer_release(&right.text);
	return memcmp(left.digest, right.digest, COPY_DIGEST_BYTES) == 0;
}

static void test_text(void **state)
{
	(void)state;
	expect_rows(false, SLICE(""), "");
	expect_rows(false, SLICE("1\tone\n2\ttwo\n"), "[1\tone\n][2\ttwo\n]");
	expect_rows(false, SLICE("1\n\n2"), "[1\n][\n][2]");
	expect_rows(false, SLICE("1\r\n2\r\n"), "[1\r\n][2\r\n]");
	/* The end marker, where it is the end. */
	expect_rows(false, SLICE("1\n\\.\n"), "[1\n]");
	expect_rows(false, SLICE("1\n\\.\r\n"), "[1\n]");
	expect_rows(false, SLICE("1\n\\."), "[1\n]");
	expect_rows(false, SLICE("\\.\n\\.\n"), "[\\.\n]");
	expect_rows(false, SLICE("\\.\n2\n"), "[\\.\n][2\n]");
	expect_rows(false, SLICE("\\.x\n\\N\n"), "[\\.x\n][\\N\n]");
}

static void test_text_digest(void **state)
{
	(void)state;
	assert_true(same_digest(false, SLICE("1\n2\n"), SLICE("1\n2")));
	assert_true(same_digest(false, SLICE("1\n2\n"), SLICE("1\n2\n\\.\n")));
	assert_true(same_digest(false, SLICE(""), SLICE("\\.\n")));
	assert_false(same_digest(false, SLICE("1\n2\n"), SLICE("1\n3\n")));
	assert_false(same_digest(false, SLICE("1\n2\n"), SLICE("2\n1\n")));
	assert_false(same_digest(false, SLICE("1\n2\n"), SLICE("1\n")));
	assert_false(same_digest(false, SLICE("1\n2\n"), SLICE("12\n")));
	assert_false(same_digest(false, SLICE("1\n"), SLICE("1\n\n")));
	assert_false(same_digest(false, SLICE(""), SLICE("\n")));
}

/* Lines that are longer than a piece: cut between characters. */
static void test_long_lines(void **state)
{
	static const size_t sizes[] = {
		PG_COPY_LINE_MAX - 1, PG_COPY_LINE_MAX,		PG_COPY_LINE_MAX + 1,
		PG_COPY_LINE_MAX + 2, 2 * PG_COPY_LINE_MAX + 3, 3 * PG_COPY_LINE_MAX,
	};
	struct buffer data;
	struct seen seen;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		buffer_init(&data, TEXT_MAX);
		while (data.size <
		       sizes[i]) /* three bytes each, so that they do not fall on the cut */
			buffer_append_string(&data, "\xe2\x82\xac");
		buffer_append_string(&data, "\nnext\n");
		seen = take_all_ways(false, buffer_slice(&data));
		assert_int_equal(seen.rows, 2 + (data.size - 6) / PG_COPY_LINE_MAX);
		for (size_t at = 0; at + 1 < seen.text.size; at++)
			if (seen.text.data[at] == '[')
				assert_int_not_equal(seen.text.data[at + 1] & 0xc0, 0x80);
		buffer_release(&seen.text);
		buffer_release(&data);
	}
}

/* Without a character that could be cut there: a piece is just that large. */
static void test_long_bytes(void **state)
{
	struct buffer data;
	struct seen seen;

	(void)state;
	buffer_init(&data, TEXT_MAX);
	for (size_t i = 0; i < 2 * PG_COPY_LINE_MAX; i++)
		buffer_append_u8(&data, 0x80);
	buffer_append_string(&data, "\n\n\\.\n");
	seen = take_all_ways(false, buffer_slice(&data));
	assert_int_equal(seen.rows, 4);
	buffer_release(&seen.text);
	buffer_release(&data);
}

#define HEADER "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0"
#define ONE "\0\1\0\0\0\1x"
#define TWO "\0\2\377\377\377\377\0\0\0\2yz"
#define TRAILER "\377\377"

static void test_binary(void **state)
{
	struct seen seen;

	(void)state;
	seen = take_all_ways(true, SLICE(HEADER ONE TWO "\0\0" TRAILER));
	assert_int_equal(seen.rows, 3);
	assert_int_equal(seen.text.size, 6 + sizeof(ONE) + sizeof(TWO));
	buffer_release(&seen.text);
	expect_rows(true, SLICE(HEADER TRAILER), "");
	expect_rows(true, SLICE(HEADER), "");
	assert_true(same_digest(true, SLICE(HEADER ONE TRAILER), SLICE(HEADER ONE)));
	assert_false(same_digest(true, SLICE(HEADER ONE TRAILER), SLICE(HEADER ONE ONE TRAILER)));
	assert_false(same_digest(true, SLICE(HEADER ONE TRAILER), SLICE(HEADER TWO TRAILER)));
	/* What the server refuses counts, since its words depend on it. */
	assert_false(same_digest(true, SLICE(HEADER ONE TRAILER), SLICE(HEADER ONE TRAILER "x")));
	assert_false(same_digest(true, SLICE(HEADER ONE), SLICE(HEADER ONE "\0")));
}

static void test_no_binary(void **state)
{
	struct seen seen;

	(void)state;
	expect_rows(true, SLICE("1\tone\n"), "<1\tone\n");
	expect_rows(true, SLICE("PGCOPY\n\377\r\nx"), "<PGCOPY\n\377\r\nx");
	seen = take_all_ways(true, SLICE(HEADER ONE "\0\1\377\377\377\376more")); /* length -2 */
	assert_int_equal(seen.rows, SIZE_MAX);
	assert_int_equal(seen.text.data[0], '[');
	buffer_release(&seen.text);
	seen = take_all_ways(true, SLICE(HEADER "\200\0more")); /* 32768 fields */
	assert_int_equal(seen.text.data[0], '<');
	buffer_release(&seen.text);
	seen = take_all_ways(true, SLICE(HEADER ONE "\0\1\0\0\0\1")); /* cut off */
	assert_int_equal(seen.text.data[0], '[');
	buffer_release(&seen.text);
}

/* Tuples around the size from which they come in parts. */
static void test_large_tuples(void **state)
{
	struct buffer data;
	struct seen seen;

	(void)state;
	for (size_t size = PG_ROW_MAX - 1; size <= PG_ROW_MAX + 1; size++) {
		buffer_init(&data, TEXT_MAX);
		buffer_append_slice(&data, SLICE(HEADER ONE));
		buffer_append_u16be(&data, 2);
		buffer_append_u32be(&data, (uint32_t)size - 10);
		for (size_t i = 0; i < size - 10; i++)
			buffer_append_u8(&data, (uint8_t)('a' + i % 26));
		buffer_append_u32be(&data, UINT32_MAX);
		buffer_append_slice(&data, SLICE(TWO TRAILER));
		seen = take_all_ways(true, buffer_slice(&data));
		assert_int_equal(seen.rows, size <= PG_ROW_MAX ? 3 : 2);
		assert_int_equal(seen.text.data[sizeof(ONE) + 1], size <= PG_ROW_MAX ? '[' : '{');
		buffer_release(&seen.text);
		/* And one that breaks in it. */
		data.data[data.size - 18] = 0x80; /* the length that says null */
		seen = take_all_ways(true, buffer_slice(&data));
		assert_true(memchr(seen.text.data, '<', seen.text.size) != NULL);
		buffer_release(&seen.text);
		buffer_release(&data);
	}
}

static void test_form(void **state)
{
	struct copy_form form;
	bool plain;

	(void)state;
	assert_true(pg_copy_form_read(SLICE("\0\0\2\0\0\0\0"), &form, &plain));
	assert_true(plain && !form.binary && form.columns == 2);
	assert_true(pg_copy_form_read(SLICE("\1\0\1\0\1"), &form, &plain));
	assert_true(plain && form.binary && form.columns == 1);
	assert_true(pg_copy_form_read(SLICE("\1\0\1\0\0"), &form, &plain));
	assert_false(plain);
	assert_true(pg_copy_form_read(SLICE("\0\0\0"), &form, &plain));
	assert_false(pg_copy_form_read(SLICE("\2\0\0"), &form, &plain));
	assert_false(pg_copy_form_read(SLICE("\0\0\1"), &form, &plain));
	assert_false(pg_copy_form_read(SLICE("\0\0\0\0"), &form, &plain));
	assert_false(pg_copy_form_read(SLICE(""), &form, &plain));
	assert_true(pg_copy_is_tuple(SLICE(TWO)) && pg_copy_is_tuple(SLICE("\0\0")));
	assert_false(pg_copy_is_tuple(SLICE(TWO "x")) || pg_copy_is_tuple(SLICE("")));
	assert_false(pg_copy_is_tuple(SLICE(TRAILER)) || pg_copy_is_tuple(SLICE("\0\1\0\0\0\2x")));
}

static void test_identity(void **state)
{
	struct copy_identity a = { .end = COPY_DONE }, b = { .end = COPY_FAILED };

	(void)state;
	copy_digest_failed(SLICE("why"), a.digest);
	copy_digest_failed(SLICE("why"), b.digest);
	assert_memory_equal(a.digest, b.digest, COPY_DIGEST_BYTES);
	assert_true(copy_hash(1, &a) != copy_hash(1, &b));
	assert_true(copy_hash(1, &a) != copy_hash(2, &a));
	for (int end = COPY_DONE; end <= COPY_REFUSED; end++)
		assert_int_equal(copy_end_by_name(copy_end_name((enum copy_end)end)), end);
	assert_int_equal(copy_end_by_name(SLICE("")), COPY_UNFINISHED);
	assert_null(copy_end_name(COPY_UNFINISHED).data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),	     cmocka_unit_test(test_text_digest),
		cmocka_unit_test(test_long_lines),   cmocka_unit_test(test_long_bytes),
		cmocka_unit_test(test_binary),	     cmocka_unit_test(test_no_binary),
		cmocka_unit_test(test_large_tuples), cmocka_unit_test(test_form),
		cmocka_unit_test(test_identity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
