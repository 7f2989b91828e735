/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The MySQL recorder beside its tapes: that it gives up, with a reason, on what does not fit what was asked; its limits; and what
 * is left when a connection ends.
 */
#include "parsers/mysql/recorder.h"
#include "tests/unit/cmocka.h"

#include <errno.h>

#define OK "\7\0\0\1\0\0\0\2\0\0\0"
#define OK_MORE(sequence) "\7\0\0" sequence "\0\0\0\12\0\0\0"
#define QUERY "\11\0\0\0\3select 1"
#define TWO "\12\0\0\0\3do 1;do 2"
#define MIB ((size_t)1 << 20)
#define ERR "\11\0\0\1\377\20\4#08004"

struct session {
	struct recorder *recorder;
	struct item_list items;
	const char *why;
};

static int see(struct session *session, enum side side, struct slice bytes)
{
	return my_recorder_see(session->recorder, side, bytes, 1, &session->items, &session->why);
}

static void log_in(struct session *session)
{
	const struct my_greeting greeting = { .version = SLICE("10.11"),
					      .thread = 9,
					      .capabilities = MY_CLIENT_PROTOCOL_41 |
							      MY_CLIENT_MULTI_STATEMENTS |
							      MY_CLIENT_SECURE_CONNECTION,
					      .nonce_first = SLICE("12345678"),
					      .nonce_rest = SLICE("901234567890") };
	const struct my_login login = { .capabilities = greeting.capabilities,
					.user = SLICE("ann") };
	uint8_t sequence = 0;
	struct buffer out;
	size_t at;

	*session = (struct session){ .recorder = my_recorder_new(1) };
	item_list_init(&session->items);
	buffer_init(&out, 4096);
	at = my_packet_begin(&out);
	my_greeting_write(&out, &greeting);
	my_packet_end(&out, at, &sequence);
	assert_int_equal(see(session, SIDE_SERVER, buffer_slice(&out)), 0);
	buffer_clear(&out);
	at = my_packet_begin(&out);
	my_login_write(&out, &login);
	my_packet_end(&out, at, &sequence);
	assert_int_equal(see(session, SIDE_CLIENT, buffer_slice(&out)), 0);
	assert_int_equal(see(session, SIDE_SERVER, SLICE("\7\0\0\2\0\0\0\2\0\0\0")), 0);
	assert_int_equal(session->items.first->type, ITEM_SESSION);
	assert_int_equal(session->items.first->session.backend, 9);
	item_list_release(&session->items);
	buffer_release(&out);
}

static void log_out(struct session *session)
{
	my_recorder_end(session->recorder, 5, &session->items);
	item_list_release(&session->items);
	my_recorder_free(session->recorder);
}

static const struct {
	struct slice client;
	struct slice server;
	bool accepted;
} conversations[] = {
	/* answers without a request */
	{ SLICE(""), SLICE(OK), false },
	{ SLICE(""), SLICE(ERR), true },
	/* answers to something else */
	{ SLICE(QUERY), SLICE(OK), true },
	{ SLICE(QUERY), SLICE("\7\0\0\2\0\0\0\2\0\0\0"), false }, /* out of sequence */
	/* a last word crosses the request; nothing else counts from 0 */
	{ SLICE(QUERY), SLICE("\11\0\0\0\377\20\4#08004"), true },
	{ SLICE(QUERY), SLICE("\7\0\0\0\0\0\0\2\0\0\0"), false },
	{ SLICE(QUERY), SLICE("\2\0\0\0\377\20"), false },
	{ SLICE(QUERY), SLICE("\0\0\0\1"), false },
	{ SLICE(QUERY), SLICE("\2\0\0\1\0\0"), false },
	{ SLICE(QUERY), SLICE("\3\0\0\1\374\0\0"), false },
	{ SLICE(QUERY), SLICE("\4\0\0\1\375\0\0\1"), false }, /* columns: 65536 */
	{ SLICE(QUERY), SLICE("\1\0\0\1\1\4\0\0\2\3def"), false },
	{ SLICE("\1\0\0\0\16"), SLICE(OK), true },
	{ SLICE("\1\0\0\0\16"), SLICE("\1\0\0\1\1"), false },
	{ SLICE("\5\0\0\0\26do ?"), SLICE("\4\0\0\1\0\1\0\0"), false },
	/* malformed requests */
	{ SLICE("\0\0\0\0"), SLICE(""), false },
	{ SLICE("\1\0\0\1\16"), SLICE(""), false },
	{ SLICE("\4\0\0\0\27\1\0\0"), SLICE(""), false },
	{ SLICE("\6\0\0\0\30\1\0\0\0\0"), SLICE(""), false },
	{ SLICE("\2\0\0\0\31\1"), SLICE(""), false },
	{ SLICE("\1\0\0\0\22"), SLICE(""), false }, /* replication */
};

