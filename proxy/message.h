/* SPDX-License-Identifier: Apache-2.0 */
/* What the guard and the tools have to say to people: one line on stderr, after the program's name. */
#ifndef MOCKPROXY_MESSAGE_H
#define MOCKPROXY_MESSAGE_H

#include "parsers/compiler.h"

#include <stddef.h>

/* Enough for a sentence with a path in it. */
#define MESSAGE_BYTES 512

/* Written at once, so that lines of several processes do not mix. Cut where it is too long. */
void message_print(const char *format, ...) PRINTF_LIKE(1, 2);

/* snprintf that fills `ret_text` with a sentence and returns `error`: `return message_error(text, -EPERM, ...)`. */
int message_error(char ret_text[MESSAGE_BYTES], int error, const char *format, ...)
	PRINTF_LIKE(3, 4);

#endif
