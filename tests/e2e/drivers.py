# SPDX-License-Identifier: Apache-2.0
"""The recorded programs: how each is called."""
import os
import shutil
import subprocess
import tempfile

import mysql
from harness import BUILD, HERE, PROGRAMS, Failure, Skip, made_by_one

PYTHON = "/usr/bin/python3"
JDBC_JAR = "/usr/share/java/postgresql.jar"
MARIADB_JAR = "/usr/share/java/mariadb-java-client.jar"


class Program:
    """A program of tests/e2e/programs: POOL and SEED are its last arguments, if it is one of many
    units."""

    def __init__(self, name, command, prepare=lambda: None, **environment):
        self.name, self.prepare, self.environment = name, prepare, environment
        self._command = command

    def command(self, pool=3, seed=0):
        return [*map(str, self._command), str(pool), str(seed)]

    def full_environment(self):
        return os.environ | self.environment


class Ask(Program):
    """One of the programs that ask the same questions, each in its own way."""

    def command(self, *_):
        return [str(part) for part in self._command]


def _python(module):
    def check():
        if subprocess.run(
            [PYTHON, "-c", f"import {module}"], stderr=subprocess.DEVNULL, check=False
        ).returncode:
            raise Skip(f"{PYTHON} has no module {module} (apt install python3-{module})")

    return check


def _command(command, package):
    def check():
        try:
            done = subprocess.run(command, stderr=subprocess.DEVNULL, check=False)
        except FileNotFoundError:
            done = None
        if done is None or done.returncode:
            raise Skip(f"{' '.join(command)} fails (apt install {package})")

    return check


@made_by_one("npm")
def node_modules():
    """npm ci into build/npm, once for each lock file. All of it runs in Node 18, which Debian 12 has: so mariadb stays at 3.4."""
    for tool in ("node", "npm"):
        if not shutil.which(tool):
            raise Skip(f"{tool} is not installed")
    folder = BUILD / "npm"
    folder.mkdir(parents=True, exist_ok=True)
    lock = (HERE / "npm" / "package-lock.json").read_bytes()
    stamp = folder / ".installed"
    if stamp.exists() and stamp.read_bytes() == lock:
        return
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / "npm" / name, folder)
    done = subprocess.run(
        ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
        cwd=folder,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        timeout=300,
    )
    if done.returncode:
        raise Failure(f"npm ci: {done.stdout.decode(errors='replace')[-2000:]}")
    stamp.write_bytes(lock)


def java_class(name, jar, packages):
    """Compiles a program into build/e2e, so that each run starts quickly."""

    @made_by_one("java")
    def check():
        if not shutil.which("javac") or (jar and not os.path.exists(jar)):
            raise Skip(f"no javac or no {jar} (apt install default-jdk-headless {packages})")
        folder = BUILD / "e2e"
        source, target = PROGRAMS / f"{name}.java", folder / f"{name}.class"
        common = PROGRAMS / "Units.java"
        newest = max(path.stat().st_mtime for path in (source, common))
        if target.exists() and target.stat().st_mtime > newest:
            return
        folder.mkdir(parents=True, exist_ok=True)
        # Another test may be loading the classes that these have in common: they are replaced as wholes.
        with tempfile.TemporaryDirectory(dir=BUILD) as made:
            done = subprocess.run(
                ["javac", "-cp", jar, "-d", made, source, common],
                check=False,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=300,
            )
            if done.returncode:
                raise Failure(f"javac: {done.stdout.decode(errors='replace')}")
            for made_name in sorted(os.listdir(made), key=f"{name}.class".__eq__):  # what says that all is there comes last
                os.replace(os.path.join(made, made_name), folder / made_name)

    return check


def java(name, jar, *options):
    return [
        "java",
        "-XX:TieredStopAtLevel=1",
        "-XX:+UseSerialGC",
        "-XX:-UsePerfData",
        *options,
        "-cp",
        f"{jar}:{BUILD / 'e2e'}",
        name,
    ]


def _tool(tool, package):
    def check():
        if not shutil.which(tool):
            raise Skip(f"{tool} is not installed (apt install {package})")

    return check


