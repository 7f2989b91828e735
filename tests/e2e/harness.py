# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests share: processes, temporary folders, the report.

Every test_*.py is a program: it runs its cases, prints `ok NAME`, `not ok NAME` with what was
wrong, or `skip NAME: REASON` for each, and at last `N passed, N failed, N skipped`. Its exit status
is 1 when a case failed. Arguments select cases: those whose name contains one of them. A test waits
for events, with a deadline, and leaves nothing behind: what it started is stopped by process id, or
by the session that was made for it, and its folder is removed.
"""
import atexit
import contextlib
import difflib
import fcntl
import os
import pathlib
import random
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PROGRAMS = HERE / "programs"
BUILD = pathlib.Path(os.environ.get("O", ROOT / "build")).resolve()
MOCKPROXY = pathlib.Path(os.environ.get("MOCKPROXY", BUILD / "mockproxy")).resolve()
TIMEOUT = float(os.environ.get("E2E_TIMEOUT", "120"))
# Options for every record and replay of a test: MOCKPROXY_OPTIONS="--restless --workers=4" runs it on restless connections.
OPTIONS = os.environ.get("MOCKPROXY_OPTIONS", "").split()

# A shell's background job is born with these ignored, and so would everything be that is started here.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)


class Failure(Exception):
    """What was expected did not happen; the text is for people."""


class Skip(Exception):
    """The case cannot be run here; the text says why."""


class Suite:
    """Runs cases and reports them."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self._chosen = sys.argv[1:]

    def chosen(self, name):
        return not self._chosen or any(part in name for part in self._chosen)

    def run(self, name, function, *arguments):
        """Runs one case: what it returned, or None when it did not pass."""
        if not self.chosen(name):
            return None
        before = len(_SESSIONS)
        try:
            result = function(*arguments)
        except Skip as reason:
            self.skipped += 1
            print(f"skip {name}: {reason}", flush=True)
            return None
        except Exception as error:  # pylint: disable=broad-except
            self.failed += 1
            known = isinstance(error, (Failure, subprocess.TimeoutExpired))
            text = str(error) if known else traceback.format_exc()
            print(f"not ok {name}", *text.rstrip().splitlines(), sep="\n    ", flush=True)
            return None
        finally:
            # What a case that did not pass left running is not to disturb the next one.
            for process in _SESSIONS[before:]:
                end_session(process)
            del _SESSIONS[before:]
        self.passed += 1
        print(f"ok {name}", flush=True)
        return True if result is None else result

    def finish(self):
        print(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped", flush=True)
        sys.exit(1 if self.failed else 0)


def expect(condition, text):
    """A Failure with this text unless the condition holds."""
    if not condition:
        raise Failure(text)


def expect_equal(actual, expected, what):
    if actual != expected:
        raise Failure(f"{what}\n{difference(expected, actual)}")


def difference(expected, actual, limit=60):
    """A unified diff of two texts (or of the repr of others), cut to `limit` lines."""

    def lines(value):
        if isinstance(value, bytes):
            value = value.decode(errors="backslashreplace")
        return (value if isinstance(value, str) else repr(value)).splitlines()

    found = list(
        difflib.unified_diff(lines(expected), lines(actual), "expected", "actual", "", "", 1)
    )
    cut = [line if len(line) < 400 else line[:400] + "..." for line in found[:limit]]
    return "\n".join(cut + [f"... {len(found) - limit} more lines"] * (len(found) > limit))


def wait_until(condition, what, timeout=TIMEOUT):
    """For what gives no event to wait for: the condition's value as soon as it is true."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Failure(f"waited {timeout:.0f} s in vain until {what}")
        time.sleep(0.01)


# Processes and folders --------------------------------------------------------------------------

_SESSIONS = []
_FOLDERS = []


def _clean():
    for process in _SESSIONS:
        end_session(process)
    for folder in _FOLDERS:
        shutil.rmtree(folder, ignore_errors=True)


atexit.register(_clean)
for _number in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(_number, lambda number, _: sys.exit(128 + number))


def folder(name="e2e"):
    """A temporary folder that everybody may enter; removed at the end."""
    path = pathlib.Path(tempfile.mkdtemp(prefix=f"mockproxy-{name}-", dir="/tmp"))
    path.chmod(0o755)
    _FOLDERS.append(path)
    return path


def remade(path):
    """The folder() of an earlier run, whose name counts, made anew."""
    path = pathlib.Path(path)
    path.mkdir(mode=0o755)
    _FOLDERS.append(path)
    return path


def spawn(command, **options):
    """Starts a command in a session of its own, which is ended when the test ends."""
    process = subprocess.Popen([str(part) for part in command], start_new_session=True, **options)
    _SESSIONS.append(process)
    return process


def session_members(session):
    """The processes of a session: what was started, also when its parents are gone."""
    members = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            members.append(int(entry.name))
    return members


def end_session(process):
    """Kills what is left of a session that spawn() made, and waits for its leader."""
    for pid in session_members(process.pid):
        kill(pid)
    process.wait()


def kill(pid, number=signal.SIGKILL):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def state_of(stat):
    """Of a process or thread, by its file of /proc; None when it is gone."""
    try:
        return stat.read_text().rpartition(")")[2].split()[0]
    except OSError:
        return None


def alive(pid):
    return state_of(pathlib.Path(f"/proc/{pid}/stat")) not in ("Z", None)


def pause(pid):
    """Stops a process with SIGSTOP. Its threads go on until one of them has seen the signal: returns when none does."""
    os.kill(pid, signal.SIGSTOP)
    wait_until(
        lambda: all(
            state_of(task / "stat") in ("T", "Z", None)
            for task in pathlib.Path(f"/proc/{pid}/task").iterdir()
        ),
        "all threads are stopped",
    )


@contextlib.contextmanager
def made_by_one(name):
    """Test files run side by side: what one makes for all of them, the others wait for."""
    BUILD.mkdir(parents=True, exist_ok=True)
    with open(BUILD / f"{name}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def wait_dead(pid, what, timeout=TIMEOUT):
    """Waits for the end of a process that need not be a child."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        expect(
            select.select([descriptor], [], [], timeout)[0],
            f"{what} (pid {pid}) did not end in {timeout:.0f} s",
        )
    finally:
        os.close(descriptor)


