/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Playback: a connection of the app whose server is the recording (design §6). There is no upstream socket in this file.
 *
 *	DETECT ──a protocol's bytes──▶ PLAY: feed what came, fill what is to be said, send, until nothing is left
 *	   └──── the server speaks first ──▶ PLAY ──the replayer is through──▶ LINGER ──the app closes, or LINGER_NS──▶ closed
 *
 * A server that was recorded to speak first greets as soon as the app connected. Where it may be another protocol's (several
 * were recorded there, or the place was not recorded) the app is given GREET_NS to speak first; after that its silence
 * means that it waits. Where nobody ever greeted, silence means nothing: the connection stays open, for as long as the
 * app wants (pools connect before they ask).
 *
 * To close while bytes of the app are unread, or still come, would be a reset, which takes from the app what it has not read yet
 * (RFC 9112, section 9.6). So only the sending side is closed, and what comes is thrown away until the app closes too.
 *
 * The app is read only while the replayer has nothing left to say and all of it was sent: so a client that asks and does
 * not read costs one buffer, whatever it asks for.
 */
#include "proxy/socket.h"
#include "proxy/worker.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* Noticed by the worker's tick, so that 200 to 450 ms pass. */
#define GREET_NS ((int64_t)200 * 1000000)
#define LINGER_NS ((int64_t)2 * 1000000000)

struct playback {
	struct connection connection; /* first */
	const struct protocol *protocol;
	struct answers *answers;
	struct replayer *replayer;     /* NULL: not recognised yet */
	struct buffer held;	       /* until it is */
	const struct protocol *greets; /* its server speaks first; NULL: the client does */
	bool greets_now;
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
	return playback->state < REPLAY_CLOSE || app->pending.size || close_play(playback);
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

/* From here on it is this protocol's; the server's word, where it has the first, is said. */
static bool begin(struct playback *playback, const struct protocol *protocol)
{
	struct connection *connection = &playback->connection;
	struct worker *worker = connection->worker;
	char address[SOCKET_NAME_BYTES];
	uint16_t port = socket_parts((const struct sockaddr *)&connection->origin.asked, address);
	struct buffer held = playback->held;
	bool ok;

	playback->protocol = protocol;
	playback->answers =
		answers_new(worker->reader, protocol->name, slice_from_string(address), port);
	playback->answers->cache = worker->cache;
	playback->replayer = protocol->replayer_new(playback->answers, connection->id);
	buffer_init(&playback->held, held.max);
	ok = (!protocol->recognise_server || play(playback)) &&
	     (!held.size || feed(playback, buffer_slice(&held)));
	buffer_release(&held);
	return ok;
}

static bool detect(struct playback *playback)
{
	struct worker *worker = playback->connection.worker;
	const struct protocol *protocol;
	bool more;

	protocol = protocol_recognise(SIDE_CLIENT, buffer_slice(&playback->held), &more);
	if (protocol && protocol->replayer_new)
		return begin(playback, protocol);
	if (more)
		return true;
	atomic_fetch_add(&worker->setup->counts->unknown_protocol, 1);
	over(playback, true);
	return false;
}

static bool app_read(struct playback *playback)
{
	struct worker *worker = playback->connection.worker;
	struct leg *app = &playback->connection.app;
	ssize_t size = socket_receive(app->fd, worker->read_bytes, WORKER_READ_BYTES);
	struct slice bytes = slice_of(worker->read_bytes, size > 0 ? (size_t)size : 0);

	if (size == -EAGAIN)
		return true;
	if (size <= 0) {
		over(playback, size < 0);
		return false;
	}
	if (playback->replayer)
		return feed(playback, bytes);
	buffer_append_slice(&playback->held, bytes);
	return detect(playback);
}

static void playback_ready(struct connection *connection, struct leg *app, uint32_t events)
{
	struct playback *playback = playback_of(connection);
	int error;

	if (playback->greets_now) {
		playback->greets_now = false;
		if (!begin(playback, playback->greets))
			return;
	} else if (app->pending.size) {
		error = leg_send(app, slice_of(NULL, 0));
		if (error) {
			over(playback, true);
			return;
		}
		if (!app->pending.size && playback->state != REPLAY_IDLE && !play(playback))
			return;
	} else if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) && !app_read(playback)) {
		return;
	}
	leg_watch(app, app->pending.size ? EPOLLOUT : EPOLLIN);
}

static void playback_tick(struct connection *connection, int64_t now_ns)
{
	struct playback *playback = playback_of(connection);
	bool silent = !playback->replayer && !playback->held.size;

	if (playback->lingers_from_ns && now_ns - playback->lingers_from_ns > LINGER_NS) {
		over(playback, false);
		return;
	}
	if (!playback->greets || !silent || now_ns - playback->start_ns < GREET_NS)
		return;
	if (begin(playback, playback->greets))
		leg_watch(&connection->app, connection->app.pending.size ? EPOLLOUT : EPOLLIN);
}

static void playback_end(struct connection *connection)
{
	struct playback *playback = playback_of(connection);

	if (playback->replayer)
		playback->protocol->replayer_free(playback->replayer);
	playback->replayer = NULL;
	answers_free(playback->answers);
	playback->answers = NULL;
	buffer_release(&playback->held);
	leg_close(&connection->app, false);
}

static const struct connection_ops playback_ops = {
	.ready = playback_ready,
	.tick = playback_tick,
	.end = playback_end,
};

struct connection *playback_new(struct worker *worker, const struct incoming *incoming)
{
	const struct sockaddr *asked = (const struct sockaddr *)&incoming->origin.asked;
	struct playback *playback = calloc(1, sizeof(*playback));
	char address[SOCKET_NAME_BYTES];
	uint16_t port = socket_parts(asked, address);

	if (!playback)
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
	playback->start_ns = worker_now(worker);
	playback->greets = matcher_greeting(worker->setup->matcher, slice_from_string(address),
					    port, &playback->greets_now);
	playback->greets_now &= playback->greets != NULL;
	/* A greeting is said in its own turn, when the worker has this connection among its own. */
	leg_watch(&playback->connection.app, playback->greets_now ? EPOLLOUT : EPOLLIN);
	return &playback->connection;
}
