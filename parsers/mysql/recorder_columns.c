/* SPDX-License-Identifier: Apache-2.0 */
/* The MySQL recorder: definitions of the columns of a result, which most executions of a statement have alike; see recorder.h. */
#include "parsers/mysql/recorder.h"

#include <assert.h>

static bool is_extended(const struct recorder *recorder)
{
	return (recorder->capabilities & MY_MARIADB_EXTENDED_METADATA) != 0;
}

void my_definitions_begin(struct recorder *recorder, size_t n, bool binary)
{
	const uint8_t head[] = { binary ? PARAMETER_BINARY : PARAMETER_TEXT,
				 is_extended(recorder) };
	struct buffer *columns = &recorder->columns;

	if (columns->size < sizeof(head) || memcmp(columns->data, head, sizeof(head)) != 0) {
		buffer_clear(columns);
		buffer_append(columns, head, sizeof(head));
		buffer_clear(&recorder->sizes);
	}
	recorder->columns_said = sizeof(head);
	recorder->n_columns = 0;
	recorder->columns_left = n;
	recorder->columns_status = 0;
	recorder->binary = binary;
}

/* Is it the one that was at this place of the last definitions? */
static bool column_again(const struct recorder *recorder, struct slice body)
{
	struct cursor cursor = cursor_of(buffer_slice(&recorder->columns));

	cursor_bytes(&cursor, recorder->columns_said);
	return cursor_u32be(&cursor) == body.size &&
	       slice_equal(cursor_bytes(&cursor, body.size), body) && !cursor.failed;
}

bool my_definitions_add(struct recorder *recorder, struct slice body)
{
	struct buffer *columns = &recorder->columns;
	struct column column;
	int size;

	if (column_again(recorder, body)) {
		recorder->columns_said += 4 + body.size;
		recorder->n_columns++;
		return true;
	}
	assert(recorder->columns_said <= columns->size);
	columns->size = recorder->columns_said;
	recorder->sizes.size = recorder->n_columns;
	if (recorder->n_columns == COLUMNS_MAX ||
	    !my_column_read(body, is_extended(recorder), &column))
		return my_fail(recorder, "malformed column definition");
	size = my_type_size(column.type_id);
	if (size < 0 && recorder->binary)
		return my_fail(recorder, "a column of an unknown type");
	buffer_append_u8(&recorder->sizes, (uint8_t)size);
	recorder->n_columns = recorder->sizes.size;
	buffer_append_u32be(columns, (uint32_t)body.size);
	buffer_append_slice(columns, body);
	recorder->columns_said = columns->size;
	return !columns->overflowed || my_fail(recorder, "too many bytes of column definitions");
}

struct slice my_definitions_said(const struct recorder *recorder)
{
	return slice_of(recorder->columns.data, recorder->columns_said);
}

bool my_definitions_known(struct recorder *recorder, const struct my_operation *head, size_t n)
{
	struct my_statement *statement = my_statement_find(recorder, head->statement_id);
	struct my_columns columns;
	struct slice payload;

	if (!recorder->binary || !statement || statement->n_columns != n ||
	    !statement->columns.size)
		return my_fail(recorder, "rows without the definitions of their columns");
	columns = my_columns_of(buffer_slice(&statement->columns));
	while (my_columns_next(&columns, &payload))
		if (!my_definitions_add(recorder, payload))
			return false;
	return true;
}

void my_definitions_keep(struct my_statement *statement, struct slice columns)
{
	buffer_clear(&statement->columns);
	buffer_append_slice(&statement->columns, columns);
}
