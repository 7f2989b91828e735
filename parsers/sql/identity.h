/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Identity of a SQL request: context + canonical template + the values in its slots (design §7).
 *
 * The recorder's writer and the replayer both come here, so that they cannot disagree. Values are those of
 * the slots in order: a literal's own, or the bound parameter's for a placeholder.
 *
 * Values are stored as a JSON array, one element for each slot: a string for SQL_STRING, a number (as
 * written, with all its digits) for SQL_NUMBER, true/false for SQL_BOOLEAN, null for null, {"<type>": "text"} for
 * SQL_TYPED, {"hex": "00ff"} for bytes without a text form ({"<type>": {"hex": ...}} when typed), {"part": n} for a
 * value that the store keeps apart, {"number": "..."} for a number that is no JSON number (NaN), and
 * {"<type>": null} for a null of a stated type. A type that is called hex, part, number or boolean
 * is written with SQL's quotes around it.
 */
#ifndef MOCKPROXY_SQL_IDENTITY_H
#define MOCKPROXY_SQL_IDENTITY_H

#include "parsers/buffer.h"
#include "parsers/sql/canonical.h"

/* Where a statement means what it means: as set by requests (startup parameters, SET), not by the server. */
struct sql_context {
	struct slice database;
	struct slice search_path;
	struct slice role;
};

/*
 * The value of each slot. `bound` are the placeholders' values, $1 first; a slot whose placeholder has none is
 * null. A cast on a placeholder is its stated type. `ret_values` has room for statement->n_slots.
 */
void sql_slot_values(const struct sql_statement *statement, const struct sql_value *bound,
		     size_t n_bound, struct sql_value *ret_values);

/* Hash of context, template and values; kinds count where a slot is not compared. Never 0. */
uint64_t sql_exact_hash(const struct sql_context *context, const struct sql_statement *statement,
			const struct sql_value *values);

/*
 * The same over values normalised by their shape, types unknown: decimals ("1.0" is "1.00"), instants
 * ("2020-01-01 00:00:00+00" is "2020-01-01T01:00:00+01"), uuids in any case, JSON. Never 0.
 */
uint64_t sql_loose_hash(const struct sql_context *context, const struct sql_statement *statement,
			const struct sql_value *values);

/* Hash of context and template alone: finds the statement whatever the values. Never 0. */
uint64_t sql_template_hash(const struct sql_context *context, struct slice canonical);

/* Both hashes, of whoever knows the hash of context and template already. */
uint64_t sql_exact_hash_from(uint64_t template_hash, const struct sql_statement *statement,
			     const struct sql_value *values);
uint64_t sql_loose_hash_from(uint64_t template_hash, const struct sql_statement *statement,
			     const struct sql_value *values);

/* The JSON array described above; strings that are not UTF-8 or hold NUL become {"hex": ...}. */
void sql_values_json(const struct sql_value *values, size_t n_values, struct buffer *json);

/*
 * Values back from their JSON array, as a person may have edited it: 0, or -EINVAL when it is none that
 * sql_values_json() could have meant. {"part": n} is -ENOTSUP: the store resolves parts before. Results lie in
 * the arena. Depth and size are bounded by the input.
 */
int sql_values_parse(struct slice json, struct arena *arena, struct sql_value **ret_values,
		     size_t *ret_n);

/* Are these the same request, given that context and template are? Kinds count where a slot is not compared. */
bool sql_values_equal(const struct sql_statement *statement, const struct sql_value *a,
		      const struct sql_value *b);

/* And of the same kind in every slot: such a candidate wins. */
bool sql_kinds_equal(const struct sql_value *a, const struct sql_value *b, size_t n);

#endif
