/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of store/ share: a small protocol of their own, items as a recorder would make
 * them, a temporary folder, and questions to SQLite. All static: each test program includes it
 * once.
 */
#ifndef MOCKPROXY_STORE_SUPPORT_H
#define MOCKPROXY_STORE_SUPPORT_H

#include "parsers/binding.h"
#include "parsers/cursor.h"
#include "parsers/protocol.h"
#include "store/matcher.h"
#include "store/writer.h"
#include "tests/unit/cmocka.h"

#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define UNUSED __attribute__((unused))
#define INT2 21
#define INT4 23
#define TEXT 25
#define BOOL 16
#define BYTEA 17

/*
 * --- the protocol: raw descriptions are [u32 type][u8 form][name NUL]..., messages are name NUL
 * value NUL ... ---
 */

static int fake_columns_read(struct slice raw, struct column *columns, size_t max, size_t *ret_n)
{
	struct cursor cursor = cursor_of(raw);
	size_t n = 0;

	while (cursor_left(&cursor) && n < max) {
		columns[n] = (struct column){ .modifier = -1, .length = -1 };
		columns[n].type_id = cursor_u32be(&cursor);
		columns[n].form = cursor_u8(&cursor);
		columns[n].name = cursor_string(&cursor);
		n++;
	}
	*ret_n = n;
	return cursor_done(&cursor) ? 0 : -EINVAL;
}

static int fake_message_read(struct slice raw, struct message_field *fields, size_t max,
			     size_t *ret_n)
{
	struct cursor cursor = cursor_of(raw);
	size_t n = 0;

	while (cursor_left(&cursor) && n < max) {
		fields[n].name = cursor_string(&cursor);
		fields[n++].value = cursor_string(&cursor);
	}
	*ret_n = n;
	return cursor_done(&cursor) ? 0 : -EINVAL;
}

static struct slice fake_type_name(uint32_t type)
{
	switch (type) {
	case INT4:
		return SLICE("int4");
	case TEXT:
		return SLICE("text");
	case BOOL:
		return SLICE("bool");
	case BYTEA:
		return SLICE("bytea");
	}
	return slice_of(NULL, 0);
}

static enum sql_kind fake_type_kind(const struct type_scope *scope, uint32_t type)
{
	(void)scope;
	return type == INT4  ? SQL_NUMBER :
	       type == BOOL  ? SQL_BOOLEAN :
	       type == BYTEA ? SQL_TYPED :
			       SQL_STRING;
}

static int fake_value_to_text(const struct type_scope *scope, uint32_t type, struct slice bytes,
			      struct buffer *text)
{
	(void)scope;
	struct cursor cursor = cursor_of(bytes);

	if (type == INT4 && bytes.size == 4) {
		buffer_append_signed(text, cursor_i32be(&cursor));
		return 0;
	}
	if (type == BOOL && bytes.size == 1) {
		buffer_append_u8(text, bytes.data[0] ? 't' : 'f');
		return 0;
	}
	if (type == TEXT) {
		buffer_append_slice(text, bytes);
		return 0;
	}
	return -ENOTSUP;
}

static int64_t fake_rows(struct slice tag)
{
	int64_t n = 0;
	size_t at = tag.size;

	while (at && tag.data[at - 1] >= '0' && tag.data[at - 1] <= '9')
		at--;
	if (at == tag.size)
		return -1;
	for (; at < tag.size; at++)
		n = 10 * n + tag.data[at] - '0';
	return n;
}

static int fake_completion_read(struct slice raw, struct completion *ret_completion)
{
	*ret_completion =
		(struct completion){ .tag = raw.data ? raw : SLICE(""), .rows = fake_rows(raw) };
	return 0;
}

static const struct protocol fake_protocol = {
	.name = "postgres",
	.dialect = SQL_POSTGRES,
	.columns_read = fake_columns_read,
	.message_read = fake_message_read,
	.type_name = fake_type_name,
	.type_kind = fake_type_kind,
	.value_to_text = fake_value_to_text,
	.completion_read = fake_completion_read,
};

/* --- a temporary folder --- */

struct folder {
	char path[64];
	char file[96];
	char partial[112];
};

static UNUSED void folder_make(struct folder *folder)
{
	snprintf(folder->path, sizeof(folder->path), "/tmp/mockproxy-test-XXXXXX");
	assert_non_null(mkdtemp(folder->path));
	snprintf(folder->file, sizeof(folder->file), "%s/mocks.db", folder->path);
	snprintf(folder->partial, sizeof(folder->partial), "%s.partial", folder->file);
}

