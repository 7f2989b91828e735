/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Relay: a connection of the app and the upstream one that belongs to it, while recording or tracing (design §5).
 *
 *	DETECT ──▶ HANDSHAKE ──▶ RELAY ──a tunnel begins──▶ DETECT
 *	   └──────────┴─────────▶ RELAY, opaque
 *
 * In DETECT and HANDSHAKE bytes are held, upstream is dialled meanwhile: see handshake.c. In RELAY bytes go on first, as
 * they came, and are decoded after. A decoder that fails makes the connection opaque and never breaks it.
 *
 * Invariants: a side is read only while nothing is pending for the other one, so that at most one read is ever kept;
 * after `at_end` a side is not read; a peer is told of the other's end when all was sent to it.
 */
#include "proxy/relay.h"

#include "proxy/socket.h"
#include "store/tap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

/* An exchange that lasts longer than this is written as unfinished until it ends. */
#define FLUSH_NS ((int64_t)500 * 1000000)
/* Of a server that broke in mid-request: an error, not a result. */
#define LAST_READS 16

static struct relay *relay_of(struct connection *connection)
{
	return (struct relay *)connection;
}

static bool recording(const struct relay *relay)
{
	const struct worker_setup *setup = relay->connection.worker->setup;

	return setup->writer && setup->options->stage != STAGE_RELAY;
}

static void set_outcome(struct relay *relay, const char *what, int error)
{
	if (relay->outcome[0])
		return;
	if (error)
		snprintf(relay->outcome, sizeof(relay->outcome), "%s: %s", what, strerror(-error));
	else
		snprintf(relay->outcome, sizeof(relay->outcome), "%s", what);
}

/* ---- recording ---- */

static struct slice item_string(struct item *item, const char *string)
{
	return arena_copy(&item->arena, slice_from_string(string));
}

/* Where the app, or a tunnel, wanted to go; NULL: nothing is recorded. */
static struct item *report_open(struct relay *relay, struct slice host, struct slice address,
				uint16_t port)
{
	const struct redirect_origin *origin = &relay->connection.origin;
	struct worker *worker = relay->connection.worker;
	struct item *item;

	if (!recording(relay))
		return NULL;
	item = item_new(ITEM_CONNECTION_OPEN, relay->number);
	item->connection_open.start_ns = worker_now(worker);
	item->connection_open.port = port;
	item->connection_open.address = arena_copy(&item->arena, address);
	item->connection_open.host = arena_copy(&item->arena, host);
	item->connection_open.pid = origin->pid;
	item->connection_open.program = item_string(item, origin->program);
	item_list_add(&worker->items, item);
	return item;
}

static void report_close(struct relay *relay)
{
	struct worker *worker = relay->connection.worker;
	struct item *item;

	if (!recording(relay))
		return;
	item = item_new(ITEM_CONNECTION_CLOSE, relay->number);
	item->connection_close.end_ns = worker_now(worker);
	item->connection_close.outcome = item_string(item, relay->outcome);
	item->connection_close.opaque = item_string(item, relay->opaque);
	item->connection_close.opaque_at = relay->opaque_at;
	item->connection_close.client_bytes = relay->bytes[SIDE_CLIENT];
	item->connection_close.server_bytes = relay->bytes[SIDE_SERVER];
	item->connection_close.tap = relay->tap;
	relay->tap = NULL;
	item_list_add(&worker->items, item);
}

/* Decoding ends here; what was found out so far is kept. */
static void end_recorder(struct relay *relay)
{
	struct worker *worker = relay->connection.worker;

	if (relay->listens)
		tap_end(relay->tap, worker_now(worker), &worker->items);
	relay->listens = false;
	if (!relay->recorder || !relay->protocol)
		return;
	relay->protocol->recorder_end(relay->recorder, worker_now(worker), &worker->items);
	relay->protocol->recorder_free(relay->recorder);
	relay->recorder = NULL;
}

void relay_make_opaque(struct relay *relay, const char *why, uint64_t at)
{
	end_recorder(relay);
	if (relay->opaque)
		return;
	relay->opaque = why;
	relay->opaque_at = at;
	atomic_fetch_add(&relay->connection.worker->setup->counts->opaque, 1);
}

