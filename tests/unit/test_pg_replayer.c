/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PostgreSQL replayer against a small recording in memory: what a client sends, and every byte that comes back, written as
 * one message a line: its type and its body, in which ~ is a NUL and <ff> a byte that is no printable character. Each conversation
 * runs with all bytes at once, byte by byte, and again with the answers of before in the cache: the same bytes must come.
 */
#include "parsers/postgres/replayer.h"

#include <stdio.h>

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h> /* needs those above */
/* clang-format on */

#define OUT_MAX ((size_t)16 << 20)
#define ROWS_OF_CHUNK 2
#define PART_BYTES ((size_t)1 << 20)
#define PIECE_BYTES ((size_t)100000)

/* ---- the recording ---- */

#define COLUMNS_OF(variable, letter, type, size, recorded_form)    \
	static const struct {                                      \
		struct answer_columns head;                        \
		struct answer_column column;                       \
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

struct entry {
	const char *key; /* the canonical text, and |value for each slot */
	const struct answer_columns *columns;
	const char *rows; /* of one column, separated by commas; a - is null */
	const char *tag;
	const char *error; /* SQLSTATE */
	const char *severity;
	const char *notice;
	const char *status; /* NAME=VALUE */
	const char *second; /* tag of a second result */
	uint8_t kind;	    /* of the exchange; 0: EXCHANGE_SIMPLE */
	uint8_t value_kind; /* 0: ANSWER_TEXT */
	uint32_t flags;
	uint32_t slot_type;
	bool raw; /* values are bytes of the recorded form */
};

static const struct entry recording[] = {
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
	  .raw = true },
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
	{ .key = "do ?|x", .tag = "DO", .notice = "of do" },
	{ .key = "set timezone = ?|cet", .tag = "SET", .status = "TimeZone=CET" },
	{ .key = "begin", .tag = "BEGIN" },
	{ .key = "merged one; merged two",
	  .tag = "ONE",
	  .second = "TWO",
	  .flags = EXCHANGE_MERGED },
	{ .key = "select once", .tag = "SELECT 0" },
};

#define N_ENTRIES (sizeof(recording) / sizeof(recording[0]))

struct fake {
	bool used[N_ENTRIES];
	unsigned int found;
	unsigned int session;
	unsigned int unservable;
	const struct entry *open; /* the chunk's */
	uint32_t chunk;
	uint32_t row;
	struct answer_value value;
	struct answer_field fields[3];
	struct answer_field aside;
	struct answer_event events[2];
};

static void key_of(const struct request *request, struct buffer *key)
{
	buffer_append_slice(key, request->statement->canonical);
	for (size_t i = 0; i < request->statement->n_slots; i++) {
		buffer_append_u8(key, '|');
		buffer_append_slice(key, request->values[i].null ? SLICE("null") :
								   request->values[i].text);
	}
}

static bool is_parse_error(const struct entry *entry)
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
		if (slice_equal(buffer_slice(&key), slice_from_string(recording[i].key)))
			break;
	buffer_release(&key);
	return i;
}

static void say(const struct fake *fake, size_t i, struct answer *ret_answer)
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
	struct fake *fake = context;
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
			.slot_types = &recording[i].slot_type,
			.n_slots = 1,
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
	static const struct answer_field parameters[] = {
		{ SLICE("server_version"), SLICE("15.18") },
		{ SLICE("application_name"), SLICE("recorded") },
		{ SLICE("TimeZone"), SLICE("UTC") },
	};

	(void)context;
	(void)user;
	*ret_server = (struct answer_server){ SLICE("15.18"), parameters, 3 };
	return slice_equal(database, SLICE("shop"));
}

static uint32_t count_rows(const struct entry *entry)
{
	uint32_t n = entry->rows ? 1 : 0;

	for (const char *at = entry->rows; at && *at; at++)
		n += *at == ',';
	return n;
}

static void result_error(struct fake *fake, const struct entry *entry, struct answer_result *result)
{
	fake->fields[0] = (struct answer_field){
		SLICE("severity"), slice_from_string(entry->severity ? entry->severity : "ERROR")
	};
	fake->fields[1] = (struct answer_field){ SLICE("code"), slice_from_string(entry->error) };
	fake->fields[2] = (struct answer_field){ SLICE("field_x"), SLICE("own") };
	result->error = fake->fields;
	result->n_error = 3;
}

static void result_events(struct fake *fake, const struct entry *entry,
			  struct answer_result *result)
{
	const char *equals = entry->status ? strchr(entry->status, '=') : NULL;

	if (entry->notice)
		fake->aside =
			(struct answer_field){ SLICE("message"), slice_from_string(entry->notice) };
	else if (equals)
		fake->aside = (struct answer_field){ slice_of(entry->status,
							      (size_t)(equals - entry->status)),
						     slice_from_string(equals + 1) };
	else
		return;
	fake->events[0] = (struct answer_event){ equals != NULL, &fake->aside, 1 };
	result->events = fake->events;
	result->n_events = 1;
}

static int fake_result(void *context, uint64_t exchange, uint32_t number,
		       struct answer_result *ret_result)
{
	const struct entry *entry = &recording[exchange - 1];

	*ret_result = (struct answer_result){ 0 };
	if (number == 1 && entry->second) {
		ret_result->tag = slice_from_string(entry->second);
		return 1;
	}
	if (number)
		return 0;
	ret_result->columns = entry->columns;
	ret_result->chunks = (count_rows(entry) + ROWS_OF_CHUNK - 1) / ROWS_OF_CHUNK;
	if (entry->tag)
		ret_result->tag = slice_from_string(entry->tag);
	if (entry->error)
		result_error(context, entry, ret_result);
	result_events(context, entry, ret_result);
	return 1;
}

