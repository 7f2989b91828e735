/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Converts PostgreSQL values for values_property.py; see hex_lines.h. Each question is `OID FORM HEX`: FORM
 * is b for a binary value that becomes text, or t for a text that becomes binary.
 */
#include "parsers/postgres/values.h"
#include "tests/e2e/hex_lines.h"

#include <stdlib.h>

static int answer(char *line, size_t size, struct buffer *result)
{
	struct slice value;
	char *form;
	unsigned long oid;

	oid = strtoul(line, &form, 10);
	if (form[0] != ' ' || (form[1] != 'b' && form[1] != 't') || form[2] != ' ')
		return 1;
	if (!hex_read(form + 3, size - (size_t)(form + 3 - line), &value))
		return 1;
	if (form[1] == 'b')
		return pg_value_to_text((uint32_t)oid, value, result);
	return pg_value_to_binary((uint32_t)oid, value, result);
}

int main(void)
{
	return hex_lines("OID FORM HEX", answer);
}
