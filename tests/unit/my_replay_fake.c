/* SPDX-License-Identifier: Apache-2.0 */
/* The recording that the MySQL replayer is asked of; see sql_replay.h. */
#include "tests/unit/my_replay.h"

#include <stdio.h>

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

static const struct answer_field closed[] = { { SLICE("how"), SLICE("closed") } };
static const struct answer_field reset[] = { { SLICE("how"), SLICE("reset") } };
static const struct answer_field told[] = { { SLICE("code"), SLICE("4031") },
					    { SLICE("sqlstate"), SLICE("HY000") },
					    { SLICE("message"), SLICE("inactive") } };

/* What was asked when the server had ended the session: the first two entries. */
enum { LATE_SELECT = 1, LATE_PING };
#define ENDED(what, how, more, late)                                                         \
	{                                                                                    \
		.type = (what), .fields = (how), .n_fields = ARRAY_SIZE(how), .delay_ns = 5, \
		.behind = (more), .asked = (late)                                            \
	}

static const struct fake_entry recording[] = {
	{ .key = "select late", .columns = &int_text.head, .rows = "1" },
	{ .key = "com_ping", .flags = EXCHANGE_CUT | EXCHANGE_LATE },
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
	{ .key = "update t set a = ?|1", .affected = -1, .tag = "Rows matched: 1" },
	{ .key = "update t set a = ?|2",
	  .affected = 1,
	  .tag = "Rows matched: 3  Changed: 1  Warnings: 0" },
	{ .key = "update t set a = ?|3",
	  .affected = 2, /* edited */
	  .tag = "Rows matched: 3  Changed: 1  Warnings: 0" },
	{ .key = "select bad", .error = "1146", .columns = &int_text.head, .rows = "1" },
	{ .key = "select none", .error = "1242", .columns = &int_text.head },
	{ .key = "select warned", .columns = &int_text.head, .rows = "1,2", .warnings = 3 },
	{ .key = "select half warned",
	  .columns = &int_text.head,
	  .rows = "1",
	  .change = "@columns_warnings=2",
	  .warnings = 3 },
	{ .key = "select warned early",
	  .columns = &int_text.head,
	  .rows = "1",
	  .warnings = 3,
	  .prepare_warnings = 1,
	  .change = "@columns_warnings=2" },
	{ .key = "select wrong", .error = "65535" },
	{ .key = "select parse", .error = "1064", .kind = EXCHANGE_PARSE },
	{ .key = "use gone", .error = "1049" },
	{ .key = "call p()",
	  .columns = &int_text.head,
	  .rows = "1",
	  .second_rows = "2",
	  .status = MY_STATUS_MORE_RESULTS },
	{ .key = "call out_of(?)|1",
	  .columns = &int_binary.head,
	  .rows = "7",
	  .second_rows = "8",
	  .status = MY_STATUS_MORE_RESULTS | MY_STATUS_PS_OUT_PARAMS,
	  .kind = EXCHANGE_EXTENDED },
	{ .key = "call not_out(?)|1", .error = "1414" },
	{ .key = "set @@session.x = ?|1", .change = "x=on" },
	{ .key = "load data local infile ? into table t",
	  .change = "@local_infile=f.csv",
	  .content = "1\n2\n3\n",
	  .affected = 3,
	  .binary = true,
	  .copy_end = COPY_DONE,
	  .flags = EXCHANGE_COPY_IN },
	{ .key = "load data local infile ? into table t",
	  .change = "@local_infile=f.csv",
	  .content = "4",
	  .affected = 1,
	  .binary = true,
	  .copy_end = COPY_DONE,
	  .flags = EXCHANGE_COPY_IN },
	{ .key = "load data local infile ? into table gone", .error = "1146" },
	{ .key = "com_field_list t ``", .columns = &int_text.head },
	{ .key = "com_statistics", .tag = "Uptime: 1" },
	{ .key = "merged one; merged two", .tag = "ONE", .flags = EXCHANGE_MERGED },
	{ .key = "select once", .affected = 0 },
	{ .key = "select killed", .error = "1317", .interrupted = true },
	{ .key = "kill ?|5", .affected = 0 },
	{ .key = "kill hard connection ?|6", .affected = 0 },
	{ .key = "kill query ?|5", .affected = 0 },
	{ .key = "kill soft query ?|7", .error = "1094" },
	{ .key = "kill query id ?|5", .affected = 0 },
	{ .key = "select dropped",
	  .columns = &int_text.head,
	  .rows = "1,2",
	  .flags = EXCHANGE_CUT | EXCHANGE_SERVER_ENDED },
	{ .key = "select reset", .flags = EXCHANGE_CUT | EXCHANGE_SERVER_RESET },
	{ .key = "select left", .columns = &int_text.head, .rows = "1,2", .flags = EXCHANGE_CUT },
	{ .key = "select unanswered", .flags = EXCHANGE_CUT },
	{ .key = "call left()",
	  .columns = &int_text.head,
	  .rows = "1",
	  .status = MY_STATUS_MORE_RESULTS,
	  .flags = EXCHANGE_CUT },
	{ .key = "select then closed", .said = ENDED(ASIDE_END, closed, 0, LATE_SELECT) },
	{ .key = "select then reset", .said = ENDED(ASIDE_END, reset, 0, LATE_PING) },
	{ .key = "select then told", .said = ENDED(ASIDE_ERROR, told, 0, 0) },
	{ .key = "select then commit", .said = ENDED(ASIDE_ERROR, told, 1, LATE_SELECT) },
	{ .key = "packet of ? bytes|70000", .error = "1153" },
	{ .key = "select prewarned", .prepare_warnings = 2 },
};

