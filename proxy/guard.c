/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guard's loop. All signals are blocked and read from a signalfd, so nothing is interrupted and nothing races:
 *
 *	starting → watching   [guard_wait_ready, then the launcher starts CMD]
 *	watching → finishing  [CMD ended]
 *	finishing → over      [the proxy ended]
 *
 * Signals while watching: what the terminal sends (INT, QUIT, TSTP, HUP) the kernel sends to the whole process group,
 * CMD included, so it is not passed on; what a process sends to the guard is, unless CMD sent it itself (to its group:
 * then it has it). si_code tells the two apart. When CMD stops, the guard stops too, for the shell to see.
 */
#include "proxy/guard.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SCAN_FIRST_MS 20
#define SCAN_EACH_MS 1000
#define SCAN_SHARE 50 /* a look may take one 50th of the time */
#define SAY_FIRST_MS 3000
#define SAY_EACH_MS 30000
#define FINISH_LIMIT_MS (30 * 60 * 1000)

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int guard_init(struct guard *guard, const struct options *options, char ret_error[MESSAGE_BYTES])
{
	/* Faults of our own must stay deadly. */
	static const int synchronous[] = {
		SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS
	};
	struct sigaction by_default = { .sa_handler = SIG_DFL };
	sigset_t all;

	*guard = (struct guard){ .options = options, .signal_fd = -1, .control_fd = -1 };
	sigfillset(&all);
	for (size_t i = 0; i < ARRAY_SIZE(synchronous); i++)
		sigdelset(&all, synchronous[i]);
	sigprocmask(SIG_BLOCK, &all, &guard->before.mask);
	/* Where it was inherited as ignored, children would vanish without a status. */
	sigaction(SIGCHLD, &by_default, &guard->before.child);
	guard->signal_fd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	if (guard->signal_fd < 0)
		return message_error(ret_error, -errno, "cannot read signals: %s", strerror(errno));
	return 0;
}

void guard_release(struct guard *guard)
{
	if (guard->signal_fd >= 0)
		close(guard->signal_fd);
	if (guard->control_fd >= 0)
		close(guard->control_fd);
	guard->signal_fd = -1;
	guard->control_fd = -1;
}

static int exit_status_of(int wait_status)
{
	if (WIFSIGNALED(wait_status))
		return 128 + WTERMSIG(wait_status);
	return WEXITSTATUS(wait_status);
}

static const char *describe_end(int wait_status, char *text, size_t size)
{
	if (WIFSIGNALED(wait_status))
		snprintf(text, size, "%s", strsignal(WTERMSIG(wait_status)));
	else
		snprintf(text, size, "exit status %d", WEXITSTATUS(wait_status));
	return text;
}

/*
 * Stops as CMD did, for the shell to notice, until somebody continues us. SIGSTOP too becomes SIGTSTP: the kernel
 * ignores that in an orphaned process group, where nobody would continue us. The signal is sent while it is blocked, so
 * that one from the terminal that is pending already and this one are delivered as one. Returns whether a SIGCONT came.
 */
static bool stop_like(int signal)
{
	struct timespec now = { 0 };
	sigset_t one, before;

	if (signal != SIGTTIN && signal != SIGTTOU)
		signal = SIGTSTP;
	sigemptyset(&one);
	sigaddset(&one, signal);
	kill(getpid(), signal);
	sigprocmask(SIG_UNBLOCK, &one, &before);
	sigprocmask(SIG_SETMASK, &before, NULL);
	sigemptyset(&one);
	sigaddset(&one, SIGCONT);
	return sigtimedwait(&one, NULL, &now) == SIGCONT;
}

/* Whether the terminal stops the process group, and we have not followed yet. SIGCONT takes such signals back. */
static bool stop_is_pending(void)
{
	sigset_t pending;

	sigpending(&pending);
	return sigismember(&pending, SIGTSTP) || sigismember(&pending, SIGTTIN) ||
	       sigismember(&pending, SIGTTOU);
}

/*
 * The SIGCONT that woke us is for CMD too, but only a shell sends it to the whole group. Where CMD had it, it is reported
 * as continued, and sending it once more could undo the next Ctrl-Z. Where it is reported as stopped anew, that was
 * either before we were woken, or the terminal has just sent the same stop to us.
 */
