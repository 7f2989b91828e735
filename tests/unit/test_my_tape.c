/* SPDX-License-Identifier: Apache-2.0 */
/* The MySQL recorder over tests/fixtures/mysql: each tape whole, byte by byte and at every cut (tape.h). */
#include "parsers/mysql/wire.h"
#include "tests/unit/cmocka.h"
#include "tests/unit/tape.h"

static void test_tapes(void **state)
{
	(void)state;
	assert_true(tapes_hold("tests/fixtures/mysql/*.tape", &mysql_protocol, 30));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_tapes) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
