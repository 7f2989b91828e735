/* SPDX-License-Identifier: Apache-2.0 */
/* The table of protocols: one line for each; and what is asked of all of them. */
#include "parsers/http/wire.h"
#include "parsers/mysql/wire.h"
#include "parsers/postgres/wire.h"
#include "parsers/protocol.h"

const struct protocol *const protocols[] = {
	&postgres_protocol,
	&mysql_protocol,
	&http_protocol,
	NULL,
};

const struct protocol *protocol_by_name(struct slice name)
{
	for (const struct protocol *const *protocol = protocols; *protocol; protocol++)
		if (slice_equal(name, slice_from_string((*protocol)->name)))
			return *protocol;
	return NULL;
}

bool protocol_recognises_late(struct slice client_bytes)
{
	bool late = false;

	for (const struct protocol *const *protocol = protocols; *protocol; protocol++) {
		if (!(*protocol)->recognise ||
		    (*protocol)->recognise(client_bytes) != RECOGNISED_MORE)
			continue;
		if (!(*protocol)->recognised_late)
			return false;
		late = true;
	}
	return late;
}

const struct protocol *protocol_recognise(enum side side, struct slice bytes, bool *ret_more)
{
	*ret_more = false;
	for (const struct protocol *const *protocol = protocols; *protocol; protocol++) {
		enum recognised (*recognise)(struct slice bytes) =
			side == SIDE_CLIENT ? (*protocol)->recognise :
					      (*protocol)->recognise_server;
		enum recognised recognised = recognise ? recognise(bytes) : RECOGNISED_NO;

		if (recognised == RECOGNISED_YES)
			return *protocol;
		*ret_more |= recognised == RECOGNISED_MORE;
	}
	return NULL;
}
