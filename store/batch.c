/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making a database of one table in memory; see batch.h.
 *
 * Pages: 1 is SQLite's own, made once; 2 is the table's root, which is the leaf where there is one alone; then the leaves. Cells are added from the end of a
 * leaf on, in the order of their rowids.
 *
 * Invariant: SQLite reads the pages in batch_flush() only. Until the transaction's end it keeps the database open, while rows are already added to the same
 * pages: it reads these as a database of their own after the next sqlite3_deserialize().
 */
#include "store/batch.h"

#include "store/database.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_BYTES ((size_t)8192)
/* For what a transaction holds; where it is more, the rest goes the slow way. */
#define PAGES_MAX ((size_t)130)
#define ROOT ((size_t)2)
#define FIRST_LEAF ((size_t)3)
#define BATCH_COLUMNS_MAX ((size_t)64)
/* Three bytes and one for each column lie in front of the first value: where put_values() begins with eight, they are the row's own. */
#define BATCH_COLUMNS_MIN ((size_t)4)
/* A larger payload would need overflow pages. */
#define PAYLOAD_MAX (PAGE_BYTES - 35)
#define SCHEMA "waiting"

#define PAGE_INTERIOR 0x05
#define PAGE_LEAF 0x0d
#define INTERIOR_HEADER ((size_t)12)
#define LEAF_HEADER ((size_t)8)
#define PAGE_COUNT_AT 28
#define VARINT_MAX 9

#define SERIAL_ZERO 8
#define SERIAL_BLOB 12
#define SERIAL_TEXT 13

struct batch {
	sqlite3 *database;
	sqlite3_stmt *insert;
	bool attached;
	size_t columns;
	size_t rows;
	size_t leaf;	/* the page that is being filled */
	size_t content; /* where its cells begin */
	int64_t last_id;
	int64_t last_ids[PAGES_MAX]; /* of each leaf that is full */
	uint8_t *pages;		     /* PAGES_MAX of them */
};

static uint8_t *page_of(const struct batch *batch, size_t number)
{
	return batch->pages + (number - 1) * PAGE_BYTES;
}

static void put_u16(uint8_t *at, size_t number)
{
	at[0] = (uint8_t)(number >> 8);
	at[1] = (uint8_t)number;
}

static void put_u32(uint8_t *at, size_t number)
{
	put_u16(at, number >> 16);
	put_u16(at + 2, number);
}

static size_t u16_of(const uint8_t *at)
{
	return (size_t)at[0] << 8 | at[1];
}

static size_t varint_bytes(uint64_t number)
{
	size_t n = 1;

	while (number >>= 7)
		n++;
	return n < VARINT_MAX ? n : VARINT_MAX;
}

/* Section 1.6: 7 bits in each byte, 8 in the ninth. */
static uint8_t *put_long_varint(uint8_t *at, uint64_t number)
{
	size_t n = varint_bytes(number), i = n;

	if (n == VARINT_MAX) {
		at[--i] = (uint8_t)number;
		number >>= 8;
	}
	while (i-- > 0) {
		at[i] = (uint8_t)((number & 0x7f) | (i == n - 1 ? 0 : 0x80));
		number >>= 7;
	}
	return at + n;
}

static inline uint8_t *put_varint(uint8_t *at, uint64_t number)
{
	if (number >= 0x80)
		return put_long_varint(at, number);
	*at = (uint8_t)number;
	return at + 1;
}

static const uint8_t *take_varint(const uint8_t *at, uint64_t *ret_number)
{
	uint64_t number = 0;

	for (size_t i = 0; i < VARINT_MAX - 1; i++) {
		number = number << 7 | (*at & 0x7f);
		if (!(*at++ & 0x80)) {
			*ret_number = number;
			return at;
		}
	}
	*ret_number = number << 8 | *at++;
	return at;
}

/* ---- opening ---- */

/* Comments in it would be read for each batch. */
static void strip_comments(char *sql)
{
	char *to = sql;

	for (const char *from = sql; *from;) {
		if (from[0] == '-' && from[1] == '-')
			from += strcspn(from, "\n");
		else
			*to++ = *from++;
	}
	*to = 0;
}

