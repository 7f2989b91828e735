/* SPDX-License-Identifier: Apache-2.0 */
/* See told.h. */
#include "store/told.h"

#include <stddef.h>

void told_init(struct told *told)
{
	told->first = NULL;
	pthread_mutex_init(&told->lock, NULL);
}

void told_release(struct told *told)
{
	pthread_mutex_destroy(&told->lock);
}

void told_add(struct told *told, struct told_session *session, uint32_t place, uint32_t number)
{
	told_remove(told, session);
	if (!number)
		return;
	session->number = number;
	session->place = place;
	session->previous = NULL;
	pthread_mutex_lock(&told->lock);
	session->next = told->first;
	if (told->first)
		told->first->previous = session;
	told->first = session;
	pthread_mutex_unlock(&told->lock);
}

void told_remove(struct told *told, struct told_session *session)
{
	if (!session->number)
		return;
	pthread_mutex_lock(&told->lock);
	if (session->next)
		session->next->previous = session->previous;
	if (session->previous)
		session->previous->next = session->next;
	else
		told->first = session->next;
	pthread_mutex_unlock(&told->lock);
	session->number = 0;
}

uint64_t told_given(struct told *told, uint32_t place, uint32_t number)
{
	const struct told_session *session;
	uint64_t given;

	pthread_mutex_lock(&told->lock);
	session = told->first;
	while (session && (session->place != place || session->number != number))
		session = session->next;
	given = session ? atomic_load(&session->given) : 0;
	pthread_mutex_unlock(&told->lock);
	return given;
}
