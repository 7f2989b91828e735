/* SPDX-License-Identifier: Apache-2.0 */
/* A small recording in memory, found by canonical text and values; see sql_replay.h. */
#include "tests/unit/sql_replay.h"

#define ROWS_OF_CHUNK 2

/* ---- what is found ---- */

static void key_of(const struct request *request, struct buffer *key)
{
	buffer_append_slice(key, request->statement->canonical);
	for (size_t i = 0; i < request->statement->n_slots; i++) {
		if (request->statement->slots[i].file)
			continue;
		buffer_append_u8(key, '|');
		buffer_append_slice(key, request->values[i].null ? SLICE("null") :
								   request->values[i].text);
	}
}

static bool is_parse_error(const struct fake_entry *entry)
{
	return entry->kind == EXCHANGE_PARSE;
}

/* The data of an entry as a client would have sent it. */
static void digest_rows(const struct fake_entry *entry, struct copy_digest *digest)
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

static bool same_copy(const struct fake_entry *entry, const struct copy_identity *copy)
{
	struct copy_digest *digest = copy_digest_new(entry->binary);
	uint8_t own[COPY_DIGEST_BYTES];

	if (entry->content)
		copy_digest_add(digest, slice_from_string(entry->content));
	else
		digest_rows(entry, digest);
	copy_digest_get(digest, own);
	if (entry->failure)
		copy_digest_failed(slice_from_string(entry->failure), own);
	copy_digest_free(digest);
	return (entry->flags & EXCHANGE_COPY_IN) && copy->end == entry->copy_end &&
	       memcmp(own, copy->digest, COPY_DIGEST_BYTES) == 0;
}

/* Its place among the entries; behind them: there is none. */
static size_t look_up(const struct fake *fake, const struct request *request)
{
	bool (*equal)(struct slice a, struct slice b) =
		fake->fold ? slice_equal_nocase : slice_equal;
	struct buffer key;
	size_t i;

	buffer_init(&key, 4096);
	key_of(request, &key);
	for (i = 0; i < fake->n_entries; i++)
		if (equal(buffer_slice(&key), slice_from_string(fake->entries[i].key)) &&
		    (!request->copy || same_copy(&fake->entries[i], request->copy)))
			break;
	buffer_release(&key);
	return i;
}

static void say(const struct fake *fake, size_t i, struct answer *ret_answer)
{
	const struct fake_entry *entry = &fake->entries[i];

	*ret_answer = (struct answer){ .nearest = SLICE("select nearest"),
				       .difference = SLICE("value 1: recorded 5, asked 7") };
	if (i == fake->n_entries || is_parse_error(entry))
		return;
	if (fake->used[i] && strcmp(entry->key, "select once") == 0) {
		ret_answer->used_up = true;
		return;
	}
	ret_answer->rung = RUNG_EXACT;
	ret_answer->exchange = i + 1;
	ret_answer->kind = entry->kind ? entry->kind : EXCHANGE_SIMPLE;
	ret_answer->outcome = entry->error ? OUTCOME_ERROR : OUTCOME_OK;
	ret_answer->flags = entry->flags;
}

static bool fake_peek(void *context, const struct request *request, struct answer *ret_answer)
{
	say(context, look_up(context, request), ret_answer);
	return ret_answer->rung == RUNG_EXACT;
}

static void fake_find(void *context, const struct request *request, struct answer *ret_answer)
{
	struct fake *fake = context;
	size_t i = look_up(fake, request);

	say(fake, i, ret_answer);
	if (request->copy)
		ret_answer->difference = request->copy->difference;
	if (i < fake->n_entries)
		fake->used[i] = true;
	fake->found += ret_answer->rung == RUNG_EXACT;
}

static bool fake_parse_error(void *context, const struct request *request,
			     struct answer *ret_answer)
{
	const struct fake *fake = context;
	size_t i = look_up(fake, request);

	if (i == fake->n_entries || !is_parse_error(&fake->entries[i]))
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
	const struct fake *fake = context;

	say(fake, fake->n_entries, ret_miss);
	for (size_t i = 0; i < fake->n_entries; i++) {
		const struct fake_entry *entry = &fake->entries[i];
		struct slice key = slice_from_string(entry->key);

		if (!slice_starts_with(key, canonical) ||
		    (key.size > canonical.size && key.data[canonical.size] != '|'))
			continue;
		*ret_description = (struct answer_description){
			.same_shape = true,
			.slot_types = &entry->slot_type,
			.n_slots = 1,
			.has_columns = true,
			.columns = entry->columns,
			.warnings = entry->prepare_warnings,
		};
		return true;
	}
	return false;
}

static bool fake_is_merged(void *context, const struct request *request)
{
	const struct fake *fake = context;
	size_t i = look_up(fake, request);

	return i < fake->n_entries && (fake->entries[i].flags & EXCHANGE_MERGED);
}

/* ---- results ---- */

static const char *rows_of(const struct fake_entry *entry, uint32_t number)
{
	return number ? entry->second_rows : entry->rows;
}

uint32_t fake_count_rows(const struct fake_entry *entry, uint32_t number)
{
	const char *rows = rows_of(entry, number);
	uint32_t n = rows ? 1 : 0;

	for (const char *at = rows; at && *at; at++)
		n += *at == ',';
	return n;
}

