/* SPDX-License-Identifier: Apache-2.0 */
/* MySQL's and MariaDB's entry in the table of protocols. */
#include "parsers/mysql/wire.h"

/* There are no types but its own. */
static enum sql_kind type_kind(const struct type_scope *scope, uint32_t type)
{
	(void)scope;
	return my_type_kind(type);
}

static int value_to_text(const struct type_scope *scope, uint32_t type, struct slice bytes,
			 struct buffer *text)
{
	return scope && scope->shown ? my_value_show(type, bytes, text) :
				       my_value_to_text(type, bytes, text);
}

const struct protocol mysql_protocol = {
	.name = "mysql",
	.dialect = SQL_MYSQL,
	.recognise = my_recognise,
	.recognise_max = 1,
	.recognise_server = my_recognise_server,
	.handshake = my_handshake,
	.handshake_max = MY_LOGIN_MAX + MY_HEADER_SIZE,
	.recorder_new = my_recorder_new,
	.recorder_free = my_recorder_free,
	.recorder_see = my_recorder_see,
	.recorder_flush = my_recorder_flush,
	.recorder_end = my_recorder_end,
	.recorder_broken = my_recorder_broken,
	.columns_read = my_columns_read,
	.message_read = my_message_read,
	.type_name = my_type_name,
	.type_kind = type_kind,
	.value_to_text = value_to_text,
	.completion_read = my_completion_read,
	.tells_login = LOGIN_USER,
	.replayer_new = my_replayer_new,
	.replayer_free = my_replayer_free,
	.replayer_feed = my_replayer_feed,
	.replayer_fill = my_replayer_fill,
	.replayer_wait = my_replayer_wait,
	.replayer_tell = my_replayer_tell,
};
