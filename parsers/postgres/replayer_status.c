/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PostgreSQL replayer: ParameterStatus. A server reports the settings marked GUC_REPORT before ReadyForQuery, when their
 * value is another than it reported last (55.2.7). What a SET makes of them was recorded with it; what the end of a transaction takes
 * back depends on how this session's transactions go, and follows from its own settings.
 */
#include "parsers/postgres/replayer.h"

#include <stdlib.h>

static const char *const names[PG_REPORTED] = {
	"client_encoding",  "DateStyle",     "TimeZone",
	"application_name", "IntervalStyle", "standard_conforming_strings",
};

static struct pg_reported *find(struct replayer *replayer, struct slice name)
{
	for (size_t i = 0; i < PG_REPORTED; i++)
		if (slice_equal(name, slice_from_string(names[i])))
			return &replayer->reported[i];
	return NULL;
}

/* data NULL stays NULL: it means that nothing was set. */
static void keep(struct slice *kept, struct slice value)
{
	uint8_t *copy = NULL;

	if (value.data) {
		copy = malloc(value.size + 1);
		if (!copy)
			abort();
		memcpy(copy, value.data, value.size);
	}
	free((void *)(uintptr_t)kept->data);
	*kept = slice_of(copy, value.size);
}

static bool same(struct slice a, struct slice b)
{
	return a.data && b.data ? slice_equal(a, b) : !a.data && !b.data;
}

void pg_status_login(struct replayer *replayer, struct slice name, struct slice value)
{
	struct pg_reported *reported = find(replayer, name);

	if (!reported)
		return;
	keep(&reported->at_login, value);
	keep(&reported->last, value);
	keep(&reported->login_set, sql_session_setting(replayer->session, name));
	keep(&reported->set, sql_session_setting(replayer->session, name));
}

void pg_status_recorded(struct replayer *replayer, struct slice name, struct slice value)
{
	const struct sql_statement *sql =
		replayer->executing ? &replayer->executing->prepared->sql : &replayer->sql;
	struct pg_reported *reported = find(replayer, name);

	if (!reported) {
		/* A batch may bring more of them than anybody wants: no message is cut. */
		if (name.size + value.size + 16 < replayer->status.max - replayer->status.size)
			pg_send_status(&replayer->status, name, value);
	} else if (sql->verb != SQL_COMMIT && sql->verb != SQL_ROLLBACK &&
		   sql->verb != SQL_ROLLBACK_TO)
		keep(&reported->recorded, value);
}

/* What the server would call the setting now. */
static struct slice current(const struct pg_reported *reported, struct slice set)
{
	if (reported->recorded.data)
		return reported->recorded;
	if (!set.data || same(set, reported->login_set))
		return reported->at_login;
	return set;
}

void pg_status_send(struct replayer *replayer, struct buffer *out)
{
	buffer_append_slice(out, buffer_slice(&replayer->status));
	buffer_clear(&replayer->status);
	for (size_t i = 0; i < PG_REPORTED; i++) {
		struct pg_reported *reported = &replayer->reported[i];
		struct slice name = slice_from_string(names[i]);
		struct slice set = sql_session_setting(replayer->session, name);
		struct slice value;

		if (!reported->recorded.data && same(set, reported->set))
			continue;
		value = current(reported, set);
		if (!same(value, reported->last)) {
			pg_send_status(out, name, value);
			keep(&reported->last, value);
		}
		keep(&reported->set, set);
		keep(&reported->recorded, slice_of(NULL, 0));
	}
}

void pg_status_release(struct replayer *replayer)
{
	for (size_t i = 0; i < PG_REPORTED; i++) {
		struct pg_reported *reported = &replayer->reported[i];

		keep(&reported->at_login, slice_of(NULL, 0));
		keep(&reported->login_set, slice_of(NULL, 0));
		keep(&reported->last, slice_of(NULL, 0));
		keep(&reported->set, slice_of(NULL, 0));
		keep(&reported->recorded, slice_of(NULL, 0));
	}
}
