/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Giving up rights, in the only order that works: groups while still root, then the user, then what
 * capabilities are left; and a look whether it holds (credentials(7), capabilities(7)).
 */
#include "proxy/privilege.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool read_id(const char *name, id_t *ret_id)
{
	const char *value = getenv(name);
	char *end;
	unsigned long number;

	if (!value || value[0] < '0' || value[0] > '9')
		return false;
	errno = 0;
	number = strtoul(value, &end, 10);
	if (errno || *end || number >= (id_t)-1)
		return false;
	*ret_id = (id_t)number;
	return true;
}

int privilege_find_invoker(struct invoker *ret_invoker, char ret_error[MESSAGE_BYTES])
{
	struct invoker invoker = { .uid = getuid(), .gid = getgid() };
	const struct passwd *entry;

	if (getuid() != geteuid() || getgid() != getegid())
		return message_error(ret_error, -EPERM,
				     "mockproxy must not be installed setuid or setgid: use sudo");
	if (invoker.uid == 0 && getenv("SUDO_UID")) {
		if (!read_id("SUDO_UID", &invoker.uid) || !read_id("SUDO_GID", &invoker.gid))
			return message_error(
				ret_error, -EINVAL,
				"SUDO_UID and SUDO_GID in the environment are not both numbers");
		invoker.differs = invoker.uid != 0;
	}
	if (invoker.differs) {
		entry = getpwuid(invoker.uid);
		if (entry && strlen(entry->pw_name) < sizeof(invoker.name))
			memcpy(invoker.name, entry->pw_name, strlen(entry->pw_name) + 1);
	}
	*ret_invoker = invoker;
	return 0;
}

int privilege_become(const struct invoker *invoker)
{
	int result;

	if (!invoker->differs)
		return 0;
	result = invoker->name[0] ? initgroups(invoker->name, invoker->gid) :
				    setgroups(1, &invoker->gid);
	if (result < 0 || setresgid(invoker->gid, invoker->gid, invoker->gid) < 0 ||
	    setresuid(invoker->uid, invoker->uid, invoker->uid) < 0)
		return -errno;
	if (setresuid((uid_t)-1, 0, (uid_t)-1) == 0) /* must be impossible now */
		return -EPERM;
	return 0;
}

/* The first word's bits are all that is asked for here (CAP_DAC_OVERRIDE), or nothing. */
static int keep_capabilities(uint32_t mask)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { .effective = mask, .permitted = mask } };

	return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

static int read_capabilities(struct __user_cap_data_struct ret_data[2])
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };

	return syscall(SYS_capget, &header, ret_data) < 0 ? -errno : 0;
}

int privilege_drop(const struct invoker *invoker)
{
	struct __user_cap_data_struct had[2];
	uint32_t keep = 0;
	int error = privilege_become(invoker);

	if (error)
		return error;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	/* Kernels before 4.3 have no ambient set, and then nothing to clear. */
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	error = read_capabilities(had);
	if (error)
		return error;
	if (invoker->uid == 0)
		keep = had[0].permitted & (1U << CAP_DAC_OVERRIDE);
	return keep_capabilities(keep);
}

bool privilege_has(unsigned long long mask)
{
	struct __user_cap_data_struct data[2];
	unsigned long long effective;

	if (read_capabilities(data) < 0)
		return false;
	effective = data[0].effective | (unsigned long long)data[1].effective << 32;
	return (effective & mask) == mask;
}

bool privilege_can_redirect(void)
{
	return privilege_has(1ULL << CAP_SYS_ADMIN) ||
	       privilege_has(1ULL << CAP_BPF | 1ULL << CAP_PERFMON | 1ULL << CAP_NET_ADMIN);
}
