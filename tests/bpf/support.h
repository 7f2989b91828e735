/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cgroup of its own with the redirect attached, and a socket on each loopback that plays the
 * proxy. The test process is in the cgroup between bpf_enter() and bpf_leave(): what it opens there
 * is the app's.
 */
#ifndef MOCKPROXY_TESTS_BPF_SUPPORT_H
#define MOCKPROXY_TESTS_BPF_SUPPORT_H

#include "proxy/redirect.h"

#include <limits.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * TEST-NET-2 and the documentation prefix: nobody is there, and no route is needed to be
 * redirected.
 */
#define ABSENT_V4 "198.51.100.7"
#define ABSENT_MAPPED "::ffff:198.51.100.7"
#define ABSENT_V6 "2001:db8::7"

struct bed {
	char cgroup[PATH_MAX];
	char home[PATH_MAX]; /* cgroup.procs of where the test came from */
	int cgroup_fd;
	int proxy_v4;
	int proxy_v6;
	uint16_t proxy_port;
	struct redirect *redirect;
};

/* Why there can be no test here, or NULL. */
const char *bed_missing(void);
void bed_open(struct bed *bed, const struct options *options);
/* For cmocka: a bed in *state, and the test's process in it. */
int bed_make(void **state, const struct options *options);
int bed_unmake(void **state);
void bed_close(struct bed *bed);
void bed_enter(const struct bed *bed);
void bed_leave(const struct bed *bed);
void bed_counters(const struct bed *bed, struct redirect_counters *ret_counters);
/* How many programs hang at the cgroup. */
unsigned int bed_programs(const struct bed *bed);
/* A descriptor of the map of the origins, found through the attached program. */
int bed_origins(const struct bed *bed);
size_t bed_count_origins(const struct bed *bed);

struct sockaddr_storage address_from(const char *host, uint16_t port);
socklen_t address_size(const struct sockaddr_storage *address);
/* Connects a socket of the address's family: 0 or -errno. */
int connect_to(int fd, const char *host, uint16_t port);
int open_stream(int family);
/* Listens on an address; the port goes to ret_port. */
int listen_on(const char *host, uint16_t port, uint16_t *ret_port);
/*
 * The proxy's side: accepts one connection and takes its origin; the connection's descriptor or
 * -errno.
 */
int proxy_accept(const struct bed *bed, int listener, struct redirect_origin *ret_origin);

#endif
