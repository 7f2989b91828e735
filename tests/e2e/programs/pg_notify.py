#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""LISTEN and NOTIFY by the bytes: when which connection hears what. At "outside?" somebody else is
to notify of two things."""
from pg_wire import SYNC, Wire, bind, execute, parse, show

QUIET = 0.05

a, b, c = Wire(), Wire(), Wire()


def heard(wire, n=1):
    return show([wire.until("A")[-1] for _ in range(n)])


def quiet(*wires):
    return [show([wire.next(QUIET)]) for wire in wires]


print("listen", show(a.query("listen jobs")), show(c.query("LISTEN jobs; listen other")))
print("own", show(a.query("notify jobs, 'own'")), heard(c), quiet(b))
print("of another", show(b.query("notify jobs, 'first'")), heard(a), heard(c))
print("without payload", show(b.query("notify other")), heard(c), quiet(a))
print("equal ones", show(b.query("begin; notify jobs, 'two'; notify jobs, 'two'; notify jobs")))
print("not yet", quiet(a, c), show(b.query("commit")), heard(a, 2), heard(c, 2))
print("rolled back", show(b.query("begin; notify jobs, 'never'; rollback")), quiet(a, c))
print("failed", show(b.query("notify jobs, 'never'; select 1/0")), quiet(a, c))
b.query("begin; notify jobs, 'before'; savepoint s; notify jobs, 'inside'; rollback to s")
print("savepoint", show(b.query("notify jobs, 'after'; commit")), heard(a, 2), heard(c, 2))
b.send(parse("select pg_notify($1, $2)"), bind(("jobs", "bound")), execute(), SYNC)
print("bound", show(b.until("Z")), heard(a), heard(c))
print("trigger", show(b.query("insert into work values (7)")), heard(a), heard(c))
print("in a transaction", show(a.query("begin")), show(b.query("notify jobs, 'held'")), heard(c))
print("held", show(a.query("select 1")), show(a.query("commit")))
a.send(parse("select 2"), bind(), execute(), ("H", b""))
print("in a batch", show(a.until("C")), show(b.query("notify jobs, 'in a batch'")), heard(c))
a.send(SYNC)
print(show(a.until("Z")))
print("unlisten", show(a.query("unlisten jobs")), show(b.query("notify jobs, 'gone'")), heard(c))
print(quiet(a), show(c.query("listen late")), "outside?", flush=True)
print(heard(c, 2), quiet(a, b, c))
print("discard", show(c.query("discard all")), show(b.query("notify jobs, 'last'")), quiet(c))
for wire in (a, b, c):
    wire.close()
