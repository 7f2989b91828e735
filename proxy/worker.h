/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Workers: event loops (level-triggered epoll), each a thread with its own connections; nothing of a connection is shared. It stays on
 * the worker that it was given to, unless that one has too much to do: see balance.h.
 *
 *	proxy.c accepts ──worker_give()──▶ inbox ──▶ relay.c (record, trace) or playback.c (replay)
 */
#ifndef MOCKPROXY_WORKER_H
#define MOCKPROXY_WORKER_H

#include "parsers/protocol.h"
#include "proxy/balance.h"
#include "proxy/options.h"
#include "proxy/peers.h"
#include "proxy/redirect.h"
#include "proxy/trace.h"
#include "store/matcher.h"
#include "store/writer.h"

#include <pthread.h>
#include <stdatomic.h>

/* What one recv() takes at most: large results pass in few calls, and the buffer is the worker's, not the connection's. */
#define WORKER_READ_BYTES ((size_t)64 << 10)

/* Counted by all workers, read by the summary. */
struct worker_counts {
	_Atomic uint64_t numbered; /* connections, and tunnels within them */
	_Atomic uint64_t opaque;   /* undecoded: another protocol, or a decoder that gave up */
	_Atomic uint64_t refused_upstream;
	_Atomic uint64_t timed_out_upstream;
	_Atomic uint64_t tls_refused;	/* asked for TLS, was told no, and went away */
	_Atomic uint64_t left_greeting; /* went away at a greeting that was passed on without TLS */
	_Atomic uint64_t unknown_protocol; /* replay: nothing to play */
	_Atomic uint64_t cut;		   /* still open at the end */
};

/* What all workers share, const but for what is said to be shared. */
struct worker_setup {
	const struct options *options;
	struct writer *writer;	 /* record */
	struct matcher *matcher; /* replay */
	struct trace *trace;	 /* trace; behind trace_lock */
	pthread_mutex_t *trace_lock;
	struct worker_counts *counts;
	struct peers *peers;	 /* replay; shared */
	const struct crew *crew; /* all that were made, before the first is started */
	int64_t epoch_ns;	 /* worker_epoch(), at the start */
};

/* A connection that was accepted, and where it was meant to go. */
struct incoming {
	struct incoming *next;
	uint64_t id; /* from 1, in the order of accepting */
	int fd;
	const char
		*host; /* name as the app gave it; NULL: not known. Lives as long as the program. */
	struct redirect_origin origin;
};

struct worker;
struct connection;

/* When the monotonic clock was 0. */
int64_t worker_epoch(void);
/* Makes one that does not run yet. */
MUST_CHECK int worker_new(const struct worker_setup *setup, struct worker **ret_worker,
			  char ret_error[STORE_ERROR_BYTES]);
MUST_CHECK int worker_start(struct worker *worker, char ret_error[STORE_ERROR_BYTES]);
/* Gives it a connection; any thread. Takes over the incoming (from malloc) and its descriptor. */
void worker_give(struct worker *worker, struct incoming *incoming);
/* How many connections it has; any thread. */
size_t worker_load(const struct worker *worker);
/* Wakes it; any thread. For a queue that has room again. */
void worker_wake(struct worker *worker);
/* A connection of it has something in its inbox; any thread. */
void worker_tell(struct worker *worker);
/* Ends all their threads, then all their connections where they stand, and frees them. */
void workers_stop(struct worker *const *workers, size_t n);

/* ---- for relay.c and playback.c, on the worker's thread ---- */

enum leg_side { LEG_APP, LEG_UPSTREAM };

/* A descriptor in the worker's epoll. */
struct leg {
	struct connection *connection;
	int fd;		 /* -1: none */
	uint32_t events; /* that are watched for; 0: it is not in epoll */
	bool unread; /* there may be more than was taken, of which epoll says nothing by itself */
	bool at_end; /* the peer sends no more */
	bool shut;   /* we told the peer that we send no more */
	struct buffer pending; /* to be sent to this peer */
};

