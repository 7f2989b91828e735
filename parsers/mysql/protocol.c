/* SPDX-License-Identifier: Apache-2.0 */
/* MySQL's and MariaDB's entry in the table of protocols. */
#include "parsers/mysql/wire.h"

#include <errno.h>

/* NEEDSWORK: stand-ins until the replayer is merged; then the functions of replayer.c take their place. */
static struct replayer *no_replayer_new(const struct answers *answers, uint64_t connection)
{
	(void)answers;
	(void)connection;
	return NULL;
}

static void no_replayer_free(struct replayer *replayer)
{
	(void)replayer;
}

static int no_replayer_feed(struct replayer *replayer, struct slice bytes, const char **ret_why)
{
	(void)replayer;
	(void)bytes;
	*ret_why = "MySQL is not replayed yet";
	return -ENOTSUP;
}

static enum replay_state no_replayer_fill(struct replayer *replayer, struct buffer *out)
{
	(void)replayer;
	(void)out;
	return REPLAY_CLOSE;
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
	.columns_read = my_columns_read,
	.message_read = my_message_read,
	.type_name = my_type_name,
	.type_kind = my_type_kind,
	.value_to_text = my_value_to_text,
	.completion_read = my_completion_read,
	.replayer_new = no_replayer_new,
	.replayer_free = no_replayer_free,
	.replayer_feed = no_replayer_feed,
	.replayer_fill = no_replayer_fill,
};
