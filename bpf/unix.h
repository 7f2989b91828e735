/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connects to Unix sockets: seen and reported, by the service that the path tells of (design §10).
 */
#ifndef MOCKPROXY_BPF_UNIX_H
#define MOCKPROXY_BPF_UNIX_H

#ifdef __bpf__ /* CO-RE needs that compiler */

#include "bpf/common.h"

#include <linux/errno.h>

#define UNIX_PATH_OFFSET 2 /* of sun_path in sockaddr_un */
#define NSCD_TAIL "/nscd/socket"
#define UNIX_NAME_BYTES 20 /* of the last part of a path: as much as tells the services apart */

/* The parts of the kernel's structure that no context shows; CO-RE finds their places. */
struct bpf_sock_addr_kern {
	struct sockaddr *uaddr;
	__u32 uaddrlen;
} __attribute__((preserve_access_index));

extern void *bpf_cast_to_kern_ctx(void *ctx) __ksym __weak;

/* Clang calls memcmp() for odd sizes, which BPF does not have. */
static __always_inline bool is_name(const char *name, const char *word, __u32 word_bytes)
{
	char differ = 0;

	for (__u32 i = 0; i < word_bytes; i++)
		differ |= name[i] ^ word[i];
	return differ == 0;
}

#define NAME_IS(name, word) is_name(name, word, sizeof(word) - 1)

/* What listens behind a path; `name` is its last part, `tail` its last bytes. */
static __always_inline __u16 service_of(const char name[UNIX_NAME_BYTES],
					const char tail[UNIX_NAME_BYTES])
{
	if (NAME_IS(name, ".s.PGSQL."))
		return REDIRECT_SERVICE_POSTGRESQL;
	if (NAME_IS(name, "mysql.sock") || NAME_IS(name, "mysqld.sock") ||
	    NAME_IS(name, "mariadb.sock"))
		return REDIRECT_SERVICE_MYSQL;
	if (NAME_IS(name, "io.systemd.Resolve") || NAME_IS(tail, NSCD_TAIL))
		return REDIRECT_SERVICE_RESOLVER;
	return REDIRECT_SERVICE_OTHER;
}

struct unix_path {
	char bytes[REDIRECT_PATH_BYTES + 4]; /* zeros behind the path */
	__u16 size;
	__u16 service;
};

/* Where the last part begins; without a branch, see redirect_rule_matches(). */
static __always_inline __u32 name_offset(const char bytes[REDIRECT_PATH_BYTES])
{
	__u32 offset = 0;

	for (__u32 i = 0; i < REDIRECT_PATH_BYTES; i++) {
		__u32 at_slash = (__u32)redirect_less((__u8)bytes[i] ^ '/', 1);

		offset = (offset & (at_slash - 1)) | ((i + 1) * at_slash);
		REDIRECT_OPAQUE(offset);
	}
	return offset;
}

/* An address may end without a NUL, and may go on behind one. */
static __always_inline void read_path(const struct bpf_sock_addr_kern *address,
				      struct unix_path *path)
{
	const char *from = (const char *)address->uaddr + UNIX_PATH_OFFSET;
	char name[UNIX_NAME_BYTES] = {};
	char tail[UNIX_NAME_BYTES] = {};
	__u32 size = address->uaddrlen;
	__u32 offset;
	long length;

	__builtin_memset(path, 0, sizeof(*path));
	if (size <= UNIX_PATH_OFFSET || size > UNIX_PATH_OFFSET + REDIRECT_PATH_BYTES)
		return;
	size -= UNIX_PATH_OFFSET;
	length = bpf_probe_read_kernel_str(path->bytes, size + 1, from);
	if (length <= 1) { /* abstract: no service that is known here uses it */
		bpf_probe_read_kernel(path->bytes, size, from);
		path->size = size;
		return;
	}
	path->size = length - 1;
	offset = name_offset(path->bytes);
	if (offset < REDIRECT_PATH_BYTES)
		bpf_probe_read_kernel_str(name, sizeof(name), path->bytes + offset);
	offset = path->size - (sizeof(NSCD_TAIL) - 1);
	if (offset < REDIRECT_PATH_BYTES)
		bpf_probe_read_kernel_str(tail, sizeof(tail), path->bytes + offset);
	path->service = service_of(name, tail);
}

static __always_inline void tell_unix(struct bpf_sock_addr *ctx, const struct unix_path *path,
				      struct redirect_decision decision)
{
	struct redirect_event *event = new_event(REDIRECT_EVENT_UNIX);

	if (!event)
		return;
	set_current(event);
	event->socket_cookie = bpf_get_socket_cookie(ctx);
	event->family = AF_UNIX;
	event->verdict = decision.verdict;
	event->reason = decision.reason;
	event->service = path->service;
	event->path_bytes = path->size;
	__builtin_memcpy(event->path, path->bytes, sizeof(event->path));
	bpf_ringbuf_submit(event, 0);
}

/*
 * Kernel 6.7 and newer; libbpf before 1.3 does not know the section's name, so the loader states
 * the types. Unix sockets are left alone, but for those of resolvers in replay: glibc then asks
 * over UDP, and is refused there too.
 */
SEC("cgroup/connect_unix")
int connect_unix(struct bpf_sock_addr *ctx)
{
	struct redirect_decision decision = { REDIRECT_PASS, REDIRECT_BECAUSE_UNIX };
	const struct redirect_settings *current = get_settings();
	struct redirect_counters *all = get_counters();
	const struct bpf_sock_addr_kern *address;
	struct unix_path path;

	if (!current || !all)
		return 1;
	address = bpf_cast_to_kern_ctx(ctx);
	read_path(address, &path);
	if (path.service == REDIRECT_SERVICE_POSTGRESQL)
		count(&all->unix_postgresql);
	else if (path.service == REDIRECT_SERVICE_MYSQL)
		count(&all->unix_mysql);
	else if (path.service == REDIRECT_SERVICE_RESOLVER && current->config.replay)
		decision = (struct redirect_decision){ REDIRECT_REFUSE, REDIRECT_BECAUSE_RESOLVER };
	count_decision(decision);
	if (current->config.trace || path.service == REDIRECT_SERVICE_POSTGRESQL ||
	    path.service == REDIRECT_SERVICE_MYSQL)
		tell_unix(ctx, &path, decision);
	if (decision.verdict == REDIRECT_PASS)
		return 1;
	bpf_set_retval(-ECONNREFUSED);
	return 0;
}

#endif
#endif