void fake_result_rows(const struct fake_entry *entry, uint32_t number, struct answer_result *result)
{
	result->columns = entry->columns;
	result->chunks = (fake_count_rows(entry, number) + ROWS_OF_CHUNK - 1) / ROWS_OF_CHUNK;
}

void fake_result_events(struct fake *fake, const struct fake_entry *entry,
			struct answer_result *result)
{
	const char *equals = entry->change ? strchr(entry->change, '=') : NULL;
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
		fake->asides[n] = (struct answer_field){ slice_of(entry->change,
								  (size_t)(equals - entry->change)),
							 slice_from_string(equals + 1) };
		fake->events[n] = (struct answer_event){ true, &fake->asides[n], 1, 0 };
		n++;
	}
	result->events = fake->events;
	result->n_events = n;
}

static int fake_chunk(void *context, uint64_t exchange, uint32_t number, uint32_t chunk)
{
	struct fake *fake = context;

	fake->open = &fake->entries[exchange - 1];
	fake->number = number;
	fake->chunk = chunk;
	fake->row = 0;
	return 0;
}

static struct answer_value value_of(const struct fake *fake, const char *text)
{
	const char *end = strchr(text, ',');
	uint8_t kind = fake->open->value_kind ? fake->open->value_kind : ANSWER_TEXT;

	if (*text == '-')
		return (struct answer_value){ .kind = ANSWER_NULL };
	if (kind == ANSWER_PART_TEXT || kind == ANSWER_PART_RAW)
		return (struct answer_value){ .kind = kind, .part = 1, .size = fake->part_bytes };
	return (struct answer_value){
		.kind = kind, .bytes = slice_of(text, end ? (size_t)(end - text) : strlen(text))
	};
}

static int fake_next_row(void *context, const struct answer_value **ret_values, size_t *ret_n)
{
	struct fake *fake = context;
	const char *at = rows_of(fake->open, fake->number);
	uint32_t row = fake->chunk * ROWS_OF_CHUNK + fake->row;

	if (fake->row == ROWS_OF_CHUNK || row >= fake_count_rows(fake->open, fake->number))
		return 0;
	for (; row; row--)
		at = strchr(at, ',') + 1;
	fake->value = value_of(fake, at);
	fake->row++;
	*ret_values = &fake->value;
	*ret_n = 1;
	return 1;
}

static int fake_part(void *context, uint64_t exchange, uint64_t part, uint32_t sequence,
		     struct slice *ret_bytes)
{
	static uint8_t bytes[PIECE_BYTES];
	const struct fake *fake = context;
	uint64_t from = (uint64_t)sequence * PIECE_BYTES;
	uint64_t left = from < fake->part_bytes ? fake->part_bytes - from : 0;

	(void)exchange;
	(void)part;
	*ret_bytes = slice_of(bytes, left < PIECE_BYTES ? (size_t)left : PIECE_BYTES);
	for (size_t i = 0; i < ret_bytes->size; i++) /* each byte tells where it stands */
		bytes[i] = (uint8_t)('a' + (from + i) % 23);
	return left ? 1 : 0;
}

static bool fake_is_asked(void *context, const struct request *request, uint64_t exchange)
{
	return look_up(context, request) + 1 == exchange;
}

static int fake_copy(void *context, uint64_t exchange, struct answer_copy *ret_copy)
{
	const struct fake *fake = context;
	const struct fake_entry *entry = &fake->entries[exchange - 1];

	*ret_copy = (struct answer_copy){ .end = entry->copy_end };
	ret_copy->form.to_client = entry->flags & EXCHANGE_COPY_OUT;
	ret_copy->form.binary = entry->binary;
	ret_copy->form.columns = 1;
	return 1;
}

static const struct answer_aside *fake_aside(void *context, uint64_t exchange, size_t *at)
{
	const struct fake *fake = context;
	const struct answer_aside *said = &fake->entries[exchange - 1].said;

	return (said->channel.size || said->n_fields) && !(*at)++ ? said : NULL;
}

/* ---- the rest ---- */

static bool fake_login(void *context, const struct name_value *parameters, size_t n)
{
	(void)context;
	(void)parameters;
	(void)n;
	return true;
}

static uint32_t fake_backend(void *context, uint32_t own)
{
	const struct fake *fake = context;

	return fake->backend ? fake->backend : own;
}

static void fake_time_zone(void *context, struct slice name)
{
	(void)context;
	(void)name;
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

struct answers fake_answers(struct fake *fake, struct answer_cache *cache)
{
	assert_true(fake->n_entries <= FAKE_ENTRIES_MAX);
	return (struct answers){
		.context = fake,
		.cache = cache,
		.login = fake_login,
		.time_zone = fake_time_zone,
		.backend = fake_backend,
		.find = fake_find,
		.peek = fake_peek,
		.find_parse_error = fake_parse_error,
		.describe = fake_describe,
		.is_merged = fake_is_merged,
		.chunk = fake_chunk,
		.next_row = fake_next_row,
		.part = fake_part,
		.copy = fake_copy,
		.aside = fake_aside,
		.is_asked = fake_is_asked,
		.count_session = fake_count,
		.count_unservable = fake_unservable,
	};
}
