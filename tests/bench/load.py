# SPDX-License-Identifier: Apache-2.0
"""What asks, and whom: pgbench and PostgreSQL, sysbench and MariaDB, or wrk and nginx (http_load.py). Each load knows its
modes, its rows and its floors, starts its server, and makes the recordings that replay is measured with."""

import re
import subprocess

from host import BenchError, Mariadb, Postgres, free_port
from http_load import Wrk
from rows import MAIN_SIZE, SIZES, OwnServerRow, ReplayRow, ServerRow, proxy_rows

ACCOUNTS_PER_SCALE = 100_000
COLD_KEYS = 200_000
COLD_STRIDE = 7919  # a prime that divides none of SIZES: every key comes once, in no order

SELECT = "SELECT abalance FROM pgbench_accounts WHERE aid = :aid;\n"
RANDOM_SCRIPT = "\\set aid random(1, :n)\n" + SELECT
COLD_SCRIPT = ("\\set k :client_id + :clients * :i\n\\set i :i + 1\n"
               f"\\set aid (:k * {COLD_STRIDE}) % :n + 1\n" + SELECT)

PGBOUNCER_CONFIGURATION = """\
[databases]
bench = host=127.0.0.1 port={upstream} dbname=bench
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {users}
pool_mode = session
default_pool_size = 50
server_tls_sslmode = disable
"""


class PgbouncerRow(ServerRow):
    def __init__(self):
        super().__init__("pgbouncer", "pgbouncer")

    def user(self, bench):
        return bench.host.as_user("postgres")

    def command(self, bench, port):
        users = bench.host.path("pgbouncer.users")
        path = bench.host.path("pgbouncer.ini")
        with open(users, "w", encoding="ascii") as file:
            file.write('"postgres" ""\n')
        with open(path, "w", encoding="ascii") as file:
            file.write(PGBOUNCER_CONFIGURATION.format(port=port, upstream=bench.server.port, users=users))
        return ["pgbouncer", "-q", path]


class SqlLoad:
    """What the databases have in common."""

    quick_mode = "prepared"
    clients = (1, 8)
    floor_clients = 8
    has_cold = False  # is there a row of a recording that the kernel has forgotten?
    ceiling = None  # the row that replay can at most come to
    replay_beats = ()  # rows of other programs that replay, and how many times as fast this one has to be
    select = None  # what is asked, as LIKE has it

    @classmethod
    def stored(cls, database):
        """The transactions that a recording holds, as the view for people shows them."""
        return database.execute("select count(*) from queries where row_count = 1 and sql like ?",
                                (cls.select,)).fetchone()[0]

    @staticmethod
    def is_all(stored, transactions, case):
        return stored == transactions


