/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading the identities of HTTP exchanges; see http_match.h. Their hashes were stored for requests that were small and
 * came whole; the others, those that a person edited, and those of other rules are made here from the rows.
 */
#include "parsers/protocol.h"
#include "store/database.h"
#include "store/http_match.h"
#include "store/http_reader.h"
#include "store/recording_state.h"

#include <stdlib.h>

/* What a host's name and port may weigh. */
#define AUTHORITY_BYTES_MAX ((size_t)4096)

/* Columns of the query below. */
enum {
	ID,
	CONNECTION,
	OUTCOME,
	FLAGS,
	HASH,
	AUTHORITY,
	STATUS,
	WEBSOCKET,
	METHOD,
	FRONT,
	WAITS,
	ORDINAL,
	STARTED_NS
};

static const char load_sql[] =
	"SELECT id, connection, outcome, flags, exact_hash, authority, status, "
	"status = 101 AND response_headers LIKE '%\"websocket\"%', "
	"method, "
	"CASE WHEN flags & 512 THEN (SELECT body_bytes FROM http_request WHERE exchange = id) END, "
	"CASE WHEN flags & 512 THEN coalesce((method, CAST(text AS BLOB)) IN (SELECT method, "
	"CAST(text AS BLOB) FROM exchange WHERE kind = 6 AND (flags & 512) = 0), 1) END, "
	"ordinal, started_ns "
	"FROM exchange WHERE kind = 6 ORDER BY id";

/*
 * Can its answer be given? One that was cut is, and is cut again. Behind 101 the connection speaks something else, of which
 * a WebSocket's messages are known.
 */
static bool is_servable(sqlite3_stmt *sql)
{
	int64_t outcome = sqlite3_column_int64(sql, OUTCOME);
	int64_t flags = sqlite3_column_int64(sql, FLAGS);
	int64_t status = sqlite3_column_int64(sql, STATUS);

	if (sqlite3_column_type(sql, STATUS) != SQLITE_INTEGER ||
	    (status == 101 && !sqlite3_column_int(sql, WEBSOCKET)))
		return false;
	if (flags & (EXCHANGE_NOT_DECODED | EXCHANGE_AMBIGUOUS | EXCHANGE_REQUEST_TOO_LARGE))
		return false;
	/* It is not known what else would have come, unless the answer came before all of it, and HTTP goes on behind it. */
	if ((flags & EXCHANGE_REQUEST_CUT) &&
	    ((flags & EXCHANGE_CUT) || status == 101 || sqlite3_column_int64(sql, FRONT) < 0 ||
	     slice_equal(database_column(sql, METHOD), SLICE("CONNECT"))))
		return false;
	return outcome == OUTCOME_OK || outcome == OUTCOME_ERROR ||
	       (outcome == OUTCOME_UNFINISHED && (flags & EXCHANGE_CUT));
}

/*
 * Was nothing said to it? Then that is its answer: silence, where the client gave up or the recording ended, or the connection's
 * end. A server that closes a connection which it kept for a while may meet a request that is under way, and the client asks
 * it again: whether that happens is chance, and so it counts only where nothing else was recorded.
 */
static bool is_unanswered(sqlite3_stmt *sql, enum match_class *ret_class)
{
	int64_t flags = sqlite3_column_int64(sql, FLAGS);
	bool ended = flags & (EXCHANGE_SERVER_ENDED | EXCHANGE_SERVER_RESET);

	if (sqlite3_column_type(sql, STATUS) != SQLITE_NULL || !(flags & EXCHANGE_CUT) ||
	    (flags & (EXCHANGE_NOT_DECODED | EXCHANGE_AMBIGUOUS | EXCHANGE_REQUEST_TOO_LARGE |
		      EXCHANGE_REQUEST_CUT)))
		return false;
	*ret_class =
		ended && sqlite3_column_int64(sql, ORDINAL) > 1 ? MATCH_LOST : MATCH_UNANSWERED;
	return true;
}

