/* SPDX-License-Identifier: Apache-2.0 */
/*
 * COPY data of a client taken apart into rows (documentation, chapter 55.2.6 and "File Formats" of COPY), for the recorder and the
 * replayer alike, so that they agree on what the data is.
 *
 *	CopyData bodies, in any cut ──pg_copy_next()──▶ rows
 *
 *	text, CSV   a row is a line with its line end, or a piece of PG_COPY_LINE_MAX bytes of a longer one; a last line that says
 *	            \. is none
 *	binary      a row is a tuple: u16 number of fields, then each i32 length (-1: null) and its bytes: a DataRow's body. One
 *	            above PG_ROW_MAX comes in parts. The header and the trailer are not rows.
 *
 * Which bytes make a row, and whether it comes in parts, does not depend on the cuts. Bytes that are no binary rows are given as
 * PG_COPY_RAW: they count, since the server's answer depends on them, and nothing else is known of them.
 */
#ifndef MOCKPROXY_POSTGRES_COPY_H
#define MOCKPROXY_POSTGRES_COPY_H

#include "parsers/copy.h"
#include "parsers/postgres/wire.h"

/* A longer line is given in pieces of this size, or up to three bytes less: no character is cut. */
#define PG_COPY_LINE_MAX ((size_t)64 << 10)
/* Signature, flags, and the length of what may extend the header: as every server and driver writes them. */
#define PG_COPY_HEADER_SIZE 19
extern const struct slice pg_copy_header;

enum pg_copy_event {
	PG_COPY_MORE, /* all bytes are taken */
	PG_COPY_ROW,  /* a whole row */
	PG_COPY_PART, /* the next bytes of a tuple that is too large to be held */
	PG_COPY_RAW,
};

struct pg_copy_row {
	struct slice bytes; /* valid until the next call */
	bool begins;	    /* PG_COPY_PART */
	bool ends;
};

/* Where a tuple stands whose bytes come in any cut. */
struct pg_copy_tuple {
	bool counted; /* the number of its fields is known */
	uint8_t header[4];
	uint8_t header_size;
	uint16_t fields_left;
	size_t value_left;
};

struct pg_copy_reader {
	uint8_t state;	    /* enum of copy.c */
	bool marker;	    /* `held` is a line that says \. */
	struct buffer held; /* the beginning of a row */
	size_t given;	    /* so many bytes of it were given */
	size_t searched;    /* and in so many there is no line end */
	struct pg_copy_tuple tuple;
};

void pg_copy_reader_init(struct pg_copy_reader *reader, bool binary);
void pg_copy_reader_release(struct pg_copy_reader *reader);
/* Takes bytes off the front of `input`, which is what is left of one CopyData. */
enum pg_copy_event pg_copy_next(struct pg_copy_reader *reader, struct slice *input,
				struct pg_copy_row *ret_row);
/* The data ended: PG_COPY_ROW a last line without its end, PG_COPY_RAW what is left of a row, else PG_COPY_MORE. */
enum pg_copy_event pg_copy_last(struct pg_copy_reader *reader, struct pg_copy_row *ret_row);

/* CopyInResponse, CopyOutResponse: false when it is malformed. *ret_plain: all columns have the form of the whole. */
bool pg_copy_form_read(struct slice body, struct copy_form *ret_form, bool *ret_plain);
/* Are the bytes just one tuple? */
bool pg_copy_is_tuple(struct slice bytes);

#endif
