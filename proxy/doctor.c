/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mockproxy doctor: each thing that record, replay and trace need, tried where it can be tried. The redirect itself is
 * loaded and attached to a cgroup that is made for this and removed again, in which nothing ever runs but a process
 * of our own that ends at once.
 */
#include "proxy/doctor.h"

#include "parsers/json.h"
#include "proxy/cgroup.h"
#include "proxy/privilege.h"
#include "proxy/redirect.h"

#include <errno.h>
#include <linux/sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECKS_MAX 24
#define REPORT_MAX (64 * 1024)
#define OWN_DESCRIPTORS \
	50 /* what the proxy has open besides connections, of which each takes two */

enum state {
	STATE_OK,
	STATE_NOTE,    /* does without it, with the consequence that the line names */
	STATE_MISSING, /* record, replay and trace do not work */
	STATE_UNTRIED, /* something above is missing first */
};

struct check {
	const char *name;
	enum state state;
	char detail[MESSAGE_BYTES];
	const char *advice; /* NULL: nothing to do */
};

struct report {
	struct check checks[CHECKS_MAX];
	size_t count;
};

PRINTF_LIKE(5, 6)
static void add(struct report *report, const char *name, enum state state, const char *advice,
		const char *format, ...)
{
	struct check *check = &report->checks[report->count];
	va_list arguments;

	if (report->count == CHECKS_MAX)
		abort();
	report->count++;
	check->name = name;
	check->state = state;
	check->advice = state == STATE_OK ? NULL : advice;
	va_start(arguments, format);
	vsnprintf(check->detail, sizeof(check->detail), format, arguments);
	va_end(arguments);
}

static bool kernel_is_at_least(unsigned int major, unsigned int minor, char ret_release[65])
{
	struct utsname kernel = { 0 };
	char *rest;
	unsigned long has_major, has_minor;

	uname(&kernel);
	snprintf(ret_release, 65, "%s", kernel.release);
	has_major = strtoul(kernel.release, &rest, 10);
	has_minor = *rest == '.' ? strtoul(rest + 1, NULL, 10) : 0;
	return has_major > major || (has_major == major && has_minor >= minor);
}

static void check_kernel(struct report *report)
{
	char release[65];

	if (kernel_is_at_least(5, 19, release))
		add(report, "kernel", STATE_OK, NULL, "Linux %s", release);
	else
		add(report, "kernel", STATE_MISSING, "use Linux 5.19 or newer, best 6.7",
		    "Linux %s is older than 5.19", release);
	if (kernel_is_at_least(6, 7, release))
		add(report, "unix-sockets", STATE_OK, NULL, "connects to Unix sockets are seen");
	else
		add(report, "unix-sockets", STATE_NOTE,
		    "have the program connect to a host name, not to a socket file",
		    "connects to Unix sockets are not seen before Linux 6.7");
	if (access("/sys/kernel/btf/vmlinux", R_OK) == 0)
		add(report, "btf", STATE_OK, NULL, "/sys/kernel/btf/vmlinux is there");
	else
		add(report, "btf", STATE_NOTE, "build the kernel with CONFIG_DEBUG_INFO_BTF=y",
		    "/sys/kernel/btf/vmlinux is not there: tracing by other tools does without "
		    "types");
}

static void check_proc(struct report *report)
{
	char path[PATH_MAX];

	if (access("/proc/self/mountinfo", R_OK) != 0) {
		add(report, "proc", STATE_MISSING, "mount -t proc proc /proc",
		    "/proc is not mounted");
		return;
	}
	if (access("/proc/thread-self/children", R_OK) == 0)
		add(report, "proc", STATE_OK, NULL, "/proc is mounted");
	else
		add(report, "proc", STATE_NOTE, "build the kernel with CONFIG_PROC_CHILDREN=y",
		    "no /proc/PID/task/TID/children: processes that leave the app's cgroup are not "
		    "reported");
	if (cgroup_of_process(0, path) == 0)
		add(report, "own-cgroup", STATE_OK, NULL, "this process is in %.200s", path);
	else
		add(report, "own-cgroup", STATE_MISSING, "build the kernel with CONFIG_CGROUPS=y",
		    "/proc/self/cgroup names no cgroup2");
}

