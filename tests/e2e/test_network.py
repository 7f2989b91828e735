#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What networks and apps do while being recorded: refusals, half-closes, strangers, noise,
cancels, own servers."""
import contextlib
import pathlib
import re
import socket
import threading
import time

from drivers import PYTHON
from harness import (
    PROGRAMS,
    Listener,
    Started,
    Suite,
    expect,
    expect_equal,
    folder,
    free_port,
    memory_kib,
    need_mockproxy,
    record,
    record_command,
    replay,
    wait_until,
)
from postgres import Server
from recording import expect_whole, is_complete, query

APP = [PYTHON, PROGRAMS / "interactive.py"]
NOISE = bytes(range(256)).hex()


def listening_ports(pid):
    """TCP ports of 127.0.0.1 on which a process listens."""
    inodes = set()
    for descriptor in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        found = re.fullmatch(r"socket:\[(\d+)\]", _link(descriptor))
        if found:
            inodes.add(found.group(1))
    ports = []
    for line in pathlib.Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == "0A" and fields[9] in inodes:
            ports.append(int(fields[1].split(":")[1], 16))
    return ports


def _link(path):
    try:
        return str(path.readlink())
    except OSError:
        return ""


def stranger(port, data):
    """What somebody who connects to the port and sends this is told."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=30) as peer:
            peer.sendall(data)
            return peer.recv(100)
    except (ConnectionResetError, BrokenPipeError):
        return b""


