/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP exchanges into rows; see http_ingest.h. One that comes whole with one item is stored as it lies there; of the others
 * a http_open remembers what the next item needs.
 *
 * A body is a value (http_value.h). What is in value_part is as it passed; beside it lies what http_readable.h makes of it.
 */
#include "store/http_ingest.h"

#include "parsers/http/exchange.h"
#include "store/http_coding.h"
#include "store/http_heads.h"
#include "store/http_messages.h"
#include "store/http_readable.h"
#include "store/http_row.h"
#include "store/http_value.h"
#include "store/schema.h"

#include <stdlib.h>

/* Trailers and responses before the final one, as JSON: the recorder bounds what they are made of. */
#define EXTRA_BYTES ((size_t)16 << 20)

struct body {
	enum http_side side;
	struct http_value value;
	bool readable; /* in parts, and without its content coding beside them */
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
	struct http_messages *messages; /* owned; NULL: there are none */
	bool answered;			/* its final response came */
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
		http_value_init(&open->bodies[i].value, HTTP_PART + (uint32_t)i);
		buffer_init(&open->bodies[i].trailers, EXTRA_BYTES);
		buffer_init(&open->bodies[i].coding, HTTP_CODING_BYTES);
	}
	return open;
}

static void open_free(struct ingest *ingest, struct http_open *open)
{
	http_messages_free(ingest, open->messages);
	for (size_t i = 0; i < ARRAY_SIZE(open->bodies); i++) {
		http_value_release(ingest, &open->bodies[i].value);
		buffer_release(&open->bodies[i].trailers);
		buffer_release(&open->bodies[i].coding);
	}
	buffer_release(&open->interim);
	free(open);
}

void http_ingest_forget(struct ingest *ingest, struct connection_state *connection)
{
	while (connection->http_open) {
		struct http_open *next = connection->http_open->next;

		open_free(ingest, connection->http_open);
		connection->http_open = next;
	}
}

/* ---- responses before the final one ---- */

static void append_interim(struct http_open *open, const struct http_response *response)
{
	struct buffer *json = &open->interim;

	buffer_append_string(json, json->size ? ",\n {\"status\": " : "[{\"status\": ");
	buffer_append_unsigned(json, response->status);
	buffer_append_string(json, ", \"reason\": ");
	encode_text(json, response->reason);
	buffer_append_string(json, ", \"headers\": ");
	http_heads_append(json, &response->fields);
	buffer_append_u8(json, '}');
}

/* ---- bodies ---- */

static int add_body(struct ingest *ingest, struct http_open *open, const struct piece *piece)
{
	struct body *body =
		&open->bodies[piece->result == HTTP_REQUEST ? HTTP_REQUEST : HTTP_RESPONSE];

	return http_value_add(ingest, open->id, &body->value, piece->bytes);
}

/* As it goes into the row; `decoded` has to live as long. */
static struct http_row_body row_body(struct slice bytes, struct slice coding,
				     struct buffer *decoded)
{
	struct http_row_body body = { .value = bytes, .bytes = bytes.size };

	if (bytes.size && http_is_coded(coding) && http_decode(coding, bytes, decoded) == 0) {
		body.value = buffer_slice(decoded);
		body.coding = coding;
		body.wire = bytes;
	}
	return body;
}

static struct http_row_body row_body_of(const struct body *body, bool complete,
					struct buffer *decoded)
{
	struct http_row_body row = { .in_parts = body->value.in_parts, .readable = body->readable };

	if (complete && !body->value.in_parts)
		row = row_body(buffer_slice(&body->value.held),
			       body->coding.overflowed ? slice_of(NULL, 0) :
							 buffer_slice(&body->coding),
			       decoded);
	if (complete)
		row.trailers = buffer_slice(&body->trailers);
	row.bytes = body->value.bytes;
	return row;
}

/* ---- exchanges in one item ---- */

/*
 * Of a request that came whole with this item and is small; others get theirs when a replay loads the recording (0 here).
 */
static uint64_t identity_hash(struct ingest *ingest, const struct exchange_item *item,
			      struct slice body)
{
	const struct http_request *request = item->request;
	struct http_content content;
	struct buffer decoded;

