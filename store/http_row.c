/* SPDX-License-Identifier: Apache-2.0 */
/* Binding and storing the row of an HTTP exchange; see http_row.h. Credentials are masked here, before anything is stored. */
#include "store/http_row.h"

#include "parsers/http/credentials.h"
#include "store/http_heads.h"

#include <stdlib.h>

static struct slice headers(struct ingest *ingest, enum http_side side,
			    const struct http_fields *fields)
{
	if (!ingest->http_heads[side])
		ingest->http_heads[side] = http_heads_new();
	return http_heads_json(ingest->http_heads[side], fields);
}

/* ---- what few have ---- */

static bool bind_version(sqlite3_stmt *sql, int at, uint8_t minor)
{
	const char version[] = { '1', '.', (char)('0' + minor) };

	if (minor == 1)
		return false;
	sqlite3_bind_text(sql, at, version, sizeof(version), SQLITE_TRANSIENT);
	return true;
}

static bool bind_some(sqlite3_stmt *sql, int at, struct slice bytes)
{
	if (!bytes.size)
		return false;
	database_bind(sql, at, bytes);
	return true;
}

/* Coding, bytes as they passed, part, size: four places from `at` on. */
static bool bind_apart_body(sqlite3_stmt *sql, int at, const struct http_row_body *body,
			    enum http_side side)
{
	if (!body->coding.data && !body->in_parts)
		return false;
	if (body->coding.data) {
		database_bind(sql, at, body->coding);
		sqlite3_bind_blob64(sql, at + 1, body->wire.data, body->wire.size, SQLITE_STATIC);
	}
	if (body->in_parts)
		sqlite3_bind_int64(sql, at + 2, HTTP_PART + side);
	sqlite3_bind_int64(sql, at + 3, (int64_t)body->bytes);
	if (body->readable)
		sqlite3_bind_int64(sql, 17 + (int)side, HTTP_READABLE_PART + side);
	return true;
}

static bool bind_apart_request(sqlite3_stmt *sql, const struct http_request *request)
{
	static const char *const forms[] = { NULL, "absolute", "authority", "asterisk" };
	bool any = false;

	if (!slice_equal(request->scheme, SLICE("http")))
		any |= bind_some(sql, 2, request->scheme);
	any |= bind_some(sql, 3, slice_from_string(forms[request->form]));
	return any | bind_version(sql, 4, request->minor);
}

static int write_apart(struct ingest *ingest, const struct http_row *row)
{
	sqlite3_stmt *sql = ingest->sql[SET_HTTP_APART];
	bool any = row->item->opens && bind_apart_request(sql, row->item->request);
	int rc = SQLITE_OK;

	if (row->response)
		any |= bind_version(sql, 5, row->response->minor);
	any |= bind_some(sql, 6, row->interim);
	for (size_t side = 0; side < ARRAY_SIZE(row->bodies); side++) {
		int at = side == HTTP_REQUEST ? 7 : 12;

		any |= bind_some(sql, at, row->bodies[side].trailers);
		any |= bind_apart_body(sql, at + 1, &row->bodies[side], (enum http_side)side);
	}
	if (!any)
		return SQLITE_OK;
	sqlite3_bind_int64(sql, 1, row->exchange);
	rc = database_run(sql);
	sqlite3_clear_bindings(sql);
	return rc;
}

/* ---- what all have ---- */

/* Three places from `at` on. */
static void bind_response(struct ingest *ingest, sqlite3_stmt *sql, int at,
			  const struct http_response *response)
{
	if (!response) {
		for (int i = 0; i < 3; i++)
			sqlite3_bind_null(sql, at + i);
		return;
	}
	sqlite3_bind_int(sql, at, response->status);
	database_bind(sql, at + 1, response->reason.size ? response->reason : slice_of("", 0));
	database_bind_text(sql, at + 2, headers(ingest, HTTP_RESPONSE, &response->fields));
}

