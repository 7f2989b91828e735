#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Reads a stream part by part, and asks for the next one only when it has the one before: http_ticks.py PORT events|lines.
Prints the parts, and to stderr how many seconds after the request each was read."""
import http.client
import sys
import time

PORT, WHAT = int(sys.argv[1]), sys.argv[2]

stream = http.client.HTTPConnection("127.0.0.1", PORT, timeout=30)
asked = time.monotonic()
stream.request("GET", f"/ticks?{WHAT}")
response = stream.getresponse()
asks = http.client.HTTPConnection("127.0.0.1", PORT, timeout=30)
for i in range(3):
    part = response.readline() + response.readline()
    print(f"after {time.monotonic() - asked:.3f}", file=sys.stderr, flush=True)
    print(part.decode().strip(), flush=True)
    if i < 2:
        time.sleep(float(sys.argv[3]) if len(sys.argv) > 3 else 0)
        asks.request("GET", "/tick")
        asks.getresponse().read()
print(response.read())
