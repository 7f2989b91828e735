#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""psycopg2: large objects by libpq's lo_*(), two connections at once with equal descriptors."""
from contextlib import closing

import psycopg2

first, second = psycopg2.connect(""), psycopg2.connect("")
oids = []
for n, connection in enumerate((first, second)):
    with closing(connection.lobject(0, "wb")) as large:
        print(large.write(b"\x00\xff" * 10 + f"object {n}".encode()))
        oids.append(large.oid)
    connection.commit()
# Of the same descriptor, the same questions: each has its own answers.
objects = [c.lobject(oid, "rb") for c, oid in zip((first, second), oids)]
for large in objects:
    print(large.read(4))
for large in reversed(objects):
    print(large.read(100), large.tell(), large.seek(20), large.read(3))
for large in objects:
    large.close()
first.commit()
second.commit()
with closing(first.lobject(0, "rwb")) as large:
    print(large.write(bytes(range(256)) * 4000))
    print(large.seek(0), large.read(1024000) == bytes(range(256)) * 4000)
    large.truncate(10)
    print(large.seek(0), large.read())
    oids.append(large.oid)
first.commit()
for oid in oids:
    first.lobject(oid, "n").unlink()
first.commit()
try:
    first.lobject(oids[0], "rb")
except psycopg2.Error as error:
    print(type(error).__name__, str(error).replace(str(oids[0]), "OID").strip())
first.rollback()
first.close()
second.close()
