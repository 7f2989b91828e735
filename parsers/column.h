/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a server says of a result: its columns, and how a statement ended well. The fields are those of PostgreSQL's
 * RowDescription and MySQL's column definition; what a protocol does not have is 0 or empty, and is not stored.
 */
#ifndef MOCKPROXY_COLUMN_H
#define MOCKPROXY_COLUMN_H

#include "parsers/slice.h"

enum parameter_form { PARAMETER_TEXT, PARAMETER_BINARY };

struct column {
	struct slice name;
	struct slice type; /* name of the type when known, else empty */
	uint32_t
		type_id; /* PostgreSQL: OID. MySQL: type byte, | 0x8000 when unsigned, as parameters say it */
	uint16_t form;	/* of the values as they came: enum parameter_form */
	int64_t length; /* PostgreSQL: of the type, -1 varies. MySQL: the longest text, in bytes */

	/* PostgreSQL */
	int32_t modifier;
	uint32_t table;
	uint16_t attribute;

	/* MySQL */
	struct slice schema;
	struct slice table_name; /* as the query calls it */
	struct slice original_table;
	struct slice original_name;
	struct slice extended; /* MariaDB's extended metadata, raw */
	struct slice preset;   /* COM_FIELD_LIST: the default value; NULL data: none */
	uint16_t charset;      /* id of the collation */
	uint16_t flags;
	uint8_t decimals;
};

/* Limits of a row description: PostgreSQL has at most 1664 columns, MySQL 4096 of a table and 65535 of a SELECT without one. */
#define COLUMNS_MAX 65535

/* How a result ended well (PostgreSQL CommandComplete; MySQL OK, or what stands behind the last row). */
struct completion {
	struct slice tag;   /* PostgreSQL "INSERT 0 3"; MySQL the info text, mostly empty */
	int64_t rows;	    /* given or affected; -1: it does not say. MySQL's unsigned 64 bits */
	uint64_t insert_id; /* MySQL */
	uint16_t warnings;
	uint16_t status; /* MySQL's server status flags */
};

#endif
