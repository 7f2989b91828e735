/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See behind.h. The recording is walked once, connection by connection, in the way in which a replay walks it; not at all where
 * no statement follows another.
 */
#include "store/behind.h"

#include "parsers/sql/follows.h"
#include "store/database.h"
#include "store/grown.h"
#include "store/matcher_state.h"

#include <stdlib.h>

/* The verbs by which a statement may generate a number where the server does not tell. */
static const char statements_sql[] =
	"SELECT id, dialect, canonical, text, CASE dialect WHEN 1 THEN verb IN ('insert', 'merge', "
	"'with write', 'copy', 'call', 'execute') ELSE verb = 'call' END FROM statement ORDER BY "
	"id";
static const char exchanges_sql[] =
	"SELECT id, connection, statement, CASE WHEN inline THEN insert_id ELSE (SELECT "
	"max(insert_id) FROM result_apart r WHERE r.exchange = e.id) END FROM exchange e "
	"WHERE kind <> 6 ORDER BY connection, ordinal";

/* A statement that is of interest. */
struct kind {
	int64_t statement;
	uint8_t follows;
};

struct kinds {
	struct kind *list; /* by statement */
	size_t n;
	bool any; /* one of them follows */
};

/* An exchange that follows. */
struct follower {
	uint32_t exchange;
	uint8_t follows;
	struct behind_session session; /* before it */
};

struct followers {
	struct follower *list;
	size_t n;
};

/* Of the statement that `sql` stands on. Its template is NULL where its text was edited. */
static uint8_t follows_of(sqlite3_stmt *sql)
{
	enum sql_dialect dialect =
		sqlite3_column_int(sql, 1) == SQL_MYSQL ? SQL_MYSQL : SQL_POSTGRES;
	struct sql_options options = sql_options_default(dialect);
	struct slice canonical = database_column(sql, 2);
	struct sql_statement made;
	struct arena arena;

	if (canonical.data)
		return sql_follows(dialect, canonical);
	arena_init(&arena);
	sql_canonicalize(&options, database_column(sql, 3), &arena, &made);
	arena_release(&arena);
	return made.follows;
}

static int load_kinds(struct kinds *kinds, sqlite3 *database)
{
	sqlite3_stmt *sql = NULL;
	int rc = sqlite3_prepare_v2(database, statements_sql, -1, &sql, NULL);

	if (rc != SQLITE_OK)
		return rc;
	while (sqlite3_step(sql) == SQLITE_ROW) {
		uint8_t follows = follows_of(sql);

		kinds->any |= follows & (SQL_FOLLOWS_LAST | SQL_FOLLOWS_GENERATED);
		if (sqlite3_column_int(sql, 4))
			follows |= SQL_FOLLOWS_GENERATES;
		if (!follows)
			continue;
		kinds->list = grown(kinds->list, kinds->n, sizeof(*kinds->list));
		kinds->list[kinds->n++] = (struct kind){ sqlite3_column_int64(sql, 0), follows };
	}
	return sqlite3_finalize(sql);
}

static uint8_t kind_of(const struct kinds *kinds, int64_t statement)
{
	size_t low = 0, high = kinds->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (kinds->list[middle].statement == statement)
			return kinds->list[middle].follows;
		if (kinds->list[middle].statement < statement)
			low = middle + 1;
		else
			high = middle;
	}
	return 0;
}

static void set_generated(struct behind *behind, uint64_t exchange)
{
	if (exchange < behind->n_generated)
		behind->generated[exchange / 8] |= (uint8_t)(1 << exchange % 8);
}

static bool is_generated(const struct behind *behind, uint64_t exchange)
{
	return exchange < behind->n_generated &&
	       behind->generated[exchange / 8] >> exchange % 8 & 1;
}

static int load_exchanges(struct behind *behind, const struct kinds *kinds,
			  struct followers *followers, sqlite3 *database)
{
	struct behind_session session = { 0 };
	int64_t connection = 0;
	sqlite3_stmt *sql = NULL;
	int rc = sqlite3_prepare_v2(database, exchanges_sql, -1, &sql, NULL);

