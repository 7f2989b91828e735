/* SPDX-License-Identifier: Apache-2.0 */
/* The table of protocols: one line for each. */
#include "parsers/mysql/wire.h"
#include "parsers/postgres/wire.h"
#include "parsers/protocol.h"

const struct protocol *const protocols[] = {
	&postgres_protocol,
	&mysql_protocol,
	NULL,
};

const struct protocol *protocol_by_name(struct slice name)
{
	for (const struct protocol *const *protocol = protocols; *protocol; protocol++)
		if (slice_equal(name, slice_from_string((*protocol)->name)))
			return *protocol;
	return NULL;
}
