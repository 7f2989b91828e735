# SPDX-License-Identifier: Apache-2.0
"""How much memory the proxy needs for what is large: watched while a program streams through it."""
import threading

from harness import (
    Started,
    expect,
    expect_equal,
    expect_refused,
    memory_kib,
    record_command,
    replay_command,
)
from recording import expect_whole

LIMIT_KIB = 100_000
# Of a recorder, beside a large request: SQLite's row of it, and the queue, which what comes behind it
# fills on a busy machine while it is being written.
QUERY_LIMIT_KIB = 90_000
LONG = 600  # seconds
MANY_LIMIT_KIB = 400_000  # of 9,900 connections: about 40 KiB for each


class Peak:
    """The most memory that a process ever had, looked at until it ends."""

    def __init__(self, pid):
        self.kib = self.anonymous_kib = 0
        self._pid = pid
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self):
        while not self._ended.wait(0.02):
            try:
                self.look()
            except (OSError, KeyError):
                return

    def look(self):
        kib, anonymous = memory_kib(self._pid, "VmHWM", "RssAnon")
        self.kib = max(self.kib, kib)
        self.anonymous_kib = max(self.anonymous_kib, anonymous)

    def expect_small(self, what, mapped=False, request=0):
        """`mapped`: the file is read through a mapping, whose pages are the kernel's cache.
        `request`: bytes of the largest request, which is held whole."""
        self._ended.set()
        self._thread.join()
        resident, anonymous = self.kib / 1024, self.anonymous_kib / 1024
        print(f"# {what}: at most {resident:.1f} MiB resident, {anonymous:.1f} MiB anonymous")
        kib = self.anonymous_kib if mapped else self.kib
        limit = QUERY_LIMIT_KIB if request and not mapped else LIMIT_KIB
        limit += request // 1024
        expect(0 < kib < limit, f"{what}: {kib} KiB, not under {limit}")


def run_stream(command, environment, count, what, **bounds):
    """Runs a program that prints `count` lines and `done`: the lines, after a look at the proxy's
    memory."""
    started = Started(command, environment)
    peak = Peak(started.proxy)
    lines = [started.line(LONG) for _ in range(count)]
    expect_equal(started.line(LONG), "done", "the program's end")
    peak.look()
    started.say("")
    started.finish(LONG).expect(0)
    peak.expect_small(what, **bounds)
    return lines


def record_and_replay(suite, server, path, name, command, environment, count, request=0):
    """Two cases; the server is not there for the second one."""

    def recorded():
        lines = run_stream(
            record_command(path, command), environment, count, f"{name}, recorder", request=request
        )
        expect_whole(path)
        print(
            f"# {name}: {path.stat().st_size / 1e6:.0f} MB of file; {'; '.join(lines)}", flush=True
        )
        return lines

    def replayed(lines):
        again = run_stream(
            replay_command(path, command),
            environment,
            count,
            f"{name}, replayer",
            mapped=True,
            request=request,
        )
        expect_equal(again, lines, "size and checksum")

    lines = suite.run(f"{name}: recorded in bounded memory", recorded)
    if lines:
        server.stop()
        expect_refused(server.port)
        suite.run(f"{name}: replayed in bounded memory, the same bytes", replayed, lines)
        server.start()


def hold_many(command, environment, count, what):
    """Runs programs/hold.py with so many connections: a look at the proxy's memory while it has them."""
    started = Started(command, environment)
    expect_equal(started.line(LONG), f"held {count}", "the app")
    most, anonymous = memory_kib(started.proxy, "VmHWM", "RssAnon")
    print(f"# {what}: {count} connections, {most / 1024:.1f} MiB resident at most,", end=" ")
    print(f"{anonymous / 1024:.1f} MiB anonymous now", flush=True)
    started.say("")
    expect_equal(started.line(LONG), f"still {count}", "the app")
    started.finish(LONG).expect(0)
    expect(most < MANY_LIMIT_KIB, f"{most} KiB")
