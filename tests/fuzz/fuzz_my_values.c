/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz: MySQL values. What converts in one direction must come back as the same bytes, and what a column makes of a binary
 * value must be read back from that column where it can be.
 *
 * Input: a byte that selects the type, one that selects what is done, flags, decimals, length, the value.
 */
#include "parsers/mysql/values.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RESULT_MAX ((size_t)1 << 20)

static void must_be_same(struct slice a, struct slice b)
{
	if (!slice_equal(a, b))
		abort();
}

static void binary_comes_back(const struct column *column, struct slice bytes)
{
	struct column text_column = *column;
	struct buffer text, back, shown;

	buffer_init(&text, RESULT_MAX);
	buffer_init(&back, bytes.size);
	buffer_init(&shown, RESULT_MAX);
	text_column.form = PARAMETER_TEXT;
	if (!my_value_to_text(column->type_id, bytes, &text)) {
		if (my_value_encode(column, PARAMETER_BINARY, buffer_slice(&text), &back))
			abort();
		must_be_same(buffer_slice(&back), bytes);
		buffer_clear(&back);
		if (!my_value_encode(column, PARAMETER_TEXT, buffer_slice(&text), &shown) &&
		    !my_value_encode(&text_column, PARAMETER_BINARY, buffer_slice(&shown), &back))
			must_be_same(buffer_slice(&back), bytes);
	} else if (text.size) {
		abort();
	}
	buffer_release(&text);
	buffer_release(&back);
	buffer_release(&shown);
}

static void text_comes_back(uint32_t type, struct slice text)
{
	struct buffer bytes, printed, again;

	buffer_init(&bytes, RESULT_MAX);
	buffer_init(&printed, RESULT_MAX);
	buffer_init(&again, RESULT_MAX);
	if (!my_value_to_binary(type, text, &bytes)) {
		if (my_value_to_text(type, buffer_slice(&bytes), &printed) ||
		    my_value_to_binary(type, buffer_slice(&printed), &again))
			abort();
		must_be_same(buffer_slice(&again), buffer_slice(&bytes));
	} else if (bytes.size) {
		abort();
	}
	buffer_release(&bytes);
	buffer_release(&printed);
	buffer_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct column column = { .form = PARAMETER_BINARY };
	struct slice value;

	if (size < 5)
		return 0;
	value = slice_of(data + 5, size - 5);
	column.type_id = data[0] | (data[2] & MY_COLUMN_UNSIGNED ? MY_TYPE_UNSIGNED : 0);
	column.flags = data[2];
	column.decimals = data[3];
	column.length = (int64_t)data[4] * 2;
	if (data[1] % 2)
		text_comes_back(column.type_id, value);
	else
		binary_comes_back(&column, value);
	return 0;
}
