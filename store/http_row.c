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

/* What is there, if only empty. */
static struct cell cell_present(struct slice bytes)
{
	return cell_bytes(bytes.data ? bytes : slice_of("", 0));
}

static struct cell cell_nonempty(struct slice bytes)
{
	return cell_bytes(bytes.size ? bytes : slice_of(NULL, 0));
}

/* Status, reason, headers. */
static void response_cells(struct ingest *ingest, struct cell cells[3],
			   const struct http_response *response)
{
	if (!response)
		return;
	cells[0] = cell_number(response->status);
	cells[1] = cell_present(response->reason);
	cells[2] = cell_text(headers(ingest, HTTP_RESPONSE, &response->fields));
}

static struct cell body_cell(const struct http_row_body *body)
{
	return body->coding.data ? cell_present(body->value) : cell_nonempty(body->value);
}

static void request_cells(struct ingest *ingest, struct cell *cells,
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
	cells[CELL_METHOD] = cell_text(request->method);
	cells[CELL_AUTHORITY] = cell_nonempty(authority);
	cells[CELL_TEXT] = cell_present(request->path);
	cells[CELL_QUERY] = cell_bytes(request->query);
	cells[CELL_REQUEST_HEADERS] = cell_text(headers(ingest, HTTP_REQUEST, &request->fields));
}

int http_row_add(struct ingest *ingest, const struct connection_state *connection,
		 const struct http_row *row)
{
	const struct exchange_item *item = row->item;
	struct exchange_row exchange = { 0 };
	struct cell *cells = exchange.cells, response[3] = { 0 };
	int rc;

	ingest->summary.exchanges++;
	ingest->summary.unfinished++;
	cells[CELL_ID] = cell_number(row->exchange);
	cells[CELL_CONNECTION] = cell_number((int64_t)connection->number);
	cells[CELL_ORDINAL] = cell_number((int64_t)item->ordinal);
	cells[CELL_BATCH] = cell_number((int64_t)item->batch);
	cells[CELL_BATCH_INDEX] = cell_number(0);
	cells[CELL_STARTED] = cell_number(item->start_ns);
	ingest_end_cells(&exchange, item, item->start_ns, 0);
	cells[CELL_KIND] = cell_number(item->kind);
	if (row->hash)
		cells[CELL_EXACT] = cell_number((int64_t)row->hash);
	request_cells(ingest, cells, item->request);
	cells[CELL_PARAMETERS] = body_cell(&row->bodies[HTTP_REQUEST]);
	response_cells(ingest, response, row->response);
	cells[CELL_STATUS] = response[0];
	cells[CELL_TAG] = response[1];
	cells[CELL_RESPONSE_HEADERS] = response[2];
	cells[CELL_EDITED] = cell_number(0);
	cells[CELL_INLINE] = cell_number(0);
	cells[CELL_EMPTY] = cell_number(0);
	cells[CELL_ROWS] = body_cell(&row->bodies[HTTP_RESPONSE]);
	rc = ingest_add_row(ingest, &exchange);
	if (rc == SQLITE_OK)
		rc = write_apart(ingest, row);
	if (item->closes)
		ingest_count_end(ingest, item->outcome, item->flags);
	return rc;
}

static int set_response(struct ingest *ingest, const struct http_row *row)
{
	sqlite3_stmt *sql = ingest->sql[SET_HTTP_RESPONSE];
	struct cell cells[3] = { 0 };

	sqlite3_bind_int64(sql, 1, row->exchange);
	response_cells(ingest, cells, row->response);
	cells_bind(sql, 2, cells, ARRAY_SIZE(cells));
	return database_run(sql);
}

static int set_end(struct ingest *ingest, const struct http_row *row)
{
	sqlite3_stmt *sql = ingest->sql[SET_HTTP_BODIES];
	int rc;

	ingest_count_end(ingest, row->item->outcome, row->item->flags);
	sqlite3_bind_int64(sql, 1, row->exchange);
	for (int side = 0; side < 2; side++)
		cells_bind(sql, 2 + side, (struct cell[]){ body_cell(&row->bodies[side]) }, 1);
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
	int rc = ingest_flush(ingest);

	if (rc == SQLITE_OK && row->response)
		rc = set_response(ingest, row);
	if (rc == SQLITE_OK && row->item->closes)
		rc = set_end(ingest, row);
	if (rc == SQLITE_OK && (row->response || row->item->closes))
		rc = write_apart(ingest, row);
	return rc;
}
