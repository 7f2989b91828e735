/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Schema: the text of store/schema.sql, and what has to be the same on its writing and its reading
 * side.
 */
#ifndef MOCKPROXY_SCHEMA_H
#define MOCKPROXY_SCHEMA_H

/* Tables, triggers and views; NUL-terminated. */
extern const char schema_sql[];

/*
 * Made when a recording ends, never while it grows: an index costs more than the rows then. Hashes have none: a replay reads
 * all of them when it loads.
 */
extern const char schema_indexes_sql[];

/* The largest value that is stored within its row's JSON; above it lies in value_part. */
#define SCHEMA_VALUE_MAX ((size_t)256 * 1024)
/* Bytes of one piece in value_part. */
#define SCHEMA_PART_BYTES ((size_t)256 * 1024)
/* A chunk of rows is closed when its JSON reaches this. */
#define SCHEMA_CHUNK_BYTES ((size_t)128 * 1024)
/* Parts of parameters are numbered from here, so that they cannot meet those of results. */
#define SCHEMA_PARAMETER_PARTS 1000000000u

#endif
