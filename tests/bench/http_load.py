# SPDX-License-Identifier: Apache-2.0
"""HTTP: wrk asks nginx for a small answer, always for one URL or for one of many at random."""

import contextlib
import http.client
import json
import os
import re
import shutil
import subprocess

from host import BenchError, Nginx, free_port
from rows import MAIN_SIZE, SIZES, HaproxyRow, ReplayRow, ServerRow, proxy_rows

HERE = os.path.dirname(os.path.abspath(__file__))
OTHERS_SIZE = 100  # URLs that other programs replay: mountebank looks at one after the other
NPM_TIMEOUT_S = 300

# wrk.format() makes a table for each request: this is the same request as wrk's own, and costs next to nothing.
RANDOM_SCRIPT = """\
local head, tail = "GET /item/", " HTTP/1.1\\r\\nHost: 127.0.0.1:{port}\\r\\n\\r\\n"
local random = math.random
function init() math.randomseed(os.time()) end
function request() return head .. random({n}) .. tail end
"""


class MitmproxyRow(ServerRow):
    """mitmproxy's server replay. It records what it replays itself."""

    def __init__(self):
        super().__init__("mitmproxy replay", "mitmdump")

    def prepare(self, bench):
        port = free_port()
        command = ["mitmdump", "-q", "--set", "confdir=" + bench.host.path("mitmproxy"), "--listen-host", "127.0.0.1",
                   "--listen-port", str(port), "--mode", f"reverse:http://127.0.0.1:{bench.server.port}",
                   "-w", bench.host.path("flows")]
        with bench.host.server("mitmproxy recorder", command, port):
            for number in range(1, OTHERS_SIZE + 1):
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
                with contextlib.closing(connection):
                    connection.request("GET", f"/item/{number}")
                    if connection.getresponse().status != 200:
                        raise BenchError("mitmproxy does not answer")

    def command(self, bench, port):
        return ["mitmdump", "-q", "--set", "confdir=" + bench.host.path("mitmproxy"), "--listen-host", "127.0.0.1",
                "--listen-port", str(port), "--mode", f"reverse:http://127.0.0.1:{bench.server.port}",
                "--server-replay", bench.host.path("flows"), "--set", "server_replay_nopop=true",
                "--set", "server_replay_kill_extra=true"]

    def script(self, bench, case):
        return bench.load.replay_script(bench, case, OTHERS_SIZE, False)


class MountebankRow(ServerRow):
    """mountebank with a stub for each URL, from npm."""

    def __init__(self):
        super().__init__("mountebank", "npm")

    @staticmethod
    def folder(bench):
        return os.path.join(os.path.dirname(bench.programs), "npm", "bench")

    def prepare(self, bench):
        """npm ci, once for each lock file."""
        folder = self.folder(bench)
        stamp = os.path.join(folder, ".installed")
        lock = os.path.join(HERE, "npm", "package-lock.json")
        with contextlib.suppress(OSError), open(stamp, "rb") as done, open(lock, "rb") as wanted:
            if done.read() == wanted.read():
                return
        os.makedirs(folder, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(os.path.join(HERE, "npm", name), folder)
        try:
            done = subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=folder,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  text=True, timeout=NPM_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            raise BenchError(f"npm ci did not end in {NPM_TIMEOUT_S} s") from None
        if done.returncode:
            raise BenchError(f"npm ci: {done.stdout.strip()[-300:]}")
        shutil.copy(lock, stamp)

    def command(self, bench, port):
        stubs = [{"predicates": [{"equals": {"path": f"/item/{number}"}}],
                  "responses": [{"is": {"headers": {"Content-Type": "text/plain"}, "body": f"/item/{number}\n"}}]}
                 for number in range(1, OTHERS_SIZE + 1)]
        # By itself it closes each connection.
        imposter = {"port": port, "protocol": "http", "stubs": stubs,
                    "defaultResponse": {"headers": {"Connection": "Keep-Alive"}}}
        text = json.dumps({"imposters": [imposter]})
        return ["node", os.path.join(self.folder(bench), "node_modules", ".bin", "mb"), "start",
                "--configfile", bench.script("imposters.json", text), "--port", str(free_port()), "--localOnly",
                "--nologfile", "--loglevel", "error", "--pidfile", bench.host.path("mb.pid")]

    def script(self, bench, case):
        return bench.load.replay_script(bench, case, OTHERS_SIZE, False)


class Wrk:
    """nginx, asked by wrk."""

    name = "wrk"
    modes = ("one", "many")
    quick_mode = "many"
    clients = (1, 16)
    floor_clients = 16
    replay_floor = 0.7  # of direct
    ceiling = None
    has_cold = False
    replay_beats = (("mitmproxy replay", 50), ("mountebank", None))
    sizes = SIZES
    size_modes = ("many",)

    @staticmethod
    def start(host):
        if not shutil.which("wrk"):
            raise BenchError("wrk is not installed: apt-get install wrk")
        return Nginx(host)

    @staticmethod
    def rows(sizes):
        rows = proxy_rows()
        rows.insert(2, HaproxyRow("http"))
        return rows + [ReplayRow(size, Wrk.size_modes) for size in sizes] + [MitmproxyRow(), MountebankRow()]

    @staticmethod
    def warm_up(bench):
        bench.server.run("wrk", "-t1", "-c4", "-d1s", f"http://127.0.0.1:{bench.server.port}/item/1")

    @staticmethod
    def make_recording(bench, path, size):
        """generate.c passes made-up bytes through the program's own recorder."""
        return subprocess.run([bench.own("generate"), "-P", "http", "-o", path, "-n", str(size),
                               "-p", str(bench.server.port)], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    @staticmethod
    def command(bench, case, port, script):
        # Who is asked is the server, wherever wrk connects to: what was recorded is found by it.
        return ["wrk", f"-t{case.jobs}", f"-c{case.clients}", f"-d{case.seconds}s", "--timeout", "10s",
                "-H", f"Host: 127.0.0.1:{bench.server.port}", *script, f"http://127.0.0.1:{port}/item/1"]

    @staticmethod
    def script(bench, case):
        return Wrk.replay_script(bench, case, MAIN_SIZE, False)

    @staticmethod
    def replay_script(bench, case, size, cold):
        if case.mode == "one":
            return []
        text = RANDOM_SCRIPT.format(port=bench.server.port, n=size)
        return ["-s", bench.script(f"random-{size}.lua", text)]

    @staticmethod
    def read(text):
        """wrk's own report."""
        rate = re.search(r"^Requests/sec: +([0-9.]+)", text, re.MULTILINE)
        count = re.search(r"^ *(\d+) requests in ", text, re.MULTILINE)
        failed = re.search(r"Non-2xx or 3xx responses: \d+|Socket errors: .*", text)
        if not rate or not count or failed:
            raise BenchError(f"wrk: {failed.group(0) if failed else text.strip()[-300:]}")
        return float(rate.group(1)), int(count.group(1))

    @staticmethod
    def stored(database):
        """Answers that a recording holds, as the view for people shows them."""
        return database.execute("select count(*) from http where status = 200").fetchone()[0]

    @staticmethod
    def is_all(stored, transactions, case):
        """When its time is over wrk forgets what every connection asks at that moment."""
        return transactions <= stored <= transactions + case.clients
