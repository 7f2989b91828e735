/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz: the PostgreSQL replayer. The input is what a client sends, behind one byte that chooses the cuts and what the recording
 * answers. The recording is a small fake whose answers follow from the request's hash: rows, errors, parts, nothing. Held to: no
 * crash, whole messages of known types only, and a bounded answer.
 */
#include "parsers/cursor.h"
#include "parsers/postgres/wire.h"
#include "tests/fuzz/replay.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool server(void *context, struct slice database, struct slice user,
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

static bool peek(void *context, const struct request *request, struct answer *ret_answer)
{
	const struct fake *fake = context;
	bool found = fake_peek(context, request, ret_answer);

	if (request->statement->verb == SQL_COPY)
		ret_answer->flags = fake->seed & 16 ? EXCHANGE_COPY_OUT : EXCHANGE_COPY_IN;
	return found;
}

static void find(void *context, const struct request *request, struct answer *ret_answer)
{
	peek(context, request, ret_answer);
}

static int result(void *context, uint64_t exchange, uint32_t number,
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
	int found = fake_result(context, exchange, number, ret_result);

	if (found != 1)
		return found;
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

static int next_row(void *context, const struct answer_value **ret_values, size_t *ret_n)
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

static int copy(void *context, uint64_t exchange, struct answer_copy *ret_copy)
{
	*ret_copy = (struct answer_copy){ .end = (uint8_t)(exchange % 4) };
	ret_copy->form.to_client = ((struct fake *)context)->seed & 16;
	ret_copy->form.binary = exchange & 2;
	ret_copy->form.columns = (uint16_t)(exchange % 5);
	return exchange != 49;
}

/* Behind one exchange in three, of each kind. */
static const struct answer_aside *aside(void *context, uint64_t exchange, size_t *at)
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

/* ---- other connections: what is for later is told later, and what this one notifies of is heard by nobody ---- */

#define LATER_MAX 16

struct later {
	const struct answer_aside *asides[LATER_MAX];
	size_t n;
};

static void publish(void *context, struct slice database, const struct answer_aside *aside)
{
	(void)context;
	(void)database;
	if (aside->type != ASIDE_NOTIFICATION || !aside->shared)
		abort();
}

static void listen_too(void *context, struct slice database)
{
	(void)context;
	(void)database;
}

static void later(void *context, const struct answer_aside *aside)
{
	struct later *later = context;

	if (later->n < LATER_MAX)
		later->asides[later->n++] = aside;
}

static void tell_later(void *context, struct replayer *replayer)
{
	struct later *later = context;

	for (size_t i = 0; i < later->n; i++)
		pg_replayer_tell(replayer, later->asides[i]);
	later->n = 0;
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

static void play(struct replayer *replayer, struct later *later, struct slice input, size_t cut)
{
	struct talk talk = { &postgres_protocol, replayer, tell_later, later, NULL };
	enum replay_state state;
	struct buffer all;

	buffer_init(&all, 2 * OUT_MAX);
	state = fuzz_play(&talk, input, cut, &all);
	if (all.size < ENOUGH)
		check_messages(buffer_slice(&all), state == REPLAY_CLOSE);
	buffer_release(&all);
}

size_t fuzz_share(void);

/* Some answers are large, which sanitizers make slow: for make test only. */
size_t fuzz_share(void)
{
	return 4;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char hello[] = "\0\0\0\x13\0\3\0\0user\0anna\0\0";
	static const struct column columns[] = {
		{ .name = { (const uint8_t *)"a", 1 }, .type_id = 23 },
		{ .name = { (const uint8_t *)"b", 1 }, .type_id = 1184, .form = PARAMETER_BINARY },
	};
	struct replayer *replayer;
	struct answers answers;
	struct later told = { .n = 0 };
	const struct answer_peers peers = { &told, publish, listen_too, later };
	struct fake fake;

	fake_init(&fake, columns, 2);
	answers = fake_answers(&fake);
	answers.server = server;
	answers.find = find;
	answers.peek = peek;
	answers.result = result;
	answers.next_row = next_row;
	answers.copy = copy;
	answers.aside = aside;
	answers.peers = &peers;
	answers.cache = answer_cache_new(64);
	replayer = pg_replayer_new(&answers, 7);
	if (size) {
		fake.seed = data[0];
		if (data[0] & 1)
			play(replayer, &told, slice_of(hello, sizeof(hello) - 1), SIZE_MAX);
		play(replayer, &told, slice_of(data + 1, size - 1), data[0] & 2 ? 3 : SIZE_MAX);
	}
	pg_replayer_free(replayer);
	answer_cache_free(answers.cache);
	fake_release(&fake);
	return 0;
}