static int fake_chunk(void *context, uint64_t exchange, uint32_t number, uint32_t chunk)
{
	struct fake *fake = context;

	assert_int_equal(number, 0);
	fake->open = &recording[exchange - 1];
	fake->chunk = chunk;
	fake->row = 0;
	return 0;
}

static int fake_next_row(void *context, const struct answer_value **ret_values, size_t *ret_n)
{
	struct fake *fake = context;
	const struct entry *entry = fake->open;
	uint32_t row = fake->chunk * ROWS_OF_CHUNK + fake->row;
	const char *at = entry->rows, *end;

	if (fake->row == ROWS_OF_CHUNK || row >= count_rows(entry))
		return 0;
	for (; row; row--)
		at = strchr(at, ',') + 1;
	end = strchr(at, ',');
	fake->value = (struct answer_value){
		.kind = ANSWER_TEXT, .bytes = slice_of(at, end ? (size_t)(end - at) : strlen(at))
	};
	if (entry->raw)
		fake->value.kind = ANSWER_RAW;
	if (entry->value_kind)
		fake->value = (struct answer_value){ .kind = entry->value_kind,
						     .part = 1,
						     .size = PART_BYTES };
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
	static uint8_t bytes[PIECE_BYTES];
	size_t from = sequence * PIECE_BYTES;

	(void)context;
	(void)exchange;
	(void)part;
	if (from >= PART_BYTES)
		return 0;
	*ret_bytes =
		slice_of(bytes, PART_BYTES - from < PIECE_BYTES ? PART_BYTES - from : PIECE_BYTES);
	for (size_t i = 0; i < ret_bytes->size; i++) /* each byte tells where it stands */
		bytes[i] = (uint8_t)('a' + (from + i) % 23);
	return 1;
}

static void fake_count(void *context)
{
	((struct fake *)context)->session++;
}

static void fake_unservable(void *context, struct slice text, struct slice why)
{
	assert_true(text.size && why.size);
	((struct fake *)context)->unservable++;
}

static struct answers answers_of(struct fake *fake, struct answer_cache *cache)
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

/* ---- what a client says ---- */

struct client {
	struct buffer bytes;
};

static void message(struct client *client, uint8_t type, struct slice body)
{
	buffer_append_u8(&client->bytes, type);
	buffer_append_u32be(&client->bytes, (uint32_t)body.size + 4);
	buffer_append_slice(&client->bytes, body);
}

static void say_start(struct client *client, uint32_t code, struct slice parameters)
{
	buffer_append_u32be(&client->bytes, (uint32_t)parameters.size + 8);
	buffer_append_u32be(&client->bytes, code);
	buffer_append_slice(&client->bytes, parameters);
}

static void string(struct buffer *body, const char *text)
{
	buffer_append(body, text, strlen(text) + 1);
}

static void say_query(struct client *client, const char *sql)
{
	message(client, 'Q', slice_of(sql, strlen(sql) + 1));
}

static void say_parse(struct client *client, const char *name, const char *sql)
{
	struct buffer body;

	buffer_init(&body, OUT_MAX);
	string(&body, name);
	string(&body, sql);
	buffer_append_u16be(&body, 0);
	message(client, 'P', buffer_slice(&body));
	buffer_release(&body);
}

/* One parameter in text, or none when it is NULL; all results in `format`. */
static void say_bind(struct client *client, const char *portal, const char *name, const char *value,
		     uint16_t format)
{
	struct buffer body;

	buffer_init(&body, OUT_MAX);
	string(&body, portal);
	string(&body, name);
	buffer_append_u16be(&body, 0);
	buffer_append_u16be(&body, value ? 1 : 0);
	if (value) {
		buffer_append_u32be(&body, (uint32_t)strlen(value));
		buffer_append_string(&body, value);
	}
	buffer_append_u16be(&body, 1);
	buffer_append_u16be(&body, format);
	message(client, 'B', buffer_slice(&body));
	buffer_release(&body);
}

static void say_execute(struct client *client, const char *portal, uint32_t limit)
{
	struct buffer body;

	buffer_init(&body, OUT_MAX);
	string(&body, portal);
	buffer_append_u32be(&body, limit);
	message(client, 'E', buffer_slice(&body));
	buffer_release(&body);
}

/* Describe and Close: "Sname", "Pname". */
static void say_target(struct client *client, uint8_t type, const char *target)
{
	message(client, type, slice_of(target, strlen(target) + 1));
}

static void say_sync(struct client *client)
{
	message(client, 'S', SLICE(""));
}

static void say_login(struct client *client)
{
	say_start(client, PG_PROTOCOL(3, 0),
		  SLICE("user\0ann\0database\0shop\0application_name\0me\0\0"));
}

static void client_init(struct client *client)
{
	buffer_init(&client->bytes, OUT_MAX);
}

/* Parse, Bind, Execute of the unnamed ones. */
static void say_extended(struct client *client, const char *sql, uint16_t format)
{
	say_parse(client, "", sql);
	say_bind(client, "", "", NULL, format);
	say_execute(client, "", 0);
}

/* ---- what comes back ---- */

static void render_bytes(struct buffer *text, struct slice bytes)
{
	char hex[8];

	for (size_t i = 0; i < bytes.size; i++) {
		uint8_t byte = bytes.data[i];

		if (byte == 0) {
			buffer_append_u8(text, '~');
		} else if (byte < ' ' || byte > '}' || byte == '<') {
			snprintf(hex, sizeof(hex), "<%02x>", byte);
			buffer_append_string(text, hex);
		} else {
			buffer_append_u8(text, byte);
		}
	}
}

