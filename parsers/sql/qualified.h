/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Qualified: MySQL's statements that mean the same whatever the default database is, since they name the database of each table,
 * call nothing but aggregates, and read no system variable. Decided by the tokens of the canonical form, on the safe side: what is
 * not known here depends on it.
 *
 *	SELECT, INSERT ... INTO, REPLACE INTO, UPDATE, DELETE FROM, TRUNCATE TABLE, DROP TABLE | VIEW  of db.table only
 *	SHOW COLUMNS | INDEX FROM db.table, SHOW TABLES | TABLE STATUS | TRIGGERS | EVENTS FROM db
 *	SHOW FUNCTION | PROCEDURE STATUS, SHOW CREATE DATABASE db
 *	SHOW CREATE FUNCTION | PROCEDURE | TRIGGER | EVENT db.name, SHOW CREATE TABLE db.table
 *
 * Not SHOW CREATE VIEW, whose answer leaves out the default database's name; so does SHOW CREATE TABLE of a view, which only its answer
 * tells. Nor EXPLAIN, whose notes do. That a view calls DATABASE() is not seen.
 */
#ifndef MOCKPROXY_SQL_QUALIFIED_H
#define MOCKPROXY_SQL_QUALIFIED_H

#include "parsers/sql/canonical.h"

enum sql_qualified {
	SQL_QUALIFIED_NO,
	SQL_QUALIFIED_YES,
	SQL_QUALIFIED_TABLE, /* where its answer is not that of a view */
};

/* Of PostgreSQL's statements, and of longer templates than SQL_QUALIFIED_TEXT_MAX: no. */
enum sql_qualified sql_qualified(const struct sql_statement *statement);
#define SQL_QUALIFIED_TEXT_MAX ((size_t)64 * 1024)

#endif
