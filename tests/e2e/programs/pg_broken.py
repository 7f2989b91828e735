#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Connections that the server drops in the middle of an answer: by its end, and by a reset."""
from pg_wire import Wire, show

for sql in ("close", "reset", "close at once", "reset at once"):
    wire = Wire()
    wire.send(("Q", sql.encode() + b"\0"))
    print(sql, "-", show(wire.until("Z")))
