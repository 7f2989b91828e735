#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What PostgreSQL says besides answers: notices, notifications, the end of sessions. Programs are
recorded on a real server, then run again from the file alone, with the same output."""
import os
import signal
import socket
import sqlite3
import struct
import threading

from drivers import LARGE_OBJECTS, NOTIFY, PYTHON
from harness import (
    PROGRAMS,
    Started,
    Suite,
    expect,
    expect_equal,
    folder,
    need_mockproxy,
    pause,
    record,
    record_command,
    replay,
    replay_command,
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


class Breaker:
    """A server that speaks just enough to drop a connection in the middle of an answer, as its query
    says."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                peer = self.socket.accept()[0]
            except OSError:
                return
            with peer:
                peer.recv(65536)
                peer.sendall(b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I")
                sql = peer.recv(65536)[5:-1].decode()
                if "at once" not in sql:
                    column = b"a\0" + struct.pack(">IHIhih", 0, 0, 23, 4, -1, 0)
                    peer.sendall(b"T" + struct.pack(">IH", 6 + len(column), 1) + column)
                    peer.sendall(b"D" + struct.pack(">IHI", 11, 1, 1) + b"7")
                if "reset" in sql:
                    # So that what was sent is read before the reset comes.
                    while peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)[24:28] != bytes(
                        4
                    ):
                        pass
                    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def close(self):
        self.socket.close()


class Async:
    """One server, and a database for each program."""

    def __init__(self):
        self.server = Server("max_prepared_transactions = 5\nwal_level = logical")
        self.where, self.recorded = folder("async"), {}

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
        done = replay(path, command, self.environment(name, **more))
        if status is not None:
            done.expect(status)
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
    expect('function call "oid 871"($1)' in asked, f"calls: {asked}")


def session(tests):
    tests.record("session", program("pg_session"))


def ends(tests):
    path = tests.record("ends", program("ends_psycopg2"))
    expect(not column(path, "select opaque from connection where opaque is not null"), "opaque")
    codes = column(path, "select json_extract(event, '$.error.code') from aside")
    expect({"28P01", "3D000", "57P01", "25P03"} <= set(codes), f"errors: {codes}")


def gives_up(tests):
    # Later than in replay, which waits a little longer than this: on a busy machine it would be over before the client gives up.
    path = tests.record("gives_up", program("gives_up"), AFTER="2", AFTER_TWO="2")
    expect_equal(
        tests.recorded["gives_up"].stdout,
        b"57014\nTrue\n57014 True\nNone\nNone\nTrue\n[('goes on',)]\n",
        "what the program said",
    )
    outcomes = column(
        path,
        "select outcome from queries join exchange using (id) where sql not like '%activity%' order by started_ns",
    )
    expect_equal(outcomes, [2, 1, 2, 0, 1, 0, 1], "outcomes")


def cancel_named(tests):
    # Replay waits a second longer than this for the cancel, and says what became of it at once then.
    tests.record("cancel_named", program("cancel_named"), AFTER="3")
    expect_equal(
        tests.recorded["cancel_named"].stdout,
        b"True\n('57014', True) True\ngoes on\n",
        "what the program said",
    )


def cancel_other(tests):
    """A cancel that comes before what it is to cancel is a miss, and the program asks again: not in each of three tries."""
    for status in (None, None, 0):
        done = tests.replay("cancel_named", program("cancel_named"), status, SWAP="1")
        if done.status == 0:
            return


def broken(tests):
    breaker = Breaker()
    path = tests.record("broken", program("pg_broken"), PGPORT=str(breaker.port))
    breaker.close()
    flags = column(path, "select flags & ~32 from exchange order by started_ns")
    expect_equal(flags, [4096, 8192] * 2, "who cut them")


def told(tests):
    environment = tests.environment(tests.server.create_database("told", schema=False))
    record(tests.where / "told.db", program("pg_told"), environment).expect(0)


def told_before(tests):
    """The proxy is stopped until both connections have said something: what the second one is answered holds what the first one notified of."""
    command = replay_command(tests.where / "told.db", program("pg_told"), ["--workers=1"])
    started = Started(command, tests.environment("told"))
    expect_equal(started.line(), "ready", "the program")
    pause(started.proxy)
    try:
        expect_equal(started.ask(""), "sent", "the program")
    finally:
        os.kill(started.proxy, signal.SIGCONT)
    answer = started.line()
    started.finish().expect(0)
    expect("A(jobs, told) " in answer, f"what the listener was answered: {answer}")


def replication(tests):
    schema = "create table sent (n int); create publication p for table sent"
    path = tests.record("replication", program("pg_replication"), schema)
    expect(not column(path, "select opaque from connection where opaque is not null"), "opaque")
    kinds = column(path, "select count(*) from exchange where flags & 16")
    expect(kinds == [1], f"the stream is not marked: {kinds}")


def replication_refused(tests):
    path = tests.where / "replication.db"
    command = program("pg_replication")
    done = replay(path, command, tests.environment("replication")).expect(3)
    lines = done.stdout.decode().splitlines()
    expect("FATAL MP002 mockproxy: a replication connection" in lines[1], f"{lines}")
    expect_equal(lines[-1], tests.recorded["replication"].stdout.decode().splitlines()[-1], "after")
    done.says("replication connection")


CASES = [
    # name, what records it, what replays it
    ("notices", notices, program("pg_notices")),
    ("notify", notify, program("pg_notify")),
    ("calls", calls, program("pg_calls")),
    ("session", session, program("pg_session")),
    ("ends", ends, program("ends_psycopg2")),
    ("broken", broken, program("pg_broken")),
    ("gives_up", gives_up, program("gives_up")),
    ("cancel_named", cancel_named, program("cancel_named")),
]


def record_driver(tests, driver):
    driver.prepare()
    path = tests.record(driver.name, driver.command(), **driver.environment)
    if driver in NOTIFY:
        expect("row" in str(column(path, "select event from aside")), "nothing of the trigger")
    flagged = column(path, "select text from exchange where flags & ~2")
    expect(not flagged, f"not stored: {flagged}")


def replay_driver(tests, driver):
    tests.replay(driver.name, driver.command(), **driver.environment)


def main():
    need_mockproxy()
    suite, tests = Suite(), Async()
    for name, recorder, _ in CASES:
        suite.run(f"{name}: recorded", recorder, tests)
    suite.run("replication: recorded", replication, tests)
    suite.run("a notification on its way: recorded", told, tests)
    for driver in NOTIFY + LARGE_OBJECTS:
        suite.run(f"{driver.name}: recorded", record_driver, tests, driver)
    tests.server.stop()
    for name, _, command in CASES:
        if name in tests.recorded:
            suite.run(f"{name}: replayed", tests.replay, name, command)
    if "cancel_named" in tests.recorded:
        suite.run("cancel_named: replayed, the other one of a pool", cancel_other, tests)
    suite.run("a notification on its way: replayed", told_before, tests)
    if "replication" in tests.recorded:
        suite.run("replication: refused in replay", replication_refused, tests)
    for driver in NOTIFY + LARGE_OBJECTS:
        if driver.name in tests.recorded:
            suite.run(f"{driver.name}: replayed", replay_driver, tests, driver)
    suite.finish()


main()
