#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Protocols in which the server speaks first, or nobody, or both at once: every byte arrives, in
order, whoever begins."""
import random
import threading

from drivers import PYTHON
from harness import Listener, Suite, expect, expect_equal, folder, need_mockproxy, record, replay
from recording import is_complete, query

# An app: sends and reads as a file tells it ("send HEX", "read N", "shut", "end"), prints what it read.
APP = """
import socket, sys
s = socket.create_connection(('127.0.0.1', int(sys.argv[1])), timeout=60)
s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
for step in open(sys.argv[2]):
    word, _, rest = step.strip().partition(' ')
    if word == 'send': s.sendall(bytes.fromhex(rest))
    if word == 'dribble': [s.sendall(bytes([b])) for b in bytes.fromhex(rest)]
    if word == 'shut': s.shutdown(socket.SHUT_WR)
    if word in ('read', 'end'):
        size = int(rest or 1 << 30)
        data = b''
        while len(data) < size and (part := s.recv(min(size - len(data), 65536))): data += part
        print(data.hex())
"""
BULK = random.Random(7).randbytes(300_000)
SMTP = b"220 mail.example ESMTP\r\n"


class Server:
    """Talks with one client by the same steps; what it read is in `read`."""

    def __init__(self, *steps):
        self.listener = Listener()
        self.read = []
        self._thread = threading.Thread(target=self._serve, args=steps, daemon=True)
        self._thread.start()

    @property
    def port(self):
        return self.listener.port

    def _serve(self, *steps):
        with self.listener.accept() as peer:
            for word, value in steps:
                if word == "send":
                    peer.sendall(value)
                if word == "dribble":
                    for byte in value:
                        peer.sendall(bytes([byte]))
                if word in ("read", "end"):
                    self.read.append(self._take(peer, value if word == "read" else 1 << 30))

    @staticmethod
    def _take(peer, size):
        data = b""
        while len(data) < size and (part := peer.recv(min(size - len(data), 65536))):
            data += part
        return data

    def join(self):
        self._thread.join(60)
        self.listener.close()
        return self.read


class Conversations:
    """The cases."""

    def __init__(self):
        self.where = folder("server-first")
        self.count = 0
        self.path = None

    def script(self, *steps):
        """A file of steps."""
        path = self.where / "steps"
        with path.open("w", encoding="ascii") as file:
            for word, value in steps:
                file.write(f"{word} {value.hex() if isinstance(value, bytes) else value or ''}\n")
        path.chmod(0o644)
        return path

    def talk(self, server, *steps):
        """What the app read, and what the server did."""
        self.count += 1
        self.path = self.where / f"{self.count}.db"
        app = [PYTHON, "-c", APP, server.port, self.script(*steps)]
        done = record(self.path, app).expect(0)
        expect(is_complete(self.path), "incomplete")
        return [bytes.fromhex(line) for line in done.stdout.decode().splitlines()], server.join()

    def opaque(self):
        return query(self.path, "select opaque, client_bytes, server_bytes from connection")

    def greets(self):
        """SMTP: a greeting, then request and answer, then much both ways."""
        server = Server(("send", SMTP), ("read", 6), ("send", b"250 OK\r\n" + BULK), ("end", None))
        app, there = self.talk(
            server,
            ("read", len(SMTP)),
            ("send", b"EHLO\r\n"),
            ("read", 8 + len(BULK)),
            ("send", BULK),
            ("shut", None),
            ("end", None),
        )
        expect_equal(app, [SMTP, b"250 OK\r\n" + BULK, b""], "what the app read")
        expect_equal(there, [b"EHLO\r\n", BULK], "what the server read")
        [(why, from_client, from_server)] = self.opaque()
        expect("server speaks first" in why, f"opaque: {why}")
        expect_equal(
            (from_client, from_server),
            (6 + len(BULK), len(SMTP) + 8 + len(BULK)),
            "bytes in the recording",
        )

    def dribbles(self):
        """The greeting comes a byte at a time; what the app says meanwhile arrives behind it."""
        server = Server(("dribble", SMTP), ("end", None))
        app, there = self.talk(
            server, ("dribble", b"EHLO\r\n" * 3), ("read", len(SMTP)), ("shut", None), ("end", None)
        )
        expect_equal(app, [SMTP, b""], "what the app read")
        expect_equal(there, [b"EHLO\r\n" * 3], "what the server read")

    def client_first(self):
        """The server greets only when it has heard something."""
        server = Server(("read", 6), ("send", SMTP), ("end", None))
        app, there = self.talk(
            server, ("send", b"EHLO\r\n"), ("read", len(SMTP)), ("shut", None), ("end", None)
        )
        expect_equal(app, [SMTP, b""], "what the app read")
        expect_equal(there, [b"EHLO\r\n", b""], "what the server read")

    def undecided_client(self):
        """The begin of what could be PostgreSQL's startup, and a server that does not wait for the rest."""
        server = Server(("send", SMTP), ("end", None))
        app, there = self.talk(
            server,
            ("send", b"\0\0\0"),
            ("read", len(SMTP)),
            ("send", BULK),
            ("shut", None),
            ("end", None),
        )
        expect_equal(app, [SMTP, b""], "what the app read")
        expect_equal(there, [b"\0\0\0" + BULK], "what the server read")

    def silent(self):
        """Nobody says anything, and both go: nothing is lost, nothing is claimed."""
        server = Server(("end", None))
        app, there = self.talk(server, ("shut", None), ("end", None))
        expect_equal((app, there), ([b""], [b""]), "what both read")
        expect_equal(self.opaque(), [(None, 0, 0)], "the recording")

    def silent_replay(self):
        """A connection that was never recorded, on which nobody speaks, stays open until the app ends it."""
        app = [PYTHON, "-c", APP, "9", self.script(("shut", None), ("end", None))]
        done = replay(self.path, app).expect(0)
        expect_equal(done.stdout, b"\n", "what the app read")


def main():
    need_mockproxy()
    suite = Suite()
    talks = Conversations()
    for name, case in (
        ("a greeting of an unknown protocol", talks.greets),
        ("a greeting a byte at a time", talks.dribbles),
        ("the client speaks first to a server that greets", talks.client_first),
        ("the server speaks while the client is not understood yet", talks.undecided_client),
        ("nobody speaks", talks.silent),
        ("nobody speaks in replay", talks.silent_replay),
    ):
        suite.run(name, case)
    suite.finish()


main()
