/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages of WebSockets and times of streams out of a recording, one by one; see http_reader.h.
 *
 * Invariant: a statement stays on its row until the same is asked again, so that what was given borrows from it.
 */
#include "parsers/http/websocket.h"
#include "store/http_reader.h"
#include "store/reader_state.h"

#include <errno.h>

static int stand_behind(sqlite3_stmt *sql, int64_t exchange, uint32_t after)
{
	sqlite3_reset(sql);
	sqlite3_bind_int64(sql, 1, exchange);
	sqlite3_bind_int64(sql, 2, after);
	return reader_step(sql);
}

static bool read_number(sqlite3_stmt *sql, uint32_t *ret_number)
{
	int64_t number = sqlite3_column_int64(sql, 0);

	*ret_number = (uint32_t)number;
	return number > 0 && number <= UINT32_MAX;
}

/* A clock that was set back, or a person, may have made it negative. */
static int64_t read_pause(sqlite3_stmt *sql, int column)
{
	int64_t pause_ns = sqlite3_column_int64(sql, column);

	return pause_ns > 0 ? pause_ns : 0;
}

static bool read_kind(struct slice name, uint8_t *ret_kind)
{
	static const struct {
		const char *name;
		enum websocket_kind kind;
	} kinds[] = { { "text", WEBSOCKET_TEXT },
		      { "binary", WEBSOCKET_BINARY },
		      { "close", WEBSOCKET_CLOSE },
		      { "ping", WEBSOCKET_PING },
		      { "pong", WEBSOCKET_PONG } };

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (slice_equal(name, slice_from_string(kinds[i].name))) {
			*ret_kind = (uint8_t)kinds[i].kind;
			return true;
		}
	}
	return false;
}

static int read_message(sqlite3_stmt *sql, struct http_stored_message *message)
{
	int64_t part = sqlite3_column_int64(sql, 5), code = sqlite3_column_int64(sql, 4);
	struct slice side = database_column(sql, 1);

	*message = (struct http_stored_message){ 0 };
	if (!read_number(sql, &message->number) ||
	    !read_kind(database_column(sql, 2), &message->kind) || part < 0 || code < 0 ||
	    code > 4999)
		return -EBADMSG;
	if (!slice_equal(side, SLICE("client")) && !slice_equal(side, SLICE("server")))
		return -EBADMSG;
	message->side = slice_equal(side, SLICE("client")) ? HTTP_REQUEST : HTTP_RESPONSE;
	message->unreadable = sqlite3_column_int64(sql, 3) != 0;
	message->close_code = (uint16_t)code;
	message->part = (uint64_t)part;
	if (part)
		message->size = (uint64_t)sqlite3_column_int64(sql, 6);
	else
		message->body = database_column(sql, 7);
	if (!part)
		message->size = message->body.size;
	message->pause_ns = read_pause(sql, 8);
	if (message->kind >= WEBSOCKET_CLOSE && (part || message->size > WEBSOCKET_CONTROL_MAX - 2))
		return -EBADMSG;
	return message->size > INT64_MAX ? -EBADMSG : 1;
}

int reader_http_message(struct reader *reader, int64_t exchange, uint32_t after,
			struct http_stored_message *ret_message)
{
	sqlite3_stmt *sql = reader->sql[GET_HTTP_MESSAGE];
	int rc = stand_behind(sql, exchange, after);

	return rc > 0 ? read_message(sql, ret_message) : rc;
}

int reader_http_arrival(struct reader *reader, int64_t exchange, uint32_t after,
			struct http_stored_arrival *ret_arrival)
{
	sqlite3_stmt *sql = reader->sql[GET_HTTP_ARRIVAL];
	int rc = stand_behind(sql, exchange, after);
	int64_t bytes = rc > 0 ? sqlite3_column_int64(sql, 1) : 0;

	if (rc <= 0)
		return rc;
	*ret_arrival = (struct http_stored_arrival){ .body_bytes = (uint64_t)bytes,
						     .pause_ns = read_pause(sql, 2) };
	return read_number(sql, &ret_arrival->number) && bytes >= 0 ? 1 : -EBADMSG;
}
