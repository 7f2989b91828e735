/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Playback: a connection of the app whose server is the recording (design §6). There is no upstream socket in this file.
 *
 *	DETECT ──a protocol's bytes──▶ PLAY: feed what came, fill what is to be said, send, until nothing is left
 *	   ├──── the server speaks first ──▶ PLAY ──the replayer is through──▶ LINGER ──the app closes, or LINGER_NS──▶ closed
 *	   └──── a tunnel begins, in PLAY ──▶ DETECT, at another place
 *
 * A server that was recorded to speak first greets as soon as the app connected. Where it may be another protocol's (several
 * were recorded there, or the place was not recorded) the app is given GREET_NS to speak first; after that its silence
 * means that it waits. Where nobody ever greeted, silence means nothing: the connection stays open, for as long as the
 * app wants (pools connect before they ask).
 *
 * To close while bytes of the app are unread, or still come, would be a reset, which takes from the app what it has not read yet
 * (RFC 9112, section 9.6). So only the sending side is closed, and what comes is thrown away until the app closes too.
 *
 * What the server says by itself comes from other connections of the replay (peers.h), or when its time has passed since a request, as
 * it was recorded. It is told to the replayer, which says it when the protocol lets it.
 *
 * The app is read only while the replayer has nothing left to say and all of it was sent: so a client that asks and does
 * not read costs one buffer, whatever it asks for. While a recorded pause is kept (--timing) it is not read either.
 */
#include "parsers/proxy_header.h"
#include "proxy/socket.h"
#include "proxy/worker.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* Noticed by the worker's tick, so that 200 to 450 ms pass. */
#define GREET_NS ((int64_t)200 * 1000000)
#define LINGER_NS ((int64_t)2 * 1000000000)

/* To be told at a time. */
struct due {
	struct due *next;
	int64_t at_ns;
	const struct answer_aside *aside; /* the recording's */
};

struct playback {
	struct connection connection; /* first */
	struct answer_peers peers;    /* the replayer's way to the others, and to itself */
	struct peer peer;
	struct due *due; /* in the order of their times */
	const struct protocol *protocol;
	struct answers *answers;
	struct replayer *replayer;     /* NULL: not recognised yet */
	struct buffer held;	       /* until it is */
	bool began;		       /* no PROXY header is to come any more */
	const struct protocol *greets; /* its server speaks first; NULL: the client does */
	bool greets_now;
	bool refused;  /* nobody is there: a reset, as while recording */
	char *address; /* where the app wanted to go, or where its tunnel leads; owned */
	uint16_t port;
	bool in_tunnel;	 /* it has just begun: what is held is to be looked at */
	int64_t wake_ns; /* when a pause is over; 0: none */
	int64_t start_ns;
	enum replay_state state;
	int64_t lingers_from_ns; /* 0: it does not */
};

static struct playback *playback_of(struct connection *connection)
{
	return (struct playback *)connection;
}

static void over(struct playback *playback, bool reset)
{
	leg_close(&playback->connection.app, reset);
	connection_over(&playback->connection);
}

/* All was said: false when the connection is over. */
static bool close_play(struct playback *playback)
{
	if (playback->state == REPLAY_RESET || shutdown(playback->connection.app.fd, SHUT_WR)) {
		over(playback, true);
		return false;
	}
	playback->lingers_from_ns = worker_now(playback->connection.worker);
	return true;
}

/* Takes over `address`. */
static void arrive(struct playback *playback, char *address, uint16_t port)
{
	struct worker *worker = playback->connection.worker;

	free(playback->address);
	playback->address = address;
	playback->port = port;
	playback->start_ns = worker_now(worker);
	playback->greets = matcher_greeting(worker->setup->matcher, slice_from_string(address),
					    port, &playback->greets_now);
	playback->greets_now &= playback->greets != NULL;
}

