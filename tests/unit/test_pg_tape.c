/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PostgreSQL recorder over tests/fixtures/postgres: each tape whole, byte by byte and at every cut gives the items that
 * it says. Bytes cut off at the end, and bytes changed, are survived.
 */
#include "parsers/postgres/wire.h"
#include "tests/unit/tape.h"

#include <glob.h>

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h> /* needs those above */
/* clang-format on */

#define TAPES "tests/fixtures/postgres/*.tape"
#define TEXT_MAX ((size_t)16 << 20)
/* Larger tapes are cut at some places only: the time goes with the square of their size. */
#define EVERY_CUT_MAX 4096

static void check_cuts(const struct tape *tape, struct slice whole)
{
	size_t bytes = tape_bytes(tape), step = bytes > EVERY_CUT_MAX ? bytes / 64 : 1;
	struct buffer text;

	buffer_init(&text, TEXT_MAX);
	for (size_t cut = 1; cut < bytes; cut += step) {
		buffer_clear(&text);
		tape_record(tape, &postgres_protocol, cut, &text);
		if (!slice_equal(whole, buffer_slice(&text)))
			fail_msg("%s: another result when cut at byte %zu:\n%.*s", tape->path, cut,
				 (int)text.size, (const char *)text.data);
	}
	buffer_clear(&text);
	tape_record(tape, &postgres_protocol, TAPE_BYTE_BY_BYTE, &text);
	if (bytes <= EVERY_CUT_MAX && !slice_equal(whole, buffer_slice(&text)))
		fail_msg("%s: another result byte by byte:\n%.*s", tape->path, (int)text.size,
			 (const char *)text.data);
	buffer_release(&text);
}

/* One byte of each tape is changed in turn: whatever comes of it, it must be survived. */
static void check_damage(struct tape *tape)
{
	struct buffer text;

	if (tape_bytes(tape) > EVERY_CUT_MAX)
		return;
	buffer_init(&text, TEXT_MAX);
	for (size_t move = 0; move < tape->n_moves; move++) {
		struct buffer *bytes = &tape->moves[move].bytes;

		for (size_t i = 0; i < bytes->size; i++) {
			static const uint8_t masks[] = { 0xff, 0x80, 0x01 };

			for (size_t m = 0; m < sizeof(masks); m++) {
				bytes->data[i] ^= masks[m];
				buffer_clear(&text);
				tape_record(tape, &postgres_protocol, TAPE_WHOLE, &text);
				bytes->data[i] ^= masks[m];
			}
		}
	}
	buffer_release(&text);
}

static void test_tapes(void **state)
{
	glob_t found;

	(void)state;
	assert_int_equal(glob(TAPES, 0, NULL, &found), 0);
	assert_true(found.gl_pathc > 10);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		struct tape tape;
		struct buffer text;

		assert_true(tape_read(&tape, found.gl_pathv[i]));
		buffer_init(&text, TEXT_MAX);
		tape_record(&tape, &postgres_protocol, TAPE_WHOLE, &text);
		assert_true(tape_expect(&tape, buffer_slice(&text)));
		check_cuts(&tape, buffer_slice(&text));
		check_damage(&tape);
		buffer_release(&text);
		tape_release(&tape);
	}
	globfree(&found);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_tapes) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
