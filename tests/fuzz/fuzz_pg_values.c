/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PostgreSQL values: what converts in one direction must come back, as the same bytes.
 *
 * Input: one byte that selects the type, one byte that selects the direction (even: binary to
 * text), the value.
 */
#include "parsers/postgres/values.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * Small, so that what grows most (numeric, arrays of it) is cut off as it would be in the program.
 */
#define RESULT_MAX ((size_t)1 << 20)

static const uint32_t types[] = {
	16,   17,   18,	  19,	20,   21,   22,	  23,	25,   26,   27,	  28,	29,   30,
	114,  142,  199,  271,	600,  601,  602,  603,	604,  628,  629,  650,	651,  700,
	701,  705,  718,  774,	829,  869,  1000, 1001, 1002, 1005, 1006, 1007, 1009, 1014,
	1016, 1017, 1019, 1020, 1021, 1022, 1041, 1042, 1043, 1082, 1083, 1114, 1115, 1182,
	1184, 1185, 1186, 1187, 1231, 1266, 1270, 1560, 1561, 1562, 1700, 2278, 2950, 2951,
	3220, 3802, 3807, 3904, 3905, 3906, 3907, 3908, 3910, 3912, 3926, 4072, 4451, 4532,
	4533, 4534, 4535, 4536, 5069, 6150, 6151, 6155, 24,   790,  3614, 2249, 0,
};

static void must_be_same(struct slice a, struct slice b)
{
	if (!slice_equal(a, b))
		abort();
}

static void binary_comes_back(uint32_t type, struct slice bytes)
{
	struct buffer text, back;

	buffer_init(&text, RESULT_MAX);
	buffer_init(&back, bytes.size);
	if (!pg_value_to_text(type, bytes, &text)) {
		if (pg_value_to_binary(type, buffer_slice(&text), &back))
			abort();
		must_be_same(buffer_slice(&back), bytes);
	} else if (text.size) {
		abort();
	}
	buffer_release(&text);
	buffer_release(&back);
}

static void text_comes_back(uint32_t type, struct slice text)
{
	struct buffer bytes, printed, again;

	buffer_init(&bytes, RESULT_MAX);
	buffer_init(&printed, RESULT_MAX);
	buffer_init(&again, RESULT_MAX);
	if (!pg_value_to_binary(type, text, &bytes)) {
		int error = pg_value_to_text(type, buffer_slice(&bytes), &printed);

		if (error && !printed.overflowed)
			abort();
		if (!error && pg_value_to_binary(type, buffer_slice(&printed), &again))
			abort();
		if (!error)
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
	uint32_t type;

	if (size < 2)
		return 0;
	type = types[data[0] % ARRAY_SIZE(types)];
	if (data[1] % 2)
		text_comes_back(type, slice_of(data + 2, size - 2));
	else
		binary_comes_back(type, slice_of(data + 2, size - 2));
	return 0;
}
