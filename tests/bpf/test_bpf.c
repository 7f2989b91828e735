/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel side while recording: real connects of this process, which is in the app's cgroup, to
 * addresses where nobody is. Each point of design §10 has a test. Replay is in test_bpf_replay.c.
 */
#include "tests/bpf/support.h"
#include "tests/unit/cmocka.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct options record = { .mode = MODE_RECORD };

static int setup(void **state)
{
	return bed_make(state, &record);
}

static void assert_same_address(const struct sockaddr_storage *got, const char *host, uint16_t port)
{
	struct sockaddr_storage want = address_from(host, port);

	assert_int_equal(got->ss_family, want.ss_family);
	assert_memory_equal(got, &want, address_size(&want));
}

/* Connects, and checks what the proxy is told and what getpeername() tells the app. */
static void check_redirected(const struct bed *bed, int fd, const char *host, const char *asked,
			     bool v6)
{
	struct sockaddr_storage peer = { 0 };
	socklen_t size = sizeof(peer);
	struct redirect_origin origin;
	int accepted;

	assert_int_equal(connect_to(fd, host, 5432), 0);
	accepted = proxy_accept(bed, v6 ? bed->proxy_v6 : bed->proxy_v4, &origin);
	assert_true(accepted >= 0);
	assert_same_address(&origin.asked, asked, 5432);
	assert_int_equal(origin.pid, getpid());
	assert_string_equal(origin.program, "bpf-test");
	assert_int_not_equal(origin.socket_cookie, 0);
	assert_int_equal(getpeername(fd, (struct sockaddr *)&peer, &size), 0);
	assert_same_address(&peer, host, 5432);
	assert_int_equal(write(fd, "x", 1), 1);
	close(accepted);
	close(fd);
}

static void test_v4(void **state)
{
	check_redirected(*state, open_stream(AF_INET), ABSENT_V4, ABSENT_V4, false);
}

static void test_v6(void **state)
{
	check_redirected(*state, open_stream(AF_INET6), ABSENT_V6, ABSENT_V6, true);
}

static void test_v6_only(void **state)
{
	int fd = open_stream(AF_INET6);
	int one = 1;

	assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)), 0);
	check_redirected(*state, fd, ABSENT_V6, ABSENT_V6, true);
}

/* Java and .NET: an IPv6 socket for IPv4. */
static void test_mapped(void **state)
{
	check_redirected(*state, open_stream(AF_INET6), ABSENT_MAPPED, ABSENT_V4, false);
}

static void test_bound(void **state)
{
	static const char *const hosts[] = { "127.0.0.9", "::1" };

	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
		struct sockaddr_storage source = address_from(hosts[i], 0);
		int fd = open_stream(source.ss_family);

		assert_int_equal(bind(fd, (struct sockaddr *)&source, address_size(&source)), 0);
		check_redirected(*state, fd, i ? ABSENT_V6 : ABSENT_V4, i ? ABSENT_V6 : ABSENT_V4,
				 i == 1);
	}
}

/* The same source port again and again, each time to another place. */
static void test_bound_port(void **state)
{
	static const char *const asked[] = { "198.51.100.1", "198.51.100.2", "198.51.100.3" };
	struct linger reset = { .l_onoff = 1 };
	uint16_t port;
	int one = 1;

	close(listen_on("127.0.0.1", 0, &port));
	for (size_t i = 0; i < ARRAY_SIZE(asked); i++) {
		struct sockaddr_storage source = address_from("127.0.0.1", port);
		int fd = open_stream(AF_INET);

		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		assert_int_equal(bind(fd, (struct sockaddr *)&source, address_size(&source)), 0);
		check_redirected(*state, fd, asked[i], asked[i], false);
	}
}

static void wait_connected(int fd)
{
	struct pollfd poller = { .fd = fd, .events = POLLOUT };
	socklen_t size = sizeof(int);
	int error = 0;

	assert_int_equal(poll(&poller, 1, 5000), 1);
	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size), 0);
	assert_int_equal(error, 0);
}

static void test_nonblocking(void **state)
{
	const struct bed *bed = *state;
	int fd = open_stream(AF_INET);
	struct redirect_origin origin;
	int accepted;
	int error;

	fcntl(fd, F_SETFL, O_NONBLOCK);
	error = connect_to(fd, ABSENT_V4, 5432);
	assert_true(error == 0 || error == -EINPROGRESS);
	wait_connected(fd);
	accepted = proxy_accept(bed, bed->proxy_v4, &origin);
	assert_true(accepted >= 0);
	assert_same_address(&origin.asked, ABSENT_V4, 5432);
	close(accepted);
	close(fd);
}

