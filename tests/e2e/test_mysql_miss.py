#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""MySQL in replay when the recording has no answer, or no more, or another endpoint: an error
packet of ours on a connection that stays usable, and never an OK that nobody gave."""
from drivers import MYSQL_DRIVERS, PYTHON
from harness import (
    PROGRAMS,
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
)
from mysql import KINDS, Server

APP = [PYTHON, PROGRAMS / "interactive.py"]
MISS = "error 1105: mockproxy: the recording holds no answer to this statement"
USED_UP = "error 1105: mockproxy: every recorded answer to this statement was given already"
RECORDED = (
    "select name from items where id = 5",
    "select name from items where id = 6",
    "begin",
    "select 'in transaction'",
    "commit",
    "create table made (id int)",
    "insert into written (worker, n) values ('once', 1)",
    *["select balance from accounts where id = 1"] * 2,
    *["update counters set n = n + 1 where id = 1", "select n from counters where id = 1"] * 2,
)
# What a server would answer with an OK: nothing of it is made up.
CHANGES = (
    "create table other (id int)",
    "drop table items",
    "alter table items add column extra int",
    "truncate table items",
    "create index by_name on items (name)",
    "insert into written (worker, n) values ('never', 1)",
    "update items set name = 'x' where id = 5",
    "delete from items",
    "grant all on *.* to somebody",
    "create user somebody",
    "call three_sets(1)",
    "flush privileges",
    "do sleep(0)",
    "lock tables items write",
)


def cli(*questions):
    text = ";\n".join(questions)
    return [
        "mariadb",
        "--no-defaults",
        "--protocol=tcp",
        "--skip-ssl",
        "--user=app",
        "-N",
        "-B",
        "-e",
        text,
        "missed",
    ]


class Misses:
    """The cases on one kind of server."""

    def __init__(self, kind):
        self.server = Server(kind)
        self.where = folder("miss")
        self.path = self.where / "mocks.db"
        self.environment = self.server.environment(self.server.create_database("missed"))
        record(self.path, cli(*RECORDED), self.environment).expect(0)
        self.server.stop()

    def start(self, *options):
        started = Started(replay_command(self.path, APP, options), self.environment)
        expect_equal(started.ask("open"), "opened", "the app")
        return started

    def end(self, started, status):
        started.say("exit 0")
        return started.finish().expect(status)

    def miss(self):
        """It says what was nearest and what differs; exit status 3."""
        started = self.start()
        answer = started.ask("sql select name from items where id = 77")
        expect(answer.startswith(MISS), f"an error of our own: {answer}")
        expect("items" in answer and "77" in answer, f"it names the nearest: {answer}")
        found = started.ask("sql select name from items where id = 5")
        expect_equal(found, '[["item 5"]]', "the connection afterwards")
        expect(started.ask("sql select missing from nowhere").startswith(MISS), "another miss")
        done = self.end(started, 3)
        done.says("miss", "77", "nowhere")

    def changes(self):
        """DDL and writes that nobody recorded."""
        started = self.start()
        for text in CHANGES:
            answer = started.ask(f"sql {text}")
            expect(answer.startswith(MISS), f"{text}: {answer}")
        found = started.ask("sql create table made (id int)")
        expect(found.startswith('"changed'), f"the one that was recorded: {found}")
        self.end(started, 3)

    def in_transaction(self):
        """A server's error ends no transaction of MySQL's; nor does a miss."""
        started = self.start()
        started.ask("sql begin")
        expect(started.ask("sql select 'not recorded'").startswith(MISS), "a miss")
        inside = started.ask("sql select 'in transaction'")
        expect_equal(inside, '[["in transaction"]]', "the transaction goes on")
        expect_equal(started.ask("sql rollback"), '"changed 0"', "rollback")
        found = started.ask("sql select name from items where id = 6")
        expect_equal(found, '[["item 6"]]', "afterwards")
        self.end(started, 3)

    def session(self):
        """What the session itself answers: it need not be recorded."""
        started = self.start()
        for text in (
            "begin",
            "savepoint two_2",
            "rollback to savepoint two_2",
            "release savepoint two_2",
            "commit",
            "set autocommit = 0",
            "set autocommit = 1",
            "set names utf8mb4",
            "start transaction read only",
            "rollback",
            "use missed",
        ):
            answer = started.ask(f"sql {text}")
            expect_equal(answer, '"changed 0"', text)
        self.end(started, 0)

    def prepared(self):
        """The same for prepared statements, and in the middle of several statements."""
        program = (
            "const mysql = require('mysql2/promise'); const e = process.env\n"
            "const show = async (p) => { try { console.log(JSON.stringify((await p)[0])) }\n"
            "  catch (error) { console.log(error.errno, error.sqlState, error.sqlMessage.slice(0, 40)) } }\n"
            "mysql.createConnection({ host: e.MYSQL_HOST, port: Number(e.MYSQL_TCP_PORT), user: e.MYSQL_USER,\n"
            "  password: e.MYSQL_PWD, database: e.MYSQL_DATABASE, multipleStatements: true }).then(async (c) => {\n"
            "  await show(c.execute('select name from items where id = ?', [5]))\n"
            "  await show(c.execute('select name from items where id = ?', [78]))\n"
            "  await show(c.execute('select name from nowhere where id = ?', [5]))\n"
            "  await show(c.query('select name from items where id = 5; select 9; select name from items where id = 6'))\n"
            "  await show(c.execute('select name from items where id = ?', [6]))\n"
            "  await c.end() })\n"
        )
        environment = self.environment | modules()
        done = replay(self.path, ["node", "-e", program], environment).expect(3)
        missed = "1105 HY000 mockproxy: the recording holds no answer"
        expected = ['[{"name":"item 5"}]', missed, missed, missed, '[{"name":"item 6"}]']
        expect_equal(done.stdout.decode().splitlines(), expected, "the app's output")

    def order(self, what, expected, status):
        """Different answers to one question in recorded order; --repeat says what comes after the
        last."""
        started = self.start(*([] if what is None else ["--repeat", what]))
        answers = []
        for _ in range(2):
            started.ask("sql update counters set n = n + 1 where id = 1")
            answers.append(started.ask("sql select n from counters where id = 1"))
        balances = [started.ask("sql select balance from accounts where id = 1") for _ in range(3)]
        written = [
            started.ask("sql insert into written (worker, n) values ('once', 1)") for _ in range(2)
        ]
        self.end(started, status)
        expect_equal(answers, ["[[1]]", "[[2]]"], "recorded order")
        expect_equal([text[:10] for text in balances], expected, "the third answer of two")
        expect(
            written[0] == '"changed 1"' and written[1].startswith(USED_UP),
            f"a row is not written twice: {written}",
        )

    def other_port(self):
        """The only endpoint of the protocol and database serves another port too: greeted there,
        though the client says nothing before."""
        environment = self.environment | {"MYSQL_TCP_PORT": str(free_port())}
        question = cli("select name from items where id = 5")
        done = replay(self.path, question, environment).expect(0)
        expect_equal(done.stdout, b"item 5\n", "the answer")


GIVES_UP = """
import os, sys
sys.path.insert(0, sys.argv[1])
import mysql_dbapi, pymysql
def ask(text):
    connection = pymysql.connect(**mysql_dbapi.settings(), password=os.environ["MYSQL_PWD"], read_timeout=2)
    try:
        cursor = connection.cursor()
        cursor.execute(text)
        print(cursor.fetchone())
    except pymysql.err.OperationalError as error:
        print(error.args[0])
