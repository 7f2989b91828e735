/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session's cursors; see cursors.h. PostgreSQL 16 documentation: DECLARE, FETCH, MOVE, CLOSE, PREPARE.
 *
 * Invariant: `query` is the canonical DECLARE and the values in it, `moves` and `moves_hash` are of
 * what was fetched and moved since, in order: two cursors that agree in these stand at the same row
 * of the same query. Names of cursors are unique in the list, and so are those of prepared statements.
 */
#include "parsers/sql/cursors.h"

#include "parsers/sql/value.h"

#include <stdlib.h>
#include <xxhash.h>

/* Of a longer query this much is kept, and a hash of all of it. */
#define QUERY_BYTES_MAX ((size_t)4096)
/* A value above this counts as none in what a cursor has passed: the writer does not keep it for long (ingest_exchange.c). */
#define CURSOR_VALUE_MAX ((size_t)64 * 1024)
#define QUERY_BYTES_ALL ((size_t)64 << 20)

enum cursor_kind {
	KIND_CURSOR,
	KIND_PREPARED,	 /* a statement of PREPARE: it lives until the session drops it */
	KIND_DESCRIPTOR, /* of a large object, opened by a fast-path call */
};

struct cursor_entry {
	struct cursor_entry *next;
	struct buffer name; /* a descriptor's is its number in digits */
	struct buffer query;
	uint8_t kind; /* enum cursor_kind */
	bool hold;
	bool committed; /* the transaction that declared it has ended */
	uint64_t moves;
	uint64_t moves_hash;
};

/* The slot of the statement's cursor; NULL: it names none. */
static const struct sql_slot *cursor_slot(const struct sql_statement *statement)
{
	switch (statement->verb) { /* what most statements are has none */
	case SQL_SELECT:
	case SQL_INSERT:
	case SQL_UPDATE:
	case SQL_DELETE:
		return NULL;
	}
	for (size_t i = 0; i < statement->n_slots; i++)
		if (statement->slots[i].cursor)
			return &statement->slots[i];
	return NULL;
}

static enum cursor_kind kind_of(uint8_t verb)
{
	return verb == SQL_PREPARE || verb == SQL_EXECUTE ? KIND_PREPARED : KIND_CURSOR;
}

static struct cursor_entry **find(const struct cursors *cursors, enum cursor_kind kind,
				  struct slice name)
{
	struct cursor_entry *const *link = &cursors->first;

	while (*link && ((*link)->kind != kind || !slice_equal(buffer_slice(&(*link)->name), name)))
		link = &(*link)->next;
	return (struct cursor_entry **)(uintptr_t)link;
}

static void drop(struct cursors *cursors, struct cursor_entry **link)
{
	struct cursor_entry *entry = *link;

	*link = entry->next;
	buffer_release(&entry->name);
	buffer_release(&entry->query);
	free(entry);
	cursors->n--;
}

static void drop_all(struct cursors *cursors, enum cursor_kind kind)
{
	struct cursor_entry **link = &cursors->first;

	while (*link)
		if ((*link)->kind == kind)
			drop(cursors, link);
		else
			link = &(*link)->next;
}

void cursors_release(struct cursors *cursors)
{
	drop_all(cursors, KIND_CURSOR);
	drop_all(cursors, KIND_PREPARED);
	drop_all(cursors, KIND_DESCRIPTOR);
}

void cursors_transaction_end(struct cursors *cursors, bool commit)
{
	struct cursor_entry **link = &cursors->first;

	while (*link) {
		struct cursor_entry *entry = *link;

		if (!entry->committed && !(commit && entry->hold)) {
			drop(cursors, link);
			continue;
		}
		entry->committed = true;
		link = &entry->next;
	}
}

/* The template and the values but for the cursor's name: equal where the statements' identities are. */
static void append_identity(const struct sql_statement *statement, const struct sql_value *values,
			    struct buffer *text)
{
	struct buffer json;

	buffer_append_slice(text, statement->canonical);
	for (size_t i = 0; i < statement->n_slots; i++) {
		struct sql_value value = values[i];

		if (statement->slots[i].cursor)
			continue;
		if (value.text.size > CURSOR_VALUE_MAX)
			value.text = slice_of(NULL, 0);
		/* '5' and 5 are one where they are compared. */
		if (statement->slots[i].compared) {
			value.type = sql_value_compared_type(&value);
			value.kind = value.type.size ? SQL_TYPED : SQL_STRING;
		}
		buffer_init(&json, QUERY_BYTES_ALL);
		sql_values_json(&value, 1, &json);
		buffer_append_u8(text, ' ');
		buffer_append_slice(text, buffer_slice(&json));
		buffer_release(&json);
	}
}

