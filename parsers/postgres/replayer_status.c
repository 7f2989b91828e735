/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PostgreSQL replayer: ParameterStatus. A server reports the settings marked GUC_REPORT before ReadyForQuery, when their
 * value is another than it reported last (55.2.7). What a SET makes of them was recorded with it; what the end of a transaction takes
 * back depends on how this session's transactions go, and follows from its own settings.
 */
#include "parsers/postgres/replayer.h"

#include <stdlib.h>

static const char *const names[PG_REPORTED] = {
	"client_encoding",
	"DateStyle",
	"TimeZone",
	"application_name",
	"IntervalStyle",
	"standard_conforming_strings",
	"default_transaction_read_only",
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

void pg_status_login(struct replayer *replayer, struct slice name, struct slice value,
		     struct buffer *out)
{
	struct pg_reported *reported = find(replayer, name);
	struct slice asked = sql_session_setting(replayer->session, name);
	struct buffer text;

	if (!reported) {
		pg_send_status(out, name, value);
		return;
	}
	buffer_init(&text, PG_STARTUP_MAX);
	if (asked.data)
		pg_setting_text(name, asked, value, &text);
	else if (!slice_equal(name, SLICE("application_name"))) /* a client that has none */
		buffer_append_slice(&text, value);
	value = text.size ? buffer_slice(&text) : SLICE("");
	pg_send_status(out, name, value);
	keep(&reported->at_login, value);
	keep(&reported->last, value);
	keep(&reported->login_set, asked);
	keep(&reported->set, asked);
	buffer_release(&text);
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
	replayer->status_recorded = true;
}

/* What the server would call the setting now; `text` is room for it. */
static struct slice current(const struct pg_reported *reported, struct slice name, struct slice set,
			    struct buffer *text)
{
	if (reported->recorded.data)
		return reported->recorded;
	if (!set.data || same(set, reported->login_set))
		return reported->at_login;
	buffer_clear(text);
	pg_setting_text(name, set, reported->last, text);
	return text->size ? buffer_slice(text) : SLICE("");
}

void pg_status_send(struct replayer *replayer, struct buffer *out)
{
	uint64_t changes = sql_session_changes(replayer->session);
	struct buffer text;

	buffer_append_slice(out, buffer_slice(&replayer->status));
	buffer_clear(&replayer->status);
	if (changes == replayer->status_changes && !replayer->status_recorded)
		return; /* as nearly always */
	replayer->status_changes = changes;
	replayer->status_recorded = false;
	buffer_init(&text, PG_FILL_BYTES + 16);
	for (size_t i = 0; i < PG_REPORTED; i++) {
		struct pg_reported *reported = &replayer->reported[i];
		struct slice name = slice_from_string(names[i]);
		struct slice set = sql_session_setting(replayer->session, name);
		struct slice value;

		if (!reported->recorded.data &&
		    (same(set, reported->set) || !reported->at_login.data))
			continue;
		value = current(reported, name, set, &text);
		if (!same(value, reported->last)) {
			pg_send_status(out, name, value);
			keep(&reported->last, value);
		}
		keep(&reported->set, set);
		keep(&reported->recorded, slice_of(NULL, 0));
	}
	buffer_release(&text);
}

bool pg_status_current(const struct replayer *replayer, struct slice name, struct buffer *text,
		       struct slice *ret_name)
{
	for (size_t i = 0; i < PG_REPORTED; i++) {
		const struct pg_reported *reported = &replayer->reported[i];
		struct slice set;

		*ret_name = slice_from_string(names[i]);
		if (!slice_equal_nocase(*ret_name, name) || !reported->at_login.data)
			continue;
		set = sql_session_setting(replayer->session, *ret_name);
		if (set.data && !same(set, reported->login_set) &&
		    !pg_setting_is_whole(*ret_name, set))
			return false;
		set = current(reported, *ret_name, set, text);
		if (set.data != text->data) {
			buffer_clear(text);
			buffer_append_slice(text, set);
		}
		return true;
	}
	return false;
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