void relay_begin_recorder(struct relay *relay)
{
	const struct worker_setup *setup = relay->connection.worker->setup;
	struct recorder *recorder;

	if (!relay->protocol || relay->recorder || relay->tap || relay->opaque || !recording(relay))
		return;
	recorder = relay->protocol->recorder_new(relay->number);
	if (setup->options->verify && relay->protocol->recorder_checksum)
		relay->protocol->recorder_checksum(recorder);
	relay->said = 0;
	if (setup->options->stage == STAGE_STORE) {
		relay->tap =
			tap_new(relay->protocol, recorder, relay->bytes, &setup->counts->opaque);
		relay->listens = true;
	} else {
		relay->recorder = recorder;
	}
}

/* From here on it has to be asked at once whether a tunnel begins, so the recorder runs here. */
static void take_recorder_back(struct relay *relay)
{
	tap_give_back(relay->tap, &relay->connection.worker->items);
	worker_push_items(relay->connection.worker);
	writer_hurry(relay->connection.worker->setup->writer);
	worker_end_turn(relay->connection.worker);
	relay->recorder = tap_taken_back(relay->tap);
	worker_begin_turn(relay->connection.worker);
	relay->listens = false;
}

/* The tap is told; false: nobody listens any more. */
static bool tell(struct relay *relay, enum side side, struct slice bytes)
{
	struct worker *worker = relay->connection.worker;

	if (writer_failed(worker->setup->writer) || tap_is_deaf(relay->tap))
		return false;
	relay->seen_ns = worker_now(worker);
	if (!relay->unflushed_ns)
		relay->unflushed_ns = relay->seen_ns;
	tap_see(relay->tap, side, bytes, relay->seen_ns, &worker->items);
	return true;
}

void relay_see(struct relay *relay, enum side side, struct slice bytes)
{
	struct worker *worker = relay->connection.worker;
	const struct worker_setup *setup = worker->setup;
	const char *why = NULL;

	if (relay->listens && side == SIDE_CLIENT && relay->protocol->may_tunnel &&
	    relay->protocol->may_tunnel(&relay->said, bytes))
		take_recorder_back(relay);
	relay->bytes[side] += bytes.size;
	if (relay->listens)
		relay->listens = tell(relay, side, bytes);
	if (!relay->recorder)
		return;
	if (setup->writer && writer_failed(setup->writer)) { /* recording is over, the app is not */
		end_recorder(relay);
		return;
	}
	if (relay->protocol->recorder_see(relay->recorder, side, bytes, worker_now(worker),
					  &worker->items, &why))
		relay_make_opaque(relay, why, relay->bytes[side] - bytes.size);
	if (setup->options->stage == STAGE_DECODE)
		item_list_release(&worker->items);
}

/* ---- the two legs ---- */

/* One that only shakes hands and never reads what it is answered is not read on. */
static bool shall_read(const struct relay *relay, enum side side, const struct leg *from,
		       const struct leg *to)
{
	if (from->at_end || to->pending.size)
		return false;
	return relay->state == RELAY_RELAY ||
	       (!from->pending.size && handshake_has_room(relay, side));
}

/* What each leg waits for follows from the state alone. */
static void watch(struct relay *relay)
{
	struct leg *app = &relay->connection.app, *upstream = &relay->upstream;
	uint32_t app_events = 0, upstream_events = 0;

	if (shall_read(relay, SIDE_CLIENT, app, upstream))
		app_events |= EPOLLIN;
	if (app->pending.size)
		app_events |= EPOLLOUT;
	if (relay->connecting) {
		upstream_events = EPOLLOUT;
	} else {
		if (shall_read(relay, SIDE_SERVER, upstream, app))
			upstream_events |= EPOLLIN;
		if (upstream->pending.size)
			upstream_events |= EPOLLOUT;
	}
	leg_watch(app, app_events);
	leg_watch(upstream, upstream_events);
}

/*
 * Who gives up while the other still speaks says why and resets (MySQL, of a packet that is too large; TLS's alert of a client): what it
 * had said is there to be read where writing to it fails.
 */
static void pass_last_words(struct relay *relay, struct leg *from)
{
	struct worker *worker = relay->connection.worker;
	enum side side = from == &relay->upstream ? SIDE_SERVER : SIDE_CLIENT;
	struct leg *to = side == SIDE_SERVER ? &relay->connection.app : &relay->upstream;
	ssize_t size;

	/* As everywhere not more than the other takes. */
	for (size_t i = 0; i < LAST_READS && !to->pending.size; i++) {
		size = socket_receive(from->fd, worker->read_bytes, WORKER_READ_BYTES);
		if (size <= 0 || leg_send(to, slice_of(worker->read_bytes, (size_t)size)))
			return;
		relay_see(relay, side, slice_of(worker->read_bytes, (size_t)size));
	}
}

