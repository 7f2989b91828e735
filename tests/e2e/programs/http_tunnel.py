#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Goes through an HTTP proxy with CONNECT: http_tunnel.py PROXY-PORT TARGET STEP... STEP is "send HEX", "read N" (prints it),
"early HEX" (sent with the CONNECT itself), "before HEX" (sent, and its answer's head read, before the CONNECT, which then
comes in two pieces) or "shut"."""
import socket
import sys
import time

PROXY, TARGET, *STEPS = sys.argv[1:]

connection = socket.create_connection(("127.0.0.1", int(PROXY)), timeout=30)
early = b"".join(bytes.fromhex(step[6:]) for step in STEPS if step.startswith("early "))


def read_head():
    head = b""
    while not head.endswith(b"\r\n\r\n") and (byte := connection.recv(1)):
        head += byte
    print(head.split(b"\r\n")[0].decode())


request = f"CONNECT {TARGET} HTTP/1.1\r\nHost: {TARGET}\r\n\r\n".encode() + early
for step in STEPS:
    if step.startswith("before "):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(bytes.fromhex(step[7:]))
        read_head()
        connection.sendall(request[:3])
        time.sleep(0.05)  # so that the rest is another read of who is between
        request = request[3:]
connection.sendall(request)
read_head()
for step in STEPS:
    word, _, rest = step.partition(" ")
    if word == "send":
        connection.sendall(bytes.fromhex(rest))
    elif word == "shut":
        connection.shutdown(socket.SHUT_WR)
    elif word == "read":
        data = b""
        while len(data) < int(rest) and (part := connection.recv(int(rest) - len(data))):
            data += part
        print(data.hex())
