#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The ends of MySQL sessions: servers that end one by themselves, clients that leave. Recorded on real servers, and replayed without
them: a session ends where it did, and no other one does."""
import re

from drivers import PYTHON
from harness import (
    PROGRAMS,
    Suite,
    expect,
    expect_equal,
    folder,
    need_mockproxy,
    record,
    replay,
)
from mysql import KINDS, WITHOUT_PASSWORD, Server
from recording import query

REFUSED = [PYTHON, PROGRAMS / "mysql_refused.py"]
CODES = re.compile("1153|2006|2013")
ENDS = [PYTHON, PROGRAMS / "mysql_ends.py"]
# Long enough that nothing in replay takes so long: what ends a session there is not the time.
PAUSE = 4
IDLE = {"mariadb": b"['reset']", "mysql": b"[0, 4031, 'closed']"}
LAST_WORDS = (b"[1, 1927, 'closed']", b"['closed']")

POOL = """
import os, select, sys
import sqlalchemy as sa
e, ping = os.environ, sys.argv[1] == "ping"
where = sa.engine.URL.create("mysql+pymysql", e["MYSQL_USER"], e["MYSQL_PWD"] or None, e["MYSQL_HOST"], int(e["MYSQL_TCP_PORT"]), e["MYSQL_DATABASE"])
engine = sa.create_engine(where, pool_pre_ping=ping, connect_args={"init_command": "set wait_timeout = 1"})
opened = []
sa.event.listen(engine, "connect", lambda *_: opened.append(1))
def ask(what):
    try:
        with engine.connect() as connection:
            print(connection.execute(sa.text(f"select '{what}'")).scalar())
            return connection.connection.dbapi_connection._sock
    except sa.exc.DBAPIError as error:
        print(what, type(error).__name__, error.connection_invalidated)
