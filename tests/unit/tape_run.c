/* SPDX-License-Identifier: Apache-2.0 */
/* All tapes of a folder; see tape.h. Bytes cut off at the end, and bytes changed, are survived. */
#include "tests/unit/tape.h"

#include <glob.h>
#include <stdio.h>

#define TEXT_MAX ((size_t)16 << 20)
/* Larger tapes are cut at some places only: the time goes with the square of their size. */
#define EVERY_CUT_MAX 4096
/* And of these not every byte is changed. */
#define EVERY_CHANGE_MAX 768

static bool differs(const struct tape *tape, size_t cut, const struct buffer *text)
{
	fprintf(stderr, "%s: another result when cut at byte %zu (0: byte by byte):\n%.*s",
		tape->path, cut, (int)text->size, (const char *)text->data);
	return false;
}

static bool check_cuts(const struct tape *tape, const struct protocol *protocol, struct slice whole)
{
	size_t bytes = tape_bytes(tape), step = bytes > EVERY_CUT_MAX ? bytes / 64 : 1;
	struct buffer text;
	bool ok = true;

	buffer_init(&text, TEXT_MAX);
	for (size_t cut = 1; ok && cut < bytes; cut += step) {
		buffer_clear(&text);
		tape_record(tape, protocol, cut, &text);
		if (!slice_equal(whole, buffer_slice(&text)))
			ok = differs(tape, cut, &text);
	}
	buffer_clear(&text);
	tape_record(tape, protocol, TAPE_BYTE_BY_BYTE, &text);
	if (bytes <= EVERY_CUT_MAX && !slice_equal(whole, buffer_slice(&text)))
		ok = differs(tape, 0, &text);
	buffer_release(&text);
	return ok;
}

/* One byte of each tape is changed in turn: whatever comes of it, it must be survived. */
static void check_damage(struct tape *tape, const struct protocol *protocol)
{
	size_t bytes_of_all = tape_bytes(tape);
	size_t step = bytes_of_all > EVERY_CHANGE_MAX ? 1 + bytes_of_all / 256 : 1;
	struct buffer text;

	if (bytes_of_all > EVERY_CUT_MAX)
		return;
	buffer_init(&text, TEXT_MAX);
	for (size_t move = 0; move < tape->n_moves; move++) {
		struct buffer *bytes = &tape->moves[move].bytes;

		for (size_t i = 0; i < bytes->size; i += step) {
			static const uint8_t masks[] = { 0xff, 0x80, 0x01 };

			for (size_t m = 0; m < sizeof(masks); m++) {
				bytes->data[i] ^= masks[m];
				buffer_clear(&text);
				tape_record(tape, protocol, TAPE_WHOLE, &text);
				bytes->data[i] ^= masks[m];
			}
		}
	}
	buffer_release(&text);
}

static bool tape_holds(const char *path, const struct protocol *protocol)
{
	static struct tape tape; /* large */
	struct buffer text;
	bool ok;

	if (!tape_read(&tape, path))
		return false;
	buffer_init(&text, TEXT_MAX);
	tape_record(&tape, protocol, TAPE_WHOLE, &text);
	ok = tape_expect(&tape, buffer_slice(&text)) &&
	     check_cuts(&tape, protocol, buffer_slice(&text));
	check_damage(&tape, protocol);
	buffer_release(&text);
	tape_release(&tape);
	return ok;
}

bool tapes_hold(const char *pattern, const struct protocol *protocol, size_t least)
{
	glob_t found;
	bool ok = true;

	if (glob(pattern, 0, NULL, &found))
		return false;
	for (size_t i = 0; i < found.gl_pathc; i++)
		ok = tape_holds(found.gl_pathv[i], protocol) && ok;
	if (found.gl_pathc < least)
		fprintf(stderr, "%s: only %zu tapes\n", pattern, found.gl_pathc);
	ok = ok && found.gl_pathc >= least;
	globfree(&found);
	return ok;
}
