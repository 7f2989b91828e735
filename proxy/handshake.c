/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The begin of a relayed connection: who speaks which protocol, and the protocol's handshake, the only place where bytes are
 * passed on otherwise than they came (design §3.1); see relay.h.
 *
 *	DETECT ──first bytes of a side are a protocol's──▶ HANDSHAKE ──done on both sides──▶ RELAY (a tunnel: DETECT again)
 *	   └──── nobody's, or not known in time ──▶ RELAY, opaque       └──── refused ──▶ RELAY, opaque
 *
 * Upstream is dialled when the app connects, so that a server that speaks first is heard. Who speaks decides, never a port:
 * once the server has said something its bytes are asked, until then the client's. Both silent means nothing, for as long as
 * it lasts. A PROXY header that comes before all else from the client is passed on and is nobody's word.
 *
 * Invariants: bytes that are held were not passed on (but for the first `passed` of the client's, which are held to be
 * looked at), and those behind them are held too, so that a side's order is kept; a side that holds as much as may be
 * waited for is not read, or the wait ends.
 */
#include "parsers/proxy_header.h"
#include "proxy/relay.h"
#include "proxy/socket.h"

#include <assert.h>
#include <poll.h>
#include <sys/epoll.h>

/*
 * A side that sent a few bytes of something unknown and sends no more for this long may speak a protocol that we do not know. What
 * can still be one that is recognised late is passed on then, and looked at for as long as it can be.
 */
#define DETECT_NS ((int64_t)2 * 1000000000)

/* How much of a side is waited for. */
static size_t held_enough(const struct relay *relay)
{
	size_t enough = WORKER_READ_BYTES;

	if (relay->state == RELAY_HANDSHAKE && relay->protocol->handshake_max < enough)
		enough = relay->protocol->handshake_max;
	return enough;
}

bool handshake_has_room(const struct relay *relay, enum side side)
{
	return relay->held[side].size < held_enough(relay);
}

static bool server_first(const struct relay *relay)
{
	return relay->protocol && relay->protocol->recognise_server;
}

/* What is held goes on as it came. */
static bool pass_held(struct relay *relay, enum side side)
{
	struct buffer held = relay->held[side];
	size_t passed = side == SIDE_CLIENT ? relay->passed : 0;
	bool ok;

	if (!held.size)
		return true;
	buffer_init(&relay->held[side], held.max);
	if (side == SIDE_CLIENT)
		relay->passed = 0;
	if (passed) /* no bytes would be the side's end */
		relay_see(relay, side, slice_of(held.data, passed));
	ok = passed == held.size ||
	     relay_pass(relay, side, slice_of(held.data + passed, held.size - passed));
	buffer_release(&held);
	return ok;
}

/* From here on bytes pass as they come. */
static bool begin_relay(struct relay *relay)
{
	enum side first = server_first(relay) ? SIDE_SERVER : SIDE_CLIENT;
	enum side second = first == SIDE_SERVER ? SIDE_CLIENT : SIDE_SERVER;

	relay->state = RELAY_RELAY;
	relay_begin_recorder(relay);
	return pass_held(relay, first) && pass_held(relay, second);
}

static bool begin_opaque(struct relay *relay, enum side side, const char *why)
{
	if (relay->connection.worker->setup->options->mode == MODE_RECORD)
		relay_make_opaque(relay, why, relay->bytes[side]);
	relay->protocol = NULL;
	return begin_relay(relay);
}

enum stepped { STEPPED_AGAIN, STEPPED_ENOUGH, STEPPED_OVER };

/* Does what a step of the handshake says, whose bytes are not among those that are held any more. */
static enum stepped take_step(struct relay *relay, enum side side,
			      const struct handshake_step *step)
{
	bool ok = true;

	switch (step->action) {
	case HANDSHAKE_MORE:
		if (!handshake_has_room(relay, side))
			ok = begin_opaque(relay, side, "a handshake that does not end");
		break;
	case HANDSHAKE_SEND:
		assert(step->consumed);
		relay->tls_asked |= side == SIDE_CLIENT;
		return relay_answer(relay, side, step->reply) ? STEPPED_AGAIN : STEPPED_OVER;
	case HANDSHAKE_FORWARD:
		assert(step->consumed);
		relay_begin_recorder(relay);
		ok = relay_pass(relay, side, step->reply);
		if (ok && !step->done)
			return STEPPED_AGAIN;
		ok = ok && begin_relay(relay);
		break;
	case HANDSHAKE_DONE:
		relay->tls_asked = false;
		ok = begin_relay(relay);
		break;
	default:
		ok = begin_opaque(relay, side, "not the protocol that it began as");
	}
	return ok ? STEPPED_ENOUGH : STEPPED_OVER;
}

/* Is another step to be taken behind this one? Then what is held need not be moved up yet. */
static bool goes_on(const struct handshake_step *step)
{
	return step->action == HANDSHAKE_SEND || (step->action == HANDSHAKE_FORWARD && !step->done);
}

