/* SPDX-License-Identifier: Apache-2.0 */
/* Cells: values of a row on their way into a table. */
#ifndef MOCKPROXY_CELL_H
#define MOCKPROXY_CELL_H

#include "parsers/compiler.h"
#include "parsers/slice.h"

#include <sqlite3.h>
#include <stdbool.h>

/* Zeroed it is NULL. The bytes are borrowed. */
struct cell {
	enum { CELL_IS_NULL, CELL_IS_NUMBER, CELL_IS_CHARACTER, CELL_IS_TEXT, CELL_IS_BLOB } type;
	int64_t number; /* of a character, which is printable, its code; of text and blob the size */
	const uint8_t *data;
};

/* As database_bind() and database_bind_text(). */
struct cell cell_bytes(struct slice bytes);
struct cell cell_text(struct slice text);
static inline struct cell cell_number(int64_t number)
{
	return (struct cell){ .type = CELL_IS_NUMBER, .number = number };
}
/* The bytes of one that is a character, text or blob. */
struct slice cell_slice(const struct cell *cell);
void cells_bind(sqlite3_stmt *sql, int at, const struct cell *cells, size_t n);

#endif
