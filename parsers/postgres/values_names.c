/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PostgreSQL values: a type's OID by its name, as the catalog or as SQL writes it.
 *
 * Documentation 8, table 8.1. A modifier ("(10,2)") does not change the type, except that of float;
 * "[]", "[3]" or a leading underscore make it an array, of any dimension.
 */
#include "parsers/postgres/values_internal.h"

/* Longer than any name here with its modifier. */
#define NAME_MAX_BYTES 128

static const struct {
	struct slice name;
	struct slice canonical;
} aliases[] = {
	{ SLICE("integer"), SLICE("int4") },
	{ SLICE("int"), SLICE("int4") },
	{ SLICE("bigint"), SLICE("int8") },
	{ SLICE("smallint"), SLICE("int2") },
	{ SLICE("real"), SLICE("float4") },
	{ SLICE("double precision"), SLICE("float8") },
	{ SLICE("float"), SLICE("float8") },
	{ SLICE("decimal"), SLICE("numeric") },
	{ SLICE("dec"), SLICE("numeric") },
	{ SLICE("boolean"), SLICE("bool") },
	{ SLICE("char"), SLICE("bpchar") },
	{ SLICE("character"), SLICE("bpchar") },
	{ SLICE("nchar"), SLICE("bpchar") },
	{ SLICE("national char"), SLICE("bpchar") },
	{ SLICE("national character"), SLICE("bpchar") },
	{ SLICE("character varying"), SLICE("varchar") },
	{ SLICE("char varying"), SLICE("varchar") },
	{ SLICE("nchar varying"), SLICE("varchar") },
	{ SLICE("national char varying"), SLICE("varchar") },
	{ SLICE("national character varying"), SLICE("varchar") },
	{ SLICE("bit varying"), SLICE("varbit") },
	{ SLICE("time with time zone"), SLICE("timetz") },
	{ SLICE("time without time zone"), SLICE("time") },
	{ SLICE("timestamp with time zone"), SLICE("timestamptz") },
	{ SLICE("timestamp without time zone"), SLICE("timestamp") },
};

struct type_name {
	uint8_t bytes[NAME_MAX_BYTES];
	size_t size;
	struct slice modifier; /* what stands in parentheses; empty: nothing */
	bool array;
};

/* Takes "[]" and "[n]" off the end; the name without them. */
static struct slice cut_brackets(struct slice name, bool *ret_array)
{
	*ret_array = false;
	while (name.size && name.data[name.size - 1] == ']') {
		size_t open = name.size - 1;

		while (open && name.data[open - 1] >= '0' && name.data[open - 1] <= '9')
			open--;
		if (!open || name.data[open - 1] != '[')
			break;
		name = pg_trim(slice_of(name.data, open - 1));
		*ret_array = true;
	}
	return name;
}

/*
 * Takes a name apart: schema, modifier, brackets; letters fold. False when it is too long or not
 * closed.
 */
static bool read_name(struct slice name, struct type_name *ret_name)
{
	struct slice schema = SLICE("pg_catalog.");

	*ret_name = (struct type_name){ 0 };
	name = cut_brackets(pg_trim(name), &ret_name->array);
	if (slice_starts_with(name, schema))
		name = slice_of(name.data + schema.size, name.size - schema.size);
	if (name.size > NAME_MAX_BYTES)
		return false;
	for (size_t i = 0; i < name.size; i++) {
		const uint8_t *close;

		if (name.data[i] != '(') {
			ret_name->bytes[ret_name->size++] = ascii_lower(name.data[i]);
			continue;
		}
		close = memchr(name.data + i, ')', name.size - i);
		if (!close || ret_name->modifier.size)
			return false;
		ret_name->modifier =
			slice_of(name.data + i + 1, (size_t)(close - name.data) - i - 1);
		while (ret_name->size && ret_name->bytes[ret_name->size - 1] == ' ')
			ret_name->size--;
		i = (size_t)(close - name.data);
	}
	return ret_name->size != 0;
}

static struct slice canonical_name(const struct type_name *name)
{
	struct slice base = slice_of(name->bytes, name->size);
	uint64_t bits;

	if (slice_equal(base, SLICE("float")) &&
	    pg_read_unsigned(pg_trim(name->modifier), 24, &bits))
		return SLICE("float4");
	for (size_t i = 0; i < ARRAY_SIZE(aliases); i++)
		if (slice_equal(base, aliases[i].name))
			return aliases[i].canonical;
	return base;
}

static uint32_t find_name(struct slice name)
{
	for (size_t i = 0; i < pg_n_types; i++)
		if (slice_equal(pg_types[i].name, name))
			return pg_types[i].oid;
	return 0;
}

uint32_t pg_type_by_name(struct slice name)
{
	uint8_t array_name[NAME_MAX_BYTES + 2];
	struct type_name read;
	struct slice base;
	uint32_t found;

	if (!name.size || !read_name(name, &read))
		return 0;
	base = canonical_name(&read);
	if (!read.array) {
		found = find_name(base);
		if (found || base.data[0] != '_')
			return found;
		base = slice_of(base.data + 1, base.size - 1);
	}
	memcpy(array_name, base.data, base.size);
	memcpy(array_name + base.size, "[]", 2);
	return find_name(slice_of(array_name, base.size + 2));
}
