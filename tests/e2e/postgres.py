# SPDX-License-Identifier: Apache-2.0
"""A real PostgreSQL 15 in a temporary folder, on a free port of 127.0.0.1 and ::1, stopped by
process id."""
import atexit
import os
import pathlib
import pwd
import signal
import subprocess

from harness import PROGRAMS, TIMEOUT, Failure, alive, children, folder, free_port, kill, wait_dead

BINARIES = pathlib.Path(os.environ.get("PG_BINDIR", "/usr/lib/postgresql/15/bin"))
# Looked for in recordings: it must not be there.
PASSWORD = "pw-Kaninchenbau-4711"
# One user for each way to log in; app is the one for everything else.
LOGINS = {"app": "scram-sha-256", "app_md5": "md5", "app_clear": "password", "app_trust": "trust"}

_HBA = """local all all trust
host all app_md5 all md5
host all app_clear all password
host all app_trust all trust
host all all all scram-sha-256
"""
_SETTINGS = """listen_addresses = '127.0.0.1, ::1'
fsync = off
synchronous_commit = off
full_page_writes = off
max_connections = 200
shared_buffers = 64MB
autovacuum = off
TimeZone = 'UTC'
lc_messages = 'C'
log_min_messages = fatal
authentication_timeout = 600s
"""


class Server:
    """initdb, start, stop. Questions of the test itself go through the Unix socket."""

    def __init__(self, settings=""):
        self.folder = folder("postgres")
        self.data = self.folder / "data"
        self.port = free_port()
        self._user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        self.pid = None
        if os.geteuid() == 0:
            account = pwd.getpwnam(self._user)
            os.chown(self.folder, account.pw_uid, account.pw_gid)
        secret = self.folder / "password"
        secret.write_text(PASSWORD + "\n")
        self._call(
            "initdb",
            "-D",
            self.data,
            "-U",
            "postgres",
            "-A",
            "scram-sha-256",
            f"--pwfile={secret}",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
        )
        (self.data / "pg_hba.conf").write_text(_HBA)
        with (self.data / "postgresql.conf").open("a") as file:
            file.write(
                f"{_SETTINGS}port = {self.port}\n"
                f"unix_socket_directories = '{self.folder}'\n{settings}\n"
            )
        atexit.register(self._stop_at_exit)
        self.start()
        for name, method in LOGINS.items():
            kind = "md5" if method == "md5" else "scram-sha-256"
            self.psql(
                f"set password_encryption = '{kind}';"
                f" create role {name} superuser login password '{PASSWORD}'"
            )

    def _as_user(self, program, *arguments):
        command = [str(BINARIES / program), *map(str, arguments)]
        return ["runuser", "-u", self._user, "--", *command] if os.geteuid() == 0 else command

    def _call(self, program, *arguments):
        done = subprocess.run(
            self._as_user(program, *arguments),
            stdin=subprocess.DEVNULL,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=2 * TIMEOUT,
            check=False,
        )
        if done.returncode != 0:
            raise Failure(f"{program}: {done.stdout.decode(errors='replace')}")

    def start(self):
        """Starts the server and waits until it takes connections."""
        self._call("pg_ctl", "-D", self.data, "-w", "-t", f"{TIMEOUT:.0f}", "-l", self.folder / "log", "start")
        self.pid = int((self.data / "postmaster.pid").read_text().split()[0])

    def stop(self, mode="fast"):
        """Stops it, or with mode "immediate" lets it crash in an orderly way; returns when it is
        gone."""
        if self.pid is None:
            return
        self._call("pg_ctl", "-D", self.data, "-w", "-t", f"{TIMEOUT:.0f}", "-m", mode, "stop")
        self.pid = None

    def kill(self):
        """kill -9 of the server and all of its backends."""
        pids = [self.pid, *children(self.pid)]
        for pid in pids:
            kill(pid)
        for pid in pids:
            wait_dead(pid, "postgres")
        # Where nobody waits for orphans at once, the process id still looks taken.
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        (self.folder / f".s.PGSQL.{self.port}.lock").unlink(missing_ok=True)
        self.pid = None

    def _stop_at_exit(self):
        # The folder is removed afterwards: what is left of a failed stop must not go on without it.
        if self.pid is not None and alive(self.pid):
            kill(self.pid, signal.SIGQUIT)
            wait_dead(self.pid, "postgres")

    def psql(self, sql, database="postgres"):
        """Asks directly, past every proxy: the output, unaligned."""
        done = subprocess.run(
            [
                BINARIES / "psql",
                "-XAtq",
                "-v",
                "ON_ERROR_STOP=1",
                "-h",
                self.folder,
                "-p",
                str(self.port),
                "-U",
                "postgres",
                "-d",
                database,
            ],
            input=sql,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=TIMEOUT,
            check=False,
            encoding="utf-8",
        )
        if done.returncode != 0:
            raise Failure(f"psql: {done.stderr}\n{sql[:300]}")
        return done.stdout.strip()

    def create_database(self, name, schema=True):
        """A fresh database, with what the programs find in theirs."""
        self.psql(f"drop database if exists {name} with (force)")
        self.psql(f"create database {name}")
        if schema:
            self.psql((PROGRAMS / "schema.sql").read_text(), name)
        return name

    def environment(self, database="postgres", user="app", **more):
        """For libpq and for everything that reads its variables; nothing of the caller's own."""
        return {
            "PATH": f"{BINARIES}:{os.environ.get('PATH', '/usr/bin:/bin')}",
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "PYTHONDONTWRITEBYTECODE": "1",
            "NO_COLOR": "1",
            "PGHOST": "127.0.0.1",
            "PGPORT": str(self.port),
            "PGUSER": user,
            "PGPASSWORD": PASSWORD,
            "PGDATABASE": database,
            "PSQL_HISTORY": "/dev/null",
        } | more

    def backends(self, database):
        """How many connections the database has from outside."""
        return int(
            self.psql(
                f"select count(*) from pg_stat_activity where datname = '{database}'"
                " and backend_type = 'client backend' and pid <> pg_backend_pid()"
            )
        )

    def running(self, text):
        """Is a query that contains this text running now?"""
        return (
            self.psql(
                "select count(*) from pg_stat_activity"
                " where state = 'active' and pid <> pg_backend_pid()"
                f" and strpos(query, '{text}') > 0"
            )
            != "0"
        )
