/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Redirect, the kernel side: swaps the destination of the app's connects for the proxy's port, and
 * keeps the old one (design §10). Attached to the app's cgroup only; the program types are
 * described in bpf-helpers(7) and in the kernel's Documentation/bpf/prog_cgroup_*.rst.
 *
 * The way of one redirected TCP connect:
 *
 *	connect4/6              decides, keeps the old destination at the socket, reserves a place
 *	                        in `origins`
 *	TCP_CONNECT_CB          the source port is known: the place becomes an origin; the SYN
 *	                        has not left
 *	ACTIVE_ESTABLISHED_CB   from here on the proxy will accept it, and take the origin
 *	STATE_CB to CLOSE       it failed: the origin goes, while the port is still its own
 *	sock_release            it never came so far: the reserved place goes
 *
 * Invariants:
 * 1. A connect is redirected only when its place in `origins` is reserved.
 * 2. An origin is deleted by its own socket only (compared by cookie: the port may be another's by
 *    now), or by the proxy.
 * 3. The origin of an established connection belongs to the proxy, even when the app closed its
 *    socket already: what the app sent before is still to be relayed.
 */
#include "bpf/common.h"
#include "bpf/hermetic.h"
#include "bpf/unix.h"

#include <bpf/bpf_core_read.h>
#include <linux/errno.h>

char LICENSE[] SEC("license") = "GPL";

/* The parts of the kernel's structures that no context shows; CO-RE finds their places. */
struct sock {
	int sk_err;
} __attribute__((preserve_access_index));

struct tcp_sock {
	struct sock sk; /* only its address is used: a tcp_sock begins with its sock */
};

/* Known to kernels with CONFIG_MPTCP only. */
struct mptcp_sock {
	int token;
} __attribute__((preserve_access_index));

/* The result of a connect, told once: of one to the proxy only when it failed. */
static __always_inline void tell_result(struct app_socket *socket, __u16 error)
{
	struct redirect_event *event;

	if (!socket->awaited)
		return;
	socket->awaited = 0;
	event = new_event(REDIRECT_EVENT_RESULT);
	if (!event)
		return;
	event->socket_cookie = socket->asked.socket_cookie;
	event->pid = socket->asked.pid;
	event->address = socket->asked.address;
	event->port = socket->asked.port;
	event->protocol = REDIRECT_PROTOCOL_TCP;
	event->family = redirect_is_mapped(&socket->asked.address) ? AF_INET : AF_INET6;
	event->verdict = socket->redirected ? REDIRECT_TO_PROXY : REDIRECT_PASS;
	event->reason = socket->reason;
	event->error = error;
	__builtin_memcpy(event->program, socket->asked.program, sizeof(event->program));
	bpf_ringbuf_submit(event, 0);
}

/* Invariants 2 and 3. */
static __always_inline void drop_origin(struct app_socket *socket)
{
	const struct redirect_asked *origin;

	if (!socket->stored || socket->established)
		return;
	socket->stored = 0;
	origin = bpf_map_lookup_elem(&origins, &socket->key);
	if (origin && origin->socket_cookie == socket->asked.socket_cookie)
		bpf_map_delete_elem(&origins, &socket->key);
}

static __always_inline bool reserve_origin(struct app_socket *socket)
{
	socket->key = (struct redirect_key){ .netns_cookie = socket->asked.socket_cookie };
	if (bpf_map_update_elem(&origins, &socket->key, &socket->asked, BPF_ANY))
		return false;
	socket->stored = 1;
	return true;
}

/* Keeps at the socket where it wanted to go. False: there is no room for it. */
static __always_inline bool keep_asked(struct bpf_sock_addr *ctx, struct app_socket *socket,
				       const struct redirect_ask *ask,
				       struct redirect_decision decision)
{
	drop_origin(socket);
	tell_result(socket, REDIRECT_ERROR_UNKNOWN);
	__builtin_memset(socket, 0, sizeof(*socket));
	socket->asked.address = ask->address;
	socket->asked.port = ask->port;
	socket->asked.pid = bpf_get_current_pid_tgid() >> 32;
	socket->asked.socket_cookie = bpf_get_socket_cookie(ctx);
	bpf_get_current_comm(socket->asked.program, sizeof(socket->asked.program));
	socket->reason = decision.reason;
	if (decision.verdict != REDIRECT_TO_PROXY)
		return true;
	socket->redirected = reserve_origin(socket);
	return socket->redirected;
}

/*
 * An app that asks for MPTCP has one socket, and connects a TCP one below it. Its getpeername()
 * comes to the upper one. (The proxy answers as one that does not know MPTCP, so that there is
 * never a second connection.)
 */
