/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel side in replay: nothing of the app leaves this host. What does leave is seen at a tun
 * device in a network namespace of its own, where it would go out. And the events, which trace
 * lives on.
 */
#include "tests/bpf/support.h"
#include "tests/unit/cmocka.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

#define TUN_ADDRESS "10.99.99.1"
#define TUN_MASK "255.255.255.0"
#define BEHIND_TUN "10.99.99.2"
#define BEHIND_TUN_TOO "10.99.99.3"

static const char *const excluded[] = { BEHIND_TUN_TOO, ":7777" };
static const struct options replay = {
	.mode = MODE_REPLAY,
	.exclude = excluded,
	.n_exclude = ARRAY_SIZE(excluded),
};

static int setup(void **state)
{
	return bed_make(state, &replay);
}

static int open_datagram(int family)
{
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	return fd;
}

static int send_to(int fd, const char *host, uint16_t port)
{
	struct sockaddr_storage address = address_from(host, port);

	return sendto(fd, "x", 1, 0, (struct sockaddr *)&address, address_size(&address)) < 0 ?
		       -errno :
		       0;
}

static void test_tcp_is_redirected(void **state)
{
	const struct bed *bed = *state;
	struct redirect_origin origin;
	int fd = open_stream(AF_INET6);
	int accepted;

	assert_int_equal(connect_to(fd, ABSENT_V6, 5432), 0);
	accepted = proxy_accept(bed, bed->proxy_v6, &origin);
	assert_true(accepted >= 0);
	close(accepted);
	close(fd);
}

/* A proxy that is gone: the connect fails, and after it the same socket may connect again. */
static void test_connect_after_failure(void **state)
{
	struct bed *bed = *state;
	struct redirect_origin origin;
	int fd = open_stream(AF_INET);
	int accepted;

	close(bed->proxy_v4);
	assert_int_equal(connect_to(fd, "198.51.100.1", 1), -ECONNREFUSED);
	assert_int_equal(bed_count_origins(bed), 0);
	bed_leave(bed);
	bed->proxy_v4 = listen_on("127.0.0.1", bed->proxy_port, &bed->proxy_port);
	bed_enter(bed);
	assert_int_equal(connect_to(fd, ABSENT_V4, 5432), 0);
	accepted = proxy_accept(bed, bed->proxy_v4, &origin);
	assert_true(accepted >= 0);
	close(accepted);
	close(fd);
}

static void test_udp_is_refused(void **state)
{
	static const char *const refused[] = { ABSENT_V4, ABSENT_V6, ABSENT_MAPPED };
	const struct bed *bed = *state;
	struct redirect_counters counters;

	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		int fd = open_datagram(i == 0 ? AF_INET : AF_INET6);

		assert_int_equal(connect_to(fd, refused[i], 1234), -ECONNREFUSED);
		assert_int_equal(send_to(fd, refused[i], 1234), -ECONNREFUSED);
		close(fd);
	}
	bed_counters(bed, &counters);
	assert_int_equal(counters.refused[REDIRECT_BECAUSE_NOT_TCP], 6);
}

/* A resolver on this host would carry the question on. */
static void test_dns_is_refused(void **state)
{
	static const char *const resolvers[] = { "127.0.0.53", ABSENT_V4 };
	const struct bed *bed = *state;
	struct redirect_counters counters;

	for (size_t i = 0; i < ARRAY_SIZE(resolvers); i++) {
		int fd = open_datagram(AF_INET);

		assert_int_equal(connect_to(fd, resolvers[i], 53), -ECONNREFUSED);
		assert_int_equal(send_to(fd, resolvers[i], 53), -ECONNREFUSED);
		close(fd);
	}
	bed_counters(bed, &counters);
	assert_int_equal(counters.refused[REDIRECT_BECAUSE_DNS], 4);
}