static void test_refused_conversations(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(conversations) / sizeof(conversations[0]); i++) {
		struct session session;
		const char *why;
		int error;

		log_in(&session);
		error = see(&session, SIDE_CLIENT, conversations[i].client);
		if (!error)
			error = see(&session, SIDE_SERVER, conversations[i].server);
		if (!error != conversations[i].accepted)
			fail_msg("conversation %zu: %s", i, error ? session.why : "accepted");
		why = session.why;
		if (error) { /* sticky */
			assert_int_equal(see(&session, SIDE_CLIENT, SLICE(QUERY)), -EPROTO);
			assert_ptr_equal(session.why, why);
		}
		log_out(&session);
	}
}

#define DEFINITION(sequence, name) \
	"\27\0\0" sequence "\3def\0\0\0\1" name "\0\14\77\0\0\0\0\0\3\0\0\0\0\0"
#define PREPARED "\14\0\0\1\0\0\0\0\0\1\0\0\0\0\0\0"
#define NO_ROWS(name, status)                                      \
	"\1\0\0\1\1" DEFINITION("\2", name) "\5\0\0\3\376\0\0\2\0" \
					    "\5\0\0\4\376\0\0" status "\0"
#define CURSOR(name) "\1\0\0\1\1" DEFINITION("\2", name) "\5\0\0\3\376\0\0\102\0"
#define EXECUTE "\12\0\0\0\27\0\0\0\0\1\1\0\0\0"

/* Statement 0, of one column. */
static void prepare_first(struct session *session)
{
	assert_int_equal(see(session, SIDE_CLIENT, SLICE("\7\0\0\0\26call p")), 0);
	assert_int_equal(see(session, SIDE_SERVER,
			     SLICE(PREPARED DEFINITION("\2", "a") "\5\0\0\3\376\0\0\2\0")),
			 0);
}

/* Only what was executed can have a cursor: MariaDB says it of a COM_QUERY too, in a procedure that has one; its rows follow. */
static void test_cursor_of_a_query(void **state)
{
	struct session session;

	(void)state;
	log_in(&session);
	prepare_first(&session);
	assert_int_equal(see(&session, SIDE_CLIENT, SLICE(EXECUTE)), 0);
	assert_int_equal(see(&session, SIDE_SERVER, SLICE(CURSOR("a"))), 0);
	assert_int_equal(see(&session, SIDE_CLIENT, SLICE(QUERY)), 0);
	assert_int_equal(see(&session, SIDE_SERVER, SLICE(CURSOR("a"))), 0);
	log_out(&session);
}

/* A statement whose columns change from one execution to the next keeps the last ones. */
static void test_columns_that_change(void **state)
{
	struct session session;

	(void)state;
	log_in(&session);
	prepare_first(&session);
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(see(&session, SIDE_CLIENT, SLICE(EXECUTE)), 0);
		assert_int_equal(see(&session, SIDE_SERVER,
				     i % 2 ? SLICE(NO_ROWS("a", "\2")) : SLICE(NO_ROWS("b", "\2"))),
				 0);
		item_list_release(&session.items);
	}
	assert_in_range(session.recorder->statements.bytes, 1, 4096);
	log_out(&session);
}

