#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""HTTP at its edges, recorded and replayed: slow clients, other addresses, connections that end too
early or too late, HTTP/1.0, validators, cookies."""
import functools
import signal
import socket
import struct
import threading
from pathlib import Path

from harness import (
    PROGRAMS,
    TIMEOUT,
    Started,
    Suite,
    expect,
    expect_equal,
    folder,
    free_port,
    kill,
    need_mockproxy,
    pause,
    record,
    record_command,
    replay,
    wait_until,
)
from http_servers import NodeServer, need_curl
from recording import contains, expect_whole, query


class Scripted:
    """A server that does with its connections, in turn, what the functions of a list do: each gets
    one whose request is read."""

    def __init__(self, *script):
        self.socket = socket.create_server(("127.0.0.1", free_port()))
        self.port = self.socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.thread = threading.Thread(target=self.run, args=(script,), daemon=True)
        self.thread.start()

    def run(self, script):
        for act in script:
            connection = self.socket.accept()[0]
            read_head(connection)
            act(connection)
            connection.close()

    def stop(self):
        self.thread.join(TIMEOUT)
        self.socket.close()


def read_head(connection):
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            break
        data += more
    return data


def say(head, body=b"", reset=False):
    """What the script says to a connection; then it is closed, or reset."""

    def act(connection):
        connection.sendall(head.replace("\n", "\r\n").encode() + b"\r\n" + body)
        if reset:
            wait_sent(connection)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return act


def wait_sent(connection):
    """Until the peer's kernel has all: a reset overtakes what was not sent yet."""
    siocoutq = 0x5411
    import fcntl  # pylint: disable=import-outside-toplevel

    while struct.unpack("i", fcntl.ioctl(connection, siocoutq, b"\0" * 4))[0]:
        pass


class Cases:
    """Each is recorded with one command and replayed with it, or with another, when the server is
    gone."""

    def __init__(self):
        self.where = folder("http_cases")
        self.number = 0
        self.later = []

    def both(self, name, server, command, **others):
        """Records, and leaves the replay for when the servers are gone. `others`: `replayed`,
        another command that shall print the same; `check(path)`; `whole`: False when the connection
        goes opaque."""
        self.number += 1
        path = self.where / f"{self.number}.db"
        done = record(path, command)
        if others.get("whole", True):
            expect_whole(path)
        if "check" in others:
            others["check"](path)
        expect(done.stdout, f"nothing was printed: {done.errors()[-2000:]}")
        self.later.append((name, path, others.get("replayed", command), done, server))
        return done.stdout.decode()

    def replay(self, path, command, recorded):
        done = replay(path, command)
        expect_equal(done.stdout, recorded.stdout, f"the output differs: {done.errors()[-2000:]}")
        expect_equal(done.status, recorded.status, f"the exit status: {done.errors()[-2000:]}")


def curl(*arguments):
    need_curl()
    return ["curl", "-sS", "--max-time", "30", *arguments]


def shell(*arguments):
    """What curl printed, and its status: it tells an end in order (18) from a reset (56)."""
    words = " ".join(f"'{word}'" for word in curl(*arguments))
    return ["sh", "-c", f"{words} 2>/dev/null; echo : $?"]


def thrice(url):
    """The same request in three connections: the first one waits half a second for its answer."""
    return ["python3", PROGRAMS / "http_raw.py", url.split(":")[2].split("/")[0], "thrice"]


def raw(server, case):
    return ["python3", PROGRAMS / "http_raw.py", str(server.port), case]


def expect_rows(sql, *rows):
    def check(path):
        expect_equal(query(path, sql), list(rows), sql)

    return check


def lingers(connection):
    """Closes as servers do: what still comes is read."""
    say("HTTP/1.1 200 OK\nConnection: close\nContent-Length: 5\n", b"first")(connection)
    connection.shutdown(socket.SHUT_WR)
    while connection.recv(65536):
        pass


def refuses_within(connection):
    """An upload, when a part of it has come; and reads on until the client has seen that."""
    left = 100_000
    while left > 0:
        left -= len(connection.recv(left))
    say("HTTP/1.1 413 Too Much\nConnection: close\nContent-Length: 8\n", b"too much")(connection)
    connection.shutdown(socket.SHUT_WR)
    while connection.recv(65536):
        pass


def upload(url):
    sent = "head -c 40000000 /dev/zero"
    return ["sh", "-c", f"{sent} | curl -sS -T - -H Expect: -w '%{{http_code}}' {url} 2>/dev/null"]


