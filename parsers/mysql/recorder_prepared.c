/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The MySQL recorder: prepared statements, and what their executions bring; see recorder.h. Follows "Prepared Statements" of the
 * internals manual, and MariaDB's "COM_STMT_BULK_EXECUTE".
 */
#include "parsers/mysql/recorder.h"

#include <stdlib.h>

#define EXECUTE_PARAMETER_COUNT \
	0x08		/* flag: the number of parameters is said even if there are none */
#define BULK_TYPES 0x80 /* flag: the types are said */

enum bulk_indicator { BULK_VALUE, BULK_NULL, BULK_DEFAULT, BULK_IGNORE };

/* ---- statements ---- */

struct my_statement *my_statement_new(struct slice text)
{
	struct my_statement *statement;
	struct arena arena;

	arena_init(&arena);
	statement = arena_alloc(&arena, sizeof(*statement));
	statement->text = arena_copy(&arena, text);
	statement->named.name = slice_of(statement->key, sizeof(statement->key));
	buffer_init(&statement->columns, MY_COLUMNS_BYTES_MAX);
	statement->arena = arena;
	return statement;
}

void my_long_data_clear(struct my_statement *statement)
{
	for (size_t i = 0; statement->long_data && i < statement->n_parameters; i++)
		buffer_release(&statement->long_data[i].bytes);
	free(statement->long_data);
	statement->long_data = NULL;
	statement->long_bytes = 0;
	statement->long_too_large = false;
}

void my_statement_free(struct named *named)
{
	struct my_statement *statement = (struct my_statement *)named;
	struct arena arena = statement->arena; /* the statement lies in it */

	my_long_data_clear(statement);
	buffer_release(&statement->columns);
	free(statement->types);
	item_free(statement->cursor);
	arena_release(&arena);
}

struct my_statement *my_statement_find(struct recorder *recorder, uint32_t id)
{
	uint8_t key[4];

	if (id == MY_STATEMENT_LAST && recorder->prepared)
		id = recorder->last_prepared;
	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)(id >> (8 * i));
	return (struct my_statement *)names_find(&recorder->statements, slice_of(key, sizeof(key)));
}

bool my_statement_grew(struct recorder *recorder, struct my_statement *statement)
{
	size_t bytes = statement->arena.allocated + statement->columns.capacity +
		       statement->long_bytes + statement->n_types * sizeof(*statement->types);

	if (statement->long_data)
		bytes += statement->n_parameters * sizeof(*statement->long_data);
	if (statement->cursor)
		bytes += statement->cursor->arena.allocated;
	names_weigh(&recorder->statements, &statement->named, bytes);
	return recorder->statements.bytes <= MY_STATEMENTS_BYTES_MAX + MY_REQUEST_MAX ||
	       my_fail(recorder, "too many prepared statements");
}

void my_cursor_end(struct recorder *recorder, struct my_statement *statement)
{
	if (statement->cursor)
		exchange_suspended_end(&recorder->log, statement->cursor);
	statement->cursor = NULL;
}

void my_statement_end(struct recorder *recorder, struct my_statement *statement)
{
	struct item *item;

	if (!statement)
		return;
	my_cursor_end(recorder, statement);
	if (!statement->executed) {
		item = item_new(ITEM_STATEMENT, recorder->log.connection);
		item->statement.text = arena_copy(&item->arena, statement->text);
		item->statement.n_parameter_types = statement->n_parameters;
		item->statement.parameter_types =
			arena_alloc(&item->arena, statement->n_parameters * sizeof(uint32_t));
		item->statement.has_columns = statement->columns.size || !statement->n_columns;
		item->statement.columns =
			arena_copy(&item->arena, buffer_slice(&statement->columns));
		item_list_add(recorder->log.items, item);
	}
	if (names_find(&recorder->statements, statement->named.name) == &statement->named)
		names_take(&recorder->statements, statement->named.name);
	my_statement_free(&statement->named);
}

void my_statements_end(struct recorder *recorder)
{
	struct names *names = &recorder->statements;

	for (size_t i = 0; names->n && i < names->n_buckets; i++)
		for (struct named *named; (named = names->buckets[i]);)
			my_statement_end(recorder, (struct my_statement *)named);
	names_shrink(names);
	recorder->prepared = false;
}

/* ---- long data ---- */

