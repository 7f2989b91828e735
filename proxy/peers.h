/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Peers: connections of a replay that tell each other something, whatever workers they are on: who notifies of something tells
 * those that listen.
 *
 *	peers_publish() on one worker ──▶ inbox of each other member ──worker_wake()──▶ peer_take() on its own worker
 *
 * A member is one from peers_join() on. A member's inbox is bounded; what does not fit is dropped, as by a listener that is gone.
 */
#ifndef MOCKPROXY_PEERS_H
#define MOCKPROXY_PEERS_H

#include "parsers/answers.h"

#include <pthread.h>
#include <stdatomic.h>

struct worker;
struct peer_note;

struct peers {
	pthread_mutex_t lock; /* of the list, and of all inboxes */
	struct peer *first;
};

struct peer {
	struct peers *peers;
	struct worker *worker;
	struct peer *next, *previous;
	bool member;
	uint32_t place;
	struct slice database; /* owned */
	struct peer_note *inbox;
	struct peer_note **inbox_end;
	size_t inbox_bytes;
	_Atomic bool told; /* the inbox is not empty */
};

void peers_init(struct peers *peers);
void peers_release(struct peers *peers); /* when nobody is left in it */

/* Harmless when it is one already. The peer is zeroed at first. */
void peers_join(struct peers *peers, struct peer *peer, struct worker *worker, uint32_t place,
		struct slice database);
void peers_leave(struct peer *peer);
/* Tells all members but `from` whom the aside concerns; see answers.h. */
void peers_publish(struct peers *peers, const struct peer *from, uint32_t place,
		   struct slice database, const struct answer_aside *aside);

/* What was told, oldest first; NULL: nothing. Freed with free(). */
struct peer_note {
	struct peer_note *next;
	size_t size;
	struct answer_aside aside; /* its texts lie behind it */
};
struct peer_note *peer_take(struct peer *peer);

#endif