/* From here on it is another connection, to where the tunnel leads; detection begins anew, with what the client said already. */
static bool enter_tunnel(struct playback *playback)
{
	struct slice host, unread;
	uint16_t port;
	char *address;

	if (!playback->protocol->replayer_tunnel(playback->replayer, &host, &port, &unread)) {
		over(playback, true);
		return false;
	}
	address = strndup((const char *)host.data, host.size);
	if (!address)
		abort();
	buffer_clear(&playback->held);
	buffer_append_slice(&playback->held, unread);
	playback->protocol->replayer_free(playback->replayer);
	playback->replayer = NULL;
	playback->protocol = NULL;
	answers_free(playback->answers);
	playback->answers = NULL;
	playback->state = REPLAY_IDLE;
	arrive(playback, address, port);
	playback->in_tunnel = true;
	playback->began = false;
	return true;
}

static void pause_play(struct playback *playback)
{
	struct worker *worker = playback->connection.worker;
	double speed = playback->state == REPLAY_HOLD ? 1 : worker->setup->options->speed;
	double pause_ns = (double)playback->protocol->replayer_wait(playback->replayer) / speed;

	playback->wake_ns =
		worker_now(worker) + (pause_ns < 1e18 ? (int64_t)pause_ns : INT64_MAX / 4);
	worker_wake_at(worker, playback->wake_ns);
}

/* What the replayer said last is done when all was sent; false when the connection is over. */
static bool settle(struct playback *playback)
{
	if (playback->connection.app.pending.size)
		return true;
	switch (playback->state) {
	case REPLAY_CLOSE:
	case REPLAY_RESET:
		return close_play(playback);
	case REPLAY_WAIT:
	case REPLAY_HOLD:
		pause_play(playback);
		return true;
	case REPLAY_TUNNEL:
		return enter_tunnel(playback);
	default:
		return true;
	}
}

/* Says what is to be said; false when the connection is over. */
static bool play(struct playback *playback)
{
	struct worker *worker = playback->connection.worker;
	struct leg *app = &playback->connection.app;
	int error;

	do {
		buffer_clear(&worker->out);
		playback->state =
			playback->protocol->replayer_fill(playback->replayer, &worker->out);
		error = leg_send(app, buffer_slice(&worker->out));
		if (error) {
			over(playback, true);
			return false;
		}
	} while (playback->state == REPLAY_MORE && !app->pending.size);
	return settle(playback);
}

static bool feed(struct playback *playback, struct slice bytes)
{
	const char *why = NULL;

	if (playback->lingers_from_ns)
		return true;
	if (playback->protocol->replayer_feed(playback->replayer, bytes, &why)) {
		over(playback, true);
		return false;
	}
	return play(playback);
}

/* ---- what the server says by itself ---- */

static void publish(void *context, struct slice database, const struct answer_aside *aside)
{
	struct playback *playback = context;

	peers_publish(playback->connection.worker->setup->peers, &playback->peer,
		      playback->answers->place, database, aside);
}

static void listen_too(void *context, struct slice database)
{
	struct playback *playback = context;
	struct worker *worker = playback->connection.worker;

	peers_join(worker->setup->peers, &playback->peer, worker, playback->answers->place,
		   database);
}

static void later(void *context, const struct answer_aside *aside)
{
	struct playback *playback = context;
	struct worker *worker = playback->connection.worker;
	struct due **link = &playback->due;
	struct due *due = malloc(sizeof(*due));

	if (!due)
		abort();
	due->aside = aside;
	due->at_ns = worker_now(worker) + aside->delay_ns;
	while (*link && (*link)->at_ns <= due->at_ns)
		link = &(*link)->next;
	due->next = *link;
	*link = due;
	worker_wake_at(worker, due->at_ns);
}

/* Tells the replayer what others said, and what is due; false: there was nothing. */
static bool tell(struct playback *playback, int64_t now_ns)
{
	const struct protocol *protocol = playback->protocol;
	struct peer_note *note;
	struct due *due;
	bool told = false;

	for (; (note = peer_take(&playback->peer)); told = true) {
		protocol->replayer_tell(playback->replayer, &note->aside);
		free(note);
	}
	for (; (due = playback->due) && due->at_ns <= now_ns; told = true) {
		playback->due = due->next;
		protocol->replayer_tell(playback->replayer, due->aside);
		free(due);
	}
	if (playback->due)
		worker_wake_at(playback->connection.worker, playback->due->at_ns);
	return told;
}

/* ---- the app ---- */

