/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files values_*.c share: the table of types, the codecs that it names, and reading of
 * text.
 *
 * A codec gets what pg_to_text() and pg_to_binary() checked: a type with a codec and, for a type of
 * fixed size, exactly that many bytes. It appends to the buffer; on an error what it appended is of
 * no use and is cut off by values.c. Codecs return 0, -EINVAL, or -EMSGSIZE where they stopped at
 * the buffer's maximum; values.c looks at `overflowed` in any case, so that only loops have to.
 */
#ifndef MOCKPROXY_POSTGRES_VALUES_INTERNAL_H
#define MOCKPROXY_POSTGRES_VALUES_INTERNAL_H

#include "parsers/cursor.h"
#include "parsers/postgres/values.h"

struct pg_type;

struct pg_codec {
	int (*to_text)(const struct pg_type *type, struct slice bytes, struct buffer *text);
	int (*to_binary)(const struct pg_type *type, struct slice text, struct buffer *bytes);
	/*
	 * to_text() accepts only bytes that its text gives back: no need to convert back and
	 * compare.
	 */
	bool exact;
};

/*
 * `element` is what an array or vector is made of, a range's subtype, or a multirange's range (of one that is not
 * built in its range's subtype).
 */
struct pg_type {
	uint32_t oid;
	uint32_t element;	      /* 0: none */
	uint8_t width;		      /* size of the binary form in bytes; 0: not fixed */
	uint8_t kind;		      /* enum sql_kind */
	struct slice name;	      /* canonical */
	const struct pg_codec *codec; /* NULL: not convertible */
	/* Of a type that is not built in, and of one that may hold such: */
	const struct type_scope *scope; /* NULL: neither */
	const struct type_entry *own;	/* what is known of it; NULL: nothing, or it is built in */
	uint8_t depth;			/* how many types it is within */
};

/* Built-in types, sorted by OID. */
extern const struct pg_type pg_types[];
extern const size_t pg_n_types;

extern const struct pg_codec pg_codec_bool, pg_codec_signed, pg_codec_unsigned, pg_codec_char;
extern const struct pg_codec pg_codec_text, pg_codec_xml, pg_codec_versioned, pg_codec_void;
extern const struct pg_codec pg_codec_bytea, pg_codec_uuid, pg_codec_bit, pg_codec_tid,
	pg_codec_lsn;
extern const struct pg_codec pg_codec_float, pg_codec_numeric;
extern const struct pg_codec pg_codec_date, pg_codec_time, pg_codec_timetz;
extern const struct pg_codec pg_codec_timestamp, pg_codec_timestamptz, pg_codec_interval;
extern const struct pg_codec pg_codec_inet, pg_codec_cidr, pg_codec_macaddr;
extern const struct pg_codec pg_codec_point, pg_codec_lseg, pg_codec_box, pg_codec_path;
extern const struct pg_codec pg_codec_polygon, pg_codec_line, pg_codec_circle;
extern const struct pg_codec pg_codec_array, pg_codec_vector, pg_codec_range, pg_codec_multirange;
extern const struct pg_codec pg_codec_composite, pg_codec_label, pg_codec_hstore;
extern const struct pg_codec pg_codec_pgvector, pg_codec_halfvec, pg_codec_sparsevec;

/* Types that code names. */
enum pg_oid {
	PG_INT8 = 20,
	PG_INT4 = 23,
	PG_BOX = 603,
	PG_FLOAT4 = 700,
	PG_FLOAT8 = 701,
	PG_BPCHAR = 1042,
	PG_DATE = 1082,
	PG_NUMERIC = 1700,
	PG_RECORD = 2249,
	PG_RECORD_ARRAY = 2287,
};

/* The built-in type of this OID, or NULL. */
const struct pg_type *pg_type_find(uint32_t oid);
/*
 * Any type of this OID, a domain as what it is over; `depth` is how many types it is within. *room is for one that is not
 * built in. NULL: not known, or not convertible here.
 */
const struct pg_type *pg_type_in(const struct type_scope *scope, uint8_t depth, uint32_t oid,
				 struct pg_type *room);
/* The same of a type that a value of `whole` is made of. */
static inline const struct pg_type *pg_part(const struct pg_type *whole, uint32_t oid,
					    struct pg_type *room)
{
	return whole->scope ? pg_type_in(whole->scope, (uint8_t)(whole->depth + 1), oid, room) :
			      pg_type_find(oid);
}

/* One value without the proof: for what a value is made of. */
int pg_to_text(const struct pg_type *type, struct slice bytes, struct buffer *text);
int pg_to_binary(const struct pg_type *type, struct slice text, struct buffer *bytes);
/* A value that one of `whole` is made of: with the proof, where there can be none of the whole. */
int pg_part_to_text(const struct pg_type *whole, uint32_t oid, struct slice bytes,
		    struct buffer *text);
/* The binary form behind its size as an int32: how elements and bounds are sent. */
int pg_to_sized_binary(const struct pg_type *type, struct slice text, struct buffer *bytes);
/* Writes over what was appended at `at`, which must be there. */
void pg_patch_u32be(struct buffer *bytes, size_t at, uint32_t value);

/* White space as the server's input functions see it. */
bool pg_is_space(uint8_t byte);
struct slice pg_trim(struct slice text);
/* Is the next byte this one? Then it is read. */
bool pg_accept(struct cursor *cursor, uint8_t byte);
/*
 * Reads between `min` and `max` (at most 19) digits, all that are there up to `max`; too few fail
 * the cursor.
 */
uint64_t pg_read_digits(struct cursor *cursor, size_t min, size_t max);
/* A decimal number that is the whole text and at most `limit`. */
bool pg_read_unsigned(struct slice text, uint64_t limit, uint64_t *ret_value);
/* Value of a hexadecimal digit; -1: it is none. */
int pg_hex_digit(uint8_t byte);
/* Reads two hexadecimal digits; fails the cursor where there are none. */
uint8_t pg_read_hex(struct cursor *cursor);
/* Appends decimal digits, at least `width` (at most 20) of them. */
void pg_append_padded(struct buffer *text, uint64_t value, size_t width);

/*
 * A float8 by itself, for geometric types: read up to one of the bytes in `stops`, which stays
 * unread.
 */
int pg_float8_to_text(uint64_t bits, struct buffer *text);
int pg_float8_read(struct cursor *in, const char *stops, uint64_t *ret_bits);

/* Order of two valid numerics in their binary form: below 0, 0, above 0. NaN is the greatest. */
int pg_numeric_compare(struct slice a, struct slice b);

/* How arrays and ranges quote what they are made of. */
struct pg_quoting {
	const char *special; /* bytes that must be quoted, besides quote, backslash, white space */
	bool doubles;	     /* quote and backslash are doubled; else both get a backslash */
	bool null_word;	     /* the word NULL must be quoted */
};

/* Quotes text[from..] in place where it needs to be. */
void pg_quote(struct buffer *text, size_t from, const struct pg_quoting *quoting);

struct pg_piece {
	struct slice text; /* unquoted; borrows from the input or from `scratch` */
	bool quoted;
};

/*
 * Reads a piece up to a special byte, which stays unread. White space around a quoted piece is
 * skipped. -EINVAL: the quotes do not end, something stands beside them, an unquoted piece holds a
 * backslash or a quote.
 */
int pg_unquote(struct cursor *in, const struct pg_quoting *quoting, struct buffer *scratch,
	       struct pg_piece *ret_piece);

#endif