static void reap_app(struct guard *guard)
{
	bool owes_continue = false;
	int status;

	while (waitpid(guard->app, &status, WNOHANG | WUNTRACED | WCONTINUED) == guard->app) {
		if (WIFSTOPPED(status)) {
			if (!owes_continue || stop_is_pending())
				owes_continue = stop_like(WSTOPSIG(status));
		} else if (WIFCONTINUED(status)) {
			owes_continue = false;
		} else {
			guard->app_ended = true;
			guard->app_wait_status = status;
			return;
		}
	}
	if (owes_continue)
		kill(guard->app, SIGCONT);
}

static void reap(struct guard *guard)
{
	int status;

	if (!guard->proxy_ended && waitpid(guard->proxy, &status, WNOHANG) == guard->proxy) {
		guard->proxy_ended = true;
		guard->proxy_wait_status = status;
	}
	if (guard->app && !guard->app_ended)
		reap_app(guard);
}

static bool sent_by_app(const struct guard *guard, pid_t sender)
{
	char path[PATH_MAX];

	if (sender == guard->app)
		return true;
	return guard->cgroup && sender > 0 && cgroup_of_process(sender, path) == 0 &&
	       cgroup_contains(guard->cgroup->place.path, path);
}

static void pass_on(const struct guard *guard, const struct signalfd_siginfo *info)
{
	int signal = (int)info->ssi_signo;
	/* A session's leader is told of the hangup alone: its group is told only when it dies. */
	bool for_leader = (signal == SIGHUP || signal == SIGCONT) && getsid(0) == getpid();

	if (info->ssi_code > 0 && !for_leader) /* by the kernel */
		return;
	if (info->ssi_pid != (uint32_t)getpid() && !sent_by_app(guard, (pid_t)info->ssi_pid))
		kill(guard->app, signal);
}

static bool is_request_to_end(uint32_t signal)
{
	return signal == SIGINT || signal == SIGTERM || signal == SIGHUP || signal == SIGQUIT;
}

