/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ports: the proxy's listening sockets, on loopback only. One port that the kernel chose for what is redirected, the
 * same on 127.0.0.1 and [::1]; or those of --listen.
 */
#ifndef MOCKPROXY_PORTS_H
#define MOCKPROXY_PORTS_H

#include "proxy/message.h"
#include "proxy/options.h"
#include "proxy/proxy.h"

struct ports {
	struct proxy_listener *listeners; /* they borrow the options */
	size_t n_listeners;
	uint16_t port; /* of the redirect; 0 with --listen */
};

/* 0, or -errno and a sentence. A host without IPv6 has IPv4 listeners only. */
MUST_CHECK int ports_open(const struct options *options, struct ports *ret_ports,
			  char ret_error[MESSAGE_BYTES]);
void ports_close(struct ports *ports); /* accepts a zeroed one */

#endif
