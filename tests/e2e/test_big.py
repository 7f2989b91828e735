#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Large results and large values through the proxy, whose memory stays flat, and under 100 MB.

A result of 200 MB by default, of 2 GB with MOCKPROXY_BIG=1, and one row of 64 MB. Only a query is held
whole: one of 40 MB.
"""
import os

from drivers import PYTHON
from harness import (
    PROGRAMS,
    Started,
    Suite,
    expect,
    expect_equal,
    folder,
    need_mockproxy,
    record,
    record_command,
    replay,
    wait_until,
)
from memory import Peak, record_and_replay
from postgres import Server
from recording import expect_whole, query

ROWS = 2_000_000 if os.environ.get("MOCKPROXY_BIG") == "1" else 200_000
RESULT = f"select n, repeat('x', 1000) from generate_series(1, {ROWS}) n"
VALUE = "select 1, repeat('0123456789abcdef', 4 * 1024 * 1024), 2"
BINARY = "select decode(repeat('00ff80fe', 2 * 1024 * 1024), 'hex')"
LONG = 40 * 1024 * 1024
TAIL = "select 'and the connection is usable'"


def stream(*questions):
    return [PYTHON, PROGRAMS / "stream.py", *questions]


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
    environment = server.environment(user="app_trust")
    for name, question in {
        "a row of 64 MB": VALUE,
        "16 MB of binary data": BINARY,
        f"a result of {ROWS // 1000} MB": RESULT,
    }.items():
        command = stream(question, TAIL)
        record_and_replay(suite, server, where / f"{name}.db", name, command, environment, 2)
    name = "a query of 40 MB"
    command = stream(f"LONG:{LONG}", TAIL)
    record_and_replay(suite, server, where / "long.db", name, command, environment, 2, LONG)
    suite.finish()


main()