/* Takes all signals that are there. Returns the last one that asks to end while there is no CMD to pass it to, else 0. */
static int take_signals(struct guard *guard)
{
	struct signalfd_siginfo info;
	int asked_to_end = 0;

	while (read(guard->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			continue;
		if (guard->app && !guard->app_ended)
			pass_on(guard, &info);
		else if (is_request_to_end(info.ssi_signo))
			asked_to_end = (int)info.ssi_signo;
	}
	/* SIGCHLD merges with others of its kind: ask for everybody, always. */
	reap(guard);
	return asked_to_end;
}

/* PROXY_READY, PROXY_FAILED (its text in ret_error), or -1: none; the socket is closed when the proxy is gone. */
static int take_message(struct guard *guard, char ret_error[MESSAGE_BYTES])
{
	struct proxy_message message;
	ssize_t size = recv(guard->control_fd, &message, sizeof(message), MSG_DONTWAIT);

	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return -1;
	if (size != (ssize_t)sizeof(message)) {
		close(guard->control_fd);
		guard->control_fd = -1;
		return -1;
	}
	message.text[PROXY_TEXT_BYTES - 1] = 0;
	if (message.type == PROXY_FAILED)
		message_error(ret_error, 0, "%s", message.text);
	return (int)message.type;
}

/* Until a signal or a message comes; poll() passes over a negative descriptor. */
static bool wait_for_news(const struct guard *guard, int timeout_ms)
{
	struct pollfd wait[] = {
		{ .fd = guard->signal_fd, .events = POLLIN },
		{ .fd = guard->control_fd, .events = POLLIN },
	};

	poll(wait, ARRAY_SIZE(wait), timeout_ms);
	return wait[1].revents != 0;
}

int guard_wait_ready(struct guard *guard, char ret_error[MESSAGE_BYTES])
{
	char how[64];

	ret_error[0] = 0;
	for (;;) {
		int type = wait_for_news(guard, -1) ? take_message(guard, ret_error) : -1;
		int signal;

		if (type == PROXY_READY)
			return 0;
		if (type == PROXY_FAILED)
			return EXIT_MOCKPROXY_FAILED;
		signal = take_signals(guard);
		if (signal)
			return 128 + signal;
		if (guard->proxy_ended)
			break;
	}
	/* What it said last may have come between. */
	if (guard->control_fd < 0 || take_message(guard, ret_error) != PROXY_FAILED)
		message_error(ret_error, 0, "the proxy ended before it was ready: %s",
			      describe_end(guard->proxy_wait_status, how, sizeof(how)));
	return EXIT_MOCKPROXY_FAILED;
}

static void end_app(const struct guard *guard)
{
	if (!guard->cgroup)
		kill(guard->app, SIGKILL);
	else if (cgroup_kill(guard->cgroup->fd))
		message_print("some processes of CMD do not end; they can reach nothing");
}

/* The proxy died while CMD runs: fail open while recording, closed in replay (principle 9). */
static void lose_proxy(struct guard *guard)
{
	char how[64];

	guard->proxy_lost = true;
	describe_end(guard->proxy_wait_status, how, sizeof(how));
	if (guard->options->mode == MODE_REPLAY) {
		message_print("the proxy ended (%s): CMD is ended, since nothing can answer it",
			      how);
		end_app(guard);
		return;
	}
	if (guard->redirect) {
		redirect_close(guard->redirect);
		guard->redirect = NULL;
		message_print("the proxy ended (%s): what comes is not seen, CMD goes on directly",
			      how);
	} else {
		message_print("the proxy ended (%s): CMD goes on, but nothing listens for it", how);
	}
}

/* Looks for escapees often at first, for short programs, then each second, and never for more than its share. */
static int64_t scan(struct guard *guard, int64_t *interval_ms)
{
	int64_t start = now_ms();
	int64_t took;

	escapees_scan(&guard->escapees, guard->app, guard->cgroup->place.path);
	took = now_ms() - start;
	*interval_ms = *interval_ms * 2 < SCAN_EACH_MS ? *interval_ms * 2 : SCAN_EACH_MS;
	return start + (took * SCAN_SHARE > *interval_ms ? took * SCAN_SHARE : *interval_ms);
}

void guard_watch(struct guard *guard)
{
	int64_t interval_ms = SCAN_FIRST_MS;
	int64_t next_scan = now_ms() + interval_ms;
	char text[MESSAGE_BYTES] = "";

	for (;;) {
		int64_t left = next_scan - now_ms();
		bool message;

		take_signals(guard);
		if (guard->app_ended)
			return;
		if (guard->proxy_ended && !guard->proxy_lost)
			lose_proxy(guard);
		if (guard->cgroup && left <= 0) {
			next_scan = scan(guard, &interval_ms);
			left = next_scan - now_ms();
		}
		message = wait_for_news(guard, guard->cgroup ? (int)(left > 0 ? left : 0) : -1);
		if (message && take_message(guard, text) == PROXY_FAILED)
			message_print("%s", text);
	}
}

static void send_message(struct guard *guard, enum proxy_message_type type, const char *text)
{
	struct proxy_message message = { .type = type };

	if (guard->app_ended)
		message.status = guard_app_status(guard);
	snprintf(message.text, sizeof(message.text), "%s", text);
	/* Cannot be full: nothing else was sent. Where the proxy is dead, its status says so. */
	if (guard->control_fd >= 0)
		send(guard->control_fd, &message, sizeof(message), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void guard_finish(struct guard *guard, enum proxy_message_type type, const char *text)
{
	int64_t start = now_ms();
	int64_t next_word = start + SAY_FIRST_MS;
	char said[MESSAGE_BYTES];

	send_message(guard, type, text);
	while (!guard->proxy_ended) {
		int signal;

		if (wait_for_news(guard, 1000) && guard->control_fd >= 0 &&
		    take_message(guard, said) == PROXY_FAILED)
			message_print("%s", said);
		signal = take_signals(guard);
		if (guard->proxy_ended)
			break;
		if (signal || now_ms() >= next_word) {
			message_print("CMD has ended; %s ...",
				      guard->options->mode == MODE_RECORD ?
					      "the recording is still being finished" :
					      "waiting for the proxy to end");
			next_word = now_ms() + SAY_EACH_MS;
		}
		if (now_ms() - start > FINISH_LIMIT_MS) {
			message_print("the proxy does not end: it is killed");
			kill(guard->proxy, SIGKILL);
			start = now_ms();
		}
	}
	if (guard->app && WIFSIGNALED(guard->proxy_wait_status) && !guard->proxy_lost)
		message_print("the proxy ended before it was done: %s",
			      describe_end(guard->proxy_wait_status, said, sizeof(said)));
}

int guard_app_status(const struct guard *guard)
{
	return exit_status_of(guard->app_wait_status);
}

int guard_exit_status(const struct guard *guard)
{
	bool replay = guard->options->mode == MODE_REPLAY;
	int failed = replay ? EXIT_MOCKPROXY_FAILED : EXIT_INCOMPLETE;
	int app = guard_app_status(guard);

	if (replay && guard->proxy_lost) /* CMD's own status is our SIGKILL */
		return failed;
	if (app != 0)
		return app;
	if (guard->proxy_lost || WIFSIGNALED(guard->proxy_wait_status))
		return failed;
	return WEXITSTATUS(guard->proxy_wait_status);
}
