/* SPDX-License-Identifier: Apache-2.0 */
/* PostgreSQL's entry in the table of protocols. */
#include "parsers/postgres/catalogue.h"
#include "parsers/postgres/values.h"
#include "parsers/postgres/wire.h"

const struct protocol postgres_protocol = {
	.name = "postgres",
	.dialect = SQL_POSTGRES,
	.recognise = pg_recognise,
	.recognise_max = 8,
	.handshake = pg_handshake,
	.handshake_max = PG_STARTUP_MAX,
	.recorder_new = pg_recorder_new,
	.recorder_free = pg_recorder_free,
	.recorder_see = pg_recorder_see,
	.recorder_flush = pg_recorder_flush,
	.recorder_end = pg_recorder_end,
	.recorder_checksum = pg_recorder_checksum,
	.checksum = pg_checksum,
	.recorder_broken = pg_recorder_broken,
	.columns_read = pg_columns_read,
	.message_read = pg_message_read,
	.type_name = pg_type_name,
	.type_kind = pg_type_kind_in,
	.value_to_text = pg_value_to_text_in,
	.types_places = pg_catalogue_places,
	.types_row = pg_catalogue_row,
	.completion_read = pg_completion_read,
	.tells_login = LOGIN_PARAMETERS,
	.replayer_new = pg_replayer_new,
	.replayer_free = pg_replayer_free,
	.replayer_feed = pg_replayer_feed,
	.replayer_fill = pg_replayer_fill,
	.replayer_wait = pg_replayer_wait,
	.replayer_tell = pg_replayer_tell,
};