/*
 * A client that leaves behind an answer's head resets; that the server had ended before may be the end of that answer, all of which
 * was passed on.
 */
static void see_last_end(struct relay *relay)
{
	struct leg *upstream = &relay->upstream;
	uint8_t byte;

	if (relay->state != RELAY_RELAY || relay->connecting || upstream->at_end ||
	    recv(upstream->fd, &byte, sizeof(byte), MSG_PEEK | MSG_DONTWAIT) != 0)
		return;
	upstream->at_end = true;
	relay_see(relay, SIDE_SERVER, slice_of("", 0));
}

/* One side is broken: the other sees the same. */
static void broken(struct relay *relay, struct leg *leg, int error)
{
	enum side side = leg == &relay->upstream ? SIDE_SERVER : SIDE_CLIENT;

	if (side == SIDE_CLIENT)
		see_last_end(relay);
	if (relay->listens)
		tap_broken(relay->tap, side, &relay->connection.worker->items);
	if (relay->recorder && relay->protocol->recorder_broken)
		relay->protocol->recorder_broken(relay->recorder, side);
	set_outcome(relay, leg == &relay->upstream ? "broken by the server" : "broken by the app",
		    error);
	leg_close(&relay->connection.app, true);
	leg_close(&relay->upstream, true);
	connection_over(&relay->connection);
}

static void upstream_failed(struct relay *relay, const char *what, int error)
{
	struct worker_counts *counts = relay->connection.worker->setup->counts;

	atomic_fetch_add(
		error == -ETIMEDOUT ? &counts->timed_out_upstream : &counts->refused_upstream, 1);
	set_outcome(relay, what, error);
	leg_close(&relay->connection.app, true);
	leg_close(&relay->upstream, true);
	connection_over(&relay->connection);
}

/* Sends to a leg; before it is connected the bytes wait. False when that ended the connection. */
static bool forward(struct relay *relay, struct leg *to, struct slice bytes)
{
	int error;

	if (to == &relay->upstream && relay->connecting) {
		buffer_append_slice(&to->pending, bytes);
		return true;
	}
	error = leg_send(to, bytes);
	if (error && relay->state == RELAY_RELAY)
		pass_last_words(relay, to);
	if (error)
		broken(relay, to, error);
	return !error;
}

bool relay_forward(struct relay *relay, enum side side, struct slice bytes)
{
	struct leg *to = side == SIDE_CLIENT ? &relay->upstream : &relay->connection.app;

	return forward(relay, to, bytes);
}

/* How many of these bytes are passed and seen before it is asked whether a tunnel begins behind them. */
static size_t span(const struct relay *relay, enum side side, struct slice bytes)
{
	if (side == SIDE_CLIENT || !relay->recorder || !relay->protocol->recorder_span)
		return bytes.size;
	return relay->protocol->recorder_span(relay->recorder, bytes);
}

static bool is_address(struct slice host)
{
	char text[INET6_ADDRSTRLEN] = { 0 };
	uint8_t binary[16];

	if (host.size >= sizeof(text))
		return false;
	memcpy(text, host.data, host.size);
	return inet_pton(AF_INET, text, binary) == 1 || inet_pton(AF_INET6, text, binary) == 1;
}

/*
 * The connection of the recording is over here, though the sockets stay: what follows is a connection of its own, in which
 * everything begins anew. True when that is so.
 */
static bool became_tunnel(struct relay *relay)
{
	uint64_t outer = relay->number;
	struct slice host, name;
	struct item *item;
	uint16_t port;

	if (!relay->recorder || !relay->protocol->recorder_tunnel ||
	    !relay->protocol->recorder_tunnel(relay->recorder, &host, &port))
		return false;
	set_outcome(relay, "became a tunnel", 0);
	report_close(relay);
	relay->number = 1 + atomic_fetch_add(&relay->connection.worker->setup->counts->numbered, 1);
	name = is_address(host) ? slice_of(NULL, 0) : host;
	item = report_open(relay, name, host, port);
	if (item)
		item->connection_open.through = outer;
	end_recorder(relay);
	relay->protocol = NULL;
	relay->state = RELAY_DETECT;
	relay->held_ns = 0;
	relay->began = relay->tls_asked = relay->greeting_edited = false;
	relay->bytes[SIDE_CLIENT] = relay->bytes[SIDE_SERVER] = 0;
	relay->outcome[0] = 0;
	return true;
}

