/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bare relay: a plain TCP relay on level-triggered epoll, and nothing else. It is what recording is compared with in
 * `make bench`, so it is written as one would naturally write it, neither crippled nor tuned: one recv() for each event
 * into a 64 KiB buffer, one send() straight to the other side, TCP_NODELAY on both.
 *
 * Invariants:
 * - A leg that has bytes waiting for it (`waiting`) is watched for EPOLLOUT, and its peer is not read meanwhile.
 * - The client is not read before the upstream connection stands.
 * - A pair belongs to one loop from the moment that its upstream socket is watched. A closed pair is freed when the
 *   batch of events is done, since the batch may hold a second event of it.
 */
#include "tests/bench/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER_BYTES (64 * 1024)
#define EVENTS_MAX 128

struct leg {
	struct pair *pair;
	struct leg *peer;
	int fd;
	bool ended;	  /* it sends no more */
	uint8_t *waiting; /* for this leg, that it could not take yet; NULL: nothing */
	size_t waiting_from;
	size_t waiting_bytes;
};

struct pair {
	struct leg client;
	struct leg upstream;
	bool connected;
	bool closed;
	struct pair *next_closed;
};

/* One thread's state. */
struct relay {
	int epoll;
	struct pair *closed;
	uint8_t buffer[BUFFER_BYTES];
};

static void pair_close(struct relay *relay, struct pair *pair)
{
	if (pair->closed)
		return;
	close(pair->client.fd);
	close(pair->upstream.fd);
	pair->closed = true;
	pair->next_closed = relay->closed;
	relay->closed = pair;
}

static void free_closed(struct relay *relay)
{
	while (relay->closed) {
		struct pair *pair = relay->closed;

		relay->closed = pair->next_closed;
		free(pair->client.waiting);
		free(pair->upstream.waiting);
		free(pair);
	}
}

static void leg_rewatch(struct relay *relay, struct leg *leg)
{
	uint32_t events = 0;

	if (!leg->ended && !leg->peer->waiting)
		events |= EPOLLIN;
	if (leg->waiting)
		events |= EPOLLOUT;
	net_rewatch(relay->epoll, leg->fd, events, leg);
}

/* The leg sends no more, and since it was read its peer has all that it sent: pass the end on. */
static void leg_end(struct relay *relay, struct leg *leg)
{
	leg->ended = true;
	if (leg->peer->ended) {
		pair_close(relay, leg->pair);
		return;
	}
	shutdown(leg->peer->fd, SHUT_WR);
	leg_rewatch(relay, leg);
}

static bool is_temporary(int error)
{
	return error == EAGAIN || error == EINTR;
}

/* What the leg's socket did not take is kept, and its peer is not read until it is gone. */
static void leg_keep(struct relay *relay, struct leg *leg, const uint8_t *bytes, size_t size)
{
	leg->waiting = malloc(size);
	if (!leg->waiting)
		abort();
	memcpy(leg->waiting, bytes, size);
	leg->waiting_from = 0;
	leg->waiting_bytes = size;
	leg_rewatch(relay, leg);
	leg_rewatch(relay, leg->peer);
}

static void leg_readable(struct relay *relay, struct leg *leg)
{
	ssize_t got = recv(leg->fd, relay->buffer, sizeof(relay->buffer), 0);
	ssize_t sent;

	if (got < 0 && is_temporary(errno))
		return;
	if (got < 0) {
		pair_close(relay, leg->pair);
		return;
	}
	if (got == 0) {
		leg_end(relay, leg);
		return;
	}
	sent = send(leg->peer->fd, relay->buffer, (size_t)got, MSG_NOSIGNAL);
	if (sent == got)
		return;
	if (sent < 0 && !is_temporary(errno)) {
		pair_close(relay, leg->pair);
		return;
	}
	sent = sent < 0 ? 0 : sent;
	leg_keep(relay, leg->peer, relay->buffer + sent, (size_t)(got - sent));
}

static void leg_writable(struct relay *relay, struct leg *leg)
{
	size_t left = leg->waiting_bytes - leg->waiting_from;
	ssize_t sent = send(leg->fd, leg->waiting + leg->waiting_from, left, MSG_NOSIGNAL);

	if (sent < 0 && !is_temporary(errno)) {
		pair_close(relay, leg->pair);
		return;
	}
	leg->waiting_from += sent < 0 ? 0 : (size_t)sent;
	if (leg->waiting_from < leg->waiting_bytes)
		return;
	free(leg->waiting);
	leg->waiting = NULL;
	leg_rewatch(relay, leg);
	leg_rewatch(relay, leg->peer);
}

