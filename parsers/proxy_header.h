/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PROXY header: what a load balancer says before all else on a connection, so that the server learns whom it speaks for
 * ("The PROXY protocol", versions 1 and 2, by W. Tarreau; sections 2.1 and 2.2). The server answers nothing to it, and what
 * follows is any protocol.
 */
#ifndef MOCKPROXY_PROXY_HEADER_H
#define MOCKPROXY_PROXY_HEADER_H

#include "parsers/protocol.h"

/* A longer one is none. */
#define PROXY_HEADER_MAX ((size_t)4096)

/* Of all that a client has said so far: YES with the header's size, MORE only below PROXY_HEADER_MAX bytes. */
enum recognised proxy_header(struct slice client_bytes, size_t *ret_size);

#endif
