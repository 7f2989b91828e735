/* SPDX-License-Identifier: Apache-2.0 */
/* What rows of pg_type tell of types: as drivers ask for them, and where nothing is sure. */
#include "parsers/buffer.h"
#include "parsers/postgres/catalogue.h"

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h> /* needs those above */
/* clang-format on */

#define OID 26
#define NAME 19
#define CHAR 18
#define OIDS 1028
#define PG_TYPE 1247

/* A column, its value in the only row, and what must be told. */
struct told {
	const char *name;
	uint32_t type;
	uint32_t table;
	const char *value;
};

struct question {
	const char *sql;
	struct told columns[8];
	const char
		*expected; /* "id name kind element attributes", of two entries with ";" between */
};

static void say(const struct type_entry *entry, struct buffer *text)
{
	if (text->size)
		buffer_append_string(text, "; ");
	buffer_append_unsigned(text, entry->id);
	buffer_append_u8(text, ' ');
	buffer_append_slice(text, entry->name.data ? entry->name : SLICE("-"));
	buffer_append_u8(text, ' ');
	buffer_append_slice(text,
			    entry->sort ? type_sort_name((enum type_sort)entry->sort) : SLICE("-"));
	buffer_append_u8(text, ' ');
	buffer_append_unsigned(text, entry->element);
	for (size_t i = 0; i < entry->n_attributes; i++) {
		buffer_append_u8(text, ' ');
		buffer_append_unsigned(text, entry->attributes[i]);
	}
}

static void expect_told(const struct question *question)
{
	struct sql_options options = sql_options_default(SQL_POSTGRES);
	struct type_entry entries[TYPE_ROW_ENTRIES];
	struct sql_statement statement;
	struct sql_value values[8];
	struct type_places places;
	struct column columns[8];
	struct type_row row = { 0 };
	struct buffer text;
	struct arena arena;
	size_t n = 0;

	arena_init(&arena);
	buffer_init(&text, 4096);
	for (; n < 8 && question->columns[n].name; n++)
		columns[n] = (struct column){ .name = slice_from_string(question->columns[n].name),
					      .type_id = question->columns[n].type,
					      .table = question->columns[n].table };
	pg_catalogue_places(columns, n, &places);
	for (size_t i = 0; i < TYPE_FIELDS; i++)
		if (places.column[i])
			row.fields[i] =
				slice_from_string(question->columns[places.column[i] - 1].value);
	sql_canonicalize(&options, slice_from_string(question->sql), &arena, &statement);
	assert_true(statement.n_slots <= 8);
	for (size_t i = 0; i < statement.n_slots; i++)
		values[i] = statement.slots[i].literal;
	if (places.any) {
		n = pg_catalogue_row(&places, &row, &statement, values, &arena, entries);
		for (size_t i = 0; i < n; i++)
			say(&entries[i], &text);
	}
	if (!slice_equal(buffer_slice(&text), slice_from_string(question->expected)))
		fail_msg("%s: told '%.*s', not '%s'", question->sql, (int)text.size,
			 (const char *)text.data, question->expected);
	buffer_release(&text);
	arena_release(&arena);
}

