/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Results into rows (design §5, §9): row descriptions, rows in chunks, value parts, tags, errors
 * and notices. The only result of an exchange that is one item goes into the exchange's row, when
 * its rows fit a chunk. Of all others rows and parts are stored as they come and nothing of them is
 * kept, so a result of any size needs no memory.
 *
 * Invariants: an open result's completion borrows from the item that is worked on, so it is stored
 * before the item ends; `format` lies in ingest's memory during an item, and in `kept_format`
 * between two. Rows that wait are in ingest->json, an array without its closing bracket, and belong
 * to the open result.
 */
#include "store/ingest_state.h"
#include "store/schema.h"

#include <stdlib.h>

/*
 * Notices of one result that are kept; a loop that raises one for each row must not fill the
 * memory.
 */
#define EVENTS_BYTES_MAX ((size_t)1024 * 1024)
/* A tag is a packet's or a message's, and those are not larger. */
#define TAG_BYTES_MAX ((size_t)1024 * 1024)
/* What a result says but for its columns and rows. */
#define RESULT_CELLS 8

static void result_begin(struct open_result *result, uint32_t number)
{
	free(result->kept_format);
	buffer_release(&result->error);
	buffer_release(&result->events);
	buffer_release(&result->kept_tag);
	*result = (struct open_result){ .begun = true, .number = number, .chunk_first_row = 1 };
	buffer_init(&result->error, EVENTS_BYTES_MAX);
	buffer_init(&result->events, EVENTS_BYTES_MAX);
	buffer_init(&result->kept_tag, TAG_BYTES_MAX);
}

/* Closes the array of the rows that wait in ingest->json. False: there are none. */
static bool rows_end(struct ingest *ingest, struct open_exchange *exchange)
{
	if (!ingest->json.size)
		return false;
	buffer_append_u8(&ingest->json, ']');
	if (!ingest->json.overflowed)
		return true;
	/* Rows of half a gigabyte each are not stored. */
	exchange->flags |= EXCHANGE_NOT_DECODED;
	buffer_clear(&ingest->json);
	return false;
}

/* Stores the rows that wait in ingest->json apart. */
static int rows_flush(struct ingest *ingest, struct open_exchange *exchange)
{
	struct open_result *result = &exchange->result;
	sqlite3_stmt *sql = ingest->sql[ADD_ROWS];
	int rc;

	if (!rows_end(ingest, exchange))
		return SQLITE_OK;
	exchange->apart = true;
	sqlite3_bind_int64(sql, 1, exchange->id);
	sqlite3_bind_int64(sql, 2, result->number);
	sqlite3_bind_int64(sql, 3, result->chunk);
	sqlite3_bind_int64(sql, 4, result->chunk_first_row);
	/* encode_row() made it: valid UTF-8 without NUL. */
	sqlite3_bind_text64(sql, 5, (const char *)ingest->json.data, ingest->json.size,
			    SQLITE_STATIC, SQLITE_UTF8);
	rc = database_run(sql);
	buffer_clear(&ingest->json);
	result->chunk++;
	result->chunk_first_row = result->rows + 1;
	return rc;
}

/* 0 is most often no news, and is NULL then. */
static struct cell cell_nonzero(int64_t number)
{
	return number ? cell_number(number) : (struct cell){ 0 };
}

static struct cell cell_nonempty(const struct buffer *buffer)
{
	return buffer->size ? cell_bytes(buffer_slice(buffer)) : (struct cell){ 0 };
}

static struct cell columns_cell(const struct open_result *result)
{
	return cell_nonzero(result->format ? result->format->id : 0);
}

static void result_cells(const struct open_result *result, struct cell cells[RESULT_CELLS])
{
	const struct completion *completion = &result->completion;
	bool completed = completion->tag.data && completion->rows != -1;
	bool counted = (result->format || result->rows) && !(result->copied && completed);

	cells[0] = cell_bytes(completion->tag);
	cells[1] = (struct cell){ 0 };
	if (counted || completed)
		cells[1] = cell_number(counted ? result->rows : completion->rows);
	cells[2] = cell_nonempty(&result->error);
	cells[3] = cell_nonempty(&result->events);
	cells[4] = cell_number(result->empty);
	cells[5] = cell_nonzero((int64_t)completion->insert_id);
	cells[6] = cell_nonzero(completion->warnings);
	cells[7] = cell_nonzero(completion->status);
}

