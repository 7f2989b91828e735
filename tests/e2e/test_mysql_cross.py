#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A recording made with one driver of MySQL serves another that asks the same, as text or
prepared: one identity for every way of asking."""
from drivers import MYSQL_ASK
from harness import (
    Suite,
    expect_equal,
    expect_refused,
    folder,
    need_mockproxy,
    record,
    replay,
)
from mysql import KINDS, Server
from recording import expect_whole


def record_with(server, path, program):
    program.prepare()
    environment = server.environment(server.create_database("asked"), **program.environment)
    done = record(path, program.command(), environment).expect(0)
    expect_whole(path)
    return done.stdout, environment


def replay_with(path, program, expected, environment):
    done = replay(path, program.command(), environment)
    expect_equal(
        done.stdout,
        expected,
        f"the output differs; exit status {done.status}\n{done.errors()[-3000:]}",
    )
    done.expect(0)


def pairs(kind, names):
    """On MariaDB every pair with one that stands for a way of asking: text, numbers as DOUBLE,
    strings for everything. On MySQL what was recorded as text and as DOUBLE."""
    kinds = ("pymysql", "mysql2 execute", "PDO native")
    for source in names:
        for target in names:
            if source != target and (
                source in kinds[:2] or (kind == "mariadb" and (source in kinds or target in kinds))
            ):
                yield source, target


def run_kind(suite, kind):
    server, where = Server(kind), folder("cross")
    recorded = {}
    for program in MYSQL_ASK:
        path = where / f"{program.name}.db"
        result = suite.run(f"{kind}, {program.name}: recorded", record_with, server, path, program)
        if result:
            recorded[program.name] = (program, path, *result)
    outputs = {stdout for _, _, stdout, _ in recorded.values()}
    suite.run(
        f"{kind}: all drivers report the same",
        expect_equal,
        len(outputs),
        1,
        f"different reports: {outputs}",
    )
    server.stop()
    expect_refused(server.port)
    for source, target in pairs(kind, recorded):
        _, path, expected, _ = recorded[source]
        program, _, _, environment = recorded[target]
        suite.run(
            f"{kind}: recorded with {source}, replayed with {target}",
            replay_with,
            path,
            program,
            expected,
            environment,
        )


def main():
    need_mockproxy()
    suite = Suite()
    for kind in KINDS:
        if suite.chosen(f"{kind},") or suite.chosen(f"{kind}:"):
            run_kind(suite, kind)
    suite.finish()


main()
