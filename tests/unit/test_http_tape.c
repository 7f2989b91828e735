/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP/1 recorder over tests/fixtures/http: each tape whole, byte by byte and at every cut gives the items that
 * it says. Bytes cut off at the end, and bytes changed, are survived.
 */
#include "parsers/http/wire.h"
#include "tests/unit/cmocka.h"
#include "tests/unit/tape.h"

static void test_tapes(void **state)
{
	(void)state;
	assert_true(tapes_hold("tests/fixtures/http/*.tape", &http_protocol, 40));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_tapes) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
