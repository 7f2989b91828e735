/* SPDX-License-Identifier: Apache-2.0 */
/* Socket calls that the event loops share. None blocks; errors are negative errno. */
#ifndef MOCKPROXY_SOCKET_H
#define MOCKPROXY_SOCKET_H

#include "parsers/compiler.h"
#include "parsers/slice.h"

#include <sys/socket.h>
#include <sys/types.h>

/* "127.0.0.1:5432", "[::1]:5432", with its NUL. */
#define SOCKET_NAME_BYTES 64

/* Bytes taken, 0 at end-of-file, -EAGAIN when there are none, another error when the connection is broken. */
ssize_t socket_receive(int fd, void *bytes, size_t size);
/* Bytes sent, possibly fewer than asked and 0 when the socket is full; negative when it is broken. */
ssize_t socket_send(int fd, struct slice bytes);
/* A connecting TCP socket: its descriptor, or -errno. -EINPROGRESS is not an error here. */
MUST_CHECK int socket_connect(const struct sockaddr *address);
/*
 * Whether one of these events of poll(2) is there now. Asked before something is concluded from a time that has passed: where this process was
 * kept from running, or stopped, what came meanwhile was not read yet.
 */
bool socket_is_ready(int fd, short events);
/* What became of a connect(): 0 or -errno. */
MUST_CHECK int socket_connected(int fd);
/*
 * No delay for small messages. And between processes of this host (`peer` is loopback, or NULL: it is the app) the plainest
 * congestion control: where the host's default is BBR, its model and its timers cost a fifth of the relay's throughput, for
 * a network that is none.
 */
void socket_tune(int fd, const struct sockaddr *peer);
/* Closes it with a reset, so that the peer sees a broken connection and not an ended one. */
void socket_reset(int fd);
/* An address for people; IPv4-mapped addresses as IPv4. */
void socket_name(const struct sockaddr *address, char ret_name[SOCKET_NAME_BYTES]);
/* Its parts: the address alone, and the port in host order. */
uint16_t socket_parts(const struct sockaddr *address, char ret_address[SOCKET_NAME_BYTES]);
socklen_t socket_address_size(const struct sockaddr *address);

#endif
