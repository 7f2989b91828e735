/* SPDX-License-Identifier: Apache-2.0 */
/* A small recording in memory, found by canonical text and values; see my_replay.h. */
#include "tests/unit/my_replay.h"

#include <stdio.h>

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h> /* needs those above */
/* clang-format on */

#define ROWS_OF_CHUNK 2

#define COLUMNS_OF(variable, letter, type, size, set, recorded_form)        \
	static const struct {                                               \
		struct answer_columns head;                                 \
		struct column column;                                       \
	} variable = { { .id = 1, .n = 1 },                                 \
		       { .name = { (const uint8_t *)(letter), 1 },          \
			 .original_name = { (const uint8_t *)(letter), 1 }, \
			 .table_name = { (const uint8_t *)"t", 1 },         \
			 .original_table = { (const uint8_t *)"t", 1 },     \
			 .type_id = (type),                                 \
			 .length = (size),                                  \
			 .charset = (set),                                  \
			 .form = (recorded_form) } }

COLUMNS_OF(int_text, "a", MY_TYPE_LONG, 11, 63, PARAMETER_TEXT);
COLUMNS_OF(int_binary, "a", MY_TYPE_LONG, 11, 63, PARAMETER_BINARY);
COLUMNS_OF(text_text, "b", MY_TYPE_VAR_STRING, 255, 45, PARAMETER_TEXT);
COLUMNS_OF(float_text, "f", MY_TYPE_FLOAT, 12, 63, PARAMETER_TEXT);

struct my_entry {
	const char *key; /* the canonical text, and |value for each slot */
	const struct answer_columns *columns;
	const char *rows;   /* of one column, separated by commas; a - is null */
	const char *error;  /* code */
	const char *change; /* NAME=VALUE */
	const char *info;
	const char *second_rows; /* a second result, of the same columns */
	int64_t affected;
	uint64_t insert_id;
	uint16_t status;
	uint8_t kind;	    /* of the exchange; 0: EXCHANGE_SIMPLE */
	uint8_t value_kind; /* 0: ANSWER_TEXT */
	uint32_t flags;
};

static const struct my_entry recording[] = {
	{ .key = "select a from t where a = ?|5", .columns = &int_text.head, .rows = "5" },
	{ .key = "select a from t where a = ?|6", .columns = &int_binary.head, .rows = "6" },
	{ .key = "select a from five", .columns = &int_text.head, .rows = "1,2,3,-,5" },
	{ .key = "select a from slow",
	  .columns = &int_text.head,
	  .rows = "1",
	  .status = MY_STATUS_QUERY_WAS_SLOW | 0x0020 }, /* no index was used */
	{ .key = "select f from t", .columns = &float_text.head, .rows = "1.5" },
	{ .key = "select big",
	  .columns = &text_text.head,
	  .rows = "x,-,x",
	  .value_kind = ANSWER_PART_TEXT },
	{ .key = "insert into t values (?)|1",
	  .affected = 1,
	  .insert_id = 7,
	  .status = 0x0001 | 0x0020, /* in a transaction then; no index was used */
	  .kind = EXCHANGE_EXTENDED },
	{ .key = "insert into t values (?); insert into t values (?)|1|2",
	  .affected = 2,
	  .kind = EXCHANGE_EXTENDED },
	{ .key = "update t set a = ?|1", .affected = -1, .info = "Rows matched: 1" },
	{ .key = "select bad", .error = "1146", .columns = &int_text.head, .rows = "1" },
	{ .key = "select wrong", .error = "65535" },
	{ .key = "select parse", .error = "1064", .kind = EXCHANGE_PARSE },
	{ .key = "use gone", .error = "1049" },
	{ .key = "call p()",
	  .columns = &int_text.head,
	  .rows = "1",
	  .second_rows = "2",
	  .status = MY_STATUS_MORE_RESULTS },
	{ .key = "set @@session.x = ?|1", .change = "x=on" },
	{ .key = "load data local infile ? into table t|f.csv",
	  .change = "@local_infile=f.csv",
	  .affected = 3,
	  .flags = EXCHANGE_COPY },
	{ .key = "com_field_list t ``", .columns = &int_text.head },
	{ .key = "com_statistics", .info = "Uptime: 1" },
	{ .key = "merged one; merged two", .info = "ONE", .flags = EXCHANGE_MERGED },
	{ .key = "select once", .affected = 0 },
};

#define N_ENTRIES (sizeof(recording) / sizeof(recording[0]))
_Static_assert(N_ENTRIES <= FAKE_ENTRIES_MAX, "struct my_fake has room for each");

static void key_of(const struct request *request, struct buffer *key)
{
	buffer_append_slice(key, request->statement->canonical);
	for (size_t i = 0; i < request->statement->n_slots; i++) {
		buffer_append_u8(key, '|');
		buffer_append_slice(key, request->values[i].null ? SLICE("null") :
								   request->values[i].text);
	}
}