static void test_udp_on_this_host(void **state)
{
	struct sockaddr_storage address = address_from("127.0.0.1", 0);
	socklen_t size = sizeof(address);
	int receiver = open_datagram(AF_INET);
	int sender = open_datagram(AF_INET);
	char byte = 0;

	(void)state;
	assert_int_equal(bind(receiver, (struct sockaddr *)&address, address_size(&address)), 0);
	assert_int_equal(getsockname(receiver, (struct sockaddr *)&address, &size), 0);
	assert_int_equal(
		send_to(sender, "127.0.0.1", ntohs(((struct sockaddr_in *)&address)->sin_port)), 0);
	assert_int_equal(recv(receiver, &byte, 1, 0), 1);
	close(receiver);
	close(sender);
}

static void test_bound_device(void **state)
{
	const struct bed *bed = *state;
	struct redirect_counters counters;
	int fd = open_stream(AF_INET);

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 2), 0);
	assert_int_equal(connect_to(fd, ABSENT_V4, 5432), -ECONNREFUSED);
	close(fd);
	bed_counters(bed, &counters);
	assert_int_equal(counters.refused[REDIRECT_BECAUSE_DEVICE], 1);
}

static void test_origins_overflow(void **state)
{
	const struct bed *bed = *state;
	struct redirect_key key = { .port = 1 };
	struct redirect_counters counters;
	struct redirect_asked asked = { 0 };
	int origins = bed_origins(bed);
	int fd = open_stream(AF_INET);

	for (key.netns_cookie = 1; bpf_map_update_elem(origins, &key, &asked, BPF_ANY) == 0;)
		key.netns_cookie++;
	assert_int_equal(connect_to(fd, ABSENT_V4, 5432), -ECONNREFUSED);
	bed_counters(bed, &counters);
	assert_int_equal(counters.refused[REDIRECT_BECAUSE_FULL], 1);
	close(fd);
	close(origins);
}

/* The user said so: it goes out in replay too. */
static void test_excluded(void **state)
{
	const struct bed *bed = *state;
	struct redirect_counters counters;
	uint16_t port;
	int fd = open_stream(AF_INET);
	int outside;

	bed_leave(bed);
	outside = listen_on("127.0.0.1", 7777, &port);
	bed_enter(bed);
	if (outside == -EADDRINUSE) {
		print_message("SKIP test_excluded: port 7777 is in use\n");
		close(fd);
		return;
	}
	assert_int_equal(connect_to(fd, "127.0.0.1", port), 0);
	close(accept(outside, NULL, NULL));
	close(outside);
	close(fd);
	bed_counters(bed, &counters);
	assert_int_equal(counters.passed[REDIRECT_BECAUSE_EXCLUDED], 1);
}

/* ---- what leaves, seen at a tun device ---- */

static bool open_tun(int *ret_fd)
{
	struct sockaddr_storage address = address_from(TUN_ADDRESS, 0);
	struct sockaddr_storage mask = address_from(TUN_MASK, 0);
	struct ifreq request = { .ifr_name = "mockproxy0", .ifr_flags = IFF_TUN | IFF_NO_PI };
	int control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	bool done = fd >= 0 && control >= 0 && ioctl(fd, TUNSETIFF, &request) == 0;

	memcpy(&request.ifr_addr, &address, sizeof(request.ifr_addr));
	done = done && ioctl(control, SIOCSIFADDR, &request) == 0;
	memcpy(&request.ifr_netmask, &mask, sizeof(request.ifr_netmask));
	done = done && ioctl(control, SIOCSIFNETMASK, &request) == 0;
	request.ifr_flags = IFF_UP | IFF_RUNNING;
	done = done && ioctl(control, SIOCSIFFLAGS, &request) == 0;
	close(control);
	*ret_fd = fd;
	return done;
}

/* IPv4 packets that came out; the kernel's own IPv6 ones are not the app's. */
static unsigned int packets_out(int tun)
{
	unsigned char packet[2048];
	unsigned int n = 0;

	while (read(tun, packet, sizeof(packet)) > 0)
		n += packet[0] >> 4 == 4;
	return n;
}

static void send_ping(const char *host)
{
	struct sockaddr_storage address = address_from(host, 0);
	struct icmphdr echo = { .type = ICMP_ECHO };
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);

	sendto(fd, &echo, sizeof(echo), 0, (struct sockaddr *)&address, address_size(&address));
	close(fd);
}

static void send_syn(const char *host, int protocol)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);

	connect_to(fd, host, 5432);
	close(fd);
}

