/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP rows back into messages; see http_reader.h. The canonical texts of requests that were looked at before are remembered,
 * so that a hot request costs no SQL.
 *
 * Invariant: a remembered text is that of the row as it is: the recording does not change while it is open.
 */
#include "store/http_reader.h"

#include "parsers/http/message.h"
#include "parsers/http/multipart.h"
#include "store/http_coding.h"
#include "store/http_lists.h"
#include "store/reader_state.h"

#include <errno.h>
#include <stdlib.h>
#include <xxhash.h>

#define TEXTS ((size_t)16384)
/* Larger ones are made anew each time, and so are all once this is used up. */
#define TEXT_BYTES ((size_t)2048)
#define TEXTS_BYTES ((size_t)4 << 20)
/* A body in a row: recorded are SCHEMA_VALUE_MAX, a person may write more. */
#define BODY_BYTES_MAX ((size_t)64 << 20)
#define INTERIM_MAX ((size_t)1000)
#define STATUS_MAX 999

struct http_texts {
	int64_t stands_on;	     /* the exchange whose row GET_HTTP is on; 0: none */
	struct http_lists *lists[2]; /* by enum http_side */
	struct buffer made;	     /* the last */
	size_t bytes;		     /* of all texts */
	struct http_text {
		int64_t exchange; /* 0: nothing here */
		size_t size;
		uint8_t *bytes;
	} texts[TEXTS];
};

void http_texts_free(struct http_texts *texts)
{
	if (!texts)
		return;
	for (size_t i = 0; i < TEXTS; i++)
		free(texts->texts[i].bytes);
	buffer_release(&texts->made);
	http_lists_free(texts->lists[HTTP_REQUEST]);
	http_lists_free(texts->lists[HTTP_RESPONSE]);
	free(texts);
}

static struct http_texts *texts_of(struct reader *reader)
{
	struct http_texts *texts = reader->http;

	if (texts)
		return texts;
	texts = reader->http = calloc(1, sizeof(*texts));
	if (!texts)
		abort();
	buffer_init(&texts->made, HTTP_CANONICAL_MAX);
	texts->lists[HTTP_REQUEST] = http_lists_new();
	texts->lists[HTTP_RESPONSE] = http_lists_new();
	return texts;
}

/* ---- columns ---- */

/* NULL stays NULL, nothing stays something. */
static struct slice column(sqlite3_stmt *sql, int at, struct arena *arena)
{
	struct slice bytes = database_column(sql, at);

	if (!bytes.data)
		return bytes;
	return bytes.size ? arena_copy(arena, bytes) : slice_of("", 0);
}

static int fields_of(struct slice json, struct arena *arena, struct http_fields *ret_fields)
{
	*ret_fields = (struct http_fields){ 0 };
	if (!json.data)
		return 0;
	return decode_pairs(json, arena, HTTP_FIELDS_MAX, &ret_fields->list, &ret_fields->n);
}

static uint8_t minor_of(struct slice version)
{
	return slice_equal(version, SLICE("1.0")) ? 0 : 1;
}

/* GET_HTTP is on the row of this exchange, until another is asked for: 1, 0, negative errno. */
static int stand(struct reader *reader, int64_t exchange)
{
	struct http_texts *texts = texts_of(reader);
	sqlite3_stmt *sql = reader->sql[GET_HTTP];
	int rc;

	if (exchange && texts->stands_on == exchange)
		return 1;
	sqlite3_reset(sql);
	sqlite3_bind_int64(sql, 1, exchange);
	rc = reader_step(sql);
	texts->stands_on = rc > 0 ? exchange : 0;
	return rc;
}

/* ---- requests ---- */

