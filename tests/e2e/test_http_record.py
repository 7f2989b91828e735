#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""HTTP recorded: what curl and raw sockets do against real servers, looked at with SQLite alone."""
import hashlib
import json

from harness import (
    PROGRAMS,
    Started,
    Suite,
    expect,
    expect_equal,
    folder,
    memory_kib,
    need_mockproxy,
    record,
    record_command,
)
from http_servers import Nginx, OwnServer, need_curl
from recording import contains, expect_whole, query


class Recorded:
    """The cases; each makes a recording of its own."""

    def __init__(self, server):
        self.server = server
        self.where = folder("http")
        self.number = 0

    def path(self):
        self.number += 1
        return self.where / f"{self.number}.db"

    def curl(self, *arguments, status=0):
        """The recording, and what curl printed. Arguments that begin with a slash are paths."""
        need_curl()
        path = self.path()
        words = [
            self.server.url + word if isinstance(word, str) and word[0] == "/" else word
            for word in arguments
        ]
        done = record(path, ["curl", "-sS", *words]).expect(status)
        expect_whole(path)
        return path, done.stdout

    def raw(self, case):
        path = self.path()
        done = record(path, ["python3", PROGRAMS / "http_raw.py", str(self.server.port), case])
        return path, done.expect(0).stdout.decode()

    def ordinary(self):
        path, _ = self.curl("/a?id=1", "/none", "-d", "x=1&y=2", "/post")
        rows = query(path, "select method, url, status, request_body, response_body from http")
        expect_equal(
            [row[:4] for row in rows],
            [
                ("POST", self.server.url + "/a?id=1", 200, "x=1&y=2"),
                ("POST", self.server.url + "/none", 200, "x=1&y=2"),
                ("POST", self.server.url + "/post", 200, "x=1&y=2"),
            ],
            "view http",
        )
        expect_equal(json.loads(rows[2][4])["bytes"], 7, "the response")
        expect_equal(
            query(path, "select distinct connection from http"), [(1,)], "one connection"
        )

    def errors(self):
        path, _ = self.curl("/a", "/none")
        expect_equal(
            query(path, "select sql, error from errors"),
            [(f"GET {self.server.url}/none", "404 Not Found")],
            "view errors",
        )
        kinds = query(path, "select kind, outcome from timeline")
        expect_equal(kinds, [("http", "ok"), ("http", "error")], "view timeline")
        expect_equal(query(path, "select count(*) from slow"), [(2,)], "view slow")
        expect_equal(query(path, "select count(*) from queries"), [(0,)], "view queries")

    def coded(self):
        path, printed = self.curl("--compressed", "/gzip", "/deflate")
        rows = query(path, "select body, coding, length(wire_body), body_bytes from http_response")
        expect_equal([row[1] for row in rows], ["gzip", "deflate"], "column coding")
        expect_equal("".join(row[0] for row in rows), printed.decode(), "column body")
        expect(all(row[2] == row[3] > 0 for row in rows), f"wire_body: {rows}")

    def framing(self):
        path, printed = self.curl("/chunked", "/events", "/close")
        expect_equal(printed, b"one\ntwo\n" + b"".join(
            b"data: event %d\n\n" % i for i in range(3)) + b"till the end", "the app's output")
        rows = query(path, "select response_body from http")
        expect_equal("".join(row[0] for row in rows).encode(), printed, "bodies")
        expect_equal(
            query(path, "select trailers from http_response where trailers is not null"),
            [('[["X-Sum", "7"]]',)],
            "trailers",
        )

    def head(self):
        path, _ = self.curl("-I", "/a")
        [(method, body, headers)] = query(
            path,
            "select method, response_body, r.headers from http join http_response r"
            " on r.exchange = id",
        )
        expect_equal((method, body), ("HEAD", None), "HEAD")
        expect("Content-Length" in dict(json.loads(headers)), headers)

    def interim(self):
        path, _ = self.curl("/hints")
        [(interim,)] = query(path, "select interim from http_response")
        expect_equal([r["status"] for r in json.loads(interim)], [103], "interim")

    def cookies(self):
        options = self.where / "options"
        options.write_text("user = ann:Geheim-2\n")
        path, _ = self.curl("/cookie", "-H", "Cookie: s=Geheim-1", "-K", options)
        expect(not contains(path, b"Geheim", b"YW5uOkdlaGVpbS0y"), "a credential is in the file")
        [(headers,)] = query(path, "select headers from http_response")
        cookies = [value for name, value in json.loads(headers) if name == "Set-Cookie"]
        expect_equal(cookies, ["a=1", "b=2; Path=/"], "Set-Cookie, apart and in order")

    def pipelined(self):
        path, printed = self.raw("pipelined")
        expect_whole(path)
        rows = query(path, "select method, path, query, body from http_request")
        expect_equal(
            rows,
            [("GET", "/pipe", f"n={i}", None) for i in range(3)] + [("POST", "/pipe", None, "hi")],
            "requests",
        )
        for (body,) in query(path, "select response_body from http"):
            expect(body in printed, f"{body!r} was not printed")

    def raw_cases(self):
        for case, expected in (
            ("dribble", ("GET", None, "GET /dribble")),
            ("old", ("GET", None, "till the end")),
        ):
            path, _ = self.raw(case)
            expect_equal(
                query(path, "select method, request_body, response_body from http"),
                [expected],
                case,
            )
        for case, body in (("expect", "data"), ("chunked", "hello world")):
            path, _ = self.raw(case)
            expect_whole(path)
            expect_equal(query(path, "select request_body from http"), [(body,)], case)

    def upgraded(self):
        path, printed = self.raw("upgrade")
        expect("something else" in printed, printed)
        expect_equal(query(path, "select method, status from http"), [("GET", 101)], "exchange")
        [(opaque,)] = query(path, "select opaque from connection")
        expect("upgraded" in opaque, f"opaque: {opaque}")

    def ambiguous(self):
        """Recorded as refused, relayed; the request before it is whole."""
        path, printed = self.raw("ambiguous")
        expect('"path": "/smuggle"' in printed, f"the server's own answer: {printed}")
        rows = query(path, "select path, outcome, flags & 256 from http_request"
                           " join exchange on id = exchange order by ordinal")
        expect_equal(rows, [("/before", 1, 0), ("/smuggle", 0, 256)], "exchanges")
        [(opaque,)] = query(path, "select opaque from connection")
        expect("Transfer-Encoding and Content-Length" in opaque, f"opaque: {opaque}")
        flagged = query(path, "select flags from flagged")
        expect("ambiguous" in flagged[0][0], f"view flagged: {flagged}")

    def large(self):
        """Up and down, in parts, in flat memory."""
        size = 100 << 20
        source = self.where / "source"
        with open(source, "wb") as file:
            file.truncate(size)
        path = self.path()
        script = (
            f"read go; curl -sS '{self.server.url}/bytes?{size}' | sha1sum;"
            f" curl -sS -T {source} {self.server.url}/up; echo; read go"
        )
        app = Started(record_command(path, ["sh", "-c", script]))
        app.say("go")
        down, up = app.line(300), json.loads(app.line(300))
        memory, = memory_kib(app.proxy, "VmHWM")
        app.say("go")
        app.finish().expect(0)
        expect_whole(path)
        expect_equal(up["bytes"], size, "what the server got")
        expect(memory < 150 << 10, f"the proxy took {memory >> 10} MiB")
        digests = []
        for exchange, part in ((1, 2), (2, 1)):
            digest = hashlib.sha1()
            for (piece,) in query(
                path,
                "select bytes from value_part where exchange = ? and part = ? order by sequence",
                exchange,
                part,
            ):
                digest.update(piece)
            digests.append(digest.hexdigest())
        expect_equal(digests, [down.split()[0], up["sha1"]], "what lies in value_part")


