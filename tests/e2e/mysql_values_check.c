/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Converts MySQL values for mysql_values_property.py, as a recording and its replay do; see hex_lines.h. Each question is
 * `FROM TO COLUMN VALUE`: FROM is how the value came and TO how it is asked for, t for text and b for binary, and COLUMN
 * the payload of the column's definition.
 */
#include "parsers/mysql/packet.h"
#include "parsers/mysql/values.h"
#include "tests/e2e/hex_lines.h"

/* What the file has of it: a text as it came, the canonical text of a binary value. */
static int store(const struct column *column, struct slice value, struct buffer *stored)
{
	if (column->form == PARAMETER_BINARY)
		return my_value_to_text(column->type_id, value, stored);
	buffer_append_slice(stored, value);
	return 0;
}

static int answer(char *line, size_t size, struct buffer *result)
{
	char *definition = line + 4, *space;
	struct slice payload, value;
	struct column column;
	struct buffer stored;
	int error;

	if (size < 6 || !strchr("tb", line[0]) || line[1] != ' ' || !strchr("tb", line[2]) ||
	    line[3] != ' ')
		return 1;
	space = strchr(definition, ' ');
	if (!space || !hex_read(space + 1, size - (size_t)(space + 1 - line), &value) ||
	    !hex_read(definition, (size_t)(space - definition), &payload) ||
	    !my_column_read(payload, false, &column))
		return 1;
	column.form = line[0] == 't' ? PARAMETER_TEXT : PARAMETER_BINARY;
	buffer_init(&stored, (size_t)64 << 20);
	error = store(&column, value, &stored);
	if (!error)
		error = my_value_encode(&column, line[2] == 't' ? PARAMETER_TEXT : PARAMETER_BINARY,
					buffer_slice(&stored), result);
	buffer_release(&stored);
	return error;
}

int main(void)
{
	return hex_lines("FROM TO COLUMN VALUE", answer);
}
