/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Explaining a miss (design §3.3, §3.4): what was recorded that is nearest, and what differs. It
 * never serves anything.
 *
 * The work of one miss is bounded: at most CANDIDATES exchanges of the same template, else at most
 * STATEMENTS templates, of which at most SHINGLE_BYTES are looked at.
 */
#include "store/database.h"
#include "store/matcher_state.h"
#include "store/parameters.h"

#include <stdlib.h>

#define CANDIDATES 200
#define STATEMENTS 3000
#define SHINGLE_BYTES ((size_t)2048)
#define LINE_BYTES ((size_t)300)
#define VALUE_BYTES ((size_t)60)
#define DIFFERENCES_MAX 3
/* Bits of a template's trigrams. */
#define SHINGLE_WORDS 32

struct shingles {
	uint64_t words[SHINGLE_WORDS];
};

void nearest_line(struct buffer *line, struct slice text, size_t max)
{
	size_t start = line->size;

	for (size_t i = 0; i < text.size; i++) {
		uint8_t byte = text.data[i];
		bool blank = byte <= ' ' || byte == 0x7f;

		if (line->size - start >= max && (byte & 0xc0) != 0x80) {
			buffer_append_slice(line, SLICE("..."));
			return;
		}
		if (!blank)
			buffer_append_u8(line, byte);
		else if (line->size > start && line->data[line->size - 1] != ' ')
			buffer_append_u8(line, ' ');
	}
}

static void say_value(struct buffer *out, const struct sql_value *value)
{
	if (value->null) {
		buffer_append_slice(out, SLICE("NULL"));
	} else if (value->bytes || !database_is_text(value->text)) {
		struct slice bytes = value->text;

		if (bytes.size > VALUE_BYTES / 2)
			bytes.size = VALUE_BYTES / 2;
		buffer_append_slice(out, SLICE("0x"));
		buffer_append_hex(out, bytes);
		if (bytes.size < value->text.size)
			buffer_append_slice(out, SLICE("..."));
	} else if (value->kind == SQL_NUMBER || value->kind == SQL_BOOLEAN) {
		nearest_line(out, value->text, VALUE_BYTES);
	} else {
		buffer_append_u8(out, '\'');
		nearest_line(out, value->text, VALUE_BYTES);
		buffer_append_u8(out, '\'');
	}
	if (value->kind == SQL_TYPED) {
		buffer_append_slice(out, SLICE("::"));
		nearest_line(out, value->type, VALUE_BYTES);
	}
}

static bool slot_differs(const struct sql_statement *statement, const struct sql_value *a,
			 const struct sql_value *b, size_t i)
{
	struct sql_statement one = *statement;

	one.slots = &statement->slots[i];
	one.n_slots = 1;
	return !sql_values_equal(&one, &a[i], &b[i]);
}

static size_t count_differences(const struct sql_statement *statement, const struct sql_value *a,
				const struct sql_value *b)
{
	size_t n = 0;

	for (size_t i = 0; i < statement->n_slots; i++)
		n += slot_differs(statement, a, b, i);
	return n;
}

/*
 * "parameter 2: recorded 5, asked 7"; a value that stands in the text is a value and no parameter.
 */
static void say_differences(struct buffer *out, const struct request *request,
			    const struct sql_value *recorded)
{
	const struct sql_statement *statement = request->statement;
	size_t said = 0;

	for (size_t i = 0; i < statement->n_slots; i++) {
		uint32_t placeholder = statement->slots[i].placeholder;

		if (!slot_differs(statement, recorded, request->values, i))
			continue;
		if (said++)
			buffer_append_slice(out, SLICE("; "));
		if (said > DIFFERENCES_MAX) {
			buffer_append_slice(out, SLICE("..."));
			return;
		}
		buffer_append_string(out, placeholder ? "parameter " : "value ");
		buffer_append_unsigned(out, placeholder ? placeholder : i + 1);
		buffer_append_slice(out, SLICE(": recorded "));
		say_value(out, &recorded[i]);
		buffer_append_slice(out, SLICE(", asked "));
		say_value(out, &request->values[i]);
	}
}

static void say_why_unservable(struct buffer *out, const struct stored_exchange *exchange)
{
	const char *why = "it is not stored whole";

	if (exchange->flags & EXCHANGE_CUT) /* whatever else it is */
		why = "the connection ended before its answer did";
	else if (exchange->flags & EXCHANGE_COPY)
		why = "its COPY data was not stored by this version";
	else if (exchange->flags & EXCHANGE_REQUEST_TOO_LARGE)
		why = "its request was too large to be stored";
	else if (exchange->flags & EXCHANGE_NOT_DECODED)
		why = "its answer could not be decoded";
	else if (exchange->flags & EXCHANGE_ABORTED)
		why = "it was refused since its transaction had failed before";
	else if (exchange->outcome == OUTCOME_UNFINISHED)
		why = "its answer had not ended when recording did";
	buffer_append_slice(out, SLICE("recorded, but "));
	buffer_append_string(out, why);
}