static void test_fast_open(void **state)
{
	const struct bed *bed = *state;
	struct sockaddr_storage address = address_from(ABSENT_V4, 5432);
	int fd = open_stream(AF_INET);
	struct redirect_origin origin;
	int accepted;

	if (sendto(fd, "x", 1, MSG_FASTOPEN, (struct sockaddr *)&address, address_size(&address)) !=
	    1) {
		print_message("SKIP test_fast_open: %s\n", strerror(errno));
		close(fd);
		return;
	}
	accepted = proxy_accept(bed, bed->proxy_v4, &origin);
	assert_true(accepted >= 0);
	assert_same_address(&origin.asked, ABSENT_V4, 5432);
	close(accepted);
	close(fd);
}

static void test_mptcp(void **state)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_MPTCP);

	if (fd < 0) {
		print_message("SKIP test_mptcp: %s\n", strerror(errno));
		return;
	}
	check_redirected(*state, fd, ABSENT_V4, ABSENT_V4, false);
	assert_int_equal(bed_count_origins(*state), 0);
}

/*
 * Connected, ended with AF_UNSPEC, connected elsewhere: each time the proxy is told the right
 * place.
 */
static void test_connect_again(void **state)
{
	const struct bed *bed = *state;
	struct sockaddr nowhere = { .sa_family = AF_UNSPEC };
	struct redirect_origin first;
	struct redirect_origin second;
	int fd = open_stream(AF_INET);
	int accepted[2];

	assert_int_equal(connect_to(fd, "198.51.100.1", 1), 0);
	assert_int_equal(connect_to(fd, "198.51.100.9", 9), -EISCONN);
	assert_int_equal(connect(fd, &nowhere, sizeof(nowhere)), 0);
	assert_int_equal(connect_to(fd, "198.51.100.2", 2), 0);
	accepted[0] = proxy_accept(bed, bed->proxy_v4, &first);
	accepted[1] = proxy_accept(bed, bed->proxy_v4, &second);
	assert_true(accepted[0] >= 0 && accepted[1] >= 0);
	assert_same_address(&first.asked, "198.51.100.1", 1);
	assert_same_address(&second.asked, "198.51.100.2", 2);
	assert_int_equal(first.socket_cookie, second.socket_cookie);
	close(accepted[0]);
	close(accepted[1]);
	close(fd);
}

/* The app closed before the proxy accepted: what it sent is still to be relayed. */
static void test_closed_before_accept(void **state)
{
	const struct bed *bed = *state;
	int fd = open_stream(AF_INET);
	struct redirect_origin origin;
	int accepted;

	assert_int_equal(connect_to(fd, ABSENT_V4, 7), 0);
	assert_int_equal(write(fd, "x", 1), 1);
	close(fd);
	accepted = proxy_accept(bed, bed->proxy_v4, &origin);
	assert_true(accepted >= 0);
	assert_same_address(&origin.asked, ABSENT_V4, 7);
	close(accepted);
}

/* A proxy that is gone, while nobody has detached: what comes then goes out directly. */
static void test_proxy_is_gone(void **state)
{
	struct bed *bed = *state;
	struct redirect_counters counters;
	struct sockaddr_storage peer = { 0 };
	socklen_t size = sizeof(peer);
	uint16_t port = 0;
	int fd = open_stream(AF_INET);
	int listener, accepted;

	bed_leave(bed); /* not the app's own */
	listener = listen_on("127.0.0.1", 0, &port);
	bed_enter(bed);
	close(bed->proxy_v4);
	assert_int_equal(connect_to(fd, "127.0.0.1", port), 0);
	accepted = accept(listener, NULL, NULL);
	assert_true(accepted >= 0);
	assert_int_equal(getpeername(fd, (struct sockaddr *)&peer, &size), 0);
	assert_same_address(&peer, "127.0.0.1", port);
	assert_int_equal(bed_count_origins(bed), 0);
	bed_counters(bed, &counters);
	assert_int_equal(counters.passed[REDIRECT_BECAUSE_GONE], 1);
	close(accepted);
	close(listener);
	close(fd);
	bed_leave(bed);
	bed->proxy_v4 = listen_on("127.0.0.1", bed->proxy_port, &bed->proxy_port);
	bed_enter(bed);
	check_redirected(bed, open_stream(AF_INET), ABSENT_V4, ABSENT_V4, false);
}

