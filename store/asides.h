/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asides of a recording: what a server said by itself, each with the exchange behind which replay says it.
 *
 * That is for what belongs to its session the last exchange of that session which is not housekeeping (BEGIN, COMMIT, SET: those of all
 * sessions are one). A notification of the app's own is made by the statement that notifies, when that is replayed: nothing of it is
 * kept here, unless no statement spells it out (a trigger); then its exchange is what the notifying session had begun last.
 *
 * Const after loading, but for which of them were given.
 */
#ifndef MOCKPROXY_ASIDES_H
#define MOCKPROXY_ASIDES_H

#include "store/endpoints.h"
#include "store/reader.h"

#include <stdatomic.h>

struct aside_entry {
	int64_t exchange;
	size_t number; /* as they came */
	struct answer_aside aside;
	_Atomic bool given;
};

struct asides {
	struct aside_entry *list; /* by exchange, then as they came */
	size_t n;
	bool any; /* something to say, or somebody who listened */
	struct arena arena;
};

/* SQLITE_OK, or an error. Release it in any case. */
MUST_CHECK int asides_load(struct asides *asides, struct reader *reader,
			   const struct endpoints *endpoints);
void asides_release(struct asides *asides);
/* The next behind this exchange, from *at on (0 at first), which is moved on; NULL: no more. Any thread. */
const struct answer_aside *asides_next(struct asides *asides, int64_t exchange, size_t *at);

#endif