/* The same request, recorded in a way that cannot be served. */
static bool explain_unservable(struct answers_state *state, const struct request *request)
{
	uint64_t hash = sql_exact_hash(&request->context, request->statement, request->values);
	struct index_group group = index_find(&state->matcher->index,
					      matcher_key(hash, state->place, MATCH_UNSERVABLE));
	struct stored_exchange exchange;

	buffer_clear(&state->json);
	parameters_json(request->values, request->statement->n_slots, &state->json);
	for (size_t i = 0; i < group.n && i < CANDIDATES; i++) {
		int64_t id = index_exchange(&group, i);

		if (find_compare(state, request, id) == MATCH_NO ||
		    reader_exchange(state->reader, id, &exchange) <= 0)
			continue;
		say_why_unservable(&state->difference, &exchange);
		return true;
	}
	return false;
}

/* The exchange that `sql` stands on, if it differs less than `best` does. */
static void consider(struct answers_state *state, const struct request *request, int64_t id,
		     size_t *best)
{
	struct stored_exchange exchange;
	struct sql_statement statement;
	struct sql_context context;
	struct sql_value *values;
	struct arena arena;
	size_t n;

	arena_init(&arena);
	if (reader_exchange(state->reader, id, &exchange) > 0 &&
	    reader_identity(state->reader, &exchange, &arena, &context, &statement, &values) > 0 &&
	    statement.n_slots == request->statement->n_slots) {
		matcher_resolve(state->matcher, state->reader, id, values, statement.n_slots,
				&arena);
		n = count_differences(request->statement, values, request->values);
		if (n && n < *best) {
			*best = n;
			buffer_clear(&state->difference);
			say_differences(&state->difference, request, values);
		}
	}
	arena_release(&arena);
}

/* The recorded exchange of this statement whose values differ least. */
static void explain_values(struct answers_state *state, const struct request *request,
			   int64_t statement)
{
	sqlite3_stmt *sql = NULL;
	size_t best = SIZE_MAX;

	if (sqlite3_prepare_v2(reader_database(state->reader),
			       "SELECT id FROM exchange WHERE statement = ?1 LIMIT ?2", -1, &sql,
			       NULL) != SQLITE_OK)
		return;
	sqlite3_bind_int64(sql, 1, statement);
	sqlite3_bind_int64(sql, 2, CANDIDATES);
	while (best > 1 && sqlite3_step(sql) == SQLITE_ROW)
		consider(state, request, sqlite3_column_int64(sql, 0), &best);
	sqlite3_finalize(sql);
	if (best != SIZE_MAX)
		return;
	buffer_append_string(&state->difference,
			     request->statement->n_slots ?
				     "it was recorded, but not with these values" :
				     "it was recorded for another server, or only prepared");
}

static bool explain_same_template(struct answers_state *state, const struct request *request)
{
	uint64_t hash = sql_template_hash(&request->context, request->statement->canonical);
	const struct stored_statement *stored;
	const struct template_entry *entry;

	if (!matcher_templates(state->matcher, hash, &entry) ||
	    reader_statement(state->reader, entry->statement, &stored) <= 0)
		return false;
	nearest_line(&state->nearest, stored->text, LINE_BYTES);
	if (request->declared_types) /* described: its values are yet to come */
		buffer_append_string(&state->difference,
				     "it was recorded, but not with these types of its values");
	else
		explain_values(state, request, entry->statement);
	return true;
}

static void make_shingles(struct slice text, struct shingles *ret_shingles)
{
	size_t size = text.size < SHINGLE_BYTES ? text.size : SHINGLE_BYTES;

	*ret_shingles = (struct shingles){ 0 };
	for (size_t i = 0; i + 3 <= size; i++) {
		uint32_t trigram = (uint32_t)text.data[i] << 16 | (uint32_t)text.data[i + 1] << 8 |
				   text.data[i + 2];
		uint32_t bit = trigram * 0x9e3779b1u >> (32 - 11);

		ret_shingles->words[bit / 64] |= (uint64_t)1 << bit % 64;
	}
}

/* How much of both is common, in thousandths. */
static unsigned int similarity(const struct shingles *a, const struct shingles *b)
{
	unsigned int both = 0;
	unsigned int either = 0;

	for (size_t i = 0; i < SHINGLE_WORDS; i++) {
		both += (unsigned int)__builtin_popcountll(a->words[i] & b->words[i]);
		either += (unsigned int)__builtin_popcountll(a->words[i] | b->words[i]);
	}
	return either ? 1000 * both / either : 0;
}

