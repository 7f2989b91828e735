/* SPDX-License-Identifier: Apache-2.0 */
/* A small recording in memory, found by canonical text and values; see pg_replay.h. */
#include "tests/unit/pg_replay.h"

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h> /* needs those above */
/* clang-format on */

#define ROWS_OF_CHUNK 2

/* ---- the recording ---- */

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

struct entry {
	const char *key; /* the canonical text, and |value for each slot */
	const struct answer_columns *columns;
	const char *rows; /* of one column, separated by commas; a - is null */
	const char *tag;
	const char *error; /* SQLSTATE */
	const char *severity;
	const char *
		notice; /* with one digit for its place in front, and more of them behind commas; 9 is the last */
	const char *status; /* NAME=VALUE */
	const char *second; /* tag of a second result */
	uint8_t kind;	    /* of the exchange; 0: EXCHANGE_SIMPLE */
	uint8_t value_kind; /* 0: ANSWER_TEXT */
	uint32_t flags;
	uint32_t slot_type;
	bool raw;	  /* values are bytes of the recorded form */
	bool binary;	  /* COPY data; its direction is in the flags */
	uint8_t copy_end; /* enum copy_end; its text is `failure` */
	const char *failure;
	struct answer_aside said; /* behind it; without channel and fields: nothing */
};

#define TAKES(with_rows, ends) .flags = EXCHANGE_COPY_IN, .rows = (with_rows), .copy_end = (ends)

static const struct answer_field killed[] = {
	{ SLICE("severity"), SLICE("FATAL") },
	{ SLICE("code"), SLICE("57P01") },
};
static const struct answer_field reloaded[] = { { SLICE("work_mem"), SLICE("1MB") } };

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
	{ .key = "do ?|x", .tag = "DO", .notice = "0of do" },
	{ .key = "select noisy",
	  .columns = &int_text.head,
	  .rows = "1,2,3",
	  .tag = "SELECT 3",
	  .notice = "0plan,1first,3of two,4last,4more,9behind" },
	{ .key = "set timezone = ?|cet", .tag = "SET", .status = "TimeZone=CET" },
	{ .key = "show standby",
	  .tag = "SHOW",
	  .status = "in_hot_standby="
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
	{ .key = "select reloaded",
	  .tag = "SELECT 0",
	  .said = { .type = ASIDE_STATUS, .fields = reloaded, .n_fields = 1, .delay_ns = 5 } },
};

#define N_ENTRIES (sizeof(recording) / sizeof(recording[0]))
_Static_assert(N_ENTRIES <= FAKE_ENTRIES_MAX, "struct fake has room for each");

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

/* The data of an entry as a client would have sent it. */
static void digest_rows(const struct entry *entry, struct copy_digest *digest)
{
	for (const char *at = entry->rows; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
		const char *end = strchr(at, ',');
		size_t size = end ? (size_t)(end - at) : strlen(at);
		uint8_t head[6] = { 0, 1, 0, 0, 0, (uint8_t)size };

		if (entry->binary && *at == '-') {
			memset(head + 2, 0xff, 4);
			size = 0;
		}
		if (entry->binary)
			copy_digest_add(digest, slice_of(head, sizeof(head)));
		copy_digest_add(digest, slice_of(at, size));
	}
}

static bool same_copy(const struct entry *entry, const struct copy_identity *copy)
{
	struct copy_digest *digest = copy_digest_new(entry->binary);
	uint8_t own[COPY_DIGEST_BYTES];

	digest_rows(entry, digest);
	copy_digest_get(digest, own);
	if (entry->failure)
		copy_digest_failed(slice_from_string(entry->failure), own);
	copy_digest_free(digest);
	return (entry->flags & EXCHANGE_COPY_IN) && copy->end == entry->copy_end &&
	       memcmp(own, copy->digest, COPY_DIGEST_BYTES) == 0;
}

static size_t look_up(const struct request *request)
{
	struct buffer key;
	size_t i;

	buffer_init(&key, 4096);
	key_of(request, &key);
	for (i = 0; i < N_ENTRIES; i++)
		if (slice_equal(buffer_slice(&key), slice_from_string(recording[i].key)) &&
		    (!request->copy || same_copy(&recording[i], request->copy)))
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
	if (request->copy)
		ret_answer->difference = request->copy->difference;
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
	size_t n = 0;

	for (const char *at = entry->notice; at; n++) {
		const char *end = strchr(at, ',');

		fake->asides[n] = (struct answer_field){
			SLICE("message"),
			slice_of(at + 1, end ? (size_t)(end - at - 1) : strlen(at + 1))
		};
		fake->events[n] = (struct answer_event){ false, &fake->asides[n], 1,
							 *at == '9' ? ANSWER_EVENT_LAST :
								      (uint64_t)(*at - '0') };
		at = end ? end + 1 : NULL;
	}
	if (equals) {
		fake->asides[n] = (struct answer_field){ slice_of(entry->status,
								  (size_t)(equals - entry->status)),
							 slice_from_string(equals + 1) };
		fake->events[n] = (struct answer_event){ true, &fake->asides[n], 1, 0 };
		n++;
	}
	result->events = fake->events;
	result->n_events = n;
}

static int fake_result(void *context, uint64_t exchange, uint32_t number,
		       struct answer_result *ret_result)
{
	const struct entry *entry = &recording[exchange - 1];

	*ret_result = (struct answer_result){ 0 };
	if (number == 1 && entry->second) {
		ret_result->completion.tag = slice_from_string(entry->second);
		return 1;
	}
	if (number)
		return 0;
	ret_result->columns = entry->columns;
	ret_result->chunks = (count_rows(entry) + ROWS_OF_CHUNK - 1) / ROWS_OF_CHUNK;
	if (!entry->tag && !entry->error && !entry->columns)
		return 0;
	if (entry->tag)
		ret_result->completion.tag = slice_from_string(entry->tag);
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

static const struct answer_aside *fake_aside(void *context, uint64_t exchange, size_t *at)
{
	const struct answer_aside *said = &recording[exchange - 1].said;

	(void)context;
	return (said->channel.size || said->n_fields) && !(*at)++ ? said : NULL;
}

static void fake_login(void *context, const struct name_value *parameters, size_t n)
{
	(void)context;
	(void)parameters;
	(void)n;
}

static int fake_copy(void *context, uint64_t exchange, struct answer_copy *ret_copy)
{
	const struct entry *entry = &recording[exchange - 1];

	(void)context;
	*ret_copy = (struct answer_copy){ .end = entry->copy_end };
	ret_copy->form.to_client = entry->flags & EXCHANGE_COPY_OUT;
	ret_copy->form.binary = entry->binary;
	ret_copy->form.columns = 1;
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

struct answers answers_of(struct fake *fake, struct answer_cache *cache)
{
	return (struct answers){
		.context = fake,
		.cache = cache,
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
}
