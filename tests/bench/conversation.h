/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conversation: bytes that were never on a wire, passed through the program's own recorder and writer, so that the file is
 * what recording such a run would have given. Time passes by a fixed step, and a failure ends the program.
 *
 *	conversation_open() ── conversation_see() ... ── conversation_close()
 */
#ifndef MOCKPROXY_BENCH_CONVERSATION_H
#define MOCKPROXY_BENCH_CONVERSATION_H

#include "parsers/buffer.h"
#include "parsers/protocol.h"

struct conversation;

/* One connection of `program` to 127.0.0.1:port, recorded into a new file. */
struct conversation *conversation_open(const char *path, const char *protocol, const char *program,
				       uint16_t port);
/* What a side says next. */
void conversation_see(struct conversation *conversation, enum side side, struct slice bytes);
/* The connection and the recording end, which has to hold so many exchanges, all of them whole. */
void conversation_close(struct conversation *conversation, uint64_t exchanges);

#endif
