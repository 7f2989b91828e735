/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The proxy process; see proxy.h. Its main thread accepts, asks the redirect where each connection was meant to go, and gives
 * it to a worker (balance.h); it reads the kernel's events, and listens to the guard.
 *
 *	open ──PROXY_READY──▶ running ──GUARD_APP_ENDED──▶ draining ──no connection left, or in time──▶ close, say, exit
 *	                         └──the guard died──▶ record: draining without a time limit; replay: ends the app
 */
#include "proxy/proxy.h"

#include "proxy/app.h"
#include "proxy/explain.h"
#include "proxy/message.h"
#include "proxy/socket.h"
#include "proxy/summary.h"
#include "proxy/worker.h"
#include "store/database.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#define WORKERS_DEFAULT_MAX 4
#define LISTENERS_MAX 64
#define ACCEPT_AT_ONCE 64
/* What CMD sent before it ended is on its way; what others of the app still hold open ends with the recording. */
#define DRAIN_MS 1000
#define DRAIN_LOOK_MS 5
/* No descriptor was left: the kernel's backlog waits while others close. */
#define DESCRIPTORS_WAIT_MS 50

struct proxy {
	const struct proxy_setup *setup;
	const struct options *options;
	struct worker_setup worker_setup;
	struct crew crew;
	bool workers_end;	   /* under wake_lock */
	pthread_mutex_t wake_lock; /* the writer's thread wakes workers: not while they go */
	struct worker_counts counts;
	struct peers peers;
	pthread_mutex_t trace_lock;
	struct recording *recording;
	struct summary summary;
	struct proxy_message ended;			/* as the guard said it */
	struct sockaddr_storage targets[LISTENERS_MAX]; /* of --listen, by listener */
	const char *hosts[LISTENERS_MAX];
	bool guard_dead;
	bool app_ended;

