#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Large HTTP bodies, many connections and slow clients through the proxy, whose memory stays flat.

Bodies of 64 MB by default, of 4 GiB with MOCKPROXY_BIG=1 (which needs 20 GB of disk in /tmp).
"""
import os
import resource
import shutil
import subprocess

from drivers import PYTHON
from harness import (
    PROGRAMS,
    Skip,
    Suite,
    end_session,
    expect_equal,
    expect_refused,
    folder,
    free_port,
    need_mockproxy,
    record_command,
    replay_command,
    spawn,
)
from memory import hold_many, record_and_replay, run_stream
from recording import expect_whole, query

BIG = os.environ.get("MOCKPROXY_BIG") == "1"
SIZE = 4 << 30 if BIG else 64 << 20
DISK = 5 * SIZE
SLOW_CLIENTS = 20
MANY = 9_900
STREAM = [PYTHON, PROGRAMS / "http_stream.py"]


class Server:
    """programs/http_stream.py, on the same port each time."""

    def __init__(self):
        self.port = free_port()
        self.process = None
        self.start()

    def start(self):
        self.process = spawn([*STREAM, "serve", str(self.port)], stdout=subprocess.PIPE)
        expect_equal(int(self.process.stdout.readline()), self.port, "the server's port")

    def stop(self):
        end_session(self.process)
        self.process.stdout.close()


def large(suite, server, where):
    if shutil.disk_usage(where).free < DISK:
        raise Skip(f"{DISK >> 30} GiB of disk are not there")
    path = where / "large.db"
    command = [*STREAM, "large", str(server.port), str(SIZE)]
    record_and_replay(
        suite, server, path, f"{SIZE >> 20} MiB down and up", command, dict(os.environ), 2
    )
    path.unlink(missing_ok=True)


def expect_slow(lines):
    print("#", lines[2], flush=True)
    expect_equal(
        lines[:2], [f"said {SLOW_CLIENTS}", f"taken {SLOW_CLIENTS}"], "slow clients that came through"
    )


def slow_recorded(server, path):
    command = [*STREAM, "slow", str(server.port), str(SLOW_CLIENTS)]
    expect_slow(run_stream(record_command(path, command), None, 3, "slow clients, recorder"))
    expect_whole(path)
    rows = query(path, "select method, count(*) from http where url like '%slow.test%' group by 1")
    expect_equal(rows, [("GET", SLOW_CLIENTS), ("PUT", SLOW_CLIENTS)], "exchanges of slow clients")


def slow_replayed(server, path):
    expect_refused(server.port)
    command = [*STREAM, "slow", str(server.port), str(SLOW_CLIENTS)]
    expect_slow(
        run_stream(replay_command(path, command), None, 3, "slow clients, replayer", mapped=True)
    )


def many_recorded(path):
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if 2 * MANY + 100 > limit:
        raise Skip(f"the descriptor limit is {limit}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    server = spawn([PYTHON, PROGRAMS / "canned.py"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        port = int(server.stdout.readline())
        app = [PYTHON, PROGRAMS / "hold.py", str(MANY), str(port)]
        hold_many(record_command(path, app), None, MANY, "recorder")
    finally:
        server.stdin.close()
        server.wait()
    expect_whole(path)
    expect_equal(
        query(path, "select count(*), count(distinct connection), max(status) from http"),
        [(2 * MANY, MANY, 200)],
        "exchanges",
    )
    return port


def main():
    need_mockproxy()
    suite = Suite()
    server, where = Server(), folder("http-big")
    if suite.run("slow clients, recorded", slow_recorded, server, where / "slow.db"):
        server.stop()
        suite.run("slow clients, replayed", slow_replayed, server, where / "slow.db")
        server.start()
    port = suite.run(f"{MANY} keep-alive connections, recorded", many_recorded, where / "many.db")
    if port:
        app = [PYTHON, PROGRAMS / "hold.py", str(MANY), str(port)]
        suite.run(
            f"{MANY} keep-alive connections, replayed",
            hold_many,
            replay_command(where / "many.db", app),
            None,
            MANY,
            "replayer",
        )
    if suite.chosen("down and up"):
        large(suite, server, where)
    suite.finish()


main()
