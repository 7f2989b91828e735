/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PostgreSQL replayer: what the server says by itself. Follows 55.2.7 "Asynchronous Operations", and NOTIFY and LISTEN of the SQL
 * reference: both take effect when their transaction commits, and equal notifications of one transaction are one.
 *
 *	LISTEN, NOTIFY, asides ──▶ pending, of the transaction ──commit──▶ channels; the other connections; inbox
 *	another connection, a time that has come ──pg_replayer_tell()──▶ inbox ──idle──▶ the client
 *
 * Nothing of this exists (replayer->notes is NULL) where the recording holds nothing of the kind.
 *
 * Invariant: `bytes` is what all notes weigh, and bounded: beyond NOTES_BYTES_MAX none is taken.
 */
#include "parsers/postgres/replayer.h"

#include <stdlib.h>

#define NOTES_BYTES_MAX ((size_t)64 << 20)
/* Equal notifications are one as far back as this. */
#define EQUAL_LOOK_BACK 64

enum note_type { NOTE_LISTEN, NOTE_UNLISTEN, NOTE_SAVEPOINT, NOTE_ASIDE };

struct pg_note {
	struct pg_note *next;
	uint8_t type; /* enum note_type */
	size_t size;
	struct answer_aside aside;
	struct slice name; /* LISTEN's and UNLISTEN's channel (data NULL: all), SAVEPOINT's name */
};

struct note_list {
	struct pg_note *first;
	struct pg_note **end;
};

struct pg_notes {
	struct note_list channels; /* that are listened to, as LISTEN notes */
	struct note_list pending;
	struct note_list inbox;
	size_t bytes;
	bool joined; /* the others know that this one listens */
	/* The error with which the session ends: behind so many statements, when its time has come or the next request does. */
	const struct answer_aside *end;
	uint32_t end_behind;
	bool end_due;
};

static void list_init(struct note_list *list)
{
	list->first = NULL;
	list->end = &list->first;
}

static void list_add(struct note_list *list, struct pg_note *note)
{
	note->next = NULL;
	*list->end = note;
	list->end = &note->next;
}

static struct pg_note *list_take(struct note_list *list)
{
	struct pg_note *note = list->first;

	if (!note)
		return NULL;
	list->first = note->next;
	if (!list->first)
		list->end = &list->first;
	return note;
}

static void note_free(struct pg_notes *notes, struct pg_note *note)
{
	notes->bytes -= note->size;
	free(note);
}

static void list_clear(struct pg_notes *notes, struct note_list *list)
{
	struct pg_note *note;

	while ((note = list_take(list)))
		note_free(notes, note);
}

void pg_notes_new(struct replayer *replayer)
{
	if (!replayer->answers->aside)
		return;
	replayer->notes = calloc(1, sizeof(*replayer->notes));
	if (!replayer->notes)
		abort();
	list_init(&replayer->notes->channels);
	list_init(&replayer->notes->pending);
	list_init(&replayer->notes->inbox);
}

void pg_notes_free(struct pg_notes *notes)
{
	if (!notes)
		return;
	list_clear(notes, &notes->channels);
	list_clear(notes, &notes->pending);
	list_clear(notes, &notes->inbox);
	free(notes);
}

static uint8_t *put(uint8_t *at, struct slice from, struct slice *ret_copy)
{
	if (from.size)
		memcpy(at, from.data, from.size);
	*ret_copy = from.data ? slice_of(at, from.size) : from;
	return at + from.size;
}

/* A note with copies of its texts behind it; the fields of an aside live as long as the recording. NULL: there are too many. */
static struct pg_note *note_new(struct pg_notes *notes, enum note_type type, struct slice name,
				const struct answer_aside *aside)
{
	static const struct answer_aside none;
	const struct answer_aside *from = aside ? aside : &none;
	size_t size = sizeof(struct pg_note) + name.size + from->channel.size + from->payload.size;
	struct pg_note *note;
	uint8_t *at;

	if (size > NOTES_BYTES_MAX - notes->bytes)
		return NULL;
	note = malloc(size);
	if (!note)
		abort();
	*note = (struct pg_note){ .type = (uint8_t)type, .size = size, .aside = *from };
	at = put((uint8_t *)(note + 1), name, &note->name);
	at = put(at, from->channel, &note->aside.channel);
	put(at, from->payload, &note->aside.payload);
	notes->bytes += size;
	return note;
}

