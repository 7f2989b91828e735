/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Net: listening sockets and epoll threads for the benchmark's small servers. They serve one machine's loopback for
 * a few minutes: what cannot go on ends the program with a message.
 */
#include "tests/bench/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

static _Noreturn void die(const char *what)
{
	perror(what);
	exit(1);
}

uint32_t net_number(const char *text, uint32_t max)
{
	char *end;
	unsigned long number;

	errno = 0;
	number = strtoul(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || number > max)
		return 0;
	return (uint32_t)number;
}

void net_raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

int net_listen(uint16_t port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons(port),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1;

	if (fd < 0)
		die("socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)))
		die("bind");
	if (listen(fd, SOMAXCONN))
		die("listen");
	return fd;
}

int net_accept(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	int on = 1;

	if (fd >= 0)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

void net_watch(int epoll, int fd, uint32_t events, void *data)
{
	struct epoll_event event = { .events = events, .data.ptr = data };

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event))
		die("epoll_ctl");
}

void net_rewatch(int epoll, int fd, uint32_t events, void *data)
{
	struct epoll_event event = { .events = events, .data.ptr = data };

	if (epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event))
		die("epoll_ctl");
}

struct thread_start {
	const struct net_loop *loop;
	void (*run)(const struct net_loop *);
};

static void *thread_main(void *argument)
{
	struct thread_start *start = argument;

	start->run(start->loop);
	return NULL;
}

void net_run(int listener, uint32_t n, void (*run)(const struct net_loop *), void *context)
{
	struct net_loop loops[NET_THREADS_MAX] = { 0 };
	struct thread_start starts[NET_THREADS_MAX];

	for (uint32_t i = 0; i < n; i++) {
		loops[i] = (struct net_loop){ epoll_create1(EPOLL_CLOEXEC), context, loops, n,
					      listener };
		if (loops[i].epoll < 0)
			die("epoll_create1");
	}
	net_watch(loops[0].epoll, listener, EPOLLIN, NULL);
	for (uint32_t i = 1; i < n; i++) {
		pthread_t thread;

		starts[i] = (struct thread_start){ &loops[i], run };
		errno = pthread_create(&thread, NULL, thread_main, &starts[i]);
		if (errno)
			die("pthread_create");
	}
	run(&loops[0]);
	exit(0);
}
