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
	16,    17,    18,    19,    20,	   21,	 22,	23,    25,    26,    27,    28,	   29,
	30,    114,   142,   199,   271,   600,	 601,	602,   603,   604,   628,   629,   650,
	651,   700,   701,   705,   718,   774,	 829,	869,   1000,  1001,  1002,  1005,  1006,
	1007,  1009,  1014,  1016,  1017,  1019, 1020,	1021,  1022,  1041,  1042,  1043,  1082,
	1083,  1114,  1115,  1182,  1184,  1185, 1186,	1187,  1231,  1266,  1270,  1560,  1561,
	1562,  1700,  2278,  2950,  2951,  3220, 3802,	3807,  3904,  3905,  3906,  3907,  3908,
	3910,  3912,  3926,  4072,  4451,  4532, 4533,	4534,  4535,  4536,  5069,  6150,  6151,
	6155,  24,    790,   3614,  2249,  0,	 20001, 20002, 20003, 20004, 20005, 20006, 20007,
	20008, 20009, 20010, 20011, 20012,
};

static const uint32_t attributes[] = { 23, 25, 20001, 20002, 20010 };
static const struct type_entry own[] = {
	{ .id = 20001, .sort = TYPE_ENUM },
	{ .id = 20002, .sort = TYPE_ARRAY, .element = 20001 },
	{ .id = 20003, .sort = TYPE_DOMAIN, .element = 1700 },
	{ .id = 20004, .sort = TYPE_COMPOSITE, .attributes = attributes, .n_attributes = 5 },
	{ .id = 20005, .name = SLICE("hstore") },
	{ .id = 20006, .name = SLICE("vector") },
	{ .id = 20007, .name = SLICE("halfvec") },
	{ .id = 20008, .name = SLICE("sparsevec") },
	{ .id = 20009, .sort = TYPE_ARRAY, .element = 20004 },
	{ .id = 20010, .sort = TYPE_RANGE, .element = 20001 },
	{ .id = 20011, .sort = TYPE_MULTIRANGE, .element = 20004 },
	{ .id = 20012, .sort = TYPE_ARRAY, .element = 20012 },
};

static struct type_scope scope = { .at = 1 };

static void learn(void)
{
	const struct type_entry *entry;
	static struct types *learned;

	if (learned)
		return;
	learned = types_new();
	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		if (!types_learn(learned, &own[i], &entry))
			abort();
	scope.types = learned;
}

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
	if (!pg_value_to_text_in(&scope, type, bytes, &text)) {
		if (pg_value_to_binary_in(&scope, type, buffer_slice(&text), &back))
			abort();
		must_be_same(buffer_slice(&back), bytes);
	} else if (text.size) {
		abort();
	}
	buffer_release(&text);
	buffer_release(&back);
}

/* What is shown need not come back, and is text or an error. */
static void is_shown(uint32_t type, struct slice bytes)
{
	struct type_scope shown = scope;
	struct buffer text;

	shown.shown = true;
	buffer_init(&text, RESULT_MAX);
	if (pg_value_to_text_in(&shown, type, bytes, &text) && text.size)
		abort();
	buffer_release(&text);
}

static void text_comes_back(uint32_t type, struct slice text)
{
	struct buffer bytes, printed, again;

	buffer_init(&bytes, RESULT_MAX);
	buffer_init(&printed, RESULT_MAX);
	buffer_init(&again, RESULT_MAX);
	if (!pg_value_to_binary_in(&scope, type, text, &bytes)) {
		int error = pg_value_to_text_in(&scope, type, buffer_slice(&bytes), &printed);

		if (error && !printed.overflowed)
			abort();
		if (!error && pg_value_to_binary_in(&scope, type, buffer_slice(&printed), &again))
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
	learn();
	type = types[data[0] % ARRAY_SIZE(types)];
	if (data[1] % 2)
		text_comes_back(type, slice_of(data + 2, size - 2));
	else
		binary_comes_back(type, slice_of(data + 2, size - 2));
	is_shown(type, slice_of(data + 2, size - 2));
	return 0;
}