static void render(struct buffer *text, struct slice bytes)
{
	struct cursor cursor = cursor_of(bytes);

	while (cursor_left(&cursor)) {
		uint8_t type = cursor_u8(&cursor);
		uint32_t length;

		buffer_append_u8(text, type);
		if (type == 'N' && cursor_left(&cursor) &&
		    *cursor.at) { /* no frame: an SSLRequest was refused */
			buffer_append_u8(text, '\n');
			continue;
		}
		if (type == 'N' && !cursor_left(&cursor))
			return;
		length = cursor_u32be(&cursor);
		assert_true(length >= 4);
		buffer_append_u8(text, ' ');
		render_bytes(text, cursor_bytes(&cursor, length - 4));
		assert_false(cursor.failed);
		buffer_append_u8(text, '\n');
	}
}

/* Feeds all bytes in steps, and gives back what came, and whether the connection is over. */
static bool play(struct replayer *replayer, struct slice input, size_t step, struct buffer *all)
{
	enum replay_state state = REPLAY_IDLE;
	struct buffer out;
	const char *why;

	buffer_init(&out, OUT_MAX);
	while (input.size && state != REPLAY_CLOSE) {
		size_t size = step < input.size ? step : input.size;
		uint8_t *copy = malloc(size); /* nothing may borrow from it */

		assert_non_null(copy);
		memcpy(copy, input.data, size);
		assert_int_equal(pg_replayer_feed(replayer, slice_of(copy, size), &why), 0);
		memset(copy, 0xdb, size);
		free(copy);
		input = slice_of(input.data + size, input.size - size);
		do {
			buffer_clear(&out);
			state = pg_replayer_fill(replayer, &out);
			assert_false(out.overflowed);
			assert_true(out.size <
				    PG_FILL_BYTES + 2 * PIECE_BYTES); /* a value is never whole */
			buffer_append_slice(all, buffer_slice(&out));
		} while (state == REPLAY_MORE);
	}
	buffer_release(&out);
	return state == REPLAY_CLOSE;
}

/* One conversation, with a session of its own. */
static void converse(struct fake *fake, struct answer_cache *cache, const struct client *client,
		     size_t step, struct buffer *text)
{
	struct answers answers = answers_of(fake, cache);
	struct replayer *replayer = pg_replayer_new(&answers, 7);
	struct buffer all;
	bool closed;

	memset(fake, 0, sizeof(*fake));
	buffer_init(&all, OUT_MAX);
	closed = play(replayer, buffer_slice(&client->bytes), step, &all);
	assert_false(all.overflowed);
	render(text, buffer_slice(&all));
	if (closed)
		buffer_append_string(text, "closed\n");
	buffer_release(&all);
	pg_replayer_free(replayer);
}

static const char login_answer[] = "R ~~~~\n"
				   "S server_version~15.18~\n"
				   "S application_name~me~\n"
				   "S TimeZone~UTC~\n"
				   "K ~~~<07>";

/* The answer to a login is checked once, and is then left out. */
static struct slice behind_login(struct slice text)
{
	const uint8_t *ready;

	if (!slice_starts_with(text, slice_of(login_answer, sizeof(login_answer) - 1)))
		return text;
	ready = memmem(text.data, text.size, "\nZ I\n", 5);
	assert_non_null(ready);
	return slice_of(ready + 5, text.size - (size_t)(ready + 5 - text.data));
}

/* Whole, byte by byte, in steps that fall anywhere, and from the cache. Takes the client over. */
static void expect(struct fake *fake, struct client *client, const char *expected)
{
	static const size_t steps[] = { SIZE_MAX, 1, 7, SIZE_MAX };
	struct answer_cache *cache = answer_cache_new();
	struct buffer text;

	buffer_init(&text, OUT_MAX);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct slice got;

		buffer_clear(&text);
		converse(fake, i ? cache : NULL, client, steps[i], &text);
		got = behind_login(buffer_slice(&text));
		if (slice_equal(got, slice_from_string(expected)))
			continue;
		/* longer than cmocka's messages may be */
		fprintf(stderr, "run %zu: expected\n%s--- but got\n%.*s", i, expected,
			(int)got.size, (const char *)got.data);
		fail();
	}
	buffer_release(&text);
	answer_cache_free(cache);
	buffer_release(&client->bytes);
}

#define T_INT "T ~<01>a~~~~~~~~~~<17>~<04><ff><ff><ff><ff>~~\n"
#define T_INT_BINARY "T ~<01>a~~~~~~~~~~<17>~<04><ff><ff><ff><ff>~<01>\n"
#define D(value, length) "D ~<01>~~~" length value "\n"
#define IDLE "Z I\n"
#define IN_TRANSACTION "Z T\n"
#define FAILED "Z E\n"
#define ABORTED                                                                                  \
	"E SERROR~VERROR~C25P02~Mcurrent transaction is aborted, commands ignored until end of " \
	"transaction block~~\n"
#define MISS(asked)                                                                               \
	"E SERROR~VERROR~CMP001~Mmockproxy: the recording holds no answer to this statement~"     \
	"DAsked: " asked "<0a>Nearest recorded: select nearest<0a>Difference: value 1: recorded " \
	"5, asked 7~HRecord a run that asks this, or look at what was recorded: sqlite3 FILE "    \
	"'select * from queries'.~~\n"
#define UNSERVABLE(column, type, how)                                                              \
	"E SERROR~VERROR~CMP002~Mmockproxy: the recorded answer cannot be given in the form that " \
	"was asked for~DColumn " column " of type " type " was recorded " how                      \
	".~HRecord with the driver that replays.~~\n"

/* ---- login ---- */

static void test_login(void **state)
{
	struct client client;
	struct fake fake;

	(void)state;
	client_init(&client);
	say_login(&client);
	expect(&fake, &client, "");

	client_init(&client);
	say_start(&client, PG_SSL_REQUEST, SLICE(""));
	say_start(&client, PG_GSSENC_REQUEST, SLICE(""));
	say_start(&client, PG_PROTOCOL(3, 2),
		  SLICE("user\0shop\0\0")); /* the database is the user's */
	say_query(&client, ";");
	expect(&fake, &client,
	       "N\nN\nR ~~~~\nS server_version~15.18~\nS application_name~~\nS TimeZone~UTC~\n"
	       "K ~~~<07><d6><b5><96><af>\nZ I\nI \nZ I\n");
}

