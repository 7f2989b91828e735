/* SPDX-License-Identifier: Apache-2.0 */
/* sql_mode; see mode.h. MySQL 8.4 reference manual, section 7.1.11 "Server SQL Modes"; the names of
 * other databases are MariaDB's and MySQL 5.7's. */
#include "parsers/sql/mode.h"

#include "parsers/compiler.h"

static uint32_t mode_of(struct slice name)
{
	static const char *const quotes[] = { "ansi_quotes", "ansi",   "db2",	    "maxdb",
					      "mssql",	     "oracle", "postgresql" };

	for (size_t i = 0; i < ARRAY_SIZE(quotes); i++)
		if (slice_equal_nocase(name, slice_from_string(quotes[i])))
			return SQL_MODE_ANSI_QUOTES;
	return slice_equal_nocase(name, SLICE("no_backslash_escapes")) ?
		       SQL_MODE_NO_BACKSLASH_ESCAPES :
		       0;
}

static bool parse_number(struct slice value, uint64_t *ret_number)
{
	uint64_t number = 0;

	if (!value.size || value.size > 19)
		return false;
	for (size_t i = 0; i < value.size; i++) {
		if (value.data[i] < '0' || value.data[i] > '9')
			return false;
		number = number * 10 + (uint64_t)(value.data[i] - '0');
	}
	*ret_number = number;
	return true;
}

uint32_t sql_mode_parse(struct slice value)
{
	uint64_t number;
	uint32_t modes = 0;

	if (parse_number(value, &number))
		return (uint32_t)number &
		       (uint32_t)(SQL_MODE_ANSI_QUOTES | SQL_MODE_NO_BACKSLASH_ESCAPES);
	while (value.size) {
		const uint8_t *comma = memchr(value.data, ',', value.size);
		size_t size = comma ? (size_t)(comma - value.data) : value.size;

		modes |= mode_of(slice_of(value.data, size));
		size += comma != NULL;
		value = slice_of(value.data + size, value.size - size);
	}
	return modes;
}
