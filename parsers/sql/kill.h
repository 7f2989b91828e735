/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statements that end another session, or what it does, by its number, which is their first value: MySQL's KILL [CONNECTION | QUERY] n (in
 * MariaDB with HARD or SOFT before that), and PostgreSQL's SELECT of pg_terminate_backend(n) or pg_cancel_backend(n). Pure.
 */
#ifndef MOCKPROXY_SQL_KILL_H
#define MOCKPROXY_SQL_KILL_H

#include "parsers/sql/canonical.h"

enum sql_kill { SQL_KILLS_NOTHING, SQL_KILLS_QUERY, SQL_KILLS_SESSION };

/* With `values` of the statement's slots. What names no session by a number of its own (KILL USER, KILL @x) is SQL_KILLS_NOTHING. */
enum sql_kill sql_kill_of(const struct sql_statement *statement, const struct sql_value *values,
			  uint32_t *ret_number);

#endif
