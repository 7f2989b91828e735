#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""WebSockets of ws (npm) and of Python's websockets against ws: recorded message by message, looked at with SQLite, and
replayed without the server."""
import os

from drivers import WEBSOCKET_CLIENTS
from harness import Suite, expect, expect_equal, folder, need_mockproxy, record
from http_servers import WebSocketServer
from recording import expect_whole, query


class Talks:
    def __init__(self):
        WEBSOCKET_CLIENTS[0].prepare()  # the server is a program of the same npm packages
        self.server = WebSocketServer(WEBSOCKET_CLIENTS[0].environment)
        self.where = folder("websocket")

    def run(self, client, path, file, *arguments, how=record, options=()):
        client.prepare()
        command = client.command() + [str(self.server.port), path, *arguments]
        return how(file, command, env=os.environ | client.environment, options=options)

    def recorded(self, client, path):
        file = self.where / f"{client.name}{path.replace('/', '-')}.db"
        printed = self.run(client, path, file).expect(0).stdout.decode()
        expect("closed 1000 that was all" in printed, f"the app's own conversation:\n{printed}")
        expect_whole(file)
        return file, printed

    def readable(self, client, path):
        """Each message is a row, in order, without compression."""
        file, _ = self.recorded(client, path)
        [(status, outcome)] = query(
            file, "select status, outcome from http join exchange using (id)"
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


def main():
    need_mockproxy()
    suite = Suite()
    talks = Talks()
    for client in WEBSOCKET_CLIENTS:
        for path in ("/plain", "/deflate"):
            suite.run(f"recorded: {client.name} {path}", talks.readable, client, path)
    suite.run("recorded: times", talks.times)
    talks.server.stop()
    suite.finish()


main()
