#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""HTTP in replay with the servers stopped: the same answers, and none that is wrong. Each request of the list of wrong
answers differs from a recorded one in one thing that counts; it must be a miss that names that thing, or get its own answer."""
import hashlib
import json
import sys
import threading

from harness import (
    PROGRAMS,
    Listener,
    Started,
    Suite,
    expect,
    expect_equal,
    folder,
    free_port,
    memory_kib,
    need_mockproxy,
    record,
    replay,
    replay_command,
)
from http_servers import Nginx, OwnServer, need_curl
from recording import change, expect_whole, query

MISS = 599
LARGE = 300_000_000


def get(url, **headers):
    return ["GET", url, {name.replace("_", "-"): value for name, value in headers.items()}, ""]


def post(url, media, body):
    return ["POST", url, {"Content-Type": media}, body]


def as_json(url, text):
    return post(url, "application/json", text)


def app(*requests):
    """The program that asks these. A command line has its limits."""
    told = folder("ask") / "requests"
    told.write_text(json.dumps(requests))
    return [sys.executable, PROGRAMS / "http_questions.py", told]


class Replayed:
    """The cases; each records what it asks, from servers that are stopped before anything is replayed."""

    def __init__(self):
        self.where = folder("http-replay")
        self.number = 0

    def path(self):
        self.number += 1
        return self.where / f"{self.number}.db"

    def ask(self, path, *requests, misses=0, options=()):
        """What the app gets of a replay, and the connections that it took."""
        done = replay(path, app(*requests), options=options).expect(3 if misses else 0)
        done.says(f"{misses} missed")
        *answers, opened = [json.loads(line) for line in done.stdout.splitlines()]
        return answers, opened

    def record(self, requests):
        """A recording of these requests to a server at `{}`; which URL that was, and what came."""
        server = OwnServer()
        path = self.path()
        asked = [[m, url.format(server.url), headers, body] for m, url, headers, body in requests]
        done = record(path, app(*asked)).expect(0)
        server.stop()
        expect_whole(path)
        *answers, _ = [json.loads(line) for line in done.stdout.splitlines()]
        return path, asked, answers

    def misses(self, recorded, asked, difference):
        """`asked` is a miss that names the difference, and the connection goes on behind it."""
        path, requests, answers = self.record([recorded])
        url = requests[0][1].split("/a")[0]
        other = [asked[0], asked[1].format(url), *asked[2:]]
        said, opened = self.ask(path, other, requests[0], misses=1)
        expect_equal(said[0][0], MISS, "the status of what was not recorded")
        expect_equal(said[0][2], difference, "X-Mockproxy-Miss")
        told = json.loads(said[0][1])
        expect_equal(told["difference"], difference, "the body's difference")
        expect_equal(told["nearest"], f"{requests[0][0]} {requests[0][1]}", "the nearest")
        expect_equal(said[1], answers[0], "what was recorded, behind a miss")
        expect_equal(opened, 1, "connections")


# One thing that counts each: recorded, asked, what is to be said.
WRONG = {
    "another query": (
        get("{}/a?id=1"),
        get("{}/a?id=999"),
        "query id: recorded 1, asked 999",
    ),
    "another path": (
        get("{}/a/users/1"),
        get("{}/a/users/999"),
        "path: recorded /a/users/1, asked /a/users/999",
    ),
    "another method": (get("{}/a"), ["DELETE", "{}/a", {}, ""], "method: recorded GET, asked DELETE"),
    "a nested JSON value": (
        as_json("{}/a", '{"user": {"id": 1, "name": "x"}}'),
        as_json("{}/a", '{"user": {"id": 2, "name": "x"}}'),
        "body $.user.id: recorded 1, asked 2",
    ),
    "an element of a JSON array": (
        as_json("{}/a", '{"ids": [1, 2, 3]}'),
        as_json("{}/a", '{"ids": [1, 2, 4]}'),
        "body $.ids[2]: recorded 3, asked 4",
    ),
    "another text": (
        post("{}/a", "text/plain", "hello"),
        post("{}/a", "text/plain", "hullo"),
        "body, byte 2: recorded ello, asked ullo",
    ),
    "a number beyond 2^53": (
        as_json("{}/a", '{"id": 9007199254740993}'),
        as_json("{}/a", '{"id": 9007199254740992}'),
        "body $.id: recorded 9007199254740993, asked 9007199254740992",
    ),
    "duplicate JSON keys": (
        as_json("{}/a", '{"a": 1, "a": 2}'),
        as_json("{}/a", '{"a": 2, "a": 1}'),
        "body $.a: recorded 1, asked 2",
    ),
    "a form field": (
        post("{}/a", "application/x-www-form-urlencoded", "x=1&y=2"),
        post("{}/a", "application/x-www-form-urlencoded", "y=3&x=1"),
        "form field y: recorded 2, asked 3",
    ),
    "X-Candidate-Id beside Date": (
        get("{}/a", X_Candidate_Id="1", Date="Thu, 01 Jan 2026 00:00:00 GMT"),
        get("{}/a", X_Candidate_Id="2", Date="Fri, 02 Jan 2026 00:00:00 GMT"),
        "header x-candidate-id: recorded 1, asked 2",
    ),
}

# Another spelling of the same each.
SAME = {
    "query pairs in another order": (get("{}/a?x=1&y=%41"), get("{}/a?y=A&x=1")),
    "noise": (
        get("{}/a", Date="Thu, 01 Jan 2026 00:00:00 GMT", User_Agent="a", X_Request_Id="1"),
        get("{}/a", Date="Fri, 02 Jan 2026 00:00:00 GMT", User_Agent="b", Traceparent="00-1-2-03"),
    ),
    "JSON": (
        as_json("{}/a", '{"a": 1.50, "b": ["x", null]}'),
        as_json("{}/a", '{"b":["\\u0078",null],"a":15e-1}'),
    ),
    "credentials": (
        get("{}/a", Authorization="Bearer one"),
        get("{}/a", Authorization="Bearer two"),
    ),
}


def same(replayed, recorded, asked):
    path, requests, answers = replayed.record([recorded])
    url = requests[0][1].split("/a")[0]
    said, _ = replayed.ask(path, [asked[0], asked[1].format(url), *asked[2:]])
    expect_equal(said[0][0], 200, "the status")
    if asked[0] == "GET": # the server tells what it was sent
        expect_equal(said[0], answers[0], "the answer")


def swapped(replayed):
    path, requests, answers = replayed.record([get("{}/a?id=1"), get("{}/a?id=2")])
    said, _ = replayed.ask(path, *reversed(requests))
    expect_equal(said, answers[::-1], "the answers")
    expect(answers[0] != answers[1], "the server does not tell them apart")


def two_hosts(replayed):
    servers = [OwnServer(), OwnServer()]
    path = replayed.path()
    requests = [get(server.url + "/counter") for server in (servers[0], *servers)]
    done = record(path, app(*requests)).expect(0)
    for server in servers:
        server.stop()
    answers = [json.loads(line)[1] for line in done.stdout.splitlines()[:-1]]
    expect_equal(answers, ["1", "2", "1"], "what the servers counted")
    said, _ = replayed.ask(path, requests[2], requests[0], requests[0])
    expect_equal([body for _, body, _ in said], ["1", "1", "2"], "each from its own")
    # One connection's place is known; another name for it is another host.
    port = servers[0].port
    other = get(f"http://127.0.0.1:{port}/counter", Host=f"other.test:{port}")
    done = replay(path, ["curl", "-sS", "-H", other[2] and f"Host: other.test:{port}", other[1]])
    done.expect(3)
    expect(f"host: recorded http://127.0.0.1:{port}, asked http://other.test:{port}".encode()
           in done.stdout, done.stdout)


def sizes(replayed):
    """Exactly so many bytes: the answer to them, and none to others of that size."""
    bodies = ["x" * (size - 1) + last for size in (1024, 4096, 65536, 262144, 262145) for last in "ab"]
    path, requests, answers = replayed.record([post("{}/a", "text/plain", body) for body in bodies])
    said, _ = replayed.ask(path, *reversed(requests))
    expect_equal(said, answers[::-1], "the answers")
    for size in (1024, 4096, 65536, 262144, 262145):
        other = [*requests[0][:3], "x" * (size - 1) + "c"]
        said, opened = replayed.ask(path, other, requests[0], misses=1)
        expect_equal((said[0][0], said[1][0], opened), (MISS, 200, 1), f"{size} other bytes")


PIPELINE = """
import socket, sys
port, paths = int(sys.argv[1]), sys.argv[2:]
s = socket.create_connection(("127.0.0.1", port)); s.settimeout(30)
s.sendall(b"".join(b"GET %s HTTP/1.1\\r\\nHost: 127.0.0.1:%d\\r\\n\\r\\n" % (p.encode(), port) for p in paths))
s.shutdown(socket.SHUT_WR)
data = b""
while more := s.recv(65536): data += more
sys.stdout.buffer.write(data)
"""


def pipelined(replayed):
    server = OwnServer()
    path = replayed.path()
    paths = [f"/a?n={n}" for n in range(40)]
    command = [sys.executable, "-c", PIPELINE, str(server.port)]
    done = record(path, [*command, *paths]).expect(0)
    server.stop()
    again = replay(path, [*command, *paths]).expect(0)
    expect_equal(again.stdout, done.stdout, "a pipeline")
    two = replay(path, [*command, "/a?n=7", "/a?n=3"]).expect(0).stdout
    expect(0 < two.find(b"GET /a?n=7") < two.find(b"GET /a?n=3"), two)
    # A miss in the middle takes nothing from its neighbours.
    done = replay(path, [*command, "/a?n=7", "/b", "/a?n=3"]).expect(3)
    expect(0 < done.stdout.find(b"GET /a?n=7") < done.stdout.find(b"599 Not Recorded") <
           done.stdout.rfind(b"GET /a?n=3"), done.stdout)


def curl(replayed):
    """All that curl shows of every form of answer, heads and trailers with it."""
    need_curl()
    server = OwnServer()
    path = replayed.path()
    urls = [server.url + where for where in (
        "/a?id=1", "/gzip", "/deflate", "/chunked", "/events", "/hints", "/none", "/empty",
        "/cookie", "/close", "/bytes?1000000", "/redirect", "/a")]
    plain = ["curl", "-sS", "-i", "--compressed", *urls, "--next", "-sS", "-I", server.url + "/a",
             "--next", "-sS", "-i", "--data-binary", f"@{__file__}", "-H", "Expect: 100-continue",
             server.url + "/up", "--next", "-sS", "-i", "-L", server.url + "/redirect"]
    done = record(path, plain).expect(0)
    again = replay(path, plain).expect(0)
    expect_equal(again.stdout, done.stdout, "what curl prints, server there")
    server.stop()
    again = replay(path, plain).expect(0).says("0 missed, 0 of")
    expect_equal(again.stdout, done.stdout, "what curl prints")
    # One who speaks HTTP/1.0 and knows no codings.
    old = replay(path, ["curl", "-sS", "-0", server.url + "/chunked", server.url + "/gzip"]).expect(0)
    expect(old.stdout.startswith(b"one\ntwo\n{"), old.stdout)


def repeats(replayed):
    path, requests, _ = replayed.record([get("{}/counter")] * 3)
    for option, misses, expected in (
        ("last", 0, ["1", "2", "3", "3", "3"]),
        ("cycle", 0, ["1", "2", "3", "1", "2"]),
        ("error", 2, ["1", "2", "3"]),
    ):
        said, opened = replayed.ask(
            path, *requests, *requests[:2], misses=misses, options=("--repeat", option)
        )
        expect_equal([body for status, body, _ in said if status == 200], expected, option)
        expect_equal(opened, 1, "connections")


def mapped(replayed):
    path, requests, answers = replayed.record([get("{}/a?id=1")])
    old, new = requests[0][1][len("http://"):].split("/")[0], f"127.0.0.1:{free_port()}"
    asked = get(requests[0][1].replace(old, new))
    said, _ = replayed.ask(path, asked, options=("--map", f"{old}={new}"))
    expect_equal(said, answers, "by --map")
    said, _ = replayed.ask(path, asked)
    expect_equal(said, answers, "by the only endpoint")
    said, _ = replayed.ask(path, get(requests[0][1].replace("127.0.0.1", "localhost")))
    expect_equal(said, answers, "by another name of loopback")


def edited(replayed):
    path, requests, _ = replayed.record([get("{}/gzip", Accept_Encoding="gzip"), get("{}/a")])
    change(path, "update http_response set body = '{\"name\": \"Gyokuro\"}' where coding is not null")
    change(path, "update http_request set path = '/b' where path = '/a'")
    url = requests[0][1].split("/gzip")[0]
    shown = replay(path, ["curl", "-sS", "-H", "Accept:", "--compressed", url + "/gzip", url + "/b"]).expect(0)
    expect_equal(shown.stdout[:19], b'{"name": "Gyokuro"}', "the edit, decoded by curl")
    said, _ = replayed.ask(path, get(url + "/gzip"), get(url + "/b"))
    expect_equal(said[0][1], '{"name": "Gyokuro"}', "the edit, to who knows no codings")
    expect_equal(said[1][1], "GET /a", "a request's edit is what it is found by")


def cut(replayed):
    """A download that the server broke off is broken off again, where it was."""
    need_curl()
    path = replayed.path()
    listener = Listener()

    def serve():
        connection = listener.accept()
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")
        connection.close()

    server = threading.Thread(target=serve)
    server.start()
    command = ["curl", "-sS", f"http://127.0.0.1:{listener.port}/x"]
    done = record(path, command).expect(18)
    server.join()
    listener.close()
    again = replay(path, command).expect(18)
    expect_equal((again.stdout, done.stdout), (b"half", b"half"), "what came before the end")


def large(replayed):
    """Up and down, in flat memory, and the last byte counts."""
    need_curl()
    server = OwnServer()
    path = replayed.path()
    source = replayed.where / "large"
    with open(source, "wb") as file:
        for _ in range(LARGE // 1_000_000):
            file.write(b"0123456789" * 100_000)
    script = (f"curl -sS '{server.url}/bytes?{LARGE}' | sha1sum; "
              f"curl -sS -T {source} {server.url}/up; echo; read go; true")
    done = record(path, ["sh", "-c", script], timeout=300).expect(0)
    server.stop()
    started = Started(replay_command(path, ["sh", "-c", script]))
    lines = [started.line(300), started.line(300)]
    memory, = memory_kib(started.proxy, "RssAnon")
    started.say("go")
    started.finish().expect(0)
    expect_equal("\n".join(lines) + "\n", done.stdout.decode(), "what the app printed")
    expect_equal(json.loads(lines[1])["sha1"], hashlib.sha1(source.read_bytes()).hexdigest(), "up")
    expect(memory < 60 << 10, f"the proxy took {memory >> 10} MiB")
    with open(source, "r+b") as file:
        file.seek(-1, 2)
        file.write(b"!")
    done = replay(path, ["sh", "-c", script], timeout=300).expect(3)
    done.says("size and digest of the body")


def smuggled(replayed):
    """What two readers could read differently: one reader, who says 400 and closes."""
    path, requests, _ = replayed.record([get("{}/a")])
    port = int(requests[0][1].split(":")[2].split("/")[0])
    code = ("import socket, sys\ns = socket.create_connection(('127.0.0.1', int(sys.argv[1])))\n"
            "s.settimeout(30); s.sendall(sys.argv[2].encode().decode('unicode_escape').encode('latin-1'))\n"
            "data = b''\nwhile more := s.recv(65536): data += more\nsys.stdout.buffer.write(data)")
    inner = f"GET /a HTTP/1.1\\r\\nHost: 127.0.0.1:{port}\\r\\n\\r\\n"
    for head in (
        "Content-Length: 4\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n0\\r\\n\\r\\n",
        "Content-Length: 0\\r\\nContent-Length: 44\\r\\n\\r\\n",
        "Transfer-Encoding: chunked\\r\\nTransfer-Encoding: identity\\r\\n\\r\\n0\\r\\n\\r\\n",
        "Transfer-Encoding : chunked\\r\\n\\r\\n0\\r\\n\\r\\n",
        "Content-Length: 5,5\\r\\n\\r\\nhello",
    ):
        bytes_ = f"POST /a HTTP/1.1\\r\\nHost: x\\r\\n{head}{inner}"
        done = replay(path, [sys.executable, "-c", code, str(port), bytes_]).expect(3)
        expect(done.stdout.startswith(b"HTTP/1.1 400 Bad Request\r\n"), done.stdout)
        expect(done.stdout.count(b"HTTP/1.1 ") == 1, f"two readings: {done.stdout}")


def refused_slowly(replayed):
    """Who still sends when we have said 400 gets to read it: no reset takes it away, for two seconds."""
    path, requests, _ = replayed.record([get("{}/a")])
    port = int(requests[0][1].split(":")[2].split("/")[0])
    code = ("import select, socket, sys\n"
            "s = socket.create_connection(('127.0.0.1', int(sys.argv[1]))); s.settimeout(30)\n"
            "s.sendall(b'POST /a HTTP/1.1\\r\\nContent-Length: +1\\r\\n\\r\\n')\n"
            "assert select.select([s], [], [], 30)[0]\n"
            "for _ in range(64): s.sendall(b'x' * 65536)\n"
            "s.shutdown(socket.SHUT_WR)\n"
            "data = b''\nwhile more := s.recv(65536): data += more\nsys.stdout.buffer.write(data)")
    for _ in range(10):
        done = replay(path, [sys.executable, "-c", code, str(port)])
        if done.status == 3:
            break
    done.expect(3)
    expect(done.stdout.startswith(b"HTTP/1.1 400 Bad Request\r\n"), done.stdout)
    expect(done.stdout.endswith(b"}\n"), f"not all of it: {done.stdout}")


def nginx(replayed):
    """Static files with conditions and ranges, which are another request each."""
    need_curl()
    server = Nginx()
    (server.root / "a.txt").write_text("hello from nginx\n" * 10)
    path = replayed.path()
    url = server.url + "/a.txt"
    first = ["curl", "-sS", "-i", "--compressed", url, "--next", "-sS", "-i", "-r", "6-9", url,
             "--next", "-sS", "-i", "-I", url, "--next", "-sS", "-i", url + ".none",
             "--next", "-sS", "-i", "-H", "If-None-Match: *", url]
    done = record(path, first).expect(0)
    server.stop()
    again = replay(path, first).expect(0)
    expect_equal(again.stdout, done.stdout, "what curl prints")
    statuses = query(path, "select group_concat(status) from (select status from http order by id)")
    expect_equal(statuses, [("200,206,200,404,304",)], "what nginx said")
    replay(path, ["curl", "-sS", "-i", "-r", "6-10", url]).expect(3).says(
        "header range: recorded bytes=6-9, asked bytes=6-10"
    )


def explained(replayed):
    path, requests, _ = replayed.record([get("{}/a?id=1", User_Agent="x")])
    command = app(requests[0], get(requests[0][1] + "1"))
    url = requests[0][1]
    replay(path, command, options=["--explain"]).expect(3).says(
        " traceparent ", f"mockproxy: http exact, exchange 1: GET {url}\n",
        "not compared: Host, User-Agent\n", f"mockproxy: http miss: GET {url}1\n",
        "difference: query id: recorded 1, asked 11\n",
    )
    done = replay(path, command, options=["--explain", "--json"]).expect(3)
    lines = [json.loads(line) for line in done.errors().splitlines()]
    expect("date" in lines[0]["noise"], lines[0])
    expect_equal([line["rung"] for line in lines[1:3]], ["exact", "miss"], "rungs")
    expect_equal(lines[3]["missed"], 1, "the summary")


def main():
    need_mockproxy()
    suite = Suite()
    replayed = Replayed()
    for name, (recorded, asked, difference) in WRONG.items():
        suite.run(f"a miss: {name}", replayed.misses, recorded, asked, difference)
    for name, (recorded, asked) in SAME.items():
        suite.run(f"the same: {name}", same, replayed, recorded, asked)
    for case in (swapped, two_hosts, sizes, pipelined, curl, repeats, mapped, edited, cut, large,
                 smuggled, refused_slowly, explained, nginx):
        suite.run("replayed: " + case.__name__.replace("_", " "), case, replayed)
    suite.finish()


main()