/* How the table was made; NULL: it is not there. The caller frees it. */
static char *sql_of(sqlite3 *database, const char *table, size_t *ret_columns)
{
	sqlite3_stmt *sql = NULL;
	char *text = NULL;

	if (database_prepare(database,
			     "SELECT sql, (SELECT count(*) FROM pragma_table_xinfo(?1)) "
			     "FROM main.sqlite_schema WHERE type = 'table' AND name = ?1",
			     &sql) == SQLITE_OK) {
		sqlite3_bind_text(sql, 1, table, -1, SQLITE_STATIC);
		if (sqlite3_step(sql) == SQLITE_ROW) {
			text = strdup((const char *)sqlite3_column_text(sql, 0));
			*ret_columns = (size_t)sqlite3_column_int64(sql, 1);
		}
	}
	sqlite3_finalize(sql);
	if (text)
		strip_comments(text);
	return text;
}

/* Page 1 of a database that has this table alone, with its root on page 2. */
static bool make_first_page(struct batch *batch, const char *create)
{
	sqlite3 *model = NULL;
	sqlite3_int64 size = 0;
	uint8_t *bytes = NULL;
	bool ok;

	if (sqlite3_open(":memory:", &model) == SQLITE_OK &&
	    database_exec(model, "PRAGMA page_size = 8192") == SQLITE_OK &&
	    database_exec(model, create) == SQLITE_OK)
		bytes = sqlite3_serialize(model, "main", &size, 0);
	ok = bytes && (size_t)size == ROOT * PAGE_BYTES;
	if (ok)
		memcpy(batch->pages, bytes, PAGE_BYTES);
	sqlite3_free(bytes);
	sqlite3_close(model);
	return ok;
}

static void begin_leaf(struct batch *batch, size_t number)
{
	uint8_t *page = page_of(batch, number);

	memset(page, 0, LEAF_HEADER);
	page[0] = PAGE_LEAF;
	batch->leaf = number;
	batch->content = PAGE_BYTES;
}

static void forget(struct batch *batch)
{
	batch->rows = 0;
	batch->last_id = INT64_MIN;
	begin_leaf(batch, FIRST_LEAF);
}

static bool prepare(struct batch *batch, const char *table)
{
	char sql[160];

	snprintf(sql, sizeof(sql), "INSERT OR ROLLBACK INTO main.%s SELECT * FROM " SCHEMA ".%s",
		 table, table);
	batch->attached =
		database_exec(batch->database, "ATTACH ':memory:' AS " SCHEMA) == SQLITE_OK;
	return batch->attached &&
	       sqlite3_deserialize(batch->database, SCHEMA, batch->pages, ROOT * PAGE_BYTES,
				   ROOT * PAGE_BYTES, SQLITE_DESERIALIZE_READONLY) == SQLITE_OK &&
	       database_prepare(batch->database, sql, &batch->insert) == SQLITE_OK;
}

struct batch *batch_new(sqlite3 *database, const char *table)
{
	struct batch *batch = calloc(1, sizeof(*batch));
	char *create;
	bool ok;

	if (!batch)
		abort();
	batch->database = database;
	batch->pages = malloc(PAGES_MAX * PAGE_BYTES);
	if (!batch->pages)
		abort();
	create = sql_of(database, table, &batch->columns);
	begin_leaf(batch, ROOT);
	ok = create && batch->columns >= BATCH_COLUMNS_MIN && batch->columns <= BATCH_COLUMNS_MAX &&
	     make_first_page(batch, create) && prepare(batch, table);
	free(create);
	forget(batch);
	if (ok)
		return batch;
	batch_free(batch);
	return NULL;
}

void batch_free(struct batch *batch)
{
	if (!batch)
		return;
	sqlite3_finalize(batch->insert);
	/* In a transaction that was left open they are read until the database is closed. */
	if (!batch->attached || database_exec(batch->database, "DETACH " SCHEMA) == SQLITE_OK)
		free(batch->pages);
	free(batch);
}

/* ---- adding ---- */

size_t batch_rows(const struct batch *batch)
{
	return batch ? batch->rows : 0;
}

