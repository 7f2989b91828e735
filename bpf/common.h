/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the programs of redirect.bpf.c share: the maps, counting and telling, and the facts about a
 * connect that redirect_decide() asks for. Only for that one file: maps are defined here.
 */
#ifndef MOCKPROXY_BPF_COMMON_H
#define MOCKPROXY_BPF_COMMON_H

#include "bpf/redirect.h"

#include <bpf/bpf_helpers.h>
#include <linux/bpf.h>
#include <stddef.h>

/* Of linux/socket.h, which has no form that BPF can include. */
#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10

/* What is kept at each of the app's sockets that connected. */
struct app_socket {
	struct redirect_key key; /* of its origin, when `stored` */
	struct redirect_asked asked;
	__u32 reason;
	__u8 redirected;
	__u8 stored;
	__u8 established;
	__u8 awaited; /* its result is to be told */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct redirect_settings);
} settings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct redirect_counters);
} counters SEC(".maps");

/* Not an LRU: that would forget in silence. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, REDIRECT_MAX_ORIGINS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct redirect_key);
	__type(value, struct redirect_asked);
} origins SEC(".maps");

/* Addresses of this host, from user space at start; loopback is known without. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, REDIRECT_MAX_LOCAL);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct redirect_address);
	__type(value, __u32);
} local_addresses SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct app_socket);
} sockets SEC(".maps");

/* Marks the sockets on which a process of the app listens. Not cloned to what they accept. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u32);
} listeners SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, REDIRECT_EVENT_BYTES);
} events SEC(".maps");

static __always_inline const struct redirect_settings *get_settings(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&settings, &zero);
}

static __always_inline struct redirect_counters *get_counters(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&counters, &zero);
}

static __always_inline void count(__u64 *counter)
{
	__sync_fetch_and_add(counter, 1);
}

static __always_inline void count_decision(struct redirect_decision decision)
{
	struct redirect_counters *all = get_counters();

	if (!all || decision.reason >= REDIRECT_REASONS)
		return;
	if (decision.verdict == REDIRECT_TO_PROXY)
		count(&all->redirected);
	else if (decision.verdict == REDIRECT_PASS)
		count(&all->passed[decision.reason]);
	else
		count(&all->refused[decision.reason]);
}

/* Zeroed but for its time; NULL, and counted, when user space reads too slowly. */
static __always_inline struct redirect_event *new_event(__u32 type)
{
	struct redirect_event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	struct redirect_counters *all;

	if (!event) {
		all = get_counters();
		if (all)
			count(&all->events_lost);
		return NULL;
	}
	__builtin_memset(event, 0, sizeof(*event));
	event->time_ns = bpf_ktime_get_ns();
	event->type = type;
	return event;
}

static __always_inline void set_current(struct redirect_event *event)
{
	__u64 ids = bpf_get_current_pid_tgid();

	event->pid = ids >> 32;
	event->tid = (__u32)ids;
	event->uid = (__u32)bpf_get_current_uid_gid();
	bpf_get_current_comm(event->program, sizeof(event->program));
}

/* What is told without being asked to trace: see struct redirect_event. */
static __always_inline bool worth_telling(struct redirect_decision decision)
{
	if (decision.verdict == REDIRECT_REFUSE)
		return true;
	switch (decision.reason) {
	case REDIRECT_BECAUSE_SELF:
	case REDIRECT_BECAUSE_NETNS:
	case REDIRECT_BECAUSE_DEVICE:
	case REDIRECT_BECAUSE_LINK_LOCAL:
	case REDIRECT_BECAUSE_FULL:
	case REDIRECT_BECAUSE_NOBODY:
		return true;
	default:
		return false;
	}
}

static __always_inline void tell_connect(struct bpf_sock_addr *ctx, const struct redirect_ask *ask,
					 struct redirect_decision decision)
{
	struct redirect_event *event = new_event(REDIRECT_EVENT_CONNECT);

