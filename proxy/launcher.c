/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One run (design §10, §12): what needs rights is opened first, then the proxy is forked and gives them up, then CMD
 * is started, watched, and cleaned up after. This process, the guard, keeps the rights until the end.
 *
 *	check → ports → cgroup → redirect → proxy → (ready) → CMD → (ended) → stragglers → (proxy ended) → remove
 *
 * Everything that is opened here goes again at the one end of launcher_run(), in the opposite order; when the guard is
 * killed instead, links die with it, and the next run sweeps the cgroup.
 */
#include "proxy/launcher.h"

#include "proxy/guard.h"
#include "proxy/ports.h"
#include "proxy/rules.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define STRAGGLERS_MAX 256
#define LEAVE_MS 100 /* for what is ending anyway when CMD has ended */

struct launch {
	const struct options *options;
	struct guard guard;
	struct invoker invoker;
	struct ports ports;
	struct cgroup cgroup;
};

static const char *mode_name(const struct options *options)
{
	static const char *const names[] = {
		[MODE_RECORD] = "record",
		[MODE_REPLAY] = "replay",
		[MODE_TRACE] = "trace",
	};

	return names[options->mode];
}

static int check_options(const struct options *options, char ret_error[MESSAGE_BYTES])
{
	struct redirect_settings settings = { 0 };
	char why[RULES_ERROR_BYTES] = "";
	int error = 0;

	if (options->n_only + options->n_exclude > 0)
		error = rules_read(options, &settings, why);
	if (!error)
		return 0;
	message_error(ret_error, error, "%s", why);
	return error == -ENOENT ? EXIT_MOCKPROXY_FAILED : EXIT_USAGE;
}

/* The cgroup and what is attached to it. 0, or a sentence. */
static int open_redirect(struct launch *launch, char ret_error[MESSAGE_BYTES])
{
	static const char advice[] =
		"run it with sudo, ask 'mockproxy doctor', or name the ports by hand "
		"with --listen PORT=HOST:PORT, which needs no rights";
	char why[REDIRECT_ERROR_BYTES] = "";
	struct guard *guard = &launch->guard;
	int error;

	if (!privilege_can_redirect())
		return message_error(
			ret_error, -EPERM,
			"redirecting connects needs root (CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN "
			"and a cgroup2 to write in): %s",
			advice);
	error = cgroup_make(mode_name(launch->options), &launch->cgroup, why);
	if (error)
		return message_error(ret_error, error, "%.250s: %s", why, advice);
	guard->cgroup = &launch->cgroup;
	if (launch->cgroup.climbed)
		message_print("the caller's cgroup cannot have one below it: CMD runs in %s",
			      launch->cgroup.place.directory);
	error = redirect_open(launch->options, launch->cgroup.fd, launch->ports.port,
			      &guard->redirect, why);
	return error ? message_error(ret_error, error, "%s", why) : 0;
}

/* Puts /dev/null in the place of an inherited descriptor, so that who is at its other end sees CMD close it. */
static void let_go(int fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return;
	dup3(null, fd, O_CLOEXEC);
	close(null);
}

/* In the proxy: what is sent to the process group is for CMD, and the end of the guard is seen at control_fd. */
static void set_proxy_signals(const struct app_signals *before)
{
	static const int ignored[] = { SIGINT,	SIGQUIT, SIGTERM, SIGHUP,  SIGPIPE, SIGALRM,
				       SIGUSR1, SIGUSR2, SIGTSTP, SIGTTIN, SIGTTOU };
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
		sigaction(ignored[i], &ignore, NULL);
	sigprocmask(SIG_SETMASK, &before->mask, NULL);
}

static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static void send_failure(int control_fd, const char *text, int error)
{
	struct proxy_message message = { .type = PROXY_FAILED };

	snprintf(message.text, sizeof(message.text), "%s: %s", text, strerror(error));
	send(control_fd, &message, sizeof(message), MSG_NOSIGNAL);
}

static _Noreturn void run_proxy(struct launch *launch, int control_fd)
{
	const struct options *options = launch->options;
	struct guard *guard = &launch->guard;
	struct proxy_setup setup = {
		.options = options,
		.listeners = launch->ports.listeners,
		.n_listeners = launch->ports.n_listeners,
		.redirect = guard->redirect,
		.control_fd = control_fd,
		.cgroup_fd = guard->cgroup ? guard->cgroup->fd : -1,
		.cgroup_kill_fd = guard->cgroup ? guard->cgroup->kill_fd : -1,
	};
	int error;

	guard_release(
		guard); /* its end of the socket above all: else our own hides the guard's death */
	if (guard->redirect && options->mode != MODE_REPLAY)
		redirect_drop_links(guard->redirect);
	set_proxy_signals(&guard->before);
	raise_descriptor_limit();
	let_go(STDIN_FILENO);
	/* Results go to stdout; where there are none, nobody shall wait for ours to close. */
	if (options->mode != MODE_TRACE && !options->json)
		let_go(STDOUT_FILENO);
	error = privilege_drop(&launch->invoker);
	if (error) {
		send_failure(control_fd, "the proxy cannot give up its rights", -error);
		exit(EXIT_MOCKPROXY_FAILED);
	}
	exit(proxy_main(&setup));
}