static const struct question told[] = {
	/* psycopg 3's TypeInfo, EnumInfo, RangeInfo, MultirangeInfo and CompositeInfo */
	{ "select typname as name, oid, typarray as array_oid from pg_type t where t.oid = "
	  "'x'::regtype",
	  { { "name", NAME, PG_TYPE, "hstore" },
	    { "oid", OID, PG_TYPE, "16400" },
	    { "array_oid", OID, PG_TYPE, "16405" } },
	  "16400 hstore - 0; 16405 - array 16400" },
	{ "select name, oid, array_oid, array_agg(label) as labels from (select 1 from "
	  "pg_type t) x",
	  { { "name", NAME, PG_TYPE, "mood" },
	    { "oid", OID, PG_TYPE, "16400" },
	    { "array_oid", OID, PG_TYPE, "16399" },
	    { "labels", 1003, 0, "{sad,ok}" } },
	  "16400 mood enum 0; 16399 - array 16400" },
	{ "select t.typname as name, t.oid as oid, r.rngsubtype as subtype_oid from "
	  "pg_type t",
	  { { "name", NAME, PG_TYPE, "r" },
	    { "oid", OID, PG_TYPE, "16400" },
	    { "subtype_oid", OID, 3541, "701" } },
	  "16400 r range 701" },
	{ "select t.typname as name, t.oid, r.rngtypid as range_oid, r.rngsubtype as "
	  "subtype_oid from pg_type t",
	  { { "name", NAME, PG_TYPE, "m" },
	    { "oid", OID, PG_TYPE, "16400" },
	    { "range_oid", OID, 3541, "16390" },
	    { "subtype_oid", OID, 3541, "701" } },
	  "16400 m multirange 701" },
	{ "select 1 from pg_type t left join (select 2 from pg_attribute a join pg_type t "
	  "on true) a on true",
	  { { "name", NAME, PG_TYPE, "pair" },
	    { "oid", OID, PG_TYPE, "16400" },
	    { "array_oid", OID, PG_TYPE, "16399" },
	    { "field_types", OIDS, 0, "{23,16500}" } },
	  "16400 pair composite 0 23 16500; 16399 - array 16400" },
	/* asyncpg's, of a recursion, so that no column is pg_type's */
	{ "with recursive t as (select 1 from pg_type union select 2 from pg_type) select "
	  "* from t",
	  { { "oid", OID, 0, "16400" },
	    { "name", NAME, 0, "d" },
	    { "kind", CHAR, 0, "d" },
	    { "basetype", OID, 0, "1700" },
	    { "elemtype", OID, 0, "0" },
	    { "range_subtype", OID, 0, NULL },
	    { "attrtypoids", OIDS, 0, NULL } },
	  "16400 d domain 1700" },
	{ "with recursive t as (select 1 from pg_type union select 2 from pg_type) select "
	  "* from t",
	  { { "oid", OID, 0, "16400" },
	    { "name", NAME, 0, "_mood" },
	    { "kind", CHAR, 0, "b" },
	    { "basetype", OID, 0, NULL },
	    { "elemtype", OID, 0, "16399" },
	    { "range_subtype", OID, 0, NULL },
	    { "attrtypoids", OIDS, 0, NULL } },
	  "16400 _mood array 16399" },
	{ "select t.oid, t.typelem as elemtype, t.typtype as kind from pg_catalog.pg_type "
	  "as t "
	  "inner join pg_namespace ns on (ns.oid = t.typnamespace) "
	  "where t.typname = 'vector' and ns.nspname = 'public'",
	  { { "oid", OID, PG_TYPE, "16400" },
	    { "elemtype", OID, PG_TYPE, "0" },
	    { "kind", CHAR, PG_TYPE, "b" } },
	  "16400 vector base 0" },
	/* Npgsql */
	{ "select 1 from pg_type as a join pg_type as b on true",
	  { { "oid", OID, PG_TYPE, "16400" },
	    { "typname", NAME, PG_TYPE, "_mood" },
	    { "typtype", CHAR, 0, "a" },
	    { "elemtypoid", OID, 0, "16399" } },
	  "16400 _mood array 16399" },
	/* ActiveRecord, and a person */
	{ "select t.oid, t.typname, t.typelem, t.typtype, t.typbasetype, r.rngsubtype from "
	  "pg_type as t left join pg_range as r on oid = rngtypid",
	  { { "oid", OID, PG_TYPE, "16400" },
	    { "typname", NAME, PG_TYPE, "positive" },
	    { "typelem", OID, PG_TYPE, "0" },
	    { "typtype", CHAR, PG_TYPE, "d" },
	    { "typbasetype", OID, PG_TYPE, "23" },
	    { "rngsubtype", OID, 3541, NULL } },
	  "16400 positive domain 23" },
	/* tokio-postgres, sqlx and pgjdbc: the number is only in the question */
	{ "select t.typname, t.typtype, t.typelem, r.rngsubtype, t.typbasetype, n.nspname, "
	  "t.typrelid "
	  "from pg_catalog.pg_type t left outer join pg_catalog.pg_range r on r.rngtypid = "
	  "t.oid "
	  "inner join pg_catalog.pg_namespace n on t.typnamespace = n.oid where t.oid = "
	  "16400",
	  { { "typname", NAME, PG_TYPE, "mood" },
	    { "typtype", CHAR, PG_TYPE, "e" },
	    { "typelem", OID, PG_TYPE, "0" },
	    { "rngsubtype", OID, 3541, NULL } },
	  "16400 mood enum 0" },
	{ "select oid from pg_type where typname = 'citext' order by 1",
	  { { "oid", OID, PG_TYPE, "16400" } },
	  "16400 citext - 0" },
};

