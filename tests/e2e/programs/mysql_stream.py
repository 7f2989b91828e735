#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Asks each argument as a query, and prints size and checksum of what came, keeping nothing.
`LONG:N` is a query whose packet is N bytes long.

Waits for a line on its standard input at the end, so that the test can look at the proxy meanwhile.
"""
import sys
import zlib

import mysql_raw


def query(argument):
    if not argument.startswith("LONG:"):
        return argument.encode()
    start, end = b"select length('", b"'), 'answered'"
    size = int(argument[5:]) - 1 - len(start) - len(end)
    return start + (b"0123456789abcdef" * (size // 16 + 1))[:size] + end


def ask(peer, argument):
    total = checksum = 0

    def see(part):
        nonlocal total, checksum
        total, checksum = total + len(part), zlib.crc32(part, checksum)

    peer.send(b"\x03" + query(argument))
    last = peer.answer(see)
    if last[:1] == b"\xff":
        raise RuntimeError(f"{argument[:60]}: {last!r}")
    return f"{total} bytes, checksum {checksum:08x}"


def main():
    peer = mysql_raw.Peer()
    for argument in sys.argv[1:]:
        print(ask(peer, argument), flush=True)
    print("done", flush=True)
    sys.stdin.readline()
    peer.close()


main()
