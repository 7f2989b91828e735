/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moments ("2024-01-02 03:04:05.5") as MySQL's drivers write them: they differ in the digits of the fraction, which is the same moment for what it
 * is compared with or assigned to.
 */
#ifndef MOCKPROXY_SQL_MOMENT_H
#define MOCKPROXY_SQL_MOMENT_H

#include "parsers/arena.h"
#include "parsers/slice.h"

enum moment_form {
	MOMENT_BINARY,	     /* six digits, or none where all are zero: of binary values, PyMySQL */
	MOMENT_MILLISECONDS, /* three, or six where that is not enough: mysql2, JavaScript */
	MOMENT_MICROSECONDS, /* six */
	MOMENT_SHORTEST,
};
#define MOMENT_FORMS 4

/* The moment in this form; false: the text is none, with a time of day and at most six digits, and *ret_text is untouched. */
bool sql_moment_write(struct slice text, enum moment_form form, struct arena *arena,
		      struct slice *ret_text);

#endif