static void pair_connected(struct relay *relay, struct pair *pair)
{
	int error = 0;
	socklen_t size = sizeof(error);

	if (getsockopt(pair->upstream.fd, SOL_SOCKET, SO_ERROR, &error, &size) || error) {
		pair_close(relay, pair);
		return;
	}
	pair->connected = true;
	net_rewatch(relay->epoll, pair->upstream.fd, EPOLLIN, &pair->upstream);
	net_watch(relay->epoll, pair->client.fd, EPOLLIN, &pair->client);
}

static void leg_event(struct relay *relay, struct leg *leg, uint32_t events)
{
	if (!leg->pair->connected) {
		pair_connected(relay, leg->pair);
		return;
	}
	if (leg->waiting && events & (EPOLLOUT | EPOLLERR | EPOLLHUP))
		leg_writable(relay, leg);
	else if (events & EPOLLIN)
		leg_readable(relay, leg);
	else if (events & (EPOLLERR | EPOLLHUP))
		pair_close(relay, leg->pair);
}

/* Connects to upstream without waiting; the pair then belongs to the loop of `epoll`. */
static void pair_open(int client, const struct sockaddr_in *upstream, int epoll)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1;
	struct pair *pair;

	if (fd < 0) {
		close(client);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(fd, (const struct sockaddr *)upstream, sizeof(*upstream)) &&
	    errno != EINPROGRESS) {
		close(fd);
		close(client);
		return;
	}
	pair = calloc(1, sizeof(*pair));
	if (!pair)
		abort();
	pair->client = (struct leg){ .pair = pair, .peer = &pair->upstream, .fd = client };
	pair->upstream = (struct leg){ .pair = pair, .peer = &pair->client, .fd = fd };
	net_watch(epoll, fd, EPOLLOUT, &pair->upstream);
}

static void relay_loop(const struct net_loop *loop)
{
	struct relay *relay = calloc(1, sizeof(*relay));
	struct epoll_event events[EVENTS_MAX];
	uint32_t turn = 0;

	if (!relay)
		abort();
	relay->epoll = loop->epoll;
	for (;;) {
		int n = epoll_wait(loop->epoll, events, EVENTS_MAX, -1);

		for (int i = 0; i < n; i++) {
			struct leg *leg = events[i].data.ptr;
			int client;

			if (leg && !leg->pair->closed)
				leg_event(relay, leg, events[i].events);
			if (leg)
				continue;
			client = net_accept(loop->listener);
			if (client >= 0)
				pair_open(client, loop->context,
					  loop->loops[turn++ % loop->n_loops].epoll);
		}
		free_closed(relay);
	}
}

/* HOST:PORT, HOST an IPv4 address. */
static bool parse_endpoint(const char *text, struct sockaddr_in *ret_endpoint)
{
	const char *colon = strrchr(text, ':');
	char host[INET_ADDRSTRLEN];
	uint32_t port;

	if (!colon || (size_t)(colon - text) >= sizeof(host))
		return false;
	memcpy(host, text, (size_t)(colon - text));
	host[colon - text] = '\0';
	port = net_number(colon + 1, UINT16_MAX);
	*ret_endpoint =
		(struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	return port && inet_pton(AF_INET, host, &ret_endpoint->sin_addr) == 1;
}

int main(int argc, char **argv)
{
	struct sockaddr_in upstream = { 0 };
	uint32_t port = 0, threads = 1;
	bool has_upstream = false;
	int option;

	while ((option = getopt(argc, argv, "l:u:t:")) != -1) {
		if (option == 'l')
			port = net_number(optarg, UINT16_MAX);
		else if (option == 'u')
			has_upstream = parse_endpoint(optarg, &upstream);
		else if (option == 't')
			threads = net_number(optarg, NET_THREADS_MAX);
	}
	if (!port || !has_upstream || !threads || optind != argc) {
		fprintf(stderr, "usage: relay -l PORT -u ADDRESS:PORT [-t THREADS]\n");
		return 2;
	}
	net_raise_descriptor_limit();
	net_run(net_listen((uint16_t)port), threads, relay_loop, &upstream);
}
