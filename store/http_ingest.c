/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP exchanges into rows; see http_ingest.h. Credentials are masked here, before anything is stored.
 *
 * Invariants: a body's `held` is what is not in value_part yet, at most SCHEMA_VALUE_MAX; all of them together are
 * ingest->http_held and stay below HELD_BYTES, beyond which a body goes to value_part early.
 */
#include "store/http_ingest.h"

#include "parsers/http/credentials.h"
#include "parsers/http/exchange.h"
#include "store/http_coding.h"
#include "store/schema.h"

#include <stdlib.h>

#define HELD_BYTES ((size_t)64 << 20)
/* Trailers and responses before the final one, as JSON: the recorder bounds what they are made of. */
#define EXTRA_BYTES ((size_t)16 << 20)

struct body {
	enum http_side side;
	struct buffer held;
	bool in_parts;
	uint32_t sequence;
	uint64_t bytes; /* as they passed */
	struct buffer trailers;
	struct buffer coding; /* what its Content-Encoding says */
};

struct http_open {
	struct http_open *next;
	uint64_t ordinal;
	int64_t id;
	int64_t start_ns;
	struct body bodies[2]; /* by enum http_side */
	struct buffer interim;
	bool answered; /* its http_response is there */
};

/* ---- life ---- */

static struct http_open *open_new(struct ingest *ingest, const struct exchange_item *item)
{
	struct http_open *open = calloc(1, sizeof(*open));

	if (!open)
		abort();
	open->ordinal = item->ordinal;
	open->id = ingest->next_exchange++;
	open->start_ns = item->start_ns;
	buffer_init(&open->interim, EXTRA_BYTES);
	for (size_t i = 0; i < ARRAY_SIZE(open->bodies); i++) {
		open->bodies[i].side = (enum http_side)i;
		buffer_init(&open->bodies[i].held, SCHEMA_VALUE_MAX);
		buffer_init(&open->bodies[i].trailers, EXTRA_BYTES);
		buffer_init(&open->bodies[i].coding, HTTP_CODING_BYTES);
	}
	return open;
}

static void open_free(struct http_open *open)
{
	for (size_t i = 0; i < ARRAY_SIZE(open->bodies); i++) {
		buffer_release(&open->bodies[i].held);
		buffer_release(&open->bodies[i].trailers);
		buffer_release(&open->bodies[i].coding);
	}
	buffer_release(&open->interim);
	free(open);
}

void http_ingest_forget(struct connection_state *connection)
{
	while (connection->http_open) {
		struct http_open *next = connection->http_open->next;

		open_free(connection->http_open);
		connection->http_open = next;
	}
}

/* ---- headers ---- */

/* [["Name", "value"], ...] in their order, as they may be kept. */
static void append_fields(struct ingest *ingest, const struct http_fields *fields,
			  struct buffer *json)
{
	buffer_append_u8(json, '[');
	for (size_t i = 0; i < fields->n; i++) {
		const struct name_value *field = &fields->list[i];

		buffer_append_string(json, i ? ",\n [" : "[");
		encode_text(json, field->name);
		buffer_append_string(json, ", ");
		buffer_clear(&ingest->scratch);
		http_mask_field(&ingest->scratch, field->name, field->value);
		encode_text(json, buffer_slice(&ingest->scratch));
		buffer_append_u8(json, ']');
	}
	buffer_append_u8(json, ']');
}

static void append_interim(struct ingest *ingest, struct http_open *open,
			   const struct http_response *response)
{
	struct buffer *json = &open->interim;

	buffer_append_string(json, json->size ? ",\n {\"status\": " : "[{\"status\": ");
	buffer_append_unsigned(json, response->status);
	buffer_append_string(json, ", \"reason\": ");
	encode_text(json, response->reason);
	buffer_append_string(json, ", \"headers\": ");
	append_fields(ingest, &response->fields, json);
	buffer_append_u8(json, '}');
}

/* ---- bodies ---- */

