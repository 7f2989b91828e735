# SPDX-License-Identifier: Apache-2.0
"""The rows of the benchmark: what stands between the load and the server, and one run of it."""

import contextlib
import os
import shutil
import sqlite3
import time

from host import BenchError, GatedCommand, Meter, START_TIMEOUT_S, complaint, family, free_port

SIZES = (100, 10_000, 1_000_000)
MAIN_SIZE = 10_000
CLOSE_TIMEOUT_S = 300
LONG_S = 30  # the writer's queue is full long before
LONG_ROW = f"record {LONG_S} s"

HAPROXY_CONFIGURATION = """\
global
    maxconn 256
defaults
    mode {mode}
    timeout connect 5s
    timeout client 1h
    timeout server 1h
listen bench
    bind 127.0.0.1:{port}
    server upstream 127.0.0.1:{upstream}
"""


class Case:
    """What the load does: a query mode, so many clients, so long."""

    def __init__(self, mode, clients, seconds, jobs):
        self.mode = mode
        self.clients = clients
        self.seconds = seconds
        self.jobs = min(jobs, clients)

    def __str__(self):
        return f"{self.mode}, {self.clients} client{'s' if self.clients > 1 else ''}"


class Row:
    """One row. reach() is a context that gives (port, wrapper of the command, process or None)."""

    seconds = None  # of a run, where it has its own length
    asked_for_only = False  # measured only when --rows names it

    def __init__(self, name):
        self.name = name

    def cannot(self, bench):
        """Why this row cannot be measured here, or None."""
        return None

    def fits(self, case):
        return True

    def case(self, case):
        """The case with this row's own length."""
        return Case(case.mode, case.clients, self.seconds or case.seconds, case.jobs)

    def prepare(self, bench):
        """Once, before the first round."""

    @contextlib.contextmanager
    def reach(self, bench):
        yield bench.server.port, [], None

    def script(self, bench, case):
        """The load's options for what is asked, and for how much."""
        return bench.load.script(bench, case)

    def check(self, bench, case, status, transactions):
        """After the end; raises BenchError when the run is not worth its figure."""
        if status:
            raise BenchError(f"exit status {status}")


class ServerRow(Row):
    """A proxy or server that runs by itself on a port."""

    def __init__(self, name, program):
        super().__init__(name)
        self.program = program

    def cannot(self, bench):
        return None if shutil.which(self.program) else f"{self.program} is not installed"

    def command(self, bench, port):
        raise NotImplementedError

    def user(self, bench):
        return {}

    @contextlib.contextmanager
    def reach(self, bench):
        port = free_port()
        with bench.host.server(self.name, self.command(bench, port), port, **self.user(bench)) as process:
            yield port, [], process


class HaproxyRow(ServerRow):
    def __init__(self, mode="tcp"):
        super().__init__("haproxy" if mode == "tcp" else f"haproxy {mode}", "haproxy")
        self.mode = mode

    def command(self, bench, port):
        path = bench.host.path(f"haproxy-{self.mode}.cfg")
        with open(path, "w", encoding="ascii") as file:
            file.write(HAPROXY_CONFIGURATION.format(mode=self.mode, port=port, upstream=bench.server.port))
        return ["haproxy", "-db", "-f", path]


class OwnServerRow(ServerRow):
    """One of the small programs beside this file."""

    def __init__(self, name, program, threads, *options):
        super().__init__(name, program)
        self.threads = threads
        self.options = options

    def cannot(self, bench):
        path = bench.own(self.program)
        return None if os.access(path, os.X_OK) else f"{path} is not built"

    def command(self, bench, port):
        command = [bench.own(self.program), "-l", str(port), "-t", str(self.threads), *self.options]
        if self.program == "relay":
            command += ["-u", f"127.0.0.1:{bench.server.port}"]
        return command


class MockproxyRow(Row):
    """mockproxy around the load."""

    def __init__(self, name, needs_root):
        super().__init__(name)
        self.needs_root = needs_root

    def cannot(self, bench):
        if not os.access(bench.mockproxy, os.X_OK):
            return f"{bench.mockproxy} is not built"
        if self.needs_root and not bench.host.is_root:
            return "needs root"
        return None


