/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PostgreSQL replayer: one stored value in the form that the client asked for. Where no exact conversion exists the
 * answer is an error, never wrong bytes (design §3.8).
 */
#include "parsers/postgres/replayer.h"
#include "parsers/postgres/values.h"

#include <errno.h>

bool pg_is_utc(struct slice time_zone)
{
	static const char *const names[] = { "UTC", "Etc/UTC", "GMT", "Etc/GMT", "UCT", "Zulu" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (slice_equal_nocase(time_zone, slice_from_string(names[i])))
			return true;
	return false;
}

/* Types whose text depends on the session's TimeZone: timestamptz, its array, its range and multirange. */
static bool depends_on_time_zone(uint32_t type)
{
	return type == 1184 || type == 1185 || type == 3910 || type == 3911 || type == 4534;
}

/* A binary value is stored as the text of a session in UTC; other sessions have other texts. */
static bool text_is_this_session(const struct replayer *replayer, uint32_t type)
{
	struct slice time_zone;

	if (!depends_on_time_zone(type))
		return true;
	time_zone = sql_session_setting(replayer->session, SLICE("TimeZone"));
	return time_zone.data ? pg_is_utc(time_zone) : replayer->utc;
}

bool pg_value_of_session(const struct column *column, uint16_t form)
{
	return form == PARAMETER_TEXT && column->form == PARAMETER_BINARY &&
	       depends_on_time_zone(column->type_id);
}

int pg_value_encode(const struct replayer *replayer, const struct column *column, uint16_t form,
		    const struct answer_value *value, struct buffer *out)
{
	uint16_t recorded = column ? column->form : PARAMETER_TEXT;
	uint32_t type = column ? column->type_id : 0;

	if (value->kind == ANSWER_RAW) {
		if (form != recorded)
			return -ENOTSUP;
		buffer_append_slice(out, value->bytes);
		return 0;
	}
	if (form == PARAMETER_BINARY)
		return pg_value_to_binary(type, value->bytes, out);
	if (recorded == PARAMETER_BINARY && !text_is_this_session(replayer, type))
		return -ENOTSUP;
	buffer_append_slice(out, value->bytes);
	return 0;
}