/* An address of this host that is no loopback, or false. */
static bool own_address(char text[INET_ADDRSTRLEN])
{
	struct ifaddrs *list = NULL;
	bool found = false;

	assert_int_equal(getifaddrs(&list), 0);
	for (const struct ifaddrs *one = list; one && !found; one = one->ifa_next) {
		const struct sockaddr_in *v4 = (const struct sockaddr_in *)one->ifa_addr;

		found = v4 && v4->sin_family == AF_INET &&
			(ntohl(v4->sin_addr.s_addr) >> 24) != IN_LOOPBACKNET;
		if (found)
			inet_ntop(AF_INET, &v4->sin_addr, text, INET_ADDRSTRLEN);
	}
	freeifaddrs(list);
	return found;
}

static void check_left_alone(const char *host, uint16_t port, int listener)
{
	struct sockaddr_storage asked = address_from(host, port);
	int fd = open_stream(asked.ss_family);
	int accepted;

	assert_int_equal(connect_to(fd, host, port), 0);
	accepted = accept(listener, NULL, NULL);
	assert_true(accepted >= 0);
	close(accepted);
	close(fd);
}

static void test_own_listener(void **state)
{
	const struct bed *bed = *state;
	struct redirect_counters counters;
	char own[INET_ADDRSTRLEN];
	bool has_own = own_address(own);
	uint16_t port;
	int listener = listen_on("0.0.0.0", 0, &port);

	check_left_alone("127.0.0.1", port, listener);
	check_left_alone("0.0.0.0", port, listener);
	check_left_alone("::ffff:127.0.0.1", port, listener);
	if (has_own)
		check_left_alone(own, port, listener);
	close(listener);
	listener = listen_on("::", 0, &port);
	check_left_alone("127.0.0.1", port, listener);
	check_left_alone("::1", port, listener);
	check_left_alone("::", port, listener);
	close(listener);
	bed_counters(bed, &counters);
	assert_int_equal(counters.passed[REDIRECT_BECAUSE_SELF], has_own ? 7 : 6);
	assert_int_equal(counters.redirected, 0);
}

/* listen() without bind() fires no post_bind. */
static void test_listen_without_bind(void **state)
{
	struct sockaddr_storage address = address_from("0.0.0.0", 0);
	socklen_t size = sizeof(address);
	int listener = open_stream(AF_INET);

	(void)state;
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
	check_left_alone("127.0.0.1", ntohs(((struct sockaddr_in *)&address)->sin_port), listener);
	close(listener);
}

/* The proxy would have accepted. */
static void test_nobody_listens(void **state)
{
	static const char *const hosts[] = { "127.0.0.1", "0.0.0.0", "::1", "::ffff:127.0.0.1" };
	const struct bed *bed = *state;
	struct redirect_counters counters;
	uint16_t port;

	close(listen_on("127.0.0.1", 0, &port));
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
		struct sockaddr_storage asked = address_from(hosts[i], port);
		int fd = open_stream(asked.ss_family);

		assert_int_equal(connect_to(fd, hosts[i], port), -ECONNREFUSED);
		close(fd);
	}
	assert_int_equal(bed_count_origins(bed), 0);
	bed_counters(bed, &counters);
	assert_int_equal(counters.redirected, 0);
	assert_int_equal(counters.passed[REDIRECT_BECAUSE_NOBODY], ARRAY_SIZE(hosts));
}

/* A wildcard listener on a port hides no remote one, and none of a process outside. */
static void test_wildcard_hides_nothing(void **state)
{
	const struct bed *bed = *state;
	struct redirect_counters counters;
	struct redirect_origin origin;
	uint16_t port;
	int listener = listen_on("0.0.0.0", 0, &port);
	int outside;
	int accepted;
	int fd = open_stream(AF_INET);

	assert_int_equal(connect_to(fd, ABSENT_V4, port), 0);
	accepted = proxy_accept(bed, bed->proxy_v4, &origin);
	assert_true(accepted >= 0);
	assert_same_address(&origin.asked, ABSENT_V4, port);
	close(accepted);
	close(fd);
	close(listener);

	bed_leave(bed);
	outside = listen_on("127.0.0.1", 0, &port);
	bed_enter(bed);
	fd = open_stream(AF_INET);
	assert_int_equal(connect_to(fd, "127.0.0.1", port), 0);
	accepted = proxy_accept(bed, bed->proxy_v4, &origin);
	assert_true(accepted >= 0);
	assert_same_address(&origin.asked, "127.0.0.1", port);
	close(accepted);
	close(fd);
	close(outside);
	bed_counters(bed, &counters);
	assert_int_equal(counters.redirected, 2);
	assert_int_equal(counters.passed[REDIRECT_BECAUSE_SELF], 0);
}

