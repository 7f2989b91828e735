/* SPDX-License-Identifier: Apache-2.0 */
/* Types out of pg_type's rows; see catalogue.h. PostgreSQL's documentation, 53.64. */
#include "parsers/postgres/catalogue.h"

#include "parsers/cursor.h"
#include "parsers/postgres/values_internal.h"

#define PG_TYPE_TABLE 1247

/* What columns are called, by the catalogue itself and by drivers. */
static const struct {
	struct slice label;
	enum type_field field;
} labels[] = {
	{ SLICE("oid"), TYPE_FIELD_ID },
	{ SLICE("typname"), TYPE_FIELD_NAME },
	{ SLICE("name"), TYPE_FIELD_NAME },
	{ SLICE("typtype"), TYPE_FIELD_SORT },
	{ SLICE("kind"), TYPE_FIELD_SORT },
	{ SLICE("typelem"), TYPE_FIELD_ELEMENT },
	{ SLICE("elemtype"), TYPE_FIELD_ELEMENT },
	{ SLICE("typbasetype"), TYPE_FIELD_BASE },
	{ SLICE("basetype"), TYPE_FIELD_BASE },
	{ SLICE("rngsubtype"), TYPE_FIELD_SUBTYPE },
	{ SLICE("range_subtype"), TYPE_FIELD_SUBTYPE },
	{ SLICE("elemtypoid"), TYPE_FIELD_OVER },
	{ SLICE("subtype_oid"), TYPE_FIELD_OF_RANGE },
	{ SLICE("range_oid"), TYPE_FIELD_RANGE },
	{ SLICE("typarray"), TYPE_FIELD_ARRAY },
	{ SLICE("array_oid"), TYPE_FIELD_ARRAY },
	{ SLICE("attrtypoids"), TYPE_FIELD_ATTRIBUTES },
	{ SLICE("field_types"), TYPE_FIELD_ATTRIBUTES },
	{ SLICE("labels"), TYPE_FIELD_LABELS },
};

/* Is it of a type that the field can have? */
static bool has_type(enum type_field field, uint32_t type)
{
	switch (field) {
	case TYPE_FIELD_NAME:
		return type == 19 || type == 25 || type == 1043;
	case TYPE_FIELD_SORT:
		return type == 18 || type == 25;
	case TYPE_FIELD_ATTRIBUTES:
		return type == 1028;
	case TYPE_FIELD_LABELS:
		return type == 1003 || type == 1009;
	default:
		return type == 26;
	}
}

static bool has(const struct type_places *places, enum type_field field)
{
	return places->column[field] != 0;
}

/* Is the column that tells the field called this? */
static bool is_called(const struct type_places *places, const struct column *columns,
		      enum type_field field, struct slice label)
{
	return has(places, field) && slice_equal(columns[places->column[field] - 1].name, label);
}

static bool is_of_pg_type(const struct type_places *places, const struct column *columns,
			  enum type_field field)
{
	return has(places, field) && columns[places->column[field] - 1].table == PG_TYPE_TABLE;
}

/* Questions that name pg_type more than once, and are known to ask of one type in each row. */
static bool is_drivers(const struct type_places *places, const struct column *columns)
{
	bool asyncpg = is_called(places, columns, TYPE_FIELD_NAME, SLICE("name")) &&
		       is_called(places, columns, TYPE_FIELD_SORT, SLICE("kind")) &&
		       is_called(places, columns, TYPE_FIELD_BASE, SLICE("basetype")) &&
		       is_called(places, columns, TYPE_FIELD_ELEMENT, SLICE("elemtype")) &&
		       is_called(places, columns, TYPE_FIELD_SUBTYPE, SLICE("range_subtype")) &&
		       is_called(places, columns, TYPE_FIELD_ATTRIBUTES, SLICE("attrtypoids"));
	bool psycopg = is_of_pg_type(places, columns, TYPE_FIELD_ID) &&
		       is_called(places, columns, TYPE_FIELD_NAME, SLICE("name")) &&
		       is_called(places, columns, TYPE_FIELD_ARRAY, SLICE("array_oid")) &&
		       is_called(places, columns, TYPE_FIELD_ATTRIBUTES, SLICE("field_types"));
	bool npgsql = is_of_pg_type(places, columns, TYPE_FIELD_ID) &&
		      is_called(places, columns, TYPE_FIELD_SORT, SLICE("typtype")) &&
		      is_called(places, columns, TYPE_FIELD_OVER, SLICE("elemtypoid"));

	return has(places, TYPE_FIELD_ID) && (asyncpg || psycopg || npgsql);
}

/*
 * Of a question that is no driver's: the columns that the type's own row has are pg_type's, or called as there where they are
 * cast.
 */
