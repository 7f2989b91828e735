/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a table's b-tree; see table.h. Follows "Database File Format" of SQLite's documentation,
 * sections 1.3 (the header), 1.6 (b-tree pages) and 2.1 (records).
 *
 * Invariant: every read lies in one page's usable bytes, which lie in the mapping.
 */
#include "store/table.h"

#include "parsers/cursor.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* As much of the file as SQLite maps too (recording.c): what lies behind it SQLite reads. */
#define MAPPED_BYTES_MAX ((size_t)268435456)
#define HEADER_BYTES 100
#define HEADER_PAGE_SIZE 16
#define HEADER_READ_VERSION 19
#define HEADER_RESERVED 20
#define HEADER_ENCODING 56
#define ENCODING_UTF8 1
#define READ_VERSION_JOURNAL 1

#define PAGE_INTERIOR 0x05
#define PAGE_LEAF 0x0d
#define INTERIOR_HEADER 12
#define LEAF_HEADER 8
/* 2^31 pages of the smallest fan-out are not as deep; only a damaged tree is. */
#define DEPTH_MAX 20
/* From then on guesses are bad, and halving is quicker. */
#define GUESSES_MAX 4
#define LINE_BYTES ((size_t)64)
/* A larger payload of a leaf has overflow pages (section 1.6). */
#define LEAF_PAYLOAD_MAX(usable) ((usable)-35)

static uint32_t u16_at(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] << 8 | bytes[1];
}

static uint32_t u32_at(const uint8_t *bytes)
{
	return u16_at(bytes) << 16 | u16_at(bytes + 2);
}

/* --- the file --- */

static bool read_header(struct table_pages *pages, bool whole)
{
	const uint8_t *header = pages->bytes;
	size_t page_bytes = u16_at(header + HEADER_PAGE_SIZE);

	if (page_bytes == 1)
		page_bytes = 65536;
	if (page_bytes < 512 || (page_bytes & (page_bytes - 1)) ||
	    header[HEADER_RESERVED] > page_bytes - 480 ||
	    (header[HEADER_READ_VERSION] != READ_VERSION_JOURNAL && !whole) ||
	    u32_at(header + HEADER_ENCODING) != ENCODING_UTF8)
		return false;
	pages->page_bytes = page_bytes;
	pages->usable_bytes = page_bytes - header[HEADER_RESERVED];
	return true;
}

void table_pages_open(struct table_pages *pages, const char *path, bool whole)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat status;
	void *bytes = MAP_FAILED;

	*pages = (struct table_pages){ 0 };
	if (fd < 0)
		return;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size >= HEADER_BYTES) {
		pages->size = (uint64_t)status.st_size < MAPPED_BYTES_MAX ? (size_t)status.st_size :
									    MAPPED_BYTES_MAX;
		bytes = mmap(NULL, pages->size, PROT_READ, MAP_SHARED, fd, 0);
	}
	close(fd);
	if (bytes == MAP_FAILED)
		return;
	pages->bytes = bytes;
	if (!read_header(pages, whole))
		table_pages_close(pages);
}

void table_pages_close(struct table_pages *pages)
{
	if (pages->bytes)
		munmap((void *)(uintptr_t)pages->bytes, pages->size);
	*pages = (struct table_pages){ 0 };
}

/* --- the table --- */

static void measure_leaf(struct table *table);

static uint32_t find_root(sqlite3 *database, const char *name)
{
	sqlite3_stmt *sql = NULL;
	int64_t root = 0;

	if (sqlite3_prepare_v2(
		    database,
		    "SELECT rootpage FROM sqlite_schema WHERE type = 'table' AND name = ?1", -1,
		    &sql, NULL) == SQLITE_OK) {
		sqlite3_bind_text(sql, 1, name, -1, SQLITE_STATIC);
		if (sqlite3_step(sql) == SQLITE_ROW)
			root = sqlite3_column_int64(sql, 0);
	}
	sqlite3_finalize(sql);
	return root > 1 && root <= UINT32_MAX ? (uint32_t)root : 0;
}

