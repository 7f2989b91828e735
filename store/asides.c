/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading of asides; see asides.h. Everything is bounded by what the file holds; what a person wrote into it that cannot be read is
 * left out.
 */
#include "store/asides.h"

#include "parsers/item.h"
#include "parsers/sql/session.h"
#include "store/database.h"
#include "store/grown.h"

#include <errno.h>
#include <stdlib.h>

/* Connections that heard something, or that notified of what was heard. */
#define CONCERNED                                                                         \
	"WITH heard AS (SELECT connection, CASE WHEN json_valid(event) "                  \
	"THEN json_extract(event, '$.notification.backend') END AS backend FROM aside), " \
	"concerned AS (SELECT connection AS id FROM heard UNION "                         \
	"SELECT c.id FROM connection c WHERE c.backend IN (SELECT backend FROM heard)) "

/* An exchange that an aside may stand behind. */
struct anchor {
	int64_t connection;
	int64_t ordinal;
	int64_t exchange;
	int64_t started_ns;
	int64_t ended_ns;
};

/* What was asked when the server had ended the session: the first of its connection. */
struct late {
	int64_t connection;
	int64_t exchange;
};

struct backend {
	int64_t connection;
	int64_t number;
	int64_t started_ns;
	int64_t ended_ns;
};

struct loading {
	struct asides *asides;
	struct reader *reader;
	const struct endpoints *endpoints;
	struct anchor *anchors; /* by connection and ordinal */
	size_t n_anchors;
	struct late *late; /* by connection */
	size_t n_late;
	struct backend *backends; /* by number and connection */
	size_t n_backends;
	struct intern spelled; /* connection, channel, payload: statements notify of it */
	struct intern shared;  /* the same -> struct moments, of what no statement spells out */
	struct intern
		heard; /* the same, and the listener -> struct moment **, where it stands in that list */
	struct arena arena; /* of the moments */
	struct buffer key;
};

/* Equal notifications of one session, each with the time at which the first listener heard it. */
struct moments {
	struct moment {
		struct moment *next;
		int64_t at_ns;
	} * first;
};

struct heard {
	const struct answer_aside *aside;
	int64_t by;
	int64_t listener;
	int64_t at_ns;
	int64_t since_ns; /* when the listener came */
};

/* Listeners hear one notification about this time after each other, unless they are in a transaction. */
#define HEARD_NS ((int64_t)200 * 1000000)

/* Who notifies may be gone before the listener's server says it: that reaches listeners later, and behind their transaction. */
#define LATE_NS ((int64_t)60 * 1000000000)

/* How much later, or 0: numbers are what the file says, and no app waits for years. */
static int64_t difference(int64_t later, int64_t earlier)
{
	uint64_t most = (uint64_t)1 << 50;
	uint64_t much = (uint64_t)later - (uint64_t)earlier;

	if (later <= earlier)
		return 0;
	return (int64_t)(much < most ? much : most);
}

static int load_anchors(struct loading *loading)
{
	sqlite3_stmt *sql = NULL;
	int rc = sqlite3_prepare_v2(
		reader_database(loading->reader),
		CONCERNED "SELECT e.connection, e.ordinal, e.id, e.started_ns, "
			  "e.started_ns + coalesce(e.duration_ns, 0) FROM exchange e "
			  "JOIN statement s ON s.id = e.statement "
			  "WHERE e.connection IN (SELECT id FROM concerned) AND s.verb NOT IN "
			  "('begin', 'commit', 'rollback', 'savepoint', 'release', 'rollback to', "
			  "'set', 'show', 'discard', 'deallocate', 'close', 'empty') "
			  "ORDER BY e.connection, e.ordinal",
		-1, &sql, NULL);

	if (rc != SQLITE_OK)
		return rc;
	while (sqlite3_step(sql) == SQLITE_ROW) {
		loading->anchors =
			grown(loading->anchors, loading->n_anchors, sizeof(*loading->anchors));
		loading->anchors[loading->n_anchors++] = (struct anchor){
			.connection = sqlite3_column_int64(sql, 0),
			.ordinal = sqlite3_column_int64(sql, 1),
			.exchange = sqlite3_column_int64(sql, 2),
			.started_ns = sqlite3_column_int64(sql, 3),
			.ended_ns = sqlite3_column_int64(sql, 4),
		};
	}
	return sqlite3_finalize(sql);
}

