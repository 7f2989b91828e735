# SPDX-License-Identifier: Apache-2.0
"""A program in a real driver: recorded on a real server, then run again from the file alone with
the same output. Of every protocol."""
from harness import Failure, Listener, expect, expect_equal, expect_refused, record, replay
from recording import contains, expect_whole, query

# What differs from the recorded run, which has a pool of 3 in the order of writing.
REPLAYS = {
    "replayed": (3, 0),
    "replayed once more": (3, 0),
    "with a pool three times as large": (9, 0),
    "in another order": (3, 7),
    "in another order on one connection": (1, 8),
}


class Recorded:
    """What a program printed while it was recorded on this server."""

    def __init__(self, server, program, path, database, stdout):
        self.server, self.program, self.path = server, program, path
        self.database, self.stdout = database, stdout

    def replay(self, pool, seed):
        environment = self.server.environment(self.database, **self.program.environment)
        done = replay(self.path, self.program.command(pool, seed), environment)
        expect_equal(
            done.stdout,
            self.stdout,
            f"the output differs; exit status {done.status}\n{done.errors()[-3000:]}",
        )
        done.expect(0)


def record_program(server, program, path, secrets, flags):
    """`flags`: those that exchanges of this program may have."""
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
        flags,
    )
    expect(not flagged, f"exchanges with flags: {flagged}")
    ways = query(path, "select distinct address, port from endpoint")
    expect_equal(ways, [("127.0.0.1", server.port)], "the connections go elsewhere")
    found = contains(path, *secrets)
    expect(not found, f"the file holds {found}")
    return Recorded(server, program, path, database, done.stdout)


def not_recorded(*_):
    raise Failure("was not recorded")


def replay_all(suite, programs, recorded, replays):
    """Replays everything after the servers are gone; nobody gets out to where they were.
    `recorded` is by name."""
    ports = {one.server.port for one in recorded.values() if one}
    for port in ports:
        expect_refused(port)
    outside = [Listener(port=port) for port in ports]
    for name in programs:
        for what, (pool, seed) in replays.items():
            one = recorded[name]
            suite.run(f"{name}: {what}", one.replay if one else not_recorded, pool, seed)
    for listener in outside:
        suite.run("nothing got out while replaying", listener.expect_nobody)
