/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server of canned bytes: what a PostgreSQL or MariaDB server that does no work at all costs, the ceiling that replay is
 * compared with in `make bench`. It answers by message type with fixed bytes and parses no SQL, but for the first word
 * that tells pgbench's questions at its start from its transactions. It holds any number of idle connections in little
 * memory (as many as the descriptor limit allows).
 *
 * Messages: PostgreSQL documentation, chapters 55.2 and 55.7; MariaDB's knowledge base, "Client/Server Protocol".
 *
 * Invariants: what is read is answered at once, in one send(); a connection owns memory only while it holds part of a
 * message or an answer that its socket did not take, and is not read in the latter case.
 */
#include "parsers/cursor.h"
#include "tests/bench/net.h"
#include "tests/bench/wire.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define IN_BYTES (16 * 1024) /* also the largest message: a longer one closes the connection */
/* A message of 5 bytes or more is answered by less than 32 times its size. */
#define OUT_BYTES (IN_BYTES * 32)
#define EVENTS_MAX 128

#define SSL_REQUEST 80877103
#define GSSENC_REQUEST 80877104
#define PROTOCOL_3_0 0x00030000

#define COM_QUIT 0x01
#define COM_QUERY 0x03
#define COM_PING 0x0e
#define COM_STMT_PREPARE 0x16
#define COM_STMT_EXECUTE 0x17
#define COM_STMT_CLOSE 0x19

struct connection {
	int fd;
	bool started; /* the startup message or the login was answered: messages have types from here on */
	uint8_t *part; /* the first bytes of a message that is not whole yet */
	size_t part_bytes;
	uint8_t *unsent;
	size_t unsent_from;
	size_t unsent_bytes;
};

struct canned;

/* What it speaks. */
struct dialect {
	struct slice greeting; /* what it says first */
	/* Answers whole messages; *ret_used are their bytes. False closes the connection. */
	bool (*answer)(struct canned *canned, struct connection *connection, struct slice bytes,
		       size_t *ret_used);
};

/* One thread's state. */
struct canned {
	const struct dialect *dialect;
	int epoll;
	size_t out_bytes;
	uint8_t in[IN_BYTES];
	uint8_t out[OUT_BYTES];
};

static void connection_close(struct connection *connection)
{
	close(connection->fd);
	free(connection->part);
	free(connection->unsent);
	free(connection);
}

static void *copy_of(const uint8_t *bytes, size_t size)
{
	void *copy = malloc(size);

	if (!copy)
		abort();
	return memcpy(copy, bytes, size);
}

static bool say(struct canned *canned, struct slice bytes)
{
	if (bytes.size > OUT_BYTES - canned->out_bytes)
		return false;
	if (bytes.size)
		memcpy(canned->out + canned->out_bytes, bytes.data, bytes.size);
	canned->out_bytes += bytes.size;
	return true;
}

/* ---- PostgreSQL ---- */

/* Before the session: false closes the connection. */
static bool answer_startup(struct canned *canned, struct connection *connection, uint32_t code)
{
	if (code == SSL_REQUEST || code == GSSENC_REQUEST)
		return say(canned, SLICE("N"));
	if (code != PROTOCOL_3_0)
		return false;
	connection->started = true;
	return say(canned, SLICE(WIRE_LOGIN));
}

static bool answer_query(struct canned *canned, struct slice text)
{
	if (slice_starts_with(text, SLICE("select count")))
		return say(canned, SLICE(WIRE_SCALE_ROWS WIRE_ONE_ROW_TAG WIRE_READY));
	if (slice_starts_with(text, SLICE("select o.n")))
		return say(canned, SLICE(WIRE_PARTITIONS_ROWS WIRE_ONE_ROW_TAG WIRE_READY));
	return say(canned,
		   SLICE(WIRE_BALANCE_COLUMNS WIRE_BALANCE_ROW WIRE_ONE_ROW_TAG WIRE_READY));
}