def nginx(suite):
    """A real server: static files, gzip, ranges, conditions."""
    server = Nginx()
    (server.root / "a.txt").write_text("hello from nginx\n" * 10)
    recorded = Recorded(server)

    def coded():
        path, printed = recorded.curl("--compressed", "/a.txt")
        rows = query(path, "select coding, body from http_response")
        expect_equal(rows, [("gzip", printed.decode())], "gzip of nginx")

    def partial():
        path, printed = recorded.curl("-r", "6-9", "/a.txt")
        expect_equal(printed, b"from", "the app's output")
        expect_equal(
            query(path, "select status, response_body from http"), [(206, "from")], "a range"
        )

    suite.run("nginx: gzip is taken off", coded)
    suite.run("nginx: a range", partial)
    server.stop()


def main():
    need_mockproxy()
    suite = Suite()
    server = OwnServer()
    recorded = Recorded(server)
    for case in (
        recorded.ordinary,
        recorded.errors,
        recorded.coded,
        recorded.framing,
        recorded.head,
        recorded.interim,
        recorded.cookies,
        recorded.pipelined,
        recorded.raw_cases,
        recorded.upgraded,
        recorded.ambiguous,
        recorded.large,
    ):
        suite.run("recorded: " + case.__name__.replace("_", " "), case)
    server.stop()
    if suite.chosen("nginx"):
        try:
            nginx(suite)
        except Exception as error:  # pylint: disable=broad-except
            suite.run("nginx", raise_again, error)
    suite.finish()


def raise_again(error):
    raise error


main()
