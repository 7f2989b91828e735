#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What PostgreSQL says besides answers: notices, notifications, the end of sessions. Programs are
recorded on a real server, then run again from the file alone, with the same output."""
import sqlite3

from drivers import LARGE_OBJECTS, NOTIFY, PYTHON
from harness import (
    PROGRAMS,
    Started,
    Suite,
    expect,
    expect_equal,
    folder,
    need_mockproxy,
    record_command,
    replay,
)
from postgres import Server

SCHEMA = """
create function loud(n int) returns int language plpgsql as
    $$ begin raise notice 'loud %', n; return n; end $$;
create function constant(n int) returns int immutable language plpgsql as
    $$ begin raise notice 'constant %', n; return n; end $$;
create table late (n int);
create function late() returns trigger language plpgsql as
    $$ begin raise notice 'late %', new.n; return null; end $$;
create constraint trigger late after insert on late deferrable initially deferred
    for each row execute function late();
create table work (n int);
create function work() returns trigger language plpgsql as
    $$ begin perform pg_notify('jobs', 'row ' || new.n); return null; end $$;
create trigger work after insert on work for each row execute function work();
"""
# At this line of a program somebody else notifies of something.
OUTSIDE = "outside?"


class Async:
    """One server, and a database for each program."""

    def __init__(self):
        self.server, self.where, self.recorded = Server(), folder("async"), {}

    def environment(self, database, **more):
        return self.server.environment(database, PYTHONPATH=str(PROGRAMS), **more)

    def record(self, name, command, schema=SCHEMA, status=0, **more):
        database = self.server.create_database(name, schema=False)
        self.server.psql(schema, database)
        path = self.where / f"{name}.db"
        run = Started(record_command(path, command), self.environment(database, **more))
        lines = []
        while True:
            lines.append(run.process.stdout.readline())
            if OUTSIDE.encode() in lines[-1]:
                self.server.psql("notify late, 'from outside'; notify late, 'again'", database)
            if not lines[-1]:
                break
        done = run.finish().expect(status)
        done.stdout = b"".join(lines)
        expect(done.stdout, "the program said nothing")
        self.recorded[name] = done
        return path

    def replay(self, name, command, status=0, **more):
        path = self.where / f"{name}.db"
        done = replay(path, command, self.environment(name, **more)).expect(status)
        expect_equal(done.stdout, self.recorded[name].stdout, "the output is another")
        return done


def program(name, *arguments):
    return [PYTHON, PROGRAMS / f"{name}.py", *arguments]


def column(path, sql):
    with sqlite3.connect(path) as database:
        return [row[0] for row in database.execute(sql)]


def notices(tests):
    path = tests.record("notices", program("pg_notices"))
    places = column(
        path,
        "select group_concat(json_extract(e.value, '$.after')) from exchange x,"
        " json_each(x.events) e group by x.id",
    )
    expect(places[0] == "0,1,2,3", f"places of the first query's notices: {places}")


def notify(tests):
    path = tests.record("notify", program("pg_notify"))
    stored = column(path, "select json_extract(event, '$.notification.payload') from aside")
    expect("from outside" in stored and "row 7" in stored, f"notifications: {stored}")


def calls(tests):
    path = tests.record("calls", program("pg_calls"))
    asked = column(path, "select distinct sql from queries where sql like 'function call%'")
    expect("function call \"oid 871\"($1)" in asked, f"calls: {asked}")


CASES = [
    # name, what records it, what replays it
    ("notices", notices, program("pg_notices")),
    ("notify", notify, program("pg_notify")),
    ("calls", calls, program("pg_calls")),
]


def record_driver(tests, driver):
    driver.prepare()
    path = tests.record(driver.name, driver.command(), **driver.environment)
    if driver in NOTIFY:
        expect("row" in str(column(path, "select event from aside")), "nothing of the trigger")
    flagged = column(path, "select sql || flags from flagged where flags <> 'fetched-in-slices '")
    expect(not flagged, f"not stored: {flagged}")


def replay_driver(tests, driver):
    tests.replay(driver.name, driver.command(), **driver.environment)


def main():
    need_mockproxy()
    suite, tests = Suite(), Async()
    for name, recorder, _ in CASES:
        suite.run(f"{name}: recorded", recorder, tests)
    for driver in NOTIFY + LARGE_OBJECTS:
        suite.run(f"{driver.name}: recorded", record_driver, tests, driver)
    tests.server.stop()
    for name, _, command in CASES:
        if name in tests.recorded:
            suite.run(f"{name}: replayed", tests.replay, name, command)
    for driver in NOTIFY + LARGE_OBJECTS:
        if driver.name in tests.recorded:
            suite.run(f"{driver.name}: replayed", replay_driver, tests, driver)
    suite.finish()


main()