static __always_inline void keep_above(struct bpf_sock_addr *ctx, const struct app_socket *socket)
{
	struct app_socket *upper;
	struct mptcp_sock *above;

	if (!bpf_core_type_exists(struct mptcp_sock))
		return;
	above = bpf_skc_to_mptcp_sock(ctx->sk);
	if (!above)
		return;
	upper = bpf_sk_storage_get(&sockets, above, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (!upper)
		return;
	upper->asked = socket->asked;
	upper->redirected = socket->redirected;
}

/*
 * Decides about a connect, and keeps what has to be kept. A socket may connect again, after a
 * failure or after AF_UNSPEC: then what was kept before is replaced.
 */
static __always_inline struct redirect_decision on_connect(struct bpf_sock_addr *ctx,
							   const struct redirect_settings *current,
							   const struct redirect_address *address)
{
	struct redirect_decision decision;
	struct app_socket *socket = NULL;
	struct redirect_ask ask;

	gather(ctx, current, address, &ask);
	decision = redirect_decide(&current->config, current->rules, &ask);
	if (ask.protocol == REDIRECT_PROTOCOL_TCP && ctx->sk)
		socket = bpf_sk_storage_get(&sockets, ctx->sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (decision.verdict == REDIRECT_TO_PROXY &&
	    (!socket || !keep_asked(ctx, socket, &ask, decision)))
		decision = redirect_unless_replay(&current->config, REDIRECT_BECAUSE_FULL);
	else if (decision.verdict != REDIRECT_TO_PROXY && socket)
		keep_asked(ctx, socket, &ask, decision);
	if (socket) {
		socket->awaited = current->config.trace && decision.verdict != REDIRECT_REFUSE;
		keep_above(ctx, socket);
	}
	count_decision(decision);
	if (current->config.trace || worth_telling(decision))
		tell_connect(ctx, &ask, decision);
	if (decision.verdict == REDIRECT_REFUSE)
		bpf_set_retval(-ECONNREFUSED);
	return decision;
}

SEC("cgroup/connect4")
int connect4(struct bpf_sock_addr *ctx)
{
	const struct redirect_settings *current = get_settings();
	struct redirect_decision decision;
	struct redirect_address address;

	if (!current || ctx->user_family != AF_INET)
		return 1;
	address = redirect_from_ipv4(ctx->user_ip4);
	decision = on_connect(ctx, current, &address);
	if (decision.verdict != REDIRECT_TO_PROXY)
		return decision.verdict == REDIRECT_PASS;
	ctx->user_ip4 = REDIRECT_NET32(0x7f000001);
	ctx->user_port = __builtin_bswap16(current->config.proxy_port);
	return 1;
}

/*
 * A native v6 socket may be V6ONLY or bound to ::1, so it goes to [::1]; an IPv4-mapped destination
 * stays IPv4.
 */
SEC("cgroup/connect6")
int connect6(struct bpf_sock_addr *ctx)
{
	const struct redirect_settings *current = get_settings();
	struct redirect_decision decision;
	struct redirect_address address;
	bool mapped;

	if (!current || ctx->user_family != AF_INET6)
		return 1;
	address.word[0] = ctx->user_ip6[0];
	address.word[1] = ctx->user_ip6[1];
	address.word[2] = ctx->user_ip6[2];
	address.word[3] = ctx->user_ip6[3];
	mapped = redirect_is_mapped(&address);
	decision = on_connect(ctx, current, &address);
	if (decision.verdict != REDIRECT_TO_PROXY)
		return decision.verdict == REDIRECT_PASS;
	ctx->user_ip6[0] = 0;
	ctx->user_ip6[1] = 0;
	ctx->user_ip6[2] = mapped ? REDIRECT_NET32(0xffff) : 0;
	ctx->user_ip6[3] = mapped ? REDIRECT_NET32(0x7f000001) : REDIRECT_NET32(1);
	ctx->user_port = __builtin_bswap16(current->config.proxy_port);
	return 1;
}

/* Asked for the peer of a connected socket only, so that the kernel's own checks have passed. */
static __always_inline const struct app_socket *redirected_socket(struct bpf_sock_addr *ctx)
{
	const struct app_socket *socket;

	if (!ctx->sk)
		return NULL;
	socket = bpf_sk_storage_get(&sockets, ctx->sk, NULL, 0);
	return socket && socket->redirected ? socket : NULL;
}

SEC("cgroup/getpeername4")
int getpeername4(struct bpf_sock_addr *ctx)
{
	const struct app_socket *socket = redirected_socket(ctx);

	if (!socket)
		return 1;
	ctx->user_ip4 = socket->asked.address.word[3];
	ctx->user_port = __builtin_bswap16(socket->asked.port);
	return 1;
}

SEC("cgroup/getpeername6")
int getpeername6(struct bpf_sock_addr *ctx)
{
	const struct app_socket *socket = redirected_socket(ctx);

	if (!socket)
		return 1;
	ctx->user_ip6[0] = socket->asked.address.word[0];
	ctx->user_ip6[1] = socket->asked.address.word[1];
	ctx->user_ip6[2] = socket->asked.address.word[2];
	ctx->user_ip6[3] = socket->asked.address.word[3];
	ctx->user_port = __builtin_bswap16(socket->asked.port);
	return 1;
}

/* The reserved place becomes the origin that the proxy will look for. The SYN has not left. */
static __always_inline void store_origin(struct bpf_sock_ops *ctx, struct app_socket *socket)
{
	struct redirect_counters *all;

	drop_origin(socket);
	socket->key.netns_cookie = bpf_get_netns_cookie(ctx);
	if (ctx->family == AF_INET) {
		socket->key.source = redirect_from_ipv4(ctx->local_ip4);
	} else {
		socket->key.source.word[0] = ctx->local_ip6[0];
		socket->key.source.word[1] = ctx->local_ip6[1];
		socket->key.source.word[2] = ctx->local_ip6[2];
		socket->key.source.word[3] = ctx->local_ip6[3];
	}
	socket->key.port = ctx->local_port;
	if (bpf_map_update_elem(&origins, &socket->key, &socket->asked, BPF_ANY) == 0) {
		socket->stored = 1;
		return;
	}
	/* Another connect took the place in between: the proxy will know none and close it. */
	all = get_counters();
	if (all)
		count(&all->origins_lost);
}

/*
 * A TCP socket that no connect hook saw. While recording it goes out directly; in replay its
 * packets are dropped.
 */
static __always_inline void tell_unseen(struct bpf_sock_ops *ctx)
{
	const struct redirect_settings *current = get_settings();
	struct redirect_decision decision;
	struct redirect_event *event;

	if (!current)
		return;
	decision = redirect_unless_replay(&current->config, REDIRECT_BECAUSE_UNSEEN);
	count_decision(decision);
	event = new_event(REDIRECT_EVENT_CONNECT);
	if (!event)
		return;
	event->socket_cookie = bpf_get_socket_cookie(ctx);
	if (ctx->family == AF_INET) {
		event->address = redirect_from_ipv4(ctx->remote_ip4);
	} else {
		event->address.word[0] = ctx->remote_ip6[0];
		event->address.word[1] = ctx->remote_ip6[1];
		event->address.word[2] = ctx->remote_ip6[2];
		event->address.word[3] = ctx->remote_ip6[3];
	}
	event->port = (__u16)REDIRECT_NET32(ctx->remote_port);
	event->family = (__u16)ctx->family;
	event->protocol = REDIRECT_PROTOCOL_TCP;
	event->verdict = decision.verdict;
	event->reason = decision.reason;
	bpf_ringbuf_submit(event, 0);
}

static __always_inline void on_syn(struct bpf_sock_ops *ctx, struct bpf_sock *sk)
{
	struct app_socket *socket = bpf_sk_storage_get(&sockets, sk, NULL, 0);

	if (!socket) {
		tell_unseen(ctx);
		return;
	}
	if (socket->redirected)
		store_origin(ctx, socket);
	if (socket->redirected || socket->awaited)
		bpf_sock_ops_cb_flags_set(ctx, BPF_SOCK_OPS_STATE_CB_FLAG);
}

static __always_inline void on_established(struct bpf_sock_ops *ctx, struct bpf_sock *sk)
{
	struct app_socket *socket = bpf_sk_storage_get(&sockets, sk, NULL, 0);

	if (!socket)
		return;
	socket->established = 1;
	if (socket->redirected) /* to the proxy, who tells what its own connect comes to */
		socket->awaited = 0;
	tell_result(socket, 0);
	bpf_sock_ops_cb_flags_set(ctx, 0);
}

/*
 * Only between SYN and the end of the handshake: a connect that failed. The port is still this
 * socket's.
 */
static __always_inline void on_failure(struct bpf_sock *sk)
{
	struct app_socket *socket = bpf_sk_storage_get(&sockets, sk, NULL, 0);
	struct sock *kernel_sk;
	int error = 0;

	if (!socket)
		return;
	drop_origin(socket);
	kernel_sk = (struct sock *)bpf_skc_to_tcp_sock(sk);
	if (kernel_sk)
		error = kernel_sk->sk_err;
	tell_result(socket, error > 0 ? (__u16)error : REDIRECT_ERROR_UNKNOWN);
}

SEC("sockops")
int tcp_events(struct bpf_sock_ops *ctx)
{
	struct bpf_sock *sk = ctx->sk;
	__u32 mark = 1;

	if (!sk)
		return 1;
	switch (ctx->op) {
	case BPF_SOCK_OPS_TCP_CONNECT_CB:
		on_syn(ctx, sk);
		break;
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
		on_established(ctx, sk);
		break;
	case BPF_SOCK_OPS_STATE_CB:
		if (ctx->args[0] == BPF_TCP_SYN_SENT && ctx->args[1] == BPF_TCP_CLOSE)
			on_failure(sk);
		break;
	case BPF_SOCK_OPS_TCP_LISTEN_CB:
		bpf_sk_storage_get(&listeners, sk, &mark, BPF_SK_STORAGE_GET_F_CREATE);
		break;
	default:
		break;
	}
	return 1;
}

SEC("cgroup/sock_release")
int sock_release(struct bpf_sock *ctx)
{
	struct app_socket *socket = bpf_sk_storage_get(&sockets, ctx, NULL, 0);

	if (!socket)
		return 1;
	drop_origin(socket);
	tell_result(socket, REDIRECT_ERROR_UNKNOWN);
	return 1;
}
