/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What passes on a connection, on its way to the recorder; see tap.h. A spool holds entries one behind the other: struct entry, then
 * its bytes.
 */
#include "store/tap.h"

#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>

/* About a hundred small messages; what is larger has a spool of its own. */
#define SPOOL_BYTES ((size_t)16 * 1024)

enum what { SEE, FLUSH, BROKEN, END, GIVE_BACK };

struct entry {
	struct tap *tap;
	uint64_t turn;
	int64_t time_ns;
	uint32_t size;
	uint8_t what; /* enum what */
	uint8_t side; /* enum side */
};

struct tap {
	const struct protocol *protocol;
	struct recorder *recorder; /* NULL: it gave up, or is over */
	uint64_t bytes[2];	   /* seen, by side */
	const char *why;	   /* it gave up */
	uint64_t why_at;
	_Atomic uint64_t *opaque;
	atomic_bool deaf; /* for the worker */
	bool told;	  /* the worker's own: there is something to be played */
	sem_t given_back;
};

struct tap *tap_new(const struct protocol *protocol, struct recorder *recorder,
		    const uint64_t passed[2], _Atomic uint64_t *opaque)
{
	struct tap *tap = calloc(1, sizeof(*tap));

	if (!tap)
		abort();
	tap->protocol = protocol;
	tap->recorder = recorder;
	tap->bytes[SIDE_CLIENT] = passed[SIDE_CLIENT];
	tap->bytes[SIDE_SERVER] = passed[SIDE_SERVER];
	tap->opaque = opaque;
	sem_init(&tap->given_back, 0, 0);
	return tap;
}

/* ---- telling ---- */

bool tap_is_deaf(const struct tap *tap)
{
	return atomic_load_explicit(&tap->deaf, memory_order_relaxed);
}

/* The spool at the end of the list, where so much fits into it; else a new one. */
static struct spool_item *spool_for(struct item_list *items, size_t size)
{
	struct item *item = item_list_last(items);
	size_t room;

	if (item && item->type == ITEM_SPOOL && item->spool.capacity - item->spool.size >= size)
		return &item->spool;
	room = size > SPOOL_BYTES ? size : SPOOL_BYTES;
	item = item_new_with_room(ITEM_SPOOL, 0, sizeof(*item) + room);
	item->spool.bytes = arena_bytes(&item->arena, room);
	item->spool.capacity = room;
	item_list_add(items, item);
	return &item->spool;
}

static void tell(struct item_list *items, struct entry *entry, const uint8_t *bytes)
{
	struct spool_item *spool = spool_for(items, sizeof(*entry) + entry->size);
	uint8_t *at = spool->bytes + spool->size;

	entry->tap->told = true;
	entry->turn = items->turn;
	memcpy(at, entry, sizeof(*entry));
	if (entry->size)
		memcpy(at + sizeof(*entry), bytes, entry->size);
	spool->size += sizeof(*entry) + entry->size;
}

void tap_see(struct tap *tap, enum side side, struct slice bytes, int64_t time_ns,
	     struct item_list *items)
{
	tell(items,
	     &(struct entry){ .tap = tap,
			      .time_ns = time_ns,
			      .size = (uint32_t)bytes.size,
			      .what = SEE,
			      .side = (uint8_t)side },
	     bytes.data);
}

void tap_flush(struct tap *tap, int64_t before_ns, struct item_list *items)
{
	tell(items, &(struct entry){ .tap = tap, .time_ns = before_ns, .what = FLUSH }, NULL);
}

void tap_broken(struct tap *tap, enum side side, struct item_list *items)
{
	tell(items, &(struct entry){ .tap = tap, .what = BROKEN, .side = (uint8_t)side }, NULL);
}

void tap_end(struct tap *tap, int64_t time_ns, struct item_list *items)
{
	tell(items, &(struct entry){ .tap = tap, .time_ns = time_ns, .what = END }, NULL);
}