/* Of a statement or a parameter that does not exist they are nothing: the server says so at the execution. */
bool my_long_data_add(struct recorder *recorder, const struct my_operation *operation)
{
	struct my_statement *statement = my_statement_find(recorder, operation->statement_id);
	struct cursor cursor = cursor_of(slice_of(operation->bytes, operation->n_bytes));
	uint16_t parameter = cursor_u16le(&cursor);
	struct slice bytes = cursor_rest(&cursor);
	struct my_long_data *data;

	if (!statement)
		return true;
	if (operation->too_large || bytes.size > MY_LONG_DATA_MAX - statement->long_bytes) {
		statement->long_too_large = true;
		return true;
	}
	if (parameter >= statement->n_parameters)
		return true;
	if (!statement->long_data) {
		statement->long_data = calloc(statement->n_parameters, sizeof(*data));
		if (!statement->long_data)
			abort();
	}
	data = &statement->long_data[parameter];
	if (!data->set)
		buffer_init(&data->bytes, MY_LONG_DATA_MAX);
	data->set = true;
	buffer_append_slice(&data->bytes, bytes);
	statement->long_bytes += bytes.size;
	return my_statement_grew(recorder, statement);
}

/* ---- values ---- */

struct slice my_read_value(struct cursor *cursor, uint32_t type)
{
	int size = my_type_size(type);

	switch (size) {
	case -1:
		cursor->failed = true;
		return slice_of(NULL, 0);
	case MY_SIZE_LENENC:
		return my_read_lenenc_bytes(cursor);
	case MY_SIZE_SHORT:
		return cursor_bytes(cursor, cursor_u8(cursor));
	default:
		return cursor_bytes(cursor, (size_t)size);
	}
}

static bool bit(struct slice bitmap, size_t i)
{
	return bitmap.data[i / 8] >> (i % 8) & 1;
}

static uint32_t read_type(struct cursor *cursor)
{
	return cursor_u16le(cursor) & (MY_TYPE_UNSIGNED | 0xff);
}

bool my_skip_attributes(struct cursor *cursor)
{
	uint64_t n = my_read_lenenc(cursor);
	struct cursor types;
	struct slice nulls;

	my_read_lenenc(cursor); /* the number of sets, which is 1 */
	if (cursor->failed || !n)
		return !cursor->failed;
	if (n > cursor_left(cursor))
		return false;
	nulls = cursor_bytes(cursor, (size_t)(n + 7) / 8);
	if (cursor_u8(cursor) != 1)
		return false;
	types = *cursor;
	for (uint64_t i = 0; i < n; i++) {
		cursor_u16le(cursor);
		my_read_lenenc_bytes(cursor);
	}
	for (uint64_t i = 0; i < n && !cursor->failed; i++) {
		uint32_t type = read_type(&types);

		my_read_lenenc_bytes(&types);
		if (!bit(nulls, (size_t)i))
			my_read_value(cursor, type);
	}
	return !cursor->failed;
}

/* ---- execution ---- */

/* Types stay with the statement: the next execution may leave them out. */
static bool read_types(struct my_statement *statement, struct cursor *cursor, size_t n, bool named)
{
	if (statement->n_types < n) {
		free(statement->types);
		statement->types = calloc(n, sizeof(*statement->types));
		if (!statement->types)
			abort();
		statement->n_types = n;
	}
	for (size_t i = 0; i < n; i++) {
		statement->types[i] = read_type(cursor);
		if (named)
			my_read_lenenc_bytes(cursor);
	}
	return !cursor->failed;
}

static void read_parameter(struct item *item, struct cursor *cursor,
			   const struct my_statement *statement, bool null, size_t i)
{
	struct parameter *parameter = (struct parameter *)(uintptr_t)&item->exchange.parameters[i];

	parameter->type = statement->types[i];
	parameter->declared = true;
	parameter->form = PARAMETER_BINARY;
	if (statement->long_data && statement->long_data[i].set)
		parameter->value =
			arena_copy(&item->arena, buffer_slice(&statement->long_data[i].bytes));
	else if (null || (parameter->type & 0xff) == MY_TYPE_NULL)
		parameter->null = true;
	else
		parameter->value = my_read_value(cursor, parameter->type);
}

/* Behind the id: flags, iterations, and the parameters if there are some. */
static bool bind_execute(struct recorder *recorder, struct item *item, struct slice body,
			 struct my_statement *statement)
{
	struct cursor cursor = cursor_of(body);
	bool attributes = recorder->capabilities & MY_CLIENT_QUERY_ATTRIBUTES;
	uint8_t flags = cursor_u8(&cursor);
	uint64_t n = statement->n_parameters;
	struct slice nulls;