static void send_datagram(const char *host)
{
	int fd = open_datagram(AF_INET);

	send_to(fd, host, 1234);
	close(fd);
}

/* In the child: 0, or the number of the check that failed. 77: no tun device here. */
static int check_egress(const struct bed *bed)
{
	int tun;

	if (unshare(CLONE_NEWNET) < 0 || !open_tun(&tun))
		return 77;
	/* Outside the cgroup all of it goes out, so that the silence below says something. */
	bed_leave(bed);
	send_ping(BEHIND_TUN);
	if (packets_out(tun) != 1)
		return 1;
	send_syn(BEHIND_TUN, IPPROTO_TCP);
	if (packets_out(tun) == 0)
		return 2;
	bed_enter(bed);
	send_ping(BEHIND_TUN);
	send_syn(BEHIND_TUN, IPPROTO_TCP);
	send_syn(BEHIND_TUN, IPPROTO_MPTCP);
	send_datagram(BEHIND_TUN);
	if (packets_out(tun) != 0)
		return 3;
	send_datagram(BEHIND_TUN_TOO);
	if (packets_out(tun) != 1)
		return 4;
	send_syn(BEHIND_TUN_TOO, IPPROTO_TCP);
	if (packets_out(tun) == 0)
		return 5;
	return 0;
}

static void test_nothing_leaves(void **state)
{
	const struct bed *bed = *state;
	struct redirect_counters counters;
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(check_egress(bed));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77) {
		print_message("SKIP test_nothing_leaves: no tun device\n");
		return;
	}
	assert_int_equal(WEXITSTATUS(status), 0);
	bed_counters(bed, &counters);
	assert_true(counters.packets_dropped >= 1);
	assert_true(counters.refused[REDIRECT_BECAUSE_NETNS] >= 1);
	assert_int_equal(counters.refused[REDIRECT_BECAUSE_NOT_TCP], 1);
}

/* ---- Unix sockets ---- */

struct seen {
	struct redirect_event events[8];
	size_t n;
};

static void keep_event(void *context, const struct redirect_event *event)
{
	struct seen *seen = context;

	if (seen->n < ARRAY_SIZE(seen->events))
		seen->events[seen->n++] = *event;
}

static int connect_unix(const char *path, size_t size)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int error;

	memcpy(address.sun_path, path, size);
	error = connect(fd, (struct sockaddr *)&address,
			(socklen_t)(offsetof(struct sockaddr_un, sun_path) + size)) < 0 ?
			-errno :
			0;
	close(fd);
	return error;
}

static void test_unix_sockets(void **state)
{
	const struct bed *bed = *state;
	struct redirect_counters counters;
	struct seen seen = { .n = 0 };

	assert_int_equal(connect_unix("/nowhere/.s.PGSQL.5432", 23), -ENOENT);
	redirect_read_events(bed->redirect, keep_event, &seen);
	if (seen.n == 0) {
		print_message("SKIP test_unix_sockets: needs Linux 6.7\n");
		return;
	}
	/* Without a NUL, and with something behind it. */
	assert_int_equal(connect_unix("/nowhere/mysqld.sock", 20), -ENOENT);
	assert_int_equal(connect_unix("/nowhere/mysql.sock\0xyz", 23), -ENOENT);
	assert_int_equal(connect_unix("/nowhere/other.sock", 19), -ENOENT);
	assert_int_equal(connect_unix("\0abstract", 9), -ECONNREFUSED);
	assert_int_equal(connect_unix("/run/nowhere/nscd/socket", 25), -ECONNREFUSED);
	assert_int_equal(connect_unix("/nowhere/io.systemd.Resolve", 27), -ECONNREFUSED);
	redirect_read_events(bed->redirect, keep_event, &seen);
	assert_int_equal(seen.n, 3);
	assert_int_equal(seen.events[0].type, REDIRECT_EVENT_UNIX);
	assert_int_equal(seen.events[0].service, REDIRECT_SERVICE_POSTGRESQL);
	assert_int_equal(seen.events[0].path_bytes, 22);
	assert_string_equal(seen.events[0].path, "/nowhere/.s.PGSQL.5432");
	assert_int_equal(seen.events[1].path_bytes, 20);
	assert_int_equal(seen.events[2].path_bytes, 19);
	bed_counters(bed, &counters);
	assert_int_equal(counters.unix_postgresql, 1);
	assert_int_equal(counters.unix_mysql, 2);
	assert_int_equal(counters.refused[REDIRECT_BECAUSE_RESOLVER], 2);
}

