#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Opens COUNT connections, asks a question on each, and holds them until its standard input says
so; then asks again. With PORT it asks there, by HTTP."""
import socket
import sys

import raw



class Postgres:
    question = raw.query("select 1")

    @staticmethod
    def connect():
        return raw.connect()

    @staticmethod
    def is_answered(peer):
        return b"C\0\0\0\rSELECT 1\0" in raw.read_until_ready(peer)


class Http:
    question = b"GET /held HTTP/1.1\r\nHost: held.test\r\n\r\n"

    @staticmethod
    def connect():
        return socket.create_connection(("127.0.0.1", int(sys.argv[2])))

    @staticmethod
    def is_answered(peer):
        data = b""
        while not data.endswith(b"\r\n\r\ntold\n"):
            part = peer.recv(4096)
            if not part:
                return False
            data += part
        return data.startswith(b"HTTP/1.1 200 ")


def ask_all(protocol, peers):
    """Sends all before it reads any."""
    for peer in peers:
        peer.sendall(protocol.question)
    return sum(protocol.is_answered(peer) for peer in peers)


def main():
    protocol = Http if len(sys.argv) > 2 else Postgres
    peers = [protocol.connect() for _ in range(int(sys.argv[1]))]
    print("held", ask_all(protocol, peers), flush=True)
    sys.stdin.readline()
    print("still", ask_all(protocol, peers), flush=True)


main()
