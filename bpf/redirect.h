/* SPDX-License-Identifier: GPL-2.0-or-later OR Apache-2.0 */
/*
 * Redirect, what both sides share: the decision about each connect of the app, and the layout of
 * the maps (design §10).
 *
 * redirect_decide() is the one place where it is decided what happens with a connect: the BPF
 * program gathers the facts into a redirect_ask, this answers. It is pure, so
 * tests/unit/test_redirect.c asks it in user space.
 *
 * Addresses are 16 bytes in network order, IPv4 as IPv4-mapped (::ffff:a.b.c.d); ports and families
 * are in host order. Structures that are keys or values of maps have no holes. Times are
 * CLOCK_MONOTONIC.
 */
#ifndef MOCKPROXY_BPF_REDIRECT_H
#define MOCKPROXY_BPF_REDIRECT_H

#include <linux/types.h>
#include <stdbool.h>

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define REDIRECT_NET32(value) __builtin_bswap32(value)
#else
#define REDIRECT_NET32(value) (value)
#endif

/* BPF has no calls that return structures. */
#define REDIRECT_INLINE static inline __attribute__((always_inline))

enum {
	REDIRECT_MAX_RULES = 64,
	REDIRECT_MAX_LOCAL = 1024,    /* addresses of this host */
	REDIRECT_MAX_ORIGINS = 65536, /* connects that the proxy has not accepted yet */
	REDIRECT_EVENT_BYTES = 1 << 20,
	REDIRECT_PROGRAM_BYTES = 16, /* TASK_COMM_LEN */
	REDIRECT_PATH_BYTES = 108,   /* of sockaddr_un */
	REDIRECT_PORT_DNS = 53,
	REDIRECT_PROTOCOL_TCP = 6,
	REDIRECT_PROTOCOL_UDP = 17,
};

struct redirect_address {
	__u32 word[4];
};

/*
 * One --only or --exclude, resolved. A mask of zeros takes every address, ports 0 to 65535 every
 * port.
 */
struct redirect_rule {
	struct redirect_address address;
	struct redirect_address mask;
	__u16 first_port;
	__u16 last_port;
	__u32 exclude; /* 1: --exclude; 0: --only */
};

struct redirect_config {
	__u64 netns_cookie; /* the proxy's own */
	__u16 proxy_port;   /* on 127.0.0.1 and [::1] */
	__u8 replay;	    /* hermetic: what cannot be redirected is refused */
	__u8 record_self;   /* redirect connections between processes of the app too */
	__u8 trace;	    /* every connect and its result is an event, see redirect_event */
	__u8 only;	    /* there are --only rules: what none names is left alone */
	__u16 n_rules;
};

struct redirect_settings {
	struct redirect_config config;
	struct redirect_rule rules[REDIRECT_MAX_RULES];
};

/* What is known of one connect() or sendto(). */
struct redirect_ask {
	struct redirect_address address;
	__u64 netns_cookie;
	__u32 bound_device; /* SO_BINDTODEVICE, or bound to a link-local address; 0: none */
	__u16 port;
	__u8 protocol;
	bool destination_is_host; /* an address of this host other than a loopback one */
	bool listener_is_ours;	  /* the app listens there; asked for local destinations only */
	bool nobody_listens;	  /* at a local destination: the kernel will refuse */
	bool proxy_is_gone; /* nobody listens at the proxy's port; asked while recording only */
};

enum redirect_verdict { REDIRECT_PASS, REDIRECT_TO_PROXY, REDIRECT_REFUSE };

enum redirect_reason {
	REDIRECT_BECAUSE_ENDPOINT,   /* nothing speaks against: to the proxy */
	REDIRECT_BECAUSE_SELF,	     /* the app's own listener */
	REDIRECT_BECAUSE_EXCLUDED,   /* --exclude names it */
	REDIRECT_BECAUSE_NOT_NAMED,  /* --only does not name it */
	REDIRECT_BECAUSE_NETNS,	     /* another network namespace than the proxy's */
	REDIRECT_BECAUSE_DEVICE,     /* the socket is bound to a device */
	REDIRECT_BECAUSE_LINK_LOCAL, /* fe80::/10: its scope, the device, is not shown to BPF */
	REDIRECT_BECAUSE_NOT_TCP,
	REDIRECT_BECAUSE_LOCAL,	   /* replay: a datagram that stays on this host */
	REDIRECT_BECAUSE_DNS,	   /* replay: a question that a local resolver would forward */
	REDIRECT_BECAUSE_PROXY,	   /* the proxy's own listener is never a target */
	REDIRECT_BECAUSE_FULL,	   /* no room to keep where it wanted to go */
	REDIRECT_BECAUSE_UNIX,	   /* a Unix socket */
	REDIRECT_BECAUSE_RESOLVER, /* replay: a Unix socket of a daemon that looks names up */
	REDIRECT_BECAUSE_UNSEEN,   /* connected past the connect hook (MPTCP on some kernels) */
	REDIRECT_BECAUSE_GONE,	 /* recording: the proxy died, and the guard has not detached yet */
	REDIRECT_BECAUSE_NOBODY, /* recording: nobody listens at this port of this host */
	REDIRECT_REASONS,
};

