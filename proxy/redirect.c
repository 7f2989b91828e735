/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Redirect: the loader of bpf/redirect.bpf.c, by way of the skeleton that bpftool makes (libbpf).
 *
 * Invariants:
 * 1. Nothing is pinned: what was attached goes with the last descriptor of its link.
 * 2. After redirect_open() every call works without rights, in a forked process too. (An ordinary
 *    user may use a map's descriptor since Linux 5.19, whatever kernel.unprivileged_bpf_disabled
 *    says.)
 * 3. The programs that keep state are attached before those that redirect, so that no connect is
 *    seen by half.
 */
#include "proxy/redirect.h"

#include "bpf/redirect.skel.h"
#include "proxy/rules.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

/* <linux/bpf.h> of Linux 6.7: headers of Debian 12 do not have it. */
#define ATTACH_CGROUP_UNIX_CONNECT 49

struct redirect {
	struct redirect_bpf *bpf;
	struct ring_buffer *ring;
	uint64_t netns_cookie; /* the proxy's own: part of the key of each origin */
	/* Of the redirect_read_events() that is under way. */
	redirect_event_fn *event;
	void *context;
};

PRINTF_LIKE(2, 0)
static int print_debug(enum libbpf_print_level level, const char *format, va_list arguments)
{
	(void)level;
	return vfprintf(stderr, format, arguments);
}

PRINTF_LIKE(2, 0)
static int print_nothing(enum libbpf_print_level level, const char *format, va_list arguments)
{
	(void)level;
	(void)format;
	(void)arguments;
	return 0;
}

/* What a person can do about a failed load or attach. */
static void explain(int error, const char *step, char ret_error[REDIRECT_ERROR_BYTES])
{
	struct utsname kernel = { 0 };
	const char *advice = "";

	uname(&kernel);
	if (error == -EPERM || error == -EACCES)
		advice = "CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN are needed: run it with sudo, or "
			 "name the ports by hand with --listen PORT=HOST:PORT";
	else if (access("/sys/kernel/btf/vmlinux", R_OK) != 0)
		advice = "/sys/kernel/btf/vmlinux is missing: the kernel needs "
			 "CONFIG_DEBUG_INFO_BTF and CONFIG_BPF_SYSCALL";
	else if (error == -EBADF || error == -ENOTDIR)
		advice = "the app's folder is not one of a cgroup2 file system";
	else if (error == -ENOMEM)
		advice = "the kernel has no memory for the maps";
	else
		advice = "Linux 5.19 or newer with CONFIG_BPF_SYSCALL, CONFIG_CGROUP_BPF and "
			 "CONFIG_INET is needed; MOCKPROXY_DEBUG=1 shows what the kernel says";
	snprintf(ret_error, REDIRECT_ERROR_BYTES, "cannot %s (%s, Linux %s): %s", step,
		 strerrordesc_np(-error), kernel.release, advice);
}

static int read_netns_cookie(uint64_t *ret_cookie)
{
	socklen_t size = sizeof(*ret_cookie);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int error = 0;

	if (fd < 0)
		return -errno;
	if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, ret_cookie, &size) < 0)
		error = -errno;
	close(fd);
	return error;
}

static int make_settings(const struct options *options, uint16_t port,
			 struct redirect_settings *settings, char ret_error[REDIRECT_ERROR_BYTES])
{
	uint64_t cookie = 0;
	int error = read_netns_cookie(&cookie);

	if (error < 0) {
		explain(error, "read the cookie of the network namespace", ret_error);
		return error;
	}
	settings->config.netns_cookie = cookie;
	settings->config.proxy_port = port;
	settings->config.replay = options->mode == MODE_REPLAY;
	settings->config.trace = options->mode == MODE_TRACE;
	settings->config.record_self = options->record_self;
	return rules_read(options, settings, ret_error);
}

static struct redirect_address address_of(const struct sockaddr *address)
{
	struct redirect_address result = { { 0 } };

	if (address->sa_family == AF_INET)
		return redirect_from_ipv4(((const struct sockaddr_in *)address)->sin_addr.s_addr);
	memcpy(&result, &((const struct sockaddr_in6 *)address)->sin6_addr, sizeof(result));
	return result;
}