static int write_held(struct ingest *ingest, const struct http_open *open, struct body *body)
{
	int rc = ingest_part(ingest, open->id, HTTP_PART + body->side, &body->sequence,
			     buffer_slice(&body->held));

	body->in_parts = true;
	ingest->http_held -= body->held.size;
	buffer_clear(&body->held);
	return rc;
}

static int add_body(struct ingest *ingest, struct http_open *open, const struct piece *piece)
{
	struct body *body =
		&open->bodies[piece->result == HTTP_REQUEST ? HTTP_REQUEST : HTTP_RESPONSE];
	struct slice bytes = piece->bytes;

	body->bytes += bytes.size;
	while (bytes.size) {
		size_t room = SCHEMA_VALUE_MAX - body->held.size;
		int rc = SQLITE_OK;

		if (!room || (body->held.size && ingest->http_held > HELD_BYTES)) {
			rc = write_held(ingest, open, body);
			room = SCHEMA_VALUE_MAX;
		}
		if (rc != SQLITE_OK)
			return rc;
		if (room > bytes.size)
			room = bytes.size;
		buffer_append(&body->held, bytes.data, room);
		ingest->http_held += room;
		bytes = slice_of(bytes.data + room, bytes.size - room);
	}
	return SQLITE_OK;
}

/* Six places from 2 on. `decoded` has to live until the statement was run. */
static void bind_body(sqlite3_stmt *sql, const struct body *body, bool complete,
		      struct buffer *decoded)
{
	struct slice held = buffer_slice(&body->held);
	struct slice coding = buffer_slice(&body->coding);
	bool readable = complete && !body->in_parts && held.size && !body->coding.overflowed &&
			http_is_coded(coding) && http_decode(coding, held, decoded) == 0;

	for (int i = 2; i < 8; i++)
		sqlite3_bind_null(sql, i);
	if (readable) {
		database_bind(sql, 2, decoded->size ? buffer_slice(decoded) : slice_of("", 0));
		database_bind(sql, 3, coding);
		sqlite3_bind_blob64(sql, 4, held.data, held.size, SQLITE_STATIC);
	} else if (complete && !body->in_parts) {
		database_bind_nonempty(sql, 2, held);
	}
	if (body->in_parts)
		sqlite3_bind_int64(sql, 5, HTTP_PART + body->side);
	sqlite3_bind_int64(sql, 6, (int64_t)body->bytes);
	database_bind_nonempty(sql, 7, buffer_slice(&body->trailers));
}

/* ---- rows ---- */

static void bind_version(sqlite3_stmt *sql, int at, uint8_t minor)
{
	const char version[] = { '1', '.', (char)('0' + minor) };

	sqlite3_bind_text(sql, at, version, sizeof(version), SQLITE_TRANSIENT);
}

static int run_and_release(sqlite3_stmt *sql, struct buffer *decoded)
{
	int rc = database_run(sql);

	buffer_release(decoded);
	return rc;
}

static int add_request(struct ingest *ingest, const struct http_open *open,
		       const struct exchange_item *item)
{
	static const char *const forms[] = { NULL, "absolute", "authority", "asterisk" };
	const struct http_request *request = item->request;
	sqlite3_stmt *sql = ingest->sql[ADD_HTTP_REQUEST];
	struct buffer decoded, authority;
	int rc;

	buffer_init(&decoded, HTTP_DECODED_MAX);
	buffer_init(&authority, 2 * request->authority.size + 8);
	http_mask_authority(&authority, request->authority);
	buffer_clear(&ingest->json);
	append_fields(ingest, &request->fields, &ingest->json);
	sqlite3_bind_int64(sql, 1, open->id);
	bind_body(sql, &open->bodies[HTTP_REQUEST], item->closes, &decoded);
	bind_version(sql, 8, request->minor);
	database_bind(sql, 9, buffer_slice(&ingest->json));
	database_bind(sql, 10, request->method);
	database_bind(sql, 11, request->scheme.size ? request->scheme : SLICE("http"));
	database_bind_nonempty(sql, 12, buffer_slice(&authority));
	database_bind(sql, 13, request->path.data ? request->path : slice_of("", 0));
	database_bind(sql, 14, request->query);
	database_bind(sql, 15, slice_from_string(forms[request->form]));
	rc = run_and_release(sql, &decoded);
	buffer_release(&authority);
	return rc;
}

