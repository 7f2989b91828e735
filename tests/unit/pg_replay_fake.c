/* SPDX-License-Identifier: Apache-2.0 */
/* The recording that the PostgreSQL replayer is asked of; see sql_replay.h. */
#include "tests/unit/pg_replay.h"

#define COLUMNS_OF(variable, letter, type, size, recorded_form)    \
	static const struct {                                      \
		struct answer_columns head;                        \
		struct column column;                              \
	} variable = { { .id = 1, .n = 1 },                        \
		       { .name = { (const uint8_t *)(letter), 1 }, \
			 .type_id = (type),                        \
			 .modifier = -1,                           \
			 .length = (size),                         \
			 .form = (recorded_form) } }

COLUMNS_OF(int_text, "a", 23, 4, PARAMETER_TEXT);
COLUMNS_OF(int_binary, "a", 23, 4, PARAMETER_BINARY);
COLUMNS_OF(text_text, "b", 25, -1, PARAMETER_TEXT);
COLUMNS_OF(instant_binary, "c", 1184, 8, PARAMETER_BINARY);
COLUMNS_OF(own_binary, "d", 99999, -1, PARAMETER_BINARY);

#define TAKES(with_rows, ends) .flags = EXCHANGE_COPY_IN, .rows = (with_rows), .copy_end = (ends)

static const struct answer_field killed[] = {
	{ SLICE("severity"), SLICE("FATAL") },
	{ SLICE("code"), SLICE("57P01") },
};
static const struct answer_field reloaded[] = { { SLICE("work_mem"), SLICE("1MB") } };

