# SPDX-License-Identifier: Apache-2.0
"""A real MariaDB 10.11 or MySQL 9.7 in a temporary folder, on a free port of 127.0.0.1, stopped by
process id.

MariaDB's server is Debian's; MySQL is the private tree that tools/mysql-tree.sh makes below
build/servers, once. Both run as a user without rights.
"""
import atexit
import os
import pwd
import shutil
import signal
import socket
import subprocess

from harness import (
    BUILD,
    PROGRAMS,
    ROOT,
    TIMEOUT,
    Failure,
    Skip,
    alive,
    folder,
    free_port,
    kill,
    made_by_one,
    wait_dead,
    wait_until,
)

TREES = BUILD / "servers"
TREE = TREES / "mysql"
LOADER = TREE / "usr/lib64/ld-linux-x86-64.so.2"
# Looked for in recordings: it must not be there.
PASSWORD = "pw-Kaninchenbau-4711"
# One user for each way to log in; app is the one for everything else, with the server's default.
LOGINS = {
    "mariadb": {
        "app": "mysql_native_password",
        "app_ed25519": "ed25519",
        "app_empty": "mysql_native_password",
    },
    "mysql": {
        "app": "caching_sha2_password",
        "app_sha256": "sha256_password",
        "app_empty": "caching_sha2_password",
    },
}
WITHOUT_PASSWORD = "app_empty"

_SETTINGS = [
    "--bind-address=127.0.0.1",
    "--max-connections=300",
    "--max-allowed-packet=1G",
    "--local-infile=1",
    "--innodb-buffer-pool-size=64M",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-doublewrite=0",
    "--skip-log-bin",
    "--default-time-zone=+00:00",
    "--character-set-server=utf8mb4",
]
_MYSQL_FILES = ["--innodb-redo-log-capacity=8M", "--innodb-data-file-path=ibdata1:5M:autoextend"]


@made_by_one("mysql")
def make_trees():
    """Fetches and unpacks what Debian does not install; nothing to do after the first time."""
    done = subprocess.run(
        [ROOT / "tools" / "mysql-tree.sh", TREES],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=540,
        check=False,
    )
    if done.returncode:
        raise Failure(done.stdout.decode(errors="replace"))


def in_tree(program):
    """The command for a program of the tree: through the tree's own loader and libraries."""
    path = TREE / "usr" / program
    return [LOADER, "--library-path", TREE / "usr/lib/x86_64-linux-gnu", "--argv0", path, path]


class MariadbKind:
    """What is MariaDB's own in starting a server."""

    name = "mariadb"
    users = """
create user app identified by '{password}', app_ed25519 identified via ed25519 using
password('{password}'), app_empty; grant all on *.* to app, app_ed25519, app_empty;
"""

    @staticmethod
    def check():
        for program in ("mariadbd", "mariadb-install-db", "mariadb"):
            if not shutil.which(program, path="/usr/sbin:/usr/bin:/sbin:/bin"):
                raise Skip(f"{program} is not installed (apt install mariadb-server-core)")
        make_trees()

    @staticmethod
    def initialize(server):
        server.call(
            "mariadb-install-db",
            "--no-defaults",
            f"--datadir={server.data}",
            "--skip-test-db",
            "--auth-root-authentication-method=normal",
            "--innodb-log-file-size=8M",
        )
        # The plugin must lie where this user may read it.
        shutil.copytree(TREES / "mariadb", server.folder / "plugins")

    @staticmethod
    def command(server):
        return [
            "/usr/sbin/mariadbd",
            "--no-defaults",
            f"--plugin-dir={server.folder}/plugins",
            "--plugin-load-add=auth_ed25519",
            "--innodb-log-file-size=8M",
            *_SETTINGS,
        ]


class MysqlKind:
    """What is MySQL's own: it needs its tree, and its empty data folder is made once and copied."""

    name = "mysql"
    users = """
create user app identified by '{password}', app_empty identified by '',
	app_sha256 identified with sha256_password by '{password}';
grant all on *.* to app, app_sha256, app_empty;
"""

    @staticmethod
    def check():
        make_trees()

    @staticmethod
    def common():
        return [
            *in_tree("sbin/mysqld"),
            "--no-defaults",
            "--secure-file-priv=",
            f"--basedir={TREE}/usr",
            f"--lc-messages-dir={TREE}/usr/share/mysql",
            f"--plugin-dir={TREE}/usr/lib/mysql/plugin",
            *_MYSQL_FILES,
        ]

    @classmethod
    def initialize(cls, server):
        ready = TREES / "mysql-data"
        if not ready.exists():
            server.call(*cls.common(), f"--datadir={server.data}", "--initialize-insecure")
            made = TREES / f"mysql-data.{os.getpid()}"
            shutil.copytree(server.data, made)
            try:
                made.rename(ready)
            except OSError:
                shutil.rmtree(made)  # another test was first
            return
        shutil.copytree(ready, server.data, dirs_exist_ok=True)
        server.own(server.data)

    @classmethod
    def command(cls, server):
        return [
            *cls.common(),
            "--mysqlx=OFF",
            "--performance-schema=OFF",
            "--log-error-verbosity=1",
            *_SETTINGS,
        ]