static int load_backends(struct loading *loading)
{
	sqlite3_stmt *sql = NULL;
	int rc = sqlite3_prepare_v2(
		reader_database(loading->reader),
		CONCERNED "SELECT id, backend, started_ns, coalesce(ended_ns, "
			  "9223372036854775807) FROM connection WHERE backend IS NOT NULL "
			  "AND id IN (SELECT id FROM concerned) ORDER BY backend, id",
		-1, &sql, NULL);

	if (rc != SQLITE_OK)
		return rc;
	while (sqlite3_step(sql) == SQLITE_ROW) {
		loading->backends =
			grown(loading->backends, loading->n_backends, sizeof(*loading->backends));
		loading->backends[loading->n_backends++] = (struct backend){
			.connection = sqlite3_column_int64(sql, 0),
			.number = sqlite3_column_int64(sql, 1),
			.started_ns = sqlite3_column_int64(sql, 2),
			.ended_ns = sqlite3_column_int64(sql, 3),
		};
	}
	return sqlite3_finalize(sql);
}

static int load_late(struct loading *loading)
{
	sqlite3_stmt *sql = NULL;
	int rc = sqlite3_prepare_v2(reader_database(loading->reader),
				    "SELECT connection, id FROM exchange WHERE flags & ?1 "
				    "ORDER BY connection, ordinal",
				    -1, &sql, NULL);

	if (rc != SQLITE_OK)
		return rc;
	sqlite3_bind_int(sql, 1, EXCHANGE_LATE);
	while (sqlite3_step(sql) == SQLITE_ROW) {
		loading->late = grown(loading->late, loading->n_late, sizeof(*loading->late));
		loading->late[loading->n_late++] = (struct late){
			.connection = sqlite3_column_int64(sql, 0),
			.exchange = sqlite3_column_int64(sql, 1),
		};
	}
	return sqlite3_finalize(sql);
}

/* 0: nothing. */
static uint64_t late_of(const struct loading *loading, int64_t connection)
{
	size_t low = 0, high = loading->n_late;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (loading->late[middle].connection < connection)
			low = middle + 1;
		else
			high = middle;
	}
	return low < loading->n_late && loading->late[low].connection == connection ?
		       (uint64_t)loading->late[low].exchange :
		       0;
}

/* ---- notifications that statements spell out ---- */

static struct slice key_of(struct buffer *key, int64_t number, struct slice channel,
			   struct slice payload)
{
	buffer_clear(key);
	buffer_append_u64be(key, (uint64_t)number);
	buffer_append_u64be(key, channel.size);
	buffer_append_slice(key, channel);
	buffer_append_slice(key, payload);
	return buffer_slice(key);
}

struct speller {
	struct loading *loading;
	int64_t connection;
};

static void spelled(void *context, struct slice channel, struct slice payload)
{
	struct speller *speller = context;
	struct loading *loading = speller->loading;

	struct slice key = key_of(&loading->key, speller->connection, channel, payload);

	if (!intern_find(&loading->spelled, key))
		intern_add(&loading->spelled, key, 1);
}

static void spell_exchange(struct loading *loading, int64_t id, int64_t connection)
{
	struct speller speller = { loading, connection };
	struct sql_notify notify = { &speller, spelled };
	struct stored_exchange exchange;
	struct sql_statement statement;
	struct sql_context context;
	struct sql_value *values;
	struct arena arena;

	arena_init(&arena);
	if (reader_exchange(loading->reader, id, &exchange) > 0 &&
	    reader_identity(loading->reader, &exchange, &arena, &context, &statement, &values) > 0)
		sql_notifications(&statement, values, &notify);
	arena_release(&arena);
}

static int load_spelled(struct loading *loading)
{
	sqlite3_stmt *sql = NULL;
	int rc =
		sqlite3_prepare_v2(reader_database(loading->reader),
				   CONCERNED "SELECT e.id, e.connection FROM exchange e "
					     "JOIN statement s ON s.id = e.statement "
					     "WHERE e.connection IN (SELECT id FROM concerned) AND "
					     "(s.verb = 'notify' OR s.text LIKE '%pg_notify%')",
				   -1, &sql, NULL);

	if (rc != SQLITE_OK)
		return rc;
	while (sqlite3_step(sql) == SQLITE_ROW)
		spell_exchange(loading, sqlite3_column_int64(sql, 0), sqlite3_column_int64(sql, 1));
	return sqlite3_finalize(sql);
}

