#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""CONNECT through tinyproxy: what a tunnel holds is recorded as a connection of its own, whoever speaks first in it."""
import socket
import struct
import threading

from harness import (
    PROGRAMS,
    Listener,
    Suite,
    expect,
    expect_equal,
    folder,
    expect_refused,
    need_mockproxy,
    record,
    replay,
)
from http_servers import OwnServer, TinyProxy, need_curl
from recording import expect_whole, query

SSL_REQUEST = struct.pack(">II", 8, 80877103)
CLIENT_HELLO = bytes.fromhex("16030100310100002d0303") + bytes(range(32)) + bytes(6)
CONNECTIONS = (
    "select c.id, c.through, p.host, p.address, p.port, c.protocol from connection c"
    " join endpoint p on p.id = c.endpoint order by c.id"
)


def startup():
    body = struct.pack(">I", 196608) + b"user\0ann\0database\0shop\0\0"
    return struct.pack(">I", 4 + len(body)) + body


def greeting():
    """A MySQL server's, which offers TLS (bit 11 of the capabilities)."""
    payload = b"\x0a8.0.99-made\0" + struct.pack("<I", 7) + b"abcdefgh\0"
    payload += struct.pack("<HBHHB", 0xFFF7, 45, 2, 0, 21) + bytes(10) + b"ijklmnopqrst\0"
    payload += b"mysql_native_password\0"
    return len(payload).to_bytes(3, "little") + b"\0" + payload


def login():
    """A client's, without TLS."""
    payload = struct.pack("<IIB", 0x00088200, 1 << 24, 45) + bytes(23) + b"ann\0"
    payload += b"\x14" + b"x" * 20 + b"mysql_native_password\0"
    return len(payload).to_bytes(3, "little") + b"\1" + payload


OK = bytes.fromhex("07000002 00 00 00 0200 0000")


class Target:
    """A server that sends `first`, and keeps what it reads; then sends `answer`."""

    def __init__(self, first=b"", reads=0, answer=b""):
        self.listener = Listener()
        self.port = self.listener.port
        self.read = b""
        self._thread = threading.Thread(target=self._serve, args=(first, reads, answer), daemon=True)
        self._thread.start()

    def _serve(self, first, reads, answer):
        with self.listener.accept() as peer:
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            peer.sendall(first)
            while len(self.read) < reads and (part := peer.recv(reads - len(self.read))):
                self.read += part
            peer.sendall(answer)
            peer.recv(1)

    def join(self):
        self._thread.join(30)
        expect(not self._thread.is_alive(), "the server was not left")
        self.listener.close()


class OwnProxy:
    """An HTTP proxy that answers a request itself, and keeps the connection; then grants a CONNECT, and answers in the tunnel."""

    ANSWERS = (
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\ninner",
    )

    def __init__(self):
        self.listener = Listener()
        self.port = self.listener.port
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        with self.listener.accept() as connection:
            for answer in self.ANSWERS:
                head = b""
                while not head.endswith(b"\r\n\r\n") and (byte := connection.recv(1)):
                    head += byte
                connection.sendall(answer)

    def join(self):
        self.thread.join(30)
        expect(not self.thread.is_alive(), "the proxy was not left")
        self.listener.close()