	if (!event)
		return;
	set_current(event);
	event->socket_cookie = bpf_get_socket_cookie(ctx);
	event->address = ask->address;
	event->port = ask->port;
	event->protocol = ask->protocol;
	event->family = ctx->user_family;
	event->verdict = decision.verdict;
	event->reason = decision.reason;
	bpf_ringbuf_submit(event, 0);
}

/* Who listens there, looked up in the socket's own network namespace; to be released. */
static __always_inline struct bpf_sock *find_listener(struct bpf_sock_addr *ctx,
						      const struct redirect_address *address,
						      __u32 net_port)
{
	struct bpf_sock_tuple tuple = {};
	__u32 size = sizeof(tuple.ipv4);

	if (redirect_is_mapped(address)) {
		tuple.ipv4.daddr = address->word[3] ? address->word[3] : REDIRECT_NET32(0x7f000001);
		tuple.ipv4.saddr = tuple.ipv4.daddr;
		tuple.ipv4.dport = (__u16)net_port;
	} else {
		__builtin_memcpy(tuple.ipv6.daddr, address->word, sizeof(tuple.ipv6.daddr));
		if (!(address->word[0] | address->word[1] | address->word[2] | address->word[3]))
			tuple.ipv6.daddr[3] = REDIRECT_NET32(1);
		__builtin_memcpy(tuple.ipv6.saddr, tuple.ipv6.daddr, sizeof(tuple.ipv6.saddr));
		tuple.ipv6.dport = (__u16)net_port;
		size = sizeof(tuple.ipv6);
	}
	return bpf_sk_lookup_tcp(ctx, &tuple, size, BPF_F_CURRENT_NETNS, 0);
}

/* Who listens at a local destination: a process of the app, another one, nobody? */
static __always_inline void ask_for_listener(struct bpf_sock_addr *ctx,
					     const struct redirect_address *address, __u32 net_port,
					     struct redirect_ask *ask)
{
	struct bpf_sock *listener = find_listener(ctx, address, net_port);

	ask->nobody_listens = !listener;
	if (!listener)
		return;
	ask->listener_is_ours = bpf_sk_storage_get(&listeners, listener, NULL, 0) != NULL;
	bpf_sk_release(listener);
}

/*
 * Between the proxy's death and the guard's detaching a redirected connect would be refused. (The
 * proxy listens on both loopback addresses, and both go with it.)
 */
static __always_inline bool proxy_is_gone(struct bpf_sock_addr *ctx, __u16 proxy_port)
{
	struct redirect_address loopback = redirect_from_ipv4(REDIRECT_NET32(0x7f000001));
	struct bpf_sock *listener = find_listener(ctx, &loopback, __builtin_bswap16(proxy_port));

	if (!listener)
		return true;
	bpf_sk_release(listener);
	return false;
}

static __always_inline void gather(struct bpf_sock_addr *ctx,
				   const struct redirect_settings *current,
				   const struct redirect_address *address, struct redirect_ask *ask)
{
	__u32 net_port = ctx->user_port;
	__u32 protocol = ctx->protocol;
	struct bpf_sock *sk = ctx->sk;

	__builtin_memset(ask, 0, sizeof(*ask));
	ask->address = *address;
	ask->port = (__u16)__builtin_bswap16((__u16)net_port);
	ask->protocol = protocol > 0xff ? 0 : (__u8)protocol; /* not to take 262, MPTCP, for 6 */
	ask->netns_cookie = bpf_get_netns_cookie(ctx);
	ask->bound_device = sk ? sk->bound_dev_if : 0;
	/*
	 * The list was made in the proxy's namespace: elsewhere the same address may be far away.
	 */
	ask->destination_is_host = ask->netns_cookie == current->config.netns_cookie &&
				   bpf_map_lookup_elem(&local_addresses, address) != NULL;
	if (ask->protocol == REDIRECT_PROTOCOL_TCP &&
	    (ask->destination_is_host || redirect_is_loopback(address)))
		ask_for_listener(ctx, address, net_port, ask);
	if (ask->protocol == REDIRECT_PROTOCOL_TCP && !current->config.replay &&
	    ask->netns_cookie == current->config.netns_cookie)
		ask->proxy_is_gone = proxy_is_gone(ctx, current->config.proxy_port);
}

#endif