void ingest_inline_cells(struct ingest *ingest, struct open_exchange *exchange, struct cell *cells)
{
	static const struct open_result none;
	struct open_result *result = &exchange->result;
	bool is_inline = exchange->whole && result->begun && !exchange->apart;

	cells[0] = cell_number(is_inline);
	cells[1] = columns_cell(is_inline ? result : &none);
	cells[2] = (struct cell){ 0 };
	if (is_inline && rows_end(ingest, exchange))
		/* encode_row() made it: valid UTF-8 without NUL. */
		cells[2] = cell_text(buffer_slice(&ingest->json));
	if (is_inline && result->events.size)
		buffer_append_u8(&result->events, ']');
	result_cells(is_inline ? result : &none, &cells[3]);
}

/* Stores what is known of the result under way apart: at its end, and when the item ends. */
static int result_flush(struct ingest *ingest, struct open_exchange *exchange)
{
	struct open_result *result = &exchange->result;
	sqlite3_stmt *sql = ingest->sql[result->stored ? SET_RESULT : ADD_RESULT];
	struct cell cells[1 + RESULT_CELLS];
	int rc;

	if (!result->begun)
		return SQLITE_OK;
	rc = rows_flush(ingest, exchange);
	if (rc != SQLITE_OK)
		return rc;
	if (result->events.size)
		buffer_append_u8(&result->events, ']');
	exchange->apart = true;
	sqlite3_bind_int64(sql, 1, exchange->id);
	sqlite3_bind_int64(sql, 2, result->number);
	cells[0] = columns_cell(result);
	result_cells(result, &cells[1]);
	cells_bind(sql, 3, cells, ARRAY_SIZE(cells));
	rc = database_run(sql);
	if (result->events.size) /* more may follow */
		result->events.size--;
	result->stored = true;
	return rc;
}

static int add_rows(struct ingest *ingest, struct open_exchange *exchange,
		    const struct protocol *protocol, const struct piece *piece)
{
	struct encode_values values = { protocol, ingest_scope(exchange->types, exchange->id) };
	struct open_result *result = &exchange->result;
	struct cursor rows = cursor_of(piece->bytes);

	for (uint32_t i = 0; i < piece->count; i++) {
		struct cursor row = rows;
		int rc = SQLITE_OK;

		buffer_append_string(&ingest->json, ingest->json.size ? ",\n " : "[");
		if (encode_row(&ingest->json, &ingest->scratch, &values, result->format, &rows) <
		    0) {
			ingest->json.size -= ingest->json.size > 1 ? 3 : 1;
			exchange->flags |= EXCHANGE_NOT_DECODED;
			return SQLITE_OK;
		}
		result->rows++;
		if (result->format && result->format->places.any)
			rc = ingest_learn_row(ingest, exchange, protocol, row);
		if (rc == SQLITE_OK && ingest->json.size >= SCHEMA_CHUNK_BYTES)
			rc = rows_flush(ingest, exchange);
		if (rc != SQLITE_OK)
			return rc;
	}
	return SQLITE_OK;
}

static int add_part(struct ingest *ingest, int64_t exchange, uint32_t part, uint32_t sequence,
		    struct slice bytes)
{
	sqlite3_stmt *sql = ingest->sql[ADD_PART];

	sqlite3_bind_int64(sql, 1, exchange);
	sqlite3_bind_int64(sql, 2, part);
	sqlite3_bind_int64(sql, 3, sequence);
	sqlite3_bind_blob64(sql, 4, bytes.size ? (const void *)bytes.data : "", bytes.size,
			    SQLITE_STATIC);
	return database_run(sql);
}

int ingest_part(struct ingest *ingest, int64_t exchange, uint32_t part, uint32_t *sequence,
		struct slice bytes)
{
	while (bytes.size) {
		size_t size = bytes.size < SCHEMA_PART_BYTES ? bytes.size : SCHEMA_PART_BYTES;
		int rc =
			add_part(ingest, exchange, part, (*sequence)++, slice_of(bytes.data, size));

		if (rc != SQLITE_OK)
			return rc;
		bytes = slice_of(bytes.data + size, bytes.size - size);
	}
	return SQLITE_OK;
}