static void drop_others(struct type_places *places, const struct column *columns)
{
	static const enum type_field own[] = { TYPE_FIELD_NAME, TYPE_FIELD_SORT, TYPE_FIELD_ELEMENT,
					       TYPE_FIELD_BASE, TYPE_FIELD_ARRAY };

	for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
		const struct column *column;

		if (!has(places, own[i]))
			continue;
		column = &columns[places->column[own[i]] - 1];
		if (column->table != PG_TYPE_TABLE &&
		    (column->table || !slice_starts_with(column->name, SLICE("typ"))))
			places->column[own[i]] = 0;
	}
}

void pg_catalogue_places(const struct column *columns, size_t n, struct type_places *ret_places)
{
	bool of_pg_type = false;

	*ret_places = (struct type_places){ 0 };
	for (size_t i = 0; i < n; i++) {
		of_pg_type |= columns[i].table == PG_TYPE_TABLE;
		for (size_t l = 0; l < ARRAY_SIZE(labels); l++) {
			uint16_t *column = &ret_places->column[labels[l].field];

			if (!slice_equal(columns[i].name, labels[l].label) ||
			    !has_type(labels[l].field, columns[i].type_id))
				continue;
			if (*column) /* two of one name: whose? */
				return;
			*column = (uint16_t)(i + 1);
		}
	}
	ret_places->certain = is_drivers(ret_places, columns);
	if (!ret_places->certain)
		drop_others(ret_places, columns);
	/* The oid of anything else is none of a type. */
	ret_places->any = ret_places->certain ||
			  (of_pg_type && (!has(ret_places, TYPE_FIELD_ID) ||
					  is_of_pg_type(ret_places, columns, TYPE_FIELD_ID)));
}

/* ---- what the statement says ---- */

static size_t count(struct slice text, struct slice word)
{
	const uint8_t *at = text.data, *end = text.data + text.size;
	size_t n = 0;

	while (at && (at = memmem(at, (size_t)(end - at), word.data, word.size))) {
		n++;
		at += word.size;
	}
	return n;
}

static bool is_in_name(uint8_t byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '_' ||
	       byte == '"';
}

/* The text before a slot's mark ends with this comparison of a whole name. */
static bool is_compared(struct slice before, struct slice comparison)
{
	struct slice end;

	if (before.size <= comparison.size)
		return false;
	end = slice_of(before.data + before.size - comparison.size, comparison.size);
	return slice_equal(end, comparison) &&
	       !is_in_name(before.data[before.size - comparison.size - 1]);
}

/* The conditions that all rows meet: behind the only WHERE, joined by AND; an empty slice: there are no such. */
static struct slice conditions(const struct sql_statement *statement)
{
	static const struct slice others[] = { SLICE("("),    SLICE(" or "),	SLICE("not "),
					       SLICE("\""),   SLICE(" union "), SLICE("??"),
					       SLICE(" is "), SLICE(" case ") };
	struct slice text = statement->canonical;
	const uint8_t *where = memmem(text.data, text.size, " where ", 7);
	struct slice behind;

	if (!where || count(text, SLICE(" where ")) != 1)
		return slice_of(NULL, 0);
	behind = slice_of(where + 6, text.size - (size_t)(where + 6 - text.data));
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (count(behind, others[i]))
			return slice_of(NULL, 0);
	return behind;
}

/* The value that the statement compares this column of every row with. */
static struct slice stated(const struct sql_statement *statement, const struct sql_value *values,
			   struct slice comparison)
{
	struct slice text = conditions(statement);
	const uint8_t *at = text.data, *end = text.data + text.size;
	size_t marks = count(text, SLICE("?"));

	if (!at || !marks || marks > statement->n_slots)
		return slice_of(NULL, 0);
	/* The last ones are the slots of what is behind the WHERE. */
	for (size_t i = statement->n_slots - marks; i < statement->n_slots; i++) {
		at = memchr(at, '?', (size_t)(end - at));
		if (!at)
			break;
		if (is_compared(slice_of(text.data, (size_t)(at - text.data)), comparison) &&
		    !values[i].null && !values[i].bytes)
			return values[i].text;
		at++;
	}
	return slice_of(NULL, 0);
}

/* ---- rows ---- */

static uint32_t read_oid(struct slice text)
{
	uint64_t oid;

	return text.data && pg_read_unsigned(text, UINT32_MAX, &oid) ? (uint32_t)oid : 0;
}

/* "{23,25}"; false: it is not that. */
static bool read_attributes(struct slice text, struct arena *arena, struct type_entry *entry)
{
	struct cursor in = cursor_of(text);
	uint32_t *attributes;
	size_t n = 0;

	if (!text.data || text.size / 2 > TYPE_ATTRIBUTES_MAX * 11 || !pg_accept(&in, '{'))
		return false;
	attributes = arena_alloc(arena, (text.size / 2 + 1) * sizeof(*attributes));
	while (!pg_accept(&in, '}')) {
		uint64_t oid;

		if (n && !pg_accept(&in, ','))
			return false;
		oid = pg_read_digits(&in, 1, 10);
		if (in.failed || oid > UINT32_MAX || n == TYPE_ATTRIBUTES_MAX)
			return false;
		attributes[n++] = (uint32_t)oid;
	}
	if (!cursor_done(&in))
		return false;
	entry->attributes = attributes;
	entry->n_attributes = n;
	return true;
}

