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

struct type_scope pg_scope(const struct replayer *replayer, uint64_t exchange)
{
	const struct answers *answers = replayer->answers;
	struct type_scope scope = { 0 };
	struct slice database = { NULL, 0 };

	if (!answers->types)
		return scope;
	if (!exchange) /* who only makes a checksum has no session */
		database = sql_session_context(replayer->session).database;
	answers->types(answers->context, exchange, database, &scope);
	return scope;
}

/* A binary value is shown as the text of a session in UTC; other sessions have other texts. */
static bool is_utc(const struct replayer *replayer)
{
	struct slice time_zone = sql_session_setting(replayer->session, SLICE("TimeZone"));

	return time_zone.data ? pg_is_utc(time_zone) : replayer->utc;
}

bool pg_value_of_session(const struct column *column, uint16_t form)
{
	return form == PARAMETER_TEXT && column->form == PARAMETER_BINARY &&
	       pg_type_has_time_zone(NULL, column->type_id);
}

/* The text of a value that was recorded in binary. */
static int shown(const struct replayer *replayer, uint32_t type, const struct answer_value *value,
		 struct buffer *out)
{
	struct type_scope scope = { 0 };

	if (type >= PG_FIRST_OWN_TYPE || value->kind == ANSWER_RAW)
		scope = pg_scope(replayer, replayer->send.exchange);
	if (value->kind == ANSWER_RAW) {
		scope.shown = true;
		scope.no_time_zone = !is_utc(replayer);
		return pg_value_to_text_in(&scope, type, value->bytes, out);
	}
	if (pg_type_has_time_zone(&scope, type) && !is_utc(replayer))
		return -ENOTSUP;
	buffer_append_slice(out, value->bytes);
	return 0;
}

int pg_value_encode(const struct replayer *replayer, const struct column *column, uint16_t form,
		    const struct answer_value *value, struct buffer *out)
{
	uint16_t recorded = column ? column->form : PARAMETER_TEXT;
	uint32_t type = column ? column->type_id : 0;
	struct type_scope scope;

	if (value->kind == ANSWER_RAW && form != recorded && form == PARAMETER_BINARY)
		return -ENOTSUP;
	if (value->kind == ANSWER_RAW && form == recorded) {
		buffer_append_slice(out, value->bytes);
		return 0;
	}
	if (form == PARAMETER_BINARY) {
		if (type < PG_FIRST_OWN_TYPE)
			return pg_value_to_binary(type, value->bytes, out);
		scope = pg_scope(replayer, replayer->send.exchange);
		return pg_value_to_binary_in(&scope, type, value->bytes, out);
	}
	if (recorded == PARAMETER_BINARY)
		return shown(replayer, type, value, out);
	buffer_append_slice(out, value->bytes);
	return 0;
}
