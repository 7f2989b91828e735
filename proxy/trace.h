/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trace: `mockproxy trace`, one line for each connect as it happens, or one JSON object a line.
 *
 *	12:34:56.789 psql[1234] 10.0.0.5:5432 → proxy → 10.0.0.5:5432 connected
 *	12:34:56.790 curl[1235] [fd00::1]:443 → proxy → [fd00::1]:443 failed: connection refused
 *	12:34:56.791 pytest[1236] 127.0.0.1:8080 left alone (own listener) connected
 *	12:34:56.792 curl[1235] udp 192.0.2.53:53 left alone (not TCP)
 *	12:34:56.793 psql[1237] unix:/tmp/.s.PGSQL.5432 left alone: not a network connection,
 *	    use -h 127.0.0.1 (one line)
 *
 * It shows what bpftrace on sys_enter_connect shows, and the swap besides. Not shown: netlink,
 * packet and other families than IPv4, IPv6 and Unix; connects that the kernel refused before it
 * asked the hook (a bad address, a socket that is connected already); datagrams sent without a
 * connect; Unix sockets before Linux 6.7.
 *
 * A redirected connect has its line when the upstream's result is known, one that was left alone
 * when its own is; both are found again by the socket's cookie, in either order. At most
 * TRACE_PENDING wait; then, and at the end, the line comes without a result. For one thread at a
 * time.
 */
#ifndef MOCKPROXY_PROXY_TRACE_H
#define MOCKPROXY_PROXY_TRACE_H

#include "bpf/redirect.h"
#include "proxy/redirect.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>

#define TRACE_PENDING 4096

struct trace;

struct trace_counts {
	uint64_t lines;
	uint64_t without_result; /* of them */
};

struct trace *trace_new(FILE *out, bool json); /* the stream stays the caller's */
void trace_free(struct trace *trace);	       /* accepts NULL; prints nothing */

/* "10.0.0.1", "::1". */
void trace_append_address(struct buffer *line, const struct redirect_address *address);
void trace_event(struct trace *trace, const struct redirect_event *event);
/*
 * What became of the upstream connection of a redirected connect: error is 0 or an errno.
 * `upstream` may be NULL when none was tried.
 */
void trace_upstream(struct trace *trace, const struct redirect_origin *origin,
		    const struct sockaddr *upstream, int error);
/* Prints what still waits. */
void trace_finish(struct trace *trace, struct trace_counts *ret_counts);

/* "own listener", "excluded", ...: why a connect was left alone or refused; for summaries too. */
const char *trace_reason(uint32_t reason);

#endif
