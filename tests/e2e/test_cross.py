#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A recording made with one driver serves another that asks the same: one identity for every way
of asking."""
from drivers import DRIVERS, PYTHON
from harness import (
    PROGRAMS,
    Suite,
    expect_equal,
    expect_refused,
    folder,
    need_mockproxy,
    record,
    replay,
)
from postgres import Server
from recording import expect_whole

ASK = {
    "psycopg2": [PYTHON, PROGRAMS / "ask.py", "psycopg2"],
    "psycopg3": [PYTHON, PROGRAMS / "ask.py", "psycopg3"],
    "psycopg3 binary": [PYTHON, PROGRAMS / "ask.py", "psycopg3_binary"],
    "asyncpg": [PYTHON, PROGRAMS / "ask.py", "asyncpg"],
    "node_pg": ["node", PROGRAMS / "ask.js", "node_pg"],
    "postgres_js": ["node", PROGRAMS / "ask.js", "postgres_js"],
}

# node-postgres says no types and asks for none, and asyncpg needs them to encode its values.
NOT_POSSIBLE = {("node_pg", "asyncpg")}


def record_with(server, path, name):
    program = next(program for program in DRIVERS if program.name == name.split()[0])
    program.prepare()
    environment = server.environment(server.create_database("asked"), **program.environment)
    done = record(path, ASK[name], environment).expect(0)
    expect_whole(path)
    return done.stdout, environment


def replay_with(path, name, expected, environment):
    done = replay(path, ASK[name], environment)
    expect_equal(
        done.stdout,
        expected,
        f"the output differs; exit status {done.status}\n{done.errors()[-3000:]}",
    )
    done.expect(0)


def main():
    need_mockproxy()
    suite = Suite()
    server, where = Server(), folder("cross")
    recorded = {}
    for name in ASK:
        result = suite.run(f"{name}: recorded", record_with, server, where / f"{name}.db", name)
        if result:
            recorded[name] = result
    outputs = {stdout for stdout, _ in recorded.values()}
    suite.run(
        "all drivers report the same",
        expect_equal,
        len(outputs),
        1,
        f"different reports: {outputs}",
    )
    server.stop()
    expect_refused(server.port)
    for source, (expected, _) in recorded.items():
        for target, (_, environment) in recorded.items():
            if source != target and (source, target) not in NOT_POSSIBLE:
                suite.run(
                    f"recorded with {source}, replayed with {target}",
                    replay_with,
                    where / f"{source}.db",
                    target,
                    expected,
                    environment,
                )
    suite.finish()


main()
