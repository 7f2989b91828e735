#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Large rows, queries and results of MySQL through the proxy, whose memory stays flat, and under
100 MB. Only a query is held whole: 90 MB beside it, of which SQLite's row of it is one half.

A result of 150 MB by default, of 1 GB with MOCKPROXY_BIG=1; rows and queries of 40 MB, and of the
sizes at which a message just fills its packets of 16 MB.
"""
import os

from drivers import PYTHON
from harness import PROGRAMS, Suite, folder, need_mockproxy
from memory import record_and_replay
from mysql import KINDS, WITHOUT_PASSWORD, Server

FULL = 0xFFFFFF  # bytes of a packet that another one follows
LARGE = 40 * 1024 * 1024
EACH = 100_000 if os.environ.get("MOCKPROXY_BIG") == "1" else 15_000
ROWS = 10_404  # of items with itself
RESULT = f"select one.id, other.id, repeat('x', {EACH}) from items one, items other"
TAIL = "select 'and the connection is usable'"


def row_of(size):
    """A row whose packet has so many bytes: the length before its one value is in them."""
    prefix = 4 if size - 4 < 1 << 24 else 9
    return f"select repeat('r', {size - prefix})"


CASES = {
    "a row of 40 MB": [row_of(LARGE), TAIL],
    "rows that just fill packets": [
        *[row_of(size) for size in (FULL - 1, FULL, FULL + 1, 2 * FULL)],
        TAIL,
    ],
    "a query of 40 MB": [f"LONG:{LARGE}", TAIL],
    "queries that just fill packets": [
        *[f"LONG:{size}" for size in (FULL - 1, FULL, FULL + 1, 2 * FULL)],
        TAIL,
    ],
    f"a result of {ROWS * EACH // 1_000_000} MB": [RESULT, TAIL],
}


def request_bytes(question):
    return int(question[5:]) if question.startswith("LONG:") else len(question)


def main():
    need_mockproxy()
    suite = Suite()
    for kind in KINDS:
        names = [name for name in CASES if suite.chosen(f"{kind}: {name}")]
        # The framing is the same: of MySQL one row and one query.
        if kind == "mysql":
            names = [name for name in names if "40 MB" in name]
        if not names:
            continue
        server, where = Server(kind), folder("big")
        database = server.create_database("big")
        environment = server.environment(database, WITHOUT_PASSWORD)
        for name in names:
            command = [PYTHON, PROGRAMS / "mysql_stream.py", *CASES[name]]
            path = where / f"{name}.db"
            what, count = f"{kind}: {name}", len(CASES[name])
            request = max(map(request_bytes, CASES[name]))
            record_and_replay(suite, server, path, what, command, environment, count, request)
        server.stop()
    suite.finish()


main()