KINDS = {"mariadb": MariadbKind, "mysql": MysqlKind}


class Server:
    """Makes its data folder, starts, stops. Questions of the test itself go through the Unix
    socket."""

    def __init__(self, kind="mariadb", settings=()):
        self.kind = kind
        self._kind = KINDS[kind]
        self._kind.check()
        self.folder = folder(kind)
        self.data = self.folder / "data"
        # Its own: a server that starts removes the temporary tables of all others in its folder.
        self.temporary = self.folder / "tmp"
        self._environment = dict(os.environ, TMPDIR=str(self.temporary))
        self.socket = self.folder / "socket"
        self.port = free_port()
        self.pid = self._process = None
        self._settings = list(settings)
        self._user = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        self.data.mkdir()
        self.temporary.mkdir()
        self.own(self.folder)
        self._kind.initialize(self)
        atexit.register(self._stop_at_exit)
        self.start()
        self.sql(self._kind.users.format(password=PASSWORD))

    def own(self, top):
        if self._user:
            for path in (top, *top.rglob("*")):
                os.chown(path, self._user.pw_uid, self._user.pw_gid)

    def _as_user(self):
        if not self._user:
            return {}
        return {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []}

    def call(self, *command):
        """Runs a program of the server to its end."""
        done = subprocess.run(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=3 * TIMEOUT,  # it makes a server's files
            env=self._environment,
            check=False,
            **self._as_user(),
        )
        if done.returncode:
            raise Failure(f"{command[0]}: {done.stdout.decode(errors='replace')[-3000:]}")

    def start(self):
        """Starts the server and waits until it greets."""
        command = [
            *self._kind.command(self),
            f"--datadir={self.data}",
            f"--socket={self.socket}",
            f"--pid-file={self.folder}/pid",
            f"--port={self.port}",
            *self._settings,
        ]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=self._environment,
                start_new_session=True,
                **self._as_user(),
            )
        self.pid = self._process.pid
        wait_until(self._greets, f"{self.kind} greets")

    def _greets(self):
        if self._process.poll() is not None:
            log = (self.folder / "log").read_text(errors="replace")
            raise Failure(f"{self.kind} did not start: {log[-3000:]}")
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(TIMEOUT)
            try:
                probe.connect(str(self.socket))
                return len(probe.recv(5)) == 5
            except OSError:
                return False

    def stop(self, number=signal.SIGTERM):
        """Stops it in order, or with SIGKILL at once; returns when it is gone."""
        if self.pid is None:
            return
        kill(self.pid, number)
        try:
            self._process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            raise Failure(f"{self.kind} did not stop") from None
        self.pid = None

    def _stop_at_exit(self):
        # The folder is removed afterwards: nothing is worth an orderly end.
        if self.pid is not None and alive(self.pid):
            kill(self.pid)
            wait_dead(self.pid, self.kind)

    def sql(self, text, database="mysql"):
        """Asks directly, past every proxy: the output, tabs between columns."""
        done = subprocess.run(
            ["mariadb", "--no-defaults", "-N", "-B", "-S", self.socket, "-u", "root", database],
            input=text,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=TIMEOUT,
            check=False,
            encoding="utf-8",
        )
        if done.returncode:
            raise Failure(f"mariadb: {done.stderr}\n{text[:300]}")
        return done.stdout.strip()

    def create_database(self, name, schema=True):
        """A fresh database, with what the programs find in theirs."""
        self.sql(f"drop database if exists {name}; create database {name}")
        if schema:
            self.sql((PROGRAMS / "mysql_schema.sql").read_text(), name)
        return name

    def environment(self, database="mysql", user="app", **more):
        """For the programs; the command lines know MYSQL_HOST, MYSQL_TCP_PORT and MYSQL_PWD
        themselves. Nothing of the caller's own."""
        return {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "PYTHONDONTWRITEBYTECODE": "1",
            "NO_COLOR": "1",
            "MYSQL_HOST": "127.0.0.1",
            "MYSQL_TCP_PORT": str(self.port),
            "MYSQL_USER": user,
            "MYSQL_PWD": "" if user == WITHOUT_PASSWORD else PASSWORD,
            "MYSQL_DATABASE": database,
            "MYSQL_HISTFILE": "/dev/null",
            "MARIADB_HISTFILE": "/dev/null",
            "SERVER_KIND": self.kind,
        } | more

    def status(self, *names):
        """Counters of the server, since its start, by name."""
        listed = ", ".join(f"'{name}'" for name in names)
        found = self.sql(f"show global status where variable_name in ({listed})")
        return {
            name: int(value) for name, value in (line.split("\t") for line in found.splitlines())
        }
