#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The launcher: exit statuses, standard streams, signals, terminals: CMD notices nothing. Needs no server."""
import contextlib
import fcntl
import os
import pathlib
import select
import signal
import sys
import termios
import time

from harness import (MOCKPROXY, PROGRAMS, TIMEOUT, Failure, Started, Suite, end_session, expect, expect_equal, folder, kill,
                     need_mockproxy, record, record_command, replay, run, spawn, wait_until)
from recording import expect_whole

PYTHON = sys.executable
KEYS = 20
SIGNALS = [PYTHON, PROGRAMS / "signals.py"]


def start(command):
    """A recording that is under way: CMD has printed its first line."""
    started = Started(record_command(WHERE / "started.db", command))
    started.first = started.line()
    return started


# Exit statuses ----------------------------------------------------------------------------------

def statuses():
    path = WHERE / "status.db"
    for status in (0, 1, 7, 125, 255):
        record(path, ["sh", "-c", f"exit {status}"]).expect(status)
    for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGINT, signal.SIGSEGV):
        record(path, ["sh", "-c", f"ulimit -c 0; kill -{number.value} $$"]).expect(128 + number)
    for mode in ("record", "trace"):
        run([MOCKPROXY, mode, "sh", "-c", "exit 9"], cwd=WHERE).expect(9)
    replay(path, ["sh", "-c", "exit 8"]).expect(8)
    replay(path, ["true"]).expect(0)


def statuses_before_it_runs():
    path = WHERE / "before.db"
    record(path, ["true"]).expect(0)
    before = path.read_bytes()
    plain = WHERE / "plain"
    plain.write_text("no program")
    record(path, ["no-such-program-here"]).expect(127).says("no-such-program-here")
    record(path, [WHERE / "none"]).expect(127)
    record(path, [plain]).expect(126).says("plain", "Permission denied")
    replay(path, ["no-such-program-here"]).expect(127)
    expect_equal(path.read_bytes(), before, "the recording after a CMD that never ran")
    expect(not (WHERE / "before.db.partial").exists(), "a .partial is left of a CMD that never ran")
    record(WHERE / "no" / "folder.db", ["true"]).expect(125).says("folder.db")
    replay(WHERE / "none.db", ["true"]).expect(125).says("none.db")
    run([MOCKPROXY, "record", "--exlude", "x", "true"]).expect(2).says("did you mean --exclude?")
    run([MOCKPROXY, "record", "--only", "10.0.0.0/99", "true"], cwd=WHERE).expect(2).says("10.0.0.0/99")
    run([MOCKPROXY]).expect(2).says("usage")
    expect(b"usage" in run([MOCKPROXY, "record", "--help"]).expect(0).stdout, "help is not on stdout")


# Standard streams -------------------------------------------------------------------------------

def streams():
    data = os.urandom(3_000_000)
    source = WHERE / "data"
    source.write_bytes(data)
    with source.open("rb") as stdin:
        done = record(WHERE / "streams.db", ["cat"], stdin=stdin).expect(0)
    expect(done.stdout == data, "stdout is not what came by stdin")
    with source.open("rb") as stdin:
        done = record(WHERE / "streams.db", ["sh", "-c", "cat >&2"], stdin=stdin, options=["--quiet"]).expect(0)
    expect(data in done.stderr, "stderr is not what came by stdin")
    expect_equal(done.stdout, b"", "stdout")


def closed_streams():
    look = "import os, sys\nfor fd in range(3):\n try: os.fstat(fd)\n except OSError: open(sys.argv[1], 'a').write(str(fd))"
    for closed, redirections in (("0", "<&-"), ("1", ">&-"), ("2", "2>&-"), ("012", "<&- >&- 2>&-")):
        found = WHERE / f"closed{closed}"
        command = record_command(WHERE / "closed.db", [PYTHON, "-c", look, found])
        run(["sh", "-c", f'exec "$@" {redirections}', "sh", *command]).expect(0)
        expect_equal(found.read_text(), closed, f"what CMD found closed with {redirections}")
        # A message that took the place of the file's descriptor would have damaged it.
        expect_whole(WHERE / "closed.db")


