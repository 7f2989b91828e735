#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A server that answers in every form of HTTP/1 that a path asks for: http_server.py PORT. Prints its port."""
import gzip
import hashlib
import http.server
import json
import socket
import sys
import threading
import urllib.parse
import zlib

TEXT = json.dumps({"name": "Sencha", "price": 9007199254740993, "tags": ["a", "b"]}).encode()

TICKS = threading.Semaphore(0)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 0
    counter = 0

    def log_message(self, format, *args):  # pylint: disable=redefined-builtin
        pass

    def answer(self, body, *headers, status=200):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def chunk(self, data, extension=b""):
        self.wfile.write(b"%x%s\r\n%s\r\n" % (len(data), extension, data))

    def body(self):
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        data = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            data += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return data

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        method = getattr(self, "path_" + url.path.strip("/").replace("/", "_"), None)
        if method:
            method(url)
        else:
            self.answer(f"{self.command} {self.path}".encode(), ("Content-Type", "text/plain"))

    do_HEAD = do_OPTIONS = do_DELETE = do_PROPFIND = do_GET

    def do_POST(self):
        if self.path == "/early":
            self.close_connection = True
            self.answer(b"too much", status=413)
            return
        data = self.body()
        told = {"bytes": len(data), "sha1": hashlib.sha1(data).hexdigest(), "path": self.path}
        self.answer(json.dumps(told).encode(), ("Content-Type", "application/json"))

    do_PUT = do_PATCH = do_POST

    def path_gzip(self, _):
        body = gzip.compress(TEXT, mtime=0)
        self.answer(body, ("Content-Encoding", "gzip"), ("Content-Type", "application/json"))

    def path_deflate(self, _):
        self.answer(zlib.compress(TEXT), ("Content-Encoding", "deflate"))

    def path_counter(self, _):
        Handler.counter += 1
        self.answer(str(Handler.counter).encode())

    def path_chunked(self, _):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.send_header("Trailer", "X-Sum")
        self.end_headers()
        self.chunk(b"one\n", b';name="a;b"')
        self.chunk(b"two\n")
        self.wfile.write(b"0\r\nX-Sum: 7\r\n\r\n")

    def path_events(self, _):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for i in range(3):
            self.chunk(b"data: event %d\n\n" % i)
        self.wfile.write(b"0\r\n\r\n")

    def path_ticks(self, url):
        """Three parts; but for the first each waits until somebody asks for /tick."""
        kind = "text/event-stream" if url.query == "events" else "application/x-ndjson"
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for i in range(3):
            if i:
                TICKS.acquire()  # pylint: disable=consider-using-with
            self.chunk(b"data: tick %d\n\n" % i)
        self.wfile.write(b"0\r\n\r\n")

    def path_tick(self, _):
        TICKS.release()
        self.answer(b"ticked")

    def path_close(self, _):
        self.close_connection = True
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"till the end")

    def path_hints(self, _):
        self.wfile.write(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n")
        self.answer(b"hinted")

    def path_none(self, _):
        self.answer(b"no such thing", status=404)

    def path_empty(self, _):
        self.send_response(204)
        self.end_headers()

    def path_redirect(self, _):
        self.answer(b"", ("Location", "/target"), status=302)

    def path_cookie(self, _):
        self.answer(b"", ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2; Path=/"))

    def path_bytes(self, url):
        size = int(url.query)
        self.send_response(200)
        self.send_header("Content-Length", str(size))
        self.end_headers()
        block = bytes(range(256)) * 256
        while size:
            self.wfile.write(block[:size])
            size -= min(size, len(block))

    def path_upgrade(self, _):
        self.wfile.write(b"HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
        self.wfile.write(self.connection.recv(100))
        self.close_connection = True


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 512
    daemon_threads = True

    def get_request(self):
        connection, address = super().get_request()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection, address


server = Server(("127.0.0.1", int(sys.argv[1])), Handler)
print(server.server_port, flush=True)
try:
    server.serve_forever()
except KeyboardInterrupt:
    sys.exit(0)