static UNUSED void folder_remove(struct folder *folder)
{
	static const char *const names[] = {
		"",	".partial", ".partial-wal", ".partial-shm",
		"-wal", "-shm",	    "-journal",	    ".partial-journal"
	};
	char path[160];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s%s", folder->file, names[i]);
		unlink(path);
	}
	assert_int_equal(rmdir(folder->path), 0);
}

/* --- items --- */

static UNUSED struct item *make_open(uint64_t connection, const char *address, uint16_t port)
{
	struct item *item = item_new(ITEM_CONNECTION_OPEN, connection);

	item->connection_open.start_ns = 1700000000000000000;
	item->connection_open.address = arena_copy(&item->arena, slice_from_string(address));
	item->connection_open.port = port;
	item->connection_open.pid = 42;
	item->connection_open.program = SLICE("psql");
	return item;
}

static UNUSED struct item *make_session(uint64_t connection, const char *database)
{
	static const struct name_value client[] = { { { (const uint8_t *)"application_name", 16 },
						      { (const uint8_t *)"psql", 4 } } };
	static const struct name_value server[] = {
		{ { (const uint8_t *)"TimeZone", 8 }, { (const uint8_t *)"UTC", 3 } },
		{ { (const uint8_t *)"DateStyle", 9 }, { (const uint8_t *)"ISO", 3 } }
	};
	struct item *item = item_new(ITEM_SESSION, connection);

	item->session = (struct session_item){ .protocol = &fake_protocol,
					       .server_version = SLICE("15.18"),
					       .user = SLICE("ann"),
					       .database = arena_copy(&item->arena,
								      slice_from_string(database)),
					       .client_parameters = client,
					       .n_client_parameters = 1,
					       .server_parameters = server,
					       .n_server_parameters = 2 };
	return item;
}

static UNUSED struct item *make_close(uint64_t connection)
{
	struct item *item = item_new(ITEM_CONNECTION_CLOSE, connection);

	item->connection_close = (struct connection_close_item){ .end_ns = 1700000001000000000,
								 .outcome = SLICE("closed"),
								 .client_bytes = 1,
								 .server_bytes = 2 };
	return item;
}

/* An exchange that opens and closes with this item. */
static UNUSED struct item *make_exchange(uint64_t connection, uint64_t ordinal, const char *text)
{
	struct item *item = item_new(ITEM_EXCHANGE, connection);
	struct exchange_item *exchange = &item->exchange;

	exchange->ordinal = ordinal;
	exchange->batch = ordinal;
	exchange->opens = true;
	exchange->closes = true;
	exchange->kind = EXCHANGE_SIMPLE;
	exchange->transaction = 'I';
	exchange->start_ns = 1700000000000000000 + (int64_t)ordinal * 1000000;
	exchange->first_byte_ns = exchange->start_ns + 400000;
	exchange->end_ns = exchange->start_ns + 500000;
	exchange->outcome = OUTCOME_OK;
	exchange->text = arena_copy(&item->arena, slice_from_string(text));
	return item;
}

static UNUSED void add_parameter(struct item *item, uint32_t type, bool declared,
				 enum parameter_form form, struct slice value)
{
	struct exchange_item *exchange = &item->exchange;
	struct parameter *all =
		arena_alloc(&item->arena, (exchange->n_parameters + 1) * sizeof(struct parameter));

	if (exchange->n_parameters)
		memcpy(all, exchange->parameters, exchange->n_parameters * sizeof(*all));
	all[exchange->n_parameters] =
		(struct parameter){ .type = type,
				    .declared = declared,
				    .null = !value.data,
				    .form = (uint8_t)form,
				    .value = arena_copy(&item->arena, value) };
	exchange->parameters = all;
	exchange->n_parameters++;
	exchange->kind = EXCHANGE_EXTENDED;
}

static UNUSED void add_column(struct buffer *raw, uint32_t type, enum parameter_form form,
			      const char *name)
{
	buffer_append_u32be(raw, type);
	buffer_append_u8(raw, (uint8_t)form);
	buffer_append(raw, name, strlen(name) + 1);
}

static UNUSED void add_value(struct buffer *raw, struct slice value)
{
	buffer_append_u32be(raw, value.data ? (uint32_t)value.size : UINT32_MAX);
	buffer_append_slice(raw, value);
}

