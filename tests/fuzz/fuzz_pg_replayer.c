/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz: the PostgreSQL replayer. The input is what a client sends, behind one byte that chooses the cuts and what the recording
 * answers. The recording is a small fake whose answers follow from the request's hash: rows, errors, parts, nothing. Held to: no
 * crash, whole messages of known types only, and a bounded answer.
 */
#include "parsers/cursor.h"
#include "parsers/postgres/wire.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OUT_MAX ((size_t)80 << 20)

struct fake {
	struct answer_columns *columns;
	struct answer_value values[2];
	unsigned int rows_left;
	unsigned int seed;
	uint64_t asked;
};

static bool fake_server(void *context, struct slice database, struct slice user,
			struct answer_server *ret_server)
{
	static const struct answer_field parameters[] = {
		{ SLICE("server_version"), SLICE("15.18") },
		{ SLICE("application_name"), SLICE("psql") },
		{ SLICE("TimeZone"), SLICE("UTC") },
	};

	(void)context;
	(void)user;
	*ret_server = (struct answer_server){ .version = SLICE("15.18"),
					      .parameters = parameters,
					      .n_parameters = 3 };
	return database.size != 3;
}

static bool fake_peek(void *context, const struct request *request, struct answer *ret_answer)
{
	struct fake *fake = context;
	uint64_t hash = sql_exact_hash(&request->context, request->statement, request->values);

	*ret_answer = (struct answer){ .exchange = (hash + fake->seed) % 61 + 1,
				       .kind = hash & 1 ? EXCHANGE_SIMPLE : EXCHANGE_EXTENDED,
				       .outcome = OUTCOME_OK };
	if (request->statement->verb == SQL_COPY)
		ret_answer->flags = fake->seed & 16 ? EXCHANGE_COPY_OUT : EXCHANGE_COPY_IN;
	ret_answer->rung = hash % 7 ? RUNG_EXACT : RUNG_MISS;
	ret_answer->nearest = SLICE("select 1");
	return ret_answer->rung == RUNG_EXACT;
}

static void fake_find(void *context, const struct request *request, struct answer *ret_answer)
{
	((struct fake *)context)->asked++;
	fake_peek(context, request, ret_answer);
}

static bool fake_parse_error(void *context, const struct request *request,
			     struct answer *ret_answer)
{
	(void)context;
	*ret_answer = (struct answer){ RUNG_EXACT, .exchange = 5, .outcome = OUTCOME_ERROR };
	return request->text.size % 11 == 10;
}

static bool fake_describe(void *context, const struct request *request,
			  struct answer_description *ret_description, struct answer *ret_miss)
{
	static const uint32_t types[8] = { 23, 25, 0, 1184, 1700, 16, 17, 2950 };
	struct fake *fake = context;

	*ret_miss = (struct answer){ 0 };
	*ret_description = (struct answer_description){
		.slot_types = types, .n_slots = 8, .has_columns = true, .columns = fake->columns
	};
	return request->text.size % 13 != 12;
}

static bool fake_is_merged(void *context, const struct request *request)
{
	(void)context;
	return request->text.size % 5 == 4;
}

static int fake_result(void *context, uint64_t exchange, uint32_t number,
		       struct answer_result *ret_result)
{
	static const struct answer_field error[] = {
		{ SLICE("severity"), SLICE("ERROR") },
		{ SLICE("code"), SLICE("42P01") },
		{ SLICE("nonsense"), SLICE("x") },
	};
	static const struct answer_field notice[] = { { SLICE("message"), SLICE("hello") } };
	static const struct answer_event events[] = { { false, notice, 1, 1 },
						      { true, notice, 1, 0 } };
	struct fake *fake = context;

	*ret_result = (struct answer_result){ 0 };
	if (number > exchange % 3)
		return 0;
	if (exchange % 17 == 16)
		return -1;
	if (exchange % 2)
		ret_result->columns = fake->columns;
	ret_result->chunks = (uint32_t)(exchange % 4);
	ret_result->events = events;
	ret_result->n_events = exchange % 3;
	if (exchange % 5 == 4) {
		ret_result->error = error;
		ret_result->n_error = 3;
	} else if (exchange % 19) {
		ret_result->completion.tag = exchange % 2 ? SLICE("SELECT 3") : SLICE("COMMIT");
	}
	return 1;
}

static int fake_chunk(void *context, uint64_t exchange, uint32_t number, uint32_t chunk)
{
	struct fake *fake = context;

	fake->rows_left = (unsigned int)(exchange + number + chunk) % 50;
	return exchange % 23 == 22 ? -1 : 0;
}

static int fake_next_row(void *context, const struct answer_value **ret_values, size_t *ret_n)
{
	struct fake *fake = context;
	static const struct slice texts[] = { SLICE("12"), SLICE("x"),
					      SLICE("2020-01-01 00:00:00+00") };

	if (!fake->rows_left)
		return 0;
	fake->rows_left--;
	for (size_t i = 0; i < 2; i++) {
		fake->values[i].kind = (uint8_t)((fake->rows_left + i + fake->seed) % 5);
		fake->values[i].bytes = texts[(fake->rows_left + i) % 3];
		fake->values[i].part = 1;
		fake->values[i].size = 70000;
	}
	*ret_values = fake->values;
	*ret_n = fake->rows_left % 31 == 30 ? 1 : 2;
	return 1;
}

