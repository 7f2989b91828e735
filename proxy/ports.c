/* SPDX-License-Identifier: Apache-2.0 */
/* Opening the listening sockets: non-blocking, close-on-exec, loopback. */
#include "proxy/ports.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The same port must be free for both families. */
#define PAIR_ATTEMPTS 32
/* The kernel cuts it to net.core.somaxconn. */
#define BACKLOG 65535

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t loopback(int family, uint16_t port, union address *ret_address)
{
	memset(ret_address, 0, sizeof(*ret_address));
	if (family == AF_INET) {
		ret_address->v4.sin_family = AF_INET;
		ret_address->v4.sin_port = htons(port);
		ret_address->v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		return sizeof(ret_address->v4);
	}
	ret_address->v6.sin6_family = AF_INET6;
	ret_address->v6.sin6_port = htons(port);
	ret_address->v6.sin6_addr = in6addr_loopback;
	return sizeof(ret_address->v6);
}

/* The descriptor, or -errno. Port 0: one that the kernel chooses; *ret_port is what it became. */
static int listen_on(int family, uint16_t port, uint16_t *ret_port)
{
	union address address;
	socklen_t size = loopback(family, port, &address);
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1;
	int error;

	if (fd < 0)
		return -errno;
	/* A port that somebody named is wanted again right after the last run. */
	if (port != 0)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, &address.any, size) < 0 || listen(fd, BACKLOG) < 0 ||
	    getsockname(fd, &address.any, &size) < 0) {
		error = -errno;
		close(fd);
		return error;
	}
	*ret_port = ntohs(family == AF_INET ? address.v4.sin_port : address.v6.sin6_port);
	return fd;
}

static void add(struct ports *ports, int fd, const struct listen_option *option)
{
	ports->listeners[ports->n_listeners++] =
		(struct proxy_listener){ .fd = fd, .listen = option };
}

static bool means_no_ipv6(int error)
{
	return error == -EAFNOSUPPORT || error == -EADDRNOTAVAIL || error == -EPROTONOSUPPORT;
}

/* Both families on one port. 0 or -errno; -EADDRINUSE: the other family's is taken. */
static int open_pair(struct ports *ports, uint16_t port, const struct listen_option *option)
{
	uint16_t chosen = 0;
	uint16_t same;
	int v4 = listen_on(AF_INET, port, &chosen);
	int v6;

	if (v4 < 0)
		return v4;
	v6 = listen_on(AF_INET6, chosen, &same);
	if (v6 < 0 && !means_no_ipv6(v6)) {
		close(v4);
		return v6;
	}
	add(ports, v4, option);
	if (v6 >= 0)
		add(ports, v6, option);
	if (!option)
		ports->port = chosen;
	return 0;
}

int ports_open(const struct options *options, struct ports *ret_ports,
	       char ret_error[MESSAGE_BYTES])
{
	struct ports ports = { 0 };
	size_t pairs = options->n_listens > 0 ? options->n_listens : 1;
	int error = -EADDRINUSE;

	ports.listeners = calloc(2 * pairs, sizeof(*ports.listeners));
	if (!ports.listeners)
		abort();
	if (options->n_listens == 0) {
		for (int i = 0; i < PAIR_ATTEMPTS && error == -EADDRINUSE; i++)
			error = open_pair(&ports, 0, NULL);
		if (error)
			message_error(ret_error, error, "cannot listen on 127.0.0.1 and [::1]: %s",
				      strerror(-error));
	}
	for (size_t i = 0; i < options->n_listens; i++) {
		error = open_pair(&ports, options->listens[i].port, &options->listens[i]);
		if (error) {
			message_error(ret_error, error, "cannot listen on port %u: %s",
				      options->listens[i].port, strerror(-error));
			break;
		}
	}
	if (error) {
		ports_close(&ports);
		return error;
	}
	*ret_ports = ports;
	return 0;
}

void ports_close(struct ports *ports)
{
	for (size_t i = 0; i < ports->n_listeners; i++)
		close(ports->listeners[i].fd);
	free(ports->listeners);
	*ports = (struct ports){ 0 };
}
