#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A server with one answer in PostgreSQL's protocol and in HTTP, for more connections than servers have
backends. Prints its port, ends with its stdin."""
import selectors
import socket
import struct
import sys

import raw

LOGIN = (
    raw.message(b"R", struct.pack("!i", 0))
    + raw.message(b"S", b"server_version\x0015.0\0")
    + raw.message(b"S", b"client_encoding\0UTF8\0")
    + raw.message(b"K", struct.pack("!ii", 1, 2))
    + raw.message(b"Z", b"I")
)
COLUMN = b"n\0" + struct.pack("!ihihih", 0, 0, 23, 4, -1, 0)
ANSWER = (
    raw.message(b"T", struct.pack("!h", 1) + COLUMN)
    + raw.message(b"D", struct.pack("!hi", 1, 1) + b"1")
    + raw.message(b"C", b"SELECT 1\0")
    + raw.message(b"Z", b"I")
)
# One of HTTP, whose requests are small and come whole too.
HTTP_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\ntold\n"


def answer_to(data):
    """The startup message alone begins with a zero."""
    if data[:4] == b"GET ":
        return HTTP_ANSWER
    return ANSWER if data[:1] == b"Q" else b"" if data[:1] == b"X" else LOGIN


def main():
    server = socket.create_server(("127.0.0.1", 0), backlog=4096)
    print(server.getsockname()[1], flush=True)
    selector = selectors.EpollSelector()
    selector.register(server, selectors.EVENT_READ, "server")
    selector.register(sys.stdin, selectors.EVENT_READ, "stdin")
    while True:
        for key, _ in selector.select():
            if key.data == "stdin":
                return
            if key.data == "server":
                selector.register(server.accept()[0], selectors.EVENT_READ)
                continue
            try:
                data = key.fileobj.recv(4096)
            except ConnectionError:
                data = b""
            if data:
                key.fileobj.sendall(answer_to(data))  # a message is small and comes whole
            else:
                selector.unregister(key.fileobj)
                key.fileobj.close()


main()