bool relay_pass(struct relay *relay, enum side side, struct slice bytes)
{
	do {
		size_t size = span(relay, side, bytes);

		if (!relay_forward(relay, side, slice_of(bytes.data, size)))
			return false;
		relay_see(relay, side, slice_of(bytes.data, size));
		bytes = slice_of(bytes.data + size, bytes.size - size);
		if (side == SIDE_SERVER && became_tunnel(relay))
			return !bytes.size || handshake_bytes(relay, side, bytes);
	} while (bytes.size);
	return true;
}

bool relay_answer(struct relay *relay, enum side side, struct slice bytes)
{
	return forward(relay, side == SIDE_CLIENT ? &relay->connection.app : &relay->upstream,
		       bytes);
}

/* Ends are passed on when everything before them was. False when the connection is over. */
static bool pass_ends(struct relay *relay)
{
	struct leg *legs[] = { &relay->connection.app, &relay->upstream }; /* by enum side */

	for (size_t i = 0; i < 2; i++) {
		struct leg *to = legs[1 - i];

		if (legs[i]->at_end && !to->shut && !to->pending.size && !relay->connecting &&
		    !relay->held[i].size) {
			shutdown(to->fd, SHUT_WR);
			to->shut = true;
		}
	}
	if (!relay->connection.app.shut || !relay->upstream.shut)
		return true;
	set_outcome(relay, "closed", 0);
	leg_close(&relay->connection.app, false);
	leg_close(&relay->upstream, false);
	connection_over(&relay->connection);
	return false;
}

/* ---- events ---- */

/* Nothing else tells that an app which had ended was gone when the server's last words came. */
static bool app_is_gone(struct relay *relay)
{
	int error = socket_connected(relay->connection.app.fd);

	if (error)
		broken(relay, &relay->connection.app, error);
	return error != 0;
}

/* False when the connection is over. */
static bool leg_read(struct relay *relay, struct leg *leg, uint32_t events)
{
	struct worker *worker = relay->connection.worker;
	enum side side = leg == &relay->connection.app ? SIDE_CLIENT : SIDE_SERVER;
	ssize_t size = leg_receive(leg, events, worker->read_bytes, WORKER_READ_BYTES);
	struct slice bytes = slice_of(worker->read_bytes, size > 0 ? (size_t)size : 0);

	worker_begin_turn(
		worker); /* before it is sent on: the answer may be there when that returns */
	if (size == -EAGAIN)
		return true;
	if (size < 0) {
		broken(relay, leg, (int)size);
		return false;
	}
	if (size == 0) {
		leg->at_end = true;
		if (side == SIDE_SERVER && relay->connection.app.at_end && app_is_gone(relay))
			return false;
		if (relay->state != RELAY_RELAY)
			return handshake_end(relay, side);
		relay_see(relay, side, slice_of("", 0)); /* it may be the end of a message */
		return true;
	}
	if (relay->state == RELAY_RELAY)
		return relay_pass(relay, side, bytes);
	return handshake_bytes(relay, side, bytes);
}

static void trace_result(struct relay *relay, int error)
{
	const struct worker_setup *setup = relay->connection.worker->setup;

	if (!setup->trace)
		return;
	pthread_mutex_lock(setup->trace_lock);
	trace_upstream(setup->trace, &relay->connection.origin,
		       (const struct sockaddr *)&relay->connection.origin.asked, -error);
	pthread_mutex_unlock(setup->trace_lock);
}

/* False when the connection is over. */
static bool upstream_connected(struct relay *relay)
{
	int error = socket_connected(relay->upstream.fd);

	trace_result(relay, error);
	if (error) {
		upstream_failed(relay, "upstream", error);
		return false;
	}
	relay->connecting = false;
	return forward(relay, &relay->upstream, slice_of(NULL, 0));
}

static void relay_ready(struct connection *connection, struct leg *leg, uint32_t events)
{
	struct relay *relay = relay_of(connection);

	if (leg == &relay->upstream && relay->connecting) {
		if (!upstream_connected(relay))
			return;
	} else {
		if ((events & EPOLLOUT) && leg->pending.size &&
		    !forward(relay, leg, slice_of(NULL, 0)))
			return;
		if ((leg->events & EPOLLIN) && !leg->at_end &&
		    (events & (EPOLLIN | EPOLLERR | EPOLLHUP)) && !leg_read(relay, leg, events))
			return;
	}
	if (pass_ends(relay))
		watch(relay);
}

