/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encode: what the protocol said, as the JSON that a recording holds (design §3.8, §9). Pure
 * functions.
 *
 * A value is a JSON string only when encoding that text again gives the identical bytes; otherwise
 * {"hex": ...}.
 */
#ifndef MOCKPROXY_ENCODE_H
#define MOCKPROXY_ENCODE_H

#include "parsers/compiler.h"
#include "parsers/cursor.h"
#include "parsers/protocol.h"

/* What is needed of a row description to read rows. */
struct row_format {
	int64_t id;		   /* of the description in the recording */
	struct type_places places; /* what its rows tell of types */
	size_t n;
	struct row_format_column {
		uint32_t type;
		uint16_t form; /* enum parameter_form */
	} columns[];
};

size_t row_format_bytes(size_t n);

/* A string, or {"hex": "..."} when it is not text. */
void encode_text(struct buffer *json, struct slice text);
/* The description of a result: JSON array of objects. */
void encode_columns(struct buffer *json, const struct protocol *protocol,
		    const struct column *columns, size_t n);
/* An object of names and values in their order. */
void encode_object(struct buffer *json, const struct name_value *pairs, size_t n);
/* The fields of an error or a notice: an object. What cannot be read is {"raw": {"hex": ...}}. */
void encode_message(struct buffer *json, const struct protocol *protocol, struct slice raw);

/* What is needed to read values of one protocol, as one database has its types. */
struct encode_values {
	const struct protocol *protocol;
	struct type_scope scope;
};

/*
 * The next row of PIECE_ROWS' bytes as a JSON array. `format` may be NULL: nothing is known of the
 * columns. `scratch` is any buffer; its content is lost. 0, or -EINVAL when the bytes are no row;
 * then nothing was appended.
 */
MUST_CHECK int encode_row(struct buffer *json, struct buffer *scratch,
			  const struct encode_values *values, const struct row_format *format,
			  struct cursor *rows);

#endif
