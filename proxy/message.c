/* SPDX-License-Identifier: Apache-2.0 */
/* Lines for people. A stderr that is closed or full loses them: there is nobody else to tell. */
#include "proxy/message.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_BYTES 2048

void message_print(const char *format, ...)
{
	static const char prefix[] = "mockproxy: ";
	char line[LINE_BYTES];
	size_t size = sizeof(prefix) - 1;
	va_list arguments;
	ssize_t written;

	memcpy(line, prefix, size);
	va_start(arguments, format);
	vsnprintf(line + size, sizeof(line) - size - 1, format, arguments);
	va_end(arguments);
	size = strlen(line);
	line[size++] = '\n';
	written = write(STDERR_FILENO, line, size);
	(void)written;
}

int message_error(char ret_text[MESSAGE_BYTES], int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(ret_text, MESSAGE_BYTES, format, arguments);
	va_end(arguments);
	return error;
}