NODE = {"NODE_PATH": str(BUILD / "npm" / "node_modules"), "NODE_NO_WARNINGS": "1"}

DRIVERS = [
    Program("psql", [PYTHON, PROGRAMS / "psql_program.py"]),
    Program("psycopg2", [PYTHON, PROGRAMS / "psycopg2_program.py"], _python("psycopg2")),
    Program("psycopg3", [PYTHON, PROGRAMS / "psycopg3_program.py"], _python("psycopg")),
    Program("asyncpg", [PYTHON, PROGRAMS / "asyncpg_program.py"], _python("asyncpg")),
    Program("node_pg", ["node", PROGRAMS / "node_pg_program.js"], node_modules, **NODE),
    Program("postgres_js", ["node", PROGRAMS / "postgres_js_program.js"], node_modules, **NODE),
    Program("sqlalchemy", [PYTHON, PROGRAMS / "sqlalchemy_program.py"], _python("sqlalchemy")),
    Program(
        "ruby_pg",
        ["ruby", PROGRAMS / "ruby_pg_program.rb"],
        _command(["ruby", "-e", "require 'pg'"], "ruby-pg"),
    ),
    Program(
        "php",
        ["php", PROGRAMS / "php_program.php"],
        _command(["php", "-r", "new ReflectionExtension('pdo_pgsql');"], "php-cli php-pgsql"),
    ),
    Program(
        "perl_dbd",
        ["perl", PROGRAMS / "perl_dbd_program.pl"],
        _command(["perl", "-MDBD::Pg", "-e", "1"], "libdbd-pg-perl"),
    ),
    Program(
        "jdbc",
        java("Jdbc", JDBC_JAR),
        java_class("Jdbc", JDBC_JAR, "libpostgresql-jdbc-java"),
    ),
]

# Programs that listen: called without arguments.
NOTIFY = [
    Ask("notify_psycopg2", [PYTHON, PROGRAMS / "notify_psycopg2.py"], _python("psycopg2")),
    Ask("notify_psycopg3", [PYTHON, PROGRAMS / "notify_psycopg3.py"], _python("psycopg")),
    Ask("notify_asyncpg", [PYTHON, PROGRAMS / "notify_asyncpg.py"], _python("asyncpg")),
    Ask("notify_node_pg", ["node", PROGRAMS / "notify_node_pg.js"], node_modules, **NODE),
    Ask(
        "notify_jdbc",
        java("Notify", JDBC_JAR),
        java_class("Notify", JDBC_JAR, "libpostgresql-jdbc-java"),
    ),
]

# Programs with large objects.
LARGE_OBJECTS = [
    Ask("lo_psycopg2", [PYTHON, PROGRAMS / "lo_psycopg2.py"], _python("psycopg2")),
    Ask("lo_psql", ["sh", PROGRAMS / "lo_psql.sh"]),
    Ask(
        "lo_jdbc",
        java("LargeObjects", JDBC_JAR),
        java_class("LargeObjects", JDBC_JAR, "libpostgresql-jdbc-java"),
    ),
]

_CONNECTOR_J = java_class("ConnectorJ", MARIADB_JAR, "libmariadb-java")
_PHP = _tool("php", "php-cli php-mysql")