#define ONE(name)                                                  \
	"\1\0\0\1\1" DEFINITION("\2", name) "\5\0\0\3\376\0\0\2\0" \
					    "\5\0\0\4\376\0\0\2\0"
#define BOTH(first, second)                                                                  \
	"\1\0\0\1\2" DEFINITION("\2", first) DEFINITION("\3", second) "\5\0\0\4\376\0\0\2\0" \
								      "\5\0\0\5\376\0\0\2\0"
#define STORED(name) "\0\0\0\27\3def\0\0\0\1" name "\0\14\77\0\0\0\0\0\3\0\0\0\0\0"

/* Definitions that begin as the last result's did, or are the same, or fewer. */
static void test_columns_again(void **state)
{
	static const struct {
		struct slice request;
		struct slice answer;
		struct slice stored;
	} results[] = {
		{ SLICE(QUERY), SLICE(BOTH("a", "b")), SLICE("\0\0" STORED("a") STORED("b")) },
		{ SLICE(QUERY), SLICE(BOTH("a", "b")), SLICE("\0\0" STORED("a") STORED("b")) },
		{ SLICE(QUERY), SLICE(BOTH("a", "c")), SLICE("\0\0" STORED("a") STORED("c")) },
		{ SLICE(QUERY), SLICE(ONE("a")), SLICE("\0\0" STORED("a")) },
		{ SLICE(QUERY), SLICE(BOTH("a", "c")), SLICE("\0\0" STORED("a") STORED("c")) },
		{ SLICE(QUERY), SLICE(BOTH("c", "a")), SLICE("\0\0" STORED("c") STORED("a")) },
		{ SLICE(EXECUTE), SLICE(BOTH("c", "a")), SLICE("\1\0" STORED("c") STORED("a")) },
		{ SLICE(EXECUTE), SLICE(ONE("c")), SLICE("\1\0" STORED("c")) },
		{ SLICE(QUERY), SLICE(ONE("c")), SLICE("\0\0" STORED("c")) },
	};
	struct session session;

	(void)state;
	log_in(&session);
	prepare_first(&session);
	for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++) {
		const struct piece *piece;

		item_list_release(&session.items);
		assert_int_equal(see(&session, SIDE_CLIENT, results[i].request), 0);
		assert_int_equal(see(&session, SIDE_SERVER, results[i].answer), 0);
		/* It leaves the recorder with what is asked next. */
		assert_int_equal(see(&session, SIDE_CLIENT, SLICE(QUERY)), 0);
		assert_int_equal(see(&session, SIDE_SERVER, SLICE(OK)), 0);
		piece = session.items.first->exchange.pieces;
		if (piece->type != PIECE_COLUMNS) /* of the OK before */
			piece = session.items.first->next->exchange.pieces;
		assert_int_equal(piece->type, PIECE_COLUMNS);
		assert_true(slice_equal(piece->bytes, results[i].stored));
	}
	log_out(&session);
}

/* The length of a value in a row that comes in parts may be cut: each time the value has all of its bytes. */
static void test_length_in_pieces(void **state)
{
	static const char row[] = "\4\0\0\1\375\1\0\4x"; /* 256 KiB and a byte are announced */
	const struct slice begin =
		SLICE("\1\0\0\1\1" DEFINITION("\2", "a") "\5\0\0\3\376\0\0\2\0"
							 "\0\0\100\4"); /* a row of 4 MiB */
	(void)state;
	for (size_t cut = 1; cut < 5; cut++) {
		struct session session;
		const struct piece *piece;

		log_in(&session);
		assert_int_equal(see(&session, SIDE_CLIENT, SLICE(QUERY)), 0);
		assert_int_equal(see(&session, SIDE_SERVER, begin), 0);
		assert_int_equal(see(&session, SIDE_SERVER, slice_of(row + 4, cut)), 0);
		assert_int_equal(see(&session, SIDE_SERVER, slice_of(row + 4 + cut, 5 - cut)), 0);
		my_recorder_end(session.recorder, 5, &session.items);
		piece = session.items.first ? session.items.first->exchange.pieces : NULL;
		while (piece && piece->type != PIECE_VALUE)
			piece = piece->next;
		assert_true(piece && piece->bytes.size == 1);
		log_out(&session);
	}
}