static void test_negotiation(void **state)
{
	struct client client;
	struct buffer text;
	struct fake fake;

	(void)state;
	client_init(&client);
	buffer_init(&text, OUT_MAX);
	say_start(&client, PG_PROTOCOL(3, 9999),
		  SLICE("user\0ann\0database\0shop\0_pq_.grease\0"
			"1\0\0"));
	converse(&fake, NULL, &client, 3, &text);
	assert_true(slice_starts_with(buffer_slice(&text),
				      SLICE("v ~<03>~<02>~~~<01>_pq_.grease~\nR ~~~~\n")));

	/* A known version with an unknown option keeps its version. */
	buffer_clear(&text);
	buffer_clear(&client.bytes);
	say_start(&client, PG_PROTOCOL(3, 0), SLICE("user\0ann\0database\0shop\0_pq_.x\0\0\0"));
	converse(&fake, NULL, &client, SIZE_MAX, &text);
	assert_true(
		slice_starts_with(buffer_slice(&text), SLICE("v ~<03>~~~~~<01>_pq_.x~\nR ~~~~\n")));
	buffer_release(&text);
	buffer_release(&client.bytes);
}

static void test_refused_logins(void **state)
{
	static const struct {
		uint32_t code;
		struct slice parameters;
		const char *answer;
	} refused[] = {
		{ PG_CANCEL_REQUEST, SLICE("\0\0\0\7\0\0\0\1"), "closed\n" },
		{ PG_PROTOCOL(2, 0), SLICE("user\0ann\0\0"),
		  "E SFATAL~VFATAL~C0A000~Munsupported frontend protocol~~\nclosed\n" },
		{ PG_PROTOCOL(3, 0), SLICE("database\0shop\0\0"),
		  "E SFATAL~VFATAL~C08P01~Mmalformed startup message, or no user in "
		  "it~~\nclosed\n" },
		{ PG_PROTOCOL(3, 0), SLICE("user\0ann\0database\0shop"),
		  "E SFATAL~VFATAL~C08P01~Mmalformed startup message, or no user in "
		  "it~~\nclosed\n" },
		{ PG_PROTOCOL(3, 0), SLICE("user\0ann\0database\0other\0\0"),
		  "E SFATAL~VFATAL~CMP001~Mmockproxy: the recording has no session with database "
		  "\"other\" at this "
		  "address~HRecord a run of the program that uses this database first, or see "
		  "--map.~~\nclosed\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct client client;
		struct fake fake;

		client_init(&client);
		say_start(&client, refused[i].code, refused[i].parameters);
		expect(&fake, &client, refused[i].answer);
	}
}

/* ---- simple queries ---- */

static void test_simple(void **state)
{
	struct client client;
	struct fake fake;

	(void)state;
	client_init(&client);
	say_login(&client);
	say_query(&client, "SELECT a FROM t WHERE a = 5 -- comment");
	say_query(&client, "");
	say_query(&client, " ; /* ping */ ");
	say_query(&client, "do 'x'; select a from five;; select a from t where a = '5'");
	expect(&fake, &client,
	       T_INT D("5", "<01>") "C SELECT 1~\n" IDLE "I \n" IDLE "I \n" IDLE
				    "N Mof do~~\nC DO~\n" T_INT D("1", "<01>") D("2", "<01>")
					    D("3", "<01>") "D ~<01><ff><ff><ff><ff>\n" D(
						    "5", "<01>") "C SELECT 5~\n" T_INT
						    D("5", "<01>") "C SELECT 1~\n" IDLE);
	assert_int_equal(fake.found, 4);
	assert_int_equal(fake.session, 2);
}

static void test_error_in_the_middle(void **state)
{
	struct client client;
	struct fake fake;

	(void)state;
	client_init(&client);
	say_login(&client);
	say_query(&client, "select a from t where a = 5; select bad; do 'x'");
	say_query(&client, "do 'x'");
	expect(&fake, &client,
	       T_INT D("5", "<01>") "C SELECT 1~\n" T_INT D(
		       "1", "<01>") "E SERROR~C22012~xown~~\n" IDLE "N Mof do~~\nC DO~\n" IDLE);

	client_init(&client);
	say_login(&client);
	say_query(&client, "select fatal; do 'x'");
	say_query(&client, "do 'x'");
	expect(&fake, &client, "E SFATAL~C57P01~xown~~\nclosed\n");
}

static void test_merged(void **state)
{
	struct client client;
	struct fake fake;

	(void)state;
	client_init(&client);
	say_login(&client);
	say_query(&client, "merged one; merged two");
	expect(&fake, &client, "C ONE~\nC TWO~\n" IDLE);
	assert_int_equal(fake.found, 1);
}

/* Only the beginning of a Query can be what was recorded as one: looking at each rest would cost the square of its size. */
static void test_many_statements(void **state)
{
	static const char statement[] = "do 'x';";
	const size_t n = 20000;
	struct client client;
	struct buffer text;
	struct fake fake;
	char *sql = malloc(n * (sizeof(statement) - 1) + 1);
	size_t answers = 0;

	(void)state;
	assert_non_null(sql);
	for (size_t i = 0; i < n; i++)
		memcpy(sql + i * (sizeof(statement) - 1), statement, sizeof(statement));
	client_init(&client);
	buffer_init(&text, OUT_MAX);
	say_login(&client);
	say_query(&client, sql);
	converse(&fake, NULL, &client, SIZE_MAX, &text);
	buffer_append_u8(&text, 0);
	for (const char *at = (const char *)text.data; (at = strstr(at, "C DO~")); at++)
		answers++;
	assert_int_equal(answers, n);
	buffer_release(&text);
	buffer_release(&client.bytes);
	free(sql);
}

/* ---- the extended protocol ---- */

static void test_extended(void **state)
{
	struct client client;
	struct fake fake;

	(void)state;
	client_init(&client);
	say_login(&client);
	say_parse(&client, "s", "select a from t where a = $1");
	say_target(&client, 'D', "Ss");
	message(&client, 'H', SLICE(""));
	say_bind(&client, "p", "s", "5", 0);
	say_target(&client, 'D', "Pp");
	say_execute(&client, "p", 0);
	say_target(&client, 'C', "Pp");
	say_target(&client, 'C', "Pp");
	say_sync(&client);
	say_bind(&client, "", "s", "5", 1);
	say_target(&client, 'D', "P");
	say_execute(&client, "", 0);
	say_sync(&client);
	say_target(&client, 'C', "Ss");
	say_bind(&client, "", "s", "5", 1);
	say_sync(&client);
	expect(&fake, &client,
	       "1 \nt ~<01>~~~<17>\n" T_INT
	       "2 \n" T_INT D("5", "<01>") "C SELECT 1~\n3 \n3 \n" IDLE "2 \n" T_INT_BINARY
					   "D ~<01>~~~<04>~~~<05>\nC SELECT 1~\n" IDLE
					   "3 \nE SERROR~VERROR~C26000~Mprepared statement does "
					   "not exist~~\n" IDLE);
	assert_int_equal(fake.found, 2); /* Describe and Execute of a portal are one answer */
}

/* What Flush asks for comes before any Sync. */
static void test_flush(void **state)
{
	struct client client;
	struct fake fake;

	(void)state;
	client_init(&client);
	say_login(&client);
	say_parse(&client, "s", "insert into t values ($1)");
	say_target(&client, 'D', "Ss");
	message(&client, 'H', SLICE(""));
	expect(&fake, &client, "1 \nt ~<01>~~~<19>\nn \n");
}

static void test_names(void **state)
{
	struct client client;
	struct fake fake;

	(void)state;
	client_init(&client);
	say_login(&client);
	say_parse(&client, "s", "do 'x'");
	say_sync(&client);
	say_parse(&client, "s", "do 'x'");
	say_sync(&client);
	say_parse(&client, "", "select bad");
	say_parse(&client, "", "do 'x'"); /* the unnamed one is replaced */
	say_bind(&client, "", "", NULL, 0);
	say_bind(&client, "", "", NULL, 0);
	say_execute(&client, "", 0);
	say_sync(&client);
	say_bind(&client, "p", "s", NULL, 0);
	say_bind(&client, "p", "s", NULL, 0);
	say_sync(&client);
	say_execute(&client, "p", 0); /* ended at Sync */
	say_sync(&client);
	say_bind(&client, "", "s", "1", 0); /* it has no parameter */
	say_sync(&client);
	say_parse(&client, "", "do 'x'");
	say_query(&client, "");
	say_bind(&client, "", "", NULL, 0); /* ended by the Query */
	say_sync(&client);
	expect(&fake, &client,
	       "1 \n" IDLE "E SERROR~VERROR~C42P05~Mprepared statement already exists~~\n" IDLE
	       "1 \n1 \n2 \n2 \nN Mof do~~\nC DO~\n" IDLE
	       "2 \nE SERROR~VERROR~C42P03~Mcursor already exists~~\n" IDLE
	       "E SERROR~VERROR~C34000~Mportal does not exist~~\n" IDLE
	       "E SERROR~VERROR~C08P01~Mmalformed Bind~~\n" IDLE "1 \nI \n" IDLE
	       "E SERROR~VERROR~C26000~Mprepared statement does not exist~~\n" IDLE);
}

/* A portal keeps the statement that it was made of, whatever its name means since. */
static void test_replaced_statement(void **state)
{
	struct client client;
	struct fake fake;

	(void)state;
	client_init(&client);
	say_login(&client);
	say_parse(&client, "", "do 'x'");
	say_bind(&client, "p", "", NULL, 0);
	say_parse(&client, "", "select a from five");
	say_query(&client, "");
	say_sync(&client);
	say_parse(&client, "s", "do 'x'");
	say_bind(&client, "p", "s", NULL, 0);
	say_target(&client, 'C', "Ss");
	say_parse(&client, "s", "select a from five");
	say_target(&client, 'D', "Pp");
	say_execute(&client, "p", 0);
	say_sync(&client);
	expect(&fake, &client,
	       "1 \n2 \n1 \nI \n" IDLE IDLE "1 \n2 \n3 \n1 \nn \nN Mof do~~\nC DO~\n" IDLE);
}

static void test_pipeline_with_error(void **state)
{
	struct client client;
	struct fake fake;

	(void)state;
	client_init(&client);
	say_login(&client);
	say_extended(&client, "do 'x'", 0);
	say_extended(&client, "select bad", 0);
	say_extended(&client, "do 'x'", 0);
	message(&client, 'H', SLICE(""));
	say_query(&client, "do 'x'"); /* skipped too */
	say_sync(&client);
	say_extended(&client, "do 'x'", 0);
	say_sync(&client);
	say_sync(&client);
	say_parse(&client, "", "select parse");
	say_bind(&client, "", "", NULL, 0);
	say_sync(&client);
	expect(&fake, &client,
	       "1 \n2 \nN Mof do~~\nC DO~\n1 \n2 \n" D(
		       "1", "<01>") "E SERROR~C22012~xown~~\n" IDLE
				    "1 \n2 \nN Mof do~~\nC DO~\n" IDLE IDLE
				    "E SERROR~C42601~xown~~\n" IDLE);
}

static void test_empty_extended(void **state)
{
	struct client client;
	struct fake fake;

	(void)state;
	client_init(&client);
	say_login(&client);
	say_parse(&client, "", "");
	say_bind(&client, "", "", NULL, 0);
	say_target(&client, 'D', "P");
	say_execute(&client, "", 0);
	say_sync(&client);
	expect(&fake, &client, "1 \n2 \nn \nI \n" IDLE);
}

static void test_malformed(void **state)
{
	struct client client;
	struct fake fake;

	(void)state;
	client_init(&client);
	say_login(&client);
	message(&client, 'P', SLICE("\0select 1\0\377\377"));
	say_sync(&client);
	message(&client, 'B', SLICE("\0"));
	say_sync(&client);
	say_parse(&client, "", "do 'x'");
	message(&client, 'B', SLICE("\0\0\0\0\0\1\377\377\377\376\0\0"));
	say_sync(&client);
	message(&client, 'D', SLICE("X\0"));
	say_sync(&client);
	message(&client, 'E', SLICE("\0"));
	say_sync(&client);
	say_parse(&client, "", "select $70000");
	say_sync(&client);
	message(&client, 'Q', SLICE("select 1"));
	message(&client, 'F', SLICE("\0\0\0\1"));
	message(&client, 'd', SLICE("rows"));
	message(&client, 'c', SLICE(""));
	say_query(&client, "");
	message(&client, 'X', SLICE(""));
	expect(&fake, &client,
	       "E SERROR~VERROR~C08P01~Mmalformed Parse~~\n" IDLE
	       "E SERROR~VERROR~C08P01~Mmalformed Bind, or too many portals~~\n" IDLE
	       "1 \nE SERROR~VERROR~C08P01~Mmalformed Bind~~\n" IDLE
	       "E SERROR~VERROR~C08P01~Mmalformed Describe or Close~~\n" IDLE
	       "E SERROR~VERROR~C08P01~Mmalformed Execute~~\n" IDLE
	       "E SERROR~VERROR~C42P02~Mthere is no such parameter~~\n" IDLE
	       "E SERROR~VERROR~C08P01~Mmalformed Query~~\n" IDLE
	       "E SERROR~VERROR~CMP002~Mmockproxy: this kind of request is not replayed "
	       "yet~DFunctionCall~~\n" IDLE "I \n" IDLE "closed\n");

	client_init(&client);
	say_login(&client);
	buffer_append(&client.bytes, "GET / HTTP/1.1\r\n", 16);
	expect(&fake, &client, "E SFATAL~VFATAL~C08P01~Munknown message type~~\nclosed\n");
}

/* ---- misses ---- */

static void test_misses(void **state)
{
	struct client client;
	struct fake fake;

	(void)state;
	client_init(&client);
	say_login(&client);
	say_query(&client, "select a from t where a = 7; do 'x'");
	say_parse(&client, "", "select unknown");
	say_bind(&client, "", "", NULL, 0);
	say_sync(&client);
	say_parse(&client, "", "select a from t where a = $1");
	say_bind(&client, "", "", "7", 0);
	say_target(&client, 'D', "P");
	say_execute(&client, "", 0);
	say_sync(&client);
	say_query(&client, "do 'x'");
	say_query(&client, "select once");
	say_query(&client, "select once");
	expect(&fake, &client,
	       MISS("select a from t where a = 7") IDLE MISS("select unknown") IDLE
	       "1 \n2 \n" MISS("select a from t where a = $1") IDLE
	       "N Mof do~~\nC DO~\n" IDLE "C SELECT 0~\n" IDLE
	       "E SERROR~VERROR~CMP001~Mmockproxy: every recorded answer to this statement was "
	       "given already~"
	       "DAsked: select once<0a>Nearest recorded: select nearest<0a>Difference: value 1: "
	       "recorded 5, asked 7~"
	       "HRecord a run that asks this, or look at what was recorded: sqlite3 FILE 'select * "
	       "from queries'.~~\n" IDLE);
}

static void test_miss_in_transaction(void **state)
{
	struct client client;
	struct fake fake;

	(void)state;
	client_init(&client);
	say_login(&client);
	say_query(&client, "begin");
	say_parse(&client, "s", "select a from five");
	say_sync(&client);
	say_query(&client, "select unknown");
	say_query(&client, "do 'x'");
	say_parse(&client, "", "do 'x'");
	say_sync(&client);
	say_target(&client, 'D', "Ss");
	say_sync(&client);
	say_bind(&client, "", "s", NULL, 0);
	say_sync(&client);
	say_query(&client, "commit");
	say_query(&client, "do 'x'");
	say_query(&client, "begin; savepoint s; select unknown");
	say_query(&client, "rollback to s");
	say_query(&client, "rollback");
	say_query(&client, "begin");
	message(&client, 'F', SLICE("\0\0\0\1"));
	say_query(&client, "rollback");
	expect(&fake, &client,
	       "C BEGIN~\n" IN_TRANSACTION "1 \n" IN_TRANSACTION MISS("select unknown")
		       FAILED ABORTED FAILED ABORTED FAILED ABORTED FAILED ABORTED FAILED
	       "C ROLLBACK~\n" IDLE "N Mof do~~\nC DO~\n" IDLE
	       "C BEGIN~\nC SAVEPOINT~\n" MISS("select unknown") FAILED
	       "C ROLLBACK~\n" IN_TRANSACTION "C ROLLBACK~\n" IDLE "C BEGIN~\n" IN_TRANSACTION
	       "E SERROR~VERROR~CMP002~Mmockproxy: this kind of request is not replayed "
	       "yet~DFunctionCall~~\n" FAILED "C ROLLBACK~\n" IDLE);
}

/* ---- rows ---- */

static void test_row_limits(void **state)
{
	struct client client;
	struct fake fake;

	(void)state;
	client_init(&client);
	say_login(&client);
	say_query(&client, "begin");
	say_parse(&client, "", "select a from five");
	say_bind(&client, "p", "", NULL, 0);
	say_execute(&client, "p", 2);
	say_sync(&client);
	say_execute(&client, "p", 2);
	say_execute(&client, "p", 2);
	say_execute(&client, "p", 2);
	say_sync(&client);
	say_parse(&client, "", "select a from sliced");
	say_bind(&client, "q", "", NULL, 0);
	say_execute(&client, "q", 0);
	say_bind(&client, "r", "", NULL, 0);
	say_execute(&client, "r", 3);
	say_execute(&client, "r", 3);
	say_parse(&client, "", "insert into t values ($1)");
	say_bind(&client, "", "", "1", 0);
	say_execute(&client, "", 1);
	say_sync(&client);
	say_query(&client, "select a from sliced");
	expect(&fake, &client,
	       "C BEGIN~\n" IN_TRANSACTION
	       "1 \n2 \n" D("1", "<01>") D("2", "<01>") "s \n" IN_TRANSACTION
		       D("3", "<01>") "D ~<01><ff><ff><ff><ff>\ns \n" D(
			       "5",
			       "<01>") "C SELECT 1~\nC SELECT 0~\n" IN_TRANSACTION "1 \n2 \n" D("1",
												"<0"
												"1"
												">")
			       D("2", "<01>") D("3", "<01>") "C SELECT 3~\n2 \n" D("1", "<01>") D(
				       "2", "<01>")
				       D("3",
					 "<01>") "s \nC SELECT 0~\n1 \n2 \nC INSERT 0 "
						 "1~\n" IN_TRANSACTION T_INT D("1", "<01>") D(
							 "2", "<01>")
							 D("3",
							   "<01>") "C SELECT 3~\n" IN_TRANSACTION);
}

static void test_conversion(void **state)
{
	struct client client;
	struct fake fake;

	(void)state;
	client_init(&client);
	say_login(&client);
	say_extended(&client, "select a from t where a = 5", 1); /* recorded as text */
	say_sync(&client);
	say_extended(&client, "select a from t where a = 6", 0); /* recorded in binary */
	say_sync(&client);
	say_extended(&client, "select own", 1);
	say_sync(&client);
	say_extended(&client, "select own", 0);
	say_sync(&client);
	say_extended(&client, "select own part", 0);
	say_sync(&client);
	say_query(&client, "do 'x'");
	expect(&fake, &client,
	       "1 \n2 \nD ~<01>~~~<04>~~~<05>\nC SELECT 1~\n" IDLE
	       "1 \n2 \n" D("6", "<01>") "C SELECT 1~\n" IDLE "1 \n2 \n" D(
		       "xyz", "<03>") "C SELECT 1~\n" IDLE
				      "1 \n2 \n" UNSERVABLE("d", "99999",
							    "in binary and asked as text") IDLE
	       "1 \n2 \n" UNSERVABLE("d", "99999", "in binary and asked as text") IDLE
	       "N Mof do~~\nC DO~\n" IDLE);
	assert_int_equal(fake.unservable, 2); /* also when an answer of before is in the cache */
}

/* The cache is shared: what one session cannot be given, another can, and the other way round. */
static void test_conversion_by_session(void **state)
{
	struct answer_cache *cache = answer_cache_new();
	struct buffer text;
	struct fake fake;

	(void)state;
	buffer_init(&text, OUT_MAX);
	for (int i = 0; i < 4; i++) {
		bool utc = i == 1 || i == 2;
		struct client client;

		client_init(&client);
		if (utc)
			say_login(&client);
		else
			say_start(&client, PG_PROTOCOL(3, 0),
				  SLICE("user\0ann\0database\0shop\0TimeZone\0CET\0\0"));
		say_extended(&client, "select now", 0);
		buffer_clear(&text);
		converse(&fake, cache, &client, SIZE_MAX, &text);
		buffer_append_u8(&text, 0);
		assert_int_equal(strstr((char *)text.data, "2020-01-01 00:00:00+00") != NULL, utc);
		assert_int_equal(strstr((char *)text.data, "CMP002") != NULL, !utc);
		buffer_release(&client.bytes);
	}
	buffer_release(&text);
	answer_cache_free(cache);
}

/* Values of 1 MB in parts: fill() never gives more than a piece beyond its limit (play() looks). */
static void test_value_parts(void **state)
{
	struct answers answers;
	struct replayer *replayer;
	struct client client;
	struct buffer all, value;
	struct cursor cursor;
	struct fake fake = { 0 };

	(void)state;
	answers = answers_of(&fake, NULL);
	replayer = pg_replayer_new(&answers, 7);
	client_init(&client);
	buffer_init(&all, OUT_MAX);
	buffer_init(&value, OUT_MAX);
	say_login(&client);
	play(replayer, buffer_slice(&client.bytes), SIZE_MAX, &all);
	buffer_clear(&client.bytes);
	buffer_clear(&all);
	say_query(&client, "select big");
	assert_false(play(replayer, buffer_slice(&client.bytes), SIZE_MAX, &all));
	for (size_t i = 0; i < PART_BYTES; i++)
		buffer_append_u8(&value, (uint8_t)('a' + i % 23));

	cursor = cursor_of(buffer_slice(&all));
	assert_int_equal(cursor_u8(&cursor), 'T');
	cursor_bytes(&cursor, cursor_u32be(&cursor) - 4);
	for (int row = 0; row < 3; row++) {
		uint32_t length = row == 1 ? 10 : (uint32_t)PART_BYTES + 10;

		assert_int_equal(cursor_u8(&cursor), 'D');
		assert_int_equal(cursor_u32be(&cursor), length);
		assert_int_equal(cursor_u16be(&cursor), 1);
		assert_int_equal(cursor_u32be(&cursor), row == 1 ? UINT32_MAX : PART_BYTES);
		if (row != 1)
			assert_true(slice_equal(cursor_bytes(&cursor, PART_BYTES),
						buffer_slice(&value)));
	}
	assert_true(slice_equal(cursor_rest(&cursor), SLICE("C\0\0\0\015SELECT 3\0Z\0\0\0\005I")));
	buffer_release(&all);
	buffer_release(&value);
	buffer_release(&client.bytes);
	pg_replayer_free(replayer);
}

/* ---- what the session answers itself ---- */

static void test_housekeeping(void **state)
{
	static const struct {
		const char *sql, *answer;
	} statements[] = {
		{ "start transaction", "C START TRANSACTION~\nZ T\n" },
		{ "savepoint a", "C SAVEPOINT~\nZ T\n" },
		{ "release a", "C RELEASE~\nZ T\n" },
		{ "set constraints all deferred", "C SET CONSTRAINTS~\nZ T\n" },
		{ "end", "C COMMIT~\nZ I\n" },
		{ "begin; commit", "C BEGIN~\nC COMMIT~\nZ I\n" },
		{ "abort", "C ROLLBACK~\nZ I\n" },
		{ "set application_name = 'other'", "C SET~\nS application_name~other~\nZ I\n" },
		{ "set application_name = 'other'", "C SET~\nZ I\n" },
		{ "reset application_name", "C RESET~\nS application_name~me~\nZ I\n" },
		{ "begin; set application_name = 'x'; rollback",
		  "C BEGIN~\nC SET~\nC ROLLBACK~\nZ I\n" },
		{ "set timezone = 'cet'", "C SET~\nS TimeZone~CET~\nZ I\n" },
		{ "discard all", "C DISCARD ALL~\nS TimeZone~UTC~\nZ I\n" },
		{ "discard temp", "C DISCARD TEMP~\nZ I\n" },
		{ "discard sequences", "C DISCARD SEQUENCES~\nZ I\n" },
		{ "discard plans", "C DISCARD PLANS~\nZ I\n" },
		{ "deallocate all", "C DEALLOCATE ALL~\nZ I\n" },
		{ "close all", "C CLOSE CURSOR ALL~\nZ I\n" },
		{ "close c", "C CLOSE CURSOR~\nZ I\n" },
		{ "unlisten *", "C UNLISTEN~\nZ I\n" },
	};
	struct client client;
	struct buffer expected;
	struct fake fake;

	(void)state;
	client_init(&client);
	buffer_init(&expected, OUT_MAX);
	say_login(&client);
	for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
		say_query(&client, statements[i].sql);
		buffer_append_string(&expected, statements[i].answer);
	}
	buffer_append_u8(&expected, 0);
	expect(&fake, &client, (const char *)expected.data);
	buffer_release(&expected);
}

