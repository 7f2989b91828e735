/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Identity: hashes and comparison of requests; see identity.h and design §7.
 *
 * Each part is hashed with the hash of what comes before it as the seed. XXH3 takes a part's length
 * in, so no two sequences of parts are one. Hashes and comparison ask the same two questions of a
 * value: its identity type (which counts always where the slot is not compared, and else only where
 * it changes the text) and its text.
 */
#include "parsers/sql/identity.h"

#include "parsers/json.h"
#include "parsers/sql/loose.h"
#include "parsers/sql/value.h"

#include <xxhash.h>

/*
 * MySQL's strings are bytes in some character set or in none. Stored are those that are no text as bytes; so are they
 * here, that a value that was read back is the value that was written.
 */
static void see_bytes(const struct sql_statement *statement, struct sql_value *value)
{
	if (statement->dialect != SQL_MYSQL || value->null || !value->text.size)
		return;
	value->bytes = !utf8_valid(value->text) || memchr(value->text.data, 0, value->text.size);
}

void sql_slot_values(const struct sql_statement *statement, const struct sql_value *bound,
		     size_t n_bound, struct sql_value *ret_values)
{
	for (size_t i = 0; i < statement->n_slots; i++) {
		const struct sql_slot *slot = &statement->slots[i];
		struct sql_value *value = &ret_values[i];

		if (!slot->placeholder) {
			*value = slot->literal;
			see_bytes(statement, value);
			continue;
		}
		if (slot->placeholder <= n_bound)
			*value = bound[slot->placeholder - 1];
		else
			*value = (struct sql_value){ .kind = SQL_STRING, .null = true };
		if (slot->cast.size) {
			value->kind = SQL_TYPED;
			value->type = slot->cast;
		}
		sql_value_normalise(value);
		see_bytes(statement, value);
	}
}

static uint64_t hash_slice(struct slice text, uint64_t seed)
{
	return XXH3_64bits_withSeed(text.size ? (const void *)text.data : "", text.size, seed);
}

static uint64_t not_zero(uint64_t hash)
{
	return hash ? hash : 1;
}

uint64_t sql_template_hash(const struct sql_context *context, struct slice canonical)
{
	uint64_t hash = hash_slice(context->database, SQL_CANONICAL_VERSION);

	hash = hash_slice(context->search_path, hash);
	hash = hash_slice(context->role, hash);
	return not_zero(hash_slice(canonical, hash));
}

/* Flags of a value's head, hashed before its type and text. */
enum head {
	HEAD_NULL = 1,
	HEAD_BYTES = 2,
	HEAD_COMPARED = 4,
	HEAD_KIND = 8 /* times enum sql_kind */
};

/* What of the type is identity: of a null only what was stated, since there is no text whose kind
 * could matter. */
static struct slice identity_type(const struct sql_value *value, bool compared)
{
	if (compared)
		return sql_value_compared_type(value);
	return value->kind == SQL_TYPED ? value->type : slice_of(NULL, 0);
}

static uint64_t identity_head(const struct sql_value *value, bool compared)
{
	uint64_t head =
		(value->null ? HEAD_NULL : 0) | (value->bytes && !value->null ? HEAD_BYTES : 0);

	if (compared)
		return head | HEAD_COMPARED;
	if (value->null)
		return head | (value->kind == SQL_TYPED ? (uint64_t)HEAD_KIND * SQL_TYPED : 0);
	return head | (uint64_t)HEAD_KIND * value->kind;
}

static uint64_t hash_head(uint64_t head, struct slice type, uint64_t hash)
{
	hash ^= (head + 1) * UINT64_C(0x9e3779b97f4a7c15);
	return type.size ? hash_slice(type, hash) : hash;
}

uint64_t sql_exact_hash_from(uint64_t template_hash, const struct sql_statement *statement,
			     const struct sql_value *values)
{
	uint64_t hash = template_hash;

	for (size_t i = 0; i < statement->n_slots; i++) {
		const struct sql_value *value = &values[i];
		bool compared = statement->slots[i].compared;

		if (statement->slots[i].file)
			continue;
		hash = hash_head(identity_head(value, compared), identity_type(value, compared),
				 hash);
		hash = hash_slice(value->null ? slice_of(NULL, 0) : value->text, hash);
	}
	return not_zero(hash);
}

uint64_t sql_loose_hash_from(uint64_t template_hash, const struct sql_statement *statement,
			     const struct sql_value *values)
{
	uint64_t hash = template_hash;

	for (size_t i = 0; i < statement->n_slots; i++) {
		const struct sql_value *value = &values[i];
		bool compared = statement->slots[i].compared;
		uint64_t head = identity_head(value, compared);
		bool shaped = false;
		uint64_t text = 1;

		if (statement->slots[i].file)
			continue;
		if (!value->null && !value->bytes)
			text = sql_loose_text_hash((enum sql_dialect)statement->dialect,
						   value->text, &shaped);
		else if (!value->null)
			text = hash_slice(value->text, 0);
		/* A shape says more of a compared value than the type that was stated. */
		hash = hash_head(head,
				 compared && shaped ? slice_of(NULL, 0) :
						      identity_type(value, compared),
				 hash);
		hash = XXH3_64bits_withSeed(&text, sizeof(text), hash);
	}
	return not_zero(hash);
}

uint64_t sql_exact_hash(const struct sql_context *context, const struct sql_statement *statement,
			const struct sql_value *values)
{
	return sql_exact_hash_from(sql_template_hash(context, statement->canonical), statement,
				   values);
}

uint64_t sql_loose_hash(const struct sql_context *context, const struct sql_statement *statement,
			const struct sql_value *values)
{
	return sql_loose_hash_from(sql_template_hash(context, statement->canonical), statement,
				   values);
}

bool sql_values_equal(const struct sql_statement *statement, const struct sql_value *a,
		      const struct sql_value *b)
{
	for (size_t i = 0; i < statement->n_slots; i++) {
		bool compared = statement->slots[i].compared;

		if (statement->slots[i].file)
			continue;
		if (identity_head(&a[i], compared) != identity_head(&b[i], compared) ||
		    !slice_equal(identity_type(&a[i], compared), identity_type(&b[i], compared)) ||
		    (!a[i].null && !slice_equal(a[i].text, b[i].text)))
			return false;
	}
	return true;
}

bool sql_kinds_equal(const struct sql_value *a, const struct sql_value *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (a[i].null && b[i].null && a[i].kind != SQL_TYPED && b[i].kind != SQL_TYPED)
			continue;
		if (a[i].kind != b[i].kind ||
		    (a[i].kind == SQL_TYPED && !slice_equal(a[i].type, b[i].type)))
			return false;
	}
	return true;
}