/* The places of the columns; false: one is not there, or some column is not stored as it is. */
static bool find_columns(struct table *table, sqlite3_stmt *sql, const char *const *columns,
			 size_t n)
{
	size_t found = 0;

	while (sqlite3_step(sql) == SQLITE_ROW) {
		int64_t place = sqlite3_column_int64(sql, 0);
		const char *name = (const char *)sqlite3_column_text(sql, 1);

		if (sqlite3_column_int(sql, 2) != 0 || place >= TABLE_COLUMNS_MAX || !name)
			return false;
		for (size_t i = 0; i < n; i++) {
			if (strcmp(columns[i], name) != 0)
				continue;
			table->values[place] = (uint8_t)(i + 1);
			table->n = (size_t)place + 1;
			found++;
		}
	}
	return found == n;
}

void table_open(struct table *table, const struct table_pages *pages, sqlite3 *database,
		const char *name, const char *const *columns, size_t n)
{
	sqlite3_stmt *sql = NULL;

	*table = (struct table){ .pages = pages, .leaf_depth = DEPTH_MAX };
	/* The columns that are not stored as they are have `hidden` set. */
	if (!pages->bytes || n > TABLE_COLUMNS_MAX ||
	    sqlite3_prepare_v2(database,
			       "SELECT cid, name, hidden FROM pragma_table_xinfo(?1) ORDER BY cid",
			       -1, &sql, NULL) != SQLITE_OK)
		return;
	sqlite3_bind_text(sql, 1, name, -1, SQLITE_STATIC);
	if (find_columns(table, sql, columns, n))
		table->root = find_root(database, name);
	sqlite3_finalize(sql);
	if (table->root)
		measure_leaf(table);
}

/* --- pages --- */

/* A varint (section 1.6): 7 bits in each byte, 8 in the ninth. */
static uint64_t take_long_varint(struct cursor *cursor)
{
	size_t left = cursor->failed ? 0 : cursor_left(cursor);
	const uint8_t *at = cursor->at;
	uint64_t number = 0;

	for (size_t i = 0; i < left && i < 9; i++) {
		number = i == 8 ? number << 8 | at[i] : number << 7 | (at[i] & 0x7f);
		if (at[i] < 0x80 || i == 8) {
			cursor->at += i + 1;
			return number;
		}
	}
	cursor->failed = true;
	return 0;
}

static inline uint64_t take_varint(struct cursor *cursor)
{
	const uint8_t *at = cursor->at;

	if (cursor->failed || cursor_left(cursor) < 2)
		return take_long_varint(cursor);
	if (at[0] < 0x80) {
		cursor->at += 1;
		return at[0];
	}
	if (at[1] < 0x80) {
		cursor->at += 2;
		return (uint64_t)(at[0] & 0x7f) << 7 | at[1];
	}
	return take_long_varint(cursor);
}

/* The usable bytes of a page; empty: not here. */
static struct slice page_at(const struct table_pages *pages, uint32_t number)
{
	size_t from;

	if (number < 2 || number > pages->size / pages->page_bytes)
		return slice_of(NULL, 0);
	from = (size_t)(number - 1) * pages->page_bytes;
	return slice_of(pages->bytes + from, pages->usable_bytes);
}

/* From a cell's first byte to the end of the page; empty when it does not lie in the page. */
static struct cursor cell_at(struct slice page, size_t header, size_t i)
{
	size_t at = u16_at(page.data + header + 2 * i);

	if (at >= page.size)
		return (struct cursor){ .failed = true };
	return cursor_of(slice_of(page.data + at, page.size - at));
}

static int64_t rowid_of(struct slice page, size_t header, size_t i)
{
	struct cursor cell = cell_at(page, header, i);

	if (header == INTERIOR_HEADER)
		cursor_bytes(&cell, 4);
	else
		take_varint(&cell); /* the payload's size */
	return (int64_t)take_varint(&cell);
}

/*
 * The first cell whose rowid is not smaller, or n; of an interior page `*before` becomes the rowid of the one before it. Each
 * cell that is looked at is a cache miss in a large table, so it is guessed where it would be if rowids had equal distances, which
 * in a leaf are 1, and guessed anew from what is there.
 */
