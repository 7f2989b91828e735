#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""WebSockets of ws (npm) and of Python's websockets against ws, and behind nginx and Apache:
recorded message by message, looked at with SQLite, and replayed without the server."""
import os

from drivers import WEBSOCKET_CLIENTS
from harness import (
    Started,
    Suite,
    expect,
    expect_equal,
    expect_refused,
    folder,
    memory_kib,
    need_mockproxy,
    record,
    record_command,
    replay,
)
from http_servers import Apache, Nginx, WebSocketServer, start
from recording import change, expect_whole, query


LARGE = """
const socket = new (require('ws'))(`ws://127.0.0.1:${process.argv[1]}/plain`, { perMessageDeflate: false });
const size = Number(process.argv[2]);
let count = 0;
socket.on('message', (data) => {
  count += 1;
  if (count > 1) console.log(data.length);
  if (count === 1) socket.send(`large ${size}`);
  if (count === 2) socket.send(data);
});
process.stdin.once('data', () => { socket.close(); process.stdin.destroy(); });
"""


class Talks:
    def __init__(self):
        WEBSOCKET_CLIENTS[0].prepare()  # the server is a program of the same npm packages
        self.server = WebSocketServer(WEBSOCKET_CLIENTS[0].environment)
        self.where = folder("websocket")
        self.files = {}  # what each client printed, by client and path

    def run(self, client, path, file, *arguments, how=record, options=(), port=None):
        client.prepare()
        command = client.command() + [str(port or self.server.port), path, *arguments]
        return how(file, command, env=os.environ | client.environment, options=options)

    def recorded(self, client, path):
        file = self.where / f"{client.name}{path.replace('/', '-')}.db"
        printed = self.run(client, path, file).expect(0).stdout.decode()
        expect("closed 1000 that was all" in printed, f"the app's own conversation:\n{printed}")
        expect_whole(file)
        self.files[client.name, path] = file, printed
        return file, printed

    def readable(self, client, path):
        """Each message is a row, in order, without compression."""
        file, _ = self.recorded(client, path)
        [(status, outcome)] = query(
            file, "select h.status, e.outcome from http h join exchange e on e.id = h.id"
        )
        expect_equal((status, outcome), (101, 1), "the exchange")
        rows = query(file, "select side, kind, body from messages order by number")
        expect_equal(
            rows[:5],
            [
                ("server", "text", f"welcome to {path}"),
                ("client", "text", "one"),
                ("server", "text", "one"),
                ("client", "text", "two"),
                ("server", "text", "two"),
            ],
            "the first messages",
        )
        expect(("client", "binary", b"\0\xff\x80") in rows, f"a binary message: {rows}")
        expect(("client", "text", "fragmented") in rows, f"a message in fragments: {rows}")
        expect(("server", "text", "(400000 bytes in value_part)") in rows, f"a large one: {rows}")
        expect(("server", "close", "1000 that was all") in rows, f"the end: {rows}")
        [(parts, size)] = query(
            file,
            "select count(*), sum(length(bytes)) from value_part p join http_message m"
            " on p.exchange = m.exchange and p.part = m.body_part",
        )
        expect_equal((parts, size), (2, 400000), "what lies in value_part")
        codings = {row[0] for row in query(file, "select distinct coding from http_message"
                                                 " where kind in ('text', 'binary')")}
        expect_equal(
            codings, {"permessage-deflate"} if path == "/deflate" else {None}, "column coding"
        )

    def times(self):
        """They rise, and lie within the exchange."""
        file, _ = self.recorded(WEBSOCKET_CLIENTS[0], "/plain")
        [(wrong,)] = query(
            file,
            "select count(*) from http_message m join exchange e on e.id = m.exchange"
            " where at_ns < started_ns or at_ns > started_ns + duration_ns or at_ns <"
            " (select max(at_ns) from http_message b where b.number < m.number)",
        )
        expect_equal(wrong, 0, "messages out of time")

    def behind(self, front, path):
        """Through a server that passes the upgrade on."""
        client = WEBSOCKET_CLIENTS[0]
        file = self.where / f"{front.name}{path.replace('/', '-')}.db"
        done = self.run(client, path, file, port=front.port).expect(0)
        printed = done.stdout.decode()
        expect("closed 1000 that was all" in printed, f"the app's own conversation:\n{printed}")
        expect_whole(file)
        self.files[front.name, path] = file, printed

    def large(self):
        """Messages of 90 MB up and down, in flat memory."""
        client, size = WEBSOCKET_CLIENTS[0], 90_000_000
        file = self.where / "large.db"
        command = record_command(file, ["node", "-e", LARGE, str(self.server.port), str(size)])
        app = Started(command, env=os.environ | client.environment)
        expect_equal(app.line(120), str(size), "what came down")
        expect_equal(app.line(120), str(size), "what came back")
        (memory,) = memory_kib(app.proxy, "VmHWM")
        app.say("go")
        app.finish().expect(0)
        expect(memory < 150 << 10, f"the proxy took {memory >> 10} MiB")
        rows = query(
            file,
            "select side, body_bytes, (select sum(length(bytes)) from value_part p where"
            " p.exchange = m.exchange and p.part = m.body_part) from http_message m"
            " where body_part is not null order by number",
        )
        expect_equal(
            rows, [(side, size, size) for side in ("server", "client", "server")], "the parts"
        )

    # From here on the servers are stopped.

    def replayed_behind(self, front, path):
        expect((front.name, path) in self.files, "it was not recorded")
        file, printed = self.files[front.name, path]
        again = self.run(WEBSOCKET_CLIENTS[0], path, file, how=replay, port=front.port)
        expect_equal(again.stdout.decode(), printed, f"replayed: {again.errors()[-1500:]}")
        again.expect(0)

    def file_of(self, client, path):
        expect((client.name, path) in self.files, "it was not recorded")
        return self.files[client.name, path]

    def replayed(self, client, path):
        file, printed = self.file_of(client, path)
        done = self.run(client, path, file, how=replay).expect(0)
        expect_equal(done.stdout.decode(), printed, "the app's output")

    def paced(self):
        """With the recorded pauses it prints the same."""
        client = WEBSOCKET_CLIENTS[0]
        file, printed = self.file_of(client, "/plain")
        done = self.run(client, "/plain", file, how=replay, options=["--timing", "2x"]).expect(0)
        expect_equal(done.stdout.decode(), printed, "the app's output")

    def differs(self):
        """Another message than the recorded one: a close that says what was expected, and a
        miss."""
        client = WEBSOCKET_CLIENTS[0]
        file, printed = self.file_of(client, "/plain")
        done = self.run(client, "/plain", file, "2", how=replay).expect(3)
        lines = done.stdout.decode().splitlines()
        expect_equal(lines[:2], printed.splitlines()[:2], "up to there")
        expect_equal(
            lines[2], 'closed 1011 mockproxy: message 4: recorded "two", asked "2"', "the close"
        )
        done.says("1 miss", "message 4")

    def edited(self):
        """What a person writes into the file is what the server says."""
        client = WEBSOCKET_CLIENTS[0]
        file, printed = self.file_of(client, "/plain")
        change(file, "update http_message set body = 'another welcome' where number = 1")
        done = self.run(client, "/plain", file, how=replay).expect(0)
        expect_equal(
            done.stdout.decode(), printed.replace("welcome to /plain", "another welcome"), "output"
        )


def main():
    need_mockproxy()
    suite = Suite()
    talks = Talks()
    for client in WEBSOCKET_CLIENTS:
        for path in ("/plain", "/deflate"):
            suite.run(f"recorded: {client.name} {path}", talks.readable, client, path)
    suite.run("recorded: times", talks.times)
    fronts = [f for f in (start(suite, kind, talks.server.port) for kind in (Nginx, Apache)) if f]
    for front in fronts:
        for path in ("/plain", "/deflate"):
            suite.run(f"recorded: behind {front.name} {path}", talks.behind, front, path)
        front.stop()
    suite.run("recorded: large messages", talks.large)
    talks.server.stop()
    expect_refused(talks.server.port)
    for client in WEBSOCKET_CLIENTS:
        for path in ("/plain", "/deflate"):
            suite.run(f"replayed: {client.name} {path}", talks.replayed, client, path)
    for front in fronts:
        for path in ("/plain", "/deflate"):
            name = f"replayed: behind {front.name} {path}"
            suite.run(name, talks.replayed_behind, front, path)
    suite.run("replayed: with pauses", talks.paced)
    suite.run("replayed: another message", talks.differs)
    suite.run("replayed: edited", talks.edited)
    suite.finish()


main()
