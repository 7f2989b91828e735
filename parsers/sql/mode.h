/* SPDX-License-Identifier: Apache-2.0 */
/* Mode: of MySQL's sql_mode what changes the lexer. */
#ifndef MOCKPROXY_SQL_MODE_H
#define MOCKPROXY_SQL_MODE_H

#include "parsers/slice.h"

/* The server's own bits, since sql_mode may be set as a number. */
enum sql_mode {
	SQL_MODE_ANSI_QUOTES = 1 << 2,
	SQL_MODE_NO_BACKSLASH_ESCAPES = 1 << 20,
};

/* Which of these a value of sql_mode has on: names with commas between, in any case, or a number. */
uint32_t sql_mode_parse(struct slice value);

#endif
