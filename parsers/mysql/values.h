/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MySQL values: the binary form of a type to one canonical text and back, and either of them to what a column has in the
 * text protocol and in the binary one.
 *
 * The canonical text of a binary value is what the text protocol writes where the column has no say: integers without
 * zeros in front, dates with no fraction or six digits of it, floats in the fewest digits that read back as the same
 * number. Both directions are strict: what is not well-formed is -EINVAL and what cannot be known exactly is -ENOTSUP,
 * never a wrong byte. my_type_name(), my_type_kind(), my_value_to_text() and my_value_show() are declared in wire.h.
 *
 * Binary values are without the length that stands before them on the wire; see my_type_size().
 */
#ifndef MOCKPROXY_MYSQL_VALUES_H
#define MOCKPROXY_MYSQL_VALUES_H

#include "parsers/mysql/wire.h"

/* Are the bytes of a value of this type the same in both forms? Strings, decimals, bits, JSON, geometries... */
bool my_type_same_bytes(uint32_t type);

/*
 * Appends to `bytes`; on error nothing was appended. -EMSGSIZE: the buffer's maximum was reached. my_value_to_text() gives
 * a text only where this one gives the identical bytes back.
 */
MUST_CHECK int my_value_to_binary(uint32_t type, struct slice text, struct buffer *bytes);

/*
 * A stored value in the form that is asked for (enum parameter_form): `text` is the text as it came when column->form is
 * PARAMETER_TEXT, else the canonical text. Both forms of a FLOAT, and of a DOUBLE with a fixed number of decimals, cannot be told from their
 * text: -ENOTSUP.
 */
MUST_CHECK int my_value_encode(const struct column *column, uint16_t form, struct slice text,
			       struct buffer *out);

#endif
