/* SPDX-License-Identifier: Apache-2.0 */
/* What the command line asked for: made once by cli.c, const from there on (design §12). */
#ifndef MOCKPROXY_OPTIONS_H
#define MOCKPROXY_OPTIONS_H

#include "store/matcher.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum mode { MODE_RECORD, MODE_REPLAY, MODE_TRACE };

/* --listen PORT=HOST:PORT: what the app is told by hand to connect to, in place of the kernel's redirect. */
struct listen_option {
	uint16_t port;
	const char *host;
	uint16_t host_port;
};

struct options {
	enum mode mode;
	const char *path; /* of the recording */
	char *const *command;

	const struct listen_option *listens; /* not empty: no eBPF, no cgroup, no root */
	size_t n_listens;
	const char *const *
		only; /* --only and --exclude: "HOST", "CIDR", "HOST:PORT", ":PORT", ... as given */
	size_t n_only;
	const char *const *exclude;
	size_t n_exclude;
	bool record_self; /* --self record */

	unsigned int workers;		/* 0: as many as cores, at most 4 */
	unsigned int connect_timeout_s; /* of upstream; default 30 */
	size_t queue_bytes;		/* 0: the store's default */

	enum repeat repeat;
	double speed; /* of pauses in replay: times as fast as recorded; 0: without them */
	const struct matcher_map *maps;
	size_t n_maps;
	bool allow_partial;
	bool explain; /* replay: say of each request how it was matched */
	bool json;
	bool quiet;	/* no summary */
	bool overwrite; /* record -o an existing FILE: default true, --no-overwrite says no */

	bool verify; /* record --verify, for tests: what was stored encodes back to what passed? store/verify.h */

	bool restless; /* --restless, for tests: connections go from worker to worker all the time */
	/* Benchmarks only: stop after a stage of recording. --stage relay|decode|store */
	enum stage { STAGE_STORE, STAGE_DECODE, STAGE_RELAY } stage;
};

#endif