static void pend(struct pg_notes *notes, enum note_type type, struct slice name,
		 const struct answer_aside *aside)
{
	struct pg_note *note = note_new(notes, type, name, aside);

	if (note)
		list_add(&notes->pending, note);
}

static bool listens(const struct pg_notes *notes, struct slice channel)
{
	for (const struct pg_note *note = notes->channels.first; note; note = note->next)
		if (slice_equal(note->name, channel))
			return true;
	return false;
}

/* ---- the transaction ---- */

static void unlisten(struct pg_notes *notes, struct slice channel)
{
	struct note_list kept;
	struct pg_note *note;

	list_init(&kept);
	while ((note = list_take(&notes->channels)))
		if (!channel.data || slice_equal(note->name, channel))
			note_free(notes, note);
		else
			list_add(&kept, note);
	notes->channels = kept;
	if (!kept.first)
		notes->channels.end = &notes->channels.first;
}

static struct slice database(const struct replayer *replayer)
{
	return sql_session_context(replayer->session).database;
}

static void receive(struct replayer *replayer, const struct answer_aside *aside)
{
	struct pg_notes *notes = replayer->notes;
	struct pg_note *note;

	if (aside->type == ASIDE_NOTIFICATION && !listens(notes, aside->channel))
		return;
	note = note_new(notes, NOTE_ASIDE, slice_of(NULL, 0), aside);
	if (note)
		list_add(&notes->inbox, note);
}

static void listen(struct replayer *replayer, struct pg_note *note)
{
	const struct answer_peers *peers = replayer->answers->peers;
	struct pg_notes *notes = replayer->notes;

	if (listens(notes, note->name)) {
		note_free(notes, note);
		return;
	}
	list_add(&notes->channels, note);
	if (!notes->joined && peers)
		peers->listen(peers->context, database(replayer));
	notes->joined = true;
}

/* What belongs to this session alone: now, or when its time has passed. */
static void schedule(struct replayer *replayer, const struct answer_aside *aside)
{
	const struct answer_peers *peers = replayer->answers->peers;

	if (aside->type == ASIDE_ERROR && !aside->within) {
		replayer->notes->end = aside;
		replayer->notes->end_behind = aside->behind + 1; /* this one is counted too */
		replayer->notes->end_due = !peers;
		if (!peers)
			return;
	}
	if (!aside->within && peers)
		peers->later(peers->context, aside);
	else
		pg_replayer_tell(replayer, aside);
}

static void publish(struct replayer *replayer, const struct answer_aside *aside)
{
	const struct answer_peers *peers = replayer->answers->peers;

	if (peers)
		peers->publish(peers->context, database(replayer), aside);
	receive(replayer, aside);
}

static void commit(struct replayer *replayer)
{
	struct pg_notes *notes = replayer->notes;
	struct note_list pending = notes->pending;
	struct pg_note *note;

	if (!pending.first)
		return;
	list_init(&notes->pending);
	/* What the transaction listens to hears also what it notified of before. */
	for (note = pending.first; note; note = note->next)
		if (note->type == NOTE_UNLISTEN) {
			unlisten(notes, note->name);
		} else if (note->type == NOTE_LISTEN) {
			struct pg_note *channel = note_new(notes, NOTE_LISTEN, note->name, NULL);

			if (channel)
				listen(replayer, channel);
		}
	while ((note = list_take(&pending))) {
		if (note->type == NOTE_ASIDE)
			publish(replayer, &note->aside);
		note_free(notes, note);
	}
}

/* The link to the savepoint of that name that was made last; NULL: there is none. */
static struct pg_note **find_savepoint(struct pg_notes *notes, struct slice canonical)
{
	struct pg_note **found = NULL;
	struct arena arena;
	struct slice name;