static void check_mount(struct report *report)
{
	struct cgroup_mount mount;

	if (cgroup_find_mount(&mount) == 0)
		add(report, "cgroup2", STATE_OK, NULL, "mounted at %.300s", mount.point);
	else
		add(report, "cgroup2", STATE_MISSING,
		    "mkdir -p /sys/fs/cgroup/unified && mount -t cgroup2 none "
		    "/sys/fs/cgroup/unified",
		    "not mounted");
}

static long read_number_of(const char *file)
{
	FILE *stream = fopen(file, "re");
	char line[32];
	long number = -1;

	if (!stream)
		return -1;
	if (fgets(line, sizeof(line), stream))
		number = strtol(line, NULL, 10);
	fclose(stream);
	return number;
}

static void check_rights(struct report *report)
{
	long unprivileged = read_number_of("/proc/sys/kernel/unprivileged_bpf_disabled");

	if (privilege_can_redirect())
		add(report, "rights", STATE_OK, NULL, "%s",
		    geteuid() == 0 ? "root" : "CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN");
	else
		add(report, "rights", STATE_MISSING,
		    "run it with sudo: CMD and the recording are yours all the same",
		    "CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN are not all in effect");
	if (unprivileged >= 0)
		add(report, "unprivileged-bpf", STATE_OK, NULL,
		    "kernel.unprivileged_bpf_disabled = %ld (the rights above are needed with any "
		    "value)",
		    unprivileged);
}

/* Whether a process can be born in a cgroup. */
static int try_clone(int cgroup_fd)
{
	struct clone_args args = {
		.flags = CLONE_INTO_CGROUP,
		.exit_signal = SIGCHLD,
		.cgroup = (__u64)cgroup_fd,
	};
	long pid = syscall(SYS_clone3, &args, sizeof(args));

	if (pid == 0)
		_exit(0);
	if (pid < 0)
		return -errno;
	while (waitpid((pid_t)pid, NULL, 0) < 0 && errno == EINTR)
		;
	return 0;
}

static void check_inside(struct report *report, const struct cgroup *cgroup)
{
	const struct options options = { .mode = MODE_REPLAY };
	char why[REDIRECT_ERROR_BYTES] = "";
	struct redirect *redirect = NULL;
	int error = try_clone(cgroup->fd);

	if (error == 0)
		add(report, "clone-into-cgroup", STATE_OK, NULL, "clone3 with CLONE_INTO_CGROUP");
	else
		add(report, "clone-into-cgroup", STATE_NOTE,
		    "let clone3 through the container's seccomp filter",
		    "%s: CMD enters its cgroup right before it is executed", strerror(-error));
	if (cgroup->kill_fd >= 0)
		add(report, "cgroup-kill", STATE_OK, NULL, "cgroup.kill");
	else
		add(report, "cgroup-kill", STATE_MISSING, "use Linux 5.14 or newer",
		    "no cgroup.kill: replay cannot end the app when the guard is killed");
	/* Port 9 is never connected to: nothing runs in there. Replay has every program. */
	error = redirect_open(&options, cgroup->fd, 9, &redirect, why);
	if (error == 0)
		add(report, "redirect", STATE_OK, NULL, "the BPF programs load and attach");
	else
		add(report, "redirect", STATE_MISSING, NULL, "%s", why);
	redirect_close(redirect);
}

static void check_redirect(struct report *report)
{
	struct cgroup cgroup = { .fd = -1, .kill_fd = -1 };
	char why[MESSAGE_BYTES] = "";

	if (!privilege_can_redirect()) {
		add(report, "redirect", STATE_UNTRIED, "run 'sudo mockproxy doctor'",
		    "cannot be tried without the rights above");
		return;
	}
	if (cgroup_make("doctor", &cgroup, why)) {
		add(report, "new-cgroup", STATE_MISSING,
		    "in a container: mount cgroup2 writable, such as with --cgroupns=private and "
		    "-v /sys/fs/cgroup:/sys/fs/cgroup:rw",
		    "%s", why);
		return;
	}
	add(report, "new-cgroup", cgroup.climbed ? STATE_NOTE : STATE_OK,
	    "start mockproxy from an ordinary (domain) cgroup", "can be made%s",
	    cgroup.climbed ?
		    ", but not below this process's own: an ancestor's limits apply to CMD" :
		    "");
	check_inside(report, &cgroup);
	cgroup_remove(&cgroup);
}