/*
 * Tells the kernel side which addresses are this host's. One that comes later, or does not fit,
 * counts as another host's: then a connection of the app to itself through it is recorded like any
 * other.
 */
static int write_local_addresses(struct redirect_bpf *bpf)
{
	struct ifaddrs *list = NULL;
	uint32_t mark = 1;

	if (getifaddrs(&list) < 0)
		return -errno;
	for (const struct ifaddrs *one = list; one; one = one->ifa_next) {
		struct redirect_address address;

		if (!one->ifa_addr ||
		    (one->ifa_addr->sa_family != AF_INET && one->ifa_addr->sa_family != AF_INET6))
			continue;
		address = address_of(one->ifa_addr);
		if (bpf_map__update_elem(bpf->maps.local_addresses, &address, sizeof(address),
					 &mark, sizeof(mark), BPF_ANY) < 0)
			break;
	}
	freeifaddrs(list);
	return 0;
}

/*
 * The kernel before 6.7 cannot load the program for Unix sockets; the rest does without it. NULL and
 * a negative errno when it cannot be loaded.
 */
static struct redirect_bpf *load_programs(bool with_unix, bool replay, int *ret_error)
{
	struct redirect_bpf *bpf = redirect_bpf__open();

	if (!bpf) {
		*ret_error = -errno;
		return NULL;
	}
	bpf_program__set_type(bpf->progs.connect_unix, BPF_PROG_TYPE_CGROUP_SOCK_ADDR);
	bpf_program__set_expected_attach_type(bpf->progs.connect_unix,
					      (enum bpf_attach_type)ATTACH_CGROUP_UNIX_CONNECT);
	bpf_program__set_autoload(bpf->progs.connect_unix, with_unix);
	bpf_program__set_autoload(bpf->progs.egress, replay);
	bpf_program__set_autoload(bpf->progs.sendmsg4, replay);
	bpf_program__set_autoload(bpf->progs.sendmsg6, replay);
	*ret_error = redirect_bpf__load(bpf);
	if (*ret_error == 0)
		return bpf;
	redirect_bpf__destroy(bpf);
	return NULL;
}

