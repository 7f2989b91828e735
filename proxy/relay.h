/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the two parts of a relayed connection share: relay.c (its life, its legs, passing on) and handshake.c (who speaks
 * which protocol, and shaking hands). Nobody else includes this. Functions that return bool: false when that ended the
 * connection, and then nothing of it may be used.
 */
#ifndef MOCKPROXY_RELAY_H
#define MOCKPROXY_RELAY_H

#include "proxy/worker.h"

/* Of a side, while it is not known what it speaks: one more read than what is waited for. */
#define RELAY_HELD_MAX (2 * WORKER_READ_BYTES)
/* What is held goes on at once, behind what the handshake made. */
#define RELAY_PENDING_MAX (2 * RELAY_HELD_MAX)

enum relay_state { RELAY_DETECT, RELAY_HANDSHAKE, RELAY_RELAY };

struct relay {
	struct connection connection; /* first */
	struct leg upstream;
	enum relay_state state;
	uint64_t number; /* in the recording: the connection's, or of the tunnel that it became */
	bool connecting;
	bool tls_asked;
	bool greeting_edited;
	int64_t start_ns;
	const struct protocol *protocol; /* NULL: not known, or opaque */
	struct recorder *
		recorder; /* NULL: nothing was passed on yet, opaque, or nothing is recorded; or it has a tap */
	struct tap *tap;       /* where its recorder runs on the writer's thread; freed there */
	bool listens;	       /* the tap is told what passes */
	uint64_t said;	       /* may_tunnel()'s */
	int64_t seen_ns;       /* when the tap was told last */
	int64_t unflushed_ns;  /* when the first of it was told that was not flushed; 0: all was */
	struct buffer held[2]; /* by enum side; DETECT and HANDSHAKE */
	bool began;	       /* no PROXY header of the client is to come any more */
	size_t passed;	       /* how much of what the client's side holds was passed on already */
	int64_t held_ns;       /* when the last of it came; 0: nothing did */
	const char *opaque;    /* why; static text */
	uint64_t opaque_at;
	uint64_t bytes[2]; /* by enum side */
	char outcome[96];
};

/* ---- relay.c ---- */

/* Sends to the peer of `side` what it said, or what stands for it; decoded after. */
bool relay_pass(struct relay *relay, enum side side, struct slice bytes);
/* The two halves of it. */
bool relay_forward(struct relay *relay, enum side side, struct slice bytes);
void relay_see(struct relay *relay, enum side side, struct slice bytes);
/* Sends to a side what the proxy itself has to say. */
bool relay_answer(struct relay *relay, enum side side, struct slice bytes);
/* From here on what is passed on is seen by the protocol's recorder, where something is recorded. */
void relay_begin_recorder(struct relay *relay);
/* Decoding ends here. What was found out so far is kept; the first reason is the one that is told. */
void relay_make_opaque(struct relay *relay, const char *why, uint64_t at);

/* ---- handshake.c: while the state is not RELAY_RELAY ---- */

bool handshake_bytes(struct relay *relay, enum side side, struct slice bytes);
/* A side sends no more. */
bool handshake_end(struct relay *relay, enum side side);
/* Gives up on what was not recognised in time, or passes it on and goes on looking. */
bool handshake_tick(struct relay *relay, int64_t now_ns);
/* May more of this side be read and held? */
bool handshake_has_room(const struct relay *relay, enum side side);

#endif