class Pgbench(SqlLoad):
    """PostgreSQL: pgbench -S in its three query modes."""

    name = "pgbench"
    modes = ("simple", "extended", "prepared")
    ceiling = "canned bytes"
    has_cold = True
    select = "SELECT abalance%"
    replay_floor = 2.5  # of direct
    sizes = SIZES  # of the recordings that are compared with each other
    size_modes = ("simple", "prepared")

    @staticmethod
    def start(host):
        return Postgres(host, SIZES[-1] // ACCOUNTS_PER_SCALE)

    @staticmethod
    def rows(sizes):
        rows = proxy_rows()
        rows.insert(2, PgbouncerRow())
        rows += [ReplayRow(size, Pgbench.size_modes) for size in sizes]
        if SIZES[-1] in sizes:
            rows.append(ReplayRow(SIZES[-1], Pgbench.size_modes, cold=True))
        return rows + [OwnServerRow("canned bytes", "canned", 1)]

    @staticmethod
    def warm_up(bench):
        bench.server.run("pgbench", "-n", "-S", "-c", "4", "-T", "1", "bench")

    @staticmethod
    def make_recording(bench, path, size):
        """generate.c passes made-up bytes through the program's own recorder."""
        return subprocess.run([bench.own("generate"), "-o", path, "-n", str(size), "-p", str(bench.server.port)],
                              stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    @staticmethod
    def command(bench, case, port, script):
        return [bench.server.bin + "/pgbench", "-n", "-M", case.mode, "-c", str(case.clients), "-j", str(case.jobs),
                "-h", "127.0.0.1", "-p", str(port), *script, "bench"]

    @staticmethod
    def script(_, case):
        return ["-S", "-T", str(case.seconds)]

    @staticmethod
    def replay_script(bench, case, size, cold):
        options = ["-D", f"n={size}"]
        if not cold:
            return [*options, "-f", bench.script("random.sql", RANDOM_SCRIPT), "-T", str(case.seconds)]
        each = min(COLD_KEYS, size) // case.clients
        return [*options, "-D", "i=0", "-D", f"clients={case.clients}", "-t", str(each),
                "-f", bench.script("cold.sql", COLD_SCRIPT)]

    @staticmethod
    def read(text):
        """pgbench's own report."""
        tps = re.search(r"^tps = ([0-9.]+) \(without initial", text, re.MULTILINE)
        count = re.search(r"^number of transactions actually processed: (\d+)", text, re.MULTILINE)
        failed = re.search(r"^number of failed transactions: (\d+)", text, re.MULTILINE)
        if not tps or not count or (failed and failed.group(1) != "0"):
            raise BenchError(f"pgbench: {text.strip()[-300:]}")
        return float(tps.group(1)), int(count.group(1))


class Sysbench(SqlLoad):
    """MariaDB: sysbench oltp_point_select, as text and prepared. A client is a thread: --jobs means nothing to it."""

    name = "sysbench"
    modes = ("text", "prepared")
    ceiling = "canned bytes"
    select = "SELECT c FROM sbtest1%"
    replay_floor = 2.0
    sizes = SIZES
    size_modes = modes

    @staticmethod
    def start(host):
        server = Mariadb(host)
        server.run(*Sysbench.options(server.port), "oltp_common", "prepare")
        return server

    @staticmethod
    def options(port):
        return ["sysbench", "--db-driver=mysql", "--mysql-host=127.0.0.1", f"--mysql-port={port}",
                "--mysql-user=bench", "--mysql-db=bench", "--tables=1", f"--table-size={MAIN_SIZE}",
                "--rand-type=uniform"]

    @staticmethod
    def rows(sizes):
        rows = proxy_rows() + [ReplayRow(size, Sysbench.size_modes) for size in sizes]
        return rows + [OwnServerRow("canned bytes", "canned", 1, "-m")]

    @staticmethod
    def warm_up(bench):
        bench.server.run(*Sysbench.options(bench.server.port), "oltp_point_select", "--threads=4", "--time=1", "run")

    @staticmethod
    def make_recording(bench, path, size):
        """Every row asked for once, as text: one identity with the prepared statement (generate.c)."""
        return subprocess.run([bench.own("generate"), "-P", "mysql", "-o", path, "-n", str(size),
                               "-p", str(bench.server.port)],
                              stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    @staticmethod
    def command(_, case, port, script):
        way = "disable" if case.mode == "text" else "auto"
        return [*Sysbench.options(port), f"--threads={case.clients}", f"--db-ps-mode={way}", *script]

    @staticmethod
    def script(_, case):
        return ["--events=0", f"--time={case.seconds}", "oltp_point_select", "run"]

    @staticmethod
    def replay_script(bench, case, size, cold):
        return [f"--table-size={size}", *Sysbench.script(bench, case)]

    @staticmethod
    def read(text):
        """sysbench's own report."""
        found = re.search(r"^ *transactions: +(\d+) +\(([0-9.]+) per sec", text, re.MULTILINE)
        if not found or not re.search(r"ignored errors: +0 ", text):
            raise BenchError(f"sysbench: {text.strip()[-300:]}")
        return float(found.group(2)), int(found.group(1))


LOADS = {"postgres": Pgbench, "mariadb": Sysbench, "nginx": Wrk}
