/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Types: what is known of the types that a server's database has beyond the built-in ones, learned
 * from what the app asked the server about them. Of one database; what is not known is said so, and
 * nothing is guessed.
 *
 * A type may change (ALTER TYPE, a server made anew at the same place): what contradicts is an entry
 * of its own, and the exchange that told it is where it begins.
 */
#ifndef MOCKPROXY_TYPES_H
#define MOCKPROXY_TYPES_H

#include "parsers/compiler.h"
#include "parsers/slice.h"

enum type_sort {
	TYPE_SORT_UNKNOWN,
	TYPE_BASE, /* with a form of its own, which its name tells: of an extension */
	TYPE_ENUM,
	TYPE_DOMAIN,
	TYPE_COMPOSITE,
	TYPE_RANGE,
	TYPE_MULTIRANGE,
	TYPE_ARRAY,
	TYPE_SORTS, /* how many there are */
};

/* "enum", "domain" ...; an empty slice: not known. */
struct slice type_sort_name(enum type_sort sort);
enum type_sort type_sort_by_name(struct slice name);

struct type_entry {
	uint32_t id;
	uint64_t since;	   /* the exchange that told it */
	struct slice name; /* data NULL: not known */
	uint8_t sort;	   /* enum type_sort */
	uint32_t
		element; /* of an array; what a domain, range or multirange is over; 0: not known */
	const uint32_t *attributes; /* types of a composite's; NULL: not known */
	size_t n_attributes;
};

/* Attributes of one composite: a table's limit. */
#define TYPE_ATTRIBUTES_MAX ((size_t)1600)

struct types;

struct types *types_new(void);
void types_free(struct types *types); /* accepts NULL */

/*
 * Adds what is told; copies it. True when that is news: *ret_entry is what is known of the type from
 * then on, until the next call. What is 0 or NULL in `told` was not told.
 */
bool types_learn(struct types *types, const struct type_entry *told,
		 const struct type_entry **ret_entry);

/*
 * What is known of a type for exchange `at`: of what was told up to then the last, else what was told
 * first. NULL: nothing. Valid until the next types_learn().
 */
const struct type_entry *types_find(const struct types *types, uint32_t id, uint64_t at);
/* The only type that has this name now, or "name[]" of the array of it; 0: none, or several. */
uint32_t types_by_name(const struct types *types, struct slice name);

/* What a codec may know: NULL or no types: of built-in types only. */
struct type_scope {
	const struct types *types;
	uint64_t at; /* the exchange that the value is of */
	/*
	 * What the bytes tell of a composite is enough: the text need not be enough to make them again. To show a value, or to
	 * compare it.
	 */
	bool shown;
	bool no_time_zone; /* values whose text depends on the session's TimeZone have none */
};
#define TYPE_SCOPE_NOW UINT64_MAX

/* Where a row tells what of a type: the number of the column, from 1; 0: it does not. */
enum type_field {
	TYPE_FIELD_ID,
	TYPE_FIELD_NAME,
	TYPE_FIELD_SORT,
	TYPE_FIELD_ELEMENT,
	TYPE_FIELD_BASE,     /* a domain's */
	TYPE_FIELD_SUBTYPE,  /* a range's or multirange's */
	TYPE_FIELD_OVER,     /* any of these three */
	TYPE_FIELD_OF_RANGE, /* the same as a subtype, and it is a range, ... */
	TYPE_FIELD_RANGE,    /* ... or a multirange of this one */
	TYPE_FIELD_ARRAY,    /* the type that is the array of it */
	TYPE_FIELD_ATTRIBUTES,
	TYPE_FIELD_LABELS, /* it is an enum */
	TYPE_FIELDS,
};

struct type_places {
	bool any;     /* rows may tell something */
	bool certain; /* all columns of a row are of one type, whatever the statement's text */
	uint16_t column[TYPE_FIELDS];
};

/* One row: the texts of its columns; data NULL: null, or not there. */
struct type_row {
	struct slice fields[TYPE_FIELDS];
};

/* What a row tells: of a type, and of the array of it. */
#define TYPE_ROW_ENTRIES 2

#endif