	if (body.size > HTTP_COMPARED_MAX || (item->flags & EXCHANGE_REQUEST_CUT))
		return 0;
	buffer_init(&decoded, HTTP_DECODED_MAX);
	content = http_content_of(&request->fields, body, &decoded);
	buffer_clear(&ingest->scratch);
	http_canonical(request, &content, &ingest->scratch);
	buffer_release(&decoded);
	return ingest->scratch.overflowed ? 0 : http_exact_hash(buffer_slice(&ingest->scratch));
}

/* Is there nothing in the item but a request, its final response, and their small bodies? */
static bool is_whole(const struct exchange_item *item)
{
	size_t bytes = 0;

	if (!item->opens || !item->closes || item->trailers[HTTP_REQUEST] ||
	    item->trailers[HTTP_RESPONSE] ||
	    (item->responses &&
	     (item->responses->next || http_is_interim(item->responses->status))))
		return false;
	for (const struct piece *p = item->pieces; p; p = p->next) {
		bytes += p->bytes.size;
		if (p->type != PIECE_BODY || bytes > SCHEMA_VALUE_MAX)
			return false;
	}
	return true;
}

/* A body that lies in the item, which is mostly one piece. */
static struct slice body_in(struct ingest *ingest, const struct exchange_item *item,
			    enum http_side side)
{
	struct slice body = slice_of(NULL, 0);
	size_t size = 0, n = 0;
	uint8_t *at;

	for (const struct piece *p = item->pieces; p; p = p->next) {
		if (p->result != (uint32_t)side)
			continue;
		body = p->bytes;
		size += p->bytes.size;
		n++;
	}
	if (n < 2)
		return body;
	at = arena_bytes(&ingest->arena, size);
	body = slice_of(at, size);
	for (const struct piece *p = item->pieces; p; p = p->next) {
		if (p->result != (uint32_t)side || !p->bytes.size)
			continue;
		memcpy(at, p->bytes.data, p->bytes.size);
		at += p->bytes.size;
	}
	return body;
}

static struct slice coding_of(struct ingest *ingest, const struct http_fields *fields)
{
	struct slice coding = http_field(fields, SLICE("content-encoding"));
	struct buffer codings;

	if (!coding.data)
		return coding;
	buffer_init(&codings, HTTP_CODING_BYTES);
	http_codings(fields, &codings);
	coding = codings.overflowed ? slice_of(NULL, 0) :
				      arena_copy(&ingest->arena, buffer_slice(&codings));
	buffer_release(&codings);
	return coding;
}

static int ingest_whole(struct ingest *ingest, const struct connection_state *connection,
			const struct exchange_item *item)
{
	struct slice request = body_in(ingest, item, HTTP_REQUEST);
	struct http_row row = {
		.exchange = ingest->next_exchange++,
		.item = item,
		.response = item->responses,
		.hash = identity_hash(ingest, item, request),
	};
	struct buffer decoded[2];
	int rc;

	buffer_init(&decoded[HTTP_REQUEST], HTTP_DECODED_MAX);
	buffer_init(&decoded[HTTP_RESPONSE], HTTP_DECODED_MAX);
	row.bodies[HTTP_REQUEST] = row_body(request, coding_of(ingest, &item->request->fields),
					    &decoded[HTTP_REQUEST]);
	if (row.response)
		row.bodies[HTTP_RESPONSE] =
			row_body(body_in(ingest, item, HTTP_RESPONSE),
				 coding_of(ingest, &row.response->fields), &decoded[HTTP_RESPONSE]);
	rc = http_row_add(ingest, connection, &row);
	buffer_release(&decoded[HTTP_REQUEST]);
	buffer_release(&decoded[HTTP_RESPONSE]);
	return rc;
}

/* ---- exchanges in several items ---- */