/* ---- where each stands ---- */

/* How many backends have this number or a smaller one. */
static size_t backends_to(const struct loading *loading, int64_t number)
{
	size_t low = 0, high = loading->n_backends;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (loading->backends[middle].number <= number)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The connection of the app whose session that was at the time; 0: somebody else's. A server gives a number again. */
static int64_t notifier(const struct loading *loading, int64_t listener, uint32_t number,
			int64_t at_ns)
{
	const struct endpoint_connection *here = endpoints_connection(loading->endpoints, listener);

	for (size_t i = backends_to(loading, number);
	     i && loading->backends[i - 1].number == number; i--) {
		const struct backend *backend = &loading->backends[i - 1];
		const struct endpoint_connection *there;

		if (backend->started_ns > at_ns || difference(at_ns, backend->ended_ns) > LATE_NS)
			continue;
		there = endpoints_connection(loading->endpoints, backend->connection);
		if (here && there && here->place == there->place)
			return backend->connection;
	}
	return 0;
}

/* The connection's last exchange up to this ordinal, or (ordinal 0) that was begun up to this time. */
static const struct anchor *anchor_of(const struct loading *loading, int64_t connection,
				      int64_t ordinal, int64_t at_ns)
{
	size_t low = 0;
	size_t high = loading->n_anchors;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct anchor *anchor = &loading->anchors[middle];
		bool later = ordinal ? anchor->ordinal > ordinal : anchor->started_ns > at_ns;

		if (anchor->connection > connection || (anchor->connection == connection && later))
			high = middle;
		else
			low = middle + 1;
	}
	if (!low || loading->anchors[low - 1].connection != connection)
		return NULL;
	return &loading->anchors[low - 1];
}

/* Did another listener hear the notification before? Each hears them in their order. */
static bool heard_before(struct loading *loading, const struct heard *heard)
{
	const struct answer_aside *aside = heard->aside;
	struct slice key = key_of(&loading->key, heard->by, aside->channel, aside->payload);
	struct moments *moments = intern_find(&loading->shared, key);
	struct moment ***at, *moment;

	if (!moments)
		moments = intern_add(&loading->shared, key, sizeof(*moments));
	buffer_append_u64be(&loading->key, (uint64_t)heard->listener);
	key = buffer_slice(&loading->key);
	at = intern_find(&loading->heard, key);
	if (!at) {
		at = intern_add(&loading->heard, key, sizeof(*at));
		*at = &moments->first;
	}
	while ((moment = **at)) {
		*at = &moment->next;
		if (moment->at_ns >= heard->since_ns &&
		    (aside->within || difference(heard->at_ns, moment->at_ns) < HEARD_NS))
			return true;
	}
	moment = arena_alloc(&loading->arena, sizeof(*moment));
	moment->at_ns = heard->at_ns;
	**at = moment;
	*at = &moment->next;
	return false;
}

static void add(struct loading *loading, const struct anchor *anchor, int64_t at_ns,
		int64_t ordinal, const struct answer_aside *aside)
{
	struct asides *asides = loading->asides;
	struct aside_entry *entry;

	asides->list = grown(asides->list, asides->n, sizeof(*asides->list));
	entry = &asides->list[asides->n];
	entry->number = asides->n++;
	entry->exchange = anchor->exchange;
	entry->aside = *aside;
	if (!aside->shared)
		entry->aside.behind = (uint32_t)(difference(ordinal, anchor->ordinal) & UINT32_MAX);
	entry->aside.delay_ns = difference(at_ns, anchor->ended_ns);
	atomic_init(&entry->given, false);
}