/* COM_STATISTICS has no status of its own: "more results" of what failed before it is not its. */
static void test_statistics_behind_an_error(void **state)
{
	struct session session;

	(void)state;
	log_in(&session);
	assert_int_equal(see(&session, SIDE_CLIENT, SLICE(TWO)), 0);
	assert_int_equal(
		see(&session, SIDE_SERVER, SLICE(OK_MORE("\1") "\11\0\0\2\377\20\4#08004")), 0);
	assert_int_equal(see(&session, SIDE_CLIENT, SLICE("\1\0\0\0\11")), 0);
	assert_int_equal(see(&session, SIDE_SERVER, SLICE("\6\0\0\1Uptime")), 0);
	assert_int_equal(see(&session, SIDE_CLIENT, SLICE("\1\0\0\0\16")), 0);
	assert_int_equal(see(&session, SIDE_SERVER, SLICE(OK)), 0);
	log_out(&session);
}

/* Behind a server's refusal nothing is read, however it comes. */
static void test_refused_login(void **state)
{
	struct session session = { .recorder = my_recorder_new(1) };

	(void)state;
	item_list_init(&session.items);
	assert_int_equal(see(&session, SIDE_SERVER, SLICE("\3\0\0\0\377\20\4\1\0\0\7xyz")), 0);
	assert_int_equal(see(&session, SIDE_SERVER, SLICE("nonsense")), 0);
	/* The session, and its error. */
	assert_true(session.items.first->session.refused);
	assert_int_equal(session.items.first->next->type, ITEM_ASIDE);
	assert_null(session.items.first->next->next);
	log_out(&session);
}

/* More results than statements are merged; an error of the next command is not. */
static void test_merged_once(void **state)
{
	struct session session;
	size_t merges = 0;

	(void)state;
	log_in(&session);
	assert_int_equal(see(&session, SIDE_CLIENT, SLICE(TWO)), 0);
	assert_int_equal(see(&session, SIDE_SERVER,
			     SLICE(OK_MORE("\1") OK_MORE("\2") "\7\0\0\3\0\0\0\2\0\0\0")),
			 0);
	assert_int_equal(see(&session, SIDE_CLIENT, SLICE("\2\0\0\0\2x")), 0);
	assert_int_equal(see(&session, SIDE_SERVER, SLICE(ERR)), 0);
	for (const struct item *item = session.items.first; item; item = item->next)
		merges += item->type == ITEM_BATCH_MERGE;
	assert_int_equal(merges, 1);
	log_out(&session);
}

/* ---- limits ---- */

static void test_pipeline_depth(void **state)
{
	struct session session;
	size_t n = 0;

	(void)state;
	log_in(&session);
	while (n <= MY_OPERATIONS_MAX && !see(&session, SIDE_CLIENT, SLICE("\1\0\0\0\16")))
		n++;
	assert_int_equal(n, MY_OPERATIONS_MAX);
	assert_string_equal(session.why, "too many requests without an answer");
	log_out(&session);
}