select.select([ask("first")], [], [], 60)
ask("second")
ask("third")
print(len(opened), "connections")
"""


def lines_of(done):
    return done.stdout.decode().splitlines()


class Ends:
    """One kind of server."""

    def __init__(self, kind):
        self.kind = kind
        self.server = Server(kind)
        self.where = folder("ends")
        self.server.create_database("ends")

    def environment(self, **more):
        return self.server.environment("ends", WITHOUT_PASSWORD, **more)

    def record(self, names, wanted):
        """Returns the recording; what was printed must be as expected."""
        path = self.where / f"{names[0]}.db"
        done = record(path, [*ENDS, *names], self.environment(PAUSE=str(PAUSE)))
        expect_equal(done.stdout, wanted, f"recorded: {done.errors()}")
        opaque = query(path, "select opaque from connection where opaque is not null")
        expect(not opaque, f"opaque: {opaque}")
        return path

    def replay(self, path, names, wanted):
        for _ in range(3):  # some of it must not take seconds, which a busy machine may do
            done = replay(path, [*ENDS, *names], self.environment())
            if done.stdout == wanted:
                break
        expect_equal(done.stdout, wanted, f"replayed: {done.errors()}")
        expect_equal(done.status, 0, f"exit status: {done.errors()}")

    def same(self, name, wanted):
        path = self.record([name], wanted)
        self.replay(path, [name], wanted)
        return path

    def idle(self):
        path = self.same("idle", b"idle then idle " + IDLE[self.kind] + b"\n")
        found = query(path, "select ordinal, within, event from aside")
        expect(
            len(found) == 1 and found[0][:2] == (2, 0), f"behind the second exchange: {found}"
        )

    def between(self):
        self.same("between", b"between ['closed']\n")

    def asked(self):
        path = self.same("asked", b"asked ended\nelsewhere behind the end\n")
        found = query(path, "select flags from exchange where outcome = 0")
        expect_equal(found, [(32768 | 32,)], "what was asked behind the end")

    def pinged(self):
        self.same("pinged", b"pinged ended\n")

    def prepared(self):
        self.same("prepared", b"prepared ended\n")

    def goes_on(self):
        """Nobody knows that the server would have ended a session that is asked something else."""
        self.same("goes_on", b"goes on more\n")

    def working(self):
        path = self.same("working", b"working True\n")
        found = query(path, "select count(*) from exchange where flags & ?", 4096 | 8192)
        expect_equal(found, [(1,)], "cut by the server")

    def leaves(self):
        path = self.same("leaves", b"leaves\n0\n")
        found = query(path, "select outcome, first_byte_ns from exchange order by started_ns")
        expect_equal(found[0], (0, None), "an answer that nobody read")

    def rows(self):
        """The rows that were got are there, and behind them nothing; who waits longer is told that this is not all."""
        path = self.where / "rows.db"
        done = record(path, [*ENDS, "rows"], self.environment())
        expect(done.stdout.startswith(b"rows 100 "), f"recorded: {done.errors()}")
        expect_equal(query(path, "select outcome, flags from exchange"), [(0, 32)], "cut")
        self.replay(path, ["rows"], done.stdout)
        read = replay(path, [*ENDS, "all_rows"], self.environment())
        lines = read.stdout.splitlines()
        expect(int(lines[0].split()[1]) >= 100, f"the rows: {lines}")
        expect_equal(lines[0].split()[2], done.stdout.split()[2], "the first of them")
        expect(b"mockproxy: recorded without" in lines[1], f"then: {lines}")

    def pool(self, how):
        """A pool whose connections idle too long: with a look before, and without."""
        path = self.where / f"pool-{how}.db"
        command = [PYTHON, "-c", POOL, how]
        done = record(path, command, self.environment())
        second = b"second\n" if how == "ping" else b"second OperationalError True\n"
        wanted = b"first\n" + second + b"third\n2 connections\n"
        expect_equal(done.stdout, wanted, f"recorded: {done.errors()}")
        again = replay(path, command, self.environment())
        expect_equal(again.stdout, wanted, f"replayed: {again.errors()}")

    def refused(self):
        """Statements above max_allowed_packet: the server says so when it has read their length, and leaves. What a client that could send
        all of it hears of that is chance there, and is the error in replay; who could not finds its connection broken."""
        path = self.where / "refused.db"
        done = record(path, [*REFUSED, "2000000", "20000000"], self.environment())
        lines = lines_of(done)
        expect(all(CODES.search(line) for line in lines[:6]), f"recorded: {lines}")
        expect_equal(lines[6:], ["raised ((2000000,),)"], f"recorded: {done.errors()}")
        found = query(path, "select distinct sql from queries where error is not null")
        expect(("PACKET OF 16777215 BYTES",) in found, f"recorded: {found}")
        told = ["2000000 pymysql 1153", "2000000 mysqlclient 1153", "2000000 mariadb ['ERROR 1153']"]
        for _ in range(3):  # a client that is off its processor for a second is not told
            again = replay(path, [*REFUSED, "2000000", "20000000"], self.environment())
            if lines_of(again) == told + lines[3:]:
                break
        expect_equal(lines_of(again), told + lines[3:], f"replayed: {again.errors()}")
        other = replay(path, [*REFUSED, "1999999"], self.environment())
        expect_equal(lines_of(other)[0], "1999999 pymysql 1105", "another length")

    def shutdown(self):
        """Whether MariaDB says a last word to the session that told it is chance: replay says what was said."""
        path = self.where / "shutdown.db"
        done = record(path, [*ENDS, "shutdown"], self.environment())
        answers = [b"shutdown b'\\x00' " + word + b"\nidle ['closed']\n" for word in LAST_WORDS]
        expect(done.stdout in answers, f"recorded: {done.stdout} {done.errors()}")
        self.server.stop()
        self.replay(path, ["shutdown"], done.stdout)


def main():
    need_mockproxy()
    suite = Suite()
    for kind in KINDS:
        ends = suite.run(f"{kind}: started", Ends, kind)
        if ends is None:
            continue
        for name in ("idle", "between", "asked", "pinged", "prepared", "goes_on", "working"):
            suite.run(f"{kind}, the server ends it: {name}", getattr(ends, name))
        suite.run(f"{kind}, the client leaves before the answer", ends.leaves)
        suite.run(f"{kind}, the client leaves in the midst of rows", ends.rows)
        suite.run(f"{kind}, a pool that looks first", ends.pool, "ping")
        suite.run(f"{kind}, a pool that does not", ends.pool, "trust")
        suite.run(f"{kind}, refused by their length", ends.refused)
        suite.run(f"{kind}, the server is shut down", ends.shutdown)
    suite.finish()


main()