static void test_deallocate(void **state)
{
	struct client client;
	struct fake fake;

	(void)state;
	client_init(&client);
	say_login(&client);
	say_parse(&client, "s1", "do 'x'");
	say_parse(&client, "S\"2", "do 'x'");
	say_parse(&client, "s3", "do 'x'");
	say_sync(&client);
	say_query(&client, "deallocate s1; deallocate prepare \"S\"\"2\"");
	say_target(&client, 'D', "Ss1");
	say_sync(&client);
	say_target(&client, 'D', "SS\"2");
	say_sync(&client);
	say_target(&client, 'D', "Ss3");
	say_sync(&client);
	say_extended(&client, "deallocate all", 0);
	say_target(&client, 'D', "Ss3");
	say_sync(&client);
	expect(&fake, &client,
	       "1 \n1 \n1 \n" IDLE "C DEALLOCATE~\nC DEALLOCATE~\n" IDLE
	       "E SERROR~VERROR~C26000~Mprepared statement does not exist~~\n" IDLE
	       "E SERROR~VERROR~C26000~Mprepared statement does not exist~~\n" IDLE
	       "t ~~\nn \n" IDLE "1 \n2 \nC DEALLOCATE ALL~\nE SERROR~VERROR~C26000~Mprepared "
	       "statement does not exist~~\n" IDLE);
}