static int add_value(struct ingest *ingest, struct open_exchange *exchange,
		     const struct piece *piece)
{
	if (piece->part > exchange->part) {
		exchange->part = piece->part;
		exchange->part_sequence = 0;
	}
	if (piece->part != exchange->part) { /* parts come one after the other */
		exchange->flags |= EXCHANGE_NOT_DECODED;
		return SQLITE_OK;
	}
	return ingest_part(ingest, exchange->id, piece->part, &exchange->part_sequence,
			   piece->bytes);
}

static void notification(struct buffer *json, struct slice bytes)
{
	struct cursor cursor = cursor_of(bytes);
	uint32_t backend = cursor_u32be(&cursor);

	buffer_append_slice(json, SLICE("{\"channel\": "));
	encode_text(json, cursor_string(&cursor));
	buffer_append_slice(json, SLICE(", \"payload\": "));
	encode_text(json, cursor_string(&cursor));
	buffer_append_slice(json, SLICE(", \"backend\": "));
	buffer_append_unsigned(json, backend);
	buffer_append_u8(json, '}');
}

void ingest_event(struct buffer *json, const struct protocol *protocol, enum piece_type type,
		  struct slice bytes)
{
	struct cursor cursor = cursor_of(bytes);
	struct name_value pair;

	switch (type) {
	case PIECE_STATUS:
		pair.name = cursor_string(&cursor);
		pair.value = cursor_string(&cursor);
		buffer_append_slice(json, SLICE("{\"status\": "));
		encode_object(json, &pair, 1);
		break;
	case PIECE_NOTIFICATION:
		buffer_append_slice(json, SLICE("{\"notification\": "));
		notification(json, bytes);
		break;
	case PIECE_END:
		pair = (struct name_value){ SLICE("how"), bytes };
		buffer_append_slice(json, SLICE("{\"end\": "));
		encode_object(json, &pair, 1);
		break;
	case PIECE_ERROR:
		buffer_append_slice(json, SLICE("{\"error\": "));
		encode_message(json, protocol, bytes);
		break;
	default:
		buffer_append_slice(json, SLICE("{\"notice\": "));
		encode_message(json, protocol, bytes);
		break;
	}
}

/* Behind what of its result it came; nothing is said where it came before all of it. */
static void add_event_place(struct buffer *events, const struct open_result *result)
{
	if (result->completion.tag.data || result->error.size) {
		buffer_append_slice(events, SLICE(", \"after\": \"tag\""));
	} else if (result->copy_ended) {
		buffer_append_slice(events, SLICE(", \"after\": \"data\""));
	} else if (result->format || result->rows || result->copied) {
		buffer_append_slice(events, SLICE(", \"after\": "));
		buffer_append_signed(events, result->rows);
	}
}

static void add_event(struct open_exchange *exchange, const struct protocol *protocol,
		      const struct piece *piece)
{
	struct buffer *events = &exchange->result.events;
	size_t start = events->size;

	buffer_append_string(events, start ? ", " : "[");
	ingest_event(events, protocol, piece->type, piece->bytes);
	if (piece->type == PIECE_NOTICE)
		add_event_place(events, &exchange->result);
	buffer_append_u8(events, '}');
	/* Room for the closing bracket is kept. */
	if (events->overflowed || events->size == events->max) {
		events->overflowed = false;
		events->size = start;
		exchange->flags |= EXCHANGE_NOTICES_CUT;
	}
}

static int add_columns(struct ingest *ingest, struct open_exchange *exchange,
		       const struct protocol *protocol, const struct piece *piece)
{
	/* Rows in front of their description: of no server, but of bytes that say so. */
	int rc = rows_flush(ingest, exchange);

	if (rc == SQLITE_OK)
		rc = ingest_columns(ingest, protocol, piece->bytes, &exchange->result.format);
	if (rc == SQLITE_OK && !piece->result)
		rc = ingest_find_columns(ingest, &exchange->identity, exchange->result.format);
	buffer_clear(&ingest->json);
	return rc;
}

static int add_copy(struct ingest *ingest, struct open_exchange *exchange,
		    const struct piece *piece)
{
	struct cursor cursor = cursor_of(piece->bytes);
	sqlite3_stmt *sql = ingest->sql[ADD_COPY];

	if (piece->result) { /* of several results in one exchange: which is told by nothing */
		exchange->flags |= EXCHANGE_NOT_DECODED;
		return SQLITE_OK;
	}
	exchange->result.copied = true;
	sqlite3_bind_int64(sql, 1, exchange->id);
	database_bind(sql, 2, cursor_u8(&cursor) ? SLICE("out") : SLICE("in"));
	database_bind(sql, 3, cursor_u8(&cursor) ? SLICE("binary") : SLICE("text"));
	sqlite3_bind_int(sql, 4, cursor_u16be(&cursor));
	return database_run(sql);
}