class RecordRow(MockproxyRow):
    def __init__(self, name, kernel=False, stage=None, seconds=None):
        super().__init__(name, kernel)
        self.seconds = seconds
        self.asked_for_only = seconds is not None
        self.kernel = kernel
        self.stage = stage
        self.stores = stage in (None, "store")

    @contextlib.contextmanager
    def reach(self, bench):
        port = bench.server.port if self.kernel else free_port()
        wrapper = [bench.mockproxy, "record", "-o", bench.host.path("record.db")]
        if not self.kernel:
            wrapper += ["--listen", f"{port}=127.0.0.1:{bench.server.port}"]
        if self.stage:
            wrapper += ["--stage", self.stage]
        self.remove(bench)
        try:
            yield port, [*wrapper, "--"], None
        finally:
            self.remove(bench)

    @staticmethod
    def remove(bench):
        for suffix in ("", ".partial", ".partial-wal", ".partial-shm"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(bench.host.path("record.db" + suffix))

    def check(self, bench, case, status, transactions):
        super().check(bench, case, status, transactions)
        if not self.stores:
            return
        stored = count_stored(bench.host.path("record.db"), bench.load)
        if not bench.load.is_all(stored, transactions, case):
            raise BenchError(f"the recording holds {stored} of {transactions} transactions")


def count_stored(path, load):
    """The transactions that a recording holds."""
    try:
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            return load.stored(database)
    except sqlite3.Error as error:
        raise BenchError(f"the recording cannot be read: {error}") from None


class ReplayRow(MockproxyRow):
    """Replay over uniformly distinct keys of a recording of `size` exchanges."""

    def __init__(self, size, size_modes=(), cold=False):
        super().__init__(f"replay {size:,}" + (" cold" if cold else ""), False)
        self.size = size
        self.size_modes = size_modes
        self.cold = cold

    def fits(self, case):
        # Recordings of other sizes are compared where it matters: many clients, in some modes.
        return (self.size == MAIN_SIZE and not self.cold) or (case.clients > 1 and case.mode in self.size_modes)

    def prepare(self, bench):
        bench.recording(self.size)

    @contextlib.contextmanager
    def reach(self, bench):
        path = bench.recording(self.size)
        port = bench.server.port
        wrapper = [bench.mockproxy, "replay"]
        if not bench.host.is_root:
            port = free_port()
            wrapper += ["--listen", f"{port}=127.0.0.1:{bench.server.port}"]
        if self.cold:
            forget_cached(path)
        yield port, [*wrapper, path, "--"], None

    def script(self, bench, case):
        return bench.load.replay_script(bench, case, self.size, self.cold)


def forget_cached(path):
    """Lets the kernel drop the file's pages, as after a reboot."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def proxy_rows():
    """Those of every server."""
    return [
        Row("direct"),
        HaproxyRow(),
        OwnServerRow("bare relay", "relay", 1),
        OwnServerRow("bare relay 2 threads", "relay", 2),
        RecordRow("record relay only", stage="relay"),
        RecordRow("record + decode", stage="decode"),
        RecordRow("record + store"),
        RecordRow("record eBPF", kernel=True),
        RecordRow(LONG_ROW, seconds=LONG_S),
    ]


def measure(bench, row, case):
    """One run of one row; a dict of figures."""
    case = row.case(case)
    timeout_s = START_TIMEOUT_S + 20 * case.seconds
    with row.reach(bench) as (port, wrapper, process):
        command = bench.load.command(bench, case, port, row.script(bench, case))
        begin = time.monotonic()
        gated = GatedCommand(bench.host, bench.load.name, wrapper, command, bench.server.environment)
        try:
            gated.wait_for_line("ready", START_TIMEOUT_S)
            ready = time.monotonic()
            pids = [process.pid] if process else []
            if wrapper:
                pids = family(gated.process.pid, "mockproxy")
            meter = Meter(pids)
            gated.let_on()
            output = gated.wait_for_line("ended", timeout_s, meter)
            figures = meter.end()
            ended = time.monotonic()
            if not output.rstrip().endswith("ended 0"):
                raise BenchError(f"{bench.load.name} failed: {complaint(gated.log)}")
            tps, transactions = bench.load.read(output)
            status = gated.finish(CLOSE_TIMEOUT_S)
            row.check(bench, case, status, transactions)
        finally:
            gated.close()
        return {"tps": tps, "transactions": transactions, **figures, "start_s": round(ready - begin, 3),
                "close_s": round(time.monotonic() - ended, 3)}
