#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""mockproxy trace: a line for each connect, with the address asked for, where it went, and how it
ended."""
import json
import threading

from harness import (
    MOCKPROXY,
    Listener,
    Suite,
    expect,
    expect_equal,
    folder,
    free_port,
    need_mockproxy,
    run,
)
from drivers import PYTHON

# Each connects once, and says what it saw.
PROGRAM = """
import socket, sys
for family, address in (
    (socket.AF_INET, ("127.0.0.1", {v4})), (socket.AF_INET6, ("::1", {v6})),
    (socket.AF_INET6, ("::ffff:127.0.0.1", {v4})), (socket.AF_INET, ("127.0.0.1", {closed})),
    (socket.AF_UNIX, "{unix}"),
):
    with socket.socket(family) as s:
        s.settimeout(60)
        try:
            s.connect(address)
            s.sendall(b"\\xff\\xff")  # of no protocol, which is known at once
            print(family.name, len(s.recv(10)))
        except OSError as error:
            print(family.name, type(error).__name__)
"""


class Trace:
    """One run of the program under trace."""

    def __init__(self, *options):
        self.listeners = [Listener(), Listener("::1")]
        self.v4, self.v6 = (listener.port for listener in self.listeners)
        self.closed = free_port()
        self.unix = str(folder("trace") / ".s.PGSQL.5432")
        text = PROGRAM.format(v4=self.v4, v6=self.v6, closed=self.closed, unix=self.unix)
        for listener in self.listeners:
            _echo(listener)
        self.done = run([MOCKPROXY, "trace", *options, "--", PYTHON, "-c", text]).expect(0)
        for listener in self.listeners:
            listener.close()
        self.output = self.done.stdout.decode() + self.done.errors()


def _echo(listener):
    def serve():
        while True:
            try:
                peer = listener.socket.accept()[0]
            except OSError:
                return
            with peer:
                peer.sendall(peer.recv(10))

    threading.Thread(target=serve, daemon=True).start()


def lines():
    trace = Trace()
    for words in (
        ("127.0.0.1", str(trace.v4)),
        ("[::1]", str(trace.v6)),
        (str(trace.closed), "refused"),
        (trace.unix,),
    ):
        found = [
            line
            for line in trace.output.splitlines()
            if all(word.lower() in line.lower() for word in words)
        ]
        expect(found, f"no line with {words}:\n{trace.output}")
        expect("python3[" in found[0], f"the program is not named: {found[0]}")
    for line in trace.output.splitlines():
        if f":{trace.v4} " in line:
            expect("→" in line or "->" in line, f"where did it go? {line}")


def app_output():
    """The app works as without it."""
    said = [
        line for line in Trace("-q").done.stdout.decode().splitlines() if line.startswith("AF_")
    ]
    expect_equal(said[:3], ["AF_INET 2", "AF_INET6 2", "AF_INET6 2"], "the app's output")
    expect_equal(len(said), 5, f"the app's output: {said}")


def as_json():
    trace = Trace("--json")
    rows = []
    for line in trace.output.splitlines():
        if line.startswith("{"):
            rows.append(json.loads(line))
    expect(len(rows) >= 5, f"{len(rows)} JSON lines:\n{trace.output}")
    for row in rows:
        missing = {"time", "program", "pid", "protocol", "verdict"} - set(row)
        expect(not missing, f"{missing} is missing in {row}")
    refused = [row for row in rows if row.get("port") == trace.closed]
    expect([row["result"] for row in refused] == ["failed"], f"refused: {refused}")
    text = json.dumps(rows)
    for word in (str(trace.v4), str(trace.v6), str(trace.closed), ".s.PGSQL.5432", "python3"):
        expect(word in text, f"{word} is not in {text}")


def main():
    need_mockproxy()
    suite = Suite()
    suite.run("a line for IPv4, IPv6, refused and Unix", lines)
    suite.run("the app is not disturbed", app_output)
    suite.run("--json", as_json)
    suite.finish()


main()
