#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Replay when the recording has no answer, or no more, or another endpoint; and without rights."""
import os
import pwd

from drivers import PYTHON
from harness import (
    MOCKPROXY,
    PROGRAMS,
    Skip,
    Started,
    Suite,
    expect,
    expect_equal,
    folder,
    free_port,
    need_mockproxy,
    record,
    replay,
    replay_command,
    run,
)
from postgres import Server
from recording import expect_whole, query

APP = [PYTHON, PROGRAMS / "interactive.py"]


def psql(*questions):
    return [
        "psql",
        "-X",
        "-A",
        "-t",
        *[word for question in questions for word in ("-c", question)],
    ]


class Misses:
    """The cases."""

    def __init__(self):
        self.server = Server()
        self.where = folder("miss")
        self.path = self.where / "mocks.db"
        self.environment = self.server.environment(self.server.create_database("missed"))
        record(
            self.path,
            psql(
                "select name from items where id = 5",
                "select name from items where id = 6",
                "begin",
                "select 'in transaction'",
                "commit",
            ),
            self.environment,
        ).expect(0)
        self.ordered = self.where / "ordered.db"
        record(
            self.ordered,
            psql(
                *["select nextval('counter_1')"] * 3,
                *["select balance from accounts where id = 1"] * 2,
                "insert into written (worker, n) values ('once', 1) returning id",
            ),
            self.environment,
        ).expect(0)

    def start(self, options=(), path=None):
        started = Started(replay_command(path or self.path, APP, options), self.environment)
        expect_equal(started.ask("open"), "opened", "the app")
        return started

    def end(self, started, status):
        started.say("exit 0")
        return started.finish().expect(status)

    def miss(self):
        """A proper error that says what was nearest, on a connection that stays usable; exit
        status 3."""
        started = self.start()
        answer = started.ask("sql select name from items where id = 77")
        expect(answer.startswith("error MP"), f"SQLSTATE of our own: {answer}")
        message, detail, hint = answer.split(" | ")
        expect(
            "items" in detail and "77" in detail,
            f"DETAIL names the nearest and the parameter: {detail}",
        )
        expect(hint, "no HINT")
        expect(message, "no message")
        expect_equal(
            started.ask("sql select name from items where id = 5"),
            '[["item 5"]]',
            "the connection afterwards",
        )
        expect(
            started.ask("sql select missing from nowhere").startswith("error MP"), "another miss"
        )
        done = self.end(started, 3)
        done.says("miss", "77", "nowhere")

    def miss_in_transaction(self):
        """The transaction has failed, as after any error; the rollback need not be recorded."""
        started = self.start()
        started.ask("sql begin")
        expect(started.ask("sql select 'not recorded'").startswith("error MP"), "a miss")
        failed = started.ask("sql select 'in transaction'")
        expect(failed.startswith("error 25P02"), f"the transaction goes on: {failed}")
        expect_equal(started.ask("sql rollback"), '"ROLLBACK"', "rollback")
        found = started.ask("sql select name from items where id = 6")
        expect_equal(found, '[["item 6"]]', "afterwards")
        self.end(started, 3)

    def savepoints(self):
        """Drivers number their savepoints: each is there, recorded or not."""
        started = self.start()
        for text in ("begin", "savepoint one_1", "release savepoint one_1", "savepoint two_2"):
            answer = started.ask(f"sql {text}")
            expect(answer == f'"{text.split()[0].upper()}"', f"{text}: {answer}")
        expect(started.ask("sql select 'not recorded'").startswith("error MP"), "a miss")
        expect_equal(started.ask("sql rollback to two_2"), '"ROLLBACK"', "rollback to")
        expect_equal(started.ask("sql select 'in transaction'"), '[["in transaction"]]', "inside")
        expect_equal(started.ask("sql commit"), '"COMMIT"', "commit")
        self.end(started, 3)

    def extended(self):
        """The same through extended queries, and in a pipeline up to its Sync."""
        program = (
            "import psycopg\n"
            "with psycopg.connect('', autocommit=True) as c:\n"
            "    try: c.execute('select name from items where id = %s', (78,))\n"
            "    except psycopg.Error as e:\n"
            "        print(e.sqlstate[:2], e.diag.message_detail is not None)\n"
            "    print(c.execute('select name from items where id = %s', (5,)).fetchone())\n"
            "    seen = set()\n"
            "    try:\n"
            "        with c.pipeline():\n"
            "            for n in (5, 79, 6):\n"
            "                try: c.execute('select name from items where id = %s', (n,))\n"
            "                except psycopg.Error as e: seen.add(e.sqlstate)\n"
            "    except psycopg.Error as e: seen.add(e.sqlstate)\n"
            "    print(sorted(s[:2] for s in seen if s))\n"
            "    print(c.execute('select name from items where id = %s', (6,)).fetchone())\n"
        )
        done = replay(self.path, [PYTHON, "-c", program], self.environment).expect(3)
        expect_equal(
            done.stdout.decode(), "MP True\n('item 5',)\n['MP']\n('item 6',)\n", "the app's output"
        )

    def app_status(self):
        """The app's own status wins when it is not 0."""
        started = self.start()
        started.ask("sql select 'missing'")
        started.say("exit 7")
        started.finish().expect(7)

    def nothing_recorded(self):
        """A database that the recording does not know."""
        environment = self.environment | {"PGDATABASE": "unknown"}
        done = replay(self.path, psql("select 1"), environment)
        expect(done.status != 0, "exit status 0")
        done.says("unknown")

    def repeat(self, what, expected, status):
        options = [] if what is None else ["--repeat", what]
        started = self.start(options, self.ordered)
        balances = [started.ask("sql select balance from accounts where id = 1") for _ in range(3)]
        ids = [
            started.ask("sql insert into written (worker, n) values ('once', 1) returning id")
            for _ in range(2)
        ]
        self.end(started, status)
        expect_equal([answer[:8] for answer in balances], expected, "the third answer of two")
        expect(
            ids[0].startswith("[[") and ids[1].startswith("error MP"),
            f"an id is not given twice: {ids}",
        )

    def order(self):
        """Three different answers to one question: in recorded order, then the last again."""
        done = replay(
            self.ordered, psql(*["select nextval('counter_1')"] * 3), self.environment
        ).expect(0)
        expect_equal(done.stdout, b"1\n2\n3\n", "answers")

    def two_endpoints(self):
        """Recorded on two servers, and moved: --map says which is which."""
        path = self.where / "two.db"
        other = Server()
        try:
            other.psql("create database missed")
            ports = (self.server.port, other.port)
            script = (
                'for p in "$@"; do psql -X -A -t -p $p -c "select current_setting(\'port\')"; done'
            )
            record(path, ["sh", "-c", script, "sh", *map(str, ports)], self.environment).expect(0)
        finally:
            other.stop()
        moved = (free_port(), free_port())
        options = [
            word
            for old, new in zip(ports, moved)
            for word in ("--map", f"127.0.0.1:{old}=127.0.0.1:{new}")
        ]
        done = replay(
            path, ["sh", "-c", script, "sh", *map(str, moved)], self.environment, options
        ).expect(0)
        expect_equal(done.stdout.decode().split(), [str(port) for port in ports], "mapped")
        done = replay(path, ["sh", "-c", script, "sh", str(moved[0])], self.environment)
        expect(done.status != 0 and not done.stdout, f"served by one of two: {done.stdout}")

    def only_endpoint(self):
        """The only endpoint of the protocol and database serves another port too, which is said."""
        environment = self.environment | {"PGPORT": str(free_port())}
        done = replay(self.path, psql("select name from items where id = 5"), environment).expect(0)
        expect_equal(done.stdout, b"item 5\n", "the answer")

    def without_rights(self):
        """--listen as nobody: neither eBPF nor root."""
        if os.geteuid() != 0:
            raise Skip("needs root to become nobody")
        where = folder("nobody")
        account = pwd.getpwnam("nobody")
        os.chown(where, account.pw_uid, account.pw_gid)
        if run(["runuser", "-u", "nobody", "--", MOCKPROXY, "--version"]).status:
            raise Skip(f"nobody cannot run {MOCKPROXY}")
        self.server.start()
        port, path = free_port(), where / "mocks.db"
        command = ["runuser", "-u", "nobody", "--", "env"]
        command += [
            f"{name}={value}" for name, value in (self.environment | {"PGPORT": str(port)}).items()
        ]
        listen = ["--listen", f"{port}=127.0.0.1:{self.server.port}"]
        question = psql("select name from items where id = 5", "select 'without rights'")
        done = run([*command, MOCKPROXY, "record", *listen, "-o", path, "--", *question]).expect(0)
        expect_equal(done.stdout, b"item 5\nwithout rights\n", "recorded")
        expect_whole(path)
        expect_equal(path.stat().st_uid, account.pw_uid, "the owner")
        expect_equal(query(path, "select port from endpoint"), [(self.server.port,)], "endpoint")
        self.server.stop()
        again = run([*command, MOCKPROXY, "replay", *listen, path, "--", *question]).expect(0)
        expect_equal(again.stdout, done.stdout, "replayed")
        missed = run(
            [
                *command,
                MOCKPROXY,
                "replay",
                *listen,
                path,
                "--",
                *psql("select 'else'", "select 'without rights'"),
            ]
        )
        missed.expect(3)


def main():
    need_mockproxy()
    suite = Suite()
    misses = suite.run("recorded", Misses)
    if misses is None:
        suite.finish()
    suite.run("recorded on two servers, --map", misses.two_endpoints)
    misses.server.stop()
    suite.run("a miss is a proper error, and the connection stays usable", misses.miss)
    suite.run("a miss in a transaction", misses.miss_in_transaction)
    suite.run("savepoints of other names", misses.savepoints)
    suite.run("a miss in extended queries and in a pipeline", misses.extended)
    suite.run("the app's exit status wins", misses.app_status)
    suite.run("a database that was not recorded", misses.nothing_recorded)
    suite.run("answers in recorded order", misses.order)
    row = "[[100]]"
    suite.run("--repeat is last by default", misses.repeat, None, [row] * 3, 3)
    suite.run("--repeat last", misses.repeat, "last", [row] * 3, 3)
    suite.run("--repeat cycle", misses.repeat, "cycle", [row] * 3, 3)
    suite.run("--repeat error", misses.repeat, "error", [row, row, "error MP"], 3)
    suite.run("another port, and only one endpoint", misses.only_endpoint)
    suite.run("--listen without root", misses.without_rights)
    suite.finish()


main()
