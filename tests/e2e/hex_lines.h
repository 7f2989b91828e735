/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions and answers of the programs that convert values for the *_property.py tests: each question is a line of words, in
 * which bytes are hex and no bytes are `-`; each answer is a line: bytes in the same spelling, or `error NUMBER`.
 */
#ifndef MOCKPROXY_TEST_HEX_LINES_H
#define MOCKPROXY_TEST_HEX_LINES_H

#include "parsers/buffer.h"

/*
 * Answers the lines of the standard input to their end: `answer` takes a line of `size` bytes apart, in place, and appends to
 * the empty `result`; its return is an error to answer with, or 1: the line is not as it should be. Returns main()'s status.
 */
int hex_lines(const char *usage, int (*answer)(char *line, size_t size, struct buffer *result));
/* Decodes a word in place; false when it is none. */
bool hex_read(char *hex, size_t size, struct slice *ret_bytes);

#endif