static void append_hex(struct buffer *text, uint64_t number)
{
	static const char digits[] = "0123456789abcdef";

	for (int shift = 60; shift >= 0; shift -= 4)
		buffer_append_u8(text, (uint8_t)digits[number >> shift & 15]);
}

/* A long query is its beginning and 128 bits of hash. */
static void keep_query(struct buffer *query, const struct buffer *whole)
{
	XXH128_hash_t hash;

	if (whole->size <= QUERY_BYTES_MAX) {
		buffer_append_slice(query, buffer_slice(whole));
		return;
	}
	hash = XXH3_128bits(whole->data, whole->size);
	buffer_append_slice(query, slice_of(whole->data, QUERY_BYTES_MAX));
	buffer_append_string(query, " ... ");
	append_hex(query, hash.high64);
	append_hex(query, hash.low64);
}

/* Do these words stand in the canonical text, before the query? */
static bool holds(struct slice canonical)
{
	const uint8_t *end, *hold;

	if (!canonical.size)
		return false;
	end = memmem(canonical.data, canonical.size, " for ", 5);
	hold = memmem(canonical.data, canonical.size, " with hold ", 11);
	return hold && end && hold < end;
}

static void declare(struct cursors *cursors, enum cursor_kind kind,
		    const struct sql_statement *statement, const struct sql_value *values,
		    struct slice name)
{
	struct cursor_entry *entry;
	struct buffer whole;

	if (cursors->n >= CURSORS_MAX)
		return;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		abort();
	buffer_init(&entry->name, SIZE_MAX / 2);
	buffer_append_slice(&entry->name, name);
	buffer_init(&entry->query, 2 * QUERY_BYTES_MAX);
	buffer_init(&whole, QUERY_BYTES_ALL);
	append_identity(statement, values, &whole);
	keep_query(&entry->query, &whole);
	buffer_release(&whole);
	entry->kind = (uint8_t)kind;
	entry->committed = kind == KIND_PREPARED;
	entry->hold = holds(statement->canonical);
	entry->next = cursors->first;
	cursors->first = entry;
	cursors->n++;
}

static void move(struct cursor_entry *entry, const struct sql_statement *statement,
		 const struct sql_value *values)
{
	struct buffer whole;

	buffer_init(&whole, QUERY_BYTES_ALL);
	append_identity(statement, values, &whole);
	entry->moves_hash = XXH3_64bits_withSeed(whole.data, whole.size, entry->moves_hash);
	entry->moves++;
	buffer_release(&whole);
}

/* Statements that drop all of a kind. A single DEALLOCATE is not followed: who executes what is gone gets an error. */
static void forget(struct cursors *cursors, struct slice canonical)
{
	if (slice_equal(canonical, SLICE("discard all")))
		cursors_release(cursors);
	else if (slice_equal(canonical, SLICE("close all")))
		drop_all(cursors, KIND_CURSOR);
	else if (slice_equal(canonical, SLICE("deallocate all")) ||
		 slice_equal(canonical, SLICE("deallocate prepare all")))
		drop_all(cursors, KIND_PREPARED);
}

/* ---- descriptors of large objects ---- */

enum call { CALL_NONE, CALL_OPEN, CALL_USE, CALL_CLOSE };

/* What a fast-path call (postgres/function.h) does with a descriptor, which is its first argument. */
static enum call call_of(const struct sql_statement *statement)
{
	static const struct slice prefix = SLICE("function call lo");
	struct slice name = statement->canonical;

	if (statement->verb != SQL_OTHER || statement->n_slots < 1 ||
	    !slice_starts_with(name, prefix))
		return CALL_NONE;
	name = slice_of(name.data + prefix.size, name.size - prefix.size);
	if (slice_starts_with(name, SLICE("_open(")))
		return CALL_OPEN;
	if (slice_starts_with(name, SLICE("_close(")))
		return CALL_CLOSE;
	if (slice_starts_with(name, SLICE("read(")) || slice_starts_with(name, SLICE("write(")) ||
	    slice_starts_with(name, SLICE("_lseek")) || slice_starts_with(name, SLICE("_tell")) ||
	    slice_starts_with(name, SLICE("_truncate")))
		return CALL_USE;
	return CALL_NONE;
}