/* Invariant 3 is the order of this list. */
static int attach_programs(struct redirect_bpf *bpf, int cgroup_fd, bool replay)
{
	const struct {
		struct bpf_program *program;
		struct bpf_link **link;
		bool wanted;
		bool optional;
	} steps[] = {
		{ bpf->progs.sock_release, &bpf->links.sock_release, true, false },
		{ bpf->progs.tcp_events, &bpf->links.tcp_events, true, false },
		{ bpf->progs.getpeername4, &bpf->links.getpeername4, true, false },
		{ bpf->progs.getpeername6, &bpf->links.getpeername6, true, false },
		{ bpf->progs.egress, &bpf->links.egress, replay, false },
		{ bpf->progs.sendmsg4, &bpf->links.sendmsg4, replay, false },
		{ bpf->progs.sendmsg6, &bpf->links.sendmsg6, replay, false },
		{ bpf->progs.connect4, &bpf->links.connect4, true, false },
		{ bpf->progs.connect6, &bpf->links.connect6, true, false },
		{ bpf->progs.connect_unix, &bpf->links.connect_unix,
		  bpf_program__fd(bpf->progs.connect_unix) >= 0, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		struct bpf_link *link;

		if (!steps[i].wanted)
			continue;
		link = bpf_program__attach_cgroup(steps[i].program, cgroup_fd);
		if (link)
			*steps[i].link = link;
		else if (!steps[i].optional)
			return -errno;
	}
	return 0;
}

static int on_event(void *context, void *data, size_t size)
{
	struct redirect *redirect = context;

	if (redirect->event && size >= sizeof(struct redirect_event))
		redirect->event(redirect->context, data);
	return 0;
}

static int load(struct redirect *redirect, bool replay, char ret_error[REDIRECT_ERROR_BYTES])
{
	int error = 0;

	redirect->bpf = load_programs(true, replay, &error);
	if (!redirect->bpf && error != -EPERM)
		redirect->bpf = load_programs(false, replay, &error);
	if (!redirect->bpf) {
		explain(error, "load the BPF programs", ret_error);
		return error;
	}
	redirect->ring =
		ring_buffer__new(bpf_map__fd(redirect->bpf->maps.events), on_event, redirect, NULL);
	if (!redirect->ring) {
		error = -errno;
		explain(error, "read the kernel's events", ret_error);
		return error;
	}
	return 0;
}

int redirect_open(const struct options *options, int cgroup_fd, uint16_t port,
		  struct redirect **ret_redirect, char ret_error[REDIRECT_ERROR_BYTES])
{
	struct redirect_settings settings = { 0 };
	struct redirect *redirect = NULL;
	uint32_t zero = 0;
	int error;

	libbpf_set_print(getenv("MOCKPROXY_DEBUG") ? print_debug : print_nothing);
	error = make_settings(options, port, &settings, ret_error);
	if (error < 0)
		return error;
	redirect = calloc(1, sizeof(*redirect));
	if (!redirect)
		abort();
	redirect->netns_cookie = settings.config.netns_cookie;
	error = load(redirect, settings.config.replay, ret_error);
	if (error < 0)
		goto fail;
	error = bpf_map__update_elem(redirect->bpf->maps.settings, &zero, sizeof(zero), &settings,
				     sizeof(settings), BPF_ANY);
	if (error == 0)
		error = write_local_addresses(redirect->bpf);
	if (error < 0) {
		explain(error, "write the settings of the BPF programs", ret_error);
		goto fail;
	}
	error = attach_programs(redirect->bpf, cgroup_fd, settings.config.replay);
	if (error < 0) {
		explain(error, "attach the BPF programs to the app's cgroup", ret_error);
		goto fail;
	}
	*ret_redirect = redirect;
	return 0;
fail:
	redirect_close(redirect);
	return error;
}

void redirect_close(struct redirect *redirect)
{
	if (!redirect)
		return;
	ring_buffer__free(redirect->ring);
	redirect_bpf__destroy(redirect->bpf);
	free(redirect);
}

void redirect_drop_links(struct redirect *redirect)
{
	redirect_bpf__detach(redirect->bpf); /* closes this process's descriptors, no more */
}

static void set_asked(const struct redirect_asked *found, struct redirect_origin *origin)
{
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&origin->asked;
	struct sockaddr_in *v4 = (struct sockaddr_in *)&origin->asked;

	memset(origin, 0, sizeof(*origin));
	if (redirect_is_mapped(&found->address)) {
		v4->sin_family = AF_INET;
		v4->sin_addr.s_addr = found->address.word[3];
		v4->sin_port = htons(found->port);
	} else {
		v6->sin6_family = AF_INET6;
		memcpy(&v6->sin6_addr, &found->address, sizeof(v6->sin6_addr));
		v6->sin6_port = htons(found->port);
	}
	origin->pid = found->pid;
	origin->socket_cookie = found->socket_cookie;
	memcpy(origin->program, found->program, sizeof(origin->program));
	origin->program[sizeof(origin->program) - 1] = '\0';
}

int redirect_take(struct redirect *redirect, const struct sockaddr *peer,
		  struct redirect_origin *ret_origin)
{
	struct redirect_key key = { .netns_cookie = redirect->netns_cookie };
	struct redirect_asked found;
	in_port_t port;

	if (peer->sa_family == AF_INET)
		port = ((const struct sockaddr_in *)peer)->sin_port;
	else if (peer->sa_family == AF_INET6)
		port = ((const struct sockaddr_in6 *)peer)->sin6_port;
	else
		return -ENOENT;
	key.source = address_of(peer);
	key.port = ntohs(port);
	if (bpf_map_lookup_and_delete_elem(bpf_map__fd(redirect->bpf->maps.origins), &key, &found) <
	    0)
		return -errno;
	set_asked(&found, ret_origin);
	return 0;
}

int redirect_events_fd(const struct redirect *redirect)
{
	return ring_buffer__epoll_fd(redirect->ring);
}

void redirect_read_events(struct redirect *redirect, redirect_event_fn *event, void *context)
{
	redirect->event = event;
	redirect->context = context;
	ring_buffer__consume(redirect->ring);
	redirect->event = NULL;
}

void redirect_counters(const struct redirect *redirect, struct redirect_counters *ret_counters)
{
	uint32_t zero = 0;

	if (bpf_map_lookup_elem(bpf_map__fd(redirect->bpf->maps.counters), &zero, ret_counters) < 0)
		memset(ret_counters, 0, sizeof(*ret_counters));
}
