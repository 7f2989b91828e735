/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Table: rows of one table of a database by their rowid, straight from the pages of the file. SQLite
 * takes ten times as many instructions for it, and in replay a row is what a look-up costs.
 *
 * It is a short cut and no second SQLite: whatever is not the ordinary case (a row with overflow
 * pages, another type than was asked for, pages that make no sense) is not read here, and who asked
 * asks SQLite. So what is found here is what SQLite would have given, and the file may be hostile.
 *
 * The caller keeps a read transaction of SQLite open meanwhile, that nobody changes the file.
 */
#ifndef MOCKPROXY_TABLE_H
#define MOCKPROXY_TABLE_H

#include "parsers/compiler.h"
#include "parsers/slice.h"

#include <sqlite3.h>

/* Of the table, and as many can be asked for. */
#define TABLE_COLUMNS_MAX 64

/* The file's pages in memory. For all threads. */
struct table_pages {
	const uint8_t *bytes; /* mapped; NULL: nothing is read here */
	size_t size;
	size_t page_bytes;
	size_t usable_bytes; /* of a page */
};

/*
 * Maps the file, or leaves `pages` empty where it is not of the ordinary kind. `whole`: no log lies
 * beside it, though it is in WAL mode. It is called within a read transaction.
 */
void table_pages_open(struct table_pages *pages, const char *path, bool whole);
void table_pages_close(struct table_pages *pages);

/* Zeroed it finds nothing. */
struct table {
	const struct table_pages *pages;
	uint32_t root; /* 0: nothing is found */
	/* Of one leaf: how far from the root they are, and what a row takes in it: only to fetch what will be read. */
	size_t leaf_depth;
	size_t cell_bytes;
	/* What table_expect() found. */
	struct table_leaf {
		int64_t rowid;
		int64_t before;	   /* the rowid behind which those of the leaf begin */
		struct slice page; /* empty: nothing was expected */
	} expected;
	/* Of each column of the table which value it is, from 1; 0: it is not asked for. */
	uint8_t values[TABLE_COLUMNS_MAX];
	size_t n; /* columns up to the last that is asked for */
};

/* Finds the table and its columns. Where something is unusual the table finds nothing. */
void table_open(struct table *table, const struct table_pages *pages, sqlite3 *database,
		const char *name, const char *const *columns, size_t n);

/* Is it a table that rows are read of? */
static inline bool table_is_open(const struct table *table)
{
	return table->root != 0;
}

/* A row; values are borrowed from the pages. */
struct table_row {
	struct table_value {
		uint8_t type; /* enum table_type */
		int64_t integer;
		struct slice bytes;
	} values[TABLE_COLUMNS_MAX];
	/* A value had another type than it was asked as: what was read is not what the row says. */
	bool failed;
};

enum table_type { TABLE_NULL, TABLE_INTEGER, TABLE_REAL, TABLE_BYTES };

/* table_find() will be asked for it in a moment: what it reads in a large table comes from memory meanwhile. */
void table_expect(struct table *table, int64_t rowid);
/* False: it is not there, or SQLite must be asked. */
bool table_find(const struct table *table, int64_t rowid, struct table_row *ret_row);

/* As sqlite3_column_int64(): of NULL 0. */
static inline int64_t table_integer(struct table_row *row, size_t column)
{
	const struct table_value *value = &row->values[column];

	row->failed |= value->type != TABLE_NULL && value->type != TABLE_INTEGER;
	return value->integer;
}

/* As database_column(): of NULL data NULL. */
static inline struct slice table_bytes(struct table_row *row, size_t column)
{
	const struct table_value *value = &row->values[column];

	row->failed |= value->type != TABLE_NULL && value->type != TABLE_BYTES;
	return value->bytes;
}

#endif