struct redirect_decision {
	__u32 verdict; /* enum redirect_verdict */
	__u32 reason;  /* enum redirect_reason */
};

REDIRECT_INLINE bool redirect_is_mapped(const struct redirect_address *address)
{
	return address->word[0] == 0 && address->word[1] == 0 &&
	       address->word[2] == REDIRECT_NET32(0xffff);
}

REDIRECT_INLINE struct redirect_address redirect_from_ipv4(__u32 network_order)
{
	return (struct redirect_address){ { 0, 0, REDIRECT_NET32(0xffff), network_order } };
}

/* 127.0.0.0/8, ::1, and the two "any" addresses, which connect() takes for loopback. */
REDIRECT_INLINE bool redirect_is_loopback(const struct redirect_address *address)
{
	if (redirect_is_mapped(address))
		return address->word[3] == 0 || (address->word[3] & REDIRECT_NET32(0xff000000)) ==
							REDIRECT_NET32(0x7f000000);
	return address->word[0] == 0 && address->word[1] == 0 && address->word[2] == 0 &&
	       (address->word[3] == 0 || address->word[3] == REDIRECT_NET32(1));
}

REDIRECT_INLINE bool redirect_is_link_local(const struct redirect_address *address)
{
	return (address->word[0] & REDIRECT_NET32(0xffc00000)) == REDIRECT_NET32(0xfe800000);
}

/* The compiler forgets what it knows of a value: else it makes a branch of the arithmetic below. */
#define REDIRECT_OPAQUE(value) __asm__ volatile("" : "+r"(value))

/* 1 when a is less than b, and 0; both below 2^63. */
REDIRECT_INLINE __u64 redirect_less(__u64 a, __u64 b)
{
	__u64 difference = a - b;

	REDIRECT_OPAQUE(difference);
	return difference >> 63;
}

/*
 * 1 or 0, without a branch: the kernel's verifier walks each way through 64 rules with two ways
 * each.
 */
REDIRECT_INLINE __u64 redirect_rule_matches(const struct redirect_rule *rule,
					    const struct redirect_address *address, __u16 port)
{
	__u64 differ = 0;

	differ |= (address->word[0] ^ rule->address.word[0]) & rule->mask.word[0];
	differ |= (address->word[1] ^ rule->address.word[1]) & rule->mask.word[1];
	differ |= (address->word[2] ^ rule->address.word[2]) & rule->mask.word[2];
	differ |= (address->word[3] ^ rule->address.word[3]) & rule->mask.word[3];
	differ |= redirect_less(port, rule->first_port);
	differ |= redirect_less(rule->last_port, port);
	return redirect_less(differ, 1);
}

/*
 * What the user said of an endpoint: REDIRECT_BECAUSE_EXCLUDED or _NOT_NAMED to leave it alone, in
 * both modes; _ENDPOINT when the user said nothing against. --exclude is stronger than --only.
 */
REDIRECT_INLINE __u32 redirect_selected(const struct redirect_config *config,
					const struct redirect_rule *rules,
					const struct redirect_address *address, __u16 port)
{
	__u64 excluded = 0;
	__u64 named = 0;

	if (config->n_rules == 0)
		return config->only ? REDIRECT_BECAUSE_NOT_NAMED : REDIRECT_BECAUSE_ENDPOINT;
	for (__u64 i = 0; i < REDIRECT_MAX_RULES; i++) {
		__u64 matches = redirect_rule_matches(&rules[i], address, port) &
				redirect_less(i, config->n_rules);

		excluded |= matches & rules[i].exclude;
		named |= matches & ~(__u64)rules[i].exclude;
	}
	if (excluded)
		return REDIRECT_BECAUSE_EXCLUDED;
	return config->only && !named ? REDIRECT_BECAUSE_NOT_NAMED : REDIRECT_BECAUSE_ENDPOINT;
}

/* What is left alone while recording and lets something out in replay. */
REDIRECT_INLINE struct redirect_decision redirect_unless_replay(
	const struct redirect_config *config, __u32 reason)
{
	__u32 verdict = config->replay ? REDIRECT_REFUSE : REDIRECT_PASS;

	return (struct redirect_decision){ verdict, reason };
}

/*
 * Everything but TCP: never redirected; in replay it must stay on this host and be no question to a
 * resolver.
 */
REDIRECT_INLINE struct redirect_decision redirect_decide_datagram(
	const struct redirect_config *config, const struct redirect_ask *ask)
{
	if (config->replay && ask->port == REDIRECT_PORT_DNS)
		return (struct redirect_decision){ REDIRECT_REFUSE, REDIRECT_BECAUSE_DNS };
	if (config->replay && (redirect_is_loopback(&ask->address) || ask->destination_is_host))
		return (struct redirect_decision){ REDIRECT_PASS, REDIRECT_BECAUSE_LOCAL };
	return redirect_unless_replay(config, REDIRECT_BECAUSE_NOT_TCP);
}