static void test_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(told); i++)
		expect_told(&told[i]);
}

static const struct question not_told[] = {
	/* whose name is it? */
	{ "select t.oid, e.typname from pg_type t join pg_type e on e.oid = t.typelem",
	  { { "oid", OID, PG_TYPE, "16400" }, { "typname", NAME, PG_TYPE, "hstore" } },
	  "" },
	{ "select c.oid, t.typname from pg_class c join pg_type t on t.oid = c.reltype",
	  { { "oid", OID, 1259, "16400" }, { "typname", NAME, PG_TYPE, "vector" } },
	  "" },
	{ "select oid, oid, typname from pg_type",
	  { { "oid", OID, PG_TYPE, "16400" },
	    { "oid", OID, PG_TYPE, "16401" },
	    { "typname", NAME, PG_TYPE, "vector" } },
	  "" },
	/* a table of the user's */
	{ "select oid, typname from types",
	  { { "oid", OID, 16500, "16400" }, { "typname", NAME, 16500, "vector" } },
	  "" },
	/* built in */
	{ "select oid, typname from pg_type",
	  { { "oid", OID, PG_TYPE, "25" }, { "typname", NAME, PG_TYPE, "text" } },
	  "" },
	/* not what every row has */
	{ "select oid from pg_type where typname = 'citext' or typname = 'hstore'",
	  { { "oid", OID, PG_TYPE, "16400" } },
	  "" },
	{ "select oid from pg_type where not typname = 'citext'",
	  { { "oid", OID, PG_TYPE, "16400" } },
	  "" },
	{ "select oid, typname = 'citext' from pg_type", { { "oid", OID, PG_TYPE, "16400" } }, "" },
	{ "select typname from pg_type where typrelid = 16400",
	  { { "typname", NAME, PG_TYPE, "citext" } },
	  "" },
	{ "select typname from pg_type where oid in (16400, 16401)",
	  { { "typname", NAME, PG_TYPE, "citext" } },
	  "" },
	{ "select typname from pg_type where oid = 'citext'::regtype",
	  { { "typname", NAME, PG_TYPE, "citext" } },
	  "" },
	/* another table's */
	{ "select t.oid, t.typname, c.relkind as kind from pg_type t join pg_class c on "
	  "true",
	  { { "oid", OID, PG_TYPE, "16400" },
	    { "typname", NAME, PG_TYPE, "x" },
	    { "kind", CHAR, 1259, "m" } },
	  "16400 x - 0" },
	/* kinds and attributes that are none */
	{ "select oid, typname, typtype from pg_type",
	  { { "oid", OID, PG_TYPE, NULL },
	    { "typname", NAME, PG_TYPE, "x" },
	    { "typtype", CHAR, PG_TYPE, "c" } },
	  "" },
	{ "select 1 from pg_type t join pg_type u on true",
	  { { "name", NAME, PG_TYPE, "x" },
	    { "oid", OID, PG_TYPE, "16400" },
	    { "array_oid", OID, PG_TYPE, "x" },
	    { "field_types", OIDS, 0, "{23,x}" } },
	  "16400 x - 0" },
};

static void test_not_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(not_told); i++)
		expect_told(&not_told[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_told),
		cmocka_unit_test(test_not_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