	arena_init(&arena);
	name = pg_last_name(canonical, &arena);
	for (struct pg_note **link = &notes->pending.first; *link; link = &(*link)->next)
		if ((*link)->type == NOTE_SAVEPOINT && slice_equal((*link)->name, name))
			found = link;
	arena_release(&arena);
	return found;
}

static void release(struct pg_notes *notes, struct slice canonical)
{
	struct pg_note **link = find_savepoint(notes, canonical);
	struct pg_note *mark = link ? *link : NULL;

	if (!mark)
		return;
	*link = mark->next;
	if (!mark->next)
		notes->pending.end = link;
	note_free(notes, mark);
}

static void roll_back_to(struct pg_notes *notes, struct slice canonical)
{
	struct pg_note **link = find_savepoint(notes, canonical);
	struct pg_note *mark = link ? *link : NULL;
	struct note_list dropped;

	if (!mark || !mark->next)
		return;
	dropped.first = mark->next;
	dropped.end = notes->pending.end;
	mark->next = NULL;
	notes->pending.end = &mark->next;
	list_clear(notes, &dropped);
}

/* A notification of this session, when its transaction commits. */
static void notify(struct pg_notes *notes, const struct answer_aside *aside)
{
	unsigned int looked = 0;

	for (const struct pg_note *note = notes->pending.first; note && looked < EQUAL_LOOK_BACK;
	     note = note->next, looked++)
		if (note->type == NOTE_ASIDE && slice_equal(note->aside.channel, aside->channel) &&
		    slice_equal(note->aside.payload, aside->payload))
			return;
	pend(notes, NOTE_ASIDE, slice_of(NULL, 0), aside);
}

static void notified(void *context, struct slice channel, struct slice payload)
{
	struct replayer *replayer = context;

	notify(replayer->notes, &(struct answer_aside){ .type = ASIDE_NOTIFICATION,
							.shared = true,
							.channel = channel,
							.payload = payload,
							.backend = pg_replay_backend(replayer) });
}

/* ---- statements ---- */

void pg_notes_count(struct replayer *replayer)
{
	struct pg_notes *notes = replayer->notes;

	if (notes->end && notes->end_behind)
		notes->end_behind--;
}

/* The name that LISTEN, SAVEPOINT and the like end with. */
static void pend_name(struct pg_notes *notes, enum note_type type, struct slice canonical)
{
	struct arena arena;

	arena_init(&arena);
	pend(notes, type, pg_last_name(canonical, &arena), NULL);
	arena_release(&arena);
}

void pg_notes_statement(struct replayer *replayer, const struct sql_statement *sql,
			const struct sql_value *values, bool failed_before)
{
	struct sql_notify each = { replayer, notified };
	struct pg_notes *notes = replayer->notes;

	switch (sql->verb) {
	case SQL_SELECT:
	case SQL_NOTIFY:
		sql_notifications(sql, values, &each);
		break;
	case SQL_LISTEN:
		pend_name(notes, NOTE_LISTEN, sql->canonical);
		break;
	case SQL_UNLISTEN:
		if (slice_equal(sql->canonical, SLICE("unlisten *")))
			pend(notes, NOTE_UNLISTEN, slice_of(NULL, 0), NULL);
		else
			pend_name(notes, NOTE_UNLISTEN, sql->canonical);
		break;
	case SQL_DISCARD:
		if (slice_equal(sql->canonical, SLICE("discard all")))
			pend(notes, NOTE_UNLISTEN, slice_of(NULL, 0), NULL);
		break;
	case SQL_SAVEPOINT:
		pend_name(notes, NOTE_SAVEPOINT, sql->canonical);
		break;
	case SQL_ROLLBACK_TO:
		roll_back_to(notes, sql->canonical);
		break;
	case SQL_RELEASE:
		release(notes, sql->canonical);
		break;
	case SQL_COMMIT:
		if (!failed_before) {
			commit(replayer);
			break;
		}
		list_clear(notes, &notes->pending);
		break;
	case SQL_ROLLBACK:
		list_clear(notes, &notes->pending);
		break;
	}
}

