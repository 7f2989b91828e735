/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions: what is no part of a request's identity and yet decides what a server answers, of MySQL the user and the time zone
 * (table `context`). Among equal answers those of an equal session come first: each kind of session has a number, its tag.
 *
 * Built by one thread; afterwards all functions may be called from any.
 */
#ifndef MOCKPROXY_STORE_SESSIONS_H
#define MOCKPROXY_STORE_SESSIONS_H

#include "store/endpoints.h"

/* A statement whose context tells more than its connection does. */
struct session_statement {
	int64_t id;
	uint32_t login; /* 0: its connection's */
	uint32_t zone;	/* 0: none was set */
};

struct sessions {
	struct intern zones; /* name -> number, from 1 */
	uint32_t n_zones;
	struct session_statement *statements; /* by id */
	size_t n;
};

/* SQLITE_OK, or an error. Release it in any case. */
MUST_CHECK int sessions_load(struct sessions *sessions, struct endpoints *endpoints,
			     sqlite3 *database);
void sessions_release(struct sessions *sessions);

/* The tag of an exchange of this statement, by a connection with this login. */
uint32_t sessions_of(const struct sessions *sessions, int64_t statement, uint32_t login);
/* The number of a time zone; 0: nobody had set it. */
uint32_t sessions_zone(const struct sessions *sessions, struct slice name);
/* A session without a zone has its login's number. Should two have the same, recorded order decides between them. */
uint32_t sessions_tag(uint32_t login, uint32_t zone);

#endif
