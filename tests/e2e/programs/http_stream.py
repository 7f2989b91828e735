#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Large bodies and slow clients over HTTP, as both sides.

	serve PORT           a server: GET /N gives N bytes, PUT takes any and tells how many and their CRC. Prints its port
	large PORT SIZE      gets that many and puts as many; prints size and CRC of both
	slow PORT CLIENTS    so many clients that say and take a byte at a time; behind each of their bytes another
	                     client asks and gets its answer
"""
import http.client
import http.server
import socket
import sys
import time
import zlib

BLOCK = bytes(range(256)) * 4096
SLOW_BODY = 64  # bytes that are said one by one
SLOW_ANSWER = 16 << 20  # more than sockets hold
SLOW_READS = 64


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format, *args):  # pylint: disable=redefined-builtin
        pass

    def head(self, size):
        self.send_response(200)
        self.send_header("Content-Length", str(size))
        self.end_headers()

    def do_GET(self):
        left = int(self.path.strip("/").split("?")[0])
        self.head(left)
        while left:
            left -= self.wfile.write(BLOCK[:left])

    def do_PUT(self):
        left, crc = int(self.headers["Content-Length"]), 0
        text = f"{left} "
        while left:
            data = self.rfile.read(min(left, len(BLOCK)))
            if not data:
                return
            left, crc = left - len(data), zlib.crc32(data, crc)
        text += f"{crc:08x}"
        self.head(len(text))
        self.wfile.write(text.encode())


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 512
    daemon_threads = True


def serve(port):
    server = Server(("127.0.0.1", port), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()


def blocks(size):
    while size:
        yield BLOCK[:size]
        size -= min(size, len(BLOCK))


def large(port, size):
    peer = http.client.HTTPConnection("127.0.0.1", port)
    peer.request("GET", f"/{size}")
    answer, crc, count = peer.getresponse(), 0, 0
    while data := answer.read(len(BLOCK)):
        crc, count = zlib.crc32(data, crc), count + len(data)
    print(f"down {count} {crc:08x}", flush=True)
    peer.request("PUT", "/up", blocks(size), {"Content-Length": str(size)})
    print("up", peer.getresponse().read().decode(), flush=True)
    print("done", flush=True)
    sys.stdin.readline()


class Quick:
    """The client that is not to be held up."""

    def __init__(self, port):
        self.peer = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.longest = 0.0
        self.asked = 0

    def ask(self):
        begin = time.monotonic()
        self.peer.request("GET", f"/10?{self.asked}")
        assert self.peer.getresponse().read() == BLOCK[:10]
        self.longest = max(self.longest, time.monotonic() - begin)
        self.asked += 1


def connect(port):
    peer = socket.create_connection(("127.0.0.1", port), timeout=60)
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return peer


def say_slowly(port, clients, quick):
    """Requests whose bodies come byte by byte."""
    peers = [connect(port) for _ in range(clients)]
    for peer in peers:
        peer.sendall(b"PUT /slow HTTP/1.1\r\nHost: slow.test\r\n")
        peer.sendall(b"Content-Length: %d\r\n\r\n" % SLOW_BODY)
    for i in range(SLOW_BODY):
        for peer in peers:
            peer.sendall(BLOCK[i : i + 1])
        quick.ask()
    said = f"{SLOW_BODY} {zlib.crc32(BLOCK[:SLOW_BODY]):08x}".encode()
    count = sum(http_answer(peer) == said for peer in peers)
    print(f"said {count}", flush=True)


def http_answer(peer):
    answer = http.client.HTTPResponse(peer)
    answer.begin()
    return answer.read()


def take_slowly(port, clients, quick):
    """Answers of which a byte at a time is taken; then the rest."""
    peers = [connect(port) for _ in range(clients)]
    for peer in peers:
        peer.sendall(b"GET /%d HTTP/1.1\r\nHost: slow.test\r\n\r\n" % SLOW_ANSWER)
    taken = [peer.recv(1) for peer in peers]
    for _ in range(SLOW_READS):
        taken = [some + peer.recv(1) for some, peer in zip(taken, peers)]
        quick.ask()
    count = 0
    for some, peer in zip(taken, peers):
        size = None
        while size is None or len(some) < size:
            some += peer.recv(1 << 20)
            if size is None and b"\r\n\r\n" in some:
                size = some.index(b"\r\n\r\n") + 4 + SLOW_ANSWER
        count += len(some) == size and zlib.crc32(some[-len(BLOCK) :]) == zlib.crc32(BLOCK)
        quick.ask()
    print(f"taken {count}", flush=True)


def slow(port, clients):
    quick = Quick(port)
    say_slowly(port, clients, quick)
    take_slowly(port, clients, quick)
    print(f"longest {quick.longest * 1000:.0f} ms of {quick.asked}", flush=True)
    print("done", flush=True)
    sys.stdin.readline()


def main():
    what, numbers = sys.argv[1], [int(word) for word in sys.argv[2:]]
    {"serve": serve, "large": large, "slow": slow}[what](*numbers)


main()
