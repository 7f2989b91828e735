/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decode: the JSON of a recording back into what it means; the other way of encode.h. People edit
 * it: what is no JSON, or another thing than was expected, is -EBADMSG and never more. Pure
 * functions; results lie in the arena or borrow.
 */
#ifndef MOCKPROXY_DECODE_H
#define MOCKPROXY_DECODE_H

#include "parsers/answers.h"
#include "parsers/compiler.h"
#include "parsers/json.h"
#include "parsers/protocol.h"

/*
 * Names and values of an object: values are strings, {"hex": ...}, or numbers as they are written.
 */
MUST_CHECK int decode_fields(struct slice json, struct arena *arena,
			     const struct answer_field **ret_fields, size_t *ret_n);
/* [["name", "value"], ...], at most `max` of them. */
MUST_CHECK int decode_pairs(struct slice json, struct arena *arena, size_t max,
			    const struct name_value **ret_pairs, size_t *ret_n);
MUST_CHECK int decode_events(struct slice json, struct arena *arena,
			     const struct answer_event **ret_events, size_t *ret_n);
/* The event of an aside, but for when it is said. */
MUST_CHECK int decode_aside(struct slice json, struct arena *arena, struct answer_aside *ret_aside);
MUST_CHECK int decode_columns(struct slice json, struct arena *arena,
			      struct answer_columns **ret_columns);
/* An array of numbers, at most `max`. */
MUST_CHECK int decode_numbers(struct slice json, struct arena *arena, size_t max,
			      const uint32_t **ret_numbers, size_t *ret_n);

/* Rows of a chunk, one after the other. */
struct rows_decoder {
	struct json_reader json;
	bool failed;
};
MUST_CHECK int rows_decoder_init(struct rows_decoder *rows, struct slice json);
/* 1: a row of *ret_n values, at most `max`; 0: no more; -EBADMSG. */
MUST_CHECK int rows_decoder_next(struct rows_decoder *rows, struct arena *arena,
				 struct answer_value *values, size_t max, size_t *ret_n);

#endif
