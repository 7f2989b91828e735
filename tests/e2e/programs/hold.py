#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Opens COUNT connections, asks a question on each, and holds them until its standard input says
so; then asks again."""
import sys

import raw

QUESTION = raw.query("select 1")


def ask_all(peers):
    """Sends all before it reads any."""
    for peer in peers:
        peer.sendall(QUESTION)
    return sum(b"C\0\0\0\rSELECT 1\0" in raw.read_until_ready(peer) for peer in peers)


def main():
    peers = []
    for _ in range(int(sys.argv[1])):
        peers.append(raw.connect())
    print("held", ask_all(peers), flush=True)
    sys.stdin.readline()
    print("still", ask_all(peers), flush=True)


main()
