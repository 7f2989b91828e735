/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a recorded connection ends, for recorders of protocols in which a request has one answer. Who ends first decides: what the server cut is
 * flagged as that, what comes from a client behind the server's end nobody reads.
 *
 * A client that ended before anything was said to what it asks either gave up, or only closed its sending side and reads. That shows
 * when its side breaks, or does not: until then what the server says is kept as it came.
 */
#ifndef MOCKPROXY_ENDS_H
#define MOCKPROXY_ENDS_H

#include "parsers/exchange_log.h"
#include "parsers/protocol.h"

/* What is held back at most. */
#define ENDS_HELD_MAX ((size_t)128 << 10)

struct ends {
	bool ended; /* a side ended the connection */
	bool holds_back;
	bool unread; /* the client gave up */
	struct buffer held;
	int64_t held_ns; /* when the last of it came */
};

void ends_init(struct ends *ends);
void ends_release(struct ends *ends);
/*
 * A side ended; `flags` is what that says of what the server cuts, `waits`: nothing was said yet to what the client asked. False: one had
 * ended before.
 */
bool ends_side(struct ends *ends, struct exchange_log *log, enum side side, uint32_t flags,
	       bool waits);
/* A side is broken, behind ends_side(). */
void ends_broken(struct ends *ends, enum side side);
/* Where it holds back: bytes of the server are kept, or are for nobody. False: they are too many, what was held is to be read before them. */
bool ends_hold_back(struct ends *ends, struct slice bytes, int64_t time_ns);
/*
 * Holds nothing back any more. True: what was held is to be read now, as of ends->held_ns, since somebody may have read it. It is
 * valid until ends_release().
 */
bool ends_give_back(struct ends *ends, struct slice *ret_bytes);

#endif
