#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Streams over HTTP: passed on part by part, with the times of the parts in the file; and clients that are slow."""
import os
import threading

from harness import (
    PROGRAMS,
    Listener,
    Suite,
    expect,
    expect_equal,
    expect_refused,
    folder,
    need_mockproxy,
    record,
    replay,
)
from http_servers import OwnServer
from recording import expect_whole, query

PRINTED = "data: tick 0\ndata: tick 1\ndata: tick 2\nb''\n"
# Sends what is before the bar, waits until somebody wrote to the FIFO, sends the rest; prints what came until the end.
SLOW_APP = """
import socket, sys
s = socket.create_connection(('127.0.0.1', int(sys.argv[1])), timeout=60)
first, rest = sys.argv[2].encode().decode('unicode_escape').encode().split(b'|')
s.sendall(first)
open(sys.argv[3]).read()
for byte in rest: s.sendall(bytes([byte]))
while part := s.recv(65536): print(part.decode(), end='')
"""


class SlowServer:
    """Reads `first` bytes, says so to a FIFO, reads the rest, answers and closes."""

    def __init__(self, fifo, first, rest, answer):
        self.listener = Listener()
        self.port = self.listener.port
        self.read = b""
        self._thread = threading.Thread(
            target=self._serve, args=(fifo, first, rest, answer), daemon=True
        )
        self._thread.start()

    def _serve(self, fifo, first, rest, answer):
        with self.listener.accept() as peer:
            while len(self.read) < first + rest:
                part = peer.recv(first + rest - len(self.read))
                if not part:
                    break
                if len(self.read) < first <= len(self.read) + len(part):
                    fifo.write_bytes(b"")
                self.read += part
            peer.sendall(answer)

    def join(self):
        self._thread.join(30)
        self.listener.close()


class Streams:
    def __init__(self):
        self.server = OwnServer()
        self.where = folder("stream")
        self.number = 0
        self.files = {}
        self.took = {}  # seconds from the first part to the last one, as recorded

    def path(self):
        self.number += 1
        return self.where / f"{self.number}.db"

    def ticks(self, what, pause):
        command = ["python3", PROGRAMS / "http_ticks.py", str(self.server.port), what, str(pause)]
        path = self.path()
        done = record(path, command).expect(0)
        expect_equal(done.stdout.decode(), PRINTED, "the app's output")
        expect_whole(path)
        return path, query(
            path,
            "select s.body_bytes, at_ns from http_stream s join http_request q using (exchange)"
            " where path = '/ticks' order by number",
        )

    def parts(self, what):
        """The second part is only asked for when the first has come through: nothing is held back."""
        pause = 0.1
        path, rows = self.ticks(what, pause)
        self.files[what] = path
        expect_equal([row[0] for row in rows], [14, 28, 42], "how much had come")
        pauses = [(b[1] - a[1]) / 1e9 for a, b in zip(rows, rows[1:])]
        expect(all(pause <= p < 30 for p in pauses), f"times of the parts: {pauses}")
        self.took[what] = sum(pauses)

    def again(self, what, timing):
        """The server is stopped. A busy machine makes a client late, never early: what must not last long is tried again."""
        expect(what in self.files, "it was not recorded")
        pause = {"recorded": 0.1, "2x": 0.05}.get(timing, 0)
        most = {"recorded": 30, "2x": self.took[what] / 2 + 0.1}.get(timing, 0.1)
        for _ in range(10):
            read = self.times(what, timing)
            # Its clock, and the milliseconds that it prints, may be a little behind.
            expect(
                all(at >= 0.95 * i * pause for i, at in enumerate(read)), f"parts read after {read} s"
            )
            if read[-1] < most:
                return
        expect(False, f"the last part after {read[-1]} s, in each of ten runs more than {most}")

    def times(self, what, timing):
        """How many seconds after its request the client had read each part."""
        command = ["python3", PROGRAMS / "http_ticks.py", str(self.server.port), what]
        options = ["--timing", timing] if timing else []
        done = replay(self.files[what], command, options=options).expect(0)
        expect_equal(done.stdout.decode(), PRINTED, "the app's output")
        lines = [line for line in done.errors().splitlines() if line.startswith("after ")]
        expect_equal(len(lines), 3, "parts")
        return [float(line.split()[1]) for line in lines]

    def at_once(self):
        """A chunked response without a pause has no rows but those of its events."""
        path = self.path()
        record(path, ["curl", "-sS", *[self.server.url + p for p in ("/chunked", "/events")]]).expect(0)
        rows = query(path, "select path, s.body_bytes from http_stream s"
                           " join http_request using (exchange) where path = '/events' order by number")
        expect_equal([row[1] for row in rows], [15, 30, 45], "events")

    def slow(self, first, rest):
        """After two seconds what can still be HTTP is passed on, and recognised all the same."""
        fifo = self.where / "fifo"
        fifo.unlink(missing_ok=True)
        os.mkfifo(fifo)
        size = [len(part.encode().decode("unicode_escape")) for part in (first, rest)]
        server = SlowServer(fifo, *size, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
        path = self.path()
        command = ["python3", "-c", SLOW_APP, str(server.port), f"{first}|{rest}", str(fifo)]
        done = record(path, command).expect(0)
        server.join()
        expect(done.stdout.endswith(b"hi"), f"the app's output: {done.stdout}")
        expect_equal(
            server.read.decode(), (first + rest).encode().decode("unicode_escape"), "what came"
        )
        return path

    def slow_http(self):
        path = self.slow("GE", r"T /slow HTTP/1.1\r\nHost: a.test\r\n\r\n")
        expect_whole(path)
        expect_equal(
            query(path, "select method, url, status from http"),
            [("GET", "http://a.test/slow", 200)],
            "exchanges",
        )

    def slow_other(self):
        """A protocol that we do not know, whose first word could have been a method."""
        path = self.slow("PING", r" 17\nPING 18\n")
        expect_equal(
            query(path, "select opaque from connection"), [("an unknown protocol",)], "opaque"
        )


def main():
    need_mockproxy()
    suite = Suite()
    streams = Streams()
    for what in ("events", "lines"):
        suite.run(f"recorded: {what} part by part", streams.parts, what)
    suite.run("recorded: a stream that comes at once", streams.at_once)
    suite.run("recorded: a slow client of HTTP", streams.slow_http)
    suite.run("recorded: a slow client of another protocol", streams.slow_other)
    streams.server.stop()
    expect_refused(streams.server.port)
    for what in ("events", "lines"):
        for timing in ("", "recorded", "2x"):
            suite.run(f"replayed: {what} {timing}", streams.again, what, timing)
    suite.finish()


main()
