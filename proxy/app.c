/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting CMD. Between clone and exec the child does what only it can do for itself; where that fails, the step and
 * errno come back through a pipe that a successful exec closes.
 *
 * CMD inherits the descriptors that mockproxy was given, and no other: all of ours are close-on-exec.
 */
#include "proxy/app.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum step { STEP_CGROUP, STEP_USER, STEP_GUARD, STEP_EXEC };

struct failure {
	enum step step;
	int error;
};

static _Noreturn void fail(int report_fd, enum step step, int error)
{
	struct failure failure = { .step = step, .error = error };
	ssize_t written = write(report_fd, &failure, sizeof(failure));

	(void)written;
	_exit(EXIT_MOCKPROXY_FAILED);
}

static _Noreturn void run_child(const struct app_setup *setup, bool in_cgroup, pid_t guard,
				int report_fd)
{
	int error = 0;

	if (setup->cgroup && !in_cgroup)
		error = cgroup_enter(setup->cgroup->fd, getpid());
	if (error)
		fail(report_fd, STEP_CGROUP, -error);
	error = privilege_become(setup->invoker);
	if (error)
		fail(report_fd, STEP_USER, -error);
	/* After the change of user, which would undo it. The guard may be dead already. */
	if (setup->die_with_guard) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != guard)
			fail(report_fd, STEP_GUARD, ESRCH);
	}
	sigaction(SIGCHLD, &setup->signals->child, NULL);
	sigprocmask(SIG_SETMASK, &setup->signals->mask, NULL);
	execvp(setup->command[0], setup->command);
	fail(report_fd, STEP_EXEC, errno);
}

/*
 * fork(), into the cgroup where the kernel can (clone3 with CLONE_INTO_CGROUP, Linux 5.7; containers often forbid
 * clone3): else the child enters it itself before it does anything else.
 */
static pid_t fork_into(const struct cgroup *cgroup, bool *ret_in_cgroup)
{
	struct clone_args args = { .exit_signal = SIGCHLD };
	long pid;

	*ret_in_cgroup = false;
	if (!cgroup)
		return fork();
	args.flags = CLONE_INTO_CGROUP;
	args.cgroup = (__u64)cgroup->fd;
	pid = syscall(SYS_clone3, &args, sizeof(args));
	*ret_in_cgroup = pid >= 0;
	return pid >= 0 ? (pid_t)pid : fork();
}

static int explain(const struct app_setup *setup, const struct failure *failure,
		   char ret_error[MESSAGE_BYTES])
{
	const char *reason = strerror(failure->error);

	if (failure->step == STEP_CGROUP)
		return message_error(ret_error, EXIT_MOCKPROXY_FAILED,
				     "cannot put CMD into its cgroup %.200s: %s",
				     setup->cgroup->place.directory, reason);
	if (failure->step == STEP_USER)
		return message_error(ret_error, EXIT_MOCKPROXY_FAILED,
				     "cannot run CMD as user %u: %s",
				     (unsigned int)setup->invoker->uid, reason);
	if (failure->step == STEP_GUARD)
		return message_error(ret_error, EXIT_MOCKPROXY_FAILED, "the guard is dead");
	return message_error(ret_error,
			     failure->error == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE,
			     "%.300s: %s", setup->command[0], reason);
}

int app_start(const struct app_setup *setup, pid_t *ret_pid, char ret_error[MESSAGE_BYTES])
{
	pid_t guard = getpid();
	struct failure failure;
	bool in_cgroup;
	int report[2];
	ssize_t size;
	pid_t pid;

	if (pipe2(report, O_CLOEXEC) < 0)
		return message_error(ret_error, EXIT_MOCKPROXY_FAILED, "cannot make a pipe: %s",
				     strerror(errno));
	pid = fork_into(setup->cgroup, &in_cgroup);
	if (pid == 0)
		run_child(setup, in_cgroup, guard, report[1]);
	close(report[1]);
	if (pid < 0) {
		close(report[0]);
		return message_error(ret_error, EXIT_MOCKPROXY_FAILED, "cannot start a process: %s",
				     strerror(errno));
	}
	do
		size = read(report[0], &failure, sizeof(failure));
	while (size < 0 && errno == EINTR);
	close(report[0]);
	if (size != (ssize_t)sizeof(failure)) {
		*ret_pid = pid;
		return 0;
	}
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return explain(setup, &failure, ret_error);
}