void tap_give_back(struct tap *tap, struct item_list *items)
{
	if (tap->told)
		tell(items, &(struct entry){ .tap = tap, .what = GIVE_BACK }, NULL);
	else
		sem_post(&tap->given_back);
}

struct recorder *tap_taken_back(struct tap *tap)
{
	struct recorder *recorder;

	while (sem_wait(&tap->given_back) < 0 && errno == EINTR)
		;
	recorder = tap->recorder;
	tap->recorder = NULL;
	return recorder;
}

/* ---- playing ---- */

static void end_recorder(struct tap *tap, int64_t time_ns, struct item_list *items)
{
	tap->protocol->recorder_end(tap->recorder, time_ns, items);
	tap->protocol->recorder_free(tap->recorder);
	tap->recorder = NULL;
}

static void see(struct tap *tap, const struct entry *entry, const uint8_t *bytes,
		struct item_list *items)
{
	const char *why = NULL;

	if (!tap->protocol->recorder_see(tap->recorder, (enum side)entry->side,
					 slice_of(bytes, entry->size), entry->time_ns, items,
					 &why)) {
		tap->bytes[entry->side] += entry->size;
		return;
	}
	tap->why = why;
	tap->why_at = tap->bytes[entry->side];
	atomic_store_explicit(&tap->deaf, true, memory_order_relaxed);
	atomic_fetch_add(tap->opaque, 1);
	end_recorder(tap, entry->time_ns, items);
}

static void play(const struct entry *entry, const uint8_t *bytes, struct item_list *items)
{
	struct tap *tap = entry->tap;

	if (!tap->recorder)
		return;
	switch ((enum what)entry->what) {
	case SEE:
		see(tap, entry, bytes, items);
		break;
	case FLUSH:
		tap->protocol->recorder_flush(tap->recorder, entry->time_ns, items);
		break;
	case BROKEN:
		if (tap->protocol->recorder_broken)
			tap->protocol->recorder_broken(tap->recorder, (enum side)entry->side);
		break;
	case END:
		end_recorder(tap, entry->time_ns, items);
		break;
	case GIVE_BACK: /* tap_play() does it */
		break;
	}
}

uint64_t tap_turn(const struct item *item)
{
	struct entry entry;

	if (item->type != ITEM_SPOOL)
		return item->turn;
	memcpy(&entry, item->spool.bytes + item->spool.played, sizeof(entry));
	return entry.turn;
}

bool tap_is_played(const struct item *item)
{
	return item->type != ITEM_SPOOL || item->spool.played == item->spool.size;
}

int tap_play(struct item *spool, uint64_t until, int (*take)(void *context, struct item *item),
	     void *context)
{
	struct item_list items;
	struct entry entry;
	int rc = 0;

	item_list_init(&items);
	for (bool one = true; !tap_is_played(spool) && (one || tap_turn(spool) <= until);
	     one = false) {
		const uint8_t *at = spool->spool.bytes + spool->spool.played;

		memcpy(&entry, at, sizeof(entry));
		if (entry.what == GIVE_BACK)
			sem_post(&entry.tap->given_back);
		else if (take && !rc)
			play(&entry, at + sizeof(entry), &items);
		spool->spool.played += sizeof(entry) + entry.size;
		while (take && items.first && !rc)
			rc = take(context, item_list_take(&items));
	}
	item_list_release(&items);
	return rc;
}

void tap_close(struct item *close)
{
	struct tap *tap = close->connection_close.tap;

	if (!tap)
		return;
	if (tap->why && !close->connection_close.opaque.size) {
		close->connection_close.opaque =
			arena_copy(&close->arena, slice_from_string(tap->why));
		close->connection_close.opaque_at = tap->why_at;
	}
	tap->protocol->recorder_free(tap->recorder);
	sem_destroy(&tap->given_back);
	free(tap);
	close->connection_close.tap = NULL;
}