static size_t search(struct slice page, size_t header, size_t n, int64_t rowid, int64_t *before)
{
	size_t low = 0, high = n, at, distance = 1;
	uint64_t past = (uint64_t)rowid - (uint64_t)*before - 1;

	if (!n)
		return 0;
	if (header == INTERIOR_HEADER)
		distance = ((uint64_t)rowid_of(page, header, n - 1) - (uint64_t)*before) / n;
	distance += !distance;
	at = past / distance < n ? (size_t)(past / distance) : n - 1;
	for (unsigned int tries = 0; low < high; tries++) {
		int64_t found = rowid_of(page, header, at);
		uint64_t cells;

		if (found < rowid) {
			*before = found;
			low = at + 1;
			cells = ((uint64_t)rowid - (uint64_t)found - 1) / distance;
			at = cells < high - low ? low + (size_t)cells : high - 1;
		} else {
			high = at;
			if (found == rowid && header == LEAF_HEADER)
				break;
			cells = ((uint64_t)found - (uint64_t)rowid) / distance;
			at = cells < high - low ? high - 1 - (size_t)cells : low;
		}
		if (tries > GUESSES_MAX)
			at = low + (high - low) / 2;
	}
	return high;
}

/*
 * Fetches the lines of a leaf in which a row should be, all at once: read one behind the other each would be waited for. SQLite adds cells from the
 * end of a page on.
 */
static void prefetch_row(const struct table *table, const struct table_leaf *leaf)
{
	struct slice page = leaf->page;
	uint64_t i = (uint64_t)leaf->rowid - (uint64_t)leaf->before - 1;
	size_t to = (size_t)(i * table->cell_bytes), from = to + table->cell_bytes + LINE_BYTES;

	__builtin_prefetch(page.data);
	if (i >= (page.size - LEAF_HEADER) / 2 || from > page.size)
		return;
	__builtin_prefetch(page.data + LEAF_HEADER + 2 * i);
	for (size_t at = page.size - from; at < page.size - to + LINE_BYTES && at < page.size;
	     at += LINE_BYTES)
		__builtin_prefetch(page.data + at);
}

/* The leaf in which the row is if it is here; its page is empty where there is none, or something is unusual. */
static struct table_leaf find_leaf(const struct table *table, int64_t rowid)
{
	struct table_leaf leaf = { .rowid = rowid };
	uint32_t number = table->root;

	for (size_t depth = 0; depth < DEPTH_MAX; depth++) {
		struct slice page = page_at(table->pages, number);
		struct cursor cell;
		size_t n, i;

		if (!page.data)
			break;
		if (depth == table->leaf_depth || page.data[0] == PAGE_LEAF) {
			leaf.page = page;
			break;
		}
		n = u16_at(page.data + 3);
		if (page.data[0] != PAGE_INTERIOR || n > (page.size - INTERIOR_HEADER) / 2)
			break;
		i = search(page, INTERIOR_HEADER, n, rowid, &leaf.before);
		if (i == n) {
			number = u32_at(page.data + 8);
			continue;
		}
		cell = cell_at(page, INTERIOR_HEADER, i);
		number = cursor_u32be(&cell);
	}
	return leaf;
}

/* The row's record; empty when it is not here. */
static struct slice find_record(const struct table *table, int64_t rowid)
{
	struct table_leaf leaf = table->expected;
	struct slice page;
	struct cursor cell;
	uint64_t size;
	size_t n, i;

	if (!leaf.page.size || leaf.rowid != rowid) {
		leaf = find_leaf(table, rowid);
		if (!leaf.page.size)
			return leaf.page;
		prefetch_row(table, &leaf);
	}
	page = leaf.page;
	n = u16_at(page.data + 3);
	if (page.data[0] != PAGE_LEAF || n > (page.size - LEAF_HEADER) / 2)
		return slice_of(NULL, 0);
	i = search(page, LEAF_HEADER, n, rowid, &leaf.before);
	if (i == n)
		return slice_of(NULL, 0);
	cell = cell_at(page, LEAF_HEADER, i);
	size = take_varint(&cell);
	if ((int64_t)take_varint(&cell) != rowid || size > LEAF_PAYLOAD_MAX(page.size))
		return slice_of(NULL, 0);
	return cursor_bytes(&cell, (size_t)size);
}