static int start_proxy(struct launch *launch, char ret_error[MESSAGE_BYTES])
{
	struct guard *guard = &launch->guard;
	int control[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control) < 0)
		return message_error(ret_error, -errno, "cannot make a socket pair: %s",
				     strerror(errno));
	guard->control_fd = control[0];
	guard->proxy = fork();
	if (guard->proxy == 0)
		run_proxy(launch, control[1]);
	close(control[1]);
	if (guard->proxy < 0)
		return message_error(ret_error, -errno, "cannot start the proxy: %s",
				     strerror(errno));
	return 0;
}

/* Everything up to where the proxy waits for CMD. 0, or the exit status and what there is to say. */
static int prepare(struct launch *launch, char ret_error[MESSAGE_BYTES])
{
	const struct options *options = launch->options;
	int status = check_options(options, ret_error);
	int error;

	if (status)
		return status;
	error = privilege_find_invoker(&launch->invoker, ret_error);
	if (!error)
		error = ports_open(options, &launch->ports, ret_error);
	if (!error && options->n_listens == 0)
		error = open_redirect(launch, ret_error);
	if (!error)
		error = start_proxy(launch, ret_error);
	if (error)
		return EXIT_MOCKPROXY_FAILED;
	/* The proxy's from here on: else connects would wait in a queue that nobody serves when it dies. */
	ports_close(&launch->ports);
	status = guard_wait_ready(&launch->guard, ret_error);
	if (status)
		guard_finish(&launch->guard, GUARD_APP_NOT_STARTED, "");
	return status;
}

static void describe_escapees(const struct guard *guard, struct buffer *text)
{
	if (guard->escapees.count == 0)
		return;
	buffer_append_string(text, guard->options->mode == MODE_REPLAY ?
					   "left the app's cgroup, so not kept from the network: " :
					   "left the app's cgroup, so not seen: ");
	escapees_describe(&guard->escapees, text);
	buffer_append_u8(text, '\n');
}

/* CMD has ended and others live on: recording lets them go, replay ends them; both name them. */
static void handle_stragglers(const struct guard *guard, struct buffer *text)
{
	pid_t pids[STRAGGLERS_MAX];
	struct buffer names;
	size_t count;

	if (!guard->cgroup || cgroup_wait_empty(guard->cgroup->fd, LEAVE_MS) == 0)
		return;
	count = cgroup_processes(guard->cgroup->fd, pids, STRAGGLERS_MAX);
	if (count == 0)
		return;
	buffer_init(&names, PROXY_TEXT_BYTES / 2);
	processes_describe(pids, count < STRAGGLERS_MAX ? count : STRAGGLERS_MAX, &names);
	if (guard->options->mode == MODE_REPLAY) {
		buffer_append_string(text, cgroup_kill(guard->cgroup->fd) == 0 ?
						   "ended, since CMD had ended: " :
						   "CMD had ended, and these do not: ");
	} else {
		buffer_append_string(text, cgroup_evacuate(guard->cgroup) == 0 ?
						   "live on, and are not seen any more: " :
						   "live on in the app's cgroup: ");
	}
	buffer_append_slice(text, buffer_slice(&names));
	buffer_append_u8(text, '\n');
	buffer_release(&names);
}

static void print_lines(const char *text)
{
	while (*text) {
		size_t size = strcspn(text, "\n");

		message_print("%.*s", (int)size, text);
		text += text[size] ? size + 1 : size;
	}
}

static void finish(struct launch *launch)
{
	struct guard *guard = &launch->guard;
	struct buffer text;

	buffer_init(&text, PROXY_TEXT_BYTES);
	describe_escapees(guard, &text);
	handle_stragglers(guard, &text);
	buffer_append_u8(&text, 0);
	if (guard->options->mode != MODE_REPLAY) {
		redirect_close(guard->redirect);
		guard->redirect = NULL;
	}
	if (guard->proxy_ended)
		print_lines((const char *)text.data);
	guard_finish(guard, GUARD_APP_ENDED, (const char *)text.data);
	buffer_release(&text);
}

static int run(struct launch *launch, char ret_error[MESSAGE_BYTES])
{
	struct guard *guard = &launch->guard;
	struct app_setup app = {
		.command = launch->options->command,
		.invoker = &launch->invoker,
		.signals = &guard->before,
		.die_with_guard = launch->options->mode == MODE_REPLAY,
	};
	int status = prepare(launch, ret_error);

	if (status)
		return status;
	app.cgroup = guard->cgroup;
	status = app_start(&app, &guard->app, ret_error);
	if (status) {
		guard_finish(guard, GUARD_APP_NOT_STARTED, "");
		return status;
	}
	let_go(STDIN_FILENO);
	let_go(STDOUT_FILENO);
	guard_watch(guard);
	finish(launch);
	return guard_exit_status(guard);
}

int launcher_run(const struct options *options)
{
	struct launch launch = { .options = options, .cgroup = { .fd = -1, .kill_fd = -1 } };
	char error[MESSAGE_BYTES] = "";
	int status = EXIT_MOCKPROXY_FAILED;

	if (guard_init(&launch.guard, options, error) == 0)
		status = run(&launch, error);
	if (error[0])
		message_print("%s", error);
	redirect_close(launch.guard.redirect);
	cgroup_remove(&launch.cgroup);
	ports_close(&launch.ports);
	guard_release(&launch.guard);
	return status;
}
