# SPDX-License-Identifier: Apache-2.0
"""What the recorded Python programs share.

A program is a list of units. A unit is a sequence of queries on one connection whose answers do not
depend on the other units: it reads what nobody writes, and writes rows of its own. So the units may
run in any order and on any number of connections, and the report, sorted by the units' names, is
the same. Every program is called as `PROGRAM POOL SEED` and finds the server through the PG*
environment variables; the seed shuffles the units (0 leaves them as they are written).
"""
import random
import sys
import threading
import traceback

UNITS = []


def unit(*keys):
    """Registers a unit, or one for each key."""

    def register(function):
        for key in keys or (None,):
            name = function.__name__ if key is None else f"{function.__name__}.{key}"
            UNITS.append((name, function, key))
        return function

    return register


class Report:
    """Lines by unit."""

    def __init__(self):
        self._lines = {}
        self.failed = False

    def sayer(self, name):
        """The function with which a unit reports; a unit runs on one thread."""
        lines = self._lines[name] = []

        def say(*values):
            lines.append(" ".join(v if isinstance(v, str) else repr(v) for v in values))

        return say

    def error(self, name):
        """An error that the unit did not expect."""
        self.failed = True
        self._lines[name].append("UNEXPECTED " + traceback.format_exc(limit=-2))

    def print(self):
        for name in sorted(self._lines):
            for line in self._lines[name]:
                print(f"{name}: {line}")
        sys.stdout.flush()


def arguments():
    """The pool's size, and the units in this run's order."""
    pool, seed = int(sys.argv[1]), int(sys.argv[2])
    units = list(UNITS)
    if seed:
        random.Random(seed).shuffle(units)
    return pool, units


def call(function, connection, say, key):
    return function(connection, say) if key is None else function(connection, say, key)


class Nothing:
    """For programs whose units make their own connections."""

    def rollback(self):
        """Nothing to roll back."""

    def close(self):
        """Nothing to close."""


def run_threads(connect):
    """Runs all units on as many threads and connections as the pool has."""
    pool, units = arguments()
    report = Report()
    connections = [connect() for _ in range(pool)]
    queue = iter(units)
    lock = threading.Lock()

    def work(connection):
        while True:
            with lock:
                name, function, key = next(queue, (None, None, None))
                if name is None:
                    return
                say = report.sayer(name)
            try:
                call(function, connection, say, key)
            except Exception:  # pylint: disable=broad-except
                report.error(name)
                connection.rollback()

    threads = [threading.Thread(target=work, args=(c,)) for c in connections]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for connection in connections:
        connection.close()
    report.print()
    sys.exit(1 if report.failed else 0)