/* Columns of GET_HTTP, the response's behind them. */
enum {
	REQUEST_METHOD,
	REQUEST_SCHEME,
	REQUEST_AUTHORITY,
	REQUEST_PATH,
	REQUEST_QUERY,
	REQUEST_TARGET,
	REQUEST_VERSION,
	REQUEST_HEADERS,
	REQUEST_BODY,
	REQUEST_CODING,
	REQUEST_BODY_PART,
	REQUEST_BODY_BYTES,
	REQUEST_FLAGS,
	RESPONSE_STATUS,
	RESPONSE_REASON,
	RESPONSE_VERSION,
	RESPONSE_HEADERS,
	RESPONSE_TRAILERS,
	RESPONSE_INTERIM,
	RESPONSE_BODY,
	RESPONSE_CODING,
	RESPONSE_WIRE_BODY,
	RESPONSE_BODY_PART,
	RESPONSE_BODY_BYTES,
	RESPONSE_OUTCOME,
	RESPONSE_READABLE_PART,
	RESPONSE_READABLE_BYTES,
};

static uint8_t form_of(struct slice target)
{
	if (slice_equal(target, SLICE("absolute")))
		return TARGET_ABSOLUTE;
	if (slice_equal(target, SLICE("authority")))
		return TARGET_AUTHORITY;
	return slice_equal(target, SLICE("asterisk")) ? TARGET_ASTERISK : TARGET_ORIGIN;
}

static int read_request(struct reader *reader, struct arena *arena,
			struct http_request *ret_request)
{
	sqlite3_stmt *sql = reader->sql[GET_HTTP];

	*ret_request = (struct http_request){
		.method = column(sql, REQUEST_METHOD, arena),
		.scheme = column(sql, REQUEST_SCHEME, arena),
		.authority = column(sql, REQUEST_AUTHORITY, arena),
		.path = column(sql, REQUEST_PATH, arena),
		.query = column(sql, REQUEST_QUERY, arena),
		.form = form_of(database_column(sql, REQUEST_TARGET)),
		.minor = minor_of(database_column(sql, REQUEST_VERSION)),
	};
	return http_lists_read(texts_of(reader)->lists[HTTP_REQUEST],
			       database_column(sql, REQUEST_HEADERS), arena,
			       &ret_request->fields) < 0 ?
		       -EBADMSG :
		       1;
}

int reader_http_request(struct reader *reader, int64_t exchange, struct arena *arena,
			struct http_request *ret_request)
{
	int rc = stand(reader, exchange);

	return rc > 0 ? read_request(reader, arena, ret_request) : rc;
}

/* A body that lies in parts: small ones whole (`whole` may be NULL), of a large one its size and its digest. */
static int read_parts(struct reader *reader, int64_t exchange, uint64_t part, struct buffer *whole,
		      struct http_multipart *multipart, struct http_content *content)
{
	XXH3_state_t *state = XXH3_createState();
	XXH128_hash_t digest;
	struct slice piece;
	uint32_t sequence = 0;
	int rc;

	if (!state)
		abort();
	XXH3_128bits_reset(state);
	while ((rc = reader_part(reader, exchange, part, sequence++, &piece)) > 0) {
		if (whole)
			buffer_append_slice(whole, piece);
		XXH3_128bits_update(state, piece.size ? (const void *)piece.data : "", piece.size);
		http_multipart_see(multipart, piece);
		content->size += piece.size;
	}
	digest = XXH3_128bits_digest(state);
	XXH3_freeState(state);
	content->digest[0] = digest.low64;
	content->digest[1] = digest.high64;
	http_multipart_end(multipart, content);
	return rc < 0 ? rc : 0;
}

static void digest_of(struct slice bytes, struct http_content *content)
{
	XXH128_hash_t digest = XXH3_128bits(bytes.size ? (const void *)bytes.data : "", bytes.size);

	*content = (struct http_content){ .size = bytes.size,
					  .digest = { digest.low64, digest.high64 } };
}

