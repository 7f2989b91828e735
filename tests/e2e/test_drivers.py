#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Programs in real drivers: recorded on a real server, then run again from the file alone with the
same output."""
from drivers import DRIVERS
from harness import (
    Failure,
    Listener,
    Suite,
    expect,
    expect_equal,
    folder,
    need_mockproxy,
    record,
    replay,
)
from postgres import PASSWORD, Server, expect_refused
from recording import contains, expect_whole, query

# What differs from the recorded run, which has a pool of 3 in the order of writing.
REPLAYS = {
    "replayed": (3, 0),
    "replayed once more": (3, 0),
    "with a pool three times as large": (9, 0),
    "in another order": (3, 7),
    "in another order on one connection": (1, 8),
}
# Flags of exchanges: asyncpg's fetchrow() and pgjdbc's statements without rows ask for one row, and
# the programs go on in a failed transaction to see that they cannot.
ROW_LIMIT, ABORTED = 1 << 1, 1 << 7


def record_program(server, program, path):
    program.prepare()
    database = server.create_database(f"e2e_{program.name}")
    done = record(
        path, program.command(), server.environment(database, **program.environment)
    ).expect(0)
    expect(b"UNEXPECTED" not in done.stdout, f"the program itself failed:\n{done.stdout.decode()}")
    expect_whole(path)
    flagged = query(
        path,
        "select id, flags from exchange where flags & ~? <> 0 limit 5",
        ROW_LIMIT | ABORTED,
    )
    expect(not flagged, f"exchanges with flags: {flagged}")
    ways = query(path, "select distinct address, port from endpoint")
    expect_equal(ways, [("127.0.0.1", server.port)], "the connections go elsewhere")
    found = contains(path, PASSWORD.encode(), b"SCRAM-SHA-256", b"c=biws")
    expect(not found, f"the file holds {found}")
    return done


def replay_program(server, program, path, recorded, pool, seed):
    if recorded is None:
        raise Failure("was not recorded")
    environment = server.environment(f"e2e_{program.name}", **program.environment)
    done = replay(path, program.command(pool, seed), environment)
    expect_equal(
        done.stdout,
        recorded.stdout,
        f"the output differs; exit status {done.status}\n{done.errors()[-3000:]}",
    )
    done.expect(0)


def main():
    need_mockproxy()
    suite = Suite()
    programs = [program for program in DRIVERS if suite.chosen(f"{program.name}: recorded")]
    server, where = Server(), folder("drivers")
    recorded = {}
    for program in programs:
        path = where / f"{program.name}.db"
        recorded[program.name] = suite.run(
            f"{program.name}: recorded", record_program, server, program, path
        )
    server.stop()
    expect_refused(server.port)
    outside = Listener(port=server.port)
    for program in programs:
        for what, (pool, seed) in REPLAYS.items():
            suite.run(
                f"{program.name}: {what}",
                replay_program,
                server,
                program,
                where / f"{program.name}.db",
                recorded[program.name],
                pool,
                seed,
            )
    suite.run("nothing got out while replaying", outside.expect_nobody)
    suite.finish()


main()
