/* SPDX-License-Identifier: Apache-2.0 */
/* Turns of statements that were not always parsed; see turns.h. */
#include "store/turns.h"

#include "parsers/item.h"
#include "store/grown.h"

#include <stdlib.h>

/*
 * In which form columns were asked for is no difference. A text that could not be prepared may have a row of its own in `statement`, since nobody
 * knew the types of its parameters: all rows of one text and context share their turns.
 */
static const char load_sql[] =
	"WITH changing (statement) AS (SELECT statement FROM exchange WHERE kind = 3 UNION "
	"SELECT d.statement FROM (SELECT DISTINCT statement, columns FROM exchange "
	"WHERE columns IS NOT NULL) d JOIN columns c ON c.id = d.columns GROUP BY d.statement "
	"HAVING count(DISTINCT replace(c.description, '\"form\": \"binary\"', '\"form\": "
	"\"text\"')) > 1), "
	"alike (id, other) AS (SELECT DISTINCT s.id, o.id FROM changing JOIN statement x "
	"ON x.id = changing.statement JOIN statement s ON s.canonical = x.canonical "
	"AND s.context = x.context AND s.text = x.text JOIN statement o "
	"ON o.canonical = x.canonical AND o.context = x.context AND o.text = x.text) "
	"SELECT alike.id, e.id, kind, columns FROM alike JOIN exchange e ON e.statement = other "
	"WHERE kind IN (1, 2, 3) ORDER BY alike.id, started_ns, e.id";

static void add(struct turns *turns, sqlite3_stmt *sql)
{
	int64_t statement = sqlite3_column_int64(sql, 0);
	struct turns_statement *last;

	if (!turns->n_statements ||
	    turns->statements[turns->n_statements - 1].statement != statement) {
		turns->statements =
			grown(turns->statements, turns->n_statements, sizeof(*turns->statements));
		last = &turns->statements[turns->n_statements++];
		last->statement = statement;
		last->first = turns->n;
		last->n = 0;
		atomic_init(&last->cursor, 0);
	}
	turns->list = grown(turns->list, turns->n, sizeof(*turns->list));
	turns->list[turns->n++] =
		(struct turn){ .exchange = (uint32_t)sqlite3_column_int64(sql, 1),
			       .failed = sqlite3_column_int(sql, 2) == EXCHANGE_PARSE,
			       .columns = sqlite3_column_int64(sql, 3) };
	turns->statements[turns->n_statements - 1].n++;
}

struct place {
	uint32_t exchange;
	size_t at; /* in the list */
};

static int compare_places(const void *a, const void *b)
{
	const struct place *left = a, *right = b;

	return left->exchange < right->exchange ? -1 : left->exchange > right->exchange;
}

/* The first place of this exchange, which each statement that shares it has one for, or where it would be. */
static size_t first_place(const struct place *places, size_t n, uint32_t exchange)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (places[middle].exchange < exchange)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Finds each turn's entry, of which an exchange may have several: any of the first kind, which are what is given. */
static void find_entries(struct turns *turns, const struct index *index)
{
	struct place *places = malloc(turns->n * sizeof(*places));

	if (!places)
		abort();
	for (size_t i = 0; i < turns->n; i++)
		places[i] = (struct place){ turns->list[i].exchange, i };
	qsort(places, turns->n, sizeof(*places), compare_places);
	for (size_t i = 0; i < index->n; i++)
		for (size_t at = first_place(places, turns->n, index->entries[i].exchange);
		     at < turns->n && places[at].exchange == index->entries[i].exchange; at++) {
			turns->list[places[at].at].entry = (uint32_t)i;
			turns->list[places[at].at].known = true;
		}
	free(places);
}

int turns_load(struct turns *turns, const struct index *index, sqlite3 *database)
{
	sqlite3_stmt *sql = NULL;
	int rc = sqlite3_prepare_v2(database, load_sql, -1, &sql, NULL);

	*turns = (struct turns){ 0 };
	if (rc != SQLITE_OK)
		return rc;
	while (sqlite3_step(sql) == SQLITE_ROW)
		add(turns, sql);
	if (turns->n)
		find_entries(turns, index);
	return sqlite3_finalize(sql);
}

void turns_release(struct turns *turns)
{
	free(turns->statements);
	free(turns->list);
	*turns = (struct turns){ 0 };
}

static struct turns_statement *find_statement(const struct turns *turns, int64_t statement)
{
	size_t low = 0, high = turns->n_statements;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (turns->statements[middle].statement == statement)
			return &turns->statements[middle];
		if (turns->statements[middle].statement < statement)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* What comes next; where all were given, what came last. NULL: the statement has no turns. What cannot be given is passed over. */
static const struct turn *next_turn(const struct turns *turns, const struct index *index,
				    int64_t statement)
{
	struct turns_statement *found = find_statement(turns, statement);
	const struct turn *list;
	size_t at;

	if (!found)
		return NULL;
	list = &turns->list[found->first];
	at = atomic_load(&found->cursor);
	while (at < found->n &&
	       (!list[at].known ||
		atomic_load_explicit(&index->entries[list[at].entry].state, memory_order_relaxed) &
			INDEX_GIVEN))
		at++;
	atomic_store(&found->cursor, at); /* others may have come further, which costs them steps */
	return &list[at < found->n ? at : found->n - 1];
}

bool turns_wait(const struct turns *turns, const struct index *index, int64_t statement)
{
	const struct turn *next = next_turn(turns, index, statement);

	return next && !next->failed;
}

int64_t turns_columns(const struct turns *turns, const struct index *index, int64_t statement)
{
	const struct turn *next = next_turn(turns, index, statement);

	return next ? next->columns : 0;
}
