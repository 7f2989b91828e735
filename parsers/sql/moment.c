/* SPDX-License-Identifier: Apache-2.0 */
/* Moments with other digits of the fraction; see moment.h. */
#include "parsers/sql/moment.h"

#include <string.h>

#define WHOLE_SIZE ((size_t)19) /* "2024-01-02 03:04:05" */
#define DIGITS_MAX ((size_t)6)

static bool is_moment(struct slice text)
{
	static const char shape[] = "9999-99-99 99:99:99.";

	if (text.size < WHOLE_SIZE || text.size == WHOLE_SIZE + 1 ||
	    text.size > WHOLE_SIZE + 1 + DIGITS_MAX)
		return false;
	for (size_t i = 0; i < text.size; i++) {
		bool digit = text.data[i] >= '0' && text.data[i] <= '9';

		if (i > WHOLE_SIZE || shape[i] == '9' ? !digit : text.data[i] != (uint8_t)shape[i])
			return false;
	}
	return true;
}

/* How many digits the form has of a fraction whose last digit that is not zero is the n-th. */
static size_t digits_of(enum moment_form form, size_t n)
{
	switch (form) {
	case MOMENT_BINARY:
		return n ? DIGITS_MAX : 0;
	case MOMENT_MILLISECONDS:
		return n > 3 ? DIGITS_MAX : 3;
	case MOMENT_MICROSECONDS:
		return DIGITS_MAX;
	default:
		return n;
	}
}

bool sql_moment_write(struct slice text, enum moment_form form, struct arena *arena,
		      struct slice *ret_text)
{
	uint8_t out[WHOLE_SIZE + 1 + DIGITS_MAX];
	size_t digits = 0;

	if (!is_moment(text))
		return false;
	memset(out, '0', sizeof(out));
	memcpy(out, text.data, text.size);
	out[WHOLE_SIZE] = '.';
	for (size_t i = WHOLE_SIZE + 1; i < sizeof(out); i++)
		if (out[i] != '0')
			digits = i - WHOLE_SIZE;
	digits = digits_of(form, digits);
	*ret_text = arena_copy(arena, slice_of(out, digits ? WHOLE_SIZE + 1 + digits : WHOLE_SIZE));
	return true;
}