/* A packet whose payload has this beginning, and as many bytes as fill it. */
static int say_filled(struct session *session, struct slice start, size_t size)
{
	struct buffer packet;
	int error;

	buffer_init(&packet, (size_t)16 << 20);
	buffer_append_le(&packet, size, 4); /* three bytes of size, and the sequence 0 */
	buffer_append_slice(&packet, start);
	assert_non_null(buffer_reserve(&packet, size - start.size));
	memset(packet.data + packet.size, 'x', size - start.size);
	packet.size += size - start.size;
	error = see(session, SIDE_CLIENT, buffer_slice(&packet));
	buffer_release(&packet);
	return error;
}

/* A client that writes for ever to a server that never answers: the queue is bounded in bytes too. */
static void test_pipeline_bytes(void **state)
{
	struct session session;
	size_t n = 0;

	(void)state;
	log_in(&session);
	while (n < 100 && !say_filled(&session, SLICE("\26"), 15 * MIB))
		n++;
	assert_in_range(n, 8, MY_OPERATIONS_BYTES_MAX / (15 * MIB)); /* arenas have room to spare */
	assert_string_equal(session.why, "too many bytes of requests without an answer");
	log_out(&session);

	/* What is answered weighs nothing. */
	log_in(&session);
	for (n = 0; n < 20; n++) {
		assert_int_equal(say_filled(&session, SLICE("\26"), 15 * MIB), 0);
		assert_int_equal(see(&session, SIDE_SERVER, SLICE(ERR)), 0);
		item_list_release(&session.items);
	}
	log_out(&session);
}

/* A statement of that id with one parameter, of so large a text. */
static int prepare(struct session *session, uint8_t id, size_t size)
{
	uint8_t answer[] = { 12, 0, 0, 1, 0, id, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0 };
	int error = say_filled(session, SLICE("\26do ?"), size);

	if (error)
		return error;
	error = see(session, SIDE_SERVER, slice_of(answer, sizeof(answer)));
	if (error)
		return error;
	return see(session, SIDE_SERVER,
		   SLICE("\27\0\0\2\3def\0\0\0\1?\0\14\77\0\0\0\0\0\375\200\0\0\0\0"
			 "\5\0\0\3\376\0\0\2\0"));
}

static int close_statement(struct session *session, uint8_t id)
{
	uint8_t packet[] = { 5, 0, 0, 0, 0x19, id, 0, 0, 0 };

	return see(session, SIDE_CLIENT, slice_of(packet, sizeof(packet)));
}

static void test_prepared_statements(void **state)
{
	struct session session;
	size_t n = 0;

	(void)state;
	log_in(&session);
	while (n < 255 && !prepare(&session, (uint8_t)n, MIB))
		n++;
	assert_in_range(n, 32, (MY_STATEMENTS_BYTES_MAX + MY_REQUEST_MAX) / MIB);
	assert_string_equal(session.why, "too many prepared statements");
	log_out(&session);

	/* What is closed, or replaced by one of the same id, weighs nothing. */
	log_in(&session);
	for (n = 0; n < 200; n++) {
		assert_int_equal(prepare(&session, 1, MIB), 0);
		if (n % 2)
			assert_int_equal(close_statement(&session, 1), 0);
		item_list_release(&session.items);
	}
	log_out(&session);
}

static int say_long_data(struct session *session, uint8_t id, size_t size)
{
	uint8_t start[] = { 0x18, id, 0, 0, 0, 0, 0 };

	return say_filled(session, slice_of(start, sizeof(start)), sizeof(start) + size);
}

/* An execution whose parameter has gone ahead: its exchange is the only item then. */
static const struct exchange_item *execute_long(struct session *session)
{
	item_list_release(&session->items);
	assert_int_equal(
		see(session, SIDE_CLIENT, SLICE("\16\0\0\0\27\1\0\0\0\0\1\0\0\0\0\1\374\0")), 0);
	assert_int_equal(see(session, SIDE_SERVER, SLICE(OK)), 0);
	assert_non_null(session->items.first);
	assert_int_equal(session->items.first->type, ITEM_EXCHANGE);
	return &session->items.first->exchange;
}