/* `body` is the message without type and length; false closes the connection. */
static bool answer(struct canned *canned, uint8_t type, struct slice body)
{
	switch (type) {
	case 'Q':
		return answer_query(canned, body);
	case 'P':
		return say(canned, SLICE("1\0\0\0\x04"));
	case 'B':
		return say(canned, SLICE("2\0\0\0\x04"));
	case 'D':
		if (slice_starts_with(body, SLICE("S")))
			return say(canned, SLICE(WIRE_BALANCE_PARAMETERS WIRE_BALANCE_COLUMNS));
		return say(canned, SLICE(WIRE_BALANCE_COLUMNS));
	case 'E':
		return say(canned, SLICE(WIRE_BALANCE_ROW WIRE_ONE_ROW_TAG));
	case 'C':
		return say(canned, SLICE("3\0\0\0\x04"));
	case 'S':
		return say(canned, SLICE(WIRE_READY));
	case 'H':
		return true;
	default: /* 'X', Terminate, and what pgbench never sends */
		return false;
	}
}

static bool answer_postgres(struct canned *canned, struct connection *connection,
			    struct slice bytes, size_t *ret_used)
{
	struct cursor cursor = cursor_of(bytes);

	for (;;) {
		uint8_t type = connection->started ? cursor_u8(&cursor) : 0;
		uint32_t length = cursor_u32be(&cursor);
		struct slice body;

		if (cursor.failed)
			return true;
		if (length < 4 || length > IN_BYTES - 8)
			return false;
		body = cursor_bytes(&cursor, length - 4);
		if (cursor.failed)
			return true;
		if (type && !answer(canned, type, body))
			return false;
		if (!type) {
			struct cursor startup = cursor_of(body);

			if (!answer_startup(canned, connection, cursor_u32be(&startup)))
				return false;
		}
		*ret_used = bytes.size - cursor_left(&cursor);
	}
}

/* ---- MariaDB ---- */

/* `body` is the packet without its header; false closes the connection. */
static bool answer_command(struct canned *canned, struct slice body)
{
	switch (body.size ? body.data[0] : COM_QUIT) {
	case COM_QUERY:
		return say(canned, SLICE(WIRE_MY_TEXT_ROWS));
	case COM_STMT_EXECUTE:
		return say(canned, SLICE(WIRE_MY_BINARY_ROWS));
	case COM_STMT_PREPARE:
		return say(canned, SLICE(WIRE_MY_PREPARED));
	case COM_STMT_CLOSE:
		return true;
	case COM_PING:
		return say(canned, SLICE(WIRE_MY_OK));
	default: /* COM_QUIT, and what sysbench never sends */
		return false;
	}
}

static bool answer_mariadb(struct canned *canned, struct connection *connection, struct slice bytes,
			   size_t *ret_used)
{
	struct cursor cursor = cursor_of(bytes);

	for (;;) {
		uint32_t header =
			cursor_u32le(&cursor); /* the length, and the sequence id above it */
		struct slice body = cursor_bytes(&cursor, header & 0xffffff);

		if ((header & 0xffffff) > IN_BYTES - 8)
			return false;
		if (cursor.failed)
			return true;
		if (connection->started ? !answer_command(canned, body) :
					  !say(canned, SLICE(WIRE_MY_LOGIN)))
			return false;
		connection->started = true;
		*ret_used = bytes.size - cursor_left(&cursor);
	}
}

/* ---- connections ---- */

/* Sends what was said; what the socket does not take is kept. False closes the connection. */
static bool send_answers(struct canned *canned, struct connection *connection)
{
	ssize_t sent;

	if (!canned->out_bytes)
		return true;
	sent = send(connection->fd, canned->out, canned->out_bytes, MSG_NOSIGNAL);
	if (sent < 0 && errno != EAGAIN)
		return false;
	sent = sent < 0 ? 0 : sent;
	if ((size_t)sent < canned->out_bytes) {
		connection->unsent_from = 0;
		connection->unsent_bytes = canned->out_bytes - (size_t)sent;
		connection->unsent = copy_of(canned->out + sent, connection->unsent_bytes);
		net_rewatch(canned->epoll, connection->fd, EPOLLOUT, connection);
	}
	return true;
}

