/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP's entry in the table of protocols. It is no SQL: what has to do with rows and columns is never asked of it.
 */
#include "parsers/http/wire.h"

/* There is nothing to shake: the request is the first that is said. */
static struct handshake_step no_handshake(enum side side, struct slice bytes, struct buffer *edited)
{
	(void)side;
	(void)bytes;
	(void)edited;
	return (struct handshake_step){ .action = HANDSHAKE_DONE };
}

const struct protocol http_protocol = {
	.name = "http",
	.recognise = http_recognise,
	.recognise_max = HTTP_RECOGNISE_MAX,
	.handshake = no_handshake,
	.handshake_max = HTTP_RECOGNISE_MAX,
	.recognised_late = true,
	.may_tunnel = http_may_tunnel,
	.recorder_span = http_recorder_span,
	.recorder_tunnel = http_recorder_tunnel,
	.recorder_new = http_recorder_new,
	.recorder_free = http_recorder_free,
	.recorder_see = http_recorder_see,
	.recorder_flush = http_recorder_flush,
	.recorder_end = http_recorder_end,
	.recorder_broken = http_recorder_broken,
	.replayer_new = http_replayer_new,
	.replayer_free = http_replayer_free,
	.replayer_feed = http_replayer_feed,
	.replayer_fill = http_replayer_fill,
	.replayer_wait = http_replayer_wait,
	.replayer_tunnel = http_replayer_tunnel,
};