static void test_proxy_is_no_target(void **state)
{
	const struct bed *bed = *state;
	struct redirect_counters counters;
	int fd = open_stream(AF_INET);

	assert_int_equal(connect_to(fd, "127.0.0.1", bed->proxy_port), -ECONNREFUSED);
	close(fd);
	bed_counters(bed, &counters);
	assert_int_equal(counters.refused[REDIRECT_BECAUSE_PROXY], 1);
}

static void test_bound_device(void **state)
{
	const struct bed *bed = *state;
	struct redirect_counters counters;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 2), 0);
	assert_int_not_equal(connect_to(fd, ABSENT_V4, 5432), 0);
	close(fd);
	bed_counters(bed, &counters);
	assert_int_equal(counters.passed[REDIRECT_BECAUSE_DEVICE], 1);
	assert_int_equal(counters.redirected, 0);
}

static void test_link_local(void **state)
{
	const struct bed *bed = *state;
	struct redirect_counters counters;
	int fd = open_stream(AF_INET6);

	assert_int_not_equal(connect_to(fd, "fe80::7", 5432), 0); /* without a scope */
	close(fd);
	bed_counters(bed, &counters);
	assert_int_equal(counters.passed[REDIRECT_BECAUSE_LINK_LOCAL], 1);
}

/* A process in another network namespace cannot reach the proxy's port. */
static void test_other_netns(void **state)
{
	const struct bed *bed = *state;
	struct redirect_counters counters;
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		int fd;

		if (unshare(CLONE_NEWNET) < 0)
			_exit(1);
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		_exit(connect_to(fd, ABSENT_V4, 5432) == -ENETUNREACH ? 0 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	bed_counters(bed, &counters);
	assert_int_equal(counters.passed[REDIRECT_BECAUSE_NETNS], 1);
}

/* While recording UDP goes its way, and is counted. */
static void test_udp_is_left_alone(void **state)
{
	const struct bed *bed = *state;
	struct redirect_counters counters;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect_to(fd, "127.0.0.1", 53), 0);
	close(fd);
	bed_counters(bed, &counters);
	assert_int_equal(counters.passed[REDIRECT_BECAUSE_NOT_TCP], 1);
}

static void test_origins_overflow(void **state)
{
	const struct bed *bed = *state;
	struct redirect_key key = { .port = 1 };
	struct redirect_counters counters;
	struct redirect_asked asked = { 0 };
	int origins = bed_origins(bed);
	int fd = open_stream(AF_INET);
	uint16_t port;
	int outside;

	bed_leave(bed);
	outside = listen_on("127.0.0.1", 0, &port);
	bed_enter(bed);
	for (key.netns_cookie = 1; bpf_map_update_elem(origins, &key, &asked, BPF_ANY) == 0;)
		key.netns_cookie++;
	assert_int_equal(key.netns_cookie, REDIRECT_MAX_ORIGINS + 1);
	/* No room to keep where it wanted to go: it goes there directly. */
	assert_int_equal(connect_to(fd, "127.0.0.1", port), 0);
	bed_counters(bed, &counters);
	assert_int_equal(counters.passed[REDIRECT_BECAUSE_FULL], 1);
	assert_int_equal(counters.redirected, 0);
	close(fd);
	close(outside);
	close(origins);
}

static void test_origins_are_consumed(void **state)
{
	enum { CONNECTS = 10000 };
	const struct bed *bed = *state;
	struct redirect_counters counters;

	for (unsigned int i = 0; i < CONNECTS; i++) {
		struct linger reset = { .l_onoff = 1 };
		struct redirect_origin origin;
		int fd = open_stream(AF_INET);
		int accepted;

		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		assert_int_equal(connect_to(fd, ABSENT_V4, (uint16_t)(1 + i % 60000)), 0);
		if (i % 2)
			close(fd);
		accepted = proxy_accept(bed, bed->proxy_v4, &origin);
		assert_true(accepted >= 0);
		assert_int_equal(ntohs(((struct sockaddr_in *)&origin.asked)->sin_port),
				 1 + i % 60000);
		close(accepted);
		if (i % 2 == 0)
			close(fd);
	}
	assert_int_equal(bed_count_origins(bed), 0);
	bed_counters(bed, &counters);
	assert_int_equal(counters.redirected, CONNECTS);
}

/* A connection that no process of the app made has no origin. */
static void test_stranger(void **state)
{
	const struct bed *bed = *state;
	struct redirect_origin origin;
	int fd;

	bed_leave(bed);
	fd = open_stream(AF_INET);
	assert_int_equal(connect_to(fd, "127.0.0.1", bed->proxy_port), 0);
	assert_int_equal(proxy_accept(bed, bed->proxy_v4, &origin), -ENOENT);
	close(fd);
	bed_enter(bed);
}

