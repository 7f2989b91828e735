/* SPDX-License-Identifier: Apache-2.0 */
/* Values of rows; see cell.h. */
#include "store/cell.h"

#include "store/database.h"

static const char ascii[] = " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			    "[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~";

struct cell cell_bytes(struct slice bytes)
{
	if (!bytes.data)
		return (struct cell){ 0 };
	return (struct cell){ .type = database_is_text(bytes) ? CELL_IS_TEXT : CELL_IS_BLOB,
			      .number = (int64_t)bytes.size,
			      .data = bytes.size ? bytes.data : (const uint8_t *)"" };
}

struct cell cell_text(struct slice text)
{
	return (struct cell){ .type = CELL_IS_TEXT,
			      .number = (int64_t)text.size,
			      .data = text.data };
}

struct slice cell_slice(const struct cell *cell)
{
	if (cell->type == CELL_IS_CHARACTER)
		return slice_of(&ascii[cell->number - ' '], 1);
	return slice_of(cell->data, (size_t)cell->number);
}

void cells_bind(sqlite3_stmt *sql, int at, const struct cell *cells, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct cell *cell = &cells[i];
		int index = at + (int)i;

		switch (cell->type) {
		case CELL_IS_NULL:
			sqlite3_bind_null(sql, index);
			break;
		case CELL_IS_NUMBER:
			sqlite3_bind_int64(sql, index, cell->number);
			break;
		case CELL_IS_CHARACTER:
		case CELL_IS_TEXT:
			database_bind_text(sql, index, cell_slice(cell));
			break;
		case CELL_IS_BLOB:
			sqlite3_bind_blob64(sql, index, cell->data, (sqlite3_uint64)cell->number,
					    SQLITE_STATIC);
			break;
		}
	}
}