	cursor_u32le(&cursor);
	if (!n && !(attributes && (flags & EXECUTE_PARAMETER_COUNT)))
		return !cursor.failed;
	if (attributes)
		n = my_read_lenenc(&cursor);
	if (cursor.failed || n < statement->n_parameters || n > UINT16_MAX)
		return false;
	if (!n)
		return true;
	nulls = cursor_bytes(&cursor, (size_t)(n + 7) / 8);
	if (cursor_u8(&cursor) == 1 && !cursor.failed &&
	    !read_types(statement, &cursor, (size_t)n, attributes))
		return false;
	if (cursor.failed || statement->n_types < statement->n_parameters)
		return false;
	item->exchange.parameters =
		arena_alloc(&item->arena, statement->n_parameters * sizeof(struct parameter));
	item->exchange.n_parameters = statement->n_parameters;
	for (size_t i = 0; i < statement->n_parameters && !cursor.failed; i++)
		read_parameter(item, &cursor, statement, bit(nulls, i), i);
	return !cursor.failed; /* behind them stand the query attributes */
}

/* ---- bulk execution ---- */

static void bulk_value(struct cursor *cursor, uint32_t type, struct parameter *ret_parameter)
{
	uint8_t indicator = cursor_u8(cursor);

	*ret_parameter = (struct parameter){ .type = type,
					     .declared = true,
					     .form = PARAMETER_BINARY,
					     .null = indicator != BULK_VALUE };
	if (indicator == BULK_VALUE)
		ret_parameter->value = my_read_value(cursor, type);
	else if (indicator == BULK_DEFAULT)
		ret_parameter->type = MY_TYPE_BULK_DEFAULT;
	else if (indicator == BULK_IGNORE)
		ret_parameter->type = MY_TYPE_BULK_IGNORE;
	else if (indicator != BULK_NULL)
		cursor->failed = true;
}

/* How many rows there are; false when they are malformed. */
static bool bulk_count(struct cursor cursor, const struct my_statement *statement, size_t *ret_rows)
{
	struct parameter unused;
	size_t rows = 0;

	for (; cursor_left(&cursor) && !cursor.failed; rows++)
		for (size_t i = 0; i < statement->n_parameters; i++)
			bulk_value(&cursor, statement->types[i], &unused);
	*ret_rows = rows;
	return !cursor.failed;
}

static struct slice bulk_text(struct arena *arena, struct slice text, size_t rows)
{
	size_t size = rows ? rows * (text.size + 2) - 2 : 0;
	uint8_t *copy = arena_bytes(arena, size);

	for (size_t i = 0; i < rows; i++) {
		uint8_t *at = copy + i * (text.size + 2);

		if (text.size)
			memcpy(at, text.data, text.size);
		if (i + 1 < rows)
			memcpy(at + text.size, "; ", 2);
	}
	return slice_of(copy, size);
}

/* Each row is an execution of its own: together they are one exchange, with the text once for each. */
static bool bind_bulk(struct item *item, struct slice body, struct my_statement *statement)
{
	struct cursor cursor = cursor_of(body);
	uint16_t flags = cursor_u16le(&cursor);
	struct parameter *parameters;
	size_t rows, n = statement->n_parameters;

	if ((flags & BULK_TYPES) && !read_types(statement, &cursor, n, false))
		return false;
	if (cursor.failed || !n || statement->n_types < n || !bulk_count(cursor, statement, &rows))
		return false;
	if (rows > MY_BULK_PARAMETERS_MAX / n ||
	    rows > MY_REQUEST_MAX / (statement->text.size + 2)) {
		item->exchange.flags |= EXCHANGE_REQUEST_TOO_LARGE;
		return true;
	}
	parameters = arena_alloc(&item->arena, rows * n * sizeof(*parameters));
	for (size_t i = 0; i < rows * n; i++)
		bulk_value(&cursor, statement->types[i % n], &parameters[i]);
	item->exchange.parameters = parameters;
	item->exchange.n_parameters = rows * n;
	item->exchange.text = bulk_text(&item->arena, statement->text, rows);
	return true;
}

bool my_bind(struct recorder *recorder, struct my_operation *operation,
	     struct my_statement *statement)
{
	struct item *item = operation->item;
	bool ok = true;

	item->exchange.text = slice_of(NULL, 0);
	if (statement->long_too_large)
		item->exchange.flags |= EXCHANGE_REQUEST_TOO_LARGE;
	else if (operation->command == MY_COM_STMT_BULK_EXECUTE && !operation->too_large)
		ok = bind_bulk(item, operation->body, statement);
	else if (!operation->too_large)
		ok = bind_execute(recorder, item, operation->body, statement);
	if (!item->exchange.text.size)
		item->exchange.text = arena_copy(&item->arena, statement->text);
	my_long_data_clear(statement); /* the server's too end with the execution */
	return ok && my_statement_grew(recorder, statement);
}
