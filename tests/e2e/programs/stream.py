#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Asks each argument as a simple query, and prints size and checksum of what came, keeping nothing.
`LONG:N` is a query of N bytes.

Waits for a line on its standard input at the end, so that the test can look at the proxy meanwhile.
"""
import sys
import zlib

import raw


def question(argument):
    if not argument.startswith("LONG:"):
        return argument
    start, end = "select length('", "'), 'answered'"
    size = int(argument[5:]) - len(start) - len(end)
    return start + ("0123456789abcdef" * (size // 16 + 1))[:size] + end


def ask(peer, text):
    peer.sendall(raw.query(question(text)))
    total = checksum = 0
    tail = b""
    buffer = memoryview(bytearray(1 << 20))
    while tail[-6:-1] != raw.READY:
        size = peer.recv_into(buffer)
        if not size:
            raise ConnectionError(f"the connection ended after {total} bytes")
        total += size
        checksum = zlib.crc32(buffer[:size], checksum)
        tail = (tail + bytes(buffer[max(0, size - 6) : size]))[-6:]
    return f"{total} bytes, checksum {checksum:08x}"


def main():
    with raw.connect() as peer:
        for text in sys.argv[1:]:
            print(ask(peer, text), flush=True)
        print("done", flush=True)
        sys.stdin.readline()


main()
