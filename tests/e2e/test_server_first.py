#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Protocols in which the server speaks first, or nobody, or both at once: every byte arrives, in
order, whoever begins."""
import contextlib
import os
import pathlib
import random
import signal
import socket
import sqlite3
import struct
import threading
import time

from drivers import PYTHON
from harness import (
    Listener,
    Started,
    Suite,
    expect,
    expect_equal,
    folder,
    need_mockproxy,
    pause,
    record,
    record_command,
    replay,
    replay_command,
    wait_until,
)
from recording import is_complete, query

# An app: sends and reads as a file tells it ("send HEX", "read N", "shut", "end"), prints what it
# read. "wait FIFO" goes on when somebody says "release FIFO". "try HEX" sends too, unless it is reset meanwhile.
APP = """
import socket, sys
s = socket.create_connection(('127.0.0.1', int(sys.argv[1])), timeout=60)
s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
for step in open(sys.argv[2]):
    word, _, rest = step.strip().partition(' ')
    if word == 'send': s.sendall(bytes.fromhex(rest))
    if word == 'try':
        try: s.sendall(bytes.fromhex(rest))
        except ConnectionError: pass
    if word == 'dribble': [s.sendall(bytes([b])) for b in bytes.fromhex(rest)]
    if word == 'wait': open(rest).read()
    if word == 'release': open(rest, 'w').close()
    if word == 'shut': s.shutdown(socket.SHUT_WR)
    if word == 'close': s.close(); print('closed', flush=True)
    if word in ('read', 'end'):
        size = int(rest or 1 << 30)
        data = b''
        while len(data) < size and (part := s.recv(min(size - len(data), 65536))): data += part
        print(data.hex(), flush=True)
"""
# Says its arguments, each when it is told to; prints the port that it has, how many seconds after the one before it had said each, and what
# comes first.
SPEAKER = """
import socket, sys, time
before = time.monotonic()
s = socket.create_connection(('127.0.0.1', int(sys.argv[1])), timeout=60)
print(s.getsockname()[1], flush=True)
for part in sys.argv[2:]:
    sys.stdin.readline()
    s.sendall(bytes.fromhex(part))
    print(time.monotonic() - before, flush=True)
    before = time.monotonic()
print(s.recv(1).hex(), flush=True)
"""
BULK = random.Random(7).randbytes(300_000)
SMTP = b"220 mail.example ESMTP\r\n"
CLIENT_SSL = 1 << 11


def packet(sequence, payload):
    """A MySQL packet."""
    return len(payload).to_bytes(3, "little") + bytes([sequence]) + payload


def greeting(capabilities=0x8001FFF7):
    """A MySQL server's, which offers TLS (bit 11 of the capabilities)."""
    nonce = b"abcdefghijklmnopqrst"
    low, high = capabilities & 0xFFFF, capabilities >> 16
    payload = b"\x0a8.0.99-made\0" + struct.pack("<I", 7) + nonce[:8] + b"\0"
    payload += struct.pack("<HBHHB", low, 45, 2, high & 0x00FF, 21) + bytes(10) + nonce[8:] + b"\0"
    return packet(0, payload + b"mysql_native_password\0")


def login():
    """A client's, without TLS."""
    payload = struct.pack("<IIB", 0x0008A200, 1 << 24, 45) + bytes(23) + b"ann\0"
    return packet(1, payload + b"\x14" + b"x" * 20 + b"mysql_native_password\0")


def unread(peer):
    """Bytes that lie in the kernel until the other end of a connection of this host reads them."""
    there, here = peer.getpeername()[1], peer.getsockname()[1]
    for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if [int(end.split(":")[1], 16) for end in fields[1:3]] == [there, here]:
            return int(fields[4].split(":")[1], 16)
    return 0


def unread_of(port):
    """Bytes of the app's connection with this port that the proxy has not read; None: nor accepted it."""
    for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if int(fields[2].split(":")[1], 16) == port and fields[9] != "0":
            return int(fields[4].split(":")[1], 16)
    return None