/* The number that a value begins with: it is one still when what it stands for was put behind it. */
static struct slice number_of(struct slice text)
{
	size_t size = 0;

	while (size < text.size && text.data[size] >= '0' && text.data[size] <= '9')
		size++;
	return slice_of(text.data, size);
}

/* The server gives the lowest number that is free in the transaction (lo_open in its sources, be-fsstubs.c). */
static void open_descriptor(struct cursors *cursors, const struct sql_statement *statement,
			    const struct sql_value *values)
{
	struct buffer name;

	buffer_init(&name, 32);
	for (size_t number = 0; number <= CURSORS_MAX; number++) {
		buffer_clear(&name);
		buffer_append_unsigned(&name, number);
		if (!*find(cursors, KIND_DESCRIPTOR, buffer_slice(&name)))
			break;
	}
	declare(cursors, KIND_DESCRIPTOR, statement, values, buffer_slice(&name));
	buffer_release(&name);
}

static void call_statement(struct cursors *cursors, enum call call,
			   const struct sql_statement *statement, const struct sql_value *values)
{
	struct cursor_entry **link;

	if (call == CALL_OPEN) {
		open_descriptor(cursors, statement, values);
		return;
	}
	link = find(cursors, KIND_DESCRIPTOR, number_of(values[0].text));
	if (*link && call == CALL_CLOSE)
		drop(cursors, link);
	else if (*link)
		move(*link, statement, values);
}

/* ---- all of them ---- */

void cursors_statement(struct cursors *cursors, const struct sql_statement *statement,
		       const struct sql_value *values)
{
	const struct sql_slot *slot = cursor_slot(statement);
	bool names = statement->verb == SQL_DECLARE || statement->verb == SQL_PREPARE;
	struct cursor_entry **link;

	if (!slot) {
		enum call call = call_of(statement);

		if (call)
			call_statement(cursors, call, statement, values);
		else
			forget(cursors, statement->canonical);
		return;
	}
	link = find(cursors, kind_of(statement->verb), slot->literal.text);
	if (*link && statement->verb == SQL_FETCH)
		move(*link, statement, values);
	else if (*link && (names || statement->verb == SQL_CLOSE))
		drop(cursors, link);
	if (names)
		declare(cursors, kind_of(statement->verb), statement, values, slot->literal.text);
}

/* "declare ? cursor for select ... 5, moved 2 times (0123456789abcdef)" */
static struct slice position(const struct cursor_entry *entry, struct arena *arena)
{
	struct buffer text;
	struct slice copy;

	buffer_init(&text, 4 * QUERY_BYTES_MAX);
	if (entry->kind == KIND_DESCRIPTOR) {
		buffer_append_slice(&text, buffer_slice(&entry->name));
		buffer_append_string(&text, " of ");
	}
	buffer_append_slice(&text, buffer_slice(&entry->query));
	if (entry->moves) {
		buffer_append_string(&text, ", moved ");
		buffer_append_unsigned(&text, entry->moves);
		buffer_append_string(&text, " times (");
		append_hex(&text, entry->moves_hash);
		buffer_append_u8(&text, ')');
	}
	copy = arena_copy(arena, buffer_slice(&text));
	buffer_release(&text);
	return copy;
}

void cursors_resolve(const struct cursors *cursors, const struct sql_statement *statement,
		     struct sql_value *values, struct arena *arena)
{
	const struct sql_slot *slot = cursor_slot(statement);
	struct sql_value *value;
	const struct cursor_entry *entry;

	if (!slot) {
		if (call_of(statement) > CALL_OPEN) {
			entry = *find(cursors, KIND_DESCRIPTOR, number_of(values[0].text));
			if (entry)
				values[0] = (struct sql_value){ .kind = SQL_STRING,
								.text = position(entry, arena) };
		}
		return;
	}
	value = &values[slot - statement->slots];
	entry = *find(cursors, kind_of(statement->verb), slot->literal.text);
	if (statement->verb == SQL_DECLARE || statement->verb == SQL_PREPARE ||
	    (statement->verb == SQL_CLOSE && entry))
		*value = (struct sql_value){ .kind = SQL_STRING, .null = true };
	else if (entry)
		*value = (struct sql_value){ .kind = SQL_STRING, .text = position(entry, arena) };
}
