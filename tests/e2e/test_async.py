#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What PostgreSQL says besides answers: notices, notifications, the end of sessions. Programs are
recorded on a real server, then run again from the file alone, with the same output."""
import sqlite3

from drivers import PYTHON
from harness import PROGRAMS, Suite, expect, expect_equal, folder, need_mockproxy, record, replay
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
"""


class Async:
    """One server, and a database for each program."""

    def __init__(self):
        self.server, self.where, self.recorded = Server(), folder("async"), {}

    def environment(self, database):
        return self.server.environment(database, PYTHONPATH=str(PROGRAMS))

    def record(self, name, command, schema=SCHEMA, status=0):
        database = self.server.create_database(name, schema=False)
        self.server.psql(schema, database)
        path = self.where / f"{name}.db"
        done = record(path, command, self.environment(database)).expect(status)
        expect(done.stdout, "the program said nothing")
        self.recorded[name] = done
        return path

    def replay(self, name, command, status=0):
        path = self.where / f"{name}.db"
        done = replay(path, command, self.environment(name)).expect(status)
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


CASES = [
    # name, what records it, what replays it
    ("notices", notices, program("pg_notices")),
]


def main():
    need_mockproxy()
    suite, tests = Suite(), Async()
    for name, recorder, _ in CASES:
        suite.run(f"{name}: recorded", recorder, tests)
    tests.server.stop()
    for name, _, command in CASES:
        if name in tests.recorded:
            suite.run(f"{name}: replayed", tests.replay, name, command)
    suite.finish()


main()
