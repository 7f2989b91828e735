/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Told: the numbers that sessions of this replay were told at login, and what each was given last. Sessions that come in another order than
 * they were recorded have each other's numbers; who names one of them means the session that the recording knows by whose answers it is given.
 *
 * All functions may be called from any thread.
 */
#ifndef MOCKPROXY_TOLD_H
#define MOCKPROXY_TOLD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

struct told {
	pthread_mutex_t lock; /* of the list */
	struct told_session *first;
};

/* Zeroed at first. */
struct told_session {
	struct told_session *next, *previous;
	uint32_t number; /* 0: it is in no list */
	uint32_t place;
	_Atomic uint64_t given; /* the exchange that was given last; 0: none */
};

void told_init(struct told *told);
void told_release(struct told *told); /* when nobody is left in it */

void told_add(struct told *told, struct told_session *session, uint32_t place, uint32_t number);
void told_remove(struct told *told, struct told_session *session); /* also when it is in no list */
/* What the place's session of that number was given last; 0: nothing, or there is none. */
uint64_t told_given(struct told *told, uint32_t place, uint32_t number);

#endif
