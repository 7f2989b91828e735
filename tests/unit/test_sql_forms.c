/* SPDX-License-Identifier: Apache-2.0 */
/* Forms: a text of a form that was seen before has the canonical form that it has by itself. */
#include "parsers/compiler.h"
#include "parsers/sql/forms.h"
#include "tests/unit/cmocka.h"
#include "tests/unit/sql.h"

/* `first` makes the form, `second` is of it or is not. */
struct form_case {
	const char *first;
	const char *second;
	bool known;
};

static const struct form_case cases[] = {
	{ "select c from t where id=5", "select c from t where id=4711", true },
	{ "select c from t where id = 5", "select c from t where id = 0", true },
	{ "select c from t where id in (1, 22,333)", "select c from t where id in (9, 8,7)", true },
	{ "select c from t limit 5", "select c from t limit 123456789012345678", true },
	{ "insert into t (a, b) values (1, 'x')", "insert into t (a, b) values (22, 'y z')", true },
	{ "update t set a='x', b=1 where c='z'", "update t set a='', b=12 where c='1'", true },
	{ "select a from t where b < 'x' and c > 1", "select a from t where b < '--' and c > 2",
	  true },
	{ "select a from t where b = '/*' and c = 1", "select a from t where b = 'x' and c = 1",
	  true },
	{ "select a from t where b = 'a;b'", "select a from t where b = '\"`?'", true },
	{ "select a from t where b = 'x'", "select a from t where b = '\xc3\xa9'", true },
	{ "select now() - interval 1 day", "select now() - interval 2 day", true },
	{ "select a from t limit 1, 2", "select a from t limit 10, 20", true },
	{ "select 1", "select 2", true },
	{ "select * from t", "select * from t", true },
	{ "COMMIT", "COMMIT", true },
	{ "set autocommit=0", "set autocommit=1", true },
	{ "select a from t where 5 = 6", "select a from t where 7 = 8", true },
	/* other literals than those that are known here */
	{ "select c from t where id=5", "select c from t where id=05", false },
	{ "select c from t where id=5", "select c from t where id=5.5", false },
	{ "select c from t where id=5", "select c from t where id=5e3", false },
	{ "select c from t where id=5", "select c from t where id=0x41", false },
	{ "select c from t where id=5", "select c from t where id=-5", false },
	{ "select c from t where id=5", "select c from t where id='5'", false },
	{ "select c from t where id=5", "select c from t where id=5a", false },
	{ "select c from t where id=5", "select c from t where id=1234567890123456789", false },
	{ "select c from t where id='a'", "select c from t where id='a\\'b'", false },
	{ "select c from t where id='a'", "select c from t where id='a''b'", false },
	{ "select c from t where id='a'", "select c from t where id='a' 'b'", false },
	{ "select c from t where id='a'", "select c from t where id=x'41'", false },
	{ "select c from t where id='a'", "select c from t where id=\"a\"", false },
	{ "select c from t where id='a'", "select c from t where id=b", false },
	{ "select c from t where id=5", "select c from t where id=?", false },
	/* what looks like a literal and is none of its own */
	{ "select 'a' 'b'", "select 'c' 'd'", false },
	{ "select date '2020-01-01'", "select date '2020-1-1'", false },
	{ "select timestamp '2020-01-01 00:00:00'", "select timestamp 'x'", false },
	{ "select {d '2020-01-01'}", "select {d '2021-01-01'}", false },
	{ "select _latin1 'a'", "select _latin1 'b'", false },
	{ "select a - 5", "select a - 6", true },
	{ "select b = - 5", "select b = - 6", false },
	{ "select /*+ MAX_EXECUTION_TIME( 5 ) */ a", "select /*+ MAX_EXECUTION_TIME( 6 ) */ a",
	  false },
	{ "select a -- 5 \n, 6", "select a -- 7 \n, 6", false },
	{ "select a /* 5 */, 6", "select a /* 7 */, 6", false },
	{ "select a /* ' */, 6 /* ' */", "select a /* ' */, 7 /* ' */", false },
	{ "select a, '\\', 5, '\\''", "select a, '\\', 6, '\\''", false },
	{ "select `a 5 `", "select `a 6 `", false },
	{ "select \"a, 5 \"", "select \"a, 6 \"", false },
	{ "select cast(5 as decimal(10,2))", "select cast(6 as decimal(11,2))", true },
	{ "create table t (a varchar(5))", "create table t (a varchar(6))", true },
	{ "set password = 'a'", "set password = 'b'", false },
	{ "create user a identified by 'a'", "create user a identified by 'b'", false },
	{ "select 'abc", "select 'abd", false },
	{ "/* only */", "/* only */", false },
	{ "-- 1 ", "-- 2 ", false },
};