/* Only where something passed since the last time, or was too young then. */
static void flush_tap(struct relay *relay, int64_t now_ns)
{
	int64_t before_ns = now_ns - FLUSH_NS;

	if (!relay->unflushed_ns || relay->unflushed_ns > before_ns)
		return;
	tap_flush(relay->tap, before_ns, &relay->connection.worker->items);
	relay->unflushed_ns = relay->seen_ns > before_ns ? relay->seen_ns : 0;
}

static void relay_tick(struct connection *connection, int64_t now_ns)
{
	struct relay *relay = relay_of(connection);
	struct worker *worker = connection->worker;
	const struct options *options = worker->setup->options;

	if (relay->connecting &&
	    now_ns - relay->start_ns > (int64_t)options->connect_timeout_s * 1000000000 &&
	    !socket_is_ready(relay->upstream.fd, POLLOUT)) {
		trace_result(relay, -ETIMEDOUT);
		upstream_failed(relay, "upstream", -ETIMEDOUT);
		return;
	}
	if (relay->state == RELAY_DETECT) {
		if (handshake_tick(relay, now_ns) && pass_ends(relay))
			watch(relay);
		return;
	}
	if (relay->listens)
		flush_tap(relay, now_ns);
	if (relay->recorder)
		relay->protocol->recorder_flush(relay->recorder, now_ns - FLUSH_NS, &worker->items);
}

static void relay_end(struct connection *connection)
{
	struct relay *relay = relay_of(connection);

	if (!relay->outcome[0]) {
		set_outcome(relay, "still open when recording ended", 0);
		atomic_fetch_add(&connection->worker->setup->counts->cut, 1);
	}
	end_recorder(relay);
	report_close(relay);
	leg_close(&connection->app, false);
	leg_close(&relay->upstream, false);
	buffer_release(&relay->held[SIDE_CLIENT]);
	buffer_release(&relay->held[SIDE_SERVER]);
}

static bool relay_leave(struct connection *connection, struct worker *to)
{
	struct relay *relay = relay_of(connection);

	(void)to;
	if (relay->connecting || relay->state != RELAY_RELAY)
		return false;
	leg_watch(&connection->app, 0);
	leg_watch(&relay->upstream, 0);
	return true;
}

static void relay_arrive(struct connection *connection)
{
	watch(relay_of(connection));
}

static const struct connection_ops relay_ops = {
	.ready = relay_ready,
	.tick = relay_tick,
	.end = relay_end,
	.leave = relay_leave,
	.arrive = relay_arrive,
};

struct connection *relay_new(struct worker *worker, const struct incoming *incoming)
{
	struct relay *relay = calloc(1, sizeof(*relay));
	char address[SOCKET_NAME_BYTES];
	uint16_t port = socket_parts((const struct sockaddr *)&incoming->origin.asked, address);
	int fd;

	if (!relay)
		abort();
	relay->connection = (struct connection){
		.ops = &relay_ops,
		.worker = worker,
		.id = incoming->id,
		.origin = incoming->origin,
	};
	relay->number = incoming->id;
	relay->start_ns = worker_now(worker);
	relay->connecting = true;
	leg_init(&relay->connection.app, &relay->connection, incoming->fd, RELAY_PENDING_MAX);
	leg_init(&relay->upstream, &relay->connection, -1, RELAY_PENDING_MAX);
	buffer_init(&relay->held[SIDE_CLIENT], RELAY_HELD_MAX);
	buffer_init(&relay->held[SIDE_SERVER], RELAY_HELD_MAX);
	socket_tune(incoming->fd, NULL);
	report_open(relay, slice_from_string(incoming->host), slice_from_string(address), port);
	fd = socket_connect((const struct sockaddr *)&incoming->origin.asked);
	relay->upstream.fd = fd < 0 ? -1 : fd;
	if (fd < 0) {
		trace_result(relay, fd);
		set_outcome(relay, "upstream", fd);
		atomic_fetch_add(&worker->setup->counts->refused_upstream, 1);
		leg_close(&relay->connection.app, true);
		relay_end(&relay->connection);
		free(relay);
		return NULL;
	}
	watch(relay);
	return &relay->connection;
}