def descriptors():
    """CMD has what mockproxy was given, and no more."""
    look = "import os\nprint(*sorted(os.listdir('/proc/self/fd')), os.read(7, 9))"
    inherited, writer = os.pipe()
    os.write(writer, b"inherited")
    os.dup2(inherited, 7)
    try:
        done = record(WHERE / "fds.db", [PYTHON, "-c", look], pass_fds=[7]).expect(0)
    finally:
        for descriptor in (inherited, writer, 7):
            os.close(descriptor)
    # 3 is the listing itself.
    expect_equal(done.stdout, b"0 1 2 3 7 b'inherited'\n", "CMD's descriptors")


def ends_are_seen():
    """Who reads CMD's stdout, or writes to its stdin, sees CMD close it, though mockproxy lives on."""
    started = start(["sh", "-c", "echo here; exec >&- 2>&-; read line; exit 0"])
    expect(select.select([started.process.stdout], [], [], TIMEOUT)[0], "the end of stdout is not seen")
    expect_equal(started.process.stdout.read(), b"", "stdout")
    expect(started.process.poll() is None, "CMD ended")
    started.finish().expect(0)
    started = start(["sh", "-c", f"echo here; exec <&-; exec {SIGNALS[0]} {SIGNALS[1]}"])
    expect_equal(started.line(), "ready", "CMD")

    def nobody_reads():
        return select.select([], [started.process.stdin], [], 0)[1] and not writable(started.process.stdin)
    wait_until(nobody_reads, "stdin has no reader")
    kill(started.guard, signal.SIGTERM)
    expect_equal(started.process.wait(TIMEOUT), 5, "exit status")
    started.end()


def writable(stream):
    try:
        stream.write(b"x")
    except BrokenPipeError:
        return False
    return True


# Signals ----------------------------------------------------------------------------------------

def passed_on():
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGINT, signal.SIGQUIT):
        started = start(SIGNALS)
        expect_equal(started.first, "ready", "CMD")
        kill(started.guard, number)
        done = started.finish()
        expect_equal(done.stdout.decode().split(), [number.name], "what CMD got of a signal to the guard")
        expect_equal(done.status, 5, f"exit status\n{done.errors()}")


def ignored_stays_ignored():
    """As under nohup."""
    look = "import signal; print(*[int(signal.getsignal(n)) for n in (1, 17, 15)], signal.pthread_sigmask(0, []))"
    command = record_command(WHERE / "ignored.db", [PYTHON, "-c", look])
    script = "import os, signal, sys; signal.signal(1, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])"
    done = run([PYTHON, "-c", script, *command]).expect(0)
    expect_equal(done.stdout, b"1 0 0 set()\n", "dispositions and mask in CMD")


def sent_by_the_app():
    """A CMD that signals its process group is not given the same signal again by the guard."""
    script = ("import os, signal\nsignal.pthread_sigmask(0, {signal.SIGUSR1})\nos.kill(0, signal.SIGUSR1)\n"
              "signal.sigwait({signal.SIGUSR1})\nprint(signal.sigtimedwait({signal.SIGUSR1}, 0.3))")
    done = record(WHERE / "own.db", [PYTHON, "-c", script]).expect(0)
    expect_equal(done.stdout, b"None\n", "a second signal")


class Terminal:
    """A command in a session with a terminal of its own."""

    def __init__(self, command, **options):
        self.master, slave = os.openpty()
        self.text = ""
        self.process = spawn(command, stdin=slave, stdout=slave, stderr=slave,
                             preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0), **options)
        os.close(slave)

    def expect(self, text, timeout=TIMEOUT):
        """Reads until the text comes, and forgets what was before it."""
        deadline = time.monotonic() + timeout
        while text not in self.text:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.master], [], [], left)[0]:
                raise Failure(f"the terminal does not show {text!r}, but {self.text!r}")
            try:
                self.text += os.read(self.master, 65536).decode(errors="replace")
            except OSError:
                raise Failure(f"the terminal closed without {text!r}: {self.text!r}") from None
        before, _, self.text = self.text.partition(text)
        return before

    def type(self, text):
        os.write(self.master, text.encode())

    def hang_up(self):
        os.close(self.master)
        self.master = None

    def close(self):
        end_session(self.process)
        if self.master is not None:
            self.hang_up()


