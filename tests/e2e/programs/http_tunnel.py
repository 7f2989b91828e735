#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Goes through an HTTP proxy with CONNECT: http_tunnel.py PROXY-PORT TARGET STEP... STEP is "send HEX", "read N" (prints it),
"early HEX" (sent with the CONNECT itself) or "shut"."""
import socket
import sys

PROXY, TARGET, *STEPS = sys.argv[1:]

connection = socket.create_connection(("127.0.0.1", int(PROXY)), timeout=30)
early = b"".join(bytes.fromhex(step[6:]) for step in STEPS if step.startswith("early "))
connection.sendall(f"CONNECT {TARGET} HTTP/1.1\r\nHost: {TARGET}\r\n\r\n".encode() + early)
head = b""
while not head.endswith(b"\r\n\r\n") and (byte := connection.recv(1)):
    head += byte
print(head.split(b"\r\n")[0].decode())
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
