/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz: the MySQL replayer. The input is what a client sends, behind two bytes that choose its capabilities, the cuts and what the
 * recording answers. The recording is a small fake whose answers follow from the request's hash: rows, errors, parts,
 * several results, nothing. Held to: no crash, whole packets with sequences that count on, and a bounded answer.
 */
#include "parsers/mysql/packet.h"
#include "parsers/sql/forms.h"
#include "tests/fuzz/replay.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define N_COLUMNS 4

static bool server(void *context, struct slice database, struct slice user,
		   struct answer_server *ret_server)
{
	static const struct answer_field parameters[] = {
		{ SLICE("capabilities"), SLICE("4294967294") },
		{ SLICE("mariadb_capabilities"), SLICE("63") },
		{ SLICE("auth_plugin"), SLICE("caching_sha2_password") },
	};

	(void)context;
	(void)user;
	*ret_server = (struct answer_server){ .version = SLICE("10.11.6-MariaDB"),
					      .parameters = parameters,
					      .n_parameters = 3 };
	return database.size != 3;
}

static int result(void *context, uint64_t exchange, uint32_t number,
		  struct answer_result *ret_result)
{
	static const struct answer_field error[] = {
		{ SLICE("code"), SLICE("1146") },
		{ SLICE("sqlstate"), SLICE("42S02") },
		{ SLICE("nonsense"), SLICE("x") },
	};
	static const struct answer_field changes[] = {
		{ SLICE("@schema"), SLICE("shop") },
		{ SLICE("autocommit"), SLICE("OFF") },
		{ SLICE("@local_infile"), SLICE("f") },
		{ SLICE("@gtids"), SLICE("1-2") },
	};
	static struct answer_event events[] = {
		{ true, &changes[0], 1, 0 },
		{ true, &changes[1], 1, 0 },
		{ true, &changes[3], 1, 0 },
		{ true, &changes[2], 1, 0 },
	};
	int found = fake_result(context, exchange, number, ret_result);

	if (found != 1)
		return found;
	ret_result->events = events;
	ret_result->n_events = exchange % 5;
	if (exchange % 5 == 4) {
		ret_result->error = error;
		ret_result->n_error = 3;
	} else if (exchange % 19) {
		ret_result->completion = (struct completion){
			.tag = SLICE("info"),
			.rows = (int64_t)exchange,
			.status = number < exchange % 3 ? MY_STATUS_MORE_RESULTS : 0,
		};
	}
	return 1;
}

static int next_row(void *context, const struct answer_value **ret_values, size_t *ret_n)
{
	static const struct slice texts[] = { SLICE("12"), SLICE("1.5"),
					      SLICE("2020-01-01 00:00:00.5"), SLICE("-7") };
	struct fake *fake = context;

	if (!fake->rows_left)
		return 0;
	fake->rows_left--;
	for (size_t i = 0; i < N_COLUMNS; i++) {
		/* Mostly what can be encoded. */
		bool odd = (fake->rows_left + fake->seed) % 8 == 7;

		fake->values[i].kind = (uint8_t)(odd ? (fake->rows_left / 8 + i) % 5 : ANSWER_TEXT);
		fake->values[i].bytes = texts[odd ? (i + 1) % 4 : i];
		fake->values[i].part = 1;
		fake->values[i].size = 70000;
	}
	*ret_values = fake->values;
	*ret_n = fake->rows_left % 31 == 30 ? 1 : N_COLUMNS;
	return 1;
}

static const struct column columns[N_COLUMNS] = {
	{ .name = { (const uint8_t *)"a", 1 }, .type_id = MY_TYPE_LONG, .form = PARAMETER_TEXT },
	{ .name = { (const uint8_t *)"b", 1 },
	  .type_id = MY_TYPE_DOUBLE,
	  .form = PARAMETER_BINARY,
	  .decimals = 31 },
	{ .name = { (const uint8_t *)"c", 1 },
	  .type_id = MY_TYPE_DATETIME,
	  .form = PARAMETER_TEXT,
	  .decimals = 1 },
	{ .name = { (const uint8_t *)"d", 1 }, .type_id = MY_TYPE_VAR_STRING },
};

/* Everything that a server says is whole packets. Compressed ones are another test's. */
static void check_packets(struct slice out, bool closed)
{
	struct my_framer framer;
	struct my_frame frame;
	enum my_next next;

	my_framer_init(&framer, MY_ROW_MAX);
	framer.sequence = MY_SEQUENCE_ANY;
	while ((next = my_framer_next(&framer, &out, &frame)) == MY_EVENT)
		if (my_framer_between(&framer))
			framer.sequence = MY_SEQUENCE_ANY;
	if (next == MY_ERROR || (!closed && !my_framer_between(&framer)))
		abort();
	my_framer_release(&framer);
}

static void play(struct replayer *replayer, struct slice input, size_t cut, bool plain)
{
	enum replay_state state;
	struct talk talk = { .protocol = &mysql_protocol, .replayer = replayer };
	struct buffer all;

	buffer_init(&all, 2 * OUT_MAX);
	state = fuzz_play(&talk, input, cut, &all);
	if (plain && all.size < ENOUGH)
		check_packets(buffer_slice(&all), state == REPLAY_CLOSE);
	buffer_release(&all);
}

static void log_in(struct buffer *input, uint8_t choice)
{
	struct my_login login = {
		.capabilities = MY_CLIENT_PROTOCOL_41 | MY_CLIENT_SECURE_CONNECTION |
				MY_CLIENT_PLUGIN_AUTH | MY_CLIENT_LOCAL_FILES | MY_MARIADB_BULK,
		.collation = choice,
		.user = SLICE("ann"),
		.plugin = SLICE("mysql_native_password"),
	};
	uint8_t sequence = 1;
	size_t at = my_packet_begin(input);

	login.capabilities |= choice & 4 ? MY_CLIENT_DEPRECATE_EOF : 0;
	login.capabilities |= choice & 8 ? MY_CLIENT_SESSION_TRACK : 0;
	login.capabilities |= choice & 16 ? MY_CLIENT_QUERY_ATTRIBUTES : 0;
	login.capabilities |= choice & 32 ? MY_MARIADB_CACHE_METADATA : 0;
	login.capabilities |= choice & 64 ? MY_CLIENT_COMPRESS : 0;
	my_login_write(input, &login);
	my_packet_end(input, at, &sequence);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct answers answers;
	struct replayer *replayer;
	struct buffer input;
	struct fake fake;

	fake_init(&fake, columns, N_COLUMNS);
	answers = fake_answers(&fake);
	answers.server = server;
	answers.result = result;
	answers.next_row = next_row;
	answers.cache = answer_cache_new(64);
	answers.forms = sql_forms_new();
	replayer = my_replayer_new(&answers, 7);
	buffer_init(&input, OUT_MAX);
	if (size >= 2) {
		fake.seed = data[0];
		if (data[1] & 1)
			log_in(&input, data[1]);
		buffer_append(&input, data + 2, size - 2);
		play(replayer, buffer_slice(&input), data[1] & 2 ? 3 : SIZE_MAX,
		     (data[1] & 65) == 1);
	}
	buffer_release(&input);
	my_replayer_free(replayer);
	answer_cache_free(answers.cache);
	sql_forms_free(answers.forms);
	fake_release(&fake);
	return 0;
}
