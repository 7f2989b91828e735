# SPDX-License-Identifier: Apache-2.0
"""Processes, ports and measures of this machine, for tests/bench/run.

Everything that is started is a direct child, is stopped by its own process id, and lives in one temporary
folder that is removed at the end. Standard library only.
"""

import contextlib
import glob
import os
import pwd
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time

START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 30
SAMPLE_S = 0.1
SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"

# Runs a command between two lines from its standard input, so that the measure begins and ends exactly with the
# command, also when another program is wrapped around this one.
GATE = 'echo ready; read -r go; "$@" </dev/null; echo "ended $?"; read -r go; exit 0'


# Options of a server, which is in no session of others.
SESSION = {"process_group": None, "start_new_session": True}


class BenchError(Exception):
    """A run that failed; the text is for people."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def can_connect(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
        return True
    except OSError:
        return False


def postgres_bin():
    """The folder of PostgreSQL's programs: version 15, else the newest."""
    for folder in ["/usr/lib/postgresql/15/bin", *sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True)]:
        if os.access(folder + "/pgbench", os.X_OK) and os.access(folder + "/postgres", os.X_OK):
            return folder
    raise BenchError("PostgreSQL's server and pgbench are not installed: apt-get install postgresql")


def complaint(path, size=1500):
    """What a program said: from its first error on, else its last words; in one line."""
    with open(path, "rb") as log:
        text = log.read(1 << 20).decode(errors="replace").strip()
    at = text.lower().find("error")
    text = text[at:at + size // 3] if at >= 0 else text[-size:]
    return " / ".join(text.splitlines())


class Host:
    """The temporary folder and the processes of one benchmark."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="mockproxy-bench-")
        os.chmod(self.folder, 0o755)
        self.processes = []
        self.is_root = os.geteuid() == 0

    def close(self):
        for process in reversed(self.processes):
            self.stop(process)
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def as_user(self, user):
        """Options of Popen for a program that refuses to be root."""
        if not self.is_root:
            return {}
        group = pwd.getpwnam(user).pw_gid
        return {"user": user, "group": group, "extra_groups": []}

    def start(self, name, command, stop_signal=signal.SIGTERM, group=False, **options):
        """A child in a process group of its own, so that Ctrl-C reaches only this program. With `group` its children
        are stopped with it. Not in a session of its own: the kernel shares the processors out among sessions
        (autogroup), and mockproxy is always in that of the load, so every other proxy is too."""
        with open(self.path(name + ".log"), "wb") as log:
            process = subprocess.Popen(command, cwd="/", stderr=log,
                                       **{"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL,
                                          "process_group": 0, **options})
        process.bench_name = name
        process.bench_signal = stop_signal
        process.bench_group = group
        self.processes.append(process)
        return process

    @staticmethod
    def send(process, number):
        if process.bench_group:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)

    def stop(self, process):
        if process.poll() is None:
            self.send(process, process.bench_signal)
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self.send(process, signal.SIGKILL)
                process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe:
                with contextlib.suppress(OSError):
                    pipe.close()
        if process in self.processes:
            self.processes.remove(process)

    def wait_for_port(self, process, port):
        end = time.monotonic() + START_TIMEOUT_S
        while not can_connect(port):
            if process.poll() is not None or time.monotonic() > end:
                raise BenchError(f"{process.bench_name} did not start: {complaint(self.path(process.bench_name + '.log'))}")
            time.sleep(0.005)

    @contextlib.contextmanager
    def server(self, name, command, port, **options):
        process = self.start(name, command, **options)
        try:
            self.wait_for_port(process, port)
            yield process
        finally:
            self.stop(process)


class Postgres:
    """A PostgreSQL of our own, with pgbench's tables in the database `bench`."""

    def __init__(self, host, scale):
        self.bin = postgres_bin()
        self.port = free_port()
        self.environment = dict(os.environ, PGUSER="postgres", PGSSLMODE="disable", PGHOST="127.0.0.1",
                                PGDATABASE="bench", PGPORT=str(self.port))
        for name in ("PGPASSWORD", "PGOPTIONS", "PGSERVICE", "PGHOSTADDR"):
            self.environment.pop(name, None)
        data = host.path("postgres")
        os.mkdir(data, 0o700)
        options = host.as_user("postgres")
        if options:
            shutil.chown(data, "postgres", "postgres")
        subprocess.run([self.bin + "/initdb", "-D", data, "-A", "trust", "-U", "postgres", "-E", "UTF8",
                        "--locale=C.UTF-8", "--no-sync"],
                       check=True, cwd="/", stdout=subprocess.DEVNULL, **options)
        # No autovacuum: it would begin in some round and not in others.
        settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "port": self.port,
                    "shared_buffers": "256MB", "fsync": "off", "full_page_writes": "off", "ssl": "off",
                    "autovacuum": "off", "max_connections": 100}
        command = [self.bin + "/postgres", "-D", data]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        process = host.start("postgres-server", command, signal.SIGINT, **SESSION, **options)
        host.wait_for_port(process, self.port)
        self.wait_until_ready()
        self.run("createdb", "--maintenance-db=postgres", "bench")
        self.run("pgbench", "-i", "-q", "-s", str(scale), "bench")

    def wait_until_ready(self):
        """It listens before it lets clients in."""
        end = time.monotonic() + START_TIMEOUT_S
        while subprocess.run([self.bin + "/pg_isready", "-q"], env=self.environment, check=False).returncode:
            if time.monotonic() > end:
                raise BenchError("PostgreSQL does not let clients in")

    def run(self, program, *arguments):
        return run([f"{self.bin}/{program}", *arguments], self.environment)