void pg_notes_batch_end(struct replayer *replayer, bool ok)
{
	if (sql_session_transaction(replayer->session) != SQL_IDLE)
		return;
	if (ok)
		commit(replayer);
	else
		list_clear(replayer->notes, &replayer->notes->pending);
}

void pg_notes_given(struct replayer *replayer, uint64_t exchange)
{
	const struct answers *answers = replayer->answers;
	const struct answer_aside *aside;
	struct answer_aside shared;
	size_t at = 0;

	while ((aside = answers->aside(answers->context, exchange, &at))) {
		if (aside->type == ASIDE_END) /* no recorder of PostgreSQL's tells of one */
			continue;
		if (!aside->shared) {
			schedule(replayer, aside);
			continue;
		}
		shared = *aside;
		shared.backend = pg_replay_backend(replayer);
		notify(replayer->notes, &shared);
	}
}

/* ---- to the client ---- */

void pg_replayer_tell(struct replayer *replayer, const struct answer_aside *aside)
{
	const struct answer_peers *peers = replayer->answers->peers;
	struct answer_aside all = *aside;

	if (aside->type == ASIDE_CANCEL && aside->backend == pg_replay_backend(replayer))
		replayer->hold_ns = 0;
	if (!replayer->notes || aside->type == ASIDE_CANCEL)
		return;
	if (aside == replayer->notes->end) {
		replayer->notes->end_due = true;
		return;
	}
	/* Of the recorded session, whose exchange another one was given here than the one that listens. */
	if (aside->type == ASIDE_NOTIFICATION && !aside->shared && !aside->within && peers &&
	    !listens(replayer->notes, aside->channel)) {
		all.shared = true;
		peers->publish(peers->context, database(replayer), &all);
		return;
	}
	receive(replayer, aside);
}

static void say_notification(const struct answer_aside *aside, struct buffer *out)
{
	size_t at = pg_message_begin(out, 'A');

	buffer_append_u32be(out, aside->backend);
	buffer_append_slice(out, aside->channel);
	buffer_append_u8(out, 0);
	buffer_append_slice(out, aside->payload);
	buffer_append_u8(out, 0);
	pg_message_end(out, at);
}

static void say(struct replayer *replayer, const struct answer_aside *aside, struct buffer *out)
{
	switch (aside->type) {
	case ASIDE_NOTIFICATION:
		say_notification(aside, out);
		break;
	case ASIDE_NOTICE:
		pg_send_message(out, 'N', aside->fields, aside->n_fields);
		break;
	case ASIDE_STATUS:
		pg_send_status(out, aside->fields->name, aside->fields->value);
		break;
	default:
		pg_send_message(out, 'E', aside->fields, aside->n_fields);
		replayer->closed = true;
		break;
	}
}

bool pg_notes_end(struct replayer *replayer, struct buffer *out)
{
	struct pg_notes *notes = replayer->notes;

	if (!notes->end || notes->end_behind || replayer->closed)
		return false;
	say(replayer, notes->end, out);
	return true;
}

bool pg_notes_say(struct replayer *replayer, bool between, struct buffer *out)
{
	struct pg_notes *notes = replayer->notes;
	bool idle = sql_session_transaction(replayer->session) == SQL_IDLE;
	struct note_list kept;
	struct pg_note *note;

	list_init(&kept);
	while (!replayer->closed && out->size < PG_FILL_BYTES &&
	       (note = list_take(&notes->inbox))) {
		/* Notifications wait for the end of a transaction, nothing else does. */
		if (note->aside.type == ASIDE_NOTIFICATION && !idle) {
			list_add(&kept, note);
			continue;
		}
		say(replayer, &note->aside, out);
		note_free(notes, note);
	}
	if (between && notes->end_due && !notes->inbox.first)
		pg_notes_end(replayer, out);
	while ((note = list_take(&notes->inbox)))
		list_add(&kept, note);
	notes->inbox = kept;
	if (!kept.first)
		notes->inbox.end = &notes->inbox.first;
	return !kept.first || !idle || replayer->closed;
}