/* Of a leaf in the midst of the table. */
static void measure_leaf(struct table *table)
{
	uint32_t number = table->root;

	for (size_t depth = 0; depth < DEPTH_MAX; depth++) {
		struct slice page = page_at(table->pages, number);
		struct cursor cell;
		size_t n, content;

		if (!page.size)
			return;
		n = u16_at(page.data + 3);
		content = u16_at(page.data + 5);
		if (page.data[0] == PAGE_LEAF && n && content && content < page.size) {
			table->leaf_depth = depth;
			table->cell_bytes = (page.size - content) / n;
			return;
		}
		if (page.data[0] != PAGE_INTERIOR || !n || n > (page.size - INTERIOR_HEADER) / 2)
			return;
		cell = cell_at(page, INTERIOR_HEADER, n / 2);
		number = cursor_u32be(&cell);
	}
}

/* --- records --- */

/* The bytes of a value of the first serial types (section 2.1); 10 and 11 are of no file. */
static const uint8_t serial_bytes[] = { 0, 1, 2, 3, 4, 6, 8, 8, 0, 0 };
#define SERIAL_REAL 7
#define SERIAL_ZERO 8
#define SERIAL_BYTES 12

static int64_t integer_of(struct slice bytes)
{
	uint64_t number = bytes.data[0] & 0x80 ? UINT64_MAX : 0;

	for (size_t i = 0; i < bytes.size; i++)
		number = number << 8 | bytes.data[i];
	return (int64_t)number;
}

static void read_value(uint64_t type, struct slice bytes, struct table_value *value)
{
	*value = (struct table_value){ .type = TABLE_NULL };
	if (type >= SERIAL_BYTES) {
		value->type = TABLE_BYTES;
		value->bytes = bytes;
	} else if (type == SERIAL_REAL) {
		value->type = TABLE_REAL;
	} else if (type) {
		value->type = TABLE_INTEGER;
		value->integer = bytes.size ? integer_of(bytes) : (int64_t)type - SERIAL_ZERO;
	}
}

/* Where the types and the values of a record lie; false when it makes no sense. */
static bool split_record(struct slice record, struct cursor *ret_types, struct cursor *ret_values)
{
	struct cursor types = cursor_of(record);
	uint64_t size = take_varint(&types);

	if (size > record.size || size < record.size - cursor_left(&types))
		return false;
	*ret_types = types;
	ret_types->end = record.data + size;
	*ret_values = cursor_of(slice_of(record.data + size, record.size - (size_t)size));
	return true;
}

void table_expect(struct table *table, int64_t rowid)
{
	if (!table->root)
		return;
	table->expected = find_leaf(table, rowid);
	if (table->expected.page.size)
		prefetch_row(table, &table->expected);
}

bool table_find(const struct table *table, int64_t rowid, struct table_row *ret_row)
{
	struct slice record = slice_of(NULL, 0);
	struct cursor types, values;

	if (table->root)
		record = find_record(table, rowid);
	if (!record.size || !split_record(record, &types, &values))
		return false;
	/* A row with fewer columns was made before one was added, which has its default there. */
	for (size_t i = 0; i < table->n; i++) {
		uint64_t type = take_varint(&types);
		size_t size = type < SERIAL_BYTES ? 0 : (size_t)(type - SERIAL_BYTES) / 2;
		struct slice bytes;

		if (type < ARRAY_SIZE(serial_bytes))
			size = serial_bytes[type];
		else if (type < SERIAL_BYTES)
			return false;
		bytes = cursor_bytes(&values, size);
		if (table->values[i])
			read_value(type, bytes, &ret_row->values[table->values[i] - 1]);
	}
	ret_row->failed = false;
	return !types.failed && !values.failed;
}
