#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Talks with websocket_server.js: websocket_client.py PORT PATH. Prints all that came."""
import asyncio
import hashlib
import json
import sys

import websockets

PORT, PATH = sys.argv[1:3]
COMPRESSION = "deflate" if PATH.startswith("/deflate") else None


def show(data):
    if isinstance(data, bytes) or len(data) > 100:
        data = data if isinstance(data, bytes) else data.encode()
        print(f"{len(data)} bytes {hashlib.sha1(data).hexdigest()}")
    else:
        print(json.dumps(data))


async def main():
    url = f"ws://127.0.0.1:{PORT}{PATH}"
    async with websockets.connect(url, compression=COMPRESSION) as socket:
        show(await socket.recv())
        for message in ("one", "two", b"\0\xff\x80", ["frag", "men", "ted"], "large 400000"):
            await socket.send(message)
            show(await socket.recv())
        await socket.send("three")
        for _ in range(3):
            show(await socket.recv())
        await socket.send("bye")
        try:
            await socket.recv()
        except websockets.ConnectionClosed as closed:
            print(f"closed {closed.rcvd.code} {closed.rcvd.reason}")


asyncio.run(main())
