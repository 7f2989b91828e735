/* SPDX-License-Identifier: Apache-2.0 */
/* Large bodies without their content coding; see http_readable.h. */
#include "store/http_readable.h"

#include "store/http_coding.h"
#include "store/http_value.h"

#include <errno.h>

struct readable {
	struct ingest *ingest;
	int64_t exchange;
	uint32_t from;
	uint32_t sequence;
	struct http_value value;
	int rc; /* SQLite's, when that is why it ended */
};

static int next_piece(void *context, struct slice *ret_bytes)
{
	struct readable *readable = context;
	sqlite3_stmt *sql = readable->ingest->sql[GET_PART_AGAIN];
	int rc;

	sqlite3_reset(sql);
	sqlite3_bind_int64(sql, 1, readable->exchange);
	sqlite3_bind_int64(sql, 2, readable->from);
	sqlite3_bind_int64(sql, 3, readable->sequence);
	rc = sqlite3_step(sql);
	if (rc == SQLITE_DONE)
		return 0;
	if (rc != SQLITE_ROW) {
		readable->rc = rc;
		return -EIO;
	}
	readable->sequence++;
	*ret_bytes = database_column(sql, 0);
	return 1;
}

static int put_piece(void *context, struct slice bytes)
{
	struct readable *readable = context;

	if (bytes.size > HTTP_READABLE_MAX - readable->value.bytes)
		return -E2BIG;
	readable->rc =
		http_value_add(readable->ingest, readable->exchange, &readable->value, bytes);
	return readable->rc == SQLITE_OK ? 0 : -EIO;
}

static int begin_again(void *context)
{
	struct readable *readable = context;

	readable->sequence = 0;
	readable->rc = http_value_discard(readable->ingest, readable->exchange, &readable->value);
	return readable->rc == SQLITE_OK ? 0 : -EIO;
}

int http_readable_make(struct ingest *ingest, int64_t exchange, uint32_t from, uint32_t to,
		       struct slice coding, bool *ret_made)
{
	struct readable readable = {
		.ingest = ingest, .exchange = exchange, .from = from, .rc = SQLITE_OK
	};
	const struct http_flow flow = { &readable, next_piece, put_piece, begin_again };
	int rc, decoded;

	http_value_init(&readable.value, to);
	decoded = http_decode_flow(coding, &flow);
	sqlite3_reset(ingest->sql[GET_PART_AGAIN]);
	rc = readable.rc;
	if (rc == SQLITE_OK)
		rc = decoded ? http_value_discard(ingest, exchange, &readable.value) :
			       http_value_move(ingest, exchange, &readable.value);
	http_value_release(ingest, &readable.value);
	*ret_made = !decoded && rc == SQLITE_OK;
	return rc;
}
