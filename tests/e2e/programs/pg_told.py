#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""One connection notifies, and before it has its answer another one, which listens, asks: prints what that one is answered. Sends both at a
line of its stdin."""
import sys

from pg_wire import Wire, show, text

says, hears = Wire(), Wire()
hears.query("listen jobs")
print("ready", flush=True)
sys.stdin.readline()
says.send(("Q", text("notify jobs, 'told'")))
hears.send(("Q", text("select 1")))
print("sent", flush=True)
print(show(hears.until("Z")), flush=True)
says.until("Z")
