/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Replay's programs: nothing of the app leaves this host (design §3.5). Datagrams are refused where
 * they are sent, and whatever packet comes past that is dropped. Attached in replay only.
 */
#ifndef MOCKPROXY_BPF_HERMETIC_H
#define MOCKPROXY_BPF_HERMETIC_H

#include "bpf/common.h"

#include <linux/errno.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#define LOOPBACK_IFINDEX 1 /* of lo, in every network namespace */

/*
 * Replay: a datagram to a stated address. Connected sockets were asked at connect.
 */
static __always_inline int on_send(struct bpf_sock_addr *ctx,
				   const struct redirect_settings *current,
				   const struct redirect_address *address)
{
	struct redirect_decision decision;
	struct redirect_ask ask;

	gather(ctx, current, address, &ask);
	decision = redirect_decide(&current->config, current->rules, &ask);
	if (decision.verdict == REDIRECT_PASS)
		return 1;
	count_decision(decision);
	tell_connect(ctx, &ask, decision);
	bpf_set_retval(-ECONNREFUSED);
	return 0;
}

SEC("cgroup/sendmsg4")
int sendmsg4(struct bpf_sock_addr *ctx)
{
	const struct redirect_settings *current = get_settings();
	struct redirect_address address;

	if (!current || ctx->user_family != AF_INET)
		return 1;
	address = redirect_from_ipv4(ctx->user_ip4);
	return on_send(ctx, current, &address);
}

SEC("cgroup/sendmsg6")
int sendmsg6(struct bpf_sock_addr *ctx)
{
	const struct redirect_settings *current = get_settings();
	struct redirect_address address;

	if (!current || ctx->user_family != AF_INET6)
		return 1;
	address.word[0] = ctx->user_ip6[0];
	address.word[1] = ctx->user_ip6[1];
	address.word[2] = ctx->user_ip6[2];
	address.word[3] = ctx->user_ip6[3];
	return on_send(ctx, current, &address);
}

/* Where a packet goes. False: neither IPv4 nor IPv6. The port is 0 when there is none. */
static __always_inline bool read_packet(struct __sk_buff *skb, struct redirect_address *address,
					__u16 *ret_port, __u8 *ret_protocol)
{
	__u32 transport = sizeof(struct ipv6hdr);
	struct ipv6hdr v6;
	struct iphdr v4;
	__u16 ports[2] = {};

	if (skb->protocol == __builtin_bswap16(ETH_P_IP)) {
		if (bpf_skb_load_bytes(skb, 0, &v4, sizeof(v4)))
			return false;
		*address = redirect_from_ipv4(v4.daddr);
		*ret_protocol = v4.protocol;
		transport = v4.ihl * 4;
	} else if (skb->protocol == __builtin_bswap16(ETH_P_IPV6)) {
		if (bpf_skb_load_bytes(skb, 0, &v6, sizeof(v6)))
			return false;
		__builtin_memcpy(address->word, &v6.daddr, sizeof(address->word));
		*ret_protocol = v6.nexthdr;
	} else {
		return false;
	}
	if (*ret_protocol == REDIRECT_PROTOCOL_TCP || *ret_protocol == REDIRECT_PROTOCOL_UDP)
		bpf_skb_load_bytes(skb, transport, ports, sizeof(ports));
	*ret_port = __builtin_bswap16(ports[1]);
	return true;
}

/*
 * Replay's last wall, whatever way a packet took past the hooks above (raw sockets, MPTCP, sockets
 * connected before): it stays on this host, or the user excluded its destination, or it is dropped.
 * Through lo is on this host, also to the host's own other addresses. What a server of the app
 * answers to another host is dropped too. Not for packet sockets, which need CAP_NET_RAW and pass
 * below this.
 */
SEC("cgroup_skb/egress")
int egress(struct __sk_buff *skb)
{
	const struct redirect_settings *current = get_settings();
	struct redirect_counters *all;
	struct redirect_address address;
	__u8 protocol = 0;
	__u16 port = 0;
	bool known;

	if (!current)
		return 0;
	known = read_packet(skb, &address, &port, &protocol);
	if (skb->ifindex == LOOPBACK_IFINDEX &&
	    !(protocol == REDIRECT_PROTOCOL_UDP && port == REDIRECT_PORT_DNS))
		return 1;
	if (known && redirect_selected(&current->config, current->rules, &address, port) !=
			     REDIRECT_BECAUSE_ENDPOINT)
		return 1;
	all = get_counters();
	if (all)
		count(&all->packets_dropped);
	return 0;
}

#endif
