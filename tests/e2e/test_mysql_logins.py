#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every way to log in to MariaDB and MySQL without TLS, in several clients: relayed while
recording, none of its bytes kept, and anything accepted in replay by the same client."""
import shlex

from drivers import MYSQL_DRIVERS, PYTHON
from harness import Suite, expect, expect_equal, folder, need_mockproxy, record, replay
from mysql import KINDS, LOGINS, PASSWORD, TREE, Server, in_tree
from recording import contains, expect_whole, query

ASK = "select current_user(), 'logged in'"
CLI = ["--no-defaults", "--protocol=tcp", "-N", "-B", "-e", ASK, "--database=mysql"]
PYTHON_ASK = (
    "import os, {driver} as driver\n"
    "e = os.environ\n"
    "c = driver.connect(host=e['MYSQL_HOST'], port=int(e['MYSQL_TCP_PORT']), user=e['MYSQL_USER'],"
    " password=e['MYSQL_PWD'], database=e['MYSQL_DATABASE']).cursor()\n"
    f'c.execute("{ASK}")\n'
    "print(*c.fetchone(), sep='\\t')\n"
)
NODE_ASK = (
    "const e = process.env\n"
    "const rows = (answer) => Array.isArray(answer[0]) ? answer[0] : answer\n"
    "require('{library}').createConnection({ host: e.MYSQL_HOST, port: Number(e.MYSQL_TCP_PORT), user: e.MYSQL_USER,"
    " password: e.MYSQL_PWD, database: e.MYSQL_DATABASE, connectTimeout: 60000, {options} }).then(async (c) => {\n"
    f'  console.log(Object.values(rows(await c.query("{ASK}"))[0]).join("\\t"))\n'
    "  await c.end() })\n"
)
PHP_ASK = (
    "$c = new mysqli(getenv('MYSQL_HOST'), getenv('MYSQL_USER'), getenv('MYSQL_PWD'), getenv('MYSQL_DATABASE'),"
    f' (int) getenv(\'MYSQL_TCP_PORT\')); echo implode("\\t", $c->query("{ASK}")->fetch_row()), "\\n";'
)


def mysql_cli(user, *options):
    plugins = f"--plugin-dir={TREE}/usr/lib/mysql/plugin"
    return [
        *in_tree("bin/mysql"),
        *CLI,
        f"--user={user}",
        "--get-server-public-key",
        plugins,
        *options,
    ]


# Each with the command for a user.
CLIENTS = {
    # Without --skip-ssl Connector/C 3.3 sends caching_sha2_password's secret in clear where the server
    # has no TLS, as if it had; the server refuses that.
    "mariadb": lambda user: ["mariadb", *CLI, "--skip-ssl", f"--user={user}"],
    "mysql": lambda user: mysql_cli(user, "--ssl-mode=DISABLED"),
    "mysql, TLS preferred": mysql_cli,
    "pymysql": lambda user: [PYTHON, "-c", PYTHON_ASK.format(driver="pymysql")],
    # It says TLS in its login, whatever the greeting offers, and goes on in clear where nothing is.
    "pymysql, TLS preferred": lambda user: [
        PYTHON,
        "-c",
        PYTHON_ASK.format(driver="pymysql").replace("database=", "ssl={'check_hostname': False}, database="),
    ],
    "mysqlclient": lambda user: [PYTHON, "-c", PYTHON_ASK.format(driver="MySQLdb")],
    "mysql2": lambda user: node("mysql2/promise", ""),
    "mariadb_js": lambda user: node("mariadb", "allowPublicKeyRetrieval: true"),
    "php": lambda user: ["php", "-r", PHP_ASK],
}
# What a driver does not know; MariaDB's way with elliptic curves is known to MariaDB's own clients
# only.
NOT_KNOWN = {
    "ed25519": {
        "mysql",
        "mysql, TLS preferred",
        "pymysql",
        "pymysql, TLS preferred",
        "mysql2",
        "php",
    },
}


def node(library, options):
    return ["node", "-e", NODE_ASK.replace("{library}", library).replace("{options}", options)]


class Login:
    """One client, one user of one server."""

    def __init__(self, server, where, client, user, cached):
        self.server, self.where, self.user = server, where, user
        self.command = CLIENTS[client](user)
        self.cached = cached
        self.modules = next(p for p in MYSQL_DRIVERS if p.name == "mysql2_query").environment

    def environment(self, **more):
        return self.server.environment(user=self.user, **self.modules, **more)

    def record(self):
        self.where.mkdir()
        path = self.where / "login.db"
        if not self.cached:
            # Forgets whose password was seen, so that the whole exchange with the server's key is
            # made.
            self.server.sql("flush privileges")
        done = record(path, self.command, self.environment()).expect(0)
        expect_equal(done.stdout.decode(), self.output(), "the client's output")
        expect_whole(path)
        files = list(self.where.iterdir())
        expect(files, "there is no file")
        for file in files:
            found = contains(file, PASSWORD.encode())
            expect(not found, f"{file.name} holds the password")
        found = query(path, "select user, database from connection")
        expect_equal(found, [(self.user, "mysql")], "table connection")

    def output(self):
        return f"{self.user}@%\tlogged in\n"

    def replay(self, password):
        environment = self.environment(MYSQL_PWD=password)
        done = replay(self.where / "login.db", self.command, environment).expect(0)
        expect_equal(done.stdout.decode(), self.output(), "the client's output")


def wrong_password(server, path):
    """The app sees what the server says."""
    environment = server.environment(MYSQL_PWD="no " + PASSWORD)
    expect_denied(record(path, CLIENTS["mariadb"]("app"), environment))
    expect(not contains(path, PASSWORD.encode()), "the file holds the password")


def expect_denied(done):
    expect_equal(done.status, 1, f"the client's own exit status\n{done.errors()}")
    done.says("ERROR 1045 (28000)", "access denied for user 'app'")


def replay_wrong(server, path):
    expect_denied(replay(path, CLIENTS["mariadb"]("app"), server.environment()))


def insisting(run, path, server):
    """A client that insists on TLS is told at once that there is none, in replay too."""
    command = [*CLIENTS["mariadb"]("app_empty"), "--ssl-verify-server-cert"]
    command.remove("--skip-ssl")
    done = run(path, command, server.environment(user="app_empty"))
    expect_equal(done.status, 1, f"the client's own exit status\n{done.errors()}")
    done.says("SSL is required, but the server does not support it")


def no_database(run, path, server):
    """Who asks for a database that is not there, beside somebody who is let in."""
    asks = CLIENTS["mariadb"]("app_empty")
    both = shlex.join(asks) + "; " + shlex.join([*asks, "--database=missing"])
    done = run(path, ["sh", "-c", both], server.environment(user="app_empty"))
    expect_equal(done.status, 1, f"the client's own exit status\n{done.errors()}")
    expect(b"logged in" in done.stdout, f"nobody was let in: {done.errors()}")
    done.says("ERROR 1049 (42000): Unknown database 'missing'")


CHANGES = """
import os, MySQLdb
connection = MySQLdb.connect(
    host=os.environ["MYSQL_HOST"], port=int(os.environ["MYSQL_TCP_PORT"]), user=os.environ["MYSQL_USER"],
    password=os.environ["MYSQL_PWD"], database=os.environ["MYSQL_DATABASE"])
