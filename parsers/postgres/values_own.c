/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PostgreSQL values: types that are not built in, by what is known of them (types.h).
 *
 * What a database says of its types may go round in circles (a recording is edited, a server lies):
 * a type within DEPTH_MAX others is not known.
 */
#include "parsers/postgres/values_internal.h"

#define DEPTH_MAX 32

/* Types of extensions, whose form only their name tells. */
static const struct {
	struct slice name;
	const struct pg_codec *codec;
} by_name[] = {
	{ SLICE("citext"), &pg_codec_label },	     { SLICE("hstore"), &pg_codec_hstore },
	{ SLICE("vector"), &pg_codec_pgvector },     { SLICE("halfvec"), &pg_codec_halfvec },
	{ SLICE("sparsevec"), &pg_codec_sparsevec },
};

static const struct pg_codec *codec_by_name(struct slice name)
{
	for (size_t i = 0; i < ARRAY_SIZE(by_name); i++)
		if (slice_equal(name, by_name[i].name))
			return by_name[i].codec;
	return NULL;
}

static const struct pg_codec *codec_of(const struct type_entry *entry)
{
	switch (entry->sort) {
	case TYPE_ENUM:
		return &pg_codec_label;
	case TYPE_COMPOSITE:
		return &pg_codec_composite;
	case TYPE_RANGE:
		return entry->element ? &pg_codec_range : NULL;
	case TYPE_MULTIRANGE:
		return entry->element ? &pg_codec_multirange : NULL;
	case TYPE_ARRAY:
		return entry->element ? &pg_codec_array : NULL;
	case TYPE_BASE:
	case TYPE_SORT_UNKNOWN:
		return codec_by_name(entry->name);
	default:
		return NULL;
	}
}

/* Built-in types whose text depends on the session's TimeZone: timestamptz, its array, its range and multirange. */
static bool has_time_zone(uint32_t type)
{
	return type == 1184 || type == 1185 || type == 3910 || type == 3911 || type == 4534 ||
	       type == 6153;
}

/*
 * To be shown, or compared: of a record only its bytes tell what it is made of, and an array's and a numeric's say what clients
 * make of them, which need not be what a server would.
 */
static const struct pg_type *shown_type(const struct type_scope *scope, uint8_t depth,
					const struct pg_type *found, struct pg_type *room)
{
	*room = *found;
	room->scope = scope;
	room->depth = depth;
	if (found->oid == PG_RECORD)
		room->codec = &pg_codec_composite;
	else if (found->oid == PG_RECORD_ARRAY)
		room->codec = &pg_codec_array;
	return room;
}

static const struct pg_type *builtin_in(const struct type_scope *scope, uint8_t depth,
					const struct pg_type *found, struct pg_type *room)
{
	if (!scope)
		return found;
	if (scope->no_time_zone && has_time_zone(found->oid))
		return NULL;
	if (scope->shown && depth < DEPTH_MAX &&
	    (found->codec == &pg_codec_array || found->codec == &pg_codec_numeric ||
	     found->oid == PG_RECORD || found->oid == PG_RECORD_ARRAY))
		return shown_type(scope, depth, found, room);
	return found;
}

const struct pg_type *pg_type_in(const struct type_scope *scope, uint8_t depth, uint32_t oid,
				 struct pg_type *room)
{
	const struct pg_type *found = pg_type_find(oid);
	const struct type_entry *entry;

	for (; !found && scope && scope->types && depth < DEPTH_MAX; depth++) {
		entry = types_find(scope->types, oid, scope->at);
		if (!entry)
			return NULL;
		if (entry->sort != TYPE_DOMAIN) {
			*room = (struct pg_type){ .oid = oid,
						  .element = entry->element,
						  .kind = SQL_STRING,
						  .name = entry->name,
						  .codec = codec_of(entry),
						  .scope = scope,
						  .own = entry,
						  .depth = depth };
			return room;
		}
		oid = entry->element;
		found = pg_type_find(oid);
	}
	return found ? builtin_in(scope, depth, found, room) : NULL;
}

enum sql_kind pg_type_kind_in(const struct type_scope *scope, uint32_t type)
{
	const struct pg_type *found = pg_type_find(type);
	struct pg_type room;

	if (found)
		return (enum sql_kind)found->kind;
	found = pg_type_in(scope, 0, type, &room);
	if (found && (found->kind == SQL_NUMBER || found->kind == SQL_BOOLEAN))
		return (enum sql_kind)found->kind;
	return SQL_STRING;
}

struct slice pg_type_name_in(const struct type_scope *scope, uint32_t type)
{
	struct slice name = pg_type_name(type);
	const struct type_entry *entry = NULL;

	if (!name.size && scope && scope->types)
		entry = types_find(scope->types, type, scope->at);
	return entry ? entry->name : name;
}

bool pg_type_same_forms(const struct type_scope *scope, uint32_t type)
{
	struct pg_type room;
	const struct pg_type *found = pg_type_in(scope, 0, type, &room);

	return found && (found->codec == &pg_codec_text || found->codec == &pg_codec_label);
}

static bool time_zone_within(const struct type_scope *scope, uint8_t depth, uint32_t oid)
{
	struct pg_type room;
	const struct pg_type *found = pg_type_in(scope, depth, oid, &room);

	if (!found || depth >= DEPTH_MAX)
		return true;
	if (!found->own)
		return has_time_zone(found->oid);
	if (found->codec == &pg_codec_composite && !found->own->attributes)
		return true;
	depth = (uint8_t)(found->depth + 1);
	for (size_t i = 0; found->codec == &pg_codec_composite && i < found->own->n_attributes; i++)
		if (time_zone_within(scope, depth, found->own->attributes[i]))
			return true;
	return found->codec != &pg_codec_composite && found->element &&
	       time_zone_within(scope, depth, found->element);
}

bool pg_type_has_time_zone(const struct type_scope *scope, uint32_t type)
{
	return type < PG_FIRST_OWN_TYPE ? has_time_zone(type) : time_zone_within(scope, 0, type);
}
