/* SPDX-License-Identifier: Apache-2.0 */
/* Connections of a replay that tell each other something; see peers.h. */
#include "proxy/peers.h"

#include "proxy/worker.h"

#include <stdlib.h>

#define INBOX_BYTES_MAX ((size_t)64 << 20)

void peers_init(struct peers *peers)
{
	*peers = (struct peers){ 0 };
	pthread_mutex_init(&peers->lock, NULL);
}

void peers_release(struct peers *peers)
{
	pthread_mutex_destroy(&peers->lock);
}

static uint8_t *put(uint8_t *at, struct slice *text)
{
	if (text->size)
		memcpy(at, text->data, text->size);
	text->data = at;
	return at + text->size;
}

void peers_join(struct peers *peers, struct peer *peer, struct worker *worker, uint32_t place,
		struct slice database)
{
	uint8_t *copy;

	if (peer->member)
		return;
	copy = malloc(database.size + 1);
	if (!copy)
		abort();
	put(copy, &database);
	*peer = (struct peer){ .peers = peers,
			       .worker = worker,
			       .member = true,
			       .place = place,
			       .database = database };
	peer->inbox_end = &peer->inbox;
	pthread_mutex_lock(&peers->lock);
	peer->next = peers->first;
	if (peers->first)
		peers->first->previous = peer;
	peers->first = peer;
	pthread_mutex_unlock(&peers->lock);
}

void peers_leave(struct peer *peer)
{
	struct peers *peers = peer->peers;
	struct peer_note *note;

	if (!peer->member)
		return;
	pthread_mutex_lock(&peers->lock);
	if (peer->next)
		peer->next->previous = peer->previous;
	if (peer->previous)
		peer->previous->next = peer->next;
	else
		peers->first = peer->next;
	pthread_mutex_unlock(&peers->lock);
	while ((note = peer->inbox)) {
		peer->inbox = note->next;
		free(note);
	}
	free((void *)(uintptr_t)peer->database.data);
	peer->member = false;
}

static void tell(struct peer *peer, const struct answer_aside *aside)
{
	size_t size = sizeof(struct peer_note) + aside->channel.size + aside->payload.size;
	struct peer_note *note;

	if (size > INBOX_BYTES_MAX - peer->inbox_bytes)
		return;
	note = malloc(size);
	if (!note)
		abort();
	*note = (struct peer_note){ .size = size, .aside = *aside };
	put(put((uint8_t *)(note + 1), &note->aside.channel), &note->aside.payload);
	*peer->inbox_end = note;
	peer->inbox_end = &note->next;
	peer->inbox_bytes += size;
	atomic_store(&peer->told, true);
	worker_tell(peer->worker);
}

static bool concerns(const struct answer_aside *aside, const struct peer *peer, uint32_t place,
		     struct slice database)
{
	switch (aside->type) {
	case ASIDE_CANCEL:
		return true;
	case ASIDE_KILL:
	case ASIDE_KILL_QUERY:
		return peer->place == place;
	default:
		return peer->place == place && slice_equal(peer->database, database);
	}
}

void peers_publish(struct peers *peers, const struct peer *from, uint32_t place,
		   struct slice database, const struct answer_aside *aside)
{
	pthread_mutex_lock(&peers->lock);
	for (struct peer *peer = peers->first; peer; peer = peer->next)
		if (peer != from && concerns(aside, peer, place, database))
			tell(peer, aside);
	pthread_mutex_unlock(&peers->lock);
}

struct peer_note *peer_take(struct peer *peer)
{
	struct peer_note *note;

	if (!peer->member || !atomic_load(&peer->told))
		return NULL;
	pthread_mutex_lock(&peer->peers->lock);
	note = peer->inbox;
	if (note) {
		peer->inbox = note->next;
		peer->inbox_bytes -= note->size;
	}
	if (!peer->inbox) {
		peer->inbox_end = &peer->inbox;
		atomic_store(&peer->told, false);
	}
	pthread_mutex_unlock(&peer->peers->lock);
	return note;
}