/* The content of the row that GET_HTTP stands on, as http_content_of() made it of what was asked. */
static int read_content(struct reader *reader, int64_t exchange, const struct http_request *request,
			struct buffer *whole, struct buffer *decoded, struct http_content *content)
{
	sqlite3_stmt *sql = reader->sql[GET_HTTP];
	struct slice body = database_column(sql, REQUEST_BODY);
	int64_t part = sqlite3_column_int64(sql, REQUEST_BODY_PART);
	bool decoded_before = sqlite3_column_type(sql, REQUEST_CODING) != SQLITE_NULL;
	int64_t flags = sqlite3_column_int64(sql, REQUEST_FLAGS);
	struct http_multipart *multipart;
	int rc;

	if ((flags & EXCHANGE_REQUEST_CUT) &&
	    (!(flags & EXCHANGE_CUT) || !sqlite3_column_int64(sql, REQUEST_BODY_BYTES))) {
		*content = http_content_unsent(request);
		return 1;
	}
	*content = (struct http_content){ .bytes = body, .decoded = decoded_before };
	if (part > 0) {
		multipart = http_multipart_new(&request->fields);
		rc = read_parts(reader, exchange, (uint64_t)part, whole, multipart, content);
		http_multipart_free(multipart);
		if (rc < 0)
			return rc;
		content->bytes = slice_of(NULL, 0);
		content->decoded = false;
		if (content->size <= HTTP_COMPARED_MAX)
			*content = http_content_of(&request->fields, buffer_slice(whole), decoded);
	} else if (!decoded_before && body.size > HTTP_COMPARED_MAX) {
		digest_of(body, content);
		multipart = http_multipart_new(&request->fields);
		http_multipart_see(multipart, body);
		http_multipart_end(multipart, content);
		http_multipart_free(multipart);
	}
	return 1;
}

static int make_canonical(struct reader *reader, int64_t exchange, struct buffer *made)
{
	struct buffer whole, decoded;
	struct http_request request;
	struct http_content content;
	struct arena arena;
	int rc;

	arena_init(&arena);
	buffer_init(&whole, HTTP_COMPARED_MAX);
	buffer_init(&decoded, HTTP_DECODED_MAX);
	rc = stand(reader, exchange);
	if (rc > 0)
		rc = read_request(reader, &arena, &request);
	if (rc > 0)
		rc = read_content(reader, exchange, &request, &whole, &decoded, &content);
	if (rc > 0) {
		http_canonical(&request, &content, made);
		rc = made->overflowed ? -EBADMSG : 1;
	}
	buffer_release(&whole);
	buffer_release(&decoded);
	arena_release(&arena);
	return rc;
}

int reader_http_front(struct reader *reader, int64_t exchange, struct http_front *ret_front)
{
	sqlite3_stmt *sql = reader->sql[GET_HTTP];
	struct http_content content = { .size = 0 };
	int rc = stand(reader, exchange);
	int64_t part;

	if (rc <= 0)
		return rc;
	if (!(sqlite3_column_int64(sql, REQUEST_FLAGS) & EXCHANGE_REQUEST_CUT) ||
	    sqlite3_column_type(sql, REQUEST_CODING) != SQLITE_NULL)
		return 0;
	part = sqlite3_column_int64(sql, REQUEST_BODY_PART);
	if (part > 0)
		rc = read_parts(reader, exchange, (uint64_t)part, NULL, NULL, &content);
	else
		digest_of(database_column(sql, REQUEST_BODY), &content);
	if (rc < 0)
		return rc;
	*ret_front = (struct http_front){ content.size, { content.digest[0], content.digest[1] } };
	return 1;
}

static void remember(struct http_texts *texts, struct http_text *text, int64_t exchange,
		     struct slice made)
{
	if (texts->bytes - text->size + made.size > TEXTS_BYTES)
		return;
	texts->bytes += made.size - text->size;
	free(text->bytes);
	text->bytes = malloc(made.size + 1);
	if (!text->bytes)
		abort();
	if (made.size)
		memcpy(text->bytes, made.data, made.size);
	text->size = made.size;
	text->exchange = exchange;
}