static bool feed_held(struct playback *playback)
{
	struct buffer held = playback->held;
	bool ok;

	buffer_init(&playback->held, held.max);
	ok = !held.size || feed(playback, buffer_slice(&held));
	buffer_release(&held);
	return ok;
}

/* From here on it is this protocol's; the server's word, where it has the first, is said. */
static bool begin(struct playback *playback, const struct protocol *protocol)
{
	struct connection *connection = &playback->connection;
	struct worker *worker = connection->worker;

	playback->protocol = protocol;
	playback->answers = answers_new(worker->reader, protocol->name,
					slice_from_string(playback->address), playback->port);
	playback->answers->cache = worker->cache;
	playback->answers->forms = worker->forms;
	playback->answers->paced = worker->setup->options->speed > 0;
	playback->peers = (struct answer_peers){
		.context = playback, .publish = publish, .listen = listen_too, .later = later
	};
	playback->answers->peers = &playback->peers;
	playback->replayer = protocol->replayer_new(playback->answers, connection->id);
	return (!protocol->recognise_server || play(playback)) && feed_held(playback);
}

static bool detect(struct playback *playback)
{
	struct worker *worker = playback->connection.worker;
	const struct protocol *protocol;
	size_t size;
	bool more;

	if (!playback->began) {
		enum recognised header = proxy_header(buffer_slice(&playback->held), &size);

		playback->began = header != RECOGNISED_MORE;
		if (!playback->began)
			return true;
		if (header == RECOGNISED_YES)
			buffer_consume(&playback->held, size);
	}
	if (playback->replayer) /* which greeted */
		return feed_held(playback);
	protocol = protocol_recognise(SIDE_CLIENT, buffer_slice(&playback->held), &more);
	if (protocol && protocol->replayer_new)
		return begin(playback, protocol);
	if (more)
		return true;
	atomic_fetch_add(&worker->setup->counts->unknown_protocol, 1);
	over(playback, true);
	return false;
}

static bool app_read(struct playback *playback, uint32_t events)
{
	struct worker *worker = playback->connection.worker;
	struct leg *app = &playback->connection.app;
	ssize_t size = leg_receive(app, events, worker->read_bytes, WORKER_READ_BYTES);
	struct slice bytes = slice_of(worker->read_bytes, size > 0 ? (size_t)size : 0);

	if (size == -EAGAIN)
		return true;
	if (size <= 0) {
		over(playback, size < 0);
		return false;
	}
	if (playback->replayer && playback->began) {
		/* What others had said by now comes with the answer, however late this worker is. */
		(void)tell(playback, worker_now(worker));
		return feed(playback, bytes);
	}
	buffer_append_slice(&playback->held, bytes);
	return detect(playback);
}

/* Tunnels may begin in tunnels: one after the other, each needs bytes of its own. */
static bool look_into_tunnels(struct playback *playback)
{
	while (playback->in_tunnel) {
		playback->in_tunnel = false;
		if (playback->held.size && !detect(playback))
			return false;
	}
	return true;
}

/* Whoever gives up now is what was recorded: nothing is to be said any more. */
static bool holds(const struct playback *playback)
{
	return playback->wake_ns && playback->state == REPLAY_HOLD;
}

static void watch(struct playback *playback)
{
	struct leg *app = &playback->connection.app;

	if (app->pending.size || playback->greets_now || playback->refused)
		leg_watch(app, EPOLLOUT);
	else if (holds(playback))
		leg_watch(app, EPOLLRDHUP);
	else
		leg_watch(app, playback->wake_ns ? 0 : EPOLLIN);
}

/* The app takes more of what waits for it; false when the connection is over. */
static bool send_pending(struct playback *playback)
{
	struct leg *app = &playback->connection.app;

	if (leg_send(app, slice_of(NULL, 0))) {
		over(playback, true);
		return false;
	}
	return app->pending.size ||
	       (playback->state == REPLAY_MORE ? play(playback) : settle(playback));
}

