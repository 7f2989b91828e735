/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of hex in, lines of hex out; see hex_lines.h. */
#include "tests/e2e/hex_lines.h"

#include <stdio.h>
#include <stdlib.h>

#define RESULT_MAX ((size_t)64 << 20)

static int digit(char c)
{
	const char *digits = "0123456789abcdef";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

bool hex_read(char *hex, size_t size, struct slice *ret_bytes)
{
	if (size == 1 && hex[0] == '-')
		size = 0;
	if (size % 2)
		return false;
	for (size_t i = 0; i < size; i += 2) {
		int high = digit(hex[i]);
		int low = digit(hex[i + 1]);

		if (high < 0 || low < 0)
			return false;
		hex[i / 2] = (char)(high << 4 | low);
	}
	*ret_bytes = slice_of(hex, size / 2);
	return true;
}

static void print_result(int error, const struct buffer *result)
{
	if (error) {
		printf("error %d\n", -error);
		return;
	}
	if (!result->size)
		putchar('-');
	for (size_t i = 0; i < result->size; i++)
		printf("%02x", result->data[i]);
	putchar('\n');
}

int hex_lines(const char *usage, int (*answer)(char *line, size_t size, struct buffer *result))
{
	struct buffer result;
	char *line = NULL;
	size_t capacity = 0;
	int error = 0;
	ssize_t size;

	buffer_init(&result, RESULT_MAX);
	while (error <= 0 && (size = getline(&line, &capacity, stdin)) > 0) {
		if (line[size - 1] == '\n')
			line[--size] = 0;
		buffer_clear(&result);
		error = answer(line, (size_t)size, &result);
		if (error <= 0)
			print_result(error, &result);
		else
			fprintf(stderr, "not %s: %.80s\n", usage, line);
	}
	free(line);
	buffer_release(&result);
	return error > 0 ? 2 : 0;
}
