/* SPDX-License-Identifier: Apache-2.0 */
/* Conversations with a replayer, and a recording for those of SQL; see replay.h. */
#include "tests/fuzz/replay.h"

#include <stdlib.h>

/* ---- conversations ---- */

static enum replay_state fill(const struct protocol *protocol, struct replayer *replayer,
			      struct buffer *all)
{
	enum replay_state state;
	struct buffer out;

	buffer_init(&out, OUT_MAX);
	do {
		buffer_clear(&out);
		state = protocol->replayer_fill(replayer, &out);
		if (out.overflowed)
			abort();
		if (all->size < ENOUGH)
			buffer_append_slice(all, buffer_slice(&out));
		else
			state = REPLAY_CLOSE; /* long enough */
	} while (state == REPLAY_MORE || state == REPLAY_WAIT || state == REPLAY_HOLD);
	buffer_release(&out);
	return state;
}

enum replay_state fuzz_play(struct talk *talk, struct slice input, size_t cut, struct buffer *all)
{
	const struct protocol *protocol = talk->protocol;
	enum replay_state state = REPLAY_IDLE;
	const char *why = "";

	talk->refused = NULL;
	if (protocol->recognise_server) /* it speaks first */
		state = fill(protocol, talk->replayer, all);
	while (input.size && state == REPLAY_IDLE) {
		size_t size = cut < input.size ? cut : input.size;

		if (protocol->replayer_feed(talk->replayer, slice_of(input.data, size), &why)) {
			talk->refused = why;
			break;
		}
		input = slice_of(input.data + size, input.size - size);
		state = fill(protocol, talk->replayer, all);
		if (talk->between)
			talk->between(talk->context, talk->replayer);
	}
	return state;
}

/* ---- the recording ---- */

bool fake_peek(void *context, const struct request *request, struct answer *ret_answer)
{
	const struct fake *fake = context;
	uint64_t hash = sql_exact_hash(&request->context, request->statement, request->values);

	*ret_answer = (struct answer){ .exchange = (hash + fake->seed) % 61 + 1,
				       .kind = hash & 1 ? EXCHANGE_SIMPLE : EXCHANGE_EXTENDED,
				       .outcome = OUTCOME_OK };
	ret_answer->rung = hash % 7 ? RUNG_EXACT : RUNG_MISS;
	/* COPY FROM STDIN is another fake's. */
	if (request->statement->verb == SQL_LOAD && hash % 5)
		ret_answer->flags = EXCHANGE_COPY_IN;
	ret_answer->nearest = SLICE("select 1");
	return ret_answer->rung == RUNG_EXACT;
}

static void fake_find(void *context, const struct request *request, struct answer *ret_answer)
{
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
	/* Of PostgreSQL; MySQL's replayer does not look at them. */
	static const uint32_t types[] = { 23, 25, 0, 1184, 1700, 16, 17, 2950 };
	const struct fake *fake = context;

	*ret_miss = (struct answer){ 0 };
	*ret_description = (struct answer_description){ .slot_types = types,
							.n_slots = ARRAY_SIZE(types),
							.has_columns = true,
							.columns = fake->columns };
	return request->text.size % 13 != 12;
}

static bool fake_is_merged(void *context, const struct request *request)
{
	(void)context;
	return request->text.size % 5 == 4;
}

int fake_result(const struct fake *fake, uint64_t exchange, uint32_t number,
		struct answer_result *ret_result)
{
	*ret_result = (struct answer_result){ 0 };
	if (number > exchange % 3)
		return 0;
	if (exchange % 17 == 16)
		return -1;
	if (exchange % 2)
		ret_result->columns = fake->columns;
	ret_result->chunks = (uint32_t)(exchange % 4);
	return 1;
}

static int fake_chunk(void *context, uint64_t exchange, uint32_t number, uint32_t chunk)
{
	struct fake *fake = context;

	fake->rows_left = (unsigned int)(exchange + number + chunk) % 50;
	return exchange % 23 == 22 ? -1 : 0;
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

static void fake_count(void *context)
{
	(void)context;
}

void fake_unservable(void *context, struct slice text, struct slice why)
{
	(void)context;
	(void)text;
	if (!why.size)
		abort();
}

void fake_init(struct fake *fake, const struct column *columns, size_t n)
{
	*fake = (struct fake){ 0 };
	fake->columns = calloc(1, sizeof(*fake->columns) + n * sizeof(*columns));
	if (!fake->columns)
		abort();
	fake->columns->id = 1;
	fake->columns->n = n;
	memcpy(fake->columns->columns, columns, n * sizeof(*columns));
}

void fake_release(struct fake *fake)
{
	free(fake->columns);
}

static bool fake_login(void *context, const struct name_value *parameters, size_t n)
{
	(void)context;
	(void)parameters;
	(void)n;
	return true;
}

static void fake_time_zone(void *context, struct slice name)
{
	(void)context;
	(void)name;
}

struct answers fake_answers(struct fake *fake)
{
	return (struct answers){
		.context = fake,
		.login = fake_login,
		.time_zone = fake_time_zone,
		.find = fake_find,
		.peek = fake_peek,
		.find_parse_error = fake_parse_error,
		.describe = fake_describe,
		.is_merged = fake_is_merged,
		.chunk = fake_chunk,
		.part = fake_part,
		.count_session = fake_count,
		.count_unservable = fake_unservable,
	};
}