static void playback_ready(struct connection *connection, struct leg *app, uint32_t events)
{
	struct playback *playback = playback_of(connection);
	bool going = true;

	if (playback->refused || holds(playback)) {
		over(playback, true);
		return;
	}
	if (playback->greets_now) {
		playback->greets_now = false;
		going = begin(playback, playback->greets);
	} else if (app->pending.size) {
		going = send_pending(playback);
	} else if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
		going = app_read(playback, events);
	}
	if (going && look_into_tunnels(playback))
		watch(playback);
}

static void playback_tick(struct connection *connection, int64_t now_ns)
{
	struct playback *playback = playback_of(connection);
	bool silent = !playback->replayer && !playback->held.size;
	bool going;

	if (playback->lingers_from_ns) {
		if (now_ns - playback->lingers_from_ns > LINGER_NS)
			over(playback, false);
		return;
	}
	if (holds(playback) && tell(playback, now_ns) &&
	    !playback->protocol->replayer_wait(playback->replayer))
		playback->wake_ns = now_ns; /* somebody cancelled it */
	if (playback->wake_ns > now_ns) {
		worker_wake_at(connection->worker, playback->wake_ns);
		return;
	}
	if (playback->wake_ns) {
		playback->wake_ns = 0;
		going = play(playback);
	} else if (playback->greets && silent && now_ns - playback->start_ns >= GREET_NS &&
		   !socket_is_ready(connection->app.fd, POLLIN)) {
		going = begin(playback, playback->greets);
	} else if (playback->replayer && tell(playback, now_ns) && !connection->app.pending.size &&
		   playback->state == REPLAY_IDLE) {
		/* An answer that is under way says it at its end. */
		going = play(playback);
	} else {
		return;
	}
	if (going && look_into_tunnels(playback))
		watch(playback);
}

static void playback_end(struct connection *connection)
{
	struct playback *playback = playback_of(connection);

	peers_leave(&playback->peer);
	while (playback->due) {
		struct due *next = playback->due->next;

		free(playback->due);
		playback->due = next;
	}
	if (playback->replayer)
		playback->protocol->replayer_free(playback->replayer);
	playback->replayer = NULL;
	answers_free(playback->answers);
	playback->answers = NULL;
	buffer_release(&playback->held);
	free(playback->address);
	playback->address = NULL;
	leg_close(&connection->app, false);
}

/* Only at rest between two requests, and when nobody may tell it something. */
static bool playback_leave(struct connection *connection, struct worker *to)
{
	struct playback *playback = playback_of(connection);

	if (!playback->replayer || playback->state != REPLAY_IDLE || connection->app.pending.size ||
	    playback->wake_ns || playback->lingers_from_ns || playback->due ||
	    playback->peer.member)
		return false;
	leg_watch(&connection->app, 0);
	answers_move(playback->answers, to->reader);
	playback->answers->cache = to->cache;
	playback->answers->forms = to->forms;
	return true;
}

static void playback_arrive(struct connection *connection)
{
	watch(playback_of(connection));
}

static const struct connection_ops playback_ops = {
	.ready = playback_ready,
	.tick = playback_tick,
	.end = playback_end,
	.leave = playback_leave,
	.arrive = playback_arrive,
};

struct connection *playback_new(struct worker *worker, const struct incoming *incoming)
{
	const struct sockaddr *asked = (const struct sockaddr *)&incoming->origin.asked;
	struct playback *playback = calloc(1, sizeof(*playback));
	char name[SOCKET_NAME_BYTES];
	uint16_t port = socket_parts(asked, name);
	char *address = strdup(name);

	if (!playback || !address)
		abort();
	playback->connection = (struct connection){
		.ops = &playback_ops,
		.worker = worker,
		.id = incoming->id,
		.origin = incoming->origin,
	};
	/* As large as the worker's own buffer: what one fill() gave always fits. */
	leg_init(&playback->connection.app, &playback->connection, incoming->fd, worker->out.max);
	buffer_init(&playback->held, 2 * WORKER_READ_BYTES);
	socket_tune(incoming->fd, NULL);
	playback->refused =
		matcher_refuses(worker->setup->matcher, slice_from_string(address), port);
	arrive(playback, address, port);
	/* A greeting, or a reset, is given in its own turn, when the worker has this connection among its own. */
	watch(playback);
	return &playback->connection;
}