static bool connection_readable(struct canned *canned, struct connection *connection)
{
	size_t held = connection->part_bytes;
	size_t used = 0;
	ssize_t got;

	if (held) {
		memcpy(canned->in, connection->part, held);
		free(connection->part);
		connection->part = NULL;
		connection->part_bytes = 0;
	}
	got = recv(connection->fd, canned->in + held, IN_BYTES - held, 0);
	if (got == 0 || (got < 0 && errno != EAGAIN))
		return false;
	held += got < 0 ? 0 : (size_t)got;
	canned->out_bytes = 0;
	if (!canned->dialect->answer(canned, connection, slice_of(canned->in, held), &used))
		return false;
	if (used < held) {
		connection->part_bytes = held - used;
		connection->part = copy_of(canned->in + used, connection->part_bytes);
	}
	return send_answers(canned, connection);
}

static bool connection_writable(struct canned *canned, struct connection *connection)
{
	ssize_t sent = send(connection->fd, connection->unsent + connection->unsent_from,
			    connection->unsent_bytes - connection->unsent_from, MSG_NOSIGNAL);

	if (sent < 0)
		return errno == EAGAIN;
	connection->unsent_from += (size_t)sent;
	if (connection->unsent_from == connection->unsent_bytes) {
		free(connection->unsent);
		connection->unsent = NULL;
		net_rewatch(canned->epoll, connection->fd, EPOLLIN, connection);
	}
	return true;
}

static void connection_open(const struct dialect *dialect, int fd, int epoll)
{
	struct connection *connection = calloc(1, sizeof(*connection));
	struct slice greeting = dialect->greeting;

	if (!connection)
		abort();
	connection->fd = fd;
	/* A new socket takes that much. */
	if (greeting.size &&
	    send(fd, greeting.data, greeting.size, MSG_NOSIGNAL) != (ssize_t)greeting.size) {
		connection_close(connection);
		return;
	}
	net_watch(epoll, fd, EPOLLIN, connection);
}

static void canned_loop(const struct net_loop *loop)
{
	struct canned *canned = calloc(1, sizeof(*canned));
	struct epoll_event events[EVENTS_MAX];
	uint32_t turn = 0;

	if (!canned)
		abort();
	canned->dialect = loop->context;
	canned->epoll = loop->epoll;
	for (;;) {
		int n = epoll_wait(loop->epoll, events, EVENTS_MAX, -1);

		for (int i = 0; i < n; i++) {
			struct connection *connection = events[i].data.ptr;
			int client;
			bool ok;

			if (connection) {
				ok = connection->unsent ? connection_writable(canned, connection) :
							  connection_readable(canned, connection);
				if (!ok)
					connection_close(connection);
				continue;
			}
			client = net_accept(loop->listener);
			if (client >= 0)
				connection_open(canned->dialect, client,
						loop->loops[turn++ % loop->n_loops].epoll);
		}
	}
}

int main(int argc, char **argv)
{
	static struct dialect dialect;
	uint32_t port = 0, threads = 1;
	int option;

	dialect.answer = answer_postgres;
	while ((option = getopt(argc, argv, "l:t:m")) != -1) {
		if (option == 'l') {
			port = net_number(optarg, UINT16_MAX);
		} else if (option == 't') {
			threads = net_number(optarg, NET_THREADS_MAX);
		} else if (option == 'm') {
			dialect.greeting = SLICE(WIRE_MY_GREETING);
			dialect.answer = answer_mariadb;
		}
	}
	if (!port || !threads || optind != argc) {
		fprintf(stderr, "usage: canned -l PORT [-t THREADS] [-m]\n");
		return 2;
	}
	net_raise_descriptor_limit();
	net_run(net_listen((uint16_t)port), threads, canned_loop, &dialect);
}