/* One result: a text column `v`, one row for each string, and the tag. */
static UNUSED void add_rows(struct item *item, uint32_t result, const char *tag,
			    const char *const *values, size_t n)
{
	struct buffer raw;

	buffer_init(&raw, 1 << 20);
	add_column(&raw, TEXT, PARAMETER_TEXT, "v");
	item_add_piece(item, PIECE_COLUMNS, result, buffer_slice(&raw));
	buffer_clear(&raw);
	for (size_t i = 0; i < n; i++) {
		buffer_append_u16be(&raw, 1);
		add_value(&raw, slice_from_string(values[i]));
	}
	if (n)
		item_add_piece(item, PIECE_ROWS, result, buffer_slice(&raw))->count = (uint32_t)n;
	if (tag)
		item_add_piece(item, PIECE_TAG, result, slice_from_string(tag));
	buffer_release(&raw);
}

static UNUSED void push(struct writer *writer, struct item *item)
{
	struct item_list list;

	item_list_init(&list);
	item_list_add(&list, item);
	writer_push(writer, &list);
}

/* A simple query with one value as its answer. */
static UNUSED void push_query(struct writer *writer, uint64_t connection, uint64_t ordinal,
			      const char *text, const char *value)
{
	struct item *item = make_exchange(connection, ordinal, text);

	add_rows(item, 0, "SELECT 1", &value, 1);
	push(writer, item);
}

static UNUSED void push_session(struct writer *writer, uint64_t connection)
{
	push(writer, make_open(connection, "127.0.0.1", 5432));
	push(writer, make_session(connection, "app"));
}

/* --- writing --- */

static UNUSED struct writer *start_writer(const char *path)
{
	const char *const command[] = { "psql", NULL };
	struct writer_options options = { .path = path, .command = command };
	char error[STORE_ERROR_BYTES] = "";
	struct writer *writer = NULL;

	if (writer_open(&options, &writer, error) < 0)
		fail_msg("%s", error);
	return writer;
}

static UNUSED struct writer *start_session(const char *path)
{
	struct writer *writer = start_writer(path);

	push_session(writer, 1);
	return writer;
}

static UNUSED struct writer_summary finish_writer(struct writer *writer)
{
	char error[STORE_ERROR_BYTES] = "";
	struct writer_summary summary;

	if (writer_close(writer, NULL, &summary, error) < 0)
		fail_msg("%s", error);
	return summary;
}

/*
 * Waits for the writer to have taken what was pushed; its queue is so small that any item fills it.
 */
struct drain {
	pthread_mutex_t mutex;
	pthread_cond_t cond;
};

#define DRAIN_INITIALIZER                                           \
	{                                                           \
		PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER \
	}

static UNUSED void on_drained(void *context)
{
	struct drain *drain = context;

	pthread_mutex_lock(&drain->mutex);
	pthread_cond_signal(&drain->cond);
	pthread_mutex_unlock(&drain->mutex);
}

static UNUSED void wait_drained(struct drain *drain, const struct writer *writer)
{
	pthread_mutex_lock(&drain->mutex);
	while (writer_full(writer))
		pthread_cond_wait(&drain->cond, &drain->mutex);
	pthread_mutex_unlock(&drain->mutex);
}

/* --- asking SQLite --- */

/* What sqlite3's CLI would print of the first row's first column; the caller frees it. */
static UNUSED char *ask(const char *path, const char *sql)
{
	sqlite3_stmt *statement = NULL;
	sqlite3 *database = NULL;
	char *answer = NULL;
	int rc = sqlite3_open_v2(path, &database, SQLITE_OPEN_READWRITE, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v2(database, sql, -1, &statement, NULL);
	if (rc != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(database));
	rc = sqlite3_step(statement);
	if (rc == SQLITE_ROW && sqlite3_column_type(statement, 0) != SQLITE_NULL)
		answer = strdup((const char *)sqlite3_column_text(statement, 0));
	else if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		fail_msg("%s: %s", sql, sqlite3_errmsg(database));
	sqlite3_finalize(statement);
	sqlite3_close(database);
	return answer ? answer : strdup("");
}

#define assert_sql(path, sql, expected)                   \
	do {                                              \
		char *answer_ = ask((path), (sql));       \
                                                          \
		assert_string_equal(answer_, (expected)); \
		free(answer_);                            \
	} while (0)

#endif
