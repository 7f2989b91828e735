/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A conversation made of fuzz input, for fuzzing recorders: blocks of one byte (its low bit is the side), a big-endian
 * length of two bytes, and bytes. No bytes: the side ended, where the protocol is told of that. With the bit of 2 in its first
 * byte another one follows the block: so many KiB of "x" come behind it, so that small inputs reach what is large.
 */
#ifndef MOCKPROXY_FUZZ_CONVERSATION_H
#define MOCKPROXY_FUZZ_CONVERSATION_H

#include "parsers/protocol.h"

struct conversation {
	const struct protocol *protocol;
	struct slice greeting; /* said by the server before anything else; may be empty */
	struct slice login[2]; /* said before the input, by enum side; may be empty */
	struct slice input;
	bool ends; /* a block without bytes is the end of its side */
	/*
	 * Bytes may be compressed: what comes out of them is not bounded by their number, and what was understood of them
	 * before a failure may depend on the cuts.
	 */
	bool inflates;
};

/*
 * Runs the recorder over it, whole and cut into pieces of `cut` bytes: aborts when the items differ, or take more memory
 * than what came in allows.
 */
void conversation_check(const struct conversation *conversation, size_t cut);

#endif