	if (rc != SQLITE_OK)
		return rc;
	while (sqlite3_step(sql) == SQLITE_ROW) {
		uint64_t id = (uint64_t)sqlite3_column_int64(sql, 0);
		uint8_t follows = kind_of(kinds, sqlite3_column_int64(sql, 2));

		if (sqlite3_column_int64(sql, 1) != connection)
			session = (struct behind_session){ 0 };
		connection = sqlite3_column_int64(sql, 1);
		if ((follows & (SQL_FOLLOWS_LAST | SQL_FOLLOWS_GENERATED)) &&
		    id < behind->n_generated) {
			followers->list =
				grown(followers->list, followers->n, sizeof(*followers->list));
			followers->list[followers->n++] =
				(struct follower){ (uint32_t)id, follows, session };
		}
		if ((follows & SQL_FOLLOWS_GENERATES) || sqlite3_column_int64(sql, 3))
			set_generated(behind, id);
		behind_given(behind, id, follows, &session);
	}
	return sqlite3_finalize(sql);
}

static int compare_followers(const void *a, const void *b)
{
	const struct follower *left = a, *right = b;

	return left->exchange < right->exchange ? -1 : left->exchange > right->exchange;
}

/* The key of what is behind these. */
static uint64_t behind_key(uint64_t key, uint8_t follows, const struct behind_session *session)
{
	if (follows & SQL_FOLLOWS_LAST)
		key = matcher_own_key(key, (uint32_t)session->last);
	if (follows & SQL_FOLLOWS_GENERATED)
		key = matcher_own_key(key, (uint32_t)session->generated);
	return key;
}

/* Each entry of a follower that has equal ones, by what it is behind of. */
static void add_entries(struct behind *behind, const struct followers *followers,
			const struct index *index)
{
	for (size_t i = 0; i < index->n; i++) {
		const struct index_entry *entry = &index->entries[i];
		struct follower wanted = { .exchange = entry->exchange };
		bool several = (i && entry[-1].key == entry->key) ||
			       (i + 1 < index->n && entry[1].key == entry->key);
		const struct follower *found =
			several ? bsearch(&wanted, followers->list, followers->n,
					  sizeof(*followers->list), compare_followers) :
				  NULL;

		if (found) /* it cannot be full: the index under it is not */
			(void)index_add(&behind->index,
					behind_key(entry->key, found->follows, &found->session),
					(uint32_t)i, 0, 0);
	}
	index_sort(&behind->index);
}

/* One more than the highest exchange of the index. */
static size_t count_exchanges(const struct index *index)
{
	size_t n = 0;

	for (size_t i = 0; i < index->n; i++)
		if (index->entries[i].exchange >= n)
			n = (size_t)index->entries[i].exchange + 1;
	return n;
}

int behind_load(struct behind *behind, const struct index *index, sqlite3 *database)
{
	struct followers followers = { 0 };
	struct kinds kinds = { 0 };
	int rc = load_kinds(&kinds, database);

	*behind = (struct behind){ 0 };
	index_init(&behind->index);
	if (rc == SQLITE_OK && kinds.any && index->n) {
		behind->n_generated = count_exchanges(index);
		behind->generated = calloc(behind->n_generated / 8 + 1, 1);
		if (!behind->generated)
			abort();
		rc = load_exchanges(behind, &kinds, &followers, database);
		if (followers.n)
			qsort(followers.list, followers.n, sizeof(*followers.list),
			      compare_followers);
		if (followers.n)
			add_entries(behind, &followers, index);
	}
	free(followers.list);
	free(kinds.list);
	return rc;
}

void behind_release(struct behind *behind)
{
	index_release(&behind->index);
	free(behind->generated);
	*behind = (struct behind){ 0 };
}

struct index_group behind_find(const struct behind *behind, uint64_t key, uint8_t follows,
			       const struct behind_session *session)
{
	bool unknown = ((follows & SQL_FOLLOWS_LAST) && session->last_unknown) ||
		       ((follows & SQL_FOLLOWS_GENERATED) && session->generated_unknown);

	if (unknown || !(follows & (SQL_FOLLOWS_LAST | SQL_FOLLOWS_GENERATED)))
		return (struct index_group){ 0 };
	return index_find(&behind->index, behind_key(key, follows, session));
}

void behind_given(const struct behind *behind, uint64_t exchange, uint8_t follows,
		  struct behind_session *session)
{
	if (!(follows & SQL_FOLLOWS_KEEPS)) {
		session->last = exchange;
		session->last_unknown = false;
	}
	if (is_generated(behind, exchange)) {
		session->generated = exchange;
		session->generated_unknown = false;
	}
}

void behind_answered(struct behind_session *session)
{
	session->last_unknown = true;
}

void behind_missed(struct behind_session *session)
{
	session->last_unknown = true;
	session->generated_unknown = true;
}
