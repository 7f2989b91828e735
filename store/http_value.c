/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies and messages, held or in parts; see http_value.h. */
#include "store/http_value.h"

#include "store/schema.h"

#define HELD_BYTES ((size_t)64 << 20)

void http_value_init(struct http_value *value, uint32_t part)
{
	*value = (struct http_value){ .part = part };
	buffer_init(&value->held, SCHEMA_VALUE_MAX);
}

void http_value_release(struct ingest *ingest, struct http_value *value)
{
	ingest->http_held -= value->held.size;
	buffer_release(&value->held);
}

void http_value_reset(struct ingest *ingest, struct http_value *value, uint32_t part)
{
	http_value_release(ingest, value);
	http_value_init(value, part);
}

static int write_held(struct ingest *ingest, int64_t exchange, struct http_value *value)
{
	int rc = ingest_part(ingest, exchange, value->part, &value->sequence,
			     buffer_slice(&value->held));

	value->in_parts = true;
	ingest->http_held -= value->held.size;
	buffer_clear(&value->held);
	return rc;
}

int http_value_add(struct ingest *ingest, int64_t exchange, struct http_value *value,
		   struct slice bytes)
{
	value->bytes += bytes.size;
	while (bytes.size) {
		size_t room = SCHEMA_VALUE_MAX - value->held.size;
		int rc = SQLITE_OK;

		if (!room || (value->held.size && ingest->http_held > HELD_BYTES)) {
			rc = write_held(ingest, exchange, value);
			room = SCHEMA_VALUE_MAX;
		}
		if (rc != SQLITE_OK)
			return rc;
		if (room > bytes.size)
			room = bytes.size;
		buffer_append(&value->held, bytes.data, room);
		ingest->http_held += room;
		bytes = slice_of(bytes.data + room, bytes.size - room);
	}
	return SQLITE_OK;
}

int http_value_end(struct ingest *ingest, int64_t exchange, struct http_value *value)
{
	return value->in_parts && value->held.size ? write_held(ingest, exchange, value) :
						     SQLITE_OK;
}

int http_value_move(struct ingest *ingest, int64_t exchange, struct http_value *value)
{
	return value->held.size ? write_held(ingest, exchange, value) : SQLITE_OK;
}

int http_value_discard(struct ingest *ingest, int64_t exchange, struct http_value *value)
{
	sqlite3_stmt *sql = ingest->sql[DROP_PART];
	int rc = SQLITE_OK;

	if (value->in_parts) {
		sqlite3_bind_int64(sql, 1, exchange);
		sqlite3_bind_int64(sql, 2, value->part);
		rc = database_run(sql);
	}
	http_value_reset(ingest, value, value->part);
	return rc;
}