static const struct fake_entry recording[] = {
	{ .key = "select a from t where a = ?|5",
	  .columns = &int_text.head,
	  .rows = "5",
	  .tag = "SELECT 1",
	  .slot_type = 23 },
	{ .key = "select a from t where a = ?|6",
	  .columns = &int_binary.head,
	  .rows = "6",
	  .tag = "SELECT 1",
	  .kind = EXCHANGE_EXTENDED },
	{ .key = "select a from five",
	  .columns = &int_text.head,
	  .rows = "1,2,3,-,5",
	  .tag = "SELECT 5" },
	{ .key = "select a from sliced",
	  .columns = &int_text.head,
	  .rows = "1,2,3",
	  .tag = "SELECT 1",
	  .kind = EXCHANGE_EXTENDED,
	  .flags = EXCHANGE_ROW_LIMIT },
	{ .key = "select now",
	  .columns = &instant_binary.head,
	  .rows = "2020-01-01 00:00:00+00",
	  .tag = "SELECT 1",
	  .kind = EXCHANGE_EXTENDED },
	{ .key = "select own",
	  .columns = &own_binary.head,
	  .rows = "xyz",
	  .tag = "SELECT 1",
	  .kind = EXCHANGE_EXTENDED,
	  .value_kind = ANSWER_RAW },
	{ .key = "select undescribed",
	  .rows = "xyz",
	  .tag = "SELECT 1",
	  .kind = EXCHANGE_EXTENDED,
	  .value_kind = ANSWER_RAW },
	{ .key = "select own part",
	  .columns = &own_binary.head,
	  .rows = "x",
	  .tag = "SELECT 1",
	  .kind = EXCHANGE_EXTENDED,
	  .value_kind = ANSWER_PART_RAW },
	{ .key = "select big",
	  .columns = &text_text.head,
	  .rows = "x,-,x",
	  .tag = "SELECT 3",
	  .value_kind = ANSWER_PART_TEXT },
	{ .key = "insert into t values (?)|1", .tag = "INSERT 0 1", .kind = EXCHANGE_EXTENDED },
	{ .key = "insert into t values (?)|2", .tag = "INSERT 0 1", .kind = EXCHANGE_EXTENDED },
	{ .key = "select bad", .error = "22012", .columns = &int_text.head, .rows = "1" },
	{ .key = "select fatal", .error = "57P01", .severity = "FATAL" },
	{ .key = "select parse", .error = "42601", .kind = EXCHANGE_PARSE },
	{ .key = "selct", .error = "42601", .file = "scan.l" },
	{ .key = "do ?|x", .tag = "DO", .notice = "0of do" },
	{ .key = "select noisy",
	  .columns = &int_text.head,
	  .rows = "1,2,3",
	  .tag = "SELECT 3",
	  .notice = "0plan,1first,3of two,4last,4more,9behind" },
	{ .key = "set timezone = ?|cet", .tag = "SET", .change = "TimeZone=CET" },
	{ .key = "show standby",
	  .tag = "SHOW",
	  .change = "in_hot_standby="
		    "ooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooon" },
	{ .key = "begin", .tag = "BEGIN" },
	{ .key = "merged one; merged two",
	  .tag = "ONE",
	  .second = "TWO",
	  .flags = EXCHANGE_MERGED },
	{ .key = "select once", .tag = "SELECT 0" },
	{ .key = "copy out to stdout",
	  .rows = "1\n,2\n,3\n",
	  .tag = "COPY 3",
	  .flags = EXCHANGE_COPY_OUT,
	  .copy_end = COPY_DONE },
	{ .key = "copy out to stdout binary",
	  .rows = "x,-,y",
	  .tag = "COPY 3",
	  .flags = EXCHANGE_COPY_OUT,
	  .binary = true,
	  .copy_end = COPY_DONE },
	{ .key = "copy nothing to stdout binary",
	  .tag = "COPY 0",
	  .flags = EXCHANGE_COPY_OUT,
	  .binary = true,
	  .copy_end = COPY_DONE },
	{ .key = "copy bad to stdout",
	  .rows = "1\n",
	  .error = "22012",
	  .flags = EXCHANGE_COPY_OUT },
	{ .key = "copy big to stdout",
	  .rows = "x",
	  .tag = "COPY 1",
	  .value_kind = ANSWER_PART_TEXT,
	  .flags = EXCHANGE_COPY_OUT,
	  .copy_end = COPY_DONE },
	{ .key = "copy big to stdout binary",
	  .rows = "x",
	  .tag = "COPY 1",
	  .value_kind = ANSWER_PART_RAW,
	  .flags = EXCHANGE_COPY_OUT,
	  .binary = true,
	  .copy_end = COPY_DONE },
	{ .key = "copy t from stdin", .tag = "COPY 2", TAKES("1\n,2\n", COPY_DONE) },
	{ .key = "copy t from stdin", .error = "22P02", TAKES("1\n,x\n", COPY_REFUSED) },
	{ .key = "copy t from stdin", .tag = "COPY 0", TAKES(NULL, COPY_DONE) },
	{ .key = "copy t from stdin",
	  .error = "57014",
	  .failure = "known",
	  TAKES("1\n", COPY_FAILED) },
	{ .key = "copy cancelled from stdin", .error = "57014", TAKES("1\n,x\n", COPY_REFUSED) },
	{ .key = "copy refused from stdin", .error = "22P02", TAKES("1\n,x\n", COPY_REFUSED) },
	{ .key = "copy t from stdin binary",
	  .tag = "COPY 2",
	  .binary = true,
	  TAKES("x,-", COPY_DONE) },
	{ .key = "copy missing from stdin", .error = "42P01" },
	{ .key = "function call \"oid 871\"(?)|x",
	  .columns = &text_text.head,
	  .rows = "X",
	  .kind = EXCHANGE_FUNCTION },
	{ .key = "function call \"oid 871\"(?)|null",
	  .columns = &text_text.head,
	  .rows = "-",
	  .notice = "0loud",
	  .kind = EXCHANGE_FUNCTION },
	{ .key = "function call \"oid 871\"(?)|bad", .error = "22012", .kind = EXCHANGE_FUNCTION },
	{ .key = "function call \"oid 871\"(?)|none", .kind = EXCHANGE_FUNCTION },
	{ .key = "function call lo_tell(?)|0",
	  .columns = &int_binary.head,
	  .rows = "7",
	  .kind = EXCHANGE_FUNCTION },
	{ .key = "function call \"oid 871\"(?)|big",
	  .columns = &text_text.head,
	  .rows = "x",
	  .value_kind = ANSWER_PART_TEXT,
	  .kind = EXCHANGE_FUNCTION },
	{ .key = "select dropped",
	  .columns = &int_text.head,
	  .rows = "1",
	  .flags = EXCHANGE_CUT | EXCHANGE_SERVER_ENDED },
	{ .key = "select reset", .flags = EXCHANGE_CUT | EXCHANGE_SERVER_RESET },
	{ .key = "listen jobs", .tag = "LISTEN" },
	{ .key = "listen \"Late\"", .tag = "LISTEN" },
	{ .key = "unlisten *", .tag = "UNLISTEN" },
	{ .key = "notify jobs", .tag = "NOTIFY" },
	{ .key = "notify jobs, ?|one", .tag = "NOTIFY" },
	{ .key = "notify jobs, ?|two", .tag = "NOTIFY" },
	{ .key = "select pg_notify(?, ?)|jobs|two",
	  .columns = &text_text.head,
	  .rows = "-",
	  .tag = "SELECT 1",
	  .slot_type = 25 },
	{ .key = "insert into work values (?)|1",
	  .tag = "INSERT 0 1",
	  .said = { .channel = SLICE("jobs"), .payload = SLICE("made"), .shared = true } },
	{ .key = "select heard within",
	  .tag = "SELECT 0",
	  .said = { .channel = SLICE("jobs"),
		    .payload = SLICE("in"),
		    .within = true,
		    .backend = 9 } },
	{ .key = "select heard",
	  .tag = "SELECT 0",
	  .said = { .channel = SLICE("jobs"),
		    .payload = SLICE("out"),
		    .delay_ns = 5,
		    .backend = 9 } },
	{ .key = "select killed",
	  .tag = "SELECT 0",
	  .said = { .type = ASIDE_ERROR,
		    .fields = killed,
		    .n_fields = 2,
		    .delay_ns = 5,
		    .behind = 1 } },
	{ .key = "select ended",
	  .tag = "SELECT 0",
	  .said = { .type = ASIDE_END, .within = true, .fields = reloaded, .n_fields = 1 } },
	{ .key = "select reloaded",
	  .tag = "SELECT 0",
	  .said = { .type = ASIDE_STATUS, .fields = reloaded, .n_fields = 1, .delay_ns = 5 } },
};

