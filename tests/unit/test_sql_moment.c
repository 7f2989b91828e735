/* SPDX-License-Identifier: Apache-2.0 */
/* Moments in the forms of drivers; and what is none. */
#include "parsers/compiler.h"
#include "parsers/sql/moment.h"
#include "tests/unit/cmocka.h"

#define AT "2024-01-02 03:04:05"

static void test_forms(void **state)
{
	static const struct {
		const char *text;
		const char *forms[MOMENT_FORMS];
	} cases[] = {
		{ AT, { AT, AT ".000", AT ".000000", AT } },
		{ AT ".0", { AT, AT ".000", AT ".000000", AT } },
		{ AT ".5", { AT ".500000", AT ".500", AT ".500000", AT ".5" } },
		{ AT ".500000", { AT ".500000", AT ".500", AT ".500000", AT ".5" } },
		{ AT ".05", { AT ".050000", AT ".050", AT ".050000", AT ".05" } },
		{ AT ".12340", { AT ".123400", AT ".123400", AT ".123400", AT ".1234" } },
	};
	struct arena arena;
	struct slice text;

	(void)state;
	arena_init(&arena);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		for (int form = 0; form < MOMENT_FORMS; form++) {
			const char *wanted = cases[i].forms[form];

			assert_true(sql_moment_write(slice_from_string(cases[i].text),
						     (enum moment_form)form, &arena, &text));
			assert_true(slice_equal(text, slice_from_string(wanted)));
		}
	arena_release(&arena);
}

static void test_none(void **state)
{
	static const char *const none[] = {
		"",
		"2024-01-02",
		"03:04:05.5",
		AT ".",
		AT ".1234567",
		AT ".5 ",
		AT ".5Z",
		AT ".-1",
		AT " 5",
		"2024-01-02T03:04:05.5",
		"2024-1-2 3:4:5.5",
		"2024-01-0a 03:04:05",
	};
	struct slice text = SLICE("as it was");
	struct arena arena;

	(void)state;
	arena_init(&arena);
	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		assert_false(sql_moment_write(slice_from_string(none[i]), MOMENT_SHORTEST, &arena,
					      &text));
	assert_true(slice_equal(text, SLICE("as it was")));
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
