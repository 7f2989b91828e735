#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Large results and large values through the proxy, whose memory stays flat, and under 100 MB.

A result of 200 MB by default, of 2 GB with MOCKPROXY_BIG=1, and one row of 64 MB.
"""
import os
import threading

from drivers import PYTHON
from harness import (
    PROGRAMS,
    Started,
    Suite,
    expect,
    expect_equal,
    expect_refused,
    folder,
    memory_kib,
    need_mockproxy,
    record,
    record_command,
    replay,
    replay_command,
    wait_until,
)
from postgres import Server
from recording import expect_whole, query

ROWS = 2_000_000 if os.environ.get("MOCKPROXY_BIG") == "1" else 200_000
LIMIT_KIB = 100_000
LONG = 600  # seconds
RESULT = f"select n, repeat('x', 1000) from generate_series(1, {ROWS}) n"
VALUE = "select 1, repeat('0123456789abcdef', 4 * 1024 * 1024), 2"
BINARY = "select decode(repeat('00ff80fe', 2 * 1024 * 1024), 'hex')"
TAIL = "select 'and the connection is usable'"


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
                self.kib, anonymous = memory_kib(self._pid, "VmHWM", "RssAnon")
            except (OSError, KeyError):
                return
            self.anonymous_kib = max(self.anonymous_kib, anonymous)

    def expect_small(self, what, mapped=False):
        """`mapped`: the file is read through a mapping, whose pages are the kernel's cache."""
        self._ended.set()
        self._thread.join()
        resident, anonymous = self.kib / 1024, self.anonymous_kib / 1024
        print(f"# {what}: at most {resident:.1f} MiB resident, {anonymous:.1f} MiB anonymous")
        kib = self.anonymous_kib if mapped else self.kib
        expect(0 < kib < LIMIT_KIB, f"{what}: {kib} KiB, not under {LIMIT_KIB}")


def run_stream(command, environment, questions, what, mapped=False):
    """Runs stream.py: what it printed, after a look at the proxy's memory."""
    started = Started(command, environment)
    peak = Peak(started.proxy)
    lines = [started.line(LONG) for _ in questions]
    expect_equal(started.line(LONG), "done", "the program's end")
    started.say("")
    started.finish(LONG).expect(0)
    peak.expect_small(what, mapped)
    return lines


def stream(*questions):
    return [PYTHON, PROGRAMS / "stream.py", *questions]


def record_and_replay(suite, server, where, name, questions):
    path = where / f"{name}.db"
    environment = server.environment(user="app_trust")
    command = stream(*questions)

    def recorded():
        lines = run_stream(
            record_command(path, command), environment, questions, f"{name}, recorder"
        )
        expect_whole(path)
        print(
            f"# {name}: {path.stat().st_size / 1e6:.0f} MB of file; {'; '.join(lines)}", flush=True
        )
        return lines

    def replayed(lines):
        again = run_stream(
            replay_command(path, command), environment, questions, f"{name}, replayer", True
        )
        expect_equal(again, lines, "size and checksum")

    lines = suite.run(f"{name}: recorded in bounded memory", recorded)
    if lines:
        server.stop()
        expect_refused(server.port)
        suite.run(f"{name}: replayed in bounded memory, the same bytes", replayed, lines)
        server.start()


def driver_rows(server, where):
    """A driver that reads row by row: psycopg's single-row mode."""
    path = where / "single.db"
    program = (
        "import psycopg\n"
        "with psycopg.connect('') as c, c.cursor() as cursor:\n"
        "    total = sum(len(row[1]) for row in cursor.stream(\"select n, repeat('y', 1000) from"
        ' generate_series(1, %s) n", (20000,)))\n'
        "    print(total)\n"
    )
    environment = server.environment()
    done = record(path, [PYTHON, "-c", program], environment).expect(0)
    expect_equal(done.stdout, b"20000000\n", "bytes read")
    again = replay(path, [PYTHON, "-c", program], environment).expect(0)
    expect_equal(again.stdout, done.stdout, "replayed")


def reader_that_waits(server, where):
    """The app does not read its result: the proxy stops reading, holds little, and goes on when
    the app does."""
    path = where / "slow.db"
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import raw\n"
        "with raw.connect() as peer:\n"
        "    peer.sendall(raw.query(sys.argv[2]))\n"
        "    print('asked', flush=True)\n"
        "    sys.stdin.readline()\n"
        "    total, tail = 0, b''\n"
        "    while tail[-6:-1] != raw.READY:\n"
        "        part = peer.recv(1 << 20)\n"
        "        assert part\n"
        "        total, tail = total + len(part), (tail + part)[-6:]\n"
        "    print(total, flush=True)\n"
    )
    rows = 50_000
    question = f"select repeat('z', 1000) from generate_series(1, {rows})"
    started = Started(
        record_command(path, [PYTHON, "-c", program, PROGRAMS, question]),
        server.environment(user="app_trust"),
    )
    peak = Peak(started.proxy)
    expect_equal(started.line(), "asked", "the program")
    blocked = "select count(*) from pg_stat_activity where wait_event = 'ClientWrite'"
    wait_until(lambda: server.psql(blocked) == "1", "the server waits for its reader")
    started.say("")
    expect(int(started.line()) > rows * 1000, "too few bytes")
    started.finish().expect(0)
    peak.expect_small("a slow reader, recorder")
    expect_whole(path)
    expect_equal(query(path, "select row_count from queries"), [(rows,)], "rows in the file")


def main():
    need_mockproxy()
    suite = Suite()
    server, where = Server(), folder("big")
    suite.run("back-pressure: a reader that waits", reader_that_waits, server, where)
    suite.run("a driver that reads row by row", driver_rows, server, where)
    record_and_replay(suite, server, where, "a row of 64 MB", [VALUE, TAIL])
    record_and_replay(suite, server, where, "16 MB of binary data", [BINARY, TAIL])
    record_and_replay(suite, server, where, f"a result of {ROWS // 1000} MB", [RESULT, TAIL])
    suite.finish()


main()