class Network:
    """The cases, on one server."""

    def __init__(self):
        self.server = Server()
        self.where = folder("network")
        self.environment = self.server.environment()
        self.count = 0
        self.path = self.cancelled_path = None

    def start(self, **environment):
        self.count += 1
        self.path = self.where / f"{self.count}.db"
        started = Started(record_command(self.path, APP), self.environment | environment)
        return started

    def end(self, started, status=0):
        started.say("exit 0")
        return started.finish().expect(status)

    def outcomes(self, port):
        return query(
            self.path,
            "select c.outcome, c.opaque from connection c join endpoint e on e.id = c.endpoint"
            " where e.port = ? order by c.id",
            port,
        )

    # Connections --------------------------------------------------------------------------------

    def peer_names(self):
        """getpeername() tells what the app asked for."""
        for host in ("127.0.0.1", "::1"):
            started = self.start(PGHOST=host)
            started.ask("open")
            expect_equal(started.ask("peer main"), f"{host}:{self.server.port}", "getpeername()")
            self.end(started)
            expect_whole(self.path)
            expect_equal(
                query(self.path, "select address, port from endpoint"),
                [(host, self.server.port)],
                "endpoint",
            )

    def nobody_listens(self):
        """Who waits until a server on this host is up sees when it is."""
        port = free_port()
        started = self.start()
        for host in ("127.0.0.1", "::1"):
            expect_equal(started.ask(f"tcp {host} {port}"), "ECONNREFUSED", "what the app is told")
        with contextlib.closing(Listener()) as listener:
            threading.Thread(target=lambda: listener.accept().close(), daemon=True).start()
            expect_equal(started.ask(f"tcp 127.0.0.1 {listener.port}"), "closed ", "once it is up")
            done = self.end(started)
            expect_equal(len(self.outcomes(listener.port)), 1, "connections to it")
        for outcome, _ in self.outcomes(port):
            expect_equal(outcome, "upstream: Connection refused", "what the recording says")
        expect_equal(len(self.outcomes(port)), 2, "connections that were refused")
        done.says(f"left alone: 127.0.0.1:{port}, 1x (nobody listens there)")

    def refused(self):
        port = free_port()
        self.path = self.where / "refused.db"
        started = Started(record_command(self.path, APP, ["--only", f":{port}"]), self.environment)
        expect(
            started.ask(f"tcp 127.0.0.1 {port}") in ("ECONNRESET", "ECONNREFUSED"),
            "the app was told something else",
        )
        self.end(started)
        [(outcome, _)] = self.outcomes(port)
        expect("refused" in outcome, f"the connection's outcome is {outcome!r}")

    def refused_driver(self):
        """A driver tells its user in its own words that there is nobody."""
        path = self.where / "refused.db"
        environment = self.environment | {"PGPORT": str(free_port())}
        done = record(path, ["psql", "-X", "-c", "select 1"], environment)
        expect_equal(done.status, 2, f"psql's own exit status\n{done.errors()}")
        done.says("connection to server at")
        expect(is_complete(path), "incomplete")

    def refused_again(self):
        """Where nobody was, nobody is in replay, though another place could answer."""
        path = self.where / "refused_again.db"
        ask = "psql -X -c 'select 1'"
        command = ["sh", "-c", f"PGPORT={free_port()} {ask} || echo nobody; {ask}"]
        recorded = record(path, command, self.environment)
        expect(b"nobody" in recorded.stdout, "somebody was there")
        replayed = replay(path, command, self.environment)
        expect_equal(replayed.stdout, recorded.stdout, "what psql says")

    def timed_out(self):
        """A server that does not answer the SYN: its backlog is full, and nobody accepts."""
        with socket.socket() as full, contextlib.ExitStack() as waiting:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            for _ in range(4):
                one = waiting.enter_context(socket.socket())
                one.setblocking(False)
                one.connect_ex(full.getsockname())
            port = full.getsockname()[1]
            self.path = self.where / "timed_out.db"
            options = ["--connect-timeout", "1"]
            started = Started(record_command(self.path, APP, options), self.environment)
            began = time.monotonic()
            expect_equal(started.ask(f"tcp 127.0.0.1 {port}"), "ECONNRESET", "what the app is told")
            took = time.monotonic() - began
            expect(0.9 < took < 25, f"after {took:.1f} s, not 1")  # the default is 30
            expect_equal(started.ask("open"), "opened", "a connection to a server that answers")
            self.end(started)
        [(outcome, _)] = self.outcomes(port)
        expect("timed out" in outcome, f"the connection's outcome is {outcome!r}")

    def half_close(self):
        """The server sees the app's end, and its answer still arrives."""
        listener = Listener()
        seen = []

        def serve():
            peer = listener.accept()
            with peer:
                data = b""
                while part := peer.recv(4096):
                    data += part
                seen.append(data)
                peer.sendall(b"after your end")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        started = self.start()
        expect_equal(
            started.ask(f"half 127.0.0.1 {listener.port} {NOISE}"),
            "closed " + b"after your end".hex(),
            "the app",
        )
        thread.join()
        listener.close()
        self.end(started)
        expect_equal(seen, [bytes.fromhex(NOISE)], "what the server got")

    def reset(self):
        """The server's RST arrives as one."""
        listener = Listener()

        def serve():
            peer = listener.accept()
            peer.recv(4096)
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            peer.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        started = self.start()
        expect_equal(started.ask(f"tcp 127.0.0.1 {listener.port} 00"), "ECONNRESET", "the app")
        thread.join()
        listener.close()
        self.end(started)

    def noise(self):
        """Random bytes to the server through the proxy: the server's answer comes back, the
        connection is opaque."""
        started = self.start()
        answers = [
            started.ask(f"tcp 127.0.0.1 {self.server.port} {data}")
            for data in (
                NOISE,
                "ff" * 2000,
                "0000000800000000",
                "00000009000300005500",
                "7fffffff00030000",
            )
        ]
        expect(
            all(answer.startswith("closed") or answer == "ECONNRESET" for answer in answers),
            f"answers: {answers}",
        )
        expect_equal(started.ask("open"), "opened", "a good connection afterwards")
        expect_equal(started.ask("sql select 1"), "[[1]]", "its answer")
        self.end(started)
        expect(is_complete(self.path), "incomplete")
        expect(
            any(opaque for _, opaque in self.outcomes(self.server.port)), "no connection is opaque"
        )

    def outsider(self):
        """A process outside of the app that finds the proxy's port is refused, and reaches
        nothing."""
        started = self.start()
        started.ask("open")
        # Those of the cases before may still be ending.
        wait_until(lambda: self.server.backends("postgres") == 1, "only the app's is there")
        ports = listening_ports(started.proxy)
        expect(ports, "the proxy listens on no port of 127.0.0.1")
        for port in ports:
            for data in (b"", bytes.fromhex(NOISE) * 40, b"\0\0\0\x08\x04\xd2\x16\x2f"):
                expect_equal(stranger(port, data), b"", "the proxy answered a stranger")
        # And the same from within the app, which knows no better: it is its own peer, or refused.
        for port in ports:
            started.ask(f"tcp 127.0.0.1 {port} {NOISE}")
        expect_equal(self.server.backends("postgres"), 1, "connections at the server")
        expect_equal(started.ask("sql select 'unharmed'"), '[["unharmed"]]', "the app")
        self.end(started)
        expect(is_complete(self.path), "incomplete")

    def endless_handshake(self):
        """SSLRequests without end, and nothing read: only that connection stands still."""
        program = (
            "import os, socket, struct\n"
            "address = (os.environ['PGHOST'], int(os.environ['PGPORT']))\n"
            "ask = struct.pack('>II', 8, 80877103)\n"
            "s = socket.create_connection(address)\n"
            "s.settimeout(1)\n"
            "try:\n"
            "    for n in range(1000): s.sendall(ask * 8000)\n"
            "    print('all was read')\n"
            "except TimeoutError: print('waits')\n"
            "with socket.create_connection(address) as other:\n"
            "    other.sendall(ask)\n"
            "    print(other.recv(1).decode())\n"
        )
        self.count += 1
        path = self.where / f"{self.count}.db"
        done = record(path, [PYTHON, "-c", program], self.server.environment(user="app_trust"))
        expect_equal(done.expect(0).stdout, b"waits\nN\n", "the app")

    def many_dropped(self):
        """5,000 connections opened and dropped in four ways."""
        program = (
            "import socket, os, sys, time\n"
            "sys.path.insert(0, sys.argv[1])\n"
            "import raw\n"
            "address = (os.environ['PGHOST'], int(os.environ['PGPORT']))\n"
            "for n in range(5000):\n"
            "    s = socket.create_connection(address)\n"
            "    if n % 4 == 1: s.sendall(raw.startup()[:n % 30])\n"
            "    if n % 4 == 2: s.sendall(raw.startup())\n"
            "    if n % 4 == 3:\n"
            "        linger = b'\\1\\0\\0\\0\\0\\0\\0\\0'\n"
            "        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)\n"
            "    s.close()\n"
            "print('dropped', flush=True)\n"
            "sys.stdin.readline()\n"
            "until = time.monotonic() + 50\n"
            "while time.monotonic() < until:\n"
            "    try:\n"
            "        with raw.connect() as s:\n"
            "            s.sendall(raw.query('select 1'))\n"
            "            print(len(raw.read_until_ready(s)))\n"
            "        break\n"
            "    except ConnectionError: time.sleep(0.01)\n"
        )
        self.count += 1
        self.path = self.where / f"{self.count}.db"
        command = record_command(self.path, [PYTHON, "-c", program, PROGRAMS])
        started = Started(command, self.server.environment(user="app_trust"))
        expect_equal(started.line(120), "dropped", "the app")
        proxy = started.proxy
        wait_until(
            lambda: self.server.backends("postgres") == 0, "the server has no connection left"
        )
        wait_until(
            lambda: len(list(pathlib.Path(f"/proc/{proxy}/fd").iterdir())) < 200,
            "the proxy closed them all",
        )
        kib = memory_kib(proxy, "RssAnon")[0]
        expect(kib < 100_000, f"the proxy has {kib} KiB")
        started.say("")
        expect(int(started.line()) > 0, "no answer afterwards")
        started.finish().expect(0)
        expect(is_complete(self.path), "incomplete")
        expect_equal(
            query(self.path, "select count(*) from connection where ended_ns is null"),
            [(0,)],
            "open connections",
        )

    # The app ------------------------------------------------------------------------------------

    def own_server(self):
        """Reached directly, and listed in the summary."""
        started = self.start()
        port = started.ask("listen")
        expect_equal(
            started.ask(f"tcp 127.0.0.1 {port}"), "closed " + b"own server".hex(), "its own server"
        )
        started.ask("open")
        done = self.end(started)
        done.says(port)
        expect_equal(self.outcomes(int(port)), [], "recorded connections to it")

    def unix_socket(self):
        path = self.where / "unix.db"
        environment = self.environment | {"PGHOST": str(self.server.folder)}
        done = record(
            path, ["psql", "-X", "-A", "-t", "-c", "select 'by socket'"], environment
        ).expect(0)
        expect_equal(done.stdout, b"by socket\n", "psql's output")
        done.says("unix", "host")

    def tls_required(self):
        path = self.where / "tls.db"
        environment = self.environment | {"PGSSLMODE": "require"}
        done = record(path, ["psql", "-X", "-c", "select 1"], environment)
        expect_equal(done.status, 2, f"psql's own exit status: {done.errors()}")
        done.says(
            "server does not support SSL, but SSL was required", "mockproxy", "TLS", "sslmode"
        )

    def cancelled(self):
        started = self.start()
        started.ask("open")
        started.ask("begin select pg_sleep(100)")
        wait_until(lambda: self.server.running("pg_sleep(100)"), "the server runs it")
        expect_equal(started.ask("cancel"), "cancelled", "the app")
        expect(started.ask("wait").startswith("error 57014"), "the query was not cancelled")
        expect_equal(started.ask("sql select 'after'"), '[["after"]]', "the connection afterwards")
        self.end(started)
        recorded = query(self.path, "select sql, error from queries order by id")
        expect_equal(
            [sql for sql, _ in recorded], ["select pg_sleep(100)", "select 'after'"], "exchanges"
        )
        expect("57014" in recorded[0][1], f"its error: {recorded[0]}")
        self.cancelled_path = self.path

    def cancelled_again(self):
        """In replay the recorded error comes at once; a cancel request that comes too late does no
        harm."""
        lines = b"open\nsql select pg_sleep(100)\ncancel\nsql select 'after'\nexit 0\n"
        with (self.where / "lines").open("w+b") as file:
            file.write(lines)
            file.seek(0)
            done = replay(self.cancelled_path, APP, self.environment, stdin=file).expect(0)
        expect(
            b"error 57014" in done.stdout and b'[["after"]]' in done.stdout,
            f"the app said {done.stdout}",
        )

    def selected(self):
        """--exclude leaves an endpoint alone, --only takes nothing else."""
        question = ["psql", "-X", "-A", "-t", "-c", "select 1"]
        for options, expected in (
            (["--exclude", f"127.0.0.1:{self.server.port}"], 0),
            (["--exclude", ":1"], 1),
            (["--only", f":{self.server.port}"], 1),
            (["--only", "10.0.0.0/8"], 0),
            (["--only", "127.0.0.0/8", "--exclude", f":{self.server.port}"], 0),
        ):
            path = self.where / "selected.db"
            done = record(path, question, self.environment, options).expect(0)
            expect_equal(done.stdout, b"1\n", "psql's output")
            expect_equal(
                query(path, "select count(*) from queries"),
                [(expected,)],
                f"exchanges with {options}",
            )

    def children(self):
        """Processes that the app starts are the app too."""
        path = self.where / "children.db"
        script = (
            'for i in 1 2 3; do psql -X -A -t -c "select $i" & done; wait;'
            " psql -X -A -t -c 'select 4' | cat"
        )
        done = record(path, ["sh", "-c", script], self.environment).expect(0)
        expect_equal(sorted(done.stdout.split()), [b"1", b"2", b"3", b"4"], "output")
        expect_equal(
            query(path, "select count(distinct pid), min(program), count(*) from connection"),
            [(4, "psql", 4)],
            "connections",
        )


def main():
    need_mockproxy()
    suite = Suite()
    network = Network()
    for name, case in (
        ("getpeername() tells the asked address, IPv4 and IPv6", network.peer_names),
        ("nobody listens on this host: refused as without mockproxy, listed", network.nobody_listens),
        ("upstream refused: a reset for the app, flagged", network.refused),
        ("upstream refused: a driver's error", network.refused_driver),
        ("upstream refused: in replay too", network.refused_again),
        ("upstream does not answer: a reset after the time-out, flagged", network.timed_out),
        ("half-close", network.half_close),
        ("a reset by the server", network.reset),
        ("random bytes", network.noise),
        ("a process outside of the app is refused", network.outsider),
        ("a handshake without end", network.endless_handshake),
        ("5,000 connections opened and dropped", network.many_dropped),
        ("the app's own server is reached directly and listed", network.own_server),
        ("a Unix-socket connection is reported", network.unix_socket),
        ("TLS required by the client: its ordinary error and a hint", network.tls_required),
        ("a query is cancelled", network.cancelled),
        ("a cancelled query replayed", network.cancelled_again),
        ("--only and --exclude", network.selected),
        ("children of the app", network.children),
    ):
        suite.run(name, case)
    suite.finish()


main()
