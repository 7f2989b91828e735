/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PostgreSQL values: the binary form of a type to its text form and back.
 *
 * The text is what the server's output function gives with DateStyle ISO, IntervalStyle postgres, TimeZone UTC,
 * bytea_output hex and extra_float_digits 1. Both directions are strict: what is not well-formed is -EINVAL and
 * what has no conversion here is -ENOTSUP, never a wrong value. pg_value_to_text() itself proves that the text gives
 * the identical bytes back; where it does not, it is -EINVAL.
 *
 * Sources: the send and recv functions of PostgreSQL's documentation, chapter 55 and catalog pg_type.
 */
#ifndef MOCKPROXY_POSTGRES_VALUES_H
#define MOCKPROXY_POSTGRES_VALUES_H

#include "parsers/buffer.h"
#include "parsers/compiler.h"
#include "parsers/slice.h"
#include "parsers/sql/canonical.h"
#include "parsers/types.h"

/* Types from here on are not built in: databases make them. */
#define PG_FIRST_OWN_TYPE 16384

/* Canonical name of a built-in type ("int4", "timestamptz", "int4[]"), or an empty slice. */
struct slice pg_type_name(uint32_t type);
/* OID of a built-in type by that name, also by SQL's other names for it ("integer", "character varying"); 0: none. */
uint32_t pg_type_by_name(struct slice name);
/* The kind that a value of this type has where kinds count. */
enum sql_kind pg_type_kind(uint32_t type);

/* Can values of this type go both ways? Types whose binary form is their text (text, json, xml, ...) can. */
bool pg_type_convertible(uint32_t type);

/*
 * Appends to `text` / `bytes`; on error nothing was appended. -EMSGSIZE: the buffer's maximum was reached, and it is
 * `overflowed`. Texts can be much longer than the bytes (numeric, bit): the maximum bounds them.
 */
MUST_CHECK int pg_value_to_text(uint32_t type, struct slice bytes, struct buffer *text);
MUST_CHECK int pg_value_to_binary(uint32_t type, struct slice text, struct buffer *bytes);

/*
 * The same with what is known of types that are not built in: enums, domains, composites, arrays, ranges and multiranges of
 * any of them, and by their name citext, hstore, vector, halfvec and sparsevec.
 */
MUST_CHECK int pg_value_to_text_in(const struct type_scope *scope, uint32_t type,
				   struct slice bytes, struct buffer *text);
MUST_CHECK int pg_value_to_binary_in(const struct type_scope *scope, uint32_t type,
				     struct slice text, struct buffer *bytes);
/* Of a domain over a number or a boolean that of what it is over; else of one's own type a string. */
enum sql_kind pg_type_kind_in(const struct type_scope *scope, uint32_t type);
/* Also the name of a type that is known; else an empty slice. Valid as long as what is known. */
struct slice pg_type_name_in(const struct type_scope *scope, uint32_t type);
/* Are both forms the same bytes? */
bool pg_type_same_forms(const struct type_scope *scope, uint32_t type);
/* Does the text of its values depend on the session's TimeZone? Of what is not known: yes. */
bool pg_type_has_time_zone(const struct type_scope *scope, uint32_t type);

#endif