/* More reports in one batch than are kept: no message is cut. */
static void test_status_flood(void **state)
{
	struct client client;
	struct buffer text;
	struct fake fake;

	(void)state;
	client_init(&client);
	buffer_init(&text, OUT_MAX);
	say_login(&client);
	for (int i = 0; i < 40000; i++)
		say_extended(
			&client,
			i & 1 ? "set application_name = 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'" :
				"set timezone = 'cet'",
			0);
	say_sync(&client);
	converse(&fake, NULL, &client, SIZE_MAX, &text); /* render() checks the frames */
	assert_true(memmem(text.data, text.size, "S application_name~aaaa", 23) != NULL);
	buffer_release(&text);
	buffer_release(&client.bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_login),
		cmocka_unit_test(test_negotiation),
		cmocka_unit_test(test_refused_logins),
		cmocka_unit_test(test_simple),
		cmocka_unit_test(test_error_in_the_middle),
		cmocka_unit_test(test_merged),
		cmocka_unit_test(test_many_statements),
		cmocka_unit_test(test_extended),
		cmocka_unit_test(test_flush),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_replaced_statement),
		cmocka_unit_test(test_pipeline_with_error),
		cmocka_unit_test(test_empty_extended),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_misses),
		cmocka_unit_test(test_miss_in_transaction),
		cmocka_unit_test(test_row_limits),
		cmocka_unit_test(test_conversion),
		cmocka_unit_test(test_conversion_by_session),
		cmocka_unit_test(test_value_parts),
		cmocka_unit_test(test_housekeeping),
		cmocka_unit_test(test_deallocate),
		cmocka_unit_test(test_status_flood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