/* Of what is too long nothing is stored but that it was; the execution behind it is whole again. */
static void test_long_data(void **state)
{
	const struct exchange_item *exchange;
	struct session session;

	(void)state;
	log_in(&session);
	assert_int_equal(prepare(&session, 1, 5), 0);
	for (size_t beyond = 0; beyond < 2; beyond++) {
		for (size_t i = 0; i < MY_LONG_DATA_MAX / (8 * MIB); i++)
			assert_int_equal(say_long_data(&session, 1, 8 * MIB), 0);
		assert_int_equal(say_long_data(&session, 1, beyond), 0);
		exchange = execute_long(&session);
		assert_int_equal(!!(exchange->flags & EXCHANGE_REQUEST_TOO_LARGE), beyond);
		assert_int_equal(exchange->n_parameters, 1 - beyond);
		if (!beyond)
			assert_int_equal(exchange->parameters[0].value.size, MY_LONG_DATA_MAX);
	}
	assert_int_equal(say_long_data(&session, 1, 3), 0);
	exchange = execute_long(&session);
	assert_false(exchange->flags & EXCHANGE_REQUEST_TOO_LARGE);
	assert_int_equal(exchange->n_parameters, 1);
	assert_true(slice_equal(exchange->parameters[0].value, SLICE("xxx")));
	log_out(&session);
}

/* Each statement may have as much; all of them together may not. */
static void test_long_data_of_all(void **state)
{
	struct session session;
	int error = 0;
	size_t n;

	(void)state;
	log_in(&session);
	for (uint8_t id = 1; id <= 3; id++)
		assert_int_equal(prepare(&session, id, 5), 0);
	for (n = 0; n < 24 && !error; n++)
		error = say_long_data(&session, (uint8_t)(1 + n / 8), 8 * MIB);
	assert_int_equal(n, (MY_STATEMENTS_BYTES_MAX + MY_REQUEST_MAX) / (8 * MIB));
	assert_string_equal(session.why, "too many prepared statements");
	log_out(&session);
}

/* ---- the end ---- */

/* Unanswered and half answered requests are cut; one that waits longer than the flush's time is handed on before. */
static void test_ends(void **state)
{
	static const struct slice answers[] = { SLICE(""), SLICE("\1\0\0\1\1"), SLICE("\1\0"),
						SLICE(OK_MORE("\1")) };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct session session;
		const struct item *last;

		log_in(&session);
		assert_int_equal(see(&session, SIDE_CLIENT, SLICE(QUERY)), 0);
		my_recorder_flush(session.recorder, 1, &session.items); /* it is younger */
		assert_null(session.items.first);
		assert_int_equal(see(&session, SIDE_SERVER, answers[i]), 0);
		my_recorder_flush(session.recorder, 2, &session.items);
		assert_true(session.items.first->exchange.opens);
		assert_false(session.items.first->exchange.closes);
		my_recorder_end(session.recorder, 5, &session.items);
		for (last = session.items.first; last->next;)
			last = last->next;
		assert_true(last->exchange.closes && (last->exchange.flags & EXCHANGE_CUT));
		assert_int_equal(last->exchange.outcome, OUTCOME_UNFINISHED);
		log_out(&session);
	}
}

/* What becomes of an answer of so many rows behind the client's end, and when it ended. */
static enum exchange_outcome left_outcome(size_t rows, bool broken, int64_t *ret_end_ns)
{
	uint8_t end[] = { 5, 0, 0, 0, 0xfe, 0, 0, 2, 0 };
	enum exchange_outcome outcome = OUTCOME_OK;
	struct session session;
	const char *why = NULL;