class Mariadb:
    """A MariaDB of our own with the database `bench`, and a user of that name without a password."""

    def __init__(self, host):
        self.port = free_port()
        self.environment = dict(os.environ)
        for name in ("MYSQL_PWD", "MYSQL_HOST", "MYSQL_TCP_PORT"):
            self.environment.pop(name, None)
        for program in ("mariadbd", "mariadb-install-db", "sysbench"):
            if not shutil.which(program, path=SYSTEM_PATH):
                raise BenchError(f"{program} is not installed: apt-get install mariadb-server-core mariadb-client sysbench")
        data = host.path("mariadb")
        os.mkdir(data, 0o700)
        options = host.as_user("nobody")
        if options:
            shutil.chown(data, "nobody", pwd.getpwnam("nobody").pw_gid)
        # A folder of its own: a server that starts removes the temporary tables of all others in /tmp.
        own = dict(os.environ, TMPDIR=data)
        subprocess.run(["mariadb-install-db", "--no-defaults", f"--datadir={data}", "--skip-test-db",
                        "--auth-root-authentication-method=normal"],
                       check=True, cwd=data, env=own, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)
        with open(data + "/users.sql", "w", encoding="ascii") as file:
            file.write("create database bench;\ncreate user bench;\ngrant all on bench.* to bench;\n")
        command = [shutil.which("mariadbd", path=SYSTEM_PATH), "--no-defaults", f"--datadir={data}",
                   f"--socket={data}/socket", f"--pid-file={data}/pid", "--bind-address=127.0.0.1", f"--port={self.port}",
                   "--innodb-buffer-pool-size=256M", "--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0",
                   "--skip-log-bin", "--max-connections=100", f"--init-file={data}/users.sql", f"--tmpdir={data}"]
        process = host.start("mariadb-server", command, **SESSION, **options)
        host.wait_for_port(process, self.port)  # it listens when the init file was read

    def run(self, *command):
        result = subprocess.run(command, env=self.environment, text=True, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if result.returncode:
            raise BenchError(f"{command[0]} failed: {result.stdout.strip()[-1000:]}")
        return result.stdout


NGINX_CONFIGURATION = """\
daemon off;
{user}
worker_processes auto;
pid {folder}/pid;
error_log {folder}/error;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {folder}/t1;
    proxy_temp_path {folder}/t2;
    fastcgi_temp_path {folder}/t3;
    uwsgi_temp_path {folder}/t4;
    scgi_temp_path {folder}/t5;
    default_type text/plain;
    keepalive_requests 1000000000;
    server {{
        listen 127.0.0.1:{port};
        location / {{ return 200 "$uri\\n"; }}
    }}
}}
"""


class Nginx:
    """An nginx of our own that answers every request with the path that was asked for."""

    def __init__(self, host):
        self.port = free_port()
        self.environment = dict(os.environ)
        program = shutil.which("nginx", path=SYSTEM_PATH)
        if not program:
            raise BenchError("nginx is not installed: apt-get install nginx-light")
        folder = host.path("nginx")
        os.mkdir(folder)
        with open(folder + "/conf", "w", encoding="ascii") as file:
            file.write(NGINX_CONFIGURATION.format(folder=folder, port=self.port,
                                                  user="user root;" if host.is_root else ""))
        process = host.start("nginx-server", [program, "-c", folder + "/conf", "-p", folder, "-e", folder + "/error"],
                             signal.SIGQUIT, **SESSION)
        host.wait_for_port(process, self.port)

    def run(self, *command):
        return run(command, self.environment)


def run(command, environment):
    result = subprocess.run(command, env=environment, text=True, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if result.returncode:
        raise BenchError(f"{command[0]} failed: {result.stdout.strip()[-1000:]}")
    return result.stdout


def read_proc(path):
    try:
        with open(path, "rb") as file:
            return file.read().decode(errors="replace")
    except OSError:
        return ""


def family(pid, name):
    """The process and those descendants that are the same program (a fork that did not become another)."""
    pids = [pid]
    for child in read_proc(f"/proc/{pid}/task/{pid}/children").split():
        if read_proc(f"/proc/{child}/comm").startswith(name):
            pids += family(int(child), name)
    return pids


def machine_ticks():
    """Clock ticks of all processors: (idle ones, all)."""
    ticks = [int(field) for field in read_proc("/proc/stat").partition("\n")[0].split()[1:9]]
    return ticks[3], sum(ticks)


class Meter:
    """CPU time and memory of a proxy's processes from its making to end(), and what the machine had idle meanwhile."""

    TICK_S = 1 / os.sysconf("SC_CLK_TCK")

    def __init__(self, pids):
        self.pids = pids
        self.anonymous_kb = 0
        self.total_kb = 0
        self.begin_cpu_s = self.cpu_s()
        self.begin_idle, self.begin_ticks = machine_ticks()

    def cpu_s(self):
        ticks = 0
        for pid in self.pids:
            fields = read_proc(f"/proc/{pid}/stat").rpartition(")")[2].split()
            if fields:
                ticks += int(fields[11]) + int(fields[12])
        return ticks * self.TICK_S

    def sample(self):
        anonymous = total = 0
        for pid in self.pids:
            for line in read_proc(f"/proc/{pid}/status").splitlines():
                if line.startswith("RssAnon:"):
                    anonymous += int(line.split()[1])
                elif line.startswith("VmHWM:"):
                    total += int(line.split()[1])
        self.anonymous_kb = max(self.anonymous_kb, anonymous)
        self.total_kb = max(self.total_kb, total)

    def end(self):
        self.sample()
        idle, ticks = machine_ticks()
        return {"cpu_s": round(self.cpu_s() - self.begin_cpu_s, 3), "anonymous_kb": self.anonymous_kb,
                "total_kb": self.total_kb,
                "idle": round((idle - self.begin_idle) / max(ticks - self.begin_ticks, 1), 3)}


class GatedCommand:
    """A command in the gate, perhaps wrapped by a proxy's own command line."""

    def __init__(self, host, name, wrapper, command, environment):
        self.host = host
        self.log = host.path(name + ".log")
        self.process = host.start(name, [*wrapper, "/bin/sh", "-c", GATE, "sh", *command], group=True,
                                  env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.output = b""

    def wait_for_line(self, word, timeout_s, meter=None):
        """All output up to and with the line that begins with this word."""
        end = time.monotonic() + timeout_s
        pipe = self.process.stdout
        while True:
            lines = self.output.decode(errors="replace").splitlines(keepends=True)
            for i, line in enumerate(lines):
                if line.startswith(word) and line.endswith("\n"):
                    self.output = "".join(lines[i + 1:]).encode()
                    return "".join(lines[:i + 1])
            if time.monotonic() > end:
                raise BenchError(f"no '{word}' within {timeout_s:.0f} s: {complaint(self.log)}")
            if select.select([pipe], [], [], SAMPLE_S)[0]:
                piece = os.read(pipe.fileno(), 65536)
                if not piece:
                    raise BenchError(f"ended before '{word}': {complaint(self.log)}")
                self.output += piece
            if meter:
                meter.sample()

    def let_on(self):
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()

    def finish(self, timeout_s):
        """Lets the command end; its exit status."""
        self.let_on()
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise BenchError(f"did not end within {timeout_s:.0f} s: {complaint(self.log)}") from None

    def close(self):
        self.host.stop(self.process)