def cut_cases():
    """Bodies that end before or behind their end; scripted, with one connection each."""
    half = b"half of it"
    counted = "HTTP/1.1 200 OK\nContent-Length: 20\n"
    chunked = "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n"
    plain = "HTTP/1.1 200 OK\nContent-Type: text/plain\n"
    stored = "select response_body, status from http"
    flagged = "select flags from flagged"

    def check(path, reset):
        expect_rows(stored, (half.decode(), 200))(path)
        how = "reset-by-the-server" if reset else "by-the-server"
        expect_rows(flagged, (f"unfinished cut {how}",))(path)

    for name, head, body, reset in (
        ("reset in a body", counted, half, True),
        ("closed in a body", counted, half, False),
        ("reset in a chunk", chunked, b"14\r\n" + half, True),
        ("closed between chunks", chunked, b"a\r\n" + half + b"\r\n", False),
        ("reset where the end is the body's", plain, half, True),
    ):
        server = Scripted(say(head, body, reset))
        yield name, server, shell, ["/x"], functools.partial(check, reset=reset)


def scripted_cases():
    yield from cut_cases()
    good = "HTTP/1.1 200 OK\nContent-Length: 4\n"
    text = "select response_body, outcome from http join exchange using (id) order by started_ns"
    yield (
        "a body longer than its length",
        Scripted(say(good, b"good and more"), say(good, b"next")),
        curl,
        ["/x", "/y"],
        expect_rows(text, ("good", 1), ("next", 1)),
    )

    def closes_idle(connection):
        say(good, b"good")(connection)
        expect(read_head(connection), "the client did not ask again")

    # How much of the upload comes is chance; the same again is answered at the same place.
    yield (
        "an answer within the body",
        Scripted(refuses_within),
        upload,
        ["/x"],
        expect_rows(
            "select response_body, flags & 512 from http join exchange using (id)",
            ("too much", 512),
        ),
    )

    def waits(connection):
        expect_equal(connection.recv(65536), b"", "the client gives up")

    yield (
        "a client that gives up, and one that is hung up on, ask again",
        Scripted(waits, lambda connection: None, say(good, b"good")),
        thrice,
        ["/x"],
        expect_rows(text, (None, 0), (None, 0), ("good", 1)),
    )

    def too_late(connection):
        waits(connection)
        say(good, b"late")(connection)

    yield (
        "an answer when the client had given up",
        Scripted(too_late, say(good, b"good"), say(good, b"more")),
        thrice,
        ["/x"],
        expect_rows(text, (None, 0), ("good", 1), ("more", 1)),
    )

    # The connection is kept, and closed when the next request is on its way: curl asks again.
    yield (
        "the client asks again when a kept connection was closed",
        Scripted(closes_idle, say(good, b"next")),
        curl,
        ["/x", "/y"],
        expect_rows(text, ("good", 1), (None, 0), ("next", 1)),
    )


UNTIL_END = say("HTTP/1.1 416 No Such Part\nContent-Type: text/plain\n", b"no such part\n")


def stays(connection):
    """Until the client has left."""
    UNTIL_END(connection)
    try:
        connection.recv(65536)
    except ConnectionResetError:
        pass


class StaysUntilTold:
    """A server that ends its answer, and with it the connection, when the test says so."""

    def __init__(self):
        self.told, self.closed = threading.Event(), threading.Event()

    def __call__(self, connection):
        UNTIL_END(connection)
        self.told.wait(TIMEOUT)
        connection.close()
        self.closed.set()


def has_heard_the_end(port):
    """Is there a connection to this port whose server has ended? On a busy machine the kernel delivers that later."""
    close_wait = "08"
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        remote, state = line.split()[2:4]
        if state == close_wait and int(remote.split(":")[1], 16) == port:
            return True
    return False


def left_behind(cases):
    """The proxy finds the client's reset first, and the server's end with it: all was said."""
    act = StaysUntilTold()
    server = Scripted(act)
    path = cases.where / "left_behind.db"
    started = Started(record_command(path, raw(server, "leaves")))
    expect_equal(started.line(), "HTTP/1.1 416 No Such Part", "what the client reads")
    proxy = started.proxy
    pause(proxy)
    try:
        started.say("")
        expect_equal(started.line(), "left", "the client")
        act.told.set()
        expect(act.closed.wait(TIMEOUT), "the server did not close")
        wait_until(lambda: has_heard_the_end(server.port), "the server's end reaches the proxy")
    finally:
        kill(proxy, signal.SIGCONT)
    started.finish().expect(0)
    server.stop()
    expect_whole(path)
    expect_rows(
        "select h.status, response_body, outcome from http h join exchange using (id)",
        (416, "no such part\n", 2),
    )(path)


def run_scripted(suite, cases):
    suite.run("recorded: a client that leaves when the server has ended", left_behind, cases)
    server = Scripted(lingers)
    suite.run(
        "recorded: more behind what closes",
        lambda: cases.both(
            "more behind what closes", server, raw(server, "behind_close"), whole=False
        ),
    )
    leaves = Scripted(stays)
    check = expect_rows(
        "select h.status, response_body, outcome, f.flags from http h join exchange using (id)"
        " join flagged f using (id)",
        (416, "no such part\n", 0, "unfinished cut"),
    )
    suite.run(
        "recorded: a client that leaves behind a head",
        lambda: cases.both(
            "a client that leaves behind a head", leaves, raw(leaves, "leaves"), check=check
        ),
    )
    leaves.stop()
    for name, server, how, paths, check in scripted_cases():
        command = how(*(server.url + path for path in paths))
        whole = "longer" not in name
        suite.run(
            f"recorded: {name}",
            lambda name=name, server=server, command=command, check=check, whole=whole: cases.both(
                name, server, command, check=check, whole=whole
            ),
        )
        server.stop()


