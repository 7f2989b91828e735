/* SPDX-License-Identifier: Apache-2.0 */
/* The ends of a recorded connection; see ends.h. */
#include "parsers/ends.h"

void ends_init(struct ends *ends)
{
	*ends = (struct ends){ 0 };
	buffer_init(&ends->held, ENDS_HELD_MAX);
}

void ends_release(struct ends *ends)
{
	buffer_release(&ends->held);
}

bool ends_side(struct ends *ends, struct exchange_log *log, enum side side, uint32_t flags,
	       bool waits)
{
	if (ends->ended)
		return false;
	ends->ended = true;
	log->cut_flags = side == SIDE_SERVER ? flags : 0;
	ends->holds_back = side == SIDE_CLIENT && waits;
	return true;
}

void ends_broken(struct ends *ends, enum side side)
{
	ends->unread |= side == SIDE_CLIENT && ends->holds_back;
}

bool ends_hold_back(struct ends *ends, struct slice bytes, int64_t time_ns)
{
	if (ends->unread)
		return true;
	if (bytes.size > ENDS_HELD_MAX - ends->held.size)
		return false;
	buffer_append_slice(&ends->held, bytes);
	ends->held_ns = time_ns;
	return true;
}

bool ends_give_back(struct ends *ends, struct slice *ret_bytes)
{
	bool held = ends->holds_back && !ends->unread;

	ends->holds_back = false;
	*ret_bytes = buffer_slice(&ends->held);
	return held && ret_bytes->size;
}
