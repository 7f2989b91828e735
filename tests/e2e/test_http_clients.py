#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What HTTP clients ask (programs/http_requests.tsv) of Node, nginx and Apache: recorded, then
asked again of the file alone with the same output."""
import hashlib
import json
import socket
import threading

from drivers import HTTP_CLIENTS
from harness import (
    Failure,
    Listener,
    Suite,
    difference,
    expect,
    expect_equal,
    expect_refused,
    folder,
    free_port,
    need_mockproxy,
    record,
    replay,
    wait_until,
)
from http_servers import Apache, Nginx, NodeServer, start
from recording import contains, expect_whole, query

POOL = 3
REPLAYS = {
    "replayed": (POOL, 0),
    "with a pool three times as large, in another order": (3 * POOL, 7),
    "on one connection": (1, 8),
}
# Clients that accept br, gzip, or neither. wget does not print all bodies, and curl keeps a
# Content-Type where a redirect made GET of POST, so it does not ask what the others ask.
CROSSED = [
    ("curl", "requests"),
    ("curl", "fetch"),
    ("curl", "java"),
    ("requests", "undici"),
    ("httpx", "fetch"),
    ("fetch", "undici"),
    ("undici", "requests"),
    ("java", "requests"),
    ("java", "undici"),
]


class Servers:
    """All three; nginx and Apache ask Node for what is no file."""

    def __init__(self):
        node = NodeServer()
        self.list = [node, Nginx(node.inner), Apache(node.inner)]
        self.arguments = [f"{server.name}={server.url}" for server in self.list]

    def counted(self):
        return [server.requests() for server in self.list]

    def expect_counted(self, path, before):
        """As many exchanges as each server wrote into its log since then. What it never answered
        was never read by it."""
        for server, counted in zip(self.list, before):
            [(recorded,)] = query(
                path,
                "select count(*) from exchange e join connection c on c.id = e.connection"
                " join endpoint p on p.id = c.endpoint where p.port = ? and e.status is not null",
                server.port,
            )
            wanted = counted + recorded
            wait_until(
                lambda server=server, wanted=wanted: server.requests() >= wanted,
                f"{server.name} counts {recorded} requests",
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


def may_be_cut(client, status):
    """undici: what was sent ahead on a connection that the server closed (Apache behind a 503 from
    upstream) was never answered, and asked again on another one. wget does not read what is behind
    the head of a redirect, or of a 416 as if all was there already, and closes: the server may not
    have said by then that it was the end."""
    if client == "undici":
        return status is None
    return client == "wget" and status in (301, 302, 303, 307, 308, 416)


def expect_finished(path, client):
    flagged = query(
        path,
        "select f.*, r.status from flagged f left join http_response r on r.exchange = f.id",
    )
    for row in flagged:
        cut = row[2].startswith("unfinished cut")
        expect(cut and may_be_cut(client, row[-1]), f"exchanges with flags: {flagged}")


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
    offers = query(path, 'select 1 from http_request where headers like \'%"Upgrade", "h2c"%\'')
    expect(offers, "no request offers h2c")


ALSO = {"undici": expect_pipelined, "java": expect_offered}


def record_client(servers, client, path):
    client.prepare()
    before = servers.counted()
    command = client.command(POOL, 0) + servers.arguments
    done = record(path, command, client.full_environment()).expect(0)
    expect_whole(path)
    expect_finished(path, client.name)
    servers.expect_counted(path, before)
    expect_bodies(path, done.stdout)
    expect(not contains(path, b"YW5uOnNlY3JldA=="), "a password is in the file")
    if client.name in ALSO:
        ALSO[client.name](path)
    return done.stdout


class Recorded:
    """What a client printed while it was recorded; None: that failed."""

    def __init__(self, client, path, stdout, arguments):
        self.client, self.path, self.stdout, self.arguments = client, path, stdout, arguments

    def replay(self, client, pool, seed):
        expect(self.stdout, "was not recorded")
        client.prepare()
        command = client.command(pool, seed) + self.arguments
        done = replay(self.path, command, client.full_environment())
        if done.stdout != self.stdout:
            lines = difference(self.stdout, done.stdout, 12)
            raise Failure(f"exit status {done.status}\n{done.errors()[-3000:]}\n{lines}")
        done.expect(0)


class Between:
    """Passes on what goes between clients and mockproxy, and sees which of them ends a
    connection."""

    def __init__(self, port, target):
        self.socket = socket.create_server(("127.0.0.1", port))
        self.target = target
        self.ended_by_proxy = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client = self.socket.accept()[0]
            except OSError:  # closed
                return
            proxy = socket.create_connection(("127.0.0.1", self.target))
            ended = threading.Event()
            for pair in ((client, proxy), (proxy, client)):
                threading.Thread(target=self._pass, args=(*pair, ended, proxy), daemon=True).start()

    def _pass(self, source, target, ended, proxy):
        try:
            while data := source.recv(65536):
                target.sendall(data)
            if not ended.is_set():
                ended.set()
                self.ended_by_proxy += source is proxy
            target.shutdown(socket.SHUT_WR)
        except OSError:
            ended.set()

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


UNKNOWN = """\
plain\tGET\t/plain?id=1\t-\t-\t-
unknown\tGET\t/plain?id=unknown\t-\t-\t-
unknown head\tHEAD\t/plain?id=unknown\t-\t-\t-
plain other\tGET\t/plain?id=2\t-\t-\t-
unknown body\tPUT\t/echo\tContent-Type: text/plain\tthis one is unknown*2000\t-
chunked\tGET\t/chunked\t-\t-\t-
"""


def misses(one, server, where):
    """What was not recorded is answered with a status of our own, and the connection goes on."""
    expect(one.stdout, "was not recorded")
    asked = where / "unknown.tsv"
    asked.write_text(UNKNOWN)
    inside = free_port()
    between = Between(server.port, inside)
    command = one.client.command(1, 0) + [f"{server.name}={server.url}"]
    environment = one.client.full_environment() | {"HTTP_REQUESTS": str(asked)}
    options = ["--listen", f"{inside}=127.0.0.1:{server.port}"]
    done = replay(one.path, command, environment, options)
    between.close()
    got = dict(line.split(": ", 1) for line in done.stdout.decode().splitlines())
    known = dict(line.split(": ", 1) for line in one.stdout.decode().splitlines())
    for name in (f"{server.name} {line.split(chr(9))[0]}" for line in UNKNOWN.splitlines()):
        expect(name in got, f"{name} was not answered: {done.errors()[-2000:]}")
        if "unknown" in name:
            expect(got[name].startswith("599 content-type=application/json"), got[name])
        else:
            expect_equal(got[name], known[name], name)
    expect_equal(done.status, 3, f"the exit status: {done.errors()[-2000:]}")
    done.says("3 missed")
    # Node's clients ask for that with each HEAD, and may be faster.
    most = 1 if one.client.name in ("fetch", "undici") else 0
    expect(between.ended_by_proxy <= most, f"{between.ended_by_proxy} connections that mockproxy ended")


def main():
    need_mockproxy()
    suite = Suite()
    where = folder("http_clients")
    servers = start(suite, Servers)
    if not servers:
        suite.finish()
    recorded = {}
    for client in HTTP_CLIENTS:
        path = where / f"{client.name}.db"
        stdout = suite.run(f"{client.name}: recorded", record_client, servers, client, path)
        recorded[client.name] = Recorded(client, path, stdout, servers.arguments)
    servers.stop()
    for server in servers.list:
        expect_refused(server.port)
    node = servers.list[0]
    for name, one in recorded.items():
        if name != "wget":  # it keeps no connection
            suite.run(f"{name}: misses", misses, one, node, where)
    outside = [Listener(port=server.port) for server in servers.list]
    for name, one in recorded.items():
        for what, (pool, seed) in REPLAYS.items():
            if name == "wget" and pool == 1:
                continue  # it makes a connection for each request anyway
            suite.run(f"{name}: {what}", one.replay, one.client, pool, seed)
    for source, target in CROSSED:
        name = f"recorded with {source}, replayed with {target}"
        suite.run(name, recorded[source].replay, recorded[target].client, POOL, 7)
    for listener in outside:
        suite.run("nothing got out while replaying", listener.expect_nobody)
    suite.finish()


main()