static void check_limits(struct report *report)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		unsigned long long files =
			limit.rlim_max == RLIM_INFINITY ? 1ULL << 30 : limit.rlim_max;
		unsigned long long pairs =
			files > OWN_DESCRIPTORS ? (files - OWN_DESCRIPTORS) / 2 : 0;

		add(report, "descriptors", pairs >= 100 ? STATE_OK : STATE_NOTE,
		    "raise it: ulimit -Hn", "at most %llu open: %llu connections at once", files,
		    pairs);
	}
	if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur == RLIM_INFINITY)
		add(report, "locked-memory", STATE_OK, NULL, "not limited");
	else if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0)
		add(report, "locked-memory", STATE_OK, NULL,
		    "at most %llu kB (BPF maps do not count since Linux 5.11)",
		    (unsigned long long)limit.rlim_cur / 1024);
	if (sqlite3_libversion_number() >= 3037000)
		add(report, "sqlite", STATE_OK, NULL, "SQLite %s", sqlite3_libversion());
	else
		add(report, "sqlite", STATE_MISSING,
		    "install SQLite 3.37 or newer: recordings have STRICT tables", "SQLite %s",
		    sqlite3_libversion());
}

static const char *state_name(enum state state)
{
	static const char *const names[] = {
		[STATE_OK] = "ok",
		[STATE_NOTE] = "note",
		[STATE_MISSING] = "missing",
		[STATE_UNTRIED] = "untried",
	};

	return names[state];
}

static void append_member(struct buffer *text, const char *name, const char *value,
			  const char *after)
{
	buffer_append_u8(text, '"');
	buffer_append_string(text, name);
	buffer_append_string(text, "\": ");
	/* What is not UTF-8 can only be a path. */
	if (!value || !json_append_string(text, slice_from_string(value)))
		buffer_append_string(text, "null");
	buffer_append_string(text, after);
}

static void append_json(const struct report *report, bool ok, struct buffer *text)
{
	buffer_append_string(text,
			     ok ? "{\"ok\": true, \"checks\": [" : "{\"ok\": false, \"checks\": [");
	for (size_t i = 0; i < report->count; i++) {
		const struct check *check = &report->checks[i];

		buffer_append_string(text, i ? ",\n  {" : "\n  {");
		append_member(text, "name", check->name, ", ");
		append_member(text, "state", state_name(check->state), ", ");
		append_member(text, "detail", check->detail, ", ");
		append_member(text, "advice", check->advice, "}");
	}
	buffer_append_string(text, "\n]}\n");
}

static void append_lines(const struct report *report, bool ok, struct buffer *text)
{
	for (size_t i = 0; i < report->count; i++) {
		const struct check *check = &report->checks[i];
		char start[64];

		snprintf(start, sizeof(start), "%-8s %-18s ", state_name(check->state),
			 check->name);
		buffer_append_string(text, start);
		buffer_append_string(text, check->detail);
		if (check->advice) {
			buffer_append_string(text, "; to do: ");
			buffer_append_string(text, check->advice);
		}
		buffer_append_u8(text, '\n');
	}
	buffer_append_string(
		text, ok ? "\nNothing is missing.\n" :
			   "\nSomething is missing. --listen PORT=HOST:PORT works without it.\n");
}

int doctor_run(bool json)
{
	struct report report = { .count = 0 };
	struct buffer text;
	bool ok = true;

	check_kernel(&report);
	check_proc(&report);
	check_mount(&report);
	check_rights(&report);
	check_redirect(&report);
	check_limits(&report);
	add(&report, "listen", STATE_OK, NULL,
	    "--listen PORT=HOST:PORT works in any case: no rights, no redirect");
	for (size_t i = 0; i < report.count; i++)
		if (report.checks[i].state == STATE_MISSING)
			ok = false;
	buffer_init(&text, REPORT_MAX);
	if (json)
		append_json(&report, ok, &text);
	else
		append_lines(&report, ok, &text);
	fwrite(text.data, 1, text.size, stdout);
	buffer_release(&text);
	return fflush(stdout) == 0 && ok ? 0 : 1;
}