/* Adds the aside that `sql` stands on. */
static void load_aside(struct loading *loading, sqlite3_stmt *sql)
{
	int64_t connection = sqlite3_column_int64(sql, 0);
	int64_t at_ns = sqlite3_column_int64(sql, 1);
	int64_t ordinal = sqlite3_column_int64(sql, 2);
	struct arena *arena = &loading->asides->arena;
	const struct anchor *anchor;
	struct answer_aside aside;
	struct heard heard = { &aside, 0, connection, at_ns, 0 };
	int64_t by = 0;

	if (decode_aside(arena_copy(arena, database_column(sql, 4)), arena, &aside) < 0)
		return;
	aside.within = sqlite3_column_int(sql, 3) != 0;
	if (aside.type == ASIDE_ERROR || aside.type == ASIDE_END)
		aside.asked = late_of(loading, connection);
	if (aside.type == ASIDE_NOTIFICATION)
		by = notifier(loading, connection, aside.backend, at_ns);
	if (by &&
	    intern_find(&loading->spelled, key_of(&loading->key, by, aside.channel, aside.payload)))
		return;
	aside.shared = by != 0;
	heard.by = by;
	heard.since_ns = sqlite3_column_int64(sql, 5);
	if (by && heard_before(loading, &heard))
		return;
	if (by)
		anchor = anchor_of(loading, by, 0, at_ns);
	else
		anchor = ordinal ? anchor_of(loading, connection, ordinal, 0) : NULL;
	if (anchor)
		add(loading, anchor, at_ns, ordinal, &aside);
}

static int compare_entries(const void *a, const void *b)
{
	const struct aside_entry *left = a;
	const struct aside_entry *right = b;

	if (left->exchange != right->exchange)
		return left->exchange < right->exchange ? -1 : 1;
	return left->number < right->number ? -1 : 1; /* qsort() is not stable */
}

static int load_all(struct loading *loading)
{
	sqlite3_stmt *sql = NULL;
	int rc = sqlite3_prepare_v2(reader_database(loading->reader),
				    "SELECT connection, at_ns, ordinal, within, event, (SELECT "
				    "started_ns FROM connection c WHERE c.id = a.connection) "
				    "FROM aside a ORDER BY a.id",
				    -1, &sql, NULL);

	if (rc != SQLITE_OK)
		return rc;
	while (sqlite3_step(sql) == SQLITE_ROW)
		load_aside(loading, sql);
	if (loading->asides->n)
		qsort(loading->asides->list, loading->asides->n, sizeof(*loading->asides->list),
		      compare_entries);
	return sqlite3_finalize(sql);
}

/* Is there a row? Most recordings have none, and are not looked through. */
static bool has(struct loading *loading, const char *text)
{
	sqlite3_stmt *sql = NULL;
	bool found = sqlite3_prepare_v2(reader_database(loading->reader), text, -1, &sql, NULL) ==
			     SQLITE_OK &&
		     sqlite3_step(sql) == SQLITE_ROW;

	sqlite3_finalize(sql);
	return found;
}

int asides_load(struct asides *asides, struct reader *reader, const struct endpoints *endpoints)
{
	struct loading loading = { .asides = asides, .reader = reader, .endpoints = endpoints };
	int rc;

	*asides = (struct asides){ 0 };
	arena_init(&asides->arena);
	asides->any = has(&loading, "SELECT 1 FROM statement WHERE verb = 'listen' LIMIT 1");
	if (!has(&loading, "SELECT 1 FROM aside LIMIT 1"))
		return SQLITE_OK;
	asides->any = true;
	intern_init(&loading.spelled, SIZE_MAX);
	intern_init(&loading.shared, SIZE_MAX);
	intern_init(&loading.heard, SIZE_MAX);
	buffer_init(&loading.key, (size_t)64 << 20);
	rc = load_anchors(&loading);
	if (rc == SQLITE_OK)
		rc = load_backends(&loading);
	if (rc == SQLITE_OK)
		rc = load_late(&loading);
	if (rc == SQLITE_OK)
		rc = load_spelled(&loading);
	if (rc == SQLITE_OK)
		rc = load_all(&loading);
	intern_release(&loading.spelled);
	intern_release(&loading.shared);
	intern_release(&loading.heard);
	arena_release(&loading.arena);
	buffer_release(&loading.key);
	free(loading.anchors);
	free(loading.late);
	free(loading.backends);
	return rc;
}

void asides_release(struct asides *asides)
{
	free(asides->list);
	arena_release(&asides->arena);
	*asides = (struct asides){ 0 };
}

const struct answer_aside *asides_next(struct asides *asides, int64_t exchange, size_t *at)
{
	size_t low = 0;
	size_t high = asides->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (asides->list[middle].exchange < exchange)
			low = middle + 1;
		else
			high = middle;
	}
	for (low += *at; low < asides->n && asides->list[low].exchange == exchange; low++) {
		struct aside_entry *entry = &asides->list[low];

		++*at;
		if (entry->aside.shared || !atomic_exchange(&entry->given, true))
			return &entry->aside;
	}
	return NULL;
}