static void add_authority(struct matcher *matcher, uint32_t place, struct slice authority)
{
	struct http_place *known = &matcher->http_places[place];

	if (!known->authority && authority.size <= AUTHORITY_BYTES_MAX) {
		known->authority = malloc(authority.size + 1);
		if (!known->authority)
			abort();
		if (authority.size)
			memcpy(known->authority, authority.data, authority.size);
		known->size = authority.size;
	}
	known->several |= !known->authority ||
			  !slice_equal_nocase(authority, slice_of(known->authority, known->size));
}

/* Adds the exchange that `sql` stands on; false when the index is full. */
static bool add_exchange(struct matcher *matcher, struct reader *reader, sqlite3_stmt *sql)
{
	int64_t id = sqlite3_column_int64(sql, ID);
	const struct endpoint_connection *connection =
		endpoints_connection(&matcher->endpoints, sqlite3_column_int64(sql, CONNECTION));
	uint32_t place = connection ? connection->place : 0;
	enum match_class class = is_servable(sql) ? MATCH_SERVED : MATCH_UNSERVABLE;
	struct slice canonical;
	uint64_t hash = 0;

	if (id < 1 || id > UINT32_MAX || !place)
		return true;
	if (!matcher->recording->stale && sqlite3_column_type(sql, HASH) == SQLITE_INTEGER)
		hash = (uint64_t)sqlite3_column_int64(sql, HASH);
	else if (reader_http_canonical(reader, id, &canonical) > 0)
		hash = http_exact_hash(canonical);
	if (!hash) /* nothing that can be asked for */
		return true;
	matcher->n_http_unanswered += is_unanswered(sql, &class);
	add_authority(matcher, place, database_column(sql, AUTHORITY));
	matcher->unservable_entries += class == MATCH_UNSERVABLE;
	if (class == MATCH_SERVED && (sqlite3_column_int64(sql, FLAGS) & EXCHANGE_REQUEST_CUT))
		http_early_add(matcher, (uint32_t)id, (uint64_t)sqlite3_column_int64(sql, FRONT),
			       sqlite3_column_int(sql, WAITS));
	return index_add(&matcher->index, matcher_key(hash, place, class), (uint32_t)id, 0,
			 sqlite3_column_int64(sql, STARTED_NS));
}

/* A recording without HTTP need not be walked once more, which takes a fifth of the time that loading takes. */
static int has_connections(sqlite3 *database, bool *ret_some)
{
	sqlite3_stmt *sql = NULL;
	int rc = sqlite3_prepare_v2(database,
				    "SELECT 1 FROM connection WHERE protocol = 'http' LIMIT 1", -1,
				    &sql, NULL);

	*ret_some = rc == SQLITE_OK && sqlite3_step(sql) == SQLITE_ROW;
	return sqlite3_finalize(sql);
}

int http_load(struct matcher *matcher, struct reader *reader)
{
	sqlite3 *database = reader_database(reader);
	sqlite3_stmt *sql = NULL;
	bool full = false;
	bool some;
	int rc = has_connections(database, &some);

	matcher->http_places =
		calloc((size_t)matcher->endpoints.places + 1, sizeof(*matcher->http_places));
	if (!matcher->http_places)
		abort();
	if (rc != SQLITE_OK || !some)
		return rc;
	rc = sqlite3_prepare_v2(database, load_sql, -1, &sql, NULL);
	if (rc != SQLITE_OK)
		return rc;
	while (!full && sqlite3_step(sql) == SQLITE_ROW)
		full = !add_exchange(matcher, reader, sql);
	rc = sqlite3_finalize(sql);
	return rc == SQLITE_OK && full ? SQLITE_TOOBIG : rc;
}

void http_places_free(struct matcher *matcher)
{
	for (size_t i = 0; matcher->http_places && i <= matcher->endpoints.places; i++)
		free(matcher->http_places[i].authority);
	free(matcher->http_places);
	free(matcher->http_early);
}
