/* SPDX-License-Identifier: Apache-2.0 */
/* Socket calls that the event loops share; see socket.h. */
#include "proxy/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * For each message there are two of these: directly, since libc's of a program with threads are where a thread can be cancelled, which costs two
 * atomic changes each and is never done here.
 */
ssize_t socket_receive(int fd, void *bytes, size_t size)
{
	ssize_t taken;

	do
		taken = syscall(SYS_recvfrom, fd, bytes, size, 0, NULL, NULL);
	while (taken < 0 && errno == EINTR);
	return taken < 0 ? -errno : taken;
}

ssize_t socket_send(int fd, struct slice bytes)
{
	ssize_t sent;

	do
		sent = syscall(SYS_sendto, fd, bytes.data, bytes.size, MSG_NOSIGNAL, NULL, 0);
	while (sent < 0 && errno == EINTR);
	if (sent >= 0)
		return sent;
	return errno == EAGAIN ? 0 : -errno;
}

int socket_connect(const struct sockaddr *address)
{
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	socket_tune(fd, address);
	if (connect(fd, address, socket_address_size(address)) < 0 && errno != EINPROGRESS) {
		int error = -errno;

		close(fd);
		return error;
	}
	return fd;
}

bool socket_is_ready(int fd, short events)
{
	struct pollfd poller = { .fd = fd, .events = events };

	return poll(&poller, 1, 0) > 0;
}

int socket_connected(int fd)
{
	int error = 0;
	socklen_t size = sizeof(error);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		return -errno;
	return -error;
}

static bool is_loopback(const struct sockaddr *address)
{
	const struct sockaddr_in *ipv4 = (const struct sockaddr_in *)address;
	const struct sockaddr_in6 *ipv6 = (const struct sockaddr_in6 *)address;

	if (address->sa_family == AF_INET)
		return ntohl(ipv4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	return IN6_IS_ADDR_LOOPBACK(&ipv6->sin6_addr);
}

void socket_tune(int fd, const struct sockaddr *peer)
{
	static const char congestion[] = "reno"; /* built into every kernel, free to all users */
	int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (!peer || is_loopback(peer))
		setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, congestion, sizeof(congestion) - 1);
}

void socket_reset(int fd)
{
	struct linger linger = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(fd);
}

uint16_t socket_parts(const struct sockaddr *address, char ret_address[SOCKET_NAME_BYTES])
{
	const struct sockaddr_in *ipv4 = (const struct sockaddr_in *)address;
	const struct sockaddr_in6 *ipv6 = (const struct sockaddr_in6 *)address;

	if (address->sa_family == AF_INET) {
		inet_ntop(AF_INET, &ipv4->sin_addr, ret_address, SOCKET_NAME_BYTES);
		return ntohs(ipv4->sin_port);
	}
	if (IN6_IS_ADDR_V4MAPPED(&ipv6->sin6_addr))
		inet_ntop(AF_INET, &ipv6->sin6_addr.s6_addr[12], ret_address, SOCKET_NAME_BYTES);
	else
		inet_ntop(AF_INET6, &ipv6->sin6_addr, ret_address, SOCKET_NAME_BYTES);
	return ntohs(ipv6->sin6_port);
}

void socket_name(const struct sockaddr *address, char ret_name[SOCKET_NAME_BYTES])
{
	char host[SOCKET_NAME_BYTES];
	uint16_t port = socket_parts(address, host);

	snprintf(ret_name, SOCKET_NAME_BYTES, strchr(host, ':') ? "[%.46s]:%u" : "%.46s:%u", host,
		 port);
}

socklen_t socket_address_size(const struct sockaddr *address)
{
	return address->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) :
						sizeof(struct sockaddr_in);
}