static int fake_part(void *context, uint64_t exchange, uint64_t part, uint32_t sequence,
		     struct slice *ret_bytes)
{
	static uint8_t bytes[35000];

	(void)context;
	(void)part;
	*ret_bytes = slice_of(bytes, sizeof(bytes));
	return sequence < (exchange % 29 == 28 ? 1 : 2);
}

static void fake_login(void *context, const struct name_value *parameters, size_t n)
{
	(void)context;
	(void)parameters;
	(void)n;
}

static int fake_copy(void *context, uint64_t exchange, struct answer_copy *ret_copy)
{
	*ret_copy = (struct answer_copy){ .end = (uint8_t)(exchange % 4) };
	ret_copy->form.to_client = ((struct fake *)context)->seed & 16;
	ret_copy->form.binary = exchange & 2;
	ret_copy->form.columns = (uint16_t)(exchange % 5);
	return exchange != 49;
}

/* Behind one exchange in three, of each kind. */
static const struct answer_aside *fake_aside(void *context, uint64_t exchange, size_t *at)
{
	static const struct answer_field fields[] = { { SLICE("severity"), SLICE("FATAL") } };
	static const struct answer_aside asides[] = {
		{ .type = ASIDE_NOTIFICATION, .channel = SLICE("a"), .payload = SLICE("b") },
		{ .type = ASIDE_NOTIFICATION, .channel = SLICE("a"), .shared = true },
		{ .type = ASIDE_NOTICE, .within = true, .fields = fields, .n_fields = 1 },
		{ .type = ASIDE_STATUS, .fields = fields, .n_fields = 1 },
		{ .type = ASIDE_ERROR, .behind = 1, .fields = fields, .n_fields = 1 },
	};

	(void)context;
	return exchange % 3 || (*at)++ ? NULL : &asides[exchange / 3 % ARRAY_SIZE(asides)];
}

static void fake_count(void *context)
{
	(void)context;
}

static void fake_unservable(void *context, struct slice text, struct slice why)
{
	(void)context;
	(void)text;
	if (!why.size)
		abort();
}

static struct answer_columns *columns_new(void)
{
	struct answer_columns *columns =
		calloc(1, sizeof(*columns) + 2 * sizeof(columns->columns[0]));

	if (!columns)
		abort();
	columns->id = 1;
	columns->n = 2;
	columns->columns[0] = (struct column){ .name = SLICE("a"), .type_id = 23 };
	columns->columns[1] =
		(struct column){ .name = SLICE("b"), .type_id = 1184, .form = PARAMETER_BINARY };
	return columns;
}

/* Everything that a server says is a message of a known type and of its own length. */
static void check_messages(struct slice out, bool closed)
{
	struct pg_framer framer;
	struct pg_frame frame;
	enum pg_next next;

	while (out.size && out.data[0] == 'N' && (out.size < 5 || out.data[1] != 0)) {
		out.data++; /* the answer to SSLRequest: one byte without a frame */
		out.size--;
	}
	pg_framer_init(&framer, true);
	while ((next = pg_framer_next(&framer, &out, &frame)) == PG_EVENT)
		;
	if (next == PG_ERROR || (!closed && framer.in_body))
		abort();
	pg_framer_release(&framer);
}

static void play(struct replayer *replayer, struct slice input, size_t cut)
{
	struct buffer out, all;
	enum replay_state state = REPLAY_IDLE;
	const char *why;

	buffer_init(&out, OUT_MAX);
	buffer_init(&all, OUT_MAX);
	while (input.size && state != REPLAY_CLOSE) {
		size_t size = cut < input.size ? cut : input.size;

		if (pg_replayer_feed(replayer, slice_of(input.data, size), &why))
			break;
		input.data += size;
		input.size -= size;
		do {
			buffer_clear(&out);
			state = pg_replayer_fill(replayer, &out);
			if (out.overflowed)
				abort();
			if (all.size < ((size_t)4 << 20))
				buffer_append_slice(&all, buffer_slice(&out));
			else
				state = REPLAY_CLOSE; /* long enough */
		} while (state == REPLAY_MORE);
	}
	if (all.size < ((size_t)4 << 20))
		check_messages(buffer_slice(&all), state == REPLAY_CLOSE);
	buffer_release(&all);
	buffer_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char login[] = "\0\0\0\x12\0\3\0\0user\0ann\0\0";
	struct fake fake = { .columns = columns_new() };
	struct answers answers = {
		.context = &fake,
		.server = fake_server,
		.login = fake_login,
		.find = fake_find,
		.peek = fake_peek,
		.find_parse_error = fake_parse_error,
		.describe = fake_describe,
		.is_merged = fake_is_merged,
		.result = fake_result,
		.chunk = fake_chunk,
		.next_row = fake_next_row,
		.part = fake_part,
		.copy = fake_copy,
		.aside = fake_aside,
		.count_session = fake_count,
		.count_unservable = fake_unservable,
	};
	struct replayer *replayer = pg_replayer_new(&answers, 7);

	answers.cache = answer_cache_new(64);
	if (size) {
		fake.seed = data[0];
		if (data[0] & 1)
			play(replayer, slice_of(login, sizeof(login) - 1), SIZE_MAX);
		play(replayer, slice_of(data + 1, size - 1), data[0] & 2 ? 3 : SIZE_MAX);
	}
	pg_replayer_free(replayer);
	answer_cache_free(answers.cache);
	free(fake.columns);
	return 0;
}
