/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Playback: a connection of the app whose server is the recording (design §6). There is no upstream socket in this file.
 *
 *	DETECT ──a protocol's bytes──▶ PLAY: feed what came, fill what is to be said, send, until nothing is left
 *
 * The app is read only while the replayer has nothing left to say and all of it was sent: so a client that asks and does
 * not read costs one buffer, whatever it asks for.
 */
#include "proxy/socket.h"
#include "proxy/worker.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>

struct playback {
	struct connection connection; /* first */
	const struct protocol *protocol;
	struct answers *answers;
	struct replayer *replayer; /* NULL: not recognised yet */
	struct buffer held;	   /* until it is */
	enum replay_state state;
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
	if (playback->state == REPLAY_CLOSE && !app->pending.size) {
		over(playback, false);
		return false;
	}
	return true;
}

static bool feed(struct playback *playback, struct slice bytes)
{
	const char *why = NULL;

	if (playback->protocol->replayer_feed(playback->replayer, bytes, &why)) {
		over(playback, true);
		return false;
	}
	return play(playback);
}

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
	ok = feed(playback, buffer_slice(&held));
	buffer_release(&held);
	return ok;
}

static bool detect(struct playback *playback)
{
	struct worker *worker = playback->connection.worker;
	const struct protocol *protocol;
	bool more;

	protocol = protocol_recognise(SIDE_CLIENT, buffer_slice(&playback->held), &more);
	if (protocol)
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

	if (app->pending.size) {
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
	(void)connection;
	(void)now_ns;
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
	struct playback *playback = calloc(1, sizeof(*playback));

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
	leg_watch(&playback->connection.app, EPOLLIN);
	return &playback->connection;
}