static int end_copy(struct ingest *ingest, struct open_exchange *exchange,
		    const struct piece *piece)
{
	struct cursor cursor = cursor_of(piece->bytes);
	uint8_t end = cursor_u8(&cursor);
	struct slice digest = cursor_bytes(&cursor, cursor_left(&cursor) ? COPY_DIGEST_BYTES : 0);
	struct slice failure = cursor_rest(&cursor);
	sqlite3_stmt *sql = ingest->sql[END_COPY];

	if (piece->result || cursor.failed || end > COPY_REFUSED)
		return SQLITE_OK;
	exchange->result.copy_ended = true;
	sqlite3_bind_int64(sql, 1, exchange->id);
	database_bind(sql, 2, copy_end_name((enum copy_end)end));
	database_bind_nonempty(sql, 3, failure);
	sqlite3_bind_blob64(sql, 4, digest.size ? digest.data : NULL, digest.size, SQLITE_STATIC);
	return database_run(sql);
}

static int add_piece(struct ingest *ingest, struct open_exchange *exchange,
		     const struct protocol *protocol, const struct piece *piece)
{
	struct open_result *result = &exchange->result;

	if (!result->begun || result->number != piece->result) {
		int rc = result_flush(ingest, exchange);

		if (rc != SQLITE_OK)
			return rc;
		if (result->begun && piece->result < result->number) { /* results come in order */
			exchange->flags |= EXCHANGE_NOT_DECODED;
			return SQLITE_OK;
		}
		result_begin(result, piece->result);
	}
	switch (piece->type) {
	case PIECE_COLUMNS:
		return add_columns(ingest, exchange, protocol, piece);
	case PIECE_ROWS:
		return add_rows(ingest, exchange, protocol, piece);
	case PIECE_VALUE:
		return add_value(ingest, exchange, piece);
	case PIECE_COPY:
		return add_copy(ingest, exchange, piece);
	case PIECE_COPY_END:
		return end_copy(ingest, exchange, piece);
	case PIECE_TAG:
		if (protocol->completion_read(piece->bytes, &result->completion) < 0)
			exchange->flags |= EXCHANGE_NOT_DECODED;
		break;
	case PIECE_EMPTY:
		result->empty = true;
		break;
	case PIECE_ERROR:
		buffer_clear(&result->error);
		encode_message(&result->error, protocol, piece->bytes);
		break;
	case PIECE_NOTICE:
	case PIECE_STATUS:
		add_event(exchange, protocol, piece);
		break;
	}
	return SQLITE_OK;
}

int ingest_pieces(struct ingest *ingest, struct open_exchange *exchange,
		  const struct protocol *protocol, const struct exchange_item *item)
{
	int rc = SQLITE_OK;

	buffer_clear(&ingest->json);
	for (const struct piece *piece = item->pieces; piece && rc == SQLITE_OK;
	     piece = piece->next)
		rc = add_piece(ingest, exchange, protocol, piece);
	/* The first of one item, and all of it is here: it goes with the exchange's row. */
	if (rc != SQLITE_OK || (exchange->whole && !exchange->apart && !exchange->result.number))
		return rc;
	return result_flush(ingest, exchange);
}

/* It is stored once more where the next item adds to the result, or begins another one. */
static void keep_tag(struct open_result *result)
{
	struct slice tag = result->completion.tag;

	if (!tag.data || tag.data == result->kept_tag.data)
		return;
	buffer_clear(&result->kept_tag);
	buffer_append_slice(&result->kept_tag, tag);
	tag = buffer_slice(&result->kept_tag);
	result->completion.tag = tag.size ? tag : slice_of("", 0);
}

void ingest_result_keep(struct open_result *result)
{
	size_t size;

	keep_tag(result);
	if (!result->format || result->format == result->kept_format)
		return;
	size = row_format_bytes(result->format->n);
	free(result->kept_format);
	result->kept_format = malloc(size);
	if (!result->kept_format)
		abort();
	memcpy(result->kept_format, result->format, size);
	result->format = result->kept_format;
}