/* ---- trace ---- */

static void assert_event(const struct redirect_event *event, enum redirect_event_type type,
			 enum redirect_verdict verdict, uint16_t error)
{
	assert_int_equal(event->type, type);
	assert_int_equal(event->verdict, verdict);
	assert_int_equal(event->error, error);
	assert_int_equal(event->pid, getpid());
	assert_int_not_equal(event->time_ns, 0);
	assert_int_not_equal(event->socket_cookie, 0);
}

/* Each connect is an event, and what was left alone has its result. */
static void test_trace_events(void **state)
{
	static const char *const only[] = { ABSENT_V4 };
	const struct options trace = { .mode = MODE_TRACE, .only = only, .n_only = 1 };
	struct seen seen = { .n = 0 };
	struct redirect_origin origin;
	struct bed bed;
	uint16_t port;
	int listener;
	int fd[3];

	(void)state;
	bed_open(&bed, &trace);
	bed_enter(&bed);
	listener = listen_on("127.0.0.1", 0, &port);
	for (size_t i = 0; i < ARRAY_SIZE(fd); i++)
		fd[i] = open_stream(AF_INET);
	assert_int_equal(connect_to(fd[0], ABSENT_V4, 5432), 0);
	close(proxy_accept(&bed, bed.proxy_v4, &origin));
	assert_int_equal(connect_to(fd[1], "127.0.0.1", port), 0);
	close(listener);
	assert_int_equal(connect_to(fd[2], "127.0.0.2", port), -ECONNREFUSED);
	redirect_read_events(bed.redirect, keep_event, &seen);
	assert_int_equal(seen.n, 5);
	assert_event(&seen.events[0], REDIRECT_EVENT_CONNECT, REDIRECT_TO_PROXY, 0);
	assert_true(seen.events[0].socket_cookie == origin.socket_cookie);
	assert_event(&seen.events[1], REDIRECT_EVENT_CONNECT, REDIRECT_PASS, 0);
	assert_int_equal(seen.events[1].reason, REDIRECT_BECAUSE_SELF);
	assert_int_equal(seen.events[1].port, port);
	assert_event(&seen.events[2], REDIRECT_EVENT_RESULT, REDIRECT_PASS, 0);
	assert_event(&seen.events[3], REDIRECT_EVENT_CONNECT, REDIRECT_PASS, 0);
	assert_int_equal(seen.events[3].reason, REDIRECT_BECAUSE_NOT_NAMED);
	assert_event(&seen.events[4], REDIRECT_EVENT_RESULT, REDIRECT_PASS, ECONNREFUSED);
	for (size_t i = 0; i < ARRAY_SIZE(fd); i++)
		close(fd[i]);
	bed_close(&bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_tcp_is_redirected, setup, bed_unmake),
		cmocka_unit_test_setup_teardown(test_connect_after_failure, setup, bed_unmake),
		cmocka_unit_test_setup_teardown(test_udp_is_refused, setup, bed_unmake),
		cmocka_unit_test_setup_teardown(test_dns_is_refused, setup, bed_unmake),
		cmocka_unit_test_setup_teardown(test_udp_on_this_host, setup, bed_unmake),
		cmocka_unit_test_setup_teardown(test_bound_device, setup, bed_unmake),
		cmocka_unit_test_setup_teardown(test_origins_overflow, setup, bed_unmake),
		cmocka_unit_test_setup_teardown(test_excluded, setup, bed_unmake),
		cmocka_unit_test_setup_teardown(test_nothing_leaves, setup, bed_unmake),
		cmocka_unit_test_setup_teardown(test_unix_sockets, setup, bed_unmake),
		cmocka_unit_test(test_trace_events),
	};
	const char *missing = bed_missing();

	if (missing) {
		printf("SKIP test_bpf_replay: %s\n", missing);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
