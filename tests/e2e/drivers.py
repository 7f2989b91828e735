# SPDX-License-Identifier: Apache-2.0
"""The recorded programs: how each is called."""
import os
import shutil
import subprocess

from harness import BUILD, HERE, PROGRAMS, Failure, Skip

PYTHON = "/usr/bin/python3"
JDBC_JAR = "/usr/share/java/postgresql.jar"


class Program:
    """A program of tests/e2e/programs: POOL and SEED are its arguments."""

    def __init__(self, name, command, prepare=lambda: None, **environment):
        self.name, self._command, self.prepare, self.environment = (
            name,
            command,
            prepare,
            environment,
        )

    def command(self, pool=3, seed=0):
        return [*map(str, self._command), str(pool), str(seed)]


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


def _node_modules():
    """npm ci into build/npm, once for each lock file."""
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


def _java_class():
    """Compiles Jdbc.java into build/e2e, so that each run starts quickly."""
    if not shutil.which("javac") or not os.path.exists(JDBC_JAR):
        raise Skip(
            "no javac or no postgresql.jar"
            " (apt install default-jdk-headless libpostgresql-jdbc-java)"
        )
    folder = BUILD / "e2e"
    source, target = PROGRAMS / "Jdbc.java", folder / "Jdbc.class"
    if target.exists() and target.stat().st_mtime > source.stat().st_mtime:
        return
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["javac", "-d", folder, source],
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=120,
    )
    if done.returncode:
        raise Failure(f"javac: {done.stdout.decode(errors='replace')}")


_NODE = {"NODE_PATH": str(BUILD / "npm" / "node_modules"), "NODE_NO_WARNINGS": "1"}

DRIVERS = [
    Program("psql", [PYTHON, PROGRAMS / "psql_program.py"]),
    Program("psycopg2", [PYTHON, PROGRAMS / "psycopg2_program.py"], _python("psycopg2")),
    Program("psycopg3", [PYTHON, PROGRAMS / "psycopg3_program.py"], _python("psycopg")),
    Program("asyncpg", [PYTHON, PROGRAMS / "asyncpg_program.py"], _python("asyncpg")),
    Program("node_pg", ["node", PROGRAMS / "node_pg_program.js"], _node_modules, **_NODE),
    Program("postgres_js", ["node", PROGRAMS / "postgres_js_program.js"], _node_modules, **_NODE),
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
        [
            "java",
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseSerialGC",
            "-cp",
            f"{JDBC_JAR}:{BUILD / 'e2e'}",
            "Jdbc",
        ],
        _java_class,
    ),
]