static int add_response(struct ingest *ingest, struct http_open *open,
			const struct exchange_item *item, const struct http_response *response)
{
	sqlite3_stmt *sql = ingest->sql[ADD_HTTP_RESPONSE];
	struct buffer decoded;

	buffer_init(&decoded, HTTP_DECODED_MAX);
	buffer_clear(&ingest->json);
	append_fields(ingest, &response->fields, &ingest->json);
	sqlite3_bind_int64(sql, 1, open->id);
	bind_body(sql, &open->bodies[HTTP_RESPONSE], item->closes, &decoded);
	bind_version(sql, 8, response->minor);
	database_bind(sql, 9, buffer_slice(&ingest->json));
	sqlite3_bind_int(sql, 10, response->status);
	database_bind(sql, 11, response->reason.size ? response->reason : slice_of("", 0));
	database_bind_nonempty(sql, 12, buffer_slice(&open->interim));
	open->answered = true;
	return run_and_release(sql, &decoded);
}

/* The end of an exchange whose rows were made with an earlier item. */
static int set_end(struct ingest *ingest, const struct http_open *open,
		   const struct exchange_item *item, enum http_side side)
{
	sqlite3_stmt *sql =
		ingest->sql[side == HTTP_REQUEST ? SET_HTTP_REQUEST : SET_HTTP_RESPONSE];
	struct buffer decoded;

	buffer_init(&decoded, HTTP_DECODED_MAX);
	sqlite3_bind_int64(sql, 1, open->id);
	bind_body(sql, &open->bodies[side], item->closes, &decoded);
	if (side == HTTP_RESPONSE)
		database_bind_nonempty(sql, 8, buffer_slice(&open->interim));
	return run_and_release(sql, &decoded);
}

/*
 * Of a request that came whole with this item and is small; others get theirs when a replay loads the recording (0 here).
 * The body is in `held` then.
 */
static uint64_t identity_hash(struct ingest *ingest, const struct exchange_item *item,
			      const struct http_open *open)
{
	const struct body *body = &open->bodies[HTTP_REQUEST];
	struct http_content content;
	struct buffer decoded;

	if (!item->closes || body->in_parts || body->bytes > HTTP_COMPARED_MAX)
		return 0;
	buffer_init(&decoded, HTTP_DECODED_MAX);
	content = http_content_of(&item->request->fields, buffer_slice(&body->held), &decoded);
	buffer_clear(&ingest->scratch);
	http_canonical(item->request, &content, &ingest->scratch);
	buffer_release(&decoded);
	return ingest->scratch.overflowed ? 0 : http_exact_hash(buffer_slice(&ingest->scratch));
}

static int add_exchange(struct ingest *ingest, const struct connection_state *connection,
			const struct exchange_item *item, const struct http_open *open)
{
	sqlite3_stmt *sql = ingest->sql[ADD_HTTP_EXCHANGE];
	uint64_t hash = identity_hash(ingest, item, open);

	ingest->summary.exchanges++;
	ingest->summary.unfinished++;
	sqlite3_bind_int64(sql, 1, open->id);
	sqlite3_bind_int64(sql, 2, (int64_t)connection->number);
	sqlite3_bind_int64(sql, 3, (int64_t)item->ordinal);
	sqlite3_bind_int64(sql, 4, (int64_t)item->batch);
	sqlite3_bind_int64(sql, 5, item->index);
	sqlite3_bind_int64(sql, 6, item->start_ns);
	ingest_bind_end(sql, 7, item, item->start_ns, 0);
	sqlite3_bind_int(sql, 11, item->kind);
	if (hash)
		sqlite3_bind_int64(sql, 12, (int64_t)hash);
	else
		sqlite3_bind_null(sql, 12);
	return database_run(sql);
}