static void bind_body(sqlite3_stmt *sql, int at, const struct http_row_body *body)
{
	if (body->coding.data)
		database_bind(sql, at, body->value.size ? body->value : slice_of("", 0));
	else
		database_bind_nonempty(sql, at, body->value);
}

/* Five places from `at` on. */
static void bind_request(struct ingest *ingest, sqlite3_stmt *sql, int at,
			 const struct http_request *request)
{
	struct slice authority = request->authority;

	if (authority.size && memchr(authority.data, '@', authority.size)) {
		struct buffer masked;

		buffer_init(&masked, 2 * authority.size + 8);
		http_mask_authority(&masked, authority);
		authority = arena_copy(&ingest->arena, buffer_slice(&masked));
		buffer_release(&masked);
	}
	database_bind_text(sql, at, request->method);
	database_bind_nonempty(sql, at + 1, authority);
	database_bind(sql, at + 2, request->path.data ? request->path : slice_of("", 0));
	database_bind(sql, at + 3, request->query);
	database_bind_text(sql, at + 4, headers(ingest, HTTP_REQUEST, &request->fields));
}

int http_row_add(struct ingest *ingest, const struct connection_state *connection,
		 const struct http_row *row)
{
	const struct exchange_item *item = row->item;
	sqlite3_stmt *sql = ingest->sql[ADD_HTTP_EXCHANGE];
	int rc;

	ingest->summary.exchanges++;
	ingest->summary.unfinished++;
	sqlite3_bind_int64(sql, 1, row->exchange);
	sqlite3_bind_int64(sql, 2, (int64_t)connection->number);
	sqlite3_bind_int64(sql, 3, (int64_t)item->ordinal);
	sqlite3_bind_int64(sql, 4, (int64_t)item->batch);
	sqlite3_bind_int64(sql, 5, item->start_ns);
	ingest_bind_end(sql, 6, item, item->start_ns, 0);
	if (row->hash)
		sqlite3_bind_int64(sql, 10, (int64_t)row->hash);
	else
		sqlite3_bind_null(sql, 10);
	bind_request(ingest, sql, 11, item->request);
	bind_body(sql, 16, &row->bodies[HTTP_REQUEST]);
	bind_response(ingest, sql, 17, row->response);
	bind_body(sql, 20, &row->bodies[HTTP_RESPONSE]);
	rc = database_run(sql);
	if (rc == SQLITE_OK)
		rc = write_apart(ingest, row);
	if (item->closes)
		ingest_count_end(ingest, item->outcome, item->flags);
	return rc;
}

static int set_response(struct ingest *ingest, const struct http_row *row)
{
	sqlite3_stmt *sql = ingest->sql[SET_HTTP_RESPONSE];

	sqlite3_bind_int64(sql, 1, row->exchange);
	bind_response(ingest, sql, 2, row->response);
	return database_run(sql);
}

static int set_end(struct ingest *ingest, const struct http_row *row)
{
	sqlite3_stmt *sql = ingest->sql[SET_HTTP_BODIES];
	int rc;

	ingest_count_end(ingest, row->item->outcome, row->item->flags);
	sqlite3_bind_int64(sql, 1, row->exchange);
	bind_body(sql, 2, &row->bodies[HTTP_REQUEST]);
	bind_body(sql, 3, &row->bodies[HTTP_RESPONSE]);
	rc = database_run(sql);
	if (rc != SQLITE_OK)
		return rc;
	sql = ingest->sql[END_EXCHANGE];
	ingest_bind_end(sql, 1, row->item, row->start_ns, 0);
	sqlite3_bind_int64(sql, 5, row->exchange);
	return database_run(sql);
}

int http_row_set(struct ingest *ingest, const struct http_row *row)
{
	int rc = SQLITE_OK;

	if (row->response)
		rc = set_response(ingest, row);
	if (rc == SQLITE_OK && row->item->closes)
		rc = set_end(ingest, row);
	if (rc == SQLITE_OK && (row->response || row->item->closes))
		rc = write_apart(ingest, row);
	return rc;
}
