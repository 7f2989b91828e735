#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""sysbench with 8 threads, prepared and not: as many exchanges in the file as the server counted
commands, and the same seed is replayed without a miss."""
from harness import (
    PROGRAMS,
    Failure,
    Suite,
    expect,
    expect_refused,
    folder,
    need_mockproxy,
    record,
    replay,
    run,
)
from mysql import KINDS, PASSWORD, Server
from recording import expect_count, expect_whole

SCRIPT = PROGRAMS / "sysbench_each.lua"
THREADS = 8
EVENTS = {"oltp_point_select": 500, "oltp_read_write": 20}  # of each thread
MODES = ("auto", "disable")  # --db-ps-mode: prepared in the server where that can be, and never
# What the server counts, and the texts that are counted in the file.
COUNTED = {
    "Com_select": "select%",
    "Com_insert": "insert%",
    "Com_update": "update%",
    "Com_delete": "delete%",
    "Com_begin": "begin%",
    "Com_commit": "commit%",
}


def sysbench(server, script, *options, seed=4711):
    return [
        "sysbench",
        script,
        "--db-driver=mysql",
        "--mysql-host=127.0.0.1",
        f"--mysql-port={server.port}",
        "--mysql-user=app",
        f"--mysql-password={PASSWORD}",
        "--mysql-db=bench",
        "--table-size=10000",
        # No hot rows, so no deadlocks that depend on the machine.
        "--rand-type=uniform",
        f"--rand-seed={seed}",
        "--time=0",
        "--events=0",
        *options,
    ]


def run_command(server, mode, seed=4711):
    return sysbench(
        server, SCRIPT, f"--threads={THREADS}", f"--db-ps-mode={mode}", "run", seed=seed
    )


def environment(server, workload):
    return server.environment("bench", WORKLOAD=workload, EVENTS=str(EVENTS[workload]))


def prepare(server):
    server.create_database("bench", schema=False)
    done = run(sysbench(server, "oltp_common", "prepare"), server.environment("bench"))
    if done.status:
        raise Failure(f"sysbench: {done.stdout.decode()}")


def record_run(server, path, workload, mode):
    before = server.status(*COUNTED)
    record(path, run_command(server, mode), environment(server, workload)).expect(0)
    after = server.status(*COUNTED)
    expect_whole(path)
    expect(after["Com_select"] - before["Com_select"] >= THREADS * EVENTS[workload], "too few")
    for counter, pattern in COUNTED.items():
        expect_count(path, pattern, after[counter] - before[counter])


def replay_run(server, path, workload, mode):
    done = replay(path, run_command(server, mode), environment(server, workload)).expect(0)
    events = f"total number of events:              {THREADS * EVENTS[workload]}"
    expect(events.encode() in done.stdout, f"not so many events:\n{done.stdout.decode()}")


def other_seed(server, path, mode):
    done = replay(path, run_command(server, mode, seed=1), environment(server, "oltp_read_write"))
    expect(done.status != 0, "exit status 0")
    done.says("miss")


RECORDED = "as many exchanges as commands"


def run_kind(suite, kind):
    server, where = Server(kind), folder("sysbench")
    prepare(server)
    cases = [(workload, mode) for workload in EVENTS for mode in MODES]
    for workload, mode in cases:
        path = where / f"{workload}-{mode}.db"
        name = f"{kind}, {workload}, {mode}: {RECORDED}"
        suite.run(name, record_run, server, path, workload, mode)
    server.stop()
    expect_refused(server.port)
    for workload, mode in cases:
        path = where / f"{workload}-{mode}.db"
        for other in MODES:
            name = f"{kind}, {workload}, {mode}: replayed as {other} with the same seed, no miss"
            if path.exists():  # else it was not chosen, or it failed aloud
                suite.run(name, replay_run, server, path, workload, other)
    path = where / "oltp_read_write-auto.db"
    if path.exists():
        suite.run(f"{kind}: replayed with another seed, misses", other_seed, server, path, "auto")


def main():
    need_mockproxy()
    suite = Suite()
    for kind in KINDS:
        if any(suite.chosen(f"{kind}, {w}, {m}: {RECORDED}") for w in EVENTS for m in MODES):
            run_kind(suite, kind)
    suite.finish()


main()