static bool is_parse_error(const struct my_entry *entry)
{
	return entry->kind == EXCHANGE_PARSE;
}

static size_t look_up(const struct request *request)
{
	struct buffer key;
	size_t i;

	buffer_init(&key, 4096);
	key_of(request, &key);
	for (i = 0; i < N_ENTRIES; i++)
		if (slice_equal_nocase(buffer_slice(&key), slice_from_string(recording[i].key)))
			break;
	buffer_release(&key);
	return i;
}

static void say(const struct my_fake *fake, size_t i, struct answer *ret_answer)
{
	bool once = i < N_ENTRIES &&
		    slice_equal(slice_from_string(recording[i].key), SLICE("select once"));

	*ret_answer = (struct answer){ .nearest = SLICE("select nearest"),
				       .difference = SLICE("value 1: recorded 5, asked 7") };
	if (i == N_ENTRIES || is_parse_error(&recording[i]))
		return;
	if (once && fake->used[i]) {
		ret_answer->used_up = true;
		return;
	}
	ret_answer->rung = RUNG_EXACT;
	ret_answer->exchange = i + 1;
	ret_answer->kind = recording[i].kind ? recording[i].kind : EXCHANGE_SIMPLE;
	ret_answer->outcome = recording[i].error ? OUTCOME_ERROR : OUTCOME_OK;
	ret_answer->flags = recording[i].flags;
}

static bool fake_peek(void *context, const struct request *request, struct answer *ret_answer)
{
	say(context, look_up(request), ret_answer);
	return ret_answer->rung == RUNG_EXACT;
}

static void fake_find(void *context, const struct request *request, struct answer *ret_answer)
{
	struct my_fake *fake = context;
	size_t i = look_up(request);

	say(fake, i, ret_answer);
	if (i < N_ENTRIES)
		fake->used[i] = true;
	fake->found += ret_answer->rung == RUNG_EXACT;
}

static bool fake_parse_error(void *context, const struct request *request,
			     struct answer *ret_answer)
{
	size_t i = look_up(request);

	(void)context;
	if (i == N_ENTRIES || !is_parse_error(&recording[i]))
		return false;
	*ret_answer = (struct answer){ .rung = RUNG_EXACT,
				       .exchange = i + 1,
				       .kind = EXCHANGE_PARSE,
				       .outcome = OUTCOME_ERROR };
	return true;
}

static bool fake_describe(void *context, const struct request *request,
			  struct answer_description *ret_description, struct answer *ret_miss)
{
	struct slice canonical = request->statement->canonical;

	say(context, N_ENTRIES, ret_miss);
	for (size_t i = 0; i < N_ENTRIES; i++) {
		struct slice key = slice_from_string(recording[i].key);

		if (!slice_starts_with(key, canonical) ||
		    (key.size > canonical.size && key.data[canonical.size] != '|'))
			continue;
		*ret_description = (struct answer_description){
			.same_shape = true,
			.has_columns = true,
			.columns = recording[i].columns,
		};
		return true;
	}
	return false;
}

static bool fake_is_merged(void *context, const struct request *request)
{
	size_t i = look_up(request);

	(void)context;
	return i < N_ENTRIES && (recording[i].flags & EXCHANGE_MERGED);
}

static bool fake_server(void *context, struct slice database, struct slice user,
			struct answer_server *ret_server)
{
	struct my_fake *fake = context;

	(void)user;
	snprintf(fake->digits, sizeof(fake->digits), "%llu",
		 (unsigned long long)(fake->capabilities & 0xffffffff));
	fake->server[0] =
		(struct answer_field){ SLICE("capabilities"), slice_from_string(fake->digits) };
	fake->server[1] =
		(struct answer_field){ SLICE("auth_plugin"), slice_from_string(fake->plugin) };
	fake->server[2] = (struct answer_field){ SLICE("status"), SLICE("2") };
	fake->server[3] = (struct answer_field){ SLICE("mariadb_capabilities"), SLICE("29") };
	*ret_server = (struct answer_server){ .version = SLICE("8.4.0"),
					      .parameters = fake->server,
					      .n_parameters = 4 };
	return !database.size || slice_equal(database, SLICE("shop"));
}

static const char *rows_of(const struct my_entry *entry, uint32_t number)
{
	return number ? entry->second_rows : entry->rows;
}

static uint32_t count_rows(const char *rows)
{
	uint32_t n = rows ? 1 : 0;

	for (const char *at = rows; at && *at; at++)
		n += *at == ',';
	return n;
}