for user in ("nobody_here", "app_empty"):
    try:
        connection.change_user(user, "", os.environ["MYSQL_DATABASE"])
    except MySQLdb.OperationalError as error:
        print(error.args[0])
        if os.environ["SERVER_KIND"] == "mysql":  # it ends the session
            try:
                connection.ping()
            except MySQLdb.OperationalError:
                break
    cursor = connection.cursor()
    cursor.execute("select current_user()")
    print(cursor.fetchone()[0])
"""


def change_user(run, path, server):
    """COM_CHANGE_USER to a user that there is not is refused; MariaDB's session stays whose it was."""
    done = run(path, [PYTHON, "-c", CHANGES], server.environment()).expect(0)
    behind = [] if server.kind == "mysql" else [b"app@%", b"app_empty@%"]
    expect_equal(done.stdout.split(), [b"1045", *behind], "who it is")


def logins(server, where):
    """(name, Login): with caching_sha2_password, both for a password that the server has seen and
    for one that it has not."""
    for user, plugin in LOGINS[server.kind].items():
        for client in CLIENTS:
            if client in NOT_KNOWN.get(plugin, ()):
                continue
            caches = plugin == "caching_sha2_password" and user != "app_empty"
            for cached in (False, True) if caches else (True,):
                how = plugin + (", no password" if user == "app_empty" else "")
                how += {False: ", full", True: ", fast" if caches else ""}[cached]
                name = f"{server.kind}, {how}, {client}"
                place = where / name.replace(" ", "-").replace(",", "")
                yield name, Login(server, place, client, user, cached)


def run_kind(suite, kind):
    server, where = Server(kind), folder("logins")
    recorded = []
    for name, login in logins(server, where):
        if suite.run(f"{name}: recorded, no secret in the file", login.record):
            recorded.append((name, login))
    what = f"{kind}, a wrong password fails as without mockproxy"
    suite.run(what, wrong_password, server, where / "wrong.db")
    suite.run(f"{kind}, no such database: recorded", no_database, record, where / "none.db", server)
    suite.run(f"{kind}, a change of user that is refused: recorded", change_user, record, where / "change.db", server)
    suite.run(f"{kind}, insisting on TLS: recorded", insisting, record, where / "tls.db", server)
    server.stop()
    suite.run(f"{kind}, insisting on TLS: replayed", insisting, replay, where / "tls.db", server)
    suite.run(f"{kind}, a wrong password: replayed", replay_wrong, server, where / "wrong.db")
    suite.run(f"{kind}, a change of user that is refused: replayed", change_user, replay, where / "change.db", server)
    suite.run(f"{kind}, no such database: replayed", no_database, replay, where / "none.db", server)
    for name, login in recorded:
        suite.run(f"{name}: replayed", login.replay, PASSWORD)
        if name.endswith((", mysql", ", mariadb", ", pymysql", ", mysql2")):
            suite.run(f"{name}: replayed with a wrong password", login.replay, "wrong")
            suite.run(f"{name}: replayed without a password", login.replay, "")


def main():
    need_mockproxy()
    suite = Suite()
    for program in MYSQL_DRIVERS:
        if program.name in (
            "mariadb_cli",
            "mysql_cli",
            "pymysql",
            "mysqlclient",
            "mysql2_query",
            "php_mysqli",
        ):
            program.prepare()
    for kind in KINDS:
        run_kind(suite, kind)
    suite.finish()


main()