MYSQL_DRIVERS = [
    Program(
        "mariadb_cli",
        [PYTHON, PROGRAMS / "mysql_cli_program.py", "mariadb"],
        _tool("mariadb", "mariadb-client"),
    ),
    Program(
        "mysql_cli",
        [PYTHON, PROGRAMS / "mysql_cli_program.py", *mysql.in_tree("bin/mysql")],
        mysql.make_trees,
    ),
    Program("pymysql", [PYTHON, PROGRAMS / "pymysql_program.py"], _python("pymysql")),
    Program("mysqlclient", [PYTHON, PROGRAMS / "mysqlclient_program.py"], _python("MySQLdb")),
    Program(
        "mysql2_query", ["node", PROGRAMS / "mysql2_program.js", "query"], node_modules, **NODE
    ),
    Program(
        "mysql2_execute",
        ["node", PROGRAMS / "mysql2_program.js", "execute"],
        node_modules,
        **NODE,
    ),
    Program("mariadb_js", ["node", PROGRAMS / "mariadb_program.js"], node_modules, **NODE),
    Program(
        "connector_j",
        [*java("ConnectorJ", MARIADB_JAR), "plain"],
        _CONNECTOR_J,
        ROWS=str(PROGRAMS / "mysql_rows.tsv"),
    ),
    Program(
        "connector_j_prepared",
        [*java("ConnectorJ", MARIADB_JAR), "prepared"],
        _CONNECTOR_J,
        ROWS=str(PROGRAMS / "mysql_rows.tsv"),
    ),
    Program(
        "php_mysqli",
        ["php", "-d", "mysqli.allow_local_infile=1", PROGRAMS / "mysqli_program.php"],
        _PHP,
    ),
    Program("php_pdo_emulated", ["php", PROGRAMS / "pdo_program.php", "emulated"], _PHP),
    Program("php_pdo_native", ["php", PROGRAMS / "pdo_program.php", "native"], _PHP),
]

_PERL = _tool("perl", "libdbd-mysql-perl")
_RUBY = _tool("ruby", "ruby-mysql2")

MYSQL_ASK = [
    Ask("pymysql", [PYTHON, PROGRAMS / "mysql_ask.py", "pymysql"], _python("pymysql")),
    Ask("mysqlclient", [PYTHON, PROGRAMS / "mysql_ask.py", "MySQLdb"], _python("MySQLdb")),
    Ask(
        "mysql2 query",
        ["node", PROGRAMS / "mysql_ask.js", "mysql2", "query"],
        node_modules,
        **NODE,
    ),
    Ask(
        "mysql2 execute",
        ["node", PROGRAMS / "mysql_ask.js", "mysql2", "execute"],
        node_modules,
        **NODE,
    ),
    Ask(
        "mariadb execute",
        ["node", PROGRAMS / "mysql_ask.js", "mariadb", "execute"],
        node_modules,
        **NODE,
    ),
    Ask("mysqli", ["php", PROGRAMS / "mysql_ask.php", "mysqli"], _PHP),
    Ask("PDO emulated", ["php", PROGRAMS / "mysql_ask.php", "emulated"], _PHP),
    Ask("PDO native", ["php", PROGRAMS / "mysql_ask.php", "native"], _PHP),
    Ask("Perl prepared", ["perl", PROGRAMS / "mysql_ask.pl", "prepared"], _PERL),
    Ask("Ruby text", ["ruby", PROGRAMS / "mysql_ask.rb", "text"], _RUBY),
    Ask("Ruby prepared", ["ruby", PROGRAMS / "mysql_ask.rb", "prepared"], _RUBY),
]


_ASKED = {"HTTP_REQUESTS": str(PROGRAMS / "http_requests.tsv")}


def _http_python(client, prepare):
    return Program(client, [PYTHON, PROGRAMS / "http_ask.py", client], prepare, **_ASKED)


def _http_node(way, prepare):
    return Program(way, ["node", PROGRAMS / "http_ask.js", way], prepare, **NODE, **_ASKED)


# They ask what is in HTTP_REQUESTS; their last arguments are POOL, SEED and the servers.
HTTP_CLIENTS = [
    _http_python("curl", _tool("curl", "curl")),
    _http_python("wget", _tool("wget", "wget")),
    _http_python("requests", _python("requests")),
    _http_python("httpx", _python("httpx")),
    _http_node("fetch", _tool("node", "nodejs")),
    _http_node("undici", node_modules),
    Program(
        "java",
        java("HttpAsk", "", "-Djdk.httpclient.allowRestrictedHeaders=connection"),
        java_class("HttpAsk", "", ""),
        **_ASKED,
    ),
]

# They talk with programs/websocket_server.js.
WEBSOCKET_CLIENTS = [
    Ask("ws", ["node", PROGRAMS / "websocket_client.js"], node_modules, **NODE),
    Ask("websockets", [PYTHON, PROGRAMS / "websocket_client.py"], _python("websockets")),
]
