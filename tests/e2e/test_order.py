#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Connections that take turns, each on a worker of its own, ask the same of something that changes: the
answers come back in the order in which they were asked for."""
import http.server
import threading

from drivers import PYTHON
from harness import (
    PROGRAMS,
    Suite,
    expect,
    expect_equal,
    expect_refused,
    folder,
    free_port,
    need_mockproxy,
    record,
    replay,
)
from mysql import KINDS, WITHOUT_PASSWORD
from mysql import Server as MysqlServer
from postgres import Server
from recording import expect_whole

TURNS = 300
OPTIONS = ["--workers=3"]
SQL = """
connections = [connect() for _ in range(3)]
for i in range({turns}):
    cursor = connections[i % 3].cursor()
    cursor.execute("insert into counted values (1)")
    cursor.execute("select count(*) from counted")
    print(cursor.fetchone()[0])
"""
POSTGRES = """
import psycopg2
def connect():
    connection = psycopg2.connect("")
    connection.autocommit = True
    return connection
connect().cursor().execute("create table counted (n int)")
"""
MYSQL = """
import os, sys
sys.path.insert(0, sys.argv[1])
import mysql_dbapi, pymysql
def connect():
    password = os.environ.get("MYSQL_PWD", "")
    return pymysql.connect(**mysql_dbapi.settings(), password=password, autocommit=True)
connect().cursor().execute("create table counted (n int)")
"""
HTTP = """
import http.client, sys
connections = [http.client.HTTPConnection("127.0.0.1", int(sys.argv[1])) for _ in range(3)]
for i in range({turns}):
    connections[i % 3].request("GET", "/next")
    print(connections[i % 3].getresponse().read().decode())
"""


class Counter:
    """Answers each request with the next number."""

    def __init__(self):
        counted = [0]

        class Handler(http.server.BaseHTTPRequestHandler):
            """Of one connection."""

            protocol_version = "HTTP/1.1"

            def do_GET(self):  # pylint: disable=invalid-name
                """The next number."""
                counted[0] += 1
                body = str(counted[0]).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):  # pylint: disable=arguments-differ
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", free_port()), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()


def take_turns(path, server, command, environment=None):
    done = record(path, command, environment, OPTIONS).expect(0)
    expect_whole(path)
    counted = [int(line) for line in done.stdout.split()]
    expect_equal(counted, list(range(1, TURNS + 1)), "what was counted")
    server.stop()
    expect_refused(server.port)
    again = replay(path, command, environment)
    wrong = sum(a != b for a, b in zip(done.stdout.split(), again.stdout.split()))
    expect(not wrong, f"{wrong} of {TURNS} answers are others")
    expect_equal(again.stdout, done.stdout, f"the output: {again.errors()[-2000:]}")
    again.expect(0)


def postgres(where):
    server = Server()
    command = [PYTHON, "-c", POSTGRES + SQL.format(turns=TURNS)]
    take_turns(where / "postgres.db", server, command, server.environment())


def mysql(where):
    server = MysqlServer("mariadb")
    environment = server.environment(server.create_database("turns"), WITHOUT_PASSWORD)
    command = [PYTHON, "-c", MYSQL + SQL.format(turns=TURNS), PROGRAMS]
    take_turns(where / "mysql.db", server, command, environment)


USERS = """
import os, sys
sys.path.insert(0, sys.argv[1])
import mysql_dbapi, pymysql
def connect(user, password):
    return pymysql.connect(**mysql_dbapi.settings() | {"user": user}, password=password)
connections = [connect("one", "x"), connect("two", "y")]
if "other order" in sys.argv:
    connections.reverse()
for i in range(6):
    cursor = connections[i % 2].cursor()
    cursor.execute("select current_user()")
    print(cursor.fetchone()[0])
"""


def users(where):
    """Two users ask the same, and again in another order: each is told its own."""
    server = MysqlServer("mariadb")
    server.sql(
        "create user one@'%' identified by 'x'; create user two@'%' identified by 'y';"
        " grant all on *.* to one@'%'; grant all on *.* to two@'%'"
    )
    command = [PYTHON, "-c", USERS, PROGRAMS]
    path = where / "users.db"
    done = record(path, command, server.environment()).expect(0)
    expect_equal(done.stdout.split(), [b"one@%", b"two@%"] * 3, "recorded")
    server.stop()
    expect_refused(server.port)
    for order, wanted in (("same order", [b"one@%", b"two@%"]), ("other order", [b"two@%", b"one@%"])):
        again = replay(path, [*command, order], server.environment()).expect(0)
        expect_equal(again.stdout.split(), wanted * 3, f"replayed in the {order}")


SESSIONS = """
import os, sys
import MySQLdb
def connect(user="app", password=os.environ["MYSQL_PWD"]):
    return MySQLdb.connect(host=os.environ["MYSQL_HOST"], port=int(os.environ["MYSQL_TCP_PORT"]),
                           user=user, password=password, database=os.environ["MYSQL_DATABASE"])
