/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The MySQL recorder: what the server says of its session, and what statements change of it ("Session State Information" of the internals
 * manual).
 */
#include "parsers/mysql/recorder.h"

void my_status_said(struct recorder *recorder, uint16_t status)
{
	/* A COM_STATISTICS says no status, and is given this one: no result follows it. */
	recorder->status = status & (uint16_t)~MY_STATUS_MORE_RESULTS;
	recorder->log.transaction = status & MY_STATUS_IN_TRANS ? 'T' : 'I';
	recorder->options.backslash_escapes = !(status & MY_STATUS_NO_BACKSLASH_ESCAPES);
	/* Only MariaDB says it. */
	if (!(recorder->greeting.capabilities & MY_CLIENT_MYSQL))
		recorder->options.ansi_quotes = status & MY_STATUS_ANSI_QUOTES;
}

void my_status_add(struct recorder *recorder, struct slice name, struct slice value)
{
	struct buffer bytes;

	buffer_init(&bytes, MY_ANSWER_MAX + 64);
	buffer_append_slice(&bytes, name);
	buffer_append_u8(&bytes, 0);
	buffer_append_slice(&bytes, value);
	buffer_append_u8(&bytes, 0);
	/* A NUL in one of them would make it unreadable; no variable has one. */
	if (recorder->log.active && !(name.size && memchr(name.data, 0, name.size)) &&
	    !(value.size && memchr(value.data, 0, value.size)))
		exchange_piece(&recorder->log, PIECE_STATUS, buffer_slice(&bytes));
	buffer_release(&bytes);
}

static bool add_variables(struct recorder *recorder, struct cursor cursor)
{
	while (cursor_left(&cursor) && !cursor.failed) {
		struct slice name = my_read_lenenc_bytes(&cursor);
		struct slice value = my_read_lenenc_bytes(&cursor);

		if (slice_equal(name, SLICE("character_set_client")))
			recorder->options.charset = (uint8_t)sql_charset_of(value);
		if (!cursor.failed)
			my_status_add(recorder, name, value);
	}
	return cursor_done(&cursor);
}

static bool add_change(struct recorder *recorder, uint8_t type, struct slice data)
{
	struct cursor cursor = cursor_of(data);
	struct slice value;

	if (type == MY_CHANGE_VARIABLE)
		return add_variables(recorder, cursor);
	if (!my_change_name(type).size)
		return true;
	if (type == MY_CHANGE_GTIDS)
		cursor_u8(&cursor);
	/* Of the state there is one letter, without a length of its own. */
	value = type == MY_CHANGE_STATE ? data : my_read_lenenc_bytes(&cursor);
	if (type == MY_CHANGE_SCHEMA && !cursor.failed)
		my_database_set(recorder, value);
	my_status_add(recorder, my_change_name(type), value);
	return !cursor.failed;
}

bool my_status_changes(struct recorder *recorder, const struct my_ok *ok)
{
	struct cursor changes = cursor_of(ok->changes);
	struct slice data;
	uint8_t type;

	while (my_change_next(&changes, &type, &data))
		if (!add_change(recorder, type, data))
			return my_fail(recorder, "malformed session state");
	return cursor_done(&changes) || my_fail(recorder, "malformed session state");
}

/* "use shop", "USE `shop`;" */
static void follow_use(struct recorder *recorder, struct slice text)
{
	struct slice name;

	if (text.size < 5 || text.size > MY_DATABASE_MAX ||
	    !slice_equal_nocase(slice_of(text.data, 3), SLICE("use")) ||
	    !strchr(" \t\n\r`", text.data[3]))
		return;
	name = exchange_trim(slice_of(text.data + 3, text.size - 3));
	if (name.size && name.data[name.size - 1] == ';')
		name = exchange_trim(slice_of(name.data, name.size - 1));
	if (name.size > 1 && name.data[0] == '`' && name.data[name.size - 1] == '`')
		name = slice_of(name.data + 1, name.size - 2);
	my_database_set(recorder, name);
}

void my_status_follow(struct recorder *recorder)
{
	const struct exchange_item *exchange = &recorder->log.active->exchange;

	if (!exchange->opens)
		return;
	follow_use(recorder, exchange->text);
	my_lexer_follow(recorder, exchange->text);
}