/* Of the statements, the one whose template is most like the request's; 0: there are none. */
static int64_t most_similar(struct answers_state *state, const struct request *request)
{
	sqlite3_stmt *sql = NULL;
	struct shingles asked;
	int64_t nearest = 0;
	unsigned int best = 0;

	if (sqlite3_prepare_v2(reader_database(state->reader),
			       "SELECT id, canonical FROM statement LIMIT ?1", -1, &sql,
			       NULL) != SQLITE_OK)
		return 0;
	make_shingles(request->statement->canonical, &asked);
	sqlite3_bind_int64(sql, 1, STATEMENTS);
	while (best < 1001 && sqlite3_step(sql) == SQLITE_ROW) {
		struct slice canonical = database_column(sql, 1);
		unsigned int score = 1001;
		struct shingles shingles;

		if (!slice_equal(canonical, request->statement->canonical)) {
			make_shingles(canonical, &shingles);
			score = similarity(&asked, &shingles);
		}
		if (score > best || !nearest) {
			best = score;
			nearest = sqlite3_column_int64(sql, 0);
		}
	}
	sqlite3_finalize(sql);
	return nearest;
}

static void say_setting(struct buffer *out, const char *name, struct slice recorded,
			struct slice asked)
{
	if (slice_equal(recorded, asked))
		return;
	if (out->size)
		buffer_append_slice(out, SLICE("; "));
	buffer_append_string(out, name);
	buffer_append_slice(out, SLICE(": recorded "));
	nearest_line(out, recorded.data ? recorded : SLICE("(not set)"), VALUE_BYTES);
	buffer_append_slice(out, SLICE(", asked "));
	nearest_line(out, asked.data ? asked : SLICE("(not set)"), VALUE_BYTES);
}

/* Where the two templates part. */
static void say_text_difference(struct buffer *out, struct slice recorded, struct slice asked)
{
	size_t i = 0;

	while (i < recorded.size && i < asked.size && recorded.data[i] == asked.data[i])
		i++;
	while (i && recorded.data[i - 1] != ' ') /* from the start of the word */
		i--;
	buffer_append_slice(out, SLICE("the statement differs: recorded \""));
	nearest_line(out, slice_of(recorded.data + i, recorded.size - i), VALUE_BYTES);
	buffer_append_slice(out, SLICE("\", asked \""));
	nearest_line(out, slice_of(asked.data + i, asked.size - i), VALUE_BYTES);
	buffer_append_u8(out, '"');
}

static void explain_similar(struct answers_state *state, const struct request *request)
{
	const struct sql_context *asked = &request->context;
	int64_t statement = most_similar(state, request);
	const struct stored_statement *stored;

	if (!statement || reader_statement(state->reader, statement, &stored) <= 0)
		return;
	nearest_line(&state->nearest, stored->text, LINE_BYTES);
	if (!slice_equal(stored->canonical, request->statement->canonical)) {
		say_text_difference(&state->difference, stored->canonical,
				    request->statement->canonical);
		return;
	}
	say_setting(&state->difference, "database", stored->context.database, asked->database);
	say_setting(&state->difference, "search_path", stored->context.search_path,
		    asked->search_path);
	say_setting(&state->difference, "role", stored->context.role, asked->role);
}

void nearest_explain(struct answers_state *state, const struct request *request)
{
	buffer_clear(&state->nearest);
	buffer_clear(&state->difference);
	if (request->copy) { /* the statement was recorded, and not with this data */
		nearest_line(&state->nearest,
			     sql_mask(request->statement, request->text, &state->arena),
			     LINE_BYTES);
		nearest_line(&state->difference, request->copy->difference, 2 * LINE_BYTES);
		return;
	}
	if (explain_unservable(state, request)) {
		nearest_line(&state->nearest,
			     sql_mask(request->statement, request->text, &state->arena),
			     LINE_BYTES);
		return;
	}
	if (!explain_same_template(state, request))
		explain_similar(state, request);
}

static char *string_of(struct slice text)
{
	char *string = malloc(text.size + 1);

	if (!string)
		abort();
	if (text.size)
		memcpy(string, text.data, text.size);
	string[text.size] = '\0';
	return string;
}

/* Under the mutex. */
static struct miss *find_miss(struct matcher *matcher, struct slice asked)
{
	for (size_t i = 0; i < matcher->n_misses; i++)
		if (slice_equal(slice_from_string(matcher->misses[i].seen.asked), asked))
			return &matcher->misses[i];
	return NULL;
}

void nearest_remember(struct answers_state *state, struct slice asked)
{
	struct matcher *matcher = state->matcher;
	struct buffer line;
	struct miss *miss;

	buffer_init(&line, 4096);
	nearest_line(&line, asked, LINE_BYTES);
	pthread_mutex_lock(&matcher->misses_mutex);
	miss = find_miss(matcher, buffer_slice(&line));
	if (miss) {
		miss->seen.count++;
	} else if (matcher->n_misses < MISSES_MAX) {
		miss = &matcher->misses[matcher->n_misses++];
		miss->seen.count = 1;
		miss->seen.asked = string_of(buffer_slice(&line));
		miss->seen.nearest = string_of(buffer_slice(&state->nearest));
		miss->seen.difference = string_of(buffer_slice(&state->difference));
	}
	pthread_mutex_unlock(&matcher->misses_mutex);
	buffer_release(&line);
}

void nearest_remember_sql(struct answers_state *state, const struct request *request)
{
	nearest_remember(state, sql_mask(request->statement, request->text, &state->arena));
}
