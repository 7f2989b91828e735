/* SPDX-License-Identifier: Apache-2.0 */
/* See kill.h. MySQL's canonical form keeps the case of words that are not reserved. */
#include "parsers/sql/kill.h"

static bool take(struct slice *text, struct slice word)
{
	if (text->size < word.size || !slice_equal_nocase(slice_of(text->data, word.size), word))
		return false;
	*text = slice_of(text->data + word.size, text->size - word.size);
	return true;
}

static enum sql_kill mysql_kill(struct slice rest)
{
	enum sql_kill kill = SQL_KILLS_SESSION;

	if (!take(&rest, SLICE("kill ")))
		return SQL_KILLS_NOTHING;
	if (!take(&rest, SLICE("hard ")))
		take(&rest, SLICE("soft "));
	if (take(&rest, SLICE("query ")))
		kill = SQL_KILLS_QUERY;
	else
		take(&rest, SLICE("connection "));
	return slice_equal(rest, SLICE("?")) ? kill : SQL_KILLS_NOTHING;
}

static enum sql_kill postgres_kill(struct slice rest)
{
	if (!take(&rest, SLICE("select ")))
		return SQL_KILLS_NOTHING;
	take(&rest, SLICE("pg_catalog."));
	if (take(&rest, SLICE("pg_cancel_backend(?")))
		return SQL_KILLS_QUERY;
	return take(&rest, SLICE("pg_terminate_backend(?")) ? SQL_KILLS_SESSION : SQL_KILLS_NOTHING;
}

static bool read_number(struct slice digits, uint32_t *ret_number)
{
	uint64_t number = 0;

	for (size_t i = 0; i < digits.size; i++) {
		if (digits.data[i] < '0' || digits.data[i] > '9' || number > UINT32_MAX / 10)
			return false;
		number = 10 * number + (uint64_t)(digits.data[i] - '0');
	}
	*ret_number = (uint32_t)number;
	return number && number <= UINT32_MAX;
}

enum sql_kill sql_kill_of(const struct sql_statement *statement, const struct sql_value *values,
			  uint32_t *ret_number)
{
	enum sql_kill kill = SQL_KILLS_NOTHING;

	if (!statement->n_slots || values[0].null)
		return SQL_KILLS_NOTHING;
	if (statement->verb == SQL_KILL)
		kill = mysql_kill(statement->canonical);
	else if (statement->verb == SQL_SELECT && statement->dialect == SQL_POSTGRES)
		kill = postgres_kill(statement->canonical);
	return kill && read_number(values[0].text, ret_number) ? kill : SQL_KILLS_NOTHING;
}