/* ---- items ---- */

/* Heads, trailers and bodies of the item; the final response, if its head is in it. */
static int take_item(struct ingest *ingest, struct http_open *open,
		     const struct exchange_item *item, const struct http_response **ret_final)
{
	int rc = SQLITE_OK;

	if (item->opens)
		http_codings(&item->request->fields, &open->bodies[HTTP_REQUEST].coding);
	for (const struct http_response *r = item->responses; r; r = r->next) {
		if (http_is_interim(r->status)) {
			append_interim(ingest, open, r);
			continue;
		}
		*ret_final = r;
		http_codings(&r->fields, &open->bodies[HTTP_RESPONSE].coding);
	}
	if (*ret_final && open->interim.size)
		buffer_append_u8(&open->interim, ']');
	for (size_t i = 0; i < ARRAY_SIZE(item->trailers); i++)
		if (item->trailers[i] && !open->bodies[i].trailers.size)
			append_fields(ingest, item->trailers[i], &open->bodies[i].trailers);
	for (const struct piece *p = item->pieces; p && rc == SQLITE_OK; p = p->next)
		if (p->type == PIECE_BODY)
			rc = add_body(ingest, open, p);
	return rc;
}

/* What is left of bodies that lie in parts. */
static int end_parts(struct ingest *ingest, struct http_open *open)
{
	struct body *bodies = open->bodies;
	int rc = SQLITE_OK;

	for (size_t i = 0; i < ARRAY_SIZE(open->bodies) && rc == SQLITE_OK; i++)
		if (bodies[i].in_parts && bodies[i].held.size)
			rc = write_held(ingest, open, &bodies[i]);
	return rc;
}

static int close_exchange(struct ingest *ingest, const struct http_open *open,
			  const struct exchange_item *item, bool response_added)
{
	sqlite3_stmt *sql = ingest->sql[END_EXCHANGE];
	int rc = SQLITE_OK;

	ingest_count_end(ingest, item->outcome, item->flags);
	if (open->answered && !response_added)
		rc = set_end(ingest, open, item, HTTP_RESPONSE);
	if (item->opens || rc != SQLITE_OK)
		return rc;
	rc = set_end(ingest, open, item, HTTP_REQUEST);
	ingest_bind_end(sql, 1, item, open->start_ns, 0);
	sqlite3_bind_int64(sql, 5, open->id);
	return rc == SQLITE_OK ? database_run(sql) : rc;
}

static int ingest_into(struct ingest *ingest, const struct connection_state *connection,
		       struct http_open *open, const struct exchange_item *item)
{
	const struct http_response *final = NULL;
	int rc = take_item(ingest, open, item, &final);

	if (rc == SQLITE_OK && item->closes)
		rc = end_parts(ingest, open);
	/* Its hash is of the body too. */
	if (rc == SQLITE_OK && item->opens)
		rc = add_exchange(ingest, connection, item, open);
	if (rc == SQLITE_OK && item->opens)
		rc = add_request(ingest, open, item);
	if (rc == SQLITE_OK && final)
		rc = add_response(ingest, open, item, final);
	if (rc == SQLITE_OK && item->closes)
		rc = close_exchange(ingest, open, item, final != NULL);
	return rc;
}

int http_ingest_exchange(struct ingest *ingest, struct connection_state *connection,
			 const struct exchange_item *item)
{
	struct http_open **link = &connection->http_open;
	struct http_open *open;
	int rc;

	while (*link && (*link)->ordinal != item->ordinal)
		link = &(*link)->next;
	if (!*link && !item->opens) /* a part of what was never opened */
		return SQLITE_OK;
	if (!*link)
		*link = open_new(ingest, item);
	open = *link;
	rc = ingest_into(ingest, connection, open, item);
	if (!item->closes)
		return rc;
	for (size_t i = 0; i < ARRAY_SIZE(open->bodies); i++)
		ingest->http_held -= open->bodies[i].held.size;
	*link = open->next;
	open_free(open);
	return rc;
}