	/* What the summary borrows. */
	struct redirect_counters kernel;
	struct writer_summary written;
	struct verify_report verified;
	struct matcher_summary matched;
	char error[STORE_ERROR_BYTES];
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- opening ---- */

static int resolve_target(struct proxy *proxy, size_t i, char ret_error[STORE_ERROR_BYTES])
{
	const struct listen_option *listen = proxy->setup->listeners[i].listen;
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
	struct addrinfo *found;
	char port[8];
	int error;

	snprintf(port, sizeof(port), "%u", listen->host_port);
	/* In replay nothing is asked outside: a name that is no address is only a name. */
	if (proxy->options->mode == MODE_REPLAY)
		hints.ai_flags |= AI_NUMERICHOST;
	proxy->hosts[i] = listen->host;
	error = getaddrinfo(listen->host, port, &hints, &found);
	if (error && proxy->options->mode == MODE_REPLAY) {
		struct sockaddr_in *none = (struct sockaddr_in *)&proxy->targets[i];

		none->sin_family = AF_INET;
		none->sin_port = htons(listen->host_port);
		none->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		return 0;
	}
	if (error)
		return message_error(ret_error, -EINVAL, "--listen %u=%s:%u: %s", listen->port,
				     listen->host, listen->host_port, gai_strerror(error));
	memcpy(&proxy->targets[i], found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	return 0;
}

static void wake_workers(void *context)
{
	struct proxy *proxy = context;

	pthread_mutex_lock(&proxy->wake_lock);
	for (size_t i = 0; i < proxy->crew.n && !proxy->workers_end; i++)
		worker_wake(proxy->crew.workers[i]);
	pthread_mutex_unlock(&proxy->wake_lock);
}

static int open_store(struct proxy *proxy, char ret_error[STORE_ERROR_BYTES])
{
	const struct options *options = proxy->options;
	int error = 0;

	if (options->mode == MODE_RECORD) {
		struct writer_options writer = {
			.path = options->path,
			.command = (const char *const *)options->command,
			.queue_bytes = options->queue_bytes,
			.drained = wake_workers,
			.drained_context = proxy,
		};

		if (!options->overwrite && access(options->path, F_OK) == 0)
			return message_error(ret_error, -EEXIST,
					     "%.300s exists, and --no-overwrite was given",
					     options->path);
		error = writer_open(&writer, &proxy->worker_setup.writer, ret_error);
	} else if (options->mode == MODE_REPLAY) {
		struct recording_options recording = { options->path, options->allow_partial };
		struct matcher_options matcher = { .repeat = options->repeat,
						   .maps = options->maps,
						   .n_maps = options->n_maps };

		if (options->explain) {
			matcher.explain = explain_request;
			matcher.explain_context = (void *)&options->json;
			explain_noise(options->json);
		}

		error = recording_open(&recording, &proxy->recording, ret_error);
		if (!error)
			error = matcher_new(proxy->recording, &matcher,
					    &proxy->worker_setup.matcher, ret_error);
	} else {
		proxy->worker_setup.trace = trace_new(stderr, options->json);
	}
	return error;
}

static size_t worker_count(const struct options *options)
{
	size_t n = options->workers;

	if (!n) {
		n = (size_t)get_nprocs();
		n = n > WORKERS_DEFAULT_MAX ? WORKERS_DEFAULT_MAX : n;
	}
	return n > WORKERS_MAX ? WORKERS_MAX : n;
}

static int proxy_open(struct proxy *proxy, char ret_error[STORE_ERROR_BYTES])
{
	size_t n = worker_count(proxy->options);
	int error = 0;

	if (proxy->setup->n_listeners > LISTENERS_MAX)
		return message_error(ret_error, -E2BIG, "more than %d listening ports",
				     LISTENERS_MAX);
	for (size_t i = 0; i < proxy->setup->n_listeners && !error; i++)
		if (proxy->setup->listeners[i].listen)
			error = resolve_target(proxy, i, ret_error);
	if (!error)
		error = open_store(proxy, ret_error);
	proxy->worker_setup.crew = &proxy->crew;
	proxy->worker_setup.epoch_ns = worker_epoch();
	for (size_t i = 0; i < n && !error; i++) {
		error = worker_new(&proxy->worker_setup, &proxy->crew.workers[i], ret_error);
		if (!error)
			proxy->crew.n++;
	}
	for (size_t i = 0; i < n && !error; i++)
		error = worker_start(proxy->crew.workers[i], ret_error);
	return error;
}

/* ---- running ---- */

static void give(struct proxy *proxy, size_t listener, int fd, const struct sockaddr *peer)
{
	struct incoming *incoming = calloc(1, sizeof(*incoming));

	if (!incoming)
		abort();
	incoming->fd = fd;
	if (proxy->setup->listeners[listener].listen) {
		incoming->origin.asked = proxy->targets[listener];
		incoming->host = proxy->hosts[listener];
	} else if (redirect_take(proxy->setup->redirect, peer, &incoming->origin)) {
		proxy->summary.strangers++;
		socket_reset(fd);
		free(incoming);
		return;
	}
	incoming->id = 1 + atomic_fetch_add(&proxy->counts.numbered, 1);
	worker_give(balance_choose(&proxy->crew, proxy->worker_setup.matcher), incoming);
}

/* False when there are no descriptors for another connection. */
static bool accept_some(struct proxy *proxy, size_t listener)
{
	for (int i = 0; i < ACCEPT_AT_ONCE; i++) {
		struct sockaddr_storage peer;
		socklen_t size = sizeof(peer);
		int fd = accept4(proxy->setup->listeners[listener].fd, (struct sockaddr *)&peer,
				 &size, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			give(proxy, listener, fd, (const struct sockaddr *)&peer);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE) {
			proxy->summary.out_of_descriptors++;
			return false;
		}
		if (errno != ECONNABORTED && errno != EINTR)
			return true;
	}
	return true;
}

/* The kernel refused the app there, and nothing came here: replay has to know, or it would take the place for one that answers. */
static void record_refused(struct proxy *proxy, const struct redirect_event *event)
{
	uint64_t number = 1 + atomic_fetch_add(&proxy->counts.numbered, 1);
	struct item *open = item_new(ITEM_CONNECTION_OPEN, number);
	struct item *close = item_new(ITEM_CONNECTION_CLOSE, number);
	int64_t now_ns = worker_clock(&proxy->worker_setup);
	struct item_list items;
	struct buffer text;

	buffer_init(&text, SIZE_MAX);
	trace_append_address(&text, &event->address);
	open->connection_open = (struct connection_item){
		.start_ns = now_ns,
		.address = arena_copy(&open->arena, buffer_slice(&text)),
		.port = event->port,
		.pid = event->pid,
		.program = arena_copy(
			&open->arena,
			slice_of(event->program, strnlen(event->program, REDIRECT_PROGRAM_BYTES))),
	};
	buffer_clear(&text);
	buffer_append_string(&text, "upstream: ");
	buffer_append_string(&text, strerror(ECONNREFUSED));
	close->connection_close.end_ns = now_ns;
	close->connection_close.outcome = arena_copy(&close->arena, buffer_slice(&text));
	buffer_release(&text);
	item_list_init(&items);
	item_list_add(&items, open);
	item_list_add(&items, close);
	writer_push(proxy->worker_setup.writer, &items);
}

static void on_event(void *context, const struct redirect_event *event)
{
	struct proxy *proxy = context;

	if (proxy->worker_setup.trace) {
		trace_event(proxy->worker_setup.trace, event);
		return;
	}
	summary_event(&proxy->summary, event);
	if (proxy->worker_setup.writer && event->reason == REDIRECT_BECAUSE_NOBODY &&
	    event->type == REDIRECT_EVENT_CONNECT)
		record_refused(proxy, event);
}

static void read_events(struct proxy *proxy)
{
	if (!proxy->setup->redirect)
		return;
	pthread_mutex_lock(&proxy->trace_lock);
	redirect_read_events(proxy->setup->redirect, on_event, proxy);
	pthread_mutex_unlock(&proxy->trace_lock);
}

/* The guard is gone: in replay the app goes with it, since nothing else would hold it. */
static void guard_died(struct proxy *proxy)
{
	proxy->guard_dead = true;
	if (proxy->options->mode == MODE_REPLAY && proxy->setup->cgroup_kill_fd >= 0 &&
	    write(proxy->setup->cgroup_kill_fd, "1", 1) < 0)
		message_print("the guard was killed, and the app cannot be ended: %s",
			      strerror(errno));
}

static void read_control(struct proxy *proxy)
{
	struct proxy_message message;
	ssize_t size = recv(proxy->setup->control_fd, &message, sizeof(message), MSG_DONTWAIT);

	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (size != sizeof(message)) {
		guard_died(proxy);
		return;
	}
	message.text[sizeof(message.text) - 1] = 0;
	proxy->ended = message;
	proxy->app_ended = true;
}

static size_t open_connections(const struct proxy *proxy)
{
	size_t n = 0;

	for (size_t i = 0; i < proxy->crew.n; i++)
		n += worker_load(proxy->crew.workers[i]);
	return n;
}

/* One wait for all that may come; `timeout_ms` as for poll(). */
static void serve(struct proxy *proxy, int timeout_ms)
{
	struct pollfd fds[LISTENERS_MAX + 2];
	size_t n = proxy->setup->n_listeners;
	bool room = true;

	for (size_t i = 0; i < n; i++)
		fds[i] = (struct pollfd){ proxy->setup->listeners[i].fd, POLLIN, 0 };
	fds[n] = (struct pollfd){ proxy->app_ended || proxy->guard_dead ? -1 :
									  proxy->setup->control_fd,
				  POLLIN, 0 };
	fds[n + 1] = (struct pollfd){
		proxy->setup->redirect ? redirect_events_fd(proxy->setup->redirect) : -1, POLLIN, 0
	};
	if (poll(fds, n + 2, timeout_ms) <= 0)
		return;
	for (size_t i = 0; i < n; i++)
		if (fds[i].revents)
			room &= accept_some(proxy, i);
	if (fds[n + 1].revents)
		read_events(proxy);
	if (fds[n].revents)
		read_control(proxy);
	if (!room)
		poll(&fds[n], 1, DESCRIPTORS_WAIT_MS);
}

static void run(struct proxy *proxy)
{
	int64_t until;

	while (!proxy->app_ended && !proxy->guard_dead)
		serve(proxy, -1);
	until = now_ms() + DRAIN_MS;
	while (open_connections(proxy) > 0 &&
	       (now_ms() < until || (proxy->guard_dead && proxy->options->mode != MODE_REPLAY)))
		serve(proxy, DRAIN_LOOK_MS);
	serve(proxy, 0);
	read_events(proxy);
}

/* ---- the end ---- */

static const char *incomplete_reason(const struct proxy *proxy)
{
	if (proxy->guard_dead)
		return "the guard process was killed";
	return NULL;
}

/* record --verify: false when what is stored is not what passed. */
static bool verified(struct proxy *proxy)
{
	if (verify_recording(proxy->options->path, &proxy->verified, proxy->error)) {
		proxy->summary.failed = proxy->error;
		return false;
	}
	proxy->summary.verified = &proxy->verified;
	return proxy->verified.equal == proxy->verified.checked;
}

/* 0 or the exit status that says what is wrong with the recording. */
static int close_recording(struct proxy *proxy)
{
	struct writer *writer = proxy->worker_setup.writer;

	if (proxy->ended.type == GUARD_APP_NOT_STARTED) {
		writer_discard(writer);
		return 0;
	}
	proxy->summary.incomplete = incomplete_reason(proxy);
	if (writer_close(writer, proxy->summary.incomplete, &proxy->written, proxy->error)) {
		proxy->summary.failed = proxy->error;
		return EXIT_INCOMPLETE;
	}
	proxy->summary.written = &proxy->written;
	if (proxy->options->verify && !verified(proxy))
		return EXIT_INCOMPLETE;
	return proxy->summary.incomplete ? EXIT_INCOMPLETE : 0;
}

static int finish_replay(struct proxy *proxy)
{
	struct matcher_summary *matched = &proxy->matched;

	matcher_summarize(proxy->worker_setup.matcher, matched);
	proxy->summary.matched = matched;
	if (proxy->guard_dead)
		return EXIT_MOCKPROXY_FAILED;
	return matched->missed || matched->unservable || proxy->counts.unknown_protocol ?
		       EXIT_INCOMPLETE :
		       0;
}

static void stop_workers(struct proxy *proxy)
{
	pthread_mutex_lock(&proxy->wake_lock);
	proxy->workers_end = true;
	pthread_mutex_unlock(&proxy->wake_lock);
	workers_stop(proxy->crew.workers, proxy->crew.n);
}

static int proxy_close(struct proxy *proxy)
{
	struct trace_counts traced;
	int status = 0;

	stop_workers(proxy);
	if (proxy->setup->redirect) {
		redirect_counters(proxy->setup->redirect, &proxy->kernel);
		proxy->summary.kernel = &proxy->kernel;
	}
	proxy->summary.counts = &proxy->counts;
	proxy->summary.guard_text = proxy->ended.text;
	if (proxy->worker_setup.writer)
		status = close_recording(proxy);
	if (proxy->worker_setup.matcher)
		status = finish_replay(proxy);
	if (proxy->worker_setup.trace)
		trace_finish(proxy->worker_setup.trace, &traced);
	if (proxy->ended.type != GUARD_APP_NOT_STARTED && !proxy->options->quiet)
		summary_print(&proxy->summary);
	peers_release(&proxy->peers);
	matcher_free(proxy->worker_setup.matcher);
	recording_close(proxy->recording);
	trace_free(proxy->worker_setup.trace);
	return status;
}

static void say(const struct proxy *proxy, enum proxy_message_type type, const char *text)
{
	struct proxy_message message = { .type = type };

	snprintf(message.text, sizeof(message.text), "%s", text);
	if (send(proxy->setup->control_fd, &message, sizeof(message), MSG_NOSIGNAL) < 0)
		message_print("the guard cannot be reached: %s", strerror(errno));
}

int proxy_main(const struct proxy_setup *setup)
{
	struct proxy proxy = { .setup = setup, .options = setup->options };
	char why[STORE_ERROR_BYTES];
	const char *incomplete;

	signal(SIGPIPE, SIG_IGN);
	database_setup();
	pthread_mutex_init(&proxy.trace_lock, NULL);
	pthread_mutex_init(&proxy.wake_lock, NULL);
	proxy.summary.options = setup->options;
	proxy.worker_setup.options = setup->options;
	proxy.worker_setup.counts = &proxy.counts;
	peers_init(&proxy.peers);
	proxy.worker_setup.peers = &proxy.peers;
	proxy.worker_setup.trace_lock = &proxy.trace_lock;
	if (proxy_open(&proxy, proxy.error)) {
		memcpy(why, proxy.error, sizeof(why));
		proxy.ended.type = GUARD_APP_NOT_STARTED;
		if (proxy.worker_setup.writer)
			proxy_close(&proxy);
		say(&proxy, PROXY_FAILED, why);
		return EXIT_MOCKPROXY_FAILED;
	}
	incomplete = proxy.recording ? recording_incomplete(proxy.recording) : NULL;
	if (incomplete)
		message_print("%s is incomplete: %s", setup->options->path, incomplete);
	say(&proxy, PROXY_READY, "");
	run(&proxy);
	return proxy_close(&proxy);
}