int reader_http_canonical(struct reader *reader, int64_t exchange, struct slice *ret_canonical)
{
	struct http_texts *texts = texts_of(reader);
	struct http_text *text;
	int rc;

	text = &texts->texts[(uint64_t)exchange % TEXTS];
	if (exchange && text->exchange == exchange) {
		*ret_canonical = slice_of(text->bytes, text->size);
		return 1;
	}
	buffer_clear(&texts->made);
	rc = make_canonical(reader, exchange, &texts->made);
	if (rc <= 0)
		return rc;
	*ret_canonical = buffer_slice(&texts->made);
	if (ret_canonical->size <= TEXT_BYTES)
		remember(texts, text, exchange, *ret_canonical);
	return 1;
}

/* ---- responses ---- */

static bool read_status(int64_t number, uint16_t *ret_status)
{
	*ret_status = (uint16_t)(number > 0 && number <= STATUS_MAX ? number : 0);
	return number >= 100 && number <= STATUS_MAX;
}

/* {"status": 103, "reason": "Early Hints", "headers": [...]}: whose keys may come in any order, since people edit it. */
static bool read_interim(struct json_reader *json, struct arena *arena,
			 struct http_response *response)
{
	enum json_token token;
	struct slice value;

	while ((token = json_next(json)) == JSON_KEY) {
		struct slice key = json_string(json, arena);
		int64_t status = 0;

		if (!json_skip_value(json, &value))
			return false;
		if (slice_equal(key, SLICE("headers"))) {
			if (fields_of(value, arena, &response->fields) < 0)
				return false;
		} else if (slice_equal(key, SLICE("reason")) && value.size >= 2 &&
			   value.data[0] == '"') {
			struct json_reader text;

			json_reader_init(&text, value);
			json_next(&text);
			response->reason = json_string(&text, arena);
		} else if (slice_equal(key, SLICE("status"))) {
			for (size_t i = 0; i < value.size && i < 4; i++)
				status = 10 * status + (value.data[i] - '0');
			if (!read_status(status, &response->status))
				return false;
		}
	}
	return token == JSON_OBJECT_END && response->status >= 100 &&
	       http_is_interim(response->status);
}

static int interim_of(struct slice list, struct arena *arena,
		      const struct http_response **ret_first)
{
	const struct http_response **end = ret_first;
	struct json_reader json;
	enum json_token token;

	*ret_first = NULL;
	if (!list.data)
		return 0;
	json_reader_init(&json, list);
	if (json_next(&json) != JSON_ARRAY)
		return -EBADMSG;
	for (size_t n = 0; (token = json_next(&json)) == JSON_OBJECT && n < INTERIM_MAX; n++) {
		struct http_response *response = arena_alloc(arena, sizeof(*response));

		response->minor = 1;
		if (!read_interim(&json, arena, response))
			return -EBADMSG;
		*end = response;
		end = (const struct http_response **)&response->next;
	}
	return token == JSON_ARRAY_END ? 0 : -EBADMSG;
}

/* An edited body in the coding that it had. */
static struct slice code_again(struct slice coding, struct slice body, struct arena *arena)
{
	struct slice coded = slice_of(NULL, 0);
	struct buffer out;

	buffer_init(&out, BODY_BYTES_MAX + BODY_BYTES_MAX / 8);
	if (http_encode(coding, body, &out) == 0)
		coded = arena_copy(arena, buffer_slice(&out));
	buffer_release(&out);
	return coded;
}

