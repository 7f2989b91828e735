# SPDX-License-Identifier: Apache-2.0
"""A large COPY: into a table (in text or in binary), or out of a query. Prints what passed, its digest, and "done"; waits then."""
import hashlib
import struct
import sys

import psycopg

MEGABYTES, WAY, BINARY = int(sys.argv[1]), sys.argv[2], "binary" in sys.argv[3:]
PADDING = b"0123456789abcdef" * 62
HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)


def text():
    for n in range(MEGABYTES):
        yield b"".join(b"%d\t%s\n" % (n * 1000 + i, PADDING) for i in range(1000))


def binary():
    yield HEADER
    for n in range(MEGABYTES):
        yield b"".join(
            struct.pack(">hiii", 2, 4, (n * 1000 + i) % 2**31, len(PADDING)) + PADDING
            for i in range(1000)
        )
    yield b"\xff\xff"


def main():
    hashed, size = hashlib.sha256(), 0
    with psycopg.connect("") as connection, connection.cursor() as cursor:
        if WAY == "into":
            # What is put into it is not kept: the disk is not what is measured.
            cursor.execute("create temp table big (a int, b text)")
            cursor.execute(
                "create function pg_temp.no() returns trigger language plpgsql as 'begin return null; end'"
            )
            cursor.execute(
                "create trigger no before insert on big for each row execute function pg_temp.no()"
            )
            form = " (format binary)" if BINARY else ""
            with cursor.copy("copy big from stdin" + form) as copy:
                for block in binary() if BINARY else text():
                    copy.write(block)
                    size += len(block)
        else:
            with cursor.copy(
                f"copy (select n, repeat('0123456789abcdef', 62) from generate_series(1, {MEGABYTES} * 1000) n)"
                " to stdout"
            ) as copy:
                for block in copy:
                    hashed.update(block)
                    size += len(block)
        print(cursor.rowcount, size, hashed.hexdigest(), flush=True)
    print("done", flush=True)
    sys.stdin.readline()


main()
