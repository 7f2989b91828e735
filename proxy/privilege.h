/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Privilege: who runs the app and owns the recording, and how rights are given up (design §10, §12).
 *
 * Under sudo that is the user who called sudo (SUDO_UID, SUDO_GID); else it is who runs mockproxy.
 */
#ifndef MOCKPROXY_PRIVILEGE_H
#define MOCKPROXY_PRIVILEGE_H

#include "parsers/compiler.h"
#include "proxy/message.h"

#include <stdbool.h>
#include <sys/types.h>

struct invoker {
	bool differs; /* from who this process is: there is something to drop */
	uid_t uid;
	gid_t gid;
	char name[64]; /* empty: the user has no entry in passwd */
};

/* 0; -EPERM when mockproxy was made setuid, -EINVAL when SUDO_UID or SUDO_GID is no number. */
MUST_CHECK int privilege_find_invoker(struct invoker *ret_invoker, char ret_error[MESSAGE_BYTES]);

/* Becomes the invoker for good: groups, group, user. For the app; nothing else changes. 0 or -errno. */
MUST_CHECK int privilege_become(const struct invoker *invoker);

/*
 * For the proxy: becomes the invoker, then gives up every capability but, where the invoker is root, that of writing
 * where root may write, and the way to get one back by exec. 0 or -errno.
 */
MUST_CHECK int privilege_drop(const struct invoker *invoker);

/* Whether this process has every effective capability of `mask` (1 << CAP_...). */
bool privilege_has(unsigned long long mask);

/* Whether this process may load and attach what redirects: CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN, or CAP_SYS_ADMIN. */
bool privilege_can_redirect(void);

#endif