class Tunnels:
    def __init__(self):
        self.web = OwnServer()
        self.proxy = TinyProxy()
        self.where = folder("tunnel")
        self.recorded = {}  # the file, the command and what it printed, by case

    def record(self, case, command):
        path = self.where / f"{case}.db"
        printed = record(path, command).expect(0).stdout.decode()
        self.recorded[case] = path, command, printed
        return path, printed

    def replayed(self, case):
        """The proxy and the servers are stopped."""
        expect(case in self.recorded, "it was not recorded")
        path, command, printed = self.recorded[case]
        done = replay(path, command).expect(0)
        expect_equal(done.stdout.decode(), printed, "the app's output")

    def other_target(self):
        """A tunnel to where none was recorded: a miss, in the answer to CONNECT."""
        path, command, _ = self.recorded["http"]
        done = replay(path, [*command[:-2], "http://127.0.0.1:1/a"]).expect(56)
        done.says("599", "1 miss", "CONNECT 127.0.0.1:1")

    def steps(self, case, target, *steps, proxy=None):
        command = ["python3", PROGRAMS / "http_tunnel.py", str((proxy or self.proxy).port)]
        return self.record(case, [*command, f"127.0.0.1:{target}", *steps])

    def http(self):
        """curl, through the same proxy with and without a tunnel."""
        need_curl()
        proxy = f"http://127.0.0.1:{self.proxy.port}"
        path, printed = self.record(
            "http", ["curl", "-sS", "-p", "-x", proxy, self.web.url + "/a", self.web.url + "/b"]
        )
        expect_equal(printed, "GET /aGET /b", "the app's output")
        expect_whole(path)
        expect_equal(
            query(path, CONNECTIONS),
            [
                (1, None, None, "127.0.0.1", self.proxy.port, "http"),
                (2, 1, None, "127.0.0.1", self.web.port, "http"),
            ],
            "connections",
        )
        place = f"127.0.0.1:{self.web.port}"
        expect_equal(
            query(path, "select connection, method, url, status from http order by id"),
            [
                (1, "CONNECT", place, 200),
                (2, "GET", f"http://{place}/a", 200),
                (2, "GET", f"http://{place}/b", 200),
            ],
            "exchanges",
        )
        path, _ = self.record("plain", ["curl", "-sS", "-x", proxy, self.web.url + "/a"])
        expect_equal(
            query(path, "select connection, method, url from http"),
            [(1, "GET", f"http://{place}/a")],
            "without a tunnel",
        )

    def named(self):
        """The target's name is its endpoint's host."""
        need_curl()
        url = f"http://localhost:{self.web.port}/a"
        path, _ = self.record(
            "named", ["curl", "-sS", "-p", "-x", f"http://127.0.0.1:{self.proxy.port}", url]
        )
        [_, inner] = query(path, CONNECTIONS)
        expect_equal(
            inner, (2, 1, "localhost", "localhost", self.web.port, "http"), "the tunnel's endpoint"
        )

    def postgres(self):
        """The handshake is made in the tunnel: the server never sees the question for TLS."""
        target = Target(reads=len(startup()), answer=b"N" * 5)
        path, printed = self.steps(
            "postgres", target.port, f"send {SSL_REQUEST.hex()}", "read 1", f"send {startup().hex()}", "read 5"
        )
        target.join()
        expect_equal(printed.split()[-2:], [b"N".hex(), (b"N" * 5).hex()], "the app's output")
        expect_equal(target.read, startup(), "what the server read")
        [_, inner] = query(path, CONNECTIONS)
        expect_equal(inner[1:5], (1, None, "127.0.0.1", target.port), "the tunnel's endpoint")

    def mysql(self):
        """A server that speaks first: its offer of TLS is taken out of its greeting."""
        target = Target(first=greeting(), reads=len(login()), answer=OK)
        path, printed = self.steps(
            "mysql",
            target.port,
            f"read {len(greeting())}",
            f"send {login().hex()}",
            f"read {len(OK)}",
        )
        target.join()
        said, answer = map(bytes.fromhex, printed.split()[-2:])
        expect_equal(answer, OK, "what the server answered")
        at = said.index(b"abcdefgh\0") + 9
        expect_equal(len(said), len(greeting()), "the greeting's length")
        expect(not said[at + 1] & 0x08, "the greeting still offers TLS")
        [_, inner] = query(path, CONNECTIONS)
        expect_equal(inner[1:], (1, None, "127.0.0.1", target.port, "mysql"), "the tunnel")
        # Its nonce is another in replay, and what stands before that is not.
        self.steps_again = [f"127.0.0.1:{target.port}", "read 5"]

    def mysql_again(self):
        """A server that spoke first in the tunnel speaks first there."""
        path, command, _ = self.recorded["mysql"]
        printed = replay(path, [*command[:3], *self.steps_again]).expect(0).stdout.decode()
        said = bytes.fromhex(printed.split()[-1])
        expect_equal(said[3:], b"\0\x0a", "the greeting's sequence and version")

    def tls(self):
        """Not decoded, and passed on as it is."""
        target = Target(reads=len(CLIENT_HELLO), answer=b"hello")
        path, printed = self.steps("tls", target.port, f"send {CLIENT_HELLO.hex()}", "read 5")
        target.join()
        expect_equal(printed.split()[-1], b"hello".hex(), "the app's output")
        expect_equal(target.read, CLIENT_HELLO, "what the server read")
        expect_equal(
            query(path, "select opaque, client_bytes, server_bytes from connection where id = 2"),
            [("an unknown protocol", len(CLIENT_HELLO), 5)],
            "the tunnel",
        )
        [(opaque, outcome)] = query(path, "select opaque, outcome from connection where id = 1")
        expect_equal((opaque, outcome), (None, "became a tunnel"), "the connection to the proxy")

    def early(self):
        """Bytes behind the CONNECT before its answer: whose they are cannot be known, so nothing is decoded."""
        target = Target(reads=5, answer=b"hello")
        path, printed = self.steps("early", target.port, f"early {b'GET /'.hex()}", "read 5")
        target.join()
        expect_equal(printed.split()[-1], b"hello".hex(), "the app's output")
        [(opaque,)] = query(path, "select opaque from connection")
        expect("tunnel" in opaque, f"opaque: {opaque}")

    def used(self):
        """A connection that the proxy answered something before it became a tunnel; CONNECT comes in pieces."""
        proxy = OwnProxy()
        before = b"GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n"
        inner = b"GET /inner HTTP/1.1\r\nHost: b.test\r\n\r\n"
        answer = OwnProxy.ANSWERS[2]
        path, printed = self.steps(
            "used",
            1,
            f"before {before.hex()}",
            f"send {inner.hex()}",
            f"read {len(answer)}",
            proxy=proxy,
        )
        proxy.join()
        expect_equal(printed.split()[-1], answer.hex(), "the app's output")
        expect_whole(path)
        expect_equal(
            query(path, "select connection, method, status, response_body from http order by id"),
            [(1, "GET", 204, None), (1, "CONNECT", 200, None), (2, "GET", 200, "inner")],
            "exchanges",
        )

    def refused(self):
        """The proxy says no: an exchange like any other."""
        proxy = TinyProxy(allowed=(1,))
        path, printed = self.steps("refused", self.web.port, proxy=proxy)
        proxy.stop()
        expect("403" in printed, printed)
        expect_equal(
            query(path, "select connection, method, status from http"),
            [(1, "CONNECT", 403)],
            "exchanges",
        )
        expect_equal(query(path, "select count(*) from connection"), [(1,)], "connections")


def main():
    need_mockproxy()
    suite = Suite()
    tunnels = Tunnels()
    for case in (
        tunnels.http,
        tunnels.named,
        tunnels.postgres,
        tunnels.mysql,
        tunnels.tls,
        tunnels.early,
        tunnels.used,
        tunnels.refused,
    ):
        suite.run("recorded: " + case.__name__, case)
    tunnels.proxy.stop()
    tunnels.web.stop()
    expect_refused(tunnels.proxy.port)
    for case in ("http", "plain", "named", "used", "refused"):
        suite.run("replayed: " + case, tunnels.replayed, case)
    suite.run("replayed: mysql", tunnels.mysql_again)
    suite.run("replayed: another target", tunnels.other_target)
    suite.finish()


main()