static size_t serial_bytes(uint64_t serial)
{
	static const uint8_t sizes[SERIAL_BLOB] = { 0, 1, 2, 3, 4, 6, 8, 8 };

	return serial < SERIAL_BLOB ? sizes[serial] : (size_t)(serial - SERIAL_BLOB) / 2;
}

/* Section 2.1, of a number. */
static uint8_t *put_number_serial(uint8_t *at, int64_t number, size_t *ret_size)
{
	static const uint8_t serials[] = { 1, 1, 2, 3, 4, 5, 5, 6, 6 }; /* by bytes */
	static const uint8_t sizes[] = { 1, 1, 2, 3, 4, 6, 6, 8, 8 };
	size_t bytes;

	if (number == 0 || number == 1) {
		*at = (uint8_t)(SERIAL_ZERO + number);
		*ret_size = 0;
		return at + 1;
	}
	bytes = (size_t)(71 - __builtin_clrsbll(number)) / 8; /* the sign is one bit of them */
	*at = serials[bytes];
	*ret_size = sizes[bytes];
	return at + 1;
}

/* The same of text or a blob. As SQLite takes what is bound: without data they are NULL. */
static uint8_t *put_bytes_serial(uint8_t *at, const struct cell *cell, size_t *ret_size)
{
	uint64_t type = cell->type == CELL_IS_BLOB ? SERIAL_BLOB : SERIAL_TEXT;

	*ret_size = cell->type == CELL_IS_CHARACTER ? 1 : (size_t)cell->number;
	if (cell->type != CELL_IS_CHARACTER && !cell->data)
		*ret_size = type = 0;
	return put_varint(at, type + 2 * (uint64_t)*ret_size);
}

/* A value that takes room in the record. */
struct present {
	const struct cell *cell;
	size_t size;
};

/*
 * Puts them in front of `end`, the last one first: of a number all eight bytes, since what lies in front of it is written behind it.
 */
static void put_values(uint8_t *end, const struct present *present, size_t n)
{
	while (n--) {
		const struct cell *cell = present[n].cell;
		size_t size = present[n].size;
		uint64_t big = htobe64((uint64_t)cell->number);

		if (cell->type == CELL_IS_NUMBER)
			memcpy(end - sizeof(big), &big, sizeof(big));
		else
			memcpy(end - size, cell_slice(cell).data, size);
		end -= size;
	}
}

/* Room of so many bytes for the next cell; NULL: there is none. */
static uint8_t *cell_room(struct batch *batch, size_t size)
{
	uint8_t *page = page_of(batch, batch->leaf);
	size_t n = u16_of(page + 3);

	if (batch->content - (LEAF_HEADER + 2 * n) < size + 2) {
		if (batch->leaf == PAGES_MAX)
			return NULL;
		batch->last_ids[batch->leaf - 1] = batch->last_id;
		begin_leaf(batch, batch->leaf + 1);
		page = page_of(batch, batch->leaf);
		n = 0;
	}
	batch->content -= size;
	put_u16(page + LEAF_HEADER + 2 * n, batch->content);
	put_u16(page + 3, n + 1);
	put_u16(page + 5, batch->content);
	return page + batch->content;
}

bool batch_add(struct batch *batch, const struct cell *cells)
{
	const struct cell *end;
	struct present present[BATCH_COLUMNS_MAX];
	uint8_t types[BATCH_COLUMNS_MAX * VARINT_MAX], *type = types, *at;
	size_t header, body = 0, n = 0, size;
	int64_t id = cells[0].number;

	if (!batch || id <= batch->last_id)
		return false;
	end = cells + batch->columns;
	*type++ = 0; /* the rowid is its value */
	for (const struct cell *cell = cells + 1; cell < end; cell++) {
		if (cell->type == CELL_IS_NULL) { /* many are */
			*type++ = 0;
			continue;
		}
		if (cell->type == CELL_IS_NUMBER)
			type = put_number_serial(type, cell->number, &size);
		else
			type = put_bytes_serial(type, cell, &size);
		if (!size)
			continue;
		present[n++] = (struct present){ cell, size };
		body += size;
	}
	header = (size_t)(type - types) + 1;
	header += header >= 0x80; /* its own size is counted in it */
	if (header > PAYLOAD_MAX || body > PAYLOAD_MAX - header)
		return false;
	size = varint_bytes(header + body) + varint_bytes((uint64_t)id) + header + body;
	at = cell_room(batch, size);
	if (!at)
		return false;
	put_values(at + size, present, n);
	at = put_varint(at, header + body);
	at = put_varint(at, (uint64_t)id);
	at = put_varint(at, header);
	memcpy(at, types, (size_t)(type - types));
	batch->last_id = id;
	batch->rows++;
	return true;
}