def startup():
    """PostgreSQL's."""
    body = struct.pack(">I", 3 << 16) + b"user\0ann\0database\0app\0\0"
    return struct.pack(">I", 4 + len(body)) + body


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
                if word == "wait":
                    value.read_bytes()
                if word == "release":
                    value.write_bytes(b"")
                if word == "taken":
                    wait_until(lambda: not unread(peer), "the proxy has read what was sent")
                if word == "shut":
                    peer.shutdown(socket.SHUT_WR)
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
        self.path = self.done = None

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
        self.done = record(self.path, app).expect(0)
        expect(is_complete(self.path), "incomplete")
        read = [bytes.fromhex(line) for line in self.done.stdout.decode().splitlines()]
        return read, server.join()

    def talk_in_time(self, make_server, *steps):
        """Again where the machine is so busy that a side says nothing for two seconds in the midst of its first word."""
        for _ in range(10):
            spoken = self.talk(make_server(), *steps)
            if self.opaque()[0][0] != "not recognised in time":
                break
        return spoken

    def speak_unread(self, command, limit, parts):
        """The proxy is stopped when the app says the last part, until more than `limit` seconds have passed: what the app read then. None: it
        had said that too late itself."""
        started = Started(command(self.path, [PYTHON, "-c", SPEAKER, *parts]))
        port = int(started.line())
        for _ in parts[1:-1]:
            started.ask("")
        wait_until(lambda: unread_of(port) == 0, "the proxy has read what was said")
        pause(started.proxy)
        try:
            took = float(started.ask(""))
            time.sleep(limit + 0.4)
        finally:
            os.kill(started.proxy, signal.SIGCONT)
        first = started.line()
        started.finish()
        return first if took < limit else None

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
        """The begin of what could be PostgreSQL's startup, and a server that does not wait."""
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

    def spoke_in_time(self):
        """What came in time is known, though the proxy was kept from running until the time was over."""
        self.path = self.where / "in_time.db"
        for _ in range(10):
            server = Server(("read", len(startup())), ("send", b"E"), ("end", None))
            parts = [str(server.port), startup()[:3].hex(), startup()[3:].hex()]
            first = self.speak_unread(record_command, 2, parts)
            expect_equal(server.join(), [startup(), b""], "what the server read")
            if first:
                break
        expect_equal(first, b"E".hex(), "what the app read")
        expect_equal(self.opaque()[0][0], None, "opaque")

    def silent(self):
        """Nobody says anything, and both go: nothing is lost, nothing is claimed."""
        server = Server(("end", None))
        app, there = self.talk(server, ("shut", None), ("end", None))
        expect_equal((app, there), ([b""], [b""]), "what both read")
        expect_equal(self.opaque(), [(None, 0, 0)], "the recording")

    def silent_replay(self):
        """Not recorded, and nobody speaks: the connection stays open until the app ends it."""
        app = [PYTHON, "-c", APP, "9", self.script(("shut", None), ("end", None))]
        done = replay(self.path, app).expect(0)
        expect_equal(done.stdout, b"\n", "what the app read")

    # MySQL --------------------------------------------------------------------------------------

    def mysql(self):
        """Greeting and login a byte at a time: passed on, TLS taken out of the greeting, and
        everything behind them as it came."""
        clear = greeting(0x8001FFF7 & ~CLIENT_SSL)
        app, there = self.talk_in_time(
            lambda: Server(
                ("dribble", greeting()), ("read", len(login())), ("send", BULK), ("end", None)
            ),
            ("read", len(clear)),
            ("dribble", login()),
            ("read", len(BULK)),
            ("send", BULK),
            ("shut", None),
            ("end", None),
        )
        expect_equal(app, [clear, BULK, b""], "what the app read")
        expect_equal(there, [login(), BULK], "what the server read")

    def mysql_early(self):
        """A client that talks into the greeting: its bytes wait until that is understood."""
        clear = greeting(0x8001FFF7 & ~CLIENT_SSL)
        begun, said = self.where / "begun", self.where / "said"
        for fifo in (begun, said):
            os.mkfifo(fifo)
            fifo.chmod(0o666)
        for cut in (1, 10, 30):
            app, there = self.talk_in_time(
                lambda cut=cut: Server(
                    ("send", greeting()[:cut]),
                    ("taken", None),
                    ("release", begun),
                    ("wait", said),
                    ("send", greeting()[cut:]),
                    ("end", None),
                ),
                ("wait", begun),
                ("send", login()),
                ("release", said),
                ("read", len(clear)),
                ("shut", None),
                ("end", None),
            )
            expect_equal(app, [clear, b""], f"what the app read, {cut} bytes before it spoke")
            expect_equal(there, [login()], "what the server read")

    def mysql_refuses(self):
        """An error instead of a greeting."""
        error = packet(0, b"\xff" + struct.pack("<H", 1040) + b"Too many connections")
        server = Server(("dribble", error))
        app, _ = self.talk(server, ("end", None))
        expect_equal(app, [error], "what the app read")

    def mysql_left(self):
        """A client that goes away at the greeting, as one does that insists on TLS."""
        server = Server(("send", greeting()), ("end", None))
        app, there = self.talk(server, ("read", len(greeting())), ("shut", None), ("end", None))
        expect_equal(there, [b""], "what the server read")
        expect_equal(app[1:], [b""], "what the app read")
        self.done.says("greeting", "TLS")

    def last_words(self):
        """A server that gives up in mid-request says why, and resets: the app hears it, also where the reset comes
        before it has sent all, as it may without mockproxy."""
        words = b"552 too large\r\n"
        for _ in range(5):
            server = Server(("send", SMTP), ("taken", None), ("read", 6), ("send", words))
            app, _ = self.talk(
                server,
                ("read", len(SMTP)),
                ("try", b"DATA\r\n" + 10 * BULK),
                ("read", len(words)),
            )
            expect_equal(app, [SMTP, words], "what the app read")

    def last_words_of_the_app(self):
        """An app that leaves while the server still speaks: what it said last arrives, though the proxy finds first that
        nobody takes any more what the server says."""
        self.path, gate = self.where / "leaves.db", self.where / "gate"
        os.mkfifo(gate)
        gate.chmod(0o644)
        steps = self.script(("read", len(SMTP)), ("wait", gate), ("send", b"BYE"), ("close", None))
        with contextlib.closing(Listener()) as listener:
            app = [PYTHON, "-c", APP, listener.port, steps]
            started = Started(record_command(self.path, app))
            with listener.accept() as peer:
                peer.sendall(SMTP + b"unread")
                expect_equal(started.line(), SMTP.hex(), "what the app read")
                pause(started.proxy)
                try:
                    peer.sendall(b"more")
                    gate.write_bytes(b"")
                    expect_equal(started.line(), "closed", "the app")
                finally:
                    os.kill(started.proxy, signal.SIGCONT)
                expect_equal(peer.recv(3), b"BYE", "what the server read")
            started.finish().expect(0)

    def almost_mysql(self):
        """What begins as a greeting and is none, and a greeting that ends in the middle."""
        short = packet(0, b"\x0a8.0.99-made\0short")
        for sent in (short, greeting()[:40], b"\x4a\0", b"\x4a\0\0\0\x0a8.0\x01" + BULK):
            server = Server(
                ("dribble", sent[:60]), ("send", sent[60:]), ("shut", None), ("end", None)
            )
            app, there = self.talk(server, ("dribble", login()), ("end", None))
            expect_equal(app, [sent], "what the app read")
            expect_equal(there, [login()], "what the server read")
            [(why, _, _)] = self.opaque()
            expect(why, "it is said to be decoded")

    def mysql_replayed(self):
        """A recorded server greets an app that waits for it: where it was recorded; elsewhere, as
        the only one of its kind; and where another protocol was recorded too, whose client speaks
        first."""
        server = Server(("send", greeting()), ("read", len(login())), ("end", None))
        self.talk(
            server, ("read", len(greeting())), ("send", login()), ("shut", None), ("end", None)
        )
        with sqlite3.connect(self.path) as file:
            # As if the made server had made a whole login.
            file.execute("update endpoint set protocol = 'mysql'")
            file.execute(
                "update connection set protocol = 'mysql', server_version = '8.0.99-made',"
                " client_parameters = '{}', server_parameters = ?",
                ('{"capabilities": "2181036543"}',),
            )
        self.greeted(server.port, ("read", 5))
        self.greeted(1, ("read", 5)).says("1 connection", "only endpoint")
        with sqlite3.connect(self.path) as file:
            file.execute(
                "insert into endpoint (address, port, protocol)"
                " values ('127.0.0.1', ?, 'postgres')",
                (server.port,),
            )
        self.greeted(server.port, ("read", 5))
        for _ in range(10):
            first = self.speak_unread(replay_command, 0.2, [str(server.port), startup().hex()])
            if first:
                break
        expect(first in ("45", "52"), f"PostgreSQL's client read {first}")

    def greeted(self, port, *steps):
        done = replay(self.path, [PYTHON, "-c", APP, port, self.script(*steps)]).expect(0)
        data = bytes.fromhex(done.stdout.decode())
        expect(len(data) == 5 and data[3:] == b"\0\x0a", f"the app read {data}")
        return done


def main():
    need_mockproxy()
    suite = Suite()
    talks = Conversations()
    for name, case in (
        ("a greeting of an unknown protocol", talks.greets),
        ("a greeting a byte at a time", talks.dribbles),
        ("the client speaks first to a server that greets", talks.client_first),
        ("the server speaks while the client is not understood yet", talks.undecided_client),
        ("the client spoke in time, and the proxy was late", talks.spoke_in_time),
        ("nobody speaks", talks.silent),
        ("nobody speaks in replay", talks.silent_replay),
        ("a server gives up in the midst of a request", talks.last_words),
        ("an app gives up while the server speaks", talks.last_words_of_the_app),
        ("MySQL: greeting and login", talks.mysql),
        ("MySQL: a client that does not wait for the greeting", talks.mysql_early),
        ("MySQL: an error instead of a greeting", talks.mysql_refuses),
        ("MySQL: a client that does without", talks.mysql_left),
        ("MySQL: almost a greeting", talks.almost_mysql),
        ("MySQL: greeted in replay", talks.mysql_replayed),
    ):
        suite.run(name, case)
    suite.finish()


main()
