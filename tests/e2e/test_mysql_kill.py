#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""KILL: in replay sessions have the numbers that the recorded ones had, and who kills one, or what it does, reaches it."""
from drivers import PYTHON
from harness import PROGRAMS, Suite, expect, expect_equal, folder, need_mockproxy, record, replay
from mysql import KINDS, WITHOUT_PASSWORD, Server
from recording import query

PROGRAM = [PYTHON, PROGRAMS / "mysql_kill.py"]


def recorded(server, path):
    # Longer than in replay, which waits a little longer than this for the KILL.
    done = record(path, PROGRAM, server.environment("kills", WITHOUT_PASSWORD, AFTER="2"))
    done.expect(0)
    opaque = query(path, "select id, opaque from connection where opaque is not null")
    expect(not opaque, f"opaque: {opaque}")
    expect_equal(done.stdout.count(b"silent True"), 3, f"who was asleep: {done.stdout}")
    return done


def replayed(server, path, done, environment):
    again = replay(path, PROGRAM, server.environment("kills", WITHOUT_PASSWORD, **environment))
    expect_equal(again.stdout, done.stdout, f"the output differs\n{again.errors()[-3000:]}")


def run_kind(suite, kind):
    server, path = Server(kind), folder("kills") / "kill.db"
    server.create_database("kills", schema=False)
    done = suite.run(f"{kind}: recorded", recorded, server, path)
    server.stop()
    if done:
        suite.run(f"{kind}: replayed", replayed, server, path, done, {})
        what = "replayed, the other one of a pool is killed"
        suite.run(f"{kind}: {what}", replayed, server, path, done, {"SWAP": "1"})


def main():
    need_mockproxy()
    suite = Suite()
    for kind in KINDS:
        run_kind(suite, kind)
    suite.finish()


main()
