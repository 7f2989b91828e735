/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules: --only and --exclude, read into what the kernel side decides by (bpf/redirect.h).
 *
 *	HOST             every port of a host: a name or an address
 *	HOST:PORT        one port of it; HOST:FIRST-LAST a range
 *	:PORT            that port of every host; :FIRST-LAST
 *	ADDRESS/PREFIX   a network; ADDRESS/PREFIX:PORT
 *	[V6]:PORT        IPv6 with a port takes brackets; [V6/PREFIX]:PORT
 *
 * What --exclude names, or --only does not, is left alone in both modes, whatever its protocol: in
 * replay it goes out, DNS too, because the user said so.
 *
 * A name stands for all addresses that it has at the start. In replay only /etc/hosts is asked for
 * them, since no DNS question may leave.
 */
#ifndef MOCKPROXY_PROXY_RULES_H
#define MOCKPROXY_PROXY_RULES_H

#include "bpf/redirect.h"
#include "parsers/compiler.h"
#include "proxy/options.h"

#define RULES_ERROR_BYTES 512

/*
 * Fills rules, config.n_rules and config.only of the settings. 0; -EINVAL for what is none of the
 * forms above, -ENOENT for a name without an address, -E2BIG for more than REDIRECT_MAX_RULES
 * addresses; each with a sentence.
 */
MUST_CHECK int rules_read(const struct options *options, struct redirect_settings *settings,
			  char ret_error[RULES_ERROR_BYTES]);

#endif