static bool fake_server(void *context, struct slice database, struct slice user,
			struct answer_server *ret_server)
{
	struct fake *fake = context;

	if (fake->refused && (user.size || fake->refused_at_once)) {
		fake->refusal[0] =
			(struct answer_field){ SLICE("code"), slice_from_string(fake->refused) };
		fake->refusal[1] = (struct answer_field){ SLICE("sqlstate"), SLICE("28000") };
		fake->refusal[2] = (struct answer_field){ SLICE("message"), SLICE("denied") };
		*ret_server = (struct answer_server){ .error = fake->refusal, .n_error = 3 };
		return true;
	}
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

static void result_error(struct fake *fake, const struct fake_entry *entry,
			 struct answer_result *result)
{
	fake->fields[0] = (struct answer_field){ SLICE("code"), slice_from_string(entry->error) };
	fake->fields[1] = (struct answer_field){ SLICE("sqlstate"), SLICE("42S02") };
	fake->fields[2] = (struct answer_field){ SLICE("message"), SLICE("recorded") };
	result->error = fake->fields;
	result->n_error = 3;
}

/* A second result ends with an OK of its own, as procedures do. */
static int fake_result(void *context, uint64_t exchange, uint32_t number,
		       struct answer_result *ret_result)
{
	struct fake *fake = context;
	const struct fake_entry *entry = &recording[exchange - 1];
	uint32_t last = entry->second_rows ? 2 : 0;

	*ret_result = (struct answer_result){ 0 };
	if (number > last || ((entry->flags & EXCHANGE_CUT) && !entry->rows))
		return 0;
	if (entry->error)
		result_error(fake, entry, ret_result);
	else if (!(entry->flags & EXCHANGE_CUT) || (entry->status & MY_STATUS_MORE_RESULTS))
		ret_result->completion = (struct completion){
			.warnings = entry->warnings,
			.tag = entry->tag ? slice_from_string(entry->tag) : SLICE(""),
			/* With columns the store says how many rows there are. */
			.rows = entry->columns && number < last + !last ?
					fake_count_rows(entry, number) :
					entry->affected,
			.insert_id = entry->insert_id,
			.status = number == last && last ? 0 : entry->status,
		};
	if (number == last && last)
		return 1;
	fake_result_rows(entry, number, ret_result);
	fake_result_events(fake, entry, ret_result);
	return 1;
}

static uint64_t fake_interrupted(void *context, uint64_t exchange)
{
	(void)context;
	return recording[exchange - 1].interrupted ? FAKE_KILLER : 0;
}

void my_fake_init(struct fake *fake)
{
	*fake = (struct fake){
		.entries = recording,
		.n_entries = ARRAY_SIZE(recording),
		.fold = true,
		.plugin = "mysql_native_password",
		.capabilities = 0xffffffff,
		.part_bytes = PART_BYTES,
	};
}

struct answers my_answers_of(struct fake *fake, struct answer_cache *cache)
{
	struct answers answers = fake_answers(fake, cache);

	answers.server = fake_server;
	answers.result = fake_result;
	answers.interrupted = fake_interrupted;
	return answers;
}
