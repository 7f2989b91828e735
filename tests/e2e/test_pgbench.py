#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""pgbench -S with 8 clients in its three modes: every transaction is an exchange, and is replayed.

Records for 2 seconds, or for as long as MOCKPROXY_PGBENCH_SECONDS says.
"""
import os
import re
import subprocess

from harness import (
    Failure,
    Suite,
    expect,
    expect_equal,
    expect_refused,
    folder,
    need_mockproxy,
    record,
    replay,
)
from postgres import Server
from recording import expect_whole, query

SECONDS = int(os.environ.get("MOCKPROXY_PGBENCH_SECONDS", "2"))
# Transactions of each client in what is replayed. A run that is limited by time is no measure: how
# many a client gets to is up to the machine.
EACH = 500
MODES = ("simple", "extended", "prepared")
RESTLESS = ("--restless", "--workers=4")  # connections go from worker to worker all the time
TRANSACTION = "SELECT abalance FROM pgbench_accounts WHERE aid = %"
# What pgbench 15 asks before it begins; the second one looks for partitions.
START = [
    "select count(*) from pgbench_branches",
    "select o.n, p.partstrat, pg_catalog.count(i.inhparent)",
    "truncate pgbench_history",
    "vacuum pgbench_branches",
    "vacuum pgbench_tellers",
]


def pgbench(mode, *length):
    return [
        "pgbench",
        "-S",
        "-c",
        "8",
        "-j",
        "2",
        "-M",
        mode,
        "--random-seed=4711",
        *map(str, length),
    ]


def transactions(done):
    found = re.search(rb"number of transactions actually processed: (\d+)", done.stdout)
    if not found:
        raise Failure(f"pgbench said: {done.stdout.decode()}")
    return int(found.group(1))


def record_mode(server, path, mode, length, options=()):
    done = record(
        path, pgbench(mode, *length), server.environment("bench"), options, timeout=SECONDS + 60
    ).expect(0)
    expect_whole(path)
    [(executed,)] = query(path, "select count(*) from queries where sql like ?", TRANSACTION)
    expect_equal(
        executed,
        transactions(done),
        "execute-exchanges in the file, and transactions that pgbench counted",
    )
    others = query(path, "select sql from queries where sql not like ? order by 1", TRANSACTION)
    expect_equal(
        [sql[: len(start)] for (sql,), start in zip(others, START)],
        START,
        "the questions at pgbench's start",
    )
    expect_equal(len(others), len(START), f"other questions than those of its start: {others}")


def replay_mode(server, path, mode, options=()):
    """The same seed gives the same questions, in this mode and in the others."""
    done = replay(path, pgbench(mode, "-t", EACH), server.environment("bench"), options).expect(0)
    expect_equal(transactions(done), 8 * EACH, "transactions")


def other_seed(server, path):
    """Other questions: a miss, said as such."""
    command = [*pgbench("simple", "-t", 100), "--random-seed=1"]
    done = replay(path, command, server.environment("bench"))
    expect(done.status != 0, "exit status 0")


def main():
    need_mockproxy()
    suite = Suite()
    server, where = Server(), folder("pgbench")
    server.create_database("bench", schema=False)
    subprocess.run(
        ["pgbench", "-i", "-q"],
        env=server.environment("bench"),
        check=True,
        stderr=subprocess.DEVNULL,
    )
    for mode in MODES:
        timed, counted = where / f"{mode}-timed.db", where / f"{mode}.db"
        what = f"{mode}: as many exchanges as transactions"
        suite.run(f"{what}, -T {SECONDS}", record_mode, server, timed, mode, ("-T", SECONDS))
        suite.run(f"{what}, -t {EACH}", record_mode, server, counted, mode, ("-t", EACH))
    what = "restless connections: as many exchanges as transactions"
    restless = where / "restless.db"
    suite.run(what, record_mode, server, restless, "prepared", ("-t", EACH), RESTLESS)
    server.stop()
    expect_refused(server.port)
    for mode in MODES:
        path = where / f"{mode}.db"
        for other in MODES:
            what = f"{mode}: replayed as {other} with the same seed, no miss"
            suite.run(what, replay_mode, server, path, other)
        suite.run(f"{mode}: replayed with another seed, misses", other_seed, server, path)
    for mode in MODES:
        what = f"restless connections: replayed as {mode}"
        suite.run(what, replay_mode, server, restless, mode, RESTLESS)
    suite.finish()


main()
