/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PostgreSQL values of types that are not built in, by what is known of them; and what is known. The bytes of vector, halfvec and
 * sparsevec are those of pgvector 0.8.7.
 */
#include "parsers/binding.h"
#include "parsers/postgres/wire.h"
#include "tests/unit/pg_values.h"

#include <errno.h>

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h> /* needs those above */
/* clang-format on */

enum {
	MOOD = 20001,
	MOODS,
	PRICE,
	PAIR,
	HSTORE,
	CITEXT,
	VECTOR,
	HALFVEC,
	SPARSEVEC,
	MOODRANGE,
	MOODMULTIRANGE,
	DEAR,	/* a domain over a domain */
	ROUND,	/* a domain over itself */
	NESTED, /* an array of itself */
	VAGUE,	/* a composite of which no more is known */
	MOMENT,
	MEETING,
	GEOMETRY,
	NOBODY, /* nothing is known */
};

static const uint32_t pair_attributes[] = { 23, 25, MOOD };
static const uint32_t meeting_attributes[] = { MOMENT, 1560 };

static const struct type_entry all[] = {
	{ .id = MOOD, .name = SLICE("mood"), .sort = TYPE_ENUM },
	{ .id = MOODS, .sort = TYPE_ARRAY, .element = MOOD },
	{ .id = PRICE, .sort = TYPE_DOMAIN, .element = 1700 },
	{ .id = PAIR, .sort = TYPE_COMPOSITE, .attributes = pair_attributes, .n_attributes = 3 },
	{ .id = HSTORE, .name = SLICE("hstore") },
	{ .id = CITEXT, .name = SLICE("citext"), .sort = TYPE_BASE },
	{ .id = VECTOR, .name = SLICE("vector"), .sort = TYPE_BASE },
	{ .id = HALFVEC, .name = SLICE("halfvec") },
	{ .id = SPARSEVEC, .name = SLICE("sparsevec") },
	{ .id = MOODRANGE, .sort = TYPE_RANGE, .element = MOOD },
	{ .id = MOODMULTIRANGE, .sort = TYPE_MULTIRANGE, .element = MOOD },
	{ .id = DEAR, .sort = TYPE_DOMAIN, .element = PRICE },
	{ .id = ROUND, .sort = TYPE_DOMAIN, .element = ROUND },
	{ .id = NESTED, .sort = TYPE_ARRAY, .element = NESTED },
	{ .id = VAGUE, .sort = TYPE_COMPOSITE },
	{ .id = MOMENT, .sort = TYPE_DOMAIN, .element = 1184 },
	{ .id = MEETING,
	  .sort = TYPE_COMPOSITE,
	  .attributes = meeting_attributes,
	  .n_attributes = 2 },
	{ .id = GEOMETRY, .name = SLICE("geometry"), .sort = TYPE_BASE },
};

static struct types *known(void)
{
	struct types *types = types_new();
	const struct type_entry *entry;

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		assert_true(types_learn(types, &all[i], &entry));
	return types;
}

static int own_to_text(const struct type_scope *scope, uint32_t type, const char *hex,
		       struct buffer *text)
{
	struct bytes bytes = from_hex(hex);

	buffer_clear(text);
	return pg_value_to_text_in(scope, type, slice_of(bytes.data, bytes.size), text);
}

static void expect_own(const struct type_scope *scope, const struct pair *pair)
{
	struct bytes bytes = from_hex(pair->hex);
	struct buffer result;
	int error;

	buffer_init(&result, RESULT_MAX);
	error = own_to_text(scope, pair->type, pair->hex, &result);
	if (error || !slice_equal(buffer_slice(&result), slice_from_string(pair->text)))
		fail_msg("type %u, hex %s: %d '%.*s', not '%s'", pair->type, pair->hex, error,
			 (int)result.size, (const char *)result.data, pair->text);
	buffer_clear(&result);
	error = pg_value_to_binary_in(scope, pair->type, slice_from_string(pair->text), &result);
	if (error || !slice_equal(buffer_slice(&result), slice_of(bytes.data, bytes.size)))
		fail_msg("type %u, '%s': %d, %zu bytes", pair->type, pair->text, error,
			 result.size);
	/* No part of a value is one; each lies in a block of its own. */
	for (size_t size = 0; size < bytes.size; size++) {
		uint8_t *copy = malloc(size + 1);

		memcpy(copy, bytes.data, size);
		buffer_clear(&result);
		if (!pg_value_to_text_in(scope, pair->type, slice_of(copy, size), &result) &&
		    pair->type != MOOD && pair->type != CITEXT && size)
			fail_msg("type %u, hex %s: %zu bytes converted", pair->type, pair->hex,
				 size);
		free(copy);
	}
	buffer_release(&result);
}