def node_cases(cases, node):
    url, url6 = node.url, f"http://[::1]:{node.port6}"
    tea = f"{url}/static/tea.txt"
    etag = '"58eb969caeb26e18"'

    def cookies(text):
        """In a file: the command line is in the recording."""
        path = cases.where / f"cookies{len(text)}"
        path.write_text(text)
        return f"@{path}"

    def both(name, command, **others):
        return name, lambda: cases.both(name, node, command, **others)

    def quick_ones(path):
        [(slow,)] = query(path, "select id from http where url like '%id=slow'")
        [(n,)] = query(path, "select count(*) from http where id <> ? and status = 200", slow)
        expect(n > 30, f"{n} requests were answered meanwhile")

    def masked(path):
        found = contains(path, b"session=ann1")
        expect(not found, f"the file holds {found}")

    yield both("a slow client", raw(node, "slow"), check=quick_ones)
    yield both("HTTP/1.0, kept", raw(node, "kept"))
    yield both("IPv4-mapped", raw(node, "mapped"))
    yield both("IPv6", curl("-i", f"{url6}/json", f"{url6}/chunked"))
    yield both("HTTP/1.0", curl("-0", f"{url}/plain?id=0", f"{url}/chunked", f"{url}/until-end"))
    yield both(
        "HTTP/1.1 recorded, 1.0 asked",
        curl(f"{url}/chunked", f"{url}/plain?id=0", f"{url}/hints", f"{url}/events"),
        replayed=curl("-0", f"{url}/chunked", f"{url}/plain?id=0", f"{url}/hints", f"{url}/events"),
    )
    yield both(
        "HTTP/1.0 recorded, 1.1 asked",
        curl("-0", f"{url}/chunked", f"{url}/plain?id=0", f"{url}/until-end"),
        replayed=curl(f"{url}/chunked", f"{url}/plain?id=0", f"{url}/until-end"),
    )
    yield both(
        "Connection: close",
        curl("-H", "Connection: close", f"{url}/plain?id=1", f"{url}/plain?id=2"),
        replayed=curl(f"{url}/plain?id=1", f"{url}/plain?id=2"),
    )
    coded = "-H 'Content-Encoding: gzip' -H 'Content-Type: text/plain' --data-binary @-"
    shown = ["-w", "%{http_code} %header{etag}\n", "-H"]
    yield both(
        "validators",
        curl(*shown, f"If-None-Match: {etag}", tea, "-:", "-sS", *shown, 'If-None-Match: "x"', tea),
        check=expect_rows("select status from http order by id", (304,), (200,)),
    )
    yield both(
        "another cookie of the same name",
        curl("-H", cookies("Cookie: session=ann1; theme=dark"), f"{url}/me"),
        replayed=curl("-H", cookies("Cookie: session=bob2; theme=light"), f"{url}/me"),
        check=masked,
    )
    yield both(
        "a head of 6000 bytes",
        curl("-i", f"{url}/big-header"),
        check=expect_rows("select status from http", (200,)),
    )
    upload = ["-T", node.file]
    yield both(
        "an upload in chunks, asked with a length",
        ["sh", "-c", f"cat {node.file} | curl -sS -T - {url}/echo"],
        replayed=curl(*upload, f"{url}/echo"),
        check=expect_rows("select body_bytes from http_request", (1990,)),
    )
    yield both(
        "a form with a file, and another boundary",
        curl("-F", "name=Sencha", "-F", f"file=@{node.file}", f"{url}/drain"),
    )
    yield both(
        "a coded request",
        ["sh", "-c", f"gzip -9 < {node.file} | curl -sS {coded} {url}/drain"],
        replayed=["sh", "-c", f"gzip -1 < {node.file} | curl -sS {coded} {url}/drain"],
    )
    refused = ["-T", node.file, "-H", "Expect: 100-continue", "-w", "%{http_code}"]
    yield both(
        "an answer in place of 100",
        curl(*refused, f"{url}/refuse"),
    )
    yield both(
        "an answer before the body",
        curl("-T", node.file, "-w", "%{http_code}", f"{url}/status/413"),
    )


def run_node(suite, cases):
    node = NodeServer()
    for name, case in node_cases(cases, node):
        suite.run(f"recorded: {name}", case)
    node.stop()


def main():
    need_mockproxy()
    suite = Suite()
    cases = Cases()
    run_scripted(suite, cases)
    run_node(suite, cases)
    for name, path, command, recorded, _ in cases.later:
        suite.run(f"replayed: {name}", cases.replay, path, command, recorded)
    suite.finish()


main()