def ask(connection, text):
    cursor = connection.cursor()
    cursor.execute(text)
    return cursor.fetchall()[0][0] if cursor.description else None
zones = [connect(), connect()]
ask(zones[0], "set time_zone = '+03:00'")
ask(zones[1], "set time_zone = '-05:00'")
others = [connect(), connect("one", "x")]
others[0].change_user("one", "x", os.environ["MYSQL_DATABASE"])
others[1].change_user("two", "y", os.environ["MYSQL_DATABASE"])
plain = connect()
asked = [(c, "select cast(from_unixtime(0) as char)") for c in [*zones, plain]]
asked += [(c, "select current_user()") for c in [*others, plain]]
turns = range(len(asked))
answers = {}
for i in reversed(turns) if "other order" in sys.argv else turns:
    answers[i] = [ask(*asked[i]) for n in range(2)]
zones[0].change_user("app", os.environ["MYSQL_PWD"], os.environ["MYSQL_DATABASE"])
print(*[answers[i] for i in turns], ask(zones[0], asked[0][1]))
"""


def sessions(where):
    """Time zones and COM_CHANGE_USER: whoever asks the same in another order is told its own."""
    server = MysqlServer("mariadb")
    server.sql(
        "create user one@'%' identified by 'x'; create user two@'%' identified by 'y';"
        " grant all on *.* to one@'%'; grant all on *.* to two@'%'"
    )
    command = [PYTHON, "-c", SESSIONS]
    path = where / "sessions.db"
    done = record(path, command, server.environment()).expect(0)
    zones = ["1970-01-01 03:00:00", "1969-12-31 19:00:00", "1970-01-01 00:00:00"]
    wanted = [[answer] * 2 for answer in (*zones, "one@%", "two@%", "app@%")]
    expect_equal(done.stdout.decode().strip(), " ".join(map(str, [*wanted, zones[2]])), "recorded")
    server.stop()
    expect_refused(server.port)
    for order in ("same order", "other order"):
        again = replay(path, [*command, order], server.environment()).expect(0)
        expect_equal(again.stdout, done.stdout, f"replayed in the {order}")


# Two connections, and in which order they take their steps; each prints what it was told.
STEPS = """
order = sys.argv[-1]
told = {"a": [], "b": []}
def session(name):
    cursor = connect().cursor()
    for text in steps(name):
        cursor.execute(text)
        told[name].append(cursor.fetchall() if cursor.description else None)
        yield
sessions = {name: session(name) for name in told}
turns = {"alternating": "ab" * 99, "the other first": "ba" * 99, "in turn": "a" * 99 + "b" * 99,
         "in turn, the other first": "b" * 99 + "a" * 99, "in pairs": "baabbbaa" * 24}
for name in turns[order]:
    next(sessions[name], None)
for name, answers in told.items():
    print(name, *answers, sep="\\n")
"""
POSTGRES_STEPS = """
import sys
import psycopg2
def connect():
    connection = psycopg2.connect("")
    connection.autocommit = True
    return connection
def steps(name):
    for n in range(3):
        yield f"insert into t (v) values ('{name}{n}')"
        yield "select count(v) > 0 from t"
        yield "select lastval()"
        yield "select currval('t_id_seq')"
        yield "insert into child (t, v) values (currval('t_id_seq'), 'x') returning t"
    yield f"select nextval('other'), '{name}'"
    yield "select lastval()"
"""
MYSQL_STEPS = """
import os, sys
sys.path.insert(0, sys.argv[1])
import mysql_dbapi, pymysql
def connect():
    password = os.environ.get("MYSQL_PWD", "")
    return pymysql.connect(**mysql_dbapi.settings(), password=password, autocommit=True)
