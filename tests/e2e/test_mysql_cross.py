#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A recording made with one driver of MySQL serves another that asks the same, as text or
prepared: one identity for every way of asking."""
from drivers import MYSQL_ASK
from harness import (
    PROGRAMS,
    Failure,
    Suite,
    expect_equal,
    expect_refused,
    folder,
    need_mockproxy,
    record,
    replay,
    run,
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


def labels(form, *statements):
    return ["perl", PROGRAMS / "mysql_labels.pl", form, *statements]


# Recorded as text, replayed prepared.
LABELS = {
    "one template, another order": (
        ["select 'one', 1", "select 'two', 2"],
        ["select 'two', 2", "select 'one', 1"],
    ),
    "a table that was altered, in two time zones": [
        [
            "create table altered (a int, b int)",
            "select * from altered",
            "set time_zone = '+01:00'",
            "alter table altered drop column b",
            "select * from altered",
        ]
    ]
    * 2,
}


def recorded_labels(server, path, texts, prepared):
    environment = server.environment(server.create_database("labels"))
    direct = run(labels("prepared", *prepared), environment).expect(0)
    server.create_database("labels")
    record(path, labels("text", *texts), environment).expect(0)
    return labels("prepared", *prepared), direct.stdout, environment


def found_rows(counts):
    return ["/usr/bin/python3", PROGRAMS / "mysql_found_rows.py", counts]


def recorded_found_rows(server, path, recorded, replayed):
    environment = server.environment(server.create_database("found_rows"))
    direct = run(found_rows(replayed), environment).expect(0)
    server.create_database("found_rows")
    done = record(path, found_rows(recorded), environment).expect(0)
    if done.stdout == direct.stdout:
        raise Failure("what was found and what was changed are the same")
    return found_rows(replayed), direct.stdout, environment


def replay_told(path, command, expected, environment):
    done = replay(path, command, environment)
    expect_equal(done.stdout, expected, f"other words\n{done.errors()[-2000:]}")
    done.expect(0)


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
    told = {}
    for name, (texts, prepared) in LABELS.items():
        path = where / f"labels {len(told)}.db"
        result = suite.run(
            f"{kind}, labels: {name}: recorded", recorded_labels, server, path, texts, prepared
        )
        if result:
            told[f"labels: {name}"] = (path, *result)
    for counts in (("found", "changed"), ("changed", "found")):
        path = where / f"{counts[0]} rows.db"
        result = suite.run(
            f"{kind}, {counts[0]} rows: recorded", recorded_found_rows, server, path, *counts
        )
        if result:
            told[f"{counts[0]} rows, asked for {counts[1]} ones"] = (path, *result)
    server.stop()
    expect_refused(server.port)
    for name, (path, command, expected, environment) in told.items():
        suite.run(f"{kind}, {name}", replay_told, path, command, expected, environment)
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