/* Heads, trailers and bodies of the item; the final response, if its head is in it. */
static int take_item(struct ingest *ingest, struct http_open *open,
		     const struct exchange_item *item, const struct http_response **ret_final)
{
	int rc = SQLITE_OK;

	if (item->opens)
		http_codings(&item->request->fields, &open->bodies[HTTP_REQUEST].coding);
	for (const struct http_response *r = item->responses; r; r = r->next) {
		if (http_is_interim(r->status)) {
			append_interim(open, r);
			continue;
		}
		*ret_final = r;
		http_codings(&r->fields, &open->bodies[HTTP_RESPONSE].coding);
	}
	if ((*ret_final || (item->closes && !open->answered)) && open->interim.size)
		buffer_append_u8(&open->interim, ']');
	for (size_t i = 0; i < ARRAY_SIZE(item->trailers); i++)
		if (item->trailers[i] && !open->bodies[i].trailers.size)
			http_heads_append(&open->bodies[i].trailers, item->trailers[i]);
	for (const struct piece *p = item->pieces; p && rc == SQLITE_OK; p = p->next)
		if (p->type == PIECE_BODY)
			rc = add_body(ingest, open, p);
	return rc;
}

/* What is left of a body that lies in parts, and what can be read of it. */
static int end_parts(struct ingest *ingest, const struct http_open *open, struct body *body,
		     bool whole)
{
	struct slice coding = buffer_slice(&body->coding);
	int rc = http_value_end(ingest, open->id, &body->value);

	if (rc != SQLITE_OK || !whole || !http_is_coded(coding) || body->coding.overflowed ||
	    body->value.bytes > HTTP_READABLE_WIRE_MAX)
		return rc;
	return http_readable_make(ingest, open->id, body->value.part,
				  HTTP_READABLE_PART + body->side, coding, &body->readable);
}

static int end_bodies(struct ingest *ingest, struct http_open *open, bool whole)
{
	int rc = SQLITE_OK;

	for (size_t i = 0; i < ARRAY_SIZE(open->bodies) && rc == SQLITE_OK; i++)
		if (open->bodies[i].value.in_parts)
			rc = end_parts(ingest, open, &open->bodies[i], whole);
	return rc;
}

static int write_row(struct ingest *ingest, const struct connection_state *connection,
		     const struct http_open *open, const struct exchange_item *item,
		     const struct http_response *final)
{
	struct http_row row = {
		.exchange = open->id,
		.start_ns = open->start_ns,
		.item = item,
		.response = final,
	};
	const struct body *request = &open->bodies[HTTP_REQUEST];
	struct buffer decoded[2];
	int rc;

	for (size_t side = 0; side < ARRAY_SIZE(decoded); side++) {
		buffer_init(&decoded[side], HTTP_DECODED_MAX);
		row.bodies[side] = row_body_of(&open->bodies[side], item->closes, &decoded[side]);
	}
	if (open->answered || item->closes)
		row.interim = buffer_slice(&open->interim);
	if (item->opens && item->closes && !request->value.in_parts)
		row.hash = identity_hash(ingest, item, buffer_slice(&request->value.held));
	rc = item->opens ? http_row_add(ingest, connection, &row) : http_row_set(ingest, &row);
	for (size_t side = 0; side < ARRAY_SIZE(decoded); side++)
		buffer_release(&decoded[side]);
	return rc;
}

static int ingest_into(struct ingest *ingest, const struct connection_state *connection,
		       struct http_open *open, const struct exchange_item *item)
{
	const struct http_response *final = NULL;
	int rc = take_item(ingest, open, item, &final);

	open->answered |= final != NULL;
	if (rc == SQLITE_OK && item->closes)
		rc = end_bodies(ingest, open, !(item->flags & EXCHANGE_CUT));
	if (rc == SQLITE_OK && (item->opens || final || item->closes))
		rc = write_row(ingest, connection, open, item, final);
	if (rc == SQLITE_OK)
		rc = http_messages_take(ingest, &open->messages, open->id, item);
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
	if (!*link && is_whole(item))
		return ingest_whole(ingest, connection, item);
	if (!*link)
		*link = open_new(ingest, item);
	open = *link;
	rc = ingest_into(ingest, connection, open, item);
	if (!item->closes)
		return rc;
	*link = open->next;
	open_free(ingest, open);
	return rc;
}