static bool fake_server(void *context, struct slice database, struct slice user,
			struct answer_server *ret_server)
{
	static const struct answer_field parameters[] = {
		{ SLICE("server_version"), SLICE("15.18") },
		{ SLICE("application_name"), SLICE("recorded") },
		{ SLICE("TimeZone"), SLICE("UTC") },
		{ SLICE("client_encoding"), SLICE("UTF8") },
		{ SLICE("DateStyle"), SLICE("ISO, MDY") },
		{ SLICE("IntervalStyle"), SLICE("postgres") },
	};

	(void)context;
	(void)user;
	*ret_server = (struct answer_server){ .version = SLICE("15.18"),
					      .parameters = parameters,
					      .n_parameters = ARRAY_SIZE(parameters) };
	return slice_equal(database, SLICE("shop"));
}

static void result_error(struct fake *fake, const struct fake_entry *entry,
			 struct answer_result *result)
{
	fake->fields[0] = (struct answer_field){
		SLICE("severity"), slice_from_string(entry->severity ? entry->severity : "ERROR")
	};
	fake->fields[1] = (struct answer_field){ SLICE("code"), slice_from_string(entry->error) };
	fake->fields[2] = (struct answer_field){ SLICE("field_x"), SLICE("own") };
	if (entry->file)
		fake->fields[2] =
			(struct answer_field){ SLICE("file"), slice_from_string(entry->file) };
	result->error = fake->fields;
	result->n_error = 3;
}

static int fake_result(void *context, uint64_t exchange, uint32_t number,
		       struct answer_result *ret_result)
{
	struct fake *fake = context;
	const struct fake_entry *entry = &recording[exchange - 1];

	*ret_result = (struct answer_result){ 0 };
	if (number == 1 && entry->second) {
		ret_result->completion.tag = slice_from_string(entry->second);
		return 1;
	}
	if (number)
		return 0;
	fake_result_rows(entry, 0, ret_result);
	if (!entry->tag && !entry->error && !entry->columns)
		return 0;
	if (entry->tag)
		ret_result->completion.tag = slice_from_string(entry->tag);
	if (entry->error)
		result_error(fake, entry, ret_result);
	fake_result_events(fake, entry, ret_result);
	return 1;
}

struct answers answers_of(struct fake *fake, struct answer_cache *cache)
{
	struct answers answers;

	fake->entries = recording;
	fake->n_entries = ARRAY_SIZE(recording);
	fake->part_bytes = PART_BYTES;
	answers = fake_answers(fake, cache);
	answers.server = fake_server;
	answers.result = fake_result;
	return answers;
}