ask("select sleep(0 + 600)")  # of a lock the server would say that its client has gone
ask("select 'asked behind it'")
"""


def gives_up(where):
    """Whoever gave up waiting for an answer is kept waiting again, and the next one is answered."""
    server = Server("mariadb")
    command = [PYTHON, "-c", GIVES_UP, PROGRAMS]
    path = where / "gives_up.db"
    wanted = b"2013\n('asked behind it',)\n"
    done = record(path, command, server.environment())
    expect_equal(done.stdout, wanted, f"recorded: {done.errors()}")
    server.stop()
    # An error is said a second or two after the recorded client's patience: a client that is not given a processor for so long sees it.
    tries = [replay(path, command, server.environment()).stdout for _ in range(3)]
    expect(wanted in tries, f"replayed: {tries}")


def modules():
    program = next(one for one in MYSQL_DRIVERS if one.name == "mysql2_query")
    program.prepare()
    return program.environment


def run_kind(suite, kind):
    misses = suite.run(f"{kind}: recorded", Misses, kind)
    if misses is None:
        return
    what = "a miss is a proper error, and the connection stays usable"
    suite.run(f"{kind}: {what}", misses.miss)
    suite.run(f"{kind}: no OK for what was not recorded", misses.changes)
    suite.run(f"{kind}: a miss in a transaction", misses.in_transaction)
    suite.run(f"{kind}: what the session answers", misses.session)
    suite.run(f"{kind}: a miss in prepared and in several statements", misses.prepared)
    row = "[[100]]"
    suite.run(f"{kind}: --repeat is last by default", misses.order, None, [row] * 3, 3)
    suite.run(f"{kind}: --repeat error", misses.order, "error", [row, row, "error 1105"], 3)
    suite.run(f"{kind}: another port, and only one endpoint", misses.other_port)


def main():
    need_mockproxy()
    suite = Suite()
    for kind in KINDS:
        run_kind(suite, kind)
    suite.run("mariadb: a client that gave up", gives_up, folder("gives-up"))
    suite.finish()


main()
