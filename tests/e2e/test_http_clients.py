#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What HTTP clients ask (programs/http_requests.tsv) of Node, nginx and Apache: recorded, then asked again of the file alone
with the same output."""
import hashlib
import json

from drivers import HTTP_CLIENTS
from harness import (
    Listener,
    Skip,
    Suite,
    expect,
    expect_equal,
    expect_refused,
    folder,
    need_mockproxy,
    record,
    wait_until,
)
from http_servers import Apache, Nginx, NodeServer
from recording import contains, expect_whole, query

POOL = 3


class Servers:
    """All three; nginx and Apache ask Node for what is no file."""

    def __init__(self):
        node = NodeServer()
        self.list = [node, Nginx(node.inner), Apache(node.inner)]
        self.arguments = [f"{server.name}={server.url}" for server in self.list]

    def counted(self):
        return [server.requests() for server in self.list]

    def expect_counted(self, path, before):
        """As many exchanges as each server wrote into its log since then. What it never answered was never read by it."""
        for server, counted in zip(self.list, before):
            [(recorded,)] = query(
                path,
                "select count(*) from exchange e join connection c on c.id = e.connection"
                " join endpoint p on p.id = c.endpoint where p.port = ? and e.outcome > 0",
                server.port,
            )
            wanted = counted + recorded
            wait_until(
                lambda server=server, wanted=wanted: server.requests() >= wanted,
                f"{server.name} counts {recorded} requests",
                10,
            )
            expect_equal(server.requests(), wanted, f"requests that {server.name} counted")

    def stop(self):
        for server in reversed(self.list):
            server.stop()


def stored_body(path, exchange, side, decoded):
    """As an app got it; from value_part as it passed."""
    if decoded is None:
        pieces = query(
            path,
            "select bytes from value_part where exchange = ? and part = ? order by sequence",
            exchange,
            1 + side,
        )
        return b"".join(piece for (piece,) in pieces)
    return decoded if isinstance(decoded, bytes) else decoded.encode()


def expect_bodies(path, stdout):
    """What the app printed the digest of lies in the file, and what the server said to have got."""
    rows = query(
        path,
        "select q.exchange, q.path, q.body, r.body from http_request q"
        " join http_response r on r.exchange = q.exchange",
    )
    expect(rows, "no exchange is in the file")
    stored = set()
    for exchange, asked, request, response in rows:
        answer = stored_body(path, exchange, 1, response)
        stored.add(hashlib.sha1(answer).hexdigest())
        if asked == "/echo":
            sent = stored_body(path, exchange, 0, request)
            got = json.loads(answer)
            expect_equal(
                (len(sent), hashlib.sha1(sent).hexdigest()),
                (got["bytes"], got["sha1"]),
                f"the body of request {exchange}",
            )
    empty = hashlib.sha1(b"").hexdigest()
    for line in stdout.decode().splitlines():
        digest = line.split()[-1]
        expect(digest in stored or digest == empty, f"the body is not in the file: {line}")


def expect_finished(path, ahead):
    """All, but what was sent ahead on a connection that the server closed (Apache behind a 503 from upstream): it was never
    answered, and asked again on another one."""
    flagged = query(
        path,
        "select f.*, r.status from flagged f left join http_response r on r.exchange = f.id",
    )
    cut = [row for row in flagged if row[2] == "unfinished cut" and row[-1] is None]
    expect(flagged == (cut if ahead else []), f"exchanges with flags: {flagged}")


def expect_pipelined(path):
    """Some request was sent before the answer to the one before it."""
    [(ahead,)] = query(
        path,
        "select count(*) from exchange a join exchange b on b.connection = a.connection"
        " and b.ordinal = a.ordinal + 1 where b.started_ns < a.started_ns + a.duration_ns",
    )
    expect(ahead > 10, f"{ahead} requests were sent ahead")


def expect_offered(path):
    """Java asks for HTTP/2, and goes on with what it gets."""
    offers = query(path, "select 1 from http_request where headers like '%\"Upgrade\", \"h2c\"%'")
    expect(offers, "no request offers h2c")


ALSO = {"undici": expect_pipelined, "java": expect_offered}


def record_client(servers, client, path):
    client.prepare()
    before = servers.counted()
    command = client.command(POOL, 0) + servers.arguments
    done = record(path, command, client.full_environment()).expect(0)
    expect_whole(path)
    expect_finished(path, client.name == "undici")
    servers.expect_counted(path, before)
    expect_bodies(path, done.stdout)
    expect(not contains(path, b"YW5uOnNlY3JldA=="), "a password is in the file")
    if client.name in ALSO:
        ALSO[client.name](path)
    return done.stdout


def raise_again(error):
    raise error


def main():
    need_mockproxy()
    suite = Suite()
    where = folder("http_clients")
    try:
        servers = Servers()
    except Skip as reason:
        suite.run("servers", raise_again, reason)
        suite.finish()
    recorded = {}
    for client in HTTP_CLIENTS:
        path = where / f"{client.name}.db"
        stdout = suite.run(f"{client.name}: recorded", record_client, servers, client, path)
        if stdout:
            recorded[client.name] = client, path, stdout
    servers.stop()
    for server in servers.list:
        expect_refused(server.port)
    outside = [Listener(port=server.port) for server in servers.list]
    for listener in outside:
        suite.run("nothing got out while replaying", listener.expect_nobody)
    suite.finish()


main()