struct connection_ops {
	void (*ready)(struct connection *connection, struct leg *leg, uint32_t events);
	void (*tick)(struct connection *connection, int64_t now_ns);
	/* The worker stops, or the other end is gone: emit what is left and release everything but the struct. */
	void (*end)(struct connection *connection);
	/*
	 * It is to go on on another worker: false when it cannot just now. Takes its legs out of epoll, and whatever it has of its
	 * worker's it has of `to` from here on.
	 */
	bool (*leave)(struct connection *connection, struct worker *to);
	/* It is on its new worker, whose thread calls. */
	void (*arrive)(struct connection *connection);
};

struct connection {
	const struct connection_ops *ops;
	struct worker *worker;
	struct connection *next, *previous; /* all of the worker's */
	bool ended;
	uint32_t events; /* of this period; balance.h */
	uint64_t id;
	struct redirect_origin origin;
	struct leg app;
};

struct worker {
	const struct worker_setup *setup;
	pthread_t thread;
	bool runs;
	struct balance balance;
	int epoll_fd;
	int wake_fd;
	_Atomic size_t load;
	_Atomic bool stopping;
	_Atomic bool told; /* the inbox of a connection is not empty */
	pthread_mutex_t inbox_lock;
	struct incoming *inbox;
	struct incoming **inbox_end;
	struct connection *handed_on; /* by other workers, through `next`; under inbox_lock */

	struct connection *connections;
	struct connection *ended; /* freed after the events at hand: some may still name them */
	struct item_list items;	  /* pushed at the end of a turn, when it is worth it */
	int64_t items_since_ns;	  /* the first of them; 0: it is of this turn */
	struct buffer out;	  /* replay: answers on their way */
	struct matcher_reader *reader;
	struct answer_cache *cache;
	struct sql_forms *forms;
	int64_t now_ns;
	int64_t wake_ns;     /* the earliest that was asked for; INT64_MAX: none */
	uint8_t *read_bytes; /* WORKER_READ_BYTES */
};

struct connection *relay_new(struct worker *worker, const struct incoming *incoming);
struct connection *playback_new(struct worker *worker, const struct incoming *incoming);

/*
 * The time of the day as it was set at the start; any thread. Exchanges are ordered by their begins, whichever worker saw
 * them (store/index.h), so this clock never goes back.
 */
int64_t worker_clock(const struct worker_setup *setup);
/* It, as it was read last. */
int64_t worker_now(struct worker *worker);
/* All its connections are ticked at this time too; asked for anew for each time. */
void worker_wake_at(struct worker *worker, int64_t ns);
/* Reads it: when bytes came. */
void worker_now_again(struct worker *worker);
/* The same; and what is recorded from here on is behind what any worker has passed on (store/queue.h). */
void worker_begin_turn(struct worker *worker);
/* It will wait: nothing that it has not pushed is to be waited for. */
void worker_end_turn(struct worker *worker);
/* Gives the writer at once what there is of items. */
void worker_push_items(struct worker *worker);
/*
 * Tells epoll what this leg waits for; nothing is called when nothing changed. Epoll tells of what comes, once (EPOLLET): who is told that there is
 * something to be read reads with leg_receive() and watches anew.
 */
void leg_watch(struct leg *leg, uint32_t events);
/* Reads what is there, up to `size`; `events` are what epoll said. Its count, 0 at the end, or -errno. */
ssize_t leg_receive(struct leg *leg, uint32_t events, void *bytes, size_t size);
void leg_init(struct leg *leg, struct connection *connection, int fd, size_t pending_max);
/* Sends what is pending, then `bytes`; the rest is pending. 0, or -errno when the peer is gone. */
MUST_CHECK int leg_send(struct leg *leg, struct slice bytes);
/* Closes it; with a reset when asked. Harmless when it is closed. */
void leg_close(struct leg *leg, bool reset);
/* The connection goes on on another worker, if it can just now; between two turns, when all its items were pushed. */
bool worker_hand_on(struct connection *connection, struct worker *to);
/* The connection is over: it leaves the worker's list and is freed after this turn. */
void connection_over(struct connection *connection);

#endif
