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

#endif