/* A base type's elements make it an array where its name is one that the server gives to arrays. */
static void set_base(const struct type_row *row, struct type_entry *entry)
{
	uint32_t element = read_oid(row->fields[TYPE_FIELD_ELEMENT]);

	if (element && entry->name.size && entry->name.data[0] == '_') {
		entry->sort = TYPE_ARRAY;
		entry->element = element;
	} else if (entry->name.size && entry->name.data[0] != '_') {
		entry->sort = TYPE_BASE;
	}
}

static uint32_t first_of(uint32_t a, uint32_t b)
{
	return a ? a : b;
}

/* typtype's letter, and 'a' as Npgsql says of an array. */
static void set_sort(const struct type_row *row, struct type_entry *entry)
{
	struct slice sort = row->fields[TYPE_FIELD_SORT];
	uint32_t over = read_oid(row->fields[TYPE_FIELD_OVER]);

	switch (sort.size == 1 ? sort.data[0] : 0) {
	case 'a':
		entry->sort = TYPE_ARRAY;
		entry->element = over;
		break;
	case 'b':
		set_base(row, entry);
		break;
	case 'c':
		entry->sort = TYPE_COMPOSITE;
		break;
	case 'd':
		entry->sort = TYPE_DOMAIN;
		entry->element = first_of(read_oid(row->fields[TYPE_FIELD_BASE]), over);
		break;
	case 'e':
		entry->sort = TYPE_ENUM;
		break;
	case 'r':
		entry->sort = TYPE_RANGE;
		entry->element = first_of(read_oid(row->fields[TYPE_FIELD_SUBTYPE]), over);
		break;
	case 'm':
		/* Npgsql says its range, which is not what it is here. */
		entry->sort = TYPE_MULTIRANGE;
		entry->element = read_oid(row->fields[TYPE_FIELD_SUBTYPE]);
		break;
	}
}

static bool has_labels(struct slice list)
{
	return list.size && !slice_equal(list, SLICE("{}")) && !slice_equal(list, SLICE("{NULL}"));
}

/* Where typtype was not asked for, other columns may tell what it is. */
static void tell_sort(const struct type_places *places, const struct type_row *row,
		      struct arena *arena, struct type_entry *entry)
{
	bool asked = has(places, TYPE_FIELD_SORT);
	uint32_t subtype = read_oid(row->fields[TYPE_FIELD_OF_RANGE]);

	if (!asked && has_labels(row->fields[TYPE_FIELD_LABELS])) {
		entry->sort = TYPE_ENUM;
	} else if (!asked && subtype) {
		entry->sort = has(places, TYPE_FIELD_RANGE) ? TYPE_MULTIRANGE : TYPE_RANGE;
		entry->element = subtype;
	}
	if (asked && entry->sort != TYPE_COMPOSITE)
		return;
	/* Of what is no composite psycopg 3 says that it has no attributes. */
	if (read_attributes(row->fields[TYPE_FIELD_ATTRIBUTES], arena, entry) &&
	    entry->n_attributes)
		entry->sort = TYPE_COMPOSITE;
	else if (!asked)
		entry->attributes = NULL;
}

size_t pg_catalogue_row(const struct type_places *places, const struct type_row *row,
			const struct sql_statement *statement, const struct sql_value *values,
			struct arena *arena, struct type_entry ret_entries[TYPE_ROW_ENTRIES])
{
	struct type_entry *entry = &ret_entries[0];
	struct slice id = row->fields[TYPE_FIELD_ID];
	uint32_t array = read_oid(row->fields[TYPE_FIELD_ARRAY]);
	size_t n = 0;

	if (!places->certain && count(statement->canonical, SLICE("pg_type")) != 1)
		return 0;
	*entry = (struct type_entry){ .name = row->fields[TYPE_FIELD_NAME] };
	if (!has(places, TYPE_FIELD_ID))
		id = stated(statement, values, SLICE("oid = "));
	if (!has(places, TYPE_FIELD_NAME) && !places->certain)
		entry->name = stated(statement, values, SLICE("typname = "));
	entry->id = read_oid(id);
	if (entry->id < PG_FIRST_OWN_TYPE)
		return 0;
	set_sort(row, entry);
	tell_sort(places, row, arena, entry);
	if (entry->name.data || entry->sort)
		n++;
	if (array >= PG_FIRST_OWN_TYPE)
		ret_entries[n++] = (struct type_entry){ .id = array,
							.sort = TYPE_ARRAY,
							.element = entry->id };
	return n;
}
