#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Notices between the rows of their statement, in all the ways that rows are fetched."""
from pg_wire import SYNC, Wire, bind, execute, parse, show

LOUD = "select loud(n) from generate_series(1, 4) n"

wire = Wire()
print(show(wire.query(LOUD)))
print(show(wire.query(f"{LOUD}; select 1; {LOUD} where n > 2")))
wire.send(parse(LOUD), bind(), execute(), SYNC)
print(show(wire.until("Z")))
wire.send(parse(LOUD), bind(), execute(2), execute(1), execute(3), SYNC)
print(show(wire.until("Z")))
print(show(wire.query("select loud(9 / (n - 3)) from generate_series(1, 4) n")))
print(show(wire.query("begin; insert into late values (1), (2)")))
print(show(wire.query("commit")))
print(show(wire.query("insert into late values (3)")))
wire.send(parse("insert into late values (4)"), bind(), execute(), SYNC)
print(show(wire.until("Z")))
# What is constant is evaluated while the portal is planned.
wire.send(parse("select constant(7)"), bind(), execute(), SYNC)
print(show(sorted(wire.until("Z"))))
wire.close()
