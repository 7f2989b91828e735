# SPDX-License-Identifier: Apache-2.0
"""The least of the PostgreSQL protocol, for programs that need thousands of connections or
gigabytes."""
import os
import socket
import struct


def message(kind, body):
    return kind + struct.pack("!i", len(body) + 4) + body


def startup():
    names = {"user": os.environ["PGUSER"], "database": os.environ["PGDATABASE"]}
    body = b"".join(part.encode() + b"\0" for pair in names.items() for part in pair) + b"\0"
    return message(b"", struct.pack("!i", 0x30000) + body)


def query(text):
    return message(b"Q", text.encode() + b"\0")


READY = b"Z\0\0\0\5"  # and the transaction status


def read_until_ready(peer):
    """All bytes up to and with ReadyForQuery, of an answer that is small."""
    data = b""
    while data[-6:-1] != READY:
        part = peer.recv(65536)
        if not part:
            raise ConnectionError(f"the connection ended after {data!r}")
        data += part
    return data


def connect():
    """For a user who needs no password."""
    peer = socket.create_connection((os.environ["PGHOST"], int(os.environ["PGPORT"])))
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    peer.sendall(startup())
    read_until_ready(peer)
    return peer
