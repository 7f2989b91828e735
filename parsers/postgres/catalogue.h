/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the rows of pg_type tell of types that are not built in (types.h), as programs and drivers ask for them.
 *
 * A row tells of a type where it is sure which one: its columns are pg_type's by their description, and the statement names
 * pg_type only once; or it is the question of a driver that is known by its columns (asyncpg, psycopg 3, Npgsql). What the
 * row does not hold, the statement may: "where oid = $1", "where typname = 'hstore'".
 */
#ifndef MOCKPROXY_POSTGRES_CATALOGUE_H
#define MOCKPROXY_POSTGRES_CATALOGUE_H

#include "parsers/arena.h"
#include "parsers/column.h"
#include "parsers/sql/canonical.h"
#include "parsers/types.h"

/* Which columns of this description tell what; places->any is false where none does. */
void pg_catalogue_places(const struct column *columns, size_t n, struct type_places *ret_places);

/*
 * What a row tells, with `values` in the statement's slots: how many entries, at most TYPE_ROW_ENTRIES. They lie in the arena or
 * borrow from the row and the values; `since` is not set.
 */
size_t pg_catalogue_row(const struct type_places *places, const struct type_row *row,
			const struct sql_statement *statement, const struct sql_value *values,
			struct arena *arena, struct type_entry ret_entries[TYPE_ROW_ENTRIES]);

#endif
