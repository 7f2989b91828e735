#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Fast-path calls by the bytes: of functions that are not large objects', with errors, nulls and notices."""
import struct

from pg_wire import Wire, show

UPPER, DIVIDE, LENGTH, CURRENT_DATABASE = 871, 154, 1317, 861


def call(wire, oid, *arguments, forms=(), result=0):
    body = struct.pack(f">IH{len(forms)}H", oid, len(forms), *forms)
    body += struct.pack(">H", len(arguments))
    for argument in arguments:
        if argument is None:
            body += struct.pack(">i", -1)
        else:
            body += struct.pack(">i", len(argument)) + argument
    wire.send(("F", body + struct.pack(">H", result)))
    return show(wire.until("Z"))


wire = Wire()
loud = int(wire.query("select 'loud'::regproc::oid")[1][1][6:])
print(call(wire, UPPER, b"some text"))
print(call(wire, UPPER, b"some text", forms=(1,), result=1))
print(call(wire, UPPER, b""), call(wire, UPPER, None))
print(call(wire, LENGTH, b"four", result=1), call(wire, LENGTH, b"four"))
print(call(wire, CURRENT_DATABASE))
four, two, none = (struct.pack(">i", n) for n in (4, 2, 0))
print(call(wire, DIVIDE, four, two, forms=(1, 1), result=1), call(wire, DIVIDE, b"7", b"2"))
print(call(wire, DIVIDE, four, none, forms=(1,)), call(wire, DIVIDE, b"7"))
print(call(wire, loud, b"3"), call(wire, 1, b"x"))
print(show(wire.query("begin")), call(wire, UPPER, b"in a transaction"))
print(call(wire, DIVIDE, b"1", b"0"), call(wire, UPPER, b"failed"))
print(show(wire.query("rollback")), len(call(wire, UPPER, b"x" * 300000)))
wire.close()