def children(pid):
    try:
        return [
            int(word)
            for task in pathlib.Path(f"/proc/{pid}/task").iterdir()
            for word in (task / "children").read_text().split()
        ]
    except OSError:
        return []


def memory_kib(pid, *fields):
    """Values of /proc/PID/status: VmHWM is the most that was ever resident, RssAnon the anonymous
    part now."""
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    found = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    return [int(found[field].split()[0]) for field in fields]


def free_port(family=socket.AF_INET):
    """A port that nobody has, below those that the kernel gives to connections: one of these could
    take it before its server listens, and when its server has stopped. Tests that run side by side
    are not given the same one."""
    while True:
        port = random.randrange(12000, 32000)
        mark = socket.socket(socket.AF_UNIX)
        try:
            mark.bind(f"\0mockproxy-test-port-{port}")
            with socket.socket(family) as probe:
                probe.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", port))
        except OSError:
            mark.close()
            continue
        _MARKS.append(mark)
        return port


_MARKS = []  # of ports, for as long as this test runs


def expect_refused(port):
    """Nobody listens there any more."""
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise Failure(f"somebody still listens on port {port}")


class Listener:
    """A listening socket outside of every app: it sees whether somebody gets out to it."""

    def __init__(self, address="127.0.0.1", port=None):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.socket = socket.socket(family)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind((address, port or free_port(family)))
        self.socket.listen(64)
        self.port = self.socket.getsockname()[1]

    def accept(self, timeout=TIMEOUT):
        """The next connection; None when there was none in time."""
        self.socket.settimeout(timeout)
        try:
            return self.socket.accept()[0]
        except (socket.timeout, BlockingIOError):
            return None

    def expect_nobody(self):
        """Closes it; a Failure when somebody came. Connections are in its queue at once: there is
        nothing to wait for."""
        peer = self.accept(0)
        self.close()
        if peer is not None:
            raise Failure(f"somebody got out, to port {self.port}")

    def close(self):
        self.socket.close()


# mockproxy --------------------------------------------------------------------------------------


class Run:
    """How a command ended."""

    def __init__(self, command, status, stdout, stderr):
        self.command, self.status, self.stdout, self.stderr = command, status, stdout, stderr

    def errors(self):
        return self.stderr.decode(errors="backslashreplace")

    def expect(self, status=0):
        expect(
            self.status == status,
            f"exit status {self.status}, not {status}: {' '.join(map(str, self.command))}\n"
            f"stdout: {self.stdout[-2000:].decode(errors='backslashreplace')}\n"
            f"stderr: {self.errors()[-4000:]}",
        )
        return self

    def says(self, *words):
        """The messages name all of these."""
        for word in words:
            expect(
                word.lower() in self.errors().lower(),
                f"stderr does not say {word!r}:\n{self.errors()[-4000:]}",
            )
        return self


