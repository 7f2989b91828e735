/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kills: what sessions of a recording were doing when another session killed them, or that (MySQL's KILL and KILL QUERY). In replay such
 * an answer waits for the KILL, as it did.
 *
 * Built by one thread; afterwards all functions may be called from any.
 */
#ifndef MOCKPROXY_KILLS_H
#define MOCKPROXY_KILLS_H

#include "store/endpoints.h"

struct kills {
	bool any; /* somebody killed somebody */
	struct interrupted {
		int64_t exchange;
		int64_t killer; /* the exchange that did it */
	} * interrupted;	/* by id */
	size_t n;
};

/* SQLITE_OK, or an error. Release it in any case. */
MUST_CHECK int kills_load(struct kills *kills, const struct endpoints *endpoints,
			  sqlite3 *database);
void kills_release(struct kills *kills);

/* The KILL; 0: it was not interrupted. */
int64_t kills_interrupted(const struct kills *kills, int64_t exchange);

#endif
