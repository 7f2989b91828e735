#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""9,900 connections at once through the recorder, in bounded memory; then through the replayer."""
import resource
import subprocess

from drivers import PYTHON
from harness import (
    PROGRAMS,
    Skip,
    Started,
    Suite,
    expect_equal,
    folder,
    need_mockproxy,
    record_command,
    replay_command,
    spawn,
)
from memory import hold_many
from recording import expect_whole, query

COUNT = 9_900


def environment(port):
    return {
        "PATH": "/usr/bin:/bin",
        "PGHOST": "127.0.0.1",
        "PGPORT": str(port),
        "PGUSER": "many",
        "PGDATABASE": "many",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def hold(command, port, what):
    hold_many(command, environment(port), COUNT, what)


def recorded(path):
    server = spawn([PYTHON, PROGRAMS / "canned.py"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        port = int(server.stdout.readline())
        hold(record_command(path, [PYTHON, PROGRAMS / "hold.py", str(COUNT)]), port, "recorder")
    finally:
        server.stdin.close()
        server.wait()
    expect_whole(path)
    expect_equal(
        query(path, "select count(*), count(distinct connection) from queries"),
        [(2 * COUNT, COUNT)],
        "exchanges",
    )
    return port


def too_many(path):
    """Above the descriptor limit: it is said, and what fits works."""
    server = spawn([PYTHON, PROGRAMS / "canned.py"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        port = int(server.stdout.readline())
        # The app's own limit is higher than the proxy's.
        app = [
            "sh",
            "-c",
            f'ulimit -Sn {COUNT}; exec "$@"',
            "sh",
            PYTHON,
            PROGRAMS / "hold.py",
            "20",
        ]
        command = ["sh", "-c", 'ulimit -Sn 200; exec "$@"', "sh", *record_command(path, app)]
        started = Started(command, environment(port))
        expect_equal(started.line(), "held 20", "the app")
        started.say("")
        expect_equal(started.line(), "still 20", "the app")
        started.finish().expect(0)
    finally:
        server.stdin.close()
        server.wait()


def main():
    need_mockproxy()
    suite = Suite()
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    where = folder("many")

    def enough():
        if 2 * COUNT + 100 > limit:
            raise Skip(f"the descriptor limit is {limit}")
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
        return recorded(where / "many.db")

    port = suite.run(f"{COUNT} connections at once, recorded", enough)
    if port:
        suite.run(
            f"{COUNT} connections at once, replayed",
            hold,
            replay_command(where / "many.db", [PYTHON, PROGRAMS / "hold.py", str(COUNT)]),
            port,
            "replayer",
        )
    suite.run("a low descriptor limit", too_many, where / "low.db")
    suite.finish()


main()