static void result_error(struct my_fake *fake, const struct my_entry *entry,
			 struct answer_result *result)
{
	fake->fields[0] = (struct answer_field){ SLICE("code"), slice_from_string(entry->error) };
	fake->fields[1] = (struct answer_field){ SLICE("sqlstate"), SLICE("42S02") };
	fake->fields[2] = (struct answer_field){ SLICE("message"), SLICE("recorded") };
	result->error = fake->fields;
	result->n_error = 3;
}

static void result_change(struct my_fake *fake, const struct my_entry *entry,
			  struct answer_result *result)
{
	const char *equals = strchr(entry->change, '=');

	fake->aside =
		(struct answer_field){ slice_of(entry->change, (size_t)(equals - entry->change)),
				       slice_from_string(equals + 1) };
	fake->event = (struct answer_event){ true, &fake->aside, 1, 0 };
	result->events = &fake->event;
	result->n_events = 1;
}

/* A second result ends with an OK of its own, as procedures do. */
static int fake_result(void *context, uint64_t exchange, uint32_t number,
		       struct answer_result *ret_result)
{
	const struct my_entry *entry = &recording[exchange - 1];
	uint32_t last = entry->second_rows ? 2 : 0;

	*ret_result = (struct answer_result){ 0 };
	if (number > last)
		return 0;
	if (entry->error)
		result_error(context, entry, ret_result);
	else
		ret_result->completion = (struct completion){
			.tag = entry->info ? slice_from_string(entry->info) : SLICE(""),
			/* With columns the store says how many rows there are. */
			.rows = entry->columns && number < last + !last ?
					count_rows(rows_of(entry, number)) :
					entry->affected,
			.insert_id = entry->insert_id,
			.status = number == last && last ? 0 : entry->status,
		};
	if (number == last && last)
		return 1;
	ret_result->columns = entry->columns;
	ret_result->chunks =
		(count_rows(rows_of(entry, number)) + ROWS_OF_CHUNK - 1) / ROWS_OF_CHUNK;
	if (entry->change)
		result_change(context, entry, ret_result);
	return 1;
}

static int fake_chunk(void *context, uint64_t exchange, uint32_t number, uint32_t chunk)
{
	struct my_fake *fake = context;

	fake->open = &recording[exchange - 1];
	fake->number = number;
	fake->chunk = chunk;
	fake->row = 0;
	return 0;
}

static int fake_next_row(void *context, const struct answer_value **ret_values, size_t *ret_n)
{
	struct my_fake *fake = context;
	const char *at = rows_of(fake->open, fake->number), *end;
	uint32_t row = fake->chunk * ROWS_OF_CHUNK + fake->row;

	if (fake->row == ROWS_OF_CHUNK || row >= count_rows(at))
		return 0;
	for (; row; row--)
		at = strchr(at, ',') + 1;
	end = strchr(at, ',');
	fake->value = (struct answer_value){
		.kind = ANSWER_TEXT, .bytes = slice_of(at, end ? (size_t)(end - at) : strlen(at))
	};
	if (fake->open->value_kind)
		fake->value = (struct answer_value){ .kind = fake->open->value_kind,
						     .part = 1,
						     .size = fake->part_bytes };
	if (*at == '-')
		fake->value = (struct answer_value){ .kind = ANSWER_NULL };
	fake->row++;
	*ret_values = &fake->value;
	*ret_n = 1;
	return 1;
}

static int fake_part(void *context, uint64_t exchange, uint64_t part, uint32_t sequence,
		     struct slice *ret_bytes)
{
	static const uint8_t bytes[PIECE_BYTES];
	struct my_fake *fake = context;
	uint64_t from = (uint64_t)sequence * PIECE_BYTES;
	uint64_t left = from < fake->part_bytes ? fake->part_bytes - from : 0;

	(void)exchange;
	(void)part;
	*ret_bytes = slice_of(bytes, left < PIECE_BYTES ? (size_t)left : PIECE_BYTES);
	return left ? 1 : 0;
}

static void fake_count(void *context)
{
	((struct my_fake *)context)->session++;
}

static void fake_unservable(void *context, struct slice text, struct slice why)
{
	assert_true(text.size && why.size);
	((struct my_fake *)context)->unservable++;
}

void my_fake_init(struct my_fake *fake)
{
	*fake = (struct my_fake){
		.plugin = "mysql_native_password",
		.capabilities = 0xffffffff,
		.part_bytes = PART_BYTES,
	};
}

struct answers my_answers_of(struct my_fake *fake, struct answer_cache *cache)
{
	return (struct answers){
		.context = fake,
		.cache = cache,
		.server = fake_server,
		.find = fake_find,
		.peek = fake_peek,
		.find_parse_error = fake_parse_error,
		.describe = fake_describe,
		.is_merged = fake_is_merged,
		.result = fake_result,
		.chunk = fake_chunk,
		.next_row = fake_next_row,
		.part = fake_part,
		.count_session = fake_count,
		.count_unservable = fake_unservable,
	};
}