static void expect_same(const struct sql_statement *a, const struct sql_statement *b,
			const char *text)
{
	bool same = slice_equal(a->canonical, b->canonical) && a->n_slots == b->n_slots &&
		    a->verb == b->verb && a->dialect == b->dialect &&
		    a->placeholders == b->placeholders && a->has_secret == b->has_secret;

	for (size_t i = 0; same && i < a->n_slots; i++) {
		const struct sql_slot *left = &a->slots[i], *right = &b->slots[i];
		const struct sql_value *x = &left->literal, *y = &right->literal;

		same = left->placeholder == right->placeholder &&
		       left->compared == right->compared && left->secret == right->secret &&
		       left->cursor == right->cursor && slice_equal(left->cast, right->cast) &&
		       left->at == right->at && left->size == right->size && x->kind == y->kind &&
		       x->null == y->null && x->bytes == y->bytes &&
		       slice_equal(x->text, y->text) && slice_equal(x->type, y->type);
	}
	if (!same)
		fail_msg("<%s> is another statement", text);
}

/* A copy of the text at the end of its memory, so that it is seen when something is read of it later. */
static bool canonicalize(struct sql_forms *forms, const struct sql_options *options,
			 const char *text)
{
	struct sql_statement statement, alone;
	struct arena arena;
	struct slice copy;
	bool known;

	arena_init(&arena);
	copy = arena_copy(&arena, slice_from_string(text));
	known = sql_forms_canonicalize(forms, options, copy, &arena, &statement);
	sql_canonicalize(options, copy, &arena, &alone);
	expect_same(&statement, &alone, text);
	arena_release(&arena);
	return known;
}

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct sql_forms *forms = sql_forms_new();
		bool known;

		assert_false(canonicalize(forms, &sql_test_mysql, cases[i].first));
		assert_false(canonicalize(forms, &sql_test_mysql, cases[i].first));
		known = canonicalize(forms, &sql_test_mysql, cases[i].second);
		if (known != cases[i].known)
			fail_msg("<%s> is %s", cases[i].second, known ? "known" : "not known");
		sql_forms_free(forms);
	}
}

/* Every text behind every other one, in every way that a session may read it, with one memory for all. */
static void test_all_options(void **state)
{
	struct sql_forms *forms = sql_forms_new();
	struct sql_options options;

	(void)state;
	for (int round = 0; round < 3; round++)
		for (size_t n = 0; sql_options_nth(SQL_MYSQL, n, &options); n++)
			for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
				canonicalize(forms, &options, cases[i].first);
				canonicalize(forms, &options, cases[i].second);
				canonicalize(forms, &options, cases[i].first);
				canonicalize(forms, &options, cases[i].second);
			}
	sql_forms_free(forms);
}

/* In these sets a backslash, or a quote, may be half of a character. */
static void test_character_sets(void **state)
{
	static const char *const texts[] = { "select a, '\x95\\', 5 ", "select a, '\x95\\', 6 ",
					     "select a, '\x95'", "select a, '\x95z'" };
	struct sql_options options = sql_test_mysql;

	(void)state;
	for (int charset = SQL_CHARSET_PLAIN; charset <= SQL_CHARSET_SJIS; charset++) {
		struct sql_forms *forms = sql_forms_new();

		options.charset = (uint8_t)charset;
		for (size_t i = 0; i < 4 * ARRAY_SIZE(texts); i++)
			canonicalize(forms, &options, texts[i % ARRAY_SIZE(texts)]);
		sql_forms_free(forms);
	}
}

static void test_limits(void **state)
{
	static const char long_text[] = "select c from t where id=5";
	static const char list[] =
		"select c from t where id in (1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1)";
	struct sql_forms *forms = sql_forms_new();
	struct sql_statement statement;
	char text[4096];
	struct arena arena;

	(void)state;
	/* a list of more literals than are kept */
	for (int i = 0; i < 4; i++)
		assert_false(canonicalize(forms, &sql_test_mysql, list));
	/* a text that is longer */
	memset(text, ' ', sizeof(text));
	memcpy(text + 2048 - (sizeof(long_text) - 1), long_text, sizeof(long_text));
	for (int i = 0; i < 2; i++)
		assert_false(canonicalize(forms, &sql_test_mysql, text));
	assert_true(canonicalize(forms, &sql_test_mysql, text));
	memmove(text + 1, text, 2049);
	for (int i = 0; i < 4; i++)
		assert_false(canonicalize(forms, &sql_test_mysql, text));
	/* the other dialect, no memory, no text */
	for (int i = 0; i < 4; i++)
		assert_false(canonicalize(forms, &sql_test_postgres, "select 1"));
	assert_false(canonicalize(NULL, &sql_test_mysql, "select 1"));
	arena_init(&arena);
	assert_false(sql_forms_canonicalize(forms, &sql_test_mysql, slice_of(NULL, 0), &arena,
					    &statement));
	assert_int_equal(statement.verb, SQL_EMPTY);
	arena_release(&arena);
	sql_forms_free(forms);
	sql_forms_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_all_options),
		cmocka_unit_test(test_character_sets),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
