#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A logical replication connection beside an ordinary one: what comes of it, or how it is refused."""
import struct

from pg_wire import Wire, show

plain = Wire()
print(show(plain.query("select 'plain'")))
stream = Wire(login=False)
answer = stream.start("replication", "app_trust", parameters={"replication": "database"})
print(show([message for message in answer if message[0] in "EZ"]), answer[-1][0])
if answer[-1][0] == "Z":
    print([kind for kind, _ in stream.query("IDENTIFY_SYSTEM")])
    create = "CREATE_REPLICATION_SLOT s TEMPORARY LOGICAL pgoutput"
    print([kind for kind, _ in stream.query(create)])
    start = "START_REPLICATION SLOT s LOGICAL 0/0 (proto_version '1', publication_names 'p')"
    stream.send(("Q", start.encode() + b"\0"))
    stream.until("W")
    plain.query("insert into sent values (1)")
    kind, seen = "d", b""
    while kind == "d" and (seen[:1] != b"w" or seen[25:26] != b"I"):
        kind, seen = stream.until("d")[-1]
    stream.send(("d", b"r" + struct.pack(">QQQQB", 0, 0, 0, 0, 0)), ("c", b""))
    print(stream.until("Z")[-1][0])
print(show(plain.query("select 'still here'")))