REDIRECT_INLINE struct redirect_decision redirect_decide(const struct redirect_config *config,
							 const struct redirect_rule *rules,
							 const struct redirect_ask *ask)
{
	bool tcp = ask->protocol == REDIRECT_PROTOCOL_TCP;
	bool own_netns = ask->netns_cookie == config->netns_cookie;
	bool loopback = redirect_is_loopback(&ask->address);
	__u32 selected;

	if (tcp && own_netns && loopback && ask->port == config->proxy_port)
		return (struct redirect_decision){ REDIRECT_REFUSE, REDIRECT_BECAUSE_PROXY };
	/*
	 * A wildcard listener is found for every remote address with its port: only local ones are
	 * the app's own.
	 */
	if (tcp && ask->listener_is_ours && (loopback || ask->destination_is_host) &&
	    !config->record_self)
		return (struct redirect_decision){ REDIRECT_PASS, REDIRECT_BECAUSE_SELF };
	selected = redirect_selected(config, rules, &ask->address, ask->port);
	if (selected != REDIRECT_BECAUSE_ENDPOINT)
		return (struct redirect_decision){ REDIRECT_PASS, selected };
	if (!tcp)
		return redirect_decide_datagram(config, ask);
	if (!own_netns)
		return redirect_unless_replay(config, REDIRECT_BECAUSE_NETNS);
	if (ask->bound_device)
		return redirect_unless_replay(config, REDIRECT_BECAUSE_DEVICE);
	if (redirect_is_link_local(&ask->address))
		return redirect_unless_replay(config, REDIRECT_BECAUSE_LINK_LOCAL);
	if (ask->proxy_is_gone && !config->replay)
		return (struct redirect_decision){ REDIRECT_PASS, REDIRECT_BECAUSE_GONE };
	/*
	 * The proxy would have accepted by the time it is refused itself, and who waits for a server
	 * to come up would believe that it is there. What only a NAT rule leads elsewhere has no
	 * listener either: to redirect it, --only has to name it.
	 */
	if (ask->nobody_listens && !config->replay && !config->only)
		return (struct redirect_decision){ REDIRECT_PASS, REDIRECT_BECAUSE_NOBODY };
	return (struct redirect_decision){ REDIRECT_TO_PROXY, REDIRECT_BECAUSE_ENDPOINT };
}

/*
 * Key of the origins: the app's end of the connection, which is the peer of the one that the proxy
 * accepts.
 */
struct redirect_key {
	__u64 netns_cookie;
	struct redirect_address source;
	__u32 port; /* 0: a reserved place, netns_cookie is then the socket's cookie */
	__u32 unused;
};

/* Value of the origins: where the connection was meant to go, and whose it is. */
struct redirect_asked {
	struct redirect_address address;
	__u64 socket_cookie;
	__u32 pid;
	__u16 port;
	__u16 unused;
	char program[REDIRECT_PROGRAM_BYTES];
};

enum redirect_event_type {
	REDIRECT_EVENT_CONNECT, /* a connect, and what was decided */
	REDIRECT_EVENT_UNIX,	/* a connect to a Unix socket */
	REDIRECT_EVENT_RESULT,	/* what became of a TCP connect; the rest as in its CONNECT */
};

/* The path of a Unix socket says what listens there. */
enum redirect_service {
	REDIRECT_SERVICE_OTHER,
	REDIRECT_SERVICE_POSTGRESQL,
	REDIRECT_SERVICE_MYSQL,
	REDIRECT_SERVICE_RESOLVER, /* nscd, systemd-resolved: refused in replay, they ask outside */
};

/*
 * The error of a RESULT when the socket was closed, or connected anew, before the kernel told one.
 */
#define REDIRECT_ERROR_UNKNOWN 0xffff

/*
 * With config.trace every connect and the result of those that were left alone; without it what is
 * left alone on account of SELF, NETNS, DEVICE, LINK_LOCAL, FULL, NOBODY and UNSEEN, what is refused (but not
 * the sockets of resolvers, which every getpwuid() asks), and Unix sockets of databases.
 */
struct redirect_event {
	__u64 time_ns;
	__u64 socket_cookie;
	struct redirect_address address;
	__u32 type; /* enum redirect_event_type */
	__u32 pid;
	__u32 tid;
	__u32 uid;
	__u32 verdict;
	__u32 reason;
	__u16 port;
	__u16 family; /* as asked: AF_INET6 with an IPv4-mapped address is possible */
	__u16 protocol;
	__u16 error;	  /* RESULT: errno, 0: connected */
	__u16 service;	  /* UNIX: enum redirect_service */
	__u16 path_bytes; /* UNIX; a path that begins with a NUL is abstract */
	char program[REDIRECT_PROGRAM_BYTES];
	char path[REDIRECT_PATH_BYTES];
};

struct redirect_counters {
	__u64 redirected;
	__u64 passed[REDIRECT_REASONS];	 /* left alone */
	__u64 refused[REDIRECT_REASONS]; /* connects and sends */
	__u64 packets_dropped;		 /* replay: would have left this host */
	__u64 origins_lost; /* redirected, and then no room for its origin: the proxy refuses it */
	__u64 events_lost;
	__u64 unix_postgresql;
	__u64 unix_mysql;
};

#endif
