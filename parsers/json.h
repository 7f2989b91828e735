/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON: strings out, tokens in (RFC 8259, strict).
 *
 * Writing is appending to a buffer; only strings need a function. Reading pulls one token after the
 * other:
 *
 *	json_reader_init(&reader, text);
 *	while ((token = json_next(&reader)) > JSON_END)
 *		...
 *	if (token == JSON_ERROR) ...
 *
 * The reader checks everything: grammar, UTF-8, escapes, surrogate pairs, and a nesting of at most
 * JSON_DEPTH_MAX. It allocates nothing and its cost is linear. Errors are sticky.
 */
#ifndef MOCKPROXY_JSON_H
#define MOCKPROXY_JSON_H

#include "parsers/arena.h"
#include "parsers/buffer.h"
#include "parsers/compiler.h"
#include "parsers/slice.h"

#define JSON_DEPTH_MAX 64

/* Well-formed UTF-8 (RFC 3629: no surrogates, nothing overlong, at most U+10FFFF); NUL is
 * well-formed. */
bool utf8_valid(struct slice text);
/* Appends a code point, at most U+10FFFF and no surrogate, as UTF-8. `room` has 4 bytes; returns
 * how many. */
size_t utf8_encode(uint32_t code_point, uint8_t *room);

/*
 * Appends the text as a JSON string with its quotes. False, with nothing appended, when the text is
 * not valid UTF-8 or contains NUL (the buffer's own overflow is reported by the buffer).
 */
MUST_CHECK bool json_append_string(struct buffer *json, struct slice text);

enum json_token {
	JSON_ERROR,
	JSON_END, /* the one value is complete and only white space follows */
	JSON_OBJECT,
	JSON_OBJECT_END,
	JSON_ARRAY,
	JSON_ARRAY_END,
	JSON_KEY, /* a member's name; its value is the next token */
	JSON_STRING,
	JSON_NUMBER,
	JSON_TRUE,
	JSON_FALSE,
	JSON_NULL,
};

struct json_reader {
	const uint8_t *at;
	const uint8_t *end;
	uint64_t objects; /* bit n: nesting level n is an object */
	unsigned int depth;
	uint8_t expects;   /* what may come next, enum of json.c */
	uint8_t token;	   /* the last token */
	bool escaped;	   /* the last key or string has escapes */
	struct slice text; /* of the last key or string without its quotes, or of the last number */
};

void json_reader_init(struct json_reader *reader, struct slice text);
enum json_token json_next(struct json_reader *reader);
/* The last key or string, decoded: it borrows from the text where nothing is escaped, else it lies
 * in the arena. */
struct slice json_string(const struct json_reader *reader, struct arena *arena);
/*
 * After a JSON_KEY or at a place where a value is due: reads the value whole. False on error, or
 * when no value begins there. *ret_text is the value's own text.
 */
MUST_CHECK bool json_skip_value(struct json_reader *reader, struct slice *ret_text);
/* The next element of an array whole; its own text, a string with its quotes. False at the array's end, or on error. */
MUST_CHECK bool json_next_element(struct json_reader *reader, struct slice *ret_text);

#endif
