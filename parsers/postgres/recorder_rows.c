/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PostgreSQL recorder: a row above PG_ROW_MAX is taken apart as its bytes come, its large values into parts, so that no row
 * is ever held whole (exchange_log.h).
 */
#include "parsers/postgres/recorder.h"

/* The length of the next value is known. */
static bool begin_value(struct recorder *recorder, int32_t length)
{
	recorder->stream.values_left--;
	if (length < -1)
		return pg_fail(recorder, "negative length of a value");
	if (length < 0)
		exchange_large_value_null(&recorder->log);
	else
		exchange_large_value_begin(&recorder->log, (size_t)length);
	return true;
}

/* Bytes of a header that may come in pieces: the number of values (2), or a value's length (4). */
static bool take_header(struct pg_row_stream *stream, struct cursor *cursor, uint8_t size)
{
	while (stream->header_size < size && cursor_left(cursor))
		stream->header[stream->header_size++] = cursor_u8(cursor);
	return stream->header_size == size;
}

static bool stream_bytes(struct recorder *recorder, struct slice bytes)
{
	struct pg_row_stream *stream = &recorder->stream;
	struct cursor cursor = cursor_of(bytes);

	while (cursor_left(&cursor)) {
		struct cursor header = cursor_of(slice_of(stream->header, sizeof(stream->header)));

		if (recorder->log.row.value_left) {
			exchange_large_value_take(&recorder->log, &cursor);
		} else if (!stream->begun) {
			if (!take_header(stream, &cursor, 2))
				return true;
			stream->values_left = cursor_u16be(&header);
			buffer_append_u16be(&recorder->log.row.bytes, stream->values_left);
			stream->begun = true;
			stream->header_size = 0;
		} else if (!stream->values_left) {
			return pg_fail(recorder, "bytes behind the last value of a row");
		} else {
			if (!take_header(stream, &cursor, 4))
				return true;
			stream->header_size = 0;
			if (!begin_value(recorder, cursor_i32be(&header)))
				return false;
		}
	}
	return !recorder->log.row.bytes.overflowed || pg_fail(recorder, "a row of too many values");
}

static void begin_row(struct recorder *recorder)
{
	struct pg_row_stream *stream = &recorder->stream;

	stream->begun = false;
	stream->header_size = 0;
	stream->values_left = 0;
	exchange_large_row_begin(&recorder->log);
}

bool pg_value_stream(struct recorder *recorder, const struct pg_frame *frame)
{
	if (frame->part != FRAME_BEGIN)
		return pg_row_stream(recorder, frame);
	begin_row(recorder);
	recorder->stream.begun = true;
	recorder->stream.values_left = 1;
	buffer_append_u16be(&recorder->log.row.bytes, 1);
	return true;
}

bool pg_row_stream(struct recorder *recorder, const struct pg_frame *frame)
{
	struct pg_row_stream *stream = &recorder->stream;

	if (frame->part == FRAME_BEGIN) {
		begin_row(recorder);
		return true;
	}
	if (!stream_bytes(recorder, frame->body))
		return false;
	if (!frame->last)
		return true;
	if (!stream->begun || stream->values_left || recorder->log.row.value_left ||
	    stream->header_size)
		return pg_fail(recorder, "a row that is shorter than its values");
	return exchange_large_row_end(&recorder->log) ||
	       pg_fail(recorder, "a row of too many values");
}
