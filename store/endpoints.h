/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Endpoints of a recording, and which of them an app means in replay (design §7): by name or
 * address and port (all loopback addresses are one), then by --map, then the only one of that
 * protocol and database.
 *
 * A place is a number from 1: endpoints that are the same place share it. Const after loading.
 */
#ifndef MOCKPROXY_ENDPOINTS_H
#define MOCKPROXY_ENDPOINTS_H

#include "store/intern.h"
#include "store/matcher.h"

#include <sqlite3.h>

struct endpoints {
	struct endpoint *list;
	size_t n;
	uint32_t places;
	/* Connections by id, for the exchanges that are theirs. */
	struct endpoint_connection {
		int64_t id;
		uint32_t place; /* 0: not known */
		uint32_t
			login; /* who asked for the same at login share it; 0: replayers tell of none */
		uint32_t backend; /* the server's number of the session; 0: not known */
		uint32_t
			next_alike; /* the next one that endpoints_backend() gives, from 1; 0: none */
		const struct protocol *speaks; /* NULL: not known here */
	} * connections;
	size_t n_connections;
	struct intern sessions; /* place (+ database (+ user)) -> the first connection with them */
	struct intern
		refused; /* place + database + user -> struct refusals; and a number -> its connection */
	struct intern databases; /* protocol (+ database) -> its only place, or ENDPOINTS_SEVERAL */
	struct intern
		logins; /* what was asked for at login, as it is stored and by its names' order -> its number, from 1 */
	uint32_t n_logins;
	struct intern
		alike; /* place + login's number (0 where the server speaks first) -> struct alike */
};

#define ENDPOINTS_SEVERAL UINT32_MAX

/* SQLITE_OK, or an error. Release it in any case. */
MUST_CHECK int endpoints_load(struct endpoints *endpoints, sqlite3 *database);
void endpoints_release(struct endpoints *endpoints);

/* The place that `address` and port mean for this protocol; 0: none was recorded. */
uint32_t endpoints_find(const struct endpoints *endpoints, const struct matcher_options *options,
			struct slice protocol, struct slice address, uint16_t port);
/*
 * The only place where this protocol and database were recorded, else the only one of the protocol: its database may become
 * known later, or never. 0: none, or several.
 */
uint32_t endpoints_only(const struct endpoints *endpoints, struct slice protocol,
			struct slice database);
/* The number of a login (a JSON object, in any order); 0: nobody logged in like that. */
uint32_t endpoints_login(const struct endpoints *endpoints, struct slice parameters);
/* While loading: the number of a login that tells the user alone, also of one who never logged in. */
uint32_t endpoints_add_user(struct endpoints *endpoints, struct slice user);
/*
 * The server's number of the next session that logged in like this, each once, in recorded order; 0: all were given. Where the server
 * speaks first it tells the number before it knows who comes: there the login is 0, and all sessions of the place are one row, those that left
 * at the greeting or were refused behind it among them.
 */
uint32_t endpoints_backend(const struct endpoints *endpoints, uint32_t place, uint32_t login);
/* See matcher_greeting(). */
const struct protocol *endpoints_greeting(const struct endpoints *endpoints,
					  const struct matcher_options *options,
					  struct slice address, uint16_t port, bool *ret_at_once);
/* Was nobody ever reached there, as often as it was tried? */
bool endpoints_refuse(const struct endpoints *endpoints, struct slice address, uint16_t port);
/* The place of an endpoint by its id; 0: there is none of that id. */
uint32_t endpoints_place(const struct endpoints *endpoints, int64_t endpoint);
/* A recorded connection; NULL: there is none of that id. */
const struct endpoint_connection *endpoints_connection(const struct endpoints *endpoints,
						       int64_t connection);
/*
 * A recorded connection to this place and database, of this user where there is one; 0: none. Without either it is any of
 * the place's: what a server says before it knows who comes.
 */
int64_t endpoints_session(const struct endpoints *endpoints, uint32_t place, struct slice database,
			  struct slice user);
/*
 * A recorded connection whose login was refused, where none with this database and user was accepted; 0: none. Where one was
 * accepted later, those that were refused before it are given once each, in order: a server that was starting, a database that
 * the app then made.
 */
int64_t endpoints_refused(const struct endpoints *endpoints, uint32_t place, struct slice database,
			  struct slice user);

#endif