/* ---- flushing ---- */

bool batch_can_flush(const struct batch *batch)
{
	return sqlite3_txn_state(batch->database, SCHEMA) == SQLITE_TXN_NONE;
}

/* The table's root, over the leaves. */
static void make_root(struct batch *batch)
{
	uint8_t *page = page_of(batch, ROOT);
	size_t content = PAGE_BYTES, n = batch->leaf - FIRST_LEAF;

	if (!n) {
		memcpy(page, page_of(batch, FIRST_LEAF), PAGE_BYTES);
		return;
	}
	memset(page, 0, INTERIOR_HEADER);
	page[0] = PAGE_INTERIOR;
	for (size_t i = 0; i < n; i++) {
		uint64_t last = (uint64_t)batch->last_ids[FIRST_LEAF + i - 1];

		content -= 4 + varint_bytes(last);
		put_u32(page + content, FIRST_LEAF + i);
		put_varint(page + content + 4, last);
		put_u16(page + INTERIOR_HEADER + 2 * i, content);
	}
	put_u16(page + 3, n);
	put_u16(page + 5, content);
	put_u32(page + 8, batch->leaf);
}

int batch_flush(struct batch *batch)
{
	sqlite3_int64 size;
	int rc;

	if (!batch->rows)
		return SQLITE_OK;
	make_root(batch);
	size = (sqlite3_int64)batch->leaf * (sqlite3_int64)PAGE_BYTES;
	put_u32(batch->pages + PAGE_COUNT_AT, batch->leaf);
	rc = sqlite3_deserialize(batch->database, SCHEMA, batch->pages, size, size,
				 SQLITE_DESERIALIZE_READONLY);
	if (rc == SQLITE_OK)
		rc = database_run(batch->insert);
	forget(batch);
	return rc;
}

/* The value of a column; `*body` goes on behind it. */
static struct cell cell_of(uint64_t serial, const uint8_t **body)
{
	size_t size = serial_bytes(serial);
	const uint8_t *at = *body;
	struct cell cell = { .type = CELL_IS_NUMBER };
	uint64_t number = size && at[0] & 0x80 ? UINT64_MAX : 0;

	*body += size;
	if (!serial)
		return (struct cell){ 0 };
	if (serial >= SERIAL_BLOB)
		return (struct cell){ .type = serial & 1 ? CELL_IS_TEXT : CELL_IS_BLOB,
				      .number = (int64_t)size,
				      .data = at };
	for (size_t i = 0; i < size; i++)
		number = number << 8 | at[i];
	cell.number = size ? (int64_t)number : (int64_t)(serial - SERIAL_ZERO);
	return cell;
}

static void read_row(const struct batch *batch, const uint8_t *at, struct cell *values)
{
	uint64_t payload, id, header, serial;
	const uint8_t *serials, *body;

	at = take_varint(at, &payload);
	at = take_varint(at, &id);
	serials = take_varint(at, &header);
	body = at + header;
	for (size_t i = 0; i < batch->columns; i++) {
		serials = take_varint(serials, &serial);
		values[i] = cell_of(serial, &body);
	}
	values[0] = cell_number((int64_t)id);
}

int batch_take(struct batch *batch, int (*take)(void *context, const struct cell *values),
	       void *context)
{
	struct cell values[BATCH_COLUMNS_MAX];
	int rc = SQLITE_OK;

	for (size_t number = FIRST_LEAF; batch->rows && number <= batch->leaf; number++) {
		const uint8_t *page = page_of(batch, number);
		size_t n = u16_of(page + 3);

		for (size_t i = 0; i < n && rc == SQLITE_OK; i++) {
			read_row(batch, page + u16_of(page + LEAF_HEADER + 2 * i), values);
			rc = take(context, values);
		}
	}
	forget(batch);
	return rc;
}