	log_in(&session);
	assert_int_equal(see(&session, SIDE_CLIENT, SLICE(QUERY)), 0);
	assert_int_equal(see(&session, SIDE_CLIENT, SLICE("")), 0);
	assert_int_equal(see(&session, SIDE_SERVER,
			     SLICE("\1\0\0\1\1\30\0\0\2\3def\0\0\0\1a\1a"
				   "\14\77\0\1\0\0\0\3\0\0\0\0\0"
				   "\5\0\0\3\376\0\0\2\0")),
			 0);
	for (size_t i = 0; i < rows; i++) {
		uint8_t row[] = { 2, 0, 0, (uint8_t)(4 + i), 1, '1' };

		for (size_t k = 0; k < sizeof(row); k++)
			assert_int_equal(see(&session, SIDE_SERVER, slice_of(row + k, 1)), 0);
	}
	end[3] = (uint8_t)(4 + rows);
	assert_int_equal(my_recorder_see(session.recorder, SIDE_SERVER, slice_of(end, sizeof(end)),
					 2, &session.items, &why),
			 0);
	if (broken)
		my_recorder_broken(session.recorder, SIDE_CLIENT);
	/* Nobody looks at what comes then. */
	assert_int_equal(my_recorder_see(session.recorder, SIDE_SERVER,
					 broken ? SLICE("what?") : SLICE(""), 3, &session.items,
					 &why),
			 0);
	my_recorder_end(session.recorder, 5, &session.items);
	*ret_end_ns = 0;
	for (const struct item *item = session.items.first; item; item = item->next)
		if (item->type == ITEM_EXCHANGE && item->exchange.closes) {
			outcome = item->exchange.outcome;
			*ret_end_ns = item->exchange.end_ns;
		} else {
			/* It was no server that ended it. */
			assert_int_not_equal(item->type, ITEM_ASIDE);
		}
	log_out(&session);
	return outcome;
}

static void test_client_left(void **state)
{
	int64_t end_ns;

	(void)state;
	assert_int_equal(left_outcome(1, false, &end_ns), OUTCOME_OK);
	assert_int_equal(end_ns, 2);
	assert_int_equal(left_outcome(1, true, &end_ns), OUTCOME_UNFINISHED);
	assert_int_equal(end_ns, 0);
	/* More than is held back: it is read, whoever it is for. */
	assert_int_equal(left_outcome(25000, false, &end_ns), OUTCOME_OK);
}

/* A reset is known by what is told before the end, which says when. */
static void test_server_reset(void **state)
{
	static const struct slice asked[] = { SLICE(""), SLICE("\1\0\0\0\16"), SLICE(QUERY) };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct session session;
		const struct item *last;

		log_in(&session);
		if (asked[i].size) /* no bytes are an end */
			assert_int_equal(see(&session, SIDE_CLIENT, asked[i]), 0);
		my_recorder_broken(session.recorder, SIDE_SERVER);
		my_recorder_end(session.recorder, 5, &session.items);
		for (last = session.items.first; last->next;)
			last = last->next;
		if (i == 2) {
			assert_int_equal(last->exchange.flags,
					 EXCHANGE_CUT | EXCHANGE_SERVER_RESET);
		} else {
			assert_int_equal(last->type, ITEM_ASIDE);
			assert_int_equal(last->aside.at_ns, 5);
			assert_true(slice_equal(last->aside.bytes, SLICE("reset")));
			/* The ping met it. */
			assert_int_equal(session.items.first != last, i == 1);
		}
		log_out(&session);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused_conversations),
		cmocka_unit_test(test_cursor_of_a_query),
		cmocka_unit_test(test_columns_that_change),
		cmocka_unit_test(test_columns_again),
		cmocka_unit_test(test_length_in_pieces),
		cmocka_unit_test(test_statistics_behind_an_error),
		cmocka_unit_test(test_refused_login),
		cmocka_unit_test(test_merged_once),
		cmocka_unit_test(test_pipeline_depth),
		cmocka_unit_test(test_pipeline_bytes),
		cmocka_unit_test(test_prepared_statements),
		cmocka_unit_test(test_long_data),
		cmocka_unit_test(test_long_data_of_all),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_client_left),
		cmocka_unit_test(test_server_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
