/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Converts PostgreSQL values for values_property.py. Each line of the input is `OID FORM HEX`: FORM
 * is b for a binary value that becomes text, or t for a text that becomes binary; an empty value is
 * `-`. Each answer is a line: the result in the same spelling, or `error NUMBER`.
 */
#include "parsers/postgres/values.h"

#include <stdio.h>
#include <stdlib.h>

#define RESULT_MAX ((size_t)64 << 20)

static int digit(char c)
{
	const char *digits = "0123456789abcdef";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* Decodes hex in place; false when it is none. */
static bool read_hex(char *hex, size_t size, struct slice *ret_bytes)
{
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

/* Takes a line apart and answers it; false when it is not as it should be. */
static bool answer(char *line, size_t size, struct buffer *result)
{
	struct slice value = SLICE("");
	char *form, *hex;
	unsigned long oid;
	int error;

	oid = strtoul(line, &form, 10);
	if (form[0] != ' ' || (form[1] != 'b' && form[1] != 't') || form[2] != ' ')
		return false;
	hex = form + 3;
	size -= (size_t)(hex - line);
	if (!(size == 1 && hex[0] == '-') && !read_hex(hex, size, &value))
		return false;
	buffer_clear(result);
	if (form[1] == 'b')
		error = pg_value_to_text((uint32_t)oid, value, result);
	else
		error = pg_value_to_binary((uint32_t)oid, value, result);
	print_result(error, result);
	return true;
}

int main(void)
{
	struct buffer result;
	char *line = NULL;
	size_t capacity = 0;
	int status = 0;
	ssize_t size;

	buffer_init(&result, RESULT_MAX);
	while (!status && (size = getline(&line, &capacity, stdin)) > 0) {
		if (line[size - 1] == '\n')
			line[--size] = 0;
		if (!answer(line, (size_t)size, &result)) {
			fprintf(stderr, "values_check: not OID FORM HEX: %.80s\n", line);
			status = 2;
		}
	}
	free(line);
	buffer_release(&result);
	return status;
}