static int read_body(sqlite3_stmt *sql, struct arena *arena, struct http_stored *stored)
{
	int64_t part = sqlite3_column_int64(sql, RESPONSE_BODY_PART);
	int64_t size = sqlite3_column_int64(sql, RESPONSE_BODY_BYTES);
	int64_t readable = sqlite3_column_int64(sql, RESPONSE_READABLE_PART);

	if (sqlite3_column_bytes(sql, RESPONSE_BODY) > (int)BODY_BYTES_MAX ||
	    sqlite3_column_bytes(sql, RESPONSE_WIRE_BODY) > (int)BODY_BYTES_MAX || part < 0 ||
	    size < 0 || readable < 0)
		return -EBADMSG;
	stored->part = (uint64_t)part;
	stored->size = (uint64_t)size;
	stored->readable_part = (uint64_t)readable;
	stored->readable_size = (uint64_t)sqlite3_column_int64(sql, RESPONSE_READABLE_BYTES);
	if (part)
		return 0;
	stored->body = column(sql, RESPONSE_BODY, arena);
	stored->coding = column(sql, RESPONSE_CODING, arena);
	stored->size = stored->body.size;
	if (!stored->coding.size)
		return 0;
	stored->coded = column(sql, RESPONSE_WIRE_BODY, arena);
	if (!stored->coded.data)
		stored->coded = code_again(stored->coding, stored->body, arena);
	return 0;
}

static int read_response(struct reader *reader, struct arena *arena, struct http_stored *stored)
{
	sqlite3_stmt *sql = reader->sql[GET_HTTP];
	int64_t flags = sqlite3_column_int64(sql, REQUEST_FLAGS);
	int rc;

	*stored = (struct http_stored){
		.head.reason = column(sql, RESPONSE_REASON, arena),
		.head.minor = minor_of(database_column(sql, RESPONSE_VERSION)),
		.cut = sqlite3_column_int64(sql, RESPONSE_OUTCOME) == OUTCOME_UNFINISHED,
		.cut_ended = flags & (EXCHANGE_SERVER_ENDED | EXCHANGE_SERVER_RESET),
		.cut_reset = flags & EXCHANGE_SERVER_RESET,
		.bare = flags & EXCHANGE_BARE_LF,
	};
	if (sqlite3_column_type(sql, RESPONSE_STATUS) == SQLITE_NULL)
		return stored->cut && interim_of(column(sql, RESPONSE_INTERIM, arena), arena,
						 &stored->interim) == 0;
	if (!read_status(sqlite3_column_int64(sql, RESPONSE_STATUS), &stored->head.status) ||
	    http_is_interim(stored->head.status))
		return -EBADMSG;
	rc = http_lists_read(texts_of(reader)->lists[HTTP_RESPONSE],
			     database_column(sql, RESPONSE_HEADERS), arena, &stored->head.fields);
	if (rc == 0)
		rc = fields_of(column(sql, RESPONSE_TRAILERS, arena), arena, &stored->trailers);
	if (rc == 0)
		rc = interim_of(column(sql, RESPONSE_INTERIM, arena), arena, &stored->interim);
	if (rc == 0)
		rc = read_body(sql, arena, stored);
	return rc ? rc : 1;
}

/* Only what was coded is asked for what its client accepts. */
static int read_unasked(struct reader *reader, int64_t exchange, struct arena *arena,
			struct http_stored *stored)
{
	struct http_request request;
	struct buffer codings;
	int rc = 1;

	buffer_init(&codings, HTTP_CODING_BYTES);
	http_codings(&stored->head.fields, &codings);
	if (codings.size && !codings.overflowed) {
		rc = reader_http_request(reader, exchange, arena, &request);
		stored->coded_unasked =
			rc > 0 && !http_accepts(&request.fields, buffer_slice(&codings));
	}
	buffer_release(&codings);
	return rc;
}

int reader_http_response(struct reader *reader, int64_t exchange, struct arena *arena,
			 struct http_stored *ret_stored)
{
	int rc = stand(reader, exchange);

	if (rc > 0)
		rc = read_response(reader, arena, ret_stored);
	return rc > 0 ? read_unasked(reader, exchange, arena, ret_stored) : rc;
}