/* The proxy is an ordinary user with inherited descriptors, and holds no links while recording. */
static void test_take_without_rights(void **state)
{
	const struct bed *bed = *state;
	int fd = open_stream(AF_INET);
	int status = 0;
	pid_t pid;

	assert_int_equal(connect_to(fd, ABSENT_V4, 5432), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct redirect_counters counters;
		struct redirect_origin origin;

		redirect_drop_links(bed->redirect);
		if (setgid(65534) < 0 || setuid(65534) < 0)
			_exit(1);
		if (proxy_accept(bed, bed->proxy_v4, &origin) < 0)
			_exit(2);
		redirect_counters(bed->redirect, &counters);
		_exit(counters.redirected == 1 ? 0 : 3);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(fd);
}

static void test_drop_links(void **state)
{
	const struct bed *bed = *state;
	struct redirect_counters counters;

	check_redirected(bed, open_stream(AF_INET), ABSENT_V4, ABSENT_V4, false);
	assert_true(bed_programs(bed) >= 6);
	redirect_drop_links(bed->redirect);
	assert_int_equal(bed_programs(bed), 0);
	bed_counters(bed, &counters);
	assert_int_equal(counters.redirected, 1);
}

static void test_without_rights(void **state)
{
	int status = 0;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		char error[REDIRECT_ERROR_BYTES] = "";
		struct redirect *redirect = NULL;

		if (setuid(65534) < 0 || redirect_open(&record, -1, 1, &redirect, error) != -EPERM)
			_exit(1);
		_exit(strstr(error, "CAP_BPF") && strstr(error, "--listen") ? 0 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_no_cgroup(void **state)
{
	char error[REDIRECT_ERROR_BYTES] = "";
	struct redirect *redirect = NULL;
	int fd = open("/", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_int_equal(redirect_open(&record, fd, 1, &redirect, error), -EBADF);
	assert_non_null(strstr(error, "cgroup2"));
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_v4, setup, bed_unmake),
		cmocka_unit_test_setup_teardown(test_v6, setup, bed_unmake),
		cmocka_unit_test_setup_teardown(test_v6_only, setup, bed_unmake),
		cmocka_unit_test_setup_teardown(test_mapped, setup, bed_unmake),
		cmocka_unit_test_setup_teardown(test_bound, setup, bed_unmake),
		cmocka_unit_test_setup_teardown(test_bound_port, setup, bed_unmake),
		cmocka_unit_test_setup_teardown(test_nonblocking, setup, bed_unmake),
		cmocka_unit_test_setup_teardown(test_fast_open, setup, bed_unmake),
		cmocka_unit_test_setup_teardown(test_mptcp, setup, bed_unmake),
		cmocka_unit_test_setup_teardown(test_connect_again, setup, bed_unmake),
		cmocka_unit_test_setup_teardown(test_closed_before_accept, setup, bed_unmake),
		cmocka_unit_test_setup_teardown(test_proxy_is_gone, setup, bed_unmake),
		cmocka_unit_test_setup_teardown(test_own_listener, setup, bed_unmake),
		cmocka_unit_test_setup_teardown(test_listen_without_bind, setup, bed_unmake),
		cmocka_unit_test_setup_teardown(test_nobody_listens, setup, bed_unmake),
		cmocka_unit_test_setup_teardown(test_wildcard_hides_nothing, setup, bed_unmake),
		cmocka_unit_test_setup_teardown(test_proxy_is_no_target, setup, bed_unmake),
		cmocka_unit_test_setup_teardown(test_bound_device, setup, bed_unmake),
		cmocka_unit_test_setup_teardown(test_link_local, setup, bed_unmake),
		cmocka_unit_test_setup_teardown(test_other_netns, setup, bed_unmake),
		cmocka_unit_test_setup_teardown(test_udp_is_left_alone, setup, bed_unmake),
		cmocka_unit_test_setup_teardown(test_origins_overflow, setup, bed_unmake),
		cmocka_unit_test_setup_teardown(test_origins_are_consumed, setup, bed_unmake),
		cmocka_unit_test_setup_teardown(test_stranger, setup, bed_unmake),
		cmocka_unit_test_setup_teardown(test_take_without_rights, setup, bed_unmake),
		cmocka_unit_test_setup_teardown(test_drop_links, setup, bed_unmake),
		cmocka_unit_test(test_without_rights),
		cmocka_unit_test(test_no_cgroup),
	};
	const char *missing = bed_missing();

	if (missing) {
		printf("SKIP test_bpf: %s\n", missing);
		return 0;
	}
	prctl(PR_SET_NAME, "bpf-test");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