static void test_both_ways(void **state)
{
	static const struct pair good[] = {
		{ MOOD, "6f6b", "ok" },
		{ CITEXT, "4162", "Ab" },
		{ MOODS, "00000001 00000001 00004e21 00000002 00000001 00000002 6f6b ffffffff",
		  "{ok,NULL}" },
		{ PRICE, "0002 0000 0000 0002 000c 0bb8", "12.30" },
		{ DEAR, "0002 0000 0000 0002 000c 0bb8", "12.30" },
		{ PAIR,
		  "00000003 00000017 00000004 00000001 00000019 00000003 612062 00004e21 00000002 "
		  "6f6b",
		  "(1,\"a b\",ok)" },
		{ PAIR, "00000003 00000017 ffffffff 00000019 00000000 00004e21 ffffffff",
		  "(,\"\",)" },
		{ HSTORE, "00000000", "" },
		{ HSTORE, "00000002 00000001 61 00000001 31 00000003 622263 ffffffff",
		  "\"a\"=>\"1\", \"b\\\"c\"=>NULL" },
		{ VECTOR, "0003 0000 3f800000 40200000 afa4ed3f", "[1,2.5,-3e-10]" },
		{ VECTOR, "0004 0000 3dcccccd 80000000 7f7fffff 00000001",
		  "[0.1,-0,3.4028235e+38,1e-45]" },
		{ VECTOR, "0006 0000 47f12065 501502f9 38d1b717 3727c5ac 497423f0 49742400",
		  "[123456.79,1e+10,0.0001,1e-05,999999,1e+06]" },
		{ HALFVEC, "0003 0000 3c00 4100 c200", "[1,2.5,-3]" },
		{ HALFVEC, "0005 0000 2e66 7bff 0001 8000 03ef",
		  "[0.099975586,65504,5.9604645e-08,-0,6.0021877e-05]" },
		{ HALFVEC, "0004 0000 64d2 6800 1419 068e",
		  "[1234,2048,0.0010004044,0.000100016594]" },
		{ SPARSEVEC,
		  "00000005 00000003 00000000 00000000 00000002 00000004 3fc00000 40000000 "
		  "3dcccccd",
		  "{1:1.5,3:2,5:0.1}/5" },
		{ SPARSEVEC, "00000007 00000000 00000000", "{}/7" },
		{ MOODRANGE, "06 00000003 736164 00000002 6f6b", "[sad,ok]" },
		{ MOODRANGE, "01", "empty" },
		{ MOODMULTIRANGE, "00000001 0000000a 12 00000005 612c 62 22 63",
		  "{[\"a,b\"\"c\",)}" },
		{ MEETING, "00000002 00004e30 00000008 0000000000000000 00000618 ffffffff",
		  "(\"2000-01-01 00:00:00+00\",)" },
	};
	struct types *types = known();
	struct type_scope scope = { .types = types, .at = 1 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		expect_own(&scope, &good[i]);
	types_free(types);
}

static void test_refused(void **state)
{
	static const struct pair bad[] = {
		{ MOOD, "6f6b00", NULL }, /* no text has a NUL */
		{ MOODS, "00000001 00000000 00000019 00000001 00000001 00000002 6f6b", NULL },
		{ PAIR, "00000002 00000017 ffffffff 00000019 00000000", NULL }, /* too few */
		{ PAIR, "00000003 00000014 ffffffff 00000019 00000000 00004e21 ffffffff", NULL },
		{ PAIR, "7fffffff", NULL },
		{ HSTORE, "ffffffff", NULL },
		{ HSTORE, "00000001 ffffffff 00000000", NULL },
		{ VECTOR, "0001 0001 3f800000", NULL },
		{ VECTOR, "0000 0000", NULL },
		{ SPARSEVEC, "00000001 00000001 00000000 00000001 3f800000", NULL },
		{ MOODRANGE, "0a 00000002 6f6b", NULL },
		{ ROUND, "00", NULL },
		{ NESTED, "00000001 00000000 00004e2e 00000001 00000001 00000000", NULL },
		{ VAGUE, "00000001 00000017 ffffffff", NULL },
		{ GEOMETRY, "00", NULL },
		{ NOBODY, "00", NULL },
	};
	static const struct pair texts[] = {
		{ HSTORE, NULL, "a=>1" },
		{ HSTORE, NULL, "\"a\"=>\"1\"," },
		{ HSTORE, NULL, "\"a\"=>\"1\\" },
		{ VECTOR, NULL, "[]" },
		{ VECTOR, NULL, "[1,2" },
		{ VECTOR, NULL, "[1,2]x" },
		{ HALFVEC, NULL, "[0.1]" }, /* no half is that */
		{ HALFVEC, NULL, "[65520]" },
		{ SPARSEVEC, NULL, "{0:1}/2" },
		{ SPARSEVEC, NULL, "{1:1}" },
		{ SPARSEVEC, NULL, "{3:1}/2" },
		{ SPARSEVEC, NULL, "{}/0" },
		{ PAIR, NULL, "(1,a)" },
		{ PAIR, NULL, "(1,a,ok,)" },
		{ PAIR, NULL, "1,a,ok" },
		{ PAIR, NULL, "(x,a,ok)" },
		{ VAGUE, NULL, "(1)" },
		{ ROUND, NULL, "1" },
		{ NESTED, NULL, "{1}" },
		{ NOBODY, NULL, "1" },
	};
	struct types *types = known();
	struct type_scope scope = { .types = types, .at = 1 };
	struct buffer result;

	(void)state;
	buffer_init(&result, RESULT_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (!own_to_text(&scope, bad[i].type, bad[i].hex, &result) || result.size)
			fail_msg("type %u, hex %s: converted", bad[i].type, bad[i].hex);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (!pg_value_to_binary_in(&scope, texts[i].type, slice_from_string(texts[i].text),
					   &result) ||
		    result.size)
			fail_msg("type %u, '%s': converted", texts[i].type, texts[i].text);
	buffer_release(&result);
	types_free(types);
}

/* To be shown it is enough what the bytes tell. */
static void test_shown(void **state)
{
	static const char vague[] =
		"00000002 00004e21 00000002 6f6b 000006a4 0000000a 0001 0000 0000 0000 0007";
	struct types *types = known();
	struct type_scope scope = { .types = types, .at = 1, .shown = true };
	struct buffer text;

	(void)state;
	buffer_init(&text, RESULT_MAX);
	assert_int_equal(own_to_text(&scope, VAGUE, vague, &text), 0);
	assert_memory_equal(text.data, "(ok,7)", 6);
	assert_int_equal(own_to_text(&scope, PG_RECORD, vague, &text), 0);
	assert_int_equal(own_to_text(NULL, PG_RECORD, vague, &text), -ENOTSUP);
	/* A digit of 10000: nobody knows what it is. */
	assert_int_equal(own_to_text(&scope, VAGUE,
				     "00000001 000006a4 0000000a 0001 0000 0000 0000 2710", &text),
			 -EINVAL);
	assert_int_equal(
		own_to_text(&scope, MEETING, "00000001 000004a0 00000008 0000000000000000", &text),
		0);
	scope.no_time_zone = true;
	assert_int_equal(
		own_to_text(&scope, MEETING, "00000001 000004a0 00000008 0000000000000000", &text),
		-ENOTSUP);
	assert_int_equal(own_to_text(&scope, MOMENT, "0000000000000000", &text), -ENOTSUP);
	buffer_release(&text);
	types_free(types);
}

static void test_asked_of_types(void **state)
{
	struct types *types = known();
	struct type_scope scope = { .types = types, .at = 1 };

	(void)state;
	assert_int_equal(pg_type_kind_in(&scope, DEAR), SQL_NUMBER);
	assert_int_equal(pg_type_kind_in(&scope, MOMENT), SQL_STRING);
	assert_int_equal(pg_type_kind_in(&scope, NOBODY), SQL_STRING);
	assert_int_equal(pg_type_kind_in(NULL, 1082), SQL_TYPED);
	assert_true(pg_type_same_forms(&scope, MOOD) && pg_type_same_forms(&scope, CITEXT));
	assert_true(pg_type_same_forms(NULL, 114) && !pg_type_same_forms(NULL, 3802));
	assert_false(pg_type_same_forms(&scope, HSTORE) || pg_type_same_forms(&scope, NOBODY));
	assert_true(pg_type_has_time_zone(&scope, MEETING) &&
		    pg_type_has_time_zone(&scope, MOMENT));
	assert_true(pg_type_has_time_zone(&scope, VAGUE) && pg_type_has_time_zone(&scope, NESTED));
	assert_false(pg_type_has_time_zone(&scope, PAIR) || pg_type_has_time_zone(&scope, MOODS));
	assert_int_equal(types_by_name(types, SLICE("mood")), MOOD);
	assert_int_equal(types_by_name(types, SLICE("mood[]")), MOODS);
	assert_int_equal(types_by_name(types, SLICE("moo")), 0);
	types_free(types);
}

/* What contradicts is another version, from the exchange on that told it. */
static void test_versions(void **state)
{
	static const uint32_t two[] = { 23, 25 };
	struct type_entry told = { .id = 20001, .since = 5, .sort = TYPE_COMPOSITE };
	struct types *types = types_new();
	const struct type_entry *entry;

	(void)state;
	assert_null(types_find(types, 20001, 1));
	assert_true(types_learn(types, &told, &entry));
	assert_false(types_learn(types, &told, &entry));
	told.since = 7;
	told.name = SLICE("pair");
	assert_true(types_learn(types, &told, &entry));
	assert_int_equal(entry->since, 5); /* the same, and more of it */
	told.attributes = two;
	told.n_attributes = 1;
	assert_true(types_learn(types, &told, &entry));
	told.since = 9;
	told.n_attributes = 2;
	assert_true(types_learn(types, &told, &entry));
	assert_int_equal(entry->since, 9);
	assert_int_equal(types_find(types, 20001, 1)->n_attributes, 1);
	assert_int_equal(types_find(types, 20001, 8)->n_attributes, 1);
	assert_int_equal(types_find(types, 20001, 9)->n_attributes, 2);
	assert_int_equal(types_find(types, 20001, TYPE_SCOPE_NOW)->n_attributes, 2);
	assert_null(types_find(types, 20000, 9));
	assert_null(types_find(types, 20002, 9));
	/* Two answers in one exchange: nobody knows which holds. */
	told.sort = TYPE_ENUM;
	assert_false(types_learn(types, &told, &entry));
	types_free(types);
}

/* A value that came before its type was known is the same value afterwards. */
static void test_open_parameter(void **state)
{
	struct parameter parameter = { .type = MOOD,
				       .form = PARAMETER_BINARY,
				       .value = SLICE("ok") };
	struct types *types = known();
	struct type_scope scope = { .types = types, .at = 1 };
	struct sql_value value, text;
	struct arena arena;

	(void)state;
	arena_init(&arena);
	assert_int_equal(parameter_value(&postgres_protocol, NULL, &parameter, &arena, &value), 0);
	assert_true(binding_open_type(&value));
	assert_memory_equal(value.type.data, "20001", 5);
	binding_resolve(&postgres_protocol, NULL, &arena, &value);
	assert_true(binding_open_type(&value));
	binding_resolve(&postgres_protocol, &scope, &arena, &value);
	assert_false(binding_open_type(&value));
	parameter.form = PARAMETER_TEXT;
	assert_int_equal(parameter_value(&postgres_protocol, NULL, &parameter, &arena, &text), 0);
	assert_true(slice_equal(value.text, text.text) && value.kind == text.kind && !value.bytes);

	parameter = (struct parameter){ .type = DEAR,
					.form = PARAMETER_BINARY,
					.value = SLICE("\0\2\0\0\0\0\0\2\0\x0c\x0b\xb8") };
	assert_int_equal(parameter_value(&postgres_protocol, NULL, &parameter, &arena, &value), 0);
	binding_resolve(&postgres_protocol, &scope, &arena, &value);
	assert_int_equal(value.kind, SQL_NUMBER);
	assert_true(slice_equal(value.text, SLICE("12.30")) ||
		    slice_equal(value.text, SLICE("12.3")));
	/* Built-in types without a text form keep their name. */
	parameter =
		(struct parameter){ .type = 790, .form = PARAMETER_BINARY, .value = SLICE("x") };
	assert_int_equal(parameter_value(&postgres_protocol, NULL, &parameter, &arena, &value), 0);
	assert_false(binding_open_type(&value));
	arena_release(&arena);
	types_free(types);
}

/* Digits of zero that clients send and servers do not: they are the same value, and bytes that no server would give back. */
static void test_numeric_zeros(void **state)
{
	static const struct {
		const char *hex, *text;
	} values[] = {
		{ "0002 0001 0000 0000 0007 0000", "70000" },
		{ "0003 0001 4000 0002 0000 0007 0000", "-7.00" },
		{ "0002 0000 0000 0001 0000 1388", "0.5" },
		{ "0001 0005 4000 0000 0000", "0" },
		{ "0001 8000 0000 0000 0000", "0" },
		{ "0002 0001 0000 0000 0007 2710", NULL },
	};
	struct type_scope scope = { .shown = true };
	struct buffer text;

	(void)state;
	buffer_init(&text, RESULT_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		bool known = values[i].text;

		buffer_clear(&text);
		assert_int_equal(own_to_text(&scope, PG_NUMERIC, values[i].hex, &text),
				 known ? 0 : -EINVAL);
		if (known)
			assert_true(slice_equal(buffer_slice(&text),
						slice_from_string(values[i].text)));
		assert_int_equal(own_to_text(NULL, PG_NUMERIC, values[i].hex, &text), -EINVAL);
	}
	buffer_release(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_ways),      cmocka_unit_test(test_refused),
		cmocka_unit_test(test_shown),	       cmocka_unit_test(test_numeric_zeros),
		cmocka_unit_test(test_asked_of_types), cmocka_unit_test(test_versions),
		cmocka_unit_test(test_open_parameter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