def interrupt_from_terminal():
    look = "import os; print('tty', *map(os.isatty, range(3)), os.getpgrp() == os.tcgetpgrp(0))"
    terminal = Terminal(record_command(WHERE / "tty.db", [PYTHON, "-c", look]))
    terminal.expect("tty True True True True")
    expect_equal(terminal.process.wait(TIMEOUT), 0, "exit status")
    terminal.close()
    for key, name in (("\x03", "SIGINT"), ("\x1c", "SIGQUIT")):
        terminal = Terminal(record_command(WHERE / "tty.db", [*SIGNALS, str(KEYS)]))
        terminal.expect("ready")
        # Two that come at the same time are one to CMD: a second one is seen only now and then.
        for _ in range(KEYS):
            terminal.type(key)
            terminal.expect(name)
        expect_equal(terminal.process.wait(TIMEOUT), 5, "exit status")
        with contextlib.suppress(Failure):
            terminal.expect("no such text")
        expect(name not in terminal.text, f"CMD got {name} more often than it was typed")
        terminal.close()


def hangup():
    """The terminal goes: the kernel tells the session's leader alone, which is the guard."""
    heard = WHERE / "hangup"
    terminal = Terminal(record_command(WHERE / "hangup.db", ["sh", "-c", f"exec {SIGNALS[0]} {SIGNALS[1]} >{heard}"]))
    wait_until(lambda: heard.exists() and heard.read_text() == "ready\n", "CMD is ready")
    terminal.hang_up()
    terminal.process.wait(TIMEOUT)
    terminal.close()
    expect("SIGHUP" in heard.read_text().split(), f"CMD heard {heard.read_text()!r}")


def stop_and_continue():
    """Ctrl-Z, fg, Ctrl-Z, fg, Ctrl-C, as the shell sees them."""
    shell = Terminal(["bash", "--norc", "--noprofile", "-i"], env={**os.environ, "PS1": "$ ", "TERM": "dumb"}, cwd=WHERE)
    shell.expect("$ ")
    shell.type(f"{MOCKPROXY} record -q -o stop.db {SIGNALS[0]} {SIGNALS[1]}\n")
    shell.expect("\nready")
    for _ in range(2):
        shell.type("\x1a")
        shell.expect("Stopped")
        shell.expect("$ ")
        shell.type("jobs -p\n")
        guard = int(shell.expect("$ ").split()[-1])
        expect_equal(pathlib.Path(f"/proc/{guard}/stat").read_text().rpartition(")")[2].split()[0], "T", "the guard's state")
        shell.type("fg\n")
        shell.expect("SIGCONT")
    shell.type("\x1a")
    shell.expect("Stopped")
    shell.expect("$ ")
    kill(guard, signal.SIGCONT)  # the guard alone: it continues CMD
    shell.expect("SIGCONT")
    shell.type("fg\n")
    wait_until(lambda: os.tcgetpgrp(shell.master) == os.getpgid(guard), "it is in the foreground")
    shell.type("\x03")
    shell.expect("SIGINT")
    shell.expect("$ ")
    shell.type("echo status=$?-\n")
    shell.expect("status=5-")
    shell.close()


def main():
    need_mockproxy()
    suite = Suite()
    suite.run("exit statuses of CMD", statuses)
    suite.run("exit statuses before CMD runs", statuses_before_it_runs)
    suite.run("standard streams", streams)
    suite.run("closed standard streams", closed_streams)
    suite.run("inherited descriptors", descriptors)
    suite.run("the ends of pipes are seen", ends_are_seen)
    suite.run("signals to the guard reach CMD once", passed_on)
    suite.run("dispositions and mask are CMD's", ignored_stays_ignored)
    suite.run("signals that CMD sends to its group", sent_by_the_app)
    suite.run("terminal, Ctrl-C and Ctrl-\\", interrupt_from_terminal)
    suite.run("hangup", hangup)
    suite.run("Ctrl-Z and fg", stop_and_continue)
    suite.finish()


WHERE = folder("launcher")
if __name__ == "__main__":
    main()