def steps(name):
    strings = ", ".join(f"'{name}{n}' + 0" for n in range(2 if name == "a" else 3))
    limit = 2 if name == "a" else 5
    yield "select last_insert_id()"
    for n in range(3):
        yield f"insert into t (v) values ('{name}{n}')"
        yield "insert into log values ('x')"
        yield "select last_insert_id()"
        yield f"select {strings}"
        yield "show count(*) warnings"
        yield "show warnings"
        yield "select @@warning_count"
        yield f"select sql_calc_found_rows n from numbers where n < {limit} order by n limit 1"
        yield "select found_rows()"
        yield f"update numbers set m = m + 1 where n < {limit}"
        yield "select row_count()"
        yield "insert into child values (last_insert_id())"
        yield f"insert into t (v) values ('{name}{n}'), ('{name}')"
        yield "select @@identity"
"""
MYSQL_TABLES = """
create table t (id int auto_increment primary key, v text); create table child (t int); create table log (v text);
create table numbers (n int, m int default 0); insert into numbers (n) values (0), (1), (2), (3), (4), (5), (6)
"""


def orders(path, server, command, environment):
    """What a statement tells of the one before, or of a number, is told to the connection that it is about."""
    done = record(path, [*command, "alternating"], environment).expect(0)
    expect_whole(path)
    server.stop()
    expect_refused(server.port)
    for order in ("alternating", "the other first", "in turn", "in turn, the other first", "in pairs"):
        again = replay(path, [*command, order], environment)
        expect_equal(again.stdout, done.stdout, f"replayed {order}: {again.errors()[-2000:]}")
        again.expect(0)


def postgres_behind(where):
    server = Server()
    server.psql(
        "create table t (id serial, v text); create table child (t int, v text); create sequence other"
    )
    command = [PYTHON, "-c", POSTGRES_STEPS + STEPS]
    orders(where / "postgres-behind.db", server, command, server.environment())


def mysql_behind(where, kind):
    server = MysqlServer(kind)
    database = server.create_database("behind", False)
    server.sql(MYSQL_TABLES, database)
    environment = server.environment(database, WITHOUT_PASSWORD)
    command = [PYTHON, "-c", MYSQL_STEPS + STEPS, PROGRAMS]
    orders(where / f"{kind}-behind.db", server, command, environment)


LABELS = """
$c = new mysqli(getenv('MYSQL_HOST'), getenv('MYSQL_USER'), getenv('MYSQL_PWD'), getenv('MYSQL_DATABASE'),
	(int)getenv('MYSQL_TCP_PORT'));
$prepared = function () use ($c) {
	$statement = $c->prepare('select ?');
	$statement->execute(['5']);
	return array_key_first($statement->get_result()->fetch_assoc());
};
$text = fn() => array_key_first($c->query("select '5'")->fetch_assoc());
if (in_array('other order', $argv))
	[$first, $second] = [$prepared(), $text()];
else
	[$second, $first] = [$text(), $prepared()];
echo "$first $second";
# A literal in a prepared statement is one in a text too, and a FLOAT cannot be given in the other form.
$float = "select 0, cast(0.1 as float) as f from dual where 1 = ?";
$statement = $c->prepare($float);
$statement->execute(['1']);
$rows = [$statement->get_result()->fetch_row(), $c->query(str_replace('?', "'1'", $float))->fetch_row()];
echo ' ', json_encode($rows);
"""


def labels(where):
    """A column that is a parameter has another name than one that is a literal, in any order."""
    server = MysqlServer("mariadb")
    command = ["php", "-r", LABELS, "--"]
    path = where / "labels.db"
    said = b'? 5 [[0,0.1],["0","0.1"]]'
    expect_equal(record(path, command, server.environment()).expect(0).stdout, said, "recorded")
    server.stop()
    expect_refused(server.port)
    for order in ("same order", "other order"):
        again = replay(path, [*command, order], server.environment()).expect(0)
        expect_equal(again.stdout, said, f"replayed in the {order}")


def http_turns(where):
    server = Counter()
    command = [PYTHON, "-c", HTTP.format(turns=TURNS), str(server.port)]
    take_turns(where / "http.db", server, command)


def main():
    need_mockproxy()
    suite = Suite()
    where = folder("order")
    suite.run("PostgreSQL: connections take turns", postgres, where)
    suite.run("MySQL: connections take turns", mysql, where)
    suite.run("MySQL: users take turns", users, where)
    suite.run("MySQL: sessions of other time zones and users", sessions, where)
    suite.run("MySQL: names of columns", labels, where)
    suite.run("PostgreSQL: numbers of sequences in another order", postgres_behind, where)
    for kind in KINDS:
        suite.run(f"{kind}: what tells of the statement before in another order", mysql_behind, where, kind)
    suite.run("HTTP: connections take turns", http_turns, where)
    suite.finish()


main()