/* Thousands of small steps may be held: they leave the front in one go. */
static bool shake_hands(struct relay *relay, enum side side)
{
	enum stepped stepped = STEPPED_AGAIN;
	struct buffer *held = &relay->held[side];
	struct buffer edited;
	size_t taken = 0;

	buffer_init(&edited, RELAY_HELD_MAX);
	while (stepped == STEPPED_AGAIN) {
		struct slice left = slice_of(held->data + taken, held->size - taken);
		struct handshake_step step;

		buffer_clear(&edited);
		step = relay->protocol->handshake(side, left, &edited);
		relay->greeting_edited |= side == SIDE_SERVER && step.action == HANDSHAKE_FORWARD &&
					  !slice_starts_with(left, step.reply);
		taken += step.consumed;
		if (!goes_on(&step)) {
			buffer_consume(held, taken);
			taken = 0;
		}
		stepped = take_step(relay, side, &step);
	}
	buffer_release(&edited);
	return stepped != STEPPED_OVER;
}

/* Where the server speaks first, what the client says waits until the server's word was passed on. */
static bool shake_all(struct relay *relay)
{
	if (relay->held[SIDE_SERVER].size && !shake_hands(relay, SIDE_SERVER))
		return false;
	if (relay->state != RELAY_HANDSHAKE || relay->held[SIDE_SERVER].size ||
	    !relay->held[SIDE_CLIENT].size || !relay->began)
		return true;
	return shake_hands(relay, SIDE_CLIENT);
}

/* The server's bytes decide as soon as there are any; what the client says meanwhile waits. */
static bool detect(struct relay *relay)
{
	enum side side = relay->held[SIDE_SERVER].size ? SIDE_SERVER : SIDE_CLIENT;
	bool more = false;

	if (side == SIDE_CLIENT && !relay->began)
		return true;
	if (side == SIDE_CLIENT || !relay->passed)
		relay->protocol = protocol_recognise(side, buffer_slice(&relay->held[side]), &more);
	if (!relay->protocol && more && handshake_has_room(relay, side))
		return true;
	if (!relay->protocol)
		return begin_opaque(relay, side,
				    side == SIDE_SERVER ?
					    "a protocol in which the server speaks first" :
					    "an unknown protocol");
	relay->state = RELAY_HANDSHAKE;
	return shake_all(relay);
}

/* Passes a PROXY header on; false when the connection is over. */
static bool pass_header(struct relay *relay)
{
	struct buffer *held = &relay->held[SIDE_CLIENT];
	enum recognised recognised;
	size_t size;

	recognised = proxy_header(buffer_slice(held), &size);
	relay->began = recognised != RECOGNISED_MORE;
	if (recognised != RECOGNISED_YES)
		return true;
	if (!relay_forward(relay, SIDE_CLIENT, slice_of(held->data, size)))
		return false;
	buffer_consume(held, size);
	if (!held->size && !relay->held[SIDE_SERVER].size)
		relay->held_ns = 0;
	return true;
}

bool handshake_bytes(struct relay *relay, enum side side, struct slice bytes)
{
	/* Where the client speaks first, what a server says that was not asked is not the handshake's. */
	if (relay->state == RELAY_HANDSHAKE && side == SIDE_SERVER && !server_first(relay))
		return relay_pass(relay, side, bytes);
	relay->held_ns = worker_now(relay->connection.worker);
	buffer_append_slice(&relay->held[side], bytes);
	assert(!relay->held[side].overflowed);
	if (side == SIDE_CLIENT && !relay->began && !pass_header(relay))
		return false;
	if (relay->passed && side == SIDE_CLIENT) {
		relay->passed += bytes.size;
		if (!relay_forward(relay, side, bytes))
			return false;
	}
	return relay->state == RELAY_DETECT ? detect(relay) : shake_all(relay);
}

bool handshake_end(struct relay *relay, enum side side)
{
	struct worker_counts *counts = relay->connection.worker->setup->counts;

	if (side == SIDE_CLIENT && relay->tls_asked)
		atomic_fetch_add(&counts->tls_refused, 1);
	if (side == SIDE_CLIENT && relay->greeting_edited && !relay->bytes[SIDE_CLIENT])
		atomic_fetch_add(&counts->left_greeting, 1);
	if (!relay->held[side].size)
		return true;
	return begin_opaque(relay, side, "ended before it could be recognised");
}

/* What a side said since is there to be read. */
static bool has_more(const struct leg *leg)
{
	return (leg->events & EPOLLIN) && socket_is_ready(leg->fd, POLLIN);
}

bool handshake_tick(struct relay *relay, int64_t now_ns)
{
	enum side side = relay->held[SIDE_SERVER].size ? SIDE_SERVER : SIDE_CLIENT;

	if (relay->state != RELAY_DETECT || relay->passed || !relay->held_ns ||
	    now_ns - relay->held_ns <= DETECT_NS || has_more(&relay->connection.app) ||
	    has_more(&relay->upstream))
		return true;
	if (side == SIDE_CLIENT && protocol_recognises_late(buffer_slice(&relay->held[side]))) {
		relay->began = true;
		relay->passed = relay->held[side].size;
		return relay_forward(relay, side, buffer_slice(&relay->held[side]));
	}
	return begin_opaque(relay, side, "not recognised in time");
}