def run(command, env=None, timeout=TIMEOUT, **options):
    """Runs a command to its end. Its whole session is ended when it takes too long."""
    process = spawn(
        command,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=options.pop("stdin", subprocess.DEVNULL),
        **options,
    )
    try:
        stdout, stderr = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        end_session(process)
        stdout, stderr = process.communicate()
        raise Failure(
            f"not ended after {timeout:.0f} s: {' '.join(map(str, command))}\n"
            f"stdout: {stdout[-2000:].decode(errors='backslashreplace')}\n"
            f"stderr: {stderr[-4000:].decode(errors='backslashreplace')}"
        ) from None
    finally:
        end_session(process)
        _SESSIONS.remove(process)
    return Run(command, process.returncode, stdout, stderr)


def need_mockproxy(rights=True):
    """Skips the whole test when there is nothing to test."""
    if not MOCKPROXY.exists():
        print(f"skip all: {MOCKPROXY} is not there\n0 passed, 0 failed, 1 skipped")
        sys.exit(0)
    if rights and os.geteuid() != 0:
        print("skip all: needs root, for the kernel's redirect\n0 passed, 0 failed, 1 skipped")
        sys.exit(0)


def record_command(path, command, options=()):
    return [MOCKPROXY, "record", *OPTIONS, *options, "-o", path, "--", *command]


def replay_command(path, command, options=()):
    return [MOCKPROXY, "replay", *OPTIONS, *options, path, "--", *command]


def record(path, command, env=None, options=(), **rest):
    return run(record_command(path, command, options), env, **rest)


def replay(path, command, env=None, options=(), **rest):
    return run(replay_command(path, command, options), env, **rest)


class Started:
    """mockproxy while it runs: the guard, the proxy and the app by process id."""

    def __init__(self, command, env=None, **options):
        # Unbuffered, so that select() knows whether there is a line.
        options = {
            "stdin": subprocess.PIPE,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "bufsize": 0,
        } | options
        self.command = command
        self.process = spawn(command, env=env, **options)
        self.guard = self.process.pid

    def line(self, timeout=TIMEOUT):
        """The next line that the app prints: the event to wait for."""
        ready = select.select([self.process.stdout], [], [], timeout)[0]
        expect(ready, "the app said nothing in time")
        text = self.process.stdout.readline().decode().rstrip("\n")
        if not text:
            self.process.stdin.close()
            raise Failure(
                f"the app ended: {self.process.stderr.read().decode(errors='replace')[-3000:]}"
            )
        return text

    def wait_message(self, word, timeout=TIMEOUT):
        """Waits until mockproxy (or the app) says this on its stderr: the line."""
        while select.select([self.process.stderr], [], [], timeout)[0]:
            line = self.process.stderr.readline().decode(errors="backslashreplace")
            if not line or word in line:
                expect(line, f"stderr ended without {word!r}")
                return line
        raise Failure(f"stderr did not say {word!r} in time")

    def say(self, text):
        self.process.stdin.write(text.encode() + b"\n")

    def ask(self, text, timeout=TIMEOUT):
        """For programs/interactive.py: a line to it, and its answer."""
        self.say(text)
        return self.line(timeout)

    @property
    def proxy(self):
        """The guard's child that runs mockproxy itself."""
        return self._child(True)

    @property
    def app(self):
        return self._child(False)

    def _child(self, own):
        def find():
            for pid in children(self.guard):
                try:
                    path = os.readlink(f"/proc/{pid}/exe")
                except OSError:
                    continue
                if (path == str(MOCKPROXY)) == own:
                    return pid
            return None

        return wait_until(find, "the proxy is there" if own else "the app is there")

    def finish(self, timeout=TIMEOUT):
        """Waits for mockproxy's end: the Run."""
        try:
            stdout, stderr = self.process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            self.end()
            raise Failure(f"mockproxy did not end in {timeout:.0f} s") from None
        self.end()
        return Run(self.command, self.process.returncode, stdout, stderr)

    def end(self):
        end_session(self.process)
